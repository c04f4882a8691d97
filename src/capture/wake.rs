//! Finds magic packets: six 0xFF, then one MAC address sixteen times (AMD publication 20213).
//!
//! Binary padding looks much like it, so a MAC of one repeated byte or a group address is never
//! taken. Nothing here decides whether a signal was allowed.

use memchr::memmem;
use sha2::{Digest, Sha256};

/// Copies of the MAC in a whole pattern.
const COPIES: usize = 16;
/// Copies needed before the snap length cuts the frame to call it a partial pattern.
const PARTIAL_COPIES: usize = 4;
/// Length of the shorter password.
const PASSWORD: usize = 4;
/// Longest run of bytes behind a pattern that may hold a password at the end of a frame: six bytes, and a
/// frame check sequence.
const BEHIND: usize = 10;
const SYNC: [u8; 6] = [0xFF; 6];
/// Distance of the probes: a run of 96 bytes with period 6 holds three groups at some probe.
const STRIDE: usize = 64;

/// A pattern found in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Where the MAC's sync run (its last six 0xFF) starts.
    pub offset: usize,
    pub target: [u8; 6],
    /// 16, or fewer where the payload is cut.
    pub repetitions: u8,
    pub password_len: u8,
    pub password_digest: Option<[u8; 8]>,
}

/// The first pattern in `payload`. `cut` says that the capture holds only the start of it.
#[inline]
pub(super) fn find(payload: &[u8], cut: bool) -> Option<Pattern> {
    if payload.len() < 6 * (1 + PARTIAL_COPIES) || !may_hold(payload, cut) {
        return None;
    }
    search(payload, cut)
}

/// False if there is certainly no pattern: no probe sees three equal groups of six bytes that are
/// not all one byte. Costs a few loads for every 64 bytes.
#[inline]
fn may_hold(payload: &[u8], cut: bool) -> bool {
    let last = payload.len() - 18;
    let mut at = 0;
    while at <= last {
        if three_groups(payload, at) {
            return true;
        }
        at += STRIDE;
    }
    // A cut pattern may be shorter than the stride, but it reaches to the end.
    cut && three_groups(payload, last)
}

/// Sets to zero what lies behind magic packet patterns at the end of a frame and may be a password, for a page
/// that shows the frame; returns how many bytes.
pub fn blank_passwords(frame: &mut [u8]) -> usize {
    let mut blanked = 0;
    let mut from = 0;
    while let Some(found) = memmem::find(&frame[from..], &SYNC) {
        let run = from + found;
        let ones = frame[run..].iter().take_while(|&&b| b == 0xFF).count();
        from = run + ones;
        if at(frame, from, false).is_none() {
            continue;
        }
        from += 6 * COPIES;
        let rest = frame.len() - from;
        if (PASSWORD..=BEHIND).contains(&rest) {
            // With a frame check sequence behind it, which cannot be told from it here.
            frame[from..].fill(0);
            blanked += rest;
        }
    }
    blanked
}

#[inline]
fn three_groups(payload: &[u8], at: usize) -> bool {
    let Some(groups) = payload.get(at..at + 18) else {
        return false;
    };
    groups[..12] == groups[6..] && groups[..5] != groups[1..6]
}

#[cold]
fn search(payload: &[u8], cut: bool) -> Option<Pattern> {
    let mut from = 0;
    while let Some(found) = memmem::find(&payload[from..], &SYNC) {
        let run = from + found;
        // A target starting with 0xFF would be a group address, so it starts behind the run.
        let start = run
            + payload[run..]
                .iter()
                .take_while(|&&byte| byte == 0xFF)
                .count();
        if let Some(pattern) = at(payload, start, cut) {
            return Some(pattern);
        }
        from = start;
    }
    None
}

fn at(payload: &[u8], start: usize, cut: bool) -> Option<Pattern> {
    let copies = payload.get(start..)?;
    let target: [u8; 6] = copies.get(..6)?.try_into().ok()?;
    let one_byte = target.iter().all(|&byte| byte == target[0]);
    if one_byte || target[0] & 1 != 0 {
        return None;
    }
    let shown = copies.len().min(6 * COPIES);
    if !copies[..shown]
        .iter()
        .enumerate()
        .all(|(i, &byte)| byte == target[i % 6])
    {
        return None;
    }
    let repetitions = shown / 6;
    if repetitions < COPIES && !(cut && repetitions >= PARTIAL_COPIES) {
        return None;
    }
    let password = match copies.get(6 * COPIES..) {
        Some(rest) if !cut && (rest.len() == 4 || rest.len() == 6) => rest,
        _ => &[],
    };
    let password_digest = (!password.is_empty()).then(|| {
        let mut digest = [0; 8];
        digest.copy_from_slice(&Sha256::digest(password)[..8]);
        digest
    });
    Some(Pattern {
        offset: start - SYNC.len(),
        target,
        repetitions: repetitions as u8,
        password_len: password.len() as u8,
        password_digest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAC: [u8; 6] = [0x00, 0x1b, 0x21, 0x3c, 0x4d, 0x5e];

    fn magic(mac: [u8; 6]) -> Vec<u8> {
        let mut bytes = SYNC.to_vec();
        for _ in 0..COPIES {
            bytes.extend_from_slice(&mac);
        }
        bytes
    }

    #[test]
    fn a_magic_packet_is_found_wherever_it_starts() {
        for lead in 0..200 {
            let mut bytes = vec![0x55; lead];
            bytes.extend(magic(MAC));
            bytes.extend([1, 2, 3]);
            let pattern = find(&bytes, false).unwrap();
            assert_eq!((pattern.offset, pattern.target), (lead, MAC));
            assert_eq!((pattern.repetitions, pattern.password_len), (16, 0));
        }
    }

    #[test]
    fn more_than_six_sync_bytes_do_not_hide_the_target() {
        let mut bytes = vec![0xFF; 40];
        bytes.extend(magic(MAC));
        let pattern = find(&bytes, false).unwrap();
        assert_eq!((pattern.offset, pattern.target), (40, MAC));
    }

    #[test]
    fn padding_and_group_addresses_are_not_targets() {
        for mac in [[0; 6], [0xFF; 6], [0x22; 6], [0x01, 0, 0x5E, 0, 0, 1]] {
            assert_eq!(find(&magic(mac), false), None, "{mac:02x?}");
        }
    }

    #[test]
    fn fifteen_copies_are_not_a_signal_and_four_at_the_cut_are_a_partial_one() {
        let bytes = magic(MAC);
        assert_eq!(find(&bytes[..101], false), None);
        assert_eq!(find(&bytes[..101], true).unwrap().repetitions, 15);
        assert_eq!(find(&bytes[..30], true).unwrap().repetitions, 4);
        assert_eq!(find(&bytes[..29], true), None);
        let mut spoiled = bytes[..60].to_vec();
        spoiled.push(0x99);
        assert_eq!(find(&spoiled, true), None);
    }

    #[test]
    fn a_frame_is_shown_without_its_password() {
        let mut frame = vec![0x55; 42];
        frame.extend(magic(MAC));
        let bare = frame.clone();
        assert_eq!(blank_passwords(&mut frame), 0);
        assert_eq!(frame, bare);
        for password in [&b"abcd"[..], b"abcdef", b"abcdef1234"] {
            let mut frame = [&bare[..], password].concat();
            assert_eq!(blank_passwords(&mut frame), password.len());
            assert_eq!(frame[..bare.len()], bare[..]);
            assert!(frame[bare.len()..].iter().all(|&b| b == 0));
        }
        let long = [&bare[..], &[7; 40]].concat();
        let mut file = long.clone();
        assert_eq!(blank_passwords(&mut file), 0);
        assert_eq!(file, long);
    }

    #[test]
    fn a_password_is_measured_and_digested_but_not_kept() {
        let mut bytes = magic(MAC);
        bytes.extend([1, 2, 3, 4, 5, 6]);
        let six = find(&bytes, false).unwrap();
        assert_eq!(six.password_len, 6);
        assert_eq!(
            six.password_digest.unwrap()[..],
            Sha256::digest([1, 2, 3, 4, 5, 6])[..8]
        );
        assert_eq!(find(&bytes[..106], false).unwrap().password_len, 4);
        assert_eq!(find(&bytes[..105], false).unwrap().password_len, 0);
    }

    proptest! {
        #[test]
        fn the_probes_never_miss_what_a_full_search_finds(
            lead in proptest::collection::vec(any::<u8>(), 0..300),
            keep in 20_usize..130,
            tail in proptest::collection::vec(any::<u8>(), 0..300),
            cut in any::<bool>(),
        ) {
            let mut bytes = lead;
            let pattern = magic(MAC);
            bytes.extend_from_slice(&pattern[..keep.min(pattern.len())]);
            if keep > 102 {
                bytes.extend(tail);
            }
            prop_assert_eq!(find(&bytes, cut), if bytes.len() < 30 { None } else { search(&bytes, cut) });
        }
    }
}
