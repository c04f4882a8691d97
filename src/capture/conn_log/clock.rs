//! How far the log went on: what Zeek writes when it ends itself says nothing about an answer that was
//! still to come.

use crate::model::{Span, Timestamp};

/// A row this far ahead of those before it says that the log went on only if the next ones do not fall
/// back behind it by as much: its time may be garbled.
const LEAP: Span = Span::seconds(3_600);

/// Follows the ends of the rows, in the order of the text.
#[derive(Default)]
pub(super) struct Clock {
    latest: Option<Timestamp>,
    /// A row that leapt ahead, and whether others have fallen back behind it.
    ahead: Option<(Timestamp, bool)>,
    /// Rows that leapt ahead alone.
    lone: u64,
}

impl Clock {
    /// Takes in the end of a row: until then the log went on, unless the row has leapt ahead alone.
    pub(super) fn hear(&mut self, ended: Timestamp) {
        if let Some((ahead, passed)) = &mut self.ahead {
            if ended.shifted(LEAP) >= *ahead {
                self.latest = self.latest.max(Some(*ahead));
                self.ahead = None;
            } else {
                *passed = true;
            }
        }
        match self.latest {
            Some(latest) if ended <= latest.shifted(LEAP) => {
                self.latest = Some(latest.max(ended));
            }
            _ => {
                self.lone += u64::from(self.ahead.is_some());
                self.ahead = Some((ended, false));
            }
        }
    }

    /// Until when the log went on; `None` while nothing shows it.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// How many rows have leapt ahead alone, once the log has ended.
    pub(super) fn lone(&self) -> u64 {
        let passed = self.ahead.is_some_and(|(_, passed)| passed);
        self.lone + u64::from(passed)
    }
}
