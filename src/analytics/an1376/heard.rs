//! When a program was last heard at a server and port, by whatever name.
//!
//! What stands behind an address changes its name: when it is told one, when another program asks for
//! another one, when the name is too old. The channel goes on all the same.

use super::relation::{Relation, Route};
use super::sighting::Sighting;
use crate::model::{Text, Timestamp, Transport};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::net::IpAddr;

/// Servers and ports of programs remembered; beyond, the older half is forgotten.
const HELD: usize = 8192;

type Key = (Text, Transport, u16, IpAddr);

/// The last contacts of one host that did not fail.
#[derive(Default)]
pub struct Heard {
    // Looked up, never walked in its own order.
    last: HashMap<Key, Timestamp, RandomState>,
}

impl Heard {
    /// Takes in a contact that did not fail.
    pub fn hear(&mut self, seen: &Sighting<'_>, dropped: &mut u64) {
        let key = (
            seen.who.program.clone(),
            seen.contact.transport,
            seen.port,
            seen.contact.remote.address,
        );
        if let Some(last) = self.last.get_mut(&key) {
            *last = seen.time().max(*last);
            return;
        }
        if self.last.len() >= HELD {
            let mut times: Vec<Timestamp> = self.last.values().copied().collect();
            let middle = *times.select_nth_unstable(HELD / 2).1;
            self.last.retain(|_, last| *last > middle);
            *dropped += (HELD - self.last.len()) as u64;
        }
        self.last.insert(key, seen.time());
    }

    /// When the program of a relation was last heard at one of its addresses.
    pub fn at(&self, route: &Route, relation: &Relation) -> Timestamp {
        let last = relation.addresses.iter().filter_map(|address| {
            let key = (
                route.who.program.clone(),
                route.transport,
                route.port,
                *address,
            );
            self.last.get(&key).copied()
        });
        last.fold(relation.last, Timestamp::max)
    }

    /// How many are remembered.
    pub fn held(&self) -> usize {
        self.last.len()
    }
}
