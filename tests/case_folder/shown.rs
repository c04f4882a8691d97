//! `show`: every reference of a report leads to its packet or record.

use super::made::*;
use serde_json::Value;

#[test]
fn every_reference_of_the_report_leads_to_its_packet_or_record() {
    let made = Made::new();
    let report = made.report();
    let mut shown = 0;
    for finding in report["findings"].as_array().unwrap() {
        let id = finding["short_id"].as_str().unwrap();
        let (out, _) = done(&["show", text(&made.case), id], 0);
        assert!(out.contains(id) && out.contains("Check by hand"), "{out}");
        for step in finding["steps"].as_array().unwrap().iter().take(14) {
            let reference = &step["refs"][0];
            let evidence = reference["evidence"].as_str().unwrap();
            let name = match reference["kind"].as_str().unwrap() {
                "packet" => format!("{evidence}:p{}", reference["packet"]),
                _ => format!("{evidence}:r{}", reference["record_id"]),
            };
            let (out, _) = done(&["show", text(&made.case), &name, "--format", "json"], 0);
            let found: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
            assert_eq!(found["offset"], reference["offset"], "{name}");
            assert!(
                found["cited_by"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|c| c.as_str().unwrap().contains(id)),
                "{out}"
            );
            if reference["kind"] == "record" {
                let xml = found["xml"].as_str().unwrap();
                assert!(
                    xml.contains(&format!(
                        "<EventRecordID>{}</EventRecordID>",
                        reference["record_id"]
                    )),
                    "{xml}"
                );
                assert!(
                    xml.contains(reference["computer"].as_str().unwrap()),
                    "{xml}"
                );
            } else {
                assert_eq!(found["time"], step["recorded_time"], "{name}");
            }
            shown += 1;
        }
    }
    assert!(shown > 10, "{shown}");
    let (hex, _) = done(&["show", text(&made.case), "E7:p239", "--format", "hex"], 0);
    assert!(hex.starts_with("00000000  "), "{hex}");
    let (_, said) = done(&["show", text(&made.case), "E7:p99999999"], 2);
    assert!(said.contains("has no E7:p99999999"), "{said}");
    let (_, said) = done(&["show", text(&made.case), "nonsense"], 2);
    assert!(said.contains("write F30746097"), "{said}");
    let (out, _) = done(&["show", text(&made.case), "--suppressed"], 0);
    assert!(out.contains("No finding is suppressed"), "{out}");
    // What is shown of a file that is not what it was is marked.
    let path = made.evidence.join("sensor.pcapng");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([0; 4]);
    std::fs::write(&path, &bytes).unwrap();
    let (_, said) = done(&["show", text(&made.case), "E7:p239"], 4);
    assert!(
        said.contains("is not the file this case rests on"),
        "{said}"
    );
    // Nor is it wrong usage that such a file has not what the case cites.
    std::fs::write(&path, &bytes[..1000]).unwrap();
    let (_, said) = done(&["show", text(&made.case), "E7:p239"], 4);
    assert!(said.contains("has no E7:p239"), "{said}");
}

#[test]
fn a_packet_is_shown_without_the_password_in_it_and_no_report_tells_its_digest() {
    let page = "# A wake signal with a password\n\n```story\nday 2026-03-01\nhost mon 10.0.0.2\n\
        02:11:00 wake 00:15:5d:00:02:01 from mon by udp/9 password 6\n```\n\n```expect\nnone\n```\n";
    let here = tempfile::tempdir().unwrap();
    let (evidence, case) = (here.path().join("evidence"), here.path().join("case"));
    let story = casewire_lab::story::Story::parse(page).unwrap();
    std::fs::create_dir(&evidence).unwrap();
    story.play().write_to(&evidence).unwrap();
    done(&["analyze", text(&evidence), "-o", text(&case)], 0);
    let report = std::fs::read_to_string(case.join("report.json")).unwrap();
    assert!(report.contains("\"wake_password_number\": 1"), "{report}");
    assert!(!report.contains("sha256_start"), "{report}");
    let show = |format| done(&["show", text(&case), "E1:p1", "--format", format], 0);
    let (out, _) = show("json");
    let shown: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(shown["password_bytes_blanked"], 6);
    let bytes = shown["bytes"].as_str().unwrap();
    assert!(bytes.ends_with("00155d000201000000000000"), "{bytes}");
    assert!(show("text").0.contains("are shown as zeros"));
    let (hex, said) = show("hex");
    assert!(hex.contains("00 00 00 00 00 00") && said.contains("are shown as zeros"));
}
