//! What hangs together between documents: links lead somewhere, the README's commands are the ones
//! that are run, every analytic's version stands in the changelog.

use casewire::investigate;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

/// Targets of `[text](target)` in this repository, code blocks left out.
fn links(text: &str) -> Vec<String> {
    let mut inside_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside_code = !inside_code;
        }
        if inside_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_link_leads_to_a_file_of_the_repository() {
    assert_eq!(
        links("[a](b.md#c) [d](https://e) [f](#g)\n```\n[x](y)\n```\n"),
        ["b.md"]
    );
    let mut files = vec![root().join("README.md")];
    for folder in ["docs", "testdata", "tests"] {
        pages(&root().join(folder), &mut files);
    }
    // A page of an analytic holds its folder's README, whose links are meant from `docs/analytics`.
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for link in links(&text) {
            let target = file.parent().unwrap().join(&link);
            assert!(target.exists(), "{}: {link} leads nowhere", file.display());
        }
    }
}

#[test]
fn the_readme_gives_one_command_to_run_and_one_to_test() {
    let readme = read("README.md");
    let starting = |with: &str| readme.lines().filter(|line| line.starts_with(with)).count();
    assert_eq!(
        starting("cargo run"),
        1,
        "the run command of the README is taken by .ci/run"
    );
    assert_eq!(
        starting("cargo test"),
        1,
        "the test command of the README is taken by .ci/run"
    );
}

#[test]
fn the_changelog_names_the_version_of_every_analytic() {
    let log = read("docs/CHANGELOG.md");
    for described in investigate::register(&[]).unwrap() {
        let about = &described.about;
        let entry = format!("{} {}", about.id, about.version);
        assert!(
            log.contains(&entry),
            "docs/CHANGELOG.md does not say what changed with {entry}"
        );
    }
    assert!(
        log.contains(&format!("## {}", env!("CARGO_PKG_VERSION"))),
        "the version is not in the changelog"
    );
}

#[test]
fn the_readme_tells_every_exit_code_that_the_help_tells() {
    let readme = read("README.md");
    for code in ["0", "1", "2", "3", "5"] {
        assert!(readme.contains(&format!("| {code} |")), "exit code {code}");
    }
}
