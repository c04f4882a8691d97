//! `casewire timeline`: print the merged event stream as it is read, holding none of it.

use super::args::{Global, Timeline, TimelineFormat};
use super::exit::{Exit, say};
use super::{output, progress, request};
use anyhow::Context;
use casewire::case::Case;
use casewire::evidence::Weight;
use casewire::investigate;
use casewire::model::plural::counted;
use casewire::model::{Event, Labels};
use casewire::report::zone::local_times;
use casewire::report::{json, timeline};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;

/// Runs it.
pub fn run(args: &Timeline, global: &Global) -> anyhow::Result<Exit> {
    let wanted = request::of(&args.evidence, global)?;
    output::zone(&args.times, args.format == TimelineFormat::Text, global);
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut printed = 0_u64;
    let mut left_out = false;
    let mut failed: Option<anyhow::Error> = None;
    if args.format == TimelineFormat::Csv {
        write!(out, "{}\r\n", timeline::CSV_HEADER).context(STDOUT)?;
    }
    let mut each = |event: &Event, labels: &Labels| {
        if args.limit.is_some_and(|limit| printed >= limit) {
            left_out = true;
            return ControlFlow::Break(());
        }
        printed += 1;
        match line(&mut out, event, labels, args) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let case = {
        let progress = progress::shown(global);
        investigate::events(&wanted, &*progress, &mut each)?
    };
    if let Some(error) = failed {
        return Err(error);
    }
    out.flush().context(STDOUT)?;
    if !global.quiet {
        closing(&case, args, printed, left_out);
    }
    problems(&case, global);
    Ok(match case.any_loss() {
        true => Exit::Unreadable,
        false => Exit::Done,
    })
}

/// What the list alone does not say: how much it is of what was read, and whose times are no UTC.
fn closing(case: &Case, args: &Timeline, printed: u64, left_out: bool) {
    let events = counted(printed, "event");
    if left_out {
        say(&format!(
            "note: stopped after {events} (--limit); there are more"
        ));
    }
    let (from, to) = (args.evidence.from, args.evidence.to);
    if printed == 0 && !left_out && (from.is_some() || to.is_some()) {
        let ends = [("from", from), ("to", to)].map(|(word, end)| {
            end.map(|end| format!(" {word} {}", end.rfc3339()))
                .unwrap_or_default()
        });
        say(&format!(
            "note: no event lies in the time asked for,{}",
            ends.concat()
        ));
    }
    if let Some(told) = local_times(&case.unknown_zones) {
        say(&format!("note: {told}"));
    }
    for note in &case.notes {
        say(&format!("note: {note}"));
    }
    say(&format!(
        "note: {events} listed; {} and {} were read",
        counted(case.totals.packets, "packet"),
        counted(case.totals.records, "event record")
    ));
}

/// What could not be read, and unless it is to be quiet what is to be known of what was.
fn problems(case: &Case, global: &Global) {
    for problem in &case.problems {
        let word = match problem.weight {
            Weight::Loss => "warning",
            Weight::Note if global.quiet => continue,
            Weight::Note => "note",
        };
        let place = problem.evidence.and_then(|id| case.evidence(id));
        let place = place.map(|file| format!("{}: ", file.path));
        let times = match problem.count {
            0 | 1 => String::new(),
            n => format!(" ({n} times)"),
        };
        let effect = match problem.effect.as_str() {
            "" => String::new(),
            effect => format!(": {effect}"),
        };
        say(&format!(
            "{word}: {}{}{times}{effect}",
            place.unwrap_or_default(),
            problem.message
        ));
    }
}

const STDOUT: &str =
    "cannot write to standard output; check the disk or the program it is piped into";

fn line(
    out: &mut impl Write,
    event: &Event,
    labels: &Labels,
    args: &Timeline,
) -> anyhow::Result<()> {
    let zone = &args.times.tz;
    match args.format {
        TimelineFormat::Text => writeln!(out, "{}", timeline::text_line(event, labels, zone)),
        TimelineFormat::Jsonl => writeln!(out, "{}", json::event_line(event, labels)?),
        TimelineFormat::Csv => write!(out, "{}\r\n", timeline::csv_line(event, labels)),
    }
    .context(STDOUT)
}
