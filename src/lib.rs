//! casewire reads packet captures and Windows event logs in parallel, merges them into one
//! time-sorted stream, replays analytics over it and reports incident timelines in which every step
//! leads to a packet number or an event record.
//!
//! The modules, bottom-up; each may use those above it in this list, never those below:

pub mod model;
pub mod evidence;
pub mod capture;
pub mod eventlog;
pub mod analytics;
pub mod case;
pub mod report;
pub mod investigate;
