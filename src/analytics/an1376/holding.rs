//! Did the block hold? What became of a host's channels around a stated containment.
//!
//! Channels that moved are findings of their own; here the rest is told: what stopped, what was
//! only tried again, and until when the evidence could show more.

use super::panel::process_words;
use super::relation::{Relation, Route};
use super::settings::FallbackSettings;
use super::state::State;
use crate::analytics::contract::Analytic;
use crate::analytics::kit::picture::host_words;
use crate::context::{Context, Place};
use crate::model::finding::{
    Condition, Entities, Finding, OrderCheck, Role, ScoreItem, Severity, Step, Table, Tier,
};
use crate::model::plural::plural;
use crate::model::{Span, Text, Timestamp};

/// A channel without a known beat that was silent for longer than this before the containment was not
/// stopped by it.
const ACTIVE: Span = Span::seconds(3_600);
/// What to do where nothing moved: nothing new was found that could be blocked.
const ACTIONS: [&str; 2] = [
    "look on other hosts for the channels that stopped",
    "collect evidence of the time after this one ends: a channel that moves later shows there only",
];
/// Channels shown.
const SHOWN: usize = 20;

/// What became of one channel.
enum Became {
    /// It worked after the containment.
    Works,
    /// It was tried again, without success.
    Tried(u32),
    /// Nothing more was seen of it.
    Stopped,
}

/// The finding about one containment time, if the host had channels then and none moved.
pub fn finding(
    place: Place,
    at: Timestamp,
    state: &State,
    settings: &FallbackSettings,
    context: &Context,
) -> Option<Finding> {
    let mut told: Vec<(&Route, &Relation, Became)> = state
        .established()
        .filter_map(|(route, relation)| Some((route, relation, became(relation, at, settings)?)))
        .collect();
    told.sort_by_key(|(route, relation, _)| (relation.first.order(), (*route).clone()));
    let stopped = told
        .iter()
        .filter(|(_, _, became)| !matches!(became, Became::Works))
        .count();
    if stopped == 0 {
        return None;
    }
    let works = told.len() - stopped;
    let about = &super::FallbackChannel::ABOUT;
    let end = state.end;
    let table = Table {
        title: "Did the block hold?".to_owned(),
        columns: [
            "channel",
            "process",
            "last good contact",
            "after the containment",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: told
            .iter()
            .take(SHOWN)
            .map(|(route, relation, became)| {
                vec![
                    route.words(),
                    process_words(route),
                    relation
                        .last_good
                        .as_ref()
                        .map_or("none".to_owned(), |e| e.time.rfc3339()),
                    match became {
                        Became::Works => "still works".to_owned(),
                        Became::Tried(n) => format!("tried {n} times, never worked"),
                        Became::Stopped => "nothing more was seen".to_owned(),
                    },
                ]
            })
            .collect(),
    };
    let steps = told
        .iter()
        .filter(|(_, _, became)| !matches!(became, Became::Works))
        .filter_map(|(_, relation, _)| relation.last_good.as_ref())
        .take(SHOWN)
        .map(|event| Step {
            role: Role::Connect,
            event: event.clone(),
            also: Vec::new(),
            remark: "a channel that stopped, last seen good".to_owned(),
        })
        .collect::<Vec<_>>();
    let mut steps = steps;
    steps.sort_by_key(|step| step.event.order());
    let seen = told.iter().fold([false; 2], |all, (_, r, _)| {
        [all[0] | r.seen[0], all[1] | r.seen[1]]
    });
    Some(Finding {
        analytic: about.id,
        span: None,
        also_satisfies: Vec::new(),
        title: format!(
            "{}: the containment stated at {} held as far as this evidence shows (until {}): {stopped} channel{} \
             stopped, no new channel of their processes was found",
            host_words(place, context),
            at.rfc3339(),
            end.rfc3339(),
            plural(stopped as u64)
        ),
        severity: Severity::Info,
        tier: match seen {
            [true, true] => Tier::Both,
            [true, false] => Tier::NetworkOnly,
            _ => Tier::HostOnly,
        },
        confidence: 30,
        entities: Entities {
            host_name: context
                .identity
                .name(place)
                .cloned()
                .unwrap_or_else(|| Text::from("")),
            host_address: match place {
                Place::Address(address) => Some(address),
                Place::Host(_) => None,
            },
            remote: told
                .iter()
                .find(|(_, _, became)| !matches!(became, Became::Works))
                .and_then(|(_, relation, _)| relation.addresses.first().copied()),
            ..Entities::default()
        },
        steps,
        conditions: vec![Condition {
            text: "established channels stopped at the stated containment".to_owned(),
            setting: format!(
                "last good contact within {} beats before it, or within {ACTIVE} where no beat is known",
                settings.missing_beats
            ),
            measured: stopped.to_string(),
        }],
        tables: vec![table],
        score: vec![ScoreItem {
            reason: "nothing new was seen; what the evidence does not cover stays open".to_owned(),
            points: 30,
        }],
        order: OrderCheck::of_one_clock(),
        unseen: Vec::new(),
        alternatives: vec![
            "the channels stopped by themselves; which of them the containment was about is not stated".to_owned(),
        ],
        actions: ACTIONS.map(str::to_owned).to_vec(),
        notes: if works == 0 {
            Vec::new()
        } else {
            vec![format!(
                "{works} other channel{} of the host still worked after the containment; the table lists what became of each",
                plural(works as u64)
            )]
        },
    })
}

fn became(relation: &Relation, at: Timestamp, settings: &FallbackSettings) -> Option<Became> {
    let good = relation.last_shown()?.0.time;
    if relation.first.time > at {
        return None;
    }
    if good > at {
        return Some(Became::Works);
    }
    // A beacon that misses its beats has stopped already.
    let active = relation.beacon(settings).map_or(ACTIVE, |beat| {
        let beats = i64::from(settings.missing_beats);
        Span(beat.median.0.saturating_mul(beats)).max(settings.min_silence)
    });
    if at.since(good) > active {
        return None;
    }
    let tried = relation
        .trouble
        .as_ref()
        .map_or(0, |t| t.failures.count.saturating_add(t.blocks.count));
    Some(if relation.last > at && tried > 0 {
        Became::Tried(tried)
    } else {
        Became::Stopped
    })
}
