//! What a report says of what could not be judged, and of when its files begin and end, from a story's bytes to
//! the words.

use assert_cmd::Command;
use casewire::model::Timestamp;
use casewire_lab::story::Story;
use serde_json::Value;

fn report(story: &str) -> Value {
    let page = format!("# T\n```story\nday 2026-03-01\n{story}\n```\n");
    let folder = tempfile::tempdir().unwrap();
    let evidence = Story::parse(&page).unwrap_or_else(|e| panic!("{e}")).play();
    evidence.write_to(folder.path()).unwrap();
    of_folder(folder.path())
}

fn of_folder(folder: &std::path::Path) -> Value {
    let output = Command::cargo_bin("casewire")
        .unwrap()
        .args(["analyze", "-q", "-f", "json"])
        .arg(folder)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Why AN1057 could not judge a host in full.
fn why(report: &Value, host: &str) -> String {
    let rows = report["verdicts"].as_array().unwrap();
    let of = |row: &&Value| row["analytic"] == "AN1057" && row["host"] == host;
    let row = rows.iter().find(of).unwrap();
    row["words"].as_str().unwrap().to_owned()
}

/// Pings in `hours` different hours.
fn captured(hours: u32) -> String {
    let mut story = "host a 10.0.0.2\nhost b 10.0.0.3\n".to_owned();
    for hour in 1..=hours {
        story.push_str(&format!("0{hour}:00:00 a pings b 5 times\n"));
    }
    story
}

#[test]
fn many_silences_of_a_capture_are_named_once_where_they_explain_a_verdict() {
    let few = why(&report(&captured(3)), "others");
    assert_eq!(few.matches("no packets from").count(), 2, "{few}");
    let many = report(&captured(6));
    let words = why(&many, "others");
    assert!(!words.contains("no packets from"), "{words}");
    assert!(
        words.contains("no packets in several stretches of time (see Gaps)"),
        "{words}"
    );
    let gaps = many["gaps"].as_array().unwrap();
    let silences = gaps.iter().filter(|gap| gap["kind"] == "capture-silence");
    assert_eq!(silences.count(), 5);
}

#[test]
fn logs_that_reach_beyond_the_captures_are_told_with_the_time_that_coverage_is_of() {
    let told = |second: &str| {
        let story = format!(
            "day 2026-03-01\nhost WS01 10.0.0.5 logs security\nhost mon 10.0.0.2\nsensor span to 02:30:00\n\
             02:00:00 repeat 30 every 60s: mon -> WS01:445/tcp accepted\n{second} WS01 starts C:\\x.exe\n"
        );
        let notes = report(&story)["notes"].to_string();
        notes.contains(
            "coverage and verdicts are told for the time of the captures, 2026-03-01 02:00:00 to",
        ) && notes.contains("the logs of WS01 reach further")
    };
    assert!(told("03:30:00"));
    // A tenth of what the captures took is worth a sentence as well.
    assert!(told("02:35:00"));
    assert!(!told("02:31:00"));
}

#[test]
fn a_short_name_that_one_full_name_begins_with_may_be_the_same_host() {
    let names = |names: &[&str]| {
        let mut story = String::new();
        for (n, name) in names.iter().enumerate() {
            story.push_str(&format!(
                "host h{n} 10.0.0.{} logs security named {name}\n",
                n + 2
            ));
            story.push_str(&format!("01:00:0{n} h{n} listens tcp/80 by w3wp.exe\n"));
        }
        report(&story)["notes"].to_string()
    };
    let told = "WS06 and WS06.corp.example are told as two hosts";
    assert!(names(&["WS06", "WS06.corp.example"]).contains(told));
    // Two domains may each have one.
    assert!(!names(&["WS06", "WS06.corp.example", "WS06.lab.example"]).contains("told as two"));
    assert!(!names(&["WS06", "WS07.corp.example"]).contains("told as two"));
}

#[test]
fn a_capture_that_ends_inside_a_packet_is_told_on_the_first_screen() {
    let page = format!("# T\n```story\nday 2026-03-01\n{}```\n", captured(2));
    let folder = tempfile::tempdir().unwrap();
    let evidence = Story::parse(&page).unwrap().play();
    evidence.write_to(folder.path()).unwrap();
    let told = || {
        let mut command = Command::cargo_bin("casewire").unwrap();
        let output = command
            .args(["analyze", "-q"])
            .arg(folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (
            output.status.code(),
            text.split_whitespace().collect::<Vec<_>>().join(" "),
        )
    };
    let cut = "1 file ends before something that was begun, and may have been cut short";
    assert!(!told().1.contains(cut));
    let capture = std::fs::read_dir(folder.path()).unwrap().next().unwrap();
    let path = capture.unwrap().path();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3 + 1]).unwrap();
    let (code, text) = told();
    assert!(text.contains(cut), "{text}");
    assert!(
        text.contains("and whatever followed if the file was cut"),
        "{text}"
    );
    // It may have been stopped hard: no more is known to be missing than a packet.
    assert_eq!(code, Some(0));
}

#[test]
fn of_a_host_without_logs_one_direction_is_half_of_a_capture() {
    let told = |sees: &str| {
        let story = format!(
            "host WS01 10.0.0.5 open tcp/443\nhost mon 10.0.0.2\nhost FS01 10.0.0.10 open tcp/445\n\
             host app 10.0.0.20\nsensor span sees {sees},app<->FS01\n\
             01:57:00 repeat 30 every 20s: app -> FS01:445/tcp accepted\n\
             01:57:00 repeat 12 every 50s: mon -> WS01:443/tcp accepted\n"
        );
        let report = report(&story);
        let rows = report["coverage"].as_array().unwrap();
        let row = rows.iter().find(|row| {
            row["analytic"] == "AN0842"
                && row["host"] == "others"
                && row["needs"] == "completed connections"
        });
        let status = row.unwrap()["status"].as_str().unwrap().to_owned();
        let gaps = report["gaps"].as_array().unwrap();
        let gap = gaps.iter().find(|gap| gap["kind"] == "one-sided");
        (
            status,
            gap.map(|gap| gap["what"].as_str().unwrap().to_owned()),
        )
    };
    assert_eq!(told("mon<->WS01"), ("seen".to_owned(), None));
    let (status, gap) = told("mon->WS01");
    assert_eq!(status, "partial");
    let gap = gap.unwrap();
    assert!(
        gap.contains("of 10.0.0.2, 10.0.0.5 one direction was captured"),
        "{gap}"
    );
}

#[test]
fn a_sensor_whose_clock_is_ahead_has_its_files_times_put_right() {
    let story = "host WS01 10.0.0.5\nhost WS02 10.0.0.6\nsensor core\nsensor late clock +7s\n\
        02:00:00 repeat 40 every 60s: WS01 -> WS02:445/tcp accepted\n";
    let told = report(story);
    let files = told["evidence"].as_array().unwrap();
    let moments = |name: &str| -> Vec<i64> {
        let moment = |file: &Value| Timestamp::parse(file[name].as_str().unwrap()).unwrap().0;
        files.iter().map(moment).collect()
    };
    assert_eq!(files.len(), 2, "{files:?}");
    for name in ["first_time", "last_time"] {
        let apart = moments(name)[0].abs_diff(moments(name)[1]);
        assert!(apart < 1_000_000, "{name}: {apart} ns apart, {files:?}");
    }
}

/// Two captures of one interface each as one capture of two, packets in the order of their recorded times.
fn as_one(captures: [&[u8]; 2]) -> Vec<u8> {
    let number = |bytes: &[u8], at: usize| {
        let four: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        u32::from_le_bytes(four)
    };
    let (mut heads, mut packets) = (Vec::new(), Vec::new());
    for (interface, mut left) in (0_u32..).zip(captures) {
        while !left.is_empty() {
            let (block, rest) = left.split_at(number(left, 4) as usize);
            left = rest;
            match number(block, 0) {
                0x0a0d_0d0a if interface > 0 => {}
                6 => {
                    let mut block = block.to_vec();
                    block[8..12].copy_from_slice(&interface.to_le_bytes());
                    packets.push(((number(&block, 12), number(&block, 16)), block));
                }
                // Statistics are not needed.
                5 => {}
                _ => heads.extend_from_slice(block),
            }
        }
    }
    packets.sort();
    let packets = packets.into_iter().flat_map(|(_, block)| block);
    heads.into_iter().chain(packets).collect()
}

#[test]
fn of_a_file_with_two_interfaces_each_end_is_put_right_by_the_clock_of_its_own() {
    let page = "# T\n```story\nday 2026-03-01\nhost WS01 10.0.0.5\nhost WS02 10.0.0.6\n\
        sensor core\nsensor late clock +7s\n\
        02:00:00 repeat 40 every 60s: WS01 -> WS02:445/tcp accepted\n```\n";
    let evidence = Story::parse(page).unwrap().play();
    let capture = |name: &str| {
        let file = evidence.files.iter().find(|file| file.0 == name);
        file.unwrap().1.as_slice()
    };
    let folder = tempfile::tempdir().unwrap();
    let both = as_one([capture("core.pcapng"), capture("late.pcapng")]);
    std::fs::write(folder.path().join("both.pcapng"), both).unwrap();
    let alone = tempfile::tempdir().unwrap();
    std::fs::write(alone.path().join("core.pcapng"), capture("core.pcapng")).unwrap();
    let ends = |folder: &std::path::Path| {
        let told = of_folder(folder);
        let file = &told["evidence"][0];
        ["first_time", "last_time"].map(|name| {
            let moment = Timestamp::parse(file[name].as_str().unwrap());
            moment.unwrap().0
        })
    };
    let (whole, core) = (ends(folder.path()), ends(alone.path()));
    for (end, as_of_core) in whole.into_iter().zip(core) {
        let apart = end.abs_diff(as_of_core);
        assert!(apart < 1_000_000, "{apart} ns apart");
    }
}
