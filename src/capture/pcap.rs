//! The classic capture format: a file header, then records of header and packet.
//!
//! A record has no mark of its own, so it is believed only if what follows it is plausible too;
//! `legacy.rs` finds the way behind damage. Format: draft-ietf-opsawg-pcap, and the modified form
//! of Alexey Kuznetzov's libpcap with a longer record header.

use crate::model::Timestamp;
use pcap_parser::parse_pcap_header;

/// The longest packet believed, in bytes. Segmentation offload makes packets of up to 256 KiB;
/// a larger length is taken for damage.
pub(super) const LONGEST_PACKET: u32 = 256 * 1024;
/// Length of the file header.
pub(super) const FILE_HEADER: usize = 24;
/// Neighbouring packets further apart than this need more proof: ten years.
const FAR: u32 = 10 * 366 * 86_400;
/// Neighbouring packets closer than this are kin: a day.
const NEAR: u32 = 86_400;

/// What the file header says about the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PcapForm {
    pub big_endian: bool,
    pub nanoseconds: bool,
    /// The modified form, with 8 more bytes in each record header.
    pub modified: bool,
    pub snap_length: u32,
    pub link: u32,
}

/// A record header. `original` is what the capturing system claims; it is never used as a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub seconds: u32,
    pub fraction: u32,
    pub captured: u32,
    pub original: u32,
}

/// How well bytes fit a record header at their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// They are none.
    No,
    /// Possible, but something is unusual: the time is far off, the fraction is no fraction, the
    /// packet is empty. Needs a chain of further headers as proof.
    Odd,
    /// They are one.
    Yes,
}

impl PcapForm {
    /// Reads a file header. `None` if the bytes are none or too few.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut head = *bytes.first_chunk::<FILE_HEADER>()?;
        let modified = matches!(
            head[..4],
            [0x34, 0xCD, 0xB2, 0xA1] | [0xA1, 0xB2, 0xCD, 0x34]
        );
        if modified {
            // Same layout under another magic; the parser knows only one byte order of it.
            let plain = if head[0] == 0xA1 {
                [0xA1, 0xB2, 0xC3, 0xD4]
            } else {
                [0xD4, 0xC3, 0xB2, 0xA1]
            };
            head[..4].copy_from_slice(&plain);
        }
        let (_, header) = parse_pcap_header(&head).ok()?;
        Some(Self {
            big_endian: header.is_bigendian(),
            nanoseconds: header.is_nanosecond_precision(),
            modified,
            snap_length: header.snaplen,
            // The upper bits tell the length of a frame check sequence.
            link: header.network.0 as u32 & 0x03FF_FFFF,
        })
    }

    /// Reads a file header where a record was expected: its version must be one in use, too.
    pub(super) fn parse_inside(bytes: &[u8]) -> Option<Self> {
        let form = Self::parse(bytes)?;
        let version = if form.big_endian {
            [bytes[4], bytes[5]]
        } else {
            [bytes[5], bytes[4]]
        };
        (version == [0, 2]).then_some(form)
    }

    /// Length of a record header.
    #[inline]
    pub(super) fn header(&self) -> usize {
        if self.modified { 24 } else { 16 }
    }

    /// Reads a record header; `bytes` holds at least 16.
    #[inline]
    pub(super) fn record(&self, bytes: &[u8]) -> Option<RecordHeader> {
        let bytes = bytes.first_chunk::<16>()?;
        let word = |at: usize| {
            let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            if self.big_endian {
                u32::from_be_bytes(four)
            } else {
                u32::from_le_bytes(four)
            }
        };
        Some(RecordHeader {
            seconds: word(0),
            fraction: word(4),
            captured: word(8),
            original: word(12),
        })
    }

    /// How well `header` fits behind a packet of the second `anchor`.
    #[inline]
    pub(super) fn fit(&self, header: &RecordHeader, anchor: Option<u32>) -> Fit {
        // Some writers claim an original length below the captured one; no snap length is 0.
        let believable = header.captured <= LONGEST_PACKET
            && (header.captured <= header.original
                || header.captured <= self.snap_length
                || self.snap_length == 0);
        let zero = header.seconds | header.fraction | header.captured | header.original == 0;
        if !believable || zero {
            return Fit::No;
        }
        let far = anchor.is_some_and(|anchor| anchor.abs_diff(header.seconds) > FAR);
        if far || header.fraction >= self.unit() || header.captured == 0 {
            Fit::Odd
        } else {
            Fit::Yes
        }
    }

    /// True if `header` is the damaged header of a real record: its time still is the neighbours'.
    pub(super) fn is_kin(&self, header: &RecordHeader, anchor: u32) -> bool {
        anchor.abs_diff(header.seconds) <= NEAR && header.fraction < self.unit()
    }

    /// The time of a record. Every value fits: the seconds end in 2106.
    #[inline]
    pub(super) fn time(&self, header: &RecordHeader) -> Timestamp {
        let scale = if self.nanoseconds { 1 } else { 1_000 };
        Timestamp(i64::from(header.seconds) * 1_000_000_000 + i64::from(header.fraction) * scale)
    }

    #[inline]
    fn unit(&self) -> u32 {
        if self.nanoseconds {
            1_000_000_000
        } else {
            1_000_000
        }
    }
}
