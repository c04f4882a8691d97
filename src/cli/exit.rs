//! Exit codes, and how an error is said.

use casewire::casefile;
use casewire::investigate::Error;
use casewire::report::escape::vis;
use std::fmt;
use std::io::ErrorKind;
use std::process::ExitCode;

/// How a run ended. If several apply, the one that weighs most: 5, 4, 3, 1.
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
    /// Something is not what it was.
    Changed,
    /// Could not finish.
    Failed,
}

impl Exit {
    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Incidents => 1,
            Exit::Usage => 2,
            Exit::Unreadable => 3,
            Exit::Changed => 4,
            Exit::Failed => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
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
    if broken_pipe(error) {
        return Exit::Done;
    }
    say(&format!("error: {}", in_full(error)));
    match error.downcast_ref::<casefile::Error>() {
        Some(casefile::Error::Place(_) | casefile::Error::Reference(_)) => {
            say("For more information, try '--help'.");
            return Exit::Usage;
        }
        Some(casefile::Error::Evidence(_)) => return Exit::Changed,
        _ => {}
    }
    match (error.downcast_ref::<Error>(), error.downcast_ref::<Wrong>()) {
        (_, Some(_)) | (Some(Error::Request(_)), _) => {
            say("For more information, try '--help'.");
            Exit::Usage
        }
        (Some(Error::Unreadable(_)), _) => Exit::Unreadable,
        _ => Exit::Failed,
    }
}

/// True if whoever read our output went away.
pub fn broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == ErrorKind::BrokenPipe)
    })
}

/// The error with its causes; one that it quotes itself is not said again.
fn in_full(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

/// One line on standard error, harmless whatever it quotes. That nobody reads it is no error.
pub fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{}", vis(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let quoted = anyhow::Error::from(casefile::Error::System {
            path: "x".into(),
            source: std::io::Error::other("disk on fire"),
        });
        assert_eq!(
            in_full(&quoted),
            "x: disk on fire; check the path, the disk and your rights"
        );
        let told = anyhow::anyhow!("disk on fire").context("nothing was written");
        assert_eq!(in_full(&told), "nothing was written: disk on fire");
    }
}
