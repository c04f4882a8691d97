//! Which addresses speak in the captures, and whether both directions of their talk were captured.

use crate::context::clocks::anchors as clocks;
use crate::model::attempt::Attempt;
use crate::model::neighbour::{Neighbour, Solicitation};
use crate::model::{Event, EvidenceId, Outcome, Timestamp, Transport};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Addresses that are remembered; beyond, absence is not claimed.
const MOST: usize = 200_000;
/// TCP attempts without a single one in both directions, from which on a capture is suspect.
const SUSPECT: u64 = 10;

/// What the captures hold of one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// TCP attempts with this address on either end.
    pub attempts: u64,
    /// TCP attempts whose SYN was captured.
    pub syns: u64,
    /// Of those, the ones with any answer.
    pub answered: u64,
    /// Conversations of any transport with packets of both ends.
    pub both: u64,
    /// Conversations in which only this address was heard.
    pub only_it: u64,
    /// Conversations in which only the other end was heard.
    pub only_others: u64,
    /// TCP attempts that show by themselves that the other direction is not in the captures: the
    /// initiator went on as after an answer, or there is an answer to nothing.
    pub torn: u64,
    // First sign of life, and which sensor's clock says so.
    alive: Option<(Timestamp, clocks::Sensor)>,
}

impl Sides {
    /// True if there is talk enough and never of both ends: the capture may hold one direction
    /// only. A host that answers nobody looks the same.
    pub fn one_sided(&self) -> bool {
        self.attempts >= SUSPECT && self.both == 0
    }

    /// True if there is talk enough and never of both ends, and some of it was answered: the captures
    /// hold one direction.
    pub fn torn(&self) -> bool {
        self.one_sided() && self.torn > 0
    }

    fn add(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.syns += other.syns;
        self.answered += other.answered;
        self.both += other.both;
        self.only_it += other.only_it;
        self.only_others += other.only_others;
        self.torn += other.torn;
        self.alive = match (self.alive, other.alive) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// The addresses in the captures, up to a bound.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    // Asked by address; walked only where the order makes no difference.
    addresses: HashMap<IpAddr, Sides, RandomState>,
    full: bool,
    // TCP attempts whose SYN was captured, and those of them with any answer: by capture.
    syns: BTreeMap<EvidenceId, [u64; 2]>,
    // Conversations that came about, of any transport.
    established: u64,
}

impl Wire {
    pub(super) fn attempt(&mut self, event: &Event, attempt: &Attempt) {
        let tcp = attempt.transport == Transport::TCP;
        let syn = attempt.asked();
        let silent = matches!(attempt.outcome, Outcome::Unanswered | Outcome::Aborted);
        let [from, to] = attempt.packets.map(|n| n > 0);
        let torn = attempt.outcome == Outcome::OneSided || silent && attempt.went_on();
        // The responder's first packet lies before what it decided, or else before the end.
        let answered = match attempt.outcome {
            Outcome::Unanswered | Outcome::Aborted | Outcome::Unreachable(_) => attempt.ended,
            _ => attempt.decided.min(attempt.ended),
        };
        if syn {
            let [syns, answered] = self.syns.entry(event.provenance.evidence).or_default();
            *syns += 1;
            *answered += u64::from(!silent);
        }
        self.established += u64::from(attempt.succeeded());
        let sensor = clocks::sensor_of(&event.provenance);
        for (address, sent, received, at) in [
            (attempt.initiator.address, from, to, event.time),
            (attempt.responder.address, to, from, answered),
        ] {
            let one = Sides {
                attempts: u64::from(tcp),
                syns: u64::from(syn),
                answered: u64::from(syn && !silent),
                both: u64::from(sent && received),
                only_it: u64::from(sent && !received),
                only_others: u64::from(received && !sent),
                torn: u64::from(torn),
                alive: sent.then_some((at, sensor)),
            };
            self.add(address, &one);
        }
    }

    pub(super) fn neighbour(&mut self, event: &Event, neighbour: &Neighbour) {
        let sides = Sides {
            alive: Some((event.time, clocks::sensor_of(&event.provenance))),
            ..Sides::default()
        };
        self.add(neighbour.address, &sides);
    }

    pub(super) fn solicitation(&mut self, event: &Event, asked: &Solicitation) {
        let sides = Sides {
            alive: Some((event.time, clocks::sensor_of(&event.provenance))),
            ..Sides::default()
        };
        self.add(asked.asker, &sides);
    }

    fn add(&mut self, address: IpAddr, sides: &Sides) {
        let room = self.addresses.len() < MOST;
        match self.addresses.get_mut(&address) {
            Some(held) => held.add(sides),
            None if room => {
                self.addresses.insert(address, *sides);
            }
            None => self.full = true,
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        // Without the bound, which the other kept too: whom it would leave out is up to the order.
        for (address, sides) in other.addresses {
            self.addresses.entry(address).or_default().add(&sides);
        }
        self.full |= other.full;
        for (capture, [syns, answered]) in other.syns {
            let held = self.syns.entry(capture).or_default();
            *held = [held[0] + syns, held[1] + answered];
        }
        self.established += other.established;
    }

    pub(super) fn retime(&mut self, time: impl Fn(clocks::Sensor, Timestamp) -> Timestamp) {
        for (at, sensor) in self.addresses.values_mut().filter_map(|s| s.alive.as_mut()) {
            *at = time(*sensor, *at);
        }
    }

    pub(super) fn alive_since(&self, address: IpAddr) -> Option<Timestamp> {
        Some(self.addresses.get(&address)?.alive?.0)
    }

    /// Whether packets of this address were captured; `None` if too many addresses were seen to
    /// say no.
    pub fn holds(&self, address: IpAddr) -> Option<bool> {
        match self.addresses.contains_key(&address) {
            false if self.full => None,
            held => Some(held),
        }
    }

    /// True if there are SYNs enough in the captures, and not one answer; or in one of these captures by
    /// itself: that another one holds answers says nothing of it.
    pub fn lacks_answers(&self, captures: impl IntoIterator<Item = EvidenceId>) -> bool {
        let none = |[syns, answered]: [u64; 2]| syns >= SUSPECT && answered == 0;
        let mut of = captures
            .into_iter()
            .filter_map(|capture| self.syns.get(&capture));
        none(self.answers().into()) || of.any(|counts| none(*counts))
    }

    /// The addresses of whose talk the captures hold one direction, in order.
    pub fn torn(&self) -> Vec<IpAddr> {
        let torn = self.addresses.iter().filter(|(_, sides)| sides.torn());
        let mut torn: Vec<IpAddr> = torn.map(|(address, _)| *address).collect();
        torn.sort_unstable();
        torn
    }

    /// TCP attempts whose SYN was seen, and how many of them show any answer.
    pub fn answers(&self) -> (u64, u64) {
        let all = self.syns.values();
        all.fold((0, 0), |(syns, answered), of| {
            (syns + of[0], answered + of[1])
        })
    }

    /// True if some conversation, of any transport, came about.
    pub fn any_came_about(&self) -> bool {
        self.established > 0
    }

    /// What the captures hold of these addresses together.
    pub fn sides<'a>(&self, addresses: impl IntoIterator<Item = &'a IpAddr>) -> Sides {
        let mut all = Sides::default();
        for sides in addresses.into_iter().filter_map(|a| self.addresses.get(a)) {
            all.add(sides);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_conversation_of_both_ends_clears_the_capture() {
        let mut sides = Sides {
            attempts: SUSPECT,
            only_others: SUSPECT,
            ..Sides::default()
        };
        assert!(sides.one_sided());
        sides.both = 1;
        assert!(!sides.one_sided());
        let few = Sides {
            attempts: SUSPECT - 1,
            ..Sides::default()
        };
        assert!(!few.one_sided(), "a few unanswered attempts say nothing");
    }

    #[test]
    fn beyond_the_bound_absence_is_not_claimed() {
        let mut wire = Wire::default();
        let address = |n: usize| IpAddr::from((n as u32).to_be_bytes());
        for n in 0..MOST {
            wire.add(address(n), &Sides::default());
        }
        assert_eq!(wire.holds(address(MOST)), Some(false));
        wire.add(address(MOST), &Sides::default());
        assert_eq!(wire.holds(address(MOST)), None);
        assert_eq!(wire.holds(address(7)), Some(true));
    }
}
