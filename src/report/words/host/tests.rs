//! The sentences for what a host logs, as people read them.

use super::*;
use crate::model::Timestamp;
use crate::model::firewall::{Filter, Layer, Ports, Remotes, Rule, RuleChange, RuleSource};
use crate::model::host_event::ImageFile;

fn says(what: HostWhat, short: &str, long: &str) {
    let event = HostEvent {
        computer: "FS01".into(),
        channel: "Security".into(),
        provider: "".into(),
        event_id: 1,
        socket: None,
        timed: crate::model::Timed::Utc,
        written: Timestamp(0),
        what,
    };
    assert_eq!(sentence(&event, Form::Short), short);
    assert_eq!(sentence(&event, Form::Long), long);
}

fn both(what: HostWhat, words: &str) {
    says(what, words, words);
}

fn of(image: &str) -> Process {
    Process {
        pid: Some(7),
        guid: None,
        image: image.into(),
    }
}

fn end(text: &str) -> Endpoint {
    let at: std::net::SocketAddr = text.parse().unwrap();
    Endpoint::new(at.ip(), at.port())
}

fn started(image: &str, command_line: &str) -> HostWhat {
    HostWhat::ProcessStarted {
        process: of(image),
        command_line: command_line.into(),
        parent: Process {
            pid: Some(3),
            guid: None,
            image: r"C:\p.exe".into(),
        },
        parent_command_line: "".into(),
        user: r"CORP\a".into(),
        file: Some(Box::new(ImageFile {
            original_name: "other.exe".into(),
            hashes: "".into(),
        })),
    }
}

#[test]
fn a_process_start_names_parent_account_and_command() {
    says(
        started(r"C:\a.exe", "a.exe -x"),
        r"a.exe (7) starts, by p.exe (3), CORP\a",
        "a.exe (7) starts as CORP\\a, started by p.exe (3), command line \"a.exe -x\", original \
         name other.exe",
    );
}

#[test]
fn netsh_is_read_by_its_own_words_and_no_further() {
    let short = |line: &str| match started(r"C:\Windows\System32\netsh.exe", line) {
        HostWhat::ProcessStarted {
            process,
            command_line,
            ..
        } => started_words(&process, &command_line),
        _ => unreachable!("a start is a start"),
    };
    for (line, words) in [
        (
            "netsh advfirewall firewall add rule name=x protocol=TCP localport=4444",
            "netsh.exe (7) adds a rule for 4444/tcp",
        ),
        (
            "netsh advfirewall firewall add rule name=x localport=80,443",
            "netsh.exe (7) adds a rule for port 80,443",
        ),
        (
            "netsh advfirewall firewall add rule name=x localport=$(x) protocol=TCP",
            "netsh.exe (7) adds a rule",
        ),
        (
            "netsh advfirewall firewall add rule name=\"a localport=3389 b\" protocol=tcp localport=4444",
            "netsh.exe (7) adds a rule for 4444/tcp",
        ),
        (
            "netsh advfirewall firewall add rule \"name=a protocol=udp\" \"localport=80\" \"protocol=tcp\"",
            "netsh.exe (7) adds a rule for 80/tcp",
        ),
        (
            r#"netsh advfirewall firewall add rule name="a \" localport=3389" dir=in"#,
            "netsh.exe (7) adds a rule",
        ),
        (
            "netsh advfirewall firewall add rule name=\"open localport=3389",
            "netsh.exe (7) adds a rule",
        ),
        ("netsh http add note=\"firewall add rule localport=1\"", ""),
        (
            "netsh advfirewall firewall delete rule name=x",
            "netsh.exe (7) deletes a rule",
        ),
        ("netsh interface show", ""),
    ] {
        assert_eq!(short(line), words, "{line}");
    }
    assert_eq!(
        started_words(&of("a.exe"), "firewall add rule localport=1"),
        ""
    );
}

#[test]
fn sockets_and_connections_say_what_the_log_says() {
    let tcp = Transport::TCP;
    let (from, to) = (end("203.0.113.7:50000"), end("10.0.0.5:4444"));
    both(
        HostWhat::Filtered {
            verdict: Verdict::Blocked,
            layer: Layer::Accept,
            isn: None,
            opens: None,
            direction: Some(Direction::Inbound),
            process: Process {
                pid: Some(0),
                guid: None,
                image: "-".into(),
            },
            transport: tcp,
            source: from,
            destination: to,
        },
        "inbound tcp blocked: source 203.0.113.7:50000, destination 10.0.0.5:4444, no process",
    );
    says(
        HostWhat::Connected {
            process: of("a.exe"),
            initiated: false,
            transport: tcp,
            source: from,
            destination: to,
            user: "u".into(),
            utc_time: None,
        },
        "a.exe (7) is reached on 10.0.0.5:4444/tcp by 203.0.113.7:50000",
        "a.exe (7) is reached on 10.0.0.5:4444/tcp by 203.0.113.7:50000 as u",
    );
    both(
        HostWhat::Listening {
            verdict: Verdict::Blocked,
            process: of("a.exe"),
            transport: tcp,
            local: end("0.0.0.0:4444"),
        },
        "a.exe (7) blocked from listening on 0.0.0.0:4444/tcp",
    );
    both(
        HostWhat::BlockedListener {
            process: of("a.exe"),
            transport: tcp,
            port: 4444,
        },
        "a.exe (7) listens on 4444/tcp and the firewall blocks it",
    );
}

#[test]
fn rules_say_only_the_fields_their_log_has() {
    let rule = |source, rule| HostWhat::FirewallRule {
        change: RuleChange::Added,
        source,
        rule: Box::new(rule),
    };
    both(
        rule(
            RuleSource::SecurityLog,
            Rule {
                name: "n \"q\"".into(),
                ..Rule::default()
            },
        ),
        "rule added: \"n \"\"q\"\"\"",
    );
    says(
        rule(
            RuleSource::Registry,
            Rule {
                name: "n".into(),
                direction: Some(Direction::Inbound),
                action: Some(Action::Allow),
                active: Some(false),
                protocol: Some(None),
                local_ports: Ports::Any,
                remotes: Remotes::LocalSubnet,
                profiles: 5,
                changed_by: r"C:\Windows\regedit.exe".into(),
                changed_by_user: r"CORP\eve".into(),
                ..Rule::default()
            },
        ),
        "rule set: inbound allow any port/any protocol (disabled) \"n\"",
        "rule set: inbound allow any port/any protocol (disabled) \"n\", from the local \
         subnet, domain and public profiles, value written by regedit.exe, account CORP\\eve, seen in \
         the registry",
    );
    says(
        rule(
            RuleSource::FirewallLog,
            Rule {
                protocol: Some(Some(6)),
                local_ports: Ports::Mixed(vec![(135, 135), (5000, 5010)], "RPC,RPC-EPMap".into()),
                ..Rule::default()
            },
        ),
        "rule added: 135,5000-5010,RPC,RPC-EPMap/tcp",
        "rule added: 135,5000-5010,RPC,RPC-EPMap/tcp",
    );
    let outbound = |remotes| Rule {
        name: "n".into(),
        direction: Some(Direction::Outbound),
        action: Some(Action::Block),
        protocol: Some(Some(6)),
        local_ports: Ports::Any,
        remote_ports: Ports::Ranges(vec![(443, 443)]),
        remotes,
        locals: Remotes::Ranges(vec![(
            "10.0.0.5".parse().unwrap(),
            "10.0.0.5".parse().unwrap(),
        )]),
        ..Rule::default()
    };
    says(
        rule(RuleSource::SecurityLog, outbound(Remotes::Any)),
        "rule added: outbound block 443/tcp \"n\"",
        "rule added: outbound block 443/tcp \"n\", to any address, local address 10.0.0.5",
    );
    says(
        rule(
            RuleSource::SecurityLog,
            Rule {
                direction: Some(Direction::Inbound),
                local_ports: Ports::Ranges(vec![(22, 22)]),
                ..outbound(Remotes::LocalSubnet)
            },
        ),
        "rule added: inbound block 22/tcp \"n\"",
        "rule added: inbound block 22/tcp \"n\", from the local subnet, remote port 443, local address 10.0.0.5",
    );
    says(
        HostWhat::FilterChanged {
            filter: Box::new(Filter {
                name: "f".into(),
                added: true,
                action: Some(Action::Block),
                layer: Layer::Transport,
                local_ports: Ports::Ranges(vec![(1, 9)]),
                protocol: Some(17),
                ..Filter::default()
            }),
        },
        "filter added: block 1-9/udp \"f\"",
        "filter added: block 1-9/udp \"f\", layer transport",
    );
}

#[test]
fn the_other_facts_are_short_sentences() {
    both(HostWhat::SystemStarted, "system starts");
    both(HostWhat::LoggingStarted, "logging starts");
    both(
        HostWhat::SysmonState { running: None },
        "Sysmon changed its state",
    );
    both(
        HostWhat::LogCleared {
            cleared: "Security".into(),
            user: r"CORP\a".into(),
        },
        r"event log Security cleared, by CORP\a",
    );
    both(
        HostWhat::ServiceInstalled {
            name: "s".into(),
            image: r"C:\s.exe -k".into(),
            account: "LocalSystem".into(),
        },
        r#"service "s" installed: "C:\s.exe -k", runs as LocalSystem"#,
    );
    both(
        HostWhat::ClockChanged {
            from: Timestamp(0),
            to: Timestamp(3_600_000_000_000),
            process: "".into(),
        },
        "clock set from 1970-01-01 00:00:00.000 to 1970-01-01 01:00:00.000 UTC, a step of 3600 s",
    );
    says(
        HostWhat::FirewallSetting {
            setting: "1".into(),
            value: "No".into(),
            enabled: Some(false),
            profiles: 4,
            changed_by: r"C:\netsh.exe".into(),
        },
        "firewall switched off, public profile, by netsh.exe",
        "firewall switched off, public profile, by netsh.exe, setting 1 is now No",
    );
    both(
        HostWhat::DriverLoaded {
            image: "npcap.sys".into(),
            signed: Some(true),
            signature: "Insecure.Com".into(),
            signature_status: "Valid".into(),
        },
        "driver npcap.sys loaded, signed, signer Insecure.Com",
    );
    both(
        HostWhat::DriverLoaded {
            image: "old.sys".into(),
            signed: Some(true),
            signature: "x".into(),
            signature_status: "Revoked".into(),
        },
        "driver old.sys loaded, signed (Revoked), signer x",
    );
    both(
        HostWhat::Script {
            text: "Get-Date".into(),
            cut: true,
        },
        "PowerShell runs \"Get-Date\" and more",
    );
}
