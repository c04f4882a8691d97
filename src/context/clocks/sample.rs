//! A bounded sample of when which connection was seen, such that two samples of the same traffic
//! keep the same connections.
//!
//! What is kept depends on a hash of the connection, not on chance or on the order of reading: the
//! smallest hashes of each stratum stay. A stratum is one group (a host, a part of the addresses)
//! in one hour, the hours going round after 64, so that a flood in one hour or of one address cannot
//! push out what was seen at other times and elsewhere. Samples merge in any order to the same
//! result. Nothing here knows what a clock is.

use crate::model::{Endpoint, Timestamp, Transport};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A connection seen at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sight {
    /// Hash of what both sides know of the connection.
    pub key: u64,
    /// When, on the clock of whoever saw it.
    pub time: Timestamp,
    /// Who saw it, where that matters.
    pub from: u64,
}

/// Strata by time: hours, going round.
const HOURS: i64 = 64;
const HOUR: i64 = 3_600_000_000_000;
/// Sights of one connection kept per stratum: the earliest. More say nothing new.
const SIGHTS_OF_ONE: usize = 4;

/// Strata at most; beyond that the last groups in order are left out.
const STRATA: usize = 65_536;

/// Sights a stratum takes in beside those it has settled, before it settles again; and what of the
/// budget may wait so.
const WAITING: usize = 64;
const SLACK: usize = 8;

/// The sample.
#[derive(Clone, Debug)]
pub struct Sample<G: Ord + Clone> {
    strata: BTreeMap<(G, u8), Stratum>,
    // With those that wait to be settled.
    held: usize,
    /// Sights per stratum; halved whenever the budget is passed.
    each: usize,
    budget: usize,
}

/// Sights of one group in one hour. New ones wait at the end: sorting them in one by one would cost
/// more than all that is done with them.
#[derive(Clone, Debug, Default)]
struct Stratum {
    sights: Vec<Sight>,
    // How many at the front are settled: sorted, and no more of one connection than are kept.
    settled: usize,
}

impl Stratum {
    /// Takes in a sight; false if it lies beyond `each` that are settled.
    fn add(&mut self, sight: Sight, each: usize) -> bool {
        let full = self.settled >= each;
        if full
            && self
                .settled
                .checked_sub(1)
                .is_some_and(|last| sight > self.sights[last])
        {
            return false;
        }
        self.sights.push(sight);
        true
    }

    fn is_due(&self) -> bool {
        self.sights.len() >= 2 * self.settled + WAITING
    }

    /// Sorts in what waits and keeps the first `each`.
    fn settle(&mut self, each: usize) {
        if self.settled < self.sights.len() {
            self.sights.sort();
            self.sights.dedup();
            let (mut key, mut of_one) = (None, 0);
            self.sights.retain(|sight| {
                of_one = if key == Some(sight.key) {
                    of_one + 1
                } else {
                    1
                };
                key = Some(sight.key);
                of_one <= SIGHTS_OF_ONE
            });
        }
        self.sights.truncate(each);
        self.settled = self.sights.len();
    }
}

impl<G: Ord + Clone> Sample<G> {
    /// A sample that keeps about `budget` sights, 24 bytes each.
    pub fn new(budget: usize) -> Self {
        Self {
            strata: BTreeMap::new(),
            held: 0,
            each: 4_096,
            budget: budget.max(1),
        }
    }

    /// Takes in a sight of `group`.
    pub fn add(&mut self, group: G, sight: Sight) {
        let slot = sight.time.0.div_euclid(HOUR).rem_euclid(HOURS) as u8;
        self.add_to((group, slot), sight);
    }

    fn add_to(&mut self, of: (G, u8), sight: Sight) {
        let stratum = self.strata.entry(of).or_default();
        if !stratum.add(sight, self.each) {
            return;
        }
        self.held += 1;
        if stratum.is_due() {
            let before = stratum.sights.len();
            stratum.settle(self.each);
            self.held -= before - stratum.sights.len();
        }
        if self.strata.len() > STRATA
            && let Some((_, dropped)) = self.strata.pop_last()
        {
            self.held -= dropped.sights.len();
        }
        if self.held > self.budget + self.budget / SLACK {
            self.settle();
        }
    }

    /// Takes over another sample.
    pub fn merge(&mut self, other: Self) {
        self.each = self.each.min(other.each);
        for (of, stratum) in other.strata {
            for sight in stratum.sights {
                self.add_to(of.clone(), sight);
            }
        }
        self.settle();
    }

    /// Settles everything, and halves what a stratum keeps until the budget holds. When that is
    /// done does not matter to what is kept in the end: more sights never make a stratum keep more.
    fn settle(&mut self) {
        loop {
            self.held = 0;
            for stratum in self.strata.values_mut() {
                stratum.settle(self.each);
                self.held += stratum.sights.len();
            }
            if self.held <= self.budget || self.each <= 1 {
                return;
            }
            self.each /= 2;
        }
    }

    /// True if nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.strata.is_empty()
    }

    /// All sights by group, sorted by connection and time.
    pub fn into_groups(mut self) -> BTreeMap<G, Vec<Sight>> {
        self.settle();
        let mut groups: BTreeMap<G, Vec<Sight>> = BTreeMap::new();
        for ((group, _), stratum) in self.strata {
            groups.entry(group).or_default().extend(stratum.sights);
        }
        for sights in groups.values_mut() {
            sights.sort_unstable();
            sights.dedup();
        }
        groups
    }
}

/// Hash of a connection, the same from both ends.
///
/// Fixed, not seeded: a capture and a log must agree on it. Who crafts collisions gets pairs that
/// contradict each other, and those are outvoted or make the measurement fail.
pub fn key(transport: Transport, a: Endpoint, b: Endpoint, extra: u64) -> u64 {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let mut hash = mixed(u64::from(transport.0) ^ extra.rotate_left(8));
    for end in [low, high] {
        let (upper, lower) = halves(end.address);
        hash = mixed(hash ^ upper);
        hash = mixed(hash ^ lower);
        hash = mixed(hash ^ u64::from(end.port));
    }
    hash
}

/// One of 64 groups of addresses.
pub fn bucket(address: IpAddr) -> u8 {
    let (upper, lower) = halves(address);
    (mixed(mixed(upper) ^ lower) & 63) as u8
}

fn halves(address: IpAddr) -> (u64, u64) {
    match address {
        IpAddr::V4(v4) => (4, u64::from(v4.to_bits())),
        IpAddr::V6(v6) => ((v6.to_bits() >> 64) as u64, v6.to_bits() as u64),
    }
}

/// The finaliser of MurmurHash3, after a step that keeps zero from mapping to itself.
fn mixed(value: u64) -> u64 {
    let mut x = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(n: u64) -> Sight {
        Sight {
            key: mixed(n / 3),
            time: Timestamp((n as i64 % 97) * HOUR / 3),
            from: n % 2,
        }
    }

    fn sample(of: impl Iterator<Item = u64>) -> Sample<u8> {
        let mut sample = Sample::new(300);
        of.for_each(|n| sample.add((n % 5) as u8, sight(n)));
        sample
    }

    #[test]
    fn what_is_kept_does_not_depend_on_the_order_of_reading_or_merging() {
        let forward = sample(0..5_000).into_groups();
        let backward = sample((0..5_000).rev()).into_groups();
        let mut merged = sample((0..5_000).filter(|n| n % 7 < 2));
        merged.merge(sample((0..5_000).filter(|n| n % 7 >= 2).rev()));
        assert_eq!(forward, backward);
        assert_eq!(forward, merged.into_groups());
    }

    #[test]
    fn of_one_connection_the_earliest_sights_stay() {
        let mut sample = Sample::new(300);
        let at = |second: i64| Sight {
            key: 7,
            time: Timestamp(second),
            from: 0,
        };
        (0..200)
            .rev()
            .for_each(|second| sample.add(0u8, at(second)));
        let kept = &sample.into_groups()[&0];
        assert_eq!(kept, &[at(0), at(1), at(2), at(3)]);
    }

    #[test]
    fn the_budget_holds() {
        let held: usize = sample(0..50_000).into_groups().values().map(Vec::len).sum();
        assert!(held > 0 && held <= 320, "{held}");
    }

    #[test]
    fn a_flood_in_one_hour_leaves_the_other_hours() {
        let mut sample = Sample::new(1_000);
        for hour in 0..24 {
            for n in 0..20 {
                sample.add(
                    0u8,
                    Sight {
                        key: mixed(hour * 100 + n),
                        time: Timestamp(hour as i64 * HOUR),
                        from: 0,
                    },
                );
            }
        }
        for n in 0..100_000 {
            sample.add(
                0u8,
                Sight {
                    key: mixed(1 << 40 | n),
                    time: Timestamp(5 * HOUR + 1),
                    from: 0,
                },
            );
        }
        let kept = &sample.into_groups()[&0];
        for hour in (0..24).filter(|h| *h != 5) {
            assert!(
                kept.iter().filter(|s| s.time.0 == hour * HOUR).count() == 20,
                "hour {hour}"
            );
        }
    }

    #[test]
    fn both_ends_of_a_connection_have_one_key() {
        let end = |text: &str| {
            let at: std::net::SocketAddr = text.parse().unwrap();
            Endpoint::new(at.ip(), at.port())
        };
        let (a, b) = (end("10.0.0.1:50000"), end("[::ffff:10.0.0.2]:445"));
        assert_eq!(key(Transport::TCP, a, b, 0), key(Transport::TCP, b, a, 0));
        assert_ne!(key(Transport::TCP, a, b, 0), key(Transport::UDP, b, a, 0));
        assert_ne!(
            key(Transport::TCP, a, b, 0),
            key(Transport::TCP, a, end("10.0.0.2:446"), 0)
        );
    }
}
