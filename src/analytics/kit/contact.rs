//! An outgoing contact: a host reaching for a remote, whatever evidence tells of it.
//!
//! Packets tell what became of it, socket records tell the process, and attribution has brought the
//! two together: one connection is one contact, from the event that stands for it. Nothing is
//! judged here; a fate that the evidence does not tell is `Untold`, never guessed.

use super::picture::own_addresses;
use crate::context::clocks::Clock;
use crate::context::{Context, Place};
use crate::model::attempt::RefusalMeaning;
use crate::model::firewall::Layer;
use crate::model::host_event::Verdict;
use crate::model::neighbour::{Heard, Solicitation};
use crate::model::{
    Actor, Attempt, Direction, Endpoint, Event, HostEvent, HostWhat, Outcome, Provenance, Socket,
    Span, Text, Timestamp, Transport, What,
};

/// What became of a contact, as far as this evidence tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// The remote answered: handshake, SYN-ACK, datagram, echo reply, ARP reply, or a Sysmon 3.
    Answered,
    /// The remote is there and said no: reset, ICMP port unreachable.
    Refused,
    /// A filter said no: ICMP prohibited.
    Prohibited,
    /// Nothing came back while the evidence went on long enough to expect it.
    Unanswered,
    /// A router says the host cannot be reached, or nobody answered for its address.
    Unreachable,
    /// The initiator took its own SYN back, and no answer was captured.
    Aborted,
    /// The host's own firewall blocked it (Security 5157).
    Blocked,
    /// This evidence does not tell: a socket record alone, silence after a datagram, a capture
    /// that holds one direction only or ends too early.
    Untold,
}

impl Fate {
    /// `Some(true)` if it failed, `Some(false)` if it was answered, `None` if that is not told.
    pub fn failed(self) -> Option<bool> {
        match self {
            Self::Answered => Some(false),
            Self::Untold => None,
            _ => Some(true),
        }
    }

    /// `answered`, `refused` …
    pub fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Prohibited => "prohibited",
            Self::Unanswered => "no answer",
            Self::Unreachable => "unreachable",
            Self::Aborted => "aborted",
            Self::Blocked => "blocked here",
            Self::Untold => "not told",
        }
    }
}

/// What kind of reaching out it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A TCP connection or a UDP exchange.
    Connection,
    /// An ICMP echo request.
    Echo,
    /// An ARP request or a neighbour solicitation.
    Resolution,
}

/// One outgoing contact.
#[derive(Clone, Copy, Debug)]
pub struct Contact<'e> {
    /// The event that stands for it.
    pub event: &'e Event,
    /// The host that reached out.
    pub from: Place,
    /// Its own side; the port is 0 where there is none.
    pub local: Endpoint,
    /// Whom it reached for; the port is 0 where there is none.
    pub remote: Endpoint,
    /// TCP, UDP or ICMP.
    pub transport: Transport,
    /// Connection, echo or address resolution.
    pub form: Form,
    /// The process, where one is tied to it.
    pub actor: Option<&'e Actor>,
    /// What became of it.
    pub fate: Fate,
    /// When its fate was known on the wire; its own time where that is not told.
    pub decided: Timestamp,
}

/// The outgoing contact that `event` stands for; `None` for anything else, and for a record of a
/// connection that another event stands for.
pub fn contact_of<'e>(event: &'e Event, context: &Context) -> Option<Contact<'e>> {
    match &event.what {
        What::Attempt(attempt) => of_attempt(event, attempt, context),
        What::Host(host) => of_record(event, host, context),
        What::Solicitation(asked) => of_solicitation(event, asked, context),
        What::Wake(_) | What::Neighbour(_) | What::Resolution(_) => None,
    }
}

fn of_solicitation<'e>(
    event: &'e Event,
    asked: &'e Solicitation,
    context: &Context,
) -> Option<Contact<'e>> {
    Some(Contact {
        event,
        from: context.identity.place(asked.asker, event.time),
        local: Endpoint::new(asked.asker, 0),
        remote: Endpoint::new(asked.target, 0),
        transport: Transport::ICMP,
        form: Form::Resolution,
        actor: asked.actor.as_deref(),
        fate: match asked.outcome {
            Heard::Answered(_) => Fate::Answered,
            Heard::Unanswered => Fate::Unreachable,
            Heard::ReplyNotVisible | Heard::CutShort => Fate::Untold,
        },
        decided: asked.decided,
    })
}

fn of_attempt<'e>(
    event: &'e Event,
    attempt: &'e Attempt,
    context: &Context,
) -> Option<Contact<'e>> {
    let fate = match attempt.outcome {
        Outcome::Established | Outcome::HalfOpen => Fate::Answered,
        Outcome::Rejected => Fate::Refused,
        Outcome::Unreachable(refusal) => match refusal.meaning() {
            RefusalMeaning::ClosedPort => Fate::Refused,
            // Who says of itself that it cannot be reached is there.
            RefusalMeaning::HostUnreachable if refusal.from == attempt.responder.address => {
                Fate::Refused
            }
            RefusalMeaning::Filtered => Fate::Prohibited,
            RefusalMeaning::HostUnreachable => Fate::Unreachable,
        },
        Outcome::Unanswered if attempt.silence_tells(event.time) => Fate::Unanswered,
        Outcome::Unanswered => Fate::Untold,
        // Its own packets show that it was answered, whatever the capture lacks.
        Outcome::Aborted if attempt.went_on() => Fate::Untold,
        Outcome::Aborted => Fate::Aborted,
        Outcome::Midstream | Outcome::OneSided => return None,
    };
    Some(Contact {
        event,
        from: context
            .identity
            .place(attempt.initiator.address, event.time),
        local: attempt.initiator,
        remote: attempt.responder,
        transport: attempt.transport,
        form: match attempt.transport {
            Transport::ICMP | Transport::ICMPV6 => Form::Echo,
            _ => Form::Connection,
        },
        actor: attempt.actor.as_deref(),
        fate,
        decided: attempt.decided,
    })
}

fn of_record<'e>(event: &'e Event, host: &'e HostEvent, context: &Context) -> Option<Contact<'e>> {
    let Some(Socket::First {
        actor,
        made,
        unresolved,
    }) = host.socket.as_deref()
    else {
        return None;
    };
    let (verdict, transport, local, remote) = outgoing(&host.what)?;
    let fate = match (verdict, made) {
        (Verdict::Blocked, _) => Fate::Blocked,
        // A datagram that was sent is no answer.
        (_, Some(_)) if transport == Transport::TCP => Fate::Answered,
        _ if unresolved.is_some() => Fate::Unreachable,
        _ => Fate::Untold,
    };
    Some(Contact {
        event,
        from: context.identity.place_of(host)?,
        local,
        remote,
        transport,
        form: Form::Connection,
        actor: Some(actor),
        fate,
        decided: unresolved.map_or(event.time, |(_, decided)| decided),
    })
}

/// Verdict, transport, own side and remote of a record of an outgoing connection: Security 5156 and
/// 5157 at the connect layer, Sysmon 3 of the initiator.
pub fn outgoing(what: &HostWhat) -> Option<(Verdict, Transport, Endpoint, Endpoint)> {
    match what {
        HostWhat::Filtered {
            verdict: verdict @ (Verdict::Permitted | Verdict::Blocked),
            layer: Layer::Connect,
            direction: Some(Direction::Outbound),
            transport,
            source,
            destination,
            ..
        } => Some((*verdict, *transport, *source, *destination)),
        HostWhat::Connected {
            initiated: true,
            transport,
            source,
            destination,
            ..
        } => Some((Verdict::Permitted, *transport, *source, *destination)),
        _ => None,
    }
    .filter(|(_, transport, ..)| matches!(*transport, Transport::TCP | Transport::UDP))
}

/// Talk of a source of which nothing came back, from which on a capture is suspect.
const SUSPECT: u64 = 10;
/// SYNs of others from which on their answers tell whether the captures hold both directions, and
/// the share of them, in percent, that must have any answer.
const SYNS: u64 = 20;
const ANSWERED_PERCENT: u64 = 20;

/// Why silence towards `place` proves nothing: its answers may not be in the captures. One packet
/// that came back to it shows that they are; ARP and neighbour discovery do not, for a sensor of
/// one direction hears their broadcasts. `None` where silence tells.
pub fn answers_lacking(place: Place, context: &Context) -> Option<Lacking> {
    let wire = context.coverage.wire();
    let sides = match place {
        Place::Address(address) => wire.sides([&address]),
        Place::Host(_) => wire.sides(own_addresses(place, context)),
    };
    if sides.both > 0 {
        return None;
    }
    let [syns, answered] = context.contacts.others_answered(place);
    if syns >= SYNS {
        let few = answered * 100 < syns * ANSWERED_PERCENT;
        return few.then_some(Lacking::ToOthers([syns, answered]));
    }
    (sides.only_it >= SUSPECT).then_some(Lacking::ToIt)
}

/// Which answers are not in the captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// Any to the source.
    ToIt,
    /// Nearly all to the others: their SYNs, and those with any answer.
    ToOthers([u64; 2]),
}

impl std::fmt::Display for Lacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ToIt => f.write_str("no answer to this source is in the capture")?,
            Self::ToOthers([syns, answered]) => write!(
                f,
                "only {answered} of {syns} SYNs of other sources were answered"
            )?,
        }
        let it = if *self == Self::ToIt {
            "it"
        } else {
            "the capture"
        };
        write!(
            f,
            ": {it} may hold one direction only, and then silence proves nothing"
        )
    }
}

/// The unanswered question to the segment that a record of a connection goes with.
pub fn question_of(event: &Event) -> Option<Provenance> {
    let What::Host(host) = &event.what else {
        return None;
    };
    match host.socket.as_deref()? {
        Socket::First { unresolved, .. } => unresolved.map(|(at, _)| at),
        _ => None,
    }
}

impl Contact<'_> {
    /// True if packets show it.
    pub fn on_wire(&self) -> bool {
        !matches!(self.event.what, What::Host(_)) || self.question().is_some()
    }

    /// The unanswered question to the segment, where a record stands for the connection.
    pub fn question(&self) -> Option<Provenance> {
        question_of(self.event)
    }

    /// True if a record of the host shows it.
    pub fn logged(&self) -> bool {
        matches!(self.event.what, What::Host(_))
            || self.actor.is_some_and(|actor| !actor.told_by.is_empty())
    }

    /// The image of its process as told; empty if no process is tied to it.
    pub fn image(&self) -> &str {
        self.actor.map_or("", |actor| &actor.process.image)
    }

    /// The service of its process, for an `svchost.exe`.
    pub fn service(&self) -> Option<&Text> {
        self.actor?.service.as_ref()
    }

    /// The packets and records that show it, its own event first.
    pub fn cited(&self) -> Vec<Provenance> {
        let mut cited = vec![self.event.provenance];
        cited.extend(self.question());
        if let Some(actor) = self.actor {
            cited.extend(
                actor
                    .told_by
                    .iter()
                    .filter(|p| **p != self.event.provenance),
            );
        }
        cited
    }
}
/// A connection's own records stand this far from its first packet, clocks apart.
const OWN: Span = Span::seconds(2);
/// Clocks that are further apart tie no record to a packet.
const DOUBT: Span = Span::seconds(60);

/// The moment before anything tells of a connection that began at `begin`: Windows logs it before its
/// first packet leaves, and clocks differ. What is usual is asked as of then, or a first use would be its
/// own precedent.
pub fn before_its_records(place: Place, begin: Timestamp, context: &Context) -> Timestamp {
    begin.shifted(ahead_of_its_records(place, context).negated())
}

/// How long before a connection's begin that moment is; nothing for a place without logs.
pub fn ahead_of_its_records(place: Place, context: &Context) -> Span {
    let Place::Host(id) = place else {
        return Span::ZERO;
    };
    let doubt = [Clock::Host(id), Clock::SysmonNetwork(id)]
        .map(|clock| context.clocks.uncertainty(clock).min(DOUBT));
    OWN.plus(doubt[0].max(doubt[1]))
}
