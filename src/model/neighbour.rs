//! Hosts on their own segment: who announces itself, and who asks for whom.

use super::{Provenance, Timestamp};
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

/// How neighbours speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ToldBy {
    /// ARP (RFC 826).
    Arp,
    /// IPv6 neighbour discovery (RFC 4861).
    Discovery,
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
