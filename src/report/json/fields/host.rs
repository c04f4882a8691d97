//! The fields of what a host logged.

use super::{Map, flag, flow, guid_text, moment, number, process, text};
use crate::model::firewall::{Action, Filter, Rule, RuleChange, RuleSource};
use crate::model::host_event::{
    HostEvent, HostWhat, Intrusion, RegistryChange, ServiceState, Verdict,
};
use crate::model::net::{Direction, Transport};
use crate::report::words::rule::{layer_word, ports_text, remotes_text};

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

pub(super) fn of_host(map: &mut Map, host: &HostEvent) {
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
            opens,
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
            flag(map, "opens", *opens);
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
        HostWhat::ProfileChanged { profile, .. } => text(map, "profile", profile),
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
            signature_status,
        } => {
            text(map, "driver", image);
            flag(map, "signed", *signed);
            text(map, "signature", signature);
            text(map, "signature_status", signature_status);
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
        HostWhat::Script { text: script, cut } => {
            text(map, "script", script);
            if *cut {
                flag(map, "script_cut", Some(true));
            }
        }
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
        HostWhat::SystemResumed {
            slept,
            woke,
            source,
        } => {
            moment(map, "sleep_time", *slept);
            moment(map, "wake_time", *woke);
            text(map, "wake_source", source);
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
        "remote_ports",
        &ports_text(&rule.remote_ports).unwrap_or_default(),
    );
    text(
        map,
        "remote_addresses",
        &remotes_text(&rule.remotes).unwrap_or_default(),
    );
    text(
        map,
        "local_addresses",
        &remotes_text(&rule.locals).unwrap_or_default(),
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
    if filter.further {
        flag(map, "further_conditions", Some(true));
    }
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
        HostWhat::SystemResumed { .. } => "system-resumed",
        HostWhat::SystemStopped => "system-stopped",
        HostWhat::SysmonState { .. } => "sysmon-state",
        HostWhat::SysmonConfigured { .. } => "sysmon-configured",
    }
}
