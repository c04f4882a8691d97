//! Walks the blocks of a pcapng capture, and finds the way on behind damage.
//!
//! A block carries its length at both ends, so a block proves itself. Packet blocks are read by
//! hand; the other blocks, and packet blocks with options, by pcap-parser. Format:
//! draft-ietf-opsawg-pcapng. Names, secrets and custom blocks are passed over.

use super::frame::Frame;
use super::interface::{self, Clock, Interface};
use super::ledger::Ledger;
use super::legacy::cut_tail;
use super::packet::Packet;
use super::pcap::{FILE_HEADER, LONGEST_PACKET, PcapForm};
use super::reader::Step;
use super::window::Window;
use crate::evidence::{ProblemKind, Weight};
use crate::model::Timestamp;
use pcap_parser::{Block, PcapNGOption, parse_block_be, parse_block_le};
use std::io::Read;

/// The longest block believed, in bytes.
const LONGEST_BLOCK: usize = 4 * 1024 * 1024;
/// How far a search looks before it lets go of what it has passed.
const STRETCH: usize = 256 * 1024;
/// Interfaces kept for one section; `Packet::interface` counts to 65,535, no capture needs that.
const MOST_INTERFACES: usize = 4096;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;

const NO_DESCRIPTION: &str = "packets of an interface whose description is missing";
const MISSING: &str = "they are missing from the attempts";

/// A pcapng capture being read: the state of its present section.
#[derive(Default)]
pub(super) struct Pcapng {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Time of the last packet of the section.
    last: Option<Timestamp>,
}

/// The frame of a block.
#[derive(Clone, Copy)]
struct Head {
    kind: u32,
    length: usize,
    big_endian: bool,
}

/// True if a section header block begins here.
pub(super) fn is_section_header(bytes: &[u8]) -> bool {
    let Some(bytes) = bytes.first_chunk::<12>() else {
        return false;
    };
    bytes[..4] == SECTION.to_be_bytes() && order(&bytes[8..]).is_some()
}

/// True for big-endian, by the byte-order magic.
fn order(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0x1A, 0x2B, 0x3C, 0x4D, ..] => Some(true),
        [0x4D, 0x3C, 0x2B, 0x1A, ..] => Some(false),
        _ => None,
    }
}

#[inline]
fn word(bytes: &[u8], at: usize, big_endian: bool) -> u32 {
    match bytes.get(at..at + 4) {
        Some(&[a, b, c, d]) if big_endian => u32::from_be_bytes([a, b, c, d]),
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

#[inline]
fn half(bytes: &[u8], at: usize, big_endian: bool) -> u16 {
    match bytes.get(at..at + 2) {
        Some(&[a, b]) if big_endian => u16::from_be_bytes([a, b]),
        Some(&[a, b]) => u16::from_le_bytes([a, b]),
        _ => 0,
    }
}

/// A packet block's fields, whichever of the three kinds it is.
struct Found<'a> {
    interface: u32,
    units: Option<u64>,
    captured: u32,
    original: u32,
    /// What of the block may be packet data.
    room: &'a [u8],
}

impl Pcapng {
    /// Reads one block, or passes over one damaged region.
    #[inline]
    pub(super) fn step<R: Read>(
        &mut self,
        window: &mut Window<R>,
        ledger: &mut Ledger,
        out: &mut Vec<Packet>,
    ) -> Step {
        if !window.at_least(12) {
            let left = window.data().len();
            if left > 0 {
                cut_tail(ledger, window.offset(), left);
                window.consume(left);
            }
            return Step::End;
        }
        let head = self.head(window.data());
        let Some(head) =
            head.filter(|head| window.at_least(head.length) && closes(window.data(), *head))
        else {
            return self.damaged(window, ledger, head);
        };
        let offset = window.offset();
        let block = &window.data()[..head.length];
        match head.kind {
            PACKET | OLD_PACKET | SIMPLE_PACKET => {
                self.packet(block, head.kind, offset, ledger, out)
            }
            SECTION => {
                *self = Self {
                    big_endian: head.big_endian,
                    ..Self::default()
                };
                ledger.summary.sections += 1;
            }
            INTERFACE => self.describe(block, offset, ledger),
            STATISTICS => self.statistics(block, ledger),
            _ => {}
        }
        window.consume(head.length);
        Step::On
    }

    /// The frame of the block that begins `bytes`; `None` if its length cannot be true.
    #[inline]
    fn head(&self, bytes: &[u8]) -> Option<Head> {
        let section = bytes[..4] == SECTION.to_be_bytes();
        let big_endian = if section {
            order(&bytes[8..])?
        } else {
            self.big_endian
        };
        let (kind, length) = (
            word(bytes, 0, big_endian),
            word(bytes, 4, big_endian) as usize,
        );
        let least = match kind {
            SECTION => 28,
            PACKET | OLD_PACKET => 32,
            INTERFACE => 20,
            _ => 12,
        };
        (least..=LONGEST_BLOCK).contains(&length).then_some(Head {
            kind,
            length,
            big_endian,
        })
    }

    #[inline]
    fn packet(
        &mut self,
        block: &[u8],
        kind: u32,
        offset: u64,
        ledger: &mut Ledger,
        out: &mut Vec<Packet>,
    ) {
        let number = ledger.next_number();
        let big = self.big_endian;
        let body = &block[8..block.len() - 4];
        let units = || u64::from(word(body, 4, big)) << 32 | u64::from(word(body, 8, big));
        let found = match kind {
            PACKET => Found {
                interface: word(body, 0, big),
                units: Some(units()),
                captured: word(body, 12, big),
                original: word(body, 16, big),
                room: &body[20..],
            },
            OLD_PACKET => Found {
                interface: u32::from(half(body, 0, big)),
                units: Some(units()),
                captured: word(body, 12, big),
                original: word(body, 16, big),
                room: &body[20..],
            },
            // It has no captured length: the snap length and the block say it.
            _ => {
                let original = word(body, 0, big);
                let room = body.get(4..).unwrap_or(&[]);
                let snap = self
                    .interfaces
                    .first()
                    .map_or(0, |interface| interface.snap_length);
                let snap = if snap == 0 { u32::MAX } else { snap };
                let captured = original.min(snap).min(room.len() as u32);
                Found {
                    interface: 0,
                    units: None,
                    captured,
                    original,
                    room,
                }
            }
        };
        let Some(interface) = self.interfaces.get(found.interface as usize) else {
            return ledger.skip(ProblemKind::PacketHeader, offset, NO_DESCRIPTION, MISSING);
        };
        if found.captured > LONGEST_PACKET {
            let message = "packets with a length that cannot be true";
            return ledger.skip(ProblemKind::ImplausibleLength, offset, message, MISSING);
        }
        let Some(data) = found.room.get(..found.captured as usize) else {
            let message = "packet blocks that are too short for their packet";
            return ledger.skip(ProblemKind::PacketHeader, offset, message, MISSING);
        };
        let own = found.units.and_then(|units| interface.time(units));
        let Some(time) = own.or(self.last) else {
            let message = "packets without a time, and none before them to borrow it from";
            return ledger.skip(
                ProblemKind::NoTime,
                offset,
                message,
                "they have no place in the timeline",
            );
        };
        if own.is_none() {
            let message = "packets without a time of their own".to_owned();
            ledger.count(
                ProblemKind::NoTime,
                Weight::Note,
                message,
                offset,
                "they are given the time of the packet before",
            );
        }
        self.last = Some(time);
        // The padding goes to the next multiple of four, then options may follow.
        let more = kind == PACKET && found.room.len() >= data.len().next_multiple_of(4) + 4;
        let frame = Frame {
            link: interface.link,
            data,
            time,
            number,
            offset,
            interface: found.interface as u16,
            pid: if more { pid(block, big) } else { 0 },
            cut: found.captured < found.original,
            inside: (0, 0),
        };
        ledger.read(interface.row, &frame, out);
    }

    #[cold]
    fn describe(&mut self, block: &[u8], offset: u64, ledger: &mut Ledger) {
        let Some(Block::InterfaceDescription(description)) = parse(block, self.big_endian) else {
            let message = "interface descriptions that cannot be read".to_owned();
            return ledger.count(
                ProblemKind::GarbledRegion,
                Weight::Loss,
                message,
                offset,
                "packets of these interfaces cannot be read",
            );
        };
        if self.interfaces.len() == MOST_INTERFACES {
            let message = format!("more than {MOST_INTERFACES} interfaces in one section");
            return ledger.count(
                ProblemKind::Limit,
                Weight::Loss,
                message,
                offset,
                "packets of the further interfaces are not read",
            );
        }
        let clock = Clock::of(&description, self.big_endian);
        // Read by hand: the parser keeps it signed, and above 32,767 it would turn negative.
        let link = u32::from(half(block, 8, self.big_endian));
        let number = self.interfaces.len() as u16;
        let row = ledger.interface(number, link, clock.resolution, description.snaplen);
        self.interfaces
            .push(Interface::new(link, description.snaplen, clock, row));
    }

    /// `isb_ifdrop` counts from the start of the capture, and may be told more than once.
    #[cold]
    fn statistics(&mut self, block: &[u8], ledger: &mut Ledger) {
        let Some(Block::InterfaceStatistics(statistics)) = parse(block, self.big_endian) else {
            return;
        };
        let Some(interface) = self.interfaces.get_mut(statistics.if_id as usize) else {
            return;
        };
        let told = statistics
            .options
            .iter()
            .filter(|option| option.code.0 == 5);
        for option in told {
            let dropped = interface::wide(interface::value(option), self.big_endian).unwrap_or(0);
            if dropped > interface.dropped {
                ledger.dropped(interface.row, dropped - interface.dropped);
                interface.dropped = dropped;
            }
        }
    }

    /// The bytes at the window are no whole block.
    #[cold]
    fn damaged<R: Read>(
        &mut self,
        window: &mut Window<R>,
        ledger: &mut Ledger,
        head: Option<Head>,
    ) -> Step {
        window.at_least(FILE_HEADER);
        if PcapForm::parse_inside(window.data()).is_some() {
            return Step::Another;
        }
        let start = window.offset();
        let is_packet = matches!(
            word(window.data(), 0, self.big_endian),
            PACKET | OLD_PACKET | SIMPLE_PACKET
        );
        // A block that reaches beyond the end is a cut tail, unless more blocks are found inside.
        let reaches_beyond = head.is_some_and(|head| !window.at_least(head.length));
        let left = window.data().len();
        let zeros = self.search(window);
        let length = window.offset() - start;
        let at_end = !window.at_least(1);
        if at_end && reaches_beyond {
            cut_tail(ledger, start, left);
        } else if at_end && zeros {
            let message = format!("the file ends in {length} zero bytes");
            ledger.count(
                ProblemKind::CutTail,
                Weight::Note,
                message,
                start,
                "the capture was not closed in order; later packets may be missing",
            );
        } else {
            if is_packet {
                ledger.next_number();
                ledger.summary.skipped += 1;
            }
            ledger.region(ProblemKind::GarbledRegion, start, length);
        }
        Step::On
    }

    /// Moves the window at least one byte on, to the next place where reading can go on or to the
    /// end. True if there are only zeros up to there.
    fn search<R: Read>(&self, window: &mut Window<R>) -> bool {
        let (mut from, mut zeros) = (1, true);
        loop {
            window.at_least(STRETCH + FILE_HEADER);
            let limit = window.data().len().min(STRETCH);
            let found = (from..limit).find(|&at| self.resumes(window, at));
            let passed = found.unwrap_or(limit);
            zeros &= window.data()[..passed].iter().all(|&byte| byte == 0);
            window.consume(passed);
            if found.is_some() || limit == 0 {
                return zeros;
            }
            from = 0;
        }
    }

    /// True if two whole blocks of known kinds stand at `at`, or one and the end of the file, or a
    /// section header, or another capture.
    #[inline]
    fn resumes<R: Read>(&self, window: &mut Window<R>, at: usize) -> bool {
        let Some(bytes) = window.data().get(at..).filter(|bytes| bytes.len() >= 12) else {
            return false;
        };
        let kind = word(bytes, 0, self.big_endian);
        if !known(kind) && bytes[..4] != SECTION.to_be_bytes() {
            return matches!(bytes[0], 0xA1 | 0xD4 | 0x4D | 0x34)
                && PcapForm::parse_inside(bytes).is_some();
        }
        let Some(first) = self.whole(window, at) else {
            return false;
        };
        if first.kind == SECTION {
            return true;
        }
        let next = at + first.length;
        if !window.at_least(next + 12) {
            return true;
        }
        let following = &window.data()[next..];
        PcapForm::parse_inside(following).is_some()
            || is_section_header(following)
            || known(word(following, 0, self.big_endian)) && self.whole(window, next).is_some()
    }

    /// The block at `at`, if it is whole.
    fn whole<R: Read>(&self, window: &mut Window<R>, at: usize) -> Option<Head> {
        let head = self.head(window.data().get(at..).filter(|bytes| bytes.len() >= 12)?)?;
        (window.at_least(at + head.length) && closes(&window.data()[at..], head)).then_some(head)
    }
}

/// True if the block repeats its length at its end.
#[inline]
fn closes(bytes: &[u8], head: Head) -> bool {
    word(bytes, head.length - 4, head.big_endian) as usize == head.length
}

/// Kinds of blocks in use, of which a search may believe that they begin one.
fn known(kind: u32) -> bool {
    matches!(kind, SECTION | 1..=12 | 0x0BAD | 0x4000_0BAD | 0x8000_0001)
}

fn parse(block: &[u8], big_endian: bool) -> Option<Block<'_>> {
    // The error would carry the whole block; that it failed is all there is to say.
    let read = if big_endian {
        parse_block_be(block)
    } else {
        parse_block_le(block)
    };
    read.ok().map(|(_, block)| block)
}

/// The process id in a `PID=n` comment, as etl2pcapng writes it; 0 for none.
fn pid(block: &[u8], big_endian: bool) -> u32 {
    let Some(Block::EnhancedPacket(packet)) = parse(block, big_endian) else {
        return 0;
    };
    let comments = packet.options.iter().filter(|option| option.code.0 == 1);
    comments.filter_map(pid_in).next().unwrap_or(0)
}

fn pid_in(comment: &PcapNGOption<'_>) -> Option<u32> {
    let text = std::str::from_utf8(interface::value(comment)).ok()?;
    let digits = text.trim().strip_prefix("PID=")?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}
