//! What one host was seen to do: programs, their ports and peers, what listens.

use super::tally::Tally;
use crate::model::{Text, Timestamp, Transport};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Who counted. The same process start stands in Security and in Sysmon, the same connection there
/// and on the wire; the counts of one counter are added, those of two are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// The Security log.
    Security = 0,
    /// Sysmon.
    Sysmon = 1,
    /// Packets.
    Wire = 2,
}

impl Counter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Security, Self::Sysmon, Self::Wire];

    /// `security`, `sysmon` or `wire`: as a baseline file names them.
    pub fn word(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Sysmon => "sysmon",
            Self::Wire => "wire",
        }
    }
}

/// One thing counted by several counters: each count stands for itself, the largest is told.
///
/// There are tens of thousands of these, and nearly all know one counter only: each tally takes
/// room from its first count on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted([Option<Box<Tally>>; 3]);

/// What a counter says that has counted nothing.
static NOTHING: Tally = Tally::new();

impl Counted {
    /// Counts one occurrence.
    pub fn add(&mut self, by: Counter, time: Timestamp) {
        self.by_mut(by).add(time);
    }

    /// The tally of one counter.
    pub fn by(&self, counter: Counter) -> &Tally {
        self.0[counter as usize].as_deref().unwrap_or(&NOTHING)
    }

    pub(super) fn by_mut(&mut self, counter: Counter) -> &mut Tally {
        self.0[counter as usize].get_or_insert_default()
    }

    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.0.iter().filter_map(Option::as_deref)
    }

    /// Takes over another count of the same thing.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(&other.0) {
            if let Some(theirs) = theirs {
                ours.get_or_insert_default().merge(theirs);
            }
        }
    }

    /// How often before `time`, at least.
    pub fn before(&self, time: Timestamp) -> u64 {
        self.tallies().map(|t| t.before(time)).max().unwrap_or(0)
    }

    /// The first occurrence, if it was before `time`.
    pub fn first_before(&self, time: Timestamp) -> Option<Timestamp> {
        self.tallies().filter_map(|t| t.first_before(time)).min()
    }

    /// How often in all.
    pub fn total(&self) -> u64 {
        self.tallies().map(Tally::total).max().unwrap_or(0)
    }

    pub(super) fn retime(&mut self, correct: &dyn Fn(Timestamp) -> Timestamp) {
        for counter in [Counter::Security, Counter::Sysmon] {
            if let Some(tally) = &mut self.0[counter as usize] {
                tally.retime(correct);
            }
        }
    }
}

/// A transport and a port.
pub type Port = (Transport, u16);

/// What one program did on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageUsage {
    /// Starts (Security 4688, Sysmon 1).
    pub executions: Counted,
    /// Process instances that opened at least one outgoing connection (Security 5156, Sysmon 3).
    pub networked: Counted,
    /// Outgoing connections by remote port.
    pub ports: BTreeMap<Port, Counted>,
}

/// What one host did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// By program: the path in lower case without drive or volume; empty for what packets alone
    /// tell, which name no program.
    pub images: BTreeMap<Text, ImageUsage>,
    /// Outgoing connections by remote address; those that a log tells as begun are among them.
    pub peers: BTreeMap<IpAddr, Counted>,
    /// Outgoing connections that were completed, by remote address and port: on the wire, or by
    /// Sysmon 3. Security 5156 is written before the first packet leaves.
    pub reached: BTreeMap<(IpAddr, Port), Counted>,
    /// Ports the host listens on or answered on.
    pub listeners: BTreeMap<Port, Counted>,
    /// Pairs of causality owner and the program that opened an outgoing connection, by process
    /// instance.
    pub pairs: BTreeMap<(Text, Text), Counted>,
    /// Anything at all: on how many days the host was seen.
    pub seen: Counted,
}

impl Usage {
    /// Takes over what is known of the same host from elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (image, theirs) in &other.images {
            let ours = self.images.entry(image.clone()).or_default();
            ours.executions.merge(&theirs.executions);
            ours.networked.merge(&theirs.networked);
            merge_counts(&mut ours.ports, &theirs.ports);
        }
        merge_counts(&mut self.peers, &other.peers);
        merge_counts(&mut self.reached, &other.reached);
        merge_counts(&mut self.listeners, &other.listeners);
        merge_counts(&mut self.pairs, &other.pairs);
        self.seen.merge(&other.seen);
    }

    /// The last sign of the host; the end of time if there is none.
    pub(super) fn last_seen(&self) -> Timestamp {
        Counter::ALL
            .iter()
            .filter_map(|c| self.seen.by(*c).last())
            .max()
            .unwrap_or(Timestamp::MAX)
    }

    pub(super) fn retime(&mut self, correct: &dyn Fn(Timestamp) -> Timestamp) {
        for image in self.images.values_mut() {
            image.executions.retime(correct);
            image.networked.retime(correct);
            image.ports.values_mut().for_each(|c| c.retime(correct));
        }
        self.peers.values_mut().for_each(|c| c.retime(correct));
        self.reached.values_mut().for_each(|c| c.retime(correct));
        self.listeners.values_mut().for_each(|c| c.retime(correct));
        self.pairs.values_mut().for_each(|c| c.retime(correct));
        self.seen.retime(correct);
    }
}

fn merge_counts<K: Ord + Clone>(ours: &mut BTreeMap<K, Counted>, theirs: &BTreeMap<K, Counted>) {
    for (key, count) in theirs {
        ours.entry(key.clone()).or_default().merge(count);
    }
}
