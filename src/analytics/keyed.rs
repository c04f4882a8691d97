//! Runs an analytic over the stream: one state per key, closed when untouched for its horizon.

use super::contract::Analytic;
use super::found::Found;
use crate::context::Context;
use crate::model::{Event, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;

/// Which part of the keys a runner takes: shard `index` of `count`.
#[derive(Clone, Copy, Debug)]
pub struct Shard {
    /// From 0.
    pub index: u64,
    /// At least 1.
    pub count: u64,
}

impl Shard {
    /// Every key.
    pub const ALL: Self = Self { index: 0, count: 1 };
}

/// An analytic at work, whatever its key and state.
pub trait Runner: Send {
    /// Takes the next event of the stream.
    fn event(&mut self, event: &Event, context: &Context);
    /// Ends the stream.
    fn finish(self: Box<Self>, context: &Context) -> Found;
}

/// The runner of one analytic.
pub struct Keyed<A: Analytic> {
    analytic: A,
    shard: Shard,
    budget: usize,
    // Looked up, never walked in its own order: that order is random.
    states: HashMap<A::Key, Slot<A::State>, foldhash::fast::RandomState>,
    // Every key once, about in order of last touch: an entry that was touched again after it was
    // queued goes to the back when its turn comes.
    queue: VecDeque<(Timestamp, A::Key)>,
    // The keys of the event in hand; kept for its space.
    keys: Vec<A::Key>,
    found: Found,
    // Only divides keys over shards.
    divider: foldhash::fast::FixedState,
}

struct Slot<S> {
    last: Timestamp,
    state: S,
}

impl<A: Analytic> Keyed<A> {
    /// A runner with room for `budget` keys.
    pub fn new(analytic: A, shard: Shard, budget: usize) -> Self {
        Self {
            analytic,
            shard,
            budget: budget.max(1),
            states: HashMap::default(),
            queue: VecDeque::new(),
            keys: Vec::new(),
            found: Found::default(),
            divider: foldhash::fast::FixedState::with_seed(0),
        }
    }

    fn step(&mut self, key: &A::Key, event: &Event, context: &Context) {
        if !self.states.contains_key(key) {
            if self.states.len() >= self.budget {
                self.make_room(event.time, context);
            }
            let slot = Slot {
                last: event.time,
                state: A::State::default(),
            };
            self.states.insert(key.clone(), slot);
            self.queue.push_back((event.time, key.clone()));
        }
        let Some(slot) = self.states.get_mut(key) else {
            return;
        };
        if event.time.since(slot.last) > self.analytic.horizon() {
            let state = std::mem::take(&mut slot.state);
            self.analytic.close(key, state, context, &mut self.found);
        }
        slot.last = slot.last.max(event.time);
        self.analytic
            .step(key, &mut slot.state, event, context, &mut self.found);
    }

    fn make_room(&mut self, now: Timestamp, context: &Context) {
        while let Some((queued, key)) = self.queue.pop_front() {
            match self.states.get(&key) {
                None => {}
                Some(slot) if slot.last > queued => self.queue.push_back((slot.last, key)),
                Some(_) => {
                    if let Some(slot) = self.states.remove(&key) {
                        if now.since(slot.last) <= self.analytic.horizon() {
                            // Not due: forgotten for want of room, and that is said.
                            self.found.forgotten += 1;
                        }
                        self.analytic
                            .close(&key, slot.state, context, &mut self.found);
                    }
                    return;
                }
            }
        }
    }
}

impl<A: Analytic> Runner for Keyed<A> {
    fn event(&mut self, event: &Event, context: &Context) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.clear();
        let (shard, divider) = (self.shard, &self.divider);
        self.analytic.keys(event, context, &mut |key| {
            if (shard.count == 1 || divider.hash_one(&key) % shard.count == shard.index)
                && !keys.contains(&key)
            {
                keys.push(key);
            }
        });
        for key in &keys {
            self.step(key, event, context);
        }
        self.keys = keys;
    }

    fn finish(mut self: Box<Self>, context: &Context) -> Found {
        let mut rest: Vec<(A::Key, Slot<A::State>)> = self.states.drain().collect();
        rest.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, slot) in rest {
            self.analytic
                .close(&key, slot.state, context, &mut self.found);
        }
        self.found
    }
}
