//! Hosts that announce themselves on their own segment.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A hardware address and an IP address, said to belong together by their owner.
///
/// Not every announcement becomes an event: a pair does when it is new, or heard again after a
/// minute of silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Hardware address.
    pub mac: [u8; 6],
    /// IP address.
    pub address: IpAddr,
    /// What said so.
    pub told_by: ToldBy,
}

/// What an announcement was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ToldBy {
    /// An ARP request or reply by the owner (RFC 826).
    Arp,
}
