//! A record told again keeps what the record says, hides nothing and promises nothing.

use super::{Chosen, markdown, severity, telling, text};
use crate::model::finding::Severity;
use crate::report::json::shape::{BackgroundFile, Containment, HostRole, Time};
use crate::report::text::Style;
use crate::report::zone::Zone;
use crate::report::{json, samples};

fn chosen() -> Chosen {
    Chosen::default()
}

#[test]
fn text_and_markdown_hold_every_finding_with_steps_and_references() {
    let report = json::shaped(&samples::case());
    let blocks = telling::whole(&report, &chosen(), &Zone::UTC);
    let text = text(&blocks, &Style::default());
    let markdown = markdown(&blocks);
    assert!(report.findings.len() > 1);
    for finding in &report.findings {
        assert!(text.contains(&finding.short_id) && markdown.contains(&finding.short_id));
        for step in &finding.steps {
            let reference = step.refs[0].text();
            assert!(text.contains(&reference), "{reference}");
            assert!(markdown.contains(&reference), "{reference}");
        }
    }
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn what_was_stated_and_what_a_run_was_limited_to_is_told() {
    let mut report = json::shaped(&samples::case());
    let plain = telling::asked(&report, &Zone::UTC).len();
    let file = |name: &str| BackgroundFile {
        name: name.to_owned(),
        sha256: report.parameters.sha256.clone(),
        days: vec!["2026-02-01".into(), "2026-02-20".into()],
    };
    let (baseline, list) = (file("march.base"), file("dhcp.txt"));
    let of = &mut report.parameters;
    of.window.start = Some(Time("2026-03-01T02:00:00.500000000Z".into()));
    of.baselines = vec![baseline];
    of.known_hosts = vec![list];
    of.containments = vec![Containment {
        time: "2026-03-01T02:30:00Z".into(),
        host: None,
    }];
    let told = telling::asked(&report, &Zone::UTC);
    assert_eq!(told.len(), plain + 4);
    assert_eq!(
        told[..3],
        [
            "Only events from 2026-03-01 02:00:00.500 UTC on were asked for.",
            "Only AN0842, AN1448 were asked for: AN1057, AN1376, XDR-FC did not look at this evidence.",
            "Stated: a containment of all hosts at 2026-03-01T02:30:00Z.",
        ]
    );
    assert!(
        told[3]
            .starts_with("Baseline that counted: march.base, 2 days from 2026-02-01 to 2026-02-20")
    );
    let blocks = telling::whole(&report, &chosen(), &Zone::UTC);
    let style = crate::report::html::Style::default();
    for page in [
        text(
            &blocks,
            &Style {
                width: 500,
                ..Style::default()
            },
        ),
        markdown(&blocks),
        crate::report::html::render(&report, &style),
    ] {
        for words in [
            "2026-03-01 02:00:00.500",
            "march.base",
            "dhcp.txt",
            "2026-03-01T02:30:00Z",
        ] {
            assert!(page.contains(words), "{words}");
        }
    }
    let role = HostRole {
        host: "WS01".into(),
        role: report.parameters.profile.clone(),
    };
    report.parameters.network.roles = vec![role; 200];
    let told = telling::asked(&report, &Zone::UTC);
    assert_eq!(told.len(), 51);
    assert!(told[50].contains(" more; the JSON report has them"));
}

#[test]
fn hostile_text_stays_text() {
    let extra = [
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "| a | b |",
        "# h",
    ];
    for hostile in samples::HOSTILE.iter().chain(&extra) {
        let mut report = json::shaped(&samples::with_text_everywhere(hostile));
        report.findings[0].alternatives = vec![(*hostile).to_owned()];
        let blocks = telling::whole(&report, &chosen(), &Zone::UTC);
        let text = text(&blocks, &Style::default());
        let markdown = markdown(&blocks);
        for page in [&text, &markdown] {
            assert!(
                !page.chars().any(|c| c.is_control() && c != '\n'),
                "{hostile:?}"
            );
        }
        let plain = blocks.len();
        let other = telling::whole(
            &json::shaped(&samples::with_text_everywhere("x")),
            &chosen(),
            &Zone::UTC,
        );
        assert_eq!(plain, other.len());
        // As many lines as with a harmless text: no line, row or heading was made by evidence.
        let rows = |page: &str| {
            page.lines()
                .filter(|l| l.starts_with('|') || l.starts_with('#'))
                .count()
        };
        assert_eq!(
            rows(&markdown),
            rows(&super::markdown(&other)),
            "{hostile:?}"
        );
        // What is left when escapes and code are taken out is what a renderer acts on.
        let acted: String = markdown.split("```").step_by(2).collect();
        let acted = acted.replace("\\<", "").replace("\\]", "");
        assert!(
            !acted.contains("<img") && !acted.contains("](javascript"),
            "{acted}"
        );
    }
}

#[test]
fn a_command_is_escaped_once() {
    let mut report = json::shaped(&samples::with_text_everywhere("a\u{200b}b"));
    for row in &mut report.evidence {
        row.archive = Some(row.id.clone());
    }
    let blocks = telling::whole(&report, &chosen(), &Zone::UTC);
    for page in [
        text(&blocks, &Style::default()),
        markdown(&blocks),
        crate::report::html::render(&report, &Default::default()),
    ] {
        assert!(page.contains("in a\\u{200b}b"), "{page}");
        assert!(!page.contains("\\x5cu"), "{page}");
    }
}

#[test]
fn what_was_lost_and_that_nothing_could_be_judged_is_told_with_the_result() {
    let mut report = json::shaped(&samples::case());
    let whole = telling::result(&report);
    report.verdicts.clear();
    let mut problem = report.problems[0].clone();
    problem.weight = "loss".into();
    report.problems = vec![problem.clone(), problem];
    let told = telling::result(&report);
    for sentence in [
        "of 1 file something is missing",
        "No host was recognised in this evidence, so no analytic could judge anything.",
    ] {
        assert!(told.contains(sentence), "{told}");
        assert!(!whole.contains("No host was recognised"), "{whole}");
    }
}

#[test]
fn steps_of_several_days_have_their_dates() {
    let mut report = json::shaped(&samples::case());
    let shown = |report: &crate::report::json::shape::Report| {
        let blocks = telling::whole(report, &Chosen::default(), &Zone::UTC);
        markdown(&blocks)
    };
    assert!(!shown(&report).contains("2026-03-21"));
    let last = report.findings[0].steps.last_mut().unwrap();
    last.time.0 = "2026-03-21T02:11:07.104233000Z".into();
    assert!(shown(&report).contains("2026-03-21 02:11:07.104233"));
}

#[test]
fn no_word_is_torn_where_a_table_is_too_wide() {
    let mut report = json::shaped(&samples::case());
    let path = "a-very-long-name-of-an-archive.zip!Microsoft-Windows-Security-Auditing.evtx";
    report.evidence[0].path = path.into();
    report.evidence[0].size = 123_456_789_012;
    let page = text(
        &telling::whole(&report, &Chosen::default(), &Zone::UTC),
        &Style::default(),
    );
    assert!(page.contains("123456789012"), "{page}");
    let hash = &report.evidence[0].hashes.sha256.as_ref().unwrap().0;
    assert!(page.contains(hash.as_str()), "{page}");
}

#[test]
fn a_filter_is_told_with_what_it_leaves_out() {
    let report = json::shaped(&samples::case());
    let wanted = Chosen {
        ids: vec![report.findings[0].short_id.clone()],
        min_severity: Severity::Low,
    };
    let text = text(
        &telling::whole(&report, &wanted, &Zone::UTC),
        &Style::default(),
    );
    let all = report.findings.len();
    assert!(
        text.contains(&format!("1 of {all} told here (--incident")),
        "{text}"
    );
    assert!(text.contains("--min-severity low"), "{text}");
    assert_eq!(severity("high"), Severity::High);
    assert_eq!(severity("no such"), Severity::Info);
}

#[test]
fn nothing_found_is_not_nothing_happened() {
    let report = json::shaped(&samples::quiet());
    let text = text(
        &telling::whole(&report, &chosen(), &Zone::UTC),
        &Style::default(),
    );
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "NO INCIDENT FOUND",
        "not the same as",
        "could not be judged",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
