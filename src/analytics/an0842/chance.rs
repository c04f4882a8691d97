//! How likely a qualifying change meets a knock by chance: told with every finding that has one.

use super::settings::PortKnockSettings;
use crate::analytics::kit::exposure::Changes;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::finding::{Finding, Role, Tier};
use crate::model::plural::counted;
use crate::model::{Event, Span, Timestamp, What};

/// Records that make a window qualify.
const RECORDS: [(Log, &[u32]); 2] = [
    (Log::Firewall, &[2004, 2005, 2071, 2073, 2097, 2099]),
    (Log::Security, &[5154]),
];
/// Where nothing was seen in a time, up to this many would have been seen in it by a rate that is
/// refuted with 95 % confidence (the rule of three: Hanley and Lippman-Hand, JAMA 1983).
const NONE_SEEN: f64 = 3.0;

/// A bound above this bounds nothing.
const TOO_LITTLE: f64 = 0.5;

fn qualifies(log: Log, event_id: u32) -> bool {
    RECORDS
        .iter()
        .any(|(l, ids)| *l == log && ids.contains(&event_id))
}

fn is_counted(event: &Event) -> bool {
    match &event.what {
        What::Host(host) => qualifies(Log::of(&host.channel), host.event_id),
        _ => false,
    }
}

/// Adds how likely a change would have fallen into the window by chance: with a rate of qualifying
/// records per second outside the incident, `1 - exp(-rate * window)`. `inside` are the records of the
/// incident itself.
pub(super) fn with_chance(
    (mut finding, inside): (Finding, u64),
    place: Place,
    armed: u64,
    settings: &PortKnockSettings,
    context: &Context,
) -> Finding {
    let Place::Host(id) = place else {
        return finding;
    };
    if finding.tier == Tier::NetworkOnly {
        return finding;
    }
    let (mut count, mut from, mut to) = (0_u64, Timestamp::MAX, Timestamp::MIN);
    for (log, event, seen) in context.coverage.of_host(id) {
        // A log that holds no such records says nothing of how often there are any.
        if RECORDS.iter().any(|(holds, _)| *holds == log) {
            from = from.min(seen.interval.from);
            to = to.max(seen.interval.to);
        }
        if qualifies(log, event) {
            count += seen.count;
        }
    }
    let window = settings.time_window.as_seconds();
    let count = count.saturating_sub(inside);
    let seconds = to.since(from).as_seconds() - window;
    if to < from || seconds <= 0.0 {
        return finding;
    }
    let chance = |records: f64| 1.0 - (-records / seconds * window).exp();
    let hours = seconds / 3600.0;
    let mut steps = finding.steps.iter();
    if !steps.any(|step| step.role == Role::Change && is_counted(&step.event)) {
        finding.notes.push(
            "chance: how often a window holds a change by chance is counted by the Firewall channel's records of \
             rules and by Security 5154; this change is told by another record, of which no rate is given"
                .to_owned(),
        );
        return finding;
    }
    let sequences = format!("{} of touches on this host", counted(armed, "sequence"));
    finding.notes.push(match count {
        0 if chance(NONE_SEEN) > TOO_LITTLE => format!(
            "chance: outside the incident there are {hours:.1} h of this host's logs, without a record of a rule or \
             listener: too little to say how often a window of {} holds one by chance",
            settings.time_window
        ),
        0 => format!(
            "chance: outside the incident, no record of a rule or listener in {hours:.1} h of this host's logs; at the \
             highest rate this leaves open (95 %), a window of {} would hold one with probability {:.3}; {sequences}",
            settings.time_window,
            chance(NONE_SEEN)
        ),
        _ => format!(
            "chance: outside the incident, {} of rules and listeners in {hours:.1} h of this host's logs; if such fell \
             at random, a window of {} would hold one with probability {:.3}; {sequences}, so {:.3} such \
             meetings would be expected by chance (tied to the very port: fewer)",
            counted(count, "record"),
            settings.time_window,
            chance(count as f64),
            chance(count as f64) * armed as f64
        ),
    });
    finding
}

/// How many qualifying records are the incident's own: those that the finding cites, or all between its
/// first and last step where that is more. A listener has a record for IPv6 as well, and what follows the
/// change within its slack is the same happening.
pub(super) fn own(finding: &Finding, changes: &Changes, slack: Span) -> u64 {
    let cited = finding.steps.iter().filter(|step| is_counted(&step.event));
    let cited = cited.map(|step| 1 + step.also.len() as u64).sum();
    let from = finding.first_time().shifted(slack.negated());
    let within = changes.between(from, finding.last_time().shifted(slack));
    let within = within.filter(|change| is_counted(&change.event)).count() as u64;
    within.max(cited)
}
