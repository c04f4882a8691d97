//! The Windows Firewall's own log, through the front door: which addresses are its host's, what is a
//! touch of it, and which rows are no rows of packets.

use casewire::case::Case;
use casewire::evidence::progress::Silent;
use casewire::evidence::{ProblemKind, Weight};
use casewire::investigate::{Request, investigate};

const HEAD: &str = "#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n#Time Format: Local\r\n\
    #Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype \
    icmpcode info path\r\n\r\n";

/// The case of logs with these rows, the columns behind the ports left out.
fn case(logs: &[&[&str]]) -> Case {
    let here = tempfile::tempdir().unwrap();
    for (number, rows) in logs.iter().enumerate() {
        let rows: String = rows
            .iter()
            .map(|row| match row.rsplit_once(' ') {
                Some((row, path)) => format!("2017-12-22 {row} 78 - - - - - - - {path}\r\n"),
                None => format!("2017-12-22 {row}\r\n"),
            })
            .collect();
        let path = here.path().join(format!("{number}.log"));
        std::fs::write(path, format!("{HEAD}{rows}")).unwrap();
    }
    investigate(&Request::of(vec![here.path().to_owned()]), &Silent).unwrap()
}

fn hosts(case: &Case) -> Vec<(String, Vec<String>)> {
    let addresses =
        |host: &casewire::case::HostRow| host.addresses.iter().map(ToString::to_string).collect();
    case.hosts
        .iter()
        .map(|host| (host.name.to_string(), addresses(host)))
        .collect()
}

#[test]
fn what_is_sent_to_a_whole_network_names_no_address_of_the_host() {
    let alone = case(&[&[
        "07:38:56 DROP UDP 192.168.1.50 192.168.1.255 137 137 RECEIVE",
        "07:38:57 DROP UDP 192.168.1.51 192.168.1.255 138 138 RECEIVE",
        "07:38:58 DROP ICMP 192.168.1.51 192.168.1.255 - - RECEIVE",
    ]]);
    let told = hosts(&alone);
    assert!(
        told.iter()
            .all(|(name, own)| name.starts_with("firewall log") && own.is_empty()),
        "{told:?}"
    );
    let two = case(&[
        &[
            "07:38:55 ALLOW UDP 192.168.1.47 192.168.1.255 138 138 SEND",
            "07:38:56 DROP UDP 192.168.1.50 192.168.1.255 137 137 RECEIVE",
            "07:38:58 DROP TCP 192.168.1.60 192.168.1.47 50000 445 RECEIVE",
        ],
        &[
            "07:38:55 DROP UDP 192.168.1.47 192.168.1.255 138 138 RECEIVE",
            "07:38:56 ALLOW UDP 192.168.1.50 192.168.1.255 137 137 SEND",
            "07:38:58 DROP TCP 192.168.1.60 192.168.1.50 50001 445 RECEIVE",
        ],
    ]);
    let own = |address: &str| (address.to_owned(), vec![address.to_owned()]);
    assert_eq!(hosts(&two), [own("192.168.1.47"), own("192.168.1.50")]);
    assert!(
        !two.notes.iter().any(|note| note.contains("changed hands")),
        "{:?}",
        two.notes
    );
    // A connection goes to one computer, whatever its address ends in.
    let wide = case(&[&["07:38:58 DROP TCP 10.0.3.60 10.0.1.255 50001 445 RECEIVE"]]);
    assert_eq!(hosts(&wide), [own("10.0.1.255")]);
}

#[test]
fn what_is_sent_to_a_whole_network_or_group_is_no_touch_of_the_host() {
    let touches = |destination: &str| {
        let rows = [5000, 6000, 7000, 8000].map(|port| {
            format!(
                "07:39:0{} DROP UDP 192.168.1.60 {destination} 50000 {port} RECEIVE",
                port / 1000
            )
        });
        let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        rows.push("07:38:58 DROP TCP 192.168.1.70 192.168.1.47 50000 445 RECEIVE");
        let case = case(&[&rows]);
        let told = case.near_misses.iter().map(|miss| miss.text.clone());
        told.filter(|text| text.starts_with("192.168.1.60 touched"))
            .collect::<Vec<_>>()
    };
    for all in [
        "192.168.1.255",
        "255.255.255.255",
        "224.0.0.251",
        "239.255.255.250",
    ] {
        assert_eq!(touches(all), [""; 0], "{all}");
    }
    let real = touches("192.168.1.47");
    assert!(
        !real.is_empty() && real[0].contains("192.168.1.47"),
        "{real:?}"
    );
}

#[test]
fn the_end_of_a_connection_is_a_row_of_the_format_and_no_damage() {
    let case = case(&[&[
        "08:06:02 OPEN TCP 10.0.0.9 10.0.0.5 1606 445 -",
        "08:06:05 CLOSE TCP 10.0.0.9 10.0.0.5 1606 445 -",
        "08:06:06 CLOSE UDP 10.0.0.9 10.0.0.5 1027 53 -",
    ]]);
    let row = &case.evidence[0];
    assert_eq!((row.units_read, row.units_skipped), (3, 0));
    let said = case.problems.iter().find(|p| p.message.contains("CLOSE"));
    let said = said.unwrap_or_else(|| panic!("{:?}", case.problems));
    assert_eq!(
        (said.kind, said.weight, said.count),
        (ProblemKind::Form, Weight::Note, 2)
    );
    assert!(!case.any_loss(), "{:?}", case.problems);
}
