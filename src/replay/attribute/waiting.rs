//! Events that wait for what belongs to them, in the order they came.

use crate::model::{Event, Timestamp};
use std::collections::VecDeque;

/// Events that wait at most; beyond, the oldest leaves early.
const WAITING: usize = 65_536;

/// Which logs have told of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told(u8);

impl Told {
    /// The filtering platform: Security 5156 and 5157.
    pub const PLATFORM: Self = Self(1);
    /// Sysmon 3.
    pub const SYSMON: Self = Self(2);

    pub fn has(self, log: Self) -> bool {
        self.0 & log.0 != 0
    }
}

/// The waiting events. Each has a number that stays its own.
#[derive(Default)]
pub(super) struct Waiting {
    held: VecDeque<(Event, Told)>,
    /// The number of the first of them.
    first: u64,
}

/// An event that leaves: its number, itself, and whether it could not wait to the end.
pub(super) struct Leaving {
    pub number: u64,
    pub event: Event,
    pub early: bool,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Adds an event and says its number.
    pub fn push(&mut self, event: Event) -> u64 {
        self.held.push_back((event, Told::default()));
        self.first + self.held.len() as u64 - 1
    }

    /// The oldest event, if it is older than `due` or there is no room.
    pub fn next_due(&mut self, due: Timestamp) -> Option<Leaving> {
        let over = self.held.front()?.0.time < due;
        if !over && self.held.len() < WAITING {
            return None;
        }
        let leaving = self.pop()?;
        Some(Leaving {
            early: !over,
            ..leaving
        })
    }

    /// The oldest event.
    pub fn pop(&mut self) -> Option<Leaving> {
        let (event, _) = self.held.pop_front()?;
        let number = self.first;
        self.first += 1;
        Some(Leaving {
            number,
            event,
            early: false,
        })
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    pub fn get(&self, number: u64) -> Option<&Event> {
        self.held.get(self.place(number)?).map(|(event, _)| event)
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut Event> {
        let place = self.place(number)?;
        self.held.get_mut(place).map(|(event, _)| event)
    }

    /// True if this log has told of the event.
    pub fn told(&self, number: u64, log: Told) -> bool {
        let held = self.place(number).and_then(|place| self.held.get(place));
        held.is_some_and(|(_, told)| told.has(log))
    }

    /// This log has told of the event.
    pub fn tell(&mut self, number: u64, log: Told) {
        if let Some(place) = self.place(number)
            && let Some((_, told)) = self.held.get_mut(place)
        {
            told.0 |= log.0;
        }
    }
}
