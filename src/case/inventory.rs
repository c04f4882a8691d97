//! What evidence there is, without judging it: files, hosts, channels, clocks, gaps, coverage.
//!
//! Plain data, like the case it goes with. No analytic has run for it.

use super::Case;
use crate::context::identity::{Orientation, OrientationVotes};
use crate::model::{EvidenceId, Span, Text, Timestamp};

/// An inventory.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Files, hosts, clocks, gaps, coverage and problems; its verdicts say which analytic could
    /// judge which host, not what it would find.
    pub case: Case,
    /// More of each host, in the order of `case.hosts`.
    pub hosts: Vec<HostMore>,
    /// The channels, by host and name.
    pub channels: Vec<ChannelRow>,
    /// The interfaces of the captures, by file and number.
    pub interfaces: Vec<InterfaceRow>,
    /// Silences longer than this are among the gaps.
    pub silence: Span,
}

/// What an inventory says of a host beside its row in the case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostMore {
    /// How its inbound rows of 5156 and 5157 are written.
    pub orientation: Orientation,
    /// What that rests on.
    pub votes: OrientationVotes,
    /// First and last record of any of its logs, on the reference clock.
    pub logged: Option<(Timestamp, Timestamp)>,
    /// TCP attempts in the captures with one of its addresses on either end.
    pub attempts: u64,
    /// Of those, the ones with a captured SYN.
    pub syns: u64,
    /// Of those, the ones with any answer.
    pub answered: u64,
}

/// One channel of one host, over all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelRow {
    /// The host, as `HostRow::label` says it; the computer as written if it is none of the hosts.
    pub host: String,
    /// The channel, as written.
    pub channel: Text,
    /// The files.
    pub evidence: Vec<EvidenceId>,
    /// Records read.
    pub records: u64,
    /// Lowest and highest EventRecordID.
    pub record_ids: Option<(u64, u64)>,
    /// Earliest and latest TimeCreated, as recorded.
    pub times: Option<(Timestamp, Timestamp)>,
    /// The same on the reference clock, where that moves them.
    pub corrected: Option<(Timestamp, Timestamp)>,
    /// Event ids that occur, with how often.
    pub event_ids: Vec<(u32, u64)>,
    /// Records of event ids beyond those counted.
    pub uncounted: u64,
    /// Holes in the EventRecordIDs and the records missing in them; `None` if there were too many
    /// to follow, or it is an export.
    pub missing: Option<(u64, u64)>,
    /// True if it is there as an export alone, which may leave records out.
    pub export: bool,
    /// True if the log was full and went round.
    pub wrapped: bool,
}

/// One interface of one capture file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceRow {
    /// The file.
    pub evidence: EvidenceId,
    /// Number in the file.
    pub number: u16,
    /// Link type, as listed by the tcpdump group.
    pub link: u32,
    /// Snap length as declared; 0 for none.
    pub snap_length: u32,
    /// Packets.
    pub packets: u64,
    /// Packets the capturing system says it dropped.
    pub dropped: u64,
    /// Earliest and latest packet, on the reference clock.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Silences longer than `Inventory::silence`.
    pub silences: Vec<(Timestamp, Timestamp)>,
}
