//! TCP headers in several fragments: put together where their parts are there, and told where not.

use super::write::{ipv4, tcp};
use crate::capture::decode::decode;
use crate::capture::frame::{Frame, Memory, Seen};
use crate::capture::packet::{Packet, flags};
use crate::evidence::Weight;
use crate::model::{EvidenceId, Timestamp};

/// What becomes of fragments in turn, and what is said of them: weights and counts.
fn read(fragments: &[Vec<u8>]) -> (Vec<Packet>, Vec<(Weight, u64)>) {
    let (mut memory, mut out) = (Memory::default(), Vec::new());
    for (number, data) in (1..).zip(fragments) {
        let frame = Frame {
            link: 101,
            data,
            time: Timestamp(0),
            number,
            offset: number * 100,
            interface: 0,
            pid: 0,
            cut: false,
            inside: (0, 0),
        };
        let before = out.len();
        let seen = decode(&frame, &mut memory, &mut out);
        let handed_out = out.len() > before;
        assert_eq!(handed_out, seen == Seen::Ip { snapped: false }, "{number}");
    }
    let told = memory.split.told(EvidenceId(1));
    (out, told.iter().map(|p| (p.weight, p.count)).collect())
}

/// The fragments of a SYN, each with as much as `sizes` says.
fn fragments(id: u8, sizes: &[usize]) -> Vec<Vec<u8>> {
    let segment = tcp(flags::SYN, 77, b"");
    let mut place = 0;
    let mut all = Vec::new();
    for size in sizes {
        let end = (place + size).min(segment.len());
        let mut packet = ipv4(6, &segment[place..end]);
        packet[5] = id;
        let more = u16::from(end < segment.len()) << 13;
        packet[6..8].copy_from_slice(&(more | (place / 8) as u16).to_be_bytes());
        all.push(packet);
        place = end;
    }
    all
}

#[test]
fn a_header_in_two_fragments_is_one_segment_at_the_second() {
    let (packets, told) = read(&fragments(1, &[8, 8, 4]));
    assert_eq!(told, [(Weight::Note, 1)]);
    let [syn] = &packets[..] else {
        panic!("{packets:?}")
    };
    let ports = (syn.source.port, syn.destination.port);
    assert_eq!((syn.number, ports), (2, (40_000, 443)));
    assert_eq!((syn.seq, syn.flags, syn.payload), (77, flags::SYN, 0));
    // Two at a time, one of them copied by another sensor.
    let (a, b) = (fragments(1, &[8, 12]), fragments(2, &[8, 12]));
    let mixed = [&a[0], &a[0], &b[0], &a[1], &b[1]].map(Clone::clone);
    let (packets, told) = read(&mixed);
    assert_eq!((packets.len(), told), (2, vec![(Weight::Note, 2)]));
}

#[test]
fn a_header_whose_rest_is_not_there_is_a_loss() {
    let whole = fragments(1, &[8, 8, 4]);
    for part in [
        &whole[..1],
        &[whole[0].clone(), whole[2].clone()],
        &[whole[1].clone(), whole[0].clone()],
    ] {
        let (packets, told) = read(part);
        assert_eq!((packets.len(), told), (0, vec![(Weight::Loss, 1)]));
    }
    // The number is used again for something else.
    let mut other = whole[0].clone();
    other[21] = 0x41;
    let (_, told) = read(&[whole[0].clone(), other]);
    assert_eq!(told, [(Weight::Loss, 2)]);
    // An ordinary fragment waits for nothing.
    let (packets, told) = read(&fragments(1, &[16, 4]));
    assert_eq!((packets.len(), told), (1, vec![]));
}

#[test]
fn what_waits_is_bounded() {
    let many: Vec<Vec<u8>> = (0..1_100_u16)
        .map(|id| {
            let mut first = fragments(0, &[8]).remove(0);
            first[4..6].copy_from_slice(&id.to_be_bytes());
            first
        })
        .collect();
    assert_eq!(read(&many).1, [(Weight::Loss, 1_100)]);
}
