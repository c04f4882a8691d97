//! Rules that were saved, or added, and let in nothing that was not let in before.

use super::change::SAME_RULE;
use crate::model::firewall::{Rule, RuleChange, RuleSource};
use crate::model::{Span, Text, Timestamp};
use std::collections::VecDeque;

/// Records remembered per host.
const HELD: usize = 512;

#[derive(Clone, Debug)]
struct Saved {
    at: Timestamp,
    id: Text,
    name: Text,
    // Who added it: a rule that is new counts among those of a deployment, whatever it lets in.
    added: Option<(RuleSource, Text, Text)>,
}

/// Such rules of one host, in the order told.
#[derive(Clone, Debug, Default)]
pub(super) struct Unchanged(VecDeque<Saved>);

impl Unchanged {
    /// Takes in a rule whose record changed nothing.
    pub(super) fn hear(
        &mut self,
        at: Timestamp,
        rule: &Rule,
        source: RuleSource,
        change: RuleChange,
        dropped: &mut u64,
    ) {
        if self.0.len() >= HELD {
            self.0.pop_front();
            *dropped += 1;
        }
        let hand = || {
            let (by, user) = (rule.changed_by.clone(), rule.changed_by_user.clone());
            (source, by, user)
        };
        self.0.push_back(Saved {
            at,
            id: rule.id.clone(),
            name: rule.name.clone(),
            added: (change == RuleChange::Added).then(hand),
        });
    }

    /// True if a record of this rule, near `at`, changed nothing: other logs tell of the same.
    pub(super) fn tells_of(&self, rule: &Rule, at: Timestamp) -> bool {
        let same = |saved: &Saved| !saved.id.is_empty() && saved.id.eq_ignore_ascii_case(&rule.id);
        self.near(at).any(same)
    }

    /// True if a record of a rule of this name, near `at`, changed nothing.
    pub(super) fn tells_of_name(&self, name: &Text, at: Timestamp) -> bool {
        self.near(at).any(|saved| saved.name == *name)
    }

    fn near(&self, at: Timestamp) -> impl Iterator<Item = &Saved> {
        let from = at.shifted(SAME_RULE.negated());
        let near = self.0.partition_point(|saved| saved.at < from);
        let until = at.shifted(SAME_RULE);
        self.0
            .range(near..)
            .take_while(move |saved| saved.at <= until)
    }

    /// How many were added within `span` of `at`, in that log, by the hand that `rule` names.
    pub(super) fn added_by(
        &self,
        rule: &Rule,
        source: RuleSource,
        at: Timestamp,
        span: Span,
    ) -> usize {
        let hand = (source, &rule.changed_by, &rule.changed_by_user);
        let added = self.0.iter().filter(|saved| {
            let by = saved.added.as_ref().map(|(s, by, user)| (*s, by, user));
            saved.at.since(at).abs() <= span && by == Some(hand)
        });
        added.count()
    }

    /// Forgets what is older than `before`.
    pub(super) fn forget(&mut self, before: Timestamp) {
        while self.0.front().is_some_and(|saved| saved.at < before) {
            self.0.pop_front();
        }
    }
}
