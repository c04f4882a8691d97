//! The tables of a finding of AN1057: its process, ports and targets.

use super::detect::port_words;
use super::recent::Target;
use super::scan::{Row, Scan, actor_of};
use crate::analytics::kit::contact::{Fate, Form};
use crate::analytics::kit::moments::clocks;
use crate::context::processes::Instance;
use crate::context::{Context, HostId, Place};
use crate::model::finding::Table;
use crate::model::{Actor, Timestamp};

/// Parents told.
const PARENTS: usize = 6;

/// The process, the ports, the first targets, what answered.
pub(super) fn tables(
    scan: &Scan,
    actor: Option<&Actor>,
    started: Option<&Instance>,
    place: Place,
    context: &Context,
) -> Vec<Table> {
    let mut tables = Vec::new();
    if let (Some(actor), Place::Host(host)) = (actor, place) {
        tables.push(process_table(scan, actor, started, host, context));
    }
    let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let row = |name: String, row: &Row| {
        vec![
            name,
            row.answered.to_string(),
            row.failed.to_string(),
            row.untold.to_string(),
        ]
    };
    let mut ports: Vec<_> = scan.rows.iter().collect();
    // Open ones first: a long list is cut.
    ports.sort_by_key(|(port, row)| (row.answered == 0, **port));
    let mut rows: Vec<Vec<String>> = ports
        .into_iter()
        .map(|((form, transport, port), counts)| row(port_words(*form, *transport, *port), counts))
        .collect();
    let other = &scan.other_ports;
    if other.answered + other.failed + other.untold > 0 {
        rows.push(row("all other ports".to_owned(), other));
    }
    tables.push(Table {
        title: "Targets by port".to_owned(),
        columns: words(&["port", "answered", "failed", "not told"]),
        rows,
    });
    let clock = clocks(scan.targets.iter().map(|p| p.time), 6);
    tables.push(Table {
        title: format!("The first {} targets", scan.targets.len()),
        columns: words(&["time", "target", "outcome", "process", "where"]),
        rows: scan
            .targets
            .iter()
            .map(|p| {
                let actor = actor_of(&p.event);
                let process = actor.map(|a| {
                    let pid = a.process.pid.map(|pid| pid.to_string()).unwrap_or_default();
                    format!("{pid} {}", a.strength.word())
                });
                vec![
                    clock(p.time),
                    target_words(p.target()),
                    outcome(p.form, p.fate).to_owned(),
                    process.unwrap_or_else(|| "-".to_owned()),
                    context.labels.place(&p.event.provenance),
                ]
            })
            .collect(),
    });
    if !scan.open.is_empty() {
        let mut open: Vec<_> = scan.open.iter().collect();
        open.sort_by_key(|(_, (time, by))| (*time, *by));
        let answered = scan.sums().answered;
        let title = match u64::try_from(open.len()) {
            Ok(kept) if kept < answered => format!("What answered, the first {kept} of {answered}"),
            _ => "What answered".to_owned(),
        };
        let clock = clocks(scan.open.values().map(|(time, _)| *time), 6);
        tables.push(Table {
            title,
            columns: words(&["time", "target", "where"]),
            rows: open
                .into_iter()
                .map(|(target, (time, by))| {
                    vec![
                        clock(*time),
                        target_words(*target),
                        context.labels.place(by),
                    ]
                })
                .collect(),
        });
    }
    tables
}

/// The outcome in a word. Silence after a question to the segment is told as what it is, not as what
/// follows from it.
fn outcome(form: Form, fate: Fate) -> &'static str {
    match (form, fate) {
        (Form::Resolution, Fate::Unreachable) => Fate::Unanswered.word(),
        _ => fate.word(),
    }
}

/// `10.0.0.5:445 tcp`, `10.0.0.5 ping`, `who has 10.0.0.5`.
fn target_words((form, transport, remote): Target) -> String {
    match form {
        Form::Connection => format!("{remote} {transport}"),
        Form::Echo => format!("{} ping", remote.address),
        Form::Resolution => format!("who has {}", remote.address),
    }
}

fn process_table(
    scan: &Scan,
    actor: &Actor,
    started: Option<&Instance>,
    host: HostId,
    context: &Context,
) -> Table {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |what: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![what.to_owned(), value]);
        }
    };
    row("image", actor.process.image.to_string());
    let pids: Vec<String> = scan.pids().iter().map(u32::to_string).collect();
    row("process id", pids.join(", "));
    row(
        "service",
        actor
            .service
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    );
    match started {
        None => row(
            "started",
            "not logged: before the log began, or not audited".to_owned(),
        ),
        Some(started) => {
            let at = started.started.map(Timestamp::rfc3339);
            row(
                "started",
                at.unwrap_or_else(|| "before the log began".to_owned()),
            );
            row("account", started.user.to_string());
            row("command line", started.command_line.to_string());
            let mut chain = Vec::new();
            let mut below = started;
            for _ in 0..PARENTS {
                match context.processes.parent(host, below) {
                    Some(parent) => {
                        chain.push(format!("{} ({})", parent.image, parent.pid));
                        below = parent;
                    }
                    None => {
                        if !below.parent.image.is_empty() {
                            chain.push(below.parent.image.to_string());
                        }
                        break;
                    }
                }
            }
            row("parents", chain.join(" < "));
            let records: Vec<String> = started
                .records
                .iter()
                .map(|place| context.labels.place(place))
                .collect();
            row("records", records.join(" "));
        }
    }
    Table {
        title: "Process".to_owned(),
        columns: vec!["what".to_owned(), "value".to_owned()],
        rows,
    }
}
