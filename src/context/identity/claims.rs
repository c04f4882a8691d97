//! Which names that packets give to addresses are believed.
//!
//! Anyone can claim any name, so only what nobody contradicts counts: one name per address and
//! hardware address, one address per name at a time (unless one hardware address has them all), and
//! never against what a host's own log says. What is contradicted is kept to be shown.

use super::builder::{Facts, Mac, NameKey};
use super::names::{label_of, may_be_one};
use super::sightings::{Period, Sightings};
use super::timeline::Timeline;
use super::{Conflict, builder::telling};
use crate::model::Text;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Hosts that are known by packets alone.
const HOSTS: usize = 4096;
/// Addresses of one conflict that are kept.
const SHOWN: usize = 8;

/// Who had which hardware address, by IP address.
pub(super) type Macs = BTreeMap<IpAddr, Timeline<Mac>>;

/// A believed claim: this host had this address then.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Key of the host's name.
    pub host: String,
    pub address: IpAddr,
    pub mac: Option<Mac>,
    pub seen: Sightings,
    rank: u8,
}

/// What came of all claims.
#[derive(Default)]
pub(super) struct Believed {
    pub pieces: Vec<Piece>,
    /// Hosts no log knows: key and name.
    pub new_hosts: BTreeMap<String, Text>,
    pub conflicts: Vec<Conflict>,
    /// Hosts beyond those kept.
    pub left_out: u64,
}

/// Judges `names` against each other, against the hardware addresses and against the logs.
pub(super) fn believe(
    names: BTreeMap<NameKey, (Text, Sightings)>,
    facts: &BTreeMap<String, Facts>,
    macs: &Macs,
) -> Believed {
    let mut believed = Believed::default();
    let pieces = resolve(names, facts, &mut believed);
    let pieces = one_name_per_address(pieces, macs, &mut believed);
    believed.pieces = one_address_per_name(pieces, facts, macs, &mut believed);
    let alive: BTreeSet<&str> = believed.pieces.iter().map(|p| p.host.as_str()).collect();
    let mut new_hosts = std::mem::take(&mut believed.new_hosts);
    new_hosts.retain(|key, _| alive.contains(key.as_str()));
    while new_hosts.len() > HOSTS {
        new_hosts.pop_last();
        believed.left_out += 1;
    }
    believed
        .pieces
        .retain(|p| facts.contains_key(&p.host) || new_hosts.contains_key(&p.host));
    believed.new_hosts = new_hosts;
    believed
}

/// From spellings to hosts: those the logs know, or new ones.
fn resolve(
    names: BTreeMap<NameKey, (Text, Sightings)>,
    facts: &BTreeMap<String, Facts>,
    believed: &mut Believed,
) -> Vec<Piece> {
    let mut known: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in facts.keys() {
        known.entry(label_of(key)).or_default().push(key);
    }
    // The full names of each label: with two of them, a short one means neither.
    let mut full: BTreeMap<String, BTreeMap<String, Text>> = BTreeMap::new();
    for (key, (name, _)) in &names {
        if key.name.contains('.') {
            let held = full.entry(label_of(&key.name).to_owned()).or_default();
            held.entry(key.name.clone()).or_insert_with(|| name.clone());
        }
    }
    let mut unclear: BTreeMap<Text, Vec<IpAddr>> = BTreeMap::new();
    let mut pieces = Vec::new();
    for (key, (name, seen)) in names {
        let label = label_of(&key.name);
        let candidates: Vec<&str> = known
            .get(label)
            .into_iter()
            .flatten()
            .copied()
            .filter(|host| may_be_one(host, &key.name))
            .collect();
        let spelt = full.get(label);
        let host = match (candidates.as_slice(), spelt.map_or(0, BTreeMap::len)) {
            ([host], _) => Some((*host).to_owned()),
            ([], 0) => {
                let held = believed.new_hosts.entry(key.name.clone());
                held.or_insert_with(|| name.clone());
                Some(key.name.clone())
            }
            ([], spellings) => {
                let one = spelt.and_then(|s| s.get_key_value(&key.name));
                let only = spelt.and_then(BTreeMap::first_key_value);
                let full = one.or(only.filter(|_| spellings == 1));
                full.map(|(full_key, shown)| {
                    let held = believed.new_hosts.entry(full_key.clone());
                    held.or_insert_with(|| shown.clone());
                    full_key.clone()
                })
            }
            _ => None,
        };
        match host {
            Some(host) => pieces.push(Piece {
                host,
                address: key.address,
                mac: key.mac,
                seen,
                rank: key.told_by as u8,
            }),
            None => note(unclear.entry(name).or_default(), key.address),
        }
    }
    for (name, addresses) in unclear {
        believed
            .conflicts
            .push(Conflict::SeveralHosts { name, addresses });
    }
    pieces
}

fn note(addresses: &mut Vec<IpAddr>, address: IpAddr) {
    if addresses.len() < SHOWN && !addresses.contains(&address) {
        addresses.push(address);
    }
}

/// While one hardware address has an IP address, the most trusted kind of claim names it, and that
/// must be one name.
fn one_name_per_address(pieces: Vec<Piece>, macs: &Macs, believed: &mut Believed) -> Vec<Piece> {
    // Of the address, by its first moment in the span of one hardware address.
    let mut by_era: BTreeMap<(IpAddr, usize), Vec<Piece>> = BTreeMap::new();
    for piece in pieces {
        let spans = macs.get(&piece.address).map_or(&[][..], Timeline::spans);
        let mut eras: BTreeMap<usize, Sightings> = BTreeMap::new();
        for period in piece.seen.periods() {
            let era = spans.partition_point(|span| span.to < period.from);
            eras.entry(era).or_default().add(*period);
        }
        for (era, seen) in eras {
            let of_era = Piece {
                seen,
                ..piece.clone()
            };
            by_era.entry((piece.address, era)).or_default().push(of_era);
        }
    }
    let mut kept = Vec::new();
    for ((address, _), pieces) in by_era {
        let best = pieces.iter().map(|p| p.rank).min();
        let hosts: BTreeSet<&str> = pieces
            .iter()
            .filter(|p| Some(p.rank) == best)
            .map(|p| p.host.as_str())
            .collect();
        if hosts.len() == 1 {
            let host = hosts.first().map(|h| (*h).to_owned()).unwrap_or_default();
            kept.extend(pieces.into_iter().filter(|p| p.host == host));
        } else {
            let names = hosts.iter().take(SHOWN).map(|h| Text::from(*h)).collect();
            believed
                .conflicts
                .push(Conflict::SeveralNames { address, names });
        }
    }
    kept
}

/// Addresses of one class exclude each other; a host has many of different classes at once.
fn class_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) if v4.is_link_local() => 0,
        IpAddr::V4(_) => 1,
        IpAddr::V6(v6) if v6.is_unicast_link_local() => 2,
        IpAddr::V6(_) => 3,
    }
}

/// One span of evidence that a host had an address.
struct Had {
    period: Period,
    address: IpAddr,
    mac: Option<Mac>,
    /// Which piece says so; `None` for the host's own log.
    piece: Option<usize>,
}

/// A name that two addresses of one class have at the same time names neither, unless both belong
/// to one hardware address. Claims are moments, so moments close together are the same time.
fn one_address_per_name(
    pieces: Vec<Piece>,
    facts: &BTreeMap<String, Facts>,
    macs: &Macs,
    believed: &mut Believed,
) -> Vec<Piece> {
    let mut had: BTreeMap<(&str, u8), Vec<Had>> = BTreeMap::new();
    let mac_at = |address: IpAddr, period: Period| macs.get(&address)?.at(period.from);
    for (i, piece) in pieces.iter().enumerate() {
        let Some(period) = piece.seen.hull() else {
            continue;
        };
        let key = (piece.host.as_str(), class_of(piece.address));
        had.entry(key).or_default().push(Had {
            period,
            address: piece.address,
            mac: piece.mac.or_else(|| mac_at(piece.address, period)),
            piece: Some(i),
        });
    }
    for ((host, class), had) in &mut had {
        let own = facts.get(*host).map(|f| &f.own);
        // In any order: sorted below.
        for (address, seen) in own.into_iter().flatten() {
            if class_of(*address) == *class && telling(*address) {
                had.extend(seen.periods().iter().map(|period| Had {
                    period: *period,
                    address: *address,
                    mac: mac_at(*address, *period),
                    piece: None,
                }));
            }
        }
    }
    let mut refused = BTreeSet::new();
    let mut unclear: BTreeMap<&str, Vec<IpAddr>> = BTreeMap::new();
    for ((host, _), mut had) in had {
        had.sort_by_key(|h| (h.period, h.address, h.mac));
        let mut rest = had.as_slice();
        while let Some(first) = rest.first() {
            let mut chain = first.period;
            let mut length = 1;
            while let Some(next) = rest.get(length).filter(|n| chain.is_near(n.period)) {
                chain = chain.with(next.period);
                length += 1;
            }
            let (together, later) = rest.split_at(length);
            rest = later;
            let one_address = together.iter().all(|h| h.address == first.address);
            let one_mac = first.mac.is_some() && together.iter().all(|h| h.mac == first.mac);
            if !one_address && !one_mac {
                refused.extend(together.iter().filter_map(|h| h.piece));
                if together.iter().any(|h| h.piece.is_some()) {
                    let addresses = unclear.entry(host).or_default();
                    together.iter().for_each(|h| note(addresses, h.address));
                }
            }
        }
    }
    for (host, addresses) in unclear {
        believed.conflicts.push(Conflict::SeveralAddresses {
            name: host.into(),
            addresses,
        });
    }
    pieces
        .into_iter()
        .enumerate()
        .filter(|(i, _)| !refused.contains(i))
        .map(|(_, piece)| piece)
        .collect()
}
