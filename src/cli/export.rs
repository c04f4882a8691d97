//! `casewire export`: a case folder for other tools.

use super::args::{Export, ExportFormat, Global};
use super::exit::{Exit, Wrong, say};
use super::interrupt;
use super::report::{bounds, incidents, opened, write};
use anyhow::Context;
use casewire::casefile::folder::NewFolder;
use casewire::casefile::places::Places;
use casewire::casefile::{CaseFolder, TIMELINE, raw, slice};
use casewire::report::export::{Format, Scope, render, timesketch};
use casewire::report::json::shape::TimelineEvent;
use casewire::report::record::{Chosen, telling};
use casewire::report::zone::local_times;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Runs it.
pub fn run(args: &Export, global: &Global) -> anyhow::Result<Exit> {
    let (case, exit) = opened(&args.case.case)?;
    let chosen = Chosen {
        ids: incidents(&case.report, &args.incidents)?,
        ..Chosen::default()
    };
    if args.with_events && args.format != ExportFormat::Timesketch {
        return Err(Wrong("--with-events belongs to --as timesketch".to_owned()).into());
    }
    let format = match args.format {
        ExportFormat::Json => Format::Json,
        ExportFormat::Jsonl => Format::Jsonl,
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Timesketch => Format::Timesketch,
        ExportFormat::Case => Format::Case,
        ExportFormat::Stix => Format::Stix,
        ExportFormat::Navigator => Format::Navigator,
        ExportFormat::Evidence => {
            let done = evidence(args, &case, &chosen, global)?;
            return Ok(if done == Exit::Done { exit } else { done });
        }
    };
    let scope = Scope::of(&case.report, format, &chosen);
    // A file without the one thing that was asked for would look as if there were nothing.
    if scope.held == 0 && !chosen.ids.is_empty() {
        return Err(Wrong(format!(
            "{} suppressed by rules of the settings file, which {} cannot say; export as json or jsonl, which can",
            match scope.suppressed.as_slice() {
                [one] => format!("{one} is"),
                many => format!("{} are", many.join(", ")),
            },
            format.name()
        ))
        .into());
    }
    let mut bytes = render(&case.report, format, &chosen)?;
    if args.with_events {
        bytes.extend(events(&case)?);
    }
    let now = args.case.evidence.as_deref();
    let bounds = bounds(&case, now, args.overwrite);
    write(args.output.as_deref(), &bounds, &bytes)?;
    if let Some(loss) = format.loss().filter(|_| !global.quiet) {
        // What was asked for beside the steps is not lost.
        let loss = match args.with_events {
            true => loss.replacen("steps only", "steps and events only", 1),
            false => loss.to_owned(),
        };
        say(&format!("note: {} loses: {loss}", format.name()));
    }
    let local = local_times(&case.report.summary.unknown_zones);
    if let Some(told) = local.filter(|_| !global.quiet) {
        say(&format!("note: {told}"));
    }
    if let Some(told) = scope.told().filter(|_| !global.quiet) {
        say(&format!("note: {told}"));
    }
    Ok(exit)
}

/// Every event of the timeline as a line for Timesketch.
fn events(case: &CaseFolder) -> anyhow::Result<Vec<u8>> {
    let path = case.path.join(TIMELINE);
    let file =
        File::open(&path).with_context(|| format!("{}: see 'casewire verify'", path.display()))?;
    let mut out = Vec::new();
    for (line, n) in BufReader::new(file).lines().zip(1_u64..) {
        let event: TimelineEvent = serde_json::from_str(&line?).with_context(|| {
            format!(
                "{} line {n} is no event; see 'casewire verify'",
                path.display()
            )
        })?;
        out.extend_from_slice(timesketch::event(&event)?.as_bytes());
        out.push(b'\n');
    }
    Ok(out)
}

fn evidence(
    args: &Export,
    case: &CaseFolder,
    chosen: &Chosen,
    global: &Global,
) -> anyhow::Result<Exit> {
    let Some(target) = &args.output else {
        return Err(Wrong(
            "--as evidence makes a folder of several files; name it with -o".to_owned(),
        )
        .into());
    };
    let findings = telling::chosen(&case.report, chosen);
    let cited = raw::cited(findings.into_iter());
    let now = args.case.evidence.as_deref();
    let bounds = bounds(case, now, args.overwrite);
    let places = Places::of(
        case,
        now,
        &args.case.passwords,
        Some(&cited.keys().cloned().collect()),
    );
    let mut listens = Ok(());
    let mut folder = NewFolder::begin_after(target, &bounds, &mut |draft| {
        listens = interrupt::removes(draft);
    })?;
    listens?;
    slice::write(case, &places, &cited, &mut folder)?;
    folder.finish()?;
    if !global.quiet {
        say(&format!("note: evidence loses: {}", slice::LOSS));
    }
    Ok(Exit::Done)
}
