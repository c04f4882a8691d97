//! What the text looks like, and that no text of the evidence can break it.

use super::inventory::{self, Section};
use super::{Style, describe, render};
use crate::case::gaps::{Gap, GapKind};
use crate::case::judged::UNNAMED;
use crate::case::{Case, Judgeable, Verdict};
use crate::evidence::{Problem, ProblemKind, Weight};
use crate::model::EvidenceId;
use crate::report::escape::cells;
use crate::report::samples;
use proptest::prelude::*;

fn style(width: usize) -> Style {
    Style {
        width,
        ..Style::default()
    }
}

fn assert_harmless(text: &str, width: usize) {
    for line in text.lines() {
        assert!(
            !line.chars().any(char::is_control),
            "a control character in {line:?}"
        );
        assert!(cells(line) <= width, "{} cells in {line:?}", cells(line));
        assert_eq!(
            line.trim_end_matches(' '),
            line,
            "blanks at the end of {line:?}"
        );
    }
    assert!(!text.contains("\n\n\n"), "two blank lines");
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
}

#[test]
fn a_case_with_incidents_at_80_columns() {
    let text = render(&samples::case(), &style(80));
    assert_harmless(&text, 80);
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_said_of_several_files_or_logs_is_said_once() {
    let mut case = samples::quiet();
    let problem = |file, count| Problem {
        evidence: file,
        kind: ProblemKind::LinkType,
        weight: Weight::Loss,
        count,
        first_offset: Some(24),
        message: "packets of link type 127, which is not read".to_owned(),
        effect: "what they carry is missing".to_owned(),
    };
    let (first, second) = (Some(EvidenceId(1)), Some(EvidenceId(2)));
    case.problems = vec![problem(None, 1), problem(first, 2), problem(second, 5)];
    case.gaps.truncate(1);
    for log in ["Security", "System"] {
        let what = format!("{log} is there as nxlog only: times are cut");
        let gap = Gap {
            kind: GapKind::Form,
            host: case.hosts[0].label(),
            log: log.to_owned(),
            what,
            why: "order cannot be told".to_owned(),
            ..case.gaps[0].clone()
        };
        case.gaps.push(gap);
    }
    let text = render(&case, &style(200));
    assert_eq!(text.matches("link type 127").count(), 2, "{text}");
    assert!(
        text.contains("E1 ff packets of link type 127, which is not read (7 times): what they carry is missing [2 files: E1 edge-span.pcapng, E2 Security.evtx]"),
        "{text}"
    );
    assert!(
        text.contains("2 logs: each is there as nxlog only: times are cut: order cannot be told (Security, System)"),
        "{text}"
    );
}

#[test]
fn what_contradicts_itself_stands_on_the_first_screen_however_many_notes_there_are() {
    let mut case = samples::case();
    case.notes = ["first", "second", "third", "fourth"]
        .map(|n| format!("the {n} note"))
        .into();
    case.pressing = 1;
    let text = render(&case, &style(80));
    let (screen, rest) = text.split_once("INCIDENT 1").unwrap();
    assert!(screen.contains("note: the first note") && !screen.contains("the second note"));
    assert!(
        screen.contains("3 notes on clocks, hosts and copies"),
        "{screen}"
    );
    assert!(rest.contains("* the first note") && rest.contains("* the fourth note"));
    case.notes.truncate(3);
    let text = render(&case, &style(80));
    let (screen, rest) = text.split_once("INCIDENT 1").unwrap();
    assert!(screen.contains("note: the third note"), "{screen}");
    assert!(!rest.contains("the third note"));
}

#[test]
fn a_case_with_incidents_at_120_columns() {
    let text = render(&samples::case(), &style(120));
    assert_harmless(&text, 120);
    insta::assert_snapshot!(text);
}

#[test]
fn a_case_without_incidents_says_what_that_means() {
    let text = render(&samples::quiet(), &style(80));
    assert_harmless(&text, 80);
    insta::assert_snapshot!(text);
}

#[test]
fn an_inventory_at_80_columns() {
    let text = inventory::render(&samples::inventory(), &Section::ALL, &style(80));
    assert_harmless(&text, 80);
    assert!(text.is_ascii());
    insta::assert_snapshot!(text);
}

#[test]
fn an_inventory_holds_the_sections_asked_for_in_the_order_of_the_page() {
    let sections = [Section::Gaps, Section::Hosts];
    let text = inventory::render(&samples::inventory(), &sections, &style(80));
    let headings: Vec<&str> = text
        .lines()
        .filter_map(|l| l.split("   ").next())
        .filter(|l| ["FILES", "HOSTS", "CHANNELS", "CLOCKS", "GAPS", "COVERAGE"].contains(l))
        .collect();
    assert_eq!(headings, ["HOSTS", "GAPS"]);
}

#[test]
fn an_inventory_of_hostile_names_is_harmless_and_says_what_it_left_out() {
    for text in samples::HOSTILE {
        let mut given = samples::inventory();
        given.case = samples::with_text_everywhere(text);
        let many = given.channels[0].clone();
        given.channels.extend(vec![many; 600]);
        for row in &mut given.channels {
            row.host = (*text).to_owned();
            row.channel = (*text).into();
            row.event_ids = (0..100).map(|id| (id, 1)).collect();
        }
        for width in [60, 80, 120] {
            let page = inventory::render(&given, &Section::ALL, &style(width));
            assert_harmless(&page, width);
            // A note may be broken at any blank.
            let words: Vec<&str> = page.split_whitespace().collect();
            let flat = words.join(" ");
            assert!(flat.contains("102 more: see -f json"), "{page}");
            assert!(flat.contains("40 more event ids"));
        }
    }
}

#[test]
fn an_analytic_explains_itself() {
    let register = samples::described();
    let list = describe::list(&register, &style(80));
    let measured = crate::analytics::rates::Measured::parse(
        "2026-03-01 0123abcd 3 4\nAN0842 0.1.0 packets 0 1 0 2 1 70 3 0",
    );
    let show = describe::show(&register[0], measured.as_ref(), &style(80));
    assert_harmless(&list, 80);
    assert_harmless(&show, 80);
    insta::assert_snapshot!(format!("{list}\n{show}"));
}

#[test]
fn no_text_of_the_evidence_breaks_a_line_or_a_column() {
    let long = "A".repeat(5_000);
    let path = format!("C:\\{}", "long name\\".repeat(300));
    for text in samples::HOSTILE
        .iter()
        .copied()
        .chain([long.as_str(), path.as_str()])
    {
        let case = samples::with_text_everywhere(text);
        for width in [60, 61, 80, 100, 120, 200] {
            assert_harmless(&render(&case, &style(width)), width);
        }
    }
}

#[test]
fn no_text_of_the_evidence_adds_a_row_or_a_heading() {
    // All headings stand at column 0; hostile text must not add one or take one away.
    let headings = |text: &str| {
        text.lines()
            .filter(|l| {
                l.starts_with("INCIDENT ") || l.starts_with("Sequence") || l.starts_with("COVERAGE")
            })
            .count()
    };
    let rows = |text: &str| text.lines().filter(|l| l.contains("  03-14 ")).count();
    let plain = render(&samples::with_text_everywhere("x"), &style(80));
    for text in samples::HOSTILE {
        let hostile = render(&samples::with_text_everywhere(text), &style(80));
        assert_eq!(headings(&hostile), headings(&plain), "{text:?}");
        assert_eq!(rows(&hostile), rows(&plain), "{text:?}");
    }
}

#[test]
fn colour_is_ours_alone_and_changes_no_text() {
    let case = samples::with_text_everywhere("\x1b[31mred\x1b[0m");
    let plain = render(&case, &style(80));
    let colored = render(
        &case,
        &Style {
            color: true,
            ..style(80)
        },
    );
    assert!(colored.contains("\x1b[1;31m"));
    let mut stripped = String::new();
    let mut rest = colored.as_str();
    while let Some(start) = rest.find('\x1b') {
        stripped.push_str(&rest[..start]);
        let end = rest[start..].find('m').unwrap();
        rest = &rest[start + end + 1..];
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

#[test]
fn what_is_below_the_wanted_severity_is_counted() {
    let case = samples::case();
    let text = render(
        &case,
        &Style {
            min_severity: crate::model::finding::Severity::High,
            ..style(80)
        },
    );
    assert!(text.contains("2 below high not shown here"));
    assert!(!text.contains("INCIDENT 2 of 3"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_at_any_width_is_harmless(text in any::<String>(), width in 60_usize..160) {
        assert_harmless(&render(&samples::with_text_everywhere(&text), &style(width)), width);
    }
}

#[test]
fn what_rules_hide_is_counted_and_listed_with_its_reason() {
    let mut case = samples::case();
    for incident in &mut case.incidents {
        incident.suppressed = Some(crate::case::Suppressed {
            rule: "source 203.0.113.7".to_owned(),
            reason: "Nessus\x1b[2J, change CHG-1842".to_owned(),
            by: "A. Examiner".to_owned(),
            until: Some("2026-04-01".to_owned()),
        });
    }
    let all = render(&case, &style(140));
    assert_harmless(&all, 140);
    assert!(all.contains("\n3 are suppressed by rules"), "{all}");
    assert!(
        all.contains(
            "#1 high AN0842 2026-03-14 02:11:07 203.0.113.7 -> FS01:4444: Nessus\\x1b[2J, change"
        ),
        "{all}"
    );
    assert!(all.contains("(A. Examiner, until 2026-04-01)"), "{all}");
    // Something was found: "none" is the word of the rules.
    assert!(!all.contains("NO INCIDENT FOUND"), "{all}");
    assert!(
        all.contains("3 incidents were found, and suppressed"),
        "{all}"
    );
    case.incidents[1].suppressed = None;
    case.incidents[2].suppressed = None;
    let some = render(&case, &style(80));
    assert_harmless(&some, 80);
    assert!(some.contains("1 more is suppressed by rules"), "{some}");
    assert!(!some.contains("INCIDENT 1 of"), "{some}");
}

#[test]
fn many_notes_leave_the_first_screen_to_the_incidents() {
    let mut case = samples::case();
    case.notes = (1..=3).map(|n| format!("fact {n}")).collect();
    let few = render(&case, &Style::default());
    assert!(few.find("note: fact 3") < few.find("INCIDENT 1") && !few.contains("NOTES"));
    case.notes.push("fact 4".to_owned());
    let many = render(&case, &Style::default());
    assert!(many.contains("4 notes on clocks, hosts and copies: see NOTES below."));
    assert!(many.find("INCIDENT 1") < many.find("* fact 1") && many.contains("* fact 4"));
}

/// The cells of the rows of a grid that begin with this, in order.
fn cells_of(text: &str, label: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.contains(label));
    rows.map(|row| {
        let (_, cells) = row.split_once(label).unwrap();
        cells.split_whitespace().map(str::to_owned).collect()
    })
    .collect()
}

#[test]
fn that_something_was_found_changes_nothing_about_the_coverage() {
    let mut case = samples::quiet();
    let before = render(&case, &style(80));
    let words = |text: &str| cells_of(text, "-> can be judged");
    assert!(words(&before)[0].contains(&"NO".to_owned()), "{before}");
    assert!(cells_of(&before, "-> what was found").is_empty());
    for row in &mut case.verdicts {
        row.verdict = Verdict::Found;
    }
    let text = render(&case, &style(80));
    assert_eq!(words(&text), words(&before));
    assert_eq!(cells_of(&text, "-> what was found")[0], ["found", "found"]);
    let counted = |text: &str| {
        let lines = text
            .lines()
            .filter(|line| line.contains("analytic-host pairs"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(counted(&text), counted(&before));
}

#[test]
fn the_hosts_that_no_log_names_count_as_none() {
    let judged = |hosts: &[&str]| {
        let mut case = samples::quiet();
        let row = case.verdicts[0].clone();
        let rows = hosts.iter().map(|host| {
            let mut row = row.clone();
            (row.host, row.judgeable) = ((*host).to_owned(), Judgeable::Fully);
            row
        });
        case.verdicts = rows.collect();
        let text = render(&case, &style(80));
        let line = text.lines().find(|line| line.contains("judged fully"));
        line.unwrap_or_default().trim().to_owned()
    };
    assert!(judged(&["A", "B"]).ends_with("(1 analytic, 2 hosts)"));
    assert!(judged(&["A", UNNAMED]).ends_with("(1 analytic, 1 host and others)"));
    assert!(judged(&[UNNAMED]).ends_with("(1 analytic, others)"));
}

#[test]
fn hosts_whose_names_begin_alike_are_told_apart_in_the_grid() {
    let of = |names: &[&str]| -> Case {
        let mut case = samples::quiet();
        let rows = std::mem::take(&mut case.coverage);
        for name in names {
            case.coverage.extend(rows.iter().cloned().map(|mut row| {
                row.host = (*name).to_owned();
                row
            }));
        }
        case.verdicts.clear();
        case.hosts.clear();
        case
    };
    let head = |case: &Case, width: usize| {
        let text = render(case, &style(width));
        assert_harmless(&text, width);
        (cells_of(&text, "NEEDS")[0].clone(), text)
    };
    let three = of(&["WORKSTATION4", "WORKSTATION5", "WORKSTATION6"]);
    assert_eq!(
        head(&three, 200).0,
        ["WORKSTATION4", "WORKSTATION5", "WORKSTATION6"]
    );
    let many: Vec<String> = (10..22).map(|n| format!("WORKSTATION{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(head(&of(&many), 80).0[..2], ["WOR...10", "WOR...11"]);
    let inside: Vec<String> = (10..22).map(|n| format!("WORKSTATION{n}-LAB")).collect();
    let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
    let (heads, text) = head(&of(&inside), 80);
    assert_eq!(heads[0], "#1", "{heads:?}");
    assert!(text.contains("#12  WORKSTATION21-LAB"), "{text}");
}
