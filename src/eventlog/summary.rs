//! What a log holds, whether or not anything in it was wanted: how many records, from when to when,
//! which are missing.
//!
//! The coverage grid and the baseline lean on it: "nothing found" means little where nothing was
//! logged.

use super::zones::Zones;
use crate::evidence::{Form, Kept};
use crate::model::{Span, Text, Timed, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How far a local time may lie from UTC: a zone, and half a day on a clock of 12 hours.
const FURTHEST: Span = Span::seconds(26 * 3_600);
/// Event ids counted for one computer and channel.
const MAX_IDS: usize = 4_096;
/// Runs of EventRecordIDs remembered for one computer and channel; a filtered export has one for
/// almost every record.
pub(super) const MAX_RUNS: usize = 8_192;

/// What one file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSummary {
    /// Chunks with content.
    pub chunks: u64,
    /// Records read, wanted or not.
    pub records_read: u64,
    /// Records known to be there that could not be read.
    pub records_skipped: u64,
    /// Records that became events.
    pub events: u64,
    /// Wanted records that lacked something and became no event; each is a problem.
    pub refused: u64,
    /// Records read by the general reader because their form was too unusual for a plan.
    pub fallbacks: u64,
    /// True if a later chunk holds earlier records: the log was full and went round.
    pub wrapped: bool,
    /// By computer and channel, both as first written; compared without case.
    pub sources: BTreeMap<(String, String), SourceSummary>,
    /// Records of computers and channels beyond those followed.
    pub unfollowed: u64,
    /// Which clock its times are of; of several, one that is local.
    pub timed: Timed,
    /// True if a local time has an hour that a clock of twelve hours does not have.
    pub whole_day: bool,
    /// True if a time has a fraction of a second.
    pub fractions: bool,
    /// What Sysmon's records say of the zone of local times.
    pub zones: Zones,
}

/// What one computer's channel holds in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceSummary {
    /// Computer as first written.
    pub computer: Text,
    /// Channel as first written.
    pub channel: Text,
    /// Records read.
    pub records: u64,
    /// Lowest EventRecordID.
    pub first_id: Option<u64>,
    /// Highest EventRecordID.
    pub last_id: Option<u64>,
    /// Earliest TimeCreated.
    pub first_time: Option<Timestamp>,
    /// Latest TimeCreated.
    pub last_time: Option<Timestamp>,
    /// Records of each event id.
    pub ids: BTreeMap<u32, u64>,
    /// Records of event ids beyond those counted.
    pub uncounted: u64,
    /// EventRecordIDs present, by the first of each unbroken run.
    runs: BTreeMap<u64, Run>,
    /// True if there were more runs than are remembered: gaps are then unknown.
    pub runs_overflowed: bool,
    /// True if this is a text that somebody exported: what is missing from it may only have been
    /// left out.
    pub exported: bool,
    /// The form, if all of it is there in such a text only.
    pub form: Option<Form>,
    /// Which clock its times are of.
    pub timed: Timed,
    /// True if a local time has an hour that a clock of twelve hours does not have.
    pub whole_day: bool,
    /// True if a time has a fraction of a second.
    pub fractions: bool,
}

/// An unbroken run of EventRecordIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) last: u64,
    /// TimeCreated of its first record.
    pub(super) from: Option<Timestamp>,
    /// TimeCreated of its last record.
    pub(super) to: Option<Timestamp>,
}

/// A stretch of EventRecordIDs that the file does not hold, between two that it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingRecords {
    /// First missing EventRecordID.
    pub first: u64,
    /// Last missing EventRecordID.
    pub last: u64,
    /// TimeCreated of the record before them.
    pub after: Option<Timestamp>,
    /// TimeCreated of the record behind them.
    pub before: Option<Timestamp>,
}

impl MissingRecords {
    /// How many.
    pub fn count(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

impl SourceSummary {
    /// What one record shows; `join` makes more of it.
    pub fn of_record(
        computer: Text,
        channel: Text,
        event_id: u32,
        record_id: u64,
        time: Option<Timestamp>,
    ) -> Self {
        let mut source = Self {
            computer,
            channel,
            records: 1,
            ids: BTreeMap::from([(event_id, 1)]),
            first_time: time,
            last_time: time,
            ..Self::default()
        };
        let run = Run {
            last: record_id,
            from: time,
            to: time,
        };
        source.add_run(record_id, run);
        source
    }

    /// Missing EventRecordIDs between the lowest and the highest; `None` if there were too many to
    /// follow. A filtered export has gaps by nature.
    pub fn gaps(&self) -> Option<Vec<MissingRecords>> {
        if self.runs_overflowed || self.exported {
            return None;
        }
        let mut gaps = Vec::new();
        let mut before: Option<Run> = None;
        for (first, run) in &self.runs {
            if let Some(end) = before
                && end.last + 1 < *first
            {
                gaps.push(MissingRecords {
                    first: end.last + 1,
                    last: first - 1,
                    after: end.to,
                    before: run.from,
                });
            }
            before = Some(*run);
        }
        Some(gaps)
    }

    /// True if this holds a record of that number and time; `None` if there were too many to
    /// follow. Times are cut to seconds in some forms.
    pub fn holds(&self, record_id: u64, time: Timestamp) -> Option<bool> {
        let near = Span::seconds(1);
        let within = self
            .first_time
            .zip(self.last_time)
            .is_some_and(|(from, to)| {
                time.since(from) > near.negated() && to.since(time) > near.negated()
            });
        if !within || record_id == 0 {
            return Some(false);
        }
        if self.runs_overflowed {
            return None;
        }
        let run = self.runs.range(..=record_id).next_back();
        Some(run.is_some_and(|(_, run)| run.last >= record_id))
    }

    /// The same of a record whose time is local: it may lie as far away as zones do, and half a day
    /// more on a clock of 12 hours.
    pub fn holds_elsewhen(&self, record_id: u64, time: Timestamp) -> Option<bool> {
        let (from, to) = (self.first_time?, self.last_time?);
        let inside = time.max(from).min(to);
        match inside.since(time).abs() <= FURTHEST {
            true => self.holds(record_id, inside),
            false => Some(false),
        }
    }

    /// Marks what somebody exported. Number 0 stands for none: a log counts from 1.
    pub fn mark_exported(&mut self, form: Form) {
        (self.exported, self.form) = (true, Some(form));
        if self.first_id == Some(0) {
            (self.first_id, self.last_id) = (None, None);
            self.runs.clear();
        }
    }

    /// What it has that others of its form lack.
    pub fn kept(&self) -> Kept {
        Kept {
            numbers: self.first_id.is_some(),
            whole_day: self.whole_day,
            fractions: self.fractions,
        }
    }

    /// Takes in what another file holds of the same computer's channel.
    pub fn join(&mut self, other: Self) {
        self.records += other.records;
        self.uncounted += other.uncounted;
        // What is in none of several is missing as soon as one of them is the log itself.
        self.exported &= other.exported;
        // Of two exports, the one that lost nothing says what there is.
        let better = |(a, b): (Form, Form)| {
            if a.min(b).loses_nothing() {
                a.min(b)
            } else {
                a.max(b)
            }
        };
        self.form = self.form.zip(other.form).map(better);
        self.whole_day |= other.whole_day;
        self.fractions |= other.fractions;
        for time in other.first_time.iter().chain(&other.last_time) {
            self.add_time(*time);
        }
        for (event_id, records) in other.ids {
            self.count(event_id, records);
        }
        if other.runs_overflowed {
            self.runs_overflowed = true;
            self.runs.clear();
        }
        for (first, run) in other.runs {
            self.add_run(first, run);
        }
        for id in other.first_id.iter().chain(&other.last_id) {
            self.first_id = Some(self.first_id.map_or(*id, |x| x.min(*id)));
            self.last_id = Some(self.last_id.map_or(*id, |x| x.max(*id)));
        }
    }

    pub(super) fn add_run(&mut self, first: u64, run: Run) {
        self.first_id = Some(self.first_id.map_or(first, |id| id.min(first)));
        self.last_id = Some(self.last_id.map_or(run.last, |id| id.max(run.last)));
        if self.runs_overflowed {
            return;
        }
        // Nearly every run goes on where the last one ends.
        if let Some(mut held) = self.runs.last_entry()
            && *held.key() <= first
            && held.get().last.saturating_add(1) >= first
        {
            if run.last > held.get().last {
                (held.get_mut().last, held.get_mut().to) = (run.last, run.to);
            }
            return;
        }
        let (mut first, mut run) = (first, run);
        // Join with the runs it touches, before and behind.
        if let Some((&start, &held)) = self.runs.range(..=first).next_back()
            && held.last.saturating_add(1) >= first
        {
            if held.last >= run.last {
                return;
            }
            self.runs.remove(&start);
            (first, run.from) = (start, held.from);
        }
        while let Some((&start, &held)) = self.runs.range(first..).next()
            && start <= run.last.saturating_add(1)
        {
            self.runs.remove(&start);
            if held.last > run.last {
                (run.last, run.to) = (held.last, held.to);
            }
        }
        self.runs.insert(first, run);
        if self.runs.len() > MAX_RUNS {
            self.runs_overflowed = true;
            self.runs.clear();
        }
    }

    pub(super) fn add_time(&mut self, time: Timestamp) {
        self.first_time = Some(self.first_time.map_or(time, |t| t.min(time)));
        self.last_time = Some(self.last_time.map_or(time, |t| t.max(time)));
    }

    pub(super) fn count(&mut self, event_id: u32, records: u64) {
        if self.ids.len() < MAX_IDS || self.ids.contains_key(&event_id) {
            *self.ids.entry(event_id).or_default() += records;
        } else {
            self.uncounted += records;
        }
    }
}

impl LogSummary {
    /// Computers that wrote in this file, as written.
    pub fn computers(&self) -> BTreeSet<Text> {
        self.sources.values().map(|s| s.computer.clone()).collect()
    }

    /// Takes in the counts of what follows in the same file; the sources are for `tally`.
    pub(super) fn add_counts(&mut self, next: &Self) {
        self.chunks += next.chunks;
        self.records_read += next.records_read;
        self.records_skipped += next.records_skipped;
        self.events += next.events;
        self.refused += next.refused;
        self.fallbacks += next.fallbacks;
        self.wrapped |= next.wrapped;
        self.unfollowed += next.unfollowed;
        self.timed = self.timed.max(next.timed);
        self.whole_day |= next.whole_day;
        self.fractions |= next.fractions;
        self.zones.merge(&next.zones);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_export_left_out_is_no_gap() {
        let time = Some(Timestamp(0));
        let of = |id| SourceSummary::of_record("A".into(), "Security".into(), 1, id, time);
        let mut source = of(1);
        source.join(of(9));
        assert_eq!(source.gaps().map(|gaps| gaps.len()), Some(1));
        source.mark_exported(Form::Xml);
        assert_eq!(source.gaps(), None);
    }

    #[test]
    fn runs_join_in_any_order() {
        let mut source = SourceSummary::default();
        for (first, last) in [(5, 6), (1, 2), (9, 9), (3, 4), (7, 8), (2, 3)] {
            let (from, to) = (Timestamp(first as i64), Timestamp(last as i64));
            let (from, to) = (Some(from), Some(to));
            source.add_run(first, Run { last, from, to });
        }
        let whole = Run {
            last: 9,
            from: Some(Timestamp(1)),
            to: Some(Timestamp(9)),
        };
        assert_eq!(source.runs, BTreeMap::from([(1, whole)]));
    }
}
