//! Evidence that is there twice: the same log as EVTX and as an export, or copied twice. A record is
//! known by its computer, channel, EventRecordID and time, and counted once.
//!
//! Records in local time have a clock of their own. Of a channel that is there in UTC, too, they are
//! known by their numbers; those without a number cannot be told from what is there already, and are
//! left out and told.
//!
//! What is held are the runs of record numbers that each file's summary has anyway, and digests of
//! records ([`Records`]): two computers of one name have different records under one number.

use super::records::{Compared, Records};
use crate::eventlog::{LogSummary, SourceSummary};
use crate::evidence::{EvidenceFile, Form, Kind, Problem, ProblemKind, Problems, Weight};
use crate::model::{Event, EvidenceId, HostEvent, What};
use std::collections::{BTreeMap, BTreeSet};

/// Computer and channel in lower case.
type Source = (String, String);

/// What earlier files hold.
#[derive(Default)]
pub struct Known {
    sources: BTreeMap<Source, Vec<(EvidenceId, SourceSummary)>>,
    labels: BTreeMap<EvidenceId, String>,
    /// Computers, in lower case, whose times are in UTC somewhere.
    in_utc: BTreeSet<String>,
    numbers: BTreeMap<Source, u32>,
    records: Records,
}

impl Known {
    /// Takes over what a file holds.
    pub fn add(&mut self, file: &EvidenceFile, summary: &LogSummary) {
        // Its rows have no numbers.
        if matches!(file.kind, Kind::Text(Form::FirewallLog, _)) {
            return;
        }
        self.labels.insert(file.id, file.label.clone());
        for (source, held) in &summary.sources {
            if !summary.timed.is_local() {
                self.in_utc.insert(source.0.clone());
            }
            let all = self.sources.entry(source.clone()).or_default();
            all.push((file.id, held.clone()));
        }
    }

    /// For the events of one file; `alone` if there is no other log.
    pub fn sieve(&mut self, file: &EvidenceFile, alone: bool) -> Sieve<'_> {
        Sieve {
            sources: &self.sources,
            labels: &self.labels,
            in_utc: &self.in_utc,
            numbers: &mut self.numbers,
            records: &mut self.records,
            evidence: file.id,
            exact: !matches!(file.kind, Kind::Text(..)),
            alone,
            untold: 0,
            last: None,
            twice: BTreeMap::new(),
            unsure: BTreeSet::new(),
            others: BTreeMap::new(),
            altered: BTreeMap::new(),
        }
    }
}

/// Holds back the events of one file that an earlier file holds.
pub struct Sieve<'k> {
    sources: &'k BTreeMap<Source, Vec<(EvidenceId, SourceSummary)>>,
    labels: &'k BTreeMap<EvidenceId, String>,
    in_utc: &'k BTreeSet<String>,
    numbers: &'k mut BTreeMap<Source, u32>,
    records: &'k mut Records,
    evidence: EvidenceId,
    /// True if its form says all that the log does.
    exact: bool,
    alone: bool,
    /// Records in local time that may be there already.
    untold: u64,
    /// The last source asked for: records of one source follow each other.
    last: Option<(Written, u32, Option<Earlier<'k>>)>,
    twice: BTreeMap<EvidenceId, u64>,
    unsure: BTreeSet<EvidenceId>,
    /// Records that are others than those of their numbers there.
    others: BTreeMap<EvidenceId, u64>,
    /// Records that say something else there.
    altered: BTreeMap<EvidenceId, u64>,
}

/// What earlier files hold of one source.
type Earlier<'k> = &'k [(EvidenceId, SourceSummary)];

/// Computer and channel, as a record has them.
type Written = (crate::model::Text, crate::model::Text);

impl<'k> Sieve<'k> {
    /// True for a record in local time of a computer that has others in UTC.
    pub fn is_beside(&self, event: &Event) -> bool {
        matches!(&event.what, What::Host(host)
            if host.timed.is_local() && self.in_utc.contains(&host.computer.to_lowercase()))
    }

    /// True if no earlier file holds this event.
    pub fn is_new(&mut self, event: &Event, record: Option<u64>) -> bool {
        let What::Host(host) = &event.what else {
            return true;
        };
        if self.alone {
            return true;
        }
        let local = host.timed.is_local();
        let (source, earlier) = self.source(host);
        let Some(record) = record else {
            let in_utc = |(_, source): &(_, SourceSummary)| !source.timed.is_local();
            let there = local && earlier.is_some_and(|earlier| earlier.iter().any(in_utc));
            self.untold += u64::from(there);
            return !there;
        };
        let mut other = None;
        for (evidence, known) in earlier.unwrap_or_default() {
            let held = match local {
                true => known.holds_elsewhen(record, host.written),
                false => known.holds(record, host.written),
            };
            match held {
                Some(true) => {
                    let zoned = local || known.timed.is_local();
                    let number = (*evidence, source, record);
                    match self.records.compare(number, host, self.exact, zoned) {
                        Compared::Same | Compared::Unknown => {
                            *self.twice.entry(*evidence).or_default() += 1;
                            return false;
                        }
                        Compared::Other => other = other.or(Some(*evidence)),
                        Compared::Altered => {
                            *self.altered.entry(*evidence).or_default() += 1;
                        }
                    }
                }
                Some(false) => {}
                None => {
                    self.unsure.insert(*evidence);
                }
            }
        }
        if let Some(evidence) = other {
            *self.others.entry(evidence).or_default() += 1;
        }
        if record != 0 {
            self.records
                .hold(self.evidence, source, record, host, self.exact);
        }
        true
    }

    fn source(&mut self, host: &HostEvent) -> (u32, Option<Earlier<'k>>) {
        if let Some(((computer, channel), number, found)) = &self.last
            && *computer == host.computer
            && *channel == host.channel
        {
            return (*number, *found);
        }
        let source = (host.computer.to_lowercase(), host.channel.to_lowercase());
        let found = self.sources.get(&source).map(Vec::as_slice);
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(source).or_insert(next);
        self.last = Some(((host.computer.clone(), host.channel.clone()), number, found));
        (number, found)
    }

    /// What was held back, and what could not be told.
    pub fn finish(self) -> Problems {
        let mut problems = Problems::default();
        if self.untold > 0 {
            problems.add(Problem {
                evidence: Some(self.evidence),
                kind: ProblemKind::LocalTime,
                weight: Weight::Loss,
                count: self.untold,
                first_offset: None,
                message: "events in local time, without a record number, of a channel whose log in UTC is given too"
                        .to_owned(),
                effect: "they were left out, because they cannot be told from those of that log; run this file without it"
                    .to_owned(),
            });
        }
        let label = |evidence| self.labels.get(&evidence).map_or("", String::as_str);
        let mut add = |kind, count, message: String, effect: &str| {
            problems.add(Problem {
                evidence: Some(self.evidence),
                kind,
                weight: Weight::Note,
                count,
                first_offset: None,
                message,
                effect: effect.to_owned(),
            });
        };
        for (evidence, count) in self.twice {
            add(
                ProblemKind::Duplicate,
                count,
                format!(
                    "records that {} holds too, by computer, channel, record number and time",
                    label(evidence)
                ),
                "each was counted once, as that file has it",
            );
        }
        for evidence in self.unsure {
            add(
                ProblemKind::Duplicate,
                1,
                format!(
                    "the record numbers of {} have too many gaps to tell which records both files hold",
                    label(evidence)
                ),
                "records may count twice; leave one of the two files out if they are the same log",
            );
        }
        for (evidence, count) in self.others {
            add(
                ProblemKind::Contradiction,
                count,
                format!(
                    "records that have the number of another record of the same computer and channel in {}",
                    label(evidence)
                ),
                "both were read: two computers of one name, one that was set back to an earlier state, or a log that was \
                 cleared; what is told of this host may be of two, so run the files apart if it is",
            );
        }
        for (evidence, count) in self.altered {
            add(
                ProblemKind::Contradiction,
                count,
                format!(
                    "records that have computer, channel, number and time of a record in {} and say something else",
                    label(evidence)
                ),
                "both were read; one of the two files was altered, or is of a computer that was set back: compare the \
                 records",
            );
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Assets;
    use crate::evidence::{Packing, Silent, discover};
    use crate::reading::{Options, gather};

    fn dumped(record: u64, time: &str) -> String {
        format!(
            "{{\"Event\":{{\"System\":{{\"Provider\":{{\"#attributes\":{{\"Name\":\"Microsoft-Windows-Security-Auditing\"\
             }}}},\"EventID\":4689,\"TimeCreated\":{{\"#attributes\":{{\"SystemTime\":\"{time}\"}}}},\
             \"EventRecordID\":{record},\"Channel\":\"Security\",\"Computer\":\"WS01\"}},\"EventData\":{{\
             \"ProcessId\":\"0x7d8\",\"ProcessName\":\"a.exe\"}}}}}}\n"
        )
    }

    fn read(files: &[(&str, String)]) -> (usize, Vec<(ProblemKind, u64)>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let found = discover(&[folder.path().to_owned()], &mut Problems::default()).unwrap();
        assert!(
            found
                .iter()
                .all(|f| matches!(f.kind, Kind::Text(_, Packing::Plain)))
        );
        let options = Options {
            hash: false,
            memory: 1 << 20,
            assets: Assets::default(),
            counted: None,
        };
        let gathered = gather(&found, &options, &Silent).unwrap();
        let told = gathered.problems.iter();
        let told = told
            .filter(|p| {
                use ProblemKind::{Contradiction, Duplicate, LocalTime};
                matches!(p.kind, Duplicate | LocalTime | Contradiction)
            })
            .map(|p| (p.kind, p.count))
            .collect();
        (gathered.events.into_stream(None).unwrap().count(), told)
    }

    #[test]
    fn a_record_in_two_files_is_counted_once_and_told() {
        let both = dumped(5, "2022-09-01T12:18:24.604856Z");
        let one = format!("{both}{}", dumped(6, "2022-09-01T12:18:25Z"));
        let nxlog = "{\"EventTime\":\"2022-09-01 08:18:24\",\"EventReceivedTime\":\"2022-09-01 08:18:26\",\
                     \"@timestamp\":\"2022-09-01T12:18:26Z\",\"SourceName\":\"Microsoft-Windows-Security-Auditing\",\
                     \"Channel\":\"security\",\"Hostname\":\"ws01\",\"EventID\":4689,\"RecordNumber\":5,\
                     \"ProcessId\":\"0x7d8\",\"ProcessName\":\"a.exe\"}\n";
        // Others that show the zone by their flow, of an event that is not read.
        let other = nxlog.replace("4689", "4670");
        let later = |n: u64| other.replace(":18:26", &format!(":18:{}", 26 + 11 * n));
        let nxlog = [nxlog.to_owned(), later(1), later(2), later(3)].concat();
        let files = [("a", one), ("b", both), ("c", nxlog)];
        assert_eq!(
            read(&files),
            (
                2,
                vec![(ProblemKind::Duplicate, 1), (ProblemKind::Duplicate, 1)]
            )
        );
    }

    #[test]
    fn the_same_number_at_another_time_is_another_record() {
        let first = dumped(5, "2022-09-01T12:18:24Z");
        let cleared = dumped(5, "2022-09-03T12:18:24Z");
        assert_eq!(read(&[("a", first), ("b", cleared)]), (2, vec![]));
    }

    /// Records of one log, a second apart.
    fn log(records: std::ops::Range<u64>, first: &str) -> String {
        let first = crate::model::Timestamp::parse(first).unwrap();
        records
            .map(|n| {
                let time = first.shifted(crate::model::Span::seconds(n as i64));
                dumped(n, &time.rfc3339())
            })
            .collect()
    }

    #[test]
    fn two_computers_of_one_name_keep_their_records_and_are_told() {
        // Their times overlap, their numbers too.
        let a = log(1..20, "2022-09-01T12:00:00Z");
        let b = log(1..20, "2022-09-01T12:00:05Z");
        let told = vec![(ProblemKind::Contradiction, 14)];
        assert_eq!(read(&[("a", a), ("b", b)]), (38, told));
    }

    #[test]
    fn a_log_that_is_there_twice_is_known_by_what_is_held_of_it() {
        // More records than digests are held.
        let a = log(1..400, "2022-09-01T12:00:00Z");
        let told = vec![(ProblemKind::Duplicate, 399)];
        assert_eq!(read(&[("a", a.clone()), ("b", a.clone())]), (399, told));
        let other = log(1..400, "2022-09-01T12:01:00Z");
        let (_, told) = read(&[("a", a), ("b", other)]);
        assert!(
            told.iter()
                .any(|(kind, count)| *kind == ProblemKind::Contradiction && *count >= 10),
            "{told:?}"
        );
    }

    #[test]
    fn local_times_of_a_host_that_has_others_are_left_out_and_told() {
        let utc = dumped(5, "2022-09-01T12:18:24Z");
        let local = "{\"SourceName\":\"Microsoft-Windows-Security-Auditing\",\"Channel\":\"Security\",\
                     \"Hostname\":\"WS01\",\"TimeCreated\":\"2022-09-01T07:18:24.000Z\",\"EventID\":4689,\
                     \"ProcessId\":\"0x7d8\",\"ProcessName\":\"a.exe\"}\n"
            .to_owned();
        let (events, told) = read(&[("a", utc), ("b", local)]);
        assert_eq!(events, 1);
        assert_eq!(
            told,
            [(ProblemKind::LocalTime, 1), (ProblemKind::LocalTime, 1)]
        );
    }
}
