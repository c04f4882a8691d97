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
