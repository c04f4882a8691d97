//! AN0842: port knock, then an exposure change, then the first success by the same source.
//!
//! Key: the host that is touched. State: its [`Door`]. The judgement is in `judge`, the points in `score`, the
//! words in `telling`, `unentered` and `near`, the chance of a meeting in `chance`.

mod chance;
mod judge;
mod near;
mod score;
mod settings;
mod severity;
mod telling;
mod unentered;

pub use settings::PortKnockSettings;

use super::about::{About, Need, Source};
use super::contract::Analytic;
use super::found::Found;
use super::kit::door::{Door, doors_of};
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::finding::Finding;
use crate::model::{Event, Span};

/// The analytic.
pub struct PortKnock {
    settings: PortKnockSettings,
}

/// What is remembered of one host.
#[derive(Default)]
pub struct State {
    door: Door,
    // Held until the host is closed, so that each can say how many sequences there were in all.
    // With how many records of changes are their own.
    findings: Vec<(Finding, u64)>,
}

/// Findings held per host; further ones are handed over at once.
const FINDINGS: usize = 256;

impl Analytic for PortKnock {
    type Params = PortKnockSettings;
    type Key = Place;
    type State = State;

    const ABOUT: About = About {
        id: "AN0842",
        version: "0.1.0",
        name: "Port knock, exposure change, first success",
        technique: &[("T1205.001", "Traffic Signaling: Port Knocking")],
        strategy: "DET0302",
        summary: "A remote source rapidly touches a short sequence of closed ports of a Windows host. \
                  Within a short window the host's firewall state changes or a service starts to listen, \
                  and then the same source makes the first completed handshake to the newly opened port.",
        steps: &[
            "one source touches at least MinSequenceLen distinct closed TCP ports of one host; closed means \
             RST, ICMP port unreachable or prohibited, no answer (what default Windows gives), or a drop or \
             block in the host's own log",
            "consecutive touches are at most KnockTolerance apart and the sequence spans at most KnockSpan; \
             more than MaxSequenceLen distinct ports is a scan and fires at most low",
            "after the touch that completes the minimum (or up to ChangeSlack before it) the host adds or \
             enables an inbound allow rule, removes a block rule, switches its firewall off, or a process \
             starts to listen",
            "the same source completes a handshake to a port that the change is tied to, within TimeWindow of \
             the first touch; nothing before the touches shows that port open, or the source was turned away at \
             it and the change is a rule for this source alone",
            "the source touches at most MaxExtraOpenPorts open ports from KnockTolerance before the sequence to \
             KnockTolerance after it, and the touches are not a health check (steady period over four or more repeats)",
            "without host logs: the port itself was closed to the same source before (medium), or the port \
             was not seen before at all and none of the touched ports is one that clients try on their own \
             (low)",
        ],
        needs: &[
            Need {
                name: "closed-port touches",
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
                name: "firewall or listener change",
                essential: false,
                from: &[
                    Source::Events(
                        Log::Firewall,
                        &[2004, 2005, 2006, 2071, 2073, 2097, 2099, 2052],
                    ),
                    Source::Events(Log::Sysmon, &[13]),
                    Source::Events(Log::Security, &[5154, 5447]),
                ],
                what: "Microsoft-Windows-Windows Firewall With Advanced Security%4Firewall.evtx (on by \
                      default), and Security.evtx with the subcategories \"Filtering Platform Connection\" \
                      and \"MPSSVC Rule-Level Policy Change\"",
            },
            Need {
                name: "completed connections",
                essential: true,
                from: &[
                    Source::Packets,
                    Source::Events(Log::Security, &[5156]),
                    Source::Events(Log::Sysmon, &[3]),
                    Source::Events(Log::FirewallText, &[5156]),
                ],
                what: "a capture of the host's traffic, or the audit subcategory \"Filtering Platform \
                      Connection\" (success)",
            },
        ],
        cannot_see: &[
            "a signal in a single packet (single packet authorization, magic packets to an open port): there \
             is no sequence",
            "a knock whose packets the sensor does not pass by, on a host that does not log drops",
            "knocks with packets that are no SYN (FIN, NULL): they are no connection attempts",
            "a door that was open before the evidence begins",
            "a port that opens over UDP: connections are looked for over TCP",
            "a knock from a service's port to ports from 49152 on that the host's log of drops alone shows: late \
             answers of services look the same",
        ],
        benign: &[
            "a sanctioned port-knocking service for remote administration",
            "a scan or an inventory tool that met a software installation",
            "a client that tried several ports of a service while an administrator was opening one of them",
        ],
        severities: severity::TABLE,
        same_chain: None,
        actions: &[
            "ask the owner of the host whether the remote source and the account that made the change are \
             authorised, and look for an approved change",
            "acquire the program that listens or changed the firewall, and find what started it",
            "search other hosts for the same sequence of ports",
        ],
    };

    fn new(settings: PortKnockSettings) -> Self {
        Self { settings }
    }

    fn keys(&self, event: &Event, context: &Context, each: &mut dyn FnMut(Place)) {
        doors_of(event, context, each);
    }

    fn step(
        &self,
        key: &Place,
        state: &mut State,
        event: &Event,
        context: &Context,
        found: &mut Found,
    ) {
        let rules = self.settings.door(*key, context);
        let due = state.door.due(&rules, event.time);
        for knock in &due {
            self.judge(*key, state, knock, &due, context, found);
        }
        state
            .door
            .hear(*key, event, &rules, context, &mut found.dropped);
    }

    fn weight(state: &State) -> usize {
        state.door.weight() + state.findings.len() * 8_192
    }

    fn horizon(&self) -> Span {
        // "Closed before" and "first" look back over all the evidence there is.
        Span(i64::MAX)
    }

    fn close(&self, key: &Place, mut state: State, context: &Context, found: &mut Found) {
        let due = state.door.rest(&self.settings.door(*key, context));
        for knock in &due {
            self.judge(*key, &mut state, knock, &due, context, found);
        }
        let armed = state.door.armed;
        for finding in state.findings {
            found.finding(chance::with_chance(
                finding,
                *key,
                armed,
                &self.settings,
                context,
            ));
        }
    }
}
