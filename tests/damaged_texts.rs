//! Damage of texts, through the front door: what is read and what is skipped is what was there, in
//! every form and every encoding, and no line is so long that it costs memory.

use casewire::case::Case;
use casewire::evidence::progress::Silent;
use casewire::evidence::{ProblemKind, Weight};
use casewire::investigate::{Request, investigate};
use std::io::Write;

/// Records of each text, the damaged one aside.
const RECORDS: u64 = 40;

fn evtx_dump(n: u64) -> String {
    format!(
        "{{\"Event\":{{\"System\":{{\"Provider\":{{\"#attributes\":{{\"Name\":\"Microsoft-Windows-Security-Auditing\"\
         }}}},\"EventID\":4689,\"TimeCreated\":{{\"#attributes\":{{\"SystemTime\":\"2022-09-01T12:18:{n:02}Z\"}}}},\
         \"EventRecordID\":{n},\"Channel\":\"Security\",\"Computer\":\"WS01\"}},\"EventData\":{{\
         \"ProcessId\":\"0x7d8\",\"ProcessName\":\"a.exe\"}}}}}}"
    )
}

fn xml(n: u64) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
         Name='Microsoft-Windows-Security-Auditing'/><EventID>4689</EventID><TimeCreated \
         SystemTime='2022-09-01T12:18:{n:02}Z'/><EventRecordID>{n}</EventRecordID>\
         <Channel>Security</Channel><Computer>WS01</Computer></System><EventData>\
         <Data Name='ProcessId'>0x7d8</Data><Data Name='ProcessName'>a.exe</Data></EventData></Event>"
    )
}

fn nxlog(n: u64) -> String {
    format!(
        "{{\"EventTime\":\"2022-09-01 08:18:{n:02}\",\"EventReceivedTime\":\"2022-09-01 08:18:{n:02}\",\
         \"@timestamp\":\"2022-09-01T12:18:{n:02}Z\",\"SourceName\":\"Microsoft-Windows-Security-Auditing\",\
         \"Channel\":\"Security\",\"Hostname\":\"WS01\",\"EventID\":4689,\"RecordNumber\":{n},\
         \"ProcessId\":\"0x7d8\",\"ProcessName\":\"a.exe\"}}"
    )
}

fn csv(n: u64) -> String {
    format!(
        "{n},{n},2022-09-01 12:18:{n:02}.1363700,4689,Info,Microsoft-Windows-Security-Auditing,Security,WS01,\
         \"{{\"\"EventData\"\":{{\"\"Data\"\":[{{\"\"@Name\"\":\"\"ProcessId\"\",\"\"#text\"\":\"\"0x7d8\"\"}},\
         {{\"\"@Name\"\":\"\"ProcessName\"\",\"\"#text\"\":\"\"a.exe\"\"}}]}}}}\""
    )
}

fn pfirewall(n: u64) -> String {
    format!(
        "2022-09-01 12:18:{n:02} DROP TCP 10.0.1.66 10.0.1.15 51000 70{n:02} 52 S 1234567 0 64240 - - - RECEIVE"
    )
}

fn zeek(n: u64) -> String {
    format!(
        "1662034{n:03}.036086\tC1\t10.0.0.1\t50001\t10.0.0.2\t{n}\ttcp\t3.0\t10\t20\tSF\tShADadFf\t2\t2"
    )
}

/// A form: its word, what stands before its records, one record.
type Form = (&'static str, &'static str, fn(u64) -> String);

const FORMS: [Form; 6] = [
    ("evtx-json", "", evtx_dump),
    ("event-xml", "", xml),
    ("nxlog", "", nxlog),
    (
        "evtxecmd-csv",
        "RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel,Computer,Payload\n",
        csv,
    ),
    (
        "pfirewall",
        "#Version: 1.5\n#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn \
         tcpack tcpwin icmptype icmpcode info path\n",
        pfirewall,
    ),
    (
        "zeek-conn",
        "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\t\
         duration\torig_bytes\tresp_bytes\tconn_state\thistory\torig_pkts\tresp_pkts\n",
        zeek,
    ),
];

/// The text with `damage` as a line in its middle.
fn text((_, head, record): Form, damage: &str) -> String {
    let mut text = head.to_owned();
    for n in 1..=RECORDS {
        text.push_str(&record(n));
        text.push('\n');
        if n == RECORDS / 2 && !damage.is_empty() {
            text.push_str(damage);
            text.push('\n');
        }
    }
    text
}

fn read(bytes: &[u8]) -> Case {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("evidence"), bytes).unwrap();
    investigate(&Request::of(vec![folder.path().to_owned()]), &Silent).unwrap()
}

fn account(case: &Case) -> (&str, u64, u64) {
    let row = &case.evidence[0];
    (&row.kind, row.units_read, row.units_skipped)
}

fn lost(case: &Case) -> Vec<(ProblemKind, u64)> {
    let lost = case.problems.iter().filter(|p| p.weight == Weight::Loss);
    lost.map(|p| (p.kind, p.count)).collect()
}

#[test]
fn a_line_that_does_not_parse_costs_itself_and_is_told_with_its_place() {
    for form in FORMS {
        let whole = read(text(form, "").as_bytes());
        assert_eq!(account(&whole), (form.0, RECORDS, 0));
        assert_eq!(lost(&whole), [], "{}", form.0);
        // As XML is no line, its damage is a record that ends too early.
        let damage = match form.0 {
            "event-xml" => "<Event><System><EventID>4689</EventID></Event>",
            _ => "{\"half\": ",
        };
        let damaged = text(form, damage);
        let case = read(damaged.as_bytes());
        assert_eq!(account(&case), (form.0, RECORDS, 1));
        assert_eq!(lost(&case), [(ProblemKind::Text, 1)], "{}", form.0);
        let place = damaged.find(damage).unwrap() as u64;
        let told = case.problems.iter().find(|p| p.weight == Weight::Loss);
        assert_eq!(told.unwrap().first_offset, Some(place), "{}", form.0);
    }
}

#[test]
fn every_encoding_of_a_text_is_the_same_records() {
    for form in FORMS {
        let text = text(form, "");
        let wide = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            let mut wide = mark.to_vec();
            wide.extend(text.encode_utf16().flat_map(bytes));
            wide
        };
        let marked = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
        for (what, bytes) in [
            ("UTF-8 with a mark", marked),
            ("UTF-16 LE", wide([0xFF, 0xFE], u16::to_le_bytes)),
            ("UTF-16 BE", wide([0xFE, 0xFF], u16::to_be_bytes)),
            ("CRLF", text.replace('\n', "\r\n").into_bytes()),
        ] {
            let case = read(&bytes);
            assert_eq!(account(&case), (form.0, RECORDS, 0), "{what}");
            assert_eq!(lost(&case), [], "{what} {}", form.0);
        }
    }
}

#[test]
fn records_of_another_form_are_read_by_their_own() {
    for (first, other) in [
        (FORMS[0], nxlog as fn(u64) -> String),
        (FORMS[2], evtx_dump),
    ] {
        let case = read(text(first, &other(50)).as_bytes());
        assert_eq!(account(&case), (first.0, RECORDS + 1, 0));
        assert_eq!(lost(&case), []);
        let told = |p: &&casewire::evidence::Problem| p.message.contains("of another form");
        assert_eq!(case.problems.iter().filter(told).count(), 1);
    }
}

#[test]
fn json_nested_too_deep_is_one_record_skipped() {
    for form in [FORMS[0], FORMS[2]] {
        let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        let case = read(text(form, &deep).as_bytes());
        assert_eq!(account(&case), (form.0, RECORDS, 1));
        assert_eq!(lost(&case), [(ProblemKind::Text, 1)]);
    }
}

#[test]
fn a_packed_text_that_is_cut_is_read_up_to_the_cut() {
    let long: String = (0..400).map(|_| text(FORMS[0], "")).collect();
    let gzip = {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(long.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let xz = {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        packer.write_all(long.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let zstd = zstd::encode_all(long.as_bytes(), 1).unwrap();
    for (what, packed) in [("gzip", gzip), ("xz", xz), ("zstd", zstd)] {
        let whole = read(&packed);
        assert_eq!(account(&whole).1, 400 * RECORDS, "{what}");
        let case = read(&packed[..packed.len() * 3 / 4]);
        let (kind, read, skipped) = account(&case);
        assert!(kind.starts_with("evtx-json"), "{what}: {kind}");
        assert!(
            read < 400 * RECORDS && skipped <= 1,
            "{what}: {read} {skipped}"
        );
        let kinds: Vec<_> = lost(&case).into_iter().map(|(kind, _)| kind).collect();
        assert!(
            kinds.contains(&ProblemKind::Compression),
            "{what}: {kinds:?}"
        );
    }
}

#[test]
fn a_torn_archive_says_so_and_what_lies_before_the_tear_is_not_guessed() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a.json", "b.json"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text(FORMS[0], "").as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let whole = read(&bytes);
    assert_eq!(whole.evidence.len(), 3);
    // Without its directory nothing says where members begin.
    let torn = read(&bytes[..bytes.len() - 60]);
    assert_eq!(torn.evidence.len(), 1);
    assert_eq!(lost(&torn), [(ProblemKind::Compression, 1)]);
}

/// A line of a gibibyte in a file of a few kilobytes on disk: a hole reads as zeros. The process may
/// have half of that, so it ends if it holds the line.
#[cfg(target_os = "linux")]
#[test]
fn a_line_of_a_gibibyte_is_skipped_in_half_the_memory() {
    use std::io::{Seek, SeekFrom};
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("giant.json");
    let mut file = std::fs::File::create(&path).unwrap();
    writeln!(file, "{}", evtx_dump(1)).unwrap();
    file.seek(SeekFrom::Current(1 << 30)).unwrap();
    write!(file, "\n{}\n", evtx_dump(2)).unwrap();
    drop(file);
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 524288 && exec \"$@\"", "sh"])
        .arg(assert_cmd::cargo::cargo_bin("casewire"))
        .args(["inventory", "--no-hash", "--threads", "2", "-f", "json"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let row = &report["evidence"][0];
    assert_eq!(
        (row["units_read"].as_u64(), row["units_skipped"].as_u64()),
        (Some(2), Some(1)),
        "{said}"
    );
}

/// What the coverage says of a text.
fn gaps<'c>(case: &'c Case, kind: &str) -> Vec<&'c casewire::case::Gap> {
    case.gaps.iter().filter(|g| g.kind.word() == kind).collect()
}

#[test]
fn what_a_form_lost_lowers_what_can_be_concluded_and_the_coverage_says_so() {
    let powershell = |n: u64| {
        format!(
            "{{\"SourceName\":\"Microsoft-Windows-Security-Auditing\",\"Channel\":\"Security\",\
             \"Hostname\":\"WS01\",\"TimeCreated\":\"2022-09-01T07:18:{n:02}.000Z\",\"EventID\":4689,\
             \"ProcessId\":\"0x7d8\",\"ProcessName\":\"a.exe\"}}"
        )
    };
    let wazuh = |n: u64| {
        format!(
            "{{\"data\":{{\"win\":{{\"system\":{{\"providerName\":\"Microsoft-Windows-Security-Auditing\",\
             \"eventID\":\"4689\",\"systemTime\":\"2022-09-01T12:18:{n:02}Z\",\"eventRecordID\":\"{n}\",\
             \"channel\":\"Security\",\"computer\":\"WS01\"}},\"eventdata\":{{\"processId\":\"0x7d8\",\
             \"processName\":\"a.exe\"}}}}}}}}"
        )
    };
    let partly = |case: &Case| {
        let of = |row: &&casewire::case::CoverageRow| row.status == casewire::case::Met::Partial;
        case.coverage.iter().filter(of).count()
    };
    let whole = read(text(FORMS[0], "").as_bytes());
    assert!(gaps(&whole, "form").is_empty());
    for (form, words) in [
        (FORMS[2], "whole seconds"),
        (
            ("powershell-json", "", powershell as fn(u64) -> String),
            "AM and PM",
        ),
        (("wazuh", "", wazuh), "was told to collect"),
        (FORMS[4], "stealth mode"),
    ] {
        let case = read(text(form, "").as_bytes());
        assert_eq!(account(&case), (form.0, RECORDS, 0));
        let gaps = gaps(&case, "form");
        assert_eq!(gaps.len(), 1, "{}", form.0);
        assert!(gaps[0].what.contains(words), "{}", gaps[0].what);
        assert!(gaps[0].what.contains(form.0), "{}", gaps[0].what);
        // The firewall's own log meets other needs than Security does.
        let alike = form.0 != "pfirewall";
        assert!(!alike || partly(&case) >= partly(&whole), "{}", form.0);
    }
    // The log itself beside the export: nothing was lost.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), text(FORMS[0], "")).unwrap();
    std::fs::write(folder.path().join("b"), text(FORMS[2], "")).unwrap();
    let both = investigate(&Request::of(vec![folder.path().to_owned()]), &Silent).unwrap();
    assert_eq!(
        gaps(&both, "form").len(),
        0,
        "JSON is an export, too, and lost nothing"
    );
}

#[test]
fn a_log_of_connections_covers_its_time_and_says_what_it_cannot_show() {
    let case = read(text(FORMS[5], "").as_bytes());
    let row = &case.evidence[0];
    let first = row.first_time.unwrap().rfc3339();
    assert_eq!(first, "2022-09-01T12:06:41.036086000Z");
    assert!(row.last_time.unwrap() > row.first_time.unwrap());
    let gaps = gaps(&case, "summed-up");
    assert_eq!(gaps.len(), 1);
    for words in [
        "no sequence numbers",
        "no payload",
        "when its sensor did not listen",
    ] {
        assert!(gaps[0].why.contains(words), "{}", gaps[0].why);
    }
    assert_eq!(gaps[0].from, row.first_time);
    assert_eq!(gaps[0].evidence, [row.id]);
    // It is no capture, and nothing that needs packets is fully met by it.
    for need in case
        .coverage
        .iter()
        .filter(|r| r.evidence.contains(&row.id))
    {
        assert_eq!(need.status, casewire::case::Met::Partial, "{need:?}");
    }
    let magic = case
        .coverage
        .iter()
        .filter(|r| r.needs.contains("Wake-on-LAN"));
    for need in magic {
        assert_eq!(need.status, casewire::case::Met::Absent, "{need:?}");
        assert!(need.note.contains("holds no magic packet"), "{need:?}");
    }
    let json = (1..=RECORDS).map(|n| {
        format!(
            "{{\"ts\":1662034{n:03}.036086,\"uid\":\"C1\",\"id.orig_h\":\"10.0.0.1\",\"id.orig_p\":50001,\
             \"id.resp_h\":\"10.0.0.2\",\"id.resp_p\":{n},\"proto\":\"tcp\",\"duration\":3.0,\
             \"conn_state\":\"SF\",\"history\":\"ShADadFf\",\"orig_pkts\":2,\"resp_pkts\":2}}\n"
        )
    });
    let json = read(json.collect::<String>().as_bytes());
    assert_eq!(account(&json), ("zeek-conn", RECORDS, 0));
    assert_eq!(self::gaps(&json, "summed-up").len(), 1);
    assert_eq!(json.evidence[0].first_time, row.first_time);
}
