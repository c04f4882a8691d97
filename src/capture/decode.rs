//! From link type and bytes to a `Packet`: reads just what attempts need, and stops there.
//!
//! Written by hand for two reasons: it runs for every packet, and 14 bytes of a TCP header are
//! enough here while general decoders want all of it. Checksums are never checked: a capture taken
//! on the sending host has wrong ones. Of a packet that carries another one, that one is read.

use super::answers::answers;
use super::fcs;
use super::frame::{Frame, Memory, Seen};
use super::link::{self, Network};
use super::naming;
use super::packet::{Extra, Packet, flags};
use super::split::NEEDED;
use super::tunnel::{self, Inside, Opened};
use super::{dns, icmp, refusal, segment, shape, wake};
use crate::model::payload::Shape;
use crate::model::wake::{WakeCarrier, WakeSignal};
use crate::model::{Endpoint, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads one frame and appends its packet, if it has one, to `out`.
#[inline]
pub(super) fn decode(frame: &Frame<'_>, memory: &mut Memory, out: &mut Vec<Packet>) -> Seen {
    let data = frame.data;
    let layers = match link::peel(frame.link, data) {
        Ok(layers) => layers,
        Err(link::Stop::Short) => return short(frame.cut),
        Err(link::Stop::Malformed) => return Seen::Malformed,
        Err(link::Stop::Unsupported) => return Seen::OtherLink,
    };
    let Some(payload) = data.get(layers.at..) else {
        return short(frame.cut);
    };
    match layers.network {
        Network::V4 => v4(frame, &layers, payload, memory, out),
        Network::V6 => v6(frame, &layers, payload, memory, out),
        Network::Other(link::ARP) => {
            let (announcement, talk) = (naming::arp(payload), segment::arp(payload));
            if announcement.is_some() || talk.is_some() {
                let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                let mut packet = blank(frame, &layers, nowhere, nowhere, Transport(0));
                packet.extra = Some(Box::new(Extra::Segment(announcement, talk)));
                out.push(packet);
            }
            Seen::NotIp
        }
        Network::Other(ether_type) => {
            let carrier = match ether_type {
                link::WAKE => WakeCarrier::Ethernet,
                other => WakeCarrier::Other(other),
            };
            if let Some(signal) =
                signal(frame, &layers, layers.at, payload, frame.cut, carrier, None)
            {
                let nowhere = Endpoint {
                    address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    port: 0,
                };
                let mut packet = blank(
                    frame,
                    &layers,
                    nowhere.address,
                    nowhere.address,
                    Transport(0),
                );
                packet.extra = Some(Box::new(Extra::Wake(signal)));
                out.push(packet);
            }
            // Readers of anything else below IP get `payload` here and fill a packet the same way.
            Seen::NotIp
        }
    }
}

/// A frame that ends too early: the capture's doing, or the sender's.
fn short(cut: bool) -> Seen {
    if cut { Seen::Cut } else { Seen::Malformed }
}

/// The same of an IP header: what shows another version is none.
#[cold]
fn too_short(ip: &[u8], version: u8, cut: bool) -> Seen {
    match ip.first() {
        Some(first) if first >> 4 != version => Seen::Malformed,
        _ => short(cut),
    }
}

fn blank(
    frame: &Frame<'_>,
    layers: &link::Layers,
    from: IpAddr,
    to: IpAddr,
    transport: Transport,
) -> Packet {
    Packet {
        time: frame.time,
        number: frame.number,
        offset: frame.offset,
        source: Endpoint {
            address: from,
            port: 0,
        },
        destination: Endpoint {
            address: to,
            port: 0,
        },
        transport,
        flags: 0,
        ttl: 0,
        ip_id: 0,
        interface: frame.interface,
        vlan: layers.vlan,
        seq: 0,
        ack: 0,
        payload: 0,
        checksum: 0,
        pid: frame.pid,
        first_fragment: false,
        cut: false,
        inside: frame.inside.0 > 0,
        shape: Shape::None,
        extra: None,
    }
}

/// RFC 791 3.1.
#[inline]
fn v4(
    frame: &Frame<'_>,
    layers: &link::Layers,
    ip: &[u8],
    memory: &mut Memory,
    out: &mut Vec<Packet>,
) -> Seen {
    let Some(fixed) = ip.first_chunk::<20>() else {
        return too_short(ip, 4, frame.cut);
    };
    let header = usize::from(fixed[0] & 0x0F) * 4;
    if fixed[0] >> 4 != 4 || header < 20 {
        return Seen::Malformed;
    }
    let total = match usize::from(be16(fixed, 2)) {
        // The sender's network card fills the length in (segmentation offload): 0 is normal.
        0 => ip.len(),
        total => total,
    };
    if total < header {
        return Seen::Malformed;
    }
    let fragment = be16(fixed, 6);
    let place = usize::from(fragment & 0x1FFF) * 8;
    if place != 0 && !(Transport(fixed[9]) == Transport::TCP && memory.split.waits_at(place)) {
        return Seen::LaterFragment;
    }
    let snapped = total > ip.len();
    let Some(body) = ip.get(header..total.min(ip.len())) else {
        return short(snapped);
    };
    let from = Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]);
    let to = Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]);
    let mut packet = blank(
        frame,
        layers,
        IpAddr::V4(from),
        IpAddr::V4(to),
        Transport(fixed[9]),
    );
    packet.ttl = fixed[8];
    packet.ip_id = be16(fixed, 4);
    let key = (from, to, packet.ip_id);
    if place != 0 {
        return memory.split.go_on(key, place, body, packet, out);
    }
    packet.first_fragment = fragment & 0x2000 != 0;
    if packet.first_fragment
        && packet.transport == Transport::TCP
        && !snapped
        && body.len() < NEEDED
    {
        memory.split.begin(key, body, frame.offset);
        return Seen::LaterFragment;
    }
    transport(
        frame,
        layers,
        packet,
        (layers.at + header, body),
        total - header,
        memory,
        out,
    )
}

/// RFC 8200 3 and 4.
#[inline]
fn v6(
    frame: &Frame<'_>,
    layers: &link::Layers,
    ip: &[u8],
    memory: &mut Memory,
    out: &mut Vec<Packet>,
) -> Seen {
    let Some(fixed) = ip.first_chunk::<40>() else {
        return too_short(ip, 6, frame.cut);
    };
    if fixed[0] >> 4 != 6 {
        return Seen::Malformed;
    }
    let captured = ip.len() - 40;
    let total = match usize::from(be16(fixed, 4)) {
        // Segmentation offload, or a jumbogram (RFC 2675).
        0 => captured,
        total => total,
    };
    let snapped = total > captured;
    let visible = &ip[40..40 + total.min(captured)];
    let walk = match link::extensions(fixed[6], visible) {
        Ok(walk) => walk,
        Err(link::Stop::Short) => return short(snapped),
        Err(_) => return Seen::Malformed,
    };
    if walk.later_fragment {
        return Seen::LaterFragment;
    }
    let Some(body) = visible.get(walk.at..) else {
        return short(snapped);
    };
    let (from, to) = (v6_address(fixed, 8), v6_address(fixed, 24));
    let mut packet = blank(frame, layers, from, to, Transport(walk.protocol));
    packet.ttl = fixed[7];
    packet.ip_id = be16(fixed, 2);
    packet.first_fragment = walk.first_fragment;
    transport(
        frame,
        layers,
        packet,
        (layers.at + 40 + walk.at, body),
        total - walk.at,
        memory,
        out,
    )
}

fn v6_address(fixed: &[u8; 40], at: usize) -> IpAddr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&fixed[at..at + 16]);
    IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
}

/// Reads the begin of a TCP header (RFC 9293 3.1; the flags are in byte 13) of a segment that is `length` long,
/// and returns how long the header is; `None` for none that can be.
#[inline]
pub(super) fn tcp_header(packet: &mut Packet, tcp: &[u8; NEEDED], length: usize) -> Option<usize> {
    let header = usize::from(tcp[12] >> 4) * 4;
    if header < 20 || (header > length && !packet.first_fragment) {
        return None;
    }
    packet.source.port = be16(tcp, 0);
    packet.destination.port = be16(tcp, 2);
    packet.seq = be32(tcp, 4);
    packet.ack = be32(tcp, 8);
    packet.flags = tcp[13];
    packet.payload = length.saturating_sub(header) as u32;
    Some(header)
}

/// `body` is what is captured of the IP payload, with where it starts in the frame; `length` is its
/// length by the IP header.
#[inline]
fn transport(
    frame: &Frame<'_>,
    layers: &link::Layers,
    mut packet: Packet,
    (at, body): (usize, &[u8]),
    length: usize,
    memory: &mut Memory,
    out: &mut Vec<Packet>,
) -> Seen {
    let snapped = length > body.len();
    let other = WakeCarrier::Other(u16::from(packet.transport.0));
    let mut search = Some((0, other));
    match packet.transport {
        Transport::TCP => {
            let Some(tcp) = body.first_chunk::<NEEDED>() else {
                return short(snapped);
            };
            let Some(header) = tcp_header(&mut packet, tcp, length) else {
                return Seen::Malformed;
            };
            packet.cut = header > body.len();
            if packet.flags & flags::SYN != 0 && header > 20 {
                let options = &body[20.min(body.len())..header.min(body.len())];
                if fast_open(options) {
                    packet.extra = Some(Box::new(Extra::FastOpen));
                }
            }
            search = Some((header, WakeCarrier::Tcp(packet.destination.port)));
            if packet.payload > 0 && packet.flags & flags::RST == 0 {
                let payload = body.get(header..).unwrap_or(&[]);
                packet.shape = shape::shape(payload, true);
                let ends = (packet.source, packet.destination);
                let syn = u32::from(packet.flags & flags::SYN != 0);
                let seq = packet.seq.wrapping_add(syn);
                let name = memory
                    .names
                    .read(payload, packet.shape, ends, seq, !snapped);
                if let (Some(name), None) = (name, &packet.extra) {
                    packet.extra = Some(Box::new(Extra::Named(name)));
                }
            }
        }
        Transport::UDP => {
            // RFC 768. The IP length is the honest one: the UDP length may be 0 or wrong.
            let Some(udp) = body.first_chunk::<4>() else {
                return short(snapped);
            };
            packet.source.port = be16(udp, 0);
            packet.destination.port = be16(udp, 2);
            packet.payload = length.saturating_sub(8) as u32;
            // Of a first fragment only the datagram's own length says how long all of it is.
            if let (true, Some(udp)) = (packet.first_fragment, body.first_chunk::<6>()) {
                let whole = u32::from(be16(udp, 4)).saturating_sub(8);
                packet.payload = packet.payload.max(whole);
            }
            packet.cut = body.len() < 8 && snapped;
            packet.checksum = body.first_chunk::<8>().map_or(0, |udp| be16(udp, 6));
            search = Some((8, WakeCarrier::Udp(packet.destination.port)));
            let payload = body.get(8..).unwrap_or(&[]);
            if let Some(inside) = tunnel::by_port(packet.destination.port, payload, packet.payload)
            {
                let outer = (&packet, at + 8, payload, snapped);
                if let Some(seen) = open(frame, outer, &inside, memory, out) {
                    return seen;
                }
            }
            packet.shape = shape::shape(payload, false);
            let ports = (packet.source.port, packet.destination.port);
            if answers(ports, payload, packet.payload) {
                packet.flags = flags::ANSWERS;
            }
            if packet.source.port == dns::PORT {
                let (server, client) = (packet.source, packet.destination);
                let cut = snapped || packet.first_fragment;
                if let Some(told) = dns::answer(payload, server, client, cut) {
                    packet.extra = Some(Box::new(Extra::Resolution(told)));
                }
            } else if naming::is_spoken_from(packet.source.port) {
                let (mac, _) = link::hardware_addresses(frame.link, frame.data);
                packet.extra = naming::of_datagram(&packet, mac, body.get(8..)).map(Box::new);
            }
        }
        Transport::ICMP | Transport::ICMPV6 => {
            packet.payload = length.saturating_sub(8) as u32;
            packet.cut = body.len() < 8 && snapped;
            if body
                .first()
                .is_some_and(|kind| !icmp::asks(packet.transport, *kind))
            {
                // An error quotes what it refuses, an answer what it was asked: neither sends a signal.
                search = None;
            }
            let from = packet.source.address;
            if let Some(header) = refusal::embedded(packet.transport, from, body) {
                packet.extra = Some(Box::new(Extra::Refusal(header)));
            } else {
                let announcement = match packet.transport {
                    Transport::ICMPV6 => naming::neighbour_discovery(from, packet.ttl, body),
                    _ => None,
                };
                let talk = segment::discovery(&packet, body, || {
                    link::hardware_addresses(frame.link, frame.data).0
                });
                if announcement.is_some() || talk.is_some() {
                    packet.extra = Some(Box::new(Extra::Segment(announcement, talk)));
                } else {
                    icmp::enter(&mut packet, body);
                }
            }
        }
        // SCTP, DCCP and UDP-Lite begin with the ports as UDP does.
        Transport(132 | 33 | 136) => {
            let Some(ports) = body.first_chunk::<4>() else {
                return short(snapped);
            };
            packet.source.port = be16(ports, 0);
            packet.destination.port = be16(ports, 2);
            packet.payload = length as u32;
        }
        Transport(protocol) => {
            packet.payload = length as u32;
            if let Some(inside) = tunnel::by_protocol(protocol, body) {
                let outer = (&packet, at, body, snapped);
                if let Some(seen) = open(frame, outer, &inside, memory, out) {
                    return seen;
                }
            }
        }
    }
    // A pattern in a TCP stream is no signal by itself, and leaves what else the segment tells.
    let search = search.filter(|_| packet.transport != Transport::TCP || packet.extra.is_none());
    if let Some((skip, carrier)) = search
        && let Some(content) = body.get(skip..)
    {
        let ends = Some((packet.source, packet.destination));
        if let Some(signal) = signal(frame, layers, at + skip, content, snapped, carrier, ends) {
            packet.extra = Some(Box::new(Extra::Wake(signal)));
        }
    }
    out.push(packet);
    Seen::Ip { snapped }
}

/// Reads the packet inside `outer`: that packet, where its payload starts in the frame, the payload, and
/// whether some of it is missing. `None` if there is none that makes sense; then `outer` is the packet.
#[cold]
#[inline(never)]
fn open(
    frame: &Frame<'_>,
    (outer, at, payload, snapped): (&Packet, usize, &[u8], bool),
    inside: &Inside,
    memory: &mut Memory,
    out: &mut Vec<Packet>,
) -> Option<Seen> {
    let (depth, start) = frame.inside;
    if depth == tunnel::MOST_NESTED {
        return None;
    }
    let within = Frame {
        link: inside.link,
        data: payload.get(inside.at..)?,
        cut: frame.cut || snapped,
        inside: (depth + 1, start + at + inside.at),
        ..*frame
    };
    let before = out.len();
    let seen = decode(&within, memory, out);
    let partly = frame.cut || snapped;
    let is_one = match seen {
        Seen::Malformed | Seen::OtherLink => false,
        // If all around it is there, this is no packet that was cut.
        Seen::Cut => partly,
        // What makes no packet must at least be a frame of a kind that is known.
        Seen::NotIp => out.len() > before || link::is_of_a_segment(inside.link, within.data),
        Seen::Ip { .. } | Seen::LaterFragment => true,
    };
    if !is_one {
        return None;
    }
    if seen != Seen::Cut {
        memory.tunnels.opened.push(Opened {
            kind: inside.kind,
            from: outer.source.address,
            to: outer.destination.address,
        });
    }
    Some(seen)
}

/// True if the TCP options hold Fast Open: kind 34 (RFC 7413), or 254 with its experiment number.
fn fast_open(mut options: &[u8]) -> bool {
    loop {
        match *options {
            [] | [0, ..] => return false,
            [1, ref rest @ ..] => options = rest,
            [34, ..] => return true,
            [254, length, 0xF9, 0x89, ..] if length >= 4 => return true,
            [_, length, ..] if length >= 2 && usize::from(length) <= options.len() => {
                options = &options[usize::from(length)..];
            }
            _ => return false,
        }
    }
}

/// Looks for a magic packet in `content`, which starts at `at` in the frame.
#[inline]
fn signal(
    frame: &Frame<'_>,
    layers: &link::Layers,
    at: usize,
    content: &[u8],
    cut: bool,
    carrier: WakeCarrier,
    ends: Option<(Endpoint, Endpoint)>,
) -> Option<WakeSignal> {
    let mut pattern = wake::find(content, cut)?;
    // Some captures keep the frame check sequence, which nothing but its value tells from a password.
    let whole = !cut && frame.inside.0 == 0 && frame.data.len() == at + content.len();
    if let Some(shorter) = content.len().checked_sub(fcs::LENGTH).filter(|_| whole)
        && fcs::ends(frame.data)
    {
        pattern = wake::find(&content[..shorter], cut).unwrap_or(pattern);
    }
    let (sender_mac, mac_to) = link::hardware_addresses(frame.link, frame.data);
    Some(WakeSignal {
        target: pattern.target,
        sender_mac,
        sender: ends.map(|(sender, _)| sender),
        sent_to: ends.map(|(_, sent_to)| sent_to),
        mac_to,
        carrier,
        pattern_offset: (frame.inside.1 + at + pattern.offset) as u32,
        repetitions: pattern.repetitions,
        password_len: pattern.password_len,
        password_digest: pattern.password_digest,
        password: 0,
        vlan: layers.vlan,
        copies: 1,
        copy_packets: Vec::new(),
    })
}

#[inline]
fn be16<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[inline]
fn be32<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
