//! What followed a magic packet: whether its target came up, and whether the sender then entered it.
//!
//! A host that shows life between the signal and its start was not woken by the one and is no
//! evidence for the other.

use super::settings::SignallingSettings;
use super::visits::Visit;
use super::waking::signal_of;
use crate::context::clocks::{Clock, Known};
use crate::context::trail::Sign;
use crate::context::{Context, HostId};
use crate::model::finding::Order;
use crate::model::neighbour::ToldBy;
use crate::model::{Event, Span, Text, What};
use std::collections::VecDeque;
use std::net::IpAddr;

/// A target heard this soon before its signal was up already.
const UP: Span = Span::seconds(60);
/// A target that was silent for so long was hardly up: whoever is asks its neighbours now and then.
const SILENT: Span = Span::seconds(600);
/// Firmware speaks on the network before the system starts; this long before a start, signs of life
/// are no sign that the host was up.
const FIRMWARE: Span = Span::seconds(30);

/// What followed a signal to its target, or what was heard of it before.
pub(super) struct Followed<'a> {
    pub(super) mac: [u8; 6],
    /// The signal it followed.
    pub(super) signal: &'a Event,
    /// The target started, or announced itself, within WakeWithin.
    pub(super) start: Option<Event>,
    /// The target's own log of a start that `start` tells by another clock.
    pub(super) logged: Option<Event>,
    /// Something shows that the target was up after the signal and before `start`: it was started
    /// again.
    pub(super) was_up: bool,
    /// It was heard so shortly before the signal that it may have been up, and was started again for another
    /// reason: its log tells of a start and not of what caused it.
    pub(super) up_before: bool,
    /// It started or announced itself later than WakeWithin allows.
    pub(super) late: Option<Event>,
    /// The sender's connection to it: the first after the start, where it started.
    pub(super) visit: Option<&'a Visit>,
    /// The sender's first connection to it before the start.
    pub(super) earlier: Option<&'a Visit>,
    /// The clocks prove the order of signal, start and visit.
    pub(super) certain: bool,
    pub(super) name: Text,
    pub(super) address: Option<IpAddr>,
    /// When it was last heard before its signal.
    pub(super) heard: Option<Sign>,
}

/// What followed the signal that tells most, of several to one target.
pub(super) fn best<'a>(
    signals: &[&'a Event],
    visits: &'a VecDeque<Visit>,
    settings: &SignallingSettings,
    context: &Context,
) -> Option<Followed<'a>> {
    let mut best: Option<Followed<'a>> = None;
    for signal in signals {
        let Some(next) = followed(signal, visits, settings, context) else {
            continue;
        };
        if best.as_ref().is_none_or(|held| next.rank() > held.rank()) {
            best = Some(next);
        }
    }
    best
}

fn followed<'a>(
    signal: &'a Event,
    visits: &'a VecDeque<Visit>,
    settings: &SignallingSettings,
    context: &Context,
) -> Option<Followed<'a>> {
    let mac = signal_of(signal)?.target;
    let identity = &context.identity;
    let until = signal.time.shifted(settings.wake_within);
    let latest = signal.time.shifted(settings.admin_within);
    let within = |e: &&Event| e.time >= signal.time && e.time <= until;
    let after = |e: &&Event| e.time > until && e.time <= latest;
    let announced = announcement(&mac, within, context);
    // The target may come back with another address than it had before.
    let host = announced
        .and_then(|e| identity.host_of(&mac, e.time))
        .or_else(|| identity.host_of(&mac, signal.time));
    let starts = host.and_then(|id| identity.host(id)).map(|h| &h.starts);
    let started = starts.and_then(|s| s.iter().find(within));
    // Written a moment after it is back: what a packet tells goes before it.
    let resumes = host.and_then(|id| identity.host(id)).map(|h| &h.resumes);
    let resumed = resumes.and_then(|s| s.iter().find(within));
    // Before it first said whose an address is, nobody else's it is taken for its own.
    let mut addresses = identity.addresses_of(&mac, signal.time);
    if let Some(told) = announced {
        let then = identity.addresses_of(&mac, told.time);
        addresses.extend(
            then.into_iter()
                .filter(|address| identity.mac_at(*address, signal.time).is_none()),
        );
    }
    let heard = addresses
        .iter()
        .filter_map(|address| context.activity.last_sign(*address, signal.time))
        .max();
    // A host that was up all along announces itself, too, now and then, and asks for others more often.
    let silence = heard.map(|sign| signal.time.since(sign.latest));
    let silent_for = |least: Span| silence.is_none_or(|silence| silence >= least);
    let up_before = !silent_for(UP);
    let tells = |e: &&Event| !up_before && (silent_for(SILENT) || !asks(e));
    let unasked = announcement(&mac, |e| within(e) && tells(e), context);
    // The captures' clock timed the signal. A log whose clock nothing measured is second to it.
    let (start, logged) = match (started, unasked) {
        (Some(log), Some(wire)) if !host.is_some_and(|id| is_measured(id, context)) => {
            let same = log.time.since(wire.time).abs() <= UP;
            (Some(wire), Some(log).filter(|_| same))
        }
        (log, wire) => (log.or(wire).or(resumed), None),
    };
    let late = match start {
        Some(_) => None,
        None => starts
            .and_then(|s| s.iter().find(after))
            .or_else(|| resumes.and_then(|s| s.iter().find(after)))
            .or_else(|| announcement(&mac, |e| after(e) && tells(e), context)),
    };
    let came: Vec<&Visit> = visits
        .iter()
        .filter(|v| v.entry().time >= signal.time && v.entry().time <= latest)
        .filter(|v| v.is_to(&mac, context))
        .collect();
    let order = |v: &Visit| start.map(|start| context.order(start, v.entry()));
    let first = |wanted: Option<Order>| came.iter().copied().find(|v| order(v) == wanted);
    let visit = match start {
        Some(_) => first(Some(Order::Before)).or_else(|| first(Some(Order::Ambiguous))),
        None => came.first().copied(),
    };
    let earlier = first(Some(Order::After));
    let answered = |start: &Event| {
        let doubt = context.clocks.between(signal, start, identity);
        let to = start.time.shifted(FIRMWARE.plus(doubt).negated());
        // A sign of life is remembered to the minute.
        let from = signal.time.shifted(UP);
        let heard = |a: &IpAddr| context.activity.between(*a, from, to);
        up_before && from < to && addresses.iter().any(heard)
    };
    let was_up = start.is_some_and(|start| answered(start) || earlier.is_some());
    let spoke = start.or(visit.map(Visit::entry)).or(late);
    if spoke.is_none() && heard.is_none() {
        return None;
    }
    let at = spoke.unwrap_or(signal).time;
    let address = visit.and_then(Visit::address).or_else(|| {
        let at = announced.map_or(at, |e| e.time);
        identity.addresses_of(&mac, at).first().copied()
    });
    let name = host
        .and_then(|id| identity.host(id))
        .map(|h| h.name.clone())
        .unwrap_or_default();
    let mut followed = Followed {
        mac,
        signal,
        start: start.cloned(),
        logged: logged.cloned(),
        was_up,
        up_before,
        late: late.cloned(),
        visit,
        earlier,
        certain: true,
        name,
        address,
        heard,
    };
    let certain = |(a, b): &(&Event, &Event)| context.order(a, b) == Order::Before;
    followed.certain = followed.pairs().iter().all(certain);
    Some(followed)
}

impl Followed<'_> {
    /// How much it tells: entered, started, visited, nothing in time.
    fn rank(&self) -> u32 {
        match (self.is_entered(), self.woke(), self.visit.is_some()) {
            (true, ..) => 3 + u32::from(self.is_sure()),
            (_, true, _) => 2,
            (.., true) => 1,
            _ => 0,
        }
    }

    /// Started after the signal, and not known to have been up in between.
    pub(super) fn woke(&self) -> bool {
        self.start.is_some() && !self.was_up
    }

    /// Woke, then entered by the sender.
    pub(super) fn is_entered(&self) -> bool {
        self.woke() && self.visit.is_some()
    }

    /// Entered by a connection that was completed, in an order that the clocks prove, after a silence.
    pub(super) fn is_sure(&self) -> bool {
        let completed = self.visit.is_some_and(|v| v.completed);
        self.is_entered() && self.certain && completed && !self.up_before
    }

    /// How long after its signal it started; `None` if it was not seen to.
    pub(super) fn started_after(&self) -> Option<Span> {
        let start = self.start.as_ref()?;
        Some(start.time.since(self.signal.time))
    }

    /// The sender's connections to it, the earlier first.
    pub(super) fn visits(&self) -> impl Iterator<Item = &Visit> {
        self.earlier.into_iter().chain(self.visit)
    }

    /// The pairs of events, the earlier first, whose order the telling rests on.
    pub(super) fn pairs(&self) -> Vec<(&Event, &Event)> {
        let visit = self.visit.map(Visit::entry);
        let mut pairs = Vec::new();
        let mut last = self.signal;
        for next in [self.start.as_ref(), visit].into_iter().flatten() {
            pairs.push((last, next));
            last = next;
        }
        pairs
    }

    pub(super) fn words(&self) -> String {
        match self.name.is_empty() {
            true => "the target".to_owned(),
            false => self.name.to_string(),
        }
    }
}

/// True for an announcement that asks for somebody else.
fn asks(event: &Event) -> bool {
    matches!(&event.what, What::Neighbour(neighbour) if neighbour.asks)
}

/// True if the times of a host's log can be held against those of the captures.
fn is_measured(host: HostId, context: &Context) -> bool {
    let known = context.clocks.of(host).map(|clock| &clock.system);
    matches!(
        known,
        Some(Known::Measured(..) | Known::Given(_) | Known::Reference)
    ) || context.clocks.uncertainty(Clock::Host(host)) == Span::ZERO
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
