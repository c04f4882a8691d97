//! A case made of an encrypted archive: verified, shown and handed over through it.

use super::made::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The demo as triage tools hand it over: an encrypted archive with the capture as it is, one log
/// of FS01 as JSON lines, the others as XML.
struct Archived {
    here: tempfile::TempDir,
    archive: PathBuf,
    case: PathBuf,
}

const PASSWORD: &str = "infected";

impl Archived {
    fn new() -> Self {
        let here = tempfile::tempdir().unwrap();
        let archive = here.path().join("triage.zip");
        let case = here.path().join("case");
        std::fs::write(&archive, zipped(&members())).unwrap();
        let made = Self {
            here,
            archive,
            case,
        };
        let case = text(&made.case);
        let evidence = text(&made.archive);
        done(
            &["analyze", evidence, "-o", case, "--password", PASSWORD],
            0,
        );
        made
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.case.join("report.json")).unwrap()).unwrap()
    }
}

fn members() -> Vec<(String, Vec<u8>)> {
    use evtx::{EvtxParser, ParserSettings};
    names(Path::new(DEMO))
        .into_iter()
        .map(|name| {
            let bytes = std::fs::read(Path::new(DEMO).join(&name)).unwrap();
            let parser = || {
                EvtxParser::from_buffer(bytes.clone())
                    .unwrap()
                    .with_configuration(ParserSettings::new().num_threads(1).indent(false))
            };
            match name.strip_suffix(".evtx") {
                Some(log) if log == "FS01-Sysmon" => {
                    let mut parser = parser();
                    let lines = parser
                        .records_json()
                        .map(|r| r.unwrap().data.replace('\n', "") + "\n");
                    (format!("C/{log}.json"), lines.collect::<String>().into())
                }
                Some(log) => {
                    let mut parser = parser();
                    let lines = parser.records().map(|r| r.unwrap().data + "\n");
                    let all: String = lines.collect();
                    (
                        format!("C/{log}.xml"),
                        format!("<Events>{all}</Events>").into(),
                    )
                }
                None => (format!("wire/{name}"), bytes),
            }
        })
        .collect()
}

fn zipped(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let options = zip::write::SimpleFileOptions::default()
        .with_aes_encryption(zip::AesMode::Aes256, PASSWORD);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn members_of_an_archive_are_verified_through_it() {
    let made = Archived::new();
    let case = text(&made.case);
    // The password that opened the evidence does not travel with the case.
    for file in names(&made.case) {
        let held = std::fs::read_to_string(made.case.join(&file)).unwrap();
        assert!(!held.contains(PASSWORD), "{file}");
    }
    let (out, _) = done(&["verify", case, "--password", PASSWORD], 0);
    assert_eq!(out.lines().count(), 4 + 1 + 7, "{out}");
    let mut held = out.lines().filter(|line| !line.ends_with("SHA256SUMS"));
    assert!(held.all(|line| line.starts_with("ok ")), "{out}");
    assert!(out.contains("E1 triage.zip\n"), "{out}");
    assert!(out.contains("triage.zip!wire/sensor.pcapng"), "{out}");

    // What cannot be looked at is not what is gone.
    let (out, _) = done(&["verify", case], 4);
    let unchecked = out.lines().filter(|line| line.starts_with("UNCHECKED"));
    let unseen = unchecked.filter(|line| line.contains(" E1!"));
    assert_eq!(unseen.count(), 7, "{out}");
    assert!(out.contains("if it is encrypted, give --password"), "{out}");

    let (_, said) = done(&["verify", case, "--rerun"], 2);
    assert!(said.contains("give them again with --password"), "{said}");
    let (out, _) = done(&["verify", case, "--rerun", "--password", PASSWORD], 0);
    assert!(out.contains("timeline.jsonl of the second run"), "{out}");

    // A member with other bytes in a new archive of the same name.
    let mut other = members();
    let last = other.last_mut().unwrap();
    last.1.extend([0; 4]);
    std::fs::write(&made.archive, zipped(&other)).unwrap();
    let (out, _) = done(&["verify", case, "--password", PASSWORD], 4);
    let changed: Vec<&str> = out.lines().filter(|l| l.starts_with("CHANGED")).collect();
    assert_eq!(changed.len(), 2, "{out}");
    assert!(changed[0].ends_with("E1 triage.zip"), "{out}");
    assert!(changed[1].ends_with("!wire/sensor.pcapng"), "{out}");

    std::fs::remove_file(&made.archive).unwrap();
    let (out, _) = done(&["verify", case, "--password", PASSWORD], 4);
    assert_eq!(out.matches("MISSING").count(), 8, "{out}");
}

#[test]
fn packets_and_lines_of_members_are_shown_and_handed_over() {
    let made = Archived::new();
    let case = text(&made.case);
    let report = made.report();
    let mut kinds = BTreeMap::new();
    let mut cited = std::collections::BTreeSet::new();
    for finding in report["findings"].as_array().unwrap() {
        for step in finding["steps"].as_array().unwrap() {
            for r in step["refs"].as_array().unwrap() {
                let kind = r["kind"].as_str().unwrap();
                kinds.entry(kind.to_owned()).or_insert_with(|| r.clone());
                cited.insert((r["evidence"].to_string(), r["offset"].to_string()));
            }
        }
    }
    assert_eq!(kinds.keys().collect::<Vec<_>>(), ["line", "packet"]);
    for (kind, r) in &kinds {
        let evidence = r["evidence"].as_str().unwrap();
        let name = match kind.as_str() {
            "packet" => format!("{evidence}:p{}", r["packet"]),
            _ => format!("{evidence}:line{}", r["line"]),
        };
        let show = ["show", case, &name, "--password", PASSWORD];
        let (out, _) = done(&[&show[..], &["-f", "json"]].concat(), 0);
        let found: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        assert_eq!(found["offset"], r["offset"], "{out}");
        assert!(!found["cited_by"].as_array().unwrap().is_empty(), "{out}");
        if kind == "line" {
            let words = found["text"].as_str().unwrap();
            assert!(words.contains(r["computer"].as_str().unwrap()), "{words}");
        }
        let (out, _) = done(&show, 0);
        assert!(out.contains("cited by AN"), "{out}");
        done(&[&show[..], &["-f", "hex"]].concat(), 0);
        let (_, said) = done(&["show", case, &name], 4);
        assert!(said.contains("give --password"), "{said}");
    }
    // A reference names the archive and the member, in every form the case is told in, and leads
    // there by its label, by the member's path and by the end of that.
    let line = kinds["line"]["line"].as_u64().unwrap();
    let evidence = kinds["line"]["evidence"].as_str().unwrap();
    assert_eq!(evidence, "E1!FS01-Security.xml");
    let name = format!("{evidence}:line{line}");
    for format in ["text", "md", "html", "json"] {
        let told = match format {
            "json" => ["export", case, "--as", format],
            _ => ["report", case, "--format", format],
        };
        let (out, _) = done(&told, 0);
        let place = format!("{evidence}:line");
        let wanted = if format == "json" { evidence } else { &place };
        // Markdown marks the colon; shown, it is the same.
        let out = out.replace("\\:", ":");
        assert!(out.contains(wanted), "{format}: {wanted}");
    }
    let archive = text(&made.archive);
    for format in ["text", "csv", "jsonl"] {
        let (out, _) = done(
            &["timeline", archive, "--password", PASSWORD, "-f", format],
            0,
        );
        assert!(out.contains("E1!FS01-Security.xml"), "{format}");
    }
    for other in ["E1!C/FS01-Security.xml", "e1!fs01-security.XML"] {
        let other = format!("{other}:line{line}");
        let (out, _) = done(&["show", case, &other, "--password", PASSWORD], 0);
        assert!(out.starts_with(&name), "{out}");
        assert!(out.contains("cited by AN"), "{out}");
    }
    for (wrong, why) in [
        ("E1:r884", "is an archive; name the member: E1!"),
        ("E1!Security.xml:line3", "has no evidence E1!Security.xml"),
        ("E2:p1", "it has E1 to E1"),
    ] {
        let (_, said) = done(&["show", case, wrong, "--password", PASSWORD], 2);
        assert!(said.contains(why), "{said}");
    }
    for format in ["text", "md", "html"] {
        let (out, _) = done(&["report", case, "--format", format], 0);
        // Text is wrapped between the archive and its member.
        assert!(out.contains("triage.zip"), "{format}");
        assert!(out.contains("wire/sensor.pcapng"), "{format}");
    }

    let slice = made.here.path().join("slice");
    let export = ["export", "--as", "evidence", case, "-o", text(&slice)];
    let (_, said) = done(&export, 4);
    assert!(said.contains("give --password"), "{said}");
    assert!(!slice.exists());
    done(&[&export[..], &["--password", PASSWORD]].concat(), 0);
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(slice.join("MANIFEST.json")).unwrap()).unwrap();
    let mut held = std::collections::BTreeSet::new();
    for file in manifest["files"].as_array().unwrap() {
        for item in file["items"].as_array().unwrap() {
            held.insert((file["evidence"].to_string(), item["offset"].to_string()));
            assert!(item["missing"].is_null(), "{item}");
        }
        // Each file is read like evidence, and holds as many records or packets as it says.
        let path = slice.join(file["name"].as_str().unwrap());
        let (out, _) = done(&["inventory", text(&path), "-f", "json"], 0);
        let read: Value = serde_json::from_str(&out).unwrap();
        let items = file["items"].as_array().unwrap().len();
        assert_eq!(read["evidence"][0]["units_read"], items, "{path:?} {out}");
    }
    assert_eq!(held, cited);
    // A line is handed over as it is.
    let line = &kinds["line"];
    let evidence = line["evidence"].as_str().unwrap();
    let rows = report["evidence"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == evidence).unwrap();
    let path = row["path"].as_str().unwrap();
    let whole = members()
        .into_iter()
        .find(|(name, _)| path.ends_with(name.as_str()))
        .unwrap()
        .1;
    let files = manifest["files"].as_array().unwrap();
    let file = files.iter().find(|f| f["evidence"] == evidence).unwrap();
    let part = std::fs::read_to_string(slice.join(file["name"].as_str().unwrap())).unwrap();
    let original = String::from_utf8(whole).unwrap();
    let at = usize::try_from(line["offset"].as_u64().unwrap()).unwrap();
    let words: String = original[at..].chars().take(200).collect();
    assert!(part.contains(&words), "{words}\n{part}");
}
