//! The tables of a finding: its targets, what they were compared with, who did it.

use super::Alarm;
use super::judge::{Ground, Measured, whole_days};
use super::settings::FailedConnectionsSettings;
use super::target::Who;
use super::targets::distinct;
use crate::analytics::kit::moments::clocks;
use crate::analytics::kit::statistics::{LEAST_MAD as MAD, LEAST_MEAN as MEAN, shown};
use crate::context::activity::State as Life;
use crate::context::baseline::{Day, PairUse};
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_key;
use crate::model::finding::Table;
use crate::model::{Provenance, Text, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A pair of causality owner and process is rare on at most so many hosts and days before, or below
/// this share of at least so many instances.
pub(super) const RARE_DAYS: u64 = 1;
const RARE_SHARE: f64 = 0.01;
pub(super) const RARE_FROM: u64 = 50;

/// Who did it, and how usual that is.
pub(super) struct Relation {
    /// Image as told and process id.
    pub(super) actor: Who,
    /// Missing targets that are due to it.
    pub(super) targets: usize,
    /// The program its chain goes back to, and whether the chain is complete.
    pub(super) causality: Option<(Text, bool)>,
    /// The records of the process and of what it goes back to.
    pub(super) records: Vec<Provenance>,
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
    let answered = clocks(alarm.came.values().copied(), 0);
    for (address, target) in &alarm.targets {
        let (first, _) = target.failed.unwrap_or_default();
        let life = match target.missing {
            Some(Life::Inactive(last)) => format!("since {} {}", last.date(), last.clock(0)),
            Some(Life::Listed) => "listed, silent".to_owned(),
            _ => "not seen before".to_owned(),
        };
        let ports: Vec<String> = target.ports.iter().map(u16::to_string).collect();
        let ways = target.failures.iter().map(|f| f.words().to_owned());
        let mut how: Vec<String> = ways.collect();
        if !target.vouched && target.internal {
            how.push("segment not heard".to_owned());
        }
        if target.shared {
            how.push("fails for others too".to_owned());
        }
        if let Some(at) = alarm.came.get(address) {
            how.push(format!("answered {}", answered(*at)));
        }
        rows.push((
            first,
            vec![
                address.to_string(),
                life,
                ports.join(","),
                target.tries.count().to_string(),
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
        rows: compared(alarm),
    });
    if let Some(relation) = relation {
        tables.push(Table {
            title: "PROCESS".to_owned(),
            columns: texts(&["what", "value"]),
            rows: process(relation),
        });
    }
    if !alarm.answering.is_empty() {
        let mut there: Vec<(Timestamp, IpAddr)> = alarm
            .answering
            .iter()
            .map(|(address, at)| (*at, *address))
            .collect();
        there.sort_unstable_by(|a, b| b.cmp(a));
        let clock = clocks(there.iter().map(|(at, _)| *at), 0);
        let rows = there.iter().map(|(at, address)| {
            let name = context.identity.at(*address, *at);
            let name = name.and_then(|id| context.identity.host(id));
            vec![
                address.to_string(),
                clock(*at),
                name.map_or_else(String::new, |h| h.name.to_string()),
            ]
        });
        tables.push(Table {
            title: "TARGETS THAT ANSWERED OR REFUSED".to_owned(),
            columns: texts(&["target", "at", "name"]),
            rows: rows.collect(),
        });
    }
    tables
}

fn compared(alarm: &Alarm) -> Vec<Vec<String>> {
    let measured: &Measured = &alarm.measured;
    let (count, mixture) = (&measured.count, &measured.mixture);
    let moments = &count.moments;
    let mut rows = Vec::new();
    let mut row = |what: &str, value: String| rows.push(vec![what.to_owned(), value]);
    let counted = match (alarm.judged_again, measured.internal) {
        (true, _) => "missing targets, judged again without those that answered soon",
        (false, true) => "missing targets, when it was first abnormal",
        (false, false) => "failing addresses, when there first were enough",
    };
    row(counted, measured.missing.to_string());
    let (all, tried) = (
        distinct(alarm.targets.keys().copied()),
        alarm.tried_in_all(),
    );
    let to_the_end = (tried > mixture.n).then(|| format!("{all} of {tried}"));
    if !measured.internal {
        row(
            "failing of tried",
            format!("{} of {}", mixture.k, mixture.n),
        );
        if let Some(to_the_end) = to_the_end {
            row("failing of tried, to its end", to_the_end);
        }
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
        row(
            "robust z",
            format!("{:.1}{}", count.z, floor("MAD", moments.mad, MAD)),
        );
        row(
            "chance of as many",
            format!("{}{}", shown(count.p), floor("mean", moments.mean, MEAN)),
        );
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
    if let Some(to_the_end) = to_the_end {
        row("missing of targets, to its end", to_the_end);
    }
    row(
        "others' missing of targets",
        format!("{} of {}", mixture.others.0, mixture.others.1),
    );
    row(
        "chance of the mixture",
        format!(
            "{} at a rate of {:.3}, drawn towards 1 in 10",
            shown(mixture.p),
            mixture.rate
        ),
    );
    row(
        "alarming days in a row before",
        measured.scanned_days.to_string(),
    );
    rows
}

/// What is said of a measure that is smaller than the least it is taken as.
pub(super) fn floor(what: &str, value: f64, least: f64) -> String {
    match value < least {
        true => format!(" ({what} taken as {least})"),
        false => String::new(),
    }
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
    let mut records: Vec<Provenance> = Vec::new();
    let owners = owner.as_ref().and_then(|owner| owner.instance);
    for of in [instance.map(|(_, instance)| instance), owners]
        .into_iter()
        .flatten()
    {
        records.extend(&of.records);
    }
    records.sort_unstable();
    records.dedup();
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
        records,
        before,
        days,
    })
}
