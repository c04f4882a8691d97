//! What opened (or closed) a door on a host: rules, filters, listeners, the firewall itself.
//!
//! A change is tied to a port by what it says, never by time alone. A change that names no port is
//! tied weakly and proves nothing by itself.

use super::change::{
    Change, Effect, SAME_RULE, effect_of, filter_name, image_of, listens_on, rule_and_source,
    rule_effect, rule_of,
};
use super::rules::{KnownRules, Meaning, admits};
use super::switches::Switches;
use crate::eventlog::normalise::image::image_key;
use crate::model::firewall::{Ports, Rule};
use crate::model::{Event, HostWhat, Span, Text, Timestamp, Transport, What};
use std::collections::VecDeque;
use std::net::IpAddr;

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
/// Rules that name at most this many ports name each of them.
const FEW_PORTS: usize = 8;
/// A burst of filter changes larger than this is a policy reload, not a rule (16 measured bursts:
/// one rule made 4 to 8 filters, reloads 40 to 1,889).
const FILTERS_OF_A_RULE: u32 = 12;
/// Filter changes closer than this belong to one burst.
const BURST_GAP: Span = Span::seconds(5);
/// Changes remembered per host.
const CHANGES: usize = 512;

#[derive(Clone, Debug)]
struct Burst {
    id: u32,
    last: Timestamp,
    rows: u32,
    housekeeping: bool,
}

/// The changes of one host, as long as they may matter.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    held: VecDeque<Change>,
    bursts: VecDeque<Burst>,
    next_burst: u32,
    known: KnownRules,
    // Rules that were saved as they were, by name.
    unchanged: VecDeque<(Timestamp, Text)>,
    switches: Switches,
}

impl Changes {
    /// How many changes and rules are remembered.
    pub fn held(&self) -> usize {
        self.held.len() + self.known.held()
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
                    if self.unchanged.len() >= CHANGES {
                        self.unchanged.pop_front();
                        *dropped += 1;
                    }
                    self.unchanged.push_back((event.time, rule.name.clone()));
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
                self.known.profile(interface, *bits, dropped);
                None
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
            HostWhat::FilterChanged { filter } => {
                let housekeeping = [
                    "Boot Time Filter",
                    "Port Scanning Prevention Filter",
                    "Query User",
                ]
                .iter()
                .any(|name| filter.name.contains(name));
                match self
                    .bursts
                    .back_mut()
                    .filter(|b| event.time.since(b.last) <= BURST_GAP)
                {
                    Some(burst) => {
                        burst.last = event.time;
                        burst.rows += 1;
                        burst.housekeeping |= housekeeping;
                    }
                    None => {
                        if self.bursts.len() >= CHANGES {
                            self.bursts.pop_front();
                        }
                        let id = self.next_burst;
                        self.next_burst = id.wrapping_add(1);
                        self.bursts.push_back(Burst {
                            id,
                            last: event.time,
                            rows: 1,
                            housekeeping,
                        });
                    }
                }
                self.bursts.back().map(|b| (b.id, b.rows))
            }
            _ => None,
        };
        if burst.is_some_and(|(_, rows)| rows > 4 * FILTERS_OF_A_RULE) {
            // Surely a reload: its further rows need not be held.
            return;
        }
        if self.held.len() >= CHANGES {
            self.held.pop_front();
            *dropped += 1;
        }
        self.held.push_back(Change {
            event: event.clone(),
            effect,
            burst: burst.map(|(id, _)| id),
            was,
        });
    }

    /// False if the rule of this change is for profiles none of which was told to be active.
    pub fn is_in_force(&self, change: &Change) -> bool {
        rule_of(change).is_none_or(|rule| self.known.is_in_force(rule))
    }

    /// Forgets what is older than `before`.
    pub fn forget(&mut self, before: Timestamp) {
        while self.held.front().is_some_and(|c| c.event.time < before) {
            self.held.pop_front();
        }
        while self.unchanged.front().is_some_and(|(at, _)| *at < before) {
            self.unchanged.pop_front();
        }
        while self.bursts.front().is_some_and(|b| b.last < before) {
            self.bursts.pop_front();
        }
    }

    /// The changes from `from` to `to` that stand as changes: filter changes of a policy reload
    /// are left out, and so is a filter whose rule no other record names and whose burst is large.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Change> {
        self.held
            .iter()
            .filter(move |c| c.event.time >= from && c.event.time <= to && self.stands(c))
    }

    fn stands(&self, change: &Change) -> bool {
        let Some(id) = change.burst else { return true };
        if let Some(name) = filter_name(change)
            && self.held.iter().any(|c| {
                c.event.time.since(change.event.time).abs() <= SAME_RULE
                    && rule_of(c).is_some_and(|r| !r.name.is_empty() && r.name == *name)
            })
        {
            return true;
        }
        self.bursts
            .iter()
            .find(|b| b.id == id)
            .is_some_and(|b| b.rows <= FILTERS_OF_A_RULE && !b.housekeeping)
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
        let Some((rule, source)) = own.or_else(behind) else {
            return 0;
        };
        self.held
            .iter()
            .filter(|c| {
                c.event.time.since(change.event.time).abs() <= Span::seconds(60)
                    && rule_and_source(c).is_some_and(|(r, s)| {
                        s == source
                            && r.changed_by_user == rule.changed_by_user
                            && r.changed_by == rule.changed_by
                    })
            })
            .count()
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
            c.event.time <= to && listens_on(c).is_some_and(|(t, p)| t == transport && p == port)
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
                Some((t, p)) if t == transport && p == port => Tie::Exact,
                _ => Tie::None,
            },
            (HostWhat::FirewallRule { .. }, Effect::Opens) => {
                rule_of(change).map_or(Tie::None, |rule| self.tie_rule(rule, at))
            }
            (HostWhat::FilterChanged { filter }, Effect::Opens) => {
                if filter.protocol.is_some_and(|p| p != transport.0) {
                    return Tie::None;
                }
                // Windows makes the filters of a rule anew when it is saved as it was.
                if self.unchanged.iter().any(|(at, name)| {
                    *name == filter.name && at.since(change.event.time).abs() <= SAME_RULE
                }) {
                    return Tie::None;
                }
                // The rule behind the filter knows more: whom it lets in, and from where.
                let behind = self.held.iter().find_map(|c| {
                    let near = c.event.time.since(change.event.time).abs() <= SAME_RULE;
                    rule_of(c).filter(|r| near && r.name == filter.name && r.direction.is_some())
                });
                match behind {
                    Some(rule) => self.tie_rule(rule, at),
                    None => self.tie_ports(&filter.local_ports, &filter.application, at),
                }
            }
            _ => Tie::None,
        }
    }

    fn tie_rule(&self, rule: &Rule, at: &Port<'_>) -> Tie {
        match rule.protocol {
            Some(Some(protocol)) if protocol != at.transport.0 => return Tie::None,
            _ => {}
        }
        if !admits(rule, at.source, at.local, at.own) {
            return Tie::None;
        }
        self.tie_ports(&rule.local_ports, &rule.application, at)
    }

    fn tie_ports(&self, ports: &Ports, application: &Text, at: &Port<'_>) -> Tie {
        if matches!(ports, Ports::Ranges(_)) && !ports.covers(at.number) {
            return Tie::None;
        }
        // What a keyword stands for, the rule does not say.
        let spelled_out = !matches!(ports, Ports::Mixed(..)) || ports.covers(at.number);
        if ports.names(at.number, FEW_PORTS) {
            return Tie::Exact;
        }
        let for_program = !application.is_empty() && !application.eq_ignore_ascii_case("System");
        if for_program {
            let listener = || {
                self.listener(at.transport, at.number, at.until)
                    .and_then(image_of)
            };
            return match at.holder.cloned().or_else(listener) {
                Some(image) if image_key(&image) == image_key(application) => Tie::Program,
                Some(_) => Tie::None,
                None => Tie::Weak,
            };
        }
        match ports {
            Ports::Any | Ports::Ranges(_) | Ports::Mixed(..) if spelled_out => Tie::Covers,
            _ => Tie::Weak,
        }
    }
}

/// A port that was reached, and what a tie to it needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Port<'a> {
    /// TCP or UDP.
    pub transport: Transport,
    /// The port.
    pub number: u16,
    /// Who reached it.
    pub source: IpAddr,
    /// The address of the host that was reached, where it is known.
    pub local: Option<IpAddr>,
    /// The host's addresses.
    pub own: &'a [IpAddr],
    /// The program that accepted the connection, where a record names it.
    pub holder: Option<&'a Text>,
    /// Listener records after this do not count.
    pub until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_a_keyword_beside_ports_may_let_in_what_it_does_not_spell_out() {
        let tie = |ports, number| {
            let at = Port {
                transport: Transport::TCP,
                number,
                source: IpAddr::from([198, 51, 100, 7]),
                local: None,
                own: &[],
                holder: None,
                until: Timestamp(0),
            };
            Changes::default().tie_ports(&ports, &Text::default(), &at)
        };
        let mixed = || Ports::Mixed(vec![(135, 135)], "RPC".into());
        assert_eq!(tie(mixed(), 135), Tie::Exact);
        assert_eq!(tie(mixed(), 49_666), Tie::Weak);
        assert_eq!(tie(Ports::Ranges(vec![(135, 135)]), 49_666), Tie::None);
        let wide = || Ports::Mixed(vec![(5_000, 6_000)], "RPC".into());
        assert_eq!(tie(wide(), 5_500), Tie::Covers);
    }
}
