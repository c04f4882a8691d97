//! What differs between two cases: the tool, the settings, the evidence and the findings one by one; of
//! everything else a report holds, which part it is.

use crate::report::json::shape::{Finding, Report};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One sentence for each difference, in the order of the report; none if both say the same.
pub fn differences(before: &Report, after: &Report) -> Vec<String> {
    let mut told = Vec::new();
    let mut differ = |what: &str, a: &str, b: &str| {
        if a != b {
            told.push(format!("{what}: {a} before, {b} now"));
        }
    };
    differ(
        "version of casewire",
        &before.tool.version,
        &after.tool.version,
    );
    differ(
        "commit of casewire",
        &before.tool.commit,
        &after.tool.commit,
    );
    differ(
        "SHA-256 of the parameters",
        &before.parameters.sha256.0,
        &after.parameters.sha256.0,
    );
    versions(before, after, &mut told);
    evidence(before, after, &mut told);
    findings(before, after, &mut told);
    let mut count = |what: &str, a: usize, b: usize| {
        if a != b {
            told.push(format!("number of {what}: {a} before, {b} now"));
        }
    };
    count(
        "near misses",
        before.near_misses.len(),
        after.near_misses.len(),
    );
    count("problems", before.problems.len(), after.problems.len());
    rest(before, after, &mut told);
    told
}

/// How sentences begin that tell a difference of this part one by one.
fn told_by(part: &str) -> &'static [&'static str] {
    match part {
        "tool" => &["version of casewire", "commit of casewire"],
        "parameters" => &["SHA-256 of the parameters"],
        "evidence" => &["evidence "],
        "near_misses" => &["number of near misses"],
        "problems" => &["number of problems"],
        _ => &[],
    }
}

/// The parts of which nothing was told yet and that are not the same, by their names in the record.
fn rest(before: &Report, after: &Report, told: &mut Vec<String>) {
    let members = |report: &Report| match serde_json::to_value(report) {
        Ok(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    let (a, b) = (members(before), members(after));
    for part in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        let ways = told_by(part);
        let known = told
            .iter()
            .any(|line| ways.iter().any(|way| line.starts_with(way)));
        if part == "findings" || known || a.get(part) == b.get(part) {
            continue;
        }
        told.push(match (a.get(part), b.get(part)) {
            (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
                let n = a.iter().zip(b).filter(|(a, b)| a != b).count();
                format!("{part}: {n} of {} entries differ", a.len())
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => {
                format!("{part}: {} entries before, {} now", a.len(), b.len())
            }
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let names = a.keys().chain(b.keys()).collect::<BTreeSet<_>>();
                let other: Vec<&str> = names
                    .into_iter()
                    .filter(|name| a.get(*name) != b.get(*name))
                    .map(String::as_str)
                    .collect();
                format!("{part}: other {}", other.join(", "))
            }
            (Some(a), Some(b)) => format!("{part}: {a} before, {b} now"),
            _ => format!("{part}: not in both"),
        });
    }
    let order =
        |report: &Report| -> Vec<String> { report.findings.iter().map(|f| f.id.clone()).collect() };
    if told.is_empty() && order(before) != order(after) {
        told.push("findings: in another order".to_owned());
    }
}

fn versions(before: &Report, after: &Report, told: &mut Vec<String>) {
    let of = |report: &Report| -> BTreeMap<String, String> {
        let runs = &report.parameters.analytics;
        runs.iter()
            .map(|run| (run.id.0.clone(), run.version.clone()))
            .collect()
    };
    let (a, b) = (of(before), of(after));
    for id in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        let word = |side: &BTreeMap<String, String>| {
            side.get(id)
                .map_or_else(|| "did not run".to_owned(), |v| format!("version {v}"))
        };
        if a.get(id) != b.get(id) {
            told.push(format!("{id}: {} before, {} now", word(&a), word(&b)));
        }
    }
}

fn evidence(before: &Report, after: &Report, told: &mut Vec<String>) {
    let of = |report: &Report| -> BTreeMap<String, Option<String>> {
        let files = &report.evidence;
        files
            .iter()
            .map(|file| {
                let hash = file.hashes.sha256.as_ref().map(|h| h.0.clone());
                (file.path.clone(), hash)
            })
            .collect()
    };
    let (a, b) = (of(before), of(after));
    for path in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        match (a.get(path), b.get(path)) {
            (Some(_), None) => told.push(format!("evidence {path}: no longer part of it")),
            (None, Some(_)) => told.push(format!("evidence {path}: new")),
            (Some(a), Some(b)) if a != b => told.push(format!("evidence {path}: other bytes")),
            _ => {}
        }
    }
}

fn findings(before: &Report, after: &Report, told: &mut Vec<String>) {
    let of = |report: &'_ Report| -> BTreeMap<String, Finding> {
        let findings = report.findings.iter();
        findings.map(|f| (f.id.clone(), f.clone())).collect()
    };
    let (a, b) = (of(before), of(after));
    for finding in &before.findings {
        let Some(now) = b.get(&finding.id) else {
            told.push(format!(
                "{} {} ({}): no longer found",
                finding.analytic.id.0, finding.short_id, finding.title
            ));
            continue;
        };
        for part in parts(finding, now) {
            told.push(format!(
                "{} {}: {part}",
                finding.analytic.id.0, finding.short_id
            ));
        }
    }
    for finding in &after.findings {
        if !a.contains_key(&finding.id) {
            told.push(format!(
                "{} {} ({}): new",
                finding.analytic.id.0, finding.short_id, finding.title
            ));
        }
    }
}

/// What differs in a finding both have. Numbers are no part of it: they move with the others.
fn parts(before: &Finding, after: &Finding) -> Vec<String> {
    let mut parts = Vec::new();
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            parts.push(format!("{what} {a} before, {b} now"));
        }
    };
    differ(
        "severity",
        before.severity.0.to_string(),
        after.severity.0.to_string(),
    );
    differ(
        "confidence",
        before.confidence.score.to_string(),
        after.confidence.score.to_string(),
    );
    differ(
        "verdict",
        before.verdict.to_string(),
        after.verdict.to_string(),
    );
    differ(
        "steps",
        before.steps.len().to_string(),
        after.steps.len().to_string(),
    );
    let suppressed = |f: &Finding| match &f.suppressed {
        Some(rule) => format!("suppressed by {}", rule.rule),
        None => "not suppressed".to_owned(),
    };
    differ("is", suppressed(before), suppressed(after));
    if parts.is_empty() {
        let text = |f: &Finding| {
            let mut f = f.clone();
            (f.number, f.same_activity_as, f.chain) = (0, None, None);
            serde_json::to_string(&f).unwrap_or_default()
        };
        if text(before) != text(after) {
            parts.push("details differ".to_owned());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json, samples};

    #[test]
    fn a_case_differs_from_itself_in_nothing() {
        let report = json::shaped(&samples::case());
        assert_eq!(differences(&report, &report), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_told() {
        let before = json::shaped(&samples::case());
        let mut after = before.clone();
        after.tool.version = "9.9.9".into();
        after.evidence[0].hashes.sha256 = None;
        let gone = after.findings.remove(0);
        after.findings[0].confidence.score = 1;
        let told = differences(&before, &after).join("\n");
        for part in [
            "9.9.9 now",
            "other bytes",
            &format!("{} (", gone.short_id),
            "no longer found",
            "1 now",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(differences(&after, &before).join("\n").contains("): new"));
    }

    #[test]
    fn each_part_of_a_report_that_differs_is_named() {
        type Change = fn(&mut Report);
        let before = json::shaped(&samples::case());
        let changes: [(&str, Change); 10] = [
            ("case: ", |r| r.case.id = Some("other".into())),
            ("hosts: ", |r| r.hosts[0].addresses.push("192.0.2.9".into())),
            ("coverage: ", |r| r.coverage[0].note = "other".into()),
            ("verdicts: ", |r| r.verdicts[0].words = "other".into()),
            ("notes: ", |r| r.notes.push("other".into())),
            ("advice: ", |r| r.advice.push("other".into())),
            ("evidence: ", |r| r.evidence[0].kind = "other".into()),
            ("problems: ", |r| r.problems[0].message = "other".into()),
            ("summary: ", |r| r.summary.suppressed += 1),
            ("parameters: ", |r| {
                r.parameters.scanners.push("other".into());
            }),
        ];
        for (part, change) in changes {
            let mut after = before.clone();
            change(&mut after);
            let told = differences(&before, &after);
            assert!(told.len() == 1 && told[0].starts_with(part), "{told:?}");
        }
    }
}
