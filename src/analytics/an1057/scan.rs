//! A scan while it goes on: what it touched, found and did next. Everything is bounded.

use super::EVENT;
use super::detect::{Focus, Hit};
use super::recent::{Probe, Target, tells_more};
use super::settings::EnumerationSettings;
use crate::analytics::kit::contact::{Fate, Form};
use crate::eventlog::normalise::image::image_key;
use crate::model::provenance::Item;
use crate::model::{
    Actor, Endpoint, Event, Provenance, Socket, Span, Strength, Timestamp, Transport, What,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Targets told in time order.
pub(super) const FIRST: usize = 20;
/// Distinct addresses, ports and networks counted; beyond, "or more".
pub(super) const COUNTED: usize = 4096;
/// Ports counted apart, so that those which matter can be told; further ports are counted together.
const ROWS: usize = COUNTED;
/// Answering targets kept, and connections told that followed to them.
const OPEN: usize = 64;
pub(super) const FOLLOWED: usize = 16;
/// A connection to what was found counts as "what followed" this long after.
pub(super) const FOLLOWS: Span = Span::seconds(600);
/// What only the walk goes by, and did not fail, belongs up to the next failure. After this many
/// without one the host does well again.
const BETWEEN: usize = 64;
/// Foci kept; beyond, everything belongs.
const FOCI: usize = 32;

/// A row of the table of ports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    pub answered: u64,
    pub failed: u64,
    pub untold: u64,
}

impl Row {
    fn of(&mut self, fate: Fate) -> &mut u64 {
        match fate.failed() {
            Some(true) => &mut self.failed,
            Some(false) => &mut self.answered,
            None => &mut self.untold,
        }
    }
}

/// One process, by id and start.
type OneProcess = (Option<u32>, Option<Timestamp>);

/// What one process made of a scan.
#[derive(Clone, Debug)]
pub(super) struct Share {
    pub actor: Actor,
    /// When its first contact was.
    pub at: Timestamp,
    pub contacts: u64,
}

/// The contacts of a focus.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub contacts: u64,
    /// Of those, the ones with internal addresses.
    pub internal: u64,
}

/// An address with the ports tried of it, and a port with the addresses it was tried on.
type Mixture = ((IpAddr, u64), ((Form, Transport, u16), u64));

/// A scan.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub hits: Vec<Hit>,
    /// What it is about, with the contacts of each.
    foci: BTreeMap<Focus, Count>,
    pub first: Timestamp,
    pub last: Timestamp,
    /// Contacts of the walk since its last failure.
    between: Vec<Probe>,
    pub last_event: Event,
    /// The first targets, in time order.
    pub targets: Vec<Probe>,
    pub contacts: u64,
    /// What was counted, and how it ended: what is tried again is no new target.
    pub counted: BTreeMap<Target, Fate>,
    /// First contacts with usual targets meanwhile, which are not counted.
    pub usual: u64,
    pub on_wire: u64,
    /// Of those, rows of a log of connections, which are no packets.
    pub lines: u64,
    /// Of those on the wire, contacts that records or the capture's own comments firmly tie to a process.
    pub agreed: u64,
    pub tied: [u64; 3],
    pub addresses: BTreeSet<IpAddr>,
    pub ports: BTreeSet<(Form, Transport, u16)>,
    pub networks: BTreeSet<[u8; 3]>,
    pub internal: u64,
    /// Echo requests, for which nobody opens a socket that is logged.
    pub echoes: u64,
    /// Contacts in which payload went both ways.
    pub spoken: u64,
    pub rows: BTreeMap<(Form, Transport, u16), Row>,
    pub other_ports: Row,
    /// Targets that answered: when they were first reached, and where that is written.
    pub open: BTreeMap<Target, (Timestamp, Provenance)>,
    pub followed: Vec<Event>,
    /// Connections that may have followed came and went before it was known to be a scan.
    pub unheard: bool,
    /// Contacts by process, the first [`OPEN`] of them.
    pub processes: BTreeMap<OneProcess, Share>,
    /// Contacts by program, for a source whose programs are not told apart.
    pub programs: BTreeMap<String, u64>,
}

impl Scan {
    /// The image that made four fifths of the contacts.
    pub fn main_image(&self) -> Option<&str> {
        let (image, most) = self
            .programs
            .iter()
            .max_by_key(|(_, contacts)| **contacts)?;
        (most * 5 >= self.contacts * 4).then_some(image)
    }

    /// A scan that begins with `first`.
    pub fn new(first: &Probe) -> Self {
        Self {
            hits: Vec::new(),
            foci: BTreeMap::new(),
            first: first.time,
            last: first.time,
            between: Vec::new(),
            last_event: first.event.clone(),
            targets: Vec::new(),
            contacts: 0,
            counted: BTreeMap::new(),
            usual: 0,
            on_wire: 0,
            lines: 0,
            agreed: 0,
            tied: [0; 3],
            addresses: BTreeSet::new(),
            ports: BTreeSet::new(),
            networks: BTreeSet::new(),
            internal: 0,
            echoes: 0,
            spoken: 0,
            rows: BTreeMap::new(),
            other_ports: Row::default(),
            open: BTreeMap::new(),
            followed: Vec::new(),
            unheard: false,
            processes: BTreeMap::new(),
            programs: BTreeMap::new(),
        }
    }

    /// Adds a detector, or its newer measure; true if its contacts were not looked at before.
    pub fn hit(&mut self, hit: Hit) -> bool {
        let new = !self.looks_at(hit.focus);
        let focus = if self.foci.len() < FOCI {
            hit.focus
        } else {
            Focus::All
        };
        self.foci.entry(focus).or_default();
        let same = |h: &Hit| h.detector == hit.detector && h.condition.text == hit.condition.text;
        match self.hits.iter().position(same) {
            Some(place) => self.hits[place] = hit,
            None if self.hits.len() < FOCI => self.hits.push(hit),
            None => {}
        }
        new
    }

    /// True if the contacts of a focus are looked at already.
    pub fn looks_at(&self, focus: Focus) -> bool {
        self.foci.contains_key(&focus) || self.foci.contains_key(&Focus::All)
    }

    /// True if the contact belongs to the scan.
    pub fn holds(&self, probe: &Probe) -> bool {
        self.foci.keys().any(|f| f.holds(probe))
    }

    /// The contacts of a focus that is new, all in one.
    pub fn counted(&mut self, focus: Focus, count: Count) {
        if let Some(held) = self.foci.get_mut(&focus) {
            *held = count;
        }
    }

    /// True if a detector that fired would have been told by as many contacts as it had with
    /// internal addresses.
    pub fn is_internal(&self, settings: &EnumerationSettings) -> bool {
        self.hits.iter().any(|hit| {
            let count = self.foci.get(&hit.focus).or(self.foci.get(&Focus::All));
            let internal = count.map_or(self.internal, |count| count.internal);
            internal >= u64::from(hit.detector.least_internal(settings))
        })
    }

    /// One address of which many ports were tried, with how many; and beside it one port that was
    /// tried on many addresses, with how many. `None` for any other mixture.
    pub fn host_and_port(&self) -> Option<Mixture> {
        let mut foci = self.foci.iter().filter(|(f, _)| **f != Focus::Walked);
        match (foci.next(), foci.next(), foci.next()) {
            (
                Some((Focus::Port(form, transport, port), addresses)),
                Some((Focus::Address(address), ports)),
                None,
            ) => Some((
                (*address, ports.contacts),
                ((*form, *transport, *port), addresses.contacts),
            )),
            _ => None,
        }
    }

    /// Takes in a first contact that belongs.
    pub fn take(&mut self, probe: &Probe) {
        let walked = |f: &Focus| *f == Focus::Walked || !f.holds(probe);
        let walked = self.foci.keys().all(walked);
        if walked && probe.known.is_some_and(|known| known < self.first) {
            // Whom the key knew before the scan is none of its targets.
            return;
        }
        if probe.failed() || !walked {
            for probe in std::mem::take(&mut self.between) {
                self.add(&probe);
            }
            self.add(probe);
        } else if self.between.len() < BETWEEN {
            self.between.push(probe.clone());
        } else {
            self.between.clear();
            self.foci.remove(&Focus::Walked);
        }
    }

    /// Learns better what became of a target that is counted; false if it is not.
    pub fn learn(&mut self, probe: &Probe) -> bool {
        let Some(held) = self.counted.get_mut(&probe.target()) else {
            return false;
        };
        if tells_more(probe.fate, *held) {
            let before = std::mem::replace(held, probe.fate);
            let row = self.row(probe);
            *row.of(before) -= 1;
            *row.of(probe.fate) += 1;
            if probe.fate == Fate::Answered {
                self.spoken += u64::from(speaks(probe));
                self.keep_open(probe);
            }
        }
        true
    }

    /// The row of the table that a contact is counted in.
    fn row(&mut self, probe: &Probe) -> &mut Row {
        let port = (probe.form, probe.transport, probe.remote.port);
        if self.rows.len() < ROWS || self.rows.contains_key(&port) {
            self.rows.entry(port).or_default()
        } else {
            &mut self.other_ports
        }
    }

    /// Adds a first contact; nothing if its target is counted already.
    pub fn add(&mut self, probe: &Probe) {
        if self.counted.contains_key(&probe.target()) {
            return;
        }
        if self.counted.len() < COUNTED {
            self.counted.insert(probe.target(), probe.fate);
        }
        self.contacts += 1;
        for (focus, count) in &mut self.foci {
            let held = focus.holds(probe);
            count.contacts += u64::from(held);
            count.internal += u64::from(held && probe.internal);
        }
        self.on_wire += u64::from(probe.on_wire);
        let line = probe.event.provenance.kind == Item::Line;
        self.lines += u64::from(probe.on_wire && line);
        let firm = matches!(probe.strength, Some(Strength::Exact | Strength::Comment));
        self.agreed += u64::from(probe.on_wire && firm);
        if let Some(strength) = probe.strength {
            self.tied[strength as usize] += 1;
        }
        self.internal += u64::from(probe.internal);
        self.echoes += u64::from(probe.form == Form::Echo);
        self.spoken += u64::from(speaks(probe));
        self.first = self.first.min(probe.time);
        if probe.time >= self.last {
            self.last = probe.time;
            self.last_event = probe.event.clone();
        }
        self.tell(probe);
        let bounded = |len: usize| len < COUNTED;
        if bounded(self.addresses.len()) {
            self.addresses.insert(probe.remote.address);
        }
        let port = (probe.form, probe.transport, probe.remote.port);
        // At most all ports of TCP and UDP.
        self.ports.insert(port);
        if let IpAddr::V4(v4) = probe.remote.address
            && bounded(self.networks.len())
        {
            let [a, b, c, _] = v4.octets();
            self.networks.insert([a, b, c]);
        }
        *self.row(probe).of(probe.fate) += 1;
        if probe.fate == Fate::Answered {
            self.keep_open(probe);
        }
        let Some(actor) = actor_of(&probe.event) else {
            return;
        };
        let process = (actor.process.pid, actor.started);
        if self.processes.len() < OPEN || self.processes.contains_key(&process) {
            let share = self.processes.entry(process).or_insert_with(|| Share {
                actor: actor.clone(),
                at: probe.time,
                contacts: 0,
            });
            share.contacts += 1;
        }
        let program = image_key(&actor.process.image);
        if self.programs.len() < OPEN || self.programs.contains_key(&program) {
            *self.programs.entry(program).or_default() += 1;
        }
    }

    /// Keeps it if it is one of the earliest: a port that is told later may have begun earlier.
    fn tell(&mut self, probe: &Probe) {
        let order = probe.event.order();
        let place = self.targets.partition_point(|p| p.event.order() <= order);
        if place < FIRST {
            self.targets.insert(place, probe.clone());
            self.targets.truncate(FIRST);
        }
    }

    /// Keeps it among what answered, of too many the earliest.
    fn keep_open(&mut self, probe: &Probe) {
        let at = (probe.time, probe.event.provenance);
        let held = self.open.entry(probe.target()).or_insert(at);
        *held = at.min(*held);
        if self.open.len() > OPEN {
            let latest = self.open.iter().max_by_key(|(_, at)| **at);
            let latest = latest.map(|(target, _)| *target);
            latest.and_then(|target| self.open.remove(&target));
        }
    }

    /// Hears any contact of the key: a later connection with payload to what was found. What
    /// answered a ping or a question to its segment is an address, and any TCP port of it counts,
    /// once.
    pub fn follow(&mut self, probe: &Probe) {
        let What::Attempt(attempt) = &probe.event.what else {
            return;
        };
        let known = |event: &Event| event.provenance == probe.event.provenance;
        if !carries(probe) || self.followed.len() >= FOLLOWED || self.followed.iter().any(known) {
            return;
        }
        let soon = |at: &Timestamp| probe.time > *at && probe.time.since(*at) <= FOLLOWS;
        let of_port = self.open.get(&probe.target());
        if of_port.is_some_and(|(at, _)| soon(at)) {
            self.followed.push(probe.event.clone());
            return;
        }
        let address = Endpoint::new(probe.remote.address, 0);
        let mut alive = [
            (Form::Resolution, Transport::ICMP),
            (Form::Echo, Transport::ICMP),
            (Form::Echo, Transport::ICMPV6),
        ]
        .into_iter()
        .filter_map(|(form, transport)| self.open.get(&(form, transport, address)));
        let told = |event: &Event| match &event.what {
            What::Attempt(told) => told.responder == attempt.responder,
            _ => false,
        };
        if probe.transport == Transport::TCP
            && alive.any(|(at, _)| soon(at))
            && !self.followed.iter().any(told)
        {
            self.followed.push(probe.event.clone());
        }
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        let small = self.addresses.len() + self.ports.len() + self.networks.len() + self.foci.len();
        let rows = self.rows.len() + self.open.len() + self.programs.len();
        let counted = self.counted.len() * 2 * size_of::<(Target, Fate)>();
        let events =
            self.targets.len() + self.followed.len() + self.hits.len() + self.processes.len();
        size_of::<Self>() + counted + small * 32 + rows * 128 + events * EVENT
    }

    /// What shows its contacts on the wire, in words.
    pub fn wire(&self) -> &'static str {
        match self.lines {
            0 => "packets",
            lines if lines == self.on_wire => "a log of connections",
            _ => "packets, a log of connections",
        }
    }

    /// Contacts tied to a process, whatever the strength.
    pub fn tied_all(&self) -> u64 {
        self.tied.iter().sum()
    }

    /// Contacts tied with this strength.
    pub fn tied_by(&self, strength: Strength) -> u64 {
        self.tied[strength as usize]
    }

    /// The ids of its processes, as far as they are kept.
    pub fn pids(&self) -> BTreeSet<u32> {
        self.processes.keys().filter_map(|(pid, _)| *pid).collect()
    }

    /// Sums over all ports: answered, failed, not told.
    pub fn sums(&self) -> Row {
        let mut sum = self.other_ports;
        for row in self.rows.values() {
            sum.answered += row.answered;
            sum.failed += row.failed;
            sum.untold += row.untold;
        }
        sum
    }
}

/// True for a connection that packets show with payload.
pub(super) fn carries(probe: &Probe) -> bool {
    match &probe.event.what {
        What::Attempt(attempt) => probe.fate == Fate::Answered && attempt.bytes != [0, 0],
        _ => false,
    }
}

/// True if payload went both ways.
pub(super) fn speaks(probe: &Probe) -> bool {
    match &probe.event.what {
        What::Attempt(attempt) => probe.fate == Fate::Answered && !attempt.bytes.contains(&0),
        _ => false,
    }
}

/// The process that an event of a contact carries.
pub(super) fn actor_of(event: &Event) -> Option<&Actor> {
    match &event.what {
        What::Attempt(attempt) => attempt.actor.as_deref(),
        What::Solicitation(asked) => asked.actor.as_deref(),
        What::Host(host) => match host.socket.as_deref()? {
            Socket::First { actor, .. } => Some(actor),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::an1057::samples::probe;

    fn open_port(second: i64, last: u8) -> Probe {
        probe(second, last, 445, Fate::Answered)
    }

    #[test]
    fn the_earliest_targets_are_told_in_whatever_order_they_were_added() {
        let later: Vec<Probe> = (100..130).map(|i| open_port(i, i as u8)).collect();
        let earlier: Vec<Probe> = (0..30).map(|i| open_port(i, i as u8)).collect();
        let mut scan = Scan::new(&later[0]);
        later.iter().chain(&earlier).for_each(|p| scan.add(p));
        let told: Vec<Timestamp> = scan.targets.iter().map(|p| p.time).collect();
        let first: Vec<Timestamp> = earlier[..FIRST].iter().map(|p| p.time).collect();
        assert_eq!(told, first);
        assert_eq!((scan.first, scan.last), (earlier[0].time, later[29].time));
    }

    #[test]
    fn the_earliest_answers_are_kept() {
        let many = i64::try_from(OPEN).unwrap() + 6;
        let mut scan = Scan::new(&open_port(0, 1));
        for second in (0..many).rev() {
            scan.add(&open_port(second, second as u8 + 1));
        }
        let last = scan.open.values().map(|(time, _)| *time).max();
        assert_eq!(scan.open.len(), OPEN);
        assert_eq!(last, Some(open_port(many - 7, 1).time));
    }
}
