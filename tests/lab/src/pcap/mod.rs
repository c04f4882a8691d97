//! Frames as they are on the wire, and the capture files that hold them.
//!
//! It writes; it does not read. Checksums are correct, because a capture taken between two hosts
//! has correct ones.

mod file;
pub mod frame;
pub mod speech;
pub mod tunnel;

pub use file::{Capture, Format, Packet};
