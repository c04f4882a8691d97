//! The addresses that an answered lookup named: from a DNS answer in the packets, or from Sysmon's
//! record of a query (event 22). Who asked is not looked at here.

use crate::model::{HostEvent, HostWhat, What};
use std::net::IpAddr;

/// Addresses taken of one answer.
const ADDRESSES: usize = 64;
/// Record types whose result is an address, or the alias that leads to one: A, CNAME, AAAA.
const OF_ADDRESSES: [u16; 3] = [1, 5, 28];

/// The addresses that `what` says a name has; empty for anything but an answered lookup.
pub fn addresses_named(what: &What) -> Vec<IpAddr> {
    match what {
        What::Resolution(told) => told.addresses.clone(),
        What::Host(host) => of_query(host),
        _ => Vec::new(),
    }
}

/// QueryResults as Sysmon writes them: `type:  5 alias;::ffff:192.0.2.1;`. What follows an entry of
/// another type (`type:  6 ;192.0.2.1;`) is the address of a server that the answer names, and no
/// answer itself. A query that failed may hold such entries too.
fn of_query(host: &HostEvent) -> Vec<IpAddr> {
    let HostWhat::NameQueried {
        status: Some(0),
        results,
        ..
    } = &host.what
    else {
        return Vec::new();
    };
    let mut named = Vec::new();
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
    use crate::model::host_event::Process;
    use crate::model::single_copy::Shared;
    use crate::model::{Timed, Timestamp};

    fn named(status: Option<u32>, results: &str) -> Vec<String> {
        let host = HostEvent {
            computer: "WS01".into(),
            channel: "Microsoft-Windows-Sysmon/Operational".into(),
            provider: "Microsoft-Windows-Sysmon".into(),
            event_id: 22,
            written: Timestamp(0),
            timed: Timed::Utc,
            what: HostWhat::NameQueried {
                process: Process::default(),
                name: "n.example".into(),
                status,
                results: results.into(),
                utc_time: None,
            },
            socket: None,
        };
        let named = addresses_named(&What::Host(Shared::new(host)));
        named.iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn what_a_query_was_answered_with_is_told_from_what_stands_beside_it() {
        let of = |results| named(Some(0), results);
        assert_eq!(of("::ffff:192.0.2.1;"), ["192.0.2.1"]);
        assert_eq!(
            of("type:  5 a.example;type:  5 b.example;::ffff:192.0.2.1;2001:db8::1;"),
            ["192.0.2.1", "2001:db8::1"]
        );
        assert_eq!(of("type:  1 192.0.2.7;type:  28 2001:db8::7;").len(), 2);
        for glue in [
            "type:  6 ;192.0.2.1;",
            "type:  2 ns.example;192.0.2.1;",
            "type:  33 ;192.0.2.1;",
        ] {
            assert!(of(glue).is_empty(), "{glue}");
        }
        assert!(of("-").is_empty() && of("").is_empty());
        for status in [None, Some(9501), Some(9003)] {
            assert!(named(status, "::ffff:192.0.2.1;").is_empty(), "{status:?}");
        }
        assert_eq!(of(&"192.0.2.1;".repeat(1_000)).len(), ADDRESSES);
    }
}
