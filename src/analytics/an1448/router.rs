//! Whether magic packets came through a router: then the hardware address in them is the router's, and the
//! sender's own switch port is elsewhere.

use super::Sender;
use super::waking::signal_of;
use crate::context::Context;
use crate::context::activity::segment_of;
use crate::model::net::mac_text;
use crate::model::wake::WakeSignal;
use crate::model::{Event, Timestamp};
use std::net::IpAddr;

/// A hardware address that seems to be a router's, and why.
pub(super) struct Router {
    pub(super) mac: [u8; 6],
    pub(super) why: String,
}

/// The router through which signals of this sender came, where something shows one.
pub(super) fn passed_on(sender: Sender, signals: &[Event], context: &Context) -> Option<Router> {
    let Sender::Address(address) = sender else {
        return None;
    };
    signals.iter().find_map(|event| {
        let signal = signal_of(event)?;
        let mac = signal.sender_mac?;
        let why = why(address, mac, signal, event.time, context)?;
        Some(Router { mac, why })
    })
}

fn why(
    sender: IpAddr,
    mac: [u8; 6],
    signal: &WakeSignal,
    time: Timestamp,
    context: &Context,
) -> Option<String> {
    let identity = &context.identity;
    let own = identity.mac_at(sender, time);
    // Whoever announced the address with this hardware address is no router for it.
    if own == Some(mac) {
        return None;
    }
    if let Some(own) = own {
        return Some(format!("{sender} itself announced {}", mac_text(own)));
    }
    let others = identity.addresses_of(&mac, time);
    if let Some(other) = others.iter().find(|a| a.is_ipv4() == sender.is_ipv4()) {
        return Some(format!("it announced {other}"));
    }
    let senders = identity.senders_behind(&mac);
    let same = senders.iter().filter(|a| a.is_ipv4() == sender.is_ipv4());
    let count = same.count();
    if sender.is_ipv4() && count > 1 {
        return Some(format!("signals of {count} senders came with it"));
    }
    let to = signal.sent_to.map(|to| to.address);
    let elsewhere = to.filter(|to| is_of_a_network(*to) && segment_of(*to) != segment_of(sender));
    elsewhere.map(|to| format!("{sender} is not of the network of {to}, to which it was sent"))
}

/// True for an IPv4 address that stands for one network: a host of it, or its broadcast address.
fn is_of_a_network(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if !v4.is_broadcast() && !v4.is_multicast())
}

/// Where signals went that were sent to a single hardware address, as it seems.
pub(super) fn unicast_words(signals: &[Event], routed: bool) -> Option<String> {
    let alone: Vec<&WakeSignal> = signals
        .iter()
        .filter_map(signal_of)
        .filter(|s| s.sent_to.is_some() && s.mac_to.is_some_and(|m| m[0] & 1 == 0))
        .filter(|s| s.mac_to != Some(s.target))
        .collect();
    let first = alone.first()?;
    let count = format!("{} of {} signals", alone.len(), signals.len());
    let ends = first.sender.zip(first.sent_to);
    let leaves = ends.is_some_and(|(from, to)| {
        is_of_a_network(to.address) && segment_of(from.address) != segment_of(to.address)
    });
    Some(match (leaves, routed) {
        (true, false) => format!(
            "{count} were sent to a single hardware address that is not the target's, for an address outside the \
             sender's network: as to a router, which passes them on; what became of them there is not in these packets"
        ),
        _ => format!(
            "{count} were sent to a single hardware address that is not the target's: a router may pass them on, or \
             have passed them on"
        ),
    })
}
