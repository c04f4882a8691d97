//! What one source reached for in the test period, and what became of it.

use super::settings::FailedConnectionsSettings;
use super::target::{Failure, PORTS, Target};
use super::unclear::Unclear;
use super::witness::Witnesses;
use crate::analytics::kit::contact::{Contact, Fate, Form};
use crate::analytics::room::tree;
use crate::context::activity::{INACTIVE_AFTER, counted_as, segment_of};
use crate::context::baseline::Day;
use crate::context::{Context, Place};
use crate::model::net::is_group_or_wildcard;
use crate::model::{Outcome, Span, Timestamp, Transport, What};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Targets remembered of one source; what lies beyond is counted, and 2,048 are alarming already.
const TARGETS: usize = 2_048;
/// Targets whose first failure is kept to be shown.
const SHOWN: usize = 48;
/// Addresses remembered of answered lookups.
const NAMED: usize = 4_096;
/// How much later than the connection the record of its lookup may be placed (Sysmon 22).
const NAMED_LATE: Span = Span::seconds(10);
/// The targets of the test period.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    // In boxes: most sources have few targets, and the leaves of a tree are as large as for many.
    held: BTreeMap<IpAddr, Box<Target>>,
    /// Targets whose first failure is kept.
    shown: usize,
    expires: BTreeSet<(Timestamp, IpAddr)>,
    named: BTreeMap<IpAddr, Timestamp>,
    /// The same by time.
    named_order: BTreeSet<(Timestamp, IpAddr)>,
    /// The begin of the test period.
    since: Timestamp,
    /// Attempts whose outcome no evidence tells.
    pub untold: u64,
    /// Of these, the ones whose target may be missing.
    pub unclear: Unclear,
    /// What the log tells of connections of the programs whose attempts count as failed by it.
    pub witnesses: Witnesses,
}

/// What taking in a contact changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that counts.
    None,
    /// A target is there: it answered or refused.
    Reached(IpAddr),
    /// A target failed that was active a moment ago: nobody calls it missing.
    There(IpAddr),
    /// A missing target failed for which there is no room.
    LeftOut(IpAddr),
    /// Another failure of a target that was counted already.
    Again(IpAddr),
    /// One more target is missing.
    Missing(IpAddr),
    /// One more address of the Internet failed.
    Outside(IpAddr),
}

impl Targets {
    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        let by_time = [&self.expires, &self.named_order];
        tree::<IpAddr, Box<Target>>(self.held.len())
            + self.held.len() * (size_of::<Target>() + 128)
            + self.shown * 512
            + tree::<IpAddr, Timestamp>(self.named.len())
            + self.unclear.weight()
            + self.witnesses.weight()
            + by_time
                .map(|set| tree::<(Timestamp, IpAddr), ()>(set.len()))
                .iter()
                .sum::<usize>()
    }

    /// An answered lookup named these addresses: whoever asks by name explores nothing. Of more than
    /// are remembered, the latest.
    pub fn name(&mut self, addresses: &[IpAddr], time: Timestamp) {
        for address in addresses {
            if let Some(before) = self.named.insert(*address, time) {
                self.named_order.remove(&(before, *address));
            }
            self.named_order.insert((time, *address));
            if self.named.len() > NAMED
                && let Some((_, oldest)) = self.named_order.pop_first()
            {
                self.named.remove(&oldest);
            }
            // A host writes of a lookup later than of the connection that it led to.
            if let Some(target) = self.held.get_mut(address)
                && !target.internal
                && let Some((first, _)) = target.failed
                && time.since(first) <= NAMED_LATE
            {
                target.missing = None;
            }
        }
    }

    /// Takes in a contact of `place`.
    pub fn hear(
        &mut self,
        contact: &Contact<'_>,
        settings: &FailedConnectionsSettings,
        context: &Context,
        dropped: &mut u64,
    ) -> Change {
        let time = contact.event.time;
        self.since = time.shifted(settings.test.negated());
        self.forget(self.since);
        let address = contact.remote.address;
        if address.is_loopback()
            || is_group_or_wildcard(address)
            || address == contact.local.address
            || is_own(contact.from, address, time, context)
        {
            return Change::None;
        }
        let outcome = match outcome(contact, context) {
            Ok(outcome) => outcome,
            Err(untold) => {
                if untold {
                    self.untold += 1;
                    self.unclear.wonder(contact, self.since, context);
                }
                return Change::None;
            }
        };
        let internal = context.assets.is_internal(address);
        if !self.held.contains_key(&address) && self.held.len() >= TARGETS {
            *dropped += 1;
            let life = context.activity.state(address, time, INACTIVE_AFTER);
            let missing = life.is_missing(context.activity.listening(time));
            return match outcome.is_some() && missing {
                true => Change::LeftOut(address),
                false => Change::None,
            };
        }
        let target = self.held.entry(address);
        let target = target.or_insert_with(|| Box::new(Target::new(internal, time)));
        self.expires.remove(&(target.last, address));
        target.last = target.last.max(time);
        self.expires.insert((target.last, address));
        let Some(failure) = outcome else {
            target.reached = Some(time);
            return Change::Reached(address);
        };
        let life = context.activity.state(address, time, INACTIVE_AFTER);
        if !life.is_missing(context.activity.listening(time)) {
            return Change::There(address);
        }
        if failure == Failure::LoggedOnly {
            self.witnesses.failed(contact);
        }
        // What failed a test period ago or earlier is told no more, though it still fails.
        let old = |first: Timestamp| time.since(first) >= settings.test;
        let new = target.missing.is_none() || target.failed.is_some_and(|(first, _)| old(first));
        if new {
            target.begin(life);
            let keep = self.shown < SHOWN;
            self.shown -= usize::from(target.event.is_some());
            target.event = keep.then(|| contact.event.clone());
            target.cited = Some(contact.event.provenance);
            self.shown += usize::from(target.event.is_some());
        }
        // More is known of its segment, and of others, as time goes on.
        target.vouched |= failure != Failure::Silence && failure != Failure::LoggedOnly
            || context
                .activity
                .vouched(address, contact.local.address, time);
        target.shared = context.contacts.shared(address, Day::of(time));
        let (first, _) = target.failed.unwrap_or((time, time));
        target.failed = Some((first.min(time), time));
        // The question to the segment counted already.
        if contact.question().is_none() {
            target.tries.add(contact);
        }
        if contact.remote.port != 0 && target.ports.len() < PORTS {
            target.ports.insert(contact.remote.port);
        }
        target.failures.insert(failure);
        target.shown_by[0] |= contact.on_wire();
        target.shown_by[1] |= contact.logged();
        if target.who.is_none() {
            target.who = contact
                .actor
                .map(|actor| (actor.process.image.to_string(), actor.process.pid));
        }
        match (new, target.internal) {
            (false, _) => Change::Again(address),
            (true, true) => Change::Missing(address),
            (true, false) if self.named.contains_key(&address) => {
                target.missing = None;
                Change::None
            }
            (true, false) => Change::Outside(address),
        }
    }

    fn forget(&mut self, before: Timestamp) {
        while let Some((last, address)) = self.expires.first().copied() {
            if last >= before {
                break;
            }
            self.expires.pop_first();
            let gone = self.held.remove(&address);
            self.shown -= usize::from(gone.is_some_and(|t| t.event.is_some()));
        }
    }

    /// A target of the test period.
    pub fn get(&self, address: IpAddr) -> Option<&Target> {
        self.held.get(&address).map(|target| &**target)
    }

    /// Targets that failed in the test period while they were missing, and were not reached since:
    /// those inside the network, or those outside.
    pub fn failing(&self, internal: bool) -> impl Iterator<Item = (IpAddr, &Target)> {
        self.held
            .iter()
            .filter(move |(_, t)| t.internal == internal && t.missing.is_some())
            .filter(|(_, t)| {
                t.failed.is_some_and(|(_, last)| {
                    last >= self.since && t.reached.is_none_or(|at| at < last)
                })
            })
            .map(|(address, target)| (*address, &**target))
    }

    /// How many are missing: M. Random IPv6 addresses count by their /64.
    pub fn count(&self, internal: bool) -> u32 {
        distinct(self.failing(internal).map(|(address, _)| address))
    }

    /// Distinct targets with a known outcome, inside the network or outside; there without those
    /// that failed after a lookup.
    pub fn reached_for(&self, internal: bool) -> u32 {
        distinct(self.known(internal).map(|(address, _)| address))
    }

    /// The same one by one, each with when it was last reached for.
    pub fn known(&self, internal: bool) -> impl Iterator<Item = (IpAddr, Timestamp)> {
        let held = self.held.iter().filter(move |(_, t)| {
            t.internal == internal && (internal || t.reached.is_some() || t.missing.is_some())
        });
        held.map(|(address, t)| (*address, t.last))
    }

    /// Targets that answered or refused, and when they last did: those inside the network, or those
    /// outside.
    pub fn answering(&self, internal: bool) -> impl Iterator<Item = (IpAddr, Timestamp)> {
        let held = self
            .held
            .iter()
            .filter(move |(_, t)| t.internal == internal);
        held.filter_map(|(address, t)| Some((*address, t.reached?)))
    }
}

/// How many targets addresses are: random IPv6 ones count by their /64.
pub fn distinct(addresses: impl Iterator<Item = IpAddr>) -> u32 {
    addresses.map(counted_as).collect::<BTreeSet<_>>().len() as u32
}

/// How the source fared with them, in the words before and behind whom it is about. Where a record is
/// absent and nothing else tells, it is not said that they failed.
pub fn fared<'a>(targets: impl Iterator<Item = &'a Target>) -> [&'static str; 2] {
    let by_absence = |t: &Target| t.failures.iter().eq([&Failure::LoggedOnly]);
    let (absent, failed): (Vec<_>, Vec<_>) = targets.partition(|t| by_absence(t));
    match (absent.is_empty(), failed.is_empty()) {
        (true, _) => ["failed to reach", ""],
        (false, true) => ["tried", ", and logged no connection to them"],
        (false, false) => ["failed to reach, or logged no connection to,", ""],
    }
}

/// Distinct neighbourhoods of targets.
pub fn segments<'a>(targets: impl Iterator<Item = &'a IpAddr>) -> usize {
    targets
        .map(|address| segment_of(*address))
        .collect::<BTreeSet<_>>()
        .len()
}

fn is_own(place: Place, address: IpAddr, time: Timestamp, context: &Context) -> bool {
    match place {
        Place::Address(own) => own == address,
        Place::Host(id) => context
            .identity
            .addresses_at(id, time)
            .any(|a| a == address),
    }
}

/// True if an ICMP error came from the target itself: whoever says it is there.
fn said_by_target(contact: &Contact<'_>) -> bool {
    match &contact.event.what {
        What::Attempt(attempt) => match attempt.outcome {
            Outcome::Unreachable(refusal) => refusal.from == contact.remote.address,
            _ => false,
        },
        _ => false,
    }
}

/// How it failed, `None` if the target is there; an error if no evidence tells (true if it is an
/// attempt that would count).
fn outcome(contact: &Contact<'_>, context: &Context) -> Result<Option<Failure>, bool> {
    match (contact.fate, contact.form) {
        (Fate::Answered | Fate::Refused, _) => Ok(None),
        (Fate::Prohibited, _) if said_by_target(contact) => Ok(None),
        (Fate::Unreachable, form) if form == Form::Resolution || contact.question().is_some() => {
            Ok(Some(Failure::NoNeighbour))
        }
        (Fate::Unreachable, _) => Ok(Some(Failure::Unreachable)),
        // Default Windows answers no pings, so silence after one is no failure.
        (Fate::Unanswered, Form::Connection) => Ok(Some(Failure::Silence)),
        (Fate::Untold, Form::Connection)
            if contact.transport == Transport::TCP && !contact.on_wire() =>
        {
            let Place::Host(id) = contact.from else {
                return Err(true);
            };
            let (port, at) = (contact.remote.port, contact.event.time);
            if context
                .coverage
                .tells_outcome(id, contact.image(), port, at)
            {
                Ok(Some(Failure::LoggedOnly))
            } else {
                Err(true)
            }
        }
        _ => Err(false),
    }
}
