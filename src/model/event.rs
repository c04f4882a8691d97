//! One entry of the merged stream.

use super::attempt::Marks;
use super::neighbour::{Neighbour, Solicitation};
use super::resolution::Resolution;
use super::wake::WakeSignal;
use super::{Attempt, HostEvent, Provenance, Shared, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that happened, at a time, with where it is written.
///
/// The total order of the stream is `(time, provenance)`; equal keys keep the order of reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, on the reference clock. Equal to `recorded` until an offset is applied.
    pub time: Timestamp,
    /// When, as the evidence says.
    pub recorded: Timestamp,
    /// Where it is written: for an attempt, its first packet.
    pub provenance: Provenance,
    /// What happened.
    pub what: What,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A connection attempt, at the time of its first packet, with its outcome.
    Attempt(Shared<Attempt>),
    /// A Wake-on-LAN signal.
    Wake(Box<WakeSignal>),
    /// A host announced its addresses on its segment.
    Neighbour(Box<Neighbour>),
    /// A host asked its segment for another, at the time of the first request, with what became of
    /// it.
    Solicitation(Box<Solicitation>),
    /// A name server answered.
    Resolution(Box<Resolution>),
    /// Something a host logged.
    Host(Shared<HostEvent>),
}

impl What {
    /// An attempt.
    pub fn attempt(attempt: Attempt) -> Self {
        Self::Attempt(Shared::new(attempt))
    }

    /// Something a host logged.
    pub fn host(host: HostEvent) -> Self {
        Self::Host(Shared::new(host))
    }
}

impl Event {
    /// The key of the total order.
    pub fn order(&self) -> (Timestamp, Provenance) {
        (self.time, self.provenance)
    }

    /// The event as of the SYN that was answered, where earlier ones of the same attempt were not: the
    /// door may have opened in between. `None` for anything else.
    pub fn at_the_answered_try(&self) -> Option<Self> {
        let What::Attempt(attempt) = &self.what else {
            return None;
        };
        let waited = attempt.last_try.since(self.time);
        (attempt.was_let_in() && waited > Span::ZERO).then(|| Self {
            time: attempt.last_try,
            recorded: self.recorded.shifted(waited),
            ..self.clone()
        })
    }

    /// True if packets of it were inside others: of a mirror, an overlay, a tunnel.
    pub fn was_inside(&self) -> bool {
        let marked = match &self.what {
            What::Attempt(attempt) => attempt.marks.has(Marks::TUNNELLED),
            _ => false,
        };
        marked || self.provenance.inside
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_event_stays_small() {
        assert!(
            std::mem::size_of::<super::Event>() <= 64,
            "{}",
            std::mem::size_of::<super::Event>()
        );
    }
}
