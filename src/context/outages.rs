//! Whether many hosts lost the network at once: which hosts failed to reach remotes that had
//! answered before, and which got through, by minute.
//!
//! Summed while reading, because analytics see one host at a time. Failures are those that packets
//! show, and connections that were reset while they were open, in use or idle; a block by a host's own
//! firewall is that host's. A remote that never answered anybody tells nothing by failing again. Nothing is judged here.

use super::assets::Assets;
use super::identity::{HostId, Identity, Place};
use crate::model::net::is_group_or_wildcard;
use crate::model::{
    Attempt, Event, FlowEnd, HostEvent, HostWhat, Outcome, Text, Timestamp, Transport, What,
};
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Minutes in which a host failed, over all hosts, and remotes remembered of each.
const FAILED: usize = 57_344;
const REMOTES: usize = 16;
/// Minutes in which a host got through, over all hosts.
const WORKED: usize = 917_504;
/// Remotes of which it is remembered when they first answered.
const ANSWERED: usize = 114_688;
/// Hosts told apart.
const ORIGINS: usize = 65_536;

/// Minutes since 1970.
type Minute = i32;

const MINUTE: i64 = 60_000_000_000;

fn minute(time: Timestamp) -> Minute {
    // A timestamp spans 292 years either way: 154 million minutes.
    time.0.div_euclid(MINUTE) as Minute
}

/// Whose contact it was, as its evidence says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Address(IpAddr),
    Computer(Text),
}

/// Collects what failed and what worked; merges in any order.
#[derive(Clone, Debug, Default)]
pub struct OutagesBuilder {
    assets: Assets,
    origins: Vec<Origin>,
    by_origin: HashMap<Origin, u32, RandomState>,
    // The tables are looked up, and walked only to fill others.
    failed: HashMap<(Minute, u32), Vec<IpAddr>, RandomState>,
    // True: inside.
    worked: HashSet<(Minute, u32, bool), RandomState>,
    answered: HashMap<IpAddr, Minute, RandomState>,
    left_out: LeftOut,
}

/// What there was no room for.
#[derive(Clone, Copy, Debug, Default)]
struct LeftOut {
    count: u64,
    span: Option<(Minute, Minute)>,
}

impl LeftOut {
    fn add(&mut self, minute: Minute) {
        self.count += 1;
        self.join((minute, minute));
    }

    fn join(&mut self, (from, to): (Minute, Minute)) {
        let held = self.span.unwrap_or((from, to));
        self.span = Some((held.0.min(from), held.1.max(to)));
    }
}

impl OutagesBuilder {
    /// A collector that knows which addresses are internal.
    pub fn new(assets: Assets) -> Self {
        Self {
            assets,
            ..Self::default()
        }
    }

    /// Takes in an event.
    pub fn observe(&mut self, event: &Event) {
        match &event.what {
            What::Attempt(attempt) => self.observe_attempt(attempt, event.time),
            What::Host(host) => self.observe_host(host, event.time),
            What::Wake(_) | What::Neighbour(_) | What::Solicitation(_) | What::Resolution(_) => {}
        }
    }

    fn observe_attempt(&mut self, attempt: &Attempt, time: Timestamp) {
        let (from, to) = (attempt.initiator.address, attempt.responder.address);
        if !self.assets.is_internal(from) || is_nobody(to) || from == to {
            return;
        }
        let origin = || Origin::Address(from);
        match attempt.outcome {
            Outcome::Established | Outcome::HalfOpen => {
                if attempt.end == FlowEnd::ResetByResponder && attempt.reset_open().is_some() {
                    self.fail(origin(), to, attempt.ended);
                }
                self.work(origin(), to, time);
            }
            Outcome::Rejected | Outcome::Unreachable(_) => self.fail(origin(), to, time),
            Outcome::Unanswered if attempt.silence_tells(time) => self.fail(origin(), to, time),
            _ => {}
        }
    }

    fn observe_host(&mut self, event: &HostEvent, time: Timestamp) {
        if let HostWhat::Connected {
            initiated: true,
            transport: Transport::TCP,
            source,
            destination,
            ..
        } = &event.what
            && !is_nobody(destination.address)
            && source.address != destination.address
        {
            let origin = Origin::Computer(event.computer.clone());
            self.work(origin, destination.address, time);
        }
    }

    fn origin(&mut self, origin: Origin) -> Option<u32> {
        if let Some(known) = self.by_origin.get(&origin) {
            return Some(*known);
        }
        if self.origins.len() >= ORIGINS {
            return None;
        }
        let number = self.origins.len() as u32;
        self.origins.push(origin.clone());
        self.by_origin.insert(origin, number);
        Some(number)
    }

    fn fail(&mut self, origin: Origin, remote: IpAddr, time: Timestamp) {
        let minute = minute(time);
        let key = self.origin(origin).map(|origin| (minute, origin));
        let room = self.failed.len() < FAILED;
        match key.filter(|key| room || self.failed.contains_key(key)) {
            Some(key) => keep(self.failed.entry(key).or_default(), remote),
            None => self.left_out.add(minute),
        }
    }

    fn work(&mut self, origin: Origin, remote: IpAddr, time: Timestamp) {
        let minute = minute(time);
        if let Some(first) = self.answered.get_mut(&remote) {
            *first = minute.min(*first);
        } else if self.answered.len() < ANSWERED {
            self.answered.insert(remote, minute);
        } else {
            self.left_out.add(minute);
        }
        let inside = self.assets.is_internal(remote);
        let key = self.origin(origin).map(|origin| (minute, origin, inside));
        let room = self.worked.len() < WORKED;
        match key.filter(|key| room || self.worked.contains(key)) {
            Some(key) => {
                self.worked.insert(key);
            }
            None => self.left_out.add(minute),
        }
    }

    /// Takes over what another builder has seen. Each of them kept its bounds.
    pub fn merge(&mut self, other: Self) {
        let Self {
            origins,
            failed,
            worked,
            answered,
            left_out,
            ..
        } = other;
        let ours: Vec<Option<u32>> = origins.into_iter().map(|o| self.origin(o)).collect();
        let number = |theirs: u32| ours.get(theirs as usize).copied().flatten();
        for ((minute, origin), remotes) in failed {
            let Some(origin) = number(origin) else {
                self.left_out.add(minute);
                continue;
            };
            let held = self.failed.entry((minute, origin)).or_default();
            remotes.into_iter().for_each(|remote| keep(held, remote));
        }
        for (minute, origin, inside) in worked {
            match number(origin) {
                Some(origin) => {
                    self.worked.insert((minute, origin, inside));
                }
                None => self.left_out.add(minute),
            }
        }
        for (remote, first) in answered {
            let held = self.answered.entry(remote).or_insert(first);
            *held = first.min(*held);
        }
        self.left_out.count += left_out.count;
        if let Some(span) = left_out.span {
            self.left_out.join(span);
        }
    }

    /// Freezes, with hosts told apart by who they are, and what they logged brought to the
    /// reference clock by `correct`.
    pub fn freeze(
        self,
        identity: &Identity,
        correct: impl Fn(HostId, Timestamp) -> Timestamp,
    ) -> Outages {
        let named: Vec<Option<HostId>> = self
            .origins
            .iter()
            .map(|origin| match origin {
                Origin::Computer(name) => identity.named(name),
                Origin::Address(_) => None,
            })
            .collect();
        let whose = |origin: u32, at: Minute| -> Option<(Minute, Place)> {
            let middle = Timestamp(i64::from(at) * MINUTE + MINUTE / 2);
            match self.origins.get(origin as usize)? {
                Origin::Address(address) => Some((at, identity.place(*address, middle))),
                Origin::Computer(_) => {
                    let id = named.get(origin as usize).copied().flatten()?;
                    Some((minute(correct(id, middle)), Place::Host(id)))
                }
            }
        };
        let mut failed = Vec::new();
        for ((at, origin), remotes) in &self.failed {
            let Some((at, place)) = whose(*origin, *at) else {
                continue;
            };
            for remote in remotes {
                if self.answered.get(remote).is_some_and(|first| *first < at) {
                    failed.push((self.assets.is_internal(*remote), at, place, *remote));
                }
            }
        }
        failed.sort_unstable();
        failed.dedup();
        let told = self.worked.iter().filter_map(|(at, origin, inside)| {
            let (at, place) = whose(*origin, *at)?;
            Some((*inside, at, place))
        });
        let mut worked: Vec<(bool, Minute, Place)> = told.collect();
        worked.sort_unstable();
        worked.dedup();
        Outages {
            failed,
            worked,
            incomplete: self.left_out.span,
            left_out: self.left_out.count,
            assets: self.assets,
        }
    }
}

fn keep(remotes: &mut Vec<IpAddr>, remote: IpAddr) {
    if let Err(place) = remotes.binary_search(&remote) {
        remotes.insert(place, remote);
        // The lowest ones, so that it does not matter in which order they came.
        remotes.truncate(REMOTES);
    }
}

fn is_nobody(address: IpAddr) -> bool {
    address.is_loopback() || is_group_or_wildcard(address)
}

/// How the hosts fared within two minutes, on one side of the border of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Hosts that failed to reach remotes which had answered before, and then got through to none.
    pub lost: usize,
    /// Those and the hosts that got through.
    pub reached_out: usize,
    /// Remotes that the first could not reach.
    pub remotes: usize,
    /// The host asked about got through to somebody.
    pub spared: bool,
    /// Some of what happened around then was not kept.
    pub incomplete: bool,
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Outages {
    // In order: side (true: inside), minute, host, and the remote it failed to reach although that
    // had answered before.
    failed: Vec<(bool, Minute, Place, IpAddr)>,
    // In order: side, minute, and a host that got through to somebody.
    worked: Vec<(bool, Minute, Place)>,
    incomplete: Option<(Minute, Minute)>,
    assets: Assets,
    /// Contacts that were not kept because there were too many.
    pub left_out: u64,
}

impl Outages {
    /// How hosts fared around `time` on the side of the network where `beside` lies: whom they
    /// could reach beside those addresses. Of the pairs of minutes around it, the one with the
    /// greater loss.
    pub fn around(&self, host: Place, time: Timestamp, beside: &[IpAddr]) -> Loss {
        let inside = beside.iter().all(|a| self.assets.is_internal(*a));
        let middle = minute(time);
        let [before, after] =
            [middle - 1, middle].map(|first| self.within(host, [first, first + 1], inside, beside));
        let size = |loss: &Loss| (loss.lost, loss.remotes, loss.reached_out);
        let mut worst = if size(&before) > size(&after) {
            before
        } else {
            after
        };
        worst.incomplete = self
            .incomplete
            .is_some_and(|(from, to)| from <= middle + 1 && middle - 1 <= to);
        worst
    }

    fn within(&self, host: Place, minutes: [Minute; 2], inside: bool, beside: &[IpAddr]) -> Loss {
        let worked = minutes.map(|at| self.worked(inside, at));
        let failed = minutes.map(|at| self.failed(inside, at, beside));
        let in_vain: BTreeSet<Place> = failed.iter().flat_map(BTreeMap::keys).copied().collect();
        let through: BTreeSet<Place> = worked.iter().flatten().copied().collect();
        // What worked in the minute of the first failure may have come before it.
        let lost = |place: &Place| {
            !worked[1].contains(place)
                && (failed[1].contains_key(place) || !worked[0].contains(place))
        };
        let lost: BTreeSet<Place> = in_vain.into_iter().filter(lost).collect();
        let remotes: BTreeSet<IpAddr> = failed
            .iter()
            .flatten()
            .filter(|(place, _)| lost.contains(place))
            .flat_map(|(_, remotes)| remotes)
            .copied()
            .collect();
        Loss {
            lost: lost.len(),
            reached_out: lost.union(&through).count(),
            remotes: remotes.len(),
            spared: through.contains(&host) && !lost.contains(&host),
            incomplete: false,
        }
    }

    fn worked(&self, inside: bool, at: Minute) -> BTreeSet<Place> {
        let row = &self.worked;
        let first = row.partition_point(|(side, minute, _)| (*side, *minute) < (inside, at));
        row[first..]
            .iter()
            .take_while(|(side, minute, _)| (*side, *minute) == (inside, at))
            .map(|(.., place)| *place)
            .collect()
    }

    fn failed(&self, inside: bool, at: Minute, beside: &[IpAddr]) -> BTreeMap<Place, Vec<IpAddr>> {
        let row = &self.failed;
        let first = row.partition_point(|(side, minute, ..)| (*side, *minute) < (inside, at));
        let mut hosts: BTreeMap<Place, Vec<IpAddr>> = BTreeMap::new();
        for (side, minute, place, remote) in &row[first..] {
            if (*side, *minute) != (inside, at) {
                break;
            }
            if !beside.contains(remote) {
                hosts.entry(*place).or_default().push(*remote);
            }
        }
        hosts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000_000)
    }

    const C2: &str = "203.0.113.9";

    /// Hosts 10.0.0.1 to 10.0.0.n, which reach a remote of their own at the begin and not in the
    /// sixth minute.
    fn all_down(builder: &mut OutagesBuilder, hosts: std::ops::RangeInclusive<u8>) {
        for n in hosts {
            let (host, remote) = (format!("10.0.0.{n}"), format!("192.0.2.{n}"));
            let origin = || Origin::Address(address(&host));
            builder.work(origin(), address(&remote), at(5));
            builder.fail(origin(), address(&remote), at(310));
            builder.fail(origin(), address(C2), at(312));
        }
    }

    fn asked(builder: OutagesBuilder, second: i64) -> Loss {
        let outages = builder.freeze(&Identity::default(), |_, time| time);
        outages.around(
            Place::Address(address("10.0.0.1")),
            at(second),
            &[address(C2)],
        )
    }

    #[test]
    fn hosts_that_lose_everything_together_are_counted_with_their_remotes() {
        let mut builder = OutagesBuilder::default();
        all_down(&mut builder, 1..=4);
        builder.work(
            Origin::Address(address("10.0.0.9")),
            address("192.0.2.99"),
            at(330),
        );
        let loss = asked(builder.clone(), 315);
        assert_eq!((loss.lost, loss.reached_out, loss.remotes), (4, 5, 4));
        assert!(!loss.spared && !loss.incomplete);
        assert_eq!(asked(builder, 900), Loss::default(), "another time");
    }

    #[test]
    fn a_remote_that_never_answered_and_the_channel_itself_tell_nothing() {
        let mut builder = OutagesBuilder::default();
        for n in 1..=4_u8 {
            let origin = || Origin::Address(IpAddr::from([10, 0, 0, n]));
            builder.work(origin(), address(C2), at(5));
            builder.fail(origin(), address(C2), at(310));
            builder.fail(origin(), address("192.0.2.200"), at(311));
            // Up for the first time an hour later.
            builder.fail(origin(), address("192.0.2.201"), at(312));
            builder.work(origin(), address("192.0.2.201"), at(3_900));
        }
        assert_eq!(asked(builder, 315).lost, 0);
    }

    #[test]
    fn who_gets_through_after_its_failure_has_lost_nothing() {
        let mut builder = OutagesBuilder::default();
        all_down(&mut builder, 1..=4);
        // The minute before, the very minute, the minute after.
        let through = |second: i64| {
            let mut builder = builder.clone();
            let origin = Origin::Address(address("10.0.0.1"));
            builder.work(origin, address("192.0.2.77"), at(second));
            let loss = asked(builder, 315);
            (loss.lost, loss.spared)
        };
        assert_eq!(through(250), (4, false));
        assert_eq!(through(301), (3, true));
        assert_eq!(
            through(365),
            (4, false),
            "lost in this minute, back in the next"
        );
    }

    #[test]
    fn inside_and_outside_are_asked_apart() {
        let mut builder = OutagesBuilder::default();
        all_down(&mut builder, 1..=4);
        for n in 1..=4_u8 {
            let origin = Origin::Address(IpAddr::from([10, 0, 0, n]));
            builder.work(origin, address("10.0.0.250"), at(311));
        }
        assert_eq!(asked(builder, 315).lost, 4);
    }

    #[test]
    fn builders_join_in_any_order() {
        let part = |hosts| {
            let mut builder = OutagesBuilder::default();
            all_down(&mut builder, hosts);
            builder
        };
        let (mut forth, mut back) = (part(1..=2), part(2..=4));
        forth.merge(part(2..=4));
        back.merge(part(1..=2));
        let loss = asked(forth, 315);
        assert_eq!((loss.lost, loss.remotes), (4, 4));
        assert_eq!(asked(back, 315), loss);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted_and_told_for_its_time() {
        let mut builder = OutagesBuilder::default();
        all_down(&mut builder, 1..=4);
        for n in 0..ORIGINS as u32 {
            let _ = builder.origin(Origin::Address(IpAddr::from(n.to_be_bytes())));
        }
        builder.fail(Origin::Computer("WS99".into()), address(C2), at(312));
        assert_eq!(builder.left_out.count, 1);
        assert!(asked(builder.clone(), 315).incomplete);
        assert!(!asked(builder, 900).incomplete);
    }

    #[test]
    fn of_many_remotes_the_same_few_are_kept_in_any_order() {
        let all = |order: &mut dyn Iterator<Item = u8>| {
            let mut held = Vec::new();
            order.for_each(|n| keep(&mut held, IpAddr::from([192, 0, 2, n])));
            held
        };
        let (up, down) = (all(&mut (0..40)), all(&mut (0..40).rev()));
        assert_eq!(up, down);
        assert_eq!(up.len(), REMOTES);
    }
}
