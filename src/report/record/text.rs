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
                    page.hanging(2, &format!("{label:<width$}  "), text);
                }
            }
            Block::Table { head, rows } => table(head, rows, &mut page),
            Block::Commands(lines) => lines.iter().for_each(|line| page.shown(line)),
        }
    }
    page.finish()
}

/// A table: the widest columns give way until the rows fit.
fn table(head: &[String], rows: &[Vec<String>], page: &mut Page) {
    let mut widths: Vec<usize> = head.iter().map(|name| cells(&vis(name))).collect();
    let mut least = vec![LEAST; widths.len()];
    for row in rows {
        for ((width, least), cell) in widths.iter_mut().zip(&mut least).zip(row) {
            *width = (*width).max(cells(&vis(cell)));
            let words = cell.split(' ').filter(|word| word.contains('!'));
            let longest = words.map(|word| cells(&vis(word))).max().unwrap_or(0);
            if cell.starts_with('E') {
                *least = (*least).max(longest.min(REFERENCE));
            }
        }
    }
    let room = page
        .width
        .saturating_sub(2 + SPACE * widths.len().saturating_sub(1));
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
