//! Azure Log Analytics and Sentinel: the tables SecurityEvent, WindowsEvent and Event, exported as
//! JSON. `TimeGenerated` is UTC.
//!
//! Fields are columns of their own, or in `EventData` or `UserData`: as an object, or as the text of
//! one or of XML, by the table and by what exported it. Values without names, as in `ParameterXml` or an
//! array in `EventData_dynamic`, say nothing.

use super::draft::{Draft, Refused, first_text, number, of_json, utc};
use super::xml;
use crate::evidence::Form;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Columns that may hold fields of the record.
const WITHIN: [&str; 4] = ["EventData", "EventData_dynamic", "UserData", "RawEventData"];

/// Reads a record.
pub fn read(object: &Map<String, Value>, take: &mut dyn FnMut(Draft<'_>)) -> Result<(), Refused> {
    let within: Vec<Cow<'_, Value>> = WITHIN
        .iter()
        .filter_map(|name| object.get(*name))
        .map(opened)
        .collect();
    let mut draft = Draft::new(Form::Azure);
    draft.id(object.get("EventID"))?;
    draft.channel = first_text(object, &["Channel", "EventLog"]);
    draft.computer = first_text(object, &["Computer"]);
    draft.provider = first_text(object, &["EventSourceName", "Provider", "Source"]);
    draft.record_id = ["EventRecordId", "EventRecordID"]
        .iter()
        .find_map(|name| number(object.get(*name)?));
    draft.time = utc(&first_text(object, &["TimeGenerated"]));
    for inner in &within {
        match &**inner {
            Value::String(words) if words.trim_start().starts_with('<') => {
                xml::data(words, &mut draft);
            }
            inner => fields(inner, &mut draft),
        }
    }
    for (name, value) in object {
        // A table has all columns of all events; empty ones are not of this one.
        if !value.is_null() && value.as_str() != Some("") {
            draft.field(name.as_str(), of_json(value));
        }
    }
    take(draft);
    Ok(())
}

/// The value, or what is written in its text if that is JSON.
fn opened(value: &Value) -> Cow<'_, Value> {
    let text = value.as_str().map(str::trim_start).unwrap_or_default();
    if text.starts_with(['{', '[']) {
        // What is no JSON after all has no fields.
        return Cow::Owned(serde_json::from_str(text).unwrap_or_default());
    }
    Cow::Borrowed(value)
}

/// Adds the fields of what EventData holds: members, maybe below names that XML had, or a list of names
/// with their values.
fn fields<'a>(value: &'a Value, draft: &mut Draft<'a>) {
    let event = value.get("Event").unwrap_or(value);
    for part in ["EventData", "UserData"] {
        if let Some(inner @ (Value::Object(_) | Value::Array(_))) = event.get(part) {
            return members(inner, draft);
        }
    }
    members(event, draft);
}

fn members<'a>(value: &'a Value, draft: &mut Draft<'a>) {
    let listed = value.get("Data").unwrap_or(value);
    let each = match (listed, listed.get("@Name")) {
        (Value::Array(each), _) => &each[..],
        (one, Some(_)) => std::slice::from_ref(one),
        _ => return draft.fields_of(Some(value)),
    };
    for one in each {
        let first = |names: [&str; 2]| names.iter().find_map(|name| one.get(*name));
        if let Some(name) = first(["@Name", "Name"]).and_then(Value::as_str) {
            let words = first(["#text", "Value"]).unwrap_or(&Value::Null);
            draft.field(name, of_json(words));
        }
    }
}
