//! The live flows: found by key, visited when their time may be over, bounded in number.
//!
//! A slab with one index for each address family. Nothing ever walks an index, so the random seed
//! of its hash cannot reach the output. Which flows end when is decided by the flows themselves.

use super::flow::Flow;
use super::key::Key;
use crate::model::{Span, Timestamp};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How long after it began a flow is first looked at by the sweep: most are short and closed by
/// then, and leave.
const FIRST_LOOK: Span = Span::seconds(11);

#[derive(Default)]
struct Slot {
    flow: Option<Flow>,
    /// In `looks` exactly once, whichever flow lives here.
    queued: bool,
}

/// Slots of one page. A row of all slots would be copied as it grows, and be half empty after that.
const PAGE: usize = 4096;

/// Slots that stay where they are.
#[derive(Default)]
struct Slots {
    pages: Vec<Vec<Slot>>,
    count: usize,
}

impl Slots {
    fn get_mut(&mut self, slot: u32) -> Option<&mut Slot> {
        let slot = slot as usize;
        self.pages.get_mut(slot / PAGE)?.get_mut(slot % PAGE)
    }

    /// Adds an empty one at the end.
    fn push(&mut self) -> u32 {
        if self.count.is_multiple_of(PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        if let Some(page) = self.pages.last_mut() {
            page.push(Slot::default());
        }
        self.count += 1;
        (self.count - 1) as u32
    }

    /// All of them, in order.
    fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.pages.iter().flatten()
    }
}

/// Live flows by slot number.
#[derive(Default)]
pub(super) struct FlowTable {
    slots: Slots,
    free: Vec<u32>,
    v4: HashMap<[u64; 2], u32, RandomState>,
    v6: HashMap<([u128; 2], u64), u32, RandomState>,
    /// When to look at which slot again: a place in time order, not a promise that it is over.
    looks: BinaryHeap<Reverse<(Timestamp, u32)>>,
}

impl FlowTable {
    /// How many flows live.
    pub(super) fn live(&self) -> usize {
        self.slots.count - self.free.len()
    }

    pub(super) fn find(&self, key: &Key) -> Option<u32> {
        match key {
            Key::V4(key) => self.v4.get(key).copied(),
            Key::V6(key) => self.v6.get(key).copied(),
        }
    }

    pub(super) fn flow(&mut self, slot: u32) -> Option<&mut Flow> {
        self.slots.get_mut(slot)?.flow.as_mut()
    }

    pub(super) fn insert(&mut self, key: &Key, flow: Flow) {
        let slot = self.free.pop().unwrap_or_else(|| self.slots.push());
        match key {
            Key::V4(key) => self.v4.insert(*key, slot),
            Key::V6(key) => self.v6.insert(*key, slot),
        };
        self.look_again(slot, flow.first.shifted(FIRST_LOOK));
        if let Some(held) = self.slots.get_mut(slot) {
            held.flow = Some(flow);
        }
    }

    /// Puts `flow` where another of the same key ended, and gives that one back.
    pub(super) fn replace(&mut self, slot: u32, flow: Flow) -> Option<Flow> {
        self.look_again(slot, flow.first.shifted(FIRST_LOOK));
        self.slots.get_mut(slot)?.flow.replace(flow)
    }

    /// Asks for a visit of `slot` at `when`, unless one is due already.
    pub(super) fn look_again(&mut self, slot: u32, when: Timestamp) {
        let Some(held) = self.slots.get_mut(slot) else {
            return;
        };
        if !held.queued && when < Timestamp::MAX {
            held.queued = true;
            self.looks.push(Reverse((when, slot)));
        }
    }

    fn remove(&mut self, slot: u32) -> Option<Flow> {
        let flow = self.slots.get_mut(slot)?.flow.take()?;
        match Key::between(flow.ends[0], flow.ends[1], flow.transport) {
            Key::V4(key) => self.v4.remove(&key),
            Key::V6(key) => self.v6.remove(&key),
        };
        self.free.push(slot);
        Some(flow)
    }

    /// Takes one flow that is over at `clock`, if there is one.
    pub(super) fn take_expired(&mut self, clock: Timestamp) -> Option<Flow> {
        while let Some(&Reverse((when, slot))) = self.looks.peek() {
            if when >= clock {
                return None;
            }
            self.looks.pop();
            let Some(held) = self.slots.get_mut(slot) else {
                continue;
            };
            held.queued = false;
            let Some(flow) = &held.flow else { continue };
            let deadline = flow.deadline();
            if deadline < clock {
                return self.remove(slot);
            }
            self.look_again(slot, deadline);
        }
        None
    }

    /// Takes `count` flows: those that are over first, then those whose answer is overdue, then
    /// those silent for longest. One walk over the table, so callers take many at a time.
    pub(super) fn take_least_needed(
        &mut self,
        count: usize,
        clock: Timestamp,
    ) -> impl Iterator<Item = Flow> {
        let rank = |(slot, held): (usize, &Slot)| {
            let flow = held.flow.as_ref()?;
            Some((flow.need(clock), flow.last, slot as u32))
        };
        let mut ranked: Vec<_> = self.slots.iter().enumerate().filter_map(rank).collect();
        if count < ranked.len() {
            ranked.select_nth_unstable(count);
            ranked.truncate(count);
        }
        ranked.sort_unstable();
        ranked
            .into_iter()
            .filter_map(|(_, _, slot)| self.remove(slot))
    }

    /// Every flow still alive, in slot order.
    pub(super) fn into_flows(self) -> impl Iterator<Item = Flow> {
        self.slots
            .pages
            .into_iter()
            .flatten()
            .filter_map(|slot| slot.flow)
    }
}
