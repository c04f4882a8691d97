//! What came near to a scan: the nearest count of a key, told where the key told no scan.

use super::recent::Probe;
use super::scan::actor_of;
use super::{Enumeration, Key};
use crate::analytics::Analytic;
use crate::analytics::kit::picture::host_words;
use crate::context::{Context, Place};
use crate::eventlog::normalise::image::image_name;
use crate::model::finding::NearMiss;
use crate::model::{Provenance, Text, Timestamp};

/// References told: the first contacts of the count.
const CITED: usize = 4;

/// The nearest count.
#[derive(Clone, Debug)]
pub(super) struct Near {
    count: usize,
    needed: usize,
    text: String,
    time: Timestamp,
    references: Vec<Provenance>,
    image: Text,
    /// Contacts of it that are tied to a process.
    tied: usize,
}

impl Near {
    /// True from two thirds of what is needed on.
    pub fn is_near(count: usize, needed: u32) -> bool {
        count * 3 >= needed as usize * 2
    }

    /// The count of `probes` where `needed` make a scan; `None` below two thirds of that.
    pub fn of(text: &str, setting: &str, probes: &[&Probe], needed: u32) -> Option<Self> {
        let count = probes.len();
        let last = probes.last()?;
        let near = Self::is_near(count, needed) && count > 1;
        let needed = needed as usize;
        let near = near && count < needed;
        near.then(|| Self {
            count,
            needed,
            text: format!("{count} {text}; {setting} make a finding"),
            time: last.time,
            references: probes
                .iter()
                .take(CITED)
                .map(|p| p.event.provenance)
                .collect(),
            image: actor_of(&last.event)
                .map(|a| a.process.image.clone())
                .unwrap_or_default(),
            tied: probes.iter().filter(|p| p.strength.is_some()).count(),
        })
    }

    /// True if less is missing, as a share of what is needed.
    pub fn nearer_than(&self, other: &Self) -> bool {
        self.count * other.needed > other.count * self.needed
    }

    /// The near miss of `key`; `None` for a source whose program tells it.
    pub fn tell(self, key: &Key, context: &Context) -> Option<NearMiss> {
        let who = match key {
            Key::Program { host, .. } => format!(
                "{} on {}",
                image_name(&self.image),
                host_words(Place::Host(*host), context)
            ),
            Key::Source(_) if self.tied * 5 >= self.count * 4 => return None,
            Key::Source(place) => host_words(*place, context),
        };
        Some(NearMiss {
            analytic: Enumeration::ABOUT.id,
            missing: u32::try_from(self.needed - self.count).unwrap_or(u32::MAX),
            time: self.time,
            text: format!("{who} reached {}", self.text),
            references: self.references,
        })
    }
}
