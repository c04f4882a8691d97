//! Captures: each file is read and decoded on a thread of its own, all of them meet in time order in
//! one table of attempts.

use super::{Collector, Content, FileReport, Gathered, Options, tap};
use crate::capture::attempts::{Attempts, Settings};
use crate::capture::merge::{Merge, Unopened};
use crate::capture::packet::Packet;
use crate::capture::reorder::PacketSource;
use crate::capture::{CaptureReader, CaptureSummary, first_time};
use crate::evidence::{Custody, EvidenceFile, Input, Problems, Progress};
use crate::model::{EvidenceId, Timestamp};
use crate::stream::SpoolError;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

/// Batches that may wait between the reader and the table.
const WAITING: usize = 4;

struct Ended {
    custody: Option<Custody>,
    summary: CaptureSummary,
    problems: Problems,
}

pub fn read(
    files: &[&EvidenceFile],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Gathered, SpoolError> {
    let ends: Mutex<BTreeMap<EvidenceId, Ended>> = Mutex::default();
    let mut collector = Collector::new(options);
    let mut order = Vec::new();
    let mut attempts = Attempts::new(Settings::default());
    let summary = std::thread::scope(|scope| {
        let ends = &ends;
        let unopened = files
            .iter()
            .map(|file| Unopened {
                evidence: file.id,
                first_time: starts_at(file),
                open: Box::new(move || {
                    Box::new(Threaded::start(scope, file, options.hash, progress, ends))
                        as Box<dyn PacketSource + Send>
                }),
            })
            .collect();
        let mut merge = Merge::new(unopened);
        // Frames without IP make no packet but show that a capture went on, so the end of a file is
        // what its own summary says.
        let end = |merge: &mut Merge<'_>, attempts: &mut Attempts| {
            for evidence in merge.take_ended() {
                let ends = ends.lock();
                let ends = ends.unwrap_or_else(std::sync::PoisonError::into_inner);
                attempts.ended(evidence, ends.get(&evidence).and_then(|e| e.summary.last));
            }
        };
        while let Some((evidence, packet)) = merge.next() {
            collector.anchors.packet(evidence, packet);
            attempts.packet(evidence, packet, &mut |event| collector.take(event));
            end(&mut merge, &mut attempts);
        }
        end(&mut merge, &mut attempts);
        order = merge.problems();
        for (neighbour, from, to) in attempts.still_heard() {
            collector.identity.heard(&neighbour, from, to);
        }
        attempts.finish(&mut |event| collector.take(event))
    });
    for ended in ends
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .iter()
    {
        collector.coverage.capture(*ended.0, &ended.1.summary);
    }
    let mut gathered = collector.finish()?;
    for (evidence, ended) in ends
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
    {
        gathered.problems.merge(ended.problems);
        gathered.files.insert(
            evidence,
            FileReport {
                custody: ended.custody,
                content: Content::Capture(ended.summary),
            },
        );
    }
    for problem in order.into_iter().chain(summary.problems()) {
        gathered.problems.add(problem);
    }
    gathered.attempts = summary;
    Ok(gathered)
}

/// Time of the first packet, for the order of files; a file that hides it is opened first.
fn starts_at(file: &EvidenceFile) -> Timestamp {
    Input::open(file, false)
        .ok()
        .and_then(first_time)
        .unwrap_or(Timestamp::MIN)
}

/// A file read ahead on its own thread. Batches come in order, so nothing depends on its pace.
struct Threaded<'scope> {
    evidence: EvidenceId,
    filled: Receiver<Vec<Packet>>,
    empty: SyncSender<Vec<Packet>>,
    _thread: ScopedJoinHandle<'scope, ()>,
}

impl<'scope> Threaded<'scope> {
    fn start<'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        file: &'scope EvidenceFile,
        hash: bool,
        progress: &'scope dyn Progress,
        ends: &'scope Mutex<BTreeMap<EvidenceId, Ended>>,
    ) -> Self {
        let (filled_in, filled) = sync_channel(WAITING);
        let (empty, empty_out) = sync_channel::<Vec<Packet>>(WAITING + 2);
        let evidence = file.id;
        let thread = scope.spawn(move || {
            let mut problems = Problems::default();
            let (custody, summary) = match tap::open(file, hash, progress, &mut problems) {
                None => (None, CaptureSummary::default()),
                Some(input) => {
                    let mut reader = CaptureReader::new(input, evidence);
                    loop {
                        let mut batch = empty_out.try_recv().unwrap_or_default();
                        batch.clear();
                        let more = reader.fill(&mut batch, &mut problems);
                        // A merge that has gone away has failed elsewhere; the hash is still due.
                        let _ = filled_in.send(batch);
                        if !more {
                            break;
                        }
                    }
                    let (summary, input) = reader.finish();
                    (Some(input.finish(&mut problems)), summary)
                }
            };
            ends.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .insert(
                    evidence,
                    Ended {
                        custody,
                        summary,
                        problems,
                    },
                );
        });
        Self {
            evidence,
            filled,
            empty,
            _thread: thread,
        }
    }
}

impl PacketSource for Threaded<'_> {
    fn evidence(&self) -> EvidenceId {
        self.evidence
    }

    fn fill(&mut self, batch: &mut Vec<Packet>) -> bool {
        let Ok(mut ready) = self.filled.recv() else {
            return false;
        };
        if batch.is_empty() {
            std::mem::swap(batch, &mut ready);
        } else {
            batch.append(&mut ready);
        }
        let _ = self.empty.try_send(ready);
        true
    }
}
