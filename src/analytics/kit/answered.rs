//! Which of a source's attempts a record of a connection is of, where several had the same endpoints.
//!
//! A record says that a connection was let in. A SYN of these endpoints that met silence was answered then, and
//! the capture lacks the answer; unless packets show another attempt of them that was answered.

use crate::model::{Endpoint, Span, Timestamp, Transport};
use std::collections::VecDeque;

/// Records and attempts held per host.
const HELD: usize = 64;
/// How far apart the packets and the record of one connection may be told.
const SAME: Span = Span::seconds(10);

/// The endpoints of a connection: the other side, and the port that it reached.
pub(super) type Ends = (Endpoint, (Transport, u16));

/// What is not yet told apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Answered {
    records: VecDeque<(Timestamp, Ends)>,
    attempts: VecDeque<(Timestamp, Ends)>,
}

impl Answered {
    /// Takes in an attempt that was answered.
    pub(super) fn attempt(&mut self, at: Timestamp, ends: Ends) {
        if self.attempts.len() >= HELD {
            self.attempts.pop_front();
        }
        self.attempts.push_back((at, ends));
    }

    /// Takes in a record; the oldest is settled at once where there are too many.
    pub(super) fn record(&mut self, at: Timestamp, ends: Ends) -> Option<(Timestamp, Ends)> {
        self.records.push_back((at, ends));
        let oldest = (self.records.len() > HELD).then(|| self.records.pop_front());
        oldest.flatten().filter(|record| !self.explains(record))
    }

    /// The records up to `until` that no attempt explains.
    pub(super) fn settle(&mut self, until: Timestamp) -> Vec<(Timestamp, Ends)> {
        let mut open = Vec::new();
        while self.records.front().is_some_and(|(at, _)| *at <= until) {
            let record = self.records.pop_front();
            open.extend(record.filter(|record| !self.explains(record)));
        }
        open
    }

    fn explains(&self, (at, ends): &(Timestamp, Ends)) -> bool {
        let near = |told: &Timestamp| told.since(*at).abs() <= SAME;
        self.attempts
            .iter()
            .any(|(told, of)| of == ends && near(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn a_record_is_of_the_attempt_that_was_answered() {
        let at = |second: i64| Timestamp(second * 1_000_000_000);
        let ends = |port| {
            let remote = Endpoint::new(IpAddr::from([198, 51, 100, 7]), 40_000);
            (remote, (Transport::TCP, port))
        };
        let mut answered = Answered::default();
        assert!(answered.record(at(9), ends(3389)).is_none());
        assert!(answered.record(at(9), ends(22)).is_none());
        assert!(
            answered.settle(at(8)).is_empty(),
            "an attempt may be told yet"
        );
        answered.attempt(at(10), ends(3389));
        assert_eq!(answered.settle(at(12)), [(at(9), ends(22))]);
        assert!(answered.settle(at(99)).is_empty());
    }
}
