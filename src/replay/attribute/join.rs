//! The join by transport, addresses and ports, among the events that wait.
//!
//! Whichever comes first waits for the other. Several records may tell of one attempt, each log
//! once: Security 5156 or 5157, and Sysmon 3. A second record of one log for one attempt is that
//! connection logged again.

use super::waiting::Told;
use super::{Attribution, NO_ZONE, WINDOW};
use crate::analytics::kit::contact::outgoing;
use crate::context::{Context, HostId};
use crate::model::host_event::Process;
use crate::model::{
    Actor, Endpoint, Event, HostEvent, HostWhat, Outcome, Provenance, Socket, Strength, Timestamp,
    Transport, What,
};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// Transport, initiator, responder.
pub(super) type Tuple = (Transport, Endpoint, Endpoint);
/// Records that tie one actor, kept for citing.
const TOLD_BY: usize = 4;
/// Attempts or records of the same endpoints that wait at a time; later ones are not looked at.
const SAME: usize = 64;

/// What waits, by its endpoints. Asked, never walked in its own order.
#[derive(Default)]
pub(super) struct Joins {
    attempts: HashMap<Tuple, Vec<u64>, RandomState>,
    records: HashMap<Tuple, Vec<u64>, RandomState>,
}

impl Joins {
    /// Forgets an event that leaves.
    pub fn forget(&mut self, number: u64, event: &Event) {
        let (table, tuple) = match &event.what {
            What::Attempt(attempt) => (
                &mut self.attempts,
                (attempt.transport, attempt.initiator, attempt.responder),
            ),
            What::Host(host) => match outgoing(&host.what) {
                Some((_, transport, local, remote)) => {
                    (&mut self.records, (transport, local, remote))
                }
                None => return,
            },
            _ => return,
        };
        if let Some(numbers) = table.get_mut(&tuple) {
            numbers.retain(|n| *n != number);
            if numbers.is_empty() {
                table.remove(&tuple);
            }
        }
    }
}

fn wait(table: &mut HashMap<Tuple, Vec<u64>, RandomState>, tuple: Tuple, number: u64) {
    let numbers = table.entry(tuple).or_default();
    if numbers.len() < SAME {
        numbers.push(number);
    }
}

impl Attribution<'_> {
    pub(super) fn hear_attempt(&mut self, number: u64) {
        let Some(event) = self.waiting.get(number) else {
            return;
        };
        let What::Attempt(attempt) = &event.what else {
            return;
        };
        let tuple = (attempt.transport, attempt.initiator, attempt.responder);
        let (time, provenance) = (event.time, event.provenance);
        wait(&mut self.joins.attempts, tuple, number);
        let records = self.joins.records.get(&tuple).cloned().unwrap_or_default();
        for record in records {
            if self.near(number, record) && self.stands_alone(record) {
                self.tie(number, record, Strength::Exact);
            }
        }
        match self.context.identity.at(tuple.1.address, time) {
            Some(host) => self.again.made(host, tuple, time, provenance),
            None => self.nat_attempt(number),
        }
    }

    pub(super) fn hear_record(&mut self, number: u64) {
        let Some(event) = self.waiting.get(number) else {
            return;
        };
        let What::Host(host) = &event.what else {
            return;
        };
        let Some((_, transport, local, remote)) = outgoing(&host.what) else {
            return;
        };
        let Some(id) = self.context.identity.named(&host.computer) else {
            return;
        };
        let (time, provenance) = (event.time, event.provenance);
        let tuple = (transport, local, remote);
        let actor = actor_of(event, host, id, self.context);
        let log = log_of(host);

        // The packets' attempt, the nearest that this log has not told of yet; one that was seen to begin
        // before traffic that may be of the connection before.
        let attempts = self.joins.attempts.get(&tuple).cloned().unwrap_or_default();
        let near: Vec<u64> = attempts
            .into_iter()
            .filter(|a| self.near(*a, number))
            .collect();
        let untold = near
            .iter()
            .copied()
            .filter(|a| !self.waiting.told(*a, log))
            .min_by_key(|a| (self.found_midway(*a), self.apart(*a, number)));
        wait(&mut self.joins.records, tuple, number);
        if let Some(attempt) = untold {
            return self.tie(attempt, number, Strength::Exact);
        }
        if let Some(first) = near.first().and_then(|a| self.waiting.get(*a)) {
            let first = first.provenance;
            return self.mark(number, Socket::Again(first));
        }

        // The same connection in another record of the host.
        let records = self.joins.records.get(&tuple).cloned().unwrap_or_default();
        for other in records {
            if other == number || !self.near(other, number) || !self.stands_alone(other) {
                continue;
            }
            if let Some(first) = self.beside(other, number, log, &actor) {
                return self.mark(number, first);
            }
        }
        // A connection is made once: another Sysmon 3 is another connection.
        let proven = log == Told::SYSMON && transport == Transport::TCP;
        if !proven && let Some(first) = self.again.of(id, tuple) {
            return self.mark(number, Socket::Again(first));
        }
        self.again.made(id, tuple, time, provenance);
        let made = (log == Told::SYSMON).then_some(provenance);
        let first = Socket::First {
            actor,
            made,
            unresolved: None,
        };
        self.mark(number, first);
        self.nat_record(number, id);
    }

    /// True if the two waiting events can be of one moment.
    pub(super) fn near(&self, a: u64, b: u64) -> bool {
        let (Some(a), Some(b)) = (self.waiting.get(a), self.waiting.get(b)) else {
            return false;
        };
        let doubt = self.context.clocks.between(a, b, &self.context.identity);
        doubt < NO_ZONE && a.time.since(b.time).abs() <= WINDOW.plus(doubt)
    }

    fn found_midway(&self, attempt: u64) -> bool {
        matches!(
            self.waiting.get(attempt).map(|e| &e.what),
            Some(What::Attempt(attempt)) if attempt.outcome == Outcome::Midstream
        )
    }

    fn apart(&self, a: u64, b: u64) -> i64 {
        match (self.waiting.get(a), self.waiting.get(b)) {
            (Some(a), Some(b)) => a.time.since(b.time).abs().0,
            _ => i64::MAX,
        }
    }

    /// True for a record that stands for its connection so far.
    pub(super) fn stands_alone(&self, record: u64) -> bool {
        matches!(
            self.waiting.get(record).map(|e| &e.what),
            Some(What::Host(host)) if host.socket.as_deref().is_some_and(Socket::counts)
        )
    }

    fn mark(&mut self, record: u64, socket: Socket) {
        if let Some(Event {
            what: What::Host(host),
            ..
        }) = self.waiting.get_mut(record)
        {
            host.socket = Some(Box::new(socket));
        }
    }

    /// Ties the process of a record, and what is tied to that record, to an attempt.
    pub(super) fn tie(&mut self, attempt: u64, record: u64, strength: Strength) {
        let Some(event) = self.waiting.get(record) else {
            return;
        };
        let What::Host(host) = &event.what else {
            return;
        };
        let mut actor = match host.socket.as_deref() {
            Some(Socket::First { actor, .. }) => actor.clone(),
            _ => match self.context.identity.named(&host.computer) {
                Some(id) => actor_of(event, host, id, self.context),
                None => return,
            },
        };
        actor.strength = strength;
        let log = log_of(host);
        let Some(packet) = self.waiting.get_mut(attempt) else {
            return;
        };
        let first = packet.provenance;
        if let What::Attempt(attempt) = &mut packet.what {
            match &mut attempt.actor {
                Some(held) if held.strength <= strength && held.strength != Strength::Comment => {
                    add(held, &actor);
                }
                held => *held = Some(Box::new(actor)),
            }
        }
        self.waiting.tell(attempt, log);
        self.mark(record, Socket::OnTheWire(first));
    }

    /// Adds what the record `number` tells to `first`, which stands for the same connection; how
    /// `number` stands to it, or `None` if they are of two processes.
    fn beside(&mut self, first: u64, number: u64, log: Told, actor: &Actor) -> Option<Socket> {
        let new = self.waiting.get(number)?.provenance;
        let Event {
            provenance,
            what: What::Host(host),
            ..
        } = self.waiting.get_mut(first)?
        else {
            return None;
        };
        let same_log = log_of(host) == log;
        let provenance: Provenance = *provenance;
        let Some(Socket::First {
            actor: held, made, ..
        }) = host.socket.as_deref_mut()
        else {
            return None;
        };
        if held.computer != actor.computer || held.process.pid != actor.process.pid {
            return None;
        }
        if same_log {
            return Some(Socket::Again(provenance));
        }
        if log == Told::SYSMON {
            *made = made.or(Some(new));
        }
        add(held, actor);
        Some(Socket::Beside(provenance))
    }
}

/// The log that holds a record of a connection.
fn log_of(host: &HostEvent) -> Told {
    match host.what {
        HostWhat::Connected { .. } => Told::SYSMON,
        _ => Told::PLATFORM,
    }
}

/// Adds what another record of the same connection tells.
fn add(held: &mut Actor, other: &Actor) {
    held.process.guid = held.process.guid.or(other.process.guid);
    held.started = held.started.or(other.started);
    if held.service.is_none() {
        held.service.clone_from(&other.service);
    }
    for record in &other.told_by {
        if held.told_by.len() < TOLD_BY && !held.told_by.contains(record) {
            held.told_by.push(*record);
        }
    }
}

/// The process as a record names it, with what its start record adds.
pub(super) fn actor_of(event: &Event, host: &HostEvent, id: HostId, context: &Context) -> Actor {
    let process = match &host.what {
        HostWhat::Filtered { process, .. } | HostWhat::Connected { process, .. } => process.clone(),
        _ => Process::default(),
    };
    let mut actor = Actor {
        computer: host.computer.clone(),
        process,
        started: None,
        service: None,
        strength: Strength::Exact,
        told_by: vec![event.provenance],
    };
    complete(&mut actor, id, event.time, context);
    actor
}

/// Adds what the record of its start tells of a process.
pub(super) fn complete(actor: &mut Actor, host: HostId, time: Timestamp, context: &Context) {
    let processes = &context.processes;
    let named = actor.process.guid.as_ref();
    let known = named
        .and_then(|guid| processes.with_guid(host, guid))
        .or_else(|| {
            let pid = actor.process.pid?;
            processes.instance_at(host, pid, time, &actor.process.image)
        });
    if let Some(known) = known {
        actor.process.guid = actor.process.guid.or(known.guid);
        actor.process.image = known.image.clone();
        actor.started = known.started;
        actor.service = known.service.clone();
    }
}
