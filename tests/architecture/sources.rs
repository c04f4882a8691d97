//! The files of the repository as text, and what of a source is code.
//!
//! No parser: it relies on rustfmt's layout, which the build checks.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// One file: path from the top of the repository with `/`, and text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path.
    pub path: String,
    /// Text; empty where it is not UTF-8.
    pub text: String,
}

impl Source {
    /// A file that is not there, to try a rule on.
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Lines outside tests, with their numbers; comments are blank.
    pub fn code(&self) -> Vec<(usize, &str)> {
        let mut code = Vec::new();
        let mut lines = self.text.lines().enumerate().peekable();
        while let Some((at, line)) = lines.next() {
            if line.trim() != "#[cfg(test)]" {
                code.push((at + 1, without_comment(line)));
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            // The item ends with its `;`, or with a closing brace at its own indentation.
            for (_, line) in lines.by_ref() {
                let flat = line.len() - line.trim_start().len() == indent;
                if flat && (line.trim_end().ends_with(';') || line.trim_start().starts_with('}')) {
                    break;
                }
            }
        }
        code
    }

    /// The code as one text.
    pub fn joined(&self) -> String {
        self.code()
            .iter()
            .map(|(_, line)| *line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Modules from the crate root to this file: `capture`, `attempts`, `tcp`.
    pub fn module(&self) -> Vec<&str> {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let inside = inside.strip_suffix(".rs").unwrap_or(inside);
        let inside = inside.strip_suffix("/mod").unwrap_or(inside);
        inside.split('/').collect()
    }
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.find(" // ").map_or(line, |at| &line[..at])
}

/// Every text file that is tracked, or would be with the next commit; where there is no git, every file but build output and dot-folders.
pub fn tracked() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["ls-files", "-z", "-co", "--exclude-standard"])
        .output();
    let mut paths: Vec<String> = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    if paths.is_empty() {
        walk(root, "", &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let bytes = std::fs::read(root.join(&path)).ok()?;
            Some(Source {
                text: String::from_utf8(bytes).unwrap_or_default(),
                path,
            })
        })
        .collect()
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if path == "target" || name == ".git" {
            continue;
        }
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{path}/"), found);
        } else {
            found.push(path);
        }
    }
}

/// The sources of the library and the binary, files that exist for tests only left out.
pub fn sources() -> Vec<Source> {
    let all: Vec<Source> = tracked()
        .into_iter()
        .filter(|s| s.path.starts_with("src/") && s.path.ends_with(".rs"))
        .collect();
    assert!(all.len() > 50, "the sources were not found");
    let mut tests_only = BTreeSet::new();
    for source in &all {
        let stem = source
            .path
            .trim_end_matches("mod.rs")
            .trim_end_matches(".rs");
        let folder = if stem.ends_with('/') {
            stem.to_owned()
        } else {
            format!("{stem}/")
        };
        let folder = if matches!(folder.as_str(), "src/lib/" | "src/main/") {
            "src/".to_owned()
        } else {
            folder
        };
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]") {
            let name = pair[1]
                .strip_suffix(';')
                .and_then(|item| item.split_once("mod "))
                .map(|(_, name)| name);
            tests_only.extend(name.map(|name| format!("{folder}{name}")));
        }
    }
    let for_tests = |path: &str| {
        tests_only
            .iter()
            .any(|t| path == format!("{t}.rs") || path.starts_with(&format!("{t}/")))
    };
    all.into_iter().filter(|s| !for_tests(&s.path)).collect()
}
