//! What a severity means: analytic × basis × context, as one table.
//!
//! Severity says how bad it would be if it is what it looks like; how sure that is says the
//! confidence, which each finding adds up in the open. The table is held against every finding of
//! the stories by a test, so it cannot fall behind the code that decides.

use crate::analytics::about::Grade;
use crate::analytics::register;
use crate::model::finding::{KEPT_AT_INFO, Severity};
use crate::report::json::shape::Finding;
use std::fmt::Write;

/// The lines that a finding of this analytic, basis and severity falls under.
///
/// By their words, because a report may be another version's.
pub fn rows(analytic: &str, tier: &str, severity: &str) -> Vec<&'static Grade> {
    let Some(entry) = register::find(analytic) else {
        return Vec::new();
    };
    let lines = entry.about().severities.iter();
    lines
        .filter(|line| line.severity.word() == severity)
        .filter(|line| line.tiers.iter().any(|held| held.word() == tier))
        .collect()
}

/// Severity and what findings of this kind have it for, as one sentence: what gives a severity is a
/// list, and not all of it holds for each finding.
pub fn sentence(analytic: &str, tier: &str, severity: &str) -> String {
    let word = severity.to_uppercase();
    let rows = rows(analytic, tier, severity);
    let contexts: Vec<&str> = rows.iter().map(|row| row.context).collect();
    match contexts.as_slice() {
        [] => word,
        contexts => format!("{word}, which stands for: {}", contexts.join("; or: ")),
    }
}

/// The same for a finding with these notes: one that is kept at info has it for that reason, and for none
/// of the table.
pub fn of_finding(analytic: &str, tier: &str, severity: &str, notes: &[String]) -> String {
    let kept = notes
        .iter()
        .find_map(|note| note.strip_prefix(KEPT_AT_INFO));
    match kept.filter(|_| severity == Severity::Info.word()) {
        Some(why) => format!("{}, kept there: {why}", severity.to_uppercase()),
        None => sentence(analytic, tier, severity),
    }
}

/// The same for a finding as a report has it.
pub fn told(finding: &Finding) -> String {
    let (tier, severity) = (&finding.tier, &finding.severity.0);
    of_finding(&finding.analytic.id.0, tier, severity, &finding.notes)
}

/// The table as Markdown, with what a confidence means.
pub fn page() -> String {
    let mut page = "# Severity and confidence\n\n\
        **Severity** says how bad it would be if it is what it looks like: analytic × basis × \
        context, in the table below. It says nothing about who did it, or why.\n\n\
        **Confidence** says how well the evidence fits: each finding lists the points it adds up \
        from, held between 0 and 100. From 70 it is called high, from 40 medium, below that low. \
        Packets alone, an uncertain order and a missing half hold it down.\n\n\
        The two are independent: a HIGH finding of low confidence is worth a look before an INFO one \
        of high confidence. No analytic calls anything critical: that is for those who know what the \
        host is worth.\n\n\
        | Analytic | Basis | Severity | Context |\n|---|---|---|---|\n"
        .to_owned();
    for entry in register::all() {
        let about = entry.about();
        for line in about.severities {
            let tiers: Vec<&str> = line.tiers.iter().map(|tier| tier.word()).collect();
            // Writing to a text cannot fail.
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} |",
                about.id,
                tiers.join(", "),
                line.severity.word().to_uppercase(),
                line.context
            );
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json, samples};
    use std::cmp::Reverse;

    #[test]
    fn a_finding_is_told_with_its_lines_of_the_table() {
        let report = json::shaped(&samples::case());
        let mut finding = report.findings[0].clone();
        finding.severity.0 = "high".into();
        finding.tier = "both".into();
        assert!(
            told(&finding).starts_with("HIGH, which stands for: the whole chain"),
            "{}",
            told(&finding)
        );
        finding.notes.push(format!("{KEPT_AT_INFO}x is known."));
        assert!(told(&finding).starts_with("HIGH, which stands for"));
        finding.severity.0 = "info".into();
        assert_eq!(told(&finding), "INFO, kept there: x is known.");
        finding.notes.clear();
        assert!(told(&finding).starts_with("INFO, which stands for"));
        finding.tier = "no such basis".into();
        assert_eq!(told(&finding), "INFO");
    }

    #[test]
    fn every_analytic_has_lines() {
        for entry in register::all() {
            let about = entry.about();
            assert!(!about.severities.is_empty(), "{}", about.id);
            assert!(
                about
                    .severities
                    .is_sorted_by_key(|line| Reverse(line.severity)),
                "{}: not the most severe first",
                about.id
            );
        }
    }
}
