//! In which hours a log was written to: how long it is silent as a rule.
//!
//! Of the logs alone that Windows writes all the time; of any other, silence means nothing.

use super::log::Log;
use crate::model::Timestamp;

/// Hours held of one log, the latest: six weeks in which it was written to every hour.
const MOST: usize = 1_024;
const HOUR: i64 = 3_600_000_000_000;

/// The hours in which a log was written to, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours(Vec<i32>);

impl Hours {
    fn of(time: Timestamp) -> i32 {
        // Nanoseconds of an i64 are some five million hours at most.
        time.0.div_euclid(HOUR) as i32
    }

    pub(super) fn add(&mut self, time: Timestamp) {
        self.put(Self::of(time));
    }

    fn put(&mut self, hour: i32) {
        // Nearly always the newest.
        if self.0.last() == Some(&hour) {
            return;
        }
        if let Err(place) = self.0.binary_search(&hour) {
            self.0.insert(place, hour);
            if self.0.len() > MOST {
                self.0.remove(0);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|hour| self.put(*hour));
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many of them lie behind the hour of `time`.
    pub fn after(&self, time: Timestamp) -> usize {
        let hour = Self::of(time);
        self.0.len() - self.0.partition_point(|held| *held <= hour)
    }

    /// Hours within which the log was written to again, every time but at its end; `None` if it was
    /// written to in one hour only.
    pub fn longest_pause(&self) -> Option<usize> {
        let apart = |pair: &[i32]| pair[1].abs_diff(pair[0]) as usize + 1;
        self.0.windows(2).map(apart).max()
    }
}

/// The hours of the logs of one host that Windows writes all the time.
#[derive(Clone, Debug, Default)]
pub(super) struct Steady {
    security: Hours,
    sysmon: Hours,
}

impl Steady {
    pub fn of(&self, log: Log) -> Option<&Hours> {
        match log {
            Log::Security => Some(&self.security),
            Log::Sysmon => Some(&self.sysmon),
            _ => None,
        }
    }

    pub fn add(&mut self, log: Log, time: Timestamp) {
        match log {
            Log::Security => self.security.add(time),
            Log::Sysmon => self.sysmon.add(time),
            _ => {}
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.security.merge(&other.security);
        self.sysmon.merge(&other.sysmon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hours: impl IntoIterator<Item = i64>) -> Hours {
        let mut all = Hours::default();
        for hour in hours {
            all.add(Timestamp(hour * HOUR + 59 * 60_000_000_000));
            all.add(Timestamp(hour * HOUR));
        }
        all
    }

    #[test]
    fn the_longest_pause_is_never_told_too_short() {
        let hours = of([7, 1, 2, 4, 2]);
        assert_eq!(hours.count(), 4);
        // From the begin of hour 4 to the end of hour 7 lie four hours.
        assert_eq!(hours.longest_pause(), Some(4));
        assert_eq!(of([5]).longest_pause(), None);
        assert_eq!(of([-1, 0]).longest_pause(), Some(2));
        assert_eq!(hours.after(Timestamp(4 * HOUR + 1)), 1);
        assert_eq!(hours.after(Timestamp(0)), 4);
    }

    #[test]
    fn the_latest_hours_are_kept_in_whatever_order_they_come() {
        let all = MOST as i64 + 3;
        let (up, down) = (of(0..all), of((0..all).rev()));
        assert_eq!(up, down);
        assert_eq!((up.count(), up.0[0]), (MOST, 3));
        let (mut early, mut late) = (of(0..all), of(all..all + 9));
        let merged = {
            let mut late = late.clone();
            late.merge(&early);
            late
        };
        early.merge(&late);
        assert_eq!(early, merged);
        assert_eq!((early.count(), early.0[0]), (MOST, 12));
        late.merge(&of([2]));
        assert_eq!(late.0[0], 2);
    }
}
