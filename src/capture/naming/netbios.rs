//! NetBIOS names (RFC 1002 4.2): registrations, answers and node status.
//!
//! Only the names of a computer itself count: unique, of the workstation (00) or file server (20)
//! kind. Releases and refusals claim nothing.

use super::dns::name_at;
use super::{CLAIMS, be16, is_own, mac_at, of_one_host, text_of, v4_at};
use crate::capture::packet::Announcement;
use crate::model::Text;
use crate::model::neighbour::ToldBy;
use std::net::IpAddr;

const GROUP: u16 = 0x8000;
const NB: u16 = 0x20;
const NB_STATUS: u16 = 0x21;

/// The claims of a message that came from the address `from`.
pub(super) fn read(message: &[u8], from: IpAddr) -> Vec<Announcement> {
    let mut claims = Vec::new();
    let _ = collect(message, from, &mut claims);
    claims
}

fn collect(message: &[u8], from: IpAddr, claims: &mut Vec<Announcement>) -> Option<()> {
    let flags = be16(message, 2)?;
    let (answer, operation, result) = (flags & 0x8000 != 0, flags >> 11 & 0xF, flags & 0xF);
    let mut at = 12;
    for _ in 0..be16(message, 4)?.min(2) {
        at = name_at(message, at)?.1 + 4;
    }
    match (answer, operation, result) {
        // Registration, refresh, multi-homed registration: the record is the additional one.
        (false, 5 | 8 | 9 | 15, _) if be16(message, 10)? == 1 => {}
        // An answer to a query, to a registration.
        (true, 0 | 5 | 8 | 9 | 15, 0) if be16(message, 6)? >= 1 => {}
        _ => return None,
    }
    let (owner, end) = name_at(message, at)?;
    let (kind, lives) = (be16(message, end)?, be16(message, end + 2)? == 1);
    let length = usize::from(be16(message, end + 8)?);
    let data = message.get(end + 10..end + 10 + length)?;
    match kind {
        NB if lives => {
            let name = computer(&decoded(&owner)?)?;
            for entry in data.chunks_exact(6).take(CLAIMS) {
                let address = IpAddr::V4(v4_at(entry, 2)?);
                if be16(entry, 0)? & GROUP == 0 && is_own(address) {
                    claims.push(claim(None, address, name.clone()));
                }
            }
        }
        NB_STATUS if answer && is_own(from) => status(data, from, claims)?,
        _ => {}
    }
    Some(())
}

/// RFC 1002 4.2.18: the names a node has, then its hardware address.
fn status(data: &[u8], from: IpAddr, claims: &mut Vec<Announcement>) -> Option<()> {
    let count = usize::from(*data.first()?);
    let names = data.get(1..1 + count * 18)?;
    let mac = mac_at(data, 1 + count * 18).filter(|mac| of_one_host(*mac));
    let name = names.chunks_exact(18).find_map(|entry| {
        let (name, flags) = (entry.first_chunk::<16>()?, be16(entry, 16)?);
        (flags & GROUP == 0).then(|| computer(name)).flatten()
    })?;
    claims.push(claim(mac, from, name));
    Some(())
}

fn claim(mac: Option<[u8; 6]>, address: IpAddr, name: Text) -> Announcement {
    Announcement {
        mac,
        address,
        name: Some(name),
        told_by: ToldBy::NetBios,
        answer: false,
        asks: false,
    }
}

/// First-level encoding (RFC 1001 14.1): two letters from A to P for each of sixteen bytes; a scope
/// may follow behind a dot.
fn decoded(owner: &[u8]) -> Option<[u8; 16]> {
    let label = owner.first_chunk::<32>()?;
    if !matches!(owner.get(32), None | Some(b'.')) {
        return None;
    }
    let mut name = [0; 16];
    for (byte, pair) in name.iter_mut().zip(label.chunks_exact(2)) {
        let nibble = |letter: u8| letter.checked_sub(b'A').filter(|n| *n < 16);
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(name)
}

/// The computer's name, if that is what this name is.
fn computer(name: &[u8; 16]) -> Option<Text> {
    let printable = name[..15].iter().all(|b| (b' '..0x7F).contains(b));
    (matches!(name[15], 0x00 | 0x20) && printable)
        .then(|| text_of(&name[..15]))
        .flatten()
}
