//! What a host did around a change: who started the program that made it, and whether somebody
//! wiped the trail.

use super::change::{Change, Effect, image_of, is_service_host};
use crate::eventlog::normalise::image::image_key;
use crate::model::finding::{Role, Step};
use crate::model::{Event, HostWhat, Span, Timestamp, What};
use std::collections::VecDeque;

/// Events held per host.
const HELD: usize = 512;
/// A program is started at most this long before the change it makes (netsh to the first record was
/// measured at up to 10.1 s).
const BEFORE: Span = Span::seconds(15);
/// Clearing a log this long after the sequence still belongs to it.
const WIPED_WITHIN: Span = Span::seconds(300);
/// Words of commands that change the firewall.
const COMMANDS: [&str; 7] = [
    "advfirewall",
    "netsh firewall",
    "netfirewallrule",
    "netfirewallprofile",
    "sharedaccess",
    "portproxy",
    "mpssvc",
];

/// Process starts, scripts and wiped logs of one host.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    held: VecDeque<Event>,
}

/// True for an event that may surround a change.
pub fn surrounds(what: &HostWhat) -> bool {
    match what {
        HostWhat::ProcessStarted { .. }
        | HostWhat::LogCleared { .. }
        | HostWhat::AuditPolicyChanged { .. } => true,
        HostWhat::Script { text, .. } => mentions_firewall(text),
        _ => false,
    }
}

fn mentions_firewall(text: &str) -> bool {
    let text = text.to_lowercase();
    COMMANDS.iter().any(|command| text.contains(command))
}

impl Surroundings {
    /// How many events are remembered.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes in an event of this host.
    pub fn hear(&mut self, event: &Event, dropped: &mut u64) {
        let What::Host(host) = &event.what else {
            return;
        };
        if !surrounds(&host.what) {
            return;
        }
        if self.held.len() >= HELD {
            self.held.pop_front();
            *dropped += 1;
        }
        self.held.push_back(event.clone());
    }

    /// Forgets what is older than `before`.
    pub fn forget(&mut self, before: Timestamp) {
        while self.held.front().is_some_and(|e| e.time < before) {
            self.held.pop_front();
        }
    }

    /// The starts of the programs behind these changes, two records of one start as one step.
    pub fn behind<'c>(&self, changes: impl Iterator<Item = &'c Change>) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for change in changes {
            for event in &self.held {
                let What::Host(host) = &event.what else {
                    continue;
                };
                let matches = match &host.what {
                    HostWhat::ProcessStarted {
                        process,
                        command_line,
                        ..
                    } => {
                        let image = image_of(change);
                        let same = image
                            .as_ref()
                            .is_some_and(|i| image_key(i) == image_key(&process.image));
                        let near = in_time(event, change);
                        match change.effect {
                            Effect::Listens => {
                                same && pid_of(change) == process.pid
                                    && event.time <= change.event.time
                            }
                            _ => {
                                near && (same && !is_service_host(&process.image)
                                    || mentions_firewall(command_line))
                            }
                        }
                    }
                    HostWhat::Script { .. } => in_time(event, change),
                    _ => false,
                };
                if matches {
                    add(&mut steps, event);
                }
            }
        }
        steps
    }

    /// Logs cleared and auditing changed from the first touch until a while after the end.
    pub fn wiped(&self, from: Timestamp, to: Timestamp) -> Vec<Step> {
        let until = to.shifted(WIPED_WITHIN);
        self.held
            .iter()
            .filter(|e| e.time >= from && e.time <= until)
            .filter_map(|e| match &e.what {
                What::Host(host) => match host.what {
                    HostWhat::LogCleared { .. } => {
                        Some((e, "a log was cleared: records may be gone"))
                    }
                    HostWhat::AuditPolicyChanged { .. } => Some((e, "what is logged changed")),
                    _ => None,
                },
                _ => None,
            })
            .map(|(event, remark)| Step {
                role: Role::Context,
                event: event.clone(),
                also: Vec::new(),
                remark: remark.to_owned(),
            })
            .collect()
    }
}

fn in_time(event: &Event, change: &Change) -> bool {
    (Span::ZERO..=BEFORE).contains(&change.event.time.since(event.time))
}

/// A change that svchost makes names the service's host, not who asked for it.
fn pid_of(change: &Change) -> Option<u32> {
    match &change.event.what {
        What::Host(host) => match &host.what {
            HostWhat::Listening { process, .. } | HostWhat::Bound { process, .. } => process.pid,
            _ => None,
        },
        _ => None,
    }
}

/// Adds a start; Security 4688 and Sysmon 1 tell of one start within a moment of each other.
fn add(steps: &mut Vec<Step>, event: &Event) {
    let key = |e: &Event| match &e.what {
        What::Host(host) => match &host.what {
            HostWhat::ProcessStarted { process, .. } => {
                Some((image_key(&process.image), process.pid))
            }
            _ => None,
        },
        _ => None,
    };
    if steps
        .iter()
        .any(|s| s.event.provenance == event.provenance || s.also.contains(&event.provenance))
    {
        return;
    }
    let twin = steps.iter_mut().find(|s| {
        key(&s.event).is_some()
            && key(&s.event) == key(event)
            && s.event.time.since(event.time).abs() <= Span::seconds(2)
    });
    match twin {
        Some(step) => step.also.push(event.provenance),
        None => steps.push(Step {
            role: Role::Process,
            event: event.clone(),
            also: Vec::new(),
            remark: String::new(),
        }),
    }
}
