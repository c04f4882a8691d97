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
const BYTES: usize = 104 << 20;
/// What those of one may keep: a count of states is an estimate, and an error that five share evens out
/// where one alone would have it all.
const ONE: usize = BYTES / 2;

/// What one analytic found.
pub struct Outcome {
    /// Its id.
    pub analytic: &'static str,
    /// What it found.
    pub found: Found,
}

/// Replays `events` over `entries`. While the analytics see one batch, the next is read.
///
/// # Errors
/// The first error of the stream ends the replay.
pub fn replay<E: Send>(
    mut events: impl Iterator<Item = Result<Event, E>> + Send,
    entries: &[Box<dyn Entry>],
    context: &Context,
) -> Result<Vec<Outcome>, E> {
    let mut runners: Vec<(&'static str, Box<dyn Runner>)> = entries
        .iter()
        .map(|e| (e.about().id, e.start(Shard::ALL, KEYS)))
        .collect();
    divide(&mut runners);
    let (mut batch, mut next) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
    fill(&mut batch, &mut events)?;
    while !batch.is_empty() {
        let feed = || {
            runners.par_iter_mut().for_each(|(_, runner)| {
                for event in &batch {
                    runner.event(event, context);
                }
            });
            batch.clear();
        };
        let (filled, ()) = rayon::join(|| fill(&mut next, &mut events), feed);
        filled?;
        divide(&mut runners);
        std::mem::swap(&mut batch, &mut next);
    }
    Ok(runners
        .into_par_iter()
        .map(|(analytic, runner)| {
            let mut found = runner.finish(context);
            found.settle();
            Outcome { analytic, found }
        })
        .collect())
}

/// Fills `batch` as far as there are events.
fn fill<E>(
    batch: &mut Vec<Event>,
    events: &mut impl Iterator<Item = Result<Event, E>>,
) -> Result<(), E> {
    while batch.len() < BATCH
        && let Some(event) = events.next()
    {
        batch.push(event?);
    }
    Ok(())
}

/// Divides the room anew. Done between batches, so that it does not depend on the threads.
fn divide(runners: &mut [(&'static str, Box<dyn Runner>)]) {
    let kept: Vec<usize> = runners.iter().map(|(_, runner)| runner.bytes()).collect();
    for ((_, runner), room) in runners.iter_mut().zip(rooms(&kept)) {
        runner.allow(room);
    }
}

/// What each may keep, given what each keeps: an equal share, and in equal parts what the others
/// leave of theirs, as far as one may.
fn rooms(kept: &[usize]) -> impl Iterator<Item = usize> {
    let share = BYTES / kept.len().max(1);
    let left = move |kept: &usize| share.saturating_sub(*kept);
    let (all, others) = (kept.iter().map(left).sum::<usize>(), kept.len().max(2) - 1);
    kept.iter()
        .map(move |kept| (share + (all - left(kept)) / others).min(ONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_has_half_of_the_room_and_equals_have_equal_shares() {
        assert_eq!(rooms(&[0]).collect::<Vec<_>>(), [ONE]);
        assert_eq!(rooms(&[0, 0, 0]).collect::<Vec<_>>(), [ONE; 3]);
        assert_eq!(rooms(&[BYTES, BYTES]).collect::<Vec<_>>(), [BYTES / 2; 2]);
    }

    #[test]
    fn what_one_leaves_is_lent_and_all_together_never_keep_more_than_there_is() {
        let share = BYTES / 4;
        let lent: Vec<usize> = rooms(&[share, 0, share, share / 2]).collect();
        assert_eq!(lent[0], share + (share + share / 2) / 3);
        assert_eq!(lent[1], share + (share / 2) / 3);
        // Each that uses its room to the full, beside others that keep what they keep.
        for kept in [
            [0, 0, 0, 0],
            [share, 0, 0, 0],
            [share; 4],
            [2 * share, share, 0, 9],
        ] {
            let full: usize = rooms(&kept)
                .zip(kept)
                .map(|(room, kept)| if kept < share { kept } else { room })
                .sum();
            assert!(full <= BYTES, "{kept:?}: {full}");
        }
    }
}
