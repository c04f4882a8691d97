//! Zip archives: stored, deflate, deflate64 (which Windows writes past 2 GiB) and zstd, encrypted
//! with AES or ZipCrypto.
//!
//! The directory at the end decides what there is. Entries that share bytes are the mark of a
//! crafted archive; the second of them is not read.

use super::Place;
use super::cursor::Cursor;
use super::limits::BY_HAND;
use super::list::Listing;
use crate::evidence::kind::{self, Kind, Unrecognised};
use crate::evidence::problem::{ProblemKind, Weight};
use ::zip::ZipArchive;
use ::zip::read::ZipReadOptions;
use ::zip::result::ZipError;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

/// Where the end of the directory is searched for: a comment may be this long.
const TAIL: u64 = 65_535 + 22 + 20 + 56;

/// What the directory says of one entry.
struct Entry {
    name: String,
    size: u64,
    packed: u64,
    start: u64,
    encrypted: bool,
}

/// Lists the archive.
pub(super) fn list(
    listing: &mut Listing<'_>,
    mut cursor: Cursor,
    prefix: &str,
    depth: usize,
) -> io::Result<()> {
    if directory(&mut cursor)? > listing.unpacking.limits.directory {
        listing.leave_out(
            ProblemKind::Limit,
            Weight::Loss,
            "the directory of this archive is larger than any real one; it was not opened",
            BY_HAND,
            if prefix.is_empty() {
                "the archive".to_owned()
            } else {
                prefix.to_owned()
            },
        );
        return Ok(());
    }
    let mut archive = ZipArchive::new(cursor).map_err(io::Error::other)?;
    if archive.has_duplicate_names() {
        listing.leave_out(
            ProblemKind::Compression,
            Weight::Loss,
            "several entries of the archive have the same name; only the last of each is read",
            BY_HAND,
            if prefix.is_empty() {
                "the archive".to_owned()
            } else {
                prefix.to_owned()
            },
        );
    }
    let container = is_velociraptor_container(&archive);
    // Where the bytes of each entry begin and end.
    let mut covered: BTreeMap<u64, u64> = BTreeMap::new();
    for index in 0..archive.len() {
        if index >= listing.unpacking.limits.entries {
            listing.leave_out(
                ProblemKind::Limit,
                Weight::Loss,
                "the archive has more entries than casewire looks at; the rest was not opened",
                BY_HAND,
                format!("{prefix}entry {index}"),
            );
            break;
        }
        let Some(entry) = look(listing, &archive, index, prefix) else {
            continue;
        };
        let (from, to) = (
            entry.start,
            entry.start.saturating_add(entry.packed).saturating_add(1),
        );
        let before = covered.range(..=from).next_back();
        let behind = covered.range(from..).next();
        if before.is_some_and(|(_, end)| *end > from)
            || behind.is_some_and(|(start, _)| *start < to)
        {
            listing.leave_out(
                ProblemKind::Compression,
                Weight::Loss,
                "shares bytes with another entry of the archive, which no honest archive does; it \
                 was not read",
                BY_HAND,
                entry.name,
            );
            continue;
        }
        covered.insert(from, to);
        member(listing, &mut archive, index, entry, container, depth)?;
    }
    Ok(())
}

/// What the directory says of an entry that is a file.
fn look(
    listing: &mut Listing<'_>,
    archive: &ZipArchive<Cursor>,
    index: usize,
    prefix: &str,
) -> Option<Entry> {
    let Ok(data) = archive.by_index_data(index) else {
        listing.damaged(format!("{prefix}entry {index}"));
        return None;
    };
    let name = match data.name() {
        Ok(name) => format!("{prefix}{name}"),
        Err(_) => format!("{prefix}{}", String::from_utf8_lossy(data.name_raw())),
    };
    if data.is_dir() {
        return None;
    }
    if data.is_symlink() || !data.is_file() {
        listing.no_file(name);
        return None;
    }
    Some(Entry {
        name,
        size: data.size(),
        packed: data.compressed_size(),
        start: data.header_start(),
        encrypted: data.encrypted(),
    })
}

/// Why an entry was not recognised: the archive does not open it, or its bytes do not tell.
enum Refused {
    Entry(ZipError),
    Bytes(Unrecognised),
}

/// Decides what an entry is, by its first bytes.
fn member(
    listing: &mut Listing<'_>,
    archive: &mut ZipArchive<Cursor>,
    index: usize,
    entry: Entry,
    container: bool,
    depth: usize,
) -> io::Result<()> {
    let Entry {
        name, size, packed, ..
    } = entry;
    let mut passwords = vec![None];
    if entry.encrypted {
        passwords = listing
            .unpacking
            .passwords
            .iter()
            .cloned()
            .map(Some)
            .collect();
        if passwords.is_empty() {
            no_password(listing, container, name);
            return Ok(());
        }
    }
    // Of a member that a password opens: why it cannot be told what it is.
    let mut packed_badly = None;
    for password in passwords {
        let options = ZipReadOptions::new().password(password.as_deref().map(str::as_bytes));
        let recognised = archive
            .by_index_with_options(index, options)
            .map_err(Refused::Entry)
            .and_then(|read| kind::recognise(read.take(size)).map_err(Refused::Bytes));
        match recognised {
            Ok(Kind::Archive(inner, packing)) => {
                if !listing.allows(&name, size, packed) {
                    return Ok(());
                }
                let options =
                    ZipReadOptions::new().password(password.as_deref().map(str::as_bytes));
                return match archive.by_index_with_options(index, options) {
                    Ok(read) => listing.within(name, (inner, packing), read.take(size), depth),
                    Err(_) => {
                        listing.damaged(name);
                        Ok(())
                    }
                };
            }
            Ok(kind) if kind.is_evidence() => {
                let place = Place::Zip {
                    archive: archive.clone(),
                    index,
                    password,
                };
                listing.take(name, size, packed, kind, place);
                return Ok(());
            }
            Ok(_) => {
                listing.no_evidence(name);
                return Ok(());
            }
            // ZipCrypto takes one wrong password in 256 for right; the bytes tell.
            Err(Refused::Entry(ZipError::InvalidPassword)) if entry.encrypted => {}
            Err(Refused::Bytes(error)) if entry.encrypted => {
                if matches!(error, Unrecognised::Packed { .. }) {
                    packed_badly = Some(error);
                }
            }
            Err(Refused::Bytes(error)) => {
                listing.unrecognised(name, &error);
                return Ok(());
            }
            Err(Refused::Entry(
                ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_),
            )) => {
                listing.leave_out(
                    ProblemKind::NotRecognised,
                    Weight::Loss,
                    "packed by a method that casewire does not read",
                    "unpack it by hand and give the folder",
                    name,
                );
                return Ok(());
            }
            Err(_) => {
                listing.damaged(name);
                return Ok(());
            }
        }
    }
    if let Some(error) = packed_badly {
        listing.unrecognised(name, &error);
        return Ok(());
    }
    listing.leave_out(
        ProblemKind::Unreadable,
        Weight::Loss,
        "encrypted, and no password that was given opens it",
        "give the right one with --password",
        name,
    );
    Ok(())
}

fn no_password(listing: &mut Listing<'_>, container: bool, name: String) {
    if container {
        listing.leave_out(
            ProblemKind::Unreadable,
            Weight::Loss,
            "the collection was encrypted by Velociraptor for a certificate",
            "decrypt it with velociraptor (unzip with its private key) first, and give what comes out",
            name,
        );
    } else {
        listing.leave_out(
            ProblemKind::Unreadable,
            Weight::Loss,
            "encrypted, and no password was given",
            "give it with --password",
            name,
        );
    }
}

/// A container that Velociraptor encrypted for a certificate: `data.zip` behind its metadata.
fn is_velociraptor_container(archive: &ZipArchive<Cursor>) -> bool {
    archive.len() <= 3
        && archive.index_for_name("data.zip").is_some()
        && archive.index_for_name("metadata.json").is_some()
}

/// Bytes of the directory, as the end of the archive says; the largest if it says several things.
fn directory(cursor: &mut Cursor) -> io::Result<u64> {
    let tail_at = cursor.length().saturating_sub(TAIL);
    cursor.seek(SeekFrom::Start(tail_at))?;
    let mut tail = Vec::new();
    cursor.by_ref().take(TAIL).read_to_end(&mut tail)?;
    let mut largest = 0;
    for at in memchr::memchr_iter(b'P', &tail) {
        let bytes = &tail[at..];
        if bytes.starts_with(b"PK\x05\x06") && bytes.len() >= 22 {
            let size = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
            if size != u32::MAX {
                largest = largest.max(u64::from(size));
            }
        } else if bytes.starts_with(b"PK\x06\x06") && bytes.len() >= 48 {
            let mut size = [0; 8];
            size.copy_from_slice(&bytes[40..48]);
            largest = largest.max(u64::from_le_bytes(size));
        }
    }
    cursor.seek(SeekFrom::Start(0))?;
    Ok(largest.min(cursor.length()))
}

/// Reads an entry to its end, and no further than its size.
pub(super) fn read(
    mut archive: ZipArchive<Cursor>,
    index: usize,
    password: Option<&str>,
    copy: &mut dyn FnMut(&mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let size = archive
        .by_index_data(index)
        .map_err(io::Error::other)?
        .size();
    let options = ZipReadOptions::new().password(password.map(str::as_bytes));
    let mut entry = archive
        .by_index_with_options(index, options)
        .map_err(io::Error::other)?;
    copy(&mut entry.by_ref().take(size))?;
    // Reading past the end is what compares the checksum, and what shows a member that lied.
    match entry.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the member is longer than the archive says",
        )),
    }
}
