//! The firewall's own channel: rules and settings with who changed them.

use super::{Program, fields, manifest, null_sid};
use crate::evtx::event::Event;
use crate::evtx::value::{Value, sid};

const PROVIDER: (&str, &str) = (
    "Microsoft-Windows-Windows Firewall With Advanced Security",
    "{D1BC9AFF-2ABF-4D71-9146-ECB2A986EB85}",
);
/// Channel name.
pub const CHANNEL: &str = "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall";

/// A firewall rule as the channel describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// RuleId.
    pub id: String,
    /// RuleName.
    pub name: String,
    /// ApplicationPath; empty for any.
    pub application: String,
    /// ServiceName; empty for any.
    pub service: String,
    /// Inbound.
    pub inbound: bool,
    /// IP protocol; 256 for any.
    pub protocol: u16,
    /// LocalPorts of an inbound rule, RemotePorts of an outbound one: a list, ranges, a keyword or `*`.
    pub local_ports: String,
    /// RemoteAddresses; `*` for any.
    pub remotes: String,
    /// Allow; otherwise block.
    pub allow: bool,
    /// Enabled.
    pub active: bool,
    /// Profiles bitmask; 2147483647 for all.
    pub profiles: u32,
}

/// Who changed it: the account's SID and the program's path.
#[derive(Clone, Copy)]
pub struct Changer<'a> {
    /// ModifyingUser.
    pub sid: &'a str,
    /// ModifyingApplication.
    pub application: &'a str,
}

fn event(id: u16, mpssvc: &Program, fields: Vec<(String, Value)>) -> Event {
    Event {
        process: mpssvc.pid,
        thread: 9504,
        user: sid("S-1-5-19"),
        ..manifest(PROVIDER, CHANNEL, id, 0, 0, 0x8000_0200_0000_0000, fields)
    }
}

fn by(changer: Changer<'_>) -> [(&'static str, Value); 2] {
    [
        (
            "ModifyingUser",
            Value::Sid(sid(changer.sid).unwrap_or_else(null_sid)),
        ),
        ("ModifyingApplication", Value::text(changer.application)),
    ]
}

impl Rule {
    /// The ports of its own side (the local ones of an inbound rule, the remote ones of an outbound
    /// rule), or any.
    fn ports_of(&self, own_side: bool) -> &str {
        match (own_side, self.protocol) {
            (true, _) => &self.local_ports,
            (false, 256) => "",
            (false, _) => "*",
        }
    }
}

/// 2004, 2005 (Windows 10), 2071, 2073, 2097, 2099 (Windows 11): a rule was added or changed.
pub fn rule(id: u16, rule: &Rule, changer: Changer<'_>, mpssvc: &Program) -> Event {
    let mut all = fields([
        ("RuleId", Value::text(rule.id.as_str())),
        ("RuleName", Value::text(rule.name.as_str())),
        ("Origin", Value::U32(1)),
        ("ApplicationPath", Value::text(rule.application.as_str())),
        ("ServiceName", Value::text(rule.service.as_str())),
        ("Direction", Value::U32(if rule.inbound { 1 } else { 2 })),
        ("Protocol", Value::U16(rule.protocol)),
        ("LocalPorts", Value::text(rule.ports_of(rule.inbound))),
        ("RemotePorts", Value::text(rule.ports_of(!rule.inbound))),
        ("Action", Value::U32(if rule.allow { 3 } else { 2 })),
        ("Profiles", Value::U32(rule.profiles)),
        ("LocalAddresses", Value::text("*")),
        ("RemoteAddresses", Value::text(rule.remotes.as_str())),
        ("RemoteMachineAuthorizationList", Value::text("")),
        ("RemoteUserAuthorizationList", Value::text("")),
        ("EmbeddedContext", Value::text("")),
        ("Flags", Value::U16(1)),
        ("Active", Value::U16(u16::from(rule.active))),
        ("EdgeTraversal", Value::U16(0)),
        ("LooseSourceMapped", Value::U16(0)),
        ("SecurityOptions", Value::U16(0)),
    ]);
    all.extend(fields(by(changer)));
    all.extend(fields([
        ("SchemaVersion", Value::U16(538)),
        ("RuleStatus", Value::U32(65_536)),
        ("LocalOnlyMapped", Value::U16(0)),
    ]));
    if matches!(id, 2097 | 2099) {
        all.extend(fields([("PolicyAppId", Value::text(""))]));
    }
    if id > 2050 {
        all.extend(fields([("ErrorCode", Value::U32(0))]));
    }
    event(id, mpssvc, all)
}

/// 2006 (Windows 10), 2052 (Windows 11): a rule was deleted.
pub fn rule_deleted(id: u16, rule: &Rule, changer: Changer<'_>, mpssvc: &Program) -> Event {
    let mut all = fields([
        ("RuleId", Value::text(rule.id.as_str())),
        ("RuleName", Value::text(rule.name.as_str())),
    ]);
    all.extend(fields(by(changer)));
    if id > 2050 {
        all.extend(fields([("ErrorCode", Value::U32(0))]));
    }
    event(id, mpssvc, all)
}

/// 2003 (Windows 10), 2082 (Windows 11): a profile's firewall was switched on or off. The display
/// text is called SettingValueString by older builds and SettingValueDisplay by newer ones.
pub fn switched(id: u16, profiles: u32, on: bool, changer: Changer<'_>, mpssvc: &Program) -> Event {
    let display = if id > 2050 {
        "SettingValueDisplay"
    } else {
        "SettingValueString"
    };
    let mut all = fields([
        ("Profiles", Value::U32(profiles)),
        ("SettingType", Value::U32(1)),
        ("SettingValueSize", Value::U32(4)),
        ("SettingValue", Value::Binary(vec![u8::from(on), 0, 0, 0])),
        (display, Value::text(if on { "Yes" } else { "No" })),
        ("Origin", Value::U32(1)),
    ]);
    all.extend(fields(by(changer)));
    event(id, mpssvc, all)
}

/// 2010: the profile of an interface changed. Profiles are bit numbers as in [`Rule::profiles`].
pub fn profile_changed(from: u32, to: u32, mpssvc: &Program) -> Event {
    let guid = crate::evtx::value::guid_text(&crate::seed::guid(&["interface", "Ethernet"]));
    let all = fields([
        ("InterfaceGuid", Value::text(guid)),
        ("InterfaceName", Value::text("Ethernet")),
        ("OldProfile", Value::U32(from)),
        ("NewProfile", Value::U32(to)),
    ]);
    event(2010, mpssvc, all)
}
