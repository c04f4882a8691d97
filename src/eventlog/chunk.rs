//! One chunk of an event log: its records one after another, past damage, and what was lost.
//!
//! A chunk is complete in itself (its templates and names lie in it), so chunks can be read on any
//! thread in any order. What the records mean is for the channel tables.

use super::binxml::Damage;
use super::decode::{Decoded, Decoder, System};
use super::fallback;
use super::glance::Glance;
use super::record::{Place, Record, Value};
use super::summary::LogSummary;
use super::tally::Tally;
use super::texts::Texts;
use super::walk::{
    CHUNK_MAGIC, CHUNK_SIZE, HEADER_SIZE, Header, MOST_RECORDS, NO_CHECKSUMS, RECORD_HEADER, Span,
    lost_between, next_record, record_at, size_copy_matches,
};
use super::writers::Writers;
use crate::evidence::{Problem, ProblemKind, Problems, Weight};
use crate::model::{EvidenceId, Text};
use std::borrow::Cow;

/// The bytes of one chunk and where they lie.
#[derive(Clone, Debug)]
pub struct ChunkBytes {
    /// Offset of the first byte in the (decompressed) file.
    pub offset: u64,
    /// The bytes, fewer than [`CHUNK_SIZE`] if the file ends inside the chunk.
    pub bytes: Vec<u8>,
    /// True if the file header counts this chunk, or cannot be believed.
    pub counted: bool,
}

/// Which records are worth reading whole.
pub trait Select: Sync {
    /// Asked first, for every record: may an event of this id be wanted?
    fn id(&self, event_id: u32) -> bool;
    /// Asked for those: is it wanted from this provider and channel, as written?
    fn source(&self, event_id: u32, provider: &str, channel: &str) -> bool;
}

/// What reading one chunk gave, apart from its records.
#[derive(Debug, Default)]
pub struct ChunkReading {
    /// Counts, as yet without sources.
    pub summary: LogSummary,
    /// Counts by source.
    pub(super) tally: Tally,
    /// Damage.
    pub problems: Problems,
    /// Number of the first record, for the order of chunks.
    pub first_number: Option<u64>,
}

/// Reads every record of `chunk` and hands those `select` wants to `each`, in the order of the
/// chunk; records that only the general reader can read come after the others.
pub fn read_chunk(
    evidence: EvidenceId,
    chunk: &ChunkBytes,
    select: &dyn Select,
    texts: &mut Texts,
    each: &mut dyn FnMut(&Record<'_>, &mut Texts),
) -> ChunkReading {
    let mut reading = Reading {
        evidence,
        chunk,
        select,
        texts,
        each,
        out: ChunkReading::default(),
        unusual: Vec::new(),
        writers: Writers::default(),
        provider: Last::default(),
    };
    reading.all();
    reading.out.summary.chunks = 1;
    reading.out
}

struct Reading<'r, 'c> {
    evidence: EvidenceId,
    chunk: &'c ChunkBytes,
    select: &'r dyn Select,
    texts: &'r mut Texts,
    each: &'r mut dyn FnMut(&Record<'_>, &mut Texts),
    out: ChunkReading,
    unusual: Vec<Span>,
    writers: Writers,
    /// Of the last record that was wanted.
    provider: Last,
}

/// A text and its bytes: where records follow each other that say the same, it is not looked up
/// again.
#[derive(Debug, Default)]
struct Last {
    bytes: Vec<u8>,
    text: Text,
}

impl Last {
    fn share(&mut self, value: &Value<'_>, texts: &mut Texts) -> Text {
        let Value::Utf16(bytes) = *value else {
            return texts.share_value(value);
        };
        if self.bytes != bytes {
            self.text = texts.share_utf16(bytes);
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
        }
        self.text.clone()
    }
}

impl<'c> Reading<'_, 'c> {
    fn all(&mut self) {
        let bytes = self.chunk.bytes.as_slice();
        let header = self.header(bytes);
        self.out.first_number = header.as_ref().map(|h| h.first_number);
        let mut decoder = Decoder::new(bytes);
        let mut record = Decoded::default();
        let mut at = HEADER_SIZE.min(bytes.len());
        let mut before: Option<u64> = None;
        let free = header
            .as_ref()
            .filter(|h| h.sound)
            .map_or(bytes.len(), |h| h.free);
        // Where an unsound header says the records end is believed if a record ends there.
        let likely_free = header.as_ref().map_or(bytes.len(), |h| h.free);
        if !bytes.starts_with(CHUNK_MAGIC) {
            // Nothing says where its first record is.
            let first = next_record(bytes, at, free, None);
            self.not_a_chunk(bytes, first);
            match first {
                Some(span) => at = span.start,
                None => return,
            }
        }
        loop {
            if (at >= free || at == likely_free) && !self.goes_on(at, before) {
                break;
            }
            match record_at(bytes, at) {
                Some(span) => {
                    before = Some(span.number);
                    at = span.end;
                    self.record(&mut decoder, &mut record, span);
                }
                None => {
                    // Zeros to the end are space not yet used, whatever the header says.
                    if bytes[at..free.max(at)].iter().all(|b| *b == 0) {
                        break;
                    }
                    let next = next_record(bytes, at + 1, free, header.as_ref());
                    let lost = lost_between(before, next.map(|s| s.number), header.as_ref());
                    let is_cut = next.is_none() && bytes.len() < CHUNK_SIZE;
                    self.lose(
                        if is_cut {
                            ProblemKind::CutTail
                        } else {
                            ProblemKind::Record
                        },
                        lost,
                        at,
                        if is_cut {
                            "the file ends inside an event record"
                        } else {
                            "bytes where an event record should begin are none"
                        },
                    );
                    match next {
                        Some(span) => at = span.start,
                        None => return self.general_reader(),
                    }
                }
            }
        }
        if bytes.len() < CHUNK_SIZE {
            self.cut_tail(bytes.len(), before, header.as_ref());
        }
        self.general_reader();
    }

    /// A file that ends inside this chunk, behind a whole record: what its header promises is lost.
    fn cut_tail(&mut self, end: usize, before: Option<u64>, header: Option<&Header>) {
        let promised = header.filter(|h| h.free >= end).map_or(0, |h| {
            let read = before.unwrap_or(h.first_number.wrapping_sub(1));
            h.last_number.saturating_sub(read).min(MOST_RECORDS)
        });
        if promised > 0 {
            self.lose(
                ProblemKind::CutTail,
                promised,
                end,
                "the file ends inside a chunk",
            );
        } else {
            self.note(
                ProblemKind::CutTail,
                Weight::Note,
                end,
                "the file ends inside the free space of a chunk",
                "nothing is known to be missing of this chunk",
            );
        }
    }

    /// Checks the chunk's header; `None` if it cannot be believed.
    fn header(&mut self, bytes: &[u8]) -> Option<Header> {
        if bytes.len() < HEADER_SIZE {
            self.lose(
                ProblemKind::CutTail,
                1,
                0,
                "the file ends inside a chunk's header",
            );
            return None;
        }
        let u32_at = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        if !bytes.starts_with(CHUNK_MAGIC) {
            return None;
        }
        let free = u32_at(48) as usize;
        let mut sound = true;
        if u32_at(120) & NO_CHECKSUMS == 0 {
            let mut covered = [0_u8; 504];
            covered[..120].copy_from_slice(&bytes[..120]);
            covered[120..].copy_from_slice(&bytes[128..HEADER_SIZE]);
            if ::evtx::checksum_ieee(&covered) != u32_at(124) {
                sound = false;
                self.note(
                    ProblemKind::Checksum,
                    Weight::Note,
                    0,
                    "the checksum of a chunk's header does not match",
                    "its records were read one by one all the same",
                );
            } else if let Some(records) = bytes.get(HEADER_SIZE..free)
                && ::evtx::checksum_ieee(records) != u32_at(52)
            {
                self.note(
                    ProblemKind::Checksum,
                    Weight::Note,
                    0,
                    "the checksum of a chunk's records does not match",
                    "its records were read one by one all the same; values in them may be changed",
                );
            }
        }
        (HEADER_SIZE..=CHUNK_SIZE).contains(&free).then(|| Header {
            first_number: u64_at(8),
            last_number: u64_at(16),
            free: free.min(bytes.len()),
            sound,
        })
    }

    /// A chunk without its magic: nothing is lost if its first record stands where it should.
    fn not_a_chunk(&mut self, bytes: &[u8], first: Option<Span>) {
        if bytes.len() < HEADER_SIZE {
            return;
        }
        if first.is_none() && !self.chunk.counted {
            self.note(
                ProblemKind::Chunk,
                Weight::Note,
                0,
                "a piece of the file behind its last chunk is no chunk and holds no record",
                "nothing: the file header does not count it",
            );
            return;
        }
        let whole = first.is_some_and(|span| span.start == HEADER_SIZE);
        self.note(
            ProblemKind::Chunk,
            if whole { Weight::Note } else { Weight::Loss },
            0,
            if whole {
                "a chunk does not begin as one"
            } else {
                "a piece of the file is no chunk"
            },
            if whole {
                "its records were read one by one all the same"
            } else {
                "only records that lie whole in it could be read"
            },
        );
    }

    /// True if a record goes on where the header says the space is free: the header of a log that
    /// was in use may lag behind. A leftover of an earlier round has another number.
    fn goes_on(&self, at: usize, before: Option<u64>) -> bool {
        let Some(before) = before else { return false };
        record_at(&self.chunk.bytes, at).is_some_and(|span| {
            before.checked_add(1) == Some(span.number)
                && size_copy_matches(&self.chunk.bytes, span.start, span.end)
        })
    }

    fn record(&mut self, decoder: &mut Decoder<'c>, record: &mut Decoded<'c>, span: Span) {
        let select = self.select;
        let gate = |system: &System<'_>| event_id(system).is_some_and(|id| select.id(id));
        let (at, end) = (span.start + RECORD_HEADER, span.end - 4);
        if let Some(glance) = decoder.glance(at, end)
            && !select.id(glance.event_id)
        {
            self.count(&glance);
            return;
        }
        match decoder.record(at, end, &gate, record) {
            Ok(()) => self.take(record, span),
            Err(Damage::Excessive) => {
                self.lose(
                    ProblemKind::Record,
                    1,
                    span.start,
                    "an event record unfolds beyond all measure",
                );
            }
            Err(_) => self.unusual.push(span),
        }
    }

    /// Counts a record and returns who wrote it, as a place in `writers`.
    fn count(&mut self, record: &Glance<'_>) -> usize {
        let tally = &mut self.out.tally;
        let place = self
            .writers
            .of(&record.channel, &record.computer, self.texts, tally);
        let source = self.writers.at(place).source;
        tally.count(source, record.event_id, record.record_id, record.time);
        self.out.summary.records_read += 1;
        place
    }

    /// Counts a record, and hands it on if it is wanted.
    fn take<'d>(&mut self, decoded: &Decoded<'d>, span: Span) {
        let system = &decoded.system;
        let Some(event_id) = event_id(system) else {
            return self.lose(
                ProblemKind::Record,
                1,
                span.start,
                "the event id of a record cannot be read",
            );
        };
        let record_id = system.record_id.as_ref().and_then(Value::unsigned);
        let said = |field: &Option<Value<'d>>| field.clone().unwrap_or(Value::Null);
        let glance = Glance {
            event_id,
            record_id: record_id.unwrap_or(span.number),
            time: system.time.as_ref().and_then(Value::time),
            channel: said(&system.channel),
            computer: said(&system.computer),
        };
        let place = self.count(&glance);
        if !decoded.wanted {
            return;
        }
        // Nobody asks for the provider of a record that nobody wants.
        let provider = self.provider.share(&said(&system.provider), self.texts);
        let writer = self.writers.at(place);
        if !self.select.source(event_id, &provider, &writer.channel) {
            return;
        }
        let record = Record {
            place: Place {
                offset: self.chunk.offset + span.start as u64,
                record_id: glance.record_id,
                text: None,
            },
            event_id,
            channel: Cow::Borrowed(&writer.channel),
            provider: Cow::Borrowed(&provider),
            computer: Cow::Borrowed(&writer.computer),
            time: glance.time,
            fields: Cow::Borrowed(&decoded.fields),
        };
        (self.each)(&record, self.texts);
    }

    /// Gives the records no plan could read to the general reader, all in one pass.
    fn general_reader(&mut self) {
        let unusual = std::mem::take(&mut self.unusual);
        if unusual.is_empty() {
            return;
        }
        let starts: Vec<usize> = unusual.iter().map(|span| span.start).collect();
        let read = fallback::render(&self.chunk.bytes, &starts);
        for span in unusual {
            let rendered = read.get(&span.start).and_then(fallback::Rendered::new);
            let Some(rendered) = rendered else {
                self.lose(
                    ProblemKind::Record,
                    1,
                    span.start,
                    "the content of an event record cannot be read",
                );
                continue;
            };
            self.out.summary.fallbacks += 1;
            let system = rendered.system();
            let wanted = event_id(&system).is_some_and(|id| self.select.id(id));
            let fields = match wanted {
                true => rendered.fields(),
                false => Vec::new(),
            };
            let decoded = Decoded {
                system,
                fields,
                wanted,
            };
            self.take(&decoded, span);
        }
    }

    fn lose(&mut self, kind: ProblemKind, records: u64, at: usize, message: &str) {
        self.out.summary.records_skipped += records;
        self.out.problems.add(Problem {
            evidence: Some(self.evidence),
            kind,
            weight: Weight::Loss,
            count: records,
            first_offset: Some(self.chunk.offset + at as u64),
            message: message.to_owned(),
            effect: "these records are missing from the timeline".to_owned(),
        });
    }

    fn note(&mut self, kind: ProblemKind, weight: Weight, at: usize, message: &str, effect: &str) {
        self.out.problems.add(Problem {
            evidence: Some(self.evidence),
            kind,
            weight,
            count: 1,
            first_offset: Some(self.chunk.offset + at as u64),
            message: message.to_owned(),
            effect: effect.to_owned(),
        });
    }
}

/// The event id without qualifiers (the upper half, where a writer left them in).
fn event_id(system: &System<'_>) -> Option<u32> {
    let id = system.event_id.as_ref()?.unsigned()?;
    u32::try_from(id).ok().map(|id| id & 0xffff)
}
