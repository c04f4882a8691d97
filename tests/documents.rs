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
    for code in ["0", "1", "2", "3", "4", "5"] {
        assert!(readme.contains(&format!("| {code} |")), "exit code {code}");
    }
}

/// The casewire commands of a page's shell blocks, as argument lists.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside && line.starts_with("casewire ") {
            let mut arguments = vec![String::new()];
            let mut quoted = false;
            for c in line.split(" #").next().unwrap_or(line).trim_end().chars() {
                match c {
                    '"' => quoted = !quoted,
                    ' ' if !quoted => arguments.push(String::new()),
                    _ => arguments.last_mut().unwrap().push(c),
                }
            }
            found.push(arguments[1..].to_vec());
        }
    }
    found
}

#[test]
fn every_casewire_command_in_the_documents_runs() {
    assert_eq!(
        commands("casewire a\n```sh\ncasewire b \"c d\"\nls\n```\n"),
        [["b", "c d"]]
    );
    let mut files = vec![root().join("README.md")];
    pages(&root().join("docs"), &mut files);
    let mut run = 0;
    for file in files {
        // Each page in a folder of its own, with the evidence of this repository.
        let folder = tempfile::tempdir().unwrap();
        for name in ["evidence", "testdata/demo", "quiet-weeks"] {
            let evidence = folder.path().join(name);
            std::fs::create_dir_all(&evidence).unwrap();
            for entry in std::fs::read_dir(root().join("testdata/demo")).unwrap() {
                let path = entry.unwrap().path();
                std::fs::copy(&path, evidence.join(path.file_name().unwrap())).unwrap();
            }
        }
        for arguments in commands(&std::fs::read_to_string(&file).unwrap()) {
            let output = assert_cmd::Command::cargo_bin("casewire")
                .unwrap()
                .args(&arguments)
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert_eq!(
                output.status.code(),
                Some(0),
                "{}: casewire {arguments:?}: {}",
                file.display(),
                String::from_utf8_lossy(&output.stderr)
            );
            run += 1;
        }
    }
    assert!(run > 20, "only {run} commands were found");
}
