//! The rules of the house, held against the sources as text.
//!
//! Each rule is a function from sources to complaints. Each test shows the rule a breach first, so
//! that a rule that cannot complain fails, and then the sources, which must be without.

mod sources;

use sources::{Source, sources, tracked};
use std::collections::BTreeSet;

/// Modules from the bottom up; those of one row do not know each other.
const ORDER: [&[&str]; 12] = [
    &["model"],
    &["evidence"],
    &["capture", "eventlog", "stream"],
    &["context"],
    &["reading"],
    &["analytics"],
    &["config", "replay"],
    &["case"],
    &["report"],
    &["casefile"],
    &["investigate"],
    &["cli"],
];

/// Lines of code a source file may have; comments, empty lines and tests do not count.
const LINES: usize = 500;

/// What the repository holds at its top, beside dot-files.
const TOP: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "testdata",
    "tests",
    "docs",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|row| row.contains(&module))
}

/// The names that follow a path prefix: one, or those of a braced list.
fn heads(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(list) = rest.strip_prefix('{') else {
        return vec![name(rest)];
    };
    let (mut depth, mut parts, mut part) = (0_usize, Vec::new(), String::new());
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {}
        }
        if depth == 0 && c != ',' {
            part.push(c);
        }
    }
    parts.push(part);
    parts
        .iter()
        .map(|p| name(p))
        .filter(|n| !n.is_empty())
        .collect()
}

/// The top-level modules a file names, by `crate::` or by climbing with `super::`.
fn named_modules(source: &Source) -> BTreeSet<String> {
    let code = source.joined();
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names = heads(rest);
        // The macro of the settings lives in `analytics`.
        let is_macro = rest
            .strip_prefix("settings")
            .is_some_and(|r| r.starts_with('!'));
        named.extend(if is_macro {
            vec!["analytics".to_owned()]
        } else {
            names
        });
    }
    let mut rest = code.as_str();
    while let Some(at) = rest.find("super::") {
        rest = &rest[at..];
        let mut climbs = 0;
        while let Some(further) = rest.strip_prefix("super::") {
            climbs += 1;
            rest = further;
        }
        if climbs == source.module().len() {
            named.extend(heads(rest));
        }
    }
    named
}

fn modules_point_down(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let own = source.module()[0];
        if matches!(source.path.as_str(), "src/lib.rs" | "src/main.rs") {
            continue;
        }
        let Some(own_rank) = rank(own) else {
            complaints.push(format!(
                "{}: the module {own} has no place in the order",
                source.path
            ));
            continue;
        };
        for other in named_modules(source) {
            match rank(&other) {
                _ if other == own => {}
                Some(below) if below < own_rank => {}
                _ => complaints.push(format!("{}: {own} must not know {other}", source.path)),
            }
        }
    }
    complaints
}

fn analytics_are_strangers(sources: &[Source]) -> Vec<String> {
    let folder = |s: &Source| -> Option<String> {
        let (name, _) = s.path.strip_prefix("src/analytics/")?.split_once('/')?;
        Some(name.to_owned())
    };
    let all: BTreeSet<String> = sources
        .iter()
        .filter_map(folder)
        .filter(|name| name != "kit")
        .collect();
    let mut complaints = Vec::new();
    for source in sources {
        let Some(own) = folder(source) else { continue };
        for (at, line) in source.code() {
            let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            for word in words.filter(|w| **w != own && all.contains(*w)) {
                complaints.push(format!("{}:{at}: {own} must not know {word}", source.path));
            }
        }
    }
    complaints
}

fn found_in_code(sources: &[Source], words: &[&str], exempt: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources
        .iter()
        .filter(|s| !exempt.iter().any(|e| s.path.starts_with(e)))
    {
        for (at, line) in source.code() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                complaints.push(format!("{}:{at}: {word}", source.path));
            }
        }
    }
    complaints
}

/// No clock, no environment and no printing but in the command line.
fn the_library_is_silent_and_timeless(sources: &[Source]) -> Vec<String> {
    let words = [
        "SystemTime::now",
        "Instant::now",
        "Utc::now",
        "Local::now",
        "println!",
        "eprintln!",
        " print!(",
        "eprint!(",
        "dbg!(",
        "stdout()",
        "stderr()",
        "env::var",
    ];
    found_in_code(sources, &words, &["src/cli/", "src/main.rs"])
}

fn nothing_is_global(sources: &[Source]) -> Vec<String> {
    let words = [
        "static mut ",
        "thread_local!",
        "lazy_static!",
        "LazyLock",
        "OnceLock",
        "OnceCell",
        "LazyCell",
    ];
    let mut complaints = found_in_code(sources, &words, &[]);
    for source in sources {
        for (at, line) in source.code() {
            let item = line
                .trim_start()
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub ");
            let shared = ["Atomic", "Mutex", "RwLock", "Cell"]
                .iter()
                .any(|word| item.contains(word));
            if item.starts_with("static ") && shared {
                complaints.push(format!("{}:{at}: a global that changes", source.path));
            }
        }
    }
    complaints
}

fn files_have_one_idea(sources: &[Source]) -> Vec<String> {
    let lines = |s: &Source| {
        s.code()
            .iter()
            .filter(|(_, line)| !line.trim().is_empty())
            .count()
    };
    sources
        .iter()
        .filter(|s| lines(s) > LINES)
        .map(|s| {
            format!(
                "{}: {} lines of code; which second idea is in it?",
                s.path,
                lines(s)
            )
        })
        .collect()
}

fn names_say_something(files: &[Source]) -> Vec<String> {
    let empty_words = [
        "util", "utils", "helper", "helpers", "common", "manager", "misc", "shared",
    ];
    files
        .iter()
        .filter(|s| s.path.ends_with(".rs"))
        .filter(|s| {
            s.path
                .trim_end_matches(".rs")
                .split('/')
                .any(|part| empty_words.contains(&part))
        })
        .map(|s| format!("{}: a name that says nothing", s.path))
        .collect()
}

fn files_say_what_they_are_for(files: &[Source]) -> Vec<String> {
    files
        .iter()
        .filter(|s| s.path.ends_with(".rs") && !s.text.starts_with("//! "))
        .map(|s| format!("{}: does not begin with //!", s.path))
        .collect()
}

fn the_top_is_tidy(files: &[Source]) -> Vec<String> {
    let tops: BTreeSet<&str> = files
        .iter()
        .filter_map(|s| s.path.split('/').next())
        .collect();
    tops.into_iter()
        .filter(|top| !top.starts_with('.') && !TOP.contains(top))
        .map(|top| format!("{top}: does not belong at the top"))
        .collect()
}

/// Paths of the machine somebody happened to work on. Put together here so that this file is clean.
fn no_machine_is_named(files: &[Source]) -> Vec<String> {
    let folders = ["work", "tmp", "root", "home"].map(|folder| format!("/{folder}/"));
    let mut complaints = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            for folder in &folders {
                // `.../tmp/` inside a longer path or address names no machine.
                let bare = line.match_indices(folder.as_str()).any(|(i, _)| {
                    !line[..i].ends_with(|c: char| c.is_alphanumeric() || ".-_}$".contains(c))
                });
                if bare {
                    complaints.push(format!("{}:{}: {folder}", file.path, at + 1));
                }
            }
        }
    }
    complaints
}

fn members_take_the_lints(files: &[Source]) -> Vec<String> {
    files
        .iter()
        .filter(|s| s.path.ends_with("Cargo.toml") && !s.text.contains("[lints]\nworkspace = true"))
        .map(|s| format!("{}: does not take the lints of the workspace", s.path))
        .collect()
}

/// Shows the rule a breach, then the files.
#[track_caller]
fn holds(rule: fn(&[Source]) -> Vec<String>, files: &[Source], breaches: &[(&str, &str)]) {
    for (path, text) in breaches {
        assert!(
            !rule(&[Source::new(path, text)]).is_empty(),
            "the rule lets this pass: {path}: {text}"
        );
    }
    let complaints = rule(files);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn modules_know_only_those_below_them() {
    let breaches = [
        ("src/model/time.rs", "use crate::evidence::Kind;"),
        ("src/capture/mod.rs", "use crate::eventlog::Record;"),
        (
            "src/eventlog/mod.rs",
            "use crate::{model::Event, capture::packet::Packet};",
        ),
        ("src/stream/mod.rs", "use super::context::Context;"),
        (
            "src/context/clocks.rs",
            "use super::super::{model, analytics::kit};",
        ),
        ("src/replay/run.rs", "fn f() -> crate::case::Case {}"),
        ("src/report/json/mod.rs", "use crate::investigate::Request;"),
        ("src/context/mod.rs", "crate::settings! {}"),
        ("src/novel/mod.rs", ""),
    ];
    holds(modules_point_down, &sources(), &breaches);
    let fine = Source::new(
        "src/context/mod.rs",
        "use crate::eventlog::X;\n#[cfg(test)]\nuse crate::case::Y;\n",
    );
    assert!(
        modules_point_down(&[fine]).is_empty(),
        "tests may know everything"
    );
}

#[test]
fn analytics_do_not_know_each_other() {
    let files = sources();
    let pair = [
        Source::new(
            "src/analytics/an0842/mod.rs",
            "use super::an1448::Signalling;",
        ),
        Source::new("src/analytics/an1448/mod.rs", ""),
    ];
    assert_eq!(analytics_are_strangers(&pair).len(), 1);
    let kit = [
        Source::new(
            "src/analytics/kit/door.rs",
            "use crate::analytics::an1448::State;",
        ),
        Source::new("src/analytics/an1448/mod.rs", ""),
    ];
    assert_eq!(analytics_are_strangers(&kit).len(), 1);
    holds(analytics_are_strangers, &files, &[]);
}

#[test]
fn the_library_reads_no_clock_and_prints_nothing() {
    let breaches = [
        (
            "src/capture/reader.rs",
            "let now = std::time::Instant::now();",
        ),
        ("src/report/words.rs", "    println!(\"x\"); // for now"),
        ("src/evidence/mod.rs", "std::env::var(\"TZ\")"),
    ];
    holds(the_library_is_silent_and_timeless, &sources(), &breaches);
}

#[test]
fn there_is_no_global_state() {
    let breaches = [
        ("src/capture/reader.rs", "static mut COUNT: u64 = 0;"),
        ("src/capture/reader.rs", "    thread_local! { }"),
        (
            "src/cli/mod.rs",
            "pub static SEEN: AtomicU64 = AtomicU64::new(0);",
        ),
    ];
    holds(nothing_is_global, &sources(), &breaches);
}

#[test]
fn a_file_holds_one_idea() {
    let long = "let x = 1;\n".repeat(LINES + 1);
    holds(
        files_have_one_idea,
        &sources(),
        &[("src/case/mod.rs", &long)],
    );
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let breaches = [("src/capture/utils.rs", ""), ("tests/common/mod.rs", "")];
    holds(names_say_something, &tracked(), &breaches);
}

#[test]
fn every_file_says_what_it_is_for() {
    let breaches = [("src/case/mod.rs", "use crate::model;"), ("tests/x.rs", "")];
    holds(files_say_what_they_are_for, &tracked(), &breaches);
}

#[test]
fn nothing_lies_about_at_the_top_of_the_repository() {
    holds(
        the_top_is_tidy,
        &tracked(),
        &[("notes.txt", ""), ("scripts/x.sh", "")],
    );
}

#[test]
fn no_file_names_a_machine() {
    let breach = format!("see /{}/notes.md", "work");
    holds(no_machine_is_named, &tracked(), &[("docs/x.md", &breach)]);
}

#[test]
fn every_package_of_the_workspace_takes_its_lints() {
    holds(
        members_take_the_lints,
        &tracked(),
        &[("tests/new/Cargo.toml", "[package]\n")],
    );
}
