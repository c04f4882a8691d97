//! When a host gave any sign of life: a channel of a host that sleeps is not disrupted.

use crate::model::{Span, Timestamp};
use std::collections::VecDeque;

/// Stretches remembered, the latest ones.
const HELD: usize = 256;
/// Signs of life this near to each other are one stretch.
const NEAR: Span = Span::seconds(10);

/// Stretches with signs of life, in order.
#[derive(Default)]
pub struct Awake(VecDeque<(Timestamp, Timestamp)>);

impl Awake {
    /// Takes in a sign of life; they come in order of time.
    pub fn hear(&mut self, time: Timestamp) {
        match self.0.back_mut() {
            Some(last) if time.since(last.1) <= NEAR => last.1 = last.1.max(time),
            _ => {
                if self.0.len() == HELD {
                    self.0.pop_front();
                }
                self.0.push_back((time, time));
            }
        }
    }

    /// True if there was a sign of life after `from` and not after `to`, or if that is too long ago
    /// to be remembered.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> bool {
        let forgotten = self.0.len() == HELD && self.0.front().is_some_and(|first| from < first.0);
        let next = self.0.partition_point(|(_, until)| *until <= from);
        forgotten || self.0.get(next).is_some_and(|(since, _)| *since <= to)
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.0.capacity() * size_of::<(Timestamp, Timestamp)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_was_not_heard_in_a_stretch_was_not_awake_in_it() {
        let at = |second: i64| Timestamp(second * 1_000_000_000);
        let mut awake = Awake::default();
        for second in [0, 5, 12, 300, 900] {
            awake.hear(at(second));
        }
        assert!(awake.between(at(0), at(12)) && awake.between(at(11), at(100)));
        assert!(!awake.between(at(12), at(299)), "asleep");
        assert!(awake.between(at(12), at(300)));
        assert!(!awake.between(at(900), at(2_000)), "after the last sign");
        for minute in 0..=HELD as i64 {
            awake.hear(at(1_000 + minute * 60));
        }
        assert!(awake.between(at(12), at(299)), "too long ago to tell");
    }
}
