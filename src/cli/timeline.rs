//! `casewire timeline`: print the merged event stream as it is read, holding none of it.

use super::args::{Global, Timeline, TimelineFormat};
use super::exit::{Exit, say};
use super::{output, progress, request};
use anyhow::Context;
use casewire::investigate;
use casewire::model::{Event, Labels};
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
    if left_out && !global.quiet {
        say(&format!(
            "note: stopped after {printed} events (--limit); there are more"
        ));
    }
    if case.any_loss() {
        for problem in case
            .problems
            .iter()
            .filter(|p| p.weight == casewire::evidence::Weight::Loss)
        {
            let place = problem.evidence.and_then(|id| case.evidence(id));
            let place = place.map_or("", |file| file.path.as_str());
            say(&format!(
                "warning: {place}: {} ({} times): {}",
                problem.message, problem.count, problem.effect
            ));
        }
        return Ok(Exit::Unreadable);
    }
    Ok(Exit::Done)
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
