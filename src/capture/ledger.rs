//! Keeps count while a capture is read: numbers, interfaces, and what could not be read.
//!
//! Counts are collected per kind and become problems at the end of the file, so that a million
//! packets of a strange link type cost a million additions, not a million messages.

use super::decode;
use super::frame::{Frame, Memory, Seen};
use super::packet::{Packet, RawPacket};
use super::silence::Silences;
use super::summary::{CaptureSummary, InterfaceSummary, Resolution};
use crate::evidence::{Problem, ProblemKind, Problems, Weight};
use crate::model::{EvidenceId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Interfaces listed for one file; more are added to the last one.
const MOST_INTERFACES: usize = 4096;
/// Damaged regions and link types named one by one; more are counted together.
const MOST_NAMED: usize = 64;

/// A place in `CaptureSummary::interfaces`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row(usize);

/// A number of problems of one kind.
struct Tally {
    count: u64,
    first_offset: u64,
    weight: Weight,
    effect: &'static str,
}

/// What was read and what was not, so far.
pub(super) struct Ledger {
    evidence: EvidenceId,
    pub summary: CaptureSummary,
    rows: BTreeMap<(u16, u32, Resolution, u32), Row>,
    tallies: BTreeMap<(ProblemKind, String), Tally>,
    other_links: BTreeMap<u32, (u64, u64)>,
    cut: (u64, u64),
    malformed: (u64, u64),
    /// What is remembered from packet to packet of the file.
    pub memory: Memory,
    /// Records whose bytes are wanted, and those found.
    wanted: Option<Box<Wanted>>,
}

struct Wanted {
    numbers: BTreeSet<u64>,
    kept: Vec<RawPacket>,
}

/// Counts one more, remembering where the first one was.
fn bump(slot: &mut (u64, u64), offset: u64) {
    if slot.0 == 0 {
        slot.1 = offset;
    }
    slot.0 += 1;
}

impl Ledger {
    pub(super) fn new(evidence: EvidenceId) -> Self {
        Self {
            evidence,
            summary: CaptureSummary::default(),
            rows: BTreeMap::new(),
            tallies: BTreeMap::new(),
            other_links: BTreeMap::new(),
            cut: (0, 0),
            malformed: (0, 0),
            memory: Memory::default(),
            wanted: None,
        }
    }

    /// Keeps the bytes of these records.
    pub(super) fn want(&mut self, numbers: BTreeSet<u64>) {
        self.wanted = Some(Box::new(Wanted {
            numbers,
            kept: Vec::new(),
        }));
    }

    /// The records kept since the last call.
    pub(super) fn kept(&mut self) -> Vec<RawPacket> {
        self.wanted
            .as_mut()
            .map(|wanted| std::mem::take(&mut wanted.kept))
            .unwrap_or_default()
    }

    /// Keeps a record if it is wanted. Almost never is any.
    #[inline]
    pub(super) fn keep(&mut self, frame: &Frame<'_>) {
        self.summary.longest = self.summary.longest.max(frame.data.len() as u64);
        if let Some(wanted) = &mut self.wanted
            && wanted.numbers.contains(&frame.number)
        {
            wanted.kept.push(RawPacket {
                number: frame.number,
                offset: frame.offset,
                time: frame.time,
                interface: frame.interface,
                link: frame.link,
                cut: frame.cut,
                bytes: frame.data.to_vec(),
            });
        }
    }

    /// The entry of an interface of the section that is being read.
    pub(super) fn interface(
        &mut self,
        number: u16,
        link: u32,
        resolution: Resolution,
        snap_length: u32,
    ) -> Row {
        let key = (number, link, resolution, snap_length);
        if let Some(&row) = self.rows.get(&key) {
            self.summary.interfaces[row.0].sections += 1;
            return row;
        }
        if self.summary.interfaces.len() == MOST_INTERFACES {
            let message = format!("more than {MOST_INTERFACES} different interfaces");
            self.count(
                ProblemKind::Limit,
                Weight::Note,
                message,
                0,
                "the further ones are counted with the last one listed",
            );
            return Row(MOST_INTERFACES - 1);
        }
        let row = Row(self.summary.interfaces.len());
        self.summary.interfaces.push(InterfaceSummary {
            number,
            link,
            resolution,
            snap_length,
            sections: 1,
            packets: 0,
            first: None,
            last: None,
            dropped: 0,
            silences: Silences::default(),
        });
        self.rows.insert(key, row);
        row
    }

    /// Adds packets the capturing system dropped on an interface.
    pub(super) fn dropped(&mut self, row: Row, packets: u64) {
        let entry = &mut self.summary.interfaces[row.0];
        entry.dropped = entry.dropped.saturating_add(packets);
    }

    /// The number of the next packet record.
    #[inline]
    pub(super) fn next_number(&mut self) -> u64 {
        self.summary.present += 1;
        self.summary.present
    }

    /// Reads a numbered record.
    #[inline]
    pub(super) fn read(&mut self, row: Row, frame: &Frame<'_>, out: &mut Vec<Packet>) {
        self.keep(frame);
        let before = out.len();
        let seen = decode::decode(frame, &mut self.memory, out);
        self.enter(
            row,
            frame.time,
            frame.offset,
            frame.link,
            seen,
            out.len() - before,
        );
    }

    /// Enters what became of a decoded record.
    #[inline]
    pub(super) fn enter(
        &mut self,
        row: Row,
        time: Timestamp,
        offset: u64,
        link: u32,
        seen: Seen,
        packets: usize,
    ) {
        let summary = &mut self.summary;
        let entry = &mut summary.interfaces[row.0];
        entry.packets += 1;
        if let (Some(first), Some(last)) = (entry.first, entry.last) {
            entry.silences.packet(first, last, time);
        }
        entry.first = Some(entry.first.map_or(time, |first| first.min(time)));
        entry.last = Some(entry.last.map_or(time, |last| last.max(time)));
        summary.packets += packets as u64;
        if !self.memory.tunnels.opened.is_empty() {
            self.memory.tunnels.enter(offset);
        }
        match seen {
            Seen::Ip { snapped } => {
                summary.read += 1;
                summary.snapped += u64::from(snapped);
            }
            Seen::NotIp => {
                summary.read += 1;
                summary.not_ip += 1;
            }
            Seen::LaterFragment => {
                summary.read += 1;
                summary.later_fragments += 1;
            }
            Seen::Cut => {
                summary.skipped += 1;
                summary.snapped += 1;
                bump(&mut self.cut, offset);
            }
            Seen::Malformed => {
                summary.skipped += 1;
                bump(&mut self.malformed, offset);
            }
            Seen::OtherLink => {
                summary.skipped += 1;
                self.other_link(link, offset);
            }
        }
    }

    #[cold]
    fn other_link(&mut self, link: u32, offset: u64) {
        let key = if self.other_links.len() < MOST_NAMED {
            link
        } else {
            u32::MAX
        };
        let key = if self.other_links.contains_key(&link) {
            link
        } else {
            key
        };
        bump(self.other_links.entry(key).or_default(), offset);
    }

    /// A numbered record that cannot be read.
    pub(super) fn skip(
        &mut self,
        kind: ProblemKind,
        offset: u64,
        message: &str,
        effect: &'static str,
    ) {
        self.summary.skipped += 1;
        self.count(kind, Weight::Loss, message.to_owned(), offset, effect);
    }

    /// Something to be told at the end.
    pub(super) fn count(
        &mut self,
        kind: ProblemKind,
        weight: Weight,
        message: String,
        offset: u64,
        effect: &'static str,
    ) {
        self.tallies
            .entry((kind, message))
            .and_modify(|tally| tally.count += 1)
            .or_insert(Tally {
                count: 1,
                first_offset: offset,
                weight,
                effect,
            });
    }

    /// A damaged region: `length` bytes at `offset` that were passed over.
    pub(super) fn region(&mut self, kind: ProblemKind, offset: u64, length: u64) {
        self.summary.damaged_regions += 1;
        self.summary.damaged_bytes += length;
        let what = match kind {
            ProblemKind::ImplausibleLength => "a packet length that cannot be true",
            _ => "damaged",
        };
        let message = if self.summary.damaged_regions <= MOST_NAMED as u64 {
            format!("{what}: {length} bytes at offset {offset} belong to no packet")
        } else {
            format!("{what}: further regions after the first {MOST_NAMED}")
        };
        self.count(
            kind,
            Weight::Loss,
            message,
            offset,
            "packets that were there are missing; reading went on behind it",
        );
    }

    /// Hands all problems over. Call once, at the end.
    pub(super) fn settle(&mut self, problems: &mut Problems) {
        let summary = &mut self.summary;
        for interface in &summary.interfaces {
            summary.first = [summary.first, interface.first].into_iter().flatten().min();
            summary.last = [summary.last, interface.last].into_iter().flatten().max();
        }
        for problem in self.memory.tunnels.told(self.evidence) {
            problems.add(problem);
        }
        for problem in self.memory.split.told(self.evidence) {
            problems.add(problem);
        }
        let evidence = Some(self.evidence);
        let mut add = |kind, weight, (count, offset): (u64, u64), message: String, effect: &str| {
            if count > 0 {
                let first_offset = Some(offset);
                problems.add(Problem {
                    evidence,
                    kind,
                    weight,
                    count,
                    first_offset,
                    message,
                    effect: effect.to_owned(),
                });
            }
        };
        for ((kind, message), tally) in std::mem::take(&mut self.tallies) {
            add(
                kind,
                tally.weight,
                (tally.count, tally.first_offset),
                message,
                tally.effect,
            );
        }
        for (link, count) in std::mem::take(&mut self.other_links) {
            let message = match link {
                u32::MAX => "packets of further link types that are not read".to_owned(),
                link => format!("packets of link type {link}, which is not read"),
            };
            add(
                ProblemKind::LinkType,
                Weight::Loss,
                count,
                message,
                "what they carry is missing",
            );
        }
        add(
            ProblemKind::SnapLength,
            Weight::Loss,
            std::mem::take(&mut self.cut),
            "packets cut by the snap length before their ports and flags".to_owned(),
            "they are missing from the attempts; capture with a snap length of 128 or more",
        );
        add(
            ProblemKind::PacketHeader,
            Weight::Loss,
            std::mem::take(&mut self.malformed),
            "packets whose headers contradict themselves or end too early".to_owned(),
            "they are missing from the attempts",
        );
        for interface in &self.summary.interfaces {
            add(
                ProblemKind::DroppedByCapture,
                Weight::Note,
                (interface.dropped, 0),
                format!(
                    "packets dropped by the capturing system on interface {}",
                    interface.number
                ),
                "an answer that seems missing may only have been dropped",
            );
        }
    }
}
