//! One change of what a host lets in: what it does, and what it names.
//!
//! Whether it is tied to a port, and what other changes say of it, is for `exposure`.

use super::admission::{FEW_PORTS, Port};
use super::announced::{Announced, announced};
use super::rules::admits;
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::firewall::{Action, Layer, Ports, Rule, RuleChange, RuleSource};
use crate::model::host_event::{ServiceState, Verdict};
use crate::model::net::FIRST_DYNAMIC_PORT;
use crate::model::{Direction, Event, HostWhat, Provenance, Span, Text, Transport, What};
use std::net::IpAddr;

/// What a change does to exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Lets something in: an active inbound allow rule or filter, a block rule removed.
    Opens,
    /// A rule changed and the log does not say how (4946 to 4948).
    Unknown,
    /// The firewall of a profile was switched off, or made to let in what no rule is for.
    Unprotects,
    /// A port is being listened on.
    Listens,
    /// Shuts something: an allow rule removed or disabled, a block rule added, the firewall on; all rules
    /// removed, for what no rule is for is blocked unless somebody changed that.
    Shuts,
}

/// One change, ready to be tied.
#[derive(Clone, Debug)]
pub struct Change {
    /// The record.
    pub event: Event,
    /// What it does.
    pub effect: Effect,
    pub(super) burst: Option<u32>,
    /// The rule that it removed, and the record that told of it.
    pub(super) was: Option<(Box<Rule>, Provenance)>,
    /// The same program was told to listen there before.
    pub(super) again: bool,
}

/// A filter or a nameless record belongs to a rule of the same name within this time.
pub(super) const SAME_RULE: Span = Span::seconds(2);
/// True for a record that `Changes` takes in: one that changes exposure, or says what rules and profiles
/// there are.
pub fn is_watched(what: &HostWhat) -> bool {
    matches!(
        what,
        HostWhat::FirewallRule { .. } | HostWhat::ProfileChanged { .. }
    ) || effect_of(what).is_some()
}

/// What a host event does to exposure, if anything.
pub(super) fn effect_of(what: &HostWhat) -> Option<Effect> {
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
        HostWhat::FirewallSetting { setting, value, .. } => {
            match default_inbound(setting, value)? {
                true => Effect::Unprotects,
                false => Effect::Shuts,
            }
        }
        HostWhat::FilterChanged { filter }
            if matches!(filter.layer, Layer::Accept | Layer::Listen)
                && !filter.by_hardening
                && (filter.by_windows_firewall || names_ports(&filter.local_ports)) =>
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
        HostWhat::ServiceStateChanged { name, state } if is_firewall_service(name) => match state {
            ServiceState::Stopped => Effect::Unprotects,
            ServiceState::Running => Effect::Shuts,
            _ => return None,
        },
        what => match announced(what)?.opens {
            true => Effect::Listens,
            false => Effect::Shuts,
        },
    })
}

/// True for ports that a filter names. What anybody but the firewall permits counts only there: programs put up
/// filters of their own by the dozen.
fn names_ports(ports: &Ports) -> bool {
    matches!(ports, Ports::Ranges(_)) && ports.width() <= FEW_PORTS
}

fn is_firewall_service(name: &str) -> bool {
    ["Windows Firewall", "Windows Defender Firewall", "mpssvc"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// What a setting says of inbound traffic that no rule is for: `true` if it is let in, `false` if it is
/// blocked, `None` for other settings (Security 4950, Firewall 2003 and 2082, the registry's value).
pub(super) fn default_inbound(setting: &str, value: &str) -> Option<bool> {
    let setting = setting.trim().to_ascii_lowercase();
    if !matches!(
        setting.as_str(),
        "default inbound action" | "defaultinboundaction"
    ) {
        return None;
    }
    match value.trim().to_ascii_lowercase().as_str() {
        "allow" | "dword (0x00000000)" => Some(true),
        "block" | "dword (0x00000001)" => Some(false),
        _ => None,
    }
}

pub(super) fn rule_effect(change: RuleChange, rule: &Rule) -> Option<Effect> {
    if rule.direction == Some(Direction::Outbound) {
        return None;
    }
    match change {
        RuleChange::AllRemoved => Some(Effect::Shuts),
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

pub(super) fn rule_and_source(change: &Change) -> Option<(&Rule, RuleSource)> {
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

pub(super) fn rule_of(change: &Change) -> Option<&Rule> {
    rule_and_source(change).map(|(rule, _)| rule)
}

pub(super) fn filter_name(change: &Change) -> Option<&Text> {
    match &change.event.what {
        What::Host(host) => match &host.what {
            HostWhat::FilterChanged { filter } => Some(&filter.name),
            _ => None,
        },
        _ => None,
    }
}

/// Where a change begins to listen: transport, port and address.
fn listens_at(change: &Change) -> Option<(Transport, u16, IpAddr)> {
    let What::Host(host) = &change.event.what else {
        return None;
    };
    match &host.what {
        HostWhat::Listening {
            transport, local, ..
        }
        | HostWhat::Bound {
            transport, local, ..
        } => Some((*transport, local.port, local.address)),
        _ => announces(change)
            .filter(|told| told.opens)
            .map(|told| (Transport::TCP, told.port, told.address)),
    }
}

fn announces(change: &Change) -> Option<Announced> {
    match &change.event.what {
        What::Host(host) => announced(&host.what),
        _ => None,
    }
}

/// Transport and port on which a change begins to listen.
pub fn listens_on(change: &Change) -> Option<(Transport, u16)> {
    listens_at(change).map(|(transport, port, _)| (transport, port))
}

/// True if a change names no port, and the one it is taken to open is the default of a service or a setting.
pub fn is_by_default(change: &Change) -> bool {
    announces(change).is_some_and(|told| !told.named)
}

/// The address a listener is bound to.
fn bound_to(change: &Change) -> Option<IpAddr> {
    listens_at(change).map(|(.., address)| address)
}

/// True for a listener that the host alone can reach: it is bound to a loopback address.
pub(super) fn is_for_itself(change: &Change) -> bool {
    bound_to(change).is_some_and(|address| address.is_loopback())
}

/// True if a listener can be reached where a visitor came in: it is bound to any address, or to that one.
pub(super) fn is_reached_at(change: &Change, at: &Port<'_>) -> bool {
    let Some(bound) = bound_to(change) else {
        return false;
    };
    if bound.is_loopback() {
        return at.source.is_loopback();
    }
    bound.is_unspecified() || at.local.is_none_or(|local| local == bound)
}

/// The program a change names: who listens, or who changed the rule. Where Sysmon saw the firewall's
/// service write the rule, that does not say who asked it to.
pub fn image_of(change: &Change) -> Option<Text> {
    let What::Host(host) = &change.event.what else {
        return None;
    };
    match &host.what {
        HostWhat::FirewallRule { rule, source, .. }
            if !rule.changed_by.is_empty() && !wrote_for_another(rule, *source) =>
        {
            Some(rule.changed_by.clone())
        }
        HostWhat::FirewallSetting { changed_by, .. } if !changed_by.is_empty() => {
            Some(changed_by.clone())
        }
        HostWhat::RegistryChanged { process, .. } if !process.image.is_empty() => {
            Some(process.image.clone())
        }
        _ => listener_of(change),
    }
}

/// The program of a listener, where the record is of the listener itself.
pub fn listener_of(change: &Change) -> Option<Text> {
    let What::Host(host) = &change.event.what else {
        return None;
    };
    match &host.what {
        HostWhat::Listening { process, .. } | HostWhat::Bound { process, .. } => {
            Some(process.image.clone())
        }
        _ => None,
    }
}

/// What is said of a change that is tied by [`Tie::Program`](super::exposure::Tie).
pub fn program_words(change: &Change) -> &'static str {
    match is_by_default(change) {
        true => "a service was started or enabled that uses the port by default",
        false => "a rule is for the program that holds the port",
    }
}

/// The account a change names.
pub fn user_of(change: &Change) -> Option<Text> {
    rule_and_source(change)
        .filter(|(rule, source)| !wrote_for_another(rule, *source))
        .map(|(rule, _)| rule.changed_by_user.clone())
        .filter(|u| !u.is_empty())
}

/// True for the program that Windows runs its services in, the firewall's among them.
pub(super) fn is_service_host(image: &str) -> bool {
    image_name(image).eq_ignore_ascii_case("svchost.exe")
}

fn wrote_for_another(rule: &Rule, source: RuleSource) -> bool {
    source == RuleSource::Registry && is_service_host(&rule.changed_by)
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

/// True if the change lets in `source` and nobody else: a rule that allows, not one that is no longer
/// blocking.
pub fn only_for(change: &Change, source: IpAddr) -> bool {
    let allows = |rule: &Rule| rule.action == Some(Action::Allow);
    change.effect == Effect::Opens
        && rule_of(change).is_some_and(|rule| allows(rule) && rule.remotes.only(source))
}

/// The one port a change opens to `source`: a rule that names a single port, or a listener on a
/// port that is not dynamic. `own` are the host's addresses.
pub fn named_port(change: &Change, source: IpAddr, own: &[IpAddr]) -> Option<u16> {
    match change.effect {
        Effect::Listens => listens_on(change)
            .filter(|_| !is_for_itself(change) && !change.again && !is_by_default(change))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host_event::{Process, RegistryChange};
    use crate::model::samples::record;

    fn change(what: HostWhat) -> Change {
        Change {
            event: record(1, "WS01", what),
            effect: Effect::Opens,
            burst: None,
            was: None,
            again: false,
        }
    }

    fn process(image: &str) -> Process {
        Process {
            image: image.into(),
            ..Process::default()
        }
    }

    fn rule(source: RuleSource, changed_by: &str, user: &str) -> Change {
        let rule = Box::new(Rule {
            changed_by: changed_by.into(),
            changed_by_user: user.into(),
            ..Rule::default()
        });
        change(HostWhat::FirewallRule {
            change: RuleChange::Added,
            source,
            rule,
        })
    }

    fn by(change: &Change, name: &str) -> bool {
        made_by(change, &[name.to_owned()])
    }

    #[test]
    fn who_made_a_change_is_known_by_its_name_its_path_or_its_account() {
        let made = rule(
            RuleSource::FirewallLog,
            r"C:\Windows\CCM\CcmExec.exe",
            "S-1-5-18",
        );
        for name in ["ccmexec.exe", r"c:\windows\ccm\ccmexec.exe", "s-1-5-18"] {
            assert!(by(&made, name), "{name}");
        }
        for name in ["exec.exe", r"c:\windows\ccmexec.exe", "S-1-5-19", ""] {
            assert!(!by(&made, name), "{name}");
        }
    }

    #[test]
    fn a_setting_a_value_and_a_listener_name_their_program_too() {
        let setting = change(HostWhat::FirewallSetting {
            setting: "Enable Windows Firewall".into(),
            value: "No".into(),
            enabled: Some(false),
            profiles: 0,
            changed_by: r"C:\Tools\a.exe".into(),
        });
        let value = change(HostWhat::RegistryChanged {
            process: process(r"C:\Tools\b.exe"),
            change: RegistryChange::Set,
            target: "".into(),
            details: "".into(),
        });
        let listener = change(HostWhat::Listening {
            verdict: Verdict::Permitted,
            process: process(r"C:\Tools\c.exe"),
            transport: Transport::TCP,
            local: crate::model::Endpoint::new([0; 4].into(), 8_443),
        });
        for (change, own) in [(&setting, "a.exe"), (&value, "b.exe"), (&listener, "c.exe")] {
            for name in ["a.exe", "b.exe", "c.exe"] {
                assert_eq!(by(change, name), name == own, "{name} of {own}");
            }
        }
        assert_eq!(listener_of(&setting), None);
    }

    #[test]
    fn the_service_that_wrote_a_rule_into_the_registry_did_not_ask_for_it() {
        let service = r"C:\Windows\System32\svchost.exe";
        let written = rule(RuleSource::Registry, service, "NT AUTHORITY\\LOCAL SERVICE");
        assert!(!by(&written, "svchost.exe") && !by(&written, "NT AUTHORITY\\LOCAL SERVICE"));
        let changed = rule(RuleSource::FirewallLog, service, "S-1-5-18");
        assert!(by(&changed, "svchost.exe") && by(&changed, "S-1-5-18"));
        let by_a_tool = rule(RuleSource::Registry, r"C:\Tools\a.exe", "pat");
        assert!(by(&by_a_tool, "a.exe") && by(&by_a_tool, "pat"));
    }

    #[test]
    fn a_service_that_uses_a_port_by_default_is_no_rule_for_a_program() {
        let service = change(HostWhat::ServiceStateChanged {
            name: "OpenSSH SSH Server".into(),
            state: ServiceState::Running,
        });
        assert!(program_words(&service).starts_with("a service was started or enabled"));
        let ruled = rule(RuleSource::FirewallLog, "", "");
        assert!(program_words(&ruled).starts_with("a rule is for the program"));
    }

    #[test]
    fn a_filter_names_its_ports_where_they_are_few() {
        let few = FEW_PORTS as u16;
        assert!(names_ports(&Ports::Ranges(vec![(1, few)])));
        assert!(!names_ports(&Ports::Ranges(vec![(1, few + 1)])));
        let others = [
            Ports::Any,
            Ports::Unknown,
            Ports::Keyword("RPC".into()),
            Ports::Mixed(vec![(80, 80)], "RPC".into()),
        ];
        assert!(!others.iter().any(names_ports));
    }
}
