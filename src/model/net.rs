//! Addresses, ports, transports and directions.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IP protocol number (IANA "Assigned Internet Protocol Numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Transport(pub u8);

impl Transport {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.write_str("tcp"),
            Self::UDP => f.write_str("udp"),
            Self::ICMP => f.write_str("icmp"),
            Self::ICMPV6 => f.write_str("icmp6"),
            Self(other) => write!(f, "ip{other}"),
        }
    }
}

/// An address and a port. IPv4-mapped IPv6 addresses are folded to IPv4, so that one host has one
/// spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port; 0 where the protocol has none.
    pub port: u16,
}

impl Endpoint {
    /// An endpoint with the address in its one spelling.
    pub fn new(address: IpAddr, port: u16) -> Self {
        Self {
            address: address.to_canonical(),
            port,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}", self.port),
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

/// Which way, as seen by the host that logged it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Towards the host.
    Inbound,
    /// Away from the host.
    Outbound,
}

/// True for addresses that name no single remote host: unspecified, multicast, IPv4 broadcast.
pub fn is_group_or_wildcard(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4 == Ipv4Addr::UNSPECIFIED || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6 == Ipv6Addr::UNSPECIFIED || v6.is_multicast(),
    }
}

/// True for an address that may mean a whole IPv4 network, by its last number: masks are not known here. A
/// connection goes to one computer all the same.
pub fn may_be_broadcast(transport: Transport, address: IpAddr) -> bool {
    let ends_so = matches!(address, IpAddr::V4(v4) if v4.octets()[3] == 255);
    ends_so && transport != Transport::TCP
}

/// True for addresses of private networks and of the own link: RFC 1918, RFC 3927, RFC 4193,
/// RFC 4291 section 2.5.6.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// False if two addresses cannot lie in one subnet, however wide its mask: of different families, one
/// private and the other not, or apart in what no mask of a local network leaves open (the first 8 bits
/// of private IPv4 addresses, 16 of others; 64 of IPv6).
pub fn may_share_a_subnet(a: IpAddr, b: IpAddr) -> bool {
    if is_private(a) != is_private(b) {
        return false;
    }
    match (a.to_canonical(), b.to_canonical()) {
        (IpAddr::V4(x), IpAddr::V4(y)) => {
            let bits = if is_private(a) { 8 } else { 16 };
            (x.to_bits() ^ y.to_bits()) >> (32 - bits) == 0
        }
        (IpAddr::V6(x), IpAddr::V6(y)) => {
            let link = x.is_unicast_link_local() || y.is_unicast_link_local();
            link || (x.to_bits() ^ y.to_bits()) >> 64 == 0
        }
        _ => false,
    }
}

/// The first port Windows uses for outgoing connections by default (RFC 6335 dynamic range).
pub const FIRST_DYNAMIC_PORT: u16 = 49_152;

/// `aa:bb:cc:dd:ee:ff`.
pub fn mac_text(mac: [u8; 6]) -> String {
    let mut text = String::with_capacity(17);
    for (i, byte) in mac.iter().enumerate() {
        if i > 0 {
            text.push(':');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_shared_only_where_some_mask_allows_it() {
        let may = |a: &str, b: &str| may_share_a_subnet(a.parse().unwrap(), b.parse().unwrap());
        assert!(may("10.0.5.10", "10.9.5.10") && may("198.51.100.1", "198.51.7.1"));
        assert!(may("2001:db8::1", "2001:db8::2") && may("fe80::1", "fe80:0:0:9::2"));
        for (a, b) in [
            ("10.0.5.10", "203.0.113.9"),
            ("10.0.5.10", "192.168.5.10"),
            ("198.51.100.1", "203.0.113.9"),
            ("10.0.5.10", "fe80::1"),
            ("2001:db8::1", "2001:db8:0:1::1"),
        ] {
            assert!(!may(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_same_endpoint() {
        let mapped = Endpoint::new("::ffff:10.0.0.5".parse().unwrap(), 445);
        assert_eq!(mapped, Endpoint::new("10.0.0.5".parse().unwrap(), 445));
        assert_eq!(mapped.to_string(), "10.0.0.5:445");
    }
}
