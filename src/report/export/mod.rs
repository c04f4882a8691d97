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
use super::json::shape::{BySeverity, Finding, Report};
use super::record::{Chosen, telling};
use super::zone::local_times;
use crate::model::plural::counted;

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

    /// True if a finding that a rule suppresses can be told as such in it.
    pub fn tells_suppressed(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }

    /// What it does not hold of the record, or holds otherwise; `None` if it holds all.
    pub fn loss(self) -> Option<&'static str> {
        match self {
            Self::Json => None,
            Self::Jsonl => Some(
                "findings only: evidence list, hosts, coverage, gaps, near misses, problems and settings are \
                 left out",
            ),
            Self::Csv => Some(
                "steps only, without their fields; times are cut to microseconds; cells a spreadsheet \
                 could take for a formula begin with an apostrophe; hidden characters are spelled out",
            ),
            Self::Timesketch => Some(
                "steps only: conditions, alternatives, clocks, coverage, gaps, near misses, problems and \
                 settings are left out; Timesketch orders by microseconds, nine digits stay in datetime",
            ),
            Self::Case => Some(
                "conditions and clocks are told as text; coverage, gaps, near misses, problems, \
                 alternatives, what was not seen, notes and what a step says beside its ends are left out; \
                 when and by whom the run was made is in run.json only; hidden characters are spelled out",
            ),
            Self::Stix => Some(
                "times are cut to milliseconds; what a step says in words, clocks, conditions, coverage, \
                 gaps, near misses, problems, alternatives and settings are left out; a record stands for the \
                 file it lies in",
            ),
            Self::Navigator => Some(
                "all but techniques and the ids of their findings: steps, evidence, coverage, problems \
                 and settings are left out",
            ),
        }
    }
}

/// The findings that are exported: the chosen ones, those suppressed by a rule only where the form
/// can say so.
fn exported<'r>(report: &'r Report, format: Format, wanted: &Chosen) -> Vec<&'r Finding> {
    let mut findings = telling::chosen(report, wanted);
    findings.retain(|f| format.tells_suppressed() || f.suppressed.is_none());
    findings
}

/// Which of the incidents of a case an export holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Incidents in it.
    pub held: usize,
    /// Incidents that were asked for and that a rule suppresses, which the form cannot say: by short id.
    pub suppressed: Vec<String>,
    /// Incidents of the case that were not asked for.
    pub others: usize,
}

impl Scope {
    /// What an export of this form holds.
    pub fn of(report: &Report, format: Format, wanted: &Chosen) -> Self {
        let asked = telling::chosen(report, wanted);
        let held = exported(report, format, wanted).len();
        let suppressed = asked
            .iter()
            .filter(|f| !format.tells_suppressed() && f.suppressed.is_some());
        Self {
            held,
            suppressed: suppressed.map(|f| f.short_id.clone()).collect(),
            others: report.findings.len() - asked.len(),
        }
    }

    /// What is not in it, as a sentence; `None` where all incidents of the case are.
    pub fn told(&self) -> Option<String> {
        let hidden = self.suppressed.len();
        let mut why = Vec::new();
        if hidden > 0 {
            let is = if hidden == 1 { "is" } else { "are" };
            why.push(format!(
                "{hidden} {is} suppressed by rules of the settings file and not in this form"
            ));
        }
        if self.others > 0 {
            let was = if self.others == 1 { "was" } else { "were" };
            why.push(format!("{} {was} not chosen", self.others));
        }
        let all = self.held + hidden + self.others;
        (!why.is_empty()).then(|| {
            format!(
                "This holds {} of {}: {}; report.json of the case has all.",
                self.held,
                counted(all as u64, "incident"),
                why.join(", ")
            )
        })
    }
}

/// A copy of the report with these findings only, whose counts are those of the copy, and which says so.
fn narrowed(report: &Report, findings: &[&Finding], scope: &Scope) -> Report {
    let Some(told) = scope.told() else {
        return report.clone();
    };
    let mut copy = report.clone();
    copy.findings = findings.iter().map(|f| (*f).clone()).collect();
    let open = || findings.iter().filter(|f| f.suppressed.is_none());
    let of = |word: &str| open().filter(|f| f.severity.0 == word).count() as u64;
    copy.summary.findings = open().count() as u64;
    copy.summary.suppressed = (findings.len() - open().count()) as u64;
    copy.summary.by_severity = BySeverity {
        critical: of("critical"),
        high: of("high"),
        medium: of("medium"),
        low: of("low"),
        info: of("info"),
    };
    copy.notes.insert(0, told);
    copy
}

/// What came of the case, for a description: of a part of it, what the part is.
fn result(report: &Report, scope: &Scope) -> String {
    let result = match scope.told() {
        None => telling::result(report),
        // Where nothing is left, "no incident found" would not be true of the case.
        Some(told) if scope.held == 0 => format!("{told} {}", telling::judged(report)),
        Some(told) => format!("{told} {}", telling::result(report)),
    };
    match local_times(&report.summary.unknown_zones) {
        None => result,
        Some(local) => format!("{result} {local}"),
    }
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
    let findings = exported(report, format, wanted);
    let scope = Scope::of(report, format, wanted);
    let part = narrowed(report, &findings, &scope);
    let result = result(&part, &scope);
    match format {
        Format::Json => json::pretty(&part),
        Format::Jsonl => {
            let mut out = Vec::new();
            for finding in findings {
                out.extend_from_slice(json::line(finding)?.as_bytes());
                out.push(b'\n');
            }
            Ok(out)
        }
        Format::Csv => Ok(csv::render(&findings).into_bytes()),
        Format::Timesketch => timesketch::steps(&findings),
        Format::Case => json::pretty(&case_uco::graph(&part, &findings, &result)),
        Format::Stix => json::pretty(&stix::bundle(&part, &findings, &result)),
        Format::Navigator => json::pretty(&navigator::layer(&part, &findings, &result)),
    }
}
