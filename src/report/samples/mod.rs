//! Cases built by hand, for the tests of the renderers.

mod findings;

pub use findings::{knock, uncertain, wake};

use crate::analytics::about::{About, Described, Need, Setting};
use crate::case::gaps::Lessens;
use crate::case::inventory::{ChannelRow, HostMore, InterfaceRow, Inventory};
use crate::case::{
    Case, Clock, ConflictKind, ConflictRow, CoverageRow, EvidenceRow, Gap, GapKind, HostRow,
    Judgeable, Met, Parameters, Totals, Verdict, VerdictRow, incident,
};
use crate::context::identity::{Orientation, OrientationVotes};
use crate::evidence::{Problem, ProblemKind, Weight};
use crate::model::attempt::{Attempt, FlowEnd, Marks, Outcome};
use crate::model::finding::*;
use crate::model::host_event::{HostEvent, HostWhat, ImageFile, Process};
use crate::model::provenance::Item;
use crate::model::{Endpoint, Event, EvidenceId, Provenance, Span, Timestamp, Transport, What};

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
        inside: false,
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
    severities: &[],
    same_chain: None,
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
        used: true,
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
        log: String::new(),
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
            last: None,
            uncertainty: Some(Span::millis(15)),
            method: "packet-to-event anchors".to_owned(),
            anchors: 41,
        },
    };
    let verdict = |analytic, host: &str, verdict, words: &str| VerdictRow {
        analytic,
        host: host.to_owned(),
        verdict,
        judgeable: match verdict {
            Verdict::Quiet => Judgeable::Fully,
            Verdict::Found | Verdict::Partly => Judgeable::Partly,
            Verdict::Blind => Judgeable::Not,
        },
        words: words.to_owned(),
        blind: match verdict {
            Verdict::Blind => words.to_owned(),
            _ => String::new(),
        },
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
        export: false,
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
