//! JSON of evtx_dump (`-o jsonl`, `-o json`) and of what else is built on the evtx crate: the XML with
//! attributes under `#attributes` and text under `#text`. Times are UTC.

use super::draft::{Draft, Refused, number, text, utc};
use crate::evidence::Form;
use serde_json::{Map, Value};

/// Reads a record.
pub fn draft(object: &Map<String, Value>) -> Result<Draft<'_>, Refused> {
    let event = &object["Event"];
    let system = &event["System"];
    // With `--separate-json-attributes` they stand beside the element.
    let attribute = |element: &str, name: &str| {
        let own = system[element]["#attributes"].get(name);
        own.or_else(|| system.get(format!("{element}_attributes"))?.get(name))
    };
    let content = |element: &str| {
        let value = system.get(element)?;
        value.get("#text").or(Some(value))
    };
    let mut draft = Draft::new(Form::EvtxDump);
    draft.id(content("EventID"))?;
    draft.channel = text(system, "Channel");
    draft.computer = text(system, "Computer");
    let provider = attribute("Provider", "Name").and_then(Value::as_str);
    draft.provider = provider.unwrap_or("").into();
    draft.record_id = content("EventRecordID").and_then(number);
    let time = attribute("TimeCreated", "SystemTime").and_then(Value::as_str);
    draft.time = time.and_then(utc);
    draft.fields_of(event.get("EventData"));
    draft.fields_of(event.get("UserData"));
    Ok(draft)
}
