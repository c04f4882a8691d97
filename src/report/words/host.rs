//! The sentence for what a host logged.

use super::{Form, base, name, process, quoted};
use crate::model::firewall::Action;
use crate::model::host_event::{
    HostEvent, HostWhat, Intrusion, Process, RegistryChange, ServiceState, Verdict,
};
use crate::model::net::{Direction, Endpoint, Transport};
use crate::report::words::rule;

pub(super) fn sentence(event: &HostEvent, form: Form) -> String {
    match &event.what {
        HostWhat::ProcessStarted {
            process: started,
            command_line,
            parent,
            parent_command_line,
            user,
            file,
        } => {
            let mut text = started_words(started, command_line);
            let told = text.is_empty();
            if told {
                text = format!("{} starts", process(started));
            }
            match form {
                Form::Short => {
                    if told && !parent.image.is_empty() {
                        text.push_str(&format!(", by {}", process(parent)));
                    }
                    append(&mut text, ", ", user);
                }
                Form::Long => {
                    append(&mut text, " as ", user);
                    if !parent.image.is_empty() || parent.pid.is_some() {
                        text.push_str(&format!(", started by {}", process(parent)));
                    }
                    append_quoted(&mut text, ", command line ", command_line);
                    append_quoted(&mut text, ", parent command line ", parent_command_line);
                    if let Some(file) = file
                        && !file
                            .original_name
                            .eq_ignore_ascii_case(base(&started.image))
                    {
                        append(&mut text, ", original name ", &file.original_name);
                    }
                }
            }
            text
        }
        HostWhat::ProcessEnded { process: ended } => format!("{} ends", process(ended)),
        HostWhat::Filtered {
            verdict,
            direction,
            process: of,
            transport,
            source,
            destination,
            ..
        } => {
            let way = direction.map_or("", direction_word);
            let what = match verdict {
                Verdict::Permitted => "permitted",
                Verdict::Blocked => "blocked",
                Verdict::Dropped => "packet dropped",
                Verdict::DroppedByStricterFilter => "packet dropped by a stricter filter",
            };
            format!(
                "{way}{}{transport} {what}: source {source}, destination {destination}, {}",
                if way.is_empty() { "" } else { " " },
                process(of)
            )
        }
        HostWhat::Connected {
            process: of,
            initiated,
            transport,
            source,
            destination,
            user,
            ..
        } => {
            let mut text = if *initiated {
                format!("{} connects to {destination}/{transport}", process(of))
            } else {
                format!(
                    "{} is reached on {destination}/{transport} by {source}",
                    process(of)
                )
            };
            if form == Form::Long {
                if *initiated {
                    text.push_str(&format!(" from {source}"));
                }
                append(&mut text, " as ", user);
            }
            text
        }
        HostWhat::Bound {
            verdict,
            process: of,
            transport,
            local,
        } => socket(of, "binds", "binding", *verdict, *local, *transport),
        HostWhat::Listening {
            verdict,
            process: of,
            transport,
            local,
        } => socket(
            of,
            "listens on",
            "listening on",
            *verdict,
            *local,
            *transport,
        ),
        HostWhat::NameQueried {
            process: of,
            name: asked,
            status,
            results,
            ..
        } => {
            let mut text = format!("{} asks for the name {}", process(of), name(asked));
            match status {
                Some(0) | None => {}
                Some(code) => text.push_str(&format!(", status {code}")),
            }
            if form == Form::Long {
                append_quoted(&mut text, ", answer ", results);
            }
            text
        }
        HostWhat::FirewallRule {
            change,
            source,
            rule,
        } => rule::sentence(*change, *source, rule, form),
        HostWhat::FirewallSetting {
            setting,
            value,
            enabled,
            profiles,
            changed_by,
        } => {
            let mut text = match enabled {
                Some(true) => "firewall switched on".to_owned(),
                Some(false) => "firewall switched off".to_owned(),
                None => format!("firewall setting {} is now {}", name(setting), name(value)),
            };
            text.push_str(&rule::profiles(*profiles));
            append(&mut text, ", by ", base(changed_by));
            if form == Form::Long && enabled.is_some() {
                text.push_str(&format!(
                    ", setting {} is now {}",
                    name(setting),
                    name(value)
                ));
            }
            text
        }
        HostWhat::FirewallPolicy { loaded: true } => {
            "group policy changed the firewall's rules or settings".to_owned()
        }
        HostWhat::FirewallPolicy { loaded: false } => {
            "group policy of the firewall could not be loaded".to_owned()
        }
        HostWhat::ProfileChanged { profile } => {
            format!("firewall profile is now {}", name(profile))
        }
        HostWhat::BlockedListener {
            process: of,
            transport,
            port,
        } => {
            format!(
                "{} listens on {port}/{transport} and the firewall blocks it",
                process(of)
            )
        }
        HostWhat::FilterChanged { filter } => rule::filter(filter, form),
        HostWhat::CalloutChanged {
            added,
            name: callout,
            provider,
        } => {
            let mut text = format!("callout {}: {}", added_word(*added), quoted(callout));
            append(&mut text, ", provider ", provider);
            text
        }
        HostWhat::DriverLoaded {
            image,
            signed,
            signature,
        } => {
            let file = if form == Form::Long {
                image
            } else {
                base(image)
            };
            let mut text = format!("driver {} loaded{}", name(file), signed_words(*signed));
            append(&mut text, ", signer ", signature);
            text
        }
        HostWhat::LibraryLoaded {
            process: of,
            library,
            signed,
            ..
        } => {
            let file = if form == Form::Long {
                library
            } else {
                base(library)
            };
            format!(
                "{} loads {}{}",
                process(of),
                name(file),
                signed_words(*signed)
            )
        }
        HostWhat::ServiceInstalled {
            name: service,
            image,
            account,
        } => {
            let mut text = format!("service {} installed: {}", quoted(service), quoted(image));
            append(&mut text, ", runs as ", account);
            text
        }
        HostWhat::ServiceStateChanged {
            name: service,
            state,
        } => {
            let state = match state {
                ServiceState::Running => "is running",
                ServiceState::Stopped => "has stopped",
                ServiceState::Unknown => "changed its state to one that could not be read",
            };
            format!("service {} {state}", quoted(service))
        }
        HostWhat::ServiceStartChanged {
            name: service,
            start,
        } => {
            format!(
                "start of service {} is now {}",
                quoted(service),
                name(start)
            )
        }
        HostWhat::Intruded { how, by, into } => match how {
            Intrusion::RemoteThread => {
                format!("{} starts a thread in {}", process(by), process(into))
            }
            Intrusion::Tampered => format!("the image of {} was replaced in memory", process(into)),
        },
        HostWhat::FileCreated { process: of, path } => {
            format!("{} creates the file {}", process(of), name(path))
        }
        HostWhat::RegistryChanged {
            process: of,
            change,
            target,
            details,
        } => {
            let did = match change {
                RegistryChange::Created => "creates",
                RegistryChange::Set => "sets",
                RegistryChange::Deleted => "deletes",
                RegistryChange::Renamed => "renames",
            };
            let mut text = format!("{} {did} {} in the registry", process(of), name(target));
            append_quoted(&mut text, ", data ", details);
            text
        }
        HostWhat::Script { text } => format!("PowerShell runs {}", quoted(text)),
        HostWhat::LogCleared { cleared, user } => {
            let mut text = if cleared.is_empty() {
                "event log cleared".to_owned()
            } else {
                format!("event log {} cleared", name(cleared))
            };
            append(&mut text, ", by ", user);
            text
        }
        HostWhat::LoggingStopped => {
            "the event log service stops: nothing is logged until it starts".to_owned()
        }
        HostWhat::LoggingStarted => "logging starts".to_owned(),
        HostWhat::AuditPolicyChanged {
            subcategory,
            change,
            user,
        } => {
            let mut text = format!(
                "audit policy of subcategory {} changed: {}",
                name(subcategory),
                name(change)
            );
            append(&mut text, ", by ", user);
            text
        }
        HostWhat::ClockChanged {
            from,
            to,
            process: by,
        } => {
            let mut text = format!(
                "clock set from {} {} to {} {} UTC, a step of {}",
                from.date(),
                from.clock(3),
                to.date(),
                to.clock(3),
                to.since(*from)
            );
            append(&mut text, ", by ", base(by));
            text
        }
        HostWhat::SystemStarted => "system starts".to_owned(),
        HostWhat::SystemStopped => "system stops".to_owned(),
        HostWhat::SysmonState { running } => match running {
            Some(true) => "Sysmon starts".to_owned(),
            Some(false) => "Sysmon stops".to_owned(),
            None => "Sysmon changed its state".to_owned(),
        },
        HostWhat::SysmonConfigured { configuration } => {
            let mut text = "Sysmon configuration changed".to_owned();
            append_quoted(&mut text, ": ", configuration);
            text
        }
    }
}

/// What a command line of netsh says in so many words; empty for every other process. It says what
/// was asked for, not that it was done: the rule's own event says that.
fn started_words(started: &Process, command_line: &str) -> String {
    if !base(&started.image).eq_ignore_ascii_case("netsh.exe") {
        return String::new();
    }
    let words: Vec<String> = command_line
        .split_ascii_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    let asked = ["add", "set", "delete"].into_iter().find(|verb| {
        words
            .windows(3)
            .any(|w| w[0] == "firewall" && w[1] == *verb && w[2] == "rule")
    });
    let Some(verb) = asked else {
        return String::new();
    };
    let value = |key: &str| {
        words
            .iter()
            .find_map(|word| word.strip_prefix(key))
            .map(|v| v.trim_matches('"'))
    };
    let did = match verb {
        "add" => "adds a rule",
        "set" => "changes a rule",
        _ => "deletes a rule",
    };
    let ports = value("localport=").filter(|v| {
        !v.is_empty()
            && v.bytes()
                .all(|b| b.is_ascii_digit() || b == b',' || b == b'-')
    });
    let protocol = value("protocol=").filter(|v| matches!(*v, "tcp" | "udp"));
    let mut text = format!("{} {did}", process(started));
    match (ports, protocol) {
        (Some(ports), Some(protocol)) => text.push_str(&format!(" for {ports}/{protocol}")),
        (Some(ports), None) => text.push_str(&format!(" for port {ports}")),
        (None, _) => {}
    }
    text
}

fn socket(
    of: &Process,
    does: &str,
    doing: &str,
    verdict: Verdict,
    local: Endpoint,
    transport: Transport,
) -> String {
    match verdict {
        Verdict::Permitted => format!("{} {does} {local}/{transport}", process(of)),
        Verdict::Blocked | Verdict::Dropped | Verdict::DroppedByStricterFilter => {
            format!("{} blocked from {doing} {local}/{transport}", process(of))
        }
    }
}

pub(super) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

pub(super) fn action_word(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Block => "block",
    }
}

pub(super) fn added_word(added: bool) -> &'static str {
    if added { "added" } else { "deleted" }
}

fn signed_words(signed: Option<bool>) -> &'static str {
    match signed {
        Some(true) => ", signed",
        Some(false) => ", not signed",
        None => "",
    }
}

/// Adds `lead` and the name, unless the record does not say it.
pub(super) fn append(text: &mut String, lead: &str, value: &str) {
    if !value.is_empty() && value != "-" {
        text.push_str(lead);
        text.push_str(&name(value));
    }
}

/// Adds `lead` and the quoted text, unless there is none.
pub(super) fn append_quoted(text: &mut String, lead: &str, value: &str) {
    if !value.is_empty() {
        text.push_str(lead);
        text.push_str(&quoted(value));
    }
}

#[cfg(test)]
mod tests {
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
                    ..Rule::default()
                },
            ),
            "rule added: inbound allow any port/any protocol (disabled) \"n\"",
            "rule added: inbound allow any port/any protocol (disabled) \"n\", from the local \
             subnet, domain and public profiles, seen in the registry",
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
            },
            "driver npcap.sys loaded, signed, signer Insecure.Com",
        );
    }
}
