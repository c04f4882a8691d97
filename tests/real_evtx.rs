//! Every record of real logs, field by field, against the `evtx` crate's own rendering.
//!
//! Set `CASEWIRE_EVIDENCE` to a folder with `.evtx` files to run it; without it the test says so and
//! passes. `cargo test --test real_evtx -- --nocapture` shows the counts.

use casewire::eventlog::record::{Name, Record, Value};
use casewire::eventlog::{ChunkBytes, EvtxReader, Select, read_chunk, texts::Texts};
use casewire::model::{EvidenceId, Timestamp};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Everything;

impl Select for Everything {
    fn id(&self, _: u32) -> bool {
        true
    }
    fn source(&self, _: u32, _: &str, _: &str) -> bool {
        true
    }
}

/// A FILETIME of zero, which is before the earliest moment the model holds.
const ZERO_TIME: &str = "0x0";

/// System and payload as name and text, sorted.
type Flat = Vec<(String, String)>;

fn logs_in(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            logs_in(&path, found);
        } else if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("evtx"))
        {
            found.push(path);
        }
    }
}

/// One spelling for what the two readers print differently: digits of a time, case of a GUID.
fn canonical(text: &str) -> String {
    if text.len() >= 19
        && text.as_bytes()[4] == b'-'
        && let Some(time) = Timestamp::parse(text)
    {
        return time.rfc3339();
    }
    if text.len() == 38 && text.starts_with('{') {
        return text.to_lowercase();
    }
    if text.starts_with("1601-01-01T00:00:00") {
        return ZERO_TIME.to_owned();
    }
    text.trim_end_matches('\0').to_owned()
}

fn name_text(name: &Name<'_>) -> String {
    match name {
        Name::Utf16(bytes) => casewire::eventlog::record::decode_utf16(bytes),
        Name::Text(text) => text.to_string(),
    }
}

fn value_text(value: &Value<'_>) -> String {
    canonical(&value.text())
}

fn own_fields(record: &Record<'_>) -> Flat {
    let mut flat: Flat = vec![
        ("@EventID".into(), record.event_id.to_string()),
        ("@EventRecordID".into(), record.place.record_id.to_string()),
        ("@Channel".into(), record.channel.to_string()),
        ("@Provider".into(), record.provider.to_string()),
        ("@Computer".into(), record.computer.to_string()),
        (
            "@Time".into(),
            record.time.map_or(String::new(), Timestamp::rfc3339),
        ),
    ];
    flat.extend(
        record
            .fields
            .iter()
            .map(|(n, v)| (name_text(n), value_text(v))),
    );
    flat.sort();
    flat
}

fn json_text(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => canonical(text),
        other => other.to_string(),
    }
}

fn crate_fields(json: &Json) -> Flat {
    let event = &json["Event"];
    let system = &event["System"];
    let content = |name: &str| {
        let held = &system[name];
        json_text(if held.is_object() {
            &held["#text"]
        } else {
            held
        })
    };
    let mut flat: Flat = vec![
        ("@EventID".into(), content("EventID")),
        ("@EventRecordID".into(), content("EventRecordID")),
        ("@Channel".into(), content("Channel")),
        (
            "@Provider".into(),
            json_text(&system["Provider"]["#attributes"]["Name"]),
        ),
        ("@Computer".into(), content("Computer")),
        (
            "@Time".into(),
            json_text(&system["TimeCreated"]["#attributes"]["SystemTime"]),
        ),
    ];
    for (name, text) in &mut flat {
        if name == "@Time" && text == ZERO_TIME {
            text.clear();
        }
    }
    for payload in ["EventData", "UserData"] {
        flatten(&event[payload], &mut flat);
    }
    flat.sort();
    flat
}

fn flatten(json: &Json, flat: &mut Flat) {
    let Json::Object(members) = json else { return };
    for (name, held) in members {
        if name == "#attributes" {
            continue;
        }
        // Repeated elements get a number behind their name.
        let plain = match name.rsplit_once('_') {
            Some((front, number))
                if number.parse::<u32>().is_ok() && members.contains_key(front) =>
            {
                front
            }
            _ => name.as_str(),
        };
        let plain = if plain == "Data" { "" } else { plain };
        let items = held
            .as_array()
            .map_or_else(|| std::slice::from_ref(held), Vec::as_slice);
        for item in items {
            match item {
                Json::Object(inner) => match inner.get("#text") {
                    Some(Json::Array(texts)) => {
                        flat.extend(texts.iter().map(|t| (plain.to_owned(), json_text(t))));
                    }
                    Some(text) => flat.push((plain.to_owned(), json_text(text))),
                    None if inner.keys().all(|k| k == "#attributes") => {
                        flat.push((plain.to_owned(), String::new()));
                    }
                    None => flatten(item, flat),
                },
                one => flat.push((plain.to_owned(), json_text(one))),
            }
        }
    }
}

/// Equal, but for the record number of a damaged record whose System has none: ours is then the
/// record header's.
fn same(own: &Flat, theirs: &Flat) -> bool {
    let unnumbered = theirs
        .iter()
        .any(|(n, t)| n == "@EventRecordID" && t.is_empty());
    let kept = |flat: &Flat| -> Flat {
        flat.iter()
            .filter(|(n, _)| !unnumbered || n != "@EventRecordID")
            .cloned()
            .collect()
    };
    kept(own) == kept(theirs)
}

fn crate_records(chunk: &ChunkBytes) -> BTreeMap<u64, Flat> {
    let mut found = BTreeMap::new();
    let Ok(mut data) = evtx::EvtxChunkData::new(chunk.bytes.clone(), false) else {
        return found;
    };
    let Ok(mut parsed) = data.parse(Arc::new(evtx::ParserSettings::default())) else {
        return found;
    };
    for record in parsed.iter().flatten() {
        let offset = chunk.offset + record.binxml_offset - 24;
        if let Ok(json) = record.into_json_bytes() {
            found.insert(
                offset,
                crate_fields(&serde_json::from_slice(&json.data).unwrap()),
            );
        }
    }
    found
}

#[test]
fn every_field_of_every_real_record_is_what_the_evtx_crate_reads() {
    let Ok(folder) = std::env::var("CASEWIRE_EVIDENCE") else {
        println!("skipped: set CASEWIRE_EVIDENCE to a folder with .evtx files");
        return;
    };
    let mut logs = Vec::new();
    logs_in(Path::new(&folder), &mut logs);
    assert!(!logs.is_empty(), "no .evtx file in {folder}");
    let mut different = 0;
    for path in logs {
        let mut reader = EvtxReader::new(EvidenceId(1), std::fs::File::open(&path).unwrap());
        let (mut own, mut theirs, mut fallbacks, mut skipped) = (0, 0, 0, 0);
        while let Some(chunk) = reader.next_chunk() {
            let mut mine: BTreeMap<u64, Flat> = BTreeMap::new();
            let reading = read_chunk(
                EvidenceId(1),
                &chunk,
                &Everything,
                &mut Texts::default(),
                &mut |record, _| {
                    mine.insert(record.place.offset, own_fields(record));
                },
            );
            for problem in reading.problems.iter() {
                println!("  {problem:?}");
            }
            let rendered = crate_records(&chunk);
            for (offset, fields) in &rendered {
                match mine.get(offset) {
                    None => {
                        different += 1;
                        println!("  {offset}: only the crate reads it");
                    }
                    Some(own) if !same(own, fields) => {
                        different += 1;
                        if different < 40 {
                            for (a, b) in own.iter().zip(fields).filter(|(a, b)| a != b).take(3) {
                                println!("  {offset}: {a:?} against {b:?}");
                            }
                            println!("  {} fields against {}", own.len(), fields.len());
                        }
                    }
                    Some(_) => {}
                }
            }
            own += mine.len();
            theirs += rendered.len();
            fallbacks += reading.summary.fallbacks;
            skipped += reading.summary.records_skipped;
        }
        for problem in reader.finish().iter() {
            println!("  {problem:?}");
        }
        println!(
            "{}: {own} records, crate {theirs}, by the general reader {fallbacks}, skipped {skipped}",
            path.file_name().unwrap().to_string_lossy()
        );
    }
    assert_eq!(different, 0, "records with differences");
}

#[test]
fn the_events_of_real_logs_do_not_depend_on_the_number_of_threads() {
    let Ok(folder) = std::env::var("CASEWIRE_EVIDENCE") else {
        println!("skipped: set CASEWIRE_EVIDENCE to a folder with .evtx files");
        return;
    };
    let mut logs = Vec::new();
    logs_in(Path::new(&folder), &mut logs);
    for path in logs {
        let read = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let mut events = Vec::new();
                let file = std::fs::File::open(&path).unwrap();
                let (summary, problems) =
                    casewire::eventlog::read_log(EvidenceId(1), file, &mut |e| events.push(e));
                let problems: Vec<_> = problems.iter().cloned().collect();
                (events, summary, problems)
            })
        };
        let one = read(1);
        assert!(one == read(3), "{}", path.display());
        let (events, summary, problems) = one;
        assert_eq!(events.len() as u64, summary.events);
        println!(
            "{}: {} records, {} events, {} refused, wrapped {}",
            path.file_name().unwrap().to_string_lossy(),
            summary.records_read,
            summary.events,
            summary.refused,
            summary.wrapped
        );
        for problem in &problems {
            println!(
                "  {:?} {:?} {} x {}",
                problem.weight, problem.kind, problem.count, problem.message
            );
        }
        if std::env::var_os("CASEWIRE_SHOW").is_some() {
            for event in &events {
                println!("  {event:?}");
            }
        }
    }
}
