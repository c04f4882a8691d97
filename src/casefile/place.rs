//! Where something new may be written: nowhere among evidence, in no case that is finished, and over
//! nothing, unless it was asked for. A folder is replaced only if it is of our own making; a file,
//! whatever it was, if it is no evidence.
//!
//! Paths are held against each other as the system resolves them, so links and `..` lead nowhere
//! else. Evidence that was moved is known by its hash. What is written, and how, is for `folder`.

use super::verify::{self, hash_of};
use super::{Error, REPORT, SUMS, at, read_plain_text};
use crate::model::hex::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Entries of evidence folders that are looked at for links.
const ENTRIES: usize = 1_000_000;

/// What a place is held against.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Files and folders given as evidence.
    pub evidence: Vec<PathBuf>,
    /// Length in bytes and SHA-256, in lower-case hexadecimal, of evidence wherever it lies.
    pub known: BTreeSet<(u64, String)>,
    /// What lies at the place may be replaced.
    pub overwrite: bool,
}

impl Bounds {
    /// Nothing is written among these files and folders, nor over anything.
    pub fn of(evidence: &[PathBuf]) -> Self {
        Self {
            evidence: evidence.to_vec(),
            ..Self::default()
        }
    }

    /// True if the file there is evidence by its content. Read only if its length is that of some.
    fn is_known(&self, file: &Path, length: u64) -> Result<bool, Error> {
        if !self.known.iter().any(|(size, _)| *size == length) {
            return Ok(false);
        }
        Ok(self.known.contains(&(length, at(file, hash_of(file))?)))
    }
}

/// A place that was found good.
#[derive(Debug)]
pub(super) struct Place {
    parent: PathBuf,
    name: OsString,
    /// SHA-256 of the `SHA256SUMS` of the folder that is to be replaced.
    pub replaces: Option<String>,
}

impl Place {
    /// For a new folder, or in the place of a folder whose files are all named in its `SHA256SUMS`.
    ///
    /// # Errors
    /// `Error::Place` for a place that is refused.
    pub fn of_folder(target: &Path, bounds: &Bounds) -> Result<Self, Error> {
        let mut place = Self::outside(target, bounds)?;
        if occupied(target) {
            refuse_unless_asked(target, bounds)?;
            let real = at(target, fs::canonicalize(target))?;
            for given in resolved(&bounds.evidence) {
                if given.starts_with(&real) {
                    return Err(Error::Place(format!(
                        "{} holds evidence, which is never written over; give a new name",
                        target.display()
                    )));
                }
            }
            place.replaces = Some(own_folder(target)?);
        }
        Ok(place)
    }

    /// For a new file, or in the place of a file that is no evidence.
    ///
    /// # Errors
    /// As `of_folder`.
    pub fn of_file(target: &Path, bounds: &Bounds) -> Result<Self, Error> {
        let place = Self::outside(target, bounds)?;
        if occupied(target) {
            refuse_unless_asked(target, bounds)?;
            let held = at(target, fs::symlink_metadata(target))?;
            let real = at(target, fs::canonicalize(target))?;
            if !held.is_file()
                || reached(&bounds.evidence).contains(&real)
                || bounds.is_known(&real, held.len())?
            {
                return Err(Error::Place(format!(
                    "{} is evidence or no plain file, and not written over; give a new name",
                    target.display()
                )));
            }
        }
        Ok(place)
    }

    fn outside(target: &Path, bounds: &Bounds) -> Result<Self, Error> {
        let name = target.file_name().ok_or_else(|| {
            Error::Place(format!(
                "{} is no name for something new; give one, such as case/",
                target.display()
            ))
        })?;
        let parent = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let parent = match fs::canonicalize(parent) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Error::Place(format!(
                    "{} does not exist; make the folder first, or give another place",
                    parent.display()
                )));
            }
            real => at(parent, real)?,
        };
        for given in reached(&bounds.evidence) {
            if given.is_dir() && parent.starts_with(&given) {
                return Err(Error::Place(format!(
                    "{} lies in the evidence folder {}, where nothing is written; give a place outside it",
                    target.display(),
                    given.display()
                )));
            }
        }
        if let Some(case) = parent.ancestors().find(|folder| is_case(folder)) {
            return Err(Error::Place(format!(
                "{} lies in the case folder {}, whose files are hashed; give a place outside it",
                target.display(),
                case.display()
            )));
        }
        Ok(Self {
            parent,
            name: name.to_owned(),
            replaces: None,
        })
    }

    /// The place itself.
    pub fn target(&self) -> PathBuf {
        self.parent.join(&self.name)
    }

    /// A hidden name beside it, of this process alone.
    pub fn beside(&self, what: &str) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(format!(".{what}-{}", std::process::id()));
        self.parent.join(name)
    }
}

/// True if anything lies there, a link that leads nowhere included.
pub(super) fn occupied(target: &Path) -> bool {
    fs::symlink_metadata(target).is_ok()
}

fn refuse_unless_asked(target: &Path, bounds: &Bounds) -> Result<(), Error> {
    if bounds.overwrite {
        return Ok(());
    }
    Err(Error::Place(format!(
        "{} exists already; give a new name, or --overwrite",
        target.display()
    )))
}

/// The SHA-256 of the `SHA256SUMS` of a folder that holds nothing but what that names.
///
/// # Errors
/// `Error::Place` for any other folder, and for what is none.
pub(super) fn own_folder(target: &Path) -> Result<String, Error> {
    let not_ours = |why: &str| {
        Error::Place(format!(
            "{} {why}, and is not written over; give a new name",
            target.display()
        ))
    };
    if !at(target, fs::symlink_metadata(target))?.is_dir() {
        return Err(not_ours("is no folder"));
    }
    let sums = read_plain_text(&target.join(SUMS))
        .map_err(|_| not_ours("is no folder that casewire wrote"))?;
    let named = verify::parse(&sums);
    for entry in at(target, fs::read_dir(target))? {
        let entry = at(target, entry)?;
        let name = entry.file_name();
        let known = name == SUMS || name.to_str().is_some_and(|name| named.contains_key(name));
        if !known || !at(target, entry.file_type())?.is_file() {
            return Err(not_ours(&format!(
                "also holds {}, which casewire did not write",
                name.to_string_lossy()
            )));
        }
    }
    Ok(hex(&Sha256::digest(sums.as_bytes())))
}

/// True for a finished case folder.
fn is_case(folder: &Path) -> bool {
    folder.join(SUMS).is_file() && folder.join(REPORT).is_file()
}

/// Everything that reading these files and folders comes to: they themselves, and what links in them
/// lead to.
fn reached(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found: BTreeSet<PathBuf> = resolved(paths).collect();
    let mut folders: Vec<PathBuf> = found.iter().cloned().collect();
    let mut left = ENTRIES;
    while let Some(folder) = folders.pop() {
        // What is no folder, or cannot be listed, holds no links.
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            left -= 1;
            if left == 0 {
                return found;
            }
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_symlink()
                && let Ok(target) = fs::canonicalize(entry.path())
                && found.insert(target.clone())
            {
                folders.push(target);
            }
        }
    }
    found
}

fn resolved(paths: &[PathBuf]) -> impl Iterator<Item = PathBuf> + '_ {
    paths.iter().filter_map(|path| fs::canonicalize(path).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::casefile::folder::{NewFolder, new_file};

    /// A folder with `evidence/deep/a.pcap`.
    fn here() -> (tempfile::TempDir, PathBuf) {
        let here = tempfile::tempdir().unwrap();
        let evidence = here.path().join("evidence");
        fs::create_dir_all(evidence.join("deep")).unwrap();
        fs::write(evidence.join("deep/a.pcap"), "packets").unwrap();
        (here, evidence)
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, Error>, why: &str) {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Place(_)), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }

    #[test]
    fn nothing_is_written_among_evidence_by_whatever_way_it_is_named() {
        let (here, evidence) = here();
        let bounds = Bounds::of(std::slice::from_ref(&evidence));
        let mut ways = vec![
            evidence.join("case"),
            evidence.join("deep/case"),
            evidence.join("deep/../case"),
            here.path().join("evidence/../evidence/case"),
        ];
        #[cfg(unix)]
        {
            // A link into the evidence, and evidence that was itself given by a link.
            std::os::unix::fs::symlink(&evidence, here.path().join("link")).unwrap();
            ways.push(here.path().join("link/case"));
            ways.push(here.path().join("link/deep/case"));
            let by_link = Bounds::of(&[here.path().join("link")]);
            refused(
                Place::of_folder(&evidence.join("case"), &by_link),
                "lies in the evidence folder",
            );
        }
        for way in ways {
            refused(
                Place::of_folder(&way, &bounds),
                "lies in the evidence folder",
            );
            refused(Place::of_file(&way, &bounds), "lies in the evidence folder");
        }
        #[cfg(unix)]
        {
            // What a link in the evidence leads to is evidence, too.
            let store = here.path().join("store");
            fs::create_dir(&store).unwrap();
            fs::write(store.join("b.pcap"), "packets").unwrap();
            std::os::unix::fs::symlink(&store, evidence.join("deep/store")).unwrap();
            refused(
                Place::of_folder(&store.join("case"), &bounds),
                "lies in the evidence folder",
            );
            let single = here.path().join("single.pcap");
            fs::write(&single, "packets").unwrap();
            std::os::unix::fs::symlink(&single, evidence.join("c.pcap")).unwrap();
            let over = Bounds {
                overwrite: true,
                ..bounds.clone()
            };
            refused(Place::of_file(&single, &over), "is evidence");
        }
        for way in ["..", "/", "evidence/.."] {
            refused(Place::of_folder(Path::new(way), &bounds), "is no name");
        }
        // A neighbour whose name begins the same is no part of it.
        Place::of_folder(&here.path().join("evidence-case"), &bounds).unwrap();
    }

    #[test]
    fn what_exists_stays_unless_it_was_asked_for() {
        let (here, evidence) = here();
        let case = here.path().join("case");
        let mut folder = NewFolder::begin(&case, &Bounds::default()).unwrap();
        folder.put("a.txt", b"old").unwrap();
        let old = folder.finish().unwrap();
        let kept = Bounds::of(std::slice::from_ref(&evidence));
        refused(Place::of_folder(&case, &kept), "exists already");
        refused(Place::of_folder(&evidence, &kept), "exists already");
        #[cfg(unix)]
        {
            let nowhere = here.path().join("nowhere");
            std::os::unix::fs::symlink(here.path().join("gone"), &nowhere).unwrap();
            refused(Place::of_folder(&nowhere, &kept), "exists already");
            refused(Place::of_file(&nowhere, &kept), "exists already");
        }
        let asked = Bounds {
            overwrite: true,
            ..kept
        };
        let place = Place::of_folder(&case, &asked).unwrap();
        assert_eq!(place.replaces, Some(old));
    }

    #[test]
    fn only_what_we_wrote_ourselves_is_replaced_and_never_evidence() {
        let (here, evidence) = here();
        let asked = |evidence: &Path| Bounds {
            evidence: vec![evidence.to_owned()],
            overwrite: true,
            ..Bounds::default()
        };
        // The evidence itself, what holds it, and folders of anybody else.
        refused(
            Place::of_folder(&evidence, &asked(&evidence)),
            "holds evidence",
        );
        refused(
            Place::of_folder(here.path(), &asked(&evidence)),
            "holds evidence",
        );
        refused(
            Place::of_file(
                &evidence.join("deep/a.pcap"),
                &asked(&evidence.join("deep/a.pcap")),
            ),
            "is evidence",
        );
        let foreign = here.path().join("foreign");
        fs::create_dir(&foreign).unwrap();
        refused(
            Place::of_folder(&foreign, &asked(&evidence)),
            "is no folder that casewire wrote",
        );
        // A case somebody added a note to is no longer ours alone.
        let case = here.path().join("case");
        let mut folder = NewFolder::begin(&case, &Bounds::default()).unwrap();
        folder.put("a.txt", b"old").unwrap();
        folder.finish().unwrap();
        fs::write(case.join("note.txt"), "mine").unwrap();
        refused(
            Place::of_folder(&case, &asked(&evidence)),
            "also holds note.txt",
        );
        fs::remove_file(case.join("note.txt")).unwrap();
        // A case that is itself the evidence of this run.
        refused(Place::of_folder(&case, &asked(&case)), "holds evidence");
        let plain = here.path().join("plain");
        fs::write(&plain, "x").unwrap();
        refused(Place::of_folder(&plain, &asked(&evidence)), "is no folder");
        refused(Place::of_file(&foreign, &asked(&evidence)), "no plain file");
        #[cfg(unix)]
        {
            let link = here.path().join("link");
            std::os::unix::fs::symlink(&plain, &link).unwrap();
            refused(Place::of_file(&link, &asked(&evidence)), "no plain file");
        }
        new_file(&plain, &asked(&evidence), b"new").unwrap();
        assert_eq!(fs::read(&plain).unwrap(), b"new");
        assert_eq!(fs::read(evidence.join("deep/a.pcap")).unwrap(), b"packets");
    }

    #[test]
    fn evidence_that_was_moved_is_known_by_its_content() {
        let (here, _) = here();
        let moved = here.path().join("moved.pcap");
        fs::write(&moved, "packets").unwrap();
        let hash = hex(&Sha256::digest(b"packets"));
        let asked = |known| Bounds {
            known: BTreeSet::from([known]),
            overwrite: true,
            ..Bounds::default()
        };
        refused(
            Place::of_file(&moved, &asked((7, hash.clone()))),
            "is evidence",
        );
        // Of the same length only, and of another length.
        let other = hex(&Sha256::digest(b"records"));
        new_file(&moved, &asked((7, other)), b"new").unwrap();
        new_file(&moved, &asked((7, hash)), b"newer").unwrap();
    }

    #[test]
    fn a_finished_case_gets_no_further_files() {
        let (here, _) = here();
        let case = here.path().join("case");
        let mut folder = NewFolder::begin(&case, &Bounds::default()).unwrap();
        folder.put(REPORT, b"{}").unwrap();
        folder.finish().unwrap();
        let over = Bounds {
            overwrite: true,
            ..Bounds::default()
        };
        for name in ["report.html", "case", SUMS, REPORT] {
            for bounds in [&Bounds::default(), &over] {
                let target = case.join(name);
                refused(Place::of_file(&target, bounds), "lies in the case folder");
                refused(Place::of_folder(&target, bounds), "lies in the case folder");
            }
        }
        // Beside it, and in its place.
        Place::of_file(&here.path().join("report.html"), &over).unwrap();
        Place::of_folder(&case, &over).unwrap();
    }
}
