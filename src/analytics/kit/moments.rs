//! Times in the rows of a table.

use crate::model::{Span, Timestamp};

/// How to write the times of a table with `digits` fractional digits: with the date, unless all of
/// them are of one UTC day.
pub fn clocks(
    times: impl IntoIterator<Item = Timestamp>,
    digits: usize,
) -> impl Fn(Timestamp) -> String {
    let day = |time: Timestamp| time.0.div_euclid(Span::seconds(86_400).0);
    let mut times = times.into_iter().map(day);
    let first = times.next();
    let one = times.all(|day| Some(day) == first);
    move |time| match one {
        true => time.clock(digits),
        false => format!("{} {}", time.date(), time.clock(digits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_two_days_have_the_date() {
        let at = |hour: i64| Timestamp(hour * 3_600 * 1_000_000_000);
        let told = |hours: &[i64]| clocks(hours.iter().map(|hour| at(*hour)), 0)(at(23));
        assert_eq!(told(&[22, 23]), "23:00:00");
        assert_eq!(told(&[23, 24]), "1970-01-01 23:00:00");
    }
}
