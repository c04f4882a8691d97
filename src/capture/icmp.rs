//! ICMP messages that belong to an attempt: questions, their answers, and what tunnels carry.
//!
//! Errors, redirects, router and neighbour discovery and group membership are the network's own
//! business and no attempts. What an error carries behind the packet it refuses is not looked at.

use super::packet::Packet;
use super::shape;
use crate::model::Transport;

/// The type of the question that a message asks or answers, and whether it answers.
///
/// Echo (RFC 792, RFC 4443), timestamp and address mask (RFC 950), node information (RFC 4620).
/// `None` for the network's own messages; other types answer each other.
pub(super) fn question(transport: Transport, kind: u8) -> Option<(u8, bool)> {
    let v6 = transport == Transport::ICMPV6;
    Some(match (v6, kind) {
        (false, 0) => (8, true),
        (false, 14) => (13, true),
        (false, 16) => (15, true),
        (false, 18) => (17, true),
        (true, 129) => (128, true),
        (true, 140) => (139, true),
        // Unreachable, quench, redirect, router discovery, exceeded, parameters.
        (false, 3..=5 | 9..=12) => return None,
        // Errors; group membership, discovery, renumbering, mobility, multicast routers.
        (true, 0..=99 | 130..=138 | 141..=155) => return None,
        (_, kind) => (kind, false),
    })
}

/// True for a message that asks: no answer, and none of the network's own messages.
pub(super) fn asks(transport: Transport, kind: u8) -> bool {
    question(transport, kind).is_some_and(|(_, answers)| !answers)
}

/// True for questions with an identifier.
fn has_id(transport: Transport, question: u8) -> bool {
    match transport {
        Transport::ICMPV6 => question == 128,
        _ => matches!(question, 8 | 13 | 15 | 17),
    }
}

/// What stands for the ports of a message, its sender's first; `None` if it belongs to no attempt.
pub(super) fn ports(transport: Transport, message: &[u8]) -> Option<(u16, u16)> {
    let (question, answers) = question(transport, *message.first()?)?;
    let asked = u16::from(question);
    let asker = if has_id(transport, question) {
        u16::from_be_bytes(*message.get(4..)?.first_chunk::<2>()?)
    } else {
        asked
    };
    Some(if answers {
        (asked, asker)
    } else {
        (asker, asked)
    })
}

/// Enters what `body`, the message, tells of its attempt.
pub(super) fn enter(packet: &mut Packet, body: &[u8]) {
    packet.flags = body.first().copied().unwrap_or(0);
    let Some((source, destination)) = ports(packet.transport, body) else {
        return;
    };
    packet.source.port = source;
    packet.destination.port = destination;
    if let Some(&[high, low]) = body.get(6..8) {
        packet.seq = u32::from(u16::from_be_bytes([high, low]));
    }
    packet.shape = shape::shape(body.get(8..).unwrap_or(&[]), false);
}

/// True if a packet that [`enter`] has seen belongs to an attempt.
pub(super) fn is_attempt(packet: &Packet) -> bool {
    packet.source.port != 0 || packet.destination.port != 0
}

/// True if it answers.
pub(super) fn is_answer(packet: &Packet) -> bool {
    question(packet.transport, packet.flags).is_some_and(|(_, answers)| answers)
}

/// The identifier, where the question has one: `asker` is what stands for its port.
pub(super) fn id(transport: Transport, question: u8, asker: u16) -> u16 {
    if has_id(transport, question) {
        asker
    } else {
        0
    }
}
