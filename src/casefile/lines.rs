//! Records of a text as they lie in it, from the line or the offset they are cited by.
//!
//! What the words mean is for `eventlog` and `capture`; here they are only found again.

use crate::eventlog::forms::pieces::Pieces;
use crate::eventlog::raw::Wanted;
use crate::evidence::Form;
use crate::evidence::lines::Lines;
use std::io::Read;

/// Bytes of text handed out for one file at most.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of heading lines handed out at most.
const MOST_HEADING: usize = 64 * 1024;

/// One record of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawLine {
    /// Line it begins on, from 1.
    pub line: u64,
    /// Byte offset in the unpacked text, as UTF-8 without a byte order mark.
    pub offset: u64,
    /// Its words as they are, which may run over several lines; `None` if they are too long or cut
    /// off.
    pub bytes: Option<Vec<u8>>,
}

/// What was found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawText {
    /// The lines before all records that name what stands in them; empty where a form has none.
    pub heading: Vec<u8>,
    /// The records, in the order of the text.
    pub lines: Vec<RawLine>,
    /// True if there are more of the wanted records than are handed out.
    pub cut: bool,
}

impl RawText {
    fn take(&mut self, wanted: &Wanted, most: usize, line: RawLine, held: &mut usize) {
        if !wanted.numbers.contains(&line.line) && !wanted.offsets.contains(&line.offset) {
            return;
        }
        let more = line.bytes.as_ref().map_or(0, Vec::len);
        if self.lines.len() >= most || held.saturating_add(more) > MOST_BYTES {
            self.cut = true;
            return;
        }
        *held += more;
        self.lines.push(line);
    }
}

/// Finds records in the text that `input` yields from its first byte on, at most `most` of them.
/// Numbers that are wanted are those of lines: all records that begin on one are found.
pub fn raw_lines(input: impl Read, form: Form, wanted: &Wanted, most: usize) -> RawText {
    let (mut found, mut held) = (RawText::default(), 0);
    if matches!(form, Form::FirewallLog | Form::ZeekConn) {
        let (mut lines, mut heading) = (Lines::new(input), true);
        while let Some(line) = lines.next_line() {
            let bytes = line.bytes.unwrap_or_default();
            heading &= bytes.is_empty() || bytes.starts_with(b"#");
            if heading && found.heading.len() + bytes.len() < MOST_HEADING {
                found.heading.extend_from_slice(bytes);
                found.heading.push(b'\n');
            }
            let line = RawLine {
                line: line.number,
                offset: line.offset,
                bytes: line.bytes.map(<[u8]>::to_vec),
            };
            found.take(wanted, most, line, &mut held);
        }
        return found;
    }
    let mut pieces = Pieces::new(form, input);
    loop {
        let batch = pieces.batch(1_024, 1 << 20);
        if batch.is_empty() {
            break;
        }
        for piece in batch {
            let line = RawLine {
                line: piece.line,
                offset: piece.offset,
                bytes: piece.bytes().ok().map(<[u8]>::to_vec),
            };
            found.take(wanted, most, line, &mut held);
        }
    }
    found.heading = pieces.heading().to_vec();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_line(form: Form, text: &str, line: u64) -> RawText {
        let wanted = Wanted {
            numbers: [line].into(),
            ..Wanted::default()
        };
        raw_lines(text.as_bytes(), form, &wanted, 10)
    }

    #[test]
    fn a_record_comes_whole_whatever_lines_it_runs_over() {
        let xml = "<Events>\n<Event a='1'>\n<x/>\n</Event><Event b='2'/>\n</Events>";
        let found = by_line(Form::Xml, xml, 2);
        assert_eq!(
            found.lines[0].bytes.as_deref(),
            Some(&b"<Event a='1'>\n<x/>\n</Event>"[..])
        );
        let csv = "A,B\r\n1,\"two\r\nlines\"\r\n3,4\r\n";
        let found = by_line(Form::EvtxEcmd, csv, 2);
        assert_eq!(found.heading, b"A,B\n");
        assert_eq!(
            found.lines[0].bytes.as_deref(),
            Some(&b"1,\"two\nlines\""[..])
        );
        let log = "#Fields: a b\n\n1 2\n3 4\n";
        let found = by_line(Form::FirewallLog, log, 4);
        assert_eq!(found.heading, b"#Fields: a b\n\n");
        assert_eq!(found.lines[0].bytes.as_deref(), Some(&b"3 4"[..]));
    }

    #[test]
    fn no_more_is_held_than_was_allowed_and_that_is_told() {
        let wanted = Wanted {
            numbers: [1, 2].into(),
            ..Wanted::default()
        };
        let found = raw_lines(&b"1\n2\n3\n"[..], Form::FirewallLog, &wanted, 1);
        assert_eq!((found.lines.len(), found.cut), (1, true));
    }
}
