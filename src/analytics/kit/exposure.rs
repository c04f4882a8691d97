//! What opened (or closed) a door on a host: rules, filters, listeners, the firewall itself.
//!
//! A change is tied to a port by what it says, never by time alone. A change that names no port is
//! tied weakly and proves nothing by itself.

use super::admission::{Port, tie_of_ports, tie_of_rule};
use super::bursts::Bursts;
use super::change::{
    Change, Effect, SAME_RULE, default_inbound, effect_of, filter_name, image_of, is_by_default,
    is_for_itself, is_reached_at, listener_of, listens_on, rule_and_source, rule_effect, rule_of,
    user_of,
};
use super::listeners::Listeners;
use super::rules::{KnownRules, Meaning};
use super::switches::Switches;
use super::unchanged::Unchanged;
use crate::model::firewall::Rule;
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Event, HostWhat, Span, Text, Timestamp, Transport, What};
use std::collections::VecDeque;

/// How strongly a change is tied to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// Not at all.
    None,
    /// The change says nothing about ports.
    Weak,
    /// The change covers the port among many.
    Covers,
    /// The change is for a program, and that program holds the port.
    Program,
    /// The change names the port.
    Exact,
}

/// This many rule changes by one hand, or new listeners, within a minute are a deployment.
pub const STORM: usize = 10;
/// Rule changes of one hand this close are one deployment.
const DEPLOYED_WITHIN: Span = Span::seconds(60);
/// Changes remembered per host.
const CHANGES: usize = 512;

/// The changes of one host, as long as they may matter.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    held: VecDeque<Change>,
    bursts: Bursts,
    known: KnownRules,
    unchanged: Unchanged,
    switches: Switches,
    defaults: Switches,
    listeners: Listeners,
}

impl Changes {
    /// How many changes and rules are remembered.
    pub fn held(&self) -> usize {
        self.held.len() + self.known.held() + self.listeners.held()
    }

    /// Takes in a host event.
    pub fn hear(&mut self, event: &Event, dropped: &mut u64) {
        let What::Host(host) = &event.what else {
            return;
        };
        let mut was = None;
        let effect = match &host.what {
            HostWhat::FirewallRule {
                change,
                source,
                rule,
            } => match self
                .known
                .hear(*change, *source, rule, event.order(), dropped)
            {
                Meaning::Itself => effect_of(&host.what),
                Meaning::Nothing => {
                    self.unchanged
                        .hear(event.time, rule, *source, *change, dropped);
                    None
                }
                Meaning::Was(rule, told_by) => {
                    let effect = rule_effect(*change, &rule);
                    was = Some((rule, told_by));
                    effect
                }
            },
            HostWhat::ProfileChanged {
                bits, interface, ..
            } => {
                self.known.profile(interface, *bits, event.time, dropped);
                None
            }
            HostWhat::FirewallSetting {
                setting,
                value,
                profiles,
                enabled: None,
                ..
            } => {
                let told = default_inbound(setting, value);
                let new = told.is_some_and(|open| self.defaults.hear(*profiles, !open, event.time));
                new.then(|| effect_of(&host.what)).flatten()
            }
            HostWhat::FirewallSetting {
                enabled: Some(on),
                profiles,
                ..
            } => {
                let new = self.switches.hear(*profiles, *on, event.time);
                new.then(|| effect_of(&host.what)).flatten()
            }
            what => effect_of(what),
        };
        let Some(effect) = effect else { return };
        let burst = match &host.what {
            // A policy is the firewall's: what others put up names its port.
            HostWhat::FilterChanged { filter } if filter.by_windows_firewall => {
                match self.bursts.hear(filter, event.time) {
                    Some(burst) => Some(burst),
                    None => return,
                }
            }
            _ => None,
        };
        if self.held.len() >= CHANGES {
            // Ports that are given for a while, and those of UDP, come and go by the hundred.
            let passing = |c: &Change| {
                let on = listens_on(c);
                on.is_some_and(|(t, p)| t != Transport::TCP || p >= FIRST_DYNAMIC_PORT)
            };
            let spare = self.held.iter().position(passing).unwrap_or_default();
            self.held.remove(spare);
            *dropped += 1;
        }
        self.held.push_back(Change {
            event: event.clone(),
            effect,
            burst,
            was,
            again: self.listeners.hear(event, dropped),
        });
    }

    /// False if the rule of this change, or the rule behind this filter, is for profiles none of which was
    /// told to be active at that time.
    pub fn is_in_force(&self, change: &Change, at: Timestamp) -> bool {
        let rule = rule_of(change).or_else(|| self.rule_behind(change));
        rule.is_none_or(|rule| self.known.is_in_force(rule, at))
    }

    /// True if a profile became active on an interface between these times.
    pub fn profile_changed(&self, from: Timestamp, to: Timestamp) -> bool {
        self.known.profile_changed(from, to)
    }

    /// The rule that a filter was made of, as a record near it tells: it knows whom it lets in, and from where.
    fn rule_behind(&self, change: &Change) -> Option<&Rule> {
        let name = filter_name(change)?;
        let near = |c: &&Change| {
            c.event.time.since(change.event.time).abs() <= SAME_RULE
                && rule_of(c).is_some_and(|r| r.name == *name && r.direction.is_some())
        };
        let behind = self.held.iter().filter(near).min_by_key(|c| c.rank());
        behind.and_then(rule_of)
    }

    /// How strongly a rule that a record tells of is tied. Each log says a part of what the rule is for: the
    /// record that says most of it decides.
    fn tie_told(&self, change: &Change, at: &Port<'_>) -> Tie {
        let Some((rule, source)) = rule_and_source(change) else {
            return Tie::None;
        };
        let other_logs = self.held.iter().filter(|c| {
            c.effect == change.effect
                && c.event.time.since(change.event.time).abs() <= SAME_RULE
                && rule_and_source(c).is_some_and(|(r, s)| {
                    let same = !r.id.is_empty() && r.id.eq_ignore_ascii_case(&rule.id);
                    s != source && same && r.direction.is_some()
                })
        });
        let by_others = other_logs.filter_map(rule_of).map(|r| self.tie_rule(r, at));
        by_others.fold(self.tie_rule(rule, at), Tie::min)
    }

    /// Forgets what is older than `before`.
    pub fn forget(&mut self, before: Timestamp) {
        while self.held.front().is_some_and(|c| c.event.time < before) {
            self.held.pop_front();
        }
        self.unchanged.forget(before);
        self.bursts.forget(before);
    }

    /// The changes from `from` to `to` that stand as changes: filter changes of a policy reload
    /// are left out, and so is a filter whose rule no other record names and whose burst is large.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Change> {
        self.told(from, to).filter(|c| self.stands(c))
    }

    /// The changes that were told from `from` to `to`, whether they stand or not.
    pub(super) fn told(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Change> {
        self.held
            .iter()
            .filter(move |c| c.event.time >= from && c.event.time <= to)
    }

    /// True if it stands as a change: see [`Changes::between`].
    pub(super) fn stands(&self, change: &Change) -> bool {
        if rule_of(change).is_some_and(|rule| self.unchanged.tells_of(rule, change.event.time)) {
            return false;
        }
        let Some(id) = change.burst else { return true };
        if let Some(name) = filter_name(change)
            && self.held.iter().any(|c| {
                c.event.time.since(change.event.time).abs() <= SAME_RULE
                    && rule_of(c).is_some_and(|r| !r.name.is_empty() && r.name == *name)
            })
        {
            return true;
        }
        self.bursts.is_small(id)
    }

    /// Rule changes within a minute around `change` that the same log tells of the same hand: many
    /// are a deployment. Where a log names no hand (the registry, the audit log), the log itself is
    /// the hand; a filter is counted with the rule it belongs to.
    pub fn storm_around(&self, change: &Change) -> usize {
        let own = rule_and_source(change);
        let behind = || {
            let name = filter_name(change)?;
            self.held
                .iter()
                .filter(|c| c.event.time.since(change.event.time).abs() <= SAME_RULE)
                .find_map(|c| rule_and_source(c).filter(|(r, _)| r.name == *name))
        };
        // Of several records of one change, the one that tells the maker says whose it is.
        let telling = || {
            let told = |c: &&Change| image_of(c).is_some() || user_of(c).is_some();
            let mut copies = self.held.iter().filter(|c| c.tells_the_same_as(change));
            rule_and_source(copies.find(told)?)
        };
        let Some((rule, source)) = telling().or(own).or_else(behind) else {
            return 0;
        };
        let by_the_hand = self.held.iter().filter(|c| {
            c.event.time.since(change.event.time).abs() <= DEPLOYED_WITHIN
                && rule_and_source(c).is_some_and(|(r, s)| {
                    s == source
                        && r.changed_by_user == rule.changed_by_user
                        && r.changed_by == rule.changed_by
                })
        });
        let anew = self
            .unchanged
            .added_by(rule, source, change.event.time, DEPLOYED_WITHIN);
        by_the_hand.count() + anew
    }

    /// Filters of other programs than the firewall that came within a minute around `change`, if it is one of
    /// them: many are a product that starts.
    pub fn filters_around(&self, change: &Change) -> usize {
        if !is_by_another(change) {
            return 0;
        }
        let near = |c: &&Change| {
            c.event.time.since(change.event.time).abs() <= DEPLOYED_WITHIN && is_by_another(c)
        };
        self.held.iter().filter(near).count()
    }

    /// Distinct ports that began to listen within a minute around `change`: many are a host or a
    /// suite of services starting up.
    pub fn listeners_around(&self, change: &Change) -> usize {
        let mut ports: Vec<_> = self
            .held
            .iter()
            .filter(|c| {
                c.effect == Effect::Listens
                    && c.event.time.since(change.event.time).abs() <= Span::seconds(60)
            })
            .filter_map(listens_on)
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports.len()
    }

    /// The image that listens on or binds the port, as told by a listener record up to `to`.
    pub fn listener(&self, transport: Transport, port: u16, to: Timestamp) -> Option<&Change> {
        self.held.iter().rev().find(|c| {
            c.event.time <= to
                && listens_on(c) == Some((transport, port))
                && !is_for_itself(c)
                && listener_of(c).is_some()
        })
    }

    /// How strongly `change` is tied to `port` for traffic from `source`. `holder` is the program
    /// that accepted a connection on the port, where a record names it; else a listener record up
    /// to `until` does.
    pub fn tie(&self, change: &Change, at: &Port<'_>) -> Tie {
        let tie = self.tie_alone(change, at);
        // One of many rule changes by the same hand within a minute is a deployment: only one that
        // names the port stands out of it. One of many new listeners is a host or a suite of
        // services starting, and each of them names a port.
        let in_a_storm = match change.effect {
            Effect::Listens => tie > Tie::Weak && self.listeners_around(change) >= STORM,
            _ if tie > Tie::Weak && self.filters_around(change) >= STORM => true,
            _ => tie < Tie::Exact && tie > Tie::Weak && self.storm_around(change) >= STORM,
        };
        if in_a_storm { Tie::Weak } else { tie }
    }

    fn tie_alone(&self, change: &Change, at: &Port<'_>) -> Tie {
        let Port {
            transport,
            number: port,
            ..
        } = *at;
        let What::Host(host) = &change.event.what else {
            return Tie::None;
        };
        match (&host.what, change.effect) {
            (_, Effect::Shuts) => Tie::None,
            (_, Effect::Unknown) => Tie::Weak,
            (_, Effect::Unprotects) => Tie::Covers,
            (_, Effect::Listens) => match listens_on(change) {
                Some((t, p)) if t == transport && p == port && is_reached_at(change, at) => {
                    match change.again {
                        true => Tie::Weak,
                        false if is_by_default(change) => Tie::Program,
                        false => Tie::Exact,
                    }
                }
                _ => Tie::None,
            },
            (HostWhat::FirewallRule { .. }, Effect::Opens) => self.tie_told(change, at),
            (HostWhat::FilterChanged { filter }, Effect::Opens) => {
                if filter.protocol.is_some_and(|p| p != transport.0) {
                    return Tie::None;
                }
                // Windows makes the filters of a rule anew when it is saved as it was.
                if self
                    .unchanged
                    .tells_of_name(&filter.name, change.event.time)
                {
                    return Tie::None;
                }
                match self.rule_behind(change) {
                    Some(rule) => self.tie_rule(rule, at),
                    None => {
                        let holder = || self.holder(at);
                        tie_of_ports(&filter.local_ports, &filter.application, at, &holder)
                    }
                }
            }
            _ => Tie::None,
        }
    }

    /// How strongly a rule is tied to a port: see `admission`.
    pub(super) fn tie_rule(&self, rule: &Rule, at: &Port<'_>) -> Tie {
        tie_of_rule(rule, at, &|| self.holder(at))
    }

    /// The program that a listener record names for the port.
    fn holder(&self, at: &Port<'_>) -> Option<Text> {
        self.listener(at.transport, at.number, at.until)
            .and_then(listener_of)
    }
}

/// True for a filter that another program than the firewall put up or took away.
fn is_by_another(change: &Change) -> bool {
    let What::Host(host) = &change.event.what else {
        return false;
    };
    matches!(&host.what, HostWhat::FilterChanged { filter } if !filter.by_windows_firewall)
}
