//! Maintenance windows: a span of the day in UTC, every day or on some days of the week.

use crate::model::Timestamp;
use std::fmt;

const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A window, to the minute, both ends included. One that passes midnight belongs to the day on
/// which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    days: [bool; 7],
    from: i64,
    to: i64,
}

impl Window {
    /// Reads `22:00-23:30`, `sun 01:00-05:00`, `mon-fri 22:00-02:00` or `sat,sun 00:00-23:59`.
    pub fn parse(text: &str) -> Option<Self> {
        let (days, hours) = match text.trim().rsplit_once(char::is_whitespace) {
            Some((days, hours)) => (days_of(days)?, hours),
            None => ([true; 7], text.trim()),
        };
        let (from, to) = hours.split_once('-')?;
        Some(Self {
            days,
            from: minute(from)?,
            to: minute(to)?,
        })
    }

    /// True if `time` lies inside.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.holds_minute(minute_of(time))
    }

    /// True if all that lies between two moments is inside, not only the moments.
    pub fn holds_all(&self, first: Timestamp, last: Timestamp) -> bool {
        let (first, last) = (minute_of(first), minute_of(last));
        // After a week it is the same again.
        (first..=last.min(first + WEEK)).all(|minute| self.holds_minute(minute))
    }

    fn holds_minute(&self, minute: i64) -> bool {
        // 1970-01-01 was a Thursday: three days after a Monday.
        let now = (minute + 3 * DAY).rem_euclid(WEEK);
        let length = (self.to - self.from).rem_euclid(DAY);
        (0..7_i64)
            .zip(self.days)
            .any(|(day, meant)| meant && (now - day * DAY - self.from).rem_euclid(WEEK) <= length)
    }
}

/// Whole minutes since 1970.
fn minute_of(time: Timestamp) -> i64 {
    time.0.div_euclid(60_000_000_000)
}

fn minute(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().trim_end_matches(['Z', 'z']).split_once(':')?;
    let two = |digits: &str| {
        let digits =
            Some(digits).filter(|d| d.len() == 2 && d.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse::<i64>().ok()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 60 + minute)
}

fn days_of(text: &str) -> Option<[bool; 7]> {
    let day = |name: &str| {
        DAYS.iter()
            .position(|d| d.eq_ignore_ascii_case(name.trim()))
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        let mut at = first;
        days[at] = true;
        while at != last {
            at = (at + 1) % 7;
            days[at] = true;
        }
    }
    Some(days)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != [true; 7] {
            let names: Vec<&str> = DAYS
                .iter()
                .zip(self.days)
                .filter_map(|(name, meant)| meant.then_some(*name))
                .collect();
            write!(f, "{} ", names.join(","))?;
        }
        let clock = |m: i64| format!("{:02}:{:02}", m / 60, m % 60);
        write!(f, "{}-{}", clock(self.from), clock(self.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_inside_only_if_all_of_it_is() {
        let all = |window: &str, first: &str, last: &str| {
            let at = |text| Timestamp::parse(text).unwrap();
            Window::parse(window)
                .unwrap()
                .holds_all(at(first), at(last))
        };
        let (early, late) = ("2026-03-02T06:01:00Z", "2026-03-02T21:59:30Z");
        let next = "2026-03-03T06:01:00Z";
        assert!(all("06:00-22:00", early, late));
        assert!(!all("06:00-22:00", late, next), "the night is not in it");
        assert!(all("00:00-23:59", late, next));
        assert!(all("21:00-07:00", late, next));
        assert!(!all("mon 00:00-23:59", late, next));
        assert!(all("00:00-23:59", early, "2036-03-03T06:01:00Z"));
    }

    fn holds(window: &str, time: &str) -> bool {
        Window::parse(window)
            .unwrap()
            .holds(Timestamp::parse(time).unwrap())
    }

    #[test]
    fn a_window_holds_its_days_and_hours_and_nothing_else() {
        // 2026-03-01 was a Sunday.
        assert!(holds("02:00-03:00", "2026-03-01T02:00:00Z"));
        assert!(holds("02:00-03:00", "2026-03-01T03:00:59Z"));
        assert!(!holds("02:00-03:00", "2026-03-01T03:01:00Z"));
        assert!(holds("sun 02:00-03:00", "2026-03-01T02:30:00Z"));
        assert!(!holds("mon-sat 02:00-03:00", "2026-03-01T02:30:00Z"));
        assert!(holds("sat-mon 02:00-03:00", "2026-03-01T02:30:00Z"));
        assert!(holds("wed,SUN 02:00Z-03:00Z", "2026-03-01T02:30:00Z"));
    }

    #[test]
    fn a_window_past_midnight_belongs_to_the_day_it_begins_on() {
        assert!(holds("sun 22:00-02:00", "2026-03-01T23:00:00Z"));
        assert!(holds("sun 22:00-02:00", "2026-03-02T01:59:00Z"));
        assert!(!holds("sun 22:00-02:00", "2026-03-01T01:00:00Z"));
        assert!(!holds("sun 22:00-02:00", "2026-03-02T23:00:00Z"));
    }

    #[test]
    fn what_is_no_window_is_none() {
        for text in [
            "",
            "02:00",
            "2-3",
            "24:00-25:00",
            "someday 02:00-03:00",
            "mon- 02:00-03:00",
            "+2:00-03:00",
        ] {
            assert_eq!(Window::parse(text), None, "{text}");
        }
        assert_eq!(
            Window::parse(" Fri-Sun  22:00Z-23:30 ")
                .unwrap()
                .to_string(),
            "fri,sat,sun 22:00-23:30"
        );
    }
}
