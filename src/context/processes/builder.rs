//! Collects starts and ends of processes while the evidence is read. What it keeps is bounded.

use super::image::service_of;
use super::volumes::Samples;
use super::{Processes, instances};
use crate::context::identity::{HostId, Identity};
use crate::model::host_event::Process;
use crate::model::{Event, HostWhat, Provenance, Text, Timestamp, What};
use std::collections::BTreeMap;

/// Starts and ends kept over all hosts.
const KEPT: usize = 400_000;
/// Starts of the system kept per host.
const BOOTS: usize = 1024;

/// One record of a start or an end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    pub pid: u32,
    pub time: Timestamp,
    /// Ends sort before starts: an id is free before it is used again.
    pub starts: bool,
    pub provenance: Provenance,
    pub guid: Option<[u8; 16]>,
    pub image: Text,
    pub service: Option<Text>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Logged {
    pub told: Vec<Told>,
    pub boots: Vec<Timestamp>,
    pub samples: Samples,
    pub forgotten_from: Option<Timestamp>,
}

/// Collects what hosts log of their processes; builders of several readers merge.
#[derive(Clone, Debug, Default)]
pub struct ProcessesBuilder {
    hosts: BTreeMap<String, Logged>,
    kept: usize,
    forgotten: u64,
}

impl ProcessesBuilder {
    /// Takes in an event.
    pub fn observe(&mut self, event: &Event) {
        let What::Host(host) = &event.what else {
            return;
        };
        match &host.what {
            HostWhat::ProcessStarted {
                process,
                command_line,
                ..
            } => {
                let service = service_of(&process.image, command_line);
                self.tell(&host.computer, event, process, true, service);
            }
            HostWhat::ProcessEnded { process } => {
                self.tell(&host.computer, event, process, false, None);
            }
            HostWhat::SystemStarted => {
                let boots = &mut self.logged(&host.computer).boots;
                if boots.len() < BOOTS {
                    boots.push(event.time);
                }
            }
            HostWhat::Filtered { process, .. }
            | HostWhat::Bound { process, .. }
            | HostWhat::Listening { process, .. } => {
                if let Some(pid) = process.pid {
                    let samples = &mut self.logged(&host.computer).samples;
                    samples.add(pid, &process.image, event.time);
                }
            }
            _ => {}
        }
    }

    fn logged(&mut self, computer: &Text) -> &mut Logged {
        if !self.hosts.contains_key(computer.as_ref()) {
            let fresh = Logged::default();
            self.hosts.insert(computer.to_string(), fresh);
        }
        match self.hosts.get_mut(computer.as_ref()) {
            Some(logged) => logged,
            None => unreachable!("it was put there if it was not"),
        }
    }

    fn tell(
        &mut self,
        computer: &Text,
        event: &Event,
        process: &Process,
        starts: bool,
        service: Option<Text>,
    ) {
        let Some(pid) = process.pid else { return };
        if self.kept >= KEPT {
            self.forgotten += 1;
            let from = &mut self.logged(computer).forgotten_from;
            *from = Some(from.map_or(event.time, |at| at.min(event.time)));
            return;
        }
        self.kept += 1;
        self.logged(computer).told.push(Told {
            pid,
            time: event.time,
            starts,
            provenance: event.provenance,
            guid: process.guid,
            image: process.image.clone(),
            service,
        });
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (computer, theirs) in other.hosts {
            let ours = self.hosts.entry(computer).or_default();
            ours.join(theirs);
        }
        self.kept += other.kept;
        self.forgotten += other.forgotten;
    }

    /// Joins starts and ends, with computers resolved to hosts and times corrected by `correct`.
    pub fn freeze(
        self,
        identity: &Identity,
        correct: impl Fn(HostId, Timestamp) -> Timestamp,
    ) -> Processes {
        let mut hosts: BTreeMap<_, Logged> = BTreeMap::new();
        for (computer, logged) in self.hosts {
            if let Some(id) = identity.named(&computer) {
                let corrected = logged.retimed(|time| correct(id, time));
                hosts.entry(id).or_default().join(corrected);
            }
        }
        Processes {
            hosts: hosts
                .into_iter()
                .map(|(id, logged)| (id, instances::of(logged)))
                .collect(),
            forgotten: self.forgotten,
        }
    }
}

impl Logged {
    fn retimed(mut self, correct: impl Fn(Timestamp) -> Timestamp) -> Self {
        self.told.iter_mut().for_each(|t| t.time = correct(t.time));
        self.boots.iter_mut().for_each(|t| *t = correct(*t));
        self.samples.retime(&correct);
        self.forgotten_from = self.forgotten_from.map(correct);
        self
    }

    fn join(&mut self, other: Self) {
        self.told.extend(other.told);
        self.boots.extend(other.boots);
        self.samples.merge(other.samples);
        let both = self.forgotten_from.into_iter().chain(other.forgotten_from);
        self.forgotten_from = both.min();
    }
}
