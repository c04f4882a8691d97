//! The finding: what failed, against what it was held, and how far that carries.

use super::notes::{notes, unseen};
use super::otherwise::{actions, alternatives, outside_words};
use super::reasons::{conditions, score};
use super::settings::FailedConnectionsSettings;
use super::steps::{order, steps};
use super::tables::{relation, tables};
use super::target::{PORTS, Target};
use super::targets::{Targets, distinct, fared};
use super::{Alarm, FailedConnections};
use crate::analytics::contract::Analytic;
use crate::analytics::kit::picture::host_words;
use crate::analytics::kit::standing::Standing;
use crate::context::activity::{State as Life, counted_as};
use crate::context::{Context, Place};
use crate::model::finding::{Entities, Finding, Reach, Severity, Tier};
use crate::model::{Text, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The first and the last failure of all targets: the steps show some of them.
pub(super) fn failures(alarm: &Alarm) -> Option<(Timestamp, Timestamp)> {
    let failed = || alarm.targets.values().filter_map(|t| t.failed);
    let first = failed().map(|(first, _)| first).min();
    let last = failed().map(|(_, last)| last);
    first.zip(last.chain(alarm.left_out.map(|(_, last)| last)).max())
}

/// Makes the finding of an alarm.
pub(super) fn tell(
    place: Place,
    alarm: Alarm,
    targets: &Targets,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Finding {
    let relation = relation(place, &alarm, settings, context);
    let carried = relation.as_ref().filter(|r| r.carries);
    let rare = carried.is_some_and(|r| r.rare);
    let tier = tier(&alarm.targets);
    let address = own_address(place, &alarm, context);
    let at = alarm.measured.at;
    let standing = Standing::of(place, address, at, alarm.targets.keys(), context);
    let score = score(&alarm, rare, &standing);
    let steps = steps(&alarm, relation.as_ref(), &targets.witnesses, context);
    let source = host_words(place, context);
    let sum: i32 = score.iter().map(|item| item.points).sum();
    Finding {
        analytic: FailedConnections::ABOUT.id,
        span: failures(&alarm),
        also_satisfies: Vec::new(),
        title: title(place, &alarm, rare, context),
        // The vendor's variation with a rare relation is informational whatever the count.
        severity: if alarm.low && !rare {
            Severity::Low
        } else {
            Severity::Info
        },
        tier,
        confidence: sum.clamp(5, 95) as u8,
        entities: Entities {
            host_name: context.identity.name(place).cloned().unwrap_or_default(),
            host_address: address,
            process: carried.map_or_else(Text::default, |r| r.actor.0.as_str().into()),
            pid: carried.and_then(|r| r.actor.1),
            reach: Some(Reach {
                addresses: alarm.targets.keys().copied().collect(),
                ports: ports(&alarm.targets),
                more: alarm.left_out.is_some()
                    || alarm.targets.values().any(|t| t.ports.len() >= PORTS),
            }),
            ..Entities::default()
        },
        order: order(&steps, context),
        steps,
        conditions: conditions(&alarm, carried, settings),
        tables: tables(&alarm, relation.as_ref(), context),
        score,
        unseen: unseen(place, &alarm, context),
        alternatives: alternatives(&alarm),
        actions: actions(
            (&source, place),
            &alarm,
            relation.as_ref(),
            failures(&alarm),
            context,
        ),
        notes: notes(place, &alarm, relation.as_ref(), settings, context)
            .into_iter()
            .chain(standing.sentence())
            .collect(),
    }
}

pub(super) fn own_address(place: Place, alarm: &Alarm, context: &Context) -> Option<IpAddr> {
    match place {
        Place::Address(address) => Some(address),
        Place::Host(id) => context.identity.addresses_at(id, alarm.measured.at).next(),
    }
}

/// Ports of failed attempts.
pub(super) fn ports(targets: &BTreeMap<IpAddr, Target>) -> BTreeSet<u16> {
    targets.values().flat_map(|t| &t.ports).copied().collect()
}

/// How many were never seen, inactive, listed without a sign; as many in all as count.
fn by_life(targets: &BTreeMap<IpAddr, Target>) -> [usize; 3] {
    let mut lives: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for (address, target) in targets {
        let life = match target.missing {
            Some(Life::Inactive(_)) => 1,
            Some(Life::Listed) => 2,
            _ => 0,
        };
        // Of a network that counts as one, what is known best.
        let held = lives.entry(counted_as(*address)).or_insert(life);
        *held = life.max(*held);
    }
    [0, 1, 2].map(|life| lives.values().filter(|held| **held == life).count())
}

fn title(place: Place, alarm: &Alarm, rare: bool, context: &Context) -> String {
    let host = host_words(place, context);
    let n = distinct(alarm.targets.keys().copied());
    // What there was no room for may be of further targets.
    let least = if alarm.left_out.is_some() {
        "at least "
    } else {
        ""
    };
    let [failed, and] = fared(alarm.targets.values());
    let came = match distinct(alarm.came.keys().copied()) {
        0 => String::new(),
        came => format!("; {came} of them answered or refused later"),
    };
    if !alarm.measured.internal {
        let whom = outside_words(alarm.targets.keys());
        return format!("{host} {failed} {least}{n} {whom} that no lookup named{and}{came}");
    }
    let [never, inactive, listed] = by_life(&alarm.targets);
    let mut parts = Vec::new();
    for (count, words) in [
        (never, "not seen before"),
        (inactive, "inactive for more than 24 h"),
        (listed, "listed but silent"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    let relation = if rare {
        ", from a rare relation of causality owner and process"
    } else {
        ""
    };
    format!(
        "{host} {failed} {least}{n} missing hosts ({}){and}{relation}{came}",
        parts.join(", ")
    )
}

/// What shows four fifths of the targets; both, where neither does alone.
fn tier(targets: &BTreeMap<IpAddr, Target>) -> Tier {
    let most = |by: usize| {
        let shown = targets.values().filter(|t| t.shown_by[by]).count();
        shown * 5 >= targets.len() * 4
    };
    match (most(0), most(1)) {
        (false, true) => Tier::HostOnly,
        (true, false) => Tier::NetworkOnly,
        (true, true) | (false, false) => Tier::Both,
    }
}
