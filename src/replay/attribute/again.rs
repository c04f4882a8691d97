//! Endpoints that were seen before: Windows logs live connections again (ALE reauthorization after a
//! change of policy, and for reasons that are not documented).
//!
//! A record of known endpoints is a new connection only if packets or Sysmon show one, or if the
//! local port was bound anew in between (Security 5158).

use super::join::Tuple;
use crate::context::{Context, HostId};
use crate::model::host_event::Verdict;
use crate::model::{HostEvent, HostWhat, Provenance, Timestamp, Transport};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// Endpoints remembered over all hosts; beyond, the oldest are forgotten and counted.
const ENDPOINTS: usize = 131_072;

/// Endpoints with the event that first told of them, and when each local port was last bound.
#[derive(Default)]
pub(super) struct Again {
    // Asked, never walked.
    seen: HashMap<(HostId, Tuple), (Timestamp, Provenance), RandomState>,
    order: VecDeque<(HostId, Tuple)>,
    bound: HashMap<(HostId, Transport, u16), Timestamp, RandomState>,
    /// Endpoints that were forgotten.
    pub forgotten: u64,
}

impl Again {
    /// A connection was made.
    pub fn made(&mut self, host: HostId, tuple: Tuple, time: Timestamp, by: Provenance) {
        if self.seen.insert((host, tuple), (time, by)).is_some() {
            return;
        }
        self.order.push_back((host, tuple));
        if self.order.len() > ENDPOINTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
            self.forgotten += 1;
        }
    }

    /// A local port was bound: what used it before is over.
    pub fn bound(&mut self, host: &HostEvent, time: Timestamp, context: &Context) {
        let HostWhat::Bound {
            verdict: Verdict::Permitted,
            transport,
            local,
            ..
        } = &host.what
        else {
            return;
        };
        let Some(id) = context.identity.named(&host.computer) else {
            return;
        };
        // At most every port of every host: as many as there are hosts with logs.
        self.bound.insert((id, *transport, local.port), time);
    }

    /// What told of these endpoints first, if they are still those of one connection.
    pub fn of(&self, host: HostId, tuple: Tuple) -> Option<Provenance> {
        let (time, by) = self.seen.get(&(host, tuple))?;
        let bound = self.bound.get(&(host, tuple.0, tuple.1.port));
        bound.is_none_or(|bound| bound <= time).then_some(*by)
    }
}
