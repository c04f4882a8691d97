//! Changes of channel that ordinary software makes by itself: they are near misses, never findings.

use super::failover::{Failover, Folder, folder};
use super::relation::{Peer, Relation, Route};
use super::speech::{WINDOWS, misplaced};
use super::zones::zone;
use crate::context::assets::Assets;
use crate::model::payload::Shape;
use crate::model::{Span, Text, Timestamp, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ports of services that hand out other ports: FTP, port mappers, RTSP, H.323.
const BROKERS: &[u16] = &[21, 111, 135, 554, 1720];
/// The SQL Server Browser, over UDP: it says on which port an instance listens (MC-SQLR).
const SQL_BROWSER: u16 = 1434;
/// The most bytes a question to it has: a byte, the name of an instance (32), a zero (MC-SQLR 2.2).
const SQL_QUESTION: u64 = 34;
/// The most questions: a client asks again each time it connects anew.
const SQL_QUESTIONS: u32 = 10;
/// Those whose port is for the program that asked alone: it goes over a connection of the program's own.
const OWN_BROKERS: &[u16] = &[21, 554, 1720];
/// For so long after a connection to one of them, another port of the same remote is theirs.
const BROKERED: Span = Span::seconds(60);

/// A question to a service that hands out ports, which answered as far as that is told.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asked; empty if that is not known.
    pub program: Text,
    /// The remote.
    pub address: IpAddr,
    /// The service's port.
    pub port: u16,
    /// When it was asked.
    pub at: Timestamp,
    /// When the connection ended.
    pub ended: Timestamp,
}

/// True if a service that hands out ports listens there.
pub fn hands_out(transport: Transport, port: u16) -> bool {
    match transport {
        Transport::TCP => BROKERS.contains(&port),
        Transport::UDP => port == SQL_BROWSER,
        _ => false,
    }
}

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
    /// Questions to services that hand out ports.
    pub brokers: &'a [Asked],
    /// Where the program lies, and what speaks for an implant.
    pub failover: &'a Failover,
    /// The program typically does not network: it browses, calls and mails with nobody.
    pub mute: bool,
    /// What is inside.
    pub assets: &'a Assets,
}

impl Change<'_> {
    fn is_inside(&self, relation: &Relation) -> bool {
        relation.is_inside(self.assets)
    }
}

const DNS: &[u16] = &[53, 853];
const MAIL: &[u16] = &[25, 110, 143, 465, 587, 993, 995, 2525];
const CALLS: &[u16] = &[3478, 3479, 3480, 3481, 5060, 5061, 5349, 19_302];
const TUNNELS: &[u16] = &[500, 1194, 1701, 4500, 51_820];
/// VPN clients by file name, each with the ports of its own protocols.
const VPN_CLIENTS: &[(&str, &[(Transport, u16)])] = &[
    (
        "openvpn.exe",
        &[
            (Transport::UDP, 1194),
            (Transport::TCP, 1194),
            (Transport::TCP, 443),
        ],
    ),
    // GlobalProtect: TLS, and IPsec in UDP.
    (
        "pangps.exe",
        &[(Transport::TCP, 443), (Transport::UDP, 4501)],
    ),
    // AnyConnect, Cisco Secure Client: TLS and DTLS, or IKEv2.
    (
        "vpnagent.exe",
        &[
            (Transport::TCP, 443),
            (Transport::UDP, 443),
            (Transport::UDP, 500),
            (Transport::UDP, 4500),
        ],
    ),
];
/// The ports of printers: LPR, IPP, raw.
const PRINTING: &[u16] = &[515, 631, 9100];
/// The program in which Windows prints.
const SPOOLER: &str = "\\windows\\system32\\spoolsv.exe";
/// Programs in which Windows itself asks domain controllers and servers. The kernel has no folder.
const HOUSEHOLD: &[&str] = &[
    "system",
    "\\windows\\system32\\lsass.exe",
    "\\windows\\system32\\svchost.exe",
    "\\windows\\syswow64\\svchost.exe",
];
/// Where Windows asks other hosts inside for updates they have already (Microsoft's "Delivery
/// Optimization": peers over TCP).
const DELIVERY: u16 = 7680;
/// The name servers that Windows knows by itself to answer over HTTPS, too (Microsoft's "Secure DNS
/// Client over HTTPS").
const OVER_HTTPS: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)),
    IpAddr::V4(Ipv4Addr::new(1, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 4, 4)),
    IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9)),
    IpAddr::V4(Ipv4Addr::new(149, 112, 112, 112)),
    IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111)),
    IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1001)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8844)),
    IpAddr::V6(Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe)),
    IpAddr::V6(Ipv6Addr::new(0x2620, 0xfe, 0, 0, 0, 0, 0, 9)),
];
/// The program in which Windows itself downloads and asks for names.
const SERVICES: &str = "\\windows\\system32\\svchost.exe";
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
        && of_windows_itself(change)
        && !misplaced(change.new_relation.shape, new.transport, new.port, true)
    {
        return Some("Windows services change between their own ports");
    }
    if asks_inside(change) {
        return Some("a service of Windows that asks a server of its own network");
    }
    if let Some(why) = of_services(change) {
        return Some(why);
    }
    if new.port >= 1024 && brokered(change, BROKERS) {
        return Some("a port that another connection to the same remote had asked for (RPC, FTP)");
    }
    None
}

/// True if Windows' own programs use the services, one that administrators put there asks its own network,
/// or no program is known.
fn of_windows_itself(change: &Change<'_>) -> bool {
    let all_inside = change.is_inside(change.old_relation) && change.is_inside(change.new_relation);
    [change.old, change.new].iter().all(|route| {
        let program = &*route.who.program;
        !route.who.known()
            || HOUSEHOLD.contains(&program)
            || match folder(program) {
                Folder::Guarded => all_inside || program.starts_with("\\windows\\"),
                Folder::Users => false,
                Folder::Other => program.starts_with("\\windows\\"),
            }
    })
}

/// What services of Windows do when their server does not answer, as long as the payload is not known
/// to be something else.
fn of_services(change: &Change<'_>) -> Option<&'static str> {
    let (old, new, relation) = (change.old, change.new, change.new_relation);
    let services = |route: &Route| *route.who.program == *SERVICES;
    if !services(old) || !services(new) || new.transport != Transport::TCP {
        return None;
    }
    let speaks = |shapes: &[Shape]| shapes.contains(&relation.shape);
    if new.port == DELIVERY && change.is_inside(relation) && speaks(&[Shape::None, Shape::Binary]) {
        return Some("Windows asks its own network for updates (Delivery Optimization)");
    }
    let over_https = new.port == 443
        && relation.addresses.iter().all(|a| OVER_HTTPS.contains(a))
        && speaks(&[Shape::None, Shape::Tls]);
    (DNS.contains(&old.port) && over_https)
        .then_some("Windows asks a name server that it knows over HTTPS")
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
    // A program that its user can write is no client that an administrator installed.
    let installed = change.failover.folder != Folder::Users;
    let shape = change.new_relation.shape;
    // What nobody knows the form of tells only of a program that its user can write.
    let known = !matches!(shape, Shape::Text | Shape::Binary);
    let foreign = |also: &[Shape]| {
        misplaced(shape, new.transport, new.port, false)
            && !also.contains(&shape)
            && (known || !installed)
    };
    // Queries over QUIC have the port of those over TLS (RFC 9250).
    if both(DNS) && !foreign(&[Shape::Quic]) {
        return Some("name queries change between UDP, TCP, TLS and servers");
    }
    let tunnel = |route: &Route| TUNNELS.contains(&route.port) && route.transport == Transport::UDP;
    if tunnel(old) && (tunnel(new) || web(new)) && installed || vpn_client(change) {
        return Some("a VPN client that goes on over another port");
    }
    if let Some(why) = sql_server(change) {
        return Some(why);
    }
    if both(PRINTING) && printer(change) {
        return Some("the spooler that goes to another port of printers");
    }
    if both(MAIL) && !foreign(&[Shape::Tls]) {
        return Some("a mail client that tries the ports of mail");
    }
    let calls = |route: &Route| CALLS.contains(&route.port);
    let calling = calls(new) || calls(old) && new.transport == Transport::UDP;
    if calling && !foreign(&[Shape::Tls]) {
        return Some("calls and conferences try relays and ports");
    }
    // What the service spoke before it may speak on.
    let same_port = (old.transport, old.port) == (new.transport, new.port);
    if same_port && near(change) && !foreign(&[change.old_relation.shape]) {
        return Some("another server of the same service");
    }
    let tool = DEVELOPERS.contains(&new.who.file_name()) && has_folder(&new.who.program);
    if tool && installed && change.is_inside(change.new_relation) {
        return Some("a developer's tool in its own network");
    }
    None
}

/// True if it is known where the program lies: of a name alone anybody's file may be.
fn has_folder(program: &str) -> bool {
    program.contains('\\')
}

/// True if a known VPN client, where administrators put it, changes between the ports of its own.
fn vpn_client(change: &Change<'_>) -> bool {
    let (old, new) = (change.old, change.new);
    let speaks = matches!(
        change.new_relation.shape,
        Shape::None | Shape::Binary | Shape::Tls | Shape::Quic
    );
    VPN_CLIENTS
        .iter()
        .filter(|(name, _)| *name == new.who.file_name() && old.who.same_program(&new.who))
        .any(|(_, ports)| {
            [old, new]
                .iter()
                .all(|route| ports.contains(&(route.transport, route.port)))
        })
        && speaks
        && change.failover.settled
        && change.failover.implant.is_empty()
}

/// Why an exchange with a server inside is one with SQL Server, whose instances may listen on another
/// port after each start: the question to its browser, or the port that was asked for.
fn sql_server(change: &Change<'_>) -> Option<&'static str> {
    let (new, relation) = (change.new, change.new_relation);
    let its_own = change.old.who.program == new.who.program
        && same_address(change)
        && change.is_inside(relation)
        && change.failover.implant.is_empty();
    if !its_own {
        return None;
    }
    if hands_out(new.transport, new.port) && new.port == SQL_BROWSER {
        let asks = relation.contacts <= SQL_QUESTIONS
            && relation.bytes[0] <= SQL_QUESTION * u64::from(relation.contacts);
        return asks.then_some("a question for the port of an instance of SQL Server");
    }
    let speaks = matches!(relation.shape, Shape::None | Shape::Binary);
    (new.transport == Transport::TCP
        && new.port >= 1024
        && speaks
        && brokered(change, &[SQL_BROWSER]))
    .then_some("a port that the SQL Server Browser of the same server had been asked for")
}

/// True if the spooler speaks with printers inside.
fn printer(change: &Change<'_>) -> bool {
    let spooler =
        |route: &Route| route.transport == Transport::TCP && *route.who.program == *SPOOLER;
    let (new, relation) = (change.new, change.new_relation);
    spooler(change.old)
        && spooler(new)
        && change.is_inside(relation)
        && !misplaced(relation.shape, new.transport, new.port, true)
        && change.failover.implant.is_empty()
}

/// True if old and new channel go to one address.
fn same_address(change: &Change<'_>) -> bool {
    let (old, new) = (change.old_relation, change.new_relation);
    old.addresses.iter().any(|a| new.addresses.contains(a))
}

/// True if Windows itself asks for a Windows service inside, whatever it spoke with before.
fn asks_inside(change: &Change<'_>) -> bool {
    let (new, relation) = (change.new, change.new_relation);
    HOUSEHOLD.contains(&&*new.who.program)
        && WINDOWS.contains(&new.port)
        && change.is_inside(relation)
        && !misplaced(relation.shape, new.transport, new.port, true)
}

/// True if the new remote is the old one, or both are inside.
fn own_network(change: &Change<'_>) -> bool {
    let (old, new) = (change.old_relation, change.new_relation);
    let inside = || change.is_inside(old) && change.is_inside(new);
    change.old.peer == change.new.peer || same_address(change) || inside()
}

/// True if one of these services of the new remote was asked shortly before.
fn brokered(change: &Change<'_>, services: &[u16]) -> bool {
    let at = change.new_relation.first.time;
    change.brokers.iter().any(|asked| {
        let theirs = !OWN_BROKERS.contains(&asked.port) || asked.program == change.new.who.program;
        services.contains(&asked.port)
            && theirs
            && change.new_relation.addresses.contains(&asked.address)
            && asked.at <= at
            && at <= asked.ended.shifted(BROKERED)
    })
}

/// True if old and new remote are one name, one name's neighbours, or one /24 (/64).
fn near(change: &Change<'_>) -> bool {
    if let (Peer::Name(a), Peer::Name(b)) = (&change.old.peer, &change.new.peer)
        && (a == b || zone(a).is_some_and(|of_a| zone(b) == Some(of_a)))
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

fn same_segment(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}
