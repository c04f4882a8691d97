//! Which records became events, by number: to tell a record that another file holds too from another
//! one of the same number.
//!
//! EventRecordIDs count from 1 on every computer, so two computers of one name, or one that was set
//! back to an earlier state, have different records under one number. What is held is a digest of
//! each; where there are more than fit, of every second, fourth … number.

use crate::model::{EvidenceId, HostEvent, Span, Timestamp};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::hash::BuildHasher;

/// Records held, over all files (about 20 MiB).
const MOST: usize = if cfg!(test) { 64 } else { 400_000 };
/// Some forms cut times to seconds.
const NEAR: Span = Span::seconds(1);

/// Which source of which file, and the number in it.
type Number = (EvidenceId, u32, u64);

#[derive(Clone, Copy, Debug)]
struct Digest {
    time: Timestamp,
    event_id: u32,
    /// Of what the record says; 0 where its form may say less than the log.
    content: u64,
}

/// What comparing a record with the one of its number in another file gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same record.
    Same,
    /// Another record.
    Other,
    /// The same number, time and event id, and it says something else.
    Altered,
    /// Not held.
    Unknown,
}

/// The digests.
#[derive(Default)]
pub struct Records {
    held: HashMap<Number, Digest, RandomState>,
    /// Only numbers whose lowest bits of this many are 0 are held.
    thinned: u32,
    seed: RandomState,
}

impl Records {
    /// Holds a record; `exact` is true if its form says all that the log does.
    pub fn hold(
        &mut self,
        evidence: EvidenceId,
        source: u32,
        number: u64,
        host: &HostEvent,
        exact: bool,
    ) {
        if !self.holds(number) {
            return;
        }
        let digest = self.digest(host, exact);
        self.held.insert((evidence, source, number), digest);
        while self.held.len() > MOST {
            self.thinned += 1;
            let thinned = self.thinned;
            self.held.retain(|(.., number), _| kept(*number, thinned));
        }
    }

    fn holds(&self, number: u64) -> bool {
        kept(number, self.thinned)
    }

    fn digest(&self, host: &HostEvent, exact: bool) -> Digest {
        Digest {
            time: host.written,
            event_id: host.event_id,
            content: match exact {
                true => self.seed.hash_one(&host.what) | 1,
                false => 0,
            },
        }
    }

    /// Compares a record with what the source of another file holds under its number. `zoned` is
    /// true if one of the two is in local time: then times tell nothing.
    pub fn compare(
        &self,
        (evidence, source, number): (EvidenceId, u32, u64),
        host: &HostEvent,
        exact: bool,
        zoned: bool,
    ) -> Compared {
        if !self.holds(number) {
            return Compared::Unknown;
        }
        // A record that became no event is not the one that did.
        let Some(held) = self.held.get(&(evidence, source, number)) else {
            return Compared::Other;
        };
        let new = self.digest(host, exact);
        let same_time = zoned || held.time.since(new.time).abs() <= NEAR;
        if !same_time || held.event_id != new.event_id {
            Compared::Other
        } else if held.content != new.content && held.content != 0 && new.content != 0 {
            Compared::Altered
        } else {
            Compared::Same
        }
    }
}

fn kept(number: u64, thinned: u32) -> bool {
    number & ((1 << thinned.min(63)) - 1) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostWhat, Timed};

    fn host(second: i64, event_id: u32, text: &str) -> HostEvent {
        HostEvent {
            computer: "WS01".into(),
            channel: "Security".into(),
            provider: "".into(),
            event_id,
            socket: None,
            written: Timestamp(second * 1_000_000_000),
            timed: Timed::Utc,
            what: HostWhat::Script {
                text: text.into(),
                cut: false,
            },
        }
    }

    #[test]
    fn a_number_alone_makes_no_record_the_same() {
        let number = (EvidenceId(1), 0, 7);
        let mut records = Records::default();
        records.hold(number.0, number.1, number.2, &host(10, 4104, "a"), true);
        let compared =
            |number, host: &HostEvent, exact, zoned| records.compare(number, host, exact, zoned);
        assert_eq!(
            compared(number, &host(11, 4104, "a"), true, false),
            Compared::Same
        );
        assert_eq!(
            compared(number, &host(12, 4104, "a"), true, false),
            Compared::Other
        );
        assert_eq!(
            compared(number, &host(12, 4104, "a"), true, true),
            Compared::Same
        );
        assert_eq!(
            compared(number, &host(10, 4103, "a"), true, false),
            Compared::Other
        );
        assert_eq!(
            compared(number, &host(10, 4104, "b"), true, false),
            Compared::Altered
        );
        // An export may say less.
        assert_eq!(
            compared(number, &host(10, 4104, "b"), false, false),
            Compared::Same
        );
        let next = (EvidenceId(1), 0, 8);
        assert_eq!(
            compared(next, &host(10, 4104, "a"), true, false),
            Compared::Other
        );
    }
}
