//! The sections of the page around the findings, and the tables and lists all sections are made of.
//! All text passes `html`; links go to places on the page, or to constants.

use crate::report::escape::{Shown, html};
use crate::report::json::read::moment;
use crate::report::json::refs::Ref;
use crate::report::json::shape::{Finding, Report};
use crate::report::record::telling;
use crate::report::zone::Zone;

/// Rows of near misses, problems and suppressed findings at most; how many there are is told.
pub(super) const LISTED: usize = 500;

/// Files and hosts listed at most; how many there are is told.
const FILES: usize = 2_000;

/// Says that a list of files or hosts is not whole.
fn capped(all: usize, page: &mut String) {
    if all > FILES {
        paragraph(
            &format!("{FILES} of {all} shown; report.json holds all."),
            page,
        );
    }
}

/// A table; `wide` says which columns hold free text and may be broken anywhere.
pub(super) fn table(
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

pub(super) fn list(tag: &str, items: &[String], page: &mut String) {
    page.push_str(&format!("<{tag}>"));
    for item in items {
        page.push_str(&format!("<li>{}</li>", html(item)));
    }
    page.push_str(&format!("</{tag}>\n"));
}

pub(super) fn paragraph(text: &str, page: &mut String) {
    page.push_str(&format!("<p>{}</p>\n", html(text)));
}

pub(super) fn evidence(report: &Report, zone: &Zone, page: &mut String) {
    page.push_str("<h2 id=\"evidence\">Evidence</h2>\n");
    capped(report.evidence.len(), page);
    let rows = report.evidence.iter().take(FILES).map(|e| {
        let zone = zone.beside_utc(report.tells_utc([e.id.0.as_str()]));
        let time = |t: &Option<_>| {
            t.as_ref().map_or_else(String::new, |t| {
                let t = moment(t);
                format!("{} {}{}", t.date(), t.clock(0), zone.beside(t, 0))
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
    capped(report.hosts.len(), page);
    table(
        &telling::HOST,
        &[1, 2, 6],
        report.hosts.iter().take(FILES).map(telling::host),
        page,
    );
}

pub(super) fn commands(lines: &[Shown], page: &mut String) {
    page.push_str("<pre tabindex=\"0\">");
    for line in lines {
        page.push_str(&line.html());
        page.push('\n');
    }
    page.push_str("</pre>\n");
}

pub(super) fn gaps(report: &Report, zone: &Zone, page: &mut String) {
    page.push_str(&format!(
        "<h3 id=\"gaps\">Gaps ({})</h3>\n",
        report.gaps.len()
    ));
    if report.gaps.is_empty() {
        paragraph("None is known.", page);
        return;
    }
    if report.gaps.len() > LISTED {
        paragraph(
            &format!(
                "{LISTED} of {} shown; report.json holds all.",
                report.gaps.len()
            ),
            page,
        );
    }
    let rows = report
        .gaps
        .iter()
        .take(LISTED)
        .map(|gap| telling::gap(report, gap, zone));
    table(&telling::GAP, &[1, 2, 5, 6, 7], rows, page);
}

pub(super) fn conflicts(report: &Report, page: &mut String) {
    let all = report.conflicts.len();
    if all == 0 {
        return;
    }
    page.push_str(&format!(
        "<h3 id=\"conflicts\">{} ({all})</h3>\n",
        telling::CONFLICTS
    ));
    if all > LISTED {
        paragraph(
            &format!("{LISTED} of {all} shown; report.json holds all."),
            page,
        );
    }
    let rows = report.conflicts.iter().take(LISTED);
    table(
        &["What the evidence says", "What was made of it"],
        &[0, 1],
        rows.map(|one| vec![one.what.clone(), one.taken.clone()]),
        page,
    );
}

pub(super) fn near_misses(report: &Report, zone: &Zone, page: &mut String) {
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
        let utc = report.tells_utc(m.refs.first().map(Ref::evidence));
        let zone = zone.beside_utc(utc);
        let local = if utc { "" } else { " local" };
        let refs: Vec<String> = m.refs.iter().take(8).map(|r| r.text()).collect();
        vec![
            m.analytic.0.clone(),
            format!("{} {}{local}{}", at.date(), at.clock(3), zone.beside(at, 3)),
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

/// What a reader must know before anything else.
pub(super) fn notes(report: &Report, zone: &Zone, page: &mut String) {
    let mut notes = telling::asked(report, zone);
    notes.extend_from_slice(&report.notes);
    match notes.is_empty() {
        true => paragraph("None.", page),
        false => list("ul", &notes, page),
    }
}

/// What each suppression rule did.
pub(super) fn rules(report: &Report, page: &mut String) {
    if report.suppression.is_empty() {
        return;
    }
    page.push_str("<h3>Rules</h3>\n");
    table(
        &telling::RULE,
        &[1, 2, 3, 5, 6],
        report.suppression.iter().map(telling::rule),
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
