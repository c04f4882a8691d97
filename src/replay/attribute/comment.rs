//! Process ids that packets carry in their own comments (`PID=`, written by etl2pcapng).
//!
//! The comment names a process of the computer that captured, whichever side of the packet that is.
//! Which side it is follows from the file: it is the address that all commented packets share, or
//! the only known host of the two. Where neither tells, no process is tied.

use crate::context::Context;
use crate::model::host_event::Process;
use crate::model::{Actor, Attempt, EvidenceId, Strength, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Files watched; a case with more that carry comments is not known.
const FILES: usize = 4096;

/// For each file, the addresses that every commented packet so far has.
#[derive(Default)]
pub(super) struct Comments {
    own: BTreeMap<EvidenceId, Vec<IpAddr>>,
}

impl Comments {
    /// Ties the process that the attempt's comment names.
    pub fn hear(
        &mut self,
        evidence: EvidenceId,
        attempt: &mut Attempt,
        time: Timestamp,
        context: &Context,
    ) {
        let Some(pid) = attempt.pid else { return };
        if self.own.len() >= FILES && !self.own.contains_key(&evidence) {
            return;
        }
        let ends = [attempt.initiator.address, attempt.responder.address];
        let own = self.own.entry(evidence).or_insert_with(|| ends.to_vec());
        if own.iter().any(|a| ends.contains(a)) {
            own.retain(|a| ends.contains(a));
        }
        let host = context.identity.at(ends[0], time);
        let only_known = host.is_some() && context.identity.at(ends[1], time).is_none();
        let shared = own.as_slice() == [ends[0]];
        if !(shared || only_known && own.contains(&ends[0])) {
            return;
        }
        let computer = host.and_then(|id| context.identity.host(id));
        let mut actor = Actor {
            computer: computer.map(|h| h.name.clone()).unwrap_or_default(),
            process: Process {
                pid: Some(pid),
                ..Process::default()
            },
            started: None,
            service: None,
            strength: Strength::Comment,
            told_by: Vec::new(),
        };
        if let Some(id) = host {
            super::join::complete(&mut actor, id, time, context);
        }
        attempt.actor = Some(Box::new(actor));
    }
}
