//! The signs that a relation was disrupted before something new came, strongest first.
//!
//! What the relation itself met (blocks, failures, resets, its name) is in `trouble`; here rules of
//! the host, containment times and silence join it.

use super::relation::{Relation, Route};
use super::settings::FallbackSettings;
use super::trouble::Trouble;
use crate::analytics::kit::contact::Fate;
use crate::eventlog::normalise::image::image_key;
use crate::model::firewall::{Action, Ports, Remotes, Rule, RuleChange};
use crate::model::host_event::HostWhat;
use crate::model::{Direction, Event, Span, Timestamp, What};

/// What begins this soon after a rule may have been let through before it took effect, or its time
/// may be off by so much.
pub const SETTLES: Span = Span::seconds(2);

/// One sign.
#[derive(Clone, Debug)]
pub struct Sign {
    /// `blocked-host`, `rule`, `reset`, `unreachable`, `name`, `silence`, `containment`.
    pub kind: &'static str,
    /// When: the first evidence of it.
    pub at: Timestamp,
    /// When a network that is down as a whole would have shown it first.
    pub felt: Timestamp,
    /// In decibans.
    pub weight: i32,
    /// It can stand alone.
    pub strong: bool,
    /// At the new channel's first use it was none yet: what makes it one came later.
    pub hindsight: bool,
    /// What the evidence shows.
    pub text: String,
    /// The events that show it.
    pub events: Vec<Event>,
}

/// What a sign is looked for in.
pub struct Place<'a> {
    /// The broken relation.
    pub route: &'a Route,
    /// What passed over it.
    pub relation: &'a Relation,
    /// What was wrong with it.
    pub trouble: Option<&'a Trouble>,
    /// Outbound block rules and settings of the host.
    pub rules: &'a [Event],
    /// Containment times stated for the host.
    pub containments: &'a [Timestamp],
    /// When it had worked last, and when the host had let it through last, before the new channel.
    pub good: Timestamp,
    /// See `good`.
    pub let_through: Timestamp,
    /// When the new channel was first used.
    pub until: Timestamp,
    /// The end of what is known of the host.
    pub end: Timestamp,
    /// How often it had failed in a row when the new channel came.
    pub failed_before: u32,
    /// True if the host let nothing through until then that a rule would have blocked.
    pub in_force: &'a dyn Fn(&Event) -> bool,
    /// True if the host gave a sign of life inside this stretch.
    pub awake: &'a dyn Fn(Timestamp, Timestamp) -> bool,
    /// The last contact before the new channel came.
    pub last_before: Timestamp,
    /// When the program was last heard at the same server and port, by whatever name.
    pub heard: &'a dyn Fn() -> Timestamp,
    /// True if what showed the channel would have shown it in this stretch too.
    pub covered: &'a dyn Fn(Timestamp, Timestamp) -> bool,
}

/// The signs of a disruption, strongest first.
pub fn signs(place: &Place<'_>, settings: &FallbackSettings) -> Vec<Sign> {
    let mut signs = Vec::new();
    let failures = place.trouble.map_or(0, |t| t.failures.count);
    let blocks = place.trouble.map_or(0, |t| t.blocks.count);
    if let Some(trouble) = place.trouble {
        own(trouble, place.failed_before, settings, &mut signs);
    }
    // What began after the new channel did not make way for it.
    signs.retain(|sign| sign.at <= place.until);
    let overdue = overdue(place, settings);
    for event in place.rules {
        let inside = place.let_through < event.time && event.time <= place.until;
        // What failed elsewhere had left the host.
        let left = place.trouble.and_then(|t| t.failures.last);
        let stopped = left.is_none_or(|left| left <= event.time.shifted(SETTLES));
        let covered = inside && covers(event, place.route, place.relation);
        if covered && stopped && (place.in_force)(event) {
            let blocked = place.trouble.and_then(|t| t.blocks.last);
            let took_effect = blocked.is_some_and(|at| at > event.time) || overdue.is_some();
            signs.push(Sign {
                kind: "rule",
                at: event.time,
                felt: event.time,
                weight: if took_effect { 8 } else { 3 },
                strong: took_effect,
                hindsight: false,
                text: if took_effect {
                    "a rule of the host that blocks it was added, and it did not work again"
                        .to_owned()
                } else {
                    "a rule of the host that would block it was added; no attempt was seen after it"
                        .to_owned()
                },
                events: vec![event.clone()],
            });
            break;
        }
    }
    for at in place.containments {
        if place.good <= *at && *at <= place.until {
            let permitted = place.let_through > *at;
            // Where no success is ever told, what went on may have worked.
            let strong = !permitted || place.relation.worked > 0;
            signs.push(Sign {
                kind: "containment",
                at: *at,
                felt: *at,
                weight: if strong { 6 } else { 3 },
                strong,
                hindsight: false,
                text: format!(
                    "the analyst stated containment at {}; until the new channel came {}",
                    at.rfc3339(),
                    if permitted {
                        "the host permitted more of it, and none of that is known to have worked"
                    } else {
                        "it did not work after that"
                    }
                ),
                events: Vec::new(),
            });
            break;
        }
    }
    let last = place.relation.last_shown();
    if let Some(overdue) = overdue
        && blocks + failures == 0
    {
        signs.push(Sign {
            kind: "silence",
            at: overdue.last,
            felt: overdue.last.shifted(overdue.beat),
            weight: 3,
            strong: false,
            hindsight: overdue.by_then < overdue.limit,
            text: format!(
                "it fell silent: after one contact every {} none for {} when the new channel came, and none in the {} looked at",
                overdue.beat, overdue.by_then, overdue.silent
            ),
            events: last.map(|(event, _)| event.clone()).into_iter().collect(),
        });
    }
    signs.sort_by_key(|sign| (!sign.strong, -sign.weight, sign.at));
    signs
}

fn own(trouble: &Trouble, failed_before: u32, settings: &FallbackSettings, signs: &mut Vec<Sign>) {
    if let Some(first) = trouble.blocks.events.first() {
        signs.push(Sign {
            kind: "blocked-host",
            at: first.time,
            felt: first.time,
            weight: 10,
            strong: true,
            hindsight: false,
            text: format!(
                "the host's own firewall blocked it {}",
                times(trouble.blocks.count)
            ),
            events: trouble.blocks.events.clone(),
        });
    }
    if trouble.failures.count >= settings.min_fail
        && let Some(first) = trouble.failures.events.first()
    {
        let prohibited = trouble.fates.contains(&Fate::Prohibited);
        let in_time = failed_before >= settings.min_fail;
        let fates: Vec<&str> = trouble.fates.iter().map(|fate| fate.word()).collect();
        signs.push(Sign {
            kind: "unreachable",
            at: first.time,
            felt: first.time,
            weight: match (in_time, prohibited) {
                (true, true) => 9,
                (true, false) => 8,
                (false, _) => 3,
            },
            strong: in_time,
            hindsight: !in_time,
            text: format!(
                "it failed {} in a row ({}){}{}",
                times(trouble.failures.count),
                fates.join(", "),
                if in_time {
                    String::new()
                } else {
                    format!("; {failed_before} of them before the new channel came")
                },
                if trouble.inferred {
                    "; no record names the process of these attempts, and only this program used that server and port"
                } else {
                    ""
                }
            ),
            events: trouble.failures.events.clone(),
        });
    }
    if let Some((at, event)) = &trouble.reset {
        signs.push(Sign {
            kind: "reset",
            at: *at,
            felt: *at,
            weight: if trouble.foreign_reset { 8 } else { 6 },
            strong: true,
            hindsight: false,
            text: if trouble.foreign_reset {
                "it was reset while in use, with a TTL that is not the remote's: a device on the way may have sent the reset".to_owned()
            } else {
                "the remote reset it while it was in use".to_owned()
            },
            events: vec![event.clone()],
        });
    }
    if let Some((event, turn)) = &trouble.name {
        signs.push(Sign {
            kind: "name",
            at: event.time,
            felt: event.time,
            weight: if trouble.answered { 3 } else { 7 },
            // A name that is answered apart inside works there as it did.
            strong: !trouble.answered,
            hindsight: false,
            text: if trouble.answered {
                format!(
                    "{}, and something answers there: a sinkhole, or the same service inside",
                    turn.words()
                )
            } else {
                turn.words().to_owned()
            },
            events: vec![event.clone()],
        });
    }
}

fn times(count: u32) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

/// A silence.
struct Overdue {
    /// The last that was heard of the channel.
    last: Timestamp,
    /// Median interval before it.
    beat: Span,
    /// How long it must be to be one.
    limit: Span,
    /// How long it was at the first use of the new channel.
    by_then: Span,
    /// How long it was as far as the evidence was looked at.
    silent: Span,
}

/// The silence of a relation that is a beacon and went without enough beats while the evidence goes on.
fn overdue(place: &Place<'_>, settings: &FallbackSettings) -> Option<Overdue> {
    let beat = place.relation.beacon(settings)?;
    let limit = Span(
        beat.median
            .0
            .saturating_mul(i64::from(settings.missing_beats)),
    );
    let limit = limit.max(settings.min_silence);
    let went_on = place.relation.last != place.last_before;
    if went_on || place.end.since(place.last_before) < limit {
        return None;
    }
    let mut last = (place.heard)();
    // A connection that is open when the next beat is due takes its place.
    let open = place.relation.open_until;
    if open >= last.shifted(beat.median) {
        last = open;
    }
    let silent = place.end.since(last);
    // A host that sleeps keeps silent altogether, and what wakes with it tells of no silence: it must
    // be heard where beats are missing, or a beat before the new channel comes.
    let due = last.shifted(beat.median);
    let before = place.until.shifted(beat.median.negated());
    let alive = || (place.awake)(due, last.shifted(limit).max(before));
    let seen = || (place.covered)(last, last.shifted(limit));
    (last <= place.until && silent >= limit && seen() && alive()).then(|| Overdue {
        last,
        beat: beat.median,
        limit,
        by_then: place.until.since(last),
        silent,
    })
}

/// True if the event is a rule whose fields say all that it blocks. What the default blocks, allowing
/// rules let through.
pub fn is_rule(event: &Event) -> bool {
    matches!(&event.what, What::Host(host) if matches!(host.what, HostWhat::FirewallRule { .. }))
}

/// True if the event is a rule or setting that would block the relation.
pub fn covers(event: &Event, route: &Route, relation: &Relation) -> bool {
    let What::Host(host) = &event.what else {
        return false;
    };
    match &host.what {
        HostWhat::FirewallRule { rule, .. } => rule_covers(rule, route, relation),
        // Security 4950: "Default Outbound Action" becomes "Block".
        HostWhat::FirewallSetting { .. } => true,
        _ => false,
    }
}

fn rule_covers(rule: &Rule, route: &Route, relation: &Relation) -> bool {
    let protocol = match rule.protocol {
        Some(Some(protocol)) => protocol == route.transport.0,
        Some(None) | None => true,
    };
    let port = match &rule.remote_ports {
        Ports::Any => true,
        Ports::Unknown => !rule.application.is_empty() || rule.remotes != Remotes::Unknown,
        ports => ports.covers(route.port),
    };
    let remote = match &rule.remotes {
        Remotes::Any | Remotes::Unknown => true,
        remotes => relation
            .addresses
            .iter()
            .any(|address| remotes.covers(*address) == Some(true)),
    };
    let program = rule.application.is_empty()
        || !route.who.known()
        || image_key(&rule.application) == *route.who.program;
    protocol && port && remote && program
}

/// True if the event puts an outbound block in place: a rule that says so in full, or the default.
pub fn blocks_outbound(what: &HostWhat) -> bool {
    match what {
        HostWhat::FirewallRule { change, rule, .. } => {
            matches!(change, RuleChange::Added | RuleChange::Modified)
                && rule.action == Some(Action::Block)
                && rule.direction == Some(Direction::Outbound)
                && rule.active != Some(false)
        }
        HostWhat::FirewallSetting { setting, value, .. } => {
            setting.eq_ignore_ascii_case("Default Outbound Action")
                && value.to_ascii_lowercase().contains("block")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::an1376::relation::Peer;
    use crate::analytics::an1376::who::Who;
    use crate::model::host_event::HostEvent;
    use crate::model::{EvidenceId, Provenance, Transport};
    use std::net::IpAddr;

    const REMOTE: &str = "203.0.113.9";

    fn relation() -> (Route, Relation) {
        let address: IpAddr = REMOTE.parse().unwrap();
        let route = Route {
            who: Who {
                program: "\\users\\pat\\upd.exe".into(),
                ..Who::default()
            },
            transport: Transport::TCP,
            port: 443,
            peer: Peer::Address(address),
        };
        let mut relation = Relation::empty(event(HostWhat::SystemStarted));
        relation.addresses = vec![address];
        (route, relation)
    }

    fn event(what: HostWhat) -> Event {
        Event {
            time: Timestamp(0),
            recorded: Timestamp(0),
            provenance: Provenance {
                evidence: EvidenceId(1),
                interface: 0,
                kind: crate::model::provenance::Item::Record,
                item: 1,
                offset: 0,
                inside: false,
            },
            what: What::host(HostEvent {
                computer: "WS01".into(),
                channel: "Security".into(),
                provider: "x".into(),
                event_id: 2004,
                socket: None,
                timed: crate::model::Timed::Utc,
                written: Timestamp(0),
                what,
            }),
        }
    }

    fn rule() -> Rule {
        Rule {
            direction: Some(Direction::Outbound),
            action: Some(Action::Block),
            active: Some(true),
            protocol: Some(None),
            remote_ports: Ports::Any,
            remotes: Remotes::Any,
            ..Rule::default()
        }
    }

    fn covered(rule: Rule) -> bool {
        let (route, relation) = relation();
        rule_covers(&rule, &route, &relation)
    }

    #[test]
    fn a_rule_covers_by_port_remote_protocol_and_program() {
        let ports = |port| Ports::Ranges(vec![(port, port)]);
        let to = |text: &str| {
            let address: IpAddr = text.parse().unwrap();
            Remotes::Ranges(vec![(address, address)])
        };
        assert!(covered(rule()));
        assert!(covered(Rule {
            remote_ports: ports(443),
            ..rule()
        }));
        assert!(!covered(Rule {
            remote_ports: ports(80),
            ..rule()
        }));
        assert!(covered(Rule {
            remotes: to(REMOTE),
            ..rule()
        }));
        assert!(!covered(Rule {
            remotes: to("203.0.113.10"),
            ..rule()
        }));
        assert!(!covered(Rule {
            protocol: Some(Some(17)),
            ..rule()
        }));
        let app = |path: &str| Rule {
            application: path.into(),
            ..rule()
        };
        assert!(covered(app("C:\\Users\\pat\\upd.exe")));
        assert!(!covered(app("C:\\Users\\pat\\other.exe")));
    }

    #[test]
    fn a_rule_that_tells_neither_port_nor_remote_nor_program_covers_nothing() {
        let bare = Rule {
            remote_ports: Ports::Unknown,
            remotes: Remotes::Unknown,
            ..rule()
        };
        assert!(!covered(bare));
    }

    #[test]
    fn only_an_active_outbound_block_blocks() {
        let told = |rule: Rule| HostWhat::FirewallRule {
            change: RuleChange::Added,
            source: crate::model::firewall::RuleSource::FirewallLog,
            rule: Box::new(rule),
        };
        assert!(blocks_outbound(&told(rule())));
        assert!(!blocks_outbound(&told(Rule {
            active: Some(false),
            ..rule()
        })));
        assert!(!blocks_outbound(&told(Rule {
            action: Some(Action::Allow),
            ..rule()
        })));
        let inbound = Rule {
            direction: Some(Direction::Inbound),
            ..rule()
        };
        assert!(!blocks_outbound(&told(inbound)));
        // Security 4946 tells neither direction nor action.
        assert!(!blocks_outbound(&told(Rule::default())));
    }
}
