//! When something was seen: a few periods instead of every moment.

use crate::model::{Span, Timestamp};

/// Moments closer than this are one period.
const TOGETHER: Span = Span::seconds(600);
/// Periods kept; beyond, the two nearest to each other become one.
const PERIODS: usize = 64;

/// A period in which something was seen again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Period {
    /// First time seen.
    pub from: Timestamp,
    /// Last time seen.
    pub to: Timestamp,
    /// Until when a lease promised it; not before `to`.
    pub until: Timestamp,
}

impl Period {
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self {
            from,
            to,
            until: to,
        }
    }

    /// The smallest period that holds both.
    pub fn with(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
            until: self.until.max(other.until),
        }
    }

    /// The same with both ends corrected.
    pub fn retimed(self, correct: impl Fn(Timestamp) -> Timestamp) -> Self {
        let (a, b) = (correct(self.from), correct(self.to));
        let (from, to) = (a.min(b), a.max(b));
        let until = to.max(correct(self.until));
        Self { from, to, until }
    }

    /// True if less than `TOGETHER` lies between them.
    pub fn is_near(self, other: Self) -> bool {
        self.from <= other.to.shifted(TOGETHER) && other.from <= self.to.shifted(TOGETHER)
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }
}

/// The periods of one thing, in time order, disjoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Sightings {
    periods: Vec<Period>,
}

impl Sightings {
    /// Adds a period; in what order they are added does not matter while there are few.
    pub fn add(&mut self, mut period: Period) {
        // Nearly always the newest.
        let start = match self.periods.last_mut() {
            Some(last) if last.is_near(period) && last.from <= period.from => {
                *last = last.with(period);
                return;
            }
            Some(last) if last.to < period.from => self.periods.len(),
            _ => self
                .periods
                .partition_point(|p| p.to.shifted(TOGETHER) < period.from),
        };
        let mut end = start;
        while let Some(held) = self.periods.get(end).filter(|held| held.is_near(period)) {
            period = period.with(*held);
            end += 1;
        }
        self.periods.splice(start..end, [period]);
        if self.periods.len() > PERIODS {
            let gap = |i: &usize| self.periods[i + 1].from.since(self.periods[*i].to);
            if let Some(i) = (0..self.periods.len() - 1).min_by_key(gap) {
                self.periods[i] = self.periods[i].with(self.periods[i + 1]);
                self.periods.remove(i + 1);
            }
        }
    }

    pub fn merge(&mut self, other: Self) {
        other.periods.into_iter().for_each(|p| self.add(p));
    }

    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// From the first moment to the last.
    pub fn hull(&self) -> Option<Period> {
        self.periods.iter().copied().reduce(Period::with)
    }

    /// The same with every time corrected; a clock that stepped back may turn an order round.
    pub fn retimed(&self, correct: impl Fn(Timestamp) -> Timestamp + Copy) -> Self {
        let mut seen = Self::default();
        let periods = self.periods.iter();
        periods.for_each(|period| seen.add(period.retimed(correct)));
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minute: i64) -> Period {
        let moment = Timestamp(minute * 60_000_000_000);
        Period::new(moment, moment)
    }

    #[test]
    fn moments_within_ten_minutes_are_one_period() {
        let mut seen = Sightings::default();
        for minute in [40, 0, 10, 51, 9] {
            seen.add(at(minute));
        }
        let minutes = |p: &Period| (p.from.0 / 60_000_000_000, p.to.0 / 60_000_000_000);
        let periods: Vec<_> = seen.periods().iter().map(minutes).collect();
        assert_eq!(periods, [(0, 10), (40, 40), (51, 51)]);
    }

    proptest! {
        #[test]
        fn the_order_of_adding_is_not_seen(mut minutes in prop::collection::vec(0_i64..2_000, 0..60)) {
            let built = |minutes: &[i64]| {
                let mut seen = Sightings::default();
                minutes.iter().for_each(|m| seen.add(at(*m)));
                seen.periods().to_vec()
            };
            let first = built(&minutes);
            prop_assert!(first.windows(2).all(|w| w[0].to.shifted(TOGETHER) < w[1].from));
            minutes.reverse();
            prop_assert_eq!(&first, &built(&minutes));
            minutes.sort_unstable();
            prop_assert_eq!(&first, &built(&minutes));
        }

        #[test]
        fn however_many_there_are_few_are_kept(minutes in prop::collection::vec(0_i64..1_000_000, 0..400)) {
            let mut seen = Sightings::default();
            for minute in &minutes {
                seen.add(at(*minute));
                prop_assert!(seen.periods().len() <= PERIODS);
                prop_assert!(seen.periods().iter().any(|p| p.overlaps(at(*minute))));
            }
            prop_assert!(seen.periods().windows(2).all(|w| w[0].to < w[1].from));
        }
    }
}
