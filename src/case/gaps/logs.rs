//! Gaps of the event logs of one host.

use super::{Gap, GapKind, LATE, Lessens, Search, TOLD, Window, asked, when};
use crate::context::HostId;
use crate::context::coverage::logging::subcategory;
use crate::context::coverage::{Channel, Interval, Log, LoggingChange, LoggingWhat, Reach};
use crate::eventlog::MissingRecords;
use crate::model::plural::counted;
use crate::model::{EvidenceId, Span, Timestamp};

/// Records of a log are numbered in the order they were written, not in that of their times: the first
/// ones after it was cleared may be dated a moment before.
const ONE_TIME: Span = Span::seconds(1);
/// Records of one log lie out of the order of their times by no more than this, unless its clock was set.
const BACKWARDS: Span = Span::seconds(60);
/// What fills a gap of a log.
const ELSEWHERE: &str = "archived logs, shadow copies, a log collector";
/// Why the logs of a host may end before the window does.
pub(super) const COLLECTED_BEFORE: &str =
    "the logs were collected before that, the host was off, or nothing was logged";
/// Event ids that say the Security log itself lost something, and what.
const LOSSES: [(u32, &str); 2] = [
    (1101, "the system reports audit events it dropped"),
    (1104, "the system reports that the log was full"),
];

pub(super) fn of_host(search: &Search<'_>, id: HostId) -> Vec<Gap> {
    let coverage = &search.context.coverage;
    if coverage.channels(id).next().is_none() {
        let mut gap = Gap::new(
            GapKind::NoLogs,
            "no event log of this host was given".to_owned(),
            "not collected, or not handed over",
        );
        (gap.lessens, gap.whole) = (Lessens::Logs(id), true);
        return vec![gap];
    }
    let window = search.window(Some(id));
    let mut gaps = Vec::new();
    // What an uncertain clock may have moved out of the window is no gap of it.
    let wide = window.widened(search.doubt(id));
    gaps.extend(clock_unknown(search, id, window));
    gaps.extend(ends_early(search, id, window));
    let mut kept: Vec<&Channel> = coverage
        .channels(id)
        .filter(|c| !matches!(c.log, Log::Other | Log::FirewallText))
        .collect();
    kept.sort_by_key(|c| (c.log, c.name().clone()));
    for channel in kept {
        gaps.extend(starts_late(search, id, channel, window));
        gaps.extend(falls_silent(search, id, channel, window));
        gaps.extend(records_missing(id, channel, wide));
        gaps.extend(unread(id, channel));
        gaps.extend(losses(id, channel));
    }
    for channel in coverage.channels(id) {
        gaps.extend(form(id, channel));
    }
    gaps.extend(changes(search, id, wide));
    gaps
}

/// A log that is there only in a form that says less than the log itself.
fn form(id: HostId, channel: &Channel) -> Option<Gap> {
    let form = channel.held.form?;
    let loses = form.loses(channel.held.kept())?;
    let name = match channel.name().is_empty() {
        true => "a channel that no record names",
        false => channel.name(),
    };
    let mut gap = Gap::new(
        GapKind::Form,
        format!("{name} is there as {} only: {loses}", form.word()),
        "the order of events close together, and that something is missing, cannot be told as from the log itself",
    );
    name.clone_into(&mut gap.log);
    gap.evidence = files(channel);
    if channel.log != Log::Other {
        gap.lessens = Lessens::OneLog(id, channel.log);
    }
    if !matches!(channel.log, Log::Other | Log::FirewallText) {
        gap.remedy = format!("{} as EVTX", channel.name());
    }
    Some(gap)
}

fn files(channel: &Channel) -> Vec<EvidenceId> {
    channel.evidence.iter().copied().collect()
}

/// The host's clock may be further off than the silence that would be told: a log that seems to end
/// early may end with the window.
fn clock_unknown(search: &Search<'_>, id: HostId, window: Window) -> Option<Gap> {
    let doubt = search.doubt(id);
    if doubt <= search.silence {
        return None;
    }
    // Logs that lie years beside the window do so by any clock.
    let history = search.context.coverage.history(id);
    if history.is_some_and(|held| !window.widened(doubt).meets(held.from, held.to)) {
        return None;
    }
    let mut gap = Gap::new(
        GapKind::ClockUnknown,
        format!(
            "its clock is not known well enough (+/- {}) to tell whether its logs cover the time of the {}",
            doubt.roughly(),
            search.window_name()
        ),
        "nothing that a capture or another host saw too tells how far it is off",
    );
    gap.lessens = Lessens::Logs(id);
    gap.remedy = "how far its clock is off, or its time zone (--clock HOST=-5h)".to_owned();
    Some(gap)
}

/// The last record of any log lies well before the end of the window. Logs are taken to have been
/// collected together; that one of them is quiet means nothing by itself.
fn ends_early(search: &Search<'_>, id: HostId, window: Window) -> Option<Gap> {
    let history = search.context.coverage.history(id)?;
    if let Some(gap) = asked::after_logs(search, id, history.to) {
        return Some(gap);
    }
    let to = window.to?;
    if to.since(history.to) <= search.silence.max(search.doubt(id)) {
        return None;
    }
    // By the clock's uncertainty they may still reach into it: then it is not said that they do not.
    let doubt = search.doubt(id);
    let before = window.from.filter(|from| from.since(history.to) > doubt);
    let (edge, what) = before.map_or((to, "ends"), |from| (from, "begins"));
    let mut gap = Gap::new(
        GapKind::LogsEndEarly,
        format!(
            "its last record of any log is of {}, {} before the {} {what}",
            when(history.to, None),
            edge.since(history.to).roughly(),
            search.window_name()
        ),
        COLLECTED_BEFORE,
    );
    (gap.from, gap.to) = (Some(history.to), Some(to));
    gap.lessens = Lessens::Logs(id);
    gap.whole = window.from.is_some_and(|from| history.to < from);
    gap.remedy = format!("its logs after {}", when(history.to, None));
    Some(gap)
}

/// One log ends long before another that Windows writes all the time: it was written to in more hours
/// than that other went on alone, and never was silent for half as many. Whoever logs seldom, only at
/// times, or had just begun, gives no such rule to break.
fn falls_silent(search: &Search<'_>, id: HostId, channel: &Channel, window: Window) -> Option<Gap> {
    let coverage = &search.context.coverage;
    let hours = coverage.hours(id, channel.log)?;
    let end = channel.interval()?.to;
    let others = [Log::Security, Log::Sysmon].into_iter();
    let (alone, other) = others
        .filter(|other| *other != channel.log)
        .filter_map(|other| {
            let last = channel.held.last_time?;
            Some((coverage.hours(id, other)?.after(last), other))
        })
        .max_by_key(|(alone, _)| *alone)?;
    let last = coverage.channel(id, other)?.interval.to;
    let pause = hours.longest_pause()?;
    if alone <= 2 * pause || hours.count() < alone {
        return None;
    }
    // The window of a host without captures is that of its Security log, which may be the silent one.
    let to = search.asked.to.or(coverage.capture_end());
    let to = to.map_or(last, |to| to.min(last));
    // A stop that is logged is told by itself.
    if to.since(end) <= search.silence || !coverage.could_write(id, channel.log, to, to) {
        return None;
    }
    let (log, other) = (channel.called(), other.name());
    let mut gap = Gap::new(
        GapKind::LogsEndEarly,
        format!(
            "its {log} log ends {}, {} before its {other} log does; until then it never was silent for {pause} hours",
            when(end, None),
            last.since(end).roughly()
        ),
        "it was no longer written, records were removed, or the log was collected before that",
    );
    gap.evidence = files(channel);
    (gap.from, gap.to) = (Some(end), Some(to));
    gap.lessens = Lessens::OneLog(id, channel.log);
    gap.whole = window.from.is_some_and(|from| end < from);
    gap.remedy = format!("{log} records after {} ({ELSEWHERE})", when(end, None));
    Some(gap)
}

fn starts_late(search: &Search<'_>, id: HostId, channel: &Channel, window: Window) -> Option<Gap> {
    let (Reach::Since(start), Some(from)) = (channel.reach(), window.from) else {
        return None;
    };
    let beside = search.asked_before(start, search.doubt(id));
    if beside.is_none() && start.since(from) <= LATE.max(search.doubt(id)) {
        return None;
    }
    let doubt = search.doubt(id);
    let after = beside.or(window.to.filter(|to| start.since(*to) > doubt));
    let log = channel.called();
    let cleared = cleared_before(search, id, channel, start);
    let why = match (channel.wrapped, cleared) {
        (true, _) => "the log was full and went round: older records were overwritten".to_owned(),
        (false, Some(at)) => format!(
            "the log was cleared at {}: older records are not in this file",
            when(at, Some(start))
        ),
        (false, None) => "older records were overwritten, removed, or not exported".to_owned(),
    };
    let mut gap = Gap::new(
        GapKind::LogStartsLate,
        match after {
            Some(to) => format!(
                "{log} log starts {}, {} after the {} ends",
                when(start, None),
                start.since(to).roughly(),
                search.window_name()
            ),
            None => format!(
                "{log} log starts {}, {} into the {}",
                when(start, None),
                start.since(from).roughly(),
                search.window_name()
            ),
        },
        &why,
    );
    gap.evidence = files(channel);
    (gap.from, gap.to) = (Some(from), Some(start));
    gap.lessens = Lessens::OneLog(id, channel.log);
    gap.whole = beside.is_some() || window.to.is_some_and(|to| start > to);
    gap.remedy = format!("{log} records before {} ({ELSEWHERE})", when(start, None));
    Some(gap)
}

/// When this log was cleared, if that is why it starts at `start`.
fn cleared_before(
    search: &Search<'_>,
    id: HostId,
    channel: &Channel,
    start: Timestamp,
) -> Option<Timestamp> {
    let changes = search.context.coverage.logging_changes(id)?;
    changes
        .list
        .iter()
        .filter(|change| match &change.what {
            LoggingWhat::Cleared { channel: of, .. } => of.eq_ignore_ascii_case(channel.name()),
            _ => false,
        })
        .map(|change| change.time)
        .filter(|time| time.since(start) <= ONE_TIME)
        .max()
}

fn records_missing(id: HostId, channel: &Channel, window: Window) -> Vec<Gap> {
    let log = channel.called();
    let one = |what: String, why: &str, after: Option<Timestamp>, before: Option<Timestamp>| {
        let mut gap = Gap::new(GapKind::RecordsMissing, what, why);
        gap.evidence = files(channel);
        (gap.from, gap.to) = (after, before);
        gap.lessens = Lessens::OneLog(id, channel.log);
        gap.remedy = format!("the missing {log} records ({ELSEWHERE})");
        gap
    };
    let causes = match channel.unread {
        0 => "removed, overwritten, or not exported",
        _ => "removed, overwritten, not exported, or among those that could not be read",
    };
    let Some(holes) = channel.missing() else {
        if channel.is_export() {
            // What the form of an export loses is told with what that costs.
            if form(id, channel).is_some() {
                return Vec::new();
            }
            let what = format!("the {} log is an export", channel.name());
            let why = "an export may leave records out, and whether this one does cannot be told";
            let mut gap = one(what, why, None, None);
            gap.remedy = format!("{} as EVTX", channel.name());
            return vec![gap];
        }
        let what = format!("{log} record IDs have too many holes to follow");
        return vec![one(what, "as in an export of selected records", None, None)];
    };
    let inside: Vec<&MissingRecords> = holes.iter().filter(|h| touches(h, window)).collect();
    if inside.len() > TOLD {
        let all = inside
            .iter()
            .fold(0_u64, |n, h| n.saturating_add(h.count()));
        let what = format!(
            "{log} record IDs have {} ({} in all)",
            counted(inside.len() as u64, "hole"),
            counted(all, "record")
        );
        let ends = (inside.first(), inside.last());
        let (Some(first), Some(last)) = ends else {
            return Vec::new();
        };
        let why = "as in an export of selected records; else removed or overwritten";
        return vec![one(what, why, first.after, last.before)];
    }
    inside
        .into_iter()
        .map(|hole| {
            if let (Some(a), Some(b)) = (hole.after, hole.before)
                && a.since(b) > BACKWARDS
            {
                return two_logs(one, log, hole, (a, b));
            }
            let ids = match hole.count() {
                1 => format!("ID {} is", hole.first),
                _ => format!("IDs {} to {} are", hole.first, hole.last),
            };
            let times = match (hole.after, hole.before) {
                (Some(a), Some(b)) => format!(", {} to {}", when(a, None), when(b, Some(a))),
                _ => String::new(),
            };
            let what = format!(
                "{log} record {ids} missing ({}{times})",
                counted(hole.count(), "record")
            );
            one(what, causes, hole.after, hole.before)
        })
        .collect()
}

/// Record IDs that jump ahead while the times go back: what lies between was never in this log.
fn two_logs(
    one: impl Fn(String, &str, Option<Timestamp>, Option<Timestamp>) -> Gap,
    log: &str,
    hole: &MissingRecords,
    (after, before): (Timestamp, Timestamp),
) -> Gap {
    let what = format!(
        "{log} records from ID {} on are older than those up to ID {} ({} against {}), and no ID between is there",
        hole.last.saturating_add(1),
        hole.first.saturating_sub(1),
        when(before, None),
        when(after, Some(before))
    );
    let why = "two computers of one name, or one installed anew; else a clock that was set back: none of them is \
               called missing";
    let mut gap = one(what, why, Some(before), Some(after));
    gap.remedy = format!("from which computer each file with its {log} log is");
    gap
}

/// True if the hole lies in the window at least in part, or its time is not known.
fn touches(hole: &MissingRecords, window: Window) -> bool {
    let (Some(a), Some(b)) = (hole.after, hole.before) else {
        return true;
    };
    let hole = Interval::at(a).hull(Interval::at(b));
    window.meets(hole.from, hole.to)
}

fn unread(id: HostId, channel: &Channel) -> Option<Gap> {
    if channel.unread == 0 {
        return None;
    }
    let mut gap = Gap::new(
        GapKind::Unread,
        format!(
            "{} of the files with its {} log could not be read",
            counted(channel.unread, "record"),
            channel.called()
        ),
        "what they say is missing; see the problems of the files",
    );
    gap.evidence = files(channel);
    gap.lessens = Lessens::OneLog(id, channel.log);
    Some(gap)
}

/// What the Security log says about its own losses. The records have no time here: only their event
/// ids were counted.
fn losses(id: HostId, channel: &Channel) -> Vec<Gap> {
    if channel.log != Log::Security {
        return Vec::new();
    }
    LOSSES
        .iter()
        .filter_map(|(event, words)| {
            let times = channel.held.ids.get(event)?;
            let mut gap = Gap::new(
                GapKind::LoggingChanged,
                format!("{words} (Security {event}, {})", counted(*times, "record")),
                "some events of the Security log are missing, and nothing says which",
            );
            gap.evidence = files(channel);
            let interval = channel.interval();
            (gap.from, gap.to) = (interval.map(|i| i.from), interval.map(|i| i.to));
            gap.lessens = Lessens::OneLog(id, Log::Security);
            Some(gap)
        })
        .collect()
}

/// Cleared logs, changes of audit policy, the event log service or Sysmon stopped, Sysmon configured
/// anew: inside the window, or before it with an effect that reaches into it.
fn changes(search: &Search<'_>, id: HostId, window: Window) -> Vec<Gap> {
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
