//! What the logs hold beyond the captures. Coverage is told for one window of time, that of the
//! captures; a reader must not take it for the time of the logs.

use super::hosts::together;
use crate::context::coverage::{Interval, Log};
use crate::context::{Context, HostId};
use crate::model::{Span, Text, Timestamp};

/// Logs that reach this much further than the captures are worth a sentence.
const FURTHER: Span = Span::seconds(3_600);

/// Said where a time was asked for that nothing happened in.
pub(super) const NONE_IN_TIME: &str =
    "not one event of this evidence lies in the time asked for, so no analytic looked at anything";

/// The sentence, where some host's logs begin well before the captures or end well after them.
pub(super) fn note(context: &Context) -> Option<String> {
    let coverage = &context.coverage;
    let from = coverage.capture_start()?;
    let to = coverage.capture_end()?;
    let mut names: Vec<&Text> = Vec::new();
    let mut hull: Option<Interval> = None;
    for (id, host) in (0..).map(HostId).zip(context.identity.hosts()) {
        // Other logs reach back for years.
        let logs = [Log::Security, Log::Sysmon].map(|log| coverage.channel(id, log));
        let logs = logs.into_iter().flatten().map(|seen| seen.interval);
        let Some(logged) = logs.reduce(Interval::hull) else {
            continue;
        };
        if from.since(logged.from) > FURTHER || logged.to.since(to) > FURTHER {
            names.push(&host.name);
            hull = Some(hull.map_or(logged, |hull| hull.hull(logged)));
        }
    }
    let logs = hull?;
    let at = |time: Timestamp| format!("{} {}", time.date(), time.clock(0));
    together(names.into_iter(), |hosts| {
        format!(
            "coverage is told for the time of the captures, {} to {}; the logs of {hosts} reach further, {} to {}, and \
             what needs packets could not be found there",
            at(from),
            at(to),
            at(logs.from),
            at(logs.to)
        )
    })
}
