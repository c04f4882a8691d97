//! `casewire baseline`: count what is usual, and say what a baseline holds.

use super::args::{BaselineCommand, BaselineFormat, Evidence, Global};
use super::exit::{Exit, Wrong, say};
use super::{output, progress, request};
use anyhow::Context;
use casewire::context::baseline::file::{BaselineFile, LARGEST};
use casewire::investigate;
use casewire::report::text::baseline;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Runs it.
pub fn run(what: &BaselineCommand, global: &Global) -> anyhow::Result<Exit> {
    match what {
        BaselineCommand::Build { output, evidence } => build(output, evidence, global),
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

fn build(path: &Path, evidence: &Evidence, global: &Global) -> anyhow::Result<Exit> {
    let wanted = request::of(evidence, global)?;
    may_write(path, evidence)?;
    let file = {
        let progress = progress::shown(global);
        investigate::baseline(&wanted, &*progress)?
    };
    let bytes = file.bytes()?;
    File::options()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut out| out.write_all(&bytes).and_then(|()| out.sync_all()))
        .with_context(|| format!("cannot write {}; give -o a new file", path.display()))?;
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

/// Refuses what exists, and any place among the evidence: a folder of evidence must look after the
/// run as it did before.
fn may_write(path: &Path, evidence: &Evidence) -> Result<(), Wrong> {
    if path.symlink_metadata().is_ok() {
        return Err(Wrong(format!(
            "{} exists and is not written over; give -o a new file",
            path.display()
        )));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(|error| {
        Wrong(format!(
            "{}: {error}; give -o a file in a folder that exists",
            folder.display()
        ))
    })?;
    for given in &evidence.evidence {
        let inside = given
            .canonicalize()
            .is_ok_and(|given| given.is_dir() && folder.starts_with(given));
        if inside {
            return Err(Wrong(format!(
                "{} lies among the evidence in {}; give -o a file elsewhere",
                path.display(),
                given.display()
            )));
        }
    }
    Ok(())
}

fn show(path: &Path, format: BaselineFormat, global: &Global) -> anyhow::Result<Exit> {
    let file = BaselineFile::read(&read(path)?)
        .map_err(|error| Wrong(format!("{} {error}", path.display())))?;
    let bytes = match format {
        BaselineFormat::Json => file.bytes()?,
        BaselineFormat::Text => baseline::render(&file, output::width(global)).into_bytes(),
    };
    output::print(&bytes)?;
    Ok(Exit::Done)
}
