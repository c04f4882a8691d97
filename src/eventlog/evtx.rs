//! Event log files: the file header, then chunks, one at a time.
//!
//! The header is checked and otherwise ignored: in a log that was in use its counts are stale. What
//! lies inside a chunk is for `chunk`.

use super::chunk::ChunkBytes;
use super::walk::{CHUNK_MAGIC, CHUNK_SIZE, HEADER_SIZE};
use crate::evidence::{Problem, ProblemKind, Problems, Weight};
use crate::model::EvidenceId;
use std::io::Read;

/// Bytes of the file header block.
const FILE_HEADER: usize = 4_096;
/// What an event log begins with.
const FILE_MAGIC: &[u8; 8] = b"ElfFile\0";
/// Set in the file's flags while the log is in use.
const DIRTY: u32 = 1;

/// Cuts an event log into chunks.
#[derive(Debug)]
pub struct EvtxReader<R> {
    evidence: EvidenceId,
    input: R,
    offset: u64,
    /// Bytes read ahead of a chunk that does not begin where it should.
    ahead: Vec<u8>,
    /// Space of chunks that are done with.
    spare: Vec<Vec<u8>>,
    zeros: Zeros,
    header_read: bool,
    ended: bool,
    chunks: u64,
    /// Pieces of a chunk's size so far, and how many of them the file header counts.
    place: u64,
    counted: Option<u16>,
    problems: Problems,
}

/// Chunks of zeros not yet known to be the unused end of the file.
#[derive(Debug, Default)]
struct Zeros {
    chunks: u64,
    first: u64,
}

impl<R: Read> EvtxReader<R> {
    /// Reads the log `evidence` from `input`, from its first byte on.
    pub fn new(evidence: EvidenceId, input: R) -> Self {
        Self {
            evidence,
            input,
            offset: 0,
            ahead: Vec::new(),
            spare: Vec::new(),
            zeros: Zeros::default(),
            header_read: false,
            ended: false,
            chunks: 0,
            place: 0,
            counted: None,
            problems: Problems::default(),
        }
    }

    /// The next chunk with content; `None` at the end of the file.
    pub fn next_chunk(&mut self) -> Option<ChunkBytes> {
        if !self.header_read {
            self.header_read = true;
            self.file_header();
        }
        while !self.ended {
            let offset = self.offset;
            let ahead = std::mem::take(&mut self.ahead);
            let mut bytes = self.fill(ahead, CHUNK_SIZE);
            if bytes.is_empty() {
                self.ended = true;
                break;
            }
            self.offset += bytes.len() as u64;
            self.place += 1;
            if bytes.len() < CHUNK_SIZE {
                self.ended = true;
            }
            if bytes.iter().all(|b| *b == 0) {
                if self.zeros.chunks == 0 {
                    self.zeros.first = offset;
                }
                self.zeros.chunks += 1;
                if bytes.len() < CHUNK_SIZE {
                    self.add(
                        ProblemKind::CutTail,
                        Weight::Note,
                        offset,
                        "the file ends inside an unused chunk",
                        "it is shorter than it was; the part that is left of the chunk is empty",
                    );
                }
                continue;
            }
            if self.zeros.chunks > 0 {
                let Zeros { chunks, first } = std::mem::take(&mut self.zeros);
                self.problems.add(Problem {
                    evidence: Some(self.evidence),
                    kind: ProblemKind::Chunk,
                    weight: Weight::Loss,
                    count: chunks,
                    first_offset: Some(first),
                    message: "a chunk between others holds nothing but zeros".to_owned(),
                    effect: "its records are missing; see the gaps in the record numbers"
                        .to_owned(),
                });
            }
            if !bytes.starts_with(CHUNK_MAGIC)
                && let Some(begin) = chunk_inside(&bytes)
            {
                // Bytes are missing or too many: go on where the next chunk really begins.
                self.ahead = bytes.split_off(begin);
                self.offset -= self.ahead.len() as u64;
                self.ended = false;
            }
            self.chunks += 1;
            let counted = self.counted.is_none_or(|n| self.place <= u64::from(n));
            return Some(ChunkBytes {
                offset,
                bytes,
                counted,
            });
        }
        None
    }

    /// What is to be said of the file as such, once all chunks are read.
    pub fn finish(mut self) -> Problems {
        if self.chunks == 0 && self.offset > FILE_HEADER as u64 && self.zeros.chunks == 0 {
            self.add(
                ProblemKind::NotRecognised,
                Weight::Loss,
                0,
                "the file holds no chunk of an event log",
                "nothing could be read from it",
            );
        }
        if let Some(missing) = self
            .counted
            .and_then(|n| u64::from(n).checked_sub(self.place))
            && missing > 0
        {
            self.problems.add(Problem {
                evidence: Some(self.evidence),
                kind: ProblemKind::CutTail,
                weight: Weight::Loss,
                count: missing,
                first_offset: Some(self.offset),
                message: "the file ends before its last chunk".to_owned(),
                effect: "the chunks its header counts behind this point are missing".to_owned(),
            });
        }
        self.problems
    }

    fn file_header(&mut self) {
        let header = self.fill(Vec::new(), FILE_HEADER);
        if header.starts_with(CHUNK_MAGIC) {
            self.add(
                ProblemKind::FileHeader,
                Weight::Note,
                0,
                "the file header is missing",
                "nothing: the chunks were read without it",
            );
            self.ahead = header;
            return;
        }
        self.offset = header.len() as u64;
        if header.is_empty() {
            self.ended = true;
            self.add(
                ProblemKind::Empty,
                Weight::Note,
                0,
                "the file is empty",
                "nothing to read",
            );
            return;
        }
        if header.len() < FILE_HEADER {
            self.ended = true;
            self.add(
                ProblemKind::CutTail,
                Weight::Loss,
                self.offset,
                "the file ends inside its header",
                "no record of it is left",
            );
            return;
        }
        let u32_at = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        if !header.starts_with(FILE_MAGIC) {
            self.add(
                ProblemKind::FileHeader,
                Weight::Note,
                0,
                "the file header does not begin as one",
                "nothing: the chunks were read without it",
            );
            return;
        }
        if ::evtx::checksum_ieee(&header[..120]) != u32_at(124) {
            self.add(
                ProblemKind::FileHeader,
                Weight::Note,
                0,
                "the checksum of the file header does not match",
                "nothing: the chunks were read without it",
            );
        } else {
            self.counted = Some(u16::from_le_bytes([header[42], header[43]]));
        }
        if u32_at(120) & DIRTY != 0 {
            self.add(
                ProblemKind::DirtyLog,
                Weight::Note,
                120,
                "the log is marked as in use: it was copied live or not closed in order",
                "the last records before the copy may not have been written yet",
            );
        }
    }

    /// Takes back the space of a chunk that is done with.
    pub fn recycle(&mut self, chunk: ChunkBytes) {
        self.spare.push(chunk.bytes);
    }

    /// `ahead` and what follows it, up to `length`, or to the end of the file.
    fn fill(&mut self, ahead: Vec<u8>, length: usize) -> Vec<u8> {
        let mut filled = ahead.len();
        // Space that was used before holds an older chunk, which is written over or cut off.
        let mut bytes = match self.spare.pop() {
            Some(spare) if ahead.is_empty() => spare,
            _ => ahead,
        };
        bytes.resize(length.max(filled), 0);
        while filled < bytes.len() {
            match self.input.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    let offset = self.offset + filled as u64;
                    let message = format!("the file cannot be read further: {error}");
                    self.add(
                        ProblemKind::Unreadable,
                        Weight::Loss,
                        offset,
                        &message,
                        "records behind this point are missing from the timeline",
                    );
                    break;
                }
            }
        }
        bytes.truncate(filled);
        bytes
    }

    fn add(&mut self, kind: ProblemKind, weight: Weight, at: u64, message: &str, effect: &str) {
        self.problems.add(Problem {
            evidence: Some(self.evidence),
            kind,
            weight,
            count: 1,
            first_offset: Some(at),
            message: message.to_owned(),
            effect: effect.to_owned(),
        });
    }
}

/// Where a chunk with a sound header begins inside `bytes`, not at their start.
fn chunk_inside(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, CHUNK_MAGIC)
        .filter(|at| *at > 0)
        .find(|at| {
            let Some(header) = bytes.get(*at..*at + HEADER_SIZE) else {
                // The header goes on behind these bytes: worth a look from there.
                return true;
            };
            let mut covered = header[..120].to_vec();
            covered.extend_from_slice(&header[128..]);
            header[124..128] == ::evtx::checksum_ieee(&covered).to_le_bytes()
        })
}
