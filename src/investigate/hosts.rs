//! What a reader must know about who had which address, in sentences.

use crate::context::identity::{Conflict, Held, HostId, Identity, KnownBy};
use crate::model::{Text, Timestamp};
use std::net::IpAddr;

/// Sentences of each kind; the rest is counted.
const SENTENCES: usize = 20;

/// The sentences.
pub(super) fn notes(identity: &Identity) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(several(named_in_packets(identity), "hosts"));
    notes.extend(several(moved(identity), "addresses that changed hands"));
    notes.extend(several(conflicts(identity), "conflicts about addresses"));
    notes
}

fn several(mut sentences: Vec<String>, what: &str) -> Vec<String> {
    let more = sentences.len().saturating_sub(SENTENCES);
    sentences.truncate(SENTENCES);
    if more > 0 {
        sentences.push(format!("{more} more {what} of this kind"));
    }
    sentences
}

fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    items.join(", ")
}

fn name(identity: &Identity, id: HostId) -> Text {
    identity
        .host(id)
        .map(|h| h.name.clone())
        .unwrap_or_default()
}

fn named_in_packets(identity: &Identity) -> Vec<String> {
    let known = identity.hosts().iter().filter(|h| h.named_in_packets);
    known
        .map(|host| {
            let why = match host.known_by {
                KnownBy::Logs => "no record names its address",
                KnownBy::Stated | KnownBy::Packets => "no log of it was given",
            };
            format!(
                "{}: {why}; that it had {} rests on its name in DHCP, NBNS or mDNS packets, which anyone on the \
                 segment can send",
                host.name,
                list(&host.addresses)
            )
        })
        .collect()
}

fn moved(identity: &Identity) -> Vec<String> {
    let sentence = |(address, spans): (IpAddr, Vec<Held<HostId>>)| {
        let spans = spans.iter().take(8).map(|span| {
            let from = match span.from {
                Timestamp::MIN => String::new(),
                from => format!(" from {}", from.rfc3339()),
            };
            let to = match span.to {
                Timestamp::MAX => String::new(),
                to => format!(" until {}", to.rfc3339()),
            };
            format!("{}{from}{to}", name(identity, span.owner))
        });
        let spans: Vec<String> = spans.collect();
        (!spans.is_empty()).then(|| {
            format!(
                "{address} changed hands: {}; at other times it was taken for nobody's",
                spans.join(", ")
            )
        })
    };
    identity.moved().into_iter().filter_map(sentence).collect()
}

fn conflicts(identity: &Identity) -> Vec<String> {
    let sentence = |conflict: &Conflict| match conflict {
        Conflict::Address {
            address,
            from,
            to,
            hosts,
        } => {
            let mut names: Vec<Text> = hosts.iter().map(|id| name(identity, *id)).collect();
            if names.len() < 2 {
                names.push("a device without a name".into());
            }
            format!(
                "{address} is claimed by {} at the same time, from {} to {}; it was taken for neither then (say which with \
                 --host NAME=ADDR)",
                names.join(" and "),
                from.rfc3339(),
                to.rfc3339()
            )
        }
        Conflict::Overruled {
            address,
            host,
            other,
        } => format!(
            "{address} was taken for {}; other evidence gives it to {}",
            name(identity, *host),
            name(identity, *other)
        ),
        Conflict::SeveralAddresses { name, addresses } => format!(
            "{name}: packets give this name to {} at the same time; it was believed for none of them (say which with \
             --host {name}=ADDR)",
            list(addresses)
        ),
        Conflict::SeveralNames { address, names } => format!(
            "{address}: packets call it {}; none of these names was believed",
            list(names)
        ),
        Conflict::FirewallLog { log, hosts } => {
            let names: Vec<Text> = hosts.iter().map(|id| name(identity, *id)).collect();
            format!(
                "{log}: the addresses that this pfirewall.log calls its own are those of {}; it was taken for none \
                 of them",
                names.join(" and ")
            )
        }
        Conflict::SeveralHosts { name, addresses } => format!(
            "{name}: packets give this name to {}, and it may mean more than one host",
            list(addresses)
        ),
    };
    identity.conflicts.iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::identity::IdentityBuilder;
    use crate::model::host_event::{Process, Verdict};
    use crate::model::provenance::Item;
    use crate::model::{
        Endpoint, Event, EvidenceId, HostEvent, HostWhat, Provenance, Transport, What,
    };

    fn binds(second: i64, computer: &str) -> Event {
        let time = Timestamp(second * 1_000_000_000);
        Event {
            time,
            recorded: time,
            provenance: Provenance {
                evidence: EvidenceId(1),
                interface: 0,
                kind: Item::Record,
                item: second as u64,
                offset: 0,
            },
            what: What::host(HostEvent {
                computer: computer.into(),
                channel: "Security".into(),
                provider: "".into(),
                event_id: 5158,
                socket: None,
                timed: crate::model::Timed::Utc,
                written: time,
                what: HostWhat::Bound {
                    verdict: Verdict::Permitted,
                    process: Process::default(),
                    transport: Transport::TCP,
                    local: Endpoint::new([10, 0, 0, 5].into(), 80),
                },
            }),
        }
    }

    #[test]
    fn an_address_that_two_hosts_log_at_once_is_told_with_its_time() {
        let mut builder = IdentityBuilder::default();
        for (second, computer) in [(60, "WS01"), (120, "WS02"), (180, "WS01")] {
            builder.observe(&binds(second, computer));
        }
        let told = notes(&builder.freeze()).join("\n");
        for part in [
            "10.0.0.5 is claimed by WS01 and WS02",
            "from 1970-01-01T00:01:00",
            "to 1970-01-01T00:03:00",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
