//! The world in which a story is played: clocks, processes, listeners, live flows; what went over
//! the wire and what was logged.

use super::cast::{Act, Host, LogKind, ProcessName, Seen};
use crate::evtx::Event;
use crate::evtx::events::{Account, Program};
use crate::moment::{MILLISECOND, Moment};
use crate::pcap::frame::{Link, Mac};
use crate::seed;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The MAC address of the router between networks.
pub(super) const ROUTER: Mac = [0x02, 0x00, 0x5e, 0x00, 0x01, 0x01];

/// A frame that passed at a true moment.
pub(super) struct Sent {
    /// Nanoseconds since the story's midnight.
    pub(super) at: i64,
    pub(super) bytes: Vec<u8>,
    pub(super) from: usize,
    /// `None` for a broadcast.
    pub(super) to: Option<usize>,
    pub(super) line: usize,
}

/// A record that was written at a true moment.
pub(super) struct Written {
    pub(super) at: i64,
    pub(super) host: usize,
    pub(super) kind: LogKind,
    pub(super) event: Event,
    /// EventRecordIDs that are missing before it.
    pub(super) lost: u64,
    pub(super) line: usize,
}

/// An inbound connection that a host has logged, for as long as it lives.
pub(super) struct Live {
    pub(super) host: usize,
    pub(super) program: Program,
    pub(super) client: (IpAddr, u16),
    pub(super) server: (IpAddr, u16),
    pub(super) from: i64,
    pub(super) to: i64,
}

/// What a host has running.
#[derive(Default)]
pub(super) struct Running {
    programs: BTreeMap<String, Program>,
    pub(super) listeners: BTreeMap<(u8, u16), Program>,
    pub(super) rules: Vec<crate::evtx::events::firewall::Rule>,
    next_port: u16,
    next_ip_id: u16,
    /// Clock changes the story made: from when on, how much.
    pub(super) clock_changes: Vec<(i64, i64)>,
    /// Records of each log that will be missing before the next.
    pub(super) lost: BTreeMap<LogKind, u64>,
    /// When its event log service did not run.
    pub(super) unlogged: Vec<(i64, i64)>,
    pub(super) profile: u32,
}

/// Everything while a story is played.
pub(super) struct World<'a> {
    pub(super) day: Moment,
    pub(super) hosts: &'a [Host],
    pub(super) running: Vec<Running>,
    pub(super) sent: Vec<Sent>,
    pub(super) written: Vec<Written>,
    pub(super) live: Vec<Live>,
    line: usize,
    turn: usize,
    seen: Seen,
}

impl<'a> World<'a> {
    pub(super) fn new(day: Moment, hosts: &'a [Host]) -> Self {
        let running = hosts
            .iter()
            .map(|host| Running {
                next_port: first_port(host),
                next_ip_id: (seed::number(&[&host.name, "ip id"]) & 0xffff) as u16,
                profile: 4,
                ..Running::default()
            })
            .collect();
        let mut world = Self {
            day,
            hosts,
            running,
            sent: Vec::new(),
            written: Vec::new(),
            live: Vec::new(),
            line: 0,
            turn: 0,
            seen: Seen::default(),
        };
        for (index, host) in hosts.iter().enumerate() {
            for (protocol, port) in &host.open {
                let program = world.usual_server(index, *port);
                world.running[index]
                    .listeners
                    .insert((*protocol, *port), program);
            }
        }
        world
    }

    /// Begins an act: what follows is blamed on its line.
    pub(super) fn begin(&mut self, act: &Act) {
        self.line = act.line;
        self.turn = act.turn;
        self.seen = act.seen.clone();
    }

    /// A value that belongs to this line and turn.
    pub(super) fn chance(&self, low: i64, high: i64, what: &str) -> i64 {
        seed::between(
            low,
            high,
            &[&self.line.to_string(), &self.turn.to_string(), what],
        )
    }

    pub(super) fn logs(&self, host: usize, kind: LogKind) -> bool {
        self.hosts[host].logs.contains(&kind)
    }

    /// What a host's clock shows.
    pub(super) fn host_time(&self, host: usize, at: i64) -> Moment {
        let changes = &self.running[host].clock_changes;
        let changed: i64 = changes.iter().filter(|c| c.0 <= at).map(|c| c.1).sum();
        let host = &self.hosts[host];
        self.day
            .plus(at + host.clock.error_at(at) + host.zone + changed)
    }

    /// UtcTime of Sysmon 3 and 22: a clock anchored at boot, which later corrections do not reach.
    pub(super) fn etw_time(&self, index: usize, at: i64) -> Moment {
        let host = &self.hosts[index];
        let chosen =
            || host.clock.offset + seed::between(-2_400, 2_400, &[&host.name, "etw"]) * MILLISECOND;
        let bias = host.etw.unwrap_or_else(chosen);
        // 11 ppm is what was measured on a virtual machine between two boots.
        self.day.plus(at + bias + host.zone + at / 1_000_000 * 11)
    }

    /// Writes an event into a host's log, if the host keeps that log and the line lets it.
    pub(super) fn log(&mut self, host: usize, kind: LogKind, at: i64, event: Event) {
        let wanted = self.seen.only.is_empty() || self.seen.only.contains(&event.id);
        let unwanted =
            self.seen.without.contains(&event.id) || self.hosts[host].without.contains(&event.id);
        if self.seen.not_in_the_log || !wanted || unwanted || !self.logs(host, kind) {
            return;
        }
        let unlogged = &self.running[host].unlogged;
        if unlogged.iter().any(|(from, to)| *from < at && at < *to) {
            return;
        }
        let kind = if kind == LogKind::Drops {
            LogKind::Security
        } else {
            kind
        };
        let event = event.at(&self.hosts[host].computer, self.host_time(host, at));
        self.written.push(Written {
            at,
            host,
            kind,
            event,
            lost: self.running[host].lost.remove(&kind).unwrap_or(0),
            line: self.line,
        });
    }

    /// The event log service of `host` ends: nothing is written until it begins again.
    pub(super) fn logs_until(&mut self, host: usize, at: i64) {
        self.running[host].unlogged.push((at, i64::MAX));
    }

    /// The event log service of `host` begins.
    pub(super) fn logs_from(&mut self, host: usize, at: i64) {
        if let Some((_, to)) = self.running[host].unlogged.last_mut() {
            *to = at;
        }
    }

    /// Puts a frame on the wire, if the line lets it.
    pub(super) fn send(&mut self, at: i64, from: usize, to: Option<usize>, bytes: Vec<u8>) {
        if !self.seen.not_on_the_wire {
            self.sent.push(Sent {
                at,
                bytes,
                from,
                to,
                line: self.line,
            });
        }
    }

    pub(super) fn mac(&self, host: usize) -> Mac {
        self.hosts[host].mac.unwrap_or_else(|| {
            let n = seed::number(&[&self.hosts[host].name, "mac"]).to_be_bytes();
            [0x00, 0x15, 0x5d, n[0], n[1], n[2]]
        })
    }

    /// The Ethernet header between two hosts: their own addresses in one subnet, the router's
    /// across networks.
    pub(super) fn link(
        &self,
        from: (usize, IpAddr),
        to: (usize, IpAddr),
        vlan: Option<u16>,
    ) -> Link {
        let same = same_subnet(from.1, to.1);
        let (mut source, mut destination) = (self.mac(from.0), self.mac(to.0));
        if !same {
            // Seen on the segment of the internal host.
            if is_internal(from.1) && !is_internal(to.1) || is_internal(from.1) && is_internal(to.1)
            {
                destination = ROUTER;
            } else {
                source = ROUTER;
            }
        }
        Link {
            source,
            destination,
            vlans: vlan.into_iter().collect(),
        }
    }

    pub(super) fn ttl(&self, host: usize, to: IpAddr) -> u8 {
        let host = &self.hosts[host];
        let start = host.ttl.unwrap_or(if host.linux { 64 } else { 128 });
        let near = host
            .addresses
            .iter()
            .any(|a| is_internal(*a) || same_subnet(*a, to));
        if near || host.ttl.is_some() {
            start
        } else {
            start - 13
        }
    }

    pub(super) fn ip_id(&mut self, host: usize) -> u16 {
        let id = &mut self.running[host].next_ip_id;
        *id = id.wrapping_add(1);
        *id
    }

    /// The next ephemeral port.
    pub(super) fn client_port(&mut self, host: usize) -> u16 {
        let low = if self.hosts[host].linux {
            32_768
        } else {
            49_152
        };
        let port = &mut self.running[host].next_port;
        *port = port.checked_add(1).unwrap_or(low).max(low);
        *port
    }

    /// The address a host uses towards `peer`: the one of its family.
    pub(super) fn address(&self, host: usize, v6: bool) -> IpAddr {
        let all = &self.hosts[host].addresses;
        all.iter()
            .find(|a| a.is_ipv6() == v6)
            .copied()
            .unwrap_or(all[0])
    }

    fn account(&self, host: usize, text: &str) -> Account {
        if text.starts_with("S-1-") {
            return Account {
                sid: text.into(),
                name: "-".into(),
                domain: "-".into(),
                logon: 0x3e5,
            };
        }
        let (domain, name) = text
            .split_once('\\')
            .unwrap_or((&self.hosts[host].name, text));
        let rid = 1100 + seed::number(&[text, "rid"]) % 8000;
        Account {
            sid: format!("S-1-5-21-1004336348-1177238915-682003330-{rid}"),
            name: name.into(),
            domain: domain.into(),
            logon: 0x30000 + seed::number(&[text, "logon"]) % 0xf_0000,
        }
    }

    /// The account a line names, or the one that usually acts.
    pub(super) fn account_named(&self, host: usize, text: Option<&str>) -> Account {
        self.account(host, text.unwrap_or("CORP\\admin"))
    }

    /// A running process by name; started silently, long ago, if nobody has mentioned it yet.
    pub(super) fn program(&mut self, host: usize, name: &ProcessName) -> Program {
        if name.image == "System" {
            return Program::kernel(&self.hosts[host].name);
        }
        let key = base_name(&name.image);
        if let Some(known) = self.running[host].programs.get(&key) {
            let same_pid = name.pid.is_none_or(|pid| pid == known.pid);
            let same_image =
                !name.image.contains('\\') || name.image.eq_ignore_ascii_case(&known.image);
            if same_pid && same_image && name.account.is_none() {
                return known.clone();
            }
        }
        self.start(host, name, None)
    }

    /// A new process; the name stands for it from now on.
    pub(super) fn start(
        &mut self,
        host: usize,
        name: &ProcessName,
        command_line: Option<&str>,
    ) -> Program {
        let image = full_path(&name.image);
        let key = base_name(&name.image);
        let serial = self.running[host].programs.len().to_string();
        let words = [
            self.hosts[host].name.as_str(),
            &image,
            &serial,
            &self.line.to_string(),
        ];
        let mut pid = name
            .pid
            .unwrap_or(400 + 4 * (seed::number(&words) % 2_200) as u32);
        while name.pid.is_none() && self.running[host].programs.values().any(|p| p.pid == pid) {
            pid += 4;
        }
        let account = match &name.account {
            Some(text) => self.account(host, text),
            None if is_service(&key) => Account::system(),
            None => self.account_named(host, None),
        };
        let command_line = command_line.map_or_else(|| usual_command_line(&image), str::to_owned);
        let guid = seed::guid(&[&self.hosts[host].name, &image, &pid.to_string(), &serial]);
        let program = Program {
            pid,
            image,
            guid,
            command_line,
            original: None,
            account,
        };
        self.running[host].programs.insert(key, program.clone());
        program
    }

    /// Forgets a process that has ended.
    pub(super) fn end(&mut self, host: usize, image: &str) -> Option<Program> {
        self.running[host].programs.remove(&base_name(image))
    }

    /// A service host of its own for `service`.
    pub(super) fn service(&mut self, host: usize, service: &str) -> Program {
        let key = format!("svchost.exe {service}");
        if let Some(known) = self.running[host].programs.get(&key) {
            return known.clone();
        }
        let words = [self.hosts[host].name.as_str(), service];
        let mut account = Account::system();
        if matches!(service, "mpssvc" | "RpcSs" | "TermService") {
            account.sid = if service == "mpssvc" {
                "S-1-5-19"
            } else {
                "S-1-5-20"
            }
            .into();
            account.name = if service == "mpssvc" {
                "LOCAL SERVICE"
            } else {
                "NETWORK SERVICE"
            }
            .into();
        }
        let program = Program {
            pid: 600 + 4 * (seed::number(&words) % 600) as u32,
            image: "C:\\Windows\\System32\\svchost.exe".into(),
            guid: seed::guid(&words),
            command_line: format!("C:\\Windows\\System32\\svchost.exe -k netsvcs -p -s {service}"),
            original: None,
            account,
        };
        self.running[host].programs.insert(key, program.clone());
        program
    }

    /// Who serves a port on a Windows host when nobody says otherwise.
    pub(super) fn usual_server(&mut self, host: usize, port: u16) -> Program {
        let named = |image: &str| ProcessName {
            image: image.into(),
            pid: None,
            account: None,
            under: None,
        };
        match port {
            80 | 139 | 443 | 445 | 5985 | 5986 => Program::kernel(&self.hosts[host].name),
            3389 => self.service(host, "TermService"),
            135 => self.service(host, "RpcSs"),
            53 => self.program(host, &named("dns.exe")),
            88 | 389 | 636 | 3268 => self.program(host, &named("lsass.exe")),
            22 => self.program(host, &named("sshd.exe")),
            _ => self.service(host, "Schedule"),
        }
    }
}

fn first_port(host: &Host) -> u16 {
    let spread = (seed::number(&[&host.name, "port"]) % 2_000) as u16;
    if host.linux {
        33_000 + spread
    } else {
        49_160 + spread
    }
}

fn base_name(image: &str) -> String {
    image.rsplit('\\').next().unwrap_or(image).to_lowercase()
}

fn is_service(name: &str) -> bool {
    matches!(
        name,
        "svchost.exe"
            | "lsass.exe"
            | "services.exe"
            | "dns.exe"
            | "sshd.exe"
            | "wmiprvse.exe"
            | "spoolsv.exe"
    )
}

fn full_path(image: &str) -> String {
    if image.contains('\\') || image == "-" {
        return image.to_owned();
    }
    let name = image.to_lowercase();
    match name.as_str() {
        "powershell.exe" => format!("C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\{image}"),
        "wmiprvse.exe" => format!("C:\\Windows\\System32\\wbem\\{image}"),
        "explorer.exe" => format!("C:\\Windows\\{image}"),
        "sshd.exe" => format!("C:\\Windows\\System32\\OpenSSH\\{image}"),
        "chrome.exe" => format!("C:\\Program Files\\Google\\Chrome\\Application\\{image}"),
        "msedge.exe" => format!("C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\{image}"),
        "firefox.exe" => format!("C:\\Program Files\\Mozilla Firefox\\{image}"),
        "wireshark.exe" | "dumpcap.exe" | "tshark.exe" => {
            format!("C:\\Program Files\\Wireshark\\{image}")
        }
        _ => format!("C:\\Windows\\System32\\{image}"),
    }
}

fn usual_command_line(image: &str) -> String {
    match base_name(image).as_str() {
        "svchost.exe" => format!("{image} -k netsvcs -p"),
        _ if image.contains(' ') => format!("\"{image}\""),
        _ => image.to_owned(),
    }
}

/// Private and link-local space.
pub(super) fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            a.is_private() || a.is_link_local() || a.is_broadcast() || a.is_multicast()
        }
        IpAddr::V6(a) => a.is_unique_local() || a.is_unicast_link_local() || a.is_multicast(),
    }
}

/// Same /24 or same /64.
pub(super) fn same_subnet(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}
