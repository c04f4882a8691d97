//! The command line: from arguments to a request, from a case to standard output.
//!
//! Results go to standard output and nothing else does; progress, notes and errors go to standard
//! error. There are no prompts, no colours in pipes and no settings read from hidden files.

mod analytics;
mod analyze;
mod args;
mod baseline;
mod config;
mod exit;
mod export;
mod interrupt;
mod inventory;
mod nearest;
mod output;
mod progress;
mod reference;
mod report;
mod request;
mod save;
mod show;
mod timeline;
mod values;
mod verify;

use args::{Cli, Command, SchemaOf};
use clap::{CommandFactory, FromArgMatches};
use exit::Exit;
use std::process::ExitCode;

/// Runs the command of this process and returns its exit code.
pub fn run() -> ExitCode {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return clap_says(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return clap_says(&error),
    };
    let result = match &cli.command {
        Command::Analyze(args) => analyze::run(args, &cli.global),
        Command::Timeline(args) => timeline::run(args, &cli.global),
        Command::Baseline { what } => baseline::run(what, &cli.global),
        Command::Analytics(args) => analytics::run(args, &cli.global),
        Command::Config { what } => config::run(what, &cli.global),
        Command::Report(args) => report::run(args, &cli.global),
        Command::Export(args) => export::run(args, &cli.global),
        Command::Show(args) => show::run(args, &cli.global),
        Command::Verify(args) => verify::run(args, &cli.global),
        Command::Completions { shell } => reference::completions(*shell),
        Command::Man { command } => reference::man(command.as_deref()),
        Command::Inventory(args) => inventory::run(args, &cli.global),
        Command::Schema { of } => schema(*of),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error).into(),
    }
}

/// Help and version on standard output, wrong usage on standard error. What clap prints of an
/// argument is what the user typed, who is not the one to protect from it.
fn clap_says(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    };
    match error.print() {
        Ok(()) => exit.into(),
        Err(_) => Exit::Failed.into(),
    }
}

fn schema(of: SchemaOf) -> anyhow::Result<Exit> {
    use casewire::report::json::schema;
    output::print(&match of {
        SchemaOf::Report => schema::text()?,
        SchemaOf::Inventory => schema::inventory()?,
    })?;
    Ok(Exit::Done)
}
