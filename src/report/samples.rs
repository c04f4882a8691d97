//! Cases built by hand, for the tests of the renderers.

use crate::analytics::about::{About, Described, Need, Setting};
use crate::case::gaps::Lessens;
use crate::case::inventory::{ChannelRow, HostMore, InterfaceRow, Inventory};
use crate::case::{
    Case, Clock, ConflictKind, ConflictRow, CoverageRow, EvidenceRow, Gap, GapKind, HostRow, Met,
    Parameters, Totals, Verdict, VerdictRow, incident,
};
use crate::context::identity::{Orientation, OrientationVotes};
use crate::evidence::{Problem, ProblemKind, Weight};
use crate::model::attempt::{Attempt, FlowEnd, Marks, Outcome};
use crate::model::finding::*;
use crate::model::firewall::{Action, Ports, Rule, RuleChange, RuleSource};
use crate::model::host_event::{HostEvent, HostWhat, ImageFile, Process, Verdict as Wfp};
use crate::model::provenance::Item;
use crate::model::wake::{WakeCarrier, WakeSignal};
use crate::model::{
    Direction, Endpoint, Event, EvidenceId, Provenance, Span, Timestamp, Transport, What,
};

pub const REMOTE: &str = "203.0.113.7";
pub const HOST: &str = "10.20.0.15";
const AHEAD: Span = Span::millis(1842);

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-03-14T{text}Z")).unwrap()
}

pub fn place(evidence: u32, kind: Item, item: u64) -> Provenance {
    Provenance {
        evidence: EvidenceId(evidence),
        interface: 0,
        kind,
        item,
        offset: item * 100,
    }
}

fn packets(event: Event, role: Role, others: &[u64], remark: &str) -> Step {
    let evidence = event.provenance.evidence.0;
    Step {
        role,
        also: others
            .iter()
            .map(|n| place(evidence, Item::Packet, *n))
            .collect(),
        event,
        remark: remark.to_owned(),
    }
}

fn record(event: Event) -> Step {
    Step {
        role: Role::Change,
        event,
        also: Vec::new(),
        remark: String::new(),
    }
}

pub fn attempt(when: &str, packet: u64, ports: (u16, u16), outcome: Outcome) -> Event {
    let time = at(when);
    Event {
        time,
        recorded: time,
        provenance: place(1, Item::Packet, packet),
        what: What::attempt(Attempt {
            transport: Transport::TCP,
            initiator: Endpoint::new(REMOTE.parse().unwrap(), ports.0),
            responder: Endpoint::new(HOST.parse().unwrap(), ports.1),
            isn: Some(7),
            tries: 1,
            last_try: time,
            outcome,
            decided: time.shifted(Span(210_000)),
            deciding: (outcome != Outcome::Unanswered).then(|| place(1, Item::Packet, packet + 1)),
            accepted: None,
            bytes: if outcome == Outcome::Established {
                [120, 4800]
            } else {
                [0, 0]
            },
            packets: [1, 1],
            end: FlowEnd::Closed,
            ended: time,
            marks: Marks::default(),
            pid: None,
            vlan: None,
            icmp: None,
            payload: None,
            actor: None,
        }),
    }
}

/// `name` stands wherever evidence text can stand.
fn host_event(
    when: &str,
    file: u32,
    id: u64,
    channel: &str,
    event_id: u32,
    what: HostWhat,
) -> Event {
    let time = at(when);
    Event {
        time,
        recorded: time.shifted(AHEAD),
        provenance: place(file, Item::Record, id),
        what: What::host(HostEvent {
            computer: "FS01.corp.example".into(),
            channel: channel.into(),
            provider: "Microsoft-Windows-Sysmon".into(),
            event_id,
            socket: None,
            timed: crate::model::Timed::Utc,
            written: time.shifted(AHEAD),
            what,
        }),
    }
}

fn process(image: &str, pid: u32) -> Process {
    Process {
        pid: Some(pid),
        guid: Some([7; 16]),
        image: image.into(),
    }
}

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
        order: OrderCheck {
            smallest_gap: None,
            uncertainty: Span::ZERO,
            certain: true,
            notes: Vec::new(),
        },
        unseen: Vec::new(),
        alternatives: vec!["patch management that wakes hosts at night".to_owned()],
        actions: vec!["Ask who runs 10.20.0.5.".to_owned()],
        notes: Vec::new(),
    }
}

const ABOUT: About = About {
    id: "AN0842",
    name: "Port knock, then opening, then first connection",
    version: "1.0.0",
    technique: &[("T1205.001", "Traffic Signaling: Port Knocking")],
    strategy: "DET0302",
    summary: "One source touches closed ports of a host, the host opens a port, the source connects.",
    steps: &["at least MinSequenceLen closed ports"],
    needs: &[Need {
        name: "packets to the host",
        from: &[crate::analytics::Source::Packets],
        essential: true,
        what: "a capture on its segment",
    }],
    cannot_see: &["single-packet authorization"],
    benign: &["a scan that meets a software install"],
    actions: &["Ask the owner of the host."],
};

pub fn described() -> Vec<Described> {
    let setting = Setting {
        name: "MinSequenceLen",
        kind: "whole number",
        default: "3".to_owned(),
        profiles: Vec::new(),
        value: "4".to_owned(),
        range: "2 to 32".to_owned(),
        meaning: "Closed ports a sequence needs",
        source: "ATT&CK AN0842",
    };
    let other = About {
        id: "AN1448",
        name: "Traffic signalling",
        technique: &[("T1205", "Traffic Signaling")],
        strategy: "DET0524",
        ..ABOUT
    };
    vec![
        Described {
            about: ABOUT,
            settings: vec![setting],
        },
        Described {
            about: other,
            settings: Vec::new(),
        },
    ]
}

fn file(id: u32, kind: &str, path: &str, unit: Item) -> EvidenceRow {
    EvidenceRow {
        id: EvidenceId(id),
        kind: kind.to_owned(),
        path: path.to_owned(),
        archive: None,
        location: std::path::PathBuf::new(),
        size: 1_000 + u64::from(id),
        sha256: Some([id as u8; 32]),
        verified_after_run: Some(true),
        first_time: Some(at("01:58:00.000112")),
        last_time: Some(at("03:11:00")),
        unit,
        units_read: 884,
        units_skipped: 0,
    }
}

fn coverage(
    analytic: &'static str,
    host: &str,
    needs: &str,
    status: Met,
    note: &str,
) -> CoverageRow {
    CoverageRow {
        analytic,
        host: host.to_owned(),
        needs: needs.to_owned(),
        status,
        evidence: vec![EvidenceId(1)],
        start: Some(at("01:58:00")),
        end: None,
        note: note.to_owned(),
        gaps: Vec::new(),
    }
}

fn gap(kind: GapKind, host: &str, what: &str) -> Gap {
    Gap {
        kind,
        host: host.to_owned(),
        evidence: Vec::new(),
        from: Some(at("01:58:00")),
        to: None,
        what: what.to_owned(),
        why: "older records were overwritten, removed, or not exported".to_owned(),
        remedy: "Security records before 02:14:09".to_owned(),
        lessens: Lessens::Nothing,
        whole: false,
    }
}

/// A case without incidents.
pub fn quiet() -> Case {
    let hosts = ["FS01.corp.example", "FS02.corp.example"];
    let row = |name: &str, address: &str| HostRow {
        name: name.into(),
        addresses: vec![address.parse().unwrap()],
        evidence: vec![EvidenceId(1)],
        clock: Clock {
            offset: Some(AHEAD),
            uncertainty: Some(Span::millis(15)),
            method: "packet-to-event anchors".to_owned(),
            anchors: 41,
        },
    };
    let verdict = |analytic, host: &str, verdict, words: &str| VerdictRow {
        analytic,
        host: host.to_owned(),
        verdict,
        words: words.to_owned(),
    };
    let blind = "no event log that names a firewall or listener change";
    Case {
        version: "1.0.0".to_owned(),
        number: Some("IR-2026-014".to_owned()),
        parameters: Parameters {
            max_skew: Span::seconds(2),
            hosts: vec![("FS01.corp.example".to_owned(), HOST.parse().unwrap())],
            analytics: described(),
            ..Parameters::default()
        },
        evidence: vec![
            file(1, "pcapng", "edge-span.pcapng", Item::Packet),
            file(2, "evtx", "FS01/Security.evtx", Item::Record),
            file(
                3,
                "evtx",
                "FS01/Microsoft-Windows-Windows Firewall With Advanced Security%4Firewall.evtx",
                Item::Record,
            ),
            file(
                4,
                "evtx",
                "FS01/Microsoft-Windows-Sysmon%4Operational.evtx",
                Item::Record,
            ),
        ],
        hosts: vec![row(hosts[0], HOST), row(hosts[1], "10.20.0.16")],
        coverage: vec![
            coverage("AN0842", hosts[0], "packets to the host", Met::Seen, ""),
            coverage("AN0842", hosts[1], "packets to the host", Met::Present, ""),
            CoverageRow {
                gaps: vec![1],
                ..coverage(
                    "AN0842",
                    hosts[0],
                    "firewall or listener change",
                    Met::Partial,
                    "",
                )
            },
            coverage(
                "AN0842",
                hosts[1],
                "firewall or listener change",
                Met::Absent,
                "no event log files were given",
            ),
        ],
        gaps: vec![
            Gap {
                evidence: vec![EvidenceId(1)],
                why: "an answer that seems missing may only have been dropped".to_owned(),
                remedy: String::new(),
                ..gap(
                    GapKind::CaptureDropped,
                    "",
                    "the capturing system reports 318 packets it dropped",
                )
            },
            gap(
                GapKind::LogStartsLate,
                hosts[0],
                "Security log starts 02:14:09, 16 min into the capture",
            ),
        ],
        verdicts: vec![
            verdict("AN0842", hosts[0], Verdict::Quiet, ""),
            verdict("AN0842", hosts[1], Verdict::Blind, blind),
            verdict(
                "AN1448",
                hosts[0],
                Verdict::Partly,
                "no packets of the local segment",
            ),
            verdict("AN1448", hosts[1], Verdict::Blind, blind),
        ],
        near_misses: vec![NearMiss {
            analytic: "AN0842",
            missing: 1,
            time: at("02:05:44"),
            text: "198.51.100.23 touched 2 closed ports of FS01 (needs 3); a rule was added 41 s \
                   later; it never came back"
                .to_owned(),
            references: vec![place(1, Item::Packet, 77)],
        }],
        advice: vec![
            "Security.evtx of FS02 with \"Filtering Platform Connection\" auditing".to_owned(),
        ],
        totals: Totals {
            packets: 61_884,
            records: 135_216,
        },
        span: Some((at("01:58:00"), at("03:11:00"))),
        ..Case::default()
    }
}

/// The inventory of the same evidence.
pub fn inventory() -> Inventory {
    let mut case = quiet();
    case.near_misses.clear();
    let range = Some((at("01:58:00.000112"), at("03:11:00")));
    let more = HostMore {
        votes: OrientationVotes {
            packet_order: 0,
            receiver_first: 12,
        },
        orientation: Orientation::ReceiverFirst,
        logged: range,
        attempts: 412,
        syns: 400,
        answered: 380,
    };
    let channel = |channel: &str, evidence| ChannelRow {
        host: case.hosts[0].label(),
        channel: channel.into(),
        evidence: vec![EvidenceId(evidence)],
        records: 131_072,
        record_ids: Some((500, 131_583)),
        times: range,
        corrected: range.map(|(from, to)| {
            (
                from.shifted(Span::seconds(-90)),
                to.shifted(Span::seconds(-90)),
            )
        }),
        event_ids: vec![(4688, 1_000), (5156, 130_072)],
        uncounted: 0,
        missing: Some((1, 12)),
        wrapped: true,
    };
    let channels = vec![
        channel("Security", 2),
        ChannelRow {
            missing: None,
            wrapped: false,
            uncounted: 7,
            ..channel("Microsoft-Windows-Sysmon/Operational", 4)
        },
    ];
    Inventory {
        hosts: vec![more, HostMore::default()],
        channels,
        interfaces: vec![InterfaceRow {
            evidence: EvidenceId(1),
            number: 0,
            link: 1,
            snap_length: 262_144,
            packets: 61_884,
            dropped: 318,
            times: range,
            silences: vec![(at("02:05:00"), at("02:51:00"))],
        }],
        silence: Span::seconds(1800),
        case,
    }
}

/// A case with three incidents, a problem, and no near miss.
pub fn case() -> Case {
    let mut case = quiet();
    case.near_misses.clear();
    case.incidents = incident::number(vec![wake(), uncertain(), knock()], &case.evidence);
    case.problems = vec![
        Problem {
            evidence: Some(EvidenceId(2)),
            kind: ProblemKind::Record,
            weight: Weight::Loss,
            count: 3,
            first_offset: Some(65_536),
            message: "damaged event record".to_owned(),
            effect: "its event is not in the timeline".to_owned(),
        },
        Problem {
            evidence: Some(EvidenceId(1)),
            kind: ProblemKind::DroppedByCapture,
            weight: Weight::Note,
            count: 318,
            first_offset: None,
            message: "packets dropped by the capturing system".to_owned(),
            effect: "an attempt may lack its answer".to_owned(),
        },
    ];
    case.conflicts = vec![ConflictRow {
        kind: ConflictKind::Overruled,
        addresses: vec![[10, 20, 0, 15].into()],
        names: vec!["FS01.corp.example".into(), "FS02.corp.example".into()],
        from: None,
        to: None,
        what: "10.20.0.15 is given to FS01.corp.example and to FS02.corp.example".to_owned(),
        taken: "it was taken for FS01.corp.example: the evidence for that is stronger".to_owned(),
    }];
    case
}

/// Text that evidence may hold to fool a reader or break a terminal.
pub const HOSTILE: &[&str] = &[
    "a\x1b[2Jb\x1b]0;title\x07",
    "\u{9b}31m",
    "invoice\u{202e}fdp.exe",
    "a\0b\r\nINCIDENT 9 of 9\n\n\tx",
    "\u{2066}\u{200b}\u{feff}\u{ad}\u{2028}\u{2029}\u{e0041}",
    "\u{7db2}\u{8def}\u{76e3}\u{63a7}\u{5668}\u{7db2}\u{8def}\u{76e3}\u{63a7}\u{5668}",
    "lone \u{fffd} surrogate",
    r"C:\x1b\u{202e}",
    "\u{301}\u{301}\u{301}",
    "'; rm -rf ~; echo '",
    "\"); Remove-Item C:\\ -Recurse #",
    "=cmd|' /C calc'!A0",
];

/// `text` in every place where a case holds text.
pub fn with_text_everywhere(text: &str) -> Case {
    let mut case = case();
    let own = || text.to_owned();
    case.version = own();
    case.number = Some(own());
    case.examiner = Some(own());
    case.notes = vec![own()];
    case.advice = vec![own()];
    for row in &mut case.evidence {
        row.path = own();
    }
    for row in &mut case.hosts {
        row.name = text.into();
        row.clock.method = own();
    }
    for row in &mut case.coverage {
        row.host = own();
        row.needs = own();
        row.note = own();
    }
    for gap in &mut case.gaps {
        (gap.host, gap.what, gap.why, gap.remedy) = (own(), own(), own(), own());
    }
    for row in &mut case.conflicts {
        row.names = vec![text.into()];
        (row.what, row.taken) = (own(), own());
    }
    for row in &mut case.verdicts {
        row.host = own();
        row.words = own();
    }
    for problem in &mut case.problems {
        problem.message = own();
        problem.effect = own();
    }
    case.near_misses = vec![NearMiss {
        analytic: "AN0842",
        missing: 1,
        time: at("02:00:00"),
        text: own(),
        references: Vec::new(),
    }];
    for incident in &mut case.incidents {
        let finding = &mut incident.finding;
        finding.title = own();
        finding.entities.host_name = text.into();
        finding.entities.process = text.into();
        finding.order.notes = vec![own()];
        finding.unseen = vec![Unseen {
            telemetry: own(),
            host: Some(text.into()),
            effect: own(),
        }];
        finding.alternatives = vec![own()];
        finding.actions = vec![own()];
        finding.notes = vec![own()];
        finding.score = vec![ScoreItem {
            reason: own(),
            points: -7,
        }];
        finding.conditions = vec![Condition {
            text: own(),
            setting: own(),
            measured: own(),
        }];
        for step in &mut finding.steps {
            step.remark = own();
            if let What::Host(host) = &mut step.event.what {
                host.computer = text.into();
                host.channel = text.into();
                host.provider = text.into();
                host.what = HostWhat::ProcessStarted {
                    process: process(text, 1),
                    command_line: text.into(),
                    parent: process(text, 2),
                    parent_command_line: text.into(),
                    user: text.into(),
                    file: Some(Box::new(ImageFile {
                        original_name: text.into(),
                        hashes: text.into(),
                    })),
                };
            }
        }
    }
    case
}
