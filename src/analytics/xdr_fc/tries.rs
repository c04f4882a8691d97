//! How many attempts there were: one that two sensors saw, or that packets and a record show by clocks
//! too far apart to be joined, is one attempt.

use crate::analytics::kit::contact::Contact;
use crate::model::What;
use std::collections::VecDeque;

/// Attempts told apart of one target, the latest; what stands for an older one counts.
const TOLD: usize = 8;

/// The failed attempts on one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    count: u32,
    latest: VecDeque<Seen>,
}

/// What packets or a record showed of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// The source's port and the target's.
    ports: [u16; 2],
    /// The sequence number of its SYN.
    isn: Option<u32>,
    on_wire: bool,
    logged: bool,
}

impl Seen {
    /// True if both are of one attempt: the same SYN, or the packets and the record of the same ports.
    fn is_of(&self, other: &Self) -> bool {
        let same_syn = self.isn.is_some() && self.isn == other.isn;
        let apart = self.on_wire != other.on_wire && self.logged != other.logged;
        self.ports == other.ports && (same_syn || apart)
    }
}

impl Tries {
    /// Takes in a failed contact.
    pub fn add(&mut self, contact: &Contact<'_>) {
        let isn = match &contact.event.what {
            What::Attempt(attempt) => attempt.isn,
            _ => None,
        };
        self.see(Seen {
            ports: [contact.local.port, contact.remote.port],
            isn,
            on_wire: contact.on_wire(),
            logged: contact.logged(),
        });
    }

    fn see(&mut self, new: Seen) {
        // Without ports there is nothing to tell attempts apart by.
        let known = self.latest.iter_mut().filter(|_| new.ports[0] != 0);
        if let Some(held) = known.rev().find(|held| held.is_of(&new)) {
            held.on_wire |= new.on_wire;
            held.logged |= new.logged;
            return;
        }
        self.count = self.count.saturating_add(1);
        if self.latest.len() >= TOLD {
            self.latest.pop_front();
        }
        self.latest.push_back(new);
    }

    /// How many.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Takes over what was told already.
    pub fn follow(&mut self, earlier: &Self) {
        self.count = self.count.saturating_add(earlier.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(port: u16, isn: Option<u32>, on_wire: bool) -> Seen {
        Seen {
            ports: [port, 445],
            isn,
            on_wire,
            logged: !on_wire,
        }
    }

    fn count(all: &[Seen]) -> u32 {
        let mut tries = Tries::default();
        all.iter().for_each(|one| tries.see(*one));
        tries.count()
    }

    #[test]
    fn a_syn_that_two_sensors_saw_is_one_attempt() {
        let once = seen(50_000, Some(7), true);
        assert_eq!(count(&[once, once]), 1);
        assert_eq!(count(&[once, seen(50_000, Some(8), true)]), 2);
        assert_eq!(count(&[once, seen(50_001, Some(7), true)]), 2);
        let row = seen(50_000, None, true);
        assert_eq!(count(&[row, row]), 2, "rows without a sequence number");
    }

    #[test]
    fn packets_and_a_record_of_the_same_ports_are_one_attempt() {
        let (packets, record) = (seen(50_000, Some(7), true), seen(50_000, None, false));
        assert_eq!(count(&[packets, record]), 1);
        assert_eq!(count(&[record, packets]), 1);
        assert_eq!(count(&[record, record]), 2, "logged twice, tried twice");
        assert_eq!(count(&[packets, record, record]), 2);
        assert_eq!(count(&[packets, seen(50_001, None, false)]), 2);
        let (asked, logged) = (seen(0, None, true), seen(0, None, false));
        assert_eq!(count(&[asked, logged]), 2, "no ports to go by");
    }
}
