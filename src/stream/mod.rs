//! Time order: events are collected as they are read, sorted in runs, spilled to a temporary folder
//! past a memory budget, and merged into one stream.
//!
//! The order is `(time, provenance)`, whatever order the events came in and however many threads
//! read them. Memory is bounded by the budget, not by the evidence.

mod merge;
mod run;
mod spool;

pub use merge::Merged;
pub use spool::{Spool, SpoolError, Spooled};
