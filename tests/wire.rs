//! What captures tell beside connections, from a story's bytes to the line in the timeline.

use assert_cmd::Command;
use casewire_lab::story::Story;

/// The timeline's sentences about packets that hold `word`.
fn sentences(story: &str, word: &str) -> Vec<String> {
    let page = format!("# T\n```story\nday 2026-03-01\n{story}\n```\n");
    let folder = tempfile::tempdir().unwrap();
    let evidence = Story::parse(&page).unwrap_or_else(|e| panic!("{e}")).play();
    evidence.write_to(folder.path()).unwrap();
    let output = Command::cargo_bin("casewire")
        .unwrap()
        .args(["timeline", "-f", "csv"])
        .arg(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said: Vec<String> = text
        .lines()
        .filter(|line| line.contains(word))
        .map(|line| {
            let at = line.find("packets,").map_or(0, |at| at + 8);
            let (sentence, zone) = line[at..].rsplit_once(',').unwrap();
            assert_eq!(zone, "UTC");
            sentence.trim_matches('"').to_owned()
        })
        .collect();
    assert!(!said.is_empty(), "nothing about {word:?} in\n{text}");
    said
}

const HOSTS: &str = "host WS01 10.0.0.5\nhost DC01 10.0.0.2\nhost evil 198.51.100.7";

#[test]
fn pings_are_told_with_what_became_of_them() {
    let story = format!(
        "{HOSTS}\n\
         01:00:00 WS01 pings DC01 3 times bytes 900/400\n\
         01:00:30 WS01 pings 10.0.0.9 unanswered\n\
         01:01:30 WS01 pings 10.0.9.9 unreachable from DC01\n\
         01:02:30 WS01 pings DC01"
    );
    let said = sentences(&story, "echo request");
    assert_eq!(said.len(), 4);
    assert!(
        said[0].starts_with("10.0.0.5 > 10.0.0.2 icmp echo request, answered after 0.000700 s, 3 packets sent, 2,700 bytes sent, 1,200 received"),
        "{}",
        said[0]
    );
    assert!(
        said[1].starts_with("10.0.0.5 > 10.0.0.9 icmp echo request, no answer (S0)"),
        "{}",
        said[1]
    );
    assert!(
        said[2].contains("ICMP host unreachable (3/1) from 10.0.0.2"),
        "{}",
        said[2]
    );
}

#[test]
fn a_question_without_answer_is_told_where_an_answer_would_have_been_seen() {
    let asks = "01:00:00 WS01 asks arp for 10.0.0.77 unanswered 3 times\n";
    let seen = format!("{HOSTS}\n{asks}01:00:05 WS01 asks arp for DC01");
    let said = sentences(&seen, "asks for");
    assert_eq!(said.len(), 2);
    assert!(
        said[0].ends_with("asks for 10.0.0.77 (ARP), no answer, 3 tries"),
        "{}",
        said[0]
    );
    assert!(said[1].contains("(ARP), answered by "), "{}", said[1]);
    let unseen = format!("{HOSTS}\n{asks}01:00:05 DC01 announces");
    let said = sentences(&unseen, "asks for");
    assert!(
        said[0].contains("where none may be visible to the sensor"),
        "{}",
        said[0]
    );
}

#[test]
fn answers_of_name_servers_are_told() {
    let story = format!(
        "{HOSTS}\n\
         01:00:00 WS01 resolves C2.example.net to 198.51.100.7,203.0.113.9 via DC01 by a.exe\n\
         01:00:01 WS01 resolves c2.example.net nxdomain via DC01 by a.exe"
    );
    let said = sentences(&story, " answers ");
    assert!(
        said[0].ends_with(": A c2.example.net is 198.51.100.7, 203.0.113.9"),
        "{}",
        said[0]
    );
    assert!(
        said[1].ends_with(": A c2.example.net is no such name (NXDOMAIN)"),
        "{}",
        said[1]
    );
}

#[test]
fn what_a_connection_speaks_and_whom_it_asks_for_is_told() {
    let line =
        |n: usize, words: &str| format!("01:00:0{n} WS01 -> evil:800{n}/tcp accepted {words}\n");
    let story = [
        "sni C2.example.net",
        "http-host c2.example.net",
        "http-connect c2.example.net:443",
        "carrying ssh",
        "carrying dns",
        "carrying smb",
        "carrying rdp",
        "carrying binary",
        "sni long.example.net bytes 1400/5000",
    ];
    let story: String = story.iter().enumerate().map(|(n, w)| line(n, w)).collect();
    let said = sentences(&format!("{HOSTS}\n{story}"), "handshake completed");
    let ends = [
        ", tls for c2.example.net",
        ", http for c2.example.net",
        ", http for c2.example.net",
        ", ssh",
        ", dns",
        ", smb",
        ", rdp",
        ", closed",
        ", tls for long.example.net",
    ];
    assert_eq!(said.len(), ends.len());
    for (said, end) in said.iter().zip(ends) {
        assert!(said.ends_with(end), "{said} should end with {end}");
    }
}
