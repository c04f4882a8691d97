//! Winlogbeat and Elastic Agent. Versions 5 and 6 keep all fields under `event_data`; 7 and 8 keep
//! them under `winlog.event_data`, or Elastic's pipelines move them to ECS names. Times are UTC.

use super::draft::{Draft, Refused, number, of_json, text, utc};
use crate::eventlog::record::Value as Field;
use crate::evidence::Form;
use serde_json::{Map, Value};

/// A field and where it was moved.
type Moved = (&'static str, &'static [&'static str]);

/// Where the pipeline for Sysmon puts the fields it moves (Elastic Common Schema).
const SYSMON: [Moved; 22] = [
    ("Protocol", &["network", "transport"]),
    ("SourceIp", &["source", "ip"]),
    ("SourcePort", &["source", "port"]),
    ("DestinationIp", &["destination", "ip"]),
    ("DestinationPort", &["destination", "port"]),
    ("ProcessId", &["process", "pid"]),
    ("ProcessGuid", &["process", "entity_id"]),
    ("Image", &["process", "executable"]),
    ("OriginalFileName", &["process", "pe", "original_file_name"]),
    ("CommandLine", &["process", "command_line"]),
    ("ParentProcessId", &["process", "parent", "pid"]),
    ("ParentProcessGuid", &["process", "parent", "entity_id"]),
    ("ParentImage", &["process", "parent", "executable"]),
    ("ParentCommandLine", &["process", "parent", "command_line"]),
    ("TargetFilename", &["file", "path"]),
    ("ImageLoaded", &["file", "path"]),
    ("Signed", &["file", "code_signature", "signed"]),
    ("Signature", &["file", "code_signature", "subject_name"]),
    ("TargetObject", &["registry", "path"]),
    ("Details", &["registry", "data", "strings"]),
    ("QueryName", &["dns", "question", "name"]),
    ("QueryStatus", &["sysmon", "dns", "status"]),
];

/// The same of a process that starts, by the Security log (4688).
const STARTED: [Moved; 5] = [
    ("NewProcessId", &["process", "pid"]),
    ("NewProcessName", &["process", "executable"]),
    ("CommandLine", &["process", "command_line"]),
    ("ProcessId", &["process", "parent", "pid"]),
    ("ParentProcessName", &["process", "parent", "executable"]),
];

/// The same of one that ends (4689).
const ENDED: [Moved; 2] = [
    ("ProcessId", &["process", "pid"]),
    ("ProcessName", &["process", "executable"]),
];

/// The same of PowerShell (4104).
const POWERSHELL: [Moved; 2] = [
    (
        "ScriptBlockText",
        &["powershell", "file", "script_block_text"],
    ),
    ("ScriptBlockId", &["powershell", "file", "script_block_id"]),
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
    let channel = draft.channel.to_ascii_lowercase();
    let id = winlog.get("event_id").or(code).and_then(number);
    if channel.starts_with("microsoft-windows-sysmon") {
        moved(object, &SYSMON, &mut draft);
        of_sysmon(object, time.is_none(), &mut draft);
    } else if channel.starts_with("microsoft-windows-powershell") {
        moved(object, &POWERSHELL, &mut draft);
    } else if channel == "security" {
        match id {
            Some(4_688) => moved(object, &STARTED, &mut draft),
            Some(4_689) => moved(object, &ENDED, &mut draft),
            _ => {}
        }
    }
    Ok(draft)
}

/// Fields that a pipeline moved. They come behind those that stayed, which are asked first.
fn moved<'a>(object: &'a Map<String, Value>, fields: &[Moved], draft: &mut Draft<'a>) {
    for (name, path) in fields {
        let (first, rest) = (path[0], &path[1..]);
        let value = rest
            .iter()
            .try_fold(object.get(first), |value, step| Some(value?.get(*step)));
        let Some(Some(value)) = value else { continue };
        match value {
            Value::Array(values) => {
                if let Some(value) = values.first() {
                    draft.field(*name, of_json(value));
                }
            }
            value => draft.field(*name, of_json(value)),
        }
    }
}

/// What the pipeline for Sysmon has put together or taken apart.
fn of_sysmon<'a>(object: &'a Map<String, Value>, retimed: bool, draft: &mut Draft<'a>) {
    let direction = object.get("network").map(|n| text(n, "direction"));
    let initiated = match direction.as_deref() {
        Some("egress" | "outbound") => Some(true),
        Some("ingress" | "inbound") => Some(false),
        _ => None,
    };
    if let Some(initiated) = initiated {
        draft.field("Initiated", Field::Bool(initiated));
    }
    if let Some(user) = object.get("user") {
        let (domain, name) = (text(user, "domain"), text(user, "name"));
        if !name.is_empty() {
            let whole = match domain.is_empty() {
                true => name.into_owned(),
                false => format!(r"{domain}\{name}"),
            };
            draft.field("User", Field::Text(whole.into()));
        }
    }
    // It sets the record's time to that of the event and removes when it was written.
    if retimed && let Some(stamp) = object.get("@timestamp") {
        draft.field("UtcTime", of_json(stamp));
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
