//! Answers in DNS form (RFC 1035 4) of multicast DNS (RFC 6762) and LLMNR (RFC 4795): which name
//! has which address.
//!
//! Questions and the names proposed in probes are no claims. A record that is said goodbye to (a
//! time to live of 0) is none either.

use super::{CLAIMS, NAME, be16, is_own, text_of, v4_at};
use crate::capture::packet::Announcement;
use crate::model::Text;
use crate::model::neighbour::ToldBy;
use std::net::{IpAddr, Ipv6Addr};

/// Records looked at in one message.
const RECORDS: usize = 64;
/// Compression pointers followed in one name.
const POINTERS: usize = 16;

/// The address records of an answer; `mac` counts for those of them in which the sender (`from`)
/// speaks of its own address.
pub(super) fn read(
    message: &[u8],
    told_by: ToldBy,
    from: IpAddr,
    mac: Option<[u8; 6]>,
) -> Vec<Announcement> {
    let mut claims = Vec::new();
    let _ = collect(message, told_by, &mut claims);
    // One sender that names itself speaks for all of its addresses.
    if let Some(own) = claims.iter().find(|c| c.address == from) {
        let name = own.name.clone();
        for claim in claims.iter_mut().filter(|c| c.name == name) {
            claim.mac = mac;
        }
    }
    claims
}

/// Reads until the message ends or contradicts itself; what was read by then counts.
fn collect(message: &[u8], told_by: ToldBy, claims: &mut Vec<Announcement>) -> Option<()> {
    let flags = be16(message, 2)?;
    // An answer, standard query, no error; in LLMNR also without the conflict bit.
    let conflict = if told_by == ToldBy::Llmnr { 0x0400 } else { 0 };
    if flags & (0x8000 | 0x780F | conflict) != 0x8000 {
        return None;
    }
    let count = |at: usize| be16(message, at).map(usize::from);
    let (questions, answers) = (count(4)?, count(6)?);
    let others = count(8)?.saturating_add(count(10)?);
    let mut at = 12;
    for _ in 0..questions.min(RECORDS) {
        at = name_at(message, at)?.1 + 4;
    }
    for _ in 0..answers.saturating_add(others).min(RECORDS) {
        let (owner, end) = name_at(message, at)?;
        let (kind, class) = (be16(message, end)?, be16(message, end + 2)?);
        let lives = message.get(end + 4..end + 8)? != [0; 4];
        let length = usize::from(be16(message, end + 8)?);
        let data = message.get(end + 10..end + 10 + length)?;
        at = end + 10 + length;
        let address = match (kind, length) {
            (1, 4) => v4_at(data, 0).map(IpAddr::V4),
            (28, 16) => <[u8; 16]>::try_from(data)
                .ok()
                .map(|octets| IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()),
            _ => None,
        };
        // The top bit of the class is multicast DNS's "flush what you hold".
        if class & 0x7FFF != 1 || !lives {
            continue;
        }
        if let Some(address) = address.filter(|a| is_own(*a))
            && let Some(name) = text_of(&owner)
            && is_host_name(&name, told_by)
        {
            claims.push(Announcement {
                mac: None,
                address,
                name: Some(name),
                told_by,
                answer: false,
                asks: false,
            });
            if claims.len() == CLAIMS {
                return None;
            }
        }
    }
    Some(())
}

/// `name.local`, or a single label; longer names are services or reverse names.
fn is_host_name(name: &str, told_by: ToldBy) -> bool {
    match told_by {
        ToldBy::Mdns => name
            .rsplit_once('.')
            .is_some_and(|(host, top)| top.eq_ignore_ascii_case("local") && !host.contains('.')),
        _ => !name.contains('.'),
    }
}

/// A name in DNS form that stands alone, as in DHCP option 81. A partial name has no final zero.
pub(super) fn bare_name(bytes: &[u8]) -> Option<Text> {
    let mut whole = bytes.to_vec();
    whole.push(0);
    // A pointer would lead into the same few bytes, and only backwards: harmless.
    text_of(&name_at(&whole, 0)?.0)
}

/// The name at `start`, its labels joined by dots, and where what follows it begins. Pointers must
/// lead backwards, so no name is endless.
pub(super) fn name_at(message: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let (mut name, mut at, mut end) = (Vec::new(), start, None);
    let mut lowest = start;
    let mut pointers = 0;
    loop {
        let length = *message.get(at)?;
        match length {
            0 => return Some((name, end.unwrap_or(at + 1))),
            1..=63 => {
                let label = message.get(at + 1..at + 1 + usize::from(length))?;
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(label);
                if name.len() > NAME {
                    return None;
                }
                at += 1 + usize::from(length);
            }
            0xC0.. => {
                let target = usize::from(be16(message, at)? & 0x3FFF);
                end.get_or_insert(at + 2);
                pointers += 1;
                if target >= lowest || pointers > POINTERS {
                    return None;
                }
                (lowest, at) = (target, target);
            }
            _ => return None,
        }
    }
}
