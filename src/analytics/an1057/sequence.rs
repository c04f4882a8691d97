//! Sequential sweeps: neighbouring addresses one after the other.
//!
//! Of n addresses in the order of first contact, k of the n-1 steps lead to a neighbour (up or
//! down; or neighbours with the bytes in reverse, as some scanners count). In random order over N
//! addresses a step is one with probability q = 2/(N-1); how probable k or more of them are is the
//! exact tail of the binomial distribution.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// What a run of addresses looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Addresses.
    pub addresses: usize,
    /// Steps to a neighbour.
    pub neighbours: usize,
    /// Size of the range they lie in.
    pub range: u64,
}

impl Order {
    /// How probable that many neighbours are in random order. Costly for long runs.
    pub fn chance(&self) -> f64 {
        let q = 2.0 / (self.range - 1).max(2) as f64;
        tail(self.addresses - 1, self.neighbours, q)
    }
}

/// The order of the IPv4 ones of `addresses`, which are distinct; from either end it is the same. `None` for
/// fewer than two.
pub(super) fn order(addresses: impl Iterator<Item = IpAddr>) -> Option<Order> {
    let (mut count, mut low, mut high) = (0_usize, u32::MAX, 0);
    let (mut steps, mut swapped) = (0, 0);
    let mut before: Option<u32> = None;
    for address in addresses {
        // IPv6 is not counted up: a program that reaches for both does two things at once.
        let IpAddr::V4(v4) = address else {
            continue;
        };
        let now = v4.to_bits();
        if let Some(before) = before {
            steps += usize::from(before.abs_diff(now) == 1);
            swapped += usize::from(before.swap_bytes().abs_diff(now.swap_bytes()) == 1);
        }
        (before, count) = (Some(now), count + 1);
        (low, high) = (low.min(now), high.max(now));
    }
    // A range smaller than a /24 is still taken as one: the smaller, the likelier a neighbour.
    (count > 1).then(|| Order {
        addresses: count,
        neighbours: steps.max(swapped),
        range: (u64::from(high - low) + 1).max(count as u64),
    })
}

/// The probability of `k` or more successes in `n` trials of probability `q`.
fn tail(n: usize, k: usize, q: f64) -> f64 {
    let (n_f, log_q, log_rest) = (n as f64, q.ln(), (-q).ln_1p());
    let choose = |i: usize| -> f64 {
        (0..i)
            .map(|j| ((n_f - j as f64) / (j as f64 + 1.0)).ln())
            .sum()
    };
    (k..=n)
        .map(|i| {
            let rest = if i == n {
                0.0
            } else {
                (n - i) as f64 * log_rest
            };
            (choose(i) + i as f64 * log_q + rest).exp()
        })
        .sum::<f64>()
        .min(1.0)
}

/// The /24 with the most addresses: its first address, how many, and the share of the stretch from
/// the lowest to the highest of them.
pub(super) fn densest(addresses: &[IpAddr]) -> Option<(Ipv4Addr, usize, f64)> {
    let mut nets: BTreeMap<[u8; 3], Vec<u8>> = BTreeMap::new();
    for address in addresses {
        if let IpAddr::V4(v4) = address {
            let [a, b, c, d] = v4.octets();
            nets.entry([a, b, c]).or_default().push(d);
        }
    }
    let (net, hosts) = nets
        .into_iter()
        .max_by_key(|(net, hosts)| (hosts.len(), std::cmp::Reverse(*net)))?;
    let (low, high) = (hosts.iter().min()?, hosts.iter().max()?);
    let share = hosts.len() as f64 / (f64::from(high - low) + 1.0);
    Some((Ipv4Addr::new(net[0], net[1], net[2], 0), hosts.len(), share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(last: impl IntoIterator<Item = u8>) -> Vec<IpAddr> {
        last.into_iter()
            .map(|d| Ipv4Addr::new(10, 0, 0, d).into())
            .collect()
    }

    #[test]
    fn neighbours_are_counted_up_down_and_with_bytes_reversed() {
        assert_eq!(order(list(1..=10).into_iter()).unwrap().neighbours, 9);
        assert_eq!(
            order(list((1..=10).rev()).into_iter()).unwrap().neighbours,
            9
        );
        let reversed: Vec<IpAddr> = (1..=10).map(|a| Ipv4Addr::new(a, 0, 0, 7).into()).collect();
        assert_eq!(order(reversed.into_iter()).unwrap().neighbours, 9);
        assert_eq!(
            order(list([1, 5, 9, 2, 8]).into_iter()).unwrap().neighbours,
            0
        );
    }

    #[test]
    fn the_chance_is_the_exact_tail() {
        // Two trials at one half: 1/4 for both, 3/4 for at least one, 1 for none.
        assert!((tail(2, 2, 0.5) - 0.25).abs() < 1e-12);
        assert!((tail(2, 1, 0.5) - 0.75).abs() < 1e-12);
        assert!((tail(2, 0, 0.5) - 1.0).abs() < 1e-12);
        // Seven of nine over a /24.
        assert!(tail(9, 7, 2.0 / 255.0) < 1e-9);
    }

    #[test]
    fn the_densest_network_is_told_with_its_share() {
        let mut addresses = list([10, 11, 12, 14]);
        addresses.push("10.9.9.9".parse().unwrap());
        let (net, count, share) = densest(&addresses).unwrap();
        assert_eq!((net.to_string().as_str(), count), ("10.0.0.0", 4));
        assert!((share - 0.8).abs() < 1e-9);
    }
}
