//! How likely a qualifying change meets a knock by chance: told with every finding that has one.

use super::settings::PortKnockSettings;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::Timestamp;
use crate::model::finding::{Finding, Tier};

/// Adds how likely a change would have fallen into the window by chance: with a rate of qualifying
/// records per second, `1 - exp(-rate * window)`.
pub(super) fn with_chance(
    mut finding: Finding,
    place: Place,
    armed: u64,
    settings: &PortKnockSettings,
    context: &Context,
) -> Finding {
    const RECORDS: [(Log, &[u32]); 2] = [
        (Log::Firewall, &[2004, 2005, 2071, 2073, 2097, 2099]),
        (Log::Security, &[5154]),
    ];
    let Place::Host(id) = place else {
        return finding;
    };
    if finding.tier == Tier::NetworkOnly {
        return finding;
    }
    let (mut count, mut from, mut to) = (0_u64, Timestamp::MAX, Timestamp::MIN);
    for (log, event, seen) in context.coverage.of_host(id) {
        from = from.min(seen.interval.from);
        to = to.max(seen.interval.to);
        if RECORDS
            .iter()
            .any(|(l, ids)| *l == log && ids.contains(&event))
        {
            count += seen.count;
        }
    }
    let seconds = to.since(from).as_seconds();
    if count == 0 || seconds <= 0.0 {
        return finding;
    }
    let window = settings.time_window.as_seconds();
    let chance = 1.0 - (-(count as f64) / seconds * window).exp();
    finding.notes.push(format!(
        "chance: {count} records of rules and listeners in {:.1} h of this host's logs; if they fell at random, \
         a window of {} would hold one with probability {chance:.3}; {armed} sequence{} of touches on this host, \
         so {:.3} such meetings would be expected by chance (tied to the very port: fewer)",
        seconds / 3600.0,
        settings.time_window,
        if armed == 1 { "" } else { "s" },
        chance * armed as f64
    ));
    finding
}
