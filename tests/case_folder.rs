//! The case folder from outside: written whole or not at all, shown, exported, and verified.

use assert_cmd::Command;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");

fn casewire(arguments: &[&str]) -> Output {
    Command::cargo_bin("casewire")
        .unwrap()
        .args(arguments)
        .env_remove("CASEWIRE_CONFIG")
        .output()
        .unwrap()
}

#[track_caller]
fn done(arguments: &[&str], code: i32) -> (String, String) {
    let output = casewire(arguments);
    let out = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {said}{out}"
    );
    assert!(!said.contains("panicked"), "{said}");
    (out, said)
}

fn copied(into: &Path) -> PathBuf {
    let evidence = into.join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    for entry in std::fs::read_dir(DEMO).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, evidence.join(path.file_name().unwrap())).unwrap();
    }
    evidence
}

/// Evidence and its case, in a folder of their own.
struct Made {
    here: tempfile::TempDir,
    evidence: PathBuf,
    case: PathBuf,
}

impl Made {
    fn new() -> Self {
        let here = tempfile::tempdir().unwrap();
        let evidence = copied(here.path());
        let case = here.path().join("case");
        done(
            &[
                "analyze",
                text(&evidence),
                "-o",
                text(&case),
                "--case",
                "IR-1",
                "--examiner",
                "A. Examiner",
            ],
            0,
        );
        Self {
            here,
            evidence,
            case,
        }
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.case.join("report.json")).unwrap()).unwrap()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Contents and modification times of everything in a folder.
fn tree(folder: &Path) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    names(folder)
        .into_iter()
        .map(|name| {
            let path = folder.join(&name);
            let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
            (name, (std::fs::read(path).unwrap(), modified))
        })
        .collect()
}

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
    let (_, said) = done(&["analyze", text(&evidence), "-o", "no/such/place/case"], 5);
    assert!(said.contains("check the path"), "{said}");
    assert_eq!(tree(&evidence), before);
    assert_eq!(names(here.path()), ["evidence", "taken"]);
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
    assert_eq!(tree(&evidence), before);
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
fn verify_names_every_file_that_is_not_what_it_was() {
    let made = Made::new();
    let case = text(&made.case);
    let (out, _) = done(&["verify", case], 0);
    assert_eq!(out.lines().count(), 4 + 7, "{out}");
    assert!(out.lines().all(|line| line.starts_with("ok ")), "{out}");

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
        done(&["verify", case, "--evidence", text(&moved)], 0);
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
fn every_reference_of_the_report_leads_to_its_packet_or_record() {
    let made = Made::new();
    let report = made.report();
    let mut shown = 0;
    for finding in report["findings"].as_array().unwrap() {
        let id = finding["short_id"].as_str().unwrap();
        let (out, _) = done(&["show", text(&made.case), id], 0);
        assert!(out.contains(id) && out.contains("Check by hand"), "{out}");
        for step in finding["steps"].as_array().unwrap().iter().take(14) {
            let reference = &step["refs"][0];
            let evidence = reference["evidence"].as_str().unwrap();
            let name = match reference["kind"].as_str().unwrap() {
                "packet" => format!("{evidence}:p{}", reference["packet"]),
                _ => format!("{evidence}:r{}", reference["record_id"]),
            };
            let (out, _) = done(&["show", text(&made.case), &name, "--format", "json"], 0);
            let found: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
            assert_eq!(found["offset"], reference["offset"], "{name}");
            assert!(
                found["cited_by"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|c| c.as_str().unwrap().contains(id)),
                "{out}"
            );
            if reference["kind"] == "record" {
                let xml = found["xml"].as_str().unwrap();
                assert!(
                    xml.contains(&format!(
                        "<EventRecordID>{}</EventRecordID>",
                        reference["record_id"]
                    )),
                    "{xml}"
                );
                assert!(
                    xml.contains(reference["computer"].as_str().unwrap()),
                    "{xml}"
                );
            } else {
                assert_eq!(found["time"], step["recorded_time"], "{name}");
            }
            shown += 1;
        }
    }
    assert!(shown > 10, "{shown}");
    let (hex, _) = done(&["show", text(&made.case), "E7:p239", "--format", "hex"], 0);
    assert!(hex.starts_with("00000000  "), "{hex}");
    let (_, said) = done(&["show", text(&made.case), "E7:p99999999"], 2);
    assert!(said.contains("has no E7:p99999999"), "{said}");
    let (_, said) = done(&["show", text(&made.case), "nonsense"], 2);
    assert!(said.contains("write F30746097"), "{said}");
    let (out, _) = done(&["show", text(&made.case), "--suppressed"], 0);
    assert!(out.contains("No finding is suppressed"), "{out}");
    // What is shown of a file that is not what it was is marked.
    let path = made.evidence.join("sensor.pcapng");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([0; 4]);
    std::fs::write(&path, bytes).unwrap();
    let (_, said) = done(&["show", text(&made.case), "E7:p239"], 4);
    assert!(
        said.contains("is not the file this case rests on"),
        "{said}"
    );
}

#[test]
fn a_case_is_rendered_for_people_and_the_filter_is_told() {
    let made = Made::new();
    let report = made.report();
    let findings = report["findings"].as_array().unwrap();
    for format in ["text", "md", "html"] {
        let (page, said) = done(&["report", text(&made.case), "--format", format], 0);
        assert!(said.is_empty(), "{said}");
        for finding in findings {
            assert!(
                page.contains(finding["short_id"].as_str().unwrap()),
                "{format}"
            );
        }
        assert!(page.contains("IR"), "{format}");
        let file = made.here.path().join(format!("report.{format}"));
        done(
            &["report", text(&made.case), "-f", format, "-o", text(&file)],
            0,
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), page);
        done(
            &["report", text(&made.case), "-f", format, "-o", text(&file)],
            2,
        );
    }
    let one = findings[0]["short_id"].as_str().unwrap();
    for format in ["text", "md", "html"] {
        let (page, _) = done(
            &[
                "report",
                text(&made.case),
                "-f",
                format,
                "--incident",
                one,
                "--min-severity",
                "low",
            ],
            0,
        );
        assert!(
            page.contains(&format!("1 of {} shown", findings.len())),
            "{format}"
        );
        assert!(page.contains("min-severity low"), "{format}: {page}");
    }
    done(&["report", text(&made.case), "--incident", "F00000000"], 2);
    let (_, said) = done(&["report", "no/such/case"], 5);
    assert!(said.contains("report.json"), "{said}");
}

#[test]
fn every_export_says_what_it_loses_and_is_the_same_again() {
    let made = Made::new();
    for format in [
        "json",
        "jsonl",
        "csv",
        "timesketch",
        "case",
        "stix",
        "navigator",
    ] {
        let (out, said) = done(&["export", "--as", format, text(&made.case)], 0);
        assert!(!out.is_empty());
        assert_eq!(
            said.contains(" loses: "),
            format != "json",
            "{format}: {said}"
        );
        assert_eq!(
            done(&["export", "--as", format, text(&made.case)], 0).0,
            out
        );
    }
    let (json, _) = done(&["export", "--as", "json", text(&made.case)], 0);
    assert_eq!(
        json,
        std::fs::read_to_string(made.case.join("report.json")).unwrap()
    );
    let (steps, _) = done(&["export", "--as", "timesketch", text(&made.case)], 0);
    let (all, _) = done(
        &[
            "export",
            "--as",
            "timesketch",
            "--with-events",
            text(&made.case),
        ],
        0,
    );
    let events = std::fs::read_to_string(made.case.join("timeline.jsonl"))
        .unwrap()
        .lines()
        .count();
    assert_eq!(all.lines().count(), steps.lines().count() + events);
    done(
        &["export", "--as", "csv", "--with-events", text(&made.case)],
        2,
    );
}

#[test]
fn the_evidence_slice_holds_what_is_cited_and_is_read_like_evidence() {
    let made = Made::new();
    let slice = made.here.path().join("slice");
    done(&["export", "--as", "evidence", text(&made.case)], 2);
    let (_, said) = done(
        &[
            "export",
            "--as",
            "evidence",
            text(&made.case),
            "-o",
            text(&slice),
        ],
        0,
    );
    assert!(said.contains("evidence loses: "), "{said}");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(slice.join("MANIFEST.json")).unwrap()).unwrap();
    let mut cited = std::collections::BTreeSet::new();
    let report = made.report();
    for finding in report["findings"].as_array().unwrap() {
        for step in finding["steps"].as_array().unwrap() {
            for r in step["refs"].as_array().unwrap() {
                cited.insert((r["evidence"].to_string(), r["offset"].to_string()));
            }
        }
    }
    let mut held = std::collections::BTreeSet::new();
    for file in manifest["files"].as_array().unwrap() {
        for item in file["items"].as_array().unwrap() {
            held.insert((file["evidence"].to_string(), item["offset"].to_string()));
            assert!(item["missing"].is_null(), "{item}");
        }
    }
    assert_eq!(held, cited);
    // Our own reader takes the packets back, with their times.
    let (lines, _) = done(
        &["timeline", text(&slice.join("E7.pcapng")), "-f", "jsonl"],
        0,
    );
    assert!(lines.lines().count() >= 4, "{lines}");
    let xml = std::fs::read_to_string(slice.join("E1.xml")).unwrap();
    assert!(
        xml.starts_with("<?xml") && xml.contains("<EventRecordID>184020</EventRecordID>"),
        "{xml}"
    );
    assert_eq!(xml.matches("<?xml").count(), 1);
    // Evidence that is not what it was is not handed over.
    let path = made.evidence.join("sensor.pcapng");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([0; 4]);
    std::fs::write(&path, bytes).unwrap();
    let again = made.here.path().join("again");
    done(
        &[
            "export",
            "--as",
            "evidence",
            text(&made.case),
            "-o",
            text(&again),
        ],
        4,
    );
    assert!(!again.exists());
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (script, _) = done(&["completions", shell], 0);
        assert!(
            script.contains("verify") && script.contains("analyze"),
            "{shell}"
        );
    }
    let (page, _) = done(&["man"], 0);
    assert!(page.contains(".TH") && page.contains("verify"), "{page}");
    let (page, _) = done(&["man", "verify"], 0);
    assert!(page.contains("rerun"), "{page}");
    let (_, said) = done(&["man", "verfy"], 2);
    assert!(said.contains("did you mean 'verify'?"), "{said}");
}

/// The demo as triage tools hand it over: an encrypted archive with the capture as it is, one log
/// of FS01 as JSON lines, the others as XML.
struct Archived {
    here: tempfile::TempDir,
    archive: PathBuf,
    case: PathBuf,
}

const PASSWORD: &str = "infected";

impl Archived {
    fn new() -> Self {
        let here = tempfile::tempdir().unwrap();
        let archive = here.path().join("triage.zip");
        let case = here.path().join("case");
        std::fs::write(&archive, zipped(&members())).unwrap();
        let made = Self {
            here,
            archive,
            case,
        };
        let case = text(&made.case);
        let evidence = text(&made.archive);
        done(
            &["analyze", evidence, "-o", case, "--password", PASSWORD],
            0,
        );
        made
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.case.join("report.json")).unwrap()).unwrap()
    }
}

fn members() -> Vec<(String, Vec<u8>)> {
    use evtx::{EvtxParser, ParserSettings};
    names(Path::new(DEMO))
        .into_iter()
        .map(|name| {
            let bytes = std::fs::read(Path::new(DEMO).join(&name)).unwrap();
            let parser = || {
                EvtxParser::from_buffer(bytes.clone())
                    .unwrap()
                    .with_configuration(ParserSettings::new().num_threads(1).indent(false))
            };
            match name.strip_suffix(".evtx") {
                Some(log) if log == "FS01-Sysmon" => {
                    let mut parser = parser();
                    let lines = parser
                        .records_json()
                        .map(|r| r.unwrap().data.replace('\n', "") + "\n");
                    (format!("C/{log}.json"), lines.collect::<String>().into())
                }
                Some(log) => {
                    let mut parser = parser();
                    let lines = parser.records().map(|r| r.unwrap().data + "\n");
                    let all: String = lines.collect();
                    (
                        format!("C/{log}.xml"),
                        format!("<Events>{all}</Events>").into(),
                    )
                }
                None => (format!("wire/{name}"), bytes),
            }
        })
        .collect()
}

fn zipped(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let options = zip::write::SimpleFileOptions::default()
        .with_aes_encryption(zip::AesMode::Aes256, PASSWORD);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn members_of_an_archive_are_verified_through_it() {
    let made = Archived::new();
    let case = text(&made.case);
    // The password that opened the evidence does not travel with the case.
    for file in names(&made.case) {
        let held = std::fs::read_to_string(made.case.join(&file)).unwrap();
        assert!(!held.contains(PASSWORD), "{file}");
    }
    let (out, _) = done(&["verify", case, "--password", PASSWORD], 0);
    assert_eq!(out.lines().count(), 4 + 1 + 7, "{out}");
    assert!(out.lines().all(|line| line.starts_with("ok ")), "{out}");
    assert!(out.contains("E1 triage.zip\n"), "{out}");
    assert!(out.contains("triage.zip!wire/sensor.pcapng"), "{out}");

    // What cannot be looked at is not what is gone.
    let (out, _) = done(&["verify", case], 4);
    assert_eq!(out.matches("UNCHECKED").count(), 7, "{out}");
    assert!(out.contains("if it is encrypted, give --password"), "{out}");

    let (_, said) = done(&["verify", case, "--rerun"], 2);
    assert!(said.contains("give them again with --password"), "{said}");
    let (out, _) = done(&["verify", case, "--rerun", "--password", PASSWORD], 0);
    assert!(out.contains("timeline.jsonl of the second run"), "{out}");

    // A member with other bytes in a new archive of the same name.
    let mut other = members();
    let last = other.last_mut().unwrap();
    last.1.extend([0; 4]);
    std::fs::write(&made.archive, zipped(&other)).unwrap();
    let (out, _) = done(&["verify", case, "--password", PASSWORD], 4);
    let changed: Vec<&str> = out.lines().filter(|l| l.starts_with("CHANGED")).collect();
    assert_eq!(changed.len(), 2, "{out}");
    assert!(changed[0].ends_with("E1 triage.zip"), "{out}");
    assert!(changed[1].ends_with("!wire/sensor.pcapng"), "{out}");

    std::fs::remove_file(&made.archive).unwrap();
    let (out, _) = done(&["verify", case, "--password", PASSWORD], 4);
    assert_eq!(out.matches("MISSING").count(), 8, "{out}");
}

#[test]
fn packets_and_lines_of_members_are_shown_and_handed_over() {
    let made = Archived::new();
    let case = text(&made.case);
    let report = made.report();
    let mut kinds = BTreeMap::new();
    let mut cited = std::collections::BTreeSet::new();
    for finding in report["findings"].as_array().unwrap() {
        for step in finding["steps"].as_array().unwrap() {
            for r in step["refs"].as_array().unwrap() {
                let kind = r["kind"].as_str().unwrap();
                kinds.entry(kind.to_owned()).or_insert_with(|| r.clone());
                cited.insert((r["evidence"].to_string(), r["offset"].to_string()));
            }
        }
    }
    assert_eq!(kinds.keys().collect::<Vec<_>>(), ["line", "packet"]);
    for (kind, r) in &kinds {
        let evidence = r["evidence"].as_str().unwrap();
        let name = match kind.as_str() {
            "packet" => format!("{evidence}:p{}", r["packet"]),
            _ => format!("{evidence}:line{}", r["line"]),
        };
        let show = ["show", case, &name, "--password", PASSWORD];
        let (out, _) = done(&[&show[..], &["-f", "json"]].concat(), 0);
        let found: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        assert_eq!(found["offset"], r["offset"], "{out}");
        assert!(!found["cited_by"].as_array().unwrap().is_empty(), "{out}");
        if kind == "line" {
            let words = found["text"].as_str().unwrap();
            assert!(words.contains(r["computer"].as_str().unwrap()), "{words}");
        }
        let (out, _) = done(&show, 0);
        assert!(out.contains("cited by AN"), "{out}");
        done(&[&show[..], &["-f", "hex"]].concat(), 0);
        let (_, said) = done(&["show", case, &name], 4);
        assert!(said.contains("give --password"), "{said}");
    }
    // A reference names the archive and the member, in every form the case is told in, and leads
    // there by its label, by the member's path and by the end of that.
    let line = kinds["line"]["line"].as_u64().unwrap();
    let evidence = kinds["line"]["evidence"].as_str().unwrap();
    assert_eq!(evidence, "E1!FS01-Security.xml");
    let name = format!("{evidence}:line{line}");
    for format in ["text", "md", "html"] {
        let (out, _) = done(&["report", case, "--format", format], 0);
        let place = format!("{evidence}:line");
        let wanted = match format {
            // Written so that it is shown as it is.
            "md" => evidence.replace('!', "\\!"),
            _ => place,
        };
        assert!(out.contains(&wanted), "{format}: {wanted}");
    }
    let archive = text(&made.archive);
    for format in ["text", "csv", "jsonl"] {
        let (out, _) = done(
            &["timeline", archive, "--password", PASSWORD, "-f", format],
            0,
        );
        assert!(out.contains("E1!FS01-Security.xml"), "{format}");
    }
    for other in ["E1!C/FS01-Security.xml", "e1!fs01-security.XML"] {
        let other = format!("{other}:line{line}");
        let (out, _) = done(&["show", case, &other, "--password", PASSWORD], 0);
        assert!(out.starts_with(&name), "{out}");
        assert!(out.contains("cited by AN"), "{out}");
    }
    for (wrong, why) in [
        ("E1:r884", "is an archive; name the member: E1!"),
        ("E1!Security.xml:line3", "has no evidence E1!Security.xml"),
        ("E2:p1", "it has E1 to E1"),
    ] {
        let (_, said) = done(&["show", case, wrong, "--password", PASSWORD], 4);
        assert!(said.contains(why), "{said}");
    }
    for format in ["text", "md", "html"] {
        let (out, _) = done(&["report", case, "--format", format], 0);
        // Text is wrapped between the archive and its member.
        assert!(out.contains("triage.zip"), "{format}");
        assert!(out.contains("wire/sensor.pcapng"), "{format}");
    }

    let slice = made.here.path().join("slice");
    let export = ["export", "--as", "evidence", case, "-o", text(&slice)];
    let (_, said) = done(&export, 4);
    assert!(said.contains("give --password"), "{said}");
    assert!(!slice.exists());
    done(&[&export[..], &["--password", PASSWORD]].concat(), 0);
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(slice.join("MANIFEST.json")).unwrap()).unwrap();
    let mut held = std::collections::BTreeSet::new();
    for file in manifest["files"].as_array().unwrap() {
        for item in file["items"].as_array().unwrap() {
            held.insert((file["evidence"].to_string(), item["offset"].to_string()));
            assert!(item["missing"].is_null(), "{item}");
        }
        // Each file is read like evidence, and holds as many records or packets as it says.
        let path = slice.join(file["name"].as_str().unwrap());
        let (out, _) = done(&["inventory", text(&path), "-f", "json"], 0);
        let read: Value = serde_json::from_str(&out).unwrap();
        let items = file["items"].as_array().unwrap().len();
        assert_eq!(read["evidence"][0]["units_read"], items, "{path:?} {out}");
    }
    assert_eq!(held, cited);
    // A line is handed over as it is.
    let line = &kinds["line"];
    let evidence = line["evidence"].as_str().unwrap();
    let rows = report["evidence"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == evidence).unwrap();
    let path = row["path"].as_str().unwrap();
    let whole = members()
        .into_iter()
        .find(|(name, _)| path.ends_with(name.as_str()))
        .unwrap()
        .1;
    let files = manifest["files"].as_array().unwrap();
    let file = files.iter().find(|f| f["evidence"] == evidence).unwrap();
    let part = std::fs::read_to_string(slice.join(file["name"].as_str().unwrap())).unwrap();
    let original = String::from_utf8(whole).unwrap();
    let at = usize::try_from(line["offset"].as_u64().unwrap()).unwrap();
    let words: String = original[at..].chars().take(200).collect();
    assert!(part.contains(&words), "{words}\n{part}");
}
