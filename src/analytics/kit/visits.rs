//! Which open ports the sources of touches reached, around their touches too: a scanner meets open ports
//! before closed ones as often as after them.

use crate::model::{Span, Timestamp};
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

/// Visits of sources of touches remembered per host.
const HELD: usize = 1_024;
/// Visits of anybody remembered per host, until it is known whether he touches closed ports as well.
const LATELY: usize = 1_024;

type Visit = (Timestamp, IpAddr, u16);

/// The visits over TCP to open ports of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Visits {
    // Of sources of touches.
    held: BTreeSet<Visit>,
    // Of those who have touched nothing so far, the latest, in the order told.
    lately: VecDeque<Visit>,
}

impl Visits {
    /// How many are remembered.
    pub(super) fn held(&self) -> usize {
        self.held.len() + self.lately.len()
    }

    /// Takes in a visit. Of those who have touched nothing, what is older than `gap` is let go.
    pub(super) fn hear(&mut self, visit: Visit, touches: bool, gap: Span, dropped: &mut u64) {
        if touches {
            self.keep(visit, dropped);
            return;
        }
        let old = |(at, ..): &Visit| visit.0.since(*at) > gap;
        while self.lately.front().is_some_and(old) {
            self.lately.pop_front();
        }
        if self.lately.len() >= LATELY {
            self.lately.pop_front();
            *dropped += 1;
        }
        self.lately.push_back(visit);
    }

    /// A source touched its first closed port: what it reached lately is kept.
    pub(super) fn touched(&mut self, source: IpAddr, dropped: &mut u64) {
        let of_it = |(_, by, _): &Visit| *by == source;
        let visits: Vec<Visit> = self.lately.iter().copied().filter(of_it).collect();
        for visit in visits {
            self.keep(visit, dropped);
        }
    }

    fn keep(&mut self, visit: Visit, dropped: &mut u64) {
        if self.held.len() >= HELD {
            self.held.pop_first();
            *dropped += 1;
        }
        self.held.insert(visit);
    }

    /// Forgets what is older than `before`.
    pub(super) fn forget(&mut self, before: Timestamp) {
        while self.held.first().is_some_and(|(at, ..)| *at < before) {
            self.held.pop_first();
        }
    }

    /// Distinct ports that `source` reached from `from` on and before `until`.
    pub(super) fn reached_by(&self, source: IpAddr, from: Timestamp, until: Timestamp) -> usize {
        let of_it = self
            .held
            .iter()
            .filter(|(time, address, _)| *address == source && (from..until).contains(time));
        of_it.map(|(.., port)| port).collect::<BTreeSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reached_just_before_the_first_touch_counts() {
        let at = |second: i64| Timestamp(second * 1_000_000_000);
        let source = IpAddr::from([198, 51, 100, 7]);
        let (gap, mut dropped) = (Span::seconds(15), 0);
        let mut visits = Visits::default();
        for (second, port) in [(0, 80), (20, 443), (21, 445), (22, 443)] {
            visits.hear((at(second), source, port), false, gap, &mut dropped);
        }
        visits.touched(source, &mut dropped);
        visits.hear((at(24), source, 135), true, gap, &mut dropped);
        assert_eq!(visits.reached_by(source, at(0), at(24)), 2);
        assert_eq!(visits.reached_by(source, at(0), at(25)), 3);
        assert_eq!(dropped, 0);
    }
}
