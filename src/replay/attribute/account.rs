//! What came of attribution, counted per host.

use super::WINDOW;
use crate::analytics::kit::contact::outgoing;
use crate::context::clocks::Clock;
use crate::context::{Context, HostId};
use crate::model::plural::counted;
use crate::model::provenance::Item;
use crate::model::{Attempt, Event, HostEvent, Socket, Strength, Transport};
use std::collections::BTreeMap;

/// Counts of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfHost {
    /// Outgoing attempts in the packets, and in logs of connections.
    pub attempts: u64,
    /// Of them, those that a log of connections tells.
    pub lines: u64,
    /// Of them, with a process from a record with the same endpoints.
    pub exact: u64,
    /// With a process from the packets' own comments.
    pub comment: u64,
    /// With a process through address translation. These attempts come from other addresses, so
    /// they are not among `attempts`.
    pub weak: u64,
    /// Connections that only its records tell of.
    pub logged_only: u64,
    /// Of them, TCP connections that Sysmon says were made while a capture ran, and that no capture holds.
    pub unseen: u64,
    /// Records of connections that were logged before.
    pub again: u64,
}

/// What came of attribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// By host.
    pub hosts: BTreeMap<HostId, OfHost>,
    /// Attempts and records that could not wait for their counterpart because too many waited.
    pub cut_short: u64,
    /// Endpoints forgotten because there were too many: a connection logged again may count twice.
    pub forgotten: u64,
}

impl Account {
    pub(super) fn attempt(
        &mut self,
        attempt: &Attempt,
        kind: Item,
        host: Option<HostId>,
        context: &Context,
    ) {
        let strength = attempt.actor.as_ref().map(|a| a.strength);
        let weak = || {
            let actor = attempt.actor.as_ref()?;
            context.identity.named(&actor.computer)
        };
        let Some(host) = host.or_else(weak) else {
            return;
        };
        let row = self.hosts.entry(host).or_default();
        let own = strength != Some(Strength::Weak);
        row.attempts += u64::from(own);
        row.lines += u64::from(own && kind == Item::Line);
        *match strength {
            Some(Strength::Exact) => &mut row.exact,
            Some(Strength::Comment) => &mut row.comment,
            Some(Strength::Weak) => &mut row.weak,
            None => return,
        } += 1;
    }

    pub(super) fn record(
        &mut self,
        event: &Event,
        record: &HostEvent,
        host: HostId,
        context: &Context,
    ) {
        let Some(socket) = record.socket.as_deref() else {
            return;
        };
        let row = self.hosts.entry(host).or_default();
        match socket {
            Socket::First { made, .. } => {
                row.logged_only += 1;
                row.unseen +=
                    u64::from(made.is_some() && on_the_wire(event, record, host, context));
            }
            Socket::Again(_) => row.again += 1,
            Socket::OnTheWire(_) | Socket::Beside(_) => {}
        }
    }
}

/// True if packets of this connection went by while a capture ran, well before its end and after its begin.
fn on_the_wire(event: &Event, record: &HostEvent, host: HostId, context: &Context) -> bool {
    let Some((_, Transport::TCP, _, remote)) = outgoing(&record.what) else {
        return false;
    };
    // What a host says to itself goes over no wire.
    let own = context.identity.host(host);
    if remote.address.is_loopback()
        || own.is_some_and(|own| own.addresses.contains(&remote.address))
    {
        return false;
    }
    let doubt = context.clocks.uncertainty(Clock::Host(host)).plus(WINDOW);
    let (from, to) = (
        event.time.shifted(doubt.negated()),
        event.time.shifted(doubt),
    );
    let mut captures = context.coverage.captures().iter();
    captures.any(|(_, ran)| ran.holds(from) && ran.holds(to))
}

impl OfHost {
    /// Connections of this host that the captures should hold and do not. Behind a translating device they are
    /// in them under another address.
    pub fn missed(&self) -> u64 {
        match self.weak {
            0 => self.unseen,
            _ => 0,
        }
    }

    /// Where its attempts are told.
    fn wire(&self) -> &'static str {
        match self.lines {
            0 => "the packets",
            lines if lines == self.attempts => "a log of connections",
            _ => "the packets and a log of connections",
        }
    }

    /// `38 of 52 outgoing attempts in the packets have a process (36 exact, 2 from comments)`;
    /// `None` where packets show no attempt.
    pub fn sentence(&self) -> Option<String> {
        let tied = self.exact + self.comment;
        let kinds = [
            (self.exact, "by their endpoints"),
            (self.comment, "from packet comments"),
        ];
        let kinds: Vec<String> = kinds
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, how)| format!("{n} {how}"))
            .collect();
        let kinds = match kinds.as_slice() {
            [] => String::new(),
            kinds => format!(" ({})", kinds.join(", ")),
        };
        let mut parts = Vec::new();
        if self.attempts > 0 {
            parts.push(format!(
                "{tied} of {} in {} {} a process{kinds}",
                counted(self.attempts, "outgoing attempt"),
                self.wire(),
                if self.attempts == 1 { "has" } else { "have" },
            ));
        }
        if self.weak > 0 {
            parts.push(format!(
                "{} tied to it by target, port and time",
                match self.weak {
                    1 => "1 attempt from a translated address was".to_owned(),
                    many => format!("{many} attempts from translated addresses were"),
                }
            ));
        }
        if self.logged_only > 0 {
            parts.push(format!(
                "{} known from its logs alone",
                match self.logged_only {
                    1 => "1 outgoing attempt is".to_owned(),
                    many => format!("{many} outgoing attempts are"),
                }
            ));
        }
        if self.again > 0 {
            parts.push(match self.again {
                1 => "1 record tells again of a connection that was logged before and counts once"
                    .to_owned(),
                many => format!(
                    "{many} records tell again of connections that were logged before and count once"
                ),
            });
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
