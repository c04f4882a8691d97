//! Packets inside others: found where the headers say so, and nowhere else.

use super::decode::{decode_as, endpoint, magic, wake};
use super::write::{PcapWriter, START, ethernet, ipv4, ipv6, read, tcp, told, udp};
use crate::capture::frame::Seen;
use crate::capture::packet::Packet;
use crate::evidence::{ProblemKind, Weight};
use crate::model::Transport;

const IP: Seen = Seen::Ip { snapped: false };

/// A packet whose ends differ from those around it, and a frame with it.
fn carried() -> Vec<u8> {
    let mut packet = ipv4(6, &tcp(0x02, 77, b"abc"));
    packet[12..20].copy_from_slice(&[192, 168, 7, 1, 192, 168, 7, 2]);
    packet
}

fn carried_frame() -> Vec<u8> {
    ethernet(0x0800, &carried())
}

fn around(protocol: u8, header: &[u8], inside: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(protocol, &[header, inside].concat()))
}

fn datagram(port: u16, header: &[u8], inside: &[u8]) -> Vec<u8> {
    around(17, &[], &udp(port, &[header, inside].concat()))
}

fn vxlan(inside: &[u8]) -> Vec<u8> {
    datagram(4_789, &[8, 0, 0, 0, 0, 1, 2, 0], inside)
}

fn packet(frame: &[u8]) -> Packet {
    let (seen, packet) = decode_as(1, frame, false);
    assert_eq!(seen, IP);
    packet.unwrap()
}

fn is_the_carried_one(packet: &Packet) -> bool {
    packet.source == endpoint("192.168.7.1:40000")
        && packet.destination == endpoint("192.168.7.2:443")
        && (packet.transport, packet.seq, packet.flags) == (Transport::TCP, 77, 2)
        && (packet.payload, packet.ttl, packet.ip_id) == (3, 64, 0x1234)
        && packet.inside
}

#[test]
fn what_is_inside_is_read_in_place_of_what_is_around_it() {
    let (ip, frame) = (carried(), carried_frame());
    let gre = |fields: &[u8], inside: &[u8]| around(47, fields, inside);
    let erspan3 = |last: u8, more: &[u8], inside: &[u8]| {
        let header = [
            &[
                0x10, 0, 0x22, 0xEB, 0, 0, 0, 9, 0x20, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, last,
            ],
            more,
        ]
        .concat();
        around(47, &header, inside)
    };
    let frames = [
        around(4, &[], &ip),
        gre(&[0, 0, 8, 0], &ip),
        gre(&[0xB0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6], &ip),
        gre(&[0x20, 0, 0x65, 0x58, 0, 0, 1, 0], &frame),
        gre(&[0, 0, 0x88, 0xBE], &frame),
        gre(
            &[0x10, 0, 0x88, 0xBE, 0, 0, 0, 9, 0x10, 1, 0, 7, 0, 0, 0, 0],
            &frame,
        ),
        erspan3(0, &[], &frame),
        erspan3(1, &[9; 8], &frame),
        around(97, &[0x30, 0], &frame),
        vxlan(&frame),
        datagram(8_472, &[8, 0, 0, 0, 0, 1, 2, 0], &frame),
        datagram(4_789, &[0x88, 0x40, 0, 7, 0, 1, 2, 0], &frame),
        datagram(6_081, &[0, 0, 0x65, 0x58, 0, 1, 2, 0], &frame),
        datagram(
            6_081,
            &[2, 0x40, 8, 0, 0, 1, 2, 0, 1, 2, 0x80, 1, 0, 0, 0, 9],
            &ip,
        ),
        datagram(2_152, &[0x30, 255, 0, 43, 0, 0, 0, 9], &ip),
        datagram(
            2_152,
            &[
                0x34, 255, 0, 55, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 9, 0x40, 1, 0, 1, 0,
            ],
            &ip,
        ),
        datagram(4_754, &[0, 0, 8, 0], &ip),
        datagram(37_008, &[1, 0, 0, 1, 0, 10, 1, 200, 1], &frame),
        // Over IPv6, and with a tag inside.
        ethernet(0x86DD, &ipv6(4, &ip)),
        vxlan(&ethernet(0x8100, &[&[0, 30, 8, 0][..], &ip].concat())),
    ];
    for (n, frame) in frames.iter().enumerate() {
        let packet = packet(frame);
        assert!(is_the_carried_one(&packet), "{n}: {packet:?}");
    }
    let six = around(41, &[], &ipv6(6, &tcp(2, 77, b"abc")));
    assert_eq!(packet(&six).source, endpoint("[fe80::1]:40000"));
    // Frames of ERSPAN type III may be IP packets alone: the kind of frame is 2.
    let mut bare = erspan3(0, &[], &ip);
    bare[14 + 20 + 8 + 10] = 2 << 2;
    assert!(is_the_carried_one(&packet(&bare)));
}

#[test]
fn what_only_looks_like_a_tunnel_stays_what_it_is() {
    let (ip, frame) = (carried(), carried_frame());
    let stay = [
        datagram(4_789, &[8, 0, 0, 0, 0, 1, 2, 9], &frame),
        datagram(4_789, &[8, 1, 0, 0, 0, 1, 2, 0], &frame),
        datagram(4_789, &[0, 0, 0, 0, 0, 1, 2, 0], &frame),
        datagram(4_790, &[8, 0, 0, 0, 0, 1, 2, 0], &frame),
        datagram(4_789, &[8, 0, 0], &[]),
        datagram(6_081, &[0x40, 0, 0x65, 0x58, 0, 1, 2, 0], &frame),
        datagram(6_081, &[0, 0, 0x65, 0x59, 0, 1, 2, 0], &frame),
        datagram(2_152, &[0x30, 1, 0, 43, 0, 0, 0, 9], &ip),
        datagram(
            2_152,
            &[0x34, 255, 0, 43, 0, 0, 0, 9, 0, 0, 0, 0x85, 0],
            &ip,
        ),
        datagram(37_008, &[1, 0, 0, 1, 10], &[200]),
        datagram(6_081, &[0, 0x80, 0x65, 0x58, 0, 1, 2, 0], &frame),
        datagram(2_152, &[0x30, 255, 0, 42, 0, 0, 0, 9], &ip),
        // A negative answer of a name server to this port, and a protocol of somebody's own.
        datagram(4_789, &[0x88, 0x12, 0x81, 0x83, 0, 1, 0, 0], &[0; 40]),
        vxlan(b"hello world, this is no frame at all"),
        vxlan(&[0; 40]),
        vxlan(&ethernet(0x1234, &[9; 40])),
        // What is inside is no packet.
        vxlan(&ethernet(0x0800, &[0x99; 40])),
        vxlan(&frame[..20]),
        datagram(2_152, &[0x30, 255, 0, 43, 0, 0, 0, 9], &[0; 40]),
        around(4, &[], &[0x99; 40]),
        around(47, &[0x40, 0, 8, 0], &ip),
        around(47, &[0, 8, 8, 0], &ip),
        // It claims more than there is, though all around it is there.
        vxlan(&frame[..36]),
        around(4, &[], &ip[..22]),
        around(47, &[0x30, 1, 0x88, 0x0B, 0, 0, 0, 0], &ip),
        around(
            47,
            &[0x10, 0, 0x88, 0xBE, 0, 0, 0, 9, 0x20, 1, 0, 7, 0, 0, 0, 0],
            &frame,
        ),
        around(97, &[0x40, 0], &frame),
        around(50, &[], &ip),
    ];
    for (n, frame) in stay.iter().enumerate() {
        let packet = packet(frame);
        assert_eq!(packet.source.address, endpoint("10.0.0.1:1").address, "{n}");
        assert!(!packet.inside, "{n}");
    }
    // An answer of a tunnel's end comes from the port, and goes to any.
    let mut answer = vxlan(&frame);
    answer[34..38].copy_from_slice(&[0x12, 0xB5, 0x9C, 0x40]);
    assert_eq!(packet(&answer).source, endpoint("10.0.0.1:4789"));
}

#[test]
fn four_tunnels_within_each_other_are_opened_and_no_more() {
    let mut frame = carried_frame();
    for depth in 1..=6 {
        frame = vxlan(&frame);
        let packet = packet(&frame);
        assert_eq!(is_the_carried_one(&packet), depth <= 4, "{depth}");
        assert!(depth == 1 || packet.inside);
    }
}

#[test]
fn what_is_cut_inside_is_told_as_cut() {
    let frame = vxlan(&carried_frame());
    // To the end of the flags of the segment inside.
    let ports = 14 + 20 + 8 + 8 + 14 + 20 + 14;
    let (seen, packet) = decode_as(1, &frame[..ports], true);
    assert_eq!(seen, Seen::Ip { snapped: true });
    assert!(packet.is_some_and(|p| (p.seq, p.inside) == (77, true)));
    for keep in [ports - 1, ports - 20, 14 + 20 + 8 + 8 + 4] {
        let (seen, packet) = decode_as(1, &frame[..keep], true);
        assert_eq!((seen, packet), (Seen::Cut, None), "{keep}");
    }
    // Of what is around it enough is there, but not of the tunnel's header.
    let (seen, packet) = decode_as(1, &frame[..14 + 20 + 8 + 7], true);
    assert_eq!(seen, Seen::Ip { snapped: true });
    assert!(packet.is_some_and(|p| p.destination.port == 4_789 && !p.inside));
    // What shows that it is none is none, however little there is of it.
    let odd = around(4, &[], &[0x99; 40]);
    let (_, packet) = decode_as(1, &odd[..14 + 20 + 10], true);
    assert!(packet.is_some_and(|p| p.transport == Transport(4)));
    // A first fragment of the packet around it ends early: that one is told.
    let keep = ports - 30;
    let mut fragment = frame[..keep].to_vec();
    fragment[16..18].copy_from_slice(&((keep - 14) as u16).to_be_bytes());
    fragment[20] = 0x20;
    let (seen, packet) = decode_as(1, &fragment, false);
    assert_eq!(seen, IP);
    assert!(packet.is_some_and(|p| p.destination.port == 4_789 && !p.inside));
}

#[test]
fn a_magic_packet_inside_is_found_where_it_lies() {
    let inside = ethernet(0x0842, &magic());
    let (seen, packet) = decode_as(1, &vxlan(&inside), false);
    assert_eq!(seen, Seen::NotIp);
    assert!(packet.as_ref().is_some_and(|p| p.inside));
    assert_eq!(wake(packet).pattern_offset, 14 + 20 + 8 + 8 + 14);
    let inside = ethernet(0x0800, &ipv4(17, &udp(9, &magic())));
    let twice = vxlan(&vxlan(&inside));
    assert_eq!(
        wake(decode_as(1, &twice, false).1).pattern_offset,
        2 * (14 + 20 + 8 + 8) + 42
    );
}

#[test]
fn a_file_says_which_tunnels_were_opened() {
    let (mut file, mut frames) = (PcapWriter::PLAIN.header(), Vec::new());
    for host in [1, 1, 1, 2, 3] {
        let mut frame = vxlan(&carried_frame());
        frame[29] = host;
        frames.push(frame);
    }
    frames.push(around(4, &[], &carried()));
    // Not opened, and not IP inside.
    frames.push(around(50, &[], &carried()));
    frames.push(vxlan(&ethernet(0x88CC, &[2; 30])));
    // Spanning tree: a length in the place of the type.
    frames.push(vxlan(&ethernet(
        38,
        &[&[0x42, 0x42, 3][..], &[0; 35]].concat(),
    )));
    for (n, frame) in (0..).zip(&frames) {
        file.extend(PcapWriter::PLAIN.record(START + n, 0, frame.len() as u32, frame));
    }
    let (packets, summary, problems) = read(&file);
    assert_eq!((packets.len(), summary.read, summary.not_ip), (7, 9, 2));
    assert_eq!(
        told(&problems),
        [
            (ProblemKind::Tunnel, Weight::Note, 1),
            (ProblemKind::Tunnel, Weight::Note, 7)
        ]
    );
    let messages: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "packets inside IPv4 in IP were opened (from 10.0.0.1 to 10.0.0.2)",
            "packets inside VXLAN were opened (from 10.0.0.1 to 10.0.0.2 and 2 other pairs of ends)"
        ]
    );
}

/// The first record of a damaged stretch is decoded before it is believed.
#[test]
fn a_record_that_is_not_believed_opens_no_tunnel() {
    let plain = ethernet(0x0800, &ipv4(6, &tcp(2, 1, b"abc")));
    let mut file = PcapWriter::PLAIN.header();
    let wrapped = vxlan(&carried_frame());
    for n in 0..20 {
        let frame = if n == 8 { &wrapped } else { &plain };
        file.extend(PcapWriter::PLAIN.record(START + n, 0, frame.len() as u32, frame));
        if n == 8 {
            // It says that it is longer than it is: its end is no begin of another.
            let at = file.len() - wrapped.len() - 8;
            let longer = wrapped.len() as u32 + 7;
            file[at..at + 4].copy_from_slice(&longer.to_le_bytes());
            file[at + 4..at + 8].copy_from_slice(&longer.to_le_bytes());
        }
    }
    let (packets, summary, problems) = read(&file);
    assert_eq!((packets.len(), summary.skipped), (19, 1));
    assert!(problems.iter().all(|p| p.kind != ProblemKind::Tunnel));
}
