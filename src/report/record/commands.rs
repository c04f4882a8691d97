//! The commands that show what a finding cites, from the record.

use crate::model::finding::Severity;
use crate::report::json::shape::{Finding, Ref, Report};
use crate::report::text::Style;
use crate::report::text::check::{CitedFile, commands};
use crate::report::text::page::Page;
use std::collections::{BTreeMap, BTreeSet};

/// One line each, printable characters only.
pub fn of(report: &Report, finding: &Finding) -> Vec<String> {
    let mut cited: BTreeMap<&str, (bool, BTreeSet<u64>)> = BTreeMap::new();
    for reference in finding.steps.iter().flat_map(|step| &step.refs) {
        let (packets, item) = match reference {
            Ref::Packet(packet) => (true, packet.packet),
            Ref::Record(record) => (false, record.record_id),
        };
        let of = cited.entry(reference.evidence()).or_default();
        of.0 = packets;
        of.1.insert(item);
    }
    // In the order of the report's list, which `E10` before `E2` would not be.
    let files: Vec<CitedFile<'_>> = report
        .evidence
        .iter()
        .filter_map(|row| {
            let (packets, items) = cited.get(row.id.0.as_str())?;
            Some(CitedFile {
                id: row.id.0.clone(),
                path: &row.path,
                kind: &row.kind,
                packets: *packets,
                items: items.iter().copied().collect(),
            })
        })
        .collect();
    let mut page = Page::new(&Style {
        width: 100,
        color: false,
        min_severity: Severity::Info,
    });
    commands(&files, &mut page);
    page.finish().lines().map(str::to_owned).collect()
}
