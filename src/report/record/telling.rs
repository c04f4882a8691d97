//! What a report says, block by block.

pub use super::asked::asked;
pub use super::basis::{GAP, HOST, gap, host, met, same, verdict};
use super::basis::{coverage, evidence, gaps, hosts, judgeable, problems, settings};
use super::incident::suppression;
pub use super::incident::{
    after, beside, clock, first_beside, heading, held, local, missing, one, refs, tied, what, who,
};
use super::{Block, Chosen, severity};
use crate::model::plural::{counted, plural};
use crate::report::escape::Shown;
use crate::report::json::read::moment;
use crate::report::json::refs::Ref;
use crate::report::json::shape::{Finding, Report};
use crate::report::not_run::nothing_found;
use crate::report::zone::Zone;
use std::collections::BTreeSet;

/// The findings that are wanted, in the order of the report.
pub fn chosen<'r>(report: &'r Report, wanted: &Chosen) -> Vec<&'r Finding> {
    let named = |f: &Finding| {
        wanted.ids.is_empty()
            || wanted
                .ids
                .iter()
                .any(|id| id.eq_ignore_ascii_case(&f.id) || id.eq_ignore_ascii_case(&f.short_id))
    };
    report
        .findings
        .iter()
        .filter(|f| named(f) && severity(&f.severity.0) >= wanted.min_severity)
        .collect()
}

/// The whole report, with the chosen findings.
pub fn whole(report: &Report, wanted: &Chosen, zone: &Zone) -> Vec<Block> {
    let mut blocks = vec![
        Block::Heading(1, title(report)),
        Block::Text(facts(report, zone)),
    ];
    blocks.push(Block::Text(result(report)));
    let stated = asked(report, zone);
    if !stated.is_empty() {
        blocks.push(Block::List {
            numbered: false,
            items: stated,
        });
    }
    if !report.notes.is_empty() {
        blocks.push(Block::List {
            numbered: false,
            items: report.notes.clone(),
        });
    }
    blocks.extend(evidence(report));
    blocks.extend(hosts(report));
    let chosen = chosen(report, wanted);
    let (open, suppressed): (Vec<_>, Vec<_>) = chosen.iter().partition(|f| f.suppressed.is_none());
    blocks.push(Block::Heading(2, "Findings".into()));
    blocks.push(Block::Text(shown(report, chosen.len(), wanted)));
    if !open.is_empty() {
        blocks.push(overview(&open, zone));
    }
    for finding in &open {
        blocks.extend(one(report, finding, zone));
    }
    blocks.extend(near_misses(report, zone));
    blocks.extend(coverage(report));
    blocks.extend(gaps(report, zone));
    blocks.extend(conflicts(report).into_iter().flatten());
    blocks.extend(problems(report));
    if !suppressed.is_empty() {
        blocks.push(Block::Heading(2, "Suppressed".into()));
        blocks.push(suppressions(&suppressed));
    }
    if !report.suppression.is_empty() {
        blocks.push(Block::Heading(2, "Suppression rules".into()));
        blocks.push(Block::Table {
            head: RULE.map(str::to_owned).to_vec(),
            rows: report.suppression.iter().map(rule).collect(),
        });
    }
    if !report.advice.is_empty() {
        blocks.push(Block::Heading(2, "Best next evidence to collect".into()));
        blocks.push(Block::List {
            numbered: true,
            items: report.advice.clone(),
        });
    }
    blocks.extend(settings(report));
    blocks.push(Block::Heading(2, "Limits".into()));
    blocks.push(Block::List {
        numbered: false,
        items: limits(),
    });
    blocks.push(Block::Heading(2, "How to verify".into()));
    blocks.push(Block::Text(VERIFY.into()));
    blocks.push(Block::Commands(verify_commands()));
    blocks
}

/// `IR-2026-014: incident report`.
pub fn title(report: &Report) -> String {
    match &report.case.id {
        Some(id) => format!("{id}: incident report"),
        None => "Incident report".to_owned(),
    }
}

/// Tool, examiner and time zone, in one line.
pub fn facts(report: &Report, zone: &Zone) -> String {
    let commit = match report.tool.commit.as_str() {
        "" => String::new(),
        commit => format!(" ({commit})"),
    };
    let examiner = match &report.case.examiner {
        Some(name) => format!(", examiner {name}"),
        None => String::new(),
    };
    format!(
        "casewire {}{commit}{examiner}. {} Report schema {}, parameters {}.",
        report.tool.version,
        zone.told(&report.summary.unknown_zones),
        report.schema_version,
        report.parameters.sha256.0
    )
}

/// What came out of it, and what could not be judged, in a few sentences.
pub fn result(report: &Report) -> String {
    let summary = &report.summary;
    let of = &summary.by_severity;
    let found = match summary.findings {
        0 if summary.suppressed > 0 => format!(
            "NO INCIDENT TO SHOW: {} incident{} found, and suppressed by rules of the settings file. That is not \
             the same as \"nothing happened\".",
            summary.suppressed,
            if summary.suppressed == 1 {
                " was"
            } else {
                "s were"
            }
        ),
        0 => {
            let ran = report.parameters.analytics.iter();
            let none = nothing_found(ran.map(|run| run.id.0.as_str()));
            format!("{none} That is not the same as \"nothing happened\".")
        }
        n => format!(
            "{n} incident{}: {} critical, {} high, {} medium, {} low, {} info.",
            plural(n),
            of.critical,
            of.high,
            of.medium,
            of.low,
            of.info
        ),
    };
    let span = match (&summary.first_time, &summary.last_time) {
        (Some(first), Some(last)) => {
            let (first, last) = (moment(first), moment(last));
            format!(
                ", {} {} to {} {}",
                first.date(),
                first.clock(0),
                last.date(),
                last.clock(0)
            )
        }
        _ => String::new(),
    };
    let files = report.evidence.len() as u64;
    format!(
        "{found} Evidence: {files} file{}, {} packets, {} event records{span}.{} {}",
        plural(files),
        summary.events.packets,
        summary.events.records,
        lost(report),
        judged(report)
    )
}

/// Of how many files some part could not be read, as a sentence behind others.
fn lost(report: &Report) -> String {
    let losses = || report.problems.iter().filter(|p| &*p.weight == "loss");
    let files: BTreeSet<&str> = losses()
        .filter_map(|p| p.evidence.as_ref().map(|file| file.0.as_str()))
        .collect();
    match files.len() {
        0 if losses().next().is_none() => String::new(),
        0 => " Some evidence could NOT be read (see Problems).".to_owned(),
        n => format!(
            " Some evidence could NOT be read: of {} something is missing (see Problems).",
            counted(n as u64, "file")
        ),
    }
}

/// How much could not be judged.
pub fn judged(report: &Report) -> String {
    if report.verdicts.is_empty() {
        return "No host was recognised in this evidence, so no analytic could judge anything."
            .to_owned();
    }
    let blind = report
        .verdicts
        .iter()
        .filter(|v| judgeable(v) == "not")
        .count();
    let partly = report
        .verdicts
        .iter()
        .filter(|v| judgeable(v) == "partly")
        .count();
    format!(
        "{blind} of {} pairs of analytic and host could not be judged, {partly} in part only.",
        report.verdicts.len()
    )
}

/// How much of the report is shown, with the filters as they were given.
pub fn shown(report: &Report, shown: usize, wanted: &Chosen) -> String {
    let all = report.findings.len();
    let mut filters = Vec::new();
    if !wanted.ids.is_empty() {
        filters.push(format!("--incident {}", wanted.ids.join(", ")));
    }
    if wanted.min_severity > crate::model::finding::Severity::Info {
        filters.push(format!("--min-severity {}", wanted.min_severity.word()));
    }
    let why = match filters.as_slice() {
        [] => String::new(),
        some => format!(" ({}); report.json holds all", some.join(", ")),
    };
    let open = report.findings.iter().filter(|f| f.suppressed.is_none());
    let suppressed = match all - open.count() {
        0 => String::new(),
        n => format!("; {n} of all suppressed by rules"),
    };
    format!("{shown} of {all} told here{why}{suppressed}.")
}

/// The columns of `rule`.
pub const RULE: [&str; 7] = [
    "line",
    "rule",
    "reason",
    "by",
    "until",
    "findings it suppresses",
    "remarks",
];

/// A suppression rule, what it did and what it would have done had it not expired.
pub fn rule(rule: &crate::report::json::shape::SuppressionRule) -> Vec<String> {
    let numbers = |of: &[u64]| -> String {
        let each: Vec<String> = of.iter().map(|n| format!("#{n}")).collect();
        each.join(", ")
    };
    let mut did = match rule.suppressed.is_empty() {
        true => "none".to_owned(),
        false => numbers(&rule.suppressed),
    };
    if !rule.expired_before.is_empty() {
        did.push_str(&format!(
            "; expired before {}",
            numbers(&rule.expired_before)
        ));
    }
    vec![
        rule.line.to_string(),
        rule.rule.clone(),
        rule.reason.clone(),
        rule.by.clone(),
        rule.until.clone(),
        did,
        rule.remarks.join(" "),
    ]
}

fn overview(findings: &[&&Finding], zone: &Zone) -> Block {
    let head = [
        "#",
        "severity",
        "id",
        "conf",
        "analytic",
        "first seen",
        "other side",
        "host",
    ];
    let rows = findings.iter().map(|f| {
        let first = moment(&f.first_time);
        vec![
            f.number.to_string(),
            f.severity.0.to_uppercase(),
            f.short_id.clone(),
            f.confidence.level.to_string(),
            f.analytic.id.0.clone(),
            format!(
                "{} {}{}",
                first.date(),
                first.clock(0),
                first_beside(f, zone, 0)
            ),
            f.remote().to_owned(),
            f.host().to_owned(),
        ]
    });
    Block::Table {
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

fn near_misses(report: &Report, zone: &Zone) -> Vec<Block> {
    const SHOWN: usize = 20;
    if report.near_misses.is_empty() {
        return Vec::new();
    }
    let items = report.near_misses.iter().take(SHOWN).map(|m| {
        let at = moment(&m.time);
        let zone = zone.beside_utc(report.tells_utc(m.refs.first().map(Ref::evidence)));
        let refs: Vec<String> = m.refs.iter().take(4).map(|r| r.text()).collect();
        format!(
            "{} {} {}{}: {} [{}]",
            m.analytic.0,
            at.date(),
            at.clock(3),
            zone.beside(at, 3),
            m.text,
            refs.join(", ")
        )
    });
    vec![
        Block::Heading(2, "What came close".into()),
        Block::Text(format!(
            "{} of {} shown. None of these met all conditions.",
            report.near_misses.len().min(SHOWN),
            report.near_misses.len()
        )),
        Block::List {
            numbered: false,
            items: items.collect(),
        },
    ]
}

fn conflicts(report: &Report) -> Option<[Block; 2]> {
    let items = report.conflicts.iter();
    let items: Vec<String> = items
        .map(|one| format!("{}; {}", one.what, one.taken))
        .collect();
    (!items.is_empty()).then(|| {
        [
            Block::Heading(2, CONFLICTS.into()),
            Block::List {
                numbered: false,
                items,
            },
        ]
    })
}

/// What the section of conflicts is called.
pub const CONFLICTS: &str = "Where the evidence contradicts itself about addresses";

fn suppressions(findings: &[&&Finding]) -> Block {
    let rows = findings.iter().map(|f| {
        vec![
            f.number.to_string(),
            f.short_id.clone(),
            f.analytic.id.0.clone(),
            f.title.clone(),
            f.suppressed.as_ref().map(suppression).unwrap_or_default(),
        ]
    });
    Block::Table {
        head: ["#", "id", "analytic", "what", "rule"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
    }
}

/// Only the suppressed findings.
pub fn suppressed(report: &Report) -> Vec<Block> {
    let all: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|f| f.suppressed.is_some())
        .collect();
    let refs: Vec<&&Finding> = all.iter().collect();
    vec![
        Block::Heading(2, "Suppressed".into()),
        match refs.is_empty() {
            true => Block::Text("No finding is suppressed by a rule.".into()),
            false => suppressions(&refs),
        },
    ]
}

/// What the report does not say, whatever it found.
pub fn limits() -> Vec<String> {
    [
        "A finding is consistent with a pattern; it does not say who did it, or why.",
        "What no sensor captured and no audit policy logged is not in this report: see Coverage.",
        "Absence of a record is not deletion: it may have been removed, overwritten, not exported \
         or never logged.",
        "Of payload, only names asked for (TLS, HTTP, DNS), what its first bytes look like and magic \
         packets are read; nothing encrypted is opened.",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// What precedes the commands that verify a case.
pub const VERIFY: &str = "These commands hold the case folder and the evidence against the hashes, \
    and run the analysis again to compare its result byte for byte:";

/// The commands that verify a case.
pub fn verify_commands() -> Vec<Shown> {
    [
        "casewire verify CASE --evidence EVIDENCE",
        "casewire verify CASE --evidence EVIDENCE --rerun",
        "sha256sum -c SHA256SUMS",
    ]
    .map(Shown::of)
    .to_vec()
}
