//! A case made of the demo, and how the program is run.

use assert_cmd::Command;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

pub const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");

pub fn casewire(arguments: &[&str]) -> Output {
    Command::cargo_bin("casewire")
        .unwrap()
        .args(arguments)
        .env_remove("CASEWIRE_CONFIG")
        .output()
        .unwrap()
}

#[track_caller]
pub fn done(arguments: &[&str], code: i32) -> (String, String) {
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

pub fn copied(into: &Path) -> PathBuf {
    let evidence = into.join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    for entry in std::fs::read_dir(DEMO).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, evidence.join(path.file_name().unwrap())).unwrap();
    }
    evidence
}

/// Evidence and its case, in a folder of their own.
pub struct Made {
    pub here: tempfile::TempDir,
    pub evidence: PathBuf,
    pub case: PathBuf,
}

impl Made {
    pub fn new() -> Self {
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

    pub fn report(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.case.join("report.json")).unwrap()).unwrap()
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Contents and modification times of everything in a folder.
pub fn tree(folder: &Path) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    names(folder)
        .into_iter()
        .map(|name| {
            let path = folder.join(&name);
            let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
            (name, (std::fs::read(path).unwrap(), modified))
        })
        .collect()
}
