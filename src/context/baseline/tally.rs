//! How often something happened, in a form that can be asked as of any moment.
//!
//! A tally never over-counts: what it says of the time before a moment happened before it. The
//! first few occurrences are kept to the nanosecond, all of them by UTC day.

use crate::model::{Span, Timestamp};

/// A UTC day: whole days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

const DAY: i64 = 86_400_000_000_000;

impl Day {
    /// The day `time` lies in.
    pub fn of(time: Timestamp) -> Self {
        // 2^63 ns are 106,752 days, so this holds.
        Self(time.0.div_euclid(DAY) as i32)
    }

    /// Its midnight.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0).saturating_mul(DAY))
    }

    /// The midnight that ends it.
    pub fn end(self) -> Timestamp {
        self.start().shifted(Span(DAY))
    }

    /// `2026-03-01`.
    pub fn text(self) -> String {
        self.start().date()
    }
}

/// Occurrences kept to the nanosecond.
const EXACT: usize = 32;
/// Days one tally tells apart; occurrences on further days are left out, so it under-counts.
const DAYS: usize = 400;

/// A count that knows when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    // The earliest, in order.
    exact: Vec<Timestamp>,
    // By day, in order.
    days: Vec<(Day, u64)>,
    last: Option<Timestamp>,
}

impl Tally {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self {
            exact: Vec::new(),
            days: Vec::new(),
            last: None,
        }
    }

    /// Counts one occurrence; they may come in any order.
    pub fn add(&mut self, time: Timestamp) {
        self.add_exact(time);
        self.add_day(Day::of(time), 1);
        self.last = self.last.max(Some(time));
    }

    /// Counts `n` occurrences of a day whose hours are not known any more, the first at `first`.
    pub(super) fn add_known(
        &mut self,
        first: Timestamp,
        last: Timestamp,
        days: impl IntoIterator<Item = (Day, u64)>,
    ) {
        self.add_exact(first);
        for (day, n) in days {
            self.add_day(day, n);
        }
        self.last = self.last.max(Some(last));
    }

    fn add_exact(&mut self, time: Timestamp) {
        // Nearly every one comes after those held; asked without looking at them.
        if self.exact.len() == EXACT && self.last.is_some_and(|last| last <= time) {
            return;
        }
        if self.exact.len() < EXACT || self.exact.last().is_some_and(|last| time < *last) {
            let at = self.exact.partition_point(|held| *held <= time);
            self.exact.insert(at, time);
            self.exact.truncate(EXACT);
        }
    }

    fn add_day(&mut self, day: Day, n: u64) {
        match self.days.binary_search_by_key(&day, |(held, _)| *held) {
            Ok(at) => self.days[at].1 = self.days[at].1.saturating_add(n),
            Err(at) if self.days.len() < DAYS => {
                // Most are of one day.
                if self.days.is_empty() {
                    self.days.reserve_exact(1);
                }
                self.days.insert(at, (day, n));
            }
            Err(_) => {}
        }
    }

    /// Takes over another tally of the same thing.
    pub fn merge(&mut self, other: &Self) {
        for time in &other.exact {
            self.add_exact(*time);
        }
        for (day, n) in &other.days {
            self.add_day(*day, *n);
        }
        self.last = self.last.max(other.last);
    }

    /// How often before `time`, at least; exact up to 32, whole days beyond.
    pub fn before(&self, time: Timestamp) -> u64 {
        let exact = self.exact.partition_point(|held| *held < time) as u64;
        let today = Day::of(time);
        let whole: u64 = self
            .days
            .iter()
            .take_while(|(day, _)| *day < today)
            .map(|(_, n)| n)
            .sum();
        exact.max(whole)
    }

    /// On how many days before the one `time` lies in.
    pub fn days_before(&self, time: Timestamp) -> u64 {
        let today = Day::of(time);
        self.days.iter().take_while(|(day, _)| *day < today).count() as u64
    }

    /// The first occurrence, if it was before `time`.
    pub fn first_before(&self, time: Timestamp) -> Option<Timestamp> {
        self.first().filter(|first| *first < time)
    }

    /// The first occurrence.
    pub fn first(&self) -> Option<Timestamp> {
        self.exact.first().copied()
    }

    /// The last occurrence.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// How often in all.
    pub fn total(&self) -> u64 {
        self.days.iter().map(|(_, n)| n).sum()
    }

    /// How often on each day, in order.
    pub fn days(&self) -> &[(Day, u64)] {
        &self.days
    }

    /// Moves the moments onto another clock. Days stay those of the clock that recorded them.
    pub(super) fn retime(&mut self, correct: &dyn Fn(Timestamp) -> Timestamp) {
        self.exact
            .iter_mut()
            .for_each(|time| *time = correct(*time));
        self.exact.sort_unstable();
        // The last on the old clock need not be the last on the new one.
        self.last = self.last.map(correct).max(self.exact.last().copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_tally_counts_what_was_before_and_nothing_after() {
        let mut tally = Tally::default();
        for hour in 0..10 {
            tally.add(at("2026-03-01").shifted(Span::seconds(3_600 * hour)));
        }
        assert_eq!(tally.before(at("2026-03-01T00:00:00Z")), 0);
        assert_eq!(tally.before(at("2026-03-01T03:00:00Z")), 3);
        assert_eq!(tally.before(at("2026-03-02T00:00:00Z")), 10);
        assert_eq!(tally.days_before(at("2026-03-01T23:00:00Z")), 0);
        assert_eq!(tally.days_before(at("2026-03-02T00:00:00Z")), 1);
    }

    proptest! {
        #[test]
        fn a_tally_never_counts_the_future_and_merges_in_any_order(
            times in proptest::collection::vec(0_i64..20 * DAY, 0..200),
            asked in 0_i64..20 * DAY,
            cut in 0_usize..200,
        ) {
            let cut = cut.min(times.len());
            let of = |times: &[i64]| {
                let mut tally = Tally::default();
                times.iter().for_each(|t| tally.add(Timestamp(*t)));
                tally
            };
            let whole = of(&times);
            let (mut ab, mut ba) = (of(&times[..cut]), of(&times[cut..]));
            let b = ba.clone();
            ba.merge(&ab);
            ab.merge(&b);
            prop_assert_eq!(&ab, &ba);
            prop_assert_eq!(&ab, &whole);
            let truth = times.iter().filter(|t| **t < asked).count() as u64;
            prop_assert!(whole.before(Timestamp(asked)) <= truth);
            prop_assert_eq!(whole.total(), times.len() as u64);
        }
    }
}
