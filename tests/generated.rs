//! Documents that are made from the code or from the evidence in the repository, held to it: a page
//! per analytic, their index, the settings, the examples in the README, the list of test evidence.
//! `BLESS=1 cargo test --test generated` writes them anew.

use casewire::analytics::about::Described;
use casewire::casefile::slice;
use casewire::investigate;
use casewire::report::export::Format;
use casewire::report::markdown;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const ANEW: &str = "BLESS=1 cargo test --test generated";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn register() -> Vec<Described> {
    investigate::register(&[]).unwrap()
}

/// The source folder of an analytic.
fn folder(id: &str) -> PathBuf {
    root()
        .join("src/analytics")
        .join(id.to_lowercase().replace('-', "_"))
}

fn note(from: &str) -> String {
    format!("<!-- Made from {from} by `{ANEW}`. Change it there. -->\n\n")
}

/// The page of one analytic, with the hand-written part of its folder behind it.
fn page(described: &Described) -> String {
    let id = described.about.id;
    let from = folder(id);
    let shown = from.strip_prefix(root()).unwrap().display().to_string();
    let mut page = note(&shown) + &markdown::analytic(described);
    if let Ok(by_hand) = std::fs::read_to_string(from.join("README.md")) {
        page.push_str(&demoted(&by_hand));
    }
    page.trim_end().to_owned() + "\n"
}

/// The same Markdown one heading level lower; code blocks are left alone.
fn demoted(text: &str) -> String {
    let mut inside_code = false;
    let mut out = String::new();
    for line in text.lines() {
        inside_code ^= line.starts_with("```");
        if line.starts_with('#') && !inside_code {
            out.push('#');
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn index(register: &[Described]) -> String {
    let mut page = note("the register of analytics");
    page.push_str(
        "# Analytics\n\n| Id | Version | What it looks for | ATT&CK |\n|---|---|---|---|\n",
    );
    for described in register {
        let about = &described.about;
        let techniques: Vec<String> = about
            .technique
            .iter()
            .map(|(id, name)| format!("{id} {name}"))
            .collect();
        let _ = writeln!(
            page,
            "| [{0}]({0}.md) | {1} | {2} | {3} |",
            about.id,
            about.version,
            about.name,
            techniques.join(", ")
        );
    }
    page
}

/// `text` with what stands between `<!-- name -->` and `<!-- /name -->` replaced.
fn with_section(text: &str, name: &str, section: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = text
        .find(&open)
        .unwrap_or_else(|| panic!("the line {open:?} is missing"))
        + open.len();
    let end = start
        + text[start..]
            .find(&close)
            .unwrap_or_else(|| panic!("{close:?} is missing"));
    format!("{}{}{}", &text[..start], section, &text[end..])
}

/// The first incident that `analyze testdata/demo` prints.
fn first_incident() -> String {
    let output = assert_cmd::Command::cargo_bin("casewire")
        .unwrap()
        .current_dir(root())
        .args(["analyze", "testdata/demo", "--width", "80"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let start = text
        .find("\nINCIDENT 1 of ")
        .expect("the demo has an incident")
        + 1;
    let end = text[start..]
        .find("\nINCIDENT 2 of ")
        .or_else(|| text[start..].find("\nCoverage"))
        .expect("the first incident ends")
        + start;
    text[start..end].trim_end().to_owned()
}

/// What `inventory testdata/demo` prints of clocks, gaps and coverage, without the head.
fn inventory_of_demo() -> String {
    let output = assert_cmd::Command::cargo_bin("casewire")
        .unwrap()
        .current_dir(root())
        .args(["inventory", "testdata/demo", "--width", "80"])
        .args(["--section", "clocks", "--section", "gaps"])
        .args(["--section", "coverage"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let start = text.find("\nCLOCKS").expect("the section asked for") + 1;
    text[start..].trim_end().to_owned()
}

/// What each export loses, in its own words.
fn losses() -> String {
    let formats = Format::ALL.into_iter();
    let told = |format: Format| {
        let suppressed = match format.tells_suppressed() {
            true => "",
            false => "; incidents that a rule suppresses are not in it, and it says so",
        };
        let loss = format
            .loss()
            .map_or("nothing".to_owned(), |l| format!("{l}{suppressed}"));
        (format.name(), loss)
    };
    let all = formats
        .map(told)
        .chain([("evidence", slice::LOSS.to_owned())]);
    all.map(|(name, loss)| format!("* `{name}`: {loss}.\n"))
        .collect()
}

/// Every file of the test evidence with size and SHA-256.
fn evidence_list() -> String {
    let mut files = Vec::new();
    collect(&root().join("testdata"), &mut files);
    let mut list = "| File | Bytes | SHA-256 |\n|---|---|---|\n".to_owned();
    for path in files {
        let shown = path
            .strip_prefix(root().join("testdata"))
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        if shown == "README.md" {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let _ = writeln!(list, "| `{shown}` | {} | `{digest}` |", bytes.len());
    }
    list
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Every generated file and what it should hold.
fn wanted() -> Vec<(PathBuf, String)> {
    let register = register();
    let analytics = root().join("docs/analytics");
    let mut files: Vec<(PathBuf, String)> = register
        .iter()
        .map(|d| (analytics.join(format!("{}.md", d.about.id)), page(d)))
        .collect();
    files.push((analytics.join("README.md"), index(&register)));
    files.push((
        root().join("docs/configuration.md"),
        note("the settings that the analytics declare")
            + markdown::configuration(&register).trim_end()
            + "\n",
    ));
    files.push((
        root().join("docs/severity.md"),
        note("src/analytics/*/severity.rs") + casewire::report::severity::page().trim_end() + "\n",
    ));
    let mut sections = |path: &str, with: &[(&str, String)]| {
        let path = root().join(path);
        let held = std::fs::read_to_string(&path).unwrap();
        let replace =
            |text: String, (name, section): &(&str, String)| with_section(&text, name, section);
        files.push((path, with.iter().fold(held, replace)));
    };
    let block = |text: String| format!("```text\n{text}\n```\n");
    sections("docs/case-folder.md", &[("losses", losses())]);
    sections("testdata/README.md", &[("files", evidence_list())]);
    sections(
        "README.md",
        &[
            ("demo", block(first_incident())),
            ("inventory", block(inventory_of_demo())),
        ],
    );
    files
}

#[test]
fn the_generated_pages_say_what_the_code_says() {
    for (path, text) in wanted() {
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let held = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(held == text, "{} is stale; run {ANEW}", path.display());
    }
}

#[test]
fn a_section_is_replaced_and_nothing_around_it() {
    let text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
    assert_eq!(
        with_section(text, "x", "new\n"),
        "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n"
    );
}

#[test]
fn no_page_is_left_of_an_analytic_that_is_gone() {
    let known: BTreeSet<PathBuf> = wanted().into_iter().map(|(path, _)| path).collect();
    for entry in std::fs::read_dir(root().join("docs/analytics")).unwrap() {
        let path = entry.unwrap().path();
        assert!(
            known.contains(&path),
            "{} belongs to no analytic; delete it",
            path.display()
        );
    }
}

#[test]
fn every_analytic_is_explained_by_hand_too() {
    for described in register() {
        let readme = folder(described.about.id).join("README.md");
        assert!(
            readme.is_file(),
            "{} is missing: explain the logic there",
            readme.display()
        );
    }
}

#[test]
fn a_heading_is_demoted_and_a_comment_in_code_is_not() {
    assert_eq!(
        demoted("# A\n```sh\n# b\n```\n## C\n"),
        "## A\n```sh\n# b\n```\n### C\n"
    );
}

#[test]
fn the_command_line_prints_the_same_page() {
    for described in register() {
        let output = assert_cmd::Command::cargo_bin("casewire")
            .unwrap()
            .args(["analytics", "show", described.about.id, "--format", "md"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            markdown::analytic(&described)
        );
    }
}
