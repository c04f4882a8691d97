//! What evidence files are called in references: `E1` for a file that was given, and
//! `E7!Security.evtx` for a member of the archive `E7`; and whose times are no UTC.
//!
//! A place in the evidence holds a number, which says nothing of archives. Where it is printed, the
//! label is looked up here; how labels are made is for `evidence::naming`.

use super::{Event, EvidenceId, HostWhat, Provenance, Timed, What};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The labels of one run's evidence. Copies are cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    files: Arc<BTreeMap<EvidenceId, String>>,
    /// Computers in lower case, and of which form their times are local and of a zone that nothing
    /// tells.
    local: Arc<BTreeSet<(String, Timed)>>,
}

impl FromIterator<(EvidenceId, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (EvidenceId, String)>>(labels: I) -> Self {
        Self {
            files: Arc::new(labels.into_iter().collect()),
            local: Arc::default(),
        }
    }
}

impl Labels {
    /// The same labels, where the times of these computers in these forms are local.
    pub fn with_local(self, local: impl IntoIterator<Item = (String, Timed)>) -> Self {
        Self {
            local: Arc::new(local.into_iter().collect()),
            ..self
        }
    }

    /// True if the time of `event` is the local time of a zone that nothing tells, as it was written.
    /// What Sysmon tells by its own `UtcTime` is UTC in every form.
    pub fn is_local(&self, event: &Event) -> bool {
        let What::Host(host) = &event.what else {
            return false;
        };
        let in_utc = match host.what {
            HostWhat::Connected { utc_time, .. } | HostWhat::NameQueried { utc_time, .. } => {
                utc_time.is_some()
            }
            _ => false,
        };
        if !host.timed.is_local() || in_utc {
            return false;
        }
        let computer = host.computer.trim().trim_end_matches('.').to_lowercase();
        self.local.contains(&(computer, host.timed))
    }

    /// What the file is called: `E1`, `E7!Security.evtx`. A number without a label is that of a
    /// file of its own.
    pub fn file(&self, id: EvidenceId) -> Cow<'_, str> {
        match self.files.get(&id) {
            Some(label) => Cow::Borrowed(label),
            None => Cow::Owned(format!("E{}", id.0)),
        }
    }

    /// The reference of a place: `E1:p18822`, `E7!Security.evtx:r884`, `E5:line12`.
    pub fn place(&self, place: &Provenance) -> String {
        format!(
            "{}:{}{}",
            self.file(place.evidence),
            place.kind.mark(),
            place.item
        )
    }
}
