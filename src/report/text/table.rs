//! A finding's tables: headings above columns that are as wide as their widest cell needs.
//!
//! JSON has every row; here the last column gives way where the page is too narrow.

use super::page::{Cell, Page, Tone};
use crate::model::finding::Table;
use crate::report::escape::{cells, vis};
use crate::report::words::counted;

/// Rows shown; JSON has all.
const ROWS: usize = 40;
/// No column is wider than this, the last one excepted.
const WIDEST: usize = 32;
/// Columns of the page between two columns of the table.
const BETWEEN: usize = 2;

pub(super) fn write(table: &Table, page: &mut Page) {
    if table.rows.is_empty() {
        return;
    }
    page.heading(&table.title);
    let columns = places(table, page.width);
    let row = |words: &[String], tone: Tone, page: &mut Page| {
        let row: Vec<Cell<'_>> = columns
            .iter()
            .zip(words)
            .map(|(&(at, width), text)| Cell::new(at, width, text).tone(tone))
            .collect();
        page.row(&row);
    };
    row(&table.columns, Tone::Heading, page);
    for words in table.rows.iter().take(ROWS) {
        row(words, Tone::Plain, page);
    }
    if table.rows.len() > ROWS {
        let more = counted((table.rows.len() - ROWS) as u64, "more row");
        page.text(2, &format!("{more} not shown: see -f json"));
    }
}

/// Begin and width of each column; as many columns as the page has room for.
fn places(table: &Table, page_width: usize) -> Vec<(usize, usize)> {
    let mut at = 2;
    let mut places = Vec::with_capacity(table.columns.len());
    for (i, heading) in table.columns.iter().enumerate() {
        let words = table.rows.iter().take(ROWS).filter_map(|row| row.get(i));
        let widest = words.chain([heading]).map(|text| cells(&vis(text))).max();
        let left = page_width.saturating_sub(at);
        let width = if i + 1 == table.columns.len() {
            left
        } else {
            widest.unwrap_or(1).clamp(1, WIDEST).min(left)
        };
        if width == 0 {
            break;
        }
        places.push((at, width));
        at += width + BETWEEN;
    }
    places
}
