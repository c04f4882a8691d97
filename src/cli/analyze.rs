//! `casewire analyze`: run the analytics and print the report.

use super::args::{Analyze, Global, ReportFormat};
use super::exit::{Exit, broken_pipe, say};
use super::{interrupt, output, progress, request, save};
use casewire::case::Case;
use casewire::casefile::place::Bounds;
use casewire::casefile::write::Draft;
use casewire::investigate::{self, Request};
use casewire::model::finding::Severity;
use casewire::report::{json, text};

/// Runs it.
pub fn run(args: &Analyze, global: &Global) -> anyhow::Result<Exit> {
    let began = save::Began::now();
    let mut wanted = request(args, global)?;
    output::zone(&args.times, args.format == ReportFormat::Text, global);
    let mut listens = Ok(());
    let mut draft = match &args.output {
        Some(target) => Some(Draft::begin(
            target,
            &Bounds {
                overwrite: args.overwrite,
                ..Bounds::of(&wanted.evidence)
            },
            &mut |draft| listens = interrupt::removes(draft),
        )?),
        None => None,
    };
    listens?;
    if draft.is_some() {
        wanted.hash_again = wanted.hash;
    }
    let case = {
        let progress = progress::shown(global);
        investigate::witnessed(&wanted, &*progress, &mut |event, labels| match &mut draft {
            Some(draft) => draft.event(event, labels),
            None => Ok(()),
        })?
    };
    let exit = outcome(&case, args.fail_on);
    // A run that cannot say what it found keeps no case; that nobody reads to the end is no failure.
    let printed = output::print(&page(&case, args, global)?);
    if printed.as_ref().is_err_and(|error| !broken_pipe(error)) {
        return printed.map(|()| exit);
    }
    if let (Some(draft), Some(target)) = (draft, &args.output) {
        let run = save::run(&began, &wanted, &case, global, exit);
        let sum = draft.finish(&json::report(&case)?, run)?;
        if !global.quiet {
            say(&format!(
                "note: the case is in {}; SHA-256 of its SHA256SUMS: {sum}",
                target.display()
            ));
        }
    }
    if global.verbose > 0 {
        settings_in_force(&case);
    }
    if printed.is_err() {
        // What was found is what it is, whoever reads it.
        return Ok(exit);
    }
    if !global.quiet {
        match exit {
            Exit::Unreadable => {
                say(
                    "note: exit 3: some evidence could not be read; the report names it under PROBLEMS",
                );
            }
            Exit::Incidents => say("note: exit 1: there are incidents at or above --fail-on"),
            Exit::Done | Exit::Usage | Exit::Changed | Exit::Failed => {}
        }
    }
    Ok(exit)
}

/// The report in the form that is asked for.
fn page(case: &Case, args: &Analyze, global: &Global) -> anyhow::Result<Vec<u8>> {
    Ok(match args.format {
        ReportFormat::Text => {
            let style = text::Style {
                width: output::width(global),
                color: output::color(global),
                min_severity: args.min_severity,
                zone: args.times.tz.clone(),
            };
            text::render(case, &style).into_bytes()
        }
        ReportFormat::Json => json::report(case)?,
        ReportFormat::Jsonl => json::lines(case)?,
    })
}

/// The request that these arguments make.
pub fn request(args: &Analyze, global: &Global) -> anyhow::Result<Request> {
    let mut wanted = request::of(&args.evidence, global)?;
    if !args.analytics.is_empty() || !args.settings.is_empty() {
        let register = investigate::register(&[])?;
        (wanted.analytics, wanted.settings) =
            request::named(&register, &args.analytics, &args.settings)?;
        for (id, name, _) in &wanted.settings {
            let runs = wanted.analytics.is_empty() || wanted.analytics.contains(id);
            if !runs && !global.quiet {
                say(&format!(
                    "note: --set {id}.{name} changes nothing: -a leaves {id} out"
                ));
            }
        }
    }
    wanted.profile = args.profile;
    wanted.case = args.case.clone();
    wanted.examiner = args.examiner.clone();
    Ok(wanted)
}

fn outcome(case: &Case, fail_on: Option<Severity>) -> Exit {
    let severe =
        fail_on.is_some_and(|limit| case.open_incidents().any(|i| i.finding.severity >= limit));
    match (case.any_loss(), severe) {
        (true, _) => Exit::Unreadable,
        (false, true) => Exit::Incidents,
        (false, false) => Exit::Done,
    }
}

fn settings_in_force(case: &Case) {
    for run in &case.parameters.analytics {
        for setting in &run.settings {
            let changed = if setting.changed() {
                format!("  (default {})", setting.default)
            } else {
                String::new()
            };
            say(&format!(
                "{}.{}={}{changed}",
                run.about.id, setting.name, setting.value
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casewire::evidence::{Problem, ProblemKind, Weight};

    #[test]
    fn unreadable_evidence_weighs_more_than_incidents() {
        let mut case = Case::default();
        assert_eq!(outcome(&case, Some(Severity::Info)), Exit::Done);
        case.problems.push(Problem {
            evidence: None,
            kind: ProblemKind::Unreadable,
            weight: Weight::Note,
            count: 1,
            first_offset: None,
            message: String::new(),
            effect: String::new(),
        });
        assert_eq!(outcome(&case, None), Exit::Done);
        case.problems[0].weight = Weight::Loss;
        assert_eq!(outcome(&case, Some(Severity::Info)), Exit::Unreadable);
    }
}
