//! What certain programs do that looks like a scan, and how it is told apart.
//!
//! An excuse never makes a scan silent: it holds the finding at low, and the finding says which one
//! it was. Each names the program, where it lies and the ports, or what the packets show; the same
//! program on another port, or another program on the same port, is not excused.

use super::folder::Folder;
use super::judge::Doer;
use super::recent::Probe;
use super::scan::{Scan, speaks};
use crate::analytics::kit::contact::Form;
use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::{Span, Timestamp, Transport, What};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// Why a scan is held at low.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excuse {
    /// What the evidence shows.
    pub why: String,
    /// What it could be instead of a scan.
    pub otherwise: &'static str,
}

/// A program that looks for others of its kind on ports of its own.
struct Peers {
    programs: &'static [&'static str],
    /// The service of an `svchost.exe`; where no record tells it, the program's name must do.
    service: Option<&'static str>,
    folder: Where,
    ports: &'static [RangeInclusive<u16>],
    what: &'static str,
}

/// Where such a program lies.
enum Where {
    /// A folder of this name in `Program Files` or among a user's own programs.
    Installed(&'static str),
    /// `System32`.
    System,
}

/// Programs that look for peers, with the ports they do it on.
const PEERS: [Peers; 4] = [
    // Microsoft Learn, "Delivery Optimization for Windows client updates": peers talk over TCP 7680.
    Peers {
        programs: &["svchost.exe"],
        service: Some("DoSvc"),
        folder: Where::System,
        ports: &[7680..=7680],
        what: "Delivery Optimization, which asks other clients for updates",
    },
    // Microsoft Learn, "Implement Quality of Service in Microsoft Teams clients": initial port ranges
    // of audio, video and sharing.
    Peers {
        programs: &["teams.exe", "ms-teams.exe"],
        service: None,
        folder: Where::Installed("teams"),
        ports: &[50_000..=50_059],
        what: "media of a Teams call, offered to every address that its other side has",
    },
    // Players serve their UPnP description and control on TCP 1400, as captures of them show.
    Peers {
        programs: &["sonos.exe"],
        service: None,
        folder: Where::Installed("sonos"),
        ports: &[1400..=1400],
        what: "a Sonos controller that looks for its players",
    },
    // Veeam Help Center, "Ports": installer service, data mover and the range of its connections.
    Peers {
        programs: &["veeam.backup.service.exe", "veeam.backup.manager.exe"],
        service: None,
        folder: Where::Installed("veeam"),
        ports: &[2500..=3300, 6160..=6160, 6162..=6162],
        what: "a Veeam server that looks for the components it installed",
    },
];

/// Ports on which an FTP server is told what to do: plain or with TLS asked for, and TLS from the
/// first byte (RFC 959, RFC 4217).
const FTP: [u16; 2] = [21, 990];
/// A server chooses data ports among these.
const DATA: RangeInclusive<u16> = 1024..=u16::MAX;
/// A client asks for a transfer, waits, and asks for the next: on average no faster than this.
const PACE: Span = Span::seconds(1);
/// Transfers may be tried this long after the control connection was last heard of.
const LATE: Span = Span::seconds(5);
/// Control connections held of a key.
const CONTROLS: usize = 8;
/// An inventory reaches this many ports of a host at most, and this many that answer at least.
const INVENTORY_PORTS: usize = 2;
const INVENTORY_ANSWERS: u64 = 5;

/// A control connection of FTP that a server spoke on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control {
    server: IpAddr,
    from: Timestamp,
    to: Timestamp,
}

/// The latest control connections of FTP of a key.
#[derive(Clone, Debug, Default)]
pub(super) struct Controls(Vec<Control>);

impl Controls {
    /// Takes in a contact, if it is one.
    pub fn hear(&mut self, probe: &Probe) {
        let What::Attempt(attempt) = &probe.event.what else {
            return;
        };
        if FTP.contains(&probe.remote.port) && probe.transport == Transport::TCP && speaks(probe) {
            if self.0.len() >= CONTROLS {
                self.0.remove(0);
            }
            self.0.push(Control {
                server: probe.remote.address,
                from: probe.time,
                to: attempt.ended,
            });
        }
    }

    /// Those that are held.
    pub fn held(&self) -> &[Control] {
        &self.0
    }

    /// How many bytes they take.
    pub fn weight(&self) -> usize {
        self.0.capacity() * size_of::<Control>()
    }
}

/// The excuse of a scan, if it has one. Nothing that is called like a scanner has one.
pub(super) fn of(scan: &Scan, program: bool, doer: &Doer<'_>) -> Option<Excuse> {
    if doer.tool.is_some() {
        return None;
    }
    let of_program = || peers(scan, doer).or_else(|| inventory(scan, doer));
    program
        .then(of_program)
        .flatten()
        .or_else(|| data_ports(scan, doer.controls))
}

fn peers(scan: &Scan, doer: &Doer<'_>) -> Option<Excuse> {
    let found = PEERS.iter().find(|peers| peers.is(doer))?;
    let own = |(form, _, port): &(Form, Transport, u16)| {
        *form == Form::Connection && found.ports.iter().any(|range| range.contains(port))
    };
    let all = scan.ports.iter().all(own) && scan.internal == scan.contacts;
    all.then(|| Excuse {
        why: format!(
            "{} reached for internal addresses only, on a port that it uses for its peers",
            image_name(doer.image)
        ),
        otherwise: found.what,
    })
}

impl Peers {
    fn is(&self, doer: &Doer<'_>) -> bool {
        let path = image_key(doer.image);
        let name = image_name(&path);
        let service = match (self.service, doer.service) {
            (Some(asked), Some(told)) => asked.eq_ignore_ascii_case(told),
            _ => true,
        };
        let there = match self.folder {
            Where::System => path == format!("\\windows\\system32\\{name}"),
            Where::Installed(folder) => {
                matches!(
                    Folder::of(doer.image),
                    Folder::Programs | Folder::OwnPrograms
                ) && path.split('\\').any(|part| {
                    // Store apps lie in `WindowsApps\MSTeams_24.1_x64__8wekyb3d8bbwe`.
                    let package = part.split('_').next().unwrap_or(part);
                    package == folder || package.strip_prefix("ms") == Some(folder)
                })
            }
        };
        service && there && self.programs.contains(&name)
    }
}

/// An installed service that speaks with many of the hosts it reaches for, on a port or two: an
/// inventory, a distribution of software, a backup. What a connect scan opens it closes unused.
fn inventory(scan: &Scan, doer: &Doer<'_>) -> Option<Excuse> {
    let parent = image_name(&doer.instance?.parent.image);
    let sums = scan.sums();
    let service =
        Folder::of(doer.image) == Folder::Programs && parent.eq_ignore_ascii_case("services.exe");
    let speaks = sums.answered >= INVENTORY_ANSWERS
        && sums.answered * 2 >= sums.failed
        && scan.spoken * 2 >= sums.answered;
    let few = scan.ports.len() <= INVENTORY_PORTS;
    (service && speaks && few).then(|| Excuse {
        why: format!(
            "{} is a service that is installed in Program Files, and it spoke with {} of the {} that answered",
            image_name(doer.image),
            scan.spoken,
            sums.answered
        ),
        otherwise: "an inventory, software distribution or backup whose list holds hosts that are asleep",
    })
}

/// Data connections of an FTP session: to the server of a control connection that was open all the
/// while, on high ports, one after the other.
fn data_ports(scan: &Scan, controls: &[Control]) -> Option<Excuse> {
    let mut servers = scan.addresses.iter();
    let (Some(server), None) = (servers.next(), servers.next()) else {
        return None;
    };
    let data = |(form, transport, port): &(Form, Transport, u16)| {
        *form == Form::Connection
            && *transport == Transport::TCP
            && (DATA.contains(port) || FTP.contains(port))
    };
    let open = controls.iter().any(|control| {
        control.server == *server
            && control.from <= scan.first
            && scan.last <= control.to.shifted(LATE)
    });
    let steps = i64::try_from(scan.contacts).ok()?.saturating_sub(1);
    let slow = scan.last.since(scan.first).0 >= PACE.0.saturating_mul(steps);
    (open && slow && scan.ports.iter().all(data)).then(|| Excuse {
        why: format!(
            "a control connection of FTP to {server} was open all the while, and the ports were tried one after \
             the other"
        ),
        otherwise: "data connections of an FTP session that a firewall or a translated address stops",
    })
}
