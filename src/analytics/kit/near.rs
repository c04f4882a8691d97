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
