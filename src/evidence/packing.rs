//! Compression of a whole file: which one, and how to read through it. All of them work within
//! memory that does not depend on the file.

use std::io::{self, BufReader, Read};

/// Memory an xz stream may ask for, in KiB: its dictionary. `xz -9` needs 64 MiB.
pub const XZ_MEMORY: u32 = 256 * 1024;

/// How the bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// In gzip members (RFC 1952).
    Gzip,
    /// In Zstandard frames (RFC 8878).
    Zstd,
    /// In xz streams (The .xz File Format, version 1.2).
    Xz,
}

impl Packing {
    /// By the bytes that begin a file.
    pub fn of(first: &[u8]) -> Self {
        match first {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::Plain,
        }
    }

    /// ` in gzip`, to be put behind the kind; empty for plain.
    pub fn words(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Gzip => " in gzip",
            Self::Zstd => " in zstd",
            Self::Xz => " in xz",
        }
    }
}

/// Reads `input` unpacked.
///
/// # Errors
/// If no memory can be had for unpacking. Damage comes while reading.
pub fn unpacked<'a>(input: impl Read + 'a, packing: Packing) -> io::Result<Box<dyn Read + 'a>> {
    let input = BufReader::new(input);
    Ok(match packing {
        Packing::Plain => Box::new(input),
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
        Packing::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY)),
    })
}
