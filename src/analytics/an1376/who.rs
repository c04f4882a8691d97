//! Who made a contact: a process instance, or no more than the evidence tells.

use crate::analytics::kit::contact::Contact;
use crate::eventlog::normalise::image::image_key;
use crate::model::host_event::Process;
use crate::model::{Span, Text, Timestamp};

/// How far two records may differ about the start of one process.
const SAME_START: Span = Span::seconds(2);

/// A process instance as far as it is known. Without any name it is "somebody on this host".
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// Image without its volume, in lower case; empty if no process is known.
    pub program: Text,
    /// The service of an `svchost.exe`; empty where none is told.
    pub service: Text,
    /// Process id.
    pub pid: Option<u32>,
    /// When it started, where a record says.
    pub started: Option<Timestamp>,
}

impl Who {
    /// The process of a contact.
    pub fn of(contact: &Contact<'_>) -> Self {
        let Some(actor) = contact.actor else {
            return Self::default();
        };
        Self {
            service: actor.service.clone().unwrap_or_default(),
            started: actor.started,
            ..Self::process(&actor.process)
        }
    }

    /// A process as one record names it.
    pub fn process(process: &Process) -> Self {
        Self {
            program: match &*process.image {
                "" | "-" => Text::default(),
                image => image_key(image).as_str().into(),
            },
            service: Text::default(),
            pid: process.pid,
            started: None,
        }
    }

    /// True if a program is known.
    pub fn known(&self) -> bool {
        !self.program.is_empty()
    }

    /// The file name of the program.
    pub fn file_name(&self) -> &str {
        self.program.rsplit('\\').next().unwrap_or_default()
    }

    /// True if both are one process instance: the same program and id, and no sign that the id was
    /// used again.
    pub fn same_instance(&self, other: &Self) -> bool {
        self.same_program(other)
            && self.pid.is_some()
            && self.pid == other.pid
            && match (self.started, other.started) {
                (Some(a), Some(b)) => a.since(b).abs() <= SAME_START,
                _ => true,
            }
    }

    /// True if both run the same program, for the same service where that is told.
    pub fn same_program(&self, other: &Self) -> bool {
        self.known() && self.program == other.program && self.service == other.service
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(program: &str, pid: u32, started: Option<i64>) -> Who {
        Who {
            program: program.into(),
            service: Text::default(),
            pid: Some(pid),
            started: started.map(|s| Timestamp(s * 1_000_000_000)),
        }
    }

    #[test]
    fn an_id_that_was_used_again_is_another_instance() {
        let first = who("\\a.exe", 100, Some(10));
        assert!(first.same_instance(&who("\\a.exe", 100, Some(11))));
        assert!(!first.same_instance(&who("\\a.exe", 100, Some(900))));
        assert!(first.same_instance(&who("\\a.exe", 100, None)));
        assert!(!first.same_instance(&who("\\b.exe", 100, Some(10))));
    }

    #[test]
    fn nobody_known_is_never_the_same_as_anybody() {
        assert!(!Who::default().same_instance(&Who::default()));
        assert!(!Who::default().same_program(&Who::default()));
    }
}
