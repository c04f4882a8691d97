//! Events that tests are made of.

use super::provenance::Item;
use super::{Event, EvidenceId, HostEvent, HostWhat, Provenance, Timed, Timestamp, What};

/// A packet, record or line of the first file.
pub fn provenance(kind: Item, item: u64) -> Provenance {
    Provenance {
        evidence: EvidenceId(1),
        interface: 0,
        kind,
        item,
        offset: 0,
        inside: false,
    }
}

/// A record of `computer` about `what`, so many seconds after 1970; its EventRecordID is that number.
pub fn record(second: i64, computer: &str, what: HostWhat) -> Event {
    let time = Timestamp(second * 1_000_000_000);
    Event {
        time,
        recorded: time,
        provenance: provenance(Item::Record, second as u64),
        what: What::host(HostEvent {
            computer: computer.into(),
            channel: "System".into(),
            provider: "".into(),
            event_id: 12,
            socket: None,
            timed: Timed::Utc,
            written: time,
            what,
        }),
    }
}
