//! Whether the files of a case, and the evidence it rests on, are still what they were.
//!
//! Whether the same evidence still gives the same report is asked by running again, which is not
//! for this module.

use super::places::Places;
use super::run::Run;
use super::{CaseFolder, Error, RUN, SUMS, at, read_plain, read_plain_text};
use crate::evidence::{EvidenceFile, Input, Problems, discover, regular};
use crate::model::hex::hex;
use crate::report::json::shape::Evidence;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The same bytes.
    Ok,
    /// Other bytes.
    Changed,
    /// Not there.
    Missing,
    /// There, and not part of the case.
    Extra,
    /// There, and there is no hash to hold it against, or it cannot be read.
    Unchecked,
}

impl State {
    /// `ok`, `CHANGED`, `MISSING`, `EXTRA` or `UNCHECKED`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Changed => "CHANGED",
            Self::Missing => "MISSING",
            Self::Extra => "EXTRA",
            Self::Unchecked => "UNCHECKED",
        }
    }
}

/// One file and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What became of it.
    pub state: State,
    /// The file: a name in the case folder, or `E1 path`.
    pub file: String,
    /// Its hash now, where it could be read.
    pub sha256: Option<String>,
}

fn checked(state: State, file: impl Into<String>, sha256: Option<String>) -> Checked {
    Checked {
        state,
        file: file.into(),
        sha256,
    }
}

/// What became of the files of a case folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// The files, by name.
    pub lines: Vec<Checked>,
    /// What is wrong and no file by itself, as sentences.
    pub told: Vec<String>,
}

impl Folder {
    /// True if every file is what it was. `SHA256SUMS` may be unchecked: nothing in the folder says
    /// what it was.
    pub fn is_whole(&self) -> bool {
        self.told.is_empty()
            && self.lines.iter().all(|line| {
                line.state == State::Ok || (line.file == SUMS && line.state == State::Unchecked)
            })
    }
}

/// Holds the files of the case folder against its `SHA256SUMS`, and against the hashes that `run.json`
/// keeps of what the run wrote.
///
/// # Errors
/// If the folder cannot be listed.
pub fn folder(path: &Path) -> Result<Folder, Error> {
    let sums_path = path.join(SUMS);
    let (mut lines, mut told) = (Vec::new(), Vec::new());
    let sums = match read_plain_text(&sums_path) {
        Ok(text) => {
            // It holds the others and nothing here holds it; but what is none of its lines was not
            // written by a run.
            let strange = strange_lines(&text);
            let state = match strange.is_empty() {
                true => State::Unchecked,
                false => State::Changed,
            };
            told.extend(strange);
            let sum = hex(&Sha256::digest(text.as_bytes()));
            lines.push(checked(state, SUMS, Some(sum)));
            parse(&text)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            lines.push(checked(State::Missing, SUMS, None));
            BTreeMap::new()
        }
        Err(_) => {
            lines.push(checked(State::Changed, SUMS, None));
            BTreeMap::new()
        }
    };
    let written = written(path);
    for (name, wanted) in &sums {
        let found = hash_of(&path.join(name));
        let state = match &found {
            Ok(sum) if sum != wanted => State::Changed,
            Ok(sum) if written.get(name).is_some_and(|run| run != sum) => {
                told.push(format!(
                    "{name} is what {SUMS} says and not what {RUN} says was written: it was changed and {SUMS} made \
                     anew, or {RUN} is of another case"
                ));
                State::Changed
            }
            Ok(_) => State::Ok,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::Missing,
            Err(_) => State::Unchecked,
        };
        lines.push(checked(state, name.clone(), found.ok()));
    }
    // What the sums do not name does not belong to the case, wherever it came from.
    for entry in at(path, fs::read_dir(path))? {
        let name = at(path, entry)?.file_name().to_string_lossy().into_owned();
        if name != SUMS && !sums.contains_key(&name) {
            lines.push(checked(State::Extra, name, None));
        }
    }
    for needed in [super::REPORT, super::TIMELINE, RUN] {
        if !lines.iter().any(|line| line.file == needed) {
            lines.push(checked(State::Missing, needed, None));
        }
    }
    lines.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(Folder { lines, told })
}

/// The hashes that `run.json` keeps of what the run wrote, by name; none where it cannot be read.
fn written(path: &Path) -> BTreeMap<String, String> {
    let run = read_plain(&path.join(RUN)).ok();
    let run: Option<Run> = run.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let outputs = run.into_iter().flat_map(|run| run.outputs);
    outputs
        .map(|output| (output.name, output.sha256.to_ascii_lowercase()))
        .collect()
}

/// A sentence for the lines that are no hash and name of a file of the folder, or name one anew.
fn strange_lines(text: &str) -> Vec<String> {
    let mut named = BTreeSet::new();
    let strange = |line: &str| match entry(line) {
        Some((name, _)) => !named.insert(name),
        None => true,
    };
    let numbers: Vec<usize> = (1..)
        .zip(text.lines().map(strange))
        .filter_map(|(n, strange)| strange.then_some(n))
        .collect();
    match numbers.as_slice() {
        [] => Vec::new(),
        [first, rest @ ..] => vec![format!(
            "{SUMS} line {first}{} is no hash and name that a run wrote",
            match rest.len() {
                0 => String::new(),
                n => format!(" (and {n} more)"),
            }
        )],
    }
}

/// True if `SHA256SUMS` or `run.json` names a file of the folder with another hash than that of `bytes`.
/// A report that lies somewhere by itself cannot be held against anything.
pub(super) fn is_altered(path: &Path, name: &str, bytes: &[u8]) -> bool {
    let sums = read_plain_text(&path.join(SUMS)).unwrap_or_default();
    let wanted = [parse(&sums).remove(name), written(path).remove(name)];
    let found = hex(&Sha256::digest(bytes));
    wanted.into_iter().flatten().any(|wanted| wanted != found)
}

/// Name and hash of each line that has the form of `sha256sum`; names that lead elsewhere are not
/// followed.
pub(super) fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(entry).collect()
}

/// Name and hash of a line.
fn entry(line: &str) -> Option<(String, String)> {
    let (sum, name) = line.split_once("  ")?;
    let plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
    let hash = sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit());
    (hash && plain).then(|| (name.to_owned(), sum.to_ascii_lowercase()))
}

/// SHA-256 of a regular file, in lower-case hexadecimal.
///
/// # Errors
/// If it cannot be read, or is no regular file.
pub fn hash_of(path: &Path) -> io::Result<String> {
    let (mut file, _) = regular::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(read) => hash.update(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Hashes the evidence again: files as they lie on disk, members as their archive yields them.
pub fn evidence(case: &CaseFolder, places: &Places) -> Vec<Checked> {
    let mut lines: Vec<Checked> = case
        .report
        .evidence
        .iter()
        .map(|row| one(row, places))
        .collect();
    lines.extend(extra(case, places));
    lines
}

/// A sentence for each member that its archive does not yield.
pub fn not_yielded(case: &CaseFolder, places: &Places) -> Vec<String> {
    let rows = case.report.evidence.iter();
    rows.filter(|row| row.archive.is_some())
        .filter(|row| places.get(&row.id.0).is_none() && places.unseen(row))
        .map(|row| format!("{} {} {}", row.id.0, row.path, places.why(row)))
        .collect()
}

fn one(row: &Evidence, places: &Places) -> Checked {
    let name = format!("{} {}", row.id.0, row.path);
    let Some(file) = places.get(&row.id.0) else {
        let state = match places.unseen(row) {
            true => State::Unchecked,
            false => State::Missing,
        };
        return checked(state, name, None);
    };
    match (sha256(file), &row.hashes.sha256) {
        (Ok(found), Some(wanted)) if found == wanted.0 => checked(State::Ok, name, Some(found)),
        (Ok(found), Some(_)) => checked(State::Changed, name, Some(found)),
        (Ok(found), None) => checked(State::Unchecked, name, Some(found)),
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
            checked(State::Missing, name, None)
        }
        (Err(_), _) => checked(State::Unchecked, name, None),
    }
}

/// SHA-256 of a file as it lies on disk or in its archive, in hexadecimal.
fn sha256(file: &EvidenceFile) -> io::Result<String> {
    let input = Input::open(file, true).map_err(|e| e.source)?;
    let custody = input.finish(&mut Problems::default());
    custody
        .sha256_hex()
        .ok_or_else(|| io::Error::other("it cannot be read to its end"))
}

/// Files that were added to the folders of evidence since.
fn extra(case: &CaseFolder, places: &Places) -> Vec<Checked> {
    let known: BTreeSet<PathBuf> = places
        .on_disk()
        .filter_map(|file| fs::canonicalize(&file.path).ok())
        .collect();
    let inputs: Vec<PathBuf> = case
        .run
        .iter()
        .flat_map(|run| run.given())
        .filter(|path| path.is_dir())
        .collect();
    let here = known
        .iter()
        .any(|path| inputs.iter().any(|input| path.starts_with(input)));
    if !here {
        return Vec::new();
    }
    let mut unused = Problems::default();
    discover(&inputs, &mut unused)
        .unwrap_or_default()
        .into_iter()
        .filter(|file| fs::canonicalize(&file.path).is_ok_and(|real| !known.contains(&real)))
        .map(|file| checked(State::Extra, file.shown, None))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::casefile::folder::NewFolder;

    fn states(path: &Path) -> Vec<(String, State)> {
        folder(path)
            .unwrap()
            .lines
            .into_iter()
            .map(|line| (line.file, line.state))
            .collect()
    }

    #[test]
    fn every_file_that_is_not_as_it_was_is_named() {
        let here = tempfile::tempdir().unwrap();
        let case = here.path().join("case");
        let mut new = NewFolder::begin(&case, &crate::casefile::place::Bounds::default()).unwrap();
        for name in ["report.json", "timeline.jsonl", "run.json"] {
            new.put(name, name.as_bytes()).unwrap();
        }
        new.finish().unwrap();
        assert!(folder(&case).unwrap().is_whole(), "{:?}", states(&case));
        // Nothing in the folder says what the list itself was.
        assert!(states(&case).contains(&(SUMS.to_owned(), State::Unchecked)));
        fs::write(case.join("report.json"), "other").unwrap();
        fs::remove_file(case.join("run.json")).unwrap();
        fs::write(case.join("note.txt"), "mine").unwrap();
        let found = states(&case);
        for (file, state) in [
            ("report.json", State::Changed),
            ("run.json", State::Missing),
            ("note.txt", State::Extra),
            ("timeline.jsonl", State::Ok),
        ] {
            assert!(
                found.contains(&(file.to_owned(), state)),
                "{file}: {found:?}"
            );
        }
        // Hashes that were taken out of the list check nothing, and that is told.
        fs::write(case.join(SUMS), "").unwrap();
        let found = states(&case);
        assert!(found.contains(&("timeline.jsonl".to_owned(), State::Extra)));
        fs::remove_file(case.join(SUMS)).unwrap();
        assert!(states(&case).contains(&(SUMS.to_owned(), State::Missing)));
    }

    #[test]
    fn a_line_of_the_sums_that_is_none_is_told() {
        let here = tempfile::tempdir().unwrap();
        let case = here.path().join("case");
        let mut new = NewFolder::begin(&case, &crate::casefile::place::Bounds::default()).unwrap();
        for name in ["report.json", "timeline.jsonl", "run.json"] {
            new.put(name, name.as_bytes()).unwrap();
        }
        new.finish().unwrap();
        let sums = fs::read_to_string(case.join(SUMS)).unwrap();
        let twice = sums.lines().next().unwrap();
        for more in ["junk", twice, "# a word"] {
            fs::write(case.join(SUMS), format!("{sums}{more}\n")).unwrap();
            let found = folder(&case).unwrap();
            assert!(!found.is_whole());
            assert!(found.told[0].starts_with("SHA256SUMS line 4 is no hash"));
            assert!(states(&case).contains(&(SUMS.to_owned(), State::Changed)));
        }
    }

    #[test]
    fn a_name_in_the_sums_leads_nowhere_else() {
        let sum = "0".repeat(64);
        assert!(parse(&format!("{sum}  ../x\n{sum}  a/b\n{sum}  \nshort  c\n")).is_empty());
        assert_eq!(parse(&format!("{sum}  c\n")).len(), 1);
    }
}
