//! Captures: from bytes to connection attempts and signals.

mod decode;
mod interface;
mod ledger;
mod legacy;
mod link;
pub mod packet;
mod pcap;
mod pcapng;
pub mod reader;
mod refusal;
pub mod summary;
#[cfg(test)]
mod tests;
mod wake;
mod window;

pub use reader::{CaptureReader, first_time};
pub use summary::{CaptureSummary, InterfaceSummary, Resolution};
