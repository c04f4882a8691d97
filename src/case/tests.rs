//! What is missing, what that makes of the needs of an analytic, and that no analytic is called
//! quiet where it could not see.

use super::gaps::{GapKind, SILENCE, Search, Window};
use super::judged::{Judged, LetGo, judge};
use super::{HostRow, Judgeable, Met, Verdict};
use crate::analytics::about::{About, Need, Source};
use crate::capture::attempts::AttemptSummary;
use crate::capture::{CaptureSummary, InterfaceSummary, Resolution};
use crate::context::activity::ActivityBuilder;
use crate::context::coverage::{CoverageBuilder, Log};
use crate::context::identity::IdentityBuilder;
use crate::context::known::KnownHosts;
use crate::context::{Clocks, Context};
use crate::eventlog::{LogSummary, SourceSummary};
use crate::model::host_event::{HostEvent, HostWhat};
use crate::model::neighbour::{Neighbour, ToldBy};
use crate::model::provenance::Item;
use crate::model::{Event, EvidenceId, Provenance, Span, Timestamp, What};
use proptest::prelude::*;

const HOST: &str = "WS01.corp.example";
const FIREWALL: &str = "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall";
const HOUR: i64 = 3600;

const ABOUT: About = About {
    id: "AN0001",
    version: "1.0.0",
    name: "",
    technique: &[],
    strategy: "",
    summary: "",
    steps: &[],
    needs: &[
        Need {
            name: "touches",
            from: &[Source::Packets, Source::Events(Log::Security, &[5152])],
            essential: true,
            what: "a capture",
        },
        Need {
            name: "changes",
            from: &[Source::Events(Log::Firewall, &[2004])],
            essential: false,
            what: "the Firewall channel",
        },
        Need {
            name: "listeners",
            from: &[Source::Events(Log::Security, &[5154])],
            essential: true,
            what: "the subcategory Filtering Platform Connection",
        },
    ],
    cannot_see: &[],
    benign: &[],
    severities: &[],
    same_chain: None,
    actions: &[],
};

fn at(second: i64) -> Timestamp {
    Timestamp((1_772_325_000 + second) * 1_000_000_000)
}

/// Channel, event id, EventRecordID, second.
type Record = (&'static str, u32, u64, i64);

/// Evidence of one host.
#[derive(Clone, Debug, Default)]
struct Staged {
    records: Vec<Record>,
    /// Seconds at which packets of the host were captured.
    packets: Vec<i64>,
    /// Seconds at which somebody showed life.
    alive: Vec<i64>,
    /// How far off the host's clock may be; `None` for the default.
    doubt: Option<i64>,
    /// Seconds and what the host's logs say about themselves.
    changes: Vec<(i64, HostWhat)>,
    wrapped: bool,
    asked: Window,
    /// A capture was given in a format that is not read.
    unread: bool,
    empty: bool,
    /// Records of the logs that could not be read.
    unread_records: u64,
    /// Packets that could not be read, were cut, were dropped.
    unread_packets: u64,
    cut: u64,
    dropped: u64,
    /// Addresses in the captures beside the host's.
    strangers: u32,
    attempts: AttemptSummary,
    attributed: crate::replay::attribute::Account,
    let_go: LetGo,
}

impl Staged {
    fn judged(&self) -> Judged {
        self.judged_by(&ABOUT)
    }

    fn judged_by(&self, about: &'static About) -> Judged {
        let address = "10.0.0.5".parse().unwrap();
        let (mut coverage, mut identity) = (CoverageBuilder::default(), IdentityBuilder::default());
        identity.name(HOST);
        identity.state(HOST, address);
        let mut summary = LogSummary {
            wrapped: self.wrapped,
            records_skipped: self.unread_records,
            ..LogSummary::default()
        };
        for (channel, event, id, second) in &self.records {
            let time = Some(at(*second));
            let one = SourceSummary::of_record(HOST.into(), (*channel).into(), *event, *id, time);
            let key = (HOST.to_lowercase(), channel.to_lowercase());
            match summary.sources.get_mut(&key) {
                Some(held) => held.join(one),
                None => {
                    summary.sources.insert(key, one);
                }
            }
            coverage.observe(&event_of(
                channel,
                *event,
                *id,
                *second,
                HostWhat::ProfileChanged {
                    profile: "".into(),
                    bits: 0,
                    interface: "".into(),
                },
            ));
        }
        for (second, what) in &self.changes {
            coverage.observe(&event_of("System", 104, 0, *second, what.clone()));
        }
        coverage.log(EvidenceId(2), &summary);
        if !self.packets.is_empty() {
            let mut seen = capture(&self.packets);
            seen.snapped = self.cut;
            seen.skipped = self.unread_packets;
            seen.interfaces[0].dropped = self.dropped;
            coverage.capture(EvidenceId(1), &seen);
            (0..self.strangers).for_each(|n| {
                let [_, b, c, d] = n.to_be_bytes();
                coverage.observe(&announces([172, b | 16, c, d].into()));
            });
            if self.strangers == 0 {
                coverage.observe(&announces(address));
            }
        }
        let identity = identity.freeze();
        let mut activity = ActivityBuilder::default();
        for second in &self.alive {
            let time = at(*second);
            activity.observe(&Event {
                time,
                ..announces(address)
            });
        }
        let mut clocks = Clocks::default();
        clocks.assumed_error = self.doubt.map_or(clocks.assumed_error, Span::seconds);
        let context = Context {
            coverage: coverage.freeze(&identity),
            activity: activity.freeze(
                &identity,
                |_, time| time,
                |_| true,
                &KnownHosts::default(),
                &[],
            ),
            clocks,
            identity,
            ..Context::default()
        };
        let hosts = [HostRow {
            name: HOST.into(),
            addresses: vec![address],
            evidence: Vec::new(),
            clock: super::Clock::default(),
        }];
        let search = Search {
            context: &context,
            attempts: &self.attempts,
            attributed: &self.attributed,
            asked: self.asked,
            silence: SILENCE,
            unread: self.unread,
            capture_given: self.empty,
        };
        judge(&[about], &hosts, &[], &search, &self.let_go)
    }
}

fn announces(address: std::net::IpAddr) -> Event {
    Event {
        time: at(0),
        recorded: at(0),
        provenance: place(1, Item::Packet, 1),
        what: What::Neighbour(Box::new(Neighbour {
            mac: Some([2; 6]),
            address,
            name: None,
            told_by: ToldBy::Arp,
            answer: false,
            asks: false,
            lease: None,
            before: None,
        })),
    }
}

fn place(evidence: u32, kind: Item, item: u64) -> Provenance {
    Provenance {
        evidence: EvidenceId(evidence),
        interface: 0,
        kind,
        item,
        offset: item,
        inside: false,
    }
}

fn event_of(channel: &str, event_id: u32, id: u64, second: i64, what: HostWhat) -> Event {
    Event {
        time: at(second),
        recorded: at(second),
        provenance: place(2, Item::Record, id),
        what: What::host(HostEvent {
            computer: HOST.into(),
            channel: channel.into(),
            provider: "".into(),
            event_id,
            socket: None,
            timed: crate::model::Timed::Utc,
            written: at(second),
            what,
        }),
    }
}

fn capture(seconds: &[i64]) -> CaptureSummary {
    let mut interface = InterfaceSummary {
        number: 0,
        link: 1,
        resolution: Resolution::Decimal(9),
        snap_length: 0,
        sections: 1,
        packets: seconds.len() as u64,
        first: None,
        last: None,
        dropped: 0,
        silences: Default::default(),
    };
    for second in seconds {
        let time = at(*second);
        if let (Some(first), Some(last)) = (interface.first, interface.last) {
            interface.silences.packet(first, last, time);
        }
        interface.first = Some(interface.first.map_or(time, |first| first.min(time)));
        interface.last = Some(interface.last.map_or(time, |last| last.max(time)));
    }
    CaptureSummary {
        present: seconds.len() as u64,
        read: seconds.len() as u64,
        first: interface.first,
        last: interface.last,
        interfaces: vec![interface],
        ..CaptureSummary::default()
    }
}

/// An hour in which everything is there: packets every ten minutes, logs from their first record.
fn whole() -> Staged {
    Staged {
        records: vec![
            ("Security", 5154, 1, 60),
            ("Security", 5154, 2, HOUR - 60),
            (FIREWALL, 2004, 1, 600),
        ],
        packets: (0..=6).map(|n| n * 600).collect(),
        attempts: AttemptSummary {
            ip_packets: 7,
            tcp_segments: 7,
            ..AttemptSummary::default()
        },
        ..Staged::default()
    }
}

fn verdict(judged: &Judged) -> Verdict {
    judged.verdicts[0].verdict
}

fn told(judged: &Judged) -> Vec<String> {
    judged.gaps.iter().map(|gap| gap.what.clone()).collect()
}

#[test]
fn evidence_without_a_gap_lets_an_analytic_be_quiet() {
    let judged = whole().judged();
    assert_eq!(told(&judged), [""; 0]);
    assert_eq!(verdict(&judged), Verdict::Quiet);
    assert_eq!(judged.verdicts[0].words, "");
    assert_eq!(judged.advice, [""; 0]);
}

#[test]
fn each_gap_is_told_with_its_span_and_takes_from_the_verdict() {
    let late = |id: u64, second: i64| {
        let mut staged = whole();
        staged.records[0] = ("Security", 5154, id, second);
        staged.records[1].2 = id + 1;
        staged
    };
    let mut overwritten = late(500, 960);
    overwritten.wrapped = true;
    let mut cleared = late(500, 960);
    cleared.changes.push((
        960,
        HostWhat::LogCleared {
            cleared: "Security".into(),
            user: "CORP\\admin".into(),
        },
    ));
    let mut hole = whole();
    hole.records.push(("Security", 5154, 40, HOUR - 30));
    let mut stopped = whole();
    stopped.packets = vec![0, 300, 300 + HOUR];
    stopped.records.push(("Security", 5154, 3, 300 + HOUR));
    let mut early = whole();
    early.packets.extend([HOUR + 1500, HOUR + 3000, 2 * HOUR]);
    let mut lossy = whole();
    lossy.records.push(("Security", 1101, 3, HOUR - 30));
    let mut reduced = whole();
    reduced.changes.push((
        1200,
        HostWhat::AuditPolicyChanged {
            subcategory: "0cce9226-69ae-11d9-bed3-505054503030".into(),
            change: "%%8448".into(),
            user: "".into(),
        },
    ));
    for (name, staged, kind, what, why) in [
        (
            "late",
            late(500, 960),
            GapKind::LogStartsLate,
            "Security log starts 2026-03-01 00:46:00, 16 min into the capture",
            "older records were overwritten, removed, or not exported",
        ),
        (
            "overwritten",
            overwritten,
            GapKind::LogStartsLate,
            "Security log starts 2026-03-01 00:46:00, 16 min into the capture",
            "the log was full and went round: older records were overwritten",
        ),
        (
            "cleared",
            cleared,
            GapKind::LogStartsLate,
            "Security log starts 2026-03-01 00:46:00, 16 min into the capture",
            "the log was cleared at 00:46:00: older records are not in this file",
        ),
        (
            "hole",
            hole,
            GapKind::RecordsMissing,
            "Security record IDs 3 to 39 are missing (37 records, 2026-03-01 01:29:00 to 01:29:30)",
            "removed, overwritten, or not exported",
        ),
        (
            "stopped",
            stopped,
            GapKind::CaptureSilence,
            "no packets from 2026-03-01 00:35:00 to 01:35:00 (1 h 00 min)",
            "the capture was stopped, a file is missing, or nothing was sent",
        ),
        (
            "early",
            early,
            GapKind::LogsEndEarly,
            "its last record of any log is of 2026-03-01 01:29:00, 1 h 01 min before the capture ends",
            "the logs were collected before that, the host was off, or nothing was logged",
        ),
        (
            "lossy",
            lossy,
            GapKind::LoggingChanged,
            "the system reports audit events it dropped (Security 1101, 1 record)",
            "some events of the Security log are missing, and nothing says which",
        ),
        (
            "reduced",
            reduced,
            GapKind::LoggingChanged,
            "auditing of Filtering Platform Connection was reduced at 2026-03-01 00:50:00",
            "such events may not be logged from then on",
        ),
    ] {
        let judged = staged.judged();
        let gap = judged.gaps.iter().find(|g| g.kind == kind);
        let gap = gap.unwrap_or_else(|| panic!("{name}: {:?}", told(&judged)));
        assert_eq!((gap.what.as_str(), gap.why.as_str()), (what, why), "{name}");
        assert_eq!(verdict(&judged), Verdict::Partly, "{name}");
        assert!(judged.verdicts[0].words.contains(what), "{name}");
        assert!(!judged.advice.is_empty(), "{name}");
    }
}

#[test]
fn a_log_that_falls_silent_is_held_against_its_own_habit_alone() {
    const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";
    let hourly = |log: &'static str, hours: Vec<i64>| -> Vec<Record> {
        let records = (1..).zip(hours);
        records
            .map(|(id, hour)| (log, 1, id, hour * HOUR))
            .collect()
    };
    let silent = |staged: &Staged| -> Vec<String> {
        let gaps = staged.judged().gaps.into_iter();
        let gaps = gaps.filter(|gap| gap.kind == GapKind::LogsEndEarly);
        gaps.map(|gap| gap.what).collect()
    };
    let of = |quiet: (&'static str, Vec<i64>), other: (&'static str, Vec<i64>)| Staged {
        records: [hourly(quiet.0, quiet.1), hourly(other.0, other.1)].concat(),
        ..Staged::default()
    };
    let both = |sysmon: Vec<i64>, security: Vec<i64>| of((SYSMON, sysmon), ("Security", security));
    let hours = |to: i64| (0..to).collect::<Vec<i64>>();
    // Written to every hour, so silent for less than two; five alone are more than twice that.
    assert_eq!(
        silent(&both(hours(20), hours(25))),
        [
            "its Sysmon log ends 2026-03-01 19:30:00, 5 h 00 min before its Security log does; until then it never was \
             silent for 2 hours"
        ]
    );
    assert!(silent(&both(hours(20), hours(24))).is_empty());
    // One night of silence makes the next one usual.
    let night = [hours(10), (14..24).collect()].concat();
    assert!(silent(&both(night.clone(), hours(36))).is_empty());
    assert_eq!(silent(&both(night, hours(37))).len(), 1);
    // What had just begun has no habit.
    assert!(silent(&both(hours(5), hours(11))).is_empty());
    assert!(silent(&both(vec![3], hours(30))).is_empty());
    // Hours in which nothing else was written may be those of a host that was off.
    assert!(silent(&both(hours(20), [hours(20), vec![60]].concat())).is_empty());
    let turned = of(("Security", hours(20)), (SYSMON, hours(25)));
    assert!(silent(&turned)[0].starts_with("its Security log ends"));
    // Of the time of the capture it holds nothing: who listened then could not be seen.
    let mut captured = turned;
    captured.packets = (0..=12).map(|n| 21 * HOUR + n * 900).collect();
    assert_eq!(silent(&captured).len(), 1);
    assert_eq!(verdict(&captured.judged()), Verdict::Blind);
    captured.packets = (0..=12).map(|n| 19 * HOUR + n * 900).collect();
    assert_eq!(verdict(&captured.judged()), Verdict::Partly);
    let system = of((SYSMON, hours(20)), ("System", hours(90)));
    assert!(
        silent(&system).is_empty(),
        "it is written to at any time, or not"
    );
    let mut before = both(hours(20), hours(25));
    before.asked.to = Some(at(19 * HOUR));
    assert!(silent(&before).is_empty());
    before.asked.to = Some(at(20 * HOUR));
    assert_eq!(silent(&before).len(), 1);
    let mut stopped = both(hours(20), hours(25));
    let running = Some(false);
    let stop = HostWhat::SysmonState { running };
    stopped.changes.push((20 * HOUR, stop));
    assert!(silent(&stopped).is_empty(), "that is told by itself");
}

#[test]
fn what_a_file_lost_is_told_and_takes_from_the_verdict_if_it_can() {
    let with = |change: fn(&mut Staged)| {
        let mut staged = whole();
        change(&mut staged);
        staged.judged()
    };
    let lost_records = with(|s| s.unread_records = 2);
    assert_eq!(
        told(&lost_records),
        [
            "2 records of the files with its Security log could not be read",
            "2 records of the files with its Firewall log could not be read"
        ]
    );
    assert_eq!(verdict(&lost_records), Verdict::Partly);
    let lost_packets = with(|s| s.unread_packets = 1);
    assert_eq!(
        told(&lost_packets),
        ["1 packet or damaged region could not be read"]
    );
    assert_eq!(verdict(&lost_packets), Verdict::Partly);
    // Seven packets are there: one more that was dropped is more than one in a hundred.
    let dropped = with(|s| s.dropped = 1);
    assert_eq!(
        told(&dropped),
        ["the capturing system reports 1 packet it dropped"]
    );
    assert_eq!(verdict(&dropped), Verdict::Partly);
    let one_in_a_thousand = with(|s| {
        s.packets = (0..1_000).map(|n| n * 3).chain([HOUR]).collect();
        s.dropped = 1;
    });
    assert_eq!(told(&one_in_a_thousand).len(), 1);
    assert_eq!(verdict(&one_in_a_thousand), Verdict::Quiet);
    let cut = with(|s| s.cut = 3);
    assert_eq!(
        told(&cut),
        ["3 packets are shorter than on the wire (snap length)"]
    );
    assert_eq!(
        verdict(&cut),
        Verdict::Quiet,
        "addresses and ports are there"
    );
}

#[test]
fn captures_in_which_hardly_anybody_answers_are_told_once() {
    let with = |syns, answered_syns| {
        let mut staged = whole();
        (staged.attempts.syns, staged.attempts.answered_syns) = (syns, answered_syns);
        staged.judged()
    };
    assert_eq!(told(&with(49, 0)), [""; 0]);
    assert_eq!(told(&with(60, 3)), [""; 0]);
    let few = with(60, 2);
    assert_eq!(told(&few), ["only 2 of 60 TCP attempts show any answer"]);
    assert_eq!(verdict(&few), Verdict::Quiet, "a scan looks the same");
    let none = with(60, 0);
    assert_eq!(verdict(&none), Verdict::Partly);
}

#[test]
fn captures_of_wrapped_packets_and_captures_without_tcp_say_so() {
    let with = |ip, tcp, tunnelled| {
        let mut staged = whole();
        let attempts = &mut staged.attempts;
        (attempts.ip_packets, attempts.tcp_segments) = (ip, tcp);
        attempts.tunnelled = tunnelled;
        staged.judged()
    };
    assert_eq!(told(&with(1000, 1, 99)), [""; 0]);
    let wrapped = with(1000, 1, 100);
    assert_eq!(
        told(&wrapped),
        [
            "100 of 1000 IP packets carry others inside, which are not opened (ESP, L2TP and the like)"
        ]
    );
    assert_eq!(verdict(&wrapped), Verdict::Partly);
    let filtered = with(7, 0, 0);
    assert_eq!(
        told(&filtered),
        ["of 7 IP packets in the captures none is TCP"]
    );
    assert_eq!(verdict(&filtered), Verdict::Partly);
    // A frame without IP is no packet that could not be read: one that wakes a host is such a frame.
    let link = with(0, 0, 0);
    assert_eq!(
        told(&link),
        ["the captures hold no IP packet that could be read"]
    );
    assert_eq!(verdict(&link), Verdict::Partly);
    let mut staged = whole();
    staged.attempts = AttemptSummary::default();
    staged.unread_packets = staged.packets.len() as u64;
    let unread = staged.judged();
    assert_eq!(
        told(&unread),
        [
            "7 packets or damaged regions could not be read",
            "no packet of the captures could be read"
        ]
    );
    let whole = |judged: &Judged| judged.gaps.iter().any(|gap| gap.whole);
    assert!(whole(&unread) && !whole(&link) && !whole(&filtered));
}

#[test]
fn an_analytic_that_let_go_of_something_is_not_called_quiet() {
    let mut staged = whole();
    staged.let_go.insert("AN1057", "3 findings".to_owned());
    assert_eq!(verdict(&staged.judged()), Verdict::Quiet, "another's");
    staged.let_go.insert(ABOUT.id, "3 findings".to_owned());
    let judged = staged.judged();
    let row = &judged.verdicts[0];
    assert_eq!(
        (row.verdict, row.judgeable, row.words.as_str()),
        (Verdict::Partly, Judgeable::Partly, "3 findings")
    );
}

#[test]
fn a_host_is_not_called_absent_from_captures_with_more_addresses_than_are_remembered() {
    let mut staged = whole();
    staged.strangers = 2;
    let row = |judged: &Judged| {
        let row = judged.coverage.iter().find(|r| r.needs == "touches");
        row.map(|r| (r.status, r.note.clone()))
    };
    let absent = row(&staged.judged()).unwrap();
    assert_eq!(
        absent.0,
        Met::Partial,
        "the log could tell of them: {absent:?}"
    );
    staged.strangers = 200_001;
    let (status, note) = row(&staged.judged()).unwrap();
    assert_eq!(status, Met::Partial, "{note}");
    // Where packets are all there is, the difference shows.
    static ALONE: About = About {
        needs: &[Need {
            name: "touches",
            from: &[Source::Packets],
            essential: true,
            what: "a capture",
        }],
        ..ABOUT
    };
    assert_eq!(row(&staged.judged_by(&ALONE)).unwrap().0, Met::Unknown);
    staged.strangers = 2;
    assert_eq!(row(&staged.judged_by(&ALONE)).unwrap().0, Met::Absent);
}

#[test]
fn a_history_that_is_too_short_is_told_with_its_length() {
    static PAST: About = About {
        needs: &[Need {
            name: "days before",
            from: &[Source::History(crate::model::Span::seconds(30 * 86_400))],
            essential: false,
            what: "captures and logs of the days before",
        }],
        ..ABOUT
    };
    let nobody = whole().judged_by(&PAST);
    assert_eq!(
        nobody.coverage[0].note,
        "nothing here tells who was alive before"
    );
    let mut staged = whole();
    staged.alive = vec![0, 600];
    let judged = staged.judged_by(&PAST);
    assert_eq!(judged.coverage[0].status, Met::Partial);
    assert!(
        judged.coverage[0]
            .note
            .starts_with("signs of life are known of"),
        "{}",
        judged.coverage[0].note
    );
    assert_eq!(verdict(&judged), Verdict::Partly);
}

#[test]
fn no_gap_is_claimed_that_an_uncertain_clock_may_have_made() {
    // The host writes local time, five hours behind, and nothing tells its zone.
    let mut staged = whole();
    for record in &mut staged.records {
        record.3 -= 5 * HOUR;
    }
    let early = staged.judged();
    assert!(
        told(&early)[0].contains("its last record of any log is of"),
        "{:?}",
        told(&early)
    );
    assert_eq!(verdict(&early), Verdict::Blind);
    staged.doubt = Some(14 * HOUR);
    let unknown = staged.judged();
    assert_eq!(
        told(&unknown),
        [
            "its clock is not known well enough (+/- 14 h 00 min) to tell whether its logs cover the time of the \
             capture"
        ]
    );
    assert_eq!(verdict(&unknown), Verdict::Partly);
    assert!(!unknown.advice.iter().any(|a| a.contains("its logs after")));
    // Without a capture there is nothing its clock could be off against.
    staged.packets.clear();
    let alone = staged.judged();
    assert!(!told(&alone).iter().any(|gap| gap.contains("clock")));
}

#[test]
fn a_capture_of_another_year_is_no_history() {
    const DAY: i64 = 24 * HOUR;
    static DAYS: About = About {
        needs: &[
            Need {
                name: "a day before",
                from: &[Source::History(crate::model::Span::seconds(DAY))],
                essential: false,
                what: "captures and logs of the day before",
            },
            Need {
                name: "days before",
                from: &[Source::History(crate::model::Span::seconds(14 * DAY))],
                essential: false,
                what: "captures and logs of the days before",
            },
        ],
        ..ABOUT
    };
    let of = |alive: Vec<i64>| {
        let staged = Staged { alive, ..whole() };
        let judged = staged.judged_by(&DAYS);
        [judged.coverage[0].status, judged.coverage[1].status]
    };
    let hourly = |from: i64, to: i64| (from..=to).map(|n| n * HOUR);
    assert_eq!(of(hourly(-15 * 24, 1).collect()), [Met::Seen, Met::Seen]);
    assert_eq!(of(hourly(-25, 1).collect()), [Met::Seen, Met::Partial]);
    let year = -400 * 24;
    let apart = hourly(year, year + 1).chain(hourly(0, 1));
    assert_eq!(of(apart.collect()), [Met::Partial, Met::Partial]);
    // Days with a gap are days, but who is inactive now they do not tell.
    let weeks = hourly(year, year + 20 * 24).chain(hourly(0, 1));
    assert_eq!(of(weeks.collect()), [Met::Partial, Met::Seen]);
}

#[test]
fn a_late_first_record_of_a_log_that_has_its_first_record_is_no_gap() {
    let mut staged = whole();
    staged.records[2] = (FIREWALL, 2004, 1, 3000);
    assert_eq!(verdict(&staged.judged()), Verdict::Quiet);
    staged.records[2] = (FIREWALL, 2004, 77, 3000);
    assert_eq!(verdict(&staged.judged()), Verdict::Partly);
}

#[test]
fn a_log_of_another_time_meets_no_need() {
    let mut staged = whole();
    staged.records[0].3 = 5 * HOUR;
    staged.records[1].3 = 6 * HOUR;
    staged.records[0].2 = 500;
    staged.records[1].2 = 501;
    let judged = staged.judged();
    let row = judged
        .coverage
        .iter()
        .find(|r| r.needs == "listeners")
        .unwrap();
    assert_eq!(row.status, Met::Absent);
    assert_eq!(verdict(&judged), Verdict::Blind);
    let gaps = told(&judged);
    assert!(
        gaps.iter()
            .any(|gap| gap.ends_with("after the capture ends")),
        "{gaps:?}"
    );
    // The same for logs that end before the capture begins, by whatever clock.
    let mut early = whole();
    for record in &mut early.records {
        record.3 -= 200 * 24 * HOUR;
    }
    let gaps = told(&early.judged());
    let begins = |gap: &String| gap.ends_with("before the capture begins");
    assert!(gaps.iter().any(begins), "{gaps:?}");
    // And for one that lies before the time asked for.
    let mut staged = whole();
    staged.asked.from = Some(at(3 * HOUR));
    staged.asked.to = Some(at(4 * HOUR));
    let judged = staged.judged();
    assert_eq!(verdict(&judged), Verdict::Blind, "{:?}", told(&judged));
}

#[test]
fn an_open_window_beside_the_evidence_is_judged_by_none_of_it() {
    let hidden = |staged: &Staged, what: &str| {
        let judged = staged.judged();
        let told = told(&judged);
        assert_eq!(verdict(&judged), Verdict::Blind, "{what}: {told:?}");
        let open = |row: &&super::CoverageRow| row.status != Met::Absent;
        assert_eq!(judged.coverage.iter().find(open).map(|r| &r.needs), None);
        told
    };
    let asked = |from: Option<i64>, to: Option<i64>| Staged {
        asked: Window {
            from: from.map(at),
            to: to.map(at),
        },
        ..whole()
    };
    const YEAR: i64 = 365 * 24 * HOUR;
    for after in [YEAR, HOUR + 30] {
        let told = hidden(&asked(Some(after), None), "from");
        assert!(told[0].starts_with("packets end"), "{told:?}");
        assert!(
            told[0].ends_with("before the time asked for begins"),
            "{told:?}"
        );
    }
    // A log that has its first record says of the time before it that there was nothing.
    let mut before = asked(None, Some(-YEAR));
    (before.records[0].2, before.records[1].2) = (500, 501);
    before.records[2].2 = 77;
    let told = hidden(&before, "to");
    assert!(
        told[0].ends_with("after the time asked for ends"),
        "{told:?}"
    );
    before.asked.to = Some(at(-30));
    hidden(&before, "a moment before");
    // Without a capture too, and of a host whose logs give no window.
    let mut logs = asked(Some(YEAR), None);
    logs.packets.clear();
    hidden(&logs, "logs alone");
    logs.records.retain(|record| record.0 == FIREWALL);
    hidden(&logs, "one log alone");
    // An end within the evidence is another thing.
    assert_eq!(
        verdict(&asked(Some(HOUR / 2), None).judged()),
        Verdict::Quiet
    );
    assert_eq!(
        verdict(&asked(None, Some(HOUR / 2)).judged()),
        Verdict::Quiet
    );
}

#[test]
fn a_cleared_log_of_which_older_records_are_there_is_told_and_takes_nothing() {
    let mut staged = whole();
    staged.changes.push((
        1200,
        HostWhat::LogCleared {
            cleared: "Security".into(),
            user: "CORP\\admin".into(),
        },
    ));
    let judged = staged.judged();
    assert_eq!(
        told(&judged),
        ["Security log was cleared at 2026-03-01 00:50:00 by CORP\\admin"]
    );
    assert!(
        judged.gaps[0]
            .why
            .starts_with("the evidence holds records from before that")
    );
    assert_eq!(verdict(&judged), Verdict::Quiet);
}

#[test]
fn the_first_records_after_a_log_was_cleared_are_none_from_before() {
    // 1102 is record 1; the next one is dated a moment earlier.
    let mut staged = whole();
    staged.changes.push((
        61,
        HostWhat::LogCleared {
            cleared: "Security".into(),
            user: "".into(),
        },
    ));
    let judged = staged.judged();
    assert_eq!(
        told(&judged),
        ["Security log was cleared at 2026-03-01 00:31:01"]
    );
    let why = &judged.gaps[0].why;
    assert!(
        why.starts_with("no record from more than 1 s before"),
        "{why}"
    );
    // A log whose file begins with them begins there because it was cleared.
    staged.changes[0].0 = 901;
    staged.records[0] = ("Security", 5154, 500, 900);
    let judged = staged.judged();
    let late = judged
        .gaps
        .iter()
        .find(|gap| gap.what.contains("log starts"));
    let why = late.map_or("", |gap| gap.why.as_str());
    assert!(why.starts_with("the log was cleared at"), "{why}");
}

fn logging(second: i64, starts: bool) -> (i64, HostWhat) {
    let what = match starts {
        true => HostWhat::LoggingStarted,
        false => HostWhat::LoggingStopped,
    };
    (second, what)
}

#[test]
fn while_the_event_log_service_was_down_no_log_could_say_anything() {
    let mut staged = whole();
    // Security 1100 and System 6006 tell of one end.
    staged.changes = vec![
        logging(1200, false),
        logging(1200, false),
        logging(1800, true),
    ];
    let judged = staged.judged();
    assert_eq!(
        told(&judged),
        ["the event log service did not run from 2026-03-01 00:50:00 to 01:00:00"]
    );
    let gap = &judged.gaps[0];
    assert_eq!((gap.from, gap.to), (Some(at(1200)), Some(at(1800))));
    assert!(gap.why.contains("shut down, or the service was stopped"));
    // Windows dates records in such a time: buffered ones, and what it still writes at the end.
    assert!(!gap.why.contains("no log was written"), "{}", gap.why);
    assert_eq!(verdict(&judged), Verdict::Partly);
    // Nothing could be judged if it was down all the time that was asked for.
    (staged.asked.from, staged.asked.to) = (Some(at(1300)), Some(at(1700)));
    assert_eq!(verdict(&staged.judged()), Verdict::Blind);
    // Before and after it there is nothing to tell.
    for (from, to) in [(100, 1100), (1900, 3500)] {
        (staged.asked.from, staged.asked.to) = (Some(at(from)), Some(at(to)));
        assert_eq!(told(&staged.judged()), [""; 0]);
    }
}

#[test]
fn records_in_its_logs_show_that_the_event_log_service_ran() {
    let mut staged = whole();
    staged.changes = vec![logging(1200, false), logging(3000, true)];
    // What is dated a moment after the stop, or before the start, was kept or still written.
    staged.records.push(("Security", 4688, 2, 1260));
    staged.records.push(("Security", 4688, 3, 2950));
    assert_eq!(
        told(&staged.judged()),
        ["the event log service did not run from 2026-03-01 00:50:00 to 01:20:00"]
    );
    staged.records.push(("Security", 4688, 4, 1830));
    let judged = staged.judged();
    assert_eq!(
        told(&judged),
        [
            "the event log service did not run from 2026-03-01 00:50:00 to 01:01:00 at the latest: its logs hold records \
             of the minute before, though no start is logged before 01:20:00"
        ]
    );
    assert_eq!(judged.gaps[0].to, Some(at(1860)));
    // What was asked for lies behind it.
    (staged.asked.from, staged.asked.to) = (Some(at(2000)), Some(at(2900)));
    assert_eq!(told(&staged.judged()), [""; 0]);
}

#[test]
fn a_later_record_keeps_an_end_of_logging_from_being_the_end_of_all() {
    let mut staged = whole();
    staged.changes = vec![logging(-60, false)];
    let judged = staged.judged();
    assert_eq!(
        told(&judged),
        [
            "the event log service did not run from 2026-03-01 00:29:00 to 00:32:00 at the latest: its logs hold records \
             of the minute before, though no later start is logged"
        ]
    );
    assert_eq!(verdict(&judged), Verdict::Partly);
}

#[test]
fn a_sysmon_that_stopped_before_the_window_saw_nothing_in_it() {
    let sysmon = |second: i64, running: bool| {
        let running = Some(running);
        (second, HostWhat::SysmonState { running })
    };
    let mut staged = whole();
    staged.changes = vec![sysmon(-600, false)];
    assert_eq!(
        told(&staged.judged()),
        [
            "Sysmon did not run from 2026-03-01 00:20:00 on; no later start is logged, and no later record is there"
        ]
    );
    staged.changes.push(sysmon(-300, true));
    assert_eq!(told(&staged.judged()), [""; 0]);
    staged.changes.push(sysmon(1200, false));
    staged.changes.push(sysmon(1500, true));
    assert_eq!(
        told(&staged.judged()),
        ["Sysmon did not run from 2026-03-01 00:50:00 to 00:55:00"]
    );
}

#[test]
fn auditing_that_was_reduced_before_the_window_is_told_until_it_is_extended() {
    let audit = |second: i64, change: &str| {
        let what = HostWhat::AuditPolicyChanged {
            subcategory: "0cce9232-69ae-11d9-bed3-505054503030".into(),
            change: change.into(),
            user: "".into(),
        };
        (second, what)
    };
    let mut staged = whole();
    staged.changes = vec![audit(-600, "%%8448")];
    assert_eq!(
        told(&staged.judged()),
        ["auditing of MPSSVC Rule-Level Policy Change was reduced at 2026-03-01 00:20:00"]
    );
    staged.changes.push(audit(-300, "%%8449"));
    assert_eq!(told(&staged.judged()), [""; 0]);
    // Records of it from later on show that it was not taken away.
    staged.changes.pop();
    staged.records.push(("Security", 4946, 3, HOUR - 30));
    assert_eq!(told(&staged.judged()), [""; 0]);
}

#[test]
fn without_a_capture_the_security_log_is_the_window() {
    let mut staged = whole();
    staged.packets.clear();
    staged.records.push(("Security", 5152, 3, HOUR - 30));
    // A System log that reaches back for a year makes nothing of the others late.
    staged
        .records
        .push(("System", 7036, 90_000, -365 * 24 * HOUR));
    let judged = staged.judged();
    assert_eq!(told(&judged), ["no capture was given"]);
    assert_eq!(verdict(&judged), Verdict::Quiet);
    staged.empty = true;
    assert_eq!(
        told(&staged.judged()),
        ["no packet was read from the captures that were given"]
    );
    staged.unread = true;
    let told = told(&staged.judged());
    assert_eq!(told, ["no capture was given in a format that is read"]);
}

#[test]
fn what_unblocks_most_is_advised_first() {
    let mut staged = whole();
    staged.records.retain(|r| r.0 != "Security");
    staged.records[0].2 = 9;
    staged.records.push(("System", 7036, 1, HOUR - 60));
    let judged = staged.judged();
    assert_eq!(verdict(&judged), Verdict::Blind);
    assert_eq!(
        judged.advice,
        [
            format!("{HOST}: the subcategory Filtering Platform Connection (for AN0001)"),
            format!(
                "{HOST}: Firewall records before 2026-03-01 00:40:00 (archived logs, shadow copies, a log \
                 collector) (for AN0001)"
            ),
        ]
    );
}

#[test]
fn a_sensor_that_saw_a_part_of_a_hosts_traffic_does_not_see_all_of_it() {
    let mut staged = whole();
    let host = crate::context::HostId(0);
    let row = crate::replay::attribute::OfHost {
        unseen: 3,
        ..Default::default()
    };
    staged.attributed.hosts.insert(host, row);
    let judged = staged.judged();
    assert_eq!(
        told(&judged),
        ["3 connections its own log says were made while the captures ran are in none of them"]
    );
    assert_eq!(verdict(&judged), Verdict::Partly);
    // Behind a device that translates, they are in the captures under another address.
    staged.attributed.hosts.get_mut(&host).unwrap().weak = 1;
    assert_eq!(verdict(&staged.judged()), Verdict::Quiet);
}

#[test]
fn record_ids_that_jump_ahead_while_the_times_go_back_are_two_logs() {
    let mut staged = whole();
    staged.records[1].3 = HOUR - 60;
    staged.records.push(("Security", 5154, 500, 120));
    let gaps = told(&staged.judged());
    assert_eq!(
        gaps,
        [
            "Security records from ID 500 on are older than those up to ID 2 (2026-03-01 00:32:00 against 01:29:00), \
             and no ID between is there"
        ]
    );
    // A moment the other way is how logs are written.
    staged.records[3].3 = HOUR - 60 - 59;
    assert!(told(&staged.judged())[0].starts_with("Security record IDs 3 to 499 are missing"));
}

#[test]
fn what_an_analytic_is_blind_without_is_told_first_and_alone() {
    let judged = Staged::default().judged();
    let row = &judged.verdicts[0];
    assert_eq!(row.verdict, Verdict::Blind);
    assert!(!row.blind.is_empty());
    assert!(
        row.words.contains(row.blind.split("; ").next().unwrap()),
        "{row:?}"
    );
}

#[test]
fn many_holes_are_one_gap() {
    let mut staged = whole();
    staged
        .records
        .extend((0..20).map(|n| ("Security", 5154, 10 + n * 3, 120 + n as i64)));
    let judged = staged.judged();
    assert_eq!(
        told(&judged),
        ["Security record IDs have 20 holes (45 records in all)"]
    );
}

prop_compose! {
    fn any_record()(
        channel in prop::sample::select(vec!["Security", FIREWALL, "System"]),
        event in prop::sample::select(vec![5152, 5154, 2004, 1101, 4624]),
        id in 1_u64..60,
        second in -HOUR..3 * HOUR,
    ) -> Record {
        (channel, event, id, second)
    }
}

proptest! {
    #[test]
    fn no_analytic_is_quiet_where_an_essential_need_is_absent(
        records in prop::collection::vec(any_record(), 0..30),
        packets in prop::collection::vec(0..2 * HOUR, 0..6),
        from in prop::option::of(-HOUR..3 * HOUR),
        length in prop::option::of(0..2 * HOUR),
    ) {
        let staged = Staged {
            records,
            packets,
            asked: Window {
                from: from.map(at),
                to: from.zip(length).map(|(from, length)| at(from + length)),
            },
            ..Staged::default()
        };
        let judged = staged.judged();
        for verdict in &judged.verdicts {
            let rows: Vec<_> = judged.coverage.iter().filter(|r| r.host == verdict.host).collect();
            let absent = ABOUT
                .needs
                .iter()
                .zip(&rows)
                .any(|(need, row)| need.essential && row.status == Met::Absent);
            let short = rows.iter().any(|r| !matches!(r.status, Met::Seen | Met::Present));
            prop_assert_eq!(verdict.verdict == Verdict::Blind, absent);
            prop_assert_eq!(verdict.verdict == Verdict::Quiet, !short);
            prop_assert_eq!(verdict.words.is_empty(), !short);
            // Every gap that a row names is one that takes from it.
            for row in rows {
                prop_assert!(row.gaps.iter().all(|at| *at < judged.gaps.len()));
            }
        }
    }
}
