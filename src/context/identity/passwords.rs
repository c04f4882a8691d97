//! The passwords of magic packets (SecureOn), by number: a digest of four bytes gives them away.

use super::Identity;
use crate::model::{Event, Provenance, Timestamp, What};
use std::collections::BTreeMap;

/// Passwords told apart.
const PASSWORDS: usize = 65_536;

/// Passwords by the digest that tells them apart, with where each was first seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Passwords(BTreeMap<[u8; 8], (Timestamp, Provenance)>);

impl Passwords {
    /// Takes in one; false if there is no room.
    pub fn hear(&mut self, digest: [u8; 8], at: (Timestamp, Provenance)) -> bool {
        if let Some(first) = self.0.get_mut(&digest) {
            *first = at.min(*first);
            return true;
        }
        let room = self.0.len() < PASSWORDS;
        if room {
            self.0.insert(digest, at);
        }
        room
    }

    /// Takes over what another has; returns how many there was no room for.
    pub fn merge(&mut self, other: Self) -> u64 {
        let heard = other
            .0
            .into_iter()
            .map(|(digest, at)| self.hear(digest, at));
        heard.filter(|held| !held).count() as u64
    }

    /// The numbers, from 1 in the order of time.
    pub fn numbered(self) -> BTreeMap<[u8; 8], u32> {
        let mut all: Vec<_> = self
            .0
            .into_iter()
            .map(|(digest, at)| (at, digest))
            .collect();
        all.sort_unstable();
        all.into_iter()
            .zip(1..)
            .map(|((_, digest), number)| (digest, number))
            .collect()
    }
}

impl Identity {
    /// True if magic packets with passwords were seen.
    pub fn numbers_passwords(&self) -> bool {
        !self.passwords.is_empty()
    }

    /// Gives the password of a magic packet its number, and drops the digest.
    pub fn number_password(&self, event: &mut Event) {
        if let What::Wake(signal) = &mut event.what
            && let Some(digest) = signal.password_digest.take()
        {
            signal.password = self.passwords.get(&digest).copied().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EvidenceId;
    use crate::model::provenance::Item;

    fn at(second: i64) -> (Timestamp, Provenance) {
        let place = Provenance {
            evidence: EvidenceId(1),
            interface: 0,
            kind: Item::Packet,
            item: second as u64,
            offset: 0,
            inside: false,
        };
        (Timestamp(second), place)
    }

    #[test]
    fn the_same_password_has_the_same_number_in_whatever_order_it_was_read() {
        let heard = [([7; 8], 30), ([9; 8], 10), ([7; 8], 20), ([1; 8], 40)];
        let mut whole = Passwords::default();
        let [mut one, mut two] = [Passwords::default(), Passwords::default()];
        for (i, (digest, second)) in heard.into_iter().enumerate() {
            assert!(whole.hear(digest, at(second)));
            let part = if i % 2 == 0 { &mut one } else { &mut two };
            assert!(part.hear(digest, at(second)));
        }
        assert_eq!(two.merge(one), 0);
        let numbers = whole.numbered();
        assert_eq!(numbers, two.numbered());
        assert_eq!(
            (numbers[&[9; 8]], numbers[&[7; 8]], numbers[&[1; 8]]),
            (1, 2, 3)
        );
    }
}
