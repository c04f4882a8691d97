//! What we were given: which files, of what kind, read once, hashed in the same pass.
//!
//! Evidence is opened read-only. Nothing here understands packets or records.

pub mod archive;
pub mod cells;
pub mod custody;
pub mod discover;
pub mod form;
pub mod kind;
pub mod lines;
mod marks;
pub mod naming;
pub mod open;
pub mod packing;
pub mod problem;
pub mod progress;
pub mod regular;
pub mod unread;
pub mod unusable;

pub use archive::{Limits, Unpacking};
pub use custody::Custody;
pub use discover::{DiscoverError, EvidenceFile, Source, discover, discover_in};
pub use form::{Form, Kept};
pub use kind::{Container, Kind};
pub use open::{Input, OpenError};
pub use packing::Packing;
pub use problem::{Problem, ProblemKind, Problems, Weight};
pub use progress::{Progress, Silent};
pub use unread::Unread;
pub use unusable::Unusable;
