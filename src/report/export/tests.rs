//! The exports hold what they promise, and nothing a spreadsheet or a parser could take for more.

use super::{Format, render};
use crate::report::record::Chosen;
use crate::report::{json, samples};
use serde_json::Value;
use std::collections::BTreeSet;

fn text(format: Format, report: &crate::report::json::shape::Report) -> String {
    String::from_utf8(render(report, format, &Chosen::default()).unwrap()).unwrap()
}

fn value(format: Format) -> Value {
    serde_json::from_str(&text(format, &json::shaped(&samples::case()))).unwrap()
}

#[test]
fn the_record_is_exported_as_it_is() {
    let case = samples::case();
    let bytes = render(&json::shaped(&case), Format::Json, &Chosen::default()).unwrap();
    assert_eq!(bytes, json::report(&case).unwrap());
    assert_eq!(
        render(&json::shaped(&case), Format::Jsonl, &Chosen::default()).unwrap(),
        json::lines(&case).unwrap()
    );
}

#[test]
fn every_form_but_the_record_says_what_it_loses() {
    for format in Format::ALL {
        assert_eq!(
            format.loss().is_none(),
            format == Format::Json,
            "{}",
            format.name()
        );
    }
    for format in [Format::Case, Format::Stix, Format::Navigator] {
        let text = text(format, &json::shaped(&samples::case()));
        assert!(text.contains(format.loss().unwrap()), "{}", format.name());
    }
}

/// The rows of RFC 4180 text.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {}
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(c),
        }
    }
    rows
}

#[test]
fn no_cell_is_a_formula_and_every_step_has_a_row() {
    for hostile in samples::HOSTILE
        .iter()
        .chain(&["=1+1", "+1", "-1", "@x", "\t=1"])
    {
        let mut report = json::shaped(&samples::with_text_everywhere(hostile));
        for step in report.findings.iter_mut().flat_map(|f| &mut f.steps) {
            step.summary = (*hostile).to_owned();
        }
        let rows = rows(&text(Format::Csv, &report));
        let steps: usize = report.findings.iter().map(|f| f.steps.len()).sum();
        assert_eq!(rows.len(), steps + 1, "{hostile:?}");
        for row in &rows {
            assert_eq!(row.len(), 16, "{row:?}");
            for (at, cell) in row.iter().enumerate() {
                let number = at == 11 && cell.parse::<f64>().is_ok();
                assert!(
                    number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                    "{cell:?}"
                );
                assert!(!cell.chars().any(char::is_control), "{cell:?}");
            }
        }
    }
}

#[test]
fn timesketch_lines_have_what_it_needs_and_one_type_for_each_field() {
    let report = json::shaped(&samples::case());
    let mut types: std::collections::BTreeMap<String, u8> = Default::default();
    let lines = text(Format::Timesketch, &report);
    let steps: usize = report.findings.iter().map(|f| f.steps.len()).sum();
    assert_eq!(lines.lines().count(), steps);
    for line in lines.lines() {
        let line: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        for needed in ["message", "datetime", "timestamp_desc"] {
            assert!(line[needed].is_string(), "{needed}");
        }
        assert!(line["datetime"].as_str().unwrap().ends_with("+00:00"));
        for (name, value) in line {
            let kind = match value {
                Value::String(_) => 1,
                Value::Number(_) => 2,
                Value::Array(_) => 3,
                _ => 4,
            };
            assert_eq!(*types.entry(name.clone()).or_insert(kind), kind, "{name}");
        }
    }
}

/// Every `..._ref` and `..._refs` of the bundle, and every object's own id.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, held) in map {
                match held {
                    Value::String(id) if name.ends_with("_ref") => {
                        found.insert(id.clone());
                    }
                    Value::Array(ids) if name.ends_with("_refs") => {
                        found.extend(ids.iter().filter_map(|id| id.as_str()).map(str::to_owned));
                    }
                    _ => references(held, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

#[test]
fn a_stix_bundle_refers_to_what_it_holds_and_names_no_actor() {
    let bundle = value(Format::Stix);
    let objects = bundle["objects"].as_array().unwrap();
    let ids: BTreeSet<String> = objects
        .iter()
        .map(|o| o["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), objects.len());
    let mut named = BTreeSet::new();
    references(&bundle, &mut named);
    assert!(named.is_subset(&ids), "{:?}", named.difference(&ids));
    let kinds: BTreeSet<&str> = objects
        .iter()
        .map(|o| o["type"].as_str().unwrap())
        .collect();
    for kind in [
        "sighting",
        "observed-data",
        "attack-pattern",
        "grouping",
        "network-traffic",
        "file",
    ] {
        assert!(kinds.contains(kind), "{kind}");
    }
    for kind in ["threat-actor", "intrusion-set", "campaign", "malware"] {
        assert!(!kinds.contains(kind), "{kind}");
    }
}

#[test]
fn a_case_graph_names_each_node_once_and_links_to_nodes_it_has() {
    let graph = value(Format::Case);
    let nodes = graph["@graph"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut linked = BTreeSet::new();
    fn walk(value: &Value, ids: &mut BTreeSet<String>, linked: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(id) = map.get("@id").and_then(Value::as_str) {
                    if map.len() == 1 {
                        linked.insert(id.to_owned());
                    } else {
                        assert!(ids.insert(id.to_owned()), "{id} twice");
                    }
                }
                map.values().for_each(|v| walk(v, ids, linked));
            }
            Value::Array(all) => all.iter().for_each(|v| walk(v, ids, linked)),
            _ => {}
        }
    }
    nodes
        .iter()
        .for_each(|node| walk(node, &mut ids, &mut linked));
    assert!(linked.is_subset(&ids), "{:?}", linked.difference(&ids));
    assert!(nodes.len() > 20);
}

#[test]
fn an_empty_case_can_be_exported_in_every_form() {
    let report = json::shaped(&crate::case::Case::default());
    for format in Format::ALL {
        let text = text(format, &report);
        if !matches!(format, Format::Csv | Format::Jsonl | Format::Timesketch) {
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }
}

/// The sample, its first step a question to the segment, cited with a record beside it.
fn asked() -> crate::report::json::shape::Report {
    use crate::report::json::shape::{Value as Field, Word};
    let mut report = json::shaped(&samples::case());
    let step = &mut report.findings[0].steps[0];
    let texts = [
        ("ip", "10.0.0.5"),
        ("asked_for", "10.0.0.77"),
        ("outcome", "unanswered"),
    ];
    step.fields = texts
        .iter()
        .map(|(name, text)| {
            (
                Word::from((*name).to_owned()),
                Field::Text((*text).to_owned()),
            )
        })
        .collect();
    report
}

#[test]
fn an_observation_is_counted_once_however_many_records_cite_it() {
    let report = asked();
    let cited = report
        .findings
        .iter()
        .flat_map(|f| &f.steps)
        .map(|s| s.refs.len());
    assert!(
        cited.max() > Some(1),
        "the sample cites two places for one thing"
    );
    let bundle: Value = serde_json::from_str(&text(Format::Stix, &report)).unwrap();
    let observed = bundle["objects"].as_array().unwrap().iter();
    for one in observed.filter(|o| o["type"] == "observed-data") {
        assert_eq!(one["number_observed"], 1, "{one}");
    }
}

#[test]
fn a_question_to_the_segment_has_its_ends_in_a_case_graph() {
    let graph: Value = serde_json::from_str(&text(Format::Case, &asked())).unwrap();
    let nodes = graph["@graph"].as_array().unwrap();
    let facet = |node: &Value| node["uco-core:hasFacet"][0].clone();
    let connections = || {
        let nodes = nodes.iter();
        nodes.filter(|n| n["@type"] == "uco-observable:NetworkConnection")
    };
    assert!(connections().count() > 1);
    let address = |link: &Value| {
        let node = nodes.iter().find(|node| node["@id"] == link["@id"]);
        facet(node.unwrap())["uco-observable:addressValue"].clone()
    };
    let mut questions = 0;
    for connection in connections().map(facet) {
        let [from, to] = ["src", "dst"].map(|end| &connection[format!("uco-observable:{end}")]);
        assert!(from.is_object() && to.is_object(), "{connection}");
        if address(to) == "10.0.0.77" {
            assert_eq!(address(from), "10.0.0.5");
            let protocol = &connection["uco-observable:protocols"]["uco-types:entry"][0];
            assert_eq!(protocol["uco-types:value"], "ARP");
            questions += 1;
        }
    }
    assert_eq!(questions, 1);
}

#[test]
fn a_part_of_a_case_is_told_as_a_part() {
    let mut report = json::shaped(&samples::case());
    let all = report.findings.len();
    assert!(all > 1, "the sample has more than one");
    let whole_case = format!(
        "{all} incidents: {} critical",
        report.summary.by_severity.critical
    );
    let described = |format: Format, report: &crate::report::json::shape::Report, of: &Chosen| {
        let bytes = render(report, format, of).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(&whole_case), "{text}");
        text
    };
    // One that was chosen.
    let one = Chosen {
        ids: vec![report.findings[0].short_id.clone()],
        ..Chosen::default()
    };
    let part = format!("This holds 1 of {all} incidents: {} ", all - 1);
    for format in [Format::Case, Format::Stix, Format::Navigator, Format::Json] {
        let text = described(format, &report, &one);
        assert!(text.contains(&part), "{}: {text}", format.name());
    }
    let copy: Value = serde_json::from_str(&described(Format::Json, &report, &one)).unwrap();
    assert_eq!(copy["summary"]["findings"], 1);
    let by: u64 = copy["summary"]["by_severity"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(by, 1);
    // One that a rule suppresses.
    let hidden = report.findings[0].short_id.clone();
    report.findings[0].suppressed = Some(crate::report::json::shape::Suppressed {
        rule: "lab".into(),
        reason: "tested".into(),
        by: "lab".into(),
        until: None,
    });
    let whole = Chosen::default();
    let told = format!("This holds {} of {all} incidents: 1 is suppressed", all - 1);
    for format in [Format::Case, Format::Stix, Format::Navigator] {
        let text = described(format, &report, &whole);
        assert!(text.contains(&told), "{}: {text}", format.name());
    }
    for format in [Format::Csv, Format::Timesketch] {
        let scope = super::Scope::of(&report, format, &whole);
        assert_eq!(scope.suppressed, [hidden.as_str()]);
        assert!(scope.told().unwrap().starts_with(&told));
    }
    assert_eq!(super::Scope::of(&report, Format::Json, &whole).told(), None);
}

/// The sample, the first step of its first finding timed by a local clock of unknown zone.
fn local() -> crate::report::json::shape::Report {
    let mut report = json::shaped(&samples::case());
    report.findings[0].steps[0].time_zone = Some(crate::report::json::shape::UNKNOWN_ZONE.into());
    report.summary.unknown_zones = vec!["FS01 (nxlog)".into()];
    report
}

#[test]
fn a_local_time_of_unknown_zone_is_told_as_utc_in_no_form() {
    let report = local();
    let of_csv = rows(&text(Format::Csv, &report));
    let zones: Vec<&str> = of_csv.iter().skip(1).map(|row| row[9].as_str()).collect();
    assert_eq!(zones[..2], ["unknown", "UTC"]);
    let lines = text(Format::Timesketch, &report);
    let zones: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["time_zone"].clone())
        .collect();
    assert_eq!(zones[..2], ["unknown", "UTC"]);
    let told = "The times of FS01 (nxlog) are no UTC";
    let bundle = text(Format::Stix, &report);
    assert!(bundle.contains(told));
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let marked = bundle["objects"].as_array().unwrap().iter();
    let marked = marked.filter(|o| o["labels"].to_string().contains("local time"));
    let kinds: BTreeSet<&str> = marked.map(|o| o["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["observed-data", "sighting"]));
    let graph = text(Format::Case, &report);
    assert!(graph.contains(told));
    assert_eq!(graph.matches("; its time is local").count(), 1);
}

#[test]
fn an_id_that_two_bundles_share_was_made_at_one_time() {
    let made = |report: &crate::report::json::shape::Report| {
        let bundle: Value = serde_json::from_str(&text(Format::Stix, report)).unwrap();
        let all = bundle["objects"].as_array().unwrap().clone();
        all.into_iter()
            .map(|o| (o["id"].to_string(), o))
            .collect::<std::collections::BTreeMap<String, Value>>()
    };
    let mut later = json::shaped(&samples::case());
    let first = made(&later);
    later.summary.last_time.as_mut().unwrap().0 = "2031-01-01T00:00:00.000000000Z".into();
    for finding in &mut later.findings {
        finding.last_time.0 = "2031-01-01T00:00:00.000000000Z".into();
    }
    later.parameters.sha256.0 = "00".repeat(32);
    let second = made(&later);
    let mut shared = 0;
    for (id, object) in &second {
        if let Some(before) = first.get(id) {
            assert_eq!(before, object);
            shared += 1;
        }
    }
    assert!(shared > 2, "creator, techniques and files are the same");
}

#[test]
fn what_a_form_does_not_hold_it_says() {
    for (format, words) in [
        (
            Format::Case,
            &["near misses", "gaps", "problems", "alternatives"][..],
        ),
        (Format::Stix, &["says in words", "gaps", "problems"]),
        (Format::Timesketch, &["near misses", "gaps"]),
        (Format::Navigator, &["coverage", "steps"]),
    ] {
        let loss = format.loss().unwrap();
        for word in words {
            assert!(loss.contains(word), "{}: {word}", format.name());
        }
    }
    let layer = value(Format::Navigator);
    assert!(!layer.to_string().contains("1 findings"), "{layer}");
}
