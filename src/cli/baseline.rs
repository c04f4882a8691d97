//! `casewire baseline`: count what is usual, and say what a baseline holds.

use super::args::{BaselineCommand, BaselineFormat, Evidence, Global};
use super::exit::{Exit, Wrong, say};
use super::{output, progress, request};
use casewire::casefile::folder;
use casewire::casefile::place::Bounds;
use casewire::context::baseline::file::{BaselineFile, LARGEST};
use casewire::investigate;
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
    let bounds = Bounds {
        overwrite,
        ..Bounds::of(&wanted.evidence)
    };
    // Before hours of reading, not after them.
    folder::allowed(path, &bounds)?;
    let file = {
        let progress = progress::shown(global);
        investigate::baseline(&wanted, &*progress)?
    };
    let bytes = file.bytes()?;
    folder::new_file(path, &bounds, &bytes)?;
    if !global.quiet {
        say(&format!(
            "note: {} hosts on {} days, from {} files",
            file.hosts.len(),
            file.days.len(),
            file.evidence.len()
        ));
    }
    Ok(Exit::Done)
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
