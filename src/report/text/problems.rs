//! What could not be read, where, and what that costs.

use super::page::Page;
use crate::case::Case;
use crate::evidence::{Problem, Weight};
use crate::report::words::count;

/// Problems printed; JSON has all.
const PRINTED: usize = 40;

pub(super) fn write(case: &Case, page: &mut Page) {
    if case.problems.is_empty() {
        return;
    }
    page.heading("PROBLEMS   what could not be read, and what that costs");
    let weigh = |wanted| case.problems.iter().filter(move |p| p.weight == wanted);
    let all = weigh(Weight::Loss).chain(weigh(Weight::Note));
    for problem in all.clone().take(PRINTED) {
        one(case, problem, page);
    }
    let more = all.count().saturating_sub(PRINTED);
    if more > 0 {
        page.text(
            2,
            &format!("{} more kinds of problem: see -f json", count(more as u64)),
        );
    }
}

fn one(case: &Case, problem: &Problem, page: &mut Page) {
    let mark = match problem.evidence {
        Some(id) => format!("{:<5}", case.labels.file(id)),
        None => "run  ".to_owned(),
    };
    let mut text = String::new();
    if problem.weight == Weight::Note {
        text.push_str("note: ");
    }
    text.push_str(&problem.message);
    if problem.count > 1 {
        text.push_str(&format!(" ({} times)", count(problem.count)));
    }
    if let Some(offset) = problem.first_offset {
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
    if let Some(file) = problem.evidence.and_then(|id| case.evidence(id)) {
        text.push_str(&format!(" [{}]", file.path));
    }
    page.hanging(2, &format!("{mark} "), &text);
}
