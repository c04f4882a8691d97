//! Which process a process id meant at a moment, and what its image is called in either spelling.
//!
//! A process instance is a host, a process id and a stretch of time, from Security 4688 and 4689 and
//! from Sysmon 1 and 5. A record joins an instance only if its time lies inside and its image has
//! the same file name; otherwise it stays unjoined, for process ids are used again.
//!
//! Ask `instance_at` for the process of a record that names pid and image, `running` where it names
//! the pid alone, `with_guid` where Sysmon names it; then `parent` and `causality_owner` for what
//! started it, and `same_image` and `drive_path` to compare its path with other spellings.
//!
//! At most 400,000 starts and ends are kept over all hosts, and 64 MiB of command lines; what was
//! left out is counted, and where starts were left out no process without a logged end is joined.

mod ancestry;
mod builder;
mod instances;
mod service;
#[cfg(test)]
mod tests;
mod volumes;

use super::identity::HostId;
use crate::eventlog::normalise::image::{self, image_key, image_name};
use crate::model::host_event::Process;
use crate::model::{Provenance, Span, Text, Timestamp};
use std::collections::BTreeMap;
use volumes::Volumes;

pub use ancestry::CausalityOwner;
pub use builder::ProcessesBuilder;
pub use service::service_of;

/// How far a record's time may lie outside its process's: logs write with delays.
pub const TOLERANCE: Span = Span::seconds(1);

/// One process from start to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Process id.
    pub pid: u32,
    /// Sysmon's ProcessGuid, where Sysmon logged it.
    pub guid: Option<[u8; 16]>,
    /// Image path, as its start was logged.
    pub image: Text,
    /// The service an `svchost` runs for, from `-s` of its command line.
    pub service: Option<Text>,
    /// Command line; empty where not logged or not kept.
    pub command_line: Text,
    /// OriginalFileName of its file's version resource (Sysmon 1); empty where not logged.
    pub original_name: Text,
    /// The account it runs as, `DOMAIN\name` as written; empty where its start was not logged.
    pub user: Text,
    /// What the record of its start says of its parent; see `Processes::parent`.
    pub parent: Process,
    /// When it started; `None` if that was before the log.
    pub started: Option<Timestamp>,
    /// When it ended; `None` if no record says.
    pub ended: Option<Timestamp>,
    /// The records of its start and end.
    pub records: Vec<Provenance>,
    /// From here on the id may mean it.
    from: Timestamp,
    /// From here on the id means another process, or none.
    until: Timestamp,
}

impl Instance {
    /// What runs: the image without its volume in lower case, and the service that an `svchost`
    /// runs for. Without the service, all services would look like one program.
    pub fn program(&self) -> String {
        let mut program = image_key(&self.image);
        if let Some(service) = &self.service {
            program.push(' ');
            program.push_str(&service.to_lowercase());
        }
        program
    }
}

/// The processes of one host.
#[derive(Clone, Debug, Default)]
struct OfHost {
    /// By process id, then time: both `from` and `until` rise.
    instances: Vec<Instance>,
    by_guid: BTreeMap<[u8; 16], u32>,
    volumes: Volumes,
    /// The earliest start that was not kept: from here on, a process without a logged end may have
    /// ended unseen.
    forgotten_from: Option<Timestamp>,
}

/// The frozen answer.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    hosts: BTreeMap<HostId, OfHost>,
    /// Starts and ends that were not kept because there were too many.
    pub forgotten: u64,
    /// Command lines that were not kept because there were too many bytes of them.
    pub command_lines_forgotten: u64,
}

impl Processes {
    /// The process that `pid` meant at `time`, if it is known and has `image`'s file name.
    pub fn instance_at(
        &self,
        host: HostId,
        pid: u32,
        time: Timestamp,
        image: &str,
    ) -> Option<&Instance> {
        let name = image_name(image);
        let (early, late) = (time.shifted(TOLERANCE.negated()), time.shifted(TOLERANCE));
        let of = self.hosts.get(&host)?;
        let first = of
            .instances
            .partition_point(|i| (i.pid, i.until) <= (pid, early));
        let fitting = of.instances[first..]
            .iter()
            .take_while(|i| i.pid == pid && i.from <= late)
            .filter(|i| image_name(&i.image).eq_ignore_ascii_case(name))
            .filter(|i| i.ended.is_some() || of.forgotten_from.is_none_or(|at| time < at));
        // Inside goes before beside; beside two of one name it cannot be told.
        let mut beside = None;
        let mut count = 0;
        for instance in fitting {
            if instance.from <= time && time < instance.until {
                return Some(instance);
            }
            beside = Some(instance);
            count += 1;
        }
        beside.filter(|_| count == 1)
    }

    /// The process that `pid` meant at `time`, for records that name no image: `time` must lie
    /// between its start and its end, and both must not rest on records that were left out.
    pub fn running(&self, host: HostId, pid: u32, time: Timestamp) -> Option<&Instance> {
        let of = self.hosts.get(&host)?;
        let first = of
            .instances
            .partition_point(|i| (i.pid, i.until) <= (pid, time));
        let found = of.instances.get(first)?;
        let known = found.ended.is_some() || of.forgotten_from.is_none_or(|at| time < at);
        (found.pid == pid && found.from <= time && known).then_some(found)
    }

    /// The process with Sysmon's ProcessGuid.
    pub fn with_guid(&self, host: HostId, guid: &[u8; 16]) -> Option<&Instance> {
        let of = self.hosts.get(&host)?;
        of.instances.get(*of.by_guid.get(guid)? as usize)
    }

    /// The processes of a host, by process id, then time.
    pub fn of_host(&self, host: HostId) -> &[Instance] {
        self.hosts.get(&host).map_or(&[], |of| &of.instances)
    }

    /// `\device\harddiskvolume2\x` as `C:\x`, where records of this host show that volume 2 is C.
    pub fn drive_path(&self, host: HostId, image: &str) -> Option<String> {
        let (volume, rest) = image::volume(image)?;
        let drive = self.hosts.get(&host)?.volumes.drive(volume)?;
        Some(format!("{drive}:{rest}"))
    }

    /// True if both paths can be one file on this host, in either spelling: the same below the
    /// volume, and not on two volumes that are known to differ.
    pub fn same_image(&self, host: HostId, a: &str, b: &str) -> bool {
        if image_key(a) != image_key(b) {
            return false;
        }
        let drive = |path: &str| {
            image::drive(path).or_else(|| {
                let (volume, _) = image::volume(path)?;
                self.hosts.get(&host)?.volumes.drive(volume)
            })
        };
        match (drive(a), drive(b), image::volume(a), image::volume(b)) {
            (Some(a), Some(b), ..) => a == b,
            (_, _, Some((a, _)), Some((b, _))) => a == b,
            _ => true,
        }
    }
}
