//! Azure Log Analytics and Sentinel: the tables SecurityEvent, WindowsEvent and Event, exported as
//! JSON. `TimeGenerated` is UTC.
//!
//! Fields are columns of their own, or in `EventData` as XML or as an object. An array in
//! `EventData_dynamic` has values without names, which say nothing.

use super::draft::{Draft, Refused, first_text, number, of_json, utc};
use super::xml;
use crate::evidence::Form;
use serde_json::{Map, Value};

/// Reads a record.
pub fn read(object: &Map<String, Value>, take: &mut dyn FnMut(Draft<'_>)) -> Result<(), Refused> {
    let mut draft = Draft::new(Form::Azure);
    draft.id(object.get("EventID"))?;
    draft.channel = first_text(object, &["Channel", "EventLog"]);
    draft.computer = first_text(object, &["Computer"]);
    draft.provider = first_text(object, &["EventSourceName", "Provider", "Source"]);
    draft.record_id = object.get("EventRecordId").and_then(number);
    draft.time = utc(&first_text(object, &["TimeGenerated"]));
    for name in ["EventData", "EventData_dynamic", "ParameterXml"] {
        match object.get(name) {
            Some(Value::String(words)) if words.trim_start().starts_with('<') => {
                xml::data(words, &mut draft);
            }
            Some(inner @ Value::Object(_)) => draft.fields_of(Some(inner)),
            _ => {}
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
