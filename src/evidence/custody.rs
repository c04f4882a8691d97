//! Reads a file's raw bytes once: for the parser, and for the SHA-256 that shows it is unaltered.
//!
//! Blocks are shared between the two, not copied, and used again when both are done with them.

use crate::model::hex::hex;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes read at a time.
const BLOCK: usize = 256 * 1024;
/// The same of one of many files that are open at once.
const SMALL_BLOCK: usize = 32 * 1024;
/// Where nobody hashes on another thread, a reader that asks for this much or more is served by the system
/// itself.
const DIRECT: usize = 4 * 1024;
/// Blocks that may wait for the hash before reading waits, too.
const WAITING: usize = 8;

/// What was read of a file, and whether it held still meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custody {
    /// SHA-256 of the file's bytes as they lie on disk, of a member of an archive as it unpacks;
    /// `None` if it was not asked for, or if the file could not be read to its end.
    pub sha256: Option<[u8; 32]>,
    /// Length of the file in bytes: counted when hashing, else as the system tells.
    pub bytes: u64,
    /// Length or modification time differ between opening and closing.
    pub changed: bool,
}

impl Custody {
    /// The hash in lower-case hexadecimal.
    pub fn sha256_hex(&self) -> Option<String> {
        self.sha256.map(|hash| hex(&hash))
    }
}

/// A shared piece of the file and how much of it is filled.
type Block = (Arc<Vec<u8>>, usize);

enum Hasher {
    /// On a thread of its own.
    Apart {
        blocks: SyncSender<Block>,
        thread: JoinHandle<[u8; 32]>,
    },
    /// Where the system gives no more threads, or too many files are open for one each.
    Here(Box<Sha256>),
}

/// The raw bytes of a file, hashed on a thread of their own as they pass.
pub(super) struct Tap {
    file: Box<dyn Read + Send>,
    block_size: usize,
    hasher: Option<Hasher>,
    pool: VecDeque<Arc<Vec<u8>>>,
    block: Arc<Vec<u8>>,
    at: usize,
    filled: usize,
    count: u64,
    failure: Option<io::Error>,
}

impl Tap {
    pub(super) fn new(file: Box<dyn Read + Send>, hash: bool) -> Self {
        Self::with(file, BLOCK, hash.then(Hasher::start))
    }

    /// For one of many files that are open at once: small blocks, and no thread for the hash.
    pub(super) fn one_of_many(file: Box<dyn Read + Send>, hash: bool) -> Self {
        let here = hash.then(|| Hasher::Here(Box::default()));
        Self::with(file, SMALL_BLOCK, here)
    }

    fn with(file: Box<dyn Read + Send>, block_size: usize, hasher: Option<Hasher>) -> Self {
        Self {
            file,
            block_size,
            hasher,
            pool: VecDeque::new(),
            block: Arc::new(Vec::new()),
            at: 0,
            filled: 0,
            count: 0,
            failure: None,
        }
    }

    /// Bytes read from the file so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// What the disk failed with, if it did.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Reads to the end of the file for the hash's sake and returns it.
    pub(super) fn hash(&mut self) -> Option<[u8; 32]> {
        self.hasher.as_ref()?;
        loop {
            self.at = self.filled;
            if matches!(self.fill_buf(), Err(_) | Ok([])) {
                break;
            }
        }
        let hash = match self.hasher.take()? {
            Hasher::Apart { blocks, thread } => {
                drop(blocks);
                thread.join().ok()
            }
            Hasher::Here(hash) => Some(hash.finalize().into()),
        };
        hash.filter(|_| self.failure.is_none())
    }

    fn next_block(&mut self) -> io::Result<()> {
        if self.failure.is_some() {
            return Ok(());
        }
        let free = self.free_block();
        self.pool
            .push_back(std::mem::replace(&mut self.block, free));
        (self.at, self.filled) = (0, 0);
        // `free_block` returns one that nobody else holds.
        let Some(space) = Arc::get_mut(&mut self.block) else {
            return Ok(());
        };
        self.filled = read_on(&mut self.file, space, &mut self.failure)?;
        self.count += self.filled as u64;
        if self.filled == 0 {
            return Ok(());
        }
        match &mut self.hasher {
            Some(Hasher::Apart { blocks, .. }) => {
                // It only fails if the thread is gone, and then joining it tells.
                let _ = blocks.send((Arc::clone(&self.block), self.filled));
            }
            Some(Hasher::Here(hash)) => hash.update(&self.block[..self.filled]),
            None => {}
        }
        Ok(())
    }

    /// A block nobody holds: one that was used before, or a new one. No more exist than can wait
    /// for the hash.
    fn free_block(&mut self) -> Arc<Vec<u8>> {
        let free = self
            .pool
            .iter_mut()
            .position(|block| Arc::get_mut(block).is_some_and(|block| !block.is_empty()));
        free.and_then(|at| self.pool.remove(at)).unwrap_or_else(|| {
            self.pool.retain(|block| !block.is_empty());
            Arc::new(vec![0; self.block_size])
        })
    }
}

/// Reads once; an error is kept, and returned as well.
fn read_on(
    file: &mut dyn Read,
    into: &mut [u8],
    failure: &mut Option<io::Error>,
) -> io::Result<usize> {
    loop {
        match file.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let again = io::Error::new(error.kind(), error.to_string());
                *failure = Some(error);
                return Err(again);
            }
            read => return read,
        }
    }
}

impl BufRead for Tap {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.filled {
            self.next_block()?;
        }
        Ok(&self.block[self.at..self.filled])
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.filled);
    }
}

impl Read for Tap {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let alone = !matches!(self.hasher, Some(Hasher::Apart { .. }));
        if alone && self.at == self.filled && into.len() >= DIRECT {
            // Nobody holds on to the bytes: no need to pass them through a block.
            let read = read_on(&mut self.file, into, &mut self.failure)?;
            self.count += read as u64;
            if let Some(Hasher::Here(hash)) = &mut self.hasher {
                hash.update(&into[..read]);
            }
            return Ok(read);
        }
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Hasher {
    fn start() -> Self {
        let (blocks, arriving) = sync_channel::<Block>(WAITING);
        let started = std::thread::Builder::new()
            .name("sha256".to_owned())
            .spawn(move || {
                let mut hash = Sha256::new();
                for (block, filled) in arriving {
                    hash.update(&block[..filled]);
                }
                hash.finalize().into()
            });
        match started {
            Ok(thread) => Self::Apart { blocks, thread },
            Err(_) => Self::Here(Box::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_same_where_there_is_no_thread_for_it() {
        let bytes: Vec<u8> = (0..BLOCK * 3 + 7).map(|i| (i % 251) as u8).collect();
        let hashed = |here: bool| {
            let make = if here { Tap::one_of_many } else { Tap::new };
            let mut tap = make(Box::new(io::Cursor::new(bytes.clone())), true);
            // Some of it is asked for, the rest is read for the hash alone.
            let mut some = vec![0; 100_000];
            tap.read_exact(&mut some).unwrap();
            tap.hash().unwrap()
        };
        let whole: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!((hashed(false), hashed(true)), (whole, whole));
    }
}
