//! Address ranges, as people write them: `10.20.0.0/24`, `fd00::/8`, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses with a common prefix (RFC 4632, RFC 4291 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

impl Network {
    /// Reads an address, or an address with a prefix length.
    ///
    /// # Errors
    /// Says what is wrong and what to write. Bits behind the prefix are refused, because it cannot
    /// be told whether the one address or the whole range is meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not an address or a network; write it as 10.20.0.15 or 10.20.0.0/24"
            )
        };
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let length: u8 = match length {
            None => return Ok(Self::of(address)),
            Some(digits) => digits.parse().map_err(|_| wrong())?,
        };
        if length > longest {
            return Err(format!(
                "{text:?} has a prefix longer than {longest} bits; write it as {address}/{longest}"
            ));
        }
        let network = Self {
            address: masked(address, length),
            length,
        };
        if network.address == address {
            Ok(network)
        } else {
            Err(format!(
                "{text:?} has bits set behind its prefix; write {network} for the network or {address} for the address"
            ))
        }
    }

    /// The range of this one address.
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self {
            address,
            length: if address.is_ipv4() { 32 } else { 128 },
        }
    }

    /// True if `address` lies inside.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.length) == self.address
    }

    /// Length of the prefix in bits: the longer, the narrower.
    pub fn length(&self) -> u8 {
        self.length
    }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX
                .checked_shl(32 - u32::from(length.min(32)))
                .unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(length.min(128)))
                .unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.address.is_ipv4() { 32 } else { 128 };
        if self.length == whole {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(network: &str, address: &str) -> bool {
        Network::parse(network)
            .unwrap()
            .contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_holds_what_shares_its_prefix_and_nothing_else() {
        assert!(inside("10.20.0.0/24", "10.20.0.255"));
        assert!(!inside("10.20.0.0/24", "10.20.1.0"));
        assert!(inside("10.20.0.15", "::ffff:10.20.0.15"));
        assert!(!inside("10.20.0.15", "10.20.0.16"));
        assert!(inside("0.0.0.0/0", "203.0.113.9"));
        assert!(!inside("0.0.0.0/0", "fd00::1"));
        assert!(inside("fd00::/8", "fdff::1"));
        assert!(!inside("fd00::/8", "fe80::1"));
    }

    #[test]
    fn a_network_that_cannot_be_meant_is_refused_with_what_to_write() {
        let error = |text| Network::parse(text).unwrap_err();
        assert!(error("10.20.0.5/24").contains("write 10.20.0.0/24 for the network or 10.20.0.5"));
        assert!(error("10.20.0.0/33").contains("longer than 32"));
        for text in [
            "10.20.0",
            "10.20.0.0/",
            "10.20.0.0/x",
            "",
            "/8",
            "10.20.0.0/24/1",
        ] {
            assert!(error(text).contains("write it as"), "{text}");
        }
        assert_eq!(Network::parse("fd00::/8").unwrap().to_string(), "fd00::/8");
    }
}
