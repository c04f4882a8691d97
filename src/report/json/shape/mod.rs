//! The shape of the report: these structs are the schema.
//!
//! Members keep their names and meanings within a major version. No integer is above 2^53: times
//! are text, only differences are numbers. A report is read back into the same structs: every
//! rendering and export is made from them.

mod evidence;
mod finding;
mod run;

pub use evidence::*;
pub use finding::*;
pub use run::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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
    /// Whose times are local and of a zone that is neither measured nor given, as `WS01 (pfirewall)`:
    /// what this report gives as their UTC is their time as written. Not in reports before version
    /// 1.3.
    #[serde(default)]
    pub unknown_zones: Vec<String>,
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
