//! Event logs: files one after another, the chunks of each on all cores.

use super::{Collector, Content, FileReport, Gathered, Options, tap};
use crate::eventlog::{LogSummary, read_log};
use crate::evidence::{EvidenceFile, Problems, Progress};
use crate::stream::SpoolError;

pub fn read(
    files: &[&EvidenceFile],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Gathered, SpoolError> {
    let mut collector = Collector::new(options);
    let mut reports = Vec::new();
    let mut problems = Problems::default();
    for file in files {
        let (custody, summary) = match tap::open(file, options.hash, progress, &mut problems) {
            None => (None, LogSummary::default()),
            Some(mut input) => {
                let (summary, found) =
                    read_log(file.id, &mut input, &mut |event| collector.take(event));
                problems.merge(found);
                (Some(input.finish(&mut problems)), summary)
            }
        };
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
