//! An event record as every reader hands it to the channel tables: typed questions, honest answers.
//!
//! The EVTX reader fills it from binary values without rendering them; text forms fill it with
//! strings. A question gives the same answer for both.

use crate::model::{Timed, Timestamp};
use std::borrow::Cow;
use std::net::IpAddr;

/// A field's value as the reader found it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// UTF-16LE text, not yet decoded.
    Utf16(&'a [u8]),
    /// Text.
    Text(Cow<'a, str>),
    /// An unsigned number.
    Unsigned(u64),
    /// A signed number.
    Signed(i64),
    /// A number the log prints in hexadecimal.
    Hex(u64),
    /// A truth value.
    Bool(bool),
    /// A moment.
    Time(Timestamp),
    /// A GUID, in the byte order of its text form.
    Guid([u8; 16]),
    /// A security identifier, binary.
    Sid(&'a [u8]),
    /// Bytes.
    Binary(&'a [u8]),
    /// Present and empty.
    Null,
}

/// Where a record lies, for provenance and problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Byte offset of the record header in the (decompressed) file, or of the line.
    pub offset: u64,
    /// EventRecordID; 0 where a text form leaves it out.
    pub record_id: u64,
    /// Set for records of a text.
    pub text: Option<TextPlace>,
}

/// Where a record lies in a text, and what its times are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPlace {
    /// Line it begins on, from 1.
    pub line: u64,
    /// Which clock TimeCreated is of. Where that is local, UtcTime is not, so the two must not be
    /// mixed.
    pub timed: Timed,
}

/// One record, with its System fields read and its payload fields by name.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// Where it lies.
    pub place: Place,
    /// Event id without qualifiers.
    pub event_id: u32,
    /// Channel as written (its case varies between exports).
    pub channel: Cow<'a, str>,
    /// Provider name.
    pub provider: Cow<'a, str>,
    /// Computer name.
    pub computer: Cow<'a, str>,
    /// System/TimeCreated; `None` if it cannot be read.
    pub time: Option<Timestamp>,
    /// EventData or UserData fields in order; the first of equal names is the one asked for.
    pub fields: Cow<'a, [(Name<'a>, Value<'a>)]>,
}

/// A field's name as the reader found it; it is only ever asked whether it is some word.
#[derive(Clone, Debug, PartialEq)]
pub enum Name<'a> {
    /// UTF-16LE text, not yet decoded.
    Utf16(&'a [u8]),
    /// Text.
    Text(Cow<'a, str>),
}

impl Name<'_> {
    /// True if this is `word`, which is ASCII, in any case.
    pub fn is(&self, word: &str) -> bool {
        match self {
            Self::Utf16(bytes) => {
                let mut bytes = *bytes;
                while let [rest @ .., 0, 0] = bytes {
                    bytes = rest;
                }
                let (units, _) = bytes.as_chunks::<2>();
                units.len() == word.len()
                    && units
                        .iter()
                        .zip(word.bytes())
                        .all(|(unit, byte)| unit[1] == 0 && unit[0].eq_ignore_ascii_case(&byte))
            }
            Self::Text(text) => text.eq_ignore_ascii_case(word),
        }
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> Record<'a> {
    /// The value of the first field called `name`; names are compared without case, because
    /// `ProcessID` and `ProcessId` differ between events.
    pub fn value(&self, name: &str) -> Option<&Value<'a>> {
        self.fields.iter().find(|(n, _)| n.is(name)).map(|(_, v)| v)
    }

    /// As text: the words a rendered record would show. `None` if absent; empty if null.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.value(name).map(Value::text)
    }

    /// As an unsigned number: a number, decimal text, or `0x` hexadecimal text.
    pub fn unsigned(&self, name: &str) -> Option<u64> {
        self.value(name).and_then(Value::unsigned)
    }

    /// As a port: a number or text from 0 to 65535.
    pub fn port(&self, name: &str) -> Option<u16> {
        self.unsigned(name).and_then(|n| u16::try_from(n).ok())
    }

    /// As an IP address, IPv4-mapped ones folded.
    pub fn address(&self, name: &str) -> Option<IpAddr> {
        self.value(name).and_then(Value::address)
    }
}

impl<'a> Value<'a> {
    /// The words a rendered record would show.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Utf16(bytes) => Cow::Owned(decode_utf16(bytes)),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Unsigned(n) => Cow::Owned(n.to_string()),
            Self::Signed(n) => Cow::Owned(n.to_string()),
            Self::Hex(n) => Cow::Owned(format!("{n:#x}")),
            Self::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Self::Time(t) => Cow::Owned(t.rfc3339()),
            Self::Guid(g) => Cow::Owned(guid_text(g)),
            Self::Sid(s) => Cow::Owned(sid_text(s)),
            Self::Binary(b) => Cow::Owned(b.iter().map(|x| format!("{x:02X}")).collect()),
            Self::Null => Cow::Borrowed(""),
        }
    }

    /// As an unsigned number.
    pub fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Unsigned(n) | Self::Hex(n) => Some(*n),
            Self::Signed(n) => u64::try_from(*n).ok(),
            Self::Utf16(bytes) => {
                // Ports and ids are short ASCII text in many events: no allocation for them.
                let mut buffer = [0_u8; 24];
                let text = ascii_of_utf16(bytes, &mut buffer)?;
                parse_unsigned(text)
            }
            Self::Text(text) => parse_unsigned(text),
            _ => None,
        }
    }

    /// As an IP address.
    pub fn address(&self) -> Option<IpAddr> {
        // A zone (`fe80::1%12`) names an interface of the host, not a part of the address.
        let read = |text: &str| text.split('%').next().and_then(|a| a.trim().parse().ok());
        let parsed: Option<IpAddr> = match self {
            Self::Utf16(bytes) => {
                let mut buffer = [0_u8; 64];
                read(ascii_of_utf16(bytes, &mut buffer)?)
            }
            Self::Text(text) => read(text),
            _ => None,
        };
        parsed.map(|a| a.to_canonical())
    }

    /// As a moment: a typed time, or text in a form that names the day first.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Time(time) => Some(*time),
            Self::Utf16(_) | Self::Text(_) => Timestamp::parse(&self.text()),
            _ => None,
        }
    }

    /// As a GUID in the byte order of its text form, with or without braces.
    pub fn guid(&self) -> Option<[u8; 16]> {
        match self {
            Self::Guid(guid) => Some(*guid),
            Self::Utf16(_) | Self::Text(_) => parse_guid(&self.text()),
            _ => None,
        }
    }

    /// As a truth value: a boolean, 0 or 1, `true` or `false` in any case.
    pub fn boolean(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            Self::Unsigned(0) => Some(false),
            Self::Unsigned(1) => Some(true),
            Self::Utf16(_) | Self::Text(_) => {
                match self.text().trim().to_ascii_lowercase().as_str() {
                    "true" | "1" => Some(true),
                    "false" | "0" => Some(false),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn parse_guid(text: &str) -> Option<[u8; 16]> {
    let text = text.trim().trim_start_matches('{').trim_end_matches('}');
    let mut guid = [0_u8; 16];
    let mut digits = text.bytes().filter(|b| *b != b'-');
    for byte in &mut guid {
        let high = char::from(digits.next()?).to_digit(16)?;
        let low = char::from(digits.next()?).to_digit(16)?;
        *byte = (high << 4 | low) as u8;
    }
    digits.next().is_none().then_some(guid)
}

fn parse_unsigned(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn ascii_of_utf16<'b>(bytes: &[u8], buffer: &'b mut [u8]) -> Option<&'b str> {
    let mut length = 0;
    for pair in bytes.chunks_exact(2) {
        match (pair[0], pair[1]) {
            (0, 0) => break,
            (low @ 1..=0x7f, 0) => {
                *buffer.get_mut(length)? = low;
                length += 1;
            }
            _ => return None,
        }
    }
    std::str::from_utf8(&buffer[..length]).ok()
}

/// UTF-16LE to text; a trailing terminator is dropped, an unpaired surrogate becomes U+FFFD.
pub fn decode_utf16(bytes: &[u8]) -> String {
    let (mut units, _) = bytes.as_chunks::<2>();
    while let [rest @ .., [0, 0]] = units {
        units = rest;
    }
    let bits = units
        .iter()
        .fold([0, 0], |[a, b], [low, high]| [a | low, b | high]);
    if bits[0] < 0x80 && bits[1] == 0 {
        return units.iter().map(|[low, _]| char::from(*low)).collect();
    }
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units)
        .map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// `{aabbccdd-…}` in lower case, as Windows' XML shows it.
pub fn guid_text(guid: &[u8; 16]) -> String {
    let mut text = String::with_capacity(38);
    text.push('{');
    for (i, byte) in guid.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text.push('}');
    text
}

/// `S-1-5-18` (MS-DTYP 2.4.2.1); empty if the bytes are no SID.
pub fn sid_text(sid: &[u8]) -> String {
    let [revision, count, rest @ ..] = sid else {
        return String::new();
    };
    let Some((authority, subs)) = rest.split_at_checked(6) else {
        return String::new();
    };
    if subs.len() < usize::from(*count) * 4 {
        return String::new();
    }
    let authority = authority.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let mut text = format!("S-{revision}-{authority}");
    for sub in subs.chunks_exact(4).take(usize::from(*count)) {
        text.push_str(&format!(
            "-{}",
            u32::from_le_bytes([sub[0], sub[1], sub[2], sub[3]])
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_decoded_in_full_and_its_terminators_dropped() {
        for text in ["", "a", "a\0b", "svchost.exe", "naïve", "日本", "😀 ok"] {
            for end in ["", "\0", "\0\0"] {
                let wide = format!("{text}{end}");
                let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
                assert_eq!(decode_utf16(&wide), text);
            }
        }
        assert_eq!(
            decode_utf16(&[0x00, 0xd8, 0x61, 0, 0x80, 0, 9]),
            "\u{fffd}a\u{80}"
        );
    }

    #[test]
    fn a_question_gets_one_answer_whatever_the_form() {
        let wide: Vec<u8> = "3389".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for value in [
            Value::Utf16(&wide),
            Value::Text("3389".into()),
            Value::Unsigned(3389),
            Value::Hex(3389),
        ] {
            assert_eq!(value.unsigned(), Some(3389), "{value:?}");
        }
        assert_eq!(Value::Text("0x7d8".into()).unsigned(), Some(0x7d8));
        assert_eq!(Value::Text("-".into()).unsigned(), None);
        assert_eq!(
            Value::Text("fe80::1%12".into()).address(),
            "fe80::1".parse().ok()
        );
        assert_eq!(
            Value::Text("0:0:0:0:0:0:0:1".into()).address(),
            "::1".parse().ok()
        );
        assert_eq!(
            Value::Text("::ffff:10.0.0.5".into()).address(),
            "10.0.0.5".parse().ok()
        );
    }

    #[test]
    fn a_guid_reads_the_same_typed_and_as_text() {
        let text = "{c2494f38-b412-630f-666b-000000006a02}";
        let guid = Value::Text(text.into()).guid().unwrap();
        assert_eq!(Value::Guid(guid).text(), text);
        assert_eq!(Value::Text("{c2494f38}".into()).guid(), None);
        assert_eq!(
            Value::Text("{c2494f38-b412-630f-666b-000000006a02aa}".into()).guid(),
            None
        );
    }
}
