//! What a record rests on, block by block: files, hosts and their clocks, coverage, gaps, problems,
//! settings.

use super::Block;
use crate::report::json::read::moment;
use crate::report::json::shape::{Report, Verdict};
use crate::report::zone::Zone;
use std::collections::BTreeMap;

pub(super) fn evidence(report: &Report) -> Vec<Block> {
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

/// The columns of `host`.
pub const HOST: [&str; 7] = [
    "id",
    "host",
    "addresses",
    "clock ahead by",
    "uncertainty",
    "anchors",
    "method",
];

/// A host and its clock in words.
pub fn host(host: &crate::report::json::shape::Host) -> Vec<String> {
    let span = |ns: Option<i64>| {
        ns.map_or_else(
            || "not known".to_owned(),
            |ns| crate::model::Span(ns).to_string(),
        )
    };
    vec![
        host.id.clone(),
        host.name.clone().unwrap_or_default(),
        host.addresses.join(", "),
        span(host.clock.offset_ns),
        span(host.clock.uncertainty_ns),
        host.clock.anchors.to_string(),
        host.clock.method.clone(),
    ]
}

pub(super) fn hosts(report: &Report) -> Vec<Block> {
    if report.hosts.is_empty() {
        return Vec::new();
    }
    vec![
        Block::Heading(2, "Hosts and clocks".into()),
        Block::Table {
            head: HOST.map(str::to_owned).to_vec(),
            rows: report.hosts.iter().map(host).collect(),
        },
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

/// How far a need is met, in the words of the grid.
pub fn met(status: &str) -> &'static str {
    match status {
        "seen" | "present" => "yes",
        "partial" => "part",
        "absent" => "NO",
        _ => "?",
    }
}

/// How far a pair could be judged, in the words of the grid, and beside it what came of it.
pub fn verdict(of: &Verdict) -> &'static str {
    match (judgeable(of), &*of.verdict) {
        ("fully", "found") => "yes, found",
        ("fully", _) => "yes, nothing",
        ("partly", "found") => "part, found",
        ("partly", _) => "part, nothing",
        (_, "found") => "NO, found",
        _ => "NO",
    }
}

/// How far a pair could be judged: `fully`, `partly`, `not`. Reports of schema 1.3 and before do not
/// say it of a pair about which something was found.
pub fn judgeable(of: &Verdict) -> &str {
    match (&*of.judgeable, &*of.verdict) {
        ("", "blind") => "not",
        ("", "quiet") => "fully",
        ("", _) => "partly",
        (word, _) => word,
    }
}

pub(super) fn coverage(report: &Report) -> Vec<Block> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut verdicts: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for v in &report.verdicts {
        verdicts.insert(
            (&v.analytic.0, &v.host),
            vec![
                v.analytic.0.clone(),
                v.host.clone(),
                "-> can be judged".into(),
                verdict(v).into(),
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
            "yes: there, with no gap known, for the time asked for, else of the captures, else of the host's own logs; part: for a part of it, or weaker; NO: absent; \
             what that leaves of the analytic, \"can be judged\" says."
                .into(),
        ),
        Block::Table {
            head: head.map(str::to_owned).to_vec(),
            rows,
        },
    ]
}

/// A gap in words: where, what is missing and why, and what would fill it.
pub fn gap(report: &Report, gap: &crate::report::json::shape::Gap, zone: &Zone) -> Vec<String> {
    let zone = zone.beside_utc(report.tells_utc(gap.evidence.iter().map(|e| e.0.as_str())));
    let time = |t: &Option<crate::report::json::shape::Time>| {
        t.as_ref().map_or_else(String::new, |t| {
            let t = moment(t);
            format!("{} {}{}", t.date(), t.clock(0), zone.beside(t, 0))
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

pub(super) fn gaps(report: &Report, zone: &Zone) -> Vec<Block> {
    if report.gaps.is_empty() {
        return Vec::new();
    }
    // Eight columns are too many for a terminal: the sentences follow their place as a list.
    let items = report.gaps.iter().map(|one| {
        let cells = gap(report, one, zone);
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

pub(super) fn problems(report: &Report) -> Vec<Block> {
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

pub(super) fn settings(report: &Report) -> Vec<Block> {
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
