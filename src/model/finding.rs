//! What an analytic says it found, and how it knows.
//!
//! A finding claims what its evidence shows and no more: each condition carries the setting and the
//! measured value, each step the event it rests on.

use super::{Event, Provenance, Span, Text, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// How bad it would be, if it is what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For the record.
    Info,
    /// Worth a look.
    Low,
    /// Look soon.
    Medium,
    /// Look now.
    High,
    /// Act now.
    Critical,
}

impl Severity {
    /// All of them, most severe first.
    pub const ALL: [Self; 5] = [
        Self::Critical,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Info,
    ];

    /// `high`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// Which halves of the evidence carry a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Packets and host logs agree.
    Both,
    /// Host logs alone.
    HostOnly,
    /// Packets alone.
    NetworkOnly,
    /// Only a part of the pattern was seen.
    Partial,
}

impl Tier {
    /// `both`, `host-only`, `network-only` or `partial`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::HostOnly => "host-only",
            Self::NetworkOnly => "network-only",
            Self::Partial => "partial",
        }
    }
}

/// The part an event plays in a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A touch of a closed port.
    Probe,
    /// A change of exposure: a rule, a listener, a setting.
    Change,
    /// A completed connection.
    Connect,
    /// A blocked connection.
    Block,
    /// What came instead.
    Fallback,
    /// A process.
    Process,
    /// A touch that is part of a scan.
    Scan,
    /// A failed connection.
    Failed,
    /// A wake signal.
    Wake,
    /// Shown to understand the rest.
    Context,
}

impl Role {
    /// `probe`, `change` …
    pub fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Change => "change",
            Self::Connect => "connect",
            Self::Block => "block",
            Self::Fallback => "fallback",
            Self::Process => "process",
            Self::Scan => "scan",
            Self::Failed => "failed",
            Self::Wake => "wake",
            Self::Context => "context",
        }
    }
}

/// One event of a finding, in time order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The part it plays.
    pub role: Role,
    /// The event itself, with both times.
    pub event: Event,
    /// Other packets or records that show the same step: the answer, the ACK, the same rule in
    /// another log.
    pub also: Vec<Provenance>,
    /// A remark, such as "first in this evidence".
    pub remark: String,
}

/// How a note begins that says why a finding is kept at info, whatever its analytic made of it.
pub const KEPT_AT_INFO: &str = "Kept at info: ";

/// What a step remarks whose packets and records have no address of the host in common: its basis is no
/// agreement.
pub const JOINED_BY_TARGET: &str = "packets and record are joined by target and time alone";

/// What the remark of a step says that cites first failures of targets beside its own.
pub const FURTHER: &str = "are cited with it";

/// The last note of an order that nothing rests on, though more than one clock timed the steps.
pub const ORDER_NOT_NEEDED: &str = "Nothing that is claimed rests on the order of the steps.";

/// A condition of the analytic, with the setting it was held against and what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What was asked, as a statement that holds.
    pub text: String,
    /// The setting, as `at least 3 within 25 s`.
    pub setting: String,
    /// The measured value, as `3 in 0.826 s`.
    pub measured: String,
}

/// Facts that are read side by side: a count for each port, a list of targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Column headings.
    pub columns: Vec<String>,
    /// Rows; each has a cell for each column.
    pub rows: Vec<Vec<String>>,
}

/// One line of an additive score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreItem {
    /// Why.
    pub reason: String,
    /// How much; negative takes away.
    pub points: i32,
}

/// Evidence that was not there, and what that leaves open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unseen {
    /// What was not there.
    pub telemetry: String,
    /// On which host; `None` for the network.
    pub host: Option<Text>,
    /// What that leaves open.
    pub effect: String,
}

/// What can be said about the order of two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// The first is before the second, whatever the clocks' uncertainty.
    Before,
    /// The first is after the second.
    After,
    /// The gap is within the uncertainty of the clocks.
    Ambiguous,
}

/// What the order of a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderCheck {
    /// The smallest gap between two clocks that the order rests on; `None` if one clock served.
    pub smallest_gap: Option<Span>,
    /// The uncertainty it was held against.
    pub uncertainty: Span,
    /// True if every order the finding needs is certain.
    pub certain: bool,
    /// Sentences about clocks: which, offset, how measured.
    pub notes: Vec<String>,
}

impl OrderCheck {
    /// Of an order that one clock tells, or that nothing rests on: it is certain.
    pub const fn of_one_clock() -> Self {
        Self {
            smallest_gap: None,
            uncertainty: Span::ZERO,
            certain: true,
            notes: Vec::new(),
        }
    }
}

/// Who a finding is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entities {
    /// The other side.
    pub remote: Option<IpAddr>,
    /// The other side where it has no IP address: a MAC.
    pub remote_mac: Option<[u8; 6]>,
    /// The host the finding is about, by name; empty if only its address is known.
    pub host_name: Text,
    /// Its address.
    pub host_address: Option<IpAddr>,
    /// Closed ports that were touched, in order.
    pub probed_ports: Vec<u16>,
    /// Ports that opened or were reached.
    pub opened_ports: Vec<u16>,
    /// The process at the centre, image as written.
    pub process: Text,
    /// Its process id.
    pub pid: Option<u32>,
    /// MAC addresses that were to be woken.
    pub woken: Vec<[u8; 6]>,
    /// Whom and what the finding counts, where its steps show only some of it.
    pub reach: Option<Reach>,
}

/// Everything a finding counts that its steps are a selection of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Everybody it was aimed at.
    pub addresses: BTreeSet<IpAddr>,
    /// Every port that was tried, whether it answered or not.
    pub ports: BTreeSet<u16>,
    /// There were more than are listed.
    pub more: bool,
}

/// A finding of one analytic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `AN0842`.
    pub analytic: &'static str,
    /// Other analytics whose pattern the same steps satisfy.
    pub also_satisfies: Vec<&'static str>,
    /// From the first to the last moment of the pattern, where the steps are only a selection of it;
    /// `None` where they are all of it.
    pub span: Option<(Timestamp, Timestamp)>,
    /// One sentence that says what the evidence shows.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Which halves of the evidence carry it.
    pub tier: Tier,
    /// 0 to 100, from `score`, capped by tier and order.
    pub confidence: u8,
    /// Who.
    pub entities: Entities,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The conditions that hold.
    pub conditions: Vec<Condition>,
    /// Facts in rows and columns that the conditions rest on.
    pub tables: Vec<Table>,
    /// The additive score.
    pub score: Vec<ScoreItem>,
    /// The clocks and the order.
    pub order: OrderCheck,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
    /// What else it could be.
    pub alternatives: Vec<String>,
    /// What to do next.
    pub actions: Vec<String>,
    /// Further facts worth stating, such as the chance expectation.
    pub notes: Vec<String>,
}

#[cfg(test)]
impl Finding {
    /// A finding that says nothing, for tests to fill in.
    pub(crate) fn blank(analytic: &'static str, severity: Severity) -> Self {
        Self {
            analytic,
            span: None,
            also_satisfies: Vec::new(),
            title: String::new(),
            severity,
            tier: Tier::Both,
            confidence: 50,
            entities: Entities::default(),
            steps: Vec::new(),
            conditions: Vec::new(),
            tables: Vec::new(),
            score: Vec::new(),
            order: OrderCheck::of_one_clock(),
            unseen: Vec::new(),
            alternatives: Vec::new(),
            actions: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl Finding {
    /// When the pattern itself began: its first step, or `span` where that begins earlier. Context
    /// around it does not count.
    pub fn first_time(&self) -> Timestamp {
        let step = self.pattern().next().or(self.steps.first());
        let step = step.map(|s| s.event.time);
        let span = self.span.map(|(first, _)| first);
        step.into_iter().chain(span).min().unwrap_or(Timestamp::MIN)
    }

    /// When the pattern itself ended: its last step, or `span` where that ends later.
    pub fn last_time(&self) -> Timestamp {
        let step = self.pattern().last().or(self.steps.last());
        let step = step.map(|s| s.event.time);
        let span = self.span.map(|(_, last)| last);
        step.into_iter().chain(span).max().unwrap_or(Timestamp::MIN)
    }

    /// The steps of the pattern itself, without processes and context around it.
    pub fn pattern(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|s| !matches!(s.role, Role::Context | Role::Process))
    }

    /// `high` from 70, `medium` from 40, else `low`.
    pub fn confidence_word(&self) -> &'static str {
        match self.confidence {
            70.. => "high",
            40.. => "medium",
            _ => "low",
        }
    }
}

/// Something that came close and did not fire: it shows that the analytic ran, and how near it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NearMiss {
    /// `AN0842`.
    pub analytic: &'static str,
    /// How many conditions were missing; fewer is nearer.
    pub missing: u32,
    /// When.
    pub time: Timestamp,
    /// What was there and what was not.
    pub text: String,
    /// Where.
    pub references: Vec<Provenance>,
}
