//! ICMP errors that name no attempt by themselves: their question is seen a moment later, or the snap
//! length cut off the ports.

use crate::capture::packet::{EmbeddedHeader, Extra, Packet};
use crate::model::{Endpoint, Provenance, Span, Timestamp, Transport};
use std::collections::VecDeque;

/// Errors that wait for their question; beyond, the oldest are let go.
const MOST_ERRORS: usize = 256;
/// Questions remembered for errors without ports; an error comes within a few of them.
const MOST_TRIES: usize = 1_024;

/// Errors whose question was not seen yet.
#[derive(Default)]
pub(super) struct Unplaced {
    errors: VecDeque<(Packet, Provenance)>,
}

impl Unplaced {
    /// Keeps an error.
    pub(super) fn keep(&mut self, error: &Packet, at: Provenance) {
        if self.errors.len() >= MOST_ERRORS {
            self.errors.pop_front();
        }
        self.errors.push_back((error.clone(), at));
    }

    /// True if none waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Takes out the first error about `asked`, which came at most so long before as `within` says of its
    /// place, with the header it embeds made whole. Errors from before `since` are let go.
    pub(super) fn take(
        &mut self,
        asked: &Packet,
        since: Timestamp,
        within: impl Fn(Provenance) -> Span,
    ) -> Option<(Packet, EmbeddedHeader, Provenance)> {
        while self.errors.front().is_some_and(|(e, _)| e.time < since) {
            self.errors.pop_front();
        }
        let place = self.errors.iter().position(|(error, at)| {
            embedded(error).is_some_and(|header| is_about(header, asked))
                && asked.time.since(error.time) <= within(*at)
        })?;
        let (error, at) = self.errors.remove(place)?;
        let whole = with_ends(embedded(&error)?, (asked.source, asked.destination));
        Some((error, whole, at))
    }
}

fn embedded(error: &Packet) -> Option<&EmbeddedHeader> {
    match error.extra.as_deref() {
        Some(Extra::Refusal(embedded)) => Some(embedded),
        _ => None,
    }
}

fn with_ends(header: &EmbeddedHeader, ends: (Endpoint, Endpoint)) -> EmbeddedHeader {
    EmbeddedHeader {
        source: ends.0,
        destination: ends.1,
        ..*header
    }
}

/// True if the ports of `header`, or one of them, are cut off.
fn lacks_ports(header: &EmbeddedHeader) -> bool {
    matches!(header.transport, Transport::TCP | Transport::UDP)
        && (header.source.port == 0 || header.destination.port == 0)
}

/// True if what `header` has of addresses and ports is of these ends.
fn may_be_of(header: &EmbeddedHeader, (source, destination): (Endpoint, Endpoint)) -> bool {
    let port = |told: u16, real: u16| told == 0 || told == real;
    header.source.address == source.address
        && header.destination.address == destination.address
        && port(header.source.port, source.port)
        && port(header.destination.port, destination.port)
}

fn is_about(header: &EmbeddedHeader, asked: &Packet) -> bool {
    let ends = (asked.source, asked.destination);
    let known = if lacks_ports(header) {
        header.id != 0 && header.id == asked.ip_id
    } else {
        header.seq.is_none_or(|seq| seq == asked.seq)
    };
    known && header.transport == asked.transport && may_be_of(header, ends)
}

/// One packet that asked.
struct Try {
    ends: (Endpoint, Endpoint),
    transport: Transport,
    id: u16,
}

/// The latest packets that asked.
#[derive(Default)]
pub(super) struct Tries {
    latest: VecDeque<Try>,
}

impl Tries {
    /// Notes a packet that asks.
    #[inline]
    pub(super) fn note(&mut self, packet: &Packet) {
        if self.latest.len() >= MOST_TRIES {
            self.latest.pop_front();
        }
        self.latest.push_back(Try {
            ends: (packet.source, packet.destination),
            transport: packet.transport,
            id: packet.ip_id,
        });
    }

    /// `header` with its ports, where they were cut off and one packet alone can be meant: the one with its
    /// IPv4 identification, or, where there is none, the only one between its ends.
    pub(super) fn whole(&self, header: &EmbeddedHeader) -> EmbeddedHeader {
        if !lacks_ports(header) {
            return *header;
        }
        let mut fitting = self.latest.iter().rev().filter(|asked| {
            asked.transport == header.transport
                && may_be_of(header, asked.ends)
                && (header.id == 0 || header.id == asked.id)
        });
        let Some(latest) = fitting.next() else {
            return *header;
        };
        let alone = header.id != 0 || fitting.all(|asked| asked.ends == latest.ends);
        if alone {
            with_ends(header, latest.ends)
        } else {
            *header
        }
    }
}
