//! The finished evidence: files, and which story line each packet and record comes from.

use super::cast::{Host, LogKind, Sensor};
use super::world::{Sent, Written};
use super::{Cite, Expected};
use crate::evtx::{Form, Log};
use crate::moment::Moment;
use crate::pcap::Capture;
use crate::zeek::{self, Notation};
use std::path::Path;

/// What a story has left behind.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The page's title.
    pub title: String,
    /// File names and their bytes, captures first.
    pub files: Vec<(String, Vec<u8>)>,
    /// Every packet and record, with its label and story line; packets first, in file order, then
    /// records in the order in which they were written.
    pub cites: Vec<Cite>,
    /// The hosts of the story, those only mentioned by address included.
    pub hosts: Vec<Member>,
    /// The expect block's lines.
    pub expect: Vec<Expected>,
}

/// A host, as readers of the evidence meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name in the story.
    pub name: String,
    /// Computer name in its records.
    pub computer: String,
    /// IP addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// Hardware address.
    pub mac: [u8; 6],
}

impl Evidence {
    /// Writes the files into `directory`, which is made if needed.
    pub fn write_to(&self, directory: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(directory)?;
        for (name, bytes) in &self.files {
            std::fs::write(directory.join(name), bytes)?;
        }
        Ok(())
    }

    /// The bytes of one file.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files
            .iter()
            .find(|f| f.0 == name)
            .map(|f| f.1.as_slice())
    }

    /// The cite of a packet number or EventRecordID in a file.
    pub fn cite(&self, file: &str, item: u64) -> Option<&Cite> {
        self.cites.iter().find(|c| c.file == file && c.item == item)
    }

    /// The cite with a label such as `wire:3` or `log:1`.
    pub fn labelled(&self, label: &str) -> Option<&Cite> {
        self.cites.iter().find(|c| c.label == label)
    }

    /// The cites of a line of the page, for `line:7`.
    pub fn of_line(&self, line: usize) -> impl Iterator<Item = &Cite> {
        self.cites.iter().filter(move |c| c.line == line)
    }
}

/// Captures of what the sensors saw of `sent`, which is in order of time.
pub(super) fn captures(
    day: Moment,
    hosts: &[Host],
    sensors: &[Sensor],
    sent: &[Sent],
    files: &mut Vec<(String, Vec<u8>)>,
    cites: &mut Vec<Cite>,
) {
    let mut wire: u32 = 0;
    for sensor in sensors {
        if let Some(notation) = sensor.sums_up {
            connections(
                day,
                hosts,
                sensor,
                notation,
                (sent, &mut wire),
                files,
                cites,
            );
            continue;
        }
        let mut parts: Vec<Vec<&Sent>> = vec![Vec::new(); sensor.rotate.len() + 1];
        for packet in sent.iter().filter(|p| sees(sensor, p)) {
            let part = sensor
                .rotate
                .iter()
                .filter(|moment| **moment <= packet.at)
                .count();
            parts[part].push(packet);
        }
        let several = parts.len() > 1;
        for (number, mut part) in (1..).zip(parts) {
            if part.is_empty() {
                continue;
            }
            if sensor.disordered {
                part.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
            }
            let mut capture = Capture {
                format: sensor.format,
                snap_length: sensor.snap_length,
                interface: sensor.name.clone(),
                dropped: sensor.dropped,
                ..Capture::default()
            };
            let suffix = if several {
                format!("-{number}")
            } else {
                String::new()
            };
            let name = format!("{}{suffix}.{}", sensor.name, extension(sensor));
            for packet in part {
                let time = day.plus(packet.at + sensor.clock.error_at(packet.at));
                let bytes = match sensor.tunnel {
                    Some(tunnel) => tunnel.around(wire, &packet.bytes),
                    None => packet.bytes.clone(),
                };
                let item = capture.push(time, bytes) as u64;
                wire += 1;
                let from = &hosts[packet.from].name;
                let to = packet.to.map_or("all", |to| hosts[to].name.as_str());
                cites.push(Cite {
                    label: format!("wire:{wire}"),
                    file: name.clone(),
                    item,
                    line: packet.line,
                    about: format!("{from} -> {to}"),
                });
            }
            files.push((name, capture.bytes()));
        }
    }
}

/// The log of a sensor that keeps no packets. A row is cited by its line, under the label and the line
/// of the page that its first packet has.
fn connections(
    day: Moment,
    hosts: &[Host],
    sensor: &Sensor,
    notation: Notation,
    (sent, wire): (&[Sent], &mut u32),
    files: &mut Vec<(String, Vec<u8>)>,
    cites: &mut Vec<Cite>,
) {
    let seen: Vec<&Sent> = sent.iter().filter(|p| sees(sensor, p)).collect();
    let at = |packet: &Sent| day.plus(packet.at + sensor.clock.error_at(packet.at));
    let mut zeek = zeek::Sensor::default();
    for packet in &seen {
        zeek.push(at(packet), &packet.bytes);
    }
    let rows = zeek.rows();
    // A row is in the log that was open when it was written.
    let part = |row: &zeek::Row| {
        let turned = sensor.rotate.iter();
        turned.filter(|m| day.plus(**m) <= row.written).count()
    };
    for number in 0..=sensor.rotate.len() {
        let own = || rows.iter().filter(|row| part(row) == number);
        if own().next().is_none() {
            continue;
        }
        let name = match sensor.rotate.is_empty() {
            true => format!("{}.log", sensor.name),
            false => format!("{}-{}.log", sensor.name, number + 1),
        };
        let (text, lines) = zeek::text(own(), notation);
        for (row, item) in own().zip(lines) {
            let packet = seen[row.first];
            *wire += 1;
            let from = &hosts[packet.from].name;
            let to = packet.to.map_or("all", |to| hosts[to].name.as_str());
            cites.push(Cite {
                label: format!("wire:{wire}"),
                file: name.clone(),
                item,
                line: packet.line,
                about: format!("{from} -> {to}"),
            });
        }
        files.push((name, text.into_bytes()));
    }
}

fn sees(sensor: &Sensor, packet: &Sent) -> bool {
    let in_time =
        sensor.from.is_none_or(|t| t <= packet.at) && sensor.to.is_none_or(|t| packet.at <= t);
    let in_view = sensor.sees.is_empty()
        || sensor.sees.iter().any(|(a, b, both)| {
            let fits = |from: Option<usize>, to: Option<usize>| {
                from == Some(*a) && (b.is_none() || to.is_none() || to == *b)
            };
            let there = fits(Some(packet.from), packet.to);
            there || *both && packet.to.is_some() && fits(packet.to, Some(packet.from))
        });
    in_time && in_view
}

fn extension(sensor: &Sensor) -> &'static str {
    match sensor.format {
        crate::pcap::Format::Micro | crate::pcap::Format::Nano => "pcap",
        crate::pcap::Format::PcapNg | crate::pcap::Format::PcapNgMicro => "pcapng",
    }
}

/// Log files of `written`, which is in order of writing.
pub(super) fn logs(
    hosts: &[Host],
    written: Vec<Written>,
    files: &mut Vec<(String, Vec<u8>)>,
    cites: &mut Vec<Cite>,
) {
    let mut open: Vec<(String, Log)> = Vec::new();
    for (number, record) in (1..).zip(written) {
        let host = &hosts[record.host];
        let kind = if host.merged {
            "All"
        } else {
            log_name(record.kind)
        };
        let name = format!("{}-{kind}.evtx", host.name);
        let index = open
            .iter()
            .position(|(known, _)| *known == name)
            .unwrap_or_else(|| {
                let log = Log {
                    form: match (host.plain, host.terminated) {
                        (true, _) => Form::Plain,
                        (false, true) => Form::TerminatedText,
                        (false, false) => Form::Templates,
                    },
                    first_record: host.first_record,
                    renumbered: host.archived,
                    dirty: host.dirty,
                    reserved_chunks: if host.dirty { 2 } else { 0 },
                    events: Vec::new(),
                };
                open.push((name.clone(), log));
                open.len() - 1
            });
        let about = format!(
            "{} {} {}",
            host.name,
            log_name(record.kind),
            record.event.id
        );
        let log = &mut open[index].1;
        let mut event = record.event;
        if let Some(last) = log.events.last().filter(|_| record.lost > 0) {
            event.record_id = Some(last.record_id.unwrap_or(0) + 1 + record.lost);
        }
        let item = log.push(event);
        cites.push(Cite {
            label: format!("log:{number}"),
            file: name,
            item,
            line: record.line,
            about,
        });
    }
    open.sort_by(|a, b| a.0.cmp(&b.0));
    files.extend(open.into_iter().map(|(name, log)| (name, log.bytes())));
}

fn log_name(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Security | LogKind::Drops => "Security",
        LogKind::System => "System",
        LogKind::Sysmon => "Sysmon",
        LogKind::Firewall => "Firewall",
        LogKind::PowerShell => "PowerShell",
    }
}
