//! A scan that is made again and again: whoever polls hosts that are gone reaches for the same targets all day.

use super::recent::Target;
use super::scan::Scan;
use crate::analytics::found::Found;
use crate::model::finding::Finding;
use crate::model::plural::counted;
use crate::model::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A scan that begins sooner than this after one of the same targets repeats it.
const SOON: Span = Span::seconds(3_600);

/// The last finding of a key, held back until it is known how often it was repeated.
pub(super) struct Told {
    finding: Finding,
    addresses: BTreeSet<IpAddr>,
    ports: BTreeSet<u16>,
    open: BTreeSet<Target>,
    until: Timestamp,
    again: u64,
}

impl Told {
    pub fn new(finding: Finding, scan: &Scan) -> Self {
        Self {
            finding,
            addresses: scan.addresses.clone(),
            ports: scan.ports.iter().map(|(.., port)| *port).collect(),
            open: scan.open.keys().copied().collect(),
            until: scan.last,
            again: 0,
        }
    }

    /// Takes in a scan that shows nothing new: no other target, no other answer, nothing that followed. False
    /// for any other.
    pub fn repeats(&mut self, finding: &Finding, scan: &Scan) -> bool {
        let soon = scan.first.since(self.until) <= SOON;
        let alike = finding.severity <= self.finding.severity && scan.followed.is_empty();
        let ports = || {
            scan.ports
                .iter()
                .all(|(.., port)| self.ports.contains(port))
        };
        let answers = || scan.open.keys().all(|target| self.open.contains(target));
        let same =
            soon && alike && scan.addresses.is_subset(&self.addresses) && ports() && answers();
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
        found.finding(self.finding);
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        const STEP: usize = 768;
        const ADDRESS: usize = 40;
        self.finding.steps.len() * STEP + (self.addresses.len() + self.ports.len()) * ADDRESS
    }
}
