//! The Security channel: processes, the filtering platform, firewall rules, audit, clock, log.

use super::{Account, Program, fields, manifest, null_sid};
use crate::evtx::event::{Event, Payload, Provider};
use crate::evtx::value::{Value, guid_text};
use crate::moment::Moment;
use std::net::IpAddr;

const PROVIDER: (&str, &str) = (
    "Microsoft-Windows-Security-Auditing",
    "{54849625-5478-4994-A5BA-3E3B0328C30D}",
);
const SUCCESS: u64 = 0x8020_0000_0000_0000;
const FAILURE: u64 = 0x8010_0000_0000_0000;
/// Windows Firewall as a filter provider.
pub const FIREWALL_PROVIDER: &str = "{DECC16CA-3F33-4346-BE1E-8FB4AE0F3D62}";

/// One end of a flow, as the filtering platform writes it.
pub type End = (IpAddr, u16);

fn security(id: u16, version: u8, task: u16, keywords: u64, fields: Vec<(String, Value)>) -> Event {
    Event {
        level: 0,
        ..manifest(PROVIDER, "Security", id, version, task, keywords, fields)
    }
}

/// An event that these builders do not know, with the fields as given.
pub fn other(id: u16, given: Vec<(String, Value)>) -> Event {
    security(id, 0, 12_810, SUCCESS, given)
}

/// 4688: a process was created by `parent`.
pub fn process_created(process: &Program, parent: &Program) -> Event {
    let mut all = parent.account.subject();
    all.extend(fields([
        ("NewProcessId", Value::SizeT(process.pid.into())),
        ("NewProcessName", Value::text(process.image.as_str())),
        ("TokenElevationType", Value::text("%%1936")),
        ("ProcessId", Value::SizeT(parent.pid.into())),
        ("CommandLine", Value::text(process.command_line.as_str())),
        ("TargetUserSid", Value::Sid(null_sid())),
        ("TargetUserName", Value::text("-")),
        ("TargetDomainName", Value::text("-")),
        ("TargetLogonId", Value::Hex64(0)),
        ("ParentProcessName", Value::text(parent.image.as_str())),
        (
            "MandatoryLabel",
            Value::Sid(vec![1, 1, 0, 0, 0, 0, 0, 16, 0, 0x30, 0, 0]),
        ),
    ]));
    security(4688, 2, 13_312, SUCCESS, all)
}

/// 4689: a process ended.
pub fn process_ended(process: &Program) -> Event {
    let mut all = process.account.subject();
    all.extend(fields([
        ("Status", Value::Hex32(0)),
        ("ProcessId", Value::SizeT(process.pid.into())),
        ("ProcessName", Value::text(process.image.as_str())),
    ]));
    security(4689, 0, 13_313, SUCCESS, all)
}

/// 4697: a service was installed.
pub fn service_installed(name: &str, file: &str, by: &Account) -> Event {
    let driver = file.to_lowercase().ends_with(".sys");
    let mut all = by.subject();
    all.extend(fields([
        ("ServiceName", Value::text(name)),
        ("ServiceFileName", Value::text(file)),
        ("ServiceType", Value::Hex32(if driver { 0x1 } else { 0x10 })),
        ("ServiceStartType", Value::U32(if driver { 3 } else { 2 })),
        (
            "ServiceAccount",
            Value::text(if driver { "" } else { "LocalSystem" }),
        ),
    ]));
    security(4697, 0, 12_289, SUCCESS, all)
}

/// What the filtering platform saw of a packet or flow.
pub struct Flow<'a> {
    /// The local process; `None` for a packet that nobody listens for.
    pub process: Option<&'a Program>,
    /// Inbound.
    pub inbound: bool,
    /// SourceAddress and SourcePort.
    pub source: End,
    /// DestAddress and DestPort.
    pub destination: End,
    /// IP protocol number.
    pub protocol: u8,
    /// Run-time id of the deciding filter.
    pub filter: u64,
}

impl Flow<'_> {
    fn v6(&self) -> bool {
        self.source.0.is_ipv6() || self.destination.0.is_ipv6()
    }

    fn event(
        &self,
        id: u16,
        version: u8,
        task: u16,
        keywords: u64,
        layer: (&str, u64, u64),
    ) -> Event {
        let connection = matches!(id, 5156 | 5157);
        let pid = if connection { "ProcessID" } else { "ProcessId" };
        let image = self.process.map_or("-".to_owned(), Program::nt_path);
        let run_time = if self.v6() { layer.2 } else { layer.1 };
        let mut all = fields([
            (pid, Value::U64(self.process.map_or(0, |p| p.pid.into()))),
            ("Application", Value::text(image)),
            (
                "Direction",
                Value::text(if self.inbound { "%%14592" } else { "%%14593" }),
            ),
            ("SourceAddress", Value::text(self.source.0.to_string())),
            ("SourcePort", Value::text(self.source.1.to_string())),
            ("DestAddress", Value::text(self.destination.0.to_string())),
            ("DestPort", Value::text(self.destination.1.to_string())),
            ("Protocol", Value::U32(self.protocol.into())),
            ("FilterRTID", Value::U64(self.filter)),
            ("LayerName", Value::text(layer.0)),
            ("LayerRTID", Value::U64(run_time)),
        ]);
        if connection {
            all.extend(fields([
                ("RemoteUserID", Value::Sid(null_sid())),
                ("RemoteMachineID", Value::Sid(null_sid())),
            ]));
        }
        security(id, version, task, keywords, all)
    }

    fn connection_layer(&self) -> (&'static str, u64, u64) {
        if self.inbound {
            ("%%14610", 44, 46)
        } else {
            ("%%14611", 48, 50)
        }
    }

    /// 5156: a connection was permitted.
    pub fn allowed(&self) -> Event {
        self.event(5156, 1, 12_810, SUCCESS, self.connection_layer())
    }

    /// 5157: a connection was blocked; there is a listener, and a rule forbids it.
    pub fn blocked(&self) -> Event {
        self.event(5157, 1, 12_810, FAILURE, self.connection_layer())
    }

    /// 5152: a packet for a port without listener was dropped at the transport layer.
    pub fn dropped(&self) -> Event {
        self.event(5152, 0, 12_809, FAILURE, ("%%14597", 13, 15))
    }

    /// 5152: the ICMP refusal of a datagram was held back.
    pub fn refusal_dropped(&self) -> Event {
        self.event(5152, 0, 12_809, FAILURE, ("%%14601", 32, 34))
    }
}

/// 5154: a process listens on a TCP port, on the wildcard address of one family.
pub fn listening(process: &Program, port: u16, v6: bool) -> Event {
    local(5154, process, port, v6, 6, ("%%14609", 40, 42), 81_935)
}

/// 5158: a process bound a local port.
pub fn bound(process: &Program, port: u16, v6: bool, protocol: u8) -> Event {
    local(5158, process, port, v6, protocol, ("%%14608", 36, 38), 0)
}

fn local(
    id: u16,
    process: &Program,
    port: u16,
    v6: bool,
    protocol: u8,
    layer: (&str, u64, u64),
    filter: u64,
) -> Event {
    let all = fields([
        ("ProcessId", Value::U64(process.pid.into())),
        ("Application", Value::text(process.nt_path())),
        (
            "SourceAddress",
            Value::text(if v6 { "::" } else { "0.0.0.0" }),
        ),
        ("SourcePort", Value::text(port.to_string())),
        ("Protocol", Value::U32(protocol.into())),
        ("FilterRTID", Value::U64(filter)),
        ("LayerName", Value::text(layer.0)),
        ("LayerRTID", Value::U64(if v6 { layer.2 } else { layer.1 })),
    ]);
    security(id, 0, 12_810, SUCCESS, all)
}

/// 4946, 4947, 4948: a rule was added, changed, deleted. It says neither port nor action nor who.
pub fn rule_changed(id: u16, rule_id: &str, rule_name: &str) -> Event {
    let all = fields([
        ("ProfileChanged", Value::text("All")),
        ("RuleId", Value::text(rule_id)),
        ("RuleName", Value::text(rule_name)),
    ]);
    security(id, 0, 13_571, SUCCESS, all)
}

/// 4950: a setting of a profile was changed.
pub fn setting_changed(profile: &str, setting: &str, value: &str) -> Event {
    let all = fields([
        ("ProfileChanged", Value::text(profile)),
        ("SettingType", Value::text(setting)),
        ("SettingValue", Value::text(value)),
    ]);
    security(4950, 0, 13_571, SUCCESS, all)
}

/// 4956: another profile is active.
pub fn profile_active(profile: &str) -> Event {
    security(
        4956,
        0,
        13_571,
        SUCCESS,
        fields([("ActiveProfile", Value::text(profile))]),
    )
}

/// 5446: a callout was added.
pub fn callout_added(mpssvc: &Program, name: &str, provider: &str) -> Event {
    let key = crate::seed::guid(&["callout", name]);
    let all = fields([
        ("ProcessId", Value::U32(mpssvc.pid)),
        ("UserSid", mpssvc.account.sid_value()),
        ("UserName", Value::text(mpssvc.account.full())),
        (
            "ProviderKey",
            Value::Guid(crate::seed::guid(&["provider", provider])),
        ),
        ("ProviderName", Value::text(provider)),
        ("ChangeType", Value::text("%%16384")),
        ("CalloutKey", Value::Guid(key)),
        ("CalloutName", Value::text(name)),
        ("CalloutType", Value::text("%%16388")),
        ("CalloutId", Value::U32(285)),
        ("LayerKey", Value::Guid(guid_of(LAYERS[1].1))),
        ("LayerName", Value::text(LAYERS[1].0)),
        ("LayerId", Value::U32(LAYERS[1].2)),
    ]);
    security(5446, 0, 13_573, SUCCESS, all)
}

/// A filter of the filtering platform, for 5447.
pub struct FilterChange<'a> {
    /// The service that reports it.
    pub mpssvc: &'a Program,
    /// Provider key; all zeros for a program that names none.
    pub provider: &'a str,
    /// Filter name: the rule's name when a rule made it.
    pub name: &'a str,
    /// Index into the layers listen v4, accept v4, listen v6, accept v6, connect v4, connect v6.
    pub layer: usize,
    /// Added; otherwise deleted.
    pub added: bool,
    /// Permit; otherwise block.
    pub permit: bool,
    /// Run-time id.
    pub id: u64,
    /// Local port condition.
    pub port: Option<u16>,
    /// Protocol condition.
    pub protocol: Option<u8>,
    /// Remote IPv4 address condition.
    pub remote: Option<IpAddr>,
    /// Program condition, as an NT path.
    pub application: Option<&'a str>,
}

const LAYERS: [(&str, &str, u32); 6] = [
    (
        "ALE Listen v4 Layer",
        "88bb5dad-76d7-4227-9c71-df0a3ed7be7e",
        40,
    ),
    (
        "ALE Receive/Accept v4 Layer",
        "e1cd9fe7-f4b5-4273-96c0-592e487b8650",
        44,
    ),
    (
        "ALE Listen v6 Layer",
        "7ac9de24-17dd-4814-b4bd-a9fbc95a321b",
        42,
    ),
    (
        "ALE Receive/Accept v6 Layer",
        "a3b42c97-9f04-4672-b87e-cee9c483257f",
        46,
    ),
    (
        "ALE Connect v4 Layer",
        "c38d57d1-05a7-4c33-904f-7fbceee60e82",
        48,
    ),
    (
        "ALE Connect v6 Layer",
        "4a72393b-319f-44bc-84c3-ba54dcb3b6b4",
        50,
    ),
];

fn guid_of(text: &str) -> [u8; 16] {
    crate::evtx::value::guid_from_text(text).unwrap_or_default()
}

impl FilterChange<'_> {
    /// 5447.
    pub fn event(&self) -> Event {
        let (layer_name, layer_key, layer_id) = LAYERS[self.layer % LAYERS.len()];
        let key = crate::seed::guid(&["filter", self.name, &self.id.to_string()]);
        let all = fields([
            ("ProcessId", Value::U32(self.mpssvc.pid)),
            ("UserSid", self.mpssvc.account.sid_value()),
            ("UserName", Value::text(self.mpssvc.account.full())),
            ("ProviderKey", Value::Guid(guid_of(self.provider))),
            (
                "ProviderName",
                Value::text(match self.provider {
                    FIREWALL_PROVIDER => "Microsoft Corporation",
                    _ => "-",
                }),
            ),
            (
                "ChangeType",
                Value::text(if self.added { "%%16384" } else { "%%16385" }),
            ),
            ("FilterKey", Value::Guid(key)),
            ("FilterName", Value::text(self.name)),
            ("FilterType", Value::text("%%16388")),
            ("FilterId", Value::U64(self.id)),
            ("LayerKey", Value::Guid(guid_of(layer_key))),
            ("LayerName", Value::text(layer_name)),
            ("LayerId", Value::U32(layer_id)),
            ("Weight", Value::U64(10_376_293_542_535_364_352)),
            ("Conditions", Value::text(self.conditions())),
            (
                "Action",
                Value::text(if self.permit { "%%16390" } else { "%%16389" }),
            ),
            ("CalloutKey", Value::Guid([0; 16])),
            ("CalloutName", Value::text("-")),
        ]);
        security(5447, 0, 13_573, SUCCESS, all)
    }

    fn conditions(&self) -> String {
        // Listen filters carry the port only, accept filters the protocol too.
        let accepts = LAYERS[self.layer % LAYERS.len()].0.contains("Accept");
        let mut blocks = Vec::new();
        if let Some(port) = self.port {
            blocks.push((
                "{0c1ba1af-5765-453f-af22-a8f791ac775b}",
                format!("0x{port:04x}"),
            ));
        }
        if let Some(protocol) = self.protocol.filter(|_| accepts) {
            blocks.push((
                "{3971ef2b-623e-4f9a-8cb1-6e79b806b9a7}",
                format!("0x{protocol:02x}"),
            ));
        }
        if let Some(IpAddr::V4(remote)) = self.remote.filter(|_| accepts) {
            let number = format!("0x{:08x}", u32::from(remote));
            blocks.push(("{b235ae9a-1d64-49b8-a44c-5ff3d9095045}", number));
        }
        if let Some(application) = self.application {
            blocks.push((
                "{d78e1e87-8644-4ea5-9437-d809ecefc971}",
                hex_dump(application),
            ));
        }
        let lines: Vec<String> = blocks
            .iter()
            .map(|(id, value)| {
                format!("\n\tCondition ID:\t{id}\n\tMatch value:\tEqual to\n\tCondition value:\t{value}\n")
            })
            .collect();
        lines.concat()
    }
}

/// The program condition: offset, sixteen bytes, text; the path in UTF-16 with its terminator.
fn hex_dump(path: &str) -> String {
    let bytes: Vec<u8> = path
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut dump = String::from("\n");
    for (i, row) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = row.iter().map(|b| format!("{b:02x}")).collect();
        let text: String = row
            .iter()
            .map(|b| {
                if b.is_ascii_graphic() {
                    char::from(*b)
                } else {
                    '.'
                }
            })
            .collect();
        dump.push_str(&format!("{:08x}  {:<47}  {text}\n", i * 16, hex.join(" ")));
    }
    dump
}

/// 4616: the system time was changed.
pub fn time_changed(by: &Program, from: Moment, to: Moment) -> Event {
    let mut all = by.account.subject();
    all.extend(fields([
        ("PreviousTime", Value::Time(from)),
        ("NewTime", Value::Time(to)),
        ("ProcessId", Value::SizeT(by.pid.into())),
        ("ProcessName", Value::text(by.image.as_str())),
    ]));
    security(4616, 1, 12_288, SUCCESS, all)
}

/// 4719: the audit policy of a subcategory was changed. `change` is a message id such as `%%8448`
/// (success removed).
pub fn audit_policy_changed(by: &Account, subcategory: &str, change: &str) -> Event {
    let mut all = by.subject();
    all.extend(fields([
        ("CategoryId", Value::text("%%8274")),
        ("SubcategoryId", Value::text("%%12810")),
        ("SubcategoryGuid", Value::Guid(guid_of(subcategory))),
        ("AuditPolicyChanges", Value::text(change)),
    ]));
    security(4719, 0, 13_568, SUCCESS, all)
}

/// 4624: a logon of `kind` (3 network, 10 remote desktop) from `from`.
pub fn logged_on(who: &Account, kind: u32, from: End) -> Event {
    let mut all = Account::system().subject();
    all.extend(fields([
        ("TargetUserSid", who.sid_value()),
        ("TargetUserName", Value::text(who.name.as_str())),
        ("TargetDomainName", Value::text(who.domain.as_str())),
        ("TargetLogonId", Value::Hex64(who.logon)),
        ("LogonType", Value::U32(kind)),
        (
            "LogonProcessName",
            Value::text(if kind == 3 { "NtLmSsp " } else { "User32 " }),
        ),
        (
            "AuthenticationPackageName",
            Value::text(if kind == 3 { "NTLM" } else { "Negotiate" }),
        ),
        ("WorkstationName", Value::text("-")),
        ("LogonGuid", Value::Guid([0; 16])),
        ("TransmittedServices", Value::text("-")),
        ("LmPackageName", Value::text("-")),
        ("KeyLength", Value::U32(0)),
        ("ProcessId", Value::SizeT(0)),
        ("ProcessName", Value::text("-")),
        ("IpAddress", Value::text(from.0.to_string())),
        ("IpPort", Value::text(from.1.to_string())),
        ("ImpersonationLevel", Value::text("%%1833")),
        ("RestrictedAdminMode", Value::text("-")),
        ("TargetOutboundUserName", Value::text("-")),
        ("TargetOutboundDomainName", Value::text("-")),
        ("VirtualAccount", Value::text("%%1843")),
        ("TargetLinkedLogonId", Value::Hex64(0)),
        ("ElevatedToken", Value::text("%%1842")),
    ]));
    security(4624, 2, 12_544, SUCCESS, all)
}

/// 1102: the Security log was cleared. Its fields are UserData.
pub fn log_cleared(by: &Account) -> Event {
    let event = security(1102, 0, 104, 0x4020_0000_0000_0000, Vec::new());
    Event {
        provider: Provider {
            name: "Microsoft-Windows-Eventlog".into(),
            guid: "{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}".into(),
            source: String::new(),
            literal: true,
        },
        level: 4,
        process: 940,
        thread: 620,
        payload: Payload::UserData {
            element: "LogFileCleared".into(),
            namespace: "http://manifests.microsoft.com/win/2004/08/windows/eventlog".into(),
            fields: by.subject(),
        },
        ..event
    }
}

/// 1100: the event log service ends. It has no fields.
pub fn event_log_stopped() -> Event {
    let event = log_cleared(&Account::system());
    Event {
        id: 1100,
        task: 103,
        payload: Payload::UserData {
            element: "ServiceShutdown".into(),
            namespace: "http://manifests.microsoft.com/win/2004/08/windows/eventlog".into(),
            fields: Vec::new(),
        },
        ..event
    }
}

/// A rule id in the form Windows gives new rules.
pub fn rule_id(words: &[&str]) -> String {
    guid_text(&crate::seed::guid(words))
}
