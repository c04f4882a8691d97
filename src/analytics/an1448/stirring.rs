//! What the target of a magic packet did after it, to the moment: a host that answers between its signal
//! and its start was running.
//!
//! Answers to ARP and neighbour discovery are left out, for the card of a host that sleeps gives them.

use super::Sender;
use super::settings::SignallingSettings;
use super::waking::sender_of;
use crate::context::Context;
use crate::model::{Attempt, Event, FlowEnd, Outcome, Span, Timestamp, Transport, What};
use std::collections::BTreeMap;

/// Signs held per sender. There is one a second and kind of each target at most.
const SIGNS: usize = 1_024;
/// Signs closer than this are one: the last counts.
const NEAR: Span = Span::seconds(1);
/// Connections to administrative ports of targets held per sender.
const CAME: usize = 64;

/// A sign of life.
#[derive(Clone, Debug)]
pub(super) struct Stir {
    /// What shows it.
    pub(super) event: Event,
    /// When.
    pub(super) at: Timestamp,
    /// What it did: `answered`.
    pub(super) how: &'static str,
}

impl Stir {
    /// True if the host's own log tells it.
    pub(super) fn is_logged(&self) -> bool {
        matches!(self.event.what, What::Host(_))
    }
}

/// The targets whose sign of life an event is, with when.
fn stirs(event: &Event, context: &Context) -> Vec<([u8; 6], Timestamp, &'static str)> {
    let identity = &context.identity;
    match &event.what {
        What::Attempt(attempt) => {
            let (from, to) = (attempt.initiator.address, attempt.responder.address);
            let mut told = Vec::new();
            let mut add = |address, at, how| {
                told.extend(identity.mac_at(address, at).map(|mac| (mac, at, how)));
            };
            if attempt.tries > 0 || attempt.packets[0] > 0 {
                add(from, event.time, "spoke");
            }
            if matches!(
                attempt.outcome,
                Outcome::Established | Outcome::HalfOpen | Outcome::Rejected
            ) {
                add(to, attempt.decided, "answered");
            }
            let [by_initiator, by_responder] = lasted(attempt);
            let pings = attempt.icmp.is_some();
            if by_initiator {
                let how = if pings {
                    "pinged others until"
                } else {
                    "spoke"
                };
                add(from, attempt.ended, how);
            }
            if by_responder {
                let how = if pings {
                    "answered pings until"
                } else {
                    "answered"
                };
                add(to, attempt.ended, how);
            }
            told
        }
        What::Host(host) => {
            let Some(id) = identity.named(&host.computer) else {
                return Vec::new();
            };
            let macs = identity.called_of(id, event.time);
            macs.into_iter()
                .map(|mac| (mac, event.time, "wrote a record"))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Whether initiator and responder were alive when a flow ended: whose last packets are not answered may
/// be gone since long.
fn lasted(attempt: &Attempt) -> [bool; 2] {
    let answered = attempt.packets[0] == attempt.packets[1];
    match (attempt.transport, attempt.end) {
        _ if attempt.outcome != Outcome::Established => [false, false],
        (Transport::ICMP | Transport::ICMPV6, _) => [answered, answered],
        (Transport::TCP, FlowEnd::Closed) => [attempt.packets[0] > 0, attempt.packets[1] > 0],
        (Transport::TCP, FlowEnd::ResetByInitiator) => [true, false],
        (Transport::TCP, FlowEnd::ResetByResponder) => [false, true],
        _ => [false, false],
    }
}

/// The senders that called a host, within `within` before the event shows it alive.
pub(super) fn callers_of(
    event: &Event,
    within: Span,
    context: &Context,
    each: &mut dyn FnMut(Sender),
) {
    let identity = &context.identity;
    if !identity.is_anybody_called() {
        return;
    }
    for (mac, at, _) in stirs(event, context) {
        for call in identity.calls_of(&mac, at, within) {
            each(sender_of(call.sender, call.sender_mac, call.time, context));
        }
    }
}

/// The signs of life of one sender's targets, and who else came to them.
#[derive(Default)]
pub(super) struct Stirring {
    held: BTreeMap<[u8; 6], Vec<Stir>>,
    count: usize,
    // Connections to administrative ports, made or left half open.
    came: Vec<([u8; 6], Event)>,
}

impl Stirring {
    /// How many are held.
    pub(super) fn held(&self) -> usize {
        self.count + self.came.len()
    }

    /// Takes in what an event shows of hosts that were called.
    pub(super) fn hear(
        &mut self,
        event: &Event,
        settings: &SignallingSettings,
        context: &Context,
        dropped: &mut u64,
    ) {
        let identity = &context.identity;
        let within = settings.admin_within.max(settings.wake_within);
        if !identity.is_anybody_called() {
            return;
        }
        if let What::Attempt(attempt) = &event.what
            && settings.admin_ports.contains(&attempt.responder.port)
            && attempt.was_let_in()
            && self.came.len() < CAME
            && let Some(mac) = identity.mac_at(attempt.responder.address, event.time)
            && identity.calls_of(&mac, event.time, within).next().is_some()
        {
            self.came.push((mac, event.clone()));
        }
        for (mac, at, how) in stirs(event, context) {
            if identity.calls_of(&mac, at, within).next().is_none() {
                continue;
            }
            let stir = Stir {
                event: event.clone(),
                at,
                how,
            };
            let held = self.held.entry(mac).or_default();
            let same = held.iter_mut().rev().take(2).find(|old| {
                old.is_logged() == stir.is_logged() && stir.at.since(old.at).abs() < NEAR
            });
            match same {
                Some(old) if old.at <= stir.at => *old = stir,
                Some(_) => {}
                None if self.count < SIGNS => {
                    held.push(stir);
                    self.count += 1;
                }
                None => *dropped += 1,
            }
        }
    }

    /// Forgets what was before `time`.
    pub(super) fn forget(&mut self, time: Timestamp) {
        self.held.values_mut().for_each(|held| {
            held.retain(|stir| stir.at >= time);
        });
        self.held.retain(|_, held| !held.is_empty());
        self.came.retain(|(_, event)| event.time >= time);
        self.count = self.held.values().map(Vec::len).sum();
    }

    /// The connections to administrative ports of `mac`, made or left half open, whoever came.
    pub(super) fn came(&self, mac: [u8; 6]) -> impl Iterator<Item = &Event> {
        let to = self.came.iter().filter(move |(to, _)| *to == mac);
        to.map(|(_, event)| event)
    }

    /// The last sign of `mac` between two moments that `wanted` wants.
    pub(super) fn last(
        &self,
        mac: &[u8; 6],
        (from, to): (Timestamp, Timestamp),
        wanted: impl Fn(&Stir) -> bool,
    ) -> Option<&Stir> {
        let held = self.held.get(mac)?;
        let between = held.iter().filter(|s| s.at > from && s.at < to);
        between.filter(|s| wanted(s)).max_by_key(|s| s.at)
    }
}
