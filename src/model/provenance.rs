//! Where a statement comes from: which file, and which packet or record in it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The number of an evidence file, from 1 in sorted path order; printed `E1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EvidenceId(pub u32);

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{}", self.0)
    }
}

/// What `Provenance::item` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Item {
    /// A packet number, from 1, as `frame.number` counts.
    Packet,
    /// An EventRecordID.
    Record,
}

/// One packet or one event record. The order is file, then position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Provenance {
    /// Which file.
    pub evidence: EvidenceId,
    /// Capture interface within the file's section; 0 for records.
    pub interface: u16,
    /// Packet or record.
    pub kind: Item,
    /// Packet number or EventRecordID.
    pub item: u64,
    /// Byte offset of the record header in the (decompressed) file.
    pub offset: u64,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.kind {
            Item::Packet => 'p',
            Item::Record => 'r',
        };
        write!(f, "{}:{letter}{}", self.evidence, self.item)
    }
}
