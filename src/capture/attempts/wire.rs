//! Packets for tests, written as one would tell them.

use super::{AttemptSummary, Attempts, Settings};
use crate::capture::icmp;
use crate::capture::packet::flags::{ACK, ANSWERS, FIN, RST, SYN};
use crate::capture::packet::{EmbeddedHeader, Extra, Packet};
use crate::capture::reorder::PacketSource;
use crate::model::{Attempt, Endpoint, Event, EvidenceId, Timestamp, Transport, What};

/// A packet of no protocol in particular, `ms` milliseconds after 1970; its offset is a hundred
/// times its number.
pub(crate) fn at_ms(ms: i64, number: u64) -> Packet {
    let nobody = Endpoint::new("0.0.0.0".parse().unwrap(), 0);
    Packet {
        time: Timestamp(ms.saturating_mul(1_000_000)),
        number,
        offset: number * 100,
        source: nobody,
        destination: nobody,
        transport: Transport(0),
        flags: 0,
        ttl: 64,
        ip_id: 0,
        interface: 0,
        vlan: None,
        seq: 0,
        ack: 0,
        payload: 0,
        checksum: 0,
        pid: 0,
        first_fragment: false,
        cut: false,
        inside: false,
        shape: crate::model::payload::Shape::None,
        extra: None,
    }
}

/// A source that lists its packets in batches of a given size.
pub(crate) struct Listed {
    evidence: EvidenceId,
    packets: std::vec::IntoIter<Packet>,
    batch: usize,
}

impl Listed {
    pub(crate) fn new(evidence: u32, packets: Vec<Packet>, batch: usize) -> Self {
        Self {
            evidence: EvidenceId(evidence),
            packets: packets.into_iter(),
            batch,
        }
    }
}

impl PacketSource for Listed {
    fn evidence(&self) -> EvidenceId {
        self.evidence
    }

    fn fill(&mut self, batch: &mut Vec<Packet>) -> bool {
        batch.extend(self.packets.by_ref().take(self.batch));
        self.packets.len() > 0
    }
}

/// `10.0.0.1:4000` or `[fe80::1]:80`.
pub(crate) fn end(text: &str) -> Endpoint {
    let socket: std::net::SocketAddr = text.parse().unwrap();
    Endpoint::new(socket.ip(), socket.port())
}

/// A wire with a clock: each packet goes over it at the time it shows.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    pub(crate) packets: Vec<(EvidenceId, Packet)>,
    now_ms: i64,
}

/// From one end to the other; what is sent is said next.
pub(crate) struct Send<'w> {
    wire: &'w mut Wire,
    packet: Packet,
}

impl Wire {
    /// Lets `ms` milliseconds pass.
    pub(crate) fn wait(&mut self, ms: i64) -> &mut Self {
        self.now_ms += ms;
        self
    }

    fn packet(&self, from: &str, to: &str, transport: Transport) -> Packet {
        let number = self.packets.len() as u64 + 1;
        Packet {
            source: end(from),
            destination: end(to),
            transport,
            ip_id: number as u16,
            ..at_ms(self.now_ms, number)
        }
    }

    pub(crate) fn tcp(&mut self, from: &str, to: &str) -> Send<'_> {
        let packet = self.packet(from, to, Transport::TCP);
        Send { wire: self, packet }
    }

    pub(crate) fn udp(&mut self, from: &str, to: &str, payload: u32) {
        let packet = Packet {
            payload,
            ..self.packet(from, to, Transport::UDP)
        };
        self.push(packet);
    }

    /// A datagram that answers by its form.
    pub(crate) fn udp_answer(&mut self, from: &str, to: &str, payload: u32) {
        let packet = Packet {
            payload,
            flags: ANSWERS,
            ..self.packet(from, to, Transport::UDP)
        };
        self.push(packet);
    }

    /// An ICMP error from `from` to `to` about a packet between the `inner` ends.
    pub(crate) fn icmp(&mut self, from: &str, to: &str, error: (u8, u8), inner: EmbeddedHeader) {
        let (kind, code) = error;
        let from_to = (format!("{from}:0"), format!("{to}:0"));
        let bracketed = |text: String| {
            text.parse::<std::net::SocketAddr>()
                .map(|_| text.clone())
                .unwrap_or(text)
        };
        let mut packet = self.packet(
            &bracketed(from_to.0),
            &bracketed(from_to.1),
            Transport::ICMP,
        );
        let from = packet.source.address;
        packet.extra = Some(Box::new(Extra::Refusal(EmbeddedHeader {
            kind,
            code,
            from,
            ..inner
        })));
        self.push(packet);
    }

    /// An ICMP message of this type, identifier and sequence number.
    pub(crate) fn echo(&mut self, from: &str, to: &str, says: (u8, u16, u16), payload: u32) {
        let (kind, id, seq) = says;
        let ends = (format!("{from}:0"), format!("{to}:0"));
        let mut packet = self.packet(&ends.0, &ends.1, Transport::ICMP);
        let [a, b] = id.to_be_bytes();
        let [c, d] = seq.to_be_bytes();
        icmp::enter(&mut packet, &[kind, 0, 0, 0, a, b, c, d]);
        packet.payload = payload;
        self.push(packet);
    }

    pub(crate) fn push(&mut self, packet: Packet) {
        self.packets.push((EvidenceId(1), packet));
    }

    /// SYN, SYN-ACK, ACK, a millisecond apart, with the numbers 1000 and 5000.
    pub(crate) fn handshake(&mut self, client: &str, server: &str) {
        self.tcp(client, server).syn(1000);
        self.wait(1).tcp(server, client).syn_ack(5000, 1001);
        self.wait(1).tcp(client, server).ack(1001, 5001, 0);
    }

    /// The events in the order of the stream, and the summary.
    pub(crate) fn run(&self) -> (Vec<Event>, AttemptSummary) {
        run(Settings::default(), &self.packets)
    }

    /// The attempts in the order of the stream.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.run().0.iter().map(attempt).collect()
    }

    /// The one attempt there is.
    pub(crate) fn attempt(&self) -> Attempt {
        let [one] = <[Attempt; 1]>::try_from(self.attempts()).expect("one attempt");
        one
    }
}

/// The attempt of an event.
pub(crate) fn attempt(event: &Event) -> Attempt {
    let What::Attempt(attempt) = &event.what else {
        panic!("not an attempt: {event:?}")
    };
    (**attempt).clone()
}

/// The events of these packets in the order of the stream, and the summary.
pub(crate) fn run(
    settings: Settings,
    packets: &[(EvidenceId, Packet)],
) -> (Vec<Event>, AttemptSummary) {
    let mut events = Vec::new();
    let mut machine = Attempts::new(settings);
    for (evidence, packet) in packets {
        machine.packet(*evidence, packet, &mut |event| events.push(event));
    }
    let summary = machine.finish(&mut |event| events.push(event));
    events.sort_by_key(Event::order);
    (events, summary)
}

/// The header that an ICMP error embeds. Type, code and sender are filled in by [`Wire::icmp`].
pub(crate) fn inner(
    from: &str,
    to: &str,
    transport: Transport,
    seq: Option<u32>,
) -> EmbeddedHeader {
    let (source, destination) = (end(from), end(to));
    EmbeddedHeader {
        kind: 0,
        code: 0,
        from: source.address,
        source,
        destination,
        transport,
        seq,
        id: 0,
    }
}

impl Send<'_> {
    fn go(mut self, flags: u8, seq: u32, ack: u32, payload: u32) {
        self.packet = Packet {
            flags,
            seq,
            ack,
            payload,
            ..self.packet
        };
        self.wire.push(self.packet);
    }

    /// The headers were cut behind the ports.
    pub(crate) fn cut(mut self) -> Self {
        self.packet.cut = true;
        self
    }

    pub(crate) fn syn(self, isn: u32) {
        self.go(SYN, isn, 0, 0);
    }

    pub(crate) fn syn_with_data(self, isn: u32, payload: u32) {
        self.go(SYN, isn, 0, payload);
    }

    pub(crate) fn syn_ack(self, seq: u32, ack: u32) {
        self.go(SYN | ACK, seq, ack, 0);
    }

    pub(crate) fn ack(self, seq: u32, ack: u32, payload: u32) {
        self.go(ACK, seq, ack, payload);
    }

    pub(crate) fn fin(self, seq: u32, ack: u32) {
        self.go(FIN | ACK, seq, ack, 0);
    }

    pub(crate) fn rst(self, seq: u32) {
        self.go(RST, seq, 0, 0);
    }

    pub(crate) fn rst_ack(self, seq: u32, ack: u32) {
        self.go(RST | ACK, seq, ack, 0);
    }
}
