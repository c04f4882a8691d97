//! ICMP errors that refuse a packet: reads the start of the refused packet they carry.
//!
//! Only destination unreachable counts (RFC 792 type 3, RFC 4443 type 1). "Fragmentation needed"
//! is path MTU discovery and refuses nothing; time exceeded says nothing about a port.

use super::packet::EmbeddedHeader;
use super::{icmp, link};
use crate::model::{Endpoint, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The refused packet in an ICMP message `body` sent by `from`, if there is one to be read.
pub(super) fn embedded(icmp: Transport, from: IpAddr, body: &[u8]) -> Option<EmbeddedHeader> {
    let &[kind, code, ..] = body else { return None };
    let inner = body.get(8..)?;
    let read = match (icmp, kind, code) {
        (Transport::ICMP, 3, 4) => None,
        (Transport::ICMP, 3, _) => v4(inner),
        (Transport::ICMPV6, 1, _) => v6(inner),
        _ => None,
    }?;
    let (source, destination, transport, id, ports) = read;
    if matches!(transport, Transport::ICMP | Transport::ICMPV6) {
        // What stands for ports is written as in the packet that was refused.
        let (asker, asked) = icmp::ports(transport, ports)?;
        return Some(EmbeddedHeader {
            kind,
            code,
            from,
            source: Endpoint::new(source, asker),
            destination: Endpoint::new(destination, asked),
            transport,
            seq: None,
            id,
        });
    }
    let port = |at: usize| match ports.get(at..at + 2) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    };
    let seq = match ports.get(4..8) {
        Some(&[a, b, c, d]) if transport == Transport::TCP => {
            Some(u32::from_be_bytes([a, b, c, d]))
        }
        _ => None,
    };
    Some(EmbeddedHeader {
        kind,
        code,
        from,
        source: Endpoint::new(source, port(0)),
        destination: Endpoint::new(destination, port(2)),
        transport,
        seq,
        id,
    })
}

/// Source, destination, protocol, IPv4 identification, and what follows.
type Inner<'a> = (IpAddr, IpAddr, Transport, u16, &'a [u8]);

/// Only these begin with ports, or with what stands for them.
fn ports_of(transport: Transport, rest: &[u8]) -> &[u8] {
    match transport {
        Transport(1 | 6 | 17 | 33 | 58 | 132 | 136) => rest,
        _ => &[],
    }
}

fn v4(inner: &[u8]) -> Option<Inner<'_>> {
    let fixed = inner.first_chunk::<20>()?;
    let header = usize::from(fixed[0] & 0x0F) * 4;
    if fixed[0] >> 4 != 4 || header < 20 {
        return None;
    }
    let transport = Transport(fixed[9]);
    let later = u16::from_be_bytes([fixed[6], fixed[7]]) & 0x1FFF != 0;
    let rest = inner.get(header..).filter(|_| !later).unwrap_or(&[]);
    let from = Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]);
    let to = Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]);
    let id = u16::from_be_bytes([fixed[4], fixed[5]]);
    let ports = ports_of(transport, rest);
    Some((from.into(), to.into(), transport, id, ports))
}

fn v6(inner: &[u8]) -> Option<Inner<'_>> {
    let fixed = inner.first_chunk::<40>()?;
    if fixed[0] >> 4 != 6 {
        return None;
    }
    let address = |at: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&fixed[at..at + 16]);
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    let body = &inner[40..];
    let (transport, rest) = match link::extensions(fixed[6], body) {
        Ok(walk) if !walk.later_fragment => {
            (Transport(walk.protocol), body.get(walk.at..).unwrap_or(&[]))
        }
        Ok(walk) => (Transport(walk.protocol), &[][..]),
        Err(_) => return None,
    };
    Some((
        address(8),
        address(24),
        transport,
        0,
        ports_of(transport, rest),
    ))
}
