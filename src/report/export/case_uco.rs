//! CASE/UCO 1.5 as JSON-LD: evidence files, what was observed in them and where, analyses and their
//! results, with a provenance that an independent validator can follow.
//!
//! Two names of the ontology are avoided: `observable:eventID` stands in its shapes but was never
//! declared, so the event id is in the record's name; and the hash method is a plain text.

use super::{Format, ids, stix::technique_url};
use crate::report::escape::vis;
use crate::report::json::refs::Ref;
use crate::report::json::shape::{Finding, Report, Step, Time, Value as Field, Word};
use crate::report::record::telling;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The graph.
pub fn graph(report: &Report, findings: &[&Finding], came_of_it: &str) -> Value {
    let mut nodes = Nodes::default();
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for row in &report.evidence {
        let mut facets = vec![facet(
            "FileFacet",
            &row.id.0,
            json!({
                "uco-observable:fileName": vis(row.path.rsplit('/').next().unwrap_or(&row.path)),
                "uco-observable:filePath": vis(&row.path),
                "uco-observable:isDirectory": false,
                "uco-observable:sizeInBytes": integer(row.size),
            }),
        )];
        if let Some(hash) = &row.hashes.sha256 {
            facets.push(facet(
                "ContentDataFacet",
                &row.id.0,
                json!({"uco-observable:hash": [{
                    "@id": id("hash", &[&hash.0, &row.id.0]),
                    "@type": "uco-types:Hash",
                    "uco-types:hashMethod": "SHA256",
                    "uco-types:hashValue": {"@type": "xsd:hexBinary", "@value": hash.0},
                }]}),
            ));
        }
        let name = nodes.add(
            "file",
            &[&row.id.0, &row.path],
            json!({"@type": "uco-observable:File", "uco-core:hasFacet": facets}),
        );
        files.insert(&row.id.0, name);
    }
    let tool = tool(report, &mut nodes);
    let performer = match &report.case.examiner {
        Some(examiner) => nodes.add(
            "person",
            &[examiner],
            json!({"@type": "uco-identity:Person", "uco-core:name": vis(examiner)}),
        ),
        None => tool.clone(),
    };
    let given: Vec<Value> = files.values().map(link).collect();
    let mut results: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut found: Vec<Value> = Vec::new();
    for finding in findings {
        let observed: Vec<Value> = finding
            .steps
            .iter()
            .map(|step| link(&observe(step, &files, &mut nodes)))
            .collect();
        let result = result(finding, &observed, &mut nodes);
        results
            .entry(&finding.analytic.id.0)
            .or_default()
            .push(link(&result));
        found.extend(observed);
        found.push(link(&result));
    }
    found.sort_by_key(ToString::to_string);
    found.dedup();
    let mut all = given.clone();
    for run in &report.parameters.analytics {
        let mut body = json!({
            "@type": "uco-analysis:Analysis",
            "uco-core:name": format!("{} {}", run.id.0, run.version),
            "uco-action:instrument": {"@id": tool},
        });
        if !given.is_empty() {
            body["uco-action:object"] = given.clone().into();
        }
        if let Some(results) = results.get(run.id.0.as_str()) {
            body["uco-action:result"] = results.clone().into();
        }
        all.push(link(&nodes.add("analysis", &[&run.id.0], body)));
    }
    let number = report.case.id.as_deref().unwrap_or("case");
    let mut provenance = |part: &str, text: String, of: &[Value]| {
        let mut body = json!({
            "@type": "case-investigation:ProvenanceRecord",
            "case-investigation:exhibitNumber": format!("{}/{part}", vis(number)),
            "uco-core:description": text,
        });
        if !of.is_empty() {
            body["uco-core:object"] = of.to_vec().into();
        }
        nodes.add("provenance-record", &[part], body)
    };
    let before = provenance("E", "Evidence files given to the run".to_owned(), &given);
    let after = provenance(
        "R",
        format!(
            "Results. {} Left out in this form, or told otherwise: {}.",
            vis(came_of_it),
            Format::Case.loss().unwrap_or_default()
        ),
        &found,
    );
    let mut taken = vec![link(&before)];
    taken.extend(given);
    let mut given_back = vec![link(&after)];
    given_back.extend(found.iter().cloned());
    let action = nodes.add(
        "investigative-action",
        &["analyze"],
        json!({
            "@type": "case-investigation:InvestigativeAction",
            "uco-core:name": "casewire analyze",
            "uco-action:performer": {"@id": performer},
            "uco-action:instrument": {"@id": tool},
            "uco-action:object": taken,
            "uco-action:result": given_back,
        }),
    );
    all.extend([link(&action), link(&before), link(&after)]);
    all.extend(found);
    nodes.add(
        "investigation",
        &[number],
        json!({
            "@type": "case-investigation:Investigation",
            "uco-core:name": vis(&telling::title(report)),
            "case-investigation:focus": "Network and host correlation",
            "uco-core:object": all,
        }),
    );
    json!({"@context": context(), "@graph": nodes.0.into_values().collect::<Vec<_>>()})
}

fn context() -> Value {
    let uco = |part: &str| format!("https://ontology.unifiedcyberontology.org/uco/{part}/");
    let mut context = json!({
        "kb": "urn:casewire:kb:",
        "case-investigation": "https://ontology.caseontology.org/case/investigation/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    });
    for part in [
        "action",
        "analysis",
        "configuration",
        "core",
        "identity",
        "observable",
        "tool",
        "types",
    ] {
        context[format!("uco-{part}")] = uco(part).into();
    }
    context
}

/// Nodes by id: each once, in the order of ids.
#[derive(Default)]
struct Nodes(BTreeMap<String, Value>);

impl Nodes {
    fn add(&mut self, kind: &str, name: &[&str], mut body: Value) -> String {
        let id = id(kind, name);
        body["@id"] = id.clone().into();
        self.0.insert(id.clone(), body);
        id
    }
}

fn id(kind: &str, name: &[&str]) -> String {
    let mut parts = vec![kind];
    parts.extend(name);
    format!("kb:{kind}-{}", ids::own(&parts))
}

fn link(id: &String) -> Value {
    json!({"@id": id})
}

fn facet(kind: &str, of: &str, mut body: Value) -> Value {
    body["@id"] = id("facet", &[kind, of]).into();
    body["@type"] = format!("uco-observable:{kind}").into();
    body
}

fn integer(n: u64) -> Value {
    json!({"@type": "xsd:integer", "@value": n.to_string()})
}

fn time(time: &Time) -> Value {
    json!({"@type": "xsd:dateTime", "@value": time.0})
}

fn tool(report: &Report, nodes: &mut Nodes) -> String {
    let entry = |name: String, value: &str| {
        json!({
            "@id": id("configuration-entry", &[&name]),
            "@type": "uco-configuration:ConfigurationEntry",
            "uco-configuration:itemName": name,
            "uco-configuration:itemValue": vis(value),
        })
    };
    let mut entries = vec![entry(
        "parameters.sha256".to_owned(),
        &report.parameters.sha256.0,
    )];
    for run in &report.parameters.analytics {
        for (name, value) in &run.settings {
            entries.push(entry(format!("{}.{name}", run.id.0), value));
        }
    }
    nodes.add(
        "tool",
        &[&report.tool.version, &report.tool.commit],
        json!({
            "@type": ["uco-tool:AnalyticTool", "uco-tool:ConfiguredTool"],
            "uco-core:name": "casewire",
            "uco-tool:version": vis(&report.tool.version),
            "uco-tool:toolType": "offline correlation of captures and event logs",
            "uco-configuration:usesConfiguration": [{
                "@id": id("configuration", &["all"]),
                "@type": "uco-configuration:Configuration",
                "uco-configuration:configurationEntry": entries,
            }],
        }),
    )
}

/// A step: a connection, or an event record, and where it lies in its file.
fn observe(step: &Step, files: &BTreeMap<&str, String>, nodes: &mut Nodes) -> String {
    let place = step.refs.first().map(Ref::text).unwrap_or_default();
    // The same packet or record in two findings is one thing.
    let offset = step.refs.first().map(|r| r.offset().to_string());
    let offset = offset.unwrap_or_default();
    let name = [place.as_str(), offset.as_str()];
    let logged = |r: &Ref| r.computer().map(str::to_owned);
    let observed = match step.refs.first().map(|r| (r, logged(r))) {
        Some((record, Some(computer))) => {
            let (channel, event) = record.event();
            let channel = channel.unwrap_or_default();
            let number = match record {
                Ref::Record(record) => record.record_id.to_string(),
                _ => String::new(),
            };
            let device = nodes.add(
                "device",
                &[&computer],
                json!({"@type": "uco-observable:Device", "uco-core:name": vis(&computer)}),
            );
            let event = event.map(|e| e.to_string()).unwrap_or_default();
            nodes.add(
                "event-record",
                &name,
                json!({
                    "@type": "uco-observable:EventRecord",
                    "uco-core:name": vis(&format!(
                        "{channel} EventID {event} EventRecordID {number}"
                    )),
                    "uco-core:hasFacet": [facet("EventRecordFacet", &name.concat(), json!({
                        "uco-observable:eventRecordID": number,
                        "uco-observable:eventRecordServiceName": vis(channel),
                        "uco-observable:eventRecordText": vis(&step.summary),
                        "uco-observable:observableCreatedTime": time(&step.recorded_time),
                        "uco-observable:eventRecordDevice": {"@id": device},
                    }))],
                }),
            )
        }
        _ => connection(step, &name, nodes),
    };
    if step.is_local()
        && let Some(node) = nodes.0.get_mut(&observed)
    {
        node["uco-core:description"] = format!(
            "{}; its time is local, of a zone that nothing here tells",
            vis(&step.summary)
        )
        .into();
    }
    for reference in &step.refs {
        contained(&observed, reference, files, nodes);
    }
    observed
}

/// The node of an address of the network, or else of hardware.
fn address(told: &str, nodes: &mut Nodes) -> String {
    let kind = match told.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => "IPv4Address",
        Ok(IpAddr::V6(_)) => "IPv6Address",
        Err(_) => "MACAddress",
    };
    nodes.add(
        "address",
        &[told],
        json!({
            "@type": format!("uco-observable:{kind}"),
            "uco-core:hasFacet": [facet(&format!("{kind}Facet"), told, json!({
                "uco-observable:addressValue": told,
            }))],
        }),
    )
}

fn connection(step: &Step, name: &[&str], nodes: &mut Nodes) -> String {
    let get = |name: &str| step.fields.get(&Word::from(name.to_owned()));
    let text = |name: &str| match get(name) {
        Some(Field::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let number = |name: &str| match get(name) {
        Some(Field::Number(n)) => u64::try_from(*n).ok(),
        _ => None,
    };
    let mut body = json!({"uco-observable:startTime": time(&step.time)});
    // A question to the segment goes from who asks to whom it is about; a frame without addresses of
    // the network, from one hardware address to another.
    let ends = [
        ("src", ["src_ip", "ip", "src_mac", "mac"]),
        ("dst", ["dst_ip", "asked_for", "dst_mac", "wake_target"]),
    ];
    for (property, fields) in ends {
        if let Some(told) = fields.into_iter().find_map(text) {
            body[format!("uco-observable:{property}")] = json!({"@id": address(&told, nodes)});
        }
    }
    for (field, property) in [("src_port", "sourcePort"), ("dst_port", "destinationPort")] {
        if let Some(port) = number(field) {
            body[format!("uco-observable:{property}")] = integer(port);
        }
    }
    let asked = text("asked_for").map(|target| match target.contains(':') {
        true => ("Network Layer", "ICMPv6".to_owned()),
        false => ("Link Layer", "ARP".to_owned()),
    });
    let transport = text("transport").map(|name| ("Transport Layer", name.to_uppercase()));
    if let Some((layer, protocol)) = transport.or(asked) {
        body["uco-observable:protocols"] = json!({
            "@id": id("protocols", name),
            "@type": "uco-types:ControlledDictionary",
            "uco-types:entry": [{
                "@id": id("protocol-entry", name),
                "@type": "uco-types:ControlledDictionaryEntry",
                "uco-types:key": layer,
                "uco-types:value": protocol,
            }],
        });
    }
    nodes.add(
        "network-connection",
        name,
        json!({
            "@type": "uco-observable:NetworkConnection",
            "uco-core:description": vis(&step.summary),
            "uco-core:hasFacet": [facet("NetworkConnectionFacet", &name.concat(), body)],
        }),
    )
}

/// Where in its file a packet or record lies.
fn contained(observed: &str, reference: &Ref, files: &BTreeMap<&str, String>, nodes: &mut Nodes) {
    let Some(file) = files.get(reference.evidence()) else {
        return;
    };
    let (path, offset) = match reference {
        Ref::Packet(packet) => (format!("frame.number={}", packet.packet), packet.offset),
        Ref::Record(record) => (format!("EventRecordID={}", record.record_id), record.offset),
        Ref::Line(line) => (format!("line={}", line.line), line.offset),
    };
    let name = [observed, &reference.text(), &offset.to_string()];
    let of = name.concat();
    nodes.add(
        "relationship",
        &name,
        json!({
            "@type": "uco-observable:ObservableRelationship",
            "uco-core:source": {"@id": observed},
            "uco-core:target": {"@id": file},
            "uco-core:kindOfRelationship": "Contained_Within",
            "uco-core:isDirectional": true,
            "uco-core:hasFacet": [
                facet("PathRelationFacet", &of, json!({"uco-observable:path": path})),
                facet("DataRangeFacet", &of, json!({"uco-observable:rangeOffset": integer(offset)})),
            ],
        }),
    );
}

fn result(finding: &Finding, observed: &[Value], nodes: &mut Nodes) -> String {
    let mut told: Vec<String> = finding
        .conditions
        .iter()
        .map(|c| format!("{}: {} (setting: {})", c.text, c.measured, c.setting))
        .collect();
    told.push(telling::clock(finding));
    let references: Vec<Value> = finding
        .attack
        .iter()
        .filter(|a| a.kind == "technique")
        .map(|a| {
            json!({
                "@id": id("external-reference", &[&finding.id, &a.id]),
                "@type": "uco-core:ExternalReference",
                "uco-core:definingContext": "MITRE ATT&CK",
                "uco-core:externalIdentifier": a.id,
                "uco-core:referenceURL": {"@type": "xsd:anyURI", "@value": technique_url(&a.id)},
            })
        })
        .collect();
    let mut body = json!({
        "@type": "uco-analysis:AnalyticResult",
        "uco-core:name": format!("{} {} {}", finding.analytic.id.0, finding.short_id, finding.severity.0),
        "uco-core:statement": vis(&finding.title),
        "uco-core:description": vis(&told.join("; ")),
        "uco-analysis:originatingAnalysis": {"@id": id("analysis", &[&finding.analytic.id.0])},
        "uco-analysis:resultContent": observed,
        "uco-core:hasFacet": [{
            "@id": id("confidence-facet", &[&finding.id]),
            "@type": "uco-core:ConfidenceFacet",
            "uco-core:confidence": {"@type": "xsd:nonNegativeInteger", "@value": finding.confidence.score.to_string()},
        }],
    });
    if !references.is_empty() {
        body["uco-core:externalReference"] = references.into();
    }
    nodes.add("analytic-result", &[&finding.id], body)
}
