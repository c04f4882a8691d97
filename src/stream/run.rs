//! One sorted run on disk: events one after another, each with its length before it.

use super::SpoolError;
use crate::model::Event;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// A finished run.
#[derive(Clone)]
pub struct Run {
    path: PathBuf,
}

/// Writes a run.
pub struct RunWriter {
    path: PathBuf,
    out: BufWriter<File>,
    buffer: Vec<u8>,
}

impl RunWriter {
    /// Starts run number `number` in `folder`.
    pub fn create(folder: &Path, number: usize) -> Result<Self, SpoolError> {
        let path = folder.join(format!("run-{number}"));
        let out = BufWriter::with_capacity(1 << 16, File::create_new(&path)?);
        Ok(Self {
            path,
            out,
            buffer: Vec::new(),
        })
    }

    /// Appends an event; the caller keeps them sorted.
    pub fn write(&mut self, event: &Event) -> Result<(), SpoolError> {
        self.buffer.clear();
        self.buffer = postcard::to_extend(event, std::mem::take(&mut self.buffer))?;
        let length =
            u32::try_from(self.buffer.len()).map_err(|_| postcard::Error::SerializeBufferFull)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&self.buffer)?;
        Ok(())
    }

    /// Ends the run.
    pub fn finish(mut self) -> Result<Run, SpoolError> {
        self.out.flush()?;
        Ok(Run { path: self.path })
    }
}

impl Run {
    /// Reads the run from its start.
    pub fn reader(&self) -> Result<RunReader, SpoolError> {
        Ok(RunReader {
            input: BufReader::with_capacity(1 << 16, File::open(&self.path)?),
            buffer: Vec::new(),
        })
    }

    /// Gives its space back.
    pub fn remove(self) {
        // The folder goes away at the end in any case; a failure here only costs space until then.
        let _ = std::fs::remove_file(self.path);
    }
}

/// Reads a run.
pub struct RunReader {
    input: BufReader<File>,
    buffer: Vec<u8>,
}

impl Iterator for RunReader {
    type Item = Result<Event, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut length = [0_u8; 4];
        match self.input.read_exact(&mut length) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return None,
            Err(e) => return Some(Err(e.into())),
        }
        self.buffer.resize(u32::from_le_bytes(length) as usize, 0);
        if let Err(e) = self.input.read_exact(&mut self.buffer) {
            return Some(Err(e.into()));
        }
        Some(postcard::from_bytes(&self.buffer).map_err(SpoolError::from))
    }
}
