//! Where the records of a chunk begin and end, and where the next one begins behind damage.
//!
//! Only places and sizes; what a record says is for `decode`.

/// Bytes of a chunk.
pub const CHUNK_SIZE: usize = 65_536;
/// Bytes of a chunk's header.
pub(crate) const HEADER_SIZE: usize = 512;
/// What a chunk begins with.
pub(crate) const CHUNK_MAGIC: &[u8; 8] = b"ElfChnk\0";
pub(super) const RECORD_MAGIC: [u8; 4] = [0x2a, 0x2a, 0, 0];
/// Magic, size, number, time; and the copy of the size behind the content.
pub(super) const RECORD_HEADER: usize = 24;
pub(super) const SMALLEST_RECORD: usize = RECORD_HEADER + 4;
/// Records a chunk can hold.
pub(super) const MOST_RECORDS: u64 = (CHUNK_SIZE / SMALLEST_RECORD) as u64;
/// Set in the chunk's flags where no checksums were written.
pub(super) const NO_CHECKSUMS: u32 = 0x4;

/// A record's place in the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) number: u64,
}

pub(super) struct Header {
    pub(super) first_number: u64,
    pub(super) last_number: u64,
    /// End of the last record.
    pub(super) free: usize,
    /// The checksum holds.
    pub(super) sound: bool,
}

/// The record that begins at `at`, if one does. Its size must be borne out by the copy behind it or
/// by what follows.
pub(super) fn record_at(bytes: &[u8], at: usize) -> Option<Span> {
    let header = bytes.get(at..at + RECORD_HEADER)?;
    if header[..4] != RECORD_MAGIC {
        return None;
    }
    let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
    let end = at.checked_add(size)?;
    if size < SMALLEST_RECORD || end > bytes.len() {
        return None;
    }
    let follows = bytes.get(end..end + 4);
    let borne_out = size_copy_matches(bytes, at, end)
        || follows.is_none_or(|next| next == RECORD_MAGIC || next == [0; 4]);
    let number = header[8..16]
        .iter()
        .rev()
        .fold(0_u64, |n, b| n << 8 | u64::from(*b));
    borne_out.then_some(Span {
        start: at,
        end,
        number,
    })
}

pub(super) fn size_copy_matches(bytes: &[u8], start: usize, end: usize) -> bool {
    bytes.get(start + 4..start + 8) == bytes.get(end - 4..end)
}

/// The next record at or behind `from` that has its size behind it too, and a number the header
/// knows. A chunk copied while it was written over also holds records of the round before, whose
/// templates are gone: read with the new ones they would say what nobody wrote.
pub(super) fn next_record(
    bytes: &[u8],
    from: usize,
    until: usize,
    header: Option<&Header>,
) -> Option<Span> {
    let known = |number: u64| {
        header
            .filter(|h| h.sound)
            .is_none_or(|h| (h.first_number..=h.last_number).contains(&number))
    };
    let finder = memchr::memmem::Finder::new(&RECORD_MAGIC);
    let mut from = from;
    while let Some(found) = bytes.get(from..until).and_then(|rest| finder.find(rest)) {
        let at = from + found;
        if let Some(span) = record_at(bytes, at)
            && size_copy_matches(bytes, span.start, span.end)
            && known(span.number)
        {
            return Some(span);
        }
        from = at + 1;
    }
    None
}

/// How many records lie in a piece that cannot be read: by their numbers, where those can be
/// believed, and at least one.
pub(super) fn lost_between(
    before: Option<u64>,
    after: Option<u64>,
    header: Option<&Header>,
) -> u64 {
    let before = before.or_else(|| header.and_then(|h| h.first_number.checked_sub(1)));
    let after = after.or_else(|| header.and_then(|h| h.last_number.checked_add(1)));
    match (before, after) {
        (Some(before), Some(after)) => {
            let lost = after.saturating_sub(before).saturating_sub(1);
            if (1..=MOST_RECORDS).contains(&lost) {
                lost
            } else {
                1
            }
        }
        _ => 1,
    }
}
