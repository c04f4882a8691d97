//! Evidence that is there twice: the same log as EVTX and as an export, or copied twice. A record is
//! known by its computer, channel, EventRecordID and time, and counted once.
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
}

impl Known {
    /// Takes over what a file holds.
    pub fn add(&mut self, file: &EvidenceFile, summary: &LogSummary) {
        // Its rows have no numbers.
        if matches!(file.kind, Kind::Text(Form::FirewallLog, _)) {
            return;
        }
        for (source, held) in &summary.sources {
            let all = self.sources.entry(source.clone()).or_default();
            all.push((file.id, held.clone()));
        }
    }

    /// For the events of one file.
    pub fn sieve(&self, evidence: EvidenceId) -> Sieve<'_> {
        Sieve {
            known: self,
            evidence,
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
    /// The last source asked for: records of one source follow each other.
    last: Option<(Written, Option<&'k [(EvidenceId, SourceSummary)]>)>,
    twice: BTreeMap<EvidenceId, u64>,
    unsure: BTreeSet<EvidenceId>,
}

/// Computer and channel, as a record has them.
type Written = (crate::model::Text, crate::model::Text);

impl<'k> Sieve<'k> {
    /// True if no earlier file holds this event.
    pub fn is_new(&mut self, event: &Event, record: Option<u64>) -> bool {
        let (What::Host(host), Some(record)) = (&event.what, record) else {
            return true;
        };
        let Some(earlier) = self.earlier(host) else {
            return true;
        };
        for (evidence, source) in earlier {
            match source.holds(record, host.written) {
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

    fn earlier(&mut self, host: &HostEvent) -> Option<&'k [(EvidenceId, SourceSummary)]> {
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
                    "records that {evidence} holds too, by computer, channel, record number and time"
                ),
                "each was counted once, as that file has it",
            );
        }
        for evidence in self.unsure {
            add(
                1,
                format!(
                    "the record numbers of {evidence} have too many gaps to tell which records both files hold"
                ),
                "records may count twice; leave one of the two files out if they are the same log",
            );
        }
        problems
    }
}
