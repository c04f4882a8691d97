//! Who had which address when, from hand-made events.

use super::*;
use crate::model::Span;
use crate::model::firewall::Layer;
use crate::model::host_event::{Process, Verdict};
use crate::model::neighbour::{Neighbour, ToldBy};
use crate::model::{Direction, Endpoint, HostWhat, Timestamp, Transport, What};

fn row(direction: Direction, source: &str, destination: &str) -> Event {
    let host = logged(direction, source, destination);
    Event {
        time: Timestamp(0),
        recorded: Timestamp(0),
        provenance: crate::model::Provenance {
            evidence: crate::model::EvidenceId(1),
            interface: 0,
            kind: crate::model::provenance::Item::Record,
            item: 1,
            offset: 0,
            inside: false,
        },
        what: What::host(host),
    }
}

fn logged(direction: Direction, source: &str, destination: &str) -> HostEvent {
    let end = |text: &str| {
        let at: std::net::SocketAddr = text.parse().unwrap();
        Endpoint::new(at.ip(), at.port())
    };
    HostEvent {
        computer: "WS01.corp.example".into(),
        channel: "Security".into(),
        provider: "Microsoft-Windows-Security-Auditing".into(),
        event_id: 5156,
        socket: None,
        timed: crate::model::Timed::Utc,
        written: Timestamp(0),
        what: HostWhat::Filtered {
            verdict: Verdict::Permitted,
            layer: Layer::Accept,
            isn: None,
            opens: None,
            direction: Some(direction),
            process: Process::default(),
            transport: Transport::TCP,
            source: end(source),
            destination: end(destination),
        },
    }
}

fn sides(identity: &Identity, source: &str, destination: &str) -> Option<(Endpoint, Endpoint)> {
    let HostWhat::Filtered {
        source,
        destination,
        ..
    } = logged(Direction::Inbound, source, destination).what
    else {
        unreachable!()
    };
    identity.local_and_remote(
        HostId(0),
        Timestamp(0),
        Some(Direction::Inbound),
        source,
        destination,
    )
}

fn built(rows: &[Event]) -> Identity {
    let mut builder = IdentityBuilder::default();
    rows.iter().for_each(|r| builder.observe(r));
    builder.freeze()
}

#[test]
fn the_hosts_own_address_decides_in_either_order() {
    for (s, d) in [
        ("10.0.0.9:50000", "10.0.0.5:445"),
        ("10.0.0.5:445", "10.0.0.9:50000"),
    ] {
        let identity = built(&[
            row(Direction::Outbound, "10.0.0.5:50001", "1.1.1.1:443"),
            row(Direction::Inbound, s, d),
        ]);
        let (local, remote) = sides(&identity, s, d).unwrap();
        assert_eq!(
            (local.to_string().as_str(), remote.to_string().as_str()),
            ("10.0.0.5:445", "10.0.0.9:50000")
        );
    }
}

#[test]
fn the_majority_of_decidable_rows_orients_the_others() {
    let identity = built(&[
        row(Direction::Outbound, "10.0.0.5:50001", "1.1.1.1:443"),
        row(Direction::Inbound, "10.0.0.5:445", "10.0.0.9:50000"),
    ]);
    assert_eq!(identity.hosts()[0].orientation, Orientation::ReceiverFirst);
    let (local, _) = sides(&identity, "172.16.0.1:8080", "172.16.0.2:9090").unwrap();
    assert_eq!(local.port, 8080);
}

#[test]
fn without_outbound_rows_the_side_that_does_not_vary_is_the_hosts() {
    let identity = built(&[
        row(Direction::Inbound, "10.0.0.7:50000", "10.0.0.5:445"),
        row(Direction::Inbound, "10.0.0.8:50000", "10.0.0.5:445"),
    ]);
    assert_eq!(
        identity.hosts()[0].addresses,
        vec!["10.0.0.5".parse::<IpAddr>().unwrap()]
    );
    assert_eq!(
        identity.at("10.0.0.5".parse().unwrap(), Timestamp(7)),
        Some(HostId(0))
    );
}

#[test]
fn an_address_claimed_by_two_hosts_belongs_to_neither_unless_stated() {
    let mut builder = IdentityBuilder::default();
    let mut other = row(Direction::Outbound, "10.0.0.5:50001", "1.1.1.1:443");
    builder.observe(&other);
    if let What::Host(host) = &mut other.what {
        host.computer = "ws02".into();
    }
    builder.observe(&other);
    let address = "10.0.0.5".parse().unwrap();
    assert_eq!(builder.clone().freeze().at(address, Timestamp(0)), None);
    assert_eq!(builder.clone().freeze().conflicts.len(), 1);
    builder.state("WS02", address);
    let identity = builder.freeze();
    assert_eq!(identity.at(address, Timestamp(0)), identity.named("ws02"));
}

/// Minutes of the story as moments.
fn minute(minute: i64) -> Timestamp {
    Timestamp(minute * 60_000_000_000)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// `computer` logs an outbound connection from `own`.
fn logs(at: i64, computer: &str, own: &str) -> Event {
    let mut event = row(Direction::Outbound, &format!("{own}:50001"), "1.1.1.1:443");
    (event.time, event.recorded) = (minute(at), minute(at));
    if let What::Host(host) = &mut event.what {
        host.computer = computer.into();
    }
    event
}

/// A packet says that `address` belongs to `mac` and, unless empty, to `name`.
fn says(at: i64, told_by: ToldBy, mac: u8, address: &str, name: &str) -> Event {
    let mut event = logs(at, "", "0.0.0.0");
    event.what = What::Neighbour(Box::new(Neighbour {
        mac: (mac > 0).then_some([2, 0, 0, 0, 0, mac]),
        address: ip(address),
        name: Some(name).filter(|n| !n.is_empty()).map(Into::into),
        told_by,
        answer: false,
        asks: false,
        lease: None,
        before: None,
    }));
    event
}

/// The names of the hosts that had `address` at these minutes; `-` for nobody.
fn had(identity: &Identity, address: &str, minutes: &[i64]) -> Vec<String> {
    let name = |at: &i64| {
        let place = identity.place(ip(address), minute(*at));
        identity
            .name(place)
            .map_or("-".to_owned(), |n| n.to_string())
    };
    minutes.iter().map(name).collect()
}

use ToldBy::{Arp, Dhcp, Llmnr, Mdns, NetBios};

#[test]
fn a_host_gets_a_new_address_and_another_gets_the_old_one() {
    let identity = built(&[
        logs(0, "WS01", "10.0.0.5"),
        logs(60, "WS01", "10.0.0.5"),
        logs(130, "WS01", "10.0.0.9"),
        says(120, Dhcp, 1, "10.0.0.9", "WS01"),
        says(180, Dhcp, 2, "10.0.0.5", "ws02.corp.example"),
        logs(240, "WS02.corp.example", "10.0.0.5"),
    ]);
    assert_eq!(
        had(&identity, "10.0.0.5", &[-99, 60, 90, 179, 180, 999]),
        [
            "WS01",
            "WS01",
            "-",
            "-",
            "WS02.corp.example",
            "WS02.corp.example"
        ]
    );
    assert_eq!(had(&identity, "10.0.0.9", &[120, 999]), ["WS01", "WS01"]);
    assert_eq!(identity.conflicts, []);
    assert_eq!(identity.moved().len(), 1);
    let ws01 = identity.named("ws01").unwrap();
    let at = |m| identity.addresses_at(ws01, minute(m)).collect::<Vec<_>>();
    assert_eq!(
        at(30),
        [ip("10.0.0.5"), ip("10.0.0.9")],
        "nobody else had .9 before"
    );
    assert_eq!(at(200), [ip("10.0.0.9")]);
    let host = |mac, m| identity.host_of(&[2, 0, 0, 0, 0, mac], minute(m));
    assert_eq!(host(1, 130), Some(ws01));
    assert_eq!(host(2, 200), identity.named("ws02.corp.example"));
}

#[test]
fn the_side_of_a_row_is_told_by_the_addresses_of_its_time() {
    let identity = built(&[
        logs(0, "WS01", "10.0.0.5"),
        logs(60, "WS01", "10.0.0.9"),
        logs(60, "WS02", "10.0.0.5"),
    ]);
    let (a, b) = (
        Endpoint::new(ip("10.0.0.5"), 445),
        Endpoint::new(ip("10.0.0.9"), 445),
    );
    let ws01 = identity.named("WS01").unwrap();
    let side = |m| identity.local_and_remote(ws01, minute(m), Some(Direction::Inbound), a, b);
    assert_eq!(side(70), Some((b, a)));
}

#[test]
fn another_device_ends_a_hosts_time_even_without_a_name() {
    let identity = built(&[
        says(0, Arp, 1, "10.0.0.5", ""),
        logs(5, "WS01", "10.0.0.5"),
        says(10, Arp, 1, "10.0.0.5", ""),
        says(100, Arp, 2, "10.0.0.5", ""),
        says(200, Arp, 1, "10.0.0.5", ""),
    ]);
    assert_eq!(
        had(&identity, "10.0.0.5", &[-9, 10, 50, 100, 150, 200, 999]),
        ["WS01", "WS01", "-", "-", "-", "WS01", "WS01"]
    );
    assert_eq!(
        identity.mac_at(ip("10.0.0.5"), minute(100)),
        Some([2, 0, 0, 0, 0, 2])
    );
}

#[test]
fn a_lease_holds_until_it_runs_out() {
    let mut leased = says(0, Dhcp, 1, "10.0.0.5", "WS01");
    if let What::Neighbour(neighbour) = &mut leased.what {
        neighbour.lease = Some(Span::seconds(3_600));
    }
    let identity = built(&[leased, says(120, Dhcp, 2, "10.0.0.5", "WS02")]);
    assert_eq!(
        had(&identity, "10.0.0.5", &[0, 60, 61, 119, 120]),
        ["WS01", "WS01", "-", "-", "WS02"]
    );
}

#[test]
fn a_host_whose_log_names_no_address_is_found_by_its_name() {
    for told_by in [Dhcp, NetBios, Mdns] {
        let mut builder = IdentityBuilder::default();
        builder.name("FS01.corp.example");
        builder.observe(&says(0, told_by, 1, "10.0.0.7", "fs01"));
        let identity = builder.freeze();
        assert_eq!(
            had(&identity, "10.0.0.7", &[0]),
            ["FS01.corp.example"],
            "{told_by:?}"
        );
        assert!(identity.hosts()[0].named_in_packets);
        assert_eq!(identity.hosts()[0].known_by, KnownBy::Logs);
    }
}

#[test]
fn a_name_that_may_mean_two_hosts_is_neithers() {
    let mut builder = IdentityBuilder::default();
    builder.name("FS01.corp.example");
    builder.name("FS01.lab.example");
    builder.observe(&says(0, Dhcp, 1, "10.0.0.7", "fs01"));
    builder.observe(&says(0, Dhcp, 2, "10.0.0.8", "fs01.lab.example"));
    let identity = builder.freeze();
    assert_eq!(had(&identity, "10.0.0.7", &[0]), ["-"]);
    assert_eq!(had(&identity, "10.0.0.8", &[0]), ["FS01.lab.example"]);
    assert!(matches!(
        identity.conflicts.as_slice(),
        [Conflict::SeveralHosts { .. }]
    ));
}

#[test]
fn a_host_that_only_packets_name_is_known() {
    let identity = built(&[
        says(0, Dhcp, 1, "10.0.0.7", "printer"),
        says(5, Mdns, 1, "10.0.0.7", "Printer.local"),
        says(6, Mdns, 1, "fe80::7", "Printer.local"),
    ]);
    assert_eq!(had(&identity, "10.0.0.7", &[0]), ["printer"]);
    assert_eq!(had(&identity, "fe80::7", &[0]), ["printer"]);
    assert_eq!(identity.hosts()[0].known_by, KnownBy::Packets);
    let place = identity.place(ip("10.0.0.7"), minute(0));
    assert!(!identity.keeps_logs(place));
}

#[test]
fn who_answers_for_every_name_gets_none() {
    let poisoner = |name: &str| says(10, NetBios, 9, "10.0.0.66", name);
    let identity = built(&[
        logs(0, "DC01", "10.0.0.1"),
        logs(20, "DC01", "10.0.0.1"),
        poisoner("DC01"),
        poisoner("FS01"),
        says(12, Llmnr, 9, "10.0.0.66", "DC01"),
    ]);
    assert_eq!(had(&identity, "10.0.0.66", &[10]), ["-"]);
    assert_eq!(had(&identity, "10.0.0.1", &[10]), ["DC01"]);
    assert_eq!(identity.hosts().len(), 1);
    // Nor does who answers once, while the log of the host shows another address.
    let identity = built(&[
        logs(0, "DC01", "10.0.0.1"),
        logs(8, "DC01", "10.0.0.1"),
        poisoner("DC01"),
        logs(16, "DC01", "10.0.0.1"),
    ]);
    assert_eq!(had(&identity, "10.0.0.66", &[10]), ["-"]);
    assert!(matches!(
        identity.conflicts.as_slice(),
        [Conflict::SeveralAddresses { .. }]
    ));
}

#[test]
fn a_name_agreed_with_a_server_goes_before_one_that_was_answered() {
    let identity = built(&[
        says(0, Dhcp, 9, "10.0.0.66", "kali"),
        says(1, NetBios, 9, "10.0.0.66", "FS01"),
    ]);
    assert_eq!(had(&identity, "10.0.0.66", &[1]), ["kali"]);
}

#[test]
fn two_devices_of_one_name_have_none() {
    let identity = built(&[
        says(0, Dhcp, 1, "10.0.0.7", "iPhone"),
        says(1, Dhcp, 2, "10.0.0.8", "iPhone"),
        says(5, Dhcp, 1, "10.0.0.7", "iPhone"),
    ]);
    assert_eq!(had(&identity, "10.0.0.7", &[0, 5]), ["-", "-"]);
    assert_eq!(had(&identity, "10.0.0.8", &[1]), ["-"]);
}

#[test]
fn a_log_goes_before_a_name_in_packets_and_a_statement_before_both() {
    let mut builder = IdentityBuilder::default();
    for event in [
        logs(0, "WS01", "10.0.0.5"),
        logs(60, "WS01", "10.0.0.5"),
        says(30, Mdns, 0, "10.0.0.5", "other.local"),
    ] {
        builder.observe(&event);
    }
    let identity = builder.clone().freeze();
    assert_eq!(had(&identity, "10.0.0.5", &[30]), ["WS01"]);
    assert!(matches!(
        identity.conflicts.as_slice(),
        [Conflict::Overruled { .. }]
    ));
    builder.state("FS09", ip("10.0.0.5"));
    let identity = builder.freeze();
    assert_eq!(had(&identity, "10.0.0.5", &[-99, 30, 999]), ["FS09"; 3]);
}

#[test]
fn a_short_name_is_the_host_of_the_only_full_name_that_begins_so() {
    let mut builder = IdentityBuilder::default();
    builder.name("FS01.corp.example");
    builder.name("WS01.corp.example");
    builder.name("WS01.lab.example");
    builder.observe(&says(30, Dhcp, 2, "10.0.0.5", "FS01.local"));
    let identity = builder.freeze();
    let called = |name| identity.called(name).and_then(|id| identity.host(id));
    for name in ["fs01", "FS01.corp.example"] {
        let host = called(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(&*host.name, "FS01.corp.example");
    }
    for nobody in ["WS01", "FS", "corp", "FS01.corp"] {
        assert!(called(nobody).is_none(), "{nobody}");
    }
}

#[test]
fn builders_merge_in_any_order_to_the_same() {
    let events = [
        logs(0, "WS01", "10.0.0.5"),
        says(30, Dhcp, 2, "10.0.0.5", "WS02"),
        logs(90, "WS02", "10.0.0.5"),
        says(95, Arp, 2, "10.0.0.5", ""),
    ];
    let split = |first: &[usize], second: &[usize]| {
        let build = |which: &[usize]| {
            let mut builder = IdentityBuilder::default();
            which.iter().for_each(|i| builder.observe(&events[*i]));
            builder
        };
        let mut builder = build(first);
        builder.merge(build(second));
        let mut identity = builder.freeze();
        // Names are found by hash, in an order of no meaning.
        let names: BTreeMap<_, _> = std::mem::take(&mut identity.by_name).into_iter().collect();
        format!("{names:?} {identity:?}")
    };
    assert_eq!(split(&[0, 2], &[1, 3]), split(&[1, 3], &[0, 2]));
    assert_eq!(split(&[0, 1, 2, 3], &[]), split(&[3], &[2, 1, 0]));
}

#[test]
fn a_corrected_clock_moves_what_its_host_logged() {
    let mut builder = IdentityBuilder::default();
    // The clock of WS01 is an hour ahead: it had the address before WS02, not after.
    for event in [logs(60, "WS01", "10.0.0.5"), logs(30, "WS02", "10.0.0.5")] {
        builder.observe(&event);
    }
    assert_eq!(
        had(&builder.clone().freeze(), "10.0.0.5", &[0, 60]),
        ["WS02", "WS01"]
    );
    let ahead = |computer: &str, time: Timestamp| match computer {
        "ws01" => time.shifted(Span::seconds(-3_600)),
        _ => time,
    };
    builder.retime(ahead, |_| ());
    assert_eq!(
        had(&builder.freeze(), "10.0.0.5", &[0, 60]),
        ["WS01", "WS02"]
    );
}

#[test]
fn a_clock_that_stepped_back_moves_each_side_of_its_step_by_its_own_error() {
    let mut builder = IdentityBuilder::default();
    // Until minute 100 of its own clock WS01 is an hour ahead; later it is right.
    for event in [
        logs(90, "WS01", "10.0.0.5"),
        logs(60, "WS02", "10.0.0.5"),
        logs(80, "WS02", "10.0.0.6"),
        logs(110, "WS01", "10.0.0.6"),
    ] {
        builder.observe(&event);
    }
    let stepped = |computer: &str, time: Timestamp| match computer {
        "ws01" if time < minute(100) => time.shifted(Span::seconds(-3_600)),
        _ => time,
    };
    builder.retime(stepped, |_| ());
    let identity = builder.freeze();
    assert_eq!(had(&identity, "10.0.0.5", &[30, 60]), ["WS01", "WS02"]);
    assert_eq!(had(&identity, "10.0.0.6", &[80, 110]), ["WS02", "WS01"]);
}

#[test]
fn what_packets_name_does_not_change_the_number_of_a_host_with_logs() {
    let number = |events: &[Event]| built(events).named("ws02");
    let alone = number(&[logs(0, "WS02", "10.0.0.6")]);
    let beside = number(&[
        says(0, Dhcp, 1, "10.0.0.5", "AA01"),
        logs(0, "WS02", "10.0.0.6"),
    ]);
    assert!(alone.is_some());
    assert_eq!(alone, beside);
}

mod any_evidence {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_known_owner_is_backed_by_evidence(
            drawn in prop::collection::vec((0_i64..400, 0_u8..4, 0_u8..3, 0_u8..3), 1..40)
        ) {
            let name = |n: u8| format!("ws0{n}");
            let address = |n: u8| format!("10.0.0.{}", n + 1);
            let events: Vec<Event> = drawn
                .iter()
                .map(|(at, kind, who, which)| match kind {
                    0 => logs(*at, &name(*who), &address(*which)),
                    1 => says(*at, Arp, *who + 1, &address(*which), ""),
                    2 => says(*at, Dhcp, *who + 1, &address(*which), &name(*who)),
                    _ => says(*at, Mdns, 0, &address(*which), &name(*who)),
                })
                .collect();
            let identity = built(&events);
            for which in 0..3 {
                for at in (-10..420).step_by(7) {
                    if let Some(id) = identity.at(ip(&address(which)), minute(at)) {
                        let host = identity.host(id).unwrap();
                        let backed = drawn.iter().any(|(_, kind, who, of)| {
                            *kind != 1 && *of == which && name(*who) == *host.name
                        });
                        prop_assert!(backed);
                        prop_assert!(host.addresses.contains(&ip(&address(which))));
                    }
                }
            }
        }
    }
}

fn received(source: &str, destination: &str) -> Event {
    let mut event = row(Direction::Inbound, source, destination);
    if let What::Host(host) = &mut event.what
        && let HostWhat::Filtered {
            process,
            transport,
            source,
            destination,
            ..
        } = host.what.clone()
    {
        host.what = HostWhat::Connected {
            process,
            transport,
            initiated: false,
            source,
            destination,
            user: "".into(),
            utc_time: None,
        };
    }
    event
}

#[test]
fn a_received_connection_told_with_the_host_as_source_gives_it_no_other_address() {
    let own: IpAddr = "10.0.0.5".parse().unwrap();
    let other: IpAddr = "10.0.0.9".parse().unwrap();
    let second: IpAddr = "10.0.7.5".parse().unwrap();
    let flipped = received("10.0.0.5:389", "10.0.0.9:50001");
    let mut rows = vec![
        row(Direction::Outbound, "10.0.0.5:50000", "10.0.0.9:445"),
        flipped.clone(),
        flipped.clone(),
        received("10.0.7.9:50000", "10.0.7.5:389"),
    ];
    let identity = built(&rows);
    let owner = |identity: &Identity, address| identity.at(address, Timestamp(0));
    assert_eq!(owner(&identity, own), Some(HostId(0)));
    assert_eq!(owner(&identity, other), None);
    assert_eq!(owner(&identity, second), Some(HostId(0)), "a second card");
    // With such rows alone, the side that is told more often is the host's.
    rows[0] = received("10.0.0.9:50002", "10.0.0.5:389");
    rows.extend([rows[0].clone(), rows[0].clone()]);
    let identity = built(&rows);
    assert_eq!(owner(&identity, own), Some(HostId(0)));
    assert_eq!(owner(&identity, other), None);
}
