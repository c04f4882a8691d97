//! Blocks as plain text, through the one page that escapes and wraps.

use super::Block;
use crate::report::escape::{cells, vis};
use crate::report::text::Style;
use crate::report::text::page::{Cell, Page};

/// Cells between columns.
const SPACE: usize = 2;
/// A column is made no narrower than this.
const LEAST: usize = 6;
/// A reference to a member of an archive stays in one piece up to this width.
const REFERENCE: usize = 32;
/// Any other word up to this one: numbers and times among them.
const WORD: usize = 16;
/// Where what stands below a row begins.
const BELOW: usize = 6;
/// Cells of a row that is taken apart share a line up to this width.
const SHORT: usize = 28;

/// Lays out blocks for a terminal of `style`.
pub fn render(blocks: &[Block], style: &Style) -> String {
    let mut page = Page::new(style);
    for block in blocks {
        match block {
            Block::Heading(3, text) => page.heading(text),
            Block::Heading(_, text) => {
                page.gap();
                page.heading(text);
            }
            Block::Text(text) => page.text(2, text),
            Block::List { numbered, items } => {
                for (item, n) in items.iter().zip(1..) {
                    let mark = if *numbered {
                        format!("{n}. ")
                    } else {
                        "- ".to_owned()
                    };
                    page.hanging(2, &mark, item);
                }
            }
            Block::Facts(facts) => {
                let width = facts.iter().map(|(label, _)| cells(&vis(label))).max();
                let width = width.unwrap_or(0).min(REFERENCE);
                for (label, text) in facts {
                    let room = page.width.saturating_sub(2 + width + SPACE);
                    // A hash is compared in one piece.
                    if longest(text) > room {
                        page.text(2, label);
                        page.text(BELOW, text);
                    } else {
                        page.hanging(2, &format!("{label:<width$}  "), text);
                    }
                }
            }
            Block::Table { head, rows } => table(head, rows, &mut page),
            Block::Commands(lines) => lines.iter().for_each(|line| page.shown(line)),
        }
    }
    page.finish()
}

/// The width of the longest word.
fn longest(text: &str) -> usize {
    let words = text.split(' ').map(|word| cells(&vis(word)));
    words.max().unwrap_or(0)
}

/// A row of a table that does not fit: its first cells, and below them the others with their names.
fn apart(head: &[String], row: &[String], page: &mut Page) {
    let named: Vec<(&String, &String)> = head.iter().zip(row).collect();
    let (first, rest) = named.split_at(named.len().min(2));
    let first: Vec<&str> = first.iter().map(|(_, cell)| cell.as_str()).collect();
    page.hanging(2, "", &first.join("  "));
    let mut short: Vec<String> = Vec::new();
    for (name, cell) in rest.iter().filter(|(_, cell)| !cell.is_empty()) {
        let told = format!("{name}: {cell}");
        match cells(&vis(cell)) <= SHORT {
            true => short.push(told),
            false => {
                page.text(BELOW, &std::mem::take(&mut short).join("; "));
                page.text(BELOW, &told);
            }
        }
    }
    page.text(BELOW, &short.join("; "));
}

/// A table: the widest columns give way until the rows fit.
fn table(head: &[String], rows: &[Vec<String>], page: &mut Page) {
    let mut widths: Vec<usize> = head.iter().map(|name| cells(&vis(name))).collect();
    let mut least: Vec<usize> = head.iter().map(|name| longest(name).max(LEAST)).collect();
    for row in rows {
        for ((width, least), cell) in widths.iter_mut().zip(&mut least).zip(row) {
            *width = (*width).max(cells(&vis(cell)));
            let is_reference = cell.starts_with('E') && cell.contains('!');
            let most = if is_reference { REFERENCE } else { WORD };
            *least = (*least).max(longest(cell).min(most));
        }
    }
    for (width, least) in widths.iter().zip(&mut least) {
        *least = (*least).min(*width);
    }
    let room = page
        .width
        .saturating_sub(2 + SPACE * widths.len().saturating_sub(1));
    if least.iter().sum::<usize>() > room {
        rows.iter().for_each(|row| apart(head, row, page));
        return;
    }
    while widths.iter().sum::<usize>() > room {
        let spare = widths.iter_mut().zip(&least);
        match spare.filter(|(width, least)| **width > **least).max() {
            Some((widest, _)) => *widest -= 1,
            None => break,
        }
    }
    let mut line = |row: &[String]| {
        let mut at = 2;
        let mut laid = Vec::new();
        for (width, text) in widths.iter().zip(row) {
            laid.push(Cell::new(at, (*width).max(1), text));
            at += width + SPACE;
        }
        page.row(&laid);
    };
    line(head);
    rows.iter().for_each(|row| line(row));
}
