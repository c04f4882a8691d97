//! What evidence files are called in references: `E1` for a file that was given, and
//! `E7!Security.evtx` for a member of the archive `E7`.
//!
//! A place in the evidence holds a number, which says nothing of archives. Where it is printed, the
//! label is looked up here; how labels are made is for `evidence::naming`.

use super::{EvidenceId, Provenance};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The labels of one run's evidence. Copies are cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Arc<BTreeMap<EvidenceId, String>>);

impl FromIterator<(EvidenceId, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (EvidenceId, String)>>(labels: I) -> Self {
        Self(Arc::new(labels.into_iter().collect()))
    }
}

impl Labels {
    /// What the file is called: `E1`, `E7!Security.evtx`. A number without a label is that of a
    /// file of its own.
    pub fn file(&self, id: EvidenceId) -> Cow<'_, str> {
        match self.0.get(&id) {
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
