//! What to collect next.

use super::gaps::Gap;
use super::{CoverageRow, Judgeable, Met};
use crate::analytics::about::About;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Hosts named in one line of advice.
const NAMED: usize = 4;

/// What is lacking, by how to get it.
#[derive(Default)]
pub(super) struct Wishes(BTreeMap<String, Wish>);

#[derive(Default)]
struct Wish {
    /// Pairs of analytic and host that are blind without it.
    blind: BTreeSet<(&'static str, String)>,
    /// Pairs that would see more with it.
    partly: BTreeSet<(&'static str, String)>,
}

impl Wishes {
    /// Adds what the needs of an analytic lack on a host.
    pub(super) fn add(
        &mut self,
        about: &About,
        label: &str,
        judgeable: Judgeable,
        rows: &[CoverageRow],
        gaps: &[Gap],
    ) {
        for (need, row) in about.needs.iter().zip(rows) {
            let missing = matches!(row.status, Met::Absent | Met::Unknown);
            if !missing && row.status != Met::Partial {
                continue;
            }
            // Where a gap makes the whole difference, what fills it is better than a capture or an
            // audit policy anew.
            let taking: Vec<&Gap> = row.gaps.iter().filter_map(|at| gaps.get(*at)).collect();
            let mut remedies: Vec<&str> = taking
                .iter()
                .map(|gap| gap.remedy.as_str())
                .filter(|remedy| !remedy.is_empty())
                .collect();
            let none_held = missing && !taking.iter().any(|gap| gap.whole);
            if remedies.is_empty() || none_held {
                remedies.push(need.what);
            }
            for remedy in remedies {
                let wish = self.0.entry(remedy.to_owned()).or_default();
                let pair = (about.id, label.to_owned());
                if judgeable == Judgeable::Not && need.essential && missing {
                    wish.blind.insert(pair);
                } else {
                    wish.partly.insert(pair);
                }
            }
        }
    }

    /// One sentence each. Most pairs unblocked first, then most pairs improved.
    pub(super) fn sentences(self) -> Vec<String> {
        let mut wishes: Vec<(String, Wish)> = self.0.into_iter().collect();
        wishes.sort_by_key(|(_, w)| (Reverse(w.blind.len()), Reverse(w.partly.len())));
        wishes
            .into_iter()
            .map(|(what, wish)| {
                let pairs = || wish.blind.iter().chain(&wish.partly);
                let hosts: BTreeSet<&str> = pairs().map(|(_, host)| host.as_str()).collect();
                let analytics: BTreeSet<&str> = pairs().map(|(id, _)| *id).collect();
                let shown: Vec<&str> = hosts.iter().copied().take(NAMED).collect();
                let more = match hosts.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let analytics: Vec<&str> = analytics.into_iter().collect();
                format!(
                    "{}{more}: {what} (for {})",
                    shown.join(", "),
                    analytics.join(", ")
                )
            })
            .collect()
    }
}
