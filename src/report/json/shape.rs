//! The shape of the report: these structs are the schema.
//!
//! Members keep their names and meanings within a major version. No integer is above 2^53: times
//! are text, only differences are numbers. A report is read back into the same structs: every
//! rendering and export is made from them.

use super::refs::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A word of a fixed list: borrowed where the report is made, owned where it is read back.
pub type Word = Cow<'static, str>;

/// UTC, RFC 3339, always nine fractional digits and Z, so that text order is time order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = r"^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{9}Z$"))]
pub struct Time(pub String);

/// What an evidence file is called: `E` and its number in sorted path order; for a member of an
/// archive, the archive and the name: `E7!Security.evtx`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = "^E[1-9][0-9]*(![A-Za-z0-9._%+()~/-]+)*$"))]
pub struct EvidenceNumber(pub String);

/// SHA-256 in lower-case hexadecimal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
pub struct Sha256Text(pub String);

/// The id of an analytic.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = "^[A-Z][A-Z0-9-]{1,15}$"))]
pub struct AnalyticId(pub String);

/// casewire report, major version 1
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Report {
    /// Always `casewire-report`.
    #[schemars(extend("const" = "casewire-report"))]
    pub schema: Word,
    /// Version of this schema.
    #[schemars(extend("pattern" = r"^1\.[0-9]+\.[0-9]+$"))]
    pub schema_version: Word,
    /// What made the report.
    pub tool: Tool,
    /// What it was made for, as given.
    pub case: CaseFile,
    /// What was asked, with every setting in force.
    pub parameters: Parameters,
    /// The files.
    pub evidence: Vec<Evidence>,
    /// The hosts.
    pub hosts: Vec<Host>,
    /// Which need of which analytic is met on which host.
    pub coverage: Vec<Coverage>,
    /// What is missing in the evidence.
    pub gaps: Vec<Gap>,
    /// What the evidence contradicts itself about: who had which address. Not in reports before
    /// version 1.2.
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// Whether each analytic could judge each host, and what came of it.
    pub verdicts: Vec<Verdict>,
    /// What was found, in the order of severity, confidence, time, analytic and id.
    pub findings: Vec<Finding>,
    /// What each suppression rule did.
    pub suppression: Vec<SuppressionRule>,
    /// What came close and was not reported, nearest first.
    pub near_misses: Vec<NearMiss>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Which evidence to collect next.
    pub advice: Vec<String>,
    /// Facts about the run that a reader must know.
    pub notes: Vec<String>,
    /// Counts.
    pub summary: Summary,
}

/// What made the report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Tool {
    /// `casewire`.
    pub name: Word,
    /// Its version.
    pub version: String,
    /// The commit it was built from; empty where the build did not say.
    pub commit: String,
}

/// What the report was made for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CaseFile {
    /// Case number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Examiner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examiner: Option<String>,
}

/// What was asked of the run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Parameters {
    /// SHA-256 of everything that can change a result beside the evidence: every setting in force,
    /// the window, what was stated of hosts and network, the suppression rules.
    pub sha256: Sha256Text,
    /// SHA-256 of the settings file; null where none was given.
    pub config_sha256: Option<Sha256Text>,
    /// The profile that the settings start from.
    #[schemars(extend("enum" = ["default", "strict", "sensitive"]))]
    pub profile: Word,
    /// Always `UTC`.
    pub time_zone: Word,
    /// The window asked for.
    pub window: Window,
    /// The analytics that ran.
    pub analytics: Vec<AnalyticRun>,
    /// How clocks were treated.
    pub clock: ClockMode,
    /// Addresses that hosts were said to have had.
    pub hosts: Vec<HostAddress>,
    /// What was stated of the network.
    pub network: Network,
    /// Known scanners.
    pub scanners: Vec<String>,
    /// Baseline files that counted.
    pub baselines: Vec<BackgroundFile>,
    /// Lists of known hosts that counted.
    pub known_hosts: Vec<BackgroundFile>,
    /// When something was contained, as stated by the examiner.
    pub containments: Vec<Containment>,
}

/// A file beside the evidence that findings may rest on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BackgroundFile {
    /// As given.
    pub name: String,
    /// SHA-256.
    pub sha256: Sha256Text,
    /// UTC days a baseline rests on; empty for a list of hosts.
    pub days: Vec<String>,
}

/// What the settings file states of the network.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Network {
    /// Internal ranges; empty where none were stated.
    pub internal: Vec<String>,
    /// Segments, one network each.
    pub segments: Vec<Segment>,
    /// Roles of hosts.
    pub roles: Vec<HostRole>,
}

/// A network of a segment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Segment {
    /// Name of the segment.
    pub name: String,
    /// The network.
    pub network: String,
}

/// The role of a host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HostRole {
    /// Name or address.
    pub host: String,
    /// The role.
    #[schemars(extend("enum" = ["workstation", "server", "domain-controller", "scanner", "monitoring"]))]
    pub role: Word,
}

/// A window of time; null is open.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Window {
    /// From this moment on.
    pub start: Option<Time>,
    /// Until this moment.
    pub end: Option<Time>,
}

/// One analytic that ran.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AnalyticRun {
    /// Its id.
    pub id: AnalyticId,
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Every setting in force, as text that `--set` reads.
    pub settings: BTreeMap<String, String>,
    /// The settings that were changed from their defaults.
    pub changed: Vec<String>,
}

/// How clocks were treated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ClockMode {
    /// `measured`: offsets were measured from the evidence and applied; `as-recorded`: none was;
    /// `given`: only those in `given` were.
    #[schemars(extend("enum" = ["as-recorded", "measured", "given"]))]
    pub mode: Word,
    /// Offsets that the examiner gave; they win over measured ones.
    pub given: Vec<GivenClock>,
    /// Clock error assumed where none could be measured, in nanoseconds.
    pub max_skew_ns: i64,
}

/// The offset of a host's clock, as given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct GivenClock {
    /// The host.
    pub host: String,
    /// How far its clock is ahead, in nanoseconds.
    pub offset_ns: i64,
}

/// A containment as stated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Containment {
    /// When it took effect.
    pub time: String,
    /// The host it was for, as given; `null` for all.
    pub host: Option<String>,
}

/// An address a host was said to have had.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HostAddress {
    /// Its name.
    pub name: String,
    /// The address.
    pub address: String,
}

/// One evidence file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Evidence {
    /// Its number.
    pub id: EvidenceNumber,
    /// `pcap`, `pcapng`, `evtx` …
    pub kind: String,
    /// Its path, as shown.
    pub path: String,
    /// The archive it lies in; its path then stands behind a `!`, and its hash is that of its
    /// unpacked bytes. Left out for files of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<EvidenceNumber>,
    /// Bytes on disk.
    pub size: u64,
    /// Hashes of the file as it lies on disk.
    pub hashes: Hashes,
    /// Whether the file was the same after the run; null where that was not checked.
    pub verified_after_run: Option<bool>,
    /// Earliest time in it.
    pub first_time: Option<Time>,
    /// Latest time in it.
    pub last_time: Option<Time>,
    /// Packets or records read.
    pub units_read: u64,
    /// Packets or records that could not be read.
    pub units_skipped: u64,
    /// What could not be read in it.
    pub problems: Vec<Problem>,
}

/// Hashes of a file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Hashes {
    /// SHA-256; null where hashing was switched off.
    pub sha256: Option<Sha256Text>,
}

/// One host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Host {
    /// Its number in this report.
    #[schemars(extend("pattern" = "^H[1-9][0-9]*$"))]
    pub id: String,
    /// Its name; null if only an address is known.
    pub name: Option<String>,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// The files that speak of it.
    pub evidence: Vec<EvidenceNumber>,
    /// Its clock.
    pub clock: Clock,
}

/// A host's clock against the reference clock.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Clock {
    /// How far it is ahead; null if that could not be measured.
    pub offset_ns: Option<i64>,
    /// Half width of the interval the offset lies in.
    pub uncertainty_ns: Option<i64>,
    /// How that is known.
    pub method: String,
    /// Pairs of packet and event that agreed on it.
    pub anchors: u64,
}

/// One need of one analytic on one host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Coverage {
    /// The analytic.
    pub analytic: AnalyticId,
    /// The host.
    pub host: String,
    /// What is needed.
    pub needs: String,
    /// How far it is met.
    #[schemars(extend("enum" = ["seen", "present", "partial", "absent", "unknown"]))]
    pub status: Word,
    /// By which files.
    pub evidence: Vec<EvidenceNumber>,
    /// From when.
    pub start: Option<Time>,
    /// Until when.
    pub end: Option<Time>,
    /// What qualifies it.
    pub note: String,
    /// The gaps that take from it, by number.
    pub gaps: Vec<GapNumber>,
}

/// The number of a gap in this report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("pattern" = "^G[1-9][0-9]*$"))]
pub struct GapNumber(pub String);

/// Something that is missing in the evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Gap {
    /// Its number in this report.
    pub id: GapNumber,
    /// What sort of gap.
    #[schemars(extend("enum" = ["no-capture", "capture-short", "capture-silence",
        "capture-dropped", "capture-cut", "one-sided", "unread", "no-logs", "log-starts-late",
        "logs-end-early", "records-missing", "log-cleared", "logging-changed", "summed-up",
        "form"]))]
    pub kind: Word,
    /// The host; null if it is about the captures.
    pub host: Option<String>,
    /// The files it is about.
    pub evidence: Vec<EvidenceNumber>,
    /// From when; null where that is not known.
    pub start: Option<Time>,
    /// Until when; null where that is not known.
    pub end: Option<Time>,
    /// What is missing.
    pub what: String,
    /// What may be the cause, and what that costs.
    pub why: String,
    /// What would fill it; null where nothing can.
    pub remedy: Option<String>,
}

/// Evidence that contradicts itself about an address.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Conflict {
    /// What sort: several hosts claim an address; weaker evidence gives it to another host; one
    /// name has several addresses; one address has several names; a name may mean several hosts.
    #[schemars(extend("enum" = ["address", "overruled", "several-addresses", "several-names",
        "several-hosts", "firewall-log"]))]
    pub kind: Word,
    /// The addresses it is about; of many, a few.
    pub addresses: Vec<String>,
    /// The hosts or names it is about; of many, a few.
    pub names: Vec<String>,
    /// From when; null where that is not known.
    pub start: Option<Time>,
    /// Until when; null where that is not known.
    pub end: Option<Time>,
    /// What the evidence says.
    pub what: String,
    /// What was made of it.
    pub taken: String,
}

/// Whether an analytic could judge a host, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Verdict {
    /// The analytic.
    pub analytic: AnalyticId,
    /// The host.
    pub host: String,
    /// `found`; `quiet`: judged, nothing there; `partly`: judged in part, nothing there;
    /// `blind`: could not have found anything.
    #[schemars(extend("enum" = ["found", "quiet", "partly", "blind"]))]
    pub verdict: Word,
    /// Why it is not better than that.
    pub words: String,
}

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
    /// Time of the first step.
    pub first_time: Time,
    /// Time of the last step.
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
    /// The rule that suppresses it; null if none does.
    pub suppressed: Option<Suppressed>,
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

/// Something that could not be read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Problem {
    /// The file; null if it is about the run.
    pub evidence: Option<EvidenceNumber>,
    /// What kind, by its stable name.
    pub kind: String,
    /// `loss`: some evidence could not be read; `note`: nothing was lost.
    #[schemars(extend("enum" = ["loss", "note"]))]
    pub weight: Word,
    /// How often.
    pub count: u64,
    /// Byte offset of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_offset: Option<u64>,
    /// What was found.
    pub message: String,
    /// What that costs.
    pub effect: String,
}

/// Counts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Summary {
    /// Findings that no rule suppresses.
    pub findings: u64,
    /// The same by severity.
    pub by_severity: BySeverity,
    /// Findings that a rule suppresses.
    pub suppressed: u64,
    /// What was read.
    pub events: Events,
    /// First moment of the evidence.
    pub first_time: Option<Time>,
    /// Last moment of the evidence.
    pub last_time: Option<Time>,
}

/// Counts by severity.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BySeverity {
    /// Critical.
    pub critical: u64,
    /// High.
    pub high: u64,
    /// Medium.
    pub medium: u64,
    /// Low.
    pub low: u64,
    /// Info.
    pub info: u64,
}

/// What was read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Events {
    /// Packets.
    pub packets: u64,
    /// Event records.
    pub records: u64,
}
