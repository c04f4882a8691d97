//! From a case to the shape of the report: nothing is added, nothing is left out. A finding's own
//! shape is for `incident`.

use super::fields::fields;
use super::incident::finding;
use super::refs::{reference, references};
use super::shape as s;
use super::shape::{AnalyticId, EvidenceNumber, Sha256Text, Time};
use crate::case::{self, Case};
use crate::context::clocks::ClockMode;
use crate::evidence::Weight;
use crate::model::finding::Severity;
use crate::model::hex::hex;
use crate::model::{Event, EvidenceId, Labels, Timestamp};
use crate::report::words::{Form, sentence};
use std::collections::BTreeMap;

pub(super) fn report(case: &Case) -> s::Report {
    s::Report {
        schema: super::SCHEMA.into(),
        schema_version: super::SCHEMA_VERSION.into(),
        tool: tool(case),
        case: s::CaseFile {
            id: case.number.clone(),
            examiner: case.examiner.clone(),
        },
        parameters: parameters(&case.parameters),
        evidence: case
            .evidence
            .iter()
            .map(|row| evidence(case, row))
            .collect(),
        hosts: case
            .hosts
            .iter()
            .enumerate()
            .map(|(i, row)| host(&case.labels, i, row))
            .collect(),
        coverage: case
            .coverage
            .iter()
            .map(|row| coverage(&case.labels, row))
            .collect(),
        gaps: gaps(case),
        conflicts: conflicts(case),
        verdicts: case
            .verdicts
            .iter()
            .map(|v| s::Verdict {
                analytic: analytic_id(v.analytic),
                host: v.host.clone(),
                verdict: v.verdict.word().into(),
                judgeable: v.judgeable.word().into(),
                words: v.words.clone(),
            })
            .collect(),
        findings: case.incidents.iter().map(|i| finding(case, i)).collect(),
        suppression: case.rules.iter().map(suppression_rule).collect(),
        near_misses: case
            .near_misses
            .iter()
            .map(|miss| s::NearMiss {
                analytic: analytic_id(miss.analytic),
                missing: miss.missing,
                time: time(miss.time),
                text: miss.text.clone(),
                refs: miss
                    .references
                    .iter()
                    .map(|p| reference(&case.labels, p, None))
                    .collect(),
            })
            .collect(),
        problems: case
            .problems
            .iter()
            .map(|p| problem(&case.labels, p))
            .collect(),
        advice: case.advice.clone(),
        notes: case.notes.clone(),
        summary: summary(case),
    }
}

pub(super) fn tool(case: &Case) -> s::Tool {
    s::Tool {
        name: "casewire".into(),
        version: case.version.clone(),
        commit: case.commit.clone(),
    }
}

pub(super) fn time(t: Timestamp) -> Time {
    Time(t.rfc3339())
}

pub(super) fn evidence_number(labels: &Labels, id: EvidenceId) -> EvidenceNumber {
    EvidenceNumber(labels.file(id).into_owned())
}

pub(super) fn numbers(labels: &Labels, ids: &[EvidenceId]) -> Vec<EvidenceNumber> {
    let number = |id: &EvidenceId| evidence_number(labels, *id);
    ids.iter().map(number).collect()
}

pub(super) fn analytic_id(id: &str) -> AnalyticId {
    AnalyticId(id.to_owned())
}

pub(super) fn parameters(asked: &case::Parameters) -> s::Parameters {
    s::Parameters {
        sha256: Sha256Text(hex(&asked.sha256())),
        config_sha256: asked.config_sha256.map(|h| Sha256Text(hex(&h))),
        profile: asked.profile.word().into(),
        time_zone: "UTC".into(),
        window: s::Window {
            start: asked.from.map(time),
            end: asked.to.map(time),
        },
        analytics: asked
            .analytics
            .iter()
            .map(|run| s::AnalyticRun {
                id: analytic_id(run.about.id),
                version: run.about.version.to_owned(),
                name: run.about.name.to_owned(),
                settings: run
                    .settings
                    .iter()
                    .map(|set| (set.name.to_owned(), set.value.clone()))
                    .collect(),
                changed: run
                    .settings
                    .iter()
                    .filter(|set| set.changed())
                    .map(|set| set.name.to_owned())
                    .collect(),
            })
            .collect(),
        clock: s::ClockMode {
            mode: match (asked.clock.mode, asked.clock.given.is_empty()) {
                (ClockMode::Measured, _) => "measured",
                (ClockMode::AsRecorded, true) => "as-recorded",
                (ClockMode::AsRecorded, false) => "given",
            }
            .into(),
            given: asked
                .clock
                .given
                .iter()
                .map(|(name, offset)| s::GivenClock {
                    host: name.clone(),
                    offset_ns: offset.0,
                })
                .collect(),
            max_skew_ns: asked.max_skew.0,
        },
        hosts: asked
            .hosts
            .iter()
            .map(|(name, address)| s::HostAddress {
                name: name.clone(),
                address: address.to_string(),
            })
            .collect(),
        network: s::Network {
            internal: asked
                .assets
                .internal
                .iter()
                .map(ToString::to_string)
                .collect(),
            segments: asked
                .segments()
                .into_iter()
                .map(|(name, network)| s::Segment { name, network })
                .collect(),
            roles: asked
                .roles()
                .into_iter()
                .map(|(host, role)| s::HostRole {
                    host,
                    role: role.into(),
                })
                .collect(),
        },
        scanners: asked.scanners.clone(),
        baselines: background(&asked.baselines),
        known_hosts: background(&asked.known_hosts),
        containments: asked
            .containments
            .iter()
            .map(|stated| s::Containment {
                time: stated.time.rfc3339(),
                host: stated.host.clone(),
            })
            .collect(),
    }
}

fn background(files: &[case::BackgroundFile]) -> Vec<s::BackgroundFile> {
    let file = |file: &case::BackgroundFile| s::BackgroundFile {
        name: file.name.clone(),
        sha256: Sha256Text(hex(&file.sha256)),
        days: file.days.clone(),
    };
    files.iter().map(file).collect()
}

fn suppression_rule(row: &case::RuleRow) -> s::SuppressionRule {
    let numbers = |list: &[usize]| list.iter().map(|n| *n as u64).collect();
    s::SuppressionRule {
        line: row.line as u64,
        rule: row.rule.clone(),
        reason: row.reason.clone(),
        by: row.by.clone(),
        until: row.until.clone(),
        suppressed: numbers(&row.suppressed),
        expired_before: numbers(&row.too_late),
        remarks: row.remarks.clone(),
    }
}

pub(super) fn evidence(case: &Case, row: &case::EvidenceRow) -> s::Evidence {
    s::Evidence {
        id: evidence_number(&case.labels, row.id),
        kind: row.kind.clone(),
        path: row.path.clone(),
        archive: row.archive.map(|id| evidence_number(&case.labels, id)),
        size: row.size,
        hashes: s::Hashes {
            sha256: row.sha256.map(|h| Sha256Text(hex(&h))),
        },
        verified_after_run: row.verified_after_run,
        first_time: row.first_time.map(time),
        last_time: row.last_time.map(time),
        units_read: row.units_read,
        units_skipped: row.units_skipped,
        problems: case
            .problems
            .iter()
            .filter(|p| p.evidence == Some(row.id))
            .map(|p| problem(&case.labels, p))
            .collect(),
    }
}

fn host(labels: &Labels, index: usize, row: &case::HostRow) -> s::Host {
    s::Host {
        id: format!("H{}", index + 1),
        name: (!row.name.is_empty()).then(|| row.name.to_string()),
        addresses: row.addresses.iter().map(ToString::to_string).collect(),
        evidence: numbers(labels, &row.evidence),
        clock: clock(&row.clock),
    }
}

pub(super) fn clock(clock: &case::Clock) -> s::Clock {
    s::Clock {
        offset_ns: clock.offset.map(|x| x.0),
        uncertainty_ns: clock.uncertainty.map(|x| x.0),
        method: clock.method.clone(),
        anchors: clock.anchors,
    }
}

pub(super) fn coverage(labels: &Labels, row: &case::CoverageRow) -> s::Coverage {
    s::Coverage {
        analytic: analytic_id(row.analytic),
        host: row.host.clone(),
        needs: row.needs.clone(),
        status: row.status.word().into(),
        evidence: numbers(labels, &row.evidence),
        start: row.start.map(time),
        end: row.end.map(time),
        note: row.note.clone(),
        gaps: row.gaps.iter().map(|at| gap_number(*at)).collect(),
    }
}

fn gap_number(at: usize) -> s::GapNumber {
    s::GapNumber(format!("G{}", at + 1))
}

pub(super) fn gaps(case: &Case) -> Vec<s::Gap> {
    case.gaps
        .iter()
        .enumerate()
        .map(|(i, gap)| s::Gap {
            id: gap_number(i),
            kind: gap.kind.word().into(),
            host: (!gap.host.is_empty()).then(|| gap.host.clone()),
            evidence: numbers(&case.labels, &gap.evidence),
            start: gap.from.map(time),
            end: gap.to.map(time),
            what: gap.what.clone(),
            why: gap.why.clone(),
            remedy: (!gap.remedy.is_empty()).then(|| gap.remedy.clone()),
        })
        .collect()
}

pub(super) fn conflicts(case: &Case) -> Vec<s::Conflict> {
    case.conflicts
        .iter()
        .map(|row| s::Conflict {
            kind: row.kind.word().into(),
            addresses: row.addresses.iter().map(ToString::to_string).collect(),
            names: row.names.iter().map(ToString::to_string).collect(),
            start: row.from.map(time),
            end: row.to.map(time),
            what: row.what.clone(),
            taken: row.taken.clone(),
        })
        .collect()
}

pub(super) fn problem(labels: &Labels, problem: &crate::evidence::Problem) -> s::Problem {
    s::Problem {
        evidence: problem.evidence.map(|id| evidence_number(labels, id)),
        kind: problem.kind.slug().to_owned(),
        weight: match problem.weight {
            Weight::Loss => "loss",
            Weight::Note => "note",
        }
        .into(),
        count: problem.count,
        first_offset: problem.first_offset,
        message: problem.message.clone(),
        effect: problem.effect.clone(),
    }
}

/// The zone of an event's times, where it is not UTC.
pub(super) fn zone(labels: &Labels, event: &Event) -> Option<s::Word> {
    labels.is_local(event).then(|| s::UNKNOWN_ZONE.into())
}

/// The fields of an event under names that a reader of the report owns as well.
pub(super) fn named(event: &Event) -> BTreeMap<s::Word, s::Value> {
    fields(event)
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
}

pub(super) fn timeline_event(event: &Event, labels: &Labels) -> s::TimelineEvent {
    s::TimelineEvent {
        time: time(event.time),
        recorded_time: time(event.recorded),
        offset_applied_ns: event.time.since(event.recorded).0,
        time_zone: zone(labels, event),
        summary: sentence(event, Form::Long),
        refs: references(labels, event, &[]),
        fields: named(event),
    }
}

fn summary(case: &Case) -> s::Summary {
    let mut by_severity = s::BySeverity::default();
    let mut findings = 0;
    for incident in case.open_incidents() {
        findings += 1;
        *match incident.finding.severity {
            Severity::Critical => &mut by_severity.critical,
            Severity::High => &mut by_severity.high,
            Severity::Medium => &mut by_severity.medium,
            Severity::Low => &mut by_severity.low,
            Severity::Info => &mut by_severity.info,
        } += 1;
    }
    s::Summary {
        findings,
        by_severity,
        suppressed: case.incidents.len() as u64 - findings,
        events: s::Events {
            packets: case.totals.packets,
            records: case.totals.records,
        },
        first_time: case.span.map(|(first, _)| time(first)),
        last_time: case.span.map(|(_, last)| time(last)),
        unknown_zones: case.unknown_zones.clone(),
    }
}
