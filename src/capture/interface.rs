//! A pcapng interface: its link type and how its times are written.
//!
//! Option numbers and meanings: draft-ietf-opsawg-pcapng 4.2. Values are read in the byte order of
//! the section, which the general parser does not do for all of them.

use super::ledger::Row;
use super::summary::Resolution;
use crate::model::Timestamp;
use pcap_parser::{InterfaceDescriptionBlock, PcapNGOption};

/// `if_tsresol`.
const RESOLUTION: u16 = 9;
/// `if_tsoffset`.
const OFFSET: u16 = 14;

/// How a count of time units becomes nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Times(u32),
    Over(i128),
    /// Nanoseconds, shifted right by this.
    Shift(u32),
    /// Finer than any count can reach: always zero.
    Vanishing,
}

/// An interface of the section being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub link: u32,
    pub snap_length: u32,
    pub row: Row,
    scale: Scale,
    /// Seconds added to every time.
    offset: i64,
    /// Drops the interface statistics told so far in this section.
    pub dropped: u64,
}

/// What an interface description says about its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub resolution: Resolution,
    pub offset: i64,
}

impl Clock {
    /// Reads the options; microseconds without offset where they are absent or damaged.
    pub(super) fn of(block: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let mut clock = Self {
            resolution: Resolution::Decimal(6),
            offset: 0,
        };
        for option in &block.options {
            match (option.code.0, value(option)) {
                (RESOLUTION, &[exponent]) if exponent & 0x80 != 0 => {
                    clock.resolution = Resolution::Binary(exponent & 0x7F);
                }
                (RESOLUTION, &[exponent]) => clock.resolution = Resolution::Decimal(exponent),
                (OFFSET, bytes) => {
                    clock.offset = wide(bytes, big_endian).map_or(clock.offset, |bits| bits as i64);
                }
                _ => {}
            }
        }
        clock
    }
}

/// The value of an option, without its padding.
pub(super) fn value<'a>(option: &'a PcapNGOption<'_>) -> &'a [u8] {
    option.as_bytes().unwrap_or(&[])
}

/// Eight bytes as a number.
pub(super) fn wide(bytes: &[u8], big_endian: bool) -> Option<u64> {
    let bytes: [u8; 8] = bytes.try_into().ok()?;
    Some(if big_endian {
        u64::from_be_bytes(bytes)
    } else {
        u64::from_le_bytes(bytes)
    })
}

impl Interface {
    pub(super) fn new(link: u32, snap_length: u32, clock: Clock, row: Row) -> Self {
        let scale = match clock.resolution {
            Resolution::Decimal(exponent @ 0..=9) => {
                Scale::Times(10_u32.pow(9 - u32::from(exponent)))
            }
            // A count is below 2^64, so finer than 10^-29 it is always less than a nanosecond.
            Resolution::Decimal(exponent @ 10..=29) => {
                Scale::Over(10_i128.pow(u32::from(exponent) - 9))
            }
            Resolution::Decimal(_) => Scale::Vanishing,
            Resolution::Binary(exponent @ 0..=100) => Scale::Shift(u32::from(exponent)),
            Resolution::Binary(_) => Scale::Vanishing,
        };
        Self {
            link,
            snap_length,
            row,
            scale,
            offset: clock.offset,
            dropped: 0,
        }
    }

    /// The moment that `units` since the epoch name, cut to whole nanoseconds. `None` if it is out
    /// of the range of times.
    #[inline]
    pub(super) fn time(&self, units: u64) -> Option<Timestamp> {
        if let (Scale::Times(factor), 0) = (self.scale, self.offset)
            && let Some(nanos) = units.checked_mul(u64::from(factor))
            && let Ok(nanos) = i64::try_from(nanos)
        {
            return Some(Timestamp(nanos));
        }
        self.time_wide(units)
    }

    fn time_wide(&self, units: u64) -> Option<Timestamp> {
        let units = i128::from(units);
        let nanos = match self.scale {
            Scale::Times(factor) => units * i128::from(factor),
            Scale::Over(divisor) => units / divisor,
            Scale::Shift(bits) => (units * 1_000_000_000) >> bits,
            Scale::Vanishing => 0,
        };
        Timestamp::from_nanos_wide(nanos + i128::from(self.offset) * 1_000_000_000)
    }
}
