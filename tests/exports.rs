//! What is said of a file that is an export of an event log, or looks like one, and was not used.

use serde_json::{Value, json};
use std::path::Path;

/// What the program prints about a folder, in one line, and how it ends.
fn told(folder: &Path) -> (String, i32) {
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("casewire"))
        .args(["analyze", "--no-hash"])
        .arg(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    (words.join(" "), output.status.code().unwrap())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let here = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(here.path().join(name), text).unwrap();
    }
    here
}

fn record(more: Value) -> String {
    let mut record = json!({"Event": {"System": {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}}, "EventID": 4689,
        "TimeCreated": {"#attributes": {"SystemTime": "2022-09-01T12:18:24Z"}}, "EventRecordID": 7,
        "Channel": "Security", "Computer": "WS01"},
        "EventData": {"ProcessId": "0x7d8", "ProcessName": "a.exe"}}});
    for (name, value) in more.as_object().into_iter().flatten() {
        record["Event"]["System"][name] = value.clone();
    }
    format!("{record}\n")
}

#[test]
fn a_file_of_unknown_form_is_told_as_such_and_not_among_what_was_read() {
    let here = folder(&[("a.json", "{\"event\":\"x\",\"id\":5156}\n")]);
    let (told, code) = told(here.path());
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains(
            "note: its form is not recognised: nothing in it was used; if it is an export of an event log, give \
             the log itself (.evtx) or its XML"
        ),
        "{told}"
    );
    assert!(!told.contains("without errors: 1 of 1"), "{told}");
    assert!(
        told.contains("Nothing of the evidence was used (see PROBLEMS below)."),
        "{told}"
    );
}

#[test]
fn beside_what_was_read_the_files_that_were_not_used_are_counted_apart() {
    let suricata =
        "{\"timestamp\":\"2024-01-01T00:00:00.0+0000\",\"flow_id\":1,\"event_type\":\"dns\"}\n";
    let here = folder(&[
        ("a.json", &record(json!({}))),
        ("b.txt", "notes of the day\n"),
        ("c.json", suricata),
    ]);
    let (told, _) = told(here.path());
    assert!(
        told.contains(
            "Evidence was read to the end without errors: 1 of 3 files. 2 files were not used (see PROBLEMS below)."
        ),
        "{told}"
    );
}

#[test]
fn an_export_that_names_no_computer_is_told_as_an_unnamed_host() {
    let row = "{\"TimeGenerated\":\"2022-09-01T12:18:24Z\",\"EventID\":4689,\"Channel\":\"Security\",\"Provider\":\
        \"Microsoft-Windows-Security-Auditing\",\"ProcessId\":\"0x7d8\",\"ProcessName\":\"a.exe\"}\n";
    let here = folder(&[("a.json", row)]);
    let (told, _) = told(here.path());
    assert!(
        told.contains("note: unnamed host: no record names an address"),
        "{told}"
    );
}

/// A record of the PowerShell export at an hour.
fn flat(hour: u32, more: &str) -> String {
    format!(
        "{{\"SourceName\":\"Microsoft-Windows-Security-Auditing\",\"Channel\":\"Security\",\"Hostname\":\"WS01\",\
         \"TimeCreated\":\"2022-09-01T{hour:02}:18:24.000Z\",\"EventID\":4689,\"ProcessId\":\"0x7d8\",\
         \"ProcessName\":\"a.exe\"{more}}}\n"
    )
}

#[test]
fn what_a_form_loses_is_told_only_where_it_is_lost() {
    let numbered = |number: u32| format!(",\"RecordNumber\":{number}");
    let read = |text: String| told(folder(&[("a.json", &text)]).path()).0;
    let none = read(flat(7, ""));
    assert!(
        none.contains("have no EventRecordIDs, and its times are local and have lost AM and PM")
    );
    let with = read([flat(7, &numbered(1)), flat(8, &numbered(2))].concat());
    assert!(!with.contains("EventRecordID"), "{with}");
    assert!(
        with.contains("its times are local and have lost AM and PM"),
        "{with}"
    );
    let late = read([flat(7, ""), flat(13, "")].concat());
    assert!(!late.contains("AM and PM"), "{late}");
    assert!(
        late.contains("have no EventRecordIDs, and its times are local:"),
        "{late}"
    );
    let azure = |more: &str| {
        read(format!(
            "{{\"TimeGenerated\":\"2022-09-01T12:18:24Z\",\"EventID\":4689,\"Channel\":\"Security\",\"Computer\":\
             \"WS01\",\"Provider\":\"Microsoft-Windows-Security-Auditing\",\"ProcessId\":\"0x7d8\",\"ProcessName\":\
             \"a.exe\"{more}}}\n"
        ))
    };
    assert!(azure("").contains("its records have no EventRecordIDs, and only what was collected"));
    let with = azure(",\"EventRecordId\":\"7\"");
    assert!(
        !with.contains("EventRecordID") && with.contains("only what was collected"),
        "{with}"
    );
}

#[test]
fn suricatas_records_are_known_behind_its_statistics() {
    let stats = "{\"timestamp\":\"2023-07-06T08:34:24.526482+0000\",\"event_type\":\"stats\",\"stats\":{\"uptime\":8}}\n";
    let dns = "{\"timestamp\":\"2023-07-06T08:34:26.526482+0000\",\"flow_id\":1,\"event_type\":\"dns\"}\n";
    for text in [stats.repeat(3), format!("{stats}{stats}{dns}")] {
        let (told, _) = told(folder(&[("a.json", &text)]).path());
        assert!(
            told.contains("records of Suricata, which are not read"),
            "{told}"
        );
    }
}

#[test]
fn sysmon_for_linux_is_told_as_not_used() {
    let record = "<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff}\"/><EventID>3</EventID><TimeCreated \
        SystemTime=\"2022-08-23T08:30:16.754997Z\"/><EventRecordID>75947</EventRecordID><Channel>\
        Linux-Sysmon/Operational</Channel><Computer>web</Computer></System><EventData><Data Name=\"UtcTime\">\
        2022-08-23 08:30:16.750</Data></EventData></Event>\n";
    let text = format!("<134>Aug 23 10:30:16 web sysmon: {record}").repeat(3);
    let (told, code) = told(folder(&[("syslog", &text)]).path());
    assert!(
        told.contains("note: records of Sysmon for Linux (3 times)"),
        "{told}"
    );
    assert_eq!(code, 0);
}
