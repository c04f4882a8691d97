//! `run.json`: the log of one run. It is no part of the record, since it differs from run to run.

use super::escaped::{escaped, unescaped};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything about a run that is not evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Always `casewire-run`.
    pub schema: String,
    /// Version of this form.
    pub schema_version: String,
    /// Version of the tool.
    pub version: String,
    /// Commit it was built from; empty where the build did not say.
    pub commit: String,
    /// SHA-256 of the program file that ran; left out where it could not be read, and before 1.2.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Operating system and processor it was built for, as `linux x86_64`.
    pub system: String,
    /// When the run began, UTC.
    pub started: String,
    /// When its results were written, UTC.
    pub ended: String,
    /// The time between, in milliseconds.
    pub elapsed_ms: u64,
    /// The arguments, without the program's own name. What is no Unicode in them is replaced.
    pub command: Vec<String>,
    /// The folder it ran in.
    pub directory: String,
    /// Who ran it, as the environment says; null where it does not.
    pub user: Option<String>,
    /// The machine's name; null where it is not known.
    pub host: Option<String>,
    /// The settings file, absolute; null where none was given.
    pub config: Option<String>,
    /// Files and folders given as evidence, absolute.
    pub inputs: Vec<String>,
    /// The same as [`escaped`] writes them, in the same order, null for those that are Unicode; left
    /// out where all are, and before 1.3.0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs_escaped: Vec<Option<String>>,
    /// Where each file of the evidence lay.
    pub evidence: Vec<Place>,
    /// The files written, `SHA256SUMS` and this one excepted.
    pub outputs: Vec<Output>,
    /// SHA-256 of the `SHA256SUMS` of a case that this one replaced; left out where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<String>,
    /// The exit code that was due when this was written.
    pub exit: u8,
    /// What was said on standard error.
    pub warnings: Vec<String>,
}

/// Where a file of the evidence lay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its number in the report.
    pub id: String,
    /// Its path, absolute. What is no Unicode in it is replaced.
    pub path: String,
    /// The same as [`escaped`] writes it; left out where the path is Unicode, and before 1.3.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escaped: Option<String>,
}

impl Run {
    /// Notes what was given as evidence: these absolute paths.
    pub fn set_inputs(&mut self, paths: &[PathBuf]) {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        self.inputs = paths.iter().map(text).collect();
        self.inputs_escaped = paths.iter().map(|path| escaped(path)).collect();
        if self.inputs_escaped.iter().all(Option::is_none) {
            self.inputs_escaped.clear();
        }
    }

    /// What was given as evidence, as it is called on disk.
    pub fn given(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let exact = |at: usize| self.inputs_escaped.get(at)?.as_deref();
        let inputs = self.inputs.iter().enumerate();
        inputs.map(move |(at, text)| on_disk(text, exact(at)))
    }
}

impl Place {
    /// A file of that number at an absolute path.
    pub fn of(id: String, path: &Path) -> Self {
        Self {
            id,
            path: path.to_string_lossy().into_owned(),
            escaped: escaped(path),
        }
    }

    /// Where it lay, as it is called on disk.
    pub fn on_disk(&self) -> PathBuf {
        on_disk(&self.path, self.escaped.as_deref())
    }
}

/// The path itself, where it was escaped; else what was written.
fn on_disk(text: &str, exact: Option<&str>) -> PathBuf {
    exact
        .and_then(unescaped)
        .unwrap_or_else(|| PathBuf::from(text))
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its name in the case folder.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
}

/// What `schema` says.
pub const SCHEMA: &str = "casewire-run";
/// What `schema_version` says.
pub const SCHEMA_VERSION: &str = "1.3.0";
