//! What a TCP segment does to the attempt it belongs to (RFC 9293 3.5, RFC 7413).
//!
//! Answers count only if they acknowledge the SYN: a bare or stale reset proves nothing. Sequence
//! numbers are compared modulo 2^32. Payload is never looked at, only its length.

use super::flow::{Flow, LARGEST_HOLE, Phase, TCP_ANSWER_WAIT};
use crate::capture::packet::Packet;
use crate::capture::packet::flags::{ACK, FIN, RST, SYN};
use crate::model::attempt::Marks;
use crate::model::{Endpoint, FlowEnd, Provenance, Span, Timestamp};

const BOTH_FINS: u8 = 0b11;
/// A connection without a packet for longer is not in use.
const IN_USE: Span = Span::seconds(10);

/// So much earlier than what it answers an answer may be seen: two queues of one device, two directions of
/// one mirror.
const TURNED: Span = Span::millis(50);
/// No stack repeats a SYN that was not answered sooner.
const NO_RETRY_YET: Span = Span::millis(900);

/// What kind of segment, with a reset before everything else it may claim to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Syn,
    SynAck,
    Reset,
    Other,
}

fn kind(packet: &Packet) -> Kind {
    let flags = packet.flags;
    if flags & RST != 0 {
        Kind::Reset
    } else if flags & SYN == 0 {
        Kind::Other
    } else if flags & ACK == 0 {
        Kind::Syn
    } else {
        Kind::SynAck
    }
}

/// True for a SYN that asks for a connection.
pub(super) fn asks(packet: &Packet) -> bool {
    kind(packet) == Kind::Syn
}

/// True if `a` is at or after `b`.
fn reaches(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) < 1 << 31
}

/// The flow that begins with this segment.
///
/// Without a SYN the initiator has to be found otherwise: of a SYN-ACK it is the side addressed, of
/// anything else the side with the higher port (ports for outgoing connections are high ones), and
/// with equal ports the sender.
pub(super) fn begin(packet: &Packet, at: Provenance) -> Flow {
    let forward = [packet.source, packet.destination];
    let backward = [packet.destination, packet.source];
    let (ends, phase) = match kind(packet) {
        Kind::Syn => (forward, Phase::Asked),
        Kind::SynAck => (backward, Phase::Lone),
        _ if packet.destination.port > packet.source.port => (backward, Phase::Loose),
        _ => (forward, Phase::Loose),
    };
    let mut flow = Flow::new(ends, phase, packet, at);
    if phase == Phase::Loose && packet.flags & ACK != 0 {
        flow.marks.set(Marks::ACKNOWLEDGES);
    }
    flow
}

/// Whether this segment belongs to `flow`, or begins another attempt between the same ends.
pub(super) fn belongs(flow: &Flow, packet: &Packet, who: usize) -> bool {
    let repeats_peer = flow.peer_isn.is_some_and(|isns| isns.contains(&packet.seq));
    match (kind(packet), who) {
        (Kind::Syn, 0) => match flow.isn {
            // Same number: sent again. Another: the port is used again.
            Some(isn) => isn == packet.seq,
            // A SYN captured after its SYN-ACK.
            None => matches!(flow.phase, Phase::Lone | Phase::Open) && precedes(flow, packet),
        },
        (Kind::Syn, _) => {
            let crossing = matches!(flow.phase, Phase::Asked | Phase::Refused)
                && flow.isn.is_some()
                && !flow.is_over()
                && packet.time.since(flow.last_try) <= TCP_ANSWER_WAIT;
            crossing || repeats_peer
        }
        (Kind::SynAck, 1) => match flow.isn {
            Some(_) => !flow.is_over() || acknowledges_syn(flow, packet.ack) || repeats_peer,
            None => repeats_peer,
        },
        (Kind::SynAck, _) => !flow.is_over() && flow.phase != Phase::Loose,
        (Kind::Reset | Kind::Other, _) => true,
    }
}

/// True if `packet` is the SYN that the flow's SYN-ACK answered.
fn precedes(flow: &Flow, packet: &Packet) -> bool {
    let answered = flow.next_seq[0];
    let behind = packet.seq.wrapping_add(1);
    answered == Some(behind) || answered == Some(behind.wrapping_add(packet.payload))
}

/// True for the two numbers that acknowledge the SYN: without its data and with it.
fn acknowledges_syn(flow: &Flow, ack: u32) -> bool {
    let Some(isn) = flow.isn else { return false };
    let behind = isn.wrapping_add(1);
    ack == behind || ack == behind.wrapping_add(flow.syn_payload)
}

/// True if the responder acknowledges payload that the initiator sent behind its SYN, and was seen to send.
fn acknowledges_more(flow: &Flow, packet: &Packet) -> bool {
    let Some(isn) = flow.isn else { return false };
    let behind = packet.ack.wrapping_sub(isn.wrapping_add(1));
    let fin = packet.flags & FIN != 0;
    let sent = flow.next_seq[0].is_some_and(|next| reaches(next, packet.ack));
    packet.flags & ACK != 0 && behind > 0 && behind < 1 << 31 && (sent || fin)
}

/// Takes in a segment that [`belongs`] to the flow and sent by side `who`.
pub(super) fn advance(flow: &mut Flow, packet: &Packet, at: Provenance, who: usize) {
    let (before, last) = (flow.bytes[who], flow.last);
    if packet.flags & RST == 0 {
        flow.ttl[who] = packet.ttl;
    }
    match kind(packet) {
        Kind::Syn => {
            flow.count(packet, who);
            syn(flow, packet, who);
        }
        Kind::SynAck => {
            flow.count(packet, who);
            syn_ack(flow, packet, at, who);
        }
        Kind::Reset => {
            // What a reset carries is a remark of the stack, not payload; its numbers may be forged.
            let bare = Packet {
                payload: 0,
                seq: flow.next_seq[who].unwrap_or(0),
                ..packet.clone()
            };
            let next = flow.next_seq[who];
            flow.count(&bare, who);
            flow.next_seq[who] = next;
            reset(flow, packet, at, (who, last));
        }
        Kind::Other => {
            flow.count(packet, who);
            other(flow, packet, at, who, flow.bytes[who] > before);
        }
    }
}

fn note_cut(flow: &mut Flow, packet: &Packet) {
    if packet.cut {
        flow.marks.set(Marks::CUT);
    }
}

fn syn(flow: &mut Flow, packet: &Packet, who: usize) {
    note_cut(flow, packet);
    if who == 1 {
        if flow.phase == Phase::Asked || flow.phase == Phase::Refused {
            flow.marks.set(Marks::SIMULTANEOUS);
            flow.peer_isn = Some([flow.peer_isn.map_or(packet.seq, |isns| isns[0]), packet.seq]);
        }
        return;
    }
    if flow.isn.is_none() {
        flow.isn = Some(packet.seq);
        flow.tries = u32::from(flow.phase == Phase::Open);
        if flow.phase == Phase::Lone {
            flow.phase = Phase::Answered;
        }
    }
    // After the handshake it is a stray copy, not another try.
    if matches!(flow.phase, Phase::Asked | Phase::Refused | Phase::Answered) {
        flow.tries = flow.tries.saturating_add(1);
    }
    if matches!(flow.phase, Phase::Asked | Phase::Refused) {
        flow.last_try = flow.last_try.max(packet.time);
    }
    flow.syn_payload = flow.syn_payload.max(packet.payload);
    if packet.payload > 0 {
        flow.marks.set(Marks::FAST_OPEN);
    }
}

fn syn_ack(flow: &mut Flow, packet: &Packet, at: Provenance, who: usize) {
    note_cut(flow, packet);
    if who == 0 {
        // The initiator's half of a simultaneous open acknowledges as an ACK does.
        let answers = flow
            .peer_isn
            .is_some_and(|isns| packet.ack == isns[1].wrapping_add(1));
        flow.spoke |= flow.marks.has(Marks::SIMULTANEOUS) && answers;
        if flow.phase == Phase::Answered {
            acknowledge(flow, packet, at);
        }
        return;
    }
    if flow.phase == Phase::Lone && flow.isn.is_none() {
        if flow.accepted.is_none() {
            flow.accepted = Some(at);
            flow.decide(Phase::Lone, packet.time, at);
            flow.peer_isn = Some([packet.seq; 2]);
            // What the initiator has sent so far, by what is acknowledged.
            flow.next_seq[0] = Some(packet.ack);
        }
        return;
    }
    if !acknowledges_syn(flow, packet.ack) {
        return;
    }
    match flow.phase {
        Phase::Asked | Phase::Refused => {
            let crossed = flow.marks.has(Marks::SIMULTANEOUS) && flow.spoke;
            flow.accepted = Some(at);
            flow.refusal = None;
            flow.end = FlowEnd::Open;
            flow.reset_by(None);
            flow.peer_isn = Some([packet.seq; 2]);
            let behind = packet.seq.wrapping_add(1).wrapping_add(packet.payload);
            // What it went on to send may be seen before it.
            let sent = flow.next_seq[1].map_or(0, |next| next.wrapping_sub(behind));
            let sent = if sent < LARGEST_HOLE { sent } else { 0 };
            flow.next_seq[1] = Some(behind.wrapping_add(sent));
            flow.bytes[1] = u64::from(packet.payload) + u64::from(sent);
            // Two clocks, or two queues of one device, may show the ACK first.
            let acked = flow
                .acked
                .is_some_and(|ack| ack == packet.seq.wrapping_add(1));
            flow.decide(
                if crossed || acked {
                    Phase::Open
                } else {
                    Phase::Answered
                },
                packet.time,
                at,
            );
        }
        Phase::Withdrawn => {
            flow.accepted = Some(at);
            flow.decide(Phase::Declined, packet.time, at);
        }
        Phase::Answered => {
            flow.peer_isn = flow.peer_isn.map(|isns| [isns[0], packet.seq]);
        }
        Phase::Declined | Phase::Open | Phase::Lone | Phase::Loose => {}
    }
}

/// Takes `packet`, a SYN, for the try that was answered if it comes at most `within` after the SYN-ACK.
pub(super) fn answered_before(flow: &mut Flow, packet: &Packet, within: Span) {
    let asking = matches!(flow.phase, Phase::Asked | Phase::Refused);
    let soon = packet.time.since(flow.decided) <= within.min(NO_RETRY_YET);
    if soon && !asking && flow.accepted.is_some() {
        flow.last_try = flow.last_try.max(flow.decided);
    }
}

/// Completes the handshake if `packet`, from the initiator, acknowledges the SYN-ACK: exactly, or
/// up to what the responder was seen to send since, or with payload or a FIN of its own (its bare ACK
/// was not captured).
fn acknowledge(flow: &mut Flow, packet: &Packet, at: Provenance) {
    let Some(isns) = flow.peer_isn else { return };
    if packet.flags & ACK == 0 {
        return;
    }
    let exact = isns.iter().any(|isn| packet.ack == isn.wrapping_add(1));
    let beyond = reaches(packet.ack, isns[0].wrapping_add(1));
    let sent = flow.next_seq[1].is_some_and(|next| reaches(next, packet.ack));
    let talks = packet.payload > 0 || packet.flags & FIN != 0;
    if exact || beyond && (sent || talks) {
        flow.decide(Phase::Open, packet.time, at);
    }
}

/// `last` is the time of the packet before.
fn reset(flow: &mut Flow, packet: &Packet, at: Provenance, (who, last): (usize, Timestamp)) {
    if flow.is_over() {
        return;
    }
    if !reset_is_valid(flow, packet, who) {
        flow.marks.set(Marks::RESET_MISMATCH);
        return;
    }
    let end = if who == 0 {
        FlowEnd::ResetByInitiator
    } else {
        FlowEnd::ResetByResponder
    };
    match (flow.phase, who) {
        (Phase::Asked, 1) => {
            note_cut(flow, packet);
            flow.decide(Phase::Refused, packet.time, at);
        }
        (Phase::Asked, 0) => flow.decide(Phase::Withdrawn, packet.time, at),
        (Phase::Answered, _) => flow.decide(Phase::Declined, packet.time, at),
        // An ICMP error came first: the first refusal stands.
        _ => {}
    }
    if flow.fins != 0 || answers_fin(flow, packet, who) {
        flow.marks.set(Marks::RESET_AFTER_FIN);
    }
    if flow.phase == Phase::Open && packet.time.since(last) > IN_USE {
        flow.marks.set(Marks::RESET_IDLE);
    }
    let usual = flow.ttl[who];
    if usual != 0 && usual.abs_diff(packet.ttl) > 1 && !flow.marks.has(Marks::TWO_SENSORS) {
        flow.marks.set(Marks::RESET_TTL);
    }
    flow.reset_by(Some(at));
    flow.close(end, packet.time);
}

/// True for a reset that acknowledges one more than the other side was seen to send: its FIN, which is yet
/// to be seen.
fn answers_fin(flow: &Flow, packet: &Packet, who: usize) -> bool {
    let fin = flow.next_seq[1 - who].is_some_and(|next| packet.ack == next.wrapping_add(1));
    fin && packet.flags & ACK != 0 && matches!(flow.phase, Phase::Open | Phase::Loose)
}

fn reset_is_valid(flow: &Flow, packet: &Packet, who: usize) -> bool {
    let has_ack = packet.flags & ACK != 0;
    match (flow.phase, who) {
        // In SYN-SENT a reset must acknowledge the SYN: one without ACK is dropped (RFC 9293, 3.10.7.3),
        // and anybody could have made it. Where the responder sent a SYN too, its number must fit.
        (Phase::Asked | Phase::Refused, 1) => {
            let after_peer_syn = flow
                .peer_isn
                .is_some_and(|isns| packet.seq == isns[1].wrapping_add(1));
            if has_ack {
                acknowledges_syn(flow, packet.ack)
            } else {
                after_peer_syn
            }
        }
        (Phase::Asked | Phase::Refused | Phase::Answered, 0) => {
            flow.isn == Some(packet.seq)
                || acknowledges_syn(flow, packet.seq)
                || flow.next_seq[0] == Some(packet.seq)
        }
        (Phase::Answered, _) => {
            let next = flow
                .peer_isn
                .is_some_and(|isns| isns.iter().any(|isn| packet.seq.wrapping_sub(*isn) <= 1));
            next || flow.next_seq[1] == Some(packet.seq)
                || has_ack && acknowledges_syn(flow, packet.ack)
        }
        // Later the exact window is not known; data of the same side after the reset would show
        // that it was forged.
        _ => true,
    }
}

fn other(flow: &mut Flow, packet: &Packet, at: Provenance, who: usize, grew: bool) {
    let fin = packet.flags & FIN != 0;
    match (flow.phase, who) {
        (Phase::Asked, 0) => {
            flow.spoke = true;
            if packet.flags & ACK != 0 {
                flow.acked = Some(packet.ack);
            }
        }
        (Phase::Asked | Phase::Refused, _) => {
            // The SYN-ACK was not captured, but its sender acknowledges the SYN and talks on.
            let next = flow.next_seq[0];
            let covers = acknowledges_syn(flow, packet.ack)
                || flow
                    .isn
                    .is_some_and(|isn| reaches(packet.ack, isn.wrapping_add(1)))
                    && next.is_some_and(|next| reaches(next, packet.ack));
            let talks = packet.payload > 0 || fin || flow.spoke;
            if who == 1 && packet.flags & ACK != 0 && covers && talks {
                flow.refusal = None;
                flow.end = FlowEnd::Open;
                flow.reset_by(None);
                flow.decide(Phase::Open, packet.time, at);
            }
        }
        (Phase::Answered, 0) => {
            flow.spoke |= packet.payload > 0;
            acknowledge(flow, packet, at);
        }
        // A responder that sends data had its handshake completed, unless the SYN carried data:
        // then it may answer before the ACK (RFC 7413).
        // So does one that acknowledges what came after the SYN.
        (Phase::Answered, _)
            if (packet.payload > 0 || acknowledges_more(flow, packet))
                && !flow.marks.has(Marks::FAST_OPEN) =>
        {
            flow.decide(Phase::Open, packet.time, at);
        }
        // Only the SYN is missing: SYN-ACK and ACK prove it all the same.
        (Phase::Lone, 0) => acknowledge(flow, packet, at),
        _ => {}
    }
    let resetter = match flow.end {
        FlowEnd::ResetByInitiator => Some(0),
        FlowEnd::ResetByResponder => Some(1),
        _ => None,
    };
    if resetter == Some(who) && grew && matches!(flow.phase, Phase::Open | Phase::Loose) {
        flow.end = FlowEnd::Open;
        flow.reset_by(None);
        flow.marks.set(Marks::RESET_MISMATCH);
    }
    // Nobody closes what the other side has reset: the reset answers it.
    if fin && resetter == Some(1 - who) && packet.time.since(flow.closed) <= TURNED {
        flow.marks.set(Marks::RESET_AFTER_FIN);
    }
    if fin && flow.end == FlowEnd::Open {
        flow.touch_if_empty(packet.time);
        flow.fins |= 1 << who;
        if flow.fins == BOTH_FINS {
            flow.end = FlowEnd::Closed;
            flow.closed = packet.time;
        }
    }
}

/// Which side of `flow` sent a packet: 0 the initiator, 1 the responder.
pub(super) fn sender(flow: &Flow, source: Endpoint) -> usize {
    usize::from(source != flow.ends[0])
}
