//! What the evidence does not hold although a reader may think it does: stretches without packets,
//! logs that begin too late, missing records, changes of what is logged.
//!
//! A gap says what is missing and which causes that may have; it never picks one that the evidence
//! does not show. What gaps mean for an analytic is `judged`'s part. Times are on the reference clock.

mod asked;
mod logs;
mod packets;

use crate::analytics::about::Source;
use crate::capture::attempts::AttemptSummary;
use crate::context::clocks::Clock;
use crate::context::coverage::Log;
use crate::context::{Context, HostId};
use crate::model::{EvidenceId, Span, Timestamp};
use crate::replay::attribute::Account;

/// Silences of this length are told unless another is asked for.
pub const SILENCE: Span = Span::seconds(30 * 60);
/// A log may begin this much after the window without a word: so long may a host have nothing to
/// log.
const LATE: Span = Span::seconds(60);
/// Gaps of one kind told one by one; of more, their number.
const TOLD: usize = 8;

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What sort of gap.
    pub kind: GapKind,
    /// The host, as `HostRow::label` says it; empty if it is about the captures.
    pub host: String,
    /// The files it is about.
    pub evidence: Vec<EvidenceId>,
    /// From when, where that is known.
    pub from: Option<Timestamp>,
    /// Until when, where that is known.
    pub to: Option<Timestamp>,
    /// The log whose name `what` begins with; empty where it begins with none.
    pub log: String,
    /// What is missing, as a clause.
    pub what: String,
    /// What may be the cause, and what that costs, as a clause.
    pub why: String,
    /// What would fill it, as a noun; empty where nothing can.
    pub remedy: String,
    /// The evidence it takes from.
    pub lessens: Lessens,
    /// True if it leaves nothing of that evidence for the window.
    pub whole: bool,
}

/// What sort of gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapKind {
    /// No capture was given.
    NoCapture,
    /// The captures begin after the window, or end before it.
    CaptureShort,
    /// A stretch without any packet.
    CaptureSilence,
    /// Packets the capturing system dropped.
    CaptureDropped,
    /// Packets shorter than on the wire.
    CaptureCut,
    /// Connections that a sensor summed up, without their packets.
    SummedUp,
    /// One direction may be missing.
    OneSided,
    /// Connections that a host's own log says were made are not in the captures that ran.
    PartSeen,
    /// Packets within packets that are not opened.
    Tunnelled,
    /// Not one TCP segment in the captures.
    NoTcp,
    /// Packets or records that are there and could not be read.
    Unread,
    /// No event log of a host.
    NoLogs,
    /// A log begins after the window does.
    LogStartsLate,
    /// The logs of a host end before the window does, or one of them long before the others.
    LogsEndEarly,
    /// EventRecordIDs are missing.
    RecordsMissing,
    /// A log was cleared.
    LogCleared,
    /// What is logged changed, or stopped being logged.
    LoggingChanged,
    /// The form a log is in says less than the log itself.
    Form,
    /// The clock of a host is too uncertain to tell whether its logs cover the window.
    ClockUnknown,
}

impl GapKind {
    /// The stable name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoCapture => "no-capture",
            Self::CaptureShort => "capture-short",
            Self::CaptureSilence => "capture-silence",
            Self::CaptureDropped => "capture-dropped",
            Self::CaptureCut => "capture-cut",
            Self::SummedUp => "summed-up",
            Self::OneSided => "one-sided",
            Self::PartSeen => "part-seen",
            Self::Tunnelled => "tunnelled",
            Self::NoTcp => "no-tcp",
            Self::Unread => "unread",
            Self::NoLogs => "no-logs",
            Self::LogStartsLate => "log-starts-late",
            Self::LogsEndEarly => "logs-end-early",
            Self::RecordsMissing => "records-missing",
            Self::LogCleared => "log-cleared",
            Self::LoggingChanged => "logging-changed",
            Self::Form => "form",
            Self::ClockUnknown => "clock-unknown",
        }
    }
}

/// Which evidence a gap takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lessens {
    /// None: worth knowing, no more.
    Nothing,
    /// The packets of every host.
    Packets,
    /// The packets of one host.
    PacketsOf(HostId),
    /// The packets of some of the hosts that no log names.
    PacketsOfOthers,
    /// All logs of one host.
    Logs(HostId),
    /// One log of one host.
    OneLog(HostId, Log),
    /// These event ids of one log of one host.
    Ids(HostId, Log, &'static [u32]),
}

impl Lessens {
    /// The host whose evidence it takes from; `None` where it is that of no one host.
    pub fn host(self) -> Option<HostId> {
        match self {
            Self::Nothing | Self::Packets | Self::PacketsOfOthers => None,
            Self::PacketsOf(id) | Self::Logs(id) | Self::OneLog(id, _) | Self::Ids(id, ..) => {
                Some(id)
            }
        }
    }
}

impl Gap {
    fn new(kind: GapKind, what: String, why: &str) -> Self {
        Self {
            kind,
            host: String::new(),
            evidence: Vec::new(),
            from: None,
            to: None,
            log: String::new(),
            what,
            why: why.to_owned(),
            remedy: String::new(),
            lessens: Lessens::Nothing,
            whole: false,
        }
    }

    /// True if it takes from what `source` holds of a host; `None` is any host without logs.
    pub fn takes_from(&self, source: &Source, host: Option<HostId>) -> bool {
        match (self.lessens, source) {
            (Lessens::Packets, Source::Packets | Source::Frames) => true,
            (Lessens::PacketsOf(id), Source::Packets | Source::Frames) => Some(id) == host,
            (Lessens::PacketsOfOthers, Source::Packets) => host.is_none(),
            (Lessens::Logs(id), Source::Events(..)) => Some(id) == host,
            (Lessens::OneLog(id, log), Source::Events(of, _)) => Some(id) == host && log == *of,
            (Lessens::OneLog(id, Log::Sysmon) | Lessens::Logs(id), Source::Outcomes) => {
                Some(id) == host
            }
            (Lessens::Ids(id, log, ids), Source::Events(of, wanted)) => {
                Some(id) == host && log == *of && wanted.iter().any(|w| ids.contains(w))
            }
            _ => false,
        }
    }
}

/// The time that is judged; an open end is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// From when.
    pub from: Option<Timestamp>,
    /// Until when.
    pub to: Option<Timestamp>,
}

impl Window {
    /// The same, wider on both sides.
    fn widened(self, by: Span) -> Self {
        Self {
            from: self.from.map(|from| from.shifted(by.negated())),
            to: self.to.map(|to| to.shifted(by)),
        }
    }

    fn holds(&self, time: Timestamp) -> bool {
        self.meets(time, time)
    }

    /// True if `from` to `to` shares a moment with it.
    fn meets(&self, from: Timestamp, to: Timestamp) -> bool {
        self.from.is_none_or(|begin| to >= begin) && self.to.is_none_or(|end| from <= end)
    }
}

/// What is looked for gaps in.
#[derive(Clone, Copy, Debug)]
pub struct Search<'c> {
    /// The evidence.
    pub context: &'c Context,
    /// What the attempt machine counted.
    pub attempts: &'c AttemptSummary,
    /// What came of attribution; nothing where no event was replayed.
    pub attributed: &'c Account,
    /// The time asked for.
    pub asked: Window,
    /// Silences longer than this are gaps.
    pub silence: Span,
    /// A capture was given in a format that is not read.
    pub unread: bool,
    /// A capture was given, whether or not it holds a packet.
    pub capture_given: bool,
}

impl Search<'_> {
    /// The time judged on a host: what was asked for; else that of the captures; else that of its
    /// Security log, or its Sysmon log, since other logs reach back for years.
    pub fn window(&self, host: Option<HostId>) -> Window {
        let coverage = &self.context.coverage;
        let log = |log| host.and_then(|id| coverage.channel(id, log));
        let mut window = match (coverage.capture_start(), coverage.capture_end()) {
            (Some(from), Some(to)) => Window {
                from: Some(from),
                to: Some(to),
            },
            _ => log(Log::Security).or_else(|| log(Log::Sysmon)).map_or_else(
                Window::default,
                |seen| Window {
                    from: Some(seen.interval.from),
                    to: Some(seen.interval.to),
                },
            ),
        };
        window.from = self.asked.from.or(window.from);
        window.to = self.asked.to.or(window.to);
        // An open end that was asked for lies beyond the evidence: the window is the moment asked for, and
        // all of the evidence lies on one side of it.
        if let (Some(from), Some(to)) = (window.from, window.to)
            && from > to
        {
            match (self.asked.from, self.asked.to) {
                (Some(_), None) => window.to = Some(from),
                (None, Some(_)) => window.from = Some(to),
                _ => {}
            }
        }
        window
    }

    /// True if what a host logged from `time` on may have been logged in the time that is judged.
    pub(super) fn may_begin(&self, id: HostId, time: Timestamp) -> bool {
        let window = self.window(Some(id)).widened(self.doubt(id));
        window.to.is_none_or(|to| time <= to)
    }

    /// How far off the times of a host's logs may lie against the window; nothing where the window is
    /// that of its own logs.
    fn doubt(&self, id: HostId) -> Span {
        let own = self.context.coverage.captures().is_empty()
            && self.asked.from.is_none()
            && self.asked.to.is_none();
        match own {
            true => Span::ZERO,
            false => self.context.clocks.uncertainty(Clock::Host(id)),
        }
    }

    /// What the window is called.
    fn window_name(&self) -> &'static str {
        if self.asked.from.is_some() || self.asked.to.is_some() {
            "time asked for"
        } else if self.context.coverage.captures().is_empty() {
            "time of its logs"
        } else {
            "capture"
        }
    }

    /// The gaps: those of the captures, then those of each host in the order given.
    pub fn gaps(&self, hosts: &[(String, HostId)]) -> Vec<Gap> {
        let mut gaps = packets::of_captures(self);
        gaps.extend(packets::of_others(self, hosts));
        for (label, id) in hosts {
            let of_host = packets::of_host(self, *id)
                .into_iter()
                .chain(packets::part_seen(self, *id))
                .chain(logs::of_host(self, *id));
            gaps.extend(of_host.map(|gap| Gap {
                host: label.clone(),
                ..gap
            }));
        }
        gaps
    }
}

/// A time of day with its date, unless that is the date of `near`, which the same sentence tells before
/// it.
fn when(time: Timestamp, near: Option<Timestamp>) -> String {
    if near.is_some_and(|n| n.date() == time.date()) {
        time.clock(0)
    } else {
        format!("{} {}", time.date(), time.clock(0))
    }
}
