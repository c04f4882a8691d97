//! The addresses that an answered lookup named: from a DNS answer in the packets, or from Sysmon's
//! record of a query (event 22). Who asked is not looked at here.

use crate::model::{HostWhat, What};
use std::net::IpAddr;

/// Addresses taken of one answer.
const ADDRESSES: usize = 64;
/// Record types whose result is an address, or the alias that leads to one: A, CNAME, AAAA.
const OF_ADDRESSES: [u16; 3] = [1, 5, 28];

/// The addresses that `what` says a name has; empty for anything but an answered lookup.
pub fn addresses_named(what: &What) -> Vec<IpAddr> {
    match what {
        What::Resolution(told) => told.addresses.clone(),
        What::Host(host) => match &host.what {
            HostWhat::NameQueried {
                status, results, ..
            } => addresses_queried(*status, results),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The addresses of the name in Sysmon 22 `QueryResults`; none unless `QueryStatus` is success.
///
/// Sysmon writes the records of the response in their order, each with a `;` behind it: addresses bare
/// (IPv4 often as `::ffff:192.0.2.1`), any other record as `type:  5 NAME`, of many types without the
/// name. Addresses behind aliases (5) are the name's. Behind a record of another type, such as an
/// authority (6), a name server (2) or a service (33), they are those of the server it names, and that
/// also at status 0.
pub fn addresses_queried(status: Option<u32>, results: &str) -> Vec<IpAddr> {
    let mut named = Vec::new();
    if status != Some(0) {
        return named;
    }
    for entry in results.split(';').map(str::trim) {
        let address = match entry.strip_prefix("type:") {
            None => entry,
            Some(typed) => {
                let mut words = typed.split_whitespace();
                let kind = words.next().and_then(|kind| kind.parse().ok());
                if !kind.is_some_and(|kind: u16| OF_ADDRESSES.contains(&kind)) {
                    break;
                }
                words.next().unwrap_or_default()
            }
        };
        if let Ok(address) = address.parse::<IpAddr>() {
            named.push(address.to_canonical());
        }
        if named.len() == ADDRESSES {
            break;
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(status: Option<u32>, results: &str) -> Vec<String> {
        let named = addresses_queried(status, results);
        named.iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn what_a_query_was_answered_with_is_told_from_what_stands_beside_it() {
        let of = |results| named(Some(0), results);
        assert_eq!(of("172.18.39.6;"), ["172.18.39.6"]);
        assert_eq!(
            of("2001:db8::6;::ffff:192.0.2.6;"),
            ["2001:db8::6", "192.0.2.6"]
        );
        assert_eq!(
            of("type:  5 a.example;type:  5 b.example;::ffff:192.0.2.1;::ffff:192.0.2.2;"),
            ["192.0.2.1", "192.0.2.2"]
        );
        assert_eq!(of("type:  1 192.0.2.7;type:  28 2001:db8::7;").len(), 2);
        // The zone's authority, the address of the name server, the service's host, a name.
        for other in [
            "type:  6 ;192.0.2.1;",
            "type:  2 ns.example;192.0.2.1;",
            "type:  33 ;192.0.2.1;",
            "type:  5 a.example;type:  6 ;192.0.2.1;",
            "type:  12 ws5.corp.example;",
            "type:;192.0.2.1;",
            "-",
            "",
        ] {
            assert!(of(other).is_empty(), "{other}");
        }
        // A record that tells no status, DNS_INFO_NO_RECORDS, no such name.
        for status in [None, Some(9501), Some(9003)] {
            assert!(named(status, "::ffff:192.0.2.1;").is_empty(), "{status:?}");
        }
        assert_eq!(of(&"192.0.2.1;".repeat(1_000)).len(), ADDRESSES);
    }
}
