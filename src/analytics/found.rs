//! What analytics hand back: findings, near misses, and what they had to forget.

use crate::model::finding::{Finding, NearMiss};

/// How many near misses an analytic keeps; the nearest ones stay.
const NEAR_MISS_LIMIT: usize = 64;

/// Collects what an analytic says.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Findings.
    pub findings: Vec<Finding>,
    /// The nearest misses, nearest first after [`Found::settle`].
    pub near_misses: Vec<NearMiss>,
    /// Near misses that were left out because there were more than are kept.
    pub near_misses_left_out: u64,
    /// Keys whose state was forgotten early because the budget was full.
    pub forgotten: u64,
    /// Entries inside states that were dropped at a bound, such as the touches of a fast scan.
    pub dropped: u64,
}

impl Found {
    /// Adds a finding.
    pub fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds a near miss; far ones are dropped, and counted, when there are too many.
    pub fn near_miss(&mut self, miss: NearMiss) {
        self.near_misses.push(miss);
        if self.near_misses.len() >= 4 * NEAR_MISS_LIMIT {
            self.trim();
        }
    }

    fn trim(&mut self) {
        // `missing` comes second in the derived order, so the sort is nearest first within the
        // analytic, then earliest.
        self.near_misses.sort();
        let kept = self.near_misses.len().min(NEAR_MISS_LIMIT);
        self.near_misses_left_out += (self.near_misses.len() - kept) as u64;
        self.near_misses.truncate(kept);
    }

    /// Takes over what another shard found.
    pub fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.near_misses.extend(other.near_misses);
        self.near_misses_left_out += other.near_misses_left_out;
        self.forgotten += other.forgotten;
        self.dropped += other.dropped;
    }

    /// Brings everything into an order that does not depend on how the work was divided.
    pub fn settle(&mut self) {
        self.trim();
        self.findings.sort_by(|a, b| {
            let place = |f: &Finding| {
                (
                    f.first_time(),
                    f.analytic,
                    f.steps.first().map(|s| s.event.provenance),
                    f.last_time(),
                )
            };
            place(a).cmp(&place(b)).then_with(|| a.title.cmp(&b.title))
        });
    }
}
