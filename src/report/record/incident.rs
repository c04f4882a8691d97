//! What a record says of one finding, block by block.

use super::{Block, commands};
use crate::model::Span;
use crate::model::finding::ORDER_NOT_NEEDED;
use crate::report::json::read::moment;
use crate::report::json::shape::{Finding, Report, Step};
use crate::report::text::check::HEADING;
use crate::report::zone::Zone;
use crate::report::{basis, chain};
use std::collections::BTreeSet;

/// One finding, whole.
pub fn one(report: &Report, finding: &Finding, zone: &Zone) -> Vec<Block> {
    let mut blocks = vec![
        Block::Heading(2, heading(report, finding)),
        Block::Text(finding.title.clone()),
        Block::Facts(who(finding, zone)),
    ];
    let mut part = |heading: &str, block: Block| {
        blocks.push(Block::Heading(3, heading.into()));
        blocks.push(block);
    };
    part("Why it is reported", conditions(finding));
    for table in &finding.tables {
        part(
            &table.title,
            Block::Table {
                head: table.columns.clone(),
                rows: table.rows.clone(),
            },
        );
    }
    part("Confidence", score(finding));
    part(sequence_heading(finding), sequence(finding, zone));
    part("Clock", Block::Text(clock(finding)));
    let list = |items: Vec<String>| Block::List {
        numbered: false,
        items,
    };
    if !finding.missing.is_empty() {
        part(
            "Not seen, and what that leaves open",
            list(missing(finding)),
        );
    }
    for (heading, items) in [
        ("It could also be", &finding.alternatives),
        ("Notes", &finding.notes),
    ] {
        if !items.is_empty() {
            part(heading, list(items.clone()));
        }
    }
    if !finding.actions.is_empty() {
        part(
            "Next",
            Block::List {
                numbered: true,
                items: finding.actions.clone(),
            },
        );
    }
    part(HEADING, Block::Commands(commands::of(report, finding)));
    blocks
}

/// The first line of a finding.
pub fn heading(report: &Report, finding: &Finding) -> String {
    let mut text = format!(
        "Incident {} of {}: {} {} {}, confidence {} ({} of 100)",
        finding.number,
        report.findings.len(),
        finding.short_id,
        finding.analytic.id.0,
        finding.severity.0.to_uppercase(),
        finding.confidence.level,
        finding.confidence.score
    );
    match finding.verdict.as_ref() {
        "partial_pattern" => text.push_str(", partial pattern"),
        "order_uncertain" => text.push_str(", ORDER UNCERTAIN"),
        _ => {}
    }
    if let Some(same) = finding.same_activity_as {
        text.push_str(&format!(", same activity as incident {same}"));
    }
    text
}

/// Labels and what belongs to them: when, who, on what basis.
pub fn who(finding: &Finding, zone: &Zone) -> Vec<(String, String)> {
    let (first, last) = (moment(&finding.first_time), moment(&finding.last_time));
    let [from_zone, to_zone] =
        [&finding.first_time, &finding.last_time].map(|t| finding.zone_of(t));
    let mut facts = vec![(
        "From".to_owned(),
        format!(
            "{} {} {from_zone} to {} {} {to_zone} ({})",
            first.date(),
            first.clock(6),
            last.date(),
            last.clock(6),
            last.since(first)
        ),
    )];
    if let (Some(name), Some(from), Some(to)) =
        (zone.name(), zone.time(first, 6), zone.time(last, 6))
        && [from_zone, to_zone] == ["UTC", "UTC"]
    {
        facts.push((name, format!("{from} to {to}")));
    }
    let mut fact = |label: &str, text: String| {
        if !text.is_empty() {
            facts.push((label.to_owned(), text));
        }
    };
    let entities = &finding.entities;
    let pair = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => format!("{a} ({b})"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    };
    if let Some(remote) = &entities.remote {
        fact("Remote", pair(&remote.address, &remote.mac));
    }
    if let Some(host) = &entities.host {
        fact("Host", pair(&host.name, &host.address));
    }
    if let Some(process) = &entities.process {
        let pid = process
            .pid
            .map(|pid| format!(" ({pid})"))
            .unwrap_or_default();
        fact("Process", format!("{}{pid}", process.name));
    }
    fact("Targets", entities.woken.join(", "));
    fact("Basis", basis::of_record(finding));
    fact("Severity", crate::report::severity::told(finding));
    let ids = finding
        .attack
        .iter()
        .map(|a| match (&a.name, a.kind.as_ref()) {
            (Some(name), _) => format!("{} {name}", a.id),
            (None, "analytic") => format!("{} {}", a.id, finding.analytic.version),
            (None, _) => a.id.clone(),
        });
    fact("ATT&CK", ids.collect::<Vec<_>>().join(", "));
    let also: Vec<&str> = finding
        .also_satisfies
        .iter()
        .map(|id| id.0.as_str())
        .collect();
    if !also.is_empty() {
        fact("Also", format!("the pattern of {}", also.join(", ")));
    }
    fact(
        "Chain",
        finding.chain.as_ref().map(chain::told).unwrap_or_default(),
    );
    if let Some(rule) = &finding.suppressed {
        fact("Suppressed", suppression(rule));
    }
    facts
}

pub(super) fn suppression(rule: &crate::report::json::shape::Suppressed) -> String {
    let until = rule.until.as_deref().unwrap_or("no end given");
    format!(
        "{}: {} (by {}, until {until})",
        rule.rule, rule.reason, rule.by
    )
}

fn conditions(finding: &Finding) -> Block {
    let rows = finding.conditions.iter();
    Block::Table {
        head: vec!["condition".into(), "setting".into(), "measured".into()],
        rows: rows
            .map(|c| vec![c.text.clone(), c.setting.clone(), c.measured.clone()])
            .collect(),
    }
}

fn score(finding: &Finding) -> Block {
    let mut rows: Vec<Vec<String>> = finding
        .confidence
        .items
        .iter()
        .map(|item| vec![format!("{:+}", item.points), item.reason.clone()])
        .collect();
    rows.push(vec![finding.confidence.score.to_string(), held(finding)]);
    Block::Table {
        head: vec!["points".into(), "because".into()],
        rows,
    }
}

/// The score in a word, and the sum where that was held at an end of the scale.
pub fn held(finding: &Finding) -> String {
    let confidence = &finding.confidence;
    let sum: i64 = confidence.items.iter().map(|i| i64::from(i.points)).sum();
    match sum == i64::from(confidence.score) || confidence.items.is_empty() {
        true => format!("{} of 100", confidence.level),
        false => format!(
            "{} of 100; the sum is {sum}, held at {}",
            confidence.level, confidence.score
        ),
    }
}

fn sequence(finding: &Finding, zone: &Zone) -> Block {
    let mut head = ["#", "time", "after", "role", "what", "reference"]
        .map(str::to_owned)
        .to_vec();
    if let Some(name) = zone.name() {
        head.insert(2, name);
    }
    let ties = tied(finding);
    let day = |step: &Step| moment(&step.time).date();
    let days: BTreeSet<String> = finding.steps.iter().map(day).collect();
    let rows = finding.steps.iter().zip(&ties).map(|(step, tie)| {
        let time = moment(&step.time);
        let date = if days.len() > 1 {
            time.date() + " "
        } else {
            String::new()
        };
        let mut row = vec![
            format!("{}{}", step.n, if *tie { " =" } else { "" }),
            format!("{date}{}{}", time.clock(6), local(step)),
            after(step),
            step.role.to_uppercase(),
            what(step),
            refs(step),
        ];
        if zone.name().is_some() {
            row.insert(2, beside(step, zone));
        }
        row
    });
    Block::Table {
        head,
        rows: rows.collect(),
    }
}

/// What heads the steps.
fn sequence_heading(finding: &Finding) -> &'static str {
    match finding.steps.iter().any(Step::is_local) {
        true => "Sequence (UTC, but for local times of a zone that nothing tells)",
        false => "Sequence (UTC)",
    }
}

/// The word behind a time that is no UTC.
pub fn local(step: &Step) -> &'static str {
    if step.is_local() { " local" } else { "" }
}

/// The time of a step in the other zone: none where nothing tells in which zone it is given.
pub fn beside(step: &Step, zone: &Zone) -> String {
    let time = zone
        .time(moment(&step.time), 6)
        .filter(|_| !step.is_local());
    time.unwrap_or_default()
}

/// The first time of a finding in the other zone, or that it is no UTC.
pub fn first_beside(finding: &Finding, zone: &Zone, digits: usize) -> String {
    match finding.zone_of(&finding.first_time) {
        "UTC" => zone.beside(moment(&finding.first_time), digits),
        other => format!(" {other}"),
    }
}

/// Which steps have the time of a neighbour: their order is not known.
pub fn tied(finding: &Finding) -> Vec<bool> {
    let times: Vec<&str> = finding.steps.iter().map(|s| s.time.0.as_str()).collect();
    (0..times.len())
        .map(|i| {
            let same = |other: usize| times.get(other).is_some_and(|time| *time == times[i]);
            i > 0 && same(i - 1) || same(i + 1)
        })
        .collect()
}

/// Time since the step before; empty for the first.
pub fn after(step: &Step) -> String {
    if step.n == 1 {
        String::new()
    } else {
        format!("+{}", Span(step.delta_ns))
    }
}

/// What happened, with the remark.
pub fn what(step: &Step) -> String {
    if step.remark.is_empty() {
        step.summary.clone()
    } else {
        format!("{} ({})", step.summary, step.remark)
    }
}

/// The references of a step, the first few named.
pub fn refs(step: &Step) -> String {
    const NAMED: usize = 8;
    let named: Vec<String> = step.refs.iter().take(NAMED).map(|r| r.text()).collect();
    match step.refs.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// What the order rests on.
pub fn clock(finding: &Finding) -> String {
    let order = &finding.order;
    let mut text = order.notes.join(" ");
    if !text.is_empty() {
        text.push(' ');
    }
    match (order.smallest_gap_ns, order.certain) {
        (Some(gap), certain) => {
            text.push_str(&format!(
                "Smallest gap between two clocks that the order rests on: {}; their uncertainty: {}. ",
                Span(gap),
                Span(order.uncertainty_ns)
            ));
            text.push_str(if certain {
                "The order is certain at this uncertainty."
            } else {
                "The order is NOT certain at this uncertainty: steps on either side of that gap may \
                 have happened the other way round."
            });
        }
        // Its notes say all there is to say.
        (None, _) if order.notes.iter().any(|note| note == ORDER_NOT_NEEDED) => {}
        (None, true) => text.push_str("One clock timed all steps that the order rests on."),
        (None, false) => text.push_str("The order of the steps is NOT certain."),
    }
    if tied(finding).iter().any(|tie| *tie) {
        text.push_str(" Steps marked = have the same time; their order is not known.");
    }
    text
}

/// What was not there, in sentences.
pub fn missing(finding: &Finding) -> Vec<String> {
    let all = finding.missing.iter();
    all.map(|m| match &m.host {
        Some(host) => format!("{} of {host}: {}", m.telemetry, m.effect),
        None => format!("{}: {}", m.telemetry, m.effect),
    })
    .collect()
}
