//! Packets that are no connection: pings, ARP, magic packets, name lookups.

use super::cast::{End, WakeLine};
use super::wire::{MICROSECOND, endpoint};
use super::world::{ROUTER, World, same_subnet};
use crate::moment::MILLISECOND;
use crate::pcap::frame::{self, BROADCAST, Ip, Link};
use std::net::{IpAddr, Ipv4Addr};

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
