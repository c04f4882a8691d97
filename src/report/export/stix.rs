//! A STIX 2.1 bundle: what was observed, and sightings of techniques that rest on it.
//!
//! No threat actor and no intrusion set is ever made: the record says what happened, not who.

use super::{Format, ids};
use crate::report::escape::vis;
use crate::report::json::read::moment;
use crate::report::json::shape::{Finding, Report, Step, Time, Value as Field, Word};
use crate::report::record::telling;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Objects by id: each once, in the order of ids.
type Objects = BTreeMap<String, Value>;

/// When what is the same in every case was made: an id that two bundles share must not have two
/// times (STIX 2.1, 3.2).
const ALWAYS: &str = "2026-01-01T00:00:00.000Z";

/// The label of what has local times of a zone that nothing tells.
const LOCAL: &str = "local time of an unknown zone";

/// The bundle.
pub fn bundle(report: &Report, findings: &[&Finding], came_of_it: &str) -> Value {
    let mut objects = Objects::new();
    // The case, whose own objects are made anew with it.
    let made = report
        .summary
        .last_time
        .as_ref()
        .map_or_else(|| "1970-01-01T00:00:00.000Z".to_owned(), millis);
    let creator = object(
        "identity",
        &["identity", &report.tool.version],
        ALWAYS,
        json!({"name": format!("casewire {}", report.tool.version), "identity_class": "system"}),
        &mut objects,
    );
    let files: BTreeMap<&str, String> = report
        .evidence
        .iter()
        .filter_map(|row| {
            let hash = &row.hashes.sha256.as_ref()?.0;
            let of = json!({"hashes": {"SHA-256": hash}, "name": row.path});
            let more = json!({"hashes": {"SHA-256": hash}, "name": row.path, "size": row.size});
            Some((
                row.id.0.as_str(),
                observable("file", &of, more, &mut objects),
            ))
        })
        .collect();
    let mut members: Vec<String> = files.values().cloned().collect();
    // Other settings or a clock measured otherwise tell the same finding differently.
    let of_run = report.parameters.sha256.0.as_str();
    for finding in findings {
        let last = finding.last_time.0.as_str();
        let observed: Vec<String> = finding
            .steps
            .iter()
            .map(|step| observe((finding, of_run), step, &creator, &files, &mut objects))
            .collect();
        let techniques = finding.attack.iter().filter(|a| a.kind == "technique");
        let mut labels: Vec<&str> = vec![
            &finding.analytic.id.0,
            &finding.severity.0,
            &finding.verdict,
        ];
        if finding.steps.iter().any(Step::is_local) {
            labels.push(LOCAL);
        }
        for technique in techniques {
            let pattern = object(
                "attack-pattern",
                &["attack-pattern", &technique.id],
                ALWAYS,
                json!({
                    "name": technique.name.clone().unwrap_or_else(|| technique.id.clone()),
                    "external_references": [{
                        "source_name": "mitre-attack",
                        "external_id": technique.id,
                        "url": technique_url(&technique.id),
                    }],
                }),
                &mut objects,
            );
            let sighting = object(
                "sighting",
                &["sighting", &finding.id, &technique.id, of_run, last],
                &millis(&finding.last_time),
                json!({
                    "created_by_ref": creator,
                    "first_seen": millis(&finding.first_time),
                    "last_seen": millis(&finding.last_time),
                    "count": 1,
                    "confidence": finding.confidence.score,
                    "sighting_of_ref": pattern,
                    "observed_data_refs": observed,
                    "description": vis(&finding.title),
                    "labels": labels,
                    "external_references": [{"source_name": "casewire", "external_id": finding.id}],
                }),
                &mut objects,
            );
            members.extend([pattern, sighting]);
        }
        members.extend(observed);
    }
    if members.is_empty() {
        members.push(creator.clone());
    }
    members.sort();
    members.dedup();
    object(
        "grouping",
        &["grouping", &report.parameters.sha256.0, &members.concat()],
        &made,
        json!({
            "created_by_ref": creator,
            "name": telling::title(report),
            "context": "suspicious-activity",
            "description": format!(
                "{came_of_it} Left out in this form: {}.",
                Format::Stix.loss().unwrap_or_default()
            ),
            "object_refs": members,
        }),
        &mut objects,
    );
    let all: Vec<Value> = objects.into_values().collect();
    let id = ids::own(&["bundle", &Value::from(all.clone()).to_string()]);
    json!({"type": "bundle", "id": format!("bundle--{id}"), "objects": all})
}

/// The page of a technique at ATT&CK; from constants of the analytics, never from evidence.
pub(super) fn technique_url(id: &str) -> String {
    format!(
        "https://attack.mitre.org/techniques/{}/",
        id.replace('.', "/")
    )
}

fn observe(
    (finding, of_run): (&Finding, &str),
    step: &Step,
    creator: &str,
    files: &BTreeMap<&str, String>,
    objects: &mut Objects,
) -> String {
    let mut refs: Vec<String> = step
        .refs
        .iter()
        .filter_map(|r| files.get(r.evidence()).cloned())
        .collect();
    refs.extend(traffic(step, objects));
    refs.sort();
    refs.dedup();
    if refs.is_empty() {
        // Evidence that was not hashed has no name of its own to stand for it.
        refs.push(creator.to_owned());
    }
    let last = finding.last_time.0.as_str();
    let references: Vec<Value> = step
        .refs
        .iter()
        .map(|r| json!({"source_name": "evidence", "external_id": r.text()}))
        .collect();
    let mut body = json!({
            "created_by_ref": creator,
            "first_observed": millis(&step.time),
            "last_observed": millis(&step.time),
            // A step is one thing that happened; several packets and records may tell of it.
            "number_observed": 1,
            "object_refs": refs,
            "external_references": references,
    });
    if step.is_local() {
        body["labels"] = json!([LOCAL]);
    }
    object(
        "observed-data",
        &[
            "observed-data",
            &finding.id,
            &step.n.to_string(),
            of_run,
            last,
        ],
        &millis(&finding.last_time),
        body,
        objects,
    )
}

/// Addresses and traffic of a step, where it names two addresses and a transport.
fn traffic(step: &Step, objects: &mut Objects) -> Vec<String> {
    let text = |name: &str| match step.fields.get(&Word::from(name.to_owned())) {
        Some(Field::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let port = |name: &str| match step.fields.get(&Word::from(name.to_owned())) {
        Some(Field::Number(port)) => Some(*port),
        _ => None,
    };
    let (Some(from), Some(to), Some(transport)) =
        (text("src_ip"), text("dst_ip"), text("transport"))
    else {
        return Vec::new();
    };
    let mut address = |text: &str| {
        let kind = if text.contains(':') {
            "ipv6-addr"
        } else {
            "ipv4-addr"
        };
        observable(
            kind,
            &json!({"value": text}),
            json!({"value": text}),
            objects,
        )
    };
    let (source, destination) = (address(&from), address(&to));
    let family = if from.contains(':') { "ipv6" } else { "ipv4" };
    let mut of = Map::new();
    of.insert("src_ref".into(), source.clone().into());
    of.insert("dst_ref".into(), destination.clone().into());
    of.insert(
        "protocols".into(),
        json!([family, transport.to_lowercase()]),
    );
    of.insert("start".into(), millis(&step.time).into());
    if let (Some(source), Some(destination)) = (port("src_port"), port("dst_port")) {
        of.insert("src_port".into(), source.into());
        of.insert("dst_port".into(), destination.into());
    }
    let of = Value::Object(of);
    let traffic = observable("network-traffic", &of, of.clone(), objects);
    vec![source, destination, traffic]
}

fn observable(kind: &str, contributing: &Value, body: Value, objects: &mut Objects) -> String {
    let id = ids::stix(kind, contributing);
    put(kind, &id, body, objects);
    id
}

fn object(kind: &str, name: &[&str], made: &str, mut body: Value, objects: &mut Objects) -> String {
    let id = format!("{kind}--{}", ids::own(name));
    if let Value::Object(body) = &mut body {
        body.insert("created".into(), made.into());
        body.insert("modified".into(), made.into());
    }
    put(kind, &id, body, objects);
    id
}

fn put(kind: &str, id: &str, mut body: Value, objects: &mut Objects) {
    if let Value::Object(body) = &mut body {
        body.insert("type".into(), kind.into());
        body.insert("spec_version".into(), "2.1".into());
        body.insert("id".into(), id.into());
    }
    objects.insert(id.to_owned(), body);
}

/// STIX times are milliseconds.
fn millis(time: &Time) -> String {
    let at = moment(time);
    format!("{}T{}Z", at.date(), at.clock(3))
}
