//! Contacts for the tests of this folder.

use super::recent::Probe;
use crate::analytics::kit::contact::{Fate, Form};
use crate::model::provenance::Item;
use crate::model::{
    Endpoint, Event, EvidenceId, HostEvent, HostWhat, Provenance, Timestamp, Transport, What,
};
use std::net::Ipv4Addr;

/// A TCP contact of 10.0.0.`last`, `second` seconds into the story.
pub(super) fn probe(second: i64, last: u8, port: u16, fate: Fate) -> Probe {
    let time = Timestamp(second * 1_000_000_000);
    Probe {
        event: Event {
            time,
            recorded: time,
            provenance: Provenance {
                evidence: EvidenceId(1),
                interface: 0,
                kind: Item::Packet,
                item: second as u64,
                offset: 0,
                inside: false,
            },
            what: What::host(HostEvent {
                computer: "WS01".into(),
                channel: "System".into(),
                provider: "".into(),
                event_id: 12,
                socket: None,
                timed: crate::model::Timed::Utc,
                written: time,
                what: HostWhat::SystemStarted,
            }),
        },
        time,
        decided: time,
        form: Form::Connection,
        transport: Transport::TCP,
        remote: Endpoint::new(Ipv4Addr::new(10, 0, 0, last).into(), port),
        fate,
        internal: true,
        on_wire: true,
        strength: None,
        known: None,
    }
}
