//! What Chainsaw's hunt prints as JSON: a detection for each rule and record, the record within it as
//! evtx_dump has it. What several rules matched is there several times, and is read once.

use super::draft::{Draft, Refused};
use super::evtx_dump;
use crate::evidence::Form;
use crate::evidence::form::{documents, hunted};
use crate::model::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Records of one text that are remembered.
const MOST: usize = 1 << 20;

/// Reads a detection: the record it is about, or those that a rule counted.
pub fn read(object: &Map<String, Value>, take: &mut dyn FnMut(Draft<'_>)) -> Result<(), Refused> {
    for document in documents(object).unwrap_or_default() {
        let record = hunted(document).ok_or(Refused("a document without a record"))?;
        let mut draft = evtx_dump::draft(record)?;
        draft.form = Form::Chainsaw;
        take(draft);
    }
    Ok(())
}

/// Which records of a text were taken.
#[derive(Debug, Default)]
pub struct Taken {
    records: BTreeSet<(String, String, u64, Option<Timestamp>)>,
}

impl Taken {
    /// True if the record was not taken before, as far as is remembered; what has no number is not
    /// known again.
    pub fn is_new(&mut self, draft: &Draft<'_>) -> bool {
        let Some(number) = draft.record_id.filter(|_| self.records.len() < MOST) else {
            return true;
        };
        let (computer, channel) = (draft.computer.to_string(), draft.channel.to_string());
        self.records.insert((computer, channel, number, draft.time))
    }
}
