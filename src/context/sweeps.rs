//! Who tried the same port of many hosts around the same time, by packets: whoever sweeps a network did not
//! knock on one host.
//!
//! What is kept is bounded. Beyond that a hash decides, so that what is kept does not depend on what was read
//! first; a sweep that is forgotten excuses nothing.

use crate::model::{Event, Outcome, Span, Timestamp, Transport, What};
use foldhash::fast::FixedState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::net::IpAddr;

/// Sources, each with a port and a stretch of time, that are remembered.
const HELD: usize = 16_384;
/// Targets remembered of each.
const TARGETS: usize = 5;
/// How long a stretch is.
const STRETCH: Span = Span::seconds(300);

/// Source, port, and which stretch since 1970.
type Key = (IpAddr, u16, i64);

/// Which sources tried a port of which hosts in vain.
#[derive(Clone, Debug, Default)]
pub struct Sweeps {
    // In the order of their hashes.
    held: BTreeMap<(u64, Key), Vec<IpAddr>>,
    /// True if there were more than are remembered.
    pub left_out: bool,
}

fn stretch(time: Timestamp) -> i64 {
    time.0.div_euclid(STRETCH.0)
}

fn hashed(key: Key) -> (u64, Key) {
    (FixedState::default().hash_one(key), key)
}

impl Sweeps {
    /// Takes in an event.
    pub fn observe(&mut self, event: &Event) {
        if let What::Attempt(attempt) = &event.what
            && attempt.transport == Transport::TCP
            && matches!(
                attempt.outcome,
                Outcome::Unanswered | Outcome::Rejected | Outcome::Unreachable(_)
            )
        {
            let (source, target) = (attempt.initiator.address, attempt.responder);
            let key = (source, target.port, stretch(event.time));
            self.add(hashed(key), target.address);
        }
    }

    fn add(&mut self, key: (u64, Key), target: IpAddr) {
        if !self.held.contains_key(&key) && self.held.len() >= HELD {
            self.left_out = true;
            match self.held.last_key_value() {
                Some((last, _)) if key < *last => self.held.pop_last(),
                _ => return,
            };
        }
        let targets = self.held.entry(key).or_default();
        if let Err(place) = targets.binary_search(&target) {
            targets.insert(place, target);
            targets.truncate(TARGETS);
        }
    }

    /// Takes over what another has seen.
    pub fn merge(&mut self, other: Self) {
        self.left_out |= other.left_out;
        for (key, targets) in other.held {
            targets.into_iter().for_each(|target| self.add(key, target));
        }
    }

    /// On how many hosts beside the one with the addresses `own` the source tried that port in vain within ten
    /// minutes of `at`; four are counted.
    pub fn others(&self, source: IpAddr, port: u16, at: Timestamp, own: &[IpAddr]) -> usize {
        let around = stretch(at) - 1..=stretch(at) + 1;
        let held = around.filter_map(|of| self.held.get(&hashed((source, port, of))));
        let others: BTreeSet<_> = held.flatten().filter(|t| !own.contains(t)).collect();
        others.len().min(TARGETS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn what_is_kept_does_not_depend_on_what_was_read_first() {
        let keys = || (0..HELD as u32 + 500).map(|n| hashed((address(n), 22, 7)));
        let read = |keys: &mut dyn Iterator<Item = (u64, Key)>| {
            let mut sweeps = Sweeps::default();
            keys.for_each(|key| (1..9).for_each(|n| sweeps.add(key, address(n))));
            sweeps
        };
        let forwards = read(&mut keys());
        let mut in_two = read(&mut keys().skip(9_000));
        in_two.merge(read(&mut keys().take(9_000)));
        let backwards = read(&mut keys().collect::<Vec<_>>().into_iter().rev());
        assert!(forwards.left_out && forwards.held.len() == HELD);
        assert_eq!(forwards.held, backwards.held);
        assert_eq!((forwards.held, true), (in_two.held, in_two.left_out));
    }

    #[test]
    fn the_host_itself_and_other_times_are_not_counted() {
        let mut sweeps = Sweeps::default();
        let at = |minute: i64| Timestamp(minute * 60_000_000_000);
        for n in 1..=4 {
            sweeps.add(hashed((address(9), 22, stretch(at(100)))), address(n));
        }
        let others = |minute, own: &[IpAddr]| sweeps.others(address(9), 22, at(minute), own);
        assert_eq!(others(100, &[]), 4);
        assert_eq!(others(109, &[address(1)]), 3);
        assert_eq!(others(110, &[]), 0);
    }
}
