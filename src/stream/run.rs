//! Sorted runs on disk: events one after another, each with its length before it.
//!
//! All runs of one source lie in one file without a name: nothing of the evidence stays behind however
//! the process ends, nobody else can open it, and it costs one file handle however many runs there are.

use super::SpoolError;
use crate::model::Event;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes written or read at a time.
const BLOCK: usize = 1 << 16;

/// The file that runs lie in. It is gone with the last of its runs.
#[derive(Clone)]
pub struct Store(Arc<Mutex<File>>);

impl Store {
    /// An empty one, in the temporary folder of the system.
    ///
    /// # Errors
    /// If there is no such folder, or it cannot be written.
    pub fn create() -> Result<Self, SpoolError> {
        Ok(Self(Arc::new(Mutex::new(tempfile::tempfile()?))))
    }

    fn at(&self, place: u64) -> std::io::Result<MutexGuard<'_, File>> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place))?;
        Ok(file)
    }

    fn end(&self) -> std::io::Result<u64> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::End(0))
    }
}

/// A finished run.
#[derive(Clone)]
pub struct Run {
    store: Store,
    from: u64,
    to: u64,
}

/// Writes a run behind those that its store holds; one at a time.
pub struct RunWriter {
    store: Store,
    from: u64,
    to: u64,
    waiting: Vec<u8>,
    buffer: Vec<u8>,
}

impl RunWriter {
    /// Starts a run.
    ///
    /// # Errors
    /// As the system's.
    pub fn create(store: &Store) -> Result<Self, SpoolError> {
        let end = store.end()?;
        Ok(Self {
            store: store.clone(),
            from: end,
            to: end,
            waiting: Vec::with_capacity(BLOCK),
            buffer: Vec::new(),
        })
    }

    /// Appends an event; the caller keeps them sorted.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn write(&mut self, event: &Event) -> Result<(), SpoolError> {
        self.buffer.clear();
        self.buffer = postcard::to_extend(event, std::mem::take(&mut self.buffer))?;
        let length =
            u32::try_from(self.buffer.len()).map_err(|_| postcard::Error::SerializeBufferFull)?;
        self.waiting.extend_from_slice(&length.to_le_bytes());
        self.waiting.extend_from_slice(&self.buffer);
        if self.waiting.len() >= BLOCK {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SpoolError> {
        self.store.at(self.to)?.write_all(&self.waiting)?;
        self.to += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// Ends the run.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn finish(mut self) -> Result<Run, SpoolError> {
        self.flush()?;
        Ok(Run {
            store: self.store,
            from: self.from,
            to: self.to,
        })
    }
}

impl Run {
    /// Reads the run from its start.
    pub fn reader(&self) -> RunReader {
        RunReader {
            input: BufReader::with_capacity(BLOCK, Section(self.clone())),
            buffer: Vec::new(),
        }
    }
}

/// What is left of a run.
struct Section(Run);

impl Read for Section {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let Run { store, from, to } = &mut self.0;
        let left = usize::try_from(*to - *from).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        let read = store.at(*from)?.read(&mut into[..wanted])?;
        *from += read as u64;
        Ok(read)
    }
}

/// Reads a run.
pub struct RunReader {
    input: BufReader<Section>,
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_file_has_no_name_that_could_stay_behind() {
        let store = Store::create().unwrap();
        let file = store.at(0).unwrap();
        assert_eq!(file.metadata().unwrap().nlink(), 0);
    }
}
