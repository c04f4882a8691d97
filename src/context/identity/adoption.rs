//! Whose computer's a Windows Firewall log is: it names none, but says of each packet which address
//! was its own.
//!
//! A log belongs to the host that had its own addresses. Its times are local, so a host counts only
//! if it alone had the address for a day around them. Where no host is known by an address, the log
//! is of a host of its own, called by the address that most rows name; where two hosts are, it is of
//! neither, and that is a conflict.

use super::builder::{Facts, IdentityBuilder, telling};
use super::decide::{self, Owner};
use super::names::key_of;
use super::sightings::{Period, Sightings};
use super::{Conflict, HostId, Identity};
use crate::model::{Direction, HostEvent, HostWhat, Span, Text, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Own addresses kept of one log, and logs.
const ADDRESSES: usize = 256;
const LOGS: usize = 1_024;
/// How far the times of a log may be from what they are taken for: its zone is not known.
const ZONE: Span = Span::seconds(14 * 3_600);

/// The own addresses of one log, with how often and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    computer: Text,
    addresses: BTreeMap<IpAddr, (u64, Sightings)>,
}

impl IdentityBuilder {
    /// Takes in a row of a firewall's own log, whose computer is the log's and no host's name.
    pub fn firewall_row(&mut self, event: &HostEvent, time: Timestamp) {
        let HostWhat::Filtered {
            direction: Some(direction),
            source,
            destination,
            ..
        } = &event.what
        else {
            return;
        };
        let own = match direction {
            Direction::Outbound => source.address,
            Direction::Inbound => destination.address,
        };
        if !telling(own) || self.logs.len() >= LOGS && !self.logs.contains_key(&*event.computer) {
            return;
        }
        if !self.logs.contains_key(&*event.computer) {
            let log = Own {
                computer: event.computer.clone(),
                ..Own::default()
            };
            self.logs.insert(event.computer.to_string(), log);
        }
        let Some(log) = self.logs.get_mut(&*event.computer) else {
            return;
        };
        if log.addresses.len() < ADDRESSES || log.addresses.contains_key(&own) {
            let (rows, seen) = log.addresses.entry(own).or_default();
            *rows += 1;
            seen.add(Period::new(time, time));
        }
    }

    /// Takes over the logs of another builder.
    pub(super) fn merge_logs(&mut self, theirs: BTreeMap<String, Own>) {
        for (key, log) in theirs {
            let ours = self.logs.entry(key).or_default();
            ours.computer = log.computer;
            for (address, (more, seen)) in log.addresses {
                let (rows, held) = ours.addresses.entry(address).or_default();
                *rows += more;
                held.merge(seen);
            }
        }
    }
}

/// Decides who had which address, then whose the logs are, and what those without a host add.
pub(super) fn freeze(mut builder: IdentityBuilder) -> Identity {
    let logs = std::mem::take(&mut builder.logs);
    for log in logs.values() {
        builder.facts.remove(&key_of(&log.computer));
    }
    if logs.is_empty() {
        return decide::freeze(builder);
    }
    let first = decide::freeze(builder.clone());
    let mut adopted: Vec<(Text, String)> = Vec::new();
    let mut contested: Vec<(Text, BTreeSet<String>)> = Vec::new();
    for log in logs.into_values() {
        let owners = owners(&log, &first);
        let keys: BTreeSet<String> = owners.iter().filter_map(|id| key(&first, *id)).collect();
        match (keys.len(), keys.first()) {
            (1, Some(key)) => adopted.push((log.computer, key.clone())),
            (0, _) => {
                let (key, more) = facts(&log);
                adopted.push((log.computer, key.clone()));
                let facts = builder.facts.entry(key).or_default();
                facts.name = more.name;
                for (address, seen) in more.own {
                    facts.own.entry(address).or_default().merge(seen);
                }
            }
            _ => {
                let facts = builder.facts.entry(key_of(&log.computer)).or_default();
                facts.name = log.computer.clone();
                contested.push((log.computer, keys));
            }
        }
    }
    let mut identity = decide::freeze(builder);
    identity.adopts = true;
    for (computer, key) in adopted {
        if let Some(id) = identity.named(&key) {
            identity.by_name.insert(key_of(&computer), id);
            identity.by_name.insert(computer.to_string(), id);
        }
    }
    for (log, keys) in contested {
        let hosts = keys.iter().filter_map(|key| identity.named(key)).collect();
        identity
            .conflicts
            .push(Conflict::FirewallLog { log, hosts });
    }
    identity
}

/// The hosts that had an own address of the log when it was written.
fn owners(log: &Own, identity: &Identity) -> BTreeSet<HostId> {
    let mut owners = BTreeSet::new();
    for (address, (_, seen)) in &log.addresses {
        let (Some(hull), Some(timeline)) = (seen.hull(), identity.by_address.get(address)) else {
            continue;
        };
        let (from, to) = (hull.from.shifted(ZONE.negated()), hull.to.shifted(ZONE));
        let then: Vec<Owner> = timeline
            .spans()
            .iter()
            .filter(|span| span.from <= to && from <= span.to)
            .map(|span| span.owner)
            .collect();
        if let [Owner::Host(id)] = then[..] {
            owners.insert(id);
        }
    }
    owners
}

fn key(identity: &Identity, id: HostId) -> Option<String> {
    identity.host(id).map(|host| key_of(&host.name))
}

/// What a log without a known host says of its own, under the address that most of its rows name.
fn facts(log: &Own) -> (String, Facts) {
    let most = log
        .addresses
        .iter()
        .max_by_key(|(address, (rows, _))| (*rows, std::cmp::Reverse(**address)));
    let name: Text = match most {
        Some((address, _)) => address.to_string().into(),
        None => log.computer.clone(),
    };
    let mut facts = Facts {
        name: name.clone(),
        ..Facts::default()
    };
    for (address, (_, seen)) in &log.addresses {
        facts.own.insert(*address, seen.clone());
    }
    (key_of(&name), facts)
}
