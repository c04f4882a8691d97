//! What shows that the target of a magic packet came up: the first of a start that its log tells, its
//! return from sleep, and an announcement by its own will.

use crate::context::{Context, HostId, is_measured};
use crate::model::neighbour::ToldBy;
use crate::model::{Event, HostWhat, Span, Timestamp, What};

/// A start by a host's log and an announcement that lie so close are one coming up.
pub(super) const SAME: Span = Span::seconds(60);
/// How long after its return from sleep a host writes the record of it, at most.
const WRITTEN: Span = Span::seconds(600);

/// What showed that a target came up.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// What is cited.
    pub(super) event: Event,
    /// The same as of the moment that it tells: a return from sleep is written later.
    pub(super) at: Event,
}

/// How a target came up.
#[derive(Clone, Debug, Default)]
pub(super) struct CameUp {
    /// The first sign of it.
    pub(super) start: Option<Start>,
    /// What its log tells of the same, where `start` is told by packets.
    pub(super) logged: Option<Event>,
    /// Its log tells of a start so much later than packets show it that it may not be the same.
    pub(super) again: Option<Event>,
}

impl Start {
    fn of(event: &Event) -> Self {
        Self {
            at: woken(event).unwrap_or_else(|| event.clone()),
            event: event.clone(),
        }
    }

    /// True for a return from sleep.
    pub(super) fn resumed(&self) -> bool {
        matches!(&self.event.what, What::Host(host) if matches!(host.what, HostWhat::SystemResumed { .. }))
    }

    /// True if the host's own log tells it.
    pub(super) fn is_logged(&self) -> bool {
        matches!(self.event.what, What::Host(_))
    }

    /// When the host had gone to sleep, on the reference clock, where its record says so.
    pub(super) fn slept(&self) -> Option<Timestamp> {
        let What::Host(host) = &self.event.what else {
            return None;
        };
        match &host.what {
            HostWhat::SystemResumed {
                slept: Some(slept), ..
            } => Some(slept.shifted(self.event.time.since(self.event.recorded))),
            _ => None,
        }
    }

    /// What woke it, as its record names it.
    pub(super) fn source(&self) -> Option<&str> {
        let What::Host(host) = &self.event.what else {
            return None;
        };
        match &host.what {
            HostWhat::SystemResumed { source, .. } if !source.is_empty() => Some(source),
            _ => None,
        }
    }
}

/// A record of a return from sleep, as of the moment it tells.
fn woken(event: &Event) -> Option<Event> {
    let What::Host(host) = &event.what else {
        return None;
    };
    let HostWhat::SystemResumed {
        woke: Some(woke), ..
    } = &host.what
    else {
        return None;
    };
    let late = event.recorded.since(*woke);
    (Span::ZERO <= late && late <= WRITTEN).then(|| Event {
        time: event.time.shifted(late.negated()),
        recorded: *woke,
        ..event.clone()
    })
}

/// The first start or return from sleep that the host's log tells within the time that `within` allows.
pub(super) fn by_log(
    host: Option<HostId>,
    within: impl Fn(Timestamp) -> bool,
    context: &Context,
) -> Option<Start> {
    let host = context.identity.host(host?)?;
    let all = host.starts.iter().chain(&host.resumes).map(Start::of);
    all.filter(|start| within(start.at.time))
        .min_by_key(|start| start.at.order())
}

/// The first of what log and packets tell. Without a measured clock the log is second to the packets: the
/// captures timed the signal.
pub(super) fn first(
    host: Option<HostId>,
    log: Option<Start>,
    wire: Option<&Event>,
    context: &Context,
) -> CameUp {
    let measured = host.is_some_and(|id| is_measured(&context.clocks, id));
    let (log, wire) = match (log, wire) {
        (Some(log), Some(wire)) => (log, wire),
        (log, wire) => {
            return CameUp {
                start: log.or(wire.map(Start::of)),
                ..CameUp::default()
            };
        }
    };
    if measured && log.at.time <= wire.time {
        return CameUp {
            start: Some(log),
            ..CameUp::default()
        };
    }
    let same = log.at.time.since(wire.time).abs() <= SAME;
    let later = log.at.time > wire.time;
    CameUp {
        start: Some(Start::of(wire)),
        logged: same.then(|| log.event.clone()),
        again: (!same && later && measured).then_some(log.event),
    }
}

/// True for an announcement that a host which was up all along makes, too, now and then: it asks for
/// somebody else, or a server acknowledges its lease.
pub(super) fn is_everyday(event: &Event) -> bool {
    matches!(&event.what, What::Neighbour(told) if told.asks || told.told_by == ToldBy::Dhcp)
}

/// The first announcement of a hardware address that `wanted` wants, by the owner's own will: an
/// answer shows that it is up, not that it came up.
pub(super) fn announcement<'a>(
    mac: &[u8; 6],
    wanted: impl Fn(&Event) -> bool,
    context: &'a Context,
) -> Option<&'a Event> {
    let own = |event: &Event| match &event.what {
        What::Neighbour(told) => {
            let by = [ToldBy::Arp, ToldBy::NeighbourDiscovery, ToldBy::Dhcp];
            by.contains(&told.told_by) && !told.answer
        }
        _ => false,
    };
    let announcements = context.identity.announcements(mac);
    announcements.iter().find(|e| own(e) && wanted(e))
}
