//! Zeek's conn.log, tab-separated or as JSON: connections that somebody else's sensor saw and
//! summed up. Each row is an attempt, cited by its line; rows of one connect() are one attempt.
//!
//! A row has no sequence numbers and no single packets, so an ICMP refusal looks like silence (both are
//! `S0`), nothing says how long a connection was idle before a reset, and nothing ties its clock to a
//! host's. See `row` for what a line says, `state` for what became of it, `window` for what waits.

mod clock;
mod number;
mod row;
mod state;
#[cfg(test)]
mod tests;
mod window;

use super::CaptureSummary;
use crate::evidence::lines::Lines;
use crate::evidence::{Problem, ProblemKind, Problems, Weight};
use crate::model::provenance::Item;
use crate::model::{Event, EvidenceId, Provenance, Shared, What};
use row::{Refused, Row, Table};
use std::io::Read;
use window::Window;

/// Reads the log and hands each connection to `emit`, in no order that means anything.
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
    let mut told = Told::new(evidence);
    let mut table = Table::default();
    let mut window = Window::default();
    while let Some(line) = lines.next_line() {
        let text = line.bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(text) = text
            && (text.trim().is_empty() || table.header(text))
        {
            continue;
        }
        summary.present += 1;
        match text.map_or(Err(Refused::Other), |text| table.row(text)) {
            Ok(Row::Attempt(time, attempt)) => {
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
                    what: What::Attempt(Shared::new(*attempt)),
                };
                window.hear(event, ended, emit);
            }
            Ok(Row::Other) => {
                summary.read += 1;
                summary.not_ip += 1;
            }
            Ok(Row::Notice) => {
                summary.read += 1;
                told.notice(line.offset);
            }
            Err(refused) => {
                summary.skipped += 1;
                told.refused(&refused, line.offset);
            }
        }
    }
    told.lone(window.end(emit));
    if summary.read > 0 {
        told.nature();
    }
    (summary, told.problems)
}

/// What is to be said of the log.
struct Told {
    evidence: EvidenceId,
    problems: Problems,
}

impl Told {
    fn new(evidence: EvidenceId) -> Self {
        Self {
            evidence,
            problems: Problems::default(),
        }
    }

    fn add(
        &mut self,
        (kind, weight): (ProblemKind, Weight),
        (count, first_offset): (u64, Option<u64>),
        message: &str,
        effect: &str,
    ) {
        self.problems.add(Problem {
            evidence: Some(self.evidence),
            kind,
            weight,
            count,
            first_offset,
            message: message.to_owned(),
            effect: effect.to_owned(),
        });
    }

    fn refused(&mut self, why: &Refused, offset: u64) {
        let (message, effect) = match why {
            Refused::Zone => (
                "a line of a Zeek conn.log has a time without a zone",
                "these lines are left out, for nobody knows when they were: write the times with their zone, \
                 as Zeek does (a Z at the end)",
            ),
            Refused::Other => (
                "a line is no connection of a Zeek conn.log",
                "these lines are left out; the others were read",
            ),
        };
        let how = (ProblemKind::Text, Weight::Loss);
        self.add(how, (1, Some(offset)), message, effect);
    }

    fn notice(&mut self, offset: u64) {
        self.add(
            (ProblemKind::Form, Weight::Note),
            (1, Some(offset)),
            "ICMP messages in a Zeek conn.log that ask nothing: errors, redirects, what routers and neighbours say",
            "whom a refusal was about is not in the log: what it refused looks unanswered",
        );
    }

    fn lone(&mut self, count: u64) {
        if count > 0 {
            self.add(
                (ProblemKind::Disorder, Weight::Note),
                (count, None),
                "a connection ends more than an hour after those before and behind it in the log",
                "these rows were read as they are, but do not show that the log went on until then: unanswered \
                 attempts before them count as silence only where other rows show it",
            );
        }
    }

    fn nature(&mut self) {
        self.add(
            (ProblemKind::Form, Weight::Note),
            (1, None),
            "a Zeek conn.log has no packets and no sequence numbers",
            "an ICMP refusal cannot be told from silence, nor a connection in use from an idle one when it is reset; \
             what was said is not in it, and no host's clock can be measured against it; connections that a capture holds \
             too are told once if the two clocks are less than a second apart, else twice: then leave one out",
        );
    }
}
