//! A touch: one attempt on one closed port, and which event shows one.
//!
//! "Closed" is what the wire or the host says: a reset, an ICMP refusal, silence (default Windows
//! does not answer, so silence is the usual sign), or a dropped or blocked packet in the host's own
//! log. What several touches are together is not known here.

use crate::context::identity::HostId;
use crate::context::{Context, Place};
use crate::model::attempt::{Marks, RefusalMeaning};
use crate::model::firewall::Layer;
use crate::model::host_event::Verdict;
use crate::model::net::{FIRST_DYNAMIC_PORT, is_group_or_wildcard, may_be_broadcast};
use crate::model::{Attempt, Direction, Event, HostWhat, Outcome, Provenance, Transport, What};
use std::net::IpAddr;

/// How a touch was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// RST.
    Reset,
    /// ICMP: the port is closed.
    PortUnreachable,
    /// ICMP: a filter refuses.
    Prohibited,
    /// Nothing.
    Silence,
    /// The host logged that it dropped the packet.
    Dropped,
    /// The host logged that it blocked the connection, though something listens.
    Blocked,
}

/// One touch.
#[derive(Clone, Debug)]
pub struct Touch {
    /// The attempt, or the host's row where no packet was captured.
    pub event: Event,
    /// The other side's address.
    pub source: IpAddr,
    /// The other side's port.
    pub source_port: u16,
    /// The port that was touched.
    pub port: u16,
    /// TCP or UDP.
    pub transport: Transport,
    /// How it was turned away.
    pub answer: Answer,
    /// Rows or packets that show the same touch.
    pub also: Vec<Provenance>,
    /// The host's own log shows it, beside the packet.
    pub logged: bool,
    /// The same attempt was made more than once: its SYN was sent again.
    pub retried: bool,
    /// One SYN, no retry, though the capture went on.
    pub abandoned: bool,
}

impl Touch {
    /// True if packets show it.
    pub fn on_the_wire(&self) -> bool {
        matches!(self.event.what, What::Attempt(_))
    }

    /// True if somebody says "closed" in so many words: an answer, or the host's log.
    pub fn explicit(&self) -> bool {
        self.answer != Answer::Silence || self.logged
    }
}

/// How an attempt on a port was turned away, if it was. A ping touches a host and no port. Whoever
/// goes on after its SYN was answered, though the capture does not hold the answer.
fn turned_away(attempt: &Attempt) -> Option<Answer> {
    if attempt.icmp.is_some() {
        return None;
    }
    match attempt.outcome {
        Outcome::Rejected => Some(Answer::Reset),
        Outcome::Unanswered if attempt.went_on() => None,
        Outcome::Unanswered => Some(Answer::Silence),
        Outcome::Unreachable(refusal) => match refusal.meaning() {
            RefusalMeaning::ClosedPort => Some(Answer::PortUnreachable),
            RefusalMeaning::Filtered => Some(Answer::Prohibited),
            RefusalMeaning::HostUnreachable => None,
        },
        _ => None,
    }
}

/// The host whose closed port an event shows touched: [`touch_of`] without the touch.
pub fn touched(event: &Event, context: &Context) -> Option<Place> {
    match &event.what {
        What::Attempt(attempt) => {
            turned_away(attempt)?;
            let host = attempt.responder.address;
            Some(context.identity.place(host, event.time))
        }
        _ => touch_of(event, context).map(|(place, _)| place),
    }
}

/// True if a packet to this address was for the host alone, and not for a group or all of its network.
fn is_for(context: &Context, host: HostId, transport: Transport, address: IpAddr) -> bool {
    let own = || {
        let known = context.identity.host(host);
        known.is_some_and(|known| known.addresses.binary_search(&address).is_ok())
    };
    !is_group_or_wildcard(address) && (!may_be_broadcast(transport, address) || own())
}

/// Ports of services above the well-known ones (IANA; Microsoft's "Service overview and network port
/// requirements").
const SERVICES: &[u16] = &[
    1433, 1521, 1812, 1813, 1900, 2049, 3268, 3269, 3306, 3389, 3478, 5060, 5061, 5353, 5432, 5985,
    5986, 8000, 8080, 8443, 8530, 8531, 9389, 10123,
];

/// True if what was dropped goes from a service to a port that Windows gives its own clients: the late
/// answer to somebody who has gone. Windows logs those as any dropped packet, without flags.
fn is_late_answer(from: u16, to: u16) -> bool {
    (from < 1024 || SERVICES.contains(&from)) && to >= FIRST_DYNAMIC_PORT
}

/// The touch an event shows, and on which host.
pub fn touch_of(event: &Event, context: &Context) -> Option<(Place, Touch)> {
    match &event.what {
        What::Attempt(attempt) => {
            let answer = turned_away(attempt)?;
            let mut also: Vec<Provenance> = attempt.deciding.into_iter().collect();
            also.retain(|p| *p != event.provenance);
            let touch = Touch {
                event: event.clone(),
                source: attempt.initiator.address,
                source_port: attempt.initiator.port,
                port: attempt.responder.port,
                transport: attempt.transport,
                answer,
                also,
                logged: false,
                retried: attempt.tries > 1,
                abandoned: attempt.marks.has(Marks::ABANDONED),
            };
            Some((
                context
                    .identity
                    .place(attempt.responder.address, event.time),
                touch,
            ))
        }
        What::Host(host) => {
            let HostWhat::Filtered {
                verdict,
                layer,
                direction: Some(Direction::Inbound),
                transport,
                source,
                destination,
                opens,
                ..
            } = &host.what
            else {
                return None;
            };
            if !opens.unwrap_or(true) {
                return None;
            }
            let answer = match (verdict, layer) {
                (
                    Verdict::Dropped | Verdict::DroppedByStricterFilter,
                    Layer::Transport | Layer::Accept | Layer::FirewallLog,
                ) => Answer::Dropped,
                (Verdict::Blocked, Layer::Accept | Layer::Listen) => Answer::Blocked,
                _ => return None,
            };
            if !matches!(*transport, Transport::TCP | Transport::UDP) {
                return None;
            }
            let id = context.identity.named(&host.computer)?;
            let (local, remote) = context.identity.local_and_remote(
                id,
                event.time,
                Some(Direction::Inbound),
                *source,
                *destination,
            )?;
            let late = opens.is_none() && is_late_answer(remote.port, local.port);
            if late || !is_for(context, id, *transport, local.address) {
                return None;
            }
            let touch = Touch {
                event: event.clone(),
                source: remote.address,
                source_port: remote.port,
                port: local.port,
                transport: *transport,
                answer,
                also: Vec::new(),
                logged: true,
                retried: false,
                abandoned: false,
            };
            Some((Place::Host(id), touch))
        }
        What::Wake(_) | What::Neighbour(_) | What::Solicitation(_) | What::Resolution(_) => None,
    }
}
