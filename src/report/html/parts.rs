//! The sections of the page. All text passes `html`; links go to places on the page, or to
//! constants.

use super::{ROWS, picture};
use crate::report::escape::html;
use crate::report::json::read::moment;
use crate::report::json::shape::{Finding, Report};
use crate::report::record::telling;
use std::collections::{BTreeMap, BTreeSet};

/// Hosts the coverage grid has columns for; further ones follow in tables of their own.
const COLUMNS: usize = 8;
/// Rows of near misses, problems and suppressed findings at most; how many there are is told.
const LISTED: usize = 500;

/// A table; `wide` says which columns hold free text and may be broken anywhere.
fn table(
    head: &[&str],
    wide: &[usize],
    rows: impl Iterator<Item = Vec<String>>,
    page: &mut String,
) {
    page.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"table\"><table><thead><tr>");
    for name in head {
        page.push_str(&format!("<th scope=\"col\">{}</th>", html(name)));
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let class = if wide.contains(&at) {
                " class=\"w\""
            } else {
                ""
            };
            page.push_str(&format!("<td{class}>{}</td>", html(cell)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

fn list(tag: &str, items: &[String], page: &mut String) {
    page.push_str(&format!("<{tag}>"));
    for item in items {
        page.push_str(&format!("<li>{}</li>", html(item)));
    }
    page.push_str(&format!("</{tag}>\n"));
}

fn paragraph(text: &str, page: &mut String) {
    page.push_str(&format!("<p>{}</p>\n", html(text)));
}

pub(super) fn evidence(report: &Report, page: &mut String) {
    page.push_str("<h2 id=\"evidence\">Evidence</h2>\n");
    let rows = report.evidence.iter().map(|e| {
        let time = |t: &Option<_>| {
            t.as_ref().map_or_else(String::new, |t| {
                let t = moment(t);
                format!("{} {}", t.date(), t.clock(0))
            })
        };
        vec![
            e.id.0.clone(),
            e.path.clone(),
            e.kind.clone(),
            e.size.to_string(),
            format!(
                "{} ({})",
                e.hashes.sha256.as_ref().map_or("not hashed", |h| &h.0),
                telling::same(e.verified_after_run)
            ),
            time(&e.first_time),
            time(&e.last_time),
            format!("{} / {}", e.units_read, e.units_skipped),
        ]
    });
    table(
        &[
            "Id",
            "File",
            "Kind",
            "Bytes",
            "SHA-256 (before and after the run)",
            "From",
            "To",
            "Read / skipped",
        ],
        &[1, 4],
        rows,
        page,
    );
    page.push_str("<h3>Hosts and clocks</h3>\n");
    let rows = report.hosts.iter().map(|host| {
        let span = |ns: Option<i64>| {
            ns.map_or_else(
                || "not known".to_owned(),
                |ns| crate::model::Span(ns).to_string(),
            )
        };
        vec![
            host.id.clone(),
            host.name.clone().unwrap_or_default(),
            host.addresses.join(", "),
            span(host.clock.offset_ns),
            span(host.clock.uncertainty_ns),
            host.clock.anchors.to_string(),
            host.clock.method.clone(),
        ]
    });
    table(
        &[
            "Id",
            "Host",
            "Addresses",
            "Clock ahead by",
            "Uncertainty",
            "Anchors",
            "Method",
        ],
        &[1, 2, 6],
        rows,
        page,
    );
}

/// The grid: needs down, hosts across, and behind it the reason for every cell that is not yes.
pub(super) fn coverage(report: &Report, page: &mut String) {
    page.push_str("<h2 id=\"coverage\">Coverage: what this evidence can and cannot show</h2>\n");
    paragraph(&telling::judged(report), page);
    let mut hosts: Vec<&str> = Vec::new();
    for host in report
        .coverage
        .iter()
        .map(|c| &c.host)
        .chain(report.verdicts.iter().map(|v| &v.host))
    {
        if !hosts.contains(&host.as_str()) && hosts.len() < 512 {
            hosts.push(host);
        }
    }
    let mut cells: BTreeMap<(&str, &str, &str), (&str, &str)> = BTreeMap::new();
    let mut needs: Vec<(&str, &str)> = Vec::new();
    for c in &report.coverage {
        if !needs.contains(&(&c.analytic.0, &c.needs)) {
            needs.push((&c.analytic.0, &c.needs));
        }
        cells.insert(
            (&c.analytic.0, &c.needs, &c.host),
            (telling::met(&c.status), &c.note),
        );
    }
    let judged = "can be judged";
    let mut analytics: Vec<&str> = needs.iter().map(|(analytic, _)| *analytic).collect();
    analytics.dedup();
    for v in &report.verdicts {
        let id = v.analytic.0.as_str();
        if !analytics.contains(&id) {
            analytics.push(id);
        }
        cells.insert(
            (id, judged, &v.host),
            (telling::verdict(&v.verdict), &v.words),
        );
    }
    for some in hosts.chunks(COLUMNS) {
        page.push_str("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"coverage\"><table><thead><tr><th scope=\"col\">Analytic</th><th scope=\"col\">Needs</th>");
        for host in some {
            page.push_str(&format!(
                "<th scope=\"col\" class=\"w\">{}</th>",
                html(host)
            ));
        }
        page.push_str("</tr></thead><tbody>\n");
        for analytic in &analytics {
            let own = needs
                .iter()
                .filter(|(a, _)| a == analytic)
                .map(|(_, need)| *need);
            for need in own.chain([judged]) {
                page.push_str(&format!(
                    "<tr><td>{}</td><td class=\"w\">{}</td>",
                    html(analytic),
                    html(need)
                ));
                for host in some {
                    let (word, note) = cells
                        .get(&(*analytic, need, *host))
                        .copied()
                        .unwrap_or(("-", ""));
                    let class = match word {
                        "NO" => "w no",
                        "part" | "part, nothing" | "?" => "w part",
                        _ => "w",
                    };
                    let note = if note.is_empty() {
                        String::new()
                    } else {
                        format!("<br><span class=\"mut\">{}</span>", html(note))
                    };
                    page.push_str(&format!("<td class=\"{class}\">{word}{note}</td>"));
                }
                page.push_str("</tr>\n");
            }
        }
        page.push_str("</tbody></table></div>\n");
    }
    paragraph(
        "yes: there for the whole window; part: for a part of it, or weaker; NO: absent, a finding of this kind could not have been made.",
        page,
    );
}

/// A row for each finding, and the tools that filter them.
pub(super) fn rows(findings: &[&Finding], detail: usize, page: &mut String) {
    if findings.is_empty() {
        return;
    }
    let select = |id: &str, label: &str, values: BTreeSet<&str>, page: &mut String| {
        page.push_str(&format!(
            "<label>{label} <select id=\"{id}\"><option value=\"\">any</option>"
        ));
        for value in values {
            page.push_str(&format!("<option>{}</option>", html(value)));
        }
        page.push_str("</select></label>");
    };
    let listed = &findings[..findings.len().min(ROWS)];
    page.push_str("<div class=\"tools\" id=\"tools\" role=\"search\" hidden><label>Filter <input id=\"q\" type=\"search\"></label>");
    select(
        "s",
        "Severity",
        listed.iter().map(|f| f.severity.0.as_ref()).collect(),
        page,
    );
    select(
        "a",
        "Analytic",
        listed.iter().map(|f| f.analytic.id.0.as_str()).collect(),
        page,
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
        page,
    );
    page.push_str("<span id=\"count\" role=\"status\"></span></div>\n");
    page.push_str(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"findings\"><table id=\"rows\"><thead><tr>\
         <th scope=\"col\">#</th><th scope=\"col\">Severity</th><th scope=\"col\">Confidence</th>\
         <th scope=\"col\">Id</th><th scope=\"col\">Analytic</th><th scope=\"col\">First seen (UTC)</th>\
         <th scope=\"col\">Other side</th><th scope=\"col\">Host</th><th scope=\"col\">What</th></tr></thead><tbody>\n",
    );
    for (at, f) in listed.iter().enumerate() {
        let severity = severity_class(f);
        let first = moment(&f.first_time);
        let id = html(&f.short_id);
        let link = if at < detail {
            format!("<a href=\"#{id}\">{id}</a>")
        } else {
            id.clone()
        };
        let same = f
            .same_activity_as
            .map(|n| format!(" ={n}"))
            .unwrap_or_default();
        page.push_str(&format!(
            "<tr data-f=\"{id}\" data-s=\"{severity}\" data-a=\"{}\" data-h=\"{}\"><td>{}{same}</td>\
             <td class=\"sev {severity}\">{}</td><td>{} ({})</td><td class=\"m\">{link}</td><td>{}</td>\
             <td class=\"m\">{} {}</td><td class=\"w\">{}</td><td class=\"w\">{}</td><td class=\"w\">{}</td></tr>\n",
            html(&f.analytic.id.0),
            html(f.host()),
            f.number,
            severity.to_uppercase(),
            html(&f.confidence.level),
            f.confidence.score,
            html(&f.analytic.id.0),
            first.date(),
            first.clock(3),
            html(f.remote()),
            html(f.host()),
            html(&f.title),
        ));
    }
    page.push_str("</tbody></table></div>\n");
    left_out(findings, detail, page);
}

/// What has no row, counted by analytic and host, and what has a row but no detail.
fn left_out(findings: &[&Finding], detail: usize, page: &mut String) {
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
    let Some(rest) = findings.get(ROWS..).filter(|rest| !rest.is_empty()) else {
        return;
    };
    paragraph(
        &format!(
            "{ROWS} of {} findings have a row; the other {} are counted here:",
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
pub(super) fn detail(report: &Report, f: &Finding, page: &mut String) {
    let severity = severity_class(f);
    page.push_str(&format!(
        "<details id=\"{}\" open><summary><span class=\"sev {severity}\">{}</span> {}</summary>\n<p><b>{}</b></p><dl>",
        html(&f.short_id),
        severity.to_uppercase(),
        html(&telling::heading(report, f)),
        html(&f.title)
    ));
    for (label, text) in telling::who(f) {
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
    let rows = f.steps.iter().zip(&ties).map(|(step, tie)| {
        let (time, recorded) = (moment(&step.time), moment(&step.recorded_time));
        vec![
            format!("{}{}", step.n, if *tie { " =" } else { "" }),
            format!("{} {}", time.date(), time.clock(6)),
            telling::after(step),
            step.role.to_uppercase(),
            telling::what(step),
            telling::refs(step),
            if step.offset_applied_ns == 0 {
                String::new()
            } else {
                recorded.clock(6)
            },
        ]
    });
    table(
        &[
            "#",
            "Time (UTC)",
            "After",
            "Role",
            "What",
            "Reference",
            "As recorded",
        ],
        &[4, 5],
        rows,
        page,
    );
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
            paragraph(&format!("{LISTED} of {} rows shown; report.json holds all.", facts.rows.len()), page);
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

fn commands(lines: &[String], page: &mut String) {
    page.push_str("<pre tabindex=\"0\">");
    for line in lines {
        page.push_str(&html(line));
        page.push('\n');
    }
    page.push_str("</pre>\n");
}

pub(super) fn near_misses(report: &Report, page: &mut String) {
    page.push_str("<h2 id=\"near\">What came close</h2>\n");
    let all = report.near_misses.len();
    paragraph(
        &format!(
            "{} of {all} shown. None of these met all conditions of its analytic.",
            all.min(LISTED)
        ),
        page,
    );
    if all == 0 {
        return;
    }
    let rows = report.near_misses.iter().take(LISTED).map(|m| {
        let at = moment(&m.time);
        let refs: Vec<String> = m.refs.iter().take(8).map(|r| r.text()).collect();
        vec![
            m.analytic.0.clone(),
            format!("{} {}", at.date(), at.clock(3)),
            m.text.clone(),
            refs.join(", "),
        ]
    });
    table(
        &[
            "Analytic",
            "Time (UTC)",
            "What was there and what was not",
            "Reference",
        ],
        &[2, 3],
        rows,
        page,
    );
}

pub(super) fn suppressed(findings: &[&Finding], page: &mut String) {
    page.push_str(&format!(
        "<h2 id=\"suppressed\">Suppressed ({})</h2>\n",
        findings.len()
    ));
    if findings.is_empty() {
        paragraph("No finding is suppressed by a rule.", page);
        return;
    }
    if findings.len() > LISTED {
        paragraph(
            &format!(
                "{LISTED} of {} shown; report.json holds all.",
                findings.len()
            ),
            page,
        );
    }
    let rows = findings.iter().take(LISTED).filter_map(|f| {
        let rule = f.suppressed.as_ref()?;
        let until = rule.until.clone().unwrap_or_default();
        Some(vec![
            f.short_id.clone(),
            f.analytic.id.0.clone(),
            f.title.clone(),
            rule.rule.clone(),
            rule.reason.clone(),
            rule.by.clone(),
            until,
        ])
    });
    table(
        &["Id", "Analytic", "What", "Rule", "Reason", "By", "Until"],
        &[2, 3, 4, 5],
        rows,
        page,
    );
}

pub(super) fn problems(report: &Report, page: &mut String) {
    page.push_str(&format!(
        "<h2 id=\"problems\">Problems ({})</h2>\n",
        report.problems.len()
    ));
    if report.problems.is_empty() {
        paragraph("All evidence was read to the end without errors.", page);
        return;
    }
    if report.problems.len() > LISTED {
        paragraph(
            &format!(
                "{LISTED} of {} shown; report.json holds all.",
                report.problems.len()
            ),
            page,
        );
    }
    let rows = report.problems.iter().take(LISTED).map(|p| {
        vec![
            p.evidence.as_ref().map_or("run", |e| &e.0).to_owned(),
            p.weight.to_string(),
            p.message.clone(),
            p.count.to_string(),
            p.first_offset.map_or_else(String::new, |o| o.to_string()),
            p.effect.clone(),
        ]
    });
    table(
        &["File", "Weight", "What", "Times", "First at byte", "Effect"],
        &[2, 5],
        rows,
        page,
    );
}

pub(super) fn advice(report: &Report, page: &mut String) {
    if !report.advice.is_empty() {
        page.push_str("<h2 id=\"advice\">Best next evidence to collect</h2>\n");
        list("ol", &report.advice, page);
    }
    if !report.notes.is_empty() {
        page.push_str("<h2 id=\"notes\">Notes</h2>\n");
        list("ul", &report.notes, page);
    }
}

pub(super) fn settings(report: &Report, page: &mut String) {
    page.push_str("<h2 id=\"settings\">Settings in force</h2>\n");
    let asked = &report.parameters;
    paragraph(
        &format!(
            "Clock: {}, assumed error {}. SHA-256 of all parameters: {}.",
            asked.clock.mode,
            crate::model::Span(asked.clock.max_skew_ns),
            asked.sha256.0
        ),
        page,
    );
    let rows = asked.analytics.iter().flat_map(|run| {
        run.settings.iter().map(|(name, value)| {
            let changed = if run.changed.contains(name) {
                "changed"
            } else {
                ""
            };
            vec![
                run.id.0.clone(),
                run.version.clone(),
                name.clone(),
                value.clone(),
                changed.to_owned(),
            ]
        })
    });
    table(
        &[
            "Analytic",
            "Version",
            "Setting",
            "Value",
            "From the default",
        ],
        &[3],
        rows,
        page,
    );
}

pub(super) fn limits(page: &mut String) {
    page.push_str("<h2 id=\"limits\">Limits</h2>\n");
    list("ul", &telling::limits(), page);
}

pub(super) fn verify(page: &mut String) {
    page.push_str("<h2 id=\"verify\">How to verify</h2>\n");
    paragraph(telling::VERIFY, page);
    commands(&telling::verify_commands(), page);
}
