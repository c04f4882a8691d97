//! Compression of a whole file: which one, and how to read through it. All of them work within
//! memory that does not depend on the file.

use std::io::{self, BufRead, BufReader, Read};

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
            // A frame to be skipped (RFC 8878, 3.1.2): pzstd begins with one.
            [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
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
        Packing::Gzip => Box::new(Members::of(input)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
        Packing::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY)),
    })
}

/// Gzip members one behind the other, with zeros behind the last one allowed (tape blocks).
struct Members<R: BufRead>(Option<flate2::bufread::GzDecoder<R>>);

impl<R: BufRead> Members<R> {
    fn of(input: R) -> Self {
        Self(Some(flate2::bufread::GzDecoder::new(input)))
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let Some(mut input) = self.0.take().map(flate2::bufread::GzDecoder::into_inner) else {
                break;
            };
            while input.fill_buf()?.first() == Some(&0) {
                input.consume(1);
            }
            if !input.fill_buf()?.is_empty() {
                self.0 = Some(flate2::bufread::GzDecoder::new(input));
            }
        }
        Ok(0)
    }
}
