//! A report in the forms of other tools. Each says what it loses; the record loses nothing.
//!
//! | Form | Where it goes |
//! |---|---|
//! | `json`, `jsonl` | programs: the record, or its findings one a line |
//! | `csv` | spreadsheets |
//! | `timesketch` | the team's timeline |
//! | `case` | case files: CASE/UCO 1.5 as JSON-LD |
//! | `stix` | exchange: a STIX 2.1 bundle |
//! | `navigator` | a layer of the ATT&CK Navigator |
//!
//! All of them are made from the record alone, and the same record gives the same bytes.

pub mod case_uco;
pub mod csv;
mod ids;
pub mod navigator;
pub mod stix;
pub mod timesketch;

#[cfg(test)]
mod tests;

use super::json;
use super::json::shape::{Finding, Report};
use super::record::{Chosen, telling};

/// A form of another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The record.
    Json,
    /// One finding a line.
    Jsonl,
    /// One step a row.
    Csv,
    /// One step a line, for Timesketch.
    Timesketch,
    /// CASE/UCO 1.5.
    Case,
    /// STIX 2.1.
    Stix,
    /// ATT&CK Navigator.
    Navigator,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Json,
        Self::Jsonl,
        Self::Csv,
        Self::Timesketch,
        Self::Case,
        Self::Stix,
        Self::Navigator,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Timesketch => "timesketch",
            Self::Case => "case",
            Self::Stix => "stix",
            Self::Navigator => "navigator",
        }
    }

    /// What it does not hold of the record, or holds otherwise; `None` if it holds all.
    pub fn loss(self) -> Option<&'static str> {
        match self {
            Self::Json => None,
            Self::Jsonl => Some(
                "findings only: evidence list, coverage, near misses, problems and settings are left out",
            ),
            Self::Csv => Some(
                "steps only, without their fields; times are cut to microseconds; cells a spreadsheet \
                 could take for a formula begin with an apostrophe; hidden characters are spelled out",
            ),
            Self::Timesketch => Some(
                "steps only: conditions, clocks, coverage, problems and settings are left out; \
                 Timesketch orders by microseconds, nine digits stay in datetime",
            ),
            Self::Case => Some(
                "coverage, near misses and settings are told as text; when and by whom the run was \
                 made is in run.json only; hidden characters are spelled out",
            ),
            Self::Stix => Some(
                "times are cut to milliseconds; clocks, conditions, coverage, near misses and settings \
                 are left out; a record stands for the file it lies in",
            ),
            Self::Navigator => Some("techniques with their findings only; no steps, no evidence"),
        }
    }
}

/// The findings that are exported: the chosen ones, those suppressed by a rule only where the form
/// can say so.
fn exported<'r>(report: &'r Report, wanted: &Chosen) -> Vec<&'r Finding> {
    let mut findings = telling::chosen(report, wanted);
    findings.retain(|f| f.suppressed.is_none());
    findings
}

/// The report in that form.
///
/// # Errors
/// None that a report can cause; the signature is serde's.
pub fn render(
    report: &Report,
    format: Format,
    wanted: &Chosen,
) -> Result<Vec<u8>, serde_json::Error> {
    let findings = exported(report, wanted);
    match format {
        Format::Json => {
            let mut report = report.clone();
            let keep: Vec<String> = telling::chosen(&report, wanted)
                .iter()
                .map(|f| f.id.clone())
                .collect();
            report.findings.retain(|f| keep.contains(&f.id));
            json::pretty(&report)
        }
        Format::Jsonl => {
            let mut out = Vec::new();
            for finding in telling::chosen(report, wanted) {
                out.extend_from_slice(json::line(finding)?.as_bytes());
                out.push(b'\n');
            }
            Ok(out)
        }
        Format::Csv => Ok(csv::render(&findings).into_bytes()),
        Format::Timesketch => timesketch::steps(&findings),
        Format::Case => json::pretty(&case_uco::graph(report, &findings)),
        Format::Stix => json::pretty(&stix::bundle(report, &findings)),
        Format::Navigator => json::pretty(&navigator::layer(report, &findings)),
    }
}
