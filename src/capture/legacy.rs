//! Walks the records of a classic capture, and finds the way on behind damage.
//!
//! A record is accepted if it is followed by a plausible record header, by the header of another
//! capture, or by the end of the file. Otherwise something in it or behind it is damaged: the walk
//! searches for the next chain of plausible headers and goes on there. Whatever lies between is one
//! damaged region. The search looks at every byte once and holds a bounded piece of the file.

use super::decode;
use super::frame::Frame;
use super::ledger::{Ledger, Row};
use super::packet::Packet;
use super::pcap::{FILE_HEADER, Fit, LONGEST_PACKET, PcapForm, RecordHeader};
use super::pcapng::is_section_header;
use super::reader::Step;
use super::summary::Resolution;
use super::window::Window;
use crate::evidence::{ProblemKind, Weight};
use crate::model::plural::counted;
use std::io::Read;

/// How many plausible headers in a row prove a place to go on.
#[derive(Clone, Copy)]
struct Proof {
    headers: usize,
    /// Fewer will do if the last record ends just with the file.
    at_end: usize,
}

/// Enough where the time fits the packets before.
const CHAIN: Proof = Proof {
    headers: 4,
    at_end: 1,
};
/// Enough where it does not, or where none are before.
const LONG_CHAIN: Proof = Proof {
    headers: 8,
    at_end: 3,
};
/// How far a search looks before it lets go of what it has passed.
const STRETCH: usize = 256 * 1024;

/// A classic capture being read.
pub(super) struct Legacy {
    form: PcapForm,
    row: Row,
    /// Second of the last record read.
    anchor: Option<u32>,
}

/// What follows a record.
#[derive(PartialEq, Eq)]
enum Next {
    /// A record, another capture or the end of the file.
    Proven,
    /// Nothing known.
    Broken,
}

impl Legacy {
    /// Starts behind the file header, which the window is at.
    pub(super) fn start<R: Read>(
        form: PcapForm,
        window: &mut Window<R>,
        ledger: &mut Ledger,
    ) -> Self {
        window.consume(FILE_HEADER);
        ledger.summary.sections += 1;
        let resolution = Resolution::Decimal(if form.nanoseconds { 9 } else { 6 });
        let row = ledger.interface(0, form.link, resolution, form.snap_length);
        Self {
            form,
            row,
            anchor: None,
        }
    }

    /// Reads one record, or passes over one damaged region.
    #[inline]
    pub(super) fn step<R: Read>(
        &mut self,
        window: &mut Window<R>,
        ledger: &mut Ledger,
        out: &mut Vec<Packet>,
    ) -> Step {
        let head = self.form.header();
        if !window.at_least(head) {
            return self.tail(window, ledger);
        }
        let Some(header) = self.form.record(window.data()) else {
            return Step::End;
        };
        match self.form.fit(&header, self.anchor) {
            Fit::Yes => {}
            // A file header can look like an unusual record.
            Fit::Odd if another_capture(window, 0) => return Step::Another,
            // It was proven by what lies behind it when the record before was accepted; only the
            // first record of a capture comes here unproven.
            Fit::Odd if self.anchor.is_some() || self.chain(window, 0, None, true, CHAIN) => {}
            _ => return self.unreadable(window, ledger, &header),
        }
        let end = head + header.captured as usize;
        if !window.at_least(end) {
            return self.cut_record(window, ledger, &header);
        }
        if self.next(window, end, &header) == Next::Broken {
            return self.broken(window, ledger, &header, out);
        }
        let number = ledger.next_number();
        let frame = self.frame(window, &header, number, head, end);
        ledger.read(self.row, &frame, out);
        self.anchor = Some(header.seconds);
        window.consume(end);
        Step::On
    }

    #[inline]
    fn frame<'a, R: Read>(
        &self,
        window: &'a Window<R>,
        header: &RecordHeader,
        number: u64,
        head: usize,
        end: usize,
    ) -> Frame<'a> {
        Frame {
            link: self.form.link,
            data: window.data().get(head..end).unwrap_or(&[]),
            time: self.form.time(header),
            number,
            offset: window.offset(),
            interface: 0,
            pid: 0,
            cut: header.captured < header.original,
            inside: (0, 0),
        }
    }

    #[inline]
    fn next<R: Read>(&self, window: &mut Window<R>, end: usize, header: &RecordHeader) -> Next {
        if !window.at_least(end + self.form.header()) {
            return Next::Proven;
        }
        let Some(following) = self.form.record(&window.data()[end..]) else {
            return Next::Proven;
        };
        match self.form.fit(&following, Some(header.seconds)) {
            Fit::Yes => Next::Proven,
            _ if another_capture(window, end) => Next::Proven,
            Fit::Odd if self.chain(window, end, None, true, CHAIN) => Next::Proven,
            _ => Next::Broken,
        }
    }

    /// True if plausible headers follow one another from `at` on, as many as `proof` asks for. `odd`
    /// allows times that jump and fractions that are none.
    fn chain<R: Read>(
        &self,
        window: &mut Window<R>,
        mut at: usize,
        mut anchor: Option<u32>,
        odd: bool,
        proof: Proof,
    ) -> bool {
        for count in 0..proof.headers {
            if !window.at_least(at + self.form.header()) {
                let exact = window.data().len() == at;
                return count
                    >= if exact {
                        proof.at_end
                    } else {
                        proof.at_end + 1
                    };
            }
            let Some(header) = self.form.record(&window.data()[at..]) else {
                return false;
            };
            match self.form.fit(&header, anchor) {
                Fit::Yes => {}
                Fit::Odd if odd && header.captured <= header.original => {}
                _ => return count >= proof.at_end && another_capture(window, at),
            }
            anchor = Some(header.seconds);
            at += self.form.header() + header.captured as usize;
            if !window.at_least(at) {
                // The last record is cut off by the end of the file.
                return count > proof.at_end;
            }
        }
        true
    }

    /// Less than a record header is left.
    fn tail<R: Read>(&mut self, window: &mut Window<R>, ledger: &mut Ledger) -> Step {
        let left = window.data().len();
        if left > 0 {
            cut_tail(ledger, window.offset(), left);
            window.consume(left);
        }
        Step::End
    }

    /// The record reaches beyond the end of the file: the tail is cut, or its length is damaged.
    #[cold]
    fn cut_record<R: Read>(
        &mut self,
        window: &mut Window<R>,
        ledger: &mut Ledger,
        header: &RecordHeader,
    ) -> Step {
        let left = window.data().len();
        let anchor = self.anchor.or(Some(header.seconds));
        let found = (1..left).find(|&at| self.resumes(window, at, anchor));
        let Some(at) = found else {
            cut_tail(ledger, window.offset(), left);
            window.consume(left);
            return Step::End;
        };
        ledger.next_number();
        ledger.summary.skipped += 1;
        ledger.region(ProblemKind::GarbledRegion, window.offset(), at as u64);
        window.consume(at);
        Step::On
    }

    /// True if reading can go on at `at`.
    #[inline]
    fn resumes<R: Read>(&self, window: &mut Window<R>, at: usize, anchor: Option<u32>) -> bool {
        let data = window.data();
        if another_capture_quick(&data[at..]) && another_capture(window, at) {
            return true;
        }
        let Some(header) = window
            .data()
            .get(at..)
            .and_then(|rest| self.form.record(rest))
        else {
            return false;
        };
        let (anchor, proof) = match self.form.fit(&header, anchor) {
            Fit::No => return false,
            Fit::Yes if anchor.is_some() => (anchor, CHAIN),
            _ => (None, LONG_CHAIN),
        };
        if !self.chain(window, at, anchor, false, proof) {
            return false;
        }
        // Where captured and original length are equal, as they mostly are, reading each header
        // four bytes late gives a chain as well. Then the next header is found four bytes before.
        let early = at + self.form.header() + header.captured as usize - 4;
        let misread = window
            .data()
            .get(early..)
            .and_then(|rest| self.form.record(rest));
        !misread.is_some_and(|misread| {
            self.form.fit(&misread, anchor) == Fit::Yes
                && self.chain(window, early, anchor, false, proof)
        })
    }

    /// No record can be read here, and none before it tells more: the start of a capture.
    #[cold]
    fn unreadable<R: Read>(
        &mut self,
        window: &mut Window<R>,
        ledger: &mut Ledger,
        header: &RecordHeader,
    ) -> Step {
        if another_capture(window, 0) {
            return Step::Another;
        }
        let kind = self.kind_of(header);
        let start = window.offset();
        let zeros = self.search(window, 0, 0);
        self.enter_region(window, ledger, kind, start, zeros);
        Step::On
    }

    fn kind_of(&self, header: &RecordHeader) -> ProblemKind {
        let kin = self
            .anchor
            .is_some_and(|anchor| self.form.is_kin(header, anchor));
        if kin && header.captured > LONGEST_PACKET {
            ProblemKind::ImplausibleLength
        } else {
            ProblemKind::GarbledRegion
        }
    }

    /// What follows the record at the window is no record. Either the record itself is damaged, or
    /// it is whole and the damage begins behind it: then what follows it is still recognisable as
    /// the header of a real record, or nothing but zeros up to the next record.
    #[cold]
    fn broken<R: Read>(
        &mut self,
        window: &mut Window<R>,
        ledger: &mut Ledger,
        header: &RecordHeader,
        out: &mut Vec<Packet>,
    ) -> Step {
        let head = self.form.header();
        let end = head + header.captured as usize;
        let start = window.offset();
        let anchor = self.anchor;
        self.anchor = Some(header.seconds);
        let following = window
            .data()
            .get(end..)
            .and_then(|rest| self.form.record(rest));
        let kin = following.is_some_and(|following| self.form.is_kin(&following, header.seconds));
        // The search lets go of the record, so it is decoded now and entered when it is believed.
        let number = ledger.next_number();
        let frame = self.frame(window, header, number, head, end);
        let (time, link) = (frame.time, frame.link);
        // Kept even if it is not believed in the end: nothing cites it then.
        ledger.keep(&frame);
        let mut held = Vec::new();
        let seen = decode::decode(&frame, &mut ledger.memory, &mut held);
        let kind = following.map_or(ProblemKind::GarbledRegion, |following| {
            self.kind_of(&following)
        });
        let zeros = if kin {
            window.consume(end);
            self.search(window, 1, 0)
        } else {
            self.search(window, 1, end)
        };
        let behind = window.offset() >= start + end as u64;
        if behind && (kin || zeros) {
            ledger.enter(self.row, time, start, link, seen, held.len());
            out.append(&mut held);
            if kin {
                ledger.next_number();
                ledger.summary.skipped += 1;
            }
            self.enter_region(window, ledger, kind, start + end as u64, zeros);
        } else {
            ledger.memory.tunnels.opened.clear();
            ledger.summary.skipped += 1;
            self.anchor = anchor;
            self.enter_region(window, ledger, ProblemKind::GarbledRegion, start, false);
        }
        Step::On
    }

    /// Enters the region from `start` to the window.
    fn enter_region<R: Read>(
        &mut self,
        window: &mut Window<R>,
        ledger: &mut Ledger,
        kind: ProblemKind,
        start: u64,
        zeros: bool,
    ) {
        let length = window.offset() - start;
        if zeros && !window.at_least(1) {
            let message = format!("the file ends in {length} zero bytes");
            ledger.count(
                ProblemKind::CutTail,
                Weight::Note,
                message,
                start,
                "the capture was not closed in order; later packets may be missing",
            );
        } else if length > 0 {
            ledger.region(kind, start, length);
        }
    }

    /// Moves the window to the next place, at least `from` bytes on, where reading can go on, or to
    /// the end. True if there are only zeros from `gap` bytes on to there.
    fn search<R: Read>(&mut self, window: &mut Window<R>, from: usize, gap: usize) -> bool {
        let (mut from, mut gap) = (from, gap);
        let mut zeros = true;
        loop {
            window.at_least(STRETCH + FILE_HEADER);
            let limit = window.data().len().min(STRETCH);
            if limit <= from {
                zeros &= window.data().iter().skip(gap).all(|&byte| byte == 0);
                window.consume(limit);
                return zeros;
            }
            let found = (from..limit).find(|&at| self.resumes(window, at, self.anchor));
            let passed = found.unwrap_or(limit);
            if gap < passed {
                zeros &= window.data()[gap..passed].iter().all(|&byte| byte == 0);
            }
            window.consume(passed);
            if found.is_some() {
                return zeros;
            }
            gap = gap.saturating_sub(passed);
            from = 0;
        }
    }
}

/// Notes the last piece of a file, which is no whole packet.
pub(super) fn cut_tail(ledger: &mut Ledger, offset: u64, length: usize) {
    let message = format!(
        "the file ends in the middle of a packet, after {} of it",
        counted(length as u64, "byte")
    );
    ledger.count(
        ProblemKind::CutTail,
        Weight::Note,
        message,
        offset,
        "this packet is missing, and whatever followed if the file was cut: nothing in it tells how long it was",
    );
}

/// The first byte of a file header is rare enough to ask before looking closer.
#[inline]
fn another_capture_quick(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x0A | 0xA1 | 0xD4 | 0x4D | 0x34))
}

/// True if the header of another capture stands at `at`.
#[inline]
fn another_capture<R: Read>(window: &mut Window<R>, at: usize) -> bool {
    window.at_least(at + FILE_HEADER + 16);
    let Some(bytes) = window.data().get(at..) else {
        return false;
    };
    PcapForm::parse_inside(bytes).is_some() || is_section_header(bytes)
}
