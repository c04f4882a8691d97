//! The tables of a finding: its targets, what they were compared with, who did it.

use super::Alarm;
use super::judge::{Ground, Measured, whole_days};
use super::settings::FailedConnectionsSettings;
use super::targets::Who;
use crate::analytics::kit::moments::clocks;
use crate::analytics::kit::statistics::shown;
use crate::context::activity::State as Life;
use crate::context::baseline::{Day, PairUse};
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_key;
use crate::model::finding::Table;
use crate::model::{Text, Timestamp};
use std::collections::BTreeMap;

/// Targets named that were there.
const ANSWERING: usize = 8;
/// A pair of causality owner and process is rare on at most so many hosts and days before, or below
/// this share of at least so many instances.
const RARE_DAYS: u64 = 1;
const RARE_SHARE: f64 = 0.01;
const RARE_FROM: u64 = 50;

/// Who did it, and how usual that is.
pub(super) struct Relation {
    /// Image as told and process id.
    pub(super) actor: Who,
    /// Missing targets that are due to it.
    pub(super) targets: usize,
    /// The program its chain goes back to, and whether the chain is complete.
    pub(super) causality: Option<(Text, bool)>,
    /// How the pair went together before.
    pub(super) before: PairUse,
    /// Days of processes known before.
    pub(super) days: u64,
    /// True if the pair is rare.
    pub(super) rare: bool,
    /// True if four fifths of the missing targets are due to it: what is told of it is told of the
    /// finding.
    pub(super) carries: bool,
}

/// The tables.
pub(super) fn tables(alarm: &Alarm, relation: Option<&Relation>, context: &Context) -> Vec<Table> {
    let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let mut rows: Vec<(Timestamp, Vec<String>)> = Vec::new();
    let times = alarm.targets.values().filter_map(|t| t.failed);
    let clock = clocks(times.map(|(first, _)| first), 3);
    for (address, target) in &alarm.targets {
        let (first, _) = target.failed.unwrap_or_default();
        let life = match target.missing {
            Some(Life::Inactive(last)) => format!("since {} {}", last.date(), last.clock(0)),
            Some(Life::Listed) => "listed, silent".to_owned(),
            _ => "not seen before".to_owned(),
        };
        let ports: Vec<String> = target.ports.iter().map(u16::to_string).collect();
        let mut how: Vec<&str> = target.failures.iter().map(|f| f.words()).collect();
        if !target.vouched && target.internal {
            how.push("segment not heard");
        }
        if target.shared {
            how.push("fails for others too");
        }
        rows.push((
            first,
            vec![
                address.to_string(),
                life,
                ports.join(","),
                target.attempts.to_string(),
                clock(first),
                how.join(", "),
            ],
        ));
    }
    rows.sort();
    let mut tables = vec![Table {
        title: match alarm.measured.internal {
            true => "MISSING TARGETS".to_owned(),
            // Nobody sees all of the Internet: none of it is called missing.
            false => "ADDRESSES THAT FAILED".to_owned(),
        },
        columns: texts(&["target", "state", "ports", "failed", "first", "how"]),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    }];
    tables.push(Table {
        title: "COMPARED WITH".to_owned(),
        columns: texts(&["what", "value"]),
        rows: compared(&alarm.measured),
    });
    if let Some(relation) = relation {
        tables.push(Table {
            title: "PROCESS".to_owned(),
            columns: texts(&["what", "value"]),
            rows: process(relation),
        });
    }
    if !alarm.answering.is_empty() {
        let rows = alarm.answering.iter().take(ANSWERING).map(|address| {
            let name = context.identity.at(*address, alarm.measured.at);
            let name = name.and_then(|id| context.identity.host(id));
            vec![
                address.to_string(),
                name.map_or_else(String::new, |h| h.name.to_string()),
            ]
        });
        let mut rows: Vec<Vec<String>> = rows.collect();
        if let more @ 1.. = alarm.answering.len() - rows.len() {
            rows.push(vec![format!("and {more} more"), String::new()]);
        }
        tables.push(Table {
            title: "TARGETS THAT ANSWERED OR REFUSED".to_owned(),
            columns: texts(&["target", "name"]),
            rows,
        });
    }
    tables
}

fn compared(measured: &Measured) -> Vec<Vec<String>> {
    let (count, mixture) = (&measured.count, &measured.mixture);
    let moments = &count.moments;
    let mut rows = Vec::new();
    let mut row = |what: &str, value: String| rows.push(vec![what.to_owned(), value]);
    let counted = match measured.internal {
        true => "missing targets, when it was first abnormal",
        false => "failing addresses, when there first were enough",
    };
    row(counted, measured.missing.to_string());
    if !measured.internal {
        row(
            "failing of tried",
            format!("{} of {}", mixture.k, mixture.n),
        );
        return rows;
    }
    match count.ground {
        Ground::Own { days, most } => {
            row("own days before", days.to_string());
            row("most on one of them", most.to_string());
        }
        Ground::Peers { sources, days } => {
            row("own days before", format!("{days}, too few"));
            row("other sources that day", sources.to_string());
        }
        Ground::Nothing { days } => {
            row("own days before", format!("{days}, too few"));
            row("other sources that day", "fewer than 5".to_owned());
        }
    }
    if !matches!(count.ground, Ground::Nothing { .. }) {
        row(
            "median, MAD",
            format!("{:.1}, {:.1}", moments.median, moments.mad),
        );
        row(
            "mean, variance",
            format!("{:.2}, {:.2}", moments.mean, moments.variance),
        );
        row("robust z", format!("{:.1}", count.z));
        row("chance of as many", shown(count.p));
        row(
            "adjusted, rank",
            format!(
                "{}, {} of {}",
                shown(count.adjusted.value),
                count.adjusted.rank,
                count.adjusted.of
            ),
        );
    }
    row(
        "missing of targets",
        format!("{} of {}", mixture.k, mixture.n),
    );
    row(
        "others' missing of targets",
        format!("{} of {}", mixture.others.0, mixture.others.1),
    );
    row(
        "chance of the mixture",
        format!("{} at a rate of {:.3}", shown(mixture.p), mixture.rate),
    );
    row(
        "alarming days in a row before",
        measured.scanned_days.to_string(),
    );
    rows
}

fn process(relation: &Relation) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |what: &str, value: String| rows.push(vec![what.to_owned(), value]);
    let pid = relation.actor.1;
    row("process", relation.actor.0.clone());
    row(
        "process id",
        pid.map_or_else(String::new, |p| p.to_string()),
    );
    row("missing targets of it", relation.targets.to_string());
    if let Some((owner, complete)) = &relation.causality {
        let more = if *complete {
            ""
        } else {
            " (the chain above it is not in the evidence)"
        };
        row("causality owner", format!("{owner}{more}"));
        row("days of processes before", relation.days.to_string());
        row(
            "hosts x days of the pair before",
            relation.before.host_days.to_string(),
        );
        row(
            "instances of the pair, of the owner",
            format!("{}, {}", relation.before.pair, relation.before.of_causality),
        );
    }
    rows
}

/// The process that most missing targets are due to, and what is known of its cause.
pub(super) fn relation(
    place: Place,
    alarm: &Alarm,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Option<Relation> {
    let mut counts: BTreeMap<&Who, usize> = BTreeMap::new();
    for target in alarm.targets.values() {
        if let Some(who) = target.who.as_ref().filter(|(image, _)| !image.is_empty()) {
            *counts.entry(who).or_default() += 1;
        }
    }
    let (actor, targets) = counts
        .into_iter()
        .max_by(|a, b| (a.1, b.0).cmp(&(b.1, a.0)))?;
    let at = alarm.measured.at;
    let instance = match (place, actor.1) {
        (Place::Host(id), Some(pid)) => context
            .processes
            .instance_at(id, pid, at, &actor.0)
            .map(|instance| (id, instance)),
        _ => None,
    };
    let owner = instance.map(|(id, instance)| context.processes.causality_owner(id, instance));
    let before = owner.as_ref().map_or_else(PairUse::default, |owner| {
        let today = Day::of(at).start();
        context
            .baseline
            .pair(&image_key(owner.image), &image_key(&actor.0), today)
    });
    let days = context.baseline.depth(place, at).logged;
    let share = (before.pair as f64 + 0.5) / (before.of_causality as f64 + 1.0);
    let rare =
        before.host_days <= RARE_DAYS || share <= RARE_SHARE && before.of_causality >= RARE_FROM;
    Some(Relation {
        actor: actor.clone(),
        targets,
        carries: targets * 5 >= alarm.targets.len() * 4,
        rare: owner.is_some() && rare && days as i64 >= whole_days(settings.activation),
        causality: owner.map(|owner| (owner.image.clone(), owner.complete)),
        before,
        days,
    })
}
