//! Counts records while they are read, wanted or not.
//!
//! A chunk, or a piece of a text, is counted by itself on whatever thread (`Tally`). A file's tallies
//! are summed up in the order of the file (`Sums`), so the result does not depend on the threads.

use super::summary::{LogSummary, Run, SourceSummary};
use crate::model::{Text, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Computer and channel pairs followed in one file.
const MAX_SOURCES: usize = 512;
/// Ways to write them that are remembered in one file.
const MAX_WRITTEN: usize = 4 * MAX_SOURCES;

/// Counts the records of one part of a file, where the same few sources follow each other.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sources: Vec<Count>,
    last: usize,
    unfollowed: u64,
}

/// The records of one source, by computer and channel as written.
#[derive(Debug)]
struct Count {
    computer: Text,
    channel: Text,
    records: u64,
    first_time: Option<Timestamp>,
    last_time: Option<Timestamp>,
    ids: Vec<(u32, u64)>,
    /// Runs of EventRecordIDs in the order they were met, the last of them not yet ended.
    runs: Vec<(u64, Run)>,
}

impl Tally {
    /// Counts one record.
    pub(crate) fn add(
        &mut self,
        computer: &Text,
        channel: &Text,
        event_id: u32,
        record_id: u64,
        time: Option<Timestamp>,
    ) {
        let source = self.source(computer, channel);
        self.count(source, event_id, record_id, time);
    }

    /// Where the records of this computer's channel are counted; `None` if there are too many to
    /// follow.
    pub(crate) fn source(&mut self, computer: &Text, channel: &Text) -> Option<usize> {
        let same = |held: &Text, text: &Text| Arc::ptr_eq(held, text) || held == text;
        let matches = |c: &Count| same(&c.channel, channel) && same(&c.computer, computer);
        if self.sources.get(self.last).is_some_and(matches) {
            return Some(self.last);
        }
        self.last = match self.sources.iter().position(matches) {
            Some(known) => known,
            None if self.sources.len() < MAX_SOURCES => {
                self.sources
                    .push(Count::new(computer.clone(), channel.clone()));
                self.sources.len() - 1
            }
            None => return None,
        };
        Some(self.last)
    }

    /// Counts one record of a source that `source` has placed.
    pub(crate) fn count(
        &mut self,
        source: Option<usize>,
        event_id: u32,
        record_id: u64,
        time: Option<Timestamp>,
    ) {
        match source.and_then(|at| self.sources.get_mut(at)) {
            Some(count) => count.add(event_id, record_id, time),
            None => self.unfollowed += 1,
        }
    }
}

impl Count {
    fn new(computer: Text, channel: Text) -> Self {
        Self {
            computer,
            channel,
            records: 0,
            first_time: None,
            last_time: None,
            ids: Vec::new(),
            runs: Vec::new(),
        }
    }

    fn add(&mut self, event_id: u32, record_id: u64, time: Option<Timestamp>) {
        self.records += 1;
        if let Some(time) = time {
            self.first_time = Some(self.first_time.map_or(time, |t| t.min(time)));
            self.last_time = Some(self.last_time.map_or(time, |t| t.max(time)));
        }
        match self.ids.iter_mut().find(|(id, _)| *id == event_id) {
            Some((_, records)) => *records += 1,
            None => self.ids.push((event_id, 1)),
        }
        match self.runs.last_mut() {
            Some((_, run)) if run.last.checked_add(1) == Some(record_id) => {
                (run.last, run.to) = (record_id, time);
            }
            // Said again: nothing new.
            Some((first, run)) if (*first..=run.last).contains(&record_id) => {}
            _ => {
                let begun = Run {
                    last: record_id,
                    from: time,
                    to: time,
                };
                self.runs.push((record_id, begun));
            }
        }
    }

    fn add_to(self, held: &mut SourceSummary) {
        held.records += self.records;
        for time in self.first_time.into_iter().chain(self.last_time) {
            held.add_time(time);
        }
        for (event_id, records) in self.ids {
            held.count(event_id, records);
        }
        for (first, run) in self.runs {
            held.add_run(first, run);
        }
    }
}

/// Sums up the parts of one file.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// What is counted of the file as a whole, as yet without sources.
    pub(crate) summary: LogSummary,
    sources: Vec<SourceSummary>,
    /// Places in `sources`, by computer and channel without case.
    places: BTreeMap<(String, String), usize>,
    /// The same, by both as written.
    written: HashMap<(Text, Text), usize, FixedState>,
}

impl Sums {
    /// Takes in what the next part of the file holds: its counts, and those by source.
    pub(crate) fn add(&mut self, counts: &LogSummary, tally: Tally) {
        self.summary.add_counts(counts);
        self.summary.unfollowed += tally.unfollowed;
        for count in tally.sources {
            match self.place(&count) {
                Some(place) => count.add_to(&mut self.sources[place]),
                None => self.summary.unfollowed += count.records,
            }
        }
    }

    fn place(&mut self, count: &Count) -> Option<usize> {
        let written = (count.computer.clone(), count.channel.clone());
        if let Some(place) = self.written.get(&written) {
            return Some(*place);
        }
        let key = (count.computer.to_lowercase(), count.channel.to_lowercase());
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.sources.len() < MAX_SOURCES => {
                let mut source = SourceSummary::default();
                (source.computer, source.channel) = written.clone();
                self.sources.push(source);
                self.places.insert(key, self.sources.len() - 1);
                self.sources.len() - 1
            }
            None => return None,
        };
        if self.written.len() >= MAX_WRITTEN {
            self.written.clear();
        }
        self.written.insert(written, place);
        Some(place)
    }

    /// What the file holds.
    pub(crate) fn finish(mut self) -> LogSummary {
        for (key, place) in self.places {
            let source = std::mem::take(&mut self.sources[place]);
            self.summary.sources.insert(key, source);
        }
        self.summary
    }
}

#[cfg(test)]
mod tests {
    use super::super::summary::{MAX_RUNS, MissingRecords};
    use super::*;

    type Told<'a> = (&'a str, &'a str, u32, u64);

    fn sum(parts: &[&[Told<'_>]]) -> LogSummary {
        let mut sums = Sums::default();
        for part in parts {
            let mut tally = Tally::default();
            for (computer, channel, event_id, record_id) in *part {
                tally.add(
                    &Text::from(*computer),
                    &Text::from(*channel),
                    *event_id,
                    *record_id,
                    Some(Timestamp(*record_id as i64)),
                );
            }
            sums.add(&LogSummary::default(), tally);
        }
        sums.finish()
    }

    #[test]
    fn a_missing_run_of_record_ids_is_a_gap_even_if_the_log_went_round() {
        let all = sum(&[
            &[("A", "Security", 1, 50), ("A", "Security", 1, 51)],
            &[
                ("A", "security", 2, 40),
                ("a", "Security", 2, 41),
                ("A", "Security", 2, 44),
            ],
        ]);
        let source = &all.sources[&("a".to_owned(), "security".to_owned())];
        let missing = |first, last| MissingRecords {
            first,
            last,
            after: Some(Timestamp(first as i64 - 1)),
            before: Some(Timestamp(last as i64 + 1)),
        };
        assert_eq!(source.gaps(), Some(vec![missing(42, 43), missing(45, 49)]));
        assert_eq!(missing(45, 49).count(), 5);
        assert_eq!(
            (source.first_id, source.last_id, source.records),
            (Some(40), Some(51), 5)
        );
        assert_eq!(source.first_time, Some(Timestamp(40)));
        assert_eq!(source.ids, BTreeMap::from([(1, 2), (2, 3)]));
        assert_eq!(&*source.channel, "Security");
    }

    #[test]
    fn two_computers_in_a_forwarded_log_do_not_share_record_ids() {
        let all = sum(&[&[
            ("A", "Security", 1, 1),
            ("B", "Security", 1, 900),
            ("A", "Security", 1, 2),
        ]]);
        assert_eq!(all.sources.len(), 2);
        assert!(all.sources.values().all(|s| s.gaps() == Some(vec![])));
        assert_eq!(all.computers().len(), 2);
    }

    #[test]
    fn gaps_too_many_to_follow_are_unknown_and_not_none() {
        let records: Vec<_> = (0..2 * MAX_RUNS as u64 + 2)
            .map(|n| ("A", "S", 1, n * 2))
            .collect();
        let all = sum(&[&records]);
        let source = all.sources.values().next().unwrap();
        assert_eq!(source.gaps(), None);
        assert_eq!(source.last_id, Some(records.last().unwrap().3));
    }

    #[test]
    fn numbers_said_again_or_out_of_order_are_no_gap() {
        let all = sum(&[&[
            ("A", "S", 1, 5),
            ("A", "S", 1, 6),
            ("A", "S", 1, 5),
            ("A", "S", 1, 3),
            ("A", "S", 1, 4),
            ("A", "S", 1, 6),
            ("A", "S", 1, 7),
        ]]);
        let source = all.sources.values().next().unwrap();
        assert_eq!(source.gaps(), Some(vec![]));
        assert_eq!(
            (source.first_id, source.last_id, source.records),
            (Some(3), Some(7), 7)
        );
    }

    #[test]
    fn computers_beyond_those_followed_are_counted() {
        let names: Vec<String> = (0..MAX_SOURCES + 3).map(|n| format!("WS{n}")).collect();
        let records: Vec<Told<'_>> = names.iter().map(|name| (&**name, "S", 1, 1)).collect();
        let first = &records[..MAX_SOURCES - 1];
        for parts in [&[&records[..], first][..], &[first, &records[..]]] {
            let all = sum(parts);
            assert_eq!((all.sources.len(), all.unfollowed), (MAX_SOURCES, 3));
            let counted: u64 = all.sources.values().map(|s| s.records).sum();
            assert_eq!(counted as usize, MAX_SOURCES + first.len());
        }
    }
}
