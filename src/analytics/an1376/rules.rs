//! Outbound block rules of the host: whether an event puts one in place, and whether it covers a relation.

use super::relation::{Relation, Route};
use crate::eventlog::normalise::image::image_key;
use crate::model::firewall::{Action, Ports, Remotes, Rule, RuleChange};
use crate::model::host_event::HostWhat;
use crate::model::{Direction, Event, Span, What};
use std::net::IpAddr;

/// What begins this soon after a rule may have been let through before it took effect, or its time
/// may be off by so much.
pub const SETTLES: Span = Span::seconds(2);

/// Whether a rule or setting blocks a relation, as far as its record and the evidence tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// It names something else.
    No,
    /// Nothing says no: what it leaves out, or what is not known of the relation, decides.
    Maybe,
    /// All that it names is the relation's.
    Yes,
}

/// Whether the event is a rule or setting that would block the relation.
pub fn cover(event: &Event, route: &Route, relation: &Relation) -> Cover {
    let What::Host(host) = &event.what else {
        return Cover::No;
    };
    match &host.what {
        HostWhat::FirewallRule { rule, .. } => rule_covers(rule, route, relation),
        // Security 4950: "Default Outbound Action" becomes "Block". Rules that allow go before it.
        HostWhat::FirewallSetting { .. } => Cover::Maybe,
        _ => Cover::No,
    }
}

/// True if the event is a rule or setting that would block the relation, for all that is known.
pub fn covers(event: &Event, route: &Route, relation: &Relation) -> bool {
    cover(event, route, relation) > Cover::No
}

fn rule_covers(rule: &Rule, route: &Route, relation: &Relation) -> Cover {
    let is = |holds: bool| if holds { Cover::Yes } else { Cover::No };
    let protocol = match rule.protocol {
        Some(Some(protocol)) => is(protocol == route.transport.0),
        Some(None) => Cover::Yes,
        None => Cover::Maybe,
    };
    let port = match &rule.remote_ports {
        Ports::Any => Cover::Yes,
        // A rule that names nothing at all tells nothing.
        Ports::Unknown if rule.application.is_empty() && rule.remotes == Remotes::Unknown => {
            Cover::No
        }
        Ports::Unknown => Cover::Maybe,
        ports => is(ports.covers(route.port)),
    };
    let within = |address: &IpAddr| rule.remotes.covers(*address) == Some(true);
    let mut addresses = relation.addresses.iter();
    let remote = match &rule.remotes {
        Remotes::Any => Cover::Yes,
        Remotes::Unknown => Cover::Maybe,
        _ if addresses.clone().all(within) => is(!relation.addresses.is_empty()),
        _ if addresses.any(within) => Cover::Maybe,
        _ => Cover::No,
    };
    let program = match (rule.application.is_empty(), route.who.known()) {
        (true, _) => Cover::Yes,
        (false, false) => Cover::Maybe,
        (false, true) => is(image_key(&rule.application) == *route.who.program),
    };
    let service = match (rule.service.is_empty(), route.who.service.is_empty()) {
        (true, _) => Cover::Yes,
        (false, true) => Cover::Maybe,
        (false, false) => is(rule.service.eq_ignore_ascii_case(&route.who.service)),
    };
    protocol.min(port).min(remote).min(program).min(service)
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
    use crate::model::Transport;
    use crate::model::samples::record;

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
        record(0, "WS01", what)
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
        rule_covers(&rule, &route, &relation) > Cover::No
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
    fn what_a_rule_or_the_evidence_leaves_out_decides_nothing() {
        let (route, relation) = relation();
        let named = Rule {
            application: "C:\\Users\\pat\\upd.exe".into(),
            ..rule()
        };
        let somebody = Route {
            who: Who::default(),
            ..route.clone()
        };
        assert_eq!(rule_covers(&named, &route, &relation), Cover::Yes);
        assert_eq!(rule_covers(&named, &somebody, &relation), Cover::Maybe);
        let of_a_service = Rule {
            service: "dnscache".into(),
            ..rule()
        };
        assert_eq!(rule_covers(&of_a_service, &route, &relation), Cover::Maybe);
        let mut elsewhere = relation;
        elsewhere.addresses.push("203.0.113.10".parse().unwrap());
        let address: IpAddr = REMOTE.parse().unwrap();
        let to_one = Rule {
            remotes: Remotes::Ranges(vec![(address, address)]),
            ..rule()
        };
        assert_eq!(rule_covers(&to_one, &route, &elsewhere), Cover::Maybe);
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
