//! Independent readers read the generated logs and agree in every field.
//!
//! The evtx crate always; libevtx's `evtxexport` where it is installed.

use casewire_lab::evtx::events::{Account, Program, firewall, security, sysmon, windows};
use casewire_lab::evtx::{Event, Form, Log, Value};
use casewire_lab::moment::{MILLISECOND, Moment, SECOND};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::process::Command;

const DAY: Moment = Moment(1_772_323_200_000_000_000);

fn program(pid: u32, image: &str) -> Program {
    Program {
        pid,
        image: image.into(),
        guid: casewire_lab::seed::guid(&[image]),
        command_line: format!("\"{image}\" <a & b> ä"),
        original: None,
        account: Account {
            sid: "S-1-5-21-1-2-3-1111".into(),
            name: "Jürgen".into(),
            domain: "CORP".into(),
            logon: 0x4_6b7b4,
        },
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// One of every event the builders make.
fn one_of_each() -> Vec<Event> {
    let netsh = program(4242, "C:\\Windows\\System32\\netsh.exe");
    let cmd = program(2616, "C:\\Windows\\System32\\cmd.exe");
    let svchost = program(1000, "C:\\Windows\\System32\\svchost.exe");
    let flow = |inbound, a: &str, b: &str| security::Flow {
        process: Some(&svchost),
        inbound,
        source: (a.parse().unwrap(), 49_700),
        destination: (b.parse().unwrap(), 3389),
        protocol: 6,
        filter: 67_607,
    };
    let rule = firewall::Rule {
        id: security::rule_id(&["rule"]),
        name: "remote & desktop".into(),
        application: String::new(),
        service: String::new(),
        inbound: true,
        protocol: 6,
        local_ports: "3389".into(),
        remotes: "*".into(),
        allow: true,
        active: true,
        profiles: 2_147_483_647,
    };
    let changer = firewall::Changer {
        sid: "S-1-5-21-1-2-3-1111",
        application: "C:\\Windows\\System32\\netsh.exe",
    };
    let filter = |layer| security::FilterChange {
        mpssvc: &svchost,
        provider: security::FIREWALL_PROVIDER,
        name: &rule.name,
        layer,
        added: true,
        permit: true,
        id: 75_143 + layer as u64,
        port: Some(450),
        protocol: Some(6),
        remote: Some(ip("198.51.100.7")),
        application: Some("\\device\\harddiskvolume2\\x.exe"),
    };
    let utc = DAY.plus(-SECOND);
    let mut all = vec![
        security::process_created(&netsh, &cmd),
        security::process_ended(&netsh),
        security::service_installed(
            "npcap",
            "\\SystemRoot\\system32\\DRIVERS\\npcap.sys",
            &cmd.account,
        ),
        flow(true, "198.51.100.7", "10.0.0.5").allowed(),
        flow(false, "2001:db8::5", "2001:db8::7").allowed(),
        flow(true, "198.51.100.7", "10.0.0.5").blocked(),
        security::Flow {
            process: None,
            ..flow(true, "198.51.100.7", "10.0.0.5")
        }
        .dropped(),
        flow(false, "10.0.0.5", "198.51.100.7").refusal_dropped(),
        security::listening(&svchost, 3389, false),
        security::listening(&svchost, 3389, true),
        security::bound(&svchost, 3389, false, 6),
        security::rule_changed(4946, &rule.id, &rule.name),
        security::rule_changed(4947, &rule.id, &rule.name),
        security::rule_changed(4948, &rule.id, &rule.name),
        security::setting_changed("Public", "Enable Windows Firewall", "No"),
        security::profile_active("Private"),
        security::callout_added(&svchost, "WinDivert callout", "WinDivert"),
        security::time_changed(&svchost, utc, DAY),
        security::audit_policy_changed(
            &cmd.account,
            "0CCE9226-69AE-11D9-BED3-505054503030",
            "%%8448",
        ),
        security::logged_on(&cmd.account, 10, (ip("198.51.100.7"), 49_700)),
        security::log_cleared(&cmd.account),
        firewall::switched(2003, 4, false, changer, &svchost),
        firewall::switched(2082, 4, false, changer, &svchost),
        firewall::profile_changed(4, 1, &svchost),
        firewall::rule_deleted(2006, &rule, changer, &svchost),
        firewall::rule_deleted(2052, &rule, changer, &svchost),
        sysmon::process_created(utc, &netsh, &cmd),
        sysmon::connected(
            utc,
            &svchost,
            true,
            "tcp",
            (ip("2001:db8::5"), 50_000),
            (ip("2001:db8::7"), 443),
        ),
        sysmon::connected(
            utc,
            &svchost,
            false,
            "tcp",
            (ip("10.0.0.7"), 50_000),
            (ip("10.0.0.5"), 443),
        ),
        sysmon::state(utc, "Started"),
        sysmon::process_ended(utc, &netsh),
        sysmon::driver_loaded(
            utc,
            "C:\\Windows\\System32\\drivers\\npcap.sys",
            Some("Insecure.Com LLC"),
        ),
        sysmon::library_loaded(utc, &netsh, "C:\\Windows\\System32\\wpcap.dll", None),
        sysmon::file_created(utc, &netsh, "C:\\Users\\Public\\x.pcap"),
        sysmon::registry(utc, &svchost, "CreateKey", "HKLM\\System\\X", None),
        sysmon::registry(
            utc,
            &svchost,
            "SetValue",
            "HKLM\\System\\X\\y",
            Some("v2.30|Action=Allow|"),
        ),
        sysmon::configured(utc, "C:\\sysmon.xml"),
        sysmon::name_queried(
            utc,
            &netsh,
            "files.example.net",
            "0",
            "::ffff:198.51.100.7;",
        ),
        windows::service_installed(
            "npcap",
            "\\SystemRoot\\system32\\DRIVERS\\npcap.sys",
            &cmd.account,
        ),
        windows::service_state("Remote Desktop Services", "running"),
        windows::log_cleared(&cmd.account, sysmon::CHANNEL),
        windows::time_changed(utc, DAY),
        windows::started(DAY),
        windows::stopped(DAY),
        windows::script_block(&cmd.account, "New-NetFirewallRule -LocalPort 3389"),
    ];
    all.extend((0..6).map(|layer| filter(layer).event()));
    for id in [2004, 2005, 2071, 2073, 2097, 2099] {
        all.push(firewall::rule(id, &rule, changer, &svchost));
    }
    all.into_iter()
        .enumerate()
        .map(|(i, event)| {
            event.at(
                "FS01.corp.example",
                DAY.plus(i64::try_from(i).unwrap() * SECOND + 1_234_500),
            )
        })
        .collect()
}

/// System and payload fields as text, in one map; payload names get a dot in front.
fn expected(event: &Event) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut put = |name: &str, value: String| {
        all.insert(name.to_owned(), value);
    };
    put("Provider", event.provider.name.clone());
    put("EventID", event.id.to_string());
    put("Version", event.version.to_string());
    put("Level", event.level.to_string());
    put("Task", event.task.to_string());
    put("Keywords", format!("{:#x}", event.keywords));
    put("SystemTime", event.created.iso());
    put("EventRecordID", event.record_id.unwrap().to_string());
    put("ProcessID", event.process.to_string());
    put("Channel", event.channel.clone());
    put("Computer", event.computer.clone());
    for (name, value) in event.fields() {
        // Windows' XML folds line ends, and so do its readers; they are not what is tested here.
        put(&format!(".{name}"), value.rendered());
    }
    all
}

fn read_with_evtx(bytes: &[u8]) -> Vec<(u64, Moment, String)> {
    let mut parser = evtx::EvtxParser::from_buffer(bytes.to_vec()).unwrap();
    parser
        .records()
        .map(|record| {
            let record = record.unwrap();
            let written = i64::try_from(record.timestamp.as_nanosecond()).unwrap();
            (record.event_record_id, Moment(written), record.data)
        })
        .collect()
}

/// Just enough XML to take a generated record apart: no nesting of equal names, no CDATA.
fn fields_of(xml: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let body_at = xml
        .find("<EventData")
        .or_else(|| xml.find("<UserData"))
        .unwrap_or(xml.len());
    let (system, body) = xml.split_at(body_at);
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let tag = &system[system.find(&format!("<{tag} "))?..];
        let tag = &tag[..tag.find('>')?];
        let value = &tag[tag.find(&format!(" {name}=\""))? + name.len() + 3..];
        Some(unescape(&value[..value.find('"')?]))
    };
    let text = |name: &str| -> Option<String> {
        let at = system
            .find(&format!("<{name}>"))
            .or_else(|| system.find(&format!("<{name} ")))?;
        let rest = &system[at..];
        let rest = &rest[rest.find('>')? + 1..];
        Some(unescape(&rest[..rest.find('<')?]))
    };
    for (key, value) in [
        ("Provider", attribute("Provider", "Name")),
        ("SystemTime", attribute("TimeCreated", "SystemTime")),
        ("ProcessID", attribute("Execution", "ProcessID")),
        ("EventID", text("EventID")),
        ("Version", text("Version")),
        ("Level", text("Level")),
        ("Task", text("Task")),
        ("Keywords", text("Keywords")),
        ("EventRecordID", text("EventRecordID")),
        ("Channel", text("Channel")),
        ("Computer", text("Computer")),
    ] {
        all.insert(key.to_owned(), value.unwrap_or_default());
    }
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let Some(end) = rest.find('>') else { break };
        let (tag, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if tag.starts_with('/') {
            continue;
        }
        let name = match tag.split_once("Name=\"") {
            Some((_, name)) => name.split('"').next().unwrap().to_owned(),
            None => tag.split([' ', '/']).next().unwrap().to_owned(),
        };
        if matches!(name.as_str(), "EventData" | "UserData" | "LogFileCleared") {
            continue;
        }
        let value = if tag.ends_with('/') {
            ""
        } else {
            &after[..after.find('<').unwrap_or(0)]
        };
        all.insert(format!(".{name}"), unescape(value));
    }
    all
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#9;", "\t")
        .replace("&#10;", "\n")
        .replace("&#13;", "\r")
        .replace("&amp;", "&")
}

/// Readers differ in GUID case, hexadecimal padding, capital booleans, time digits and line ends.
fn normal(text: &str) -> String {
    let text = text.replace("\r\n", "\n").trim().to_lowercase();
    if let Some(hex) = text.strip_prefix("0x")
        && let Ok(n) = u64::from_str_radix(hex, 16)
    {
        return format!("{n:#x}");
    }
    if text.len() > 20 && text.ends_with('z') && text.contains('t') && text.contains('.') {
        return text.trim_end_matches('z').trim_end_matches('0').to_owned();
    }
    text
}

fn agree(event: &Event, xml: &str) {
    let read = fields_of(xml);
    for (name, value) in expected(event) {
        let found = read
            .get(&name)
            .unwrap_or_else(|| panic!("{} has no {name}:\n{xml}", event.id));
        assert_eq!(
            normal(found),
            normal(&value),
            "{name} of {}:\n{xml}",
            event.id
        );
    }
    let expected_fields = event.fields().len();
    let read_fields = read.keys().filter(|k| k.starts_with('.')).count();
    assert_eq!(
        read_fields, expected_fields,
        "fields of {}:\n{xml}",
        event.id
    );
}

fn log_of(events: Vec<Event>) -> Log {
    let mut log = Log::new();
    for event in events {
        log.push(event);
    }
    log
}

#[test]
fn the_evtx_crate_reads_every_kind_of_event_with_equal_fields() {
    let log = log_of(one_of_each());
    let read = read_with_evtx(&log.bytes());
    assert_eq!(read.len(), log.events.len());
    for (event, (id, written, xml)) in log.events.iter().zip(&read) {
        assert_eq!(Some(*id), event.record_id);
        assert_eq!(written.0 / 100, event.created.0 / 100);
        agree(event, xml);
    }
}

#[test]
fn records_run_on_over_chunk_borders_and_the_same_events_give_the_same_bytes() {
    let mut log = Log {
        first_record: 884,
        ..Log::new()
    };
    for round in 0..60 {
        for event in one_of_each() {
            let host = if round % 2 == 0 { "FS01" } else { "WS01" };
            let time = event.created.plus(round * 7 * MILLISECOND);
            log.push(event.at(host, time));
        }
    }
    let bytes = log.bytes();
    assert!(
        bytes.len() > 4096 + 20 * 65_536,
        "too small to cross borders"
    );
    assert_eq!(bytes, log.bytes());
    let read = read_with_evtx(&bytes);
    assert_eq!(read.len(), log.events.len());
    assert_eq!(read[0].0, 884);
    for (event, (_, _, xml)) in log.events.iter().zip(&read) {
        agree(event, xml);
    }
}

#[test]
fn records_without_templates_are_read_as_text() {
    let mut log = log_of(one_of_each());
    log.form = Form::Plain;
    let read = read_with_evtx(&log.bytes());
    assert_eq!(read.len(), log.events.len());
    for (event, (_, _, xml)) in log.events.iter().zip(&read) {
        agree(event, xml);
    }
}

#[test]
fn an_archived_log_counts_from_one_and_keeps_the_original_record_ids() {
    let mut log = Log {
        first_record: 2_786_312,
        renumbered: true,
        ..Log::new()
    };
    for event in one_of_each() {
        log.push(event);
    }
    let read = read_with_evtx(&log.bytes());
    assert_eq!((read[0].0, read[1].0), (1, 2));
    agree(&log.events[0], &read[0].2);
    assert_eq!(fields_of(&read[0].2)["EventRecordID"], "2786312");
}

#[test]
fn a_log_from_a_running_system_is_dirty_stale_and_has_empty_chunks() {
    let mut log = Log {
        dirty: true,
        reserved_chunks: 3,
        ..Log::new()
    };
    for _ in 0..4 {
        one_of_each().into_iter().for_each(|event| {
            log.push(event);
        });
    }
    let bytes = log.bytes();
    assert_eq!(bytes[120], 1);
    assert_eq!(bytes[42..44], [1, 0]);
    let full = (bytes.len() - 4096) / 65_536 - 3;
    assert!(full > 1);
    assert!(bytes[4096 + full * 65_536..].iter().all(|b| *b == 0));
}

#[test]
fn a_forwarded_event_keeps_the_time_it_was_created() {
    let mut event = one_of_each().remove(0);
    event.written = Some(event.created.plus(600 * SECOND));
    let log = log_of(vec![event.clone()]);
    let (_, written, xml) = read_with_evtx(&log.bytes()).remove(0);
    assert_eq!(written.0 / 100, event.created.plus(600 * SECOND).0 / 100);
    agree(&log.events[0], &xml);
}

#[test]
fn text_with_a_terminator_and_text_too_long_are_still_read() {
    let mut log = Log {
        form: Form::TerminatedText,
        ..Log::new()
    };
    log.push(windows::script_block(&Account::system(), &"x".repeat(200_000)).at("FS01", DAY));
    let read = read_with_evtx(&log.bytes());
    let text = &fields_of(&read[0].2)[".ScriptBlockText"];
    assert_eq!(text.trim_end_matches('\0').len(), 10_000);
}

#[test]
fn libevtx_reads_the_same_records() {
    if Command::new("evtxexport").arg("-V").output().is_err() {
        eprintln!("skipped: evtxexport is not installed (Debian package libevtx-utils)");
        return;
    }
    let mut log = Log {
        first_record: 884,
        ..Log::new()
    };
    for _ in 0..5 {
        one_of_each().into_iter().for_each(|event| {
            log.push(event);
        });
    }
    let path = std::env::temp_dir().join(format!("casewire-lab-{}.evtx", std::process::id()));
    std::fs::File::create(&path)
        .unwrap()
        .write_all(&log.bytes())
        .unwrap();
    let output = Command::new("evtxexport")
        .args(["-f", "xml"])
        .arg(&path)
        .output()
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let read: Vec<&str> = text.split("<Event ").skip(1).collect();
    assert_eq!(
        read.len(),
        log.events.len(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for (event, xml) in log.events.iter().zip(read) {
        let read = fields_of(&format!("<Event {xml}"));
        for (name, value) in expected(event) {
            // libevtx shows binary fields in a layout of its own.
            if event
                .fields()
                .iter()
                .any(|(n, v)| name[1..] == **n && matches!(v, Value::Binary(_)))
            {
                continue;
            }
            assert_eq!(
                normal(&read[&name]),
                normal(&value),
                "{name} of {}",
                event.id
            );
        }
    }
}
