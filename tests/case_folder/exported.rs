//! `export`: every form says what it loses, and the slice holds what is cited.

use super::made::*;
use serde_json::Value;

#[test]
fn every_export_says_what_it_loses_and_is_the_same_again() {
    let made = Made::new();
    for format in [
        "json",
        "jsonl",
        "csv",
        "timesketch",
        "case",
        "stix",
        "navigator",
    ] {
        let (out, said) = done(&["export", "--as", format, text(&made.case)], 0);
        assert!(!out.is_empty());
        assert_eq!(
            said.contains(" loses: "),
            format != "json",
            "{format}: {said}"
        );
        assert_eq!(
            done(&["export", "--as", format, text(&made.case)], 0).0,
            out
        );
    }
    let (json, _) = done(&["export", "--as", "json", text(&made.case)], 0);
    assert_eq!(
        json,
        std::fs::read_to_string(made.case.join("report.json")).unwrap()
    );
    let (steps, _) = done(&["export", "--as", "timesketch", text(&made.case)], 0);
    let (all, _) = done(
        &[
            "export",
            "--as",
            "timesketch",
            "--with-events",
            text(&made.case),
        ],
        0,
    );
    let events = std::fs::read_to_string(made.case.join("timeline.jsonl"))
        .unwrap()
        .lines()
        .count();
    assert_eq!(all.lines().count(), steps.lines().count() + events);
    done(
        &["export", "--as", "csv", "--with-events", text(&made.case)],
        2,
    );
}

#[test]
fn an_export_without_a_suppressed_incident_says_so() {
    let made = Made::new();
    let rules = made.here.path().join("rules.toml");
    std::fs::write(
        &rules,
        "[[suppress]]\nsource = [\"10.20.0.77\"]\nreason = \"r\"\nby = \"b\"\nuntil = \"2030-01-01\"\n",
    )
    .unwrap();
    let case = made.here.path().join("hidden");
    let (evidence, case) = (text(&made.evidence), text(&case));
    done(
        &["--config", text(&rules), "analyze", evidence, "-o", case],
        0,
    );
    for format in ["csv", "timesketch", "case", "stix", "navigator"] {
        let (out, said) = done(&["export", "--as", format, case], 0);
        let told = "This holds 1 of 2 incidents: 1 is suppressed by rules";
        assert!(said.contains(told), "{format}: {said}");
        if !matches!(format, "csv" | "timesketch") {
            assert!(out.contains(told), "{format}");
        }
    }
    let (out, _) = done(&["export", "--as", "json", case], 0);
    let report: Value = serde_json::from_str(&out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let hidden = findings.iter().find(|f| !f["suppressed"].is_null());
    let id = hidden.unwrap()["short_id"].as_str().unwrap();
    let (_, said) = done(&["export", "--as", "csv", case, "--incident", id], 2);
    assert!(said.contains("is suppressed by rules"), "{said}");
    done(&["export", "--as", "json", case, "--incident", id], 0);
}

#[test]
fn the_evidence_slice_holds_what_is_cited_and_is_read_like_evidence() {
    let made = Made::new();
    let slice = made.here.path().join("slice");
    done(&["export", "--as", "evidence", text(&made.case)], 2);
    let (_, said) = done(
        &[
            "export",
            "--as",
            "evidence",
            text(&made.case),
            "-o",
            text(&slice),
        ],
        0,
    );
    assert!(said.contains("evidence loses: "), "{said}");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(slice.join("MANIFEST.json")).unwrap()).unwrap();
    let mut cited = std::collections::BTreeSet::new();
    let report = made.report();
    for finding in report["findings"].as_array().unwrap() {
        for step in finding["steps"].as_array().unwrap() {
            for r in step["refs"].as_array().unwrap() {
                cited.insert((r["evidence"].to_string(), r["offset"].to_string()));
            }
        }
    }
    let mut held = std::collections::BTreeSet::new();
    for file in manifest["files"].as_array().unwrap() {
        for item in file["items"].as_array().unwrap() {
            held.insert((file["evidence"].to_string(), item["offset"].to_string()));
            assert!(item["missing"].is_null(), "{item}");
        }
    }
    assert_eq!(held, cited);
    // Our own reader takes the packets back, with their times.
    let (lines, _) = done(
        &["timeline", text(&slice.join("E7.pcapng")), "-f", "jsonl"],
        0,
    );
    assert!(lines.lines().count() >= 4, "{lines}");
    let xml = std::fs::read_to_string(slice.join("E1.xml")).unwrap();
    assert!(
        xml.starts_with("<?xml") && xml.contains("<EventRecordID>184020</EventRecordID>"),
        "{xml}"
    );
    assert_eq!(xml.matches("<?xml").count(), 1);
    // Evidence that is not what it was is not handed over.
    let path = made.evidence.join("sensor.pcapng");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([0; 4]);
    std::fs::write(&path, bytes).unwrap();
    let again = made.here.path().join("again");
    done(
        &[
            "export",
            "--as",
            "evidence",
            text(&made.case),
            "-o",
            text(&again),
        ],
        4,
    );
    assert!(!again.exists());
}
