//! What to collect next.

use super::gaps::Gap;
use super::{CoverageRow, Judgeable, Met};
use crate::analytics::about::About;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Hosts named in one line of advice.
const NAMED: usize = 4;

/// What most needs of a host are met by at once; the other ways to meet them are told behind it.
const CAPTURES: [&str; 2] = [
    "a capture of the host's segment",
    "a capture of the host's traffic",
];

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
        let mut wishes = by_capture(self.0);
        wishes.sort_by_key(|(_, w, _)| (Reverse(w.blind.len()), Reverse(w.partly.len())));
        wishes
            .into_iter()
            .map(|(what, wish, otherwise)| {
                let hosts = wish.hosts();
                let shown: Vec<&str> = hosts.iter().map(String::as_str).take(NAMED).collect();
                let more = match hosts.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let analytics = wish.analytics();
                format!(
                    "{}{more}: {what} (for {}){otherwise}",
                    shown.join(", "),
                    analytics.join(", ")
                )
            })
            .collect()
    }
}

/// What to get, who wants it, and how else to have it. Of the same hosts, all that one capture would serve are
/// one wish.
fn by_capture(wishes: BTreeMap<String, Wish>) -> Vec<(String, Wish, String)> {
    let mut told = Vec::new();
    let mut captures: BTreeMap<Vec<String>, Vec<(String, Wish)>> = BTreeMap::new();
    for (what, wish) in wishes {
        match CAPTURES.iter().any(|words| what.starts_with(words)) {
            true => captures.entry(wish.hosts()).or_default().push((what, wish)),
            false => told.push((what, wish, String::new())),
        }
    }
    for mut of in captures.into_values() {
        told.push(match of.len() {
            1 => {
                let (what, wish) = of.remove(0);
                (what, wish, String::new())
            }
            _ => joined(of),
        });
    }
    told
}

/// One capture in place of several wishes, and what would show a part of it.
fn joined(of: Vec<(String, Wish)>) -> (String, Wish, String) {
    let [segment, traffic] = CAPTURES;
    let capture = match of.iter().any(|(what, _)| what.starts_with(segment)) {
        true => segment,
        false => traffic,
    };
    let ways: Vec<&str> = of.iter().map(|(what, _)| instead(what)).collect();
    let otherwise = audited(&ways);
    let mut all = Wish::default();
    for (_, wish) in of {
        all.blind.extend(wish.blind);
        all.partly.extend(wish.partly);
    }
    (capture.to_owned(), all, otherwise)
}

/// The audit subcategories that are named in several ways, each once; `casewire analytics show` tells which
/// of them shows what.
fn audited(ways: &[&str]) -> String {
    let quoted = ways
        .iter()
        .flat_map(|way| way.split('"').skip(1).step_by(2));
    let named: BTreeSet<String> = quoted.map(|name| format!("\"{name}\"")).collect();
    let says = |word: &str| ways.iter().any(|way| way.contains(word));
    let mut parts = Vec::new();
    if !named.is_empty() {
        let named: Vec<String> = named.into_iter().collect();
        let which = match (says("(success)"), says("(failure)")) {
            (true, true) => " (success and failure)",
            (true, false) => " (success)",
            (false, true) => " (failure)",
            (false, false) => "",
        };
        let one = match named.len() {
            1 => "subcategory",
            _ => "subcategories",
        };
        parts.push(format!("the audit {one} {}{which}", named.join(" and ")));
    }
    if says("Sysmon with") || says("Sysmon event 3") {
        parts.push("Sysmon with network connections".to_owned());
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!("; without one, for a part of it: {}", parts.join(", ")),
    }
}

/// The other way to have what a capture would show; empty where a reason stands behind it, and no way.
fn instead(what: &str) -> &str {
    let rest = CAPTURES.iter().find_map(|words| what.strip_prefix(words));
    let ways = [", or ", ", ", "; "];
    let way = |rest: &'_ str| {
        ways.iter()
            .find_map(|way| rest.strip_prefix(way).map(str::len))
    };
    rest.and_then(|rest| Some(&rest[rest.len() - way(rest)?..]))
        .unwrap_or_default()
}

impl Wish {
    fn pairs(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.blind.iter().chain(&self.partly)
    }

    /// Whose it is, in order, each once.
    fn hosts(&self) -> Vec<String> {
        let hosts: BTreeSet<&String> = self.pairs().map(|(_, host)| host).collect();
        hosts.into_iter().cloned().collect()
    }

    /// For which analytics, in order, each once.
    fn analytics(&self) -> Vec<&'static str> {
        let analytics: BTreeSet<&'static str> = self.pairs().map(|(id, _)| *id).collect();
        analytics.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(of: &[(&str, &'static str, &str)]) -> Wishes {
        let mut wishes = Wishes::default();
        for (what, analytic, host) in of {
            let wish = wishes.0.entry((*what).to_owned()).or_default();
            wish.blind.insert((analytic, (*host).to_owned()));
        }
        wishes
    }

    #[test]
    fn one_capture_stands_for_all_that_it_serves_of_the_same_hosts() {
        let told = wishes(&[
            (
                "a capture of the host's traffic, or auditing \"Drop\" (failure)",
                "AN0842",
                "A",
            ),
            (
                "a capture of the host's traffic: Sysmon has it late",
                "AN1057",
                "A",
            ),
            (
                "a capture of the host's segment, or \"Connection\" (success)",
                "XDR-FC",
                "A",
            ),
            (
                "a capture of the host's traffic, or auditing of all",
                "AN0842",
                "B",
            ),
        ])
        .sentences();
        assert_eq!(
            told,
            [
                "A: a capture of the host's segment (for AN0842, AN1057, XDR-FC); without one, for a part of it: the \
                 audit subcategories \"Connection\" and \"Drop\" (success and failure)",
                "B: a capture of the host's traffic, or auditing of all (for AN0842)",
            ]
        );
    }

    #[test]
    fn what_no_capture_serves_is_told_as_it_is() {
        let told = wishes(&[("its logs", "AN0842", "A"), ("its logs", "AN1448", "B")]).sentences();
        assert_eq!(told, ["A, B: its logs (for AN0842, AN1448)"]);
    }

    #[test]
    fn needs_that_a_capture_meets_begin_with_it() {
        for entry in crate::analytics::register::all() {
            for need in entry.about().needs {
                let capture = need.what.starts_with("a capture of");
                let known = CAPTURES.iter().any(|words| need.what.starts_with(words));
                assert_eq!(capture, known, "{}", need.what);
            }
        }
    }
}
