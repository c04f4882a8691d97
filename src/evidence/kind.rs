//! What a file is, by its first bytes. Names and extensions are never asked.

use super::form::{self, Form, Unusable};
use super::packing::unpacked;
use std::fmt;
use std::io::Read;

pub use super::packing::Packing;

/// Event log chunks stand at 4 KiB plus multiples of 64 KiB (MS-EVEN6 is silent; the format is
/// described in libevtx' "Windows XML Event Log (EVTX) format").
const CHUNK: &[u8; 8] = b"ElfChnk\0";
const FIRST_CHUNK: usize = 4096;
const CHUNK_SIZE: usize = 64 * 1024;
/// How far a chunk is searched for when the magic of the file is damaged.
pub const SEARCHED: usize = 1024 * 1024;
/// A text is recognised by so much of it.
const TEXT: usize = 64 * 1024;

/// What holds other files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Container {
    /// A zip archive.
    Zip,
    /// A tar archive (POSIX ustar or GNU).
    Tar,
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
    /// A text that holds event records or connections.
    Text(Form, Packing),
    /// A text that is known and of no use.
    Unusable(Unusable, Packing),
    /// Other files within.
    Archive(Container, Packing),
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

    /// True for event logs of any form.
    pub fn is_event_log(self) -> bool {
        match self {
            Self::Evtx(_) => true,
            Self::Text(form, _) => !form.is_network(),
            _ => false,
        }
    }

    /// True for logs of connections on the wire.
    pub fn is_connection_log(self) -> bool {
        matches!(self, Self::Text(form, _) if form.is_network())
    }

    /// True for what is worth a line in the list of evidence when it lies in an archive.
    pub fn is_evidence(self) -> bool {
        self.is_capture() || matches!(self, Self::Evtx(_) | Self::Text(..) | Self::Unusable(..))
    }

    /// How the file is packed.
    pub fn packing(self) -> Packing {
        match self {
            Self::Pcap(packing)
            | Self::Pcapng(packing)
            | Self::Evtx(packing)
            | Self::Text(_, packing)
            | Self::Unusable(_, packing)
            | Self::Archive(_, packing) => packing,
            Self::Unknown | Self::Empty | Self::Unreadable => Packing::Plain,
        }
    }

    /// One word for it, without the packing.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pcap(_) => "pcap",
            Self::Pcapng(_) => "pcapng",
            Self::Evtx(_) => "evtx",
            Self::Text(form, _) => form.word(),
            Self::Unusable(form, _) => form.word(),
            Self::Archive(Container::Zip, _) => "zip",
            Self::Archive(Container::Tar, _) => "tar",
            Self::Unknown => "unknown",
            Self::Empty => "empty",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.word(), self.packing().words())
    }
}

/// Tells what `input` is. Reads no more than the first MiB, unpacked.
///
/// # Errors
///
/// If the bytes cannot be read. Damage inside a compressed stream is no error: what came before it
/// decides.
pub fn recognise(mut input: impl Read) -> std::io::Result<Kind> {
    let head = read_head(&mut input, 16)?;
    if head.is_empty() {
        return Ok(Kind::Empty);
    }
    let packing = Packing::of(&head);
    let whole = std::io::Cursor::new(head).chain(input);
    match packing {
        Packing::Plain => {
            let mut whole = whole;
            let head = read_head(&mut whole, 512)?;
            Ok(form(head, whole, packing))
        }
        _ => {
            let mut whole = unpacked(whole, packing)?;
            let head = so_far(&mut whole, 512);
            Ok(form(head, whole, packing))
        }
    }
}

fn read_head(input: &mut impl Read, count: u64) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(count).read_to_end(&mut head)?;
    Ok(head)
}

/// What can be read up to `count` bytes; damage ends it.
fn so_far(input: &mut impl Read, count: u64) -> Vec<u8> {
    let mut head = Vec::new();
    let _ = input.take(count).read_to_end(&mut head);
    head
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
        Some([b'P', b'K', 3, 4] | [b'P', b'K', 5, 6]) => {
            return Kind::Archive(Container::Zip, packing);
        }
        _ => {}
    }
    if head.starts_with(b"ElfFile\0") {
        return Kind::Evtx(packing);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Kind::Archive(Container::Tar, packing);
    }
    // Damage further on ends the search; what could be read still counts.
    let mut rest = rest.take((SEARCHED - head.len()) as u64);
    let _ = rest
        .by_ref()
        .take((TEXT - head.len()) as u64)
        .read_to_end(&mut head);
    match form::recognise(&head) {
        Some(Ok(form)) => return Kind::Text(form, packing),
        Some(Err(unusable)) => return Kind::Unusable(unusable, packing),
        None => {}
    }
    let _ = rest.read_to_end(&mut head);
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
