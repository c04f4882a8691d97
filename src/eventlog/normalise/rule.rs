//! Firewall rules as the registry holds them, one line of `key=value` pairs:
//! `v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=450|Name=…|` (\[MS-GPFAS\] 2.2.2).

use super::ports::PortList;
use super::remotes::RemoteList;
use crate::model::Direction;
use crate::model::firewall::{Action, Rule};

/// Where rules lie: the local policy, the group policy, and the rules of packaged programs.
const PLACES: [&str; 2] = ["firewallpolicy", "windowsfirewall"];
const RULES: &str = r"firewallrules\";

/// The rule id in a registry path, if the path is that of a firewall rule.
pub fn rule_id(target: &str) -> Option<&str> {
    // ASCII only, so that offsets in the lowered text are offsets in the text.
    let lower = target.to_ascii_lowercase();
    let at = lower.rfind(RULES)?;
    if !PLACES.iter().any(|place| lower[..at].contains(place)) {
        return None;
    }
    let id = target.get(at + RULES.len()..)?;
    (!id.is_empty() && !id.contains('\\')).then_some(id)
}

/// The profile bits of a registry path that switches the firewall of a profile on or off, by local or group
/// policy (the keys of \[MS-GPFAS\] 2.2.3): domain 1, private 2 (also called standard), public 4.
pub fn switch_of(target: &str) -> Option<u32> {
    profile_of(target, r"\enablefirewall")
}

/// The profile bits of a registry path that says what becomes of inbound traffic that no rule is for: 0 lets
/// it in, 1 blocks it.
pub fn default_inbound_of(target: &str) -> Option<u32> {
    profile_of(target, r"\defaultinboundaction")
}

fn profile_of(target: &str, value: &str) -> Option<u32> {
    let lower = target.to_ascii_lowercase();
    let (place, profile) = lower.strip_suffix(value)?.rsplit_once('\\')?;
    if !PLACES.iter().any(|known| place.ends_with(known)) {
        return None;
    }
    match profile {
        "domainprofile" => Some(1),
        "privateprofile" | "standardprofile" => Some(2),
        "publicprofile" => Some(4),
        _ => None,
    }
}

/// Reads a rule's line. `None` if it does not begin with a version. A part that is missing means
/// any; a part that cannot be read leaves its field unknown.
pub fn parse_rule(text: &str) -> Option<Rule> {
    let mut parts = text.trim().split('|');
    let version = parts.next()?.trim();
    let digits = version.strip_prefix(['v', 'V'])?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let mut rule = Rule {
        protocol: Some(None),
        ..Rule::default()
    };
    let mut ports = PortList::default();
    let mut remote_ports = PortList::default();
    let mut remotes = RemoteList::default();
    let mut locals = RemoteList::default();
    let mut named_profile = false;
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key.trim().to_ascii_lowercase().as_str() {
            "action" => {
                rule.action = match value.to_ascii_lowercase().as_str() {
                    "allow" => Some(Action::Allow),
                    "block" => Some(Action::Block),
                    _ => None,
                }
            }
            "active" => {
                rule.active = match value.to_ascii_lowercase().as_str() {
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => None,
                }
            }
            "dir" => {
                rule.direction = match value.to_ascii_lowercase().as_str() {
                    "in" => Some(Direction::Inbound),
                    "out" => Some(Direction::Outbound),
                    _ => None,
                }
            }
            "protocol" => {
                rule.protocol = value
                    .trim()
                    .parse()
                    .ok()
                    .and_then(super::words::rule_protocol);
            }
            // LPort=450 again and again, LPort2_10=5000-5010 for ranges since version 2.10.
            "lport" | "lport2_10" | "lport2_20" | "lport2_24" | "lport2_29" => ports.add(value),
            "rport" | "rport2_10" => remote_ports.add(value),
            "ra4" | "ra6" | "ra42" | "ra62" => remotes.add(value),
            "la4" | "la6" => locals.add(value),
            "profile" => {
                named_profile = true;
                rule.profiles |= super::words::profiles(value);
            }
            "app" => rule.application = value.into(),
            "svc" => rule.service = value.into(),
            "apppkgid" => rule.package = value.into(),
            "name" => rule.name = value.into(),
            _ => {}
        }
    }
    rule.local_ports = ports.finish();
    rule.remote_ports = remote_ports.finish();
    rule.remotes = remotes.finish();
    rule.locals = locals.finish();
    if !named_profile {
        // No profile named is every profile.
        rule.profiles = 7;
    }
    Some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::firewall::{Ports, Remotes};

    #[test]
    fn a_rule_line_is_read_and_what_it_leaves_out_is_any() {
        let rule = parse_rule(
            "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=450|Name=atomic testing|",
        )
        .unwrap();
        assert_eq!(rule.action, Some(Action::Allow));
        assert_eq!(rule.active, Some(true));
        assert_eq!(rule.direction, Some(Direction::Inbound));
        assert_eq!(rule.protocol, Some(Some(6)));
        assert_eq!(rule.local_ports, Ports::Ranges(vec![(450, 450)]));
        assert_eq!(rule.remotes, Remotes::Any);
        assert_eq!(&*rule.name, "atomic testing");
        assert_eq!(rule.profiles, 7);
        let rule = parse_rule("v2.10|Action=Block|Active=FALSE|Dir=Out|App=C:\\a.exe|").unwrap();
        assert_eq!((rule.protocol, rule.local_ports), (Some(None), Ports::Any));
        assert_eq!(
            (rule.active, rule.action),
            (Some(false), Some(Action::Block))
        );
    }

    #[test]
    fn an_outbound_rule_names_remote_ports() {
        let rule = parse_rule(
            "v2.30|Action=Block|Active=TRUE|Dir=Out|Protocol=6|RPort=443|RPort2_10=8000-8100|",
        )
        .unwrap();
        assert_eq!(
            (rule.local_ports, rule.remote_ports),
            (Ports::Any, Ports::Ranges(vec![(443, 443), (8000, 8100)]))
        );
    }

    #[test]
    fn repeated_keys_add_up() {
        let rule = parse_rule(
            "v2.30|Dir=In|Protocol=17|LPort=80|LPort=443|LPort2_10=5000-5010|Profile=Domain|\
             Profile=Private|RA4=10.0.0.1|RA4=10.0.1.0/255.255.255.0|RA6=fe80::1|Svc=TermService|",
        )
        .unwrap();
        assert_eq!(
            rule.local_ports,
            Ports::Ranges(vec![(80, 80), (443, 443), (5000, 5010)])
        );
        assert_eq!(rule.profiles, 3);
        assert!(matches!(rule.remotes, Remotes::Ranges(ref r) if r.len() == 3));
        assert_eq!(&*rule.service, "TermService");
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for text in [
            "",
            "(Empty)",
            "v|Action=Allow",
            "DWORD (0x00000001)",
            "value2.30|Dir=In",
        ] {
            assert_eq!(parse_rule(text), None, "{text}");
        }
    }

    #[test]
    fn a_switch_of_the_firewall_is_one_of_a_profile_by_any_policy() {
        let local =
            r"HKLM\System\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
        let group = r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall";
        for (place, profile, bits) in [
            (local, "StandardProfile", Some(2)),
            (local, "PublicProfile", Some(4)),
            (group, "DomainProfile", Some(1)),
            (group, "PrivateProfile", Some(2)),
            (local, "OtherProfile", None),
            (r"HKLM\Software\Other", "PublicProfile", None),
        ] {
            let target = format!(r"{place}\{profile}\EnableFirewall");
            assert_eq!(switch_of(&target), bits, "{target}");
            let target = format!(r"{place}\{profile}\DefaultInboundAction");
            assert_eq!(default_inbound_of(&target), bits, "{target}");
        }
        assert_eq!(
            switch_of(&format!(r"{local}\PublicProfile\DoNotAllowExceptions")),
            None
        );
    }

    #[test]
    fn only_values_under_a_firewall_rules_key_are_rules() {
        let key = r"HKLM\System\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules";
        assert_eq!(rule_id(&format!(r"{key}\{{F7259D6F}}")), Some("{F7259D6F}"));
        assert_eq!(
            rule_id(r"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules\A"),
            Some("A")
        );
        assert_eq!(rule_id(key), None);
        assert_eq!(rule_id(&format!(r"{key}\")), None);
        assert_eq!(rule_id(r"HKLM\Software\Other\FirewallRules\A"), None);
    }
}
