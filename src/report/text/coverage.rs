//! The grid analytic x host: what this evidence can answer, and what it cannot.

use super::alike::{Lines, listed};
use super::page::{Cell, Page, Tone};
use super::short_host;
use crate::case::{Case, CoverageRow, Gap, Judgeable, Met, Verdict};
use crate::report::escape::{cells, fit, fit_middle, vis};
use crate::report::words::counted;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Hosts shown; JSON has all.
const HOSTS: usize = 24;
/// Remarks shown; JSON has all.
const REMARKS: usize = 30;
/// Columns per host, at least.
const PER_HOST: usize = 8;

pub(super) fn write(case: &Case, page: &mut Page) {
    if case.coverage.is_empty() && case.verdicts.is_empty() && case.gaps.is_empty() {
        return;
    }
    grids(case, page);
    if !case.gaps.is_empty() {
        page.heading("Gaps");
        gap_lines(case, REMARKS, page);
    }
}

/// The grid, and why it is not better.
pub(super) fn grids(case: &Case, page: &mut Page) {
    if case.coverage.is_empty() && case.verdicts.is_empty() {
        return;
    }
    page.heading("COVERAGE   can this evidence answer each analytic, per host?");
    let hosts = hosts(case);
    let shown = &hosts[..hosts.len().min(HOSTS)];
    let needs_at = 10;
    let needs_width = 30.min(page.width - needs_at - 2 * PER_HOST - 2);
    let first = needs_at + needs_width + 2;
    let labels = labels(case, shown);
    // As wide as the longest name needs, where there is room for it.
    let room = page.width - first;
    let longest = labels.iter().map(|l| cells(&vis(l)) + 1).max();
    let columns = shown.len().clamp(1, (room / PER_HOST).max(1));
    let wide = longest.unwrap_or(PER_HOST).min(room / columns);
    let per_host = wide.max(PER_HOST);
    let per_block = (room / per_host).max(1);
    let numbered = alike(&labels, per_host - 1);
    let columns: Vec<(String, &String)> = labels
        .iter()
        .enumerate()
        .map(|(i, label)| match numbered {
            true => fit(&format!("#{} {label}", i + 1), per_host - 1),
            false => fit_middle(label, per_host - 1),
        })
        .zip(shown)
        .collect();
    for block in columns.chunks(per_block) {
        page.gap();
        grid(case, block, (needs_at, needs_width, per_host), page);
    }
    page.gap();
    if numbered {
        for (i, label) in labels.iter().enumerate() {
            page.hanging(0, &format!("#{}  ", i + 1), label);
        }
        page.gap();
    }
    if hosts.len() > shown.len() {
        page.text(
            0,
            &format!(
                "{} not shown: see -f json",
                counted((hosts.len() - shown.len()) as u64, "more host")
            ),
        );
    }
    page.text(
        0,
        "yes   present, no gap known (time asked for, else the captures', else its logs')",
    );
    page.text(0, "part  present for a part of it, or weaker");
    page.text(
        0,
        "NO    absent (\"can be judged\" says what that leaves);  ?  cannot be told",
    );
    remarks(case, page);
}

/// Hosts in the order of the case, then any that only coverage names.
fn hosts(case: &Case) -> Vec<String> {
    let asked: BTreeSet<&str> = case
        .coverage
        .iter()
        .map(|row| row.host.as_str())
        .chain(case.verdicts.iter().map(|row| row.host.as_str()))
        .collect();
    let mut found: Vec<String> = case
        .hosts
        .iter()
        .map(|h| h.label())
        .filter(|h| asked.contains(h.as_str()))
        .collect();
    let known: BTreeSet<String> = found.iter().cloned().collect();
    found.extend(
        asked
            .into_iter()
            .filter(|h| !known.contains(*h))
            .map(str::to_owned),
    );
    found
}

/// The hosts as they are shown.
fn labels(case: &Case, hosts: &[String]) -> Vec<String> {
    let short = hosts.iter().map(|h| short_host(case, h).to_owned());
    short.collect()
}

/// True if two of the labels, cut to `width`, cannot be told apart.
fn alike(labels: &[String], width: usize) -> bool {
    let cut: BTreeSet<String> = labels.iter().map(|l| fit_middle(l, width)).collect();
    cut.len() < labels.len()
}

/// A block of the grid: hosts with their labels; where the needs begin, how wide they are, and how
/// wide a host.
fn grid(
    case: &Case,
    columns: &[(String, &String)],
    (needs_at, needs_width, per_host): (usize, usize, usize),
    page: &mut Page,
) {
    let at = |i: usize| needs_at + needs_width + 2 + i * per_host;
    let hosts: Vec<&String> = columns.iter().map(|(_, host)| *host).collect();
    let mut head = vec![
        Cell::new(0, 9, "ANALYTIC").tone(Tone::Heading),
        Cell::new(needs_at, needs_width, "NEEDS").tone(Tone::Heading),
    ];
    for (i, (label, _)) in columns.iter().enumerate() {
        head.push(Cell::new(at(i), per_host - 1, label).tone(Tone::Heading));
    }
    page.row(&head);
    for analytic in analytics(case) {
        let rows = || case.coverage.iter().filter(|row| row.analytic == analytic);
        let mut first = true;
        for need in needs(rows()) {
            let mut row = vec![Cell::new(needs_at, needs_width, need)];
            if first {
                row.insert(0, Cell::new(0, 9, analytic));
                first = false;
            }
            for (i, host) in hosts.iter().enumerate() {
                // Several rows for one need are several sources: the best of them answers.
                let best = rows()
                    .filter(|r| r.needs == need && r.host == **host)
                    .map(|r| r.status)
                    .min();
                let (word, tone) = best.map_or(("-", Tone::Plain), met);
                row.push(Cell::new(at(i), per_host - 1, word).tone(tone));
            }
            page.row(&row);
        }
        let mut row = vec![Cell::new(needs_at, needs_width, "-> can be judged")];
        if first {
            row.insert(0, Cell::new(0, 9, analytic));
        }
        let verdict = |host: &str| {
            let mut all = case.verdicts.iter();
            all.find(|v| v.analytic == analytic && v.host == host)
        };
        for (i, host) in hosts.iter().enumerate() {
            let (word, tone) = match verdict(host).map(|v| v.judgeable) {
                None => ("-", Tone::Plain),
                Some(Judgeable::Fully) => ("yes", Tone::Plain),
                Some(Judgeable::Partly) => ("part", Tone::Warn),
                Some(Judgeable::Not) => ("NO", Tone::No),
            };
            row.push(Cell::new(at(i), per_host - 1, word).tone(tone));
        }
        page.row(&row);
        let found = |host: &&String| verdict(host).is_some_and(|v| v.verdict == Verdict::Found);
        if hosts.iter().any(found) {
            let mut row = vec![Cell::new(needs_at, needs_width, "-> what was found")];
            for (i, host) in hosts.iter().enumerate() {
                let word = match verdict(host).map(|v| v.verdict) {
                    Some(Verdict::Found) => "found",
                    Some(Verdict::Quiet | Verdict::Partly) => "nothing",
                    Some(Verdict::Blind) | None => "-",
                };
                row.push(Cell::new(at(i), per_host - 1, word));
            }
            page.row(&row);
        }
    }
}

fn met(status: Met) -> (&'static str, Tone) {
    match status {
        Met::Seen | Met::Present => ("yes", Tone::Plain),
        Met::Partial => ("part", Tone::Warn),
        Met::Absent => ("NO", Tone::No),
        Met::Unknown => ("?", Tone::Plain),
    }
}

/// Analytics in the order of the run, then any that only coverage names.
fn analytics(case: &Case) -> Vec<&'static str> {
    let mut ids: Vec<&'static str> = case
        .parameters
        .analytics
        .iter()
        .map(|a| a.about.id)
        .collect();
    let others: BTreeSet<&'static str> = case
        .coverage
        .iter()
        .map(|r| r.analytic)
        .chain(case.verdicts.iter().map(|v| v.analytic))
        .collect();
    ids.extend(
        others
            .into_iter()
            .filter(|id| !ids.clone().contains(id))
            .collect::<Vec<_>>(),
    );
    ids
}

/// Needs in the order in which they first occur.
fn needs<'a>(rows: impl Iterator<Item = &'a CoverageRow>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for row in rows {
        if !found.contains(&row.needs.as_str()) {
            found.push(&row.needs);
        }
    }
    found
}

/// What is missing, at most so many lines: of the captures first, then host by host. What is said of
/// several logs of a host, of several hosts or of several files is said once.
pub(super) fn gap_lines(case: &Case, most: usize, page: &mut Page) {
    let mut logs: Vec<(&Gap, Vec<String>)> = Vec::new();
    let mut at: HashMap<(&str, &str, &str), usize> = HashMap::new();
    for gap in &case.gaps {
        let alike = (gap.host.as_str(), beyond_log(gap), gap.why.as_str());
        match at.get(&alike).filter(|_| !gap.log.is_empty()) {
            Some(&held) => logs[held].1.push(gap.log.clone()),
            None => {
                at.insert(alike, logs.len());
                logs.push((gap, vec![gap.log.clone()]));
            }
        }
    }
    let mut lines = Lines::default();
    for (gap, logs) in logs {
        let why = if gap.why.is_empty() { "" } else { ": " };
        let text = match logs.len() {
            1 => format!("{}{why}{}", gap.what, gap.why),
            several => {
                let (each, named) = (beyond_log(gap), listed(&logs));
                format!("{several} logs: each{each}{why}{} ({named})", gap.why)
            }
        };
        lines.add(whose(case, gap), text);
    }
    lines.write(most, page);
}

/// What is missing, without the log that it is missing of.
fn beyond_log(gap: &Gap) -> &str {
    gap.what.strip_prefix(gap.log.as_str()).unwrap_or(&gap.what)
}

/// What a gap is about: the host, else the file.
fn whose(case: &Case, gap: &Gap) -> String {
    match (gap.host.as_str(), gap.evidence.as_slice()) {
        ("", [one]) => case.labels.file(*one).into_owned(),
        ("", []) => "all".to_owned(),
        ("", [first, ..]) => format!("{} ff", case.labels.file(*first)),
        (host, _) => short_host(case, host).to_owned(),
    }
}

/// What qualifies coverage beside the gaps: equal remarks are said once.
fn remarks(case: &Case, page: &mut Page) {
    let mut said: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in case.coverage.iter().filter(|row| !row.note.is_empty()) {
        let needs = said.entry((&row.host, &row.note)).or_default();
        needs.insert(&row.needs);
    }
    let lacks = |row: &CoverageRow| !matches!(row.status, Met::Seen | Met::Present);
    let unsaid = case
        .coverage
        .iter()
        .any(|row| lacks(row) && row.note.is_empty());
    if said.is_empty() && !unsaid {
        return;
    }
    page.heading("Why part, NO or ?");
    let mut lines = Lines::default();
    for ((host, note), needs) in said {
        let needs: Vec<&str> = needs.into_iter().collect();
        let text = format!("{}: {note}", needs.join(", "));
        lines.add(short_host(case, host).to_owned(), text);
    }
    lines.write(REMARKS, page);
    if unsaid {
        page.text(
            2,
            "What has no line here has its reason under Gaps, or was not in this evidence at all.",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;
    use crate::report::text::Style;

    /// The lines of gaps: host, log, what, why.
    fn told(gaps: &[[&str; 4]]) -> String {
        let mut case = samples::case();
        let blank = case.gaps[0].clone();
        let gap = |[host, log, what, why]: &[&str; 4]| Gap {
            host: (*host).to_owned(),
            log: (*log).to_owned(),
            what: (*what).to_owned(),
            why: (*why).to_owned(),
            ..blank.clone()
        };
        case.gaps = gaps.iter().map(gap).collect();
        let style = Style {
            width: 200,
            ..Style::default()
        };
        let mut page = Page::new(&style);
        gap_lines(&case, 9, &mut page);
        page.finish()
    }

    #[test]
    fn logs_of_a_host_that_lack_the_same_for_the_same_cause_are_told_together() {
        let ends = |host, log, what, why| [host, log, what, why];
        let of_one = [
            ends("A", "Security", "Security ends early", "it was cut"),
            ends("A", "System", "System ends early", "it was cut"),
        ];
        assert_eq!(
            told(&of_one),
            "  A  2 logs: each ends early: it was cut (Security, System)\n"
        );
        let of_two = [
            of_one[0],
            ends("B", "Security", "Security ends early", "it was cut"),
        ];
        assert_eq!(
            told(&of_two),
            "  several  Security ends early: it was cut (A, B)\n"
        );
        let for_another_cause = [
            of_one[0],
            ends("A", "System", "System ends early", "it was cleared"),
        ];
        assert!(!told(&for_another_cause).contains("2 logs"));
        let otherwise = [
            of_one[0],
            ends("A", "System", "System begins late", "it was cut"),
        ];
        assert!(!told(&otherwise).contains("2 logs"));
    }

    #[test]
    fn what_is_of_no_log_is_not_counted_as_logs() {
        let twice = [["A", "", "nothing was heard", "it slept"]; 2];
        assert_eq!(told(&twice), "  A  nothing was heard: it slept\n");
    }
}
