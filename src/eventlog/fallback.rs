//! Records in a form too unusual for a plan, read by the `evtx` crate instead.
//!
//! Slow (it renders JSON), so it is asked only for records the plans could not read, once a chunk.

use super::decode::System;
use super::record::{Name, Value};
use super::walk::CHUNK_MAGIC;
use ::evtx::{EvtxChunkData, EvtxRecord, ParserSettings};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Bytes of a record's header; its binary XML begins behind it.
const RECORD_HEADER: u64 = 24;

/// The JSON of the records of `chunk` that begin at one of the sorted offsets `starts`, as far as
/// they can be read.
pub(crate) fn render(chunk: &[u8], starts: &[usize]) -> BTreeMap<usize, Json> {
    let json = |record: EvtxRecord<'_>| {
        let rendered = record.into_json_bytes().ok()?;
        serde_json::from_slice(&rendered.data).ok()
    };
    // The crate is fuzzed and bounded; a panic in it must not end the run all the same.
    catch_unwind(AssertUnwindSafe(|| render_chunk(chunk, starts, json))).unwrap_or_default()
}

/// The same as XML.
pub(crate) fn render_xml(chunk: &[u8], starts: &[usize]) -> BTreeMap<usize, String> {
    let xml = |record: EvtxRecord<'_>| record.into_xml().ok().map(|rendered| rendered.data);
    catch_unwind(AssertUnwindSafe(|| render_chunk(chunk, starts, xml))).unwrap_or_default()
}

fn render_chunk<T>(
    chunk: &[u8],
    starts: &[usize],
    form: impl Fn(EvtxRecord<'_>) -> Option<T>,
) -> BTreeMap<usize, T> {
    let mut found = BTreeMap::new();
    let mut bytes = chunk.to_vec();
    if let Some(magic) = bytes.get_mut(..CHUNK_MAGIC.len()) {
        // The crate reads no chunk without it; the records inside may be sound.
        magic.copy_from_slice(CHUNK_MAGIC);
    }
    let Ok(mut data) = EvtxChunkData::new(bytes, false) else {
        return found;
    };
    let Ok(mut parsed) = data.parse(Arc::new(ParserSettings::default())) else {
        return found;
    };
    for record in parsed.iter().flatten() {
        let start = record.binxml_offset.saturating_sub(RECORD_HEADER) as usize;
        if starts.binary_search(&start).is_err() {
            continue;
        }
        if let Some(rendered) = form(record) {
            found.insert(start, rendered);
        }
    }
    found
}

/// A rendered record, asked for its System and payload fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rendered<'j> {
    event: &'j Map<String, Json>,
}

impl<'j> Rendered<'j> {
    pub(crate) fn new(json: &'j Json) -> Option<Self> {
        Some(Self {
            event: json.get("Event")?.as_object()?,
        })
    }

    pub(crate) fn system(&self) -> System<'j> {
        let system = self.event.get("System");
        let part = |name: &str| system.and_then(|s| s.get(name));
        let attribute = |element: &str, name: &str| {
            part(element)
                .and_then(|e| e.get("#attributes")?.get(name))
                .map(value)
        };
        let content = |name: &str| {
            part(name)
                .map(|e| e.get("#text").unwrap_or(e))
                .filter(|e| !e.is_object())
                .map(value)
        };
        System {
            provider: attribute("Provider", "Name"),
            event_id: content("EventID"),
            time: attribute("TimeCreated", "SystemTime"),
            record_id: content("EventRecordID"),
            channel: content("Channel"),
            computer: content("Computer"),
        }
    }

    /// Payload fields by name; fields without a name have an empty one.
    pub(crate) fn fields(&self) -> Vec<(Name<'j>, Value<'j>)> {
        let mut fields = Vec::new();
        for payload in ["EventData", "UserData"] {
            if let Some(Json::Object(inner)) = self.event.get(payload) {
                flatten(inner, &mut fields);
            }
        }
        fields
    }
}

fn flatten<'j>(object: &'j Map<String, Json>, fields: &mut Vec<(Name<'j>, Value<'j>)>) {
    for (name, held) in object {
        if name == "#attributes" {
            continue;
        }
        let plain_name = if name == "Data" { "" } else { name.as_str() };
        let items = match held {
            Json::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for item in items {
            match item {
                Json::Object(inner) => match inner.get("#text") {
                    Some(Json::Array(texts)) => {
                        fields.extend(texts.iter().map(|t| (plain_name.into(), value(t))));
                    }
                    Some(text) => fields.push((plain_name.into(), value(text))),
                    None => flatten(inner, fields),
                },
                plain => fields.push((plain_name.into(), value(plain))),
            }
        }
    }
}

fn value(json: &Json) -> Value<'_> {
    match json {
        Json::String(text) => Value::Text(Cow::Borrowed(text)),
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => Value::Unsigned(n),
            (None, Some(n)) => Value::Signed(n),
            _ => Value::Text(Cow::Owned(n.to_string())),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
    }
}
