//! Moments as nanoseconds since 1970, with the few forms the writers need.
//!
//! It does no time zones and no locale: a story's times are UTC.

use std::fmt;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: i64 = 1_000_000;
/// 100 ns intervals between 1601-01-01 (FILETIME zero) and 1970-01-01.
const FILETIME_UNIX_EPOCH: i64 = 116_444_736_000_000_000;

/// A moment: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// Midnight UTC of a civil date; `None` if there is no such date between 1900 and 2200.
    pub fn of_date(year: i64, month: i64, day: i64) -> Option<Self> {
        if !(1900..=2200).contains(&year) || !(1..=12).contains(&month) || day < 1 {
            return None;
        }
        let moment = Self(days_from_civil(year, month, day) * 86_400 * SECOND);
        // A day past the end of its month comes back as another date.
        (moment.civil() == (year, month, day)).then_some(moment)
    }

    /// Reads `2026-03-01`.
    pub fn parse_date(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
        let date = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(())?;
        Self::of_date(date.0, date.1, date.2)
    }

    /// This moment moved by `nanos`.
    pub fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// As a Windows FILETIME: 100 ns intervals since 1601-01-01 (MS-DTYP 2.3.3).
    pub fn filetime(self) -> u64 {
        u64::try_from(self.0.div_euclid(100) + FILETIME_UNIX_EPOCH).unwrap_or(0)
    }

    /// The moment a FILETIME names.
    pub fn from_filetime(intervals: u64) -> Self {
        Self(
            (i64::try_from(intervals).unwrap_or(i64::MAX) - FILETIME_UNIX_EPOCH)
                .saturating_mul(100),
        )
    }

    /// Whole seconds since 1970, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Nanoseconds past the second.
    pub fn nanos(self) -> u32 {
        u32::try_from(self.0.rem_euclid(SECOND)).unwrap_or(0)
    }

    /// Year, month and day.
    pub fn civil(self) -> (i64, i64, i64) {
        civil_from_days(self.seconds().div_euclid(86_400))
    }

    /// `2026-03-01T02:11:09.1234567Z`: seven digits, as Windows renders a FILETIME.
    pub fn iso(self) -> String {
        let (year, month, day) = self.civil();
        let (h, m, s) = self.clock();
        format!(
            "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{:07}Z",
            self.nanos() / 100
        )
    }

    /// `2026-03-01 02:11:09.123`: Sysmon's UtcTime.
    pub fn sysmon(self) -> String {
        let (year, month, day) = self.civil();
        let (h, m, s) = self.clock();
        format!(
            "{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}.{:03}",
            self.nanos() / 1_000_000
        )
    }

    fn clock(self) -> (i64, i64, i64) {
        let second = self.seconds().rem_euclid(86_400);
        (second / 3600, second / 60 % 60, second % 60)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

/// Days since 1970-01-01 of a date in the Gregorian calendar (H. Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 {
        month_shifted + 3
    } else {
        month_shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_reads_back_and_renders_as_windows_does() {
        let day = Moment::parse_date("2026-03-01").unwrap();
        assert_eq!(day.civil(), (2026, 3, 1));
        assert_eq!(
            day.plus(SECOND + 123_456_789).iso(),
            "2026-03-01T00:00:01.1234567Z"
        );
        assert_eq!(
            day.plus(SECOND + 123_456_789).sysmon(),
            "2026-03-01 00:00:01.123"
        );
        assert_eq!(
            Moment::parse_date("2024-02-29").unwrap().civil(),
            (2024, 2, 29)
        );
        assert_eq!(Moment::parse_date("2026-02-29"), None);
        assert_eq!(Moment::parse_date("2026-02"), None);
    }

    #[test]
    fn the_unix_epoch_is_its_known_filetime() {
        assert_eq!(Moment(0).filetime(), 116_444_736_000_000_000);
        assert_eq!(Moment::from_filetime(116_444_736_000_000_001), Moment(100));
    }
}
