//! An open evidence file that tells how far it has been read.

use crate::evidence::{
    Custody, EvidenceFile, Input, OpenError, Problem, ProblemKind, Problems, Progress, Weight,
};
use std::io::Read;

/// An input with progress.
pub struct Tap<'a> {
    input: Input,
    progress: &'a dyn Progress,
}

/// Opens a file; `None`, and a problem, if that fails.
pub fn open<'a>(
    file: &EvidenceFile,
    hash: bool,
    progress: &'a dyn Progress,
    problems: &mut Problems,
) -> Option<Tap<'a>> {
    over(file, Input::open(file, hash), progress, problems)
}

/// The same for one that the caller has opened, or tried to.
pub fn over<'a>(
    file: &EvidenceFile,
    opened: Result<Input, OpenError>,
    progress: &'a dyn Progress,
    problems: &mut Problems,
) -> Option<Tap<'a>> {
    match opened {
        Ok(input) => Some(Tap { input, progress }),
        Err(error) => {
            problems.add(Problem {
                evidence: Some(file.id),
                kind: ProblemKind::Unreadable,
                weight: Weight::Loss,
                count: 1,
                first_offset: None,
                // Without the path, which depends on how the evidence was named.
                message: format!("cannot be opened: {}", error.source),
                effect: "nothing of this file was read; check that it is still there and readable"
                    .to_owned(),
            });
            None
        }
    }
}

impl Tap<'_> {
    /// Reads the rest for the hash, and closes.
    pub fn finish(self, problems: &mut Problems) -> Custody {
        self.input.finish(problems)
    }
}

impl Read for Tap<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.progress.bytes(n as u64);
        Ok(n)
    }
}
