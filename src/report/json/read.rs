//! A report read back from its bytes.
//!
//! Minor versions add members, so unknown ones pass; another major version may mean something else
//! by the same name and is refused.

use super::shape::{Finding, Report, Step, Time, TimelineEvent};
use crate::model::Timestamp;
use crate::report::zone::is_utc;
use serde::Deserialize;

/// Why bytes are no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// They are no JSON, or lack what every report has.
    #[error("not a casewire report: {0}; give the folder that 'casewire analyze -o' wrote")]
    Form(#[from] serde_json::Error),
    /// The report is of another major version.
    #[error(
        "the report has schema version {0}, and this casewire reads 1.x; use the casewire that wrote it"
    )]
    Version(String),
}

#[derive(Deserialize)]
struct Head {
    schema: String,
    schema_version: String,
}

/// Reads `report.json`.
///
/// # Errors
/// See `ReadError`.
pub fn report(bytes: &[u8]) -> Result<Report, ReadError> {
    let head: Head = serde_json::from_slice(bytes)?;
    if head.schema != super::SCHEMA || !head.schema_version.starts_with("1.") {
        return Err(ReadError::Version(head.schema_version));
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// A time of the report as a moment; the start of 1970 for text that is none, which a report that
/// fits its schema does not hold.
pub fn moment(time: &super::shape::Time) -> Timestamp {
    Timestamp::parse(&time.0).unwrap_or(Timestamp(0))
}

impl Report {
    /// True if the times of all these files are UTC: see `zone::is_utc`.
    pub fn tells_utc<'a>(&self, files: impl IntoIterator<Item = &'a str>) -> bool {
        let unknown = &self.summary.unknown_zones;
        unknown.is_empty()
            || files.into_iter().all(|file| {
                let mut rows = self.evidence.iter().filter(|row| row.id.0 == file);
                rows.all(|row| is_utc(&row.kind, unknown))
            })
    }
}

impl Step {
    /// True if its times are local, of a zone that nothing tells.
    pub fn is_local(&self) -> bool {
        self.time_zone.is_some()
    }
}

impl TimelineEvent {
    /// As `Step::is_local`.
    pub fn is_local(&self) -> bool {
        self.time_zone.is_some()
    }
}

impl Finding {
    /// `UTC`, or `local` for the time of a step whose zone nothing tells.
    pub fn zone_of(&self, time: &Time) -> &'static str {
        let mut local = self.steps.iter().filter(|step| step.is_local());
        match local.any(|step| step.time.0 == time.0) {
            true => "local",
            false => "UTC",
        }
    }

    /// The host it is about: its name, else its address, else nothing.
    pub fn host(&self) -> &str {
        let host = self.entities.host.as_ref();
        host.and_then(|h| h.name.as_deref().or(h.address.as_deref()))
            .unwrap_or("")
    }

    /// The other side: its address, else its MAC, else nothing.
    pub fn remote(&self) -> &str {
        let remote = self.entities.remote.as_ref();
        remote
            .and_then(|r| r.address.as_deref().or(r.mac.as_deref()))
            .unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json, samples};

    #[test]
    fn a_report_is_read_back_to_the_same_bytes() {
        for case in [
            samples::case(),
            samples::quiet(),
            samples::with_text_everywhere(samples::HOSTILE[3]),
        ] {
            let bytes = json::report(&case).unwrap();
            assert_eq!(json::pretty(&report(&bytes).unwrap()).unwrap(), bytes);
        }
    }

    #[test]
    fn another_major_version_and_other_json_are_refused() {
        let text = String::from_utf8(json::report(&samples::case()).unwrap()).unwrap();
        let next = text.replace("\"schema_version\": \"1.", "\"schema_version\": \"2.");
        assert!(matches!(
            report(next.as_bytes()),
            Err(ReadError::Version(_))
        ));
        assert!(matches!(report(b"{}"), Err(ReadError::Form(_))));
        let newer = text.replacen("\"tool\"", "\"added_later\": 1, \"tool\"", 1);
        assert!(report(newer.as_bytes()).is_ok());
    }
}
