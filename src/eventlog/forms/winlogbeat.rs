//! Winlogbeat and Elastic Agent. Versions 5 and 6 keep all fields under `event_data`; 7 and 8 keep
//! them under `winlog.event_data`, or their Sysmon module moves them to ECS names. Times are UTC.

use super::draft::{Draft, Refused, number, of_json, text, utc};
use crate::eventlog::record::Value as Field;
use crate::evidence::Form;
use serde_json::{Map, Value};

/// Where the Sysmon module of versions 7 and 8 puts the fields it moves (Elastic Common Schema).
const MOVED: [(&str, &[&str]); 15] = [
    ("Protocol", &["network", "transport"]),
    ("SourceIp", &["source", "ip"]),
    ("SourcePort", &["source", "port"]),
    ("DestinationIp", &["destination", "ip"]),
    ("DestinationPort", &["destination", "port"]),
    ("ProcessId", &["process", "pid"]),
    ("ProcessGuid", &["process", "entity_id"]),
    ("Image", &["process", "executable"]),
    ("CommandLine", &["process", "command_line"]),
    ("ParentProcessId", &["process", "parent", "pid"]),
    ("ParentProcessGuid", &["process", "parent", "entity_id"]),
    ("ParentImage", &["process", "parent", "executable"]),
    ("ParentCommandLine", &["process", "parent", "command_line"]),
    ("TargetFilename", &["file", "path"]),
    ("QueryName", &["dns", "question", "name"]),
];

/// Reads a record of version 7 or 8.
pub fn draft(object: &Map<String, Value>) -> Result<Draft<'_>, Refused> {
    let winlog = &object["winlog"];
    let mut draft = Draft::new(Form::Winlogbeat);
    let code = object.get("event").and_then(|e| e.get("code"));
    draft.id(winlog.get("event_id").or(code))?;
    draft.channel = text(winlog, "channel");
    draft.computer = text(winlog, "computer_name");
    draft.provider = text(winlog, "provider_name");
    if draft.provider.is_empty()
        && let Some(event) = object.get("event")
    {
        draft.provider = text(event, "provider");
    }
    draft.record_id = winlog.get("record_id").and_then(number);
    let stamp = || object.get("@timestamp").and_then(Value::as_str);
    let time = winlog.get("time_created").and_then(Value::as_str);
    draft.time = time.or_else(stamp).and_then(utc);
    draft.fields_of(winlog.get("event_data"));
    draft.fields_of(winlog.get("user_data"));
    if draft
        .channel
        .to_ascii_lowercase()
        .starts_with("microsoft-windows-sysmon")
    {
        moved(object, &mut draft);
    }
    Ok(draft)
}

/// Fields that the Sysmon module moved. They come behind those that stayed, which are asked first.
fn moved<'a>(object: &'a Map<String, Value>, draft: &mut Draft<'a>) {
    for (name, path) in MOVED {
        let (first, rest) = (path[0], &path[1..]);
        let value = rest
            .iter()
            .try_fold(object.get(first), |value, step| Some(value?.get(*step)));
        if let Some(Some(value)) = value {
            draft.field(name, of_json(value));
        }
    }
    let direction = object.get("network").map(|n| text(n, "direction"));
    let initiated = match direction.as_deref() {
        Some("egress" | "outbound") => Some(true),
        Some("ingress" | "inbound") => Some(false),
        _ => None,
    };
    if let Some(initiated) = initiated {
        draft.field("Initiated", Field::Bool(initiated));
    }
}

/// Reads a record of version 5 or 6.
pub fn draft_of_6(object: &Map<String, Value>) -> Result<Draft<'_>, Refused> {
    let of = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or("");
    let mut draft = Draft::new(Form::Winlogbeat6);
    draft.id(object.get("event_id"))?;
    draft.channel = of("log_name").into();
    draft.computer = of("computer_name").into();
    draft.provider = of("source_name").into();
    draft.record_id = object.get("record_number").and_then(number);
    draft.time = utc(of("@timestamp"));
    draft.fields_of(object.get("event_data"));
    draft.fields_of(object.get("user_data"));
    Ok(draft)
}
