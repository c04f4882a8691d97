//! Events that say what is logged from then on, or no longer: cleared logs, changed audit policy, the
//! event log service or Sysmon stopped, Sysmon configured anew.

use super::log::Log;
use super::minutes::Minutes;
use crate::model::{Event, HostWhat, Provenance, Span, Text, Timestamp, What};
use std::collections::{BTreeMap, BTreeSet};

/// Events remembered of one computer; of more, the latest. Every start of Windows leaves up to six.
const MOST: usize = 4_096;
/// Events remembered of all computers together.
const ALL: usize = 65_536;
/// Records are dated into a stretch without logging by up to this: what is still written at its begin,
/// and what was kept until logging started.
const STRAY: Span = Span::seconds(120);

/// An event that changes what is logged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoggingChange {
    /// When it was written.
    pub time: Timestamp,
    /// Where.
    pub provenance: Provenance,
    /// What it says.
    pub what: LoggingWhat,
}

/// What such an event says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoggingWhat {
    /// Security 1102, System 104: a log was cleared.
    Cleared {
        /// The channel, where said.
        channel: Text,
        /// Who did it.
        user: Text,
    },
    /// Security 1100 and 4608, System 6005 and 6006.
    EventLog {
        /// True if logging started, false if the event log service stopped.
        running: bool,
    },
    /// Kernel-General 12: the system started, and logging with it.
    SystemStarted,
    /// Security 4719.
    AuditPolicy {
        /// GUID of the subcategory, lower case without braces.
        subcategory: Text,
        /// The change, as written (`%%8448` …).
        change: Text,
        /// Who did it.
        user: Text,
    },
    /// Sysmon 4.
    Sysmon {
        /// `Some(true)` if it started, `Some(false)` if it stopped.
        running: Option<bool>,
    },
    /// Sysmon 16.
    SysmonConfigured,
}

impl LoggingChange {
    pub(super) fn of(event: &Event) -> Option<Self> {
        let What::Host(host) = &event.what else {
            return None;
        };
        let what = match &host.what {
            HostWhat::LogCleared { cleared, user } => LoggingWhat::Cleared {
                channel: cleared.clone(),
                user: user.clone(),
            },
            HostWhat::LoggingStopped => LoggingWhat::EventLog { running: false },
            HostWhat::LoggingStarted => LoggingWhat::EventLog { running: true },
            HostWhat::SystemStarted => LoggingWhat::SystemStarted,
            HostWhat::AuditPolicyChanged {
                subcategory,
                change,
                user,
            } => LoggingWhat::AuditPolicy {
                subcategory: subcategory.clone(),
                change: change.clone(),
                user: user.clone(),
            },
            HostWhat::SysmonState { running } => LoggingWhat::Sysmon { running: *running },
            HostWhat::SysmonConfigured { .. } => LoggingWhat::SysmonConfigured,
            _ => return None,
        };
        Some(Self {
            time: event.time,
            provenance: event.provenance,
            what,
        })
    }
}

/// How many changes are held of all computers together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held(usize);

/// The changes of one computer, in order of time, up to a bound.
#[derive(Clone, Debug, Default)]
pub struct LoggingChanges {
    /// The latest.
    pub list: BTreeSet<LoggingChange>,
    /// How many more there were.
    pub further: u64,
    // When the event log service stopped, and when it had begun to write again at the latest, by records
    // that are there although no start is.
    resumed: BTreeMap<Timestamp, Timestamp>,
}

/// A stretch of time in which something was not logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// Since when.
    pub from: Timestamp,
    /// Until when; `None` if no later start is known.
    pub to: Option<Timestamp>,
    /// The same, where records show that it was written to again by then, though no start is logged
    /// before: the end of the minute of the first of them.
    pub resumed: Option<Timestamp>,
}

impl Unwritten {
    /// Until when at the latest; `None` if nothing tells.
    pub fn until(&self) -> Option<Timestamp> {
        self.resumed.or(self.to)
    }
}

impl LoggingChanges {
    pub(super) fn add(&mut self, change: LoggingChange, held: &mut Held) {
        if held.0 >= ALL {
            self.further += 1;
            return;
        }
        if !self.list.insert(change) {
            return;
        }
        held.0 += 1;
        if self.list.len() > MOST {
            self.list.pop_first();
            held.0 -= 1;
            self.further += 1;
        }
    }

    pub(super) fn retime(&mut self, time: impl Fn(Timestamp) -> Timestamp) {
        let list = std::mem::take(&mut self.list);
        self.list = list
            .into_iter()
            .map(|change| LoggingChange {
                time: time(change.time),
                ..change
            })
            .collect();
        let resumed = std::mem::take(&mut self.resumed).into_iter();
        self.resumed = resumed.map(|(at, by)| (time(at), time(by))).collect();
    }

    /// Looks for records in the stretches in which the event log service is told not to have run.
    pub(super) fn find_resumed(&mut self, minutes: &Minutes) {
        let stops = |what: &LoggingWhat| *what == LoggingWhat::EventLog { running: false };
        let resumed = self.list.iter().filter(|change| stops(&change.what));
        self.resumed = resumed
            .filter_map(|change| {
                let to = self.unwritten(change)?.to;
                let from = change.time.shifted(STRAY);
                let to = to.map_or(Timestamp::MAX, |to| to.shifted(STRAY.negated()));
                Some((change.time, minutes.first_within(from, to)?))
            })
            .collect();
    }

    pub(super) fn merge(&mut self, other: Self, held: &mut Held) {
        self.further += other.further;
        self.resumed.extend(other.resumed);
        for change in other.list {
            self.add(change, held);
        }
    }

    /// Since when `change` kept something from being logged, and until when; `None` for a change that
    /// kept nothing, and for the second record of one end.
    pub fn unwritten(&self, change: &LoggingChange) -> Option<Unwritten> {
        let stops = |what: &LoggingWhat| match what {
            LoggingWhat::EventLog { running } => Some(!running),
            LoggingWhat::SystemStarted => Some(false),
            _ => None,
        };
        let again = |ends: &dyn Fn(&LoggingWhat) -> bool| {
            let mut later = self.list.iter().filter(|c| c.time > change.time);
            later.find(|c| ends(&c.what)).map(|c| c.time)
        };
        let to = match &change.what {
            LoggingWhat::EventLog { running: false } => {
                // Security 1100 and System 6006 tell of one end.
                let before = self.list.range(..change).rev();
                if before.filter_map(|c| stops(&c.what)).next() == Some(true) {
                    return None;
                }
                again(&|what| stops(what) == Some(false))
            }
            LoggingWhat::Sysmon {
                running: Some(false),
            } => {
                let running = Some(true);
                again(&|what| *what == LoggingWhat::Sysmon { running })
            }
            LoggingWhat::AuditPolicy {
                subcategory,
                change: words,
                ..
            } if removes(words) => again(&|what| match what {
                LoggingWhat::AuditPolicy {
                    subcategory: of,
                    change,
                    ..
                } => of == subcategory && adds(change),
                _ => false,
            }),
            _ => return None,
        };
        let from = change.time;
        let service = matches!(change.what, LoggingWhat::EventLog { .. });
        let resumed = self.resumed.get(&from).copied().filter(|_| service);
        Some(Unwritten { from, to, resumed })
    }

    /// True if nothing says that `log` could not be written at some time from `from` to `to`.
    pub fn could_write(&self, log: Log, from: Timestamp, to: Timestamp) -> bool {
        let stops = |change: &&LoggingChange| match change.what {
            LoggingWhat::EventLog { running } => !running,
            LoggingWhat::Sysmon { running } => log == Log::Sysmon && running == Some(false),
            _ => false,
        };
        let mut spans = self.list.iter().filter(stops);
        !spans.any(|change| {
            self.unwritten(change)
                .is_some_and(|span| span.from <= to && span.until().is_none_or(|end| end >= from))
        })
    }
}

/// The audit subcategories that write the event ids analytics ask for, by GUID
/// (winnt.h `Audit_ObjectAccess_FirewallPacketDrops` and its like).
const SUBCATEGORIES: [(&str, &str, &[u32]); 5] = [
    (
        "0cce9225-69ae-11d9-bed3-505054503030",
        "Filtering Platform Packet Drop",
        &[5152, 5153],
    ),
    (
        "0cce9226-69ae-11d9-bed3-505054503030",
        "Filtering Platform Connection",
        &[5150, 5151, 5154, 5155, 5156, 5157, 5158, 5159],
    ),
    (
        "0cce922b-69ae-11d9-bed3-505054503030",
        "Process Creation",
        &[4688],
    ),
    (
        "0cce9232-69ae-11d9-bed3-505054503030",
        "MPSSVC Rule-Level Policy Change",
        &[4946, 4947, 4948, 4950, 4956, 4957],
    ),
    (
        "0cce9233-69ae-11d9-bed3-505054503030",
        "Filtering Platform Policy Change",
        &[5446, 5447],
    ),
];

/// Name and event ids of an audit subcategory, if it is one that analytics ask for.
pub fn subcategory(guid: &str) -> Option<(&'static str, &'static [u32])> {
    SUBCATEGORIES
        .iter()
        .find(|(known, ..)| *known == guid)
        .map(|(_, name, ids)| (*name, *ids))
}

/// True if a change of audit policy, as written, takes auditing away: `%%8448` success removed,
/// `%%8450` failure removed.
pub fn removes(change: &str) -> bool {
    change.contains("%%8448") || change.contains("%%8450")
}

/// True if it only adds auditing: `%%8449` success added, `%%8451` failure added.
pub fn adds(change: &str) -> bool {
    !removes(change) && (change.contains("%%8449") || change.contains("%%8451"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EvidenceId;
    use crate::model::provenance::Item;

    fn change(n: u64) -> LoggingChange {
        LoggingChange {
            time: Timestamp(n as i64),
            provenance: Provenance {
                evidence: EvidenceId(1),
                kind: Item::Record,
                item: n,
                interface: 0,
                offset: n,
                inside: false,
            },
            what: LoggingWhat::SysmonConfigured,
        }
    }

    #[test]
    fn the_latest_changes_of_a_computer_are_kept_in_whatever_order_they_come() {
        let all = MOST as u64 + 5;
        let of = |numbers: &mut dyn Iterator<Item = u64>| {
            let (mut changes, mut held) = (LoggingChanges::default(), Held::default());
            numbers.for_each(|n| changes.add(change(n), &mut held));
            assert_eq!((held.0, changes.further), (MOST, 5));
            changes
        };
        let (up, down) = (of(&mut (0..all)), of(&mut (0..all).rev()));
        assert_eq!(up.list, down.list);
        assert_eq!(up.list.first().map(|c| c.time), Some(Timestamp(5)));
        let (mut one, mut held) = (LoggingChanges::default(), Held::default());
        one.merge(up, &mut held);
        (all..all + 3).for_each(|n| one.add(change(n), &mut held));
        assert_eq!((one.list.len(), held.0, one.further), (MOST, MOST, 8));
    }

    #[test]
    fn changes_of_all_computers_together_are_bounded_and_counted() {
        let mut held = Held(ALL - 1);
        let (mut one, mut other) = (LoggingChanges::default(), LoggingChanges::default());
        one.add(change(1), &mut held);
        other.add(change(1), &mut held);
        assert_eq!((one.list.len(), one.further), (1, 0));
        assert_eq!((other.list.len(), other.further), (0, 1));
        other.merge(one, &mut held);
        assert_eq!((other.list.len(), other.further), (0, 2));
    }

    #[test]
    fn a_log_could_be_written_unless_something_says_that_it_could_not() {
        let (mut changes, mut held) = (LoggingChanges::default(), Held::default());
        for (n, what) in [
            (10, LoggingWhat::EventLog { running: false }),
            (20, LoggingWhat::SystemStarted),
            (
                30,
                LoggingWhat::Sysmon {
                    running: Some(false),
                },
            ),
        ] {
            let change = LoggingChange { what, ..change(n) };
            changes.add(change, &mut held);
        }
        let could = |log, from, to| changes.could_write(log, Timestamp(from), Timestamp(to));
        assert!(could(Log::Security, 0, 9) && could(Log::Security, 21, 90));
        assert!(!could(Log::Security, 0, 10) && !could(Log::Firewall, 15, 16));
        assert!(could(Log::Sysmon, 21, 29) && !could(Log::Sysmon, 21, 90));
    }

    #[test]
    fn only_a_removal_takes_auditing_away() {
        assert!(removes("%%8448"));
        assert!(removes("%%8449, %%8450"));
        assert!(!removes("%%8449, %%8451"));
        assert!(adds("%%8449, %%8451"));
        assert!(!adds("%%8449, %%8450") && !adds(""));
        assert_eq!(
            subcategory("0cce9226-69ae-11d9-bed3-505054503030").map(|s| s.0),
            Some("Filtering Platform Connection")
        );
    }
}
