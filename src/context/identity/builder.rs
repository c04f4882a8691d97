//! Collects what hosts log about themselves and what packets claim, while the evidence is read.
//!
//! Nothing is decided here. What is kept is bounded: periods instead of moments, so many addresses
//! per host, so many claims in all; what goes beyond is counted.

use super::Identity;
use super::adoption::{self, Own};
use super::announced::{Announced, MACS};
use super::calls::Call;
use super::names::{from_packet, key_of, names_a_computer};
use super::passwords::Passwords;
use super::sightings::{Period, Sightings};
use crate::model::firewall::Layer;
use crate::model::host_event::Verdict;
use crate::model::neighbour::{Neighbour, ToldBy};
use crate::model::net::{is_group_or_wildcard, may_be_broadcast};
use crate::model::{
    Direction, Endpoint, Event, HostEvent, HostWhat, Text, Timestamp, Transport, What,
};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// How many distinct addresses one host's inbound rows may show before further ones are not
/// counted: they only serve a majority.
const ADDRESS_LIMIT: usize = 4096;
/// Addresses of all hosts' rows together.
const ALL_ADDRESSES: usize = 400_000;
/// Starts kept per host.
const STARTS: usize = 256;
/// Stops, and beginnings and ends of the event log, kept per host: one restart writes several.
const TURNS: usize = 1_024;
/// Addresses kept from which one device sent magic packets.
const SENDERS: usize = 64;
/// Pairs of a hardware and an IP address, and of a name and an IP address.
const PAIRS: usize = 65_536;

/// A hardware address.
pub(super) type Mac = [u8; 6];

/// How often an address stood on one side of inbound rows, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub count: u64,
    pub seen: Period,
}

/// By address, for millions of rows. Sorted before it is walked: its own order is random.
pub(super) type Table<T> = HashMap<IpAddr, T, RandomState>;

/// What a computer logged of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub name: Text,
    pub own: Table<Sightings>,
    pub inbound_sources: Table<Rows>,
    pub inbound_destinations: Table<Rows>,
    /// Source and destination of Sysmon 3 rows that the host did not initiate.
    pub received: BTreeMap<(IpAddr, IpAddr), Rows>,
    /// Starts, and returns from sleep.
    pub starts: Vec<Event>,
    /// Stops, and where its event log began or ended.
    pub turns: Vec<Event>,
}

/// A name that packets gave an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NameKey {
    pub name: String,
    pub address: IpAddr,
    pub mac: Option<Mac>,
    pub told_by: ToldBy,
}

/// Collects what hosts say about themselves; builders of several readers merge in any order.
#[derive(Clone, Debug, Default)]
pub struct IdentityBuilder {
    pub(super) facts: BTreeMap<String, Facts>,
    // The computer of the last event, as written, and its key.
    last: (Text, String),
    pub(super) stated: Vec<(String, IpAddr)>,
    pub(super) announced: Announced,
    addresses: Room,
    pub(super) wakers: BTreeMap<Mac, Vec<IpAddr>>,
    pub(super) pairs: BTreeMap<(IpAddr, Mac), Sightings>,
    pub(super) names: BTreeMap<NameKey, (Text, Sightings)>,
    pub(super) left_out: u64,
    pub(super) logs: BTreeMap<String, Own>,
    pub(super) passwords: Passwords,
}

/// Addresses held over all hosts, and those there was no room for.
#[derive(Clone, Copy, Debug, Default)]
struct Room {
    held: usize,
    left_out: u64,
}

impl Room {
    /// True if a table of `len` addresses may have one more. The other side of inbound rows only
    /// serves a majority: that there was no room for more of one host's is not worth counting.
    fn one_more(&mut self, len: usize, counts: bool) -> bool {
        let of_one = len >= ADDRESS_LIMIT;
        if of_one || self.held >= ALL_ADDRESSES {
            self.left_out += u64::from(counts || !of_one);
            return false;
        }
        self.held += 1;
        true
    }
}

fn rows(table: &mut Table<Rows>, address: IpAddr, rows: Rows, room: &mut Room) {
    if let Some(held) = table.get_mut(&address) {
        held.count += rows.count;
        held.seen = held.seen.with(rows.seen);
    } else if room.one_more(table.len(), false) {
        table.insert(address, rows);
    }
}

fn received(
    table: &mut BTreeMap<(IpAddr, IpAddr), Rows>,
    ends: (IpAddr, IpAddr),
    rows: Rows,
    room: &mut Room,
) {
    if let Some(held) = table.get_mut(&ends) {
        held.count += rows.count;
        held.seen = held.seen.with(rows.seen);
    } else if room.one_more(table.len(), true) {
        table.insert(ends, rows);
    }
}

fn in_order<T>(table: Table<T>) -> BTreeMap<IpAddr, T> {
    table.into_iter().collect()
}

/// True for an address that can tell one host from another.
pub(super) fn telling(address: IpAddr) -> bool {
    !address.is_loopback() && !is_group_or_wildcard(address)
}

/// True for what may be for a whole network, whichever side of the row that is.
fn may_be_for_all(transport: Transport, ends: [Endpoint; 2]) -> bool {
    ends.iter()
        .any(|end| may_be_broadcast(transport, end.address))
}

impl Facts {
    fn own(&mut self, address: IpAddr, time: Timestamp, room: &mut Room) {
        if !telling(address) {
            return;
        }
        let now = Period::new(time, time);
        if let Some(held) = self.own.get_mut(&address) {
            held.add(now);
        } else {
            let mut seen = Sightings::default();
            seen.add(now);
            self.had(address, seen, room);
        }
    }

    fn had(&mut self, address: IpAddr, seen: Sightings, room: &mut Room) {
        if let Some(held) = self.own.get_mut(&address) {
            held.merge(seen);
        } else if room.one_more(self.own.len(), true) {
            self.own.insert(address, seen);
        }
    }

    /// Keeps a start of the system, its return from sleep, a stop of it or of its event log; false if there
    /// is no room.
    fn turned(&mut self, event: Event) -> bool {
        let What::Host(host) = &event.what else {
            return true;
        };
        let (held, most) = match host.what {
            HostWhat::SystemStarted | HostWhat::SystemResumed { .. } => (&mut self.starts, STARTS),
            HostWhat::SystemStopped | HostWhat::LoggingStopped | HostWhat::LoggingStarted => {
                (&mut self.turns, TURNS)
            }
            _ => return true,
        };
        let room = held.len() < most;
        if room {
            held.push(event);
        }
        room
    }
}

impl IdentityBuilder {
    /// States that `name` has `address`, always; this wins over everything else.
    pub fn state(&mut self, name: &str, address: IpAddr) {
        self.stated.push((name.to_owned(), address.to_canonical()));
    }

    /// Makes a computer known that logs nothing an analytic wants.
    pub fn name(&mut self, computer: &str) {
        let facts = self.facts.entry(key_of(computer)).or_default();
        if facts.name.is_empty() {
            facts.name = computer.into();
        }
    }

    /// Takes in an event: what a host logs, or what a packet claims.
    pub fn observe(&mut self, event: &Event) {
        match &event.what {
            What::Host(host) => {
                let facts = self.observe_host(host, event.time);
                let turns = matches!(
                    host.what,
                    HostWhat::SystemStarted
                        | HostWhat::SystemResumed { .. }
                        | HostWhat::SystemStopped
                        | HostWhat::LoggingStopped
                        | HostWhat::LoggingStarted
                );
                let left_out = turns && !facts.turned(event.clone());
                self.left_out += u64::from(left_out);
            }
            What::Neighbour(neighbour) => {
                let mut seen = Period::new(event.time, event.time);
                if let Some(lease) = neighbour.lease {
                    seen.until = seen.to.max(event.time.shifted(lease));
                }
                self.claimed(neighbour, seen);
                if let Some((from, to)) = neighbour.before {
                    self.heard(neighbour, from, to);
                }
                if let Some(mac) = neighbour.mac {
                    let held = self.announced.hear(mac, event.clone());
                    self.left_out += u64::from(!held);
                }
            }
            What::Wake(signal) => {
                if let Some(digest) = signal.password_digest {
                    self.left_out += u64::from(!self.passwords.hear(digest, event.order()));
                }
                let call = Call {
                    time: event.time,
                    sender: signal.sender.map(|sender| sender.address),
                    sender_mac: signal.sender_mac,
                };
                let held = self.announced.called(signal.target, call);
                self.left_out += u64::from(!held);
                if let (Some(mac), Some(sender)) = (signal.sender_mac, signal.sender) {
                    self.woke(mac, sender.address);
                }
            }
            What::Attempt(_) | What::Solicitation(_) | What::Resolution(_) => {}
        }
    }

    /// Keeps which address a sender of magic packets used.
    fn woke(&mut self, mac: Mac, sender: IpAddr) {
        if self.wakers.len() >= MACS && !self.wakers.contains_key(&mac) {
            self.left_out += 1;
            return;
        }
        let held = self.wakers.entry(mac).or_default();
        if held.contains(&sender) {
            return;
        }
        if held.len() >= SENDERS {
            self.left_out += 1;
            return;
        }
        held.push(sender);
    }

    /// Takes in that a claim was repeated from `from` to `to` without a minute of silence.
    pub fn heard(&mut self, neighbour: &Neighbour, from: Timestamp, to: Timestamp) {
        self.claimed(neighbour, Period::new(from.min(to), to.max(from)));
    }

    fn claimed(&mut self, neighbour: &Neighbour, seen: Period) {
        let address = neighbour.address.to_canonical();
        if !telling(address) {
            return;
        }
        if let Some(mac) = neighbour.mac {
            let key = (address, mac);
            if self.pairs.len() < PAIRS || self.pairs.contains_key(&key) {
                self.pairs.entry(key).or_default().add(seen);
            } else {
                self.left_out += 1;
            }
        }
        let named = neighbour.name.as_ref().and_then(from_packet);
        if let Some(name) = named.filter(|_| names_a_computer(neighbour.told_by)) {
            let key = NameKey {
                name: key_of(name),
                address,
                mac: neighbour.mac,
                told_by: neighbour.told_by,
            };
            if self.names.len() < PAIRS || self.names.contains_key(&key) {
                let held = self.names.entry(key);
                held.or_insert_with(|| (name.into(), Sightings::default()))
                    .1
                    .add(seen);
            } else {
                self.left_out += 1;
            }
        }
    }

    fn observe_host(&mut self, event: &HostEvent, time: Timestamp) -> &mut Facts {
        // The same computer follows itself thousands of times: its key is made once.
        if self.last.0 != event.computer || self.last.1.is_empty() {
            self.last = (event.computer.clone(), key_of(&event.computer));
        }
        let key = self.last.1.as_str();
        if !self.facts.contains_key(key) {
            self.facts.insert(key.to_owned(), Facts::default());
        }
        let Some(facts) = self.facts.get_mut(key) else {
            unreachable!("it was put there if it was not")
        };
        if facts.name.is_empty() {
            facts.name = event.computer.clone();
        }
        let room = &mut self.addresses;
        match &event.what {
            HostWhat::Filtered {
                direction,
                source,
                destination,
                verdict,
                layer,
                transport,
                ..
            } => match direction {
                Some(Direction::Outbound) => facts.own(source.address, time, room),
                Some(Direction::Inbound) if may_be_for_all(*transport, [*source, *destination]) => {
                }
                // A dropped packet (5152) is told as it came, on every version of Windows: it was
                // for this host.
                Some(Direction::Inbound) if *verdict == Verdict::Dropped => {
                    if matches!(layer, Layer::Transport | Layer::Accept) {
                        facts.own(destination.address, time, room);
                    }
                }
                Some(Direction::Inbound) => {
                    let one = Rows {
                        count: 1,
                        seen: Period::new(time, time),
                    };
                    rows(&mut facts.inbound_sources, source.address, one, room);
                    rows(
                        &mut facts.inbound_destinations,
                        destination.address,
                        one,
                        room,
                    );
                }
                None => {}
            },
            HostWhat::Connected {
                initiated,
                source,
                destination,
                ..
            } => {
                if *initiated {
                    facts.own(source.address, time, room);
                } else {
                    let one = Rows {
                        count: 1,
                        seen: Period::new(time, time),
                    };
                    received(
                        &mut facts.received,
                        (source.address, destination.address),
                        one,
                        room,
                    );
                }
            }
            HostWhat::Bound { local, .. } | HostWhat::Listening { local, .. } => {
                facts.own(local.address, time, room);
            }
            _ => {}
        }
        facts
    }

    /// Gives what was collected its time on the reference clock, before it is decided again:
    /// `of_log` corrects a time in the log of the named computer, `of_event` a whole event.
    ///
    /// Periods of packet claims stay as they are: the captures are the reference, and two sensors
    /// lie far less apart than what is taken for one period.
    pub fn retime(
        &mut self,
        of_log: impl Fn(&str, Timestamp) -> Timestamp,
        of_event: impl Fn(&mut Event),
    ) {
        for (key, facts) in &mut self.facts {
            let correct = |time| of_log(key, time);
            for seen in facts.own.values_mut() {
                *seen = seen.retimed(correct);
            }
            let inbound = facts.inbound_sources.values_mut();
            let inbound = inbound.chain(facts.inbound_destinations.values_mut());
            for rows in inbound.chain(facts.received.values_mut()) {
                rows.seen = rows.seen.retimed(correct);
            }
            facts.starts.iter_mut().for_each(&of_event);
            facts.turns.iter_mut().for_each(&of_event);
        }
        let announced = self.announced.by_mac.values_mut();
        announced.flatten().for_each(of_event);
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (key, theirs) in other.facts {
            let ours = self.facts.entry(key).or_default();
            if ours.name.is_empty() || theirs.name < ours.name && !theirs.name.is_empty() {
                ours.name = theirs.name;
            }
            // In order, so that what there is no room for does not depend on chance.
            for (address, seen) in in_order(theirs.own) {
                ours.had(address, seen, &mut self.addresses);
            }
            for (table, from) in [
                (&mut ours.inbound_sources, theirs.inbound_sources),
                (&mut ours.inbound_destinations, theirs.inbound_destinations),
            ] {
                for (address, more) in in_order(from) {
                    rows(table, address, more, &mut self.addresses);
                }
            }
            for (ends, more) in theirs.received {
                received(&mut ours.received, ends, more, &mut self.addresses);
            }
            for turn in theirs.starts.into_iter().chain(theirs.turns) {
                self.left_out += u64::from(!ours.turned(turn));
            }
        }
        self.stated.extend(other.stated);
        self.left_out += self.announced.merge(other.announced);
        self.left_out += self.passwords.merge(other.passwords);
        for (mac, theirs) in other.wakers {
            theirs.into_iter().for_each(|from| self.woke(mac, from));
        }
        for (pair, seen) in other.pairs {
            if self.pairs.len() < PAIRS || self.pairs.contains_key(&pair) {
                self.pairs.entry(pair).or_default().merge(seen);
            } else {
                self.left_out += 1;
            }
        }
        for (key, (name, seen)) in other.names {
            if self.names.len() >= PAIRS && !self.names.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let held = self.names.entry(key);
            held.or_insert_with(|| (name, Sightings::default()))
                .1
                .merge(seen);
        }
        self.merge_logs(other.logs);
        self.left_out += other.left_out;
        self.addresses.left_out += other.addresses.left_out;
    }

    /// Decides and freezes.
    pub fn freeze(mut self) -> Identity {
        self.left_out += self.addresses.left_out;
        adoption::freeze(self)
    }
}

#[cfg(test)]
mod tests;
