//! Which program listened on which port before: a program that listens there again was restarted.

use super::announced::announced;
use super::change::SAME_RULE;
use crate::eventlog::normalise::image::image_key;
use crate::model::host_event::Verdict;
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Event, HostWhat, Timestamp, Transport, What};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Listeners remembered per host.
const HELD: usize = 1_024;

/// Where something listens: transport, port, address; and the program, or what announces it.
type Listener = (Transport, u16, IpAddr, String);

/// The listeners that a host's log has told of so far, of ports that are not given for a while, and when each
/// was first told.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners(BTreeMap<Listener, Timestamp>);

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
        let listener = match &host.what {
            HostWhat::Listening {
                verdict: Verdict::Permitted,
                transport,
                local,
                process,
                ..
            } => (
                *transport,
                local.port,
                local.address,
                image_key(&process.image),
            ),
            what => match announced(what) {
                Some(told) if told.opens => {
                    let by = told.by.to_lowercase();
                    (Transport::TCP, told.port, told.address, by)
                }
                _ => return false,
            },
        };
        if listener.1 >= FIRST_DYNAMIC_PORT {
            return false;
        }
        if let Some(first) = self.0.get(&listener) {
            return event.time.since(*first).abs() > SAME_RULE;
        }
        match self.0.len() >= HELD {
            true => *dropped += 1,
            false => {
                self.0.insert(listener, event.time);
            }
        }
        false
    }
}
