//! From a folder of evidence to a case, on one page.

use crate::analytics::about::Described;
use crate::case::Case;
use crate::evidence::Progress;
use crate::model::{Event, Span, Timestamp};
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// What to do, as asked: checked for form, not yet against the register or the evidence.
#[derive(Clone, Debug)]
pub struct Request {
    /// Files and folders.
    pub evidence: Vec<PathBuf>,
    /// Ids of the analytics to run; empty for all.
    pub analytics: Vec<String>,
    /// Changed settings: analytic id, setting name, value as text.
    pub settings: Vec<(String, String, String)>,
    /// Earliest event wanted.
    pub from: Option<Timestamp>,
    /// Latest event wanted.
    pub to: Option<Timestamp>,
    /// Threads; `None` for as many as there are cores.
    pub threads: Option<usize>,
    /// Bytes of state to hold at most.
    pub memory: u64,
    /// Hash every file.
    pub hash: bool,
    /// Stop at the first piece of evidence that cannot be read.
    pub strict: bool,
    /// Clock error assumed where none can be measured.
    pub max_skew: Span,
    /// Addresses that hosts had.
    pub hosts: Vec<(String, IpAddr)>,
    /// Case number for the report.
    pub case: Option<String>,
    /// Examiner for the report.
    pub examiner: Option<String>,
}

/// Why a request could not be carried out. Damaged evidence is no error; see `Case::problems`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong: what and how to put it right.
    #[error("{0}")]
    Request(String),
    /// Asked to be strict, and some evidence could not be read.
    #[error("{0}")]
    Unreadable(String),
    /// The evidence changed while it was read.
    #[error("{0}")]
    Changed(String),
    /// The machine failed: a disk, the memory budget.
    #[error("{0}")]
    Failed(String),
}

/// The analytics with their settings, changed as asked.
///
/// # Errors
/// `Error::Request` for a setting that does not exist or is out of range.
pub fn register(settings: &[(String, String, String)]) -> Result<Vec<Described>, Error> {
    let _ = settings;
    Ok(Vec::new())
}

/// Reads the evidence, replays the analytics and returns the case.
///
/// # Errors
/// See `Error`.
pub fn investigate(request: &Request, progress: &dyn Progress) -> Result<Case, Error> {
    progress.phase("reading");
    let _ = request;
    Err(Error::Failed(
        "this build cannot read evidence yet; use a released one".to_owned(),
    ))
}

/// Hands each event of the evidence to `each`, in time order, until it breaks.
/// Returns what was read, with its problems; the case has no findings.
///
/// # Errors
/// See `Error`.
pub fn events(
    request: &Request,
    progress: &dyn Progress,
    each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
) -> Result<Case, Error> {
    progress.phase("reading");
    let _ = (request, each);
    Err(Error::Failed(
        "this build cannot read evidence yet; use a released one".to_owned(),
    ))
}
