//! Records as they lie in a log: their bytes, and the XML that the `evtx` crate reads from them.
//!
//! For showing and handing over single records. The analytics never see this form.

use super::evtx::EvtxReader;
use super::fallback;
use super::walk::{HEADER_SIZE, next_record, record_at};
use crate::model::EvidenceId;
use std::collections::BTreeSet;
use std::io::Read;

/// Which records are wanted: by number, by offset, or by either.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Record numbers, as their headers give them.
    pub numbers: BTreeSet<u64>,
    /// Offsets of their headers in the decompressed file.
    pub offsets: BTreeSet<u64>,
}

/// One record as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Byte offset of its header in the decompressed file.
    pub offset: u64,
    /// Record number of its header.
    pub number: u64,
    /// Header, binary XML and the size behind it.
    pub bytes: Vec<u8>,
    /// The record as XML; `None` if it cannot be read as such.
    pub xml: Option<String>,
}

/// Finds records in the log that `input` yields from its first byte on, in the order of the file,
/// at most `most` of them.
pub fn raw_records(input: impl Read, wanted: &Wanted, most: usize) -> (Vec<RawRecord>, bool) {
    let mut reader = EvtxReader::new(EvidenceId(0), input);
    let mut found = Vec::new();
    let mut all = true;
    while let Some(chunk) = reader.next_chunk() {
        let bytes = chunk.bytes.as_slice();
        let mut spans = Vec::new();
        let mut at = HEADER_SIZE.min(bytes.len());
        while let Some(span) =
            record_at(bytes, at).or_else(|| next_record(bytes, at + 1, bytes.len(), None))
        {
            let offset = chunk.offset + span.start as u64;
            if wanted.numbers.contains(&span.number) || wanted.offsets.contains(&offset) {
                if found.len() + spans.len() < most {
                    spans.push(span);
                } else {
                    all = false;
                }
            }
            at = span.end;
        }
        if !spans.is_empty() {
            let starts: Vec<usize> = spans.iter().map(|span| span.start).collect();
            let mut xml = fallback::render_xml(bytes, &starts);
            found.extend(spans.into_iter().map(|span| RawRecord {
                offset: chunk.offset + span.start as u64,
                number: span.number,
                bytes: bytes.get(span.start..span.end).unwrap_or(&[]).to_vec(),
                xml: xml.remove(&span.start),
            }));
        }
        reader.recycle(chunk);
    }
    (found, all)
}
