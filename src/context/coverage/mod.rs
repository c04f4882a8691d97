//! What the evidence covers: captures by time, logs and event ids by host.
//!
//! Absence is only ever stated as absence from this evidence; nothing here says why.

mod about;
pub mod channel;
pub mod hours;
pub mod interval;
pub mod log;
pub mod logging;
mod minutes;
mod outcomes;
pub mod sensor;
pub mod wire;

pub use about::SysmonAbout;
pub use channel::{Channel, Reach};
pub use hours::Hours;
pub use interval::Interval;
pub use log::Log;
pub use logging::{LoggingChange, LoggingChanges, LoggingWhat, Unwritten};
pub use sensor::Sensor;
pub use wire::{Sides, Wire};

use super::clocks::anchors as clocks;
use super::identity::{HostId, Identity};
use crate::capture::CaptureSummary;
use crate::eventlog::LogSummary;
use crate::model::{Event, EvidenceId, HostWhat, Timed, Timestamp, What};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What one host's logs show of one event id, or of one log.
#[derive(Clone, Debug)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// From when to when.
    pub interval: Interval,
    /// In which files.
    pub evidence: BTreeSet<EvidenceId>,
}

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

    fn merge(&mut self, other: Self) {
        self.add(other.count, other.interval, other.evidence);
    }
}

/// How much is held of all computers together, where that is bounded.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    changes: logging::Held,
    outcomes: outcomes::Held,
}

/// What is known of one computer or host.
#[derive(Clone, Debug, Default)]
struct OfHost {
    events: BTreeMap<(Log, u32), Seen>,
    // By name in lower case.
    channels: BTreeMap<String, Channel>,
    changes: LoggingChanges,
    hours: hours::Steady,
    minutes: minutes::Minutes,
    outcomes: outcomes::Outcomes,
    // Per log, made from the channels at the end.
    logs: BTreeMap<Log, Seen>,
}

impl OfHost {
    fn merge(&mut self, other: Self, held: &mut Held) {
        for (key, seen) in other.events {
            self.events
                .entry(key)
                .or_insert_with(|| Seen::new(seen.interval))
                .merge(seen);
        }
        for (key, channel) in other.channels {
            match self.channels.get_mut(&key) {
                Some(held) => held.merge(channel),
                None => {
                    self.channels.insert(key, channel);
                }
            }
        }
        self.changes.merge(other.changes, &mut held.changes);
        self.hours.merge(&other.hours);
        self.minutes.merge(&other.minutes);
        self.outcomes.merge(other.outcomes, &mut held.outcomes);
    }

    fn retime(&mut self, correct: impl Fn(Timestamp) -> Timestamp) {
        for seen in self.events.values_mut().chain(self.logs.values_mut()) {
            seen.interval = seen.interval.retimed(&correct);
        }
        for channel in self.channels.values_mut() {
            channel.retime(&correct);
        }
        self.changes.retime(&correct);
        self.outcomes.retime(&correct);
    }

    /// Takes in what another form holds of the same host, when the times of both are corrected.
    fn absorb(&mut self, other: Self) {
        for (key, seen) in other.events {
            self.events
                .entry(key)
                .or_insert_with(|| Seen::new(seen.interval))
                .merge(seen);
        }
        for (key, seen) in other.logs {
            self.logs
                .entry(key)
                .or_insert_with(|| Seen::new(seen.interval))
                .merge(seen);
        }
        for (key, channel) in other.channels {
            match self.channels.get_mut(&key) {
                Some(held) => held.absorb(channel),
                None => {
                    self.channels.insert(key, channel);
                }
            }
        }
        // Both were bounded when they were collected.
        let mut held = Held::default();
        self.changes.merge(other.changes, &mut held.changes);
        self.outcomes.merge(other.outcomes, &mut held.outcomes);
    }

    /// True if nothing says that records of a log are missing from a stretch of time, that it could not
    /// be written then, or that it was told to hold something else.
    fn is_whole(&self, log: Log, at: Interval) -> bool {
        let broken = |channel: &Channel| {
            let mut holes = channel.missing().unwrap_or_default().iter();
            holes.any(|hole| {
                let times = hole.after.zip(hole.before);
                times.is_some_and(|(a, b)| Interval::at(a).hull(Interval::at(b)).meets(&at))
            })
        };
        let turns = |change: &LoggingChange| match &change.what {
            LoggingWhat::SysmonConfigured => log == Log::Sysmon && at.holds(change.time),
            LoggingWhat::AuditPolicy { subcategory, .. } => {
                let connections =
                    logging::subcategory(subcategory).is_some_and(|(_, ids)| ids.contains(&5156));
                log == Log::Security
                    && connections
                    && self.changes.unwritten(change).is_some_and(|span| {
                        span.from <= at.to && span.until().is_none_or(|end| end >= at.from)
                    })
            }
            _ => false,
        };
        let mut channels = self.channels.values().filter(|c| c.log == log);
        !channels.any(broken)
            && !self.changes.list.iter().any(turns)
            && self.changes.could_write(log, at.from, at.to)
    }

    fn finish(&mut self) {
        self.changes.find_resumed(&self.minutes);
        for channel in self.channels.values_mut() {
            channel.finish();
            if let Some(at) = channel.interval() {
                self.logs
                    .entry(channel.log)
                    .or_insert_with(|| Seen::new(at))
                    .add(channel.held.records, at, channel.evidence.iter().copied());
            }
        }
    }
}

/// Collects coverage while reading; merges in any order.
#[derive(Clone, Debug, Default)]
pub struct CoverageBuilder {
    // By computer as written.
    computers: BTreeMap<String, OfHost>,
    // The same of records with local times.
    local: BTreeMap<(String, Timed), OfHost>,
    held: Held,
    sensors: Vec<Sensor>,
    wire: Wire,
}

impl CoverageBuilder {
    /// Takes in an event.
    pub fn observe(&mut self, event: &Event) {
        let host = match &event.what {
            What::Host(host) => host,
            What::Attempt(attempt) => return self.wire.attempt(event, attempt),
            What::Neighbour(neighbour) => return self.wire.neighbour(event, neighbour),
            What::Solicitation(asked) => return self.wire.solicitation(event, asked),
            What::Wake(_) | What::Resolution(_) => return,
        };
        let at = Interval::at(host.written);
        let evidence = event.provenance.evidence;
        let known = if host.timed.is_local() {
            let key = (host.computer.to_string(), host.timed);
            self.local.entry(key).or_default()
        } else if self.computers.contains_key(host.computer.as_ref()) {
            let Some(known) = self.computers.get_mut(host.computer.as_ref()) else {
                return;
            };
            known
        } else {
            self.computers.entry(host.computer.to_string()).or_default()
        };
        if let Some(change) = LoggingChange::of(event) {
            known.changes.add(change, &mut self.held.changes);
        }
        known.outcomes.observe(host, &mut self.held.outcomes);
        let log = Log::of(&host.channel);
        let event_id = match (log, &host.what) {
            (Log::FirewallText, HostWhat::Filtered { verdict, .. }) => Log::id_of_row(*verdict),
            _ => host.event_id,
        };
        known.hours.add(log, host.written);
        if log != Log::FirewallText {
            known.minutes.add(host.written);
        }
        // Keys of the registry that have nothing to do with the firewall do not show that those of the
        // firewall are logged.
        if matches!(host.what, HostWhat::RegistryChanged { .. }) {
            return;
        }
        known
            .events
            .entry((log, event_id))
            .or_insert_with(|| Seen::new(at))
            .add(1, at, [evidence]);
    }

    /// Takes in what a whole log file holds, wanted or not.
    pub fn log(&mut self, evidence: EvidenceId, summary: &LogSummary) {
        for ((_, key), source) in &summary.sources {
            let channel = Channel::of(evidence, summary, source);
            let computer = source.computer.to_string();
            let known = match source.timed.is_local() {
                true => self.local.entry((computer, source.timed)).or_default(),
                false => self.computers.entry(computer).or_default(),
            };
            match known.channels.get_mut(key) {
                Some(held) => held.merge(channel),
                None => {
                    known.channels.insert(key.clone(), channel);
                }
            }
        }
    }

    /// Takes in what a capture file holds.
    pub fn capture(&mut self, evidence: EvidenceId, summary: &CaptureSummary) {
        self.sensors.extend(Sensor::of(evidence, summary));
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (computer, known) in other.computers {
            let held = self.computers.entry(computer).or_default();
            held.merge(known, &mut self.held);
        }
        for (key, known) in other.local {
            let held = self.local.entry(key).or_default();
            held.merge(known, &mut self.held);
        }
        self.sensors.extend(other.sensors);
        self.wire.merge(other.wire);
    }

    /// Freezes, with computers resolved to hosts.
    pub fn freeze(mut self, identity: &Identity) -> Coverage {
        self.sensors.sort_by_key(|s| (s.interval.from, s.evidence));
        let mut hosts: BTreeMap<HostId, OfHost> = BTreeMap::new();
        let mut held = Held::default();
        for (computer, known) in self.computers {
            if let Some(id) = identity.named(&computer) {
                hosts.entry(id).or_default().merge(known, &mut held);
            }
        }
        hosts.values_mut().for_each(OfHost::finish);
        let mut local: BTreeMap<(HostId, Timed), OfHost> = BTreeMap::new();
        for ((computer, timed), known) in self.local {
            if let Some(id) = identity.named(&computer) {
                local
                    .entry((id, timed))
                    .or_default()
                    .merge(known, &mut held);
            }
        }
        local.values_mut().for_each(OfHost::finish);
        let captures = captures(&self.sensors);
        self.wire.join_rotations(&captures);
        Coverage {
            last_record: last_record(&hosts),
            hosts,
            local,
            captures,
            sensors: self.sensors,
            wire: self.wire,
        }
    }
}

fn last_record(hosts: &BTreeMap<HostId, OfHost>) -> Option<Timestamp> {
    let logs = hosts.values().flat_map(|known| known.events.values());
    logs.map(|seen| seen.interval.to).max()
}

fn captures(sensors: &[Sensor]) -> Vec<(EvidenceId, Interval)> {
    sensors.iter().map(|s| (s.evidence, s.interval)).collect()
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    hosts: BTreeMap<HostId, OfHost>,
    // Forms with local times, until their times are corrected.
    local: BTreeMap<(HostId, Timed), OfHost>,
    captures: Vec<(EvidenceId, Interval)>,
    sensors: Vec<Sensor>,
    wire: Wire,
    // The last record of any host's logs.
    last_record: Option<Timestamp>,
}

impl Coverage {
    /// Puts its times on the reference clock: those of logs by `of_host`, those of packets by
    /// `of_sensor`. Only then does what forms with local times hold stand beside the rest. What the summaries of files hold stays as recorded.
    pub fn retime(
        mut self,
        of_host: impl Fn(HostId, Timed, Timestamp) -> Timestamp,
        of_sensor: impl Fn(clocks::Sensor, Timestamp) -> Timestamp,
    ) -> Self {
        for (id, known) in &mut self.hosts {
            known.retime(|time| of_host(*id, Timed::Utc, time));
        }
        for ((id, timed), mut known) in std::mem::take(&mut self.local) {
            known.retime(|time| of_host(id, timed, time));
            self.hosts.entry(id).or_default().absorb(known);
        }
        for sensor in &mut self.sensors {
            sensor.retime(&of_sensor);
        }
        self.sensors.sort_by_key(|s| (s.interval.from, s.evidence));
        self.captures = captures(&self.sensors);
        self.wire.retime(of_sensor);
        self.last_record = last_record(&self.hosts);
        self
    }

    /// The last record of any host's logs.
    pub fn last_record(&self) -> Option<Timestamp> {
        self.last_record
    }

    /// What one host's logs show of one event id.
    pub fn seen(&self, host: HostId, log: Log, event_id: u32) -> Option<&Seen> {
        self.hosts.get(&host)?.events.get(&(log, event_id))
    }

    /// True if any of these event ids occurs on the host.
    pub fn any(&self, host: HostId, log: Log, event_ids: &[u32]) -> bool {
        event_ids
            .iter()
            .any(|id| self.seen(host, log, *id).is_some())
    }

    /// True if nothing says that records of a host's log are missing from a stretch of time, that it
    /// could not be written then, or that it was told to hold something else.
    pub fn is_whole(&self, host: HostId, log: Log, at: Interval) -> bool {
        self.hosts
            .get(&host)
            .is_none_or(|known| known.is_whole(log, at))
    }

    /// True if the logs of a host tell what became of some attempt that it logged.
    pub fn tells_outcomes(&self, host: HostId) -> bool {
        let known = self.hosts.get(&host);
        known.is_some_and(|known| {
            let sysmon = || known.channels.values().filter(|c| c.log == Log::Sysmon);
            known.outcomes.any() && sysmon().all(|c| c.missing().is_some())
        })
    }

    /// Everything one host's logs show.
    pub fn of_host(&self, host: HostId) -> impl Iterator<Item = (Log, u32, &Seen)> {
        self.hosts
            .get(&host)
            .into_iter()
            .flat_map(|known| &known.events)
            .map(|((log, id), seen)| (*log, *id, seen))
    }

    /// What one host's log holds in all, wanted events or not.
    pub fn channel(&self, host: HostId, log: Log) -> Option<&Seen> {
        self.hosts.get(&host)?.logs.get(&log)
    }

    /// The channels of one host, by name.
    pub fn channels(&self, host: HostId) -> impl Iterator<Item = &Channel> {
        self.hosts
            .get(&host)
            .into_iter()
            .flat_map(|known| known.channels.values())
    }

    /// In which hours a log of a host was written to, as recorded and by what analytics ask for;
    /// `None` for a log that is silent for long by nature.
    pub fn hours(&self, host: HostId, log: Log) -> Option<&Hours> {
        self.hosts.get(&host)?.hours.of(log)
    }

    /// What one host's logs say about what they hold.
    pub fn logging_changes(&self, host: HostId) -> Option<&LoggingChanges> {
        self.hosts.get(&host).map(|known| &known.changes)
    }

    /// True if nothing says that the log of a host could not be written at some time from `from` to
    /// `to`. A log that was not given could be written as well.
    pub fn could_write(&self, host: HostId, log: Log, from: Timestamp, to: Timestamp) -> bool {
        self.logging_changes(host)
            .is_none_or(|changes| changes.could_write(log, from, to))
    }

    /// From the first record of any log of a host to the last; `None` without one that has a time.
    pub fn history(&self, host: HostId) -> Option<Interval> {
        let intervals = self.hosts.get(&host)?.logs.values().map(|s| s.interval);
        intervals.reduce(Interval::hull)
    }

    /// Whether packets of this address were captured; `None` if too many addresses were seen to
    /// say no.
    pub fn on_wire(&self, address: IpAddr) -> Option<bool> {
        self.wire.holds(address)
    }

    /// The first sign of life of an address: it was up from then on at the latest. A packet it sent,
    /// or one that answered. `None` if there is none, or it is not remembered.
    pub fn alive_since(&self, address: IpAddr) -> Option<Timestamp> {
        self.wire.alive_since(address)
    }

    /// The addresses in the captures.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The capture files with what each interface covers, by start.
    pub fn sensors(&self) -> &[Sensor] {
        &self.sensors
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
