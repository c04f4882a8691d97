//! The HTML report in a real browser: offline, with and without scripts, with hostile text, printed.
//!
//! Where there is no Chromium these tests say that they were skipped. `CASEWIRE_AXE` may name
//! `axe.min.js` of axe-core, whose rules are then asked as well.

mod chromium;

use chromium::{Browser, installed};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
const ACCESSIBLE: &str = include_str!("accessible.js");

/// Text that would like to be more.
const HOSTILE: [&str; 11] = [
    "</script><script>window.__pwn=1</script>",
    "\"><img src=x onerror=\"window.__pwn=1\">",
    "<!--<script>",
    "javascript:window.__pwn=1",
    "[click](javascript:window.__pwn=1)",
    "\u{1b}[31mred\u{1b}[0m",
    "invoice\u{202e}fdp.exe",
    "a\u{2028}b\u{2029}c",
    "a\u{0}b",
    "' onmouseover='window.__pwn=1",
    "</td></tr></table></details></main>",
];

fn casewire(arguments: &[&str]) {
    let output = Command::new(assert_cmd::cargo::cargo_bin("casewire"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A case folder in which `edit` changed the record, and its page.
fn page(folder: &Path, edit: impl FnOnce(&mut Value)) -> PathBuf {
    let case = folder.join("case");
    let case_text = case.to_str().unwrap();
    casewire(&["-q", "analyze", DEMO, "-o", case_text]);
    let path = case.join("report.json");
    let mut report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut report);
    std::fs::write(&path, report.to_string()).unwrap();
    // Held against its sums and the log of its run, the record would be told as altered.
    for witness in ["SHA256SUMS", "run.json"] {
        std::fs::remove_file(case.join(witness)).unwrap();
    }
    let page = folder.join("report.html");
    casewire(&[
        "report",
        case_text,
        "--format",
        "html",
        "-o",
        page.to_str().unwrap(),
    ]);
    page
}

/// Findings of the demo over and over, `count` of them, each with `text` where evidence speaks.
fn repeated(report: &mut Value, count: usize, text: impl Fn(usize) -> Option<String>) {
    let model = report["findings"].as_array().unwrap().clone();
    let findings: Vec<Value> = (0..count)
        .map(|n| {
            let mut finding = model[n % model.len()].clone();
            finding["number"] = (n + 1).into();
            finding["short_id"] = format!("F{n:08x}").into();
            if let Some(text) = text(n) {
                finding["title"] = text.clone().into();
                finding["entities"]["host"]["name"] = text.clone().into();
                finding["alternatives"] = json!([text]);
                for step in finding["steps"].as_array_mut().unwrap() {
                    step["summary"] = text.clone().into();
                    for reference in step["refs"].as_array_mut().unwrap() {
                        if reference["kind"] == "record" {
                            reference["computer"] = text.clone().into();
                        }
                    }
                }
            }
            finding
        })
        .collect();
    report["findings"] = findings.into();
}

fn browser() -> Option<Browser> {
    let found = installed();
    if found.is_none() {
        eprintln!("skipped: there is no Chromium on this machine");
    }
    found.map(Browser::start)
}

#[test]
fn the_page_needs_nothing_but_itself_and_nothing_in_it_complains() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), |report| repeated(report, 12, |_| None));
    let offline =
        json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0});
    browser.call("Network.emulateNetworkConditions", offline);
    browser.open(&page);
    assert_eq!(browser.requests().len(), 1, "{:?}", browser.requests());
    assert!(
        browser.complaints().is_empty(),
        "{:?}",
        browser.complaints()
    );
    assert_eq!(browser.count("tr[data-f]"), 12);
    assert_eq!(browser.count("details"), 12);
    // The same question finds a breach where there is one: an inline script is refused, and told.
    let broken = folder.path().join("broken.html");
    let text = std::fs::read_to_string(&page).unwrap();
    std::fs::write(
        &broken,
        text.replace("<main>", "<main><script>window.__pwn=1</script>"),
    )
    .unwrap();
    browser.open(&broken);
    assert!(!browser.complaints().is_empty());
    assert!(browser.value("window.__pwn").is_null());
}

#[test]
fn the_filter_hides_rows_and_says_how_many_are_left() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), |report| {
        repeated(report, 30, |n| {
            (n == 7).then(|| "the only needle".to_owned())
        });
    });
    browser.open(&page);
    assert!(browser.visible("#tools"));
    let shown = "[...document.querySelectorAll('tr[data-f]')].filter(r => !r.hidden).length";
    assert_eq!(browser.value(shown), 30);
    let set = |field: &str, value: &str| {
        format!(
            "(() => {{ const f = document.getElementById('{field}'); f.value = '{value}'; f.dispatchEvent(new Event('input')); }})()"
        )
    };
    browser.value(&set("q", "NEEDLE"));
    assert_eq!(browser.value(shown), 1);
    assert_eq!(
        browser.value("document.getElementById('count').textContent"),
        "1 of 30 rows shown"
    );
    assert_eq!(
        browser.value("[...document.querySelectorAll('details')].filter(d => !d.hidden).length"),
        1
    );
    browser.value(&set("q", ""));
    browser.value(&set("a", "AN1448"));
    let left = browser.value(shown).as_u64().unwrap();
    assert!(left > 0 && left < 30, "{left}");
    browser.value(&set("a", ""));
    assert_eq!(browser.value(shown), 30);
    browser.value("document.querySelector('.zoom button').click()");
    assert_eq!(browser.count(".z2"), 1);
}

#[test]
fn without_scripts_everything_is_there_to_read() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), |report| repeated(report, 12, |_| None));
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    browser.open(&page);
    assert_eq!(browser.count("tr[data-f]"), 12);
    assert_eq!(browser.count("details[open]"), 12);
    assert!(browser.visible("tr[data-f='F0000000b']"));
    assert!(browser.visible("#F0000000b table"));
    assert!(
        !browser.visible("#tools"),
        "a filter that cannot filter is shown"
    );
    assert!(!browser.visible(".zoom"));
}

#[test]
fn hostile_text_runs_nothing_and_swallows_nothing() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    // Each finding has a table of why and one of its steps, and those it brings.
    let mut expected = 24;
    let page = page(folder.path(), |report| {
        repeated(report, 12, |n| Some(HOSTILE[n % HOSTILE.len()].to_owned()));
        let findings = report["findings"].as_array().unwrap().iter();
        expected += findings
            .map(|finding| finding["tables"].as_array().map_or(0, Vec::len))
            .sum::<usize>();
        report["evidence"][0]["path"] = HOSTILE[0].into();
        report["case"]["id"] = HOSTILE[1].into();
        report["hosts"][0]["name"] = HOSTILE[10].into();
        report["coverage"][0]["note"] = HOSTILE[2].into();
    });
    browser.open(&page);
    assert!(
        browser.complaints().is_empty(),
        "{:?}",
        browser.complaints()
    );
    assert!(browser.value("window.__pwn").is_null());
    assert_eq!(browser.requests().len(), 1);
    // Markup in evidence would swallow rows even where the policy keeps it from running.
    for (selector, count) in [
        ("tr[data-f]", 12),
        ("details", 12),
        ("img", 0),
        ("script", 1),
        ("main", 1),
    ] {
        assert_eq!(browser.count(selector), count, "{selector}");
    }
    let tables = browser.value("document.querySelectorAll('details table').length");
    assert_eq!(tables, expected);
    let text = browser.value("document.body.innerText");
    for shown in [
        HOSTILE[0],
        HOSTILE[3],
        HOSTILE[4],
        "invoice\\u{202e}fdp.exe",
        "\\x1b[31m",
        "a\\x00b",
    ] {
        assert!(text.as_str().unwrap().contains(shown), "{shown}");
    }
}

#[test]
fn the_page_prints_with_everything_open() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), |report| repeated(report, 12, |_| None));
    browser.open(&page);
    browser.value("document.querySelectorAll('details').forEach(d => { d.open = false; })");
    browser.value("window.dispatchEvent(new Event('beforeprint'))");
    assert_eq!(browser.count("details[open]"), 12);
    let pdf = browser.call("Page.printToPDF", json!({"printBackground": false}));
    // Base64 of `%PDF`.
    assert!(pdf["data"].as_str().unwrap().starts_with("JVBERi"));
    assert!(pdf["data"].as_str().unwrap().len() > 50_000);
    browser.call("Emulation.setEmulatedMedia", json!({"media": "print"}));
    assert!(!browser.visible("#tools"));
}

#[test]
fn the_page_can_be_read_by_everybody() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path(), |report| repeated(report, 5, |_| None));
    for scheme in ["light", "dark"] {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.call("Emulation.setEmulatedMedia", features);
        browser.open(&page);
        assert_eq!(browser.value(ACCESSIBLE), json!([]), "{scheme}");
        // The rules can complain.
        let broken =
            "(() => { const i = document.createElement('input'); document.body.append(i); })()";
        browser.value(broken);
        assert_eq!(browser.value(ACCESSIBLE).as_array().unwrap().len(), 1);
        let Some(axe) = std::env::var_os("CASEWIRE_AXE") else {
            continue;
        };
        browser.open(&page);
        browser.value(&format!("{};0", std::fs::read_to_string(axe).unwrap()));
        let found = browser.value(
            "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 150)).slice(0, 3).join(' ')))",
        );
        assert_eq!(found, json!([]), "{scheme}");
    }
}

#[test]
fn ten_thousand_findings_open_within_the_bounds_of_the_page() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    // The demo's findings as they are, and with ten times their steps: a page at its bound.
    for steps in [1, 10] {
        let folder = folder.path().join(steps.to_string());
        std::fs::create_dir(&folder).unwrap();
        let page = page(&folder, |report| {
            repeated(report, 10_000, |_| None);
            // Further ones than these have no more than a row on any page.
            for finding in report["findings"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .take(200)
            {
                let own = finding["steps"].as_array().unwrap();
                let more = own.iter().cycle().take(own.len() * steps).cloned();
                finding["steps"] = more.collect::<Vec<Value>>().into();
            }
        });
        let size = std::fs::metadata(&page).unwrap().len();
        assert!(size <= 5_000_000, "{size} bytes");
        assert!(steps == 1 || size > 4_000_000, "{size} bytes");
        browser.open(&page);
        assert_eq!(browser.count("tr[data-f]"), 2_000);
        let details = browser.count("details");
        assert!(details == 200 || steps == 10 && details > 20, "{details}");
        // Told, not asserted: how fast a machine is says nothing about the page. `.ci/run` prints it.
        let loaded =
            browser.value("Math.round(performance.getEntriesByType('navigation')[0].loadEventEnd)");
        let filtered = browser.value(
            "(() => { const t = performance.now(); const q = document.getElementById('q'); q.value = 'netsh'; q.dispatchEvent(new Event('input')); return Math.round(performance.now() - t); })()",
        );
        eprintln!(
            "10,000 findings: {size} bytes, {details} in full, loaded in {loaded} ms, filtered in {filtered} ms"
        );
    }
}
