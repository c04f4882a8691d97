//! The sequence part of AN1448: failed touches, then a rule or a sniffer-backed socket, then a
//! connection by the same source, by another, or back to the source.

use super::Signalling;
use super::back::{self, Outgoing, Program, Reached, Shows};
use super::settings::SignallingSettings;
use super::telling::{Back, Success, tell};
use crate::analytics::Analytic;
use crate::analytics::found::Found;
use crate::analytics::kit::arrivals::Arrival;
use crate::analytics::kit::change::{Change, Effect, listener_of};
use crate::analytics::kit::door::{Door, DoorRules, doors_of};
use crate::analytics::kit::exposure::Tie;
use crate::analytics::kit::knock::{Knock, is_odd_port};
use crate::analytics::kit::near::near_miss;
use crate::analytics::kit::opening::{TiedChange, is_first, strongest, tied_changes, unnamed};
use crate::analytics::kit::picture::{Picture, changes_are_logged, everyday, leading_to};
use crate::analytics::kit::sniffing::{Sign, Sniffing, sign_of};
use crate::analytics::kit::unheard;
use crate::context::{Context, Place};
use crate::model::finding::Order;
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Event, HostWhat, Timestamp, Transport, What};

/// What is remembered of one host.
#[derive(Default)]
pub struct Touched {
    door: Door,
    sniffing: Sniffing,
    outgoing: Outgoing,
}

/// The hosts an event matters to.
pub fn hosts_of(event: &Event, context: &Context, each: &mut dyn FnMut(Place)) {
    doors_of(event, context, each);
    if let What::Host(host) = &event.what
        && (sign_of(event).is_some() || matches!(host.what, HostWhat::SystemStarted))
        && let Some(place) = context.identity.place_of(host)
    {
        each(place);
    }
    if let Some(place) = back::place_of(event, context) {
        each(place);
    }
}

impl Touched {
    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        self.door.weight() + (self.outgoing.held() + self.sniffing.held()) * 512
    }

    pub(super) fn step(
        &mut self,
        place: Place,
        event: &Event,
        settings: &SignallingSettings,
        context: &Context,
        found: &mut Found,
    ) {
        let rules = settings.door(place, context);
        let due = self.door.due(&rules, event.time);
        for knock in &due {
            self.judge(place, knock, &due, settings, context, found);
        }
        let before = event.time.shifted(rules.held_for().negated());
        self.outgoing.forget(before);
        self.door
            .hear(place, event, &rules, context, &mut found.dropped);
        self.sniffing.hear(event, &mut found.dropped);
        let touched = (&self.door.touches, settings.time_window);
        let dropped = &mut found.dropped;
        self.outgoing.hear(place, event, touched, context, dropped);
    }

    pub(super) fn close(
        &mut self,
        place: Place,
        settings: &SignallingSettings,
        context: &Context,
        found: &mut Found,
    ) {
        let due = self.door.rest(&settings.door(place, context));
        for knock in &due {
            self.judge(place, knock, &due, settings, context, found);
        }
    }

    fn judge(
        &self,
        place: Place,
        knock: &Knock,
        due: &[Knock],
        settings: &SignallingSettings,
        context: &Context,
        found: &mut Found,
    ) {
        let miss = |missing: u32, why: &str, found: &mut Found| {
            let id = Signalling::ABOUT.id;
            found.near_miss(near_miss(id, place, knock, missing, why, context));
        };
        let until = knock.first().shifted(settings.time_window);
        if is_traceroute(knock) {
            return miss(2, "rising UDP ports from 33434 on: a traceroute", found);
        }
        let refused = knock.touches.iter().filter(|t| t.explicit()).count() * 100;
        if refused < settings.knock_reset_ratio as usize * knock.touches.len() {
            return miss(
                1,
                "fewer of them were refused in so many words than KnockResetRatio asks",
                found,
            );
        }

        let rules = settings.door(place, context);
        let arming = &knock.arming().event;
        let from = arming.time.shifted(rules.doubt.negated());
        let mut best: Option<(u32, Success<'_>, Vec<TiedChange<'_>>, Vec<&Sign>)> = None;
        for arrival in self.door.arrivals.between(from, until) {
            let same = arrival.remote.address == knock.source;
            if arrival.transport != Transport::TCP
                || context.order(arming, arrival.entry()) == Order::After
                || !same && !is_first(&self.door, arrival, knock)
                || !same && self.knocked(arrival, settings)
            {
                continue;
            }
            let tied = self.tied(place, knock, arrival, &rules, context);
            let tie = strongest(&tied);
            let signs = self.sniffer_at(&tied);
            let rank = match (same, tie, signs.is_empty()) {
                (_, Tie::None | Tie::Weak, _) => continue,
                // A broad change after touches of client ports, or an arrival by someone else under
                // a change that does not name the port, is everyday business.
                (true, Tie::Covers | Tie::Program, true) if knock.only_client_ports() => continue,
                (true, _, false) => 5,
                (true, _, true) => 4,
                (false, _, false) => 2,
                (false, Tie::Exact, true) => 1,
                (false, ..) => continue,
            };
            if best.as_ref().is_none_or(|(held, ..)| rank > *held) {
                let success = if same {
                    Success::Same(arrival)
                } else {
                    Success::Other(arrival)
                };
                best = Some((rank, success, tied, signs));
            }
        }
        let back = self.goes_back(place, knock, until, &rules, context);
        if let Some((tied, signs, back)) = &back {
            // What may have failed tells less than somebody who came in.
            let rank = match back.reached.shows {
                Shows::Made => 3,
                Shows::Tried => 1,
                Shows::Failed => 0,
            };
            if rank > 0 && best.as_ref().is_none_or(|(held, ..)| rank > *held) {
                best = Some((rank, Success::Back(*back), tied.clone(), signs.clone()));
            }
        }
        // Whoever scans from inside did not scan to come in.
        let led = best
            .as_ref()
            .map(|(_, success, ..)| leading_to(knock, success.event(), context));
        if led.as_ref().unwrap_or(knock).scan {
            return miss(2, "more ports than a signal has: a scan", found);
        }
        // What the host does after the success that is told says nothing of the touches.
        let told = best.as_ref().map(|(_, success, ..)| success.time());
        if let Some(why) = everyday(place, knock, told.unwrap_or(until), context) {
            return miss(2, why, found);
        }
        let Some((_, success, tied, signs)) = best else {
            let alone = self.after_touches_alone(place, knock, from, until, context);
            // What began to listen there is no change of this analytic, and is one: nobody may say "no change".
            let behind = |arrival: &Arrival| {
                let all = tied_changes(place, &self.door, knock, arrival, &rules, context);
                strongest(&all) > Tie::Weak
            };
            if let Some(arrival) = alone.filter(|arrival| !behind(arrival))
                && self.door.later(knock, due, arrival.time()).next().is_none()
            {
                let picture = Picture {
                    place,
                    knock: &leading_to(knock, arrival.entry(), context),
                    door: &self.door,
                    arrival: Some(arrival),
                    tied: Vec::new(),
                    proven: false,
                };
                found.finding(tell(
                    &picture,
                    &Success::Same(arrival),
                    &[],
                    settings,
                    context,
                ));
                return;
            }
            if let Some((_, _, back)) = back
                && let Some(program) = back.sniffer
            {
                let why = format!(
                    "{}, which shows signs of a packet sniffer, tried to connect back to it {} after the first touch, \
                     and {}",
                    program.words(),
                    back.reached.event.time.since(knock.first()),
                    back.reached.failure()
                );
                let mut near = near_miss(Signalling::ABOUT.id, place, knock, 1, &why, context);
                near.references.extend(back.reached.cited());
                found.near_miss(near);
                return;
            }
            let mut why =
                "no change tied to a first completed connection was seen afterwards".to_owned();
            let own = |a: &&Arrival| {
                a.remote.address == knock.source && is_first(&self.door, a, knock) && behind(a)
            };
            if let Some(arrival) = self.door.arrivals.between(from, until).find(own) {
                why = format!(
                    "the source came to port {} after something began to listen there, of which no sign of a packet \
                     sniffer is known",
                    arrival.port
                );
            }
            if let Some(change) = unnamed(&self.door, knock, until, &rules, context) {
                why = format!("{why}; {change}");
            }
            let (source, armed) = (knock.source, knock.arming().event.time);
            let another = self.door.arrivals.between(from, until).find(|a| {
                a.remote.address != source
                    && is_first(&self.door, a, knock)
                    && self.knocked(a, settings)
                    && strongest(&self.tied(place, knock, a, &rules, context)) == Tie::Exact
            });
            if let Some(another) = another {
                let address = another.remote.address;
                why = format!(
                    "{address}, which had touched closed ports itself, came in after a change"
                );
            }
            if let Some(event) = self.door.unheard.by(source, None, armed, until) {
                why = format!("{why}; {}", unheard::sentence(event, context));
            }
            let mut near = near_miss(Signalling::ABOUT.id, place, knock, 2, &why, context);
            if let Some((program, reached)) =
                self.goes_elsewhere(place, knock, (from, until), &rules, context)
            {
                near.missing = 1;
                near.text = format!(
                    "{}; {}, which shows signs of a packet sniffer, {} {}:{}/{} {} after the first touch: that is not \
                     the source",
                    near.text,
                    program.words(),
                    if reached.shows == Shows::Made {
                        "connected to"
                    } else {
                        "reached for"
                    },
                    reached.to(),
                    reached.port,
                    reached.transport,
                    reached.event.time.since(knock.first())
                );
                near.references.extend(reached.cited());
            }
            found.near_miss(near);
            return;
        };
        let at = success.time();
        let arrival = match success {
            Success::Same(a) | Success::Other(a) => Some(a),
            Success::Back(_) => None,
        };
        // A later sequence is the nearer explanation, unless the door had been opened before it.
        let as_near = |later| {
            arrival.is_none_or(|arrival| {
                let nearer = self.tied(place, later, arrival, &rules, context);
                strongest(&nearer) >= strongest(&tied)
            })
        };
        if self.door.later(knock, due, at).any(as_near) {
            return;
        }
        let picture = Picture {
            place,
            knock: led.as_ref().unwrap_or(knock),
            door: &self.door,
            arrival,
            tied,
            proven: true,
        };
        found.finding(tell(&picture, &success, &signs, settings, context));
    }

    /// A call by a process with signs of a sniffer to somebody else than the source, whom the host had not
    /// reached for before: a signal may ask for that.
    fn goes_elsewhere<'a>(
        &'a self,
        place: Place,
        knock: &Knock,
        (from, until): (Timestamp, Timestamp),
        rules: &DoorRules,
        context: &Context,
    ) -> Option<(&'a Program, &'a Reached)> {
        let calls = self.outgoing.all().filter(|reached| {
            let time = reached.event.time;
            reached.to() != knock.source
                && reached.shows != Shows::Failed
                && from <= time
                && time <= until
                && context.baseline.peer(place, reached.to(), time).1.is_none()
        });
        calls.into_iter().find_map(|reached| {
            let program = reached.program.as_ref()?;
            let at = reached.event.time.shifted(rules.doubt);
            self.sniffing.of_process(&program.image, program.pid, at)?;
            Some((program, reached))
        })
    }

    /// True if whoever came had touched closed ports as well: that is the nearer explanation.
    fn knocked(&self, arrival: &Arrival, settings: &SignallingSettings) -> bool {
        let from = arrival.time().shifted(settings.time_window.negated());
        let source = arrival.remote.address;
        self.door.touches.knocked(source, from, arrival.time())
    }

    /// The changes tied to an arrival. A listener counts here only with a sniffer behind it; a firewall
    /// change by itself.
    fn tied<'a>(
        &'a self,
        place: Place,
        knock: &Knock,
        arrival: &Arrival,
        rules: &DoorRules,
        context: &Context,
    ) -> Vec<TiedChange<'a>> {
        let mut tied = tied_changes(place, &self.door, knock, arrival, rules, context);
        tied.retain(|t| {
            t.change.effect != Effect::Listens || self.sniffer_behind(t.change).is_some()
        });
        tied
    }

    /// The signs of a sniffer behind the listeners among these changes.
    fn sniffer_at<'a>(&'a self, tied: &[TiedChange<'_>]) -> Vec<&'a Sign> {
        tied.iter()
            .filter(|t| t.change.effect == Effect::Listens)
            .find_map(|t| self.sniffer_behind(t.change))
            .unwrap_or_default()
    }

    fn sniffer_behind(&self, change: &Change) -> Option<Vec<&Sign>> {
        let image = listener_of(change)?;
        let pid = match &change.event.what {
            What::Host(host) => match &host.what {
                HostWhat::Listening { process, .. } | HostWhat::Bound { process, .. } => {
                    process.pid
                }
                _ => None,
            },
            _ => None,
        };
        self.sniffing.of_process(&image, pid, change.event.time)
    }

    /// A connection from the host back to the source: of a process with signs of a sniffer, or after
    /// one began to listen. One that was made is preferred, then one that may have been; one that
    /// failed comes back only where there is no other.
    fn goes_back<'a>(
        &'a self,
        place: Place,
        knock: &Knock,
        until: Timestamp,
        rules: &DoorRules,
        context: &Context,
    ) -> Option<(Vec<TiedChange<'a>>, Vec<&'a Sign>, Back<'a>)> {
        let arming = &knock.arming().event;
        let from = rules.earliest(knock);
        // A host that talked to the source before it was ever touched by it does not answer a signal by that.
        let touched = self.door.touches.first_of(knock.source);
        let touched = touched.unwrap_or(knock.first()).min(knock.first());
        let (_, before) = context.baseline.peer(place, knock.source, touched);
        if before.is_some() || self.outgoing.before(knock.source, touched, knock.first()) {
            return None;
        }
        let mut backs: Vec<&Reached> = self
            .outgoing
            .to(knock.source)
            .filter(|r| r.event.time >= from && r.event.time <= until)
            .filter(|r| context.order(arming, &r.event) != Order::After)
            .collect();
        backs.sort_by_key(|r| r.shows);
        let by_sniffer = backs.iter().find_map(|reached| {
            let program = reached.program.as_ref()?;
            let at = reached.event.time.shifted(rules.doubt);
            let signs = self.sniffing.of_process(&program.image, program.pid, at)?;
            let back = Back {
                reached,
                sniffer: Some(program),
                others: self.outgoing.reached(reached, knock.first()),
            };
            Some((Vec::new(), signs, back))
        });
        let after_listener = || {
            backs.iter().find_map(|reached| {
                let changes = self.listeners(arming, from, &reached.event, rules, context);
                let signs = self.sniffer_at(&changes);
                let back = Back {
                    reached,
                    sniffer: None,
                    others: 0,
                };
                (!changes.is_empty()).then_some((changes, signs, back))
            })
        };
        let failed = |(_, _, back): &(_, _, Back<'_>)| back.reached.shows == Shows::Failed;
        match by_sniffer {
            Some(found) if !failed(&found) => Some(found),
            tried => after_listener().filter(|found| !failed(found)).or(tried),
        }
    }

    /// The listeners with a sniffer behind them that began after the touches and before `back`.
    fn listeners<'a>(
        &'a self,
        arming: &Event,
        from: Timestamp,
        back: &Event,
        rules: &DoorRules,
        context: &Context,
    ) -> Vec<TiedChange<'a>> {
        self.door
            .changes
            .between(from, back.time.shifted(rules.doubt))
            .filter(|c| context.follows(arming, &c.event, rules.slack))
            .filter(|c| context.order(&c.event, back) != Order::After)
            .filter(|c| c.effect == Effect::Listens && self.sniffer_behind(c).is_some())
            .map(|change| TiedChange {
                change,
                tie: Tie::Exact,
            })
            .collect()
    }

    /// The same source's first success after touches on ports no client tries, with no change seen.
    fn after_touches_alone<'a>(
        &'a self,
        place: Place,
        knock: &Knock,
        from: Timestamp,
        until: Timestamp,
        context: &Context,
    ) -> Option<&'a Arrival> {
        if changes_are_logged(place, knock, until, context)
            || !knock
                .touches
                .iter()
                .all(|t| is_odd_port(t.port) && t.on_the_wire())
        {
            // A host with logs would have told of a change.
            return None;
        }
        self.door.arrivals.between(from, until).find(|a| {
            a.remote.address == knock.source
                && a.on_the_wire()
                && a.port < FIRST_DYNAMIC_PORT
                && context.order(&knock.arming().event, a.entry()) == Order::Before
                && is_first(&self.door, a, knock)
        })
    }
}

/// True if most touches are UDP to ports 33434 to 33534, and at least half of the steps between those over UDP
/// go to the same port or the next: a traceroute.
fn is_traceroute(knock: &Knock) -> bool {
    let ports: Vec<u16> = knock
        .touches
        .iter()
        .filter(|t| t.transport == Transport::UDP)
        .map(|t| t.port)
        .collect();
    let ladder = ports
        .iter()
        .filter(|p| (33_434..=33_534).contains(*p))
        .count();
    ladder * 2 > knock.touches.len()
        && ports
            .windows(2)
            .filter(|w| w[1] == w[0] || w[0].checked_add(1) == Some(w[1]))
            .count()
            * 2
            >= ports.len().saturating_sub(1)
}
