//! A packet record on its way through the decoder, and what became of it.

use super::peer_name::PeerNames;
use super::split::Split;
use super::tunnel::Tunnels;
use crate::model::Timestamp;

/// One packet record as the file has it.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub link: u32,
    pub data: &'a [u8],
    pub time: Timestamp,
    pub number: u64,
    pub offset: u64,
    pub interface: u16,
    pub pid: u32,
    /// The record says the packet was longer than what it holds.
    pub cut: bool,
    /// Inside how many others it is, and where in the outermost it starts.
    pub inside: (u8, usize),
}

/// What is remembered from packet to packet of a file.
#[derive(Default)]
pub(super) struct Memory {
    /// What packets call each other.
    pub names: PeerNames,
    /// What carried others.
    pub tunnels: Tunnels,
    /// Headers in fragments.
    pub split: Split,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// An IP packet, handed out.
    Ip {
        /// Less of it is captured than its IP length says.
        snapped: bool,
    },
    /// Not IP. A packet is handed out only if it is a magic packet.
    NotIp,
    /// A later fragment: no ports.
    LaterFragment,
    /// The capture ends before the ports or flags.
    Cut,
    /// The headers contradict themselves.
    Malformed,
    /// Not a link type that is read.
    OtherLink,
}
