//! What is wrong with a settings file, and in which line.

use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// What is wrong and how to put it right.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// What is wrong with a settings file, in the order of lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .told.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults {
    /// The mistakes that are told.
    pub told: Vec<Fault>,
    /// True if looking ended there: where so much is wrong, there may be more.
    pub more: bool,
}
