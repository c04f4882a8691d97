//! Captures: from bytes to connection attempts and signals.

pub mod packet;
