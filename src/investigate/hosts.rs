//! What a reader must know about who had which address, in sentences. What contradicts itself is
//! told by `case::conflict`.

use crate::context::identity::{Held, HostId, Identity, KnownBy};
use crate::model::{Text, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Sentences of each kind; the rest is counted.
const SENTENCES: usize = 20;
/// Hosts named in one sentence.
const NAMED: usize = 10;

/// One sentence about several hosts, the first of them by name; none about nobody.
pub(super) fn together<'n>(
    names: impl Iterator<Item = &'n Text>,
    sentence: impl Fn(&str) -> String,
) -> Option<String> {
    let mut names: Vec<String> = names.map(called).collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let hosts = match more {
        0 => names.join(", "),
        more => format!("{} and {more} more hosts", names.join(", ")),
    };
    (!names.is_empty()).then(|| sentence(&hosts))
}

/// What to call a host: exports may name no computer.
pub(super) fn called(name: &Text) -> String {
    match name.is_empty() {
        true => "unnamed host".to_owned(),
        false => name.to_string(),
    }
}

/// The name of the host that a person means; what was written where that is nobody's or not certain.
pub(super) fn meant(written: &str, identity: &Identity) -> String {
    match identity.called(written) {
        Some(id) => name(identity, id),
        None => written.to_owned(),
    }
}

/// The sentences.
pub(super) fn notes(identity: &Identity) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(several(named_in_packets(identity), "hosts"));
    notes.extend(several(moved(identity), "addresses that changed hands"));
    notes.extend(several(perhaps_one(identity), "pairs of names"));
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

fn name(identity: &Identity, id: HostId) -> String {
    called(
        &identity
            .host(id)
            .map(|h| h.name.clone())
            .unwrap_or_default(),
    )
}

/// Hosts by a short name that may be the one host whose full name begins so. Names alone tie nothing:
/// two domains may each have a `WS01`.
fn perhaps_one(identity: &Identity) -> Vec<String> {
    let mut full: BTreeMap<String, Vec<&Text>> = BTreeMap::new();
    let named = |short: bool| {
        let hosts = identity.hosts().iter();
        hosts.map(|host| &host.name).filter(move |name| {
            let is_name = name.parse::<IpAddr>().is_err() && !name.is_empty();
            is_name && name.contains('.') != short
        })
    };
    for name in named(false) {
        let first = name.split('.').next().unwrap_or_default();
        full.entry(first.to_lowercase()).or_default().push(name);
    }
    let pair = |short: &Text| match full.get(&short.to_lowercase()).map(Vec::as_slice) {
        Some([only]) => Some(format!(
            "{short} and {only} are told as two hosts, for no record ties the two names; if they are one computer, what is \
             missing on one may be known of the other"
        )),
        _ => None,
    };
    named(true).filter_map(pair).collect()
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
                called(&host.name),
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
