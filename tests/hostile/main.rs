//! Whoever writes evidence writes what a reader sees. Every kind of text a case can hold is hostile
//! here at once, and every page that is made of it is asked for what got through: nothing that a
//! terminal acts on, reorders or hides, no markup, no formula, no line that poses as one of ours.

mod evidence;
mod pages;

use evidence::Hostile;
use std::path::Path;

fn casewire(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = assert_cmd::Command::cargo_bin("casewire")
        .unwrap()
        .args(arguments)
        .current_dir(folder)
        .env_remove("CASEWIRE_CONFIG")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).expect("standard error is UTF-8");
    pages::line_by_line(&said, "standard error", arguments);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{arguments:?}: {:?} {said}",
        output.status
    );
    let out = String::from_utf8(output.stdout).expect("standard output is UTF-8");
    (out, said)
}

/// Each form of each command, with what holds it to its promise.
type Ask = (&'static [&'static str], fn(&str, &[&str]));

const OF_EVIDENCE: [Ask; 11] = [
    (&["analyze", "--width", "60"], pages::text),
    (
        &["analyze", "--width", "160", "--tz", "Asia/Kolkata"],
        pages::text,
    ),
    (&["analyze", "--color", "always"], pages::coloured),
    (&["analyze", "-f", "json"], pages::json),
    (&["analyze", "-f", "jsonl"], pages::json_lines),
    (&["inventory"], pages::text),
    (&["inventory", "--width", "160"], pages::text),
    (&["inventory", "-f", "json"], pages::json),
    (&["timeline"], pages::text),
    (&["timeline", "-f", "jsonl"], pages::json_lines),
    (&["timeline", "-f", "csv"], pages::csv),
];

const OF_A_CASE: [Ask; 15] = [
    (&["report"], pages::text),
    (&["report", "--width", "200"], pages::text),
    (
        &["report", "--redact", "hosts,users,addresses"],
        pages::text,
    ),
    (&["report", "-f", "md"], pages::markdown),
    (&["report", "-f", "html"], pages::html),
    (&["report", "-f", "html", "--detail", "0"], pages::html),
    (&["export", "--as", "json"], pages::json),
    (&["export", "--as", "jsonl"], pages::json_lines),
    (&["export", "--as", "csv"], pages::csv),
    (&["export", "--as", "timesketch"], pages::json_lines),
    (
        &["export", "--as", "timesketch", "--with-events"],
        pages::json_lines,
    ),
    (&["export", "--as", "case"], pages::json),
    (&["export", "--as", "stix"], pages::json),
    (&["export", "--as", "navigator"], pages::json),
    (&["show", "--suppressed"], pages::text),
];

#[test]
fn no_hostile_text_gets_through_any_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let hostile = Hostile::write(folder);
    let base = ["--config", "casewire.toml", "--password", "x"];
    for (asked, holds) in OF_EVIDENCE {
        let config = ["--config", "casewire.toml"];
        let arguments = [asked, &config, &["evidence"]].concat();
        let (page, _) = casewire(folder, &arguments);
        assert!(hostile.speaks(&page), "{asked:?} says nothing of it");
        holds(&page, asked);
    }
    let made = ["-q", "analyze", "-o", "case", "evidence"];
    let titled = ["--case", evidence::TITLE, "--examiner", evidence::TITLE];
    casewire(folder, &[&made[..], &base, &titled].concat());
    for file in ["report.json", "timeline.jsonl", "run.json", "SHA256SUMS"] {
        let text = std::fs::read_to_string(folder.join("case").join(file)).unwrap();
        pages::line_by_line(&text, file, &[]);
    }
    for (asked, holds) in OF_A_CASE {
        let (first, rest) = asked.split_first().unwrap();
        let arguments = [&[*first][..], rest, &["case"]].concat();
        let (page, _) = casewire(folder, &arguments);
        holds(&page, asked);
    }
    let report = std::fs::read(folder.join("case/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let mut shown = 0;
    for finding in report["findings"].as_array().unwrap() {
        let id = finding["short_id"].as_str().unwrap();
        let (page, _) = casewire(folder, &["show", "case", id]);
        pages::text(&page, &["show", id]);
        let (page, _) = casewire(folder, &["show", "case", id, "-f", "json"]);
        pages::json(&page, &["show", id, "-f", "json"]);
        for step in finding["steps"].as_array().unwrap().iter().take(8) {
            let reference = evidence::reference(&step["refs"][0]);
            for (form, holds) in [
                ("text", pages::text as fn(&str, &[&str])),
                ("json", pages::json_lines),
                ("hex", pages::text),
                ("xml", pages::xml),
            ] {
                if form == "xml" && reference.contains(":p") {
                    continue;
                }
                let (page, _) = casewire(folder, &["show", "case", &reference, "-f", form]);
                holds(&page, &["show", &reference, "-f", form]);
                shown += 1;
            }
        }
    }
    assert!(shown > 20, "{shown}");
    let slice = ["-q", "export", "--as", "evidence", "case", "-o", "slice"];
    casewire(folder, &slice);
    for entry in std::fs::read_dir(folder.join("slice")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        pages::line_by_line(&name, "the name of a file of the slice", &[]);
        // Lines of a text are handed over as they are: they are the evidence.
        let rows = report["evidence"].as_array().unwrap();
        let ours = rows.iter().any(|row| {
            row["kind"] == "evtx" && name == format!("{}.xml", row["id"].as_str().unwrap())
        });
        if ours {
            pages::xml(&std::fs::read_to_string(&path).unwrap(), &[&name]);
        } else if name == "MANIFEST.json" {
            pages::json(&std::fs::read_to_string(&path).unwrap(), &[&name]);
        }
    }
    let build = ["-q", "baseline", "build", "-o", "quiet.json", "evidence"];
    casewire(folder, &build);
    let (page, _) = casewire(folder, &["baseline", "show", "quiet.json"]);
    assert!(hostile.speaks(&page), "the baseline says nothing of it");
    pages::text(&page, &["baseline", "show"]);
    let (page, _) = casewire(folder, &["baseline", "show", "quiet.json", "-f", "json"]);
    pages::json(&page, &["baseline", "show", "-f", "json"]);
    let (page, _) = casewire(folder, &["config", "check", "casewire.toml"]);
    assert!(hostile.speaks(&page), "the settings say nothing of it");
    pages::text(&page, &["config", "check"]);
}

#[test]
fn mistakes_are_quoted_harmlessly() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    Hostile::write(folder);
    let refused = |arguments: &[&str]| {
        let output = assert_cmd::Command::cargo_bin("casewire")
            .unwrap()
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(said.contains("error:"), "{said}");
        pages::line_by_line(&said, "standard error", arguments);
    };
    let wrong = format!("[{}]\n\"{}\" = 1\n", "known", "\\u001b[2J\\u202e");
    std::fs::write(folder.join("wrong.toml"), wrong).unwrap();
    refused(&["config", "check", "wrong.toml"]);
    refused(&["analyze", "evidence", "--config", "wrong.toml"]);
    std::fs::write(folder.join("hosts.txt"), "a b\u{1b}[2J\u{202e} c\n").unwrap();
    refused(&["analyze", "evidence", "--known-hosts", "hosts.txt"]);
    std::fs::write(folder.join("no.json"), "{\"\u{1b}[2J\": 1}").unwrap();
    refused(&["analyze", "evidence", "--baseline", "no.json"]);
    refused(&["baseline", "show", "no.json"]);
    refused(&["report", "\u{202e}nowhere"]);
}
