//! The report as JSON: the record that every other form is a rendering of.
//!
//! Canonical: keys in the order of the schema, times in UTC with nine digits, whole nanoseconds,
//! one space of indent, a line feed at the end; nothing of the run's wall clock. The same evidence
//! and settings give the same bytes. Text from evidence is kept exactly; hidden characters in it are
//! written as escapes.

pub mod fields;
mod from_case;
mod incident;
pub mod inventory;
pub mod read;
pub mod refs;
pub mod schema;
pub mod shape;

#[cfg(test)]
mod tests;

use crate::case::{Case, Incident};
use crate::model::{Event, Labels};
use crate::report::escape;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// What the member `schema` of every report says.
pub const SCHEMA: &str = "casewire-report";

/// Version of the schema: minor versions add optional members, major ones may break.
pub const SCHEMA_VERSION: &str = "1.9.0";

/// The case as the structure that every rendering and export is made from.
pub fn shaped(case: &Case) -> shape::Report {
    from_case::report(case)
}

/// The incidents before and after one, if there are any.
pub fn chain(incident: &Incident) -> Option<shape::Chain> {
    incident::chain(&incident.chain)
}

/// The whole report.
///
/// # Errors
/// None that evidence can cause; the signature is serde's.
pub fn report(case: &Case) -> Result<Vec<u8>, serde_json::Error> {
    pretty(&from_case::report(case))
}

/// One incident a line, suppressed ones included.
///
/// # Errors
/// As `report`.
pub fn lines(case: &Case) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    for incident in &case.incidents {
        out.extend_from_slice(line(&incident::finding(case, incident))?.as_bytes());
        out.push(b'\n');
    }
    Ok(out)
}

/// One event of the timeline as one line, without the line feed.
///
/// # Errors
/// As `report`.
pub fn event_line(event: &Event, labels: &Labels) -> Result<String, serde_json::Error> {
    line(&from_case::timeline_event(event, labels))
}

/// Any value on one line, without a line feed.
///
/// # Errors
/// As `report`.
pub fn line<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(escape::json)
}

/// Any value in the canonical layout.
///
/// # Errors
/// As `report`.
pub fn pretty<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b" "));
    value.serialize(&mut serializer)?;
    out.push(b'\n');
    Ok(match String::from_utf8(out) {
        Ok(text) => escape::json(text).into_bytes(),
        // What serde writes is UTF-8.
        Err(other) => other.into_bytes(),
    })
}
