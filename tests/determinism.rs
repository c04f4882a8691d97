//! The same evidence gives the same bytes: at any number of threads, for any order of arguments, in
//! any time zone and language.

use assert_cmd::Command;
use casewire_lab::evtx::Log;
use casewire_lab::evtx::events::{Account, Program, security};
use casewire_lab::moment::{MILLISECOND, Moment, SECOND};
use casewire_lab::pcap::frame::{self, Ip, Link, Tcp, flags};
use casewire_lab::pcap::{Capture, Format};
use std::path::{Path, PathBuf};

const START: Moment = Moment(1_772_323_200_000_000_000);
const SERVER: [u8; 4] = [10, 0, 0, 5];

/// Packets of 64 knocks with what followed, in the order of time.
fn packets() -> Vec<(Moment, Vec<u8>)> {
    let mut packets = Vec::new();
    let mut add = |time: Moment, bytes: Vec<u8>| packets.push((time, bytes));
    for round in 0..64_u8 {
        let client = [198, 51, 100, round];
        let start = START.plus(i64::from(round) * 24 * SECOND);
        let mut segment =
            |after: i64, inbound: bool, port: u16, source: u16, flags: u8, seq: u32, ack: u32| {
                let (from, to) = if inbound {
                    (client, SERVER)
                } else {
                    (SERVER, client)
                };
                let (here, there) = if inbound {
                    (source, port)
                } else {
                    (port, source)
                };
                let link = Link {
                    source: [2, 0, 0, 0, 0, from[3]],
                    destination: [2, 0, 0, 0, 0, to[3]],
                    vlans: vec![],
                };
                let ip = Ip {
                    source: from.into(),
                    destination: to.into(),
                    ttl: 64,
                    id: source,
                };
                let tcp = Tcp {
                    source: here,
                    destination: there,
                    seq,
                    ack,
                    flags,
                    window: 64_240,
                    ..Tcp::default()
                };
                add(
                    start.plus(after * MILLISECOND),
                    frame::tcp(&link, &ip, &tcp),
                );
            };
        for (i, port) in [7000, 8000, 9000].into_iter().enumerate() {
            let (source, after) = (50_000 + u16::from(round) * 8 + i as u16, 300 * i as i64);
            segment(after, true, port, source, flags::SYN, 1000, 0);
            segment(
                after + 1,
                false,
                port,
                source,
                flags::RST | flags::ACK,
                0,
                1001,
            );
        }
        // Each comes in by a door of its own, so that each is the first at it.
        let (door, source) = (2000 + u16::from(round), 51_000 + u16::from(round));
        segment(1500, true, door, source, flags::SYN, 5000, 0);
        segment(
            1501,
            false,
            door,
            source,
            flags::SYN | flags::ACK,
            7000,
            5001,
        );
        segment(1502, true, door, source, flags::ACK, 5001, 7001);
    }
    packets
}

/// Evidence large enough that threads matter: a rotated capture, a second sensor that saw a part of
/// it, two logs of many chunks, and findings in it.
fn evidence(folder: &Path) -> Vec<PathBuf> {
    let mut rotated: Vec<Capture> = vec![Capture::default(); 4];
    let mut second = Capture {
        format: Format::Micro,
        ..Capture::default()
    };
    for (time, bytes) in packets() {
        let at = usize::try_from((time.0 - START.0) / (400 * SECOND)).unwrap();
        if at == 1 {
            second.push(time, bytes.clone());
        }
        rotated[at].push(time, bytes);
    }
    let mut files = Vec::new();
    let mut write = |name: String, bytes: Vec<u8>| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        files.push(path);
    };
    for (i, capture) in rotated.iter().enumerate() {
        write(format!("{}-sensor.pcapng", 9 - i), capture.bytes());
    }
    write("second.pcap".to_owned(), second.bytes());
    for (name, address) in [("WS01", [10, 0, 0, 6]), ("SRV1", SERVER)] {
        write(format!("{name}.evtx"), log(name, address, 2_000).bytes());
    }
    files
}

fn log(computer: &str, address: [u8; 4], records: u16) -> Log {
    let program = Program {
        pid: 1000,
        image: "C:\\Windows\\System32\\svchost.exe".into(),
        guid: casewire_lab::seed::guid(&[computer]),
        command_line: String::new(),
        original: None,
        account: Account {
            sid: "S-1-5-18".into(),
            name: "SYSTEM".into(),
            domain: "NT".into(),
            logon: 0x3e7,
        },
    };
    let mut log = Log::default();
    for i in 0..records {
        let flow = security::Flow {
            process: Some(&program),
            inbound: i % 2 == 0,
            source: (address.into(), 49_152 + i % 16_000),
            destination: ([10, 0, 0, 1].into(), 443),
            protocol: 6,
            filter: 67_607,
        };
        let mut event = if i % 5 == 0 {
            flow.blocked()
        } else {
            flow.allowed()
        };
        event.created = START.plus(i64::from(i) * 700 * MILLISECOND);
        event.computer = computer.to_owned();
        log.push(event);
    }
    log
}

fn command(
    arguments: &[&str],
    files: &[PathBuf],
    threads: &str,
    environment: &[(&str, &str)],
) -> Command {
    let mut command = Command::cargo_bin("casewire").unwrap();
    command
        .args(arguments)
        .args(["--threads", threads])
        .args(files)
        .envs(environment.iter().copied());
    command
}

/// Standard output of a command on the evidence.
fn output(
    arguments: &[&str],
    files: &[PathBuf],
    threads: &str,
    environment: &[(&str, &str)],
) -> Vec<u8> {
    let output = command(arguments, files, threads, environment)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Threads, files in some order, environment.
type Variant<'a> = (&'a str, &'a [PathBuf], &'a [(&'a str, &'a str)]);

#[track_caller]
fn same_bytes(command: &[&str], files: &[PathBuf]) -> Vec<u8> {
    let first = output(command, files, "1", &[]);
    let mut reversed = files.to_vec();
    reversed.reverse();
    let mut turned = files.to_vec();
    turned.rotate_left(files.len() / 2);
    let variants: [Variant<'_>; 6] = [
        ("2", &reversed, &[]),
        ("8", &turned, &[]),
        ("8", files, &[("TZ", "Pacific/Kiritimati")]),
        (
            "2",
            files,
            &[("LANG", "tr_TR.UTF-8"), ("LC_ALL", "tr_TR.UTF-8")],
        ),
        (
            "8",
            &reversed,
            &[("RUST_BACKTRACE", "1"), ("COLUMNS", "61")],
        ),
        ("8", &reversed, &[]),
    ];
    for (threads, files, environment) in variants {
        let other = output(command, files, threads, environment);
        if first != other {
            let at = first.iter().zip(&other).take_while(|(a, b)| a == b).count();
            let around = |bytes: &[u8]| {
                String::from_utf8_lossy(&bytes[at.saturating_sub(200)..bytes.len().min(at + 200)])
                    .into_owned()
            };
            panic!(
                "{threads} threads, {environment:?}, byte {at}:\n{}\nbut:\n{}",
                around(&first),
                around(&other)
            );
        }
    }
    first
}

#[test]
fn a_report_is_the_same_bytes_however_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let files = evidence(folder.path());
    let report = same_bytes(&["analyze", "-f", "json"], &files);
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let findings = report["findings"].as_array().unwrap().len();
    assert!(
        findings >= 60,
        "only {findings} findings: the test compares too little"
    );
    same_bytes(&["analyze", "-f", "jsonl"], &files);
    same_bytes(&["analyze", "--width", "100"], &files);
}

/// Of captures that all overlap only some are read ahead; the others are read as they are asked for.
#[test]
fn packets_dealt_to_many_files_give_the_same_attempts_as_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str, count: usize| {
        let mut captures = vec![Capture::default(); count];
        for (i, (time, bytes)) in packets().into_iter().enumerate() {
            captures[i % count].push(time, bytes);
        }
        let mut files = Vec::new();
        for (i, capture) in captures.iter().enumerate() {
            let path = folder.path().join(format!("{name}-{i}.pcapng"));
            std::fs::write(&path, capture.bytes()).unwrap();
            files.push(path);
        }
        let lines = output(&["timeline", "-f", "jsonl"], &files, "8", &[]);
        let lines = String::from_utf8(lines).unwrap();
        let line = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            ["time", "summary", "fields"].map(|of| line[of].to_string())
        };
        lines.lines().map(line).collect::<Vec<_>>()
    };
    let one = told("one", 1);
    assert_eq!(one.len(), 64 * 4, "{one:?}");
    assert_eq!(one, told("many", 40));
}

#[test]
fn a_timeline_is_the_same_bytes_however_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let files = evidence(folder.path());
    let lines = same_bytes(&["timeline", "-f", "jsonl"], &files);
    let count = lines.iter().filter(|b| **b == b'\n').count();
    assert!(
        count > 4_000,
        "only {count} lines: the test compares too little"
    );
    same_bytes(&["timeline", "-f", "csv"], &files);
}

#[test]
fn a_spilled_timeline_is_the_same_as_one_held_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("SRV1.evtx");
    std::fs::write(&path, log("SRV1", SERVER, 40_000).bytes()).unwrap();
    let files = [path];
    let nowhere = folder.path().join("nowhere");
    let nowhere = [("TMPDIR", nowhere.to_str().unwrap())];
    let timeline = ["timeline", "-f", "jsonl"];
    let spilling = ["timeline", "-f", "jsonl", "--memory", "16MiB"];
    let held = output(&timeline, &files, "2", &nowhere);
    // Without a place to spill to it cannot finish: it does spill.
    if cfg!(unix) {
        let failed = command(&spilling, &files, "2", &nowhere).output().unwrap();
        assert_eq!(failed.status.code(), Some(5));
    }
    assert!(held == output(&spilling, &files, "2", &[]));
}

#[test]
fn the_demo_is_the_same_bytes_however_it_is_read() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/demo");
    let entries = std::fs::read_dir(demo).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    files.sort();
    same_bytes(&["analyze", "-f", "json"], &files);
    same_bytes(&["timeline", "-f", "jsonl"], &files);
}

#[test]
fn a_case_and_everything_made_from_it_are_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = evidence(folder.path());
    let mut first: Option<Vec<(String, Vec<u8>)>> = None;
    let variants: [(&str, &[(&str, &str)]); 4] = [
        ("1", &[]),
        ("2", &[("TZ", "Pacific/Kiritimati")]),
        ("8", &[("LANG", "tr_TR.UTF-8"), ("LC_ALL", "tr_TR.UTF-8")]),
        ("8", &[("COLUMNS", "61"), ("TERM", "dumb")]),
    ];
    for (number, (threads, environment)) in variants.into_iter().enumerate() {
        files.rotate_left(1);
        let case = folder.path().join(format!("case-{number}"));
        let case = case.to_str().unwrap();
        output(&["analyze", "-o", case], &files, threads, environment);
        let mut made: Vec<(String, Vec<u8>)> = ["report.json", "timeline.jsonl"]
            .iter()
            .map(|name| {
                let bytes = std::fs::read(folder.path().join(case).join(name)).unwrap();
                ((*name).to_owned(), bytes)
            })
            .collect();
        let mut render = |arguments: &[&str]| {
            let mut command = Command::cargo_bin("casewire").unwrap();
            let run = command
                .args(arguments)
                .arg(case)
                .envs(environment.iter().copied())
                .output()
                .unwrap();
            assert_eq!(run.status.code(), Some(0), "{arguments:?}");
            made.push((arguments.join(" "), run.stdout));
        };
        for format in ["html", "md"] {
            render(&["report", "--format", format]);
        }
        render(&["report", "--width", "80"]);
        for format in [
            "json",
            "jsonl",
            "csv",
            "timesketch",
            "case",
            "stix",
            "navigator",
        ] {
            render(&["export", "--as", format]);
        }
        match &first {
            None => first = Some(made),
            Some(first) => {
                for ((name, a), (_, b)) in first.iter().zip(&made) {
                    assert!(
                        a == b,
                        "{name} differs at {threads} threads, {environment:?}"
                    );
                }
            }
        }
    }
}
