//! Stretches in which an interface delivered no packet at all.
//!
//! Whether the capture was stopped or nobody spoke, packets cannot tell; nothing here decides it.

use crate::model::{Span, Timestamp};

/// Shorter silences are not kept.
pub const SHORTEST: Span = Span::seconds(60);
/// Silences kept of one interface; of more, the longest.
const MOST: usize = 256;

/// The silences of one interface of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silences {
    // From the packet before to the packet behind, in order of time, not touching each other.
    list: Vec<(Timestamp, Timestamp)>,
    forgotten: Span,
}

impl Silences {
    /// Takes in a packet, of an interface that had packets from `first` to `last` before it.
    #[inline]
    pub fn packet(&mut self, first: Timestamp, last: Timestamp, time: Timestamp) {
        if time >= last {
            if time.since(last) >= SHORTEST {
                self.list.push((last, time));
                self.bound();
            }
        } else {
            self.late(first, time);
        }
    }

    /// A packet out of order: it may break a silence.
    #[cold]
    fn late(&mut self, first: Timestamp, time: Timestamp) {
        if time < first {
            if first.since(time) >= SHORTEST {
                self.list.insert(0, (time, first));
                self.bound();
            }
            return;
        }
        let at = self.list.partition_point(|(_, to)| *to <= time);
        let Some((from, to)) = self.list.get(at).copied().filter(|(from, _)| *from < time) else {
            return;
        };
        let parts = [(from, time), (time, to)];
        let kept = parts
            .into_iter()
            .filter(|(from, to)| to.since(*from) >= SHORTEST);
        self.list.splice(at..=at, kept);
        self.bound();
    }

    fn bound(&mut self) {
        if self.list.len() <= MOST {
            return;
        }
        let length = |(from, to): &(Timestamp, Timestamp)| to.since(*from);
        if let Some(at) = (0..self.list.len()).min_by_key(|at| length(&self.list[*at])) {
            let gone = self.list.remove(at);
            self.forgotten = self.forgotten.max(length(&gone));
        }
    }

    /// Silences of more than `span`, from the packet before to the packet behind, in order of time.
    pub fn longer_than(&self, span: Span) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.list
            .iter()
            .copied()
            .filter(move |(from, to)| to.since(*from) > span)
    }

    /// Gives the packets other times, in the same order.
    pub fn retime(&mut self, time: impl Fn(Timestamp) -> Timestamp) {
        for (from, to) in &mut self.list {
            (*from, *to) = (time(*from), time(*to));
        }
    }

    /// The longest silence that was not kept because there were too many; zero if all were.
    pub fn forgotten(&self) -> Span {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(seconds: &[i64]) -> Silences {
        let mut silences = Silences::default();
        let mut range: Option<(Timestamp, Timestamp)> = None;
        for second in seconds {
            let time = Timestamp(second * 1_000_000_000);
            if let Some((first, last)) = range {
                silences.packet(first, last, time);
            }
            let (first, last) = range.unwrap_or((time, time));
            range = Some((first.min(time), last.max(time)));
        }
        silences
    }

    fn seconds(silences: &Silences) -> Vec<(i64, i64)> {
        let whole = |t: Timestamp| t.0 / 1_000_000_000;
        silences
            .longer_than(Span::ZERO)
            .map(|(from, to)| (whole(from), whole(to)))
            .collect()
    }

    #[test]
    fn a_late_packet_breaks_a_silence() {
        assert_eq!(seconds(&of(&[0, 10, 500, 510])), [(10, 500)]);
        assert_eq!(seconds(&of(&[0, 10, 500, 200])), [(10, 200), (200, 500)]);
        assert_eq!(seconds(&of(&[0, 10, 500, 30])), [(30, 500)]);
        assert_eq!(seconds(&of(&[1000, 0])), [(0, 1000)]);
        assert_eq!(seconds(&of(&[0, 100, 200, 100])), [(0, 100), (100, 200)]);
    }

    #[test]
    fn of_too_many_silences_the_longest_are_kept_and_the_loss_is_known() {
        let mut times = vec![0];
        for n in 0..MOST as i64 + 3 {
            times.push(times[n as usize] + 100 + n);
        }
        let silences = of(&times);
        assert_eq!(silences.longer_than(Span::ZERO).count(), MOST);
        assert_eq!(silences.forgotten(), Span::seconds(102));
    }

    proptest! {
        #[test]
        fn the_order_of_packets_does_not_matter(times in prop::collection::vec(0_i64..3000, 1..40)) {
            let mut sorted = times.clone();
            sorted.sort_unstable();
            prop_assert_eq!(seconds(&of(&times)), seconds(&of(&sorted)));
        }
    }
}
