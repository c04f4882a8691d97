//! The JSON keeps everything, keeps its schema, and the committed schema is the one in force.

use super::{SCHEMA_VERSION, inventory, lines, report, schema};
use crate::case::inventory::Inventory;
use crate::report::samples;
use crate::report::text::inventory::Section;
use serde_json::{Value, json};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json-schema");

fn value(case: &crate::case::Case) -> Value {
    serde_json::from_slice(&report(case).unwrap()).unwrap()
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_slice(&schema::text().unwrap()).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Set `BLESS=1` to write the schema anew; review the change like code.
#[test]
fn the_committed_schema_is_fresh() {
    for (name, schema) in [
        ("report", schema::text()),
        ("inventory", schema::inventory()),
    ] {
        let schema = String::from_utf8(schema.unwrap()).unwrap();
        let path = format!("{COMMITTED}/casewire-{name}-1.schema.json");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            committed, schema,
            "docs/json-schema is stale: run the tests with BLESS=1"
        );
    }
}

#[test]
fn inventories_are_valid_with_any_sections_and_any_text() {
    let schema: Value = serde_json::from_slice(&schema::inventory().unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let of = |given: &Inventory, sections: &[Section]| -> Value {
        serde_json::from_slice(&inventory::inventory(given, sections).unwrap()).unwrap()
    };
    let sound = samples::inventory();
    for one in Section::ALL {
        assert!(validator.is_valid(&of(&sound, &[one])), "{}", one.word());
    }
    let hosts = of(&sound, &[Section::Hosts]);
    assert!(hosts.get("hosts").is_some() && hosts.get("coverage").is_none());
    assert_eq!(hosts["sections"], json!(["hosts"]));
    assert!(validator.is_valid(&of(&Inventory::default(), &Section::ALL)));
    for text in samples::HOSTILE {
        let mut given = samples::inventory();
        given.case = samples::with_text_everywhere(text);
        given.channels[0].channel = (*text).into();
        let value = of(&given, &Section::ALL);
        assert!(validator.is_valid(&value), "{text:?}");
        assert_eq!(value["channels"][0]["channel"], json!(text));
    }
    let mut broken = of(&sound, &Section::ALL);
    assert_eq!(broken["coverage"][2]["gaps"], json!(["G2"]));
    broken["judgeable"][0]["judgeable"] = json!("quiet");
    assert!(!validator.is_valid(&broken));
}

#[test]
fn reports_of_all_kinds_are_valid() {
    let validator = validator();
    for case in [
        samples::case(),
        samples::quiet(),
        crate::case::Case::default(),
    ] {
        let report = value(&case);
        let errors: Vec<String> = validator
            .iter_errors(&report)
            .map(|e| format!("{e} at {}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn the_schema_refuses_what_no_report_holds() {
    let validator = validator();
    let sound = value(&samples::case());
    assert!(validator.is_valid(&sound));
    let broken = |pointer: &str, to: Value| {
        let mut report = sound.clone();
        *report.pointer_mut(pointer).unwrap() = to;
        report
    };
    let mut extra = sound.clone();
    extra["extra"] = json!(1);
    let mut extra_in_step = sound.clone();
    extra_in_step["findings"][0]["steps"][0]["extra"] = json!(1);
    for (what, report) in [
        ("an extra key", extra),
        ("an extra key in a step", extra_in_step),
        (
            "three digits",
            broken(
                "/findings/0/steps/0/time",
                json!("2026-03-14T02:11:07.104Z"),
            ),
        ),
        (
            "no zone",
            broken(
                "/findings/0/first_time",
                json!("2026-03-14T02:11:07.104233000"),
            ),
        ),
        (
            "an unknown severity",
            broken("/findings/0/severity", json!("urgent")),
        ),
        (
            "a packet 0",
            broken("/findings/0/steps/0/refs/0/packet", json!(0)),
        ),
        ("another schema", broken("/schema", json!("other"))),
        (
            "another major version",
            broken("/schema_version", json!("2.0.0")),
        ),
        ("no steps", broken("/findings/0/steps", json!([]))),
        (
            "a path for a hash",
            broken("/evidence/0/hashes/sha256", json!("abc")),
        ),
    ] {
        assert!(!validator.is_valid(&report), "{what} was accepted");
    }
    assert!(SCHEMA_VERSION.starts_with("1."));
}

#[test]
fn hostile_text_is_kept_exactly_and_the_report_stays_valid() {
    let validator = validator();
    for text in samples::HOSTILE {
        let case = samples::with_text_everywhere(text);
        let report = value(&case);
        assert!(validator.is_valid(&report), "{text:?}");
        assert_eq!(report["findings"][0]["title"], json!(text));
        assert_eq!(report["evidence"][0]["path"], json!(text));
        assert_eq!(
            report["findings"][0]["steps"][3]["fields"]["command_line"],
            json!(text)
        );
        for line in lines(&case)
            .unwrap()
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
        {
            assert!(serde_json::from_slice::<Value>(line).unwrap().is_object());
        }
        assert_eq!(
            lines(&case)
                .unwrap()
                .iter()
                .filter(|b| **b == b'\n')
                .count(),
            3
        );
    }
}

#[test]
fn every_time_has_nine_digits_and_every_integer_is_exact() {
    fn walk(value: &Value, path: &str) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if key == "time" || key.ends_with("_time") {
                        let digits = value.as_str().map(|t| t.len());
                        assert!(matches!(digits, None | Some(30)), "{path}/{key}: {value}");
                    }
                    walk(value, &format!("{path}/{key}"));
                }
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, path)),
            Value::Number(n) => assert!(n.as_i64().unwrap().abs() <= 1 << 53, "{path}: {n}"),
            Value::String(_) | Value::Bool(_) | Value::Null => {}
        }
    }
    walk(&value(&samples::case()), "");
}

#[test]
fn steps_carry_both_times_and_all_their_places() {
    let report = value(&samples::case());
    let step = &report["findings"][0]["steps"][3];
    assert_eq!(step["time"], "2026-03-14T02:11:09.118118400Z");
    assert_eq!(step["recorded_time"], "2026-03-14T02:11:10.960118400Z");
    assert_eq!(step["offset_applied_ns"], -1_842_000_000);
    assert_eq!(step["delta_ns"], 1_188_004_400);
    assert_eq!(
        step["refs"][0]["channel"],
        "Microsoft-Windows-Sysmon/Operational"
    );
    assert_eq!(step["fields"]["pid"], 6124);
    let connect = &report["findings"][0]["steps"][6]["refs"];
    assert_eq!(connect.as_array().unwrap().len(), 3);
}

#[test]
fn the_same_case_gives_the_same_bytes() {
    assert_eq!(
        report(&samples::case()).unwrap(),
        report(&samples::case()).unwrap()
    );
    let text = String::from_utf8(report(&samples::case()).unwrap()).unwrap();
    assert!(text.starts_with("{\n \"schema\": \"casewire-report\",\n \"schema_version\": "));
    assert!(text.ends_with("\n}\n"));
}
