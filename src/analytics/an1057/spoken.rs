//! Connections with payload that came before their scan was known to be one.
//!
//! A scanner that banners or logs on as soon as a port answers has done so before enough was tried
//! for a detector. What is held is heard again when a scan is told; what is no longer held makes
//! "nothing followed" a statement about less.

use super::EVENT;
use super::recent::Probe;
use super::scan::{FOLLOWS, Scan, carries};
use crate::model::Timestamp;
use std::collections::VecDeque;

/// Connections held.
pub(super) const HELD: usize = 64;

/// The latest connections with payload of a key.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken {
    held: VecDeque<Probe>,
    /// The latest that was let go for want of room.
    lost: Option<Timestamp>,
}

impl Spoken {
    /// Takes in a contact, if it carries payload.
    pub fn hear(&mut self, probe: &Probe) {
        if !carries(probe) {
            return;
        }
        self.held.push_back(probe.clone());
        while let Some(oldest) = self.held.front() {
            let old = probe.time.since(oldest.time) > FOLLOWS;
            if !old && self.held.len() <= HELD {
                break;
            }
            if !old {
                self.lost = self.lost.max(Some(oldest.time));
            }
            self.held.pop_front();
        }
    }

    /// Lets a scan hear what came before it was one.
    pub fn replay(&self, scan: &mut Scan) {
        scan.unheard |= self.lost.is_some_and(|lost| lost >= scan.first);
        for probe in &self.held {
            scan.follow(probe);
        }
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.held.len() * (size_of::<Probe>() + EVENT)
    }
}
