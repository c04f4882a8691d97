//! One target of a source: what was known of it, and how contacts with it failed.

use super::tries::Tries;
use crate::context::activity::State as Life;
use crate::model::{Event, Provenance, Timestamp};
use std::collections::BTreeSet;

/// Ports listed of one target.
pub const PORTS: usize = 8;

/// How a contact failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Nobody answered the SYNs.
    Silence,
    /// A router said the host cannot be reached.
    Unreachable,
    /// Nobody answered for the address on the segment.
    NoNeighbour,
    /// The host logged the attempt (5156) and no connection, though Sysmon (3) logged other connections
    /// of that program to that port before and after it.
    LoggedOnly,
}

impl Failure {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Silence => "no answer",
            Self::Unreachable => "unreachable, says a router",
            Self::NoNeighbour => "nobody on the segment answers for it",
            Self::LoggedOnly => "no connection logged",
        }
    }
}

/// Who made attempts: image as told, and process id.
pub type Who = (String, Option<u32>);

/// One target of the source.
#[derive(Clone, Debug)]
pub struct Target {
    /// What was known of it at its first failure while missing; `None` if it never was missing.
    pub missing: Option<Life>,
    /// True if the sensor could have heard it, had it been there.
    pub vouched: bool,
    /// True if it lies inside the network.
    pub internal: bool,
    /// When it first and last failed.
    pub failed: Option<(Timestamp, Timestamp)>,
    /// When it last answered or refused: somebody is there.
    pub reached: Option<Timestamp>,
    /// Failed attempts.
    pub tries: Tries,
    /// Ports of failed attempts; none for address resolution.
    pub ports: BTreeSet<u16>,
    /// How they failed.
    pub failures: BTreeSet<Failure>,
    /// The first failure while missing, where it is kept.
    pub event: Option<Event>,
    /// The packet or record of that failure.
    pub cited: Option<Provenance>,
    /// On the wire, in a log: what showed the failures.
    pub shown_by: [bool; 2],
    /// Failed for several sources on that day.
    pub shared: bool,
    /// The process of the first failure that has one.
    pub who: Option<Who>,
    /// When it was last reached for, whatever became of it.
    pub last: Timestamp,
}

impl Target {
    /// One that was not reached for before.
    pub fn new(internal: bool, time: Timestamp) -> Self {
        Self {
            missing: None,
            vouched: false,
            internal,
            failed: None,
            reached: None,
            tries: Tries::default(),
            ports: BTreeSet::new(),
            failures: BTreeSet::new(),
            event: None,
            cited: None,
            shown_by: [false; 2],
            shared: false,
            who: None,
            last: time,
        }
    }

    /// From now on its failures count anew.
    pub fn begin(&mut self, life: Life) {
        self.missing = Some(life);
        self.failed = None;
        self.tries = Tries::default();
        self.ports.clear();
        self.failures.clear();
        self.shown_by = [false; 2];
        self.who = None;
    }

    /// Takes over what failed before, where that was told already.
    pub fn follow(&mut self, earlier: &Self) {
        let (Some((first, _)), Some((begun, last))) = (earlier.failed, self.failed) else {
            return;
        };
        if begun <= first {
            return;
        }
        self.missing = earlier.missing;
        self.event = earlier.event.clone().or_else(|| self.event.take());
        self.cited = earlier.cited.or(self.cited);
        self.failed = Some((first, last));
        self.tries.follow(&earlier.tries);
        self.ports.extend(earlier.ports.iter().take(PORTS));
        self.failures.extend(&earlier.failures);
        for (ours, theirs) in self.shown_by.iter_mut().zip(earlier.shown_by) {
            *ours |= theirs;
        }
        self.who = earlier.who.clone().or_else(|| self.who.take());
    }
}
