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
