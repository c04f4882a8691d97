//! One incident: what, why, in which order, what was not seen, what else it could be, what next.

use super::page::{Cell, Page, Tone};
use super::{check, sequence, short_host, summary, table};
use crate::case::{Case, Incident, incident::Fit};
use crate::model::finding::{Finding, ORDER_NOT_NEEDED};
use crate::model::net::mac_text;
use crate::report::about::local_at;
use crate::report::escape::{cells, vis};
use crate::report::words::name;
use crate::report::{basis, chain, json, severity};

pub(super) fn write(case: &Case, incident: &Incident, page: &mut Page) {
    let finding = &incident.finding;
    header(case, incident, page);
    page.gap();
    page.text(2, &finding.title);
    page.gap();
    facts(case, incident, page);
    why(finding, page);
    for facts in &finding.tables {
        table::write(facts, page);
    }
    sequence::write(case, incident, page);
    clock(finding, page);
    if !finding.unseen.is_empty() {
        page.heading("Not seen, and what that leaves open");
        for unseen in &finding.unseen {
            let of = match &unseen.host {
                Some(host) => format!(" of {}", name(short_host(case, host))),
                None => String::new(),
            };
            page.hanging(
                2,
                "- ",
                &format!("{}{of}: {}", unseen.telemetry, unseen.effect),
            );
        }
    }
    list("It could also be", &finding.alternatives, page);
    list("Notes", &finding.notes, page);
    if !finding.actions.is_empty() {
        page.heading("Next");
        for (i, action) in finding.actions.iter().enumerate() {
            page.hanging(2, &format!("{}. ", i + 1), action);
        }
    }
    check::write(case, finding, page);
}

fn list(heading: &str, items: &[String], page: &mut Page) {
    if items.is_empty() {
        return;
    }
    page.heading(heading);
    for item in items {
        page.hanging(2, "- ", item);
    }
}

fn header(case: &Case, incident: &Incident, page: &mut Page) {
    let finding = &incident.finding;
    let (severity, tone) = summary::severity_cell(finding.severity);
    let parts = [
        (
            format!("INCIDENT {} of {}", incident.number, case.incidents.len()),
            Tone::Heading,
        ),
        (incident.short_id.clone(), Tone::Plain),
        (finding.analytic.to_owned(), Tone::Plain),
        (severity, tone),
        (
            format!(
                "confidence {} ({} of 100)",
                finding.confidence_word(),
                finding.confidence
            ),
            Tone::Plain,
        ),
    ];
    let total: usize = parts.iter().map(|(text, _)| cells(&vis(text))).sum();
    let space = page
        .width
        .saturating_sub(total)
        .checked_div(parts.len() - 1)
        .unwrap_or(1)
        .clamp(1, 4);
    let mut at = 0;
    let mut row = Vec::new();
    for (text, tone) in &parts {
        let width = cells(&vis(text));
        row.push(Cell::new(at, width.max(1), text).tone(*tone));
        at += width + space;
    }
    if at.saturating_sub(space) <= page.width {
        page.row(&row);
    } else {
        let all: Vec<&str> = parts.iter().map(|(text, _)| text.as_str()).collect();
        page.text(0, &all.join(" "));
    }
    match incident.fit() {
        Fit::Consistent => {}
        Fit::Partial => page.text(0, "verdict: partial pattern"),
        Fit::OrderUncertain => page.text(0, "verdict: order uncertain"),
    }
    if let Some(same) = incident.same_activity_as {
        page.text(0, &format!("same activity as incident {same}"));
    }
}

fn facts(case: &Case, incident: &Incident, page: &mut Page) {
    let finding = &incident.finding;
    let who = &finding.entities;
    let digits = if page.wide() { 6 } else { 3 };
    let (first, last) = (finding.first_time(), finding.last_time());
    let until = if first.date() == last.date() {
        String::new()
    } else {
        last.date() + " "
    };
    let local = |at| local_at(case, finding, at);
    let [from_zone, to_zone] = [first, last].map(|at| if local(at) { "local" } else { "UTC" });
    let in_utc = !local(first) && !local(last);
    let beside = page.zone.name().filter(|_| in_utc).and_then(|zone| {
        let (from, to) = (
            page.zone.time(first, digits)?,
            page.zone.time(last, digits)?,
        );
        Some(format!("{from}  to  {to}  ({zone})"))
    });
    let mut fact = |label: &str, text: &str| page.hanging(2, &format!("{label:<9}"), text);
    fact(
        "From",
        &format!(
            "{} {} {from_zone}  to  {until}{} {to_zone}  ({})",
            first.date(),
            first.clock(digits),
            last.clock(digits),
            last.since(first).told()
        ),
    );
    if let Some(beside) = beside {
        fact("", &beside);
    }
    let remote = match (who.remote, who.remote_mac) {
        (Some(address), Some(mac)) => format!("{address} ({})", mac_text(mac)),
        (Some(address), None) => address.to_string(),
        (None, Some(mac)) => mac_text(mac),
        (None, None) => String::new(),
    };
    if !remote.is_empty() {
        fact("Remote", &remote);
    }
    match (who.host_name.is_empty(), who.host_address) {
        (false, Some(address)) => fact("Host", &format!("{} ({address})", name(&who.host_name))),
        (false, None) => fact("Host", &name(&who.host_name)),
        (true, Some(address)) => fact("Host", &address.to_string()),
        (true, None) => {}
    }
    if !who.process.is_empty() {
        let pid = who.pid.map(|pid| format!(" ({pid})")).unwrap_or_default();
        fact("Process", &format!("{}{pid}", name(&who.process)));
    }
    if !who.woken.is_empty() {
        let woken: Vec<String> = who.woken.iter().map(|mac| mac_text(*mac)).collect();
        fact("Targets", &woken.join(", "));
    }
    fact("Basis", &basis::of_finding(finding));
    fact(
        "Severity",
        &severity::of_finding(
            finding.analytic,
            finding.tier.word(),
            finding.severity.word(),
            &finding.notes,
        ),
    );
    if let Some(run) = case.analytic(finding.analytic) {
        let mut ids = vec![format!("{} {}", run.about.id, run.about.version)];
        if !run.about.strategy.is_empty() {
            ids.push(run.about.strategy.to_owned());
        }
        ids.extend(
            run.about
                .technique
                .iter()
                .map(|(id, name)| format!("{id} {name}")),
        );
        fact("ATT&CK", &ids.join(", "));
    }
    if !finding.also_satisfies.is_empty() {
        fact(
            "Also",
            &format!("the pattern of {}", finding.also_satisfies.join(", ")),
        );
    }
    if let Some(links) = json::chain(incident) {
        fact("Chain", &chain::told(&links));
    }
}

fn why(finding: &Finding, page: &mut Page) {
    if page.wide() && page.width >= 110 {
        let measured = page.width - 18;
        let setting = measured - 20;
        page.gap();
        page.row(&[
            Cell::new(0, setting - 2, "Why it is reported").tone(Tone::Heading),
            Cell::new(setting, 18, "setting"),
            Cell::new(measured, 18, "measured"),
        ]);
        for condition in &finding.conditions {
            page.row(&[
                Cell::new(2, 2, "*"),
                Cell::new(4, setting - 6, &condition.text),
                Cell::new(setting, 18, &condition.setting),
                Cell::new(measured, 18, &condition.measured),
            ]);
        }
    } else {
        page.heading("Why it is reported");
        for condition in &finding.conditions {
            page.hanging(2, "* ", &condition_words(condition, page.width - 4));
        }
    }
    if !finding.score.is_empty() {
        page.heading(&format!("Confidence {} of 100", finding.confidence));
        for item in &finding.score {
            let points = format!("{:+}", item.points);
            page.row(&[
                Cell::new(2, 5, &points).right(),
                Cell::new(9, page.width - 9, &item.reason),
            ]);
        }
        let sum: i64 = finding
            .score
            .iter()
            .map(|item| i64::from(item.points))
            .sum();
        if sum != i64::from(finding.confidence) {
            page.text(
                9,
                &format!("the sum is {sum}, held at {}", finding.confidence),
            );
        }
    }
}

/// Fewer spaces than this before a setting look like a slip, not like a column.
const COLUMN: usize = 4;

/// Text and measured value, and the setting flush right where there is room for a column.
fn condition_words(condition: &crate::model::finding::Condition, width: usize) -> String {
    let mut text = condition.text.clone();
    if !condition.measured.is_empty() {
        text.push_str(": ");
        text.push_str(&condition.measured);
    }
    if condition.setting.is_empty() {
        return text;
    }
    let setting = format!("(setting: {})", condition.setting);
    let taken = cells(&vis(&text)) + cells(&vis(&setting));
    let room = width.saturating_sub(taken);
    let space = if room >= COLUMN { room } else { 1 };
    format!("{text}{}{setting}", " ".repeat(space))
}

fn clock(finding: &Finding, page: &mut Page) {
    page.heading("Clock");
    let order = &finding.order;
    let mut text = order.notes.join(" ");
    let mut say = |sentence: &str| {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(sentence);
    };
    match order.smallest_gap {
        Some(gap) => {
            say(&format!(
                "Smallest gap between two clocks that the order rests on: {gap}; their uncertainty: {}.",
                order.uncertainty
            ));
            say(if order.certain {
                "The order is certain at this uncertainty."
            } else {
                "The order is NOT certain at this uncertainty: steps on either side of that gap may \
                 have happened the other way round."
            });
        }
        // Its notes say all there is to say.
        None if order.notes.iter().any(|note| note == ORDER_NOT_NEEDED) => {}
        None if order.certain => say("One clock timed all steps that the order rests on."),
        None => say("The order of the steps is NOT certain."),
    }
    page.text(2, &text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Condition;

    #[test]
    fn a_setting_stands_in_a_column_or_one_space_behind() {
        for length in 1..60 {
            let condition = Condition {
                text: "x".repeat(length),
                setting: "within 600 s".to_owned(),
                measured: "5 s".to_owned(),
            };
            let words = condition_words(&condition, 76);
            let (before, _) = words.split_once("(setting").unwrap();
            let spaces = before.len() - before.trim_end().len();
            assert!(spaces == 1 || spaces >= COLUMN, "{words:?}");
        }
    }
}
