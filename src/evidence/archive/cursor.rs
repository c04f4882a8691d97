//! A place in a file that can be copied: each copy reads on its own, without moving the others.
//!
//! An archive is listed once and its members are read later, several at a time; each of them gets
//! a copy. Evidence is opened anew by each copy, so that many archives do not hold many handles;
//! a temporary file has no name and is shared.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes read ahead. Directories of archives are read in small pieces.
const AHEAD: usize = 16 * 1024;

/// What is read.
#[derive(Debug)]
enum Backing {
    /// Evidence, by its path.
    Disk(PathBuf),
    /// A temporary file; it goes away with its last copy.
    Temporary(Mutex<File>),
}

/// A place in a file.
#[derive(Debug)]
pub struct Cursor {
    backing: Arc<Backing>,
    length: u64,
    at: u64,
    own: Option<File>,
    ahead: Vec<u8>,
    used: usize,
}

impl Clone for Cursor {
    fn clone(&self) -> Self {
        Self {
            backing: Arc::clone(&self.backing),
            length: self.length,
            at: self.at,
            own: None,
            ahead: Vec::new(),
            used: 0,
        }
    }
}

impl Cursor {
    /// The start of the evidence file at `path`.
    ///
    /// # Errors
    /// If it is not there.
    pub fn disk(path: PathBuf) -> io::Result<Self> {
        let length = std::fs::metadata(&path)?.len();
        Ok(Self::of(Backing::Disk(path), length))
    }

    /// The start of a temporary file of `length` bytes.
    pub fn temporary(file: File, length: u64) -> Self {
        Self::of(Backing::Temporary(Mutex::new(file)), length)
    }

    fn of(backing: Backing, length: u64) -> Self {
        Self {
            backing: Arc::new(backing),
            length,
            at: 0,
            own: None,
            ahead: Vec::new(),
            used: 0,
        }
    }

    /// Length of the file in bytes, when it was opened first.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// A copy that stands at `offset`.
    pub fn standing_at(&self, offset: u64) -> Self {
        let mut copy = self.clone();
        copy.at = offset;
        copy
    }

    fn read_at(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &*self.backing {
            Backing::Disk(path) => {
                let file = match &mut self.own {
                    Some(file) => file,
                    none => none.insert(File::open(path)?),
                };
                file.seek(SeekFrom::Start(self.at))?;
                file.read(into)?
            }
            Backing::Temporary(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(self.at))?;
                file.read(into)?
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Read for Cursor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.used == self.ahead.len() {
            if into.len() >= AHEAD {
                return self.read_at(into);
            }
            let mut ahead = std::mem::take(&mut self.ahead);
            ahead.resize(AHEAD, 0);
            self.used = 0;
            let read = self.read_at(&mut ahead);
            ahead.truncate(*read.as_ref().unwrap_or(&0));
            self.ahead = ahead;
            read?;
        }
        let rest = &self.ahead[self.used..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.used += count;
        Ok(count)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let here = self.at - (self.ahead.len() - self.used) as u64;
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => here.checked_add_signed(by),
        };
        let target = target
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the start"))?;
        let begin = self.at - self.ahead.len() as u64;
        if (begin..=self.at).contains(&target) {
            self.used = (target - begin) as usize;
        } else {
            (self.at, self.used) = (target, 0);
            self.ahead.clear();
        }
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn copies_read_on_their_own() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let mut first = Cursor::temporary(file, bytes.len() as u64);
        let mut head = [0; 10];
        first.read_exact(&mut head).unwrap();
        let mut second = first.standing_at(70_000);
        let mut rest = Vec::new();
        second.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, bytes[70_000..]);
        first.read_exact(&mut head).unwrap();
        assert_eq!(head, bytes[10..20]);
        for (to, at) in [
            (SeekFrom::Current(-15), 5),
            (SeekFrom::Start(20_000), 20_000),
            (SeekFrom::End(-10), 99_990),
        ] {
            assert_eq!(first.seek(to).unwrap(), at as u64);
            first.read_exact(&mut head).unwrap();
            assert_eq!(head, bytes[at..at + 10]);
        }
        assert!(first.seek(SeekFrom::Start(0)).is_ok());
        assert!(first.seek(SeekFrom::Current(-1)).is_err());
    }
}
