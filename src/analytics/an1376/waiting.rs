//! New channels that wait beside broken ones until what follows is known.

use super::lineage::Link;
use super::mute::silent_program;
use super::novelty::Novelty;
use super::relation::{Relation, Route};
use super::rules;
use super::settings::FallbackSettings;
use super::sighting::Sighting;
use super::state::State;
use super::trouble::Trouble;
use crate::analytics::kit::contact::before_its_records;
use crate::context::Context;
use crate::model::{Event, Span, Timestamp};
use std::net::IpAddr;

/// New channels that wait for judgement, per host.
const WAITING: usize = 512;
/// Broken channels that one new channel is held against: the most telling ones.
const BESIDE: usize = 8;

/// A new channel beside a broken one, waiting until what follows is known.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The new channel.
    pub new: Route,
    /// Its first use.
    pub at: Timestamp,
    /// The broken one.
    pub old: Route,
    /// How their processes belong together.
    pub link: Link,
    /// What is new about it.
    pub novel: Novelty,
    /// What was wrong with the broken one at the first use.
    pub trouble: Option<Trouble>,
    /// The broken one as it was at the first use, without what came after: its last contact, when it
    /// worked last, and when the host let it through last.
    pub last_before: Timestamp,
    /// See `last_before`.
    pub good_before: Timestamp,
    /// See `last_before`.
    pub let_through_before: Timestamp,
    /// Until when connections of the broken one that began before the first use were in use, and until when
    /// those were open of which that is not told.
    pub open_before: Open,
    /// Remotes of the program before.
    pub remotes_before: usize,
    /// The host's own address on both channels.
    pub locals: [IpAddr; 2],
    /// The new one had been tried before, and all of that had failed.
    pub tried: Option<Tried>,
    /// Its first use failed.
    pub in_vain: bool,
}

/// Until when connections go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// With answers of the remote.
    pub used_until: Timestamp,
    /// Without a word on when those came.
    pub untimed: Timestamp,
}

/// One new channel beside every broken one that it may stand for, the most telling first. Which of them
/// it stands for shows when what follows is known.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// The pairs.
    pub pairs: Vec<Waiting>,
    /// When they can be judged.
    pub due: Timestamp,
}

/// A new channel as it was first seen.
pub struct New {
    /// Its route.
    pub route: Route,
    /// What is new about it.
    pub novel: Novelty,
    /// Remotes of the program before.
    pub remotes_before: usize,
    /// The host's own address.
    pub local: IpAddr,
    /// It had been tried before, and all of that had failed.
    pub tried: Option<Tried>,
}

/// What came before the first use of a channel.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The first try.
    pub since: Timestamp,
    /// How many there were.
    pub tries: u32,
    /// The first contact that did not fail.
    pub first: Event,
}

impl State {
    /// True if a channel waits for judgement as a new one since it was used. One that was merely tried in
    /// vain waits beside the use that comes now: it may be the one that was tried in time.
    pub fn waits(&self, new: &Route) -> bool {
        let mut pairs = self.waiting.iter().flat_map(|one| &one.pairs);
        pairs.any(|pair| pair.new == *new && !pair.in_vain)
    }

    /// Lets a new channel wait beside the broken ones that belong to it.
    pub fn wait(
        &mut self,
        seen: &Sighting<'_>,
        new: New,
        containments: &[Timestamp],
        settings: &FallbackSettings,
        context: &Context,
        dropped: &mut u64,
    ) {
        let at = seen.time();
        // Asked first: hardly any is broken.
        let broken: Vec<(Hint, &Route, &Relation)> = self
            .established()
            .filter(|(old, _)| **old != new.route)
            .filter_map(|(old, relation)| {
                let hint = hint(old, relation, at, &self.rules, containments, settings)?;
                Some((hint, old, relation))
            })
            .collect();
        if broken.is_empty() {
            return;
        }
        let is_silent = || {
            let before = before_its_records(seen.contact.from, at, context);
            silent_program(
                seen.contact.from,
                &new.route.who,
                (before, "before"),
                context,
            )
            .is_some()
        };
        let mut silent = None;
        let mut link = |old: &Route, relation: &Relation| {
            let same_server = relation.addresses.contains(&seen.contact.remote.address)
                || (seen.name.is_some() && seen.name == relation.name);
            self.lineage
                .link(&old.who, &new.route.who, same_server, at)
                .or_else(|| {
                    silent
                        .get_or_insert_with(is_silent)
                        .then_some(Link::Stranger)
                })
        };
        let mut tied: Vec<((Link, Hint, Timestamp), &Route, &Relation)> = broken
            .into_iter()
            .filter_map(|(hint, old, relation)| {
                let link = link(old, relation)?;
                Some(((link, hint, relation.last), old, relation))
            })
            .collect();
        tied.sort_by(|a, b| (&b.0, a.1).cmp(&(&a.0, b.1)));
        *dropped += tied.len().saturating_sub(BESIDE) as u64;
        tied.truncate(BESIDE);
        let beats = |relation: &Relation| {
            let beat = relation.beacon(settings)?;
            let missing = i64::from(settings.missing_beats);
            Some(Span(beat.median.0.saturating_mul(missing)))
        };
        let Some(wait) = tied
            .iter()
            .map(|(.., relation)| beats(relation).unwrap_or(Span::ZERO))
            .max()
        else {
            return;
        };
        let due = at.shifted(settings.time_window.max(wait));
        let pairs = tied
            .into_iter()
            .map(|((link, ..), old, relation)| Waiting {
                at,
                old: old.clone(),
                link,
                novel: new.novel,
                trouble: relation.trouble.clone(),
                last_before: relation.last,
                good_before: relation.good(),
                let_through_before: relation.let_through(),
                open_before: Open {
                    used_until: relation.used_until,
                    untimed: relation.untimed,
                },
                remotes_before: new.remotes_before,
                locals: [relation.local, new.local],
                tried: new.tried.clone(),
                in_vain: seen.contact.fate.failed() == Some(true),
                new: new.route.clone(),
            })
            .collect();
        if self.waiting.len() >= WAITING {
            *dropped += 1;
            return;
        }
        self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
        self.waiting.push(Candidates { pairs, due });
    }
}

/// How strongly a relation looks broken before judgement, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hint {
    /// A beat is due.
    Overdue,
    /// It failed, less often than makes a disruption.
    Failed,
    /// A rule or a stated containment concerns it.
    Stated,
    /// It was blocked, reset, lost its name, or failed often enough.
    Broken,
}

/// How strongly a relation looks broken at `at`, before judgement; `None` if nothing hints at it.
fn hint(
    route: &Route,
    relation: &Relation,
    at: Timestamp,
    rules: &[Event],
    containments: &[Timestamp],
    settings: &FallbackSettings,
) -> Option<Hint> {
    // Twice the window, so that what came too late is a near miss.
    let window = Span(settings.time_window.0.saturating_mul(2));
    let recent = |time: Timestamp| (Span::ZERO..=window).contains(&at.since(time));
    let (good, let_through) = (relation.good(), relation.let_through());
    let trouble = relation.trouble.as_ref();
    let trouble = trouble.filter(|trouble| trouble.last_before(at).is_some_and(recent));
    if trouble.is_some_and(|trouble| trouble.is_disruption(settings)) {
        return Some(Hint::Broken);
    }
    let ruled = rules.iter().any(|event| {
        event.time > let_through && recent(event.time) && rules::covers(event, route, relation)
    });
    let mut stated = containments.iter();
    if ruled || stated.any(|time| *time >= good && recent(*time)) {
        return Some(Hint::Stated);
    }
    if trouble.is_some() {
        return Some(Hint::Failed);
    }
    let silent = at.since(relation.last);
    // No beat is shorter than the shortest, so none is due yet: spares measuring the rhythm.
    if silent.0 < settings.min_beat.0 - settings.min_beat.0 / 10 {
        return None;
    }
    let beat = relation.beacon(settings)?;
    let longest = beat
        .median
        .0
        .saturating_mul(i64::from(settings.missing_beats))
        .saturating_add(window.0);
    // A beat was due when the new channel came; whether it is missing is judged later.
    let due = silent.0 >= beat.median.0.saturating_sub(beat.median.0 / 10);
    (due && silent.0 <= longest).then_some(Hint::Overdue)
}
