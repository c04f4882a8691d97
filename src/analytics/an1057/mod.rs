//! AN1057: a process that enumerates the network.
//!
//! Keys: a program with the processes of one parent, where records tie contacts to processes; and
//! every source, for what no process is tied to. State: the first contacts of the longest window
//! (`recent`), the random walk (`walk`), the scans that go on (`scan`) and the nearest miss (`near`). `detect` decides that
//! there is one, `judge` how bad it is, `telling` says it.

mod again;
mod detect;
mod excuse;
mod folder;
mod followed;
mod judge;
mod key;
mod near;
mod otherwise;
mod recent;
#[cfg(test)]
mod samples;
mod scan;
mod sequence;
mod settings;
mod severity;
mod spoken;
mod starts;
mod tables;
mod telling;
mod title;
mod tools;
mod translated;
mod usual;
mod walk;

pub use key::{Family, Key};
pub use settings::EnumerationSettings;

use super::about::{About, Need, Source};
use super::contract::Analytic;
use super::found::Found;
use super::kit::contact::{Contact, Fate, Form, contact_of};
use super::kit::sniffing;
use crate::context::Context;
use crate::context::coverage::Log;
use crate::model::net::is_group_or_wildcard;
use crate::model::{Actor, Event, HostWhat, Span, Timestamp, What};
use again::Told;
use detect::{Asked, Detected, Detector, Focus, Hit, detect, walked};
use excuse::Controls;
use key::program;
use near::{FanOut, Near};
use recent::{Heard, Probe, Recent};
use scan::{Count, Scan};
use spoken::Spoken;
use usual::Usual;
use walk::Walk;

/// The analytic.
pub struct Enumeration {
    settings: EnumerationSettings,
}

/// What is remembered of one key.
#[derive(Default)]
pub struct State {
    recent: Recent,
    /// Contacts with usual targets, of which nearly every key has none.
    usual: Option<Box<Usual>>,
    walk: Walk,
    /// A scan of hosts, and one of the segment's addresses: two behaviours, told apart.
    scans: [Option<Box<Scan>>; 2],
    /// The last of each that was told.
    last_told: [Option<Box<Told>>; 2],
    /// The nearest to a scan so far, and whether there was one.
    near: Option<Near>,
    /// What would have been a scan, had silence told anything.
    silent: Option<Near>,
    told: bool,
    /// The largest fan-out of a program that is far from a scan.
    fan_out: Option<FanOut>,
    /// When the last scan of hosts that was told had ended.
    hosts_until: Option<Timestamp>,
    /// Signs that something may send past the socket layer: capture libraries, scanners started.
    signs: Vec<Event>,
    /// Of a program: records of the starts of its processes.
    starts: Vec<Event>,
    /// Control connections of FTP.
    controls: Controls,
    /// Connections with payload: what followed an answer may have come before the scan was one.
    spoken: Spoken,
}

/// A scan is over after this long without a first contact; one that only the walk shows may be
/// slow.
const OVER: Span = Span::seconds(600);
const SLOW_OVER: Span = Span::seconds(86_400);
/// Signs held per host.
const SIGNS: usize = 32;
/// What an event takes that is held on to, in bytes, by and large.
const EVENT: usize = 512;
/// A scan with more contacts than this is looked at again only now and then.
const CLEAR: u64 = 1024;

impl Analytic for Enumeration {
    type Params = EnumerationSettings;
    type Key = Key;
    type State = State;

    const ABOUT: About = About {
        id: "AN1057",
        version: "0.1.0",
        name: "Network enumeration by a process",
        technique: &[("T1046", "Network Service Discovery")],
        strategy: "DET0376",
        summary: "A process reaches for many addresses or ports within a short time: process creation, socket \
                  connections and packets are brought together, and the sequence of targets is told with its \
                  outcomes. Without socket records the source address stands for the process.",
        steps: &[
            "outgoing contacts of one program (the processes of one parent), or of one source, are counted at \
             their first contact with a target in sliding windows; retransmissions, retries and connections \
             that Windows logs again count once",
            "horizontal: HorizontalFailures addresses fail on one port within FailureWindow; or \
             ScanRateThreshold addresses within TimeWindow, half of the known outcomes failed; or \
             HorizontalTargets internal addresses within SweepWindow whatever their outcome; or SegmentSweep \
             addresses asked for by ARP or neighbour discovery within TimeWindow",
            "vertical: VerticalFailures ports of one address fail within FailureWindow; or VerticalPorts ports \
             within TimeWindow whatever their outcome; or SensitiveCount of SensitivePorts within TimeWindow",
            "random walk: the failures among first contacts with internal addresses are 99 times likelier for \
             a scanner than for a harmless host; no window, so slow scans count, down to one contact a day",
            "sequence: SequenceLength internal addresses on one port within TimeWindow, SequenceShare percent of \
             the steps to a neighbouring address; or half of a stretch of a /24 covered, mostly without success",
            "tool: the program or command line is a scanner's, and it reaches ToolTargets targets within \
             TimeWindow",
            "a port of an address to which the host completed connections on UsualDays earlier days, which the \
             same program used on as many, is a usual target and does not count, but for a program that is a \
             scanner's; what usual targets would have been is a near miss. Loopback, multicast, broadcast and the \
             host's own addresses are nobody else",
        ],
        needs: &[
            Need {
                name: "outgoing connections",
                essential: true,
                from: &[
                    Source::Packets,
                    Source::Events(Log::Security, &[5156, 5157]),
                    Source::Events(Log::Sysmon, &[3]),
                ],
                what: "a capture of the host's traffic, or the audit subcategory \"Filtering Platform \
                      Connection\" (success), or Sysmon with NetworkConnect rules (successes only)",
            },
            Need {
                name: "what became of them",
                essential: false,
                from: &[Source::Packets],
                what: "a capture of the host's traffic: Security 5156 is written before the first packet leaves, \
                      and Sysmon 3 for connections that were made",
            },
            Need {
                name: "process of a connection",
                essential: false,
                from: &[
                    Source::Events(Log::Security, &[5156, 5157]),
                    Source::Events(Log::Sysmon, &[3]),
                ],
                what: "the audit subcategory \"Filtering Platform Connection\" (success), or Sysmon with \
                      NetworkConnect rules",
            },
            Need {
                name: "process creation",
                essential: false,
                from: &[
                    Source::Events(Log::Security, &[4688]),
                    Source::Events(Log::Sysmon, &[1]),
                ],
                what: "the audit subcategory \"Process Creation\" with command lines, or Sysmon",
            },
        ],
        cannot_see: &[
            "a scan through a proxy: every contact goes to the proxy",
            "failed connections in Sysmon 3: it records connections that were made, so a scan of closed ports \
             leaves almost nothing there",
            "the process of packets that a capture driver sends: they pass no socket; a process that loaded \
             such a driver is named as a sign, not as the sender",
            "which user of a translated address scanned",
            "outcomes, from socket records alone",
            "failures by silence, where no answer to the source is in the captures: they may hold one direction \
             only, and silence counts as not told",
            "the ports of one host tried slowly: they are counted within FailureWindow, and the walk, which has no \
             window, goes by hosts",
            "a scan with more than 24 hours between two contacts: after a day without one, what is known of a \
             source is let go",
        ],
        benign: &[
            otherwise::APPROVED,
            otherwise::MANY_CLIENTS,
            otherwise::GONE,
            otherwise::UPLINK,
            otherwise::ONE_SERVER,
            otherwise::SERVICES,
            otherwise::SEGMENT,
            otherwise::OUTSIDE,
            otherwise::FORGED,
            otherwise::TRANSLATED,
        ],
        severities: severity::TABLE,
        same_chain: None,
        actions: &[
            "ask the owner of the host and of the account whether a scan was planned, and by which program",
            "acquire the program, its parent and its command line, and look at what the process did next",
            "look at the targets that answered: log-ons and connections from this host afterwards",
        ],
    };

    fn new(settings: EnumerationSettings) -> Self {
        Self { settings }
    }

    fn keys(&self, event: &Event, context: &Context, each: &mut dyn FnMut(Key)) {
        if let What::Host(host) = &event.what
            && is_sign(&host.what)
            && let Some(place) = context.identity.place_of(host)
        {
            each(Key::Source(place));
        }
        if let Some(key) = starts::started(event, context) {
            each(key);
        }
        let Some(contact) = contact_of(event, context) else {
            return;
        };
        if !Self::counts(&contact, context) {
            return;
        }
        each(Key::Source(contact.from));
        if let Some(key) = contact
            .actor
            .and_then(|actor| program(actor, event.time, context))
        {
            each(key);
        }
    }

    fn step(
        &self,
        key: &Key,
        state: &mut State,
        event: &Event,
        context: &Context,
        found: &mut Found,
    ) {
        let Some(contact) = contact_of(event, context) else {
            let (held, most) = match key {
                Key::Program { .. } => (&mut state.starts, starts::STARTS),
                Key::Source(_) => (&mut state.signs, SIGNS),
            };
            if held.len() >= most {
                held.remove(0);
            }
            held.push(event.clone());
            return;
        };
        let mut probe = Probe::of(&contact, context);
        for lane in LANES {
            if state.scans[lane]
                .as_ref()
                .is_some_and(|s| is_over(s, probe.time))
            {
                // Failures that became known since its last contact are its own.
                if state.walk.until(probe.time) {
                    let hit = walked(&state.walk, &self.settings);
                    open(state, hit);
                }
                self.tell(key, lane, state, context, found);
            }
        }
        let settings = &self.settings;
        let longest = settings
            .failure_window
            .max(settings.time_window)
            .max(settings.sweep_window);
        state.controls.hear(&probe);
        if self.is_usual(&contact, context) {
            let program = matches!(key, Key::Program { .. });
            let usual = state.usual.get_or_insert_default();
            let first = usual.hear(&probe, longest, program, settings);
            for scan in state.scans.iter_mut().flatten() {
                scan.usual += u64::from(first && scan.holds(&probe));
            }
            return;
        }
        probe.known = state.walk.knows(probe.remote.address);
        let heard = state.recent.hear(&probe, longest);
        let new = heard != Heard::Nothing;
        let over = if Focus::Walked.holds(&probe) {
            state.walk.hear(&probe)
        } else {
            state.walk.until(probe.time)
        };
        let lane = lane_of(probe.form);
        let clear = state.scans[lane]
            .as_ref()
            .is_some_and(|s| s.contacts > CLEAR && !s.contacts.is_multiple_of(64));
        let mut detected = Detected::default();
        if new && !clear {
            let tool = self.tool(contact.actor, key, event.time, context);
            let asked = Asked {
                settings,
                program: matches!(key, Key::Program { .. }),
                tool: tool.as_deref(),
            };
            detected = detect(&state.recent, &probe, &asked);
        }
        if over {
            detected.hits.push(walked(&state.walk, settings));
        }
        if let Some(near) = detected.near
            && state.near.as_ref().is_none_or(|n| near.nearer_than(n))
        {
            state.near = Some(near);
        }
        // On the wire, silence that tells nothing; by records alone, every connection inside.
        let untold = match probe.on_wire {
            true => probe.fate != contact.fate,
            false => probe.fate == Fate::Untold && Focus::Walked.holds(&probe),
        };
        if new && untold {
            let (from, held) = ((contact.from, context), state.silent.as_ref());
            let larger = Near::untold(&state.recent, &probe, settings, from, held);
            state.silent = larger.or(state.silent.take());
        }
        if new
            && matches!(key, Key::Program { .. })
            && let held = state.fan_out.as_ref()
            && let Some(larger) = FanOut::of(&state.recent, &probe, settings, held)
        {
            state.fan_out = Some(larger);
        }
        let belonged = state.scans[lane].as_ref().is_some_and(|s| s.holds(&probe));
        for hit in detected.hits {
            open(state, hit);
        }
        for scan in state.scans.iter_mut().flatten() {
            scan.follow(&probe);
        }
        state.spoken.hear(&probe);
        if belonged && let Some(scan) = state.scans[lane].as_deref_mut() {
            match heard {
                Heard::First => scan.take(&probe),
                Heard::Better if !scan.learn(&probe) => scan.take(&probe),
                Heard::Better | Heard::Nothing => {}
            }
        }
    }

    fn weight(state: &State) -> usize {
        let scans = state.scans.iter().flatten();
        state.recent.weight()
            + state.usual.as_ref().map_or(0, |usual| usual.weight())
            + state.walk.weight()
            + scans.map(|scan| scan.weight()).sum::<usize>()
            + state
                .last_told
                .iter()
                .flatten()
                .map(|told| told.weight())
                .sum::<usize>()
            + (state.signs.len() + state.starts.len()) * EVENT
            + state.controls.weight()
            + state.spoken.weight()
    }

    fn horizon(&self) -> Span {
        SLOW_OVER
    }

    fn close(&self, key: &Key, mut state: State, context: &Context, found: &mut Found) {
        if state.walk.until(Timestamp::MAX) {
            let hit = walked(&state.walk, &self.settings);
            open(&mut state, hit);
        }
        for lane in LANES {
            self.tell(key, lane, &mut state, context, found);
            if let Some(told) = state.last_told[lane].take() {
                told.tell(found);
            }
        }
        if state.told {
            return;
        }
        let usual = state.usual.as_mut().and_then(|usual| usual.near());
        let near = [state.silent.take(), usual, state.near.take()];
        let near = near
            .into_iter()
            .flatten()
            .find_map(|n| n.tell(key, context));
        let fan_out = state.fan_out.take();
        let few = || match key {
            Key::Program { host, .. } => fan_out.map(|f| f.tell(*host, context)),
            Key::Source(_) => None,
        };
        if let Some(miss) = near.or_else(few) {
            found.near_miss(miss);
        }
    }
}

impl Enumeration {
    /// True for a contact with somebody else.
    fn counts(contact: &Contact<'_>, context: &Context) -> bool {
        let remote = contact.remote.address;
        let own = || context.identity.place(remote, contact.event.time) == contact.from;
        !(remote.is_loopback()
            || is_group_or_wildcard(remote)
            || remote == contact.local.address
            || own())
    }

    /// What about the program of this key is a scanner's.
    fn tool(
        &self,
        actor: Option<&Actor>,
        key: &Key,
        time: Timestamp,
        context: &Context,
    ) -> Option<String> {
        let Key::Program { host, .. } = key else {
            return None;
        };
        let actor = actor?;
        let started = telling::instance(actor, *host, time, context);
        tools::of_process(&actor.process.image, started)
    }

    fn tell(
        &self,
        key: &Key,
        lane: usize,
        state: &mut State,
        context: &Context,
        found: &mut Found,
    ) {
        let Some(scan) = state.scans[lane].take() else {
            return;
        };
        state.told = true;
        if lane == HOSTS {
            state.hosts_until = Some(scan.last);
        } else if matches!(key, Key::Program { .. })
            && (state.scans[HOSTS].is_some() || state.hosts_until.is_some_and(|t| t >= scan.first))
        {
            // These are the questions for the addresses of a scan that is told.
            return;
        }
        if scan.hits.iter().any(|h| h.detector == Detector::Walk) {
            state.walk.restart();
        }
        let beside = telling::Beside {
            signs: &state.signs,
            starts: &state.starts,
            controls: state.controls.held(),
        };
        let Some(telling) = telling::telling(key, &scan, beside, &self.settings, context) else {
            return;
        };
        let last = &mut state.last_told[lane];
        if last
            .as_mut()
            .is_some_and(|last| last.repeats(&telling.finding, &scan, key, context))
        {
            return;
        }
        let told = Told::new(telling, *scan, key, context);
        if let Some(before) = last.replace(Box::new(told)) {
            before.tell(found);
        }
    }
}

/// The places in `State::scans`: reaching for hosts is one thing, asking the segment another.
const HOSTS: usize = 0;
const SEGMENT: usize = 1;
const LANES: [usize; 2] = [HOSTS, SEGMENT];

fn lane_of(form: Form) -> usize {
    match form {
        Form::Resolution => SEGMENT,
        _ => HOSTS,
    }
}

/// Adds a detector's hit to the scan, and the contacts it is about that were not in it.
fn open(state: &mut State, hit: Hit) {
    let State {
        recent,
        usual,
        walk,
        scans,
        spoken,
        ..
    } = state;
    let slow = hit.detector == Detector::Walk;
    // A scan that goes on is measured anew at every contact; all that was held of its focus was
    // added when that was new, and what comes later is added as it comes.
    let known = scans[lane_of(hit.focus.form())].as_mut();
    if !slow && let Some(scan) = known.filter(|scan| scan.looks_at(hit.focus)) {
        scan.hit(hit);
        return;
    }
    let part: Vec<&Probe> = if slow {
        walk.told(recent)
    } else {
        recent.all().filter(|p| hit.focus.holds(p)).collect()
    };
    let Some(first) = part.first() else { return };
    let scan = scans[lane_of(first.form)].get_or_insert_with(|| Box::new(Scan::new(first)));
    let focus = hit.focus;
    let count = Count {
        contacts: part.len() as u64,
        internal: part.iter().filter(|p| p.internal).count() as u64,
    };
    // What came before its first contact cannot be in it: a failure that was known late, for one.
    let begin = scan.first;
    let passed = usual.as_ref().map_or(0, |usual| usual.beside(scan, focus));
    let new = scan.hit(hit);
    scan.usual += if new { passed } else { 0 };
    let held = scan.contacts;
    for probe in part.into_iter().filter(|p| new || p.time < begin) {
        scan.add(probe);
    }
    let grew = scan.contacts > held;
    if grew {
        spoken.replay(scan);
    }
    if new {
        scan.counted(focus, count);
    }
}

fn is_over(scan: &Scan, now: Timestamp) -> bool {
    let slow = scan.hits.iter().all(|h| h.detector == Detector::Walk);
    now.since(scan.last) > if slow { SLOW_OVER } else { OVER }
}

/// Records that may explain packets which pass no socket.
fn is_sign(what: &HostWhat) -> bool {
    match what {
        HostWhat::LibraryLoaded { library, .. } => sniffing::is_capture_library(library),
        HostWhat::ProcessStarted {
            process,
            command_line,
            file,
            ..
        } => {
            let original = file.as_ref().map_or("", |file| &file.original_name);
            tools::scanner(&process.image, original, command_line).is_some()
        }
        _ => false,
    }
}
