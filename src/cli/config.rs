//! The settings file: read for a run, or checked on its own.

use super::args::{ConfigCommand, Global};
use super::exit::{Exit, Wrong, say};
use super::output;
use casewire::config::{Config, LARGEST};
use casewire::investigate;
use casewire::report::text::{Style, settings_file};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Runs `casewire config`.
pub fn run(what: &ConfigCommand, global: &Global) -> anyhow::Result<Exit> {
    let ConfigCommand::Check { file } = what;
    let config = load(file)?;
    let style = Style {
        width: output::width(global),
        color: output::color(global),
        ..Style::default()
    };
    let page = settings_file::render(&config, &investigate::in_force(&config)?, &style);
    output::print(page.as_bytes())?;
    Ok(Exit::Done)
}

/// Where the settings file of a run lies: that of `--config`, else that of `CASEWIRE_CONFIG`.
pub fn place(global: &Global) -> Option<PathBuf> {
    let variable = || std::env::var_os("CASEWIRE_CONFIG").filter(|path| !path.is_empty());
    global
        .config
        .clone()
        .or_else(|| variable().map(PathBuf::from))
}

/// The settings file of a run, read; the default where there is none.
pub fn of(global: &Global) -> Result<Config, Wrong> {
    match place(global) {
        Some(path) => load(&path),
        None => Ok(Config::default()),
    }
}

/// Reads it; every mistake is said with its line.
fn load(path: &Path) -> Result<Config, Wrong> {
    let shown = path.display();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Wrong(format!(
                "cannot read the settings file {shown}: {error}; check --config and CASEWIRE_CONFIG"
            ))
        })?;
    Config::read(&bytes).map_err(|faults| {
        for fault in &faults.told {
            say(&format!("error: {shown}: {fault}"));
        }
        let mistakes = match (faults.told.len(), faults.more) {
            (n, true) => format!("at least {n} mistakes, behind which nobody looked,"),
            (1, _) => "1 mistake".to_owned(),
            (n, _) => format!("{n} mistakes"),
        };
        Wrong(format!("{mistakes} in {shown}; nothing was run"))
    })
}
