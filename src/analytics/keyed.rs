//! Runs an analytic over the stream: one state per key, closed when untouched for its horizon.
//!
//! Keys are bounded in number, and what they keep in bytes. Where a bound is met, the key that was
//! untouched for longest is closed as it stands and counted as forgotten.

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
    /// About how many bytes its keys keep.
    fn bytes(&self) -> usize;
    /// Says how many they may keep from the next event on; no bound before it is said.
    fn allow(&mut self, bytes: usize);
    /// Ends the stream.
    fn finish(self: Box<Self>, context: &Context) -> Found;
}

/// The runner of one analytic.
pub struct Keyed<A: Analytic> {
    analytic: A,
    shard: Shard,
    budget: usize,
    // What all states may keep, and what they keep, as `Analytic::weight` counts.
    room: usize,
    bytes: usize,
    // Looked up, never walked in its own order: that order is random.
    // In boxes, because a table has room for twice as many.
    states: HashMap<A::Key, Box<Slot<A::State>>, foldhash::fast::RandomState>,
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
    // What the state is counted with in `Keyed::bytes`.
    weight: usize,
    state: S,
}

impl<A: Analytic> Keyed<A> {
    /// A runner with room for `budget` keys.
    pub fn new(analytic: A, shard: Shard, budget: usize) -> Self {
        Self {
            analytic,
            shard,
            budget: budget.max(1),
            room: usize::MAX,
            bytes: 0,
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
                weight: 0,
                state: A::State::default(),
            };
            self.states.insert(key.clone(), Box::new(slot));
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
        let weight = Self::KEY + A::weight(&slot.state);
        self.bytes = self.bytes - slot.weight + weight;
        slot.weight = weight;
        while self.bytes > self.room && self.states.len() > 1 {
            self.shed(event.time, context);
        }
    }

    /// What a key and its state take by themselves: the key lies in the queue too, and both have
    /// room for more.
    const KEY: usize = size_of::<Slot<A::State>>() + 4 * size_of::<A::Key>();

    /// The key that was untouched for longest, taken from the queue.
    fn stalest(&mut self) -> Option<(Timestamp, A::Key)> {
        while let Some((queued, key)) = self.queue.pop_front() {
            match self.states.get(&key) {
                None => {}
                Some(slot) if slot.last > queued => self.queue.push_back((slot.last, key)),
                Some(slot) => return Some((slot.last, key)),
            }
        }
        None
    }

    /// Closes the key that was untouched for longest, though its time has not come.
    fn make_room(&mut self, now: Timestamp, context: &Context) {
        if let Some((_, key)) = self.stalest() {
            self.forget(&key, now, context);
        }
    }

    /// Lightens the key that was untouched for longest. It waits for its turn again, or is closed
    /// if it can do without nothing.
    fn shed(&mut self, now: Timestamp, context: &Context) {
        let Some((last, key)) = self.stalest() else {
            return;
        };
        let Some(slot) = self.states.get_mut(&key) else {
            return;
        };
        self.analytic.lighten(&mut slot.state, &mut self.found);
        let (before, after) = (slot.weight, Self::KEY + A::weight(&slot.state));
        self.bytes = self.bytes - before + after;
        slot.weight = after;
        // Less than a quarter would soon be asked for again.
        if after <= before - before / 4 {
            self.queue.push_back((last, key));
        } else {
            self.forget(&key, now, context);
        }
    }

    fn forget(&mut self, key: &A::Key, now: Timestamp, context: &Context) {
        let Some(slot) = self.states.remove(key) else {
            return;
        };
        if now.since(slot.last) <= self.analytic.horizon() {
            // Not due: forgotten for want of room, and that is said.
            self.found.forgotten += 1;
        }
        self.close(key, *slot, context);
    }

    /// Closes the keys whose horizon has passed.
    fn expire(&mut self, now: Timestamp, context: &Context) {
        let horizon = self.analytic.horizon();
        while let Some((queued, _)) = self.queue.front()
            && now.since(*queued) > horizon
            && let Some((queued, key)) = self.queue.pop_front()
        {
            match self.states.get(&key) {
                None => {}
                Some(slot) if slot.last > queued => self.queue.push_back((slot.last, key)),
                Some(_) => {
                    if let Some(slot) = self.states.remove(&key) {
                        self.close(&key, *slot, context);
                    }
                }
            }
        }
    }

    fn close(&mut self, key: &A::Key, slot: Slot<A::State>, context: &Context) {
        self.bytes -= slot.weight;
        self.analytic
            .close(key, slot.state, context, &mut self.found);
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
        self.expire(event.time, context);
        for key in &keys {
            self.step(key, event, context);
        }
        self.keys = keys;
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn allow(&mut self, bytes: usize) {
        self.room = bytes;
    }

    fn finish(mut self: Box<Self>, context: &Context) -> Found {
        let mut rest: Vec<_> = self.states.drain().collect();
        rest.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, slot) in rest {
            self.close(&key, *slot, context);
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::about::About;
    use crate::analytics::an1057::{Enumeration, EnumerationSettings};
    use crate::model::samples::record;
    use crate::model::{HostWhat, Span, What};

    /// Keeps every event's number under the computer's name. `LIGHTER` lets go of the older half.
    struct Hoarder<const LIGHTER: bool>;

    impl<const LIGHTER: bool> Analytic for Hoarder<LIGHTER> {
        type Params = EnumerationSettings;
        type Key = String;
        type State = Vec<u64>;
        const ABOUT: About = Enumeration::ABOUT;

        fn new(_: EnumerationSettings) -> Self {
            Self
        }

        fn keys(&self, event: &Event, _: &Context, each: &mut dyn FnMut(String)) {
            if let What::Host(host) = &event.what {
                each(host.computer.to_string());
            }
        }

        fn step(&self, _: &String, held: &mut Vec<u64>, event: &Event, _: &Context, _: &mut Found) {
            held.push(event.provenance.item);
        }

        fn weight(held: &Vec<u64>) -> usize {
            held.len() * 100
        }

        fn lighten(&self, held: &mut Vec<u64>, found: &mut Found) {
            if LIGHTER {
                let half = held.len() / 2;
                held.drain(..half);
                found.dropped += half as u64;
            }
        }

        fn horizon(&self) -> Span {
            Span::seconds(3_600)
        }

        fn close(&self, _: &String, held: Vec<u64>, _: &Context, found: &mut Found) {
            // Told as near misses left out: a count that nothing else touches.
            found.near_misses_left_out += held.len() as u64;
        }
    }

    fn event(second: i64, computer: &str) -> Event {
        record(second, computer, HostWhat::SystemStarted)
    }

    fn hoard<const LIGHTER: bool>(room: usize) -> Found {
        let context = Context::default();
        let mut runner: Box<dyn Runner> =
            Box::new(Keyed::new(Hoarder::<LIGHTER>, Shard::ALL, 1_000));
        runner.allow(room);
        for second in 0..3_000 {
            runner.event(&event(second, &format!("H{}", second % 7)), &context);
            assert!(runner.bytes() <= room, "{} at {second}", runner.bytes());
        }
        runner.finish(&context)
    }

    #[test]
    fn with_room_for_all_nothing_is_let_go() {
        let found = hoard::<false>(1 << 20);
        let told = (found.forgotten, found.dropped, found.near_misses_left_out);
        assert_eq!(told, (0, 0, 3_000));
    }

    #[test]
    fn what_all_keys_keep_is_bounded_and_keys_that_go_are_counted() {
        let found = hoard::<false>(10_000);
        assert!(found.forgotten > 7, "{}", found.forgotten);
        assert_eq!(
            found.near_misses_left_out, 3_000,
            "each was closed as it stood"
        );
    }

    #[test]
    fn a_state_that_can_be_lightened_is_not_closed() {
        let found = hoard::<true>(10_000);
        assert_eq!(found.forgotten, 0);
        assert!(found.dropped > 2_000);
        assert_eq!(found.dropped + found.near_misses_left_out, 3_000);
    }

    #[test]
    fn a_key_is_closed_at_its_horizon_though_nobody_touches_it() {
        let context = Context::default();
        let mut runner = Box::new(Keyed::new(Hoarder::<false>, Shard::ALL, 1_000));
        runner.event(&event(0, "H1"), &context);
        runner.event(&event(3_600, "H2"), &context);
        assert_eq!(runner.states.len(), 2);
        runner.event(&event(3_601, "H2"), &context);
        assert_eq!(runner.states.len(), 1);
        let found = runner.finish(&context);
        assert_eq!((found.forgotten, found.near_misses_left_out), (0, 3));
    }
}
