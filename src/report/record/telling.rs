//! What a report says, block by block.

use super::incident::suppression;
pub use super::incident::{after, clock, heading, missing, one, refs, tied, what, who};
use super::{Block, Chosen, severity};
use crate::report::json::read::moment;
use crate::report::json::shape::{Finding, Report};
use std::collections::BTreeMap;

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
pub fn whole(report: &Report, wanted: &Chosen) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(1, title(report)), Block::Text(facts(report))];
    blocks.push(Block::Text(result(report)));
    blocks.extend(evidence(report));
    let chosen = chosen(report, wanted);
    let (open, suppressed): (Vec<_>, Vec<_>) = chosen.iter().partition(|f| f.suppressed.is_none());
    blocks.push(Block::Heading(2, "Findings".into()));
    blocks.push(Block::Text(shown(report, chosen.len(), wanted)));
    if !open.is_empty() {
        blocks.push(overview(&open));
    }
    for finding in &open {
        blocks.extend(one(report, finding));
    }
    blocks.extend(near_misses(report));
    blocks.extend(coverage(report));
    blocks.extend(gaps(report));
    blocks.extend(conflicts(report).into_iter().flatten());
    blocks.extend(problems(report));
    if !suppressed.is_empty() {
        blocks.push(Block::Heading(2, "Suppressed".into()));
        blocks.push(suppressions(&suppressed));
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
pub fn facts(report: &Report) -> String {
    let commit = match report.tool.commit.as_str() {
        "" => String::new(),
        commit => format!(" ({commit})"),
    };
    let examiner = match &report.case.examiner {
        Some(name) => format!(", examiner {name}"),
        None => String::new(),
    };
    format!(
        "casewire {}{commit}{examiner}. All times are UTC. Report schema {}, parameters {}.",
        report.tool.version, report.schema_version, report.parameters.sha256.0
    )
}

/// What came out of it, and what could not be judged, in a few sentences.
pub fn result(report: &Report) -> String {
    let summary = &report.summary;
    let of = &summary.by_severity;
    let found = match summary.findings {
        0 => "NO INCIDENT FOUND in this evidence with these settings. That is not the same as \
              \"nothing happened\"."
            .to_owned(),
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
        "{found} Evidence: {files} file{}, {} packets, {} event records{span}. {}",
        plural(files),
        summary.events.packets,
        summary.events.records,
        judged(report)
    )
}

/// How much could not be judged.
pub fn judged(report: &Report) -> String {
    let blind = report
        .verdicts
        .iter()
        .filter(|v| v.verdict == "blind")
        .count();
    let partly = report
        .verdicts
        .iter()
        .filter(|v| v.verdict == "partly")
        .count();
    format!(
        "{blind} of {} pairs of analytic and host could not be judged, {partly} in part only.",
        report.verdicts.len()
    )
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
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
    format!(
        "{shown} of {all} shown{why}. {} suppressed by rules.",
        report.summary.suppressed
    )
}

fn evidence(report: &Report) -> Vec<Block> {
    let head = [
        "id",
        "file",
        "kind",
        "bytes",
        "after the run",
        "read",
        "skipped",
    ];
    let rows = report.evidence.iter().map(|e| {
        vec![
            e.id.0.clone(),
            e.path.clone(),
            e.kind.clone(),
            e.size.to_string(),
            same(e.verified_after_run).to_owned(),
            e.units_read.to_string(),
            e.units_skipped.to_string(),
        ]
    });
    let hashes = report.evidence.iter().map(|e| {
        let hash = e.hashes.sha256.as_ref().map_or("not hashed", |h| &h.0);
        (e.id.0.clone(), hash.to_owned())
    });
    vec![
        Block::Heading(2, "Evidence".into()),
        Block::Table {
            head: head.map(str::to_owned).to_vec(),
            rows: rows.collect(),
        },
        Block::Heading(3, "SHA-256".into()),
        Block::Facts(hashes.collect()),
    ]
}

/// Whether a file was the same after the run, in a word.
pub fn same(verified: Option<bool>) -> &'static str {
    match verified {
        Some(true) => "unchanged",
        Some(false) => "CHANGED",
        None => "not checked",
    }
}

fn overview(findings: &[&&Finding]) -> Block {
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
            format!("{} {}", first.date(), first.clock(0)),
            f.remote().to_owned(),
            f.host().to_owned(),
        ]
    });
    Block::Table {
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

fn near_misses(report: &Report) -> Vec<Block> {
    const SHOWN: usize = 20;
    if report.near_misses.is_empty() {
        return Vec::new();
    }
    let items = report.near_misses.iter().take(SHOWN).map(|m| {
        let at = moment(&m.time);
        let refs: Vec<String> = m.refs.iter().take(4).map(|r| r.text()).collect();
        format!(
            "{} {} {}: {} [{}]",
            m.analytic.0,
            at.date(),
            at.clock(3),
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

/// How far a need is met, in the words of the grid.
pub fn met(status: &str) -> &'static str {
    match status {
        "seen" | "present" => "yes",
        "partial" => "part",
        "absent" => "NO",
        _ => "?",
    }
}

/// Whether a pair could be judged, in the words of the grid.
pub fn verdict(word: &str) -> &'static str {
    match word {
        "found" => "found",
        "quiet" => "yes, nothing",
        "partly" => "part, nothing",
        _ => "NO",
    }
}

fn coverage(report: &Report) -> Vec<Block> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut verdicts: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for v in &report.verdicts {
        verdicts.insert(
            (&v.analytic.0, &v.host),
            vec![
                v.analytic.0.clone(),
                v.host.clone(),
                "-> can be judged".into(),
                verdict(&v.verdict).into(),
                v.words.clone(),
            ],
        );
    }
    let mut before: Option<(&str, &str)> = None;
    for c in &report.coverage {
        let pair = (c.analytic.0.as_str(), c.host.as_str());
        if let Some(last) = before.filter(|last| *last != pair) {
            rows.extend(verdicts.remove(&last));
        }
        before = Some(pair);
        rows.push(vec![
            c.analytic.0.clone(),
            c.host.clone(),
            c.needs.clone(),
            met(&c.status).into(),
            c.note.clone(),
        ]);
    }
    rows.extend(verdicts.into_values());
    let head = ["analytic", "host", "needs", "there", "why"];
    vec![
        Block::Heading(2, "Coverage: what this evidence can and cannot show".into()),
        Block::Text(
            "yes: there for the whole window; part: for a part of it, or weaker; NO: absent, a \
             finding of this kind could not have been made."
                .into(),
        ),
        Block::Table {
            head: head.map(str::to_owned).to_vec(),
            rows,
        },
    ]
}

/// A gap in words: where, what is missing and why, and what would fill it.
pub fn gap(gap: &crate::report::json::shape::Gap) -> Vec<String> {
    let time = |t: &Option<crate::report::json::shape::Time>| {
        t.as_ref().map_or_else(String::new, |t| {
            let t = moment(t);
            format!("{} {}", t.date(), t.clock(0))
        })
    };
    let files: Vec<&str> = gap.evidence.iter().map(|e| e.0.as_str()).collect();
    vec![
        gap.id.0.clone(),
        gap.host.clone().unwrap_or_else(|| "captures".to_owned()),
        files.join(", "),
        time(&gap.start),
        time(&gap.end),
        gap.what.clone(),
        gap.why.clone(),
        gap.remedy.clone().unwrap_or_default(),
    ]
}

/// The columns of `gap`.
pub const GAP: [&str; 8] = [
    "gap",
    "of",
    "files",
    "from",
    "to",
    "what is missing",
    "why, and what it costs",
    "what would fill it",
];

fn gaps(report: &Report) -> Vec<Block> {
    if report.gaps.is_empty() {
        return Vec::new();
    }
    // Eight columns are too many for a terminal: the sentences follow their place as a list.
    let items = report.gaps.iter().map(|one| {
        let cells = gap(one);
        let part = |range: std::ops::Range<usize>| {
            let full = cells.get(range).unwrap_or(&[]).iter();
            full.filter(|c| !c.is_empty()).cloned().collect::<Vec<_>>()
        };
        format!("{}: {}", part(0..5).join(" "), part(5..8).join(". "))
    });
    vec![
        Block::Heading(2, "Gaps".into()),
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

fn problems(report: &Report) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(2, "Problems".into())];
    if report.problems.is_empty() {
        blocks.push(Block::Text(
            "All evidence was read to the end without errors.".into(),
        ));
        return blocks;
    }
    let rows = report.problems.iter().map(|p| {
        vec![
            p.evidence.as_ref().map_or("run", |e| &e.0).to_owned(),
            p.weight.to_string(),
            p.message.clone(),
            p.count.to_string(),
            p.first_offset
                .map_or_else(|| "-".to_owned(), |o| o.to_string()),
            p.effect.clone(),
        ]
    });
    let head = ["file", "weight", "what", "times", "first at byte", "effect"];
    blocks.push(Block::Table {
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    });
    blocks
}

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

fn settings(report: &Report) -> Vec<Block> {
    let runs = report.parameters.analytics.iter();
    let rows = runs.flat_map(|run| {
        run.settings.iter().map(|(name, value)| {
            let changed = if run.changed.contains(name) {
                "changed"
            } else {
                ""
            };
            vec![
                format!("{} {}", run.id.0, run.version),
                name.clone(),
                value.clone(),
                changed.to_owned(),
            ]
        })
    });
    vec![
        Block::Heading(2, "Settings in force".into()),
        Block::Table {
            head: ["analytic", "setting", "value", ""]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
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
        "Payload is not looked at, beyond the pattern of a magic packet.",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// What precedes the commands that verify a case.
pub const VERIFY: &str = "These commands hold the case folder and the evidence against the hashes, \
    and run the analysis again to compare its result byte for byte:";

/// The commands that verify a case.
pub fn verify_commands() -> Vec<String> {
    [
        "casewire verify CASE --evidence EVIDENCE",
        "casewire verify CASE --evidence EVIDENCE --rerun",
        "sha256sum -c SHA256SUMS",
    ]
    .map(str::to_owned)
    .to_vec()
}
