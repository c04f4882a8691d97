//! From an incident of a case to a finding of the report.

use super::from_case::{analytic_id, named, time, zone};
use super::refs::references;
use super::shape as s;
use crate::analytics::about::About;
use crate::case::chains::Chain;
use crate::case::{Case, Incident};
use crate::model::finding::Finding;
use crate::model::net::mac_text;
use crate::model::{Labels, Span, Timestamp};
use crate::report::words::{Form, sentence};

pub(super) fn finding(case: &Case, incident: &Incident) -> s::Finding {
    let found = &incident.finding;
    let about = case.analytic(found.analytic).map(|run| run.about);
    s::Finding {
        id: incident.id.clone(),
        short_id: incident.short_id.clone(),
        number: incident.number as u64,
        same_activity_as: incident.same_activity_as.map(|n| n as u64),
        analytic: s::Analytic {
            id: analytic_id(found.analytic),
            version: about.map_or("", |a| a.version).to_owned(),
            name: about.map_or("", |a| a.name).to_owned(),
        },
        also_satisfies: found
            .also_satisfies
            .iter()
            .map(|id| analytic_id(id))
            .collect(),
        title: found.title.clone(),
        severity: s::SeverityWord(found.severity.word().into()),
        tier: found.tier.word().into(),
        confidence: s::Confidence {
            level: found.confidence_word().into(),
            score: found.confidence,
            items: found
                .score
                .iter()
                .map(|i| s::ScoreItem {
                    reason: i.reason.clone(),
                    points: i.points,
                })
                .collect(),
        },
        verdict: incident.fit().word().into(),
        first_time: time(found.first_time()),
        last_time: time(found.last_time()),
        entities: entities(found),
        attack: attack(found, about),
        conditions: found
            .conditions
            .iter()
            .map(|c| s::Condition {
                text: c.text.clone(),
                setting: c.setting.clone(),
                measured: c.measured.clone(),
            })
            .collect(),
        tables: found
            .tables
            .iter()
            .map(|t| s::Table {
                title: t.title.clone(),
                columns: t.columns.clone(),
                rows: t.rows.clone(),
            })
            .collect(),
        steps: steps(&case.labels, found),
        order: s::Order {
            smallest_gap_ns: found.order.smallest_gap.map(|x| x.0),
            uncertainty_ns: found.order.uncertainty.0,
            certain: found.order.certain,
            notes: found.order.notes.clone(),
        },
        missing: found
            .unseen
            .iter()
            .map(|u| s::Missing {
                telemetry: u.telemetry.clone(),
                host: u.host.as_ref().map(ToString::to_string),
                effect: u.effect.clone(),
            })
            .collect(),
        alternatives: found.alternatives.clone(),
        actions: found.actions.clone(),
        notes: found.notes.clone(),
        chain: chain(&incident.chain),
        suppressed: incident.suppressed.as_ref().map(|x| s::Suppressed {
            rule: x.rule.clone(),
            reason: x.reason.clone(),
            by: x.by.clone(),
            until: x.until.clone(),
        }),
    }
}

/// The incidents before and after one, if there are any.
pub fn chain(chain: &Chain) -> Option<s::Chain> {
    (!chain.is_empty()).then(|| s::Chain {
        reached_in: chain
            .reached_in
            .iter()
            .map(|r| s::Reached {
                number: r.number as u64,
                before_ns: r.before.map(|span| span.0),
            })
            .collect(),
        source_of: chain.source_of.iter().map(|n| *n as u64).collect(),
        more: chain.more,
    })
}

fn steps(labels: &Labels, found: &Finding) -> Vec<s::Step> {
    let mut before: Option<Timestamp> = None;
    let mut steps = Vec::with_capacity(found.steps.len());
    for (i, step) in found.steps.iter().enumerate() {
        let event = &step.event;
        steps.push(s::Step {
            n: i as u64 + 1,
            role: step.role.word().into(),
            time: time(event.time),
            recorded_time: time(event.recorded),
            offset_applied_ns: event.time.since(event.recorded).0,
            time_zone: zone(labels, event),
            delta_ns: before.map_or(Span::ZERO, |b| event.time.since(b)).0,
            summary: sentence(event, Form::Long),
            remark: step.remark.clone(),
            refs: references(labels, event, &step.also),
            fields: named(event),
        });
        before = Some(event.time);
    }
    steps
}

fn entities(found: &Finding) -> s::Entities {
    let who = &found.entities;
    s::Entities {
        remote: (who.remote.is_some() || who.remote_mac.is_some()).then(|| s::Remote {
            address: who.remote.map(|a| a.to_string()),
            mac: who.remote_mac.map(mac_text),
        }),
        host: (who.host_address.is_some() || !who.host_name.is_empty()).then(|| s::FindingHost {
            address: who.host_address.map(|a| a.to_string()),
            name: (!who.host_name.is_empty()).then(|| who.host_name.to_string()),
        }),
        ports: s::PortLists {
            probed: who.probed_ports.clone(),
            opened: who.opened_ports.clone(),
        },
        process: (!who.process.is_empty()).then(|| s::ProcessName {
            name: who.process.to_string(),
            pid: who.pid,
        }),
        woken: who.woken.iter().map(|mac| mac_text(*mac)).collect(),
    }
}

fn attack(found: &Finding, about: Option<About>) -> Vec<s::Attack> {
    let mut list = vec![s::Attack {
        kind: "analytic".into(),
        id: found.analytic.to_owned(),
        name: None,
    }];
    let Some(about) = about else { return list };
    if !about.strategy.is_empty() {
        list.push(s::Attack {
            kind: "detection_strategy".into(),
            id: about.strategy.to_owned(),
            name: None,
        });
    }
    for (id, name) in about.technique {
        list.push(s::Attack {
            kind: if id.starts_with("TA") {
                "tactic"
            } else {
                "technique"
            }
            .into(),
            id: (*id).to_owned(),
            name: Some((*name).to_owned()),
        });
    }
    list
}
