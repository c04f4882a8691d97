//! The steps of an incident as a table: time, gap, role, sentence, reference.

use super::page::{Cell, Page, Tone};
use super::short_host;
use crate::case::{Case, Incident};
use crate::model::finding::Step;
use crate::model::{Event, EvidenceId, HostWhat, Labels, Provenance, Span, What};
use crate::report::about::places;
use crate::report::words::{Ends, Form, computer, log_label, name, sentence, short};
use std::collections::BTreeMap;

/// References printed per step; JSON has all.
const REFERENCES: usize = 12;
/// Columns from which on there is room for the sentence beside a second time.
const BESIDE: usize = 140;
/// What follows a time whose zone nothing tells.
const LOCAL: &str = " local";

pub(super) fn write(case: &Case, incident: &Incident, page: &mut Page) {
    let steps = &incident.finding.steps;
    let local = |step: &Step| case.labels.is_local(&step.event);
    let any_local = steps.iter().any(local);
    page.heading(&format!(
        "Sequence (UTC{}{})",
        if any_local {
            ", but for local times of a zone that nothing tells"
        } else {
            ""
        },
        corrections(case, steps)
    ));
    let wide = page.wide();
    let digits = if wide { 6 } else { 3 };
    let tie = |i: usize| i > 0 && steps[i - 1].event.time == steps[i].event.time;
    let tied = (0..steps.len()).any(tie);
    let ends = Ends::telling(steps.iter().map(|step| &step.event));

    let after: Vec<String> = steps
        .iter()
        .enumerate()
        .map(|(i, step)| match i {
            0 => String::new(),
            _ => gap(step.event.time.since(steps[i - 1].event.time)),
        })
        .collect();
    let references: Vec<String> = steps
        .iter()
        .map(|step| {
            if wide {
                all_references(case, step)
            } else {
                case.labels.place(&step.event.provenance)
            }
        })
        .collect();

    let number_width = steps.len().to_string().len() + usize::from(tied);
    let time = 2 + number_width + 2;
    let time_width = 9 + digits + if any_local { LOCAL.len() } else { 0 };
    // Another zone has a column of its own, or on a narrow page the line below.
    let zone = page.zone.clone();
    let beside = zone.name().filter(|_| page.width >= BESIDE);
    let beside_at = time + time_width + 2;
    let beside_width = match &beside {
        Some(_) => 27 + digits,
        None => 0,
    };
    let after_at = beside_at + beside_width + if beside.is_some() { 2 } else { 0 };
    let after_width = after.iter().map(String::len).max().unwrap_or(0).max(9);
    // A narrow page keeps the sentence and drops the gap, which the times tell as well.
    let gaps = page.width >= 72;
    let role = after_at + if gaps { after_width + 2 } else { 0 };
    let what = role + 9;
    // A reference to a member of an archive must stay in one piece, and would leave no room for the
    // sentence: it goes below.
    let below = references.iter().any(|reference| reference.contains('!'));
    let limit = if wide { 24 } else { 13 };
    let reference_width = references
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .clamp(9, limit);
    let reference_width = if below { 0 } else { reference_width };
    let reference = page.width.saturating_sub(reference_width);
    let space = if below { 0 } else { 2 };
    let what_width = reference.saturating_sub(what + space).max(10);

    page.row(&[
        Cell::new(2, number_width, "#"),
        Cell::new(time, time_width, "time"),
        Cell::new(beside_at, beside_width, beside.as_deref().unwrap_or("")),
        Cell::new(after_at, after_width, if gaps { "after" } else { "" }).right(),
        Cell::new(role, 8, "what"),
        match below {
            true => Cell::new(what, what_width, "and reference"),
            false => Cell::new(reference, reference_width, "reference"),
        },
    ]);
    let mut day = steps.first().map(|s| s.event.time.date());
    for (i, step) in steps.iter().enumerate() {
        let date = step.event.time.date();
        if day.as_deref() != Some(&date) {
            page.text(time, &date);
            day = Some(date);
        }
        let mut words = match wide {
            true => sentence(&step.event, Form::Long),
            false => short(&step.event, ends),
        };
        if !step.remark.is_empty() {
            words.push_str(&format!(" ({})", step.remark));
        }
        let local = local(step);
        let time_cell = step.event.time.clock(digits) + if local { LOCAL } else { "" };
        let other = zone.time(step.event.time, digits).filter(|_| !local);
        let other = other.unwrap_or_default();
        let number = format!("{}{}", i + 1, if tie(i) { "=" } else { "" });
        let reference_cell = match below {
            true => Cell::new(what, what_width, &references[i]),
            false => Cell::new(reference, reference_width, &references[i]),
        }
        .tone(Tone::Reference);
        page.row(&[
            Cell::new(2, number_width, &number),
            Cell::new(time, time_width, &time_cell),
            Cell::new(
                beside_at,
                beside_width,
                if beside.is_some() { &other } else { "" },
            ),
            Cell::new(after_at, after_width, if gaps { &after[i] } else { "" }).right(),
            Cell::new(role, 8, &step.role.word().to_ascii_uppercase()),
            Cell::new(what, what_width, &words),
            match below {
                true => Cell::new(page.width, 1, ""),
                false => reference_cell.clone(),
            },
        ]);
        if below {
            page.row(&[reference_cell]);
        }
        if beside.is_none() {
            page.text(time, &other);
        }
    }
    if tied {
        page.hanging(2, "= ", "same time as the step before it, order not known");
    }
}

/// `+0.408 s`.
fn gap(span: Span) -> String {
    if span < Span::ZERO {
        span.to_string()
    } else {
        format!("+{span}")
    }
}

/// `; times of FS01 corrected by -1.842 s, see Clock and the notes`, from the steps whose time was moved. A clock
/// that drifts, or two clocks of one host, give a range. Where only Sysmon's clock of network events moved, it is
/// said of that.
fn corrections(case: &Case, steps: &[Step]) -> String {
    let mut moved: BTreeMap<String, (Span, Span)> = BTreeMap::new();
    let networks = |event: &Event| match &event.what {
        What::Host(host) => matches!(
            host.what,
            HostWhat::Connected { .. } | HostWhat::NameQueried { .. }
        ),
        _ => false,
    };
    let only_networks = |host: &str| {
        let of_host = |step: &&Step| computer(&step.event) == Some(host);
        let by = |step: &Step| step.event.time.since(step.event.recorded);
        let mut moved = steps.iter().filter(of_host).filter(|s| by(s) != Span::ZERO);
        moved.all(|step| networks(&step.event))
    };
    for step in steps {
        let by = step.event.time.since(step.event.recorded);
        if by != Span::ZERO {
            let whose = match computer(&step.event) {
                Some(host) if !host.is_empty() && only_networks(host) => {
                    format!("Sysmon 3 and 22 of {}", name(short_host(case, host)))
                }
                Some(host) if !host.is_empty() => name(short_host(case, host)),
                Some(_) => "an unnamed host".to_owned(),
                None => case
                    .labels
                    .file(step.event.provenance.evidence)
                    .into_owned(),
            };
            let (least, most) = moved.entry(whose).or_insert((by, by));
            (*least, *most) = ((*least).min(by), (*most).max(by));
        }
    }
    if moved.is_empty() {
        return String::new();
    }
    let each: Vec<String> = moved
        .iter()
        .map(|(whose, (least, most))| match (gap(*least), gap(*most)) {
            (least, most) if least == most => format!("{whose} corrected by {least}"),
            (least, most) => format!("{whose} corrected by {least} to {most}"),
        })
        .collect();
    format!("; times of {}, see Clock and the notes", each.join(", of "))
}

/// `E1:p19402-p19404`, `E2:r30088 Sec 5154`: all places a step rests on, runs of packets joined.
fn all_references(case: &Case, step: &Step) -> String {
    let mut places = places(&step.event, &step.also);
    let more = places.len().saturating_sub(REFERENCES);
    places.truncate(REFERENCES);
    let mut text = join(&case.labels, &places);
    if more > 0 {
        text.push_str(&format!(" +{more} more"));
    }
    if let Some(label) = log_label(&step.event) {
        text.push(' ');
        text.push_str(&label);
    }
    text
}

/// Places of one file share its number; three or more in a row become a range.
fn join(labels: &Labels, places: &[Provenance]) -> String {
    let mut text = String::new();
    let mut last: Option<EvidenceId> = None;
    let mut i = 0;
    while i < places.len() {
        let first = places[i];
        let mut end = i;
        while end + 1 < places.len()
            && places[end + 1].evidence == first.evidence
            && places[end + 1].kind == first.kind
            && places[end + 1].item == places[end].item + 1
        {
            end += 1;
        }
        if end == i + 1 {
            end = i;
        }
        let letter = first.kind.mark();
        if last == Some(first.evidence) {
            text.push_str(&format!(",{letter}{}", first.item));
        } else {
            if last.is_some() {
                text.push(' ');
            }
            text.push_str(&labels.place(&first));
        }
        if end > i {
            text.push_str(&format!("-{letter}{}", places[end].item));
        }
        last = Some(first.evidence);
        i = end + 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;
    use crate::report::text::Style;

    fn written(case: &Case, width: usize) -> String {
        let style = Style {
            width,
            ..Style::default()
        };
        let mut page = Page::new(&style);
        write(case, &case.incidents[0], &mut page);
        page.finish()
    }

    #[test]
    fn a_narrow_page_tells_the_addresses_in_which_attempts_differ() {
        let mut case = samples::case();
        let told = written(&case, 80);
        assert!(!told.contains(samples::HOST), "they stand above: {told}");
        let steps = &mut case.incidents[0].finding.steps;
        let mut attempts = steps
            .iter_mut()
            .filter_map(|step| match &mut step.event.what {
                What::Attempt(attempt) => Some(attempt),
                _ => None,
            });
        let first = attempts.next().expect("an attempt");
        let mut other = (**first).clone();
        other.responder.address = [10, 20, 0, 99].into();
        *first = crate::model::Shared::new(other);
        let told = written(&case, 80);
        assert!(
            told.contains("10.20.0.99:") && told.contains("10.20.0.15:"),
            "{told}"
        );
        assert!(!told.contains(" > "), "the source is the same: {told}");
    }

    #[test]
    fn a_moved_network_event_of_sysmon_does_not_move_its_host() {
        let mut case = samples::case();
        let steps = &mut case.incidents[0].finding.steps;
        for step in steps.iter_mut() {
            step.event.time = step.event.recorded;
        }
        let of_host = |step: &&mut Step| matches!(step.event.what, What::Host(_));
        let step = steps.iter_mut().rfind(of_host).expect("a record");
        let by = Span::millis(1_766);
        step.event.time = step.event.recorded.shifted(by.negated());
        assert!(!written(&case, 80).contains("Sysmon 3 and 22 of"));
        let steps = &mut case.incidents[0].finding.steps;
        let of_host = |step: &&mut Step| matches!(step.event.what, What::Host(_));
        let step = steps.iter_mut().rfind(of_host).expect("a record");
        let What::Host(host) = &step.event.what else {
            unreachable!("looked for")
        };
        let mut host = (**host).clone();
        let end = crate::model::Endpoint::new([10, 0, 0, 1].into(), 1_024);
        host.what = HostWhat::Connected {
            process: crate::model::host_event::Process::default(),
            initiated: false,
            transport: crate::model::Transport::TCP,
            source: end,
            destination: end,
            user: "".into(),
            utc_time: None,
        };
        step.event.what = What::host(host);
        let told = written(&case, 80);
        assert!(told.contains("; times of Sysmon 3 and 22 of "), "{told}");
    }
}
