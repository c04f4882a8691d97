//! One outgoing contact as this analytic reads it: whose it was, to whom, and whether it worked.

use super::relation::{Peer, Relation, Route};
use super::who::Who;
use crate::analytics::kit::contact::{Contact, Fate};
use crate::model::attempt::{Attempt, FlowEnd, Marks, Outcome};
use crate::model::net::{is_group_or_wildcard, is_private, may_be_broadcast};
use crate::model::payload::NameSource;
use crate::model::{Event, Text, Timestamp, Transport, What};

/// A contact with the names put to it.
pub struct Sighting<'e> {
    /// The contact.
    pub contact: Contact<'e>,
    /// The process.
    pub who: Who,
    /// The name of the remote, where the process asked for one or its address was answered for one.
    pub name: Option<Text>,
    /// The remote port; behind a proxy the one that was asked for.
    pub port: u16,
    /// No record names the process; it is that of the only program that used this server and port.
    pub inferred: bool,
}

impl<'e> Sighting<'e> {
    /// Reads a contact of `who`, whose remote may be known by a name; `None` for one that reaches
    /// nobody in particular; `inside` says that the remote is of the own network.
    pub fn of(contact: Contact<'e>, who: Who, known: Option<&Text>, inside: bool) -> Option<Self> {
        let remote = contact.remote.address;
        let group = is_group_or_wildcard(remote)
            || remote.is_loopback()
            || remote == contact.local.address
            || (inside || is_private(remote)) && may_be_broadcast(contact.transport, remote);
        if group {
            return None;
        }
        let asked = match &contact.event.what {
            What::Attempt(attempt) => attempt.name(),
            _ => None,
        };
        // Behind a proxy the wire shows the proxy; the name and port asked of it are the remote.
        let proxied = asked.filter(|name| name.from == NameSource::HttpConnect);
        Some(Self {
            who,
            port: proxied.and_then(|n| n.port).unwrap_or(contact.remote.port),
            name: asked.map(|n| n.text.clone()).or_else(|| known.cloned()),
            contact,
            inferred: false,
        })
    }

    /// The same contact as one of `route`, whose process no record names.
    pub fn told_by_its_route(self, route: &Route) -> Self {
        Self {
            who: route.who.clone(),
            port: route.port,
            name: match &route.peer {
                Peer::Name(name) => Some(name.clone()),
                Peer::Address(_) => None,
            },
            inferred: true,
            ..self
        }
    }

    /// Its event.
    pub fn event(&self) -> &'e Event {
        self.contact.event
    }

    /// Its time.
    pub fn time(&self) -> Timestamp {
        self.contact.event.time
    }

    /// The attempt, where packets show it.
    pub fn attempt(&self) -> Option<&'e Attempt> {
        match &self.contact.event.what {
            What::Attempt(attempt) => Some(attempt),
            _ => None,
        }
    }

    /// The name it asked the remote itself for, by TLS or HTTP; not what it asked of a proxy.
    pub fn asked_directly(&self) -> Option<&'e Text> {
        let name = self.attempt()?.name()?;
        (name.from != NameSource::HttpConnect).then_some(&name.text)
    }

    /// The relation it belongs to.
    pub fn route(&self) -> Route {
        Route {
            who: self.who.clone(),
            transport: self.contact.transport,
            port: self.port,
            peer: match &self.name {
                Some(name) => Peer::Name(name.clone()),
                None => Peer::Address(self.contact.remote.address),
            },
        }
    }

    /// True if it worked: payload both ways, an answer to a datagram or an echo, or a record that
    /// says the connection was made.
    pub fn worked(&self) -> bool {
        if self.contact.fate != Fate::Answered {
            return false;
        }
        match self.attempt() {
            None => true,
            Some(attempt) if attempt.transport == Transport::TCP => {
                attempt.bytes.iter().all(|bytes| *bytes > 0)
            }
            Some(_) => true,
        }
    }

    /// True if it failed. Silence after a datagram is a failure only for a relation that was
    /// always answered.
    pub fn failed(&self, relation: &Relation) -> bool {
        if self.contact.fate.failed() == Some(true) {
            return self.contact.fate != Fate::Aborted;
        }
        let silent = self
            .attempt()
            .is_some_and(|a| a.transport != Transport::TCP && a.outcome == Outcome::Unanswered);
        silent && relation.worked > 0 && relation.untold == 0
    }

    /// When the remote reset it while it was in use.
    pub fn reset(&self) -> Option<Timestamp> {
        let attempt = self.attempt()?;
        (attempt.end == FlowEnd::ResetByResponder && attempt.reset_in_use().is_some())
            .then_some(attempt.ended)
    }

    /// True if the reset's TTL tells of a device on the way.
    pub fn foreign_reset(&self) -> bool {
        self.attempt()
            .is_some_and(|attempt| attempt.marks.has(Marks::RESET_TTL))
    }
}
