//! Completions and manual pages, made from the arguments as they are.

use super::args::Cli;
use super::exit::{Exit, Wrong};
use super::nearest::nearest;
use super::output;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints a completion script.
pub fn completions(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "casewire", &mut script);
    output::print(&script)?;
    Ok(Exit::Done)
}

/// Prints a manual page.
pub fn man(command: Option<&str>) -> anyhow::Result<Exit> {
    let mut all = Cli::command();
    all.build();
    let page = match command {
        None => all,
        Some(name) => {
            let found = all.get_subcommands().find(|c| c.get_name() == name);
            let Some(found) = found else {
                let names = all.get_subcommands().map(clap::Command::get_name);
                let near = nearest(name, names).map_or_else(
                    || "see 'casewire --help'".to_owned(),
                    |near| format!("did you mean '{near}'?"),
                );
                return Err(Wrong(format!("there is no command '{name}'; {near}")).into());
            };
            found.clone()
        }
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).render(&mut roff)?;
    output::print(&roff)?;
    Ok(Exit::Done)
}
