//! The connections that a host itself made, and those of which only a late part was captured, to know their
//! segments by: what its firewall drops is logged without flags, and what is sent late goes between the same
//! endpoints.

use super::contact::outgoing;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::attempt::Marks;
use crate::model::{Endpoint, Event, Outcome, Transport, What};
use std::collections::{BTreeSet, VecDeque};

/// Connections remembered per host, the latest.
const HELD: usize = 2_048;

/// Own port and the other side.
pub(super) type Call = (u16, Endpoint);

/// The latest connections of one host.
#[derive(Clone, Debug, Default)]
pub struct OwnCalls {
    order: VecDeque<Call>,
    held: BTreeSet<Call>,
}

/// The hosts of a connection over TCP, made by them or left of one, which an event shows, where their logs tell
/// of drops: without those there are no segments to know again.
pub fn callers(event: &Event, context: &Context, each: &mut dyn FnMut(Place)) {
    calls_of(event, context, &mut |place, _| {
        let Place::Host(id) = place else { return };
        let drops = |log| context.coverage.any(id, log, &[5152]);
        if drops(Log::Security) || drops(Log::FirewallText) {
            each(place);
        }
    });
}

/// What is left of a connection to a host: the host, its port and the other side.
pub(super) fn left_over(event: &Event, context: &Context) -> Option<(Place, Call)> {
    let What::Attempt(attempt) = &event.what else {
        return None;
    };
    let left = attempt.transport == Transport::TCP
        && attempt.outcome == Outcome::Midstream
        && attempt.marks.has(Marks::ACKNOWLEDGES);
    let host = attempt.responder;
    let place = || context.identity.place(host.address, event.time);
    left.then(|| (place(), (host.port, attempt.initiator)))
}

fn calls_of(event: &Event, context: &Context, each: &mut dyn FnMut(Place, Call)) {
    match &event.what {
        What::Attempt(attempt) if attempt.transport == Transport::TCP => {
            let place = context
                .identity
                .place(attempt.initiator.address, event.time);
            each(place, (attempt.initiator.port, attempt.responder));
            if let Some((place, call)) = left_over(event, context) {
                each(place, call);
            }
        }
        What::Host(host) => {
            if let Some((_, Transport::TCP, local, remote)) = outgoing(&host.what)
                && let Some(place) = context.identity.place_of(host)
            {
                each(place, (local.port, remote));
            }
        }
        _ => {}
    }
}

impl OwnCalls {
    /// How much is remembered, in changes: a call takes an eighth of one.
    pub fn held(&self) -> usize {
        self.held.len() / 8
    }

    /// Takes in an event of the host `own`.
    pub fn hear(&mut self, own: Place, event: &Event, context: &Context) {
        calls_of(event, context, &mut |place, call| {
            if place != own || !self.held.insert(call) {
                return;
            }
            self.order.push_back(call);
            if self.order.len() > HELD
                && let Some(oldest) = self.order.pop_front()
            {
                self.held.remove(&oldest);
            }
        });
    }

    /// True if a connection goes from the host's own `port` to `remote`: what comes is a part of it.
    pub fn answers(&self, port: u16, remote: Endpoint) -> bool {
        self.held.contains(&(port, remote))
    }
}
