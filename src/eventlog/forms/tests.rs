//! Forms as they are written, and damaged.

use super::read_text;
use crate::eventlog::LogSummary;
use crate::evidence::{Form, Kind, Packing, ProblemKind, Problems, Unusable, kind};
use crate::model::{Event, EvidenceId, HostWhat, Span, Timestamp, What};

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

/// A Sysmon 3, by number, in the form of evtx_dump.
fn dumped(record: u64) -> String {
    format!(
        "{{\"Event\":{{\"System\":{{\"Provider\":{{\"#attributes\":{{\"Name\":\"Microsoft-Windows-Sysmon\"}}}},\
         \"EventID\":3,\"TimeCreated\":{{\"#attributes\":{{\"SystemTime\":\"2022-09-01T12:18:24.604856Z\"}}}},\
         \"EventRecordID\":{record},\"Channel\":\"{SYSMON}\",\"Computer\":\"WS01\"}},\"EventData\":{{\
         \"UtcTime\":\"2022-09-01 12:18:22.707\",\"ProcessId\":360,\"Image\":\"C:\\\\a.exe\",\"User\":\"A\\\\b\",\
         \"Protocol\":\"tcp\",\"Initiated\":true,\"SourceIp\":\"10.0.1.15\",\"SourcePort\":63645,\
         \"DestinationIp\":\"10.0.1.12\",\"DestinationPort\":8000}}}}}}"
    )
}

/// The same as XML.
fn xml(record: u64) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
         Name='Microsoft-Windows-Sysmon'/><EventID>3</EventID><TimeCreated \
         SystemTime='2022-09-01T12:18:24.604856Z'/><EventRecordID>{record}</EventRecordID>\
         <Channel>{SYSMON}</Channel><Computer>WS01</Computer></System><EventData>\
         <Data Name='UtcTime'>2022-09-01 12:18:22.707</Data><Data Name='ProcessId'>360</Data>\n\
         <Data Name='Image'>C:\\a.exe</Data><Data Name='User'>A\\b</Data><Data Name='Protocol'>tcp</Data>\
         <Data Name='Initiated'>true</Data><Data Name='SourceIp'>10.0.1.15</Data>\
         <Data Name='SourcePort'>63645</Data><Data Name='DestinationIp'>10.0.1.12</Data>\
         <Data Name='DestinationPort'>8000</Data></EventData></Event>"
    )
}

struct Read {
    form: Form,
    events: Vec<(Event, Option<u64>)>,
    summary: LogSummary,
    problems: Problems,
}

fn read(bytes: &[u8]) -> Read {
    let Kind::Text(form, Packing::Plain) = kind::recognise(bytes).unwrap() else {
        panic!(
            "not recognised: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
        );
    };
    let mut events = Vec::new();
    let (summary, problems) = read_text(EvidenceId(1), form, bytes, &mut |event, record| {
        events.push((event, record));
    });
    Read {
        form,
        events,
        summary,
        problems,
    }
}

impl Read {
    fn records(&self) -> Vec<Option<u64>> {
        self.events.iter().map(|(_, record)| *record).collect()
    }

    fn lost(&self) -> Vec<(ProblemKind, u64, Option<u64>)> {
        let text = self.problems.iter().filter(|p| p.kind == ProblemKind::Text);
        text.map(|p| (p.kind, p.count, p.first_offset)).collect()
    }
}

fn what(event: &Event) -> &HostWhat {
    match &event.what {
        What::Host(host) => &host.what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_record_is_one_event_in_every_layout_and_encoding() {
    let pretty = |n| {
        let value: serde_json::Value = serde_json::from_str(&dumped(n)).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let one = read(dumped(7).as_bytes()).events[0].0.clone();
    let texts = [
        format!("{}\n{}\n", dumped(7), dumped(8)),
        format!("{}\r\n\r\n{}", dumped(7), dumped(8)),
        format!("[{},{}]", dumped(7), dumped(8)),
        format!("[\n{},\n{}\n]\n", dumped(7), dumped(8)),
        format!("Record 7\n{}\nRecord 8\n{}\n", pretty(7), pretty(8)).replacen("Record 7\n", "", 1),
        format!("[\n{},\n{}]", pretty(7), pretty(8)),
        format!(
            "<?xml version=\"1.0\"?>\n<Events>{}{}</Events>",
            xml(7),
            xml(8)
        ),
        format!("{}\n{}", xml(7), xml(8)),
    ];
    for text in texts {
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [
            text.clone().into_bytes(),
            [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat(),
            [&[0xFF, 0xFE], &wide[..]].concat(),
        ] {
            let read = read(&bytes);
            assert_eq!(read.records(), [Some(7), Some(8)], "{text}");
            assert_eq!(read.lost(), [], "{text}");
            assert_eq!(what(&read.events[0].0), what(&one), "{text}");
            assert_eq!(read.events[0].0.time, one.time);
        }
    }
}

#[test]
fn damage_costs_the_records_it_touches_and_is_told_with_its_place() {
    let good = dumped(1);
    let deep = format!("{{\"Event\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    let long = format!("{{\"Event\":\"{}\"}}", "x".repeat(5 << 20));
    for bad in [
        "{\"Event\": {\"System\":",
        "garbage",
        "{}",
        "[1,2]",
        &deep,
        &long,
        "\u{0}\u{1}\u{2}",
    ] {
        let text = format!("{good}\n{bad}\n{}\n", dumped(2));
        let read = read(text.as_bytes());
        assert_eq!(
            read.records(),
            [Some(1), Some(2)],
            "{}",
            &bad[..bad.len().min(40)]
        );
        assert_eq!(
            read.lost(),
            [(ProblemKind::Text, 1, Some(good.len() as u64 + 1))]
        );
        assert_eq!(
            (read.summary.records_read, read.summary.records_skipped),
            (2, 1)
        );
        assert_eq!(read.events[1].0.provenance.item, 3);
    }
}

#[test]
fn damage_within_records_over_several_lines_ends_at_the_next_one() {
    let pretty = |n| {
        let value: serde_json::Value = serde_json::from_str(&dumped(n)).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let cut = pretty(2).replace("\"Image\": \"C:", "\"Image\": C:");
    let open = pretty(2)[..300].to_owned();
    for bad in [cut, open] {
        let text = format!("{}\n{bad}\n{}\n", pretty(1), pretty(3));
        let read = read(text.as_bytes());
        assert_eq!(read.records(), [Some(1), Some(3)], "{bad}");
        assert!(!read.lost().is_empty());
    }
    let text = format!("{}\n{}\n{}", xml(1), &xml(2)[..400], xml(3));
    let read = read(text.as_bytes());
    assert_eq!(read.records(), [Some(1), Some(3)]);
    assert_eq!(
        read.lost(),
        [(ProblemKind::Text, 1, Some(xml(1).len() as u64 + 1))]
    );
}

#[test]
fn a_record_of_another_form_is_read_by_its_own_and_told() {
    let winlogbeat = format!(
        "{{\"@timestamp\":\"2022-09-01T12:18:24.604Z\",\"winlog\":{{\"channel\":\"{SYSMON}\",\"event_id\":\"3\",\
         \"computer_name\":\"WS01\"}},\"source\":{{\"ip\":\"10.0.1.15\",\"port\":63645}},\"destination\":{{\"ip\":\
         \"10.0.1.12\",\"port\":8000}},\"network\":{{\"transport\":\"tcp\",\"direction\":\"egress\"}},\"process\":\
         {{\"pid\":360,\"executable\":\"C:\\\\a.exe\"}}}}"
    );
    let read = read(format!("{}\n{winlogbeat}\n", dumped(1)).as_bytes());
    assert_eq!(read.records(), [Some(1), None]);
    assert_eq!(read.lost().len(), 1);
    assert_eq!(read.summary.records_skipped, 0);
    let HostWhat::Connected {
        initiated, source, ..
    } = what(&read.events[1].0)
    else {
        panic!("{:?}", read.events[1]);
    };
    assert!(*initiated && source.port == 63645);
}

#[test]
fn local_times_keep_sysmon_and_the_others_on_one_clock() {
    let line = |id: u32, more: &str| {
        format!(
            "{{\"SourceName\":\"Microsoft-Windows-Sysmon\",\"Channel\":\"{SYSMON}\",\"Hostname\":\"WS01\",\
             \"TimeCreated\":\"2023-08-15T09:53:50.158Z\",\"EventID\":{id},\"ProcessId\":\"4\",\
             \"UtcTime\":\"2023-08-15 14:53:50.100\"{more}}}\n"
        )
    };
    let read = read(line(5, ",\"Image\":\"C:\\\\a.exe\"").as_bytes());
    assert_eq!(read.form, Form::PowerShell);
    let written = Timestamp::parse("2023-08-15T09:53:50.158Z").unwrap();
    assert_eq!(read.events[0].0.time, written);
    assert!(
        read.problems
            .iter()
            .any(|p| p.kind == ProblemKind::LocalTime)
    );
}

#[test]
fn azure_has_its_fields_as_text_of_json_or_xml_too() {
    use serde_json::{Value, json};
    let members = json!({"ProcessId": "0x7d8", "ProcessName": r"C:\a.exe"});
    let listed = json!([
        {"@Name": "ProcessId", "#text": "0x7d8"}, {"@Name": "ProcessName", "#text": r"C:\a.exe"}
    ]);
    let named = json!([
        {"Name": "ProcessId", "Value": "0x7d8"}, {"Name": "ProcessName", "Value": r"C:\a.exe"}
    ]);
    let data = r#"<Data Name="ProcessId">0x7d8</Data><Data Name="ProcessName">C:\a.exe</Data>"#;
    let text = |value: &Value| Value::from(value.to_string());
    for event_data in [
        members.clone(),
        text(&members),
        json!({"Data": listed}),
        text(&json!({"EventData": {"Data": listed}})),
        text(&json!({"Event": {"EventData": members}})),
        text(&listed),
        text(&named),
        Value::from(format!("\n{data}")),
        Value::from(format!("<EventData xmlns='x'>{data}</EventData>")),
        Value::from(format!(
            "<DataItem type='System.XmlData'><EventData>{data}</EventData></DataItem>"
        )),
    ] {
        let row = json!({"TimeGenerated": "2022-09-01T12:18:24Z", "EventID": 4689, "Computer": "WS01",
            "Channel": "Security", "Provider": "Microsoft-Windows-Security-Auditing", "EventData": event_data});
        let told = read(row.to_string().as_bytes());
        assert_eq!((told.form, told.events.len()), (Form::Azure, 1), "{row}");
        assert!(
            matches!(what(&told.events[0].0), HostWhat::ProcessEnded { process }
                if process.pid == Some(0x7d8) && &*process.image == r"C:\a.exe"),
            "{row}"
        );
    }
    // Text that only looks like either is no field and does no harm.
    for odd in [
        "{\"ProcessId\":",
        "<Data Name='ProcessId'",
        "[1,[2]]",
        "[".repeat(200).as_str(),
    ] {
        let row = json!({"TimeGenerated": "2022-09-01T12:18:24Z", "EventID": 4689, "Computer": "WS01",
            "Channel": "Security", "Provider": "Microsoft-Windows-Security-Auditing", "EventData": odd});
        let told = read(row.to_string().as_bytes());
        assert_eq!(
            (told.summary.records_read, told.events.len()),
            (1, 0),
            "{odd}"
        );
        assert_eq!(told.summary.refused, 1, "{odd}");
        assert!(
            told.problems
                .iter()
                .any(|p| p.kind == ProblemKind::RecordField)
        );
    }
}

/// A record of NXLog in New York, received `second` seconds into a minute and delivered `queue` later.
fn nxlog(number: u64, second: i64, queue: i64) -> String {
    let at = Timestamp::parse("2020-10-22T04:29:00Z").unwrap();
    let received = at.shifted(Span::seconds(second)).rfc3339();
    let stamped = at.shifted(Span::seconds(4 * 3_600 + second + queue));
    let local = received.replace('T', " ");
    let local = local.get(..19).unwrap();
    format!(
        "{{\"@timestamp\":\"{}\",\"EventTime\":\"{local}\",\"EventReceivedTime\":\"{local}\",\
         \"SourceName\":\"Microsoft-Windows-Security-Auditing\",\"Channel\":\"Security\",\"Hostname\":\"DC\",\
         \"EventID\":4689,\"RecordNumber\":{number},\"ProcessId\":\"0x7d8\",\"ProcessName\":\"C:\\\\a.exe\"}}\n",
        stamped.rfc3339()
    )
}

#[test]
fn nxlog_times_are_brought_to_utc_by_what_their_receipt_shows_as_a_whole() {
    let queued = [nxlog(1, 0, 900), nxlog(2, 2, 899), nxlog(3, 5, 897)].concat();
    let flow: String = (4..20).map(|n| nxlog(n, 900 + 5 * n as i64, 1)).collect();
    let both = read(format!("{queued}{flow}").as_bytes());
    assert_eq!((both.form, both.events.len()), (Form::Nxlog, 19));
    let at = |n: usize| both.events[n].0.time;
    assert_eq!(at(0), Timestamp::parse("2020-10-22T08:29:00Z").unwrap());
    assert_eq!(at(18), Timestamp::parse("2020-10-22T08:45:35Z").unwrap());
    let is_local = |read: &Read| {
        let mut kinds = read.problems.iter().map(|p| p.kind);
        kinds.any(|kind| kind == ProblemKind::LocalTime)
    };
    assert!(!is_local(&both));
    // A busy computer writes thousands of records before it shows its zone.
    let busy: String = (0..6_000).map(|n| nxlog(n, n as i64 / 150, 1)).collect();
    assert!(!is_local(&read(busy.as_bytes())));
    // A quarter of an hour in a queue is no zone: without the others nothing tells it.
    let alone = read(queued.as_bytes());
    let written = Timestamp::parse("2020-10-22T04:29:00Z").unwrap();
    assert_eq!(alone.events[0].0.time, written);
    assert!(is_local(&alone));
}

#[test]
fn a_csv_is_read_with_quotes_and_a_row_too_short_is_told() {
    let header = "\u{feff}RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel,Computer,Payload\r\n";
    let row = |n: u64| {
        format!(
            "{n},{n},2022-09-01 12:18:23.1363700,4689,Info,Microsoft-Windows-Security-Auditing,Security,WS01,\
             \"{{\"\"EventData\"\":{{\"\"Data\"\":[{{\"\"@Name\"\":\"\"ProcessId\"\",\"\"#text\"\":\"\"0x7d8\"\"}},\
             {{\"\"@Name\"\":\"\"ProcessName\"\",\"\"#text\"\":\"\"C:\\\\a, b.exe\"\"}}]}}}}\"\r\n"
        )
    };
    let text = format!("{header}{}1,2\r\n{header}{}", row(3), row(4)).replacen(
        &format!("1,2\r\n{header}"),
        "1,2\r\n",
        1,
    );
    let read = read(text.as_bytes());
    assert_eq!(read.records(), [Some(3), Some(4)]);
    assert_eq!(read.lost().len(), 1);
    let HostWhat::ProcessEnded { process } = what(&read.events[0].0) else {
        panic!("{:?}", read.events[0]);
    };
    assert_eq!(
        (process.pid, &*process.image),
        (Some(0x7d8), "C:\\a, b.exe")
    );
}

#[test]
fn the_firewalls_own_log_is_read_with_and_without_a_process() {
    let text = "#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n#Time Format: Local\r\n\
        #Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin \
        icmptype icmpcode info path\r\n\r\n\
        2022-09-01 12:18:29 DROP TCP 10.0.1.66 10.0.1.15 51000 7000 52 S 1234567 0 64240 - - - RECEIVE\r\n\
        nonsense\r\n\
        #Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin \
        icmptype icmpcode info path pid\r\n\
        2022-09-01 12:18:30 ALLOW TCP 10.0.1.15 10.0.1.12 50001 9997 0 - 0 0 0 - - - SEND 2152\r\n\
        2022-09-01 12:18:31 DROP ICMP 10.0.1.66 10.0.1.15 - - 60 - - - - 8 0 - RECEIVE 4\r\n";
    let read = read(text.as_bytes());
    assert_eq!(read.events.len(), 3);
    assert_eq!(
        (read.summary.records_read, read.summary.records_skipped),
        (3, 1)
    );
    let told = |n: usize| match what(&read.events[n].0) {
        HostWhat::Filtered { process, opens, .. } => (process.pid, *opens),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(0), (None, Some(true)));
    assert_eq!((told(1).0, told(2).1), (Some(2152), None));
    assert!(
        read.problems
            .iter()
            .any(|p| p.kind == ProblemKind::LocalTime)
    );
}

#[test]
fn a_row_of_the_firewall_tells_whether_its_segment_opens_a_connection() {
    for (flags, opens) in [
        ("S", Some(true)),
        ("A", Some(false)),
        ("AS", Some(false)),
        ("R", Some(false)),
        ("-", None),
    ] {
        let text = format!(
            "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn path\r\n\
             2022-09-01 12:18:29 DROP TCP 10.0.1.66 10.0.1.15 443 50111 40 {flags} 7 RECEIVE\r\n"
        );
        let read = read(format!("#Version: 1.5\r\n{text}").as_bytes());
        let told: Vec<_> = read.events.iter().map(|(event, _)| what(event)).collect();
        assert!(
            matches!(told[..], [HostWhat::Filtered { opens: told, .. }] if *told == opens),
            "{flags}: {told:?}"
        );
    }
}

#[test]
fn forms_of_no_use_are_named_with_what_to_export() {
    for (text, form) in [
        (
            "[{\"Id\":5156,\"LogName\":\"Security\",\"TimeCreated\":\"\\/Date(1662034703136)\\/\",\"Properties\":[{\"Value\":1}]}]",
            Unusable::Positional,
        ),
        (
            "{\"ProviderName\":\"A\",\"EventID\":5156,\"TimeCreated\":\"2022-05-12 10:20:22 +0900\",\"Channel\":\"Security\",\"StringInserts\":[4644,\"a\"]}",
            Unusable::Inserts,
        ),
        (
            "{\"ProviderName\":\"A\",\"EventID\":\"5156\",\"TimeCreated\":\"2019-06-13T09:21:23.3Z\",\"Channel\":\"Security\",\"EventData\":[\"4644\"]}",
            Unusable::Inserts,
        ),
        (
            "09/01/2022 12:18:29 PM\nLogName=Security\nEventCode=5156\nMessage=x\n",
            Unusable::MessageText,
        ),
        (
            "Level,Date and Time,Source,Event ID,Task Category\nInformation,9/1/2022 12:18:29 PM,A,5156,B,\"x\n\ny\"\n",
            Unusable::EventViewerCsv,
        ),
    ] {
        let found = kind::recognise(text.as_bytes()).unwrap();
        assert_eq!(found, Kind::Unusable(form, Packing::Plain));
        assert!(form.instead().contains("nothing in it was used"));
    }
    for text in [
        "{\"a\":1}",
        "[]",
        "<html></html>",
        "a,b\n1,2\n",
        "#comment\n",
    ] {
        assert_eq!(
            kind::recognise(text.as_bytes()).unwrap(),
            Kind::Unknown,
            "{text}"
        );
    }
}

#[test]
fn json_behind_the_header_of_a_collector_is_read() {
    let line = |n| {
        format!(
            "<134>1 2024-09-15T10:37:50-04:00 WS01.corp.example WindowsEvent - - - {}",
            dumped(n)
        )
    };
    let text = format!(
        "<13>1 2024-09-15T10:37:49-04:00 fw01 kernel - - - link up\n{}\r\n{}\n{}\n{{\"a\":1\n",
        line(1),
        line(2),
        dumped(3)
    );
    let told = read(text.as_bytes());
    assert_eq!(told.form, Form::EvtxDump);
    assert_eq!(told.records(), [Some(1), Some(2), Some(3)]);
    // The line without an object, and the one that is cut.
    assert_eq!(told.lost().iter().map(|(_, n, _)| n).sum::<u64>(), 2);
    assert_eq!(told.events[1].0.provenance.item, 3);
    // A line of another kind of log that holds an object is none.
    for other in [
        "GET /a {\"EventID\":1}",
        "x {\"Event\":{\"System\":{}}} y",
        "{x {\"EventID\":3",
    ] {
        assert_eq!(
            kind::recognise(other.as_bytes()).unwrap(),
            Kind::Unknown,
            "{other}"
        );
    }
}

#[test]
fn records_that_a_search_engine_has_wrapped_are_read_as_what_they_are() {
    use serde_json::json;
    let document = |n| {
        let source: serde_json::Value = serde_json::from_str(&dumped(n)).unwrap();
        json!({"_index": "logs", "_id": "a", "_score": 1.0, "_source": source}).to_string()
    };
    let raw = |text: String| {
        json!({"preview": false, "offset": 0, "result": {"_raw": text, "host": "x"}}).to_string()
    };
    let bare = |text: String| json!({"_raw": text, "_time": "2022-09-01"}).to_string();
    let behind = |n| format!("Sep  1 12:18:24 WS01 agent: {}", dumped(n));
    let cases = [
        ([document(1), document(2)].join("\n"), Form::EvtxDump),
        ([raw(xml(1)), raw(xml(2))].join("\n"), Form::Xml),
        (format!("[{},\n{}]", bare(xml(1)), bare(xml(2))), Form::Xml),
        ([raw(dumped(1)), raw(behind(2))].join("\n"), Form::EvtxDump),
    ];
    for (text, form) in cases {
        let told = read(text.as_bytes());
        assert_eq!(
            (told.form, told.records()),
            (form, vec![Some(1), Some(2)]),
            "{text}"
        );
        assert!(told.lost().is_empty());
        let HostWhat::Connected { process, .. } = what(&told.events[1].0) else {
            panic!("{text}");
        };
        // Escapes of the wrapping are none of the record.
        assert_eq!(process.image.to_string(), r"C:\a.exe");
    }
    // Two events in one raw text, and one behind a header.
    let told = read(
        [
            raw([xml(1), xml(2)].concat()),
            raw(format!("<14>Sep 1 WS01 {}", xml(3))),
        ]
        .join("\n")
        .as_bytes(),
    );
    assert_eq!(
        (told.records(), told.lost().len()),
        (vec![Some(1), Some(2), Some(3)], 0)
    );
    let message = raw("09/01/2022\r\nLogName=Security\r\nEventCode=5156\r\n".to_owned());
    assert_eq!(
        kind::recognise(message.as_bytes()).unwrap(),
        Kind::Unusable(Unusable::MessageText, Packing::Plain)
    );
    let text = [raw(xml(1)), raw("Sep 1 kernel: up".to_owned()), raw(xml(3))].join("\n");
    let told = read(text.as_bytes());
    assert_eq!(
        (told.records(), told.lost().len()),
        (vec![Some(1), Some(3)], 1)
    );
    // A document within a document is no form of these.
    let twice = json!({"_source": {"_source": {"Event": {"System": {}}}}}).to_string();
    assert_eq!(kind::recognise(twice.as_bytes()).unwrap(), Kind::Unknown);
}

#[test]
fn a_record_of_something_else_at_the_start_is_no_reason_to_leave_the_rest() {
    let foreign = r#"{"timestamp":"2022","agent":{"name":"linux"},"data":{"srcip":"1.2.3.4"}}"#;
    for text in [
        format!("{foreign}\n{}\n{}\n", dumped(1), dumped(2)),
        format!("[{foreign},\n{},\n{}]", dumped(1), dumped(2)),
    ] {
        let told = read(text.as_bytes());
        assert_eq!(
            (told.form, told.records()),
            (Form::EvtxDump, vec![Some(1), Some(2)])
        );
        assert_eq!(told.lost().len(), 1);
    }
}

#[test]
fn quotes_in_the_cells_of_splunks_csv_are_single_again() {
    for attributes in ['\'', '"'] {
        let event = xml(1)
            .replace("C:\\a.exe", "\"C:\\a b.exe\"")
            .replace('\'', &attributes.to_string());
        let text = format!(
            "\"_raw\",\"_time\"\n\"{}\",\"2022\"\n",
            event.replace('"', "\"\"")
        );
        let told = read(text.as_bytes());
        let HostWhat::Connected { process, .. } = what(&told.events[0].0) else {
            panic!("{text}");
        };
        assert_eq!(process.image.to_string(), "\"C:\\a b.exe\"");
    }
    // In the XML itself two quotes are an empty value.
    let plain = read(xml(1).replace("C:\\a.exe", "a\"\"b").as_bytes());
    assert!(
        matches!(what(&plain.events[0].0), HostWhat::Connected { process, .. } if &*process.image == "a\"\"b")
    );
}

#[test]
fn raw_events_in_the_cells_of_splunks_csv_are_read_as_json() {
    let pretty = |n| {
        let value: serde_json::Value = serde_json::from_str(&dumped(n)).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let behind = |n| format!("Sep  1 12:18:24 WS01 agent: {}", dumped(n));
    let quoted = |text: String| format!("\"{}\"", text.replace('"', "\"\""));
    for raw in [dumped, pretty, behind] {
        let row = |n| format!("\"2022, Sep\",{},WS01\r\n", quoted(raw(n)));
        let text = format!(
            "_time,\"_raw\",host\r\n{}{}\"2022\",kernel: up,WS01\r\n{}",
            row(1),
            row(2),
            row(3)
        );
        let told = read(text.as_bytes());
        assert_eq!(
            (told.form, told.records()),
            (Form::EvtxDump, vec![Some(1), Some(2), Some(3)]),
            "{text}"
        );
        let place = text.find("\"2022\",kernel").unwrap() as u64;
        assert_eq!(told.lost(), [(ProblemKind::Text, 1, Some(place))]);
    }
    let message = "\"_raw\",host\n\"09/01/2022\nLogName=Security\nEventCode=5156\n\",WS01\n";
    assert_eq!(
        kind::recognise(message.as_bytes()).unwrap(),
        Kind::Unusable(Unusable::MessageText, Packing::Plain)
    );
    let other = "\"_raw\",host\n\"GET /index.html\",WS01\n";
    assert_eq!(kind::recognise(other.as_bytes()).unwrap(), Kind::Unknown);
}

#[test]
fn objects_without_a_line_end_between_them_are_several_records() {
    let text = [dumped(1), dumped(2), dumped(3)].concat();
    assert_eq!(read(text.as_bytes()).records(), [Some(1), Some(2), Some(3)]);
}

#[test]
fn a_log_of_a_program_with_some_record_in_it_is_no_event_log() {
    let line = format!("2024-01-01 INFO got {}\n", dumped(1));
    let others = "2024-01-01 INFO up\n";
    let kind_of = |text: String| kind::recognise(text.as_bytes()).unwrap();
    assert_eq!(
        kind_of(format!("{}{line}", others.repeat(2))),
        Kind::Unknown
    );
    assert_eq!(
        kind_of(format!("{others}{line}")),
        Kind::Text(Form::EvtxDump, Packing::Plain)
    );
    // Rows of conn.log within something else are not read, and not said to be.
    let row = r#"{"ts":1.0,"id.orig_h":"10.0.0.1","conn_state":"SF"}"#;
    for text in [format!("{{\"_source\":{row}}}"), format!("[{row},{row}]")] {
        assert_eq!(kind_of(text), Kind::Unknown);
    }
    assert_eq!(
        kind_of(row.to_owned()),
        Kind::Text(Form::ZeekConn, Packing::Plain)
    );
}

#[test]
fn what_elastics_pipelines_moved_is_found_where_it_is() {
    let record = |channel: &str, id: u64, rest: serde_json::Value| {
        let mut line = serde_json::json!({"@timestamp": "2021-03-04T05:06:07.100Z", "event": {"code": id.to_string()},
            "winlog": {"channel": channel, "event_id": id.to_string(), "computer_name": "WS01", "record_id": "7",
                "provider_name": match channel {
                    "Security" => "Microsoft-Windows-Security-Auditing",
                    SYSMON => "Microsoft-Windows-Sysmon",
                    _ => "Microsoft-Windows-PowerShell",
                }, "event_data": {"SubjectUserName": "bob"}}});
        for (name, value) in rest.as_object().unwrap() {
            line[name] = value.clone();
        }
        let told = read(line.to_string().as_bytes());
        assert_eq!(told.events.len(), 1, "{line}: {:?}", told.problems);
        crate::report::words::sentence(&told.events[0].0, crate::report::words::Form::Long)
    };
    let process = serde_json::json!({"pid": 16, "executable": r"C:\a.exe", "command_line": "a b",
        "parent": {"pid": 4, "executable": r"C:\p.exe"}});
    assert_eq!(
        record("Security", 4688, serde_json::json!({"process": process})),
        "a.exe (16) starts as bob, started by p.exe (4), command line \"a b\""
    );
    assert_eq!(
        record("Security", 4689, serde_json::json!({"process": process})),
        "a.exe (16) ends"
    );
    assert_eq!(
        record(
            "Microsoft-Windows-PowerShell/Operational",
            4104,
            serde_json::json!({"powershell": {"file": {"script_block_text": "Get-Date"}}})
        ),
        "PowerShell runs \"Get-Date\""
    );
    let rule = "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=450|Name=x|";
    let path = r"HKLM\System\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules\{A}";
    let registry = serde_json::json!({"path": path, "data": {"strings": [rule]}});
    let set = record(
        SYSMON,
        13,
        serde_json::json!({"process": process, "registry": registry}),
    );
    assert!(set.starts_with("rule set: inbound allow 450/tcp"), "{set}");
    let user = serde_json::json!({"domain": "CORP", "name": "bob"});
    let connects = record(
        SYSMON,
        3,
        serde_json::json!({"process": process, "user": user,
        "network": {"transport": "tcp", "direction": "egress"},
        "source": {"ip": "10.0.0.1", "port": 5}, "destination": {"ip": "10.0.0.2", "port": 443}}),
    );
    assert_eq!(
        connects,
        r"a.exe (16) connects to 10.0.0.2:443/tcp from 10.0.0.1:5 as CORP\bob"
    );
}

#[test]
fn what_velociraptors_hunt_lists_is_read_by_its_own_names() {
    let line = r#"{"EventTime":"2022-09-01T12:18:24Z","Computer":"WS01","Channel":"System","Provider":"Service Control Manager","EventID":7045,"EventRecordID":7,"UserSID":"S-1-5-18","Username":"","EventData":{"ServiceName":"npf","ImagePath":"a.sys","AccountName":""},"UserData":null,"Message":"","OSPath":"C:\\System.evtx"}"#;
    let told = read(line.as_bytes());
    assert_eq!(
        (told.form, told.records()),
        (Form::Velociraptor, vec![Some(7)])
    );
    assert!(matches!(
        what(&told.events[0].0),
        HostWhat::ServiceInstalled { .. }
    ));
}

#[test]
fn backslashes_that_wazuh_doubled_are_single_again() {
    let account = |user: &str, image: &str| {
        let line = serde_json::json!({"data": {"win": {
            "system": {"eventID": "4688", "channel": "Security", "computer": "WS01",
                "providerName": "Microsoft-Windows-Security-Auditing", "systemTime": "2022-09-01T12:18:24.6Z"},
            "eventdata": {"newProcessId": "0x10", "newProcessName": image, "subjectUserName": "bob",
                "subjectDomainName": user}}}});
        let told = read(line.to_string().as_bytes());
        let HostWhat::ProcessStarted { process, .. } = what(&told.events[0].0) else {
            panic!("{:?}", told.problems);
        };
        process.image.to_string()
    };
    for (written, meant) in [
        (r"C:\\Windows\\a.exe", r"C:\Windows\a.exe"),
        (
            r"\\Device\\HarddiskVolume1\\a.exe",
            r"\Device\HarddiskVolume1\a.exe",
        ),
        (r"\\\\server\\share\\a.exe", r"\\server\share\a.exe"),
        (r"C:\Windows\a.exe", r"C:\Windows\a.exe"),
        (r"\\server\share\a.exe", r"\\server\share\a.exe"),
        (r"\\server", r"\\server"),
    ] {
        assert_eq!(account("CORP", written), meant);
    }
}

#[test]
fn a_json_record_of_more_than_1_mib_is_none_and_the_next_one_is_read() {
    let filled = |length: usize| {
        let record = dumped(2);
        let with = record.replace("\"ProcessId\"", "\"x\":\"\",\"ProcessId\"");
        with.replace(
            "\"x\":\"\"",
            &format!("\"x\":\"{}\"", "y".repeat(length - with.len())),
        )
    };
    let most = 1024 * 1024;
    let one_a_line = [dumped(1), filled(most), filled(most + 1), dumped(3)].join("\n");
    // An array may be longer than any of its records.
    let array = format!("[{}]", one_a_line.replace('\n', ","));
    for text in [one_a_line, array] {
        let read = read(text.as_bytes());
        assert_eq!(read.records(), [Some(1), Some(2), Some(3)]);
        let lost: Vec<u64> = read.lost().iter().map(|(_, count, _)| *count).collect();
        assert_eq!(lost, [1]);
        assert!(read.problems.any_loss());
    }
}
