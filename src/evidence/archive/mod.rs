//! Archives, as triage tools write them: what lies in them is evidence like any other file, read
//! from where it is.
//!
//! Members are listed once and read later, as streams. Nothing is ever written beside the evidence;
//! what cannot be read in place (an archive within an archive, a member of a compressed tar) goes
//! to a temporary file without a name, on the disk that sorting uses too. Names of members are
//! printed and never used as paths; links are not followed.

#[cfg(test)]
mod bound_tests;
mod cursor;
mod entries;
mod limits;
mod list;
mod pipe;
mod tar;
#[cfg(test)]
mod tests;
mod zip;

pub use limits::{Limits, in_words};
pub use list::{Found, Unpacking, list};

use cursor::Cursor;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

/// A member of an archive: how to read it.
#[derive(Clone)]
pub struct Member {
    /// Its name in the archive; an archive within is named before it, with `!` between.
    pub name: String,
    /// Bytes it unpacks to, as the archive says.
    pub size: u64,
    /// Bytes it may unpack to further, if it is packed itself: its part of what the archive may.
    pub room: u64,
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// An entry of a zip archive.
    Zip {
        archive: ::zip::ZipArchive<Cursor>,
        index: usize,
        password: Option<Arc<str>>,
    },
    /// Bytes that lie as they are.
    Bytes { file: Cursor, from: u64 },
}

impl Member {
    /// Reads it from its start.
    ///
    /// # Errors
    /// If no thread can be started to unpack it. Other failures come while reading.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.place {
            Place::Bytes { file, from } => Ok(Box::new(file.standing_at(*from).take(self.size))),
            Place::Zip {
                archive,
                index,
                password,
            } => {
                let (archive, index, password) = (archive.clone(), *index, password.clone());
                Ok(Box::new(pipe::start(move |copy| {
                    zip::read(archive, index, password.as_deref(), copy)
                })?))
            }
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Member {
    /// Within one run a name stands for one member.
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.size) == (&other.name, other.size)
    }
}

impl Eq for Member {}
