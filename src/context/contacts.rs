//! Who reached for whom inside the network, by source and UTC day, and how many of those targets
//! were missing: the ground for "more than usual" and "more than others".
//!
//! Summed while reading, because one source's events cannot tell what the others did. What hosts did
//! is asked as of a moment: earlier days whole, its own day up to it. Two answers are told by whole
//! days, for they are about the evidence and not about a host: whether others were answered on the
//! days of a source, and whether a target failed for several sources, which can only excuse.
//! A target is missing if it failed to answer while [`Activity`] knew of no sign of life within a
//! day. Nothing is judged here.

use super::activity::{Activity, INACTIVE_AFTER, counted_as};
use super::assets::Assets;
use super::baseline::Day;
use super::coverage::Coverage;
use super::identity::{HostId, Identity, Place};
use crate::model::attempt::RefusalMeaning;
use crate::model::host_event::Verdict;
use crate::model::neighbour::Heard;
use crate::model::net::is_group_or_wildcard;
use crate::model::{
    Attempt, Direction, Event, HostEvent, HostWhat, Outcome, Text, Timestamp, Transport, What,
};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Days a source is compared with (Cortex: training period).
pub const TRAINING_DAYS: i32 = 30;
/// Targets of one source and day, and of all together; what lies beyond is counted.
const TARGETS: usize = 2_048;
const ALL_TARGETS: usize = 250_000;
/// Programs of which the text is held once.
const PROGRAMS: usize = 4_096;
/// Sources by day; what others do is counted, not held.
const SOURCE_DAYS: usize = 65_536;
/// Sources that fail to reach the same target on a day before that is one event for all.
pub const SHARED_BY: u32 = 3;

#[derive(Clone, Debug, Default)]
struct Reach {
    // Seen to fail on the wire; logged as tried; known to have got through. The first of each.
    failed: Option<Timestamp>,
    tried: Option<Try>,
    reached: Option<Timestamp>,
}

/// A logged attempt: when, the program, the port.
type Try = (Timestamp, Text, u16);

fn sooner<T: Ord>(held: &mut Option<T>, new: T) {
    if held.as_ref().is_none_or(|held| new < *held) {
        *held = Some(new);
    }
}

#[derive(Clone, Debug, Default)]
struct DayTargets {
    targets: HashMap<IpAddr, Reach, RandomState>,
    // The computer whose log tells of the tries.
    computer: Option<Text>,
    // When its first contact was: whose the address was then.
    first: Timestamp,
    // SYNs to anybody, and those with any answer.
    syns: [u64; 2],
}

impl DayTargets {
    fn since(&mut self, time: Timestamp) {
        if self.first == Timestamp::default() || time < self.first {
            self.first = time;
        }
    }
}

/// Collects contacts; merges in any order.
#[derive(Clone, Debug, Default)]
pub struct ContactsBuilder {
    days: BTreeMap<(IpAddr, Day), DayTargets>,
    // Each text once: a day of attempts is of few programs.
    programs: BTreeSet<Text>,
    targets: usize,
    left_out: u64,
    assets: Assets,
}

enum Fact {
    Failed,
    Tried(Text, u16),
    Reached,
}

impl ContactsBuilder {
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
            What::Solicitation(asked) => {
                let what = match asked.outcome {
                    Heard::Unanswered => Fact::Failed,
                    Heard::Answered(_) => Fact::Reached,
                    Heard::ReplyNotVisible | Heard::CutShort => return,
                };
                self.contact(asked.asker, asked.target, event.time, what, None);
            }
            What::Host(host) => self.observe_host(host, event.time),
            What::Wake(_) | What::Neighbour(_) | What::Resolution(_) => {}
        }
    }

    fn observe_attempt(&mut self, attempt: &Attempt, time: Timestamp) {
        let (from, to) = (attempt.initiator.address, attempt.responder.address);
        // Any answer counts: a capture that holds refusals holds answers.
        let answered = match attempt.outcome {
            Outcome::Established
            | Outcome::HalfOpen
            | Outcome::Rejected
            | Outcome::Unreachable(_) => Some(true),
            Outcome::Unanswered => Some(false),
            Outcome::Aborted | Outcome::Midstream | Outcome::OneSided => None,
        };
        if let Some(answered) = answered
            && attempt.transport == Transport::TCP
            && self.assets.is_internal(from)
        {
            let Some(day) = self.day(from, time) else {
                return;
            };
            day.syns[0] += 1;
            day.syns[1] += u64::from(answered);
        }
        let what = match attempt.outcome {
            Outcome::Established | Outcome::HalfOpen | Outcome::Rejected => Fact::Reached,
            Outcome::Unreachable(refusal)
                if refusal.meaning() == RefusalMeaning::HostUnreachable && refusal.from != to =>
            {
                Fact::Failed
            }
            Outcome::Unreachable(refusal) if refusal.from == to => Fact::Reached,
            Outcome::Unanswered if attempt.transport == Transport::TCP => Fact::Failed,
            _ => return,
        };
        // The SYN counts; what became of it, a capture of one direction does not tell.
        if attempt.outcome != Outcome::Unanswered || attempt.silence_tells(time) {
            self.contact(from, to, time, what, None);
        }
    }

    fn observe_host(&mut self, event: &HostEvent, time: Timestamp) {
        let (what, transport, from, to) = match &event.what {
            HostWhat::Filtered {
                verdict: Verdict::Permitted,
                direction: Some(Direction::Outbound),
                process,
                transport,
                source,
                destination,
                ..
            } => {
                let program = self.program(&process.image);
                let tried = Fact::Tried(program, destination.port);
                (tried, *transport, source, destination)
            }
            HostWhat::Connected {
                initiated: true,
                transport,
                source,
                destination,
                ..
            } => (Fact::Reached, *transport, source, destination),
            _ => return,
        };
        if transport == Transport::TCP {
            let computer = Some(&event.computer);
            self.contact(from.address, to.address, time, what, computer);
        }
    }

    fn program(&mut self, image: &Text) -> Text {
        if let Some(known) = self.programs.get(image) {
            return known.clone();
        }
        if self.programs.len() < PROGRAMS {
            self.programs.insert(image.clone());
        }
        image.clone()
    }

    fn contact(
        &mut self,
        from: IpAddr,
        to: IpAddr,
        time: Timestamp,
        what: Fact,
        computer: Option<&Text>,
    ) {
        if from == to
            || is_group_or_wildcard(to)
            || to.is_loopback()
            || !self.assets.is_internal(from)
            || !self.assets.is_internal(to)
        {
            return;
        }
        let all = self.targets;
        let Some(day) = self.day(from, time) else {
            return;
        };
        if day.computer.is_none() {
            day.computer = computer.cloned();
        }
        let new = !day.targets.contains_key(&to);
        if new && (day.targets.len() >= TARGETS || all >= ALL_TARGETS) {
            self.left_out += 1;
            return;
        }
        let reach = day.targets.entry(to).or_default();
        match what {
            Fact::Failed => sooner(&mut reach.failed, time),
            Fact::Tried(program, port) => sooner(&mut reach.tried, (time, program, port)),
            Fact::Reached => sooner(&mut reach.reached, time),
        }
        self.targets += usize::from(new);
    }

    /// The day of a source; `None`, and counted, if it is new and there is no room.
    fn day(&mut self, from: IpAddr, time: Timestamp) -> Option<&mut DayTargets> {
        let key = (from, Day::of(time));
        if self.days.len() >= SOURCE_DAYS && !self.days.contains_key(&key) {
            self.left_out += 1;
            return None;
        }
        let day = self.days.entry(key).or_default();
        day.since(time);
        Some(day)
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (key, theirs) in other.days {
            let ours = self.days.entry(key).or_default();
            for (target, reach) in theirs.targets {
                let held = ours.targets.entry(target).or_default();
                for (held, time) in [
                    (&mut held.failed, reach.failed),
                    (&mut held.reached, reach.reached),
                ] {
                    if let Some(time) = time {
                        sooner(held, time);
                    }
                }
                if let Some(tried) = reach.tried {
                    sooner(&mut held.tried, tried);
                }
            }
            ours.computer = ours.computer.take().or(theirs.computer);
            if theirs.first != Timestamp::default() {
                ours.since(theirs.first);
            }
            for (ours, theirs) in ours.syns.iter_mut().zip(theirs.syns) {
                *ours += theirs;
            }
        }
        self.targets += other.targets;
        self.left_out += other.left_out;
    }

    /// Sums it up, with what imported baselines say of other days. `correct` brings what hosts logged
    /// to the reference clock, on which `coverage` is.
    pub fn freeze(
        self,
        identity: &Identity,
        correct: impl Fn(HostId, Timestamp) -> Timestamp,
        coverage: &Coverage,
        activity: &Activity,
        imported: impl IntoIterator<Item = (String, Day, DayContacts)>,
    ) -> Contacts {
        let mut contacts = Contacts {
            left_out: self.left_out,
            ..Contacts::default()
        };
        let mut failing: BTreeMap<(IpAddr, Day), u32> = BTreeMap::new();
        for ((source, day), held) in self.days {
            // Without Sysmon's word on what got through, a logged try tells no outcome.
            let host = held.computer.as_ref().and_then(|c| identity.named(c));
            let told = |(at, program, port): &Try| {
                host.is_some_and(|id| coverage.tells_outcome(id, program, *port, correct(id, *at)))
            };
            let mut sum = DayContacts {
                syns: held.syns,
                ..DayContacts::default()
            };
            let mut missing: BTreeMap<IpAddr, Timestamp> = BTreeMap::new();
            let mut moments = Moments::default();
            for (target, reach) in &held.targets {
                let failed = match (reach.failed, &reach.tried) {
                    (Some(failed), _) => Some(failed),
                    (None, Some(tried)) if reach.reached.is_none() && told(tried) => Some(tried.0),
                    _ => None,
                };
                let Some(known) = failed.into_iter().chain(reach.reached).min() else {
                    continue;
                };
                sum.targets += 1;
                moments.known.push(known);
                let Some(failed) = failed else { continue };
                sum.failing += 1;
                *failing.entry((*target, day)).or_default() += 1;
                let state = activity.state(*target, failed, INACTIVE_AFTER);
                if state.is_missing(activity.listening(failed))
                    && reach.reached.is_none_or(|r| r > failed)
                {
                    let first = missing.entry(counted_as(*target)).or_insert(failed);
                    *first = failed.min(*first);
                }
            }
            sum.missing = missing.len() as u32;
            moments.missing.extend(missing.into_values());
            let place = identity.place(source, held.first);
            contacts
                .days
                .entry(day)
                .or_default()
                .entry(place)
                .or_default()
                .add(&sum);
            contacts
                .moments
                .entry((day, place))
                .or_default()
                .add(moments);
        }
        for moments in contacts.moments.values_mut() {
            moments.known.sort_unstable();
            moments.missing.sort_unstable();
        }
        contacts.others = answered_of_others(&contacts.days);
        failing.retain(|_, sources| *sources >= SHARED_BY);
        contacts.shared = failing
            .into_keys()
            .map(|(target, day)| (day, target))
            .collect();
        for (name, day, sum) in imported {
            let place = match (identity.named(&name), name.parse::<IpAddr>()) {
                (Some(id), _) => Place::Host(id),
                (None, Ok(address)) => identity.place(address, day.start()),
                (None, Err(_)) => continue,
            };
            // Own evidence of a day is more than a summary of it.
            contacts
                .days
                .entry(day)
                .or_default()
                .entry(place)
                .or_insert(sum);
        }
        contacts
    }
}

/// What one source did on one UTC day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayContacts {
    /// Distinct internal targets it reached for, where the outcome is known.
    pub targets: u32,
    /// Of these, the ones that failed at least once.
    pub failing: u32,
    /// Of these, the ones that were missing when they failed: M.
    pub missing: u32,
    /// SYNs to anybody, and those with any answer; zero without packets.
    pub syns: [u64; 2],
}

impl DayContacts {
    fn add(&mut self, other: &Self) {
        self.targets = self.targets.saturating_add(other.targets);
        self.failing = self.failing.saturating_add(other.failing);
        self.missing = self.missing.saturating_add(other.missing);
        for (ours, theirs) in self.syns.iter_mut().zip(other.syns) {
            *ours += theirs;
        }
    }
}

/// When each target of one source and day was first known of, and first missing; in order.
#[derive(Clone, Debug, Default)]
struct Moments {
    known: Vec<Timestamp>,
    missing: Vec<Timestamp>,
}

impl Moments {
    fn add(&mut self, other: Self) {
        self.known.extend(other.known);
        self.missing.extend(other.missing);
    }

    /// Targets and missing targets up to `at`.
    fn until(&self, at: Timestamp) -> (u32, u32) {
        let count = |times: &[Timestamp]| times.partition_point(|time| *time <= at) as u32;
        (count(&self.known), count(&self.missing))
    }
}

fn answered_of_others(
    days: &BTreeMap<Day, BTreeMap<Place, DayContacts>>,
) -> BTreeMap<Place, [u64; 2]> {
    let mut others: BTreeMap<Place, [u64; 2]> = BTreeMap::new();
    for of in days.values() {
        let all = of
            .values()
            .fold([0, 0], |n, sum| [n[0] + sum.syns[0], n[1] + sum.syns[1]]);
        for (place, sum) in of {
            let held = others.entry(*place).or_default();
            for (held, (all, own)) in held.iter_mut().zip(all.into_iter().zip(sum.syns)) {
                *held += all - own;
            }
        }
    }
    others
}

/// The frozen sums.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    days: BTreeMap<Day, BTreeMap<Place, DayContacts>>,
    // The same, by moments; none for days known from a baseline alone.
    moments: BTreeMap<(Day, Place), Moments>,
    // Targets that several sources failed to reach on a day.
    shared: BTreeSet<(Day, IpAddr)>,
    // What the others did on the days of each.
    others: BTreeMap<Place, [u64; 2]>,
    /// Targets left out because a bound was reached: counts of that day are too small.
    pub left_out: u64,
}

impl Contacts {
    /// What `place` did on `day`; `None` if it reached for nobody.
    pub fn on(&self, place: Place, day: Day) -> Option<&DayContacts> {
        self.days.get(&day)?.get(&place)
    }

    /// Everybody who reached for somebody on the day of `at`, up to that moment: with targets and
    /// missing targets. Days known from a baseline alone have no moments and are left out.
    pub fn sources(&self, at: Timestamp) -> impl Iterator<Item = (Place, (u32, u32))> {
        let day = Day::of(at);
        self.days
            .get(&day)
            .into_iter()
            .flatten()
            .filter_map(move |(place, _)| {
                let until = self.moments.get(&(day, *place))?.until(at);
                (until.0 > 0).then_some((*place, until))
            })
    }

    /// The days told of, with everybody on them, in order.
    pub fn days(&self) -> impl Iterator<Item = (Day, &BTreeMap<Place, DayContacts>)> {
        self.days.iter().map(|(day, of)| (*day, of))
    }

    /// Missing targets and targets of all others together, over the training period that ends at
    /// `at`.
    pub fn others(&self, place: Place, at: Timestamp) -> (u64, u64) {
        let day = Day::of(at);
        let from = Day(day.0.saturating_sub(TRAINING_DAYS));
        let before = self
            .days
            .range(from..day)
            .flat_map(|(_, of)| of)
            .map(|(other, sum)| (*other, (sum.targets, sum.missing)));
        before
            .chain(self.sources(at))
            .filter(|(other, _)| *other != place)
            .fold((0, 0), |(k, n), (_, (targets, missing))| {
                (k + u64::from(missing), n + u64::from(targets))
            })
    }

    /// SYNs of all others on the days on which `place` reached for somebody, and those with any
    /// answer. Captures of another time tell nothing of where its sensor stood; nor do baselines.
    pub fn others_answered(&self, place: Place) -> [u64; 2] {
        self.others.get(&place).copied().unwrap_or_default()
    }

    /// True if at least [`SHARED_BY`] sources failed to reach `target` on `day`, early or late.
    pub fn shared(&self, target: IpAddr, day: Day) -> bool {
        self.shared.contains(&(day, target))
    }
}
