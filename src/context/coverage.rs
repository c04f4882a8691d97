//! What the evidence covers: captures by time, event ids by host.
//!
//! Absence is only ever stated as absence from this evidence; nothing here says why.

use super::identity::{HostId, Identity};
use crate::model::{EvidenceId, HostEvent, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// First and last time of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// First time.
    pub from: Timestamp,
    /// Last time.
    pub to: Timestamp,
}

impl Interval {
    /// True if `time` lies inside.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.from <= time && time <= self.to
    }

    fn widen(&mut self, other: Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
    }
}

/// What one host's logs show of one event id.
#[derive(Clone, Debug)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// From when to when.
    pub interval: Interval,
    /// In which files.
    pub evidence: BTreeSet<EvidenceId>,
}

/// Collects coverage while reading; merges in any order.
#[derive(Clone, Debug, Default)]
pub struct CoverageBuilder {
    // By computer as written, then by source and event id: `sysmon`, 3.
    hosts: BTreeMap<String, BTreeMap<(Log, u32), Seen>>,
    captures: Vec<(EvidenceId, Interval)>,
}

/// A log, as coverage tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// Security.
    Security,
    /// Microsoft-Windows-Sysmon/Operational.
    Sysmon,
    /// Microsoft-Windows-Windows Firewall With Advanced Security/Firewall.
    Firewall,
    /// System.
    System,
    /// PowerShell operational.
    PowerShell,
    /// Any other.
    Other,
}

impl Log {
    /// The log of a channel.
    pub fn of(channel: &str) -> Self {
        let channel = channel.to_ascii_lowercase();
        match channel.as_str() {
            "security" => Self::Security,
            "system" => Self::System,
            c if c.starts_with("microsoft-windows-sysmon") => Self::Sysmon,
            c if c.contains("windows firewall with advanced security") => Self::Firewall,
            c if c.contains("powershell") => Self::PowerShell,
            _ => Self::Other,
        }
    }
}

impl CoverageBuilder {
    /// Takes in a host event.
    pub fn observe(&mut self, evidence: EvidenceId, event: &HostEvent) {
        let key = (Log::of(&event.channel), event.event_id);
        let at = Interval { from: event.written, to: event.written };
        let host = match self.hosts.get_mut(event.computer.as_ref()) {
            Some(host) => host,
            None => self.hosts.entry(event.computer.to_string()).or_default(),
        };
        let seen =
            host.entry(key).or_insert_with(|| Seen { count: 0, interval: at, evidence: BTreeSet::new() });
        seen.count += 1;
        seen.interval.widen(at);
        if !seen.evidence.contains(&evidence) {
            seen.evidence.insert(evidence);
        }
    }

    /// Takes in a capture's time range.
    pub fn capture(&mut self, evidence: EvidenceId, from: Timestamp, to: Timestamp) {
        self.captures.push((evidence, Interval { from, to }));
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (computer, table) in other.hosts {
            let ours = self.hosts.entry(computer).or_default();
            merge_tables(ours, table);
        }
        self.captures.extend(other.captures);
    }

    /// Freezes, with computers resolved to hosts.
    pub fn freeze(mut self, identity: &Identity) -> Coverage {
        let mut hosts: BTreeMap<HostId, BTreeMap<(Log, u32), Seen>> = BTreeMap::new();
        for (computer, table) in self.hosts {
            if let Some(id) = identity.named(&computer) {
                merge_tables(hosts.entry(id).or_default(), table);
            }
        }
        self.captures.sort_by_key(|(id, interval)| (interval.from, *id));
        Coverage { hosts, captures: self.captures }
    }
}

fn merge_tables(ours: &mut BTreeMap<(Log, u32), Seen>, theirs: BTreeMap<(Log, u32), Seen>) {
    for (key, seen) in theirs {
        match ours.entry(key) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(seen);
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => {
                let held = slot.get_mut();
                held.count += seen.count;
                held.interval.widen(seen.interval);
                held.evidence.extend(seen.evidence);
            }
        }
    }
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    hosts: BTreeMap<HostId, BTreeMap<(Log, u32), Seen>>,
    captures: Vec<(EvidenceId, Interval)>,
}

impl Coverage {
    /// What one host's logs show of one event id.
    pub fn seen(&self, host: HostId, log: Log, event_id: u32) -> Option<&Seen> {
        self.hosts.get(&host)?.get(&(log, event_id))
    }

    /// True if any of these event ids occurs on the host.
    pub fn any(&self, host: HostId, log: Log, event_ids: &[u32]) -> bool {
        event_ids.iter().any(|id| self.seen(host, log, *id).is_some())
    }

    /// Everything one host's logs show.
    pub fn of_host(&self, host: HostId) -> impl Iterator<Item = (Log, u32, &Seen)> {
        self.hosts.get(&host).into_iter().flatten().map(|((log, id), seen)| (*log, *id, seen))
    }

    /// The captures with their time ranges, by start.
    pub fn captures(&self) -> &[(EvidenceId, Interval)] {
        &self.captures
    }

    /// True if some capture runs at `time`.
    pub fn capture_at(&self, time: Timestamp) -> bool {
        self.captures.iter().any(|(_, i)| i.holds(time))
    }

    /// When packets start; `None` without captures.
    pub fn capture_start(&self) -> Option<Timestamp> {
        self.captures.iter().map(|(_, i)| i.from).min()
    }

    /// When packets end; `None` without captures.
    pub fn capture_end(&self) -> Option<Timestamp> {
        self.captures.iter().map(|(_, i)| i.to).max()
    }
}
