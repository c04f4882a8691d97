//! `casewire baseline`: count what is usual, and say what a baseline holds.

use super::args::{BaselineCommand, BaselineFormat, Evidence, Global};
use super::exit::{Exit, Wrong, say};
use super::{output, progress, request};
use casewire::casefile::folder;
use casewire::casefile::place::Bounds;
use casewire::context::baseline::file::{BaselineFile, LARGEST};
use casewire::evidence::Weight;
use casewire::investigate;
use casewire::model::plural::counted;
use casewire::report::escape;
use casewire::report::text::baseline;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Runs it.
pub fn run(what: &BaselineCommand, global: &Global) -> anyhow::Result<Exit> {
    match what {
        BaselineCommand::Build {
            output,
            overwrite,
            evidence,
        } => build(output, *overwrite, evidence, global),
        BaselineCommand::Show { file, format } => show(file, *format, global),
    }
}

/// Reads a file that stands beside the evidence.
pub fn read(path: &Path) -> Result<Vec<u8>, Wrong> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Wrong(format!(
                "cannot read {}: {error}; check the path",
                path.display()
            ))
        })?;
    if bytes.len() as u64 > LARGEST {
        return Err(Wrong(format!(
            "{} is larger than 256 MiB, which no baseline or list is; give the right file",
            path.display()
        )));
    }
    Ok(bytes)
}

fn build(
    path: &Path,
    overwrite: bool,
    evidence: &Evidence,
    global: &Global,
) -> anyhow::Result<Exit> {
    let wanted = request::of(evidence, global)?;
    if !wanted.hash {
        return Err(Wrong(
            "a baseline names its evidence by SHA-256, so that it is not counted twice; leave out --no-hash"
                .to_owned(),
        )
        .into());
    }
    let bounds = Bounds {
        overwrite,
        ..Bounds::of(&wanted.evidence)
    };
    // Before hours of reading, not after them.
    folder::allowed(path, &bounds)?;
    let (file, told) = {
        let progress = progress::shown(global);
        investigate::told_baseline(&wanted, &*progress)?
    };
    let bytes = file.bytes()?;
    folder::new_file(path, &bounds, &bytes)?;
    // There is no report that would tell them.
    let lost = told.iter().any(|(weight, _)| *weight == Weight::Loss);
    for (weight, sentence) in &told {
        match weight {
            Weight::Loss => say(&format!("warning: {sentence}")),
            Weight::Note if !global.quiet => say(&format!("note: {sentence}")),
            Weight::Note => {}
        }
    }
    if !global.quiet {
        say(&format!(
            "note: {} on {}, from {}",
            counted(file.hosts.len() as u64, "host"),
            counted(file.days.len() as u64, "day"),
            counted(file.evidence.len() as u64, "file")
        ));
    }
    if !lost {
        return Ok(Exit::Done);
    }
    if !global.quiet {
        say(
            "note: exit 3: some evidence could not be read, and is not counted; the baseline names it",
        );
    }
    Ok(Exit::Unreadable)
}

fn show(path: &Path, format: BaselineFormat, global: &Global) -> anyhow::Result<Exit> {
    let file = BaselineFile::read(&read(path)?)
        .map_err(|error| Wrong(format!("{} {error}", path.display())))?;
    let bytes = match format {
        BaselineFormat::Json => escape::json(String::from_utf8(file.bytes()?)?).into_bytes(),
        BaselineFormat::Text => baseline::render(&file, output::width(global)).into_bytes(),
    };
    output::print(&bytes)?;
    Ok(Exit::Done)
}
