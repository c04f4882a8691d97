//! Evidence that is there twice: the same log as EVTX and as an export, or copied twice. A record is
//! known by its computer, channel, EventRecordID and time, and counted once.
//!
//! Records in local time have a clock of their own. Of a channel that is there in UTC, too, they are
//! known by their numbers; those without a number cannot be told from what is there already, and are
//! left out and told.
//!
//! What is held are the runs of record numbers that each file's summary has anyway, never records.

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

    /// For the events of one file.
    pub fn sieve(&self, file: &EvidenceFile) -> Sieve<'_> {
        Sieve {
            known: self,
            evidence: file.id,
            untold: 0,
            last: None,
            twice: BTreeMap::new(),
            unsure: BTreeSet::new(),
        }
    }
}

/// Holds back the events of one file that an earlier file holds.
pub struct Sieve<'k> {
    known: &'k Known,
    evidence: EvidenceId,
    /// Records in local time that may be there already.
    untold: u64,
    /// The last source asked for: records of one source follow each other.
    last: Option<(Written, Option<Earlier<'k>>)>,
    twice: BTreeMap<EvidenceId, u64>,
    unsure: BTreeSet<EvidenceId>,
}

/// What earlier files hold of one source.
type Earlier<'k> = &'k [(EvidenceId, SourceSummary)];

/// Computer and channel, as a record has them.
type Written = (crate::model::Text, crate::model::Text);

impl<'k> Sieve<'k> {
    /// True for a record in local time of a computer that has others in UTC.
    pub fn is_beside(&self, event: &Event) -> bool {
        matches!(&event.what, What::Host(host)
            if host.timed.is_local() && self.known.in_utc.contains(&host.computer.to_lowercase()))
    }

    /// True if no earlier file holds this event.
    pub fn is_new(&mut self, event: &Event, record: Option<u64>) -> bool {
        let What::Host(host) = &event.what else {
            return true;
        };
        let local = host.timed.is_local();
        let Some(earlier) = self.earlier(host) else {
            return true;
        };
        let Some(record) = record else {
            let there = local && earlier.iter().any(|(_, source)| !source.timed.is_local());
            self.untold += u64::from(there);
            return !there;
        };
        for (evidence, source) in earlier {
            let held = match local {
                true => source.holds_elsewhen(record, host.written),
                false => source.holds(record, host.written),
            };
            match held {
                Some(true) => {
                    *self.twice.entry(*evidence).or_default() += 1;
                    return false;
                }
                Some(false) => {}
                None => {
                    self.unsure.insert(*evidence);
                }
            }
        }
        true
    }

    fn earlier(&mut self, host: &HostEvent) -> Option<Earlier<'k>> {
        if self.known.sources.is_empty() {
            return None;
        }
        if let Some(((computer, channel), found)) = &self.last
            && *computer == host.computer
            && *channel == host.channel
        {
            return *found;
        }
        let source = (host.computer.to_lowercase(), host.channel.to_lowercase());
        let found = self.known.sources.get(&source).map(Vec::as_slice);
        self.last = Some(((host.computer.clone(), host.channel.clone()), found));
        found
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
        let label = |evidence| self.known.labels.get(&evidence).map_or("", String::as_str);
        let mut add = |count, message: String, effect: &str| {
            problems.add(Problem {
                evidence: Some(self.evidence),
                kind: ProblemKind::Duplicate,
                weight: Weight::Note,
                count,
                first_offset: None,
                message,
                effect: effect.to_owned(),
            });
        };
        for (evidence, count) in self.twice {
            add(
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
                1,
                format!(
                    "the record numbers of {} have too many gaps to tell which records both files hold",
                    label(evidence)
                ),
                "records may count twice; leave one of the two files out if they are the same log",
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
            .filter(|p| matches!(p.kind, ProblemKind::Duplicate | ProblemKind::LocalTime))
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
        let files = [("a", one), ("b", both), ("c", nxlog.to_owned())];
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
