//! Whether one rule lets in all that another one does.

use super::admission::is_named_by_package;
use crate::model::Direction;
use crate::model::firewall::{Action, Ports, Remotes, Rule};

/// True if `wide` lets in all that `narrow` lets in, as far as both say what they let in.
pub(super) fn lets_in_all(wide: &Rule, narrow: &Rule) -> bool {
    let allows = |rule: &Rule| {
        rule.direction == Some(Direction::Inbound)
            && rule.action == Some(Action::Allow)
            && rule.active != Some(false)
    };
    let protocol = matches!(wide.protocol, Some(None))
        || wide.protocol.is_some() && wide.protocol == narrow.protocol;
    let profiles = match (wide.profiles & 7, narrow.profiles & 7) {
        (7, _) => true,
        (wide, narrow) => narrow != 0 && narrow & !wide == 0,
    };
    let for_any_or =
        |wide: &str, narrow: &str| wide.is_empty() || wide.eq_ignore_ascii_case(narrow);
    // What an app may receive opens nothing to others; a log may not name the package.
    let of_an_app = !wide.package.is_empty() || is_named_by_package(wide);
    let same_package = !of_an_app || wide.package == narrow.package && wide.name == narrow.name;
    allows(wide)
        && allows(narrow)
        && protocol
        && profiles
        && same_package
        && holds_ports(&wide.local_ports, &narrow.local_ports)
        && holds_ports(&wide.remote_ports, &narrow.remote_ports)
        && holds_addresses(&wide.remotes, &narrow.remotes)
        && holds_addresses(&wide.locals, &narrow.locals)
        && for_any_or(&wide.application, &narrow.application)
        && for_any_or(&wide.service, &narrow.service)
}

fn holds_ports(wide: &Ports, narrow: &Ports) -> bool {
    match (wide, narrow) {
        (Ports::Any, _) => true,
        // What could not be read may be anything.
        (Ports::Unknown, _) => false,
        (Ports::Ranges(wide), Ports::Ranges(narrow)) => within(wide, narrow),
        _ => wide == narrow,
    }
}

fn holds_addresses(wide: &Remotes, narrow: &Remotes) -> bool {
    match (wide, narrow) {
        (Remotes::Any, _) => true,
        (Remotes::Unknown, _) => false,
        (Remotes::Ranges(wide), Remotes::Ranges(narrow)) => within(wide, narrow),
        _ => wide == narrow,
    }
}

/// True if each of the narrow ranges lies in one of the wide ones.
fn within<T: Ord>(wide: &[(T, T)], narrow: &[(T, T)]) -> bool {
    narrow
        .iter()
        .all(|(low, high)| wide.iter().any(|(from, to)| from <= low && high <= to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn a_rule_that_narrows_another_lets_in_nothing_more() {
        let wide = Rule {
            direction: Some(Direction::Inbound),
            action: Some(Action::Allow),
            active: Some(true),
            protocol: Some(Some(6)),
            local_ports: Ports::Ranges(vec![(8000, 8999)]),
            remote_ports: Ports::Any,
            remotes: Remotes::Any,
            locals: Remotes::Any,
            profiles: 7,
            ..Rule::default()
        };
        let port = Rule {
            local_ports: Ports::Ranges(vec![(8530, 8530)]),
            ..wide.clone()
        };
        let one = IpAddr::from([198, 51, 100, 7]);
        let narrower = [
            port.clone(),
            Rule {
                remote_ports: Ports::Ranges(vec![(20, 20)]),
                ..wide.clone()
            },
            Rule {
                remotes: Remotes::Ranges(vec![(one, one)]),
                ..wide.clone()
            },
            Rule {
                locals: Remotes::Ranges(vec![(one, one)]),
                ..wide.clone()
            },
            Rule {
                profiles: 3,
                ..wide.clone()
            },
            Rule {
                application: r"C:\a.exe".into(),
                ..wide.clone()
            },
            Rule {
                service: "winmgmt".into(),
                ..wide.clone()
            },
        ];
        for narrow in &narrower {
            assert!(lets_in_all(&wide, narrow) && lets_in_all(narrow, narrow));
            assert!(!lets_in_all(narrow, &wide), "{narrow:?}");
        }
        let blocked = Rule {
            action: Some(Action::Block),
            ..wide.clone()
        };
        let off = Rule {
            active: Some(false),
            ..wide.clone()
        };
        assert!(!lets_in_all(&blocked, &port) && !lets_in_all(&off, &port));
        let silent = Rule {
            protocol: None,
            ..wide.clone()
        };
        let app = Rule {
            name: "@{App_8wekyb3d8bbwe?ms-resource://App/Name}".into(),
            local_ports: Ports::Any,
            ..wide.clone()
        };
        assert!(!lets_in_all(&app, &port));
        assert!(!lets_in_all(&silent, &port) && !lets_in_all(&silent, &silent));
    }
}
