//! When somebody showed signs of life: stretches, each from its first sign to its last.
//!
//! What is kept is bounded. Beyond that, short silences are forgotten before long ones, but a silence in which
//! something happened that asks for it (a magic packet) before none.

use crate::model::{Span, Timestamp};
use std::collections::BTreeSet;

/// Signs nearer than this are one stretch of life.
pub const NEAR: Span = Span::seconds(60);
/// Stretches kept. Beyond, the nearest two become one: the longest silences stay told apart, with half an
/// hour of silence for more than a day, with a day of silence for two months.
const STRETCHES: usize = 64;
/// The last silences stay apart until it is known whether something happened in them: a magic packet is told
/// when its copies have been waited for.
const RECENT: usize = 8;
/// Moments that are remembered.
const MOMENTS: usize = 1_024;

/// Moments of which it may be asked who had been silent then.
#[derive(Clone, Debug, Default)]
pub struct Moments(BTreeSet<Timestamp>);

impl Moments {
    /// Remembers a moment, as long as there is room.
    pub fn add(&mut self, time: Timestamp) {
        if self.0.len() < MOMENTS {
            self.0.insert(time);
        }
    }

    /// Takes over the moments of another.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|time| self.add(*time));
    }

    fn lie_between(&self, from: Timestamp, to: Timestamp) -> bool {
        from < to && self.0.range(from..=to).next().is_some()
    }
}

/// The last sign of life before a moment: not before the one time, not after the other. They are the same where
/// it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sign {
    /// At the latest then.
    pub latest: Timestamp,
    /// At the earliest then.
    pub earliest: Timestamp,
}

/// The stretches, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    stretches: Vec<(Timestamp, Timestamp)>,
    // The longest silence within a stretch.
    widest: Span,
}

impl Trail {
    /// Adds signs of life from `from` to `to`; silences with one of the `moments` are kept apart.
    pub fn add(&mut self, from: Timestamp, to: Timestamp, moments: &Moments) {
        let to = to.max(from);
        // The common case: time goes on.
        if let Some(last) = self.stretches.last_mut()
            && from >= last.0
            && from.since(last.1) <= NEAR
        {
            last.1 = last.1.max(to);
            return;
        }
        if self.stretches.last().is_none_or(|last| from > last.1) {
            self.stretches.push((from, to));
            self.shorten(moments);
            return;
        }
        let at = self.stretches.partition_point(|(begin, _)| *begin <= from);
        self.stretches.insert(at, (from, to));
        let mut joined: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(self.stretches.len());
        for (from, to) in std::mem::take(&mut self.stretches) {
            match joined.last_mut() {
                Some(last) if from.since(last.1) <= NEAR => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        self.stretches = joined;
        self.shorten(moments);
    }

    /// Makes the nearest two stretches one, where there are too many.
    fn shorten(&mut self, moments: &Moments) {
        let stretches = &mut self.stretches;
        if stretches.len() <= STRETCHES {
            return;
        }
        let nearest = (0..stretches.len() - 1 - RECENT).min_by_key(|i| {
            let (from, to) = (stretches[*i].1, stretches[*i + 1].0);
            (moments.lie_between(from, to), to.since(from))
        });
        if let Some(i) = nearest {
            let gap = stretches[i + 1].0.since(stretches[i].1);
            self.widest = self.widest.max(gap);
            stretches[i].1 = stretches[i + 1].1;
            stretches.remove(i + 1);
        }
    }

    /// Adds what another has.
    pub fn merge(&mut self, other: &Self, moments: &Moments) {
        for (from, to) in &other.stretches {
            self.add(*from, *to, moments);
        }
        self.widest = self.widest.max(other.widest);
    }

    /// The same by another clock.
    pub fn moved(&self, correct: impl Fn(Timestamp) -> Timestamp) -> Self {
        let moved = |(from, to): &(Timestamp, Timestamp)| (correct(*from), correct(*to));
        Self {
            stretches: self.stretches.iter().map(moved).collect(),
            widest: self.widest,
        }
    }

    /// The last sign at or before `time`. Within a stretch it is known no better than its silences are short.
    pub fn last(&self, time: Timestamp) -> Option<Sign> {
        let at = self.stretches.partition_point(|(from, _)| *from <= time);
        let (from, to) = *self.stretches.get(at.checked_sub(1)?)?;
        if to <= time {
            return Some(Sign {
                latest: to,
                earliest: to,
            });
        }
        let within = NEAR.max(self.widest);
        Some(Sign {
            latest: time,
            earliest: time.shifted(within.negated()).max(from),
        })
    }

    /// The first sign of all.
    pub fn first(&self) -> Option<Timestamp> {
        self.stretches.first().map(|(from, _)| *from)
    }

    /// The stretches, in order.
    pub fn stretches(&self) -> &[(Timestamp, Timestamp)] {
        &self.stretches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000_000)
    }

    /// Signs every `every` seconds, but for a silence of 80 s behind `count` of them.
    fn busy(count: i64, every: i64, moments: &Moments) -> Trail {
        let mut trail = Trail::default();
        let last = (count - 1) * every;
        let before = (0..count).map(|i| i * every);
        let after = (1..40).map(|i| last + 80 + i * every);
        for second in before.chain([last + 80]).chain(after) {
            trail.add(at(second), at(second), moments);
        }
        trail
    }

    #[test]
    fn a_short_silence_that_is_asked_for_is_kept_among_many_long_ones() {
        let signal = at(99 * 600 + 40);
        let mut moments = Moments::default();
        let blurred = busy(100, 600, &moments).last(signal).unwrap();
        assert_eq!(blurred.latest, signal, "told as late as it may be");
        assert!(blurred.earliest <= at(99 * 600), "and as early");
        moments.add(signal);
        let told = busy(100, 600, &moments).last(signal).unwrap();
        assert_eq!((told.latest, told.earliest), (at(99 * 600), at(99 * 600)));
        // The moment is told when the silence is over already.
        let (mut trail, mut moments) = (Trail::default(), Moments::default());
        for second in (0..100).map(|i| i * 600).chain([99 * 600 + 80]) {
            trail.add(at(second), at(second), &moments);
        }
        moments.add(signal);
        for i in 1..40 {
            let second = at(99 * 600 + 80 + i * 600);
            trail.add(second, second, &moments);
        }
        assert_eq!(trail.last(signal).unwrap().latest, at(99 * 600));
    }

    #[test]
    fn within_a_stretch_the_last_sign_is_known_to_a_minute() {
        let mut trail = Trail::default();
        for second in [0, 50, 100] {
            trail.add(at(second), at(second), &Moments::default());
        }
        let sign = |second| {
            let sign = trail.last(at(second)).unwrap();
            (sign.earliest, sign.latest)
        };
        assert_eq!(sign(90), (at(30), at(90)));
        assert_eq!(sign(20), (at(0), at(20)));
        assert_eq!(sign(100), (at(100), at(100)));
        assert_eq!(sign(500), (at(100), at(100)));
        assert_eq!(trail.last(at(-1)), None);
    }
}
