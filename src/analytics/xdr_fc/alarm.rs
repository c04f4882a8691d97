//! A finding while it is open: what failed and belongs to it, and what leaves it again.

use super::judge::Measured;
use super::targets::{Target, Targets};
use crate::analytics::kit::contact::question_of;
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
    /// Not all that failed are held.
    pub(super) more: bool,
    pub(super) answering: Vec<IpAddr>,
    /// Failed attempts after what was measured.
    pub(super) later: u64,
    pub(super) untold: u64,
}

impl Alarm {
    pub(super) fn new(measured: Measured, low: bool, targets: &Targets) -> Self {
        Self {
            low,
            targets: targets
                .failing(measured.internal)
                .take(TARGETS)
                .map(|(address, target)| (address, target.clone()))
                .collect(),
            counted: targets
                .failing(measured.internal)
                .map(|(address, _)| address)
                .collect(),
            answered: 0,
            lost: None,
            more: targets.failing(measured.internal).count() > TARGETS,
            answering: targets.answering(measured.internal),
            later: 0,
            untold: targets.untold,
            measured,
        }
    }

    /// True if it rests on the mixture alone, and what was measured now on the count.
    pub(super) fn is_less_than(&self, measured: &Measured) -> bool {
        !self.measured.count.abnormal && measured.count.abnormal
    }

    /// A failure while it is open.
    pub(super) fn add(&mut self, event: &Event, address: IpAddr, targets: &Targets) {
        // A record whose question to the segment is in the packets is no further attempt.
        self.later += u64::from(question_of(event).is_none());
        let Some(target) = targets.get(address) else {
            return;
        };
        let mut target = target.clone();
        if let Some(held) = self.targets.get(&address) {
            target.follow(held);
        } else if self.targets.len() >= TARGETS {
            self.more = true;
            return;
        }
        self.targets.insert(address, target);
    }

    /// Lets go of a target that answered soon after it first failed; true if it was among those
    /// measured.
    pub(super) fn lose(&mut self, address: IpAddr, time: Timestamp) -> bool {
        let Some((first, _)) = self.targets.get(&address).and_then(|t| t.failed) else {
            return false;
        };
        if time < first || time.since(first) >= SOON {
            return false;
        }
        let Some(target) = self.targets.remove(&address) else {
            return false;
        };
        self.answered += 1;
        if first > self.measured.at {
            self.later = self.later.saturating_sub(u64::from(target.attempts));
        }
        let event = target.event.map(|event| event.provenance);
        self.lost = self.lost.or(event);
        self.answering.insert(0, address);
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
