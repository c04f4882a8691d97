//! An independent parser reads the frames and agrees with every checksum.

use casewire_lab::pcap::frame::{self, Ip, Link, Tcp, flags};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use std::net::{IpAddr, Ipv6Addr};

fn link() -> Link {
    Link {
        source: [2, 0, 0, 0, 0, 1],
        destination: [2, 0, 0, 0, 0, 2],
        vlans: vec![],
    }
}

fn ip(source: &str, destination: &str) -> Ip {
    let parse = |text: &str| text.parse::<IpAddr>().unwrap();
    Ip {
        source: parse(source),
        destination: parse(destination),
        ttl: 128,
        id: 7,
    }
}

const PAIRS: [(&str, &str); 2] = [("10.0.0.5", "198.51.100.7"), ("2001:db8::5", "2001:db8::7")];

#[test]
fn tcp_and_udp_checksums_are_right_in_both_families() {
    for (source, destination) in PAIRS {
        let ip = ip(source, destination);
        let segment = Tcp {
            source: 49_700,
            destination: 7000,
            seq: 0xdead_beef,
            flags: flags::SYN,
            window: 64_240,
            options: frame::WINDOWS_SYN_OPTIONS.to_vec(),
            payload: b"odd".to_vec(),
            ..Tcp::default()
        };
        let bytes = frame::tcp(&link(), &ip, &segment);
        let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
        let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
            panic!("no tcp")
        };
        assert_eq!(
            (tcp.source_port(), tcp.destination_port(), tcp.syn()),
            (49_700, 7000, true)
        );
        assert_eq!(tcp.sequence_number(), 0xdead_beef);
        assert_eq!(tcp.payload(), b"odd");
        let expected = match &packet.net {
            Some(NetSlice::Ipv4(v4)) => {
                let header = v4.header().to_header();
                assert_eq!(header.header_checksum, header.calc_header_checksum());
                tcp.to_header()
                    .calc_checksum_ipv4(&header, tcp.payload())
                    .unwrap()
            }
            Some(NetSlice::Ipv6(v6)) => tcp
                .to_header()
                .calc_checksum_ipv6(&v6.header().to_header(), tcp.payload())
                .unwrap(),
            _ => panic!("no ip"),
        };
        assert_eq!(tcp.checksum(), expected);

        let bytes = frame::udp(&link(), &ip, 40_000, 62_201, &[0; 141]);
        let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
        let Some(TransportSlice::Udp(udp)) = &packet.transport else {
            panic!("no udp")
        };
        let expected = match &packet.net {
            Some(NetSlice::Ipv4(v4)) => udp
                .to_header()
                .calc_checksum_ipv4(&v4.header().to_header(), udp.payload())
                .unwrap(),
            Some(NetSlice::Ipv6(v6)) => udp
                .to_header()
                .calc_checksum_ipv6(&v6.header().to_header(), udp.payload())
                .unwrap(),
            _ => panic!("no ip"),
        };
        assert_eq!(udp.checksum(), expected);
    }
}

#[test]
fn an_icmp_error_embeds_the_start_of_what_it_refuses() {
    for (source, destination) in PAIRS {
        let there = ip(source, destination);
        let back = ip(destination, source);
        let refused = frame::ip_packet(&there, 17, &frame::udp_datagram(&there, 40_000, 500, &[0]));
        let (kind, code) = if there.source.is_ipv4() {
            (3, 3)
        } else {
            (1, 4)
        };
        let bytes = frame::icmp_error(&link(), &back, kind, code, &refused);
        let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
        match packet.transport {
            Some(TransportSlice::Icmpv4(icmp)) => {
                assert_eq!((icmp.type_u8(), icmp.code_u8()), (3, 3));
                assert_eq!(icmp.payload()[20..24], [0x9c, 0x40, 0x01, 0xf4]);
                assert_eq!(
                    icmp.header().checksum,
                    icmp.icmp_type().calc_checksum(icmp.payload())
                );
            }
            Some(TransportSlice::Icmpv6(icmp)) => {
                assert_eq!((icmp.type_u8(), icmp.code_u8()), (1, 4));
                assert_eq!(icmp.payload()[40..44], [0x9c, 0x40, 0x01, 0xf4]);
            }
            _ => panic!("no icmp"),
        }
    }
}

#[test]
fn neighbours_ask_the_group_of_their_target_and_answer_the_asker_alone() {
    let (asker, owner) = (
        ([2, 0, 0, 0, 0, 1], "fd00::5".parse().unwrap()),
        ([2, 0, 0, 0, 0, 2], "fd00::1:2345".parse().unwrap()),
    );
    let asked = frame::solicitation(asker, owner.1);
    assert_eq!(asked[..6], [0x33, 0x33, 0xff, 0x01, 0x23, 0x45]);
    let answer = frame::advertisement(owner, asker);
    assert_eq!(answer[..6], asker.0);
    for (bytes, kind, to) in [
        (&asked, 135, "ff02::1:ff01:2345"),
        (&answer, 136, "fd00::5"),
    ] {
        let packet = SlicedPacket::from_ethernet(bytes).unwrap();
        let Some(NetSlice::Ipv6(ip)) = &packet.net else {
            panic!("no IPv6")
        };
        let header = ip.header();
        assert_eq!(header.hop_limit(), 255, "else nobody believes it");
        assert_eq!(header.destination_addr(), to.parse::<Ipv6Addr>().unwrap());
        let Some(TransportSlice::Icmpv6(icmp)) = &packet.transport else {
            panic!("no ICMPv6")
        };
        assert_eq!(icmp.type_u8(), kind);
        assert!(icmp.is_checksum_valid(header.source(), header.destination()));
        assert_eq!(bytes[62..78], owner.1.octets(), "the target");
    }
}

#[test]
fn vlan_tags_and_arp_are_where_they_belong() {
    let tagged = Link {
        vlans: vec![30, 40],
        ..link()
    };
    let sender = ([2, 0, 0, 0, 0, 1], "10.0.0.1".parse().unwrap());
    let bytes = frame::arp(
        &tagged,
        false,
        sender,
        ([0; 6], "10.0.0.9".parse().unwrap()),
    );
    assert_eq!(bytes[12..20], [0x81, 0, 0, 30, 0x81, 0, 0, 40]);
    assert_eq!(bytes[20..22], [0x08, 0x06]);
    assert_eq!(bytes.len(), 60);
}
