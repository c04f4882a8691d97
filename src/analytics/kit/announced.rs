//! Ports that begin to listen by a setting of the host or by a service of Windows, where the record is not of
//! the listener itself: auditing of listeners (Security 5154) is off by default.

use crate::model::host_event::{RegistryChange, ServiceState};
use crate::model::{HostWhat, Text};
use std::net::{IpAddr, Ipv4Addr};

/// What a record announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    /// The port over TCP.
    pub port: u16,
    /// The address it listens on.
    pub address: IpAddr,
    /// The record names the port. Else it is the one that the service uses unless it is told otherwise.
    pub named: bool,
    /// It is opened; else shut.
    pub opens: bool,
    /// The setting or the service.
    pub by: Text,
}

/// Display names of services, each with the port it listens on by default (Microsoft's "Service overview and
/// network port requirements").
const SERVICES: [(&str, u16); 6] = [
    ("OpenSSH SSH Server", 22),
    ("Remote Desktop Services", RDP),
    ("Windows Remote Management (WS-Management)", 5985),
    ("World Wide Web Publishing Service", 80),
    ("Microsoft FTP Service", 21),
    ("Telnet", 23),
];
const RDP: u16 = 3389;
/// Any address of the host.
const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The port that a record announces, if any.
pub(super) fn announced(what: &HostWhat) -> Option<Announced> {
    match what {
        HostWhat::ServiceStateChanged { name, state } => {
            let known = |(service, _): &&(&str, u16)| name.eq_ignore_ascii_case(service);
            let (_, port) = SERVICES.iter().find(known)?;
            let opens = match state {
                ServiceState::Running => true,
                ServiceState::Stopped => false,
                ServiceState::Unknown => return None,
            };
            Some(Announced {
                port: *port,
                address: ANY,
                named: false,
                opens,
                by: name.clone(),
            })
        }
        HostWhat::RegistryChanged {
            change,
            target,
            details,
            ..
        } => {
            let (key, value) = target.rsplit_once('\\')?;
            let told = match value.contains('/') {
                true => proxied(key, value).map(|(address, port)| (address, port, true)),
                false if value.eq_ignore_ascii_case("fDenyTSConnections") => {
                    Some((ANY, RDP, false))
                }
                false => None,
            };
            let (address, port, named) = told?;
            let opens = match (change, named) {
                (RegistryChange::Set, true) => true,
                (RegistryChange::Deleted, true) => false,
                // What denies connections is set to 0.
                (RegistryChange::Set, false) => match &*details.trim().to_ascii_lowercase() {
                    "dword (0x00000000)" => true,
                    "dword (0x00000001)" => false,
                    _ => return None,
                },
                _ => return None,
            };
            Some(Announced {
                port,
                address,
                named,
                opens,
                by: target.clone(),
            })
        }
        _ => None,
    }
}

/// Where a value of the port proxy listens: `…\Services\PortProxy\v4tov4\tcp` with `*/8443`.
fn proxied(key: &str, value: &str) -> Option<(IpAddr, u16)> {
    let mut parts = key.rsplit('\\');
    let is = |part: Option<&str>, word: &str| part.is_some_and(|p| p.eq_ignore_ascii_case(word));
    let tcp = is(parts.next(), "tcp");
    let family = parts.next()?;
    if !tcp || !is(parts.next(), "PortProxy") || !family.contains("to") {
        return None;
    }
    let (address, port) = value.split_once('/')?;
    let address = match address {
        "*" => ANY,
        // A name is looked up by the host, and the answer is not told.
        address => address.parse().unwrap_or(ANY),
    };
    Some((address, port.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host_event::Process;

    fn set(target: &str, details: &str) -> Option<Announced> {
        announced(&HostWhat::RegistryChanged {
            process: Process::default(),
            change: RegistryChange::Set,
            target: target.into(),
            details: details.into(),
        })
    }

    #[test]
    fn settings_and_services_announce_a_port() {
        let proxy = r"HKLM\System\CurrentControlSet\Services\PortProxy\v4tov4\tcp\*/8443";
        let told = set(proxy, "10.0.0.9/3389").unwrap();
        assert_eq!((told.port, told.address, told.named), (8443, ANY, true));
        let own = set(&proxy.replace('*', "10.0.0.5"), "10.0.0.9/3389").unwrap();
        assert_eq!(own.address, IpAddr::from([10, 0, 0, 5]));
        assert_eq!(set(&proxy.replace("PortProxy", "Other"), "x"), None);
        let rdp = r"HKLM\System\CurrentControlSet\Control\Terminal Server\fDenyTSConnections";
        let told = |details| set(rdp, details).map(|told| (told.port, told.named, told.opens));
        assert_eq!(told("DWORD (0x00000000)"), Some((3389, false, true)));
        assert_eq!(told("DWORD (0x00000001)"), Some((3389, false, false)));
        assert_eq!(told("Binary Data"), None);
        let sshd = |state| {
            announced(&HostWhat::ServiceStateChanged {
                name: "OpenSSH SSH Server".into(),
                state,
            })
        };
        assert!(sshd(ServiceState::Running).is_some_and(|told| told.opens && told.port == 22));
        assert!(sshd(ServiceState::Stopped).is_some_and(|told| !told.opens));
    }

    #[test]
    fn a_setting_that_is_taken_away_shuts_what_it_opened() {
        let told = |change, target: &str| {
            announced(&HostWhat::RegistryChanged {
                process: Process::default(),
                change,
                target: target.into(),
                details: "DWORD (0x00000000)".into(),
            })
            .map(|told| told.opens)
        };
        let proxy = r"HKLM\System\CurrentControlSet\Services\PortProxy\v4tov4\tcp\*/8443";
        assert_eq!(told(RegistryChange::Set, proxy), Some(true));
        assert_eq!(told(RegistryChange::Deleted, proxy), Some(false));
        assert_eq!(told(RegistryChange::Renamed, proxy), None);
        // What denies connections by default, or by a policy, is not told by its end.
        let rdp = r"HKLM\System\CurrentControlSet\Control\Terminal Server\fDenyTSConnections";
        assert_eq!(told(RegistryChange::Set, rdp), Some(true));
        assert_eq!(told(RegistryChange::Deleted, rdp), None);
    }

    #[test]
    fn what_is_not_told_for_certain_announces_nothing() {
        let proxy = r"HKLM\System\CurrentControlSet\Services\PortProxy\v4tov4\tcp\*/8443";
        for other in [
            proxy.replace("tcp", "udp"),
            proxy.replace("v4tov4", "v4"),
            proxy.replace("8443", "ssh"),
            proxy.replace("*/8443", "Enabled"),
        ] {
            assert_eq!(set(&other, "10.0.0.9/3389"), None, "{other}");
        }
        let service = |name: &str, state| {
            announced(&HostWhat::ServiceStateChanged {
                name: name.into(),
                state,
            })
        };
        assert_eq!(service("OpenSSH SSH Server", ServiceState::Unknown), None);
        assert_eq!(service("Print Spooler", ServiceState::Running), None);
    }

    #[test]
    fn a_service_is_known_by_its_display_name_whatever_its_case() {
        for (name, port) in [
            ("openssh ssh server", 22),
            ("Remote Desktop Services", 3389),
            ("Windows Remote Management (WS-Management)", 5985),
            ("World Wide Web Publishing Service", 80),
            ("Microsoft FTP Service", 21),
            ("TELNET", 23),
        ] {
            let told = announced(&HostWhat::ServiceStateChanged {
                name: name.into(),
                state: ServiceState::Running,
            });
            let told = told.map(|told| (told.port, told.address, told.named, told.by));
            assert_eq!(told, Some((port, ANY, false, name.into())));
        }
    }
}
