//! The evidence slice: the packets, records and lines that findings cite, as files of their own,
//! for the expert of the other side.
//!
//! Packets become pcapng with nanosecond times, each with a comment that names its reference;
//! records become XML; records of a text stay as they are, behind the lines that head it. What a slice leaves out stands in its `MANIFEST.json`.

use super::folder::NewFolder;
use super::places::Places;
use super::raw::{Cited, Found, fetch};
use super::{CaseFolder, Error};
use crate::capture::packet::RawPacket;
use crate::evidence::Form;
use crate::report::escape::xml;
use crate::report::json;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What a slice loses.
pub const LOSS: &str = "only the packets, records and lines that findings cite; packet options, interface \
    names and original lengths of cut packets are left out, and records are XML, not the binary \
    form; texts are UTF-8 whatever they were; hashes are those of the whole original files";

#[derive(Serialize)]
struct Manifest {
    schema: &'static str,
    schema_version: &'static str,
    made_from: MadeFrom,
    loss: &'static str,
    files: Vec<File>,
}

#[derive(Serialize)]
struct MadeFrom {
    case: Option<String>,
    casewire: String,
    parameters_sha256: String,
}

#[derive(Serialize)]
struct File {
    name: String,
    evidence: String,
    path: String,
    sha256_of_original: Option<String>,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    /// Its number in this slice, from 1.
    number: usize,
    /// The reference in the report.
    reference: String,
    /// Byte offset in the decompressed original.
    offset: u64,
    /// What could not be handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'static str>,
}

/// Writes the slice of `cited` into `folder`, file by file.
///
/// # Errors
/// If evidence is not there or not what the case rests on, or the disk is full.
pub fn write(
    case: &CaseFolder,
    places: &Places,
    cited: &BTreeMap<String, Cited>,
    folder: &mut NewFolder,
) -> Result<(), Error> {
    let (mut files, mut taken) = (Vec::new(), BTreeSet::new());
    for (evidence, wanted) in cited {
        let found = fetch(case, places, evidence, wanted)?;
        if !found.unchanged {
            return Err(Error::Evidence(format!(
                "{evidence} ({}) is not the file this case rests on, so nothing of it is handed over; see 'casewire verify'",
                found.path
            )));
        }
        let wanted_items =
            wanted.packets.len() + wanted.records.offsets.len() + wanted.lines.offsets.len();
        if found.count() != wanted_items || !found.all {
            return Err(Error::Evidence(format!(
                "{evidence} ({}) holds {} of the {wanted_items} packets, records and lines cited; run 'casewire analyze' again",
                found.path,
                found.count(),
            )));
        }
        let row = case
            .report
            .evidence
            .iter()
            .find(|row| row.id.0 == *evidence);
        let (ending, bytes) = if let Some(form) = found.form {
            (ending(form), lines(form, &found))
        } else if found.records.is_empty() {
            ("pcapng", pcapng(evidence, &found.packets))
        } else {
            ("xml", records(&found).into_bytes())
        };
        let name = file_name(evidence, ending, &mut taken);
        folder.put(&name, &bytes)?;
        files.push(File {
            name,
            evidence: evidence.clone(),
            path: found.path.clone(),
            sha256_of_original: row.and_then(|r| r.hashes.sha256.as_ref().map(|h| h.0.clone())),
            items: items(&found),
        });
    }
    let manifest = Manifest {
        schema: "casewire-slice",
        schema_version: "1.0.0",
        made_from: MadeFrom {
            case: case.report.case.id.clone(),
            casewire: case.report.tool.version.clone(),
            parameters_sha256: case.report.parameters.sha256.0.clone(),
        },
        loss: LOSS,
        files,
    };
    let manifest = json::pretty(&manifest).map_err(|e| Error::System {
        path: PathBuf::from("MANIFEST.json"),
        source: std::io::Error::other(e),
    })?;
    folder.put("MANIFEST.json", &manifest)?;
    Ok(())
}

/// A name for the file that holds what is cited of `evidence`: a member of an archive lies in no
/// folder here. Names that fall together get a number.
fn file_name(evidence: &str, ending: &str, taken: &mut BTreeSet<String>) -> String {
    let stem = evidence.replace(['!', '/'], "_");
    let mut name = format!("{stem}.{ending}");
    let mut number = 2_u64;
    while !taken.insert(name.to_ascii_lowercase()) {
        name = format!("{stem}-{number}.{ending}");
        number += 1;
    }
    name
}

/// What a file of this form is called by.
fn ending(form: Form) -> &'static str {
    match form {
        Form::Xml => "xml",
        Form::EvtxEcmd => "csv",
        Form::FirewallLog | Form::ZeekConn => "log",
        _ => "jsonl",
    }
}

/// The records of a text as they are, one after the other.
fn lines(form: Form, found: &Found) -> Vec<u8> {
    let mut out = found.text.heading.clone();
    if form == Form::Xml {
        out.extend_from_slice(b"<Events>\n");
    }
    for line in found.lines().iter().filter_map(|line| line.bytes.as_ref()) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    if form == Form::Xml {
        out.extend_from_slice(b"</Events>\n");
    }
    out
}

fn items(found: &Found) -> Vec<Item> {
    let packets = found
        .packets
        .iter()
        .map(|p| (format!("p{}", p.number), p.offset, None));
    let records = found.records.iter().map(|r| {
        let missing = r
            .xml
            .is_none()
            .then_some("the record cannot be written as XML");
        (format!("r{}", r.number), r.offset, missing)
    });
    let lines = found.lines().iter().map(|line| {
        let missing = line
            .bytes
            .is_none()
            .then_some("the line is too long or cut off");
        (format!("line{}", line.line), line.offset, missing)
    });
    packets
        .chain(records)
        .chain(lines)
        .zip(1..)
        .map(|((item, offset, missing), number)| Item {
            number,
            reference: format!("{}:{item}", found.evidence),
            offset,
            missing,
        })
        .collect()
}

/// The records as one XML document.
fn records(found: &Found) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Events>\n".to_owned();
    for record in &found.records {
        text.push_str(&format!(
            "<!-- {}:r{} at offset {} -->\n",
            apart(&found.evidence),
            record.number,
            record.offset
        ));
        match &record.xml {
            Some(one) => {
                let body = one.trim_start();
                let body = match body.strip_prefix("<?xml").and_then(|b| b.split_once("?>")) {
                    Some((_, rest)) => rest.trim_start(),
                    None => body,
                };
                text.push_str(xml(body).trim_end());
                text.push('\n');
            }
            None => text.push_str("<!-- this record cannot be written as XML -->\n"),
        }
    }
    text.push_str("</Events>\n");
    text
}

/// Text for a comment, which two hyphens would end.
fn apart(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains("--") {
        text = text.replace("--", "- -");
    }
    text
}

/// The packets as one section of pcapng (draft-ietf-opsawg-pcapng): an interface for each pair of
/// interface and link type, times in nanoseconds.
fn pcapng(evidence: &str, packets: &[RawPacket]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut section = Vec::new();
    section.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    section.extend_from_slice(&[1, 0, 0, 0]);
    section.extend_from_slice(&u64::MAX.to_le_bytes());
    block(&mut out, 0x0a0d_0d0a, &section);
    let mut interfaces: BTreeMap<(u16, u32), u32> = BTreeMap::new();
    for packet in packets {
        let next = interfaces.len() as u32;
        interfaces
            .entry((packet.interface, packet.link))
            .or_insert_with(|| {
                let mut body = Vec::new();
                body.extend_from_slice(&(packet.link as u16).to_le_bytes());
                body.extend_from_slice(&[0; 2]);
                body.extend_from_slice(&0_u32.to_le_bytes());
                // if_tsresol: nanoseconds.
                option(&mut body, 9, &[9]);
                option(&mut body, 0, &[]);
                block(&mut out, 1, &body);
                next
            });
    }
    for packet in packets {
        let interface = interfaces.get(&(packet.interface, packet.link)).copied();
        let units = packet.time.0.max(0) as u64;
        let length = packet.bytes.len() as u32;
        let mut body = Vec::new();
        body.extend_from_slice(&interface.unwrap_or(0).to_le_bytes());
        body.extend_from_slice(&((units >> 32) as u32).to_le_bytes());
        body.extend_from_slice(&(units as u32).to_le_bytes());
        body.extend_from_slice(&length.to_le_bytes());
        // The original length is not kept; that there was more is.
        let more = u32::from(packet.cut);
        body.extend_from_slice(&length.saturating_add(more).to_le_bytes());
        body.extend_from_slice(&packet.bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        let mut comment = format!("{evidence}:p{} at offset {}", packet.number, packet.offset);
        if packet.cut {
            comment.push_str(", cut when it was captured");
        }
        option(&mut body, 1, comment.as_bytes());
        option(&mut body, 0, &[]);
        block(&mut out, 6, &body);
    }
    out
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend_from_slice(&code.to_le_bytes());
    body.extend_from_slice(&(value.len() as u16).to_le_bytes());
    body.extend_from_slice(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = (body.len() + 12) as u32;
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::CaptureReader;
    use crate::evidence::Problems;
    use crate::model::{EvidenceId, Timestamp};

    #[test]
    fn a_slice_is_read_back_to_the_same_packets() {
        let packets: Vec<RawPacket> = (1..=5_u8)
            .map(|n| RawPacket {
                number: u64::from(n) * 10,
                offset: u64::from(n) * 100,
                time: Timestamp(1_773_454_267_104_233_000 + i64::from(n)),
                interface: u16::from(n % 2),
                link: 1,
                cut: n == 3,
                bytes: vec![n; 60 + usize::from(n)],
            })
            .collect();
        let bytes = pcapng("E1", &packets);
        let mut reader = CaptureReader::new(bytes.as_slice(), EvidenceId(1));
        reader.want((1..=5).collect());
        let (mut batch, mut problems) = (Vec::new(), Problems::default());
        while reader.fill(&mut batch, &mut problems) {}
        let kept = reader.kept();
        assert_eq!(kept.len(), 5);
        for (made, read) in packets.iter().zip(&kept) {
            assert_eq!((made.time, made.cut), (read.time, read.cut));
            assert_eq!(made.bytes, read.bytes);
        }
        assert!(
            !problems.any_loss(),
            "{:?}",
            problems.iter().collect::<Vec<_>>()
        );
    }
}
