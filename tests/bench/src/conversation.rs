//! What hosts say to each other, packet by packet: the everyday traffic of the mix.

use crate::chance::Chance;
use crate::network::{Host, any_client, ip, link, server, stranger};
use casewire_lab::moment::{MILLISECOND, SECOND};
use casewire_lab::pcap::frame::{self, BROADCAST, Tcp, WINDOWS_SYN_OPTIONS, flags};
use std::net::IpAddr;

/// How a TCP conversation goes.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Data, then FIN from both.
    Closed,
    /// Data, then a reset.
    Reset,
    /// The SYN is reset.
    Refused,
    /// The SYN is repeated and never answered.
    Silent,
}

#[derive(Clone, Copy)]
enum Course {
    Tcp {
        fate: Fate,
        exchanges: u32,
        bulk: bool,
    },
    Dns,
    Quic,
    /// A datagram to a closed port, refused by ICMP.
    Unreachable,
    /// A datagram nobody answers.
    Unheard,
    Arp,
    Ping,
}

/// A conversation under way.
pub struct Conversation {
    client: Host,
    server: Host,
    ports: (u16, u16),
    seq: [u32; 2],
    /// Packets so far.
    step: u32,
    /// Packets still to come before the exchange of data is over.
    left: u32,
    course: Course,
}

/// Bytes to cut payloads from.
pub struct Payloads(Vec<u8>);

impl Payloads {
    /// Random ones, as encrypted payload is.
    pub fn new(chance: &mut Chance) -> Self {
        Self((0..1 << 16).map(|_| chance.bits() as u8).collect())
    }

    fn cut(&self, chance: &mut Chance, length: u64) -> Vec<u8> {
        let start = chance.below(self.0.len() as u64 - 1_500) as usize;
        self.0[start..start + length.min(1_500) as usize].to_vec()
    }
}

impl Conversation {
    /// A new conversation of a kind and between hosts that the mix makes likely.
    pub fn begin(chance: &mut Chance) -> Self {
        let v6 = chance.percent(14);
        let client = any_client(chance, v6);
        let farm = server(v6, 10 + chance.below(20) as u8);
        let tcp = |fate, exchanges, bulk| Course::Tcp {
            fate,
            exchanges,
            bulk,
        };
        let usual = if chance.percent(85) {
            Fate::Closed
        } else {
            Fate::Reset
        };
        let some = 1 + chance.below(6) as u32;
        let (server, port, course) = match chance.weighted(&[34, 14, 5, 3, 3, 24, 2, 4, 3, 6, 2]) {
            0 => {
                let port = if chance.percent(85) { 443 } else { 80 };
                (
                    stranger(chance, v6),
                    port,
                    tcp(usual, some, chance.percent(30)),
                )
            }
            1 => {
                let port = [88, 389, 445, 135, 3268][chance.below(5) as usize];
                (server(v6, 10), port, tcp(usual, some, port == 445))
            }
            2 => (
                farm,
                49_152 + chance.below(900) as u16,
                tcp(Fate::Closed, some, false),
            ),
            3 => (
                farm,
                8_000 + chance.below(6) as u16,
                tcp(Fate::Refused, 0, false),
            ),
            4 => (stranger(chance, v6), 443, tcp(Fate::Silent, 0, false)),
            5 => (server(v6, 10), 53, Course::Dns),
            6 => (stranger(chance, v6), 443, Course::Quic),
            7 => (farm, 161, Course::Unreachable),
            8 => (farm, 137, Course::Unheard),
            9 => (farm, 0, if v6 { Course::Dns } else { Course::Arp }),
            _ => (farm, 0, Course::Ping),
        };
        let left = match course {
            Course::Tcp { exchanges, .. } => exchanges,
            Course::Quic => 10 + chance.below(60) as u32,
            _ => 0,
        };
        let port = if matches!(course, Course::Dns) {
            53
        } else {
            port
        };
        let ports = (chance.port(), port);
        let seq = [chance.bits() as u32, chance.bits() as u32];
        Self {
            client,
            server,
            ports,
            seq,
            step: 0,
            left,
            course,
        }
    }

    /// The next frame, and the nanoseconds until the one after it; `None` for the last.
    pub fn next(&mut self, chance: &mut Chance, payloads: &Payloads) -> (Vec<u8>, Option<i64>) {
        self.step += 1;
        match self.course {
            Course::Tcp { fate, bulk, .. } => self.segment(fate, bulk, chance, payloads),
            Course::Dns => {
                let asks = self.step == 1;
                let length = if asks {
                    28 + chance.below(25)
                } else {
                    60 + chance.below(160)
                };
                let frame = self.datagram(!asks, chance, payloads, length);
                (
                    frame,
                    asks.then(|| chance.between(200_000, 20 * MILLISECOND)),
                )
            }
            Course::Quic => {
                let back = self.step > 1 && !chance.percent(35);
                let length = match (self.step, back) {
                    (1 | 2, _) => 1_200,
                    (_, true) => 600 + chance.below(650),
                    (_, false) => 24 + chance.below(40),
                };
                let frame = self.datagram(back, chance, payloads, length);
                let more = self.step < self.left;
                (
                    frame,
                    more.then(|| chance.between(100_000, 40 * MILLISECOND)),
                )
            }
            Course::Unreachable if self.step == 2 => {
                let asked = ip(&self.client, &self.server, 77);
                let refused = frame::ip_packet(
                    &asked,
                    17,
                    &frame::udp_datagram(&asked, self.ports.0, self.ports.1, &[0x30; 40]),
                );
                let (kind, code) = if asked.source.is_ipv4() {
                    (3, 3)
                } else {
                    (1, 4)
                };
                let back = ip(&self.server, &self.client, chance.bits() as u16);
                let link = link(&self.server, &self.client);
                (frame::icmp_error(&link, &back, kind, code, &refused), None)
            }
            Course::Unreachable => {
                let frame = self.datagram(false, chance, payloads, 40);
                (frame, Some(chance.between(300_000, 2 * MILLISECOND)))
            }
            Course::Unheard => {
                let frame = self.datagram(false, chance, payloads, 50);
                (frame, (self.step < 3).then_some(1_500 * MILLISECOND))
            }
            Course::Arp => (self.arp(), (self.step == 1).then_some(400_000)),
            Course::Ping => {
                let back = self.step.is_multiple_of(2);
                let (from, to) = self.sides(back);
                let kind = match (from.address.is_ipv4(), back) {
                    (true, false) => 8,
                    (true, true) => 0,
                    (false, false) => 128,
                    (false, true) => 129,
                };
                let header = ip(&from, &to, chance.bits() as u16);
                let frame = frame::icmp(&link(&from, &to), &header, kind, 0, &[0x61; 36]);
                let wait = if back { SECOND } else { MILLISECOND };
                (frame, (self.step < 8).then_some(wait))
            }
        }
    }

    fn sides(&self, back: bool) -> (Host, Host) {
        if back {
            (self.server, self.client)
        } else {
            (self.client, self.server)
        }
    }

    fn datagram(&self, back: bool, chance: &mut Chance, payloads: &Payloads, n: u64) -> Vec<u8> {
        let (from, to) = self.sides(back);
        let (source, destination) = if back {
            (self.ports.1, self.ports.0)
        } else {
            self.ports
        };
        let header = ip(&from, &to, chance.bits() as u16);
        let payload = payloads.cut(chance, n);
        frame::udp(&link(&from, &to), &header, source, destination, &payload)
    }

    fn arp(&self) -> Vec<u8> {
        let (IpAddr::V4(client), IpAddr::V4(server)) = (self.client.address, self.server.address)
        else {
            return Vec::new();
        };
        let (client, server) = ((self.client.mac, client), (self.server.mac, server));
        let mut link = link(&self.client, &self.server);
        if self.step == 1 {
            link.destination = BROADCAST;
            frame::arp(&link, false, client, ([0; 6], server.1))
        } else {
            std::mem::swap(&mut link.source, &mut link.destination);
            frame::arp(&link, true, server, client)
        }
    }

    /// Sends a segment of side `who` and moves its sequence number on.
    fn send(&mut self, who: usize, flags: u8, payload: Vec<u8>, id: u16) -> Vec<u8> {
        let (from, to) = self.sides(who == 1);
        let (source, destination) = if who == 1 {
            (self.ports.1, self.ports.0)
        } else {
            self.ports
        };
        let syn = flags & self::flags::SYN != 0;
        let segment = Tcp {
            source,
            destination,
            seq: self.seq[who],
            ack: if flags & self::flags::ACK == 0 {
                0
            } else {
                self.seq[1 - who]
            },
            flags,
            window: 64_240,
            options: if syn {
                WINDOWS_SYN_OPTIONS.to_vec()
            } else {
                Vec::new()
            },
            payload,
        };
        let uses = segment.payload.len() as u32
            + u32::from(flags & (self::flags::SYN | self::flags::FIN) != 0);
        let frame = frame::tcp(&link(&from, &to), &ip(&from, &to, id), &segment);
        self.seq[who] = self.seq[who].wrapping_add(uses);
        frame
    }

    fn segment(
        &mut self,
        fate: Fate,
        bulk: bool,
        chance: &mut Chance,
        payloads: &Payloads,
    ) -> (Vec<u8>, Option<i64>) {
        use flags::{ACK, FIN, PSH, RST, SYN};
        let id = chance.bits() as u16;
        let soon = Some(chance.between(80_000, 30 * MILLISECOND));
        match (self.step, fate) {
            (2, Fate::Refused) => {
                self.seq[1] = 0;
                (self.send(1, RST | ACK, Vec::new(), id), None)
            }
            (step @ 1..=3, Fate::Silent) => {
                let isn = self.seq[0];
                let frame = self.send(0, SYN, Vec::new(), id);
                self.seq[0] = isn;
                let wait = [SECOND, 2 * SECOND];
                (frame, wait.get(step as usize - 1).copied())
            }
            (1, _) => (self.send(0, SYN, Vec::new(), id), soon),
            (2, _) => (self.send(1, SYN | ACK, Vec::new(), id), soon),
            (3, _) => (self.send(0, ACK, Vec::new(), id), Some(60_000)),
            _ if self.left > 0 => {
                // An exchange: a request, its answer in some segments, acknowledgements between.
                match (self.step - 4) % 5 {
                    0 => {
                        let payload = {
                            let n = 60 + chance.below(500);
                            payloads.cut(chance, n)
                        };
                        (self.send(0, PSH | ACK, payload, id), soon)
                    }
                    1 => (self.send(1, ACK, Vec::new(), id), soon),
                    2 => {
                        let n = if bulk { 1_460 } else { 80 + chance.below(700) };
                        let payload = payloads.cut(chance, n);
                        (self.send(1, PSH | ACK, payload, id), Some(90_000))
                    }
                    3 => {
                        let n = if bulk { 1_460 } else { 20 + chance.below(300) };
                        let payload = payloads.cut(chance, n);
                        (self.send(1, PSH | ACK, payload, id), Some(50_000))
                    }
                    _ => {
                        self.left -= 1;
                        let think = chance.between(MILLISECOND, 3 * SECOND);
                        (self.send(0, ACK, Vec::new(), id), Some(think))
                    }
                }
            }
            (_, Fate::Reset) => (self.send(0, RST | ACK, Vec::new(), id), None),
            _ => {
                let Course::Tcp { exchanges, .. } = self.course else {
                    return (Vec::new(), None);
                };
                match self.step - 3 - exchanges * 5 {
                    1 => (self.send(0, FIN | ACK, Vec::new(), id), soon),
                    2 => (self.send(1, FIN | ACK, Vec::new(), id), soon),
                    _ => (self.send(0, ACK, Vec::new(), id), None),
                }
            }
        }
    }
}
