//! The row of each file of evidence: what it is, what was read of it, and from when to when.

use super::conclude::Read;
use crate::capture::{CaptureSummary, InterfaceSummary};
use crate::case::EvidenceRow;
use crate::eventlog::SourceSummary;
use crate::evidence::{EvidenceFile, Kind, Source};
use crate::model::provenance::Item;
use crate::model::{EvidenceId, Timestamp};
use crate::reading::Content;

impl Read {
    /// The rows, in the order of the files.
    pub(super) fn evidence_rows(&self) -> Vec<EvidenceRow> {
        let row = |file: &EvidenceFile| {
            let report = self.reports.get(&file.id);
            let mut row = EvidenceRow {
                id: file.id,
                kind: match file.kind {
                    Kind::Unreadable => "unknown".to_owned(),
                    kind => kind.word().to_owned(),
                },
                used: file.kind.is_used(),
                path: file.shown.clone(),
                archive: match file.source {
                    Source::Member { archive, .. } => Some(archive),
                    Source::Disk => None,
                },
                location: file.path.clone(),
                size: file.size,
                sha256: report
                    .and_then(|r| r.custody.as_ref())
                    .and_then(|c| c.sha256),
                verified_after_run: report.and_then(|r| r.custody.as_ref()).map(|c| !c.changed),
                first_time: None,
                last_time: None,
                unit: match file.kind {
                    Kind::Text(..) => Item::Line,
                    kind if kind.is_event_log() => Item::Record,
                    _ => Item::Packet,
                },
                units_read: 0,
                units_skipped: 0,
            };
            match report.map(|r| &r.content) {
                Some(Content::Capture(summary)) => {
                    let ends = [summary.first, summary.last];
                    [row.first_time, row.last_time] =
                        ends.map(|end| self.of_file(file.id, summary, end));
                    (row.units_read, row.units_skipped) = (summary.read, summary.skipped);
                }
                Some(Content::Log(summary)) => {
                    let sources = || summary.sources.values();
                    let first = |s| self.of_source(s, s.first_time);
                    let last = |s| self.of_source(s, s.last_time);
                    row.first_time = sources().filter_map(first).min();
                    row.last_time = sources().filter_map(last).max();
                    (row.units_read, row.units_skipped) =
                        (summary.records_read, summary.records_skipped);
                }
                Some(Content::Other) | None => {}
            }
            row
        };
        self.files.iter().map(row).collect()
    }

    /// The reference time of the first or last packet of a capture: of the interfaces that saw it, as read.
    fn of_file(
        &self,
        file: EvidenceId,
        summary: &CaptureSummary,
        end: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let end = end?;
        let saw = |i: &&InterfaceSummary| [i.first, i.last].contains(&Some(end));
        let Some(interface) = summary.interfaces.iter().find(saw) else {
            return Some(end);
        };
        Some(
            self.context
                .clocks
                .corrected_of_sensor((file, interface.number), end),
        )
    }

    /// The reference time of the first or last record of a log.
    fn of_source(&self, source: &SourceSummary, end: Option<Timestamp>) -> Option<Timestamp> {
        let (clocks, end) = (&self.context.clocks, end?);
        let host = self.context.identity.named(&source.computer);
        Some(host.map_or(end, |id| clocks.corrected_of(id, source.timed, end)))
    }
}
