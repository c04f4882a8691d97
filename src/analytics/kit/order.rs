//! What can be said about the order of the events that a finding rests on.

use crate::context::Context;
use crate::model::finding::{Order, OrderCheck};
use crate::model::{Event, Span};

/// Holds pairs of events, the earlier first, against the clocks that timed them.
pub fn check(pairs: &[(&Event, &Event)], context: &Context) -> OrderCheck {
    let mut check = OrderCheck::of_one_clock();
    for &(a, b) in pairs {
        let uncertainty = context.clocks.between(a, b, &context.identity);
        check.certain &= context.order(a, b) == Order::Before;
        if uncertainty > Span::ZERO {
            let gap = b.time.since(a.time);
            check.smallest_gap = Some(check.smallest_gap.map_or(gap, |held| held.min(gap)));
            check.uncertainty = check.uncertainty.max(uncertainty);
        }
    }
    if check.smallest_gap.is_some() {
        check.notes = clock_notes(pairs, context);
    }
    check
}

/// What was measured of the clocks that an order rests on, a sentence each.
pub fn clock_notes(pairs: &[(&Event, &Event)], context: &Context) -> Vec<String> {
    let mut clocks: Vec<_> = pairs
        .iter()
        .flat_map(|(a, b)| [a, b])
        .map(|e| context.clocks.clock_of(e, &context.identity))
        .collect();
    clocks.sort_unstable();
    clocks.dedup();
    let mut sentences: Vec<String> = clocks
        .into_iter()
        .filter_map(|clock| context.clocks.sentence(clock, &context.identity))
        .collect();
    // What is said of a host's clock is said again with what is known of its Sysmon's beside it.
    sentences.dedup();
    let whole = |said: &String| {
        !sentences
            .iter()
            .any(|s| s != said && s.starts_with(said.as_str()))
    };
    sentences
        .iter()
        .filter(|said| whole(said))
        .cloned()
        .collect()
}
