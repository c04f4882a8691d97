//! What followed a magic packet: whether its target came up, and whether the sender then entered it.

use super::settings::SignallingSettings;
use super::waking::signal_of;
use crate::context::Context;
use crate::model::neighbour::ToldBy;
use crate::model::{Event, Span, Text, Timestamp, What};
use std::collections::VecDeque;
use std::net::IpAddr;

/// A target heard this soon before its signal was up already.
const UP: Span = Span::seconds(60);

/// A target that started after its signal, was then reached by the sender, or both.
pub(super) struct Followed<'a> {
    pub(super) mac: [u8; 6],
    pub(super) start: Option<Event>,
    pub(super) visit: Option<&'a Event>,
    pub(super) name: Text,
    pub(super) address: Option<IpAddr>,
    /// When it was last heard before its signal.
    pub(super) heard: Option<Timestamp>,
}

pub(super) fn followed<'a>(
    signal: &Event,
    visits: &'a VecDeque<Event>,
    settings: &SignallingSettings,
    context: &Context,
) -> Option<Followed<'a>> {
    let mac = signal_of(signal)?.target;
    let identity = &context.identity;
    let until = signal.time.shifted(settings.wake_within);
    let within = |e: &&Event| e.time >= signal.time && e.time <= until;
    let announced = announcement(&mac, within, context);
    // The target may come back with another address than it had before.
    let host = announced
        .and_then(|e| identity.host_of(&mac, e.time))
        .or_else(|| identity.host_of(&mac, signal.time));
    let started = host
        .and_then(|id| identity.host(id))
        .and_then(|h| h.starts.iter().find(within));
    let addresses = identity.addresses_of(&mac, signal.time);
    let heard = addresses.iter();
    let heard = heard
        .filter_map(|address| context.activity.last_seen(*address, signal.time))
        .max();
    // A host that was up all along announces itself, too, now and then.
    let was_up = heard.is_some_and(|last| signal.time.since(last) < UP);
    let start = started.or(announced.filter(|_| !was_up)).cloned();
    let visit = visits.iter().find(|e| {
        let What::Attempt(attempt) = &e.what else {
            return false;
        };
        e.time >= signal.time
            && e.time.since(signal.time) <= settings.admin_within
            && identity.mac_at(attempt.responder.address, e.time) == Some(mac)
            && settings.admin_ports.contains(&attempt.responder.port)
    });
    let visited = visit.and_then(|e| match &e.what {
        What::Attempt(attempt) => Some(attempt.responder.address),
        _ => None,
    });
    let at = start.as_ref().or(visit)?.time;
    let address = visited.or_else(|| {
        let at = announced.map_or(at, |e| e.time);
        identity.addresses_of(&mac, at).first().copied()
    });
    let name = host
        .and_then(|id| context.identity.host(id))
        .map(|h| h.name.clone())
        .unwrap_or_default();
    Some(Followed {
        mac,
        start,
        visit,
        name,
        address,
        heard,
    })
}

impl Followed<'_> {
    /// How long after `signal` it started; `None` if it was not seen to.
    pub(super) fn started_after(&self, signal: &Event) -> Option<Span> {
        self.start
            .as_ref()
            .map(|start| start.time.since(signal.time))
    }

    /// Started, then entered by the sender.
    pub(super) fn is_entered(&self) -> bool {
        self.start.is_some() && self.visit.is_some()
    }

    pub(super) fn words(&self) -> String {
        match self.name.is_empty() {
            true => "the target".to_owned(),
            false => self.name.to_string(),
        }
    }
}

/// The first announcement of a hardware address that `wanted` wants, by the owner's own will: an
/// answer shows that it is up, not that it came up. A host that was up all along says one thing after
/// another; only that it asks its neighbours anew is a sign of waking.
fn announcement<'a>(
    mac: &[u8; 6],
    wanted: impl Fn(&&Event) -> bool,
    context: &'a Context,
) -> Option<&'a Event> {
    let announcements = context.identity.announcements(mac);
    let told_by = |event: &Event| match &event.what {
        What::Neighbour(neighbour) => Some(neighbour.told_by),
        _ => None,
    };
    let by = [ToldBy::Arp, ToldBy::NeighbourDiscovery];
    let by = by
        .into_iter()
        .find(|by| announcements.iter().any(|e| told_by(e) == Some(*by)));
    let is_answer =
        |event: &Event| matches!(&event.what, What::Neighbour(neighbour) if neighbour.answer);
    announcements
        .iter()
        .find(|e| by.is_some() && told_by(e) == by && !is_answer(e) && wanted(e))
}
