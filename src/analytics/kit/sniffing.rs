//! Signs that a process watches the wire: capture libraries, drivers and tools.
//!
//! Signs add up: one strong sign or two weak ones make a sniffer. Endpoint protection, VPN clients
//! and Wireshark show the same signs, so a sniffer is never a finding by itself.

use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::{Event, HostWhat, Text, What};
use std::collections::{BTreeMap, VecDeque};

/// A sign, and how strong it is: 2 is enough by itself.
#[derive(Clone, Debug)]
pub struct Sign {
    /// The record.
    pub event: Event,
    /// What it shows, in words.
    pub what: &'static str,
    /// 1 or 2.
    pub points: u32,
    /// The process it is about: image key and pid; `None` for the whole host.
    pub process: Option<(String, Option<u32>)>,
}

/// What a finding says of a process whose signs are enough.
pub const CONDITION: &str = "the process shows signs of a packet sniffer";

const LIBRARIES: [&str; 3] = ["wpcap.dll", "packet.dll", "windivert.dll"];
const DRIVERS: [&str; 7] = [
    "npcap.sys",
    "npf.sys",
    "windivert.sys",
    "windivert32.sys",
    "windivert64.sys",
    "norddivert.sys",
    "rawpcap.sys",
];
const SERVICE_WORDS: [&str; 7] = [
    "pcap",
    "npf.sys",
    "nm3.sys",
    "ndiscap",
    "windivert",
    "usbpcap",
    "pktmon",
];
const TOOLS: [&str; 5] = [
    "tshark.exe",
    "windump.exe",
    "dumpcap.exe",
    "rawcap.exe",
    "pktmon.exe",
];
const COMMANDS: [&str; 3] = [
    "start-neteventsession",
    "new-neteventsession",
    "netsh trace start",
];

/// True for the path of a library that captures or sends packets past the socket layer.
pub fn is_capture_library(library: &str) -> bool {
    is_one_of(library, &LIBRARIES)
}

/// The sign an event shows, if any.
pub fn sign_of(event: &Event) -> Option<Sign> {
    let What::Host(host) = &event.what else {
        return None;
    };
    let sign = |what, points, process| {
        Some(Sign {
            event: event.clone(),
            what,
            points,
            process,
        })
    };
    let by = |p: &crate::model::host_event::Process| Some((image_key(&p.image), p.pid));
    match &host.what {
        HostWhat::LibraryLoaded {
            process, library, ..
        } if is_one_of(library, &LIBRARIES) => sign("loads a capture library", 2, by(process)),
        HostWhat::DriverLoaded { image, .. } if is_one_of(image, &DRIVERS) => {
            sign("a capture driver is loaded", 2, None)
        }
        HostWhat::ServiceInstalled { image, name, .. } => {
            let text = format!("{name} {image}").to_lowercase();
            if SERVICE_WORDS.iter().any(|w| text.contains(w)) {
                sign("a capture service is installed", 1, None)
            } else {
                None
            }
        }
        HostWhat::ProcessStarted {
            process,
            command_line,
            ..
        } => {
            let line = command_line.to_lowercase();
            if is_one_of(&process.image, &TOOLS) || COMMANDS.iter().any(|c| line.contains(c)) {
                sign("a capture tool is started", 1, by(process))
            } else {
                None
            }
        }
        HostWhat::CalloutChanged {
            added: true,
            provider,
            ..
        } if !provider.is_empty() && !provider.to_lowercase().contains("microsoft") => sign(
            "a callout of another vendor enters the filtering platform",
            1,
            None,
        ),
        HostWhat::FileCreated { process, path } if is_capture_file(path) => {
            sign("writes a capture file", 1, by(process))
        }
        _ => None,
    }
}

fn is_one_of(path: &str, names: &[&str]) -> bool {
    names
        .iter()
        .any(|n| image_name(path).eq_ignore_ascii_case(n))
}

fn is_capture_file(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    [".pcap", ".pcapng", ".etl"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Signs remembered per host.
const SIGNS: usize = 256;

/// The signs of one host, since it started.
#[derive(Clone, Debug, Default)]
pub struct Sniffing {
    held: VecDeque<Sign>,
}

impl Sniffing {
    /// How many signs are remembered.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes in an event of this host.
    pub fn hear(&mut self, event: &Event, dropped: &mut u64) {
        if let What::Host(host) = &event.what
            && matches!(host.what, HostWhat::SystemStarted)
        {
            // Drivers and processes of the last uptime are gone.
            self.held.clear();
        }
        let Some(sign) = sign_of(event) else { return };
        if self.held.len() >= SIGNS {
            self.held.pop_front();
            *dropped += 1;
        }
        self.held.push_back(sign);
    }

    /// The signs that speak for a process, if they are enough: its own, and beside one of those the
    /// host's. A driver that is loaded says nothing about who uses it.
    pub fn of_process(&self, image: &Text, pid: Option<u32>) -> Option<Vec<&Sign>> {
        let key = image_key(image);
        let mut kinds: BTreeMap<&'static str, (u32, &Sign)> = BTreeMap::new();
        for sign in &self.held {
            let speaks = match &sign.process {
                None => true,
                Some((other, other_pid)) => {
                    *other == key && (pid.is_none() || other_pid.is_none() || pid == *other_pid)
                }
            };
            if speaks {
                kinds.entry(sign.what).or_insert((sign.points, sign));
            }
        }
        let points: u32 = kinds.values().map(|(p, _)| p).sum();
        let own = kinds.values().any(|(_, sign)| sign.process.is_some());
        (own && points >= 2).then(|| kinds.into_values().map(|(_, s)| s).collect())
    }
}
