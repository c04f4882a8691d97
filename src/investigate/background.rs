//! What is known beside the evidence: baseline files and lists of known hosts.

use super::conclude::Read;
use super::{Error, Request};
use crate::case::BackgroundFile;
use crate::context::baseline::file::{BaselineFile, Basis, FORMAT, HostPart, Loss, VERSION};
use crate::context::baseline::{BaselineBuilder, Counted, Counter, Day, Usage, Whose};
use crate::context::contacts::DayContacts;
use crate::context::identity::{Identity, Place};
use crate::context::{Baseline, KnownHosts};
use crate::evidence::{Problem, Progress, Weight};
use crate::model::hex::hex;
use crate::model::plural::counted as numbered;
use crate::model::{EvidenceId, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What is known beside the evidence.
#[derive(Clone, Debug, Default)]
pub struct Background {
    baselines: Vec<(BackgroundFile, BaselineFile)>,
    known: KnownHosts,
    lists: Vec<BackgroundFile>,
}

impl Background {
    /// Takes in a baseline file.
    ///
    /// # Errors
    /// If it is none, or rests on evidence that another one given rests on too: that would be
    /// counted twice.
    pub fn baseline(&mut self, shown: &str, bytes: &[u8]) -> Result<(), String> {
        let file = BaselineFile::read(bytes).map_err(|error| format!("{shown} {error}"))?;
        for (other, held) in &self.baselines {
            let hashes: BTreeSet<&str> = held.evidence.iter().map(|e| e.sha256.as_str()).collect();
            if file
                .evidence
                .iter()
                .any(|e| hashes.contains(e.sha256.as_str()))
            {
                return Err(format!(
                    "{shown} and {} rest on the same evidence, which would be counted twice; leave one out",
                    other.name
                ));
            }
        }
        let row = BackgroundFile {
            name: shown.to_owned(),
            sha256: Sha256::digest(bytes).into(),
            days: file.days.clone(),
        };
        self.baselines.push((row, file));
        self.baselines.sort_by_key(|(row, _)| row.sha256);
        Ok(())
    }

    /// Takes in a list of known hosts.
    ///
    /// # Errors
    /// Every line that cannot be meant.
    pub fn known_hosts(&mut self, shown: &str, text: &str) -> Result<(), Vec<String>> {
        let list = KnownHosts::read(text)?;
        for (address, seen) in list.addresses {
            let held = self.known.addresses.entry(address).or_default();
            *held = (*held).max(seen);
        }
        for (name, seen) in list.names {
            let held = self.known.names.entry(name).or_default();
            *held = (*held).max(seen);
        }
        self.known.networks.extend(list.networks);
        self.known.networks.sort_unstable();
        self.known.networks.dedup();
        self.lists.push(BackgroundFile {
            name: shown.to_owned(),
            sha256: Sha256::digest(text.as_bytes()).into(),
            days: Vec::new(),
        });
        self.lists.sort();
        Ok(())
    }

    /// The baseline files.
    pub fn baselines(&self) -> Vec<BackgroundFile> {
        self.baselines.iter().map(|(row, _)| row.clone()).collect()
    }

    /// The lists of known hosts.
    pub fn lists(&self) -> Vec<BackgroundFile> {
        self.lists.clone()
    }

    pub(super) fn known(&self) -> &KnownHosts {
        &self.known
    }

    /// Hashes of evidence that a baseline rests on.
    pub(super) fn rests_on(&self) -> BTreeMap<&str, &str> {
        self.baselines
            .iter()
            .flat_map(|(row, file)| {
                file.evidence
                    .iter()
                    .map(|e| (e.sha256.as_str(), row.name.as_str()))
            })
            .collect()
    }

    /// What a reader must know of the baselines, beside evidence that ends with `end`.
    pub(super) fn notes(&self, end: Option<Timestamp>) -> Vec<String> {
        let mut notes = Vec::new();
        for (row, file) in &self.baselines {
            let lost = file.losses.len() as u64;
            if lost > 0 {
                notes.push(format!(
                    "{} of the evidence of the baseline {} could not be read when it was built (see 'casewire \
                     baseline show') and is not counted in it",
                    numbered(lost, "part"),
                    row.name,
                ));
            }
            let first = file.days.first().zip(end);
            if let Some((first, end)) = first.filter(|(first, end)| **first > end.date()) {
                notes.push(format!(
                    "the baseline {} begins on {first}, after this evidence ends ({}): nothing in it is of the time \
                     before",
                    row.name,
                    end.date()
                ));
            }
        }
        notes
    }

    pub(super) fn freeze(&self, own: BaselineBuilder, identity: &Identity) -> Baseline {
        let files = || self.baselines.iter().map(|(_, file)| file);
        // What reads badly was refused when the file was taken in.
        let usages: Vec<(String, Usage)> =
            files().filter_map(|f| f.usages().ok()).flatten().collect();
        let days: Vec<BTreeSet<Day>> = files().filter_map(|f| f.days().ok()).collect();
        own.freeze(usages, days, identity)
    }

    /// Signs of life that baselines tell of: who, first and last time.
    pub(super) fn signs(&self, identity: &Identity) -> Vec<(IpAddr, Timestamp, Timestamp)> {
        let mut signs = Vec::new();
        let usages = self.baselines.iter().filter_map(|(_, f)| f.usages().ok());
        for (name, usage) in usages.flatten() {
            let host = identity.named(&name).and_then(|id| identity.host(id));
            let addresses: Vec<IpAddr> = match (host, name.parse::<IpAddr>()) {
                (Some(host), _) => host.addresses.clone(),
                (None, Ok(address)) => vec![address],
                (None, Err(_)) => Vec::new(),
            };
            let own = addresses.iter().flat_map(|address| {
                let by = |counter| (*address, usage.seen.by(counter));
                Counter::ALL.map(by)
            });
            // A logged attempt is no answer; on the wire, a peer counts if it answered.
            let answered = |(address, count): (&IpAddr, &'_ Counted)| {
                let tally = count.by(Counter::Wire);
                tally
                    .first()
                    .zip(tally.last())
                    .map(|(f, l)| (*address, f, l))
            };
            signs.extend(usage.peers.iter().filter_map(answered));
            for (address, tally) in own {
                let ends = tally.first().zip(tally.last());
                signs.extend(ends.map(|(first, last)| (address, first, last)));
            }
        }
        signs.sort_unstable();
        signs
    }

    pub(super) fn contacts(&self) -> Vec<(String, Day, DayContacts)> {
        self.baselines
            .iter()
            .filter_map(|(_, file)| file.contacts().ok())
            .flatten()
            .collect()
    }
}

/// Reads the evidence and returns what was usual in it, between `from` and `to` of the request.
///
/// # Errors
/// See `Error`.
pub fn baseline(request: &Request, progress: &dyn Progress) -> Result<BaselineFile, Error> {
    told_baseline(request, progress).map(|(file, _)| file)
}

/// The same, with a sentence for each problem of the evidence, and how much it weighs.
///
/// # Errors
/// See `Error`.
pub fn told_baseline(
    request: &Request,
    progress: &dyn Progress,
) -> Result<(BaselineFile, Vec<(Weight, String)>), Error> {
    let counted = (
        request.from.unwrap_or(Timestamp::MIN),
        request.to.unwrap_or(Timestamp::MAX),
    );
    let (_, read) = super::with_threads(request, || super::open(request, progress, Some(counted)))?;
    if let Some((id, _)) = read
        .reports
        .iter()
        .find(|(_, r)| r.custody.as_ref().is_some_and(|c| c.changed))
    {
        return Err(Error::Changed(format!(
            "{} changed while it was read, so no baseline is made; work on a copy",
            read.context.labels.file(*id)
        )));
    }
    let told = read.problems.iter().map(|problem| {
        let shown = problem.evidence.and_then(|id| {
            let file = read.files.iter().find(|file| file.id == id)?;
            Some(format!("{}: ", file.shown))
        });
        (problem.weight, sentence(problem, shown))
    });
    Ok((file_of(&read), told.collect()))
}

/// A problem in one line.
fn sentence(problem: &Problem, shown: Option<String>) -> String {
    let times = match problem.count {
        1 => String::new(),
        n => format!(" ({n} times)"),
    };
    let shown = shown.unwrap_or_default();
    format!("{shown}{}{times}: {}", problem.message, problem.effect)
}

fn file_of(read: &Read) -> BaselineFile {
    let identity = &read.context.identity;
    let name = |place: Place| match place {
        Place::Host(_) => identity
            .name(place)
            .map(|n| n.trim().trim_end_matches('.').to_lowercase())
            .unwrap_or_default(),
        Place::Address(address) => address.to_string(),
    };
    let mut file = BaselineFile {
        format: FORMAT.to_owned(),
        version: VERSION,
        made_by: format!("casewire {}", env!("CARGO_PKG_VERSION")),
        left_out: read.context.baseline.left_out + read.context.contacts.left_out,
        ..BaselineFile::default()
    };
    let mut days: BTreeSet<Day> = BTreeSet::new();
    for (whose, usage) in read.context.baseline.hosts() {
        let name = match whose {
            Whose::Place(place) => name(*place),
            Whose::Elsewhere(name) => name.to_string(),
        };
        for counter in Counter::ALL {
            days.extend(usage.seen.by(counter).days().iter().map(|(day, _)| *day));
        }
        file.hosts.insert(name, HostPart::of(usage));
    }
    for (day, sources) in read.context.contacts.days() {
        days.insert(day);
        for (place, sum) in sources {
            file.hosts
                .entry(name(*place))
                .or_default()
                .contacts
                .insert(day.text(), sum.into());
        }
    }
    file.days = days.into_iter().map(Day::text).collect();
    let hash = |id: EvidenceId| -> Option<String> {
        let hash = read.reports.get(&id)?.custody.as_ref()?.sha256?;
        Some(hex(&hash))
    };
    for evidence in &read.files {
        if let Some(sha256) = hash(evidence.id) {
            file.evidence.push(Basis {
                sha256,
                kind: evidence.kind.word().to_owned(),
                size: evidence.size,
            });
        }
    }
    file.evidence.sort();
    file.evidence.dedup();
    let losses = read.problems.iter().filter(|p| p.weight == Weight::Loss);
    file.losses = losses
        .map(|problem| Loss {
            sha256: problem.evidence.and_then(hash),
            count: problem.count,
            message: problem.message.clone(),
            effect: problem.effect.clone(),
        })
        .collect();
    file.losses.sort();
    file
}
