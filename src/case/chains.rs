//! Which incident led to which: where the source of one is a host that was reached in another before.
//!
//! A link says what two findings cite, and no more: a completed connection to an address, and what the host
//! with that address did later. That the one caused the other is for people to judge.

use super::Incident;
use super::sides::{Started, aimed_at, started};
use crate::context::{Context, Place};
use crate::model::finding::{Finding, Order, Role};
use crate::model::{Event, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Links that are kept for an incident, in each direction, and incidents looked at for one place: the most
/// severe ones. Evidence may hold thousands of incidents of one host.
pub const LINKED: usize = 8;

/// What is known of the incidents before and after one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Incidents in which the source of this one was reached, the most severe first.
    pub reached_in: Vec<Reached>,
    /// Numbers of incidents whose source was reached in this one, the most severe first.
    pub source_of: Vec<usize>,
    /// There may be more than are listed.
    pub more: bool,
}

impl Chain {
    /// True if nothing is linked.
    pub fn is_empty(&self) -> bool {
        self.reached_in.is_empty() && self.source_of.is_empty()
    }
}

/// An incident in which the source of another was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its number.
    pub number: usize,
    /// How long before the first step of the other the connection was; `None` where the clocks leave their
    /// order open.
    pub before: Option<Span>,
}

/// Links the incidents that no rule suppresses.
pub fn link(incidents: &mut [Incident], context: &Context) {
    let mut chains = vec![Chain::default(); incidents.len()];
    let shown = || incidents.iter().filter(|i| i.suppressed.is_none());
    let mut reached: BTreeMap<Place, Vec<(usize, &Event)>> = BTreeMap::new();
    let mut full = BTreeSet::new();
    for incident in shown() {
        for (place, event) in reached_places(&incident.finding, context) {
            let at = reached.entry(place).or_default();
            match at.len() {
                ..LINKED => at.push((incident.number, event)),
                _ => drop(full.insert(place)),
            }
        }
    }
    for incident in shown() {
        let (Some(first), Some(source)) = (
            incident.finding.pattern().next().map(|step| &step.event),
            source(&incident.finding, context),
        ) else {
            continue;
        };
        for (number, event) in reached.get(&source).into_iter().flatten() {
            let order = context.order(event, first);
            if *number == incident.number || order == Order::After {
                continue;
            }
            chains[incident.number - 1].reached_in.push(Reached {
                number: *number,
                before: (order == Order::Before).then(|| first.time.since(event.time)),
            });
            let onward = &mut chains[number - 1];
            match onward.source_of.len() {
                ..LINKED => onward.source_of.push(incident.number),
                _ => onward.more = true,
            }
        }
        chains[incident.number - 1].more |= full.contains(&source);
    }
    for (incident, chain) in incidents.iter_mut().zip(chains) {
        incident.chain = chain;
    }
}

/// Where the connections that a finding cites were completed, with the first one of each place.
fn reached_places<'f>(finding: &'f Finding, context: &Context) -> BTreeMap<Place, &'f Event> {
    let mut places = BTreeMap::new();
    for step in finding.steps.iter().filter(|s| s.role == Role::Connect) {
        if let Some(address) = aimed_at(step, finding) {
            let place = context.identity.place(address, step.event.time);
            places.entry(place).or_insert(&step.event);
        }
    }
    places
}

/// Who did what a finding tells.
fn source(finding: &Finding, context: &Context) -> Option<Place> {
    let (who, identity) = (&finding.entities, &context.identity);
    let at = |address| identity.place(address, finding.first_time());
    match started(finding) {
        Started::Remote => who.remote.map(at),
        Started::Host => identity
            .named(&who.host_name)
            .map(Place::Host)
            .or_else(|| who.host_address.map(at)),
    }
}
