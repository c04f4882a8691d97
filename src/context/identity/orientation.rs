//! Which side of a logged row is the host's own.

use super::{HostId, Identity};
use crate::model::net::{FIRST_DYNAMIC_PORT, is_group_or_wildcard};
use crate::model::{Direction, Endpoint, Timestamp};

/// The order in which a Windows version writes the two sides of inbound 5156 and 5157 rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// Source is the sender, destination the receiver: what newer versions write.
    #[default]
    PacketOrder,
    /// Source is the receiver: what older versions and Microsoft's sample show.
    ReceiverFirst,
}

/// How an orientation was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrientationVotes {
    /// Inbound rows that can only be packet-ordered.
    pub packet_order: u64,
    /// Inbound rows that can only be receiver-first.
    pub receiver_first: u64,
}

impl Identity {
    /// Which side of a `Filtered` row is the host's own: `(local, remote)`; `None` where that
    /// cannot be told.
    ///
    /// The addresses the host had at the time decide, then those it ever had; where both or neither
    /// side is its own, the group address is local, then the order in which this host writes its
    /// rows.
    pub fn local_and_remote(
        &self,
        host: HostId,
        time: Timestamp,
        direction: Option<Direction>,
        source: Endpoint,
        destination: Endpoint,
    ) -> Option<(Endpoint, Endpoint)> {
        let facts = self.host(host)?;
        match direction? {
            Direction::Outbound => return Some((source, destination)),
            Direction::Inbound => {}
        }
        let by = |source_is: bool, destination_is: bool| match (source_is, destination_is) {
            (true, false) => Some((source, destination)),
            (false, true) => Some((destination, source)),
            _ => None,
        };
        let now = |e: Endpoint| self.at(e.address, time) == Some(host);
        let ever = |e: Endpoint| facts.addresses.binary_search(&e.address).is_ok();
        let group = |e: Endpoint| is_group_or_wildcard(e.address);
        let decided = by(now(source), now(destination))
            .or_else(|| by(ever(source), ever(destination)))
            .or_else(|| by(group(source), group(destination)));
        if decided.is_some() {
            return decided;
        }
        let votes = facts.votes;
        if votes.packet_order != votes.receiver_first {
            return Some(match facts.orientation {
                Orientation::PacketOrder => (destination, source),
                Orientation::ReceiverFirst => (source, destination),
            });
        }
        let fixed = |e: Endpoint| e.port < FIRST_DYNAMIC_PORT;
        by(fixed(source), fixed(destination))
    }
}
