//! What the evidence covers: captures by time, event ids by host.
//!
//! Absence is only ever stated as absence from this evidence; nothing here says why.

use super::identity::{HostId, Identity};
use crate::eventlog::LogSummary;
use crate::model::{Event, EvidenceId, Timestamp, What};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

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
    channels: BTreeMap<String, BTreeMap<Log, Seen>>,
    captures: Vec<(EvidenceId, Interval)>,
    // Asked and counted, never walked in its own order: that order is random.
    wire: HashSet<IpAddr, RandomState>,
    wire_full: bool,
}

/// Addresses on the wire that are remembered; beyond, absence is not claimed.
const WIRE_ADDRESSES: usize = 200_000;

impl Seen {
    fn new(interval: Interval) -> Self {
        Self {
            count: 0,
            interval,
            evidence: BTreeSet::new(),
        }
    }

    fn add(
        &mut self,
        count: u64,
        interval: Interval,
        evidence: impl IntoIterator<Item = EvidenceId>,
    ) {
        self.count += count;
        self.interval.widen(interval);
        for evidence in evidence {
            // Nearly always known already, and asking is cheaper than inserting.
            if !self.evidence.contains(&evidence) {
                self.evidence.insert(evidence);
            }
        }
    }
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
        // Asked for every event: no copy of the name is made.
        let holds = |word: &str| {
            let mut places = channel.as_bytes().windows(word.len());
            places.any(|place| place.eq_ignore_ascii_case(word.as_bytes()))
        };
        let begins = |word: &str| {
            let begin = channel.as_bytes().get(..word.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
        };
        match channel {
            c if c.eq_ignore_ascii_case("security") => Self::Security,
            c if c.eq_ignore_ascii_case("system") => Self::System,
            _ if begins("microsoft-windows-sysmon") => Self::Sysmon,
            _ if holds("windows firewall with advanced security") => Self::Firewall,
            _ if holds("powershell") => Self::PowerShell,
            _ => Self::Other,
        }
    }
}

impl Log {
    /// As people name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Security => "Security",
            Self::Sysmon => "Sysmon",
            Self::Firewall => "Firewall",
            Self::System => "System",
            Self::PowerShell => "PowerShell",
            Self::Other => "other",
        }
    }
}

impl CoverageBuilder {
    /// Takes in an event.
    pub fn observe(&mut self, event: &Event) {
        let host = match &event.what {
            What::Host(host) => host,
            What::Attempt(attempt) => {
                self.on_wire(attempt.initiator.address);
                self.on_wire(attempt.responder.address);
                return;
            }
            What::Neighbour(neighbour) => return self.on_wire(neighbour.address),
            What::Solicitation(asked) => return self.on_wire(asked.asker),
            What::Wake(_) | What::Resolution(_) => return,
        };
        let (evidence, event) = (event.provenance.evidence, host);
        let key = (Log::of(&event.channel), event.event_id);
        let at = Interval {
            from: event.written,
            to: event.written,
        };
        let host = match self.hosts.get_mut(event.computer.as_ref()) {
            Some(host) => host,
            None => self.hosts.entry(event.computer.to_string()).or_default(),
        };
        host.entry(key)
            .or_insert_with(|| Seen::new(at))
            .add(1, at, [evidence]);
    }

    fn on_wire(&mut self, address: IpAddr) {
        if self.wire.len() < WIRE_ADDRESSES {
            self.wire.insert(address);
        } else {
            self.wire_full |= !self.wire.contains(&address);
        }
    }

    /// Takes in what a whole log file holds, wanted or not.
    pub fn log(&mut self, evidence: EvidenceId, summary: &LogSummary) {
        for source in summary.sources.values() {
            let (Some(from), Some(to)) = (source.first_time, source.last_time) else {
                continue;
            };
            let at = Interval { from, to };
            self.channels
                .entry(source.computer.to_string())
                .or_default()
                .entry(Log::of(&source.channel))
                .or_insert_with(|| Seen::new(at))
                .add(source.records, at, [evidence]);
        }
    }

    /// Takes in a capture's time range.
    pub fn capture(&mut self, evidence: EvidenceId, from: Timestamp, to: Timestamp) {
        self.captures.push((evidence, Interval { from, to }));
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (computer, table) in other.hosts {
            merge_tables(self.hosts.entry(computer).or_default(), table);
        }
        for (computer, table) in other.channels {
            merge_tables(self.channels.entry(computer).or_default(), table);
        }
        self.captures.extend(other.captures);
        self.wire.extend(other.wire);
        self.wire_full |= other.wire_full;
    }

    /// Freezes, with computers resolved to hosts.
    pub fn freeze(mut self, identity: &Identity) -> Coverage {
        self.captures
            .sort_by_key(|(id, interval)| (interval.from, *id));
        Coverage {
            events: by_host(self.hosts, identity),
            channels: by_host(self.channels, identity),
            captures: self.captures,
            wire: self.wire,
            wire_full: self.wire_full,
        }
    }
}

fn by_host<K: Ord>(
    tables: BTreeMap<String, BTreeMap<K, Seen>>,
    identity: &Identity,
) -> BTreeMap<HostId, BTreeMap<K, Seen>> {
    let mut hosts: BTreeMap<HostId, BTreeMap<K, Seen>> = BTreeMap::new();
    for (computer, table) in tables {
        if let Some(id) = identity.named(&computer) {
            merge_tables(hosts.entry(id).or_default(), table);
        }
    }
    hosts
}

fn merge_tables<K: Ord>(ours: &mut BTreeMap<K, Seen>, theirs: BTreeMap<K, Seen>) {
    for (key, seen) in theirs {
        ours.entry(key)
            .or_insert_with(|| Seen::new(seen.interval))
            .add(seen.count, seen.interval, seen.evidence);
    }
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    events: BTreeMap<HostId, BTreeMap<(Log, u32), Seen>>,
    channels: BTreeMap<HostId, BTreeMap<Log, Seen>>,
    captures: Vec<(EvidenceId, Interval)>,
    wire: HashSet<IpAddr, RandomState>,
    wire_full: bool,
}

impl Coverage {
    /// Gives what it knows of hosts its time on the reference clock.
    pub fn retime(mut self, correct: impl Fn(HostId, Timestamp) -> Timestamp) -> Self {
        let events = self
            .events
            .iter_mut()
            .flat_map(|(id, t)| t.values_mut().map(|s| (*id, s)));
        let channels = self
            .channels
            .iter_mut()
            .flat_map(|(id, t)| t.values_mut().map(|s| (*id, s)));
        for (id, seen) in events.chain(channels) {
            let Interval { from, to } = seen.interval;
            seen.interval = Interval {
                from: correct(id, from),
                to: correct(id, to),
            };
        }
        self
    }

    /// What one host's logs show of one event id.
    pub fn seen(&self, host: HostId, log: Log, event_id: u32) -> Option<&Seen> {
        self.events.get(&host)?.get(&(log, event_id))
    }

    /// True if any of these event ids occurs on the host.
    pub fn any(&self, host: HostId, log: Log, event_ids: &[u32]) -> bool {
        event_ids
            .iter()
            .any(|id| self.seen(host, log, *id).is_some())
    }

    /// Everything one host's logs show.
    pub fn of_host(&self, host: HostId) -> impl Iterator<Item = (Log, u32, &Seen)> {
        self.events
            .get(&host)
            .into_iter()
            .flatten()
            .map(|((log, id), seen)| (*log, *id, seen))
    }

    /// What one host's log holds in all, wanted events or not.
    pub fn channel(&self, host: HostId, log: Log) -> Option<&Seen> {
        self.channels.get(&host)?.get(&log)
    }

    /// Whether packets of this address were captured; `None` if too many addresses were seen to
    /// say no.
    pub fn on_wire(&self, address: IpAddr) -> Option<bool> {
        match self.wire.contains(&address) {
            false if self.wire_full => None,
            seen => Some(seen),
        }
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
