//! A case is written whole or not at all, nowhere among evidence, and over nothing unless asked.

use super::made::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;

#[test]
fn a_case_holds_the_record_the_timeline_the_run_and_their_hashes() {
    let made = Made::new();
    assert_eq!(
        names(&made.case),
        ["SHA256SUMS", "report.json", "run.json", "timeline.jsonl"]
    );
    let report = std::fs::read(made.case.join("report.json")).unwrap();
    let (printed, _) = done(
        &[
            "analyze",
            text(&made.evidence),
            "-f",
            "json",
            "--case",
            "IR-1",
            "--examiner",
            "A. Examiner",
        ],
        0,
    );
    assert_eq!(String::from_utf8(report).unwrap(), printed);
    let timeline = std::fs::read_to_string(made.case.join("timeline.jsonl")).unwrap();
    let (lines, _) = done(&["timeline", text(&made.evidence), "-f", "jsonl"], 0);
    assert_eq!(timeline, lines);
    let run: Value =
        serde_json::from_slice(&std::fs::read(made.case.join("run.json")).unwrap()).unwrap();
    assert_eq!(run["schema"], "casewire-run");
    assert_eq!(run["command"][0], "analyze");
    assert_eq!(run["exit"], 0);
    let program = std::fs::read(env!("CARGO_BIN_EXE_casewire")).unwrap();
    let program: String = Sha256::digest(program)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(run["program"], program);
    assert_eq!(run["evidence"].as_array().unwrap().len(), 7);
    assert!(run["started"].as_str().unwrap() <= run["ended"].as_str().unwrap());
    // The record holds nothing of the machine it was made on.
    let record = made.report().to_string();
    assert!(
        !record.contains(text(made.here.path())),
        "a path of this machine"
    );
}

#[test]
fn nothing_is_written_among_evidence_or_over_anything() {
    let here = tempfile::tempdir().unwrap();
    let evidence = copied(here.path());
    let before = tree(&evidence);
    let inside = evidence.join("case");
    let (_, said) = done(&["analyze", text(&evidence), "-o", text(&inside)], 2);
    assert!(said.contains("lies in the evidence folder"), "{said}");
    let taken = here.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    let (_, said) = done(&["analyze", text(&evidence), "-o", text(&taken)], 2);
    assert!(said.contains("exists already"), "{said}");
    let (_, said) = done(&["analyze", text(&evidence), "-o", "no/such/place/case"], 2);
    assert!(
        said.contains("no/such/place does not exist; make the folder first"),
        "{said}"
    );
    assert_eq!(tree(&evidence), before);
    assert_eq!(names(here.path()), ["evidence", "taken"]);
    // However the place is named.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&evidence, here.path().join("link")).unwrap();
        for (given, place) in [("evidence", "link/case"), ("link", "evidence/case")] {
            let given = here.path().join(given);
            let place = here.path().join(place);
            let (_, said) = done(&["analyze", text(&given), "-o", text(&place)], 2);
            assert!(said.contains("lies in the evidence folder"), "{said}");
        }
        std::fs::remove_file(here.path().join("link")).unwrap();
    }
    let around = here.path().join("taken/../evidence/case");
    done(&["analyze", text(&evidence), "-o", text(&around)], 2);
    // A case that would be its own evidence, or hold it.
    for place in [&evidence, &here.path().to_owned()] {
        done(&["analyze", text(&evidence), "-o", text(place)], 2);
        let (_, said) = done(
            &["analyze", text(&evidence), "-o", text(place), "--overwrite"],
            2,
        );
        assert!(said.contains("holds evidence"), "{said}");
    }
    assert_eq!(tree(&evidence), before);
    // Neither do the renderings write there.
    let case = here.path().join("case");
    done(&["analyze", text(&evidence), "-o", text(&case)], 0);
    let (_, said) = done(
        &[
            "report",
            text(&case),
            "-f",
            "html",
            "-o",
            text(&evidence.join("r.html")),
        ],
        2,
    );
    assert!(said.contains("lies in the evidence folder"), "{said}");
    let (_, said) = done(
        &[
            "export",
            "--as",
            "evidence",
            text(&case),
            "-o",
            text(&evidence.join("slice")),
        ],
        2,
    );
    assert!(said.contains("lies in the evidence folder"), "{said}");
    // Nor into the case, whose files are counted.
    for place in ["r.txt", "report.json", "SHA256SUMS"] {
        let (_, said) = done(
            &[
                "report",
                text(&case),
                "-o",
                text(&case.join(place)),
                "--overwrite",
            ],
            2,
        );
        assert!(said.contains("lies in the case folder"), "{said}");
    }
    done(&["verify", text(&case)], 0);
    // A single file that was given is evidence too.
    let sensor = evidence.join("sensor.pcapng");
    let alone = here.path().join("alone");
    done(&["analyze", text(&sensor), "-o", text(&alone)], 0);
    done(
        &["report", text(&alone), "-o", text(&sensor), "--overwrite"],
        2,
    );
    assert_eq!(tree(&evidence), before);
}

#[test]
fn evidence_that_was_moved_and_other_cases_stay_as_they_are() {
    let made = Made::new();
    let moved = made.here.path().join("moved");
    std::fs::rename(&made.evidence, &moved).unwrap();
    let before = (tree(&moved), tree(&made.case));
    let csv = ["export", "--as", "csv", text(&made.case)];
    let at = |place: &str, arguments: &[&str]| -> (String, String) {
        let place = moved.join(place);
        done(&[arguments, &["-o", text(&place)]].concat(), 2)
    };
    // Among it, where the command is told where it is; over it, wherever it is.
    let now = ["--evidence", text(&moved)];
    let (_, said) = at("new.csv", &[&csv[..], &now[..]].concat());
    assert!(said.contains("lies in the evidence folder"), "{said}");
    for of in [&csv[..], &["report", text(&made.case)]] {
        let (_, said) = at("sensor.pcapng", &[of, &["--overwrite"]].concat());
        assert!(said.contains("is evidence"), "{said}");
    }
    // Into a case, by any command.
    for name in ["sub", "report.json"] {
        let place = made.case.join(name);
        for of in [
            &["analyze", text(&moved)][..],
            &["baseline", "build", text(&moved)],
            &csv,
        ] {
            let (_, said) = done(&[of, &["--overwrite", "-o", text(&place)]].concat(), 2);
            assert!(said.contains("lies in the case folder"), "{of:?} {said}");
        }
    }
    assert_eq!((tree(&moved), tree(&made.case)), before);
    done(&["verify", text(&made.case), "--evidence", text(&moved)], 0);
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let here = tempfile::tempdir().unwrap();
    let evidence = copied(here.path());
    std::fs::write(
        evidence.join("cut.evtx"),
        &std::fs::read(evidence.join("FS01-Security.evtx")).unwrap()[..30_000],
    )
    .unwrap();
    let case = here.path().join("case");
    done(
        &["analyze", text(&evidence), "-o", text(&case), "--strict"],
        3,
    );
    assert_eq!(names(here.path()), ["evidence"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    let here = tempfile::tempdir().unwrap();
    // A capture that is long enough to be interrupted in, whatever the machine.
    let evidence = here.path().join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    let capture = std::fs::read(Path::new(DEMO).join("sensor.pcapng")).unwrap();
    std::fs::write(evidence.join("long.pcapng"), capture.repeat(100)).unwrap();
    let case = here.path().join("case");
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("casewire"))
        .args(["-q", "analyze", text(&evidence), "-o", text(&case)])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while names(here.path()).len() < 2 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it could be interrupted"
        );
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(names(here.path()), ["evidence"]);
}

#[test]
fn an_old_case_gives_way_to_a_whole_one_and_is_named_in_it() {
    let made = Made::new();
    let case = text(&made.case);
    let evidence = text(&made.evidence);
    let sums = |case: &Path| std::fs::read(case.join("SHA256SUMS")).unwrap();
    let before = sums(&made.case);
    let (_, said) = done(&["analyze", evidence, "-o", case], 2);
    assert!(said.contains("--overwrite"), "{said}");
    let (_, said) = done(&["analyze", evidence, "--overwrite"], 2);
    assert!(said.contains("--output"), "{said}");

    // A run that fails leaves the old case as it was.
    std::fs::write(made.evidence.join("cut.evtx"), b"ElfFile\0").unwrap();
    done(
        &["analyze", evidence, "-o", case, "--overwrite", "--strict"],
        3,
    );
    std::fs::remove_file(made.evidence.join("cut.evtx")).unwrap();
    assert_eq!(sums(&made.case), before);
    done(&["verify", case], 0);

    done(
        &[
            "analyze",
            evidence,
            "-o",
            case,
            "--overwrite",
            "--case",
            "2",
        ],
        0,
    );
    let run: Value =
        serde_json::from_slice(&std::fs::read(made.case.join("run.json")).unwrap()).unwrap();
    use sha2::Digest;
    let hex: String = sha2::Sha256::digest(&before)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(run["replaced"], hex);
    assert_eq!(made.report()["case"]["id"], "2");
    done(&["verify", case, "--rerun"], 0);
    assert_eq!(names(made.here.path()), ["case", "evidence"]);

    // What somebody added is not thrown away.
    std::fs::write(made.case.join("note.txt"), "mine").unwrap();
    let (_, said) = done(&["analyze", evidence, "-o", case, "--overwrite"], 2);
    assert!(said.contains("also holds note.txt"), "{said}");
    assert!(made.case.join("note.txt").exists());
}

/// A file that takes no byte, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_cannot_print_its_report_keeps_no_case() {
    let here = tempfile::tempdir().unwrap();
    let evidence = copied(here.path());
    let case = here.path().join("case");
    let analyze = |out: std::process::Stdio| {
        std::process::Command::new(assert_cmd::cargo::cargo_bin("casewire"))
            .args(["analyze", text(&evidence), "-o", text(&case)])
            .stdout(out)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let ended = analyze(full.unwrap().into()).wait().unwrap();
    assert_eq!(ended.code(), Some(5));
    assert_eq!(names(here.path()), ["evidence"]);
    // Who reads the first lines only still has the case.
    let mut run = analyze(std::process::Stdio::piped());
    drop(run.stdout.take());
    assert_eq!(run.wait().unwrap().code(), Some(0));
    done(&["verify", text(&case)], 0);
}

#[test]
fn labels_of_a_copy_that_could_not_be_written_are_not_written() {
    let made = Made::new();
    let labels = made.here.path().join("labels.json");
    let nowhere = made.here.path().join("nowhere/copy.txt");
    let report = [
        "report",
        text(&made.case),
        "--redact",
        "hosts",
        "--labels",
        text(&labels),
    ];
    let output = casewire(&[&report[..], &["-o", text(&nowhere)]].concat());
    assert!(!output.status.success());
    assert!(!labels.exists());
    // What is asked for and has no meaning is refused.
    let (_, said) = done(&["report", text(&made.case), "--detail", "3"], 2);
    assert!(said.contains("--detail belongs to --format html"), "{said}");
}
