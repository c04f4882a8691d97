//! One capture file's packets in time order, as far as a bounded window allows.
//!
//! Captures from several queues or CPUs are a little out of order. The window holds back
//! [`WINDOW`] of packet time; a packet that comes later than that is passed on at once, and whoever
//! merges the files counts it. Nothing here compares files with each other or drops a packet.

use super::packet::Packet;
use crate::model::{EvidenceId, Span, Timestamp};
use std::collections::VecDeque;

/// How much packet time is held back to repair the order.
pub const WINDOW: Span = Span::seconds(2);
/// How many packets are held back at most, whatever their times.
pub const MOST_HELD: usize = 65_536;
/// Batches smaller than this are filled up before they are looked at, so that a source that gives
/// one packet at a time does not make the window a long list of short runs.
pub const RUN: usize = 1_024;
/// The same for a source that is one of many.
pub const SHORT_RUN: usize = 256;

/// Something that yields the packets of one file, in file order.
pub trait PacketSource {
    /// The number of the file.
    fn evidence(&self) -> EvidenceId;
    /// Appends the next batch to `batch`, of any size. False once the file is at its end; packets
    /// appended by that last call count. True without a packet appended means: ask again.
    fn fill(&mut self, batch: &mut Vec<Packet>) -> bool;
    /// How many packets are at least looked at together.
    fn run(&self) -> usize {
        RUN
    }
}

/// A sorted batch, read from the front.
struct Run {
    packets: Vec<Packet>,
    next: usize,
    /// Nothing in the runs before it is later than its first packet: those go first, unseen.
    apart: bool,
}

impl Run {
    fn head(&self) -> (Timestamp, u64) {
        self.packets
            .get(self.next)
            .map_or((Timestamp::MAX, u64::MAX), |p| (p.time, p.number))
    }
}

/// A source behind a reorder window.
///
/// Order in is order out at the cost of one comparison a packet: batches stay where the source put
/// them and are read in place. Only batches that overlap are searched for the earliest packet.
pub struct Reorder<S> {
    source: Option<S>,
    run: usize,
    window: Span,
    most_held: usize,
    runs: VecDeque<Run>,
    held: usize,
    /// Latest time in the batch read last, not of all: one packet with a garbled time in the far
    /// future must not end the holding back for the rest of the file.
    frontier: Timestamp,
    /// The run that gave the last packet.
    given: usize,
    /// The run that `head` has found, for `next`.
    found: Option<usize>,
    spare: Vec<Vec<Packet>>,
}

impl<S: PacketSource> Reorder<S> {
    /// With the default window.
    pub fn new(source: S) -> Self {
        Self::with_window(source, WINDOW, MOST_HELD)
    }

    /// With a window of `window` packet time and at most `most_held` packets (and one batch).
    pub fn with_window(source: S, window: Span, most_held: usize) -> Self {
        Self {
            run: source.run(),
            source: Some(source),
            window,
            most_held,
            runs: VecDeque::new(),
            held: 0,
            frontier: Timestamp::MIN,
            given: 0,
            found: None,
            spare: Vec::new(),
        }
    }

    /// The time and number of the packet that [`Self::next`] gives; `None` at the end.
    pub fn head(&mut self) -> Option<(Timestamp, u64)> {
        self.found = self.ready();
        self.found.map(|run| self.runs[run].head())
    }

    /// The earliest packet held, once the window allows to let it go; `None` at the end.
    #[allow(clippy::should_implement_trait)] // lends, so it cannot be an Iterator
    pub fn next(&mut self) -> Option<&Packet> {
        let index = match self.found.take() {
            Some(found) => found,
            None => self.ready()?,
        };
        self.held -= 1;
        self.given = index;
        let run = &mut self.runs[index];
        run.next += 1;
        run.packets.get(run.next - 1)
    }

    /// The run whose head goes next, after reading as far as the window asks for.
    fn ready(&mut self) -> Option<usize> {
        loop {
            if self
                .runs
                .get(self.given)
                .is_some_and(|run| run.next == run.packets.len())
            {
                self.recycle();
            }
            let earliest = self.earliest();
            if self.source.is_none() {
                return earliest;
            }
            if let Some(run) = earliest {
                let lead = self.frontier.since(self.runs[run].head().0);
                if lead >= self.window || self.held > self.most_held {
                    return Some(run);
                }
            }
            self.read();
        }
    }

    /// The run with the earliest head among those that overlap the front run.
    fn earliest(&self) -> Option<usize> {
        // The common case, asked for every packet.
        if self.runs.get(1).is_none_or(|second| second.apart) {
            return (!self.runs.is_empty()).then_some(0);
        }
        let overlapping = self
            .runs
            .iter()
            .enumerate()
            .take_while(|(i, run)| *i == 0 || !run.apart);
        overlapping
            .min_by_key(|(_, run)| run.head())
            .map(|(i, _)| i)
    }

    fn recycle(&mut self) {
        if let Some(mut run) = self.runs.remove(self.given) {
            run.packets.clear();
            if self.spare.len() < 4 {
                self.spare.push(run.packets);
            }
        }
    }

    fn read(&mut self) {
        let mut packets = self.spare.pop().unwrap_or_default();
        while packets.len() < self.run {
            let more = self
                .source
                .as_mut()
                .is_some_and(|source| source.fill(&mut packets));
            if !more {
                self.source = None; // at its end: the file is closed here
                break;
            }
        }
        let in_order = packets.is_sorted_by_key(|p| (p.time, p.number));
        if !in_order {
            packets.sort_by_key(|p| (p.time, p.number));
        }
        let (Some(first), Some(last)) = (packets.first(), packets.last()) else {
            return;
        };
        let lasts = self.runs.iter().filter_map(|run| run.packets.last());
        let apart = lasts
            .map(|p| p.time)
            .max()
            .is_none_or(|newest| first.time >= newest);
        self.frontier = last.time;
        self.held += packets.len();
        self.runs.push_back(Run {
            packets,
            next: 0,
            apart,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::attempts::wire::{Listed, at_ms};

    fn times(packets: Vec<Packet>, window: Span, most: usize, batch: usize) -> Vec<(i64, u64)> {
        let mut reorder = Reorder::with_window(Listed::new(1, packets, batch), window, most);
        let mut seen = Vec::new();
        while let Some(p) = reorder.next() {
            seen.push((p.time.0 / 1_000_000, p.number));
        }
        seen
    }

    #[test]
    fn packets_inside_the_window_come_out_in_time_order() {
        let input = vec![
            at_ms(10, 1),
            at_ms(5, 2),
            at_ms(7, 3),
            at_ms(1_900, 4),
            at_ms(6, 5),
        ];
        let out = times(input, WINDOW, MOST_HELD, 1);
        assert_eq!(out, [(5, 2), (6, 5), (7, 3), (10, 1), (1_900, 4)]);
    }

    #[test]
    fn a_packet_later_than_the_window_is_passed_on_at_once_and_none_is_lost() {
        // 1,024 packets a second apart, then one that belongs at the very start.
        let mut input: Vec<_> = (0..2_000).map(|i| at_ms(i * 1_000, i as u64 + 1)).collect();
        input.push(at_ms(1, 2_001));
        input.extend((2_000..4_000).map(|i| at_ms(i * 1_000, i as u64 + 2)));
        let out = times(input, WINDOW, MOST_HELD, 100);
        assert_eq!(out.len(), 4_001);
        let late = out.iter().position(|(_, number)| *number == 2_001).unwrap();
        assert!((1_000..=2_100).contains(&late), "{late}");
    }

    #[test]
    fn equal_times_keep_the_order_of_the_file() {
        let input = (1..=5_000).map(|number| at_ms(3, number)).collect();
        let out = times(input, WINDOW, 16, 7);
        assert!(out.is_sorted());
    }

    #[test]
    fn a_moment_far_in_the_future_does_not_break_the_order_of_what_follows() {
        let mut input = vec![at_ms(1, 1), at_ms(i64::MAX / 1_000_000, 2)];
        input.extend((2..6_000).map(|i| at_ms(i ^ 1, i as u64 + 1)));
        let out = times(input, WINDOW, MOST_HELD, 64);
        assert!(
            out.is_sorted(),
            "the outlier comes last, the others in their order"
        );
    }
}
