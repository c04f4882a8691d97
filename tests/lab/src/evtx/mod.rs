//! Writes Windows event logs (.evtx, version 3.1) that independent readers accept.
//!
//! Structure follows libyal's "Windows XML Event Log (EVTX)" and MS-EVEN6 2.2.12: templates with
//! typed substitutions, shared within a chunk by back-reference, both hash tables filled, checksums,
//! records aligned to 8 bytes. It was checked with the evtx crate and libevtx, not opened on
//! Windows. It does not read logs and does not write version 3.2.

mod binxml;
mod chunk;
mod event;
pub mod events;
mod file;
mod system;
mod value;

pub use event::{Event, Payload, Provider};
pub use file::{Form, Log};
pub use value::{Value, guid_from_text, guid_text, sid, sid_text};
