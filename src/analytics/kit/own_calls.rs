//! The connections that a host itself made, to know their answers by: what its firewall drops is logged without
//! flags, and a late answer goes between the same endpoints, the other way round.

use super::contact::outgoing;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::{Endpoint, Event, Transport, What};
use std::collections::{BTreeSet, VecDeque};

/// Connections remembered per host, the latest.
const HELD: usize = 2_048;

/// Own port and the other side.
type Call = (u16, Endpoint);

/// The latest connections of one host.
#[derive(Clone, Debug, Default)]
pub struct OwnCalls {
    order: VecDeque<Call>,
    held: BTreeSet<Call>,
}

/// The host that made the connection over TCP which an event shows, where its logs tell of drops: without
/// those there are no answers to know again.
pub fn caller(event: &Event, context: &Context) -> Option<Place> {
    let (place, _) = call_of(event, context)?;
    let Place::Host(id) = place else { return None };
    let drops = |log| context.coverage.any(id, log, &[5152]);
    (drops(Log::Security) || drops(Log::FirewallText)).then_some(place)
}

fn call_of(event: &Event, context: &Context) -> Option<(Place, Call)> {
    match &event.what {
        What::Attempt(attempt) if attempt.transport == Transport::TCP => {
            let place = context
                .identity
                .place(attempt.initiator.address, event.time);
            Some((place, (attempt.initiator.port, attempt.responder)))
        }
        What::Host(host) => {
            let (_, transport, local, remote) = outgoing(&host.what)?;
            let place = context.identity.place_of(host)?;
            (transport == Transport::TCP).then_some((place, (local.port, remote)))
        }
        _ => None,
    }
}

impl OwnCalls {
    /// How much is remembered, in changes: a call takes an eighth of one.
    pub fn held(&self) -> usize {
        self.held.len() / 8
    }

    /// Takes in an event of this host.
    pub fn hear(&mut self, event: &Event, context: &Context) {
        let Some((_, call)) = call_of(event, context) else {
            return;
        };
        if !self.held.insert(call) {
            return;
        }
        self.order.push_back(call);
        if self.order.len() > HELD
            && let Some(oldest) = self.order.pop_front()
        {
            self.held.remove(&oldest);
        }
    }

    /// True if the host had called `remote` from its own `port`: what comes back is an answer.
    pub fn answers(&self, port: u16, remote: Endpoint) -> bool {
        self.held.contains(&(port, remote))
    }
}
