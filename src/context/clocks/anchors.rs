//! What can tie clocks together, collected while reading: when captures and logs saw which TCP
//! connection, when sensors saw which SYN, and where logs say that a clock was changed.
//!
//! Compact sights in bounded samples, never events. UDP is left out: what counts as the start of a
//! UDP exchange differs between a host and the wire. Nothing is measured here.

use super::sample::{Sample, Sight, bucket, key};
use super::steps::{Step, Told};
use crate::capture::packet::{Packet, flags};
use crate::eventlog::zones::{Stretch, Zones};
use crate::model::attempt::Outcome;
use crate::model::net::is_group_or_wildcard;
use crate::model::{
    Attempt, Endpoint, Event, EvidenceId, HostEvent, HostWhat, Provenance, Span, Text, Timed,
    Timestamp, Transport, What,
};
use std::collections::{BTreeMap, BTreeSet};

/// Sights held of the captures, of all hosts together, and of sensors.
const WIRE: usize = 400_000;
const HOSTS: usize = 400_000;
const FRAMES: usize = 200_000;
/// SYNs of captures held with their sequence numbers, for logs that have them.
const EXACT: usize = 100_000;
/// Clock changes kept of one host, the largest; and hosts with clock changes.
const STEPS: usize = 256;
const STEPPING: usize = 4_096;
/// W32Time nudges a clock all the time; only more than this is a step.
const STEP: Span = Span::millis(50);

/// Set in the key of a SYN that nothing tells from the same SYN sent again.
pub const UNTOLD: u64 = 1;

/// A capture file and interface.
pub type Sensor = (EvidenceId, u16);

/// Which clock of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Domain {
    System,
    SysmonNetwork,
    /// A form whose times are local.
    Local(Timed),
    /// SYNs that such a form tells by their sequence numbers.
    Exact(Timed),
}

/// Collects anchors; builders of several readers merge in any order.
#[derive(Clone, Debug)]
pub struct AnchorBuilder {
    wire: Sample<u8>,
    exact: Sample<u8>,
    frames: Sample<Sensor>,
    // The first SYN of each sensor.
    begun: BTreeMap<Sensor, Timestamp>,
    hosts: Sample<(Text, Domain)>,
    steps: BTreeMap<Text, BTreeSet<(u64, Step)>>,
    timed: BTreeMap<Text, BTreeSet<Timed>>,
    zones: BTreeMap<(Text, Timed), Vec<Stretch>>,
    last: Option<(Text, Timed)>,
    steps_left_out: u64,
    late: BTreeSet<Text>,
    captured: bool,
}

impl Default for AnchorBuilder {
    fn default() -> Self {
        Self {
            wire: Sample::new(WIRE),
            exact: Sample::new(EXACT),
            frames: Sample::new(FRAMES),
            begun: BTreeMap::new(),
            hosts: Sample::new(HOSTS),
            steps: BTreeMap::new(),
            timed: BTreeMap::new(),
            zones: BTreeMap::new(),
            last: None,
            steps_left_out: 0,
            late: BTreeSet::new(),
            captured: false,
        }
    }
}

impl AnchorBuilder {
    /// Takes in an event.
    pub fn observe(&mut self, event: &Event) {
        match &event.what {
            What::Attempt(attempt) => self.attempt(event, attempt),
            What::Host(host) => self.host(event, host),
            What::Wake(_) | What::Neighbour(_) | What::Solicitation(_) | What::Resolution(_) => {}
        }
    }

    fn host(&mut self, event: &Event, host: &HostEvent) {
        self.timed(host);
        match &host.what {
            HostWhat::Filtered {
                transport: Transport::TCP,
                source,
                destination,
                isn,
                ..
            } => {
                if let Some(key) = telling(*source, *destination) {
                    let sight = Sight {
                        key,
                        time: event.recorded,
                        from: 0,
                    };
                    let domain = match host.timed {
                        Timed::Utc => Domain::System,
                        local => Domain::Local(local),
                    };
                    self.hosts.add((host.computer.clone(), domain), sight);
                    if let Some(isn) = isn {
                        let key = exactly(*source, *destination, *isn);
                        let domain = Domain::Exact(host.timed);
                        self.hosts
                            .add((host.computer.clone(), domain), Sight { key, ..sight });
                    }
                }
            }
            HostWhat::Connected {
                transport,
                source,
                destination,
                utc_time,
                ..
            } => {
                self.written_late(event, host, *utc_time);
                if let (Some(time), Some(key), Transport::TCP) =
                    (*utc_time, telling(*source, *destination), *transport)
                {
                    let sight = Sight { key, time, from: 0 };
                    self.hosts
                        .add((host.computer.clone(), Domain::SysmonNetwork), sight);
                }
            }
            HostWhat::NameQueried { utc_time, .. } => self.written_late(event, host, *utc_time),
            HostWhat::ClockChanged { from, to, process } if to.since(*from).abs() > STEP => {
                let told = Told {
                    at: event.provenance,
                    channel: host.channel.clone(),
                };
                let step = Step {
                    from: *from,
                    to: *to,
                    told: vec![told],
                    process: process.clone(),
                };
                self.step(&host.computer, step);
            }
            _ => {}
        }
    }

    /// Notes a network event of Sysmon, unless its record has the event's own time: then it is not known
    /// when it was written, and it stays where it says.
    fn written_late(&mut self, event: &Event, host: &HostEvent, utc: Option<Timestamp>) {
        if utc != Some(event.recorded) && !self.late.contains(&host.computer) {
            self.late.insert(host.computer.clone());
        }
    }

    /// Notes which clocks a computer's records are of.
    fn timed(&mut self, host: &HostEvent) {
        let same =
            |(computer, timed): &(Text, Timed)| *timed == host.timed && *computer == host.computer;
        if self.last.as_ref().is_some_and(same) {
            return;
        }
        let held = self.timed.entry(host.computer.clone()).or_default();
        held.insert(host.timed);
        self.last = Some((host.computer.clone(), host.timed));
    }

    fn attempt(&mut self, event: &Event, attempt: &Attempt) {
        self.captured = true;
        let started = attempt.transport == Transport::TCP
            && attempt.isn.is_some()
            && !matches!(attempt.outcome, Outcome::Midstream | Outcome::OneSided);
        let (a, b) = (attempt.initiator, attempt.responder);
        if let Some(key) = telling(a, b).filter(|_| started) {
            let sight = Sight {
                key,
                time: event.recorded,
                from: tag(sensor_of(&event.provenance)),
            };
            let (first, second) = (bucket(a.address), bucket(b.address));
            self.wire.add(first, sight);
            if second != first {
                self.wire.add(second, sight);
            }
            if let Some(isn) = attempt.isn {
                let key = exactly(a, b, isn);
                self.exact.add(first, Sight { key, ..sight });
            }
        }
    }

    fn step(&mut self, computer: &Text, step: Step) {
        let held = self.steps.entry(computer.clone()).or_default();
        held.insert((step.size().0.unsigned_abs(), step));
        if held.len() > STEPS {
            held.pop_first();
            self.steps_left_out += 1;
        }
        if self.steps.len() > STEPPING
            && let Some((_, dropped)) = self.steps.pop_last()
        {
            self.steps_left_out += dropped.len() as u64;
        }
    }

    /// Takes in a packet, for what several sensors saw.
    pub fn packet(&mut self, evidence: EvidenceId, packet: &Packet) {
        self.captured = true;
        if packet.transport == Transport::TCP
            && packet.flags & (flags::SYN | flags::ACK) == flags::SYN
        {
            let sensor = (evidence, packet.interface);
            let begun = self.begun.entry(sensor).or_insert(packet.time);
            *begun = packet.time.min(*begun);
            // A SYN that is sent again has another identification, where it has one.
            let told = packet.ip_id != 0 && packet.source.address.is_ipv4();
            let id = if told { packet.ip_id } else { 0 };
            let number = u64::from(id) << 40 | u64::from(packet.seq) << 1 | 1;
            let hash = key(Transport::TCP, packet.source, packet.destination, number);
            let sight = Sight {
                key: if told { hash & !UNTOLD } else { hash | UNTOLD },
                time: packet.time,
                from: tag(sensor),
            };
            self.frames.add(sensor, sight);
        }
    }

    /// Takes in what the Sysmon records of a file with local times say of their zone.
    pub fn zones(&mut self, timed: Timed, zones: &Zones) {
        for (computer, stretches) in zones.told() {
            let held = self.zones.entry((computer.clone(), timed)).or_default();
            held.extend_from_slice(stretches);
        }
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (key, stretches) in other.zones {
            self.zones.entry(key).or_default().extend(stretches);
        }
        self.wire.merge(other.wire);
        self.exact.merge(other.exact);
        for (computer, timed) in other.timed {
            self.timed.entry(computer).or_default().extend(timed);
        }
        self.frames.merge(other.frames);
        for (sensor, begun) in other.begun {
            let held = self.begun.entry(sensor).or_insert(begun);
            *held = begun.min(*held);
        }
        self.hosts.merge(other.hosts);
        for (computer, steps) in other.steps {
            for (_, step) in steps {
                self.step(&computer, step);
            }
        }
        self.steps_left_out += other.steps_left_out;
        self.late.extend(other.late);
        self.captured |= other.captured;
    }

    /// Ends the collecting.
    pub fn freeze(self) -> Anchors {
        let mut wire: Vec<Sight> = self.wire.into_groups().into_values().flatten().collect();
        wire.sort_unstable();
        wire.dedup();
        let mut hosts: BTreeMap<Text, HostAnchors> = BTreeMap::new();
        for ((computer, domain), sights) in self.hosts.into_groups() {
            let host = hosts.entry(computer).or_default();
            match domain {
                Domain::System => host.system = sights,
                Domain::SysmonNetwork => host.network = sights,
                Domain::Local(timed) => host.local.entry(timed).or_default().sights = sights,
                Domain::Exact(timed) => host.local.entry(timed).or_default().exact = sights,
            }
        }
        for (computer, timed) in self.timed {
            hosts.entry(computer).or_default().timed = timed;
        }
        for ((computer, timed), zones) in self.zones {
            let host = hosts.entry(computer).or_default();
            host.local.entry(timed).or_default().zones = zones;
        }
        for (computer, steps) in self.steps {
            hosts.entry(computer).or_default().steps =
                steps.into_iter().map(|(_, step)| step).collect();
        }
        let mut exact: Vec<Sight> = self.exact.into_groups().into_values().flatten().collect();
        exact.sort_unstable();
        Anchors {
            wire,
            exact,
            sensors: self.frames.into_groups(),
            begun: self.begun,
            hosts,
            steps_left_out: self.steps_left_out,
            late: self.late,
            captured: self.captured,
        }
    }
}

/// What was collected.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// TCP connections in captures, at their first SYN, sorted; `from` is the sensor's `tag`.
    pub wire: Vec<Sight>,
    /// The same by endpoints and initial sequence number.
    pub exact: Vec<Sight>,
    /// SYNs by sensor; `UNTOLD` is set in the keys of those without an identification.
    pub sensors: BTreeMap<Sensor, Vec<Sight>>,
    /// The first SYN of each sensor.
    pub begun: BTreeMap<Sensor, Timestamp>,
    /// By computer, as the records spell it.
    pub hosts: BTreeMap<Text, HostAnchors>,
    /// Changes of system clocks beyond those kept, the largest of each host.
    pub steps_left_out: u64,
    /// Computers with Sysmon 3 or 22 events, which are written late, of which it is told when they were
    /// written.
    pub late: BTreeSet<Text>,
    /// True if some packet or connection of a capture was read.
    pub captured: bool,
}

/// What was collected of one host.
#[derive(Clone, Debug, Default)]
pub struct HostAnchors {
    /// 5152, 5153, 5156 and 5157, at TimeCreated.
    pub system: Vec<Sight>,
    /// Sysmon 3, at its UtcTime.
    pub network: Vec<Sight>,
    /// Changes of the system clock that logs name.
    pub steps: Vec<Step>,
    /// What forms with local times have.
    pub local: BTreeMap<Timed, LocalAnchors>,
    /// Which clocks its records are of.
    pub timed: BTreeSet<Timed>,
}

/// What was collected of one form of one host whose times are local.
#[derive(Clone, Debug, Default)]
pub struct LocalAnchors {
    /// Connections, as written.
    pub sights: Vec<Sight>,
    /// SYNs by endpoints and initial sequence number.
    pub exact: Vec<Sight>,
    /// What its Sysmon records say of the zone.
    pub zones: Vec<Stretch>,
}

impl HostAnchors {
    /// Adds what another spelling of the name has.
    pub fn join(&mut self, other: Self) {
        for (ours, theirs) in [
            (&mut self.system, other.system),
            (&mut self.network, other.network),
        ] {
            ours.extend(theirs);
            ours.sort_unstable();
        }
        self.steps.extend(other.steps);
        self.timed.extend(other.timed);
        for (timed, theirs) in other.local {
            let ours = self.local.entry(timed).or_default();
            ours.zones.extend(theirs.zones);
            for (ours, theirs) in [
                (&mut ours.sights, theirs.sights),
                (&mut ours.exact, theirs.exact),
            ] {
                ours.extend(theirs);
                ours.sort_unstable();
            }
        }
    }
}

/// The key of one SYN.
fn exactly(a: Endpoint, b: Endpoint, isn: u32) -> u64 {
    key(Transport::TCP, a, b, u64::from(isn) << 1 | 1)
}

/// The sensor that saw a packet.
pub fn sensor_of(at: &Provenance) -> Sensor {
    (at.evidence, at.interface)
}

/// A sensor as a number.
pub fn tag(sensor: Sensor) -> u64 {
    u64::from(sensor.0.0) << 16 | u64::from(sensor.1)
}

/// The key of a connection that can be told from others; loopback never leaves the host.
fn telling(a: Endpoint, b: Endpoint) -> Option<u64> {
    let tells =
        |e: &Endpoint| !e.address.is_loopback() && !is_group_or_wildcard(e.address) && e.port != 0;
    (tells(&a) && tells(&b) && a.address != b.address).then(|| key(Transport::TCP, a, b, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn step(n: usize) -> Step {
        Step {
            from: Timestamp(0),
            to: Timestamp(n as i64 + 1),
            told: Vec::new(),
            process: "".into(),
        }
    }

    #[test]
    fn changes_of_clocks_are_bounded_while_reading_and_on_merge() {
        let half = |from: usize| {
            let mut builder = AnchorBuilder::default();
            for n in from..from + STEPS / 2 + 1 {
                builder.step(&"WS01".into(), step(n));
            }
            builder
        };
        let mut one = half(0);
        one.merge(half(STEPS / 2 + 1));
        assert_eq!(one.steps[&Text::from("WS01")].len(), STEPS);
        assert_eq!(one.steps_left_out, 2);
        let smallest = one.steps[&Text::from("WS01")]
            .first()
            .map(|(size, _)| *size);
        assert_eq!(smallest, Some(3), "the largest are kept");
        for n in 0..STEPPING {
            one.step(&format!("A{n}").as_str().into(), step(0));
        }
        assert_eq!(one.steps.len(), STEPPING);
        assert_eq!(one.steps_left_out, 2 + STEPS as u64);
        assert_eq!(one.freeze().steps_left_out, 2 + STEPS as u64);
    }
}
