//! What opened a port to whom: the first sign that it was open, and the changes tied to it before that.

use super::admission::Port;
use super::arrivals::Arrival;
use super::change::{Change, Effect, only_for};
use super::door::{Door, DoorRules};
use super::exposure::{STORM, Tie};
use super::knock::Knock;
use super::picture::own_addresses;
use super::undone::is_undone;
use crate::context::{Context, Place};
use crate::model::finding::Order;
use crate::model::{Event, Timestamp, What};
use std::net::IpAddr;

/// A change with its tie to the port that was reached.
#[derive(Clone, Copy)]
pub struct TiedChange<'a> {
    /// The change.
    pub change: &'a Change,
    /// How strongly it is tied.
    pub tie: Tie,
}

/// True if nothing earlier in the evidence shows the arrival's port open.
pub fn is_first(door: &Door, arrival: &Arrival, knock: &Knock) -> bool {
    arrival.first
        || door
            .arrivals
            .open_since(arrival.transport, arrival.port)
            .is_some_and(|since| {
                // The earliest sign is another record of this very connection.
                since.provenance == arrival.event.provenance
                    || since.time > knock.first() && arrival.also.contains(&since.provenance)
            })
}

/// The half-open attempt by which the arriving source itself, after the touches, first found the port
/// open: a look that is part of the same visit, where nothing earlier shows the port open.
pub fn tried_before<'a>(door: &'a Door, arrival: &Arrival, knock: &Knock) -> Option<&'a Event> {
    if arrival.remote.address != knock.source {
        return None;
    }
    door.arrivals
        .open_since(arrival.transport, arrival.port)
        .filter(|since| since.time > knock.arming().event.time)?
        .tried_by(knock.source)
}

/// What first showed the port of an arrival open.
#[derive(Clone, Copy)]
pub enum Opened<'a> {
    /// The arrival itself, or an attempt of the same source after the touches that was not completed.
    ByIt(&'a Event),
    /// Somebody else, after the touches.
    ByAnother {
        /// Who.
        address: IpAddr,
        /// What shows it.
        event: &'a Event,
        /// The same, as of the moment it was let in.
        entry: &'a Event,
    },
    /// Something before the touches, or something that proves no more than that it may have been open.
    Before,
}

/// What first showed the port of `arrival` open.
pub fn opened<'a>(door: &'a Door, arrival: &'a Arrival, knock: &Knock) -> Opened<'a> {
    if is_first(door, arrival, knock) {
        return Opened::ByIt(arrival.entry());
    }
    if let Some(tried) = tried_before(door, arrival, knock) {
        return Opened::ByIt(tried);
    }
    door.arrivals
        .open_since(arrival.transport, arrival.port)
        .filter(|since| since.time > knock.arming().event.time)
        .and_then(|since| door.arrivals.shown_by(&since.provenance))
        .filter(|first| first.remote.address != arrival.remote.address)
        .map_or(Opened::Before, |first| Opened::ByAnother {
            address: first.remote.address,
            event: &first.event,
            entry: first.entry(),
        })
}

/// The changes after the arming touch that are tied to the arrival's port, and before the port was
/// known to be open: at the arrival, at a half-open attempt before it, or as another source came. A rule
/// for the arriving source alone opens a port to it that others had open all along, if one of the touches
/// shows that it was turned away there.
pub fn tied_changes<'a>(
    place: Place,
    door: &'a Door,
    knock: &Knock,
    arrival: &Arrival,
    rules: &DoorRules,
    context: &Context,
) -> Vec<TiedChange<'a>> {
    let arming = &knock.arming().event;
    let entry = arrival.entry();
    let opened = opened(door, arrival, knock);
    let to = match opened {
        Opened::ByIt(first) => first.time,
        Opened::ByAnother { .. } | Opened::Before => entry.time,
    }
    .shifted(rules.doubt);
    let to_all = |change: &Change| match opened {
        Opened::ByIt(first) => context.order(&change.event, first) != Order::After,
        Opened::ByAnother { entry, .. } => context.order(&change.event, entry) == Order::Before,
        Opened::Before => false,
    };
    let to_it = |change: &Change| {
        arrival.remote.address == knock.source
            && only_for(change, knock.source)
            && context.order(&change.event, entry) != Order::After
            && knock.touches.iter().any(|touch| {
                (touch.transport, touch.port) == (arrival.transport, arrival.port)
                    && context.order(&touch.event, &change.event) == Order::Before
            })
    };
    let at = Port {
        transport: arrival.transport,
        number: arrival.port,
        source: arrival.remote.address,
        source_port: Some(arrival.remote.port),
        local: local_of(arrival),
        own: own_addresses(place, context),
        holder: arrival.holder.as_ref(),
        until: to,
    };
    door.changes
        .between(rules.earliest(knock), to)
        .filter(|c| context.follows(arming, &c.event, rules.slack))
        .filter(|c| to_all(c) || to_it(c))
        .map(|change| TiedChange {
            change,
            tie: door.changes.tie(change, &at),
        })
        .filter(|t| t.tie >= Tie::Weak)
        .filter(|t| t.tie == Tie::Weak || !is_undone(t.change, &door.changes, &at, entry, context))
        .collect()
}

/// A sentence about a change of the firewall between the arming touch and `to` whose record tells neither
/// port nor direction (Security 4946 to 4948): it proves nothing, and "no change" must not be said beside it.
pub fn unnamed(
    door: &Door,
    knock: &Knock,
    to: Timestamp,
    rules: &DoorRules,
    context: &Context,
) -> Option<String> {
    let arming = &knock.arming().event;
    let change = door
        .changes
        .between(rules.earliest(knock), to)
        .filter(|c| c.effect == Effect::Unknown)
        .find(|c| context.follows(arming, &c.event, rules.slack))?;
    let shown = context.labels.place(&change.event.provenance);
    Some(format!(
        "a rule of the firewall was changed ({shown}), and that record does not tell which port it is for"
    ))
}

/// A sentence about a change that may have opened the port of an arrival, and why it proves nothing: "no
/// change" must not be said beside it.
pub fn tied_weakly(door: &Door, tied: &[TiedChange<'_>], context: &Context) -> Option<String> {
    let change = tied.iter().find(|t| t.tie == Tie::Weak)?.change;
    let shown = context.labels.place(&change.event.provenance);
    Some(match change.effect {
        Effect::Listens if change.again => {
            format!("the program that began to listen there ({shown}) had listened there before")
        }
        Effect::Listens => format!(
            "it began to listen as one of {} ports within a minute ({shown}), as with a suite of services that starts",
            door.changes.listeners_around(change)
        ),
        Effect::Unknown => format!(
            "a rule of the firewall was changed ({shown}), and that record does not tell which port it is for"
        ),
        _ if door.changes.filters_around(change) >= STORM => format!(
            "the filter that lets it in ({shown}) is one of {} that programs put up within a minute, as with a product \
             that starts",
            door.changes.filters_around(change)
        ),
        _ if door.changes.storm_around(change) >= STORM => format!(
            "what may have let it in ({shown}) is one of {} changes of rules by one hand within a minute, and does \
             not name the port",
            door.changes.storm_around(change)
        ),
        _ => format!(
            "a rule that may have let it in ({shown}) does not tell whether the port is of what it is for"
        ),
    })
}

/// The strongest tie among changes.
pub fn strongest(tied: &[TiedChange<'_>]) -> Tie {
    tied.iter().map(|t| t.tie).max().unwrap_or(Tie::None)
}

/// The address of the host that a connection reached, where packets show it.
fn local_of(arrival: &Arrival) -> Option<IpAddr> {
    match &arrival.event.what {
        What::Attempt(attempt) => Some(attempt.responder.address),
        _ => None,
    }
}
