//! Shares repeated text: four hundred thousand records name the same few images, channels and
//! computers.
//!
//! One per reading thread, so nothing is locked. Bounded: when it is full it forgets everything and
//! starts again, which costs memory, never a different answer.

use super::record::{Value, decode_utf16};
use crate::model::Text;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Texts held at most, of each spelling.
const MAX_TEXTS: usize = 8_192;
/// Texts longer than this (in bytes as stored) are seldom repeated and are not held.
const MAX_LENGTH: usize = 1_024;

/// Channel, provider and computer of a record are asked for together, and again for the next.
const RECENT: usize = 4;

/// Text seen before, by its spelling in the evidence.
#[derive(Debug, Default)]
pub struct Texts {
    plain: HashMap<Text, (), FixedState>,
    utf16: HashMap<Box<[u8]>, Text, FixedState>,
    empty: Text,
    /// Given out last. Most text that is asked for is one of these very copies.
    recent: [Text; RECENT],
    next: usize,
}

impl Texts {
    /// The shared copy of `text`.
    pub fn share(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return self.empty.clone();
        }
        if text.len() > MAX_LENGTH {
            return Text::from(text);
        }
        if let Some(held) = self.recent.iter().find(|held| std::ptr::eq(&***held, text)) {
            return held.clone();
        }
        let shared = self.look_up(text);
        self.recent[self.next] = shared.clone();
        self.next = (self.next + 1) % RECENT;
        shared
    }

    fn look_up(&mut self, text: &str) -> Text {
        if let Some((held, ())) = self.plain.get_key_value(text) {
            return held.clone();
        }
        if self.plain.len() >= MAX_TEXTS {
            self.plain.clear();
        }
        let held = Text::from(text);
        self.plain.insert(held.clone(), ());
        held
    }

    /// The shared text of UTF-16LE bytes; text seen before is not decoded again.
    pub fn share_utf16(&mut self, bytes: &[u8]) -> Text {
        if bytes.is_empty() {
            return self.empty.clone();
        }
        if bytes.len() > MAX_LENGTH {
            return Text::from(decode_utf16(bytes));
        }
        if let Some(held) = self.utf16.get(bytes) {
            return held.clone();
        }
        if self.utf16.len() >= MAX_TEXTS {
            self.utf16.clear();
        }
        let held = self.share(&decode_utf16(bytes));
        self.utf16.insert(bytes.into(), held.clone());
        held
    }

    /// The shared text of a value: the words a rendered record would show.
    pub fn share_value(&mut self, value: &Value<'_>) -> Text {
        match value {
            Value::Utf16(bytes) => self.share_utf16(bytes),
            Value::Null => self.empty.clone(),
            other => self.share(&other.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn two_spellings_of_one_text_are_one_copy() {
        let mut texts = Texts::default();
        let plain = texts.share("svchost.exe");
        let wide: Vec<u8> = "svchost.exe"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(Arc::ptr_eq(
            &plain,
            &texts.share_value(&Value::Utf16(&wide))
        ));
        assert!(Arc::ptr_eq(&plain, &texts.share_utf16(&wide)));
    }

    #[test]
    fn a_full_table_forgets_and_still_answers() {
        let mut texts = Texts::default();
        for n in 0..3 * MAX_TEXTS {
            assert_eq!(&*texts.share(&n.to_string()), n.to_string());
        }
        assert!(texts.plain.len() <= MAX_TEXTS);
    }
}
