//! A sliding view of a byte stream: the one buffer a capture is read through.
//!
//! The buffer is sized for the second-level cache: records are found by hopping from header to
//! header, and those hops must not each wait for memory. Nothing here knows what the bytes mean.

use std::io::{self, Read};

/// How much is read at a time.
pub(super) const READ: usize = 256 * 1024;

/// The bytes of a stream from the current place on, as far as they are read.
pub(super) struct Window<R> {
    input: R,
    read: usize,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Stream offset of `buffer[0]`.
    origin: u64,
    ended: bool,
    failure: Option<io::Error>,
}

impl<R: Read> Window<R> {
    /// Over `input`, of which `read` bytes are read at a time.
    pub(super) fn new(input: R, read: usize) -> Self {
        Self {
            input,
            read,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            origin: 0,
            ended: false,
            failure: None,
        }
    }

    /// What is in view.
    #[inline]
    pub(super) fn data(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Tries to have `count` bytes in view. False means the stream ends before that, and all that
    /// is left of it is in view.
    #[inline]
    pub(super) fn at_least(&mut self, count: usize) -> bool {
        self.end - self.start >= count || self.refill(count)
    }

    /// Moves on by `count` bytes, at most to the end of the view.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Offset in the stream of the first byte in view.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.origin + self.start as u64
    }

    /// What stopped the stream, if it did not simply end.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Bytes of memory held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.buffer.len()
    }

    pub(super) fn into_inner(self) -> R {
        self.input
    }

    #[cold]
    fn refill(&mut self, count: usize) -> bool {
        if self.ended {
            return false;
        }
        let carry = self.end - self.start;
        self.buffer.copy_within(self.start..self.end, 0);
        self.origin += self.start as u64;
        (self.start, self.end) = (0, carry);
        // Reading at least as much as was carried over keeps the copying linear however large the
        // view has to be.
        let target = count.max(carry + carry.max(self.read));
        if self.buffer.len() < target {
            self.buffer.resize(target, 0);
        }
        while self.end < target {
            match self.input.read(&mut self.buffer[self.end..target]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => self.end += read.min(target - self.end),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.ended = true;
                    break;
                }
            }
        }
        self.end >= count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one to seven bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1 % 7 + 1;
            let count = self.1.min(self.0.len()).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn every_byte_passes_once_and_offsets_stay_true() {
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|i| (i % 251) as u8).collect();
        let mut window = Window::new(Drip(&bytes, 0), READ);
        let mut seen = Vec::new();
        let mut step = 1;
        while window.at_least(step) {
            assert_eq!(window.offset(), seen.len() as u64);
            seen.extend_from_slice(&window.data()[..step]);
            window.consume(step);
            step = (step * 7 + 3) % 70_001 + 1;
        }
        seen.extend_from_slice(window.data());
        assert_eq!(seen, bytes);
    }

    #[test]
    fn a_failing_stream_ends_and_says_why() {
        struct Bad;
        impl Read for Bad {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("bad sector"))
            }
        }
        let mut window = Window::new(b"abc".chain(Bad), READ);
        assert!(!window.at_least(4));
        assert_eq!(window.data(), b"abc");
        assert_eq!(window.failure().unwrap().to_string(), "bad sector");
    }
}
