//! What could not be read, where, and what that costs.

use super::alike::listed;
use super::page::Page;
use crate::case::Case;
use crate::evidence::{Problem, Weight};
use crate::report::words::{base, count, counted};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Problems printed; JSON has all.
const PRINTED: usize = 40;

pub(super) fn write(case: &Case, page: &mut Page) {
    if case.problems.is_empty() {
        return;
    }
    page.heading("PROBLEMS   what could not be read, and what that costs");
    let weigh = |wanted| case.problems.iter().filter(move |p| p.weight == wanted);
    let all = alike(weigh(Weight::Loss).chain(weigh(Weight::Note)));
    for problems in all.iter().take(PRINTED) {
        one(case, problems, page);
    }
    let more = all.len().saturating_sub(PRINTED);
    if more > 0 {
        page.text(
            2,
            &format!("{} more kinds of problem: see -f json", count(more as u64)),
        );
    }
}

/// Problems of different files that are told in the same words, where the first of them stands.
fn alike<'p>(problems: impl Iterator<Item = &'p Problem>) -> Vec<Vec<&'p Problem>> {
    let mut kinds: Vec<Vec<&Problem>> = Vec::new();
    let mut at = HashMap::new();
    for problem in problems {
        let kind = (problem.weight, &problem.message, &problem.effect);
        // What is about no file stands alone.
        match problem.evidence.map(|_| at.entry(kind)) {
            Some(Entry::Occupied(held)) => {
                let held: &mut Vec<&Problem> = &mut kinds[*held.get()];
                held.push(problem);
                continue;
            }
            Some(Entry::Vacant(free)) => {
                free.insert(kinds.len());
            }
            None => {}
        }
        kinds.push(vec![problem]);
    }
    kinds
}

/// Problems that are told in the same words: of one file with its place, of several with their names.
fn one(case: &Case, problems: &[&Problem], page: &mut Page) {
    let [problem, others @ ..] = problems else {
        return;
    };
    let mark = match problem.evidence {
        Some(id) if others.is_empty() => format!("{:<5}", case.labels.file(id)),
        Some(id) => format!("{} ff", case.labels.file(id)),
        None => "run  ".to_owned(),
    };
    let mut text = String::new();
    if problem.weight == Weight::Note {
        text.push_str("note: ");
    }
    text.push_str(&problem.message);
    let counts = problems.iter().map(|p| p.count);
    let times = counts.fold(0, u64::saturating_add);
    if times > problems.len() as u64 {
        text.push_str(&format!(" ({} times)", count(times)));
    }
    if others.is_empty()
        && let Some(offset) = problem.first_offset
    {
        text.push_str(&format!(
            ", {} byte {}",
            if problem.count > 1 { "first at" } else { "at" },
            count(offset)
        ));
    }
    if !problem.effect.is_empty() {
        text.push_str(": ");
        text.push_str(&problem.effect);
    }
    if !others.is_empty() {
        let mut files: Vec<String> = problems
            .iter()
            .filter_map(|p| case.evidence(p.evidence?))
            .map(|file| format!("{} {}", case.labels.file(file.id), base(&file.path)))
            .collect();
        files.dedup();
        let all = counted(files.len() as u64, "file");
        text.push_str(&format!(" [{all}: {}]", listed(&files)));
    } else if let Some(file) = problem.evidence.and_then(|id| case.evidence(id)) {
        text.push_str(&format!(" [{}]", file.path));
    }
    page.hanging(2, &format!("{mark} "), &text);
}
