//! Frames: Ethernet, VLAN tags, ARP, IPv4 and IPv6, TCP, UDP, ICMP, magic packets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A hardware address.
pub type Mac = [u8; 6];
/// The Ethernet broadcast address.
pub const BROADCAST: Mac = [0xff; 6];

/// TCP flag bits (RFC 9293 3.1).
pub mod flags {
    /// FIN.
    pub const FIN: u8 = 0x01;
    /// SYN.
    pub const SYN: u8 = 0x02;
    /// RST.
    pub const RST: u8 = 0x04;
    /// PSH.
    pub const PSH: u8 = 0x08;
    /// ACK.
    pub const ACK: u8 = 0x10;
    /// URG.
    pub const URG: u8 = 0x20;
}

/// The Ethernet header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Source.
    pub source: Mac,
    /// Destination.
    pub destination: Mac,
    /// VLAN ids, outermost first (IEEE 802.1Q).
    pub vlans: Vec<u16>,
}

/// The parts of an IP header that differ between packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// Source.
    pub source: IpAddr,
    /// Destination, of the same family.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// IPv4 identification; low 16 bits of the IPv6 flow label.
    pub id: u16,
}

/// A TCP segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flag bits.
    pub flags: u8,
    /// Window.
    pub window: u16,
    /// Options, padded to a multiple of four by the writer.
    pub options: Vec<u8>,
    /// Payload.
    pub payload: Vec<u8>,
}

/// Options of a Windows SYN: MSS 1460, window scale 8, SACK permitted.
pub const WINDOWS_SYN_OPTIONS: [u8; 12] = [2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2];

/// An Ethernet frame with this payload, padded to the 60 bytes a capture shows.
pub fn ethernet(link: &Link, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 22);
    frame.extend(link.destination);
    frame.extend(link.source);
    for vlan in &link.vlans {
        frame.extend(0x8100_u16.to_be_bytes());
        frame.extend((vlan & 0x0fff).to_be_bytes());
    }
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    if frame.len() < 60 {
        frame.resize(60, 0);
    }
    frame
}

/// An IP packet in an Ethernet frame.
pub fn packet(link: &Link, ip: &Ip, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let ether_type = if ip.source.is_ipv4() { 0x0800 } else { 0x86dd };
    ethernet(link, ether_type, &ip_packet(ip, protocol, payload))
}

/// An IP packet alone, as ICMP errors embed it.
pub fn ip_packet(ip: &Ip, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 40);
    match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend([0x45, 0]);
            bytes.extend(u16_of(20 + payload.len()).to_be_bytes());
            bytes.extend(ip.id.to_be_bytes());
            bytes.extend([0x40, 0, ip.ttl, protocol, 0, 0]);
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
            let sum = checksum(&[&bytes]);
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        (source, destination) => {
            bytes.extend([0x60, 0]);
            bytes.extend(ip.id.to_be_bytes());
            bytes.extend(u16_of(payload.len()).to_be_bytes());
            bytes.extend([protocol, ip.ttl]);
            bytes.extend(v6(source));
            bytes.extend(v6(destination));
        }
    }
    bytes.extend(payload);
    bytes
}

/// A TCP segment in a frame.
pub fn tcp(link: &Link, ip: &Ip, segment: &Tcp) -> Vec<u8> {
    packet(link, ip, 6, &tcp_segment(ip, segment))
}

/// A TCP segment alone.
pub fn tcp_segment(ip: &Ip, segment: &Tcp) -> Vec<u8> {
    let mut options = segment.options.clone();
    options.resize(options.len().next_multiple_of(4).min(40), 1);
    let mut bytes = Vec::with_capacity(20 + options.len() + segment.payload.len());
    bytes.extend(segment.source.to_be_bytes());
    bytes.extend(segment.destination.to_be_bytes());
    bytes.extend(segment.seq.to_be_bytes());
    bytes.extend(segment.ack.to_be_bytes());
    bytes.push(u8::try_from((20 + options.len()) / 4).unwrap_or(15) << 4);
    bytes.push(segment.flags);
    bytes.extend(segment.window.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(options);
    bytes.extend(&segment.payload);
    let sum = checksum(&[&pseudo_header(ip, 6, bytes.len()), &bytes]);
    bytes[16..18].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// A UDP datagram in a frame.
pub fn udp(link: &Link, ip: &Ip, source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    packet(
        link,
        ip,
        17,
        &udp_datagram(ip, source, destination, payload),
    )
}

/// A UDP datagram alone.
pub fn udp_datagram(ip: &Ip, source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + payload.len());
    bytes.extend(source.to_be_bytes());
    bytes.extend(destination.to_be_bytes());
    bytes.extend(u16_of(8 + payload.len()).to_be_bytes());
    bytes.extend([0; 2]);
    bytes.extend(payload);
    let sum = match checksum(&[&pseudo_header(ip, 17, bytes.len()), &bytes]) {
        // Zero means "no checksum" (RFC 768).
        0 => 0xffff,
        sum => sum,
    };
    bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// An ICMP or ICMPv6 message; `rest` begins with the four bytes after the checksum.
pub fn icmp(link: &Link, ip: &Ip, kind: u8, code: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(rest);
    let protocol = if ip.source.is_ipv4() { 1 } else { 58 };
    let sum = match ip.source {
        IpAddr::V4(_) => checksum(&[&bytes]),
        IpAddr::V6(_) => checksum(&[&pseudo_header(ip, 58, bytes.len()), &bytes]),
    };
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    packet(link, ip, protocol, &bytes)
}

/// An ICMP error about `refused`, an IP packet; IPv4 embeds its header and eight bytes (RFC 792),
/// IPv6 as much as fits (RFC 4443).
pub fn icmp_error(link: &Link, ip: &Ip, kind: u8, code: u8, refused: &[u8]) -> Vec<u8> {
    let keep = if ip.source.is_ipv4() { 28 } else { 1232 };
    let mut rest = vec![0; 4];
    rest.extend(&refused[..refused.len().min(keep)]);
    icmp(link, ip, kind, code, &rest)
}

/// An ARP request (`reply` false) or reply over Ethernet (RFC 826).
pub fn arp(link: &Link, reply: bool, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Vec<u8> {
    let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, if reply { 2 } else { 1 }];
    bytes.extend(sender.0);
    bytes.extend(sender.1.octets());
    bytes.extend(target.0);
    bytes.extend(target.1.octets());
    ethernet(link, 0x0806, &bytes)
}

/// A neighbour solicitation (RFC 4861 4.3) from the segment to the solicited-node group of `target`.
pub fn solicitation(asker: (Mac, Ipv6Addr), target: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = target.octets();
    let group = Ipv6Addr::new(
        0xff02,
        0,
        0,
        0,
        0,
        1,
        0xff00 | u16::from(a),
        u16::from_be_bytes([b, c]),
    );
    let to = ([0x33, 0x33, 0xff, a, b, c], group);
    neighbour(asker, to, 135, 0, target)
}

/// The advertisement that answers it (RFC 4861 4.4), sent to the asker alone.
pub fn advertisement(owner: (Mac, Ipv6Addr), asker: (Mac, Ipv6Addr)) -> Vec<u8> {
    // Solicited, and to be taken over what was known.
    neighbour(owner, asker, 136, 0x60, owner.1)
}

fn neighbour(
    from: (Mac, Ipv6Addr),
    to: (Mac, Ipv6Addr),
    kind: u8,
    flags: u8,
    target: Ipv6Addr,
) -> Vec<u8> {
    let link = Link {
        source: from.0,
        destination: to.0,
        vlans: Vec::new(),
    };
    let ip = Ip {
        source: IpAddr::V6(from.1),
        destination: IpAddr::V6(to.1),
        ttl: 255,
        id: 0,
    };
    let mut rest = vec![flags, 0, 0, 0];
    rest.extend(target.octets());
    rest.extend([if kind == 135 { 1 } else { 2 }, 1]);
    rest.extend(from.0);
    icmp(&link, &ip, kind, 0, &rest)
}

/// The pattern of a magic packet: six 0xFF, the target `repetitions` times (16 in a true one), and
/// a SecureOn password of 0, 4 or 6 bytes.
pub fn magic_pattern(target: Mac, repetitions: usize, password: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff; 6];
    (0..repetitions).for_each(|_| bytes.extend(target));
    bytes.extend(password);
    bytes
}

/// The Internet checksum (RFC 1071) over the parts as if they were one; all but the last have an
/// even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u32 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([
                pair[0],
                pair.get(1).copied().unwrap_or(0),
            ]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !((sum & 0xffff) as u16)
}

fn pseudo_header(ip: &Ip, protocol: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend(source.octets());
            bytes.extend(destination.octets());
            bytes.extend([0, protocol]);
            bytes.extend(u16_of(length).to_be_bytes());
        }
        (source, destination) => {
            bytes.extend(v6(source));
            bytes.extend(v6(destination));
            bytes.extend(u32::from(u16_of(length)).to_be_bytes());
            bytes.extend([0, 0, 0, protocol]);
        }
    }
    bytes
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(a) => a.to_ipv6_mapped().octets(),
        IpAddr::V6(a) => a.octets(),
    }
}

fn u16_of(length: usize) -> u16 {
    u16::try_from(length).expect("a packet longer than IP can carry")
}
