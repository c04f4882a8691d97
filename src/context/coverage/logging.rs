//! Events that say what is logged from then on, or no longer: cleared logs, changed audit policy,
//! Sysmon stopped or configured anew.

use crate::model::{Event, HostWhat, Provenance, Text, Timestamp, What};
use std::collections::BTreeSet;

/// Events remembered of one computer; of more, the earliest.
const MOST: usize = 256;

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

/// The changes of one computer, in order of time, up to a bound.
#[derive(Clone, Debug, Default)]
pub struct LoggingChanges {
    /// The earliest.
    pub list: BTreeSet<LoggingChange>,
    /// How many more there were.
    pub further: u64,
}

impl LoggingChanges {
    pub(super) fn add(&mut self, change: LoggingChange) {
        self.list.insert(change);
        if self.list.len() > MOST {
            self.list.pop_last();
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
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.further += other.further;
        for change in other.list {
            self.add(change);
        }
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
            },
            what: LoggingWhat::SysmonConfigured,
        }
    }

    #[test]
    fn the_earliest_changes_are_kept_in_whatever_order_they_come() {
        let (mut up, mut down) = (LoggingChanges::default(), LoggingChanges::default());
        let all = MOST as u64 + 5;
        (0..all).for_each(|n| up.add(change(n)));
        (0..all).rev().for_each(|n| down.add(change(n)));
        assert_eq!(up.list, down.list);
        assert_eq!((up.further, down.further), (5, 5));
        assert_eq!(
            up.list.last().map(|c| c.time),
            Some(Timestamp(MOST as i64 - 1))
        );
    }

    #[test]
    fn only_a_removal_takes_auditing_away() {
        assert!(removes("%%8448"));
        assert!(removes("%%8449, %%8450"));
        assert!(!removes("%%8449, %%8451"));
        assert_eq!(
            subcategory("0cce9226-69ae-11d9-bed3-505054503030").map(|s| s.0),
            Some("Filtering Platform Connection")
        );
    }
}
