//! Every story: turned into evidence by the lab, read through the front door, held against what the
//! page expects.
//!
//! A story under `src/analytics/<id>/scenarios` runs that analytic alone; one under
//! `testdata/incidents` runs all. A `toml` block is the settings file; a `set` block changes settings as
//! `--set` does, one `AN0842.Name=value` a line. What the report says of a suppression rule stands
//! behind `rule`, titles of findings behind `said`, what was measured and what was asked behind `held`,
//! points behind `scored`, the rows of their first tables behind `shown`, those of the others behind `beside`, remarks of steps behind `remarked`, notes of findings behind `noted`, what carries them behind `based`, from when to when behind `spanned`, other
//! explanations behind `otherwise`, what to do behind `next`, what was not there to see and what that leaves
//! open behind `unseen`, the confidence behind `confidence`; gaps behind `gap`, contradictions behind
//! `conflict` and notes of the report behind `note`: each word is told where the block has it.
//! A `containment` block states containments, `TIME`
//! or `TIME,HOST` a line.
//! `BLESS=1 cargo test --test scenarios` rewrites the expect blocks; the difference is reviewed like
//! code.

use casewire::case::{Case, Gap, Incident};
use casewire::config::Config;
use casewire::context::containment::Stated;
use casewire::evidence::progress::Silent;
use casewire::investigate::{Background, Request, baseline, investigate};
use casewire::model::Provenance;
use casewire::model::What;
use casewire::model::finding::{Finding, Role};
use casewire::model::net::mac_text;
use casewire_lab::story::{Evidence, Story};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.sort();
    pages
}

/// The lines of a fenced block, and where it lies in the page.
fn block<'p>(page: &'p str, name: &str) -> Option<(std::ops::Range<usize>, Vec<&'p str>)> {
    let open = format!("```{name}\n");
    let start = page.find(&open)? + open.len();
    let end = start + page[start..].find("```")?;
    let lines = page[start..end]
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    Some((start..end, lines))
}

fn request(folder: &Path, analytic: Option<&str>, page: &str, settings: Option<&str>) -> Request {
    let changed = block(page, "set")
        .map(|(_, lines)| {
            lines
                .iter()
                .map(|line| {
                    let (name, value) = line.split_once('=').expect("a set line is ID.Name=value");
                    let (id, name) = name.split_once('.').expect("a set line is ID.Name=value");
                    (
                        id.trim().to_owned(),
                        name.trim().to_owned(),
                        value.trim().to_owned(),
                    )
                })
                .collect()
        })
        .unwrap_or_default();
    let containments = block(page, "containment").map(|(_, lines)| {
        lines
            .iter()
            .map(|line| Stated::parse(line).expect("a containment line is TIME or TIME,HOST"))
            .collect()
    });
    Request {
        containments: containments.unwrap_or_default(),
        config: settings.map_or_else(Config::default, |text| {
            Config::read(text.as_bytes()).unwrap_or_else(|e| panic!("the toml block: {e}"))
        }),
        analytics: analytic.map(str::to_owned).into_iter().collect(),
        settings: changed,
        ..Request::of(vec![folder.to_owned()])
    }
}

struct Names<'e> {
    evidence: &'e Evidence,
    case: &'e Case,
}

impl Names<'_> {
    fn of(&self, address: IpAddr) -> String {
        self.evidence
            .hosts
            .iter()
            .find(|host| host.addresses.contains(&address))
            .map_or_else(|| address.to_string(), |host| host.name.clone())
    }

    fn of_mac(&self, mac: [u8; 6]) -> String {
        self.evidence
            .hosts
            .iter()
            .find(|host| host.mac == mac)
            .map_or_else(|| mac_text(mac), |host| host.name.clone())
    }

    fn label(&self, at: &Provenance) -> String {
        let file = self
            .case
            .evidence(at.evidence)
            .map(|e| e.path.clone())
            .unwrap_or_default();
        let name = file.rsplit('/').next().unwrap_or_default();
        self.evidence
            .cite(name, at.item)
            .map_or_else(|| self.case.labels.place(at), |cite| cite.label.clone())
    }

    /// A finding as an expect block words it.
    fn line(&self, incident: &Incident) -> String {
        let finding: &Finding = &incident.finding;
        let who = &finding.entities;
        let remote = match (who.remote, who.remote_mac) {
            (Some(address), _) => self.of(address),
            (None, Some(mac)) => self.of_mac(mac),
            (None, None) => "?".to_owned(),
        };
        let about = if who.woken.is_empty() {
            let host = match who.host_address {
                Some(address) => self.of(address),
                None => who.host_name.to_string(),
            };
            let port = who
                .opened_ports
                .first()
                .map(|p| format!(":{p}"))
                .unwrap_or_default();
            format!("{remote} -> {host}{port}")
        } else {
            let woken: Vec<String> = who.woken.iter().map(|mac| self.of_mac(*mac)).collect();
            format!("{remote} wakes {}", woken.join(" "))
        };
        let steps: Vec<String> = finding
            .steps
            .iter()
            .filter(|step| step.role != Role::Context || !matches!(step.event.what, What::Host(_)))
            .map(|step| self.label(&step.event.provenance))
            .collect();
        let suppressed = if incident.suppressed.is_some() {
            "suppressed "
        } else {
            ""
        };
        let mut line = format!(
            "{suppressed}{} {}  {about}",
            finding.analytic,
            finding.severity.word()
        );
        for other in &finding.also_satisfies {
            line.push_str(&format!("  also {other}"));
        }
        line.push_str(&format!("  {}", finding.tier.word()));
        if !finding.order.certain {
            line.push_str("  order uncertain");
        }
        line.push_str(&format!("  steps {}", steps.join(" ")));
        line
    }
}

/// What stands beside the evidence: a `before` block is a story of its own, whose evidence becomes a
/// baseline; a `known` block is a list of hosts.
fn background(page: &str) -> Background {
    let mut background = Background::default();
    if let Some((range, _)) = block(page, "before") {
        let story = Story::parse(&format!("```story\n{}```\n", &page[range])).expect("a story");
        let folder = tempfile::tempdir().expect("a temporary folder");
        story
            .play()
            .write_to(folder.path())
            .expect("the evidence can be written");
        let file = baseline(&Request::of(vec![folder.path().to_owned()]), &Silent)
            .expect("a baseline can be made");
        let bytes = file.bytes().expect("a baseline can be written");
        background
            .baseline("before.json", &bytes)
            .expect("a baseline can be read");
    }
    if let Some((range, _)) = block(page, "known") {
        background
            .known_hosts("known.txt", &page[range])
            .expect("a list of hosts");
    }
    background
}

/// What the tool says of a story, as an expect block words it.
fn told(path: &Path, analytic: Option<&str>) -> (String, String) {
    let page = std::fs::read_to_string(path).expect("the page can be read");
    let story = Story::parse(&page).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let evidence = story.play();
    let folder = tempfile::tempdir().expect("a temporary folder");
    evidence
        .write_to(folder.path())
        .expect("the evidence can be written");
    let mut asked = request(folder.path(), analytic, &page, story.settings.as_deref());
    asked.background = background(&page);
    let case = investigate(&asked, &Silent).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let names = Names {
        evidence: &evidence,
        case: &case,
    };
    for incident in &case.incidents {
        let found = &incident.finding;
        let (tier, severity) = (found.tier.word(), found.severity.word());
        assert!(
            !casewire::report::severity::rows(found.analytic, tier, severity).is_empty(),
            "{}: {} gives {severity} to {tier}, which docs/severity.md does not say",
            path.display(),
            found.analytic
        );
    }
    let mut lines: Vec<String> = case.incidents.iter().map(|i| names.line(i)).collect();
    if lines.is_empty() {
        lines.push("none".to_owned());
    }
    if block(&page, "expect").is_some_and(|(_, lines)| lines.iter().any(|l| l.starts_with("near ")))
    {
        lines.extend(
            case.near_misses
                .iter()
                .map(|miss| format!("near {} {}", miss.analytic, miss.text)),
        );
    }
    if block(&page, "expect").is_some_and(|(_, lines)| lines.iter().any(|l| l.starts_with("said ")))
    {
        lines.extend(
            case.incidents
                .iter()
                .map(|incident| format!("said {}", incident.finding.title)),
        );
    }
    let asked_for = |word: &str| {
        let told = block(&page, "expect");
        told.is_some_and(|(_, lines)| lines.iter().any(|l| l.starts_with(word)))
    };
    if asked_for("gap ") {
        let gap = |gap: &Gap| match gap.host.as_str() {
            "" => format!("gap captures: {}", gap.what),
            host => format!("gap {host}: {}", gap.what),
        };
        lines.extend(case.gaps.iter().map(gap));
    }
    if asked_for("conflict ") {
        let rows = case.conflicts.iter();
        lines.extend(rows.map(|row| format!("conflict {}", row.what)));
    }
    if asked_for("note ") {
        lines.extend(case.notes.iter().map(|note| format!("note {note}")));
    }
    for incident in &case.incidents {
        let finding = &incident.finding;
        if asked_for("held ") {
            lines.extend(finding.conditions.iter().map(|c| {
                let asked = if c.setting.is_empty() { "" } else { " of " };
                format!("held {}: {}{asked}{}", c.text, c.measured, c.setting)
            }));
        }
        if asked_for("based ") {
            let basis = casewire::report::basis::of_finding(finding);
            lines.push(format!("based {basis}"));
        }
        if asked_for("spanned ") {
            let (from, to) = (finding.first_time(), finding.last_time());
            lines.push(format!("spanned {} {}", from.clock(3), to.clock(3)));
        }
        if asked_for("otherwise ") {
            let others = finding.alternatives.iter();
            lines.extend(others.map(|other| format!("otherwise {other}")));
        }
        if asked_for("next ") {
            lines.extend(
                finding
                    .actions
                    .iter()
                    .map(|action| format!("next {action}")),
            );
        }
        if asked_for("scored ") {
            let items = finding.score.iter();
            lines.extend(items.map(|item| format!("scored {:+} {}", item.points, item.reason)));
        }
        if asked_for("confidence ") {
            lines.push(format!("confidence {}", finding.confidence));
        }
        if asked_for("unseen ") {
            lines.extend(finding.unseen.iter().map(|unseen| {
                let host = unseen.host.as_ref();
                let host = host.map_or_else(String::new, |host| format!(" on {host}"));
                format!("unseen {}{host}: {}", unseen.telemetry, unseen.effect)
            }));
        }
        if asked_for("shown ") {
            let rows = finding.tables.iter().take(1).flat_map(|table| &table.rows);
            lines.extend(rows.map(|row| format!("shown {}", row.join(" | "))));
        }
        if asked_for("beside ") {
            for table in finding.tables.iter().skip(1) {
                let rows = table.rows.iter().map(|row| row.join(" | "));
                lines.extend(rows.map(|row| format!("beside {}: {row}", table.title)));
            }
        }
        if asked_for("remarked ") {
            let mut remarks: Vec<&str> = finding.steps.iter().map(|s| s.remark.as_str()).collect();
            remarks.dedup();
            lines.extend(remarks.iter().map(|remark| format!("remarked {remark}")));
        }
        if asked_for("noted ") {
            lines.extend(finding.notes.iter().map(|note| format!("noted {note}")));
        }
    }
    for incident in &case.incidents {
        for reached in &incident.chain.reached_in {
            let open = reached.before.map_or(", order open", |_| "");
            lines.push(format!(
                "chain {} to {}{open}",
                reached.number, incident.number
            ));
        }
    }
    for row in &case.rules {
        lines.extend(row.remarks.iter().map(|remark| format!("rule {remark}")));
    }
    for problem in case
        .problems
        .iter()
        .filter(|p| p.weight == casewire::evidence::Weight::Loss)
    {
        lines.push(format!("loss {}", problem.kind.slug()));
    }
    for verdict in case
        .verdicts
        .iter()
        .filter(|v| v.host != casewire::case::judged::UNNAMED)
    {
        let host = names
            .evidence
            .hosts
            .iter()
            .find(|h| h.computer.eq_ignore_ascii_case(&verdict.host));
        let host = host.map_or(verdict.host.as_str(), |h| h.name.as_str());
        lines.push(format!(
            "verdict {} {host} {}",
            verdict.analytic,
            verdict.verdict.word()
        ));
    }
    let expected = block(&page, "expect")
        .map(|(range, _)| page[range].to_owned())
        .unwrap_or_default();
    (expected, lines.join("\n") + "\n")
}

fn hold(folder: &str, analytic: Option<&str>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages(&root.join(folder));
    assert!(!pages.is_empty(), "{folder} holds no stories");
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in &pages {
        let (expected, actual) = told(path, analytic);
        if expected == actual {
            continue;
        }
        if bless {
            let page = std::fs::read_to_string(path).expect("the page can be read");
            let (range, _) = block(&page, "expect").expect("a story has an expect block");
            let page = format!("{}{actual}{}", &page[..range.start], &page[range.end..]);
            std::fs::write(path, page).expect("the page can be written");
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        wrong.push(format!("== {name}\nexpected:\n{expected}told:\n{actual}"));
    }
    assert!(
        bless || wrong.is_empty(),
        "{} of {} stories:\n{}",
        wrong.len(),
        pages.len(),
        wrong.join("\n")
    );
    if bless {
        println!("{}", wrong.join("\n"));
    }
}

/// The stories of one analytic.
fn of(id: &str) {
    let folder = id.to_lowercase().replace('-', "_");
    hold(&format!("src/analytics/{folder}/scenarios"), Some(id));
}

#[test]
fn the_stories_of_an0842_are_told_as_expected() {
    of("AN0842");
}

#[test]
fn the_stories_of_an1057_are_told_as_expected() {
    of("AN1057");
}

#[test]
fn the_stories_of_an1376_are_told_as_expected() {
    of("AN1376");
}

#[test]
fn the_stories_of_an1448_are_told_as_expected() {
    of("AN1448");
}

#[test]
fn the_stories_of_every_other_analytic_are_told_as_expected() {
    // The others are apart because their stories are many, and tests run beside each other.
    let apart = ["AN0842", "AN1057", "AN1376", "AN1448"];
    let all = casewire::investigate::register(&[]).expect("the register is whole");
    let others: Vec<&str> = all.iter().map(|described| described.about.id).collect();
    assert!(apart.iter().all(|id| others.contains(id)));
    others
        .into_iter()
        .filter(|id| !apart.contains(id))
        .for_each(of);
}

#[test]
fn the_incidents_are_told_as_expected() {
    hold("testdata/incidents", None);
}
