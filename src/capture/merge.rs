//! All capture files as one time-ordered sequence of packets.
//!
//! A k-way merge by (time, evidence, number) over the reordered files. A file is opened when the
//! merge reaches its first packet's time and closed at its end, so that a rotation of thousands of
//! files needs two open ones. Packets that still come out of order are counted, never dropped.

use super::packet::Packet;
use super::reorder::{MOST_HELD, PacketSource, Reorder, WINDOW};
use crate::evidence::{Problem, ProblemKind, Weight};
use crate::model::{EvidenceId, Span, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Packets held back over all open files together; with more files open each holds fewer.
const MOST_HELD_IN_ALL: usize = 8 * MOST_HELD;
/// A file's window never gets smaller than this many packets.
const LEAST_HELD: usize = 2_048;

/// What opens a file that the merge has come to.
type Open<'a> = Box<dyn FnOnce() -> Box<dyn PacketSource + Send + 'a> + Send + 'a>;
type Source<'a> = Box<dyn PacketSource + Send + 'a>;
/// Time, evidence, number, and the place among the open files.
type Head = Reverse<(Timestamp, EvidenceId, u64, usize)>;

/// A file that is not open yet.
pub struct Unopened<'a> {
    /// The number of the file.
    pub evidence: EvidenceId,
    /// Time of its first packet; `Timestamp::MIN` where that is not known, which opens it at once.
    pub first_time: Timestamp,
    /// Opens it. What cannot be opened is a source without packets; saying so is its own affair.
    pub open: Open<'a>,
}

/// Packets that came out of order in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Disorder {
    count: u64,
    first_offset: u64,
    largest_step: Span,
}

/// All files as one sequence.
pub struct Merge<'a> {
    waiting: Vec<Unopened<'a>>,
    open: Vec<Option<(EvidenceId, Reorder<Source<'a>>)>>,
    heads: BinaryHeap<Head>,
    /// The file that gave the last packet; its head is not in `heads`.
    current: Option<usize>,
    latest: Timestamp,
    ended: Vec<EvidenceId>,
    disorder: BTreeMap<EvidenceId, Disorder>,
}

impl PacketSource for Source<'_> {
    fn evidence(&self) -> EvidenceId {
        (**self).evidence()
    }

    fn fill(&mut self, batch: &mut Vec<Packet>) -> bool {
        (**self).fill(batch)
    }

    fn run(&self) -> usize {
        (**self).run()
    }
}

impl<'a> Merge<'a> {
    /// Over these files, in any order.
    pub fn new(mut files: Vec<Unopened<'a>>) -> Self {
        files.sort_by_key(|file| Reverse((file.first_time, file.evidence)));
        Self {
            waiting: files,
            open: Vec::new(),
            heads: BinaryHeap::new(),
            current: None,
            latest: Timestamp::MIN,
            ended: Vec::new(),
            disorder: BTreeMap::new(),
        }
    }

    /// The next packet and its file; `None` at the end of the last file.
    #[allow(clippy::should_implement_trait)] // lends, so it cannot be an Iterator
    pub fn next(&mut self) -> Option<(EvidenceId, &Packet)> {
        let place = self.choose()?;
        let latest = self.latest;
        let (evidence, reorder) = self.open[place].as_mut()?;
        let packet = reorder.next()?;
        if packet.time < latest {
            let seen = self.disorder.entry(*evidence).or_default();
            if seen.count == 0 {
                seen.first_offset = packet.offset;
            }
            seen.count += 1;
            seen.largest_step = seen.largest_step.max(latest.since(packet.time));
        } else {
            self.latest = packet.time;
        }
        Some((*evidence, packet))
    }

    /// Packets that came later than the reorder window could repair, one entry a file.
    pub fn problems(&self) -> Vec<Problem> {
        let line = |(evidence, seen): (&EvidenceId, &Disorder)| Problem {
            evidence: Some(*evidence),
            kind: ProblemKind::Disorder,
            weight: Weight::Note,
            count: seen.count,
            first_offset: Some(seen.first_offset),
            message: format!(
                "packets too late for the {} reorder window (up to {} behind)",
                WINDOW, seen.largest_step
            ),
            effect: "they were read in the order of the file; attempts around them may be split"
                .into(),
        };
        self.disorder.iter().map(line).collect()
    }

    /// The open file that gives the next packet.
    fn choose(&mut self) -> Option<usize> {
        loop {
            if let Some(place) = self.current {
                match self.head_of(place) {
                    Some(head) => {
                        let first = self.heads.peek().is_none_or(|other| head >= *other);
                        if first && !self.must_open(head.0.0) {
                            return Some(place);
                        }
                        self.heads.push(head);
                    }
                    None => self.close(place),
                }
                self.current = None;
            }
            match self.heads.peek() {
                Some(head) if !self.must_open(head.0.0) => {
                    self.current = self.heads.pop().map(|head| head.0.3);
                }
                _ => self.open_next()?,
            }
        }
    }

    fn close(&mut self, place: usize) {
        if let Some((evidence, _)) = self.open[place].take() {
            self.ended.push(evidence);
        }
    }

    /// Files that ended since this was asked last.
    pub fn take_ended(&mut self) -> Vec<EvidenceId> {
        std::mem::take(&mut self.ended)
    }

    fn head_of(&mut self, place: usize) -> Option<Head> {
        let (evidence, reorder) = self.open.get_mut(place)?.as_mut()?;
        let (time, number) = reorder.head()?;
        Some(Reverse((time, *evidence, number, place)))
    }

    /// True if a file still closed may hold something before `time`. Its first packet need not be
    /// its earliest: the window decides how far ahead it is opened.
    fn must_open(&self, time: Timestamp) -> bool {
        self.waiting
            .last()
            .is_some_and(|file| file.first_time <= time.shifted(WINDOW))
    }

    fn open_next(&mut self) -> Option<()> {
        let file = self.waiting.pop()?;
        let open_now = self.open.iter().filter(|slot| slot.is_some()).count() + 1;
        let share = (MOST_HELD_IN_ALL / open_now).clamp(LEAST_HELD, MOST_HELD);
        let reorder = Reorder::with_window((file.open)(), WINDOW, share);
        let free = self.open.iter().position(Option::is_none);
        let place = free.unwrap_or_else(|| {
            self.open.push(None);
            self.open.len() - 1
        });
        self.open[place] = Some((file.evidence, reorder));
        match self.head_of(place) {
            Some(head) => self.heads.push(head),
            None => self.close(place),
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::attempts::wire::{Listed, at_ms};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    fn file(evidence: u32, millis: &[i64]) -> Unopened<'static> {
        let packets: Vec<_> = millis
            .iter()
            .zip(1..)
            .map(|(ms, number)| at_ms(*ms, number))
            .collect();
        Unopened {
            evidence: EvidenceId(evidence),
            first_time: packets.first().map_or(Timestamp::MIN, |p| p.time),
            open: Box::new(move || Box::new(Listed::new(evidence, packets, 3))),
        }
    }

    fn drain(merge: &mut Merge<'_>) -> Vec<(i64, u32, u64)> {
        let mut seen = Vec::new();
        while let Some((evidence, p)) = merge.next() {
            seen.push((p.time.0 / 1_000_000, evidence.0, p.number));
        }
        seen
    }

    #[test]
    fn overlapping_files_come_out_as_one_sequence_by_time_then_file() {
        let mut merge = Merge::new(vec![file(2, &[1, 5, 9]), file(1, &[2, 5, 6]), file(3, &[])]);
        let seen = drain(&mut merge);
        assert_eq!(
            seen,
            [
                (1, 2, 1),
                (2, 1, 1),
                (5, 1, 2),
                (5, 2, 2),
                (6, 1, 3),
                (9, 2, 3)
            ]
        );
        assert!(merge.problems().is_empty());
    }

    #[test]
    fn a_packet_older_than_the_window_is_counted_with_its_step_back() {
        let mut millis: Vec<i64> = (0..3_000).map(|i| i * 100).collect();
        millis.push(1_000);
        millis.extend((3_000..5_000).map(|i| i * 100));
        let mut merge = Merge::new(vec![file(1, &millis)]);
        assert_eq!(drain(&mut merge).len(), 5_001);
        let problems = merge.problems();
        assert_eq!(problems.len(), 1);
        assert_eq!(
            (problems[0].kind, problems[0].count),
            (ProblemKind::Disorder, 1)
        );
        assert!(
            problems[0].message.contains("up to 202.100 s behind"),
            "{}",
            problems[0].message
        );
        assert_eq!(problems[0].first_offset, Some(3_001 * 100));
    }

    /// A file that counts how many of its kind are open.
    struct Counted(Listed, Arc<AtomicUsize>);

    impl PacketSource for Counted {
        fn evidence(&self) -> EvidenceId {
            self.0.evidence()
        }
        fn fill(&mut self, batch: &mut Vec<Packet>) -> bool {
            self.0.fill(batch)
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Relaxed);
        }
    }

    #[test]
    fn a_rotation_of_many_files_never_has_more_than_two_open() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let files = (0..200_i64).map(|i| {
            let (now, most) = (now.clone(), most.clone());
            // Ten minutes of traffic each, and a year of nothing in the middle.
            let start = i * 600_000 + if i > 100 { 31_536_000_000 } else { 0 };
            Unopened {
                evidence: EvidenceId(i as u32 + 1),
                first_time: Timestamp(start * 1_000_000),
                open: Box::new(move || {
                    most.fetch_max(now.fetch_add(1, Relaxed) + 1, Relaxed);
                    let packets = (0..60)
                        .map(|p| at_ms(start + p * 10_000, p as u64 + 1))
                        .collect();
                    Box::new(Counted(Listed::new(i as u32 + 1, packets, 16), now))
                }),
            }
        });
        let mut merge = Merge::new(files.collect());
        let seen = drain(&mut merge);
        assert_eq!(seen.len(), 12_000);
        assert!(seen.is_sorted());
        assert!(
            most.load(Relaxed) <= 2,
            "{} files open at once",
            most.load(Relaxed)
        );
        assert_eq!(now.load(Relaxed), 0, "every file is closed at its end");
    }
}
