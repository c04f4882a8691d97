//! The coverage grid: what each analytic needs, down; hosts, across; and the reason for every cell
//! that is not a plain yes.

use super::parts::paragraph;
use crate::report::escape::html;
use crate::report::json::shape::Report;
use crate::report::record::telling;
use std::collections::{BTreeMap, BTreeSet};

/// Hosts the coverage grid has columns for; further ones follow in tables of their own.
const COLUMNS: usize = 8;
/// Hosts shown at most; report.json holds all.
const HOSTS: usize = 512;

/// The grid: needs down, hosts across, and behind it the reason for every cell that is not yes.
pub(super) fn coverage(report: &Report, page: &mut String) {
    page.push_str("<h2 id=\"coverage\">Coverage: what this evidence can and cannot show</h2>\n");
    paragraph(&telling::judged(report), page);
    let mut hosts: Vec<&str> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for host in report
        .coverage
        .iter()
        .map(|c| &c.host)
        .chain(report.verdicts.iter().map(|v| &v.host))
    {
        if seen.insert(host.as_str()) && hosts.len() < HOSTS {
            hosts.push(host);
        }
    }
    if seen.len() > hosts.len() {
        paragraph(
            &format!(
                "{} of {} hosts shown; report.json holds all.",
                hosts.len(),
                seen.len()
            ),
            page,
        );
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
        cells.insert((id, judged, &v.host), (telling::verdict(v), &v.words));
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
                        "NO" | "NO, found" => "w no",
                        "part" | "part, nothing" | "part, found" | "?" => "w part",
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
        "yes: there, with no gap known, for the time asked for, else of the captures, else of the host's own logs; part: for a part of it, or weaker; NO: absent; what that leaves of the analytic, \"can be judged\" says.",
        page,
    );
}
