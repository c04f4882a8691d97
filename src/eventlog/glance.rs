//! What a record that nobody wants says: which event, by whom and when.
//!
//! Nearly every record is one template, met before, whose System fields are plain values. What the
//! log's summary needs of it then lies at known places, and the record is read no further. Any other
//! form is `None` here and for `decode` to read: what is damaged is never decided at a glance.

use super::plan::{Part, Source, SystemPlan};
use super::record::Value;
use crate::model::Timestamp;

/// Values a record of the plain form has at most; Windows writes about twenty.
const MOST_VALUES: usize = 32;
/// Bytes from the begin of a record's binary XML to its count of values: the fragment header (4),
/// the token, version and id of the template (6), the offset of its definition (4).
pub(super) const OUTLINE: usize = 14;

/// What a record says of itself, as far as it is counted by it.
#[derive(Debug, PartialEq)]
pub(super) struct Glance<'c> {
    pub(super) event_id: u32,
    pub(super) record_id: u64,
    pub(super) time: Option<Timestamp>,
    pub(super) channel: Value<'c>,
    pub(super) computer: Value<'c>,
}

/// Where the records of one template say it.
#[derive(Debug)]
pub(super) struct Places<'c> {
    provider: Option<Word<'c>>,
    event_id: u16,
    record_id: u16,
    time: u16,
    channel: Word<'c>,
    computer: Word<'c>,
}

/// Text in a gap, or in the template itself.
#[derive(Debug)]
enum Word<'c> {
    Gap(u16),
    Literal(&'c [u8]),
}

/// The template a record of the plain form names: the offset of its definition.
pub(super) fn template(record: &[u8]) -> Option<usize> {
    let [0x0f, _, _, _, 0x0c, _, _, _, _, _, a, b, c, d] = *record.first_chunk::<OUTLINE>()? else {
        return None;
    };
    Some(u32::from_le_bytes([a, b, c, d]) as usize)
}

impl<'c> Places<'c> {
    /// `None` if the template writes a System field in any other way.
    pub(super) fn of(system: &SystemPlan<'c>) -> Option<Self> {
        let gap = |source: &Source<'c>| match source {
            Source::One(Part::Gap(gap)) => Some(*gap),
            _ => None,
        };
        let word = |source: &Source<'c>| match source {
            Source::One(Part::Gap(gap)) => Some(Word::Gap(*gap)),
            Source::One(Part::Literal(Value::Utf16(bytes))) => Some(Word::Literal(bytes)),
            _ => None,
        };
        Some(Self {
            provider: match &system.provider {
                Source::Nothing => None,
                provider => Some(word(provider)?),
            },
            event_id: gap(&system.event_id)?,
            record_id: gap(&system.record_id)?,
            time: gap(&system.time)?,
            channel: word(&system.channel)?,
            computer: word(&system.computer)?,
        })
    }

    /// What the record says whose binary XML is `record`, if each value is of the type it should be.
    pub(super) fn look(&self, record: &'c [u8]) -> Option<Glance<'c>> {
        let (count, rest) = record.get(OUTLINE..)?.split_first_chunk::<4>()?;
        let count = u32::from_le_bytes(*count) as usize;
        if count > MOST_VALUES {
            return None;
        }
        let (descriptors, values) = rest.split_at_checked(count * 4)?;
        let (descriptors, _) = descriptors.as_chunks::<4>();
        let mut ends = [0_u32; MOST_VALUES];
        let mut end = 0;
        for ([low, high, _, _], held) in descriptors.iter().zip(&mut ends) {
            end += u32::from(u16::from_le_bytes([*low, *high]));
            *held = end;
        }
        if end as usize > values.len() {
            return None;
        }
        let plain = |gap: u16, kind: u8| {
            let gap = usize::from(gap);
            let [low, high, found, _] = *descriptors.get(gap)?;
            let length = usize::from(u16::from_le_bytes([low, high]));
            let end = ends[gap] as usize;
            (found == kind).then(|| &values[end - length..end])
        };
        let number = |gap, kind| plain(gap, kind)?.try_into().ok().map(u64::from_le_bytes);
        let word = |word: &Word<'c>| match word {
            Word::Gap(gap) => plain(*gap, 0x01).map(Value::Utf16),
            Word::Literal(bytes) => Some(Value::Utf16(bytes)),
        };
        if let Some(provider) = &self.provider {
            word(provider)?;
        }
        let event_id = plain(self.event_id, 0x06)?.try_into().ok()?;
        Some(Glance {
            event_id: u32::from(u16::from_le_bytes(event_id)),
            record_id: number(self.record_id, 0x0a)?,
            time: Timestamp::from_filetime(number(self.time, 0x11)?),
            channel: word(&self.channel)?,
            computer: word(&self.computer)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::{Decoded, Decoder};
    use super::super::sample::{Chunk, three_records};
    use super::super::walk::{HEADER_SIZE, RECORD_HEADER, Span, record_at};
    use super::Value;

    #[test]
    fn a_record_that_brings_its_template_along_is_read_whole() {
        let mut chunk = Chunk::new();
        let definition = chunk.short(5157, 101, 132_477_984_000_000_000);
        let mut bytes = chunk.finish();
        // Its definition begins like three values: next definition, then the identifier.
        let values = [3, 0, 0, 0, 2, 0, 6, 0, 8, 0, 0x0a, 0, 8, 0, 0x11, 0];
        bytes[definition..definition + values.len()].copy_from_slice(&values);
        let span = record_at(&bytes, HEADER_SIZE).unwrap();
        let (at, end) = (span.start + RECORD_HEADER, span.end - 4);
        let mut decoder = Decoder::new(&bytes);
        let mut record = Decoded::default();
        let read = decoder.record(at, end, &|_| false, &mut record);
        assert_eq!(read, Ok(()));
        assert_eq!(record.system.record_id, Some(Value::Unsigned(101)));
        assert_eq!(decoder.glance(at, end), None);
    }

    #[test]
    fn what_is_seen_at_a_glance_is_what_reading_tells() {
        let whole = three_records();
        let from = |at: usize| record_at(&whole, at).unwrap();
        let first = from(HEADER_SIZE);
        let second = from(first.end);
        let spans: [Span; 3] = [first, second, from(second.end)];
        // A fixed linear congruence: the same changes every time.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let (mut seen, mut damaged) = (0, 0);
        for round in 0..6_000 {
            let mut bytes = whole[..spans[2].end].to_vec();
            for _ in 0..round % 4 {
                // The template lies in the first record; the second begins with its own outline.
                let span = spans[next() % 2];
                let reach = [48, 400][next() % 2];
                let byte = [0, 1, 2, 6, 0x0a, 0x0e, 0x11, 0x21, 0x81, 0xff][next() % 10];
                bytes[span.start + RECORD_HEADER + next() % reach] = byte;
            }
            let mut decoder = Decoder::new(&bytes);
            for span in spans {
                let (at, end) = (span.start + RECORD_HEADER, span.end - 4);
                let glance = decoder.glance(at, end);
                let mut record = Decoded::default();
                let read = decoder.record(at, end, &|_| false, &mut record);
                damaged += usize::from(read.is_err());
                let Some(glance) = glance else { continue };
                seen += 1;
                let system = &record.system;
                let number = |value: &Option<_>| value.as_ref().and_then(Value::unsigned);
                assert_eq!(read, Ok(()), "round {round}");
                let event_id = number(&system.event_id).map(|id| id as u32);
                assert_eq!(Some(glance.event_id), event_id, "round {round}");
                assert_eq!(Some(glance.record_id), number(&system.record_id));
                let time = system.time.as_ref().and_then(Value::time);
                assert_eq!(glance.time, time, "round {round}");
                assert_eq!(Some(&glance.channel), system.channel.as_ref());
                assert_eq!(Some(&glance.computer), system.computer.as_ref());
            }
        }
        assert!(
            seen > 3_000,
            "the second record is of the plain form: {seen}"
        );
        assert!(damaged > 500, "the changes hit something: {damaged}");
    }
}
