//! A page of text: the one place where text is escaped, wrapped, padded and coloured.
//!
//! Every line is at most `width` cells wide and holds no control character but our own colour
//! codes and the line feed.

use super::Style;
use crate::report::escape::{Unit, cells, units, vis};
use crate::report::zone::Zone;

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Text.
    Plain,
    /// A heading: bold.
    Heading,
    /// High or critical, `NO` in coverage: bold red, red.
    Alarm,
    /// Absence in coverage: red.
    No,
    /// Medium, part: yellow.
    Warn,
    /// A reference: cyan.
    Reference,
}

impl Tone {
    fn codes(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Heading => Some("1"),
            Self::Alarm => Some("1;31"),
            Self::No => Some("31"),
            Self::Warn => Some("33"),
            Self::Reference => Some("36"),
        }
    }
}

/// One cell of a row: raw text in a column.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    /// Column where it starts.
    pub at: usize,
    /// Columns it may take.
    pub width: usize,
    /// Raw text.
    pub text: &'a str,
    /// Its tone.
    pub tone: Tone,
    /// Flush right on its first line.
    pub right: bool,
}

impl<'a> Cell<'a> {
    /// Plain text, flush left.
    pub fn new(at: usize, width: usize, text: &'a str) -> Self {
        Self {
            at,
            width,
            text,
            tone: Tone::Plain,
            right: false,
        }
    }

    /// The same, flush right.
    pub fn right(self) -> Self {
        Self {
            right: true,
            ..self
        }
    }

    /// The same, in another tone.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

/// A page that grows line by line.
#[derive(Debug)]
pub struct Page {
    /// Columns.
    pub width: usize,
    /// The zone printed beside UTC.
    pub zone: Zone,
    color: bool,
    out: String,
}

/// Lines one cell may take before it is cut with `...`; JSON has the whole.
const CELL_LINES: usize = 12;

impl Page {
    /// An empty page.
    pub fn new(style: &Style) -> Self {
        Self {
            width: style.width.clamp(60, 500),
            zone: style.zone.clone(),
            color: style.color,
            out: String::new(),
        }
    }

    /// The text so far.
    pub fn finish(self) -> String {
        self.out
    }

    /// True if there is room for the wide forms.
    pub fn wide(&self) -> bool {
        self.width >= 100
    }

    /// One blank line between sections, and never two.
    pub fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A heading at column 0, after a blank line.
    pub fn heading(&mut self, text: &str) {
        self.gap();
        self.row(&[Cell::new(0, self.width, text).tone(Tone::Heading)]);
    }

    /// A paragraph at `indent`.
    pub fn text(&mut self, indent: usize, text: &str) {
        self.hanging(indent, "", text);
    }

    /// A paragraph that hangs from a `mark` such as `- ` or `1. `.
    pub fn hanging(&mut self, indent: usize, mark: &str, text: &str) {
        let taken = cells(&vis(mark));
        let at = indent + taken;
        let body = Cell::new(at, self.width.saturating_sub(at), text);
        if mark.is_empty() {
            self.row(&[body]);
        } else {
            self.row(&[Cell::new(indent, taken, mark), body]);
        }
    }

    /// A row of cells, each wrapped in its own column. Nothing to show is no line at all.
    pub fn row(&mut self, row: &[Cell<'_>]) {
        let mut row = row.to_vec();
        row.sort_by_key(|cell| cell.at);
        let columns: Vec<Vec<String>> = row
            .iter()
            .map(|cell| wrap(cell.text, cell.width, CELL_LINES))
            .collect();
        let height = columns.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            if columns
                .iter()
                .all(|lines| lines.get(line).is_none_or(String::is_empty))
            {
                continue;
            }
            let mut at = 0;
            for (cell, lines) in row.iter().zip(&columns) {
                let Some(text) = lines.get(line).filter(|text| !text.is_empty()) else {
                    continue;
                };
                let taken = cells(text);
                let start = if cell.right {
                    cell.at + cell.width - taken
                } else {
                    cell.at
                };
                self.pad(start.saturating_sub(at));
                self.colored(text, cell.tone);
                at = start.max(at) + taken;
            }
            self.out.push('\n');
        }
    }

    /// A line that is copied and run: never wrapped. The caller made it fit, and of text that
    /// `vis` leaves alone; were it not, it is escaped like any other.
    pub fn command(&mut self, text: &str) {
        debug_assert_eq!(vis(text), text);
        self.out.push_str(&vis(text));
        self.out.push('\n');
    }

    fn pad(&mut self, n: usize) {
        self.out.extend(std::iter::repeat_n(' ', n));
    }

    fn colored(&mut self, text: &str, tone: Tone) {
        match tone.codes().filter(|_| self.color) {
            Some(codes) => {
                self.out.push_str("\x1b[");
                self.out.push_str(codes);
                self.out.push('m');
                self.out.push_str(text);
                self.out.push_str("\x1b[0m");
            }
            None => self.out.push_str(text),
        }
    }
}

/// The raw text escaped and broken into lines of at most `width` cells: at spaces where there are
/// any, else between units. A text of more than `most` lines ends in `...`.
pub fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    // The last space in `line` to break at: its byte position and the cells before it.
    let mut space: Option<(usize, usize)> = None;
    let mut coming = units(text).flat_map(|unit| within(unit, width)).peekable();
    while let Some(unit) = coming.next() {
        // A number keeps its unit: `0.015 s` is one word.
        let breaks = unit.text == " "
            && !(line.ends_with(|c: char| c.is_ascii_digit())
                && coming.peek().is_some_and(|next| next.text == "s"));
        if breaks && used + 1 > width {
            // The break takes this space's place.
            lines.push(std::mem::take(&mut line));
            (used, space) = (0, None);
            continue;
        }
        while used > 0 && used + unit.cells > width {
            let rest = match space.take() {
                Some((at, before)) => {
                    used -= before + 1;
                    line.split_off(at).split_off(1)
                }
                None => {
                    used = 0;
                    String::new()
                }
            };
            lines.push(std::mem::replace(&mut line, rest));
        }
        if lines.len() > most {
            break;
        }
        if breaks && used > 0 {
            space = Some((line.len(), used));
        }
        line.push_str(&unit.text);
        used += unit.cells;
    }
    lines.push(line);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            // The line is escaped already; cutting it again must not escape its backslashes.
            while cells(last) + 3 > width && last.pop().is_some() {}
            last.push_str(&"..."[..width.min(3)]);
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end_matches(' ').len());
    }
    lines
}

/// A unit that is wider than a whole line (an escape in a very narrow column) in pieces.
fn within(unit: Unit, width: usize) -> Vec<Unit> {
    if unit.cells <= width {
        return vec![unit];
    }
    unit.text
        .chars()
        .map(|c| Unit {
            text: c.to_string(),
            cells: cells(c.encode_utf8(&mut [0; 4])).min(width),
            raw: 0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_breaks_at_spaces_and_long_words_break_where_they_must() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("one  two", 20, 9), ["one  two"]);
        assert_eq!(wrap("abcdefghij kl", 4, 9), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 4, 9), [""]);
        assert_eq!(wrap("ab\x1bcd", 5, 9), ["ab", "\\x1bc", "d"]);
    }

    #[test]
    fn an_endless_text_is_cut_and_says_so() {
        let lines = wrap(&"x".repeat(10_000), 10, 3);
        assert_eq!(lines, ["xxxxxxxxxx", "xxxxxxxxxx", "xxxxxxx..."]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_its_column(text in any::<String>(), width in 2_usize..50) {
            for line in wrap(&text, width, 6) {
                prop_assert!(cells(&line) <= width, "{line:?}");
                prop_assert!(!line.chars().any(char::is_control));
            }
        }

        #[test]
        fn wrapping_loses_nothing_but_spaces(text in "[a-z ]{0,80}", width in 2_usize..20) {
            let kept: String = wrap(&text, width, 999).concat().replace(' ', "");
            prop_assert_eq!(kept, text.replace(' ', ""));
        }
    }
}
