//! A finding's tables: headings above columns that are as wide as their widest cell needs.
//!
//! JSON has every row; here the last column gives way where the page is too narrow, and rows that differ in
//! their first cell alone are one.

use super::page::{Cell, Page, Tone, wrap};
use crate::model::finding::Table;
use crate::report::escape::{cells, vis};
use crate::report::words::counted;

/// Rows shown; JSON has all.
const ROWS: usize = 40;
/// So many rows in succession that differ in their first cell alone are told as one.
const ALIKE: usize = 5;
/// First cells that are told of them.
const TOLD: usize = 200;
/// No column is wider than this, the last one excepted.
const WIDEST: usize = 32;
/// The last column is not narrower than this, or than its words, where others can give way.
const READABLE: usize = 16;
/// Columns of the page between two columns of the table.
const BETWEEN: usize = 2;

pub(super) fn write(table: &Table, page: &mut Page) {
    if table.rows.is_empty() {
        return;
    }
    page.heading(&table.title);
    let (mut lines, mut left) = (Vec::new(), table.rows.as_slice());
    while lines.len() < ROWS && !left.is_empty() {
        let (alike, rest) = left.split_at(alike(left));
        lines.push(Line::of(alike));
        left = rest;
    }
    let columns = places(&table.columns, &lines, page.width);
    let row = |words: &[String], tone: Tone, page: &mut Page| {
        let row: Vec<Cell<'_>> = columns
            .iter()
            .zip(words)
            .map(|(&(at, width), text)| Cell::new(at, width, text).tone(tone))
            .collect();
        page.row(&row);
    };
    row(&table.columns, Tone::Heading, page);
    for line in &lines {
        row(&line.cells, Tone::Plain, page);
        if !line.firsts.is_empty() {
            page.text(4, &line.firsts);
        }
    }
    if !left.is_empty() {
        let more = counted(left.len() as u64, "more row");
        page.text(2, &format!("{more} not shown: see -f json"));
    }
}

/// A row as it is shown, and the first cells of all it stands for if that is not one.
struct Line {
    cells: Vec<String>,
    firsts: String,
}

impl Line {
    fn of(rows: &[Vec<String>]) -> Self {
        let mut cells = rows.first().cloned().unwrap_or_default();
        if rows.len() < ALIKE {
            return Self {
                cells,
                firsts: String::new(),
            };
        }
        if let Some(first) = cells.first_mut() {
            *first = format!("{} each", rows.len());
        }
        let names = rows.iter().take(TOLD).filter_map(|row| row.first());
        let names: Vec<&str> = names.map(String::as_str).collect();
        let mut firsts = names.join(" ");
        if rows.len() > TOLD {
            firsts.push_str(&format!(" and {} more: see -f json", rows.len() - TOLD));
        }
        Self { cells, firsts }
    }
}

/// How many of the first rows are told as one.
fn alike(rows: &[Vec<String>]) -> usize {
    let Some(([_, same @ ..], others)) = rows.split_first().map(|(row, rest)| (&row[..], rest))
    else {
        return rows.len().min(1);
    };
    let run = 1 + others
        .iter()
        .take_while(|row| row.get(1..) == Some(same))
        .count();
    let told = same.iter().any(|cell| !cell.is_empty());
    if !told || run < ALIKE { 1 } else { run }
}

/// Begin and width of each column; as many columns as the page has room for. Where the last one would be too
/// narrow to read, columns of several words break theirs over lines.
fn places(headings: &[String], lines: &[Line], page_width: usize) -> Vec<(usize, usize)> {
    let words = |i: usize| {
        let words = lines.iter().filter_map(move |line| line.cells.get(i));
        words.chain(headings.get(i))
    };
    let widest = |i: usize| words(i).map(|text| cells(&vis(text))).max().unwrap_or(1);
    let longest_word = |i: usize| {
        let each = words(i).flat_map(|text| text.split(' '));
        each.map(|word| cells(&vis(word))).max().unwrap_or(1)
    };
    let last = headings.len().saturating_sub(1);
    let mut widths: Vec<usize> = (0..last).map(|i| widest(i).clamp(1, WIDEST)).collect();
    let taken = |widths: &[usize]| 2 + widths.iter().map(|width| width + BETWEEN).sum::<usize>();
    let readable = widest(last).min(READABLE);
    let lacking = (taken(&widths) + readable).saturating_sub(page_width);
    let whole = widths.clone();
    let mut order: Vec<usize> = (0..last).collect();
    order.sort_by_key(|i| std::cmp::Reverse(widths[*i]));
    let mut lacking = lacking;
    for i in order {
        let spare = widths[i].saturating_sub(longest_word(i)).min(lacking);
        widths[i] -= spare;
        lacking -= spare;
    }
    // Where the last one alone can break and that makes fewer lines, no other does.
    let room = page_width.saturating_sub(taken(&whole));
    if room >= longest_word(last) && height(lines, &whole, room) < height(lines, &widths, readable)
    {
        widths = whole;
    }
    let mut at = 2;
    let mut places = Vec::with_capacity(headings.len());
    for i in 0..headings.len() {
        let left = page_width.saturating_sub(at);
        let width = widths.get(i).map_or(left, |width| (*width).min(left));
        if width == 0 {
            break;
        }
        places.push((at, width));
        at += width + BETWEEN;
    }
    places
}

/// How many lines of the page the rows take, their last column being `room` wide.
fn height(lines: &[Line], widths: &[usize], room: usize) -> usize {
    let widths = || widths.iter().copied().chain([room]);
    let row = |line: &Line| {
        let cells = line.cells.iter().zip(widths());
        let heights = cells.map(|(text, width)| wrap(text, width, usize::MAX).len());
        heights.max().unwrap_or(1)
    };
    lines.iter().map(row).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::Style;

    fn written(rows: &[(&str, &str)]) -> String {
        let table = Table {
            title: "Ports".to_owned(),
            columns: vec!["port".to_owned(), "failed".to_owned()],
            rows: rows
                .iter()
                .map(|(port, failed)| vec![(*port).to_owned(), (*failed).to_owned()])
                .collect(),
        };
        let mut page = Page::new(&Style::default());
        write(&table, &mut page);
        page.finish()
    }

    #[test]
    fn rows_that_differ_in_their_first_cell_alone_are_one() {
        let ports: Vec<String> = (1..=60).map(|port| port.to_string()).collect();
        let mut rows: Vec<(&str, &str)> = ports.iter().map(|port| (port.as_str(), "1")).collect();
        rows.insert(0, ("open", "0"));
        let page = written(&rows);
        assert!(
            page.contains("\n  open     0\n  60 each  1\n    1 2 3 "),
            "{page}"
        );
        assert!(
            page.contains(" 60\n") && !page.contains("not shown"),
            "{page}"
        );

        let untold: Vec<_> = rows.iter().map(|(port, _)| (*port, "")).collect();
        assert!(!written(&untold).contains("each"));

        let few = written(&rows[..ALIKE]);
        assert!(few.contains("\n  1     1\n  2     1\n"), "{few}");
        assert!(!few.contains("each"), "{few}");
    }

    #[test]
    fn the_last_column_is_not_crushed_where_another_can_give_way() {
        let long = "fd00:1::1234:5678:9abc:def0";
        let table = Table {
            title: "Targets".to_owned(),
            columns: ["target", "state", "ports", "failed", "first", "how"]
                .map(str::to_owned)
                .to_vec(),
            rows: vec![
                [
                    long,
                    "not seen before",
                    "445",
                    "1",
                    "10:00:00.000",
                    "no answer",
                ]
                .map(str::to_owned)
                .to_vec(),
            ],
        };
        let mut page = Page::new(&Style::default());
        write(&table, &mut page);
        let page = page.finish();
        assert!(
            page.contains(long) && page.contains("  no answer"),
            "{page}"
        );
        assert!(page.contains("not seen  ") && page.contains("\n"), "{page}");
    }

    #[test]
    fn one_long_last_cell_breaks_no_other_row() {
        let row = |how: &str| {
            [
                "150.2.123.178",
                "not seen before",
                "2323",
                "1",
                "20:57:42.978",
                how,
            ]
            .map(str::to_owned)
            .to_vec()
        };
        let table = Table {
            title: "Targets".to_owned(),
            columns: ["target", "state", "ports", "failed", "first", "how"]
                .map(str::to_owned)
                .to_vec(),
            rows: vec![
                row("no answer"),
                row("unreachable, says a router"),
                row("-"),
            ],
        };
        let mut page = Page::new(&Style::default());
        write(&table, &mut page);
        let page = page.finish();
        assert_eq!(page.matches("not seen before").count(), 3, "{page}");
        assert!(page.contains("unreachable, says"), "{page}");
    }

    #[test]
    fn a_long_table_is_cut_and_says_so() {
        let cells: Vec<String> = (1..=60).map(|n| n.to_string()).collect();
        let rows: Vec<(&str, &str)> = cells.iter().map(|n| (n.as_str(), n.as_str())).collect();
        let page = written(&rows);
        assert!(
            page.contains("\n  40    40\n  20 more rows not shown: see -f json\n"),
            "{page}"
        );
    }

    fn rows(count: usize, others: &[&str]) -> Vec<Vec<String>> {
        let row = |n: usize| {
            let others = others.iter().map(|cell| (*cell).to_owned());
            [n.to_string()].into_iter().chain(others).collect()
        };
        (1..=count).map(row).collect()
    }

    #[test]
    fn five_rows_alike_are_one_and_four_are_not() {
        assert_eq!(alike(&rows(5, &["1"])), 5);
        assert_eq!(alike(&rows(4, &["1"])), 1);
        assert_eq!(alike(&rows(5, &["1", ""])), 5, "one cell tells something");
        assert_eq!(alike(&rows(5, &["", ""])), 1, "no cell tells anything");
        assert_eq!(alike(&[]), 0);
    }

    #[test]
    fn of_many_rows_alike_two_hundred_first_cells_are_told() {
        let all = Line::of(&rows(TOLD, &["1"]));
        assert_eq!(all.cells, ["200 each", "1"]);
        assert!(all.firsts.ends_with(" 199 200"), "{}", all.firsts);
        let more = Line::of(&rows(TOLD + 1, &["1"]));
        assert!(
            more.firsts.ends_with(" 199 200 and 1 more: see -f json"),
            "{}",
            more.firsts
        );
    }
}
