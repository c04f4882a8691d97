//! One event record before it becomes bytes.

use super::value::Value;
use crate::moment::Moment;

/// Who writes an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// Name.
    pub name: String,
    /// GUID in text form with braces; empty for none (the classic `EventLog`).
    pub guid: String,
    /// EventSourceName attribute of classic providers; empty for none.
    pub source: String,
    /// Provider, GUID and channel are literal text of the System template, as Windows does for
    /// classic providers and for the event log service.
    pub literal: bool,
}

/// What a record carries below `System`.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// `EventData` with one named `Data` per field.
    EventData(Vec<(String, Value)>),
    /// `UserData` with one element, its namespace, and one child element per field.
    UserData {
        /// Name of the element below `UserData`.
        element: String,
        /// Its `xmlns`.
        namespace: String,
        /// Child elements.
        fields: Vec<(String, Value)>,
    },
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Who writes it.
    pub provider: Provider,
    /// Channel name.
    pub channel: String,
    /// Computer name.
    pub computer: String,
    /// Event id.
    pub id: u16,
    /// EventID's Qualifiers attribute; classic providers have one.
    pub qualifiers: Option<u16>,
    /// Version.
    pub version: u8,
    /// Level.
    pub level: u8,
    /// Task.
    pub task: u16,
    /// Opcode.
    pub opcode: u8,
    /// Keywords.
    pub keywords: u64,
    /// System/TimeCreated.
    pub created: Moment,
    /// Time in the record header; `None` for the time created. A forwarded event has the time of
    /// its arrival here.
    pub written: Option<Moment>,
    /// System/EventRecordID; `None` lets the log count.
    pub record_id: Option<u64>,
    /// Correlation's ActivityID.
    pub activity: Option<[u8; 16]>,
    /// Execution's ProcessID.
    pub process: u32,
    /// Execution's ThreadID.
    pub thread: u32,
    /// Security's UserID, binary.
    pub user: Option<Vec<u8>>,
    /// The rest.
    pub payload: Payload,
}

impl Event {
    /// Sets the computer and the time created.
    #[must_use]
    pub fn at(mut self, computer: &str, created: Moment) -> Self {
        self.computer = computer.to_owned();
        self.created = created;
        self
    }

    /// The payload's fields.
    pub fn fields(&self) -> &[(String, Value)] {
        match &self.payload {
            Payload::EventData(fields) | Payload::UserData { fields, .. } => fields,
        }
    }

    /// The payload's fields, to be changed.
    pub fn fields_mut(&mut self) -> &mut Vec<(String, Value)> {
        match &mut self.payload {
            Payload::EventData(fields) | Payload::UserData { fields, .. } => fields,
        }
    }
}
