//! Captures: each file is read and decoded on a thread of its own, as long as there are not many at a
//! time; all of them meet in time order in one table of attempts.

use super::twins::Twins;
use super::{Collector, Content, FileReport, Gathered, Options, tap};
use crate::capture::attempts::{Attempts, Settings};
use crate::capture::merge::{Merge, Unopened};
use crate::capture::packet::Packet;
use crate::capture::reorder::{PacketSource, RUN, SHORT_RUN};
use crate::capture::{CaptureReader, CaptureSummary, first_time};
use crate::evidence::{Custody, EvidenceFile, Input, Problems, Progress};
use crate::model::{Event, EvidenceId, Timestamp};
use crate::stream::SpoolError;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;

/// Batches that may wait between the reader and the table.
const WAITING: usize = 4;
/// Files that are read ahead on threads at a time. Of captures that all overlap, the others are read as
/// their packets are asked for.
const THREADS: usize = 8;

struct Ended {
    custody: Option<Custody>,
    summary: CaptureSummary,
    problems: Problems,
}

/// Reads the captures; `twins` remembers their attempts, if a log may tell them again.
pub fn read(
    files: &[&EvidenceFile],
    options: &Options,
    progress: &dyn Progress,
    mut twins: Option<&mut Twins>,
) -> Result<Gathered, SpoolError> {
    let ends: Mutex<BTreeMap<EvidenceId, Ended>> = Mutex::default();
    let mut collector = Collector::new(options);
    let mut order = Vec::new();
    let mut attempts = Attempts::new(Settings::default());
    let threads = AtomicUsize::new(0);
    let summary = std::thread::scope(|scope| {
        let (ends, threads) = (&ends, &threads);
        let unopened = files
            .iter()
            .map(|file| Unopened {
                evidence: file.id,
                first_time: starts_at(file),
                open: Box::new(move || {
                    let reading = Reading {
                        file,
                        hash: options.hash,
                        progress,
                        ends,
                        one_of_many: false,
                        state: State::Closed,
                    };
                    source(scope, reading, threads)
                }),
            })
            .collect();
        let mut merge = Merge::new(unopened);
        let mut take = |event: Event, collector: &mut Collector| {
            if let Some(twins) = twins.as_deref_mut() {
                twins.hear(&event);
            }
            collector.take(event);
        };
        // Frames without IP make no packet but show that a capture went on, so the end of a file is
        // what its own summary says.
        let end = |merge: &mut Merge<'_>, attempts: &mut Attempts| {
            for evidence in merge.take_ended() {
                let ends = ends.lock();
                let ends = ends.unwrap_or_else(PoisonError::into_inner);
                attempts.ended(evidence, ends.get(&evidence).and_then(|e| e.summary.last));
            }
        };
        while let Some((evidence, packet)) = merge.next() {
            collector.anchors.packet(evidence, packet);
            attempts.packet(evidence, packet, &mut |event| take(event, &mut collector));
            for (neighbour, from, to) in attempts.gone() {
                collector.heard(&neighbour, from, to);
            }
            end(&mut merge, &mut attempts);
        }
        end(&mut merge, &mut attempts);
        order = merge.problems();
        for (neighbour, from, to) in attempts.still_heard() {
            collector.heard(&neighbour, from, to);
        }
        attempts.finish(&mut |event| take(event, &mut collector))
    });
    for ended in ends.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        collector.coverage.capture(*ended.0, &ended.1.summary);
    }
    let mut gathered = collector.finish()?;
    for (evidence, ended) in ends.into_inner().unwrap_or_else(PoisonError::into_inner) {
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

/// The packets of a file: read ahead, or where there are threads enough, as they are asked for.
fn source<'scope, 'env: 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    reading: Reading<'scope>,
    threads: &'scope AtomicUsize,
) -> Box<dyn PacketSource + Send + 'scope> {
    if threads.load(Ordering::Relaxed) >= THREADS {
        return Box::new(Reading {
            one_of_many: true,
            ..reading
        });
    }
    match Threaded::start(scope, reading.again(), threads) {
        Ok(threaded) => Box::new(threaded),
        // The system gives no more threads; what is slower is not lost.
        Err(_) => Box::new(reading),
    }
}

/// A file and how far it is read.
struct Reading<'scope> {
    file: &'scope EvidenceFile,
    hash: bool,
    progress: &'scope dyn Progress,
    ends: &'scope Mutex<BTreeMap<EvidenceId, Ended>>,
    // Many are open: each takes little memory.
    one_of_many: bool,
    state: State<'scope>,
}

enum State<'scope> {
    Closed,
    Open(Box<CaptureReader<tap::Tap<'scope>>>, Problems),
    Done,
}

impl Reading<'_> {
    /// The same, from the start.
    fn again(&self) -> Self {
        Self {
            state: State::Closed,
            ..*self
        }
    }

    fn end(&self, custody: Option<Custody>, summary: CaptureSummary, problems: Problems) {
        let ended = Ended {
            custody,
            summary,
            problems,
        };
        self.ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.file.id, ended);
    }
}

impl PacketSource for Reading<'_> {
    fn evidence(&self) -> EvidenceId {
        self.file.id
    }

    fn fill(&mut self, batch: &mut Vec<Packet>) -> bool {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Done => false,
            State::Closed => {
                let mut problems = Problems::default();
                let opened = if self.one_of_many {
                    Input::open_one_of_many(self.file, self.hash)
                } else {
                    Input::open(self.file, self.hash)
                };
                match tap::over(self.file, opened, self.progress, &mut problems) {
                    None => {
                        self.end(None, CaptureSummary::default(), problems);
                        false
                    }
                    Some(input) => {
                        let reader = if self.one_of_many {
                            CaptureReader::one_of_many(input, self.file.id)
                        } else {
                            CaptureReader::new(input, self.file.id)
                        };
                        self.state = State::Open(Box::new(reader), problems);
                        true
                    }
                }
            }
            State::Open(mut reader, mut problems) => {
                let more = reader.fill(batch, &mut problems);
                if more {
                    self.state = State::Open(reader, problems);
                } else {
                    let (summary, input) = reader.finish();
                    let custody = input.finish(&mut problems);
                    self.end(Some(custody), summary, problems);
                }
                more
            }
        }
    }

    fn run(&self) -> usize {
        if self.one_of_many { SHORT_RUN } else { RUN }
    }
}

/// A file read ahead on its own thread. Batches come in order, so nothing depends on its pace.
struct Threaded<'scope> {
    evidence: EvidenceId,
    filled: Receiver<Vec<Packet>>,
    empty: SyncSender<Vec<Packet>>,
    threads: &'scope AtomicUsize,
}

impl<'scope> Threaded<'scope> {
    fn start<'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        mut reading: Reading<'scope>,
        threads: &'scope AtomicUsize,
    ) -> std::io::Result<Self> {
        let (filled_in, filled) = sync_channel(WAITING);
        let (empty, empty_out) = sync_channel::<Vec<Packet>>(WAITING + 2);
        let evidence = reading.evidence();
        std::thread::Builder::new().spawn_scoped(scope, move || {
            loop {
                let mut batch = empty_out.try_recv().unwrap_or_default();
                batch.clear();
                let more = reading.fill(&mut batch);
                // A merge that has gone away has failed elsewhere; the hash is still due.
                let _ = filled_in.send(batch);
                if !more {
                    break;
                }
            }
        })?;
        threads.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            evidence,
            filled,
            empty,
            threads,
        })
    }
}

impl Drop for Threaded<'_> {
    fn drop(&mut self) {
        self.threads.fetch_sub(1, Ordering::Relaxed);
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
