//! Feeds the stream to all analytics at once, a batch at a time.
//!
//! Analytics are independent of each other, so each takes the batch on its own thread; none can
//! change what another finds.

use crate::analytics::found::Found;
use crate::analytics::keyed::{Runner, Shard};
use crate::analytics::register::Entry;
use crate::context::Context;
use crate::model::Event;
use rayon::prelude::*;

/// Events handed over at a time.
const BATCH: usize = 4096;
/// Keys each analytic may hold at a time; what is forgotten beyond is counted.
const KEYS: usize = 100_000;
/// What the keys of all analytics may keep together, in bytes as the analytics count them.
const BYTES: usize = 112 << 20;

/// What one analytic found.
pub struct Outcome {
    /// Its id.
    pub analytic: &'static str,
    /// What it found.
    pub found: Found,
}

/// Replays `events` over `entries`.
///
/// # Errors
/// The first error of the stream ends the replay.
pub fn replay<E>(
    events: impl Iterator<Item = Result<Event, E>>,
    entries: &[Box<dyn Entry>],
    context: &Context,
) -> Result<Vec<Outcome>, E> {
    let mut runners: Vec<(&'static str, Box<dyn Runner>)> = entries
        .iter()
        .map(|e| (e.about().id, e.start(Shard::ALL, KEYS)))
        .collect();
    divide(&mut runners);
    let mut batch: Vec<Event> = Vec::with_capacity(BATCH);
    let feed = |batch: &mut Vec<Event>, runners: &mut Vec<(&'static str, Box<dyn Runner>)>| {
        runners.par_iter_mut().for_each(|(_, runner)| {
            for event in batch.iter() {
                runner.event(event, context);
            }
        });
        batch.clear();
        divide(runners);
    };
    for event in events {
        batch.push(event?);
        if batch.len() >= BATCH {
            feed(&mut batch, &mut runners);
        }
    }
    feed(&mut batch, &mut runners);
    Ok(runners
        .into_par_iter()
        .map(|(analytic, runner)| {
            let mut found = runner.finish(context);
            found.settle();
            Outcome { analytic, found }
        })
        .collect())
}

/// Divides the room anew: each has an equal share, and what it leaves of it is lent to the others in
/// equal parts. Done between batches, so that it does not depend on the threads.
fn divide(runners: &mut [(&'static str, Box<dyn Runner>)]) {
    let share = BYTES / runners.len().max(1);
    let left: Vec<usize> = runners
        .iter()
        .map(|(_, runner)| share.saturating_sub(runner.bytes()))
        .collect();
    let (all, others) = (left.iter().sum::<usize>(), runners.len().max(2) - 1);
    for ((_, runner), own) in runners.iter_mut().zip(left) {
        runner.allow(share + (all - own) / others);
    }
}
