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
