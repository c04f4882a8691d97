//! The tables of a finding of AN1057: its process, ports and targets.

use super::detect::port_words;
use super::recent::Target;
use super::scan::{Row, Scan, actor_of};
use super::settings::EnumerationSettings;
use super::telling::instance;
use crate::analytics::kit::contact::{Fate, Form};
use crate::analytics::kit::moments::clocks;
use crate::context::processes::Instance;
use crate::context::{Context, HostId, Place};
use crate::model::finding::Table;
use crate::model::{Actor, Timestamp, Transport};

/// Ports told in rows of their own.
const PORTS: usize = 64;
/// Parents told.
const PARENTS: usize = 6;
/// Processes told.
pub(super) const PROCESSES: usize = 8;

/// The process, the ports, the first targets, what answered.
pub(super) fn tables(
    scan: &Scan,
    actor: Option<&Actor>,
    place: Place,
    settings: &EnumerationSettings,
    context: &Context,
) -> Vec<Table> {
    let mut tables = Vec::new();
    if let (Some(actor), Place::Host(host)) = (actor, place) {
        tables.push(process_table(scan, actor, host, context));
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
    // A long list is cut: what answered, and what is worth finding, comes first.
    let worth = |(form, transport, port): &(Form, Transport, u16)| {
        *form == Form::Connection
            && *transport == Transport::TCP
            && settings.sensitive_ports.contains(port)
    };
    ports.sort_by_key(|(port, row)| (row.answered == 0, !worth(port), **port));
    let cut = ports.split_off(ports.len().min(PORTS));
    let mut rows: Vec<Vec<String>> = ports
        .into_iter()
        .map(|((form, transport, port), counts)| row(port_words(*form, *transport, *port), counts))
        .collect();
    let mut other = scan.other_ports;
    for (_, row) in cut {
        other.answered += row.answered;
        other.failed += row.failed;
        other.untold += row.untold;
    }
    if other.answered + other.failed + other.untold > 0 {
        rows.push(row("all other ports".to_owned(), &other));
    }
    tables.push(Table {
        title: "Targets by port".to_owned(),
        columns: words(&["port", "answered", "failed", "not told"]),
        rows,
    });
    let clock = clocks(scan.targets.iter().map(|p| p.time), 6);
    tables.push(Table {
        title: match scan.targets.len() {
            1 => "The first target".to_owned(),
            several => format!("The first {several} targets"),
        },
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

/// The process, or the processes: what they share once, and what differs of each.
fn process_table(scan: &Scan, actor: &Actor, host: HostId, context: &Context) -> Table {
    let mut processes: Vec<(String, Facts)> = Vec::new();
    for share in scan.processes.values() {
        let pid = share.actor.process.pid;
        let of = pid.map_or_else(|| "id not told".to_owned(), |pid| pid.to_string());
        let one = (of, facts(&share.actor, share.at, host, context));
        // One process is known by two names where only some records tell its start.
        if !processes.contains(&one) {
            processes.push(one);
        }
    }
    let further = processes.len().saturating_sub(PROCESSES);
    processes.truncate(PROCESSES);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |what: &str, value: &str| {
        if !value.is_empty() {
            rows.push(vec![what.to_owned(), value.to_owned()]);
        }
    };
    row("image", &actor.process.image);
    let pids: Vec<String> = scan.pids().iter().map(u32::to_string).collect();
    row("process id", &pids.join(", "));
    for (place, what) in FACTS.iter().enumerate() {
        let first = processes
            .first()
            .map_or("", |(_, facts)| facts[place].as_str());
        if processes.iter().all(|(_, facts)| facts[place] == first) {
            row(what, first);
        } else {
            for (pid, facts) in &processes {
                row(&format!("{what} ({pid})"), &facts[place]);
            }
        }
    }
    if further > 0 {
        row(
            "further processes",
            &format!("{further} of these are not told of here"),
        );
    }
    Table {
        title: "Process".to_owned(),
        columns: vec!["what".to_owned(), "value".to_owned()],
        rows,
    }
}

/// What is told of a process.
const FACTS: [&str; 6] = [
    "service",
    "started",
    "account",
    "command line",
    "parents",
    "records",
];

/// The values of [`FACTS`]; empty where nothing is known.
type Facts = [String; FACTS.len()];

fn facts(actor: &Actor, at: Timestamp, host: HostId, context: &Context) -> Facts {
    let service = actor.service.as_ref().map(ToString::to_string);
    let service = service.unwrap_or_default();
    let Some(instance) = instance(actor, host, at, context) else {
        let mut facts = Facts::default();
        facts[0] = service;
        facts[1] = "not logged: before the log began, or not audited".to_owned();
        return facts;
    };
    let started = instance.started.map(Timestamp::rfc3339);
    let records = instance.records.iter();
    let records: Vec<String> = records.map(|place| context.labels.place(place)).collect();
    [
        service,
        started.unwrap_or_else(|| "before the log began".to_owned()),
        instance.user.to_string(),
        instance.command_line.to_string(),
        parents(instance, host, context),
        records.join(" "),
    ]
}

/// `C:\Tools\boss.exe (4000) < C:\Windows\System32\cmd.exe`: who started it, and who that one.
fn parents(instance: &Instance, host: HostId, context: &Context) -> String {
    let mut chain = Vec::new();
    let mut below = instance;
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
    chain.join(" < ")
}
