//! Captures: from bytes to connection attempts and signals.

pub mod attempts;
pub mod merge;
pub mod packet;
pub mod reorder;
pub mod wake_copies;
