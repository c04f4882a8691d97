//! What a severity means: analytic × basis × context, as one table.
//!
//! Severity says how bad it would be if it is what it looks like; how sure that is says the
//! confidence, which each finding adds up in the open. The table is held against every finding of
//! the stories by a test, so it cannot fall behind the code that decides.

use crate::report::json::shape::Finding;
use std::fmt::Write;

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The analytic.
    pub analytic: &'static str,
    /// On which basis, as `Tier::word` says it.
    pub tiers: &'static [&'static str],
    /// The severity.
    pub severity: &'static str,
    /// In which context.
    pub context: &'static str,
}

const fn row(
    analytic: &'static str,
    tiers: &'static [&'static str],
    severity: &'static str,
    context: &'static str,
) -> Row {
    Row {
        analytic,
        tiers,
        severity,
        context,
    }
}

const ANY: &[&str] = &["both", "host-only", "network-only", "partial"];

/// The table, an analytic at a time, the most severe first.
pub const TABLE: &[Row] = &[
    row(
        "AN0842",
        &["both"],
        "high",
        "the whole chain, its order certain, the change tied to the port and not merely to a program",
    ),
    row(
        "AN0842",
        &["both", "host-only"],
        "medium",
        "the whole chain from host logs alone, or with an uncertain order, plain touches, a tie by \
         program only, or a connection without payload",
    ),
    row(
        "AN0842",
        &["network-only"],
        "medium",
        "packets alone, and the source had been turned away at the port it then reached",
    ),
    row(
        "AN0842",
        &["both", "host-only"],
        "low",
        "the touches look like a scan, or the first success may be an old connection logged again",
    ),
    row(
        "AN0842",
        &["network-only", "partial"],
        "low",
        "packets alone, or a change without a connection",
    ),
    row(
        "AN0842",
        ANY,
        "info",
        "the change was made by a program or account on RuleChangeAllowList",
    ),
    row(
        "AN1448",
        &["both"],
        "high",
        "touches, a change and the same source back, order certain, packets and logs agreeing; or a \
         connection back by a process that listens to the wire; or a woken host that the sender then \
         entered by an administrative port",
    ),
    row(
        "AN1448",
        &["host-only", "network-only"],
        "high",
        "a connection back by a process with signs of a sniffer, order certain; or a woken host that \
         the sender then entered by an administrative port",
    ),
    row(
        "AN1448",
        &["both", "host-only", "network-only"],
        "medium",
        "the sequence with a weaker tie, basis or order; or one sender that woke many hosts within a \
         short time",
    ),
    row(
        "AN1448",
        ANY,
        "low",
        "no change was seen, or another source came; or a magic packet was sent and nothing followed",
    ),
    row(
        "AN1448",
        ANY,
        "info",
        "the change was made by a program on AllowedFirewallChangers, or the wake signal was approved",
    ),
    row(
        "AN1057",
        &["both"],
        "high",
        "a process is joined to nearly all contacts, packets agree, and it is a known tool or lies in an odd place",
    ),
    row(
        "AN1057",
        ANY,
        "medium",
        "a process is joined to the contacts; or failed touches carry it without one",
    ),
    row(
        "AN1057",
        ANY,
        "low",
        "no process is joined; or most contacts were answered, or none went to an internal address",
    ),
    row(
        "AN1057",
        ANY,
        "info",
        "the program is known to scan; or too few targets of a walk failed",
    ),
    row(
        "AN1376",
        ANY,
        "high",
        "the same process instance fell back, by a new channel that is mute or regular, and nothing holds it down",
    ),
    row(
        "AN1376",
        ANY,
        "medium",
        "the same program or its kin fell back; or a condition of the page of AN1376 holds it at medium",
    ),
    row(
        "AN1376",
        ANY,
        "low",
        "only the host or the server ties old and new channel; or the old channel worked again later",
    ),
    row(
        "AN1376",
        ANY,
        "info",
        "the program was installed just before, or is on ProcessName; or a channel was only held open",
    ),
    row(
        "XDR-FC",
        ANY,
        "low",
        "the alarm of the page of XDR-FC, of a grade it calls low",
    ),
    row(
        "XDR-FC",
        ANY,
        "info",
        "the same of a lower grade, or with a rare relation, which the vendor calls informational",
    ),
];

/// The lines that a finding of this analytic, basis and severity falls under.
pub fn rows(analytic: &str, tier: &str, severity: &str) -> Vec<&'static Row> {
    TABLE
        .iter()
        .filter(|row| row.analytic == analytic && row.severity == severity)
        .filter(|row| row.tiers.contains(&tier))
        .collect()
}

/// Severity and why findings of this kind have it, as one sentence.
pub fn told(finding: &Finding) -> String {
    let word = finding.severity.0.to_uppercase();
    let rows = rows(&finding.analytic.id.0, &finding.tier, &finding.severity.0);
    let mut contexts = rows.iter().map(|row| row.context);
    match contexts.next() {
        Some(first) => {
            let rest: String = contexts.map(|c| format!("; or {c}")).collect();
            format!("{word}: {first}{rest}")
        }
        None => word,
    }
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
        of high confidence.\n\n\
        | Analytic | Basis | Severity | Context |\n|---|---|---|---|\n"
        .to_owned();
    for row in TABLE {
        // Writing to a text cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            row.analytic,
            row.tiers.join(", "),
            row.severity.to_uppercase(),
            row.context
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json, samples};

    #[test]
    fn a_finding_is_told_with_its_lines_of_the_table() {
        let report = json::shaped(&samples::case());
        let mut finding = report.findings[0].clone();
        finding.severity.0 = "high".into();
        finding.tier = "both".into();
        assert!(
            told(&finding).starts_with("HIGH: the whole chain"),
            "{}",
            told(&finding)
        );
        finding.tier = "no such basis".into();
        assert_eq!(told(&finding), "HIGH");
    }

    #[test]
    fn every_analytic_has_lines() {
        for described in crate::analytics::register::all() {
            let id = described.about().id;
            assert!(
                TABLE.iter().any(|row| row.analytic == id),
                "{id} has no line in the table of severities, src/report/severity.rs"
            );
        }
    }
}
