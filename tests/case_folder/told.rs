//! `report` and its options; completions and manual pages.

use super::made::*;

#[test]
fn a_case_is_rendered_for_people_and_the_filter_is_told() {
    let made = Made::new();
    let report = made.report();
    let findings = report["findings"].as_array().unwrap();
    for format in ["text", "md", "html"] {
        let (page, said) = done(&["report", text(&made.case), "--format", format], 0);
        assert!(said.is_empty(), "{said}");
        for finding in findings {
            assert!(
                page.contains(finding["short_id"].as_str().unwrap()),
                "{format}"
            );
        }
        assert!(page.contains("IR"), "{format}");
        let file = made.here.path().join(format!("report.{format}"));
        done(
            &["report", text(&made.case), "-f", format, "-o", text(&file)],
            0,
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), page);
        let again = ["report", text(&made.case), "-f", format, "-o", text(&file)];
        done(&again, 2);
        done(&[&again[..], &["--overwrite"]].concat(), 0);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), page);
    }
    let one = findings[0]["short_id"].as_str().unwrap();
    for format in ["text", "md", "html"] {
        let (page, _) = done(
            &[
                "report",
                text(&made.case),
                "-f",
                format,
                "--incident",
                one,
                "--min-severity",
                "low",
            ],
            0,
        );
        assert!(
            page.contains(&format!("1 of {} told here", findings.len())),
            "{format}"
        );
        assert!(page.contains("min-severity low"), "{format}: {page}");
    }
    done(&["report", text(&made.case), "--incident", "F00000000"], 2);
    let (_, said) = done(&["report", "no/such/case"], 2);
    assert!(
        said.contains("is no case folder: there is no report.json in it"),
        "{said}"
    );
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (script, _) = done(&["completions", shell], 0);
        assert!(
            script.contains("verify") && script.contains("analyze"),
            "{shell}"
        );
    }
    let (page, _) = done(&["man"], 0);
    assert!(page.contains(".TH") && page.contains("verify"), "{page}");
    let (page, _) = done(&["man", "verify"], 0);
    assert!(page.contains("rerun"), "{page}");
    let (_, said) = done(&["man", "verfy"], 2);
    assert!(said.contains("did you mean 'verify'?"), "{said}");
}

#[test]
fn another_zone_stands_beside_utc_and_files_stay_utc() {
    let made = Made::new();
    let case = text(&made.case);
    let first = made.report()["findings"][0]["first_time"].clone();
    let utc = first.as_str().unwrap();
    let (day, clock) = (&utc[..10], &utc[11..19]);
    // Kolkata has no summer time: its clocks are five and a half hours ahead.
    let ahead = |zone: &str| {
        let hours: u32 = clock[..2].parse().unwrap();
        let minutes: u32 = clock[3..5].parse().unwrap();
        let all = hours * 60 + minutes + 330;
        assert_eq!(zone, "+05:30");
        (
            format!("{:02}:{:02}:{}", all / 60, all % 60, &clock[6..8]),
            zone.to_owned(),
        )
    };
    let (local, offset) = ahead("+05:30");
    for format in ["text", "md", "html"] {
        let report = ["report", case, "--format", format, "--width", "200"];
        let (plain, _) = done(&report, 0);
        let (page, _) = done(&[&report[..], &["--tz", "Asia/Kolkata"]].concat(), 0);
        let page = page.replace('\\', "").replace("&#43;", "+");
        assert!(page.contains(&format!("{day} {clock}")), "{format}");
        assert!(
            page.contains(&format!("{day} {local}")),
            "{format}: {local}"
        );
        assert!(
            page.contains(&offset) && page.contains("IANA database"),
            "{format}"
        );
        assert!(!plain.contains(&local) && plain.contains("All times are UTC."));
    }
    let evidence = text(&made.evidence);
    for (command, forms) in [
        ("analyze", &["json", "jsonl"][..]),
        ("timeline", &["jsonl", "csv"]),
        ("inventory", &["json"]),
    ] {
        let plain = [command, evidence, "-f", "text"];
        let zoned = ["--tz", "Asia/Kolkata"];
        let (page, _) = done(&[&plain[..], &zoned].concat(), 0);
        assert!(page.contains(&offset), "{command}: {page}");
        for form in forms {
            let plain = [command, evidence, "-f", form];
            let (page, said) = done(&[&plain[..], &zoned].concat(), 0);
            assert!(said.contains("this form is UTC"), "{said}");
            assert_eq!(page, done(&plain, 0).0, "{command} {form}");
        }
    }
    let other = made.here.path().join("other");
    done(
        &[
            "-q",
            "analyze",
            evidence,
            "-o",
            text(&other),
            "--tz",
            "-03:30",
            "--case",
            "IR-1",
            "--examiner",
            "A. Examiner",
        ],
        0,
    );
    for file in ["report.json", "timeline.jsonl"] {
        assert_eq!(
            std::fs::read(other.join(file)).unwrap(),
            std::fs::read(made.case.join(file)).unwrap(),
            "{file}"
        );
    }
    done(&["verify", text(&other), "--rerun"], 0);
    let (_, said) = done(&["report", case, "--tz", "Mars/Olympus"], 2);
    assert!(said.contains("Europe/Paris"), "{said}");
}

#[test]
fn a_redacted_copy_names_nobody_and_its_labels_stand_elsewhere() {
    let made = Made::new();
    let case = text(&made.case);
    let labels = made.here.path().join("labels.json");
    let redact = ["--redact", "hosts,users,addresses"];
    for format in ["text", "md", "html"] {
        let report = ["report", case, "--format", format, "--width", "300"];
        let (plain, _) = done(&report, 0);
        let (page, _) = done(&[&report[..], &redact].concat(), 0);
        for gone in ["FS01", "corp.example", "10.20.0.", "CORP\\admin"] {
            let plain = plain.replace("\\.", ".").replace("\\\\", "\\");
            let page = page.replace("\\.", ".").replace("\\\\", "\\");
            assert!(plain.contains(gone), "{format}: {gone}");
            let line = page.lines().find(|line| line.contains(gone));
            assert!(line.is_none(), "{format}: {gone}: {line:?}");
        }
        assert!(
            page.contains("REDACTED COPY") && page.contains("HOST\\-1") || page.contains("HOST-1")
        );
    }
    // A part of the report has the labels of the whole.
    let one = made.report()["findings"][0]["short_id"].clone();
    let part = ["report", case, "--incident", one.as_str().unwrap()];
    let (whole, _) = done(&[&["report", case][..], &redact].concat(), 0);
    let (page, _) = done(&[&part[..], &redact].concat(), 0);
    let title = |page: &str| {
        let line = page.lines().find(|line| line.contains(" touched "));
        line.unwrap_or("").to_owned()
    };
    assert!(!title(&page).is_empty());
    assert_eq!(title(&page), title(&whole));
    // What they stand for is told in a file of its own, once.
    let apart = ["--labels", text(&labels)];
    done(&[&part[..], &redact, &apart].concat(), 0);
    let told = std::fs::read_to_string(&labels).unwrap();
    assert!(told.contains("FS01.corp.example") && told.contains("casewire-labels"));
    done(&[&part[..], &redact, &apart].concat(), 2);
    done(&[&part[..], &apart].concat(), 2);
    let inside = made.case.join("labels.json");
    done(
        &[&part[..], &redact, &["--labels", text(&inside)]].concat(),
        2,
    );
    let (_, said) = done(&[&part[..], &["--redact", "names"]].concat(), 2);
    assert!(said.contains("hosts, users or addresses"), "{said}");
}
