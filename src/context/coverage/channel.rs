//! What the evidence holds of one channel of one host, over all files.

use super::interval::Interval;
use super::log::Log;
use crate::eventlog::{LogSummary, MissingRecords, SourceSummary};
use crate::model::{EvidenceId, Text, Timestamp};
use std::collections::BTreeSet;

/// One channel of one host.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Which of the logs that matter it is.
    pub log: Log,
    /// What all files hold of it together, its times as recorded.
    pub held: SourceSummary,
    /// The files.
    pub evidence: BTreeSet<EvidenceId>,
    /// True if a file of it shows that the log was full and went round.
    pub wrapped: bool,
    /// Records of its files that could not be read; they may be of other channels.
    pub unread: u64,
    interval: Option<Interval>,
    missing: Option<Vec<MissingRecords>>,
}

/// How far back a channel reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// EventRecordID 1 is there: no record is missing before it.
    Beginning,
    /// Records before this moment were written once and are not in the evidence.
    Since(Timestamp),
    /// No record has a time.
    Unknown,
}

impl Channel {
    /// What one file holds of it: `source` is one of `summary`.
    pub fn of(evidence: EvidenceId, summary: &LogSummary, source: &SourceSummary) -> Self {
        Self {
            log: Log::of(&source.channel),
            held: source.clone(),
            evidence: [evidence].into(),
            wrapped: summary.wrapped,
            unread: summary.records_skipped,
            interval: None,
            missing: None,
        }
    }

    /// Draws the conclusions, once all files are taken in.
    pub(super) fn finish(&mut self) {
        let times = self.held.first_time.zip(self.held.last_time);
        self.interval = times.map(|(from, to)| Interval { from, to });
        self.missing = self.held.gaps();
    }

    pub(super) fn retime(&mut self, time: impl Fn(Timestamp) -> Timestamp) {
        self.interval = self.interval.map(|i| i.retimed(&time));
        for hole in self.missing.iter_mut().flatten() {
            hole.after = hole.after.map(&time);
            hole.before = hole.before.map(&time);
        }
    }

    /// Takes in what another form holds of it, when both are finished and corrected: what is missing
    /// is told by the numbers of this one.
    pub(super) fn absorb(&mut self, other: Self) {
        self.interval = match (self.interval, other.interval) {
            (Some(a), Some(b)) => Some(a.hull(b)),
            (a, b) => a.or(b),
        };
        self.held.records += other.held.records;
        self.evidence.extend(other.evidence);
        self.wrapped |= other.wrapped;
        self.unread += other.unread;
    }

    /// Takes in what another file holds of it.
    pub fn merge(&mut self, other: Self) {
        // Named as in the first file, whatever the order of merging.
        let name = |c: &Self| {
            let held = &c.held;
            (
                c.evidence.first().copied(),
                held.computer.clone(),
                held.channel.clone(),
            )
        };
        let (_, computer, channel) = name(self).min(name(&other));
        self.held.join(other.held);
        (self.held.computer, self.held.channel) = (computer, channel);
        self.evidence.extend(other.evidence);
        self.wrapped |= other.wrapped;
        self.unread += other.unread;
    }

    /// Its name, as written.
    pub fn name(&self) -> &Text {
        &self.held.channel
    }

    /// What a sentence calls it: one word, where the log has but one channel.
    pub fn called(&self) -> &str {
        match self.log {
            Log::PowerShell => &self.held.channel,
            log => log.name(),
        }
    }

    /// From its first record to its last.
    pub fn interval(&self) -> Option<Interval> {
        self.interval
    }

    /// The same, where it differs from what was recorded.
    pub fn corrected(&self) -> Option<Interval> {
        let recorded = self.held.first_time.zip(self.held.last_time);
        self.interval.filter(|i| Some((i.from, i.to)) != recorded)
    }

    /// True if all there is of it is an export to text, which may leave records out by nature.
    pub fn is_export(&self) -> bool {
        self.held.exported
    }

    /// The EventRecordIDs that are missing between its first record and its last, by ID; `None` if
    /// there were too many holes to follow, or it is an export.
    pub fn missing(&self) -> Option<&[MissingRecords]> {
        self.missing.as_deref()
    }

    /// How far back it reaches.
    pub fn reach(&self) -> Reach {
        match (self.held.first_id, self.interval) {
            (Some(0 | 1), _) => Reach::Beginning,
            (_, Some(interval)) => Reach::Since(interval.from),
            (_, None) => Reach::Unknown,
        }
    }
}
