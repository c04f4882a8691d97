//! What the logs of a host say about what they hold: that one was cleared, that something was no longer
//! audited, that a service that writes them stood still.

use super::logs::ONE_TIME;
use super::{Gap, GapKind, Lessens, Search, TOLD, Window, when};
use crate::context::HostId;
use crate::context::coverage::logging::subcategory;
use crate::context::coverage::{Log, LoggingChange, LoggingWhat};
use crate::model::Timestamp;
use crate::model::plural::counted;

/// Cleared logs, changes of audit policy, the event log service or Sysmon stopped, Sysmon configured
/// anew: inside the window, or before it with an effect that reaches into it.
pub(super) fn changes(search: &Search<'_>, id: HostId, window: Window) -> Vec<Gap> {
    let Some(changes) = search.context.coverage.logging_changes(id) else {
        return Vec::new();
    };
    let mut told: Vec<Gap> = Vec::new();
    let mut more = changes.further;
    for change in &changes.list {
        let gap = match &change.what {
            LoggingWhat::Cleared { .. } | LoggingWhat::SysmonConfigured => {
                Some(of_moment(search, id, change)).filter(|_| window.holds(change.time))
            }
            _ => of_span(search, id, change, window)
                .filter(|gap| window.meets(change.time, gap.to.unwrap_or(Timestamp::MAX))),
        };
        let Some(gap) = gap else { continue };
        // Whatever takes from the evidence is kept; the rest is told in part.
        if told.len() < 2 * TOLD || gap.lessens != Lessens::Nothing {
            told.push(gap);
        } else {
            more += 1;
        }
    }
    if more > 0 {
        told.push(Gap::new(
            GapKind::LoggingChanged,
            format!("{} of what is logged", counted(more, "further change")),
            "see the timeline",
        ));
    }
    told
}

fn by(user: &str) -> String {
    match user {
        "" => String::new(),
        user => format!(" by {user}"),
    }
}

fn placed(mut gap: Gap, change: &LoggingChange, until: Option<Timestamp>) -> Gap {
    (gap.from, gap.to) = (Some(change.time), until);
    gap.evidence = vec![change.provenance.evidence];
    gap
}

/// A log was cleared, or Sysmon configured anew.
fn of_moment(search: &Search<'_>, id: HostId, change: &LoggingChange) -> Gap {
    let at = when(change.time, None);
    let gap = match &change.what {
        LoggingWhat::Cleared { channel, user } => {
            let log = match channel.as_ref() {
                "" => "a".to_owned(),
                name => name.to_owned(),
            };
            let held = search
                .context
                .coverage
                .channels(id)
                .find(|c| c.name().eq_ignore_ascii_case(channel))
                .and_then(|c| Some((c.interval()?, c.held.first_id.is_some() && !c.is_export())))
                .filter(|(held, _)| change.time.since(held.from) > ONE_TIME);
            let why = match held {
                Some((held, numbered)) => format!(
                    "the evidence holds records from before that, back to {}{}",
                    when(held.from, Some(change.time)),
                    match numbered {
                        true => "; whether all of them, their record IDs tell",
                        false => "; whether all of them, this form does not tell",
                    }
                ),
                None => {
                    format!("no record from more than {ONE_TIME} before that is in the evidence")
                }
            };
            Gap::new(
                GapKind::LogCleared,
                format!("{log} log was cleared at {at}{}", by(user)),
                &why,
            )
        }
        _ => Gap::new(
            GapKind::LoggingChanged,
            format!("Sysmon was configured anew at {at}"),
            "other events may be logged from then on",
        ),
    };
    placed(gap, change, None)
}

/// Until when the event log service stood still at the latest, by records that are there without a
/// start of it.
fn resumed(stop: Timestamp, by: Timestamp, again: Option<Timestamp>) -> String {
    let start = match again {
        Some(start) => format!("no start is logged before {}", when(start, Some(stop))),
        None => "no later start is logged".to_owned(),
    };
    format!(
        "to {} at the latest: its logs hold records of the minute before, though {start}",
        when(by, Some(stop))
    )
}

/// From when to when something was not logged; `None` for what lets something be logged.
fn of_span(search: &Search<'_>, id: HostId, change: &LoggingChange, window: Window) -> Option<Gap> {
    let at = when(change.time, None);
    let coverage = &search.context.coverage;
    let unwritten = coverage.logging_changes(id)?.unwritten(change)?;
    let again = unwritten.to;
    let until = |again: Option<Timestamp>, last: Option<Timestamp>| match (again, last) {
        (Some(time), _) => format!("to {}", when(time, Some(change.time))),
        (None, Some(last)) if last > change.time => format!(
            "on; no later start is logged, but its records go on until {}",
            when(last, Some(change.time))
        ),
        (None, _) => "on; no later start is logged, and no later record is there".to_owned(),
    };
    // That nothing was logged any more is not said against later records.
    let whole = |again: Option<Timestamp>, last: Option<Timestamp>| {
        let goes_on = last.is_some_and(|last| last > change.time);
        let to = again.unwrap_or(Timestamp::MAX);
        (again.is_some() || !goes_on)
            && window.from.is_some_and(|from| change.time <= from)
            && window.to.is_some_and(|end| end <= to)
    };
    match &change.what {
        LoggingWhat::EventLog { running: false } => {
            let last = coverage.history(id).map(|i| i.to);
            let mut gap = Gap::new(
                GapKind::LoggingChanged,
                format!(
                    "the event log service did not run from {at} {}",
                    match unwritten.resumed {
                        Some(by) => resumed(change.time, by, again),
                        None => until(again, last),
                    }
                ),
                "the host was shut down, or the service was stopped: of what happened meanwhile the logs hold \
                 only what was kept until the service ran again, or was written while it stopped",
            );
            gap.lessens = Lessens::Logs(id);
            let again = unwritten.until();
            gap.whole = whole(again, last);
            Some(placed(gap, change, again))
        }
        LoggingWhat::AuditPolicy {
            subcategory: guid,
            user,
            ..
        } => {
            let known = subcategory(guid);
            let (name, ids) = known.unwrap_or((guid.as_ref(), &[]));
            let still = ids.iter().any(|event| {
                let seen = coverage.seen(id, Log::Security, *event);
                seen.is_some_and(|seen| seen.interval.to > change.time)
            });
            if still && !window.holds(change.time) {
                return None;
            }
            let mut gap = Gap::new(
                GapKind::LoggingChanged,
                format!("auditing of {name} was reduced at {at}{}", by(user)),
                &match again {
                    Some(time) => format!(
                        "such events may not be logged until {}, when it was extended again",
                        when(time, Some(change.time))
                    ),
                    None => "such events may not be logged from then on".to_owned(),
                },
            );
            if known.is_some() {
                gap.lessens = Lessens::Ids(id, Log::Security, ids);
            }
            Some(placed(gap, change, again))
        }
        LoggingWhat::Sysmon {
            running: Some(false),
        } => {
            let last = coverage.channel(id, Log::Sysmon).map(|s| s.interval.to);
            let mut gap = Gap::new(
                GapKind::LoggingChanged,
                format!("Sysmon did not run from {at} {}", until(again, last)),
                "the host was shut down, or the service was stopped: Sysmon saw nothing meanwhile",
            );
            gap.lessens = Lessens::OneLog(id, Log::Sysmon);
            gap.whole = whole(again, last);
            Some(placed(gap, change, again))
        }
        _ => None,
    }
}
