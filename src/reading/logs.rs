//! Event logs: files one after another, the records of each on all cores.
//!
//! The logs themselves come first, then exports of them, then those in local time: of a record that
//! several hold, the finest is kept.

use super::duplicates::Known;
use super::{Collector, Content, FileReport, Gathered, Options, tap};
use crate::eventlog::{LogSummary, read_log, read_text};
use crate::evidence::{EvidenceFile, Form, Kind, Problems, Progress};
use crate::stream::SpoolError;

pub fn read(
    files: &[&EvidenceFile],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Gathered, SpoolError> {
    let mut collector = Collector::new(options);
    let mut reports = Vec::new();
    let mut problems = Problems::default();
    let mut known = Known::default();
    let mut files = files.to_vec();
    files.sort_by_key(|file| (fineness(file.kind), file.id));
    let alone = files.len() == 1;
    for file in files {
        let (custody, summary) = match tap::open(file, options.hash, progress, &mut problems) {
            None => (None, LogSummary::default()),
            Some(mut input) => {
                let mut sieve = known.sieve(file, alone);
                let (summary, found) = match file.kind {
                    Kind::Text(form, _) => {
                        read_text(file.id, form, &mut input, &mut |event, record| {
                            let beside = sieve.is_beside(&event);
                            if sieve.is_new(&event, record) {
                                collector.keep(event, beside);
                            }
                        })
                    }
                    _ => read_log(file.id, &mut input, &mut |event| {
                        let record = Some(event.provenance.item);
                        if sieve.is_new(&event, record) {
                            collector.take(event);
                        }
                    }),
                };
                problems.merge(found);
                problems.merge(sieve.finish());
                (Some(input.finish(&mut problems)), summary)
            }
        };
        known.add(file, &summary);
        collector.coverage.log(file.id, &summary);
        for computer in summary.computers() {
            collector.identity.name(&computer);
        }
        reports.push((
            file.id,
            FileReport {
                custody,
                content: Content::Log(summary),
            },
        ));
    }
    let mut gathered = collector.finish()?;
    gathered.problems.merge(problems);
    gathered.files.extend(reports);
    Ok(gathered)
}

/// The logs, exports in UTC, exports cut to seconds, exports in local time.
fn fineness(kind: Kind) -> u8 {
    match kind {
        Kind::Text(Form::PowerShell | Form::FirewallLog, _) => 3,
        Kind::Text(Form::Nxlog, _) => 2,
        Kind::Text(..) => 1,
        _ => 0,
    }
}
