//! Whose contacts are counted together: a program with the processes of one parent, or a source.

use super::detect::Hit;
use super::scan::{Row, Scan, actor_of};
use super::settings::EnumerationSettings;
use super::telling;
use crate::context::{Context, HostId, Place};
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::{Actor, Event, Timestamp};
use std::collections::BTreeMap;

/// Whose contacts are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A program of a host, and which of its processes.
    Program {
        /// The host.
        host: HostId,
        /// Its image, as `image_key` spells it; empty where only a packet comment tells of it.
        image: String,
        /// Which processes of that image.
        of: Family,
    },
    /// Everything a source does.
    Source(Place),
}

/// Which processes of one program belong together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Those that one process started: a tool that divides its work.
    Of(u32, Option<Timestamp>),
    /// One process, by id and start.
    One(Option<u32>, Option<Timestamp>),
}

/// How many of these contacts the key has that has most of them, and how many a process is known of.
pub(super) fn most_of_one<'e>(
    contacts: impl Iterator<Item = &'e Event>,
    context: &Context,
) -> (usize, usize) {
    let mut keys: BTreeMap<Key, usize> = BTreeMap::new();
    for event in contacts {
        let key = actor_of(event).and_then(|actor| program(actor, event.time, context));
        if let Some(key) = key {
            *keys.entry(key).or_default() += 1;
        }
    }
    (
        keys.values().max().copied().unwrap_or(0),
        keys.values().sum(),
    )
}

/// True if what the processes of `main` did is told by themselves: one key of the program, or several,
/// made so much of the scan that a detector tells it, and what is left of it would tell nobody.
pub(super) fn is_told_by_program(
    scan: &Scan,
    main: &str,
    settings: &EnumerationSettings,
    context: &Context,
) -> bool {
    let mut keys: BTreeMap<Key, Row> = BTreeMap::new();
    for share in scan.processes.values() {
        if image_key(&share.actor.process.image) == main
            && let Some(key) = program(&share.actor, share.at, context)
        {
            keys.entry(key).or_default().add(&share.contacts);
        }
    }
    let least = |hit: &Hit| u64::from(hit.detector.least(settings));
    let all = scan.programs.get(main).copied().unwrap_or(0);
    let tells = |row: &Row| {
        // Who did nearly all of it meets nearly all that the source meets.
        if row.all() * 5 >= all * 4 {
            return true;
        }
        let net = row.failed.saturating_sub(row.answered);
        scan.hits
            .iter()
            .any(|hit| match hit.detector.by_failures() {
                true => net >= least(hit),
                false => row.all() >= least(hit),
            })
    };
    let own: u64 = keys.values().filter(|row| tells(row)).map(Row::all).sum();
    let left = all.saturating_sub(own);
    own > 0 && !scan.hits.iter().any(|hit| left >= least(hit))
}

/// The key of a process: its program, with the others that its parent started. An `svchost.exe` and
/// `System` stand for themselves: services share their parent.
pub(super) fn program(actor: &Actor, time: Timestamp, context: &Context) -> Option<Key> {
    let host = context.identity.named(&actor.computer)?;
    let image = image_key(&actor.process.image);
    let one = Family::One(actor.process.pid, actor.started);
    let shared = ["svchost.exe", "system"]
        .iter()
        .any(|s| image_name(&image).eq_ignore_ascii_case(s));
    let of = if shared {
        one
    } else {
        let instance = telling::instance(actor, host, time, context);
        match instance {
            Some(instance) => match context.processes.parent(host, instance) {
                Some(parent) => Family::Of(parent.pid, parent.started),
                None => instance
                    .parent
                    .pid
                    .map_or(one, |parent| Family::Of(parent, None)),
            },
            None => one,
        }
    };
    Some(Key::Program { host, image, of })
}
