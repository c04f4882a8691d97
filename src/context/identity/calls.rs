//! Who was called by magic packets, when and by whom: what such a machine does next is worth a look.

use super::builder::Mac;
use super::{HostId, Identity};
use crate::model::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Callers of one machine that are asked for at a time.
const CALLERS: usize = 8;

/// One signal to a hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// When.
    pub time: Timestamp,
    /// The sender's IP address, where the signal had one.
    pub sender: Option<IpAddr>,
    /// The sender's hardware address, where the link has one.
    pub sender_mac: Option<Mac>,
}

/// The calls of each machine in time order.
pub(super) fn of(mut calls: BTreeMap<Mac, Vec<Call>>) -> BTreeMap<Mac, Vec<Call>> {
    calls.values_mut().for_each(|calls| calls.sort_unstable());
    calls
}

impl Identity {
    /// True if magic packets were seen.
    pub fn is_anybody_called(&self) -> bool {
        !self.calls.is_empty()
    }

    /// The last calls of `mac` up to `time` that are at most `within` old, the latest first.
    pub fn calls_of(
        &self,
        mac: &[u8; 6],
        time: Timestamp,
        within: Span,
    ) -> impl Iterator<Item = &Call> {
        let calls = self.calls.get(mac).map_or(&[][..], Vec::as_slice);
        let before = calls.partition_point(|call| call.time <= time);
        let recent = calls[..before].iter().rev();
        recent
            .take_while(move |call| time.since(call.time) <= within)
            .take(CALLERS)
    }

    /// Every IP address that a machine ever had that was called.
    pub fn addresses_called(&self) -> BTreeSet<IpAddr> {
        let of = |mac| self.of_mac.get(mac).into_iter().flatten();
        self.calls.keys().flat_map(of).copied().collect()
    }

    /// The machines that were called and were `host` then, in order.
    pub fn called_of(&self, host: HostId, time: Timestamp) -> BTreeSet<Mac> {
        let by_address = self.addresses_at(host, time);
        let by_address = by_address.filter_map(|address| self.mac_at(address, time));
        by_address
            .filter(|mac| self.calls.contains_key(mac))
            .collect()
    }
}
