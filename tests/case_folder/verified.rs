//! `verify`: what is no longer what it was, and whether the same evidence gives the same again.

use super::made::*;

#[test]
fn verify_names_every_file_that_is_not_what_it_was() {
    let made = Made::new();
    let case = text(&made.case);
    let (out, _) = done(&["verify", case], 0);
    assert_eq!(out.lines().count(), 4 + 7, "{out}");
    // What holds the others is held by nothing in the folder.
    let (held, others): (Vec<_>, Vec<_>) =
        out.lines().partition(|line| line.ends_with("SHA256SUMS"));
    assert!(held[0].starts_with("UNCHECKED"), "{out}");
    assert!(others.iter().all(|line| line.starts_with("ok ")), "{out}");

    // Each file of the case, and one of each kind of evidence.
    for name in ["report.json", "timeline.jsonl", "run.json"] {
        let path = made.case.join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut other = whole.clone();
        let at = other.iter().rposition(|b| b.is_ascii_digit()).unwrap();
        other[at] = if other[at] == b'1' { b'2' } else { b'1' };
        std::fs::write(&path, other).unwrap();
        let (out, _) = done(&["verify", case], 4);
        assert!(
            out.lines()
                .any(|l| l.starts_with("CHANGED") && l.ends_with(name)),
            "{out}"
        );
        std::fs::write(&path, whole).unwrap();
    }
    for name in ["sensor.pcapng", "FS01-Security.evtx"] {
        let path = made.evidence.join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut other = whole.clone();
        let last = other.len() - 1;
        other[last] ^= 1;
        std::fs::write(&path, &other).unwrap();
        let (out, _) = done(&["verify", case], 4);
        assert!(
            out.lines()
                .any(|l| l.starts_with("CHANGED") && l.ends_with(name)),
            "{out}"
        );
        std::fs::remove_file(&path).unwrap();
        let (out, _) = done(&["verify", case], 4);
        assert!(
            out.lines()
                .any(|l| l.starts_with("MISSING") && l.ends_with(name)),
            "{out}"
        );
        std::fs::write(&path, whole).unwrap();
    }
    std::fs::write(made.evidence.join("new.txt"), "new").unwrap();
    let (out, _) = done(&["verify", case], 4);
    assert!(
        out.lines()
            .any(|l| l.starts_with("EXTRA") && l.ends_with("new.txt")),
        "{out}"
    );
    std::fs::remove_file(made.evidence.join("new.txt")).unwrap();
    std::fs::write(made.case.join("SHA256SUMS"), "").unwrap();
    let (out, _) = done(&["verify", case], 4);
    assert!(out.contains("EXTRA"), "{out}");
    // A record that is none is told, not a reason to stop before the rest was told.
    std::fs::write(made.case.join("report.json"), "{").unwrap();
    let (out, _) = done(&["verify", case], 4);
    assert!(out.contains("the report cannot be read"), "{out}");
}

#[test]
fn the_same_evidence_gives_the_same_result_again_even_elsewhere() {
    let made = Made::new();
    let moved = made.here.path().join("moved");
    std::fs::rename(&made.evidence, &moved).unwrap();
    let case = text(&made.case);
    let (out, _) = done(&["verify", case], 4);
    assert!(out.contains("MISSING"), "{out}");
    let (out, said) = done(
        &[
            "verify",
            case,
            "--evidence",
            text(&moved),
            "--rerun",
            "--threads",
            "1",
        ],
        0,
    );
    assert!(out.contains("report.json of the second run"), "{out}{said}");
    assert!(out.contains("timeline.jsonl of the second run"), "{out}");

    // A record that was edited, hashes and all, no longer is what the evidence gives.
    let report = std::fs::read_to_string(made.case.join("report.json")).unwrap();
    let edited = report.replacen("\"severity\": \"high\"", "\"severity\": \"low\"", 1);
    assert_ne!(edited, report);
    std::fs::write(made.case.join("report.json"), &edited).unwrap();
    let sums = std::process::Command::new("sha256sum")
        .args(["report.json", "run.json", "timeline.jsonl"])
        .current_dir(&made.case)
        .output();
    if let Ok(sums) = sums {
        std::fs::write(made.case.join("SHA256SUMS"), sums.stdout).unwrap();
        // The log of the run still knows what it wrote.
        let (out, _) = done(&["verify", case, "--evidence", text(&moved)], 4);
        assert!(
            out.contains("report.json is what SHA256SUMS says and not what run.json says"),
            "{out}"
        );
        let (_, said) = done(&["report", case], 4);
        assert!(said.contains("report.json is not the one"), "{said}");
    }
    let (out, _) = done(&["verify", case, "--evidence", text(&moved), "--rerun"], 4);
    assert!(out.contains("severity low before, high now"), "{out}");
}

#[test]
fn two_cases_are_compared() {
    let made = Made::new();
    let other = made.here.path().join("other");
    done(
        &[
            "analyze",
            text(&made.evidence),
            "-o",
            text(&other),
            "--set",
            "AN0842.MinSequenceLen=9",
            "--case",
            "IR-1",
        ],
        0,
    );
    let (case, other) = (text(&made.case), text(&other));
    let (out, _) = done(&["verify", case, "--against", case], 0);
    assert!(out.contains("both cases say the same"), "{out}");
    let (out, _) = done(&["verify", case, "--against", other], 4);
    assert!(
        out.contains("SHA-256 of the parameters") && out.contains("no longer found"),
        "{out}"
    );
}

#[test]
fn cases_that_differ_in_more_than_findings_do_not_say_the_same() {
    let made = Made::new();
    let other = made.here.path().join("other");
    // Another number and another examiner: the findings are the same.
    let evidence = text(&made.evidence);
    done(
        &["analyze", evidence, "-o", text(&other), "--case", "IR-2"],
        0,
    );
    let (case, other) = (text(&made.case), text(&other));
    let (out, _) = done(&["verify", case, "--against", other], 4);
    assert!(!out.contains("say the same"), "{out}");
    assert!(out.contains("case: "), "{out}");
}

#[test]
fn a_case_that_is_not_there_is_wrong_usage() {
    let (_, said) = done(&["verify", "no/such/case"], 2);
    assert!(said.contains("no/such/case does not exist"), "{said}");
}

#[test]
fn what_is_made_from_an_altered_report_says_so() {
    let made = Made::new();
    let case = text(&made.case);
    let path = made.case.join("report.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let altered = whole.replace("10.20.0.77", "10.20.0.78");
    assert_ne!(whole, altered);
    std::fs::write(&path, altered).unwrap();
    let report: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let id = report["findings"][0]["id"].as_str().unwrap().to_owned();
    let said = "report.json is not the one this case was made with";
    for command in [
        vec!["report", case],
        vec!["report", case, "-f", "html"],
        vec!["show", case, &id],
        vec!["export", case, "--as", "json"],
    ] {
        let (out, err) = done(&command, 4);
        assert!(err.contains(said), "{command:?}: {err}");
        if command[0] == "report" {
            assert!(
                out.replace('\n', " ")
                    .replace("  ", " ")
                    .contains("is not the one this case"),
                "{command:?}"
            );
        }
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(!done(&["report", case], 0).1.contains(said));
    // A report by itself cannot be held against anything.
    std::fs::remove_file(made.case.join("SHA256SUMS")).unwrap();
    assert!(!done(&["report", case], 0).1.contains(said));
}

/// A case comes from others: what never ends must not be waited for.
#[cfg(unix)]
#[test]
fn a_device_or_a_pipe_in_the_place_of_a_file_is_refused() {
    let made = Made::new();
    let case = text(&made.case);
    let refused = |file: &str, args: &[&str], code: i32, tells: &str| {
        let path = made.case.join(file);
        let whole = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let (out, said) = done(args, code);
        assert!(
            format!("{out}{said}").contains(tells),
            "{file}: {out}{said}"
        );
        std::fs::remove_file(&path).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(pipe.unwrap().success());
        let (out, said) = done(args, code);
        assert!(
            format!("{out}{said}").contains(tells),
            "{file}: {out}{said}"
        );
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, whole).unwrap();
    };
    refused("report.json", &["report", case], 5, "not a regular file");
    refused("SHA256SUMS", &["verify", case], 4, "CHANGED");
}

/// Names that are no Unicode are allowed on Linux, and two of them look the same once replaced.
#[cfg(target_os = "linux")]
#[test]
fn evidence_whose_name_is_no_unicode_is_found_again() {
    use std::os::unix::ffi::OsStrExt as _;
    let named = |bytes: &[u8]| std::path::PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
    let here = tempfile::tempdir().unwrap();
    let evidence = here.path().join(named(b"ev%\xFE"));
    std::fs::create_dir(&evidence).unwrap();
    let demo = std::path::Path::new(DEMO);
    std::fs::copy(
        demo.join("sensor.pcapng"),
        evidence.join(named(b"a\xFF.pcapng")),
    )
    .unwrap();
    std::fs::copy(
        demo.join("FS01-Security.evtx"),
        evidence.join(named(b"a\xFE.evtx")),
    )
    .unwrap();
    let case = here.path().join("case");
    let made = assert_cmd::Command::cargo_bin("casewire")
        .unwrap()
        .arg("analyze")
        .arg(&evidence)
        .arg("-o")
        .arg(&case)
        .env_remove("CASEWIRE_CONFIG")
        .output()
        .unwrap();
    assert_eq!(
        made.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let (out, _) = done(&["verify", text(&case)], 0);
    assert_eq!(
        out.lines().filter(|line| line.starts_with("ok ")).count(),
        3 + 2,
        "{out}"
    );
    done(&["verify", text(&case), "--rerun"], 0);
    std::fs::rename(
        evidence.join(named(b"a\xFE.evtx")),
        evidence.join(named(b"a\xFD.evtx")),
    )
    .unwrap();
    let (out, _) = done(&["verify", text(&case)], 4);
    assert!(out.contains("MISSING") && out.contains("EXTRA"), "{out}");
}
