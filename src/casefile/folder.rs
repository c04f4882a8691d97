//! A new folder that appears whole or not at all: made under a temporary name beside its place,
//! hashed while it is written, renamed at the end. Where that may be is for `place`.
//!
//! What ends a run by force (power, SIGKILL) can leave the temporary folder; it never leaves
//! anything under the name that was asked for.

use super::place::{Bounds, Place, occupied, own_folder};
use super::{Error, SUMS, at};
use crate::model::hex::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A folder that is being written. Dropped before `finish`, it is removed.
#[derive(Debug)]
pub struct NewFolder {
    place: Place,
    draft: PathBuf,
    sums: BTreeMap<String, String>,
    finished: bool,
}

impl NewFolder {
    /// Begins a folder that will be `target`, a place that `bounds` allow. A case that it replaces
    /// stays where it is until the new one is whole.
    ///
    /// # Errors
    /// `Error::Place` for a place that is refused.
    pub fn begin(target: &Path, bounds: &Bounds) -> Result<Self, Error> {
        Self::begin_after(target, bounds, &mut |_| ())
    }

    /// The same; `before` is told where it will be written, just before that is made. Whoever removes
    /// it when the run is interrupted has to know by then.
    ///
    /// # Errors
    /// As `begin`.
    pub fn begin_after(
        target: &Path,
        bounds: &Bounds,
        before: &mut dyn FnMut(&Path),
    ) -> Result<Self, Error> {
        let place = Place::of_folder(target, bounds)?;
        let draft = place.beside("partial");
        before(&draft);
        at(&draft, fs::create_dir(&draft))?;
        Ok(Self {
            place,
            draft,
            sums: BTreeMap::new(),
            finished: false,
        })
    }

    /// The SHA-256 of the `SHA256SUMS` of the folder that gives way, if one does.
    pub fn replaces(&self) -> Option<&str> {
        self.place.replaces.as_deref()
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
        let target = self.place.target();
        match &self.place.replaces {
            None if occupied(&target) => return Err(came_meanwhile(&target)),
            None => at(&target, fs::rename(&self.draft, &target))?,
            Some(before) => {
                if own_folder(&target)? != *before {
                    return Err(came_meanwhile(&target));
                }
                let old = self.place.beside("replaced");
                at(&target, fs::rename(&target, &old))?;
                if let Err(error) = fs::rename(&self.draft, &target) {
                    // Back to what there was; what hinders that is what is told below.
                    let _ = fs::rename(&old, &target);
                    return at(&target, Err(error));
                }
                self.finished = true;
                at(&old, fs::remove_dir_all(&old))?;
            }
        }
        self.finished = true;
        Ok(sum)
    }
}

/// Whether `new_file` would write there, asked before the work that fills the file.
///
/// # Errors
/// `Error::Place` for a place that is refused.
pub fn allowed(target: &Path, bounds: &Bounds) -> Result<(), Error> {
    Place::of_file(target, bounds).map(|_| ())
}

/// Writes a file whole or not at all, at a place that `bounds` allow.
///
/// # Errors
/// `Error::Place` for a place that is refused; if the disk is full.
pub fn new_file(target: &Path, bounds: &Bounds, bytes: &[u8]) -> Result<(), Error> {
    let place = Place::of_file(target, bounds)?;
    let draft = place.beside("partial");
    let written = File::create_new(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&draft, place.target()));
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

fn came_meanwhile(target: &Path) -> Error {
    Error::Place(format!(
        "{} came into being or changed during the run; give a new name",
        target.display()
    ))
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
        let mut folder = NewFolder::begin(&target, &Bounds::default()).unwrap();
        folder.put("a.txt", b"a").unwrap();
        assert!(!target.exists());
        drop(folder);
        assert_eq!(names(here.path()), Vec::<String>::new());

        let mut folder = NewFolder::begin(&target, &Bounds::default()).unwrap();
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
    fn an_old_folder_gives_way_only_to_one_that_is_whole() {
        let here = tempfile::tempdir().unwrap();
        let target = here.path().join("case");
        let asked = Bounds {
            overwrite: true,
            ..Bounds::default()
        };
        let made = |text: &[u8]| {
            let mut folder = NewFolder::begin(&target, &asked).unwrap();
            folder.put("a.txt", text).unwrap();
            folder
        };
        let first = made(b"1").finish().unwrap();
        drop(made(b"2"));
        assert_eq!(fs::read(target.join("a.txt")).unwrap(), b"1");
        let third = made(b"3");
        assert_eq!(third.replaces(), Some(first.as_str()));
        third.finish().unwrap();
        assert_eq!(fs::read(target.join("a.txt")).unwrap(), b"3");
        assert_eq!(names(here.path()), ["case"]);
        // What was changed meanwhile is not what was to be replaced.
        let fourth = made(b"4");
        fs::write(target.join(SUMS), format!("{}  a.txt\n", "0".repeat(64))).unwrap();
        assert!(matches!(fourth.finish(), Err(Error::Place(_))));
        assert_eq!(fs::read(target.join("a.txt")).unwrap(), b"3");
        assert_eq!(names(here.path()), ["case"]);
    }

    #[test]
    fn a_name_that_was_taken_during_the_run_is_left_alone() {
        let here = tempfile::tempdir().unwrap();
        let target = here.path().join("case");
        let folder = NewFolder::begin(&target, &Bounds::default()).unwrap();
        fs::write(&target, "somebody else's").unwrap();
        assert!(matches!(folder.finish(), Err(Error::Place(_))));
        assert_eq!(names(here.path()), ["case"]);
        assert_eq!(fs::read(&target).unwrap(), b"somebody else's");
    }
}
