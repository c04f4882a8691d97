//! `casewire report`: a case folder for people.

use super::args::{Global, PeopleFormat, Report};
use super::exit::{Exit, Wrong, say};
use super::output;
use casewire::casefile::place::Bounds;
use casewire::casefile::{ALTERED, CaseFolder, folder};
use casewire::report::json::{self, shape};
use casewire::report::record::{self, Chosen, telling};
use casewire::report::redact::redact;
use casewire::report::{html, text};
use std::path::Path;

/// Runs it.
pub fn run(args: &Report, global: &Global) -> anyhow::Result<Exit> {
    let (mut case, exit) = opened(&args.case)?;
    let chosen = Chosen {
        ids: incidents(&case.report, &args.incidents)?,
        min_severity: args.min_severity,
    };
    if args.detail.is_some() && args.format != PeopleFormat::Html {
        return Err(Wrong("--detail belongs to --format html".to_owned()).into());
    }
    let bounds = bounds(&case, None, args.overwrite);
    let mut key = None;
    if !args.redact.is_empty() {
        let (copy, labels) = redact(&case.report, &args.redact)?;
        case.report = copy;
        if let Some(target) = &args.labels {
            key = Some((target, json::pretty(&labels)?));
        }
    }
    let zone = &args.times.tz;
    let page = match args.format {
        PeopleFormat::Text => {
            let style = text::Style {
                width: output::width(global),
                color: output::color(global) && args.output.is_none(),
                zone: zone.clone(),
                ..text::Style::default()
            };
            record::text(&telling::whole(&case.report, &chosen, zone), &style)
        }
        PeopleFormat::Md => record::markdown(&telling::whole(&case.report, &chosen, zone)),
        PeopleFormat::Html => html::render(
            &case.report,
            &html::Style {
                detail: args.detail,
                chosen,
                zone: zone.clone(),
            },
        ),
    };
    write(args.output.as_deref(), &bounds, page.as_bytes())?;
    // Of a copy that could not be written nothing is to be told.
    if let Some((target, labels)) = key {
        folder::new_file(target, &bounds, &labels)?;
    }
    Ok(exit)
}

/// Opens a case folder, and says if its report is not the one it was made with: what is made from it
/// is made, and the exit code is that of something changed.
pub fn opened(path: &Path) -> anyhow::Result<(CaseFolder, Exit)> {
    let case = CaseFolder::open(path)?;
    if !case.altered {
        return Ok((case, Exit::Done));
    }
    say(&format!("warning: {ALTERED}; see 'casewire verify'"));
    Ok((case, Exit::Changed))
}

/// The incidents that are named, as they were named; an unknown one is refused.
pub fn incidents(report: &shape::Report, named: &[String]) -> Result<Vec<String>, Wrong> {
    for id in named {
        if finding(report, id).is_none() {
            return Err(Wrong(format!(
                "the case has no incident {id}; 'casewire report CASE' lists them"
            )));
        }
    }
    Ok(named.to_vec())
}

/// The incident of that id, short or whole.
pub fn finding<'r>(report: &'r shape::Report, id: &str) -> Option<&'r shape::Finding> {
    report
        .findings
        .iter()
        .find(|f| f.id.eq_ignore_ascii_case(id) || f.short_id.eq_ignore_ascii_case(id))
}

/// To standard output, or into a file at a place that is allowed.
pub fn write(target: Option<&Path>, bounds: &Bounds, bytes: &[u8]) -> anyhow::Result<()> {
    match target {
        None => output::print(bytes),
        Some(target) => Ok(folder::new_file(target, bounds, bytes)?),
    }
}

/// What is written of a case lies neither in a case nor among its evidence: where that lay, where
/// it is `now`, and over none of it anywhere.
pub fn bounds(case: &CaseFolder, now: Option<&Path>, overwrite: bool) -> Bounds {
    let run = case.run.iter();
    let places = run
        .clone()
        .flat_map(|run| run.evidence.iter().map(|place| place.on_disk()));
    let known = case.report.evidence.iter().filter_map(|row| {
        let hash = row.hashes.sha256.as_ref()?;
        Some((row.size, hash.0.clone()))
    });
    Bounds {
        evidence: run
            .flat_map(|run| run.given())
            .chain(places)
            .chain(now.map(Path::to_owned))
            .collect(),
        known: known.collect(),
        overwrite,
    }
}
