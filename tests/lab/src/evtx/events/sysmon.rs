//! Sysmon's channel. Every builder takes the UtcTime apart from the time of writing: for 3 and 22
//! they differ by seconds, and by a bias of their own.

use super::{Program, fields, manifest};
use crate::evtx::event::Event;
use crate::evtx::value::{Value, sid};
use crate::moment::Moment;
use crate::seed;
use std::net::IpAddr;

const PROVIDER: (&str, &str) = (
    "Microsoft-Windows-Sysmon",
    "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
);
/// Channel name.
pub const CHANNEL: &str = "Microsoft-Windows-Sysmon/Operational";

fn sysmon(id: u16, version: u8, fields: Vec<(String, Value)>) -> Event {
    Event {
        process: 4704,
        thread: 2252,
        user: sid("S-1-5-18"),
        ..manifest(
            PROVIDER,
            CHANNEL,
            id,
            version,
            id,
            0x8000_0000_0000_0000,
            fields,
        )
    }
}

fn head(utc: Moment, process: &Program) -> Vec<(String, Value)> {
    fields([
        ("RuleName", Value::text("-")),
        ("UtcTime", Value::text(utc.sysmon())),
        ("ProcessGuid", Value::Guid(process.guid)),
        ("ProcessId", Value::U32(process.pid)),
        ("Image", Value::text(process.image.as_str())),
    ])
}

fn hashes(path: &str) -> Value {
    Value::text(format!(
        "SHA256={:016X}{:016X}{:016X}{:016X}",
        seed::number(&[path, "1"]),
        seed::number(&[path, "2"]),
        seed::number(&[path, "3"]),
        seed::number(&[path, "4"])
    ))
}

/// An event that these builders do not know, with the fields as given.
pub fn other(id: u16, given: Vec<(String, Value)>) -> Event {
    sysmon(id, 3, given)
}

/// 1: a process was created.
pub fn process_created(utc: Moment, process: &Program, parent: &Program) -> Event {
    let file = process.image.rsplit('\\').next().unwrap_or("-");
    let file = process.original.as_deref().unwrap_or(file);
    let mut all = head(utc, process);
    all.extend(fields([
        ("FileVersion", Value::text("-")),
        ("Description", Value::text("-")),
        ("Product", Value::text("-")),
        ("Company", Value::text("-")),
        ("OriginalFileName", Value::text(file)),
        ("CommandLine", Value::text(process.command_line.as_str())),
        ("CurrentDirectory", Value::text("C:\\Windows\\system32\\")),
        ("User", Value::text(process.account.full())),
        (
            "LogonGuid",
            Value::Guid(seed::guid(&["logon", &process.account.full()])),
        ),
        ("LogonId", Value::Hex64(process.account.logon)),
        ("TerminalSessionId", Value::U32(0)),
        ("IntegrityLevel", Value::text("High")),
        ("Hashes", hashes(&process.image)),
        ("ParentProcessGuid", Value::Guid(parent.guid)),
        ("ParentProcessId", Value::U32(parent.pid)),
        ("ParentImage", Value::text(parent.image.as_str())),
        (
            "ParentCommandLine",
            Value::text(parent.command_line.as_str()),
        ),
        ("ParentUser", Value::text(parent.account.full())),
    ]));
    sysmon(1, 5, all)
}

/// 3: a connection was made. Source is the initiator in both directions.
pub fn connected(
    utc: Moment,
    process: &Program,
    initiated: bool,
    protocol: &str,
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
) -> Event {
    let mut all = head(utc, process);
    all.extend(fields([
        ("User", Value::text(process.account.full())),
        ("Protocol", Value::text(protocol)),
        ("Initiated", Value::Bool(initiated)),
        ("SourceIsIpv6", Value::Bool(source.0.is_ipv6())),
        ("SourceIp", Value::text(uncompressed(source.0))),
        ("SourceHostname", Value::text("-")),
        ("SourcePort", Value::U16(source.1)),
        ("SourcePortName", Value::text("-")),
        ("DestinationIsIpv6", Value::Bool(destination.0.is_ipv6())),
        ("DestinationIp", Value::text(uncompressed(destination.0))),
        ("DestinationHostname", Value::text("-")),
        ("DestinationPort", Value::U16(destination.1)),
        ("DestinationPortName", Value::text("-")),
    ]));
    sysmon(3, 5, all)
}

/// Sysmon prints IPv6 with every group.
fn uncompressed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(a) => a.to_string(),
        IpAddr::V6(a) => a.segments().map(|s| format!("{s:x}")).join(":"),
    }
}

/// 4: Sysmon's own state, `Started` or `Stopped`.
pub fn state(utc: Moment, state: &str) -> Event {
    let all = fields([
        ("UtcTime", Value::text(utc.sysmon())),
        ("State", Value::text(state)),
        ("Version", Value::text("15.15")),
        ("SchemaVersion", Value::text("4.90")),
    ]);
    sysmon(4, 3, all)
}

/// 5: a process ended.
pub fn process_ended(utc: Moment, process: &Program) -> Event {
    let mut all = head(utc, process);
    all.extend(fields([("User", Value::text(process.account.full()))]));
    sysmon(5, 3, all)
}

/// 6: a driver was loaded.
pub fn driver_loaded(utc: Moment, driver: &str, signer: Option<&str>) -> Event {
    let mut all = fields([
        ("RuleName", Value::text("-")),
        ("UtcTime", Value::text(utc.sysmon())),
        ("ImageLoaded", Value::text(driver)),
        ("Hashes", hashes(driver)),
    ]);
    all.extend(signed(signer));
    sysmon(6, 4, all)
}

fn signed(signer: Option<&str>) -> Vec<(String, Value)> {
    fields([
        (
            "Signed",
            Value::text(if signer.is_some() { "true" } else { "false" }),
        ),
        ("Signature", Value::text(signer.unwrap_or("-"))),
        (
            "SignatureStatus",
            Value::text(if signer.is_some() {
                "Valid"
            } else {
                "Unavailable"
            }),
        ),
    ])
}

/// 7: a process loaded a library.
pub fn library_loaded(
    utc: Moment,
    process: &Program,
    library: &str,
    signer: Option<&str>,
) -> Event {
    let mut all = head(utc, process);
    all.extend(fields([
        ("ImageLoaded", Value::text(library)),
        ("FileVersion", Value::text("-")),
        ("Description", Value::text("-")),
        ("Product", Value::text("-")),
        ("Company", Value::text("-")),
        ("OriginalFileName", Value::text("-")),
        ("Hashes", hashes(library)),
    ]));
    all.extend(signed(signer));
    all.extend(fields([("User", Value::text(process.account.full()))]));
    sysmon(7, 3, all)
}

/// 8: a process started a thread in another.
pub fn thread_started(utc: Moment, by: &Program, into: &Program) -> Event {
    let all = fields([
        ("RuleName", Value::text("-")),
        ("UtcTime", Value::text(utc.sysmon())),
        ("SourceProcessGuid", Value::Guid(by.guid)),
        ("SourceProcessId", Value::U32(by.pid)),
        ("SourceImage", Value::text(by.image.as_str())),
        ("TargetProcessGuid", Value::Guid(into.guid)),
        ("TargetProcessId", Value::U32(into.pid)),
        ("TargetImage", Value::text(into.image.as_str())),
        ("NewThreadId", Value::U32(by.pid + 4)),
        ("StartAddress", Value::text("0x00000227D4A50000")),
        ("StartModule", Value::text("-")),
        ("StartFunction", Value::text("-")),
        ("SourceUser", Value::text(by.account.full())),
        ("TargetUser", Value::text(into.account.full())),
    ]);
    sysmon(8, 2, all)
}

/// 11: a process created a file.
pub fn file_created(utc: Moment, process: &Program, path: &str) -> Event {
    let mut all = head(utc, process);
    all.extend(fields([
        ("TargetFilename", Value::text(path)),
        ("CreationUtcTime", Value::text(utc.sysmon())),
        ("User", Value::text(process.account.full())),
    ]));
    sysmon(11, 2, all)
}

/// 12 (`CreateKey`, `DeleteValue` …) and, with details, 13 (`SetValue`): the registry changed.
pub fn registry(
    utc: Moment,
    process: &Program,
    kind: &str,
    object: &str,
    details: Option<&str>,
) -> Event {
    let mut all = fields([
        ("RuleName", Value::text("-")),
        ("EventType", Value::text(kind)),
    ]);
    all.extend(head(utc, process).into_iter().skip(1));
    all.extend(fields([("TargetObject", Value::text(object))]));
    if let Some(details) = details {
        all.extend(fields([("Details", Value::text(details))]));
    }
    all.extend(fields([("User", Value::text(process.account.full()))]));
    sysmon(if details.is_some() { 13 } else { 12 }, 2, all)
}

/// 16: Sysmon's configuration changed.
pub fn configured(utc: Moment, file: &str) -> Event {
    let all = fields([
        ("UtcTime", Value::text(utc.sysmon())),
        ("Configuration", Value::text(file)),
        ("ConfigurationFileHash", hashes(file)),
    ]);
    sysmon(16, 3, all)
}

/// 22: a process asked for a name.
pub fn name_queried(
    utc: Moment,
    process: &Program,
    name: &str,
    status: &str,
    results: &str,
) -> Event {
    let mut all = fields([("RuleName", Value::text("-"))]);
    all.extend(head(utc, process).into_iter().skip(1).take(3));
    all.extend(fields([
        ("QueryName", Value::text(name)),
        ("QueryStatus", Value::text(status)),
        ("QueryResults", Value::text(results)),
        ("Image", Value::text(process.image.as_str())),
        ("User", Value::text(process.account.full())),
    ]));
    sysmon(22, 5, all)
}
