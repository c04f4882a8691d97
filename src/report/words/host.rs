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
        HostWhat::ProfileChanged { profile, .. } => {
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
            signature_status,
        } => {
            let file = if form == Form::Long {
                image
            } else {
                base(image)
            };
            let mut text = format!(
                "driver {} loaded{}",
                name(file),
                signed_words(*signed, signature_status)
            );
            append(&mut text, ", signer ", signature);
            text
        }
        HostWhat::LibraryLoaded {
            process: of,
            library,
            signed,
            signature_status,
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
                signed_words(*signed, signature_status)
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
        HostWhat::Script { text, cut } => {
            let more = if *cut { " and more" } else { "" };
            format!("PowerShell runs {}{more}", quoted(text))
        }
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
        HostWhat::SystemResumed {
            slept,
            woke,
            source,
        } => {
            let mut text = "system back from sleep".to_owned();
            if let Some(woke) = woke {
                text.push_str(&format!(" at {} {}", woke.date(), woke.clock(3)));
            }
            if let Some(slept) = slept {
                text.push_str(&format!(
                    ", asleep since {} {}",
                    slept.date(),
                    slept.clock(3)
                ));
            }
            if !source.is_empty() {
                text.push_str(&format!(", wake source: {source}"));
            }
            text
        }
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
    let words = arguments(&command_line.to_ascii_lowercase());
    let asked = ["add", "set", "delete"].into_iter().find(|verb| {
        words
            .windows(3)
            .any(|w| w[0] == "firewall" && w[1] == *verb && w[2] == "rule")
    });
    let Some(verb) = asked else {
        return String::new();
    };
    let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
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

/// The words of a command line as its program gets them: what is quoted is one, without its quotes,
/// and a quote behind a backslash is none.
fn arguments(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            '"' if escaped => word.push(c),
            '"' => quoted = !quoted,
            c if c.is_ascii_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
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

/// `Valid` is what everybody takes a signature for; another status is said.
fn signed_words(signed: Option<bool>, status: &str) -> String {
    match signed {
        Some(true) if status.is_empty() || status.eq_ignore_ascii_case("valid") => {
            ", signed".to_owned()
        }
        Some(true) => format!(", signed ({})", name(status)),
        Some(false) => ", not signed".to_owned(),
        None => String::new(),
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
mod tests;
