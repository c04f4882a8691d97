//! How hardware addresses announced themselves. Whether a magic packet woke its target hangs on the
//! announcement that came next, so that those are kept, and of the others the last few.

use super::builder::Mac;
use super::calls::Call;
use crate::model::{Event, Span};
use std::collections::BTreeMap;

/// Hardware addresses kept, and announcements kept of each.
pub(super) const MACS: usize = 65_536;
pub(super) const ANNOUNCEMENTS: usize = 64;
/// Announcements kept in all: as many as there may be hardware addresses, and some of each.
pub(super) const ALL_ANNOUNCEMENTS: usize = 131_072;
/// The last ones stay until it is known whether a signal came before them: one is told when its copies have
/// been waited for, and a host that comes up says many things at once.
const RECENT: usize = 32;
/// As long after a signal as a target may take to announce itself (the bound of `WakeWithin`).
const AFTER: Span = Span::seconds(3_600);
/// Signals remembered to one hardware address.
const SIGNALS: usize = 256;

/// What was announced, and who was called.
#[derive(Clone, Debug, Default)]
pub(super) struct Announced {
    pub by_mac: BTreeMap<Mac, Vec<Event>>,
    pub signals: BTreeMap<Mac, Vec<Call>>,
    pub held: usize,
}

impl Announced {
    /// Takes in that `mac` was called; false if there is no room for that.
    pub fn called(&mut self, mac: Mac, call: Call) -> bool {
        if self.signals.len() >= MACS && !self.signals.contains_key(&mac) {
            return false;
        }
        let signals = self.signals.entry(mac).or_default();
        let room = signals.len() < SIGNALS;
        if room {
            signals.push(call);
        }
        room
    }

    /// Keeps an announcement, in the place of one that no signal precedes if need be; false if there is no
    /// room.
    pub fn hear(&mut self, mac: Mac, event: Event) -> bool {
        let of_it = self.by_mac.get(&mac).map_or(0, Vec::len);
        let room = of_it < ANNOUNCEMENTS
            && self.held < ALL_ANNOUNCEMENTS
            && (of_it > 0 || self.by_mac.len() < MACS);
        if !room && !self.spare(&mac) {
            return false;
        }
        self.by_mac.entry(mac).or_default().push(event);
        self.held += 1;
        true
    }

    /// Lets go of the oldest announcement that no signal precedes, if there is one.
    fn spare(&mut self, mac: &Mac) -> bool {
        let Some(kept) = self.by_mac.get_mut(mac) else {
            return false;
        };
        let signals = self.signals.get(mac).map_or(&[][..], Vec::as_slice);
        let follows = |event: &Event| {
            let after = |signal: &Call| {
                let later = event.time.since(signal.time);
                Span::ZERO <= later && later <= AFTER
            };
            signals.iter().any(after)
        };
        let older = kept.len().saturating_sub(RECENT);
        let spare = kept[..older].iter().position(|event| !follows(event));
        if let Some(at) = spare {
            kept.remove(at);
            self.held -= 1;
        }
        spare.is_some()
    }

    /// Takes over what another holds; returns how much there was no room for.
    pub fn merge(&mut self, other: Self) -> u64 {
        let mut left_out = 0;
        for (mac, calls) in other.signals {
            for call in calls {
                left_out += u64::from(!self.called(mac, call));
            }
        }
        for (mac, events) in other.by_mac {
            for event in events {
                left_out += u64::from(!self.hear(mac, event));
            }
        }
        left_out
    }
}
