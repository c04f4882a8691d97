//! What a host's logs have told of its firewall so far: each rule as it was last, and which profiles
//! are active. A deletion names the rule only, and a change says what the rule is, not what it was.

use super::profiles::Profiles;
use super::reach::lets_in_all;
use crate::model::firewall::{Remotes, Rule, RuleChange, RuleSource};
use crate::model::net::may_share_a_subnet;
use crate::model::{Provenance, Span, Text, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Rules remembered per host; what lies beyond is not, and counted.
const RULES: usize = 1_024;
/// Several logs tell of one change within this time.
const ONE_CHANGE: Span = Span::seconds(2);

#[derive(Clone, Debug)]
struct Known {
    rule: Rule,
    // As it stood before `told`, where it was told for a while.
    before: Option<Box<Rule>>,
    told: Timestamp,
    told_by: Provenance,
    removed: Option<Timestamp>,
}

/// The rules and profiles of one host.
#[derive(Clone, Debug, Default)]
pub struct KnownRules {
    // By RuleId in lower case and the log that told: logs spell the same rule differently.
    rules: BTreeMap<(String, RuleSource), Known>,
    profiles: Profiles,
}

/// What a record of a rule means beside what was told before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// What it says itself.
    Itself,
    /// The rule that it removes was this one, as that record told.
    Was(Box<Rule>, Provenance),
    /// Nothing: the rule is what it was.
    Nothing,
}

impl KnownRules {
    /// How much is remembered, in rules.
    pub fn held(&self) -> usize {
        self.rules.len()
    }

    /// Takes in a record of a rule and says what it means.
    pub fn hear(
        &mut self,
        change: RuleChange,
        source: RuleSource,
        rule: &Rule,
        (time, at): (Timestamp, Provenance),
        dropped: &mut u64,
    ) -> Meaning {
        if change == RuleChange::AllRemoved {
            self.rules.clear();
        }
        if rule.id.is_empty() {
            return Meaning::Itself;
        }
        let id = rule.id.to_lowercase();
        let full = rule.direction.is_some() && rule.action.is_some();
        match change {
            RuleChange::Removed => {
                let any = (id.clone(), RuleSource::FirewallLog)..=(id, RuleSource::Registry);
                let mut meaning = Meaning::Itself;
                for (_, known) in self.rules.range_mut(any) {
                    let removed = *known.removed.get_or_insert(time);
                    if meaning == Meaning::Itself && time.since(removed) <= ONE_CHANGE {
                        let was = Rule {
                            changed_by: rule.changed_by.clone(),
                            changed_by_user: rule.changed_by_user.clone(),
                            ..known.rule.clone()
                        };
                        meaning = Meaning::Was(Box::new(was), known.told_by);
                    }
                }
                meaning
            }
            RuleChange::Added | RuleChange::Modified | RuleChange::Listed if full => {
                let key = (id, source);
                let before = self.rules.get(&key);
                // A value set in the registry may be new or changed; the log does not say.
                let may_be_saved = change == RuleChange::Modified || source == RuleSource::Registry;
                let same = may_be_saved
                    && before.is_some_and(|known| {
                        known.removed.is_none()
                            && time.since(known.told) > ONE_CHANGE
                            && says_the_same(&known.rule, rule)
                    });
                let same = same
                    || change != RuleChange::Listed
                        && self.let_in_before(&key, rule, may_be_saved, time);
                let before = self.rules.get(&key);
                if before.is_none() && self.rules.len() >= RULES {
                    *dropped += 1;
                } else {
                    let before = before.and_then(|known| known.standing(time));
                    let known = Known {
                        before: before.cloned().map(Box::new),
                        rule: rule.clone(),
                        told: time,
                        told_by: at,
                        removed: None,
                    };
                    self.rules.insert(key, known);
                }
                if same {
                    Meaning::Nothing
                } else {
                    Meaning::Itself
                }
            }
            _ => Meaning::Itself,
        }
    }

    /// True if all that `rule` lets in was let in before: by itself as it stood, or by another rule of the same
    /// log that still stands, or went a moment ago to come again.
    fn let_in_before(
        &self,
        key: &(String, RuleSource),
        rule: &Rule,
        may_be_saved: bool,
        time: Timestamp,
    ) -> bool {
        self.rules.iter().any(|(other, known)| {
            let gone = known.removed.map(|at| time.since(at));
            let stands = match gone {
                // Who adds a rule that was not removed told us less than happened.
                None => other != key || may_be_saved,
                Some(gone) => gone <= ONE_CHANGE,
            };
            let was = || known.standing(known.removed.unwrap_or(time));
            other.1 == key.1 && stands && was().is_some_and(|was| lets_in_all(was, rule))
        })
    }

    /// Takes in which profile became active on an interface.
    pub fn profile(&mut self, interface: &Text, bits: u32, at: Timestamp, dropped: &mut u64) {
        self.profiles.hear(interface, bits, at, dropped);
    }

    /// True if a profile became active on an interface between these times.
    pub fn profile_changed(&self, from: Timestamp, to: Timestamp) -> bool {
        self.profiles.changed(from, to)
    }

    /// False if the rule is for profiles none of which was told to be active at that time.
    pub fn is_in_force(&self, rule: &Rule, at: Timestamp) -> bool {
        let every = rule.profiles & 7 == 7 || rule.profiles == 0;
        every || self.profiles.may_be_active(rule.profiles, at)
    }
}

impl Known {
    /// The rule as it stood before `time`, a moment aside in which several records tell of one change.
    fn standing(&self, time: Timestamp) -> Option<&Rule> {
        match time.since(self.told) > ONE_CHANGE {
            true => Some(&self.rule),
            false => self.before.as_deref(),
        }
    }
}

/// True if both let the same pass, whoever wrote them.
fn says_the_same(a: &Rule, b: &Rule) -> bool {
    let meant = |rule: &Rule| Rule {
        name: Text::default(),
        changed_by: Text::default(),
        changed_by_user: Text::default(),
        ..rule.clone()
    };
    meant(a) == meant(b)
}

/// False if a rule cannot let in `source` to the host: its addresses, or those of the host that it is
/// for, leave them out. `own` are the host's addresses, `local` the one that was reached.
pub fn admits(rule: &Rule, source: IpAddr, local: Option<IpAddr>, own: &[IpAddr]) -> bool {
    let near = |address: &IpAddr| may_share_a_subnet(*address, source);
    let outside = match &rule.remotes {
        Remotes::LocalSubnet => !own.is_empty() && !own.iter().any(near),
        remotes => remotes.covers(source) == Some(false),
    };
    let elsewhere = local.is_some_and(|local| rule.locals.covers(local) == Some(false));
    !outside && !elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::firewall::Action;
    use crate::model::provenance::Item;
    use crate::model::{Direction, EvidenceId};

    fn rule(action: Action) -> Rule {
        Rule {
            id: "{A}".into(),
            direction: Some(Direction::Inbound),
            action: Some(action),
            active: Some(true),
            ..Rule::default()
        }
    }

    fn record(item: u64) -> Provenance {
        Provenance {
            evidence: EvidenceId(1),
            interface: 0,
            kind: Item::Record,
            item,
            offset: 0,
            inside: false,
        }
    }

    fn hear(known: &mut KnownRules, change: RuleChange, rule: &Rule, second: i64) -> Meaning {
        let at = (
            Timestamp(second * 1_000_000_000),
            record(second.unsigned_abs()),
        );
        known.hear(change, RuleSource::FirewallLog, rule, at, &mut 0)
    }

    #[test]
    fn a_deletion_is_of_the_rule_as_it_was_told() {
        let mut known = KnownRules::default();
        let bare = Rule {
            id: "{a}".into(),
            ..Rule::default()
        };
        assert_eq!(
            hear(&mut known, RuleChange::Removed, &bare, 0),
            Meaning::Itself
        );
        hear(&mut known, RuleChange::Listed, &rule(Action::Block), 1);
        let was = Meaning::Was(Box::new(rule(Action::Block)), record(1));
        assert_eq!(hear(&mut known, RuleChange::Removed, &bare, 10), was);
        // Another log tells of the same deletion; a later one is of something else.
        assert_eq!(hear(&mut known, RuleChange::Removed, &bare, 12), was);
        assert_eq!(
            hear(&mut known, RuleChange::Removed, &bare, 13),
            Meaning::Itself
        );
    }

    #[test]
    fn each_log_is_held_against_itself() {
        let mut known = KnownRules::default();
        let spelt = Rule {
            application: "%ProgramFiles%\\x.exe".into(),
            ..rule(Action::Allow)
        };
        let mut told = |second: i64, by: RuleSource, change: RuleChange, rule: &Rule| {
            let at = (Timestamp(second * 1_000_000_000), record(7));
            known.hear(change, by, rule, at, &mut 0)
        };
        let (log, registry) = (RuleSource::FirewallLog, RuleSource::Registry);
        told(0, registry, RuleChange::Added, &spelt);
        told(0, log, RuleChange::Added, &rule(Action::Allow));
        // The registry says of any value that it was set.
        let saved = [
            (registry, RuleChange::Added, &spelt),
            (log, RuleChange::Modified, &rule(Action::Allow)),
        ];
        for (by, change, rule) in saved {
            assert_eq!(told(9, by, change, rule), Meaning::Nothing);
        }
        // Deleted, and told by a third log: the firewall's own word of it stands.
        let bare = Rule {
            id: "{A}".into(),
            ..Rule::default()
        };
        let was = told(20, RuleSource::SecurityLog, RuleChange::Removed, &bare);
        assert_eq!(was, Meaning::Was(Box::new(rule(Action::Allow)), record(7)));
    }

    #[test]
    fn what_a_rule_was_before_is_no_change() {
        let mut known = KnownRules::default();
        let allow = rule(Action::Allow);
        hear(&mut known, RuleChange::Added, &allow, 0);
        // Within a moment it is the same change, told again.
        assert_eq!(
            hear(&mut known, RuleChange::Modified, &allow, 1),
            Meaning::Itself
        );
        assert_eq!(
            hear(&mut known, RuleChange::Modified, &allow, 9),
            Meaning::Nothing
        );
        let other = Rule {
            profiles: 1,
            ..allow.clone()
        };
        assert_eq!(
            hear(&mut known, RuleChange::Modified, &other, 20),
            Meaning::Itself
        );
        // Added once more, and changed after it was removed: somebody did something.
        assert_eq!(
            hear(&mut known, RuleChange::Added, &other, 30),
            Meaning::Itself
        );
        hear(&mut known, RuleChange::Removed, &other, 40);
        assert_eq!(
            hear(&mut known, RuleChange::Modified, &other, 50),
            Meaning::Itself
        );
    }

    #[test]
    fn a_rule_admits_whom_its_addresses_do_not_leave_out() {
        let (inside, outside): (IpAddr, IpAddr) =
            ("10.0.9.9".parse().unwrap(), "203.0.113.9".parse().unwrap());
        let own: [IpAddr; 1] = ["10.0.5.10".parse().unwrap()];
        let of = |remotes, locals| Rule {
            remotes,
            locals,
            ..rule(Action::Allow)
        };
        let subnet = of(Remotes::LocalSubnet, Remotes::Any);
        assert!(admits(&subnet, inside, None, &own) && !admits(&subnet, outside, None, &own));
        assert!(admits(&subnet, outside, None, &[]), "whose subnet?");
        let one = of(Remotes::Ranges(vec![(inside, inside)]), Remotes::Unknown);
        assert!(admits(&one, inside, None, &own) && !admits(&one, outside, None, &own));
        let other = of(Remotes::Any, Remotes::Ranges(vec![(inside, inside)]));
        assert!(!admits(&other, outside, Some(own[0]), &own));
        assert!(admits(&other, outside, Some(inside), &own) && admits(&other, outside, None, &own));
    }
}
