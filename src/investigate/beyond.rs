//! What the logs hold beyond the captures. Coverage is told for one window of time, that of the
//! captures; a reader must not take it for the time of the logs.

use super::hosts::together;
use crate::context::coverage::{Interval, Log};
use crate::context::{Context, HostId};
use crate::model::{Span, Text, Timestamp};

/// Logs that reach this much further than the captures are worth a sentence, however long those are.
const FURTHER: Span = Span::seconds(3_600);
/// And this much further than captures of minutes, of which it is a tenth or more.
const LEAST: Span = Span::seconds(60);

/// Said where a time was asked for that nothing happened in.
pub(super) const NONE_IN_TIME: &str =
    "not one event of this evidence lies in the time asked for, so no analytic looked at anything";

/// The sentence, where some host's logs begin well before the captures or end well after them.
pub(super) fn note(context: &Context) -> Option<String> {
    let coverage = &context.coverage;
    let from = coverage.capture_start()?;
    let to = coverage.capture_end()?;
    let further = further(to.since(from));
    let mut names: Vec<&Text> = Vec::new();
    let mut hull: Option<Interval> = None;
    for (id, host) in (0..).map(HostId).zip(context.identity.hosts()) {
        // Other logs reach back for years.
        let logs = [Log::Security, Log::Sysmon].map(|log| coverage.channel(id, log));
        let logs = logs.into_iter().flatten().map(|seen| seen.interval);
        let Some(logged) = logs.reduce(Interval::hull) else {
            continue;
        };
        if from.since(logged.from) > further || logged.to.since(to) > further {
            names.push(&host.name);
            hull = Some(hull.map_or(logged, |hull| hull.hull(logged)));
        }
    }
    let logs = hull?;
    let at = |time: Timestamp| format!("{} {}", time.date(), time.clock(0));
    together(names.into_iter(), |hosts| {
        format!(
            "coverage and verdicts are told for the time of the captures, {} to {}; the logs of {hosts} reach further, {} to {}, and \
             what needs packets could not be found there",
            at(from),
            at(to),
            at(logs.from),
            at(logs.to)
        )
    })
}

/// How much further logs must reach than captures that took so long.
fn further(captures: Span) -> Span {
    Span(captures.0 / 10).max(LEAST).min(FURTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_beyond_a_short_capture_are_told_as_well() {
        assert_eq!(further(Span::seconds(200)), LEAST);
        assert_eq!(further(Span::seconds(3_000)), Span::seconds(300));
        assert_eq!(further(Span::seconds(90_000)), FURTHER);
    }
}
