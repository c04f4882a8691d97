//! What shows the connections of a host: which captures, with which of its own addresses, and until when.

use super::sighting::Sighting;
use crate::model::{EvidenceId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Captures remembered.
const CAPTURES: usize = 1024;
/// Own addresses remembered, the latest ones.
const LOCALS: usize = 64;

/// What shows the connections of one host.
#[derive(Default)]
pub struct Sight {
    // And whether they went to remotes inside.
    captures: BTreeSet<(bool, EvidenceId)>,
    // First and last use.
    locals: BTreeMap<IpAddr, (Timestamp, Timestamp)>,
    last: Timestamp,
}

impl Sight {
    /// Takes in a contact with a remote inside or outside; what does not fit is counted in `dropped`.
    pub fn hear(&mut self, seen: &Sighting<'_>, inside: bool, dropped: &mut u64) {
        self.last = self.last.max(seen.time());
        if seen.contact.on_wire() {
            let shown = (inside, seen.event().provenance.evidence);
            if self.captures.len() < CAPTURES {
                self.captures.insert(shown);
            } else if !self.captures.contains(&shown) {
                *dropped += 1;
            }
        }
        let local = seen.contact.local.address;
        if self.locals.len() >= LOCALS && !self.locals.contains_key(&local) {
            let oldest = self.locals.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.locals.remove(&oldest);
            }
        }
        let time = seen.time();
        let (first, last) = self.locals.entry(local).or_insert((time, time));
        (*first, *last) = (time.min(*first), time.max(*last));
    }

    /// When the host last reached out, as far as the evidence shows it.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// True if a capture shows connections of the host to remotes on this side of the border.
    pub fn is_in(&self, capture: EvidenceId, inside: bool) -> bool {
        self.captures.contains(&(inside, capture))
    }

    /// True if the host used two addresses side by side: the `new` one before something broke at `began`
    /// already, and the `old` one still after `at`. Whoever leaves a network and comes back does not.
    pub fn uses_both(&self, [old, new]: [IpAddr; 2], began: Timestamp, at: Timestamp) -> bool {
        let of = |address: &IpAddr| self.locals.get(address);
        of(&old).is_some_and(|(_, last)| *last > at)
            && of(&new).is_some_and(|(first, _)| *first < began)
    }

    /// How many captures and addresses are remembered.
    pub fn held(&self) -> usize {
        self.captures.len() + self.locals.len()
    }
}
