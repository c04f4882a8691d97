//! In which minutes a host's event logs were written to: whether they go on while, by what they say
//! about themselves, nothing could be written.

use crate::model::{Span, Timestamp};

/// Hours held, the latest: six weeks in which something was written every hour.
const MOST: usize = 1_024;
const MINUTE: i64 = 60_000_000_000;
const IN_AN_HOUR: i64 = 60;

/// The minutes in which a log was written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Minutes {
    // Hours since 1970 in order, and a bit for each of their minutes.
    hours: Vec<(i32, u64)>,
}

impl Minutes {
    pub fn add(&mut self, time: Timestamp) {
        let minute = time.0.div_euclid(MINUTE);
        // Nanoseconds of an i64 are some five million hours at most.
        let hour = minute.div_euclid(IN_AN_HOUR) as i32;
        self.put(hour, 1 << minute.rem_euclid(IN_AN_HOUR));
    }

    fn put(&mut self, hour: i32, bits: u64) {
        // Nearly always the newest.
        if let Some((last, held)) = self.hours.last_mut()
            && *last == hour
        {
            *held |= bits;
            return;
        }
        match self.hours.binary_search_by_key(&hour, |(hour, _)| *hour) {
            Ok(place) => self.hours[place].1 |= bits,
            Err(place) => {
                self.hours.insert(place, (hour, bits));
                if self.hours.len() > MOST {
                    self.hours.remove(0);
                }
            }
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (hour, bits) in &other.hours {
            self.put(*hour, *bits);
        }
    }

    /// The end of the first minute that lies between `from` and `to` as a whole and in which something
    /// was written.
    pub fn first_within(&self, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
        let first = from.0.div_euclid(MINUTE.saturating_mul(IN_AN_HOUR));
        let begin = self
            .hours
            .partition_point(|(hour, _)| i64::from(*hour) < first);
        self.hours[begin..]
            .iter()
            .flat_map(|(hour, bits)| {
                (0..IN_AN_HOUR)
                    .filter(move |minute| bits >> minute & 1 == 1)
                    .map(move |minute| Timestamp((i64::from(*hour) * IN_AN_HOUR + minute) * MINUTE))
            })
            .find(|begin| *begin >= from)
            .map(|begin| begin.shifted(Span(MINUTE)))
            .filter(|end| *end <= to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000_000)
    }

    #[test]
    fn a_minute_counts_where_it_lies_within_as_a_whole() {
        let mut minutes = Minutes::default();
        [59, 130, 4_000, -1]
            .into_iter()
            .for_each(|second| minutes.add(at(second)));
        assert_eq!(minutes.first_within(at(0), at(60)), Some(at(60)));
        assert_eq!(minutes.first_within(at(1), at(9_000)), Some(at(180)));
        assert_eq!(minutes.first_within(at(1), at(179)), None);
        assert_eq!(minutes.first_within(at(121), at(9_000)), Some(at(4_020)));
        assert_eq!(minutes.first_within(at(-60), at(0)), Some(at(0)));
        assert_eq!(minutes.first_within(at(4_000), at(9_000)), None);
    }

    #[test]
    fn the_latest_hours_are_kept_in_whatever_order_they_come() {
        let all = MOST as i64 + 3;
        let of = |hours: &mut dyn Iterator<Item = i64>| {
            let mut minutes = Minutes::default();
            hours.for_each(|hour| minutes.add(at(hour * 3_600 + 61)));
            minutes
        };
        let (up, down) = (of(&mut (0..all)), of(&mut (0..all).rev()));
        assert_eq!(up, down);
        assert_eq!((up.hours.len(), up.hours[0]), (MOST, (3, 2)));
        let (mut one, mut other) = (of(&mut (0..700)), of(&mut (600..all)));
        let held = one.clone();
        one.merge(&other);
        other.merge(&held);
        assert_eq!((&one, &other), (&up, &up));
    }
}
