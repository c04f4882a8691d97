//! What the settings file says of the network: roles of hosts, segments, internal ranges.
//!
//! Stated by a person, never guessed; what is not stated is not known.

use crate::model::Network;
use std::net::IpAddr;

/// What a host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Somebody works at it.
    Workstation,
    /// It serves others.
    Server,
    /// It holds the directory.
    DomainController,
    /// It scans on purpose.
    Scanner,
    /// It watches others: many short connections are its work.
    Monitoring,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Workstation,
        Self::Server,
        Self::DomainController,
        Self::Scanner,
        Self::Monitoring,
    ];

    /// `domain-controller`: as the settings file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Workstation => "workstation",
            Self::Server => "server",
            Self::DomainController => "domain-controller",
            Self::Scanner => "scanner",
            Self::Monitoring => "monitoring",
        }
    }
}

/// Whose role is stated: by name or by address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asset {
    /// A computer name, in full or up to its first dot.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// The network as stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// Roles, each with whose it is.
    pub roles: Vec<(Asset, Role)>,
    /// Segments, each with its networks.
    pub segments: Vec<(String, Vec<Network>)>,
    /// Internal ranges; empty where none were stated.
    pub internal: Vec<Network>,
}

impl Assets {
    /// The role of a host that has this name (may be empty) and these addresses. A name in full
    /// wins over an address, and that over a short name.
    pub fn role(&self, name: &str, addresses: &[IpAddr]) -> Option<Role> {
        let head = |name: &str| name.split('.').next().unwrap_or_default().to_lowercase();
        let full = |asset: &Asset| matches!(asset, Asset::Name(n) if n.eq_ignore_ascii_case(name));
        let numbered = |asset: &Asset| matches!(asset, Asset::Address(a) if addresses.contains(a));
        let short =
            |asset: &Asset| matches!(asset, Asset::Name(n) if n.to_lowercase() == head(name));
        let find = |fits: &dyn Fn(&Asset) -> bool| {
            self.roles
                .iter()
                .find(|(asset, _)| fits(asset))
                .map(|(_, role)| *role)
        };
        find(&full)
            .or_else(|| find(&numbered))
            .or_else(|| find(&short))
    }

    /// The segment an address lies in: the one with the longest prefix.
    pub fn segment(&self, address: IpAddr) -> Option<&str> {
        self.segments
            .iter()
            .flat_map(|(name, networks)| networks.iter().map(move |n| (n, name)))
            .filter(|(network, _)| network.contains(address))
            .max_by_key(|(network, _)| network.length())
            .map(|(_, name)| name.as_str())
    }

    /// True for an address of one's own network: inside a stated range or segment; where neither is
    /// stated, private, link-local and unique local addresses (RFC 1918, 3927, 4193, 4291).
    pub fn is_internal(&self, address: IpAddr) -> bool {
        if self.internal.is_empty() && self.segments.is_empty() {
            return match address.to_canonical() {
                IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
                IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
            };
        }
        self.internal
            .iter()
            .any(|network| network.contains(address))
            || self.segment(address).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
    }

    #[test]
    fn the_narrowest_segment_wins() {
        let assets = Assets {
            segments: vec![
                ("campus".to_owned(), vec![network("10.0.0.0/8")]),
                ("servers".to_owned(), vec![network("10.20.0.0/24")]),
            ],
            ..Assets::default()
        };
        assert_eq!(
            assets.segment("10.20.0.9".parse().unwrap()),
            Some("servers")
        );
        assert_eq!(assets.segment("10.30.0.9".parse().unwrap()), Some("campus"));
        assert_eq!(assets.segment("192.0.2.1".parse().unwrap()), None);
        assert!(
            !assets.is_internal("192.168.0.1".parse().unwrap()),
            "ranges were stated"
        );
        let turned = Assets {
            segments: assets.segments.iter().rev().cloned().collect(),
            ..Assets::default()
        };
        assert_eq!(
            turned.segment("10.20.0.9".parse().unwrap()),
            Some("servers")
        );
        for own in ["192.168.0.1", "169.254.1.1", "fd00::1", "fe80::1"] {
            assert!(Assets::default().is_internal(own.parse().unwrap()), "{own}");
        }
        assert!(!Assets::default().is_internal("203.0.113.1".parse().unwrap()));
    }

    #[test]
    fn a_role_stated_for_the_full_name_wins() {
        let address: IpAddr = "10.0.0.5".parse().unwrap();
        let assets = Assets {
            roles: vec![
                (Asset::Name("ws01".to_owned()), Role::Workstation),
                (Asset::Address(address), Role::Monitoring),
                (Asset::Name("WS01.corp.example".to_owned()), Role::Server),
            ],
            ..Assets::default()
        };
        assert_eq!(
            assets.role("ws01.CORP.example", &[address]),
            Some(Role::Server)
        );
        assert_eq!(
            assets.role("WS01.other.example", &[address]),
            Some(Role::Monitoring)
        );
        assert_eq!(
            assets.role("WS01.other.example", &[]),
            Some(Role::Workstation)
        );
        assert_eq!(assets.role("", &[]), None);
    }
}
