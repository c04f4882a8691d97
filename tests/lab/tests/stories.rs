//! The language: every line form plays, mistakes are named, and Windows behaves as measured.

use casewire_lab::story::{Evidence, Expectation, Story};
use std::process::Command;

const REFERENCE: &str = include_str!("reference.md");

fn play(story: &str) -> Evidence {
    let page = format!("# T\n```story\nday 2026-03-01\n{story}\n```\n");
    Story::parse(&page).unwrap_or_else(|e| panic!("{e}")).play()
}

fn mistake(line: &str) -> (usize, String) {
    let page = format!(
        "# T\n```story\nday 2026-03-01\nhost WS01 10.0.0.5\nhost evil 198.51.100.7\n{line}\n```\n"
    );
    let error = Story::parse(&page).expect_err(line);
    (error.line, error.message)
}

/// What each cited packet or record is, by its words: `evil -> WS01`, `WS01 Security 5156`.
fn count(evidence: &Evidence, about: &str) -> usize {
    evidence.cites.iter().filter(|c| c.about == about).count()
}

fn xml_of(evidence: &Evidence, file: &str) -> Vec<String> {
    let bytes = evidence
        .file(file)
        .unwrap_or_else(|| panic!("no {file}"))
        .to_vec();
    let mut parser = evtx::EvtxParser::from_buffer(bytes).unwrap();
    parser.records().map(|r| r.unwrap().data).collect()
}

fn field<'a>(xml: &'a str, name: &str) -> &'a str {
    let at = xml
        .find(&format!("Name=\"{name}\">"))
        .unwrap_or_else(|| panic!("no {name} in {xml}"));
    let rest = &xml[at + name.len() + 8..];
    &rest[..rest.find('<').unwrap()]
}

fn created(xml: &str) -> &str {
    let rest = &xml[xml.find("SystemTime=\"").unwrap() + 12..];
    &rest[..rest.find('"').unwrap()]
}

/// Time in nanoseconds and sequence number of every TCP segment of a pcapng file.
fn segments(evidence: &Evidence, file: &str) -> Vec<(u64, u32)> {
    let bytes = evidence.file(file).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut at, mut all) = (0, Vec::new());
    while at < bytes.len() {
        if word(at) == 6 {
            let time = u64::from(word(at + 12)) << 32 | u64::from(word(at + 16));
            let frame = &bytes[at + 28..at + 28 + word(at + 20) as usize];
            let packet = etherparse::SlicedPacket::from_ethernet(frame).unwrap();
            if let Some(etherparse::TransportSlice::Tcp(tcp)) = packet.transport {
                all.push((time, tcp.sequence_number()));
            }
        }
        at += word(at + 4) as usize;
    }
    all
}

#[test]
fn every_line_form_plays_twice_to_the_same_bytes() {
    let story = Story::parse(REFERENCE).unwrap_or_else(|e| panic!("{e}"));
    let (first, second) = (story.play(), story.play());
    assert_eq!(first.files, second.files);
    assert_eq!(first.cites, second.cites);
    assert_eq!(first.title, "Every line form");
    assert!(story.why.starts_with("The language's test reads this page"));
    assert_eq!(first.expect[0].says, Expectation::None);
    let names: Vec<&str> = first.files.iter().map(|f| f.0.as_str()).collect();
    for name in [
        "span-1.pcapng",
        "span-2.pcapng",
        "span-3.pcapng",
        "tap.pcap",
        "WS01-PowerShell.evtx",
        "WS06-All.evtx",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
}

#[test]
fn every_story_line_leaves_something_behind_or_is_meant_to_be_silent() {
    let evidence = Story::parse(REFERENCE).unwrap().play();
    let lines = REFERENCE
        .lines()
        .zip(1..)
        .skip_while(|(text, _)| !text.starts_with("00:00:01"));
    for (text, line) in lines.take_while(|(text, _)| !text.starts_with("```")) {
        let silent = text.trim().is_empty() || text.contains("stops listening");
        let left = evidence.of_line(line).count();
        assert_eq!(left == 0, silent, "line {line} left {left} traces: {text}");
    }
}

#[test]
fn independent_readers_accept_what_every_line_form_writes() {
    let evidence = Story::parse(REFERENCE).unwrap().play();
    let directory = std::env::temp_dir().join(format!("casewire-lab-forms-{}", std::process::id()));
    evidence.write_to(&directory).unwrap();
    for (name, bytes) in &evidence.files {
        let items = evidence.cites.iter().filter(|c| c.file == *name).count();
        let path = directory.join(name);
        if name.ends_with(".evtx") {
            if !name.starts_with("WS03") {
                let mut parser = evtx::EvtxParser::from_buffer(bytes.clone()).unwrap();
                assert_eq!(
                    parser.records().map(Result::unwrap).count(),
                    items,
                    "{name}"
                );
            }
            // libevtx does not read records without templates.
            if !name.starts_with("WS04") {
                independent("evtxexport", &["-f", "xml"], &path, |text| {
                    assert_eq!(text.matches("<Event ").count(), items, "{name}");
                });
            }
        } else if name.ends_with(".log") {
            // Zeek's rows, each cited by its line.
            let rows = String::from_utf8_lossy(bytes);
            let rows = rows.lines().filter(|line| !line.starts_with('#'));
            assert_eq!(rows.count(), items, "{name}");
        } else {
            independent(
                "tshark",
                &[
                    "-n",
                    "-o",
                    "tcp.check_checksum:TRUE",
                    "-o",
                    "udp.check_checksum:TRUE",
                    "-V",
                    "-r",
                ],
                &path,
                |text| {
                    assert_eq!(
                        text.lines().filter(|l| l.starts_with("Frame ")).count(),
                        items,
                        "{name}"
                    );
                    // Cut frames cannot be summed.
                    if !name.starts_with("tap") {
                        assert!(!text.contains("[incorrect"), "{name} has a wrong checksum");
                    }
                },
            );
        }
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

fn independent(tool: &str, arguments: &[&str], path: &std::path::Path, judge: impl Fn(&str)) {
    match Command::new(tool).args(arguments).arg(path).output() {
        Ok(output) => judge(&String::from_utf8_lossy(&output.stdout)),
        Err(_) => eprintln!("skipped: {tool} is not installed"),
    }
}

#[test]
fn a_mistake_names_its_line_and_what_would_be_understood() {
    let (line, message) = mistake("02:11:04 evil -> WS01:22/tcp refusd");
    assert_eq!(line, 6);
    assert!(
        message.contains("refusd") && message.contains("refused"),
        "{message}"
    );
    for (text, part) in [
        (
            "02:11:04 evil -> WS99:22/tcp refused",
            "WS01, evil, or an address",
        ),
        ("02:11:04 evil -> WS01:22 refused", "HOST:PORT/tcp"),
        ("02:11:04 evil -> WS01:70000/tcp refused", "65535"),
        ("02:11:04 evil -> WS01:22/tcp", "is missing"),
        (
            "02:11:04 evil -> WS01:22/tcp refused accepted",
            "one outcome",
        ),
        ("02:11:04 evil -> WS01:22/udp accepted", "datagram"),
        ("02:11:04 WS01 firewal allows tcp/22", "firewall"),
        ("02:11:04 WS01 firewall permits tcp/22", "allows|blocks"),
        ("02:61:04 WS01 boots", "02:11:04.000"),
        ("WS01 boots", "day, host, sensor"),
        ("host WS01 10.0.0.9", "declared twice"),
        ("host x logs security", "needs an address"),
        ("host x 10.0.0.7 logs securiti", "sysmon"),
        ("host x 10.0.0.7 klock +1s", "clock"),
        ("sensor s snaplen many", "number"),
        (
            "02:00 every 5m: evil -> WS01:22/tcp refused",
            "every 5m for 30d",
        ),
        (
            "02:00 repeat 99999999 every 5m: evil -> WS01:22/tcp refused",
            "50000",
        ),
        (
            "02:00 repeat 2 every 5m: evil -> WS01:{n}/tcp refused",
            "{7000+n}",
        ),
        ("02:00 WS01 starts \"x", "never closed"),
        ("02:00 WS01 boots twice", "unknown word \"twice\""),
        ("02:00 wake 01:02:03 from evil", "aa:bb:cc:dd:ee:ff"),
    ] {
        let (_, message) = mistake(text);
        assert!(message.contains(part), "{text}: {message}");
    }
    assert!(
        Story::parse("# no story")
            .unwrap_err()
            .message
            .contains("```story")
    );
    assert!(
        Story::parse("```story\n```")
            .unwrap_err()
            .message
            .contains("day 2026-03-01")
    );
}

#[test]
fn a_windows_client_sends_five_syns_with_one_sequence_number_and_a_knock_client_one() {
    let evidence = play(
        "host WS01 10.0.0.5 logs security sysmon\nhost evil 198.51.100.7\n\
         01:00 WS01 -> evil:7000/tcp unanswered\n01:01 evil -> WS01:7000/tcp unanswered once",
    );
    assert_eq!(count(&evidence, "WS01 -> evil"), 5);
    assert_eq!(count(&evidence, "evil -> WS01"), 1);
    // An attempt that fails is logged as an attempt, and never by Sysmon 3.
    assert_eq!(count(&evidence, "WS01 Security 5156"), 1);
    assert_eq!(count(&evidence, "WS01 Sysmon 3"), 0);
    let syns = &segments(&evidence, "span.pcapng")[..5];
    assert!(syns.iter().all(|s| s.1 == syns[0].1), "one sequence number");
    let seconds: Vec<u64> = syns
        .iter()
        .map(|s| (s.0 - syns[0].0) / 1_000_000_000)
        .collect();
    assert_eq!(seconds, [0, 1, 3, 7, 15]);
}

#[test]
fn silence_is_5157_per_syn_with_a_listener_and_5152_without_one() {
    let evidence = play(
        "host WS01 10.0.0.5 logs security drops open tcp/135\nhost WS02 10.0.0.6 logs security\n\
         host evil 10.0.0.9\n01:00 evil -> WS01:135/tcp unanswered\n\
         01:01 evil -> WS01:136/tcp unanswered 3 times\n01:02 evil -> WS02:136/tcp unanswered",
    );
    assert_eq!(count(&evidence, "WS01 Security 5157"), 5);
    assert_eq!(count(&evidence, "WS01 Security 5152"), 3);
    assert_eq!(count(&evidence, "WS02 Security 5152"), 0);
    let log = xml_of(&evidence, "WS01-Security.evtx");
    let dropped = log.iter().find(|x| x.contains(">5152<")).unwrap();
    assert_eq!(
        (field(dropped, "ProcessId"), field(dropped, "Application")),
        ("0", "-")
    );
    assert_eq!(
        (field(dropped, "LayerName"), field(dropped, "LayerRTID")),
        ("%%14597", "13")
    );
}

#[test]
fn a_rule_fans_out_as_measured_and_live_sessions_are_logged_again() {
    let evidence = play(
        "host WS01 10.0.0.5 logs security sysmon firewall open tcp/3389\nhost admin 10.0.0.9\n\
         01:00 admin -> WS01:3389/tcp accepted for 10m\n\
         01:05 WS01 firewall allows tcp/450 named \"atomic testing\"",
    );
    let of_rule: Vec<&str> = evidence.of_line(7).map(|c| c.about.as_str()).collect();
    assert_eq!(
        of_rule,
        [
            "WS01 Security 4688",
            "WS01 Sysmon 1",
            "WS01 Sysmon 12",
            "WS01 Sysmon 13",
            "WS01 Security 5447",
            "WS01 Security 5447",
            "WS01 Security 5447",
            "WS01 Security 5447",
            "WS01 Security 4946",
            "WS01 Firewall 2004",
            "WS01 Security 4689",
            "WS01 Sysmon 5",
            "WS01 Security 5156",
        ]
    );
    let log = xml_of(&evidence, "WS01-Security.evtx");
    let command = log.iter().find(|x| x.contains(">4688<")).unwrap();
    assert!(field(command, "CommandLine").contains("localport=450"));
    assert!(field(command, "NewProcessId").starts_with("0x"));
    let filter = log.iter().find(|x| x.contains(">5447<")).unwrap();
    assert!(field(filter, "Conditions").contains("0x01c2"));
    let sessions: Vec<&String> = log.iter().filter(|x| x.contains(">5156<")).collect();
    assert_eq!(
        field(sessions[0], "SourcePort"),
        field(sessions[1], "SourcePort")
    );
    assert!(field(sessions[0], "Application").starts_with("\\device\\harddiskvolume2\\windows"));
    assert!(
        created(sessions[1]) >= "2026-03-01T01:05:00.033"
            && created(sessions[1]) < "2026-03-01T01:05:00.043"
    );
}

#[test]
fn a_modifier_makes_a_story_half_blind() {
    let evidence = play(
        "host WS01 10.0.0.5 logs security sysmon\nhost evil 10.0.0.9\n\
         01:00 evil -> WS01:3389/tcp accepted but not on the wire\n\
         01:01 evil -> WS01:3389/tcp accepted but not in the log\n\
         01:02 WS01 firewall allows tcp/1 only 4946",
    );
    assert!(evidence.of_line(6).all(|c| c.label.starts_with("log:")));
    assert!(evidence.of_line(7).all(|c| c.label.starts_with("wire:")));
    assert_eq!(evidence.of_line(8).count(), 1);
}

#[test]
fn both_orientations_of_an_inbound_5156_can_be_told() {
    let evidence = play(
        "host WS01 10.0.0.5 logs security\nhost WS02 10.0.0.6 logs security orientation receiver-first\n\
         host evil 10.0.0.9\n01:00 evil -> WS01:3389/tcp accepted\n01:00 evil -> WS02:3389/tcp accepted",
    );
    let one = xml_of(&evidence, "WS01-Security.evtx");
    let two = xml_of(&evidence, "WS02-Security.evtx");
    assert_eq!(
        (field(&one[0], "SourceAddress"), field(&one[0], "DestPort")),
        ("10.0.0.9", "3389")
    );
    assert_eq!(
        (
            field(&two[0], "SourceAddress"),
            field(&two[0], "SourcePort")
        ),
        ("10.0.0.6", "3389")
    );
}

#[test]
fn clocks_shift_records_and_sysmon_3_has_a_clock_of_its_own() {
    let evidence = play(
        "host WS01 10.0.0.5 logs security sysmon clock +90s etw -61.2s\nhost evil 10.0.0.9\n\
         01:00 evil -> WS01:3389/tcp accepted\n01:01 WS01 changes clock -90s\n01:02 WS01 logs security 1 A=b",
    );
    let log = xml_of(&evidence, "WS01-Security.evtx");
    assert!(
        created(&log[0]).starts_with("2026-03-01T01:01:30.0"),
        "{}",
        created(&log[0])
    );
    assert!(field(&log[1], "PreviousTime").starts_with("2026-03-01T01:02:30"));
    assert!(field(&log[1], "NewTime").starts_with("2026-03-01T01:01:00"));
    assert!(created(&log[2]).starts_with("2026-03-01T01:02:00"));
    let sysmon = xml_of(&evidence, "WS01-Sysmon.evtx");
    assert!(
        field(&sysmon[0], "UtcTime").starts_with("2026-03-01 00:58:58.8"),
        "{}",
        field(&sysmon[0], "UtcTime")
    );
    assert!(
        created(&sysmon[0]) >= "2026-03-01T01:01:31.0"
            && created(&sysmon[0]) < "2026-03-01T01:01:32"
    );
}

#[test]
fn sensors_see_their_own_part_and_rotation_splits_a_capture() {
    let evidence = play(
        "host WS01 10.0.0.5\nhost evil 10.0.0.9\nsensor a sees evil->WS01\nsensor b rotate 01:00:30\n\
         sensor c from 01:00:30\n01:00 evil -> WS01:80/tcp refused\n01:01 evil -> WS01:81/tcp refused",
    );
    let of = |file: &str| evidence.cites.iter().filter(|c| c.file == file).count();
    let counts = ["a.pcapng", "b-1.pcapng", "b-2.pcapng", "c.pcapng"].map(of);
    assert_eq!(counts, [2, 2, 2, 2]);
    assert_eq!(evidence.labelled("wire:3").unwrap().file, "b-1.pcapng");
    assert_eq!(evidence.cite("b-2.pcapng", 1).unwrap().label, "wire:5");
}

#[test]
fn a_zeek_sensor_writes_a_row_for_each_connection_when_it_forgets_it() {
    let evidence = play(
        "host WS01 10.0.0.5\nhost c2 203.0.113.9\nsensor zeek format zeek\n\
         01:00 WS01 -> c2:443/tcp unanswered\n01:00:01 WS01 -> c2:80/tcp accepted for 2s bytes 30/40\n\
         01:00:30 WS01 -> c2:81/tcp refused 2 times\n01:00:40 WS01 pings c2\n\
         01:00:50 WS01 -> c2:22/tcp accepted bytes 30/40 reset by server idle 90s",
    );
    let text = String::from_utf8(evidence.file("zeek.log").unwrap().to_vec()).unwrap();
    let fields: Vec<&str> = text
        .lines()
        .find_map(|l| l.strip_prefix("#fields\t"))
        .unwrap()
        .split('\t')
        .collect();
    let rows: Vec<String> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|row| {
            let cells: Vec<&str> = row.split('\t').collect();
            let cell = |name: &str| cells[fields.iter().position(|f| *f == name).unwrap()];
            [
                "id.resp_p",
                "proto",
                "conn_state",
                "history",
                "orig_pkts",
                "resp_pkts",
                "orig_bytes",
                "resp_bytes",
            ]
            .map(cell)
            .join(" ")
        })
        .collect();
    // Zeek gives up an unanswered SYN after five seconds: what Windows sends after 7 and 15 s are rows of
    // their own, and so is what it sends after a reset.
    assert_eq!(
        rows,
        [
            "443 tcp S0 S 3 0 0 0",
            "80 tcp SF ShADadFf 6 4 30 40",
            "443 tcp S0 S 1 0 - -",
            "443 tcp S0 S 1 0 - -",
            "81 tcp REJ Sr 1 1 0 0",
            "81 tcp REJ Sr 1 1 0 0",
            "0 icmp OTH - 1 1 32 32",
            "22 tcp RSTR ShADadr 4 4 30 40",
        ]
    );
    assert_eq!(
        evidence.labelled("wire:2").unwrap().item,
        text.lines().position(|l| l.contains("\t80\t")).unwrap() as u64 + 1
    );
}
