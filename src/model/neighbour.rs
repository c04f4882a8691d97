//! Hosts on their own segment: who announces itself, with hardware address, IP address and name, and
//! who asks for whom.

use super::{Actor, Provenance, Span, Text, Timestamp};
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
    /// True if the packet answered a question: it shows that the owner is up, not that it has just
    /// come up.
    pub answer: bool,
    /// True if the packet asked for somebody else: who does that is up, and may have been for long.
    #[serde(default)]
    pub asks: bool,
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

/// A host asks its segment for the hardware address of an IP address.
///
/// Repetitions with at most a minute between them are one solicitation, told at the first. A
/// request that is no question is none: the asker's own address (an announcement) and a request
/// from no address (a probe, RFC 5227; duplicate address detection, RFC 4862).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Solicitation {
    /// Hardware address of the asker, where the request has one.
    pub asker_mac: Option<[u8; 6]>,
    /// IP address of the asker.
    pub asker: IpAddr,
    /// The IP address asked for.
    pub target: IpAddr,
    /// How they speak.
    pub told_by: ToldBy,
    /// Requests; copies within 50 ms are not counted.
    pub tries: u32,
    /// Time of the last request.
    pub last_try: Timestamp,
    /// What became of it.
    pub outcome: Heard,
    /// When that became known: the first answer's time; otherwise when the wait ended, 3 s after the last
    /// request or with the capture.
    pub decided: Timestamp,
    /// The first answer.
    pub deciding: Option<Provenance>,
    /// Outermost VLAN id.
    pub vlan: Option<u16>,
    /// The process that reached for the target, where the asker's records tell and nobody answered.
    /// Filled in by `replay::attribute`.
    #[serde(skip)]
    pub actor: Option<Box<Actor>>,
}

/// What became of a solicitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Heard {
    /// The address was answered for, from this hardware address where the answer has one.
    Answered(Option<[u8; 6]>),
    /// Nobody answered for a second or longer, and the sensor does see packets sent to the asker
    /// alone: an answer would have been seen.
    Unanswered,
    /// No answer is in the capture, and neither is any other packet to the asker alone: requests go
    /// to all, answers to the asker, so this sensor may not be able to see them.
    ReplyNotVisible,
    /// The capture ends within a second of the first request, before an answer had time to come.
    CutShort,
}
