//! Wake-on-LAN signals.

use super::{Endpoint, Provenance};
use serde::{Deserialize, Serialize};

/// What a magic packet travelled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WakeCarrier {
    /// EtherType 0x0842, no IP.
    Ethernet,
    /// UDP, to this port.
    Udp(u16),
    /// Inside a TCP segment: seldom a signal, often a file that holds one.
    Tcp(u16),
    /// Another protocol or EtherType.
    Other(u16),
}

/// A magic packet: six 0xFF, then the target's MAC sixteen times (AMD publication 20213).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeSignal {
    /// The MAC address to be woken.
    pub target: [u8; 6],
    /// L2 source address, where the link has one: the true sender on its own segment.
    pub sender_mac: Option<[u8; 6]>,
    /// IP source and port, where there is IP; may be a relay.
    pub sender: Option<Endpoint>,
    /// IP destination and port, where there is IP.
    pub sent_to: Option<Endpoint>,
    /// L2 destination, where the link has one.
    pub mac_to: Option<[u8; 6]>,
    /// What carried it.
    pub carrier: WakeCarrier,
    /// Byte offset of the pattern in the frame.
    pub pattern_offset: u32,
    /// Repetitions of the MAC found: 16, or fewer if the frame was cut.
    pub repetitions: u8,
    /// Length of a SecureOn password after the pattern: 0, 4 or 6. The password is never kept.
    pub password_len: u8,
    /// First 8 bytes of the password's SHA-256, to tell passwords apart while the evidence is read. It gives a
    /// short password away, so that it is dropped for `password` before anything is told.
    pub password_digest: Option<[u8; 8]>,
    /// The number of the password in this run, from 1 in the order of time; 0 where there is none.
    pub password: u32,
    /// Outermost VLAN id.
    pub vlan: Option<u16>,
    /// Copies within ten seconds (tools send three or more); the event cites the first.
    pub copies: u32,
    /// The further copies' packets, the first 15 of them.
    pub copy_packets: Vec<Provenance>,
}
