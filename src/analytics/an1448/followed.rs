//! What followed a magic packet: whether its target came up, and whether the sender then entered it.
//!
//! A host that shows life between the signal and its start was not woken by the one and is no
//! evidence for the other.

use super::settings::SignallingSettings;
use super::starts::{CameUp, Start, announcement, by_log, first, is_everyday};
use super::stirring::Stirring;
use super::up::{Up, shows_up};
use super::visits::Visit;
use super::waking::signal_of;
use crate::context::coverage::Log;
use crate::context::trail::Sign;
use crate::context::{Context, HostId, is_measured};
use crate::model::finding::Order;
use crate::model::{Event, HostWhat, Outcome, Span, Text, Timestamp, What};
use std::collections::VecDeque;
use std::net::IpAddr;

/// A target heard this soon before its signal was up already.
const UP: Span = Span::seconds(60);
/// A target that was silent for so long was hardly up: whoever is asks its neighbours now and then.
const SILENT: Span = Span::seconds(600);

/// What followed a signal to its target, or what was heard of it before.
pub(super) struct Followed<'a> {
    pub(super) mac: [u8; 6],
    /// The signal it followed.
    pub(super) signal: &'a Event,
    /// The target started, came back from sleep or announced itself, within WakeWithin.
    pub(super) start: Option<Start>,
    /// The target's own log of a start that `start` tells by packets.
    pub(super) logged: Option<Event>,
    /// A start by the target's own log that is much later than `start`.
    pub(super) again: Option<Event>,
    /// What shows that the target was up after the signal and before `start`: it was started again.
    pub(super) up: Option<Up>,
    /// It was heard so shortly before the signal that it may have been up, and was started again for another
    /// reason: its log tells of a start and not of what caused it.
    pub(super) up_before: bool,
    /// It announced itself, and its System log, which is there, tells of no start.
    pub(super) untold: bool,
    /// It started or announced itself later than WakeWithin allows.
    pub(super) late: Option<Event>,
    /// Ends and beginnings of its event log around the signal, where nothing else shows a start.
    pub(super) turns: Vec<Event>,
    /// The sender's connection to it: the first after the start, where it started.
    pub(super) visit: Option<&'a Visit>,
    /// The sender's first connection to it before the start.
    pub(super) earlier: Option<&'a Visit>,
    /// The port at which the sender left a connection half open, where it made none.
    pub(super) half_open: Option<u16>,
    /// Somebody else who connected to an administrative port after the start.
    pub(super) other: Option<IpAddr>,
    /// The clocks prove the order of signal, start and visit.
    pub(super) certain: bool,
    /// The clock of its logs was measured, or it keeps none.
    pub(super) measured: bool,
    pub(super) name: Text,
    pub(super) address: Option<IpAddr>,
    /// When it was last heard before its signal, by clocks that can be held against each other.
    pub(super) heard: Option<Sign>,
    /// The same by its own log, whose clock was not measured.
    pub(super) heard_by_log: Option<Sign>,
    /// Signals to it up to its start: how many, the first and the last.
    pub(super) sent: (usize, Timestamp, Timestamp),
}

/// What a sender did, and what was heard of its targets.
#[derive(Clone, Copy)]
pub(super) struct Doings<'a> {
    pub(super) visits: &'a VecDeque<Visit>,
    pub(super) stirring: &'a Stirring,
}

/// What followed the signal that tells most, of several to one target.
pub(super) fn best<'a>(
    signals: &[&'a Event],
    doings: Doings<'a>,
    settings: &SignallingSettings,
    context: &Context,
) -> Option<Followed<'a>> {
    let mut best: Option<Followed<'a>> = None;
    for signal in signals {
        let Some(next) = followed(signal, doings, settings, context) else {
            continue;
        };
        if best.as_ref().is_none_or(|held| next.rank() > held.rank()) {
            best = Some(next);
        }
    }
    if let Some(held) = &mut best {
        let start = held.start.as_ref().map(|start| start.at.time);
        let times = signals.iter().map(|signal| signal.time);
        let before = times.filter(|time| start.is_none_or(|start| *time <= start));
        let times: Vec<Timestamp> = before.collect();
        if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
            held.sent = (times.len(), *first, *last);
        }
    }
    best
}

fn followed<'a>(
    signal: &'a Event,
    doings: Doings<'a>,
    settings: &SignallingSettings,
    context: &Context,
) -> Option<Followed<'a>> {
    let mac = signal_of(signal)?.target;
    let identity = &context.identity;
    let until = signal.time.shifted(settings.wake_within);
    let latest = signal.time.shifted(settings.admin_within);
    let within = |time: Timestamp| time >= signal.time && time <= until;
    let after = |time: Timestamp| time > until && time <= latest;
    let announced = announcement(&mac, |e| within(e.time), context);
    // The target may come back with another address than it had before.
    let host = announced
        .and_then(|e| identity.host_of(&mac, e.time))
        .or_else(|| identity.host_of(&mac, signal.time));
    // Before it first said whose an address is, nobody else's it is taken for its own.
    let mut addresses = identity.addresses_of(&mac, signal.time);
    if let Some(told) = announced {
        let then = identity.addresses_of(&mac, told.time);
        addresses.extend(
            then.into_iter()
                .filter(|address| identity.mac_at(*address, signal.time).is_none()),
        );
    }
    let last = |side: usize| {
        let signs = addresses
            .iter()
            .filter_map(|a| context.activity.last_signs_apart(*a, signal.time)[side]);
        signs.max()
    };
    let (heard, heard_by_log) = (last(0), last(1));
    let log = by_log(host, within, context);
    // A host that was up all along announces itself, too, now and then, and asks for others more often.
    let quiet = |heard: Option<Sign>, least: Span| {
        heard.is_none_or(|sign| signal.time.since(sign.latest) >= least)
    };
    let was_quiet = quiet(heard, UP);
    let tells = |e: &Event| was_quiet && (quiet(heard, SILENT) || !is_everyday(e));
    let unasked = announcement(&mac, |e| within(e.time) && tells(e), context);
    let CameUp {
        start,
        logged,
        again,
    } = first(host, log, unasked, context);
    let by_own_log = start.as_ref().is_some_and(Start::is_logged);
    // A start by a log is held against what the same log tells.
    let up_before = match &start {
        Some(start) if start.slept().is_some_and(|slept| slept <= signal.time) => false,
        _ if by_own_log => !was_quiet || !quiet(heard_by_log, UP),
        _ => !was_quiet,
    };
    let late = match start {
        Some(_) => None,
        None => by_log(host, after, context)
            .map(|start| start.event)
            .or_else(|| announcement(&mac, |e| after(e.time) && tells(e), context).cloned()),
    };
    let came: Vec<&Visit> = doings
        .visits
        .iter()
        .filter(|v| v.entry().time >= signal.time && v.entry().time <= latest)
        .filter(|v| v.is_to(&mac, context))
        .collect();
    let order = |v: &Visit| {
        start
            .as_ref()
            .map(|start| context.order(&start.at, v.entry()))
    };
    let first = |wanted: Option<Order>| came.iter().copied().find(|v| order(v) == wanted);
    let visit = match start {
        Some(_) => first(Some(Order::Before)).or_else(|| first(Some(Order::Ambiguous))),
        None => came.first().copied(),
    };
    let earlier = first(Some(Order::After));
    let untold = start.as_ref().is_some_and(|start| {
        !start.is_logged()
            && logged.is_none()
            && again.is_none()
            && is_untold(host, signal, start, context)
    });
    let up = start.as_ref().and_then(|start| {
        shows_up(
            (signal, start),
            (mac, host, &addresses),
            (up_before, untold),
            doings.stirring,
            context,
        )
    });
    let up = match (up, earlier) {
        (Some(up @ (Up::Stopped(_) | Up::Slept(_))), _) => Some(up),
        (_, Some(_)) => Some(Up::Entered),
        (up, None) => up,
    };
    let spoke = start.as_ref().map(|s| &s.at);
    let spoke = spoke.or(visit.map(Visit::entry)).or(late.as_ref());
    let turns = match (&start, &late) {
        (None, None) => log_turns(host, (signal.time, latest), context),
        _ => Vec::new(),
    };
    if spoke.is_none() && heard.is_none() && turns.is_empty() {
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
        start,
        logged,
        again,
        up,
        up_before,
        untold,
        late,
        turns,
        visit,
        earlier,
        half_open: None,
        other: None,
        certain: true,
        measured: host.is_none_or(|id| is_measured(&context.clocks, id)),
        name,
        address,
        heard,
        heard_by_log,
        sent: (1, signal.time, signal.time),
    };
    if followed.visits().next().is_none() {
        (followed.half_open, followed.other) = others(&followed, doings, context);
    }
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
        self.start.is_some() && self.up.is_none()
    }

    /// Woke, then entered by the sender.
    pub(super) fn is_entered(&self) -> bool {
        self.woke() && self.visit.is_some()
    }

    /// Entered by a connection that was completed, in an order that the clocks prove, after a silence, and
    /// nothing in its own log against it.
    pub(super) fn is_sure(&self) -> bool {
        let completed = self.visit.is_some_and(|v| v.completed);
        let plain = !self.up_before && !self.untold && self.again.is_none();
        self.is_entered() && self.certain && completed && plain
    }

    /// How long after the last signal before it it started; `None` if it was not seen to.
    pub(super) fn started_after(&self) -> Option<Span> {
        let start = self.start.as_ref()?;
        Some(start.at.time.since(self.sent.2))
    }

    /// The sender's connections to it, the earlier first.
    pub(super) fn visits(&self) -> impl Iterator<Item = &Visit> {
        self.earlier.into_iter().chain(self.visit)
    }

    /// When signals to it were sent up to `time`, in order.
    pub(super) fn signals_before<'e>(
        &self,
        time: Timestamp,
        signals: &'e [Event],
    ) -> impl Iterator<Item = Timestamp> + use<'e> {
        let mac = self.mac;
        let to = move |e: &&Event| signal_of(e).is_some_and(|s| s.target == mac);
        let before = signals.iter().filter(move |e| e.time <= time);
        before.filter(to).map(|e| e.time)
    }

    /// The pairs of events, the earlier first, whose order the telling rests on.
    pub(super) fn pairs(&self) -> Vec<(&Event, &Event)> {
        let visit = self.visit.map(Visit::entry);
        let mut pairs = Vec::new();
        let mut last = self.signal;
        let start = self.start.as_ref().map(|start| &start.at);
        for next in [start, visit].into_iter().flatten() {
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

/// What else packets show at administrative ports after the start: the port at which the sender left a
/// connection half open, and who came in its stead.
fn others(
    w: &Followed<'_>,
    doings: Doings<'_>,
    context: &Context,
) -> (Option<u16>, Option<IpAddr>) {
    let from = w
        .start
        .as_ref()
        .map_or(w.signal.time, |start| start.at.time);
    let signal = signal_of(w.signal);
    let is_sender = |address: IpAddr, time| match signal.and_then(|s| s.sender) {
        Some(sender) => sender.address == address,
        None => {
            let mac = signal.and_then(|s| s.sender_mac);
            mac.is_some() && context.identity.mac_at(address, time) == mac
        }
    };
    let mut half_open = None;
    let mut other = None;
    for event in doings.stirring.came(w.mac).filter(|e| e.time >= from) {
        let What::Attempt(attempt) = &event.what else {
            continue;
        };
        match is_sender(attempt.initiator.address, event.time) {
            true if attempt.outcome == Outcome::HalfOpen => {
                half_open = half_open.or(Some(attempt.responder.port));
            }
            false if attempt.outcome == Outcome::Established => {
                other = other.or(Some(attempt.initiator.address));
            }
            _ => {}
        }
    }
    (half_open, other)
}

/// True if the System log of a host is there around its signal and what shows that it came up, and was
/// written by a host whose logs go on after that: it would tell of a start.
fn is_untold(host: Option<HostId>, signal: &Event, start: &Start, context: &Context) -> bool {
    let Some(id) = host else { return false };
    let system = context.coverage.channel(id, Log::System);
    let since = system.is_some_and(|seen| seen.interval.from <= signal.time);
    let on = context.coverage.history(id);
    since && on.is_some_and(|on| on.to >= start.at.time)
}

/// Records that a host's event log ended before a signal, the last of them, and began after it, the first.
fn log_turns(
    host: Option<HostId>,
    (signal, latest): (Timestamp, Timestamp),
    context: &Context,
) -> Vec<Event> {
    let Some(host) = host.and_then(|id| context.identity.host(id)) else {
        return Vec::new();
    };
    let is = |event: &Event, wanted: &HostWhat| matches!(&event.what, What::Host(host) if host.what == *wanted);
    let mut turns = host.turns.iter();
    let begins =
        turns.find(|e| is(e, &HostWhat::LoggingStarted) && e.time >= signal && e.time <= latest);
    let Some(begins) = begins else {
        return Vec::new();
    };
    let mut before = host.turns.iter().filter(|e| e.time < begins.time).rev();
    let ends = before.find(|e| is(e, &HostWhat::LoggingStopped));
    ends.into_iter().chain([begins]).cloned().collect()
}
