//! Whether the firewall of a profile was switched, or told again to be what it is.

use crate::model::{Span, Timestamp};
use std::collections::BTreeMap;

/// Domain, private and public.
const PROFILES: u32 = 7;
/// Records so far apart tell of one change.
const SAME: Span = Span::seconds(5);

/// What the switch of each set of profiles is, and since when.
#[derive(Clone, Debug, Default)]
pub(super) struct Switches(BTreeMap<u32, (bool, Timestamp)>);

impl Switches {
    /// Takes in what a record says of the switch; true if it tells of a change. Policies are written anew as
    /// they are: what was off stays off. Several logs tell of one change, and of a profile that is not named
    /// nobody knows what it was.
    pub(super) fn hear(&mut self, profiles: u32, on: bool, time: Timestamp) -> bool {
        let profiles = profiles & PROFILES;
        if profiles == 0 {
            return true;
        }
        let known = self.0.entry(profiles).or_insert((on, time));
        if known.0 != on {
            *known = (on, time);
        }
        time.since(known.1).abs() <= SAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_that_is_told_again_is_no_change_unless_nobody_knows_which_it_is() {
        let at = |second: i64| Timestamp(second * 1_000_000_000);
        let mut switches = Switches::default();
        assert!(switches.hear(4, false, at(0)), "first told");
        assert!(switches.hear(4, false, at(2)), "by another log");
        assert!(!switches.hear(4, false, at(60)), "as it is");
        assert!(switches.hear(2, false, at(60)), "another profile");
        assert!(switches.hear(4, true, at(70)) && switches.hear(4, false, at(80)));
        assert!(switches.hear(0, false, at(90)) && switches.hear(0, false, at(150)));
    }
}
