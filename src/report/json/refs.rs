//! Where a statement comes from, in JSON: a packet, a record or a line of a text.

use super::from_case::evidence_number;
use super::shape::EvidenceNumber;
use crate::model::provenance::Item;
use crate::model::{Event, Provenance, What};
use crate::report::about::places;
use schemars::JsonSchema;
use serde::Serialize;

/// A packet or a record.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PacketRef {
    /// The file.
    pub evidence: EvidenceNumber,
    /// Always `packet`.
    #[schemars(extend("const" = "packet"))]
    pub kind: &'static str,
    /// Its number from 1, as tshark's `frame.number` counts.
    #[schemars(range(min = 1))]
    pub packet: u64,
    /// The capture interface within its section.
    pub interface: u16,
    /// Byte offset of its header in the decompressed file.
    pub offset: u64,
}

/// A record of an event log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RecordRef {
    /// The file.
    pub evidence: EvidenceNumber,
    /// Always `record`.
    #[schemars(extend("const" = "record"))]
    pub kind: &'static str,
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct LineRef {
    /// The file.
    pub evidence: EvidenceNumber,
    /// Always `line`.
    #[schemars(extend("const" = "line"))]
    pub kind: &'static str,
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

pub(super) fn reference(place: &Provenance, event: Option<&Event>) -> Ref {
    let evidence = evidence_number(place.evidence);
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
            kind: "packet",
            packet: place.item,
            interface: place.interface,
            offset: place.offset,
        }),
        Item::Record => Ref::Record(RecordRef {
            evidence,
            kind: "record",
            record_id: place.item,
            offset: place.offset,
            channel,
            event_id,
            provider,
            computer,
        }),
        Item::Line => Ref::Line(LineRef {
            evidence,
            kind: "line",
            line: place.item,
            offset: place.offset,
            channel,
            event_id,
            provider,
            computer,
        }),
    }
}

pub(super) fn references(event: &Event, also: &[Provenance]) -> Vec<Ref> {
    places(event, also)
        .iter()
        .map(|place| reference(place, (*place == event.provenance).then_some(event)))
        .collect()
}
