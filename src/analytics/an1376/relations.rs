//! The relations of one host by route, and which of them are watched because they were established.

use super::relation::{Relation, Route};
use crate::model::Timestamp;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Relations remembered per host.
const HELD: usize = 4096;

/// Where a relation is held, until it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationId(u32);

/// Relations by route. Each keeps its place, so that the watched ones are gone through without
/// looking up their routes: that is done for every new contact.
#[derive(Default)]
pub struct Relations {
    // In boxes: most hosts have few, and a row keeps room for more.
    held: Vec<Option<Box<(Route, Relation)>>>,
    free: Vec<RelationId>,
    // Looked up, never walked in its own order.
    index: HashTable<RelationId>,
    hasher: RandomState,
}

impl Relations {
    /// Where the relation of a route is held.
    pub fn find(&self, route: &Route) -> Option<RelationId> {
        let same = |place: &RelationId| self.at(*place).is_some_and(|(held, _)| held == route);
        let hash = self.hasher.hash_one(route);
        self.index.find(hash, same).copied()
    }

    /// The relation held at a place, with its route.
    pub fn at(&self, place: RelationId) -> Option<(&Route, &Relation)> {
        let (route, relation) = &**self.held.get(place.0 as usize)?.as_ref()?;
        Some((route, relation))
    }

    /// The relation held at a place, to be changed.
    pub fn at_mut(&mut self, place: RelationId) -> Option<&mut Relation> {
        Some(&mut self.held.get_mut(place.0 as usize)?.as_mut()?.1)
    }

    /// The relation of a route.
    pub fn get(&self, route: &Route) -> Option<&Relation> {
        self.at(self.find(route)?).map(|(_, relation)| relation)
    }

    /// All of them with their routes, in no order.
    pub fn all(&self) -> impl Iterator<Item = (&Route, &Relation)> {
        self.held.iter().flatten().map(|held| (&held.0, &held.1))
    }

    /// About how many bytes they take: most have few contacts, of which the first event is held.
    /// Not what the table has allocated: that depends on where its keys happened to fall.
    pub fn weight(&self) -> usize {
        self.index.len() * (size_of::<(Route, Relation)>() + 32 + 512)
    }

    /// True if the next one is one too many.
    pub fn are_full(&self) -> bool {
        self.index.len() >= HELD
    }

    /// Adds one whose route is new.
    pub fn add(&mut self, route: Route, relation: Relation) -> RelationId {
        let hash = self.hasher.hash_one(&route);
        let one = Some(Box::new((route, relation)));
        let place = match self.free.pop() {
            Some(place) => {
                self.held[place.0 as usize] = one;
                place
            }
            None => {
                self.held.push(one);
                RelationId((self.held.len() - 1) as u32)
            }
        };
        let (held, hasher) = (&self.held, &self.hasher);
        let hash_of = |place: &RelationId| hash_at(held, hasher, *place);
        self.index.insert_unique(hash, place, hash_of);
        place
    }

    /// Forgets the older half of those that are neither `watched` nor of a route in `waiting`.
    pub fn forget<'r>(
        &mut self,
        watched: &[RelationId],
        waiting: impl Iterator<Item = &'r Route>,
        dropped: &mut u64,
    ) {
        let mut needed = vec![false; self.held.len()];
        for place in waiting
            .filter_map(|route| self.find(route))
            .chain(watched.iter().copied())
        {
            needed[place.0 as usize] = true;
        }
        let free = |(held, needed): (&Option<Box<(Route, Relation)>>, &bool)| {
            held.as_ref().filter(|_| !needed).map(|held| held.1.last)
        };
        let mut lasts: Vec<Timestamp> = self.held.iter().zip(&needed).filter_map(free).collect();
        let half = lasts.len() / 2;
        if half >= lasts.len() {
            return;
        }
        let middle = *lasts.select_nth_unstable(half).1;
        for (place, needed) in needed.into_iter().enumerate() {
            let old = |held: &mut Box<(Route, Relation)>| !needed && held.1.last <= middle;
            let Some(gone) = self.held[place].take_if(old) else {
                continue;
            };
            let (place, hash) = (RelationId(place as u32), self.hasher.hash_one(&gone.0));
            if let Ok(entry) = self.index.find_entry(hash, |held| *held == place) {
                entry.remove();
            }
            self.free.push(place);
            *dropped += 1;
        }
        let (held, hasher) = (&self.held, &self.hasher);
        self.index
            .shrink_to_fit(|place| hash_at(held, hasher, *place));
    }
}

fn hash_at(
    held: &[Option<Box<(Route, Relation)>>],
    hasher: &RandomState,
    place: RelationId,
) -> u64 {
    held[place.0 as usize]
        .as_ref()
        .map_or(0, |held| hasher.hash_one(&held.0))
}

#[cfg(test)]
mod tests {
    use super::super::relation::Peer;
    use super::super::who::Who;
    use super::*;
    use crate::model::samples::record;
    use crate::model::{HostWhat, Transport};

    fn route(port: u16) -> Route {
        Route {
            who: Who::default(),
            transport: Transport::TCP,
            port,
            peer: Peer::Name("c2.example".into()),
        }
    }

    fn relation(second: i64) -> Relation {
        Relation::empty(record(second, "WS01", HostWhat::SystemStarted))
    }

    #[test]
    fn the_older_half_goes_and_is_counted_and_what_is_needed_stays() {
        let mut relations = Relations::default();
        for port in 1..=9 {
            relations.add(route(port), relation(i64::from(port)));
        }
        let (mut dropped, weight) = (0, relations.weight());
        let needed = route(1);
        let watched = relations.find(&route(2)).unwrap();
        relations.forget(&[watched], [&needed].into_iter(), &mut dropped);
        let left = |relations: &Relations| {
            (1..=9)
                .filter(|p| relations.find(&route(*p)).is_some())
                .collect::<Vec<u16>>()
        };
        assert_eq!((left(&relations), dropped), (vec![1, 2, 7, 8, 9], 4));
        assert!(relations.weight() < weight * 2 / 3);
        let (held, _) = relations.at(watched).unwrap();
        assert_eq!(*held, route(2), "what stays keeps its place");
        let place = relations.add(route(3), relation(3));
        assert_eq!(relations.find(&route(3)), Some(place));
        assert_eq!(left(&relations), [1, 2, 3, 7, 8, 9]);
    }
}
