//! What opened (or closed) a door on a host: rules, filters, listeners, the firewall itself.
//!
//! A change is tied to a port by what it says, never by time alone. A change that names no port is
//! tied weakly and proves nothing by itself.

use super::rules::{KnownRules, Meaning, admits};
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::firewall::{Action, Layer, Ports, Rule, RuleChange, RuleSource};
use crate::model::host_event::{ServiceState, Verdict};
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{
    Direction, Event, HostWhat, Provenance, Span, Text, Timestamp, Transport, What,
};
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

/// What a change does to exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Lets something in: an active inbound allow rule or filter, a block rule removed.
    Opens,
    /// A rule changed and the log does not say how (4946 to 4948).
    Unknown,
    /// The firewall of a profile was switched off, or all rules were removed.
    Unprotects,
    /// A port is being listened on.
    Listens,
    /// Shuts something: an allow rule removed or disabled, a block rule added, the firewall on.
    Shuts,
}

/// One change, ready to be tied.
#[derive(Clone, Debug)]
pub struct Change {
    /// The record.
    pub event: Event,
    /// What it does.
    pub effect: Effect,
    burst: Option<u32>,
    /// The rule that it removed, and the record that told of it.
    was: Option<(Box<Rule>, Provenance)>,
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
/// A filter or a nameless record belongs to a rule of the same name within this time.
const SAME_RULE: Span = Span::seconds(2);
/// Changes remembered per host.
const CHANGES: usize = 512;

/// True for a record that `Changes` takes in: one that changes exposure, or says what rules and profiles
/// there are.
pub fn is_watched(what: &HostWhat) -> bool {
    matches!(
        what,
        HostWhat::FirewallRule { .. } | HostWhat::ProfileChanged { .. }
    ) || effect_of(what).is_some()
}

/// What a host event does to exposure, if anything.
fn effect_of(what: &HostWhat) -> Option<Effect> {
    Some(match what {
        HostWhat::FirewallRule { change, rule, .. } => rule_effect(*change, rule)?,
        HostWhat::FirewallSetting {
            enabled: Some(on), ..
        } => {
            if *on {
                Effect::Shuts
            } else {
                Effect::Unprotects
            }
        }
        HostWhat::FilterChanged { filter }
            if filter.by_windows_firewall
                && matches!(filter.layer, Layer::Accept | Layer::Listen) =>
        {
            match (filter.added, filter.action) {
                (true, Some(Action::Allow)) | (false, Some(Action::Block)) => Effect::Opens,
                (false, Some(Action::Allow)) | (true, Some(Action::Block)) => Effect::Shuts,
                (_, None) => return None,
            }
        }
        HostWhat::Listening {
            verdict: Verdict::Permitted,
            ..
        } => Effect::Listens,
        HostWhat::Bound {
            verdict: Verdict::Permitted,
            local,
            transport: Transport::UDP,
            ..
        } if local.port < FIRST_DYNAMIC_PORT && local.port != 0 => Effect::Listens,
        HostWhat::ServiceStateChanged {
            name,
            state: ServiceState::Stopped,
        } if name.eq_ignore_ascii_case("Windows Firewall")
            || name.eq_ignore_ascii_case("Windows Defender Firewall")
            || name.eq_ignore_ascii_case("mpssvc") =>
        {
            Effect::Unprotects
        }
        _ => return None,
    })
}

fn rule_effect(change: RuleChange, rule: &Rule) -> Option<Effect> {
    if rule.direction == Some(Direction::Outbound) {
        return None;
    }
    match change {
        RuleChange::AllRemoved => Some(Effect::Unprotects),
        RuleChange::NotApplied | RuleChange::Listed => None,
        RuleChange::Removed => Some(match rule.action {
            Some(Action::Block) => Effect::Opens,
            Some(Action::Allow) => Effect::Shuts,
            None => Effect::Unknown,
        }),
        RuleChange::Added | RuleChange::Modified => {
            let opening = match (rule.direction, rule.action) {
                (Some(_), Some(action)) => action == Action::Allow,
                _ => return Some(Effect::Unknown),
            };
            match (opening, rule.active) {
                (true, Some(true) | None) => Some(Effect::Opens),
                (false, Some(false)) if change == RuleChange::Modified => Some(Effect::Opens),
                (true, Some(false)) if change == RuleChange::Modified => Some(Effect::Shuts),
                (true, Some(false)) | (false, Some(false)) => None,
                (false, _) => Some(Effect::Shuts),
            }
        }
    }
}

impl Change {
    /// How telling a record is, lowest first: the firewall's own log names who, where from and
    /// which port; the registry the port; a filter a part; the audit log only a name.
    pub fn rank(&self) -> u8 {
        let source = rule_and_source(self).map(|(_, source)| source);
        match source {
            Some(RuleSource::FirewallLog) => 0,
            Some(RuleSource::Registry) => 1,
            Some(RuleSource::SecurityLog) => 3,
            None if filter_name(self).is_some() => 2,
            None => 0,
        }
    }

    /// The record that told what the rule was that it removed.
    pub fn rests_on(&self) -> Option<Provenance> {
        self.was.as_ref().map(|(_, told_by)| *told_by)
    }

    /// True if both are records of one change: of one rule, filter or listener, within a moment.
    pub fn tells_the_same_as(&self, other: &Self) -> bool {
        if other.event.time.since(self.event.time).abs() > SAME_RULE {
            return false;
        }
        let named = |c: &Self| {
            let rule = rule_of(c).map(|r| r.name.clone()).filter(|n| !n.is_empty());
            rule.or_else(|| filter_name(c).cloned())
        };
        let id = |c: &Self| {
            rule_of(c)
                .map(|r| r.id.to_lowercase())
                .filter(|i| !i.is_empty())
        };
        let same_name = named(self).is_some() && named(self) == named(other);
        let same_id = id(self).is_some() && id(self) == id(other);
        let same_listener = listens_on(self).is_some()
            && listens_on(self) == listens_on(other)
            && image_of(self) == image_of(other);
        same_name || same_id || same_listener
    }
}

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
                Meaning::Nothing => None,
                Meaning::Was(rule, told_by) => {
                    let effect = rule_effect(*change, &rule);
                    was = Some((rule, told_by));
                    effect
                }
            },
            HostWhat::ProfileChanged {
                bits, interface, ..
            } => {
                self.known.profile(interface, *bits);
                None
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
            Ports::Any | Ports::Ranges(_) => Tie::Covers,
            Ports::Keyword(_) | Ports::Unknown => Tie::Weak,
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

fn rule_and_source(change: &Change) -> Option<(&Rule, RuleSource)> {
    match &change.event.what {
        What::Host(host) => match &host.what {
            HostWhat::FirewallRule { rule, source, .. } => {
                Some((change.was.as_ref().map_or(rule, |(was, _)| was), *source))
            }
            _ => None,
        },
        _ => None,
    }
}

fn rule_of(change: &Change) -> Option<&Rule> {
    rule_and_source(change).map(|(rule, _)| rule)
}

fn filter_name(change: &Change) -> Option<&Text> {
    match &change.event.what {
        What::Host(host) => match &host.what {
            HostWhat::FilterChanged { filter } => Some(&filter.name),
            _ => None,
        },
        _ => None,
    }
}

/// Transport and port of a listener record.
pub fn listens_on(change: &Change) -> Option<(Transport, u16)> {
    match &change.event.what {
        What::Host(host) => match &host.what {
            HostWhat::Listening {
                transport, local, ..
            }
            | HostWhat::Bound {
                transport, local, ..
            } => Some((*transport, local.port)),
            _ => None,
        },
        _ => None,
    }
}

/// The program a change names: who listens, or who changed the rule.
pub fn image_of(change: &Change) -> Option<Text> {
    let What::Host(host) = &change.event.what else {
        return None;
    };
    match &host.what {
        HostWhat::Listening { process, .. } | HostWhat::Bound { process, .. } => {
            Some(process.image.clone())
        }
        HostWhat::FirewallRule { rule, .. } if !rule.changed_by.is_empty() => {
            Some(rule.changed_by.clone())
        }
        HostWhat::FirewallSetting { changed_by, .. } if !changed_by.is_empty() => {
            Some(changed_by.clone())
        }
        _ => None,
    }
}

/// The account a change names.
pub fn user_of(change: &Change) -> Option<Text> {
    rule_of(change)
        .map(|r| r.changed_by_user.clone())
        .filter(|u| !u.is_empty())
}

/// True if the change's program or account is on a list of names: a file name, a whole path, or an
/// account.
pub fn made_by(change: &Change, names: &[String]) -> bool {
    let image = image_of(change);
    let user = user_of(change);
    names.iter().any(|name| {
        image.as_ref().is_some_and(|i| {
            image_name(i).eq_ignore_ascii_case(name) || image_key(i) == image_key(name)
        }) || user.as_ref().is_some_and(|u| u.eq_ignore_ascii_case(name))
    })
}

/// True if the change lets in `source` and nobody else.
pub fn only_for(change: &Change, source: IpAddr) -> bool {
    rule_of(change).is_some_and(|r| r.remotes.only(source))
}

/// The one port a change opens to `source`: a rule that names a single port, or a listener on a
/// port that is not dynamic. `own` are the host's addresses.
pub fn named_port(change: &Change, source: IpAddr, own: &[IpAddr]) -> Option<u16> {
    match change.effect {
        Effect::Listens => listens_on(change)
            .filter(|(t, p)| *t == Transport::TCP && *p < FIRST_DYNAMIC_PORT)
            .map(|(_, p)| p),
        Effect::Opens => {
            let rule = rule_of(change)?;
            let admitted = admits(rule, source, None, own);
            if !admitted || rule.protocol == Some(Some(Transport::UDP.0)) {
                return None;
            }
            match &rule.local_ports {
                Ports::Ranges(ranges) if ranges.len() == 1 && ranges[0].0 == ranges[0].1 => {
                    Some(ranges[0].0)
                }
                _ => None,
            }
        }
        _ => None,
    }
}
