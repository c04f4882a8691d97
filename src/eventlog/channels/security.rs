//! The Security channel: processes, connections, firewall and policy changes.
//!
//! Fields as on Microsoft's pages "Event 4688" and so on. Process ids are hexadecimal text in 4688,
//! 4689 and 4616, and numbers elsewhere; 5156 and 5157 spell `ProcessID`, the others `ProcessId`.

use super::{Entry, Fields, Missing};
use crate::eventlog::normalise::{filter, words};
use crate::eventlog::record::Value;
use crate::model::firewall::{Filter, Layer, Rule, RuleChange, RuleSource};
use crate::model::host_event::{Process, Verdict};
use crate::model::{HostWhat, Text};

/// The provider of all of them but 1102.
pub const PROVIDER: &str = "Microsoft-Windows-Security-Auditing";

/// The table.
pub fn entry(event_id: u32) -> Option<Entry> {
    Some(Entry::written(match event_id {
        4608 => |_| Ok(HostWhat::LoggingStarted),
        4616 => clock_changed,
        4688 => process_started,
        4689 => process_ended,
        4697 => service_installed,
        4719 => audit_policy_changed,
        4946 => |f| rule(f, RuleChange::Added),
        4947 => |f| rule(f, RuleChange::Modified),
        4948 => |f| rule(f, RuleChange::Removed),
        4957 => |f| rule(f, RuleChange::NotApplied),
        4950 => setting,
        4956 => |f| {
            let profile = f.needed_text("ActiveProfile")?;
            Ok(HostWhat::ProfileChanged {
                bits: words::profile_bits(&profile),
                profile,
                interface: Text::default(),
            })
        },
        5152 => |f| filtered(f, Verdict::Dropped),
        5153 => |f| filtered(f, Verdict::DroppedByStricterFilter),
        5154 => |f| listening(f, Verdict::Permitted),
        5155 => |f| listening(f, Verdict::Blocked),
        5156 => |f| filtered(f, Verdict::Permitted),
        5157 => |f| filtered(f, Verdict::Blocked),
        5158 => |f| bound(f, Verdict::Permitted),
        5159 => |f| bound(f, Verdict::Blocked),
        5446 => callout,
        5447 => filter_changed,
        // Old writers log the clearing under this provider too.
        1102 => super::system::security_log_cleared,
        _ => return None,
    }))
}

fn process_started(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    f.needed_text("NewProcessName")?;
    f.needed_number("NewProcessId")?;
    // The target account is set where the process runs as somebody else than its creator.
    let mut user = f.account("TargetDomainName", "TargetUserName");
    if user.is_empty() {
        user = f.account("SubjectDomainName", "SubjectUserName");
    }
    Ok(HostWhat::ProcessStarted {
        process: f.process("NewProcessId", "NewProcessName", ""),
        command_line: f.own_text("CommandLine"),
        parent: f.process("ProcessId", "ParentProcessName", ""),
        parent_command_line: Text::default(),
        user,
        file: None,
    })
}

fn process_ended(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    f.needed_number("ProcessId")?;
    Ok(HostWhat::ProcessEnded {
        process: f.process("ProcessId", "ProcessName", ""),
    })
}

fn service_installed(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    Ok(HostWhat::ServiceInstalled {
        name: f.needed_text("ServiceName")?,
        image: f.needed_text("ServiceFileName")?,
        account: f.text("ServiceAccount"),
    })
}

fn application(f: &mut Fields<'_, '_>) -> Process {
    f.process("ProcessId", "Application", "")
}

fn layer(f: &Fields<'_, '_>) -> Layer {
    let name = f.record.text("LayerName").unwrap_or_default();
    words::layer(&name, f.record.unsigned("LayerRTID"))
}

fn filtered(f: &mut Fields<'_, '_>, verdict: Verdict) -> Result<HostWhat, Missing> {
    let transport = f.needed_transport("Protocol")?;
    Ok(HostWhat::Filtered {
        verdict,
        layer: layer(f),
        isn: None,
        opens: None,
        direction: f
            .record
            .text("Direction")
            .and_then(|t| words::direction(&t)),
        transport,
        source: f.needed_endpoint("SourceAddress", "SourcePort", transport)?,
        destination: f.needed_endpoint("DestAddress", "DestPort", transport)?,
        process: application(f),
    })
}

fn listening(f: &mut Fields<'_, '_>, verdict: Verdict) -> Result<HostWhat, Missing> {
    let transport = f.needed_transport("Protocol")?;
    Ok(HostWhat::Listening {
        verdict,
        transport,
        local: f.needed_endpoint("SourceAddress", "SourcePort", transport)?,
        process: application(f),
    })
}

fn bound(f: &mut Fields<'_, '_>, verdict: Verdict) -> Result<HostWhat, Missing> {
    let transport = f.needed_transport("Protocol")?;
    Ok(HostWhat::Bound {
        verdict,
        transport,
        local: f.needed_endpoint("SourceAddress", "SourcePort", transport)?,
        process: application(f),
    })
}

/// These events name a rule and say nothing of its ports, direction or author.
fn rule(f: &mut Fields<'_, '_>, change: RuleChange) -> Result<HostWhat, Missing> {
    let id = f.needed_text("RuleId")?;
    let profile = f.record.text("ProfileChanged").unwrap_or_default();
    let rule = Rule {
        id,
        name: f.text("RuleName"),
        profiles: words::profiles(&profile),
        ..Rule::default()
    };
    Ok(HostWhat::FirewallRule {
        change,
        source: RuleSource::SecurityLog,
        rule: Box::new(rule),
    })
}

fn setting(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    let setting = f.needed_text("SettingType")?;
    let value = f.needed_text("SettingValue")?;
    let enabled = if words::is_firewall_switch(&setting) {
        words::yes_or_no(&value)
    } else {
        None
    };
    let profile = f.record.text("ProfileChanged").unwrap_or_default();
    Ok(HostWhat::FirewallSetting {
        setting,
        value,
        enabled,
        profiles: words::profiles(&profile),
        changed_by: Text::default(),
    })
}

fn callout(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    let change = f.record.text("ChangeType").ok_or(Missing("ChangeType"))?;
    let added = words::is_addition(&change).ok_or(Missing("ChangeType"))?;
    Ok(HostWhat::CalloutChanged {
        added,
        name: f.needed_text("CalloutName")?,
        provider: f.text("ProviderName"),
    })
}

fn filter_changed(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    let change = f.record.text("ChangeType").ok_or(Missing("ChangeType"))?;
    let added = words::is_addition(&change).ok_or(Missing("ChangeType"))?;
    let text = |name: &str| f.record.text(name).unwrap_or_default();
    let layer = match filter::layer_of_key(&text("LayerKey")) {
        Layer::Other => words::layer("", f.record.unsigned("LayerId")),
        known => known,
    };
    let by_windows_firewall = filter::is_windows_firewall(&text("ProviderKey"));
    let by_hardening = filter::is_service_hardening(&text("ProviderKey"));
    let action = words::filter_action(&text("Action"));
    let conditions = match f.record.text("Conditions") {
        Some(text) => filter::conditions(&text),
        None => filter::Conditions::default(),
    };
    let application = f.texts.share(&conditions.application);
    Ok(HostWhat::FilterChanged {
        filter: Box::new(Filter {
            name: f.needed_text("FilterName")?,
            by_windows_firewall,
            by_hardening,
            provider: f.text("ProviderName"),
            added,
            action,
            layer,
            local_ports: conditions.local_ports,
            protocol: conditions.protocol,
            application,
            further: conditions.further,
        }),
    })
}

fn clock_changed(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    Ok(HostWhat::ClockChanged {
        from: f.needed_time("PreviousTime")?,
        to: f.needed_time("NewTime")?,
        process: f.text("ProcessName"),
    })
}

fn audit_policy_changed(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    let subcategory = f
        .record
        .text("SubcategoryGuid")
        .ok_or(Missing("SubcategoryGuid"))?;
    let subcategory = subcategory.trim_matches(['{', '}', ' ']).to_lowercase();
    let user = match f.account("SubjectDomainName", "SubjectUserName") {
        user if user.is_empty() => f.text("SubjectUserSid"),
        user => user,
    };
    Ok(HostWhat::AuditPolicyChanged {
        subcategory: f.texts.share(&subcategory),
        change: match f.value("AuditPolicyChanges") {
            Some(Value::Null) | None => return Err(Missing("AuditPolicyChanges")),
            Some(_) => f.text("AuditPolicyChanges"),
        },
        user,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;
    use crate::model::firewall::{Action, Ports};
    use crate::model::{Direction, Endpoint, Transport};

    const CONNECTION: &[(&str, &str)] = &[
        ("ProcessID", "4"),
        ("Application", "System"),
        ("Direction", "%%14592"),
        ("SourceAddress", "10.0.0.5"),
        ("SourcePort", "50111"),
        ("DestAddress", "::ffff:10.0.0.9"),
        ("DestPort", "445"),
        ("Protocol", "6"),
        ("LayerName", "%%14610"),
        ("LayerRTID", "44"),
    ];

    fn without(
        fields: &[(&'static str, &'static str)],
        name: &str,
    ) -> Vec<(&'static str, &'static str)> {
        fields.iter().filter(|(n, _)| *n != name).copied().collect()
    }

    #[test]
    fn a_connection_keeps_source_and_destination_as_written() {
        let what = read(PROVIDER, 5157, CONNECTION).unwrap();
        let HostWhat::Filtered {
            verdict,
            layer,
            direction,
            process,
            source,
            destination,
            ..
        } = what
        else {
            panic!("{what:?}")
        };
        assert_eq!((verdict, layer), (Verdict::Blocked, Layer::Accept));
        assert_eq!(direction, Some(Direction::Inbound));
        assert_eq!((process.pid, &*process.image), (Some(4), "System"));
        assert_eq!(source, Endpoint::new("10.0.0.5".parse().unwrap(), 50111));
        assert_eq!(destination, Endpoint::new("10.0.0.9".parse().unwrap(), 445));
    }

    #[test]
    fn a_missing_port_is_refused_by_name_and_never_taken_as_zero() {
        for name in [
            "SourceAddress",
            "SourcePort",
            "DestAddress",
            "DestPort",
            "Protocol",
        ] {
            let missing = read(PROVIDER, 5156, &without(CONNECTION, name)).unwrap_err();
            assert_eq!(missing.0, name);
        }
    }

    #[test]
    fn icmp_type_and_code_are_no_ports() {
        let mut fields = without(&without(CONNECTION, "Protocol"), "DestPort");
        fields.extend([("Protocol", "1"), ("DestPort", "8")]);
        let what = read(PROVIDER, 5152, &fields).unwrap();
        let HostWhat::Filtered {
            transport,
            source,
            destination,
            ..
        } = what
        else {
            panic!("{what:?}")
        };
        assert_eq!(transport, Transport::ICMP);
        assert_eq!((source.port, destination.port), (0, 0));
    }

    #[test]
    fn a_process_start_reads_hexadecimal_ids() {
        let what = read(
            PROVIDER,
            4688,
            &[
                ("SubjectUserName", "admin"),
                ("SubjectDomainName", "CORP"),
                ("NewProcessId", "0x7d8"),
                ("NewProcessName", r"C:\Windows\System32\netsh.exe"),
                ("ProcessId", "0xa38"),
                ("CommandLine", "netsh  a s p state off"),
                ("TargetUserName", "-"),
                ("TargetDomainName", "-"),
                ("ParentProcessName", r"C:\Windows\System32\cmd.exe"),
            ],
        )
        .unwrap();
        let HostWhat::ProcessStarted {
            process,
            parent,
            user,
            command_line,
            ..
        } = what
        else {
            panic!("{what:?}")
        };
        assert_eq!((process.pid, parent.pid), (Some(2008), Some(2616)));
        assert_eq!(
            (&*user, &*command_line),
            (r"CORP\admin", "netsh  a s p state off")
        );
    }

    #[test]
    fn no_means_the_firewall_was_switched_off() {
        for (value, setting, expected) in [
            ("No", "Enable Windows Firewall", Some(false)),
            ("Yes", "Enable Windows Defender Firewall", Some(true)),
            ("No", "Default Outbound Action", None),
        ] {
            let what = read(
                PROVIDER,
                4950,
                &[
                    ("ProfileChanged", "Private"),
                    ("SettingType", setting),
                    ("SettingValue", value),
                ],
            )
            .unwrap();
            assert!(
                matches!(what, HostWhat::FirewallSetting { enabled, profiles: 2, .. } if enabled == expected),
                "{what:?}"
            );
        }
    }

    #[test]
    fn a_rule_of_the_security_log_has_no_port() {
        let what = read(
            PROVIDER,
            4946,
            &[
                ("ProfileChanged", "All"),
                ("RuleId", "{A}"),
                ("RuleName", "atomic testing"),
            ],
        )
        .unwrap();
        let HostWhat::FirewallRule {
            change: RuleChange::Added,
            rule,
            ..
        } = what
        else {
            panic!("{what:?}")
        };
        assert_eq!(
            (rule.local_ports.clone(), rule.action),
            (Ports::Unknown, None)
        );
    }

    #[test]
    fn a_filter_says_layer_action_and_ports() {
        let what = read(
            PROVIDER,
            5447,
            &[
                ("ProviderKey", "{decc16ca-3f33-4346-be1e-8fb4ae0f3d62}"),
                ("ChangeType", "%%16384"),
                ("FilterName", "atomic testing"),
                ("LayerKey", "{e1cd9fe7-f4b5-4273-96c0-592e487b8650}"),
                ("Conditions", "\n\tCondition ID:\t{0c1ba1af-5765-453f-af22-a8f791ac775b}\n\tMatch value:\tEqual to\n\tCondition value:\t0x01c2\n"),
                ("Action", "%%16390"),
            ],
        )
        .unwrap();
        let HostWhat::FilterChanged { filter } = what else {
            panic!("{what:?}")
        };
        assert!(filter.added && filter.by_windows_firewall);
        assert_eq!(
            (filter.layer, filter.action),
            (Layer::Accept, Some(Action::Allow))
        );
        assert_eq!(filter.local_ports, Ports::Ranges(vec![(450, 450)]));
    }

    #[test]
    fn a_clock_change_in_local_words_is_refused() {
        let what = read(
            PROVIDER,
            4616,
            &[
                ("PreviousTime", "2020-01-01T00:00:00.0000000Z"),
                ("NewTime", "2020-01-01T07:55:00.0000000Z"),
            ],
        );
        assert!(matches!(what, Ok(HostWhat::ClockChanged { from, to, .. }) if from < to));
        let words = read(
            PROVIDER,
            4616,
            &[("PreviousTime", "11:52:54 PM"), ("NewTime", "11:52:54 PM")],
        );
        assert_eq!(words, Err(Missing("PreviousTime")));
    }
}
