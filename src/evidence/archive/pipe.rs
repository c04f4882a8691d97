//! Reads a member of an archive on a thread of its own: what unpacks it borrows the archive, and
//! whoever reads it does not want to know.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};

/// Bytes handed over at a time, and pieces that may wait.
const PIECE: usize = 128 * 1024;
const WAITING: usize = 3;

/// The end of the pipe that is read.
#[derive(Debug)]
pub struct Pipe {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

/// Starts a thread that opens something and reads it to its end; the thread ends when nobody reads
/// any more.
///
/// # Errors
/// If no thread can be started.
pub fn start<F>(work: F) -> io::Result<Pipe>
where
    F: FnOnce(&mut dyn FnMut(&mut dyn Read) -> io::Result<()>) -> io::Result<()> + Send + 'static,
{
    let (send, pieces) = sync_channel(WAITING);
    std::thread::Builder::new()
        .name("unpack".to_owned())
        .spawn(move || {
            let mut gone = false;
            let mut copy = |from: &mut dyn Read| -> io::Result<()> {
                loop {
                    let mut piece = vec![0; PIECE];
                    let mut filled = 0;
                    let mut failed = None;
                    while filled < PIECE {
                        match from.read(&mut piece[filled..]) {
                            Ok(0) => break,
                            Ok(n) => filled += n,
                            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                            Err(e) => {
                                failed = Some(e);
                                break;
                            }
                        }
                    }
                    piece.truncate(filled);
                    if filled > 0 && send.send(Ok(piece)).is_err() {
                        gone = true;
                        return Ok(());
                    }
                    match failed {
                        Some(error) => return Err(error),
                        None if filled < PIECE => return Ok(()),
                        None => {}
                    }
                }
            };
            let worked = work(&mut copy);
            if !gone {
                // An empty piece is the end; without one, the thread has died.
                let _ = send.send(worked.map(|()| Vec::new()));
            }
        })?;
    Ok(Pipe {
        pieces,
        piece: Vec::new(),
        at: 0,
        ended: false,
    })
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if self.ended {
                return Ok(0);
            }
            match self.pieces.recv() {
                Ok(Ok(piece)) => {
                    self.ended = piece.is_empty();
                    (self.piece, self.at) = (piece, 0);
                }
                Ok(Err(error)) => {
                    self.ended = true;
                    return Err(error);
                }
                Err(_) => {
                    self.ended = true;
                    return Err(io::Error::other("what unpacks it stopped"));
                }
            }
        }
        let rest = &self.piece[self.at..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_a_failure_is_read_and_the_failure_is_told() {
        let mut pipe = start(|copy| {
            copy(&mut &[7_u8; 300_000][..])?;
            Err(io::Error::other("broken"))
        })
        .unwrap();
        let mut bytes = Vec::new();
        let error = pipe.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(
            (bytes.len(), error.to_string().as_str()),
            (300_000, "broken")
        );
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_thread() {
        let (told, ended) = sync_channel(1);
        let mut pipe = start(move |copy| {
            copy(&mut io::repeat(1))?;
            told.send(()).map_err(io::Error::other)
        })
        .unwrap();
        pipe.read_exact(&mut [0; 10]).unwrap();
        drop(pipe);
        ended.recv().unwrap();
    }
}
