//! The Windows Firewall's own log, pfirewall.log: text, local time in whole seconds, no zone and no
//! computer name. Columns are named by `#Fields`, which may come again with others.
//!
//! A log is of one computer, and says of each packet which address was its own: the destination of
//! what it received, the source of what it sent. `context::identity` finds the host by those; until
//! then the computer has a name that no host has. Its clock is one of its own.

use super::Emit;
use crate::eventlog::summary::LogSummary;
use crate::eventlog::tally::{Sums, Tally};
use crate::eventlog::texts::Texts;
use crate::evidence::lines::Lines;
use crate::evidence::{Form, Problem, ProblemKind, Problems, Weight};
use crate::model::firewall::Layer;
use crate::model::host_event::{Process, Verdict};
use crate::model::provenance::Item;
use crate::model::{
    Direction, Endpoint, Event, EvidenceId, HostEvent, HostWhat, Provenance, Timed, Timestamp,
    Transport, What,
};
use std::io::Read;
use std::net::IpAddr;

/// The channel its rows are shown under.
pub const CHANNEL: &str = "pfirewall.log";
/// The provider its rows are shown under.
pub const PROVIDER: &str = "Windows Firewall";
/// Columns that are looked at; the newest has 18.
const MOST_COLUMNS: usize = 64;

/// Which column holds what.
#[derive(Clone, Debug, Default)]
struct Columns {
    names: Vec<String>,
}

impl Columns {
    fn cell<'a>(&self, cells: &[&'a str], name: &str) -> Option<&'a str> {
        let at = self.names.iter().position(|n| n == name)?;
        cells.get(at).copied().filter(|cell| *cell != "-")
    }
}

/// Reads the log.
pub fn read(evidence: EvidenceId, input: impl Read, emit: Emit<'_>) -> (LogSummary, Problems) {
    let mut lines = Lines::new(input);
    let (mut summary, mut problems) = (LogSummary::default(), Problems::default());
    let (mut texts, mut tally) = (Texts::default(), Tally::default());
    let mut columns = Columns::default();
    let mut rows = 0;
    let computer = texts.share(&format!("firewall log {}", evidence.0));
    summary.timed = Timed::FirewallLog;
    let mut add = |kind, weight, count, offset, message: &str, effect: &str| {
        problems.add(Problem {
            evidence: Some(evidence),
            kind,
            weight,
            count,
            first_offset: Some(offset),
            message: message.to_owned(),
            effect: effect.to_owned(),
        });
    };
    while let Some(line) = lines.next_line() {
        let text = line.bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let Some(text) = text else {
            summary.records_skipped += 1;
            add(
                ProblemKind::Text,
                Weight::Loss,
                1,
                line.offset,
                "a line is too long or no text",
                LEFT_OUT,
            );
            continue;
        };
        if let Some(names) = text.strip_prefix("#Fields:") {
            columns.names = names
                .split_whitespace()
                .take(MOST_COLUMNS)
                .map(str::to_owned)
                .collect();
            continue;
        }
        if text.starts_with('#') || text.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = text.split_whitespace().take(MOST_COLUMNS).collect();
        if columns.cell(&cells, "action") == Some("INFO-EVENTS-LOST") {
            let lost = columns.cell(&cells, "info").and_then(|n| n.parse().ok());
            let message = "the firewall could not log some packets";
            add(
                ProblemKind::Form,
                Weight::Loss,
                lost.unwrap_or(1),
                line.offset,
                message,
                "they are missing",
            );
            continue;
        }
        if let Some(time) = closes(&columns, &cells) {
            summary.records_read += 1;
            tally.add(&computer, &texts.share(CHANNEL), 0, 0, Some(time));
            add(
                ProblemKind::Form,
                Weight::Note,
                1,
                line.offset,
                "rows that tell the end of a connection (CLOSE)",
                "they were counted, and nothing else was taken from them",
            );
            continue;
        }
        let Some(row) = row(&columns, &cells) else {
            summary.records_skipped += 1;
            add(
                ProblemKind::Text,
                Weight::Loss,
                1,
                line.offset,
                "a line is no row of the firewall's log",
                LEFT_OUT,
            );
            continue;
        };
        summary.records_read += 1;
        summary.events += 1;
        let channel = texts.share(CHANNEL);
        tally.add(&computer, &channel, 0, 0, Some(row.time));
        rows += 1;
        emit(
            Event {
                time: row.time,
                recorded: row.time,
                provenance: Provenance {
                    evidence,
                    interface: 0,
                    kind: Item::Line,
                    item: line.number,
                    offset: line.offset,
                    inside: false,
                },
                what: What::host(HostEvent {
                    computer: computer.clone(),
                    channel,
                    provider: texts.share(PROVIDER),
                    event_id: 0,
                    written: row.time,
                    socket: None,
                    timed: Timed::FirewallLog,
                    what: row.what,
                }),
            },
            None,
        );
    }
    if rows > 0 {
        add(
            ProblemKind::LocalTime,
            Weight::Note,
            rows,
            0,
            "times are local, in whole seconds, and their zone is not said",
            "these rows have a clock of their own: they keep the time as written until connections that captures \
             or other logs of the host saw too tell how far it is off; without such, give --clock HOST@pfirewall=+2h, with its name or address for HOST",
        );
        add(
            ProblemKind::Form,
            Weight::Note,
            1,
            0,
            "pfirewall.log names no computer and, for most rows, no process",
            "its host is the one that has the addresses its rows call their own, if there is one; they prove \
             nothing about a process",
        );
    }
    let mut sums = Sums::default();
    sums.add(&summary, tally);
    let mut summary = sums.finish();
    for source in summary.sources.values_mut() {
        source.mark_exported(Form::FirewallLog);
        source.timed = Timed::FirewallLog;
    }
    (summary, problems)
}

const LEFT_OUT: &str = "these lines are left out; the others were read";

/// When a connection ended, by a row of that.
fn closes(columns: &Columns, cells: &[&str]) -> Option<Timestamp> {
    let cell = |name: &str| columns.cell(cells, name);
    cell("action").filter(|action| action.starts_with("CLOSE"))?;
    moment(cell("date")?, cell("time")?)
}

fn moment(date: &str, time: &str) -> Option<Timestamp> {
    Timestamp::parse(&format!("{date} {time}"))
}

struct Row {
    time: Timestamp,
    what: HostWhat,
}

fn row(columns: &Columns, cells: &[&str]) -> Option<Row> {
    let cell = |name: &str| columns.cell(cells, name);
    let time = moment(cell("date")?, cell("time")?)?;
    let verdict = match cell("action")? {
        "ALLOW" | "OPEN" | "OPEN-INBOUND" => Verdict::Permitted,
        "DROP" => Verdict::Dropped,
        _ => return None,
    };
    let transport = match cell("protocol")? {
        "TCP" => Transport::TCP,
        "UDP" => Transport::UDP,
        "ICMP" => Transport::ICMP,
        "ICMPv6" | "58" => Transport::ICMPV6,
        number => Transport(number.parse().ok()?),
    };
    let end = |address: &str, port: &str| {
        let address: IpAddr = cell(address)?.split('%').next()?.parse().ok()?;
        let port = match transport {
            Transport::TCP | Transport::UDP => cell(port)?.parse().ok()?,
            _ => 0,
        };
        Some(Endpoint::new(address, port))
    };
    let (source, destination) = (end("src-ip", "src-port")?, end("dst-ip", "dst-port")?);
    let direction = match cell("path") {
        Some("SEND") => Some(Direction::Outbound),
        Some("RECEIVE") => Some(Direction::Inbound),
        _ => None,
    };
    // Of other segments the column holds the sequence number they have, and sent ones have zeros.
    let flags = cell("tcpflags").filter(|_| transport == Transport::TCP);
    let opens = flags.map(|flags| flags.contains('S') && !flags.contains('A'));
    let syn = flags == Some("S");
    let isn = cell("tcpsyn").filter(|_| syn).and_then(|n| n.parse().ok());
    Some(Row {
        time,
        what: HostWhat::Filtered {
            verdict,
            layer: Layer::FirewallLog,
            isn: isn.filter(|isn| *isn != 0),
            opens,
            direction,
            process: Process {
                pid: cell("pid").and_then(|pid| pid.parse().ok()),
                ..Process::default()
            },
            transport,
            source,
            destination,
        },
    })
}
