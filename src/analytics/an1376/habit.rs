//! What a program of the host is used to, and what is new for it.

use super::novelty::Novelty;
use super::sighting::Sighting;
use crate::model::{Text, Transport};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use std::collections::BTreeSet;
use std::hash::Hash;
use std::net::IpAddr;

/// Ports and remotes remembered of a program.
const HELD: usize = 1024;

/// What a program of the host is used to.
#[derive(Default)]
pub struct Habit {
    // Looked up, never walked.
    transports: BTreeSet<Transport>,
    ports: HashSet<(Transport, u16), RandomState>,
    addresses: HashSet<IpAddr, RandomState>,
    names: HashSet<Text, RandomState>,
    // Some did not fit: then what is not among those held may have been used all the same.
    ports_lack: bool,
    remotes_lack: bool,
}

impl Habit {
    /// What its four sets take with one entry each, in bytes.
    pub const LEAST: usize = 256;

    /// What is new about a contact. Where not all remotes are held none is called new, and the ports are
    /// asked all the same.
    pub fn novel(&self, seen: &Sighting<'_>) -> Novelty {
        let transport = seen.contact.transport;
        let named = |name: &Text| self.names.contains(name);
        let known = seen.name.as_ref().is_some_and(named)
            || self.addresses.contains(&seen.contact.remote.address);
        let first = self.transports.is_empty();
        Novelty {
            remote: !known && !self.remotes_lack,
            port: !self.ports.contains(&(transport, seen.port)) && !self.ports_lack,
            protocol: !self.transports.contains(&transport) && !first,
        }
    }

    /// How many remotes it has.
    pub fn remotes(&self) -> usize {
        self.addresses.len()
    }

    /// Makes a contact a habit, and says how many entries that took. What never worked is none: the
    /// next server on that port is as new. What does not fit is counted in `dropped`.
    pub fn learn(&mut self, seen: &Sighting<'_>, dropped: &mut u64) -> usize {
        if seen.contact.fate.failed() == Some(true) {
            return 0;
        }
        let transport = seen.contact.transport;
        let remotes = &mut self.remotes_lack;
        let mut taken = usize::from(self.transports.insert(transport));
        taken += keep(
            &mut self.addresses,
            &seen.contact.remote.address,
            remotes,
            dropped,
        );
        if let Some(name) = &seen.name {
            taken += keep(&mut self.names, name, remotes, dropped);
        }
        let port = (transport, seen.port);
        taken + keep(&mut self.ports, &port, &mut self.ports_lack, dropped)
    }
}

/// Puts one into a set if there is room; 1 if that took an entry.
fn keep<T: Clone + Eq + Hash>(
    set: &mut HashSet<T, RandomState>,
    one: &T,
    lacks: &mut bool,
    dropped: &mut u64,
) -> usize {
    if set.contains(one) {
        return 0;
    }
    if set.len() >= HELD {
        *lacks = true;
        *dropped += 1;
        return 0;
    }
    usize::from(set.insert(one.clone()))
}
