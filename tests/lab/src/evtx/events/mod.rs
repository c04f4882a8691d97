//! Builders of the events the stories need, with the field names and types Windows declares.
//!
//! Each function gives an event without computer and time: `.at(computer, moment)` sets both. Where
//! a field's content does not matter to anybody it holds what a default system writes.

pub mod firewall;
pub mod security;
pub mod sysmon;
pub mod windows;

use super::event::{Event, Payload, Provider};
use super::value::{Value, sid};
use crate::moment::Moment;
use crate::seed;

/// Who acts.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// SID in text form.
    pub sid: String,
    /// Name.
    pub name: String,
    /// Domain.
    pub domain: String,
    /// Logon id.
    pub logon: u64,
}

impl Account {
    /// The machine itself: LocalSystem.
    pub fn system() -> Self {
        Self {
            sid: "S-1-5-18".into(),
            name: "SYSTEM".into(),
            domain: "NT AUTHORITY".into(),
            logon: 0x3e7,
        }
    }

    /// `DOMAIN\name`.
    pub fn full(&self) -> String {
        format!("{}\\{}", self.domain, self.name)
    }

    fn sid_value(&self) -> Value {
        Value::Sid(sid(&self.sid).unwrap_or_else(null_sid))
    }

    fn subject(&self) -> Vec<(String, Value)> {
        fields([
            ("SubjectUserSid", self.sid_value()),
            ("SubjectUserName", Value::text(self.name.as_str())),
            ("SubjectDomainName", Value::text(self.domain.as_str())),
            ("SubjectLogonId", Value::Hex64(self.logon)),
        ])
    }
}

/// A running process.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Process id.
    pub pid: u32,
    /// Image as a drive path; `System` and `-` stand for themselves.
    pub image: String,
    /// Sysmon's ProcessGuid.
    pub guid: [u8; 16],
    /// Command line.
    pub command_line: String,
    /// OriginalFileName of its file; `None` for the name that it has.
    pub original: Option<String>,
    /// The account it runs as.
    pub account: Account,
}

impl Program {
    /// The kernel, pid 4.
    pub fn kernel(computer: &str) -> Self {
        Self {
            pid: 4,
            image: "System".into(),
            guid: seed::guid(&[computer, "System"]),
            command_line: String::new(),
            original: None,
            account: Account::system(),
        }
    }

    /// The image as the filtering platform names it: an NT path in lower case.
    pub fn nt_path(&self) -> String {
        nt_path(&self.image)
    }
}

/// `C:\Windows\x.exe` as `\device\harddiskvolume2\windows\x.exe`.
pub fn nt_path(image: &str) -> String {
    match image.split_once(":\\") {
        Some((_, rest)) => format!("\\device\\harddiskvolume2\\{}", rest.to_lowercase()),
        None => image.to_owned(),
    }
}

/// `S-1-0-0`, Windows' way to say nobody.
pub(super) fn null_sid() -> Vec<u8> {
    vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

pub(super) fn fields<const N: usize>(fields: [(&str, Value); N]) -> Vec<(String, Value)> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A manifest provider's event.
pub(super) fn manifest(
    provider: (&str, &str),
    channel: &str,
    id: u16,
    version: u8,
    task: u16,
    keywords: u64,
    fields: Vec<(String, Value)>,
) -> Event {
    Event {
        provider: Provider {
            name: provider.0.into(),
            guid: provider.1.into(),
            source: String::new(),
            literal: false,
        },
        channel: channel.into(),
        computer: String::new(),
        id,
        qualifiers: None,
        version,
        level: 4,
        task,
        opcode: 0,
        keywords,
        created: Moment::default(),
        written: None,
        record_id: None,
        activity: None,
        process: 4,
        thread: 1720,
        user: None,
        payload: Payload::EventData(fields),
    }
}
