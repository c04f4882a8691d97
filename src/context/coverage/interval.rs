//! Intervals of time, and what several of them cover together.

use crate::model::{Span, Timestamp};

/// First and last time of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// First time.
    pub from: Timestamp,
    /// Last time.
    pub to: Timestamp,
}

impl Interval {
    /// A single moment.
    pub fn at(time: Timestamp) -> Self {
        Self {
            from: time,
            to: time,
        }
    }

    /// True if `time` lies inside.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.from <= time && time <= self.to
    }

    /// True if the two share a moment.
    pub fn meets(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// From the first moment of both to the last.
    pub fn hull(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }

    /// With other times, in order whatever they are.
    pub(super) fn retimed(self, time: impl Fn(Timestamp) -> Timestamp) -> Self {
        Self::at(time(self.from)).hull(Self::at(time(self.to)))
    }

    pub(super) fn widen(&mut self, other: Self) {
        *self = self.hull(other);
    }
}

/// The intervals without overlap, in order of time; those no more than `apart` apart are one.
pub fn joined(mut intervals: Vec<Interval>, apart: Span) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut whole: Vec<Interval> = Vec::new();
    for next in intervals {
        match whole.last_mut() {
            Some(last) if next.from.since(last.to) <= apart => last.widen(next),
            _ => whole.push(next),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(i64, i64)]) -> Vec<Interval> {
        pairs
            .iter()
            .map(|(from, to)| Interval {
                from: Timestamp(*from),
                to: Timestamp(*to),
            })
            .collect()
    }

    #[test]
    fn intervals_join_in_any_order_if_they_are_near() {
        let given = of(&[(50, 60), (0, 10), (5, 20), (24, 25), (200, 210)]);
        assert_eq!(
            joined(given.clone(), Span(4)),
            of(&[(0, 25), (50, 60), (200, 210)])
        );
        assert_eq!(joined(given, Span(1000)), of(&[(0, 210)]));
        assert_eq!(joined(Vec::new(), Span(4)), []);
    }
}
