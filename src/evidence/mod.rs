//! What we were given: which files, of what kind, read once, hashed in the same pass.
//!
//! Evidence is opened read-only. Nothing here understands packets or records.

pub mod problem;
pub mod progress;

pub use problem::{Problem, ProblemKind, Problems, Weight};
pub use progress::{Progress, Silent};
