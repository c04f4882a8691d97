//! The same packet captured twice: by a second sensor, or by a mirror port that copies both the
//! way in and the way out.
//!
//! A set-associative memory of recent packets, each set one cache line. It is as small as the
//! traffic allows, because every packet asks it and a small one stays in the processor's cache; it
//! grows, up to a limit, before it would forget a packet that a copy may still follow. What it
//! forgets early beyond the limit is processed twice, which costs a wrong packet count and never an
//! answer: what packets prove does not change when they are seen again.

use super::key::Key;
use crate::capture::packet::flags::{FIN, RST, SYN};
use crate::capture::packet::{Extra, Packet};
use crate::model::{EvidenceId, Span, Timestamp, Transport};
use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;

/// Sets at first and at most, as powers of two.
const FEWEST: u32 = 8;
const MOST: u32 = 14;
const WAYS: usize = 4;
/// The part of a print that chooses the set.
const SET_BITS: u32 = 16;
const SET_MASK: u64 = (1 << SET_BITS) - 1;
/// The part of a print that copies on one interface have in common too, and copies of two sensors
/// need not: a host's own capture may hold a checksum that its network card was to complete.
const CHECK_MASK: u64 = 0xFFFF << SET_BITS;
/// Set in every print.
const USED: u64 = 1 << 63;
/// No stack repeats payload or a FIN this soon. A SYN, and a reset that answers one, it repeats later than
/// copies lie apart.
const NO_RETRY_YET: Span = Span::millis(1);

/// What a repeated packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The first copy.
    New,
    /// A copy from another file or interface.
    ByAnotherSensor,
    /// A copy on the same interface.
    Mirrored,
}

#[derive(Clone, Copy, Default)]
struct Held {
    /// Hash of everything that copies have in common, and the checksum; 0 for an unused place.
    print: u64,
    /// Time in units of 2^16 ns, above the sensor's number.
    stamp: u64,
}

/// Recent packets.
pub(super) struct RecentPackets {
    sets: Vec<[Held; WAYS]>,
    /// Number of sets, as a power of two.
    size: u32,
    print: RandomState,
    window: i64,
    sensors: Vec<(EvidenceId, u16)>,
    sensor: u16,
}

impl RecentPackets {
    /// Copies lie at most `window` apart.
    pub(super) fn new(window: Span) -> Self {
        Self {
            sets: vec![[Held::default(); WAYS]; 1 << FEWEST],
            size: FEWEST,
            print: RandomState::default(),
            window: window.0.max(0),
            sensors: Vec::new(),
            sensor: 0,
        }
    }

    /// Whether `packet` was seen already; if not, it is remembered.
    ///
    /// Copies agree in endpoints, IP identification (IPv6: flow label), sequence and
    /// acknowledgement numbers, flags and payload length. On one interface that is not enough, for
    /// a packet sent again may agree in all of them, and a scanner's probes of one port even in the
    /// identification: there a copy must have an IPv4 identification other than 0, which differs from
    /// packet to packet, and the same UDP checksum, or be a SYN or a reset, or another TCP segment, save
    /// a bare ACK, within a millisecond.
    pub(super) fn seen(&mut self, evidence: EvidenceId, packet: &Packet, key: &Key) -> Seen {
        let sensor = self.sensor_of(evidence, packet.interface);
        let print = self.print_of(packet, key);
        let stamp = ((packet.time.0 >> 16) as u64) << 16 | u64::from(sensor);
        loop {
            let index = set_of(print, self.size);
            let set = &mut self.sets[index];
            let mut oldest = 0;
            for place in 0..WAYS {
                if (set[place].print ^ print) & !CHECK_MASK == 0 {
                    let apart = Timestamp(time_of(set[place].stamp))
                        .since(packet.time)
                        .abs();
                    if apart.0 <= self.window {
                        let elsewhere = set[place].stamp as u16 != sensor;
                        if elsewhere {
                            return Seen::ByAnotherSensor;
                        }
                        let own_id = packet.ip_id != 0
                            && matches!(key, Key::V4(_))
                            && set[place].print == print;
                        let sent_again_later = packet.transport == Transport::TCP
                            && (packet.payload > 0 || packet.flags & (SYN | FIN | RST) != 0);
                        let begins = packet.flags & (SYN | RST) != 0;
                        let no_retry = sent_again_later && (begins || apart <= NO_RETRY_YET);
                        if own_id || no_retry {
                            return Seen::Mirrored;
                        }
                    }
                    oldest = place;
                    break;
                }
                if time_of(set[place].stamp) < time_of(set[oldest].stamp) || set[place].print == 0 {
                    oldest = place;
                }
            }
            let Held {
                print: other,
                stamp: then,
            } = set[oldest];
            if self.size < MOST && other != 0 && (other ^ print) & !CHECK_MASK != 0 {
                let apart = Timestamp(time_of(then)).since(packet.time).abs();
                if apart.0 <= self.window.saturating_mul(2) {
                    self.grow();
                    continue;
                }
            }
            set[oldest] = Held { print, stamp };
            return Seen::New;
        }
    }

    /// Twice the sets, each packet in the one of the two that is its own.
    fn grow(&mut self) {
        let mut sets = vec![[Held::default(); WAYS]; self.sets.len() * 2];
        self.size += 1;
        for set in &self.sets {
            for (place, held) in set.iter().enumerate().filter(|(_, held)| held.print != 0) {
                sets[set_of(held.print, self.size)][place] = *held;
            }
        }
        self.sets = sets;
    }

    fn sensor_of(&mut self, evidence: EvidenceId, interface: u16) -> u16 {
        let wanted = (evidence, interface);
        if self.sensors.get(usize::from(self.sensor)) != Some(&wanted) {
            let known = self.sensors.iter().rposition(|sensor| *sensor == wanted);
            let place = known.unwrap_or_else(|| {
                if self.sensors.len() > usize::from(u16::MAX) {
                    self.sensors.clear();
                }
                self.sensors.push(wanted);
                self.sensors.len() - 1
            });
            self.sensor = place as u16;
        }
        self.sensor
    }

    /// The print: never 0. Its upper 32 bits are seeded, so that no one can make two packets look
    /// like copies at will; the next 16 are the checksum; the lower 16 choose the set and are not
    /// seeded, so that what is forgotten is the same in every run.
    fn print_of(&self, packet: &Packet, key: &Key) -> u64 {
        let numbers = u64::from(packet.seq) << 32 | u64::from(packet.ack);
        let shape = u64::from(packet.ip_id) << 48
            | u64::from(packet.flags) << 40
            | u64::from(packet.payload);
        let from = match packet.source.address {
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            IpAddr::V6(v6) => v6.to_bits() as u64,
        };
        let mut rest = (
            numbers,
            shape,
            from ^ u64::from(packet.source.port) << 48,
            0,
        );
        if let Some(Extra::Refusal(embedded)) = packet.extra.as_deref() {
            let ports =
                u64::from(embedded.source.port) << 16 | u64::from(embedded.destination.port);
            rest.3 = ports | u64::from(embedded.kind) << 40 | u64::from(embedded.code) << 32;
            rest.0 ^= u64::from(embedded.seq.unwrap_or(0));
        }
        let (ends, print) = match key {
            Key::V4(ends) => (
                ends[0] ^ ends[1].rotate_left(23),
                self.print.hash_one((ends, rest)),
            ),
            Key::V6((ends, more)) => {
                let folded = ends[0] ^ ends[1].rotate_left(23);
                (
                    (folded >> 64) as u64 ^ folded as u64 ^ more,
                    self.print.hash_one((ends, more, rest)),
                )
            }
        };
        let mixed =
            (ends ^ numbers.rotate_left(17) ^ shape ^ rest.3).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        USED | print & !(CHECK_MASK | SET_MASK)
            | u64::from(packet.checksum) << SET_BITS
            | mixed >> (u64::BITS - SET_BITS)
    }
}

/// The set of a print among `1 << size` sets.
fn set_of(print: u64, size: u32) -> usize {
    ((print & SET_MASK) >> (SET_BITS - size)) as usize
}

fn time_of(stamp: u64) -> i64 {
    (stamp & !0xFFFF) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::attempts::wire::at_ms;
    use crate::capture::packet::flags::ACK;

    #[test]
    fn two_probes_with_one_identification_are_no_copies_on_one_interface() {
        let probe = |checksum| Packet {
            transport: Transport::UDP,
            ip_id: 0xebd6,
            payload: 50,
            checksum,
            ..at_ms(1_000, u64::from(checksum))
        };
        let mut recent = RecentPackets::new(Span::millis(50));
        let mut seen = |evidence, checksum| {
            let packet = probe(checksum);
            recent.seen(EvidenceId(evidence), &packet, &Key::of(&packet))
        };
        assert_eq!(seen(1, 0xf58b), Seen::New);
        assert_eq!(seen(1, 0xf57b), Seen::New);
        assert_eq!(seen(1, 0xf57b), Seen::Mirrored);
        // Another sensor may have seen the checksum before the network card completed it.
        assert_eq!(seen(2, 0x1234), Seen::ByAnotherSensor);
    }

    #[test]
    fn no_stack_repeats_what_begins_or_refuses_a_connection_within_the_window() {
        let copies = |flags, payload, version: &str| {
            let mut recent = RecentPackets::new(Span::millis(50));
            let seen = |ms: i64| {
                let packet = Packet {
                    transport: Transport::TCP,
                    source: crate::capture::attempts::wire::end(version),
                    flags,
                    payload,
                    ..at_ms(ms, ms as u64)
                };
                recent.seen(EvidenceId(1), &packet, &Key::of(&packet))
            };
            [1_000, 1_002, 1_049].map(seen)
        };
        for from in ["10.0.0.1:4000", "[fd00::1]:4000"] {
            for flags in [SYN, SYN | ACK, RST, RST | ACK] {
                let copied = [Seen::New, Seen::Mirrored, Seen::Mirrored];
                assert_eq!(copies(flags, 0, from), copied, "{flags} {from}");
            }
            // Payload and a FIN may be sent again soon.
            assert_eq!(copies(ACK, 9, from), [Seen::New; 3]);
            assert_eq!(copies(FIN | ACK, 0, from), [Seen::New; 3]);
        }
    }

    #[test]
    fn no_packet_of_a_busy_moment_is_forgotten_while_the_memory_can_grow() {
        let mut recent = RecentPackets::new(Span::millis(50));
        // Twice as many as the memory holds at first, all in the same millisecond.
        let packets: Vec<Packet> = (0..(2 * WAYS as u64) << FEWEST)
            .map(|n| Packet {
                seq: n as u32,
                ..at_ms(1_000, n)
            })
            .collect();
        let mut all = |evidence| {
            let seen = packets
                .iter()
                .map(|packet| recent.seen(evidence, packet, &Key::of(packet)));
            seen.collect::<Vec<_>>()
        };
        assert!(all(EvidenceId(1)).iter().all(|seen| *seen == Seen::New));
        assert!(
            all(EvidenceId(2))
                .iter()
                .all(|seen| *seen == Seen::ByAnotherSensor)
        );
        assert!(recent.size > FEWEST && recent.size < MOST);
    }
}
