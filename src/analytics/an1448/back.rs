//! Connections from a touched host back to the source of the touches: what became of each, and
//! which process made it.
//!
//! That a host allowed a connection (Security 5156) is logged before its first packet leaves, and
//! says nothing of success. Packets and Sysmon 3 do.

use crate::analytics::kit::contact::{Contact, Fate, Form, contact_of, outgoing};
use crate::analytics::kit::touches::Touches;
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_name;
use crate::model::{
    Event, HostWhat, Outcome, Provenance, Socket, Span, Text, Timestamp, Transport, What,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// Outgoing connections held per host.
const OUTGOING: usize = 1024;
/// Addresses per host that touched it, and that it reached for later by its own will.
const MET: usize = 512;

/// Programs, each with a port, whose addresses are remembered.
const HABITS: usize = 256;
/// Addresses remembered of each.
const ADDRESSES: usize = 16;

/// What the evidence shows of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shows {
    /// It was made: a handshake, an answered datagram, a Sysmon 3.
    Made,
    /// It was tried; what became of it is not told.
    Tried,
    /// It was tried, and failed.
    Failed,
}

/// A process as a finding names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) image: Text,
    pub(super) pid: Option<u32>,
}

impl Program {
    /// `agent.exe (2004)`.
    pub(super) fn words(&self) -> String {
        let name = image_name(&self.image);
        match self.pid {
            Some(pid) => format!("{name} ({pid})"),
            None => name.to_owned(),
        }
    }
}

/// A connection from the host to somebody.
#[derive(Debug)]
pub(super) struct Reached {
    to: IpAddr,
    /// The port at the source, 0 where there is none.
    pub(super) port: u16,
    pub(super) event: Event,
    pub(super) transport: Transport,
    pub(super) shows: Shows,
    pub(super) program: Option<Program>,
    /// Records that tell its process.
    pub(super) told_by: Vec<Provenance>,
    /// For a Sysmon 3 of a connection that packets show too: their first. It counts where they do
    /// not tell what became of it.
    pub(super) of: Option<Provenance>,
    /// Packets it sent, where packets tell.
    pub(super) count: u32,
    silent: bool,
}

impl Reached {
    /// Whom it was to.
    pub(super) fn to(&self) -> IpAddr {
        self.to
    }

    /// What became of one that failed: `it was not answered`.
    pub(super) fn failure(&self) -> &'static str {
        match self.silent {
            true => "it was not answered",
            false => "that failed",
        }
    }

    /// Where it is told.
    pub(super) fn cited(&self) -> Vec<Provenance> {
        let mut cited = vec![self.event.provenance];
        if let What::Attempt(attempt) = &self.event.what {
            cited.extend(attempt.deciding);
        }
        cited.extend(&self.told_by);
        cited
    }
}

/// The outgoing connections of one host.
#[derive(Default)]
pub(super) struct Outgoing {
    held: VecDeque<Reached>,
    // Of those who touched the host: whom it reached for later by its own will, not within a window after a
    // touch, and when first. Whom it reached for before any touch, the baseline knows.
    met: BTreeMap<IpAddr, Timestamp>,
    // The first addresses that a program reached at a port, and when.
    habits: BTreeMap<(Text, Transport, u16), Vec<(IpAddr, Timestamp)>>,
}

/// The host that reaches out.
pub(super) fn place_of(event: &Event, context: &Context) -> Option<Place> {
    let place = match said_made(event) {
        Some(_) => match &event.what {
            What::Host(host) => context.identity.place_of(host)?,
            _ => return None,
        },
        None => reach_of(event, context)?.from,
    };
    matches!(place, Place::Host(_)).then_some(place)
}

fn reach_of<'e>(event: &'e Event, context: &Context) -> Option<Contact<'e>> {
    contact_of(event, context).filter(|contact| contact.form != Form::Resolution)
}

/// The first packet of a connection over TCP that this Sysmon 3 says was made.
fn said_made(event: &Event) -> Option<Provenance> {
    match &event.what {
        What::Host(host) => match (&host.what, host.socket.as_deref()) {
            (
                HostWhat::Connected {
                    initiated: true,
                    transport: Transport::TCP,
                    ..
                },
                Some(Socket::OnTheWire(first)),
            ) => Some(*first),
            _ => None,
        },
        _ => None,
    }
}

fn of_contact(contact: &Contact<'_>) -> Reached {
    // A port that answered the SYN and was left at that is no connection.
    let half = matches!(&contact.event.what,
        What::Attempt(attempt) if attempt.outcome == Outcome::HalfOpen);
    Reached {
        to: contact.remote.address,
        port: contact.remote.port,
        event: contact.event.clone(),
        transport: contact.transport,
        shows: match contact.fate {
            Fate::Answered if half => Shows::Tried,
            Fate::Answered => Shows::Made,
            Fate::Untold => Shows::Tried,
            _ => Shows::Failed,
        },
        program: contact.actor.map(|actor| Program {
            image: actor.process.image.clone(),
            pid: actor.process.pid,
        }),
        told_by: contact.actor.map(|a| a.told_by.clone()).unwrap_or_default(),
        of: None,
        count: match &contact.event.what {
            What::Attempt(attempt) => attempt.packets[0],
            _ => 1,
        },
        silent: matches!(&contact.event.what,
            What::Attempt(attempt) if attempt.outcome == Outcome::Unanswered),
    }
}

fn of_record(event: &Event, first: Provenance) -> Option<Reached> {
    let What::Host(host) = &event.what else {
        return None;
    };
    let (_, transport, _, remote) = outgoing(&host.what)?;
    let program = match &host.what {
        HostWhat::Connected { process, .. } => Some(Program {
            image: process.image.clone(),
            pid: process.pid,
        }),
        _ => None,
    };
    Some(Reached {
        to: remote.address,
        port: remote.port,
        event: event.clone(),
        transport,
        shows: Shows::Made,
        program,
        told_by: Vec::new(),
        of: Some(first),
        count: 1,
        silent: false,
    })
}

impl Outgoing {
    /// How many are remembered.
    pub(super) fn held(&self) -> usize {
        self.held.len() + self.habits.len() + self.met.len() / 8
    }

    /// All that are held, in the order of time.
    pub(super) fn all(&self) -> impl Iterator<Item = &Reached> {
        self.held.iter()
    }

    /// Takes in an event; what is not of the host at `at` is passed over. Among very many connections those
    /// to whoever touched the host stay; what is let go of otherwise is counted in `dropped`. A connection
    /// within `window` after a touch may answer it.
    pub(super) fn hear(
        &mut self,
        at: Place,
        event: &Event,
        (touches, window): (&Touches, Span),
        context: &Context,
        dropped: &mut u64,
    ) {
        if place_of(event, context) != Some(at) {
            return;
        }
        let reached = match said_made(event) {
            Some(first) => of_record(event, first),
            None => reach_of(event, context).map(|contact| of_contact(&contact)),
        };
        let Some(reached) = reached else { return };
        self.learn(&reached);
        let (to, time) = (reached.to, reached.event.time);
        let touched = touches.last_of(to);
        if touched.is_some_and(|last| last < time.shifted(window.negated())) {
            self.meet(to, time, dropped);
        }
        if self.held.len() >= OUTGOING {
            // Of whoever touched nothing no call is an answer.
            let mut held = self.held.iter();
            let spare = held.position(|held| touches.last_of(held.to).is_none());
            *dropped += u64::from(spare.is_none());
            self.held.remove(spare.unwrap_or_default());
        }
        self.held.push_back(reached);
    }

    fn meet(&mut self, address: IpAddr, time: Timestamp, dropped: &mut u64) {
        if let Some(first) = self.met.get_mut(&address) {
            *first = time.min(*first);
        } else if self.met.len() < MET {
            self.met.insert(address, time);
        } else {
            *dropped += 1;
        }
    }

    /// Forgets what lies before `before`.
    pub(super) fn forget(&mut self, before: Timestamp) {
        while self.held.front().is_some_and(|r| r.event.time < before) {
            self.held.pop_front();
        }
    }

    /// True if the host reached for `source` before `time`, whatever became of it, and not for a signal: one
    /// that it answered before is answered again. `touched` is when the source first touched it.
    pub(super) fn before(&self, source: IpAddr, touched: Timestamp, time: Timestamp) -> bool {
        let early = |r: &Reached| r.to == source && r.event.time < touched;
        self.met.get(&source).is_some_and(|first| *first < time) || self.held.iter().any(early)
    }

    fn learn(&mut self, reached: &Reached) {
        let Some(program) = &reached.program else {
            return;
        };
        // Who tries in vain has reached nobody.
        if reached.shows == Shows::Failed {
            return;
        }
        let key = (program.image.clone(), reached.transport, reached.port);
        if self.habits.len() >= HABITS && !self.habits.contains_key(&key) {
            return;
        }
        let known = self.habits.entry(key).or_default();
        if known.len() < ADDRESSES && !known.iter().any(|(to, _)| *to == reached.to) {
            known.push((reached.to, reached.event.time));
        }
    }

    /// How many addresses a program reached at a port before `time`, at least: 16 are counted.
    pub(super) fn reached(&self, like: &Reached, time: Timestamp) -> usize {
        let program = like.program.as_ref();
        let known = program.and_then(|program| {
            let key = (program.image.clone(), like.transport, like.port);
            self.habits.get(&key)
        });
        let before = known.into_iter().flatten().filter(|(_, at)| *at < time);
        before.count()
    }

    /// The connections to `source` by TCP or UDP, in time order.
    pub(super) fn to(&self, source: IpAddr) -> impl Iterator<Item = &Reached> {
        self.held.iter().filter(move |r| {
            r.to == source
                && matches!(r.transport, Transport::TCP | Transport::UDP)
                && r.of.is_none_or(|first| self.leaves_open(first))
        })
    }

    /// True if packets begin with `first` that do not tell what became of their connection. A
    /// capture may hold one direction only; against a refusal no record counts.
    fn leaves_open(&self, first: Provenance) -> bool {
        self.held.iter().any(|r| {
            let silent = matches!(&r.event.what,
                What::Attempt(attempt) if attempt.outcome == Outcome::Unanswered);
            r.event.provenance == first && r.shows != Shows::Made && silent
        })
    }
}
