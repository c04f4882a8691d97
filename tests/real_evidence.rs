//! What is true in real evidence that nobody on this project wrote, and what must stay silent there.
//!
//! Set `CASEWIRE_EVIDENCE` to the folder the evidence was unpacked into to run it; `.ci/run` does.
//! Without it each test says so and passes.

use assert_cmd::Command;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The case of this name; `None`, and a word about it, where no evidence was given.
fn case(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CASEWIRE_EVIDENCE") else {
        println!("skipped: set CASEWIRE_EVIDENCE to the folder with {name}");
        return None;
    };
    let path = Path::new(&folder).join(name);
    assert!(path.exists(), "{} is missing", path.display());
    Some(path)
}

/// Standard output; the run must neither fail nor panic. Damaged evidence is no failure.
#[track_caller]
fn run(command: &[&str], evidence: &Path) -> Vec<u8> {
    let output = Command::cargo_bin("casewire")
        .unwrap()
        .args(command)
        .arg(evidence)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}: {:?} {said}",
        evidence.display(),
        output.status
    );
    assert!(!said.contains("panicked"), "{}: {said}", evidence.display());
    output.stdout
}

#[track_caller]
fn report(evidence: &Path) -> Value {
    serde_json::from_slice(&run(&["analyze", "-f", "json"], evidence)).unwrap()
}

/// The findings of one analytic.
fn of<'a>(report: &'a Value, id: &str) -> Vec<&'a Value> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|f| f["analytic"]["id"] == id)
        .collect()
}

/// Title of each finding, for messages.
fn titles(findings: &[&Value]) -> Vec<String> {
    findings
        .iter()
        .map(|f| format!("{} {} {}", f["severity"], f["tier"], f["title"]))
        .collect()
}

#[track_caller]
fn no_knock_in(name: &str) {
    if let Some(path) = case(name) {
        let report = report(&path);
        let found = titles(&of(&report, "AN0842"));
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn a_real_knock_on_the_wire_is_one_finding_from_packets_alone() {
    let Some(case) = case("G01_real_tool_captures") else {
        return;
    };
    let report = report(&case.join("g1_knock_tcp_rst.pcap"));
    let found = of(&report, "AN0842");
    assert_eq!(found.len(), 1, "{:?}", titles(&found));
    assert_eq!(found[0]["tier"], "network-only");
    let text = found[0].to_string();
    for port in ["7000", "8000", "9000", "2222"] {
        assert!(text.contains(port), "port {port} is missing: {text}");
    }
}

#[test]
fn four_magic_packets_in_four_encapsulations_are_four_signals() {
    let Some(case) = case("G01_real_tool_captures") else {
        return;
    };
    let report = report(&case.join("g6_wol.pcap"));
    let found = of(&report, "AN1448");
    let steps: Vec<&Value> = found
        .iter()
        .flat_map(|f| f["steps"].as_array().unwrap())
        .filter(|step| step["role"] == "wake")
        .collect();
    assert_eq!(steps.len(), 4, "{:?}", titles(&found));
    let forms: BTreeSet<String> = steps
        .iter()
        .map(|step| {
            let fields = &step["fields"];
            format!(
                "{} {} {} {}",
                fields["wake_carrier"],
                fields["dst_port"],
                fields["dst_mac"] == "ff:ff:ff:ff:ff:ff",
                fields["wake_password_length"]
            )
        })
        .collect();
    assert_eq!(forms.len(), 4, "{forms:?}");
}

#[test]
fn a_scan_and_a_session_to_a_port_that_was_always_open_are_no_knock() {
    let Some(case) = case("G01_real_tool_captures") else {
        return;
    };
    let report = report(&case.join("g4_neg_nmap_then_open_service.pcap"));
    let found = titles(&of(&report, "AN0842"));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_packet_and_record_of_a_real_host_is_read_and_nothing_is_found() {
    let Some(case) = case("P14_splunk_procdump") else {
        return;
    };
    let report = report(&case);
    let all: Vec<&Value> = report["findings"].as_array().unwrap().iter().collect();
    assert!(all.is_empty(), "{:?}", titles(&all));
    let mut logs = 0;
    for file in report["evidence"].as_array().unwrap() {
        let path = case.join(file["path"].as_str().unwrap());
        let read = file["units_read"].as_u64().unwrap();
        match file["kind"].as_str().unwrap() {
            "pcapng" => {
                // As its notes say, and as an independent reader counts where there is one.
                assert_eq!(read, 2_081, "{}", path.display());
                if let Some(counted) = capinfos(&path) {
                    assert_eq!(read, counted, "{}", path.display());
                }
            }
            "evtx" => {
                assert_eq!(read, records(&path), "{}", path.display());
                logs += 1;
            }
            _ => {}
        }
    }
    assert_eq!(logs, 7);
}

/// Packets as `capinfos` counts them, where it is installed.
fn capinfos(path: &Path) -> Option<u64> {
    let output = std::process::Command::new("capinfos")
        .arg("-Tmrc")
        .arg(path)
        .output()
        .ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    line.trim().rsplit(',').next()?.parse().ok()
}

/// Records as the evtx crate counts them.
fn records(path: &Path) -> u64 {
    let mut parser = evtx::EvtxParser::from_path(path).unwrap();
    parser.records_json_value().filter(Result::is_ok).count() as u64
}

#[test]
fn firewall_events_of_real_logs_are_read_and_are_no_knock() {
    let Some(case) = case("H03_firewall_evtx_schemas") else {
        return;
    };
    let lines = String::from_utf8(run(&["timeline", "-f", "jsonl"], &case)).unwrap();
    let count = |id: u64| {
        let events = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        events
            .filter(|event| event["fields"]["event_id"] == id)
            .count()
    };
    for (id, least) in [(2003, 1), (2004, 2), (4950, 1), (5447, 984)] {
        assert!(count(id) >= least, "event {id}: {}", count(id));
    }
    no_knock_in("H03_firewall_evtx_schemas");
}

#[test]
fn harmless_captures_and_logs_hold_no_knock_of_weight_and_break_nothing() {
    let Some(case) = case("benign") else { return };
    let report = report(&case);
    assert!(
        report["evidence"].as_array().unwrap().len() > 800,
        "the evidence was not unpacked"
    );
    let weighty: Vec<&Value> = of(&report, "AN0842")
        .into_iter()
        .filter(|f| {
            ["medium", "high", "critical"]
                .iter()
                .any(|s| f["severity"] == *s)
        })
        .collect();
    assert!(weighty.is_empty(), "{:?}", titles(&weighty));
}

/// Captures with TCP inside tunnels: how many connections tshark 4.0 counts by their innermost ends, and one
/// end of one of them.
const TUNNELS: [(&str, usize, &str); 10] = [
    ("erspan.pcap", 5, "192.168.69.10:49162"),
    ("tunnels/4in6.pcap", 1, "70.55.213.211:31337"),
    ("tunnels/geneve-47101.pcap", 1, "192.168.0.107:45474"),
    ("tunnels/geneve-many-options.pcap", 1, "10.0.0.226:39088"),
    ("tunnels/gre-over-udp-4754.pcap", 1, "172.17.0.2:36518"),
    ("tunnels/gre-sample.pcap", 1, "66.59.111.190:40264"),
    (
        "tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap",
        1,
        "10.131.47.185:1923",
    ),
    ("tunnels/gtp/gtp6_gtp_0x32.pcap", 1, "10.222.10.10:44960"),
    ("tunnels/gtp/gtp_ext_header.pcap", 1, "10.155.182.202:41511"),
    (
        "tunnels/vxlan-encapsulated-http.pcap",
        1,
        "172.16.11.201:40354",
    ),
];

#[test]
fn connections_inside_real_tunnels_are_those_another_decoder_counts() {
    let Some(folder) = case("benign/testing/btest/Traces") else {
        return;
    };
    for (name, count, one) in TUNNELS {
        let events = run(&["timeline", "-f", "jsonl"], &folder.join(name));
        let end =
            |of: &Value, ip: &str, port: &str| format!("{}:{}", of[ip].as_str().unwrap(), of[port]);
        let inside: BTreeSet<BTreeSet<String>> = String::from_utf8(events)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone())
            .filter(|f| f["transport"] == "tcp" && f["tunnelled"] == 1)
            .map(|f| BTreeSet::from([end(&f, "src_ip", "src_port"), end(&f, "dst_ip", "dst_port")]))
            .collect();
        assert_eq!(inside.len(), count, "{name}: {inside:?}");
        assert!(
            inside.iter().any(|ends| ends.contains(one)),
            "{name}: {inside:?}"
        );
    }
}

#[test]
fn scans_dead_hosts_and_odd_traffic_are_no_knock() {
    for name in [
        "N01_scans_ndpi",
        "N02_dead_hosts_slips",
        "N04_zeek_edge_traces",
    ] {
        no_knock_in(name);
    }
}

#[test]
fn what_administrators_and_attackers_do_without_knocking_is_no_knock() {
    for name in [
        "P01_purplesharp_ad_playbook",
        "P04_dcom_blocked_by_firewall",
        "P11_schtask_create",
        "P13_nxlog_benign_pairs",
        "P14_splunk_procdump",
        "H02_fw_rule_and_listener",
        "H07_benign_firewall_storms",
    ] {
        no_knock_in(name);
    }
}

/// Analytics whose findings in real evidence are all known, each with the page that judges them.
const JUDGED: [(&str, &str); 2] = [
    ("AN1057", include_str!("real_findings.txt")),
    ("XDR-FC", include_str!("real_findings_xdr_fc.txt")),
];

/// Each finding of one analytic in a report as one line: case, severity, tier, title.
fn lines(name: &str, report: &Value, id: &str) -> Vec<String> {
    let line = |f: &&Value| {
        let word = |key: &str| f[key].as_str().unwrap_or_default().to_owned();
        let (severity, tier) = (word("severity"), word("tier"));
        format!("{name} | {severity} | {tier} | {}", word("title"))
    };
    of(report, id).iter().map(line).collect()
}

/// What a page says: finding, `true` or `false`, why.
fn judged(page: &str) -> Vec<(String, &str, &str)> {
    let lines = page
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty());
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split(" | ").collect();
            let [finding @ .., verdict, why] = parts.as_slice() else {
                panic!("a line has six parts: {line}");
            };
            assert!(
                matches!(*verdict, "true" | "false") && !why.is_empty(),
                "{line}"
            );
            (finding.join(" | "), *verdict, *why)
        })
        .collect()
}

#[test]
fn every_enumeration_and_failed_connection_in_real_evidence_is_known_and_judged() {
    if std::env::var_os("CASEWIRE_EVIDENCE").is_none() {
        println!("skipped: set CASEWIRE_EVIDENCE");
        return;
    }
    let mut told: [Vec<String>; JUDGED.len()] = Default::default();
    for name in [
        "G01_real_tool_captures",
        "H02_fw_rule_and_listener",
        "H03_firewall_evtx_schemas",
        "H07_benign_firewall_storms",
        "N01_scans_ndpi",
        "N02_dead_hosts_slips",
        "N04_zeek_edge_traces",
        "P01_purplesharp_ad_playbook",
        "P04_dcom_blocked_by_firewall",
        "P11_schtask_create",
        "P13_nxlog_benign_pairs",
        "P14_splunk_procdump",
        "benign",
    ] {
        let Some(path) = case(name) else { return };
        let report = report(&path);
        for (told, (id, _)) in told.iter_mut().zip(JUDGED) {
            told.extend(lines(name, &report, id));
        }
    }
    for (told, (id, page)) in told.iter().zip(JUDGED) {
        let judged = judged(page);
        let known: Vec<&String> = judged.iter().map(|(finding, ..)| finding).collect();
        let told: Vec<&String> = told.iter().collect();
        assert_eq!(told, known, "{id}");
        for (finding, verdict, _) in &judged {
            let weighty = [" | medium | ", " | high | ", " | critical | "];
            assert!(
                *verdict == "true" || !weighty.iter().any(|w| finding.contains(w)),
                "a false finding of weight: {finding}"
            );
        }
    }
}

#[test]
fn a_small_fan_out_to_administration_ports_names_its_process() {
    let Some(case) = case("P01_purplesharp_ad_playbook") else {
        return;
    };
    let report = report(&case);
    assert!(of(&report, "AN1057").is_empty(), "three hosts are no scan");
    let misses = report["near_misses"].as_array().unwrap();
    let texts: Vec<&str> = misses.iter().filter_map(|m| m["text"].as_str()).collect();
    let named = texts
        .iter()
        .find(|text| text.starts_with("PurpleSharp.exe"));
    let named = named.unwrap_or_else(|| panic!("{texts:?}"));
    for word in [
        "7520",
        "445/tcp",
        "5985/tcp",
        "172.18.38.5",
        "172.18.39.6",
        "172.18.39.7",
    ] {
        assert!(named.contains(word), "{word} is missing: {named}");
    }
}
