//! What is wrong with a relation since it last worked: the signs of a disruption, graded.
//!
//! Signs that belong to the whole host (a rule, a containment, silence) are added when a relation
//! is judged; see `signs`.

use super::names::{Turn, turned_away};
use super::settings::FallbackSettings;
use super::sighting::Sighting;
use crate::analytics::kit::contact::Fate;
use crate::model::{Event, Timestamp};
use std::net::IpAddr;
use std::ops::Deref;

/// Events kept of each kind of sign.
const KEPT: usize = 6;

/// A kind of sign and the events that show it.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The first ones.
    pub events: Vec<Event>,
    /// All of them.
    pub count: u32,
    /// Time of the last one.
    pub last: Option<Timestamp>,
    /// The latest one, where there are more than the first. In a box: hardly any fails so often.
    pub latest: Option<Box<Event>>,
}

impl Kept {
    fn add(&mut self, event: &Event) {
        if self.events.len() < KEPT {
            self.events.push(event.clone());
        } else if self
            .latest
            .as_ref()
            .is_none_or(|held| held.time <= event.time)
        {
            self.latest = Some(Box::new(event.clone()));
        }
        self.count = self.count.saturating_add(1);
        self.last = Some(self.last.map_or(event.time, |last| last.max(event.time)));
    }

    /// The last one at or before `time`, as far as they are kept.
    fn last_before(&self, time: Timestamp) -> Option<Timestamp> {
        let told = self.events.iter().map(|event| event.time).chain(self.last);
        told.filter(|at| *at <= time).max()
    }
}

/// What went wrong, since the relation last worked. In a box: most relations have none.
#[derive(Clone, Debug)]
pub struct Trouble(Box<Signs>);

/// The signs of it.
#[derive(Clone, Debug)]
pub struct Signs {
    /// When it began.
    pub began: Timestamp,
    /// Blocked by the host's own firewall (5157).
    pub blocks: Kept,
    /// Refused, prohibited, unreachable, or not answered.
    pub failures: Kept,
    /// No record names the process of one of them; see `Sighting::inferred`.
    pub inferred: bool,
    /// The fates of the failures, each once, in order of appearance.
    pub fates: Vec<Fate>,
    /// Reset by the remote while in use: when, and the connection.
    pub reset: Option<(Timestamp, Event)>,
    /// The reset came with another TTL than the remote's packets.
    pub foreign_reset: bool,
    /// Its name was turned away: the answer and how.
    pub name: Option<(Event, Turn)>,
    /// Something answered where its name was turned to.
    pub answered: bool,
}

impl Deref for Trouble {
    type Target = Signs;

    fn deref(&self) -> &Signs {
        &self.0
    }
}

impl Trouble {
    fn since(began: Timestamp) -> Self {
        Self(Box::new(Signs {
            began,
            blocks: Kept::default(),
            failures: Kept::default(),
            inferred: false,
            fates: Vec::new(),
            reset: None,
            foreign_reset: false,
            name: None,
            answered: false,
        }))
    }

    /// One more failure, or the first.
    pub fn with_failure(
        held: Option<Self>,
        seen: &Sighting<'_>,
        _settings: &FallbackSettings,
    ) -> Self {
        let mut trouble = held.unwrap_or_else(|| Self::since(seen.time()));
        let signs = &mut trouble.0;
        if seen.contact.fate == Fate::Blocked {
            signs.blocks.add(seen.event());
        } else {
            signs.failures.add(seen.event());
            signs.inferred |= seen.inferred;
            // Silence after a datagram, where each was answered before.
            let fate = match seen.contact.fate {
                Fate::Untold => Fate::Unanswered,
                told => told,
            };
            if !signs.fates.contains(&fate) {
                signs.fates.push(fate);
            }
        }
        trouble
    }

    /// A reset of a connection in use.
    pub fn with_reset(ended: Timestamp, seen: &Sighting<'_>) -> Self {
        let mut trouble = Self::since(ended);
        trouble.0.reset = Some((ended, seen.event().clone()));
        trouble.0.foreign_reset = seen.foreign_reset();
        trouble
    }

    /// Its name was turned away.
    pub fn with_name(held: Option<Self>, event: &Event, turn: Turn) -> Self {
        let mut trouble = held.unwrap_or_else(|| Self::since(event.time));
        if trouble.name.is_none() {
            trouble.0.name = Some((event.clone(), turn));
        }
        trouble
    }

    /// Takes in a success at this address; true if its name was turned to such a one, so that it does
    /// not show that the channel works.
    pub fn is_answered(&mut self, address: IpAddr) -> bool {
        let sinkholed = matches!(self.name, Some((_, Turn::Sinkholed))) && turned_away(address);
        self.0.answered |= sinkholed;
        sinkholed
    }

    /// What is left of it at `at` where a connection begun before was in use until `used_until`: what
    /// failed before that, or was reset, disrupted nothing. A block stands, and so does a lost name: they
    /// are for what comes next, whatever goes on without it.
    pub fn not_outlived(mut self, used_until: Timestamp, at: Timestamp) -> Option<Self> {
        let signs = &mut self.0;
        let failed = signs.failures.last_before(at);
        if failed.is_some_and(|last| last < used_until) {
            signs.failures = Kept::default();
            signs.fates.clear();
            signs.inferred = false;
        }
        if signs.reset.as_ref().is_some_and(|(at, _)| *at < used_until) {
            signs.reset = None;
        }
        let left = signs.failures.count > 0 || signs.blocks.count > 0;
        (left || signs.reset.is_some() || signs.name.is_some()).then_some(self)
    }

    /// True if it is a disruption by itself.
    pub fn is_disruption(&self, settings: &FallbackSettings) -> bool {
        self.blocks.count > 0
            || self.failures.count >= settings.min_fail
            || self.reset.is_some()
            || self.name.is_some()
    }

    /// The last sign at or before `time`.
    pub fn last_before(&self, time: Timestamp) -> Option<Timestamp> {
        let reset = self.reset.as_ref().map(|(at, _)| *at);
        let name = self.name.as_ref().map(|(event, _)| event.time);
        let kept = [&self.blocks, &self.failures].map(|kept| kept.last_before(time));
        let single = [reset, name].map(|at| at.filter(|at| *at <= time));
        kept.into_iter().chain(single).flatten().max()
    }
}
