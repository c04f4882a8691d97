//! How work under way tells that it moves.
//!
//! Counters only: nothing here prints, and nothing here may change a result.

/// Told of progress, from any thread.
pub trait Progress: Sync {
    /// How much there is to read, in bytes, once that is known.
    fn total(&self, bytes: u64) {
        let _ = bytes;
    }

    /// So many more bytes of evidence have been read.
    fn bytes(&self, n: u64);

    /// A new phase begins, named in a few lower-case words, such as `reading` or `replaying`.
    fn phase(&self, name: &str);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn bytes(&self, _: u64) {}

    fn phase(&self, _: &str) {}
}
