//! Windows event logs: from bytes to host events.
//!
//! The journey of a record: `evtx` cuts the file into chunks, `chunk` walks a chunk's records past
//! damage, `decode` reads one record through the template plans of `plan`, `channels` say what it
//! means, with the pure functions of `normalise`.

mod binxml;
pub mod channels;
pub mod chunk;
#[cfg(test)]
mod damage_tests;
mod decode;
pub mod evtx;
mod fallback;
pub mod forms;
mod glance;
pub mod log;
pub mod normalise;
mod plan;
pub mod raw;
pub mod record;
#[cfg(test)]
mod sample;
pub mod summary;
mod tally;
pub mod texts;
mod walk;
mod writers;

pub use chunk::{ChunkBytes, ChunkReading, Select, read_chunk};
pub use evtx::EvtxReader;
pub use forms::read_text;
pub use log::read_log;
pub use summary::{LogSummary, MissingRecords, SourceSummary};
pub use walk::CHUNK_SIZE;
