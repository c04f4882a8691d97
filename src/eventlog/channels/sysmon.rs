//! The Sysmon channel.
//!
//! Fields as in Sysmon's own manifest. The events of processes, libraries, files and the registry
//! happened at UtcTime; the UtcTime of 3 and 22 comes from another clock, with a bias of its own, so
//! those two are placed at TimeCreated until somebody has calibrated it.

use super::{Entry, Fields, Missing};
use crate::eventlog::normalise::rule::{default_inbound_of, parse_rule, rule_id, switch_of};
use crate::eventlog::record::Value;
use crate::model::HostWhat;
use crate::model::firewall::{Rule, RuleChange, RuleSource};
use crate::model::host_event::{ImageFile, Intrusion, Process, RegistryChange};

/// The provider.
pub const PROVIDER: &str = "Microsoft-Windows-Sysmon";
/// The channel.
pub const CHANNEL: &str = "Microsoft-Windows-Sysmon/Operational";

/// The table.
pub fn entry(event_id: u32) -> Option<Entry> {
    Some(match event_id {
        1 => Entry::told(process_started),
        3 => Entry::written(connected),
        4 => Entry::written(state),
        5 => Entry::told(|f| {
            f.needed_number("ProcessId")?;
            Ok(HostWhat::ProcessEnded {
                process: process(f),
            })
        }),
        6 => Entry::written(|f| {
            Ok(HostWhat::DriverLoaded {
                image: f.needed_text("ImageLoaded")?,
                signed: signed(f),
                signature: f.text("Signature"),
                signature_status: f.text("SignatureStatus"),
            })
        }),
        7 => Entry::told(|f| {
            Ok(HostWhat::LibraryLoaded {
                process: process(f),
                library: f.needed_text("ImageLoaded")?,
                signed: signed(f),
                signature: f.text("Signature"),
                signature_status: f.text("SignatureStatus"),
            })
        }),
        8 => Entry::told(|f| {
            f.needed_number("SourceProcessId")?;
            f.needed_number("TargetProcessId")?;
            Ok(HostWhat::Intruded {
                how: Intrusion::RemoteThread,
                by: f.process("SourceProcessId", "SourceImage", "SourceProcessGuid"),
                into: f.process("TargetProcessId", "TargetImage", "TargetProcessGuid"),
            })
        }),
        25 => Entry::told(|f| {
            f.needed_number("ProcessId")?;
            Ok(HostWhat::Intruded {
                how: Intrusion::Tampered,
                by: Process::default(),
                into: process(f),
            })
        }),
        11 => Entry::told(|f| {
            f.needed_text("TargetFilename")?;
            Ok(HostWhat::FileCreated {
                process: process(f),
                path: f.own_text("TargetFilename"),
            })
        }),
        12 | 13 => Entry::told(registry),
        14 => Entry::written(registry),
        16 => Entry::written(configured),
        22 => Entry::written(name_queried),
        _ => return None,
    })
}

fn process(f: &mut Fields<'_, '_>) -> Process {
    f.process("ProcessId", "Image", "ProcessGuid")
}

fn signed(f: &Fields<'_, '_>) -> Option<bool> {
    f.value("Signed").and_then(Value::boolean)
}

fn image_file(f: &mut Fields<'_, '_>) -> Option<Box<ImageFile>> {
    let file = ImageFile {
        original_name: f.text("OriginalFileName"),
        hashes: f.text("Hashes"),
    };
    (file != ImageFile::default()).then(|| Box::new(file))
}

fn process_started(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    f.needed_number("ProcessId")?;
    f.needed_text("Image")?;
    Ok(HostWhat::ProcessStarted {
        process: process(f),
        command_line: f.own_text("CommandLine"),
        parent: f.process("ParentProcessId", "ParentImage", "ParentProcessGuid"),
        parent_command_line: f.text("ParentCommandLine"),
        user: f.text("User"),
        file: image_file(f),
    })
}

fn connected(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    let transport = f.needed_transport("Protocol")?;
    Ok(HostWhat::Connected {
        initiated: f
            .value("Initiated")
            .and_then(Value::boolean)
            .ok_or(Missing("Initiated"))?,
        transport,
        source: f.needed_endpoint("SourceIp", "SourcePort", transport)?,
        destination: f.needed_endpoint("DestinationIp", "DestinationPort", transport)?,
        process: process(f),
        user: f.text("User"),
        utc_time: f.value("UtcTime").and_then(Value::time),
    })
}

fn name_queried(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    Ok(HostWhat::NameQueried {
        name: f.needed_text("QueryName")?,
        status: f.pid("QueryStatus"),
        results: f.text("QueryResults"),
        process: process(f),
        utc_time: f.value("UtcTime").and_then(Value::time),
    })
}

fn state(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    let state = f.record.text("State").ok_or(Missing("State"))?;
    let running = match state.trim().to_ascii_lowercase().as_str() {
        "started" => Some(true),
        "stopped" => Some(false),
        _ => None,
    };
    Ok(HostWhat::SysmonState { running })
}

fn configured(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    let configuration = match f.text("Configuration") {
        text if text.is_empty() => f.text("ConfigurationFileHash"),
        text => text,
    };
    Ok(HostWhat::SysmonConfigured { configuration })
}

fn registry(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    let target = f
        .record
        .text("TargetObject")
        .ok_or(Missing("TargetObject"))?
        .into_owned();
    let change = change(f)?;
    if let Some(id) = rule_id(&target)
        && change != RegistryChange::Renamed
    {
        let mut rule = match change {
            RegistryChange::Set => f
                .record
                .text("Details")
                .and_then(|d| parse_rule(&d))
                .unwrap_or_default(),
            _ => Rule::default(),
        };
        rule.id = f.texts.share(id);
        rule.changed_by = f.text("Image");
        rule.changed_by_user = f.text("User");
        // A value set may be new or changed; the log does not say, and the rule counts either way.
        let change = match change {
            RegistryChange::Deleted => RuleChange::Removed,
            _ => RuleChange::Added,
        };
        let rule = Box::new(rule);
        return Ok(HostWhat::FirewallRule {
            change,
            source: RuleSource::Registry,
            rule,
        });
    }
    if let Some(profiles) = switch_of(&target)
        && change == RegistryChange::Set
    {
        let value = f.own_text("Details");
        let enabled = match value.trim() {
            "DWORD (0x00000000)" => Some(false),
            "DWORD (0x00000001)" => Some(true),
            _ => None,
        };
        return Ok(HostWhat::FirewallSetting {
            setting: f.texts.share("EnableFirewall"),
            value,
            enabled,
            profiles,
            changed_by: f.text("Image"),
        });
    }
    if let Some(profiles) = default_inbound_of(&target)
        && change == RegistryChange::Set
    {
        return Ok(HostWhat::FirewallSetting {
            setting: f.texts.share("DefaultInboundAction"),
            value: f.own_text("Details"),
            enabled: None,
            profiles,
            changed_by: f.text("Image"),
        });
    }
    let details = if f.record.event_id == 14 {
        "NewName"
    } else {
        "Details"
    };
    Ok(HostWhat::RegistryChanged {
        process: process(f),
        change,
        target: f.texts.share(&target),
        details: f.own_text(details),
    })
}

fn change(f: &Fields<'_, '_>) -> Result<RegistryChange, Missing> {
    match f.record.event_id {
        13 => return Ok(RegistryChange::Set),
        14 => return Ok(RegistryChange::Renamed),
        _ => {}
    }
    let word = f.record.text("EventType").ok_or(Missing("EventType"))?;
    let word = word.trim().to_ascii_lowercase();
    match () {
        () if word.starts_with("create") || word.starts_with("add") => Ok(RegistryChange::Created),
        () if word.starts_with("delete") => Ok(RegistryChange::Deleted),
        () => Err(Missing("EventType")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;
    use crate::model::firewall::Ports;
    use crate::model::{Endpoint, Timestamp, Transport};

    const KEY: &str = r"HKLM\System\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules\{A}";

    #[test]
    fn a_connection_keeps_both_clocks_apart() {
        let what = read(
            PROVIDER,
            3,
            &[
                ("UtcTime", "2022-08-31 19:18:55.097"),
                ("ProcessGuid", "{c2494f38-b527-630c-7200-000000006a02}"),
                ("ProcessId", "3792"),
                ("Image", r"C:\a.exe"),
                ("Protocol", "tcp"),
                ("Initiated", "true"),
                ("SourceIp", "0:0:0:0:0:0:0:1"),
                ("SourcePort", "52543"),
                ("DestinationIp", "10.0.1.12"),
                ("DestinationPort", "8000"),
            ],
        )
        .unwrap();
        let HostWhat::Connected {
            process,
            initiated,
            transport,
            source,
            utc_time,
            ..
        } = what
        else {
            panic!("{what:?}")
        };
        assert!(initiated && process.guid.is_some());
        assert_eq!(transport, Transport::TCP);
        assert_eq!(source, Endpoint::new("::1".parse().unwrap(), 52543));
        assert_eq!(utc_time, Timestamp::parse("2022-08-31T19:18:55.097Z"));
    }

    #[test]
    fn a_value_under_the_rules_key_is_a_firewall_rule() {
        let line =
            "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=450|Name=atomic testing|";
        let what = read(
            PROVIDER,
            13,
            &[
                ("EventType", "SetValue"),
                ("TargetObject", KEY),
                ("Details", line),
                ("Image", r"C:\Windows\regedit.exe"),
                ("User", r"CORP\eve"),
            ],
        )
        .unwrap();
        let HostWhat::FirewallRule {
            change,
            source,
            rule,
        } = what
        else {
            panic!("{what:?}")
        };
        assert_eq!((change, source), (RuleChange::Added, RuleSource::Registry));
        assert_eq!((&*rule.id, &*rule.name), ("{A}", "atomic testing"));
        assert_eq!(rule.local_ports, Ports::Ranges(vec![(450, 450)]));
        let by = (&*rule.changed_by, &*rule.changed_by_user);
        assert_eq!(by, (r"C:\Windows\regedit.exe", r"CORP\eve"));
        let what = read(
            PROVIDER,
            12,
            &[("EventType", "DeleteValue"), ("TargetObject", KEY)],
        );
        assert!(matches!(
            what,
            Ok(HostWhat::FirewallRule {
                change: RuleChange::Removed,
                ..
            })
        ));
    }

    #[test]
    fn other_keys_stay_registry_changes() {
        let target = r"HKLM\System\CurrentControlSet\Control\Terminal Server\fDenyTSConnections";
        let what = read(
            PROVIDER,
            13,
            &[("TargetObject", target), ("Details", "DWORD (0x00000000)")],
        )
        .unwrap();
        assert!(
            matches!(&what, HostWhat::RegistryChanged { change: RegistryChange::Set, details, .. }
                if &**details == "DWORD (0x00000000)"),
            "{what:?}"
        );
        assert_eq!(
            read(PROVIDER, 12, &[("TargetObject", target)]),
            Err(Missing("EventType"))
        );
    }

    #[test]
    fn a_connection_without_a_side_is_refused() {
        let missing = read(PROVIDER, 3, &[("Protocol", "udp"), ("Initiated", "false")]);
        assert_eq!(missing, Err(Missing("SourceIp")));
    }
}
