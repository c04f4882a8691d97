//! The records of the starts of a program's processes: what a report says of a process leads back to them.
//!
//! A program's key hears them only if that program opens connections at all, so that not every process of
//! a host makes a key.

use super::key::{Key, program};
use super::scan::Scan;
use super::tables::PROCESSES;
use super::telling::instance;
use crate::context::{Context, HostId, Place};
use crate::eventlog::normalise::image::image_key;
use crate::model::finding::{Role, Step};
use crate::model::{Actor, Event, HostWhat, Provenance, Strength, Timestamp, What};
use std::collections::BTreeSet;

/// Records of starts held of a key; the latest remain.
pub(super) const STARTS: usize = 64;

/// The key of the program that `event` tells the start of, if it opens connections.
pub(super) fn started(event: &Event, context: &Context) -> Option<Key> {
    let What::Host(host) = &event.what else {
        return None;
    };
    let HostWhat::ProcessStarted { process, .. } = &host.what else {
        return None;
    };
    let id = context.identity.named(&host.computer)?;
    let image = image_key(&process.image);
    let used = context
        .baseline
        .image(Place::Host(id), &image, Timestamp::MAX);
    if used.networked == 0 {
        return None;
    }
    let mut actor = Actor {
        computer: host.computer.clone(),
        process: process.clone(),
        started: None,
        service: None,
        strength: Strength::Exact,
        told_by: Vec::new(),
    };
    actor.started = instance(&actor, id, event.time, context)?.started;
    program(&actor, event.time, context)
}

/// A step for each start of the scan's first processes, with all records of it that are held.
pub(super) fn steps(scan: &Scan, host: HostId, held: &[Event], context: &Context) -> Vec<Step> {
    let mut told: BTreeSet<&[Provenance]> = BTreeSet::new();
    let mut steps = Vec::new();
    for share in scan.processes.values() {
        let Some(instance) = instance(&share.actor, host, share.at, context) else {
            continue;
        };
        // The table tells of as many.
        if !told.insert(instance.records.as_slice()) || told.len() > PROCESSES {
            continue;
        }
        let mut of_it = held
            .iter()
            .filter(|event| instance.records.contains(&event.provenance));
        let Some(first) = of_it.next() else {
            continue;
        };
        steps.push(Step {
            role: Role::Process,
            event: first.clone(),
            also: of_it.map(|event| event.provenance).collect(),
            remark: "the process starts".to_owned(),
        });
    }
    steps
}
