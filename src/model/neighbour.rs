//! Hosts that announce themselves on their own segment: hardware address, IP address, name.

use super::{Span, Text, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A packet's claim that an IP address belongs to a hardware address, to a name, or to both.
///
/// Anyone on the segment can send such a packet: names are hostile text and claims may be false.
/// Not every packet becomes an event: a claim does when it is new, or heard again after a minute of
/// silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Hardware address; `None` where the packet does not prove one (a name service may answer
    /// through a router).
    pub mac: Option<[u8; 6]>,
    /// IP address.
    pub address: IpAddr,
    /// The name, as sent: without the trailing dot, otherwise untouched; at most 255 bytes.
    pub name: Option<Text>,
    /// What said so.
    pub told_by: ToldBy,
    /// How long a DHCP server promised the address from this moment on; a year at most.
    pub lease: Option<Span>,
    /// When the same claim was heard before the silence: first and last time of that period.
    pub before: Option<(Timestamp, Timestamp)>,
}

/// What an announcement was. The order is that of trust in a name: a lease is agreed with a
/// server, anyone may answer a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ToldBy {
    /// A DHCP server's acknowledgement, or a client that renews (RFC 2131).
    Dhcp,
    /// A NetBIOS name registration, answer or node status (RFC 1002).
    NetBios,
    /// A multicast DNS answer (RFC 6762).
    Mdns,
    /// An LLMNR answer (RFC 4795).
    Llmnr,
    /// An ARP request or reply by the owner (RFC 826).
    Arp,
    /// A neighbour solicitation or advertisement (RFC 4861).
    NeighbourDiscovery,
}

impl ToldBy {
    /// As people name it.
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Dhcp => "DHCP",
            Self::NetBios => "NBNS",
            Self::Mdns => "mDNS",
            Self::Llmnr => "LLMNR",
            Self::Arp => "ARP",
            Self::NeighbourDiscovery => "ND",
        }
    }
}
