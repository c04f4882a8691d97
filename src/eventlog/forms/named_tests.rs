//! Exports as other programs write them: each is read, or named with what to export instead.

use super::read_text;
use crate::eventlog::LogSummary;
use crate::evidence::{Form, Kind, kind};
use crate::model::{Event, EvidenceId, HostWhat, Timestamp, What};
use serde_json::{Value, json};

fn word(text: &str) -> &'static str {
    kind::recognise(text.as_bytes()).unwrap().word()
}

/// The kind a text has, its events, and what was refused of it.
fn read(text: &str) -> (&'static str, Vec<(Event, Option<u64>)>, LogSummary) {
    let kind = kind::recognise(text.as_bytes()).unwrap();
    let Kind::Text(form, _) = kind else {
        panic!("{kind}: {text}");
    };
    let mut events = Vec::new();
    let (summary, _) = read_text(
        EvidenceId(1),
        form,
        text.as_bytes(),
        &mut |event, record| {
            events.push((event, record));
        },
    );
    (kind.word(), events, summary)
}

fn ended(event: &Event) -> (Option<u64>, String) {
    match &event.what {
        What::Host(host) => match &host.what {
            HostWhat::ProcessEnded { process } => {
                (process.pid.map(Into::into), process.image.to_string())
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn evtxecmds_json_is_read_as_its_csv_is() {
    let line = |n: u64| {
        let payload = json!({"EventData": {"Data": [
            {"@Name": "ProcessId", "#text": "0x7d8"}, {"@Name": "ProcessName", "#text": r"C:\a.exe"}]}});
        json!({"PayloadData1": "PID 0x7d8", "MapDescription": "A process has exited", "ChunkNumber": 0,
            "Computer": "WS01", "Payload": payload.to_string(), "Channel": "Security",
            "Provider": "Microsoft-Windows-Security-Auditing", "EventId": 4689, "EventRecordId": n.to_string(),
            "ProcessId": 4, "Level": "LogAlways", "SourceFile": r"D:\Security.evtx",
            "TimeCreated": "2022-09-01T12:18:23.1363700+00:00", "RecordNumber": n})
        .to_string()
    };
    let (form, events, summary) = read(&[line(3), line(4)].join("\n"));
    assert_eq!(form, "evtxecmd-json");
    assert_eq!((summary.records_read, summary.records_skipped), (2, 0));
    assert_eq!(events[1].1, Some(4));
    assert_eq!(ended(&events[0].0), (Some(0x7d8), r"C:\a.exe".to_owned()));
    let time = Timestamp::parse("2022-09-01T12:18:23.13637Z").unwrap();
    assert_eq!(events[0].0.time, time);
    // A Payload that is no JSON is told, and costs its record.
    let torn = line(5).replace("]}}", "]");
    let (_, events, summary) = read(&[line(3), torn].join("\n"));
    assert_eq!((events.len(), summary.records_skipped), (1, 1));
}

/// A record as Chainsaw prints it, with the attributes of elements beside them.
fn hunted(number: u64) -> Value {
    json!({"kind": "evtx", "path": "/evidence/Security.evtx", "data": {"Event": {
        "Event_attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
        "System": {"Provider_attributes": {"Name": "Microsoft-Windows-Security-Auditing"}, "EventID": 4689,
            "TimeCreated_attributes": {"SystemTime": "2022-09-01T12:18:24.604856Z"},
            "EventRecordID": number, "Channel": "Security", "Computer": "WS01"},
        "EventData": {"ProcessId": "0x7d8", "ProcessName": "a.exe"}}}})
}

#[test]
fn records_that_chainsaw_hunted_are_read_once_each() {
    let one = |rule: &str, number| {
        json!({"group": "Sigma", "kind": "individual", "document": hunted(number), "name": rule,
            "timestamp": "2022-09-01T12:18:24.604856+00:00", "level": "medium"})
    };
    let several = json!({"group": "Sigma", "kind": "aggregate", "name": "Many",
        "documents": [hunted(8), hunted(9)], "timestamp": "2022-09-01T12:18:24.604856+00:00"});
    let lines = [one("a", 7), one("b", 7), one("a", 8), several];
    let as_lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let array = Value::from(lines.to_vec()).to_string();
    for text in [as_lines.join("\n"), array] {
        let (form, events, summary) = read(&text);
        assert_eq!(form, "chainsaw", "{text}");
        let numbers: Vec<_> = events.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers, [Some(7), Some(8), Some(9)], "{text}");
        assert_eq!((summary.records_read, summary.records_skipped), (3, 0));
        assert_eq!(ended(&events[2].0).1, "a.exe");
    }
}

#[test]
fn what_a_wazuh_agent_sends_is_read_as_what_its_manager_keeps() {
    let record = json!({"win": {"system": {"providerName": "Microsoft-Windows-Security-Auditing",
        "eventID": "4689", "systemTime": "2022-09-01T12:18:24.6Z", "eventRecordID": "7",
        "channel": "Security", "computer": "WS01"},
        "eventdata": {"processId": "0x7d8", "processName": r"C:\\a.exe"}}});
    let (form, events, _) = read(&record.to_string());
    assert_eq!((form, events[0].1), ("wazuh", Some(7)));
    assert_eq!(ended(&events[0].0), (Some(0x7d8), r"C:\a.exe".to_owned()));
}

/// Whether `text`, plain or as an array, is of the named kind and says what to do.
fn named(word: &str, text: &str) {
    let kind = kind::recognise(text.as_bytes()).unwrap();
    let text: String = text.chars().take(300).collect();
    assert_eq!(kind.word(), word, "{text}");
    let Kind::Unusable(form, _) = kind else {
        panic!("{kind}: {text}");
    };
    let (why, instead) = (form.why(), form.instead());
    assert!(instead.starts_with("nothing in it was used; "), "{instead}");
    assert!(!why.is_empty() && !why.ends_with('.'), "{why}");
}

#[test]
fn json_of_collectors_that_lacks_what_is_needed_is_named() {
    let old = json!({"channel": "security", "record_number": "91698", "time_generated": "2017-08-29 20:12:29 +0000",
        "event_id": "4689", "event_type": "audit_success", "source_name": "Microsoft-Windows-Security-Auditing",
        "computer_name": "WS01", "description": "A process has exited.\r\n", "string_inserts": ["S-1-5-18", "0x7d8"]});
    let described = json!({"ProviderName": "Microsoft-Windows-Security-Auditing", "ProviderGUID": "{5}",
        "EventID": "4689", "Qualifiers": "", "TimeCreated": "2019-06-19T03:10:01.982940200Z",
        "EventRecordID": "87028", "Channel": "Security", "Computer": "WS01",
        "DescriptionTitle": "A process has exited.", "subject.account_name": "WS01$"});
    let plain_description = json!({"ProviderName": "Microsoft-Windows-Security-Auditing", "ProviderGUID": "{5}",
        "EventID": "4689", "TimeCreated": "2019-06-19T03:10:01.982940200Z", "EventRecordID": "87028",
        "Channel": "Security", "Computer": "WS01", "Description": "A process has exited.\r\n"});
    // What one of Fluentd's inputs calls the time makes it look like a table of Azure.
    let generated = json!({"EventID": 4689, "TimeGenerated": "2019-06-19T03:10:01Z", "Channel": "Security",
        "StringInserts": ["S-1-5-18"]});
    for record in [old, described, plain_description, generated] {
        named("fluent", &record.to_string());
    }
    let collected = json!({"channel": "Security", "computer": "DC1", "event_id": {"id": 5156, "qualifiers": 0},
        "message": "The Windows Filtering Platform has permitted a connection.",
        "system_time": "2026-02-05T04:29:19.123456700Z"});
    named("opentelemetry", &collected.to_string());
    named(
        "opentelemetry",
        &json!({"body": collected, "severity": "INFO"}).to_string(),
    );
    let differential = json!({"action": "added", "name": "pack_events", "unixTime": 1_707_882_086_u64,
        "columns": {"channel": "Security", "computer_name": "WS01", "data": "{\"EventData\":{}}",
            "datetime": "2024-02-14T03:41:26.444Z", "eventid": "5156", "provider_name": "x"}});
    named("osquery", &json!([differential]).to_string());
    named("osquery", &json!([differential["columns"]]).to_string());
    // Winlogbeat's records after a pipeline that gave its fields names of its own.
    let moved = json!({"event_id": 3, "log_name": "Microsoft-Windows-Sysmon/Operational", "src_ip_addr": "10.0.0.1",
        "src_port": "58570", "dst_ip_addr": "10.0.0.2", "process_guid": "A", "@timestamp": "2020-12-18T20:25:46.516Z",
        "winlog": {"channel": "Microsoft-Windows-Sysmon/Operational", "record_id": 1, "event_id": 3,
            "computer_name": "WS01", "provider_name": "Microsoft-Windows-Sysmon", "api": "wineventlog"}});
    named("winlogbeat-renamed", &moved.to_string());
}

#[test]
fn what_can_be_used_is_read_behind_what_cannot() {
    let positional =
        json!({"EventID": 4689, "ProviderName": "A", "EventData": ["0x7d8"]}).to_string();
    let agents = json!({"win": {"system": {"providerName": "Microsoft-Windows-Security-Auditing",
        "eventID": "4689", "systemTime": "2022-09-01T12:18:24.6Z", "channel": "Security", "computer": "WS01"},
        "eventdata": {"processId": "0x7d8", "processName": "a.exe"}}})
    .to_string();
    let snares = "<132>Sep 29 13:53:04 DC01 MSWinEventLog\t2\tSecurity\t498298\tTue\t4625\tA";
    let behind = |record: &str| format!("<14>Sep 29 13:53:04 DC01 agent: {record}");
    for text in [
        format!("{positional}\n{agents}\n"),
        [behind(&positional), behind(&agents)].join("\n"),
        [behind(&agents), snares.to_owned()].join("\n"),
    ] {
        let (form, events, summary) = read(&text);
        assert_eq!(
            (form, events.len(), summary.records_skipped),
            ("wazuh", 1, 1),
            "{text}"
        );
    }
}

#[test]
fn timelines_of_other_programs_are_named() {
    let hayabusa = json!({"Timestamp": "2019-03-20 00:35:08.786 +01:00", "RuleTitle": "Net Conn", "Level": "info",
        "Computer": "PC01", "Channel": "Sec", "EventID": 5156, "RecordID": 452_812,
        "Details": {"SrcIP": "10.0.0.1"}, "RuleFile": "a.yml"});
    named("hayabusa", &hayabusa.to_string());
    named(
        "hayabusa",
        "\"Timestamp\",\"RuleTitle\",\"Level\",\"Computer\",\"Channel\",\"EventID\",\"RecordID\",\"Details\"\n\"a\"\n",
    );
    let plaso = json!({"__container_type__": "event", "__type__": "AttributeContainer",
        "data_type": "windows:evtx:record", "event_identifier": 3, "timestamp": 1_608_044_415_695_415_u64,
        "timestamp_desc": "Creation Time", "xml_string": "<Event><System><EventID>3</EventID></System></Event>"});
    named("plaso", &plaso.to_string());
}

#[test]
fn answers_of_programs_that_hold_records_within_one_object_are_named_however_long() {
    let filler = "x".repeat(100_000);
    let search = json!({"took": 26, "timed_out": false, "_shards": {"total": 1}, "hits": {"total": {"value": 1},
        "hits": [{"_index": "winlogbeat-7.2.0", "_id": "1", "_source": {"winlog": {"channel": "Security",
            "event_id": 5156}, "message": filler}}]}});
    named("elasticsearch-answer", &search.to_string());
    // As they are written: in the order of the answer, and with an id to go on by.
    let scroll = format!(
        "{{\"_scroll_id\":\"D\",\"took\":1,\"timed_out\":false,\"_shards\":{{\"total\":1}},\"hits\":{{\"total\":9,\
         \"hits\":[{{\"_index\":\"w\",\"_source\":{{\"winlog\":{{\"event_id\":1,\"message\":\"{filler}"
    );
    named("elasticsearch-answer", &scroll);
    let pretty = serde_json::to_string_pretty(&search).unwrap();
    named("elasticsearch-answer", &pretty);
    let table = json!({"tables": [{"name": "PrimaryResult", "columns": [{"name": "TimeGenerated", "type": "datetime"},
        {"name": "EventID", "type": "int"}], "rows": [["2024-02-14T03:41:26.444Z", 5156], [filler, 1]]}]});
    named("log-analytics-answer", &table.to_string());
    named(
        "log-analytics-csv",
        "TimeGenerated [UTC],Computer,Channel,EventID,EventData\n\"2/14/2024, 3:41:26.444 AM\",WS1,Security,5156,\"a\"\n",
    );
    // Answers about something else.
    let other =
        json!({"took": 2, "hits": {"hits": [{"_index": "web", "_source": {"status": 200}}]}});
    assert_eq!(word(&other.to_string()), "unknown");
    assert_eq!(word("TimeGenerated,Computer\na,b\n"), "unknown");
}

#[test]
fn texts_that_hold_only_messages_are_named() {
    named(
        "wevtutil-text",
        "Event[0]:\r\n  Log Name: Security\r\n  Source: A\r\n  Date: 2024-02-14T03:41:26.444\r\n  Event ID: 5156\r\n",
    );
    named(
        "wevtutil-text",
        "Event[0]\n  Protokollname: Security\n  Quelle: A\n  Ereignis-ID: 5156\n",
    );
    named(
        "snare",
        "<132>Sep 29 13:53:04 DC01 MSWinEventLog\t2\tSecurity\t498298\tTue Sep 29 13:53:04 2026\t4625\tA\n",
    );
    named(
        "snare",
        "<13>Sep 29 13:53:03 fw01 kernel: up\n<132>Sep 29 13:53:04 DC01 MSWinEventLog#0112#011Security#011498298\n",
    );
    for typed in [
        "",
        "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n",
    ] {
        let rows = "\"Message\",\"Id\",\"Version\",\"RecordId\",\"ProviderName\",\"LogName\",\"MachineName\",\
            \"TimeCreated\"\r\n\"A\",\"5156\",\"1\",\"1\",\"P\",\"Security\",\"WS1\",\"2/14/2024 3:41:26 AM\"\r\n";
        named("get-winevent-csv", &format!("{typed}{rows}"));
    }
    named(
        "get-eventlog",
        "\"EventID\",\"MachineName\",\"Data\",\"Index\",\"Category\",\"EntryType\",\"Message\",\"Source\",\
         \"ReplacementStrings\",\"InstanceId\",\"TimeGenerated\"\n\"1\",\"a\"\n",
    );
    let table =
        "TenantId,TimeGenerated,EventID,InstanceId,Computer\na,2022-09-01T12:18:24Z,4689,b,WS01\n";
    assert_ne!(word(table), "get-eventlog");
    for other in [
        "Event[0] of the day\nlunch\n",
        "Message,Id\nhello,1\n",
        "talk of MSWinEventLog and its tabs\n",
    ] {
        assert_eq!(word(other), "unknown", "{other}");
    }
}

#[test]
fn get_eventlogs_json_is_no_table_of_azure() {
    let record = json!([{"MachineName": "WS01", "Data": [], "Index": 3566, "Category": "(0)", "EventID": 7040,
        "EntryType": 4, "Message": "The start type was changed.", "Source": "Service Control Manager",
        "ReplacementStrings": ["a", "auto start"], "InstanceId": 1_073_748_864_u64,
        "TimeGenerated": "/Date(1709117220000)/", "TimeWritten": "/Date(1709117220000)/"}]);
    named(
        "get-eventlog",
        &serde_json::to_string_pretty(&record).unwrap(),
    );
    let selected = json!({"TimeGenerated": "/Date(1709117220000)/", "EventID": 7040, "InstanceId": 1_073_748_864_u64,
        "Message": "x", "MachineName": "WS01"});
    named("get-eventlog", &selected.to_string());
    let azure = json!({"TimeGenerated": "2022-09-01T12:18:24Z", "EventID": 4689, "Computer": "WS01",
        "Channel": "Security", "ReplacementStrings": ""});
    assert_eq!(word(&azure.to_string()), "azure");
    let mut numbered = azure.clone();
    numbered["InstanceId"] = json!("1f1c5d2e-9c5b-4a51-8f0e-3c1f0f6f7a10");
    assert_eq!(
        word(&numbered.to_string()),
        "azure",
        "its tables have an InstanceId"
    );
}

#[test]
fn a_flat_record_is_the_powershell_exports_only_with_its_marks() {
    let marked = json!({"EventID": 5156, "Channel": "Security", "TimeCreated": "2020-10-29T12:16:09.213Z",
        "Hostname": "WS5", "SourceName": "Microsoft-Windows-Security-Auditing"});
    assert_eq!(word(&marked.to_string()), "powershell-json");
    let flat = json!({"EventID": 5156, "Channel": "Security", "TimeCreated": "2020-10-29T12:16:09.213Z",
        "Computer": "WS5"});
    assert_eq!(word(&flat.to_string()), "other-event-json");
}

#[test]
fn a_later_powershell_export_is_no_table_of_azure() {
    let later = json!({"EventSourceName": "Microsoft-Windows-Sysmon", "Provider": "Microsoft-Windows-Sysmon",
        "ProviderGuid": "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}", "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "WS6", "TimeCreated": "2022-09-22T12:31:14.074Z", "TimeGenerated": "2022-09-22T04:31:14.074Z",
        "EventRecordID": "3327973", "EventID": 11, "EventData": "<EventData></EventData>",
        "UtcTime": "2022-09-22 16:31:14.070", "ProcessId": "1560", "Image": "C:\\a.exe", "TargetFilename": "C:\\b.pf"});
    assert_eq!(word(&later.to_string()), "powershell-json");
    let mut of_a_table = later.clone();
    of_a_table["TenantId"] = json!("1f1c5d2e-9c5b-4a51-8f0e-3c1f0f6f7a10");
    assert_eq!(word(&of_a_table.to_string()), "azure");
    let (_, events, summary) = read(&later.to_string());
    assert_eq!(events[0].1, Some(3_327_973));
    assert!(summary.timed.is_local());
}

#[test]
fn records_in_a_form_that_is_not_known_are_named() {
    for record in [
        json!({"version": "1.1", "host": "WS1", "_EventID": 1102, "_Channel": "Security"}),
        json!({"winlog.event_id": "1102", "winlog.channel": "Security"}),
        json!({"_index": "w", "fields": {"winlog.event_id": ["1102"], "winlog.channel": ["Security"]}}),
        json!({"EventCode": 1, "provider_name": "Microsoft-Windows-Sysmon", "computer_name": "WS1"}),
    ] {
        named("other-event-json", &record.to_string());
    }
    for other in [
        json!({"eventID": "1f1c5d2e", "eventSource": "s3.amazonaws.com", "eventName": "GetObject"}),
        json!({"event_id": 7, "provider": "x"}),
        json!({"channel": "general", "hostname": "a"}),
    ] {
        assert_eq!(word(&other.to_string()), "unknown", "{other}");
    }
}

#[test]
fn what_powershell_and_log_parser_print_is_named() {
    for text in [
        "\r\n\r\nTimeCreated  : 5/2/2023 10:11:12 AM\r\nProviderName : P\r\nId           : 5156\r\nMessage      : x\r\n",
        "\r\n   ProviderName: P\r\n\r\nTimeCreated         Id LevelDisplayName Message\r\n",
        "<Objs Version=\"1.1.0.1\"><T>System.Diagnostics.Eventing.Reader.EventLogRecord</T></Objs>",
    ] {
        named("get-winevent-text", text);
    }
    named(
        "event-viewer-csv",
        "Keywords\tDate and Time\tSource\tEvent ID\tTask Category\nSuccess\t5/2/2023 10:11\tP\t5156\tF\t\"x\n",
    );
    named(
        "log-parser-csv",
        "EventLog,RecordNumber,TimeGenerated,TimeWritten,EventID,Strings\nSecurity,1,a,b,5156,x|y\n",
    );
    for other in [
        "Id : 5\nName : x\n",
        "TimeCreated : today\n",
        "<Objs></Objs>",
    ] {
        assert_eq!(word(other), "unknown", "{other}");
    }
}

#[test]
fn nxlogs_times_lose_what_they_lack() {
    let lost = |time: &str| {
        let record = json!({"EventTime": time, "Hostname": "WS1", "EventID": 1102, "SourceName": "P",
            "RecordNumber": 7, "Channel": "Security", "EventReceivedTime": time});
        let (_, _, summary) = read(&record.to_string());
        let kept = summary.sources.values().next().unwrap().kept();
        Form::Nxlog.loses(kept)
    };
    assert!(
        lost("2022-08-31 15:18:41")
            .unwrap()
            .contains("whole seconds")
    );
    assert_eq!(lost("2022-08-31T15:18:41.742832-04:00"), None);
}
