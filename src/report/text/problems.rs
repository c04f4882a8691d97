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
            &format!(
                "{} of problem: see -f json",
                counted(more as u64, "more kind")
            ),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::ProblemKind;
    use crate::model::EvidenceId;
    use crate::report::samples;
    use crate::report::text::Style;

    fn problem(file: u32, message: &str) -> Problem {
        Problem {
            evidence: Some(EvidenceId(file)),
            kind: ProblemKind::LinkType,
            weight: Weight::Loss,
            count: 1,
            first_offset: Some(24),
            message: message.to_owned(),
            effect: "they are missing".to_owned(),
        }
    }

    fn written(problems: Vec<Problem>) -> String {
        let mut case = samples::case();
        case.problems = problems;
        let style = Style {
            width: 200,
            ..Style::default()
        };
        let mut page = Page::new(&style);
        write(&case, &mut page);
        page.finish()
    }

    #[test]
    fn problems_that_differ_in_weight_or_cost_are_told_apart() {
        let noted = Problem {
            weight: Weight::Note,
            ..problem(2, "cut")
        };
        let dearer = Problem {
            effect: "all is missing".to_owned(),
            ..problem(2, "cut")
        };
        for other in [noted, dearer, problem(2, "torn")] {
            let page = written(vec![problem(1, "cut"), other]);
            assert!(!page.contains("2 files") && page.contains("E2 "), "{page}");
        }
        let page = written(vec![problem(1, "cut"), problem(2, "cut")]);
        assert!(
            page.contains("E1 ff cut: they are missing [2 files: E1 "),
            "{page}"
        );
    }

    #[test]
    fn what_happened_once_in_each_of_several_files_is_not_counted() {
        let page = written(vec![problem(1, "cut"), problem(2, "cut")]);
        assert!(!page.contains("times"), "{page}");
        let often = Problem {
            count: 2,
            ..problem(2, "cut")
        };
        let page = written(vec![problem(1, "cut"), often.clone()]);
        assert!(page.contains("cut (3 times): "), "{page}");
        let page = written(vec![often]);
        assert!(page.contains("cut (2 times), first at byte 24: "), "{page}");
    }

    #[test]
    fn a_file_with_two_problems_of_the_same_words_is_named_once() {
        let page = written(vec![problem(1, "cut"), problem(1, "cut")]);
        assert_eq!(page.matches("edge-span.pcapng").count(), 1, "{page}");
        assert!(page.contains("[1 file: E1 "), "{page}");
    }

    #[test]
    fn forty_kinds_are_told_and_the_others_counted() {
        let kinds = |count: usize| {
            (0..count)
                .map(|n| problem(1, &format!("kind {n}")))
                .collect()
        };
        assert!(!written(kinds(PRINTED)).contains("-f json"));
        let one = written(kinds(PRINTED + 1));
        assert!(one.contains("1 more kind of problem"), "{one}");
        let page = written(kinds(PRINTED + 2));
        assert!(
            page.contains("2 more kinds of problem: see -f json"),
            "{page}"
        );
    }
}
