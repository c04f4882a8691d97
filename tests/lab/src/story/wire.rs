//! What connection attempts and datagrams put on the wire.

use super::cast::{Carrying, End, FlowLine, Outcome};
use super::tcp::tcp;
use super::world::{World, is_internal};
use crate::moment::SECOND;
use crate::pcap::frame::{self, Ip, Link};
use crate::pcap::speech::{self, Turn};
use crate::seed;
use std::net::IpAddr;

pub(super) const MICROSECOND: i64 = 1000;

/// A flow with everything decided: addresses, ports, times. Consequences in the logs need it too.
pub(super) struct Flow {
    pub(super) client: (usize, IpAddr, u16),
    pub(super) server: (usize, IpAddr, u16),
    /// True moments of the SYNs or first datagrams.
    pub(super) tries: Vec<i64>,
    /// True moment of the last packet.
    pub(super) end: i64,
}
/// Puts a TCP or UDP line on the wire.
pub(super) fn flow(world: &mut World<'_>, at: i64, line: &FlowLine) -> Flow {
    let client = endpoint(world, &line.from, &line.to);
    let server = endpoint(world, &line.to, &line.from);
    let client_port = match line.from.port {
        Some(port) => port,
        None => world.client_port(client.0),
    };
    let flow = Flow {
        client: (client.0, client.1, client_port),
        server: (server.0, server.1, line.port),
        tries: Vec::new(),
        end: at,
    };
    if line.protocol == 17 {
        udp(world, at, line, flow)
    } else {
        tcp(world, at, line, flow)
    }
}

/// The address of one end, of the family of the other.
pub(super) fn endpoint(world: &World<'_>, end: &End, peer: &End) -> (usize, IpAddr) {
    let address = end.address.unwrap_or_else(|| {
        let peer_v6 = peer.address.map(|a| a.is_ipv6());
        let own = &world.hosts[end.host].addresses;
        let theirs = &world.hosts[peer.host].addresses;
        let v6 = peer_v6.unwrap_or_else(|| {
            let both_v4 = own.iter().any(IpAddr::is_ipv4) && theirs.iter().any(IpAddr::is_ipv4);
            !both_v4
        });
        world.address(end.host, v6)
    });
    (end.host, address)
}

pub(super) fn round_trip(world: &World<'_>, line: &FlowLine, flow: &Flow) -> i64 {
    line.round_trip.unwrap_or_else(|| {
        let near = is_internal(flow.client.1) && is_internal(flow.server.1);
        let range = if near { (350, 900) } else { (18_000, 26_000) };
        world.chance(range.0, range.1, "rtt") * MICROSECOND
    })
}
/// Frames a packet of the flow and sends it; a hairpin shows it a second time, tagged.
pub(super) fn deliver(
    world: &mut World<'_>,
    line: &FlowLine,
    flow: &Flow,
    at: i64,
    from_client: bool,
    frame: &dyn Fn(&Link, &Ip) -> Vec<u8>,
) {
    let (from, to) = if from_client {
        (flow.client, flow.server)
    } else {
        (flow.server, flow.client)
    };
    let given = if from_client {
        line.ttl
    } else {
        line.answer_ttl
    };
    let ttl = given.unwrap_or_else(|| world.ttl(from.0, to.1));
    let ip = Ip {
        source: from.1,
        destination: to.1,
        ttl,
        id: world.ip_id(from.0),
    };
    let link = world.link((from.0, from.1), (to.0, to.1), line.vlan);
    let bytes = frame(&link, &ip);
    world.send(at, from.0, Some(to.0), bytes);
    if let Some(vlan) = line.hairpin {
        let tagged = Link {
            vlans: vec![vlan],
            ..link
        };
        let again = Ip { ttl: ttl - 1, ..ip };
        world.send(
            at + 31 * MICROSECOND,
            from.0,
            Some(to.0),
            frame(&tagged, &again),
        );
    }
}

/// An ICMP error about a packet of the flow.
pub(super) fn refuse(
    world: &mut World<'_>,
    line: &FlowLine,
    flow: &Flow,
    at: i64,
    (kind, code, from): (u8, u8, Option<usize>),
    refused: &dyn Fn(&Ip) -> (u8, Vec<u8>),
) {
    let v6 = flow.client.1.is_ipv6();
    let (host, source) = from.map_or((flow.server.0, flow.server.1), |h| {
        (h, world.address(h, v6))
    });
    // The refused packet as it arrived: some hops older.
    let ttl = line
        .ttl
        .unwrap_or_else(|| world.ttl(flow.client.0, flow.server.1));
    let there = Ip {
        source: flow.client.1,
        destination: flow.server.1,
        ttl: (ttl / 2).max(1),
        id: 0,
    };
    let (protocol, body) = refused(&there);
    let embedded = frame::ip_packet(&there, protocol, &body);
    let ttl = line
        .answer_ttl
        .unwrap_or_else(|| world.ttl(host, flow.client.1));
    let ip = Ip {
        source,
        destination: flow.client.1,
        ttl,
        id: world.ip_id(host),
    };
    let link = world.link((host, source), (flow.client.0, flow.client.1), line.vlan);
    let bytes = frame::icmp_error(&link, &ip, kind, code, &embedded);
    world.send(at, host, Some(flow.client.0), bytes);
}

fn udp(world: &mut World<'_>, at: i64, line: &FlowLine, mut flow: Flow) -> Flow {
    let rtt = round_trip(world, line, &flow);
    let (up, down) = line.bytes.unwrap_or((1, 120));
    let sizes = (up.min(1472), down.clamp(1, 1472));
    // knock sends one zero byte; SPA clients send base64 text.
    let carrying = if up >= 100 && line.carrying == Carrying::Filler {
        Carrying::Base64
    } else {
        line.carrying.clone()
    };
    if line.outcome == Outcome::Blocked {
        return flow;
    }
    flow.tries = (0..i64::from(line.tries.unwrap_or(1).max(1)))
        .map(|i| at + i * SECOND)
        .collect();
    let turn = |from_client| Turn {
        first: true,
        from_client,
        stream: false,
    };
    for (i, moment) in flow.tries.clone().into_iter().enumerate() {
        let mut data = payload(&carrying, sizes.0, &format!("{i}"), turn(true));
        if sizes.0 == 1 {
            data = vec![0];
        }
        let (from, to) = (flow.client.2, flow.server.2);
        let sent = data.clone();
        deliver(world, line, &flow, moment, true, &move |link, ip| {
            frame::udp(link, ip, from, to, &sent)
        });
        flow.end = moment;
        match line.outcome {
            Outcome::Answered => {
                let answer = payload(&carrying, sizes.1, "answer", turn(false));
                deliver(world, line, &flow, moment + rtt, false, &move |link, ip| {
                    frame::udp(link, ip, to, from, &answer)
                });
                flow.end = moment + rtt;
            }
            Outcome::Icmp {
                kind,
                code,
                from: sender,
            } => {
                let refused = move |ip: &Ip| (17, frame::udp_datagram(ip, from, to, &data));
                refuse(
                    world,
                    line,
                    &flow,
                    moment + rtt,
                    (kind, code, sender),
                    &refused,
                );
            }
            _ => {}
        }
    }
    flow
}

/// Payload bytes: deterministic, and never a magic pattern by chance.
pub(super) fn payload(carrying: &Carrying, size: usize, name: &str, turn: Turn) -> Vec<u8> {
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = seed::number(&["payload", name]);
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    match carrying {
        Carrying::Filler => (0..size).map(|_| (next() % 250) as u8).collect(),
        Carrying::Base64 => (0..size).map(|_| BASE64[next() % 64]).collect(),
        Carrying::Speech(protocol, asked) => speech::message(*protocol, turn, asked, size, name),
        Carrying::Binary => speech::filler(size, name),
        Carrying::Padding => {
            let mut bytes = vec![0xff; size.min(8)];
            bytes.resize(size, 0);
            bytes
        }
        Carrying::Magic(mac) => {
            let mut bytes = vec![0x4d; 30.min(size.saturating_sub(102))];
            bytes.extend(frame::magic_pattern(*mac, 16, &[]));
            bytes.resize(size.max(bytes.len()), 0x4d);
            bytes
        }
    }
}
