//! Facts about the run that a reader must know: clocks, hosts, copies.
//!
//! A few stand on the first screen. Many would push the incidents off it, so they follow at the end,
//! and the first screen says that they do.

use super::page::Page;
use crate::case::Case;
use crate::report::words::counted;

/// Notes on the first screen.
const FEW: usize = 3;

/// On the first screen: the notes, or how many there are.
pub(super) fn first(case: &Case, page: &mut Page) {
    if case.notes.len() > FEW {
        let notes = counted(case.notes.len() as u64, "note");
        page.text(
            0,
            &format!("{notes} on clocks, hosts and copies: see NOTES below."),
        );
        return;
    }
    for note in &case.notes {
        page.hanging(0, "note: ", note);
    }
}

/// At the end: all of them, where the first screen has none.
pub(super) fn write(case: &Case, page: &mut Page) {
    if case.notes.len() <= FEW {
        return;
    }
    page.heading("NOTES   clocks, hosts, copies");
    for note in &case.notes {
        page.hanging(2, "* ", note);
    }
}
