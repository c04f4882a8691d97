//! The page as text; how a browser takes it is asked in `tests/browser.rs`.

use super::{ROWS, Style, render};
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

#[test]
fn many_findings_stay_within_bounds_and_what_is_left_out_is_told() {
    let mut report = json::shaped(&samples::case());
    let one = report.findings[0].clone();
    report.findings = (0..10_000_u32)
        .map(|n| {
            let mut finding = one.clone();
            finding.number = u64::from(n) + 1;
            finding.short_id = format!("F{n:08x}");
            finding
        })
        .collect();
    let page = render(&report, &Style::default());
    assert!(page.len() <= 5_000_000, "{} bytes", page.len());
    assert_eq!(count(&page, "<tr data-f="), ROWS);
    assert_eq!(count(&page, "<details id="), 200);
    for told in [
        "200 of 10000 findings are shown in full",
        "2000 of 10000 findings have a row; the other 8000 are counted here",
        "<td>8000</td>",
    ] {
        assert!(page.contains(told), "{told}");
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
