//! Connections to administrative ports, and which sender of magic packets came.
//!
//! Packets tell of a visit, and so do the logs of the host that was visited. One device may have
//! several addresses: what it announced with one hardware address is its own.

use super::settings::SignallingSettings;
use super::{Key, Sender};
use crate::analytics::kit::arrivals::logged;
use crate::context::{Context, Place};
use crate::model::{
    Endpoint, Event, HostEvent, HostWhat, Outcome, Provenance, Span, Transport, What,
};
use std::collections::VecDeque;
use std::net::IpAddr;

/// Visits held per sender.
const VISITS: usize = 1024;
/// Endpoints remembered per sender, to know a connection that is logged again.
const ENDPOINTS: usize = 64;
/// Further records cited for one visit.
const CITED: usize = 8;
/// How far apart several logs may tell of one connection.
const SAME_CONNECTION: Span = Span::seconds(10);

/// Whom a visit was to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    /// The owner of an address, by packets.
    Address(IpAddr),
    /// The host that logged it.
    Host(Place),
}

/// A connection to an administrative port.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// The attempt, or the host's record where no packet was captured.
    pub(super) event: Event,
    /// Who came.
    pub(super) remote: Endpoint,
    /// Records that show the same connection.
    pub(super) also: Vec<Provenance>,
    /// The handshake was completed: by packets, or by Sysmon 3. Security 5156 tells that its SYN was let in.
    pub(super) completed: bool,
    whom: Whom,
    port: u16,
    // As of the SYN that was answered, where earlier ones were not.
    entry: Option<Box<Event>>,
}

impl Visit {
    /// The event as of the moment the sender came in: its SYN may have been sent again and again while the
    /// host was down.
    pub(super) fn entry(&self) -> &Event {
        self.entry.as_deref().unwrap_or(&self.event)
    }

    /// True if it was to the owner of this hardware address.
    pub(super) fn is_to(&self, mac: &[u8; 6], context: &Context) -> bool {
        let (identity, time) = (&context.identity, self.entry().time);
        match self.whom {
            Whom::Address(address) => identity.mac_at(address, time) == Some(*mac),
            Whom::Host(place) => identity.host_of(mac, time).map(Place::Host) == Some(place),
        }
    }

    /// The address it was to, where packets show it.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self.whom {
            Whom::Address(address) => Some(address),
            Whom::Host(_) => None,
        }
    }

    /// The port it was to.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn by_packets(&self) -> bool {
        matches!(self.event.what, What::Attempt(_))
    }
}

/// The visit that an event tells of.
fn visit_of(event: &Event, settings: &SignallingSettings, context: &Context) -> Option<Visit> {
    let visit = |remote, port, whom, completed| Visit {
        event: event.clone(),
        remote,
        also: Vec::new(),
        completed,
        whom,
        port,
        entry: event.at_the_answered_try().map(Box::new),
    };
    match &event.what {
        What::Attempt(attempt) => (settings.admin_ports.contains(&attempt.responder.port)
            && attempt.outcome == Outcome::Established)
            .then(|| {
                let to = attempt.responder;
                visit(attempt.initiator, to.port, Whom::Address(to.address), true)
            }),
        What::Host(host) => {
            // The sender's own Sysmon tells that it connected.
            if let Some((from, to)) = made_by_sender(host)
                && settings.admin_ports.contains(&to.port)
            {
                return Some(visit(from, to.port, Whom::Address(to.address), true));
            }
            let logged = logged(event, context)?;
            settings.admin_ports.contains(&logged.port).then(|| {
                visit(
                    logged.remote,
                    logged.port,
                    Whom::Host(logged.place),
                    logged.completed,
                )
            })
        }
        _ => None,
    }
}

/// Both ends of a connection over TCP that a host says it made (Sysmon 3).
fn made_by_sender(host: &HostEvent) -> Option<(Endpoint, Endpoint)> {
    match &host.what {
        HostWhat::Connected {
            initiated: true,
            transport: Transport::TCP,
            source,
            destination,
            ..
        } => Some((*source, *destination)),
        _ => None,
    }
}

/// The ends of an attempt at a port that packets show as come to nothing.
fn failed(event: &Event) -> Option<(Endpoint, u16)> {
    match &event.what {
        What::Attempt(attempt) => matches!(
            attempt.outcome,
            Outcome::HalfOpen | Outcome::Rejected | Outcome::Unreachable(_) | Outcome::Aborted
        )
        .then_some((attempt.initiator, attempt.responder.port)),
        _ => None,
    }
}

/// The senders that may have made the visit an event tells of.
pub(super) fn visitors_of(
    event: &Event,
    settings: &SignallingSettings,
    context: &Context,
    each: &mut dyn FnMut(Key),
) {
    let visitor = match &event.what {
        What::Attempt(attempt) if settings.admin_ports.contains(&attempt.responder.port) => {
            attempt.initiator.address
        }
        What::Host(host) => match (made_by_sender(host), logged(event, context)) {
            (Some((from, to)), _) if settings.admin_ports.contains(&to.port) => from.address,
            (_, Some(logged)) if settings.admin_ports.contains(&logged.port) => {
                logged.remote.address
            }
            _ => return,
        },
        _ => return,
    };
    each(Key::Sender(Sender::Address(visitor)));
    let identity = &context.identity;
    let Some(mac) = identity.mac_at(visitor, event.time) else {
        return;
    };
    for other in identity.addresses_of_device(&mac, event.time) {
        if other != visitor {
            each(Key::Sender(Sender::Address(other)));
        }
    }
    if identity.waker(&mac, event.time).is_none() {
        each(Key::Sender(Sender::Mac(mac)));
    }
}

/// The visits of one sender.
#[derive(Default)]
pub(super) struct Visits {
    held: VecDeque<Visit>,
    /// Endpoints and ports seen so far, with or without a signal: Windows logs a live connection again.
    known: VecDeque<(Endpoint, u16)>,
}

impl Visits {
    /// How much is remembered, in visits: endpoints take a tenth of one.
    pub(super) fn held(&self) -> usize {
        self.held.len() + self.known.len() / 10
    }

    /// Forgets all visits; endpoints stay.
    pub(super) fn take(&mut self) -> VecDeque<Visit> {
        std::mem::take(&mut self.held)
    }

    /// Takes in an event; `keep` says whether there is a signal that a visit could follow.
    pub(super) fn hear(
        &mut self,
        event: &Event,
        keep: bool,
        settings: &SignallingSettings,
        context: &Context,
        dropped: &mut u64,
    ) {
        if let Some(ends) = failed(event) {
            // The host let its SYN in, and packets show that it came to nothing.
            self.held.retain(|held| {
                held.completed
                    || (held.remote, held.port) != ends
                    || held.event.time.since(event.time).abs() > SAME_CONNECTION
            });
            self.know(ends);
        }
        let Some(visit) = visit_of(event, settings, context) else {
            return;
        };
        let ends = (visit.remote, visit.port);
        let live = self.know(ends);
        if !keep {
            return;
        }
        let same = self.held.iter_mut().rev().find(|held| {
            (held.remote, held.port) == ends
                && held.entry().time.since(visit.entry().time).abs() <= SAME_CONNECTION
                && !(held.by_packets() && visit.by_packets())
        });
        if let Some(held) = same {
            held.join(visit);
        } else if !live || visit.completed {
            if self.held.len() >= VISITS {
                self.held.pop_front();
                *dropped += 1;
            }
            self.held.push_back(visit);
        }
    }

    /// Remembers endpoints; true if they were known.
    fn know(&mut self, ends: (Endpoint, u16)) -> bool {
        let known = self.known.contains(&ends);
        if !known {
            if self.known.len() >= ENDPOINTS {
                self.known.pop_front();
            }
            self.known.push_back(ends);
        }
        known
    }
}

impl Visit {
    /// Adds another record of the same connection. Packets stand for it where there are any, else
    /// Security 5156: Sysmon writes later, by a clock of its own.
    fn join(&mut self, mut other: Self) {
        let completed = self.completed || other.completed;
        if other.by_packets() || !self.by_packets() && !other.completed {
            std::mem::swap(self, &mut other);
            self.also.append(&mut other.also);
        }
        self.completed = completed;
        if self.also.len() < CITED {
            self.also.push(other.event.provenance);
        }
    }
}
