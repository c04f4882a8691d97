//! What goes over the wire: connection attempts, datagrams, pings, ARP, magic packets.
//!
//! Schedules are as measured: a Windows client sends SYN at 0, 1, 3, 7 and 15 s with one sequence
//! number; a knock client sends one SYN and closes its socket.

use super::cast::{Carrying, End, Ending, FlowLine, Outcome, WakeLine};
use super::world::{World, is_internal, same_subnet};
use crate::moment::{MILLISECOND, SECOND};
use crate::pcap::frame::{self, BROADCAST, Ip, Link, Tcp, flags};
use crate::seed;
use std::net::{IpAddr, Ipv4Addr};

const MICROSECOND: i64 = 1000;
/// Seconds after the first SYN at which a client that hears nothing tries again.
const WINDOWS_TRIES: [i64; 5] = [0, 1, 3, 7, 15];
const LINUX_TRIES: [i64; 7] = [0, 1, 3, 7, 15, 31, 63];
const SEGMENT: usize = 1460;

/// A flow with everything decided: addresses, ports, times. Consequences in the logs need it too.
pub(super) struct Flow {
    pub(super) client: (usize, IpAddr, u16),
    pub(super) server: (usize, IpAddr, u16),
    /// True moments of the SYNs or first datagrams.
    pub(super) tries: Vec<i64>,
    /// True moment of the last packet.
    pub(super) end: i64,
}

/// One direction's view of a packet to be framed.
struct Step {
    at: i64,
    from_client: bool,
    segment: Tcp,
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
fn endpoint(world: &World<'_>, end: &End, peer: &End) -> (usize, IpAddr) {
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

fn round_trip(world: &World<'_>, line: &FlowLine, flow: &Flow) -> i64 {
    line.round_trip.unwrap_or_else(|| {
        let near = is_internal(flow.client.1) && is_internal(flow.server.1);
        let range = if near { (350, 900) } else { (18_000, 26_000) };
        world.chance(range.0, range.1, "rtt") * MICROSECOND
    })
}

fn schedule(world: &World<'_>, line: &FlowLine, host: usize, at: i64) -> Vec<i64> {
    let all: &[i64] = if world.hosts[host].linux {
        &LINUX_TRIES
    } else {
        &WINDOWS_TRIES
    };
    let usual = if world.hosts[host].linux { 6 } else { 5 };
    let tries = line.tries.map_or(usual, |n| n as usize).clamp(1, all.len());
    // Timers of a real stack are some milliseconds late.
    let late = |i: usize| {
        if i == 0 {
            0
        } else {
            seed::between(2, 16, &[&i.to_string(), "retry"])
        }
    };
    all[..tries]
        .iter()
        .enumerate()
        .map(|(i, s)| at + s * SECOND + late(i) * MILLISECOND)
        .collect()
}

fn tcp(world: &mut World<'_>, at: i64, line: &FlowLine, mut flow: Flow) -> Flow {
    let rtt = round_trip(world, line, &flow);
    let isn = world.chance(1, i64::from(u32::MAX), "isn") as u32;
    let peer_isn = world.chance(1, i64::from(u32::MAX), "peer isn") as u32;
    let mut steps = Vec::new();
    let segment = |from_client: bool, bits: u8, seq: u32, ack: u32| Tcp {
        source: if from_client {
            flow.client.2
        } else {
            flow.server.2
        },
        destination: if from_client {
            flow.server.2
        } else {
            flow.client.2
        },
        seq,
        ack,
        flags: bits,
        window: match bits & (flags::SYN | flags::RST) {
            0 => 1026,
            flags::SYN => 64_240,
            _ => 0,
        },
        options: if bits & flags::SYN == 0 {
            Vec::new()
        } else {
            frame::WINDOWS_SYN_OPTIONS.to_vec()
        },
        payload: Vec::new(),
    };
    let one_try = line.tries.unwrap_or(1).max(1);
    flow.tries = match line.outcome {
        Outcome::Unanswered => schedule(world, line, flow.client.0, at),
        Outcome::Reset { wrong_ack: true } => schedule(world, line, flow.client.0, at),
        Outcome::Icmp { .. } if line.tries.is_none() => schedule(world, line, flow.client.0, at),
        Outcome::Midstream | Outcome::OneSided | Outcome::Flags(_) => Vec::new(),
        // A Windows client tries a refused port again after half a second.
        _ => (0..one_try)
            .map(|i| at + i64::from(i) * 508 * MILLISECOND)
            .collect(),
    };
    let syn = segment(true, flags::SYN, isn, 0);
    for (i, moment) in flow.tries.clone().into_iter().enumerate() {
        let mut syn = syn.clone();
        if line.fast_open {
            syn.options.extend([34, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
            syn.payload = payload(&line.carrying, 100, "tfo");
        }
        steps.push(Step {
            at: moment,
            from_client: true,
            segment: syn,
        });
        if let Outcome::Reset { wrong_ack } = line.outcome {
            let ack = if wrong_ack {
                isn.wrapping_add(77_777)
            } else {
                isn.wrapping_add(1)
            };
            if !wrong_ack || i == 0 {
                let reset = segment(false, flags::RST | flags::ACK, 0, ack);
                steps.push(Step {
                    at: moment + rtt,
                    from_client: false,
                    segment: reset,
                });
            }
        }
    }
    let last_try = flow.tries.last().copied().unwrap_or(at);
    let (next, peer_next) = (isn.wrapping_add(1), peer_isn.wrapping_add(1));
    let syn_data = if line.fast_open { 100 } else { 0 };
    let syn_ack = segment(
        false,
        flags::SYN | flags::ACK,
        peer_isn,
        next.wrapping_add(syn_data),
    );
    match line.outcome {
        Outcome::HalfOpen => {
            steps.push(Step {
                at: last_try + rtt,
                from_client: false,
                segment: syn_ack,
            });
            let reset = segment(true, flags::RST, next, 0);
            steps.push(Step {
                at: last_try + rtt + 40 * MICROSECOND,
                from_client: true,
                segment: reset,
            });
        }
        Outcome::Aborted => {
            let reset = segment(true, flags::RST | flags::ACK, next, 0);
            steps.push(Step {
                at: last_try + 30 * MILLISECOND,
                from_client: true,
                segment: reset,
            });
        }
        Outcome::OneSided => steps.push(Step {
            at,
            from_client: false,
            segment: syn_ack,
        }),
        Outcome::Flags(bits) => steps.push(Step {
            at,
            from_client: true,
            segment: segment(true, bits, isn, 0),
        }),
        Outcome::Empty | Outcome::Accepted | Outcome::Midstream => {
            let mut open = at;
            if line.outcome != Outcome::Midstream {
                open = last_try + rtt + 60 * MICROSECOND;
                steps.push(Step {
                    at: last_try + rtt,
                    from_client: false,
                    segment: syn_ack,
                });
                let ack = segment(true, flags::ACK, next.wrapping_add(syn_data), peer_next);
                steps.push(Step {
                    at: open,
                    from_client: true,
                    segment: ack,
                });
            }
            let seqs = (next.wrapping_add(syn_data), peer_next);
            conversation(world, line, open, rtt, seqs, &segment, &mut steps);
        }
        Outcome::Unanswered | Outcome::Reset { .. } | Outcome::Icmp { .. } | Outcome::Answered => {}
    }
    flow.end = steps.iter().map(|s| s.at).max().unwrap_or(at);
    for step in steps {
        tcp_frame(world, line, &flow, &step);
        let syn = step.segment.flags == flags::SYN;
        if let (Outcome::Icmp { kind, code, from }, true) = (line.outcome, syn) {
            let segment = step.segment.clone();
            let refused = move |ip: &Ip| (6, frame::tcp_segment(ip, &segment));
            refuse(
                world,
                line,
                &flow,
                step.at + rtt,
                (kind, code, from),
                &refused,
            );
        }
    }
    flow
}

/// Payload both ways and the end of the connection.
fn conversation(
    world: &World<'_>,
    line: &FlowLine,
    open: i64,
    rtt: i64,
    (mut seq, mut peer_seq): (u32, u32),
    segment: &impl Fn(bool, u8, u32, u32) -> Tcp,
    steps: &mut Vec<Step>,
) {
    let empty = line.outcome == Outcome::Empty;
    let (up, down) = if empty {
        (0, 0)
    } else {
        line.bytes.unwrap_or((120, 400))
    };
    let lasts = line
        .lasts
        .unwrap_or(if empty { 300 * MILLISECOND } else { SECOND });
    let pieces = |total: usize| {
        (0..total.div_ceil(SEGMENT)).map(move |i| (total - i * SEGMENT).min(SEGMENT))
    };
    let mut up: Vec<usize> = pieces(up).collect();
    let mut down: Vec<usize> = pieces(down).collect();
    up.reverse();
    down.reverse();
    // Requests and answers take turns; what is left of the longer side follows.
    let mut order = Vec::new();
    while !(up.is_empty() && down.is_empty()) {
        let share = if up.is_empty() {
            usize::MAX
        } else {
            down.len().div_ceil(up.len())
        };
        order.extend(up.pop().map(|size| (true, size)));
        for _ in 0..share.min(down.len()) {
            order.extend(down.pop().map(|size| (false, size)));
        }
    }
    let quiet_end = open + lasts;
    let first = open + rtt / 2 + MILLISECOND;
    let room = (quiet_end - first).max(MILLISECOND);
    let gap = room / (order.len() as i64 + 1);
    let mut moment = first;
    for (i, (from_client, size)) in order.into_iter().enumerate() {
        let (mine, theirs) = if from_client {
            (seq, peer_seq)
        } else {
            (peer_seq, seq)
        };
        let mut data = segment(from_client, flags::PSH | flags::ACK, mine, theirs);
        data.payload = payload(
            &line.carrying,
            size,
            &format!("{i} {}", world.chance(0, 1 << 30, "payload")),
        );
        steps.push(Step {
            at: moment,
            from_client,
            segment: data,
        });
        let sent = size as u32;
        if from_client {
            seq = seq.wrapping_add(sent)
        } else {
            peer_seq = peer_seq.wrapping_add(sent)
        }
        let (mine, theirs) = if from_client {
            (peer_seq, seq)
        } else {
            (seq, peer_seq)
        };
        let ack = segment(!from_client, flags::ACK, mine, theirs);
        steps.push(Step {
            at: moment + rtt.min(gap / 2).max(1),
            from_client: !from_client,
            segment: ack,
        });
        moment += keep_alive(moment, gap, rtt, seq, peer_seq, segment, steps);
    }
    if line.outcome != Outcome::Empty && moment < quiet_end {
        keep_alive(
            moment,
            quiet_end - moment,
            rtt,
            seq,
            peer_seq,
            segment,
            steps,
        );
    }
    let close = quiet_end;
    match line.ending {
        Ending::Stays => {}
        Ending::ResetByClient => {
            let reset = segment(true, flags::RST | flags::ACK, seq, peer_seq);
            steps.push(Step {
                at: close,
                from_client: true,
                segment: reset,
            });
        }
        Ending::ResetByServer => {
            let reset = segment(false, flags::RST | flags::ACK, peer_seq, seq);
            steps.push(Step {
                at: close,
                from_client: false,
                segment: reset,
            });
        }
        Ending::Closed => {
            let fin = segment(true, flags::FIN | flags::ACK, seq, peer_seq);
            steps.push(Step {
                at: close,
                from_client: true,
                segment: fin,
            });
            let answer = segment(
                false,
                flags::FIN | flags::ACK,
                peer_seq,
                seq.wrapping_add(1),
            );
            steps.push(Step {
                at: close + rtt,
                from_client: false,
                segment: answer,
            });
            let ack = segment(
                true,
                flags::ACK,
                seq.wrapping_add(1),
                peer_seq.wrapping_add(1),
            );
            steps.push(Step {
                at: close + rtt + 50 * MICROSECOND,
                from_client: true,
                segment: ack,
            });
        }
    }
}

/// Keep-alive probes in a pause, so that a quiet session does not look dead. Returns the pause.
fn keep_alive(
    from: i64,
    pause: i64,
    rtt: i64,
    seq: u32,
    peer_seq: u32,
    segment: &impl Fn(bool, u8, u32, u32) -> Tcp,
    steps: &mut Vec<Step>,
) -> i64 {
    let every = 60 * SECOND;
    for i in 1..(pause / every).max(0) {
        let probe = segment(true, flags::ACK, seq.wrapping_sub(1), peer_seq);
        steps.push(Step {
            at: from + i * every,
            from_client: true,
            segment: probe,
        });
        let answer = segment(false, flags::ACK, peer_seq, seq);
        steps.push(Step {
            at: from + i * every + rtt,
            from_client: false,
            segment: answer,
        });
    }
    pause
}

fn tcp_frame(world: &mut World<'_>, line: &FlowLine, flow: &Flow, step: &Step) {
    let frame = |link: &Link, ip: &Ip| frame::tcp(link, ip, &step.segment);
    deliver(world, line, flow, step.at, step.from_client, &frame);
}

/// Frames a packet of the flow and sends it; a hairpin shows it a second time, tagged.
fn deliver(
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
fn refuse(
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
    flow.tries = (0..i64::from(line.tries.unwrap_or(1).max(1)))
        .map(|i| at + i * SECOND)
        .collect();
    for (i, moment) in flow.tries.clone().into_iter().enumerate() {
        let mut data = payload(&carrying, sizes.0, &format!("{i}"));
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
                let answer = payload(&carrying, sizes.1, "answer");
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
fn payload(carrying: &Carrying, size: usize, name: &str) -> Vec<u8> {
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

/// An echo request and its reply.
pub(super) fn ping(world: &mut World<'_>, at: i64, from: &End, to: &End, answered: bool) {
    let (a, b) = (endpoint(world, from, to), endpoint(world, to, from));
    let (request, reply) = if a.1.is_ipv6() { (128, 129) } else { (8, 0) };
    let mut rest = vec![0, 1, 0, 1];
    rest.extend(b"abcdefghijklmnopqrstuvwabcdefghi");
    for (kind, from, to, late) in [(request, a, b, 0), (reply, b, a, 700 * MICROSECOND)] {
        if kind == reply && !answered {
            break;
        }
        let ip = Ip {
            source: from.1,
            destination: to.1,
            ttl: world.ttl(from.0, to.1),
            id: world.ip_id(from.0),
        };
        let link = world.link(from, to, None);
        world.send(
            at + late,
            from.0,
            Some(to.0),
            frame::icmp(&link, &ip, kind, 0, &rest),
        );
    }
}

/// An ARP request and its reply; `to` may belong to nobody.
pub(super) fn arp(world: &mut World<'_>, at: i64, from: &End, to: IpAddr, answered: bool) {
    let (IpAddr::V4(own), IpAddr::V4(target)) = (world.address(from.host, false), to) else {
        return;
    };
    let owner = world.hosts.iter().position(|h| h.addresses.contains(&to));
    let mine = world.mac(from.host);
    let link = Link {
        source: mine,
        destination: BROADCAST,
        vlans: Vec::new(),
    };
    let request = frame::arp(&link, false, (mine, own), ([0; 6], target));
    world.send(at, from.host, None, request);
    if let (Some(owner), true) = (owner, answered) {
        let theirs = world.mac(owner);
        let link = Link {
            source: theirs,
            destination: mine,
            vlans: Vec::new(),
        };
        let reply = frame::arp(&link, true, (theirs, target), (mine, own));
        world.send(at + 300 * MICROSECOND, owner, Some(from.host), reply);
    }
}

/// A host says who it is when its interface comes up.
pub(super) fn announce(world: &mut World<'_>, at: i64, host: usize) {
    let IpAddr::V4(own) = world.address(host, false) else {
        return;
    };
    let mac = world.mac(host);
    let link = Link {
        source: mac,
        destination: BROADCAST,
        vlans: Vec::new(),
    };
    let bytes = frame::arp(&link, false, (mac, own), ([0; 6], own));
    world.send(at, host, None, bytes);
}

/// Magic packets, a millisecond apart.
pub(super) fn wake(world: &mut World<'_>, at: i64, line: &WakeLine) {
    let password: Vec<u8> = (0..line.password).map(|i| 0x61 + (i % 26) as u8).collect();
    let pattern = frame::magic_pattern(line.target, line.repetitions, &password);
    let woken = (0..world.hosts.len()).find(|h| world.mac(*h) == line.target);
    let source = line
        .from
        .address
        .unwrap_or_else(|| world.address(line.from.host, false));
    let to = line.to.unwrap_or_else(|| match (line.unicast, woken) {
        (true, Some(host)) => world.address(host, source.is_ipv6()),
        _ => IpAddr::V4(Ipv4Addr::BROADCAST),
    });
    let l2 = if line.unicast { line.target } else { BROADCAST };
    let mut link = Link {
        source: world.mac(line.from.host),
        destination: l2,
        vlans: Vec::new(),
    };
    link.vlans.extend(line.vlan);
    if !line.unicast && !same_subnet(source, to) && to != IpAddr::V4(Ipv4Addr::BROADCAST) {
        // A directed broadcast into another subnet comes from its router.
        link.source = super::world::ROUTER;
    }
    for copy in 0..line.copies.max(1) {
        let bytes = match line.udp {
            Some(port) => {
                let own = line.from.port.unwrap_or(52_000);
                let ttl = world.ttl(line.from.host, to);
                let ip = Ip {
                    source,
                    destination: to,
                    ttl,
                    id: world.ip_id(line.from.host),
                };
                frame::udp(&link, &ip, own, port, &pattern)
            }
            None => frame::ethernet(&link, 0x0842, &pattern),
        };
        let to = if line.unicast { woken } else { None };
        world.send(at + copy as i64 * MILLISECOND, line.from.host, to, bytes);
    }
}

/// A DNS question and its answer (RFC 1035).
pub(super) fn dns(
    world: &mut World<'_>,
    at: i64,
    client: usize,
    server: usize,
    name: &str,
    answer: IpAddr,
) {
    let v6 = !world.hosts[client].addresses.iter().any(IpAddr::is_ipv4);
    let (a, b) = (
        (client, world.address(client, v6)),
        (server, world.address(server, v6)),
    );
    let port = world.client_port(client);
    let id = (world.chance(1, 0xfffe, "dns") as u16).to_be_bytes();
    let mut question = Vec::new();
    for label in name.split('.').filter(|l| !l.is_empty()) {
        question.push(label.len().min(63) as u8);
        question.extend(label.bytes().take(63));
    }
    let kind = if answer.is_ipv4() { 1 } else { 28 };
    question.extend([0, 0, kind, 0, 1]);
    let mut query = id.to_vec();
    query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    query.extend(&question);
    let mut reply = id.to_vec();
    reply.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    reply.extend(&question);
    reply.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 1, 0x2c]);
    match answer {
        IpAddr::V4(address) => {
            reply.extend([0, 4]);
            reply.extend(address.octets());
        }
        IpAddr::V6(address) => {
            reply.extend([0, 16]);
            reply.extend(address.octets());
        }
    }
    for (from, to, ports, data, late) in [
        (a, b, (port, 53), query, 0),
        (b, a, (53, port), reply, 2 * MILLISECOND),
    ] {
        let ip = Ip {
            source: from.1,
            destination: to.1,
            ttl: world.ttl(from.0, to.1),
            id: world.ip_id(from.0),
        };
        let link = world.link(from, to, None);
        world.send(
            at + late,
            from.0,
            Some(to.0),
            frame::udp(&link, &ip, ports.0, ports.1, &data),
        );
    }
}
