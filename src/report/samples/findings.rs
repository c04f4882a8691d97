//! Findings built by hand: a knock, the same with clocks that cannot carry it, a wake-up.

use super::{HOST, REMOTE, at, attempt, host_event, packets, place, process, record};
use crate::model::attempt::Outcome;
use crate::model::finding::*;
use crate::model::firewall::{Action, Ports, Rule, RuleChange, RuleSource};
use crate::model::host_event::{HostWhat, ImageFile, Verdict as Wfp};
use crate::model::provenance::Item;
use crate::model::wake::{WakeCarrier, WakeSignal};
use crate::model::{Direction, Endpoint, Event, Span, Transport, What};

pub fn knock() -> Finding {
    let netsh = HostWhat::ProcessStarted {
        process: process(r"C:\Windows\System32\netsh.exe", 6124),
        command_line: "netsh advfirewall firewall add rule name=\"x\" dir=in protocol=TCP \
                       localport=4444 action=allow"
            .into(),
        parent: process(r"C:\ProgramData\svchelper.exe", 5980),
        parent_command_line: "".into(),
        user: r"CORP\svc-backup".into(),
        file: Some(Box::new(ImageFile {
            original_name: "netsh.exe".into(),
            hashes: "".into(),
        })),
    };
    let rule = HostWhat::FirewallRule {
        change: RuleChange::Added,
        source: RuleSource::FirewallLog,
        rule: Box::new(Rule {
            id: "{1}".into(),
            name: "Core Networking - Teredo (TCP-In) 2".into(),
            direction: Some(Direction::Inbound),
            action: Some(Action::Allow),
            active: Some(true),
            protocol: Some(Some(6)),
            local_ports: Ports::Ranges(vec![(4444, 4444)]),
            changed_by: r"C:\Windows\System32\netsh.exe".into(),
            ..Rule::default()
        }),
    };
    let listen = HostWhat::Listening {
        verdict: Wfp::Permitted,
        process: process(r"\device\harddiskvolume3\programdata\svchelper.exe", 5980),
        transport: Transport::TCP,
        local: Endpoint::new("0.0.0.0".parse().unwrap(), 4444),
    };
    let sysmon = "Microsoft-Windows-Sysmon/Operational";
    let firewall = "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall";
    Finding {
        analytic: "AN0842",
        span: None,
        also_satisfies: vec!["AN1448"],
        title: "203.0.113.7 knocked on 3 closed ports of FS01; port 4444/tcp opened 1.4 s after the \
                last knock; 203.0.113.7 was the first to connect to it."
            .to_owned(),
        severity: Severity::High,
        tier: Tier::Both,
        confidence: 88,
        entities: Entities {
            remote: Some(REMOTE.parse().unwrap()),
            host_name: "FS01.corp.example".into(),
            host_address: Some(HOST.parse().unwrap()),
            probed_ports: vec![7000, 8000, 9000],
            opened_ports: vec![4444],
            process: r"C:\ProgramData\svchelper.exe".into(),
            pid: Some(5980),
            ..Entities::default()
        },
        steps: vec![
            packets(attempt("02:11:07.104233", 18822, (51514, 7000), Outcome::Rejected), Role::Probe, &[18823], ""),
            packets(attempt("02:11:07.512870", 18871, (51515, 8000), Outcome::Rejected), Role::Probe, &[18872], ""),
            packets(attempt("02:11:07.930114", 18919, (51516, 9000), Outcome::Unanswered), Role::Probe, &[], ""),
            record(host_event("02:11:09.118118400", 4, 104_101, sysmon, 1, netsh)),
            record(host_event("02:11:09.331402100", 3, 884, firewall, 2004, rule)),
            record(host_event("02:11:09.902020900", 2, 30_088, "Security", 5154, listen)),
            packets(
                attempt("02:11:14.550671", 19402, (51522, 4444), Outcome::Established),
                Role::Connect,
                &[19403, 19404],
                "first in this evidence",
            ),
        ],
        conditions: vec![
            Condition {
                text: "distinct closed ports touched by one source".to_owned(),
                setting: ">= 3 in 25 s".to_owned(),
                measured: "3 in 0.826 s".to_owned(),
            },
            Condition {
                text: "the same source made the first completed handshake to 4444/tcp in this evidence"
                    .to_owned(),
                setting: "<= 300 s".to_owned(),
                measured: "5.219 s".to_owned(),
            },
        ],
        tables: Vec::new(),
        score: vec![
            ScoreItem { reason: "full chain".to_owned(), points: 40 },
            ScoreItem { reason: "the rule names the port".to_owned(), points: 20 },
            ScoreItem { reason: "the listener is the port's".to_owned(), points: 28 },
        ],
        order: OrderCheck {
            smallest_gap: Some(Span::millis(1188)),
            uncertainty: Span::millis(15),
            certain: true,
            notes: vec!["FS01 is ahead of the capture by 1.842 s +/- 0.015 s (41 anchors).".to_owned()],
        },
        unseen: vec![
            Unseen {
                telemetry: "Security 5156".to_owned(),
                host: Some("FS01.corp.example".into()),
                effect: "step 7 rests on packets alone; that svchelper.exe accepted it is inferred \
                         from step 6"
                    .to_owned(),
            },
            Unseen {
                telemetry: "packets before 01:58:00".to_owned(),
                host: None,
                effect: "earlier knocks cannot be excluded".to_owned(),
            },
        ],
        alternatives: vec!["a sanctioned port-knocking service for remote administration".to_owned()],
        actions: vec![
            "Ask the owner of FS01 whether 203.0.113.7 and svc-backup are authorised.".to_owned(),
            "Search other hosts for the sequence 7000, 8000, 9000.".to_owned(),
        ],
        notes: vec!["Expected coincidences of this kind in this evidence: 0.002.".to_owned()],
    }
}

/// The same pattern with clocks that cannot carry its order, and two steps at one time.
pub fn uncertain() -> Finding {
    let mut finding = knock();
    finding.also_satisfies.clear();
    finding.severity = Severity::Medium;
    finding.confidence = 38;
    finding.tier = Tier::Partial;
    finding.order = OrderCheck {
        smallest_gap: Some(Span::millis(400)),
        uncertainty: Span::seconds(2),
        certain: false,
        notes: vec!["The clock of FS01 could not be measured.".to_owned()],
    };
    finding.steps = vec![
        packets(
            attempt("23:59:59.900", 30_001, (40001, 7000), Outcome::Unanswered),
            Role::Probe,
            &[],
            "",
        ),
        packets(
            attempt("23:59:59.900", 30_002, (40002, 8000), Outcome::Unanswered),
            Role::Probe,
            &[],
            "",
        ),
    ];
    let mut next_day = attempt("00:00:04", 30_009, (40003, 4444), Outcome::Established);
    next_day.time = next_day.time.shifted(Span::seconds(86_400));
    next_day.recorded = next_day.time;
    finding
        .steps
        .push(packets(next_day, Role::Connect, &[30_010, 30_012], ""));
    finding
}

pub fn wake() -> Finding {
    let time = at("02:19:59.250");
    let signal = WakeSignal {
        target: [0xaa, 0xbb, 0xcc, 0, 1, 2],
        sender_mac: Some([2, 0, 0, 0, 0, 5]),
        sender: Some(Endpoint::new("10.20.0.5".parse().unwrap(), 40000)),
        sent_to: Some(Endpoint::new("255.255.255.255".parse().unwrap(), 9)),
        mac_to: Some([0xff; 6]),
        carrier: WakeCarrier::Udp(9),
        pattern_offset: 42,
        repetitions: 16,
        password_len: 0,
        password_digest: None,
        password: 0,
        vlan: None,
        copies: 3,
        copy_packets: vec![place(1, Item::Packet, 501), place(1, Item::Packet, 502)],
    };
    let event = Event {
        time,
        recorded: time,
        provenance: place(1, Item::Packet, 500),
        what: What::Wake(Box::new(signal)),
    };
    Finding {
        analytic: "AN1448",
        span: None,
        also_satisfies: Vec::new(),
        title: "10.20.0.5 sent a wake-up signal for aa:bb:cc:00:01:02.".to_owned(),
        severity: Severity::Low,
        tier: Tier::NetworkOnly,
        confidence: 35,
        entities: Entities {
            remote: Some("10.20.0.5".parse().unwrap()),
            remote_mac: Some([2, 0, 0, 0, 0, 5]),
            woken: vec![[0xaa, 0xbb, 0xcc, 0, 1, 2]],
            ..Entities::default()
        },
        steps: vec![Step {
            role: Role::Wake,
            event,
            also: Vec::new(),
            remark: String::new(),
        }],
        conditions: vec![Condition {
            text: "a magic packet outside the allowed windows".to_owned(),
            setting: "no window".to_owned(),
            measured: "1 signal".to_owned(),
        }],
        tables: Vec::new(),
        score: vec![ScoreItem {
            reason: "a well-formed signal".to_owned(),
            points: 35,
        }],
        order: OrderCheck::of_one_clock(),
        unseen: Vec::new(),
        alternatives: vec!["patch management that wakes hosts at night".to_owned()],
        actions: vec!["Ask who runs 10.20.0.5.".to_owned()],
        notes: Vec::new(),
    }
}
