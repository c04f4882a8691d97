//! Tar archives: members of a plain one are read where they lie, those of a compressed one are
//! copied to one temporary file, because a compressed stream cannot be entered in the middle.

use super::Place;
use super::cursor::Cursor;
use super::limits::BY_HAND;
use super::list::Listing;
use crate::evidence::kind::{self, Kind, SEARCHED};
use crate::evidence::problem::{ProblemKind, Weight};
use std::io::{self, Read};

/// Lists the archive that `input` reads; `whole` is the file, if the members lie in it as they are.
pub(super) fn list(
    listing: &mut Listing<'_>,
    input: impl Read,
    whole: Option<&Cursor>,
    prefix: &str,
    depth: usize,
) -> io::Result<()> {
    let mut archive = ::tar::Archive::new(input);
    // Members of a compressed tar, until their file is complete.
    let mut copied: Vec<(String, u64, Kind, u64)> = Vec::new();
    let mut file = None;
    let mut length = 0;
    let mut walk = || -> io::Result<()> {
        for (index, entry) in archive.entries()?.enumerate() {
            let mut entry = entry?;
            let name = format!("{prefix}{}", String::from_utf8_lossy(&entry.path_bytes()));
            if index >= listing.unpacking.limits.entries {
                listing.leave_out(
                    ProblemKind::Limit,
                    Weight::Loss,
                    "the archive has more entries than casewire looks at; the rest was not opened",
                    BY_HAND,
                    name,
                );
                return Ok(());
            }
            let form = entry.header().entry_type();
            if form.is_dir() {
                continue;
            }
            if !form.is_file() && !form.is_contiguous() {
                listing.no_file(name);
                continue;
            }
            let (size, at) = (entry.size(), entry.raw_file_position());
            let mut head = Vec::new();
            entry
                .by_ref()
                .take(SEARCHED as u64)
                .read_to_end(&mut head)?;
            match kind::recognise(&head[..])? {
                Kind::Archive(inner, packing) => {
                    if listing.allows(&name, size, size) {
                        listing.within(
                            name,
                            (inner, packing),
                            io::Cursor::new(head).chain(entry),
                            depth,
                        )?;
                    }
                }
                kind if !kind.is_evidence() => listing.no_evidence(name),
                kind => match whole {
                    Some(cursor) => {
                        let place = Place::Bytes {
                            file: cursor.clone(),
                            from: at,
                        };
                        listing.take(name, size, size, kind, place);
                    }
                    None if listing.allows(&name, size, size) => {
                        let file = match &mut file {
                            Some(file) => file,
                            none => none.insert(tempfile::tempfile()?),
                        };
                        match listing.spill_onto(file, io::Cursor::new(head).chain(entry))? {
                            Some(bytes) => {
                                copied.push((name, bytes, kind, length));
                                length += bytes;
                            }
                            None => {
                                listing.too_much_spilled(name);
                                return Ok(());
                            }
                        }
                    }
                    None => {}
                },
            }
        }
        Ok(())
    };
    let walked = walk();
    if let Some(file) = file {
        let cursor = Cursor::temporary(file, length);
        for (name, size, kind, from) in copied {
            let place = Place::Bytes {
                file: cursor.clone(),
                from,
            };
            listing.found.push(super::Found {
                member: super::Member { name, size, place },
                kind,
            });
        }
    }
    walked
}
