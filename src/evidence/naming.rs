//! What members of archives are called in references.
//!
//! A member is called by its archive and its own name, `E7!Security.evtx`; one of an archive within
//! by both names, `E7!inner.zip!Security.evtx`. Names are chosen by whoever packed the archive, and a
//! reference goes into shells, tables and spreadsheets, so
//!
//! * only the file name is used, and as much of its folders as tells it from others:
//!   `E7!WS01/Security.evtx`;
//! * `Microsoft-Windows-`, which begins most names of logs, is left out, and a name that is still
//!   longer than 40 characters loses its middle: `TerminalServices-Loc..%4Operational.evtx`;
//! * characters other than letters and digits of ASCII and `. _ - % + ( )` become `_`;
//! * what is the same after all that, upper and lower case aside, gets its number behind a `~`:
//!   `E7!Security.evtx~2`.
//!
//! No two files of a run have the same label. The list of evidence has the name as it is.

use std::collections::{BTreeMap, BTreeSet};

/// Characters of a part of a name, and what is kept of a longer one at its start and end.
const LONGEST: usize = 40;
const START: usize = 20;
const END: usize = 18;
/// Folders above a file that a label may name.
const FOLDERS: usize = 6;
/// Archives within each other that a label names; discovery opens fewer.
const LEVELS: usize = 8;
/// What begins the names of most logs.
const USUAL: &str = "Microsoft-Windows-";

/// The labels of the members of the archive that is called `archive`, in the order of their
/// `names`, in which an archive within stands before a `!`.
pub fn labels(archive: &str, names: &[&str]) -> Vec<String> {
    let mut labels: Vec<Option<String>> = vec![None; names.len()];
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for folders in 0..=FOLDERS {
        let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            if labels[at].is_none() {
                let key = short(name, folders).to_ascii_lowercase();
                alike.entry(key).or_default().push(at);
            }
        }
        for (key, members) in alike {
            if let [only] = members[..]
                && taken.insert(key)
            {
                labels[only] = Some(short(names[only], folders));
            }
        }
    }
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    names
        .iter()
        .zip(labels)
        .map(|(name, label)| {
            let label = label.unwrap_or_else(|| {
                let label = short(name, FOLDERS);
                let number = next.entry(label.to_ascii_lowercase()).or_default();
                *number += 1;
                // The tilde is in no name, so nothing else is called so.
                format!("{label}~{number}")
            });
            format!("{archive}!{label}")
        })
        .collect()
}

/// The name with so many of its folders at most.
fn short(name: &str, folders: usize) -> String {
    let levels: Vec<&str> = name.split('!').collect();
    let levels = &levels[levels.len().saturating_sub(LEVELS)..];
    let mut short = String::new();
    for level in levels {
        if !short.is_empty() {
            short.push('!');
        }
        let parts: Vec<&str> = level.split(['/', '\\']).filter(|p| !p.is_empty()).collect();
        let parts = &parts[parts.len().saturating_sub(folders + 1)..];
        let parts: Vec<String> = parts.iter().map(|part| plain(part)).collect();
        match parts.is_empty() {
            true => short.push('_'),
            false => short.push_str(&parts.join("/")),
        }
    }
    short
}

/// One part of a name in the characters of a reference.
fn plain(part: &str) -> String {
    let part = part
        .strip_prefix(USUAL)
        .filter(|rest| !rest.is_empty())
        .unwrap_or(part);
    let mut plain: Vec<char> = Vec::new();
    for c in part.chars() {
        plain.push(match c {
            '.' | '_' | '-' | '%' | '+' | '(' | ')' => c,
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        });
    }
    // `.` and `..` are folders wherever a label is taken for a path.
    if plain.iter().all(|c| *c == '.') {
        plain.fill('_');
    }
    if plain.len() > LONGEST {
        let end = plain.len() - END;
        return plain[..START]
            .iter()
            .chain(&['.', '.'])
            .chain(&plain[end..])
            .collect();
    }
    plain.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_member_is_called_by_its_file_name() {
        let names = [
            "C/Windows/System32/winevt/logs/Security.evtx",
            "C/Windows/System32/winevt/logs/Microsoft-Windows-Sysmon%4Operational.evtx",
            "inner.zip!logs\\System.evtx",
        ];
        assert_eq!(
            labels("E7", &names),
            [
                "E7!Security.evtx",
                "E7!Sysmon%4Operational.evtx",
                "E7!inner.zip!System.evtx",
            ]
        );
    }

    #[test]
    fn folders_are_named_where_files_are_called_alike() {
        let names = [
            "WS01/logs/Security.evtx",
            "WS02/logs/Security.evtx",
            "WS02/logs/System.evtx",
            "WS02/logs/SYSTEM.evtx",
            "WS02/logs/System.evtx",
        ];
        assert_eq!(
            labels("E7", &names),
            [
                "E7!WS01/logs/Security.evtx",
                "E7!WS02/logs/Security.evtx",
                "E7!WS02/logs/System.evtx~1",
                "E7!WS02/logs/SYSTEM.evtx~2",
                "E7!WS02/logs/System.evtx~3",
            ]
        );
    }

    #[test]
    fn a_long_name_loses_its_middle_and_a_hostile_one_its_teeth() {
        let long =
            "Microsoft-Windows-TerminalServices-LocalSessionManager%4Operational.evtx".to_owned();
        let endless = "A".repeat(10_000) + ".pcap";
        let names = [
            long.as_str(),
            endless.as_str(),
            "../../etc/\u{202e}x\u{1b}[31m'; rm -rf ~.evtx",
            "..",
            "",
        ];
        assert_eq!(
            labels("E7", &names),
            [
                "E7!TerminalServices-Loc..%4Operational.evtx",
                "E7!AAAAAAAAAAAAAAAAAAAA..AAAAAAAAAAAAA.pcap",
                "E7!_x__31m___rm_-rf__.evtx",
                "E7!__",
                "E7!_",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_two_labels_are_equal_and_all_are_short_and_plain(
            names in prop::collection::vec(
                prop_oneof!["[aA/!~._\\\\:%é]{0,6}", ".{0,80}", "(a/|b/){0,9}x(~1)?"],
                0..40,
            ),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let labels = labels("E1", &names);
            prop_assert_eq!(labels.len(), names.len());
            let apart: BTreeSet<String> =
                labels.iter().map(|label| label.to_ascii_lowercase()).collect();
            prop_assert_eq!(apart.len(), names.len());
            for label in &labels {
                let most = LEVELS * (FOLDERS + 1) * (LONGEST + 1) + 30;
                prop_assert!(label.len() <= most);
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-%+()~/!".contains(c);
                prop_assert!(label.chars().all(plain));
            }
        }
    }
}
