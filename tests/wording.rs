//! What casewire says of evidence names no actor and no intent, whatever it found.

use std::path::{Path, PathBuf};

/// Beginnings of words that say who or why.
const WORDS: [&str; 16] = [
    "attacker",
    "adversar",
    "hacker",
    "intruder",
    "culprit",
    "perpetrat",
    "criminal",
    "malicious",
    "villain",
    "victim",
    "compromis",
    "threat actor",
    "intent to",
    "intended to",
    "in order to steal",
    "guilty",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Lines of code, comments left out, with one of the words.
fn breaches(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .filter(|line| {
            let line = line.to_lowercase();
            WORDS.iter().any(|word| line.contains(word))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_template_names_an_actor_or_an_intent() {
    assert_eq!(
        breaches("say(\"the Attacker came\");\n// the attacker\n").len(),
        1
    );
    let mut files = Vec::new();
    for folder in [
        "src/analytics",
        "src/report",
        "src/case",
        "src/context",
        "src/cli",
    ] {
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut files,
        );
    }
    assert!(files.len() > 40);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        assert_eq!(breaches(text), Vec::<String>::new(), "{}", file.display());
    }
}

#[test]
fn no_report_of_the_demo_names_an_actor_or_an_intent() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/demo");
    let output = assert_cmd::Command::cargo_bin("casewire")
        .unwrap()
        .args(["analyze", demo])
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("INCIDENT 1"));
    assert_eq!(breaches(&page), Vec::<String>::new());
}
