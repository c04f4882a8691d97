//! One connection as Zeek follows it: when it is over, and what its row says.

use super::Notation;
use super::glance::{Glance, Protocol};
use crate::moment::Moment;
use crate::pcap::frame::flags;
use std::net::IpAddr;

/// The columns of a row, in the order in which Zeek writes them.
pub const COLUMNS: [&str; 21] = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "local_orig",
    "local_resp",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
];

const SECOND: i64 = 1_000_000_000;
/// `tcp_attempt_delay`: from the first SYN, if nothing else was seen.
const ATTEMPT: i64 = 5 * SECOND;
/// `tcp_reset_delay`: from a reset.
const RESET: i64 = SECOND / 10;
/// `tcp_close_delay`: from the second FIN.
const CLOSE: i64 = 5 * SECOND;
/// `tcp_inactivity_timeout`.
const IDLE_TCP: i64 = 300 * SECOND;
/// `udp_inactivity_timeout` and `icmp_inactivity_timeout`.
const IDLE: i64 = 60 * SECOND;

/// A connection, from its first packet on. Index 0 is the originator's side.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Time of the first packet.
    pub start: Moment,
    /// Time of the last packet.
    pub last: Moment,
    protocol: Protocol,
    ends: [(IpAddr, u16); 2],
    history: String,
    seen: Vec<(char, u32)>,
    packets: [u64; 2],
    bytes: [u64; 2],
    ip_bytes: [u64; 2],
    syn: [bool; 2],
    fin: [bool; 2],
    reset: [bool; 2],
}

impl Connection {
    /// The connection that a packet begins.
    pub fn new(start: Moment, packet: &Glance) -> Self {
        Self {
            start,
            last: start,
            protocol: packet.protocol,
            ends: [packet.from, packet.to],
            history: String::new(),
            seen: Vec::new(),
            packets: [0; 2],
            bytes: [0; 2],
            ip_bytes: [0; 2],
            syn: [false; 2],
            fin: [false; 2],
            reset: [false; 2],
        }
    }

    /// True if a packet belongs to it.
    pub fn takes(&self, packet: &Glance) -> bool {
        let both = [packet.from, packet.to];
        let fits = both == self.ends || [both[1], both[0]] == self.ends;
        // A SYN after both have closed is another connection.
        let again = packet.asks() && self.fin == [true, true];
        packet.protocol == self.protocol && fits && !again
    }

    /// When Zeek had forgotten it, if it had at `now`.
    pub fn over(&self, now: Moment) -> Option<Moment> {
        let asked = self.protocol == Protocol::Tcp && self.history.chars().all(|c| c == 'S');
        let at = match self.protocol {
            Protocol::Udp | Protocol::Icmp => self.last.plus(IDLE),
            Protocol::Tcp if asked => self.start.plus(ATTEMPT),
            Protocol::Tcp if self.reset.contains(&true) => self.last.plus(RESET),
            Protocol::Tcp if self.fin == [true, true] => self.last.plus(CLOSE),
            Protocol::Tcp => self.last.plus(IDLE_TCP),
        };
        (at <= now).then_some(at)
    }

    /// Takes a packet in.
    pub fn packet(&mut self, time: Moment, packet: &Glance) {
        let side = usize::from(packet.from != self.ends[0]);
        self.last = time;
        self.packets[side] += 1;
        self.ip_bytes[side] += packet.length;
        match self.protocol {
            Protocol::Tcp => self.segment(side, packet),
            Protocol::Udp => {
                self.note(side, 'd', 0);
                self.bytes[side] += packet.payload;
            }
            // Zeek keeps no history of ICMP.
            Protocol::Icmp => self.bytes[side] += packet.payload,
        }
    }

    fn segment(&mut self, side: usize, packet: &Glance) {
        let has = |flag| packet.has(flag);
        let (syn, ack) = (has(flags::SYN), has(flags::ACK));
        let (fin, reset) = (has(flags::FIN), has(flags::RST));
        if syn {
            self.note(side, if ack { 'h' } else { 's' }, packet.seq);
            self.syn[side] = true;
        } else if ack && packet.payload == 0 && !fin && !reset {
            self.note(side, 'a', 0);
        }
        if packet.payload > 0 && !syn {
            self.note(side, 'd', 0);
            // Payload sent again is no more payload.
            let sent = ('+', packet.seq.wrapping_add(side as u32));
            if !self.seen.contains(&sent) {
                self.seen.push(sent);
                self.bytes[side] += packet.payload;
            }
        }
        if fin {
            self.note(side, 'f', packet.seq);
            self.fin[side] = true;
        }
        if reset {
            self.note(side, 'r', packet.seq);
            self.reset[side] = true;
        }
    }

    /// Adds a letter to the history, once for each number; the originator's are capitals.
    fn note(&mut self, side: usize, letter: char, number: u32) {
        let letter = match side {
            0 => letter.to_ascii_uppercase(),
            _ => letter,
        };
        if !self.seen.contains(&(letter, number)) {
            self.seen.push((letter, number));
            self.history.push(letter);
        }
    }

    /// `conn_state`, as `conn_state()` of Zeek's `base/protocols/conn/main.zeek` finds it.
    fn state(&self) -> &'static str {
        match self.protocol {
            Protocol::Icmp => return "OTH",
            Protocol::Udp if self.packets[1] > 0 => return "SF",
            Protocol::Udp => return "S0",
            Protocol::Tcp => {}
        }
        let begun = self.syn == [true, true];
        match (self.reset, self.syn, self.fin) {
            ([_, true], [true, false], _) => "REJ",
            ([_, true], [true, true], _) => "RSTR",
            ([_, true], [false, true], _) => "RSTRH",
            ([true, _], [true, false], _) => "RSTOS0",
            ([true, _], [true, true], _) => "RSTO",
            ([true, _] | [_, true], ..) => "OTH",
            (_, _, [true, true]) if begun => "SF",
            (_, _, [true, false]) if begun => "S2",
            (_, _, [false, true]) if begun => "S3",
            _ if begun => "S1",
            (_, [true, false], [true, _]) => "SH",
            (_, [true, false], _) => "S0",
            (_, [false, true], [_, true]) => "SHR",
            _ => "OTH",
        }
    }

    /// Its row.
    pub fn line(&self, notation: Notation) -> String {
        let cell = |name: &str| self.cell(name);
        match notation {
            Notation::Table => {
                let cells = COLUMNS.map(|name| cell(name).unwrap_or_else(|| "-".to_owned()));
                cells.join("\t")
            }
            Notation::Json => {
                let cells = COLUMNS.iter().filter_map(|name| {
                    let value = cell(name)?;
                    let bare = value.parse::<f64>().is_ok() || value == "true";
                    Some(match bare {
                        true => format!("\"{name}\":{value}"),
                        false => format!("\"{name}\":\"{value}\""),
                    })
                });
                format!("{{{}}}", cells.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn cell(&self, name: &str) -> Option<String> {
        let lasted = self.last.0 - self.start.0;
        // Zeek says these only of what lasted for some time.
        let of_some_length = |text: String| Some(text).filter(|_| lasted > 0);
        match name {
            "ts" => Some(seconds(self.start.0)),
            "uid" => Some(format!("C{:x}p{}", self.start.0 / 1000, self.ends[0].1)),
            "id.orig_h" => Some(self.ends[0].0.to_string()),
            "id.orig_p" => Some(self.ends[0].1.to_string()),
            "id.resp_h" => Some(self.ends[1].0.to_string()),
            "id.resp_p" => Some(self.ends[1].1.to_string()),
            "proto" => Some(
                match self.protocol {
                    Protocol::Tcp => "tcp",
                    Protocol::Udp => "udp",
                    Protocol::Icmp => "icmp",
                }
                .to_owned(),
            ),
            "duration" => of_some_length(seconds(lasted)),
            "orig_bytes" => of_some_length(self.bytes[0].to_string()),
            "resp_bytes" => of_some_length(self.bytes[1].to_string()),
            "conn_state" => Some(self.state().to_owned()),
            "missed_bytes" => Some("0".to_owned()),
            "history" => Some(self.history.clone()).filter(|h| !h.is_empty()),
            "orig_pkts" => Some(self.packets[0].to_string()),
            "orig_ip_bytes" => Some(self.ip_bytes[0].to_string()),
            "resp_pkts" => Some(self.packets[1].to_string()),
            "resp_ip_bytes" => Some(self.ip_bytes[1].to_string()),
            _ => None,
        }
    }
}

/// Seconds with six digits behind the point.
fn seconds(nanos: i64) -> String {
    format!("{}.{:06}", nanos / SECOND, nanos % SECOND / 1000)
}
