//! Frames of every link type, whole and cut, and what the decoder makes of them.

use super::write::{ethernet, ipv4, ipv6, tcp, udp};
use crate::capture::decode::decode;
use crate::capture::frame::{Frame, Memory, Seen};
use crate::capture::packet::{EmbeddedHeader, Extra, Packet};
use crate::model::wake::{WakeCarrier, WakeSignal};
use crate::model::{Endpoint, Timestamp, Transport};
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use proptest::prelude::*;

const IP: Seen = Seen::Ip { snapped: false };

pub(super) fn decode_as(link: u32, data: &[u8], cut: bool) -> (Seen, Option<Packet>) {
    let frame = Frame {
        link,
        data,
        time: Timestamp(0),
        number: 1,
        offset: 0,
        interface: 0,
        pid: 0,
        cut,
        inside: (0, 0),
    };
    let mut out = Vec::new();
    let seen = decode(&frame, &mut Memory::default(), &mut out);
    assert!(out.len() <= 1);
    (seen, out.pop())
}

fn ip_packet(link: u32, data: &[u8]) -> Packet {
    let (seen, packet) = decode_as(link, data, false);
    assert_eq!(seen, IP);
    packet.unwrap()
}

pub(super) fn endpoint(text: &str) -> Endpoint {
    let address: std::net::SocketAddr = text.parse().unwrap();
    Endpoint::new(address.ip(), address.port())
}

fn tagged(tags: &[(u16, u16)], kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut outer = None;
    for &(tag, id) in tags {
        match outer {
            None => outer = Some(tag),
            Some(_) => body.extend(tag.to_be_bytes()),
        }
        body.extend(id.to_be_bytes());
    }
    if outer.is_some() {
        body.extend(kind.to_be_bytes());
    }
    body.extend_from_slice(payload);
    ethernet(outer.unwrap_or(kind), &body)
}

#[test]
fn every_link_type_leads_to_the_same_segment() {
    let v4 = ipv4(6, &tcp(0x12, 99, b"hello"));
    let v6 = ipv6(6, &tcp(0x12, 99, b"hello"));
    let cooked = |kind: u16| {
        [
            &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..],
            &kind.to_be_bytes(),
        ]
        .concat()
    };
    let cooked_v2 = |kind: u16| {
        [
            &kind.to_be_bytes()[..],
            &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0],
        ]
        .concat()
    };
    let cases: Vec<(u32, Vec<u8>, &Vec<u8>)> = vec![
        (1, ethernet(0x0800, &[]), &v4),
        (1, ethernet(0x86DD, &[]), &v6),
        (1, tagged(&[(0x8100, 5)], 0x0800, &[]), &v4),
        (
            1,
            tagged(&[(0x88A8, 5), (0x8100, 6), (0x9100, 7)], 0x86DD, &[]),
            &v6,
        ),
        (1, ethernet(0x8847, &[0, 1, 0x00, 64, 0, 1, 0x01, 64]), &v4),
        (1, ethernet(0x8864, &[0x11, 0, 0, 1, 0, 40, 0, 0x57]), &v6),
        (12, vec![], &v4),
        (14, vec![], &v6),
        (101, vec![], &v4),
        (101, vec![], &v6),
        (228, vec![], &v4),
        (229, vec![], &v6),
        (0, vec![2, 0, 0, 0], &v4),
        (0, vec![0, 0, 0, 2], &v4),
        (0, vec![30, 0, 0, 0], &v6),
        (108, vec![0, 0, 0, 24], &v6),
        (113, cooked(0x0800), &v4),
        (113, cooked(0x86DD), &v6),
        (276, cooked_v2(0x0800), &v4),
        (276, cooked_v2(0x86DD), &v6),
    ];
    for (link, head, ip) in cases {
        let frame = [&head[..], ip].concat();
        let packet = ip_packet(link, &frame);
        assert_eq!(
            (packet.seq, packet.ack, packet.flags, packet.payload),
            (99, 7, 0x12, 5),
            "link {link}"
        );
        assert_eq!((packet.source.port, packet.destination.port), (40_000, 443));
        let (source, ttl, id) = if ip == &v4 {
            ("10.0.0.1:40000", 64, 0x1234)
        } else {
            ("[fe80::1]:40000", 63, 0xABCD)
        };
        assert_eq!(
            (packet.source, packet.ttl, packet.ip_id),
            (endpoint(source), ttl, id)
        );
        assert_eq!(
            (packet.first_fragment, packet.cut, packet.extra),
            (false, false, None)
        );
        // No prefix of it panics, hands out a packet without ports, or calls the sender at fault.
        for end in 0..frame.len() {
            let (seen, packet) = decode_as(link, &frame[..end], true);
            match seen {
                Seen::Ip { snapped } => {
                    assert!(snapped && packet.unwrap().flags == 0x12, "{link}, {end}")
                }
                Seen::Cut => assert!(packet.is_none()),
                other => panic!("link {link}, {end} bytes: {other:?}"),
            }
        }
    }
}

#[test]
fn the_outermost_vlan_is_kept_and_a_fourth_tag_is_refused() {
    let v4 = ipv4(17, &udp(53, b"x"));
    let tags = [(0x88A8, 0x2005), (0x8100, 6), (0x8100, 7), (0x8100, 8)];
    assert_eq!(ip_packet(1, &tagged(&tags[..3], 0x0800, &v4)).vlan, Some(5));
    assert_eq!(
        decode_as(1, &tagged(&tags, 0x0800, &v4), false).0,
        Seen::Malformed
    );
    assert_eq!(ip_packet(1, &ethernet(0x0800, &v4)).vlan, None);
}

#[test]
fn datagrams_that_answer_by_their_form_are_told() {
    let flags = |from: u16, payload: &[u8]| {
        let mut datagram = udp(40_000, payload);
        datagram[..2].copy_from_slice(&from.to_be_bytes());
        ip_packet(1, &ethernet(0x0800, &ipv4(17, &datagram))).flags
    };
    let dns = |flags: u8, questions: u8| [7, 7, flags, 0, 0, questions, 0, 1, 0, 0, 0, 0, 0, 0];
    let mut ntp = [0; 48];
    ntp[0] = 0x24;
    assert_eq!((flags(53, &dns(0x84, 1)), flags(123, &ntp)), (1, 1));
    // Another port, a question, an update's answer, nothing asked, cut short; a client's mode.
    assert_eq!((flags(54, &dns(0x84, 1)), flags(53, &dns(0x01, 1))), (0, 0));
    assert_eq!((flags(53, &dns(0xA8, 1)), flags(53, &dns(0x84, 0))), (0, 0));
    assert_eq!(
        (flags(53, &dns(0x84, 1)[..5]), flags(123, &ntp[..47])),
        (0, 0)
    );
    ntp[0] = 0x23;
    assert_eq!(flags(123, &ntp), 0);
    // A server's reply to a client's broadcast, and to the relay that asked for one.
    let mut dhcp = [0; 300];
    dhcp[..3].copy_from_slice(&[2, 1, 6]);
    dhcp[236..240].copy_from_slice(&[99, 130, 83, 99]);
    let replied = |to: u16| {
        let mut datagram = udp(to, &dhcp);
        datagram[..2].copy_from_slice(&67_u16.to_be_bytes());
        ip_packet(1, &ethernet(0x0800, &ipv4(17, &datagram))).flags
    };
    assert_eq!((replied(68), replied(67), replied(69)), (1, 1, 0));
}

#[test]
fn a_type_behind_llc_is_followed() {
    let v4 = ipv4(17, &udp(53, b"x"));
    let frame = ethernet(60, &[&[0xAA, 0xAA, 3, 0, 0, 0, 8, 0][..], &v4].concat());
    assert_eq!(ip_packet(1, &frame).destination.port, 53);
}

#[test]
fn what_is_not_ip_is_seen_and_yields_no_packet() {
    for frame in [
        ethernet(0x0806, &[0; 28]),
        ethernet(0x88CC, b"lldp"),
        ethernet(38, &[0x42, 0x42, 3]),
    ] {
        assert_eq!(decode_as(1, &frame, false), (Seen::NotIp, None));
    }
    assert_eq!(decode_as(0, &[7, 0, 0, 0, 1], false), (Seen::NotIp, None));
    assert_eq!(decode_as(105, &[0; 60], false), (Seen::OtherLink, None));
}

#[test]
fn fourteen_bytes_of_a_tcp_header_are_enough() {
    let mut syn = tcp(0x02, 5, &[2, 4, 5, 0xB4, 1, 3, 3, 8]);
    syn[12] = 0x70;
    let frame = ethernet(0x0800, &ipv4(6, &syn));
    let (seen, packet) = decode_as(1, &frame[..14 + 20 + 14], true);
    let packet = packet.unwrap();
    assert_eq!(
        (seen, packet.cut, packet.payload),
        (Seen::Ip { snapped: true }, true, 0)
    );
    assert_eq!(
        decode_as(1, &frame[..14 + 20 + 13], true),
        (Seen::Cut, None)
    );
    assert!(!ip_packet(1, &frame).cut);
}

#[test]
fn length_zero_means_as_captured_and_padding_is_no_payload() {
    let mut offloaded = ethernet(0x0800, &ipv4(6, &tcp(0x18, 5, &[9; 3000])));
    offloaded[16..18].fill(0);
    assert_eq!(ip_packet(1, &offloaded).payload, 3000);
    let mut offloaded = ethernet(0x86DD, &ipv6(6, &tcp(0x18, 5, &[9; 3000])));
    offloaded[18..20].fill(0);
    assert_eq!(ip_packet(1, &offloaded).payload, 3000);
    let mut padded = ethernet(0x0800, &ipv4(6, &tcp(0x10, 5, b"")));
    padded.resize(60, 0);
    assert_eq!(ip_packet(1, &padded).payload, 0);
}

#[test]
fn a_first_fragment_says_how_long_its_datagram_is() {
    let sized = |length: u16, flags: u8| {
        let mut datagram = udp(53, &[7; 32]);
        datagram[4..6].copy_from_slice(&length.to_be_bytes());
        let mut frame = ethernet(0x0800, &ipv4(17, &datagram));
        frame[20] = flags;
        ip_packet(1, &frame).payload
    };
    assert_eq!((sized(3_238, 0x20), sized(40, 0x20)), (3_230, 32));
    // Where nothing follows, the IP length is the honest one.
    assert_eq!((sized(3_238, 0x40), sized(0, 0x20)), (32, 32));
}

#[test]
fn headers_that_contradict_themselves_are_malformed() {
    let good = ipv4(6, &tcp(0x10, 5, b"abc"));
    let spoil = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        decode_as(101, &bytes, false).0
    };
    assert_eq!(spoil(0, 0x44), Seen::Malformed, "header length 16");
    assert_eq!(spoil(0, 0x55), Seen::Malformed, "version 5");
    assert_eq!(spoil(3, 19), Seen::Malformed, "total length 19");
    assert_eq!(spoil(32, 0x40), Seen::Malformed, "data offset 16");
    assert_eq!(
        spoil(32, 0xF0),
        Seen::Malformed,
        "data offset beyond the packet"
    );
    let mut mismatch = ethernet(0x86DD, &good);
    assert_eq!(decode_as(1, &mismatch, false).0, Seen::Malformed);
    mismatch[12..14].copy_from_slice(&[8, 0]);
    assert_eq!(decode_as(1, &mismatch, false).0, IP);
}

#[test]
fn options_move_the_ports_and_later_fragments_have_none() {
    let mut options = ipv4(6, &[&[1; 8][..], &tcp(0x02, 5, b"")].concat());
    options[0] = 0x47;
    assert_eq!(ip_packet(101, &options).destination.port, 443);
    let mut first = ipv4(6, &tcp(0x02, 5, b"12345678"));
    first[6] = 0x20;
    assert!(ip_packet(101, &first).first_fragment);
    first[7] = 1;
    assert_eq!(decode_as(101, &first, false), (Seen::LaterFragment, None));
}

#[test]
fn ipv6_extension_headers_are_walked_to_the_ports() {
    let segment = tcp(0x02, 5, b"");
    let plain = |next: u8| [&[next, 0][..], &[0; 6]].concat();
    let authentication = [&[6, 4][..], &[0; 22]].concat();
    let chain = [
        plain(43),
        [&[60, 1][..], &[0; 14]].concat(),
        plain(51),
        authentication,
        segment.clone(),
    ]
    .concat();
    assert_eq!(ip_packet(101, &ipv6(0, &chain)).destination.port, 443);
    let fragment = |offset: u16| [&[6, 0][..], &offset.to_be_bytes(), &[0; 4], &segment].concat();
    assert!(ip_packet(101, &ipv6(44, &fragment(1))).first_fragment);
    assert!(!ip_packet(101, &ipv6(44, &fragment(0))).first_fragment);
    assert_eq!(
        decode_as(101, &ipv6(44, &fragment(0x08)), false),
        (Seen::LaterFragment, None)
    );
    let endless = plain(0).repeat(200);
    assert_eq!(
        decode_as(101, &ipv6(0, &endless), false),
        (Seen::Malformed, None)
    );
    let none = ip_packet(101, &ipv6(59, b"rest"));
    assert_eq!((none.transport, none.source.port), (Transport(59), 0));
}

#[test]
fn mapped_addresses_are_folded() {
    let mut bytes = ipv6(17, &udp(53, b""));
    bytes[8..24].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 9]);
    assert_eq!(ip_packet(101, &bytes).source, endpoint("10.0.0.9:40000"));
}

#[test]
fn fast_open_is_seen_on_a_syn_only() {
    let with = |flags: u8, options: &[u8]| {
        let mut segment = tcp(flags, 5, options);
        segment[12] = (5 + options.len() as u8 / 4) << 4;
        ip_packet(101, &ipv4(6, &segment)).extra.map(|extra| *extra)
    };
    assert_eq!(
        with(2, &[2, 4, 5, 0xB4, 34, 2, 1, 1]),
        Some(Extra::FastOpen)
    );
    assert_eq!(
        with(2, &[1, 254, 4, 0xF9, 0x89, 1, 1, 1]),
        Some(Extra::FastOpen)
    );
    assert_eq!(with(2, &[254, 4, 0xF9, 0x88]), None);
    assert_eq!(with(2, &[0, 34, 2, 0]), None);
    assert_eq!(with(2, &[3, 0, 34, 2]), None);
    assert_eq!(with(0x10, &[34, 2, 1, 1]), None);
}

fn refusal(packet: Packet) -> Option<EmbeddedHeader> {
    match packet.extra.map(|extra| *extra) {
        Some(Extra::Refusal(header)) => Some(header),
        _ => None,
    }
}

#[test]
fn an_icmp_error_names_the_packet_it_refuses() {
    let inner = &ipv4(6, &tcp(2, 0xDEAD_BEEF, b""))[..28];
    let error =
        |kind: u8, code: u8, inner: &[u8]| [&[kind, code, 0, 0, 0, 0, 0, 0][..], inner].concat();
    let header = refusal(ip_packet(101, &ipv4(1, &error(3, 13, inner)))).unwrap();
    let expected = EmbeddedHeader {
        kind: 3,
        code: 13,
        from: "10.0.0.1".parse().unwrap(),
        source: endpoint("10.0.0.1:40000"),
        destination: endpoint("10.0.0.2:443"),
        transport: Transport::TCP,
        seq: Some(0xDEAD_BEEF),
        id: 0x1234,
    };
    assert_eq!(header, expected);
    let without_seq = refusal(ip_packet(101, &ipv4(1, &error(3, 3, &inner[..24])))).unwrap();
    assert_eq!((without_seq.destination.port, without_seq.seq), (443, None));
    let without_ports = refusal(ip_packet(101, &ipv4(1, &error(3, 3, &inner[..20])))).unwrap();
    assert_eq!(
        (without_ports.destination.port, without_ports.seq),
        (0, None)
    );
    for (kind, code, inner) in [
        (3, 4, inner),
        (11, 0, inner),
        (8, 0, inner),
        (3, 1, &inner[..19]),
    ] {
        assert_eq!(
            refusal(ip_packet(101, &ipv4(1, &error(kind, code, inner)))),
            None,
            "{kind}/{code}"
        );
    }
    let hop = [&[17, 0][..], &[0; 6], &udp(161, b"snmp")].concat();
    let header = refusal(ip_packet(101, &ipv6(58, &error(1, 4, &ipv6(0, &hop))))).unwrap();
    assert_eq!(
        (header.kind, header.code, header.transport),
        (1, 4, Transport::UDP)
    );
    assert_eq!(
        (header.destination, header.seq),
        (endpoint("[fe80::2]:161"), None)
    );
    assert_eq!(
        refusal(ip_packet(101, &ipv6(58, &error(2, 0, &ipv6(0, &hop))))),
        None
    );
}

pub(super) fn magic() -> Vec<u8> {
    [vec![0xFF; 6], [0x00, 0x1B, 0x21, 1, 2, 3].repeat(16)].concat()
}

pub(super) fn wake(packet: Option<Packet>) -> WakeSignal {
    match *packet.unwrap().extra.unwrap() {
        Extra::Wake(signal) => signal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_magic_packet_is_seen_in_every_carrier() {
    let cases = [
        (
            ethernet(0x0842, &magic()),
            Seen::NotIp,
            WakeCarrier::Ethernet,
            14,
        ),
        (
            ethernet(0x0800, &ipv4(17, &udp(9, &magic()))),
            IP,
            WakeCarrier::Udp(9),
            42,
        ),
        (
            ethernet(0x0800, &ipv4(6, &tcp(0x18, 1, &magic()))),
            IP,
            WakeCarrier::Tcp(443),
            54,
        ),
        (
            ethernet(0x0800, &ipv4(1, &[&[8, 0, 0, 0][..], &magic()].concat())),
            IP,
            WakeCarrier::Other(1),
            38,
        ),
        (
            tagged(&[(0x8100, 77)], 0x88B5, &magic()),
            Seen::NotIp,
            WakeCarrier::Other(0x88B5),
            18,
        ),
    ];
    for (frame, expected, carrier, offset) in cases {
        let (seen, packet) = decode_as(1, &frame, false);
        assert_eq!(seen, expected);
        let has_ip = packet.as_ref().unwrap().transport != Transport(0);
        let vlan = packet.as_ref().unwrap().vlan;
        let signal = wake(packet);
        assert_eq!(
            (signal.target, signal.repetitions),
            ([0x00, 0x1B, 0x21, 1, 2, 3], 16)
        );
        assert_eq!(
            (signal.carrier, signal.pattern_offset, signal.vlan),
            (carrier, offset, vlan)
        );
        assert_eq!(
            (signal.sender_mac, signal.mac_to),
            (Some([2, 0, 0, 0, 0, 1]), Some([2, 0, 0, 0, 0, 2]))
        );
        assert_eq!(
            (signal.sender.is_some(), signal.sent_to.is_some()),
            (has_ip, has_ip)
        );
    }
    let (_, packet) = decode_as(
        1,
        &ethernet(0x0842, &[magic(), vec![1, 2, 3, 4]].concat()),
        false,
    );
    assert_eq!(wake(packet).password_len, 4);
}

#[test]
fn a_frame_check_sequence_is_no_password() {
    let checked = |content: Vec<u8>| {
        let frame = ethernet(0x0842, &content);
        let mut crc = u32::MAX;
        for byte in &frame {
            crc = (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
            });
        }
        [frame, (!crc).to_le_bytes().to_vec()].concat()
    };
    let read = |frame: Vec<u8>| {
        let (_, packet) = decode_as(1, &frame, false);
        let signal = wake(packet);
        (signal.password_len, signal.password_digest)
    };
    assert_eq!(read(checked(magic())), (0, None));
    let with = [magic(), vec![1, 2, 3, 4, 5, 6]].concat();
    let plain = read(ethernet(0x0842, &with));
    assert_eq!((read(checked(with)), plain.0), (plain, 6));
}

#[test]
fn an_error_or_an_answer_that_quotes_a_magic_packet_is_none() {
    let sent = ipv4(17, &udp(9, &magic()));
    let error = |kind: u8| [&[kind, 3, 0, 0, 0, 0, 0, 0][..], &sent].concat();
    let header = refusal(ip_packet(101, &ipv4(1, &error(3)))).unwrap();
    assert_eq!(header.destination, endpoint("10.0.0.2:9"));
    let is_wake = |packet: &Packet| {
        let extra = packet.extra.as_deref();
        extra.is_some_and(|extra| matches!(extra, Extra::Wake(_)))
    };
    for quotes in [
        ipv4(1, &error(11)),
        ipv4(1, &error(5)),
        ipv4(1, &[&[0, 0, 0, 0, 0, 7, 0, 1][..], &magic()].concat()),
        ipv6(58, &[&[1, 4, 0, 0, 0, 0, 0, 0][..], &sent].concat()),
        ipv6(58, &[&[129, 0, 0, 0, 0, 7, 0, 1][..], &magic()].concat()),
    ] {
        let packet = ip_packet(101, &quotes);
        assert!(!is_wake(&packet), "{packet:?}");
    }
    let asked = [&[128, 0, 0, 0, 0, 7, 0, 1][..], &magic()].concat();
    assert!(is_wake(&ip_packet(101, &ipv6(58, &asked))));
}

#[test]
fn a_magic_pattern_leaves_what_else_the_packet_tells() {
    let said = [&b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"[..], &magic()].concat();
    let frame = ethernet(0x0800, &ipv4(6, &tcp(0x18, 1, &said)));
    let (_, packet) = decode_as(1, &frame, false);
    let extra = packet.unwrap().extra.map(|extra| *extra);
    assert!(matches!(extra, Some(Extra::Named(_))), "{extra:?}");
}

#[test]
fn a_magic_packet_cut_by_the_snap_length_is_partial() {
    let frame = ethernet(0x0800, &ipv4(17, &udp(9, &magic())));
    let (_, packet) = decode_as(1, &frame[..96], true);
    assert_eq!(wake(packet).repetitions, 8);
}

/// What both decoders read of a frame with ports: ports, sequence number, flags.
type Ports = (u16, u16, u32, u8);

fn theirs(frame: &[u8]) -> Option<Ports> {
    let sliced = LaxSlicedPacket::from_ethernet(frame).ok()?;
    // It goes on behind an authentication header in IPv4, which is a tunnel of its own here.
    if matches!(&sliced.net, Some(LaxNetSlice::Ipv4(ip)) if ip.header().protocol().0 == 51) {
        return None;
    }
    match sliced.transport? {
        TransportSlice::Tcp(tcp) => {
            let bits = [
                tcp.fin(),
                tcp.syn(),
                tcp.rst(),
                tcp.psh(),
                tcp.ack(),
                tcp.urg(),
                tcp.ece(),
                tcp.cwr(),
            ];
            let flags = (0..).zip(bits).map(|(bit, set)| u8::from(set) << bit).sum();
            Some((
                tcp.source_port(),
                tcp.destination_port(),
                tcp.sequence_number(),
                flags,
            ))
        }
        TransportSlice::Udp(udp) => Some((udp.source_port(), udp.destination_port(), 0, 0)),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn where_two_decoders_find_ports_they_find_the_same(
        which in 0_usize..6,
        changes in proptest::collection::vec((0_usize..90, any::<u8>()), 0..4),
        keep in 40_usize..200,
    ) {
        let mut frame = match which {
            0 => ethernet(0x0800, &ipv4(6, &tcp(0x12, 77, &[5; 30]))),
            1 => ethernet(0x0800, &ipv4(17, &udp(53, &[5; 30]))),
            2 => ethernet(0x86DD, &ipv6(6, &tcp(0x02, 77, &[5; 30]))),
            3 => ethernet(0x86DD, &ipv6(0, &[&[60, 0][..], &[0; 6], &[17, 0], &[0; 6], &udp(53, b"abc")].concat())),
            4 => tagged(&[(0x8100, 9), (0x8100, 10)], 0x0800, &ipv4(6, &tcp(0x11, 77, b"abc"))),
            _ => ethernet(0x86DD, &ipv6(44, &[&[6, 0, 0, 0, 0, 0, 0, 1][..], &tcp(0x02, 77, b"abc")].concat())),
        };
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        frame.truncate(keep);
        let (seen, packet) = decode_as(1, &frame, false);
        prop_assert_eq!(packet.is_some(), matches!(seen, Seen::Ip { .. }));
        let ours = packet
            .filter(|packet| matches!(packet.transport, Transport::TCP | Transport::UDP))
            .map(|packet| (packet.source.port, packet.destination.port, packet.seq, packet.flags));
        if let (Some(ours), Some(theirs)) = (ours, theirs(&frame)) {
            prop_assert_eq!(ours, theirs);
        }
    }
}

#[test]
fn the_two_decoders_do_meet() {
    let frame = ethernet(0x0800, &ipv4(6, &tcp(0x12, 77, b"abc")));
    assert_eq!(theirs(&frame), Some((40_000, 443, 77, 0x12)));
}
