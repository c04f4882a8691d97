//! Collects starts and ends of processes while the evidence is read. What it keeps is bounded.

use super::service::service_of;
use super::volumes::Samples;
use super::{Processes, instances};
use crate::context::identity::{HostId, Identity};
use crate::model::host_event::Process;
use crate::model::{Event, HostWhat, Provenance, Text, Timestamp, What};
use std::collections::BTreeMap;

/// Starts and ends kept over all hosts.
const KEPT: usize = 400_000;
/// Bytes of command lines kept over all hosts.
const COMMAND_LINES: usize = 64 << 20;
/// Starts of the system kept per host.
const BOOTS: usize = 1024;

/// One record of a start or an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub pid: u32,
    pub time: Timestamp,
    pub starts: bool,
    pub provenance: Provenance,
    pub guid: Option<[u8; 16]>,
    pub image: Text,
    pub service: Option<Text>,
    pub command_line: Text,
    pub original_name: Text,
    pub user: Text,
    pub parent: Process,
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
    command_line_bytes: usize,
    forgotten: u64,
    command_lines_forgotten: u64,
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
                parent,
                user,
                file,
                ..
            } => {
                let original_name = file.as_ref().map(|file| file.original_name.clone());
                let told = Told {
                    original_name: original_name.unwrap_or_default(),
                    service: service_of(&process.image, command_line),
                    command_line: command_line.clone(),
                    user: user.clone(),
                    parent: parent.clone(),
                    ..Told::of(event, process)
                };
                self.tell(&host.computer, process.pid, told);
            }
            HostWhat::ProcessEnded { process } => {
                let told = Told {
                    starts: false,
                    ..Told::of(event, process)
                };
                self.tell(&host.computer, process.pid, told);
            }
            HostWhat::SystemStarted => {
                let left_out = self.logged(&host.computer).started([event.time]);
                self.forgotten += left_out;
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

    fn tell(&mut self, computer: &Text, pid: Option<u32>, told: Told) {
        if pid.is_some() {
            self.keep(computer, told);
        }
    }

    fn keep(&mut self, computer: &Text, mut told: Told) {
        if self.kept >= KEPT {
            self.forgotten += 1;
            let from = &mut self.logged(computer).forgotten_from;
            *from = Some(from.map_or(told.time, |at| at.min(told.time)));
            return;
        }
        self.kept += 1;
        let bytes = told.command_line.len() + told.original_name.len();
        if self.command_line_bytes + bytes > COMMAND_LINES {
            self.command_lines_forgotten += 1;
            told.command_line = Text::default();
            told.original_name = Text::default();
        } else {
            self.command_line_bytes += bytes;
        }
        self.logged(computer).told.push(told);
    }

    /// Takes over what another builder has seen.
    pub fn merge(&mut self, other: Self) {
        for (computer, mut theirs) in other.hosts {
            let computer = Text::from(computer.as_str());
            let told = std::mem::take(&mut theirs.told);
            let boots = std::mem::take(&mut theirs.boots);
            let logged = self.logged(&computer);
            logged.join(theirs);
            self.forgotten += logged.started(boots);
            told.into_iter().for_each(|one| self.keep(&computer, one));
        }
        self.forgotten += other.forgotten;
        self.command_lines_forgotten += other.command_lines_forgotten;
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
            command_lines_forgotten: self.command_lines_forgotten,
        }
    }
}

impl Told {
    /// A start; the caller says what else it tells.
    fn of(event: &Event, process: &Process) -> Self {
        Self {
            pid: process.pid.unwrap_or_default(),
            time: event.time,
            starts: true,
            provenance: event.provenance,
            guid: process.guid,
            image: process.image.clone(),
            service: None,
            command_line: Text::default(),
            original_name: Text::default(),
            user: Text::default(),
            parent: Process::default(),
        }
    }

    /// Ends sort before starts: an id is free before it is used again.
    pub fn order(&self) -> (u32, Timestamp, bool, Provenance) {
        (self.pid, self.time, self.starts, self.provenance)
    }
}

impl Logged {
    /// Keeps starts of the system as long as there is room; returns how many there was none for.
    fn started(&mut self, starts: impl IntoIterator<Item = Timestamp>) -> u64 {
        let mut left_out = 0;
        for start in starts {
            if self.boots.len() < BOOTS {
                self.boots.push(start);
            } else {
                left_out += 1;
            }
        }
        left_out
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(n: i64) -> Told {
        Told {
            pid: n as u32,
            time: Timestamp(n),
            starts: true,
            provenance: Provenance {
                evidence: crate::model::EvidenceId(1),
                interface: 0,
                kind: crate::model::provenance::Item::Record,
                item: n as u64,
                offset: 0,
                inside: false,
            },
            guid: None,
            image: "a.exe".into(),
            service: None,
            command_line: "a.exe".into(),
            original_name: Text::default(),
            user: Text::default(),
            parent: Process::default(),
        }
    }

    fn builder(kept: usize, bytes: usize) -> ProcessesBuilder {
        ProcessesBuilder {
            kept,
            command_line_bytes: bytes,
            ..ProcessesBuilder::default()
        }
    }

    #[test]
    fn records_and_command_lines_are_bounded_while_reading_and_on_merge() {
        let host = Text::from("WS01");
        let mut full = builder(KEPT - 1, COMMAND_LINES - 5);
        full.keep(&host, told(1));
        full.keep(&host, told(2));
        let mut other = builder(0, COMMAND_LINES);
        other.keep(&host, told(3));
        assert_eq!((full.forgotten, full.command_lines_forgotten), (1, 0));
        assert_eq!((other.forgotten, other.command_lines_forgotten), (0, 1));
        full.merge(other);
        assert_eq!((full.forgotten, full.command_lines_forgotten), (2, 1));
        assert_eq!(full.hosts["WS01"].told.len(), 1);
        assert_eq!(full.hosts["WS01"].forgotten_from, Some(Timestamp(2)));
    }

    #[test]
    fn starts_of_the_system_are_bounded_while_reading_and_on_merge() {
        let half = || {
            let mut builder = ProcessesBuilder::default();
            let starts = (0..BOOTS as i64).map(Timestamp);
            assert_eq!(builder.logged(&"WS01".into()).started(starts), 0);
            builder
        };
        let mut one = half();
        assert_eq!(one.logged(&"WS01".into()).started([Timestamp(0)]), 1);
        one.merge(half());
        assert_eq!(one.hosts["WS01"].boots.len(), BOOTS);
        assert_eq!(one.forgotten, BOOTS as u64);
    }
}
