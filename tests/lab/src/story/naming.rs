//! Hosts that tell their names: DHCP, multicast DNS, NetBIOS.

use super::cast::NameService;
use super::wire::MICROSECOND;
use super::world::{ROUTER, World};
use crate::pcap::frame::{self, BROADCAST, Ip, Link};
use std::net::{IpAddr, Ipv4Addr};

const BROADCAST_IP: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

fn short_name(world: &World<'_>, host: usize) -> String {
    let name = &world.hosts[host].name;
    name.split('.').next().unwrap_or(name).to_owned()
}

/// A request and its acknowledgement (RFC 2131), by the server at the first address of the segment.
pub(super) fn leased(world: &mut World<'_>, at: i64, host: usize, address: Ipv4Addr) {
    let mac = world.mac(host);
    let exchange = (world.chance(1, 0xffff_fffe, "dhcp") as u32).to_be_bytes();
    let name = short_name(world, host);
    let [a, b, c, _] = address.octets();
    let server = Ipv4Addr::new(a, b, c, 1);
    let message = |operation: u8, kind: u8, given: Ipv4Addr, options: &[u8]| {
        let mut bytes = vec![operation, 1, 6, 0];
        bytes.extend(exchange);
        bytes.extend([0; 8]);
        bytes.extend(given.octets());
        bytes.resize(28, 0);
        bytes.extend(mac);
        bytes.resize(236, 0);
        bytes.extend([99, 130, 83, 99, 53, 1, kind]);
        bytes.extend(options);
        bytes.push(255);
        bytes
    };
    let mut asked = vec![50, 4];
    asked.extend(address.octets());
    asked.extend([12, name.len().min(63) as u8]);
    asked.extend(name.bytes().take(63));
    let request = message(1, 3, Ipv4Addr::UNSPECIFIED, &asked);
    let day = [&[51, 4][..], &86_400_u32.to_be_bytes()].concat();
    let granted = message(2, 5, address, &day);
    for (from, link_from, ports, bytes, late) in [
        (Ipv4Addr::UNSPECIFIED, mac, (68, 67), request, 0),
        (server, ROUTER, (67, 68), granted, 900 * MICROSECOND),
    ] {
        let link = Link {
            source: link_from,
            destination: BROADCAST,
            vlans: Vec::new(),
        };
        let ip = Ip {
            source: from.into(),
            destination: BROADCAST_IP,
            ttl: 64,
            id: world.ip_id(host),
        };
        let bytes = frame::udp(&link, &ip, ports.0, ports.1, &bytes);
        world.send(at + late, host, None, bytes);
    }
}

/// A multicast DNS answer (RFC 6762) or a NetBIOS registration (RFC 1002 4.2.2).
pub(super) fn named(world: &mut World<'_>, at: i64, host: usize, by: NameService) {
    let IpAddr::V4(own) = world.address(host, false) else {
        return;
    };
    let name = short_name(world, host);
    let (port, destination, payload) = match by {
        NameService::Mdns => (5353, Ipv4Addr::new(224, 0, 0, 251), answer(&name, own)),
        NameService::Nbns => (137, Ipv4Addr::BROADCAST, registration(&name, own)),
    };
    let link = Link {
        source: world.mac(host),
        destination: match by {
            NameService::Mdns => [1, 0, 0x5e, 0, 0, 251],
            NameService::Nbns => BROADCAST,
        },
        vlans: Vec::new(),
    };
    let ip = Ip {
        source: own.into(),
        destination: destination.into(),
        ttl: 255,
        id: world.ip_id(host),
    };
    let bytes = frame::udp(&link, &ip, port, port, &payload);
    world.send(at, host, None, bytes);
}

fn answer(name: &str, own: Ipv4Addr) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    for label in [name, "local"] {
        bytes.push(label.len().min(63) as u8);
        bytes.extend(label.bytes().take(63));
    }
    bytes.extend([0, 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4]);
    bytes.extend(own.octets());
    bytes
}

fn registration(name: &str, own: Ipv4Addr) -> Vec<u8> {
    let mut padded = name.to_uppercase().into_bytes();
    padded.resize(15, b' ');
    padded.push(0);
    let mut bytes = vec![0, 1, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, 32];
    bytes.extend(
        padded
            .iter()
            .flat_map(|b| [b'A' + (b >> 4), b'A' + (b & 15)]),
    );
    bytes.extend([
        0, 0, 32, 0, 1, 0xc0, 12, 0, 32, 0, 1, 0, 4, 0x93, 0xe0, 0, 6, 0, 0,
    ]);
    bytes.extend(own.octets());
    bytes
}
