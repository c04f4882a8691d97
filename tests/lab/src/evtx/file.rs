//! A whole log file: records over chunks, the file header, and the conditions real files are in.

use super::binxml::{write_instance, write_plain};
use super::chunk::{CHUNK, Chunk};
use super::event::{Event, Payload};
use super::system::{self, Manner};
use super::value::Value;

/// The longest text of one field, in UTF-16 units: value sizes are 16 bits wide, and a record must
/// fit into a chunk.
const LONGEST_TEXT: usize = 20_000;

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Templates and typed values: what Windows writes.
    #[default]
    Templates,
    /// Templates, but payload text carries a trailing NUL.
    TerminatedText,
    /// No templates, every value literal text. The evtx crate reads it, libevtx does not.
    Plain,
}

/// A log file to be written. Events keep the order in which they are pushed.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// How records are written.
    pub form: Form,
    /// EventRecordID of the first event that does not bring its own; 0 means 1.
    pub first_record: u64,
    /// Number record headers and chunks from 1, as an archived or exported log does, while
    /// EventRecordID keeps the original.
    pub renumbered: bool,
    /// A log copied from a running system: the dirty flag is set and the file header still has the
    /// counts of an earlier moment.
    pub dirty: bool,
    /// All-zero chunks after the last one: space Windows has reserved.
    pub reserved_chunks: usize,
    /// The events, in file order; [`Log::push`] adds them and gives them their record ids.
    pub events: Vec<Event>,
}

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event and returns its EventRecordID. Text beyond 20,000 UTF-16 units is cut.
    pub fn push(&mut self, mut event: Event) -> u64 {
        let next = match self.events.last() {
            Some(last) => last.record_id.unwrap_or(0) + 1,
            None => self.first_record.max(1),
        };
        let id = event.record_id.unwrap_or(next);
        event.record_id = Some(id);
        for (_, value) in event.fields_mut() {
            if let Value::Str(text) = value
                && text.encode_utf16().count() > LONGEST_TEXT
            {
                *text = text.chars().take(LONGEST_TEXT / 2).collect();
            }
        }
        self.events.push(event);
        id
    }

    /// True if nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut chunks: Vec<Vec<u8>> = Vec::new();
        let mut chunk = Chunk::new();
        let mut last_number = 0;
        for (i, event) in self.events.iter().enumerate() {
            let id = event.record_id.unwrap_or(1);
            last_number = if self.renumbered { i as u64 + 1 } else { id };
            let mark = chunk.mark();
            self.write_record(&mut chunk, event, id, last_number);
            // Ending exactly at the chunk's end makes libevtx drop the record silently.
            if chunk.bytes.len() >= CHUNK {
                assert!(!chunk.is_empty(), "an event larger than a chunk");
                chunk.undo(&mark);
                chunks.push(std::mem::replace(&mut chunk, Chunk::new()).finish());
                self.write_record(&mut chunk, event, id, last_number);
                assert!(chunk.bytes.len() < CHUNK, "an event larger than a chunk");
            }
        }
        chunks.push(chunk.finish());

        let mut file = self.header(chunks.len(), last_number);
        chunks
            .iter()
            .for_each(|chunk| file.extend_from_slice(chunk));
        file.resize(file.len() + self.reserved_chunks * CHUNK, 0);
        file
    }

    fn write_record(&self, chunk: &mut Chunk, event: &Event, id: u64, number: u64) {
        let start = chunk.position();
        chunk.put_u32(0x0000_2a2a);
        let size_at = chunk.reserve_u32();
        chunk.put_u64(number);
        chunk.put_u64(event.written.unwrap_or(event.created).filetime());
        let manner = Manner {
            terminated: self.form == Form::TerminatedText,
        };
        match self.form {
            Form::Plain => write_plain(chunk, &system::plain(event, id)),
            Form::Templates | Form::TerminatedText => {
                let (tree, values) = system::instance(event, id, manner);
                write_instance(chunk, &tree, &values);
            }
        }
        // The whole record, with the trailing copy of its size, is a multiple of 8 long.
        let length = (chunk.bytes.len() - start as usize + 4).next_multiple_of(8);
        chunk.bytes.resize(start as usize + length - 4, 0);
        let size = u32::try_from(length).unwrap_or(u32::MAX);
        chunk.put_u32(size);
        chunk.bytes[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
        chunk.add_record(number, start);
    }

    fn header(&self, chunks: usize, last_number: u64) -> Vec<u8> {
        // A running system updates the header late: as if only the first chunk existed.
        let (chunks, next) = if self.dirty {
            (1, 1)
        } else {
            (chunks as u64, last_number + 1)
        };
        let mut h = vec![0; 4096];
        h[..8].copy_from_slice(b"ElfFile\0");
        h[16..24].copy_from_slice(&(chunks - 1).to_le_bytes());
        h[24..32].copy_from_slice(&next.to_le_bytes());
        h[32..36].copy_from_slice(&128_u32.to_le_bytes());
        h[36..38].copy_from_slice(&1_u16.to_le_bytes());
        h[38..40].copy_from_slice(&3_u16.to_le_bytes());
        h[40..42].copy_from_slice(&4096_u16.to_le_bytes());
        h[42..44].copy_from_slice(&u16::try_from(chunks).unwrap_or(u16::MAX).to_le_bytes());
        h[120] = u8::from(self.dirty);
        let crc = crc32fast::hash(&h[..120]);
        h[124..128].copy_from_slice(&crc.to_le_bytes());
        h
    }
}

impl Event {
    /// The name Windows gives the file of this event's channel.
    pub fn file_name(channel: &str) -> String {
        format!("{}.evtx", channel.replace('/', "%4"))
    }

    /// True if the payload is UserData.
    pub fn has_user_data(&self) -> bool {
        matches!(self.payload, Payload::UserData { .. })
    }
}
