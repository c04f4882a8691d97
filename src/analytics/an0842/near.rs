//! What a near miss says of a sequence: what followed, and what it lacks.

use crate::analytics::kit::arrivals::Arrival;
use crate::analytics::kit::change::{Change, Effect};
use crate::analytics::kit::door::{Door, DoorRules};
use crate::analytics::kit::knock::Knock;
use crate::context::Context;
use crate::model::Timestamp;

/// A change after the touches that let something in, whatever it is for: "no change" must not be said beside it.
pub(super) fn exposed<'a>(
    door: &'a Door,
    knock: &Knock,
    to: Timestamp,
    rules: &DoorRules,
    context: &Context,
) -> Option<&'a Change> {
    let arming = &knock.arming().event;
    let opens = |c: &&Change| {
        matches!(
            c.effect,
            Effect::Opens | Effect::Unprotects | Effect::Listens
        )
    };
    let changes = door.changes.between(rules.earliest(knock), to);
    changes
        .filter(opens)
        .filter(|c| context.follows(arming, &c.event, rules.slack))
        .min_by_key(|c| c.effect == Effect::Listens)
}

/// What shows that the port of an arrival was open already, and whether that was before the touches.
pub(super) fn was_open(door: &Door, knock: &Knock, arrival: &Arrival, context: &Context) -> String {
    let port = arrival.port;
    let since = door.arrivals.open_since(arrival.transport, port);
    if since.is_none() {
        return format!(
            "port {port} was reached, and whether it was open before is not known: more ports of the host were open \
             than are remembered"
        );
    }
    match since.filter(|since| since.provenance != arrival.event.provenance) {
        Some(since) => {
            let shown = context.labels.place(&since.provenance);
            match since.time < knock.first() {
                true => {
                    format!("port {port} was reached afterwards, but it was open before ({shown})")
                }
                false => format!(
                    "port {port} was reached afterwards, but it had been found open in between ({shown})"
                ),
            }
        }
        None => format!("port {port} was reached, but not for the first time"),
    }
}
