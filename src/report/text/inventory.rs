//! An inventory as plain text: what there is, before anything is judged.

use super::page::{Cell, Page, Tone};
use super::{Style, conflicts, coverage, problems, short_host, summary};
use crate::case::gaps::GapKind;
use crate::case::inventory::{ChannelRow, HostMore, InterfaceRow, Inventory};
use crate::case::{Case, EvidenceRow, HostRow};
use crate::context::identity::Orientation;
use crate::model::hex::hex;
use crate::model::provenance::Item;
use crate::model::{EvidenceId, Span, Timestamp};
use crate::report::about::tells_utc;
use crate::report::escape::{cells, vis};
use crate::report::words::{count, counted};
use crate::report::zone::Zone;

/// A part of an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The files, with what could not be read.
    Files,
    /// The hosts.
    Hosts,
    /// The channels of each host.
    Channels,
    /// The clock of each host.
    Clocks,
    /// What is missing.
    Gaps,
    /// What each analytic could judge.
    Coverage,
}

impl Section {
    /// All, in the order of the page.
    pub const ALL: [Self; 6] = [
        Self::Files,
        Self::Hosts,
        Self::Channels,
        Self::Clocks,
        Self::Gaps,
        Self::Coverage,
    ];

    /// The name on the command line and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Hosts => "hosts",
            Self::Channels => "channels",
            Self::Clocks => "clocks",
            Self::Gaps => "gaps",
            Self::Coverage => "coverage",
        }
    }
}

/// Rows of a section printed; JSON has all.
const ROWS: usize = 500;
/// Event ids of one channel printed; JSON has all.
const IDS: usize = 60;
/// Columns of a label in front of a value.
const LABEL: usize = 10;
/// Where it begins: a hash behind it ends within 80 columns.
const PAIR: usize = 5;

/// The sections asked for, in the order of the page.
pub fn render(inventory: &Inventory, sections: &[Section], style: &Style) -> String {
    let mut page = Page::new(style);
    let case = &inventory.case;
    summary::write(case, style, &mut page);
    for section in Section::ALL {
        if !sections.contains(&section) {
            continue;
        }
        match section {
            Section::Files => files(inventory, &mut page),
            Section::Hosts => hosts(inventory, &mut page),
            Section::Channels => channels(inventory, &mut page),
            Section::Clocks => clocks(case, &mut page),
            Section::Gaps => gaps(inventory, &mut page),
            Section::Coverage => {
                coverage::grids(case, &mut page);
                advice(case, &mut page);
            }
        }
    }
    page.finish()
}

fn files(inventory: &Inventory, page: &mut Page) {
    let case = &inventory.case;
    page.heading("FILES");
    if case.evidence.is_empty() {
        page.text(2, "no evidence file was found");
    }
    for row in case.evidence.iter().take(ROWS) {
        let size = format!("{} bytes", count(row.size));
        let told = format!("{}, {size}: {}", row.kind, row.path);
        match case.labels.file(row.id) {
            // The name of a member of an archive may be of any length.
            long if cells(&vis(&long)) >= PAIR => page.hanging(2, "", &format!("{long}  {told}")),
            id => page.hanging(2, &format!("{id:<PAIR$}"), &told),
        }
        pair("sha256", &digest(row), page);
        let unit = match row.unit {
            Item::Packet => "packet",
            Item::Record | Item::Line => "record",
        };
        pair(
            "read",
            &format!(
                "{}, {} skipped; {}",
                counted(row.units_read, unit),
                count(row.units_skipped),
                times(
                    row.first_time.zip(row.last_time),
                    page.zone.beside_utc(tells_utc(case, [row.id])),
                )
            ),
            page,
        );
        let own: Vec<&InterfaceRow> = inventory
            .interfaces
            .iter()
            .filter(|i| i.evidence == row.id)
            .collect();
        for interface in own.iter().take(ROWS) {
            pair(
                "interface",
                &interface_words(interface, inventory.silence, &page.zone),
                page,
            );
        }
        more(own.len(), page);
    }
    more(case.evidence.len(), page);
    problems::write(case, page);
}

fn digest(row: &EvidenceRow) -> String {
    row.sha256
        .map_or_else(|| "not computed".to_owned(), |hash| hex(&hash))
}

fn interface_words(interface: &InterfaceRow, silence: Span, zone: &Zone) -> String {
    let mut words = format!(
        "{}, link type {}, {}",
        interface.number,
        interface.link,
        counted(interface.packets, "packet")
    );
    if interface.snap_length > 0 {
        words.push_str(&format!(
            ", snap length {}",
            count(interface.snap_length.into())
        ));
    }
    if interface.dropped > 0 {
        words.push_str(&format!(", {} dropped", count(interface.dropped)));
    }
    words.push_str(&format!("; {}", times(interface.times, zone)));
    let silences = interface.silences.len() as u64;
    if silences > 0 {
        words.push_str(&format!(
            "; {} of more than {}",
            counted(silences, "silence"),
            silence.roughly()
        ));
    }
    words
}

/// `2026-03-14 01:58:00 to 03:11:00 (1 h 13 min)`.
fn times(range: Option<(Timestamp, Timestamp)>, zone: &Zone) -> String {
    let Some((from, to)) = range else {
        return "no time".to_owned();
    };
    let date = match from.date() == to.date() {
        true => String::new(),
        false => to.date() + " ",
    };
    format!(
        "{} {}{} to {date}{}{} ({})",
        from.date(),
        from.clock(0),
        zone.beside(from, 0),
        to.clock(0),
        zone.beside(to, 0),
        to.since(from).roughly()
    )
}

/// A labelled line below a row's first line.
fn pair(label: &str, value: &str, page: &mut Page) {
    page.row(&[
        Cell::new(PAIR, LABEL, label),
        Cell::new(PAIR + LABEL, page.width - PAIR - LABEL, value),
    ]);
}

fn list(case: &Case, ids: &[EvidenceId]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| case.labels.file(*id)).collect();
    ids.join(", ")
}

fn more(all: usize, page: &mut Page) {
    let more = all.saturating_sub(ROWS);
    if more > 0 {
        page.text(2, &format!("{} more: see -f json", count(more as u64)));
    }
}

fn hosts(inventory: &Inventory, page: &mut Page) {
    let case = &inventory.case;
    page.heading("HOSTS");
    if case.hosts.is_empty() {
        page.text(2, "no log names a host, and none was given with --host; who speaks in the captures: tshark -q -z endpoints,ip -r FILE");
    }
    for (row, known) in case.hosts.iter().zip(&inventory.hosts).take(ROWS) {
        host(case, row, known, page);
    }
    more(case.hosts.len(), page);
    conflicts::write(case, ROWS, page);
}

fn host(case: &Case, row: &HostRow, known: &HostMore, page: &mut Page) {
    page.text(2, &row.label());
    let addresses: Vec<String> = row.addresses.iter().map(ToString::to_string).collect();
    pair(
        "addresses",
        match addresses.is_empty() {
            true => "none is known: give them with --host NAME=ADDR".to_owned(),
            false => addresses.join(", "),
        }
        .as_str(),
        page,
    );
    pair(
        "logs",
        &match row.evidence.is_empty() {
            true => "none".to_owned(),
            false => format!(
                "{}; {}",
                list(case, &row.evidence),
                times(
                    known.logged,
                    page.zone
                        .beside_utc(tells_utc(case, row.evidence.iter().copied())),
                )
            ),
        },
        page,
    );
    if known.attempts > 0 {
        pair(
            "packets",
            &format!(
                "{}; {} of {} answered",
                counted(known.attempts, "TCP attempt"),
                count(known.answered),
                counted(known.syns, "SYN")
            ),
            page,
        );
    }
    let votes = known.votes;
    if votes.packet_order + votes.receiver_first > 0 {
        let (order, other, against) = match known.orientation {
            Orientation::PacketOrder => ("sender first", votes.packet_order, votes.receiver_first),
            Orientation::ReceiverFirst => {
                ("receiver first", votes.receiver_first, votes.packet_order)
            }
        };
        pair(
            "5156/5157",
            &format!(
                "inbound rows are read {order} ({} so, {} the other way round)",
                counted(other, "row"),
                count(against)
            ),
            page,
        );
    }
}

fn channels(inventory: &Inventory, page: &mut Page) {
    page.heading("CHANNELS");
    if inventory.channels.is_empty() {
        page.text(2, "no event log was read");
    }
    let mut before: Option<&str> = None;
    for row in inventory.channels.iter().take(ROWS) {
        if before != Some(&row.host) {
            page.text(2, &row.host);
            before = Some(&row.host);
        }
        channel(&inventory.case, row, page);
    }
    more(inventory.channels.len(), page);
}

fn channel(case: &Case, row: &ChannelRow, page: &mut Page) {
    page.text(4, &row.channel);
    let ids = match row.record_ids {
        Some((first, last)) => format!("IDs {first} to {last}"),
        None => "no IDs".to_owned(),
    };
    let missing = match row.missing {
        Some((0, _)) => "none missing between".to_owned(),
        Some((holes, records)) => format!(
            "{} missing in {}",
            counted(records, "record"),
            counted(holes, "hole")
        ),
        None if row.export => "whether records are missing, an export cannot tell".to_owned(),
        None => "more holes than were followed".to_owned(),
    };
    pair(
        "records",
        &format!(
            "{} in {}; {ids}, {missing}{}",
            count(row.records),
            list(case, &row.evidence),
            if row.wrapped {
                "; the log went round"
            } else {
                ""
            }
        ),
        page,
    );
    let zone = page
        .zone
        .beside_utc(tells_utc(case, row.evidence.iter().copied()))
        .clone();
    pair("time", &times(row.times, &zone), page);
    if row.corrected.is_some() {
        pair("corrected", &times(row.corrected, &page.zone), page);
    }
    let mut seen: Vec<String> = row
        .event_ids
        .iter()
        .take(IDS)
        .map(|(id, n)| format!("{id} x{}", count(*n)))
        .collect();
    let more = row.event_ids.len().saturating_sub(IDS);
    if more > 0 {
        seen.push(format!(
            "{} more event ids: see -f json",
            count(more as u64)
        ));
    }
    if row.uncounted > 0 {
        seen.push(format!(
            "{} of further event ids",
            counted(row.uncounted, "record")
        ));
    }
    pair("event ids", &seen.join(", "), page);
}

fn clocks(case: &Case, page: &mut Page) {
    let captured = !case.gaps.iter().any(|gap| gap.kind == GapKind::NoCapture);
    page.heading(match captured {
        true => "CLOCKS   how far each host is ahead of the captures",
        false => "CLOCKS   how far each host is ahead of the reference; there is no capture",
    });
    if case.hosts.is_empty() {
        page.text(2, "no host is known");
    }
    for row in case.hosts.iter().take(ROWS) {
        let clock = &row.clock;
        let signed = |span: Span| {
            let sign = if span < Span::ZERO { "" } else { "+" };
            format!("{sign}{span}")
        };
        let offset = clock.offset.map_or_else(|| "unknown".to_owned(), signed);
        let last = clock
            .last
            .map(|last| format!(", at last {}", signed(last)))
            .unwrap_or_default();
        let about = match clock.uncertainty {
            Some(span) => format!(" +/- {span}"),
            None => String::new(),
        };
        let anchors = match clock.anchors {
            0 => String::new(),
            n => format!(" ({})", counted(n, "anchor")),
        };
        page.hanging(
            2,
            &format!("{}  ", short_host(case, &row.label())),
            &format!("{offset}{last}{about}{anchors}; {}", clock.method),
        );
    }
    more(case.hosts.len(), page);
}

fn gaps(inventory: &Inventory, page: &mut Page) {
    let longer = inventory.silence.roughly();
    page.heading(&format!(
        "GAPS   captures silent for more than {longer}, missing records, what was not logged"
    ));
    if inventory.case.gaps.is_empty() {
        page.row(&[Cell::new(2, page.width - 2, "none was found").tone(Tone::Plain)]);
    }
    coverage::gap_lines(&inventory.case, ROWS, page);
}

fn advice(case: &Case, page: &mut Page) {
    if case.advice.is_empty() {
        return;
    }
    page.heading("Best next evidence to collect");
    super::nothing::advice(case, 2, page);
}
