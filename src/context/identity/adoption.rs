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
use crate::model::net::may_be_broadcast;
use crate::model::{Direction, HostEvent, HostWhat, Span, Text, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Own addresses kept of one log, and logs: the smallest, whatever the order in which they come, so
/// that readers that divide a log keep the same together as one alone. Rows of the others are
/// counted as left out.
const ADDRESSES: usize = 256;
const LOGS: usize = 1_024;
/// How far the times of a log may be from what they are taken for: its zone is not known.
const ZONE: Span = Span::seconds(14 * 3_600);

/// The own addresses of one log, with how often and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    computer: Text,
    addresses: BTreeMap<IpAddr, (u64, Sightings)>,
    /// Rows of addresses beyond those kept.
    left_out: u64,
}

impl Own {
    fn add(&mut self, address: IpAddr, rows: u64, seen: impl FnOnce(&mut Sightings)) {
        if let Some((count, held)) = self.addresses.get_mut(&address) {
            *count += rows;
            seen(held);
            return;
        }
        let full = self.addresses.len() >= ADDRESSES;
        if full && let Some(last) = self.addresses.last_entry() {
            if *last.key() < address {
                self.left_out += rows;
                return;
            }
            self.left_out += last.remove().0;
        }
        let mut held = Sightings::default();
        seen(&mut held);
        self.addresses.insert(address, (rows, held));
    }

    /// All rows that were taken in.
    fn rows(&self) -> u64 {
        let kept: u64 = self.addresses.values().map(|(rows, _)| rows).sum();
        kept + self.left_out
    }
}

impl IdentityBuilder {
    /// Takes in a row of a firewall's own log, whose computer is the log's and no host's name.
    pub fn firewall_row(&mut self, event: &HostEvent, time: Timestamp) {
        let HostWhat::Filtered {
            direction: Some(direction),
            transport,
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
        // What came for a whole network says nothing of who had which address.
        let for_all = *direction == Direction::Inbound && may_be_broadcast(*transport, own);
        if !telling(own) || for_all {
            return;
        }
        match self.log(&event.computer, &event.computer) {
            Some(log) => log.add(own, 1, |seen| seen.add(Period::new(time, time))),
            None => self.left_out += 1,
        }
    }

    /// The log of this key; `None` if it is beyond those kept.
    fn log(&mut self, key: &str, computer: &Text) -> Option<&mut Own> {
        if !self.logs.contains_key(key) {
            let log = Own {
                computer: computer.clone(),
                ..Own::default()
            };
            self.logs.insert(key.to_owned(), log);
            if self.logs.len() > LOGS
                && let Some((_, dropped)) = self.logs.pop_last()
            {
                self.left_out += dropped.rows();
            }
        }
        self.logs.get_mut(key)
    }

    /// Takes over the logs of another builder.
    pub(super) fn merge_logs(&mut self, theirs: BTreeMap<String, Own>) {
        for (key, log) in theirs {
            let Some(ours) = self.log(&key, &log.computer) else {
                self.left_out += log.rows();
                continue;
            };
            ours.left_out += log.left_out;
            for (address, (rows, seen)) in log.addresses {
                ours.add(address, rows, |held| held.merge(seen));
            }
        }
    }
}

/// Decides who had which address, then whose the logs are, and what those without a host add.
pub(super) fn freeze(mut builder: IdentityBuilder) -> Identity {
    let logs = std::mem::take(&mut builder.logs);
    for log in logs.values() {
        builder.left_out += log.left_out;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::firewall::Layer;
    use crate::model::host_event::{Process, Verdict};
    use crate::model::{Endpoint, Timed, Transport};

    fn address(n: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + n).to_be_bytes())
    }

    /// A row of `log` whose own address is the nth.
    fn row(log: &str, n: u32) -> HostEvent {
        HostEvent {
            computer: log.into(),
            channel: "pfirewall".into(),
            provider: "".into(),
            event_id: 0,
            socket: None,
            timed: Timed::FirewallLog,
            written: Timestamp(0),
            what: HostWhat::Filtered {
                verdict: Verdict::Permitted,
                layer: Layer::Connect,
                direction: Some(Direction::Outbound),
                process: Process::default(),
                transport: Transport::TCP,
                source: Endpoint::new(address(n), 50_000),
                destination: Endpoint::new(address(9_000_000), 443),
                isn: None,
                opens: None,
            },
        }
    }

    fn read(rows: impl IntoIterator<Item = (String, u32)>) -> IdentityBuilder {
        let mut builder = IdentityBuilder::default();
        for (log, n) in rows {
            builder.firewall_row(&row(&log, n), Timestamp(i64::from(n)));
        }
        builder
    }

    fn merged(mut first: IdentityBuilder, second: IdentityBuilder) -> IdentityBuilder {
        first.merge(second);
        first
    }

    type OfLog<'a> = (&'a str, Vec<(IpAddr, u64)>);

    /// What is kept: each log with its addresses and their rows; and how many rows are not.
    fn kept(builder: &IdentityBuilder) -> (Vec<OfLog<'_>>, u64) {
        let rows = |log: &Own| log.addresses.iter().map(|(a, (n, _))| (*a, *n)).collect();
        let logs = &builder.logs;
        let beyond: u64 = logs.values().map(|log| log.left_out).sum();
        (
            logs.iter()
                .map(|(key, log)| (key.as_str(), rows(log)))
                .collect(),
            builder.left_out + beyond,
        )
    }

    #[test]
    fn own_addresses_of_a_log_are_bounded_whoever_reads_which_part() {
        let many = ADDRESSES as u32 + 3;
        let part = |from: u32| {
            let turned = (from..many + from).rev();
            // The largest is named most often, and still one too many.
            let often = [many - 1; 5].into_iter();
            read(turned.chain(often).map(|n| ("E1".to_owned(), n)))
        };
        let alone = part(0);
        let (logs, left_out) = kept(&alone);
        assert_eq!(logs[0].1.len(), ADDRESSES);
        assert_eq!(logs[0].1[0], (address(0), 1));
        assert_eq!(left_out, 3 + 5, "rows, not addresses");
        let ab = merged(part(0), part(2));
        let ba = merged(part(2), part(0));
        let (logs, left_out) = kept(&ab);
        assert_eq!(logs[0].1.len(), ADDRESSES);
        let rows: u64 = logs[0].1.iter().map(|(_, rows)| rows).sum();
        assert_eq!(
            rows + left_out,
            u64::from(many + 5) * 2,
            "every row is somewhere"
        );
        assert_eq!(kept(&ab), kept(&ba));
        assert_eq!(ab.freeze().left_out, left_out);
    }

    #[test]
    fn logs_are_bounded_whoever_reads_which() {
        let part = |from: usize| {
            let names = (from..from + LOGS / 2 + 2)
                .rev()
                .map(|n| format!("L{n:04}"));
            read(names.flat_map(|log| [(log.clone(), 1), (log, 2)]))
        };
        let (a, b) = (part(0), part(LOGS / 2 + 2));
        let ab = merged(a.clone(), b.clone());
        let ba = merged(b, a);
        let (logs, left_out) = kept(&ab);
        assert_eq!(
            (logs.len(), left_out),
            (LOGS, 8),
            "two rows of each of four logs"
        );
        assert_eq!(logs[0].0, "L0000");
        assert_eq!(kept(&ab), kept(&ba));
        assert_eq!(ab.freeze().left_out, 8);
        let alone = read((0..LOGS as u32 + 1).rev().map(|n| (format!("L{n:04}"), 1)));
        assert_eq!(kept(&alone).1, 1);
    }
}
