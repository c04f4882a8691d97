//! Who wrote a record: computers and channels, compared as bytes with those of the records before.
//!
//! The same few write thousands of records, so their names are decoded, and looked up in the tally,
//! once a chunk and not once a record.

use super::record::Value;
use super::tally::Tally;
use super::texts::Texts;
use crate::model::Text;

/// Writers remembered in one chunk; of more, some are looked up again.
const REMEMBERED: usize = 32;

/// A computer's channel.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) computer: Text,
    pub(super) channel: Text,
    /// Where the tally counts its records; `None` if it follows too many others.
    pub(super) source: Option<usize>,
    /// Channel and computer as bytes; `None` if a record had them in another form.
    bytes: Option<[Box<[u8]>; 2]>,
}

/// The writers of one chunk.
#[derive(Debug, Default)]
pub(super) struct Writers {
    known: Vec<Writer>,
    /// The last record's.
    last: usize,
    /// The next to be forgotten.
    next: usize,
}

impl Writers {
    /// Who wrote a record of this channel and computer: a place for `at`.
    pub(super) fn of(
        &mut self,
        channel: &Value<'_>,
        computer: &Value<'_>,
        texts: &mut Texts,
        tally: &mut Tally,
    ) -> usize {
        let bytes = utf16(channel).zip(utf16(computer));
        let wrote = |writer: &Writer| match (&writer.bytes, bytes) {
            (Some(held), Some((channel, computer))) => {
                *held[0] == *channel && *held[1] == *computer
            }
            _ => false,
        };
        if !self.known.get(self.last).is_some_and(wrote) {
            let known = self.known.iter().position(wrote);
            self.last = known.unwrap_or_else(|| {
                let (channel, computer) = (texts.share_value(channel), texts.share_value(computer));
                self.remember(Writer {
                    source: tally.source(&computer, &channel),
                    bytes: bytes.map(|(channel, computer)| [channel.into(), computer.into()]),
                    computer,
                    channel,
                })
            });
        }
        self.last
    }

    pub(super) fn at(&self, place: usize) -> &Writer {
        &self.known[place]
    }

    fn remember(&mut self, writer: Writer) -> usize {
        let at = self.next;
        self.next = (at + 1) % REMEMBERED;
        match self.known.get_mut(at) {
            Some(oldest) => *oldest = writer,
            None => self.known.push(writer),
        }
        at
    }
}

fn utf16<'v>(value: &Value<'v>) -> Option<&'v [u8]> {
    match value {
        Value::Utf16(bytes) => Some(bytes),
        _ => None,
    }
}
