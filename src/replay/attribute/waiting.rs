//! Events that wait for what belongs to them, in the order they came.

use crate::model::{Event, Timestamp};
use std::collections::VecDeque;

/// Events that wait at most; beyond, the oldest leaves early.
const WAITING: usize = 65_536;

/// The waiting events. Each has a number that stays its own.
#[derive(Default)]
pub(super) struct Waiting {
    held: VecDeque<Event>,
    /// The number of the first of them.
    first: u64,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Adds an event and says its number.
    pub fn push(&mut self, event: Event) -> u64 {
        self.held.push_back(event);
        self.first + self.held.len() as u64 - 1
    }

    /// The oldest event, if it is older than `due` or there is no room: its number, itself, and
    /// whether it leaves early.
    pub fn next_due(&mut self, due: Timestamp) -> Option<(u64, Event, bool)> {
        let over = self.held.front()?.time < due;
        if !over && self.held.len() < WAITING {
            return None;
        }
        self.pop().map(|(number, event, _)| (number, event, !over))
    }

    /// The oldest event.
    pub fn pop(&mut self) -> Option<(u64, Event, bool)> {
        let event = self.held.pop_front()?;
        self.first += 1;
        Some((self.first - 1, event, false))
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    pub fn get(&self, number: u64) -> Option<&Event> {
        self.held.get(self.place(number)?)
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut Event> {
        let place = self.place(number)?;
        self.held.get_mut(place)
    }
}
