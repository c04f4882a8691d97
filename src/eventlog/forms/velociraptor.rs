//! Velociraptor's parse_evtx, as its artifacts write it: times are seconds since 1970, UTC.

use super::draft::{Draft, Refused, number, text, utc};
use crate::evidence::Form;
use crate::model::Timestamp;
use serde_json::{Map, Value};

/// Reads a record.
pub fn draft(object: &Map<String, Value>) -> Result<Draft<'_>, Refused> {
    let system = &object["System"];
    let mut draft = Draft::new(Form::Velociraptor);
    let id = &system["EventID"];
    draft.id(id.get("Value").or(Some(id)))?;
    draft.channel = text(system, "Channel");
    draft.computer = text(system, "Computer");
    draft.provider = text(&system["Provider"], "Name");
    draft.record_id = system.get("EventRecordID").and_then(number);
    draft.time = match &system["TimeCreated"]["SystemTime"] {
        Value::Number(seconds) => epoch(&seconds.to_string()),
        Value::String(words) => utc(words),
        _ => None,
    };
    draft.fields_of(object.get("EventData"));
    draft.fields_of(object.get("UserData"));
    Ok(draft)
}

/// Reads a record as the artifact `Windows.EventLogs.EvtxHunter` lists it.
pub fn draft_of_hunt(object: &Map<String, Value>) -> Result<Draft<'_>, Refused> {
    let of = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or("");
    let mut draft = Draft::new(Form::Velociraptor);
    draft.id(object.get("EventID"))?;
    draft.channel = of("Channel").into();
    draft.computer = of("Computer").into();
    draft.provider = of("Provider").into();
    draft.record_id = object.get("EventRecordID").and_then(number);
    draft.time = utc(of("EventTime"));
    draft.fields_of(object.get("EventData"));
    draft.fields_of(object.get("UserData"));
    Ok(draft)
}

/// `1662034704.604856`, digit by digit: a float would round it.
pub fn epoch(digits: &str) -> Option<Timestamp> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.get(..9.min(fraction.len()))?;
    let scale = 10_u32.pow(9 - fraction.len() as u32);
    let nanos = match fraction {
        "" => 0,
        digits => digits.parse::<u32>().ok()?.checked_mul(scale)?,
    };
    Timestamp::from_unix(whole.parse().ok()?, nanos)
}
