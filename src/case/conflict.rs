//! Evidence that contradicts itself about addresses, in words: what it says, and what was made of it.
//!
//! Only what the evidence shows is said: two logs that name an address in turn show that both had it
//! between the first and the last record, not that both had it at one moment.

use crate::context::Identity;
use crate::context::identity::{Conflict, HostId};
use crate::model::{Text, Timestamp};
use std::net::IpAddr;

/// A contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictRow {
    /// What sort of contradiction.
    pub kind: ConflictKind,
    /// The addresses it is about; of many, a few.
    pub addresses: Vec<IpAddr>,
    /// The hosts or names it is about; of many, a few.
    pub names: Vec<Text>,
    /// From when, where that is known.
    pub from: Option<Timestamp>,
    /// Until when, where that is known.
    pub to: Option<Timestamp>,
    /// What the evidence says, as a clause.
    pub what: String,
    /// What was made of it, as a clause.
    pub taken: String,
}

/// What sort of contradiction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictKind {
    /// Several hosts claim an address.
    Address,
    /// Weaker evidence gives an address to another host.
    Overruled,
    /// One name has several addresses.
    SeveralAddresses,
    /// One address has several names.
    SeveralNames,
    /// A name may mean several hosts.
    SeveralHosts,
    /// A firewall's own log may be of several hosts.
    FirewallLog,
}

impl ConflictKind {
    /// The stable name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Overruled => "overruled",
            Self::SeveralAddresses => "several-addresses",
            Self::SeveralNames => "several-names",
            Self::SeveralHosts => "several-hosts",
            Self::FirewallLog => "firewall-log",
        }
    }
}

/// The contradictions, in the order in which identity met them.
pub fn rows(identity: &Identity) -> Vec<ConflictRow> {
    identity
        .conflicts
        .iter()
        .map(|c| row(c, identity))
        .collect()
}

fn row(conflict: &Conflict, identity: &Identity) -> ConflictRow {
    let name = |id: &HostId| {
        let host = identity.host(*id);
        host.map(|h| h.name.clone()).unwrap_or_default()
    };
    let of =
        |kind, addresses: &[IpAddr], names: &[Text], what: String, taken: String| ConflictRow {
            kind,
            addresses: addresses.to_vec(),
            names: names.to_vec(),
            from: None,
            to: None,
            what,
            taken,
        };
    match conflict {
        Conflict::Address {
            address,
            from,
            to,
            hosts,
        } => {
            let mut names: Vec<Text> = hosts.iter().map(name).collect();
            if names.len() < 2 {
                names.push("a device without a name".into());
            }
            let both = if names.len() == 2 { "both " } else { "" };
            let what = format!(
                "{address} is claimed by {both}{} between {} and {}",
                list(&names, "and"),
                from.rfc3339(),
                to.rfc3339()
            );
            let taken = "who had it when cannot be told, so it was taken for nobody's in that time \
                         (say whose it was with --host NAME=ADDR)";
            ConflictRow {
                from: Some(*from),
                to: Some(*to),
                ..of(
                    ConflictKind::Address,
                    &[*address],
                    &names,
                    what,
                    taken.to_owned(),
                )
            }
        }
        Conflict::Overruled {
            address,
            host,
            other,
        } => {
            let names = [name(host), name(other)];
            let what = format!("{address} is given to {} and to {}", names[0], names[1]);
            let taken = format!(
                "it was taken for {}: the evidence for that is stronger",
                names[0]
            );
            of(ConflictKind::Overruled, &[*address], &names, what, taken)
        }
        Conflict::SeveralAddresses { name, addresses } => {
            let what = format!(
                "packets give the name {name} to {}, in periods that overlap or lie minutes apart",
                list(addresses, "and")
            );
            let taken = format!(
                "the name was believed for none of them (say whose it is with --host {name}=ADDR)"
            );
            let names = [name.clone()];
            of(
                ConflictKind::SeveralAddresses,
                addresses,
                &names,
                what,
                taken,
            )
        }
        Conflict::SeveralNames { address, names } => of(
            ConflictKind::SeveralNames,
            &[*address],
            names,
            format!("packets call {address} {}", list(names, "and")),
            "none of these names was believed".to_owned(),
        ),
        Conflict::SeveralHosts { name, addresses } => of(
            ConflictKind::SeveralHosts,
            addresses,
            std::slice::from_ref(name),
            format!("packets give the name {name} to {}", list(addresses, "and")),
            "it may mean more than one host, so it was believed for none".to_owned(),
        ),
        Conflict::FirewallLog { log, hosts } => {
            let names: Vec<Text> = hosts.iter().map(name).collect();
            of(
                ConflictKind::FirewallLog,
                &[],
                &names,
                format!(
                    "the addresses that a pfirewall.log calls its own are those of {}",
                    list(&names, "and")
                ),
                format!("it was taken for none of them, and is shown as {log}"),
            )
        }
    }
}

/// `a, b and c`.
fn list<T: ToString>(items: &[T], last: &str) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    match items.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        _ => items.join(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::identity::IdentityBuilder;
    use crate::model::host_event::{Process, Verdict};
    use crate::model::samples::record;
    use crate::model::{Endpoint, Event, HostWhat, Transport};

    fn binds(second: i64, computer: &str) -> Event {
        let bound = HostWhat::Bound {
            verdict: Verdict::Permitted,
            process: Process::default(),
            transport: Transport::TCP,
            local: Endpoint::new([10, 0, 0, 5].into(), 80),
        };
        record(second, computer, bound)
    }

    #[test]
    fn an_address_that_two_hosts_log_in_turn_is_not_said_to_be_both_hosts_at_once() {
        let mut builder = IdentityBuilder::default();
        for (second, computer) in [(60, "WS01"), (120, "WS02"), (180, "WS01")] {
            builder.observe(&binds(second, computer));
        }
        let rows = rows(&builder.freeze());
        let [row] = rows.as_slice() else {
            panic!("{rows:?}");
        };
        assert_eq!(
            row.what,
            "10.0.0.5 is claimed by both WS01 and WS02 between 1970-01-01T00:01:00.000000000Z and \
             1970-01-01T00:03:00.000000000Z"
        );
        assert!(row.taken.contains("cannot be told"));
        assert_eq!(row.names, ["WS01".into(), "WS02".into()] as [Text; 2]);
        assert_eq!(
            (row.from, row.to),
            (
                Some(Timestamp(60_000_000_000)),
                Some(Timestamp(180_000_000_000))
            )
        );
    }
}
