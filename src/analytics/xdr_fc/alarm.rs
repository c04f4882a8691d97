//! A finding while it is open: what failed and belongs to it, and what leaves it again.

use super::judge::Measured;
use super::target::Target;
use super::targets::{Targets, distinct};
use crate::model::{Event, Provenance, Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A target that answers this soon after it failed is not called missing: whoever tries several ports
/// of many hosts comes back to each within minutes, and a host that was just switched on is one of few.
pub(super) const SOON: Span = Span::seconds(600);
/// Targets of one finding.
const TARGETS: usize = 2_048;

/// A finding that is open.
pub(super) struct Alarm {
    pub(super) measured: Measured,
    pub(super) low: bool,
    /// What failed, from the test period before it to the end of the deduplication period.
    pub(super) targets: BTreeMap<IpAddr, Target>,
    /// Of these, the ones that were measured and did not answer since.
    pub(super) counted: BTreeSet<IpAddr>,
    /// How many failed and answered soon after.
    pub(super) answered: u32,
    /// The first failure of one of them.
    pub(super) lost: Option<Provenance>,
    /// Failures of further missing targets, which are not held, and the last of them.
    pub(super) left_out: Option<(u64, Timestamp)>,
    /// Whom it reached for with a known outcome, from first to last.
    contacts: BTreeMap<IpAddr, (Timestamp, Timestamp)>,
    /// Targets that answered or refused and are not among those that failed, and when.
    pub(super) answering: BTreeMap<IpAddr, Timestamp>,
    /// Of those that failed, the ones that answered or refused later than is soon, and when they first did.
    pub(super) came: BTreeMap<IpAddr, Timestamp>,
    /// The first of these answers.
    pub(super) first_answer: Option<Event>,
    /// Failed attempts after what was measured.
    pub(super) later: u64,
    pub(super) untold: u64,
    /// What is told as measured is what remained when some had answered.
    pub(super) judged_again: bool,
}

impl Alarm {
    pub(super) fn new(measured: Measured, low: bool, targets: &Targets) -> Self {
        let internal = measured.internal;
        Self {
            low,
            targets: targets
                .failing(internal)
                .take(TARGETS)
                .map(|(address, target)| (address, target.clone()))
                .collect(),
            counted: targets
                .failing(internal)
                .map(|(address, _)| address)
                .collect(),
            answered: 0,
            lost: None,
            left_out: None,
            contacts: targets
                .known(internal)
                .map(|(address, last)| (address, (last, last)))
                .collect(),
            answering: targets.answering(internal).collect(),
            came: BTreeMap::new(),
            first_answer: None,
            later: 0,
            untold: targets.untold,
            judged_again: false,
            measured,
        }
    }

    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        self.targets.len() * 1_024 + (self.contacts.len() + self.answering.len()) * 96
    }

    /// A contact while it is open whose outcome is known.
    pub(super) fn contact(&mut self, address: IpAddr, time: Timestamp) {
        if self.contacts.len() < TARGETS || self.contacts.contains_key(&address) {
            let held = self.contacts.entry(address).or_insert((time, time));
            held.1 = held.1.max(time);
        }
    }

    /// A failure of a missing target that is not held.
    pub(super) fn leave_out(&mut self, time: Timestamp) {
        let (count, last) = self.left_out.unwrap_or((0, time));
        self.left_out = Some((count + 1, last.max(time)));
    }

    /// How many targets it reached for within a stretch of time; random IPv6 addresses count by their
    /// /64.
    pub(super) fn tried(&self, from: Timestamp, to: Timestamp) -> u32 {
        let within = self
            .contacts
            .iter()
            .filter(|(_, (first, last))| *first <= to && *last >= from);
        distinct(within.map(|(address, _)| *address))
    }

    /// How many it reached for in all.
    pub(super) fn tried_in_all(&self) -> u32 {
        distinct(self.contacts.keys().copied())
    }

    /// A target answered or refused; true if it was among those measured and leaves them, for it did so
    /// soon.
    pub(super) fn reached(&mut self, address: IpAddr, event: &Event) -> bool {
        self.contact(address, event.time);
        let failed = self.targets.get(&address).and_then(|t| t.failed);
        let Some((first, _)) = failed else {
            if self.answering.len() < TARGETS {
                self.answering.entry(address).or_insert(event.time);
            }
            return false;
        };
        if event.time < first {
            return false;
        }
        if event.time.since(first) < SOON {
            return self.lose(address, event.time);
        }
        self.came.entry(address).or_insert(event.time);
        if self.first_answer.is_none() {
            self.first_answer = Some(event.clone());
        }
        false
    }

    /// True if it rests on the mixture alone, and what was measured now on the count.
    pub(super) fn is_less_than(&self, measured: &Measured) -> bool {
        !self.measured.count.abnormal && measured.count.abnormal
    }

    /// A failure while it is open.
    pub(super) fn add(&mut self, address: IpAddr, time: Timestamp, targets: &Targets) {
        self.contact(address, time);
        let Some(target) = targets.get(address) else {
            return;
        };
        let held = self.targets.get(&address);
        if held.is_none() && self.targets.len() >= TARGETS {
            self.leave_out(time);
            return;
        }
        let mut target = target.clone();
        let before = held.map_or(0, |held| {
            target.follow(held);
            held.tries.count()
        });
        // What another sensor or the log shows of the same attempt is no further one.
        self.later += u64::from(target.tries.count().saturating_sub(before));
        self.targets.insert(address, target);
    }

    /// Lets go of a target that answered soon after it first failed; true if it was among those
    /// measured.
    fn lose(&mut self, address: IpAddr, time: Timestamp) -> bool {
        let Some(target) = self.targets.remove(&address) else {
            return false;
        };
        self.answered += 1;
        if target
            .failed
            .is_some_and(|(first, _)| first > self.measured.at)
        {
            self.later = self.later.saturating_sub(u64::from(target.tries.count()));
        }
        self.lost = self.lost.or(target.cited);
        self.answering.insert(address, time);
        self.counted.remove(&address)
    }

    /// The most targets that first failed within one test period, and when the last of them did.
    pub(super) fn densest(&self, test: Span) -> (Vec<(IpAddr, &Target)>, Option<Timestamp>) {
        let mut failed: Vec<(Timestamp, IpAddr, &Target)> = self
            .targets
            .iter()
            .filter_map(|(address, t)| Some((t.failed?.0, *address, t)))
            .collect();
        failed.sort_unstable_by_key(|(first, address, _)| (*first, *address));
        let mut best = 0..0;
        let mut begin = 0;
        for end in 1..=failed.len() {
            while failed[end - 1].0.since(failed[begin].0) > test {
                begin += 1;
            }
            if end - begin > best.len() {
                best = begin..end;
            }
        }
        let at = failed[best.clone()].last().map(|(first, ..)| *first);
        let of = failed[best].iter().map(|(_, address, t)| (*address, *t));
        (of.collect(), at)
    }
}
