//! Damage and limits as data: what could not be read, where, and what that costs.
//!
//! Reading never stops at damage and never skips in silence: units read + skipped = units present.

use crate::model::EvidenceId;
use std::collections::BTreeMap;

/// How much a problem weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Worth knowing; nothing was lost that a reader would expect to have.
    Note,
    /// Some evidence could not be read: exit code 3.
    Loss,
}

/// What kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The file could not be opened or read (I/O).
    Unreadable,
    /// Not a form casewire reads.
    NotRecognised,
    /// The file has no content.
    Empty,
    /// A compressed stream is damaged or cut.
    Compression,
    /// The file header is damaged; its content was read all the same.
    FileHeader,
    /// The last packet or record is cut off by the end of the file.
    CutTail,
    /// Bytes inside a capture that belong to no packet; reading went on behind them.
    GarbledRegion,
    /// A capture length field that cannot be true was not believed.
    ImplausibleLength,
    /// Packets of a link type that is not supported.
    LinkType,
    /// Packets whose headers could not be read.
    PacketHeader,
    /// Packets without a time of their own.
    NoTime,
    /// Packets out of time order by more than the reorder window.
    Disorder,
    /// Packets cut by the snap length before the ports.
    SnapLength,
    /// Packets the capturing system says it dropped.
    DroppedByCapture,
    /// Packets that were read from inside others.
    Tunnel,
    /// A damaged chunk of an event log.
    Chunk,
    /// A checksum of a chunk does not match.
    Checksum,
    /// A damaged event record.
    Record,
    /// A record whose time cannot be read.
    RecordTime,
    /// A wanted record that lacks a field its event id promises.
    RecordField,
    /// Lines or parts of a text that are no record of its form.
    Text,
    /// Times of a text are local, and their zone is not said.
    LocalTime,
    /// What a text form leaves out, and what cannot be concluded without it.
    Form,
    /// Records that another file holds too; they were counted once.
    Duplicate,
    /// Two files hold different records where they should hold the same one.
    Contradiction,
    /// The event log is marked dirty: it was not closed in order. Its header may be stale.
    DirtyLog,
    /// A table reached its limit and forgot something.
    Limit,
    /// The file changed while it was read.
    Changed,
}

impl ProblemKind {
    /// `cut-tail`: the stable name in JSON.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NotRecognised => "not-recognised",
            Self::Empty => "empty",
            Self::Compression => "compression",
            Self::FileHeader => "file-header",
            Self::CutTail => "cut-tail",
            Self::GarbledRegion => "garbled-region",
            Self::ImplausibleLength => "implausible-length",
            Self::LinkType => "link-type",
            Self::PacketHeader => "packet-header",
            Self::NoTime => "no-time",
            Self::Disorder => "disorder",
            Self::SnapLength => "snap-length",
            Self::DroppedByCapture => "dropped-by-capture",
            Self::Tunnel => "tunnel",
            Self::Chunk => "chunk",
            Self::Checksum => "checksum",
            Self::Record => "record",
            Self::RecordTime => "record-time",
            Self::RecordField => "record-field",
            Self::Text => "text",
            Self::LocalTime => "local-time",
            Self::Form => "form",
            Self::Duplicate => "duplicate",
            Self::Contradiction => "contradiction",
            Self::DirtyLog => "dirty-log",
            Self::Limit => "limit",
            Self::Changed => "changed",
        }
    }
}

/// One kind of problem in one file, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In which file; `None` if it is about the run.
    pub evidence: Option<EvidenceId>,
    /// What kind.
    pub kind: ProblemKind,
    /// How much it weighs.
    pub weight: Weight,
    /// How often.
    pub count: u64,
    /// Byte offset of the first one, where there is one.
    pub first_offset: Option<u64>,
    /// What was found, lower case, without a full stop.
    pub message: String,
    /// What it costs the reader of the report.
    pub effect: String,
}

/// Collects problems, counting equal ones together. Deterministic: the first message is kept, the
/// order is by file, kind and message.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    seen: BTreeMap<(Option<EvidenceId>, ProblemKind, String), Problem>,
}

impl Problems {
    /// Adds one; a problem of the same file, kind and message is counted, not listed again.
    pub fn add(&mut self, problem: Problem) {
        let key = (problem.evidence, problem.kind, problem.message.clone());
        match self.seen.entry(key) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(problem);
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => {
                let held = slot.get_mut();
                held.count = held.count.saturating_add(problem.count);
                held.weight = held.weight.max(problem.weight);
                held.first_offset = match (held.first_offset, problem.first_offset) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for problem in other.seen.into_values() {
            self.add(problem);
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.seen.values()
    }

    /// True if some evidence could not be read.
    pub fn any_loss(&self) -> bool {
        self.iter().any(|p| p.weight == Weight::Loss)
    }
}
