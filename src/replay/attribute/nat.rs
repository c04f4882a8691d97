//! Captures beyond address translation: the source address on the wire is not the host's.
//!
//! Only for hosts whose own addresses no packet has, and attempts from addresses that no known host
//! has. Transport, target, port and time are what remains, so the tie is weak; where records of
//! several hosts fit, none is made.

use super::Attribution;
use crate::analytics::kit::contact::outgoing;
use crate::context::{Context, HostId};
use crate::model::{Endpoint, Event, Strength, Transport, What};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeSet;

/// Attempts or records of one target that wait at a time; later ones are not looked at.
const SAME: usize = 256;

type Target = (Transport, Endpoint);

/// What waits, by its target. Asked, never walked in its own order.
#[derive(Default)]
pub(super) struct Nat {
    behind: BTreeSet<HostId>,
    attempts: HashMap<Target, Vec<u64>, RandomState>,
    records: HashMap<Target, Vec<(u64, HostId)>, RandomState>,
}

impl Nat {
    /// For the hosts with logs of connections.
    pub fn of(hosts: &[HostId], context: &Context) -> Self {
        let hidden = |id: &&HostId| {
            let own = context.identity.host(**id).map(|h| h.addresses.as_slice());
            own.is_some_and(|own| {
                !own.is_empty()
                    && own
                        .iter()
                        .all(|a| context.coverage.on_wire(*a) == Some(false))
            })
        };
        let captured = !context.coverage.captures().is_empty();
        Self {
            behind: hosts
                .iter()
                .filter(|id| captured && hidden(id))
                .copied()
                .collect(),
            ..Self::default()
        }
    }

    /// Forgets an event that leaves.
    pub fn forget(&mut self, number: u64, event: &Event) {
        if self.behind.is_empty() {
            return;
        }
        match &event.what {
            What::Attempt(attempt) => {
                let target = (attempt.transport, attempt.responder);
                if let Some(held) = self.attempts.get_mut(&target) {
                    held.retain(|n| *n != number);
                    if held.is_empty() {
                        self.attempts.remove(&target);
                    }
                }
            }
            What::Host(host) => {
                let Some((_, transport, _, remote)) = outgoing(&host.what) else {
                    return;
                };
                let target = (transport, remote);
                if let Some(held) = self.records.get_mut(&target) {
                    held.retain(|(n, _)| *n != number);
                    if held.is_empty() {
                        self.records.remove(&target);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Attribution<'_> {
    /// An attempt from an address that no known host has.
    pub(super) fn nat_attempt(&mut self, number: u64) {
        if self.nat.behind.is_empty() {
            return;
        }
        let Some(What::Attempt(attempt)) = self.waiting.get(number).map(|e| &e.what) else {
            return;
        };
        let (target, port) = (
            (attempt.transport, attempt.responder),
            attempt.initiator.port,
        );
        let held = self.nat.records.get(&target).cloned().unwrap_or_default();
        let fitting: Vec<(u64, HostId)> = held
            .into_iter()
            .filter(|(n, _)| self.near(number, *n) && self.stands_alone(*n))
            .collect();
        let one_host = fitting.windows(2).all(|w| w[0].1 == w[1].1);
        let same_port = fitting
            .iter()
            .find(|(n, _)| self.source_port(*n) == Some(port));
        match same_port.or(fitting.first()) {
            Some((record, _)) if one_host => self.tie(number, *record, Strength::Weak),
            _ => {
                let held = self.nat.attempts.entry(target).or_default();
                if held.len() < SAME {
                    held.push(number);
                }
            }
        }
    }

    /// A record that no attempt with its endpoints belongs to.
    pub(super) fn nat_record(&mut self, number: u64, host: HostId) {
        if !self.nat.behind.contains(&host) {
            return;
        }
        let Some(What::Host(event)) = self.waiting.get(number).map(|e| &e.what) else {
            return;
        };
        let Some((_, transport, local, remote)) = outgoing(&event.what) else {
            return;
        };
        let target = (transport, remote);
        let others = self.nat.records.get(&target).cloned().unwrap_or_default();
        let several = others
            .iter()
            .any(|(n, other)| *other != host && self.near(number, *n));
        let held = self.nat.attempts.get(&target).cloned().unwrap_or_default();
        let free = |a: &&u64| {
            self.near(**a, number)
                && matches!(
                    self.waiting.get(**a).map(|e| &e.what),
                    Some(What::Attempt(attempt)) if attempt.actor.is_none()
                )
        };
        let fitting: Vec<u64> = held.iter().filter(free).copied().collect();
        let same_port = fitting
            .iter()
            .find(|a| self.source_port(**a) == Some(local.port));
        match same_port.or(fitting.first()).copied() {
            Some(attempt) if !several => self.tie(attempt, number, Strength::Weak),
            _ => {
                let held = self.nat.records.entry(target).or_default();
                if held.len() < SAME {
                    held.push((number, host));
                }
            }
        }
    }

    fn source_port(&self, number: u64) -> Option<u16> {
        match &self.waiting.get(number)?.what {
            What::Attempt(attempt) => Some(attempt.initiator.port),
            What::Host(host) => outgoing(&host.what).map(|(_, _, local, _)| local.port),
            _ => None,
        }
    }
}
