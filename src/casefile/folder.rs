//! A new folder that appears whole or not at all: made under a temporary name beside its place,
//! hashed while it is written, renamed at the end.
//!
//! What ends a run by force (power, SIGKILL) can leave the temporary folder; it never leaves
//! anything under the name that was asked for.

use super::{Error, SUMS, at};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A folder that is being written. Dropped before `finish`, it is removed.
#[derive(Debug)]
pub struct NewFolder {
    target: PathBuf,
    draft: PathBuf,
    sums: BTreeMap<String, String>,
    finished: bool,
}

impl NewFolder {
    /// Begins a folder that will be `target`, which must not exist, and must not lie in any of the
    /// folders of `evidence`: nothing is ever written among evidence.
    ///
    /// # Errors
    /// `Error::Place` for a place that is refused.
    pub fn begin(target: &Path, evidence: &[PathBuf]) -> Result<Self, Error> {
        let (parent, name) = place(target, evidence)?;
        let draft = parent.join(format!(".{name}.partial-{}", std::process::id()));
        at(&draft, fs::create_dir(&draft))?;
        Ok(Self {
            target: parent.join(name),
            draft,
            sums: BTreeMap::new(),
            finished: false,
        })
    }

    /// Where it is being written: what an interruption has to remove.
    pub fn draft(&self) -> &Path {
        &self.draft
    }

    /// Begins a file in it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn file(&self, name: &str) -> Result<NewFile, Error> {
        let path = self.draft.join(name);
        let file = at(&path, File::create_new(&path))?;
        Ok(NewFile {
            name: name.to_owned(),
            path,
            out: BufWriter::with_capacity(1 << 16, file),
            hash: Sha256::new(),
            size: 0,
        })
    }

    /// Closes a file, and returns its SHA-256 and size.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn close(&mut self, file: NewFile) -> Result<(String, u64), Error> {
        let NewFile {
            name,
            path,
            out,
            hash,
            size,
        } = file;
        let closed = out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all());
        at(&path, closed)?;
        let sum = hex(&hash.finalize());
        self.sums.insert(name, sum.clone());
        Ok((sum, size))
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// As `close`.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(String, u64), Error> {
        let mut file = self.file(name)?;
        at(&file.path.clone(), file.write_all(bytes))?;
        self.close(file)
    }

    /// Writes `SHA256SUMS` and gives the folder its name. Returns the SHA-256 of `SHA256SUMS`:
    /// who notes it down can show later that all files are the ones written now.
    ///
    /// # Errors
    /// As `close`.
    pub fn finish(mut self) -> Result<String, Error> {
        let lines: String = self
            .sums
            .iter()
            .map(|(name, sum)| format!("{sum}  {name}\n"))
            .collect();
        let (sum, _) = self.put(SUMS, lines.as_bytes())?;
        if fs::symlink_metadata(&self.target).is_ok() {
            return Err(Error::Place(format!(
                "{} came into being during the run; give a new name",
                self.target.display()
            )));
        }
        at(&self.target, fs::rename(&self.draft, &self.target))?;
        self.finished = true;
        Ok(sum)
    }
}

/// The folder that a new file or folder `target` will lie in, and its name there. `target` must not
/// exist, nor lie in any of the folders of `evidence`: nothing is ever written among evidence.
///
/// # Errors
/// `Error::Place` for a place that is refused.
pub fn place(target: &Path, evidence: &[PathBuf]) -> Result<(PathBuf, String), Error> {
    let name = target.file_name().ok_or_else(|| {
        Error::Place(format!(
            "{} is no name for a new folder; give one, such as case/",
            target.display()
        ))
    })?;
    if fs::symlink_metadata(target).is_ok() {
        return Err(Error::Place(format!(
            "{} exists already; give a new name, or move the old one away",
            target.display()
        )));
    }
    let parent = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let parent = at(parent, fs::canonicalize(parent))?;
    for given in evidence {
        let Ok(given) = fs::canonicalize(given) else {
            continue;
        };
        if given.is_dir() && parent.starts_with(&given) {
            return Err(Error::Place(format!(
                "{} lies in the evidence folder {}, where nothing is written; give a place outside it",
                target.display(),
                given.display()
            )));
        }
    }
    Ok((parent, name.to_string_lossy().into_owned()))
}

/// Writes a new file whole or not at all; see `place`.
///
/// # Errors
/// As `place`, or if the disk is full.
pub fn new_file(target: &Path, evidence: &[PathBuf], bytes: &[u8]) -> Result<(), Error> {
    let (parent, name) = place(target, evidence)?;
    let draft = parent.join(format!(".{name}.partial-{}", std::process::id()));
    let written = File::create_new(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&draft, parent.join(name)));
    if renamed.is_err() {
        // Nothing more can be done about a file that cannot be removed.
        let _ = fs::remove_file(&draft);
    }
    at(target, renamed)
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing more can be done about a folder that cannot be removed.
            let _ = fs::remove_dir_all(&self.draft);
        }
    }
}

/// A file of a new folder, hashed while it is written.
#[derive(Debug)]
pub struct NewFile {
    name: String,
    path: PathBuf,
    out: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_there_whole_or_not_at_all() {
        let here = tempfile::tempdir().unwrap();
        let target = here.path().join("case");
        let mut folder = NewFolder::begin(&target, &[]).unwrap();
        folder.put("a.txt", b"a").unwrap();
        assert!(!target.exists());
        drop(folder);
        assert_eq!(names(here.path()), Vec::<String>::new());

        let mut folder = NewFolder::begin(&target, &[]).unwrap();
        folder.put("a.txt", b"a").unwrap();
        folder.finish().unwrap();
        assert_eq!(names(here.path()), ["case"]);
        assert_eq!(names(&target), [SUMS, "a.txt"]);
        assert_eq!(
            fs::read_to_string(target.join(SUMS)).unwrap(),
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.txt\n"
        );
    }

    #[test]
    fn a_folder_replaces_nothing_and_lies_outside_the_evidence() {
        let here = tempfile::tempdir().unwrap();
        let evidence = here.path().join("evidence");
        fs::create_dir_all(evidence.join("deep")).unwrap();
        let refused = |target: &Path| {
            let error = NewFolder::begin(target, std::slice::from_ref(&evidence)).unwrap_err();
            assert!(matches!(error, Error::Place(_)), "{error}");
        };
        refused(&evidence);
        refused(&evidence.join("case"));
        refused(&evidence.join("deep/case"));
        refused(&evidence.join("deep/../case"));
        refused(Path::new(".."));
        assert_eq!(names(&evidence), ["deep"]);
        let beside = here.path().join("evidence-case");
        NewFolder::begin(&beside, &[evidence])
            .unwrap()
            .finish()
            .unwrap();
        assert!(beside.is_dir());
    }
}
