//! From what was read to an inventory.

use super::conclude::Read;
use super::{Error, Request};
use crate::analytics::register::Entry;
use crate::case::inventory::{ChannelRow, HostMore, InterfaceRow, Inventory};
use crate::context::coverage::Channel;
use crate::reading::Content;
use std::collections::BTreeMap;

/// The inventory.
///
/// # Errors
/// As `Read::conclude`.
pub(super) fn of(
    read: &mut Read,
    request: &Request,
    entries: &[Box<dyn Entry>],
) -> Result<Inventory, Error> {
    let case = read.conclude(request, entries, Vec::new())?;
    let (coverage, identity) = (&read.context.coverage, &read.context.identity);
    let (mut hosts, mut channels) = (Vec::new(), Vec::new());
    for row in &case.hosts {
        let id = identity.named(&row.name);
        let Some((id, host)) = id.and_then(|id| Some((id, identity.host(id)?))) else {
            hosts.push(HostMore::default());
            continue;
        };
        let sides = coverage.wire().sides(&host.addresses);
        hosts.push(HostMore {
            orientation: host.orientation,
            votes: host.votes,
            logged: coverage.history(id).map(|i| (i.from, i.to)),
            attempts: sides.attempts,
            syns: sides.syns,
            answered: sides.answered,
        });
        channels.extend(coverage.channels(id).map(|c| channel_row(&row.label(), c)));
    }
    channels.extend(nameless(read));
    let mut interfaces: Vec<InterfaceRow> = coverage
        .sensors()
        .iter()
        .flat_map(|sensor| sensor.interfaces.iter().map(move |i| (sensor.evidence, i)))
        .map(|(evidence, i)| InterfaceRow {
            evidence,
            number: i.number,
            link: i.link,
            snap_length: i.snap_length,
            packets: i.packets,
            dropped: i.dropped,
            times: i.first.zip(i.last),
            silences: i.silences.longer_than(request.silence).collect(),
        })
        .collect();
    interfaces.sort_by_key(|i| (i.evidence, i.number, i.link));
    Ok(Inventory {
        case,
        hosts,
        channels,
        interfaces,
        silence: request.silence,
    })
}

/// Channels of records that name no computer, or none that became a host.
fn nameless(read: &Read) -> Vec<ChannelRow> {
    let mut channels: BTreeMap<(String, String), Channel> = BTreeMap::new();
    for (evidence, report) in &read.reports {
        let Content::Log(summary) = &report.content else {
            continue;
        };
        for (key, source) in &summary.sources {
            if read.context.identity.named(&source.computer).is_some() {
                continue;
            }
            let channel = Channel::of(*evidence, summary, source);
            match channels.get_mut(key) {
                Some(held) => held.merge(channel),
                None => {
                    channels.insert(key.clone(), channel);
                }
            }
        }
    }
    let row = |c: &Channel| match c.held.computer.as_ref() {
        "" => channel_row("(no computer named)", c),
        name => channel_row(name, c),
    };
    channels.values().map(row).collect()
}

fn channel_row(host: &str, channel: &Channel) -> ChannelRow {
    let held = &channel.held;
    ChannelRow {
        host: host.to_owned(),
        channel: held.channel.clone(),
        evidence: channel.evidence.iter().copied().collect(),
        records: held.records,
        record_ids: held.first_id.zip(held.last_id),
        times: held.first_time.zip(held.last_time),
        corrected: channel.corrected().map(|i| (i.from, i.to)),
        event_ids: held.ids.iter().map(|(id, n)| (*id, *n)).collect(),
        uncounted: held.uncounted,
        missing: held.gaps().map(|holes| {
            let records = holes.iter().fold(0_u64, |n, h| n.saturating_add(h.count()));
            (holes.len() as u64, records)
        }),
        export: channel.is_export(),
        wrapped: channel.wrapped,
    }
}
