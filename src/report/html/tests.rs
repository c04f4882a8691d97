//! The page as text; how a browser takes it is asked in `tests/browser.rs`.

use super::{BYTES, ROWS, Style, render};
use crate::report::json::shape::Report;
use crate::report::{json, samples};

fn count(page: &str, what: &str) -> usize {
    page.matches(what).count()
}

#[test]
fn evidence_makes_no_markup() {
    let harmless = render(
        &json::shaped(&samples::with_text_everywhere("x")),
        &Style::default(),
    );
    let extra = [
        "</script><script>window.__pwn=1</script>",
        "\"><img src=x onerror=alert(1)>",
        "<!--<script>",
        "' onmouseover='alert(1)",
        "</title></style></table>",
        "&lt;b&gt;",
        "javascript:alert(1)",
    ];
    for text in samples::HOSTILE.iter().chain(&extra) {
        let page = render(
            &json::shaped(&samples::with_text_everywhere(text)),
            &Style::default(),
        );
        assert!(
            !page.chars().any(|c| c.is_control() && c != '\n'),
            "{text:?}"
        );
        for mark in [
            "<tr", "<td", "<script", "<img", "<details", "</", "<a ", "<circle",
        ] {
            assert_eq!(
                count(&page, mark),
                count(&harmless, mark),
                "{mark} with {text:?}"
            );
        }
        // Without the escape these would differ: the text stands in more than forty places.
        assert!(
            count(&page, &crate::report::escape::html(text)) > 40,
            "{text:?}"
        );
    }
}

#[test]
fn the_policy_names_exactly_the_style_and_the_script_of_the_page() {
    // Of the empty text, as every implementation gives it.
    assert_eq!(
        super::source_hash(""),
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    );
    let page = render(&json::shaped(&samples::case()), &Style::default());
    for (open, close, name) in [
        ("<style>", "</style>", "style"),
        ("<script>", "</script>", "script"),
    ] {
        let inside = page
            .split_once(open)
            .unwrap()
            .1
            .split_once(close)
            .unwrap()
            .0;
        let named = format!("{name}-src 'sha256-{}'", super::source_hash(inside));
        assert!(page.contains(&named), "{named}");
        assert_eq!(count(&page, open), 1);
    }
    for unsafe_part in [
        " style=",
        " onclick",
        " onload",
        "http-equiv=\"refresh",
        "src=",
        "unsafe-",
    ] {
        assert!(!page.contains(unsafe_part), "{unsafe_part}");
    }
}

#[test]
fn every_step_is_in_the_table_and_in_the_picture() {
    let report = json::shaped(&samples::case());
    let page = render(&report, &Style::default());
    let steps: usize = report.findings.iter().map(|f| f.steps.len()).sum();
    let marks: usize = page
        .split("<svg")
        .skip(2)
        .map(|svg| count(svg.split("</svg>").next().unwrap(), "<circle"))
        .sum();
    assert_eq!(marks, steps);
    for finding in &report.findings {
        assert!(page.contains(&format!("<details id=\"{}\" open>", finding.short_id)));
        for step in &finding.steps {
            assert!(page.contains(&step.refs[0].text()));
        }
    }
}

/// The sample's first finding `count` times, each with `steps` steps and as much said about it as
/// a long incident has.
fn many(count: u32, steps: usize) -> Report {
    let mut report = json::shaped(&samples::case());
    let one = report.findings[0].clone();
    let sentence = "svchelper.exe (5980) listens on 0.0.0.0:4444/tcp, started by services.exe (4380), \
                    command line \"C:\\ProgramData\\Intel\\svchelper.exe -k\"";
    report.findings = (0..count)
        .map(|n| {
            let mut finding = one.clone();
            finding.number = u64::from(n) + 1;
            finding.short_id = format!("F{n:08x}");
            // Only the first can have a detail; the others need no more than a row.
            let steps = if n < 200 { steps } else { 1 };
            finding.steps = one.steps.iter().cycle().take(steps).cloned().collect();
            for (step, n) in finding.steps.iter_mut().zip(1..) {
                step.n = n;
                step.summary = sentence.to_owned();
            }
            finding.alternatives = vec![sentence.to_owned(); 5];
            finding.actions = vec![sentence.to_owned(); 5];
            finding
        })
        .collect();
    report
}

/// The number that stands before `words` on a page.
fn told(page: &str, words: &str) -> usize {
    let before = page.split(words).next().unwrap();
    assert!(before.len() < page.len(), "{words}");
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap()
}

#[test]
fn many_findings_stay_within_bounds_and_what_is_left_out_is_told() {
    for (steps, all_in_full) in [(7, true), (20, true), (60, false), (3_000, false)] {
        let page = render(&many(10_000, steps), &Style::default());
        assert!(page.len() <= BYTES, "{steps} steps: {} bytes", page.len());
        let (rows, details) = (count(&page, "<tr data-f="), count(&page, "<details id="));
        assert_eq!(rows, ROWS, "{steps} steps");
        assert_eq!(details == 200, all_in_full, "{steps} steps: {details}");
        assert!(details > 5, "{steps} steps: {details}");
        // Every number that is told is the number that is there.
        assert_eq!(
            told(&page, " of 10000 findings are shown in full"),
            details,
            "{steps} steps"
        );
        assert_eq!(told(&page, " of 10000 findings have a row"), rows);
        assert_eq!(told(&page, " are counted here"), 10_000 - rows);
        assert!(page.contains(&format!("<td>{}</td>", 10_000 - rows)));
        let linked = count(&page, "<td class=\"m\"><a href=\"#F");
        assert_eq!(linked, details, "a link leads nowhere");
        assert_eq!(page.contains("1000 of 3000 steps shown"), steps == 3_000);
    }
}

#[test]
fn long_names_fold_rows_rather_than_burst_the_page() {
    let mut report = many(10_000, 7);
    for finding in &mut report.findings {
        finding.title = "x".repeat(3_000);
    }
    let page = render(&report, &Style::default());
    assert!(page.len() <= BYTES, "{} bytes", page.len());
    let rows = count(&page, "<tr data-f=");
    assert!(rows > 200 && rows < ROWS, "{rows}");
    assert_eq!(told(&page, " of 10000 findings have a row"), rows);
    assert_eq!(told(&page, " are counted here"), 10_000 - rows);
}

#[test]
fn one_finding_is_shown_in_full_however_large_it_is() {
    let mut report = many(3, 7);
    for finding in &mut report.findings {
        finding.title = "x".repeat(6_000_000);
    }
    let page = render(&report, &Style::default());
    assert_eq!(count(&page, "<details id="), 1);
    assert_eq!(count(&page, "<tr data-f="), 1, "and has its row");
    assert_eq!(told(&page, " are counted here"), 2);
}

#[test]
fn what_is_counted_instead_of_shown_has_its_room() {
    let mut report = many(10_000, 1);
    for (n, finding) in report.findings.iter_mut().enumerate() {
        finding.title = "x".repeat(3_000);
        let host = finding.entities.host.as_mut().unwrap();
        host.name = Some(format!("HOST{:04}.corp.example", n % 900));
    }
    let page = render(&report, &Style::default());
    assert!(page.len() <= BYTES, "{} bytes", page.len());
}

#[test]
fn as_many_details_as_were_asked_for_are_there() {
    let page = render(
        &many(30, 1_000),
        &Style {
            detail: Some(30),
            ..Style::default()
        },
    );
    assert!(page.len() > BYTES);
    assert_eq!(count(&page, "<details id="), 30);
}

#[test]
fn many_files_and_hosts_are_counted() {
    let mut report = many(1, 7);
    report.evidence = vec![report.evidence[0].clone(); 2_500];
    report.hosts = vec![report.hosts[0].clone(); 2_600];
    let one = report.coverage[0].clone();
    report.coverage.extend((0..700).map(|n| {
        let mut row = one.clone();
        row.host = format!("HOST{n}");
        row
    }));
    let repeated = 701;
    report.gaps = vec![report.gaps[0].clone(); repeated];
    report.conflicts = vec![report.conflicts[0].clone(); repeated + 1];
    report.problems = vec![report.problems[0].clone(); repeated + 2];
    let mut hidden = report.findings[0].clone();
    hidden.suppressed = Some(crate::report::json::shape::Suppressed {
        rule: "r".into(),
        reason: "why".into(),
        by: "b".into(),
        until: None,
    });
    report.findings.extend(vec![hidden; repeated + 3]);
    let page = render(&report, &Style::default());
    let listed = [
        "500 of 701 shown",
        "500 of 702 shown",
        "500 of 703 shown",
        "500 of 704 shown",
    ];
    for words in listed {
        assert!(page.contains(words), "{words}");
    }
    for words in ["2000 of 2500 shown", "2000 of 2600 shown", "512 of 70"] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn what_the_examiner_must_know_is_on_the_page() {
    let page = render(&json::shaped(&samples::case()), &Style::default());
    for id in [
        "evidence",
        "coverage",
        "overview",
        "findings",
        "near",
        "suppressed",
        "problems",
        "settings",
        "limits",
        "verify",
    ] {
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}
