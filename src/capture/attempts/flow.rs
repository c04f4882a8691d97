//! One live flow: what is known of an attempt so far, how long to wait for more, and the event it
//! becomes.

use super::speech::{Speech, State};
use crate::capture::icmp;
use crate::capture::packet::Packet;
use crate::model::attempt::{IcmpRun, Marks};
use crate::model::{
    Attempt, Endpoint, Event, EvidenceId, FlowEnd, Outcome, Provenance, Refusal, Span, Timestamp,
    Transport, What,
};

/// Unanswered for good this long after the last SYN: Windows gives up 21 s after its first SYN,
/// and 6 s after its last.
pub(super) const TCP_ANSWER_WAIT: Span = Span::seconds(21);
/// An unanswered SYN is remembered for longer than that, because Linux repeats it after up to 64 s;
/// an answer or repetition until then still belongs to it.
const TCP_HOLD: Span = Span::seconds(75);
/// A UDP answer comes within this time of the last datagram.
pub(super) const UDP_ANSWER_WAIT: Span = Span::seconds(30);
const UDP_IDLE: Span = Span::seconds(60);
const CLOSED_LINGER: Span = Span::seconds(10);
/// For TCP closed by one side only, and one-way traffic without a SYN.
const TCP_IDLE: Span = Span::seconds(300);
/// A normal client repeats its SYN within this time.
const RETRY_WAIT: Span = Span::millis(3_500);
/// Closed this soon without a byte, a connection was only a touch.
const EMPTY_WITHIN: Span = Span::seconds(1);
/// A hole in the sequence numbers up to this size counts as bytes that went over the wire.
pub(super) const LARGEST_HOLE: u32 = 1 << 20;

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// SYN or datagram sent, no answer.
    Asked,
    /// A reset or an ICMP error (then `refusal` is set) answered.
    Refused,
    /// The initiator reset its own SYN.
    Withdrawn,
    /// SYN-ACK seen, no ACK.
    Answered,
    /// SYN-ACK seen, then a reset.
    Declined,
    /// The handshake is complete, or the datagram was answered.
    Open,
    /// SYN-ACK without a SYN.
    Lone,
    /// Traffic without a SYN.
    Loose,
}

/// What is known of one attempt so far.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Initiator and responder.
    pub(super) ends: [Endpoint; 2],
    pub(super) transport: Transport,
    pub(super) phase: Phase,
    pub(super) end: FlowEnd,
    /// Bit 0: FIN from the initiator, bit 1: from the responder.
    pub(super) fins: u8,
    /// The initiator sent something other than SYN and RST.
    pub(super) spoke: bool,
    pub(super) marks: PacketMarks,
    pub(super) vlan: Option<u16>,
    pub(super) refusal: Option<Box<Refusal>>,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) began: Provenance,
    /// Another file that holds a packet of it.
    pub(super) also: AnotherFile,
    pub(super) isn: Option<u32>,
    /// Payload bytes in the SYN.
    pub(super) syn_payload: u32,
    /// The responder's first and latest initial sequence numbers: a SYN cookie changes with each
    /// repetition.
    pub(super) peer_isn: Option<[u32; 2]>,
    pub(super) tries: u32,
    pub(super) last_try: Timestamp,
    pub(super) decided: Timestamp,
    pub(super) deciding: Option<Provenance>,
    pub(super) accepted: Option<Provenance>,
    /// What the initiator acknowledged before any answer was seen.
    pub(super) acked: Option<u32>,
    pub(super) closed: Timestamp,
    /// Behind the highest sequence number seen, each way.
    pub(super) next_seq: [Option<u32>; 2],
    pub(super) bytes: [u64; 2],
    pub(super) packets: [u32; 2],
    pub(super) pid: u32,
    /// The latest TTL of each side, resets left out; 0 for none.
    pub(super) ttl: [u8; 2],
    /// What was seen of the payload, if there was any.
    speech: Option<Box<Speech>>,
}

/// A file or none, in two bytes: a live flow is kept small. Files beyond the first 65,535 are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AnotherFile(u16);

impl AnotherFile {
    pub(super) fn of(file: EvidenceId) -> Self {
        let number = file.0.checked_add(1).map(u16::try_from);
        Self(number.and_then(Result::ok).unwrap_or(0))
    }

    pub(super) fn file(self) -> Option<EvidenceId> {
        Some(EvidenceId(u32::from(self.0.checked_sub(1)?)))
    }
}

/// The marks that packets show, which are the first sixteen: a live flow is kept small.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PacketMarks(u16);

impl PacketMarks {
    /// Sets the marks of `marks`.
    pub(super) fn set(&mut self, marks: Marks) {
        self.0 |= Self::of(marks);
    }

    /// True if every mark of `marks` is set.
    pub(super) fn has(self, marks: Marks) -> bool {
        self.all().has(marks)
    }

    fn take_back(&mut self, marks: Marks) {
        self.0 &= !Self::of(marks);
    }

    fn all(self) -> Marks {
        Marks(self.0.into())
    }

    fn of(marks: Marks) -> u16 {
        (marks.0 & 0xFFFF) as u16
    }
}

impl Flow {
    /// A flow that begins with `packet`, not yet counted.
    pub(super) fn new(ends: [Endpoint; 2], phase: Phase, packet: &Packet, at: Provenance) -> Self {
        Self {
            ends,
            transport: packet.transport,
            phase,
            end: FlowEnd::Open,
            fins: 0,
            spoke: false,
            marks: PacketMarks::default(),
            vlan: packet.vlan,
            refusal: None,
            first: packet.time,
            last: packet.time,
            began: at,
            also: AnotherFile::default(),
            isn: None,
            syn_payload: 0,
            peer_isn: None,
            tries: 0,
            last_try: packet.time,
            decided: packet.time,
            deciding: None,
            accepted: None,
            acked: None,
            closed: packet.time,
            next_seq: [None; 2],
            bytes: [0; 2],
            packets: [0; 2],
            pid: 0,
            ttl: [0; 2],
            speech: None,
        }
    }

    /// Counts `packet`, sent by side `who`: 0 the initiator, 1 the responder.
    ///
    /// TCP bytes are counted by sequence number, so a repeated segment counts once and a hole of
    /// up to 1 MiB (not captured, or out of order) counts too; a leap beyond that is not believed.
    pub(super) fn count(&mut self, packet: &Packet, who: usize) {
        self.last = self.last.max(packet.time);
        self.packets[who] = self.packets[who].saturating_add(1);
        if packet.inside {
            self.marks.set(Marks::TUNNELLED);
        }
        if self.pid == 0 {
            self.pid = packet.pid;
        }
        if self.transport != Transport::TCP {
            self.bytes[who] += u64::from(packet.payload);
            self.note(packet, who, None);
            return;
        }
        let syn = u32::from(packet.flags & crate::capture::packet::flags::SYN != 0);
        let end = packet.seq.wrapping_add(syn).wrapping_add(packet.payload);
        let Some(next) = self.next_seq[who] else {
            self.next_seq[who] = Some(end);
            self.bytes[who] += u64::from(packet.payload);
            self.note(packet, who, None);
            return;
        };
        // A FIN shows as well as payload does how much was sent before it.
        let fin = packet.flags & crate::capture::packet::flags::FIN != 0;
        if packet.payload == 0 && !fin {
            return;
        }
        let ahead = end.wrapping_sub(next);
        if ahead == 0 || ahead > u32::MAX / 2 {
            if let Some(speech) = &mut self.speech {
                speech.fill(packet, who);
            }
            return;
        }
        let plausible = ahead <= packet.payload.saturating_add(LARGEST_HOLE);
        self.bytes[who] += u64::from(if plausible { ahead } else { packet.payload });
        self.next_seq[who] = Some(end);
        self.marks.take_back(Marks::EMPTY);
        self.note(packet, who, Some(next).filter(|_| ahead > packet.payload));
    }

    /// Notes what `packet` carries; `expected` is the sequence number before a hole that it leaves.
    fn note(&mut self, packet: &Packet, who: usize, expected: Option<u32>) {
        if packet.payload > 0 {
            let state = State {
                closed: [self.fins & 1 != 0, self.fins & 2 != 0],
                heard: self.packets[0],
            };
            let speech = self.speech.get_or_insert_default();
            speech.hear(packet, who, state, expected);
        }
    }

    /// Notes the packet that reset it, or that none did after all.
    pub(super) fn reset_by(&mut self, by: Option<Provenance>) {
        if let Some(speech) = &mut self.speech {
            speech.reset_by(by);
        }
    }

    /// Notes that the flow was closed or reset at `time`.
    pub(super) fn close(&mut self, end: FlowEnd, time: Timestamp) {
        self.touch_if_empty(time);
        self.end = end;
        self.closed = time;
    }

    /// Marks a connection whose end begins at `time`, soon and before any byte.
    pub(super) fn touch_if_empty(&mut self, time: Timestamp) {
        let soon = time.since(self.decided) <= EMPTY_WITHIN;
        if self.phase == Phase::Open && self.fins == 0 && self.bytes == [0, 0] && soon {
            self.marks.set(Marks::EMPTY);
        }
    }

    /// Notes the packet that made the outcome known.
    pub(super) fn decide(&mut self, phase: Phase, time: Timestamp, by: Provenance) {
        self.phase = phase;
        self.decided = time;
        self.deciding = Some(by);
    }

    /// True once no packet can change what became of it, save a real answer to a refused SYN.
    pub(super) fn is_over(&self) -> bool {
        let refused_by_reset = self.phase == Phase::Refused && self.refusal.is_none();
        self.end != FlowEnd::Open
            || refused_by_reset
            || matches!(self.phase, Phase::Withdrawn | Phase::Declined)
    }

    /// The last moment at which a packet still belongs to this flow. It depends on the flow's own
    /// packets alone, so the same packets make the same attempts whatever else is captured.
    /// Established TCP has none: a long quiet connection is one connection.
    pub(super) fn deadline(&self) -> Timestamp {
        let wait = if self.transport != Transport::TCP {
            if self.phase == Phase::Open {
                UDP_IDLE
            } else {
                UDP_ANSWER_WAIT
            }
        } else if self.is_over() {
            CLOSED_LINGER
        } else if self.fins != 0 {
            TCP_IDLE
        } else {
            match self.phase {
                Phase::Open => return Timestamp::MAX,
                Phase::Loose if self.packets[0] > 0 && self.packets[1] > 0 => {
                    return Timestamp::MAX;
                }
                Phase::Loose => TCP_IDLE,
                // One direction of a connection whose other direction was not captured.
                _ if self.spoke || self.bytes[1] > 0 => return Timestamp::MAX,
                _ => TCP_HOLD,
            }
        };
        self.last.shifted(wait)
    }

    /// How much is lost by forgetting it: 0 over, 1 its answer is overdue, 2 alive.
    pub(super) fn need(&self, clock: Timestamp) -> u8 {
        let asking = matches!(self.phase, Phase::Asked | Phase::Refused | Phase::Answered);
        if self.is_over() {
            0
        } else if asking && clock.since(self.last) > TCP_ANSWER_WAIT {
            1
        } else {
            2
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.phase, self.refusal.as_deref()) {
            (Phase::Asked, _) => Outcome::Unanswered,
            (Phase::Refused, Some(refusal)) => Outcome::Unreachable(*refusal),
            (Phase::Refused, None) => Outcome::Rejected,
            (Phase::Withdrawn, _) => Outcome::Aborted,
            (Phase::Answered | Phase::Declined, _) => Outcome::HalfOpen,
            (Phase::Open, _) => Outcome::Established,
            (Phase::Lone, _) => Outcome::OneSided,
            (Phase::Loose, _) => Outcome::Midstream,
        }
    }

    /// The event of a flow that was watched until `watched`: its deadline, the packet that began
    /// the next flow between the same ends, or the end of the evidence.
    pub(super) fn into_event(mut self, watched: Timestamp) -> Event {
        let tcp = self.transport == Transport::TCP;
        let outcome = self.outcome();
        let deadline = self.deadline();
        if outcome == Outcome::Unanswered {
            let wait = if tcp {
                TCP_ANSWER_WAIT
            } else {
                UDP_ANSWER_WAIT
            };
            self.decided = self.last_try.shifted(wait).min(watched).max(self.last_try);
            let alone = self.tries == 1 && self.packets == [1, 0];
            if tcp && alone && watched.since(self.last_try) >= RETRY_WAIT {
                self.marks.set(Marks::ABANDONED);
            }
        }
        let mut ended = self.last;
        if self.end != FlowEnd::Open {
            ended = self.closed;
        } else if deadline <= watched && deadline < Timestamp::MAX {
            self.end = match self.fins {
                0 => FlowEnd::Idle,
                by => {
                    self.marks.set(match by {
                        0b01 => Marks::CLOSED_BY_INITIATOR,
                        0b10 => Marks::CLOSED_BY_RESPONDER,
                        _ => Marks::default(),
                    });
                    FlowEnd::Closed
                }
            };
        }
        let [mut initiator, mut responder] = self.ends;
        let mut icmp = None;
        if matches!(self.transport, Transport::ICMP | Transport::ICMPV6) {
            // A type is a byte; see `Packet::source`.
            let kind = responder.port as u8;
            let id = icmp::id(self.transport, kind, initiator.port);
            icmp = Some(IcmpRun { kind, id });
            (initiator.port, responder.port) = (0, 0);
        }
        let attempt = Attempt {
            transport: self.transport,
            initiator,
            responder,
            isn: self.isn,
            tries: if tcp { self.tries } else { self.packets[0] },
            last_try: self.last_try,
            outcome,
            decided: self.decided,
            deciding: self.deciding,
            accepted: self.accepted,
            bytes: self.bytes,
            packets: self.packets,
            end: self.end,
            ended,
            marks: self.marks.all(),
            pid: (self.pid != 0).then_some(self.pid),
            vlan: self.vlan,
            icmp,
            payload: self.speech.map(|speech| Box::new(speech.told())),
            actor: None,
        };
        Event {
            time: self.first,
            recorded: self.first,
            provenance: self.began,
            what: What::attempt(attempt),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_flow_stays_small() {
        let size = std::mem::size_of::<super::Flow>();
        assert!(size <= 264, "{size} bytes a live flow");
    }
}
