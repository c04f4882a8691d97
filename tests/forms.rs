//! The same records as EVTX, as XML and as JSON lines are the same host events.
//!
//! The lab writes the logs, the evtx crate renders them: neither is the analyzer's own work.

use casewire::eventlog::{read_log, read_text};
use casewire::evidence::Form;
use casewire::model::{Event, EvidenceId, HostEvent, Span, What};
use casewire_lab::story::Story;
use evtx::{EvtxParser, ParserSettings};
use std::path::{Path, PathBuf};

/// Stories whose logs are compared: one in so many, which still sees every channel.
const ONE_IN: usize = 4;

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|e| e == "md")
            && path.parent().is_some_and(|p| p.ends_with("scenarios"))
        {
            found.push(path);
        }
    }
}

fn logs() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    pages(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/analytics"),
        &mut found,
    );
    found.sort();
    let mut logs = Vec::new();
    for path in found.iter().step_by(ONE_IN) {
        let page = std::fs::read_to_string(path).unwrap();
        let story = Story::parse(&page).unwrap();
        for (name, bytes) in story.play().files {
            if bytes.starts_with(b"ElfFile") {
                logs.push((format!("{} {name}", path.display()), bytes));
            }
        }
    }
    assert!(
        logs.len() > 20,
        "too few logs to say anything: {}",
        logs.len()
    );
    logs
}

fn from_text(form: Form, text: &str) -> Vec<(Event, Option<u64>)> {
    let mut events = Vec::new();
    let (summary, problems) = read_text(
        EvidenceId(1),
        form,
        text.as_bytes(),
        &mut |event, record| {
            events.push((event, record));
        },
    );
    assert_eq!(
        summary.records_skipped,
        0,
        "{:?}",
        problems.iter().collect::<Vec<_>>()
    );
    events
}

fn host(event: &Event) -> &HostEvent {
    match &event.what {
        What::Host(host) => host,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn same(name: &str, log: &[Event], text: &[(Event, Option<u64>)]) {
    assert_eq!(log.len(), text.len(), "{name}");
    for (a, (b, record)) in log.iter().zip(text) {
        assert_eq!(Some(a.provenance.item), *record, "{name}");
        let (one, other) = (host(a), host(b));
        assert_eq!(one.what, other.what, "{name}");
        assert_eq!(
            (&one.computer, &one.channel, &one.provider, one.event_id),
            (
                &other.computer,
                &other.channel,
                &other.provider,
                other.event_id
            ),
            "{name}"
        );
        // The crate prints microseconds, the log holds tenths of them.
        assert!(a.time.since(b.time).abs() < Span(1_000), "{name}");
    }
}

#[test]
fn logs_and_their_renderings_are_the_same_host_events() {
    for (name, bytes) in logs() {
        let mut events = Vec::new();
        read_log(EvidenceId(1), &bytes[..], &mut |event| events.push(event));
        let parser = || {
            EvtxParser::from_buffer(bytes.clone())
                .unwrap()
                .with_configuration(ParserSettings::new().num_threads(1).indent(false))
        };
        let lines: Vec<String> = parser()
            .records_json()
            .map(|record| record.unwrap().data.replace('\n', ""))
            .collect();
        same(
            &name,
            &events,
            &from_text(Form::EvtxDump, &lines.join("\n")),
        );
        let xml: String = parser()
            .records()
            .map(|record| record.unwrap().data)
            .collect();
        same(
            &name,
            &events,
            &from_text(Form::Xml, &format!("<Events>{xml}</Events>")),
        );
    }
}
