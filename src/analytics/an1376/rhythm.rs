//! How regular a series of contacts is: the dispersion and skew of its intervals, as RITA scores
//! beacons (`activecm/rita`, analysis/beacons.go: `getTimestampScore`).
//!
//! Only the score of times is made here; RITA's histogram and duration scores need whole days. RITA
//! sees hundreds of connections; of a few dozen, jitter alone makes quartiles lopsided, so a skew
//! counts only beyond its standard error.

use crate::model::{Span, Timestamp};

/// The rhythm of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    /// Contacts it rests on.
    pub contacts: usize,
    /// Median interval.
    pub median: Span,
    /// Median absolute deviation of the intervals from their median.
    pub deviation: Span,
    /// Bowley skewness of the intervals, -1 to 1; 0 where the quartiles lie within 10 s.
    pub skew: f64,
    /// 0 to 1: the mean of (1 - |skew|) and (median - deviation) / median, where the skew counts as
    /// far as it is larger than chance makes it.
    pub score: f64,
}

/// The rhythm of contacts at these times, in order; `None` with fewer than `least` of them or fewer
/// than three intervals that are not zero.
pub fn rhythm(times: &[Timestamp], least: usize) -> Option<Rhythm> {
    if times.len() < least.max(4) {
        return None;
    }
    let mut gaps: Vec<i64> = times
        .windows(2)
        .map(|pair| pair[1].since(pair[0]).0)
        .filter(|gap| *gap > 0)
        .collect();
    if gaps.len() < 3 {
        return None;
    }
    gaps.sort_unstable();
    let [low, median, high] = quartiles(&gaps);
    let mut off: Vec<i64> = gaps
        .iter()
        .map(|gap| (*gap as f64 - median).abs() as i64)
        .collect();
    off.sort_unstable();
    let deviation = middle(&off);
    let spread = high - low;
    // RITA counts in seconds and takes a spread below ten of them for none.
    let skew = if spread >= 10e9 && median != low && median != high {
        (high + low - 2.0 * median) / spread
    } else {
        0.0
    };
    // The standard error of Bowley's skewness over n values of a normal population; with fewer than
    // two values in each quarter there are no quartiles to speak of.
    let error = if gaps.len() >= 8 {
        1.84 / (gaps.len() as f64).sqrt()
    } else {
        0.0
    };
    let lopsided = (skew.abs() - error).max(0.0);
    let steady = ((median - deviation) / median).clamp(0.0, 1.0);
    Some(Rhythm {
        contacts: times.len(),
        median: Span(median as i64),
        deviation: Span(deviation as i64),
        skew,
        score: (1.0 - lopsided + steady) / 2.0,
    })
}

/// Median of a sorted series that is not empty.
fn middle(sorted: &[i64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[half] as f64
    } else {
        (sorted[half - 1] as f64 + sorted[half] as f64) / 2.0
    }
}

/// Quartiles as medians of the halves; the middle value of an odd series is in neither.
fn quartiles(sorted: &[i64]) -> [f64; 3] {
    let half = sorted.len() / 2;
    let upper = half + sorted.len() % 2;
    [
        middle(&sorted[..half]),
        middle(sorted),
        middle(&sorted[upper..]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: &[f64]) -> Vec<Timestamp> {
        seconds
            .iter()
            .map(|s| Timestamp((s * 1e9) as i64))
            .collect()
    }

    #[test]
    fn a_clock_scores_one_and_chance_scores_low() {
        let clock = at(&[0.0, 60.0, 120.0, 180.0, 240.0]);
        let beat = rhythm(&clock, 4).unwrap();
        assert_eq!((beat.median, beat.score), (Span::seconds(60), 1.0));
        let chance = at(&[0.0, 1.0, 90.0, 95.0, 400.0, 401.0, 700.0]);
        assert!(rhythm(&chance, 4).unwrap().score < 0.75);
    }

    #[test]
    fn jitter_of_a_fifth_is_still_a_beacon() {
        let jittered = at(&[0.0, 60.0, 112.0, 180.0, 234.0, 300.0, 371.0]);
        assert!(rhythm(&jittered, 4).unwrap().score > 0.75);
    }

    #[test]
    fn of_few_contacts_a_skew_that_chance_makes_does_not_count() {
        // Jitter of a fifth around five minutes, by a fixed sequence.
        let gaps = [
            262.0, 283.0, 341.0, 259.0, 277.0, 355.0, 281.0, 246.0, 333.0, 271.0, 290.0,
        ];
        let mut times = vec![0.0];
        for gap in gaps {
            times.push(times.last().copied().unwrap_or_default() + gap);
        }
        let beat = rhythm(&at(&times), 4).unwrap();
        assert!(beat.skew > 0.4 && beat.score > 0.9, "{beat:?}");
        // Visits of a person: no skew is needed to see that these have no rhythm.
        let visits = at(&[
            0.0, 4.0, 9.0, 130.0, 133.0, 600.0, 604.0, 640.0, 1_900.0, 1_903.0, 1_911.0,
        ]);
        assert!(rhythm(&visits, 4).unwrap().score < 0.75);
    }

    #[test]
    fn three_contacts_are_no_rhythm_and_neither_is_one_burst() {
        assert_eq!(rhythm(&at(&[0.0, 60.0, 120.0]), 4), None);
        assert_eq!(rhythm(&at(&[5.0, 5.0, 5.0, 5.0, 5.0]), 4), None);
    }

    #[test]
    fn a_lopsided_series_is_skewed() {
        let lopsided = at(&[0.0, 10.0, 21.0, 33.0, 60.0, 160.0, 360.0, 660.0]);
        let beat = rhythm(&lopsided, 4).unwrap();
        assert!(beat.skew > 0.3 && beat.score < 0.75, "{beat:?}");
    }
}
