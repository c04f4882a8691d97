//! Event logs that reach an analyst as text: XML, JSON and CSV exports, and the Windows Firewall's
//! own log. All of them end in the same records and the same channel tables as EVTX.
//!
//! `pieces` cuts a text into records, a module for each form says where its fields are, and
//! `draft` holds them. A place in a text is a line: that is what an editor can be sent to.

mod azure;
mod chainsaw;
mod draft;
mod evtx_dump;
mod evtxecmd;
mod json;
#[cfg(test)]
mod named_tests;
mod nxlog;
mod pfirewall;
pub mod pieces;
mod powershell;
mod receipt;
#[cfg(test)]
mod tests;
mod velociraptor;
mod wazuh;
mod winlogbeat;
mod xml;

use super::channels::{Tables, entry};
use super::chunk::Select;
use super::log::event_of;
use super::summary::LogSummary;
use super::tally::{Sums, Tally};
use super::texts::Texts;
use crate::evidence::{Form, Kept, Problem, ProblemKind, Problems, Weight};
use crate::model::{Event, EvidenceId, Text};
use draft::{Draft, Refused};
/// The channel under which rows of pfirewall.log are shown.
pub use pfirewall::CHANNEL as FIREWALL_TEXT;
use pieces::{Piece, Pieces};
use rayon::prelude::*;
use receipt::{Receipt, Receipts};
use std::io::Read;
use std::sync::Mutex;

/// Records cut out of a text before they are read together, and their bytes.
const BATCH: usize = 4_096;
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// A batch of NXLog is so many times as long: what shows the zone of its first records may take a busy
/// computer thousands of them. In bytes, the first batch of a text is four times as large, and later ones,
/// to which zones are carried on, are like any other: they lie in memory beside all else.
const NXLOG: (usize, usize) = (16, 4);
/// The provider of Sysmon for Linux, whose ids are those of Sysmon.
const SYSMON_FOR_LINUX: &str = "Linux-Sysmon";
/// Nanoseconds of a day.
const DAY: i64 = 86_400 * 1_000_000_000;
/// Records of a batch that one thread reads at a time.
const SHARE: usize = 256;

/// Takes an event of a text, with its EventRecordID where the form has one.
pub type Emit<'a> = &'a mut dyn FnMut(Event, Option<u64>);

/// Reads the text `evidence` from its first byte to its last and hands every event the channel
/// tables know to `emit`, in the order of the text.
///
/// Runs on the threads of the current rayon pool; what it emits does not depend on their number.
pub fn read_text(
    evidence: EvidenceId,
    form: Form,
    input: impl Read + Send,
    emit: Emit<'_>,
) -> (LogSummary, Problems) {
    if form == Form::FirewallLog {
        return pfirewall::read(evidence, input, emit);
    }
    let mut pieces = Pieces::new(form, input);
    let mut sums = Sums::default();
    let mut problems = Problems::default();
    let mut receipts = Receipts::default();
    let desks: Vec<Mutex<Texts>> = (0..rayon::current_num_threads().max(1))
        .map(|_| Mutex::default())
        .collect();
    let taken = Mutex::new(chainsaw::Taken::default());
    // One behind the other where the first place of a record counts.
    let (share, taken) = match form {
        Form::Chainsaw => (usize::MAX, Some(&taken)),
        _ => (SHARE, None),
    };
    let (longer, mut larger) = match form {
        Form::Nxlog => NXLOG,
        _ => (1, 1),
    };
    loop {
        let batch = pieces.batch(
            BATCH * longer,
            BATCH_BYTES * std::mem::replace(&mut larger, 1),
        );
        if batch.is_empty() {
            break;
        }
        let header = pieces.header();
        if form == Form::Nxlog {
            look_at(&batch, &mut receipts);
        }
        let read: Vec<Share> = batch
            .par_chunks(share)
            .map(|share| {
                let desk = rayon::current_thread_index().unwrap_or(0) % desks.len();
                let mut texts = desks[desk]
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                Share::read(
                    (evidence, form),
                    header,
                    share,
                    &receipts,
                    taken,
                    &mut texts,
                )
            })
            .collect();
        for share in read {
            sums.add(&share.summary, share.tally);
            problems.merge(share.problems);
            for (event, record) in share.events {
                emit(event, record);
            }
        }
    }
    let mut summary = sums.finish();
    for source in summary.sources.values_mut() {
        source.mark_exported(form);
        (source.timed, source.whole_day) = (summary.timed, summary.whole_day);
        source.fractions = summary.fractions;
    }
    problems.merge(lacks(evidence, form, &summary));
    (summary, problems)
}

/// Takes in when the records of a batch were received. Of a large one, every fourth record shows it.
fn look_at(batch: &[Piece], receipts: &mut Receipts) {
    receipts.next_batch();
    let step = if batch.len() < BATCH { 1 } else { 4 };
    let looked: Vec<&Piece> = batch.iter().step_by(step).collect();
    let found: Vec<Vec<(Text, Receipt)>> = looked
        .par_chunks(SHARE)
        .map(|share| {
            let mut found = Vec::new();
            let mut take = |draft: Draft<'_>| {
                let receipt = draft.receipt;
                found.extend(receipt.map(|at| (Text::from(&*draft.computer), at)));
            };
            for piece in share {
                // What cannot be read is told where it is read.
                let _ = json::read(piece, &mut take);
            }
            found
        })
        .collect();
    for (computer, receipt) in found.iter().flatten() {
        receipts.note(computer, *receipt);
    }
}

/// What was read of a part of a batch.
struct Share {
    events: Vec<(Event, Option<u64>)>,
    summary: LogSummary,
    tally: Tally,
    problems: Problems,
}

impl Share {
    fn read(
        (evidence, form): (EvidenceId, Form),
        header: &[String],
        pieces: &[Piece],
        receipts: &Receipts,
        taken: Option<&Mutex<chainsaw::Taken>>,
        texts: &mut Texts,
    ) -> Self {
        let is_new = |draft: &Draft<'_>| {
            taken.is_none_or(|taken| {
                let mut taken = taken
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                taken.is_new(draft)
            })
        };
        let mut share = Self {
            events: Vec::new(),
            summary: LogSummary::default(),
            tally: Tally::default(),
            problems: Problems::default(),
        };
        for piece in pieces {
            let mut take = |mut draft: Draft<'_>| {
                if !is_new(&draft) {
                    share.note(
                        evidence,
                        piece,
                        ProblemKind::Duplicate,
                        "records that are there already, for another rule",
                        "each was counted once",
                    );
                    return;
                }
                let received = draft.receipt;
                let zone = received.and_then(|at| receipts.zone(&draft.computer, at));
                if let Some(zone) = zone {
                    draft.is_ahead(zone);
                }
                share.take(evidence, form, piece, draft, texts);
            };
            let read = match form {
                Form::Xml if !piece.is_json() => xml::read(piece, &mut take),
                Form::EvtxEcmd => evtxecmd::read(piece, header, &mut take),
                _ => json::read(piece, &mut take),
            };
            if let Err(Refused(why)) = read {
                share.refuse(evidence, piece, why);
            }
        }
        share
    }

    fn take(
        &mut self,
        evidence: EvidenceId,
        form: Form,
        piece: &Piece,
        draft: Draft<'_>,
        texts: &mut Texts,
    ) {
        self.summary.records_read += 1;
        let record_id = draft.record_id;
        if draft.form != form {
            self.note(
                evidence,
                piece,
                ProblemKind::Text,
                "a record of another form than the first one",
                "these records were read, each by its own form",
            );
        }
        self.summary.fractions |= draft.time.is_some_and(|time| time.0 % 1_000_000_000 != 0);
        if draft.timed.is_local() {
            self.summary.timed = draft.timed;
            // A clock of twelve hours shows 1 to 12.
            let hour = draft.time.map(|time| time.0.rem_euclid(DAY) / (DAY / 24));
            self.summary.whole_day |= hour.is_some_and(|hour| !(1..=12).contains(&hour));
            self.note(
                evidence,
                piece,
                ProblemKind::LocalTime,
                "times are local and their zone is not said",
                "these records have a clock of their own: they keep the time as written until connections that captures or \
                 other logs of the host saw too, or UtcTime of its Sysmon records, tell how far it is off; without such, give --clock HOST=-5h or \
                 --clock HOST@FORM=-5h",
            );
        }
        let record = draft.record(piece.line, piece.offset);
        let (computer, channel) = (texts.share(&record.computer), texts.share(&record.channel));
        self.tally.add(
            &computer,
            &channel,
            record.event_id,
            record.place.record_id,
            record.time,
        );
        if record.place.text.is_some_and(|text| text.timed.is_local()) {
            self.summary.zones.note(&computer, &record);
        }
        if !Tables.id(record.event_id)
            || entry(record.event_id, &record.provider, &record.channel).is_none()
        {
            if record.provider.eq_ignore_ascii_case(SYSMON_FOR_LINUX) {
                self.note(
                    evidence,
                    piece,
                    ProblemKind::Form,
                    "records of Sysmon for Linux",
                    "they were counted and not used: what is asked here is of Windows",
                );
            }
            return;
        }
        match event_of(evidence, &record, texts, &mut self.problems) {
            Some(event) => {
                self.summary.events += 1;
                self.events.push((event, record_id));
            }
            None => self.summary.refused += 1,
        }
    }

    fn note(
        &mut self,
        evidence: EvidenceId,
        piece: &Piece,
        kind: ProblemKind,
        message: &str,
        effect: &str,
    ) {
        self.problems.add(Problem {
            evidence: Some(evidence),
            kind,
            weight: Weight::Note,
            count: 1,
            first_offset: Some(piece.offset),
            message: message.to_owned(),
            effect: effect.to_owned(),
        });
    }

    fn refuse(&mut self, evidence: EvidenceId, piece: &Piece, why: &str) {
        self.summary.records_skipped += 1;
        self.problems.add(Problem {
            evidence: Some(evidence),
            kind: ProblemKind::Text,
            weight: Weight::Loss,
            count: 1,
            first_offset: Some(piece.offset),
            message: why.to_owned(),
            effect: "these records are left out; the others were read".to_owned(),
        });
    }
}

/// What the form leaves out, as a note.
fn lacks(evidence: EvidenceId, form: Form, summary: &LogSummary) -> Problems {
    let mut problems = Problems::default();
    let sources = summary.sources.values();
    let kept = Kept {
        numbers: sources.clone().all(|source| source.first_id.is_some()),
        whole_day: summary.whole_day,
        fractions: summary.fractions,
    };
    let Some(message) = form.loses(kept).filter(|_| summary.records_read > 0) else {
        return problems;
    };
    problems.add(Problem {
        evidence: Some(evidence),
        kind: ProblemKind::Form,
        weight: Weight::Note,
        count: 1,
        first_offset: None,
        message,
        effect: "the order of events close together, and that something is missing, cannot be told from it as from \
                 the log itself"
            .to_owned(),
    });
    problems
}
