//! Which text form of an event log (or of connections) a file has, by what it begins with.
//!
//! Here a form is only named; what its fields mean is for `eventlog` and `capture`. A form whose
//! records cannot be used is named too, with what to export instead.

use super::cells::{cell, is_open, raw_column};
use super::lines::decoded;
use super::marks;
use super::unusable::Unusable;
use serde_json::{Map, Value};

/// Lines that are looked at for a record.
const MOST_LINES: usize = 64;
/// Characters at the beginning that tell a text from something else.
const BEGINNING: usize = 24;

/// A text form that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Event XML: `wevtutil qe /f:xml`, Event Viewer "Save as XML", Splunk with `renderXml`.
    Xml,
    /// JSON of evtx_dump and of what is built on the evtx crate.
    EvtxDump,
    /// Winlogbeat 5 and 6.
    Winlogbeat6,
    /// Winlogbeat 7 and 8 and Elastic Agent, with ECS fields.
    Winlogbeat,
    /// NXLog im_msvistalog as JSON.
    Nxlog,
    /// JSON of a PowerShell export: flat strings, local time marked as UTC.
    PowerShell,
    /// Azure Log Analytics and Sentinel.
    Azure,
    /// Velociraptor's parse_evtx.
    Velociraptor,
    /// EvtxECmd --csv.
    EvtxEcmd,
    /// EvtxECmd --json.
    EvtxEcmdJson,
    /// What Chainsaw's hunt prints as JSON: the records its rules matched.
    Chainsaw,
    /// Wazuh's archives.json and alerts.json.
    Wazuh,
    /// The Windows Firewall's pfirewall.log.
    FirewallLog,
    /// Zeek's conn.log, tab-separated or as JSON.
    ZeekConn,
}

/// What a text has that others of its form lack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its records have EventRecordIDs.
    pub numbers: bool,
    /// It has hours that a clock of twelve hours does not have.
    pub whole_day: bool,
    /// It has fractions of seconds.
    pub fractions: bool,
}

impl Form {
    /// True for what was seen on the wire.
    pub fn is_network(self) -> bool {
        self == Self::ZeekConn
    }

    /// What a log loses in this form, as a clause, unless it `kept` it; `None` where it says what the log
    /// said.
    pub fn loses(self, kept: Kept) -> Option<String> {
        let numbers = match kept.numbers {
            true => "",
            false => "its records have no EventRecordIDs, and ",
        };
        let words = match self {
            Self::PowerShell if kept.whole_day => "its times are local",
            Self::PowerShell => "its times are local and have lost AM and PM",
            Self::Azure => "only what was collected into the workspace is there",
            Self::Nxlog if kept.fractions => return None,
            other => return other.always_loses().map(str::to_owned),
        };
        Some(format!("{numbers}{words}"))
    }

    /// True if a log says in this form what it said.
    pub fn loses_nothing(self) -> bool {
        self.loses(Kept::default()).is_none()
    }

    fn always_loses(self) -> Option<&'static str> {
        Some(match self {
            Self::Nxlog => "its times are cut to whole seconds",
            Self::Wazuh => "only what the agent was told to collect is there",
            Self::Chainsaw => "only records that a rule of Chainsaw matched are there",
            Self::Winlogbeat | Self::Winlogbeat6 => {
                "its times are cut to milliseconds, and only what was shipped is there"
            }
            Self::FirewallLog => {
                "it has whole seconds of local time, nothing that was dropped in stealth mode, and for most rows no \
                 process"
            }
            Self::Xml
            | Self::EvtxDump
            | Self::Velociraptor
            | Self::EvtxEcmd
            | Self::EvtxEcmdJson
            | Self::PowerShell
            | Self::Azure
            | Self::ZeekConn => return None,
        })
    }

    /// The stable name in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Xml => "event-xml",
            Self::EvtxDump => "evtx-json",
            Self::Winlogbeat6 => "winlogbeat6",
            Self::Winlogbeat => "winlogbeat",
            Self::Nxlog => "nxlog",
            Self::PowerShell => "powershell-json",
            Self::Azure => "azure",
            Self::Velociraptor => "velociraptor",
            Self::EvtxEcmd => "evtxecmd-csv",
            Self::EvtxEcmdJson => "evtxecmd-json",
            Self::Chainsaw => "chainsaw",
            Self::Wazuh => "wazuh",
            Self::FirewallLog => "pfirewall",
            Self::ZeekConn => "zeek-conn",
        }
    }
}

/// The form of a text that begins with `head`; `None` for anything else.
pub fn recognise(head: &[u8]) -> Option<Result<Form, Unusable>> {
    let text = decoded(head);
    let text = text.trim_start_matches(['\u{feff}', '\0']).trim_start();
    if is_binary(text) {
        return None;
    }
    match text.bytes().next()? {
        b'{' | b'[' => json(text),
        // Also the priority that begins a line of syslog.
        _ => lines(text),
    }
}

/// True for what begins with characters that no text has: records in it are those of something else.
fn is_binary(text: &str) -> bool {
    let control = |c: char| c.is_ascii_control() && !c.is_ascii_whitespace() && c != '\x1b';
    text.chars().take(BEGINNING).any(control)
}

/// True for a text that holds the XML of an event.
pub fn xml(text: &str) -> bool {
    let event = text.find("<Event ").or_else(|| text.find("<Event>"));
    event.is_some_and(|at| text[at..].contains("<System>") && text[at..].contains("<EventID"))
}

fn lines(text: &str) -> Option<Result<Form, Unusable>> {
    let first = text.lines().next()?;
    let has = |words: &[&str]| words.iter().all(|word| first.contains(word));
    if first.starts_with("#separator") || first.starts_with("#fields") {
        return zeek(text).then_some(Ok(Form::ZeekConn));
    }
    if first.starts_with('#') && !first.starts_with(marks::TYPED) {
        let mut fields = text.lines().filter(|l| l.starts_with("#Fields:"));
        return fields
            .any(|l| l.contains("src-ip") && l.contains("tcpsyn"))
            .then_some(Ok(Form::FirewallLog));
    }
    if has(&[
        "RecordNumber",
        "EventRecordId",
        "TimeCreated",
        "EventId",
        "Payload",
    ]) {
        return Some(Ok(Form::EvtxEcmd));
    }
    if let Some(form) = in_cells(text) {
        return Some(form);
    }
    // Splunk may prefix syslog's header; the XML is on the first line all the same.
    if xml(text) {
        return Some(Ok(Form::Xml));
    }
    if is_message(text) {
        return Some(Err(Unusable::MessageText));
    }
    behind_headers(text).or_else(|| marks::in_text(text).map(Err))
}

/// The form of the raw events in a CSV of Splunk, by the first of them that has one.
fn in_cells(text: &str) -> Option<Result<Form, Unusable>> {
    let (heading, rows) = text.split_once('\n')?;
    let column = raw_column(heading)?;
    let (mut row, mut open) = (String::new(), false);
    let mut raws = rows.lines().filter_map(|line| {
        row.push_str(line);
        open ^= is_open(line);
        if open {
            row.push('\n');
            return None;
        }
        let row = std::mem::take(&mut row);
        Some(cell(&row, column)?.into_owned())
    });
    let form = raws.by_ref().take(MOST_LINES).find_map(|raw| of_raw(&raw));
    // An event that is cut off by the end of what was looked at.
    form.or_else(|| xml(text).then_some(Ok(Form::Xml)))
}

/// The form of a raw event.
fn of_raw(raw: &str) -> Option<Result<Form, Unusable>> {
    match raw {
        raw if xml(raw) => Some(Ok(Form::Xml)),
        raw if is_message(raw) => Some(Err(Unusable::MessageText)),
        raw => plain(&inner(raw)?).filter(|form| !form.is_ok_and(Form::is_network)),
    }
}

/// The form of a text by its records, in their order: what can be used goes before what cannot.
fn preferred(
    forms: impl Iterator<Item = Result<Form, Unusable>>,
) -> Option<Result<Form, Unusable>> {
    let mut unusable = None;
    for form in forms {
        match form {
            Ok(_) => return Some(form),
            Err(_) => unusable = unusable.or(Some(form)),
        }
    }
    unusable
}

/// The form of records behind the headers of a collector. Programs write JSON into their own logs, too: at
/// least half of the lines must be records.
fn behind_headers(text: &str) -> Option<Result<Form, Unusable>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let forms: Vec<_> = lines
        .take(MOST_LINES)
        .map(|line| of_object(&inner(line)?))
        .collect();
    let known = forms.iter().flatten().count();
    let form = preferred(forms.iter().flatten().copied());
    form.filter(|form| 2 * known >= forms.len() && !form.is_ok_and(Form::is_network))
}

/// Where a JSON object begins that ends the line, behind a header of what collected it: that of syslog (RFC
/// 3164, RFC 5424), a time, a name.
pub fn behind_header(line: &[u8]) -> Option<usize> {
    let closed = line.trim_ascii_end().ends_with(b"}");
    memchr::memmem::find(line, b"{\"").filter(|_| closed)
}

/// Splunk's own form of an event, without XML.
fn is_message(text: &str) -> bool {
    text.contains("\nLogName=") && text.contains("\nEventCode=")
}

fn zeek(text: &str) -> bool {
    let path = |l: &str| l.strip_prefix("#path").map(|p| p.trim() == "conn");
    text.lines().find_map(path).unwrap_or_else(|| {
        text.lines()
            .any(|l| l.starts_with("#fields") && l.contains("conn_state"))
    })
}

fn json(text: &str) -> Option<Result<Form, Unusable>> {
    let inner = text.trim_start_matches(|c: char| c == '[' || c.is_whitespace());
    // What was collected from many is in one file: the first record may be of something else.
    let objects = serde_json::Deserializer::from_str(inner).into_iter::<Map<String, Value>>();
    let objects = objects.take(MOST_LINES).map_while(Result::ok);
    let form = preferred(objects.filter_map(|object| of_object(&object)));
    // Rows of conn.log are read a line each, and as they are.
    let is_row = |line: &str| {
        let object = serde_json::from_str::<Map<String, Value>>(line).ok();
        object.is_some_and(|object| plain(&object) == Some(Ok(Form::ZeekConn)))
    };
    if form == Some(Ok(Form::ZeekConn)) {
        return form.filter(|_| text.lines().take(MOST_LINES).any(is_row));
    }
    // A record that is longer than what was looked at, or damaged: the lines behind it decide.
    form.or_else(|| {
        let lines = text.lines().take(MOST_LINES);
        let objects = lines.filter_map(|line| {
            let line = line
                .trim_start_matches('[')
                .trim()
                .trim_end_matches([',', ']']);
            serde_json::from_str::<Map<String, Value>>(line).ok()
        });
        preferred(objects.filter_map(|object| of_object(&object)))
    })
    .or_else(|| marks::in_answer(text).map(Err))
}

/// A record that a search engine has wrapped into one of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Carried<'a> {
    /// A document of Elasticsearch or OpenSearch, as elasticdump and scrolls write it.
    Document(&'a Map<String, Value>),
    /// A raw event of Splunk, exported as JSON: the record's own text.
    Raw(&'a str),
}

/// What a JSON object of a search engine's export carries.
pub fn carried(object: &Map<String, Value>) -> Option<Carried<'_>> {
    if let Some(Value::Object(source)) = object.get("_source") {
        return Some(Carried::Document(source));
    }
    let result = object.get("result").and_then(|result| result.get("_raw"));
    let raw = result.or_else(|| object.get("_raw"))?;
    raw.as_str().map(Carried::Raw)
}

/// What of a raw event is JSON, maybe behind a header.
pub fn json_in(raw: &str) -> Option<&str> {
    let raw = raw.trim();
    if raw.starts_with('{') {
        return Some(raw);
    }
    Some(&raw[behind_header(raw.as_bytes())?..])
}

/// The object in a raw event that is JSON itself, maybe behind a header.
pub fn inner(raw: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(json_in(raw)?).ok()
}

/// The form of one JSON record.
pub fn of_object(object: &Map<String, Value>) -> Option<Result<Form, Unusable>> {
    match carried(object) {
        Some(Carried::Document(source)) => plain(source),
        Some(Carried::Raw(text)) => of_raw(text),
        None => plain(object),
    }
}

/// The form of a record that nothing is wrapped around.
pub fn plain(object: &Map<String, Value>) -> Option<Result<Form, Unusable>> {
    let has = |name: &str| object.contains_key(name);
    let under = |name: &str, inner: &str| object.get(name).is_some_and(|v| v.get(inner).is_some());
    Some(Ok(if under("Event", "System") {
        Form::EvtxDump
    } else if under("System", "EventID") {
        Form::Velociraptor
    } else if wazuh(object)["system"].is_object() {
        Form::Wazuh
    } else if documents(object).is_some_and(|found| found.iter().any(|one| hunted(one).is_some())) {
        Form::Chainsaw
    } else if under("winlog", "event_id") || under("winlog", "channel") {
        match marks::renamed(object) {
            true => return Some(Err(Unusable::Renamed)),
            false => Form::Winlogbeat,
        }
    } else if let Some(unusable) = marks::in_object(object) {
        return Some(Err(unusable));
    } else if has("event_id") && has("log_name") {
        Form::Winlogbeat6
    } else if has("TimeGenerated") && has("EventID") && !is_powershells(object) {
        Form::Azure
    } else if has("EventID") && has("EventRecordID") && has("EventTime") && has("EventData") {
        Form::Velociraptor
    } else if has("EventID") && (has("EventReceivedTime") || has("EventTime")) {
        Form::Nxlog
    } else if has("EventID") && has("Channel") && has("TimeCreated") && is_powershells(object) {
        Form::PowerShell
    } else if has("EventId") && has("EventRecordId") && (has("Payload") || has("ChunkNumber")) {
        Form::EvtxEcmdJson
    } else if has("ts") && has("conn_state") && (has("id.orig_h") || under("id", "orig_h")) {
        Form::ZeekConn
    } else if marks::resembles_a_record(object) {
        return Some(Err(Unusable::OtherJson));
    } else {
        return None;
    }))
}

/// Computer and provider by the names that this export has for them; a later one has those of Azure's tables,
/// but no table, and what they lack or spell another way. Times that others call `TimeCreated` are in UTC.
fn is_powershells(object: &Map<String, Value>) -> bool {
    let has = |name: &str| object.contains_key(name);
    let of_a_table = has("TenantId") || has("Type");
    has("Hostname") && has("SourceName")
        || has("EventRecordID") && has("ProviderGuid") && has("TimeCreated") && !of_a_table
}

/// Where Wazuh keeps a record: its manager below `data`, its agent at the top.
pub fn wazuh(object: &Map<String, Value>) -> &Value {
    let kept = object.get("data").and_then(|data| data.get("win"));
    kept.or_else(|| object.get("win")).unwrap_or(&Value::Null)
}

/// What a detection of Chainsaw is about: one record, or several that a rule counted.
pub fn documents(object: &Map<String, Value>) -> Option<&[Value]> {
    match object.get("documents") {
        Some(Value::Array(all)) => Some(all),
        _ => object.get("document").map(std::slice::from_ref),
    }
}

/// The record in such a document, as evtx_dump has it.
pub fn hunted(document: &Value) -> Option<&Map<String, Value>> {
    let data = document.get("data")?;
    data.get("Event")?.get("System")?;
    data.as_object()
}
