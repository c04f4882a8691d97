//! Damage in captures: exactly what is lost, and that it is told.

use super::write::{NgWriter, PcapWriter, nth_frame, read, told};
use crate::capture::packet::Packet;
use crate::evidence::ProblemKind::{CutTail, FileHeader, GarbledRegion, ImplausibleLength};
use crate::evidence::Weight::{Loss, Note};

const PLAIN: PcapWriter = PcapWriter::PLAIN;

fn garbage(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|i| (i.wrapping_mul(747_796_405).wrapping_add(2_891_336_453) >> 13) as u8)
        .collect()
}

fn inserted(bytes: &[u8], at: usize, what: &[u8]) -> Vec<u8> {
    [&bytes[..at], what, &bytes[at..]].concat()
}

/// The made-up packets' numbers are their sequence numbers.
fn sequence(packets: &[Packet]) -> Vec<u32> {
    packets.iter().map(|packet| packet.seq).collect()
}

fn all_but(count: u32, missing: &[u32]) -> Vec<u32> {
    (0..count).filter(|n| !missing.contains(n)).collect()
}

#[test]
fn garbage_in_a_record_costs_that_record() {
    let (bytes, starts) = PLAIN.many(3000);
    for into in [16, 17, 40, 60] {
        let damaged = inserted(&bytes, starts[1500] + into, &garbage(37));
        let (packets, summary, problems) = read(&damaged);
        assert_eq!(
            sequence(&packets),
            all_but(3000, &[1500]),
            "{into} bytes in"
        );
        assert_eq!(
            (summary.present, summary.read, summary.skipped),
            (3000, 2999, 1)
        );
        assert_eq!(told(&problems), [(GarbledRegion, Loss, 1)]);
        let length = starts[1501] - starts[1500] + 37;
        assert_eq!(summary.damaged_bytes, length as u64);
        assert_eq!(
            problems.iter().next().unwrap().first_offset,
            Some(starts[1500] as u64)
        );
        // Numbers count the record that was lost.
        assert_eq!(packets[1500].number, 1502);
    }
}

#[test]
fn garbage_between_records_costs_no_more_than_one() {
    let (bytes, starts) = PLAIN.many(3000);
    let (packets, _, problems) = read(&inserted(&bytes, starts[1500], &garbage(4096)));
    assert_eq!(sequence(&packets), all_but(3000, &[1499]));
    assert_eq!(told(&problems), [(GarbledRegion, Loss, 1)]);
}

#[test]
fn a_hole_costs_the_record_it_begins_in() {
    let (bytes, starts) = PLAIN.many(3000);
    for into in [3, 16, 50] {
        let damaged = [&bytes[..starts[1000] + into], &bytes[starts[1020] + 21..]].concat();
        let (packets, summary, _) = read(&damaged);
        let seen = sequence(&packets);
        let missing: Vec<u32> = (0..3000).filter(|n| !seen.contains(n)).collect();
        let least: Vec<u32> = if into < 16 {
            (999..=1020).collect()
        } else {
            (1000..=1020).collect()
        };
        assert_eq!(missing, least, "{into} bytes in");
        assert_eq!(summary.damaged_regions, 1);
    }
}

#[test]
fn zeros_are_no_packets_and_cost_none() {
    let (bytes, starts) = PLAIN.many(3000);
    for length in [16, 100, 4096, 1_000_000] {
        let (packets, summary, problems) = read(&inserted(&bytes, starts[1500], &vec![0; length]));
        assert_eq!(sequence(&packets), all_but(3000, &[]), "{length} zeros");
        assert_eq!(
            (summary.present, summary.skipped, summary.damaged_bytes),
            (3000, 0, length as u64)
        );
        assert_eq!(told(&problems), [(GarbledRegion, Loss, 1)]);
    }
}

#[test]
fn a_sector_of_zeros_over_records_costs_those_it_touches() {
    let (mut bytes, starts) = PLAIN.many(3000);
    let from = starts[1500] + 30;
    bytes[from..from + 4096].fill(0);
    let last = starts
        .iter()
        .rposition(|&start| start < from + 4096)
        .unwrap() as u32;
    let (packets, _, problems) = read(&bytes);
    assert_eq!(
        sequence(&packets),
        all_but(3000, &(1500..=last).collect::<Vec<_>>())
    );
    assert_eq!(told(&problems), [(GarbledRegion, Loss, 1)]);
}

#[test]
fn a_damaged_record_header_costs_its_record_alone() {
    let (bytes, starts) = PLAIN.many(200);
    // Bytes 8 to 11 are the captured length, byte 3 is the high byte of the second.
    for (byte, value, kind) in [
        (10, 0xFF, ImplausibleLength),
        (11, 0x7F, ImplausibleLength),
        (9, 0x90, GarbledRegion),
    ] {
        let mut damaged = bytes.clone();
        damaged[starts[100] + byte] = value;
        let (packets, summary, problems) = read(&damaged);
        assert_eq!(
            sequence(&packets),
            all_but(200, &[100]),
            "byte {byte} {problems:?}"
        );
        assert_eq!((summary.present, summary.skipped), (200, 1));
        assert_eq!(told(&problems), [(kind, Loss, 1)], "byte {byte}");
    }
}

#[test]
fn a_time_that_jumps_by_decades_is_no_damage() {
    let mut bytes = PLAIN.header();
    for n in 0..100 {
        let frame = nth_frame(n);
        let second = if n < 50 { n } else { 1_700_000_000 + n };
        bytes.extend(PLAIN.record(second, 0, frame.len() as u32, &frame));
    }
    let (packets, _, problems) = read(&bytes);
    assert_eq!(packets.len(), 100);
    assert_eq!(told(&problems), []);
}

#[test]
fn a_writer_that_puts_nanoseconds_where_microseconds_belong_is_read() {
    let mut bytes = PLAIN.header();
    for n in 0..100 {
        let frame = nth_frame(n);
        bytes.extend(PLAIN.record(1_700_000_000, 999_000_000 + n, frame.len() as u32, &frame));
    }
    let (packets, _, problems) = read(&bytes);
    assert_eq!(packets.len(), 100);
    assert_eq!(told(&problems), []);
}

#[test]
fn concatenated_captures_are_read_whole_whatever_their_form() {
    let forms = [
        PLAIN,
        PcapWriter { big: true, ..PLAIN },
        PcapWriter {
            nanos: true,
            ..PLAIN
        },
        PcapWriter {
            big: true,
            modified: true,
            ..PLAIN
        },
    ];
    for first in forms {
        for second in forms {
            let bytes = [first.many(300).0, second.many(300).0].concat();
            let (packets, summary, problems) = read(&bytes);
            let twice = [all_but(300, &[]), all_but(300, &[])].concat();
            assert_eq!(sequence(&packets), twice, "{first:?} {second:?}");
            assert_eq!(packets[599].number, 600);
            assert_eq!(summary.sections, 2);
            assert_eq!(told(&problems), [(FileHeader, Note, 1)]);
        }
        let ng = NgWriter { big: true }.many(50).0;
        for bytes in [
            [ng.clone(), first.many(50).0].concat(),
            [first.many(50).0, ng].concat(),
        ] {
            let (packets, _, problems) = read(&bytes);
            assert_eq!(packets.len(), 100, "{first:?}");
            assert_eq!(told(&problems), [(FileHeader, Note, 1)]);
        }
    }
}

#[test]
fn a_cut_tail_is_a_note_and_costs_the_last_packet_only() {
    let ng = NgWriter { big: false };
    for (bytes, starts) in [
        PLAIN.many(20),
        PcapWriter {
            modified: true,
            big: true,
            ..PLAIN
        }
        .many(20),
        ng.many(20),
    ] {
        for end in starts[19] + 1..bytes.len() {
            let (packets, summary, problems) = read(&bytes[..end]);
            assert_eq!(sequence(&packets), all_but(19, &[]), "cut at {end}");
            assert_eq!(
                (summary.present, summary.skipped),
                (19, 0),
                "cut at {end} of {} {problems:?}",
                starts[19]
            );
            assert_eq!(told(&problems), [(CutTail, Note, 1)], "cut at {end}");
        }
        let (packets, _, problems) = read(&bytes[..starts[19]]);
        assert_eq!(packets.len(), 19);
        assert_eq!(told(&problems), []);
    }
}

#[test]
fn zeros_behind_the_last_packet_are_a_note() {
    for bytes in [PLAIN.many(20).0, NgWriter { big: true }.many(20).0] {
        let (packets, summary, problems) = read(&[bytes, vec![0; 100_000]].concat());
        assert_eq!(packets.len(), 20);
        assert_eq!(summary.skipped, 0);
        assert_eq!(told(&problems), [(CutTail, Note, 1)]);
    }
}

#[test]
fn a_damaged_first_record_does_not_hide_the_rest() {
    let (mut bytes, starts) = PLAIN.many(50);
    bytes[starts[0]..starts[0] + 16].fill(0xEE);
    let (packets, _, problems) = read(&bytes);
    assert_eq!(sequence(&packets), all_but(50, &[0]));
    assert_eq!(told(&problems), [(GarbledRegion, Loss, 1)]);
}

#[test]
fn damage_in_a_pcapng_block_costs_that_block() {
    for big in [false, true] {
        let (bytes, starts) = NgWriter { big }.many(500);
        for (into, what) in [(0, 37), (4, 4), (20, 1), (45, 4096), (60, 3)] {
            let damaged = inserted(&bytes, starts[250] + into, &garbage(what));
            let (packets, summary, problems) = read(&damaged);
            let missing: &[u32] = if into == 0 { &[] } else { &[250] };
            assert_eq!(
                sequence(&packets),
                all_but(500, missing),
                "{what} bytes at {into}"
            );
            assert_eq!(
                (summary.present, summary.read),
                (500, 500 - missing.len() as u64)
            );
            assert_eq!(told(&problems), [(GarbledRegion, Loss, 1)]);
        }
        let (packets, ..) = read(&[&bytes[..starts[100] + 9], &bytes[starts[120] + 50..]].concat());
        assert_eq!(
            sequence(&packets),
            all_but(500, &(100..=120).collect::<Vec<_>>())
        );
        let (packets, _, problems) = read(&inserted(&bytes, starts[100], &[0; 4096]));
        assert_eq!(packets.len(), 500);
        assert_eq!(told(&problems), [(GarbledRegion, Loss, 1)]);
    }
}

#[test]
fn many_damaged_regions_are_counted_without_naming_each() {
    let (bytes, starts) = PLAIN.many(2000);
    let mut damaged = bytes.clone();
    let hit: Vec<u32> = (1..199).map(|i| i * 10).collect();
    for &n in &hit {
        damaged[starts[n as usize] + 10] = 0xFF;
    }
    let (packets, summary, problems) = read(&damaged);
    assert_eq!(sequence(&packets), all_but(2000, &hit));
    assert_eq!(summary.damaged_regions, 198);
    assert_eq!(problems.iter().count(), 65);
    assert_eq!(
        problems.iter().map(|problem| problem.count).sum::<u64>(),
        198
    );
}

#[test]
fn files_that_only_look_like_records_end() {
    let header = PLAIN.header();
    // Plausible headers at every fourth byte, each pointing into the next ones.
    let near = 1_700_000_000_u32.to_le_bytes().repeat(500_000);
    let short = [100_u32, 100, 100, 100]
        .map(u32::to_le_bytes)
        .concat()
        .repeat(100_000);
    let far = [1_700_000_000_u32, 1, 262_144, 262_144]
        .map(u32::to_le_bytes)
        .concat()
        .repeat(200_000);
    for body in [
        near,
        short,
        far,
        vec![0; 3_000_000],
        vec![0xFF; 3_000_000],
        garbage(3_000_000),
    ] {
        read(&[&header[..], &body].concat());
        let ng = NgWriter { big: false };
        read(&[&ng.section()[..], &ng.interface(1, 0, &[]), &body].concat());
    }
    // Block headers whose length is believable and never confirmed.
    let ng = NgWriter { big: false };
    let blocks = [6_u32, 4_000_004]
        .map(u32::to_le_bytes)
        .concat()
        .repeat(5_000_000);
    let (packets, ..) = read(&[&ng.section()[..], &ng.interface(1, 0, &[]), &blocks].concat());
    assert!(packets.is_empty());
}

#[test]
fn times_that_count_from_zero_do_not_mislead_the_search() {
    let mut bytes = PLAIN.header();
    let mut starts = Vec::new();
    for n in 0..200 {
        let frame = nth_frame(n);
        starts.push(bytes.len());
        bytes.extend(PLAIN.record(n / 7, n % 7 * 1000, frame.len() as u32, &frame));
    }
    for (byte, value) in [(8, 0xFE), (9, 0x90), (10, 0xFF), (0, 0x55)] {
        let mut damaged = bytes.clone();
        damaged[starts[100] + byte] = value;
        let (packets, ..) = read(&damaged);
        let missing: &[u32] = if byte == 0 { &[] } else { &[100] };
        assert_eq!(sequence(&packets), all_but(200, missing), "byte {byte}");
    }
}
