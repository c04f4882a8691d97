//! A copy says what happened and not to whom; the same thing has one label, and its shape stays.

use super::{Labels, Sort, redact};
use crate::report::json::shape::Report;
use crate::report::record::{Chosen, markdown, telling, text};
use crate::report::text::Style;
use crate::report::zone::Zone;
use crate::report::{html, json, samples};
use proptest::prelude::*;

/// The words of a copy in every form it is printed in, in lower case.
fn printed(copy: &Report) -> String {
    let blocks = telling::whole(copy, &Chosen::default(), &Zone::UTC);
    let pages = [
        text(
            &blocks,
            &Style {
                width: 500,
                ..Style::default()
            },
        ),
        markdown(&blocks).replace('\\', ""),
        html::render(copy, &html::Style::default()),
    ];
    pages.concat().to_lowercase()
}

fn copy(report: &Report, sorts: &[Sort]) -> (Report, Labels) {
    redact(report, sorts).unwrap()
}

/// A report whose first finding speaks of `host`, `user` and `address` in all ways it can.
fn speaking(host: &str, user: &str, address: &str) -> Report {
    let mut report = json::shaped(&samples::case());
    report.hosts[0].name = Some(host.to_owned());
    report.hosts[0].addresses = vec![address.to_owned()];
    let short = host.split('.').next().unwrap();
    report.evidence[0].path = format!("{short}-Security.evtx");
    let finding = &mut report.findings[0];
    let field = |name: &'static str, text: String| {
        (name.into(), crate::report::json::shape::Value::Text(text))
    };
    finding.steps[0]
        .fields
        .extend([field("user", format!("CORP\\{user}"))]);
    if let crate::report::json::refs::Ref::Record(record) = &mut finding.steps[4].refs[0] {
        record.evidence.0 = format!("E3!{short}-Firewall.evtx");
    }
    finding.title = format!("{user} on {} reached [{address}]:445", host.to_uppercase());
    finding.notes = vec![
        format!("C:\\Users\\{user}\\x.exe, {address}/32, {address}."),
        format!("logged on as corp\\{user}; {short}$ too"),
        format!("\\\\{host}\\share"),
    ];
    report
}

#[test]
fn the_demo_of_the_renderers_names_nobody_when_all_is_replaced() {
    let report = json::shaped(&samples::case());
    let (copy, labels) = copy(&report, &Sort::ALL);
    let page = printed(&copy);
    for gone in [
        "fs01",
        "corp.example",
        "203.0.113.7",
        "10.20.0.15",
        "svc-backup",
    ] {
        assert!(printed(&report).contains(gone), "{gone}");
        let at = page.find(gone);
        assert!(
            at.is_none(),
            "{gone}: {:?}",
            at.map(|at| &page[at.saturating_sub(80)..at + 40])
        );
    }
    let stands: Vec<&String> = labels.labels.values().flatten().collect();
    assert!(
        stands
            .iter()
            .any(|of| of.eq_ignore_ascii_case("FS01.corp.example"))
    );
    // What says how to check it stays.
    for (before, after) in report.findings.iter().zip(&copy.findings) {
        assert_eq!(
            (&before.id, before.steps.len()),
            (&after.id, after.steps.len())
        );
        for (a, b) in before.steps.iter().zip(&after.steps) {
            assert_eq!(a.time.0, b.time.0);
            assert_eq!(a.refs[0].text(), b.refs[0].text());
        }
    }
    assert_eq!(
        report.evidence[0].hashes.sha256.as_ref().unwrap().0,
        copy.evidence[0].hashes.sha256.as_ref().unwrap().0
    );
    assert!(page.contains("redacted copy: hosts, users, addresses"));
}

#[test]
fn a_label_is_the_same_whatever_part_is_shown_and_whatever_else_is_replaced() {
    let report = speaking("FS77.corp.example", "j.doe", "10.1.2.3");
    let (all, labels) = copy(&report, &Sort::ALL);
    let (hosts, of_hosts) = copy(&report, &[Sort::Hosts]);
    for (label, of) in &of_hosts.labels {
        // The label of an account takes the place of its domain too.
        match labels.labels.get(label) {
            Some(same) => assert_eq!(same, of, "{label}"),
            None => assert!(label.starts_with("NTDOMAIN-"), "{label}"),
        }
    }
    assert_eq!(all.hosts[0].name, hosts.hosts[0].name);
    assert_eq!(all.hosts[0].name.as_deref(), Some("HOST-1"));
    assert_eq!(hosts.hosts[0].addresses, ["10.1.2.3"]);
    assert!(hosts.findings[0].title.contains("j.doe on HOST-1"));
    assert_eq!(all.evidence[0].path, "HOST-1-Security.evtx");
    let notes = &all.findings[0].notes;
    assert!(notes[0].starts_with("C:\\Users\\USER-"), "{notes:?}");
    assert!(notes[1].contains("; HOST-1$ too"), "{notes:?}");
    assert_eq!(notes[2], "\\\\HOST-1\\share");
    assert_eq!(copy(&report, &Sort::ALL).1, labels);
}

#[test]
fn what_names_nobody_is_left_as_it_is() {
    let mut report = json::shaped(&samples::case());
    let words = "listens on 0.0.0.0:445 and [::]:445 as NT AUTHORITY\\SYSTEM (S-1-5-18) at \
                 02:11:07.104233, C:\\Windows\\System32\\x.exe, HKLM\\SYSTEM\\Select, 127.0.0.1, \
                 ff:ff:ff:ff:ff:ff";
    report.findings[0].notes = vec![words.to_owned()];
    let (copy, _) = copy(&report, &[Sort::Hosts, Sort::Addresses]);
    assert_eq!(copy.findings[0].notes, [words]);
}

#[test]
fn addresses_are_known_by_their_form_in_every_spelling() {
    let mut report = json::shaped(&samples::case());
    report.findings[0].notes = [
        "a 198.51.100.9:443 b",
        "a [2001:db8::9]:443 b",
        "a ::ffff:198.51.100.9 b",
        "a 02-00-5e-00-53-01, 02:00:5E:00:53:01",
        "a 198.51.100.0/24",
        "fe80::1%3 and 2001:db8::",
        "S-1-5-21-1-2-3-1104 and ACME\\bob",
        "9.100.51.198.in-addr.arpa",
    ]
    .map(str::to_owned)
    .to_vec();
    let (copy, labels) = copy(&report, &Sort::ALL);
    let of = |address: &str| {
        let found = labels
            .labels
            .iter()
            .find(|(_, of)| of.iter().any(|o| o == address));
        found
            .map(|(label, _)| label.clone())
            .unwrap_or_else(|| panic!("{address}: {labels:?}"))
    };
    let (v4, v6, mac) = (
        of("198.51.100.9"),
        of("2001:db8::9"),
        of("02:00:5E:00:53:01"),
    );
    assert_eq!(
        copy.findings[0].notes,
        [
            format!("a {v4}:443 b"),
            format!("a [{v6}]:443 b"),
            format!("a {v4} b"),
            format!("a {mac}, {mac}"),
            format!("a {}", of("198.51.100.0/24")),
            format!("{}%3 and {}", of("fe80::1"), of("2001:db8::")),
            format!("{} and {}", of("S-1-5-21-1-2-3-1104"), of("ACME\\bob")),
            format!("{}.in-addr.arpa", of("9.100.51.198")),
        ]
    );
}

/// `note` in a copy of a report with these hosts and accounts.
fn noted(hosts: &[&str], users: &[&str], note: &str, sorts: &[Sort]) -> String {
    let mut report = json::shaped(&samples::case());
    let host = report.hosts[0].clone();
    report.hosts = hosts
        .iter()
        .map(|name| {
            let mut host = host.clone();
            host.name = Some((*name).to_owned());
            host
        })
        .collect();
    report.parameters.hosts.clear();
    let finding = &mut report.findings[0];
    let step = finding.steps[0].clone();
    for user in users {
        let mut step = step.clone();
        let text = crate::report::json::shape::Value::Text((*user).to_owned());
        step.fields.insert("user".into(), text);
        finding.steps.push(step);
    }
    finding.notes = vec![note.to_owned()];
    copy(&report, sorts).0.findings[0].notes[0].clone()
}

#[test]
fn what_only_looks_like_a_name_is_left() {
    for (hosts, users, note) in [
        (&["ws07"][..], &[][..], "ws077 and aws07"),
        (&["ws07.corp.test"], &[], "evilcorp.test"),
        (&["q"], &[], "q stays"),
        (&["localhost"], &[], "localhost"),
        (&["a.corp.test"], &[], "a b"),
        (&["10.corp.test"], &[], "10 times"),
        (&["ws07.local"], &[], "printer.local"),
        (&[], &[r"NT AUTHORITY\SYSTEM"], "SYSTEM"),
        (&[], &["-", ""], "a - b"),
        (&[], &["Administrators"], "Administrators"),
        (&[], &[r"NT SERVICE\MSSQL"], "MSSQL"),
        (&[], &[r"CORP\ab"], "ab"),
        (&[], &[], r"x \alone"),
        (&[], &[], r"x ACME\ y"),
        (
            &[],
            &[],
            r"C:\Users\%USERNAME%\x, C:\Users\Public\y, \Users",
        ),
        (&[], &[], r"HKCU\Software\Foo"),
        (
            &[],
            &[],
            r"NT AUTHORITY\SYSTEM, NT SERVICE\TrustedInstaller",
        ),
        (&[], &[], "10.1.2.3x, 224.0.0.251, 255.255.255.255"),
        (&[], &[], "00:00:00:00:00:00"),
    ] {
        assert_eq!(noted(hosts, users, note, &Sort::ALL), note);
    }
    assert_eq!(
        noted(&["10.1.2.3"], &[], "10.1.2.3", &[Sort::Hosts]),
        "10.1.2.3"
    );
}

#[test]
fn what_is_a_name_is_known_however_it_is_written() {
    let all = |hosts: &[&str], users: &[&str], note| noted(hosts, users, note, &Sort::ALL);
    assert_eq!(all(&["ws07.corp.test"], &[], "at corp.test"), "at DOMAIN-1");
    let two = ["a1.corp.test", "b1.eu.corp.test"];
    assert_eq!(all(&two, &[], "eu.corp.test"), "DOMAIN-1");
    let other = all(&two, &[], "other.corp.test.");
    assert!(
        other.starts_with("HOST-") && other.ends_with('.'),
        "{other}"
    );
    assert_eq!(all(&["solo."], &[], "solo"), "HOST-1");
    assert_eq!(all(&["fs77.corp.test."], &[], "fs77.corp.test"), "HOST-1");
    // One account, whatever stands before it.
    let of = |users: &[&str], note| {
        let said = all(&[], users, note);
        let labels: Vec<String> = said.split(' ').map(str::to_owned).collect();
        assert!(labels.iter().all(|l| l.starts_with("USER-")), "{said}");
        labels
    };
    for (users, note) in [
        (&[r"CORP\bob"][..], r"ACME\bob bob"),
        (&[r"CORP\bob", r"ACME\bob"], r"CORP\bob ACME\bob"),
        (&[], r"ACME\eve. ACME\eve"),
    ] {
        let labels = of(users, note);
        assert_eq!(labels[0].trim_end_matches('.'), labels[1], "{note}");
    }
    assert!(all(&[], &[r"CORP\ab"], r"CORP\ab").starts_with("USER-"));
    let profile = all(&[], &[], r"C:\Users\zoe9\x.exe, and zoe9 again");
    assert!(!profile.contains("zoe9"), "{profile}");
    let mut report = json::shaped(&samples::case());
    let name = crate::report::json::shape::Value::Text("PRN-7".to_owned());
    let finding = &mut report.findings[0];
    finding.steps[0].fields.insert("name".into(), name);
    finding.notes = vec!["PRN-7 answered".to_owned()];
    let (copy, _) = copy(&report, &[Sort::Hosts]);
    assert!(copy.findings[0].notes[0].starts_with("HOST-"));
}

#[test]
fn the_words_a_report_is_made_of_are_no_names() {
    let mut report = json::shaped(&samples::case());
    let host = report.hosts[0].clone();
    report.hosts = ["found", "high", "casewire", "probe", "AN0842", "AN1448"]
        .map(|name| {
            let mut host = host.clone();
            host.name = Some(name.to_owned());
            host
        })
        .to_vec();
    let (copy, _) = copy(&report, &Sort::ALL);
    let words = |report: &Report| {
        let finding = &report.findings[0];
        let verdicts = report.verdicts.iter().map(|v| v.verdict.to_string());
        let mut words: Vec<String> = verdicts.collect();
        words.extend(finding.steps.iter().map(|step| step.role.to_string()));
        words.extend(report.findings.iter().flat_map(|f| {
            let also = f.also_satisfies.iter();
            also.map(|id| id.0.clone()).collect::<Vec<_>>()
        }));
        words.extend([
            report.tool.name.to_string(),
            finding.severity.0.to_string(),
            finding.analytic.id.0.clone(),
        ]);
        words
    };
    assert_eq!(words(&copy), words(&report));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever they are called, nothing of them is left and no two share a label.
    #[test]
    fn no_name_and_no_address_is_left(
        host in "[a-z][a-z0-9]{2,9}q7",
        user in "[a-z][a-z0-9._]{1,9}w8",
        address in prop_oneof![any::<[u8; 4]>().prop_map(std::net::IpAddr::from), any::<[u8; 16]>().prop_map(std::net::IpAddr::from)],
    ) {
        let usual = !address.is_unspecified() && !address.is_loopback() && !address.is_multicast()
            // All that begins so are masks, and 255.255.255.255 is everybody.
            && !address.to_string().starts_with("255.");
        prop_assume!(usual);
        let report = speaking(&format!("{host}.corp.example"), &user, &address.to_string());
        let (copy, labels) = copy(&report, &Sort::ALL);
        let page = printed(&copy);
        for gone in [&host, &user] {
            prop_assert!(!page.contains(gone.as_str()), "{gone}");
        }
        let spelled = address.to_string();
        let left = page.match_indices(&spelled).any(|(at, _)| {
            let joined = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.' || c == ':');
            !joined(page[..at].chars().next_back()) && !joined(page[at + spelled.len()..].chars().next())
        });
        prop_assert!(!left, "{spelled}");
        // Each spelling stands under one label.
        let mut all: Vec<String> = labels.labels.values().flatten().map(|of| of.to_lowercase()).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        prop_assert!(count - all.len() <= 2, "only letters of another case may repeat: {labels:?}");
    }

    /// Hostile text is no reason to fail or to change what it is not.
    #[test]
    fn any_text_passes(text in any::<String>()) {
        let mut report = json::shaped(&samples::case());
        report.hosts[0].name = Some(text.clone());
        report.findings[0].notes = vec![text];
        let (copy, _) = copy(&report, &Sort::ALL);
        prop_assert_eq!(copy.findings.len(), report.findings.len());
    }
}

#[test]
fn the_hosts_that_no_log_names_are_no_host() {
    let mut report = json::shaped(&samples::case());
    report.coverage[0].host = "others".to_owned();
    report.verdicts[0].host = "others".to_owned();
    report.findings[0].notes = vec!["others cannot be excluded".to_owned()];
    let (made, labels) = copy(&report, &Sort::ALL);
    assert_eq!(made.coverage[0].host, "others");
    assert_eq!(made.findings[0].notes, ["others cannot be excluded"]);
    let told = format!("{labels:?}");
    assert!(!told.contains("\"others\""), "{told}");
    // A computer may be called so.
    report.hosts[0].name = Some("OTHERS".to_owned());
    assert!(format!("{:?}", copy(&report, &Sort::ALL).1).contains("others"));
}

#[test]
fn evidence_does_not_choose_which_words_of_a_sentence_are_replaced() {
    use crate::report::json::shape::Value;
    let told =
        "no outage of the network is seen; no host had gone there before: no.evil.example port 443";
    let mut report = json::shaped(&samples::case());
    let fields = &mut report.findings[0].steps[0].fields;
    fields.insert("query_name".into(), Value::Text("no.evil.example".into()));
    fields.insert("peer_name".into(), Value::Text("port".into()));
    fields.insert("user".into(), Value::Text("CORP\\network".into()));
    report.findings[0].alternatives = vec![told.to_owned()];
    let (copy, _) = copy(&report, &Sort::ALL);
    let said = &copy.findings[0].alternatives[0];
    assert!(
        said.starts_with("no outage of the network is seen; no host had gone there before: HOST-"),
        "{said}"
    );
    assert!(
        said.ends_with(" port 443") && !said.contains("evil"),
        "{said}"
    );
    // As names they are replaced, and the copy says that there are such.
    let fields = &copy.findings[0].steps[0].fields;
    for (field, label) in [
        ("query_name", "HOST-"),
        ("peer_name", "HOST-"),
        ("user", "USER-"),
    ] {
        let Value::Text(text) = &fields[field] else {
            panic!("{field}")
        };
        assert!(text.starts_with(label), "{field}: {text}");
    }
    assert!(
        copy.notes[0].contains("Of the names, 2 may mean something else in these sentences"),
        "{}",
        copy.notes[0]
    );
    // So it is of a computer that is called so.
    let sentence = noted(&["no.corp.test"], &[], "no host; NO.corp.test", &Sort::ALL);
    assert_eq!(sentence, "no host; HOST-1");
}

#[test]
fn evidence_does_not_choose_which_numbers_and_programs_are_replaced() {
    use crate::report::json::shape::Value;
    let told = "port 443/tcp stopped working, +10 points, 10.0 s, upd.exe, FS-2 and srv07 port 443";
    let mut report = json::shaped(&samples::case());
    let names = [
        "443", "10", "10.0", "upd", "stopped", "upd.exe", "fs-2", "srv07",
    ];
    for (name, step) in names.iter().zip(0..) {
        let steps = &mut report.findings[0].steps;
        let at = step % steps.len();
        let field = ["query_name", "peer_name"][usize::from(step >= steps.len())];
        let fields = &mut steps[at].fields;
        fields.insert(field.into(), Value::Text((*name).into()));
    }
    report.findings[0].alternatives = vec![told.to_owned()];
    let (copy, _) = copy(&report, &[Sort::Hosts]);
    let said = &copy.findings[0].alternatives[0];
    let kept = "port 443/tcp stopped working, +10 points, 10.0 s, upd.exe, HOST-";
    assert!(said.starts_with(kept), "{said}");
    assert!(!said.contains("FS-2") && !said.contains("srv07"), "{said}");
}

#[test]
fn letters_of_any_script_have_two_cases() {
    let note = "-user:jörg on \\\\öst07\\c$, ÖST07.corp.test";
    let said = noted(&["ÖST07.corp.test"], &["CORP\\JÖRG"], note, &Sort::ALL);
    assert_eq!(said, "-user:USER-2 on \\\\HOST-1\\c$, HOST-1");
}

#[test]
fn a_member_whose_name_was_cut_is_called_by_its_whole_name_with_labels() {
    let mut report = json::shaped(&samples::case());
    report.hosts[0].name = Some("payroll-munich-07.corp.test".into());
    report.evidence[0].id.0 = "E1!payroll-mun..dows-Security.evtx".into();
    report.evidence[0].path = "a.zip!x/payroll-munich-07.corp.test-Windows-Security.evtx".into();
    report.findings[0].notes = vec!["see E1!payroll-mun..dows-Security.evtx:r7".into()];
    let (copy, _) = copy(&report, &[Sort::Hosts]);
    let name = "E1!HOST-1-Windows-Security.evtx";
    assert_eq!(copy.evidence[0].id.0, name);
    assert_eq!(copy.findings[0].notes[0], format!("see {name}:r7"));
}

#[test]
fn names_that_answers_and_near_misses_alone_hold_are_known() {
    use crate::report::json::shape::Value;
    let mut report = json::shaped(&samples::case());
    let fields = &mut report.findings[0].steps[0].fields;
    let results = "type:  5 sink.example;::ffff:192.0.2.7;";
    fields.insert("query_results".into(), Value::Text(results.into()));
    fields.insert(
        "answers".into(),
        Value::Text("a.alias.test;192.0.2.9".into()),
    );
    let text = "WS07 went to dc.corp.test port 389, x.exe port 4 and sink.example";
    report.near_misses = vec![crate::report::json::shape::NearMiss {
        analytic: report.findings[0].analytic.id.clone(),
        missing: 1,
        time: report.findings[0].first_time.clone(),
        text: text.into(),
        refs: Vec::new(),
    }];
    let (copy, _) = copy(&report, &Sort::ALL);
    let missed = &copy.near_misses[0].text;
    for gone in ["dc.corp.test", "sink.example"] {
        assert!(!missed.contains(gone), "{missed}");
    }
    assert!(missed.contains("x.exe port 4"), "{missed}");
    let told = format!("{:?}", copy.findings[0].steps[0].fields);
    for gone in ["sink.example", "alias.test", "192.0.2.7"] {
        assert!(!told.contains(gone), "{gone}: {told}");
    }
}

#[test]
fn a_profile_folder_is_known_by_its_place() {
    let all = |note: &str| noted(&[], &[], note, &Sort::ALL);
    for (note, gone) in [
        (r"C:\Users\jd\x.exe", "jd"),
        ("C:/Users/robertson/x", "robertson"),
        (r"dir C:\Users\jd and on", "jd"),
        (r"D:\Data\Users\Jane Roe\x", "Jane Roe"),
        (r"C:\\Users\\zz9\\x", "zz9"),
    ] {
        let said = all(note);
        assert_eq!(said.matches("USER-").count(), 1, "{said}");
        assert!(!said.contains(gone), "{said}");
    }
    assert!(all(r"dir C:\Users\jd and on").ends_with(" and on"));
    let long = format!(r"C:\Users\{}\x", "a".repeat(65));
    assert!(!noted(&[], &[], &long, &[Sort::Users]).contains("aaa"));
    let hosts = noted(&[], &[], r"C:\Users\jd\x", &[Sort::Hosts]);
    assert_eq!(hosts, r"C:\Users\jd\x");
}

#[test]
fn the_domain_of_an_account_is_a_name_of_a_domain() {
    let said = noted(
        &[],
        &[r"WIDGETS\bob"],
        r"widgets\bob, ACME\eve, WIDGETS",
        &[Sort::Hosts],
    );
    let (first, rest) = said.split_once('\\').unwrap();
    assert!(first.starts_with("NTDOMAIN-"), "{said}");
    assert!(
        rest.starts_with("bob, NTDOMAIN-") && rest.contains("\\eve, "),
        "{said}"
    );
    assert!(said.ends_with(first), "{said}");
}

#[test]
fn addresses_masks_and_sids_are_known_in_more_forms() {
    let all = |note: &str| noted(&[], &[], note, &Sort::ALL);
    assert!(
        all("0015.5d20.0701 00155d200701 00:15:5d:20:07:01")
            .split(' ')
            .all(|l| l == "MAC-1")
    );
    let one = all("10.20.0.77/255.255.255.0 10.20.0.77");
    let (masked, alone) = one.split_once(' ').unwrap();
    assert_eq!(masked, format!("{alone}/255.255.255.0"));
    assert!(alone.starts_with("ADDR-"));
    assert!(all("S-1-12-1-1111111111-2222222222-3333333333-4444444444").starts_with("USER-"));
    for kept in ["{0fc3c6f1-11f1-4b0b-8c8f-00155d200701}", "123456789012"] {
        assert_eq!(all(kept), kept);
    }
}
