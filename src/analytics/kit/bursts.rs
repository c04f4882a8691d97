//! Filter changes (Security 5447) that come together: a rule makes a few of them, a policy that is loaded anew
//! makes many.

use crate::model::firewall::Filter;
use crate::model::{Span, Timestamp};
use std::collections::VecDeque;

/// A burst of filter changes larger than this is a policy reload, not a rule (16 measured bursts:
/// one rule made 4 to 8 filters, reloads 40 to 1,889).
const FILTERS_OF_A_RULE: u32 = 12;
/// Filter changes closer than this belong to one burst.
const BURST_GAP: Span = Span::seconds(5);
/// Bursts remembered per host, the latest.
const HELD: usize = 512;
/// Filters that the firewall makes for itself.
const HOUSEKEEPING: [&str; 3] = [
    "Boot Time Filter",
    "Port Scanning Prevention Filter",
    "Query User",
];

#[derive(Clone, Debug)]
struct Burst {
    id: u32,
    last: Timestamp,
    rows: u32,
    housekeeping: bool,
}

/// The bursts of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Bursts {
    held: VecDeque<Burst>,
    next: u32,
}

impl Bursts {
    /// Takes in a filter change; which burst it is of, and `None` where that is so large that it is surely a
    /// reload, and its further rows need not be held.
    pub(super) fn hear(&mut self, filter: &Filter, at: Timestamp) -> Option<u32> {
        let housekeeping = HOUSEKEEPING.iter().any(|name| filter.name.contains(name));
        let last = self.held.back_mut();
        if let Some(burst) = last.filter(|b| at.since(b.last) <= BURST_GAP) {
            burst.last = at;
            burst.rows += 1;
            burst.housekeeping |= housekeeping;
            return (burst.rows <= 4 * FILTERS_OF_A_RULE).then_some(burst.id);
        }
        if self.held.len() >= HELD {
            self.held.pop_front();
        }
        let id = self.next;
        self.next = id.wrapping_add(1);
        self.held.push_back(Burst {
            id,
            last: at,
            rows: 1,
            housekeeping,
        });
        Some(id)
    }

    /// True for a burst that may be of a rule.
    pub(super) fn is_small(&self, id: u32) -> bool {
        let mut held = self.held.iter();
        held.find(|b| b.id == id)
            .is_some_and(|b| b.rows <= FILTERS_OF_A_RULE && !b.housekeeping)
    }

    /// Forgets what is older than `before`.
    pub(super) fn forget(&mut self, before: Timestamp) {
        while self.held.front().is_some_and(|b| b.last < before) {
            self.held.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000_000)
    }

    /// Whether filter changes of these names, all at once, may be of a rule.
    fn small<'n>(names: impl IntoIterator<Item = &'n str>) -> bool {
        let mut bursts = Bursts::default();
        let hear = |name: &str| {
            let filter = Filter {
                name: name.into(),
                ..Filter::default()
            };
            bursts.hear(&filter, second(0))
        };
        let last = names.into_iter().map(hear).last();
        bursts.is_small(last.flatten().unwrap())
    }

    #[test]
    fn twelve_filters_may_be_of_a_rule_and_thirteen_are_a_policy() {
        assert!(small(["Remote Desktop"; 12]));
        assert!(!small(["Remote Desktop"; 13]));
    }

    #[test]
    fn filters_that_the_firewall_makes_for_itself_are_of_no_rule() {
        assert!(!small(["Query User"]));
        assert!(!small([
            "Remote Desktop",
            "Port Scanning Prevention Filter"
        ]));
        assert!(!small(["Boot Time Filter", "Remote Desktop"]));
    }

    #[test]
    fn filters_five_seconds_apart_are_of_one_burst() {
        let (mut bursts, filter) = (Bursts::default(), Filter::default());
        let mut hear = |at: i64| bursts.hear(&filter, second(at));
        let first = hear(0);
        assert!(first.is_some());
        assert_eq!(hear(5), first);
        assert_eq!(hear(10), first, "five seconds after the last of it");
        assert!(hear(16).is_some_and(|id| Some(id) != first));
    }

    #[test]
    fn rows_of_what_is_surely_a_reload_need_not_be_held() {
        let (mut bursts, filter) = (Bursts::default(), Filter::default());
        let told: Vec<bool> = (0..49)
            .map(|_| bursts.hear(&filter, second(0)).is_some())
            .collect();
        assert!(told[..48].iter().all(|held| *held) && !told[48]);
        assert!(!bursts.is_small(0));
        bursts.forget(second(0));
        assert_eq!(bursts.held.len(), 1);
        bursts.forget(second(1));
        assert_eq!(bursts.held.len(), 0);
    }
}
