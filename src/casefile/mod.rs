//! The folder a run leaves behind, which stands on its own.
//!
//! | File | Holds |
//! |---|---|
//! | `report.json` | the record: everything found, and everything that could not be seen |
//! | `timeline.jsonl` | every event of the evidence in time order, one a line |
//! | `run.json` | everything about the run that is not evidence: when, where, by whom |
//! | `SHA256SUMS` | the hashes of the three, as `sha256sum -c` reads them |
//!
//! The first two are the same bytes for the same evidence, settings and version. What they say is
//! for `report`; here they are written whole or not at all, checked, and followed back to evidence.

pub mod compare;
pub mod escaped;
pub mod folder;
pub mod lines;
pub mod place;
pub mod places;
pub mod raw;
pub mod run;
pub mod slice;
pub mod verify;
pub mod write;

use crate::report::json::read::{self, ReadError};
use crate::report::json::shape::Report;
use run::Run;
use std::io;
use std::path::{Path, PathBuf};

/// The record.
pub const REPORT: &str = "report.json";
/// Every event, one a line.
pub const TIMELINE: &str = "timeline.jsonl";
/// About the run.
pub const RUN: &str = "run.json";
/// The hashes of the other files.
pub const SUMS: &str = "SHA256SUMS";

/// Why a case folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is none, or is asked to lie where it must not.
    #[error("{0}")]
    Place(String),
    /// The system refuses.
    #[error("{}: {source}; check the path, the disk and your rights", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the folder is not what it should be.
    #[error("{}: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
    /// A reference leads to nothing that the case has.
    #[error("{0}")]
    Reference(String),
    /// Evidence that a reference leads to is not there or not what it was.
    #[error("{0}")]
    Evidence(String),
}

/// Reads a file of a case whole. A case may come from anywhere, and a pipe or a device in the place of a
/// file would never end.
pub(crate) fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    std::fs::read(path)
}

/// The same for a text.
pub(crate) fn read_plain_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read_plain(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
}

/// Adds the path to what the system says.
pub(crate) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, Error> {
    result.map_err(|source| Error::System {
        path: path.to_owned(),
        source,
    })
}

/// A case folder that was read.
#[derive(Clone, Debug)]
pub struct CaseFolder {
    /// Where it lies.
    pub path: PathBuf,
    /// The record.
    pub report: Report,
    /// The bytes it was read from.
    pub bytes: Vec<u8>,
    /// About the run; `None` if `run.json` is missing or no longer readable, which `verify` tells.
    pub run: Option<Run>,
    /// True if the record is not the one whose hash stands in `SHA256SUMS` and in `run.json`.
    pub altered: bool,
}

/// What every page says that is made from such a report.
pub const ALTERED: &str = "report.json is not the one this case was made with: its SHA-256 is not the one in SHA256SUMS or in \
                           run.json; what follows is what it says now";

impl CaseFolder {
    /// Reads the folder; `path` may also be the `report.json` in it.
    ///
    /// # Errors
    /// If there is no report, or none this version reads.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let folder = match path.file_name() {
            Some(name) if name == REPORT && path.is_file() => {
                path.parent().unwrap_or(Path::new(".")).to_owned()
            }
            _ => path.to_owned(),
        };
        let file = folder.join(REPORT);
        let read = read_plain(&file);
        if matches!(&read, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            return Err(Error::Place(format!(
                "{} is no case folder: there is no {REPORT} in it; give one that 'casewire analyze -o' made",
                folder.display()
            )));
        }
        let bytes = at(&file, read)?;
        let mut report =
            read::report(&bytes).map_err(|source| Error::Form { path: file, source })?;
        let altered = verify::is_altered(&folder, REPORT, &bytes);
        if altered {
            report.notes.insert(0, ALTERED.to_owned());
        }
        let run = read_plain(&folder.join(RUN))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Self {
            path: folder,
            report,
            bytes,
            run,
            altered,
        })
    }
}
