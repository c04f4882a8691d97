//! A whole event log: chunks read on all cores, events handed on in the order of the file.

use super::channels::{Clock, Fields, Tables, entry};
use super::chunk::{ChunkBytes, ChunkReading, read_chunk};
use super::evtx::EvtxReader;
use super::record::{Record, Value};
use super::summary::LogSummary;
use super::tally::Sums;
use super::texts::Texts;
use crate::evidence::{Problem, ProblemKind, Problems, Weight};
use crate::model::provenance::{Item, Provenance};
use crate::model::{Event, EvidenceId, HostEvent, Timed, Timestamp, What};
use rayon::prelude::*;
use std::io::Read;
use std::sync::Mutex;

/// Chunks in work at once for each thread: enough to keep them busy, little enough to hold.
const CHUNKS_PER_THREAD: usize = 8;

/// Reads the log `evidence` from its first byte to its last and hands every event the channel
/// tables know to `emit`, in the order of the file (which is not always the order of time).
///
/// Runs on the threads of the current rayon pool; what it emits does not depend on their number.
pub fn read_log(
    evidence: EvidenceId,
    input: impl Read + Send,
    emit: &mut dyn FnMut(Event),
) -> (LogSummary, Problems) {
    let mut reader = EvtxReader::new(evidence, input);
    let threads = rayon::current_num_threads().max(1);
    let desks: Vec<Mutex<Texts>> = (0..threads).map(|_| Mutex::default()).collect();
    let mut sums = Sums::default();
    let mut problems = Problems::default();
    let mut last_number = None;
    let mut batch = next_batch(&mut reader, threads);
    while !batch.is_empty() {
        let (read, next) = rayon::join(
            || read_batch(evidence, &batch, &desks),
            || next_batch(&mut reader, threads),
        );
        for (events, reading) in read {
            if let Some(number) = reading.first_number {
                sums.summary.wrapped |= last_number.is_some_and(|last| number < last);
                last_number = Some(number);
            }
            sums.add(&reading.summary, reading.tally);
            problems.merge(reading.problems);
            events.into_iter().for_each(&mut *emit);
        }
        batch.into_iter().for_each(|chunk| reader.recycle(chunk));
        batch = next;
    }
    problems.merge(reader.finish());
    let summary = sums.finish();
    if summary.records_read == 0 && problems.iter().all(|p| p.kind == ProblemKind::DirtyLog) {
        problems.add(no_record(evidence));
    }
    (summary, problems)
}

fn next_batch<R: Read>(reader: &mut EvtxReader<R>, threads: usize) -> Vec<ChunkBytes> {
    std::iter::from_fn(|| reader.next_chunk())
        .take(threads * CHUNKS_PER_THREAD)
        .collect()
}

/// A whole log, and nothing was ever written to it, or all of it was cleared.
fn no_record(evidence: EvidenceId) -> Problem {
    Problem {
        evidence: Some(evidence),
        kind: ProblemKind::Empty,
        weight: Weight::Note,
        count: 1,
        first_offset: None,
        message: "the log holds no record".to_owned(),
        effect: "without one it tells neither its host nor its channel: where a log is called not given, it may be \
                 this one"
            .to_owned(),
    }
}

fn read_batch(
    evidence: EvidenceId,
    batch: &[ChunkBytes],
    desks: &[Mutex<Texts>],
) -> Vec<(Vec<Event>, ChunkReading)> {
    batch
        .par_iter()
        .map(|chunk| {
            // Each thread has a desk of its own, so nobody waits for the lock.
            let desk = rayon::current_thread_index().unwrap_or(0) % desks.len();
            let mut texts = match desks[desk].lock() {
                Ok(texts) => texts,
                Err(poisoned) => poisoned.into_inner(),
            };
            chunk_events(evidence, chunk, &mut texts)
        })
        .collect()
}

/// The events of one chunk, in the order of the chunk.
pub fn chunk_events(
    evidence: EvidenceId,
    chunk: &ChunkBytes,
    texts: &mut Texts,
) -> (Vec<Event>, ChunkReading) {
    let mut events = Vec::new();
    let mut problems = Problems::default();
    let mut refused = 0;
    let mut reading =
        read_chunk(
            evidence,
            chunk,
            &Tables,
            texts,
            &mut |record, texts| match event_of(evidence, record, texts, &mut problems) {
                Some(event) => events.push(event),
                None => refused += 1,
            },
        );
    // Records of the general reader come last; the file's order is theirs too.
    events.sort_by_key(|event: &Event| event.provenance.offset);
    reading.summary.events = events.len() as u64;
    reading.summary.refused = refused;
    reading.problems.merge(problems);
    (events, reading)
}

/// What a record says, by the channel tables; `None` where they do not know it or where it lacks
/// something, which is then a problem.
pub fn event_of(
    evidence: EvidenceId,
    record: &Record<'_>,
    texts: &mut Texts,
    problems: &mut Problems,
) -> Option<Event> {
    let entry = entry(record.event_id, &record.provider, &record.channel)?;
    let mut add = |kind: ProblemKind, weight: Weight, message: String, effect: &str| {
        problems.add(Problem {
            evidence: Some(evidence),
            kind,
            weight,
            count: 1,
            first_offset: Some(record.place.offset),
            message,
            effect: effect.to_owned(),
        });
    };
    let Some(written) = record.time else {
        add(
            ProblemKind::RecordTime,
            Weight::Loss,
            "the time of a record cannot be read".to_owned(),
            "these records have no place in the timeline and are left out",
        );
        return None;
    };
    let what = match (entry.read)(&mut Fields { record, texts }) {
        Ok(what) => what,
        Err(missing) => {
            add(
                ProblemKind::RecordField,
                Weight::Loss,
                format!("event {} lacks a readable {}", record.event_id, missing.0),
                "these records are left out",
            );
            return None;
        }
    };
    let text = record.place.text;
    let time: Timestamp = match entry.clock {
        Clock::TimeCreated => written,
        // One host's events must be on one clock: TimeCreated of this text is on another than UtcTime.
        Clock::UtcTime if text.is_some_and(|t| t.timed.is_local()) => written,
        Clock::UtcTime => record
            .value("UtcTime")
            .and_then(Value::time)
            .unwrap_or_else(|| {
                add(
                    ProblemKind::RecordTime,
                    Weight::Note,
                    format!("event {} lacks a readable UtcTime", record.event_id),
                    "these records are placed at the time they were written, up to seconds late",
                );
                written
            }),
    };
    Some(Event {
        time,
        recorded: time,
        provenance: Provenance {
            evidence,
            interface: 0,
            kind: text.map_or(Item::Record, |_| Item::Line),
            item: text.map_or(record.place.record_id, |t| t.line),
            offset: record.place.offset,
            inside: false,
        },
        what: What::host(HostEvent {
            computer: texts.share(&record.computer),
            channel: texts.share(&record.channel),
            provider: texts.share(&record.provider),
            event_id: record.event_id,
            socket: None,
            written,
            timed: text.map_or(Timed::Utc, |t| t.timed),
            what,
        }),
    })
}
