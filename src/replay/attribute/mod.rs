//! Attribution: which process made an attempt, and which records tell of one connection.
//!
//! The merged stream passes through here before the analytics see it. An event waits until nothing
//! that could belong to it can still come: two seconds and the uncertainty of the clocks, at most
//! `WAITING` events. Then it leaves in the order it came.
//!
//! * An attempt in the packets and the host's record of it have the same transport, addresses and
//!   ports (`join`). The record then counts no more: the attempt carries the process.
//! * Without packets, two logs of one host may tell of one connection; the first record stands for it.
//! * A record whose endpoints were logged before is the same connection logged again, unless
//!   something shows a new one (`again`).
//! * A capture beyond address translation shows other source addresses: target, port and time remain
//!   (`nat`). A packet may name its process itself (`comment`).
//! * A question to the segment that nobody answered is what the wire shows of a connection whose
//!   target is not there (`asked`).
//!
//! What came of it is counted per host (`account`). Nothing is decided here about good or bad.

mod account;
mod again;
mod asked;
mod comment;
mod join;
mod nat;
#[cfg(test)]
mod tests;
mod waiting;

pub use account::{Account, OfHost};

use crate::context::coverage::Log;
use crate::context::{Context, HostId, Place};
use crate::model::{Attempt, Event, HostEvent, HostWhat, Socket, Span, What};
use std::collections::VecDeque;
use waiting::{Leaving, Waiting};

/// How far apart a packet and the record of its socket may be, beside the clocks' uncertainty.
/// Measured: Security 5156 up to 3 ms after the SYN.
pub const WINDOW: Span = Span::seconds(2);
/// A clock that may be wrong by this much is one whose zone is not known.
const NO_ZONE: Span = Span::seconds(3_600);

/// The stream with processes and marks.
pub struct Attributed<'c, I> {
    events: I,
    at: Attribution<'c>,
    ready: VecDeque<Event>,
}

/// Joins attempts and records of `events`, which come in time order.
pub fn attribute<E, I>(events: I, context: &Context) -> Attributed<'_, I>
where
    I: Iterator<Item = Result<Event, E>>,
{
    Attributed {
        events,
        at: Attribution::new(context),
        ready: VecDeque::new(),
    }
}

impl<I> Attributed<'_, I> {
    /// What came of it, once the stream has ended.
    pub fn account(self) -> Account {
        self.at.account
    }
}

impl<E, I: Iterator<Item = Result<Event, E>>> Iterator for Attributed<'_, I> {
    type Item = Result<Event, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            match self.events.next() {
                Some(Ok(event)) => self.at.take(event, &mut self.ready),
                Some(Err(error)) => return Some(Err(error)),
                None if self.at.waiting.is_empty() => return None,
                None => self.at.end(&mut self.ready),
            }
        }
    }
}

struct Attribution<'c> {
    context: &'c Context,
    /// No record in the evidence tells of an outgoing connection: nothing needs to wait.
    idle: bool,
    hold: Span,
    waiting: Waiting,
    joins: join::Joins,
    nat: nat::Nat,
    asked: asked::Questions,
    again: again::Again,
    comments: comment::Comments,
    account: Account,
}

impl<'c> Attribution<'c> {
    fn new(context: &'c Context) -> Self {
        let told = |id: HostId| {
            context.coverage.any(id, Log::Security, &[5156, 5157])
                || context.coverage.any(id, Log::Sysmon, &[3])
        };
        let hosts: Vec<HostId> = (0..)
            .map(HostId)
            .take(context.identity.hosts().len())
            .filter(|id| told(*id))
            .collect();
        let clocks = &context.clocks;
        let doubt = hosts
            .iter()
            .flat_map(|id| {
                use crate::context::clocks::Clock::{Host, SysmonNetwork};
                [
                    clocks.uncertainty(Host(*id)),
                    clocks.uncertainty(SysmonNetwork(*id)),
                ]
            })
            // Of a clock without a zone no record can be told to be of one moment with a packet.
            .filter(|doubt| *doubt < NO_ZONE)
            .max()
            .unwrap_or_default();
        Self {
            context,
            idle: hosts.is_empty(),
            hold: WINDOW.plus(doubt).plus(doubt),
            waiting: Waiting::default(),
            joins: join::Joins::default(),
            nat: nat::Nat::of(&hosts, context),
            asked: asked::Questions::default(),
            again: again::Again::default(),
            comments: comment::Comments::default(),
            account: Account::default(),
        }
    }

    fn take(&mut self, mut event: Event, ready: &mut VecDeque<Event>) {
        if let What::Attempt(attempt) = &mut event.what {
            let evidence = event.provenance.evidence;
            self.comments
                .hear(evidence, attempt, event.time, self.context);
        }
        if self.idle {
            self.count(&event);
            ready.push_back(event);
            return;
        }
        let due = event.time.shifted(self.hold.negated());
        while let Some(overdue) = self.waiting.next_due(due) {
            self.release(overdue, ready);
        }
        let now = event.time;
        let number = self.waiting.push(event);
        match self.waiting.get(number).map(|e| &e.what) {
            Some(What::Attempt(_)) => self.hear_attempt(number),
            Some(What::Host(host)) => match &host.what {
                HostWhat::Bound { .. } => self.again.bound(host, now, self.context),
                _ => {
                    self.hear_record(number);
                    self.hear_question(number);
                }
            },
            Some(What::Solicitation(_)) => self.hear_question(number),
            _ => {}
        }
    }

    fn end(&mut self, ready: &mut VecDeque<Event>) {
        while let Some(last) = self.waiting.pop() {
            self.release(last, ready);
        }
        self.account.forgotten += self.again.forgotten;
        self.again.forgotten = 0;
    }

    fn release(&mut self, leaving: Leaving, ready: &mut VecDeque<Event>) {
        let Leaving {
            number,
            event,
            early,
        } = leaving;
        self.joins.forget(number, &event);
        self.nat.forget(number, &event);
        self.asked.forget(number, &event);
        if early && self.unsettled(&event) {
            self.account.cut_short += 1;
        }
        self.count(&event);
        ready.push_back(event);
    }

    /// True for an attempt or a record that might still have been joined.
    fn unsettled(&self, event: &Event) -> bool {
        match &event.what {
            What::Attempt(attempt) => {
                attempt.actor.is_none() && self.logged(attempt, event).is_some()
            }
            What::Host(host) => host.socket.as_deref().is_some_and(Socket::counts),
            _ => false,
        }
    }

    fn count(&mut self, event: &Event) {
        match &event.what {
            What::Attempt(attempt) => {
                let host = self.logged(attempt, event);
                let kind = event.provenance.kind;
                self.account.attempt(attempt, kind, host, self.context);
            }
            What::Host(host) => self.count_record(event, host),
            _ => {}
        }
    }

    fn count_record(&mut self, event: &Event, host: &HostEvent) {
        let id = self.context.identity.named(&host.computer);
        if let Some(id) = id.filter(|_| host.socket.is_some()) {
            self.account.record(event, host, id, self.context);
        }
    }

    /// The host that made the attempt, if its logs were given.
    fn logged(&self, attempt: &Attempt, event: &Event) -> Option<HostId> {
        let identity = &self.context.identity;
        let id = identity.at(attempt.initiator.address, event.time)?;
        identity.keeps_logs(Place::Host(id)).then_some(id)
    }
}
