//! Which process made a connection attempt, and how records of one connection stand to each other.
//!
//! Filled in by `replay::attribute`, after the stream is in order; readers leave it empty, and it
//! is never written to disk.

use super::host_event::Process;
use super::{Provenance, Text, Timestamp};

/// How firmly a process is tied to an attempt, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// A socket record of the initiator has the same transport, addresses and ports, at the same
    /// time within the clocks' uncertainty.
    Exact,
    /// The packet's own comment names the process id (`PID=`, etl2pcapng).
    Comment,
    /// A socket record has the same target, port and time, but the initiator's address is not on
    /// the wire: address translation lies between.
    Weak,
}

impl Strength {
    /// `exact`, `comment` or `weak`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Comment => "comment",
            Self::Weak => "weak",
        }
    }
}

/// The process behind an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The computer it ran on, as its records say; empty where only a packet comment tells of it.
    pub computer: Text,
    /// Process id, ProcessGuid and image. The image is the drive path of its start record where
    /// one is known, else as the socket record writes it; empty where only a comment tells of it.
    pub process: Process,
    /// When it started; `None` if no record says. With the computer and the id this names one
    /// process and not a later one with its id.
    pub started: Option<Timestamp>,
    /// The service that an `svchost.exe` ran for.
    pub service: Option<Text>,
    /// How firmly it is tied.
    pub strength: Strength,
    /// The records that tie it, the first few; empty for a comment, which the attempt's own packet
    /// carries.
    pub told_by: Vec<Provenance>,
}

/// How a record of an outgoing connection stands to the other evidence of the same connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// No packet and no earlier record tells of this connection: this record stands for it.
    First {
        /// The process.
        actor: Actor,
        /// The Sysmon 3 that says the connection was made: this record, or one that came with it.
        made: Option<Provenance>,
        /// The question to the segment that nobody answered when this connection was to be made,
        /// and when that was known: its target was not there.
        unresolved: Option<(Provenance, Timestamp)>,
    },
    /// An attempt in the packets, with this first packet, is this connection and carries the
    /// process.
    OnTheWire(Provenance),
    /// Another log told of the same connection at the same time; that record stands for it.
    Beside(Provenance),
    /// The same endpoints were logged before, by this record or packet, and nothing shows a new
    /// connection: Windows logs live connections again.
    Again(Provenance),
}

impl Socket {
    /// True if the record stands for a connection that nothing else stands for.
    pub fn counts(&self) -> bool {
        matches!(self, Self::First { .. })
    }
}
