//! Who has which address: what ARP, neighbour discovery, DHCP and the name services of a segment
//! say about it.
//!
//! Runs only for the few packets that come from one of their ports. Everything read is a claim of
//! the sender, bounded in number and length; who believes it is decided elsewhere. Ordinary DNS is
//! not read: a zone's answer names services, not hosts.

mod dhcp;
mod dns;
mod netbios;

use super::packet::{Announcement, Extra, Packet};
use crate::model::Text;
use crate::model::neighbour::ToldBy;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Claims taken from one packet.
const CLAIMS: usize = 16;
/// Bytes of a name that are kept: what DNS allows.
const NAME: usize = 255;

const DHCP_SERVER: u16 = 67;
const DHCP_CLIENT: u16 = 68;
const NETBIOS: u16 = 137;
const MDNS: u16 = 5353;
const LLMNR: u16 = 5355;

/// True for the ports from which claims are sent. Asked for every datagram.
#[inline]
pub(super) fn is_spoken_from(port: u16) -> bool {
    matches!(port, DHCP_SERVER | DHCP_CLIENT | NETBIOS | MDNS | LLMNR)
}

/// What a datagram says; `mac` is the hardware address that sent the frame.
#[cold]
#[inline(never)]
pub(super) fn of_datagram(
    packet: &Packet,
    mac: Option<[u8; 6]>,
    payload: Option<&[u8]>,
) -> Option<Extra> {
    let payload = payload?;
    let from = packet.source.address;
    let claims = match packet.source.port {
        DHCP_SERVER | DHCP_CLIENT => return dhcp::read(payload).map(Extra::Lease),
        NETBIOS => netbios::read(payload, from),
        // RFC 6762 11: sent with 255, which no router leaves as it is.
        MDNS => dns::read(
            payload,
            ToldBy::Mdns,
            from,
            mac.filter(|_| packet.ttl == 255),
        ),
        // Asked by link-local multicast: whoever answers is on the link.
        LLMNR => dns::read(payload, ToldBy::Llmnr, from, mac),
        _ => return None,
    };
    (!claims.is_empty()).then_some(Extra::Announcements(claims))
}

/// The sender's own pair of addresses in an ARP request or reply (RFC 826); a probe (RFC 5227) has
/// no sender address and announces nothing.
pub(super) fn arp(arp: &[u8]) -> Option<Announcement> {
    const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];
    let fields = arp.first_chunk::<28>()?;
    if fields[..6] != ETHERNET_IPV4 || !matches!(fields[6..8], [0, 1 | 2]) {
        return None;
    }
    let mac = mac_at(fields, 8)?;
    let address = IpAddr::V4(v4_at(fields, 14)?);
    (of_one_host(mac) && is_own(address)).then_some(Announcement {
        mac: Some(mac),
        address,
        name: None,
        told_by: ToldBy::Arp,
        // A reply about its own address to everybody is an announcement (RFC 5227 3).
        answer: fields[7] == 2 && fields[14..18] != fields[24..28],
        asks: fields[7] == 1 && fields[14..18] != fields[24..28],
    })
}

/// The pair of addresses in a router solicitation, by which a host that comes up looks for its routers, in a
/// neighbour solicitation (both their sender's own) or an advertisement (RFC 4861 4.1, 4.3 and 4.4); `None` without the link-layer address option, or if a router was passed (7.1).
#[inline]
pub(super) fn neighbour_discovery(from: IpAddr, ttl: u8, body: &[u8]) -> Option<Announcement> {
    match body {
        [133 | 135 | 136, 0, ..] if ttl == 255 => solicited(from, body),
        _ => None,
    }
}

#[cold]
#[inline(never)]
fn solicited(from: IpAddr, body: &[u8]) -> Option<Announcement> {
    /// Source and target link-layer address.
    const OPTIONS: [u8; 2] = [1, 2];
    let message = *body.first()?;
    let advertised = message == 136;
    let is_target = |target: &[u8]| matches!(from, IpAddr::V6(from) if from.octets() == target);
    let address = if advertised {
        let target: [u8; 16] = body.get(8..24)?.try_into().ok()?;
        IpAddr::V6(Ipv6Addr::from(target))
    } else {
        from
    };
    // For a router nobody is named.
    let mut options = body.get(if message == 133 { 8 } else { 24 }..)?;
    loop {
        let (&kind, &units) = (options.first()?, options.get(1)?);
        let length = usize::from(units) * 8;
        if kind == OPTIONS[usize::from(advertised)] && length == 8 {
            let mac = mac_at(options, 2)?;
            return (of_one_host(mac) && is_own(address)).then_some(Announcement {
                mac: Some(mac),
                address,
                name: None,
                told_by: ToldBy::NeighbourDiscovery,
                // The flag "solicited" (RFC 4861 4.4).
                answer: advertised && body.get(4).is_some_and(|flags| flags & 0x40 != 0),
                asks: message == 135 && body.get(8..24).is_some_and(|target| !is_target(target)),
            });
        }
        // A length of zero would never end.
        options = options.get(length..).filter(|_| length > 0)?;
    }
}

/// Not a group address, not zero.
fn of_one_host(mac: [u8; 6]) -> bool {
    mac[0] & 1 == 0 && mac != [0; 6]
}

/// An address one host can have on a segment.
fn is_own(address: IpAddr) -> bool {
    !crate::model::net::is_group_or_wildcard(address) && !address.is_loopback()
}

fn mac_at(bytes: &[u8], at: usize) -> Option<[u8; 6]> {
    bytes.get(at..at + 6)?.try_into().ok()
}

fn v4_at(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(Ipv4Addr::from(octets))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let two: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(two))
}

/// A name as text: what is no UTF-8 is replaced, ends are trimmed; `None` if nothing is left.
fn text_of(bytes: &[u8]) -> Option<Text> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(NAME)]);
    let text = text.trim_end_matches('\0').trim().trim_end_matches('.');
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests;
