//! Which addresses showed signs of life, and when: the ground on which "missing" stands.
//!
//! A sign of life is something the address itself did: a frame from it, an answer, an announcement,
//! a record its computer wrote, a logged connection that it made. What is sent *to* an address is
//! none, nor is a router's word about it. Every answer is as of a moment and rests on what was
//! before it.

use super::baseline::Day;
use super::identity::{HostId, Identity};
use super::known::KnownHosts;
use super::trail::{Moments, Sign, Trail};
use crate::model::host_event::Verdict;
use crate::model::neighbour::{Heard, Neighbour};
use crate::model::net::{is_group_or_wildcard, is_private};
use crate::model::{
    Attempt, Direction, Event, HostEvent, HostWhat, Network, Outcome, Span, Text, Timestamp,
    Transport, What,
};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Addresses of private networks that are remembered, and others.
const PRIVATE: usize = 65_536;
const OTHERS: usize = 65_536;

type Trails = HashMap<IpAddr, Trail, RandomState>;

/// Signs that one computer's logs tell of, by that computer's clock.
#[derive(Clone, Debug, Default)]
struct Logged {
    own: Trail,
    others: Trails,
}

/// Signs of life by clocks that can be held against each other, and by those of hosts that nothing measured.
#[derive(Clone, Debug, Default)]
struct Apart {
    sure: Trail,
    doubtful: Trail,
}

impl Apart {
    fn side(&mut self, sure: bool) -> &mut Trail {
        match sure {
            true => &mut self.sure,
            false => &mut self.doubtful,
        }
    }
}

/// Collects signs of life; merges in any order.
#[derive(Clone, Debug, Default)]
pub struct ActivityBuilder {
    wire: Trails,
    logs: BTreeMap<Text, Logged>,
    counts: [usize; 2],
    forgotten: u64,
    // When somebody was to be woken: whether it was silent until then will be asked.
    moments: Moments,
}

impl ActivityBuilder {
    /// Takes in an event.
    pub fn observe(&mut self, event: &Event) {
        match &event.what {
            What::Attempt(attempt) => self.observe_attempt(attempt, event.time),
            What::Neighbour(neighbour) => {
                self.sign(neighbour.address, event.time, event.time);
                if let Some((from, to)) = neighbour.before {
                    self.heard(neighbour, from, to);
                }
            }
            What::Solicitation(asked) => {
                // Asking is a sign of the asker, being answered for one of the target.
                self.sign(asked.asker, event.time, asked.last_try);
                if let Heard::Answered(_) = asked.outcome {
                    self.sign(asked.target, asked.decided, asked.decided);
                }
            }
            What::Resolution(_) => {}
            What::Wake(signal) => {
                self.moments.add(event.time);
                if let Some(sender) = signal.sender {
                    self.sign(sender.address, event.time, event.time);
                }
            }
            What::Host(host) => self.observe_host(host, event.time),
        }
    }

    /// Takes in that a claim was repeated from `from` to `to` without a minute of silence: no event tells it
    /// as long as that goes on.
    pub fn heard(&mut self, neighbour: &Neighbour, from: Timestamp, to: Timestamp) {
        self.sign(neighbour.address, from.min(to), to.max(from));
    }

    fn observe_attempt(&mut self, attempt: &Attempt, first: Timestamp) {
        let (from, to) = (attempt.initiator.address, attempt.responder.address);
        if attempt.packets[0] > 0 || attempt.tries > 0 {
            let last = match attempt.outcome {
                Outcome::Established | Outcome::Midstream => attempt.ended,
                _ => attempt.last_try,
            };
            self.sign(from, first, last.max(first));
        }
        match attempt.outcome {
            Outcome::Established | Outcome::HalfOpen | Outcome::Rejected => {
                // The answer came at the latest when it decided the outcome.
                let last = if attempt.outcome == Outcome::Established {
                    attempt.ended
                } else {
                    attempt.decided
                };
                self.sign(to, attempt.decided, last.max(attempt.decided));
            }
            Outcome::Midstream if attempt.packets[1] > 0 => self.sign(to, first, attempt.ended),
            Outcome::OneSided => self.sign(to, first, attempt.ended.max(first)),
            // Whoever sent the error lives; a router says nothing about the host behind it.
            Outcome::Unreachable(refusal) => {
                self.sign(refusal.from, attempt.decided, attempt.decided);
            }
            Outcome::Midstream | Outcome::Unanswered | Outcome::Aborted => {}
        }
    }

    fn observe_host(&mut self, event: &HostEvent, time: Timestamp) {
        if !self.logs.contains_key(&event.computer) {
            self.logs.insert(event.computer.clone(), Logged::default());
        }
        let Some(logged) = self.logs.get_mut(&event.computer) else {
            return;
        };
        logged.own.add(time, time, &self.moments);
        let both = match &event.what {
            // What comes in came from somebody; of the two sides the other is this host.
            HostWhat::Filtered {
                direction: Some(Direction::Inbound),
                verdict: Verdict::Permitted | Verdict::Blocked | Verdict::Dropped,
                source,
                destination,
                ..
            } => [source.address, destination.address],
            // A TCP connection that was made has two living ends.
            HostWhat::Connected {
                transport: Transport::TCP,
                source,
                destination,
                ..
            } => [source.address, destination.address],
            HostWhat::Connected {
                initiated: false,
                source,
                destination,
                ..
            } => [source.address, destination.address],
            _ => return,
        };
        for address in both {
            if let Some(trail) = room(
                &mut logged.others,
                address,
                &mut self.counts,
                &mut self.forgotten,
            ) {
                trail.add(time, time, &self.moments);
            }
        }
    }

    fn sign(&mut self, address: IpAddr, from: Timestamp, to: Timestamp) {
        if let Some(trail) = room(
            &mut self.wire,
            address,
            &mut self.counts,
            &mut self.forgotten,
        ) {
            trail.add(from, to, &self.moments);
        }
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        self.moments.merge(&other.moments);
        merge(&mut self.wire, &other.wire, &self.moments);
        for (computer, logged) in other.logs {
            let ours = self.logs.entry(computer).or_default();
            ours.own.merge(&logged.own, &self.moments);
            merge(&mut ours.others, &logged.others, &self.moments);
        }
        for (ours, theirs) in self.counts.iter_mut().zip(other.counts) {
            *ours += theirs;
        }
        self.forgotten += other.forgotten;
    }

    /// Freezes, with what hosts logged brought to the reference clock by `correct`; whose clock that is known
    /// of, `measured` says.
    pub fn freeze(
        self,
        identity: &Identity,
        correct: impl Fn(HostId, Timestamp) -> Timestamp,
        measured: impl Fn(HostId) -> bool,
        known: &KnownHosts,
        imported: &[(IpAddr, Timestamp, Timestamp)],
    ) -> Activity {
        let mut apart: BTreeMap<IpAddr, Apart> = BTreeMap::new();
        for address in identity.addresses_called() {
            let mut held = Apart::default();
            if let Some(trail) = self.wire.get(&address) {
                held.sure.merge(trail, &self.moments);
            }
            apart.insert(address, held);
        }
        let mut trails = self.wire;
        for (computer, logged) in self.logs {
            let id = identity.named(&computer);
            let sure = id.is_some_and(&measured);
            let moved = |trail: &Trail| match id {
                Some(id) => trail.moved(|time| correct(id, time)),
                None => trail.clone(),
            };
            let own = moved(&logged.own);
            let addresses = id.and_then(|id| identity.host(id));
            for address in addresses.map_or(&[][..], |h| &h.addresses) {
                trails
                    .entry(*address)
                    .or_default()
                    .merge(&own, &self.moments);
                if let Some(held) = apart.get_mut(address) {
                    held.side(sure).merge(&own, &self.moments);
                }
            }
            for (address, trail) in &logged.others {
                let moved = moved(trail);
                trails
                    .entry(*address)
                    .or_default()
                    .merge(&moved, &self.moments);
                if let Some(held) = apart.get_mut(address) {
                    held.side(sure).merge(&moved, &self.moments);
                }
            }
        }
        trails.retain(|address, _| !address.is_loopback() && !is_group_or_wildcard(*address));
        let heard = heard(&trails, imported);
        for (address, first, last) in imported {
            // Between them a baseline knows days, no hours.
            let trail = trails.entry(*address).or_default();
            trail.add(*first, *first, &self.moments);
            trail.add(*last, *last, &self.moments);
        }
        let mut segments: BTreeMap<IpAddr, Vec<(Timestamp, IpAddr)>> = BTreeMap::new();
        for (address, trail) in &trails {
            if let Some(first) = trail.first() {
                segments
                    .entry(segment_of(*address))
                    .or_default()
                    .push((first, *address));
            }
        }
        for seen in segments.values_mut() {
            seen.sort_unstable();
            seen.truncate(4);
        }
        let mut listed = known.addresses.clone();
        for (name, seen) in &known.names {
            let host = identity.named(name).and_then(|id| identity.host(id));
            for address in host.map_or(&[][..], |h| &h.addresses) {
                let held = listed.entry(*address).or_default();
                *held = (*held).max(*seen);
            }
        }
        Activity {
            heard,
            trails,
            apart,
            listed,
            networks: known.networks.clone(),
            segments,
            forgotten: self.forgotten,
        }
    }
}

fn room<'m>(
    trails: &'m mut Trails,
    address: IpAddr,
    counts: &mut [usize; 2],
    forgotten: &mut u64,
) -> Option<&'m mut Trail> {
    if !trails.contains_key(&address) {
        let (count, most) = if is_private(address) {
            (&mut counts[0], PRIVATE)
        } else {
            (&mut counts[1], OTHERS)
        };
        if *count >= most {
            *forgotten += 1;
            return None;
        }
        *count += 1;
    }
    Some(trails.entry(address).or_default())
}

fn merge(ours: &mut Trails, theirs: &Trails, moments: &Moments) {
    for (address, trail) in theirs {
        ours.entry(*address).or_default().merge(trail, moments);
    }
}

/// Complete silence for longer than this is a gap in the evidence, not in the network.
const GAP: Span = Span::seconds(43_200);

/// When anybody was heard. A baseline's days join the evidence they reach up to.
fn heard(
    trails: &Trails,
    imported: &[(IpAddr, Timestamp, Timestamp)],
) -> Vec<(Timestamp, Timestamp)> {
    let mut all: Vec<(Timestamp, Timestamp)> = trails
        .values()
        .flat_map(Trail::stretches)
        .copied()
        .collect();
    let before = imported.iter().map(|(_, first, _)| *first).min();
    let until = imported.iter().map(|(_, _, last)| *last).max();
    all.extend(before.zip(until));
    all.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, to) in all {
        match joined.last_mut() {
            Some(last) if from.since(last.1) <= GAP => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// What an address counts as: itself, but IPv6 addresses with a random interface identifier by
/// their /64, for one host has many of them in a week (RFC 8981).
pub fn counted_as(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else {
        return address;
    };
    let id = v6.to_bits() as u64;
    let by_hand = id <= 0xffff_ffff;
    let from_mac = (id >> 24) & 0xffff == 0xfffe;
    if by_hand || from_mac {
        address
    } else {
        segment_of(address)
    }
}

/// The neighbourhood an address is told by: IPv4 /24, IPv6 /64.
pub fn segment_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & 0xffff_ff00).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

/// The last address of a neighbourhood.
fn segment_end(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() | 0xff).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() | u128::from(u64::MAX)).into()),
    }
}

/// What is known of an address at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A sign of life within the time asked about, the last one then.
    Active(Timestamp),
    /// The last sign of life is older.
    Inactive(Timestamp),
    /// No sign of life before the moment, but the host is on a list without a date.
    Listed,
    /// No sign of life before the moment.
    Never,
}

/// An address is inactive when its last sign of life is older (Cortex "Failed Connections").
pub const INACTIVE_AFTER: Span = Span::seconds(86_400);

impl State {
    /// True if an address in this state is missing, given for how long somebody was listening: a
    /// known host can be said to be silent only after a day of that.
    pub fn is_missing(self, listening: Span) -> bool {
        match self {
            Self::Active(_) => false,
            Self::Never => true,
            Self::Inactive(_) | Self::Listed => listening >= INACTIVE_AFTER,
        }
    }
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    // Looked up, never walked into output.
    trails: Trails,
    // The same of machines that were called by magic packets, by whose clock.
    apart: BTreeMap<IpAddr, Apart>,
    // The first few addresses of each neighbourhood, by their first sign.
    segments: BTreeMap<IpAddr, Vec<(Timestamp, IpAddr)>>,
    // When anybody at all was heard: stretches without half a day of silence.
    heard: Vec<(Timestamp, Timestamp)>,
    // What a list says: addresses with their last sign of life, networks in use.
    listed: BTreeMap<IpAddr, Option<Timestamp>>,
    networks: Vec<Network>,
    /// Signs of addresses beyond those that are remembered.
    pub forgotten: u64,
}

impl Activity {
    /// The last sign of life of `address` at or before `time`; where it is not known to the moment, as late
    /// as it may have been.
    pub fn last_seen(&self, address: IpAddr, time: Timestamp) -> Option<Timestamp> {
        self.last_sign(address, time).map(|sign| sign.latest)
    }

    /// The same, with how early it may have been.
    pub fn last_sign(&self, address: IpAddr, time: Timestamp) -> Option<Sign> {
        let listed = self.listed.get(&address).copied().flatten();
        let listed = listed.filter(|seen| *seen <= time).map(|seen| Sign {
            latest: seen,
            earliest: seen,
        });
        let trail = self.trails.get(&address);
        trail.and_then(|trail| trail.last(time)).max(listed)
    }

    /// The state of `address` just before `time`: active if the last sign is at most `within` old.
    pub fn state(&self, address: IpAddr, time: Timestamp, within: Span) -> State {
        match self.last_seen(address, time) {
            None if self.listed.contains_key(&address) => State::Listed,
            None => State::Never,
            Some(last) if time.since(last) <= within => State::Active(last),
            Some(last) => State::Inactive(last),
        }
    }

    /// True if `address` showed life between the two moments.
    pub fn between(&self, address: IpAddr, from: Timestamp, to: Timestamp) -> bool {
        self.trails
            .get(&address)
            .and_then(|trail| trail.last(to))
            .is_some_and(|sign| sign.latest >= from)
    }

    /// The last sign of life at or before `time` of a machine that was called by a magic packet: by the
    /// captures and by logs whose clock was measured, and by the other logs.
    pub fn last_signs_apart(&self, address: IpAddr, time: Timestamp) -> [Option<Sign>; 2] {
        let held = self.apart.get(&address);
        let last = |trail: &Trail| trail.last(time);
        [
            held.and_then(|held| last(&held.sure)),
            held.and_then(|held| last(&held.doubtful)),
        ]
    }

    /// True if the evidence begins on that day, or begins again after nobody at all was heard for longer than
    /// it takes to count as inactive: whoever is heard then is heard for the first time.
    pub fn begins_on(&self, day: Day) -> bool {
        let before = |at: usize| at.checked_sub(1).and_then(|at| self.heard.get(at));
        self.heard.iter().enumerate().any(|(at, (from, _))| {
            Day::of(*from) == day
                && before(at).is_none_or(|(_, to)| from.since(*to) > INACTIVE_AFTER)
        })
    }

    /// How much evidence lies before `time`, without the gaps in which nobody at all was heard. A capture of years ago is no history of this one.
    pub fn heard_for(&self, time: Timestamp) -> Span {
        self.heard
            .iter()
            .filter(|(from, _)| *from <= time)
            .map(|(from, to)| time.min(*to).since(*from))
            .fold(Span::ZERO, Span::plus)
    }

    /// How long before `time` anybody was first heard, gaps and all.
    pub fn reach(&self, time: Timestamp) -> Span {
        let first = self.heard.first().filter(|(from, _)| *from <= time);
        first.map_or(Span::ZERO, |(from, _)| time.since(*from))
    }

    /// For how long, up to `time`, somebody was heard without half a day of complete silence: what
    /// was not heard before that may have been missed, not missing.
    pub fn listening(&self, time: Timestamp) -> Span {
        let at = self.heard.partition_point(|(from, _)| *from <= time);
        at.checked_sub(1)
            .and_then(|at| self.heard.get(at))
            .map_or(Span::ZERO, |(from, _)| time.since(*from))
    }

    /// True if, before `time`, somebody beside `source` and `target` showed life in the
    /// neighbourhood of `target`: then silence there could have been broken.
    pub fn vouched(&self, target: IpAddr, source: IpAddr, time: Timestamp) -> bool {
        self.segments
            .get(&segment_of(target))
            .into_iter()
            .flatten()
            .any(|(first, address)| *first <= time && *address != source && *address != target)
            || self.networks.iter().any(|network| network.contains(target))
            || self
                .listed
                .range(segment_of(target)..=segment_end(target))
                .any(|(address, _)| *address != source && *address != target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_neighbour_vouches_for_others_and_not_for_itself() {
        let at = |text: &str| text.parse::<IpAddr>().expect("an address");
        let vouched = |listed: &[&str], target: &str| {
            let activity = Activity {
                listed: listed.iter().map(|text| (at(text), None)).collect(),
                ..Activity::default()
            };
            activity.vouched(at(target), at("10.0.0.5"), Timestamp(0))
        };
        for neighbour in ["10.0.0.1", "10.0.0.255"] {
            assert!(vouched(&[neighbour], "10.0.0.77"), "{neighbour}");
        }
        assert!(vouched(&["fd00::1:0:0:9"], "fd00::77"));
        let others = ["10.0.0.5", "10.0.0.77", "10.0.1.1", "9.255.255.255"];
        assert!(!vouched(&others, "10.0.0.77"), "source, target, strangers");
    }
}
