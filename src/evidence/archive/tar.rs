//! Tar archives: members of a plain one are read where they lie, those of a compressed one are
//! copied to one temporary file, because a compressed stream cannot be entered in the middle.

use super::Place;
use super::cursor::Cursor;
use super::entries::{Entries, Entry, Form};
use super::limits::BY_HAND;
use super::list::Listing;
use crate::evidence::kind::{self, Kind, SEARCHED};
use crate::evidence::problem::{ProblemKind, Weight};
use std::fs::File;
use std::io::{self, Read};

/// Bytes of a member by which it is recognised. What is packed and does not get smaller must unpack
/// to as much as is searched.
const HEAD: u64 = 2 * SEARCHED as u64;

/// Members of a compressed tar, until their file is complete.
#[derive(Default)]
struct Copied {
    file: Option<File>,
    length: u64,
    members: Vec<(String, u64, Kind, u64)>,
}

/// Lists the archive that `input` reads; `whole` is the file, if the members lie in it as they are.
pub(super) fn list(
    listing: &mut Listing<'_>,
    input: impl Read,
    whole: Option<&Cursor>,
    prefix: &str,
    depth: usize,
) -> io::Result<()> {
    let mut copied = Copied::default();
    let walked = walk(
        listing,
        Entries::new(input),
        whole,
        prefix,
        depth,
        &mut copied,
    );
    if let Some(file) = copied.file {
        let cursor = Cursor::temporary(file, copied.length);
        for (name, size, kind, from) in copied.members {
            let place = Place::Bytes {
                file: cursor.clone(),
                from,
            };
            listing.hold(name, size, kind, place);
        }
    }
    walked
}

fn walk(
    listing: &mut Listing<'_>,
    mut entries: Entries<impl Read>,
    whole: Option<&Cursor>,
    prefix: &str,
    depth: usize,
    copied: &mut Copied,
) -> io::Result<()> {
    let mut seen = 0;
    loop {
        let mut refused = false;
        // What lies in the file as it is can be no larger than the file.
        let next = entries.next(
            &mut |bytes| match whole.is_some() || listing.passes(bytes) {
                true => Ok(()),
                false => {
                    refused = true;
                    Err(io::Error::other("too much would be passed over"))
                }
            },
        );
        if refused {
            listing.too_much_passed(prefix);
            return Ok(());
        }
        let Some(entry) = next? else {
            return Ok(());
        };
        let name = format!("{prefix}{}", entry.name);
        if seen >= listing.unpacking.limits.entries {
            listing.leave_out(
                ProblemKind::Limit,
                Weight::Loss,
                "the archive has more entries than casewire looks at; the rest was not opened",
                BY_HAND,
                name,
            );
            return Ok(());
        }
        seen += 1;
        if entry.cut {
            listing.long_name(name.clone());
        }
        match entry.form {
            Form::Folder => {}
            Form::Other => listing.no_file(name),
            Form::Sparse => listing.sparse(name),
            Form::File => {
                if !member(listing, &mut entries, (name, &entry), whole, depth, copied)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Decides what an entry is, by its first bytes. False if a limit ends the listing.
fn member(
    listing: &mut Listing<'_>,
    entries: &mut Entries<impl Read>,
    (name, entry): (String, &Entry),
    whole: Option<&Cursor>,
    depth: usize,
    copied: &mut Copied,
) -> io::Result<bool> {
    let size = entry.size;
    let mut head = Vec::new();
    entries
        .by_ref()
        .take(HEAD.min(size))
        .read_to_end(&mut head)?;
    let kind = match kind::recognise(&head[..]) {
        Ok(kind) => kind,
        Err(error) => {
            listing.unrecognised(name, &error);
            return Ok(true);
        }
    };
    let looked_at = head.len() as u64;
    let rest = size - looked_at;
    let all = io::Cursor::new(head).chain(entries.by_ref().take(rest));
    match (kind, whole) {
        (Kind::Archive(inner, packing), _) => {
            if listing.allows(&name, size, size) {
                listing.within(name, (inner, packing), all, depth)?;
            }
        }
        (kind, _) if !kind.is_evidence() => {
            listing.no_evidence(name);
            entries.count(looked_at);
        }
        (kind, Some(cursor)) => {
            let place = Place::Bytes {
                file: cursor.clone(),
                from: entry.at,
            };
            listing.take(name, size, size, kind, place);
        }
        (kind, None) if listing.allows(&name, size, size) => {
            let file = match &mut copied.file {
                Some(file) => file,
                none => none.insert(listing.temporary()?),
            };
            match listing.spill_onto(file, all)? {
                Some(bytes) => {
                    copied.members.push((name, bytes, kind, copied.length));
                    copied.length += bytes;
                }
                None => {
                    listing.too_much_spilled(name);
                    return Ok(false);
                }
            }
        }
        (_, None) => {}
    }
    Ok(true)
}
