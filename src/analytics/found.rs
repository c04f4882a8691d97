//! What analytics hand back: findings, near misses, and what they had to forget.

use super::provisional::Provisional;
use crate::model::finding::{Finding, NearMiss};
use std::cmp::{Ordering, Reverse};

/// How many near misses an analytic keeps; the nearest ones stay.
const NEAR_MISS_LIMIT: usize = 64;

/// How many findings an analytic keeps; the most severe stay. A report of thousands is read by nobody,
/// and each holds the events that it cites.
const FINDING_LIMIT: usize = 500;

/// Collects what an analytic says.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Findings of hosts that stand only as far as their programs do not tell the same.
    pub provisional: Vec<Provisional>,
    /// Findings that were left out because there were more than are kept.
    pub findings_left_out: u64,
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
        if self.findings.len() >= FINDING_LIMIT + FINDING_LIMIT / 4 {
            self.trim_findings();
        }
    }

    /// Adds one that stands only as far as nobody else tells the same; of too many all stand.
    pub fn provisional(&mut self, provisional: Provisional) {
        if self.provisional.len() < FINDING_LIMIT {
            self.provisional.push(provisional);
        } else {
            self.finding(provisional.finding);
        }
    }

    fn trim_findings(&mut self) {
        if self.findings.len() > FINDING_LIMIT {
            self.findings.sort_by(|a, b| {
                let weight = |f: &Finding| Reverse((f.severity, f.confidence));
                weight(a).cmp(&weight(b)).then_with(|| in_time(a, b))
            });
            self.findings_left_out += (self.findings.len() - FINDING_LIMIT) as u64;
            self.findings.truncate(FINDING_LIMIT);
        }
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
        self.provisional.extend(other.provisional);
        self.findings_left_out += other.findings_left_out;
        self.near_misses.extend(other.near_misses);
        self.near_misses_left_out += other.near_misses_left_out;
        self.forgotten += other.forgotten;
        self.dropped += other.dropped;
    }

    /// Brings everything into an order that does not depend on how the work was divided.
    pub fn settle(&mut self) {
        self.trim();
        let mut provisional = std::mem::take(&mut self.provisional);
        provisional.retain(|one| one.stands(&self.findings));
        self.findings
            .extend(provisional.into_iter().map(|one| one.finding));
        self.trim_findings();
        self.findings.sort_by(in_time);
    }
}

/// The order of findings, the same whatever the order of finding.
fn in_time(a: &Finding, b: &Finding) -> Ordering {
    let place = |f: &Finding| {
        (
            f.first_time(),
            f.analytic,
            f.steps.first().map(|s| s.event.provenance),
            f.last_time(),
        )
    };
    place(a).cmp(&place(b)).then_with(|| a.title.cmp(&b.title))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::model::finding::Severity;

    fn finding(second: i64, severity: Severity) -> Finding {
        let at = Timestamp(second * 1_000_000_000);
        Finding {
            span: Some((at, at)),
            title: second.to_string(),
            ..Finding::blank("AN1057", severity)
        }
    }

    #[test]
    fn of_too_many_findings_the_most_severe_and_then_the_earliest_stay() {
        let told = |order: &mut dyn Iterator<Item = i64>| {
            let mut found = Found::default();
            for second in order {
                let severity = match second % 100 {
                    99 => Severity::High,
                    _ => Severity::Low,
                };
                found.finding(finding(second, severity));
            }
            found.settle();
            let kept: Vec<i64> = found
                .findings
                .iter()
                .map(|f| f.title.parse().unwrap())
                .collect();
            (kept, found.findings_left_out)
        };
        let (kept, left_out) = told(&mut (0..2_000));
        assert_eq!((kept.len(), left_out), (FINDING_LIMIT, 1_500));
        assert!(kept.contains(&1_999) && kept.contains(&0) && !kept.contains(&1_998));
        assert!(kept.is_sorted());
        assert_eq!(told(&mut (0..2_000).rev()), (kept, left_out));
        assert_eq!(told(&mut (0..500)).1, 0);
    }
}
