//! Packets that carry other packets: mirrors of clouds and switches, overlays, tunnels between networks.
//!
//! Finds where the packet inside starts. What is encrypted (ESP), compressed or put together from several
//! packets (L2TP, PPTP) is not opened. Nothing here believes a port number alone: the header behind it has
//! to be one, and whoever asks gives the outer packet out if what is inside makes no sense.

use super::link::word;
use crate::evidence::{Problem, ProblemKind, Weight};
use crate::model::EvidenceId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Tunnels within tunnels that are opened; a further one is handed out as it is.
pub(super) const MOST_NESTED: u8 = 4;
/// Pairs of ends remembered for one kind in one file.
const MOST_PAIRS: usize = 1_000;
/// Options and tags followed in one header.
const MOST_PARTS: usize = 32;

/// How a packet is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// IPv4 in IP (RFC 2003).
    Ipv4,
    /// IPv6 in IP (RFC 4213).
    Ipv6,
    /// GRE (RFC 2784, RFC 2890), NVGRE (RFC 7637), in datagrams too (RFC 8086).
    Gre,
    /// ERSPAN of any type, in GRE (draft-foschiano-erspan-03).
    Erspan,
    /// EtherIP (RFC 3378).
    EtherIp,
    /// VXLAN (RFC 7348), with group policy too (draft-smith-vxlan-group-policy-05).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// TZSP, in which MikroTik and other devices send what they sniff.
    Tzsp,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4 in IP",
            Self::Ipv6 => "IPv6 in IP",
            Self::Gre => "GRE",
            Self::Erspan => "ERSPAN",
            Self::EtherIp => "EtherIP",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "GENEVE",
            Self::GtpU => "GTP-U",
            Self::Tzsp => "TZSP",
        }
    }
}

/// A packet inside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inside {
    pub kind: Kind,
    /// The link type as which to read it.
    pub link: u32,
    /// Where it starts behind the IP header, or behind that of the datagram.
    pub at: usize,
}

/// Link types (LINKTYPE_ registry) of what may be inside.
const ETHERNET: u32 = 1;
const RAW: u32 = 101;
const IPV4: u32 = 228;
const IPV6: u32 = 229;

/// What an IP payload of this protocol carries.
pub(super) fn by_protocol(protocol: u8, body: &[u8]) -> Option<Inside> {
    let (kind, link, at) = match protocol {
        4 => (Kind::Ipv4, IPV4, 0),
        41 => (Kind::Ipv6, IPV6, 0),
        47 => return gre(body),
        // Version 3, the rest of the sixteen bits 0.
        97 if body.starts_with(&[0x30, 0]) => (Kind::EtherIp, ETHERNET, 2),
        _ => return None,
    };
    Some(Inside { kind, link, at })
}

/// What a datagram to this port carries, whose payload was `whole` bytes on the wire.
#[inline]
pub(super) fn by_port(port: u16, payload: &[u8], whole: u32) -> Option<Inside> {
    match port {
        // 8472 is what Linux took before a port was assigned.
        4_789 | 8_472 => vxlan(payload),
        6_081 => geneve(payload),
        4_754 => gre(payload),
        2_152 => gtp_u(payload, whole),
        37_008 => tzsp(payload),
        _ => None,
    }
}

/// The link type of an EtherType that may be inside.
fn link_of(ether_type: u16) -> Option<u32> {
    match ether_type {
        0x0800 => Some(IPV4),
        0x86DD => Some(IPV6),
        // Transparent Ethernet bridging.
        0x6558 => Some(ETHERNET),
        _ => None,
    }
}

/// RFC 2784 2 and RFC 2890 2. Source routes (RFC 1701) and version 1 (PPTP) are not read.
fn gre(body: &[u8]) -> Option<Inside> {
    let (flags, carried) = (word(body, 0).ok()?, word(body, 2).ok()?);
    let (checksum, key, sequence) = (0x8000, 0x2000, 0x1000);
    // Routing, the version and what is reserved.
    if flags & !(checksum | key | sequence) != 0 {
        return None;
    }
    let fields = [checksum, key, sequence];
    let at = 4 + 4 * fields.iter().filter(|field| flags & **field != 0).count();
    let erspan = |header| Inside {
        kind: Kind::Erspan,
        link: ETHERNET,
        at: at + header,
    };
    match carried {
        // Type I has no header of its own and no sequence number.
        0x88BE if flags & sequence == 0 => Some(erspan(0)),
        0x88BE => (body.get(at)? >> 4 == 1).then(|| erspan(8)),
        0x22EB => {
            let header = body.get(at..at + 12)?;
            let (version, frame, more) = (header[0] >> 4, header[10] >> 2 & 0x1F, header[11] & 1);
            let behind = erspan(12 + 8 * usize::from(more));
            match (version, frame) {
                (2, 0) => Some(behind),
                (2, 2) => Some(Inside {
                    link: RAW,
                    ..behind
                }),
                _ => None,
            }
        }
        carried => Some(Inside {
            kind: Kind::Gre,
            link: link_of(carried)?,
            at,
        }),
    }
}

/// RFC 7348 5: the network's number is valid and nothing reserved is set, but for the policy group.
fn vxlan(payload: &[u8]) -> Option<Inside> {
    let header = payload.first_chunk::<8>()?;
    let (valid, group) = (0x08, 0x80);
    let plain = header[0] == valid && header[1..4] == [0; 3];
    // "Do not learn" and "applied" may be said of the group.
    let with_group = header[0] == valid | group && header[1] & !0x48 == 0;
    (header[7] == 0 && (plain || with_group)).then_some(Inside {
        kind: Kind::Vxlan,
        link: ETHERNET,
        at: 8,
    })
}

/// RFC 8926 3.4.
fn geneve(payload: &[u8]) -> Option<Inside> {
    let header = payload.first_chunk::<8>()?;
    let (version, options) = (header[0] >> 6, usize::from(header[0] & 0x3F) * 4);
    // A message of the tunnel itself (O) carries no packet of others.
    if version != 0 || header[1] & 0xBF != 0 || header[7] != 0 {
        return None;
    }
    Some(Inside {
        kind: Kind::Geneve,
        link: link_of(word(header, 2).ok()?)?,
        at: 8 + options,
    })
}

/// TS 29.281 5.1 and 5.2: version 1, a packet of a user (message 255).
fn gtp_u(payload: &[u8], whole: u32) -> Option<Inside> {
    let header = payload.first_chunk::<8>()?;
    let length = u32::from(word(header, 2).ok()?) + 8;
    if header[0] & 0xF0 != 0x30 || header[1] != 255 || length != whole {
        return None;
    }
    let mut at = 8;
    if header[0] & 0x07 != 0 {
        let mut next = *payload.get(11)?;
        at = 12;
        for _ in 0..MOST_PARTS {
            if header[0] & 0x04 == 0 || next == 0 {
                break;
            }
            let length = usize::from(*payload.get(at)?) * 4;
            if length == 0 {
                return None;
            }
            next = *payload.get(at + length - 1)?;
            at += length;
        }
    }
    Some(Inside {
        kind: Kind::GtpU,
        link: RAW,
        at,
    })
}

/// Version 1, a received packet, Ethernet; tags up to the end tag.
fn tzsp(payload: &[u8]) -> Option<Inside> {
    if !payload.starts_with(&[1, 0, 0, 1]) {
        return None;
    }
    let mut at = 4;
    for _ in 0..MOST_PARTS {
        match *payload.get(at)? {
            0 => at += 1,
            1 => {
                return Some(Inside {
                    kind: Kind::Tzsp,
                    link: ETHERNET,
                    at: at + 1,
                });
            }
            _ => at += 2 + usize::from(*payload.get(at + 1)?),
        }
    }
    None
}

/// A tunnel from which a packet was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub kind: Kind,
    /// Who sent the outer packet.
    pub from: IpAddr,
    /// To whom.
    pub to: IpAddr,
}

/// The tunnels of one file from which packets were taken.
#[derive(Default)]
pub(super) struct Tunnels {
    /// Those of the packet decoded last, the outermost last.
    pub opened: Vec<Opened>,
    kinds: BTreeMap<Kind, Tunnel>,
}

struct Tunnel {
    count: u64,
    first_offset: u64,
    first: (IpAddr, IpAddr),
    pairs: BTreeSet<(IpAddr, IpAddr)>,
}

impl Tunnels {
    /// Counts those of the packet at `offset`.
    #[cold]
    pub(super) fn enter(&mut self, offset: u64) {
        for opened in self.opened.drain(..) {
            let ends = (opened.from, opened.to);
            let tunnel = self.kinds.entry(opened.kind).or_insert_with(|| Tunnel {
                count: 0,
                first_offset: offset,
                first: ends,
                pairs: BTreeSet::new(),
            });
            tunnel.count += 1;
            if tunnel.pairs.len() < MOST_PAIRS {
                tunnel.pairs.insert(ends);
            }
        }
    }

    /// What to tell of them at the end of the file.
    pub(super) fn told(&mut self, evidence: EvidenceId) -> Vec<Problem> {
        let kinds = std::mem::take(&mut self.kinds);
        let told = kinds.into_iter().map(|(kind, tunnel)| {
            let more = match tunnel.pairs.len() - 1 {
                0 => String::new(),
                _ if tunnel.pairs.len() >= MOST_PAIRS => {
                    format!(" and more than {} other pairs of ends", MOST_PAIRS - 2)
                }
                1 => " and 1 other pair of ends".to_owned(),
                n => format!(" and {n} other pairs of ends"),
            };
            let (from, to) = tunnel.first;
            Problem {
                evidence: Some(evidence),
                kind: ProblemKind::Tunnel,
                weight: Weight::Note,
                count: tunnel.count,
                first_offset: Some(tunnel.first_offset),
                message: format!(
                    "packets inside {} were opened (from {from} to {to}{more})",
                    kind.name()
                ),
                effect: "what is told is of the packets inside, not of those around them; whoever can send \
                         to that end can make up what is inside"
                    .to_owned(),
            }
        });
        told.collect()
    }
}
