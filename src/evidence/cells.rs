//! Cells of a CSV (RFC 4180), and the one in which Splunk exports a raw event.

use std::borrow::Cow;

/// The first cell of `rest`, and what follows its comma; `None` if a quote is open.
fn first(rest: &str) -> Option<(Cow<'_, str>, Option<&str>)> {
    let Some(quoted) = rest.strip_prefix('"') else {
        return Some(match rest.split_once(',') {
            Some((cell, next)) => (Cow::Borrowed(cell), Some(next)),
            None => (Cow::Borrowed(rest), None),
        });
    };
    let mut end = 0;
    loop {
        end += quoted[end..].find('"')?;
        match quoted[end + 1..].starts_with('"') {
            true => end += 2,
            false => break,
        }
    }
    let cell = &quoted[..end];
    let cell = match cell.contains('"') {
        true => Cow::Owned(cell.replace("\"\"", "\"")),
        false => Cow::Borrowed(cell),
    };
    Some((cell, quoted[end + 1..].strip_prefix(',')))
}

/// The cells of a row, `most` of them at most; `None` if a quote is open.
pub fn cells(row: &str, most: usize) -> Option<Vec<Cow<'_, str>>> {
    let mut cells = Vec::new();
    let mut rest = Some(row);
    while let Some(row) = rest.filter(|_| cells.len() < most) {
        let (cell, next) = first(row)?;
        cells.push(cell);
        rest = next;
    }
    Some(cells)
}

/// One cell of a row, counted from 0; `None` if there is none or a quote is open.
pub fn cell(row: &str, number: usize) -> Option<Cow<'_, str>> {
    let mut rest = row;
    for _ in 0..number {
        rest = first(rest)?.1?;
    }
    Some(first(rest)?.0)
}

/// Which cell holds the raw events, by the row that names the cells of a CSV of Splunk.
pub fn raw_column(heading: &str) -> Option<usize> {
    // Names of cells are words; a record that speaks of `_raw` is no heading.
    if heading.contains(['{', '<']) {
        return None;
    }
    let mut names = heading.trim().split(',').map(|name| name.trim_matches('"'));
    names.position(|name| name == "_raw")
}

/// True for a line that opens a quote or closes one: what is open goes on in the next line.
pub fn is_open(line: &str) -> bool {
    line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_found_behind_others_with_commas_and_quotes() {
        let row = "a,\"b, \"\"c\"\"\",,\"d\"";
        assert_eq!(cells(row, 9).unwrap(), ["a", "b, \"c\"", "", "d"]);
        assert_eq!(cells(row, 2).unwrap().len(), 2);
        assert_eq!(cell(row, 1).as_deref(), Some("b, \"c\""));
        assert_eq!(cell(row, 3).as_deref(), Some("d"));
        assert_eq!(cell(row, 4), None);
        assert_eq!(cell("a,\"b", 1), None);
        assert!(is_open("a,\"b") && !is_open(row));
    }

    #[test]
    fn the_raw_events_are_in_the_cell_of_that_name() {
        assert_eq!(raw_column("_time,\"_raw\",host\r"), Some(1));
        assert_eq!(raw_column("\"_serial\",\"_time\",\"_raw\""), Some(2));
        assert_eq!(raw_column("_time,host"), None);
        assert_eq!(raw_column("{\"a\":1,_raw,\"b\":2}"), None);
    }
}
