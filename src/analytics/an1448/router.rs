//! Whether magic packets came through a router: then the hardware address in them is the router's, and the
//! sender's own switch port is elsewhere.

use super::Sender;
use super::waking::signal_of;
use crate::context::Context;
use crate::context::activity::segment_of;
use crate::model::net::mac_text;
use crate::model::plural::counted;
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
    // What is sent to one card that is not the target's goes to a router, and has not passed it yet.
    let here = signal
        .mac_to
        .is_none_or(|m| m[0] & 1 == 1 || m == signal.target);
    let to = signal.sent_to.map(|to| to.address).filter(|_| here);
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
    let were = if alone.len() == 1 { "was" } else { "were" };
    let count = format!(
        "{} of {} {were}",
        alone.len(),
        counted(signals.len() as u64, "signal")
    );
    let ends = first.sender.zip(first.sent_to);
    let leaves = ends.is_some_and(|(from, to)| {
        is_of_a_network(to.address) && segment_of(from.address) != segment_of(to.address)
    });
    Some(match (leaves, routed) {
        (true, false) => format!(
            "{count} sent to a single hardware address that is not the target's, for an address outside the \
             sender's network: as to a router, which passes them on; what became of them there is not in these packets"
        ),
        _ => format!(
            "{count} sent to a single hardware address that is not the target's: a router may pass them on, or \
             have passed them on"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;
    use crate::model::wake::WakeCarrier;

    #[test]
    fn a_signal_that_goes_to_a_router_has_not_passed_it() {
        let end = |address: &str| Endpoint::new(address.parse().unwrap(), 9);
        let mut signal = WakeSignal {
            target: [2, 0, 0, 0, 0, 1],
            sender_mac: Some([2, 0, 0, 0, 0, 9]),
            sender: Some(end("10.0.0.2")),
            sent_to: Some(end("10.0.1.255")),
            mac_to: Some([0xff; 6]),
            carrier: WakeCarrier::Udp(9),
            pattern_offset: 42,
            repetitions: 16,
            password_len: 0,
            password_digest: None,
            password: 0,
            vlan: None,
            copies: 1,
            copy_packets: Vec::new(),
        };
        let context = Context::default();
        let told = |signal: &WakeSignal| {
            let sender = signal.sender.unwrap().address;
            why(sender, [2, 0, 0, 0, 0, 9], signal, Timestamp(0), &context)
        };
        assert!(
            told(&signal).is_some(),
            "broadcast here for another network"
        );
        signal.mac_to = Some([2, 0, 0, 0, 0, 7]);
        assert_eq!(told(&signal), None);
        signal.sent_to = Some(end("10.0.0.255"));
        signal.mac_to = Some([0xff; 6]);
        assert_eq!(told(&signal), None, "its own network");
    }
}
