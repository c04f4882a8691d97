//! The same packet captured twice: by a second sensor, or by a mirror port that copies both the
//! way in and the way out.
//!
//! A set-associative memory of recent packets, of fixed size, each set one cache line. What it
//! forgets early is processed twice, which costs a wrong packet count and never an answer: what
//! packets prove does not change when they are seen again.

use super::key::Key;
use crate::capture::packet::flags::{FIN, RST, SYN};
use crate::capture::packet::{Extra, Packet};
use crate::model::{EvidenceId, Span, Timestamp, Transport};
use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;

const SETS: usize = 1 << 14;
const WAYS: usize = 4;
/// No stack repeats a segment this soon, save a bare ACK.
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
    /// Hash of everything that copies have in common; 0 for an unused place.
    print: u64,
    /// Time in units of 2^16 ns, above the sensor's number.
    stamp: u64,
}

/// Recent packets.
pub(super) struct RecentPackets {
    sets: Vec<[Held; WAYS]>,
    print: RandomState,
    window: i64,
    sensors: Vec<(EvidenceId, u16)>,
    sensor: u16,
}

impl RecentPackets {
    /// Copies lie at most `window` apart.
    pub(super) fn new(window: Span) -> Self {
        Self {
            sets: vec![[Held::default(); WAYS]; SETS],
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
    /// a packet sent again may agree in all of them: there a copy must have an IPv4 identification
    /// other than 0, which differs from packet to packet, or be a TCP segment, other than a bare ACK,
    /// within a millisecond.
    pub(super) fn seen(&mut self, evidence: EvidenceId, packet: &Packet, key: &Key) -> Seen {
        let sensor = self.sensor_of(evidence, packet.interface);
        let (print, set) = self.print_and_set(packet, key);
        let stamp = ((packet.time.0 >> 16) as u64) << 16 | u64::from(sensor);
        let set = &mut self.sets[set];
        let mut oldest = 0;
        for place in 0..WAYS {
            if set[place].print == print {
                let apart = Timestamp(time_of(set[place].stamp))
                    .since(packet.time)
                    .abs();
                if apart.0 <= self.window {
                    let elsewhere = set[place].stamp as u16 != sensor;
                    if elsewhere {
                        return Seen::ByAnotherSensor;
                    }
                    let own_id = packet.ip_id != 0 && matches!(key, Key::V4(_));
                    let sent_again_later = packet.transport == Transport::TCP
                        && (packet.payload > 0 || packet.flags & (SYN | FIN | RST) != 0);
                    let no_retry = sent_again_later && apart <= NO_RETRY_YET;
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
        set[oldest] = Held { print, stamp };
        Seen::New
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

    /// The print is seeded, so that no one can make two packets look like copies; the set is not,
    /// so that what is forgotten is the same in every run.
    fn print_and_set(&self, packet: &Packet, key: &Key) -> (u64, usize) {
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
        (print | 1, (mixed >> (64 - SETS.trailing_zeros())) as usize)
    }
}

fn time_of(stamp: u64) -> i64 {
    (stamp & !0xFFFF) as i64
}
