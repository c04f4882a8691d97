//! Windows binary XML as event logs store it: bounded reading of its bytes and typed values.
//!
//! Formats: \[MS-EVEN6\] 2.2.12 and libyal's "Windows XML Event Log (EVTX)". Everything borrows from
//! the chunk; every read is checked against the chunk's end. What a template or record *means* is
//! for `plan`.

use super::record::Value;
use crate::model::Timestamp;
use std::borrow::Cow;

/// What made a piece of binary XML unreadable.
///
/// As wide as a register: a `Result` of a value and a byte is copied in overlapping pieces, and every
/// value read waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u64)]
pub enum Damage {
    /// A length or offset leads out of the record or chunk.
    #[error("a length or offset leads out of the record")]
    OutOfBounds,
    /// A token that has no place there.
    #[error("a token is not known or out of place")]
    Token,
    /// Nested deeper, or expanding further, than any real record.
    #[error("it is nested or expands further than any real record")]
    Excessive,
    /// A form this reader leaves to the general one.
    #[error("its form is too unusual")]
    Unusual,
}

/// A place in a chunk, with an end it may not pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'c> {
    chunk: &'c [u8],
    at: usize,
    end: usize,
}

impl<'c> Cursor<'c> {
    /// Reads `chunk[at..end]`; offsets stay relative to the chunk.
    pub(crate) fn new(chunk: &'c [u8], at: usize, end: usize) -> Result<Self, Damage> {
        if at > end || end > chunk.len() {
            return Err(Damage::OutOfBounds);
        }
        Ok(Self { chunk, at, end })
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn end(&self) -> usize {
        self.end
    }

    pub(crate) fn done(&self) -> bool {
        self.at >= self.end
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'c [u8], Damage> {
        if length > self.end - self.at {
            return Err(Damage::OutOfBounds);
        }
        let bytes = &self.chunk[self.at..self.at + length];
        self.at += length;
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Damage> {
        self.take(1).map(|b| b[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Damage> {
        self.take(2).map(|b| u16::from_le_bytes([b[0], b[1]]))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Damage> {
        self.take(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// An offset within the chunk.
    pub(crate) fn offset(&mut self) -> Result<usize, Damage> {
        self.u32().map(|n| n as usize)
    }

    /// A reference to a name; the name itself follows where it is first used. Its UTF-16LE bytes.
    pub(crate) fn name(&mut self) -> Result<&'c [u8], Damage> {
        let offset = self.offset()?;
        // Next name in the bucket (4), hash (2), characters (2), text, terminator (2).
        let mut node = Cursor::new(self.chunk, offset, self.chunk.len())?;
        node.take(6)?;
        let characters = usize::from(node.u16()?);
        let text = node.take(characters * 2)?;
        if offset == self.at {
            self.take(8 + text.len() + 2)?;
        }
        Ok(text)
    }

    /// A string preceded by its count of characters.
    pub(crate) fn counted_text(&mut self) -> Result<&'c [u8], Damage> {
        let characters = usize::from(self.u16()?);
        self.take(characters * 2)
    }
}

/// The type of a nested piece of binary XML.
pub(crate) const BIN_XML: u8 = 0x21;
/// Set in the type of an array.
pub(crate) const ARRAY: u8 = 0x80;

/// The value of one type byte and its bytes (\[MS-EVEN6\] 2.2.12.4).
///
/// A number of the wrong width is no number: its bytes are handed on as they are.
#[inline]
pub(crate) fn value(kind: u8, bytes: &[u8]) -> Value<'_> {
    let unsigned = || match *bytes {
        [a] => Some(u64::from(a)),
        [a, b] => Some(u64::from(u16::from_le_bytes([a, b]))),
        [a, b, c, d] => Some(u64::from(u32::from_le_bytes([a, b, c, d]))),
        [a, b, c, d, e, f, g, h] => Some(u64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => None,
    };
    let signed = || match *bytes {
        [a] => Some(i64::from(a as i8)),
        [a, b] => Some(i64::from(i16::from_le_bytes([a, b]))),
        [a, b, c, d] => Some(i64::from(i32::from_le_bytes([a, b, c, d]))),
        [a, b, c, d, e, f, g, h] => Some(i64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => None,
    };
    if bytes.is_empty() {
        return match kind {
            0x01 => Value::Utf16(bytes),
            0x02 => Value::Text(Cow::Borrowed("")),
            0x0e => Value::Binary(bytes),
            _ => Value::Null,
        };
    }
    let as_stored = Value::Binary(bytes);
    if width(kind).is_some_and(|width| width != bytes.len()) {
        return as_stored;
    }
    match kind {
        0x00 => Value::Null,
        0x01 => Value::Utf16(bytes),
        0x02 => Value::Text(ansi(bytes)),
        0x03 | 0x05 | 0x07 | 0x09 => signed().map_or(as_stored, Value::Signed),
        0x04 | 0x06 | 0x08 | 0x0a => unsigned().map_or(as_stored, Value::Unsigned),
        0x0b => unsigned().map_or(as_stored, |n| {
            Value::Text(Cow::Owned(f32::from_bits(n as u32).to_string()))
        }),
        0x0c => unsigned().map_or(as_stored, |n| {
            Value::Text(Cow::Owned(f64::from_bits(n).to_string()))
        }),
        // Some providers store bit masks in truth values; they stay the numbers they are.
        0x0d => match signed() {
            Some(0) => Value::Bool(false),
            Some(1) => Value::Bool(true),
            Some(other) => Value::Signed(other),
            None => as_stored,
        },
        0x0f => guid(bytes).map_or(as_stored, Value::Guid),
        0x10 | 0x14 | 0x15 => unsigned().map_or(as_stored, Value::Hex),
        0x11 => match unsigned() {
            Some(n) => Timestamp::from_filetime(n).map_or(Value::Hex(n), Value::Time),
            None => as_stored,
        },
        0x12 => system_time(bytes).map_or(as_stored, Value::Time),
        0x13 => Value::Sid(bytes),
        _ => as_stored,
    }
}

/// Bytes of one value of a type of fixed width.
fn width(kind: u8) -> Option<usize> {
    Some(match kind {
        0x03 | 0x04 => 1,
        0x05 | 0x06 => 2,
        0x07 | 0x08 | 0x0b | 0x0d | 0x14 => 4,
        0x09 | 0x0a | 0x0c | 0x11 | 0x15 => 8,
        0x0f | 0x12 => 16,
        _ => return None,
    })
}

/// Calls `each` with every item of an array value; `Unusual` for arrays no reader knows.
pub(crate) fn array_items<'c>(
    kind: u8,
    bytes: &'c [u8],
    each: &mut dyn FnMut(Value<'c>),
) -> Result<(), Damage> {
    let item = kind & !ARRAY;
    if item == 0x01 {
        // Strings back to back, each with its terminator.
        let mut start = 0;
        for at in (0..bytes.len().saturating_sub(1)).step_by(2) {
            if bytes[at] == 0 && bytes[at + 1] == 0 {
                each(Value::Utf16(&bytes[start..at]));
                start = at + 2;
            }
        }
        if start + 1 < bytes.len() {
            each(Value::Utf16(&bytes[start..bytes.len() & !1]));
        }
        return Ok(());
    }
    let width = width(item).ok_or(Damage::Unusual)?;
    if !bytes.len().is_multiple_of(width) {
        return Err(Damage::Unusual);
    }
    for one in bytes.chunks_exact(width) {
        each(value(item, one));
    }
    Ok(())
}

/// A GUID in the byte order of its text form; it is stored mixed-endian (MS-DTYP 2.3.4.2).
pub(crate) fn guid(bytes: &[u8]) -> Option<[u8; 16]> {
    let mut guid: [u8; 16] = bytes.try_into().ok()?;
    guid[..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    Some(guid)
}

/// A SYSTEMTIME: year, month, day of week, day, hour, minute, second, millisecond (MS-DTYP 2.3.13).
fn system_time(bytes: &[u8]) -> Option<Timestamp> {
    let part = |n: usize| -> Option<u32> {
        Some(u32::from(u16::from_le_bytes([
            *bytes.get(n * 2)?,
            *bytes.get(n * 2 + 1)?,
        ])))
    };
    let day = chrono::NaiveDate::from_ymd_opt(part(0)? as i32, part(1)?, part(3)?)?;
    let when = day.and_hms_milli_opt(part(4)?, part(5)?, part(6)?, part(7)?)?;
    when.and_utc().timestamp_nanos_opt().map(Timestamp)
}

/// Text of the system's code page, taken as Windows-1252; terminators are dropped.
fn ansi(bytes: &[u8]) -> Cow<'_, str> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() && !bytes.contains(&0) => Cow::Borrowed(text),
        _ => Cow::Owned(
            bytes
                .iter()
                .filter(|b| **b != 0)
                .map(|b| match b {
                    0x80..=0x9f => HIGH[usize::from(b - 0x80)],
                    other => char::from(*other),
                })
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_type_and_never_by_hope() {
        assert_eq!(value(0x06, &[0x3d, 0x0d]), Value::Unsigned(3389));
        assert_eq!(value(0x15, &[0xd8, 7, 0, 0, 0, 0, 0, 0]), Value::Hex(0x7d8));
        assert_eq!(value(0x10, &[0xd8, 7, 0, 0]), Value::Hex(0x7d8));
        assert_eq!(value(0x0d, &[1, 0, 0, 0]), Value::Bool(true));
        assert_eq!(value(0x0d, &[16, 0, 0, 0]), Value::Signed(16));
        assert_eq!(value(0x08, &[1, 2, 3]), Value::Binary(&[1, 2, 3]));
        assert_eq!(value(0x08, &[]), Value::Null);
        assert_eq!(value(0x11, &[0xff; 8]), Value::Hex(u64::MAX));
        assert_eq!(
            value(0x02, b"caf\xe9\0"),
            Value::Text(Cow::Borrowed("café"))
        );
    }

    #[test]
    fn a_string_array_is_split_at_its_terminators() {
        let bytes: Vec<u8> = "a\0\0bc\0"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut items = Vec::new();
        array_items(0x81, &bytes, &mut |v| items.push(v.text().into_owned())).unwrap();
        assert_eq!(items, ["a", "", "bc"]);
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut cursor = Cursor::new(&[1, 2, 3], 1, 3).unwrap();
        assert_eq!(cursor.u32(), Err(Damage::OutOfBounds));
        assert_eq!(cursor.u16(), Ok(0x0302));
        assert!(cursor.done());
        assert!(Cursor::new(&[1], 2, 1).is_err());
    }
}
