//! What a file is, by its first bytes. Names and extensions are never asked.

use super::form::{self, Form};
use super::packing::unpacked;
use super::unread::Unread;
use super::unusable::Unusable;
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
    /// Known, and not read.
    Unread(Unread, Packing),
    /// Other files within.
    Archive(Container, Packing),
    /// Something else.
    Unknown,
    /// No bytes at all.
    Empty,
    /// It cannot be opened, read or unpacked.
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

    /// True for what is read, or opened to read what lies in it.
    pub fn is_used(self) -> bool {
        matches!(
            self,
            Self::Pcap(_) | Self::Pcapng(_) | Self::Evtx(_) | Self::Text(..) | Self::Archive(..)
        )
    }

    /// True for what is worth a line in the list of evidence when it lies in an archive.
    pub fn is_evidence(self) -> bool {
        self.is_capture()
            || matches!(
                self,
                Self::Evtx(_) | Self::Text(..) | Self::Unusable(..) | Self::Unread(..)
            )
    }

    /// How the file is packed.
    pub fn packing(self) -> Packing {
        match self {
            Self::Pcap(packing)
            | Self::Pcapng(packing)
            | Self::Evtx(packing)
            | Self::Text(_, packing)
            | Self::Unusable(_, packing)
            | Self::Unread(_, packing)
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
            Self::Unread(unread, _) => unread.word(),
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

/// Why it cannot be told what a file is.
#[derive(Debug, thiserror::Error)]
pub enum Unrecognised {
    /// The bytes cannot be read.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// It is packed, and what it holds did not come out so far that it could be told.
    #[error("packed{}, but cannot be unpacked: {cause}", packing.words())]
    Packed {
        /// How it is packed.
        packing: Packing,
        /// What the decoder says.
        cause: std::io::Error,
    },
}

/// Tells what `input` is. Reads no more than the first MiB, unpacked.
///
/// # Errors
///
/// If the bytes cannot be read. Damage inside a compressed stream is an error only if what came
/// before it does not decide: what is packed may be evidence until it is known to be something
/// else.
pub fn recognise(mut input: impl Read) -> Result<Kind, Unrecognised> {
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
            Ok(form(head, whole, packing).0)
        }
        _ => {
            let mut whole = unpacked(whole, packing)?;
            let mut head = Vec::new();
            let begun = whole.by_ref().take(512).read_to_end(&mut head).err();
            let (kind, failed) = form(head, whole, packing);
            match begun.or(failed) {
                // Behind the place where unpacking ended there may be evidence.
                Some(cause) if kind == Kind::Unknown => {
                    Err(Unrecognised::Packed { packing, cause })
                }
                _ => Ok(kind),
            }
        }
    }
}

fn read_head(input: &mut impl Read, count: u64) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(count).read_to_end(&mut head)?;
    Ok(head)
}

/// What `head` and `rest` begin, and what ended the search before its time.
fn form(mut head: Vec<u8>, rest: impl Read, packing: Packing) -> (Kind, Option<std::io::Error>) {
    if let Some(kind) = of_magic(&head, packing) {
        return (kind, None);
    }
    // Damage further on ends the search; what could be read still counts.
    let mut rest = rest.take((SEARCHED - head.len()) as u64);
    let mut text = rest.by_ref().take((TEXT - head.len()) as u64);
    let mut failed = text.read_to_end(&mut head).err();
    let text = Unread::of_bytes(&head).is_none().then_some(&head[..]);
    match text.and_then(form::recognise) {
        Some(Ok(form)) => return (Kind::Text(form, packing), failed),
        Some(Err(unusable)) => return (Kind::Unusable(unusable, packing), failed),
        None => {}
    }
    if failed.is_none() {
        failed = rest.read_to_end(&mut head).err();
    }
    let mut places = (FIRST_CHUNK..SEARCHED).step_by(CHUNK_SIZE);
    if places.any(|at| head.get(at..at + CHUNK.len()) == Some(CHUNK)) {
        return (Kind::Evtx(packing), failed);
    }
    match Unread::of(&head) {
        Some(unread) => (Kind::Unread(unread, packing), failed),
        None => (Kind::Unknown, failed),
    }
}

fn of_magic(head: &[u8], packing: Packing) -> Option<Kind> {
    match head.get(..4) {
        Some(
            [0xD4, 0xC3, 0xB2, 0xA1]
            | [0xA1, 0xB2, 0xC3, 0xD4]
            | [0x4D, 0x3C, 0xB2, 0xA1]
            | [0xA1, 0xB2, 0x3C, 0x4D]
            | [0x34, 0xCD, 0xB2, 0xA1]
            | [0xA1, 0xB2, 0xCD, 0x34],
        ) => Some(Kind::Pcap(packing)),
        Some([0x0A, 0x0D, 0x0D, 0x0A]) => Some(Kind::Pcapng(packing)),
        Some([b'P', b'K', 3, 4] | [b'P', b'K', 5, 6]) => {
            Some(Kind::Archive(Container::Zip, packing))
        }
        _ if head.starts_with(b"ElfFile\0") => Some(Kind::Evtx(packing)),
        _ if head.get(257..262) == Some(b"ustar") => Some(Kind::Archive(Container::Tar, packing)),
        _ => None,
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
            &gzip(b"text"),
            &[gzip(b"text"), vec![0; 700]].concat(),
            &gzip(&b"no log\n".repeat(300_000)),
        ] {
            assert_eq!(recognise(bytes).unwrap(), Kind::Unknown);
        }
    }

    #[test]
    fn what_is_known_and_not_read_is_no_unknown_file() {
        let old: &[u8] = b"GMBU\0\x02rest";
        let unread = |packing| Kind::Unread(Unread::OtherCapture, packing);
        assert_eq!(recognise(old).unwrap(), unread(Packing::Plain));
        assert_eq!(recognise(&gzip(old)[..]).unwrap(), unread(Packing::Gzip));
    }

    #[test]
    fn records_inside_something_else_do_not_make_it_a_log() {
        let record = b"<Event xmlns='x'><System><EventID>1</EventID></System></Event>\n".repeat(3);
        let kind = |first: &[u8]| recognise(&[first, &record].concat()[..]).unwrap();
        let log = Kind::Text(Form::Xml, Packing::Plain);
        let unread = |unread| Kind::Unread(unread, Packing::Plain);
        assert_eq!(kind(b""), log);
        assert_eq!(kind(b"\xEF\xBB\xBFMar  1 host agent: "), log);
        // A cluster of zeros is what a crash leaves.
        assert_eq!(kind(&[0; 4096]), log);
        assert_eq!(kind(b"snoop\0\0\0\0\0\0\x02"), unread(Unread::OtherCapture));
        assert_eq!(kind(b"7z\xBC\xAF\x27\x1C\0"), unread(Unread::Packed));
        assert_eq!(kind(b"EVF\x09\x0D\x0A\xFF\0"), unread(Unread::DiskImage));
        assert_eq!(kind(b"MZ\x90\0\x03\0\0\0"), Kind::Unknown);
        assert_eq!(kind(b"\x7FELF\x02\x01"), Kind::Unknown);
    }

    #[test]
    fn what_is_packed_and_does_not_come_out_is_an_error_that_names_the_packing() {
        let mut spoiled = gzip(
            &(0..9_000_u32)
                .flat_map(u32::to_le_bytes)
                .collect::<Vec<_>>(),
        );
        spoiled[12..40].fill(0xA5);
        // A frame whose window, 2 GiB, is above what the decoder allows.
        let wide = [0x28, 0xB5, 0x2F, 0xFD, 0, 21 << 3, 1, 0, 0];
        for (bytes, said) in [
            (
                &[0x1F, 0x8B][..],
                "packed in gzip, but cannot be unpacked: ",
            ),
            (
                &gzip(b"text")[..20],
                "packed in gzip, but cannot be unpacked: ",
            ),
            (&spoiled, "packed in gzip, but cannot be unpacked: "),
            (&wide, "packed in zstd, but cannot be unpacked: "),
            (b"\xFD7zXZ\0\0", "packed in xz, but cannot be unpacked: "),
        ] {
            let error = recognise(bytes).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn what_came_before_the_damage_decides_where_it_can() {
        let mut content = vec![0xD4, 0xC3, 0xB2, 0xA1];
        content.extend((0..9_000_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()));
        let packed = gzip(&content);
        assert_eq!(
            recognise(&packed[..300]).unwrap(),
            Kind::Pcap(Packing::Gzip)
        );
    }

    #[test]
    fn a_frame_to_be_skipped_before_the_first_is_zstd_too() {
        for low in [0x50, 0x5F] {
            let mut bytes = vec![low, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
            bytes.extend(zstd::encode_all(&[0xD4, 0xC3, 0xB2, 0xA1][..], 1).unwrap());
            assert_eq!(recognise(&bytes[..]).unwrap(), Kind::Pcap(Packing::Zstd));
        }
    }

    #[test]
    fn a_chunk_at_another_place_is_not_an_event_log() {
        let mut bytes = vec![0; 5000];
        bytes.extend_from_slice(CHUNK);
        assert_eq!(recognise(&bytes[..]).unwrap(), Kind::Unknown);
    }
}
