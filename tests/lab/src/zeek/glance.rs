//! What Zeek needs of a frame.

use super::super::pcap::frame::flags;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// TCP, UDP or ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP and ICMPv6; Zeek writes `icmp` for both.
    Icmp,
}

/// One frame with IP inside.
#[derive(Clone, Debug)]
pub struct Glance {
    /// TCP, UDP or ICMP.
    pub protocol: Protocol,
    /// Address and port; for ICMP what Zeek puts in the port's place.
    pub from: (IpAddr, u16),
    /// Address and port; for ICMP what Zeek puts in the port's place.
    pub to: (IpAddr, u16),
    /// TCP flags.
    pub flags: u8,
    /// TCP sequence number.
    pub seq: u32,
    /// Payload bytes.
    pub payload: u64,
    /// Bytes of the IP packet.
    pub length: u64,
    /// VLAN id.
    pub vlan: Option<u16>,
}

/// ICMP messages that ask, and what answers them; they share a connection.
const ASKED: [(u16, u16); 6] = [(8, 0), (13, 14), (15, 16), (17, 18), (128, 129), (133, 134)];

impl Glance {
    /// `None` for frames without TCP, UDP or ICMP.
    pub fn of(frame: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let bytes = frame.get(at..at + 2)?;
            Some(u16::from_be_bytes([bytes[0], bytes[1]]))
        };
        let (mut at, mut vlan) = (12, None);
        while word(at)? == 0x8100 {
            vlan = vlan.or(word(at + 2).map(|tag| tag & 0x0fff));
            at += 4;
        }
        let ip = at + 2;
        let (protocol, from, to, behind, length) = match word(at)? {
            0x0800 => {
                let address = |at: usize| -> Option<IpAddr> {
                    let four: [u8; 4] = frame.get(at..at + 4)?.try_into().ok()?;
                    Some(Ipv4Addr::from(four).into())
                };
                let header = usize::from(frame.get(ip)? & 0x0f) * 4;
                let all = usize::from(word(ip + 2)?);
                let ends = (address(ip + 12)?, address(ip + 16)?);
                (*frame.get(ip + 9)?, ends.0, ends.1, ip + header, all)
            }
            0x86dd => {
                let address = |at: usize| -> Option<IpAddr> {
                    let all: [u8; 16] = frame.get(at..at + 16)?.try_into().ok()?;
                    Some(Ipv6Addr::from(all).into())
                };
                let all = usize::from(word(ip + 4)?) + 40;
                let ends = (address(ip + 8)?, address(ip + 24)?);
                (*frame.get(ip + 6)?, ends.0, ends.1, ip + 40, all)
            }
            _ => return None,
        };
        let end = ip + length;
        let glance = |protocol, ports: (u16, u16), header: usize| Self {
            protocol,
            from: (from, ports.0),
            to: (to, ports.1),
            flags: 0,
            seq: 0,
            payload: end.saturating_sub(behind + header) as u64,
            length: length as u64,
            vlan,
        };
        match protocol {
            6 => {
                let header = usize::from(frame.get(behind + 12)? >> 4) * 4;
                let mut tcp = glance(Protocol::Tcp, (word(behind)?, word(behind + 2)?), header);
                tcp.flags = *frame.get(behind + 13)?;
                tcp.seq = u32::from(word(behind + 4)?) << 16 | u32::from(word(behind + 6)?);
                Some(tcp)
            }
            17 => Some(glance(Protocol::Udp, (word(behind)?, word(behind + 2)?), 8)),
            1 | 58 => {
                let (kind, code) = (
                    u16::from(*frame.get(behind)?),
                    u16::from(*frame.get(behind + 1)?),
                );
                let pair = ASKED.iter().find(|(a, b)| kind == *a || kind == *b);
                let other = pair.map_or(code, |(a, b)| if kind == *a { *b } else { *a });
                Some(glance(Protocol::Icmp, (kind, other), 8))
            }
            _ => None,
        }
    }

    /// True if this TCP flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// True for a SYN that asks.
    pub fn asks(&self) -> bool {
        self.has(flags::SYN) && !self.has(flags::ACK)
    }
}
