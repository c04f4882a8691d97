//! What was given and what it can tell: files, hosts and clocks, coverage, gaps, verdicts, problems.

use super::{AnalyticId, EvidenceNumber, Sha256Text, Time, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Earliest time in it, on the reference clock as far as its own is known.
    pub first_time: Option<Time>,
    /// Latest time in it, likewise.
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
        "capture-dropped", "capture-cut", "one-sided", "part-seen", "unread", "no-logs", "log-starts-late",
        "logs-end-early", "records-missing", "log-cleared", "logging-changed", "summed-up",
        "form", "clock-unknown", "tunnelled", "no-tcp"]))]
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
    /// How far it could be judged, whether or not something was found: `fully`, `partly`, `not`; empty
    /// in reports of schema 1.3 and before.
    #[serde(default)]
    #[schemars(extend("enum" = ["fully", "partly", "not", ""]))]
    pub judgeable: Word,
    /// Why it could not be judged better than that.
    pub words: String,
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
