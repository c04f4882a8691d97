//! Packets that are no connection: pings, ARP, magic packets, name lookups.

use super::cast::{End, NameAnswer, PingLine, WakeLine};
use super::wire::{MICROSECOND, endpoint};
use super::world::{ROUTER, World, same_subnet};
use crate::moment::{MILLISECOND, SECOND};
use crate::pcap::frame::{self, BROADCAST, Ip, Link};
use crate::pcap::speech;
use std::net::{IpAddr, Ipv4Addr};

/// Echo requests, or messages of another type, and what comes back.
pub(super) fn ping(world: &mut World<'_>, at: i64, line: &PingLine) {
    let (a, b) = (
        endpoint(world, &line.from, &line.to),
        endpoint(world, &line.to, &line.from),
    );
    let v6 = a.1.is_ipv6();
    let (request, reply) = if v6 { (128, 129) } else { (8, 0) };
    let request = line.kind.unwrap_or(request);
    let reply = if line.kind.is_some() { request } else { reply };
    for turn in 0..line.times.max(1) {
        let moment = at + i64::from(turn) * line.every;
        let rest = |kind: u8, size: Option<usize>| {
            let mut rest = vec![0, 1];
            rest.extend((turn.wrapping_add(1) as u16).to_be_bytes());
            match size {
                None => rest.extend(b"abcdefghijklmnopqrstuvwabcdefghi"),
                Some(size) => {
                    let salt = format!("icmp {kind} {turn}");
                    rest.extend(speech::filler(size.min(1_400), &salt));
                }
            }
            rest
        };
        let asks = rest(request, line.bytes.map(|b| b.0));
        message(world, moment, a, b, (request, 0), &asks);
        if line.answered {
            let answers = rest(reply, line.bytes.map(|b| b.1));
            message(
                world,
                moment + 700 * MICROSECOND,
                b,
                a,
                (reply, 0),
                &answers,
            );
        }
        if let Some((kind, code, from)) = line.error {
            let source = from.map_or(b, |host| (host, world.address(host, v6)));
            let (kind, code) = if v6 { (1, 0) } else { (kind, code) };
            let refused = Ip {
                source: a.1,
                destination: b.1,
                ttl: 64,
                id: 0,
            };
            let mut body = vec![request, 0, 0, 0];
            body.extend(&asks);
            let embedded = frame::ip_packet(&refused, if v6 { 58 } else { 1 }, &body);
            let ip = ip(world, source, a);
            let link = world.link(source, a, None);
            let bytes = frame::icmp_error(&link, &ip, kind, code, &embedded);
            world.send(moment + 900 * MICROSECOND, source.0, Some(a.0), bytes);
        }
    }
}

fn ip(world: &mut World<'_>, from: (usize, IpAddr), to: (usize, IpAddr)) -> Ip {
    Ip {
        source: from.1,
        destination: to.1,
        ttl: world.ttl(from.0, to.1),
        id: world.ip_id(from.0),
    }
}

fn message(
    world: &mut World<'_>,
    at: i64,
    from: (usize, IpAddr),
    to: (usize, IpAddr),
    (kind, code): (u8, u8),
    rest: &[u8],
) {
    let ip = ip(world, from, to);
    let link = world.link(from, to, None);
    let bytes = frame::icmp(&link, &ip, kind, code, rest);
    world.send(at, from.0, Some(to.0), bytes);
}

/// ARP requests, or neighbour solicitations for an IPv6 address, a second apart, and the reply to
/// the last; `to` may belong to nobody.
pub(super) fn arp(
    world: &mut World<'_>,
    at: i64,
    from: &End,
    to: IpAddr,
    answered: bool,
    tries: u32,
) {
    let own = from
        .address
        .unwrap_or_else(|| world.address(from.host, to.is_ipv6()));
    let owner = world.hosts.iter().position(|h| h.addresses.contains(&to));
    let mine = world.mac(from.host);
    let theirs = owner.map(|owner| world.mac(owner));
    let (request, reply) = match (own, to) {
        (IpAddr::V4(own), IpAddr::V4(target)) => {
            let all = Link {
                source: mine,
                destination: BROADCAST,
                vlans: Vec::new(),
            };
            let reply = theirs.map(|theirs| {
                let back = Link {
                    source: theirs,
                    destination: mine,
                    vlans: Vec::new(),
                };
                frame::arp(&back, true, (theirs, target), (mine, own))
            });
            let request = frame::arp(&all, false, (mine, own), ([0; 6], target));
            (request, reply)
        }
        (IpAddr::V6(own), IpAddr::V6(target)) => (
            frame::solicitation((mine, own), target),
            theirs.map(|theirs| frame::advertisement((theirs, target), (mine, own))),
        ),
        _ => return,
    };
    let last = at + i64::from(tries.max(1) - 1) * SECOND;
    for turn in 0..i64::from(tries.max(1)) {
        world.send(at + turn * SECOND, from.host, None, request.clone());
    }
    if let (Some(owner), Some(reply), true) = (owner, reply, answered) {
        world.send(last + 300 * MICROSECOND, owner, Some(from.host), reply);
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
        link.source = ROUTER;
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
    answer: &NameAnswer,
) {
    let v6 = !world.hosts[client].addresses.iter().any(IpAddr::is_ipv4);
    let (a, b) = (
        (client, world.address(client, v6)),
        (server, world.address(server, v6)),
    );
    let port = world.client_port(client);
    let id = world.chance(1, 0xfffe, "dns") as u16;
    let (kind, records, code): (u16, Vec<(u16, Vec<u8>)>, u8) = match answer {
        NameAnswer::Addresses(addresses) => {
            let records: Vec<_> = addresses
                .iter()
                .map(|address| match address {
                    IpAddr::V4(a) => (1, a.octets().to_vec()),
                    IpAddr::V6(a) => (28, a.octets().to_vec()),
                })
                .collect();
            (records.first().map_or(1, |first| first.0), records, 0)
        }
        NameAnswer::NoSuchName => (1, Vec::new(), 3),
        NameAnswer::Failure => (1, Vec::new(), 2),
    };
    let query = speech::dns_message(id, kind, name, &[], 0, false);
    let reply = speech::dns_message(id, kind, name, &records, code, true);
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
