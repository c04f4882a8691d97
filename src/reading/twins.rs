//! Connections that a log of connections tells and something else has told: a sensor that runs Zeek often
//! keeps the packets too, and two sensors may see the same connection. It is told once, by what came
//! first: the captures, then the logs in the order of the evidence.

use crate::model::{Attempt, Event, Timestamp, What};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use std::hash::BuildHasher;

/// Beginnings of attempts that are remembered, at most: about 14 MiB.
pub const MOST: usize = if cfg!(test) { 4 } else { 1 << 19 };
/// Two tell of one attempt if they date its beginning at most this far apart: in the same second, or the
/// next.
const SECOND: i64 = 1_000_000_000;

/// What was told so far.
#[derive(Default)]
pub struct Twins {
    // Hashes of the ends and the second, with a seed that nobody who makes evidence knows.
    told: HashSet<u64, RandomState>,
    // Those of the source that is being read.
    fresh: Vec<u64>,
    seed: RandomState,
    /// Attempts that found no room.
    pub unheld: u64,
}

impl Twins {
    /// Remembers an attempt, for the sources that come after this one.
    pub fn hear(&mut self, event: &Event) {
        let Some(attempt) = attempt(event) else {
            return;
        };
        if self.told.len() + self.fresh.len() < MOST {
            self.fresh.push(self.key(attempt, second(event.time)));
        } else {
            self.unheld += 1;
        }
    }

    /// A source was read to its end.
    pub fn settle(&mut self) {
        self.told.extend(self.fresh.drain(..));
    }

    /// True if an attempt between the same ends was remembered that began when `event` did.
    pub fn know(&self, event: &Event) -> bool {
        let at = second(event.time);
        attempt(event).is_some_and(|attempt| {
            (at - 1..=at + 1).any(|second| self.told.contains(&self.key(attempt, second)))
        })
    }

    /// The same for both directions: who began it, a capture that lacks the beginning has to guess.
    fn key(&self, attempt: &Attempt, second: i64) -> u64 {
        let (a, b) = (attempt.initiator, attempt.responder);
        let kind = attempt.icmp.map(|icmp| icmp.kind);
        let ends = (a.min(b), a.max(b));
        self.seed.hash_one((attempt.transport, ends, kind, second))
    }
}

fn second(time: Timestamp) -> i64 {
    time.0.div_euclid(SECOND)
}

fn attempt(event: &Event) -> Option<&Attempt> {
    match &event.what {
        What::Attempt(attempt) => Some(attempt),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::read_connections;
    use crate::model::EvidenceId;

    /// The attempts of rows: seconds, port of the initiator.
    fn attempts(rows: &[(i64, u16)]) -> Vec<Event> {
        let mut text =
            "#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\n"
                .to_owned();
        for (second, port) in rows {
            text += &format!("{second}.9\tC1\t10.0.0.1\t{port}\t10.0.0.2\t445\ttcp\tSF\n");
        }
        let mut events = Vec::new();
        read_connections(EvidenceId(1), text.as_bytes(), &mut |event| {
            events.push(event)
        });
        assert_eq!(events.len(), rows.len());
        events
    }

    fn twins(told: &[(i64, u16)]) -> Twins {
        let mut twins = Twins::default();
        for event in attempts(told) {
            twins.hear(&event);
        }
        twins
    }

    #[test]
    fn what_another_source_told_is_known_within_a_second() {
        let mut twins = twins(&[(100, 40_000)]);
        let again = |at, port| attempts(&[(at, port)]).remove(0);
        assert!(!twins.know(&again(100, 40_000)), "of its own source");
        twins.settle();
        for (at, port, known) in [
            (99, 40_000, true),
            (101, 40_000, true),
            (102, 40_000, false),
            (98, 40_000, false),
            (100, 40_001, false),
        ] {
            assert_eq!(twins.know(&again(at, port)), known, "{at} {port}");
        }
        let mut turned = again(100, 40_000);
        if let What::Attempt(attempt) = &mut turned.what {
            let mut other = (**attempt).clone();
            std::mem::swap(&mut other.initiator, &mut other.responder);
            *attempt = crate::model::Shared::new(other);
        }
        assert!(twins.know(&turned), "told from the other side");
    }

    #[test]
    fn beyond_the_bound_it_is_counted() {
        let all: Vec<(i64, u16)> = (0..6).map(|at| (100 + at * 10, 40_000)).collect();
        let mut twins = twins(&all);
        twins.settle();
        assert_eq!((twins.told.len(), twins.unheld), (MOST, 2));
    }
}
