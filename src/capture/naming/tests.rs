//! Every reader of claims, on hand-made bytes, whole and cut at every length.

use super::*;
use crate::capture::packet::LeaseMessage;
use proptest::prelude::*;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// `MAC? address name?` of each claim.
fn told(claims: &[Announcement]) -> Vec<(bool, String, String)> {
    let told = |c: &Announcement| {
        let name = c.name.as_deref().unwrap_or_default().to_owned();
        (c.mac.is_some(), c.address.to_string(), name)
    };
    claims.iter().map(told).collect()
}

fn one(mac: bool, address: &str, name: &str) -> (bool, String, String) {
    (mac, address.to_owned(), name.to_owned())
}

fn dhcp(op: u8, kind: u8, ciaddr: [u8; 4], yiaddr: [u8; 4], options: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![op, 1, 6, 0, 0, 0, 0, 9];
    bytes.extend([0; 4]);
    bytes.extend(ciaddr);
    bytes.extend(yiaddr);
    bytes.resize(28, 0);
    bytes.extend(MAC);
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99, 53, 1, kind, 0]);
    bytes.extend(options.concat());
    bytes.push(255);
    bytes
}

fn option(code: u8, value: &[u8]) -> Vec<u8> {
    [&[code, value.len() as u8], value].concat()
}

fn lease(granted: bool, address: Option<[u8; 4]>, name: Option<&str>) -> LeaseMessage {
    LeaseMessage {
        granted,
        exchange: 9,
        mac: MAC,
        address: address.map(Ipv4Addr::from),
        name: name.map(Into::into),
        lease: None,
    }
}

#[test]
fn dhcp_tells_what_was_granted_and_what_a_client_is_called() {
    const NONE: [u8; 4] = [0; 4];
    const FIVE: [u8; 4] = [10, 0, 0, 5];
    let host = option(12, b"WS05\0");
    let fqdn = option(81, b"\0\0\0WS05.corp.example");
    let wire = option(81, b"\x04\0\0\x04WS05\x04corp\x07example");
    let short = option(81, b"\0\0\0ws05");
    let asked = option(50, &FIVE);
    let full = Some("WS05.corp.example");
    for (case, message, expected) in [
        (
            "asks",
            dhcp(1, 3, NONE, NONE, &[&asked, &host]),
            Some(lease(false, None, Some("WS05"))),
        ),
        (
            "renews",
            dhcp(1, 3, FIVE, NONE, &[&host, &fqdn]),
            Some(lease(false, Some(FIVE), full)),
        ),
        (
            "fqdn on the wire",
            dhcp(1, 3, FIVE, NONE, &[&wire]),
            Some(lease(false, Some(FIVE), full)),
        ),
        (
            "short fqdn",
            dhcp(1, 3, NONE, NONE, &[&short]),
            Some(lease(false, None, Some("ws05"))),
        ),
        (
            "informs",
            dhcp(1, 8, FIVE, NONE, &[]),
            Some(lease(false, Some(FIVE), None)),
        ),
        (
            "granted",
            dhcp(2, 5, NONE, FIVE, &[]),
            Some(lease(true, Some(FIVE), None)),
        ),
        ("answer to inform", dhcp(2, 5, FIVE, NONE, &[]), None),
        ("offered", dhcp(2, 2, NONE, FIVE, &[]), None),
        ("refused", dhcp(2, 6, NONE, FIVE, &[]), None),
        ("discovers", dhcp(1, 1, NONE, NONE, &[&host]), None),
        ("grant by a client", dhcp(1, 5, NONE, FIVE, &[]), None),
        ("group address", dhcp(2, 5, NONE, [224, 0, 0, 1], &[]), None),
    ] {
        assert_eq!(dhcp::read(&message), expected, "{case}");
    }
    let hour = option(51, &3_600_u32.to_be_bytes());
    let granted = dhcp(2, 5, NONE, FIVE, &[&hour]);
    assert_eq!(dhcp::read(&granted).and_then(|m| m.lease), Some(3_600));
    let mut other_cookie = granted;
    other_cookie[239] = 0;
    assert_eq!(dhcp::read(&other_cookie), None);
}

fn question(name: &[u8], kind: u16) -> Vec<u8> {
    [name, &kind.to_be_bytes(), &[0, 1]].concat()
}

fn record(name: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0x80, 1]);
    bytes.extend(ttl.to_be_bytes());
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

fn message(flags: u16, counts: [u16; 4], parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0, 1];
    bytes.extend(flags.to_be_bytes());
    bytes.extend(counts.iter().flat_map(|c| c.to_be_bytes()));
    bytes.extend(parts.concat());
    bytes
}

const WS05_LOCAL: &[u8] = b"\x04WS05\x05local\0";
const FE80: [u8; 16] = [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];

#[test]
fn a_multicast_answer_names_the_addresses_of_its_host() {
    let a = record(WS05_LOCAL, 1, 120, &[10, 0, 0, 5]);
    // A pointer to the name of the first record.
    let aaaa = record(&[0xC0, 12], 28, 120, &FE80);
    let answer = message(0x8400, [0, 1, 0, 1], &[a.clone(), aaaa]);
    let read = |from| dns::read(&answer, ToldBy::Mdns, ip(from), Some(MAC));
    let both = |mac| {
        vec![
            one(mac, "10.0.0.5", "WS05.local"),
            one(mac, "fe80::5", "WS05.local"),
        ]
    };
    assert_eq!(told(&read("10.0.0.5")), both(true));
    assert_eq!(
        told(&read("10.0.0.99")),
        both(false),
        "somebody else speaks"
    );
    for (case, flags, parts) in [
        ("a question", 0x0000, vec![a.clone()]),
        ("an error", 0x8003, vec![a.clone()]),
        ("an update", 0xA800, vec![a]),
        (
            "a goodbye",
            0x8400,
            vec![record(WS05_LOCAL, 1, 0, &[10, 0, 0, 5])],
        ),
        (
            "a service",
            0x8400,
            vec![record(b"\x01a\x04_tcp\x05local\0", 1, 9, &[10, 0, 0, 5])],
        ),
        (
            "another zone",
            0x8400,
            vec![record(b"\x01a\x03com\0", 1, 9, &[10, 0, 0, 5])],
        ),
        (
            "a short address",
            0x8400,
            vec![record(WS05_LOCAL, 1, 9, &[10, 0, 0])],
        ),
        (
            "a group",
            0x8400,
            vec![record(WS05_LOCAL, 1, 9, &[224, 0, 0, 1])],
        ),
    ] {
        let answer = message(flags, [0, 1, 0, 0], &parts);
        assert_eq!(
            dns::read(&answer, ToldBy::Mdns, ip("10.0.0.5"), None),
            [],
            "{case}"
        );
    }
}

#[test]
fn an_llmnr_answer_names_one_label_unless_it_tells_a_conflict() {
    let parts = [
        question(b"\x04WS05\0", 1),
        record(&[0xC0, 12], 1, 30, &[10, 0, 0, 5]),
    ];
    let read = |flags| {
        let answer = message(flags, [1, 1, 0, 0], &parts);
        dns::read(&answer, ToldBy::Llmnr, ip("10.0.0.5"), Some(MAC))
    };
    assert_eq!(told(&read(0x8000)), [one(true, "10.0.0.5", "WS05")]);
    assert_eq!(read(0x8400), []);
}

#[test]
fn pointers_that_lead_forward_or_in_a_circle_end_the_reading() {
    for name in [
        &[0xC0, 12][..],
        &[0xC0, 0x20],
        &[1, b'a', 0xC0, 12],
        &[0x80, 1],
        &[64],
    ] {
        let answer = message(0x8400, [0, 1, 0, 0], &[record(name, 1, 9, &[10, 0, 0, 5])]);
        assert_eq!(
            dns::read(&answer, ToldBy::Llmnr, ip("10.0.0.5"), None),
            [],
            "{name:?}"
        );
    }
    let flood: Vec<_> = (0..60)
        .map(|i| record(WS05_LOCAL, 1, 9, &[10, 0, 0, i + 1]))
        .collect();
    let answer = message(0x8400, [0, 60, 0, 0], &flood);
    let claims = dns::read(&answer, ToldBy::Mdns, ip("10.0.0.1"), None);
    assert_eq!(claims.len(), CLAIMS);
}

fn netbios_name(name: &str, suffix: u8) -> Vec<u8> {
    let mut raw = name.as_bytes().to_vec();
    raw.resize(15, b' ');
    raw.push(suffix);
    let letters = raw.iter().flat_map(|b| [b'A' + (b >> 4), b'A' + (b & 15)]);
    let mut encoded = vec![32];
    encoded.extend(letters);
    encoded.push(0);
    encoded
}

fn netbios_record(name: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = record(name, kind, 300, data);
    let class = name.len() + 2;
    bytes[class] = 0;
    bytes
}

#[test]
fn netbios_registrations_and_answers_name_computers_only() {
    const OWN: [u8; 6] = [0, 0, 10, 0, 0, 5];
    let registers = |name: &[u8], data: &[u8]| {
        let parts = [question(name, 32), netbios_record(&[0xC0, 12], 32, data)];
        message(0x2910, [1, 0, 0, 1], &parts)
    };
    let answers =
        |flags, name: &[u8]| message(flags, [0, 1, 0, 0], &[netbios_record(name, 32, &OWN)]);
    let ws05 = |suffix| netbios_name("WS05", suffix);
    let named = vec![one(false, "10.0.0.5", "WS05")];
    let group = [0x80, 0, 10, 0, 0, 5];
    for (case, bytes, expected) in [
        ("registers", registers(&ws05(0), &OWN), named.clone()),
        ("serves", registers(&ws05(0x20), &OWN), named.clone()),
        ("is answered", answers(0x8500, &ws05(0)), named),
        ("a user", registers(&ws05(3), &OWN), vec![]),
        ("a group", registers(&ws05(0), &group), vec![]),
        ("refused", answers(0x8503, &ws05(0)), vec![]),
        ("released", answers(0xB400, &ws05(0)), vec![]),
        ("no letters", registers(&[2, b'A', b'A', 0], &OWN), vec![]),
        (
            "unprintable",
            registers(&netbios_name("\u{1}\u{2}X", 0), &OWN),
            vec![],
        ),
    ] {
        assert_eq!(
            told(&netbios::read(&bytes, ip("10.0.0.5"))),
            expected,
            "{case}"
        );
    }
}

#[test]
fn a_node_status_tells_name_and_hardware_address() {
    let entry = |name: &str, suffix: u8, flags: u16| {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(15, b' ');
        bytes.push(suffix);
        bytes.extend(flags.to_be_bytes());
        bytes
    };
    let data = [
        vec![2],
        entry("CORP", 0, 0x8400),
        entry("WS05", 0, 0x0400),
        MAC.to_vec(),
        vec![0; 40],
    ]
    .concat();
    let answer = message(
        0x8400,
        [0, 1, 0, 0],
        &[netbios_record(&netbios_name("*", 0), 33, &data)],
    );
    assert_eq!(
        told(&netbios::read(&answer, ip("10.0.0.5"))),
        [one(true, "10.0.0.5", "WS05")]
    );
}

#[test]
fn neighbour_discovery_tells_the_senders_or_the_targets_pair() {
    let body = |kind: u8, option: u8| {
        let mut bytes = vec![kind, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(FE80);
        bytes.extend([14, 1, 0, 0, 0, 0, 0, 0]); // a nonce before it
        bytes.extend([option, 1]);
        bytes.extend(MAC);
        bytes
    };
    let from = ip("fe80::1");
    let pair = |address: &str| Some(one(true, address, ""));
    for (kind, option, from, ttl, expected) in [
        (135, 1, from, 255, pair("fe80::1")),
        (136, 2, from, 255, pair("fe80::5")),
        (136, 1, from, 255, None),
        (135, 2, from, 255, None),
        (135, 1, from, 64, None),
        (134, 1, from, 255, None),
        (135, 1, ip("::"), 255, None),
    ] {
        let found = neighbour_discovery(from, ttl, &body(kind, option));
        assert_eq!(
            told(found.as_slice()).pop(),
            expected,
            "{kind} {option} {ttl}"
        );
    }
    // A router solicitation names nobody before its options.
    let solicited = [&[133, 0, 0, 0, 0, 0, 0, 0, 1, 1][..], &MAC].concat();
    let found = neighbour_discovery(from, 255, &solicited);
    assert_eq!(told(found.as_slice()).pop(), pair("fe80::1"));
    assert_eq!(neighbour_discovery(ip("::"), 255, &solicited[..8]), None);
    let mut endless = body(136, 2);
    endless[25] = 0;
    assert_eq!(neighbour_discovery(from, 255, &endless), None);
}

/// Runs every reader; none may panic or tell more than it may.
fn survives(bytes: &[u8]) {
    let from = ip("10.0.0.5");
    for told_by in [ToldBy::Mdns, ToldBy::Llmnr] {
        assert!(dns::read(bytes, told_by, from, Some(MAC)).len() <= CLAIMS);
    }
    assert!(netbios::read(bytes, from).len() <= CLAIMS);
    if let Some(message) = dhcp::read(bytes) {
        assert!(message.name.is_none_or(|name| name.len() <= NAME * 3));
    }
    let _ = (arp(bytes), neighbour_discovery(from, 255, bytes));
    let _ = dns::bare_name(bytes);
}

#[test]
fn no_message_is_too_short() {
    let a = record(WS05_LOCAL, 1, 120, &[10, 0, 0, 5]);
    let whole = [
        message(0x8400, [0, 1, 0, 1], &[a.clone(), a]),
        dhcp(
            1,
            3,
            [0; 4],
            [0; 4],
            &[&option(12, b"WS05"), &option(81, b"\x04\0\0\x02ab")],
        ),
        message(0x2910, [1, 0, 0, 1], &[question(&netbios_name("A", 0), 32)]),
    ];
    for bytes in whole {
        (0..bytes.len()).for_each(|end| survives(&bytes[..end]));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        survives(&bytes);
        // Past the fixed fields, too.
        let mut message = dhcp(1, 3, [0; 4], [0; 4], &[]);
        message.pop();
        message.extend(&bytes);
        survives(&message);
        let mut answer = message_head();
        answer.extend(&bytes);
        survives(&answer);
    }
}

fn message_head() -> Vec<u8> {
    message(0x8400, [0, 40, 40, 40], &[])
}
