//! An inventory as JSON: its shape, which is its schema, and how it is filled.
//!
//! What it shares with the report has the same shape as there. Sections that were not asked for are
//! left out.

use super::from_case;
use super::shape::{
    AnalyticId, Clock, Conflict, Coverage, Evidence, EvidenceNumber, Gap, Parameters, Problem,
    Time, Tool,
};
use crate::case::Case;
use crate::case::inventory as of;
use crate::context::identity::Orientation;
use crate::model::{Labels, Timestamp};
use crate::report::text::inventory::Section;
use schemars::JsonSchema;
use serde::Serialize;

/// Version of the schema.
pub const SCHEMA_VERSION: &str = "1.2.0";

/// casewire inventory, major version 1
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Inventory {
    /// Always `casewire-inventory`.
    #[schemars(extend("const" = "casewire-inventory"))]
    pub schema: &'static str,
    /// Version of this schema.
    #[schemars(extend("pattern" = r"^1\.[0-9]+\.[0-9]+$"))]
    pub schema_version: &'static str,
    /// What made it.
    pub tool: Tool,
    /// What was asked; the settings are those with which coverage is told.
    pub parameters: Parameters,
    /// Silences longer than this are among the gaps, in nanoseconds.
    pub silence_ns: i64,
    /// The sections asked for.
    pub sections: Vec<&'static str>,
    /// The files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Vec<Evidence>>,
    /// The interfaces of the captures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<Vec<Interface>>,
    /// The hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<Host>>,
    /// What the evidence contradicts itself about: who had which address. Goes with the hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<Conflict>>,
    /// The channels of each host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<Channel>>,
    /// The clock of each host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Vec<HostClock>>,
    /// What is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Vec<Gap>>,
    /// Which need of which analytic is met on which host; its gaps are numbered as in `gaps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Vec<Coverage>>,
    /// Which analytic could judge which host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judgeable: Option<Vec<Judgeable>>,
    /// Which evidence to collect next, most useful first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Vec<String>>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Facts about the run that a reader must know.
    pub notes: Vec<String>,
}

/// One interface of a capture file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Interface {
    /// The file.
    pub evidence: EvidenceNumber,
    /// Its number in the file.
    pub number: u16,
    /// Link type, as listed by the tcpdump group.
    pub link_type: u32,
    /// Snap length; null for none.
    pub snap_length: Option<u32>,
    /// Packets.
    pub packets: u64,
    /// Packets the capturing system says it dropped.
    pub dropped: u64,
    /// Earliest packet.
    pub first_time: Option<Time>,
    /// Latest packet.
    pub last_time: Option<Time>,
    /// Its silences.
    pub silences: Vec<Silence>,
}

/// A stretch without packets.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Silence {
    /// The packet before.
    pub start: Time,
    /// The packet behind.
    pub end: Time,
}

/// One host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Host {
    /// Its number in this inventory.
    #[schemars(extend("pattern" = "^H[1-9][0-9]*$"))]
    pub id: String,
    /// Its name; null if only an address is known.
    pub name: Option<String>,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// The files that speak of it.
    pub evidence: Vec<EvidenceNumber>,
    /// How its inbound rows of Security 5156 and 5157 are read.
    #[schemars(extend("enum" = ["packet-order", "receiver-first"]))]
    pub orientation: &'static str,
    /// Inbound rows that can only be packet-ordered.
    pub rows_packet_order: u64,
    /// Inbound rows that can only be receiver-first.
    pub rows_receiver_first: u64,
    /// First record of any of its logs.
    pub first_time: Option<Time>,
    /// Last record of any of its logs.
    pub last_time: Option<Time>,
    /// TCP attempts in the captures with one of its addresses on either end.
    pub tcp_attempts: u64,
    /// Of those, the ones with a captured SYN.
    pub syns: u64,
    /// Of those, the ones with any answer.
    pub syns_answered: u64,
}

/// One channel of one host, over all files.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Channel {
    /// The host, or the computer as written if it is none of the hosts.
    pub host: String,
    /// The channel, as written.
    pub channel: String,
    /// The files.
    pub evidence: Vec<EvidenceNumber>,
    /// Records read.
    pub records: u64,
    /// Lowest EventRecordID, as text: it may be above 2^53.
    pub first_record_id: Option<String>,
    /// Highest EventRecordID, as text.
    pub last_record_id: Option<String>,
    /// Holes in the EventRecordIDs; null if there were too many to follow.
    pub holes: Option<u64>,
    /// EventRecordIDs missing in the holes, as text; null if there were too many holes to follow, or the
    /// log is an export.
    pub missing_records: Option<String>,
    /// Earliest record, as recorded.
    pub first_time: Option<Time>,
    /// Latest record, as recorded.
    pub last_time: Option<Time>,
    /// Earliest record on the reference clock; null where that is what was recorded.
    pub first_time_corrected: Option<Time>,
    /// Latest record on the reference clock; null where that is what was recorded.
    pub last_time_corrected: Option<Time>,
    /// The event ids that occur.
    pub event_ids: Vec<EventId>,
    /// Records of further event ids.
    pub uncounted: u64,
    /// Whether the log was full and went round.
    pub wrapped: bool,
}

/// An event id that occurs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EventId {
    /// The event id.
    pub event_id: u32,
    /// How often.
    pub records: u64,
}

/// The clock of one host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HostClock {
    /// The host.
    pub host: String,
    /// Its clock.
    pub clock: Clock,
}

/// Whether an analytic could judge a host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Judgeable {
    /// The analytic.
    pub analytic: AnalyticId,
    /// The host.
    pub host: String,
    /// `fully`, `partly`, or `not`: it could not have found anything.
    #[schemars(extend("enum" = ["fully", "partly", "not"]))]
    pub judgeable: &'static str,
    /// Why it is not better than that.
    pub words: String,
}

/// The inventory, with the sections asked for.
///
/// # Errors
/// None that evidence can cause; the signature is serde's.
pub fn inventory(
    given: &of::Inventory,
    sections: &[Section],
) -> Result<Vec<u8>, serde_json::Error> {
    super::pretty(&shape(given, sections))
}

fn shape(given: &of::Inventory, sections: &[Section]) -> Inventory {
    let case = &given.case;
    let asked = |section| sections.contains(&section);
    Inventory {
        schema: "casewire-inventory",
        schema_version: SCHEMA_VERSION,
        tool: from_case::tool(case),
        parameters: from_case::parameters(&case.parameters),
        silence_ns: given.silence.0.min(1 << 53),
        sections: Section::ALL
            .into_iter()
            .filter(|s| asked(*s))
            .map(Section::word)
            .collect(),
        evidence: asked(Section::Files).then(|| {
            case.evidence
                .iter()
                .map(|row| from_case::evidence(case, row))
                .collect()
        }),
        interfaces: asked(Section::Files).then(|| {
            given
                .interfaces
                .iter()
                .map(|row| interface(&case.labels, row))
                .collect()
        }),
        hosts: asked(Section::Hosts).then(|| hosts(given)),
        conflicts: asked(Section::Hosts).then(|| from_case::conflicts(case)),
        channels: asked(Section::Channels).then(|| {
            let row = |row| channel(&case.labels, row);
            given.channels.iter().map(row).collect()
        }),
        clocks: asked(Section::Clocks).then(|| {
            case.hosts
                .iter()
                .map(|row| HostClock {
                    host: row.label(),
                    clock: from_case::clock(&row.clock),
                })
                .collect()
        }),
        gaps: asked(Section::Gaps).then(|| from_case::gaps(case)),
        coverage: asked(Section::Coverage).then(|| {
            let row = |row| from_case::coverage(&case.labels, row);
            case.coverage.iter().map(row).collect()
        }),
        judgeable: asked(Section::Coverage).then(|| judgeable(case)),
        advice: asked(Section::Coverage).then(|| case.advice.clone()),
        problems: case
            .problems
            .iter()
            .map(|p| from_case::problem(&case.labels, p))
            .collect(),
        notes: case.notes.clone(),
    }
}

fn first(range: Option<(Timestamp, Timestamp)>) -> Option<Time> {
    range.map(|(from, _)| from_case::time(from))
}

fn last(range: Option<(Timestamp, Timestamp)>) -> Option<Time> {
    range.map(|(_, to)| from_case::time(to))
}

fn interface(labels: &Labels, row: &of::InterfaceRow) -> Interface {
    Interface {
        evidence: from_case::evidence_number(labels, row.evidence),
        number: row.number,
        link_type: row.link,
        snap_length: (row.snap_length > 0).then_some(row.snap_length),
        packets: row.packets,
        dropped: row.dropped.min(1 << 53),
        first_time: first(row.times),
        last_time: last(row.times),
        silences: row
            .silences
            .iter()
            .map(|(from, to)| Silence {
                start: from_case::time(*from),
                end: from_case::time(*to),
            })
            .collect(),
    }
}

fn hosts(given: &of::Inventory) -> Vec<Host> {
    let labels = &given.case.labels;
    let rows = given.case.hosts.iter().zip(&given.hosts).enumerate();
    rows.map(|(i, (row, known))| Host {
        id: format!("H{}", i + 1),
        name: (!row.name.is_empty()).then(|| row.name.to_string()),
        addresses: row.addresses.iter().map(ToString::to_string).collect(),
        evidence: row
            .evidence
            .iter()
            .map(|id| from_case::evidence_number(labels, *id))
            .collect(),
        orientation: match known.orientation {
            Orientation::PacketOrder => "packet-order",
            Orientation::ReceiverFirst => "receiver-first",
        },
        rows_packet_order: known.votes.packet_order,
        rows_receiver_first: known.votes.receiver_first,
        first_time: first(known.logged),
        last_time: last(known.logged),
        tcp_attempts: known.attempts,
        syns: known.syns,
        syns_answered: known.answered,
    })
    .collect()
}

fn channel(labels: &Labels, row: &of::ChannelRow) -> Channel {
    Channel {
        host: row.host.clone(),
        channel: row.channel.to_string(),
        evidence: row
            .evidence
            .iter()
            .map(|id| from_case::evidence_number(labels, *id))
            .collect(),
        records: row.records,
        first_record_id: row.record_ids.map(|(first, _)| first.to_string()),
        last_record_id: row.record_ids.map(|(_, last)| last.to_string()),
        holes: row.missing.map(|(holes, _)| holes),
        missing_records: row.missing.map(|(_, records)| records.to_string()),
        first_time: first(row.times),
        last_time: last(row.times),
        first_time_corrected: first(row.corrected),
        last_time_corrected: last(row.corrected),
        event_ids: row
            .event_ids
            .iter()
            .map(|(event_id, records)| EventId {
                event_id: *event_id,
                records: *records,
            })
            .collect(),
        uncounted: row.uncounted,
        wrapped: row.wrapped,
    }
}

fn judgeable(case: &Case) -> Vec<Judgeable> {
    case.verdicts
        .iter()
        .map(|row| Judgeable {
            analytic: from_case::analytic_id(row.analytic),
            host: row.host.clone(),
            judgeable: row.judgeable.word(),
            words: row.words.clone(),
        })
        .collect()
}
