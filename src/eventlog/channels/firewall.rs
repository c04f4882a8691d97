//! The channel of the Windows Firewall: rules with ports, settings, profiles, blocked listeners.
//!
//! Windows 10 writes 2004, 2005 and 2006; Windows 11 writes 2071 or 2097, 2073 or 2099, and 2052 for
//! the same facts; 2007 and 2072 list a rule when the firewall starts (channel FirewallVerbose), which
//! is no change. Fields as in the provider's manifest.

use super::{Entry, Fields, Missing};
use crate::eventlog::normalise::{ports, remotes, words};
use crate::eventlog::record::Value;
use crate::model::HostWhat;
use crate::model::firewall::{Ports, Remotes, Rule, RuleChange, RuleSource};

/// The provider.
pub const PROVIDER: &str = "Microsoft-Windows-Windows Firewall With Advanced Security";
/// The channel.
pub const CHANNEL: &str = "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall";
/// The number of the setting that switches the firewall of a profile on and off (2003, 2082).
const ENABLE_FIREWALL: u64 = 1;

/// The number of the setting that says what becomes of inbound traffic that no rule is for (\[MS-FASP\] 2.2.38).
const DEFAULT_INBOUND_ACTION: u64 = 17;

/// The table.
pub fn entry(event_id: u32) -> Option<Entry> {
    Some(Entry::written(match event_id {
        2002 | 2083 => |f| setting(f, false),
        2003 | 2082 => |f| setting(f, true),
        2004 | 2071 | 2097 => |f| rule(f, RuleChange::Added),
        2005 | 2073 | 2099 => |f| rule(f, RuleChange::Modified),
        2007 | 2072 => |f| rule(f, RuleChange::Listed),
        2006 | 2052 => |f| rule(f, RuleChange::Removed),
        2032 | 2033 | 2059 | 2060 => all_removed,
        2008 => |_| Ok(HostWhat::FirewallPolicy { loaded: true }),
        2009 => |_| Ok(HostWhat::FirewallPolicy { loaded: false }),
        2010 => |f| {
            let profile = f.needed_text("NewProfile")?;
            Ok(HostWhat::ProfileChanged {
                bits: words::profile_bits(&profile),
                profile,
                interface: f.text("InterfaceGuid"),
            })
        },
        2011 => blocked_listener,
        _ => return None,
    }))
}

fn rule(f: &mut Fields<'_, '_>, change: RuleChange) -> Result<HostWhat, Missing> {
    let mut rule = Rule {
        id: f.needed_text("RuleId")?,
        name: f.text("RuleName"),
        ..author(f)
    };
    if change != RuleChange::Removed {
        let record = f.record;
        let number = |name: &str| record.unsigned(name);
        rule.direction = match number("Direction") {
            Some(n) => words::rule_direction(n),
            None => record.text("Direction").and_then(|t| words::direction(&t)),
        };
        rule.action = number("Action").and_then(words::rule_action);
        rule.active = f.value("Active").and_then(Value::boolean);
        rule.protocol = number("Protocol").and_then(words::rule_protocol);
        rule.local_ports = record
            .text("LocalPorts")
            .map_or(Ports::Unknown, |t| ports::local_ports(&t));
        rule.remote_ports = record
            .text("RemotePorts")
            .map_or(Ports::Unknown, |t| ports::local_ports(&t));
        rule.remotes = record
            .text("RemoteAddresses")
            .map_or(Remotes::Unknown, |t| remotes::remote_addresses(&t));
        rule.locals = record
            .text("LocalAddresses")
            .map_or(Remotes::Unknown, |t| remotes::remote_addresses(&t));
        // 0x7fffffff is every profile.
        rule.profiles = number("Profiles").map_or(0, |n| (n & 7) as u32);
        rule.application = f.text("ApplicationPath");
        rule.service = f.text("ServiceName");
    }
    Ok(HostWhat::FirewallRule {
        change,
        source: RuleSource::FirewallLog,
        rule: Box::new(rule),
    })
}

fn all_removed(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    Ok(HostWhat::FirewallRule {
        change: RuleChange::AllRemoved,
        source: RuleSource::FirewallLog,
        rule: Box::new(author(f)),
    })
}

fn author(f: &mut Fields<'_, '_>) -> Rule {
    Rule {
        changed_by: f.text("ModifyingApplication"),
        changed_by_user: f.text("ModifyingUser"),
        ..Rule::default()
    }
}

fn setting(f: &mut Fields<'_, '_>, of_profile: bool) -> Result<HostWhat, Missing> {
    let setting = f.needed_text("SettingType")?;
    let shown = ["SettingValueDisplay", "SettingValueString"]
        .into_iter()
        .find(|name| f.value(name).is_some_and(|v| !v.text().is_empty()));
    let value = match shown {
        Some(name) => f.text(name),
        None => f.needed_text("SettingValue")?,
    };
    let is_switch = of_profile
        && (f.record.unsigned("SettingType") == Some(ENABLE_FIREWALL)
            || words::is_firewall_switch(&setting));
    // The bytes are the same in every language; the word is not.
    let enabled = if is_switch {
        f.record
            .text("SettingValue")
            .and_then(|t| switch(&t))
            .or(words::yes_or_no(&value))
    } else {
        None
    };
    let number = f.record.unsigned("SettingType");
    let (setting, value) = match number.filter(|_| of_profile) {
        Some(DEFAULT_INBOUND_ACTION) => {
            let blocks = f.record.text("SettingValue").and_then(|t| switch(&t));
            let value = blocks.map_or(value, |blocks| match blocks {
                true => "Block".into(),
                false => "Allow".into(),
            });
            ("DefaultInboundAction".into(), value)
        }
        _ => (setting, value),
    };
    Ok(HostWhat::FirewallSetting {
        setting,
        value,
        enabled,
        profiles: f.record.unsigned("Profiles").map_or(0, |n| (n & 7) as u32),
        changed_by: f.text("ModifyingApplication"),
    })
}

/// A 32-bit truth value dumped as `01000000`.
fn switch(dump: &str) -> Option<bool> {
    match dump.trim() {
        "01000000" => Some(true),
        "00000000" => Some(false),
        _ => None,
    }
}

fn blocked_listener(f: &mut Fields<'_, '_>) -> Result<HostWhat, Missing> {
    Ok(HostWhat::BlockedListener {
        transport: f.needed_transport("Protocol")?,
        port: f.record.port("Port").ok_or(Missing("Port"))?,
        process: f.process("ProcessId", "ApplicationPath", ""),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;
    use crate::model::Direction;
    use crate::model::firewall::Action;

    #[test]
    fn a_rule_of_either_windows_is_read_whole() {
        for event_id in [2004, 2071, 2097] {
            let what = read(
                PROVIDER,
                event_id,
                &[
                    ("RuleId", "{A}"),
                    ("RuleName", "rdp"),
                    ("Direction", "1"),
                    ("Protocol", "6"),
                    ("LocalPorts", "3389"),
                    ("Action", "3"),
                    ("Profiles", "2147483647"),
                    ("RemoteAddresses", "198.51.100.7"),
                    ("Active", "1"),
                    ("ModifyingUser", "S-1-5-18"),
                    ("ModifyingApplication", r"C:\Windows\System32\netsh.exe"),
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
            assert_eq!(rule.local_ports, Ports::Ranges(vec![(3389, 3389)]));
            assert!(rule.remotes.only("198.51.100.7".parse().unwrap()));
            assert_eq!(
                (rule.direction, rule.action),
                (Some(Direction::Inbound), Some(Action::Allow))
            );
            assert_eq!(
                (rule.active, rule.profiles, rule.protocol),
                (Some(true), 7, Some(Some(6)))
            );
        }
    }

    #[test]
    fn an_outbound_block_is_no_opening_and_a_field_not_there_is_unknown() {
        let what = read(
            PROVIDER,
            2005,
            &[("RuleId", "{A}"), ("Direction", "2"), ("Action", "2")],
        );
        let Ok(HostWhat::FirewallRule { rule, .. }) = what else {
            panic!("{what:?}")
        };
        assert_eq!(
            (rule.direction, rule.action),
            (Some(Direction::Outbound), Some(Action::Block))
        );
        assert_eq!(
            (&rule.local_ports, &rule.remotes),
            (&Ports::Unknown, &Remotes::Unknown)
        );
        assert_eq!((rule.protocol, rule.active, rule.profiles), (None, None, 0));
        assert_eq!(read(PROVIDER, 2006, &[]), Err(Missing("RuleId")));
    }

    #[test]
    fn the_switch_of_a_profile_is_known_by_its_number_and_bytes() {
        for (event_id, kind, bytes, word, expected) in [
            (2003, "1", "01000000", "Ja", Some(true)),
            (2003, "1", "00000000", "No", Some(false)),
            (2082, "1", "", "No", Some(false)),
            (2003, "2", "01000000", "Yes", None),
            (2002, "1", "01000000", "Yes", None),
        ] {
            let what = read(
                PROVIDER,
                event_id,
                &[
                    ("Profiles", "1"),
                    ("SettingType", kind),
                    ("SettingValue", bytes),
                    ("SettingValueString", word),
                ],
            )
            .unwrap();
            let HostWhat::FirewallSetting {
                enabled,
                profiles,
                value,
                ..
            } = what
            else {
                panic!("{what:?}")
            };
            assert_eq!((enabled, profiles, &*value), (expected, 1, word));
        }
    }

    #[test]
    fn what_no_rule_is_for_is_known_by_its_number_and_bytes() {
        for (event_id, bytes, word, expected) in [
            (2003, "00000000", "Zulassen", "Allow"),
            (2082, "01000000", "Blockieren", "Block"),
            (2003, "", "Allow", "Allow"),
        ] {
            let fields = [
                ("Profiles", "4"),
                ("SettingType", "17"),
                ("SettingValue", bytes),
                ("SettingValueString", word),
            ];
            let HostWhat::FirewallSetting { setting, value, .. } =
                read(PROVIDER, event_id, &fields).unwrap()
            else {
                panic!("{event_id}")
            };
            assert_eq!((&*setting, &*value), ("DefaultInboundAction", expected));
        }
    }

    #[test]
    fn a_rule_that_is_listed_at_the_start_is_no_change() {
        for id in [2007, 2072] {
            let what = read(PROVIDER, id, &[("RuleId", "{1}"), ("RuleName", "web")]).unwrap();
            let HostWhat::FirewallRule { change, rule, .. } = what else {
                panic!("{what:?}")
            };
            assert_eq!((change, &*rule.name), (RuleChange::Listed, "web"));
        }
    }

    #[test]
    fn a_blocked_listener_needs_its_port() {
        let fields = [
            ("Protocol", "6"),
            ("Port", "4444"),
            ("ProcessId", "812"),
            ("ApplicationPath", r"C:\nc.exe"),
        ];
        assert!(matches!(
            read(PROVIDER, 2011, &fields),
            Ok(HostWhat::BlockedListener { port: 4444, .. })
        ));
        assert_eq!(read(PROVIDER, 2011, &fields[..1]), Err(Missing("Port")));
    }
}
