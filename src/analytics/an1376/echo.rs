//! What a run of echo requests carries, and at which pace: one attempt, however long it goes on.

use crate::model::{Attempt, Span, Timestamp};

/// Payload bytes a packet of an echo run carries on average beyond which it is no ordinary ping:
/// Windows sends 32, others 56.
const PING: u64 = 64;

/// One run of echo requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echoes {
    /// How many.
    pub sent: u32,
    /// Their payload, in bytes.
    bytes: u64,
    // From the first packet to the last.
    length: Span,
}

impl Echoes {
    /// The run that an attempt begun at `first` is; `None` if it is none.
    pub fn of(attempt: &Attempt, first: Timestamp) -> Option<Self> {
        let sent = attempt.packets[0];
        (attempt.icmp.is_some() && sent > 0).then(|| Self {
            sent,
            bytes: attempt.bytes[0],
            length: attempt.duration(first),
        })
    }

    /// What a request carries on average, in bytes.
    pub fn size(self) -> u64 {
        self.bytes / u64::from(self.sent.max(1))
    }

    /// True if they carry more than a ping does.
    pub fn carry_more(self) -> bool {
        self.size() > PING
    }

    /// How far apart they come on average.
    pub fn apart(self) -> Span {
        Span(self.length.0 / i64::from(self.sent.saturating_sub(1).max(1)))
    }

    /// The one of two runs that says more: what carries more than a ping does, then the larger one.
    pub fn telling(self, other: Self) -> Self {
        let rank = |run: &Self| (run.carry_more(), run.bytes);
        if rank(&other) > rank(&self) {
            other
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_pings_do_not_hide_a_run_that_carries_more() {
        let run = |sent, bytes| Echoes {
            sent,
            bytes,
            length: Span::seconds(60),
        };
        let (pings, data) = (run(10_000, 320_000), run(20, 18_000));
        assert!(!pings.carry_more() && data.carry_more());
        assert_eq!(pings.telling(data), data);
        assert_eq!(data.telling(pings), data);
        assert_eq!(run(2, 64).telling(pings), pings, "the larger of two alike");
    }
}
