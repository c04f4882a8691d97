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
    fn event(&mut self, event: &Event, context: &Context) {
        let mut keys: Vec<A::Key> = Vec::new();
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
    }

    fn finish(mut self: Box<Self>, context: &Context) -> Found {
        let mut rest: Vec<(A::Key, Slot<A::State>)> = self.states.drain().collect();
        rest.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, slot) in rest {
            self.analytic.close(&key, slot.state, context, &mut self.found);
        }
        self.found
    }
}
