//! Commands that show the cited packets and records with other tools.
//!
//! Paths are evidence text too: they are quoted so that a shell sees one argument whatever the name
//! holds, and the printed line holds printable characters only.

use super::page::Page;
use crate::case::Case;
use crate::model::EvidenceId;
use crate::model::finding::Finding;
use crate::model::hex::hex;
use crate::model::provenance::Item;
use crate::report::about::places;
use crate::report::escape::{cells, units, vis};
use std::collections::{BTreeMap, BTreeSet};

/// Packets or records named per file; more are counted.
const NAMED: usize = 60;
/// Windows refuses event queries with many more terms than this.
const TERMS: usize = 20;

pub(super) fn write(case: &Case, finding: &Finding, page: &mut Page) {
    let mut cited: BTreeMap<EvidenceId, BTreeSet<u64>> = BTreeMap::new();
    for step in &finding.steps {
        for place in places(&step.event, &step.also) {
            cited.entry(place.evidence).or_default().insert(place.item);
        }
    }
    let files: Vec<CitedFile<'_>> = cited
        .into_iter()
        .filter_map(|(id, items)| {
            let file = case.evidence(id)?;
            Some(CitedFile {
                id: case.labels.file(id).into_owned(),
                path: &file.path,
                kind: &file.kind,
                member: file.archive.is_some(),
                unit: file.unit,
                items: items.into_iter().collect(),
                apart: apart(&case.evidence, file, |row| &row.path).then(|| digest(file.sha256)),
            })
        })
        .collect();
    if files.is_empty() {
        return;
    }
    page.heading(HEADING);
    commands(&files, page);
}

/// What stands above the commands: their paths are those of the list of evidence.
pub(in crate::report) const HEADING: &str = "Check by hand (in the folder that was given)";

/// A file, and what is cited of it.
pub(in crate::report) struct CitedFile<'a> {
    /// Its number, `E1`.
    pub id: String,
    /// Its path, as shown.
    pub path: &'a str,
    /// `pcap`, `evtx` …
    pub kind: &'a str,
    /// A member of an archive.
    pub member: bool,
    /// What is cited: packets, records or lines.
    pub unit: Item,
    /// Their numbers, rising.
    pub items: Vec<u64>,
    /// Where another file of the case has the same path as shown: its SHA-256, by which it is told from
    /// that one; empty if it was not hashed.
    pub apart: Option<String>,
}

/// True if another of `all` has the path of `one`.
pub(in crate::report) fn apart<T>(all: &[T], one: &T, path: impl Fn(&T) -> &str) -> bool {
    all.iter().filter(|row| path(row) == path(one)).count() > 1
}

/// The commands for each file.
pub(in crate::report) fn commands(files: &[CitedFile<'_>], page: &mut Page) {
    for file in files {
        if let Some(sha256) = &file.apart {
            let hash = match sha256.as_str() {
                "" => String::new(),
                hash => format!(", SHA-256 {}..", hash.get(..16).unwrap_or(hash)),
            };
            page.hanging(
                2,
                &format!("{}: ", file.id),
                &format!("one of several files of this name{hash}"),
            );
        }
        if file.path.contains(char::REPLACEMENT_CHARACTER) {
            page.hanging(
                2,
                &format!("{}: ", file.id),
                "its name holds bytes that cannot be printed: put the name as it is into the command",
            );
        }
        let left_out = file.items.len().saturating_sub(NAMED);
        let items = &file.items[..file.items.len().min(NAMED)];
        let each = || {
            let each: Vec<String> = items.iter().map(u64::to_string).collect();
            each.join(", ")
        };
        let what = match file.unit {
            Item::Packet => "packet",
            Item::Record => "event record",
            Item::Line => "line",
        };
        match file.unit {
            // No other tool reads a member where it lies.
            _ if file.member => {
                let place = file.path.replacen('!', ", in its member ", 1);
                page.hanging(
                    2,
                    &format!("{}: ", file.id),
                    &format!("unpack it, then look at {what} {} in {place}", each()),
                );
            }
            Item::Packet => tshark(file, items, page),
            Item::Record if file.kind == "evtx" => get_win_event(file, items, page),
            Item::Record | Item::Line => page.hanging(
                2,
                &format!("{}: ", file.id),
                &format!("{what} {} in {}", each(), file.path),
            ),
        }
        if left_out > 0 {
            page.text(
                2,
                &format!("and {left_out} more of {}, listed in -f json", file.id),
            );
        }
    }
}

/// Empty for no hash.
fn digest(hash: Option<[u8; 32]>) -> String {
    hash.map_or_else(String::new, |hash| hex(&hash))
}

fn tshark(file: &CitedFile<'_>, items: &[u64], page: &mut Page) {
    let filter = terms(items, ("frame.number in {", "}"), "", ",");
    let path = posix(file.path, page.width);
    command(page, "tshark -r", &path, "-Y", &filter, " \\");
}

fn get_win_event(file: &CitedFile<'_>, items: &[u64], page: &mut Page) {
    let path = powershell(file.path, page.width);
    for items in items.chunks(TERMS) {
        let filter = terms(items, ("*[System[", "]]"), "EventRecordID=", " or ");
        command(
            page,
            "Get-WinEvent -Path",
            &path,
            "-FilterXPath",
            &filter,
            " `",
        );
    }
}

/// A filter in quotes that are open already: a term for each number, what stands between them, and what stands
/// around all.
fn terms(items: &[u64], around: (&str, &str), before: &str, between: &str) -> Vec<String> {
    let last = items.len().saturating_sub(1);
    let term = |(i, item): (usize, &u64)| {
        let open = if i == 0 { around.0 } else { "" };
        match i == last {
            true => format!("{open}{before}{item}{}\"", around.1),
            false => format!("{open}{before}{item}{between}"),
        }
    };
    items.iter().enumerate().map(term).collect()
}

/// One command. A filter that is too long for its line goes on within its quotes, which every shell
/// understands and both languages take for a blank; what stands before is broken with the shell's own mark,
/// and only where a path leaves no choice.
fn command(
    page: &mut Page,
    program: &str,
    path: &[String],
    option: &str,
    filter: &[String],
    broken: &str,
) {
    let option = format!("{option} \"");
    let head = path
        .first()
        .map_or_else(String::new, |path| format!("  {program} {path}"));
    let fits = |end: &str| path.len() == 1 && cells(&head) + cells(end) <= page.width;
    let mut line = format!("    {option}");
    // tshark takes a filter that begins on the next line; of Windows that is not known.
    let first = match broken {
        " \\" => "",
        _ => filter.first().map_or("", |term| term.trim_end()),
    };
    if fits(&format!(" {option}{first}")) {
        line = format!("{head} {option}");
    } else if fits(broken) {
        page.command(&format!("{head}{broken}"));
    } else {
        page.command(&format!("  {program}{broken}"));
        for (i, piece) in path.iter().enumerate() {
            // Later pieces of a POSIX word must touch the end of the piece before: no indent.
            let indent = match (i, broken) {
                (0, _) => "    ",
                (_, " \\") => "",
                _ => "     ",
            };
            let last = i + 1 == path.len();
            let end = match (last, broken) {
                (true, mark) => mark,
                (false, " \\") => "\\",
                (false, _) => "",
            };
            page.command(&format!("{indent}{piece}{end}"));
        }
    }
    for term in filter {
        if cells(&line) + cells(term.trim_end()) > page.width {
            page.command(line.trim_end());
            line = "    ".to_owned();
        }
        line.push_str(term);
    }
    page.command(&line);
}

/// The path as one POSIX shell word, in pieces that fit a line each: bare, in single quotes, or, if
/// `vis` would have to change it, in `$'..'` with byte escapes (bash, zsh, POSIX 2024).
fn posix(path: &str, width: usize) -> Vec<String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._-/+:@%,".contains(c);
    let room = width.saturating_sub(10).max(20);
    let path = if path.starts_with('-') {
        format!("./{path}")
    } else {
        path.to_owned()
    };
    if !path.is_empty() && path.chars().all(bare) && path.len() <= room {
        return vec![path];
    }
    if vis(&path) == path {
        let quoted = units(&path).map(|unit| match unit.text.as_str() {
            "'" => "'\\''".to_owned(),
            _ => unit.text,
        });
        return pieces(quoted, room)
            .into_iter()
            .map(|piece| format!("'{piece}'"))
            .collect();
    }
    let escaped = path.bytes().map(|b| match b {
        b'\\' | b'\'' => format!("\\{b:03o}"),
        b' '..=b'~' => char::from(b).to_string(),
        _ => format!("\\{b:03o}"),
    });
    pieces(escaped, room)
        .into_iter()
        .map(|piece| format!("$'{piece}'"))
        .collect()
}

/// The path as one PowerShell expression, in pieces that fit a line each. `-Path` takes wildcards,
/// so those are escaped with a backtick.
fn powershell(path: &str, width: usize) -> Vec<String> {
    let room = width.saturating_sub(12).max(20);
    let wildcard = |c: char| matches!(c, '[' | ']' | '*' | '?' | '`');
    let found: Vec<String> = if vis(path) == path {
        let quoted = units(path).map(|unit| match unit.text.as_str() {
            // PowerShell takes the typographic quotes for single quotes too.
            quote @ ("'" | "\u{2018}" | "\u{2019}" | "\u{201a}" | "\u{201b}") => quote.repeat(2),
            one if one.chars().all(wildcard) => format!("`{one}"),
            _ => unit.text,
        });
        pieces(quoted, room)
            .into_iter()
            .map(|p| format!("'{p}'"))
            .collect()
    } else {
        let spelled = path.chars().map(|c| {
            if c.is_ascii_alphanumeric() || " ._-/:%@+,(){}".contains(c) {
                c.to_string()
            } else if wildcard(c) && c != '`' {
                format!("``{c}")
            } else {
                format!("$([char]::ConvertFromUtf32({}))", u32::from(c))
            }
        });
        pieces(spelled, room)
            .into_iter()
            .map(|p| format!("\"{p}\""))
            .collect()
    };
    if found.len() == 1 {
        found
    } else {
        joined(found)
    }
}

fn joined(mut pieces: Vec<String>) -> Vec<String> {
    let last = pieces.len() - 1;
    for (i, piece) in pieces.iter_mut().enumerate() {
        let open = if i == 0 { "(" } else { "" };
        let close = if i == last { ")" } else { " +" };
        *piece = format!("{open}{piece}{close}");
    }
    pieces
}

/// Units packed into pieces of at most `room` cells; at least one piece.
fn pieces(units: impl Iterator<Item = String>, room: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    for unit in units {
        match all.last_mut() {
            Some(last) if last.is_empty() || cells(last) + cells(&unit) <= room => {
                last.push_str(&unit);
            }
            _ => all.push(unit),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_are_told_apart() {
        let mut case = crate::report::samples::case();
        let shown = |case: &Case| {
            let style = crate::report::text::Style::default();
            crate::report::text::render(case, &style)
        };
        assert!(!shown(&case).contains("one of several"));
        let path = case.evidence[0].path.clone();
        case.evidence[1].path = path;
        let told = shown(&case);
        for (id, hash) in [
            ("E1", case.evidence[0].sha256),
            ("E2", case.evidence[1].sha256),
        ] {
            let hash = digest(hash);
            let hash = &hash[..16];
            let line = format!("  {id}: one of several files of this name, SHA-256 {hash}..\n");
            assert!(told.contains(&line), "{line}{told}");
        }
        let report = crate::report::json::shaped(&case);
        let read = crate::report::record::check(&report, &report.findings[0]);
        assert!(
            read.iter()
                .any(|line| line.as_str().contains("E1: one of several"))
        );
    }

    #[test]
    fn a_name_that_cannot_be_printed_is_told_as_such() {
        let mut case = crate::report::samples::case();
        let told = |case: &Case| {
            let style = crate::report::text::Style::default();
            crate::report::text::render(case, &style).contains("bytes that cannot be printed")
        };
        assert!(!told(&case));
        case.evidence[0].path = "bad\u{fffd}.pcapng".to_owned();
        assert!(told(&case));
    }

    #[test]
    fn a_path_is_one_shell_word_whatever_it_holds() {
        for (path, word) in [
            ("edge-span.pcapng", "edge-span.pcapng"),
            ("a b.pcap", "'a b.pcap'"),
            ("-w.pcap", "./-w.pcap"),
            ("$(reboot).pcap", "'$(reboot).pcap'"),
            ("it's.pcap", r"'it'\''s.pcap'"),
            ("a\nb'.pcap", r"$'a\012b\047.pcap'"),
            ("R\u{e9}seau.pcap", "'R\u{e9}seau.pcap'"),
            ("x\u{202e}y", r"$'x\342\200\256y'"),
            (r"C:\x1b", r"$'C:\134x1b'"),
        ] {
            assert_eq!(posix(path, 80), [word], "{path:?}");
        }
    }

    #[test]
    fn a_path_is_one_powershell_expression_whatever_it_holds() {
        for (path, expression) in [
            (r"C:\logs\Security.evtx", r"'C:\logs\Security.evtx'"),
            ("it's $(x).evtx", "'it''s $(x).evtx'"),
            ("\u{2019}; x", "'\u{2019}\u{2019}; x'"),
            ("a[1].evtx", "'a`[1`].evtx'"),
            (
                "a\nb$c",
                "\"a$([char]::ConvertFromUtf32(10))b$([char]::ConvertFromUtf32(36))c\"",
            ),
        ] {
            assert_eq!(powershell(path, 200), [expression], "{path:?}");
        }
    }

    #[test]
    fn a_broken_path_keeps_marks_with_their_letters() {
        let path = "e\u{301}".repeat(200);
        for width in [60, 61] {
            for piece in posix(&path, width).iter().chain(&powershell(&path, width)) {
                assert_eq!(&vis(piece), piece);
                assert!(cells(piece) + 5 <= width);
            }
        }
    }

    fn shown(path: &str, kind: &str, unit: Item, items: std::ops::Range<u64>) -> String {
        let file = CitedFile {
            id: "E1".to_owned(),
            path,
            kind,
            member: false,
            unit,
            items: items.collect(),
            apart: None,
        };
        let mut page = Page::new(&crate::report::text::Style::default());
        commands(&[file], &mut page);
        page.finish()
    }

    #[test]
    fn a_long_filter_goes_on_within_its_quotes() {
        let told = shown("a.pcap", "pcap", Item::Packet, 100_000..100_030);
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[0].starts_with("  tshark -r a.pcap -Y \"frame.number in {100000,"));
        assert!(
            lines
                .iter()
                .all(|line| cells(line) <= 80 && !line.ends_with('\\'))
        );
        assert_eq!(told.matches("tshark").count(), 1, "{told}");
        assert_eq!(told.matches('"').count(), 2, "{told}");
        let joined = told.replace("\n    ", "");
        assert!(joined.ends_with(",100028,100029}\"\n"), "{told}");
    }

    #[test]
    fn windows_is_asked_for_twenty_records_at_a_time() {
        let told = shown("a b.evtx", "evtx", Item::Record, 1..31);
        assert_eq!(
            told.matches("Get-WinEvent -Path 'a b.evtx' -FilterXPath \"*[System[")
                .count(),
            2
        );
        let one = told.replace("\n    ", " ");
        assert!(
            one.contains("[System[EventRecordID=1 or EventRecordID=2 or "),
            "{told}"
        );
        assert!(one.contains("or EventRecordID=20]]\"\n"), "{told}");
        assert!(one.ends_with("EventRecordID=30]]\"\n"), "{told}");
    }

    #[test]
    fn a_path_that_leaves_no_room_is_broken_with_the_mark_of_its_shell() {
        let long = "x".repeat(100);
        let told = shown(&format!("{long}.pcap"), "pcap", Item::Packet, 1..3);
        assert!(told.starts_with("  tshark -r \\\n    '"), "{told}");
        assert!(
            told.ends_with("    -Y \"frame.number in {1,2}\"\n"),
            "{told}"
        );
    }

    #[test]
    fn a_path_broken_over_lines_is_one_word_to_its_shell() {
        let path = format!("{}.pcap", "x".repeat(100));
        let told = shown(&path, "pcap", Item::Packet, 1..3);
        assert!(told.lines().all(|line| cells(line) <= 80), "{told}");
        assert!(told.lines().count() > 3, "{told}");
        let joined = told.replace("\\\n", "");
        let words: Vec<&str> = joined.split_whitespace().collect();
        assert_eq!(words[..2], ["tshark", "-r"], "{told}");
        assert_eq!(words[2].replace('\'', ""), path, "{told}");
        assert_eq!(words[3], "-Y", "{told}");
    }

    #[test]
    fn a_path_broken_over_lines_is_one_expression_to_powershell() {
        let path = format!("{}.evtx", "x".repeat(100));
        let told = shown(&path, "evtx", Item::Record, 1..3);
        assert!(
            told.starts_with("  Get-WinEvent -Path `\n    ('x"),
            "{told}"
        );
        assert!(told.lines().all(|line| cells(line) <= 80), "{told}");
        // Within brackets PowerShell goes on by itself: a mark there would end the word.
        let (inside, _) = told.split_once(')').unwrap();
        assert_eq!(inside.matches('`').count(), 1, "{told}");
        let (_, inside) = inside.split_once('(').unwrap();
        let quotes: Vec<&str> = inside.split(" +\n").map(str::trim).collect();
        assert!(quotes.len() > 1, "{told}");
        assert_eq!(quotes.concat().replace('\'', ""), path, "{told}");
    }
}
