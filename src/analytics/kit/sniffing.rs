//! Signs that a process watches the wire: capture libraries, drivers and tools.
//!
//! Signs add up: one strong sign or two weak ones make a sniffer. Endpoint protection, VPN clients
//! and Wireshark show the same signs, so a sniffer is never a finding by itself.

use crate::eventlog::normalise::image::{image_key, image_name};
use crate::model::{Event, HostWhat, Text, Timestamp, What};
use std::collections::{BTreeMap, VecDeque};

/// How much a sign says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// It says something beside others of the same process alone: much that captures nothing writes traces.
    Trace,
    /// Two of them are enough.
    Weak,
    /// One is enough.
    Strong,
}

/// A sign, and how strong it is.
#[derive(Clone, Debug)]
pub struct Sign {
    /// The record.
    pub event: Event,
    /// What it shows, in words.
    pub what: &'static str,
    /// How much it says.
    pub strength: Strength,
    /// The process it is about: image key and pid; `None` for the whole host.
    pub process: Option<(String, Option<u32>)>,
}

/// What a finding says of a process whose signs are enough.
pub const CONDITION: &str = "the process shows signs of a packet sniffer";

const LIBRARIES: [&str; 3] = ["wpcap.dll", "packet.dll", "windivert.dll"];
const DRIVERS: [&str; 9] = [
    "npcap.sys",
    "npf.sys",
    "windivert.sys",
    "windivert32.sys",
    "windivert64.sys",
    "norddivert.sys",
    "lingtiwfp.sys",
    "eswfp.sys",
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
    let sign = |what, strength, process| {
        Some(Sign {
            event: event.clone(),
            what,
            strength,
            process,
        })
    };
    use Strength::{Strong, Trace, Weak};
    let by = |p: &crate::model::host_event::Process| Some((image_key(&p.image), p.pid));
    match &host.what {
        HostWhat::LibraryLoaded {
            process, library, ..
        } if is_one_of(library, &LIBRARIES) => sign("loads a capture library", Strong, by(process)),
        HostWhat::DriverLoaded { image, .. } if is_one_of(image, &DRIVERS) => {
            sign("a capture driver is loaded", Strong, None)
        }
        HostWhat::ServiceInstalled { image, name, .. } => {
            let text = format!("{name} {image}").to_lowercase();
            if SERVICE_WORDS.iter().any(|w| text.contains(w)) {
                sign("a capture service is installed", Weak, None)
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
                sign("a capture tool is started", Weak, by(process))
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
            Weak,
            None,
        ),
        HostWhat::FileCreated { process, path } if is_capture_file(path) => {
            sign("writes a capture file", Trace, by(process))
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
/// Starts remembered per host.
const STARTS: usize = 64;

/// The signs of one host.
#[derive(Clone, Debug, Default)]
pub struct Sniffing {
    held: VecDeque<Sign>,
    // Drivers and processes of one uptime are gone in the next.
    starts: VecDeque<Timestamp>,
}

impl Sniffing {
    /// How many signs are remembered.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes in an event of this host; a sign that makes room is counted in `dropped`.
    pub fn hear(&mut self, event: &Event, dropped: &mut u64) {
        if let What::Host(host) = &event.what
            && matches!(host.what, HostWhat::SystemStarted)
        {
            if self.starts.len() >= STARTS {
                self.starts.pop_front();
            }
            self.starts.push_back(event.time);
        }
        let Some(sign) = sign_of(event) else { return };
        // A program that writes one file after another shows one sign.
        let again = |held: &Sign| (held.what, &held.process) == (sign.what, &sign.process);
        if self.since_start(event.time).any(again) {
            return;
        }
        if self.held.len() >= SIGNS {
            // The oldest of those that say least.
            let least = (0..self.held.len()).min_by_key(|at| self.held[*at].strength);
            self.held.remove(least.unwrap_or_default());
            *dropped += 1;
        }
        self.held.push_back(sign);
    }

    /// The signs of the uptime that `time` lies in, up to then.
    fn since_start(&self, time: Timestamp) -> impl Iterator<Item = &Sign> {
        let mut starts = self.starts.iter().rev();
        let start = starts.find(|start| **start <= time).copied();
        self.held
            .iter()
            .filter(move |sign| sign.event.time <= time)
            .filter(move |sign| start.is_none_or(|start| sign.event.time >= start))
    }

    /// The signs that speak for a process at `time`, if they are enough: its own up to then, and beside one
    /// of those the host's. A driver that is loaded says nothing about who uses it.
    pub fn of_process(
        &self,
        image: &Text,
        pid: Option<u32>,
        time: Timestamp,
    ) -> Option<Vec<&Sign>> {
        let key = image_key(image);
        let mut kinds: BTreeMap<&'static str, &Sign> = BTreeMap::new();
        for sign in self.since_start(time) {
            let speaks = match &sign.process {
                None => true,
                Some((other, other_pid)) => {
                    *other == key && (pid.is_none() || other_pid.is_none() || pid == *other_pid)
                }
            };
            if speaks {
                kinds.entry(sign.what).or_insert(sign);
            }
        }
        let of = |own: bool, least: Strength| {
            let signs = kinds.values().filter(|sign| sign.process.is_some() == own);
            signs.filter(|sign| sign.strength >= least).count()
        };
        // Beside what the host shows, a process must do more than write a trace.
        let enough = of(true, Strength::Strong) > 0
            || of(true, Strength::Trace) >= 2
            || of(true, Strength::Weak) > 0 && of(false, Strength::Weak) > 0;
        enough.then(|| kinds.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::host_event::Process;
    use crate::model::samples::record;

    const AGENT: &str = r"C:\Tools\agent.exe";

    fn at(second: i64, what: HostWhat) -> Event {
        record(second, "WS01", what)
    }

    fn process(pid: u32) -> Process {
        Process {
            image: AGENT.into(),
            pid: Some(pid),
            ..Process::default()
        }
    }

    fn file(pid: u32, path: &str) -> HostWhat {
        HostWhat::FileCreated {
            process: process(pid),
            path: path.into(),
        }
    }

    fn callout() -> HostWhat {
        HostWhat::CalloutChanged {
            added: true,
            provider: "Vendor".into(),
            name: "".into(),
        }
    }

    fn heard(events: &[Event]) -> Sniffing {
        let mut sniffing = Sniffing::default();
        events.iter().for_each(|e| sniffing.hear(e, &mut 0));
        sniffing
    }

    #[test]
    fn a_program_that_writes_traces_beside_a_driver_of_others_is_no_sniffer() {
        let sniffing = heard(&[at(1, callout()), at(2, file(7, r"C:\Logs\a.etl"))]);
        let time = Timestamp(i64::MAX);
        assert!(sniffing.of_process(&AGENT.into(), Some(7), time).is_none());
    }

    #[test]
    fn many_files_are_one_sign_and_push_out_none_that_says_more() {
        let mut dropped = 0;
        let mut sniffing = Sniffing::default();
        sniffing.hear(&at(0, callout()), &mut dropped);
        for second in 1..400 {
            sniffing.hear(&at(second, file(7, r"C:\Logs\a.etl")), &mut dropped);
        }
        assert_eq!((sniffing.held(), dropped), (2, 0));
        for second in 400..800 {
            let pid = second as u32;
            sniffing.hear(&at(second, file(pid, r"C:\Logs\a.etl")), &mut dropped);
        }
        assert_eq!(sniffing.held(), SIGNS);
        assert!(dropped > 0);
        assert!(sniffing.held.iter().any(|s| s.strength == Strength::Weak));
    }
}
