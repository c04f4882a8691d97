//! From what was named on the command line to the list of evidence files.
//!
//! The list is the same whatever the order of the arguments. A file that is reached by two ways is
//! listed once, by its own name rather than that of a link. Links are followed; a folder that contains
//! itself is entered once.

use super::archive::{self, Member, Unpacking};
use super::kind::{self, Kind, Unrecognised};
use super::naming;
use super::problem::{Problem, ProblemKind, Problems, Weight};
use super::regular;
use crate::model::EvidenceId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What to do with a file whose form is not recognised: it may be nothing, or an export of a program that is
/// not known here.
pub(in crate::evidence) const UNKNOWN: &str = "nothing in it was used; if it is an export of an event log, give the log itself \
     (.evtx) or its XML (wevtutil qe Security /f:xml)";

/// A file to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceFile {
    /// Its number, from 1 in the order of `shown`.
    pub id: EvidenceId,
    /// What references call it: `E7` for the seventh file that was given, `E7!Security.evtx` for a
    /// member of that; see `naming`.
    pub label: String,
    /// Where to open it; for a member, the archive.
    pub path: PathBuf,
    /// Its path below the argument it was found under, with `/`; its name if it was the argument.
    /// A member of an archive is named behind a `!`. As the file system and the archive have it:
    /// hostile names must be escaped where they are printed.
    pub shown: String,
    /// Whether it is a file or lies in one.
    pub source: Source,
    /// Length in bytes when it was found.
    pub size: u64,
    /// What it is.
    pub kind: Kind,
}

/// Where the bytes of evidence are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file of its own.
    Disk,
    /// A member of an archive.
    Member {
        /// The archive that was given.
        archive: EvidenceId,
        /// How to read it.
        member: Box<Member>,
    },
}

/// What is wrong with the request itself, or with the machine.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// An argument names nothing.
    #[error("{}: {source}; check the path", path.display())]
    Argument {
        /// The argument.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What lies in an archive could not be unpacked to a temporary file.
    #[error("temporary file for unpacking: {0}; free some space or set TMPDIR to a larger disk")]
    Temporary(io::Error),
}

/// Lists all files in `arguments`: files, and folders with all they contain.
///
/// Files that are not evidence stay in the list, with a note in `problems`; what cannot be read is
/// a loss there.
///
/// # Errors
///
/// If an argument does not exist, or a temporary file cannot be made or written.
pub fn discover(
    arguments: &[PathBuf],
    problems: &mut Problems,
) -> Result<Vec<EvidenceFile>, DiscoverError> {
    discover_in(arguments, Unpacking::default(), problems)
}

/// As `discover`, with passwords and limits for archives. What lies in an archive and is evidence
/// is listed behind it.
///
/// # Errors
///
/// If an argument does not exist, or a temporary file cannot be made or written.
pub fn discover_in(
    arguments: &[PathBuf],
    mut unpacking: Unpacking,
    problems: &mut Problems,
) -> Result<Vec<EvidenceFile>, DiscoverError> {
    let mut found: BTreeMap<PathBuf, Way> = BTreeMap::new();
    for argument in arguments {
        let real = fs::canonicalize(argument).map_err(|source| DiscoverError::Argument {
            path: argument.clone(),
            source,
        })?;
        let name = match real.is_dir() {
            true => String::new(),
            false => argument
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        };
        // A folder that was named is entered by the name it was given; a file may lie in one beside its link.
        let way = Way {
            linked: !real.is_dir() && is_link(argument),
            shown: name,
            path: argument.clone(),
        };
        walk(way, real, &mut found, problems);
    }
    let mut files: Vec<_> = found.into_iter().collect();
    files.sort_by(|(real, way), (other_real, other)| {
        (&way.shown, real).cmp(&(&other.shown, other_real))
    });
    let mut listed = Vec::new();
    for ((_, Way { shown, path, .. }), number) in files.into_iter().zip(1_u64..) {
        let id = next_id(&listed);
        let called = format!("E{number}");
        let (size, kind) = look(id, &path, problems);
        let (way, name) = (path.clone(), shown.clone());
        listed.push(EvidenceFile {
            id,
            label: called.clone(),
            path,
            shown,
            source: Source::Disk,
            size,
            kind,
        });
        if let Kind::Archive(container, packing) = kind {
            let what = (container, packing);
            let found = archive::list(id, &way, what, &mut unpacking, problems)
                .map_err(DiscoverError::Temporary)?;
            let names: Vec<&str> = found.iter().map(|f| f.member.name.as_str()).collect();
            let labels = naming::labels(&called, &names);
            for (found, label) in found.into_iter().zip(labels) {
                let member = EvidenceFile {
                    id: next_id(&listed),
                    label,
                    path: way.clone(),
                    shown: format!("{name}!{}", found.member.name),
                    size: found.member.size,
                    kind: found.kind,
                    source: Source::Member {
                        archive: id,
                        member: Box::new(found.member),
                    },
                };
                unusable(member.id, member.kind, problems);
                listed.push(member);
            }
        }
    }
    Ok(listed)
}

fn next_id(listed: &[EvidenceFile]) -> EvidenceId {
    EvidenceId(
        u32::try_from(listed.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1),
    )
}

/// Says of a known format that it cannot be used or is not read, and what to give instead.
fn unusable(id: EvidenceId, kind: Kind, problems: &mut Problems) {
    let (weight, message, effect) = match kind {
        Kind::Unusable(form, _) => (Weight::Loss, form.why(), form.instead()),
        Kind::Unread(unread, _) => (unread.weight(), unread.why(), unread.instead()),
        _ => return,
    };
    problems.add(Problem {
        evidence: Some(id),
        kind: ProblemKind::NotRecognised,
        weight,
        count: 1,
        first_offset: None,
        message: message.to_owned(),
        effect: effect.to_owned(),
    });
}

/// A way to a file. Of several, the least is taken: never a link where there is another, and none that
/// depends on their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    /// It leads through a link: whoever copies the evidence may leave that out.
    linked: bool,
    /// As it is shown.
    shown: String,
    /// Where to open it.
    path: PathBuf,
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// Finds all files from `way` on, whose real path is `real`.
fn walk(way: Way, real: PathBuf, found: &mut BTreeMap<PathBuf, Way>, problems: &mut Problems) {
    let mut entered = BTreeSet::new();
    // What lies behind links comes last, so that no folder is entered by a link that is there itself.
    let (mut open, mut links) = (vec![(way, real)], Vec::new());
    while let Some((way, real)) = open.pop().or_else(|| links.pop()) {
        if !real.is_dir() {
            found
                .entry(real)
                .and_modify(|known| *known = way.clone().min(known.clone()))
                .or_insert(way);
            continue;
        }
        if !entered.insert(real.clone()) {
            continue;
        }
        let Way {
            linked,
            shown,
            path,
        } = way;
        if regular::is_made_up(&real) {
            unreadable(
                None,
                format!("folder {shown}: {}", regular::made_up()),
                problems,
            );
            continue;
        }
        let names = fs::read_dir(&path).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<Result<Vec<_>, _>>()
        });
        let mut names = match names {
            Ok(names) => names,
            Err(error) => {
                unreadable(None, format!("folder {shown}: {error}"), problems);
                continue;
            }
        };
        // The last one is looked at first.
        names.sort_unstable_by(|a, b| b.cmp(a));
        for name in names {
            let path = path.join(&name);
            let name = name.to_string_lossy();
            let shown = if shown.is_empty() {
                name.into_owned()
            } else {
                format!("{shown}/{name}")
            };
            match fs::canonicalize(&path) {
                Ok(real) => {
                    let linked = linked || is_link(&path);
                    let way = Way {
                        linked,
                        shown,
                        path,
                    };
                    match linked {
                        true => links.push((way, real)),
                        false => open.push((way, real)),
                    }
                }
                Err(error) => unreadable(None, format!("{shown}: {error}"), problems),
            }
        }
    }
}

/// Size and kind of a file.
fn look(id: EvidenceId, path: &Path, problems: &mut Problems) -> (u64, Kind) {
    let (size, recognised) = match regular::open(path) {
        // What the system calls empty is not waited for.
        Ok((_, metadata)) if metadata.len() == 0 => (0, Ok(Kind::Empty)),
        Ok((file, metadata)) => (metadata.len(), kind::recognise(file)),
        Err(error) => (0, Err(error.into())),
    };
    let kind = recognised.unwrap_or_else(|error| {
        match error {
            Unrecognised::Read(error) => unreadable(Some(id), error.to_string(), problems),
            Unrecognised::Packed { .. } => problems.add(Problem {
                evidence: Some(id),
                kind: ProblemKind::Compression,
                weight: Weight::Loss,
                count: 1,
                first_offset: None,
                message: error.to_string(),
                effect: "what it holds is missing; copy it again, or unpack it by hand and give \
                         what comes out"
                    .to_owned(),
            }),
        }
        Kind::Unreadable
    });
    unusable(id, kind, problems);
    let note = match kind {
        Kind::Unknown => (
            ProblemKind::NotRecognised,
            "its form is not recognised",
            UNKNOWN,
        ),
        Kind::Empty => (
            ProblemKind::Empty,
            "the file is empty",
            "nothing in it was used",
        ),
        _ => return (size, kind),
    };
    problems.add(Problem {
        evidence: Some(id),
        kind: note.0,
        weight: Weight::Note,
        count: 1,
        first_offset: None,
        message: note.1.to_owned(),
        effect: note.2.to_owned(),
    });
    (size, kind)
}

fn unreadable(evidence: Option<EvidenceId>, message: String, problems: &mut Problems) {
    problems.add(Problem {
        evidence,
        kind: ProblemKind::Unreadable,
        weight: Weight::Loss,
        count: 1,
        first_offset: None,
        message,
        effect:
            "what it holds is missing; check permissions and copy it again, as a file of its own"
                .to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const PCAP: [u8; 4] = [0xD4, 0xC3, 0xB2, 0xA1];

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/deep")).unwrap();
        fs::write(folder.path().join("b/deep/one.bin"), PCAP).unwrap();
        fs::write(folder.path().join("a.pcap"), PCAP).unwrap();
        fs::write(folder.path().join("README"), "text").unwrap();
        fs::write(folder.path().join("nothing"), "").unwrap();
        folder
    }

    fn shown(files: &[EvidenceFile]) -> Vec<(u32, &str, Kind)> {
        files
            .iter()
            .map(|file| (file.id.0, file.shown.as_str(), file.kind))
            .collect()
    }

    #[test]
    fn folders_are_read_whole_and_numbered_in_path_order() {
        let folder = tree();
        let mut problems = Problems::default();
        let files = discover(&[folder.path().to_owned()], &mut problems).unwrap();
        let capture = Kind::Pcap(kind::Packing::Plain);
        assert_eq!(
            shown(&files),
            [
                (1, "README", Kind::Unknown),
                (2, "a.pcap", capture),
                (3, "b/deep/one.bin", capture),
                (4, "nothing", Kind::Empty),
            ]
        );
        let told: Vec<_> = problems
            .iter()
            .map(|p| (p.evidence, p.kind, p.weight))
            .collect();
        assert_eq!(
            told,
            [
                (
                    Some(EvidenceId(1)),
                    ProblemKind::NotRecognised,
                    Weight::Note
                ),
                (Some(EvidenceId(4)), ProblemKind::Empty, Weight::Note),
            ]
        );
    }

    #[test]
    fn what_is_known_and_not_read_is_told_by_what_may_be_lost() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), b"7z\xBC\xAF\x27\x1C\0\x04").unwrap();
        fs::write(folder.path().join("b"), b"#separator \\x09\n#path\tdns\n").unwrap();
        let mut problems = Problems::default();
        discover(&[folder.path().to_owned()], &mut problems).unwrap();
        let told: Vec<_> = problems.iter().map(|p| (p.evidence, p.weight)).collect();
        assert_eq!(
            told,
            [
                (Some(EvidenceId(1)), Weight::Loss),
                (Some(EvidenceId(2)), Weight::Note),
            ]
        );
    }

    #[test]
    fn the_order_of_arguments_changes_nothing_and_no_file_is_listed_twice() {
        let folder = tree();
        let all = folder.path().to_owned();
        let (inner, file) = (all.join("b"), all.join("a.pcap"));
        let one = discover(
            &[all.clone(), inner.clone(), file.clone()],
            &mut Problems::default(),
        )
        .unwrap();
        let other = discover(&[file, inner, all], &mut Problems::default()).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.len(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_end_and_a_broken_link_is_a_loss() {
        let folder = tree();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("b/deep/up")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("b"), folder.path().join("z")).unwrap();
        std::os::unix::fs::symlink("gone", folder.path().join("broken")).unwrap();
        let mut problems = Problems::default();
        let files = discover(&[folder.path().to_owned()], &mut problems).unwrap();
        assert_eq!(files.len(), 4);
        assert!(
            problems
                .iter()
                .any(|p| p.kind == ProblemKind::Unreadable && p.message.starts_with("broken: "))
        );
        assert!(problems.any_loss());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_called_by_its_own_name_and_not_by_that_of_a_link() {
        let folder = tree();
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(name)).unwrap();
        };
        link("a.pcap", "A-first.pcap");
        link("b", "A-folder");
        let names = |arguments: &[PathBuf]| -> Vec<String> {
            let files = discover(arguments, &mut Problems::default()).unwrap();
            files.into_iter().map(|file| file.shown).collect()
        };
        let all = folder.path().to_owned();
        let own = ["README", "a.pcap", "b/deep/one.bin", "nothing"];
        assert_eq!(names(std::slice::from_ref(&all)), own);
        let given = all.join("A-first.pcap");
        assert_eq!(names(&[given.clone(), all.clone()]), own);
        // A link alone is the only name there is.
        assert_eq!(names(&[given]), ["A-first.pcap"]);
        assert_eq!(names(&[all.join("A-folder")]), ["deep/one.bin"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn links_to_what_never_ends_are_left_out_and_told() {
        let folder = tree();
        let links = ["/dev/zero", "/proc/version", "/proc/self", "/sys"];
        for to in links {
            let name = to.replace('/', "_");
            std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        }
        let mut problems = Problems::default();
        let files = discover(&[folder.path().to_owned()], &mut problems).unwrap();
        let unreadable = files.iter().filter(|file| file.kind == Kind::Unreadable);
        assert_eq!((files.len(), unreadable.count()), (4 + 2, 2));
        let losses = problems.iter().filter(|p| p.weight == Weight::Loss);
        assert_eq!(losses.map(|p| p.count).sum::<u64>(), links.len() as u64);
    }

    #[test]
    fn an_argument_that_does_not_exist_is_an_error_of_the_request() {
        let error =
            discover(&[PathBuf::from("no/such/place")], &mut Problems::default()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("no/such/place: ") && text.ends_with("; check the path"),
            "{text}"
        );
    }
}
