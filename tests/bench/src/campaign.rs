//! What somebody does in the captures that an analytic should find or should be able to tell from
//! it: scans, knocks and wake signals, with the truth in words.

use crate::chance::Chance;
use crate::network::{Host, client, ip, link, server};
use casewire_lab::moment::{MILLISECOND, Moment, SECOND};
use casewire_lab::pcap::frame::{self, BROADCAST, Tcp, WINDOWS_SYN_OPTIONS, flags};
use std::net::IpAddr;

/// Frames with their times, in time order, and what they are.
pub struct Campaign {
    pub frames: Vec<(Moment, Vec<u8>)>,
    pub truth: String,
}

/// Campaign `number` of a capture, beginning at `start`: each kind in turn.
pub fn campaign(number: u64, start: Moment, chance: &mut Chance) -> Campaign {
    let attacker = client(false, 399 - number % 40);
    match number % 5 {
        // A port of its own each time: what was open before does not count as opened.
        0 => knock(attacker, start, chance, 2_200 + number as u16),
        1 => scan(attacker, start, chance, "vertical scan", |i| {
            (21, (1 + i) as u16)
        }),
        2 => scan(attacker, start, chance, "horizontal sweep", |i| {
            (10 + (i % 20) as u8, 445)
        }),
        3 => wake(attacker, start, true),
        _ => wake(attacker, start, false),
    }
}

fn segment(from: &Host, to: &Host, ports: (u16, u16), numbers: (u32, u32), flags: u8) -> Vec<u8> {
    let syn = flags & self::flags::SYN != 0;
    let segment = Tcp {
        source: ports.0,
        destination: ports.1,
        seq: numbers.0,
        ack: numbers.1,
        flags,
        window: 64_240,
        options: if syn {
            WINDOWS_SYN_OPTIONS.to_vec()
        } else {
            Vec::new()
        },
        payload: Vec::new(),
    };
    frame::tcp(&link(from, to), &ip(from, to, numbers.0 as u16), &segment)
}

/// A SYN and the reset that refuses it.
fn refused(
    frames: &mut Vec<(Moment, Vec<u8>)>,
    at: Moment,
    (from, to): (&Host, &Host),
    port: u16,
    chance: &mut Chance,
) {
    let (source, isn) = (chance.port(), chance.bits() as u32);
    frames.push((at, segment(from, to, (source, port), (isn, 0), flags::SYN)));
    let answer = segment(
        to,
        from,
        (port, source),
        (0, isn.wrapping_add(1)),
        flags::RST | flags::ACK,
    );
    frames.push((at.plus(200_000), answer));
}

fn knock(from: Host, start: Moment, chance: &mut Chance, opens: u16) -> Campaign {
    let to = server(false, 22);
    let mut frames = Vec::new();
    // Tried first, so that the capture shows the port closed.
    refused(&mut frames, start, (&from, &to), opens, chance);
    let start = start.plus(20 * SECOND);
    for (i, port) in [7_000, 8_000, 9_000].into_iter().enumerate() {
        refused(
            &mut frames,
            start.plus(i as i64 * 700 * MILLISECOND),
            (&from, &to),
            port,
            chance,
        );
    }
    let opened = start.plus(3 * SECOND);
    let (source, isn, peer) = (chance.port(), chance.bits() as u32, chance.bits() as u32);
    let next = (isn.wrapping_add(1), peer.wrapping_add(1));
    let (there, back) = ((source, opens), (opens, source));
    frames.push((opened, segment(&from, &to, there, (isn, 0), flags::SYN)));
    let answer = segment(&to, &from, back, (peer, next.0), flags::SYN | flags::ACK);
    frames.push((opened.plus(MILLISECOND), answer));
    frames.push((
        opened.plus(2 * MILLISECOND),
        segment(&from, &to, there, next, flags::ACK),
    ));
    let end = segment(&from, &to, there, next, flags::RST | flags::ACK);
    frames.push((opened.plus(9 * SECOND), end));
    Campaign {
        frames,
        truth: format!(
            "knock {} -> {} 7000 8000 9000, opened {opens}",
            from.address, to.address
        ),
    }
}

fn scan(
    from: Host,
    start: Moment,
    chance: &mut Chance,
    word: &str,
    target: impl Fn(u64) -> (u8, u16),
) -> Campaign {
    let mut frames = Vec::new();
    for i in 0..1_000 {
        let (host, port) = target(i);
        let at = start.plus(i as i64 * 8 * MILLISECOND);
        refused(&mut frames, at, (&from, &server(false, host)), port, chance);
    }
    Campaign {
        frames,
        truth: format!("{word} {} 1000 attempts", from.address),
    }
}

fn wake(from: Host, start: Moment, over_udp: bool) -> Campaign {
    let target = server(false, 28);
    let pattern = frame::magic_pattern(target.mac, 16, &[]);
    let mut to_all = link(&from, &target);
    to_all.destination = BROADCAST;
    let frame = if over_udp {
        let mut header = ip(&from, &target, 9);
        header.destination = IpAddr::from([255, 255, 255, 255]);
        frame::udp(&to_all, &header, 50_009, 9, &pattern)
    } else {
        frame::ethernet(&to_all, 0x0842, &pattern)
    };
    let how = if over_udp {
        "UDP port 9"
    } else {
        "EtherType 0x0842"
    };
    Campaign {
        frames: vec![(start, frame)],
        truth: format!("wake {} -> {} by {how}", from.address, target.address),
    }
}
