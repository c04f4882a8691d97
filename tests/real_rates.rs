//! How often each analytic is right and wrong on labelled real evidence: found, missed, false.
//!
//! Set `CASEWIRE_EVIDENCE` to the folder the evidence was unpacked into to run it; `.ci/run` does.
//! Without it the test says so and passes. The result is kept in `src/analytics/rates.txt`, from
//! where `casewire analytics show` and the pages of the analytics have it; `BLESS=1 cargo test --test
//! real_rates` writes it anew.

use assert_cmd::Command;
use casewire::analytics::rates::{Answer, Basis, Measured, Rate};
use casewire::investigate;
use casewire::model::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LABELS: &str = include_str!("real_rates.txt");
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/analytics/rates.txt");

/// Evidence that is read together, and what is said of it.
struct Piece {
    paths: Vec<PathBuf>,
    present: Vec<String>,
    absent: Vec<String>,
}

fn pieces(folder: &Path) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for line in LABELS
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
    {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [evidence, present, absent, source] = parts.as_slice() else {
            panic!("a label has four parts: {line}");
        };
        assert!(!source.is_empty(), "{line}");
        let ids = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let mut together = evidence.split(" + ").map(|path| folder.join(path));
        let first = together.next().unwrap();
        let each: Vec<Vec<PathBuf>> = if first.ends_with("*") {
            let mut files = Vec::new();
            below(first.parent().unwrap(), &mut files);
            files.sort();
            files.into_iter().map(|file| vec![file]).collect()
        } else {
            let beside = first.parent().unwrap().to_owned();
            let others = evidence.split(" + ").skip(1).map(|name| beside.join(name));
            vec![std::iter::once(first.clone()).chain(others).collect()]
        };
        pieces.extend(each.into_iter().map(|paths| Piece {
            paths,
            present: ids(present),
            absent: ids(absent),
        }));
    }
    pieces
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => below(&path, files),
            false => files.push(path),
        }
    }
}

fn report(paths: &[PathBuf]) -> Value {
    let output = Command::cargo_bin("casewire")
        .unwrap()
        .args(["analyze", "-q", "-f", "json"])
        .args(paths)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{paths:?}: {said}"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The weightiest finding of an analytic, itself or as a pattern that another finding has too.
fn answer(report: &Value, id: &str) -> Answer {
    let verdicts = report["verdicts"].as_array().unwrap();
    let mut of = verdicts.iter().filter(|row| row["analytic"] == id);
    let mut answer = match of.all(|row| row["verdict"] == "blind") {
        true => Answer::NotJudged,
        false => Answer::Nothing,
    };
    for finding in report["findings"].as_array().unwrap() {
        let also = finding["also_satisfies"].as_array().into_iter().flatten();
        let ids = also.chain(std::iter::once(&finding["analytic"]["id"]));
        if !finding["suppressed"].is_null() || !ids.into_iter().any(|of| of == id) {
            continue;
        }
        answer = answer.max(match finding["severity"].as_str().unwrap() {
            "info" | "low" => Answer::Low,
            _ => Answer::MediumOrMore,
        });
    }
    answer
}

fn measure(folder: &Path) -> Measured {
    let register = investigate::register(&[]).unwrap();
    let mut rates: BTreeMap<(&str, Basis), Rate> = BTreeMap::new();
    let mut hashes: Vec<String> = Vec::new();
    let pieces = pieces(folder);
    for piece in &pieces {
        let report = report(&piece.paths);
        for file in report["evidence"].as_array().unwrap() {
            hashes.push(file["hashes"]["sha256"].to_string());
        }
        let read = |what: &str| report["summary"]["events"][what].as_u64().unwrap() > 0;
        let basis = match (read("packets"), read("records")) {
            (_, false) => Basis::Packets,
            (false, true) => Basis::Logs,
            (true, true) => Basis::Both,
        };
        for described in &register {
            let about = &described.about;
            let said = |ids: &[String]| ids.iter().any(|id| id == about.id);
            let there = match (said(&piece.present), said(&piece.absent)) {
                (true, false) => true,
                (false, true) => false,
                (false, false) => continue,
                (true, true) => panic!("{}: both present and absent", piece.paths[0].display()),
            };
            let rate = rates.entry((about.id, basis)).or_insert_with(|| Rate {
                analytic: about.id.to_owned(),
                version: about.version.to_owned(),
                basis,
                present: [0; 4],
                absent: [0; 4],
            });
            let counts = if there {
                &mut rate.present
            } else {
                &mut rate.absent
            };
            counts[answer(&report, about.id) as usize] += 1;
        }
    }
    hashes.sort();
    hashes.dedup();
    let corpus = Sha256::digest(hashes.join("\n"));
    Measured {
        date: today(),
        corpus: corpus.iter().map(|b| format!("{b:02x}")).collect(),
        pieces: pieces.len() as u64,
        files: hashes.len() as u64,
        rates: rates.into_values().collect(),
    }
}

fn today() -> String {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(since.as_nanos() as i64).date()
}

#[test]
fn the_error_rates_that_are_told_are_those_of_the_labelled_evidence() {
    let Some(folder) = std::env::var_os("CASEWIRE_EVIDENCE") else {
        println!("skipped: set CASEWIRE_EVIDENCE");
        return;
    };
    let mut measured = measure(Path::new(&folder));
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    if let Some(kept) = Measured::parse(&kept).filter(|kept| {
        kept.rates == measured.rates
            && (&kept.corpus, kept.files) == (&measured.corpus, measured.files)
    }) {
        // Measured again with the same result: that is as old as it was.
        measured.date = kept.date;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(KEPT, measured.text()).unwrap();
    } else {
        assert_eq!(
            kept,
            measured.text(),
            "BLESS=1 cargo test --test real_rates"
        );
    }
}
