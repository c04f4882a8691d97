//! The replay: every event is given its process, then passes every analytic.

pub mod attribute;
mod run;

pub use attribute::attribute;
pub use run::{Outcome, replay};
