//! Zeek's conn.log, tab-separated or as JSON: connections that somebody else's sensor saw and
//! summed up. Each row is an attempt, cited by its line.
//!
//! A row has no sequence numbers and no single packets, so retries are not told apart, an ICMP
//! refusal looks like silence (both are `S0`), and nothing ties its clock to a host's.

use super::CaptureSummary;
use crate::evidence::lines::Lines;
use crate::evidence::{Problem, ProblemKind, Problems, Weight};
use crate::model::attempt::{FlowEnd, Marks, Outcome};
use crate::model::provenance::Item;
use crate::model::{
    Attempt, Endpoint, Event, EvidenceId, Provenance, Shared, Span, Timestamp, Transport, What,
};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::Read;

/// Columns that are looked at.
const MOST_COLUMNS: usize = 128;
/// Zeek gives up an unanswered SYN after this long (`tcp_attempt_delay`), or when it ends itself.
const GIVEN_UP: Span = Span::seconds(5);
/// Unanswered attempts that wait for the log to go on, at most.
const WAITING: usize = 65_536;

/// A row this far ahead of those before it says that the log went on only if the next ones do not fall
/// back behind it by as much: its time may be garbled.
const LEAP: Span = Span::seconds(3_600);

/// Reads the log and hands each connection to `emit`, in the order of the text.
pub fn read_connections(
    evidence: EvidenceId,
    input: impl Read,
    emit: &mut dyn FnMut(Event),
) -> (CaptureSummary, Problems) {
    let mut lines = Lines::new(input);
    let mut summary = CaptureSummary {
        summed_up: true,
        ..CaptureSummary::default()
    };
    let mut problems = Problems::default();
    let mut table = Table::default();
    let mut silent = Silent::default();
    while let Some(line) = lines.next_line() {
        let text = line.bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(text) = text
            && (text.trim().is_empty() || table.header(text))
        {
            continue;
        }
        summary.present += 1;
        match text.and_then(|text| table.row(text)) {
            Some(Row::Attempt(time, attempt)) => {
                summary.read += 1;
                summary.first = Some(summary.first.map_or(time, |t| t.min(time)));
                summary.last = summary.last.max(Some(attempt.ended));
                let provenance = Provenance {
                    evidence,
                    interface: 0,
                    kind: Item::Line,
                    item: line.number,
                    offset: line.offset,
                    inside: false,
                };
                let ended = attempt.ended;
                let event = Event {
                    time,
                    recorded: time,
                    provenance,
                    what: What::Attempt(attempt),
                };
                silent.hear(event, ended, emit);
            }
            Some(Row::Other) => {
                summary.read += 1;
                summary.not_ip += 1;
            }
            None => {
                summary.skipped += 1;
                problems.add(Problem {
                    evidence: Some(evidence),
                    kind: ProblemKind::Text,
                    weight: Weight::Loss,
                    count: 1,
                    first_offset: Some(line.offset),
                    message: "a line is no connection of a Zeek conn.log".to_owned(),
                    effect: "these lines are left out; the others were read".to_owned(),
                });
            }
        }
    }
    let lone = silent.end(emit);
    if lone > 0 {
        problems.add(Problem {
            evidence: Some(evidence),
            kind: ProblemKind::Disorder,
            weight: Weight::Note,
            count: lone,
            first_offset: None,
            message: "a connection ends more than an hour after those before and behind it in the log".to_owned(),
            effect: "these rows were read as they are, but do not show that the log went on until then: unanswered \
                     attempts before them count as silence only where other rows show it"
                .to_owned(),
        });
    }
    if summary.read > 0 {
        problems.add(Problem {
            evidence: Some(evidence),
            kind: ProblemKind::Form,
            weight: Weight::Note,
            count: 1,
            first_offset: None,
            message: "a Zeek conn.log has no packets and no sequence numbers".to_owned(),
            effect: "single tries and ICMP refusals cannot be told from silence, no host's clock can be measured \
                     against it, and connections that a capture holds too count twice: leave one of the two out"
                .to_owned(),
        });
    }
    (summary, problems)
}

/// Unanswered attempts for which it is not known yet whether Zeek went on listening: what it writes
/// when it ends itself says nothing about an answer that was still to come.
#[derive(Default)]
struct Silent {
    waiting: VecDeque<Event>,
    latest: Option<Timestamp>,
    /// A row that leapt ahead, and whether others have fallen back behind it.
    ahead: Option<(Timestamp, bool)>,
    /// Rows that leapt ahead alone.
    lone: u64,
}

impl Silent {
    /// Passes on an attempt that ended at `ended`, or lets it wait.
    fn hear(&mut self, event: Event, ended: Timestamp, emit: &mut dyn FnMut(Event)) {
        self.clock(ended);
        let unanswered = matches!(&event.what, What::Attempt(attempt)
            if attempt.outcome == Outcome::Unanswered && attempt.transport == Transport::TCP);
        if unanswered {
            self.waiting.push_back(event);
        } else {
            emit(event);
        }
        while self.waiting.len() > WAITING || self.went_on() {
            self.release(emit);
        }
    }

    /// Takes in the end of a row: until then the log went on, unless the row has leapt ahead alone.
    fn clock(&mut self, ended: Timestamp) {
        if let Some((ahead, passed)) = &mut self.ahead {
            if ended.shifted(LEAP) >= *ahead {
                self.latest = self.latest.max(Some(*ahead));
                self.ahead = None;
            } else {
                *passed = true;
            }
        }
        match self.latest {
            Some(latest) if ended <= latest.shifted(LEAP) => {
                self.latest = Some(latest.max(ended));
            }
            _ => {
                self.lone += u64::from(self.ahead.is_some());
                self.ahead = Some((ended, false));
            }
        }
    }

    /// True if the log went on long enough after the attempt that waits longest.
    fn went_on(&self) -> bool {
        let first = self.waiting.front().map(|event| event.time);
        first
            .zip(self.latest)
            .is_some_and(|(first, latest)| latest >= first.shifted(GIVEN_UP))
    }

    fn release(&mut self, emit: &mut dyn FnMut(Event)) {
        let Some(mut event) = self.waiting.pop_front() else {
            return;
        };
        if let (What::Attempt(attempt), Some(latest)) = (&mut event.what, self.latest) {
            let waited = event.time.shifted(GIVEN_UP).min(latest);
            attempt.decided = attempt.decided.max(waited);
        }
        emit(event);
    }

    /// Passes on what still waits: the log ends. Returns how many rows have leapt ahead alone.
    fn end(mut self, emit: &mut dyn FnMut(Event)) -> u64 {
        while !self.waiting.is_empty() {
            self.release(emit);
        }
        let passed = self.ahead.is_some_and(|(_, passed)| passed);
        self.lone + u64::from(passed)
    }
}

enum Row {
    Attempt(Timestamp, Shared<Attempt>),
    /// A connection of another protocol.
    Other,
}

/// The columns of a tab-separated log.
#[derive(Default)]
struct Table {
    names: Vec<String>,
}

impl Table {
    /// True for lines that begin with `#`; takes the names of the columns from them.
    fn header(&mut self, text: &str) -> bool {
        if let Some(names) = text.strip_prefix("#fields\t") {
            self.names = names
                .split('\t')
                .take(MOST_COLUMNS)
                .map(str::to_owned)
                .collect();
        }
        text.starts_with('#')
    }

    fn row(&self, text: &str) -> Option<Row> {
        if text.trim_start().starts_with('{') {
            let object: Map<String, Value> = serde_json::from_str(text).ok()?;
            return row(&|name| match object.get(name)? {
                Value::String(text) => Some(Cow::Borrowed(text.as_str())),
                Value::Number(number) => Some(Cow::Owned(number.to_string())),
                _ => None,
            });
        }
        let cells: Vec<&str> = text.split('\t').take(MOST_COLUMNS).collect();
        row(&|name| {
            let at = self.names.iter().position(|n| n == name)?;
            let cell = cells.get(at).filter(|cell| **cell != "-")?;
            Some(Cow::Borrowed(*cell))
        })
    }
}

fn row<'a>(cell: &dyn Fn(&str) -> Option<Cow<'a, str>>) -> Option<Row> {
    let transport = match &*cell("proto")? {
        "tcp" => Transport::TCP,
        "udp" => Transport::UDP,
        _ => return Some(Row::Other),
    };
    let time = moment(&cell("ts")?)?;
    let end = |address: &str, port: &str| {
        Some(Endpoint::new(
            cell(address)?.parse().ok()?,
            cell(port)?.parse().ok()?,
        ))
    };
    let number = |name: &str| cell(name).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    let packets = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
    let lasted = cell("duration")
        .and_then(|d| length(&d))
        .unwrap_or(Span::ZERO);
    let history = cell("history").unwrap_or_default();
    let state = cell("conn_state")?;
    let (outcome, how) = outcome(transport, &state, &history)?;
    let ended = time.shifted(lasted);
    let tries = match outcome {
        // What came behind its SYN was no try.
        _ if state == HALF_CLOSED => 1,
        Outcome::Unanswered | Outcome::Aborted => packets("orig_pkts").max(1),
        _ => 1,
    };
    Some(Row::Attempt(
        time,
        Shared::new(Attempt {
            transport,
            initiator: end("id.orig_h", "id.orig_p")?,
            responder: end("id.resp_h", "id.resp_p")?,
            isn: None,
            tries,
            last_try: if tries > 1 { ended } else { time },
            outcome,
            // A row says how long all of it lasted, not when the answer came.
            decided: match outcome {
                Outcome::Established | Outcome::HalfOpen => time,
                _ => ended,
            },
            deciding: None,
            accepted: None,
            bytes: [number("orig_bytes"), number("resp_bytes")],
            packets: [packets("orig_pkts"), packets("resp_pkts")],
            end: how,
            ended,
            marks: match &*state {
                "S2" => Marks::CLOSED_BY_INITIATOR,
                "S3" => Marks::CLOSED_BY_RESPONDER,
                _ => Marks::default(),
            },
            pid: None,
            icmp: None,
            payload: None,
            actor: None,
            vlan: cell("vlan").and_then(|v| v.parse().ok()),
        }),
    ))
}

/// SYN and FIN of the originator, and no SYN-ACK: the answers passed by another way.
const HALF_CLOSED: &str = "SH";

/// Zeek's `conn_state`, as its documentation of conn.log defines it, with `history` where one state
/// stands for two pictures.
fn outcome(transport: Transport, state: &str, history: &str) -> Option<(Outcome, FlowEnd)> {
    // Upper case is the originator's. Its ACK or data is the third part of the handshake.
    let finished = history.is_empty() || history.contains(['A', 'D']);
    let established = |end| match transport == Transport::TCP && !finished {
        true => (Outcome::HalfOpen, FlowEnd::Open),
        false => (Outcome::Established, end),
    };
    Some(match state {
        "S0" => (Outcome::Unanswered, FlowEnd::Open),
        "S1" => established(FlowEnd::Open),
        "S2" | "S3" => established(FlowEnd::Closed),
        "SF" if transport == Transport::TCP => established(FlowEnd::Closed),
        // Datagrams end by being silent.
        "SF" => established(FlowEnd::Idle),
        "RSTO" => established(FlowEnd::ResetByInitiator),
        "RSTR" => established(FlowEnd::ResetByResponder),
        "REJ" => (Outcome::Rejected, FlowEnd::Open),
        "RSTOS0" => (Outcome::Aborted, FlowEnd::Open),
        "RSTRH" => (Outcome::OneSided, FlowEnd::ResetByResponder),
        "SHR" => (Outcome::OneSided, FlowEnd::Open),
        HALF_CLOSED => (Outcome::Unanswered, FlowEnd::Closed),
        "OTH" => (Outcome::Midstream, FlowEnd::Open),
        _ => return None,
    })
}

/// Seconds since 1970, digit by digit, or the ISO 8601 that Zeek can be told to write.
fn moment(text: &str) -> Option<Timestamp> {
    match text.contains('T') {
        true => Timestamp::parse(text),
        false => length(text).map(|since| Timestamp(since.0)),
    }
}

fn length(text: &str) -> Option<Span> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.get(..fraction.len().min(9))?;
    let nanos = match fraction {
        "" => 0,
        digits => digits.parse::<i64>().ok()? * 10_i64.pow(9 - digits.len() as u32),
    };
    let seconds = whole.parse::<i64>().ok().filter(|s| *s >= 0)?;
    let nanos = seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    Some(Span(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\t\
orig_bytes\tresp_bytes\tconn_state\thistory\torig_pkts\tresp_pkts\n\
1692161622.036086\tC1\t10.0.0.1\t50001\t10.0.0.2\t22\ttcp\t3.0\t-\t-\tS0\tS\t2\t0\n\
1692161623.000000\tC2\t10.0.0.1\t50002\t10.0.0.2\t80\ttcp\t0.5\t10\t20\tSF\tShADadFf\t6\t5\n\
1692161624.000000\tC3\t10.0.0.1\t50003\t10.0.0.2\t81\ttcp\t0.01\t0\t0\tRSTO\tShR\t2\t1\n\
1692161625.000000\tC4\t10.0.0.1\t8\t10.0.0.2\t0\ticmp\t-\t-\t-\tOTH\t-\t1\t0\n\
broken\n";

    fn read(text: &str) -> (Vec<Event>, CaptureSummary) {
        let mut events = Vec::new();
        let (summary, _) =
            read_connections(EvidenceId(1), text.as_bytes(), &mut |e| events.push(e));
        events.sort_by_key(Event::order);
        (events, summary)
    }

    fn attempt(event: &Event) -> &Attempt {
        match &event.what {
            What::Attempt(attempt) => attempt,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_are_attempts_with_the_state_they_name() {
        let (events, summary) = read(TABLE);
        let outcomes: Vec<_> = events.iter().map(|e| attempt(e).outcome).collect();
        assert_eq!(
            outcomes,
            [Outcome::Unanswered, Outcome::Established, Outcome::HalfOpen]
        );
        assert_eq!((summary.read, summary.skipped), (4, 1));
        let first = attempt(&events[0]);
        assert_eq!(
            (events[0].provenance.kind, events[0].provenance.item),
            (Item::Line, 3)
        );
        assert_eq!(events[0].time.rfc3339(), "2023-08-16T04:53:42.036086000Z");
        assert_eq!((first.tries, first.isn), (2, None));
        assert_eq!(first.last_try.since(events[0].time), Span::seconds(3));
    }

    #[test]
    fn how_long_a_connection_lasted_is_not_when_it_was_answered() {
        for (state, decided) in [("SF", 0), ("S1", 0), ("REJ", 3)] {
            let row = format!(
                r#"{{"ts":1692161622.0,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":22,"proto":"tcp","duration":3.0,"conn_state":"{state}"}}"#
            );
            let (events, _) = read(&row);
            let known = attempt(&events[0]);
            let after = |at: Timestamp| at.since(events[0].time);
            assert_eq!(after(known.decided), Span::seconds(decided), "{state}");
            assert_eq!(after(known.ended), Span::seconds(3), "{state}");
        }
    }

    #[test]
    fn what_has_no_end_of_its_own_is_not_said_to_be_closed() {
        for (proto, end) in [("tcp", FlowEnd::Closed), ("udp", FlowEnd::Idle)] {
            let row = format!(
                r#"{{"ts":1692161622.0,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":53,"proto":"{proto}","conn_state":"SF"}}"#
            );
            assert_eq!(attempt(&read(&row).0[0]).end, end, "{proto}");
        }
    }

    #[test]
    fn each_state_is_told_as_the_state_it_is() {
        for state in [
            "S0", "S1", "S2", "S3", "SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR",
            "OTH",
        ] {
            let row = format!(
                r#"{{"ts":1.0,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":22,"proto":"tcp","conn_state":"{state}","orig_pkts":3}}"#
            );
            let told = attempt(&read(&row).0[0]).clone();
            assert_eq!(told.conn_state(), state);
            // Whoever closes what nobody answered has had an answer.
            assert_eq!(
                told.went_on() && told.outcome == Outcome::Unanswered,
                state == "SH"
            );
        }
    }

    #[test]
    fn silence_tells_where_the_log_goes_on() {
        let row = |ts: &str, state: &str| {
            format!(
                "{{\"ts\":{ts},\"id.orig_h\":\"10.0.0.1\",\"id.orig_p\":50001,\"id.resp_h\":\"10.0.0.2\",\"id.resp_p\":22,\
\"proto\":\"tcp\",\"conn_state\":\"{state}\",\"orig_pkts\":1}}"
            )
        };
        let tells = |rows: &[String]| -> Vec<bool> {
            let (events, _) = read(&rows.join("\n"));
            let silent = events
                .iter()
                .filter(|e| attempt(e).outcome == Outcome::Unanswered);
            silent.map(|e| attempt(e).silence_tells(e.time)).collect()
        };
        let [first, second] = [row("1692161600.0", "S0"), row("1692161604.0", "S0")];
        // The log ends 4 s after the first: Zeek may have ended itself.
        assert_eq!(tells(&[first.clone(), second.clone()]), [false, false]);
        // It goes on for 5 s after the first and not after the second.
        let later = row("1692161605.0", "SF");
        assert_eq!(
            tells(&[first.clone(), second.clone(), later.clone()]),
            [true, false]
        );
        assert_eq!(
            tells(&[later.clone(), first.clone(), second.clone()]),
            [true, false]
        );
        // One row of another century shows nothing; where the log follows it, it does.
        let far = row("4092161605.0", "SF");
        let next = row("4092161607.0", "SF");
        for rows in [
            [&first, &far, &second],
            [&far, &first, &second],
            [&first, &second, &far],
        ] {
            assert_eq!(tells(&rows.map(Clone::clone)), [false, false]);
        }
        assert_eq!(
            tells(&[first.clone(), second.clone(), far.clone(), next]),
            [true, true]
        );
        let lone = |rows: [&String; 3]| {
            let text = rows.map(Clone::clone).join("\n");
            let (_, problems) = read_connections(EvidenceId(1), text.as_bytes(), &mut |_| {});
            let mut told = problems.iter();
            told.find(|p| p.kind == ProblemKind::Disorder)
                .map(|p| p.count)
        };
        assert_eq!(lone([&first, &far, &second]), Some(1));
        assert_eq!(lone([&far, &first, &second]), Some(1));
        assert_eq!(
            (
                lone([&first, &second, &later]),
                lone([&first, &second, &far])
            ),
            (None, None)
        );
    }

    #[test]
    fn json_says_the_same_as_the_table() {
        let json = r#"{"ts":1692161622.036086,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":50001,"id.resp_h":"10.0.0.2","id.resp_p":22,"proto":"tcp","duration":3.0,"conn_state":"S0","history":"S","orig_pkts":2,"resp_pkts":0}"#;
        let first: Vec<&str> = TABLE.lines().take(3).collect();
        let (json, table) = (read(json).0, read(&first.join("\n")).0);
        assert_eq!(attempt(&json[0]), attempt(&table[0]));
        assert_eq!(json[0].time, table[0].time);
    }
}
