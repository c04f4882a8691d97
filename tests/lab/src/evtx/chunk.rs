//! A 64 KiB chunk while it is being filled: its bytes, its names and its templates.

use std::collections::BTreeMap;

/// Size of a chunk in bytes.
pub(super) const CHUNK: usize = 65_536;
const HEADER: usize = 512;
const NAME_BUCKETS: usize = 64;
const TEMPLATE_BUCKETS: usize = 32;

/// Bytes of a chunk so far, and what is known in it.
pub(super) struct Chunk {
    /// Header (zero until finished) and records.
    pub(super) bytes: Vec<u8>,
    names: BTreeMap<String, u32>,
    templates: BTreeMap<[u8; 16], u32>,
    name_heads: [u32; NAME_BUCKETS],
    template_heads: [u32; TEMPLATE_BUCKETS],
    numbers: Option<(u64, u64)>,
    last_record: u32,
}

/// What is needed to take a record back out.
pub(super) struct Mark {
    length: usize,
    name_heads: [u32; NAME_BUCKETS],
    template_heads: [u32; TEMPLATE_BUCKETS],
}

impl Chunk {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; HEADER],
            names: BTreeMap::new(),
            templates: BTreeMap::new(),
            name_heads: [0; NAME_BUCKETS],
            template_heads: [0; TEMPLATE_BUCKETS],
            numbers: None,
            last_record: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_none()
    }

    /// Offset of the next byte in the chunk.
    pub(super) fn position(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn put_u16(&mut self, n: u16) {
        self.bytes.extend_from_slice(&n.to_le_bytes());
    }

    pub(super) fn put_u32(&mut self, n: u32) {
        self.bytes.extend_from_slice(&n.to_le_bytes());
    }

    pub(super) fn put_u64(&mut self, n: u64) {
        self.bytes.extend_from_slice(&n.to_le_bytes());
    }

    /// Leaves room for a length that [`Self::patch_length`] fills in.
    pub(super) fn reserve_u32(&mut self) -> usize {
        let at = self.bytes.len();
        self.put_u32(0);
        at
    }

    /// Writes at `at` how many bytes follow that field.
    pub(super) fn patch_length(&mut self, at: usize) {
        let length = u32::try_from(self.bytes.len() - at - 4).unwrap_or(u32::MAX);
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// Writes a name's offset, and the name itself at its first use in the chunk.
    pub(super) fn put_name(&mut self, name: &str) {
        if let Some(known) = self.names.get(name) {
            let known = *known;
            self.put_u32(known);
            return;
        }
        let here = self.position() + 4;
        self.put_u32(here);
        let units: Vec<u16> = name.encode_utf16().collect();
        let hash = hash(&units);
        // A new node goes to the head of its bucket and points to the older one.
        let head = &mut self.name_heads[hash as usize % NAME_BUCKETS];
        let older = std::mem::replace(head, here);
        self.put_u32(older);
        self.put_u16((hash & 0xffff) as u16);
        self.put_u16(u16::try_from(units.len()).unwrap_or(u16::MAX));
        self.bytes
            .extend(units.into_iter().flat_map(u16::to_le_bytes));
        self.put_u16(0);
        self.names.insert(name.to_owned(), here);
    }

    /// Offset of a template's definition, if the chunk has it.
    pub(super) fn template(&self, guid: &[u8; 16]) -> Option<u32> {
        self.templates.get(guid).copied()
    }

    /// Notes a definition at `offset`; returns the older one of its bucket, 0 for none.
    pub(super) fn add_template(&mut self, guid: [u8; 16], offset: u32) -> u32 {
        let stored = super::value::mixed_endian(&guid);
        let units: Vec<u16> = stored
            .chunks_exact(2)
            .map(|p| u16::from_le_bytes([p[0], p[1]]))
            .collect();
        let head = &mut self.template_heads[hash(&units) as usize % TEMPLATE_BUCKETS];
        let older = std::mem::replace(head, offset);
        self.templates.insert(guid, offset);
        older
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            length: self.bytes.len(),
            name_heads: self.name_heads,
            template_heads: self.template_heads,
        }
    }

    /// Takes back everything since `mark`: a bucket must not point into zeroed space.
    pub(super) fn undo(&mut self, mark: &Mark) {
        self.bytes.truncate(mark.length);
        self.name_heads = mark.name_heads;
        self.template_heads = mark.template_heads;
        let cut = self.position();
        self.names.retain(|_, offset| *offset < cut);
        self.templates.retain(|_, offset| *offset < cut);
    }

    /// Notes that the record `number` begins at `offset`.
    pub(super) fn add_record(&mut self, number: u64, offset: u32) {
        self.numbers = Some(
            self.numbers
                .map_or((number, number), |(first, _)| (first, number)),
        );
        self.last_record = offset;
    }

    /// The 65,536 bytes, with header and checksums.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let free = self.position();
        self.bytes.resize(CHUNK, 0);
        let (first, last) = self.numbers.unwrap_or((u64::MAX, u64::MAX));
        let b = &mut self.bytes;
        b[..8].copy_from_slice(b"ElfChnk\0");
        for (at, n) in [(8, first), (16, last), (24, first), (32, last)] {
            b[at..at + 8].copy_from_slice(&n.to_le_bytes());
        }
        let data = crc32fast::hash(&b[HEADER..free as usize]);
        // Every chunk of a real log has 1 at 120.
        for (at, n) in [
            (40, 128),
            (44, self.last_record),
            (48, free),
            (52, data),
            (120, 1),
        ] {
            b[at..at + 4].copy_from_slice(&n.to_le_bytes());
        }
        for (i, head) in self
            .name_heads
            .iter()
            .chain(&self.template_heads)
            .enumerate()
        {
            b[128 + i * 4..132 + i * 4].copy_from_slice(&head.to_le_bytes());
        }
        let mut header = crc32fast::Hasher::new();
        header.update(&b[..120]);
        header.update(&b[128..512]);
        let header = header.finalize();
        b[124..128].copy_from_slice(&header.to_le_bytes());
        self.bytes
    }
}

/// The name hash of MS-EVEN6 2.2.12, over UTF-16 units.
fn hash(units: &[u16]) -> u32 {
    units.iter().fold(0_u32, |h, unit| {
        h.wrapping_mul(65_599).wrapping_add(u32::from(*unit))
    })
}
