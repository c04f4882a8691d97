//! By what a text is known that holds event records and cannot be used (`unusable`).

use super::cells::cells;
use super::unusable::Unusable;
use serde_json::{Map, Value};

/// What Windows PowerShell writes before the names of a CSV's cells.
pub const TYPED: &str = "#TYPE ";
/// Names of a heading that are looked at.
const MOST_NAMES: usize = 128;
/// Lines that are looked at.
const MOST_LINES: usize = 64;

/// What records a text without JSON holds.
pub fn in_text(text: &str) -> Option<Unusable> {
    let mut lines = text.lines().filter(|line| !line.starts_with(TYPED));
    let first = lines.next()?;
    if let Some(unusable) = by_heading(first) {
        return Some(unusable);
    }
    if let Some(rest) = first.strip_prefix("Event[") {
        let number = rest.trim_end().trim_end_matches(':').strip_suffix(']')?;
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        // The labels are in the language of the computer.
        let labelled = |line: &str| line.starts_with("  ") && line.contains(": ");
        let is_text = digits && lines.next().is_some_and(labelled);
        return is_text.then_some(Unusable::WevtutilText);
    }
    if text.lines().take(MOST_LINES).any(is_snares) {
        return Some(Unusable::Snare);
    }
    if is_powershells(text) {
        return Some(Unusable::WinEventText);
    }
    event_viewer(text).then_some(Unusable::EventViewerCsv)
}

/// Records of Get-WinEvent as PowerShell lists or tabulates them, or writes objects as XML. Names of members
/// are not localised.
fn is_powershells(text: &str) -> bool {
    let named = |name: &str| {
        let mut lines = text.lines().take(MOST_LINES).map(str::trim_start);
        let behind = |line: &str| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        };
        lines.any(behind)
    };
    let table = |line: &str| {
        line.starts_with("TimeCreated ") && line.contains(" Id ") && line.contains("Message")
    };
    named("TimeCreated") && named("Id") && named("ProviderName")
        || named("ProviderName") && text.lines().take(MOST_LINES).any(table)
        || text.starts_with('<')
            && text.contains("System.Diagnostics.Eventing.Reader.EventLogRecord")
}

/// What a CSV holds, by the row that names its cells.
fn by_heading(line: &str) -> Option<Unusable> {
    let names = cells(line.trim_end(), MOST_NAMES)?;
    let has = |wanted: &[&str]| wanted.iter().all(|w| names.iter().any(|name| name == w));
    // The portal says the zone behind the name of a time.
    let generated = || names.iter().any(|name| name.starts_with("TimeGenerated"));
    if has(&["Id", "LogName", "ProviderName", "TimeCreated"]) {
        Some(Unusable::WinEventCsv)
    } else if has(&["EventID", "InstanceId", "TimeGenerated"])
        && (has(&["MachineName"]) || has(&["EntryType"]))
    {
        // Azure's tables have an InstanceId, too.
        Some(Unusable::EventLogCmdlet)
    } else if has(&[
        "EventLog",
        "RecordNumber",
        "TimeGenerated",
        "EventID",
        "Strings",
    ]) {
        Some(Unusable::LogParser)
    } else if has(&["Timestamp", "RuleTitle", "Channel", "EventID"]) {
        Some(Unusable::Hayabusa)
    } else if has(&["EventID"]) && generated() {
        Some(Unusable::TableCsv)
    } else {
        None
    }
}

/// Its mark, then a tab, which some collectors write as `#011`.
fn is_snares(line: &str) -> bool {
    let mark = line.split_once("MSWinEventLog");
    mark.is_some_and(|(_, rest)| rest.starts_with('\t') || rest.starts_with("#011"))
}

/// Five columns, between commas or tabs, the last row cell a message over several lines; the words are
/// localised, so the shape decides: the first row is five words, the second one has a number in the fourth
/// place.
fn event_viewer(text: &str) -> bool {
    event_viewers(text, ',') || event_viewers(text, '\t')
}

fn event_viewers(text: &str, between: char) -> bool {
    let mut lines = text.lines();
    let cells = |line: &str| line.split(between).count();
    let Some(header) = lines.next() else {
        return false;
    };
    let Some(row) = lines.next() else {
        return false;
    };
    let number = |cell: Option<&str>| cell.is_some_and(|c| c.parse::<u16>().is_ok());
    cells(header) == 5
        && !header.contains(|c: char| c.is_ascii_digit())
        && cells(row) >= 6
        && number(row.split(between).nth(3))
        && row.contains(&format!("{between}\""))
}

/// What an answer holds, of which all records lie in one object: it may be longer than what is looked at.
pub fn in_answer(text: &str) -> Option<Unusable> {
    let has = |name: &str| text.contains(&format!("\"{name}\""));
    if !text.starts_with('{') {
        None
    } else if has("hits") && has("_source") && (has("event_id") || has("EventID") || has("winlog"))
    {
        Some(Unusable::SearchAnswer)
    } else if (has("tables") && has("columns") || has("Tables") && has("Columns"))
        && has("TimeGenerated")
        && has("EventID")
    {
        Some(Unusable::TableAnswer)
    } else {
        None
    }
}

/// What a record is that nothing is wrapped around.
pub fn in_object(object: &Map<String, Value>) -> Option<Unusable> {
    let has = |name: &str| object.contains_key(name);
    let listed = |name: &str| object.get(name).is_some_and(Value::is_array);
    let numbered = |name: &str| object.get(name).is_some_and(Value::is_number);
    let described = || has("ProviderGUID") && (has("Description") || has("DescriptionTitle"));
    let nameless = || has("EventID") && has("ProviderName") && (listed("EventData") || described());
    if listed("StringInserts") || listed("string_inserts") || nameless() {
        Some(Unusable::Inserts)
    } else if numbered("InstanceId") && has("TimeGenerated") || listed("ReplacementStrings") {
        // In Azure's tables an InstanceId is a GUID.
        Some(Unusable::EventLogCmdlet)
    } else if has("Properties") && (has("Id") || has("LogName")) && has("TimeCreated") {
        Some(Unusable::Positional)
    } else if is_collected(object)
        || object
            .get("body")
            .and_then(Value::as_object)
            .is_some_and(is_collected)
    {
        Some(Unusable::OpenTelemetry)
    } else if is_osquerys(object)
        || object
            .get("columns")
            .and_then(Value::as_object)
            .is_some_and(is_osquerys)
    {
        Some(Unusable::Osquery)
    } else if has("RuleTitle") && has("EventID") && has("Channel") {
        Some(Unusable::Hayabusa)
    } else if object.get("data_type").and_then(Value::as_str) == Some("windows:evtx:record") {
        Some(Unusable::Plaso)
    } else {
        None
    }
}

/// True for JSON whose members, by whatever prefix they are called, are the number of an event and the log or
/// the provider and computer it is of: a record of Windows in a form that is not known.
pub fn resembles_a_record(object: &Map<String, Value>) -> bool {
    let held = match object.get("fields") {
        Some(Value::Object(fields)) => fields,
        _ => object,
    };
    let names = held.keys().take(MOST_NAMES).map(|name| {
        let last = name.rsplit('.').next().unwrap_or(name);
        let plain = last.chars().filter(char::is_ascii_alphanumeric);
        plain.collect::<String>().to_ascii_lowercase()
    });
    let names: Vec<String> = names.collect();
    let any = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&&**name));
    any(&["eventid", "eventcode"])
        && (any(&["channel", "logname", "eventlog"])
            || any(&["providername", "provider", "sourcename"])
                && any(&["computer", "computername", "hostname", "machinename"]))
}

/// A record of OpenTelemetry's receiver: its number is an object, with that of the source beside it.
fn is_collected(object: &Map<String, Value>) -> bool {
    let id = object.get("event_id").and_then(|id| id.get("id"));
    id.is_some() && object.contains_key("channel") && object.contains_key("system_time")
}

fn is_osquerys(row: &Map<String, Value>) -> bool {
    let names = ["eventid", "provider_name", "channel", "datetime"];
    names.iter().all(|name| row.contains_key(*name))
}

/// A record of Winlogbeat whose fields are no longer where Winlogbeat or Elastic's own pipelines put them:
/// what it is called and what it says stands at the top, under other names.
pub fn renamed(object: &Map<String, Value>) -> bool {
    let stays = |name: &str| {
        object
            .get("winlog")
            .and_then(|winlog| winlog.get(name))
            .is_some()
    };
    let says = stays("event_data") || stays("user_data");
    !says && object.contains_key("event_id") && object.contains_key("log_name")
}
