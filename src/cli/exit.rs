//! Exit codes, and how an error is said.

use casewire::investigate::Error;
use casewire::report::escape::vis;
use std::fmt;
use std::io::ErrorKind;
use std::process::ExitCode;

/// How a run ended. If several apply, the one that weighs most: 5, 3, 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Incidents at or above `--fail-on`.
    Incidents,
    /// Wrong usage.
    Usage,
    /// Some evidence could not be read.
    Unreadable,
    /// Could not finish.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Incidents => 1,
            Exit::Usage => 2,
            Exit::Unreadable => 3,
            Exit::Failed => 5,
        })
    }
}

/// A mistake on the command line that only shows when it is held against something else.
#[derive(Debug)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// Says what went wrong on standard error; nothing if the reader of our output went away.
pub fn report(error: &anyhow::Error) -> Exit {
    let broken_pipe = error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == ErrorKind::BrokenPipe)
    });
    if broken_pipe {
        return Exit::Done;
    }
    say(&format!("error: {error:#}"));
    match (error.downcast_ref::<Error>(), error.downcast_ref::<Wrong>()) {
        (_, Some(_)) | (Some(Error::Request(_)), _) => {
            say("For more information, try '--help'.");
            Exit::Usage
        }
        (Some(Error::Unreadable(_)), _) => Exit::Unreadable,
        _ => Exit::Failed,
    }
}

/// One line on standard error, harmless whatever it quotes. That nobody reads it is no error.
pub fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{}", vis(line));
}
