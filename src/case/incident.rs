//! From findings to incidents: a stable name, an order, and which belong together.
//!
//! An incident's id depends on what the evidence holds, never on where the evidence lies or on how
//! many threads read it, so that notes and suppressions made today still fit after a re-run.

use super::EvidenceRow;
use super::chains::Chain;
use crate::model::finding::{Entities, Finding, Role};
use crate::model::provenance::Item;
use crate::model::{EvidenceId, Provenance};
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A finding with its name and number in the report.
#[derive(Clone, Debug)]
pub struct Incident {
    /// From 1.
    pub number: usize,
    /// Stable id in the shape of a UUID (version 8, RFC 9562 5.8).
    pub id: String,
    /// `F` and the first eight hex digits of the id.
    pub short_id: String,
    /// The lowest number of another incident that cites one of the same steps, if it is lower.
    pub same_activity_as: Option<usize>,
    /// Incidents that it may belong to: see `chains::link`.
    pub chain: Chain,
    /// The rule that suppresses it.
    pub suppressed: Option<Suppressed>,
    /// What was found.
    pub finding: Finding,
}

/// Why an incident is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// The rule, as text.
    pub rule: String,
    /// Its reason.
    pub reason: String,
    /// Who made it.
    pub by: String,
    /// The day it ends, as written.
    pub until: Option<String>,
}

/// What can be said about how far the evidence fits the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fit {
    /// All of the pattern, in its order.
    Consistent,
    /// A part of the pattern.
    Partial,
    /// All of it, but the order is within the uncertainty of the clocks.
    OrderUncertain,
}

impl Fit {
    /// The stable name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Consistent => "consistent_with_pattern",
            Self::Partial => "partial_pattern",
            Self::OrderUncertain => "order_uncertain",
        }
    }
}

impl Incident {
    /// How far the evidence fits the pattern. An uncertain order is said first.
    pub fn fit(&self) -> Fit {
        match (self.finding.order.certain, self.finding.tier) {
            (false, _) => Fit::OrderUncertain,
            (true, crate::model::finding::Tier::Partial) => Fit::Partial,
            (true, _) => Fit::Consistent,
        }
    }
}

/// Names, sorts and numbers findings: severity, confidence (both highest first), first time,
/// analytic, id. Findings that are equal in all of what an id rests on still get ids of their own.
pub fn number(findings: Vec<Finding>, evidence: &[EvidenceRow]) -> Vec<Incident> {
    let files: BTreeMap<EvidenceId, &EvidenceRow> = evidence.iter().map(|e| (e.id, e)).collect();
    let mut named: Vec<(String, Finding)> = findings
        .into_iter()
        .map(|f| (stable_id(&f, &files, 0), f))
        .collect();
    named.sort_by(|(a_id, a), (b_id, b)| {
        let key = |f: &Finding| (Reverse(f.severity), Reverse(f.confidence), f.first_time());
        key(a)
            .cmp(&key(b))
            .then_with(|| a.analytic.cmp(b.analytic))
            .then_with(|| a_id.cmp(b_id))
            .then_with(|| a.title.cmp(&b.title))
    });

    let mut twins: BTreeMap<String, u64> = BTreeMap::new();
    let mut cited: BTreeMap<Provenance, usize> = BTreeMap::new();
    let mut incidents = Vec::with_capacity(named.len());
    for (index, (mut id, finding)) in named.into_iter().enumerate() {
        let number = index + 1;
        let twin = twins.entry(id.clone()).or_insert(0);
        if *twin > 0 {
            id = stable_id(&finding, &files, *twin);
        }
        *twin += 1;
        let mut same_activity_as = None;
        for step in finding.steps.iter().filter(|s| s.role != Role::Context) {
            let first = *cited.entry(step.event.provenance).or_insert(number);
            if first < number {
                same_activity_as = Some(same_activity_as.map_or(first, |n: usize| n.min(first)));
            }
        }
        let short_id = format!("F{}", id.get(..8).unwrap_or(&id));
        incidents.push(Incident {
            number,
            id,
            short_id,
            same_activity_as,
            chain: Chain::default(),
            suppressed: None,
            finding,
        });
    }
    incidents
}

/// SHA-256 over analytic, cited places and entities, cut to a UUID. Each text is preceded by its
/// length, so that two different lists cannot run together into the same bytes.
fn stable_id(finding: &Finding, files: &BTreeMap<EvidenceId, &EvidenceRow>, twin: u64) -> String {
    let mut hash = Sha256::new();
    put(&mut hash, b"casewire incident 1");
    put(&mut hash, finding.analytic.as_bytes());
    let places: BTreeSet<Vec<u8>> = finding
        .steps
        .iter()
        .map(|s| place(&s.event.provenance, files))
        .collect();
    for place in places {
        put(&mut hash, &place);
    }
    put_entities(&mut hash, &finding.entities);
    if twin > 0 {
        put(&mut hash, &twin.to_be_bytes());
    }
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn put(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

/// A place in the evidence by content: the file's hash (or its kind and size where there is no
/// hash), packet or record, number, offset.
fn place(at: &Provenance, files: &BTreeMap<EvidenceId, &EvidenceRow>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    match files.get(&at.evidence) {
        Some(EvidenceRow {
            sha256: Some(sha256),
            ..
        }) => bytes.extend_from_slice(sha256),
        Some(file) => bytes.extend_from_slice(format!("{} {}", file.kind, file.size).as_bytes()),
        None => bytes.extend_from_slice(format!("E{}", at.evidence.0).as_bytes()),
    }
    bytes.push(0);
    bytes.push(match at.kind {
        Item::Packet => b'p',
        Item::Record => b'r',
        Item::Line => b'l',
    });
    bytes.extend_from_slice(&at.item.to_be_bytes());
    bytes.extend_from_slice(&at.offset.to_be_bytes());
    bytes
}

fn put_entities(hash: &mut Sha256, who: &Entities) {
    let ports = |ports: &[u16]| {
        ports
            .iter()
            .flat_map(|p| p.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    put(
        hash,
        who.remote
            .map(|a| a.to_string())
            .unwrap_or_default()
            .as_bytes(),
    );
    put(hash, who.remote_mac.as_ref().map_or(&[][..], |mac| mac));
    put(hash, who.host_name.as_bytes());
    put(
        hash,
        who.host_address
            .map(|a| a.to_string())
            .unwrap_or_default()
            .as_bytes(),
    );
    put(hash, &ports(&who.probed_ports));
    put(hash, &ports(&who.opened_ports));
    put(hash, who.process.as_bytes());
    put(
        hash,
        who.pid
            .map(|pid| pid.to_string())
            .unwrap_or_default()
            .as_bytes(),
    );
    put(hash, who.woken.as_flattened());
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::attempt::{Attempt, FlowEnd, Marks, Outcome};
    use crate::model::finding::{Severity, Step};
    use crate::model::{Endpoint, Event, Span, Timestamp, Transport, What};

    /// A step that cites a packet of a capture.
    pub fn step(file: u32, packet: u64, role: Role) -> Step {
        let time = Timestamp(packet as i64);
        let any = Endpoint::new("10.0.0.1".parse().unwrap(), 1);
        let attempt = Attempt {
            transport: Transport::TCP,
            initiator: any,
            responder: any,
            isn: None,
            tries: 1,
            last_try: time,
            outcome: Outcome::Rejected,
            decided: time,
            deciding: None,
            accepted: None,
            bytes: [0, 0],
            packets: [1, 1],
            end: FlowEnd::Open,
            ended: time,
            marks: Marks::default(),
            pid: None,
            vlan: None,
            icmp: None,
            payload: None,
            actor: None,
        };
        let provenance = Provenance {
            evidence: EvidenceId(file),
            interface: 0,
            kind: Item::Packet,
            item: packet,
            offset: packet * 10,
            inside: false,
        };
        let what = What::attempt(attempt);
        Step {
            role,
            event: Event {
                time,
                recorded: time,
                provenance,
                what,
            },
            also: Vec::new(),
            remark: String::new(),
        }
    }

    fn finding(analytic: &'static str, severity: Severity, steps: Vec<Step>) -> Finding {
        Finding {
            steps,
            ..Finding::blank(analytic, severity)
        }
    }

    #[test]
    fn a_selection_of_steps_does_not_shorten_a_finding() {
        let steps = vec![step(1, 5, Role::Scan), step(1, 9, Role::Connect)];
        let mut one = finding("AN1057", Severity::Low, steps);
        let told = |finding: &Finding| (finding.first_time(), finding.last_time());
        let (first, last) = told(&one);
        let (sooner, later) = (first.shifted(Span(-1)), last.shifted(Span(1)));
        one.span = Some((sooner, later));
        assert_eq!(told(&one), (sooner, later));
        one.span = Some((sooner, first));
        assert_eq!(told(&one), (sooner, last), "what followed still counts");
    }

    fn file(id: u32, sha256: Option<[u8; 32]>, path: &str) -> EvidenceRow {
        EvidenceRow {
            id: EvidenceId(id),
            kind: "pcap".to_owned(),
            used: true,
            path: path.to_owned(),
            archive: None,
            location: std::path::PathBuf::new(),
            size: 99,
            sha256,
            verified_after_run: None,
            first_time: None,
            last_time: None,
            unit: Item::Packet,
            units_read: 0,
            units_skipped: 0,
        }
    }

    #[test]
    fn an_id_follows_the_evidence_wherever_it_lies() {
        let probe = |file| {
            vec![finding(
                "AN0842",
                Severity::Low,
                vec![step(file, 7, Role::Probe)],
            )]
        };
        let here = number(probe(1), &[file(1, Some([5; 32]), "a/x.pcap")]);
        let there = number(
            probe(2),
            &[
                file(1, Some([6; 32]), "a"),
                file(2, Some([5; 32]), "/mnt/y.pcap"),
            ],
        );
        assert_eq!(here[0].id, there[0].id);
        assert_eq!(here[0].short_id, format!("F{}", &here[0].id[..8]));

        let other = number(probe(1), &[file(1, Some([6; 32]), "a/x.pcap")]);
        assert_ne!(here[0].id, other[0].id);
        let without_hash = number(probe(1), &[file(1, None, "a/x.pcap")]);
        assert_eq!(
            without_hash[0].id,
            number(probe(1), &[file(1, None, "b")])[0].id
        );
    }

    #[test]
    fn an_id_changes_with_analytic_step_and_entity() {
        let evidence = [file(1, Some([5; 32]), "x")];
        let base = finding("AN0842", Severity::Low, vec![step(1, 7, Role::Probe)]);
        let mut named = base.clone();
        named.entities.host_name = "FS01".into();
        let findings = vec![
            base.clone(),
            named,
            finding("AN1448", Severity::Low, vec![step(1, 7, Role::Probe)]),
            finding("AN0842", Severity::Low, vec![step(1, 8, Role::Probe)]),
        ];
        let ids: BTreeSet<String> = number(findings, &evidence)
            .into_iter()
            .map(|i| i.id)
            .collect();
        assert_eq!(ids.len(), 4);

        // What is told about a finding may change without making it another one.
        let mut retold = base.clone();
        retold.title = "other words".to_owned();
        retold.confidence = 10;
        assert_eq!(
            number(vec![base], &evidence)[0].id,
            number(vec![retold], &evidence)[0].id
        );
    }

    #[test]
    fn equal_findings_still_have_ids_of_their_own() {
        let twin = || finding("AN0842", Severity::Low, vec![step(1, 7, Role::Probe)]);
        let ids: BTreeSet<String> = number(vec![twin(), twin(), twin()], &[])
            .into_iter()
            .map(|i| i.id)
            .collect();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn incidents_are_sorted_whatever_the_order_of_discovery() {
        let mut sure = finding("AN1057", Severity::Low, vec![step(1, 50, Role::Scan)]);
        sure.confidence = 90;
        let findings = vec![
            finding("AN1448", Severity::Low, vec![step(1, 9, Role::Probe)]),
            finding("AN0842", Severity::Low, vec![step(1, 9, Role::Probe)]),
            finding("AN0842", Severity::Low, vec![step(1, 3, Role::Probe)]),
            sure,
            finding("AN1376", Severity::Critical, vec![step(1, 99, Role::Block)]),
        ];
        let expected = [
            ("AN1376", 99),
            ("AN1057", 50),
            ("AN0842", 3),
            ("AN0842", 9),
            ("AN1448", 9),
        ];
        let order = |findings: Vec<Finding>| -> Vec<(&str, i64)> {
            number(findings, &[])
                .iter()
                .map(|i| (i.finding.analytic, i.finding.first_time().0))
                .collect()
        };
        assert_eq!(order(findings.clone()), expected);
        assert_eq!(order(findings.into_iter().rev().collect()), expected);
    }

    #[test]
    fn a_shared_step_marks_the_same_activity_but_a_shared_context_does_not() {
        let context = || step(1, 1, Role::Context);
        let incidents = number(
            vec![
                finding(
                    "AN0842",
                    Severity::High,
                    vec![context(), step(1, 7, Role::Probe)],
                ),
                finding("AN1448", Severity::Medium, vec![step(1, 7, Role::Probe)]),
                finding(
                    "AN1057",
                    Severity::Low,
                    vec![context(), step(1, 8, Role::Scan)],
                ),
            ],
            &[],
        );
        let same: Vec<Option<usize>> = incidents.iter().map(|i| i.same_activity_as).collect();
        assert_eq!(same, [None, Some(1), None]);
    }

    #[test]
    fn an_id_has_the_shape_of_a_uuid() {
        let id = &number(vec![finding("AN0842", Severity::Low, Vec::new())], &[])[0].id;
        let bytes = id.as_bytes();
        assert_eq!(id.len(), 36);
        assert_eq!(bytes[14], b'8', "version 8");
        assert!(
            matches!(bytes[19], b'8' | b'9' | b'a' | b'b'),
            "variant of RFC 9562"
        );
    }
}
