//! The frame check sequence of Ethernet (IEEE 802.3, CRC-32), which some captures keep behind a frame.

/// Its length in bytes.
pub(super) const LENGTH: usize = 4;

/// True if the last bytes of a frame are the check sequence of those before them.
#[cold]
pub(super) fn ends(frame: &[u8]) -> bool {
    let Some((body, last)) = frame.split_last_chunk::<LENGTH>() else {
        return false;
    };
    !body.is_empty() && crc(body).to_le_bytes() == *last
}

/// Bit by bit: this is asked of magic packets alone.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let odd = crc & 1 == 1;
            crc >>= 1;
            if odd {
                crc ^= 0xEDB8_8320;
            }
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_sequence_is_told_from_other_bytes() {
        // The check value of this CRC.
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        let mut frame = b"some frame".to_vec();
        frame.extend(crc(&frame).to_le_bytes());
        assert!(ends(&frame));
        frame[0] ^= 1;
        assert!(!ends(&frame));
        assert!(!ends(&[0, 0, 0, 0]) && !ends(&[1, 2]));
    }
}
