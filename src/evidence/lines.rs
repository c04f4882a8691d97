//! Lines of a text that anybody may have written: of bounded length, in UTF-8 or UTF-16, with or
//! without a byte order mark.
//!
//! PowerShell writes UTF-16 by default, so an export may be either. A line that is too long is
//! skipped and counted, never held.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

/// The longest line that is kept, in bytes. A 4104 with a whole script is below 100 KiB.
pub const LONGEST: usize = 4 * 1024 * 1024;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// From 1.
    pub number: u64,
    /// Byte offset of its first byte in the text, as UTF-8.
    pub offset: u64,
    /// Its bytes, without the line end; `None` if it was too long.
    pub bytes: Option<&'a [u8]>,
}

/// Cuts a text into lines.
pub struct Lines<R: Read> {
    input: BufReader<Utf8<R>>,
    number: u64,
    offset: u64,
    line: Vec<u8>,
}

impl<R: Read> Lines<R> {
    /// Reads `input` from its start.
    pub fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(256 * 1024, Utf8::new(input)),
            number: 0,
            offset: 0,
            line: Vec::new(),
        }
    }

    /// The next line; `None` at the end. What the input fails with is its end.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        self.line.clear();
        let offset = self.offset;
        let (mut too_long, mut any) = (false, false);
        loop {
            let bytes = match self.input.fill_buf() {
                Ok([]) | Err(_) => break,
                Ok(bytes) => bytes,
            };
            any = true;
            let end = memchr::memchr(b'\n', bytes);
            let taken = end.unwrap_or(bytes.len());
            too_long |= self.line.len() + taken > LONGEST;
            if !too_long {
                self.line.extend_from_slice(&bytes[..taken]);
            }
            let used = taken + usize::from(end.is_some());
            self.input.consume(used);
            self.offset += used as u64;
            if end.is_some() {
                break;
            }
        }
        if !any {
            return None;
        }
        self.number += 1;
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        Some(Line {
            number: self.number,
            offset,
            bytes: (!too_long).then_some(&self.line),
        })
    }
}

/// A text as UTF-8: without its byte order mark, and recoded if it is UTF-16. Bytes that are no
/// character of it become U+FFFD in UTF-16, and stay as they are in UTF-8.
pub struct Utf8<R> {
    input: R,
    order: Option<Order>,
    raw: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Bytes,
    Little,
    Big,
}

impl Order {
    /// By the byte order mark, or by the zeros that ASCII has in UTF-16; with the mark's length.
    fn of(head: &[u8]) -> (Self, usize) {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => (Self::Bytes, 3),
            [0xFF, 0xFE, ..] => (Self::Little, 2),
            [0xFE, 0xFF, ..] => (Self::Big, 2),
            [1..=0x7F, 0, 1..=0x7F, 0, ..] => (Self::Little, 0),
            [0, 1..=0x7F, 0, 1..=0x7F, ..] => (Self::Big, 0),
            _ => (Self::Bytes, 0),
        }
    }
}

impl<R: Read> Utf8<R> {
    /// Reads `input` from its start.
    pub fn new(input: R) -> Self {
        Self {
            input,
            order: None,
            raw: Vec::new(),
            ready: Vec::new(),
            at: 0,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut piece = [0; 16 * 1024];
        // The first four bytes are looked at together.
        let mut read = 0;
        while read < 4 {
            let n = self.input.read(&mut piece[read..])?;
            read += n;
            if n == 0 {
                break;
            }
        }
        let mut bytes = &piece[..read];
        let order = match self.order {
            Some(order) => order,
            None => {
                let (order, mark) = Order::of(bytes);
                bytes = &bytes[mark..];
                *self.order.insert(order)
            }
        };
        (self.at, self.ready) = (0, std::mem::take(&mut self.ready));
        self.ready.clear();
        if order == Order::Bytes {
            self.ready.extend_from_slice(bytes);
            return Ok(());
        }
        self.raw.extend_from_slice(bytes);
        let mut whole = self.raw.len() & !1;
        let unit = |at: usize| match order {
            Order::Big => u16::from_be_bytes([self.raw[at], self.raw[at + 1]]),
            _ => u16::from_le_bytes([self.raw[at], self.raw[at + 1]]),
        };
        // The second half of a pair may still come.
        if read > 0 && whole >= 2 && matches!(unit(whole - 2), 0xD800..=0xDBFF) {
            whole -= 2;
        }
        let units = (0..whole).step_by(2).map(unit);
        let mut character = [0; 4];
        for c in char::decode_utf16(units) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.ready
                .extend_from_slice(c.encode_utf8(&mut character).as_bytes());
        }
        self.raw.drain(..whole);
        // A long read may hold only half a character; then there is more to come.
        match (self.ready.is_empty(), read) {
            (true, 1..) => self.fill(),
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.order == Some(Order::Bytes) && self.at == self.ready.len() {
            return self.input.read(into);
        }
        if self.at == self.ready.len() {
            self.fill()?;
        }
        let rest = &self.ready[self.at..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// The first bytes of a text as text.
pub fn decoded(head: &[u8]) -> Cow<'_, str> {
    if Order::of(head) == (Order::Bytes, 0) {
        return String::from_utf8_lossy(head);
    }
    let mut text = Vec::new();
    // Memory does not fail.
    let _ = Utf8::new(head).read_to_end(&mut text);
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(u64, u64, Option<String>)> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line() {
            let text = line.bytes.map(|b| String::from_utf8_lossy(b).into_owned());
            all.push((line.number, line.offset, text));
        }
        all
    }

    #[test]
    fn one_text_in_every_encoding_is_the_same_lines() {
        let text = "erste\r\nz\u{fc}ge \u{1f600}\n\nlast";
        let wide = |big: bool| {
            let order = |u: u16| {
                if big {
                    u.to_be_bytes()
                } else {
                    u.to_le_bytes()
                }
            };
            text.encode_utf16().flat_map(order).collect::<Vec<u8>>()
        };
        let expected = lines(text.as_bytes());
        assert_eq!(expected.len(), 4);
        assert_eq!(expected[1], (2, 7, Some("z\u{fc}ge \u{1f600}".to_owned())));
        for (mark, body) in [
            (&[0xEF, 0xBB, 0xBF][..], text.as_bytes().to_vec()),
            (&[0xFF, 0xFE], wide(false)),
            (&[0xFE, 0xFF], wide(true)),
            (&[], wide(false)),
            (&[], wide(true)),
        ] {
            assert_eq!(lines(&[mark, &body].concat()), expected, "{mark:x?}");
        }
    }

    #[test]
    fn a_line_without_end_is_skipped_and_the_next_one_read() {
        let mut text = b"a\n".to_vec();
        text.resize(text.len() + 3 * LONGEST, b'x');
        text.extend_from_slice(b"\nb\n");
        let all = lines(&text);
        assert_eq!(all.len(), 3);
        assert_eq!((all[1].0, all[1].1, &all[1].2), (2, 2, &None));
        assert_eq!(all[2].2.as_deref(), Some("b"));
    }

    #[test]
    fn half_a_character_at_the_end_is_marked() {
        let bytes = [0xFF, 0xFE, b'a', 0, 0x3D, 0xD8];
        assert_eq!(lines(&bytes), [(1, 0, Some("a\u{fffd}".to_owned()))]);
    }
}
