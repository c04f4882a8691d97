//! What each form of page promises, whatever stands in it.

use serde_json::Value;

/// Characters that a terminal acts on, or that hide or reorder others. A line feed ends a line.
fn acts(c: char) -> bool {
    matches!(u32::from(c),
        0..=9 | 0xb..=0x1f | 0x7f..=0x9f | 0xad | 0x61c | 0x180e | 0x200b..=0x200f
        | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0xe000..=0xf8ff
        | 0xe0000..=0xe007f)
}

/// No character in it does anything.
#[track_caller]
pub fn line_by_line(page: &str, what: &str, asked: &[&str]) {
    for line in page.lines() {
        if let Some(c) = line.chars().find(|c| acts(*c)) {
            panic!("{what} {asked:?}: {c:?} in {line:?}");
        }
        for pose in ["INCIDENT 9 of 9", "# INCIDENT 9", "## INCIDENT 9"] {
            assert!(!line.starts_with(pose), "{asked:?}: {line}");
        }
    }
}

pub fn text(page: &str, asked: &[&str]) {
    line_by_line(page, "text", asked);
}

/// Text with colours of our own: bold, red, yellow, cyan and back.
pub fn coloured(page: &str, asked: &[&str]) {
    let mut plain = page.to_owned();
    for code in ["1", "1;31", "31", "33", "36", "0"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_ne!(plain, page);
    text(&plain, asked);
}

/// XML keeps tabs, which some records are laid out with.
pub fn xml(page: &str, asked: &[&str]) {
    line_by_line(&page.replace('\t', " "), "XML", asked);
}

pub fn json(page: &str, asked: &[&str]) {
    line_by_line(page, "JSON", asked);
    serde_json::from_str::<Value>(page).unwrap_or_else(|e| panic!("{asked:?}: {e}"));
}

pub fn json_lines(page: &str, asked: &[&str]) {
    line_by_line(page, "JSON lines", asked);
    for line in page.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{asked:?}: {e}: {line}"));
    }
}

/// Cells of RFC 4180, by row.
fn cells(page: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut rest = page.chars().peekable();
    while let Some(c) = rest.next() {
        let row = rows.last_mut().unwrap();
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted && rest.peek() == Some(&'\n') => {
                rest.next();
                rows.push(vec![String::new()]);
            }
            c => row.last_mut().unwrap().push(c),
        }
    }
    assert_eq!(rows.pop(), Some(vec![String::new()]));
    rows
}

/// No cell begins as a formula does, in any width of the sign; every row has all cells.
pub fn csv(page: &str, asked: &[&str]) {
    let rows = cells(page);
    assert!(rows.len() > 3, "{asked:?}");
    for row in &rows {
        assert_eq!(row.len(), rows[0].len(), "{asked:?}: {row:?}");
        for cell in row {
            line_by_line(cell, "CSV", asked);
            let formula = [
                '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
            ];
            assert!(
                !cell.starts_with(formula) || cell.parse::<f64>().is_ok(),
                "{asked:?}: {cell:?}"
            );
        }
    }
}

/// Nothing but tags and attributes of our own.
pub fn html(page: &str, asked: &[&str]) {
    line_by_line(page, "HTML", asked);
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    let script = page.rfind("<script>").unwrap();
    assert_eq!(page.matches("<script").count(), 1);
    let (style, body) = page[..script].split_once("</style>").unwrap();
    for part in [style.split("<style>").next().unwrap(), body] {
        for (at, _) in part.match_indices('<') {
            let tag = part[at + 1..].trim_start_matches('/');
            let name: String = tag
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric())
                .collect();
            let ours = [
                "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "h3",
                "p", "div", "b", "main", "table", "thead", "tbody", "tr", "th", "td", "label",
                "input", "select", "option", "span", "details", "summary", "dl", "dt", "dd", "svg",
                "text", "line", "circle", "rect", "br", "ul", "ol", "li", "pre", "button",
            ];
            let end = tag.find('>').unwrap();
            let doctype = at == 0 && tag.starts_with("!doctype");
            assert!(
                ours.contains(&name.as_str()) || doctype,
                "{asked:?}: {:?}",
                &part[at..(at + 80).min(part.len())]
            );
            // Text in an attribute stays in its quotes.
            let inside = &tag[..end];
            assert!(inside.matches('"').count() % 2 == 0, "{asked:?}: {inside}");
            for event in [" onmouseover=", " onerror=", " style=", "javascript:"] {
                let outside: String = inside.split('"').step_by(2).collect();
                assert!(!outside.contains(event), "{asked:?}: {inside}");
            }
        }
    }
    for link in body_links(body) {
        assert!(link.starts_with('#'), "{asked:?}: {link}");
    }
}

fn body_links(body: &str) -> impl Iterator<Item = &str> {
    body.match_indices("href=\"")
        .map(|(at, found)| body[at + found.len()..].split('"').next().unwrap())
}

/// Rows have as many cells as their table, headings are ours, and nothing links anywhere.
pub fn markdown(page: &str, asked: &[&str]) {
    line_by_line(page, "Markdown", asked);
    let mut table: Option<usize> = None;
    let mut code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        if code {
            continue;
        }
        let marks = unescaped(line);
        if line.starts_with('|') {
            let bars = marks.iter().filter(|c| **c == '|').count();
            assert_eq!(*table.get_or_insert(bars), bars, "{asked:?}: {line}");
        } else {
            table = None;
            assert!(!marks.contains(&'|'), "{asked:?}: {line}");
        }
        // An exclamation mark means something only before a bracket.
        for c in ['<', '>', '`', '[', ']', '_', '~', '&'] {
            assert!(!marks.contains(&c), "{asked:?}: {c} in {line}");
        }
    }
    assert!(!code, "a fence was not closed");
}

/// The characters of a line that no backslash stands before.
fn unescaped(line: &str) -> Vec<char> {
    let mut found = Vec::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\\' {
            rest.next();
        } else {
            found.push(c);
        }
    }
    found
}
