//! Whether a rule lets in a visitor at a port, and how plainly it says so.

use super::change::is_service_host;
use super::exposure::Tie;
use super::rules::admits;
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::firewall::{Ports, Rule};
use crate::model::{Text, Timestamp, Transport};
use std::net::IpAddr;

/// Rules that name at most this many ports name each of them.
pub(super) const FEW_PORTS: usize = 8;

/// A port that was reached, and what a tie to it needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Port<'a> {
    /// TCP or UDP.
    pub transport: Transport,
    /// The port.
    pub number: u16,
    /// Who reached it.
    pub source: IpAddr,
    /// The port it came from, where it is known.
    pub source_port: Option<u16>,
    /// The address of the host that was reached, where it is known.
    pub local: Option<IpAddr>,
    /// The host's addresses.
    pub own: &'a [IpAddr],
    /// The program that accepted the connection, where a record names it.
    pub holder: Option<&'a Text>,
    /// Listener records after this do not count.
    pub until: Timestamp,
}

/// How strongly `rule` is tied to a port. `listening` tells the program that a listener record names for it.
pub(super) fn tie_of_rule(rule: &Rule, at: &Port<'_>, listening: &dyn Fn() -> Option<Text>) -> Tie {
    if matches!(rule.protocol, Some(Some(protocol)) if protocol != at.transport.0) {
        return Tie::None;
    }
    let from_elsewhere = |port: u16| {
        matches!(rule.remote_ports, Ports::Ranges(_)) && !rule.remote_ports.covers(port)
    };
    if !admits(rule, at.source, at.local, at.own) || at.source_port.is_some_and(from_elsewhere) {
        return Tie::None;
    }
    let tie = tie_of_ports(&rule.local_ports, &rule.application, at, listening);
    // Whether the port is of that app or service, no record tells: services share one program.
    let for_one_of_many = is_for_package(rule) || tie < Tie::Exact && is_for_shared_service(rule);
    match for_one_of_many {
        true => tie.min(Tie::Weak),
        false => tie,
    }
}

/// How strongly a list of ports, for a program or for any, is tied to a port.
pub(super) fn tie_of_ports(
    ports: &Ports,
    application: &Text,
    at: &Port<'_>,
    listening: &dyn Fn() -> Option<Text>,
) -> Tie {
    if matches!(ports, Ports::Ranges(_)) && !ports.covers(at.number) {
        return Tie::None;
    }
    let held_by_another = |holder: &Text| !same_program(application, holder);
    if !application.is_empty() && at.holder.is_some_and(held_by_another) {
        return Tie::None;
    }
    // What a keyword stands for, the rule does not say.
    let spelled_out = !matches!(ports, Ports::Mixed(..)) || ports.covers(at.number);
    if ports.names(at.number, FEW_PORTS) {
        return Tie::Exact;
    }
    let for_program = !application.is_empty() && !application.eq_ignore_ascii_case("System");
    if for_program {
        return match at.holder.cloned().or_else(listening) {
            Some(image) if same_program(application, &image) => Tie::Program,
            Some(_) => Tie::None,
            None => Tie::Weak,
        };
    }
    match ports {
        Ports::Any | Ports::Ranges(_) | Ports::Mixed(..) if spelled_out => Tie::Covers,
        _ => Tie::Weak,
    }
}

/// True if a rule's program and an image are the same. Where the rule names a folder by a variable or a short
/// name, only the file's name can be compared.
fn same_program(named: &str, image: &str) -> bool {
    let file = image_name(named);
    if file.contains('~') {
        return true;
    }
    if named.contains(['%', '~']) {
        return file.eq_ignore_ascii_case(image_name(image));
    }
    image_key(named) == image_key(image)
}

/// True for a rule of a Store app: its package is named, or its name is a text of a package and the firewall's
/// own service wrote it, as it does when an app is provisioned. It lets in nobody but that app's own ports.
fn is_for_package(rule: &Rule) -> bool {
    let by_service = rule.changed_by_user.starts_with("S-1-5-80-");
    !rule.package.is_empty() || is_named_by_package(rule) && by_service
}

/// True for a rule whose name is a text of a package, as those of Store apps are, whoever wrote it.
pub(super) fn is_named_by_package(rule: &Rule) -> bool {
    rule.name.starts_with('@') && rule.name.contains("?ms-resource:")
}

/// True for a rule that is for one of the services that share a program.
fn is_for_shared_service(rule: &Rule) -> bool {
    let named = !rule.service.is_empty() && &*rule.service != "*";
    named && (rule.application.is_empty() || is_service_host(&rule.application))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u16, holder: Option<&Text>) -> Port<'_> {
        Port {
            transport: Transport::TCP,
            number,
            source: IpAddr::from([198, 51, 100, 7]),
            source_port: Some(50_000),
            local: None,
            own: &[],
            holder,
            until: Timestamp(0),
        }
    }

    #[test]
    fn a_rule_for_a_keyword_beside_ports_may_let_in_what_it_does_not_spell_out() {
        let tie =
            |ports, number| tie_of_ports(&ports, &Text::default(), &at(number, None), &|| None);
        let mixed = || Ports::Mixed(vec![(135, 135)], "RPC".into());
        assert_eq!(tie(mixed(), 135), Tie::Exact);
        assert_eq!(tie(mixed(), 49_666), Tie::Weak);
        assert_eq!(tie(Ports::Ranges(vec![(135, 135)]), 49_666), Tie::None);
        let wide = || Ports::Mixed(vec![(5_000, 6_000)], "RPC".into());
        assert_eq!(tie(wide(), 5_500), Tie::Covers);
    }

    #[test]
    fn a_rule_for_a_program_lets_nobody_in_to_another() {
        let tie = |application: &str, holder: Option<&str>| {
            let holder = holder.map(Text::from);
            let one = Ports::Ranges(vec![(3389, 3389)]);
            tie_of_ports(
                &one,
                &application.into(),
                &at(3389, holder.as_ref()),
                &|| None,
            )
        };
        let svchost = r"\device\harddiskvolume2\windows\system32\svchost.exe";
        assert_eq!(tie(r"C:\a.exe", Some(svchost)), Tie::None);
        assert_eq!(tie(r"C:\a.exe", None), Tie::Exact);
        let variable = r"%SystemRoot%\system32\svchost.exe";
        assert_eq!(tie(variable, Some(svchost)), Tie::Exact);
        assert_eq!(tie("", Some(svchost)), Tie::Exact);
    }

    #[test]
    fn a_service_an_app_and_remote_ports_narrow_a_rule() {
        let tie = |rule: &Rule| tie_of_rule(rule, &at(3389, None), &|| None);
        let any = Rule {
            local_ports: Ports::Any,
            ..Rule::default()
        };
        assert_eq!(tie(&any), Tie::Covers);
        let service = Rule {
            service: "winmgmt".into(),
            ..any.clone()
        };
        assert_eq!(tie(&service), Tie::Weak);
        let named = Rule {
            local_ports: Ports::Ranges(vec![(3389, 3389)]),
            ..service
        };
        assert_eq!(tie(&named), Tie::Exact, "the rules of Remote Desktop");
        let package = Rule {
            package: "S-1-15-2-1".into(),
            ..any.clone()
        };
        assert_eq!(tie(&package), Tie::Weak);
        let from = |port| Rule {
            remote_ports: Ports::Ranges(vec![(port, port)]),
            ..any.clone()
        };
        assert_eq!(
            (tie(&from(20)), tie(&from(50_000))),
            (Tie::None, Tie::Covers)
        );
    }
}
