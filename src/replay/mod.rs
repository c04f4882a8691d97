//! The replay: every event passes every analytic.

mod run;

pub use run::{Outcome, replay};
