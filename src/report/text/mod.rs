//! A case as plain text, for terminals, tickets and word processors.
//!
//! ASCII of our own, fixed columns, no box drawing; severity is a word, colour never carries
//! meaning alone. All text passes through `page`, which is the one place that escapes and wraps.

mod alike;
pub mod baseline;
pub mod check;
mod conflicts;
pub mod coverage;
pub mod describe;
pub mod incident;
pub mod inventory;
mod notes;
pub mod nothing;
pub mod page;
pub mod problems;
pub mod sequence;
pub mod settings_file;
pub mod summary;
pub mod suppressed;
mod table;

#[cfg(test)]
mod tests;

use crate::case::Case;
use crate::model::finding::Severity;
use crate::report::zone::Zone;
use page::Page;

/// How text is printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// Columns; held to at least 60.
    pub width: usize,
    /// Colour allowed.
    pub color: bool,
    /// Incidents below this are counted, not shown.
    pub min_severity: Severity,
    /// The zone printed beside UTC.
    pub zone: Zone,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width: 80,
            color: false,
            min_severity: Severity::Info,
            zone: Zone::UTC,
        }
    }
}

/// Conflicts printed; JSON has all.
const SHOWN_CONFLICTS: usize = 20;

/// The whole case: summary, incidents or what "nothing" means, coverage, problems.
pub fn render(case: &Case, style: &Style) -> String {
    let mut page = Page::new(style);
    summary::write(case, style, &mut page);
    if case.open_incidents().next().is_none() {
        nothing::write(case, &mut page);
    } else {
        let shown = case
            .open_incidents()
            .filter(|i| i.finding.severity >= style.min_severity);
        for incident in shown {
            page.gap();
            incident::write(case, incident, &mut page);
        }
        nothing::near_misses(case, &mut page, true);
    }
    coverage::write(case, &mut page);
    conflicts::write(case, SHOWN_CONFLICTS, &mut page);
    notes::write(case, &mut page);
    problems::write(case, &mut page);
    page.finish()
}

/// The part of a host name before its first dot, if no other host of the case shares it; the whole
/// name otherwise, and for addresses.
pub fn short_host<'a>(case: &Case, name: &'a str) -> &'a str {
    if name.parse::<std::net::IpAddr>().is_ok() {
        return name;
    }
    let head = |name: &str| name.split('.').next().unwrap_or("").to_ascii_lowercase();
    let wanted = head(name);
    let sharing = case
        .hosts
        .iter()
        .filter(|h| head(&h.name) == wanted && !h.name.eq_ignore_ascii_case(name))
        .count();
    match name.split_once('.') {
        Some((first, _)) if sharing == 0 && !first.is_empty() => first,
        _ => name,
    }
}
