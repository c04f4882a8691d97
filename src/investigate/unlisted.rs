//! Which records the stream of events does not show. Records become events only where an analytic
//! can use what they say; a reader of the stream must not take it for all that was logged.

use crate::model::plural::counted;
use crate::model::{Event, EvidenceId, Text, What};
use crate::reading::{Content, FileReport};
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of record that are named.
const NAMED: usize = 12;

/// The kinds of record that the stream showed, by channel as written.
#[derive(Debug, Default)]
pub(super) struct Listed(BTreeMap<Text, BTreeSet<u32>>);

impl Listed {
    /// Takes in an event of the stream.
    pub fn take(&mut self, event: &Event) {
        let What::Host(host) = &event.what else {
            return;
        };
        match self.0.get_mut(&host.channel) {
            Some(ids) => {
                ids.insert(host.event_id);
            }
            None => {
                let ids = BTreeSet::from([host.event_id]);
                self.0.insert(host.channel.clone(), ids);
            }
        }
    }

    /// How many records are no events, with the kinds of which none is: `None` where all are.
    pub fn told(&self, reports: &BTreeMap<EvidenceId, FileReport>) -> Option<String> {
        let shown = |channel: &str, id: u32| {
            let mut of = self.0.iter();
            of.any(|(c, ids)| c.eq_ignore_ascii_case(channel) && ids.contains(&id))
        };
        let (mut records, mut events) = (0, 0);
        let mut kinds: BTreeMap<u32, u64> = BTreeMap::new();
        for report in reports.values() {
            let Content::Log(summary) = &report.content else {
                continue;
            };
            records += summary.records_read;
            events += summary.events;
            for source in summary.sources.values() {
                for (id, count) in &source.ids {
                    if !shown(&source.channel, *id) {
                        *kinds.entry(*id).or_default() += count;
                    }
                }
            }
        }
        let left_out = records.checked_sub(events).filter(|n| *n > 0)?;
        let mut kinds: Vec<(u32, u64)> = kinds.into_iter().collect();
        kinds.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        let each = kinds
            .iter()
            .take(NAMED)
            .map(|(id, n)| format!("{id} ({n})"));
        let mut which = each.collect::<Vec<_>>().join(", ");
        if let more @ 1.. = kinds.len().saturating_sub(NAMED) {
            which.push_str(&format!(" and {}", counted(more as u64, "more kind")));
        }
        if !which.is_empty() {
            which.insert_str(0, ": EventID ");
        }
        Some(format!(
            "{left_out} of {} say nothing that an analytic uses and are not listed{which}",
            counted(records, "event record")
        ))
    }
}
