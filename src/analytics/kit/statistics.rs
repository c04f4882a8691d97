//! How unusual a count is: robust z, count tails, binomial tails, and many tests at once.
//!
//! Pure functions of numbers; they know nothing of hosts. The special functions are those of the
//! statrs crate. Probabilities are for comparing with a threshold and for two printed digits, not
//! for arithmetic: the last bits may differ between machines.

use statrs::function::{beta::checked_beta_reg, gamma::checked_gamma_lr};

/// A normal distribution's standard deviation in units of its median absolute deviation is
/// 1 / 0.6745 (Iglewicz and Hoaglin 1993).
const MAD_TO_SIGMA: f64 = 0.6745;

/// A silent series has no deviation and no mean: they are taken as no less than this.
pub const LEAST_MAD: f64 = 1.0;
/// The same for its mean.
pub const LEAST_MEAN: f64 = 0.5;

/// What a series of counts looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many counts.
    pub n: usize,
    /// Median.
    pub median: f64,
    /// Median absolute deviation from the median.
    pub mad: f64,
    /// Mean.
    pub mean: f64,
    /// Variance of the sample, with n - 1; 0 for fewer than two.
    pub variance: f64,
}

impl Moments {
    /// Of these counts.
    pub fn of(counts: &[u32]) -> Self {
        let mut sorted: Vec<f64> = counts.iter().map(|n| f64::from(*n)).collect();
        sorted.sort_by(f64::total_cmp);
        let Some(median) = middle(&sorted) else {
            return Self::default();
        };
        let mut away: Vec<f64> = sorted.iter().map(|x| (x - median).abs()).collect();
        away.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / n;
        let squares: f64 = sorted.iter().map(|x| (x - mean) * (x - mean)).sum();
        Self {
            n: sorted.len(),
            median,
            mad: middle(&away).unwrap_or(0.0),
            mean,
            variance: if sorted.len() > 1 {
                squares / (n - 1.0)
            } else {
                0.0
            },
        }
    }

    /// How far `count` lies above the median, in robust standard deviations; a deviation below 1 is
    /// taken as 1, for a silent series has none.
    pub fn robust_z(&self, count: u32) -> f64 {
        MAD_TO_SIGMA * (f64::from(count) - self.median) / self.mad.max(LEAST_MAD)
    }

    /// P(X >= count) for a count distributed like the series: negative binomial with its moments if
    /// the variance exceeds the mean, else Poisson with a mean of at least 0.5.
    pub fn tail(&self, count: u32) -> f64 {
        if count == 0 {
            return 1.0;
        }
        let k = f64::from(count);
        let mean = self.mean.max(LEAST_MEAN);
        if self.variance > mean {
            let r = mean * mean / (self.variance - mean);
            let p = r / (r + mean);
            // P(X >= k) = I_{1-p}(k, r)
            probability(checked_beta_reg(k, r, 1.0 - p).ok())
        } else {
            // P(X >= k) = P(k, mean), the lower regularised gamma function.
            probability(checked_gamma_lr(k, mean).ok())
        }
    }
}

/// P(X >= k) for a binomial X of `n` trials that succeed with probability `rate`.
pub fn binomial_tail(k: u32, n: u32, rate: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    let rate = rate.clamp(1e-9, 1.0 - 1e-9);
    probability(checked_beta_reg(f64::from(k), f64::from(n - k) + 1.0, rate).ok())
}

/// A p-value among others: adjusted after Benjamini and Hochberg (1995), and its rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adjusted {
    /// The smallest false discovery rate at which it would be told.
    pub value: f64,
    /// Its rank among all, from 1.
    pub rank: usize,
    /// How many there are.
    pub of: usize,
}

/// Adjusts `p` among itself and `others`.
pub fn benjamini_hochberg(p: f64, others: &[f64]) -> Adjusted {
    let mut all: Vec<f64> = others.to_vec();
    all.push(p);
    all.sort_by(f64::total_cmp);
    let m = all.len();
    let rank = all.partition_point(|other| *other <= p).max(1);
    let value = all
        .iter()
        .enumerate()
        .skip(rank - 1)
        .map(|(i, other)| other * m as f64 / (i + 1) as f64)
        .fold(1.0, f64::min);
    Adjusted { value, rank, of: m }
}

/// What could not be computed is no evidence of anything unusual.
fn probability(value: Option<f64>) -> f64 {
    value
        .filter(|p| p.is_finite())
        .unwrap_or(1.0)
        .clamp(0.0, 1.0)
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    Some(if sorted.len() % 2 == 1 {
        upper
    } else {
        (sorted.get(half.checked_sub(1)?)? + upper) / 2.0
    })
}

/// `4.6e-5`: two digits, which is what such a number is worth.
pub fn shown(p: f64) -> String {
    if p >= 0.001 {
        format!("{p:.3}")
    } else if p < 1e-300 {
        // Below, digits are lost one by one.
        "below 1e-300".to_owned()
    } else {
        format!("{p:.1e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 0.01 * b.abs()
    }

    #[test]
    fn a_chance_is_shown_with_two_digits_as_far_as_it_has_them() {
        let told = [
            0.5, 0.001, 0.000_999, 4.61e-5, 1e-300, 9.9e-301, 5e-324, 0.0,
        ]
        .map(shown);
        let below = "below 1e-300";
        let expected = [
            "0.500", "0.001", "1.0e-3", "4.6e-5", "1.0e-300", below, below, below,
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn tails_agree_with_values_computed_elsewhere() {
        let poisson = |mean| Moments {
            mean,
            variance: mean,
            ..Moments::default()
        };
        // scipy.stats.poisson.sf(9, 2), .sf(14, 3)
        assert!(near(poisson(2.0).tail(10), 4.649_8e-5));
        assert!(near(poisson(3.0).tail(15), 6.703_9e-7));
        // scipy.stats.binom.sf(4, 10, 0.1), and every trial of ten
        assert!(near(binomial_tail(5, 10, 0.1), 1.634_9e-3));
        assert!(near(binomial_tail(10, 10, 0.1), 1e-10));
        // A geometric distribution is the negative binomial with r = 1: P(X >= k) = (1-p)^k.
        let geometric = Moments {
            mean: 1.0,
            variance: 2.0,
            ..Moments::default()
        };
        assert!(near(geometric.tail(10), 0.5_f64.powi(10)));
    }

    #[test]
    fn median_and_deviation_shrug_at_one_wild_day() {
        let moments = Moments::of(&[2, 3, 2, 4, 3, 2, 900]);
        assert_eq!((moments.median, moments.mad), (3.0, 1.0));
        assert!(near(moments.robust_z(13), 6.745));
        assert_eq!(Moments::of(&[]).n, 0);
        assert_eq!(Moments::of(&[0, 0, 0]).robust_z(10), 6.745);
    }

    #[test]
    fn one_test_among_many_needs_a_smaller_p() {
        let alone = benjamini_hochberg(1e-5, &[]);
        assert_eq!((alone.value, alone.rank, alone.of), (1e-5, 1, 1));
        let among = benjamini_hochberg(1e-5, &[0.5; 99]);
        assert!(near(among.value, 1e-3));
        assert_eq!((among.rank, among.of), (1, 100));
        assert!(near(benjamini_hochberg(0.02, &[0.01, 0.03]).value, 0.03));
    }

    proptest! {
        #[test]
        fn tails_are_probabilities_and_fall_with_the_count(
            counts in proptest::collection::vec(0_u32..200, 0..40),
            k in 0_u32..5_000,
            n in 0_u32..5_000,
            rate in 0.0_f64..1.0,
        ) {
            let moments = Moments::of(&counts);
            let (here, next) = (moments.tail(k), moments.tail(k + 1));
            prop_assert!((0.0..=1.0).contains(&here));
            prop_assert!(next <= here + 1e-9, "{next} > {here}");
            let (here, next) = (binomial_tail(k, n, rate), binomial_tail(k + 1, n, rate));
            prop_assert!((0.0..=1.0).contains(&here));
            prop_assert!(next <= here + 1e-9);
        }
    }
}
