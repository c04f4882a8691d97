//! Whose contacts are counted together: a program with the processes of one parent, or a source.

use super::scan::{Scan, actor_of};
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

/// How many contacts the key of `main` made that made most of them, and how many the others made, so far
/// as its processes are kept.
pub(super) fn most_and_others(scan: &Scan, main: &str, context: &Context) -> (u64, u64) {
    let mut keys: BTreeMap<Key, u64> = BTreeMap::new();
    for share in scan.processes.values() {
        if image_key(&share.actor.process.image) == main
            && let Some(key) = program(&share.actor, share.at, context)
        {
            *keys.entry(key).or_default() += share.contacts;
        }
    }
    let most = keys.values().max().copied().unwrap_or(0);
    (most, keys.values().sum::<u64>() - most)
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
