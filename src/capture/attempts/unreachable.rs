//! ICMP errors: which attempt each of them is about.
//!
//! Only "destination unreachable" refuses (type 3, ICMPv6 type 1), and of it not "fragmentation
//! needed" (3/4), which is path MTU discovery. The embedded header names the attempt: ports and,
//! for TCP, the sequence number (RFC 792, RFC 4443).

use super::flow::{Flow, Phase};
use super::key::Key;
use super::table::FlowTable;
use crate::capture::packet::{EmbeddedHeader, Packet};
use crate::model::attempt::Marks;
use crate::model::{Endpoint, Provenance, Refusal, Transport};

/// What came of an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    /// It decided an attempt.
    Refused,
    /// It does not refuse, or its attempt already has an answer.
    Ignored,
    /// No attempt is known that it is about.
    Unmatched,
}

fn refuses(embedded: &EmbeddedHeader) -> bool {
    if embedded.from.is_ipv6() {
        embedded.kind == 1
    } else {
        embedded.kind == 3 && embedded.code != 4
    }
}

/// Finds the attempt that `packet`, an ICMP error, is about, and refuses it.
///
/// An exact match needs the embedded endpoints and, for TCP, the initial sequence number. Where
/// address translation changed one of the embedded addresses, the addresses outside (the error's
/// receiver for the initiator, its sender for the responder) are tried in their place: a weak
/// match, and for TCP only with the sequence number.
pub(super) fn refuse(
    table: &mut FlowTable,
    packet: &Packet,
    embedded: &EmbeddedHeader,
    at: Provenance,
) -> Matched {
    if !refuses(embedded) {
        return Matched::Ignored;
    }
    const ATTEMPTS: [Transport; 4] = [
        Transport::TCP,
        Transport::UDP,
        Transport::ICMP,
        Transport::ICMPV6,
    ];
    if !ATTEMPTS.contains(&embedded.transport) {
        return Matched::Unmatched;
    }
    let inner = (embedded.source, embedded.destination);
    let receiver = Endpoint {
        address: packet.destination.address,
        port: embedded.source.port,
    };
    let sender = Endpoint {
        address: packet.source.address,
        port: embedded.destination.port,
    };
    let weak = [(receiver, inner.1), (inner.0, sender), (receiver, sender)];
    let pairs = std::iter::once(inner).chain(weak.into_iter().filter(|pair| *pair != inner));
    let mut answer = Matched::Unmatched;
    for (source, destination) in pairs {
        let exact = (source, destination) == inner;
        let key = Key::between(source, destination, embedded.transport);
        let Some(slot) = table.find(&key) else {
            continue;
        };
        let Some(flow) = table.flow(slot) else {
            continue;
        };
        if flow.ends[0] != source
            || packet.time > flow.deadline()
            || !same_syn(flow, embedded, exact)
        {
            continue;
        }
        if flow.phase != Phase::Asked {
            answer = Matched::Ignored;
            continue;
        }
        flow.refusal = Some(Box::new(Refusal {
            kind: embedded.kind,
            code: embedded.code,
            from: embedded.from,
        }));
        flow.last = flow.last.max(packet.time);
        flow.decide(Phase::Refused, packet.time.max(flow.first), at);
        if !exact {
            flow.marks.set(Marks::ICMP_WEAK);
        }
        if packet.inside {
            flow.marks.set(Marks::TUNNELLED);
        }
        if flow.transport == Transport::TCP && embedded.seq.is_none() {
            flow.marks.set(Marks::CUT);
        }
        return Matched::Refused;
    }
    answer
}

/// True if the embedded sequence number is the attempt's. Where it is cut off, endpoints alone must
/// do, and then only the exact ones.
fn same_syn(flow: &Flow, embedded: &EmbeddedHeader, exact: bool) -> bool {
    match (flow.transport, embedded.seq) {
        (Transport::TCP, Some(seq)) => flow.isn == Some(seq),
        (Transport::TCP, None) => exact && flow.isn.is_some(),
        _ => true,
    }
}
