//! Wazuh's archives.json and alerts.json, and what its agent sends: names begin in lower case, which questions do not mind.
//! `systemTime` is UTC; `timestamp` is when the manager got it, and not used.

use super::draft::{Draft, Refused, number, text, utc};
use crate::evidence::Form;
use crate::evidence::form::wazuh;
use serde_json::{Map, Value};

/// Reads a record.
pub fn draft(object: &Map<String, Value>) -> Result<Draft<'_>, Refused> {
    let win = wazuh(object);
    let system = &win["system"];
    let mut draft = Draft::new(Form::Wazuh);
    draft.id(system.get("eventID"))?;
    draft.channel = text(system, "channel");
    draft.computer = text(system, "computer");
    draft.provider = text(system, "providerName");
    draft.record_id = system.get("eventRecordID").and_then(number);
    draft.time = utc(&text(system, "systemTime"));
    draft.fields_of(win.get("eventdata"));
    draft.fields_of(win.get("userdata"));
    draft.fields_of(win.get("logFileCleared"));
    draft.undouble();
    Ok(draft)
}
