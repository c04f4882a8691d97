//! AN1448: traffic signalling. A sequence of failed touches, then a firewall change or a
//! sniffer-backed socket, then a connection; and Wake-on-LAN.
//!
//! Two kinds of key: the host that is touched (`sequence`, `back`, `telling`), and the sender of magic
//! packets (`waking`, `visits`, `followed`, `wake_telling`). They share nothing but the settings.

mod back;
mod followed;
mod router;
mod sequence;
mod settings;
mod severity;
mod starts;
mod stirring;
mod telling;
mod up;
mod visits;
mod wake_advice;
mod wake_notes;
mod wake_steps;
mod wake_telling;
mod wake_titles;
mod waking;

pub use settings::SignallingSettings;

use super::about::{About, Need, SameChain, Source};
use super::contract::Analytic;
use super::found::Found;
use super::kit::sniffing::CONDITION;
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::{Event, Span, What};
use std::net::IpAddr;

/// The analytic.
pub struct Signalling {
    settings: SignallingSettings,
}

/// Harmless senders of magic packets.
const WAKERS: &str = "wake-up by a management server, by a user's own tool, or by an administrator";

/// What AN1448 divides the stream by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A host whose ports are touched.
    Touched(Place),
    /// A sender of magic packets, by IP address where it has one.
    Sender(Sender),
}

/// A sender of magic packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    /// Its IP address.
    Address(IpAddr),
    /// Its hardware address, where the packet had no IP and no announcement names one.
    Mac([u8; 6]),
}

/// What is remembered under a key.
#[derive(Default)]
pub struct State {
    touched: sequence::Touched,
    waking: waking::Waking,
}

impl Analytic for Signalling {
    type Params = SignallingSettings;
    type Key = Key;
    type State = State;

    const ABOUT: About = About {
        id: "AN1448",
        version: "0.1.1",
        name: "Traffic signalling and Wake-on-LAN",
        technique: &[("T1205", "Traffic Signaling")],
        strategy: "DET0524",
        summary: "A remote host sends a short sequence of failed connection attempts to a set of closed ports; \
                  within a brief window the endpoint adds or enables a firewall rule, or a sniffer-backed \
                  process begins to listen or opens a new socket, after which a connection succeeds. Also \
                  Wake-on-LAN magic packets on the local segment.",
        steps: &[
            "one source touches at least PortSequenceMinLen distinct closed ports of one host; closed means \
             RST, ICMP port unreachable or prohibited, or no answer to a SYN; silent UDP counts only beside an \
             explicit refusal or a drop in the host's own log",
            "a run of rising UDP ports from 33434 on is a traceroute, a steady period a health check: neither \
             counts",
            "within TimeWindowKnock of the first touch (a) an inbound allow rule is added or enabled, or (b) a \
             process with signs of a packet sniffer listens, binds or connects",
            "then a connection succeeds: by the same source to the port, by another source to the port, or \
             from the host back to the source",
            "one magic packet: low; MassWakeTargets or more distinct targets by one sender within \
             MassWakeWindow: medium; the target starts within WakeWithin and the sender then opens an \
             administrative port of it, within AdminWithin of the signal: high",
        ],
        needs: &[
            Need {
                name: "failed touches",
                essential: true,
                from: &[
                    Source::Packets,
                    Source::Events(Log::Security, &[5152, 5157]),
                    Source::Events(Log::FirewallText, &[5152]),
                ],
                what: "a capture of the host's traffic, or the audit subcategories \"Filtering Platform Packet \
                      Drop\" and \"Filtering Platform Connection\" (failure)",
            },
            Need {
                name: "firewall change, or sniffer-backed socket",
                essential: false,
                from: &[
                    Source::Events(
                        Log::Firewall,
                        &[2004, 2005, 2006, 2071, 2073, 2097, 2099, 2052],
                    ),
                    Source::Events(Log::Sysmon, &[6, 7, 13]),
                    Source::Events(Log::Security, &[5154, 5447]),
                ],
                what: "the Firewall channel, Sysmon 6 and 7 for drivers and libraries, and the audit \
                      subcategory \"Filtering Platform Connection\"",
            },
            Need {
                name: "packets of the local segment (Wake-on-LAN)",
                essential: false,
                from: &[Source::Frames],
                what: "a capture on the segment itself: magic packets are broadcast and seldom routed",
            },
        ],
        cannot_see: &[
            "magic packets on segments without a sensor",
            "a signal in a single packet other than Wake-on-LAN",
            "a sniffer whose library or driver was loaded before the logs begin",
            "a port that opens over UDP: connections are looked for over TCP",
            "a call to somebody else than the source of the touches as their answer: it is a near miss where the \
             process shows signs of a packet sniffer",
            "touches from a service's port to ports from 49152 on that the host's log of drops alone shows: late \
             answers of services look the same",
        ],
        benign: &[
            "remote administration with a sanctioned knocking service",
            "a scan or inventory that met a software installation",
            WAKERS,
            "endpoint protection, a VPN client or Wireshark, which load the same libraries and drivers",
        ],
        severities: severity::TABLE,
        same_chain: Some(SameChain {
            with: "AN0842",
            adds: CONDITION,
        }),
        actions: &[
            "ask the owner of the host whether the source, the change and the program are authorised",
            "acquire the program that listens, and list the libraries and drivers it has loaded",
            "for a wake signal: ask whether the sender may wake hosts, find what it did on the woken host, and find \
             its switch port by its hardware address",
        ],
    };

    fn new(settings: SignallingSettings) -> Self {
        Self { settings }
    }

    fn keys(&self, event: &Event, context: &Context, each: &mut dyn FnMut(Key)) {
        sequence::hosts_of(event, context, &mut |place| each(Key::Touched(place)));
        match &event.what {
            What::Wake(signal) => {
                let sender = signal.sender.map(|sender| sender.address);
                let mac = signal.sender_mac;
                each(Key::Sender(waking::sender_of(
                    sender, mac, event.time, context,
                )));
            }
            _ => {
                visits::visitors_of(event, &self.settings, context, each);
                let within = self.settings.admin_within.max(self.settings.wake_within);
                stirring::callers_of(event, within, context, &mut |sender| {
                    each(Key::Sender(sender));
                });
            }
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
        match key {
            Key::Touched(place) => {
                state
                    .touched
                    .step(*place, event, &self.settings, context, found)
            }
            Key::Sender(sender) => {
                state
                    .waking
                    .step(*sender, event, &self.settings, context, found)
            }
        }
    }

    fn weight(state: &State) -> usize {
        state.touched.weight() + state.waking.held() * 512
    }

    fn horizon(&self) -> Span {
        Span(i64::MAX)
    }

    fn close(&self, key: &Key, mut state: State, context: &Context, found: &mut Found) {
        match key {
            Key::Touched(place) => state.touched.close(*place, &self.settings, context, found),
            Key::Sender(sender) => state.waking.close(*sender, &self.settings, context, found),
        }
    }
}
