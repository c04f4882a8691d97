//! The contract of an analytic: a state machine over the events of one key.

use super::about::About;
use super::found::Found;
use super::params::Params;
use crate::context::Context;
use crate::model::{Event, Span};
use std::hash::Hash;

/// An analytic: state per key, stepped by the key's events in time order.
///
/// 1. `keys` sees the event and the context, nothing else.
/// 2. `step` and `close` see their own key's state only.
/// 3. What a key holds is bounded, also for a key that never falls silent.
/// 4. Time is the event's time: no clock, no files, no printing.
///
/// Because of 1 and 2 the stream can be divided by key over threads or machines with the same
/// findings.
pub trait Analytic: Sized + Send + Sync + 'static {
    /// Its settings.
    type Params: Params;
    /// What it divides the stream by.
    type Key: Clone + Ord + Hash + Send + Sync;
    /// What it remembers per key.
    type State: Default + Send;
    /// What it says about itself.
    const ABOUT: About;

    /// Made with settings in force.
    fn new(params: Self::Params) -> Self;
    /// The keys an event belongs to; none for an event it does not care about.
    fn keys(&self, event: &Event, context: &Context, each: &mut dyn FnMut(Self::Key));
    /// Takes one event into a key's state.
    fn step(
        &self,
        key: &Self::Key,
        state: &mut Self::State,
        event: &Event,
        context: &Context,
        found: &mut Found,
    );
    /// About how many bytes a state keeps beside its own size, with the events it holds on to. Asked
    /// after every step, so it adds up lengths and walks over nothing. What all keys of an analytic
    /// keep together is bounded by it, so it must be the same in every run: not what a hash table
    /// has allocated.
    fn weight(state: &Self::State) -> usize;
    /// Lets go of what a state can do without best, because all keys together keep too much, and
    /// counts it in `found.dropped`. Where it lets go of nothing, the key is closed and forgotten.
    fn lighten(&self, _state: &mut Self::State, _found: &mut Found) {}
    /// A key untouched for longer than this is closed and forgotten.
    fn horizon(&self) -> Span;
    /// Ends a key: says what is still to be said.
    fn close(&self, key: &Self::Key, state: Self::State, context: &Context, found: &mut Found);
}
