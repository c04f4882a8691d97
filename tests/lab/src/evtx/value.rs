//! Typed values of event records (MS-EVEN6 2.2.12, libyal "value types").

use crate::moment::Moment;

/// A value of an event's field, in the type Windows declares for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Absent: type 0x00, no bytes.
    Null,
    /// Text: type 0x01.
    Str(String),
    /// Type 0x04.
    U8(u8),
    /// Type 0x06.
    U16(u16),
    /// Type 0x07.
    I32(i32),
    /// Type 0x08.
    U32(u32),
    /// Type 0x0a.
    U64(u64),
    /// Type 0x0d, four bytes.
    Bool(bool),
    /// Type 0x0e.
    Binary(Vec<u8>),
    /// Type 0x0f; here in the byte order of its text form.
    Guid([u8; 16]),
    /// A pointer-sized number: declared 0x10, stored as 0x15.
    SizeT(u64),
    /// Type 0x11.
    Time(Moment),
    /// Type 0x13, binary form.
    Sid(Vec<u8>),
    /// Type 0x14.
    Hex32(u32),
    /// Type 0x15.
    Hex64(u64),
}

/// Type byte of a nested BinXml value.
pub(super) const BIN_XML: u8 = 0x21;

impl Value {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Str(text.into())
    }

    /// The type a template declares for this value.
    pub(super) fn declared(&self) -> u8 {
        match self {
            Self::SizeT(_) => 0x10,
            other => other.stored(),
        }
    }

    /// The type in the value's descriptor.
    pub(super) fn stored(&self) -> u8 {
        match self {
            Self::Null => 0x00,
            Self::Str(_) => 0x01,
            Self::U8(_) => 0x04,
            Self::U16(_) => 0x06,
            Self::I32(_) => 0x07,
            Self::U32(_) => 0x08,
            Self::U64(_) => 0x0a,
            Self::Bool(_) => 0x0d,
            Self::Binary(_) => 0x0e,
            Self::Guid(_) => 0x0f,
            Self::Time(_) => 0x11,
            Self::Sid(_) => 0x13,
            Self::Hex32(_) => 0x14,
            Self::SizeT(_) | Self::Hex64(_) => 0x15,
        }
    }

    /// The value's bytes; `terminated` adds the NUL that some providers leave on their text.
    pub(super) fn bytes(&self, terminated: bool) -> Vec<u8> {
        match self {
            Self::Null => Vec::new(),
            Self::Str(s) => {
                let end = terminated.then_some(0);
                s.encode_utf16()
                    .chain(end)
                    .flat_map(u16::to_le_bytes)
                    .collect()
            }
            Self::U8(n) => vec![*n],
            Self::U16(n) => n.to_le_bytes().to_vec(),
            Self::I32(n) => n.to_le_bytes().to_vec(),
            Self::U32(n) | Self::Hex32(n) => n.to_le_bytes().to_vec(),
            Self::U64(n) | Self::Hex64(n) | Self::SizeT(n) => n.to_le_bytes().to_vec(),
            Self::Bool(b) => u32::from(*b).to_le_bytes().to_vec(),
            Self::Binary(b) | Self::Sid(b) => b.clone(),
            Self::Guid(g) => mixed_endian(g).to_vec(),
            Self::Time(t) => t.filetime().to_le_bytes().to_vec(),
        }
    }

    /// The words Windows' own XML shows for this value.
    pub fn rendered(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Str(s) => s.clone(),
            Self::U8(n) => n.to_string(),
            Self::U16(n) => n.to_string(),
            Self::I32(n) => n.to_string(),
            Self::U32(n) => n.to_string(),
            Self::U64(n) => n.to_string(),
            Self::Bool(b) => b.to_string(),
            Self::Binary(b) => b.iter().map(|x| format!("{x:02X}")).collect(),
            Self::Guid(g) => guid_text(g),
            Self::Time(t) => t.iso(),
            Self::Sid(s) => sid_text(s),
            Self::Hex32(n) => format!("{n:#x}"),
            Self::Hex64(n) | Self::SizeT(n) => format!("{n:#x}"),
        }
    }
}

/// The first three groups of a GUID are little-endian on disk (MS-DTYP 2.3.4.2).
pub(super) fn mixed_endian(text_order: &[u8; 16]) -> [u8; 16] {
    let mut g = *text_order;
    g[..4].reverse();
    g[4..6].reverse();
    g[6..8].reverse();
    g
}

/// `{AABBCCDD-…}` in upper case, as providers write GUIDs in text fields.
pub fn guid_text(guid: &[u8; 16]) -> String {
    let mut text = String::from("{");
    for (i, byte) in guid.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02X}"));
    }
    text.push('}');
    text
}

/// Reads a GUID with or without braces into the byte order of its text.
pub fn guid_from_text(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text
        .trim_matches(['{', '}'])
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let pairs: Vec<u8> = digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect();
    (digits.len() == 32).then_some(())?;
    pairs.try_into().ok()
}

/// Reads `S-1-5-18` into its binary form (MS-DTYP 2.4.2.2).
pub fn sid(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.strip_prefix("S-")?.split('-');
    let revision: u8 = parts.next()?.parse().ok()?;
    let authority: u64 = parts.next()?.parse().ok()?;
    let subs: Vec<u32> = parts.map(|p| p.parse().ok()).collect::<Option<_>>()?;
    let mut bytes = vec![revision, u8::try_from(subs.len()).ok()?];
    bytes.extend_from_slice(&authority.to_be_bytes()[2..]);
    bytes.extend(subs.iter().flat_map(|s| s.to_le_bytes()));
    Some(bytes)
}

/// The text form of a binary SID; empty if the bytes are none.
pub fn sid_text(bytes: &[u8]) -> String {
    let [revision, count, rest @ ..] = bytes else {
        return String::new();
    };
    if rest.len() != 6 + usize::from(*count) * 4 {
        return String::new();
    }
    let authority = rest[..6].iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let mut text = format!("S-{revision}-{authority}");
    for sub in rest[6..].chunks_exact(4) {
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
    fn a_sid_reads_back() {
        for text in ["S-1-5-18", "S-1-5-21-1-2-3-1111", "S-1-0-0"] {
            assert_eq!(sid_text(&sid(text).unwrap()), text);
        }
        assert_eq!(sid("S-1-5-x"), None);
    }

    #[test]
    fn a_guid_reads_back_and_is_stored_mixed_endian() {
        let guid = guid_from_text("{54849625-5478-4994-A5BA-3E3B0328C30D}").unwrap();
        assert_eq!(guid_text(&guid), "{54849625-5478-4994-A5BA-3E3B0328C30D}");
        assert_eq!(
            mixed_endian(&guid)[..8],
            [0x25, 0x96, 0x84, 0x54, 0x78, 0x54, 0x94, 0x49]
        );
        assert_eq!(guid_from_text("54849625"), None);
    }
}
