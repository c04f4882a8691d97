//! Who came in: completed inbound connections, and since when each port is known to be open.
//!
//! Three logs may tell of one connection: packets, Security 5156 and Sysmon 3. They are brought
//! together by their endpoints. A 5156 alone is a new connection only if its endpoints were not
//! seen before: Windows logs live connections again after a rule change.

use crate::context::{Context, Place};
use crate::model::attempt::Marks;
use crate::model::firewall::Layer;
use crate::model::host_event::Verdict;
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{
    Direction, Endpoint, Event, HostWhat, Outcome, Provenance, Span, Text, Timestamp, Transport,
    What,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// One completed inbound connection.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The attempt, or the host's row where no packet was captured.
    pub event: Event,
    /// The other side.
    pub remote: Endpoint,
    /// The port reached.
    pub port: u16,
    /// TCP or UDP.
    pub transport: Transport,
    /// Records that show the same connection.
    pub also: Vec<Provenance>,
    /// A host record shows it.
    pub logged: bool,
    /// The program that accepted it, where a record names it.
    pub holder: Option<Text>,
    /// Established, but not one byte of payload.
    pub empty: bool,
    /// Packets or Sysmon 3 show that its handshake was completed. A 5156, or a row of the firewall's text
    /// log, is written when the SYN is let in.
    pub completed: bool,
    /// Nothing earlier in this evidence shows the port open.
    pub first: bool,
    // Since when its port was known to be open as it came.
    since: Timestamp,
    // Packets show the host's answer and no more: who answered whom is known, and that is all.
    answer_only: bool,
    // As of the SYN that was answered, where earlier ones were not.
    entry: Option<Box<Event>>,
}

impl Arrival {
    /// True if packets show it.
    pub fn on_the_wire(&self) -> bool {
        matches!(self.event.what, What::Attempt(_))
    }

    /// The event as of the moment it came in. A client sends its SYN again until the door opens; only the
    /// one that was answered shows it open.
    pub fn entry(&self) -> &Event {
        self.entry.as_deref().unwrap_or(&self.event)
    }

    /// When it came in.
    pub fn time(&self) -> Timestamp {
        self.entry().time
    }

    /// Takes in another record of it, as long as there are few.
    fn cite(&mut self, event: &Event) {
        if self.also.len() < CITED {
            self.also.push(event.provenance);
        }
    }
}

/// The earliest sign that a port was open.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstOpen {
    /// When.
    pub time: Timestamp,
    /// Shown by.
    pub provenance: Provenance,
    /// The attempt, where its handshake was not completed: SYN-ACK, and then a reset or nothing.
    pub half_open: Option<Box<Event>>,
}

impl FirstOpen {
    /// The half-open attempt that is the sign, if `source` made it.
    pub fn tried_by(&self, source: IpAddr) -> Option<&Event> {
        let event = self.half_open.as_deref()?;
        matches!(&event.what, What::Attempt(a) if a.initiator.address == source).then_some(event)
    }
}

type Tuple = (Transport, Endpoint, u16);

/// Connections remembered to recognise a second telling.
const TUPLES: usize = 4096;
/// Open ports remembered per host.
const PORTS: usize = 2048;
/// Further records cited of one connection.
const CITED: usize = 8;
/// Arrivals held per host.
const ARRIVALS: usize = 512;
/// How far apart two logs may tell of one connection.
const SAME_CONNECTION: Span = Span::seconds(10);

/// The inbound connections of one host.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    held: VecDeque<Arrival>,
    open_since: BTreeMap<(Transport, u16), FirstOpen>,
    tuples: BTreeMap<Tuple, Timestamp>,
    order: VecDeque<Tuple>,
}

/// What a sign shows of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// The handshake was completed.
    Completed,
    /// The host let its SYN in.
    LetIn,
    /// SYN-ACK and then a reset or nothing: it was not completed.
    HalfOpen,
    /// The host's SYN-ACK, without the SYN. With a record of it, it is a connection.
    Answered,
    /// It began before the capture did.
    InPart,
}

struct Sign {
    remote: Endpoint,
    port: u16,
    transport: Transport,
    shows: Shows,
    empty: bool,
    wire: bool,
    holder: Option<Text>,
}

fn sign_of(event: &Event, context: &Context) -> Option<(Place, Sign)> {
    match &event.what {
        // A ping that is answered opens no port.
        What::Attempt(attempt) if attempt.icmp.is_some() => None,
        What::Attempt(attempt) => {
            let shows = match attempt.outcome {
                Outcome::Established => Shows::Completed,
                Outcome::HalfOpen => Shows::HalfOpen,
                Outcome::OneSided => Shows::Answered,
                Outcome::Midstream if attempt.stood() => Shows::InPart,
                _ => return None,
            };
            Some((
                context
                    .identity
                    .place(attempt.responder.address, event.time),
                Sign {
                    remote: attempt.initiator,
                    port: attempt.responder.port,
                    transport: attempt.transport,
                    shows,
                    empty: attempt.marks.has(Marks::EMPTY),
                    wire: true,
                    holder: None,
                },
            ))
        }
        What::Host(host) => {
            let (ends, transport, process, shows) = match &host.what {
                HostWhat::Filtered {
                    verdict: Verdict::Permitted,
                    layer: Layer::Accept | Layer::FirewallLog,
                    direction: Some(Direction::Inbound),
                    transport,
                    source,
                    destination,
                    process,
                    ..
                } => ((*source, *destination), *transport, process, Shows::LetIn),
                HostWhat::Connected {
                    initiated: false,
                    transport,
                    source,
                    destination,
                    process,
                    ..
                } => (
                    (*source, *destination),
                    *transport,
                    process,
                    Shows::Completed,
                ),
                _ => return None,
            };
            let id = context.identity.named(&host.computer)?;
            // Sysmon tells some connections that were received with the host as the source.
            let (local, remote) = context.identity.local_and_remote(
                id,
                event.time,
                Some(Direction::Inbound),
                ends.0,
                ends.1,
            )?;
            if transport != Transport::TCP
                || remote.address.is_loopback()
                || remote.address == local.address
            {
                return None;
            }
            Some((
                Place::Host(id),
                Sign {
                    remote,
                    port: local.port,
                    transport,
                    shows,
                    empty: false,
                    wire: false,
                    // Sysmon writes `<unknown process>` of one that has gone.
                    holder: Some(process.image.clone())
                        .filter(|i| !i.is_empty() && &**i != "-" && !i.starts_with('<')),
                },
            ))
        }
        What::Wake(_) | What::Neighbour(_) | What::Solicitation(_) | What::Resolution(_) => None,
    }
}

/// A connection over TCP that a record of the host's own tells it let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The host.
    pub place: Place,
    /// The other side.
    pub remote: Endpoint,
    /// The port reached.
    pub port: u16,
    /// The record says that the handshake was completed (Sysmon 3).
    pub completed: bool,
}

/// The inbound connection that a record of a host tells of; `None` for packets and anything else.
pub fn logged(event: &Event, context: &Context) -> Option<Logged> {
    let (place, sign) = sign_of(event, context).filter(|(_, sign)| !sign.wire)?;
    Some(Logged {
        place,
        remote: sign.remote,
        port: sign.port,
        completed: sign.shows == Shows::Completed,
    })
}

/// The connection that a record of the host's own shows to have been let in: the other side, and the
/// port.
pub fn let_in(event: &Event, context: &Context) -> Option<(Endpoint, (Transport, u16))> {
    let logged = logged(event, context)?;
    Some((logged.remote, (Transport::TCP, logged.port)))
}

/// The host an event tells of an inbound connection on.
pub fn arrival_place(event: &Event, context: &Context) -> Option<Place> {
    sign_of(event, context).map(|(place, _)| place)
}

impl Arrivals {
    /// How much is remembered, in arrivals: a port or a connection takes a quarter of one.
    pub fn held(&self) -> usize {
        self.held.len() + (self.open_since.len() + self.tuples.len()) / 4
    }

    /// Takes in an event of this host. Nothing that may still be judged began before `long_ago`.
    pub fn hear(
        &mut self,
        event: &Event,
        long_ago: Timestamp,
        context: &Context,
        dropped: &mut u64,
    ) {
        let Some((place, sign)) = sign_of(event, context) else {
            return;
        };
        if sign.transport != Transport::TCP {
            return;
        }
        let completed = sign.shows == Shows::Completed;
        let entry = event.at_the_answered_try().map(Box::new);
        let at = entry.as_ref().map_or(event.time, |entry| entry.time);
        let tuple = (sign.transport, sign.remote, sign.port);
        let known = self.tuples.get(&tuple).copied();
        // Endpoints are remembered for a second telling by a log; a host without logs has none.
        if matches!(place, Place::Host(_)) {
            if known.is_none() {
                if self.order.len() >= TUPLES
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.tuples.remove(&oldest);
                }
                self.order.push_back(tuple);
            }
            self.tuples.insert(tuple, at);
        }
        if let Some(before) = known {
            let place = self.held.iter().rposition(|a| {
                a.transport == sign.transport
                    && a.remote == sign.remote
                    && a.port == sign.port
                    && at.since(a.time()).abs() <= SAME_CONNECTION
            });
            if let Some(place) = place
                && sign.shows == Shows::HalfOpen
            {
                match self.held[place].completed {
                    true => self.held[place].cite(event),
                    // It was let in, and packets show that it came to nothing.
                    false => {
                        let let_in = self.held.remove(place);
                        let since = self.open_since.get_mut(&(sign.transport, sign.port));
                        if let (Some(let_in), Some(since)) = (let_in, since)
                            && since.provenance == let_in.event.provenance
                        {
                            since.half_open = Some(Box::new(as_let_in(event)));
                        }
                    }
                }
                return;
            }
            match place.and_then(|place| self.held.get_mut(place)) {
                Some(held) if !sign.wire => {
                    held.logged = true;
                    held.completed |= completed;
                    held.holder = held.holder.take().or(sign.holder);
                    held.cite(event);
                    return;
                }
                Some(held) if !held.on_the_wire() => {
                    held.also.push(held.event.provenance);
                    held.event = event.clone();
                    held.entry = entry;
                    held.empty = sign.empty;
                    held.completed |= completed;
                    return;
                }
                _ if !sign.wire => return, // logged again while it lives
                _ if at.since(before) < Span::ZERO => return,
                _ => {}
            }
        }
        let here = FirstOpen {
            time: at,
            provenance: event.provenance,
            half_open: (sign.shows == Shows::HalfOpen).then(|| Box::new(as_let_in(event))),
        };
        let first = self.is_first(sign.transport, sign.port, here, dropped);
        if matches!(sign.shows, Shows::HalfOpen | Shows::InPart) {
            return;
        }
        if self.held.len() >= ARRIVALS {
            // Arrivals at ports that were open all along can be spared, else those at the ports longest open.
            let spare = self.held.iter().position(|held| held.since < long_ago);
            let longest = || {
                (0..self.held.len()).min_by_key(|at| (self.held[*at].since, self.held[*at].first))
            };
            let spare = spare.or_else(longest);
            let spare = spare.and_then(|spare| self.held.remove(spare));
            *dropped += u64::from(spare.is_some_and(|spare| spare.first));
        }
        self.held.push_back(Arrival {
            event: event.clone(),
            remote: sign.remote,
            port: sign.port,
            transport: sign.transport,
            also: Vec::new(),
            logged: !sign.wire,
            holder: sign.holder,
            empty: sign.empty,
            completed,
            first,
            since: self
                .open_since
                .get(&(sign.transport, sign.port))
                .map_or(at, |since| since.time),
            answer_only: sign.shows == Shows::Answered,
            entry,
        });
    }

    /// True if nothing before `here` shows the port open; notes it.
    fn is_first(
        &mut self,
        transport: Transport,
        port: u16,
        here: FirstOpen,
        dropped: &mut u64,
    ) -> bool {
        if let Some(since) = self.open_since.get_mut(&(transport, port)) {
            // Heard before, by its first SYN, and let in later than this one.
            let earlier = here.time < since.time;
            if earlier {
                *since = here;
                for held in self.held.iter_mut().filter(|a| a.port == port) {
                    held.first = false;
                }
            }
            return earlier;
        }
        if self.open_since.len() >= PORTS {
            *dropped += 1;
            // Ports that are given for a while make room for those of services; whether one of them was open
            // before is not known any more.
            let dynamic = |port: u16| port >= FIRST_DYNAMIC_PORT;
            let last = self.open_since.last_key_value();
            let makes_room = last.is_some_and(|((_, port), _)| dynamic(*port));
            if dynamic(port) || !makes_room {
                return false;
            }
            self.open_since.pop_last();
        }
        self.open_since.insert((transport, port), here);
        true
    }

    /// Forgets arrivals older than `before`; what is known of ports and endpoints stays.
    pub fn forget(&mut self, before: Timestamp) {
        while self.held.front().is_some_and(|a| a.time() < before) {
            self.held.pop_front();
        }
    }

    /// The arrivals from `from` to `to`; not those of which there is an answer and nothing else.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Arrival> {
        self.held
            .iter()
            .filter(|a| a.logged || !a.answer_only)
            .filter(move |a| a.time() >= from && a.time() <= to)
    }

    /// The completed arrival that a packet or a record shows.
    pub fn shown_by(&self, provenance: &Provenance) -> Option<&Arrival> {
        self.held.iter().find(|a| {
            a.completed && (a.event.provenance == *provenance || a.also.contains(provenance))
        })
    }

    /// True if a connection of these endpoints was told within a moment of `at`.
    pub fn told(
        &self,
        remote: Endpoint,
        (transport, port): (Transport, u16),
        at: Timestamp,
    ) -> bool {
        self.tuples
            .get(&(transport, remote, port))
            .is_some_and(|told| told.since(at).abs() <= SAME_CONNECTION)
    }

    /// True if a connection of these endpoints was told before.
    pub fn knows(&self, remote: Endpoint, (transport, port): (Transport, u16)) -> bool {
        self.tuples.contains_key(&(transport, remote, port))
    }

    /// True if a connection of these endpoints was let in before `at`.
    pub fn had_come(
        &self,
        remote: Endpoint,
        (transport, port): (Transport, u16),
        at: Timestamp,
    ) -> bool {
        let told = self.tuples.get(&(transport, remote, port));
        told.is_some_and(|told| *told < at)
    }

    /// Since when the port is known to be open.
    pub fn open_since(&self, transport: Transport, port: u16) -> Option<&FirstOpen> {
        self.open_since.get(&(transport, port))
    }
}
/// The event as of the moment its SYN was answered.
fn as_let_in(event: &Event) -> Event {
    event.at_the_answered_try().unwrap_or_else(|| event.clone())
}
