//! Logs of connections, one after another.

use super::twins::{MOST, Twins};
use super::{Collector, Content, FileReport, Gathered, Options, tap};
use crate::capture::{CaptureSummary, read_connections};
use crate::evidence::{EvidenceFile, Problem, ProblemKind, Problems, Progress, Weight};
use crate::model::{Event, EvidenceId};
use crate::stream::SpoolError;

/// Reads the logs; what `twins` knows is told already.
pub fn read(
    files: &[&EvidenceFile],
    options: &Options,
    progress: &dyn Progress,
    twins: &mut Twins,
) -> Result<Gathered, SpoolError> {
    let mut collector = Collector::new(options);
    let mut reports = Vec::new();
    let mut problems = Problems::default();
    for file in files {
        let mut again = 0;
        let (custody, summary) = match tap::open(file, options.hash, progress, &mut problems) {
            None => (None, CaptureSummary::default()),
            Some(mut input) => {
                let mut take = |event: Event| {
                    if twins.know(&event) {
                        again += 1;
                        return;
                    }
                    twins.hear(&event);
                    collector.take(event);
                };
                let (summary, found) = read_connections(file.id, &mut input, &mut take);
                problems.merge(found);
                (Some(input.finish(&mut problems)), summary)
            }
        };
        twins.settle();
        told_again(file.id, again, &mut problems);
        collector.coverage.capture(file.id, &summary);
        let content = Content::Capture(summary);
        reports.push((file.id, FileReport { custody, content }));
    }
    if twins.unheld > 0 {
        problems.add(not_compared(twins.unheld));
    }
    let mut gathered = collector.finish()?;
    gathered.problems.merge(problems);
    gathered.files.extend(reports);
    Ok(gathered)
}

fn told_again(evidence: EvidenceId, count: u64, problems: &mut Problems) {
    if count == 0 {
        return;
    }
    problems.add(Problem {
        evidence: Some(evidence),
        kind: ProblemKind::Duplicate,
        weight: Weight::Note,
        count,
        first_offset: None,
        message: "connections that a capture, or a log of connections before this one, tells too"
            .to_owned(),
        effect:
            "each is told once, by the other: same ends, begun within the same second or the next; leave a capture out \
                 that holds one direction only, for it tells less"
                .to_owned(),
    });
}

fn not_compared(count: u64) -> Problem {
    Problem {
        evidence: None,
        kind: ProblemKind::Limit,
        weight: Weight::Note,
        count,
        first_offset: None,
        message: format!("connections beyond the first {MOST} that logs of connections are compared with"),
        effect: "a log that tells these connections too counts them again: leave it out, or give the evidence in \
                 parts"
            .to_owned(),
    }
}
