//! The command line from outside: exit codes, streams, and words that help.

use assert_cmd::Command;
use std::process::Output;

fn casewire(arguments: &[&str]) -> Output {
    Command::cargo_bin("casewire")
        .unwrap()
        .args(arguments)
        .env_remove("NO_COLOR")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[track_caller]
fn refused(arguments: &[&str], words: &str) {
    let output = casewire(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(
        output.stdout.is_empty(),
        "{arguments:?} printed on standard output"
    );
    assert!(said.starts_with("error: "), "{said}");
    assert!(said.contains(words), "{arguments:?}: {said}");
    assert!(
        !said.contains("panicked") && !said.contains("stack backtrace"),
        "{said}"
    );
}

#[test]
fn wrong_usage_is_exit_2_with_the_way_out() {
    let here = env!("CARGO_MANIFEST_DIR");
    refused(&["anlyze", here], "'analyze'");
    refused(&["analyze"], "<EVIDENCE>");
    refused(&["analyze", here, "--formt", "json"], "--format");
    refused(&["analyze", here, "-f", "jsn"], "json");
    refused(
        &["analyze", here, "--from", "yesterday"],
        "write it as 2026-03-14T02:00Z",
    );
    refused(&["analyze", here, "--max-skew", "soon"], "write it as 2s");
    refused(&["analyze", here, "--max-skew=-2s"], "write it as 2s");
    refused(&["analyze", here, "--memory", "lots"], "write it as 512MiB");
    refused(
        &["analyze", here, "--host", "FS01"],
        "write it as FS01.corp.example=10.20.0.15",
    );
    refused(
        &["analyze", here, "--set", "MinSequenceLen=4"],
        "write it as AN0842.MinSequenceLen=4",
    );
    refused(
        &["analyze", here, "--min-severity", "bad"],
        "info, low, medium, high or critical",
    );
    refused(&["analyze", here, "--width", "20"], "60..");
    refused(&["analyze", here, "--threads", "0"], "1..");
    refused(&["analyze", here, "-q", "-v"], "cannot be used with");
    refused(
        &[
            "analyze",
            here,
            "--from",
            "2026-03-15",
            "--to",
            "2026-03-14",
        ],
        "--from 2026-03-15T00:00:00.000000000Z is after --to",
    );
    refused(&["timeline", here, "-n", "many"], "--limit");
    refused(
        &["inventory", here, "--section", "file"],
        "write files, hosts, channels, clocks, gaps or coverage",
    );
    refused(&["inventory", here, "--gaps", "5s"], "give at least 1m");
    refused(&["inventory"], "<EVIDENCE>");
    refused(&["schema", "case"], "report, inventory");
    refused(
        &["analyze", "no/such/evidence"],
        "does not exist; give a file or a folder",
    );
    refused(
        &["analyze", here, "-a", "NO-SUCH-ANALYTIC"],
        "there is no analytic 'NO-SUCH-ANALYTIC'",
    );
    refused(
        &["analytics", "show", "NO-SUCH-ANALYTIC"],
        "see 'casewire analytics list'",
    );
}

#[test]
fn an_error_cannot_write_to_the_terminal() {
    let output = casewire(&["analyze", "no\x1b[2J\u{202e}such"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no\\x1b[2J\\u{202e}such"));
}

#[test]
fn help_names_every_command_and_no_other() {
    let output = casewire(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let help = text(&output.stdout);
    for command in ["inventory", "analyze", "timeline", "analytics", "schema"] {
        assert!(
            help.contains(&format!("\n  {command}")),
            "{command}: {help}"
        );
    }
    for command in ["baseline", "export", "verify", "demo", "completions"] {
        assert!(!help.contains(command), "{command} is promised");
    }
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_help_of_each_command_fits_a_terminal() {
    for command in ["inventory", "analyze", "timeline", "analytics", "schema"] {
        for flag in ["-h", "--help"] {
            let output = casewire(&[command, flag]);
            assert_eq!(output.status.code(), Some(0), "{command} {flag}");
            for line in text(&output.stdout).lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}

#[test]
fn the_schema_on_standard_output_is_the_committed_one() {
    let output = casewire(&["schema"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let committed = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/json-schema/casewire-report-1.schema.json"
    );
    assert_eq!(
        text(&output.stdout),
        std::fs::read_to_string(committed).unwrap()
    );
}

#[test]
fn the_schema_of_an_inventory_is_the_committed_one() {
    let output = casewire(&["schema", "inventory"]);
    assert_eq!(output.status.code(), Some(0));
    let committed = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/json-schema/casewire-inventory-1.schema.json"
    );
    assert_eq!(
        text(&output.stdout),
        std::fs::read_to_string(committed).unwrap()
    );
}

#[test]
fn an_inventory_says_what_there_is_and_runs_no_analytic() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
    let output = casewire(&["inventory", demo]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = text(&output.stdout);
    assert!(page.is_ascii());
    let mut from = 0;
    for heading in ["FILES", "HOSTS", "CHANNELS", "CLOCKS", "GAPS", "COVERAGE"] {
        let at = page[from..].find(&format!("\n{heading}")).expect(heading);
        from += at;
    }
    assert!(!page.contains("INCIDENT"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80));

    let json = casewire(&["inventory", demo, "-f", "json", "--section", "hosts"]);
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["schema"], "casewire-inventory");
    assert!(!value["hosts"].as_array().unwrap().is_empty());
    assert!(value.get("evidence").is_none());
}

#[test]
fn the_version_is_the_packages() {
    let output = casewire(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        format!("casewire {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_list_of_analytics_is_plain_text_in_a_pipe() {
    for arguments in [&["analytics"][..], &["analytics", "list"]] {
        let output = casewire(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty());
        assert!(
            output
                .stdout
                .iter()
                .all(|b| *b == b'\n' || (b' '..=b'~').contains(b))
        );
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::{Command as Process, Stdio};
    let mut child = Process::new(assert_cmd::cargo::cargo_bin("casewire"))
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}
