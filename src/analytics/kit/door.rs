//! One host seen as a door: who touched its closed ports, what changed, who came in.
//!
//! A sequence of touches that reaches the minimum opens an *episode*. The episode is judged only
//! when everything that may belong to it has passed: the window itself, and a while behind it, in
//! which a door may close again and a slower clock may still report.

use super::answered::{Answered, Ends};
use super::arrivals::{Arrival, Arrivals, arrival_place, let_in};
use super::change::is_watched;
use super::exposure::Changes;
use super::knock::{Knock, KnockRules};
use super::own_calls::{OwnCalls, callers, left_over};
use super::surroundings::{Surroundings, surrounds};
use super::touch::{Answer, Touch, touch_of, touched};
use super::touches::{Heard, Touches};
use super::unheard::{Unheard, unheard_place};
use super::visits::Visits;
use crate::context::{Context, Place};
use crate::model::firewall::Layer;
use crate::model::{Endpoint, Event, HostWhat, Span, Timestamp, Transport, What};
use std::net::IpAddr;

/// How an analytic wants its door watched.
#[derive(Clone, Debug)]
pub struct DoorRules {
    /// What makes a sequence of touches.
    pub knock: KnockRules,
    /// From the first touch to the connection.
    pub window: Span,
    /// How long before the arming touch a change may be logged and still follow it, clocks apart.
    pub slack: Span,
    /// How far the host's clocks may be apart from the captures'.
    pub doubt: Span,
    /// How long after the window an episode waits.
    pub linger: Span,
}

impl DoorRules {
    /// How long changes and arrivals are held.
    pub fn held_for(&self) -> Span {
        self.window
            .plus(self.linger)
            .plus(self.slack)
            .plus(self.doubt)
            .plus(self.knock.span)
    }

    /// The earliest time at which a change may stand that follows the arming touch of `knock`.
    pub fn earliest(&self, knock: &Knock) -> Timestamp {
        let before = self.slack.plus(self.doubt);
        knock.arming().event.time.shifted(before.negated())
    }
}

/// Open episodes per host.
const EPISODES: usize = 64;
/// Logs tell of a connection this long after its packets at most, clocks apart: Sysmon within two seconds.
const TOLD_WITHIN: Span = Span::seconds(2);

/// A host's state.
#[derive(Clone, Debug, Default)]
pub struct Door {
    /// Touches, by source.
    pub touches: Touches,
    /// Changes of exposure.
    pub changes: Changes,
    /// Connections that came in.
    pub arrivals: Arrivals,
    /// Connections that went on without an answer in the captures.
    pub unheard: Unheard,
    /// What surrounds the changes.
    pub surroundings: Surroundings,
    answered: Answered,
    calls: OwnCalls,
    open: Vec<Knock>,
    // When a sequence last made room for another.
    crowded: Option<Timestamp>,
    // For "touches few open ports on the way".
    visits: Visits,
    /// Sequences armed so far on this host.
    pub armed: u64,
}

/// The hosts whose door an event is about.
pub fn doors_of(event: &Event, context: &Context, each: &mut dyn FnMut(Place)) {
    if let Some(place) = touched(event, context) {
        each(place);
    }
    if let Some(place) = arrival_place(event, context) {
        each(place);
    }
    if let Some(place) = unheard_place(event, context) {
        each(place);
    }
    callers(event, context, each);
    if let What::Host(host) = &event.what
        && (is_watched(&host.what) || surrounds(&host.what))
        && let Some(place) = context.identity.place_of(host)
    {
        each(place);
    }
}

/// True for a row of a packet that was dropped because nothing on the host holds it: neither a listener nor a
/// connection. Rows that are known to tell of a SYN are none of these.
fn nothing_held(event: &Event) -> bool {
    let What::Host(host) = &event.what else {
        return false;
    };
    let HostWhat::Filtered { layer, opens, .. } = &host.what else {
        return false;
    };
    *layer == Layer::Transport && opens.is_none()
}

/// The source of a connection that came in.
fn visitor(event: &Event, context: &Context) -> Option<IpAddr> {
    match &event.what {
        What::Attempt(attempt) => Some(attempt.initiator.address),
        _ => let_in(event, context).map(|(remote, _)| remote.address),
    }
}

impl Door {
    /// About how many bytes it takes. A source takes most, for what it touched is held.
    pub fn weight(&self) -> usize {
        let events = self.arrivals.held()
            + self.changes.held()
            + self.surroundings.held()
            + self.unheard.held()
            + self.calls.held();
        2_048
            + self.touches.sources() * 1_024
            + events * 512
            + self.open.len() * 8_192
            + self.visits.held() * 64
    }

    /// The episodes whose time has come at `now`, oldest first.
    pub fn due(&mut self, rules: &DoorRules, now: Timestamp) -> Vec<Knock> {
        self.settle(now.shifted(rules.doubt.plus(TOLD_WITHIN).negated()), rules);
        if self.open.is_empty() {
            return Vec::new();
        }
        let wait = rules.window.plus(rules.linger);
        if self.open.iter().any(|k| now.since(k.first()) > wait) {
            self.settle(now, rules);
        }
        let (due, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|k| now.since(k.first()) > wait);
        self.open = open;
        due
    }

    /// All open episodes: the evidence has ended.
    pub fn rest(&mut self, rules: &DoorRules) -> Vec<Knock> {
        self.settle(Timestamp::MAX, rules);
        std::mem::take(&mut self.open)
    }

    /// Takes back the touches that records up to `until` show to have been answered.
    fn settle(&mut self, until: Timestamp, rules: &DoorRules) {
        for (at, ends) in self.answered.settle(until) {
            self.refute(at, ends, rules);
        }
    }

    fn refute(&mut self, at: Timestamp, (remote, port): Ends, rules: &DoorRules) {
        let open = &mut self.open;
        self.touches.refute(remote, port, at, &rules.knock, open);
    }

    /// The later sequences of the same source that were armed before `until`.
    pub fn later<'a>(
        &'a self,
        knock: &'a Knock,
        due: &'a [Knock],
        until: Timestamp,
    ) -> impl Iterator<Item = &'a Knock> {
        self.open.iter().chain(due).filter(move |k| {
            k.source == knock.source && k.first() > knock.first() && k.arming().event.time < until
        })
    }

    /// Takes in an event of this host.
    pub fn hear(
        &mut self,
        place: Place,
        event: &Event,
        rules: &DoorRules,
        context: &Context,
        dropped: &mut u64,
    ) {
        let before = event.time.shifted(rules.held_for().negated());
        if self.open.is_empty() {
            // Nothing is waiting: only what a coming sequence may look back at must be kept.
            self.changes.forget(before);
            self.arrivals.forget(before);
            self.surroundings.forget(before);
            self.unheard.forget(before);
            self.visits.forget(before);
        }
        if let Some((at, touch)) = touch_of(event, context)
            && at == place
            && !self.was_let_in(&touch)
            && !self.is_late_segment(&touch)
        {
            if !self.has_touched(touch.source) {
                self.visits.touched(touch.source, dropped);
            }
            let open = &mut self.open;
            let heard = self.touches.hear(touch, &rules.knock, open, dropped);
            if let Heard::Armed(knock) = heard {
                self.armed += 1;
                self.wait_for(*knock, dropped);
            }
        }
        if arrival_place(event, context) == Some(place) {
            if let Some((remote, port)) = let_in(event, context) {
                let at = event.time;
                if self.touches.was_silent(remote, port, at)
                    && let Some((at, ends)) = self.answered.record(at, (remote, port))
                {
                    self.refute(at, ends, rules);
                }
                // A live connection that is logged again reaches nothing new.
                if !self.arrivals.knows(remote, port) {
                    self.visited(at, remote.address, port.1, rules, dropped);
                }
            }
            if let What::Attempt(attempt) = &event.what
                && attempt.transport == Transport::TCP
            {
                let at = event
                    .at_the_answered_try()
                    .map_or(event.time, |entry| entry.time);
                let (by, port) = (attempt.initiator, attempt.responder.port);
                self.visited(at, by.address, port, rules, dropped);
                if self.touches.was_silent(by, (Transport::TCP, port), at) {
                    self.answered.attempt(at, (by, (Transport::TCP, port)));
                }
            }
            self.arrivals.hear(event, before, context, dropped);
            if let Some(source) = visitor(event, context) {
                self.bring_back(source, event.time, rules, dropped);
            }
        }
        callers(event, context, &mut |caller| {
            if caller == place {
                self.calls.hear(place, event, context);
            }
        });
        if let Some((at, (port, remote))) = left_over(event, context)
            && at == place
        {
            let (port, open) = ((Transport::TCP, port), &mut self.open);
            let rules = &rules.knock;
            self.touches
                .drop_left_over(remote, port, event.time, rules, open);
        }
        if unheard_place(event, context) == Some(place)
            && visitor(event, context).is_some_and(|source| self.has_touched(source))
        {
            self.unheard.hear(event, dropped);
        }
        if let What::Host(host) = &event.what
            && context.identity.place_of(host) == Some(place)
        {
            self.changes.hear(event, dropped);
            self.surroundings.hear(event, dropped);
        }
    }

    /// True if what a source does now may be part of what its touches are: of others nothing is asked.
    fn has_touched(&self, source: IpAddr) -> bool {
        self.touches.last_of(source).is_some()
    }

    fn visited(
        &mut self,
        at: Timestamp,
        by: IpAddr,
        port: u16,
        rules: &DoorRules,
        dropped: &mut u64,
    ) {
        let (touches, gap) = (self.has_touched(by), rules.knock.gap);
        self.visits.hear((at, by, port), touches, gap, dropped);
    }

    /// Opens an episode. Among very many the oldest makes room.
    fn wait_for(&mut self, knock: Knock, dropped: &mut u64) {
        if self.open.len() >= EPISODES {
            self.open.remove(0);
            // One that was brought back is older than the crowd.
            self.crowded = self.crowded.max(Some(knock.arming().event.time));
            *dropped += 1;
        }
        self.open.push(knock);
    }

    /// Opens the episode of `source` again if it had to make room and its time has not passed: whoever
    /// comes in after touches is the one to tell of, and others may knock in a crowd to hide it.
    fn bring_back(&mut self, source: IpAddr, now: Timestamp, rules: &DoorRules, dropped: &mut u64) {
        let wait = rules.window.plus(rules.linger);
        if self.crowded.is_some_and(|at| now.since(at) <= wait)
            && !self.open.iter().any(|k| k.source == source)
            && let Some(knock) = self.touches.sequence(source, &rules.knock)
            && now.since(knock.first()) <= wait
        {
            self.wait_for(knock, dropped);
        }
    }

    /// True for a row of a dropped packet that is of a connection which was there: between the endpoints of one
    /// that the host itself made, or that came in before; or where nothing holds the packet, at a port that its
    /// sender reached lately. Rows tell no flags: an end or a reset that comes late looks like a SYN.
    fn is_late_segment(&self, touch: &Touch) -> bool {
        if touch.transport != Transport::TCP || touch.on_the_wire() {
            return false;
        }
        let remote = Endpoint::new(touch.source, touch.source_port);
        let (port, at) = ((touch.transport, touch.port), touch.event.time);
        let reached_lately = || {
            let mut lately = self.arrivals.between(Timestamp::MIN, at);
            lately.any(|a| a.remote.address == touch.source && (a.transport, a.port) == port)
        };
        self.calls.answers(touch.port, remote)
            || self.arrivals.had_come(remote, port, at)
            || nothing_held(&touch.event) && reached_lately()
    }

    /// True for mere silence about a connection that the host's own log shows as let in.
    fn was_let_in(&self, touch: &Touch) -> bool {
        let remote = Endpoint::new(touch.source, touch.source_port);
        let port = (touch.transport, touch.port);
        touch.answer == Answer::Silence && self.arrivals.told(remote, port, touch.event.time)
    }

    /// Distinct open ports that the source of `knock` reached during it, or so shortly before or after that it
    /// is one undertaking, and before `until`.
    pub fn reached_beside(&self, knock: &Knock, until: Timestamp, rules: &KnockRules) -> usize {
        let from = knock.first().shifted(rules.gap.negated());
        let to = knock.last().event.time.shifted(rules.gap);
        self.visits.reached_by(knock.source, from, to.min(until))
    }

    /// Arrivals at a port after `after` by anyone but `source`.
    pub fn others_at(
        &self,
        transport: Transport,
        port: u16,
        source: IpAddr,
        after: Timestamp,
    ) -> impl Iterator<Item = &Arrival> {
        self.arrivals
            .between(after, Timestamp::MAX)
            .filter(move |a| {
                a.transport == transport && a.port == port && a.remote.address != source
            })
    }
}
