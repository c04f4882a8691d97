//! Texts that hold event records, and of which nothing can be used: what each is called, why that is
//! so, and what to export instead. What they are known by is for `marks`.

/// A text form that is known and cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unusable {
    /// Get-WinEvent piped to ConvertTo-Json: values without names.
    Positional,
    /// Get-WinEvent piped to Export-Csv: values only within a localised message.
    WinEventCsv,
    /// Get-WinEvent as text, or as PowerShell's own XML: the same.
    WinEventText,
    /// Log Parser's CSV: values without names.
    LogParser,
    /// Get-EventLog, as JSON or CSV: values without names.
    EventLogCmdlet,
    /// Fluent Bit's and Fluentd's records: values without names in a list, or in a message.
    Inserts,
    /// OpenTelemetry's receiver of Windows event logs.
    OpenTelemetry,
    /// osquery's table `windows_events`.
    Osquery,
    /// Winlogbeat's records whose fields a pipeline has given other names, as HELK's does.
    Renamed,
    /// Splunk WinEventLog without XML: values only within a localised message.
    MessageText,
    /// Event Viewer "Save as CSV" or as text: the same.
    EventViewerCsv,
    /// `wevtutil qe /f:text`: the same.
    WevtutilText,
    /// Snare, and what writes in its form: the same.
    Snare,
    /// Hayabusa's timeline: what its rules matched.
    Hayabusa,
    /// Plaso's timeline: an entry for each time of a record.
    Plaso,
    /// The answer of Elasticsearch or OpenSearch to a search, as one object.
    SearchAnswer,
    /// The answer of the Log Analytics API: a table.
    TableAnswer,
    /// Log Analytics or Sentinel as CSV, with times as the portal shows them.
    TableCsv,
    /// JSON whose members are those of event records, in no form that is known.
    OtherJson,
}

/// What to export where only the log itself says enough.
macro_rules! the_log {
    () => {
        "nothing in it was used; export the log itself (wevtutil epl Security Security.evtx) or its XML \
         (wevtutil qe Security /f:xml)"
    };
}

impl Unusable {
    /// The stable name in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Positional => "get-winevent-json",
            Self::WinEventCsv => "get-winevent-csv",
            Self::WinEventText => "get-winevent-text",
            Self::LogParser => "log-parser-csv",
            Self::EventLogCmdlet => "get-eventlog",
            Self::Inserts => "fluent",
            Self::OpenTelemetry => "opentelemetry",
            Self::Osquery => "osquery",
            Self::Renamed => "winlogbeat-renamed",
            Self::MessageText => "splunk-text",
            Self::EventViewerCsv => "event-viewer-csv",
            Self::WevtutilText => "wevtutil-text",
            Self::Snare => "snare",
            Self::Hayabusa => "hayabusa",
            Self::Plaso => "plaso",
            Self::SearchAnswer => "elasticsearch-answer",
            Self::TableAnswer => "log-analytics-answer",
            Self::TableCsv => "log-analytics-csv",
            Self::OtherJson => "other-event-json",
        }
    }

    /// What it is and why it is of no use.
    pub fn why(self) -> &'static str {
        match self {
            Self::Positional => {
                "Get-WinEvent as JSON: the values of each record come without their names, and their order differs \
                 between Windows versions"
            }
            Self::WinEventCsv => {
                "Get-WinEvent as CSV: what was logged is only in a message text, in the language of the computer, and \
                 times are local"
            }
            Self::WinEventText => {
                "Get-WinEvent as text or as PowerShell's own XML: what was logged is only in a message text, in the \
                 language of the computer, or without names"
            }
            Self::LogParser => {
                "a CSV of Log Parser: the values of each record come without their names, and its times are local \
                 unless it was told otherwise"
            }
            Self::EventLogCmdlet => {
                "records of Get-EventLog: the values of each come without their names, and their order differs between \
                 Windows versions"
            }
            Self::Inserts => {
                "records of Fluent Bit or Fluentd: the values of each come without their names, in an order that \
                 differs between Windows versions, or in a message text in the language of the computer"
            }
            Self::OpenTelemetry => {
                "records of OpenTelemetry's receiver of Windows event logs, which are not read: most keep what was \
                 logged only in a message text, in the language of the computer"
            }
            Self::Osquery => "rows of osquery's windows_events, which are not read",
            Self::Renamed => {
                "records of Winlogbeat whose fields a pipeline has moved and given names of its own (HELK, Logstash)"
            }
            Self::MessageText => {
                "Splunk events without XML: what was logged is only in a message text, in the language of the \
                 computer and in its local time"
            }
            Self::EventViewerCsv => {
                "an Event Viewer CSV or text: what was logged is only in a message text, in the language of the computer and \
                 in its local time"
            }
            Self::WevtutilText => {
                "text of wevtutil: what was logged is only in a message text, in the language of the computer"
            }
            Self::Snare => {
                "events in the form of Snare: what was logged is only in a message text, in the language of the \
                 computer and in its local time"
            }
            Self::Hayabusa => {
                "a timeline of Hayabusa: what its rules matched, under names of its own, and not the records"
            }
            Self::Plaso => {
                "a timeline of plaso: an entry for each time of a record, so that a record may stand in it twice"
            }
            Self::SearchAnswer => {
                "an answer of Elasticsearch or OpenSearch: all its records lie in one object"
            }
            Self::TableAnswer => {
                "an answer of the Log Analytics API: the values of its rows come without their names"
            }
            Self::TableCsv => {
                "a CSV of Log Analytics or Sentinel: its times are written as the portal shows them"
            }
            Self::OtherJson => {
                "JSON with the members of event records, in a form that is not known"
            }
        }
    }

    /// What to export instead.
    pub fn instead(self) -> &'static str {
        match self {
            Self::Positional
            | Self::Inserts
            | Self::WinEventCsv
            | Self::WinEventText
            | Self::EventLogCmdlet => {
                "nothing in it was used; export the log itself (wevtutil epl Security Security.evtx) or its XML \
                 (Get-WinEvent ... | ForEach-Object { $_.ToXml() })"
            }
            Self::WevtutilText
            | Self::Snare
            | Self::OpenTelemetry
            | Self::Osquery
            | Self::LogParser
            | Self::OtherJson => the_log!(),
            Self::Renamed => {
                "nothing in it was used; export what Winlogbeat itself writes, before that pipeline, or the log itself \
                 (wevtutil epl Security Security.evtx)"
            }
            Self::MessageText => {
                "nothing in it was used; export the log itself (wevtutil epl Security Security.evtx), or set \
                 renderXml = true in Splunk's inputs.conf and export the raw events"
            }
            Self::EventViewerCsv => {
                "nothing in it was used; choose \"Event Files (*.evtx)\" or \"XML (*.xml)\" when saving"
            }
            Self::Hayabusa | Self::Plaso => {
                "nothing in it was used; give the event logs (.evtx) that it was made from"
            }
            Self::SearchAnswer => {
                "nothing in it was used; put each record on a line of its own (jq -c '.hits.hits[]' IN > OUT) and give \
                 what comes out"
            }
            Self::TableAnswer | Self::TableCsv => {
                "nothing in it was used; export the rows as JSON objects (az monitor log-analytics query -o json), or \
                 the log itself (wevtutil epl Security Security.evtx)"
            }
        }
    }
}
