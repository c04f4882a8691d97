//! What we were given: which files, of what kind, read once, hashed in the same pass.
//!
//! Evidence is opened read-only. Nothing here understands packets or records.

pub mod custody;
pub mod discover;
pub mod kind;
pub mod open;
pub mod problem;
pub mod progress;

pub use custody::Custody;
pub use discover::{DiscoverError, EvidenceFile, discover};
pub use kind::{Kind, Packing};
pub use open::{Input, OpenError};
pub use problem::{Problem, ProblemKind, Problems, Weight};
pub use progress::{Progress, Silent};
