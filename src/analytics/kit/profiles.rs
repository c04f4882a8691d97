//! Which profiles of the firewall were active on a host, and when.

use crate::model::{Text, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// Interfaces whose profile is remembered.
const INTERFACES: usize = 16;
/// Changes remembered of one interface, the latest.
const CHANGES: usize = 32;

/// By interface: since when which profile was active on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Profiles(BTreeMap<Text, VecDeque<(Timestamp, u32)>>);

impl Profiles {
    /// Takes in which profile became active on an interface.
    pub(super) fn hear(&mut self, interface: &Text, bits: u32, at: Timestamp, dropped: &mut u64) {
        if self.0.len() >= INTERFACES && !self.0.contains_key(interface) {
            *dropped += 1;
            return;
        }
        let told = self.0.entry(interface.clone()).or_default();
        if told.len() >= CHANGES {
            told.pop_front();
            *dropped += 1;
        }
        told.push_back((at, bits));
    }

    /// False if every interface was told to have another profile at that time. A word that is not known (0)
    /// may stand for any; an interface that was told of later may not have been there.
    pub(super) fn may_be_active(&self, profiles: u32, at: Timestamp) -> bool {
        let mut then = self.0.values().filter_map(|told| {
            let before = told.iter().rev().find(|(since, _)| *since <= at);
            before.map(|(_, bits)| *bits)
        });
        let Some(first) = then.next() else {
            return true;
        };
        let fits = |bits: u32| bits == 0 || bits & profiles != 0;
        fits(first) || then.any(fits)
    }

    /// True if a profile became active on an interface between these times.
    pub(super) fn changed(&self, from: Timestamp, to: Timestamp) -> bool {
        self.0.values().any(|told| {
            told.iter().enumerate().any(|(i, (at, bits))| {
                let as_before = i > 0 && told[i - 1].1 == *bits;
                !as_before && from < *at && *at <= to
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_active_is_a_matter_of_when() {
        let at = |second: i64| Timestamp(second * 1_000_000_000);
        let mut profiles = Profiles::default();
        assert!(profiles.may_be_active(1, at(0)), "nothing was told");
        profiles.hear(&"{1}".into(), 4, at(1), &mut 0);
        assert!(profiles.may_be_active(1, at(0)), "not yet");
        assert!(!profiles.may_be_active(1, at(1)) && profiles.may_be_active(5, at(1)));
        profiles.hear(&"{2}".into(), 1, at(5), &mut 0);
        assert!(!profiles.may_be_active(1, at(4)) && profiles.may_be_active(1, at(5)));
        profiles.hear(&"{2}".into(), 2, at(9), &mut 0);
        assert!(profiles.may_be_active(1, at(8)) && !profiles.may_be_active(1, at(9)));
        profiles.hear(&"{2}".into(), 0, at(10), &mut 0);
        assert!(
            profiles.may_be_active(1, at(10)),
            "a word that is not known"
        );
        assert!(profiles.changed(at(8), at(9)) && !profiles.changed(at(5), at(8)));
    }
}
