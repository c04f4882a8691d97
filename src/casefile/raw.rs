//! From a reference back to the bytes it stands for: the packet, the record, the line.
//!
//! The whole file is read for it, so that its hash tells whether it is still the file the case
//! rests on.

use super::lines::{RawLine, RawText, raw_lines};
use super::places::Places;
use super::{CaseFolder, Error};
use crate::capture::CaptureReader;
use crate::capture::packet::RawPacket;
use crate::eventlog::raw::{RawRecord, Wanted, raw_records};
use crate::evidence::{EvidenceFile, Form, Input, Kind, Problems};
use crate::model::EvidenceId;
use crate::report::json::refs::Ref;
use crate::report::json::shape::Finding;
use std::collections::{BTreeMap, BTreeSet};

/// Records handed out for one file at most; numbers repeat in carved and merged logs.
const MOST: usize = 100_000;
/// Members of an archive named in a message.
const NAMED: usize = 3;

/// What is wanted of one file.
#[derive(Clone, Debug, Default)]
pub struct Cited {
    /// Packet numbers.
    pub packets: BTreeSet<u64>,
    /// Records.
    pub records: Wanted,
    /// Records of a text; their numbers are those of the lines they begin on.
    pub lines: Wanted,
}

/// What was found in one file.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its number in the report.
    pub evidence: String,
    /// Its path, as the report shows it.
    pub path: String,
    /// The packets, in the order of the file.
    pub packets: Vec<RawPacket>,
    /// The records, in the order of the file.
    pub records: Vec<RawRecord>,
    /// The records of a text, and which form it has.
    pub text: RawText,
    /// The form of the text; `None` for other evidence.
    pub form: Option<Form>,
    /// False if the file holds more of the wanted records than are handed out.
    pub all: bool,
    /// False if the file is not the one the case rests on.
    pub unchanged: bool,
}

impl Found {
    /// How many packets, records and lines were found.
    pub fn count(&self) -> usize {
        self.packets.len() + self.records.len() + self.text.lines.len()
    }

    /// The records of its text.
    pub fn lines(&self) -> &[RawLine] {
        &self.text.lines
    }
}

/// Everything that findings cite, by file.
pub fn cited<'f>(findings: impl Iterator<Item = &'f Finding>) -> BTreeMap<String, Cited> {
    let mut cited: BTreeMap<String, Cited> = BTreeMap::new();
    for reference in findings.flat_map(|f| &f.steps).flat_map(|step| &step.refs) {
        let of = cited.entry(reference.evidence().to_owned()).or_default();
        match reference {
            Ref::Packet(packet) => {
                of.packets.insert(packet.packet);
            }
            Ref::Record(record) => {
                of.records.offsets.insert(record.offset);
            }
            Ref::Line(line) => {
                of.lines.offsets.insert(line.offset);
            }
        }
    }
    cited
}

/// `E1:p18822`, `E3:r884`, `E5:line12` or `E7!Security.evtx:r884` as file and what is wanted of it;
/// `None` for anything else. Which file a name stands for is for `resolve`.
pub fn parse(reference: &str) -> Option<(String, Cited)> {
    let (evidence, item) = reference.rsplit_once(':')?;
    let evidence = evidence.strip_prefix(['E', 'e'])?;
    let (digits, member) = match evidence.split_once('!') {
        Some((_, "")) => return None,
        Some((digits, member)) => (digits, Some(member)),
        None => (evidence, None),
    };
    let number: u32 = digits.parse().ok()?;
    let mut cited = Cited::default();
    if let Some(("line", line)) = item
        .split_at_checked(4)
        .map(|(word, line)| (word.to_ascii_lowercase(), line))
        .as_ref()
        .map(|(word, line)| (word.as_str(), *line))
    {
        cited.lines.numbers.insert(line.parse().ok()?);
    } else if let Some(packet) = item.strip_prefix(['p', 'P']) {
        cited.packets.insert(packet.parse().ok()?);
    } else {
        let record = item.strip_prefix(['r', 'R'])?;
        cited.records.numbers.insert(record.parse().ok()?);
    }
    let member = member.map_or_else(String::new, |member| format!("!{member}"));
    Some((format!("E{number}{member}"), cited))
}

/// What the report calls the file that `evidence` names: its label, or for a member of an archive
/// the archive with the member's path, or with so much of the path's end as only one member has.
///
/// # Errors
/// If the case has no such file, if it is an archive, or if several members are meant.
pub fn resolve(case: &CaseFolder, evidence: &str) -> Result<String, Error> {
    let rows = &case.report.evidence;
    let held = |archive: &str| {
        let archive = archive.to_owned();
        rows.iter().filter(move |row| {
            let within = row.archive.as_ref();
            within.is_some_and(|a| a.0.eq_ignore_ascii_case(&archive))
        })
    };
    let names = |of: Vec<&str>| {
        let more = if of.len() > NAMED { ", .." } else { "" };
        of[..of.len().min(NAMED)].join(", ") + more
    };
    if let Some(row) = rows.iter().find(|r| r.id.0.eq_ignore_ascii_case(evidence)) {
        let members: Vec<&str> = held(&row.id.0).map(|r| r.id.0.as_str()).collect();
        return match members.is_empty() {
            true => Ok(row.id.0.clone()),
            false => Err(Error::Reference(format!(
                "{evidence} ({}) is an archive; name the member: {}",
                row.path,
                names(members)
            ))),
        };
    }
    let none = || {
        let given = rows.iter().filter(|row| row.archive.is_none()).count();
        Error::Reference(format!(
            "the case has no evidence {evidence}; it has E1 to E{given}, and 'casewire report' lists them"
        ))
    };
    let (archive, wanted) = evidence.split_once('!').ok_or_else(none)?;
    let meant: Vec<&str> = held(archive)
        .filter(|row| {
            let before = row.path.strip_suffix(wanted);
            before.is_some_and(|before| before.ends_with(['!', '/', '\\']))
        })
        .map(|row| row.id.0.as_str())
        .collect();
    match meant[..] {
        [only] => Ok(only.to_owned()),
        [] => Err(none()),
        _ => Err(Error::Reference(format!(
            "{evidence} may be one of several members; write {}",
            names(meant)
        ))),
    }
}

/// Reads what is wanted of one file.
///
/// # Errors
/// If the case has no such file, or if it was not found.
pub fn fetch(
    case: &CaseFolder,
    places: &Places,
    evidence: &str,
    wanted: &Cited,
) -> Result<Found, Error> {
    let row = case
        .report
        .evidence
        .iter()
        .find(|row| row.id.0 == evidence)
        .ok_or_else(|| Error::Evidence(format!("the case has no evidence {evidence}")))?;
    let gone = |why: &str| Error::Evidence(format!("{evidence} ({}) {why}", row.path));
    let file = places.get(evidence).ok_or_else(|| gone(places.why(row)))?;
    let (mut found, now) =
        read(file, wanted).map_err(|error| gone(&format!("cannot be read: {error}")))?;
    found.evidence = evidence.to_owned();
    found.path.clone_from(&row.path);
    found.unchanged &= match (&row.hashes.sha256, now) {
        (Some(before), Some(now)) => before.0 == now,
        _ => false,
    };
    Ok(found)
}

/// What is wanted of the file, and its SHA-256.
fn read(
    file: &EvidenceFile,
    wanted: &Cited,
) -> Result<(Found, Option<String>), crate::evidence::OpenError> {
    let mut input = Input::open(file, true)?;
    let mut problems = Problems::default();
    let (mut packets, mut records, mut all) = (Vec::new(), Vec::new(), true);
    let (mut text, mut form) = (RawText::default(), None);
    let custody = if let Kind::Text(what, _) = file.kind {
        text = raw_lines(&mut input, what, &wanted.lines, MOST);
        (all, form) = (!text.cut, Some(what));
        input.finish(&mut problems)
    } else if file.kind.is_event_log() {
        (records, all) = raw_records(&mut input, &wanted.records, MOST);
        input.finish(&mut problems)
    } else if file.kind.is_capture() {
        let mut reader = CaptureReader::new(input, EvidenceId(0));
        reader.want(wanted.packets.clone());
        let mut batch = Vec::new();
        while reader.fill(&mut batch, &mut problems) {
            batch.clear();
            packets.append(&mut reader.kept());
        }
        packets.append(&mut reader.kept());
        reader.finish().1.finish(&mut problems)
    } else {
        input.finish(&mut problems)
    };
    let found = Found {
        evidence: String::new(),
        path: String::new(),
        packets,
        records,
        text,
        form,
        all,
        unchanged: !custody.changed,
    };
    Ok((found, custody.sha256_hex()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_a_file_and_a_packet_a_record_or_a_line() {
        let (evidence, cited) = parse("E1:p18822").unwrap();
        assert_eq!(
            (evidence.as_str(), cited.packets.first()),
            ("E1", Some(&18822))
        );
        let (evidence, cited) = parse("e12:R884").unwrap();
        assert_eq!(
            (evidence.as_str(), cited.records.numbers.first()),
            ("E12", Some(&884))
        );
        let (evidence, cited) = parse("E3:line12").unwrap();
        assert_eq!(
            (evidence.as_str(), cited.lines.numbers.first()),
            ("E3", Some(&12))
        );
        let (evidence, cited) = parse("e07!C:/a/Security.evtx:r884").unwrap();
        assert_eq!(
            (evidence.as_str(), cited.records.numbers.first()),
            ("E7!C:/a/Security.evtx", Some(&884))
        );
        for wrong in [
            "E7!:r884", "E!a:r884", "E1:line", "E1:linex", "", "E1", "E1:", "E1:p", "E:p1",
            "E1:x2", "F1:p1", "E1:p-1", "E1:p1:2",
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
