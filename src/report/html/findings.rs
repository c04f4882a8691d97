//! The findings on the page: a row for each, its detail, and what is left out.

use super::parts::{LISTED, commands, list, paragraph, table};
use super::{ROWS, picture};
use crate::report::escape::html;
use crate::report::json::read::moment;
use crate::report::json::shape::{Finding, Report};
use crate::report::record::telling;
use crate::report::zone::Zone;
use std::collections::{BTreeMap, BTreeSet};

/// Steps of one finding in its table at most; how many there are is told.
const STEPS: usize = 1_000;

/// The first findings whole, as many as fit into `room` bytes, and one in any case.
pub(super) fn details(
    report: &Report,
    findings: &[&Finding],
    zone: &Zone,
    room: usize,
) -> Vec<String> {
    let mut all = Vec::new();
    let mut used = 0;
    for finding in findings {
        let mut one = String::new();
        detail(report, finding, zone, &mut one);
        used += one.len();
        if used > room && !all.is_empty() {
            break;
        }
        all.push(one);
    }
    all
}

/// A row for each finding, as many as fit into `room` bytes, and the tools that filter them. The
/// first `detail` findings are shown in full below.
pub(super) fn rows(
    findings: &[&Finding],
    detail: usize,
    room: usize,
    zone: &Zone,
    page: &mut String,
) {
    if findings.is_empty() {
        return;
    }
    let mut rows: Vec<String> = Vec::new();
    let mut used = 0;
    for (at, f) in findings.iter().take(ROWS).enumerate() {
        let row = row(f, at < detail, zone);
        used += row.len();
        if used > room && at >= detail {
            break;
        }
        rows.push(row);
    }
    // What stands around the rows takes room too, and more the fewer they are.
    let mut part = around(findings, detail, &rows);
    while part.len() > room && rows.len() > detail {
        let mut over = part.len() - room;
        while over > 0 && rows.len() > detail {
            over = over.saturating_sub(rows.pop().map_or(0, |row| row.len()));
        }
        part = around(findings, detail, &rows);
    }
    page.push_str(&part);
}

/// The rows with the tools that filter them, and what has no row.
fn around(findings: &[&Finding], detail: usize, rows: &[String]) -> String {
    let mut page = String::new();
    let select = |id: &str, label: &str, values: BTreeSet<&str>, page: &mut String| {
        page.push_str(&format!(
            "<label>{label} <select id=\"{id}\"><option value=\"\">any</option>"
        ));
        for value in values {
            page.push_str(&format!("<option>{}</option>", html(value)));
        }
        page.push_str("</select></label>");
    };
    let listed = &findings[..rows.len()];
    page.push_str("<div class=\"tools\" id=\"tools\" role=\"search\" hidden><label>Filter <input id=\"q\" type=\"search\"></label>");
    select(
        "s",
        "Severity",
        listed.iter().map(|f| f.severity.0.as_ref()).collect(),
        &mut page,
    );
    select(
        "a",
        "Analytic",
        listed.iter().map(|f| f.analytic.id.0.as_str()).collect(),
        &mut page,
    );
    select(
        "h",
        "Host",
        listed
            .iter()
            .map(|f| f.host())
            .filter(|h| !h.is_empty())
            .take(1_000)
            .collect(),
        &mut page,
    );
    page.push_str("<span id=\"count\" role=\"status\"></span></div>\n");
    page.push_str(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"findings\"><table id=\"rows\"><thead><tr>\
         <th scope=\"col\">#</th><th scope=\"col\">Severity</th><th scope=\"col\">Confidence</th>\
         <th scope=\"col\">Id</th><th scope=\"col\">Analytic</th><th scope=\"col\">First seen (UTC)</th>\
         <th scope=\"col\">Other side</th><th scope=\"col\">Host</th><th scope=\"col\">What</th></tr></thead><tbody>\n",
    );
    page.extend(rows.iter().map(String::as_str));
    page.push_str("</tbody></table></div>\n");
    left_out(findings, detail, listed.len(), &mut page);
    page
}

/// The row of a finding.
fn row(f: &Finding, in_full: bool, zone: &Zone) -> String {
    let severity = severity_class(f);
    let first = moment(&f.first_time);
    let id = html(&f.short_id);
    let link = if in_full {
        format!("<a href=\"#{id}\">{id}</a>")
    } else {
        id.clone()
    };
    let same = f
        .same_activity_as
        .map(|n| format!(" ={n}"))
        .unwrap_or_default();
    format!(
        "<tr data-f=\"{id}\" data-s=\"{severity}\" data-a=\"{}\" data-h=\"{}\"><td>{}{same}</td>\
         <td class=\"sev {severity}\">{}</td><td>{} ({})</td><td class=\"m\">{link}</td><td>{}</td>\
         <td class=\"m\">{} {}{}</td><td class=\"w\">{}</td><td class=\"w\">{}</td><td class=\"w\">{}</td></tr>\n",
        html(&f.analytic.id.0),
        html(f.host()),
        f.number,
        severity.to_uppercase(),
        html(&f.confidence.level),
        f.confidence.score,
        html(&f.analytic.id.0),
        first.date(),
        first.clock(3),
        telling::first_beside(f, zone, 3),
        html(f.remote()),
        html(f.host()),
        html(&f.title),
    )
}

/// What has no row, counted by analytic and host, and what has a row but no detail.
fn left_out(findings: &[&Finding], detail: usize, rows: usize, page: &mut String) {
    if findings.len() > detail {
        paragraph(
            &format!(
                "{} of {} findings are shown in full below, the most severe first; report.json holds all of every finding.",
                detail.min(findings.len()),
                findings.len()
            ),
            page,
        );
    }
    let Some(rest) = findings.get(rows..).filter(|rest| !rest.is_empty()) else {
        return;
    };
    paragraph(
        &format!(
            "{rows} of {} findings have a row; the other {} are counted here:",
            findings.len(),
            rest.len()
        ),
        page,
    );
    let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for f in rest {
        *counts
            .entry((&f.analytic.id.0, f.host(), &f.severity.0))
            .or_default() += 1;
    }
    let all = counts.len();
    let rows = counts
        .into_iter()
        .take(LISTED)
        .map(|((analytic, host, severity), n)| {
            vec![
                analytic.to_owned(),
                host.to_owned(),
                severity.to_owned(),
                n.to_string(),
            ]
        });
    table(
        &["Analytic", "Host", "Severity", "Findings"],
        &[1],
        rows,
        page,
    );
    if all > LISTED {
        paragraph(
            &format!("{LISTED} of {all} rows of this table shown."),
            page,
        );
    }
}

/// A severity that is a class name whatever the report says.
fn severity_class(f: &Finding) -> &'static str {
    crate::report::record::severity(&f.severity.0).word()
}

/// One finding, whole.
pub(super) fn detail(report: &Report, f: &Finding, zone: &Zone, page: &mut String) {
    let severity = severity_class(f);
    page.push_str(&format!(
        "<details id=\"{}\" open><summary><span class=\"sev {severity}\">{}</span> {}</summary>\n<p><b>{}</b></p><dl>",
        html(&f.short_id),
        severity.to_uppercase(),
        html(&telling::heading(report, f)),
        html(&f.title)
    ));
    for (label, text) in telling::who(f, zone) {
        page.push_str(&format!(
            "<dt>{}</dt><dd>{}</dd>",
            html(&label),
            html(&text)
        ));
    }
    page.push_str("</dl>\n");
    picture::lanes(f, page);
    page.push_str("<h3>Sequence</h3>\n");
    let ties = telling::tied(f);
    let rows = f.steps.iter().take(STEPS).zip(&ties).map(|(step, tie)| {
        let (time, recorded) = (moment(&step.time), moment(&step.recorded_time));
        let mut row = vec![
            format!("{}{}", step.n, if *tie { " =" } else { "" }),
            format!("{} {}{}", time.date(), time.clock(6), telling::local(step)),
            telling::after(step),
            step.role.to_uppercase(),
            telling::what(step),
            telling::refs(step),
            if step.offset_applied_ns == 0 {
                String::new()
            } else {
                recorded.clock(6)
            },
        ];
        if zone.name().is_some() {
            row.insert(2, telling::beside(step, zone));
        }
        row
    });
    let mut head = vec![
        "#",
        "Time (UTC)",
        "After",
        "Role",
        "What",
        "Reference",
        "As recorded",
    ];
    let mut wide = [4, 5];
    let beside = zone.name();
    if let Some(name) = &beside {
        head.insert(2, name);
        wide = [5, 6];
    }
    table(&head, &wide, rows, page);
    if f.steps.len() > STEPS {
        paragraph(
            &format!(
                "{STEPS} of {} steps shown; report.json holds all.",
                f.steps.len()
            ),
            page,
        );
    }
    page.push_str("<h3>Why it is reported</h3>\n");
    let rows = f
        .conditions
        .iter()
        .map(|c| vec![c.text.clone(), c.setting.clone(), c.measured.clone()]);
    table(
        &["Condition", "Setting", "Measured"],
        &[0, 1, 2],
        rows,
        page,
    );
    for facts in &f.tables {
        page.push_str(&format!("<h3>{}</h3>\n", html(&facts.title)));
        let head: Vec<&str> = facts.columns.iter().map(String::as_str).collect();
        let wide: Vec<usize> = (0..head.len()).collect();
        table(&head, &wide, facts.rows.iter().take(LISTED).cloned(), page);
        if facts.rows.len() > LISTED {
            paragraph(
                &format!(
                    "{LISTED} of {} rows shown; report.json holds all.",
                    facts.rows.len()
                ),
                page,
            );
        }
    }
    page.push_str(&format!(
        "<h3>Confidence: {} ({} of 100)</h3>\n",
        html(&f.confidence.level),
        f.confidence.score
    ));
    let items: Vec<String> = f
        .confidence
        .items
        .iter()
        .map(|i| format!("{:+} {}", i.points, i.reason))
        .collect();
    list("ul", &items, page);
    paragraph(
        &format!("{}: {}", f.confidence.score, telling::held(f)),
        page,
    );
    page.push_str("<h3>Clock</h3>\n");
    paragraph(&telling::clock(f), page);
    for (heading, tag, items) in [
        (
            "Not seen, and what that leaves open",
            "ul",
            telling::missing(f),
        ),
        ("It could also be", "ul", f.alternatives.clone()),
        ("Notes", "ul", f.notes.clone()),
        ("Next", "ol", f.actions.clone()),
    ] {
        if !items.is_empty() {
            page.push_str(&format!("<h3>{heading}</h3>\n"));
            list(tag, &items, page);
        }
    }
    page.push_str("<h3>Check by hand</h3>\n");
    commands(&crate::report::record::check(report, f), page);
    page.push_str("</details>\n");
}
