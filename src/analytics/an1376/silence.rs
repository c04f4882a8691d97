//! Whether a relation that keeps a beat fell silent, and whether that could have been heard.

use super::relation::Relation;
use super::settings::FallbackSettings;
use super::signs;
use super::state::State;
use crate::context::coverage::interval::joined;
use crate::context::coverage::{Interval, Log};
use crate::context::{Context, Place};
use crate::model::{Span, Timestamp, What};

/// A silence.
pub struct Overdue {
    /// The last that was heard of the channel.
    pub last: Timestamp,
    /// Median interval before it.
    pub beat: Span,
    /// How long it must be to be one.
    pub limit: Span,
    /// How long it was at the first use of the new channel.
    pub by_then: Span,
    /// How long it was as far as the evidence was looked at.
    pub silent: Span,
}

/// The silence of a relation that is a beacon and went without enough beats while the evidence goes on.
pub fn overdue(broken: &signs::Broken<'_>, settings: &FallbackSettings) -> Option<Overdue> {
    let beat = broken.relation.beacon(settings)?;
    let limit = Span(
        beat.median
            .0
            .saturating_mul(i64::from(settings.missing_beats)),
    );
    let limit = limit.max(settings.min_silence);
    let went_on = broken.relation.last != broken.last_before;
    if went_on || broken.end.since(broken.last_before) < limit {
        return None;
    }
    let mut last = (broken.heard)();
    // A connection that is open when the next beat is due takes its broken.
    let open = broken.relation.open_until;
    if open >= last.shifted(beat.median) {
        last = open;
    }
    let silent = broken.end.since(last);
    // A host that sleeps keeps silent altogether, and what wakes with it tells of no silence: it must
    // be heard where beats are missing, or a beat before the new channel comes.
    let due = last.shifted(beat.median);
    let before = broken.until.shifted(beat.median.negated());
    let alive = || (broken.awake)(due, last.shifted(limit).max(before));
    let seen = || (broken.covered)(last, last.shifted(limit));
    (last <= broken.until && silent >= limit && seen() && alive()).then(|| Overdue {
        last,
        beat: beat.median,
        limit,
        by_then: broken.until.since(last),
        silent,
    })
}

/// True if what showed a relation would have shown it from `at.from` to `at.to` too: captures that show
/// connections of the host on the same side of the border of its network, one file after the other; or
/// for a relation that only logs show, one of its logs, of which nothing says that it was not written or
/// that records are missing.
pub fn covered(
    place: Place,
    state: &State,
    relation: &Relation,
    at: Interval,
    settings: &FallbackSettings,
    context: &Context,
) -> bool {
    if relation.seen[0] {
        let inside = relation
            .addresses
            .iter()
            .all(|address| context.assets.is_internal(*address));
        let captures = context.coverage.captures().iter();
        let shows = captures.filter(|(evidence, _)| state.sight.is_in(*evidence, inside));
        let stretches = joined(shows.map(|(_, seen)| *seen).collect(), settings.min_silence);
        return stretches
            .iter()
            .any(|seen| seen.holds(at.from) && seen.holds(at.to));
    }
    let Place::Host(host) = place else {
        return true;
    };
    let shown = [
        Some(&relation.first),
        relation.last_good.as_ref(),
        relation.last_permitted.as_ref(),
    ];
    let mut shown = shown.into_iter().flatten();
    shown.any(|event| match &event.what {
        What::Host(told) => context.coverage.is_whole(host, Log::of(&told.channel), at),
        _ => true,
    })
}
