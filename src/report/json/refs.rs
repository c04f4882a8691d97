//! Where a statement comes from, in JSON: a packet, a record or a line of a text.

use super::from_case::evidence_number;
use super::shape::{EvidenceNumber, Word};
use crate::model::provenance::Item;
use crate::model::{Event, Labels, Provenance, What};
use crate::report::about::places;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A packet or a record.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Ref {
    /// A packet.
    Packet(PacketRef),
    /// A record of an event log.
    Record(RecordRef),
    /// A record in a text.
    Line(LineRef),
}

/// A packet.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PacketRef {
    /// The file.
    pub evidence: EvidenceNumber,
    /// Always `packet`.
    #[schemars(extend("const" = "packet"))]
    pub kind: Word,
    /// Its number from 1, as tshark's `frame.number` counts.
    #[schemars(range(min = 1))]
    pub packet: u64,
    /// The capture interface within its section.
    pub interface: u16,
    /// Byte offset of its header in the decompressed file.
    pub offset: u64,
}

/// A record of an event log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RecordRef {
    /// The file.
    pub evidence: EvidenceNumber,
    /// Always `record`.
    #[schemars(extend("const" = "record"))]
    pub kind: Word,
    /// EventRecordID. Not unique in merged or carved files: the offset is.
    pub record_id: u64,
    /// Byte offset of its header in the decompressed file.
    pub offset: u64,
    /// Channel, for the record a step is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Event id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<u32>,
    /// Provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Computer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computer: Option<String>,
}

/// A record in a text: an export or a text log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct LineRef {
    /// The file.
    pub evidence: EvidenceNumber,
    /// Always `line`.
    #[schemars(extend("const" = "line"))]
    pub kind: Word,
    /// Line it begins on, from 1.
    pub line: u64,
    /// Byte offset of the line in the unpacked text, as UTF-8 without a byte order mark.
    pub offset: u64,
    /// Channel, for the record a step is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Event id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<u32>,
    /// Provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Computer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computer: Option<String>,
}

impl Ref {
    /// `E1:p18822`, `E3:r884`, `E5:line12`, `E7!Security.evtx:r884`.
    pub fn text(&self) -> String {
        match self {
            Self::Packet(packet) => format!("{}:p{}", packet.evidence.0, packet.packet),
            Self::Record(record) => format!("{}:r{}", record.evidence.0, record.record_id),
            Self::Line(line) => format!("{}:line{}", line.evidence.0, line.line),
        }
    }

    /// The file, `E1` or `E7!Security.evtx`.
    pub fn evidence(&self) -> &str {
        match self {
            Self::Packet(packet) => &packet.evidence.0,
            Self::Record(record) => &record.evidence.0,
            Self::Line(line) => &line.evidence.0,
        }
    }

    /// Bytes from the start of the unpacked file.
    pub fn offset(&self) -> u64 {
        match self {
            Self::Packet(packet) => packet.offset,
            Self::Record(record) => record.offset,
            Self::Line(line) => line.offset,
        }
    }

    /// The computer that logged it: empty where the record names none; `None` where no host did.
    pub fn computer(&self) -> Option<&str> {
        match self {
            Self::Packet(_) => None,
            Self::Record(record) => Some(record.computer.as_deref().unwrap_or_default()),
            // A line of a connection log is what a sensor saw.
            Self::Line(line) => line.computer.as_deref(),
        }
    }

    /// The channel and event id of the record a step is made from.
    pub fn event(&self) -> (Option<&str>, Option<u32>) {
        match self {
            Self::Packet(_) => (None, None),
            Self::Record(record) => (record.channel.as_deref(), record.event_id),
            Self::Line(line) => (line.channel.as_deref(), line.event_id),
        }
    }
}

pub(super) fn reference(labels: &Labels, place: &Provenance, event: Option<&Event>) -> Ref {
    let evidence = evidence_number(labels, place.evidence);
    let host = event.and_then(|e| match &e.what {
        What::Host(host) => Some(host),
        What::Attempt(_)
        | What::Wake(_)
        | What::Neighbour(_)
        | What::Solicitation(_)
        | What::Resolution(_) => None,
    });
    let channel = host.map(|h| h.channel.to_string());
    let event_id = host.map(|h| h.event_id);
    let provider = host.map(|h| h.provider.to_string());
    let computer = host.map(|h| h.computer.to_string());
    match place.kind {
        Item::Packet => Ref::Packet(PacketRef {
            evidence,
            kind: "packet".into(),
            packet: place.item,
            interface: place.interface,
            offset: place.offset,
        }),
        Item::Record => Ref::Record(RecordRef {
            evidence,
            kind: "record".into(),
            record_id: place.item,
            offset: place.offset,
            channel,
            event_id,
            provider,
            computer,
        }),
        Item::Line => Ref::Line(LineRef {
            evidence,
            kind: "line".into(),
            line: place.item,
            offset: place.offset,
            channel,
            event_id,
            provider,
            computer,
        }),
    }
}

pub(super) fn references(labels: &Labels, event: &Event, also: &[Provenance]) -> Vec<Ref> {
    places(event, also)
        .iter()
        .map(|place| reference(labels, place, (*place == event.provenance).then_some(event)))
        .collect()
}
