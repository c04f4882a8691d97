//! What the whole case says: which host had which address, how far its clock can be trusted, what
//! the evidence covers.
//!
//! Built once from summaries of everything that was read, then frozen; analytics only ask it.

pub mod activity;
pub mod assets;
pub mod baseline;
pub mod clocks;
pub mod contacts;
pub mod containment;
pub mod coverage;
pub mod identity;
pub mod known;
pub mod outages;
pub mod processes;
pub mod sweeps;
pub mod trail;

use crate::model::finding::Order;
use crate::model::{Event, Labels, Span};
use clocks::{Clock, Known};

pub use activity::Activity;
pub use assets::Assets;
pub use baseline::Baseline;
pub use clocks::Clocks;
pub use contacts::Contacts;
pub use containment::Containments;
pub use coverage::Coverage;
pub use identity::{HostId, Identity, Place};
pub use known::KnownHosts;
pub use outages::Outages;
pub use processes::Processes;
pub use sweeps::Sweeps;

/// The frozen context.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// What evidence files are called.
    pub labels: Labels,
    /// Hosts and their addresses.
    pub identity: Identity,
    /// Clocks and what order they allow to claim.
    pub clocks: Clocks,
    /// What the evidence covers.
    pub coverage: Coverage,
    /// Which addresses showed signs of life, and when.
    pub activity: Activity,
    /// Who reached for whom, by day.
    pub contacts: Contacts,
    /// Who lost the network together, and when.
    pub outages: Outages,
    /// Who tried the same ports of many hosts, and when.
    pub sweeps: Sweeps,
    /// What was usual.
    pub baseline: Baseline,
    /// Processes by id and time.
    pub processes: Processes,
    /// What the settings file says of the network.
    pub assets: Assets,
    /// When something was contained, as stated.
    pub containments: Containments,
}

/// True if the times of a host's log can be held against those of the captures.
pub fn is_measured(clocks: &Clocks, host: HostId) -> bool {
    let known = clocks.of(host).map(|clock| &clock.system);
    matches!(
        known,
        Some(Known::Measured(..) | Known::Given(_) | Known::Reference)
    ) || clocks.uncertainty(Clock::Host(host)) == Span::ZERO
}

impl Context {
    /// The order of two events, as far as their clocks allow to claim one.
    pub fn order(&self, a: &Event, b: &Event) -> Order {
        self.clocks.order(a, b, &self.identity)
    }

    /// True if `b` may follow `a` or precede it by at most `slack`, as far as their clocks allow to
    /// tell.
    pub fn follows(&self, a: &Event, b: &Event, slack: Span) -> bool {
        let doubt = self.clocks.between(a, b, &self.identity);
        a.time.since(b.time) <= slack.plus(doubt)
    }
}
