//! Captures: from bytes to connection attempts and signals.

mod announcements;
mod answers;
pub mod attempts;
mod conn_log;
mod decode;
mod dns;
mod fcs;
mod frame;
mod icmp;
mod interface;
mod ledger;
mod legacy;
mod link;
mod listening;
pub mod merge;
mod naming;
pub mod packet;
mod pcap;
mod pcapng;
mod peer_name;
pub mod reader;
mod refusal;
pub mod reorder;
mod segment;
mod shape;
pub mod silence;
mod solicitations;
mod split;
pub mod summary;
#[cfg(test)]
mod tests;
mod tunnel;
pub mod wake;
pub mod wake_copies;
mod window;

pub use conn_log::read_connections;
pub use reader::{CaptureReader, first_time};
pub use summary::{CaptureSummary, InterfaceSummary, Resolution};
