//! How to see by hand that targets were silent: a display filter for what they sent.

use std::net::{IpAddr, Ipv4Addr};

/// Ranges of addresses in a filter.
const RANGES: usize = 8;

/// A filter of Wireshark and tshark for packets of these addresses, which rise, and whether it names all of
/// them; those of the first one's family.
pub(super) fn filter<'a>(addresses: impl Iterator<Item = &'a IpAddr>) -> Option<(String, bool)> {
    let mut ranges: Vec<(IpAddr, IpAddr)> = Vec::new();
    let mut whole = true;
    for address in addresses {
        let full = ranges.len() >= RANGES;
        match ranges.last_mut() {
            Some(last) if follows(last.1, *address) => last.1 = *address,
            Some(last) if last.0.is_ipv4() != address.is_ipv4() => whole = false,
            _ if full => whole = false,
            _ => ranges.push((*address, *address)),
        }
    }
    let field = match ranges.first()?.0 {
        IpAddr::V4(_) => "ip.src",
        IpAddr::V6(_) => "ipv6.src",
    };
    let ranges: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first} .. {last}"),
        })
        .collect();
    Some((format!("{field} in {{{}}}", ranges.join(", ")), whole))
}

fn follows(before: IpAddr, address: IpAddr) -> bool {
    let next = |before: Ipv4Addr| before.to_bits().checked_add(1).map(Ipv4Addr::from_bits);
    match (before, address) {
        (IpAddr::V4(before), IpAddr::V4(address)) => next(before) == Some(address),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Option<(String, bool)> {
        let all: Vec<IpAddr> = texts.iter().map(|text| text.parse().unwrap()).collect();
        filter(all.iter())
    }

    #[test]
    fn neighbours_are_a_range_and_too_many_ranges_are_said() {
        let all = |text: &str| Some((text.to_owned(), true));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["10.0.0.9"]), all("ip.src in {10.0.0.9}"));
        assert_eq!(
            of(&["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.2"]),
            all("ip.src in {10.0.0.254 .. 10.0.1.0, 10.0.1.2}")
        );
        assert_eq!(
            of(&["fd00::1", "fd00::2"]),
            all("ipv6.src in {fd00::1, fd00::2}")
        );
        assert_eq!(
            of(&["10.0.0.9", "fd00::1"]),
            Some(("ip.src in {10.0.0.9}".to_owned(), false))
        );
        let apart: Vec<String> = (0..9).map(|n| format!("10.0.0.{}", n * 2)).collect();
        let apart: Vec<&str> = apart.iter().map(String::as_str).collect();
        assert!(of(&apart[..8]).unwrap().1 && !of(&apart).unwrap().1);
    }
}
