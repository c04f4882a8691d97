//! Moments and spans, in whole nanoseconds.
//!
//! FILETIME (100 ns) and the finest pcapng resolution in use (1 ns) both fit exactly. Nothing here
//! knows the wall clock or a local time zone: every moment is UTC.

use serde::{Deserialize, Serialize};
use std::fmt;

const SECOND: i64 = 1_000_000_000;
/// 100 ns intervals between 1601-01-01 (FILETIME zero) and 1970-01-01.
const FILETIME_UNIX_EPOCH: i128 = 116_444_736_000_000_000;

/// A moment: nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// The range is 1677 to 2262; constructors return `None` outside it, never a wrapped value.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
pub struct Timestamp(pub i64);

/// A signed length of time in nanoseconds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
pub struct Span(pub i64);

impl Timestamp {
    /// The earliest moment that can be held.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest moment that can be held.
    pub const MAX: Self = Self(i64::MAX);

    /// From seconds and nanoseconds since the epoch.
    pub fn from_unix(seconds: i64, nanos: u32) -> Option<Self> {
        Self::from_nanos_wide(i128::from(seconds) * i128::from(SECOND) + i128::from(nanos))
    }

    /// From a wide count of nanoseconds since the epoch.
    pub fn from_nanos_wide(nanos: i128) -> Option<Self> {
        i64::try_from(nanos).ok().map(Self)
    }

    /// From a Windows FILETIME: 100 ns intervals since 1601-01-01 UTC (MS-DTYP 2.3.3).
    pub fn from_filetime(intervals: u64) -> Option<Self> {
        Self::from_nanos_wide((i128::from(intervals) - FILETIME_UNIX_EPOCH) * 100)
    }

    /// As a Windows FILETIME; 0 for moments before 1601.
    pub fn to_filetime(self) -> u64 {
        u64::try_from(i128::from(self.0).div_euclid(100) + FILETIME_UNIX_EPOCH).unwrap_or(0)
    }

    /// This moment moved by `span`, held at the ends of the range.
    pub fn shifted(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// How long after `earlier` this is; negative if it is before.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Reads `2026-03-14T02:11:07.104Z`, the same with a space for the `T` and no zone (UTC), a
    /// zone of the form `+02:00`, or a date alone (midnight UTC).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        plain(text).or_else(|| Self::parse_any(text))
    }

    fn parse_any(text: &str) -> Option<Self> {
        if let Ok(when) = chrono::DateTime::parse_from_rfc3339(text) {
            return when.timestamp_nanos_opt().map(Self);
        }
        // An offset without a colon, as ISO 8601 allows and RFC 3339 does not.
        if let Ok(when) = chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
            return when.timestamp_nanos_opt().map(Self);
        }
        for form in [
            "%Y-%m-%d %H:%M:%S%.f",
            "%Y-%m-%dT%H:%M:%S%.f",
            "%Y-%m-%dT%H:%MZ",
            "%Y-%m-%d %H:%M",
            "%Y-%m-%dT%H:%M",
        ] {
            let bare = if form.ends_with('Z') {
                text
            } else {
                text.strip_suffix('Z').unwrap_or(text)
            };
            if let Ok(when) = chrono::NaiveDateTime::parse_from_str(bare, form) {
                return when.and_utc().timestamp_nanos_opt().map(Self);
            }
        }
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        day.and_hms_opt(0, 0, 0)?
            .and_utc()
            .timestamp_nanos_opt()
            .map(Self)
    }

    fn civil(self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp_nanos(self.0)
    }

    /// `2026-03-14T02:11:07.104233000Z`: always nine digits, so that text order is time order.
    pub fn rfc3339(self) -> String {
        self.civil()
            .to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
    }

    /// `2026-03-14`.
    pub fn date(self) -> String {
        self.civil().date_naive().to_string()
    }

    /// `02:11:07.104` with `digits` (0 to 9) fractional digits, cut, not rounded: a rounded time
    /// could print as later than an event that followed it.
    pub fn clock(self, digits: usize) -> String {
        let full = self.rfc3339();
        let end = if digits == 0 { 19 } else { 20 + digits.min(9) };
        let start = full.find('T').map_or(0, |t| t + 1);
        full.get(start..end + start - 11)
            .unwrap_or(&full[start..])
            .to_owned()
    }
}

/// Reads `2026-03-14 02:11:07.104`, with `T` for the space or `Z` behind it, as records have it by
/// the hundred thousand; `None` for every other form, and for moments that call for a closer look.
fn plain(text: &str) -> Option<Timestamp> {
    let bytes = text.strip_suffix('Z').unwrap_or(text).as_bytes();
    let (clock, fraction) = match bytes.get(19) {
        None => (bytes, &[][..]),
        Some(b'.') => (&bytes[..19], &bytes[20..]),
        Some(_) => return None,
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_u32, |n, digit| {
            digit
                .is_ascii_digit()
                .then(|| n * 10 + u32::from(digit - b'0'))
        })
    };
    let [
        y @ ..,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b' ' | b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = clock
    else {
        return None;
    };
    if y.len() != 4 || fraction.len() > 9 || bytes.len() == 20 {
        return None;
    }
    let year = i32::try_from(number(y)?).ok()?;
    let two = |a: &u8, b: &u8| number(&[*a, *b]);
    let day = chrono::NaiveDate::from_ymd_opt(year, two(m1, m2)?, two(d1, d2)?)?;
    let nanos = number(fraction)? * 10_u32.pow(9 - fraction.len() as u32);
    day.and_hms_nano_opt(two(h1, h2)?, two(n1, n2)?, two(s1, s2)?, nanos)?
        .and_utc()
        .timestamp_nanos_opt()
        .map(Timestamp)
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Whole seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// Whole milliseconds.
    pub const fn millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The sum, held at the ends of the range.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The same length in the other direction.
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// The length without its sign.
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// In seconds, for statistics only: comparisons use the whole number.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }

    /// Reads `25s`, `1.5s`, `500ms`, `10m`, `24h`, `14d`, `250us`, `10ns`, or a bare number of
    /// seconds; a leading `+` or `-` is allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let split = text
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let scale: i128 = match unit.trim() {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" | "" => 1_000_000_000,
            "m" | "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return None,
        };
        let number = number.trim();
        let (sign, digits) = match number.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() || whole.len() > 15 || fraction.len() > 9 {
            return None;
        }
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse::<u64>().ok()?.into()
        };
        let mut value = whole * scale;
        if !fraction.is_empty() {
            let numerator: i128 = fraction.parse::<u64>().ok()?.into();
            value += numerator * scale / 10_i128.pow(fraction.len() as u32);
        }
        i64::try_from(sign * value).ok().map(Self)
    }

    /// `1.401 s`, with three digits, or six or nine where three would show zero or hide the value.
    pub fn in_words(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let total = self.0.unsigned_abs();
        let (whole, nanos) = (total / 1_000_000_000, total % 1_000_000_000);
        if nanos == 0 {
            format!("{sign}{whole} s")
        } else if nanos % 1_000 != 0 && total < 1_000 {
            format!("{sign}{total} ns")
        } else if total < 1_000_000 {
            format!("{sign}{whole}.{:06} s", nanos / 1_000)
        } else {
            format!("{sign}{whole}.{:03} s", nanos / 1_000_000)
        }
    }
}

impl Span {
    /// `45 s`, `16 min`, `2 h 05 min`, `3 d 4 h`: for lengths whose seconds do not matter. Cut, not
    /// rounded; the sign is dropped.
    pub fn roughly(self) -> String {
        let seconds = self.0.unsigned_abs() / 1_000_000_000;
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        match (minutes, hours, days) {
            (0 | 1, ..) => format!("{seconds} s"),
            (_, 0, _) => format!("{minutes} min"),
            (_, _, 0) => format!("{hours} h {:02} min", minutes % 60),
            _ => format!("{days} d {} h", hours % 24),
        }
    }
}

impl Span {
    /// For people: to the millisecond below an hour, from there on roughly.
    pub fn told(self) -> String {
        if self.0.unsigned_abs() < 3_600_000_000_000 {
            self.in_words()
        } else {
            self.roughly()
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filetime_and_text_name_the_same_moment() {
        let when = Timestamp::from_filetime(132_477_984_000_000_000).unwrap();
        assert_eq!(when.rfc3339(), "2020-10-22T00:00:00.000000000Z");
        assert_eq!(Timestamp::parse("2020-10-22"), Some(when));
        assert_eq!(Timestamp::parse("2020-10-22 00:00:00.000"), Some(when));
        assert_eq!(Timestamp::parse("2020-10-22T02:00:00+02:00"), Some(when));
        assert_eq!(when.to_filetime(), 132_477_984_000_000_000);
    }

    #[test]
    fn a_long_span_is_told_roughly() {
        assert_eq!(Span::millis(134_803).told(), "134.803 s");
        assert_eq!(Span::millis(3_599_999).told(), "3599.999 s");
        assert_eq!(Span::millis(1_007_644_471).told(), "11 d 15 h");
    }

    #[test]
    fn the_plain_form_is_read_as_any_other() {
        let plain_forms = [
            "2026-03-14 02:11:07",
            "2026-03-14 02:11:07.1",
            "2026-03-14 02:11:07.104",
            "2026-03-14T02:11:07.104233001Z",
            "2024-02-29T23:59:59.999999999",
            "1677-09-22T00:00:00Z",
        ];
        for text in plain_forms {
            assert!(plain(text).is_some(), "{text}");
            assert_eq!(plain(text), Timestamp::parse_any(text), "{text}");
        }
        let others = [
            "2026-03-14",
            "2026-03-14 02:11",
            "2026-03-14 02:11:07.",
            "2026-03-14 02:11:07.1042330019",
            "2026-03-14 02:11:60",
            "2026-03-14 24:11:07",
            "2026-02-29 02:11:07",
            "2026-03-14T02:11:07+02:00",
            "2026-03-14 02:11:07 ",
            "26-03-14 02:11:07.104",
            "+026-03-14 02:11:07",
            "2026/03/14 02:11:07",
            "2026-03-14 02:11:07ZZ",
            "1600-01-01 00:00:00",
            "2026-03-14 02:11:0\u{661}",
            "",
        ];
        for text in others {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn clock_cuts_and_never_rounds_up() {
        let when = Timestamp::parse("2026-03-14T02:11:07.999999999Z").unwrap();
        assert_eq!(when.clock(3), "02:11:07.999");
        assert_eq!(when.clock(0), "02:11:07");
        assert_eq!(when.clock(9), "02:11:07.999999999");
        assert_eq!(when.date(), "2026-03-14");
    }

    #[test]
    fn spans_read_what_people_write() {
        for (text, nanos) in [
            ("25s", 25_000_000_000),
            ("-1.842s", -1_842_000_000),
            ("+1.8s", 1_800_000_000),
            ("500ms", 500_000_000),
            ("2m", 120_000_000_000),
            ("300", 300_000_000_000),
            ("1.000001s", 1_000_001_000),
        ] {
            assert_eq!(Span::parse(text), Some(Span(nanos)), "{text}");
        }
        for text in ["", "s", "1x", "1..2s", "--3s", "99999999999999999999s"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_length_is_told_in_its_two_largest_units() {
        for (seconds, words) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (3599, "59 min"),
            (7500, "2 h 05 min"),
            (86_400 * 3 + 4 * 3600, "3 d 4 h"),
            (-45, "45 s"),
        ] {
            assert_eq!(Span::seconds(seconds).roughly(), words);
        }
        assert_eq!(Span(i64::MIN).roughly(), "106751 d 23 h");
    }

    #[test]
    fn a_moment_outside_the_range_is_none_not_another_moment() {
        assert_eq!(Timestamp::from_unix(i64::MAX, 0), None);
        assert_eq!(Timestamp::from_filetime(u64::MAX), None);
    }
}
