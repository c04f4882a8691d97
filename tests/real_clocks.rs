//! Clocks of real recordings, held against what is known of them.
//!
//! Set `CASEWIRE_EVIDENCE` to a folder with the unpacked recordings to run it; without it the tests
//! say so and pass. Some recordings carry their logs as JSON lines, which are read here only as far
//! as clocks need them.

use casewire::capture::CaptureReader;
use casewire::capture::attempts::{Attempts, Settings};
use casewire::context::Identity;
use casewire::context::clocks::measure::Undetermined;
use casewire::context::clocks::{Against, AnchorBuilder, ClockChoice, ClockReport, Clocks, Known};
use casewire::context::identity::IdentityBuilder;
use casewire::evidence::{EvidenceFile, Input, Problems, Silent, discover};
use casewire::investigate::{Request, events, investigate};
use casewire::model::firewall::Layer;
use casewire::model::host_event::{Process, Verdict};
use casewire::model::provenance::Item;
use casewire::model::{
    Direction, Endpoint, Event, EvidenceId, HostEvent, HostWhat, Provenance, Span, Timestamp,
    Transport, What,
};
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

fn evidence() -> Option<PathBuf> {
    let folder = std::env::var_os("CASEWIRE_EVIDENCE").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("CASEWIRE_EVIDENCE is not set: nothing was tested");
    }
    folder
}

/// All files below `folder` whose path holds `part` and ends in `ending`, sorted.
fn files(folder: &Path, part: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().contains(part)
                && path.to_string_lossy().ends_with(ending)
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn attempts_of(path: &Path) -> Vec<Event> {
    let mut problems = Problems::default();
    let files = discover(&[path.to_owned()], &mut problems).unwrap();
    let file: &EvidenceFile = &files[0];
    let mut reader = CaptureReader::new(Input::open(file, false).unwrap(), file.id);
    let mut attempts = Attempts::new(Settings::default());
    let mut events = Vec::new();
    let mut batch = Vec::new();
    loop {
        batch.clear();
        let more = reader.fill(&mut batch, &mut problems);
        for packet in &batch {
            attempts.packet(file.id, packet, &mut |event| events.push(event));
        }
        if !more {
            break;
        }
    }
    attempts.finish(&mut |event| events.push(event));
    events
}

fn text<'a>(row: &'a Value, names: &[&str]) -> &'a str {
    names
        .iter()
        .find_map(|name| row.get(name).and_then(Value::as_str))
        .unwrap_or("")
}

/// A row about a connection, from a JSON line; times without a zone are taken as they stand.
fn event_of(line: &str, item: u64) -> Option<Event> {
    let row: Value = serde_json::from_str(line).ok()?;
    let end = |address: &str, port: &str| {
        Some(Endpoint::new(
            text(&row, &[address]).parse().ok()?,
            text(&row, &[port]).parse().ok()?,
        ))
    };
    let written = Timestamp::parse(text(&row, &["TimeCreated", "EventTime"]))?;
    let tcp = matches!(text(&row, &["Protocol"]), "6" | "tcp");
    let transport = if tcp { Transport::TCP } else { Transport::UDP };
    let id = row.get("EventID")?.as_u64()?;
    let what = match id {
        5156 | 5157 | 5152 => HostWhat::Filtered {
            verdict: if id == 5156 {
                Verdict::Permitted
            } else {
                Verdict::Blocked
            },
            layer: Layer::Connect,
            isn: None,
            opens: None,
            direction: Some(match text(&row, &["Direction"]) {
                "%%14593" => Direction::Outbound,
                _ => Direction::Inbound,
            }),
            process: Process::default(),
            transport,
            source: end("SourceAddress", "SourcePort")?,
            destination: end("DestAddress", "DestPort")?,
        },
        3 => HostWhat::Connected {
            process: Process::default(),
            initiated: text(&row, &["Initiated"]) == "true",
            transport,
            source: end("SourceIp", "SourcePort")?,
            destination: end("DestinationIp", "DestinationPort")?,
            user: "".into(),
            utc_time: Timestamp::parse(text(&row, &["UtcTime"])),
        },
        _ => return None,
    };
    let host = HostEvent {
        computer: text(&row, &["Hostname"]).into(),
        channel: text(&row, &["Channel"]).into(),
        provider: text(&row, &["SourceName"]).into(),
        event_id: id as u32,
        socket: None,
        timed: casewire::model::Timed::Utc,
        written,
        what,
    };
    Some(Event {
        time: written,
        recorded: written,
        provenance: Provenance {
            evidence: EvidenceId(9),
            interface: 0,
            kind: Item::Record,
            item,
            offset: item,
            inside: false,
        },
        what: What::host(host),
    })
}

fn measured(captures: &[PathBuf], log: &Path) -> (Clocks, Identity, Vec<Event>) {
    let mut all: Vec<Event> = captures.iter().flat_map(|c| attempts_of(c)).collect();
    let lines = std::fs::read_to_string(log).unwrap();
    all.extend(
        lines
            .lines()
            .enumerate()
            .filter_map(|(i, line)| event_of(line, i as u64)),
    );
    let (mut anchors, mut identity) = (AnchorBuilder::default(), IdentityBuilder::default());
    for event in &all {
        anchors.observe(event);
        identity.observe(event);
    }
    let identity = identity.freeze();
    let clocks = Clocks::measure(
        anchors.freeze(),
        &identity,
        &ClockChoice::default(),
        Span::seconds(2),
    );
    (clocks, identity, all)
}

fn report(clocks: &Clocks, identity: &Identity, host: &str) -> ClockReport {
    clocks.report(identity.named(host).unwrap(), identity)
}

/// Offset of Sysmon's network clock.
fn network(clocks: &Clocks, identity: &Identity, host: &str) -> Option<(Span, Span)> {
    match &clocks.of(identity.named(host)?)?.network {
        Known::Measured(measured, _) => Some((measured.offset, measured.uncertainty)),
        _ => None,
    }
}

fn near(what: Span, expected_ms: i64, within_ms: i64) {
    let off = what.plus(Span::millis(-expected_ms)).abs();
    assert!(
        off <= Span::millis(within_ms),
        "{what} is not {expected_ms} ms within {within_ms} ms"
    );
}

#[test]
fn a_log_in_local_time_is_a_zone_error_and_sysmon_has_a_clock_of_its_own() {
    let Some(folder) = evidence() else { return };
    let captures = files(&folder, "P11_schtask_create", ".pcapng");
    let log = &files(&folder, "P11_schtask_create", ".json")[0];
    let (clocks, identity, _) = measured(&captures, log);
    for (host, etw) in [
        ("WORKSTATION5.theshire.local", -61_220),
        ("WORKSTATION6.theshire.local", -21_220),
    ] {
        let report = report(&clocks, &identity, host);
        eprintln!("{host}: {report:?}");
        if let Some(offset) = report.offset {
            assert_eq!(report.zone_error, Some(Span::seconds(-18_000)));
            near(offset, -18_000_000, 5);
        }
        match &clocks.of(identity.named(host).unwrap()).unwrap().network {
            Known::Measured(measured, Against::OwnSystem) => {
                near(measured.offset, etw + 18_000_000, 10);
                assert!(measured.uncertainty <= Span::millis(50));
            }
            Known::Measured(measured, _) => near(measured.offset, etw, 10),
            // Too few connections to correct by, but they say the same.
            Known::Undetermined(Undetermined::TooFew(_, Some(on))) => near(*on, etw, 10),
            other => panic!("{host}: {other:?}"),
        }
    }
    assert_eq!(
        report(&clocks, &identity, "WORKSTATION5.theshire.local").anchors,
        5
    );
}

#[test]
fn times_cut_to_seconds_bound_the_offset_and_name_the_zone() {
    let Some(folder) = evidence() else { return };
    let logs = files(&folder, "P13_nxlog_benign_pairs", ".json");
    assert!(!logs.is_empty());
    let (mut determined, mut late) = (0, 0);
    for log in &logs {
        let stem = log.file_stem().unwrap().to_string_lossy();
        let name = stem.rsplit_once('_').unwrap().0;
        let captures: Vec<PathBuf> = files(&folder, name, ".cap");
        let (clocks, identity, all) = measured(&captures, log);
        for host in identity.hosts() {
            let report = report(&clocks, &identity, &host.name);
            eprintln!("{name} {}: {report:?}", host.name);
            let Some(offset) = report.offset else {
                continue;
            };
            determined += 1;
            assert_eq!(
                report.zone_error,
                Some(Span::seconds(-4 * 3_600)),
                "{name} {}",
                host.name
            );
            let truth = offset.plus(Span::seconds(4 * 3_600)).abs();
            assert!(
                truth <= report.uncertainty.plus(Span::millis(5)),
                "{name}: {truth} ± {}",
                report.uncertainty
            );
        }
        // Calibrated Sysmon rows come when their packets do.
        for event in all
            .iter()
            .filter(|e| matches!(&e.what, What::Host(h) if h.event_id == 3))
        {
            let mut moved = event.clone();
            clocks.correct(&mut moved, &identity);
            late += usize::from(moved.time != event.time);
        }
    }
    assert!(determined >= 5 && late > 0, "{determined} {late}");
}

#[test]
fn sysmon_of_the_psexec_run_is_ahead_by_two_seconds() {
    let Some(folder) = evidence() else { return };
    let captures = files(&folder, "empire_psexec_dcerpc_tcp_svcctl_", ".cap");
    let log = &files(&folder, "empire_psexec_dcerpc_tcp_svcctl_", ".json")[0];
    let (clocks, identity, _) = measured(&captures, log);
    let (offset, uncertainty) = network(&clocks, &identity, "WORKSTATION5.theshire.local").unwrap();
    near(offset, 2_274, 10);
    assert!(uncertainty < Span::millis(50));
}

#[test]
fn logs_of_one_run_and_captures_of_another_are_refused() {
    let Some(folder) = evidence() else { return };
    let log = &files(&folder, "P11_schtask_create", ".json")[0];
    for capture in files(&folder, "P13_nxlog_benign_pairs", ".cap") {
        let (clocks, identity, _) = measured(std::slice::from_ref(&capture), log);
        for host in identity.hosts() {
            let report = report(&clocks, &identity, &host.name);
            let by_capture = report.offset.is_some()
                && !report.method.contains("hosts")
                && !report.method.contains("reference");
            assert!(
                !by_capture,
                "{} {}: {report:?}",
                capture.display(),
                host.name
            );
        }
    }
}

fn request(path: PathBuf) -> Request {
    Request {
        threads: Some(2),
        memory: 1 << 30,
        ..Request::of(vec![path])
    }
}

#[test]
fn rows_and_packets_agree_within_five_milliseconds_and_sysmon_writes_late() {
    let Some(folder) = evidence() else { return };
    let request = request(folder.join("P14_splunk_procdump"));
    let mut all = Vec::new();
    events(&request, &Silent, &mut |event, _| {
        all.push(event.clone());
        ControlFlow::Continue(())
    })
    .unwrap();
    let ends = |event: &Event| match &event.what {
        What::Attempt(a) if a.isn.is_some() => Some((a.initiator, a.responder)),
        What::Host(host) => match &host.what {
            HostWhat::Filtered {
                source,
                destination,
                ..
            }
            | HostWhat::Connected {
                source,
                destination,
                ..
            } => Some((*source, *destination)),
            _ => None,
        },
        _ => None,
    };
    let (mut rows, mut sysmon) = (0, 0);
    for attempt in all.iter().filter(|e| matches!(e.what, What::Attempt(_))) {
        for event in all
            .iter()
            .filter(|e| matches!(e.what, What::Host(_)) && ends(e) == ends(attempt))
        {
            let What::Host(host) = &event.what else {
                continue;
            };
            let apart = event.recorded.since(attempt.recorded);
            if host.event_id == 5156 {
                assert!(apart.abs() <= Span::millis(5), "{apart}");
                rows += 1;
            } else if host.event_id == 3 {
                assert!(
                    apart >= Span::seconds(1) && apart <= Span::millis(2_600),
                    "{apart}"
                );
                // Two connections are too few to calibrate by; the placement must still hold.
                assert!(event.time.since(attempt.time).abs() <= Span::millis(1_100));
                sysmon += 1;
            }
        }
    }
    assert_eq!((rows, sysmon), (2, 2));
    let case = investigate(&request, &Silent).unwrap();
    let clock = &case.hosts[0].clock;
    assert_eq!(clock.offset, None);
    assert!(
        clock
            .method
            .contains("only 2 connections agree and 3 are needed"),
        "{}",
        clock.method
    );
}

#[test]
fn the_whole_run_names_the_zone_error_of_five_hours_and_puts_records_beside_their_packets() {
    let Some(folder) = evidence() else { return };
    let request = request(folder.join("P11_schtask_create"));
    let case = investigate(&request, &Silent).unwrap();
    let host = |name: &str| case.hosts.iter().find(|h| &*h.name == name).unwrap();
    let clock = &host("WORKSTATION5.theshire.local").clock;
    near(clock.offset.unwrap(), -18_000_000, 5);
    assert!(
        clock.method.contains("zone error of -5 h"),
        "{}",
        clock.method
    );
    assert!(
        case.notes
            .iter()
            .any(|note| note.contains("off by -5 h") && note.contains("time zone")),
        "{:?}",
        case.notes
    );
    // Two connections are too few to correct by; its own Sysmon records tell the zone, and no more.
    let clock = &host("WORKSTATION6.theshire.local").clock;
    assert_eq!(clock.offset, Some(Span::seconds(-18_000)));
    assert!(
        clock.method.contains("not measured") && clock.method.contains("UtcTime of"),
        "{}",
        clock.method
    );
    // Of a corrected host, each logged connection comes with its packets.
    let mut all = Vec::new();
    events(&request, &Silent, &mut |event, _| {
        all.push(event.clone());
        ControlFlow::Continue(())
    })
    .unwrap();
    let mut beside = 0;
    for row in &all {
        let What::Host(logged) = &row.what else {
            continue;
        };
        let HostWhat::Filtered {
            source,
            destination,
            ..
        } = &logged.what
        else {
            continue;
        };
        if &*logged.computer != "WORKSTATION5.theshire.local" {
            continue;
        }
        let packets = all.iter().filter_map(|e| match &e.what {
            What::Attempt(a) if a.isn.is_some() => {
                (a.initiator == *source && a.responder == *destination).then_some(e.time)
            }
            _ => None,
        });
        if let Some(apart) = packets.map(|time| row.time.since(time).abs()).min() {
            assert!(apart <= Span::millis(10), "{apart}");
            assert_ne!(row.time, row.recorded, "the recorded time is kept");
            beside += 1;
        }
    }
    assert!(beside >= 5, "{beside}");
}
