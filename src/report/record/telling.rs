//! What a report says, block by block: the whole of it, or one finding.

use super::{Block, Chosen, commands, severity};
use crate::model::Span;
use crate::report::json::read::moment;
use crate::report::json::shape::{Finding, Report, Step};
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

/// One finding, whole.
pub fn one(report: &Report, finding: &Finding) -> Vec<Block> {
    let mut blocks = vec![
        Block::Heading(2, heading(report, finding)),
        Block::Text(finding.title.clone()),
        Block::Facts(who(finding)),
    ];
    let mut part = |heading: &str, block: Block| {
        blocks.push(Block::Heading(3, heading.into()));
        blocks.push(block);
    };
    part("Why it is reported", conditions(finding));
    for table in &finding.tables {
        part(
            &table.title,
            Block::Table {
                head: table.columns.clone(),
                rows: table.rows.clone(),
            },
        );
    }
    part("Confidence", score(finding));
    part("Sequence (UTC)", sequence(finding));
    part("Clock", Block::Text(clock(finding)));
    let list = |items: Vec<String>| Block::List {
        numbered: false,
        items,
    };
    if !finding.missing.is_empty() {
        part(
            "Not seen, and what that leaves open",
            list(missing(finding)),
        );
    }
    for (heading, items) in [
        ("It could also be", &finding.alternatives),
        ("Notes", &finding.notes),
    ] {
        if !items.is_empty() {
            part(heading, list(items.clone()));
        }
    }
    if !finding.actions.is_empty() {
        part(
            "Next",
            Block::List {
                numbered: true,
                items: finding.actions.clone(),
            },
        );
    }
    part(
        "Check by hand",
        Block::Commands(commands::of(report, finding)),
    );
    blocks
}

/// The first line of a finding.
pub fn heading(report: &Report, finding: &Finding) -> String {
    let mut text = format!(
        "Incident {} of {}: {} {} {}, confidence {} ({} of 100)",
        finding.number,
        report.findings.len(),
        finding.short_id,
        finding.analytic.id.0,
        finding.severity.0.to_uppercase(),
        finding.confidence.level,
        finding.confidence.score
    );
    match finding.verdict.as_ref() {
        "partial_pattern" => text.push_str(", partial pattern"),
        "order_uncertain" => text.push_str(", ORDER UNCERTAIN"),
        _ => {}
    }
    if let Some(same) = finding.same_activity_as {
        text.push_str(&format!(", same activity as incident {same}"));
    }
    text
}

/// Labels and what belongs to them: when, who, on what basis.
pub fn who(finding: &Finding) -> Vec<(String, String)> {
    let (first, last) = (moment(&finding.first_time), moment(&finding.last_time));
    let mut facts = vec![(
        "From".to_owned(),
        format!(
            "{} {} UTC to {} {} UTC ({})",
            first.date(),
            first.clock(6),
            last.date(),
            last.clock(6),
            last.since(first)
        ),
    )];
    let mut fact = |label: &str, text: String| {
        if !text.is_empty() {
            facts.push((label.to_owned(), text));
        }
    };
    let entities = &finding.entities;
    let pair = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => format!("{a} ({b})"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    };
    if let Some(remote) = &entities.remote {
        fact("Remote", pair(&remote.address, &remote.mac));
    }
    if let Some(host) = &entities.host {
        fact("Host", pair(&host.name, &host.address));
    }
    if let Some(process) = &entities.process {
        let pid = process
            .pid
            .map(|pid| format!(" ({pid})"))
            .unwrap_or_default();
        fact("Process", format!("{}{pid}", process.name));
    }
    fact("Woken", entities.woken.join(", "));
    fact("Basis", basis(&finding.tier).to_owned());
    fact("Severity", crate::report::severity::told(finding));
    let ids = finding
        .attack
        .iter()
        .map(|a| match (&a.name, a.kind.as_ref()) {
            (Some(name), _) => format!("{} {name}", a.id),
            (None, "analytic") => format!("{} {}", a.id, finding.analytic.version),
            (None, _) => a.id.clone(),
        });
    fact("ATT&CK", ids.collect::<Vec<_>>().join(", "));
    let also: Vec<&str> = finding
        .also_satisfies
        .iter()
        .map(|id| id.0.as_str())
        .collect();
    if !also.is_empty() {
        fact("Also", format!("the pattern of {}", also.join(", ")));
    }
    if let Some(rule) = &finding.suppressed {
        fact("Suppressed", suppression(rule));
    }
    facts
}

fn suppression(rule: &crate::report::json::shape::Suppressed) -> String {
    let until = rule.until.as_deref().unwrap_or("no end given");
    format!(
        "{}: {} (by {}, until {until})",
        rule.rule, rule.reason, rule.by
    )
}

/// Which halves of the evidence carry it, in words.
pub fn basis(tier: &str) -> &'static str {
    match tier {
        "both" => "packets and host logs agree",
        "host-only" => "host logs alone; no packets show it",
        "network-only" => "packets alone; no host log shows it",
        _ => "a part of the pattern",
    }
}

fn conditions(finding: &Finding) -> Block {
    let rows = finding.conditions.iter();
    Block::Table {
        head: vec!["condition".into(), "setting".into(), "measured".into()],
        rows: rows
            .map(|c| vec![c.text.clone(), c.setting.clone(), c.measured.clone()])
            .collect(),
    }
}

fn score(finding: &Finding) -> Block {
    let mut rows: Vec<Vec<String>> = finding
        .confidence
        .items
        .iter()
        .map(|item| vec![format!("{:+}", item.points), item.reason.clone()])
        .collect();
    rows.push(vec![
        finding.confidence.score.to_string(),
        format!("{} of 100", finding.confidence.level),
    ]);
    Block::Table {
        head: vec!["points".into(), "because".into()],
        rows,
    }
}

fn sequence(finding: &Finding) -> Block {
    let head = ["#", "time", "after", "role", "what", "reference"];
    let ties = tied(finding);
    let rows = finding.steps.iter().zip(&ties).map(|(step, tie)| {
        vec![
            format!("{}{}", step.n, if *tie { " =" } else { "" }),
            moment(&step.time).clock(6),
            after(step),
            step.role.to_uppercase(),
            what(step),
            refs(step),
        ]
    });
    Block::Table {
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

/// Which steps have the time of a neighbour: their order is not known.
pub fn tied(finding: &Finding) -> Vec<bool> {
    let times: Vec<&str> = finding.steps.iter().map(|s| s.time.0.as_str()).collect();
    (0..times.len())
        .map(|i| {
            let same = |other: usize| times.get(other).is_some_and(|time| *time == times[i]);
            i > 0 && same(i - 1) || same(i + 1)
        })
        .collect()
}

/// Time since the step before; empty for the first.
pub fn after(step: &Step) -> String {
    if step.n == 1 {
        String::new()
    } else {
        format!("+{}", Span(step.delta_ns))
    }
}

/// What happened, with the remark.
pub fn what(step: &Step) -> String {
    if step.remark.is_empty() {
        step.summary.clone()
    } else {
        format!("{} ({})", step.summary, step.remark)
    }
}

/// The references of a step, the first few named.
pub fn refs(step: &Step) -> String {
    const NAMED: usize = 8;
    let named: Vec<String> = step.refs.iter().take(NAMED).map(|r| r.text()).collect();
    match step.refs.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// What the order rests on.
pub fn clock(finding: &Finding) -> String {
    let order = &finding.order;
    let mut text = order.notes.join(" ");
    if !text.is_empty() {
        text.push(' ');
    }
    match (order.smallest_gap_ns, order.certain) {
        (Some(gap), certain) => {
            text.push_str(&format!(
                "Smallest gap between two clocks that the order rests on: {}; their uncertainty: {}. ",
                Span(gap),
                Span(order.uncertainty_ns)
            ));
            text.push_str(if certain {
                "The order is certain at this uncertainty."
            } else {
                "The order is NOT certain at this uncertainty: steps on either side of that gap may \
                 have happened the other way round."
            });
        }
        (None, true) => text.push_str("One clock timed all steps that the order rests on."),
        (None, false) => text.push_str("The order of the steps is NOT certain."),
    }
    if tied(finding).iter().any(|tie| *tie) {
        text.push_str(" Steps marked = have the same time; their order is not known.");
    }
    text
}

/// What was not there, in sentences.
pub fn missing(finding: &Finding) -> Vec<String> {
    let all = finding.missing.iter();
    all.map(|m| match &m.host {
        Some(host) => format!("{} of {host}: {}", m.telemetry, m.effect),
        None => format!("{}: {}", m.telemetry, m.effect),
    })
    .collect()
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
