//! Connections to a host that went on as after an answer, while the captures hold none: somebody came
//! in, it seems, and no packet shows it. They prove nothing by themselves, and "nobody came" must not
//! be said beside them.

use crate::context::{Context, Place};
use crate::model::{Attempt, Event, Outcome, Timestamp, What};
use std::collections::VecDeque;
use std::net::IpAddr;

/// Held per host, the latest.
const HELD: usize = 64;

/// Such connections of one host, in order of time.
#[derive(Clone, Debug, Default)]
pub struct Unheard(VecDeque<Event>);

fn attempt_of(event: &Event) -> Option<&Attempt> {
    match &event.what {
        What::Attempt(attempt)
            if matches!(attempt.outcome, Outcome::Unanswered | Outcome::Aborted)
                && attempt.went_on() =>
        {
            Some(attempt)
        }
        _ => None,
    }
}

/// The host that such a connection goes to.
pub fn unheard_place(event: &Event, context: &Context) -> Option<Place> {
    let attempt = attempt_of(event)?;
    Some(
        context
            .identity
            .place(attempt.responder.address, event.time),
    )
}

impl Unheard {
    /// Takes in an event of this host; an older one that makes room is counted in `dropped`.
    pub fn hear(&mut self, event: &Event, dropped: &mut u64) {
        if attempt_of(event).is_none() {
            return;
        }
        if self.0.len() >= HELD {
            self.0.pop_front();
            *dropped += 1;
        }
        self.0.push_back(event.clone());
    }

    /// Forgets what is older than `before`.
    pub fn forget(&mut self, before: Timestamp) {
        while self.0.front().is_some_and(|e| e.time < before) {
            self.0.pop_front();
        }
    }

    /// How many are held.
    pub fn held(&self) -> usize {
        self.0.len()
    }

    /// The first that `source` made from `from` to `to`; to `port`, where one is given.
    pub fn by(
        &self,
        source: IpAddr,
        port: Option<u16>,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<&Event> {
        self.0.iter().find(|event| {
            (from..=to).contains(&event.time)
                && attempt_of(event).is_some_and(|attempt| {
                    attempt.initiator.address == source
                        && port.is_none_or(|port| attempt.responder.port == port)
                })
        })
    }
}

/// What is told of one: `its connection to port 3389/tcp went on …`.
pub fn sentence(event: &Event, context: &Context) -> String {
    let port = attempt_of(event).map_or(0, |attempt| attempt.responder.port);
    format!(
        "its connection to port {port}/tcp went on as after an answer, and no answer was captured ({})",
        context.labels.place(&event.provenance)
    )
}
