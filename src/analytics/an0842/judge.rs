//! Judges one sequence of touches against what changed and who came in.

use super::near::{exposed, was_open};
use super::{FINDINGS, PortKnock, State};
use super::{chance, telling};
use crate::analytics::Analytic;
use crate::analytics::found::Found;
use crate::analytics::kit::arrivals::Arrival;
use crate::analytics::kit::change::{named_port, only_for};
use crate::analytics::kit::door::{Door, DoorRules};
use crate::analytics::kit::exposure::{STORM, Tie};
use crate::analytics::kit::knock::{Knock, is_odd_port};
use crate::analytics::kit::near::near_miss;
use crate::analytics::kit::opening::{
    Opened, TiedChange, is_first, opened, strongest, tied_changes, tied_weakly, unnamed,
};
use crate::analytics::kit::picture::{
    Picture, changes_are_logged, everyday, leading_to, own_addresses, was_up_at,
};
use crate::analytics::kit::unheard;
use crate::context::{Context, Place};
use crate::model::finding::{Finding, Order, Role};
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Timestamp, Transport};

impl PortKnock {
    pub(super) fn judge(
        &self,
        place: Place,
        state: &mut State,
        knock: &Knock,
        due: &[Knock],
        context: &Context,
        found: &mut Found,
    ) {
        let door = &state.door;
        let rules = self.settings.door(place, context);
        let until = knock.first().shifted(self.settings.time_window);
        let came: Vec<&Arrival> = door
            .arrivals
            .between(
                knock.arming().event.time.shifted(rules.doubt.negated()),
                until,
            )
            .filter(|a| a.remote.address == knock.source && a.transport == Transport::TCP)
            .filter(|a| context.order(&knock.arming().event, a.entry()) != Order::After)
            .collect();
        // The arrival with the strongest tie wins; among equals the earliest.
        let mut best: Option<(Tie, &Arrival, Vec<TiedChange<'_>>)> = None;
        for arrival in came.iter().copied() {
            let tied = tied_changes(place, door, knock, arrival, &rules, context);
            let tie = strongest(&tied);
            let fresh = matches!(opened(door, arrival, knock), Opened::ByIt(_));
            // At a port that was open, only a change can have let the source in.
            if !fresh && tie <= Tie::Weak {
                continue;
            }
            if best.as_ref().is_none_or(|(held, ..)| tie > *held) {
                best = Some((tie, arrival, tied));
            }
        }
        // What came after the visit that is told, of the source or of the host, says nothing of the touches.
        let mut led = match &best {
            Some((_, arrival, _)) => leading_to(knock, arrival.entry(), context),
            None => knock.clone(),
        };
        let tied = || best.iter().flat_map(|(_, _, tied)| tied.iter());
        // A rule for its address alone is made for whoever knocks until the door opens; for whoever checks a host's
        // health, too, and he goes on with it.
        let goes_on = |(_, arrival, _): &(Tie, &Arrival, Vec<TiedChange<'_>>)| {
            let ports = knock.ports();
            let mut others = ports.iter().filter(|port| **port != arrival.port);
            others.all(|port| {
                let port = (Transport::TCP, *port);
                door.touches.goes_on(knock.source, port, arrival.time())
            })
        };
        led.periodic &= best.as_ref().is_some_and(goes_on)
            || !tied().any(|t| t.tie == Tie::Exact && only_for(t.change, knock.source));
        let knock = &led;
        let miss = |missing: u32, why: String, found: &mut Found| {
            found.near_miss(near_miss(
                PortKnock::ABOUT.id,
                place,
                knock,
                missing,
                &why,
                context,
            ));
        };
        // Which ports the source reached through the door that was opened is no sign of an ordinary client.
        let opening = tied().filter(|t| t.tie > Tie::Weak);
        let opening = opening.map(|t| t.change.event.time).min();
        let told = best.as_ref().map(|(_, arrival, _)| arrival.time());
        let unopened = opening.into_iter().chain(told).min().unwrap_or(until);
        let visited = door.reached_beside(knock, unopened, &rules.knock);
        if visited > self.settings.max_extra_open_ports as usize {
            let why = format!("the source also reached {visited} open ports around the sequence");
            return miss(2, why, found);
        }
        if let Some(why) = everyday(place, knock, told.unwrap_or(until), context) {
            return miss(2, why.to_owned(), found);
        }
        // A later sequence is the nearer explanation, unless the door had been opened before it, or only of the
        // earlier one is it certain that the change came after it.
        let certain = |of: &Knock, tie: Tie, tied: &[TiedChange<'_>]| {
            let arming = &of.arming().event;
            let mut leading = tied.iter().filter(|t| t.tie >= tie);
            leading.any(|t| context.order(arming, &t.change.event) == Order::Before)
        };
        if let Some((tie, arrival, tied)) = &best
            && door.later(knock, due, arrival.time()).any(|later| {
                let by_later = tied_changes(place, door, later, arrival, &rules, context);
                strongest(&by_later) >= *tie
                    && (certain(later, *tie, &by_later) || !certain(knock, *tie, tied))
            })
        {
            return;
        }
        let picture = |arrival, tied, proven| Picture {
            place,
            knock,
            door,
            arrival,
            tied,
            proven,
        };
        let finding = match best {
            Some((tie, arrival, _))
                if tie > Tie::Weak && tie < Tie::Exact && knock.only_client_ports() =>
            {
                let why = format!(
                    "port {} was reached afterwards under a broad change; the touched ports are ones that clients \
                     try on their own",
                    arrival.port
                );
                miss(1, why, found);
                None
            }
            // With the earlier sequence, of which it is certain that the change came after it.
            Some((tie, arrival, tied))
                if tie > Tie::Weak
                    && !certain(knock, tie, &tied)
                    && is_told(&state.findings, arrival) =>
            {
                None
            }
            Some((tie, arrival, tied)) if tie > Tie::Weak => Some(telling::full(
                &picture(Some(arrival), tied, true),
                &self.settings,
                context,
            )),
            // No change opened the port before the source found it open.
            Some((_, arrival, _)) if !is_first(door, arrival, knock) => {
                miss(1, was_open(door, knock, arrival, context), found);
                None
            }
            // With the sequence that opened the port.
            Some((_, arrival, _)) if is_told(&state.findings, arrival) => None,
            Some((_, arrival, tied))
                if arrival.on_the_wire() && knock.arming().on_the_wire() && !knock.scan =>
            {
                let closed = was_closed(place, door, knock, arrival, context);
                let proven = closed.is_some();
                let since = closed.unwrap_or(knock.first());
                let doubt = if door.changes.profile_changed(since, arrival.time()) {
                    let port = arrival.port;
                    let why = format!(
                        "port {port} was reached afterwards, and in between another profile of the firewall became \
                         active, with other rules"
                    );
                    return miss(1, why, found);
                } else if proven {
                    None
                } else if changes_are_logged(place, knock, arrival.time(), context) {
                    let weakly = tied_weakly(door, &tied, context);
                    let unnamed = || unnamed(door, knock, arrival.time(), &rules, context);
                    Some(weakly.or_else(unnamed).unwrap_or_else(|| {
                        "the host's logs hold no change for it in between".to_owned()
                    }))
                } else {
                    self.says_little(knock, arrival).map(str::to_owned)
                };
                match doubt {
                    None => Some(telling::network_only(
                        &picture(Some(arrival), tied, proven),
                        &self.settings,
                        context,
                    )),
                    Some(why) => {
                        let port = arrival.port;
                        let why = format!(
                            "port {port} was reached afterwards, but nothing shows it closed before, and {why}"
                        );
                        miss(1, why, found);
                        None
                    }
                }
            }
            Some((_, arrival, _)) => {
                let why = format!(
                    "port {} was reached afterwards, but no change is tied to it",
                    arrival.port
                );
                miss(1, why, found);
                None
            }
            None => {
                let opened = self.opened_since(place, door, knock, &rules, context);
                // A later sequence is the nearer explanation of a change that followed it.
                let told_later = |tied: &TiedChange<'_>| {
                    let at = tied.change.event.time;
                    door.later(knock, due, at).next().is_some()
                };
                match (opened, came.first()) {
                    (Some((tied, _, None)), _) if told_later(&tied) => None,
                    (Some((tied, _, None)), _) if !knock.scan => Some(telling::door_only(
                        &picture(None, vec![tied], false),
                        &self.settings,
                        context,
                    )),
                    (Some((_, _, None)), _) => {
                        miss(
                            2,
                            "a scan; a port was opened afterwards; the source was not seen to reach it"
                                .to_owned(),
                            found,
                        );
                        None
                    }
                    (_, Some(arrival)) => {
                        miss(1, was_open(door, knock, arrival, context), found);
                        None
                    }
                    (Some((_, port, Some(other))), None) => {
                        let why = format!(
                            "port {port} was opened afterwards, and {} came in; the source was not seen to",
                            other.remote.address
                        );
                        miss(2, why, found);
                        None
                    }
                    (None, None) => {
                        let unnamed = unnamed(door, knock, until, &rules, context);
                        let exposed = exposed(door, knock, until, &rules, context);
                        let mut why = match (unnamed, exposed) {
                            (_, Some(change)) => format!(
                                "no completed connection of the source was seen afterwards; a change of exposure was \
                                 seen ({})",
                                context.labels.place(&change.event.provenance)
                            ),
                            (Some(change), None) => {
                                format!(
                                    "no completed connection of the source was seen afterwards; {change}"
                                )
                            }
                            (None, None) => "no change of exposure and no completed connection of the source was seen \
                                             afterwards"
                                .to_owned(),
                        };
                        let source = knock.source;
                        let from = knock.arming().event.time;
                        if let Some(event) = door.unheard.by(source, None, from, until) {
                            why = format!("{why}; {}", unheard::sentence(event, context));
                        }
                        miss(2, why, found);
                        None
                    }
                }
            }
        };
        if let Some(finding) = finding {
            if state.findings.len() < FINDINGS {
                let inside = chance::own(&finding, &door.changes, rules.slack);
                state.findings.push((finding, inside));
            } else {
                found.finding(finding);
            }
        }
    }

    /// Why the touches alone do not tell, if so: some of them are ones that clients make, or the port reached
    /// is one of those that Windows gives to whoever asks for any.
    fn says_little(&self, knock: &Knock, arrival: &Arrival) -> Option<&'static str> {
        let tcp = knock.touches.iter().all(|t| t.transport == Transport::TCP);
        if !tcp {
            Some("some of the touches were over UDP")
        } else if !knock.touches.iter().all(|t| is_odd_port(t.port)) {
            Some(
                "some of the touched ports are dynamic ones, or ones that clients try on their own",
            )
        } else if arrival.port >= FIRST_DYNAMIC_PORT {
            Some("the port is a dynamic one")
        } else {
            None
        }
    }

    /// A change after the knock that names a port, with the port, and who came in by it within the window:
    /// one that nobody entered by, if there is any.
    fn opened_since<'a>(
        &self,
        place: Place,
        door: &'a Door,
        knock: &Knock,
        rules: &DoorRules,
        context: &Context,
    ) -> Option<(TiedChange<'a>, u16, Option<&'a Arrival>)> {
        let arming = &knock.arming().event;
        let to = knock.first().shifted(self.settings.time_window);
        door.changes
            .between(rules.earliest(knock), to)
            .filter(|c| context.follows(arming, &c.event, rules.slack))
            .filter(|c| door.changes.storm_around(c) < STORM)
            .filter_map(|change| {
                let port = named_port(change, knock.source, own_addresses(place, context))?;
                // A sign before the knock, or before the change, means that something else had opened it.
                let before = door
                    .arrivals
                    .open_since(Transport::TCP, port)
                    .is_some_and(|since| {
                        let shown = || door.arrivals.shown_by(&since.provenance);
                        let sign = since.half_open.as_deref();
                        let sign = sign.or_else(|| shown().map(Arrival::entry));
                        since.time < knock.first()
                            || sign.is_some_and(|sign| {
                                context.order(sign, &change.event) == Order::Before
                            })
                    });
                let entered = door
                    .arrivals
                    .between(change.event.time, to)
                    .find(|a| a.port == port);
                let tie = Tie::Exact;
                (!before).then_some((TiedChange { change, tie }, port, entered))
            })
            .min_by_key(|(_, _, entered)| entered.is_some())
    }
}

/// When the same source was last turned away at this very port before, by a touch of the sequence or while the
/// host was up.
fn was_closed(
    place: Place,
    door: &Door,
    knock: &Knock,
    arrival: &Arrival,
    context: &Context,
) -> Option<Timestamp> {
    let port = (arrival.transport, arrival.port);
    let touches = knock.touches.iter().rev();
    let mut at_it = touches.filter(|t| (t.transport, t.port) == port);
    at_it.next().map(|touch| touch.event.time).or_else(|| {
        let mut times = door.touches.turned_away(knock.source, port, arrival.time());
        times.find(|time| was_up_at(place, *time, *time, context))
    })
}

/// True if a finding tells this connection already.
fn is_told<T>(findings: &[(Finding, T)], arrival: &Arrival) -> bool {
    findings.iter().any(|(finding, _)| {
        let mut steps = finding.steps.iter();
        steps.any(|step| {
            step.role == Role::Connect && step.event.provenance == arrival.event.provenance
        })
    })
}
