//! New channels that wait beside a broken one until what follows is known.

use super::lineage::Link;
use super::relation::{Relation, Route};
use super::settings::FallbackSettings;
use super::sighting::Sighting;
use super::signs;
use super::state::State;
use super::trouble::Trouble;
use super::unusual::silent_program;
use crate::analytics::kit::contact::before_its_records;
use crate::context::Context;
use crate::model::{Event, Span, Timestamp};
use std::net::IpAddr;

/// New channels that wait for judgement, per host.
const WAITING: usize = 512;

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
    /// What is new about it: remote, port, protocol.
    pub novel: [bool; 3],
    /// What was wrong with the broken one at the first use.
    pub trouble: Option<Trouble>,
    /// The broken one as it was at the first use: without what came after.
    pub last_before: Timestamp,
    /// Remotes of the program before.
    pub remotes_before: usize,
    /// The host's own address on both channels.
    pub locals: [IpAddr; 2],
    /// When it can be judged.
    pub due: Timestamp,
}

/// A new channel as it was first seen.
pub struct New {
    /// Its route.
    pub route: Route,
    /// What is new about it: remote, port, protocol.
    pub novel: [bool; 3],
    /// Remotes of the program before.
    pub remotes_before: usize,
    /// The host's own address.
    pub local: IpAddr,
}

impl State {
    /// Lets a new channel wait beside the broken one that suits it best.
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
        let New {
            route,
            novel,
            remotes_before,
            local,
        } = new;
        // Asked first: hardly any is broken.
        let broken: Vec<(u8, &Route, &Relation)> = self
            .established()
            .filter(|(old, _)| **old != route)
            .filter_map(|(old, relation)| {
                let hint = hint(old, relation, at, &self.rules, containments, settings)?;
                Some((hint, old, relation))
            })
            .collect();
        let link = |old: &Route, relation: &Relation| {
            let same_server = relation.addresses.contains(&seen.contact.remote.address)
                || (seen.name.is_some() && seen.name == relation.name);
            self.lineage.link(&old.who, &route.who, same_server, at)
        };
        let tied = broken.iter().filter_map(|(hint, old, relation)| {
            Some((
                (*hint, link(old, relation)?, relation.last),
                *old,
                *relation,
            ))
        });
        let stranger = || {
            let before = before_its_records(seen.contact.from, at, context);
            let silent = silent_program(seen.contact.from, &route.who, before, context).is_some();
            let broken = broken.iter().filter(|_| silent);
            broken
                .map(|(hint, old, relation)| {
                    ((*hint, Link::Stranger, relation.last), *old, *relation)
                })
                .max_by(|a, b| a.0.cmp(&b.0))
        };
        let best = tied.max_by(|a, b| a.0.cmp(&b.0)).or_else(stranger);
        let Some(((_, link, _), old, relation)) = best else {
            return;
        };
        let beat = relation.beacon(settings).map_or(Span::ZERO, |beat| {
            Span(
                beat.median
                    .0
                    .saturating_mul(i64::from(settings.missing_beats)),
            )
        });
        let due = at.shifted(settings.time_window.max(beat));
        let waiting = Waiting {
            at,
            old: old.clone(),
            link,
            novel,
            trouble: relation.trouble.clone(),
            last_before: relation.last,
            remotes_before,
            locals: [relation.local, local],
            due,
            new: route,
        };
        if self.waiting.len() >= WAITING {
            *dropped += 1;
            return;
        }
        self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
        self.waiting.push(waiting);
    }
}

/// How strongly a relation looks broken at `at`, before judgement; `None` if nothing hints at it.
fn hint(
    route: &Route,
    relation: &Relation,
    at: Timestamp,
    rules: &[Event],
    containments: &[Timestamp],
    settings: &FallbackSettings,
) -> Option<u8> {
    // Twice the window, so that what came too late is a near miss.
    let window = Span(settings.time_window.0.saturating_mul(2));
    let recent = |time: Timestamp| (Span::ZERO..=window).contains(&at.since(time));
    let last_good = relation
        .last_good
        .as_ref()
        .map_or(relation.first.time, |event| event.time);
    if let Some(trouble) = &relation.trouble
        && trouble.last_before(at).is_some_and(recent)
    {
        return Some(3);
    }
    let ruled = rules.iter().any(|event| {
        event.time > last_good && recent(event.time) && signs::covers(event, route, relation)
    });
    if ruled {
        return Some(2);
    }
    if containments
        .iter()
        .any(|time| *time >= last_good && recent(*time))
    {
        return Some(2);
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
    (due && silent.0 <= longest).then_some(1)
}
