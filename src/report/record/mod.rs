//! A report that was read back, told to people: as plain text and as Markdown.
//!
//! `telling` says what there is to say, once, as a list of blocks; `text` and `markdown` lay the
//! blocks out. HTML has pictures and tables of its own and lives in `html`.

mod asked;
mod basis;
mod commands;
mod incident;
mod markdown;
pub mod telling;
mod text;

#[cfg(test)]
mod tests;

pub use commands::of as check;
pub use markdown::render as markdown;
pub use text::render as text;

use super::escape::Shown;
use crate::model::finding::Severity;

/// A piece of a report. All text is raw, unless its type says that it is not: whoever lays it out
/// escapes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading, from 1 (the report) to 3 (a part of an incident).
    Heading(u8, String),
    /// A paragraph.
    Text(String),
    /// Items, numbered or not.
    List {
        /// Numbered from 1.
        numbered: bool,
        /// The items.
        items: Vec<String>,
    },
    /// Labels and what belongs to them.
    Facts(Vec<(String, String)>),
    /// A table; each row has as many cells as the head.
    Table {
        /// Names of the columns.
        head: Vec<String>,
        /// The rows.
        rows: Vec<Vec<String>>,
    },
    /// Lines to be typed somewhere else, never broken.
    Commands(Vec<Shown>),
}

/// Which part of a report is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Ids or short ids of findings; empty for all.
    pub ids: Vec<String>,
    /// Findings below this are counted, not shown.
    pub min_severity: Severity,
}

impl Default for Chosen {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            min_severity: Severity::Info,
        }
    }
}

/// The severity of that word; the least for a word that is none.
pub fn severity(word: &str) -> Severity {
    Severity::ALL
        .into_iter()
        .find(|severity| severity.word() == word)
        .unwrap_or(Severity::Info)
}
