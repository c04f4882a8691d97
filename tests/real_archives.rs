//! Real evidence in the archives and forms it comes in, none of it unpacked.
//!
//! Set `CASEWIRE_ARCHIVES` to the folder with the archives to run it; `.ci/run` does. Without it
//! each test says so and passes.

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn given(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CASEWIRE_ARCHIVES") else {
        println!("skipped: set CASEWIRE_ARCHIVES to the folder with {name}");
        return None;
    };
    let path = Path::new(&folder).join(name);
    assert!(path.exists(), "{} is missing", path.display());
    Some(path)
}

#[track_caller]
fn report(evidence: &Path) -> Value {
    let output = Command::cargo_bin("casewire")
        .unwrap()
        .args(["analyze", "-f", "json"])
        .arg(evidence)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(
        matches!(code, Some(0 | 3)),
        "{}: {code:?} {said}",
        evidence.display()
    );
    assert!(!said.contains("panicked"), "{}: {said}", evidence.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Kind, units read and units skipped of each file whose path ends so.
fn read(report: &Value, ending: &str) -> Vec<(String, u64, u64)> {
    let rows = report["evidence"].as_array().unwrap();
    rows.iter()
        .filter(|row| row["path"].as_str().unwrap().ends_with(ending))
        .map(|row| {
            let count = |name: &str| row[name].as_u64().unwrap();
            let kind = row["kind"].as_str().unwrap().to_owned();
            (kind, count("units_read"), count("units_skipped"))
        })
        .collect()
}

#[test]
fn every_form_is_read_or_refused_with_what_to_export() {
    let Some(folder) = given("formats") else {
        return;
    };
    let report = report(&folder);
    for (file, kind, units) in [
        ("01_evtx_dump.jsonl", "evtx-json", 2),
        ("02_wevtutil_or_evtx.xml", "event-xml", 2),
        ("03_splunk_XmlWinEventLog.txt", "event-xml", 2),
        ("04_nxlog.jsonl", "nxlog", 2),
        ("05_winlogbeat6.jsonl", "winlogbeat6", 2),
        ("06_otrf_powershell_export.jsonl", "powershell-json", 2),
        ("08_winlogbeat7_8_ecs.jsonl", "winlogbeat", 2),
        ("09_velociraptor.jsonl", "velociraptor", 1),
        ("10_evtxecmd.csv", "evtxecmd-csv", 2),
        ("11_wazuh_archives.jsonl", "wazuh", 1),
        (
            "12_Get-WinEvent_ConvertTo-Json.json",
            "get-winevent-json",
            0,
        ),
        ("13_splunk_WinEventLog_kv.txt", "splunk-text", 0),
        ("14_pfirewall.log", "pfirewall", 2),
        ("15_zeek_conn.log", "zeek-conn", 2),
        ("16_eventviewer_export.csv", "event-viewer-csv", 0),
    ] {
        assert_eq!(read(&report, file), [(kind.to_owned(), units, 0)], "{file}");
    }
    // Its second record is cut off.
    let azure = read(&report, "07_azure_log_analytics.jsonl");
    assert_eq!(azure, [("azure".to_owned(), 1, 1)]);
    let problems = report["problems"].to_string();
    for words in ["without their names", "renderXml = true", "when saving"] {
        assert!(problems.contains(words), "{words}: {problems}");
    }
}

#[test]
fn cases_run_from_their_archives_and_nothing_is_skipped() {
    for (name, kind) in [
        ("P01_purplesharp_ad_playbook", "nxlog"),
        ("P04_dcom_blocked_by_firewall", "nxlog"),
        ("P11_schtask_create", "powershell-json"),
        ("P13_nxlog_benign_pairs", "nxlog"),
        ("H02_fw_rule_and_listener", "powershell-json"),
        ("H07_benign_firewall_storms", "nxlog"),
    ] {
        let Some(folder) = given(name) else { return };
        let report = report(&folder);
        let logs = read(&report, ".json");
        let logs: Vec<_> = logs.iter().filter(|(found, ..)| found == kind).collect();
        assert!(!logs.is_empty(), "{name}: no log was read");
        for (_, units, skipped) in logs {
            assert!(
                *units > 50 && *skipped == 0,
                "{name}: {units} read, {skipped} skipped"
            );
        }
        let ids = report["findings"].as_array().unwrap().iter();
        let knocks: Vec<_> = ids
            .filter(|f| {
                ["AN0842", "AN1448"]
                    .iter()
                    .any(|id| f["analytic"]["id"] == *id)
            })
            .collect();
        assert!(knocks.is_empty(), "{name}: {knocks:?}");
    }
}

#[test]
fn a_log_in_local_time_is_a_zone_error_of_five_hours() {
    let Some(folder) = given("P11_schtask_create") else {
        return;
    };
    let text = report(&folder).to_string();
    assert!(text.contains("zone error of -5 h"), "{text}");
}
