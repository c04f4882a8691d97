//! What the programs of channels that a containment stopped turned to afterwards.

use super::panel::{moment, process_words};
use super::relation::{Relation, Route};
use super::state::State;
use super::who::Who;
use crate::model::finding::Table;
use crate::model::plural::counted;
use crate::model::{Event, Timestamp};

/// Channels shown of each kind.
const SHOWN: usize = 20;

type Channel<'s> = (&'s Route, &'s Relation);

/// The channels that came after a containment, and those that only then came to be used.
pub struct Afterwards<'s> {
    new: Vec<Channel<'s>>,
    taken_up: Vec<Channel<'s>>,
}

impl<'s> Afterwards<'s> {
    /// What the programs `whose` turned to after `at`, in order of first use. The first `held` of the
    /// host's established channels were so at that time.
    pub fn of(whose: &[&Who], at: Timestamp, held: usize, state: &'s State) -> Self {
        let theirs = |route: &Route| whose.iter().any(|who| same(who, &route.who));
        let since = state.established().skip(held);
        let mut of = Self {
            new: new(theirs, at, state),
            // Used before, but not enough to be established.
            taken_up: since
                .filter(|(route, relation)| {
                    theirs(route) && relation.first.time <= at && relation.good() > at
                })
                .collect(),
        };
        for channels in [&mut of.new, &mut of.taken_up] {
            channels.sort_by_key(|(route, relation)| (relation.first.order(), (*route).clone()));
        }
        of
    }

    /// True if nothing came.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.taken_up.is_empty()
    }

    /// How many came, in words.
    pub fn words(&self) -> String {
        // Where no process is known, anybody's new channel may be theirs.
        let theirs = self
            .new
            .iter()
            .filter(|(route, _)| route.who.known())
            .count() as u64;
        let anybodys = self.new.len() as u64 - theirs;
        let new = |n| counted(n, "new channel");
        let came = match (theirs, anybodys) {
            (0, 0) => "no new channel of their processes was found".to_owned(),
            (n, 0) => format!("{} of their processes came after it", new(n)),
            (0, n) => format!("{} of unknown processes came after it", new(n)),
            (n, m) => format!(
                "{} of their processes and {m} of unknown ones came after it",
                new(n)
            ),
        };
        match self.taken_up.len() as u64 {
            0 => came,
            n => format!(
                "{came}; {} hardly used before came into use",
                counted(n, "channel")
            ),
        }
    }

    /// The first uses that are shown, and what to say of each.
    pub fn first_uses(&self) -> impl Iterator<Item = (&'s Event, &'static str)> {
        let with = |channels: &[Channel<'s>], remark| {
            let shown = channels.iter().take(SHOWN);
            shown
                .map(|(_, relation)| (&relation.first, remark))
                .collect::<Vec<_>>()
        };
        let new = with(&self.new, "a new channel after the containment, first use");
        let taken = "a channel that came into use after the containment, first use";
        new.into_iter().chain(with(&self.taken_up, taken))
    }

    /// A table of each kind that there is.
    pub fn tables(&self) -> impl Iterator<Item = Table> {
        let kinds = [
            ("New channels after the containment", &self.new),
            (
                "Channels hardly used before, in use after the containment",
                &self.taken_up,
            ),
        ];
        kinds
            .into_iter()
            .filter(|(_, channels)| !channels.is_empty())
            .map(|(title, channels)| Table {
                title: format!("{title} ({})", channels.len()),
                columns: ["first contact", "channel", "process", "contacts", "worked"]
                    .map(str::to_owned)
                    .to_vec(),
                rows: channels.iter().take(SHOWN).map(row).collect(),
            })
    }
}

fn row((route, relation): &Channel<'_>) -> Vec<String> {
    vec![
        moment(relation.first.time),
        route.words(),
        process_words(route),
        relation.contacts.to_string(),
        relation.worked.to_string(),
    ]
}

fn same(a: &Who, b: &Who) -> bool {
    a.same_program(b) || !a.known() && !b.known()
}

/// What was used for the first time after the containment: not a known channel by another name or of
/// another instance.
fn new(theirs: impl Fn(&Route) -> bool, at: Timestamp, state: &State) -> Vec<Channel<'_>> {
    let (before, mut after): (Vec<_>, Vec<_>) = state
        .relations
        .all()
        .filter(|(route, _)| theirs(route))
        .partition(|(_, relation)| relation.first.time <= at);
    after.retain(|(new, relation)| {
        let known = |(old, held): &Channel<'_>| {
            same(&old.who, &new.who)
                && (old.transport, old.port) == (new.transport, new.port)
                && (old.peer == new.peer
                    || held
                        .addresses
                        .iter()
                        .any(|a| relation.addresses.contains(a)))
        };
        !before.iter().any(known)
    });
    after
}
