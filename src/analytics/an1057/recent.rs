//! The first contacts of one key within the longest window, each target once.
//!
//! A target counts at its first contact in the window; a further contact can only make its fate
//! better known. The bound is above every threshold, so what falls out at it cannot hide a scan.

use crate::analytics::kit::contact::{Contact, Fate, Form};
use crate::model::{Endpoint, Event, Span, Strength, Timestamp, Transport};
use std::collections::{BTreeMap, VecDeque};

/// Targets held; no setting that counts them can be larger.
const HELD: usize = 512;

/// What was reached for.
pub(super) type Target = (Form, Transport, Endpoint);

/// One contact, with what the detectors ask of it.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub event: Event,
    pub time: Timestamp,
    pub decided: Timestamp,
    pub form: Form,
    pub transport: Transport,
    pub remote: Endpoint,
    pub fate: Fate,
    pub internal: bool,
    pub on_wire: bool,
    pub strength: Option<Strength>,
}

impl Probe {
    pub fn of(contact: &Contact<'_>, internal: bool) -> Self {
        Self {
            event: contact.event.clone(),
            time: contact.event.time,
            decided: contact.decided,
            form: contact.form,
            transport: contact.transport,
            remote: contact.remote,
            fate: contact.fate,
            internal,
            on_wire: contact.on_wire(),
            strength: contact.actor.map(|a| a.strength),
        }
    }

    pub fn target(&self) -> Target {
        (self.form, self.transport, self.remote)
    }

    /// Failed, and the failure means something: datagrams into the world fail all the time.
    pub fn failed(&self) -> bool {
        self.fate.failed() == Some(true) && (self.internal || self.transport != Transport::UDP)
    }
}

/// First contacts in the order they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    held: VecDeque<Probe>,
    /// The number of the first of `held`, and each target's number.
    first: u64,
    numbers: BTreeMap<Target, u64>,
}

impl Recent {
    /// Takes in a contact; true if its target is new or its fate is better known now.
    pub fn hear(&mut self, probe: &Probe, longest: Span) -> bool {
        while let Some(oldest) = self.held.front()
            && (probe.time.since(oldest.time) > longest || self.held.len() >= HELD)
        {
            self.numbers.remove(&oldest.target());
            self.held.pop_front();
            self.first += 1;
        }
        if let Some(number) = self.numbers.get(&probe.target()) {
            let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
            let Some(held) = self.held.get_mut(place) else {
                return false;
            };
            let better = match (held.fate, probe.fate) {
                (Fate::Answered, _) | (_, Fate::Untold) => false,
                (Fate::Untold, _) | (_, Fate::Answered) => true,
                _ => false,
            };
            if better {
                held.fate = probe.fate;
            }
            return better;
        }
        let number = self.first + self.held.len() as u64;
        self.numbers.insert(probe.target(), number);
        self.held.push_back(probe.clone());
        true
    }

    /// The first contacts at most `span` before `now`, the earliest first.
    pub fn within(&self, now: Timestamp, span: Span) -> impl Iterator<Item = &Probe> {
        let begin = self.held.partition_point(|p| now.since(p.time) > span);
        self.held.range(begin..)
    }
}
