//! Captures: from bytes to connection attempts and signals.

mod announcements;
pub mod attempts;
mod decode;
mod interface;
mod ledger;
mod legacy;
mod link;
pub mod merge;
mod naming;
pub mod packet;
mod pcap;
mod pcapng;
pub mod reader;
mod refusal;
pub mod reorder;
pub mod silence;
pub mod summary;
#[cfg(test)]
mod tests;
mod wake;
pub mod wake_copies;
mod window;

pub use reader::{CaptureReader, first_time};
pub use summary::{CaptureSummary, InterfaceSummary, Resolution};
