//! The near miss of a sequence of touches, whichever analytic tells it.

use super::knock::Knock;
use super::picture::host_words;
use crate::context::{Context, Place};
use crate::model::finding::NearMiss;

/// Touches that are cited.
const CITED: usize = 4;

/// What `analytic` says of a sequence that was not reported, because of `why`; it lacks so many conditions.
pub fn near_miss(
    analytic: &'static str,
    place: Place,
    knock: &Knock,
    missing: u32,
    why: &str,
    context: &Context,
) -> NearMiss {
    let touches = knock.touches.iter().take(CITED);
    NearMiss {
        analytic,
        missing,
        time: knock.first(),
        text: format!(
            "{} touched {} closed ports of {} in {}; {why}",
            knock.source,
            knock.ports().len(),
            host_words(place, context),
            knock.length()
        ),
        references: touches.map(|t| t.event.provenance).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::kit::knock::tests::knock;

    #[test]
    fn a_near_miss_counts_ports_cites_a_few_touches_and_says_what_it_lacks() {
        let knock = knock(&[7_000, 8_000, 9_000, 7_000, 8_000, 9_000]);
        let place = Place::Address([10, 20, 0, 15].into());
        let context = Context::default();
        let miss = near_miss("AN0842", place, &knock, 2, "no change was seen", &context);
        assert_eq!(
            miss.text,
            "203.0.113.7 touched 3 closed ports of 10.20.0.15 in 5 s; no change was seen"
        );
        assert_eq!((miss.analytic, miss.missing), ("AN0842", 2));
        assert_eq!(miss.time, knock.first());
        let cited: Vec<u64> = miss.references.iter().map(|place| place.item).collect();
        assert_eq!(cited, [0, 1, 2, 3]);
    }
}
