//! NXLog's im_msvistalog as JSON, often by way of Logstash: `EventTime` and `EventReceivedTime` are
//! local and cut to seconds, `@timestamp` is the moment of receipt in UTC.
//!
//! The zone is what lies between the two moments of receipt, as far as the text as a whole shows that it
//! is no queue (`receipt`). Some agents write it behind the moment of receipt themselves. Without
//! either, the zone is not known.

use super::draft::{Draft, Refused, first_text, number, of_json, utc};
use super::receipt::{Receipt, nearest};
use crate::eventlog::record::Value as Field;
use crate::evidence::Form;
use crate::model::{Span, Timed, Timestamp};
use serde_json::{Map, Value};

/// What a zone begins with, behind the time of day.
const ZONE: [char; 4] = ['Z', 'z', '+', '-'];
/// What happened and its receipt lie closer than this; what was held up says nothing of the zone.
const QUEUE: i64 = 300_000_000_000;

/// Reads a record.
pub fn draft(object: &Map<String, Value>) -> Result<Draft<'_>, Refused> {
    let mut draft = Draft::new(Form::Nxlog);
    draft.id(object.get("EventID"))?;
    draft.channel = first_text(object, &["Channel"]);
    draft.computer = first_text(object, &["Hostname"]);
    draft.provider = first_text(object, &["SourceName"]);
    draft.record_id = object.get("RecordNumber").and_then(number);
    let moment = |name: &str| object.get(name).and_then(Value::as_str);
    let time = moment("EventTime");
    let received = moment("EventReceivedTime");
    draft.time = time.and_then(utc);
    // Some pipelines write a zone after all.
    if !time.is_some_and(has_zone) {
        draft.timed = Timed::Nxlog;
        draft.receipt = receipt(received, moment("@timestamp"));
        if let Some(zone) = received.zip(time).and_then(|(r, t)| zone_of(r, t)) {
            draft.is_ahead(zone);
        }
    }
    if let Some(event_type) = sysmons_event_type(object) {
        draft.field("EventType", Field::Text(event_type.into()));
    }
    // Older agents give the process that wrote the record the name that events of the filtering platform
    // have for theirs, which is then lost but for the message.
    let of_writer = !object.contains_key("ExecutionProcessID") && object.contains_key("ThreadID");
    if of_writer && let Some(pid) = process_in_message(object) {
        draft.field("ProcessId", Field::Text(pid.into()));
    }
    if let Some(account) = service_account(object) {
        draft.field("AccountName", Field::Text(account.into()));
    }
    for (name, value) in object {
        // The agent's own: who wrote the record, and where it stands. Fields of the same name are lost.
        let own = match name.as_str() {
            "ProcessID" => of_writer,
            "AccountName" | "Channel" => true,
            _ => false,
        };
        if own {
            continue;
        }
        draft.field(name.as_str(), of_json(value));
    }
    Ok(draft)
}

/// A line of the message, which is in the language of the computer but for Sysmon's.
fn line_of_message<'a>(object: &'a Map<String, Value>, label: &str) -> Option<&'a str> {
    let message = object.get("Message").and_then(Value::as_str)?;
    let mut lines = message.lines().take(16);
    let told = lines.find_map(|line| line.trim_start().strip_prefix(label))?;
    Some(told.trim())
}

/// The process of an event of the filtering platform or of Sysmon, by its message.
fn process_in_message(object: &Map<String, Value>) -> Option<&str> {
    match object.get("EventID").and_then(number)? {
        5150..=5159 => line_of_message(object, "Process ID:"),
        _ if is_sysmons(object) => line_of_message(object, "ProcessId:"),
        _ => None,
    }
}

/// The account a new service runs as (7045), by its message.
fn service_account(object: &Map<String, Value>) -> Option<&str> {
    match object.get("EventID").and_then(number)? {
        7045 => line_of_message(object, "Service Account:"),
        _ => None,
    }
}

fn is_sysmons(object: &Map<String, Value>) -> bool {
    let source = object.get("SourceName").and_then(Value::as_str);
    source.is_some_and(|name| name.eq_ignore_ascii_case("Microsoft-Windows-Sysmon"))
}

/// NXLog has an `EventType` of its own (`INFO`), which takes the place of Sysmon's. Sysmon's stands
/// in the message, which is English in every language of Windows.
fn sysmons_event_type(object: &Map<String, Value>) -> Option<&str> {
    match is_sysmons(object) {
        true => line_of_message(object, "EventType: "),
        false => None,
    }
}

fn has_zone(text: &str) -> bool {
    text.get(11..).is_some_and(|clock| clock.contains(ZONE))
}

/// The two moments of receipt, if one is local and the other is not.
fn receipt(received: Option<&str>, stamped: Option<&str>) -> Option<Receipt> {
    let (received, stamped) = (received?, stamped?);
    if has_zone(received) || !has_zone(stamped) {
        return None;
    }
    Some(Receipt {
        local: Timestamp::parse(received)?,
        utc: Timestamp::parse(stamped)?,
    })
}

/// The zone that is written behind the moment of receipt, where what happened in local time was received
/// soon after: times that are no local ones, or of another place, are not.
fn zone_of(received: &str, time: &str) -> Option<Span> {
    let clock = 11 + received.get(11..)?.find(ZONE)?;
    let local = Timestamp::parse(&received[..clock])?;
    let waited = local.since(Timestamp::parse(time)?).0;
    let zone = local.since(Timestamp::parse(received)?);
    ((-QUEUE..=QUEUE).contains(&waited) && nearest(zone.0) == Some(zone.0)).then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysmons_event_type_is_taken_from_its_message() {
        let line = r#"{"EventID":12,"SourceName":"Microsoft-Windows-Sysmon","EventType":"INFO",
            "Message":"Registry object added or deleted:\r\nRuleName: -\r\nEventType: DeleteValue\r\n"}"#;
        let object: Map<String, Value> = serde_json::from_str(line).unwrap();
        let record = draft(&object).unwrap().record(1, 0);
        assert_eq!(record.text("EventType").as_deref(), Some("DeleteValue"));
    }

    #[test]
    fn a_zone_behind_the_moment_of_receipt_counts_where_the_times_are_near() {
        let of = |a, b| zone_of(a, b).map(|z| z.0 / 60_000_000_000);
        for (received, time, minutes) in [
            (
                "2024-09-15T10:37:51-04:00",
                "2024-09-15 10:37:50",
                Some(-240),
            ),
            (
                "2024-09-15T10:37:51.4+05:45",
                "2024-09-15 10:37:50",
                Some(345),
            ),
            ("2024-09-15T10:37:51Z", "2024-09-15 10:37:50", Some(0)),
            // The event's time is in UTC already, or stood in a queue.
            ("2024-09-15T10:37:51-04:00", "2024-09-15 14:37:50", None),
            ("2024-09-15T10:44:51-04:00", "2024-09-15 10:37:50", None),
            ("2024-09-15 10:37:51", "2024-09-15 10:37:50", None),
            // No zone is like that.
            ("2024-09-15T10:37:51+23:59", "2024-09-15 10:37:50", None),
            ("2024-09-15T10:37:51+00:07", "2024-09-15 10:37:50", None),
        ] {
            assert_eq!(of(received, time), minutes, "{received} {time}");
        }
        let line = r#"{"EventID":5156,"Channel":"Security","Hostname":"WS01","EventTime":"2024-09-15 10:37:50",
            "EventReceivedTime":"2024-09-15T10:37:50-04:00","SourceName":"Microsoft-Windows-Security-Auditing"}"#;
        let object: Map<String, Value> = serde_json::from_str(line).unwrap();
        let draft = draft(&object).unwrap();
        assert_eq!(draft.time, Timestamp::parse("2024-09-15T14:37:50Z"));
        assert!(!draft.timed.is_local());
    }

    #[test]
    fn the_process_that_wrote_a_record_is_not_the_one_it_is_about() {
        let pid = |header: &str, message: &str| {
            let line = format!(
                r#"{{"EventID":5156,"Channel":"Security","Hostname":"WS01","EventTime":"2024-09-15 10:37:50",
                {header},"ThreadID":1460,"SourceName":"Microsoft-Windows-Security-Auditing","Message":"{message}"}}"#
            );
            let object: Map<String, Value> = serde_json::from_str(&line).unwrap();
            let record = draft(&object).unwrap().record(1, 0);
            record.text("ProcessID").map(|text| text.to_string())
        };
        let english = r"Permitted.\r\n\r\nApplication Information:\r\n\tProcess ID:\t\t8096\r\n";
        assert_eq!(pid(r#""ProcessID":4"#, "Zugelassen."), None);
        assert_eq!(pid(r#""ProcessID":4"#, english).as_deref(), Some("8096"));
        // Newer agents have a name for the writer, and the event keeps its own.
        let newer = r#""ExecutionProcessID":4,"ProcessID":"696""#;
        assert_eq!(pid(newer, "Zugelassen.").as_deref(), Some("696"));
    }

    #[test]
    fn what_the_agent_says_of_itself_is_no_field_of_the_event() {
        let field = |line: &str, name: &str| {
            let object: Map<String, Value> = serde_json::from_str(line).unwrap();
            let record = draft(&object).unwrap().record(1, 0);
            record.text(name).map(|text| text.to_string())
        };
        let service = r#"{"EventID":7045,"Channel":"System","SourceName":"Service Control Manager","ServiceName":"a",
            "AccountName":"bob","Message":"A service was installed.\r\n\r\nService Account:  LocalSystem\r\n"}"#;
        assert_eq!(
            field(service, "AccountName").as_deref(),
            Some("LocalSystem")
        );
        let german = service.replace("Service Account:", "Dienstkonto:");
        assert_eq!(field(&german, "AccountName"), None);
        let cleared = r#"{"EventID":104,"Channel":"System","SourceName":"Microsoft-Windows-Eventlog","Message":""}"#;
        assert_eq!(field(cleared, "Channel"), None);
        // An older agent: the writer's id has taken the place of the process's.
        let sysmon = r#"{"EventID":1,"ProcessID":2000,"ThreadID":4,"SourceName":"Microsoft-Windows-Sysmon",
            "Message":"Process Create:\r\nRuleName: -\r\nUtcTime: 2020\r\nProcessGuid: {1}\r\nProcessId: 2964\r\n"}"#;
        assert_eq!(field(sysmon, "ProcessId").as_deref(), Some("2964"));
    }
}
