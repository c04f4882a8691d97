//! Every page of the project is a story that can be played, and the demo is fresh.

use casewire_lab::story::Story;
use std::path::{Path, PathBuf};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pages() -> Vec<PathBuf> {
    let mut folders = vec![project().join("testdata/incidents")];
    for analytic in std::fs::read_dir(project().join("src/analytics")).unwrap() {
        folders.push(analytic.unwrap().path().join("scenarios"));
    }
    let mut pages: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.sort();
    pages
}

fn read(path: &Path) -> Story {
    let text = std::fs::read_to_string(path).unwrap();
    Story::parse(&text).unwrap_or_else(|e| panic!("{}, {e}", path.display()))
}

#[test]
fn every_page_plays_and_says_why_and_what_it_expects() {
    let pages = pages();
    assert!(pages.len() > 100, "only {} pages found", pages.len());
    for path in pages {
        let story = read(&path);
        let name = path.display();
        assert!(!story.title.is_empty(), "{name} has no title");
        assert!(story.why.len() > 20, "{name} does not say why");
        assert!(
            !story.expect.is_empty(),
            "{name} expects nothing, not even none"
        );
        let evidence = story.play();
        assert!(!evidence.files.is_empty(), "{name} leaves no evidence");
        let size: usize = evidence.files.iter().map(|f| f.1.len()).sum();
        // A scan of all 65,536 ports is the largest there is.
        assert!(
            size < 8_000_000,
            "{name} makes {size} bytes; a story is small"
        );
    }
}

#[test]
fn every_scenario_says_its_kind() {
    for path in pages()
        .iter()
        .filter(|p| p.to_string_lossy().contains("scenarios"))
    {
        assert!(
            read(path).kind.is_some(),
            "{} has no line that begins with Kind:",
            path.display()
        );
    }
}

#[test]
fn the_demo_evidence_is_what_its_page_makes() {
    let evidence = read(&project().join("testdata/incidents/demo.md")).play();
    let folder = project().join("testdata/demo");
    let mut stored: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut made: Vec<String> = evidence.files.iter().map(|f| f.0.clone()).collect();
    stored.sort();
    made.sort();
    let again = "run: cargo run -p casewire-lab --bin lab -- write testdata/incidents/demo.md testdata/demo";
    assert_eq!(stored, made, "{again}");
    for (name, bytes) in &evidence.files {
        assert!(
            std::fs::read(folder.join(name)).unwrap() == *bytes,
            "{name} is stale; {again}"
        );
    }
}
