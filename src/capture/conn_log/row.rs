//! One row: from its columns to an attempt.

use super::number::{length, moment, without_zone};
use super::state::{self, HALF_CLOSED};
use crate::capture::icmp;
use crate::model::attempt::{FlowEnd, IcmpRun, Marks, Outcome};
use crate::model::net::is_group_or_wildcard;
use crate::model::{Attempt, Endpoint, Span, Timestamp, Transport};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Columns that are looked at.
const MOST_COLUMNS: usize = 128;

/// What a line of the log is.
pub(super) enum Row {
    /// A connection, and when it began.
    Attempt(Timestamp, Box<Attempt>),
    /// A connection of a protocol that is not followed, or one with nobody in particular.
    Other,
    /// An ICMP message that asks nothing: an error, a redirect, what neighbours and routers say.
    Notice,
}

/// Why a line is no row.
pub(super) enum Refused {
    /// Its time has no zone.
    Zone,
    /// It has not the columns of a connection, or what is in them is none.
    Other,
}

/// The columns of a tab-separated log.
#[derive(Default)]
pub(super) struct Table {
    names: Vec<String>,
}

impl Table {
    /// True for lines that begin with `#`; takes the names of the columns from them.
    pub(super) fn header(&mut self, text: &str) -> bool {
        if let Some(names) = text.strip_prefix("#fields\t") {
            self.names = names
                .split('\t')
                .take(MOST_COLUMNS)
                .map(str::to_owned)
                .collect();
        }
        text.starts_with('#')
    }

    pub(super) fn row(&self, text: &str) -> Result<Row, Refused> {
        if text.trim_start().starts_with('{') {
            let object: Map<String, Value> =
                serde_json::from_str(text).map_err(|_| Refused::Other)?;
            return told(&|name| match named(&object, name)? {
                Value::String(text) => Some(Cow::Borrowed(text.as_str())),
                Value::Number(number) => Some(Cow::Owned(number.to_string())),
                _ => None,
            });
        }
        let cells: Vec<&str> = text.split('\t').take(MOST_COLUMNS).collect();
        told(&|name| {
            let at = self.names.iter().position(|n| n == name)?;
            let cell = cells.get(at).filter(|cell| **cell != "-")?;
            Some(Cow::Borrowed(*cell))
        })
    }
}

/// A column of a JSON row. Zeek writes the ends as `id.orig_h`; what passes its rows on may nest them.
fn named<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        object.get(outer)?.get(inner)
    })
}

/// The cells of a row, by the names of their columns.
type Cells<'c, 'a> = &'c dyn Fn(&str) -> Option<Cow<'a, str>>;

fn told(cell: Cells<'_, '_>) -> Result<Row, Refused> {
    let time = cell("ts").ok_or(Refused::Other)?;
    if without_zone(&time) {
        return Err(Refused::Zone);
    }
    match cell("proto").as_deref() {
        Some("tcp") => connection(Transport::TCP, cell),
        Some("udp") => connection(Transport::UDP, cell),
        Some("icmp") => question(cell),
        Some(_) => Some(Row::Other),
        None => None,
    }
    .ok_or(Refused::Other)
}

fn address(cell: Cells<'_, '_>, name: &str) -> Option<std::net::IpAddr> {
    cell(name)?.parse().ok()
}

fn number(cell: Cells<'_, '_>, name: &str) -> Option<u64> {
    cell(name)?.parse().ok()
}

/// What rows of all protocols have in common; the rest is for the caller to fill.
fn common(
    transport: Transport,
    [initiator, responder]: [Endpoint; 2],
    cell: Cells<'_, '_>,
) -> Option<(Timestamp, Attempt)> {
    let time = moment(&cell("ts")?)?;
    let lasted = cell("duration").and_then(|d| length(&d));
    let ended = time.shifted(lasted.unwrap_or(Span::ZERO));
    let bytes = |name| number(cell, name).unwrap_or(0);
    let packets = |name| {
        let count = number(cell, name).unwrap_or(0);
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let attempt = Attempt {
        transport,
        initiator,
        responder,
        isn: None,
        tries: 1,
        last_try: time,
        outcome: Outcome::Midstream,
        decided: ended,
        deciding: None,
        accepted: None,
        bytes: [bytes("orig_bytes"), bytes("resp_bytes")],
        packets: [packets("orig_pkts"), packets("resp_pkts")],
        end: FlowEnd::Open,
        ended,
        marks: Marks::SUMMED_UP,
        pid: None,
        icmp: None,
        payload: None,
        actor: None,
        vlan: cell("vlan").and_then(|v| v.parse().ok()),
    };
    Some((time, attempt))
}

fn connection(transport: Transport, cell: Cells<'_, '_>) -> Option<Row> {
    let end = |host: &str, port: &str| {
        let port = cell(port)?.parse().ok()?;
        Some(Endpoint::new(address(cell, host)?, port))
    };
    let ends = [
        end("id.orig_h", "id.orig_p")?,
        end("id.resp_h", "id.resp_p")?,
    ];
    let history = cell("history").unwrap_or_default();
    let name = cell("conn_state")?;
    let (outcome, how) = state::outcome(transport, &name, &history)?;
    let (time, mut attempt) = common(transport, ends, cell)?;
    if transport != Transport::TCP && is_group_or_wildcard(attempt.responder.address) {
        return Some(Row::Other);
    }
    attempt.outcome = outcome;
    attempt.end = how;
    attempt.tries = match outcome {
        // What came behind its SYN was no try.
        _ if &*name == HALF_CLOSED => 1,
        Outcome::Unanswered | Outcome::Aborted => attempt.packets[0].max(1),
        _ => 1,
    };
    if attempt.tries > 1 {
        attempt.last_try = attempt.ended;
    }
    // A row says how long all of it lasted, not when the answer came.
    if matches!(outcome, Outcome::Established | Outcome::HalfOpen) {
        attempt.decided = time;
    }
    if transport == Transport::TCP {
        let bytes = ["orig_bytes", "resp_bytes"].map(|name| number(cell, name));
        let lasted = cell("duration").and_then(|d| length(&d));
        attempt.marks = state::marks((outcome, how), &name, &history, bytes, lasted);
    }
    Some(Row::Attempt(time, Box::new(attempt)))
}

/// A row of ICMP. In the place of the originator's port it has the type of the first message; an answer
/// that came alone names its sender as the originator.
fn question(cell: Cells<'_, '_>) -> Option<Row> {
    let (from, to) = (address(cell, "id.orig_h")?, address(cell, "id.resp_h")?);
    let transport = match from.is_ipv6() {
        true => Transport::ICMPV6,
        false => Transport::ICMP,
    };
    let kind = cell("id.orig_p")?.parse().ok()?;
    let asks = icmp::question(transport, kind).filter(|(kind, _)| is_asked(transport, *kind));
    let Some((kind, answers)) = asks else {
        return Some(Row::Notice);
    };
    let (asker, asked) = if answers { (to, from) } else { (from, to) };
    if is_group_or_wildcard(asked) {
        return Some(Row::Other);
    }
    let ends = [asker, asked].map(|address| Endpoint::new(address, 0));
    let (time, mut attempt) = common(transport, ends, cell)?;
    attempt.icmp = Some(IcmpRun { kind, id: 0 });
    if answers {
        attempt.packets.reverse();
        attempt.bytes.reverse();
    }
    attempt.tries = attempt.packets[0].max(1);
    attempt.outcome = match (answers, attempt.packets) {
        (true, _) => Outcome::OneSided,
        (false, [_, 0]) => Outcome::Unanswered,
        (false, _) => Outcome::Established,
    };
    if attempt.outcome == Outcome::Established {
        (attempt.decided, attempt.end) = (time, FlowEnd::Idle);
    }
    if attempt.tries > 1 {
        attempt.last_try = attempt.ended;
    }
    Some(Row::Attempt(time, Box::new(attempt)))
}

/// True for the questions whose answers Zeek counts on the same row.
fn is_asked(transport: Transport, kind: u8) -> bool {
    match transport {
        Transport::ICMPV6 => matches!(kind, 128 | 139),
        _ => matches!(kind, 8 | 13 | 15 | 17),
    }
}
