//! The sentence for a Wake-on-LAN signal.

use super::{Form, count};
use crate::model::Endpoint;
use crate::model::net::mac_text;
use crate::model::wake::{WakeCarrier, WakeSignal};
use std::net::IpAddr;

pub(super) fn sentence(signal: &WakeSignal, form: Form) -> String {
    let mut text = format!(
        "magic packet for {} in {}",
        mac_text(signal.target),
        carrier(signal)
    );
    if broadcast(signal) {
        text.push_str(" broadcast");
    } else if signal.mac_to == Some(signal.target) {
        text.push_str(" to the target alone");
    }
    // One tool tries several destinations: they are what makes them several signals.
    let to = signal
        .sent_to
        .filter(|to| !matches!(to.address, IpAddr::V4(v4) if v4.is_broadcast()));
    if form == Form::Short {
        if let Some(to) = to {
            text.push_str(&format!(" to {}", to.address));
        }
        if let Some(vlan) = signal.vlan {
            text.push_str(&format!(" on VLAN {vlan}"));
        }
    }
    if form == Form::Long {
        match (signal.sender, signal.sender_mac) {
            (Some(from), Some(mac)) => {
                text.push_str(&format!(" from {} ({})", end(signal, from), mac_text(mac)));
            }
            (Some(from), None) => text.push_str(&format!(" from {}", end(signal, from))),
            (None, Some(mac)) => text.push_str(&format!(" from {}", mac_text(mac))),
            (None, None) => {}
        }
        if let Some(to) = signal.sent_to {
            text.push_str(&format!(" to {}", end(signal, to)));
        }
        if let Some(vlan) = signal.vlan {
            text.push_str(&format!(" on VLAN {vlan}"));
        }
    }
    if signal.copies > 1 {
        text.push_str(&format!(", {} copies", count(signal.copies.into())));
    }
    if signal.repetitions != 16 {
        text.push_str(&format!(
            ", {} of 16 repetitions of the address",
            signal.repetitions
        ));
    }
    if signal.password_len > 0 {
        text.push_str(&format!(
            ", with a password of {} bytes",
            signal.password_len
        ));
        if signal.password > 0 {
            text.push_str(&format!(" (password {})", signal.password));
        }
        // Only behind a raw frame may something else have this length.
        if signal.password_len == 4 && signal.sender.is_none() {
            text.push_str(", or a frame check sequence");
        }
    }
    text
}

/// One end, with its port where the carrier has ports.
fn end(signal: &WakeSignal, end: Endpoint) -> String {
    match signal.carrier {
        WakeCarrier::Udp(_) | WakeCarrier::Tcp(_) => end.to_string(),
        WakeCarrier::Ethernet | WakeCarrier::Other(_) => end.address.to_string(),
    }
}

fn carrier(signal: &WakeSignal) -> String {
    match signal.carrier {
        WakeCarrier::Ethernet => "EtherType 0x0842".to_owned(),
        WakeCarrier::Udp(port) => format!("UDP/{port}"),
        WakeCarrier::Tcp(port) => format!("TCP/{port}"),
        WakeCarrier::Other(1) if signal.sender.is_some() => "ICMP".to_owned(),
        WakeCarrier::Other(2) if signal.sender.is_some() => "IGMP".to_owned(),
        WakeCarrier::Other(58) if signal.sender.is_some() => "ICMPv6".to_owned(),
        WakeCarrier::Other(number) if signal.sender.is_some() => format!("IP protocol {number}"),
        WakeCarrier::Other(number) => format!("EtherType 0x{number:04x}"),
    }
}

/// True for the limited broadcast address of either layer; a directed broadcast cannot be told
/// from a host address without the netmask.
fn broadcast(signal: &WakeSignal) -> bool {
    signal.mac_to == Some([0xff; 6])
        || matches!(signal.sent_to.map(|to| to.address), Some(IpAddr::V4(v4)) if v4.is_broadcast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_names_its_target_carrier_and_copies() {
        let mut signal = WakeSignal {
            target: [0xaa, 0xbb, 0xcc, 0, 1, 2],
            sender_mac: Some([2, 0, 0, 0, 0, 9]),
            sender: Some(Endpoint::new("10.20.0.5".parse().unwrap(), 40000)),
            sent_to: Some(Endpoint::new("255.255.255.255".parse().unwrap(), 9)),
            mac_to: Some([0xff; 6]),
            carrier: WakeCarrier::Udp(9),
            pattern_offset: 42,
            repetitions: 16,
            password_len: 0,
            password_digest: None,
            password: 0,
            vlan: None,
            copies: 3,
            copy_packets: Vec::new(),
        };
        assert_eq!(
            sentence(&signal, Form::Short),
            "magic packet for aa:bb:cc:00:01:02 in UDP/9 broadcast, 3 copies"
        );
        signal.copies = 1;
        signal.repetitions = 12;
        signal.password_len = 6;
        assert_eq!(
            sentence(&signal, Form::Long),
            "magic packet for aa:bb:cc:00:01:02 in UDP/9 broadcast from 10.20.0.5:40000 \
             (02:00:00:00:00:09) to 255.255.255.255:9, 12 of 16 repetitions of the address, \
             with a password of 6 bytes"
        );
    }
}
