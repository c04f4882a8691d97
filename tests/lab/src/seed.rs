//! Values that look arbitrary and are the same every time: identifiers and small delays by hash.
//!
//! Not a random number generator and not for secrets; the same words give the same value for ever.

/// A 64-bit value named by `words` (FNV-1a with a final mix).
pub fn number(words: &[&str]) -> u64 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for word in words {
        for byte in word.bytes().chain([0xff]) {
            h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// A value from `low` to `high`, both possible.
pub fn between(low: i64, high: i64, words: &[&str]) -> i64 {
    let width = u64::try_from(high - low).map_or(1, |w| w + 1);
    low + i64::try_from(number(words) % width).unwrap_or(0)
}

/// A version 4 GUID in the byte order of its text form.
pub fn guid(words: &[&str]) -> [u8; 16] {
    let mut all = vec!["guid"];
    all.extend_from_slice(words);
    let high = number(&all);
    all.push("low");
    let low = number(&all);
    let mut guid = [0; 16];
    guid[..8].copy_from_slice(&high.to_be_bytes());
    guid[8..].copy_from_slice(&low.to_be_bytes());
    guid[6] = guid[6] & 0x0f | 0x40;
    guid[8] = guid[8] & 0x3f | 0x80;
    guid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_give_the_same_value_and_other_words_another() {
        assert_eq!(number(&["a", "b"]), number(&["a", "b"]));
        assert_ne!(number(&["a", "b"]), number(&["ab"]));
        assert_ne!(guid(&["a"]), guid(&["b"]));
        assert!((3..=5).contains(&between(3, 5, &["x"])));
    }
}
