//! How two processes of one host belong together: one started the other, or reached into it.

use super::who::Who;
use crate::model::host_event::HostWhat;
use crate::model::{Event, Span, Text, Timestamp, What};
use std::collections::BTreeMap;

/// Process starts remembered per host, and reaches into other processes.
const STARTS: usize = 4096;
const REACHES: usize = 256;
/// How far up a chain of parents is followed.
const GENERATIONS: usize = 3;

/// How the process of the new channel belongs to that of the broken one, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// Nothing recorded, but the process of the new channel is of a program that typically does not
    /// network.
    Stranger,
    /// Only the host: no process is known for at least one of them.
    Host,
    /// Another process, but the same server.
    SameServer,
    /// The same program in another process.
    SameProgram,
    /// One started the other, directly or over others.
    Kin,
    /// The process of the broken channel reached into the other.
    Injected,
    /// One process.
    SameInstance,
}

impl Link {
    /// As a statement.
    pub fn words(self) -> &'static str {
        match self {
            Self::Stranger => {
                "two processes of one host that no record ties; that of the new channel typically does not network"
            }
            Self::Host => {
                "both channels belong to one host; no process is known for at least one of them"
            }
            Self::SameServer => "another or an unknown process of the host went to the same server",
            Self::SameProgram => "another process of the same program used the new channel",
            Self::Kin => "one of the two processes started the other",
            Self::Injected => {
                "the process of the broken channel reached into the one with the new channel"
            }
            Self::SameInstance => "one process used both channels",
        }
    }

    /// Its weight in decibans.
    pub fn weight(self) -> i32 {
        match self {
            Self::Stranger => 0,
            Self::Host => 2,
            Self::SameServer => 5,
            Self::SameProgram | Self::Kin => 6,
            Self::Injected => 9,
            Self::SameInstance => 10,
        }
    }
}

struct Start {
    who: Who,
    parent: Who,
    event: Event,
}

/// Process starts and reaches of one host.
#[derive(Default)]
pub struct Lineage {
    starts: BTreeMap<(Text, Option<u32>), Vec<Start>>,
    held: usize,
    reaches: Vec<(Who, Who, Event)>,
}

impl Lineage {
    /// Takes in an event; what does not fit is counted in `dropped`.
    pub fn hear(&mut self, event: &Event, dropped: &mut u64) {
        let What::Host(host) = &event.what else {
            return;
        };
        match &host.what {
            HostWhat::ProcessStarted {
                process, parent, ..
            } => {
                let who = Who {
                    started: Some(event.time),
                    ..Who::process(process)
                };
                let key = (who.program.clone(), who.pid);
                // Security and Sysmon tell of the same start.
                let mut known = self.starts.get(&key).into_iter().flatten();
                if known.any(|start| start.who.same_instance(&who)) {
                    return;
                }
                if self.held >= STARTS {
                    *dropped += 1;
                    return;
                }
                self.held += 1;
                self.starts.entry(key).or_default().push(Start {
                    who,
                    parent: Who::process(parent),
                    event: event.clone(),
                });
            }
            HostWhat::Intruded { by, into, .. } => {
                if self.reaches.len() >= REACHES {
                    *dropped += 1;
                    return;
                }
                self.reaches
                    .push((Who::process(by), Who::process(into), event.clone()));
            }
            _ => {}
        }
    }

    /// How many starts and reaches are remembered.
    pub fn held(&self) -> usize {
        self.held + self.reaches.len()
    }

    fn start(&self, who: &Who, before: Timestamp) -> Option<&Start> {
        self.starts
            .get(&(who.program.clone(), who.pid))?
            .iter()
            .rev()
            .find(|start| {
                start.event.time <= before.shifted(Span::seconds(2)) && start.who.same_instance(who)
            })
    }

    /// The record of a process's start.
    pub fn start_of(&self, who: &Who, before: Timestamp) -> Option<&Event> {
        self.start(who, before).map(|start| &start.event)
    }

    /// The parent of a process, as its start record names it.
    pub fn parent_of(&self, who: &Who, before: Timestamp) -> Option<&Who> {
        self.start(who, before).map(|start| &start.parent)
    }

    fn descends(&self, child: &Who, from: &Who, before: Timestamp) -> bool {
        let mut at = child.clone();
        for _ in 0..GENERATIONS {
            let Some(parent) = self.parent_of(&at, before).cloned() else {
                return false;
            };
            if parent.same_instance(from) {
                return true;
            }
            at = parent;
        }
        false
    }

    /// The record by which `by` reached into `into` before `time`.
    pub fn reach(&self, by: &Who, into: &Who, time: Timestamp) -> Option<&Event> {
        self.reaches
            .iter()
            .find(|(from, to, event)| {
                event.time <= time && from.same_instance(by) && to.same_instance(into)
            })
            .map(|(_, _, event)| event)
    }

    /// A process that reached into `into` before `time`, other than those whose program `trusted`
    /// names: protections and Windows itself do so all day.
    pub fn reached(&self, into: &Who, time: Timestamp, trusted: fn(&str) -> bool) -> Option<&Who> {
        self.reaches
            .iter()
            .find(|(from, to, event)| {
                event.time <= time && to.same_instance(into) && !trusted(&from.program)
            })
            .map(|(from, _, _)| from)
    }

    /// How the user of a new channel belongs to that of a broken one; `None` for two known
    /// processes that have nothing to do with each other.
    pub fn link(
        &self,
        broken: &Who,
        new: &Who,
        same_server: bool,
        time: Timestamp,
    ) -> Option<Link> {
        if broken.same_instance(new) {
            return Some(Link::SameInstance);
        }
        if broken.known() && new.known() {
            if self.reach(broken, new, time).is_some() {
                return Some(Link::Injected);
            }
            if self.descends(new, broken, time) || self.descends(broken, new, time) {
                return Some(Link::Kin);
            }
            if broken.same_program(new) {
                return Some(Link::SameProgram);
            }
            return same_server.then_some(Link::SameServer);
        }
        Some(if same_server {
            Link::SameServer
        } else {
            Link::Host
        })
    }
}
