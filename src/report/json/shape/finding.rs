//! What was found: findings with their steps, suppression, near misses.

use super::{AnalyticId, Time, Word};
use crate::report::json::refs::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Severity.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("enum" = ["critical", "high", "medium", "low", "info"]))]
pub struct SeverityWord(pub Word);

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Finding {
    /// Stable id: the same evidence and settings give the same id.
    #[schemars(extend("pattern" = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub id: String,
    /// `F` and the first eight digits of the id.
    #[schemars(extend("pattern" = "^F[0-9a-f]{8}$"))]
    pub short_id: String,
    /// Its number in this report.
    pub number: u64,
    /// Number of an earlier finding that cites one of the same steps.
    pub same_activity_as: Option<u64>,
    /// The analytic that found it.
    pub analytic: Analytic,
    /// Other analytics whose pattern the same steps satisfy.
    pub also_satisfies: Vec<AnalyticId>,
    /// What the evidence shows, in one sentence.
    pub title: String,
    /// How bad it would be, if it is what it looks like.
    pub severity: SeverityWord,
    /// Which halves of the evidence carry it.
    #[schemars(extend("enum" = ["both", "host-only", "network-only", "partial"]))]
    pub tier: Word,
    /// How sure.
    pub confidence: Confidence,
    /// How far the evidence fits the pattern.
    #[schemars(extend("enum" = ["consistent_with_pattern", "partial_pattern", "order_uncertain"]))]
    pub verdict: Word,
    /// When the pattern began: its first step, or earlier where the steps are only a selection.
    pub first_time: Time,
    /// When the pattern ended: its last step, or later where the steps are only a selection.
    pub last_time: Time,
    /// Who it is about.
    pub entities: Entities,
    /// Where it stands in ATT&CK.
    pub attack: Vec<Attack>,
    /// The conditions that hold, each with its setting and the measured value.
    pub conditions: Vec<Condition>,
    /// Facts in rows and columns that the conditions rest on.
    pub tables: Vec<Table>,
    /// The steps, in order.
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
    /// What the order rests on.
    pub order: Order,
    /// Evidence that was not there, and what that leaves open.
    pub missing: Vec<Missing>,
    /// What else it could be.
    pub alternatives: Vec<String>,
    /// What to do next.
    pub actions: Vec<String>,
    /// Further facts.
    pub notes: Vec<String>,
    /// Findings before and after it that it may belong to; absent where there is none (since 1.7.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain>,
    /// The rule that suppresses it; null if none does.
    pub suppressed: Option<Suppressed>,
}

/// Findings that it may belong to, because of a connection that one cites to the host that is the source of
/// the other.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Chain {
    /// Findings in which the source of this one was reached, the most severe first.
    pub reached_in: Vec<Reached>,
    /// Numbers of findings whose source was reached in this one, the most severe first.
    pub source_of: Vec<u64>,
    /// There may be more than are listed.
    pub more: bool,
}

/// A finding in which the source of another was reached.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Reached {
    /// Its number.
    pub number: u64,
    /// How long the connection was completed before the first step of the other, in nanoseconds; null where
    /// the clocks leave their order open.
    pub before_ns: Option<i64>,
}

/// The analytic that found it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Analytic {
    /// Its id.
    pub id: AnalyticId,
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
}

/// How sure.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Confidence {
    /// The score in a word.
    #[schemars(extend("enum" = ["high", "medium", "low"]))]
    pub level: Word,
    /// 0 to 100.
    #[schemars(range(max = 100))]
    pub score: u8,
    /// What the score adds up from, before it is capped.
    pub items: Vec<ScoreItem>,
}

/// One line of the score.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScoreItem {
    /// Why.
    pub reason: String,
    /// How much.
    pub points: i32,
}

/// Who a finding is about.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Entities {
    /// The other side.
    pub remote: Option<Remote>,
    /// The host.
    pub host: Option<FindingHost>,
    /// Ports.
    pub ports: PortLists,
    /// The process at the centre.
    pub process: Option<ProcessName>,
    /// MAC addresses that were to be woken.
    pub woken: Vec<String>,
}

/// The other side.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Remote {
    /// IP address.
    pub address: Option<String>,
    /// MAC address.
    pub mac: Option<String>,
}

/// The host a finding is about.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct FindingHost {
    /// Its address.
    pub address: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// Ports of a finding.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PortLists {
    /// Closed ports that were touched, in order.
    pub probed: Vec<u16>,
    /// Ports that opened or were reached.
    pub opened: Vec<u16>,
}

/// A process.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ProcessName {
    /// Image, as written.
    pub name: String,
    /// Process id.
    pub pid: Option<u32>,
}

/// An ATT&CK object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Attack {
    /// What it is.
    #[schemars(extend("enum" = ["analytic", "detection_strategy", "technique", "tactic"]))]
    pub kind: Word,
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A condition that holds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Condition {
    /// What was asked.
    pub text: String,
    /// The setting it was held against.
    pub setting: String,
    /// What was measured.
    pub measured: String,
}

/// Facts in rows and columns.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Column headings.
    pub columns: Vec<String>,
    /// Rows, each with a cell for each column.
    pub rows: Vec<Vec<String>>,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Step {
    /// From 1.
    #[schemars(range(min = 1))]
    pub n: u64,
    /// The part it plays.
    #[schemars(extend("enum" = ["probe", "change", "connect", "block", "fallback", "process",
        "scan", "failed", "wake", "context"]))]
    pub role: Word,
    /// Time on the reference clock.
    pub time: Time,
    /// Time as the evidence says.
    pub recorded_time: Time,
    /// What was added to the recorded time.
    pub offset_applied_ns: i64,
    /// `unknown` where the times of this host are local and of a zone that is neither measured nor
    /// given: both times stand as written, whatever their `Z`. Left out where they are UTC, and before
    /// version 1.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["unknown"]))]
    pub time_zone: Option<Word>,
    /// Time since the step before; 0 for the first.
    pub delta_ns: i64,
    /// What happened, in one sentence.
    pub summary: String,
    /// A remark, such as `first in this evidence`.
    pub remark: String,
    /// The packets and records that show it.
    #[schemars(length(min = 1))]
    pub refs: Vec<Ref>,
    /// What the packets and records say, by name.
    pub fields: BTreeMap<Word, Value>,
}

/// What `time_zone` says of a local time whose zone nothing tells.
pub const UNKNOWN_ZONE: &str = "unknown";

/// One event of the timeline: a line of `casewire timeline -f jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TimelineEvent {
    /// Time on the reference clock.
    pub time: Time,
    /// Time as the evidence says.
    pub recorded_time: Time,
    /// What was added to the recorded time.
    pub offset_applied_ns: i64,
    /// As in a step of a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Word>,
    /// What happened, in one sentence.
    pub summary: String,
    /// The packets and records that show it.
    pub refs: Vec<Ref>,
    /// What they say, by name.
    pub fields: BTreeMap<Word, Value>,
}

/// A value of a field. Each field name has values of one type only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Flag(bool),
}

/// What the order of a finding rests on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Order {
    /// The smallest gap between two clocks that the order rests on; null if one clock served.
    pub smallest_gap_ns: Option<i64>,
    /// The uncertainty it was held against.
    pub uncertainty_ns: i64,
    /// True if every order the finding needs is certain.
    pub certain: bool,
    /// Sentences about the clocks.
    pub notes: Vec<String>,
}

/// Evidence that was not there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Missing {
    /// What was not there.
    pub telemetry: String,
    /// On which host; null for the network.
    pub host: Option<String>,
    /// What that leaves open.
    pub effect: String,
}

/// Why a finding is not shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Suppressed {
    /// The rule.
    pub rule: String,
    /// Its reason.
    pub reason: String,
    /// Who made it.
    pub by: String,
    /// When it ends.
    pub until: Option<String>,
}

/// What a suppression rule did.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SuppressionRule {
    /// Where it stands in the settings file.
    #[schemars(range(min = 1))]
    pub line: u64,
    /// What it asks.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// Its last day.
    pub until: String,
    /// Numbers of the findings it suppresses.
    pub suppressed: Vec<u64>,
    /// Numbers of findings that it would suppress had it not expired before them.
    pub expired_before: Vec<u64>,
    /// What a reader must know about it.
    pub remarks: Vec<String>,
}

/// Something that came close.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NearMiss {
    /// The analytic.
    pub analytic: AnalyticId,
    /// How many conditions were missing.
    pub missing: u32,
    /// When.
    pub time: Time,
    /// What was there and what was not.
    pub text: String,
    /// Where.
    pub refs: Vec<Ref>,
}
