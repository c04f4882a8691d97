//! Changes of channel that ordinary software makes by itself: they are near misses, never findings.

use super::relation::{Peer, Relation, Route};
use super::speech::{WINDOWS, misplaced};
use crate::model::net::is_private;
use crate::model::{Span, Timestamp, Transport};
use std::net::IpAddr;

/// Ports of services that hand out other ports: FTP, port mappers, RTSP, H.323.
pub const BROKERS: &[u16] = &[21, 111, 135, 554, 1720];
/// For so long after a connection to one of them, another port of the same remote is theirs.
const BROKERED: Span = Span::seconds(60);

/// What a pair of channels is told by.
pub struct Change<'a> {
    /// The broken channel.
    pub old: &'a Route,
    /// What passed over it.
    pub old_relation: &'a Relation,
    /// The new one.
    pub new: &'a Route,
    /// What passed over it.
    pub new_relation: &'a Relation,
    /// Connections to services that hand out ports: the remote, when asked, when ended.
    pub brokers: &'a [(IpAddr, Timestamp, Timestamp)],
    /// The program typically does not network: it browses, calls and mails with nobody.
    pub mute: bool,
}

const DNS: &[u16] = &[53, 853];
const MAIL: &[u16] = &[25, 110, 143, 465, 587, 993, 995, 2525];
const CALLS: &[u16] = &[3478, 3479, 3480, 3481, 5060, 5061, 5349, 19_302];
const TUNNELS: &[u16] = &[500, 1194, 1701, 4500, 51_820];
/// Programs in which Windows itself asks domain controllers and servers.
const HOUSEHOLD: &[&str] = &["system", "svchost.exe", "lsass.exe"];
/// Tools of developers, which reach for odd ports of their own network all day.
const DEVELOPERS: &[&str] = &[
    "docker.exe",
    "com.docker.backend.exe",
    "dockerd.exe",
    "node.exe",
    "python.exe",
    "pythonw.exe",
    "java.exe",
    "javaw.exe",
    "code.exe",
    "devenv.exe",
    "kubectl.exe",
    "wsl.exe",
    "ssh.exe",
];

/// Why the change is ordinary; `None` if it is not.
pub fn ordinary(change: &Change<'_>) -> Option<&'static str> {
    of_windows(change).or_else(|| {
        // What programs of the network do among themselves excuses no other program.
        (!change.mute).then(|| of_the_network(change)).flatten()
    })
}

/// What Windows itself does, in any of its programs.
fn of_windows(change: &Change<'_>) -> Option<&'static str> {
    let (old, new) = (change.old, change.new);
    if WINDOWS.contains(&old.port)
        && WINDOWS.contains(&new.port)
        && own_network(change)
        && !misplaced(change.new_relation.shape, new.transport, new.port, true)
    {
        return Some("Windows services change between their own ports");
    }
    if asks_inside(change) {
        return Some("a service of Windows that asks a server of its own network");
    }
    if new.port >= 1024 && brokered(change) {
        return Some("a port that another connection to the same remote had asked for (RPC, FTP)");
    }
    None
}

/// What browsers, mail clients, calls, VPNs and tools do.
fn of_the_network(change: &Change<'_>) -> Option<&'static str> {
    let (old, new) = (change.old, change.new);
    let both = |ports: &[u16]| ports.contains(&old.port) && ports.contains(&new.port);
    let web = |route: &Route| route.port == 443;
    if web(old)
        && web(new)
        && old.transport != new.transport
        && !misplaced(change.new_relation.shape, new.transport, new.port, false)
    {
        return Some("QUIC and TCP on port 443 stand in for each other");
    }
    if both(DNS) {
        return Some("name queries change between UDP, TCP, TLS and servers");
    }
    let tunnel = |route: &Route| TUNNELS.contains(&route.port) && route.transport == Transport::UDP;
    if tunnel(old) && (tunnel(new) || web(new)) {
        return Some("a VPN client that goes on over another port");
    }
    if both(MAIL) {
        return Some("a mail client that tries the ports of mail");
    }
    let calls = |route: &Route| CALLS.contains(&route.port);
    if calls(new) || (calls(old) && new.transport == Transport::UDP) {
        return Some("calls and conferences try relays and ports");
    }
    if old.transport == new.transport && old.port == new.port && near(change) {
        return Some("another server of the same service");
    }
    let inside = |relation: &Relation| relation.addresses.iter().all(|a| is_private(*a));
    if DEVELOPERS.contains(&new.who.file_name()) && inside(change.new_relation) {
        return Some("a developer's tool in its own network");
    }
    None
}

/// True if Windows itself asks for a Windows service inside, whatever it spoke with before.
fn asks_inside(change: &Change<'_>) -> bool {
    let (new, relation) = (change.new, change.new_relation);
    HOUSEHOLD.contains(&new.who.file_name())
        && WINDOWS.contains(&new.port)
        && relation.addresses.iter().all(|a| is_private(*a))
        && !misplaced(relation.shape, new.transport, new.port, true)
}

/// True if the new remote is the old one, or both are inside.
fn own_network(change: &Change<'_>) -> bool {
    let (old, new) = (change.old_relation, change.new_relation);
    let inside = |relation: &Relation| relation.addresses.iter().all(|a| is_private(*a));
    change.old.peer == change.new.peer
        || old.addresses.iter().any(|a| new.addresses.contains(a))
        || inside(old) && inside(new)
}

fn brokered(change: &Change<'_>) -> bool {
    let at = change.new_relation.first.time;
    change.brokers.iter().any(|(address, asked, ended)| {
        change.new_relation.addresses.contains(address)
            && *asked <= at
            && at <= ended.shifted(BROKERED)
    })
}

/// True if old and new remote are one name, one name's neighbours, or one /24 (/64).
fn near(change: &Change<'_>) -> bool {
    if let (Peer::Name(a), Peer::Name(b)) = (&change.old.peer, &change.new.peer)
        && (a == b || parent(a).is_some_and(|zone| parent(b) == Some(zone)))
    {
        return true;
    }
    change.old_relation.addresses.iter().any(|a| {
        change
            .new_relation
            .addresses
            .iter()
            .any(|b| same_segment(*a, *b))
    })
}

/// The zone of a name with at least three labels: `cdn.example` of `a.cdn.example`.
fn parent(name: &str) -> Option<&str> {
    let (_, zone) = name.split_once('.')?;
    zone.contains('.').then_some(zone)
}

fn same_segment(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}
