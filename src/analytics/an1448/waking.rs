//! Wake-on-LAN: the signals of one sender, and its visits. `wake_telling` says what they come to.

use super::followed::Doings;
use super::settings::SignallingSettings;
use super::stirring::Stirring;
use super::visits::{Visits, visitors_of};
use super::wake_telling::tell;
use super::{Key, Sender, Signalling};
use crate::analytics::Analytic;
use crate::analytics::found::Found;
use crate::context::Context;
use crate::model::finding::NearMiss;
use crate::model::net::mac_text;
use crate::model::wake::{WakeCarrier, WakeSignal};
use crate::model::{Event, Span, Timestamp, What};
use std::net::IpAddr;

/// Signals held per sender.
const SIGNALS: usize = 1024;
/// Signals of one sender closer than this are told as one finding.
const TOGETHER: Span = Span::seconds(600);

/// What is remembered of one sender.
#[derive(Default)]
pub struct Waking {
    signals: Vec<Event>,
    // Signals that came after the last one held.
    beyond: u64,
    visits: Visits,
    stirring: Stirring,
}

/// The sender of a signal: its IP address, else the address its MAC announced, else the MAC.
pub fn sender_of(
    sender: Option<IpAddr>,
    mac: Option<[u8; 6]>,
    time: Timestamp,
    context: &Context,
) -> Sender {
    let identity = &context.identity;
    if let Some(address) = sender {
        // With both families, the address of IPv4 stands for the device.
        let v4 = mac.filter(|mac| {
            address.is_ipv6() && identity.addresses_of_device(mac, time).contains(&address)
        });
        let v4 = v4.and_then(|mac| identity.waker(&mac, time));
        return Sender::Address(v4.filter(IpAddr::is_ipv4).unwrap_or(address));
    }
    let mac = mac.unwrap_or_default();
    identity
        .waker(&mac, time)
        .map_or(Sender::Mac(mac), Sender::Address)
}

pub(super) fn signal_of(event: &Event) -> Option<&WakeSignal> {
    match &event.what {
        What::Wake(signal) => Some(signal),
        _ => None,
    }
}

impl Waking {
    /// How many events are remembered.
    pub(super) fn held(&self) -> usize {
        self.signals.len() + self.visits.held() + self.stirring.held()
    }

    pub(super) fn step(
        &mut self,
        sender: Sender,
        event: &Event,
        settings: &SignallingSettings,
        context: &Context,
        found: &mut Found,
    ) {
        if let Some(last) = self.signals.last()
            && event.time.since(last.time) > settings.admin_within.plus(TOGETHER)
        {
            self.close(sender, settings, context, found);
            let before = event.time.shifted(settings.admin_within.negated());
            self.stirring.forget(before);
        }
        match &event.what {
            What::Wake(_) => {
                if self.signals.len() < SIGNALS {
                    self.signals.push(event.clone());
                } else {
                    self.beyond += 1;
                    found.dropped += 1;
                }
            }
            _ => {
                let mut came = false;
                visitors_of(event, settings, context, &mut |key| {
                    came |= key == Key::Sender(sender);
                });
                if came {
                    let keep = !self.signals.is_empty();
                    self.visits
                        .hear(event, keep, settings, context, &mut found.dropped);
                }
                self.stirring
                    .hear(event, settings, context, &mut found.dropped);
            }
        }
    }

    pub(super) fn close(
        &mut self,
        sender: Sender,
        settings: &SignallingSettings,
        context: &Context,
        found: &mut Found,
    ) {
        let signals = std::mem::take(&mut self.signals);
        let visits = self.visits.take();
        let beyond = std::mem::take(&mut self.beyond);
        let (sure, doubtful): (Vec<Event>, Vec<Event>) = signals
            .into_iter()
            .partition(|e| signal_of(e).is_some_and(stands));
        for event in doubtful {
            let Some(signal) = signal_of(&event) else {
                continue;
            };
            found.near_miss(NearMiss {
                analytic: Signalling::ABOUT.id,
                missing: 1,
                time: event.time,
                text: format!(
                    "a magic packet pattern for {}{} {}: not counted as a signal",
                    mac_text(signal.target),
                    match sender {
                        Sender::Address(address) => format!(" from {address}"),
                        Sender::Mac(mac) => format!(" from {}", mac_text(mac)),
                    },
                    if signal.repetitions < 16 {
                        "is cut short by the snap length"
                    } else {
                        "lies inside a TCP stream, where files that hold one pass by"
                    }
                ),
                references: vec![event.provenance],
            });
        }
        let doings = Doings {
            visits: &visits,
            stirring: &self.stirring,
        };
        let mut group: Vec<Event> = Vec::new();
        for event in sure {
            if group
                .last()
                .is_some_and(|last| event.time.since(last.time) > TOGETHER)
            {
                found.finding(tell(sender, &group, 0, doings, settings, context));
                group.clear();
            }
            group.push(event);
        }
        if !group.is_empty() {
            found.finding(tell(sender, &group, beyond, doings, settings, context));
        }
    }
}

/// True if a pattern counts as a signal by itself.
fn stands(signal: &WakeSignal) -> bool {
    !matches!(signal.carrier, WakeCarrier::Tcp(_)) && signal.repetitions >= 16
}
