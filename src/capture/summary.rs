//! What one capture file held, and how much of it was read.

use super::silence::Silences;
use crate::model::Timestamp;

/// What a capture file held. Units read + skipped = units present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureSummary {
    /// Packet records present: the number of the last one.
    pub present: u64,
    /// Records read, with or without a `Packet` to show for it.
    pub read: u64,
    /// Records that are there but could not be read.
    pub skipped: u64,
    /// Packets handed out.
    pub packets: u64,
    /// Records read that carry no IP: ARP, LLDP, spanning tree …
    pub not_ip: u64,
    /// Second and later fragments: read, without ports, so not handed out.
    pub later_fragments: u64,
    /// IP packets of which the capture holds less than the IP length says.
    pub snapped: u64,
    /// Bytes of the longest packet record, as kept.
    pub longest: u64,
    /// Bytes of the decompressed file read.
    pub bytes: u64,
    /// Damaged regions passed over.
    pub damaged_regions: u64,
    /// Their bytes.
    pub damaged_bytes: u64,
    /// Captures in the file: pcapng sections, or concatenated files.
    pub sections: u32,
    /// Earliest packet time.
    pub first: Option<Timestamp>,
    /// Latest packet time.
    pub last: Option<Timestamp>,
    /// The interfaces, in order of appearance; equal ones of several sections are one entry.
    pub interfaces: Vec<InterfaceSummary>,
    /// True if it holds no packets but connections that a sensor summed up.
    pub summed_up: bool,
}

/// How fine the times of an interface are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// 10 to the minus this many seconds.
    Decimal(u8),
    /// 2 to the minus this many seconds.
    Binary(u8),
}

/// One interface packets were captured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceSummary {
    /// Number in its section, from 0.
    pub number: u16,
    /// Link type, as listed by the tcpdump group.
    pub link: u32,
    /// How fine its times are.
    pub resolution: Resolution,
    /// Snap length as declared; 0 for none.
    pub snap_length: u32,
    /// Sections it appears in.
    pub sections: u32,
    /// Packet records.
    pub packets: u64,
    /// Earliest packet time.
    pub first: Option<Timestamp>,
    /// Latest packet time.
    pub last: Option<Timestamp>,
    /// Packets the capturing system says it dropped.
    pub dropped: u64,
    /// Stretches without any packet.
    pub silences: Silences,
}
