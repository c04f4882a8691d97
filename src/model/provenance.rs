//! Where a statement comes from: which file, and which packet or record in it.

use serde::{Deserialize, Serialize};

/// The number of an evidence file or of a member of an archive, from 1 in sorted path order. It is
/// not printed: what a file is called stands in `Labels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EvidenceId(pub u32);

/// What `Provenance::item` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Item {
    /// A packet number, from 1, as `frame.number` counts.
    Packet,
    /// An EventRecordID.
    Record,
    /// A line of a text, from 1.
    Line,
}

impl Item {
    /// What stands before the number: `p`, `r`, `line`.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Packet => "p",
            Self::Record => "r",
            Self::Line => "line",
        }
    }
}

/// One packet, one event record or one line. The order is file, then position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Provenance {
    /// Which file.
    pub evidence: EvidenceId,
    /// Capture interface within the file's section; 0 for records.
    pub interface: u16,
    /// Packet, record or line.
    pub kind: Item,
    /// Packet number, EventRecordID or line number.
    pub item: u64,
    /// Byte offset of the record header in the (decompressed) file, or of the line in the text.
    pub offset: u64,
    /// The packet was inside another one: of a mirror, an overlay, a tunnel. Whoever can send to the end of
    /// a tunnel can make up what is inside.
    pub inside: bool,
}
