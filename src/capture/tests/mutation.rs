//! Hostile captures: whatever the bytes, reading ends, panics nowhere, and its counts add up.

use super::write::{NgWriter, PcapWriter, read};

/// A small generator with a fixed start: failures repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    for _ in 0..=dice.roll(6) {
        let at = dice.roll(bytes.len());
        match dice.roll(7) {
            0 => bytes.truncate(at + 1),
            1 => bytes[at] = dice.roll(256) as u8,
            2 => bytes[at] ^= 1 << dice.roll(8),
            3 => {
                let end = (at + dice.roll(5000)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let from = dice.roll(other.len());
                let end = (from + dice.roll(3000)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            5 => {
                let end = (at + 4).min(bytes.len());
                let word = [0, 1, 16, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x0004_0000][dice.roll(6)];
                bytes.splice(at..end, u32::to_le_bytes(word));
            }
            _ => {
                let end = (at + dice.roll(300)).min(bytes.len());
                bytes[at..end].fill([0, 0xFF][dice.roll(2)]);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
}

#[test]
fn mutated_captures_are_read_to_their_end_with_counts_that_add_up() {
    let plain = PcapWriter::PLAIN;
    let sources = [
        plain.many(40).0,
        PcapWriter {
            big: true,
            nanos: true,
            ..plain
        }
        .many(40)
        .0,
        PcapWriter {
            modified: true,
            link: 101,
            ..plain
        }
        .many(40)
        .0,
        NgWriter { big: false }.many(40).0,
        NgWriter { big: true }.many(40).0,
    ];
    let mut dice = Dice(20_240_229);
    let mut packets = 0;
    for round in 0..1000 {
        let mut bytes = sources[round % sources.len()].clone();
        mutate(&mut bytes, &sources[dice.roll(sources.len())], &mut dice);
        if opens(&bytes) {
            packets += read(&bytes).0.len();
        }
    }
    // The mutations leave most packets alone; losing many would be a fault of its own.
    assert!(packets > 20_000, "{packets} packets");
}

/// A file whose own header is destroyed is refused as a whole; that has its own test.
fn opens(bytes: &[u8]) -> bool {
    crate::capture::pcap::PcapForm::parse(bytes).is_some()
        || crate::capture::pcapng::is_section_header(bytes)
}
