//! The page that says what "nothing found" means, and how near it was.

use super::page::{Cell, Page, Tone};
use super::{short_host, suppressed};
use crate::case::judged::UNNAMED;
use crate::case::{Case, Judgeable, VerdictRow};
use crate::report::about::tells_utc;
use crate::report::not_run::nothing_found;
use crate::report::words::{count, counted};
use std::collections::{BTreeMap, BTreeSet};

/// Near misses printed; JSON has all.
const NEAR_MISSES: usize = 10;
/// Advice printed; JSON has all.
const ADVICE: usize = 10;
/// Hosts named in one line about blindness.
const HOSTS_NAMED: usize = 6;
/// Different reasons for not judging that are printed.
const REASONS: usize = 12;
/// Characters of a reason; the coverage below tells the rest.
const REASON: usize = 180;

pub(super) fn write(case: &Case, page: &mut Page) {
    match case.incidents.len() as u64 {
        0 => {
            let ran = case.parameters.analytics.iter();
            page.heading(&nothing_found(ran.map(|run| run.about.id)));
        }
        // Something was found; that nobody has to look at it is the word of whoever wrote the rules.
        n => page.heading(&format!(
            "NO INCIDENT TO SHOW: {} found, and suppressed by rules of the settings file.",
            was(n)
        )),
    }
    page.text(0, "That is not the same as \"nothing happened\":");
    page.gap();
    suppressed::write(case, page);
    judged(case, page);
    near_misses(case, page, false);
    if !case.advice.is_empty() {
        page.gap();
        page.text(2, "Best next evidence to collect");
        advice(case, 4, page);
    }
    page.gap();
    let damaged: BTreeSet<_> = case
        .problems
        .iter()
        .filter(|p| p.weight == crate::evidence::Weight::Loss)
        .filter_map(|p| p.evidence)
        .collect();
    let (used, unused): (Vec<_>, Vec<_>) = case
        .evidence
        .iter()
        .filter(|e| !damaged.contains(&e.id))
        .partition(|e| e.used);
    let (whole, files) = (used.len(), counted(case.evidence.len() as u64, "file"));
    let told = match (whole, case.any_loss()) {
        (0, false) if !unused.is_empty() => {
            "Nothing of the evidence was used (see PROBLEMS below).".to_owned()
        }
        (_, false) => format!(
            "Evidence was read to the end without errors: {whole} of {files}.{}{}",
            ends_inside(case),
            not_used(unused.len())
        ),
        (_, true) => format!(
            "Some evidence could NOT be read: {whole} of {files} without errors (see PROBLEMS below).{}{}",
            ends_inside(case),
            not_used(unused.len())
        ),
    };
    page.text(2, &told);
}

/// `1 incident was`, `2 incidents were`.
fn was(n: u64) -> String {
    let was = if n == 1 { "was" } else { "were" };
    format!("{} {was}", counted(n, "incident"))
}

/// Files that nothing was taken from, and that may be no evidence at all.
fn not_used(files: usize) -> String {
    match files {
        0 => String::new(),
        1 => " 1 file was not used (see PROBLEMS below).".to_owned(),
        n => format!(" {n} files were not used (see PROBLEMS below)."),
    }
}

/// Files that may have been cut short: a capture that was stopped hard looks the same.
pub(super) fn ends_inside(case: &Case) -> String {
    let cut = case.problems.iter();
    let cut: BTreeSet<_> = cut
        .filter(|p| p.kind == crate::evidence::ProblemKind::CutTail)
        .filter_map(|p| p.evidence)
        .collect();
    match cut.len() {
        0 => String::new(),
        n => format!(
            " {} before something that was begun, and may have been cut short (see PROBLEMS below).",
            if n == 1 {
                "1 file ends".to_owned()
            } else {
                format!("{n} files end")
            }
        ),
    }
}

/// Which evidence to collect next, most useful first.
pub(super) fn advice(case: &Case, indent: usize, page: &mut Page) {
    for (i, advice) in case.advice.iter().take(ADVICE).enumerate() {
        page.hanging(indent, &format!("{}. ", i + 1), advice);
    }
    let more = case.advice.len().saturating_sub(ADVICE);
    if more > 0 {
        page.text(indent, &format!("{} more: see -f json", count(more as u64)));
    }
}

fn judged(case: &Case, page: &mut Page) {
    if case.verdicts.is_empty() {
        page.hanging(
            2,
            "NOT judged  ",
            "no host was recognised in this evidence, so no analytic could judge anything",
        );
        return;
    }
    let pairs = |wanted: Judgeable| {
        let rows: Vec<&VerdictRow> = case
            .verdicts
            .iter()
            .filter(|v| v.judgeable == wanted)
            .collect();
        let analytics: BTreeSet<&str> = rows.iter().map(|v| v.analytic).collect();
        let hosts: BTreeSet<&str> = rows.iter().map(|v| v.host.as_str()).collect();
        (rows.len(), analytics.len(), hosts_words(&hosts))
    };
    let all = case.verdicts.len() as u64;
    for (label, wanted) in [
        ("judged fully", Judgeable::Fully),
        ("judged in part", Judgeable::Partly),
        ("NOT judged", Judgeable::Not),
    ] {
        let (rows, analytics, hosts) = pairs(wanted);
        let mut text = format!(
            "{} of {} analytic-host pairs",
            count(rows as u64),
            count(all)
        );
        if rows > 0 {
            text.push_str(&format!(
                " ({}, {})",
                if analytics == 1 {
                    "1 analytic".to_owned()
                } else {
                    format!("{analytics} analytics")
                },
                hosts
            ));
        }
        page.hanging(2, &format!("{label:<16}"), &text);
    }
    reasons(case, page);
}

/// How many hosts; those that no log names are one column, and no host.
fn hosts_words(hosts: &BTreeSet<&str>) -> String {
    let others = hosts.contains(UNNAMED);
    match (hosts.len() - usize::from(others), others) {
        (0, true) => UNNAMED.to_owned(),
        (n, true) => format!("{} and {UNNAMED}", counted(n as u64, "host")),
        (n, false) => counted(n as u64, "host"),
    }
}

/// Why pairs were not judged: equal reasons together.
fn reasons(case: &Case, page: &mut Page) {
    let every: BTreeSet<&str> = case.verdicts.iter().map(|v| v.host.as_str()).collect();
    let mut why: BTreeMap<String, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for row in case
        .verdicts
        .iter()
        .filter(|v| v.judgeable == Judgeable::Not)
    {
        why.entry(begun(&row.blind))
            .or_default()
            .entry(row.analytic)
            .or_default()
            .insert(&row.host);
    }
    let mut lines = Vec::new();
    for (words, analytics) in &why {
        let mut by_hosts: BTreeMap<&BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
        for (analytic, hosts) in analytics {
            by_hosts.entry(hosts).or_default().push(analytic);
        }
        for (hosts, analytics) in by_hosts {
            let on = if hosts.len() == every.len() {
                "every host".to_owned()
            } else {
                let named: Vec<&str> = hosts
                    .iter()
                    .take(HOSTS_NAMED)
                    .map(|h| short_host(case, h))
                    .collect();
                match hosts.len() - named.len() {
                    0 => named.join(", "),
                    more => format!("{} and {more} more", named.join(", ")),
                }
            };
            lines.push((analytics.join(", "), on, words));
        }
    }
    let more = lines.len().saturating_sub(REASONS);
    for (analytics, on, words) in lines.into_iter().take(REASONS) {
        let colon = if words.is_empty() { "" } else { ": " };
        page.text(18, &format!("{analytics} on {on}{colon}{words}"));
    }
    if more > 0 {
        page.text(
            18,
            &format!("{}: see -f json", counted(more as u64, "more reason")),
        );
    }
}

/// A reason as far as it fits three lines or so: the coverage and the gaps below tell all of it.
fn begun(words: &str) -> String {
    let Some((room, _)) = words.char_indices().nth(REASON) else {
        return words.to_owned();
    };
    let fits = &words[..room];
    let clause = fits.rfind("; ").or_else(|| fits.rfind(", "));
    let end = clause.or_else(|| fits.rfind(' ')).unwrap_or(room);
    format!("{} ... (all of it below)", &words[..end])
}

/// What came close. As a section of its own where there are incidents too.
pub(super) fn near_misses(case: &Case, page: &mut Page, own_section: bool) {
    if case.near_misses.is_empty() {
        return;
    }
    let indent = if own_section {
        page.heading("NEAREST MISSES   what came close and was not reported");
        2
    } else {
        page.gap();
        page.text(2, "Nearest misses");
        4
    };
    for miss in case.near_misses.iter().take(NEAR_MISSES) {
        let references: Vec<String> = miss
            .references
            .iter()
            .take(3)
            .map(|place| case.labels.place(place))
            .collect();
        let files = miss.references.first().map(|place| place.evidence);
        let zone = page.zone.beside_utc(tells_utc(case, files));
        let mut text = format!(
            "{} {}{} {}",
            miss.time.date(),
            miss.time.clock(0),
            zone.beside(miss.time, 0),
            miss.text
        );
        if !references.is_empty() {
            text.push_str(&format!(" ({})", references.join(", ")));
        }
        page.row(&[
            Cell::new(indent, 7, miss.analytic).tone(Tone::Plain),
            Cell::new(indent + 8, page.width - indent - 8, &text),
        ]);
    }
    let more = case.near_misses.len().saturating_sub(NEAR_MISSES);
    if more > 0 {
        page.text(indent, &format!("{} more: see -f json", count(more as u64)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_ends_with_a_clause() {
        let short = "no log; no capture";
        assert_eq!(begun(short), short);
        let long = format!("no log; {}, no capture", "x".repeat(REASON));
        assert_eq!(begun(&long), "no log ... (all of it below)");
        let blank = "\u{e9}".repeat(REASON + 9);
        assert!(begun(&blank).starts_with(&"\u{e9}".repeat(REASON)));
    }

    #[test]
    fn a_long_reason_without_a_clause_ends_with_a_word() {
        let long = format!("nothing of it {} came", "x".repeat(REASON));
        assert_eq!(begun(&long), "nothing of it ... (all of it below)");
    }

    #[test]
    fn a_reason_that_fits_is_told_whole() {
        let fits = format!("no log; {}", "x".repeat(REASON - 8));
        assert_eq!(begun(&fits), fits);
        assert_eq!(begun(&format!("{fits}x")), "no log ... (all of it below)");
    }

    #[test]
    fn reasons_that_begin_alike_are_told_once() {
        let mut case = crate::report::samples::quiet();
        let row = case.verdicts[0].clone();
        let of = |host: &str| VerdictRow {
            host: host.to_owned(),
            judgeable: Judgeable::Not,
            blind: format!("no log; {} of {host}", "x".repeat(REASON)),
            ..row.clone()
        };
        case.verdicts = vec![of("WS01"), of("WS02")];
        let mut page = Page::new(&crate::report::text::Style::default());
        reasons(&case, &mut page);
        let page = page.finish();
        assert_eq!(page.matches("(all of it below)").count(), 1, "{page}");
        assert!(page.contains("on every host: no log ..."), "{page}");
    }
}
