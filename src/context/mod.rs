//! What the whole case says: which host had which address, how far its clock can be trusted, what
//! the evidence covers.
//!
//! Built once from summaries of everything that was read, then frozen; analytics only ask it.

pub mod assets;
pub mod clocks;
pub mod coverage;
pub mod identity;
pub mod processes;

use crate::model::Event;
use crate::model::finding::Order;

pub use assets::Assets;
pub use clocks::Clocks;
pub use coverage::Coverage;
pub use identity::{HostId, Identity, Place};
pub use processes::Processes;

/// The frozen context.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Hosts and their addresses.
    pub identity: Identity,
    /// Clocks and what order they allow to claim.
    pub clocks: Clocks,
    /// What the evidence covers.
    pub coverage: Coverage,
    /// Processes by id and time.
    pub processes: Processes,
    /// What the settings file says of the network.
    pub assets: Assets,
}

impl Context {
    /// The order of two events, as far as their clocks allow to claim one.
    pub fn order(&self, a: &Event, b: &Event) -> Order {
        self.clocks.order(a, b, &self.identity)
    }
}
