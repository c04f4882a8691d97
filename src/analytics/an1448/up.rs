//! What shows that the target of a magic packet was running after it, before it was seen to come up: then
//! the one did not bring about the other.

use super::starts::Start;
use super::stirring::{Stir, Stirring};
use crate::context::{Context, HostId, is_measured};
use crate::model::finding::Order;
use crate::model::{Event, HostWhat, Span, Timestamp, What};
use std::net::IpAddr;

/// Firmware speaks on the network before the system starts; this long before a start, signs of life
/// are no sign that the host was up.
const FIRMWARE: Span = Span::seconds(30);
/// A sign of life in the case's memory is known to the minute.
const MINUTE: Span = Span::seconds(60);

/// What shows that a target was up between its signal and its start.
#[derive(Clone, Debug)]
pub(super) enum Up {
    /// Its own log tells that it stopped in between.
    Stopped(Event),
    /// Its own log tells that it went to sleep in between, then.
    Slept(Timestamp),
    /// Its own log holds a record in between.
    Logged(Event),
    /// It spoke or answered in between: the last time.
    Heard(Stir),
    /// It was heard in between, to the minute.
    Somehow,
    /// The sender entered it in between.
    Entered,
}

/// What shows that a target was up between `signal` and `start`.
pub(super) fn shows_up(
    (signal, start): (&Event, &Start),
    (mac, host, addresses): ([u8; 6], Option<HostId>, &[IpAddr]),
    (up_before, untold): (bool, bool),
    stirring: &Stirring,
    context: &Context,
) -> Option<Up> {
    let measured = host.is_some_and(|id| is_measured(&context.clocks, id));
    let logs_count = measured || start.is_logged();
    if let Some(slept) = start.slept().filter(|slept| *slept > signal.time) {
        return Some(Up::Slept(slept));
    }
    let turns = host.and_then(|id| context.identity.host(id));
    let turns = turns.map_or(&[][..], |host| host.turns.as_slice());
    let stop = turns.iter().find(|e| {
        let between = e.time < start.at.time && context.order(signal, e) == Order::Before;
        is_stop(e) && between && logs_count
    });
    if let Some(stop) = stop {
        return Some(Up::Stopped(stop.clone()));
    }
    let from = signal.time;
    let doubt = context.clocks.between(signal, &start.at, &context.identity);
    let before = start.at.time.shifted(FIRMWARE.plus(doubt).negated());
    // A log that tells of no start was written by a system that ran when it wrote.
    let logged = if untold { start.at.time } else { before };
    let in_log = |stir: &Stir| {
        stir.is_logged() && context.order(signal, &stir.event) == Order::Before && logs_count
    };
    if let Some(stir) = stirring.last(&mac, (from, logged), in_log) {
        return Some(Up::Logged(stir.event.clone()));
    }
    if let Some(stir) = stirring.last(&mac, (from, before), |stir| !stir.is_logged()) {
        return Some(Up::Heard(stir.clone()));
    }
    let after = from.shifted(MINUTE);
    let heard = |a: &IpAddr| context.activity.between(*a, after, before);
    (up_before && logs_count && after < before && addresses.iter().any(heard))
        .then_some(Up::Somehow)
}

/// True for a record that the system, or its event log, ended.
fn is_stop(event: &Event) -> bool {
    matches!(&event.what, What::Host(host)
        if matches!(host.what, HostWhat::SystemStopped | HostWhat::LoggingStopped))
}

impl Up {
    /// What is cited for it, and why.
    pub(super) fn step(&self) -> Option<(&Event, &'static str)> {
        match self {
            Self::Stopped(event) => Some((event, "after the signal: the target had been running")),
            Self::Logged(event) | Self::Heard(Stir { event, .. }) => Some((
                event,
                "the target was running between the signal and its start",
            )),
            Self::Slept(..) | Self::Somehow | Self::Entered => None,
        }
    }

    /// `which …` of a title.
    pub(super) fn which(&self, signal: &Event) -> String {
        match self {
            Self::Stopped(event) => format!(
                "which, by its own log, shut down {} after the signal",
                event.time.since(signal.time)
            ),
            Self::Slept(slept) => format!(
                "which, by its own log, went to sleep {} after the signal",
                slept.since(signal.time)
            ),
            Self::Logged(_) => {
                "which ran between the signal and its start, by its own log".to_owned()
            }
            Self::Heard(_) | Self::Somehow | Self::Entered => {
                "which was up before it was seen to start".to_owned()
            }
        }
    }

    /// What a note says of `mac`.
    pub(super) fn note(
        &self,
        (mac, signal): (&str, &Event),
        start: Option<&Start>,
        (up_before, measured): (bool, bool),
    ) -> String {
        let log = match measured {
            true => "its own log",
            false => "its own log, whose clock was not measured,",
        };
        let after = |time: Timestamp| time.since(signal.time);
        match self {
            Self::Stopped(event) => format!(
                "{mac}: {log} tells that it {} {} after its signal: it was running, the signal did not wake it",
                match &event.what {
                    What::Host(host) if matches!(host.what, HostWhat::SystemStopped) => "shut down",
                    _ => "ended its event log, as at a shutdown,",
                },
                after(event.time)
            ),
            Self::Slept(slept) => format!(
                "{mac}: {log} tells that it went to sleep {} after its signal: it was running when it was signalled",
                after(*slept)
            ),
            Self::Logged(event) => format!(
                "{mac}: {log} holds a record of {} after its signal, before it was seen to come up: it was running \
                 then, and nothing shows that the signal woke it",
                after(event.time)
            ),
            Self::Heard(Stir { at, how, .. }) => {
                let was = if up_before {
                    "it was up"
                } else {
                    "it was up then"
                };
                let before = start.map_or(Span::ZERO, |start| start.at.time.since(*at));
                format!(
                    "{mac} {how} {} after its signal, {before} before it was seen to start: {was}, and nothing shows \
                     that the signal woke it",
                    after(*at)
                )
            }
            Self::Somehow => format!(
                "{mac} was heard between its signal and its start: nothing shows that the signal woke it"
            ),
            Self::Entered => format!(
                "{mac} let the sender in before it was seen to start: nothing shows that the signal woke it"
            ),
        }
    }
}
