//! Whether what a change let in was shut again before somebody came.

use super::admission::Port;
use super::change::{Change, Effect, SAME_RULE, default_inbound, filter_name, rule_of};
use super::exposure::{Changes, Tie};
use crate::context::Context;
use crate::model::finding::Order;
use crate::model::firewall::{Action, Rule, RuleChange};
use crate::model::{Event, HostWhat, What};

/// True if a later change took back what `change` let in, and both orders are certain: after the change, and
/// before `entry`. A rule that was added again is a change of its own.
pub(super) fn is_undone(
    change: &Change,
    changes: &Changes,
    at: &Port<'_>,
    entry: &Event,
    context: &Context,
) -> bool {
    changes
        .told(change.event.time, entry.time)
        .filter(|later| takes_back(change, later, changes, at) && changes.stands(later))
        .any(|later| {
            context.order(&change.event, &later.event) == Order::Before
                && context.order(&later.event, entry) == Order::Before
        })
}

fn takes_back(change: &Change, later: &Change, changes: &Changes, at: &Port<'_>) -> bool {
    let (Some(was), Some(is)) = (what_of(change), what_of(later)) else {
        return false;
    };
    match (was, is) {
        (
            HostWhat::FirewallRule { .. } | HostWhat::FilterChanged { .. },
            HostWhat::FirewallRule {
                change: RuleChange::AllRemoved,
                ..
            },
        ) => change.effect == Effect::Opens && !lifted_a_block(change),
        (HostWhat::FirewallRule { .. }, HostWhat::FirewallRule { .. }) => {
            let (Some(opened), Some(rule)) = (rule_of(change), rule_of(later)) else {
                return false;
            };
            let blocks = rule.action == Some(Action::Block) && later.effect == Effect::Shuts;
            match lifted_a_block(change) {
                true => blocks && (same_name(opened, rule) || same_rule(opened, rule)),
                false => same_rule(opened, rule) && no_longer_lets_in(later, rule, changes, at),
            }
        }
        (HostWhat::FilterChanged { filter }, HostWhat::FirewallRule { .. }) => {
            let rule = rule_of(later).filter(|rule| rule.name == filter.name);
            filter.added && rule.is_some_and(|rule| no_longer_lets_in(later, rule, changes, at))
        }
        // Windows makes the filters of a rule anew when it is changed: new ones first, or old ones.
        (HostWhat::FilterChanged { filter }, HostWhat::FilterChanged { .. }) => {
            let apart = later.event.time.since(change.event.time) > SAME_RULE;
            let same = filter_name(later) == Some(&filter.name);
            filter.added && apart && same && later.effect == Effect::Shuts
        }
        (
            HostWhat::FirewallSetting {
                setting, profiles, ..
            },
            HostWhat::FirewallSetting {
                setting: other,
                profiles: of,
                ..
            },
        ) => {
            let default = |setting: &str| default_inbound(setting, "block").is_some();
            let all = profiles & 7 & !(of & 7) == 0;
            let named = (profiles & 7 == 0) == (of & 7 == 0);
            change.effect == Effect::Unprotects
                && later.effect == Effect::Shuts
                && default(setting) == default(other)
                && all
                && named
        }
        (
            HostWhat::ServiceStateChanged { name, .. },
            HostWhat::ServiceStateChanged { name: other, .. },
        ) => {
            matches!(change.effect, Effect::Unprotects | Effect::Listens)
                && later.effect == Effect::Shuts
                && name == other
        }
        (
            HostWhat::RegistryChanged { target, .. },
            HostWhat::RegistryChanged { target: other, .. },
        ) => {
            change.effect == Effect::Listens
                && later.effect == Effect::Shuts
                && target.eq_ignore_ascii_case(other)
        }
        _ => false,
    }
}

fn what_of(change: &Change) -> Option<&HostWhat> {
    match &change.event.what {
        What::Host(host) => Some(&host.what),
        _ => None,
    }
}

/// True for a rule whose removal, or whose being disabled, let something in.
fn lifted_a_block(change: &Change) -> bool {
    let blocks = |rule: &Rule| rule.action == Some(Action::Block);
    rule_of(change).is_some_and(blocks)
}

fn same_name(a: &Rule, b: &Rule) -> bool {
    !a.name.is_empty() && a.name == b.name
}

/// By RuleId where both are told; several rules may have one name.
fn same_rule(a: &Rule, b: &Rule) -> bool {
    match a.id.is_empty() || b.id.is_empty() {
        true => same_name(a, b),
        false => a.id.eq_ignore_ascii_case(&b.id),
    }
}

fn no_longer_lets_in(later: &Change, rule: &Rule, changes: &Changes, at: &Port<'_>) -> bool {
    let removed = matches!(
        what_of(later),
        Some(HostWhat::FirewallRule {
            change: RuleChange::Removed,
            ..
        })
    );
    let elsewhere = || later.effect == Effect::Opens && changes.tie_rule(rule, at) == Tie::None;
    removed || later.effect == Effect::Shuts || elsewhere()
}
