//! A baseline as a file: one JSON document, the same bytes for the same evidence.
//!
//! Only whole counts are kept, by UTC day, so that files add up in any order. What it rests on
//! stands in it: the hashes of the evidence and the days.

use super::tally::Day;
use super::usage::{Counted, Counter, ImageUsage, Port, Usage};
use crate::context::contacts::DayContacts;
use crate::model::{Text, Timestamp, Transport};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What `format` says in every such file.
pub const FORMAT: &str = "casewire-baseline";
/// The version this program writes and reads.
pub const VERSION: u32 = 2;
/// A longer file is refused.
pub const LARGEST: u64 = 256 << 20;

/// A baseline file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineFile {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The program that made it.
    pub made_by: String,
    /// What it rests on, in order of the hashes.
    pub evidence: Vec<Basis>,
    /// UTC days of which something was counted, in order.
    pub days: Vec<String>,
    /// What could not be read of the evidence: it is not counted. Left out where all was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// Entries left out because a bound was reached: then counts may be too small.
    pub left_out: u64,
    /// By host: a computer name in lower case, or an address that no log names.
    pub hosts: BTreeMap<String, HostPart>,
}

/// A piece of evidence a baseline rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// `pcap`, `pcapng`, `evtx`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
}

/// What could not be read of the evidence of a baseline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// SHA-256 of the piece of evidence, where it has one.
    pub sha256: Option<String>,
    /// How often.
    pub count: u64,
    /// What happened.
    pub message: String,
    /// What it costs.
    pub effect: String,
}

/// One host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostPart {
    /// Signs of the host.
    pub seen: Counts,
    /// By program; the empty name is what packets tell, which name no program.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, ImagePart>,
    /// Outgoing connections by remote address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub peers: BTreeMap<IpAddr, Counts>,
    /// Outgoing connections that were completed, by remote address and port, as `tcp/445`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reached: BTreeMap<IpAddr, BTreeMap<String, Counts>>,
    /// Ports that answered or listened, as `tcp/445`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub listeners: BTreeMap<String, Counts>,
    /// Causality owner, then the program that opened an outgoing connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pairs: BTreeMap<String, BTreeMap<String, Counts>>,
    /// Failed connections inside the network, by day.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contacts: BTreeMap<String, ContactsPart>,
}

/// One program on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePart {
    /// Starts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub executions: Counts,
    /// Process instances that opened an outgoing connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networked: Counts,
    /// Outgoing connections by remote port, as `tcp/443`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ports: BTreeMap<String, Counts>,
}

/// Counts by counter: `security`, `sysmon`, `wire`.
pub type Counts = BTreeMap<String, Count>;

/// One count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The first occurrence.
    pub first: String,
    /// The last.
    pub last: String,
    /// How many on each UTC day.
    pub days: BTreeMap<String, u64>,
}

/// Contacts of one source on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactsPart {
    /// Distinct internal targets with a known outcome.
    pub targets: u32,
    /// Of these, failing.
    pub failing: u32,
    /// Of these, missing when they failed.
    pub missing: u32,
    /// SYNs to anybody.
    pub syns: u64,
    /// Connections that came of them.
    pub answered: u64,
}

/// Why a file cannot be used as a baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Not such a file, or a damaged one.
    #[error("is no baseline: {0}; make one with 'casewire baseline build'")]
    NoBaseline(String),
    /// Made by a program of another time.
    #[error(
        "is a baseline of version {0}, and this casewire reads version {known}; build it again",
        known = VERSION
    )]
    Version(u32),
}

impl BaselineFile {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is no baseline, or one of another version.
    pub fn read(bytes: &[u8]) -> Result<Self, FileError> {
        let file: Self = serde_json::from_slice(bytes)
            .map_err(|error| FileError::NoBaseline(error.to_string()))?;
        if file.format != FORMAT {
            return Err(FileError::NoBaseline("its format is another".to_owned()));
        }
        if file.version != VERSION {
            return Err(FileError::Version(file.version));
        }
        file.days().and_then(|_| file.usages())?;
        // Without them nobody could tell what it rests on, nor that it is given twice.
        let no = |what: &str| Err(FileError::NoBaseline(what.to_owned()));
        if file.evidence.is_empty() {
            return no("it names no evidence that it rests on");
        }
        let hash = |text: &str| {
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        if let Some(basis) = file.evidence.iter().find(|basis| !hash(&basis.sha256)) {
            return no(&format!("{:?} is no SHA-256", basis.sha256));
        }
        Ok(file)
    }

    /// The file as bytes.
    ///
    /// # Errors
    /// If it cannot be written as JSON, which no content of it causes.
    pub fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The days it rests on.
    ///
    /// # Errors
    /// If one is no date.
    pub fn days(&self) -> Result<BTreeSet<Day>, FileError> {
        self.days.iter().map(|text| day(text)).collect()
    }

    /// The counts of every host.
    ///
    /// # Errors
    /// If a value cannot be meant.
    pub fn usages(&self) -> Result<Vec<(String, Usage)>, FileError> {
        self.hosts
            .iter()
            .map(|(name, part)| Ok((name.clone(), part.usage()?)))
            .collect()
    }

    /// The failed connections of every host and day.
    ///
    /// # Errors
    /// If a date cannot be meant.
    pub fn contacts(&self) -> Result<Vec<(String, Day, DayContacts)>, FileError> {
        let mut all = Vec::new();
        for (name, part) in &self.hosts {
            for (date, sum) in &part.contacts {
                let sum = DayContacts {
                    targets: sum.targets,
                    failing: sum.failing,
                    missing: sum.missing,
                    syns: [sum.syns, sum.answered],
                };
                all.push((name.clone(), day(date)?, sum));
            }
        }
        Ok(all)
    }
}

impl HostPart {
    /// A host's counts in the form of the file.
    pub fn of(usage: &Usage) -> Self {
        let mut pairs: BTreeMap<String, BTreeMap<String, Counts>> = BTreeMap::new();
        for ((causality, actor), count) in &usage.pairs {
            pairs
                .entry(causality.to_string())
                .or_default()
                .insert(actor.to_string(), counts(count));
        }
        let mut reached: BTreeMap<IpAddr, BTreeMap<String, Counts>> = BTreeMap::new();
        for ((address, port), count) in &usage.reached {
            reached
                .entry(*address)
                .or_default()
                .insert(port_text(*port), counts(count));
        }
        Self {
            seen: counts(&usage.seen),
            images: usage
                .images
                .iter()
                .map(|(image, of)| (image.to_string(), ImagePart::of(of)))
                .collect(),
            peers: usage.peers.iter().map(|(a, c)| (*a, counts(c))).collect(),
            reached,
            listeners: ports(&usage.listeners),
            pairs,
            contacts: BTreeMap::new(),
        }
    }

    fn usage(&self) -> Result<Usage, FileError> {
        let mut usage = Usage {
            seen: counted(&self.seen)?,
            ..Usage::default()
        };
        for (image, part) in &self.images {
            let of = ImageUsage {
                executions: counted(&part.executions)?,
                networked: counted(&part.networked)?,
                ports: read_ports(&part.ports)?,
            };
            usage.images.insert(image.as_str().into(), of);
        }
        for (address, count) in &self.peers {
            usage.peers.insert(address.to_canonical(), counted(count)?);
        }
        for (address, of) in &self.reached {
            for (port, count) in read_ports(of)? {
                usage.reached.insert((address.to_canonical(), port), count);
            }
        }
        usage.listeners = read_ports(&self.listeners)?;
        for (causality, actors) in &self.pairs {
            for (actor, count) in actors {
                let pair = (Text::from(causality.as_str()), Text::from(actor.as_str()));
                usage.pairs.insert(pair, counted(count)?);
            }
        }
        Ok(usage)
    }
}

impl ImagePart {
    fn of(usage: &ImageUsage) -> Self {
        Self {
            executions: counts(&usage.executions),
            networked: counts(&usage.networked),
            ports: ports(&usage.ports),
        }
    }
}

impl From<&DayContacts> for ContactsPart {
    fn from(sum: &DayContacts) -> Self {
        Self {
            targets: sum.targets,
            failing: sum.failing,
            missing: sum.missing,
            syns: sum.syns[0],
            answered: sum.syns[1],
        }
    }
}

fn counts(counted: &Counted) -> Counts {
    let mut counts = Counts::new();
    for counter in Counter::ALL {
        let tally = counted.by(counter);
        if let (Some(first), Some(last)) = (tally.first(), tally.last()) {
            let days = tally.days().iter().map(|(day, n)| (day.text(), *n));
            let count = Count {
                first: first.rfc3339(),
                last: last.rfc3339(),
                days: days.collect(),
            };
            counts.insert(counter.word().to_owned(), count);
        }
    }
    counts
}

fn counted(counts: &Counts) -> Result<Counted, FileError> {
    let mut counted = Counted::default();
    for (word, count) in counts {
        let counter = Counter::ALL
            .into_iter()
            .find(|c| c.word() == word)
            .ok_or_else(|| FileError::NoBaseline(format!("no counter is called {word:?}")))?;
        let days = count
            .days
            .iter()
            .map(|(date, n)| Ok((day(date)?, *n)))
            .collect::<Result<Vec<_>, FileError>>()?;
        counted
            .by_mut(counter)
            .add_known(moment(&count.first)?, moment(&count.last)?, days);
    }
    Ok(counted)
}

fn ports(table: &BTreeMap<Port, Counted>) -> BTreeMap<String, Counts> {
    table
        .iter()
        .map(|(port, count)| (port_text(*port), counts(count)))
        .collect()
}

fn read_ports(table: &BTreeMap<String, Counts>) -> Result<BTreeMap<Port, Counted>, FileError> {
    table
        .iter()
        .map(|(text, count)| {
            let port = port(text).ok_or_else(|| {
                FileError::NoBaseline(format!("{text:?} is no port like tcp/443"))
            })?;
            Ok((port, counted(count)?))
        })
        .collect()
}

fn port_text((transport, port): Port) -> String {
    format!("{transport}/{port}")
}

fn port(text: &str) -> Option<Port> {
    let (transport, port) = text.split_once('/')?;
    let transport = match transport {
        "tcp" => Transport::TCP,
        "udp" => Transport::UDP,
        "icmp" => Transport::ICMP,
        "icmp6" => Transport::ICMPV6,
        other => Transport(other.strip_prefix("ip")?.parse().ok()?),
    };
    Some((transport, port.parse().ok()?))
}

fn day(text: &str) -> Result<Day, FileError> {
    let date = (text.len() == 10).then(|| Timestamp::parse(text)).flatten();
    date.map(Day::of)
        .ok_or_else(|| FileError::NoBaseline(format!("{text:?} is no date")))
}

fn moment(text: &str) -> Result<Timestamp, FileError> {
    Timestamp::parse(text).ok_or_else(|| FileError::NoBaseline(format!("{text:?} is no time")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;

    #[test]
    fn a_file_reads_back_as_the_counts_it_was_written_from() {
        let mut usage = Usage::default();
        let begin = Timestamp::parse("2026-03-01T08:00:00Z").unwrap();
        let image = usage.images.entry(r"\a\b.exe".into()).or_default();
        for day in 0..3 {
            let time = begin.shifted(Span::seconds(86_400 * day));
            usage.seen.add(Counter::Sysmon, time);
            image.executions.add(Counter::Sysmon, time);
            let port = image.ports.entry((Transport::TCP, 443)).or_default();
            port.add(Counter::Security, time);
            let reached = ("10.0.0.2".parse().unwrap(), (Transport::TCP, 443));
            usage
                .reached
                .entry(reached)
                .or_default()
                .add(Counter::Wire, time);
        }
        let mut file = BaselineFile {
            format: FORMAT.to_owned(),
            version: VERSION,
            evidence: vec![basis(&"0a".repeat(32))],
            ..BaselineFile::default()
        };
        file.hosts.insert("ws01".to_owned(), HostPart::of(&usage));
        let bytes = file.bytes().unwrap();
        let read = BaselineFile::read(&bytes).unwrap();
        assert_eq!(read, file);
        let again = &read.usages().unwrap()[0].1;
        let end = Timestamp::parse("2026-03-04").unwrap();
        let held = &again.images[r"\a\b.exe"];
        assert_eq!(held.executions.before(end), 3);
        assert_eq!(held.ports[&(Transport::TCP, 443)].before(end), 3);
        assert_eq!(again.seen.first_before(end), Some(begin));
        assert_eq!(HostPart::of(again), file.hosts["ws01"]);
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_the_reason() {
        let no = |bytes: &[u8]| BaselineFile::read(bytes).unwrap_err().to_string();
        assert!(no(b"{}").contains("casewire baseline build"));
        assert!(no(b"\x00\x01").starts_with("is no baseline"));
        let mut file = BaselineFile {
            format: FORMAT.to_owned(),
            version: 1,
            ..BaselineFile::default()
        };
        assert!(no(&file.bytes().unwrap()).contains("version 1"));
        file.version = VERSION;
        file.days = vec!["yesterday".to_owned()];
        assert!(no(&file.bytes().unwrap()).contains("no date"));
        file.days.clear();
        assert!(no(&file.bytes().unwrap()).contains("names no evidence"));
        for wrong in ["zz".to_owned(), "zz".repeat(32), "AA".repeat(32)] {
            file.evidence = vec![basis(&wrong)];
            assert!(no(&file.bytes().unwrap()).contains("is no SHA-256"));
        }
    }

    fn basis(sha256: &str) -> Basis {
        Basis {
            sha256: sha256.to_owned(),
            kind: "pcap".to_owned(),
            size: 1,
        }
    }
}
