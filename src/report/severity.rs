//! What a severity means: analytic × basis × context, as one table.
//!
//! Severity says how bad it would be if it is what it looks like; how sure that is says the
//! confidence, which each finding adds up in the open. The table is held against every finding of
//! the stories by a test, so it cannot fall behind the code that decides.

use crate::model::finding::{KEPT_AT_INFO, Severity};
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

const SEEN: &[&str] = &["both", "host-only", "network-only"];
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
         program only, a connection without payload, another source that came in first, or a source that tried the \
         same ports of many hosts",
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
        "the touches look like a scan or like a client that waits for services, the first success may \
         be an old connection logged again, the captures could not have shown an answer, or the rule \
         was not in force",
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
         connection back that was made, by a process that listens to the wire, under the same \
         conditions; or a woken host that the sender then entered by an administrative port, order \
         certain",
    ),
    row(
        "AN1448",
        &["network-only"],
        "high",
        "a woken host that the sender then entered by an administrative port, order certain",
    ),
    row(
        "AN1448",
        &["both", "host-only", "network-only"],
        "medium",
        "the sequence with a weaker tie, basis or order, or with a connection back of which only the \
         attempt is told, or by another program than the one that listens to the wire, or after touches of \
         ports that clients try; or a woken host that the sender entered, with the order uncertain, by a \
         permission alone, or heard so shortly before that it may have been up; or one sender that signalled to \
         many hosts within a short time",
    ),
    row(
        "AN1448",
        ANY,
        "low",
        "no change was seen, or another source came, or a connection back is told as tried only and on a weaker basis, or one of the causes that AN0842 has for low; or a magic packet was sent and no target was seen to start after it and to be entered",
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
        "a process is joined to the contacts, packets and socket records agree on four fifths \
         of them, and the process is a known scanner or lies where users can write",
    ),
    row(
        "AN1057",
        &["both", "host-only"],
        "medium",
        "a process is joined to the contacts, without that agreement or with a program in its \
         usual place, or the walk over addresses alone carries it; or no process is joined, \
         and failures carry it or the packets passed no socket beside a scanner or a capture driver",
    ),
    row(
        "AN1057",
        &["network-only"],
        "medium",
        "a source whose failures carry it",
    ),
    row(
        "AN1057",
        SEEN,
        "low",
        "a source told by its questions to the segment, by addresses in order or by many targets \
         alone, or by the walk alone, as is System; or only the name of a tool or only sensitive ports \
         carry it; or most targets answered; or too few of them are internal to be told alone; or \
         what the program does fits a harmless one, as the notes say",
    ),
    row(
        "AN1057",
        SEEN,
        "info",
        "the walk over addresses alone with fewer failed addresses than WalkTargets; or the \
         program is on KnownScannerExeList",
    ),
    row(
        "AN1376",
        &["both", "host-only"],
        "high",
        "the same process instance fell back, by a rhythm of the new channel or as a program that \
         does not use the network, with a port or protocol that is new and works, in an order the \
         clocks prove",
    ),
    row(
        "AN1376",
        &["both", "host-only"],
        "medium",
        "the same instance without those signs; or an injected process, a relative or the \
         same program; or one of these held at medium, as the finding says: a thin baseline, \
         a disruption told by silence or by no sign that stands alone, only a new remote, a \
         new channel not seen to work, an unproven order, an old channel not seen to work, \
         all that was tried beside it failed too, what looks like a failover of the program's own \
         service",
    ),
    row(
        "AN1376",
        SEEN,
        "medium",
        "only the server or the host ties old and new channel, the new one is very unusual \
         there, and server, sizes or rhythm are the same",
    ),
    row(
        "AN1376",
        SEEN,
        "low",
        "only the server or the host ties old and new channel; or the old channel worked \
         again later; or the program talked to ManyRemotes remotes before; or what looks like a \
         failover of the program's own service, to its own server or inside, as the finding says",
    ),
    row(
        "AN1376",
        SEEN,
        "info",
        "the program was installed within the hour before, or is on ProcessName; or no \
         channel was seen to move after a stated containment",
    ),
    row(
        "XDR-FC",
        SEEN,
        "low",
        "an abnormal count against at least ActivationPeriod of own days, with MinTargets \
         targets vouched for that did not fail for several sources at once, and a day of \
         listening",
    ),
    row(
        "XDR-FC",
        SEEN,
        "info",
        "anything less: the mixture alone, a short past, segments nobody was heard on, an \
         outage for several sources; or a rare relation of causality owner and process; or \
         addresses of the Internet that no lookup named",
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
        for described in crate::analytics::register::all() {
            let id = described.about().id;
            assert!(
                TABLE.iter().any(|row| row.analytic == id),
                "{id} has no line in the table of severities, src/report/severity.rs"
            );
        }
    }
}
