//! The relations of one host by route, and which of them are watched because they were established.

use super::relation::{Relation, Route};
use crate::model::Timestamp;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};

/// Relations remembered per host.
const HELD: usize = 4096;

/// Relations by route.
#[derive(Default)]
pub struct Relations {
    // In boxes: most hosts have few, and a table keeps room for more. Never walked in its own order.
    held: HashMap<Route, Box<Relation>, RandomState>,
}

impl Relations {
    /// The relation of a route.
    pub fn get(&self, route: &Route) -> Option<&Relation> {
        self.held.get(route).map(|held| &**held)
    }

    /// The relation of a route, to be changed.
    pub fn get_mut(&mut self, route: &Route) -> Option<&mut Relation> {
        self.held.get_mut(route).map(|held| &mut **held)
    }

    /// True if the route is known.
    pub fn contains(&self, route: &Route) -> bool {
        self.held.contains_key(route)
    }

    /// About how many bytes they take: most have few contacts, of which the first event is held.
    /// Not what the table has allocated: that depends on where its keys happened to fall.
    pub fn weight(&self) -> usize {
        self.held.len() * (2 * size_of::<Route>() + size_of::<Relation>() + 512)
    }

    /// True if the next one is one too many.
    pub fn are_full(&self) -> bool {
        self.held.len() >= HELD
    }

    /// Adds one.
    pub fn add(&mut self, route: Route, relation: Relation) {
        self.held.insert(route, Box::new(relation));
    }

    /// Forgets the older half of those that are not `needed`.
    pub fn forget(&mut self, needed: &HashSet<&Route, RandomState>, dropped: &mut u64) {
        let mut lasts: Vec<Timestamp> = self
            .held
            .iter()
            .filter(|(route, _)| !needed.contains(route))
            .map(|(_, relation)| relation.last)
            .collect();
        lasts.sort_unstable();
        let Some(middle) = lasts.get(lasts.len() / 2).copied() else {
            return;
        };
        let before = self.held.len();
        self.held
            .retain(|route, relation| needed.contains(route) || relation.last > middle);
        *dropped += (before - self.held.len()) as u64;
        self.held.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::super::relation::Peer;
    use super::super::who::Who;
    use super::*;
    use crate::model::provenance::{Item, Provenance};
    use crate::model::{Event, EvidenceId, HostEvent, HostWhat, Transport, What};

    fn route(port: u16) -> Route {
        Route {
            who: Who::default(),
            transport: Transport::TCP,
            port,
            peer: Peer::Name("c2.example".into()),
        }
    }

    fn relation(second: i64) -> Relation {
        let time = Timestamp(second * 1_000_000_000);
        Relation::empty(Event {
            time,
            recorded: time,
            provenance: Provenance {
                evidence: EvidenceId(1),
                interface: 0,
                kind: Item::Record,
                item: second as u64,
                offset: 0,
            },
            what: What::host(HostEvent {
                computer: "WS01".into(),
                channel: "System".into(),
                provider: "".into(),
                event_id: 12,
                socket: None,
                written: time,
                timed: crate::model::Timed::Utc,
                what: HostWhat::SystemStarted,
            }),
        })
    }

    #[test]
    fn the_older_half_goes_and_is_counted_and_what_is_needed_stays() {
        let mut relations = Relations::default();
        for port in 1..=9 {
            relations.add(route(port), relation(i64::from(port)));
        }
        let (mut dropped, weight) = (0, relations.weight());
        let needed = route(1);
        relations.forget(&[&needed].into_iter().collect(), &mut dropped);
        let left: Vec<u16> = (1..=9).filter(|p| relations.contains(&route(*p))).collect();
        assert_eq!((left, dropped), (vec![1, 7, 8, 9], 5));
        assert!(relations.weight() < weight / 2);
    }
}
