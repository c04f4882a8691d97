//! Who an incident is about, in the few words of a table, and every place a step rests on: derived
//! from entities and steps only.

use crate::case::sides::{Started, started, targets};
use crate::case::{Case, Incident};
use crate::model::finding::Finding;
use crate::model::net::mac_text;
use crate::model::{Event, EvidenceId, Provenance, Timestamp, What};
use crate::report::text::short_host;
use crate::report::words::base;
use crate::report::zone::is_utc;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Every packet and record that shows `event`, each once: its own first, then the ones it names
/// (the answer, copies) and `also`, in order.
pub fn places(event: &Event, also: &[Provenance]) -> Vec<Provenance> {
    let mut others: BTreeSet<Provenance> = also.iter().copied().collect();
    match &event.what {
        What::Attempt(attempt) => {
            let reset = attempt.payload.as_ref().and_then(|payload| payload.reset);
            let answers = [attempt.accepted, attempt.deciding, reset];
            others.extend(answers.into_iter().flatten());
        }
        What::Wake(signal) => others.extend(&signal.copy_packets),
        What::Solicitation(asked) => others.extend(asked.deciding),
        What::Neighbour(_) | What::Resolution(_) | What::Host(_) => {}
    }
    others.remove(&event.provenance);
    std::iter::once(event.provenance).chain(others).collect()
}

/// True if that moment of a finding is the local time of a zone that nothing tells.
pub fn local_at(case: &Case, finding: &Finding, at: Timestamp) -> bool {
    let mut local = finding
        .steps
        .iter()
        .filter(|s| case.labels.is_local(&s.event));
    local.any(|step| step.event.time == at)
}

/// True if the times of all these files are UTC: see `zone::is_utc`.
pub fn tells_utc(case: &Case, files: impl IntoIterator<Item = EvidenceId>) -> bool {
    let unknown = &case.unknown_zones;
    let mut rows = files.into_iter().filter_map(|id| case.evidence(id));
    unknown.is_empty() || rows.all(|row| is_utc(&row.kind, unknown))
}

/// The SOURCE and TARGET columns.
pub fn sides(case: &Case, incident: &Incident) -> (String, String) {
    let finding = &incident.finding;
    let who = &finding.entities;
    let host = match (who.host_name.is_empty(), who.host_address) {
        (false, _) => short_host(case, &who.host_name).to_owned(),
        (true, Some(address)) => address.to_string(),
        (true, None) => String::new(),
    };
    let remote = match (who.remote, who.remote_mac) {
        (Some(address), _) => address.to_string(),
        (None, Some(mac)) => mac_text(mac),
        (None, None) => String::new(),
    };
    if !who.woken.is_empty() {
        let target = match (host.is_empty(), who.woken.as_slice()) {
            (false, [_]) => format!("{host} (wake)"),
            (true, [mac]) => mac_text(*mac),
            (_, several) => format!("{} hosts (wake)", several.len()),
        };
        return (remote, target);
    }
    let process = base(&who.process);
    let (source, target, target_is_v6) = match started(finding) {
        Started::Remote => (remote, host, who.host_address.is_some_and(|a| a.is_ipv6())),
        Started::Host => {
            let source = if process.is_empty() {
                host
            } else {
                format!("{host} {process}").trim().to_owned()
            };
            (source, remote, who.remote.is_some_and(|a| a.is_ipv6()))
        }
    };
    let target = match (target.is_empty(), who.opened_ports.as_slice()) {
        (true, _) => many(finding),
        (false, []) => target,
        (false, [port, rest @ ..]) => {
            let address = target_is_v6 && target.parse::<IpAddr>().is_ok();
            let more = if rest.is_empty() { "" } else { ",.." };
            if address {
                format!("[{target}]:{port}{more}")
            } else {
                format!("{target}:{port}{more}")
            }
        }
    };
    (source, target)
}

/// How many addresses a finding is about: those that it counts, or else those of its cited attempts, without
/// a claim about others.
fn many(finding: &Finding) -> String {
    if let Some(reach) = &finding.entities.reach {
        let mut each = reach.addresses.iter();
        let more = if reach.more { "+" } else { "" };
        match (each.next(), each.len()) {
            (None, _) => {}
            (Some(only), 0) => return only.to_string(),
            (Some(_), others) => return format!("{}{more} addresses", others + 1),
        }
    }
    let targets = targets(finding);
    let mut each = targets.iter();
    match (each.next(), each.len()) {
        (None, _) => "-".to_owned(),
        (Some(only), 0) => only.to_string(),
        (Some(_), more) => format!("{} cited hosts", more + 1),
    }
}
