//! Where each file of the evidence lies now: where it lay at the run, or below a folder it was
//! moved to; members within their archives.

use super::CaseFolder;
use crate::evidence::{DiscoverError, EvidenceFile, Problems, Source, Unpacking, discover_in};
use crate::report::json::shape::Evidence;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The evidence that was found, by its number in the report.
#[derive(Clone, Debug, Default)]
pub struct Places {
    files: BTreeMap<String, EvidenceFile>,
    /// Files that may be there: the system does not say.
    unseen: BTreeSet<String>,
}

impl Places {
    /// Looks for the evidence with the numbers of `wanted`, for all without. Archives are listed
    /// with `passwords`, and only those that are needed; `moved_to` is searched whole: by the path
    /// the report shows, else by a file name that only one file there has.
    pub fn of(
        case: &CaseFolder,
        moved_to: Option<&Path>,
        passwords: &[String],
        wanted: Option<&BTreeSet<String>>,
    ) -> Self {
        let rows: Vec<&Evidence> = case.report.evidence.iter().collect();
        let named = |row: &Evidence| wanted.is_none_or(|wanted| wanted.contains(&row.id.0));
        let holds = |row: &Evidence| {
            let held = |other: &&Evidence| other.archive.as_ref().is_some_and(|a| a.0 == row.id.0);
            rows.iter().filter(|other| named(other)).any(held)
        };
        let needed = |row: &Evidence| named(row) || holds(row);
        let mut places = Self::default();
        let (arguments, at) = match moved_to {
            Some(folder) => (vec![folder.to_owned()], BTreeMap::new()),
            None => {
                let needed: BTreeSet<&str> = rows
                    .iter()
                    .filter(|row| row.archive.is_none() && needed(row))
                    .map(|row| row.id.0.as_str())
                    .collect();
                places.where_it_lay(case, &needed)
            }
        };
        let mut unused = Problems::default();
        let unpacking = Unpacking::with_passwords(passwords);
        let found = discover_in(&arguments, unpacking, &mut unused).unwrap_or_else(|error| {
            // Without temporary files it cannot be said what is there.
            if matches!(error, DiscoverError::Temporary(_)) {
                places.unseen = rows.iter().map(|row| row.id.0.clone()).collect();
            }
            Vec::new()
        });
        let (disk, members): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|file| file.source == Source::Disk);
        let mut taken = BTreeSet::new();
        for row in rows.iter().filter(|row| row.archive.is_none()) {
            let file = match moved_to {
                Some(_) => below(row, &disk, &taken),
                None => at.get(&row.id.0).and_then(|real| {
                    disk.iter()
                        .find(|file| fs::canonicalize(&file.path).ok().as_ref() == Some(real))
                }),
            };
            if let Some(file) = file {
                taken.insert(file.path.clone());
                places.files.insert(row.id.0.clone(), file.clone());
            }
        }
        places.members(&rows, &members);
        places
    }

    /// The files on disk that are to be looked at where they lay, and their real paths.
    fn where_it_lay(
        &mut self,
        case: &CaseFolder,
        needed: &BTreeSet<&str>,
    ) -> (Vec<PathBuf>, BTreeMap<String, PathBuf>) {
        let (mut arguments, mut at) = (Vec::new(), BTreeMap::new());
        let lay = case.run.iter().flat_map(|run| &run.evidence);
        for place in lay.filter(|place| needed.contains(place.id.as_str())) {
            let path = place.on_disk();
            match fs::metadata(&path).and_then(|_| fs::canonicalize(&path)) {
                // A folder of that name is not the file.
                Ok(real) if !real.is_dir() => {
                    at.insert(place.id.clone(), real);
                    arguments.push(path);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => {
                    self.unseen.insert(place.id.clone());
                }
            }
        }
        (arguments, at)
    }

    /// Finds the members of the archives that were found.
    fn members(&mut self, rows: &[&Evidence], members: &[EvidenceFile]) {
        let mut taken = BTreeSet::new();
        for row in rows {
            let Some(archive) = &row.archive else {
                continue;
            };
            let holder = rows.iter().find(|other| other.id.0 == archive.0);
            let name = holder
                .and_then(|holder| row.path.strip_prefix(holder.path.as_str()))
                .and_then(|rest| rest.strip_prefix('!'));
            let (Some(name), Some(place)) = (name, self.files.get(&archive.0)) else {
                continue;
            };
            let found = members.iter().enumerate().find(|(at, file)| {
                let same = match &file.source {
                    Source::Member { member, .. } => member.name == name,
                    Source::Disk => false,
                };
                same && file.path == place.path && !taken.contains(at)
            });
            if let Some((at, file)) = found {
                taken.insert(at);
                self.files.insert(row.id.0.clone(), file.clone());
            }
        }
    }

    /// How to read it, if it was found.
    pub fn get(&self, evidence: &str) -> Option<&EvidenceFile> {
        self.files.get(evidence)
    }

    /// The files on disk.
    pub fn on_disk(&self) -> impl Iterator<Item = &EvidenceFile> {
        self.files
            .values()
            .filter(|file| file.source == Source::Disk)
    }

    /// True if it cannot be said whether it is there: the system does not let it be looked at, or
    /// it lies in an archive that is there and does not yield it.
    pub fn unseen(&self, row: &Evidence) -> bool {
        let within = |archive: &str| self.files.contains_key(archive);
        self.unseen.contains(&row.id.0)
            || row
                .archive
                .as_ref()
                .is_some_and(|archive| within(&archive.0) || self.unseen.contains(&archive.0))
    }

    /// Why there is nothing to read, and what to do; for evidence that was not found.
    pub fn why(&self, row: &Evidence) -> &'static str {
        let archive = row.archive.as_ref();
        if archive.is_some_and(|archive| self.files.contains_key(&archive.0)) {
            "is not found in its archive as it lies there now; if it is encrypted, give --password"
        } else {
            "is not found; say with --evidence DIR where the evidence is now"
        }
    }
}

/// The file below a folder that stands for `row`.
fn below<'f>(
    row: &Evidence,
    disk: &'f [EvidenceFile],
    taken: &BTreeSet<PathBuf>,
) -> Option<&'f EvidenceFile> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let exact = disk
        .iter()
        .find(|file| file.shown == row.path && !taken.contains(&file.path));
    let mut named = disk.iter().filter(|f| name(&f.shown) == name(&row.path));
    exact.or_else(|| match (named.next(), named.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    })
}
