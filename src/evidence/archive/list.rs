//! What lies in an archive: each member that is evidence, with how to read it, and what was left
//! out and why.

use super::cursor::Cursor;
use super::entries::DESCRIBED;
use super::limits::{BY_HAND, in_words};
use super::{Limits, Member, Place, tar, zip};
use crate::evidence::discover::UNKNOWN;
use crate::evidence::kind::{Container, Kind, Packing, Unrecognised};
use crate::evidence::packing::unpacked;
use crate::evidence::problem::{Problem, ProblemKind, Problems, Weight};
use crate::model::EvidenceId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// How archives are opened, and what they have cost so far.
#[derive(Clone, Debug, Default)]
pub struct Unpacking {
    /// Passwords to try, in this order.
    pub passwords: Vec<Arc<str>>,
    /// How much an archive may make us do.
    pub limits: Limits,
    /// Bytes that the members listed so far unpack to.
    pub(super) listed: u64,
    /// Bytes written to temporary files so far.
    pub(super) spilled: u64,
}

impl Unpacking {
    /// With passwords to try and the limits casewire has by itself.
    pub fn with_passwords(passwords: &[String]) -> Self {
        Self {
            passwords: passwords.iter().map(|p| p.as_str().into()).collect(),
            ..Self::default()
        }
    }
}

/// A member that is evidence.
#[derive(Clone, Debug)]
pub struct Found {
    /// How to read it.
    pub member: Member,
    /// What it is.
    pub kind: Kind,
}

/// Why members were left out, with how many and the first one's name.
type LeftOut = BTreeMap<(ProblemKind, Weight, Cow<'static, str>, &'static str), (u64, String)>;

/// The work on one archive that was given, with all archives within it.
pub(super) struct Listing<'a> {
    pub unpacking: &'a mut Unpacking,
    pub found: Vec<Found>,
    /// Bytes of the archive as it was given: what unpacked sizes are compared with.
    pub packed: u64,
    /// Bytes its members unpack to.
    unpacked: u64,
    /// Bytes of the names of its members.
    names: u64,
    left_out: LeftOut,
    /// Why a temporary file could not be made or written: no fault of the evidence.
    no_room: Option<io::Error>,
}

/// Lists the archive at `path`, with the archives within it, in the order of the names. What was
/// left out is told in `problems`.
///
/// # Errors
/// If a temporary file cannot be made or written.
pub fn list(
    evidence: EvidenceId,
    path: &Path,
    (container, packing): (Container, Packing),
    unpacking: &mut Unpacking,
    problems: &mut Problems,
) -> io::Result<Vec<Found>> {
    let mut listing = Listing {
        unpacking,
        found: Vec::new(),
        packed: 0,
        unpacked: 0,
        names: 0,
        left_out: LeftOut::new(),
        no_room: None,
    };
    let listed = Cursor::disk(path.to_owned()).and_then(|cursor| {
        listing.packed = cursor.length();
        listing.container(cursor, (container, packing), "", 1)
    });
    if let Some(error) = listing.no_room {
        return Err(error);
    }
    listing.divide();
    let Listing {
        mut found,
        left_out,
        ..
    } = listing;
    let mut add = |kind, weight, count, message: String, effect: &str| {
        problems.add(Problem {
            evidence: Some(evidence),
            kind,
            weight,
            count,
            first_offset: None,
            message,
            effect: effect.to_owned(),
        });
    };
    if let Err(error) = listed {
        add(
            ProblemKind::Compression,
            Weight::Loss,
            1,
            format!("the archive is damaged or cut: {error}"),
            "what it holds behind this place is missing; copy it again, or unpack what can be \
             unpacked and give the folder",
        );
    }
    for ((kind, weight, what, effect), (count, first)) in left_out {
        let others = if count > 1 { " and others" } else { "" };
        add(
            kind,
            weight,
            count,
            format!("{first}{others}: {what}"),
            effect,
        );
    }
    found.sort_by(|a, b| a.member.name.cmp(&b.member.name));
    Ok(found)
}

impl Listing<'_> {
    /// Lists one archive; `prefix` is what goes before the names of its members.
    pub fn container(
        &mut self,
        cursor: Cursor,
        (container, packing): (Container, Packing),
        prefix: &str,
        depth: usize,
    ) -> io::Result<()> {
        match (container, packing) {
            (Container::Zip, Packing::Plain) => zip::list(self, cursor, prefix, depth),
            (Container::Tar, Packing::Plain) => {
                tar::list(self, cursor.clone(), Some(&cursor), prefix, depth)
            }
            (Container::Tar, _) => tar::list(self, unpacked(cursor, packing)?, None, prefix, depth),
            (Container::Zip, _) => match self.spill(unpacked(cursor, packing)?)? {
                Some(inner) => zip::list(self, inner, prefix, depth),
                None => {
                    self.too_much_spilled(prefix.trim_end_matches('!').to_owned());
                    Ok(())
                }
            },
        }
    }

    /// Lists an archive that is a member of another; `open` reads it.
    pub fn within(
        &mut self,
        name: String,
        kind: (Container, Packing),
        open: impl Read,
        depth: usize,
    ) -> io::Result<()> {
        if depth >= self.unpacking.limits.nesting {
            self.leave_out(
                ProblemKind::Limit,
                Weight::Loss,
                "archives lie too deep within each other; the innermost were not opened",
                BY_HAND,
                name,
            );
            return Ok(());
        }
        match self.spill(open) {
            Ok(Some(inner)) => {
                // What is wrong with an archive within does not end the one around it.
                let listed = self.container(inner, kind, &format!("{name}!"), depth + 1);
                if let Err(error) = listed {
                    self.stopped(name, error)?;
                }
            }
            Ok(None) => self.too_much_spilled(name),
            Err(error) => self.stopped(name, error)?,
        }
        Ok(())
    }

    /// Takes it as damage of an archive within that it could not be read on, if it is that.
    fn stopped(&mut self, name: String, error: io::Error) -> io::Result<()> {
        match self.no_room {
            Some(_) => Err(error),
            None => {
                self.damaged(name);
                Ok(())
            }
        }
    }

    /// A temporary file.
    ///
    /// # Errors
    /// If none can be made, which ends the whole listing.
    pub fn temporary(&mut self) -> io::Result<File> {
        tempfile::tempfile().map_err(|error| self.no_room(error))
    }

    /// Keeps why a temporary file failed, and gives an error that ends the listing.
    fn no_room(&mut self, error: io::Error) -> io::Error {
        self.no_room = Some(error);
        io::Error::other("no temporary file")
    }

    /// Takes a member of a known kind, if the limits allow it. `packed` is its size in the archive.
    pub fn take(&mut self, name: String, size: u64, packed: u64, kind: Kind, place: Place) {
        if !self.allows(&name, size, packed) {
            return;
        }
        self.hold(name, size, kind, place);
    }

    /// Takes a member that the limits have allowed.
    pub fn hold(&mut self, name: String, size: u64, kind: Kind, place: Place) {
        let room = u64::MAX;
        self.found.push(Found {
            member: Member {
                name,
                size,
                room,
                place,
            },
            kind,
        });
    }

    /// Divides what may still be unpacked among the members that are packed themselves: half of it
    /// evenly, half by their sizes. How much one of them gets must not depend on which is read
    /// first, because they are read several at a time.
    fn divide(&mut self) {
        let room = self.unpacking.limits.room(self.packed);
        let half = room.saturating_sub(self.unpacked) / 2;
        let packed = |found: &&mut Found| found.kind.packing() != Packing::Plain;
        let sizes = self.found.iter_mut().filter(packed).map(|f| f.member.size);
        let (count, sum) = sizes.fold((0_u64, 0_u128), |(n, sum), size| {
            (n + 1, sum + u128::from(size))
        });
        for found in self.found.iter_mut().filter(packed) {
            let by_size = u128::from(half) * u128::from(found.member.size) / sum.max(1);
            let by_size = u64::try_from(by_size).unwrap_or(half);
            found.member.room = (half / count).saturating_add(by_size);
        }
    }

    /// True if a member of this size may be read.
    pub fn allows(&mut self, name: &str, size: u64, packed: u64) -> bool {
        let limits = self.unpacking.limits;
        let listed = self.unpacking.listed.saturating_add(size);
        let here = self.unpacked.saturating_add(size);
        let (free, ratio) = (in_words(limits.free), limits.ratio);
        self.names = self.names.saturating_add(name.len() as u64);
        let passed = if self.names > limits.directory {
            let names = in_words(limits.directory);
            format!("with it, the names of all members are longer than {names}; not read")
        } else if limits.is_bomb(size, packed) {
            format!("unpacks to more than {free} and more than {ratio} times its size; not read")
        } else if listed > limits.total {
            let total = in_words(limits.total);
            format!("with it, all archives of this run unpack to more than {total}; not read")
        } else if here > limits.room(self.packed) {
            format!("with it, {}; not read", self.beyond())
        } else {
            (self.unpacking.listed, self.unpacked) = (listed, here);
            return true;
        };
        self.leave_out(
            ProblemKind::Limit,
            Weight::Loss,
            passed,
            BY_HAND,
            name.to_owned(),
        );
        false
    }

    /// True if so many bytes may be unpacked only to pass over them.
    pub fn passes(&mut self, bytes: u64) -> bool {
        let here = self.unpacked.saturating_add(bytes);
        if here > self.unpacking.limits.room(self.packed) {
            return false;
        }
        self.unpacked = here;
        true
    }

    /// Notes that an archive would be read on only to pass over too much.
    pub fn too_much_passed(&mut self, prefix: &str) {
        let why = format!(
            "{}, most of it no evidence; what follows in this archive was not read",
            self.beyond()
        );
        let name = match prefix.trim_end_matches('!') {
            "" => "the archive",
            name => name,
        };
        self.leave_out(
            ProblemKind::Limit,
            Weight::Loss,
            why,
            BY_HAND,
            name.to_owned(),
        );
    }

    /// What the bound for all members of one file says when it is passed.
    fn beyond(&self) -> String {
        let limits = self.unpacking.limits;
        format!(
            "the file that was given unpacks to more than {} and more than {} times its size",
            in_words(limits.shared),
            limits.ratio
        )
    }

    /// Copies `from` to a temporary file; `None` if that would pass the limits.
    pub fn spill(&mut self, from: impl Read) -> io::Result<Option<Cursor>> {
        let mut file = self.temporary()?;
        match self.spill_onto(&mut file, from)? {
            Some(length) => Ok(Some(Cursor::temporary(file, length))),
            None => Ok(None),
        }
    }

    /// Appends `from` to a temporary file and says how long it was; `None` if that would pass the
    /// limits.
    pub fn spill_onto(&mut self, file: &mut File, from: impl Read) -> io::Result<Option<u64>> {
        let room = self
            .unpacking
            .limits
            .spilled
            .saturating_sub(self.unpacking.spilled);
        let mut from = from.take(room.saturating_add(1));
        let mut buffer = vec![0; 128 * 1024];
        let mut length = 0_u64;
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            file.write_all(&buffer[..read])
                .map_err(|error| self.no_room(error))?;
            length += read as u64;
            if self.unpacking.limits.is_bomb(length, self.packed) {
                return Ok(None);
            }
        }
        self.unpacking.spilled += length;
        Ok((length <= room).then_some(length))
    }

    /// Notes a member that is no evidence.
    pub fn no_evidence(&mut self, name: String) {
        self.leave_out(
            ProblemKind::NotRecognised,
            Weight::Note,
            "in the archive, of a form that is not recognised",
            UNKNOWN,
            name,
        );
    }

    /// Notes a link, device or other entry that is no file.
    pub fn no_file(&mut self, name: String) {
        self.leave_out(
            ProblemKind::NotRecognised,
            Weight::Note,
            "a link or a special file in the archive; links are not followed",
            "if it stands for evidence, give that file itself",
            name,
        );
    }

    /// Notes a member that cannot be unpacked.
    pub fn damaged(&mut self, name: String) {
        self.leave_out(
            ProblemKind::Compression,
            Weight::Loss,
            "this member of the archive is damaged or cut",
            "it was read up to the damage or not at all; copy the archive again",
            name,
        );
    }

    /// Notes a member of which it cannot be told what it is, and why.
    pub fn unrecognised(&mut self, name: String, error: &Unrecognised) {
        match error {
            Unrecognised::Read(_) => self.damaged(name),
            Unrecognised::Packed { .. } => self.leave_out(
                ProblemKind::Compression,
                Weight::Loss,
                error.to_string(),
                "what it holds is missing; copy the archive again, or unpack it by hand and give \
                 the folder",
                name,
            ),
        }
    }

    /// Notes a member that is stored without its holes.
    pub fn sparse(&mut self, name: String) {
        self.leave_out(
            ProblemKind::NotRecognised,
            Weight::Loss,
            "a sparse file in the archive, stored without its holes; casewire does not read those",
            "what it holds is missing; unpack it by hand and give the folder",
            name,
        );
    }

    /// Notes a member whose name or attributes are longer than what is read of them.
    pub fn long_name(&mut self, name: String) {
        self.leave_out(
            ProblemKind::Limit,
            Weight::Loss,
            format!(
                "what describes this member of the archive is longer than {}, which is all that is \
                 read of it",
                in_words(DESCRIBED)
            ),
            "its name may be cut, and what follows it may not be found; unpack it by hand and give \
             the folder",
            name,
        );
    }

    /// Notes a member that would pass the bound of temporary files.
    pub fn too_much_spilled(&mut self, name: String) {
        self.leave_out(
            ProblemKind::Limit,
            Weight::Loss,
            "unpacking it would need more temporary space than casewire allows itself",
            BY_HAND,
            name,
        );
    }

    pub fn leave_out(
        &mut self,
        kind: ProblemKind,
        weight: Weight,
        what: impl Into<Cow<'static, str>>,
        effect: &'static str,
        name: String,
    ) {
        let held = self.left_out.entry((kind, weight, what.into(), effect));
        let (count, first) = held.or_insert_with(|| (0, name.clone()));
        *count += 1;
        if name < *first {
            *first = name;
        }
    }
}
