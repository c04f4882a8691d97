//! Which program listened on which port before: a program that listens there again was restarted.

use super::change::SAME_RULE;
use crate::eventlog::normalise::image::image_key;
use crate::model::host_event::Verdict;
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Event, HostWhat, Timestamp, Transport, What};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Listeners remembered per host.
const HELD: usize = 1_024;

/// The listeners that a host's log has told of so far, of ports that are not given for a while.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners(BTreeMap<(Transport, u16, IpAddr), (String, Timestamp)>);

impl Listeners {
    /// How much is remembered, in changes: a listener takes a quarter of one.
    pub(super) fn held(&self) -> usize {
        self.0.len() / 4
    }

    /// Takes in a record; true if the same program was told to listen there before. The same address is
    /// asked for: one that was reached from the host alone is another door.
    pub(super) fn hear(&mut self, event: &Event, dropped: &mut u64) -> bool {
        let What::Host(host) = &event.what else {
            return false;
        };
        let HostWhat::Listening {
            verdict: Verdict::Permitted,
            transport,
            local,
            process,
            ..
        } = &host.what
        else {
            return false;
        };
        if local.port >= FIRST_DYNAMIC_PORT {
            return false;
        }
        let key = (*transport, local.port, local.address);
        let image = image_key(&process.image);
        let before = self.0.get(&key);
        if let Some((_, first)) = before.filter(|(before, _)| *before == image) {
            return event.time.since(*first).abs() > SAME_RULE;
        }
        if before.is_none() && self.0.len() >= HELD {
            *dropped += 1;
        } else {
            self.0.insert(key, (image, event.time));
        }
        false
    }
}
