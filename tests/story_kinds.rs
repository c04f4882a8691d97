//! Every analytic has stories of every kind, so that nothing about it is only believed.

use casewire::analytics::register;
use casewire_lab::story::Story;
use std::collections::BTreeSet;
use std::path::Path;

const KINDS: [&str; 10] = [
    "fires",
    "one short",
    "out of order",
    "someone else's source",
    "approved",
    "half blind",
    "skewed clock",
    "across two capture files",
    "must not fire",
    "boundary",
];

fn kinds(folder: &Path) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let page = std::fs::read_to_string(entry.path()).expect("a page can be read");
        let story =
            Story::parse(&page).unwrap_or_else(|e| panic!("{}: {e}", entry.path().display()));
        let kind = story
            .kind
            .unwrap_or_else(|| panic!("{} names no kind", entry.path().display()));
        assert!(
            KINDS.contains(&kind.as_str()),
            "{}: there is no kind {kind:?}",
            entry.path().display()
        );
        kinds.insert(kind);
    }
    kinds
}

#[test]
fn every_analytic_has_stories_of_every_kind() {
    for entry in register::all() {
        let id = entry.about().id.to_lowercase().replace('-', "_");
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/analytics/{id}/scenarios"));
        let told = kinds(&folder);
        let missing: Vec<_> = KINDS.iter().filter(|k| !told.contains(**k)).collect();
        assert!(
            missing.is_empty(),
            "{id} has no story of the kinds {missing:?}"
        );
    }
}
