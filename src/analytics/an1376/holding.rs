//! Did the block hold? What became of a host's channels around a stated containment.
//!
//! Channels that moved are findings of their own; here the rest is told: what stopped, what was
//! only tried again, what went on without a known success, what the same processes opened afterwards,
//! and until when the evidence could show more.

use super::afterwards::Afterwards;
use super::panel::{last_good, moment, process_words};
use super::relation::{Passed, Relation, Route};
use super::settings::FallbackSettings;
use super::state::State;
use super::who::Who;
use crate::analytics::contract::Analytic;
use crate::analytics::kit::picture::host_words;
use crate::context::{Context, Place};
use crate::model::finding::{
    Condition, Entities, Finding, OrderCheck, Role, ScoreItem, Severity, Step, Table, Tier, Unseen,
};
use crate::model::plural::counted;
use crate::model::{Span, Text, Timestamp};
use std::iter;

/// A channel without a known beat that was silent for longer than this before the containment was not
/// stopped by it.
const ACTIVE: Span = Span::seconds(3_600);
/// What to do where nothing moved.
const ACTIONS: [&str; 2] = [
    "look on other hosts for the channels that stopped",
    "collect evidence of the time after this one ends: a channel that moves later shows there only",
];
/// The same where nothing stopped.
const NOTHING: [&str; 2] = [
    "find out whether the containment took effect, and what it was about: the table lists what went on",
    ACTIONS[1],
];
/// What to do first where something new came.
const NEW: &str = "look at the channels in the tables: they came into use after the containment, whatever they are";
/// A containment takes effect so much after the time that is stated for it, and what is under way comes to
/// its end: times are stated by the minute.
const EFFECT: Span = Span::seconds(60);
/// Channels shown.
const SHOWN: usize = 20;
/// Records that go on for longer than this after the last connection are named.
const BEYOND: Span = Span::seconds(60);

/// What became of one channel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Became {
    /// It worked after the containment.
    Works,
    /// A connection begun before was in use until then; and so many contacts
    /// beside it failed.
    Outlived(Timestamp, u32),
    /// A connection begun before went on until then, and nothing shows that it carried anything; and so
    /// many contacts came beside it.
    Open(Timestamp, u32),
    /// It was used again, so often; not all of it failed, and none of it is known to have worked.
    Untold(u32),
    /// It stopped: it worked until then, if that was after the time that is stated, and so many contacts
    /// after that time failed.
    Stopped(Option<Timestamp>, u32),
}

impl Became {
    fn stopped(self) -> bool {
        matches!(self, Self::Stopped(..))
    }

    fn works(self) -> bool {
        matches!(self, Self::Works | Self::Outlived(..))
    }

    fn outlived(self) -> bool {
        matches!(self, Self::Outlived(..))
    }

    fn words(self) -> String {
        match self {
            Self::Works => "still works".to_owned(),
            Self::Outlived(until, failed) => {
                let until = moment(until);
                let beside = match failed {
                    0 => String::new(),
                    n => format!("; {} failed", counted(u64::from(n), "contact")),
                };
                format!("went on: a connection begun before was in use until {until}{beside}")
            }
            Self::Open(until, more) => {
                let until = moment(until);
                let beside = match more {
                    0 => String::new(),
                    n => format!("; {} beside it", counted(u64::from(n), "more contact")),
                };
                format!("a connection begun before was heard until {until}{beside}")
            }
            Self::Untold(n) => {
                let n = counted(u64::from(n), "more contact");
                format!("{n}, of which none is known to have worked")
            }
            Self::Stopped(None, 0) => "nothing more was seen".to_owned(),
            Self::Stopped(None, 1) => "tried once, never worked".to_owned(),
            Self::Stopped(None, n) => format!("tried {n} times, never worked"),
            Self::Stopped(Some(until), 0) => {
                format!("worked until {}, and nothing more was seen", moment(until))
            }
            Self::Stopped(Some(until), n) => {
                let n = counted(u64::from(n), "contact");
                format!("worked until {}; {n} failed", moment(until))
            }
        }
    }
}

/// One channel and what became of it.
type Told<'s> = (&'s Route, &'s Relation, Became);

/// The finding about one containment time, the `number`th of the host, if the host had channels then
/// and none moved.
pub fn finding(
    place: Place,
    (number, at): (usize, Timestamp),
    state: &State,
    settings: &FallbackSettings,
    context: &Context,
) -> Option<Finding> {
    let until = until(state, context);
    let mut told = channels(number, (at, until), state, settings);
    told.sort_by_key(|(route, relation, _)| (relation.first.order(), (*route).clone()));
    let stopped = told.iter().filter(|(.., became)| became.stopped()).count();
    let works = told.iter().filter(|(.., b)| b.works()).count();
    let untold = told.len() - stopped - works;
    // What is used anew is the business of the host; a connection that outlived it was not stopped.
    let across = told.iter().filter(|(.., b)| b.outlived()).count();
    // Nobody asks it of every host where all were contained.
    let asked = works > 0 && context.containments.names(place, at);
    if stopped + untold + across == 0 && !asked {
        return None;
    }
    let nothing_stopped = stopped + untold == 0;
    let shown = |b: &Became| !b.works() || nothing_stopped && (b.outlived() || across == 0);
    let later = afterwards(number, at, state, &told);
    let seen = told.iter().fold([false; 2], |all, (_, r, _)| {
        [all[0] | r.seen[0], all[1] | r.seen[1]]
    });
    Some(Finding {
        analytic: super::FallbackChannel::ABOUT.id,
        span: None,
        also_satisfies: Vec::new(),
        title: title(
            &host_words(place, context),
            at,
            until,
            [stopped, untold, works, across],
            &later,
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
                .find(|(.., became)| shown(became))
                .and_then(|(_, relation, _)| relation.addresses.first().copied()),
            ..Entities::default()
        },
        steps: steps(&told, shown, &later),
        conditions: vec![Condition {
            text: "established channels were in use at the stated containment".to_owned(),
            setting: format!(
                "last good contact within {} beats before it, or within {ACTIVE} where no beat is known",
                settings.missing_beats
            ),
            measured: format!(
                "{stopped} stopped, {untold} went on without a known success, {works} went on working"
            ),
        }],
        tables: iter::once(table(&told)).chain(later.tables()).collect(),
        score: vec![ScoreItem {
            reason: "nothing was judged a fallback from what stopped then; what the evidence does not cover stays open"
                .to_owned(),
            points: 30,
        }],
        order: OrderCheck::of_one_clock(),
        unseen: unseen(place, until, state, context),
        alternatives: vec![
            if stopped + untold == 0 {
                "the containment was about a channel that this evidence does not show"
            } else {
                "the channels stopped by themselves; which of them the containment was about is not stated"
            }
            .to_owned(),
        ],
        actions: (!later.is_empty())
            .then_some(NEW)
            .into_iter()
            .chain(if nothing_stopped { NOTHING } else { ACTIONS })
            .map(str::to_owned)
            .collect(),
        notes: Vec::new(),
    })
}

fn title(
    host: &str,
    at: Timestamp,
    until: Timestamp,
    counts: [usize; 4],
    later: &Afterwards<'_>,
) -> String {
    let [stopped, untold, works, across] = counts.map(|n| n as u64);
    let (stated, end) = (moment(at), moment(until));
    if until <= at {
        return format!(
            "{host}: whether the containment stated at {stated} held is not in this evidence: connections are recorded until {end}"
        );
    }
    if stopped + untold == 0 {
        let over = match across {
            0 => String::new(),
            n => format!(", {n} of them over a connection begun before"),
        };
        return format!(
            "{host}: the containment stated at {stated} stopped nothing that this evidence shows (until {end}): {} went \
             on working{over}",
            counted(works, "channel")
        );
    }
    let held = if untold > 0 || !later.is_empty() {
        format!("the containment stated at {stated} may not have held (until {end})")
    } else if works > 0 {
        format!(
            "the containment stated at {stated} held for what stopped, as far as this evidence shows (until {end})"
        )
    } else {
        format!(
            "the containment stated at {stated} held as far as this evidence shows (until {end})"
        )
    };
    let mut became = Vec::new();
    if stopped > 0 {
        became.push(format!("{} stopped", counted(stopped, "channel")));
    }
    if untold > 0 {
        became.push(format!(
            "{} went on and is not known to have worked",
            counted(untold, "channel")
        ));
    }
    if works > 0 {
        became.push(format!(
            "{} went on working",
            counted(works, "other channel")
        ));
    }
    became.push(later.words());
    format!("{host}: {held}: {}", became.join("; "))
}

/// What the programs of channels that no longer work turned to.
fn afterwards<'s>(
    number: usize,
    at: Timestamp,
    state: &'s State,
    told: &[Told<'_>],
) -> Afterwards<'s> {
    let not_working = told.iter().filter(|(.., b)| !b.works());
    let whose: Vec<&Who> = not_working.map(|(route, ..)| &route.who).collect();
    // Where nothing was heard of the host since, nothing became established either.
    let held = state.contained.get(number).map_or(usize::MAX, Vec::len);
    Afterwards::of(&whose, at, held, state)
}

/// The channels that were established and in use then, and what became of each.
fn channels<'s>(
    number: usize,
    at: (Timestamp, Timestamp),
    state: &'s State,
    settings: &FallbackSettings,
) -> Vec<Told<'s>> {
    let then = state.contained.get(number);
    let passed = |place: usize, relation: &Relation| match then {
        Some(then) => then.get(place).copied(),
        // Nothing was heard of the host since.
        None => Some(relation.passed()),
    };
    state
        .established()
        .enumerate()
        .filter_map(|(place, (route, relation))| {
            let became = became(relation, passed(place, relation)?, at, settings)?;
            Some((route, relation, became))
        })
        .collect()
}

fn became(
    relation: &Relation,
    then: Passed,
    (at, until): (Timestamp, Timestamp),
    settings: &FallbackSettings,
) -> Option<Became> {
    let (shown, _) = relation.last_shown()?;
    // What goes on to the end of the evidence shows no effect of anything.
    let late = Some(at.shifted(EFFECT)).filter(|late| *late < until);
    let late = late.unwrap_or(at);
    if relation.good() > late {
        return Some(Became::Works);
    }
    let more = relation.contacts.saturating_sub(then.contacts);
    let failed = relation.failed.saturating_sub(then.failed);
    // What goes on beyond that is no channel of the past, however long ago it began.
    if relation.used_until > late {
        return Some(Became::Outlived(relation.used_until, failed));
    }
    if relation.open_until > late {
        return Some(Became::Open(relation.open_until, more));
    }
    let last = relation.good().max(relation.used_until);
    // A beacon that misses its beats has stopped already.
    let active = relation.beacon(settings).map_or(ACTIVE, |beat| {
        let beats = i64::from(settings.missing_beats);
        Span(beat.median.0.saturating_mul(beats)).max(settings.min_silence)
    });
    if at.since(shown.time.max(last)) > active {
        return None;
    }
    let worked_until = (last > at).then_some(last);
    Some(if failed == more || relation.good() > at {
        Became::Stopped(worked_until, failed)
    } else {
        Became::Untold(more)
    })
}

/// Until when the evidence shows connections of the host: its last one, or the end of a capture that
/// shows some.
fn until(state: &State, context: &Context) -> Timestamp {
    let captures = context.coverage.captures().iter();
    let shows = |evidence| {
        [false, true]
            .iter()
            .any(|side| state.sight.is_in(evidence, *side))
    };
    let ends = captures
        .filter(|(evidence, _)| shows(*evidence))
        .map(|(_, seen)| seen.to.min(state.end));
    ends.fold(state.sight.last(), Timestamp::max)
}

fn table(told: &[Told<'_>]) -> Table {
    Table {
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
                    last_good(relation),
                    became.words(),
                ]
            })
            .collect(),
    }
}

fn steps(told: &[Told<'_>], shown: impl Fn(&Became) -> bool, later: &Afterwards<'_>) -> Vec<Step> {
    let step = |event: &crate::model::Event, remark: String| Step {
        role: Role::Connect,
        event: event.clone(),
        also: Vec::new(),
        remark,
    };
    let old =
        told.iter()
            .filter(|(.., became)| shown(became))
            .filter_map(|(_, relation, became)| {
                let (event, word) = relation.last_shown()?;
                let did = if became.stopped() {
                    "stopped"
                } else {
                    "went on"
                };
                Some(step(event, format!("a channel that {did}, {word}")))
            });
    let new = later
        .first_uses()
        .map(|(event, remark)| step(event, remark.to_owned()));
    let mut steps: Vec<Step> = old.take(SHOWN).chain(new).collect();
    steps.sort_by_key(|step| step.event.order());
    steps
}

fn unseen(place: Place, until: Timestamp, state: &State, context: &Context) -> Vec<Unseen> {
    if state.end.since(until) <= BEYOND {
        return Vec::new();
    }
    vec![Unseen {
        telemetry: format!("connections after {}", moment(until)),
        host: context.identity.name(place).cloned(),
        effect: format!(
            "other records of the host go on until {}; a channel that moved in between would not show",
            moment(state.end)
        ),
    }]
}
