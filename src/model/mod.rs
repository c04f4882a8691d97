//! The words every other module uses: times, endpoints, attempts, host events, findings.
//!
//! Plain data only. Nothing here reads evidence, decides anything or prints.

pub mod actor;
pub mod attempt;
pub mod event;
pub mod finding;
pub mod firewall;
pub mod hex;
pub mod host_event;
pub mod labels;
pub mod neighbour;
pub mod net;
pub mod network;
pub mod payload;
pub mod plural;
pub mod provenance;
pub mod resolution;
#[cfg(test)]
pub mod samples;
pub mod single_copy;
pub mod time;
pub mod wake;

pub use actor::{Actor, Socket, Strength};
pub use attempt::{Attempt, FlowEnd, Outcome, Refusal};
pub use event::{Event, What};
pub use host_event::{HostEvent, HostWhat, Timed};
pub use labels::Labels;
pub use net::{Direction, Endpoint, Transport};
pub use network::Network;
pub use provenance::{EvidenceId, Provenance};
pub use single_copy::Shared;
pub use time::{Span, Timestamp};

/// Shared immutable text: names, paths and command lines that repeat in their thousands.
pub type Text = std::sync::Arc<str>;
