//! Known-good activity: rules held against incidents, and known scanners kept at info.
//!
//! Nothing is removed. A rule marks an incident with its reason, owner and end; what the rule did,
//! or no longer does, is told too. There is no wall clock: whether a rule has ended is decided by
//! the time of the incident in the evidence.

mod facts;
#[cfg(test)]
mod tests;

use super::{Incident, Suppressed};
use crate::config::{Glob, Party, Rule, Window};
use crate::context::Identity;
use crate::context::assets::{Assets, Role as HostRole};
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::finding::{Finding, KEPT_AT_INFO, Severity};
use crate::model::plural::plural;
use facts::{Facts, Side, Then, source};
use std::collections::BTreeSet;

/// More incidents than this under one rule are worth a second look.
pub const MANY_INCIDENTS: usize = 20;
/// More hosts than this under one rule are worth a second look.
pub const MANY_HOSTS: usize = 5;

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Where it stands in the settings file.
    pub line: usize,
    /// What it asks.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// Its last day.
    pub until: String,
    /// Numbers of the incidents it suppresses.
    pub suppressed: Vec<usize>,
    /// Numbers of incidents that it would suppress had it not ended before them.
    pub too_late: Vec<usize>,
    /// What a reader must know about it, as sentences.
    pub remarks: Vec<String>,
}

/// Marks what the rules name; the first rule that fits counts. `ran` are the analytics of this run.
pub fn apply(
    rules: &[Rule],
    incidents: &mut [Incident],
    identity: &Identity,
    ran: &[&str],
) -> Vec<RuleRow> {
    let facts: Vec<Facts> = incidents
        .iter()
        .map(|i| Facts::of(&i.finding, identity))
        .collect();
    let mut rows = Vec::new();
    for rule in rules {
        let mut row = RuleRow {
            line: rule.line,
            rule: rule.words(),
            reason: rule.reason.clone(),
            by: rule.by.clone(),
            until: rule.until.words.clone(),
            suppressed: Vec::new(),
            too_late: Vec::new(),
            remarks: Vec::new(),
        };
        let mut taken_already = false;
        let mut hosts: BTreeSet<String> = BTreeSet::new();
        for (incident, facts) in incidents.iter_mut().zip(&facts) {
            if !fits(rule, &incident.finding, facts) {
                continue;
            }
            if incident.finding.last_time() > rule.until.last {
                row.too_late.push(incident.number);
            } else if incident.suppressed.is_some() {
                taken_already = true;
            } else {
                incident.suppressed = Some(Suppressed {
                    rule: row.rule.clone(),
                    reason: row.reason.clone(),
                    by: row.by.clone(),
                    until: Some(row.until.clone()),
                });
                row.suppressed.push(incident.number);
                // One wake signal for many is one incident, not many hosts.
                hosts.extend(facts.about.first().map(Side::label));
            }
        }
        let asked =
            rule.analytics.is_empty() || rule.analytics.iter().any(|a| ran.contains(&a.as_str()));
        row.remarks = remarks(rule, &row, taken_already, hosts.len(), asked);
        rows.push(row);
    }
    rows
}

fn remarks(rule: &Rule, row: &RuleRow, taken: bool, hosts: usize, asked: bool) -> Vec<String> {
    let subject = format!(
        "the suppression rule in line {} of the settings file",
        rule.line
    );
    let mut remarks = Vec::new();
    if !row.too_late.is_empty() {
        let numbers: Vec<String> = row
            .too_late
            .iter()
            .take(10)
            .map(|n| format!("#{n}"))
            .collect();
        let more = if row.too_late.len() > 10 {
            " and more"
        } else {
            ""
        };
        remarks.push(format!(
            "{subject} expired {} and no longer hides {}{more}: the time in the evidence decides, not today's date. \
             Extend it only if it is still approved ({}, {})",
            row.until,
            numbers.join(", "),
            row.reason,
            row.by
        ));
    } else if row.suppressed.is_empty() && taken {
        remarks.push(format!(
            "{subject} only matches what an earlier rule hides; delete one of them"
        ));
    } else if row.suppressed.is_empty() && asked {
        remarks.push(format!(
            "{subject} ({}) matches no incident of this evidence; delete it if it is no longer needed",
            row.rule
        ));
    }
    if rule.is_unbounded() {
        remarks.push(format!(
            "{subject} is too broad: it names no source, target, host, process, account, port or rule, and so hides \
             everything{}{}; narrow it",
            if rule.analytics.is_empty() {
                String::new()
            } else {
                format!(" of {}", rule.analytics.join(" and "))
            },
            if rule.windows.is_empty() { "" } else { " inside its windows" }
        ));
    } else if row.suppressed.len() > MANY_INCIDENTS || hosts > MANY_HOSTS {
        remarks.push(format!(
            "{subject} hides {} incident{} on {hosts} host{}; make sure that it is not too broad",
            row.suppressed.len(),
            plural(row.suppressed.len() as u64),
            plural(hosts as u64)
        ));
    }
    remarks
}

/// Keeps what a known scanner started at info and says why.
pub fn known_scanners(
    findings: &mut [Finding],
    scanners: &[Party],
    assets: &Assets,
    identity: &Identity,
) {
    for finding in findings {
        let source = source(finding, Then::of(finding, identity));
        let why = match scanners.iter().find(|party| source.is(party)) {
            Some(party) => format!("{party} is one of the known scanners"),
            None if assets.role(&source.name, &source.addresses) == Some(HostRole::Scanner) => {
                format!("{} has the role scanner", source.label())
            }
            None => continue,
        };
        finding.severity = Severity::Info;
        finding
            .notes
            .push(format!("{KEPT_AT_INFO}{why} of the settings file."));
    }
}

fn fits(rule: &Rule, finding: &Finding, facts: &Facts) -> bool {
    let all = |sides: &[Side], parties: &[Party]| {
        !sides.is_empty()
            && sides
                .iter()
                .all(|side| parties.iter().any(|party| side.is(party)))
    };
    let analytic =
        rule.analytics.is_empty() || rule.analytics.iter().any(|a| a == finding.analytic);
    let source = rule.sources.is_empty() || rule.sources.iter().any(|p| facts.source.is(p));
    let target = rule.targets.is_empty() || !facts.more && all(&facts.targets, &rule.targets);
    let host = rule.hosts.is_empty() || all(&facts.about, &rule.hosts);
    let process = rule.processes.is_empty()
        || facts
            .processes
            .iter()
            .any(|image| rule.processes.iter().any(|glob| is_image(glob, image)));
    let account = rule.accounts.is_empty()
        || facts
            .accounts
            .iter()
            .any(|name| rule.accounts.iter().any(|glob| glob.fits(name)));
    let port = rule.ports.is_empty()
        || !facts.more
            && !facts.ports.is_empty()
            && facts
                .ports
                .iter()
                .all(|port| rule.ports.iter().any(|range| range.contains(port)));
    let named = rule.rules.is_empty()
        || !facts.rules.is_empty()
            && facts
                .rules
                .iter()
                .all(|name| rule.rules.iter().any(|glob| glob.fits(name)));
    // Where the steps are a selection, what lies between them is part of the finding too.
    let whole = |w: &Window| {
        finding
            .span
            .is_none_or(|(first, last)| w.holds_all(first, last))
    };
    let inside = rule.windows.is_empty()
        || rule
            .windows
            .iter()
            .any(|w| whole(w) && finding.pattern().all(|step| w.holds(step.event.time)));
    analytic && source && target && host && process && account && port && named && inside
}

/// A bare file name is held against the file name, a path against the whole path, whatever the
/// spelling of its volume.
fn is_image(glob: &Glob, image: &str) -> bool {
    if glob.is_path() {
        glob.fits(image) || Glob::new(&image_key(&glob.to_string())).fits(&image_key(image))
    } else {
        glob.fits(image_name(image))
    }
}
