//! Cuts a text into records: lines, JSON objects that run over lines, XML events, CSV rows.
//!
//! No piece is longer than the longest line; what is longer is passed over and counted. After
//! damage, cutting goes on where a record can begin again.

use super::draft::Refused;
use super::evtxecmd;
use crate::evidence::Form;
use crate::evidence::cells::{cell, cells, raw_column};
use crate::evidence::form::{behind_header, json_in};
use crate::evidence::lines::{LONGEST, Lines};
use std::io::Read;

/// One record of a text, still as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Line it begins on, from 1.
    pub line: u64,
    /// Byte offset in the text, as UTF-8.
    pub offset: u64,
    body: Result<Vec<u8>, &'static str>,
}

impl Piece {
    /// True for one that begins as a JSON object does.
    pub fn is_json(&self) -> bool {
        self.body.as_ref().is_ok_and(|body| body.starts_with(b"{"))
    }

    /// Its bytes, or why there are none.
    pub fn bytes(&self) -> Result<&[u8], Refused> {
        self.body.as_deref().map_err(|why| Refused(why))
    }
}

/// How a text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Not yet known: JSON may be one record a line or run over lines.
    Open,
    /// A record a line.
    Lines,
    /// By braces.
    Objects,
    /// From `<Event` to `</Event>`.
    Events,
    /// Rows of a CSV, whose quoted cells may run over lines.
    Rows,
}

/// Cuts a text.
pub struct Pieces<R: Read> {
    lines: Lines<R>,
    form: Form,
    /// The events are cells of a CSV, in which a quote is two.
    cells: bool,
    cut: Cut,
    header: Vec<String>,
    heading: Vec<u8>,
    /// Which cell of each row is the record, in a CSV of Splunk.
    raw: Option<usize>,
    /// What has begun and not ended.
    open: Option<Piece>,
    objects: Braces,
    ready: std::collections::VecDeque<Piece>,
}

const TOO_LONG: &str = "a record or line is longer than 4 MiB";
const CUT_OFF: &str = "a record is cut off by the end of the text or by the next record";

impl<R: Read> Pieces<R> {
    /// Cuts `input`, a text of this form.
    pub fn new(form: Form, input: R) -> Self {
        let cut = match form {
            Form::EvtxEcmd => Cut::Rows,
            _ => Cut::Open,
        };
        Self {
            lines: Lines::new(input),
            form,
            cells: false,
            cut,
            header: Vec::new(),
            heading: Vec::new(),
            raw: None,
            open: None,
            objects: Braces::default(),
            ready: std::collections::VecDeque::new(),
        }
    }

    /// The names of a CSV's cells; empty for other forms.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The row of a CSV that names its cells, as it lies in the text, with its line end; empty for
    /// other forms.
    pub fn heading(&self) -> &[u8] {
        &self.heading
    }

    /// The next records, at most `count` or so many that they hold about `bytes`; none at the end.
    pub fn batch(&mut self, count: usize, bytes: usize) -> Vec<Piece> {
        let (mut batch, mut held) = (Vec::new(), 0);
        while batch.len() < count && held < bytes {
            let Some(piece) = self.next_piece() else {
                break;
            };
            held += piece.body.as_ref().map_or(0, Vec::len);
            batch.push(piece);
        }
        batch
    }

    fn next_piece(&mut self) -> Option<Piece> {
        loop {
            if let Some(mut piece) = self.ready.pop_front() {
                if self.cells
                    && let Ok(body) = &mut piece.body
                {
                    *body = with_single_quotes(body);
                }
                if let (Some(column), Ok(row)) = (self.raw, &piece.body) {
                    piece.body = raw_event(row, column);
                }
                return Some(piece);
            }
            let Some(line) = self.lines.next_line() else {
                return self.open.take().map(|piece| Piece {
                    body: piece.body.and(Err(CUT_OFF)),
                    ..piece
                });
            };
            let Some(bytes) = line.bytes else {
                self.open = None;
                self.objects = Braces::default();
                return Some(Piece {
                    line: line.number,
                    offset: line.offset,
                    body: Err(TOO_LONG),
                });
            };
            let at = (line.number, line.offset);
            match self.cut {
                Cut::Open => {
                    let trimmed = bytes.trim_ascii();
                    if trimmed.is_empty() {
                        continue;
                    }
                    let json = trimmed.starts_with(b"{") || trimmed.starts_with(b"[");
                    if self.form == Form::Xml && !json {
                        self.cut = Cut::Events;
                        // Splunk's names its cells first.
                        let text = String::from_utf8_lossy(trimmed);
                        let mut names = text.split(',').map(|name| name.trim_matches('"'));
                        self.cells = names.any(|name| name == "_raw");
                        events(bytes, at, &mut self.open, &mut self.ready);
                        continue;
                    }
                    if self.form != Form::Xml {
                        self.raw = raw_column(&String::from_utf8_lossy(trimmed));
                    }
                    if self.raw.is_some() {
                        self.cut = Cut::Rows;
                        continue;
                    }
                    let whole = trimmed.starts_with(b"{")
                        && serde_json::from_slice::<serde::de::IgnoredAny>(trimmed).is_ok();
                    // A first line that is damaged is no reason to take the text for another one.
                    let damaged = trimmed.starts_with(b"{\"") && trimmed.ends_with(b"}");
                    let one_a_line = whole || damaged && !is_several(trimmed) || !json;
                    self.cut = if one_a_line { Cut::Lines } else { Cut::Objects };
                    match self.cut {
                        Cut::Lines => line_piece(bytes, at, &mut self.ready),
                        _ => self
                            .objects
                            .line(bytes, at, &mut self.open, &mut self.ready),
                    }
                }
                Cut::Lines => line_piece(bytes, at, &mut self.ready),
                Cut::Objects => self
                    .objects
                    .line(bytes, at, &mut self.open, &mut self.ready),
                Cut::Events => events(bytes, at, &mut self.open, &mut self.ready),
                Cut::Rows => {
                    row(bytes, at, &mut self.open, &mut self.ready);
                    if self.header.is_empty()
                        && self.raw.is_none()
                        && let Some(first) = self.ready.pop_front()
                    {
                        self.header = header(&first);
                        self.heading = first.body.unwrap_or_default();
                        self.heading.push(b'\n');
                    }
                }
            }
        }
    }
}

/// The record in a row of Splunk's CSV: what its cell holds of JSON.
fn raw_event(row: &[u8], column: usize) -> Result<Vec<u8>, &'static str> {
    let row = std::str::from_utf8(row).map_err(|_| "a row of the CSV is no UTF-8")?;
    let raw = cell(row.trim_end(), column);
    let raw = raw.ok_or("a row of the CSV has an open quote or too few cells")?;
    let json = json_in(&raw).ok_or("a raw event that is neither XML nor JSON")?;
    Ok(json.as_bytes().to_vec())
}

/// Undoes the doubling of quotes in a cell.
fn with_single_quotes(cell: &[u8]) -> Vec<u8> {
    let mut single = Vec::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(at) = memchr::memmem::find(rest, b"\"\"") {
        single.extend_from_slice(&rest[..=at]);
        rest = &rest[at + 2..];
    }
    single.extend_from_slice(rest);
    single
}

/// True for objects one behind the other, as some that deliver write them.
fn is_several(bytes: &[u8]) -> bool {
    let values = serde_json::Deserializer::from_slice(bytes).into_iter::<serde::de::IgnoredAny>();
    values.take(2).filter(Result::is_ok).count() == 2
}

fn piece((line, offset): (u64, u64), bytes: &[u8]) -> Piece {
    Piece {
        line,
        offset,
        body: Ok(bytes.to_vec()),
    }
}

fn line_piece(bytes: &[u8], at: (u64, u64), ready: &mut std::collections::VecDeque<Piece>) {
    // Arrays written with an object a line have commas between and brackets around.
    let trimmed = bytes.trim_ascii();
    let trimmed = trimmed.strip_suffix(b",").unwrap_or(trimmed);
    if matches!(trimmed, b"" | b"[" | b"]") {
        return;
    }
    // What collected it may have put a header before it.
    let behind = if trimmed.starts_with(b"{") {
        None
    } else {
        behind_header(trimmed)
    };
    ready.push_back(piece(at, &trimmed[behind.unwrap_or(0)..]));
}

/// Adds to what is open; what grows too long is passed over.
fn extend(open: &mut Piece, bytes: &[u8]) {
    if let Ok(body) = &mut open.body {
        if body.len() + bytes.len() > LONGEST {
            open.body = Err(TOO_LONG);
        } else {
            body.extend_from_slice(bytes);
        }
    }
}

/// Follows braces and quotes over lines.
#[derive(Debug, Default)]
struct Braces {
    depth: u32,
    in_string: bool,
}

impl Braces {
    fn line(
        &mut self,
        bytes: &[u8],
        at: (u64, u64),
        open: &mut Option<Piece>,
        ready: &mut std::collections::VecDeque<Piece>,
    ) {
        if self.in_string || (self.depth > 0 && bytes.starts_with(b"{")) {
            // No JSON string runs over a line, and no object within begins at its start: the record
            // before is damaged, and another one may begin here.
            if let Some(broken) = open.take() {
                ready.push_back(Piece {
                    body: broken.body.and(Err(CUT_OFF)),
                    ..broken
                });
            }
            *self = Self::default();
        }
        let (mut from, mut escaped) = (0, false);
        for (i, byte) in bytes.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if self.in_string => escaped = true,
                b'"' if self.depth > 0 => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' => {
                    if self.depth == 0 {
                        from = i;
                        *open = Some(piece((at.0, at.1 + i as u64), &[]));
                    }
                    self.depth += 1;
                }
                b'}' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0
                        && let Some(mut done) = open.take()
                    {
                        extend(&mut done, &bytes[from..=i]);
                        ready.push_back(done);
                    }
                }
                _ => {}
            }
        }
        if let Some(open) = open {
            extend(open, &bytes[from..]);
            extend(open, b"\n");
        }
    }
}

/// `<Event` as the begin of an element of that name, not of `<Events>` or `<EventData>`.
fn event_begin(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, b"<Event").find(|at| {
        matches!(
            bytes.get(at + 6),
            None | Some(b' ' | b'>' | b'\t' | b'\r' | b'\n')
        )
    })
}

/// The events in a text that is whole.
pub fn events_of(text: &[u8]) -> Vec<Piece> {
    let (mut open, mut ready) = (None, std::collections::VecDeque::new());
    events(text, (0, 0), &mut open, &mut ready);
    ready.extend(open.map(|piece: Piece| Piece {
        body: Err(CUT_OFF),
        ..piece
    }));
    ready.into()
}

fn events(
    bytes: &[u8],
    at: (u64, u64),
    open: &mut Option<Piece>,
    ready: &mut std::collections::VecDeque<Piece>,
) {
    const END: &[u8] = b"</Event>";
    let mut from = 0;
    // Where the next end lies in the line, as far as it was looked for: a line of nothing but begins
    // must not be searched to its end for each of them.
    let mut known: Option<Option<usize>> = None;
    loop {
        let rest = &bytes[from..];
        let begin = event_begin(rest);
        let next = match known {
            Some(next) if next.is_none_or(|next| next >= from) => next,
            _ => memchr::memmem::find(rest, END).map(|end| from + end),
        };
        known = Some(next);
        let end = next.map(|next| next - from);
        match (open.is_some(), begin, end) {
            (false, None, _) => return,
            (false, Some(begin), _) => {
                from += begin;
                *open = Some(piece((at.0, at.1 + from as u64), b"<Event"));
                from += b"<Event".len();
            }
            (true, Some(begin), end) if end.is_none_or(|end| begin < end) => {
                if let Some(broken) = open.take() {
                    ready.push_back(Piece {
                        body: Err(CUT_OFF),
                        ..broken
                    });
                }
                from += begin;
            }
            (true, _, Some(end)) => {
                if let Some(mut done) = open.take() {
                    extend(&mut done, &rest[..end + END.len()]);
                    ready.push_back(done);
                }
                from += end + END.len();
            }
            (true, _, None) => {
                if let Some(open) = open {
                    extend(open, rest);
                    extend(open, b"\n");
                }
                return;
            }
        }
    }
}

fn row(
    bytes: &[u8],
    at: (u64, u64),
    open: &mut Option<Piece>,
    ready: &mut std::collections::VecDeque<Piece>,
) {
    let odd = memchr::memchr_iter(b'"', bytes).count() % 2 == 1;
    match (open.take(), odd) {
        (None, false) if bytes.trim_ascii().is_empty() => {}
        (None, false) => ready.push_back(piece(at, bytes)),
        (None, true) => {
            let mut begun = piece(at, bytes);
            extend(&mut begun, b"\n");
            *open = Some(begun);
        }
        (Some(mut begun), odd) => {
            extend(&mut begun, bytes);
            if odd || begun.body.is_err() {
                ready.push_back(begun);
            } else {
                extend(&mut begun, b"\n");
                *open = Some(begun);
            }
        }
    }
}

fn header(piece: &Piece) -> Vec<String> {
    let text = piece.body.as_deref().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let cells = cells(&text, evtxecmd::MOST_CELLS).unwrap_or_default();
    cells.iter().map(|c| c.trim().to_owned()).collect()
}
