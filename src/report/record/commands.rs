//! The commands that show what a finding cites, from the record.

use crate::model::provenance::Item;
use crate::report::escape::Shown;
use crate::report::json::refs::Ref;
use crate::report::json::shape::{Finding, Report};
use crate::report::text::Style;
use crate::report::text::check::{CitedFile, apart, commands};
use crate::report::text::page::Page;
use std::collections::{BTreeMap, BTreeSet};

/// One line each, printable characters only.
pub fn of(report: &Report, finding: &Finding) -> Vec<Shown> {
    let mut cited: BTreeMap<&str, (Item, BTreeSet<u64>)> = BTreeMap::new();
    for reference in finding.steps.iter().flat_map(|step| &step.refs) {
        let (unit, item) = match reference {
            Ref::Packet(packet) => (Item::Packet, packet.packet),
            Ref::Record(record) => (Item::Record, record.record_id),
            Ref::Line(line) => (Item::Line, line.line),
        };
        let of = cited.entry(reference.evidence());
        of.or_insert((unit, BTreeSet::new())).1.insert(item);
    }
    // In the order of the report's list, which `E10` before `E2` would not be.
    let files: Vec<CitedFile<'_>> = report
        .evidence
        .iter()
        .filter_map(|row| {
            let (unit, items) = cited.get(row.id.0.as_str())?;
            Some(CitedFile {
                id: row.id.0.clone(),
                path: &row.path,
                kind: &row.kind,
                member: row.archive.is_some(),
                unit: *unit,
                items: items.iter().copied().collect(),
                apart: apart(&report.evidence, row, |row| &row.path).then(|| {
                    let hash = row.hashes.sha256.as_ref();
                    hash.map(|hash| hash.0.clone()).unwrap_or_default()
                }),
            })
        })
        .collect();
    let mut page = Page::new(&Style {
        width: 100,
        ..Style::default()
    });
    commands(&files, &mut page);
    Shown::lines(page)
}
