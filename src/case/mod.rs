//! A case: everything one run has to say, in the form that every report is rendered from.
//!
//! Plain data, complete and sorted. Nothing here reads evidence, judges it or renders it.

pub mod chains;
pub mod conflict;
pub mod gaps;
pub mod incident;
pub mod inventory;
pub mod judged;
pub mod merging;
mod parameters;
pub mod sides;
pub mod suppression;
#[cfg(test)]
mod tests;
pub mod tunnelled;
mod whole;
mod wishes;

pub use conflict::{ConflictKind, ConflictRow};
pub use gaps::{Gap, GapKind};
pub use incident::{Incident, Suppressed};
pub use suppression::RuleRow;

use crate::analytics::about::{Described, Profile};
use crate::config::Rule;
use crate::context::Assets;
use crate::context::clocks::ClockChoice;
use crate::context::containment::Stated;
use crate::evidence::{Problem, Weight};
use crate::model::finding::NearMiss;
use crate::model::provenance::Item;
use crate::model::{EvidenceId, Labels, Span, Text, Timestamp};
use std::net::IpAddr;
use std::path::PathBuf;

/// What one run has to say.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Version of the tool, as `0.1.0`.
    pub version: String,
    /// Commit the tool was built from; empty where the build did not say.
    pub commit: String,
    /// Case number, as given.
    pub number: Option<String>,
    /// Examiner, as given.
    pub examiner: Option<String>,
    /// What was asked, with every setting in force.
    pub parameters: Parameters,
    /// What evidence files are called in references.
    pub labels: Labels,
    /// The evidence, in the order of its ids.
    pub evidence: Vec<EvidenceRow>,
    /// The hosts, in the order in which tables show them.
    pub hosts: Vec<HostRow>,
    /// Which need of which analytic is met on which host.
    pub coverage: Vec<CoverageRow>,
    /// What is missing in the evidence: of the captures first, then host by host.
    pub gaps: Vec<Gap>,
    /// What contradicts itself about addresses.
    pub conflicts: Vec<ConflictRow>,
    /// One per analytic that ran and host.
    pub verdicts: Vec<VerdictRow>,
    /// The incidents, numbered from 1 in this order; see `incident::number`.
    pub incidents: Vec<Incident>,
    /// What each suppression rule did, in the order of the settings file.
    pub rules: Vec<RuleRow>,
    /// What came close, nearest first.
    pub near_misses: Vec<NearMiss>,
    /// What could not be read, in order.
    pub problems: Vec<Problem>,
    /// Which evidence to collect next, most useful first, as sentences.
    pub advice: Vec<String>,
    /// Facts about the run that a reader must know, as sentences.
    pub notes: Vec<String>,
    /// How many of the notes, the first ones, must stand on the first screen: they say that the
    /// evidence contradicts itself.
    pub pressing: usize,
    /// How much was read.
    pub totals: Totals,
    /// First and last moment of the evidence; `None` if it holds no event.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Whose times are local and of an unknown zone, as `WS01 (pfirewall)`.
    pub unknown_zones: Vec<String>,
}

/// What was asked of the run.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// Earliest event wanted.
    pub from: Option<Timestamp>,
    /// Latest event wanted.
    pub to: Option<Timestamp>,
    /// Clock error assumed where none can be measured.
    pub max_skew: Span,
    /// How clocks were treated.
    pub clock: ClockChoice,
    /// Addresses that hosts are said to have had.
    pub hosts: Vec<(String, IpAddr)>,
    /// The profile in force.
    pub profile: Profile,
    /// SHA-256 of the settings file; `None` where none was given.
    pub config_sha256: Option<[u8; 32]>,
    /// Roles, segments and internal ranges as stated.
    pub assets: Assets,
    /// Known scanners, as written.
    pub scanners: Vec<String>,
    /// Suppression rules.
    pub rules: Vec<Rule>,
    /// When something was contained, as stated.
    pub containments: Vec<Stated>,
    /// Baseline files that counted.
    pub baselines: Vec<BackgroundFile>,
    /// Lists of known hosts that counted.
    pub known_hosts: Vec<BackgroundFile>,
    /// The analytics that ran, with their settings in force.
    pub analytics: Vec<Described>,
}

/// A file beside the evidence that findings may rest on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackgroundFile {
    /// As given.
    pub name: String,
    /// SHA-256.
    pub sha256: [u8; 32],
    /// UTC days a baseline rests on; empty for a list.
    pub days: Vec<String>,
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets.
    pub packets: u64,
    /// Event records.
    pub records: u64,
}

/// One evidence file.
#[derive(Clone, Debug)]
pub struct EvidenceRow {
    /// Its number.
    pub id: EvidenceId,
    /// `pcap`, `pcapng`, `evtx` …
    pub kind: String,
    /// Whether its form is one that is read, or opened as an archive.
    pub used: bool,
    /// Path as shown: relative to what was given; a member of an archive behind a `!`.
    pub path: String,
    /// The archive it lies in, for a member of one.
    pub archive: Option<EvidenceId>,
    /// Where it was opened. No report says it: the record must not depend on where evidence lies.
    pub location: PathBuf,
    /// Bytes on disk.
    pub size: u64,
    /// SHA-256 of the file as it lies on disk; `None` where hashing was switched off.
    pub sha256: Option<[u8; 32]>,
    /// Whether the file was the same after the run; `None` where that was not checked.
    pub verified_after_run: Option<bool>,
    /// Earliest time in it, on the reference clock as far as its own is known.
    pub first_time: Option<Timestamp>,
    /// Latest time in it, likewise.
    pub last_time: Option<Timestamp>,
    /// Whether its units are packets or records.
    pub unit: Item,
    /// Packets or records read.
    pub units_read: u64,
    /// Packets or records that could not be read.
    pub units_skipped: u64,
}

/// One host.
#[derive(Clone, Debug)]
pub struct HostRow {
    /// Name; empty if only an address is known.
    pub name: Text,
    /// Addresses, sorted.
    pub addresses: Vec<IpAddr>,
    /// Files that speak of it.
    pub evidence: Vec<EvidenceId>,
    /// Its clock.
    pub clock: Clock,
}

impl HostRow {
    /// What to call it: its name, else its first address, else `unnamed host`.
    pub fn label(&self) -> String {
        match (self.name.is_empty(), self.addresses.first()) {
            (false, _) => self.name.to_string(),
            (true, Some(address)) => address.to_string(),
            (true, None) => "unnamed host".to_owned(),
        }
    }
}

/// What is known of a host's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// How far it is ahead of the reference clock; `None` if that could not be measured.
    pub offset: Option<Span>,
    /// How far it is ahead at last, where it was set meanwhile.
    pub last: Option<Span>,
    /// Half width of the interval the offset lies in; `None` if not known.
    pub uncertainty: Option<Span>,
    /// How that is known, in a few words.
    pub method: String,
    /// How many pairs of packet and event agreed on it.
    pub anchors: u64,
}

/// How far a need is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Met {
    /// The very thing asked for occurs in the evidence.
    Seen,
    /// The source that would hold it is there for the whole window.
    Present,
    /// There for a part of the window, or weaker than asked.
    Partial,
    /// Not there: what can be found without it, the verdict says.
    Absent,
    /// Cannot be told.
    Unknown,
}

impl Met {
    /// The stable name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Present => "present",
            Self::Partial => "partial",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }
}

/// One need of one analytic on one host.
#[derive(Clone, Debug)]
pub struct CoverageRow {
    /// `AN0842`.
    pub analytic: &'static str,
    /// The host, as `HostRow::label` says it.
    pub host: String,
    /// The need, as `Need::name` says it.
    pub needs: String,
    /// How far it is met.
    pub status: Met,
    /// By which files.
    pub evidence: Vec<EvidenceId>,
    /// From when.
    pub start: Option<Timestamp>,
    /// Until when.
    pub end: Option<Timestamp>,
    /// What qualifies it; empty where there is nothing to say.
    pub note: String,
    /// The gaps that take from it, as places in `Case::gaps`.
    pub gaps: Vec<usize>,
}

/// How far an analytic could judge a host. What it found changes nothing about that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgeable {
    /// All it needs is there.
    Fully,
    /// A part of what it needs is there.
    Partly,
    /// Something without which it cannot find anything is missing.
    Not,
}

impl Judgeable {
    /// The stable name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fully => "fully",
            Self::Partly => "partly",
            Self::Not => "not",
        }
    }
}

/// Whether an analytic could judge a host, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It found something.
    Found,
    /// It could see all it needs, and found nothing.
    Quiet,
    /// It could see a part of what it needs, and found nothing there.
    Partly,
    /// It could not have found anything.
    Blind,
}

impl Verdict {
    /// The stable name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Quiet => "quiet",
            Self::Partly => "partly",
            Self::Blind => "blind",
        }
    }
}

/// The verdict of one analytic about one host.
#[derive(Clone, Debug)]
pub struct VerdictRow {
    /// `AN0842`.
    pub analytic: &'static str,
    /// The host, as `HostRow::label` says it.
    pub host: String,
    /// The verdict.
    pub verdict: Verdict,
    /// How far it could be judged, whether or not something was found.
    pub judgeable: Judgeable,
    /// Why it could not be judged better than that, what it is blind without first; empty for `Fully`.
    pub words: String,
    /// For `Not`: why nothing could be found, without what it is that is lacking.
    pub blind: String,
}

impl Case {
    /// True if some evidence could not be read.
    pub fn any_loss(&self) -> bool {
        self.problems.iter().any(|p| p.weight == Weight::Loss)
    }

    /// The file of that number.
    pub fn evidence(&self, id: EvidenceId) -> Option<&EvidenceRow> {
        self.evidence.iter().find(|row| row.id == id)
    }

    /// The analytic of that id, if it ran.
    pub fn analytic(&self, id: &str) -> Option<&Described> {
        self.parameters
            .analytics
            .iter()
            .find(|run| run.about.id == id)
    }

    /// The incidents that no rule suppresses.
    pub fn open_incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents
            .iter()
            .filter(|incident| incident.suppressed.is_none())
    }
}
