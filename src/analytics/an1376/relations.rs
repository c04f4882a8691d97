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
    pub fn weight(&self) -> usize {
        self.held.allocation_size() + self.held.len() * (size_of::<Relation>() + 512)
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
