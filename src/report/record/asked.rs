//! What was stated beside the evidence, and what a run was limited to. Findings rest on it, so a reader
//! must see it without opening the JSON.

use crate::model::Span;
use crate::model::plural::counted;
use crate::report::json::read::moment;
use crate::report::json::shape::Report;
use crate::report::not_run::not_run;
use crate::report::zone::Zone;

/// Told one by one; a settings file may state thousands.
const MOST: usize = 50;

/// The window that was asked for, and whatever was said of hosts, clocks, network and habits: a sentence
/// each, what is long last. Empty for a run with the evidence and nothing else.
pub fn asked(report: &Report, zone: &Zone) -> Vec<String> {
    let of = &report.parameters;
    let at = |time: &crate::report::json::shape::Time| {
        let time = moment(time);
        let digits = if time.0 % 1_000_000_000 == 0 { 0 } else { 3 };
        let beside = zone.beside(time, digits);
        format!("{} {} UTC{beside}", time.date(), time.clock(digits))
    };
    let mut told = Vec::new();
    match (&of.window.start, &of.window.end) {
        (None, None) => {}
        (Some(from), None) => {
            told.push(format!("Only events from {} on were asked for.", at(from)))
        }
        (None, Some(to)) => told.push(format!("Only events until {} were asked for.", at(to))),
        (Some(from), Some(to)) => {
            told.push(format!(
                "Only events from {} to {} were asked for.",
                at(from),
                at(to)
            ));
        }
    }
    told.extend(not_run(of.analytics.iter().map(|run| run.id.0.as_str())));
    for stated in &of.containments {
        let host = stated.host.as_deref().unwrap_or("all hosts");
        told.push(format!(
            "Stated: a containment of {host} at {}.",
            stated.time
        ));
    }
    for file in &of.baselines {
        let days = match (file.days.first(), file.days.last()) {
            (Some(first), Some(last)) => {
                format!(
                    ", {} from {first} to {last}",
                    counted(file.days.len() as u64, "day")
                )
            }
            _ => String::new(),
        };
        let (name, sha256) = (&file.name, &file.sha256.0);
        told.push(format!(
            "Baseline that counted: {name}{days} (sha256 {sha256})."
        ));
    }
    for file in &of.known_hosts {
        let (name, sha256) = (&file.name, &file.sha256.0);
        told.push(format!(
            "List of known hosts that counted: {name} (sha256 {sha256})."
        ));
    }
    for clock in &of.clock.given {
        let (host, offset) = (&clock.host, Span(clock.offset_ns));
        told.push(format!("Stated: the clock of {host} is {offset} ahead."));
    }
    for host in &of.hosts {
        told.push(format!(
            "Stated: {} had the address {}.",
            host.name, host.address
        ));
    }
    if !of.network.internal.is_empty() {
        let ranges = of.network.internal.join(", ");
        told.push(format!("Stated: internal are {ranges}."));
    }
    for segment in &of.network.segments {
        told.push(format!(
            "Stated: {} is the segment {}.",
            segment.network, segment.name
        ));
    }
    for role in &of.network.roles {
        told.push(format!("Stated: {} has the role {}.", role.host, role.role));
    }
    for scanner in &of.scanners {
        told.push(format!("Stated: {scanner} is a known scanner."));
    }
    if told.len() > MOST {
        let more = told.len() - MOST;
        told.truncate(MOST);
        told.push(format!(
            "Stated: {more} more; the JSON report has them under parameters."
        ));
    }
    told
}
