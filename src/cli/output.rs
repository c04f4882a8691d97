//! Standard output: how wide, in colour or not, and written in one go.

use super::args::{Global, Times, When};
use super::exit::say;
use anyhow::Context;
use std::io::{IsTerminal, Write};

/// Writes all of `bytes`. A reader that went away is an error of kind `BrokenPipe`, which
/// `exit::report` keeps quiet about.
pub fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .context("cannot write to standard output; check the disk or the program it is piped into")
}

/// Columns for text.
pub fn width(global: &Global) -> usize {
    let terminal = || {
        if !std::io::stdout().is_terminal() {
            return None;
        }
        terminal_size::terminal_size().map(|(width, _)| width.0)
    };
    usize::from(global.width.or_else(terminal).unwrap_or(80)).max(60)
}

/// Whether colour is allowed on standard output: <https://no-color.org>, and terminals only.
pub fn color(global: &Global) -> bool {
    match global.color {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
        }
    }
}

/// Says that a zone was given for a form that has UTC alone.
pub fn zone(times: &Times, text: bool, global: &Global) {
    if times.tz.name().is_some() && !text && !global.quiet {
        say("note: --tz is for text; this form is UTC");
    }
}
