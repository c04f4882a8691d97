//! Undamaged captures of every form: all packets, right times, as an independent reader has them.

use super::write::{NgWriter, PcapWriter, START, ethernet, ipv4, nth_frame, read, tcp, told};
use crate::capture::{Resolution, first_time};
use crate::evidence::ProblemKind::{DroppedByCapture, LinkType, NoTime, PacketHeader};
use crate::evidence::Weight::{Loss, Note};
use crate::model::Timestamp;
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, LegacyPcapReader, PcapBlockOwned, PcapError, PcapNGReader};

const SECOND: i64 = 1_000_000_000;

fn pcap_forms() -> Vec<PcapWriter> {
    let mut forms = Vec::new();
    for big in [false, true] {
        for (nanos, modified) in [(false, false), (true, false), (false, true)] {
            forms.push(PcapWriter {
                big,
                nanos,
                modified,
                link: 1,
            });
        }
    }
    forms
}

#[test]
fn every_magic_and_byte_order_gives_the_same_packets() {
    for form in pcap_forms() {
        let (bytes, starts) = form.many(5000);
        let (packets, summary, problems) = read(&bytes);
        assert_eq!(packets.len(), 5000, "{form:?}");
        let scale = if form.nanos { 1 } else { 1000 };
        for (n, packet) in (0..).zip(&packets) {
            assert_eq!((packet.number, packet.seq), (n + 1, n as u32));
            assert_eq!(packet.offset, starts[n as usize] as u64);
            let nanos = i64::from(START) * SECOND
                + n as i64 / 10 * SECOND
                + n as i64 % 10 * 100_000 * scale;
            assert_eq!(packet.time, Timestamp(nanos));
        }
        assert_eq!(
            (summary.first, summary.last),
            (Some(packets[0].time), Some(packets[4999].time))
        );
        assert_eq!(
            summary.interfaces[0].resolution,
            Resolution::Decimal(if form.nanos { 9 } else { 6 })
        );
        assert_eq!(told(&problems), []);
        assert_eq!(first_time(&bytes[..]), Some(packets[0].time));
    }
}

/// Drives one of pcap-parser's readers and returns what `each` makes of its blocks.
fn walk<R: PcapReaderIterator, T>(
    mut reader: R,
    mut each: impl FnMut(PcapBlockOwned<'_>) -> Option<T>,
) -> Vec<T> {
    let mut all = Vec::new();
    loop {
        match reader.next() {
            Ok((consumed, block)) => {
                all.extend(each(block));
                reader.consume(consumed);
            }
            Err(PcapError::Eof) => return all,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(_) => panic!("the independent reader stopped"),
        }
    }
}

#[test]
fn an_independent_reader_finds_the_same_records() {
    for form in pcap_forms() {
        // It does not know the modified form in the other byte order.
        if form.modified && form.big {
            continue;
        }
        let bytes = form.many(2000).0;
        let theirs = walk(
            LegacyPcapReader::new(65_536, &bytes[..]).unwrap(),
            |block| match block {
                PcapBlockOwned::Legacy(block) => Some((block.ts_sec, block.data.len())),
                _ => None,
            },
        );
        let (packets, ..) = read(&bytes);
        let ours: Vec<_> = packets
            .iter()
            .map(|packet| {
                (
                    (packet.time.0 / SECOND) as u32,
                    packet.payload as usize + 54,
                )
            })
            .collect();
        assert_eq!(ours, theirs, "{form:?}");
    }
    for big in [false, true] {
        let bytes = [
            NgWriter { big }.many(1000).0,
            NgWriter { big: !big }.many(1000).0,
        ]
        .concat();
        let theirs = walk(
            PcapNGReader::new(65_536, &bytes[..]).unwrap(),
            |block| match block {
                PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                    Some((block.decode_ts(0, 1_000_000), block.caplen))
                }
                _ => None,
            },
        );
        let (packets, summary, _) = read(&bytes);
        let ours: Vec<_> = packets
            .iter()
            .map(|packet| {
                (
                    (
                        (packet.time.0 / SECOND) as u32,
                        (packet.time.0 % SECOND / 1000) as u32,
                    ),
                    packet.payload + 54,
                )
            })
            .collect();
        assert_eq!(ours, theirs);
        assert_eq!(
            (
                summary.sections,
                summary.interfaces.len(),
                summary.interfaces[0].sections
            ),
            (2, 1, 2)
        );
    }
}

#[test]
fn every_resolution_and_offset_names_the_right_moment() {
    let base2 = |exponent: u8| 0x80 | exponent;
    let cases: [(u8, i64, u64, Option<i64>); 16] = [
        (0, 0, 7, Some(7 * SECOND)),
        (3, 0, 7_001, Some(7_001_000_000)),
        (6, 0, 1_700_000_000_123_456, Some(1_700_000_000_123_456_000)),
        (
            9,
            0,
            1_700_000_000_123_456_789,
            Some(1_700_000_000_123_456_789),
        ),
        (
            12,
            0,
            1_700_000_123_456_789_999,
            Some(1_700_000_123_456_789),
        ),
        (29, 0, u64::MAX, Some(0)),
        (30, 0, u64::MAX, Some(0)),
        (127, 0, u64::MAX, Some(0)),
        (base2(0), 0, 5, Some(5 * SECOND)),
        (base2(10), 0, 1025, Some(1_000_976_562)),
        (base2(32), 0, 1 << 33 | 1 << 31, Some(2_500_000_000)),
        (base2(127), 0, u64::MAX, Some(0)),
        (
            6,
            -3600,
            1_700_000_000_000_000,
            Some((1_700_000_000 - 3600) * SECOND),
        ),
        (6, 1_700_000_000, 5, Some(1_700_000_000 * SECOND + 5000)),
        (0, 0, u64::MAX, None),
        (9, i64::MIN, 5, None),
    ];
    for big in [false, true] {
        let ng = NgWriter { big };
        for (resolution, offset, units, expected) in cases {
            let options = [
                ng.option(9, &[resolution]),
                ng.option(14, &ng.wide(offset as u64)),
                ng.option(0, &[]),
            ]
            .concat();
            let bytes = [
                ng.section(),
                ng.interface(1, 0, &options),
                ng.packet(0, units, &nth_frame(1), &[]),
            ]
            .concat();
            let (packets, _, problems) = read(&bytes);
            let time = packets.first().map(|packet| packet.time.0);
            assert_eq!(
                time, expected,
                "resolution {resolution}, offset {offset}, {units} units"
            );
            let expected = if expected.is_some() {
                vec![]
            } else {
                vec![(NoTime, Loss, 1)]
            };
            assert_eq!(told(&problems), expected);
        }
    }
}

#[test]
fn simple_and_obsolete_packet_blocks_are_read() {
    for big in [false, true] {
        let ng = NgWriter { big };
        let frame = nth_frame(3);
        let units = u64::from(START) * 1_000_000;
        let length = frame.len() as u32;
        let simple = ng.block(3, &[&ng.word(length)[..], &frame].concat());
        let old = [
            &ng.half(1)[..],
            &ng.half(0),
            &ng.word((units >> 32) as u32),
            &ng.word(units as u32),
            &ng.word(length),
            &ng.word(length),
            &frame,
        ];
        let old = ng.block(2, &old.concat());
        let start = [
            ng.section(),
            ng.interface(1, 100, &[]),
            ng.interface(1, 0, &[]),
        ]
        .concat();
        let bytes = [start.clone(), simple.clone(), old, simple].concat();
        let (packets, summary, problems) = read(&bytes);
        // The first has no time, and none before it; the last one borrows.
        assert_eq!(
            packets
                .iter()
                .map(|packet| packet.number)
                .collect::<Vec<_>>(),
            [2, 3]
        );
        assert_eq!(
            packets
                .iter()
                .map(|packet| packet.interface)
                .collect::<Vec<_>>(),
            [1, 0]
        );
        assert_eq!(packets[1].time, packets[0].time);
        assert_eq!((summary.present, summary.skipped), (3, 1));
        assert_eq!(told(&problems), [(NoTime, Note, 1), (NoTime, Loss, 1)]);
    }
}

#[test]
fn a_simple_packet_is_as_long_as_the_snap_length_allows() {
    let ng = NgWriter { big: false };
    let frame = nth_frame(3);
    let cut = &frame[..60];
    let simple = ng.block(3, &[&ng.word(frame.len() as u32)[..], cut].concat());
    let bytes = [
        ng.section(),
        ng.interface(1, 60, &[]),
        ng.packet(0, 5, &frame, &[]),
        simple,
    ]
    .concat();
    let (packets, summary, _) = read(&bytes);
    assert_eq!(packets[1].payload, packets[0].payload);
    assert_eq!(summary.snapped, 1);
}

#[test]
fn a_process_id_is_read_from_the_packet_comment() {
    for big in [false, true] {
        let ng = NgWriter { big };
        let mut bytes = [ng.section(), ng.interface(1, 0, &[])].concat();
        let comments: [(&[u8], u32); 5] = [
            (b"PID=4660", 4660),
            (b"PID=7 ", 7),
            (b"pid unknown", 0),
            (b"PID=", 0),
            (b"\xFF\xFE", 0),
        ];
        for (n, (comment, _)) in (0..).zip(comments) {
            let options = [
                ng.option(2, &[0; 4]),
                ng.option(1, comment),
                ng.option(0, &[]),
            ]
            .concat();
            bytes.extend(ng.packet(0, n, &nth_frame(n as u32), &options));
        }
        let (packets, _, problems) = read(&bytes);
        let expected: Vec<_> = comments.iter().map(|comment| comment.1).collect();
        assert_eq!(
            packets.iter().map(|packet| packet.pid).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(told(&problems), []);
    }
}

#[test]
fn drops_told_more_than_once_are_counted_once() {
    for big in [false, true] {
        let ng = NgWriter { big };
        let statistics = |dropped: u64| {
            let options = [ng.option(5, &ng.wide(dropped)), ng.option(0, &[])].concat();
            ng.block(5, &[&[0; 12][..], &options].concat())
        };
        let section = [
            ng.section(),
            ng.interface(1, 0, &[]),
            statistics(5),
            statistics(12),
        ]
        .concat();
        let (_, summary, problems) = read(&section.repeat(2));
        assert_eq!(summary.interfaces[0].dropped, 24);
        assert_eq!(told(&problems), [(DroppedByCapture, Note, 24)]);
    }
}

#[test]
fn blocks_that_are_not_packets_are_passed_over_in_silence() {
    let ng = NgWriter { big: false };
    let mut bytes = [ng.section(), ng.interface(1, 0, &[])].concat();
    for (kind, length) in [
        (4, 4),
        (9, 40),
        (10, 20_000),
        (0x0BAD, 12),
        (0x4000_0BAD, 1_000_000),
        (0xABCD, 0),
    ] {
        bytes.extend(ng.block(kind, &vec![0x11; length]));
        bytes.extend(ng.packet(0, u64::from(kind), &nth_frame(kind), &[]));
    }
    let (packets, _, problems) = read(&bytes);
    assert_eq!(packets.len(), 6);
    assert_eq!(told(&problems), []);
}

#[test]
fn packets_that_cannot_be_read_keep_their_numbers_and_are_told() {
    let ng = NgWriter { big: false };
    let frame = nth_frame(1);
    let bytes = [
        ng.section(),
        ng.interface(105, 0, &[]),
        ng.interface(1, 0, &[]),
        ng.packet(0, 1, &frame, &[]),
        ng.packet(7, 2, &frame, &[]),
        ng.packet(
            1,
            3,
            &ethernet(0x0800, &ipv4(6, &tcp(2, 1, b""))[..30]),
            &[],
        ),
        ng.packet(1, 4, &ethernet(0x0806, &[0; 28]), &[]),
        ng.packet(1, 5, &frame, &[]),
    ];
    let (packets, summary, problems) = read(&bytes.concat());
    assert_eq!(
        packets
            .iter()
            .map(|packet| packet.number)
            .collect::<Vec<_>>(),
        [5]
    );
    assert_eq!(
        (
            summary.present,
            summary.read,
            summary.skipped,
            summary.not_ip
        ),
        (5, 2, 3, 1)
    );
    let mut told = told(&problems);
    told.sort();
    assert!(
        told.contains(&(LinkType, Loss, 1)) && told.contains(&(PacketHeader, Loss, 1)),
        "{told:?}"
    );
    assert_eq!(told.iter().map(|(_, _, count)| count).sum::<u64>(), 3);
}

#[test]
fn a_packet_of_256_kib_is_read_and_crosses_the_buffer() {
    let form = PcapWriter::PLAIN;
    let huge = ethernet(0x0806, &vec![0x55; 256 * 1024 - 14]);
    let mut bytes = form.header();
    for n in 0..30 {
        bytes.extend(form.record(START, n, huge.len() as u32, &huge));
        let frame = nth_frame(n);
        bytes.extend(form.record(START, n, frame.len() as u32, &frame));
    }
    let (packets, summary, problems) = read(&bytes);
    assert_eq!(
        (packets.len(), summary.present, summary.not_ip),
        (30, 60, 30)
    );
    assert_eq!(told(&problems), []);
}

#[test]
fn a_capture_without_packets_is_no_problem_and_other_bytes_are_one() {
    let (_, summary, problems) = read(&PcapWriter::PLAIN.header());
    assert_eq!((summary.present, summary.sections), (0, 1));
    assert_eq!(told(&problems), []);
    assert_eq!(read(b"").1.present, 0);
    for bytes in [&b"not a capture at all, but long enough"[..], b"PK"] {
        let mut reader = crate::capture::CaptureReader::new(bytes, crate::model::EvidenceId(1));
        let mut problems = crate::evidence::Problems::default();
        assert!(!reader.fill(&mut Vec::new(), &mut problems));
        assert!(problems.any_loss());
    }
}

#[test]
fn a_reader_may_move_to_another_thread() {
    fn moves<T: Send>() {}
    moves::<crate::capture::CaptureReader<crate::evidence::Input>>();
}

#[test]
fn a_captured_length_above_the_original_one_is_believed() {
    for snap in [0_u32, 65_535] {
        let mut bytes = PcapWriter::PLAIN.header();
        bytes[16..20].copy_from_slice(&snap.to_le_bytes());
        for n in 0..20 {
            bytes.extend(PcapWriter::PLAIN.record(START, n, 10, &nth_frame(n)));
        }
        let (packets, _, problems) = read(&bytes);
        assert_eq!(packets.len(), 20);
        assert_eq!(told(&problems), []);
    }
}
