//! Reads a capture of either format from any stream, batch by batch.
//!
//! Damage never stops it: what cannot be read is counted and passed over. Nothing here follows
//! connections or looks at more than one packet at a time.

use super::ledger::Ledger;
use super::legacy::Legacy;
use super::packet::{Packet, RawPacket};
use super::pcap::{FILE_HEADER, PcapForm};
use super::pcapng::{Pcapng, is_section_header};
use super::summary::CaptureSummary;
use super::window::{READ, Window};
use crate::evidence::{Problem, ProblemKind, Problems, Weight};
use crate::model::{EvidenceId, Timestamp};
use std::collections::BTreeSet;
use std::io::Read;

/// Records read by one `fill`.
const BATCH: usize = 2048;
/// The same for a capture that is one of many, and bytes of it read at a time.
const FEW: usize = 256;
const LITTLE: usize = 32 * 1024;
/// How much of a file `first_time` looks at.
const PROBE: u64 = 1024 * 1024;

/// What a step through a capture came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more.
    On,
    /// The header of another capture is at the window.
    Another,
    /// The stream ends.
    End,
}

enum Format {
    Unknown,
    Legacy(Legacy),
    Pcapng(Pcapng),
}

/// A capture being read.
pub struct CaptureReader<R> {
    window: Window<R>,
    ledger: Ledger,
    format: Format,
    evidence: EvidenceId,
    batch: usize,
    ended: bool,
}

impl<R: Read> CaptureReader<R> {
    /// Reads the capture `evidence` from `input`, which yields its bytes decompressed.
    pub fn new(input: R, evidence: EvidenceId) -> Self {
        Self::with(input, evidence, READ, BATCH)
    }

    /// The same for one of many that are open at once: slower, and with less memory.
    pub fn one_of_many(input: R, evidence: EvidenceId) -> Self {
        Self::with(input, evidence, LITTLE, FEW)
    }

    fn with(input: R, evidence: EvidenceId, read: usize, batch: usize) -> Self {
        Self {
            window: Window::new(input, read),
            ledger: Ledger::new(evidence),
            format: Format::Unknown,
            evidence,
            batch,
            ended: false,
        }
    }

    /// Reads up to 2,048 records (256 of one of many) and appends their packets to `batch` in file
    /// order. A call may append none and still not be the last: records without IP yield no packet.
    /// False at the end of the capture; the problems are added then.
    pub fn fill(&mut self, batch: &mut Vec<Packet>, problems: &mut Problems) -> bool {
        if self.ended {
            return false;
        }
        for _ in 0..self.batch {
            let step = match &mut self.format {
                Format::Legacy(legacy) => legacy.step(&mut self.window, &mut self.ledger, batch),
                Format::Pcapng(pcapng) => pcapng.step(&mut self.window, &mut self.ledger, batch),
                Format::Unknown => self.open(),
            };
            match step {
                Step::On => {}
                Step::Another => self.another(),
                Step::End => {
                    self.end(problems);
                    return false;
                }
            }
        }
        true
    }

    /// Keeps the bytes of the records of these numbers as they are passed; `kept` hands them out.
    pub fn want(&mut self, numbers: BTreeSet<u64>) {
        self.ledger.want(numbers);
    }

    /// The wanted records passed since the last call.
    pub fn kept(&mut self) -> Vec<RawPacket> {
        self.ledger.kept()
    }

    /// Offset in the decompressed file up to which it is read, for showing progress.
    pub fn position(&self) -> u64 {
        self.window.offset()
    }

    /// Bytes of memory the view of the stream holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.window.held()
    }

    /// What the capture held; complete once `fill` has returned false.
    pub fn summary(&self) -> &CaptureSummary {
        &self.ledger.summary
    }

    /// The summary and the input, which may have more to tell about the file.
    pub fn finish(self) -> (CaptureSummary, R) {
        (self.ledger.summary, self.window.into_inner())
    }

    fn open(&mut self) -> Step {
        self.window.at_least(FILE_HEADER);
        if let Some(form) = PcapForm::parse(self.window.data()) {
            self.format = Format::Legacy(Legacy::start(form, &mut self.window, &mut self.ledger));
            return Step::On;
        }
        if is_section_header(self.window.data()) {
            self.format = Format::Pcapng(Pcapng::default());
            return Step::On;
        }
        let left = self.window.data().len();
        if left > 0 {
            let message = "no file header of a capture".to_owned();
            self.ledger.count(
                ProblemKind::FileHeader,
                Weight::Loss,
                message,
                0,
                "nothing in the file was read",
            );
        }
        Step::End
    }

    /// Two captures written into one file, one behind the other.
    #[cold]
    fn another(&mut self) {
        let offset = self.window.offset();
        let message = "a further capture begins inside the file".to_owned();
        let effect = "it was read as well; packet numbers go on counting";
        self.ledger.count(
            ProblemKind::FileHeader,
            Weight::Note,
            message,
            offset,
            effect,
        );
        self.format = Format::Unknown;
    }

    fn end(&mut self, problems: &mut Problems) {
        self.ended = true;
        self.ledger.summary.bytes = self.window.offset() + self.window.data().len() as u64;
        if let Some(error) = self.window.failure() {
            problems.add(Problem {
                evidence: Some(self.evidence),
                kind: ProblemKind::Unreadable,
                weight: Weight::Loss,
                count: 1,
                first_offset: Some(self.ledger.summary.bytes),
                message: format!("reading stopped: {error}"),
                effect: "the rest of the file is missing; copy it from the original again"
                    .to_owned(),
            });
        }
        self.ledger.settle(problems);
    }
}

/// The earliest packet time in the first MiB of a capture: enough to put rotated files in order.
pub fn first_time<R: Read>(input: R) -> Option<Timestamp> {
    let mut reader = CaptureReader::new(input.take(PROBE), EvidenceId(0));
    let (mut batch, mut unused) = (Vec::new(), Problems::default());
    while reader.fill(&mut batch, &mut unused) {
        batch.clear();
    }
    reader.summary().first
}
