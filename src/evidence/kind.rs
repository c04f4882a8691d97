//! What a file is, by its first bytes. Names and extensions are never asked.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

/// Event log chunks stand at 4 KiB plus multiples of 64 KiB (MS-EVEN6 is silent; the format is
/// described in libevtx' "Windows XML Event Log (EVTX) format").
const CHUNK: &[u8; 8] = b"ElfChnk\0";
const FIRST_CHUNK: usize = 4096;
const CHUNK_SIZE: usize = 64 * 1024;
/// How far a chunk is searched for when the magic of the file is damaged.
const SEARCHED: usize = 1024 * 1024;

/// How the bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// In gzip members (RFC 1952).
    Gzip,
    /// In Zstandard frames (RFC 8878).
    Zstd,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A classic capture, in any of its six magics.
    Pcap(Packing),
    /// A pcapng capture.
    Pcapng(Packing),
    /// A Windows event log, whose file header may be damaged.
    Evtx(Packing),
    /// Something else.
    Unknown,
    /// No bytes at all.
    Empty,
    /// It cannot be opened or read.
    Unreadable,
}

impl Kind {
    /// True for captures of either format.
    pub fn is_capture(self) -> bool {
        matches!(self, Self::Pcap(_) | Self::Pcapng(_))
    }

    /// True for event logs.
    pub fn is_event_log(self) -> bool {
        matches!(self, Self::Evtx(_))
    }

    /// How the file is packed.
    pub fn packing(self) -> Packing {
        match self {
            Self::Pcap(packing) | Self::Pcapng(packing) | Self::Evtx(packing) => packing,
            Self::Unknown | Self::Empty | Self::Unreadable => Packing::Plain,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Pcap(_) => "pcap",
            Self::Pcapng(_) => "pcapng",
            Self::Evtx(_) => "evtx",
            Self::Unknown => "unknown",
            Self::Empty => "empty",
            Self::Unreadable => "unreadable",
        };
        let packing = match self.packing() {
            Packing::Plain => "",
            Packing::Gzip => " in gzip",
            Packing::Zstd => " in zstd",
        };
        write!(f, "{name}{packing}")
    }
}

/// Tells what `input` is. Reads no more than the first MiB, unpacked.
///
/// # Errors
///
/// If the bytes cannot be read. Damage inside a compressed stream is no error: what came before it
/// decides.
pub fn recognise(input: impl Read) -> std::io::Result<Kind> {
    let mut input = BufReader::new(input);
    let first = input.fill_buf()?;
    if first.is_empty() {
        return Ok(Kind::Empty);
    }
    match packing(first) {
        Packing::Plain => {
            let head = read_head(&mut input, 16)?;
            Ok(form(head, input, Packing::Plain))
        }
        Packing::Gzip => {
            let mut unpacked = flate2::bufread::MultiGzDecoder::new(input);
            let head = read_head(&mut unpacked, 16).unwrap_or_default();
            Ok(form(head, unpacked, Packing::Gzip))
        }
        Packing::Zstd => {
            let mut unpacked = zstd::stream::read::Decoder::with_buffer(input)?;
            let head = read_head(&mut unpacked, 16).unwrap_or_default();
            Ok(form(head, unpacked, Packing::Zstd))
        }
    }
}

/// How bytes that begin a file are packed.
fn packing(first: &[u8]) -> Packing {
    match first {
        [0x1F, 0x8B, ..] => Packing::Gzip,
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Packing::Zstd,
        _ => Packing::Plain,
    }
}

fn read_head(input: &mut impl Read, count: u64) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(count).read_to_end(&mut head)?;
    Ok(head)
}

fn form(mut head: Vec<u8>, rest: impl Read, packing: Packing) -> Kind {
    match head.get(..4) {
        Some(
            [0xD4, 0xC3, 0xB2, 0xA1]
            | [0xA1, 0xB2, 0xC3, 0xD4]
            | [0x4D, 0x3C, 0xB2, 0xA1]
            | [0xA1, 0xB2, 0x3C, 0x4D]
            | [0x34, 0xCD, 0xB2, 0xA1]
            | [0xA1, 0xB2, 0xCD, 0x34],
        ) => return Kind::Pcap(packing),
        Some([0x0A, 0x0D, 0x0D, 0x0A]) => return Kind::Pcapng(packing),
        _ => {}
    }
    if head.starts_with(b"ElfFile\0") {
        return Kind::Evtx(packing);
    }
    // Damage further on ends the search; what could be read still counts.
    let _ = rest
        .take((SEARCHED - head.len()) as u64)
        .read_to_end(&mut head);
    let mut places = (FIRST_CHUNK..SEARCHED).step_by(CHUNK_SIZE);
    if places.any(|at| head.get(at..at + CHUNK.len()) == Some(CHUNK)) {
        Kind::Evtx(packing)
    } else {
        Kind::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn first_bytes_decide_plain_and_packed() {
        let mut evtx_without_magic = vec![0; 4096];
        evtx_without_magic.extend_from_slice(CHUNK);
        let mut second_chunk_only = vec![7; 4096 + 65_536];
        second_chunk_only.extend_from_slice(CHUNK);
        type Case<'a> = (&'a [u8], fn(Packing) -> Kind);
        let forms: [Case<'_>; 10] = [
            (&[0xD4, 0xC3, 0xB2, 0xA1], Kind::Pcap),
            (&[0xA1, 0xB2, 0xC3, 0xD4], Kind::Pcap),
            (&[0x4D, 0x3C, 0xB2, 0xA1], Kind::Pcap),
            (&[0xA1, 0xB2, 0x3C, 0x4D], Kind::Pcap),
            (&[0x34, 0xCD, 0xB2, 0xA1], Kind::Pcap),
            (&[0xA1, 0xB2, 0xCD, 0x34], Kind::Pcap),
            (&[0x0A, 0x0D, 0x0D, 0x0A, 0x1C], Kind::Pcapng),
            (b"ElfFile\0rest", Kind::Evtx),
            (&evtx_without_magic, Kind::Evtx),
            (&second_chunk_only, Kind::Evtx),
        ];
        for (bytes, kind) in forms {
            assert_eq!(recognise(bytes).unwrap(), kind(Packing::Plain));
            assert_eq!(recognise(&gzip(bytes)[..]).unwrap(), kind(Packing::Gzip));
            let packed = zstd::encode_all(bytes, 1).unwrap();
            assert_eq!(recognise(&packed[..]).unwrap(), kind(Packing::Zstd));
        }
    }

    #[test]
    fn anything_else_is_unknown_and_nothing_is_empty() {
        assert_eq!(recognise(&b""[..]).unwrap(), Kind::Empty);
        for bytes in [
            &b"{"[..],
            b"# readme",
            &[0x1F, 0x8B],
            &[0x28, 0xB5, 0x2F, 0xFD, 0xFF],
            &gzip(b"text"),
        ] {
            assert_eq!(recognise(bytes).unwrap(), Kind::Unknown);
        }
    }

    #[test]
    fn a_chunk_at_another_place_is_not_an_event_log() {
        let mut bytes = vec![0; 5000];
        bytes.extend_from_slice(CHUNK);
        assert_eq!(recognise(&bytes[..]).unwrap(), Kind::Unknown);
    }
}
