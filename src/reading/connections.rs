//! Logs of connections, one after another.

use super::{Collector, Content, FileReport, Gathered, Options, tap};
use crate::capture::{CaptureSummary, read_connections};
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
            None => (None, CaptureSummary::default()),
            Some(mut input) => {
                let mut take = |event| collector.take(event);
                let (summary, found) = read_connections(file.id, &mut input, &mut take);
                problems.merge(found);
                (Some(input.finish(&mut problems)), summary)
            }
        };
        collector.coverage.capture(file.id, &summary);
        let content = Content::Capture(summary);
        reports.push((file.id, FileReport { custody, content }));
    }
    let mut gathered = collector.finish()?;
    gathered.problems.merge(problems);
    gathered.files.extend(reports);
    Ok(gathered)
}
