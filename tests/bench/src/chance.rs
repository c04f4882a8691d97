//! A small random number generator whose numbers are the same everywhere and for ever
//! (SplitMix64; S. Vigna, public domain). Not for secrets.

/// The generator.
pub struct Chance(u64);

impl Chance {
    /// The generator of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is at least 1.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).unsigned_abs()).cast_signed()
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// An ephemeral port of Windows.
    pub fn port(&mut self) -> u16 {
        (49_152 + self.below(16_384)) as u16
    }

    /// The index of the weight that a draw falls on.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut draw = self.below(weights.iter().sum::<u64>().max(1));
        for (i, weight) in weights.iter().enumerate() {
            match draw.checked_sub(*weight) {
                Some(rest) => draw = rest,
                None => return i,
            }
        }
        0
    }
}
