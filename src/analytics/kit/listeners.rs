//! Which program listened on which port before: a program that listens there again was restarted.

use super::announced::announced;
use super::change::SAME_RULE;
use crate::eventlog::normalise::image::image_key;
use crate::model::host_event::Verdict;
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Event, HostWhat, Span, Timestamp, Transport, What};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;

/// Listeners remembered per host.
const HELD: usize = 1_024;

/// What is shut and opens again within this time was restarted.
const RESTARTED_WITHIN: Span = Span::seconds(60);

/// Where something listens: transport, port, address; and the program, or what announces it.
type Listener = (Transport, u16, IpAddr, String);

#[derive(Clone, Copy, Debug)]
struct Since {
    first: Timestamp,
    // Of a program nobody tells when it listens no more; of services and settings it is told.
    shut: Option<Timestamp>,
}

/// The listeners that a host's log has told of so far, of ports that are not given for a while.
#[derive(Clone, Debug, Default)]
pub(super) struct Listeners(BTreeMap<Listener, Since>);

impl Listeners {
    /// How much is remembered, in changes: a listener takes a quarter of one.
    pub(super) fn held(&self) -> usize {
        self.0.len() / 4
    }

    /// Takes in a record; true if the same program was told to listen there before, or what announces it was
    /// not shut for longer than a restart takes. The same address is asked for: one that was reached from the
    /// host alone is another door.
    pub(super) fn hear(&mut self, event: &Event, dropped: &mut u64) -> bool {
        let What::Host(host) = &event.what else {
            return false;
        };
        let (listener, opens) = match &host.what {
            HostWhat::Listening {
                verdict: Verdict::Permitted,
                transport,
                local,
                process,
                ..
            } => {
                let image = image_key(&process.image);
                ((*transport, local.port, local.address, image), true)
            }
            what => match announced(what) {
                Some(told) => {
                    let by = told.by.to_lowercase();
                    ((Transport::TCP, told.port, told.address, by), told.opens)
                }
                None => return false,
            },
        };
        if listener.1 >= FIRST_DYNAMIC_PORT {
            return false;
        }
        let now = event.time;
        let full = self.0.len() >= HELD;
        let since = match self.0.entry(listener) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(_) if full => {
                *dropped += 1;
                return false;
            }
            Entry::Vacant(free) => {
                let shut = (!opens).then_some(now);
                free.insert(Since { first: now, shut });
                return false;
            }
        };
        if !opens {
            since.shut = Some(now);
            return false;
        }
        let again = match since.shut.take() {
            Some(shut) => now.since(shut) <= RESTARTED_WITHIN,
            None => now.since(since.first).abs() > SAME_RULE,
        };
        if !again && now.since(since.first).abs() > SAME_RULE {
            since.first = now;
        }
        again
    }
}
