//! What hosts say on their own segment: ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861).

use super::packet::{Packet, SegmentTalk, Speech};
use crate::model::neighbour::ToldBy;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// An ARP message for Ethernet and IPv4. A probe (RFC 5227) has no sender address and says nothing
/// here; a request or reply for the sender's own address only announces it.
pub(super) fn arp(message: &[u8]) -> Option<SegmentTalk> {
    const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];
    let fields = message.first_chunk::<28>()?;
    let &[.., high, low] = fields.first_chunk::<8>()?;
    let operation = u16::from_be_bytes([high, low]);
    if fields[..6] != ETHERNET_IPV4 || !matches!(operation, 1 | 2) {
        return None;
    }
    let mac = [
        fields[8], fields[9], fields[10], fields[11], fields[12], fields[13],
    ];
    let sender = Ipv4Addr::new(fields[14], fields[15], fields[16], fields[17]);
    let target = Ipv4Addr::new(fields[24], fields[25], fields[26], fields[27]);
    let one_host = mac[0] & 1 == 0 && mac != [0; 6];
    if !one_host || !names_one_host(sender) {
        return None;
    }
    let speech = if target == sender || !names_one_host(target) {
        Speech::Announces
    } else if operation == 1 {
        Speech::Asks(IpAddr::V4(target))
    } else {
        Speech::Answers(IpAddr::V4(target))
    };
    Some(SegmentTalk {
        mac: Some(mac),
        address: IpAddr::V4(sender),
        told_by: ToldBy::Arp,
        speech,
    })
}

fn names_one_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast()
}

/// A neighbour solicitation or advertisement: `body` is the ICMPv6 message of `packet`, `sender`
/// the hardware address its frame comes from.
///
/// It must come from the segment itself (hop limit 255, RFC 4861 7.1). Duplicate address detection
/// has no source address and says nothing here.
pub(super) fn discovery(
    packet: &Packet,
    body: &[u8],
    sender: impl FnOnce() -> Option<[u8; 6]>,
) -> Option<SegmentTalk> {
    let (IpAddr::V6(source), IpAddr::V6(destination)) =
        (packet.source.address, packet.destination.address)
    else {
        return None;
    };
    let &[kind @ (SOLICITATION | ADVERTISEMENT), 0, ..] = body else {
        return None;
    };
    let target = Ipv6Addr::from(*body.get(8..)?.first_chunk::<16>()?);
    if packet.ttl != 255 || source.is_unspecified() || target.is_multicast() {
        return None;
    }
    let option = if kind == SOLICITATION { 1 } else { 2 };
    let mac = link_address(body.get(24..).unwrap_or(&[]), option).or_else(sender);
    let (address, speech) = if kind == SOLICITATION {
        let asks = if target == source {
            Speech::Announces
        } else {
            Speech::Asks(IpAddr::V6(target))
        };
        (source, asks)
    } else if destination.is_multicast() {
        (target, Speech::Announces)
    } else {
        (target, Speech::Answers(IpAddr::V6(destination)))
    };
    Some(SegmentTalk {
        mac,
        address: IpAddr::V6(address),
        told_by: ToldBy::NeighbourDiscovery,
        speech,
    })
}

/// The link-layer address option of this type (RFC 4861 4.6.1) with an Ethernet address.
fn link_address(mut options: &[u8], wanted: u8) -> Option<[u8; 6]> {
    while let &[kind, units, ..] = options {
        if units == 0 {
            return None;
        }
        let (option, rest) = options.split_at_checked(usize::from(units) * 8)?;
        if kind == wanted && units == 1 {
            return option.get(2..8)?.try_into().ok();
        }
        options = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(operation: u8, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, operation, 2, 0, 0, 0, 0, 5];
        bytes.extend(sender);
        bytes.extend([0; 6]);
        bytes.extend(target);
        bytes
    }

    #[test]
    fn a_request_asks_a_reply_answers_and_the_rest_only_announces() {
        let (a, b) = ([10, 0, 0, 5], [10, 0, 0, 7]);
        let speech = |operation, sender, target| arp(&message(operation, sender, target));
        let of = |talk: Option<SegmentTalk>| talk.map(|talk| talk.speech);
        let ip = |octets: [u8; 4]| IpAddr::from(octets);
        assert_eq!(of(speech(1, a, b)), Some(Speech::Asks(ip(b))));
        assert_eq!(of(speech(2, a, b)), Some(Speech::Answers(ip(b))));
        assert_eq!(of(speech(1, a, a)), Some(Speech::Announces));
        assert_eq!(of(speech(1, [0; 4], b)), None, "a probe");
        assert_eq!(of(speech(3, a, b)), None, "another operation");
        assert_eq!(arp(&message(1, a, b)[..27]), None, "cut");
    }

    #[test]
    fn an_option_that_claims_no_length_ends_the_search() {
        assert_eq!(link_address(&[2, 0, 1, 2, 3, 4, 5, 6], 2), None);
        let options = [14, 1, 0, 0, 0, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 9];
        assert_eq!(link_address(&options, 2), Some([2, 0, 0, 0, 0, 9]));
        assert_eq!(link_address(&options[..12], 2), None);
    }
}
