//! Clocks: whose clock an event was timed by, and which order two events can be claimed to have.
//!
//! Order is three-valued. Two events timed by one clock are ordered by it; between clocks the gap
//! must be larger than both uncertainties together. Equal times on one clock are ambiguous unless
//! one log holds both and numbers them.

use super::identity::{HostId, Identity};
use crate::model::finding::Order;
use crate::model::{Event, HostWhat, Span, What};

/// Whose clock timed an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// The capturing sensor's.
    Capture,
    /// A host's system clock.
    Host(HostId),
    /// Sysmon 3 and 22 of a host: reported by the kernel up to two seconds late.
    SysmonNetwork(HostId),
    /// A computer that identity does not know.
    Unknown,
}

/// How far each clock can be trusted.
#[derive(Clone, Debug)]
pub struct Clocks {
    /// Assumed error of a host clock against the capture, where none was measured.
    pub assumed_error: Span,
}

impl Default for Clocks {
    fn default() -> Self {
        Self {
            assumed_error: Span::seconds(2),
        }
    }
}

/// How late Sysmon may write a network event, on top of the host clock's own error: 1.0 to 1.96 s
/// were measured, so times carry two seconds.
const SYSMON_NETWORK_DELAY: Span = Span::seconds(2);

impl Clocks {
    /// Whose clock timed `event`.
    pub fn clock_of(&self, event: &Event, identity: &Identity) -> Clock {
        match &event.what {
            What::Attempt(_) | What::Wake(_) | What::Neighbour(_) => Clock::Capture,
            What::Host(host) => match (identity.named(&host.computer), &host.what) {
                (Some(id), HostWhat::Connected { .. } | HostWhat::NameQueried { .. }) => {
                    Clock::SysmonNetwork(id)
                }
                (Some(id), _) => Clock::Host(id),
                (None, _) => Clock::Unknown,
            },
        }
    }

    /// The uncertainty of a clock against the reference clock.
    pub fn uncertainty(&self, clock: Clock) -> Span {
        match clock {
            Clock::Capture => Span::ZERO,
            Clock::Host(_) | Clock::Unknown => self.assumed_error,
            Clock::SysmonNetwork(_) => self.assumed_error.plus(SYSMON_NETWORK_DELAY),
        }
    }

    /// The uncertainty of the difference of two events' times.
    pub fn between(&self, a: &Event, b: &Event, identity: &Identity) -> Span {
        match (self.clock_of(a, identity), self.clock_of(b, identity)) {
            (Clock::Unknown, _) | (_, Clock::Unknown) => {
                self.assumed_error.plus(self.assumed_error)
            }
            (x, y) if x == y => Span::ZERO,
            (Clock::Host(x), Clock::SysmonNetwork(y))
            | (Clock::SysmonNetwork(x), Clock::Host(y))
                if x == y =>
            {
                SYSMON_NETWORK_DELAY
            }
            (x, y) => self.uncertainty(x).plus(self.uncertainty(y)),
        }
    }

    /// The order of `a` and `b`.
    pub fn order(&self, a: &Event, b: &Event, identity: &Identity) -> Order {
        let margin = self.between(a, b, identity).0;
        let gap = b.time.since(a.time).0;
        if gap > margin {
            Order::Before
        } else if gap < -margin {
            Order::After
        } else if margin == 0
            && a.provenance.evidence == b.provenance.evidence
            && a.provenance != b.provenance
        {
            // Same time, same file: the file numbers them.
            if a.provenance < b.provenance {
                Order::Before
            } else {
                Order::After
            }
        } else {
            Order::Ambiguous
        }
    }
}
