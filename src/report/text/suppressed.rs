//! What suppression rules hide: counted, and each with its reason, owner and end.

use super::page::Page;
use crate::case::Case;
use crate::report::about::{local_at, sides};
use crate::report::words::count;

/// Suppressed incidents listed; JSON has all.
const LISTED: usize = 20;

pub(super) fn write(case: &Case, page: &mut Page) {
    let hidden: Vec<_> = case
        .incidents
        .iter()
        .filter_map(|i| i.suppressed.as_ref().map(|rule| (i, rule)))
        .collect();
    if hidden.is_empty() {
        return;
    }
    let are = if hidden.len() == 1 { "is" } else { "are" };
    page.text(
        0,
        &format!(
            "{}{} {are} suppressed by rules (-f json holds them in full):",
            count(hidden.len() as u64),
            if hidden.len() < case.incidents.len() {
                " more"
            } else {
                ""
            }
        ),
    );
    for (incident, rule) in hidden.iter().take(LISTED) {
        let finding = &incident.finding;
        let seen = finding.first_time();
        let (from, to) = sides(case, incident);
        let until = rule
            .until
            .as_ref()
            .map(|u| format!(", until {u}"))
            .unwrap_or_default();
        page.hanging(
            2,
            &format!("#{} ", incident.number),
            &format!(
                "{} {} {} {}{} {from} -> {to}: {} ({}{until})",
                finding.severity.word(),
                finding.analytic,
                seen.date(),
                seen.clock(0),
                match local_at(case, finding, seen) {
                    true => " local".to_owned(),
                    false => page.zone.beside(seen, 0),
                },
                rule.reason,
                rule.by,
            ),
        );
    }
    let more = hidden.len().saturating_sub(LISTED);
    if more > 0 {
        page.text(2, &format!("{} more: see -f json", count(more as u64)));
    }
}
