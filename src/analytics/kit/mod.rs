//! Parts that several analytics share. An analytic never looks into another one.
//!
//! `contact`: a host reaching for a remote, whatever evidence tells of it. `lookup`: the addresses that a name has.
//! `touch` → `touches` → `knock`: touches of closed ports become sequences. `change`: what one
//! record does to exposure, `announced`: ports that settings and services open,
//! `bursts`: filters that come together, `rules`: what was told of rules before, `exposure`: what opened a door,
//! `admission`: whom a rule lets in, `reach` and `unchanged`: what lets in nothing new, `undone`: what was shut
//! again, `profiles`: what was active, `listeners`: what was restarted, `answered`: which attempt a record
//! is of, `own_calls`: what the host itself connected to, `visits`: which open ports a source reached beside.
//! `arrivals`: who came in, `unheard`: who seems to have, without an answer in the captures. `door` holds
//! them together for one host, `opening`: what opened a port to whom, `picture` tells them, `steps` puts
//! them in order, `doubts` says what speaks against them, `listed` when the touches are
//! those of a client. `order`: which order the clocks let a finding claim. `moments`: times in tables.
//! `sniffing`: processes that watch the wire. `standing`: what the settings file says of a source.
//! `surroundings`: who started what made the change. `unseen`: what was not there. `near`: the near miss of a
//! sequence. `actions`: what to do with one that was found.

pub mod actions;
mod admission;
mod announced;
mod answered;
pub mod arrivals;
mod bursts;
pub mod change;
pub mod contact;
pub mod door;
pub mod doubts;
pub mod exposure;
pub mod knock;
mod listed;
mod listeners;
pub mod lookup;
pub mod moments;
pub mod near;
pub mod opening;
pub mod order;
pub mod own_calls;
pub mod picture;
mod profiles;
mod reach;
pub mod rules;
pub mod sniffing;
pub mod standing;
pub mod statistics;
pub mod steps;
pub mod surroundings;
mod switches;
pub mod touch;
pub mod touches;
mod unchanged;
mod undone;
pub mod unheard;
pub mod unseen;
mod visits;
