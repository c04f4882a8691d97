//! Forms with local times beside the logs of the same host: the firewall's own log and the
//! PowerShell export. Their zone is told by what a capture or the host's own log saw too, and is
//! not mixed into the host's other times.
//!
//! The demo is the evidence; the forms are written from its own packets and records, moved by a
//! zone.

use assert_cmd::Command;
use casewire::model::Timestamp;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
const HOUR: i64 = 3_600_000_000_000;
const FS01: &str = "10.20.0.10";

fn run(arguments: &[&str]) -> String {
    let output = Command::cargo_bin("casewire")
        .unwrap()
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn events(evidence: &Path) -> Vec<Value> {
    let text = run(&["timeline", evidence.to_str().unwrap(), "-f", "jsonl"]);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn report(evidence: &Path) -> Value {
    let text = run(&["analyze", evidence.to_str().unwrap(), "-f", "json"]);
    serde_json::from_str(&text).unwrap()
}

fn moment(event: &Value, name: &str) -> Timestamp {
    Timestamp::parse(event[name].as_str().unwrap()).unwrap()
}

/// A folder with files of the demo.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let here = tempfile::tempdir().unwrap();
    for name in files {
        std::fs::copy(Path::new(DEMO).join(name), here.path().join(name)).unwrap();
    }
    here
}

/// SYNs that reached FS01 and stayed without an answer, as the capture has them.
fn dropped() -> Vec<Value> {
    let reached = |event: &Value| {
        event["fields"]["dst_ip"] == FS01
            && event["fields"]["isn"].is_u64()
            && event["fields"]["outcome"] == "unanswered"
    };
    let found: Vec<Value> = events(&PathBuf::from(DEMO).join("sensor.pcapng"))
        .into_iter()
        .filter(reached)
        .collect();
    assert!(!found.is_empty());
    found
}

/// The firewall's own log of FS01, in local time of `zone` nanoseconds ahead of UTC.
fn pfirewall(syns: &[Value], zone: i64) -> String {
    let mut text = "#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n#Time Format: Local\r\n\
        #Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin \
        icmptype icmpcode info path pid\r\n\r\n"
        .to_owned();
    for syn in syns {
        let local = Timestamp(moment(syn, "recorded_time").0 + zone);
        let of = |name: &str| syn["fields"][name].to_string().replace('"', "");
        text.push_str(&format!(
            "{} {} DROP TCP {} {} {} {} 52 S {} 0 64240 - - - RECEIVE 4\r\n",
            local.date(),
            local.clock(0),
            of("src_ip"),
            of("dst_ip"),
            of("src_port"),
            of("dst_port"),
            of("isn"),
        ));
    }
    text
}

fn rows(events: &[Value]) -> Vec<&Value> {
    let of_log = |event: &&Value| event["refs"][0]["channel"] == "pfirewall.log";
    events.iter().filter(of_log).collect()
}

fn all() -> Vec<&'static str> {
    vec![
        "FS01-Firewall.evtx",
        "FS01-Security.evtx",
        "FS01-Sysmon.evtx",
        "WS07-Security.evtx",
        "sensor.pcapng",
    ]
}

fn offset(report: &Value, host: &str) -> i64 {
    let hosts = report["hosts"].as_array().unwrap();
    let host = hosts.iter().find(|h| h["name"] == host).unwrap();
    host["clock"]["offset_ns"].as_i64().unwrap()
}

#[test]
fn one_syn_that_a_capture_holds_tells_the_zone_of_a_firewalls_log() {
    let syns = &dropped()[..1];
    let before = report(folder(&all()).path());
    for zone in [2 * HOUR, -5 * HOUR, 5 * HOUR + HOUR / 2] {
        let here = folder(&all());
        std::fs::write(here.path().join("pfirewall.log"), pfirewall(syns, zone)).unwrap();
        let events = events(here.path());
        let rows = rows(&events);
        assert_eq!(rows.len(), 1);
        let row = rows[0];
        assert_eq!(row["fields"]["computer"], "FS01.corp.example");
        assert_eq!(row["fields"]["isn"], syns[0]["fields"]["isn"]);
        let apart = moment(row, "time").since(moment(&syns[0], "time")).abs();
        assert!(apart.0 <= 1_100_000_000, "{zone}: {apart}");
        let report = report(here.path());
        let notes = report["notes"].to_string();
        assert!(
            notes.contains("The times of FS01.corp.example in its pfirewall records are"),
            "{notes}"
        );
        // The host's own clock is what it was.
        let (was, is) = (
            offset(&before, "FS01.corp.example"),
            offset(&report, "FS01.corp.example"),
        );
        assert_eq!(was, is);
        assert_eq!(
            before["hosts"].as_array().unwrap().len(),
            report["hosts"].as_array().unwrap().len()
        );
    }
}

#[test]
fn without_anything_seen_twice_the_zone_stays_unknown_and_no_order_is_claimed() {
    let syns = &dropped()[..1];
    let here = folder(&["FS01-Sysmon.evtx", "FS01-Security.evtx"]);
    std::fs::write(here.path().join("pfirewall.log"), pfirewall(syns, 2 * HOUR)).unwrap();
    let found = events(here.path());
    let row = rows(&found)[0];
    assert_eq!(row["fields"]["computer"], "FS01.corp.example");
    assert_eq!(row["time"], row["recorded_time"]);
    let notes = report(here.path())["notes"].to_string();
    assert!(
        notes.contains("no order is claimed between them"),
        "{notes}"
    );
    assert!(
        notes.contains("--clock FS01.corp.example@pfirewall="),
        "{notes}"
    );
    // Who knows it says it.
    let told = run(&[
        "timeline",
        here.path().to_str().unwrap(),
        "-f",
        "jsonl",
        "--clock",
        "FS01.corp.example@pfirewall=+2h",
    ]);
    let told: Vec<Value> = told
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let apart = moment(rows(&told)[0], "time")
        .since(moment(&syns[0], "time"))
        .abs();
    assert!(apart.0 <= 1_000_000_000, "{apart}");
}

#[test]
fn a_firewalls_log_alone_is_of_the_host_with_the_address_it_calls_its_own() {
    let here = folder(&[]);
    std::fs::write(here.path().join("pfirewall.log"), pfirewall(&dropped(), 0)).unwrap();
    let report = report(here.path());
    let hosts = report["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    assert_eq!(hosts[0]["name"], FS01);
    assert_eq!(hosts[0]["addresses"], json!([FS01]));
}

/// What the report says of a need of an analytic on FS01.
fn need<'r>(report: &'r Value, analytic: &str, need: &str) -> &'r Value {
    let rows = report["coverage"].as_array().unwrap();
    let wanted = |row: &&Value| row["analytic"] == analytic && row["needs"] == need;
    let found: Vec<&Value> = rows.iter().filter(wanted).collect();
    assert_eq!(found.len(), 1, "{rows:?}");
    found[0]
}

#[test]
fn a_firewalls_log_alone_lets_touches_be_judged_in_part_and_says_that_its_times_are_local() {
    let here = folder(&[]);
    let path = here.path().join("pfirewall.log");
    let mut text = pfirewall(&dropped(), 2 * HOUR);
    std::fs::write(&path, &text).unwrap();
    let report = report(here.path());
    assert_eq!(
        need(&report, "AN0842", "closed-port touches")["status"],
        "partial"
    );
    assert_eq!(
        need(&report, "AN1448", "failed touches")["status"],
        "partial"
    );
    // It was set to log drops only.
    let came_in = need(&report, "AN0842", "completed connections");
    assert_eq!(came_in["status"], "partial");
    assert!(
        came_in["note"]
            .to_string()
            .contains("no event of this kind"),
        "{came_in}"
    );
    let unknown = json!([format!("{FS01} (pfirewall)")]);
    assert_eq!(report["summary"]["unknown_zones"], unknown);
    let evidence = here.path().to_str().unwrap();
    let head = "All times are UTC, except those of 10.20.0.10 (pfirewall): they are local";
    let told = |arguments: &[&str]| run(arguments).replace('\n', " ");
    assert!(told(&["analyze", evidence]).contains(head));
    let clock = "10.20.0.10=+2h";
    let given = told(&["analyze", evidence, "--clock", clock]);
    assert!(given.contains("All times are UTC. Settings"), "{given}");
    // One connection in: it can tell who came in, though not whether that was all.
    text.push_str("2026-03-14 04:30:00 ALLOW TCP 203.0.113.66 10.20.0.10 50001 22 0 - 0 0 0 - - - RECEIVE 4\r\n");
    std::fs::write(&path, &text).unwrap();
    let report = self::report(here.path());
    let came_in = need(&report, "AN0842", "completed connections");
    assert_eq!(came_in["status"], "partial");
    assert_eq!(came_in["note"], "");
    let gaps = report["gaps"].as_array().unwrap();
    let taking = gaps.iter().find(|gap| gap["id"] == came_in["gaps"][0]);
    assert_eq!(taking.unwrap()["kind"], "form");
}

/// Standard output and standard error of a command that does its work.
fn both(arguments: &[&str]) -> (String, String) {
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("casewire"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn a_timeline_does_not_give_local_times_of_unknown_zone_as_utc() {
    let here = folder(&[]);
    let path = here.path().join("pfirewall.log");
    std::fs::write(&path, pfirewall(&dropped(), 2 * HOUR)).unwrap();
    let evidence = here.path().to_str().unwrap();
    for format in ["text", "csv", "jsonl"] {
        let arguments = ["timeline", evidence, "-f", format, "--tz", "Europe/Paris"];
        let (out, told) = both(&arguments);
        assert!(
            told.contains("The times of 10.20.0.10 (pfirewall) are no UTC"),
            "{told}"
        );
        for line in out
            .lines()
            .filter(|line| line.contains("E1:line") || format == "jsonl")
        {
            let marked = match format {
                "text" => {
                    line.contains("  local, of an unknown zone  ") && !line.contains("+01:00")
                }
                "csv" => line.ends_with(",unknown") && !line.contains("Z,"),
                _ => line.contains("\"time_zone\":\"unknown\""),
            };
            assert!(marked, "{line}");
        }
        // A zone that is given is one.
        let given = [&arguments[..], &["--clock", "10.20.0.10=+2h"]].concat();
        let (out, told) = both(&given);
        assert!(
            !out.contains("unknown") && !told.contains("no UTC"),
            "{out}{told}"
        );
    }
}

#[test]
fn a_timeline_says_how_much_of_what_was_read_it_lists() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
    let (out, told) = both(&["timeline", demo]);
    let listed = format!("note: {} events listed; ", out.lines().count());
    assert!(told.contains(&listed), "{told}");
    assert!(
        told.contains("say nothing that an analytic uses and are not listed: EventID "),
        "{told}"
    );
    let (out, told) = both(&["timeline", demo, "--to", "2020-01-01"]);
    assert!(out.is_empty());
    assert!(
        told.contains("no event lies in the time asked for, to 2020-01-01T00:00:00"),
        "{told}"
    );
    assert!(both(&["timeline", demo, "-q"]).1.is_empty());
    // A file that ends inside a packet is told as other commands tell it.
    let here = folder(&[]);
    let name = std::fs::read_dir(demo).unwrap().map(|e| e.unwrap().path());
    let capture = name
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "pcapng"));
    let bytes = std::fs::read(capture.unwrap()).unwrap();
    std::fs::write(here.path().join("cut.pcapng"), &bytes[..bytes.len() / 2]).unwrap();
    let (_, told) = both(&["timeline", here.path().to_str().unwrap()]);
    assert!(
        told.contains("note: cut.pcapng: the file ends in the middle of a packet"),
        "{told}"
    );
}

#[test]
fn a_log_that_calls_addresses_of_two_hosts_its_own_is_of_neither() {
    let own = "10.20.0.99";
    let other = "{\"Event\":{\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\
        \"Microsoft-Windows-Security-Auditing\"}},\"EventID\":5156,\"TimeCreated\":{\"#attributes\":{\
        \"SystemTime\":\"2026-03-14T02:05:00.000000Z\"}},\"EventRecordID\":5,\"Channel\":\"Security\",\
        \"Computer\":\"WS09\"},\"EventData\":{\"ProcessID\":4,\"Application\":\"System\",\
        \"Direction\":\"%%14593\",\"SourceAddress\":\"10.20.0.99\",\"SourcePort\":\"50000\",\
        \"DestAddress\":\"10.20.0.5\",\"DestPort\":\"445\",\"Protocol\":6,\"LayerName\":\"%%14611\"}}}\n";
    let mut log = pfirewall(&dropped(), 0);
    log.push_str(&format!(
        "2026-03-14 02:06:12 DROP TCP 10.20.0.77 {own} 40000 9 52 S 77 0 64240 - - - RECEIVE 4\r\n"
    ));
    let here = folder(&all());
    std::fs::write(here.path().join("pfirewall.log"), log).unwrap();
    std::fs::write(here.path().join("ws09.json"), other).unwrap();
    let found = events(here.path());
    for row in rows(&found) {
        let computer = row["fields"]["computer"].as_str().unwrap();
        assert!(computer.starts_with("firewall log"), "{computer}");
    }
    let conflicts = report(here.path())["conflicts"].to_string();
    assert!(
        conflicts.contains("it was taken for none of them"),
        "{conflicts}"
    );
}

/// Rows of a connection as the PowerShell export has them, in local time of `zone` nanoseconds
/// ahead of UTC.
fn exported(log: &str, zone: i64) -> String {
    let rows = events(&PathBuf::from(DEMO).join(log));
    let mut text = String::new();
    for row in rows.iter().filter(|r| r["fields"]["event_id"] == 5156) {
        let of = |name: &str| row["fields"][name].to_string().replace('"', "");
        let local = Timestamp(moment(row, "recorded_time").0 + zone);
        let line = json!({
            "SourceName": "Microsoft-Windows-Security-Auditing",
            "Channel": "Security",
            "Hostname": of("computer"),
            "TimeCreated": format!("{}T{}Z", local.date(), local.clock(3)),
            "EventID": 5156,
            "ProcessID": of("pid"),
            "Application": of("process"),
            "Direction": if of("direction") == "inbound" { "%%14592" } else { "%%14593" },
            "SourceAddress": of("src_ip"),
            "SourcePort": of("src_port"),
            "DestAddress": of("dst_ip"),
            "DestPort": of("dst_port"),
            "Protocol": "6",
            "LayerName": if of("direction") == "inbound" { "%%14610" } else { "%%14611" },
        });
        text.push_str(&format!("{line}\n"));
    }
    text
}

#[test]
fn sysmon_tells_the_zone_of_its_own_log() {
    // A quarter past midnight in New York, on a clock of twelve hours: 12:16, and 04:16 in UTC.
    let record = |event_id: u32, time: &str, rest: &str| {
        format!(
            "{{\"EventID\":{event_id},\"Channel\":\"{}\",\"Hostname\":\"WS05\",\"SourceName\":\"{}\",\
             \"TimeCreated\":\"{time}\",\"@timestamp\":\"{time}\"{rest}}}\n",
            if event_id == 4688 {
                "Security"
            } else {
                "Microsoft-Windows-Sysmon/Operational"
            },
            if event_id == 4688 {
                "Microsoft-Windows-Security-Auditing"
            } else {
                "Microsoft-Windows-Sysmon"
            },
        )
    };
    let sysmon = |second: u32| {
        let rest = format!(
            ",\"UtcTime\":\"2020-10-29 04:16:{second:02}.100\",\"ProcessId\":\"77\",\"Image\":\"C:\\\\a.exe\""
        );
        record(5, &format!("2020-10-29T12:16:{second:02}.104Z"), &rest)
    };
    let security = record(
        4688,
        "2020-10-29T12:16:20.000Z",
        ",\"NewProcessId\":\"0x2b74\",\"NewProcessName\":\"C:\\\\b.exe\",\"ProcessId\":\"0x4\"",
    );
    let here = folder(&[]);
    let path = here.path().join("export.json");
    let two = [sysmon(9), sysmon(12), security.clone()].concat();
    std::fs::write(&path, two).unwrap();
    let told = report(here.path());
    assert_eq!(
        told["summary"]["unknown_zones"],
        json!(["WS05 (powershell-json)"])
    );
    let three = [sysmon(9), sysmon(12), sysmon(14), security].concat();
    std::fs::write(&path, three).unwrap();
    let told = report(here.path());
    assert_eq!(told["summary"]["unknown_zones"], json!([]));
    assert_eq!(
        told["summary"]["first_time"],
        "2020-10-29T04:16:09.104000000Z"
    );
    assert_eq!(offset(&told, "WS05"), 8 * HOUR);
    let file = &told["evidence"][0];
    assert_eq!(
        (&file["first_time"], &file["last_time"]),
        (
            &told["summary"]["first_time"],
            &told["summary"]["last_time"]
        ),
        "{file}"
    );
    assert_eq!(file["last_time"], "2020-10-29T04:16:20.000000000Z");
    assert!(
        told["notes"].to_string().contains("8 h ahead of UTC"),
        "{}",
        told["notes"]
    );
    let last = events(here.path()).pop().unwrap();
    assert_eq!(last["time"], "2020-10-29T04:16:20.000000000Z");
    assert_eq!(last["recorded_time"], "2020-10-29T12:16:20.000000000Z");

    // An export of another day, made in another zone.
    let later = |second: u32| {
        let rest = format!(
            ",\"UtcTime\":\"2020-11-02 09:12:{second:02}.100\",\"ProcessId\":\"77\",\"Image\":\"C:\\\\a.exe\""
        );
        record(5, &format!("2020-11-02T04:12:{second:02}.104Z"), &rest)
    };
    let path = here.path().join("later.json");
    std::fs::write(path, [later(9), later(12), later(14)].concat()).unwrap();
    let told = report(here.path());
    let notes = told["notes"].to_string();
    assert!(
        notes.contains("local, 8 h ahead of UTC, then 5 h behind UTC"),
        "{notes}"
    );
    assert_eq!(
        told["evidence"][1]["first_time"],
        "2020-11-02T09:12:09.104000000Z"
    );
    assert_eq!(
        told["evidence"][1]["last_time"],
        "2020-11-02T09:12:14.104000000Z"
    );
    let method = told["hosts"][0]["clock"]["method"].as_str().unwrap();
    assert!(!method.contains("zone error"), "{method}");
    let pieces = "2 straight pieces, the first 8 h ahead of the reference, the last 5 h behind it";
    assert!(method.ends_with(pieces), "{method}");
}

#[test]
fn the_zone_of_an_export_is_not_mixed_into_the_other_logs_of_the_host() {
    let here = folder(&["FS01-Sysmon.evtx", "sensor.pcapng"]);
    let sysmon = |events: &[Value]| -> Vec<Value> {
        let of = |e: &&Value| {
            e["refs"][0]["channel"] == "Microsoft-Windows-Sysmon/Operational"
                && e["fields"]["event_id"] == 1
        };
        events.iter().filter(of).cloned().collect()
    };
    let before = sysmon(&events(here.path()));
    assert!(!before.is_empty());
    std::fs::write(
        here.path().join("security.json"),
        exported("FS01-Security.evtx", -5 * HOUR),
    )
    .unwrap();
    let found = events(here.path());
    let after = sysmon(&found);
    for (was, is) in before.iter().zip(&after) {
        assert_eq!(was["time"], is["time"]);
    }
    let own = |e: &&Value| e["refs"][0]["kind"] == "line";
    let rows: Vec<&Value> = found.iter().filter(own).collect();
    assert!(rows.len() > 10);
    for row in rows {
        let by = moment(row, "time").since(moment(row, "recorded_time"));
        assert!((by.0 - 5 * HOUR).abs() < 3_000_000_000, "{by}");
    }
    let notes = report(here.path())["notes"].to_string();
    assert!(notes.contains("local time of -5 h"), "{notes}");
}

/// Whether an export lacks records cannot be told; that it has holes is not claimed of one that has
/// none.
#[test]
fn an_export_is_called_one_and_its_numbers_prove_nothing() {
    let here = tempfile::tempdir().unwrap();
    let row = |id: u32| {
        json!({
            "EventID": 4689, "Channel": "Security", "Hostname": "WS01.corp.example",
            "SourceName": "Microsoft-Windows-Security-Auditing", "RecordNumber": id,
            "EventTime": format!("2026-03-01T02:{:02}:00.000Z", id - 5_000),
            "ProcessId": "0x10", "ProcessName": "C:\\x.exe", "Status": "0x0",
        })
    };
    let rows: Vec<String> = (5_000..5_030).map(|id| row(id).to_string()).collect();
    std::fs::write(here.path().join("log.json"), rows.join("\n")).unwrap();
    let report = report(here.path());
    let gaps = report["gaps"].to_string();
    assert!(gaps.contains("Security is there as"), "{gaps}");
    let why = "that something is missing, cannot be told as from the log itself";
    assert_eq!(gaps.matches(why).count(), 1, "{gaps}");
    assert!(!gaps.contains("holes"), "{gaps}");
}
