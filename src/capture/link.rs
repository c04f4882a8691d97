//! The layers below the transport: link headers by link type, tags, and IPv6 extension headers.
//!
//! Link type numbers are the tcpdump group's (LINKTYPE_*). Nothing here reads addresses or ports
//! but the hardware addresses a wake signal names.

/// EtherType of Wake-on-LAN frames.
pub(super) const WAKE: u16 = 0x0842;
/// EtherType of ARP.
pub(super) const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86DD;
/// 802.1Q, 802.1ad and the older QinQ tag.
const TAGS: [u16; 3] = [0x8100, 0x88A8, 0x9100];
const MPLS: [u16; 2] = [0x8847, 0x8848];
const PPPOE_SESSION: u16 = 0x8864;
/// A fourth tag is no network in use.
const MOST_TAGS: usize = 3;
/// IPv6 extension headers followed before the packet is called malformed.
const MOST_EXTENSIONS: usize = 16;

/// What lies above the link layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    V4,
    V6,
    /// Another EtherType; 0 where there is none.
    Other(u16),
}

/// Where the network layer starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layers {
    pub network: Network,
    pub at: usize,
    /// Outermost VLAN id.
    pub vlan: Option<u16>,
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end.
    Short,
    /// The headers contradict themselves.
    Malformed,
    /// Not a link type that is read.
    Unsupported,
}

/// Takes the link header off a frame.
#[inline]
pub(super) fn peel(link: u32, data: &[u8]) -> Result<Layers, Stop> {
    match link {
        1 => ether_type(data, 12),
        12 | 14 | 101 => by_version(data, 0),
        228 => Ok(Layers {
            network: Network::V4,
            at: 0,
            vlan: None,
        }),
        229 => Ok(Layers {
            network: Network::V6,
            at: 0,
            vlan: None,
        }),
        0 | 108 => loopback(data),
        113 => ether_type(data, 14),
        276 => cooked_v2(data),
        _ => Err(Stop::Unsupported),
    }
}

/// Source and destination hardware address, where the link has them.
pub(super) fn hardware_addresses(link: u32, data: &[u8]) -> (Option<[u8; 6]>, Option<[u8; 6]>) {
    let mac = |at: usize| {
        data.get(at..at + 6)
            .and_then(|bytes| <[u8; 6]>::try_from(bytes).ok())
    };
    match link {
        1 => (mac(6), mac(0)),
        // Cooked captures keep the sender's address only, with its length before it.
        113 if data.get(4..6) == Some(&[0, 6]) => (mac(6), None),
        276 if data.get(11) == Some(&6) => (mac(12), None),
        _ => (None, None),
    }
}

/// True for a frame without IP of a kind that segments know: by its EtherType, or by a length that fits and
/// the LLC header of a protocol of bridges and routers.
pub(super) fn is_of_a_segment(link: u32, data: &[u8]) -> bool {
    let Ok(layers) = peel(link, data) else {
        return false;
    };
    match layers.network {
        Network::V4 | Network::V6 => true,
        // Loop detection, slow protocols, 802.1X, MACsec, LLDP, PPPoE discovery.
        Network::Other(kind) if kind >= 0x0600 => matches!(
            kind,
            ARP | WAKE | 0x9000 | 0x8809 | 0x888E | 0x88E5 | 0x88CC | 0x8863
        ),
        Network::Other(_) => {
            let length = layers.at.checked_sub(2).and_then(|at| word(data, at).ok());
            let room = data.len() - layers.at.min(data.len());
            let fits = length.is_some_and(|length| (3..=room).contains(&usize::from(length)));
            let llc = data.get(layers.at..layers.at + 2);
            // Spanning tree, IS-IS, SNAP.
            fits && matches!(llc, Some([0x42, 0x42] | [0xFE, 0xFE] | [0xAA, 0xAA]))
        }
    }
}

/// The two bytes at `at`, as the network orders them.
#[inline]
pub(super) fn word(data: &[u8], at: usize) -> Result<u16, Stop> {
    match data.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(Stop::Short),
    }
}

/// The EtherType field is at `at`, the next layer directly behind it.
#[inline]
fn ether_type(data: &[u8], at: usize) -> Result<Layers, Stop> {
    tagged(data, word(data, at)?, at + 2)
}

/// `kind` is the EtherType of what starts at `at`.
#[inline]
fn tagged(data: &[u8], mut kind: u16, mut at: usize) -> Result<Layers, Stop> {
    let mut vlan = None;
    let mut tags = 0;
    loop {
        match kind {
            IPV4 => {
                return Ok(Layers {
                    network: Network::V4,
                    at,
                    vlan,
                });
            }
            IPV6 => {
                return Ok(Layers {
                    network: Network::V6,
                    at,
                    vlan,
                });
            }
            _ if TAGS.contains(&kind) => {
                if tags == MOST_TAGS {
                    return Err(Stop::Malformed);
                }
                tags += 1;
                let id = word(data, at)? & 0x0FFF;
                vlan.get_or_insert(id);
                kind = word(data, at + 2)?;
                at += 4;
            }
            _ if MPLS.contains(&kind) => return mpls(data, at, vlan),
            PPPOE_SESSION => return pppoe(data, at, vlan),
            // Below 0x0600 it is an 802.3 length, and a type may follow behind LLC (RFC 1042).
            0..0x0600 => match data.get(at..at + 8) {
                Some(&[0xAA, 0xAA, 3, 0, 0, 0, high, low]) if high >= 6 => {
                    kind = u16::from_be_bytes([high, low]);
                    at += 8;
                }
                _ => {
                    let network = Network::Other(0);
                    return Ok(Layers { network, at, vlan });
                }
            },
            other => {
                return Ok(Layers {
                    network: Network::Other(other),
                    at,
                    vlan,
                });
            }
        }
    }
}

/// The IP version tells what it is.
fn by_version(data: &[u8], at: usize) -> Result<Layers, Stop> {
    let network = match data.get(at).ok_or(Stop::Short)? >> 4 {
        4 => Network::V4,
        6 => Network::V6,
        _ => return Err(Stop::Malformed),
    };
    Ok(Layers {
        network,
        at,
        vlan: None,
    })
}

/// NULL and LOOP: an address family, in the byte order of the capturing machine.
fn loopback(data: &[u8]) -> Result<Layers, Stop> {
    let bytes = data.first_chunk::<4>().ok_or(Stop::Short)?;
    let network = match (u32::from_be_bytes(*bytes), u32::from_le_bytes(*bytes)) {
        (2, _) | (_, 2) => Network::V4,
        // The number of IPv6 differs: Linux and Windows, NetBSD, FreeBSD, macOS.
        (10 | 23 | 24 | 28 | 30, _) | (_, 10 | 23 | 24 | 28 | 30) => Network::V6,
        _ => Network::Other(0),
    };
    Ok(Layers {
        network,
        at: 4,
        vlan: None,
    })
}

/// LINUX_SLL2: the protocol comes first, the header is 20 bytes.
fn cooked_v2(data: &[u8]) -> Result<Layers, Stop> {
    let kind = word(data, 0)?;
    if data.len() < 20 {
        return Err(Stop::Short);
    }
    tagged(data, kind, 20)
}

/// RFC 3032: labels of four bytes, the last one marked; what follows shows its IP version.
fn mpls(data: &[u8], mut at: usize, vlan: Option<u16>) -> Result<Layers, Stop> {
    for _ in 0..MOST_EXTENSIONS {
        let label = data.get(at..at + 4).ok_or(Stop::Short)?;
        at += 4;
        if label[2] & 1 != 0 {
            return Ok(match by_version(data, at) {
                Ok(layers) => Layers { vlan, ..layers },
                // A pseudowire: a frame inside, not an IP packet.
                Err(Stop::Malformed) => Layers {
                    network: Network::Other(MPLS[0]),
                    at,
                    vlan,
                },
                Err(stop) => return Err(stop),
            });
        }
    }
    Err(Stop::Malformed)
}

/// RFC 2516 4 and the PPP protocol numbers of RFC 1332 and RFC 5072.
fn pppoe(data: &[u8], at: usize, vlan: Option<u16>) -> Result<Layers, Stop> {
    let network = match word(data, at + 6)? {
        0x0021 => Network::V4,
        0x0057 => Network::V6,
        _ => Network::Other(PPPOE_SESSION),
    };
    Ok(Layers {
        network,
        at: at + 8,
        vlan,
    })
}

/// Where the extension headers of an IPv6 packet lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    pub protocol: u8,
    /// Offset of the transport header behind the fixed header.
    pub at: usize,
    pub first_fragment: bool,
    pub later_fragment: bool,
}

/// Walks the extension headers that begin `body` (RFC 8200 4, RFC 4302 2). Stops at ESP, at "no
/// next header" and at every transport.
#[inline]
pub(super) fn extensions(first: u8, body: &[u8]) -> Result<Walk, Stop> {
    let mut walk = Walk {
        protocol: first,
        ..Walk::default()
    };
    for _ in 0..MOST_EXTENSIONS {
        let is_fragment = walk.protocol == 44;
        if !is_fragment && !matches!(walk.protocol, 0 | 43 | 51 | 60 | 135 | 139 | 140) {
            return Ok(walk);
        }
        let header = body.get(walk.at..walk.at + 8).ok_or(Stop::Short)?;
        let length = match walk.protocol {
            44 => 8,
            51 => (usize::from(header[1]) + 2) * 4,
            _ => (usize::from(header[1]) + 1) * 8,
        };
        walk.protocol = header[0];
        walk.at += length;
        if is_fragment {
            let field = u16::from_be_bytes([header[2], header[3]]);
            if field & 0xFFF8 != 0 {
                walk.later_fragment = true;
                return Ok(walk);
            }
            walk.first_fragment |= field & 1 != 0;
        }
    }
    Err(Stop::Malformed)
}
