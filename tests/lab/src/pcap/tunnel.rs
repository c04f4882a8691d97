//! Frames as a mirror or an overlay passes them on: each inside a packet of its own.

use super::frame::{self, Ip, Link};
use std::net::IpAddr;

/// How frames are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// VXLAN (RFC 7348), as the mirrors of clouds do it.
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// GRE with Ethernet inside (RFC 2784).
    Gre,
    /// ERSPAN type II, as switches do it.
    Erspan,
}

/// Who wraps the frames, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// How.
    pub wrap: Wrap,
    /// The end that sends.
    pub from: IpAddr,
    /// The end that receives.
    pub to: IpAddr,
}

impl Tunnel {
    /// The `number`-th frame of the tunnel.
    pub fn around(&self, number: u32, inside: &[u8]) -> Vec<u8> {
        let link = Link {
            source: [2, 0, 0, 0x99, 0, 1],
            destination: [2, 0, 0, 0x99, 0, 2],
            vlans: Vec::new(),
        };
        // Ends of tunnels number what they send like any other host.
        let ip = Ip {
            source: self.from,
            destination: self.to,
            ttl: 64,
            id: (number & 0xffff) as u16,
        };
        let with = |header: &[u8]| [header, inside].concat();
        match self.wrap {
            Wrap::Vxlan => {
                let payload = with(&[8, 0, 0, 0, 0, 0x12, 0x34, 0]);
                // The source port spreads flows over paths.
                let source = 49_152 + (sum(inside) & 0x3fff);
                frame::udp(&link, &ip, source, 4_789, &payload)
            }
            Wrap::Geneve => {
                let payload = with(&[0, 0, 0x65, 0x58, 0, 0x12, 0x34, 0]);
                let source = 49_152 + (sum(inside) & 0x3fff);
                frame::udp(&link, &ip, source, 6_081, &payload)
            }
            Wrap::Gre => frame::packet(&link, &ip, 47, &with(&[0, 0, 0x65, 0x58])),
            Wrap::Erspan => {
                let mut header = vec![0x10, 0, 0x88, 0xbe];
                header.extend(number.to_be_bytes());
                header.extend([0x10, 1, 0, 7, 0, 0, 0, 0]);
                frame::packet(&link, &ip, 47, &with(&header))
            }
        }
    }
}

/// A number that packets of one connection have in common.
fn sum(frame: &[u8]) -> u16 {
    let ends = frame.get(26..38).unwrap_or(&[]);
    ends.iter().fold(0, |sum, byte| sum + u16::from(*byte))
}
