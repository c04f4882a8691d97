//! One attempt to connect, with what became of it.
//!
//! An attempt is not a packet: five SYNs with one initial sequence number are one attempt.

use super::payload::{Payload, PeerName, Shape};
use super::{Actor, Endpoint, Provenance, Span, Timestamp, Transport};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What became of an attempt. The names in brackets are Zeek's `conn_state` values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The handshake completed: SYN, SYN-ACK, ACK; or SYN-ACK and then payload from the initiator
    /// (its bare ACK is not in the capture). For UDP and ICMP: a packet came back within 30 s.
    /// (S1, SF …)
    Established,
    /// SYN-ACK was seen, then a reset from the initiator or nothing: an open port, not used.
    HalfOpen,
    /// A reset answered the SYN, and its acknowledgement matches: the port is closed. (REJ)
    Rejected,
    /// An ICMP error whose embedded header is this attempt's.
    Unreachable(Refusal),
    /// No answer at all. On default Windows this is what a closed TCP port looks like. For UDP it
    /// is evidence of nothing; default Windows does not answer pings either. (S0)
    Unanswered,
    /// The initiator reset its own SYN before any answer. (RSTOS0)
    Aborted,
    /// Traffic of a connection whose start is not in the capture. (OTH)
    Midstream,
    /// Only the responder's side was captured: SYN-ACK without SYN, echo reply without request.
    /// (SHR, RSTRH)
    OneSided,
}

/// An ICMP refusal: what it says and who sent it (RFC 792, RFC 4443).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// ICMP or ICMPv6 type.
    pub kind: u8,
    /// ICMP or ICMPv6 code.
    pub code: u8,
    /// The sender of the error: the host itself or a router before it.
    pub from: IpAddr,
}

/// What an ICMP refusal means for the port that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalMeaning {
    /// The host says nothing listens there: 3/2, 3/3; v6 1/4.
    ClosedPort,
    /// A filter says no: 3/9, 3/10, 3/13; v6 1/1, 1/5, 1/6.
    Filtered,
    /// The host or network cannot be reached: 3/0, 3/1 and others; v6 1/0, 1/3.
    HostUnreachable,
}

impl Refusal {
    /// The meaning of type and code.
    pub fn meaning(&self) -> RefusalMeaning {
        match (self.from.is_ipv6(), self.kind, self.code) {
            (false, 3, 2 | 3) | (true, 1, 4) => RefusalMeaning::ClosedPort,
            (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => RefusalMeaning::Filtered,
            _ => RefusalMeaning::HostUnreachable,
        }
    }
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FlowEnd {
    /// Still open when the evidence ends, or not followed to its end.
    Open,
    /// Closed in order by FIN from both sides, or FIN from one and silence.
    Closed,
    /// Reset by the initiator after it was established.
    ResetByInitiator,
    /// Reset by the responder after it was established.
    ResetByResponder,
    /// Silent for longer than the idle time.
    Idle,
}

/// Facts about an attempt that qualify what it can prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Marks(pub u32);

impl Marks {
    /// A reset was seen whose numbers do not fit, or that does not acknowledge the SYN; it was not used.
    pub const RESET_MISMATCH: Self = Self(1);
    /// The ICMP error matched by ports only (address translation in between).
    pub const ICMP_WEAK: Self = Self(1 << 1);
    /// Established, no payload either way, closed or reset within a second: a proxy, a SYN cookie
    /// or a connect scan.
    pub const EMPTY: Self = Self(1 << 2);
    /// The SYN carried data (TCP Fast Open, RFC 7413).
    pub const FAST_OPEN: Self = Self(1 << 3);
    /// Both ends sent SYN; the initiator is the earlier one.
    pub const SIMULTANEOUS: Self = Self(1 << 4);
    /// One SYN, no answer, and the capture goes on for at least 3.5 s: a normal client would have
    /// retried. The mark of a knock or a raw-packet tool.
    pub const ABANDONED: Self = Self(1 << 5);
    /// A packet of the attempt was cut by the snap length where it mattered.
    pub const CUT: Self = Self(1 << 6);
    /// The same packets were seen by more than one sensor.
    pub const TWO_SENSORS: Self = Self(1 << 7);
    /// Forgotten early because the table of live flows was full.
    pub const EVICTED: Self = Self(1 << 8);
    /// One side had closed in order (FIN) before the reset: an end many programs use, no
    /// interruption.
    pub const RESET_AFTER_FIN: Self = Self(1 << 9);
    /// The reset's TTL is two or more away from that of the other packets of its sender on the same
    /// sensor: a device on the way may have sent it in the sender's name.
    pub const RESET_TTL: Self = Self(1 << 10);

    /// The reset came after more than ten seconds without a packet: servers, and devices on the way, let
    /// idle connections go like that.
    pub const RESET_IDLE: Self = Self(1 << 11);
    /// Packets of it were inside others: of a mirror, an overlay, a tunnel. Whoever can send to the end of a
    /// tunnel can make up what is inside.
    pub const TUNNELLED: Self = Self(1 << 12);
    /// Only the initiator closed it (FIN); of the other side none was seen.
    pub const CLOSED_BY_INITIATOR: Self = Self(1 << 13);
    /// Only the responder closed it.
    pub const CLOSED_BY_RESPONDER: Self = Self(1 << 14);
    /// It begins without a SYN, with a segment that acknowledges something: what is left of a connection.
    pub const ACKNOWLEDGES: Self = Self(1 << 15);
    /// A log of connections tells of it: somebody else's sensor saw its packets and kept their sums.
    pub const SUMMED_UP: Self = Self(1 << 16);
    /// Nothing says how long no packet had come before the reset: the connection may have been idle, or
    /// one side may have closed it.
    pub const RESET_UNTIMED: Self = Self(1 << 17);

    /// True if every mark of `other` is set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets the marks of `other`.
    pub fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What an attempt over ICMP was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IcmpRun {
    /// ICMP or ICMPv6 type of what the initiator sends: 8 or 128 for echo requests.
    pub kind: u8,
    /// The identifier of an echo, timestamp or mask request; 0 for other types.
    pub id: u16,
}

/// One connection attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// TCP, UDP, or ICMP: there, all messages of one type and identifier between two hosts, without
    /// a minute's silence (30 s while unanswered), are one attempt with ports 0.
    pub transport: Transport,
    /// Who started it.
    pub initiator: Endpoint,
    /// Whom it was meant for.
    pub responder: Endpoint,
    /// The initiator's initial sequence number (TCP with a captured SYN).
    pub isn: Option<u32>,
    /// SYNs seen with that sequence number; for UDP and ICMP, packets from the initiator.
    pub tries: u32,
    /// Time of the last SYN before an answer (or last datagram of an unanswered UDP attempt).
    pub last_try: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// When the outcome became known on the wire: the answer's time. For `Unanswered`, when the
    /// wait ended. Logs of connections do not say when an answer came: then, when the attempt began.
    pub decided: Timestamp,
    /// The packet that decided the outcome: the reset, the ICMP error, the ACK.
    pub deciding: Option<Provenance>,
    /// The SYN-ACK, where one was seen.
    pub accepted: Option<Provenance>,
    /// Payload bytes from initiator and from responder.
    pub bytes: [u64; 2],
    /// Packets from initiator and from responder.
    pub packets: [u32; 2],
    /// How it ended.
    pub end: FlowEnd,
    /// When it ended, or the last packet seen.
    pub ended: Timestamp,
    /// What qualifies it.
    pub marks: Marks,
    /// Process id from a `PID=` packet comment (etl2pcapng), if the capture carries one.
    pub pid: Option<u32>,
    /// Outermost VLAN id.
    pub vlan: Option<u16>,
    /// What was sent, for ICMP.
    pub icmp: Option<IcmpRun>,
    /// What was seen of the payload; `None` where no packet carried any.
    pub payload: Option<Box<Payload>>,
    /// The process of the initiator, once attribution has joined one.
    #[serde(skip)]
    pub actor: Option<Box<Actor>>,
}

/// Silence tells something only if the evidence goes on for this long after the first SYN; Zeek's
/// scan detection waits as long.
const SILENCE: Span = Span::seconds(5);
/// Segments of one side, none with payload, from which on they are those of a connection.
const WENT_ON: u32 = 3;

impl Attempt {
    /// True if the handshake completed.
    pub fn succeeded(&self) -> bool {
        self.outcome == Outcome::Established
    }

    /// True if the SYN of a TCP attempt was seen, and a SYN-ACK came back to it.
    pub fn was_let_in(&self) -> bool {
        let open = matches!(self.outcome, Outcome::Established | Outcome::HalfOpen);
        open && self.asked()
    }

    /// True if silence means that nobody answered, where `first` is when the attempt began. Not
    /// after a datagram; not where the initiator went on as after an answer, for then the answers
    /// passed by another way; not if the evidence ends too soon after it.
    pub fn silence_tells(&self, first: Timestamp) -> bool {
        let waited = self.decided.since(first) >= SILENCE;
        let expected = matches!(
            self.transport,
            Transport::TCP | Transport::ICMP | Transport::ICMPV6
        );
        expected && !self.went_on() && waited && !self.marks.has(Marks::EVICTED)
    }

    /// True if the SYN of a TCP attempt was seen, by whomever. A log of connections has no sequence
    /// numbers, but tells of what began without one.
    pub fn asked(&self) -> bool {
        let summed_up = self.marks.has(Marks::SUMMED_UP)
            && !matches!(self.outcome, Outcome::Midstream | Outcome::OneSided);
        self.transport == Transport::TCP && (self.isn.is_some() || summed_up)
    }

    /// True if a TCP initiator sent more than SYNs: somebody answered it, whoever saw that.
    pub fn went_on(&self) -> bool {
        let fast_open = self.marks.has(Marks::FAST_OPEN);
        // The reset by which it took its SYN back needs no answer.
        let reset = u32::from(self.outcome == Outcome::Aborted);
        // An echo request carries payload by itself.
        self.transport == Transport::TCP
            && (self.bytes[0] > 0 && !fast_open
                || self.packets[0] > self.tries.saturating_add(reset))
    }

    /// True if traffic whose start was not captured shows that a connection stood: its responder sent
    /// more than a reset, or its initiator went on unrefused. Lone segments without a SYN prove nothing,
    /// for a closed port and an open one treat them alike (RFC 9293, 3.10.7).
    pub fn stood(&self) -> bool {
        let refused = self.end == FlowEnd::ResetByResponder;
        self.bytes[1] > 0
            || self.packets[1] > u32::from(refused)
            || !refused && (self.bytes[0] > 0 || self.packets[0] >= WENT_ON)
    }

    /// The name the initiator asked for, by TLS or HTTP.
    pub fn name(&self) -> Option<&PeerName> {
        self.payload.as_ref()?.name.as_ref()
    }

    /// The shapes of the first payload of initiator and responder.
    pub fn shapes(&self) -> [Shape; 2] {
        self.payload
            .as_ref()
            .map_or([Shape::None; 2], |payload| payload.shapes)
    }

    /// Who reset the connection while it was in use: as [`Self::reset_open`], at most ten seconds after
    /// its last packet, as far as that is told.
    pub fn reset_in_use(&self) -> Option<Endpoint> {
        self.reset_open()
            .filter(|_| !self.marks.has(Marks::RESET_IDLE) && !self.marks.has(Marks::RESET_UNTIMED))
    }

    /// Who reset the connection before either side had begun to close it, after bytes had gone both
    /// ways. Never the case where the reset was disowned (see `RESET_MISMATCH`).
    pub fn reset_open(&self) -> Option<Endpoint> {
        let open = matches!(self.outcome, Outcome::Established | Outcome::Midstream)
            && self.bytes.iter().all(|bytes| *bytes > 0)
            && !self.marks.has(Marks::RESET_AFTER_FIN);
        match self.end {
            FlowEnd::ResetByInitiator if open => Some(self.initiator),
            FlowEnd::ResetByResponder if open => Some(self.responder),
            _ => None,
        }
    }

    /// Zeek's `conn_state` for the same picture, for analysts who think in it.
    pub fn conn_state(&self) -> &'static str {
        let tcp = self.transport == Transport::TCP;
        match (self.outcome, self.end) {
            (Outcome::Established, _) if !tcp => "SF",
            (Outcome::Established | Outcome::HalfOpen, FlowEnd::ResetByInitiator) => "RSTO",
            (Outcome::Established | Outcome::HalfOpen, FlowEnd::ResetByResponder) => "RSTR",
            (Outcome::Established, FlowEnd::Closed)
                if self.marks.has(Marks::CLOSED_BY_INITIATOR) =>
            {
                "S2"
            }
            (Outcome::Established, FlowEnd::Closed)
                if self.marks.has(Marks::CLOSED_BY_RESPONDER) =>
            {
                "S3"
            }
            (Outcome::Established, FlowEnd::Closed) => "SF",
            (Outcome::Established | Outcome::HalfOpen, _) => "S1",
            (Outcome::Rejected, _) => "REJ",
            (Outcome::Unanswered, FlowEnd::Closed) => "SH",
            (Outcome::Unreachable(_) | Outcome::Unanswered, _) => "S0",
            (Outcome::Aborted, _) => "RSTOS0",
            (Outcome::Midstream, _) => "OTH",
            (Outcome::OneSided, FlowEnd::ResetByResponder) => "RSTRH",
            (Outcome::OneSided, _) => "SHR",
        }
    }

    /// From the first packet to the last.
    pub fn duration(&self, first: Timestamp) -> Span {
        self.ended.since(first)
    }
}
