//! A scan that is made again and again: whoever polls hosts that are gone reaches for the same targets all day.

use super::key::Key;
use super::recent::Target;
use super::scan::{COUNTED, Scan};
use super::telling::{Telling, instance};
use crate::analytics::found::Found;
use crate::analytics::kit::contact::Fate;
use crate::analytics::provisional::Provisional;
use crate::context::Context;
use crate::model::finding::Finding;
use crate::model::plural::counted;
use crate::model::{Span, Text, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// A scan that begins sooner than this after one of the same targets repeats it.
const SOON: Span = Span::seconds(3_600);

/// The last finding of a key, held back until it is known how often it was repeated.
pub(super) struct Told {
    finding: Finding,
    // Of a source: how many of its targets its programs must leave untold.
    least: Option<u64>,
    targets: BTreeMap<Target, Fate>,
    programs: BTreeSet<String>,
    by: BTreeSet<By>,
    until: Timestamp,
    again: u64,
}

/// Account and command line of a process that made a scan, as its start was logged.
type By = (Text, Text);

fn by(key: &Key, scan: &Scan, context: &Context) -> BTreeSet<By> {
    let Key::Program { host, .. } = key else {
        return BTreeSet::new();
    };
    let started = scan.processes.values();
    let started = started.filter_map(|share| instance(&share.actor, *host, share.at, context));
    started
        .map(|process| (process.user.clone(), process.command_line.clone()))
        .collect()
}

fn answered(fate: Fate) -> bool {
    fate.failed() == Some(false)
}

impl Told {
    /// Holds back the finding of a scan of `key`.
    pub fn new(telling: Telling, scan: Scan, key: &Key, context: &Context) -> Self {
        Self {
            finding: telling.finding,
            least: telling.least,
            by: by(key, &scan, context),
            programs: scan.programs.into_keys().collect(),
            until: scan.last,
            targets: scan.counted,
            again: 0,
        }
    }

    /// Takes in a scan that shows nothing new: no other target, no other answer, nothing that followed, and
    /// no other account, command line or program. False for any other, and where more was touched than
    /// is kept.
    pub fn repeats(
        &mut self,
        finding: &Finding,
        scan: &Scan,
        key: &Key,
        context: &Context,
    ) -> bool {
        let soon = scan.first.since(self.until) <= SOON;
        let alike = finding.severity <= self.finding.severity && scan.followed.is_empty();
        let all_kept = || {
            [&self.targets, &scan.counted]
                .iter()
                .all(|n| n.len() < COUNTED)
        };
        let targets = || {
            let mut targets = scan.counted.iter();
            targets.all(|(target, fate)| {
                let before = self.targets.get(target);
                before.is_some_and(|before| !answered(*fate) || answered(*before))
            })
        };
        let programs = || scan.programs.keys().all(|p| self.programs.contains(p));
        let who = || programs() && by(key, scan, context).is_subset(&self.by);
        let same = soon && alike && all_kept() && targets() && who();
        if same {
            (self.again, self.until) = (self.again + 1, scan.last);
        }
        same
    }

    /// Hands the finding over, with what became of it.
    pub fn tell(mut self, found: &mut Found) {
        if self.again > 0 {
            self.finding.notes.push(format!(
                "the same targets, or some of them, were tried again in {} until {}, and nothing else answered",
                counted(self.again, "further scan"),
                self.until.rfc3339()
            ));
        }
        let Some(least) = self.least else {
            found.finding(self.finding);
            return;
        };
        let targets = self.targets.into_keys();
        found.provisional(Provisional {
            finding: self.finding,
            targets: targets.map(|(.., end)| (end.address, end.port)).collect(),
            least,
        });
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        const STEP: usize = 768;
        self.finding.steps.len() * STEP + self.targets.len() * 2 * size_of::<(Target, Fate)>()
    }
}
