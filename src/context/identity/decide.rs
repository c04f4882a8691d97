//! From all that was collected to who had which address when.
//!
//! Order of belief: what the user states, what hosts log about themselves, names in packets. A
//! hardware address gives nobody an IP address, but it shows when an IP address went to another
//! device.

use super::builder::{Facts, IdentityBuilder, Mac, Rows, Table, telling};
use super::calls;
use super::claims::{Macs, Piece, believe};
use super::names::key_of;
use super::sightings::{Period, Sightings};
use super::timeline::{Held, Timeline};
use super::{Conflict, Host, HostId, Identity, KnownBy, Orientation, OrientationVotes};
use crate::model::{Event, HostWhat, Timestamp, What};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Own addresses taken from inbound rows alone.
const GUESSED: usize = 64;
/// An address that changes hands more often than this is forged, and its hardware addresses tell
/// nothing.
const STRETCHES: usize = 1024;
/// Conflicts kept.
const CONFLICTS: usize = 1024;

/// Who had an address: a known host, or a device that no log and no name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner {
    Host(HostId),
    Stranger,
}

/// One period of evidence that a host had an address; logs go before names in packets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Evidence {
    logged: bool,
    host: HostId,
    period: Period,
}

pub(super) fn freeze(mut builder: IdentityBuilder) -> Identity {
    let logging: BTreeSet<String> = builder.facts.keys().cloned().collect();
    let mut stated: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for (name, address) in &builder.stated {
        let key = key_of(name);
        let facts = builder.facts.entry(key.clone()).or_default();
        if facts.name.is_empty() {
            facts.name = name.as_str().into();
        }
        stated.entry(key).or_default().push(*address);
    }
    for announcements in builder.announced.by_mac.values_mut() {
        announcements.sort_by_key(Event::order);
    }
    let (macs, pairs) = macs_of(builder.pairs);
    let mut believed = believe(builder.names, &builder.facts, &macs);
    // After the others, whose numbers must not depend on what packets are believed.
    let new_hosts = std::mem::take(&mut believed.new_hosts);
    let new_hosts = new_hosts.into_iter().map(|(key, name)| {
        let facts = Facts {
            name,
            ..Facts::default()
        };
        (key, facts)
    });
    let mut identity = Identity {
        by_mac: builder.announced.by_mac,
        passwords: builder.passwords.numbered(),
        calls: calls::of(builder.announced.signals),
        wakers: builder.wakers,
        conflicts: believed.conflicts,
        left_out: builder.left_out + believed.left_out,
        ..Identity::default()
    };
    let mut evidence: BTreeMap<IpAddr, Vec<Evidence>> = BTreeMap::new();
    let mut pieces: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    for piece in believed.pieces {
        pieces.entry(piece.host.clone()).or_default().push(piece);
    }
    for (i, (key, facts)) in builder.facts.into_iter().chain(new_hosts).enumerate() {
        let id = HostId(i as u32);
        let own = stated.get(&key);
        let pieces = pieces.remove(&key).unwrap_or_default();
        for piece in &pieces {
            let named = piece.seen.periods().iter().map(|period| Evidence {
                logged: false,
                host: id,
                period: *period,
            });
            evidence.entry(piece.address).or_default().extend(named);
            if let Some(mac) = piece.mac {
                identity.mac_hosts.entry(mac).or_default().insert(id);
            }
        }
        let known_by = match (logging.contains(&key), own) {
            (true, _) => KnownBy::Logs,
            (false, Some(_)) => KnownBy::Stated,
            (false, None) => KnownBy::Packets,
        };
        let own = own.map_or(&[][..], Vec::as_slice);
        let host = settle_host(facts, known_by, own, &pieces, |address, period| {
            evidence.entry(address).or_default().push(Evidence {
                logged: true,
                host: id,
                period,
            });
        });
        identity.by_name.insert(key, id);
        identity.hosts.push(host);
    }
    let stated: BTreeMap<IpAddr, HostId> = builder
        .stated
        .iter()
        .filter_map(|(n, a)| identity.by_name.get(&key_of(n)).map(|id| (*a, *id)))
        .collect();
    for (address, host) in &stated {
        let owner = Owner::Host(*host);
        let timeline = Timeline::always(owner);
        identity.by_address.insert(*address, timeline);
        let others = evidence.remove(address).unwrap_or_default();
        let others: BTreeSet<HostId> = others.iter().map(|e| e.host).collect();
        let overruled = others.iter().filter(|other| *other != host);
        let overruled = overruled.map(|other| Conflict::Overruled {
            address: *address,
            host: *host,
            other: *other,
        });
        identity.conflicts.extend(overruled);
    }
    for (address, found) in evidence {
        let timeline = settle_address(
            address,
            found,
            macs.get(&address),
            &pairs,
            &mut identity.conflicts,
        );
        identity.by_address.insert(address, timeline);
    }
    if identity.conflicts.len() > CONFLICTS {
        identity.left_out += (identity.conflicts.len() - CONFLICTS) as u64;
        identity.conflicts.truncate(CONFLICTS);
    }
    for (address, mac) in pairs.into_keys() {
        identity.of_mac.entry(mac).or_default().push(address);
    }
    identity.macs = macs;
    // Names as written as well, so that asking with them takes no copy in lower case.
    for (host, id) in identity.hosts.iter().zip(0..) {
        let name = host.name.to_string();
        identity.by_name.entry(name).or_insert(HostId(id));
    }
    identity
}

type Pairs = BTreeMap<(IpAddr, Mac), Sightings>;

/// Which hardware address had which IP address when.
fn macs_of(pairs: Pairs) -> (Macs, Pairs) {
    let mut claims: BTreeMap<IpAddr, Vec<(Period, Mac)>> = BTreeMap::new();
    for ((address, mac), seen) in &pairs {
        let periods = seen.periods().iter().map(|period| (*period, *mac));
        claims.entry(*address).or_default().extend(periods);
    }
    let macs = claims
        .into_iter()
        .map(|(address, claims)| (address, Timeline::settle(claims).0))
        .collect();
    (macs, pairs)
}

/// The same in the order of the addresses.
fn sorted<T>(table: &Table<T>) -> BTreeMap<IpAddr, &T> {
    table
        .iter()
        .map(|(address, held)| (*address, held))
        .collect()
}

/// The host itself; what its own log says of addresses goes to `logged`.
fn settle_host(
    mut facts: Facts,
    known_by: KnownBy,
    stated: &[IpAddr],
    pieces: &[Piece],
    mut logged: impl FnMut(IpAddr, Period),
) -> Host {
    let own = sorted(&facts.own);
    let inbound_sources = sorted(&facts.inbound_sources);
    let inbound_destinations = sorted(&facts.inbound_destinations);
    for (address, seen) in &own {
        seen.periods().iter().for_each(|p| logged(*address, *p));
    }
    let mut own: Vec<IpAddr> = own.into_keys().collect();
    own.extend(stated);
    for (address, seen) in receiving(&facts, &own) {
        logged(address, seen);
        own.push(address);
    }
    let told = !own.is_empty();
    own.extend(pieces.iter().map(|p| p.address));
    own.sort_unstable();
    own.dedup();
    let sum = |table: &BTreeMap<IpAddr, &Rows>| {
        let own = own.iter().filter_map(|a| table.get(a));
        own.map(|rows| rows.count).sum::<u64>()
    };
    let mut votes = OrientationVotes {
        packet_order: sum(&inbound_destinations),
        receiver_first: sum(&inbound_sources),
    };
    if own.is_empty() {
        // No outbound row names the host. Its own side of inbound rows is the one that hardly
        // varies, while remote sides do.
        let distinct = |t: &BTreeMap<IpAddr, &Rows>| t.keys().filter(|a| telling(**a)).count();
        let (s, d) = (distinct(&inbound_sources), distinct(&inbound_destinations));
        let rows: u64 = inbound_sources.values().map(|rows| rows.count).sum();
        let side = match s.cmp(&d) {
            std::cmp::Ordering::Less if s > 0 => {
                votes.receiver_first = rows;
                &inbound_sources
            }
            _ => {
                votes.packet_order = rows;
                &inbound_destinations
            }
        };
        let usual = side.iter().filter(|(a, _)| telling(**a)).take(GUESSED);
        for (address, rows) in usual {
            logged(*address, rows.seen);
            own.push(*address);
        }
    }
    facts.starts.sort_by_key(Event::order);
    let resumed = |event: &Event| matches!(&event.what, What::Host(host) if matches!(host.what, HostWhat::SystemResumed { .. }));
    let (resumes, starts) = facts.starts.into_iter().partition(resumed);
    facts.turns.sort_by_key(Event::order);
    Host {
        name: facts.name,
        known_by,
        named_in_packets: !told && !pieces.is_empty(),
        addresses: own,
        orientation: if votes.receiver_first > votes.packet_order {
            Orientation::ReceiverFirst
        } else {
            Orientation::PacketOrder
        },
        votes,
        starts,
        resumes,
        turns: facts.turns,
    }
}

/// The own addresses that received connections show. Sysmon 3 tells some rows of a connection that the
/// host did not initiate with the host itself as the source, so a row tells an address only if its
/// source is not the host's own; the most frequent pairs are asked first.
fn receiving(facts: &Facts, own: &[IpAddr]) -> Vec<(IpAddr, Period)> {
    let mut known: BTreeSet<IpAddr> = own.iter().copied().collect();
    let mut pairs: Vec<_> = facts.received.iter().collect();
    pairs.sort_by_key(|(ends, rows)| (Reverse(rows.count), **ends));
    let mut found = Vec::new();
    for ((source, destination), rows) in pairs {
        if telling(*destination) && !known.contains(source) {
            known.insert(*destination);
            found.push((*destination, rows.seen));
        }
    }
    found
}

/// A stretch in which an address stayed with one hardware address, or with none that is known.
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    mac: Option<Mac>,
}

fn stretches(macs: Option<&Timeline<Mac>>) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut from = Some(Timestamp::MIN);
    let spans = macs.map_or(&[][..], Timeline::spans);
    let spans = if spans.len() > STRETCHES { &[] } else { spans };
    for Held {
        from: at,
        to,
        owner,
    } in spans
    {
        let before = at.0.checked_sub(1).map(Timestamp);
        if let (Some(from), Some(to)) = (from, before)
            && from <= to
        {
            let mac = None;
            stretches.push(Stretch { from, to, mac });
        }
        let (at, to, mac) = (*at, *to, Some(*owner));
        stretches.push(Stretch { from: at, to, mac });
        from = to.0.checked_add(1).map(Timestamp);
    }
    if let Some(from) = from {
        let (to, mac) = (Timestamp::MAX, None);
        stretches.push(Stretch { from, to, mac });
    }
    stretches
}

/// Who had `address` when, by the evidence for each host and by the hardware addresses it had.
fn settle_address(
    address: IpAddr,
    found: Vec<Evidence>,
    macs: Option<&Timeline<Mac>>,
    pairs: &Pairs,
    conflicts: &mut Vec<Conflict>,
) -> Timeline<Owner> {
    let stretches = stretches(macs);
    let mut claims: Vec<(Period, Owner)> = Vec::new();
    // The hosts that each hardware address was seen to be, and its stretches without evidence.
    let mut devices: BTreeMap<Mac, BTreeSet<HostId>> = BTreeMap::new();
    let mut silent: Vec<(&Stretch, Mac)> = Vec::new();
    let mut by_stretch: Vec<Vec<Evidence>> = stretches.iter().map(|_| Vec::new()).collect();
    for one in found {
        let first = stretches.partition_point(|s| s.to < one.period.from);
        let touched = stretches.iter().zip(&mut by_stretch).skip(first);
        for (stretch, held) in touched.take_while(|(s, _)| s.from <= one.period.to) {
            let period = Period {
                from: one.period.from.max(stretch.from),
                to: one.period.to.min(stretch.to),
                until: one.period.until.min(stretch.to),
            };
            held.push(Evidence { period, ..one });
        }
    }
    for (stretch, held) in stretches.iter().zip(by_stretch) {
        let mut hulls: BTreeMap<(bool, HostId), Period> = BTreeMap::new();
        for one in held {
            let hull = hulls.entry((one.logged, one.host)).or_insert(one.period);
            *hull = hull.with(one.period);
        }
        let logged: Vec<(HostId, Period)> = hulls
            .iter()
            .filter(|((logged, _), _)| *logged)
            .map(|((_, host), period)| (*host, *period))
            .collect();
        hulls.retain(|(is_logged, host), period| {
            let winner = logged
                .iter()
                .find(|(other, log)| !*is_logged && other != host && log.overlaps(*period));
            if let Some((winner, _)) = winner {
                conflicts.push(Conflict::Overruled {
                    address,
                    host: *winner,
                    other: *host,
                });
            }
            winner.is_none()
        });
        let hosts: BTreeSet<HostId> = hulls.keys().map(|(_, host)| *host).collect();
        if let Some(mac) = stretch.mac {
            devices.entry(mac).or_default().extend(&hosts);
            match (hosts.first(), hosts.len()) {
                (None, _) => silent.push((stretch, mac)),
                // The device is this host: whenever it was heard, the host had the address.
                (Some(host), 1) => {
                    claims.extend(seen_in(stretch, mac, address, pairs, Owner::Host(*host)));
                }
                _ => {}
            }
        }
        claims.extend(hulls.iter().map(|((_, host), p)| (*p, Owner::Host(*host))));
    }
    for (stretch, mac) in silent {
        let owner = match devices.get(&mac) {
            Some(hosts) if hosts.len() == 1 => {
                hosts.first().map_or(Owner::Stranger, |h| Owner::Host(*h))
            }
            _ => Owner::Stranger,
        };
        claims.extend(seen_in(stretch, mac, address, pairs, owner));
    }
    let (timeline, contests) = Timeline::settle(claims);
    conflicts.extend(contests.into_iter().map(|contest| {
        Conflict::Address {
            address,
            from: contest.from,
            to: contest.to,
            hosts: contest
                .owners
                .into_iter()
                .filter_map(|owner| match owner {
                    Owner::Host(id) => Some(id),
                    Owner::Stranger => None,
                })
                .collect(),
        }
    }));
    timeline
}

/// When the hardware address was heard in the stretch, as the claim of `owner`.
fn seen_in(
    stretch: &Stretch,
    mac: Mac,
    address: IpAddr,
    pairs: &Pairs,
    owner: Owner,
) -> Option<(Period, Owner)> {
    let seen = pairs.get(&(address, mac))?;
    let heard = seen
        .periods()
        .iter()
        .filter(|p| stretch.from <= p.to && p.from <= stretch.to);
    heard
        .copied()
        .reduce(Period::with)
        .map(|period| (period, owner))
}
