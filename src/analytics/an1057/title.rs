//! What a scan of AN1057 is called: who reached for what, and how that ended.

use super::detect::port_words;
use super::scan::{COUNTED, Row, Scan};
use crate::analytics::kit::contact::Form;
use crate::analytics::kit::picture::host_words;
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_name;
use crate::model::{Actor, Transport};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The title of a finding.
pub(super) fn title(scan: &Scan, place: Place, actor: Option<&Actor>, context: &Context) -> String {
    let host = host_words(place, context);
    let who = match actor {
        Some(actor) if !actor.process.image.is_empty() => {
            format!("{} on {host}", image_name(&actor.process.image))
        }
        Some(actor) => format!(
            "process {} on {host}",
            actor.process.pid.unwrap_or_default()
        ),
        None => host,
    };
    format!(
        "{who} {} in {}: {}",
        reached(scan),
        scan.last.since(scan.first).told(),
        outcome_words(&scan.sums())
    )
}

/// What it reached for. Connections, pings and questions to the segment are told apart: a ping has no
/// port, and each may have gone to other addresses.
fn reached(scan: &Scan) -> String {
    let several = scan.addresses.len() > 1 && scan.ports.len() > 1;
    if several && let Some(((address, ports), (port, addresses))) = scan.host_and_port() {
        let beside = match port.0 {
            Form::Connection => format!("{} of {addresses} addresses", named(port)),
            Form::Echo => format!("pinged {addresses} addresses"),
            Form::Resolution => format!("asked its segment for {addresses} addresses"),
        };
        return format!("tried {ports} ports of {address} and {beside}");
    }
    let forms: BTreeSet<Form> = scan.ports.iter().map(|(form, ..)| *form).collect();
    let parts: Vec<String> = forms
        .iter()
        .map(|form| by_form(scan, *form, forms.len() == 1))
        .collect();
    parts.join(" and ")
}

/// What it reached for in one way, which may be the only one.
fn by_form(scan: &Scan, form: Form, only: bool) -> String {
    let of_it: BTreeSet<IpAddr>;
    let (addresses, all) = if only {
        (&scan.addresses, scan.addresses.len() < COUNTED)
    } else {
        let targets = scan.counted.keys().filter(|(of, ..)| *of == form);
        of_it = targets.map(|(_, _, remote)| remote.address).collect();
        (&of_it, scan.counted.len() < COUNTED)
    };
    let whom = match (addresses.len(), addresses.first()) {
        (1, Some(one)) if all => one.to_string(),
        (n, _) if all => format!("{n} addresses"),
        (n, _) => format!("{n} or more addresses"),
    };
    let ports: Vec<&Port> = scan.ports.iter().filter(|(of, ..)| *of == form).collect();
    match (form, ports.as_slice()) {
        (Form::Echo, _) => format!("pinged {whom}"),
        (Form::Resolution, _) => format!("asked its segment for {whom}"),
        (Form::Connection, [port]) => format!("tried {} of {whom}", named(**port)),
        (Form::Connection, ports) => {
            let of = if addresses.len() == 1 { "of" } else { "on" };
            format!("tried {} ports {of} {whom}", ports.len())
        }
    }
}

type Port = (Form, Transport, u16);

fn named((form, transport, port): Port) -> String {
    port_words(form, transport, port)
}

fn outcome_words(row: &Row) -> String {
    let parts = [
        (row.failed, "failed"),
        (row.answered, "answered"),
        (row.untold, "with an outcome this evidence does not tell"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, words)| format!("{n} {words}"))
        .collect();
    parts.join(", ")
}
