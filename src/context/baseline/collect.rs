//! Counts while the evidence is read. Builders of several readers merge in any order.

use super::usage::{Counter, ImageUsage, Port, Usage};
use super::{Baseline, Day, Whose, whose};
use crate::context::assets::Assets;
use crate::context::coverage::Log;
use crate::context::identity::{Identity, Place};
use crate::eventlog::normalise::image::image_key;
use crate::model::host_event::{Process, Verdict};
use crate::model::net::is_private;
use crate::model::{Attempt, Direction, Endpoint, Event, HostEvent, HostWhat, Text, Timestamp};
use crate::model::{Outcome, Transport, What};
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Entries (programs, ports, peers …) over all hosts.
const ENTRIES: usize = 80_000;
/// Peers of one host, and ports of peers.
const PEERS: usize = 2_048;
/// Addresses told by packets alone.
const ADDRESSES: usize = 4_096;
/// Live 5-tuples remembered per host, so that a connection logged again counts once.
const TUPLES: usize = 4_096;
/// Process instances remembered per host, to find out who started them.
const TALKED: usize = 4_096;
/// Spellings of program paths remembered per host.
const SPELLINGS: usize = 4_096;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Name(Text),
    Address(IpAddr),
}

/// Collects what hosts do.
#[derive(Clone, Debug, Default)]
pub struct BaselineBuilder {
    hosts: BTreeMap<Key, Building>,
    // The computer of the last event, as written, and its key: it follows itself in thousands.
    last: Option<(Text, Key)>,
    addresses: usize,
    entries: usize,
    left_out: u64,
    assets: Assets,
}

#[derive(Clone, Debug, Default)]
struct Building {
    usage: Usage,
    // Only while reading; looked up, never walked.
    keys: HashMap<Text, Text, RandomState>,
    tuples: HashSet<(Option<u32>, Endpoint, Endpoint), RandomState>,
    // The program of a process id, as the same log last told it.
    talking: HashMap<(Counter, u32), Text, RandomState>,
    // Process instances that opened a connection, each once.
    talked: Vec<(Counter, u32, Text, Timestamp)>,
}

/// Room for new entries, shared by all hosts.
struct Room<'a> {
    entries: &'a mut usize,
    left_out: &'a mut u64,
}

impl Room<'_> {
    /// The entry, new if there is room.
    fn entry<'m, K: Ord, V: Default>(
        &mut self,
        map: &'m mut BTreeMap<K, V>,
        key: K,
        most: usize,
    ) -> Option<&'m mut V> {
        let full = *self.entries >= ENTRIES || map.len() >= most;
        match map.entry(key) {
            Entry::Occupied(held) => Some(held.into_mut()),
            Entry::Vacant(_) if full => {
                *self.left_out += 1;
                None
            }
            Entry::Vacant(free) => {
                *self.entries += 1;
                Some(free.insert(V::default()))
            }
        }
    }
}

impl BaselineBuilder {
    /// A builder that knows what is stated of the network: which public addresses are its own.
    pub fn new(assets: Assets) -> Self {
        Self {
            assets,
            ..Self::default()
        }
    }

    /// Takes in an event.
    pub fn observe(&mut self, event: &Event) {
        match &event.what {
            What::Host(host) => self.observe_host(host, event.time),
            What::Attempt(attempt) => self.observe_attempt(attempt, event.time),
            What::Wake(_) | What::Neighbour(_) | What::Solicitation(_) | What::Resolution(_) => {}
        }
    }

    fn observe_host(&mut self, event: &HostEvent, time: Timestamp) {
        let key = match &self.last {
            Some((computer, key)) if *computer == event.computer => key.clone(),
            _ => {
                let name = event.computer.trim().trim_end_matches('.').to_lowercase();
                let key = Key::Name(name.into());
                self.last = Some((event.computer.clone(), key.clone()));
                key
            }
        };
        let counter = match Log::of(&event.channel) {
            Log::Sysmon => Counter::Sysmon,
            _ => Counter::Security,
        };
        let mut room = Room {
            entries: &mut self.entries,
            left_out: &mut self.left_out,
        };
        let host = self.hosts.entry(key).or_default();
        host.usage.seen.add(counter, time);
        match &event.what {
            HostWhat::ProcessStarted { process, .. } => {
                host.forget(counter, process);
                if let Some(image) = host.image(&process.image, &mut room) {
                    image.1.executions.add(counter, time);
                }
            }
            HostWhat::ProcessEnded { process } => host.forget(counter, process),
            HostWhat::Filtered {
                verdict: Verdict::Permitted,
                direction: Some(Direction::Outbound),
                process,
                transport,
                source,
                destination,
                ..
            } => host.talks(
                counter,
                process,
                (*source, *destination),
                (*transport, destination.port),
                time,
                &mut room,
            ),
            HostWhat::Connected {
                initiated: true,
                process,
                transport,
                source,
                destination,
                ..
            } => host.talks(
                counter,
                process,
                (*source, *destination),
                (*transport, destination.port),
                time,
                &mut room,
            ),
            HostWhat::Listening {
                verdict: Verdict::Permitted,
                transport,
                local,
                ..
            } => {
                let port = (*transport, local.port);
                if let Some(count) = room.entry(&mut host.usage.listeners, port, usize::MAX) {
                    count.add(counter, time);
                }
            }
            _ => {}
        }
    }

    fn observe_attempt(&mut self, attempt: &Attempt, time: Timestamp) {
        let answered = matches!(attempt.outcome, Outcome::Established | Outcome::HalfOpen);
        if !answered {
            return;
        }
        let (from, to) = (attempt.initiator.address, attempt.responder);
        let port = (attempt.transport, to.port);
        if attempt.outcome == Outcome::Established
            && let Some((host, mut room)) = self.address(from)
        {
            host.usage.seen.add(Counter::Wire, time);
            if let Some(image) = room.entry(&mut host.usage.images, Text::default(), usize::MAX)
                && let Some(count) = room.entry(&mut image.ports, port, usize::MAX)
            {
                count.add(Counter::Wire, time);
            }
            if let Some(count) = room.entry(&mut host.usage.peers, to.address, PEERS) {
                count.add(Counter::Wire, time);
            }
            if let Some(count) = room.entry(&mut host.usage.reached, (to.address, port), PEERS) {
                count.add(Counter::Wire, time);
            }
        }
        if let Some((host, mut room)) = self.address(to.address) {
            host.usage.seen.add(Counter::Wire, time);
            if let Some(count) = room.entry(&mut host.usage.listeners, port, usize::MAX) {
                count.add(Counter::Wire, time);
            }
        }
    }

    fn address(&mut self, address: IpAddr) -> Option<(&mut Building, Room<'_>)> {
        if !is_private(address) && !self.assets.is_internal(address) {
            return None;
        }
        let host = match self.hosts.entry(Key::Address(address)) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(_) if self.addresses >= ADDRESSES => {
                self.left_out += 1;
                return None;
            }
            Entry::Vacant(free) => {
                self.addresses += 1;
                free.insert(Building::default())
            }
        };
        let room = Room {
            entries: &mut self.entries,
            left_out: &mut self.left_out,
        };
        Some((host, room))
    }

    /// Takes over what another builder has counted.
    pub fn merge(&mut self, other: Self) {
        for (key, theirs) in other.hosts {
            let ours = self.hosts.entry(key).or_default();
            ours.usage.merge(&theirs.usage);
            ours.talked.extend(theirs.talked);
        }
        self.addresses += other.addresses;
        self.entries += other.entries;
        self.left_out += other.left_out;
    }

    /// Freezes with names and addresses resolved; [`Baseline::retime`] completes it.
    pub fn freeze(
        self,
        imported: impl IntoIterator<Item = (String, Usage)>,
        imported_days: impl IntoIterator<Item = BTreeSet<Day>>,
        identity: &Identity,
    ) -> Baseline {
        let mut baseline = Baseline {
            left_out: self.left_out,
            ..Baseline::default()
        };
        for days in imported_days {
            baseline.imported_begins.extend(days.first());
            baseline.imported_days.extend(days);
        }
        baseline.imported_days.sort_unstable();
        baseline.imported_days.dedup();
        for (key, host) in self.hosts {
            let whose = match key {
                Key::Name(name) => whose(&name, &host.usage, identity),
                Key::Address(address) => {
                    Whose::Place(identity.place(address, host.usage.last_seen()))
                }
            };
            if let Whose::Place(Place::Host(id)) = whose {
                let talked = host.talked.into_iter();
                baseline
                    .talked
                    .extend(talked.map(|(by, pid, image, time)| (id, by, pid, image, time)));
            }
            baseline.hosts.entry(whose).or_default().merge(&host.usage);
        }
        baseline.imported = imported
            .into_iter()
            .map(|(name, usage)| (whose(&name, &usage, identity), usage))
            .collect();
        baseline
    }
}

impl Building {
    fn forget(&mut self, counter: Counter, process: &Process) {
        if let Some(pid) = process.pid {
            self.talking.remove(&(counter, pid));
        }
    }

    fn key_of(&mut self, image: &Text) -> Text {
        if let Some(key) = self.keys.get(image) {
            return key.clone();
        }
        let key: Text = image_key(image).into();
        if self.keys.len() < SPELLINGS {
            self.keys.insert(image.clone(), key.clone());
        }
        key
    }

    fn image(&mut self, image: &Text, room: &mut Room) -> Option<(Text, &mut ImageUsage)> {
        let key = self.key_of(image);
        // The empty program is what packets tell.
        if key.is_empty() {
            return None;
        }
        let usage = room.entry(&mut self.usage.images, key.clone(), usize::MAX)?;
        Some((key, usage))
    }

    fn talks(
        &mut self,
        counter: Counter,
        process: &Process,
        (local, remote): (Endpoint, Endpoint),
        port: Port,
        time: Timestamp,
        room: &mut Room,
    ) {
        if remote.address.is_loopback() || remote.address == local.address {
            return;
        }
        // Sysmon tells a connection once; the filtering platform again whenever it looks at it.
        if counter == Counter::Security {
            if self.tuples.len() >= TUPLES {
                self.tuples.clear();
            }
            if !self.tuples.insert((process.pid, local, remote)) {
                return;
            }
        }
        let Some((key, image)) = self.image(&process.image, room) else {
            return;
        };
        if let Some(count) = room.entry(&mut image.ports, port, usize::MAX) {
            count.add(counter, time);
        }
        let instance = process.pid.map(|pid| (counter, pid));
        let known = instance.and_then(|i| self.talking.get(&i));
        if known.is_none_or(|held| *held != key) {
            if let Some(image) = self.usage.images.get_mut(&key) {
                image.networked.add(counter, time);
            }
            if let Some(instance) = instance
                && self.talking.len() < TUPLES
            {
                self.talking.insert(instance, key);
                if self.talked.len() < TALKED {
                    let (image, pid) = (process.image.clone(), instance.1);
                    self.talked.push((counter, pid, image, time));
                }
            }
        }
        if let Some(count) = room.entry(&mut self.usage.peers, remote.address, PEERS) {
            count.add(counter, time);
        }
        // Sysmon tells what was made, of TCP; a datagram that was sent is no connection.
        if counter == Counter::Sysmon
            && port.0 == Transport::TCP
            && let Some(count) = room.entry(&mut self.usage.reached, (remote.address, port), PEERS)
        {
            count.add(counter, time);
        }
    }
}
