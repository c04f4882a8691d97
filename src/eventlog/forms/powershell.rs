//! A PowerShell export that public data sets use: flat strings, `TimeCreated` in the exporting
//! computer's local time on a 12-hour clock without AM or PM, yet marked `Z`.
//!
//! The mark is not believed. The times stay as written, and the record says that they are local:
//! connections that a capture saw too tell how far they are off.

use super::draft::{Draft, Refused, first_text, number, utc};
use crate::evidence::Form;
use crate::model::Timed;
use serde_json::{Map, Value};

/// Reads a record.
pub fn draft(object: &Map<String, Value>) -> Result<Draft<'_>, Refused> {
    let mut draft = Draft::new(Form::PowerShell);
    draft.id(object.get("EventID"))?;
    draft.channel = first_text(object, &["Channel", "LogName"]);
    draft.computer = first_text(object, &["Hostname", "MachineName", "Computer"]);
    draft.provider = first_text(object, &["SourceName", "ProviderName", "Provider"]);
    let record = ["RecordNumber", "RecordId", "EventRecordID"];
    draft.record_id = record.iter().find_map(|n| number(object.get(*n)?));
    draft.time = utc(&first_text(object, &["TimeCreated"]));
    draft.timed = Timed::PowerShell;
    for (name, value) in object.iter().filter(|(name, _)| *name != "Channel") {
        draft.field(name.as_str(), super::draft::of_json(value));
    }
    Ok(draft)
}
