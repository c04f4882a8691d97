//! Remote addresses of firewall rules: `*`, `LocalSubnet`, addresses, ranges, prefixes and masks.

use crate::model::firewall::Remotes;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges one rule may name.
const MAX_RANGES: usize = 4_096;

/// Reads RemoteAddresses of a firewall event. A list that holds a keyword without known addresses
/// (`DNS`, `Intranet`, or `LocalSubnet` beside others) is unknown as a whole.
pub fn remote_addresses(text: &str) -> Remotes {
    let mut list = RemoteList::default();
    for word in text.split(',') {
        list.add(word);
    }
    list.finish()
}

/// Remote addresses gathered word by word.
#[derive(Debug, Default)]
pub struct RemoteList {
    ranges: Vec<(IpAddr, IpAddr)>,
    any: bool,
    local_subnet: bool,
    unreadable: bool,
}

impl RemoteList {
    /// Adds one address, range, prefix, mask or keyword.
    pub fn add(&mut self, word: &str) {
        let word = word.trim();
        if word.is_empty() {
            return;
        }
        match word.to_ascii_lowercase().as_str() {
            "*" | "any" => self.any = true,
            "localsubnet" | "localsubnet4" | "localsubnet6" => self.local_subnet = true,
            _ => match range(word) {
                Some(range) if self.ranges.len() < MAX_RANGES => self.ranges.push(range),
                _ => self.unreadable = true,
            },
        }
    }

    /// What they come to, sorted. Nothing at all is every address.
    pub fn finish(mut self) -> Remotes {
        self.ranges.sort_unstable();
        self.ranges.dedup();
        match (
            self.any,
            self.unreadable,
            self.local_subnet,
            self.ranges.is_empty(),
        ) {
            (true, ..) => Remotes::Any,
            (_, true, ..) => Remotes::Unknown,
            (_, _, true, true) => Remotes::LocalSubnet,
            (_, _, true, false) => Remotes::Unknown,
            (_, _, _, false) => Remotes::Ranges(self.ranges),
            _ => Remotes::Any,
        }
    }
}

fn range(word: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((low, high)) = word.split_once('-') {
        let (low, high): (IpAddr, IpAddr) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        return (low.is_ipv4() == high.is_ipv4() && low <= high).then_some((low, high));
    }
    let Some((address, width)) = word.split_once('/') else {
        let address = word.parse().ok()?;
        return Some((address, address));
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let width = width.trim();
    let bits = match width.parse::<Ipv4Addr>() {
        Ok(mask) => {
            let mask = u32::from(mask);
            (mask.leading_ones() == mask.count_ones()).then_some(mask.count_ones())?
        }
        Err(_) => width.parse().ok()?,
    };
    match address {
        IpAddr::V4(v4) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            let low = u32::from(v4) & !host;
            (bits <= 32).then(|| {
                (
                    Ipv4Addr::from(low).into(),
                    Ipv4Addr::from(low | host).into(),
                )
            })
        }
        IpAddr::V6(v6) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            let low = u128::from(v6) & !host;
            (bits <= 128).then(|| {
                (
                    Ipv6Addr::from(low).into(),
                    Ipv6Addr::from(low | host).into(),
                )
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_remote_addresses() {
        let ranges = |list: &[(&str, &str)]| {
            Remotes::Ranges(
                list.iter()
                    .map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap()))
                    .collect(),
            )
        };
        for (text, remotes) in [
            ("*", Remotes::Any),
            ("", Remotes::Any),
            ("LocalSubnet", Remotes::LocalSubnet),
            ("LocalSubnet,10.0.0.1", Remotes::Unknown),
            ("DNS", Remotes::Unknown),
            ("198.51.100.7", ranges(&[("198.51.100.7", "198.51.100.7")])),
            ("10.0.0.0/8", ranges(&[("10.0.0.0", "10.255.255.255")])),
            (
                "10.1.2.3/255.255.255.0",
                ranges(&[("10.1.2.0", "10.1.2.255")]),
            ),
            ("10.1.2.3/255.0.255.0", Remotes::Unknown),
            (
                "10.0.0.9-10.0.0.20,10.0.0.1",
                ranges(&[("10.0.0.1", "10.0.0.1"), ("10.0.0.9", "10.0.0.20")]),
            ),
            (
                "fe80::/64",
                ranges(&[("fe80::", "fe80::ffff:ffff:ffff:ffff")]),
            ),
            ("0.0.0.0/0", ranges(&[("0.0.0.0", "255.255.255.255")])),
            ("10.0.0.1/33", Remotes::Unknown),
            ("10.0.0.9-fe80::1", Remotes::Unknown),
        ] {
            assert_eq!(remote_addresses(text), remotes, "{text}");
        }
    }
}
