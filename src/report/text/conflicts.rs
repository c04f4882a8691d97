//! What the evidence contradicts itself about, and what was made of it.

use super::page::Page;
use crate::case::Case;
use crate::report::words::count;

/// A section of its own, at most so many lines; nothing where nothing contradicts itself.
pub(super) fn write(case: &Case, most: usize, page: &mut Page) {
    if case.conflicts.is_empty() {
        return;
    }
    page.heading("CONFLICTS   where the evidence contradicts itself about addresses");
    for row in case.conflicts.iter().take(most) {
        page.hanging(2, "- ", &format!("{}; {}", row.what, row.taken));
    }
    let more = case.conflicts.len().saturating_sub(most);
    if more > 0 {
        page.text(2, &format!("{} more: see -f json", count(more as u64)));
    }
}
