//! What an event says, flat and by name, for programs. One name has one type everywhere.
//!
//! A field that the evidence does not say is absent, never empty and never guessed. Text is exact.

mod host;

use super::shape::Value;
use crate::model::attempt::{Attempt, FlowEnd, Outcome};
use crate::model::host_event::Process;
use crate::model::neighbour::{Heard, Solicitation};
use crate::model::net::{Endpoint, Transport, mac_text};
use crate::model::payload::NameSource;
use crate::model::resolution::Resolution;
use crate::model::wake::{WakeCarrier, WakeSignal};
use crate::model::{Event, Timestamp, What};
use std::collections::BTreeMap;

/// Fields by name.
type Map = BTreeMap<&'static str, Value>;

/// The fields of `event`.
pub fn fields(event: &Event) -> Map {
    let mut map = Map::new();
    match &event.what {
        What::Attempt(attempt) => of_attempt(&mut map, attempt),
        What::Wake(signal) => of_wake(&mut map, signal),
        What::Neighbour(neighbour) => {
            if let Some(mac) = neighbour.mac {
                text(&mut map, "mac", &mac_text(mac));
            }
            text(&mut map, "ip", &neighbour.address.to_string());
            text(&mut map, "name", neighbour.name.as_deref().unwrap_or(""));
            text(&mut map, "told_by", neighbour.told_by.protocol());
        }
        What::Solicitation(asked) => of_solicitation(&mut map, asked),
        What::Resolution(told) => of_resolution(&mut map, told),
        What::Host(host) => host::of_host(&mut map, host),
    }
    if event.was_inside() {
        number(&mut map, "tunnelled", 1);
    }
    map
}

fn text(map: &mut Map, name: &'static str, value: &str) {
    if !value.is_empty() {
        map.insert(name, Value::Text(value.to_owned()));
    }
}

/// Numbers above 2^53 do not occur in the fields below; one that did would be held there.
fn number(map: &mut Map, name: &'static str, value: u64) {
    const EXACT: u64 = 1 << 53;
    map.insert(name, Value::Number(value.min(EXACT) as i64));
}

fn flag(map: &mut Map, name: &'static str, value: Option<bool>) {
    if let Some(value) = value {
        map.insert(name, Value::Flag(value));
    }
}

fn moment(map: &mut Map, name: &'static str, value: Option<Timestamp>) {
    if let Some(value) = value {
        map.insert(name, Value::Text(value.rfc3339()));
    }
}

fn flow(map: &mut Map, transport: Transport, source: Endpoint, destination: Endpoint) {
    text(map, "transport", &transport.to_string());
    text(map, "src_ip", &source.address.to_string());
    number(map, "src_port", source.port.into());
    text(map, "dst_ip", &destination.address.to_string());
    number(map, "dst_port", destination.port.into());
}

fn process(map: &mut Map, of: &Process) {
    text(map, "process", &of.image);
    if let Some(pid) = of.pid {
        number(map, "pid", pid.into());
    }
    if let Some(guid) = &of.guid {
        text(map, "process_guid", &guid_text(guid));
    }
}

fn guid_text(guid: &[u8; 16]) -> String {
    crate::eventlog::record::guid_text(guid)
}

fn of_attempt(map: &mut Map, attempt: &Attempt) {
    flow(map, attempt.transport, attempt.initiator, attempt.responder);
    text(
        map,
        "outcome",
        match attempt.outcome {
            Outcome::Established => "established",
            Outcome::HalfOpen => "half-open",
            Outcome::Rejected => "rejected",
            Outcome::Unreachable(_) => "unreachable",
            Outcome::Unanswered => "unanswered",
            Outcome::Aborted => "aborted",
            Outcome::Midstream => "midstream",
            Outcome::OneSided => "one-sided",
        },
    );
    text(map, "conn_state", attempt.conn_state());
    if let Outcome::Unreachable(refusal) = attempt.outcome {
        number(map, "icmp_type", refusal.kind.into());
        number(map, "icmp_code", refusal.code.into());
        text(map, "icmp_from", &refusal.from.to_string());
    }
    if let Some(isn) = attempt.isn {
        number(map, "isn", isn.into());
    }
    number(map, "tries", attempt.tries.into());
    number(map, "bytes_sent", attempt.bytes[0]);
    number(map, "bytes_received", attempt.bytes[1]);
    number(map, "packets_sent", attempt.packets[0].into());
    number(map, "packets_received", attempt.packets[1].into());
    moment(map, "decided_time", Some(attempt.decided));
    moment(map, "end_time", Some(attempt.ended));
    text(
        map,
        "end",
        match attempt.end {
            FlowEnd::Open => "open",
            FlowEnd::Closed => "closed",
            FlowEnd::ResetByInitiator => "reset-by-initiator",
            FlowEnd::ResetByResponder => "reset-by-responder",
            FlowEnd::Idle => "idle",
        },
    );
    if attempt.marks.0 != 0 {
        number(map, "marks", attempt.marks.0.into());
    }
    if let Some(pid) = attempt.pid {
        number(map, "pid", pid.into());
    }
    if let Some(vlan) = attempt.vlan {
        number(map, "vlan", vlan.into());
    }
    if let Some(icmp) = attempt.icmp {
        number(map, "icmp_sent_type", icmp.kind.into());
        number(map, "icmp_id", icmp.id.into());
    }
    if let Some(payload) = &attempt.payload {
        text(map, "payload_sent", payload.shapes[0].word());
        text(map, "payload_received", payload.shapes[1].word());
    }
    if let Some(name) = attempt.name() {
        text(map, "peer_name", &name.text);
        let from = match name.from {
            NameSource::TlsServerName => "tls",
            NameSource::HttpHost => "http-host",
            NameSource::HttpConnect => "http-connect",
        };
        text(map, "peer_name_from", from);
    }
}

fn of_solicitation(map: &mut Map, asked: &Solicitation) {
    if let Some(mac) = asked.asker_mac {
        text(map, "mac", &mac_text(mac));
    }
    text(map, "ip", &asked.asker.to_string());
    text(map, "asked_for", &asked.target.to_string());
    let outcome = match asked.outcome {
        Heard::Answered(_) => "answered",
        Heard::Unanswered => "unanswered",
        Heard::ReplyNotVisible => "reply-not-visible",
        Heard::CutShort => "cut-short",
    };
    text(map, "outcome", outcome);
    if let Heard::Answered(Some(mac)) = asked.outcome {
        text(map, "answered_by", &mac_text(mac));
    }
    number(map, "tries", asked.tries.into());
    moment(map, "decided_time", Some(asked.decided));
    if let Some(vlan) = asked.vlan {
        number(map, "vlan", vlan.into());
    }
}

fn of_resolution(map: &mut Map, told: &Resolution) {
    flow(map, Transport::UDP, told.server, told.client);
    text(map, "query", &told.name);
    number(map, "query_type", told.record_type.into());
    number(map, "response_code", told.code.into());
    let listed: Vec<String> = told
        .aliases
        .iter()
        .map(|alias| alias.to_string())
        .chain(told.addresses.iter().map(|address| address.to_string()))
        .collect();
    text(map, "answers", &listed.join(";"));
    if told.others > 0 {
        number(map, "answers_not_kept", told.others.into());
    }
}

fn of_wake(map: &mut Map, signal: &WakeSignal) {
    text(map, "wake_target", &mac_text(signal.target));
    if let Some(mac) = signal.sender_mac {
        text(map, "src_mac", &mac_text(mac));
    }
    if let Some(mac) = signal.mac_to {
        text(map, "dst_mac", &mac_text(mac));
    }
    let ports = matches!(signal.carrier, WakeCarrier::Udp(_) | WakeCarrier::Tcp(_));
    if let Some(from) = signal.sender {
        text(map, "src_ip", &from.address.to_string());
        if ports {
            number(map, "src_port", from.port.into());
        }
    }
    if let Some(to) = signal.sent_to {
        text(map, "dst_ip", &to.address.to_string());
        if ports {
            number(map, "dst_port", to.port.into());
        }
    }
    text(
        map,
        "wake_carrier",
        match signal.carrier {
            WakeCarrier::Ethernet => "ethernet",
            WakeCarrier::Udp(_) => "udp",
            WakeCarrier::Tcp(_) => "tcp",
            WakeCarrier::Other(_) => "other",
        },
    );
    number(map, "wake_pattern_offset", signal.pattern_offset.into());
    number(map, "wake_repetitions", signal.repetitions.into());
    number(map, "wake_copies", signal.copies.into());
    number(map, "wake_password_length", signal.password_len.into());
    if signal.password > 0 {
        number(map, "wake_password_number", signal.password.into());
    }
    if let Some(vlan) = signal.vlan {
        number(map, "vlan", vlan.into());
    }
}
