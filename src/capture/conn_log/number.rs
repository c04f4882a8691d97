//! Times and lengths as Zeek and those behind it write them.

use crate::model::{Span, Timestamp};

/// Seconds since 1970, digit by digit, or the ISO 8601 that Zeek can be told to write. Zeek ends that
/// with a `Z`; a time without a zone was made by somebody else, and is refused.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    match text.contains('T') {
        true if without_zone(text) => None,
        true => Timestamp::parse(text),
        false => length(text).map(|since| Timestamp(since.0)),
    }
}

/// True for a date and a time of day of which nobody says where it is that late.
pub(super) fn without_zone(text: &str) -> bool {
    let clock = text.split_once('T').map(|(_, clock)| clock.trim_end());
    clock.is_some_and(|clock| !clock.ends_with('Z') && !clock.contains(['+', '-']))
}

/// Seconds, with a fraction or a power of ten: `9.05e-06` is how JSON writers put nine microseconds.
/// What is below a nanosecond is left out.
pub(super) fn length(text: &str) -> Option<Span> {
    let (number, power) = match text.split_once(['e', 'E']) {
        Some((number, power)) => (number, power.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // Digits that stand before the point once it is moved to nanoseconds.
    let before = i64::try_from(whole.len()).ok()? + i64::from(power) + 9;
    let before = usize::try_from(before).unwrap_or(0);
    let mut nanos = 0_i64;
    for digit in digits()
        .chain(std::iter::repeat(b'0'))
        .take(before.min(MOST_DIGITS))
    {
        nanos = nanos
            .checked_mul(10)?
            .checked_add(i64::from(digit - b'0'))?;
    }
    (before <= MOST_DIGITS).then_some(Span(nanos))
}

/// More digits than these, leading zeros included, are no time.
const MOST_DIGITS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_ten_moves_the_point() {
        let nanos = |text| length(text).map(|span| span.0);
        assert_eq!(nanos("9.5367431640625e-07"), Some(953));
        assert_eq!(nanos("9.059906005859375e-06"), Some(9_059));
        assert_eq!(nanos("5e-324"), Some(0));
        assert_eq!(nanos("1.5E3"), Some(1_500_000_000_000));
        assert_eq!(nanos("1e+2"), Some(100_000_000_000));
        assert_eq!(
            moment("1.692161622036086e9"),
            Some(Timestamp(1_692_161_622_036_086_000))
        );
    }

    #[test]
    fn digits_are_read_as_they_stand() {
        let nanos = |text| length(text).map(|span| span.0);
        assert_eq!(nanos("1692161622.036086"), Some(1_692_161_622_036_086_000));
        assert_eq!(nanos("3"), Some(3_000_000_000));
        assert_eq!(nanos("0.000001"), Some(1_000));
        assert_eq!(nanos("0.1234567899"), Some(123_456_789));
        for text in [
            "",
            "-",
            "-1.5",
            ".",
            "1.x",
            "1e",
            "1e99",
            "99999999999999",
            "1.5e1.5",
        ] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_needs_a_zone() {
        let at = Timestamp(1_692_161_622_036_086_000);
        assert_eq!(moment("2023-08-16T04:53:42.036086Z"), Some(at));
        assert_eq!(moment("2023-08-16T06:53:42.036086+02:00"), Some(at));
        assert_eq!(moment("2023-08-16T00:53:42.036086-0400"), Some(at));
        assert_eq!(moment("2023-08-16T04:53:42.036086"), None);
        assert!(without_zone("2023-08-16T04:53:42") && !without_zone("2023-08-16T04:53:42Z"));
        assert!(!without_zone("1692161622.036086"));
    }
}
