//! The network the captures are of: a few hundred clients, some servers, the internet behind a
//! router.

use crate::chance::Chance;
use casewire_lab::pcap::frame::{Ip, Link, Mac};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ROUTER: Mac = [0x02, 0, 0, 0, 0, 1];

/// One end of a conversation.
#[derive(Clone, Copy)]
pub struct Host {
    pub address: IpAddr,
    pub mac: Mac,
    /// VLAN of its port, 0 for none.
    pub vlan: u16,
}

fn local(v6: bool, net: u8, number: u8, vlan: u16) -> Host {
    let address = if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0, u16::from(net), 0, 0, 0, u16::from(number)).into()
    } else {
        Ipv4Addr::new(10, 20, net, number).into()
    };
    Host {
        address,
        mac: [0x02, 0x10, net, number, 0, 9],
        vlan,
    }
}

/// Workstation `number` of 400; every fourth sits in a VLAN of its own.
pub fn client(v6: bool, number: u64) -> Host {
    let (net, host) = (10 + (number / 200) as u8, 20 + (number % 200) as u8);
    local(v6, net, host, if number.is_multiple_of(4) { 30 } else { 0 })
}

/// Any workstation.
pub fn any_client(chance: &mut Chance, v6: bool) -> Host {
    client(v6, chance.below(400))
}

/// One of the servers: 10 to 29; 10 is the domain controller.
pub fn server(v6: bool, number: u8) -> Host {
    local(v6, 0, number, 0)
}

/// Somebody on the internet.
pub fn stranger(chance: &mut Chance, v6: bool) -> Host {
    let n = chance.below(3_000);
    let address = if v6 {
        Ipv6Addr::new(0x2a00, 0x1450, 0x4001, (n % 64) as u16, 0, 0, 0, n as u16).into()
    } else {
        Ipv4Addr::new(93, 184, (n / 250) as u8, (1 + n % 250) as u8).into()
    };
    Host {
        address,
        mac: ROUTER,
        vlan: 0,
    }
}

/// The link from one host to another, in the VLAN of whichever has one.
pub fn link(from: &Host, to: &Host) -> Link {
    let vlan = from.vlan.max(to.vlan);
    let vlans = if vlan == 0 { Vec::new() } else { vec![vlan] };
    Link {
        source: from.mac,
        destination: to.mac,
        vlans,
    }
}

/// The IP header from one host to another.
pub fn ip(from: &Host, to: &Host, id: u16) -> Ip {
    let ttl = if from.mac == ROUTER { 54 } else { 128 };
    Ip {
        source: from.address,
        destination: to.address,
        ttl,
        id,
    }
}
