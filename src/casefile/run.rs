//! `run.json`: the log of one run. It is no part of the record, since it differs from run to run.

use serde::{Deserialize, Serialize};

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
    /// Its path, absolute.
    pub path: String,
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
pub const SCHEMA_VERSION: &str = "1.2.0";
