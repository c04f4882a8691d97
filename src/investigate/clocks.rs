//! What a reader must know of the clocks: which were set, which are in another zone, whose were measured, in
//! sentences.

use super::hosts;
use crate::context::Context;
use crate::context::clocks::{Change, Taken, ahead, beside_utc, hours};
use crate::model::{Span, Text, Timestamp};
use crate::report::words::base;

/// Changes of one clock that are told; the rest is counted.
const TOLD: usize = 4;
/// Records named for one change.
const PLACES: usize = 4;

/// The sentences.
pub(super) fn notes(context: &Context) -> Vec<String> {
    let clocks = &context.clocks;
    let mut notes = Vec::new();
    let mut assumed = Vec::new();
    for host in context.identity.hosts() {
        let Some(id) = context.identity.named(&host.name) else {
            continue;
        };
        notes.extend(changes(context, &host.name, clocks.changes(id)));
        let report = clocks.report(id, &context.identity);
        if report.only_zone {
            notes.push(format!(
                "{}: times are local, {} by UtcTime of {} of its Sysmon records; they are corrected by that, \
                 and its clock itself was not measured",
                hosts::called(&host.name),
                beside_utc(&report.offsets),
                report.anchors
            ));
        } else if let Some(zone) = report.zone_error {
            notes.push(format!(
                "{}: times are off by {}, a multiple of 15 minutes: a wrong time zone rather than a wrong \
                 clock",
                hosts::called(&host.name),
                hours(zone)
            ));
        }
        if report.network_assumed {
            assumed.push(&host.name);
        } else if !report.network.is_empty() {
            notes.push(report.network);
        }
    }
    notes.extend(clocks.locals(&context.identity));
    notes.extend(hosts::together(assumed.into_iter(), |hosts| {
        format!(
            "the clock of Sysmon 3 and 22 could not be measured on {hosts}; these events are placed 1.5 s before \
             they were written (+/- {})",
            crate::context::clocks::LATE_BY
        )
    }));
    let reference = clocks.reference_sensor().map(|(evidence, interface)| {
        format!("{}, interface {interface}", context.labels.file(evidence))
    });
    for ((evidence, interface), measured) in clocks.sensors() {
        notes.push(format!(
            "{}, interface {interface}: its clock is {} that of {} (+/- {}; {} SYNs seen by both), and its times are \
             corrected by that; packets that both saw may count twice",
            context.labels.file(evidence),
            ahead(measured.offset),
            reference.as_deref().unwrap_or("the other captures"),
            measured.uncertainty,
            measured.anchors
        ));
    }
    notes
}

/// Changes of one clock; of many the largest.
fn changes(context: &Context, host: &Text, mut changes: Vec<Change>) -> Vec<String> {
    let more = changes.len().saturating_sub(TOLD);
    changes.sort_by_key(|change| std::cmp::Reverse(change.size.abs()));
    changes.truncate(TOLD);
    changes.sort_by_key(|change| change.from);
    let mut notes: Vec<String> = changes.iter().map(|c| change(context, host, c)).collect();
    if more > 0 {
        notes.push(format!(
            "{}: its clock was changed {more} more times, each by more than {}",
            hosts::called(host),
            context.clocks.assumed_error
        ));
    }
    notes
}

fn change(context: &Context, host: &Text, change: &Change) -> String {
    let host = hosts::called(host);
    let way = if change.size < Span::ZERO {
        "back"
    } else {
        "forward"
    };
    // To the nearest second: a record of 03:00:30 is placed a millisecond before that as often as not.
    let moment = |time: Timestamp| {
        let time = time.shifted(Span::millis(500));
        format!("{} {}", time.date(), time.clock(0))
    };
    let (size, at) = (change.size.abs(), moment(change.from));
    let what = if change.told.is_empty() {
        format!(
            "{host}: its clock went {way} by {size} between {at} and {}, and no record that was read tells of it",
            moment(change.to)
        )
    } else {
        let by = match base(&change.process) {
            "" => String::new(),
            program => format!(", by {program}"),
        };
        let places = change.told.iter().take(PLACES);
        let places: Vec<String> = places.map(|at| context.labels.place(at)).collect();
        format!(
            "{host}: its clock was set {way} by {size} at {at}{by} ({})",
            places.join(", ")
        )
    };
    let signed = |span: Span| match span < Span::ZERO {
        true => span.to_string(),
        false => format!("+{span}"),
    };
    let taken = match change.taken {
        Taken::Measured(before, after) => format!(
            "its times are corrected by {} before and by {} after",
            signed(before),
            signed(after)
        ),
        Taken::Stretches(by) if by > Span::ZERO => format!(
            "times of before are placed {by} earlier, in the order of the records, those of after stay as recorded, and \
             nothing tells which were right"
        ),
        Taken::Stretches(by) => format!(
            "times of after it, until it was set back, are placed {} earlier, and nothing tells which were right",
            by.abs()
        ),
        Taken::Nothing => "its times stay as recorded".to_owned(),
        Taken::Given => {
            "its times are corrected by what was said of it (--clock), before and after alike".to_owned()
        }
        Taken::Contradicted => {
            "what others saw of this clock knows of no such change, and its times are corrected without it".to_owned()
        }
    };
    format!("{what}; {taken}")
}
