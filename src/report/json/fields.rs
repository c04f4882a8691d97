//! What an event says, flat and by name, for programs. One name has one type everywhere.
//!
//! A field that the evidence does not say is absent, never empty and never guessed. Text is exact.

use super::shape::Value;
use crate::model::attempt::{Attempt, FlowEnd, Outcome};
use crate::model::firewall::{Action, Filter, Rule, RuleChange, RuleSource};
use crate::model::host_event::{
    HostEvent, HostWhat, Intrusion, Process, RegistryChange, ServiceState, Verdict,
};
use crate::model::neighbour::{Heard, Solicitation};
use crate::model::net::{Direction, Endpoint, Transport, mac_text};
use crate::model::payload::NameSource;
use crate::model::resolution::Resolution;
use crate::model::wake::{WakeCarrier, WakeSignal};
use crate::model::{Event, Timestamp, What};
use crate::report::words::rule::{layer_word, ports_text, remotes_text};
use std::collections::BTreeMap;

/// Fields by name.
type Map = BTreeMap<&'static str, Value>;

/// The fields of `event`.
pub fn fields(event: &Event) -> Map {
    let mut map = Map::new();
    match &event.what {
        What::Attempt(attempt) => of_attempt(&mut map, attempt),
        What::Wake(signal) => of_wake(&mut map, signal),
        What::Neighbour(neighbour) => {
            if let Some(mac) = neighbour.mac {
                text(&mut map, "mac", &mac_text(mac));
            }
            text(&mut map, "ip", &neighbour.address.to_string());
            text(&mut map, "name", neighbour.name.as_deref().unwrap_or(""));
            text(&mut map, "told_by", neighbour.told_by.protocol());
        }
        What::Solicitation(asked) => of_solicitation(&mut map, asked),
        What::Resolution(told) => of_resolution(&mut map, told),
        What::Host(host) => of_host(&mut map, host),
    }
    map
}

fn text(map: &mut Map, name: &'static str, value: &str) {
    if !value.is_empty() {
        map.insert(name, Value::Text(value.to_owned()));
    }
}

/// Numbers above 2^53 do not occur in the fields below; one that did would be held there.
fn number(map: &mut Map, name: &'static str, value: u64) {
    const EXACT: u64 = 1 << 53;
    map.insert(name, Value::Number(value.min(EXACT) as i64));
}

fn flag(map: &mut Map, name: &'static str, value: Option<bool>) {
    if let Some(value) = value {
        map.insert(name, Value::Flag(value));
    }
}

fn moment(map: &mut Map, name: &'static str, value: Option<Timestamp>) {
    if let Some(value) = value {
        map.insert(name, Value::Text(value.rfc3339()));
    }
}

fn flow(map: &mut Map, transport: Transport, source: Endpoint, destination: Endpoint) {
    text(map, "transport", &transport.to_string());
    text(map, "src_ip", &source.address.to_string());
    number(map, "src_port", source.port.into());
    text(map, "dst_ip", &destination.address.to_string());
    number(map, "dst_port", destination.port.into());
}

fn process(map: &mut Map, of: &Process) {
    text(map, "process", &of.image);
    if let Some(pid) = of.pid {
        number(map, "pid", pid.into());
    }
    if let Some(guid) = &of.guid {
        text(map, "process_guid", &guid_text(guid));
    }
}

fn guid_text(guid: &[u8; 16]) -> String {
    crate::eventlog::record::guid_text(guid)
}

fn of_attempt(map: &mut Map, attempt: &Attempt) {
    flow(map, attempt.transport, attempt.initiator, attempt.responder);
    text(
        map,
        "outcome",
        match attempt.outcome {
            Outcome::Established => "established",
            Outcome::HalfOpen => "half-open",
            Outcome::Rejected => "rejected",
            Outcome::Unreachable(_) => "unreachable",
            Outcome::Unanswered => "unanswered",
            Outcome::Aborted => "aborted",
            Outcome::Midstream => "midstream",
            Outcome::OneSided => "one-sided",
        },
    );
    text(map, "conn_state", attempt.outcome.conn_state());
    if let Outcome::Unreachable(refusal) = attempt.outcome {
        number(map, "icmp_type", refusal.kind.into());
        number(map, "icmp_code", refusal.code.into());
        text(map, "icmp_from", &refusal.from.to_string());
    }
    if let Some(isn) = attempt.isn {
        number(map, "isn", isn.into());
    }
    number(map, "tries", attempt.tries.into());
    number(map, "bytes_sent", attempt.bytes[0]);
    number(map, "bytes_received", attempt.bytes[1]);
    number(map, "packets_sent", attempt.packets[0].into());
    number(map, "packets_received", attempt.packets[1].into());
    moment(map, "decided_time", Some(attempt.decided));
    moment(map, "end_time", Some(attempt.ended));
    text(
        map,
        "end",
        match attempt.end {
            FlowEnd::Open => "open",
            FlowEnd::Closed => "closed",
            FlowEnd::ResetByInitiator => "reset-by-initiator",
            FlowEnd::ResetByResponder => "reset-by-responder",
            FlowEnd::Idle => "idle",
        },
    );
    if attempt.marks.0 != 0 {
        number(map, "marks", attempt.marks.0.into());
    }
    if let Some(pid) = attempt.pid {
        number(map, "pid", pid.into());
    }
    if let Some(vlan) = attempt.vlan {
        number(map, "vlan", vlan.into());
    }
    if let Some(icmp) = attempt.icmp {
        number(map, "icmp_sent_type", icmp.kind.into());
        number(map, "icmp_id", icmp.id.into());
    }
    if let Some(payload) = &attempt.payload {
        text(map, "payload_sent", payload.shapes[0].word());
        text(map, "payload_received", payload.shapes[1].word());
    }
    if let Some(name) = attempt.name() {
        text(map, "peer_name", &name.text);
        let from = match name.from {
            NameSource::TlsServerName => "tls",
            NameSource::HttpHost => "http-host",
            NameSource::HttpConnect => "http-connect",
        };
        text(map, "peer_name_from", from);
    }
}

fn of_solicitation(map: &mut Map, asked: &Solicitation) {
    if let Some(mac) = asked.asker_mac {
        text(map, "mac", &mac_text(mac));
    }
    text(map, "ip", &asked.asker.to_string());
    text(map, "asked_for", &asked.target.to_string());
    let outcome = match asked.outcome {
        Heard::Answered(_) => "answered",
        Heard::Unanswered => "unanswered",
        Heard::ReplyNotVisible => "reply-not-visible",
        Heard::CutShort => "cut-short",
    };
    text(map, "outcome", outcome);
    if let Heard::Answered(Some(mac)) = asked.outcome {
        text(map, "answered_by", &mac_text(mac));
    }
    number(map, "tries", asked.tries.into());
    moment(map, "decided_time", Some(asked.decided));
    if let Some(vlan) = asked.vlan {
        number(map, "vlan", vlan.into());
    }
}

fn of_resolution(map: &mut Map, told: &Resolution) {
    flow(map, Transport::UDP, told.server, told.client);
    text(map, "query", &told.name);
    number(map, "query_type", told.record_type.into());
    number(map, "response_code", told.code.into());
    let listed: Vec<String> = told
        .aliases
        .iter()
        .map(|alias| alias.to_string())
        .chain(told.addresses.iter().map(|address| address.to_string()))
        .collect();
    text(map, "answers", &listed.join(";"));
    if told.others > 0 {
        number(map, "answers_not_kept", told.others.into());
    }
}

fn of_wake(map: &mut Map, signal: &WakeSignal) {
    text(map, "wake_target", &mac_text(signal.target));
    if let Some(mac) = signal.sender_mac {
        text(map, "src_mac", &mac_text(mac));
    }
    if let Some(mac) = signal.mac_to {
        text(map, "dst_mac", &mac_text(mac));
    }
    if let Some(from) = signal.sender {
        text(map, "src_ip", &from.address.to_string());
        number(map, "src_port", from.port.into());
    }
    if let Some(to) = signal.sent_to {
        text(map, "dst_ip", &to.address.to_string());
        number(map, "dst_port", to.port.into());
    }
    text(
        map,
        "wake_carrier",
        match signal.carrier {
            WakeCarrier::Ethernet => "ethernet",
            WakeCarrier::Udp(_) => "udp",
            WakeCarrier::Tcp(_) => "tcp",
            WakeCarrier::Other(_) => "other",
        },
    );
    number(map, "wake_pattern_offset", signal.pattern_offset.into());
    number(map, "wake_repetitions", signal.repetitions.into());
    number(map, "wake_copies", signal.copies.into());
    number(map, "wake_password_length", signal.password_len.into());
    if let Some(digest) = signal.password_digest {
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        text(map, "wake_password_sha256_start", &hex);
    }
    if let Some(vlan) = signal.vlan {
        number(map, "vlan", vlan.into());
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Permitted => "permitted",
        Verdict::Blocked => "blocked",
        Verdict::Dropped => "dropped",
        Verdict::DroppedByStricterFilter => "dropped-by-stricter-filter",
    }
}

fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

fn action_word(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Block => "block",
    }
}

fn of_host(map: &mut Map, host: &HostEvent) {
    text(map, "computer", &host.computer);
    text(map, "channel", &host.channel);
    text(map, "provider", &host.provider);
    number(map, "event_id", host.event_id.into());
    moment(map, "written_time", Some(host.written));
    text(map, "kind", kind(&host.what));
    match &host.what {
        HostWhat::ProcessStarted {
            process: started,
            command_line,
            parent,
            parent_command_line,
            user,
            file,
        } => {
            process(map, started);
            text(map, "command_line", command_line);
            text(map, "parent_process", &parent.image);
            if let Some(pid) = parent.pid {
                number(map, "parent_pid", pid.into());
            }
            if let Some(guid) = &parent.guid {
                text(map, "parent_process_guid", &guid_text(guid));
            }
            text(map, "parent_command_line", parent_command_line);
            text(map, "user", user);
            if let Some(file) = file {
                text(map, "original_name", &file.original_name);
                text(map, "hashes", &file.hashes);
            }
        }
        HostWhat::ProcessEnded { process: ended } => process(map, ended),
        HostWhat::Filtered {
            verdict,
            layer,
            isn,
            direction,
            process: of,
            transport,
            source,
            destination,
        } => {
            process(map, of);
            flow(map, *transport, *source, *destination);
            text(map, "verdict", verdict_word(*verdict));
            text(map, "layer", layer_word(*layer));
            if let Some(isn) = isn {
                number(map, "isn", u64::from(*isn));
            }
            if let Some(direction) = direction {
                text(map, "direction", direction_word(*direction));
            }
        }
        HostWhat::Connected {
            process: of,
            initiated,
            transport,
            source,
            destination,
            user,
            utc_time,
        } => {
            process(map, of);
            flow(map, *transport, *source, *destination);
            flag(map, "initiated", Some(*initiated));
            text(map, "user", user);
            moment(map, "utc_time", *utc_time);
        }
        HostWhat::Bound {
            verdict,
            process: of,
            transport,
            local,
        }
        | HostWhat::Listening {
            verdict,
            process: of,
            transport,
            local,
        } => {
            process(map, of);
            text(map, "transport", &transport.to_string());
            text(map, "local_ip", &local.address.to_string());
            number(map, "local_port", local.port.into());
            text(map, "verdict", verdict_word(*verdict));
        }
        HostWhat::NameQueried {
            process: of,
            name,
            status,
            results,
            utc_time,
        } => {
            process(map, of);
            text(map, "query_name", name);
            if let Some(status) = status {
                number(map, "query_status", (*status).into());
            }
            text(map, "query_results", results);
            moment(map, "utc_time", *utc_time);
        }
        HostWhat::FirewallRule {
            change,
            source,
            rule,
        } => of_rule(map, *change, *source, rule),
        HostWhat::FirewallSetting {
            setting,
            value,
            enabled,
            profiles,
            changed_by,
        } => {
            text(map, "setting", setting);
            text(map, "value", value);
            flag(map, "firewall_enabled", *enabled);
            number(map, "profiles", (*profiles).into());
            text(map, "changed_by", changed_by);
        }
        HostWhat::FirewallPolicy { loaded } => flag(map, "loaded", Some(*loaded)),
        HostWhat::ProfileChanged { profile } => text(map, "profile", profile),
        HostWhat::BlockedListener {
            process: of,
            transport,
            port,
        } => {
            process(map, of);
            text(map, "transport", &transport.to_string());
            number(map, "local_port", (*port).into());
        }
        HostWhat::FilterChanged { filter } => of_filter(map, filter),
        HostWhat::CalloutChanged {
            added,
            name,
            provider,
        } => {
            flag(map, "added", Some(*added));
            text(map, "callout_name", name);
            text(map, "filter_provider", provider);
        }
        HostWhat::DriverLoaded {
            image,
            signed,
            signature,
        } => {
            text(map, "driver", image);
            flag(map, "signed", *signed);
            text(map, "signature", signature);
        }
        HostWhat::LibraryLoaded {
            process: of,
            library,
            signed,
            signature,
            signature_status,
        } => {
            process(map, of);
            text(map, "library", library);
            flag(map, "signed", *signed);
            text(map, "signature", signature);
            text(map, "signature_status", signature_status);
        }
        HostWhat::Intruded { how, by, into } => {
            process(map, by);
            text(map, "target_image", &into.image);
            if let Some(pid) = into.pid {
                number(map, "target_pid", u64::from(pid));
            }
            text(
                map,
                "intrusion",
                match how {
                    Intrusion::RemoteThread => "remote-thread",
                    Intrusion::Tampered => "tampered",
                },
            );
        }
        HostWhat::ServiceInstalled {
            name,
            image,
            account,
        } => {
            text(map, "service", name);
            text(map, "service_image", image);
            text(map, "service_account", account);
        }
        HostWhat::ServiceStateChanged { name, state } => {
            text(map, "service", name);
            text(
                map,
                "service_state",
                match state {
                    ServiceState::Running => "running",
                    ServiceState::Stopped => "stopped",
                    ServiceState::Unknown => "unknown",
                },
            );
        }
        HostWhat::ServiceStartChanged { name, start } => {
            text(map, "service", name);
            text(map, "service_start", start);
        }
        HostWhat::FileCreated { process: of, path } => {
            process(map, of);
            text(map, "file", path);
        }
        HostWhat::RegistryChanged {
            process: of,
            change,
            target,
            details,
        } => {
            process(map, of);
            text(
                map,
                "registry_change",
                match change {
                    RegistryChange::Created => "created",
                    RegistryChange::Set => "set",
                    RegistryChange::Deleted => "deleted",
                    RegistryChange::Renamed => "renamed",
                },
            );
            text(map, "registry_target", target);
            text(map, "registry_data", details);
        }
        HostWhat::Script { text: script } => text(map, "script", script),
        HostWhat::LogCleared { cleared, user } => {
            text(map, "cleared_channel", cleared);
            text(map, "user", user);
        }
        HostWhat::AuditPolicyChanged {
            subcategory,
            change,
            user,
        } => {
            text(map, "subcategory", subcategory);
            text(map, "audit_change", change);
            text(map, "user", user);
        }
        HostWhat::ClockChanged {
            from,
            to,
            process: by,
        } => {
            moment(map, "clock_before", Some(*from));
            moment(map, "clock_after", Some(*to));
            text(map, "process", by);
        }
        HostWhat::SystemStarted
        | HostWhat::SystemStopped
        | HostWhat::LoggingStarted
        | HostWhat::LoggingStopped => {}
        HostWhat::SysmonState { running } => flag(map, "sysmon_running", *running),
        HostWhat::SysmonConfigured { configuration } => {
            text(map, "sysmon_configuration", configuration);
        }
    }
}

fn of_rule(map: &mut Map, change: RuleChange, source: RuleSource, rule: &Rule) {
    text(
        map,
        "rule_change",
        match change {
            RuleChange::Added => "added",
            RuleChange::Modified => "modified",
            RuleChange::Removed => "removed",
            RuleChange::NotApplied => "not-applied",
            RuleChange::Listed => "listed",
            RuleChange::AllRemoved => "all-removed",
        },
    );
    text(
        map,
        "rule_source",
        match source {
            RuleSource::FirewallLog => "firewall-log",
            RuleSource::SecurityLog => "security-log",
            RuleSource::Registry => "registry",
        },
    );
    text(map, "rule_id", &rule.id);
    text(map, "rule_name", &rule.name);
    if let Some(direction) = rule.direction {
        text(map, "direction", direction_word(direction));
    }
    if let Some(action) = rule.action {
        text(map, "action", action_word(action));
    }
    flag(map, "active", rule.active);
    match rule.protocol {
        None => {}
        Some(None) => text(map, "transport", "any"),
        Some(Some(protocol)) => text(map, "transport", &Transport(protocol).to_string()),
    }
    text(
        map,
        "local_ports",
        &ports_text(&rule.local_ports).unwrap_or_default(),
    );
    text(
        map,
        "remote_addresses",
        &remotes_text(&rule.remotes).unwrap_or_default(),
    );
    if rule.profiles != 0 {
        number(map, "profiles", rule.profiles.into());
    }
    text(map, "application", &rule.application);
    text(map, "service", &rule.service);
    text(map, "changed_by", &rule.changed_by);
    text(map, "changed_by_user", &rule.changed_by_user);
}

fn of_filter(map: &mut Map, filter: &Filter) {
    text(map, "filter_name", &filter.name);
    flag(map, "by_windows_firewall", Some(filter.by_windows_firewall));
    text(map, "filter_provider", &filter.provider);
    flag(map, "added", Some(filter.added));
    if let Some(action) = filter.action {
        text(map, "action", action_word(action));
    }
    text(map, "layer", layer_word(filter.layer));
    text(
        map,
        "local_ports",
        &ports_text(&filter.local_ports).unwrap_or_default(),
    );
    if let Some(protocol) = filter.protocol {
        text(map, "transport", &Transport(protocol).to_string());
    }
    text(map, "application", &filter.application);
}

/// The stable name of the kind of fact.
fn kind(what: &HostWhat) -> &'static str {
    match what {
        HostWhat::ProcessStarted { .. } => "process-started",
        HostWhat::ProcessEnded { .. } => "process-ended",
        HostWhat::Filtered { .. } => "filtered",
        HostWhat::Connected { .. } => "connected",
        HostWhat::Bound { .. } => "bound",
        HostWhat::Listening { .. } => "listening",
        HostWhat::NameQueried { .. } => "name-queried",
        HostWhat::FirewallRule { .. } => "firewall-rule",
        HostWhat::FirewallSetting { .. } => "firewall-setting",
        HostWhat::FirewallPolicy { .. } => "firewall-policy",
        HostWhat::ProfileChanged { .. } => "profile-changed",
        HostWhat::BlockedListener { .. } => "blocked-listener",
        HostWhat::FilterChanged { .. } => "filter-changed",
        HostWhat::CalloutChanged { .. } => "callout-changed",
        HostWhat::DriverLoaded { .. } => "driver-loaded",
        HostWhat::LibraryLoaded { .. } => "library-loaded",
        HostWhat::ServiceInstalled { .. } => "service-installed",
        HostWhat::ServiceStateChanged { .. } => "service-state-changed",
        HostWhat::ServiceStartChanged { .. } => "service-start-changed",
        HostWhat::Intruded { .. } => "intruded",
        HostWhat::FileCreated { .. } => "file-created",
        HostWhat::RegistryChanged { .. } => "registry-changed",
        HostWhat::Script { .. } => "script",
        HostWhat::LogCleared { .. } => "log-cleared",
        HostWhat::LoggingStopped => "logging-stopped",
        HostWhat::LoggingStarted => "logging-started",
        HostWhat::AuditPolicyChanged { .. } => "audit-policy-changed",
        HostWhat::ClockChanged { .. } => "clock-changed",
        HostWhat::SystemStarted => "system-started",
        HostWhat::SystemStopped => "system-stopped",
        HostWhat::SysmonState { .. } => "sysmon-state",
        HostWhat::SysmonConfigured { .. } => "sysmon-configured",
    }
}
