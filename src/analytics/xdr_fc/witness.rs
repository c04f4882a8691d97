//! The records by which attempts count as failed that only the host's log tells of: connections of the
//! same program to the same port that Sysmon did log, before and after.

use crate::analytics::kit::contact::Contact;
use crate::eventlog::normalise::image::image_key;
use crate::model::finding::{Role, Step};
use crate::model::{Event, HostWhat, Timestamp, Transport, What};
use std::collections::BTreeMap;

/// Programs and ports remembered.
const PAIRS: usize = 16;
/// About how many bytes an event takes.
const EVENT: usize = 512;

/// A program, as `image_key` has it, and the port it connects to.
type Pair = (String, u16);

/// What Sysmon logged around the failures of each program and port.
#[derive(Clone, Debug, Default)]
pub struct Witnesses {
    /// The last connection.
    last: BTreeMap<Pair, Event>,
    /// The failures.
    around: BTreeMap<Pair, Around>,
}

#[derive(Clone, Debug)]
struct Around {
    before: Option<Event>,
    failed: Timestamp,
    after: Option<Event>,
}

/// The program and port of an outgoing TCP connection that Sysmon logged (event 3).
fn connection(event: &Event) -> Option<Pair> {
    let What::Host(host) = &event.what else {
        return None;
    };
    match &host.what {
        HostWhat::Connected {
            process,
            initiated: true,
            transport: Transport::TCP,
            destination,
            ..
        } => Some((image_key(&process.image), destination.port)),
        _ => None,
    }
}

/// True if it is a record of such a connection.
pub fn is_connection(event: &Event) -> bool {
    connection(event).is_some()
}

impl Witnesses {
    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        (self.last.len() + self.around.len() * 2) * EVENT
    }

    /// Takes in a record, if it is of a connection.
    pub fn hear(&mut self, event: &Event) {
        let Some(pair) = connection(event) else {
            return;
        };
        if let Some(around) = self.around.get_mut(&pair)
            && around.after.is_none()
        {
            around.after = Some(event.clone());
        }
        if self.last.contains_key(&pair) || self.last.len() < PAIRS {
            self.last.insert(pair, event.clone());
        }
    }

    /// An attempt counts as failed by what was not logged.
    pub fn failed(&mut self, contact: &Contact<'_>) {
        let pair = (image_key(contact.image()), contact.remote.port);
        if self.around.len() >= PAIRS && !self.around.contains_key(&pair) {
            return;
        }
        let before = self.last.get(&pair);
        let around = self.around.entry(pair).or_insert_with(|| Around {
            before: before.cloned(),
            failed: contact.event.time,
            after: None,
        });
        around.failed = contact.event.time;
        around.after = None;
    }

    /// The records around the failures since `from`, as steps beside the pattern.
    pub fn steps(&self, from: Timestamp) -> Vec<Step> {
        let told = self.around.values().filter(|around| around.failed >= from);
        let step = |event: &Event, when: &str| Step {
            role: Role::Context,
            event: event.clone(),
            also: Vec::new(),
            remark: format!(
                "{when} the failures: Sysmon logs this program's connections to this port"
            ),
        };
        told.flat_map(|around| {
            let before = around.before.as_ref().map(|event| step(event, "before"));
            before
                .into_iter()
                .chain(around.after.as_ref().map(|event| step(event, "after")))
        })
        .collect()
    }
}
