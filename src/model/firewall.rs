//! Windows Firewall rules and filters, as several log sources describe them.

use super::{Direction, Text};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Allow or block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Lets traffic pass.
    Allow,
    /// Stops it.
    Block,
}

/// Which local ports a rule covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ports {
    /// The source does not say (4946, 4947), or could not be read.
    #[default]
    Unknown,
    /// Every port.
    Any,
    /// These inclusive ranges.
    Ranges(Vec<(u16, u16)>),
    /// A keyword such as `RPC` or `IPHTTPSIn`, whose ports the rule does not spell out.
    Keyword(Text),
    /// These inclusive ranges, and keywords beside them.
    Mixed(Vec<(u16, u16)>, Text),
}

impl Ports {
    /// True if `port` is one of a few named ports (at most `few` in all): the rule names it.
    pub fn names(&self, port: u16, few: usize) -> bool {
        match self {
            Self::Ranges(_) | Self::Mixed(..) => self.width() <= few && self.covers(port),
            _ => false,
        }
    }

    /// How many ports it spells out, each as often as it stands there; all of them for any.
    pub fn width(&self) -> usize {
        match self {
            Self::Any => usize::from(u16::MAX) + 1,
            Self::Ranges(ranges) | Self::Mixed(ranges, _) => ranges
                .iter()
                .map(|(a, b)| usize::from(b.saturating_sub(*a)) + 1)
                .sum(),
            Self::Unknown | Self::Keyword(_) => 0,
        }
    }

    /// True if traffic to `port` falls under the rule, as far as it spells out its ports.
    pub fn covers(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Ranges(ranges) | Self::Mixed(ranges, _) => ranges
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&port)),
            Self::Unknown | Self::Keyword(_) => false,
        }
    }
}

/// Which addresses a rule covers, of remote hosts or of the host itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Remotes {
    /// The source does not say, or could not be read.
    #[default]
    Unknown,
    /// Every address.
    Any,
    /// The keyword LocalSubnet.
    LocalSubnet,
    /// These inclusive ranges; a single address is a range of one.
    Ranges(Vec<(IpAddr, IpAddr)>),
}

impl Remotes {
    /// True if `address` falls under the rule; `None` where that cannot be told.
    pub fn covers(&self, address: IpAddr) -> Option<bool> {
        match self {
            Self::Any => Some(true),
            Self::Ranges(ranges) => Some(
                ranges
                    .iter()
                    .any(|(low, high)| *low <= address && address <= *high),
            ),
            Self::Unknown | Self::LocalSubnet => None,
        }
    }

    /// True if the rule lets in this one address and no other.
    pub fn only(&self, address: IpAddr) -> bool {
        matches!(self, Self::Ranges(ranges) if ranges.len() == 1 && ranges[0] == (address, address))
    }
}

/// What happened to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RuleChange {
    /// Added: 2004, 2071, 2097, 4946, Sysmon 12/13 on a new value.
    Added,
    /// Changed: 2005, 2073, 2099, 4947.
    Modified,
    /// Deleted: 2006, 2052, 4948.
    Removed,
    /// Present, but not applied: 4957.
    NotApplied,
    /// Listed as in force when the firewall started, without a change: 2007, 2072.
    Listed,
    /// All rules deleted or the policy reset: 2032, 2033, 2059, 2060.
    AllRemoved,
}

/// Which log told of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RuleSource {
    /// The firewall's own channel: the full rule, with who changed it.
    FirewallLog,
    /// Security 4946 to 4948, 4957: name and id only, no port.
    SecurityLog,
    /// Sysmon 12 to 14 on the FirewallRules key: the full rule, with who wrote it. Where that is the
    /// firewall's service, it is not who asked.
    Registry,
}

/// A firewall rule. A field is `None` where the source does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// RuleId, as written.
    pub id: Text,
    /// RuleName, as written.
    pub name: Text,
    /// Inbound or outbound.
    pub direction: Option<Direction>,
    /// Allow or block.
    pub action: Option<Action>,
    /// Enabled.
    pub active: Option<bool>,
    /// IP protocol number; `Some(None)` is any protocol.
    pub protocol: Option<Option<u8>>,
    /// Local ports.
    pub local_ports: Ports,
    /// Remote ports: what a rule for outbound traffic names.
    pub remote_ports: Ports,
    /// Remote addresses.
    pub remotes: Remotes,
    /// Local addresses.
    pub locals: Remotes,
    /// Profile bits: 1 domain, 2 private, 4 public; 0 where the source does not say.
    pub profiles: u32,
    /// Program the rule is for, as written; empty for any.
    pub application: Text,
    /// Service the rule is for; empty for any.
    pub service: Text,
    /// Store app the rule is for, by the SID of its package; empty for any, and where the source does not
    /// say.
    pub package: Text,
    /// Program that changed it (ModifyingApplication) or wrote its value in the registry (Image of
    /// Sysmon), as written; empty where not said.
    pub changed_by: Text,
    /// Account that changed it (a SID as text) or wrote its value (User of Sysmon); empty where not said.
    pub changed_by_user: Text,
}

/// A filter of the Windows Filtering Platform (Security 5447).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// FilterName; equal to a rule's name when a rule made it.
    pub name: Text,
    /// Provider key is the Windows Firewall's.
    pub by_windows_firewall: bool,
    /// Provider key is of the restrictions that Windows puts on its own services.
    pub by_hardening: bool,
    /// Provider name, as written.
    pub provider: Text,
    /// Added; otherwise deleted.
    pub added: bool,
    /// Permit or block; `None` for a callout.
    pub action: Option<Action>,
    /// Layer, from its key.
    pub layer: Layer,
    /// Local ports named in the conditions.
    pub local_ports: Ports,
    /// Protocol named in the conditions.
    pub protocol: Option<u8>,
    /// Program named in the conditions, as a path.
    pub application: Text,
    /// There are further conditions: remote ports or addresses, accounts, profiles.
    pub further: bool,
}

/// A layer of the Windows Filtering Platform.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Layer {
    /// Not one of the layers below, or not said.
    #[default]
    Other,
    /// The Windows Firewall's own log, which names no layer.
    FirewallLog,
    /// Bind (`%%14608` Resource Assignment).
    Bind,
    /// Listen (`%%14609`).
    Listen,
    /// Inbound connection accepted (`%%14610` Receive/Accept).
    Accept,
    /// Outbound connection (`%%14611` Connect).
    Connect,
    /// Transport (`%%14597`): where probes of ports without a listener are dropped.
    Transport,
    /// ICMP error (`%%14601`): where the refusal of a UDP probe is suppressed.
    IcmpError,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_beside_a_keyword_are_named_and_those_of_the_keyword_are_not() {
        let mixed = Ports::Mixed(vec![(135, 135)], "RPC".into());
        assert!(mixed.covers(135) && mixed.names(135, 3));
        assert!(!mixed.covers(49_152) && !mixed.names(49_152, 3));
    }
}
