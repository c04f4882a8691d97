//! The first screen: what was read, and one line per incident.

use super::alike::listed;
use super::nothing::ends_inside;
use super::page::{Cell, Page, Tone};
use super::{Style, notes, suppressed};
use crate::analytics::about::Profile;
use crate::case::{Case, EvidenceRow, Incident, Judgeable, Parameters};
use crate::context::clocks::ClockMode;
use crate::model::Timestamp;
use crate::model::finding::{Finding, Severity};
use crate::model::hex::hex;
use crate::report::about::{local_at, sides, tells_utc};
use crate::report::escape::{fit, fit_middle};
use crate::report::not_run::not_run;
use crate::report::words::{count, counted};
use std::collections::BTreeMap;

pub(super) fn write(case: &Case, style: &Style, page: &mut Page) {
    what_was_read(case, page);
    notes::first(case, page);
    if case.open_incidents().next().is_some() {
        page.gap();
        table(case, style, page);
        page.gap();
        totals(case, style, page);
    }
}

fn what_was_read(case: &Case, page: &mut Page) {
    page.text(
        0,
        &format!(
            "casewire {}   {}, {}, {}",
            case.version,
            counted(case.evidence.len() as u64, "evidence file"),
            counted(case.totals.packets, "packet"),
            counted(case.totals.records, "event record"),
        ),
    );
    if let Some(number) = &case.number {
        page.hanging(0, "Case ", number);
    }
    if let Some(examiner) = &case.examiner {
        page.hanging(0, "Examiner ", examiner);
    }
    match case.span {
        Some((first, last)) => page.text(
            0,
            &format!(
                "Evidence from {} {} to {}{}{}. {}",
                first.date(),
                first.clock(0),
                if first.date() == last.date() {
                    String::new()
                } else {
                    last.date() + " "
                },
                last.clock(0),
                match ends_local(case, [first, last]) {
                    true => ", where local times of unknown zone are as they were written",
                    false => " UTC",
                },
                page.zone.told(&case.unknown_zones),
            ),
        ),
        None => page.text(0, "The evidence holds no event with a time."),
    }
    settings(case, page);
    let window = |t: Option<crate::model::Timestamp>| {
        t.map(|t| {
            // As exactly as it was asked for.
            let digits = match t.0.rem_euclid(1_000_000_000) {
                0 => 0,
                n if n % 1_000_000 == 0 => 3,
                n if n % 1_000 == 0 => 6,
                _ => 9,
            };
            let beside = page.zone.beside(t, digits);
            format!("{} {} UTC{beside}", t.date(), t.clock(digits))
        })
    };
    match (window(case.parameters.from), window(case.parameters.to)) {
        (None, None) => {}
        (Some(from), None) => page.text(0, &format!("Only events from {from} were asked for.")),
        (None, Some(to)) => page.text(0, &format!("Only events until {to} were asked for.")),
        (Some(from), Some(to)) => {
            page.text(
                0,
                &format!("Only events from {from} to {to} were asked for."),
            );
        }
    }
}

/// True if one of these moments is known from files alone whose times are local, of a zone that nothing
/// tells.
fn ends_local(case: &Case, ends: [Timestamp; 2]) -> bool {
    ends.into_iter().any(|end| {
        let of_end = |row: &&EvidenceRow| [row.first_time, row.last_time].contains(&Some(end));
        let mut rows = case.evidence.iter().filter(of_end).peekable();
        rows.peek().is_some() && !rows.any(|row| tells_utc(case, [row.id]))
    })
}

/// Settings in one line: enough to see whether two reports were made with the same.
fn settings(case: &Case, page: &mut Page) {
    let asked = &case.parameters;
    let start = |hash: &[u8; 32]| hex(&hash[..8]);
    let profile = match asked.profile {
        Profile::Default => String::new(),
        other => format!("profile {}, ", other.word()),
    };
    let beside = stated(asked);
    let changed = match (asked.changed(), beside.is_empty()) {
        (0, true) => "all at default".to_owned(),
        (0, false) => "those of the analytics at default".to_owned(),
        (n, _) => format!("{} not at default", count(n as u64)),
    };
    let beside = match beside.is_empty() {
        true => String::new(),
        false => format!("; stated beside the evidence: {}", beside.join(", ")),
    };
    let file = asked
        .config_sha256
        .map(|hash| format!(", file {}", start(&hash)))
        .unwrap_or_default();
    let text = format!(
        "{profile}{changed}{beside} (sha256 {}{file})",
        start(&asked.sha256())
    );
    page.hanging(0, "Settings: ", &text);
    let ran = asked.analytics.iter().map(|run| run.about.id);
    if let Some(told) = not_run(ran) {
        page.text(0, &told);
    }
    for stated in &asked.containments {
        let host = stated.host.as_deref().unwrap_or("all hosts");
        let text = format!("{} for {host}", stated.time.rfc3339());
        page.hanging(0, "Containment: ", &text);
    }
    for (label, files) in [
        ("Baseline: ", &asked.baselines),
        ("Known hosts: ", &asked.known_hosts),
    ] {
        for file in files {
            let days = match (file.days.first(), file.days.last()) {
                (Some(first), Some(last)) => {
                    let days = counted(file.days.len() as u64, "day");
                    format!(", {days} from {first} to {last}")
                }
                _ => String::new(),
            };
            let text = format!("{}{days} (sha256 {})", file.name, start(&file.sha256));
            page.hanging(0, label, &text);
        }
    }
}

/// What was said of hosts, clocks and network that findings may rest on, and that no other line names.
fn stated(asked: &Parameters) -> Vec<String> {
    let rows = [
        (
            asked.clock.given.len(),
            "offset of a clock",
            "offsets of clocks",
        ),
        (asked.hosts.len(), "address of a host", "addresses of hosts"),
        (asked.scanners.len(), "known scanner", "known scanners"),
        (asked.assets.roles.len(), "role", "roles"),
        (asked.segments().len(), "segment", "segments"),
        (
            asked.assets.internal.len(),
            "internal range",
            "internal ranges",
        ),
        (
            asked.rules.len(),
            "rule that suppresses",
            "rules that suppress",
        ),
    ];
    let mut told = Vec::new();
    if asked.clock.mode == ClockMode::AsRecorded {
        told.push("clocks as recorded".to_owned());
    }
    told.extend(rows.into_iter().filter_map(|(n, one, many)| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{} {many}", count(n as u64))),
    }));
    told
}

/// `HIGH`, in a tone.
pub(super) fn severity_cell(severity: Severity) -> (String, Tone) {
    let tone = match severity {
        Severity::Critical | Severity::High => Tone::Alarm,
        Severity::Medium => Tone::Warn,
        Severity::Low | Severity::Info => Tone::Plain,
    };
    (severity.word().to_ascii_uppercase(), tone)
}

fn short_confidence(finding: &Finding) -> &'static str {
    match finding.confidence_word() {
        "medium" => "med",
        other => other,
    }
}

fn table(case: &Case, style: &Style, page: &mut Page) {
    let shown: Vec<_> = case
        .open_incidents()
        .filter(|i| i.finding.severity >= style.min_severity)
        .collect();
    let digits = shown
        .iter()
        .map(|i| i.number.to_string().len())
        .max()
        .unwrap_or(1)
        .max(2);
    let severity = digits + 2;
    let confidence = severity + 9;
    let analytic = confidence + 6;
    let first = analytic + 10;
    // Another zone has a column of its own where there is room; the incidents tell it anyway.
    let zone = page.zone.clone();
    let beside = zone.name().filter(|_| page.wide());
    // The year, where the evidence is of more than one.
    let year = |time: Timestamp| time.date().get(..4).map(str::to_owned);
    let years = case.span.is_some_and(|(from, to)| year(from) != year(to));
    let first_width = if years { 20 } else { 15 };
    let beside_at = first + first_width + 1;
    let source = beside_at + if beside.is_some() { 28 } else { 0 };
    let rest = page.width.saturating_sub(source);
    let source_width = (rest * 18 / 40).max(4);
    let target = source + source_width + 1;
    let target_width = page.width.saturating_sub(target).max(4);
    // Words in narrow columns would wrap anywhere; a table keeps one line per incident instead.
    page.row(&[
        Cell::new(0, digits, "#").right().tone(Tone::Heading),
        Cell::new(severity, 8, "SEV").tone(Tone::Heading),
        Cell::new(confidence, 5, "CONF").tone(Tone::Heading),
        Cell::new(analytic, 9, "ANALYTIC").tone(Tone::Heading),
        Cell::new(first, first_width, "FIRST SEEN").tone(Tone::Heading),
        Cell::new(beside_at, 26, beside.as_deref().unwrap_or("")).tone(Tone::Heading),
        Cell::new(source, source_width, "SOURCE").tone(Tone::Heading),
        Cell::new(target, target_width, "TARGET").tone(Tone::Heading),
    ]);
    for incident in shown {
        let finding = &incident.finding;
        let (severity_word, tone) = severity_cell(finding.severity);
        let seen = finding.first_time();
        let date = seen.date();
        let date = date.get(if years { 0 } else { 5 }..).unwrap_or("");
        let when = format!("{date} {}", seen.clock(0));
        let utc = !local_at(case, finding, seen);
        let local = zone.time(seen, 0).filter(|_| beside.is_some() && utc);
        let (from, to) = sides(case, incident);
        let same = incident
            .same_activity_as
            .map(|n| format!(" ={n}"))
            .unwrap_or_default();
        let from = fit_middle(&from, source_width);
        let to = fit_middle(&to, target_width.saturating_sub(same.len())) + &same;
        page.row(&[
            Cell::new(0, digits, &incident.number.to_string()).right(),
            Cell::new(severity, 8, &severity_word).tone(tone),
            Cell::new(confidence, 5, short_confidence(finding)),
            Cell::new(analytic, 9, &fit(finding.analytic, 9)),
            Cell::new(first, first_width, &when),
            Cell::new(beside_at, 26, local.as_deref().unwrap_or("")),
            Cell::new(source, source_width, &from),
            Cell::new(target, target_width, &to),
        ]);
    }
}

/// Which incidents may belong together, for the most severe ones.
fn chains(case: &Case, style: &Style, page: &mut Page) {
    const TOLD: usize = 3;
    let shown = |i: &&Incident| i.finding.severity >= style.min_severity;
    let mut onward: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for incident in case.open_incidents().filter(shown) {
        for reached in &incident.chain.reached_in {
            let later = onward.entry(reached.number).or_default();
            later.push(format!("#{}", incident.number));
        }
    }
    let hidden = |n: usize| case.incidents.get(n - 1).is_none_or(|i| !shown(&i));
    onward.retain(|first, _| !hidden(*first));
    for (first, later) in onward.iter().take(TOLD) {
        let later = listed(later);
        page.hanging(
            0,
            "",
            &format!("What was reached in #{first} is the source in {later}."),
        );
    }
    if let Some(more) = onward.len().checked_sub(TOLD).filter(|more| *more > 0) {
        page.text(
            0,
            &format!(
                "{} more led on (see Chain).",
                counted(more as u64, "incident")
            ),
        );
    }
}

fn totals(case: &Case, style: &Style, page: &mut Page) {
    let all: Vec<&Finding> = case.open_incidents().map(|i| &i.finding).collect();
    let each: Vec<String> = Severity::ALL
        .into_iter()
        .filter_map(|severity| {
            let n = all.iter().filter(|f| f.severity == severity).count();
            (n > 0).then(|| format!("{} {}", count(n as u64), severity.word()))
        })
        .collect();
    let same = case.open_incidents().any(|i| i.same_activity_as.is_some());
    page.text(
        0,
        &format!(
            "{}: {}.{}",
            counted(all.len() as u64, "incident"),
            each.join(", "),
            if same {
                "   =N: same activity as #N."
            } else {
                ""
            }
        ),
    );
    chains(case, style, page);
    let below = all
        .iter()
        .filter(|f| f.severity < style.min_severity)
        .count();
    if below > 0 {
        page.text(
            0,
            &format!(
                "{} below {} not shown here (--min-severity).",
                count(below as u64),
                style.min_severity.word()
            ),
        );
    }
    suppressed::write(case, page);
    let blind = case
        .verdicts
        .iter()
        .filter(|v| v.judgeable == Judgeable::Not)
        .count();
    if blind > 0 {
        page.text(
            0,
            &format!(
                "{} of {} analytic-host pairs could not be judged (see COVERAGE below).",
                count(blind as u64),
                count(case.verdicts.len() as u64)
            ),
        );
    }
    if case.any_loss() {
        page.text(0, "Some evidence could not be read (see PROBLEMS below).");
    }
    page.text(0, ends_inside(case).trim_start());
}
