//! The command line from outside: exit codes, streams, and words that help.

use assert_cmd::Command;
use std::process::Output;

/// What there is.
const COMMANDS: [&str; 13] = [
    "baseline",
    "inventory",
    "analyze",
    "timeline",
    "analytics",
    "config",
    "report",
    "export",
    "show",
    "verify",
    "schema",
    "completions",
    "man",
];

fn casewire(arguments: &[&str]) -> Output {
    Command::cargo_bin("casewire")
        .unwrap()
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("CASEWIRE_CONFIG")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The words of a page, wherever its lines were broken.
fn words(bytes: &[u8]) -> String {
    text(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
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

/// A settings file in a folder of its own.
fn settings(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("casewire.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path.to_str().unwrap().to_owned())
}

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");

#[test]
fn a_wrong_settings_file_is_explained_line_by_line_and_nothing_runs() {
    let (_folder, path) = settings("[case]\nidd = \"x\"\n[AN0842]\nMinSequenceLen = 1\n");
    for arguments in [
        &["config", "check", &path][..],
        &["analyze", DEMO, "--config", &path][..],
        &["timeline", DEMO, "--config", &path][..],
    ] {
        refused(arguments, "2 mistakes in ");
        let output = casewire(arguments);
        let said = text(&output.stderr);
        assert!(
            said.contains("casewire.toml: line 2: there is no \"idd\" in [case]"),
            "{said}"
        );
        assert!(
            said.contains("casewire.toml: line 4: [AN0842] MinSequenceLen cannot be \"1\""),
            "{said}"
        );
    }
    refused(
        &["analyze", DEMO, "--config", "no/such.toml"],
        "cannot read the settings file no/such.toml",
    );
    refused(
        &["analyze", DEMO, "--profile", "strickt"],
        "write default, strict or sensitive",
    );
}

#[test]
fn a_good_settings_file_says_what_it_sets() {
    let (_folder, path) = settings("profile = \"strict\"\n[AN0842]\nMinSequenceLen = 5\n");
    let output = casewire(&["config", "check", &path]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.contains("MinSequenceLen = 5 (default 3)"), "{said}");
    assert!(said.contains("TimeWindow = 120s (default 300s)"), "{said}");
}

#[test]
fn flags_win_over_the_settings_file_and_that_over_the_profile() {
    let parameters = |arguments: &[&str], variable: &str| {
        let output = Command::cargo_bin("casewire")
            .unwrap()
            .args(["analyze", DEMO, "-f", "json", "-a", "AN0842"])
            .args(arguments)
            .env("CASEWIRE_CONFIG", variable)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["parameters"].clone()
    };
    let (_folder, path) = settings("profile = \"strict\"\n[AN0842]\nMinSequenceLen = 5\n");
    let setting = |parameters: &serde_json::Value, name: &str| {
        parameters["analytics"][0]["settings"][name]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let plain = parameters(&[], "");
    assert_eq!(setting(&plain, "MinSequenceLen"), "3");
    assert!(plain["config_sha256"].is_null());
    let filed = parameters(&[], &path);
    assert_eq!(setting(&filed, "MinSequenceLen"), "5");
    assert_eq!(setting(&filed, "TimeWindow"), "120s");
    assert_eq!(filed["profile"], "strict");
    assert_eq!(filed["config_sha256"].as_str().unwrap().len(), 64);
    assert_ne!(plain["sha256"], filed["sha256"]);
    assert!(
        !filed.to_string().contains("casewire.toml"),
        "the path is not part of the report"
    );
    let flagged = parameters(
        &[
            "--config",
            &path,
            "--profile",
            "default",
            "--set",
            "AN0842.MinSequenceLen=3",
        ],
        "no/such.toml",
    );
    assert_eq!(setting(&flagged, "MinSequenceLen"), "3");
    assert_eq!(
        plain["sha256"], flagged["sha256"],
        "the same settings, however they came about"
    );
}

#[test]
fn the_settings_file_of_the_documentation_is_a_good_one() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (_folder, path) = settings(rest.split_once("```").unwrap().0);
    let output = casewire(&["config", "check", &path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
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
    for command in COMMANDS {
        assert!(
            help.contains(&format!("\n  {command}")),
            "{command}: {help}"
        );
    }
    assert!(!help.contains("demo"), "demo is promised");
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_help_of_each_command_fits_a_terminal() {
    for command in COMMANDS {
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

#[test]
fn a_baseline_is_written_once_shown_and_named_in_the_report() {
    let page = "```story\nday 2026-03-01\nhost WS01 10.0.0.5\nhost FS01 10.0.0.10 open tcp/445\n\n08:00 every 6h for 2d: WS01 -> FS01:445/tcp accepted\n```\n";
    let story = casewire_lab::story::Story::parse(page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (evidence, beside) = (folder.path().join("evidence"), folder.path());
    story.play().write_to(&evidence).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let given = path(&evidence);
    let build = |out: &str| casewire(&["baseline", "build", &given, "-q", "-o", out]);

    let (first, second) = (path(&beside.join("a.json")), path(&beside.join("b.json")));
    assert_eq!(build(&first).status.code(), Some(0));
    assert_eq!(build(&second).status.code(), Some(0));
    let bytes = std::fs::read(&first).unwrap();
    assert_eq!(
        bytes,
        std::fs::read(&second).unwrap(),
        "same evidence, same bytes"
    );

    refused(
        &["baseline", "build", &given, "-o", &first],
        "exists already",
    );
    let inside = path(&evidence.join("c.json"));
    refused(
        &["baseline", "build", &given, "-o", &inside],
        "lies in the evidence folder",
    );
    refused(
        &[
            "analyze",
            &given,
            "--baseline",
            &first,
            "--baseline",
            &second,
        ],
        "counted twice",
    );
    refused(&["analyze", &given, "--baseline", &given], "cannot read");
    let wrong = path(&beside.join("wrong.txt"));
    std::fs::write(&wrong, "10.0.0.5 yesterday\n").unwrap();
    refused(
        &["analyze", &given, "--baseline", &wrong],
        "casewire baseline build",
    );

    let shown = casewire(&["baseline", "show", &first]);
    assert!(text(&shown.stdout).contains("3 from 2026-03-01 to 2026-03-03"));
    assert!(text(&shown.stdout).contains("10.0.0.5"));
    let report = casewire(&["analyze", &given, "--baseline", &first, "-q", "-f", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let named = &report["parameters"]["baselines"][0];
    assert_eq!(named["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(named["days"][1], "2026-03-02");
}

#[test]
fn a_baseline_of_evidence_that_cannot_be_read_whole_says_so() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    let whole = std::fs::read(format!("{demo}/FS01-Security.evtx")).unwrap();
    std::fs::write(evidence.join("cut.evtx"), &whole[..30_000]).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (given, out) = (path(&evidence), path(&folder.path().join("x.base")));
    let built = casewire(&["baseline", "build", &given, "-q", "-o", &out]);
    let said = text(&built.stderr);
    assert_eq!(built.status.code(), Some(3), "{said}");
    assert!(said.contains("warning: cut.evtx: "), "{said}");
    let shown = casewire(&["baseline", "show", &out]);
    assert!(
        text(&shown.stdout).contains("Not read: "),
        "{}",
        text(&shown.stdout)
    );
    let report = casewire(&["analyze", demo, "--baseline", &out]);
    let told = words(&report.stdout);
    assert!(
        told.contains("could not be read when it was built"),
        "{told}"
    );

    // Its days all lie after those of other evidence.
    let page = "```story\nday 2026-01-01\nhost WS01 10.0.0.5\nhost FS01 10.0.0.10 open tcp/445\n\n08:00 every 6h for 2d: WS01 -> FS01:445/tcp accepted\n```\n";
    let story = casewire_lab::story::Story::parse(page).unwrap();
    let earlier = folder.path().join("earlier");
    story.play().write_to(&earlier).unwrap();
    let (earlier, later) = (path(&earlier), path(&folder.path().join("later.base")));
    let built = casewire(&["baseline", "build", demo, "-o", &later]);
    let said = text(&built.stderr);
    assert_eq!(built.status.code(), Some(0), "{said}");
    assert!(said.contains(" on 1 day, from 7 files"), "{said}");
    let report = casewire(&["analyze", &earlier, "--baseline", &later, "-f", "json"]);
    let told = text(&report.stdout);
    assert!(
        told.contains("begins on 2026-03-14, after this evidence ends"),
        "{told}"
    );
    let built = casewire(&["baseline", "build", demo, "--no-hash", "-o", &out]);
    assert_eq!(built.status.code(), Some(2));
    assert!(text(&built.stderr).contains("leave out --no-hash"));
}

#[test]
fn a_host_may_be_called_by_the_name_that_reports_print() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
    let hosts = |arguments: &[&str]| {
        let mut all = vec!["analyze", demo, "-f", "json"];
        all.extend(arguments);
        let output = casewire(&all);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["hosts"].as_array().unwrap().len()
    };
    let without = hosts(&[]);
    assert_eq!(hosts(&["--containment", "2026-03-14T02:10Z,FS01"]), without);
    assert_eq!(hosts(&["--clock", "fs01=+1s"]), without);
    assert_eq!(hosts(&["--host", "FS01=10.20.0.15"]), without);
    refused(
        &["analyze", demo, "--clock", "fs02=+1s"],
        "as 'casewire inventory' prints it",
    );
    let (short, whole) = ("fs01=+1s", "FS01.corp.example=+2s");
    refused(
        &["analyze", demo, "--clock", short, "--clock", whole],
        "are the same clock, with two offsets",
    );
}

#[test]
fn what_was_asked_for_is_said_as_it_was_asked_or_that_it_does_nothing() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
    let output = casewire(&["analyze", demo, "--from", "2026-03-14T02:06:12.5Z"]);
    let out = text(&output.stdout);
    assert!(out.contains("from 2026-03-14 02:06:12.500 UTC"), "{out}");
    let set = "AN0842.MinSequenceLen=4";
    let output = casewire(&["analyze", demo, "-a", "AN1448", "--set", set]);
    let said = text(&output.stderr);
    assert!(
        said.contains("note: --set AN0842.MinSequenceLen changes nothing"),
        "{said}"
    );
    let output = casewire(&["analyze", demo, "-a", "AN0842", "--set", set]);
    assert!(!text(&output.stderr).contains("changes nothing"));
    refused(
        &["analyze", demo, "--from", "2026-02-30"],
        "not a moment of the calendar",
    );
}

#[test]
fn a_folder_without_a_file_is_no_evidence() {
    let empty = tempfile::tempdir().unwrap();
    let given = empty.path().to_str().unwrap();
    refused(&["analyze", given], "holds no file");
    refused(&["inventory", given], "holds no file");
}

#[test]
fn a_time_without_an_event_is_not_called_judged() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
    for window in [
        ["--from", "2030-01-01"],
        ["--to", "2020-01-01"],
        ["--from", "2026-03-14T02:16Z"],
    ] {
        let output = casewire(&["analyze", demo, window[0], window[1]]);
        let out = words(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{out}");
        assert!(
            out.contains("not one event of this evidence lies in the time asked for"),
            "{window:?}: {out}"
        );
        assert!(out.contains("judged fully 0 of 15"), "{window:?}: {out}");
    }
    let output = casewire(&["analyze", demo, "--from", "2026-03-14"]);
    assert!(!text(&output.stdout).contains("not one event"));
}
