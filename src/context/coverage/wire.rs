//! Which addresses speak in the captures, and whether both directions of their talk were captured.

use super::interval::Interval;
use crate::context::clocks::anchors as clocks;
use crate::model::attempt::Attempt;
use crate::model::neighbour::{Neighbour, Solicitation};
use crate::model::{Event, EvidenceId, Outcome, Span, Timestamp, Transport};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Addresses that are remembered; beyond, absence is not claimed.
const MOST: usize = 200_000;
/// A rotation loses at most this much between two files, and its packets may be out of order by that much.
const ROTATION: Span = Span::seconds(1);
const OVERLAP: Span = Span::millis(50);
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
    // The same of all files of the rotation that a capture is of.
    rotations: BTreeMap<EvidenceId, [u64; 2]>,
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

    /// Joins the captures of each rotation, given in order of their begin: a file that begins where another
    /// ends is of the same sensor, and one of few attempts shows no more than the others of it.
    pub(super) fn join_rotations(&mut self, captures: &[(EvidenceId, Interval)]) {
        let mut chains: BTreeMap<EvidenceId, usize> = BTreeMap::new();
        let mut ends: BTreeMap<(Timestamp, EvidenceId), usize> = BTreeMap::new();
        let mut sums: Vec<[u64; 2]> = Vec::new();
        for (capture, interval) in captures {
            let before = interval.from.shifted(ROTATION.negated());
            let until = interval.from.shifted(OVERLAP);
            let mut ended = ends.range((before, EvidenceId(0))..=(until, EvidenceId(u32::MAX)));
            let chain = ended.next_back().map_or(sums.len(), |(_, chain)| *chain);
            if chain == sums.len() {
                sums.push([0; 2]);
            }
            ends.insert((interval.to, *capture), chain);
            if chains.insert(*capture, chain).is_none()
                && let Some([syns, answered]) = self.syns.get(capture)
            {
                sums[chain][0] += syns;
                sums[chain][1] += answered;
            }
        }
        let sum = |(capture, chain): (EvidenceId, usize)| (capture, sums[chain]);
        self.rotations = chains.into_iter().map(sum).collect();
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
    /// itself or with the other files of its rotation: that another one holds answers says nothing of it.
    pub fn lacks_answers(&self, captures: impl IntoIterator<Item = EvidenceId>) -> bool {
        let none = |[syns, answered]: [u64; 2]| syns >= SUSPECT && answered == 0;
        let mut of = captures.into_iter().flat_map(|capture| {
            let alone = self.syns.get(&capture);
            alone.into_iter().chain(self.rotations.get(&capture))
        });
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
    fn the_files_of_a_rotation_show_together_that_answers_are_not_visible() {
        let second = |n: i64| Timestamp(n * 1_000_000_000);
        let file = |n: u32, from: i64, to: i64| {
            let (from, to) = (second(from), second(to));
            (EvidenceId(n), Interval { from, to })
        };
        let mut wire = Wire::default();
        for (capture, counts) in [(1, [6, 0]), (2, [4, 0]), (3, [9, 9]), (4, [3, 0])] {
            wire.syns.insert(EvidenceId(capture), counts);
        }
        // The third is another sensor's; the fourth begins after a pause.
        wire.join_rotations(&[
            file(1, 0, 99),
            file(3, 1, 300),
            file(2, 100, 200),
            file(4, 202, 300),
        ]);
        let lacks = |n| wire.lacks_answers([EvidenceId(n)]);
        assert_eq!([1, 2, 3, 4].map(lacks), [true, true, false, false]);
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
