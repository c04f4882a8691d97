//! Facts about the run that a reader must know: clocks, hosts, copies.
//!
//! A few stand on the first screen. Many would push the incidents off it, so they follow at the end,
//! and the first screen says that they do. What says that the evidence contradicts itself stands
//! there in any case.

use super::page::Page;
use crate::case::Case;
use crate::report::words::counted;

/// Notes on the first screen.
const FEW: usize = 3;

/// On the first screen: the notes, or the pressing ones and how many more there are.
pub(super) fn first(case: &Case, page: &mut Page) {
    let many = case.notes.len() > FEW;
    let (pressing, rest) = case.notes.split_at(case.pressing.min(case.notes.len()));
    for note in pressing.iter().chain(rest.iter().filter(|_| !many)) {
        page.hanging(0, "note: ", note);
    }
    if many && !rest.is_empty() {
        let notes = counted(rest.len() as u64, "note");
        page.text(
            0,
            &format!("{notes} on clocks, hosts and copies: see NOTES below."),
        );
    }
}

/// At the end: all of them, where the first screen does not have them all.
pub(super) fn write(case: &Case, page: &mut Page) {
    if case.notes.len() <= FEW.max(case.pressing) {
        return;
    }
    page.heading("NOTES   clocks, hosts, copies");
    for note in &case.notes {
        page.hanging(2, "* ", note);
    }
}
