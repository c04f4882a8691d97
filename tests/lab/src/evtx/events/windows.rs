//! The System channel (services, log, clock, start and stop) and PowerShell's.

use super::{Account, fields, manifest};
use crate::evtx::event::{Event, Payload, Provider};
use crate::evtx::value::{Value, sid};
use crate::moment::Moment;

const KERNEL_GENERAL: (&str, &str) = (
    "Microsoft-Windows-Kernel-General",
    "{A68CA8B7-004F-D7B6-A698-07E2DE0F1F5D}",
);
const POWER: (&str, &str) = (
    "Microsoft-Windows-Power-Troubleshooter",
    "{CDC05E28-C449-49C6-B9D2-88CF761644DF}",
);
const POWERSHELL: (&str, &str) = (
    "Microsoft-Windows-PowerShell",
    "{A0C1853B-5C40-4B15-8766-3CF1C58F985A}",
);
/// PowerShell's channel name.
pub const POWERSHELL_CHANNEL: &str = "Microsoft-Windows-PowerShell/Operational";

fn service_control(id: u16, user: Option<Vec<u8>>, fields: Vec<(String, Value)>) -> Event {
    Event {
        provider: Provider {
            name: "Service Control Manager".into(),
            guid: "{555908d1-a6d7-4695-8e1e-26931d2012f4}".into(),
            source: "Service Control Manager".into(),
            literal: true,
        },
        qualifiers: Some(16_384),
        process: 620,
        thread: 1796,
        user,
        ..manifest(("", ""), "System", id, 0, 0, 0x8080_0000_0000_0000, fields)
    }
}

/// System 7045: a service was installed.
pub fn service_installed(name: &str, image: &str, by: &Account) -> Event {
    let driver = image.to_lowercase().ends_with(".sys");
    let all = fields([
        ("ServiceName", Value::text(name)),
        ("ImagePath", Value::text(image)),
        (
            "ServiceType",
            Value::text(if driver {
                "kernel mode driver"
            } else {
                "user mode service"
            }),
        ),
        (
            "StartType",
            Value::text(if driver { "demand start" } else { "auto start" }),
        ),
        (
            "AccountName",
            Value::text(if driver { "" } else { "LocalSystem" }),
        ),
    ]);
    service_control(7045, sid(&by.sid), all)
}

/// System 7036: a service entered a state, `running` or `stopped` on an English system.
pub fn service_state(display_name: &str, state: &str) -> Event {
    let blob: Vec<u8> = format!("{}/4", display_name.replace(' ', ""))
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect();
    let all = fields([
        ("param1", Value::text(display_name)),
        ("param2", Value::text(state)),
        ("Binary", Value::Binary(blob)),
    ]);
    service_control(7036, None, all)
}

fn event_log(id: u16) -> Event {
    Event {
        provider: Provider {
            name: "EventLog".into(),
            guid: String::new(),
            source: String::new(),
            literal: true,
        },
        qualifiers: Some(32_768),
        process: 0,
        thread: 0,
        ..manifest(
            ("", ""),
            "System",
            id,
            0,
            0,
            0x0080_0000_0000_0000,
            Vec::new(),
        )
    }
}

/// System 6005: the event log service began.
pub fn event_log_started() -> Event {
    event_log(6005)
}

/// System 6006: the event log service ended.
pub fn event_log_stopped() -> Event {
    event_log(6006)
}

/// System 104: another log than Security was cleared. Its fields are UserData.
pub fn log_cleared(by: &Account, channel: &str) -> Event {
    let event = manifest(
        ("", ""),
        "System",
        104,
        0,
        104,
        0x8000_0000_0000_0000,
        Vec::new(),
    );
    Event {
        provider: Provider {
            name: "Microsoft-Windows-Eventlog".into(),
            guid: "{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}".into(),
            source: String::new(),
            literal: true,
        },
        process: 940,
        thread: 620,
        user: sid(&by.sid),
        payload: Payload::UserData {
            element: "LogFileCleared".into(),
            namespace: "http://manifests.microsoft.com/win/2004/08/windows/eventlog".into(),
            fields: fields([
                ("SubjectUserName", Value::text(by.name.as_str())),
                ("SubjectDomainName", Value::text(by.domain.as_str())),
                ("Channel", Value::text(channel)),
                ("BackupPath", Value::text("")),
            ]),
        },
        ..event
    }
}

fn kernel_general(id: u16, version: u8, task: u16, fields: Vec<(String, Value)>) -> Event {
    Event {
        user: sid("S-1-5-18"),
        ..manifest(
            KERNEL_GENERAL,
            "System",
            id,
            version,
            task,
            0x8000_0000_0000_0080,
            fields,
        )
    }
}

/// Kernel-General 1: the system time was changed.
pub fn time_changed(from: Moment, to: Moment) -> Event {
    let all = fields([
        ("NewTime", Value::Time(to)),
        ("OldTime", Value::Time(from)),
        ("Reason", Value::U32(1)),
    ]);
    kernel_general(1, 1, 5, all)
}

/// Kernel-General 12: the system started.
pub fn started(at: Moment) -> Event {
    let all = fields([
        ("MajorVersion", Value::U32(10)),
        ("MinorVersion", Value::U32(0)),
        ("BuildVersion", Value::U32(17_763)),
        ("QfeVersion", Value::U32(1)),
        ("ServiceVersion", Value::U16(0)),
        ("BootMode", Value::U32(0)),
        ("StartTime", Value::Time(at)),
    ]);
    kernel_general(12, 0, 1, all)
}

/// Kernel-General 13: the system is stopping.
pub fn stopped(at: Moment) -> Event {
    kernel_general(13, 0, 2, fields([("StopTime", Value::Time(at))]))
}

/// Power-Troubleshooter 1: the system is back from sleep.
pub fn resumed(slept: Option<Moment>, woke: Moment, by: Option<&str>) -> Event {
    let mut all = Vec::new();
    all.extend(slept.map(|slept| ("SleepTime".to_owned(), Value::Time(slept))));
    all.push(("WakeTime".to_owned(), Value::Time(woke)));
    if let Some(by) = by {
        let kind = if by.starts_with("Timer") { 6 } else { 5 };
        all.push(("WakeSourceType".to_owned(), Value::U32(kind)));
        all.push(("WakeSourceText".to_owned(), Value::text(by)));
    }
    manifest(POWER, "System", 1, 3, 0, 0x8000_0000_0000_0000, all)
}

/// PowerShell 4104: a script block.
pub fn script_block(by: &Account, text: &str) -> Event {
    let id = crate::seed::guid(&["script", text]);
    let id = crate::evtx::value::guid_text(&id).to_lowercase();
    let all = fields([
        ("MessageNumber", Value::I32(1)),
        ("MessageTotal", Value::I32(1)),
        ("ScriptBlockText", Value::text(text)),
        ("ScriptBlockId", Value::text(id.trim_matches(['{', '}']))),
        ("Path", Value::text("")),
    ]);
    Event {
        level: 5,
        opcode: 15,
        process: 3212,
        user: sid(&by.sid),
        ..manifest(POWERSHELL, POWERSHELL_CHANNEL, 4104, 1, 2, 0, all)
    }
}
