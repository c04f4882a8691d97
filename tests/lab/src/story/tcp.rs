//! TCP on the wire: the handshake and what becomes of it, payload, the end.
//!
//! Schedules are as measured: a Windows client sends SYN at 0, 1, 3, 7 and 15 s with one sequence
//! number; a knock client sends one SYN and closes its socket.

use super::cast::{Ending, FlowLine, Outcome};
use super::wire::{Flow, MICROSECOND, deliver, payload, refuse, round_trip};
use super::world::World;
use crate::moment::{MILLISECOND, SECOND};
use crate::pcap::frame::{self, Ip, Link, Tcp, flags};
use crate::pcap::speech::Turn;
use crate::seed;

/// Seconds after the first SYN at which a client that hears nothing tries again.
const WINDOWS_TRIES: [i64; 5] = [0, 1, 3, 7, 15];
const LINUX_TRIES: [i64; 7] = [0, 1, 3, 7, 15, 31, 63];
const SEGMENT: usize = 1460;

/// One direction's view of a packet to be framed.
struct Step {
    at: i64,
    from_client: bool,
    segment: Tcp,
}

fn schedule(world: &World<'_>, line: &FlowLine, host: usize, at: i64) -> Vec<i64> {
    let all: &[i64] = if world.hosts[host].linux {
        &LINUX_TRIES
    } else {
        &WINDOWS_TRIES
    };
    let usual = if world.hosts[host].linux { 6 } else { 5 };
    let tries = line.tries.map_or(usual, |n| n as usize).clamp(1, all.len());
    // Timers of a real stack are some milliseconds late.
    let late = |i: usize| {
        if i == 0 {
            0
        } else {
            seed::between(2, 16, &[&i.to_string(), "retry"])
        }
    };
    all[..tries]
        .iter()
        .enumerate()
        .map(|(i, s)| at + s * SECOND + late(i) * MILLISECOND)
        .collect()
}

/// Puts a TCP line on the wire.
pub(super) fn tcp(world: &mut World<'_>, at: i64, line: &FlowLine, mut flow: Flow) -> Flow {
    let rtt = round_trip(world, line, &flow);
    let isn = world.chance(1, i64::from(u32::MAX), "isn") as u32;
    let peer_isn = world.chance(1, i64::from(u32::MAX), "peer isn") as u32;
    let mut steps = Vec::new();
    let segment = |from_client: bool, bits: u8, seq: u32, ack: u32| Tcp {
        source: if from_client {
            flow.client.2
        } else {
            flow.server.2
        },
        destination: if from_client {
            flow.server.2
        } else {
            flow.client.2
        },
        seq,
        ack,
        flags: bits,
        window: match bits & (flags::SYN | flags::RST) {
            0 => 1026,
            flags::SYN => 64_240,
            _ => 0,
        },
        options: if bits & flags::SYN == 0 {
            Vec::new()
        } else {
            frame::WINDOWS_SYN_OPTIONS.to_vec()
        },
        payload: Vec::new(),
    };
    let one_try = line.tries.unwrap_or(1).max(1);
    flow.tries = match line.outcome {
        Outcome::Unanswered => schedule(world, line, flow.client.0, at),
        Outcome::Reset { wrong_ack: true } => schedule(world, line, flow.client.0, at),
        // It hears nothing until the last try.
        Outcome::Accepted | Outcome::Empty | Outcome::HalfOpen if line.tries.is_some() => {
            schedule(world, line, flow.client.0, at)
        }
        Outcome::Icmp { .. } if line.tries.is_none() => schedule(world, line, flow.client.0, at),
        Outcome::Midstream | Outcome::OneSided | Outcome::Flags(_) | Outcome::Blocked => Vec::new(),
        // A Windows client tries a refused port again after half a second.
        _ => (0..one_try)
            .map(|i| at + i64::from(i) * 508 * MILLISECOND)
            .collect(),
    };
    let syn = segment(true, flags::SYN, isn, 0);
    for (i, moment) in flow.tries.clone().into_iter().enumerate() {
        let mut syn = syn.clone();
        if line.fast_open {
            syn.options.extend([34, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
            let turn = Turn {
                first: false,
                from_client: true,
                stream: true,
            };
            syn.payload = payload(&line.carrying, 100, "tfo", turn);
            syn.payload.truncate(100);
        }
        steps.push(Step {
            at: moment,
            from_client: true,
            segment: syn,
        });
        if let Outcome::Reset { wrong_ack } = line.outcome {
            let ack = if wrong_ack {
                isn.wrapping_add(77_777)
            } else {
                isn.wrapping_add(1)
            };
            if !wrong_ack || i == 0 {
                let reset = segment(false, flags::RST | flags::ACK, 0, ack);
                steps.push(Step {
                    at: moment + rtt,
                    from_client: false,
                    segment: reset,
                });
            }
        }
    }
    let last_try = flow.tries.last().copied().unwrap_or(at);
    let (next, peer_next) = (isn.wrapping_add(1), peer_isn.wrapping_add(1));
    let syn_data = if line.fast_open { 100 } else { 0 };
    let syn_ack = segment(
        false,
        flags::SYN | flags::ACK,
        peer_isn,
        next.wrapping_add(syn_data),
    );
    match line.outcome {
        Outcome::HalfOpen => {
            steps.push(Step {
                at: last_try + rtt,
                from_client: false,
                segment: syn_ack,
            });
            let reset = segment(true, flags::RST, next, 0);
            steps.push(Step {
                at: last_try + rtt + 40 * MICROSECOND,
                from_client: true,
                segment: reset,
            });
        }
        Outcome::Aborted => {
            let reset = segment(true, flags::RST | flags::ACK, next, 0);
            steps.push(Step {
                at: last_try + 30 * MILLISECOND,
                from_client: true,
                segment: reset,
            });
        }
        Outcome::OneSided => steps.push(Step {
            at,
            from_client: false,
            segment: syn_ack,
        }),
        Outcome::Flags(bits) => steps.push(Step {
            at,
            from_client: true,
            segment: segment(true, bits, isn, 0),
        }),
        Outcome::Empty | Outcome::Accepted | Outcome::Midstream => {
            let mut open = at;
            if line.outcome != Outcome::Midstream {
                open = last_try + rtt + 60 * MICROSECOND;
                steps.push(Step {
                    at: last_try + rtt,
                    from_client: false,
                    segment: syn_ack,
                });
                let ack = segment(true, flags::ACK, next.wrapping_add(syn_data), peer_next);
                steps.push(Step {
                    at: open,
                    from_client: true,
                    segment: ack,
                });
            }
            let seqs = (next.wrapping_add(syn_data), peer_next);
            conversation(world, line, open, rtt, seqs, &segment, &mut steps);
        }
        Outcome::Unanswered
        | Outcome::Reset { .. }
        | Outcome::Icmp { .. }
        | Outcome::Answered
        | Outcome::Blocked => {}
    }
    flow.end = steps.iter().map(|s| s.at).max().unwrap_or(at);
    for step in steps {
        tcp_frame(world, line, &flow, &step);
        let syn = step.segment.flags == flags::SYN;
        if let (Outcome::Icmp { kind, code, from }, true) = (line.outcome, syn) {
            let segment = step.segment.clone();
            let refused = move |ip: &Ip| (6, frame::tcp_segment(ip, &segment));
            refuse(
                world,
                line,
                &flow,
                step.at + rtt,
                (kind, code, from),
                &refused,
            );
        }
    }
    flow
}

/// Payload both ways and the end of the connection.
fn conversation(
    world: &World<'_>,
    line: &FlowLine,
    open: i64,
    rtt: i64,
    (mut seq, mut peer_seq): (u32, u32),
    segment: &impl Fn(bool, u8, u32, u32) -> Tcp,
    steps: &mut Vec<Step>,
) {
    let empty = line.outcome == Outcome::Empty;
    let (up, down) = if empty {
        (0, 0)
    } else {
        line.bytes.unwrap_or((120, 400))
    };
    let lasts = line
        .lasts
        .unwrap_or(if empty { 300 * MILLISECOND } else { SECOND });
    let pieces = |total: usize| {
        (0..total.div_ceil(SEGMENT)).map(move |i| (total - i * SEGMENT).min(SEGMENT))
    };
    let mut up: Vec<usize> = pieces(up).collect();
    let mut down: Vec<usize> = pieces(down).collect();
    up.reverse();
    down.reverse();
    // Requests and answers take turns; what is left of the longer side follows.
    let mut order = Vec::new();
    while !(up.is_empty() && down.is_empty()) {
        let share = if up.is_empty() {
            usize::MAX
        } else {
            down.len().div_ceil(up.len())
        };
        order.extend(up.pop().map(|size| (true, size)));
        for _ in 0..share.min(down.len()) {
            order.extend(down.pop().map(|size| (false, size)));
        }
    }
    let quiet_end = open + lasts;
    let first = open + rtt / 2 + MILLISECOND;
    let room = (quiet_end - first).max(MILLISECOND);
    let reset = matches!(line.ending, Ending::ResetByClient | Ending::ResetByServer);
    let gap = match order.len() as i64 {
        // What is reset in use is reset right after it spoke.
        spoken @ 2.. if reset => (room - rtt - 2 * MILLISECOND).max(MILLISECOND) / (spoken - 1),
        spoken => room / (spoken + 1),
    };
    let mut moment = first;
    let mut spoke = [false; 2];
    for (i, (from_client, size)) in order.into_iter().enumerate() {
        let (mine, theirs) = if from_client {
            (seq, peer_seq)
        } else {
            (peer_seq, seq)
        };
        let mut data = segment(from_client, flags::PSH | flags::ACK, mine, theirs);
        data.payload = payload(
            &line.carrying,
            size,
            &format!("{i} {}", world.chance(0, 1 << 30, "payload")),
            Turn {
                first: !std::mem::replace(&mut spoke[usize::from(from_client)], true),
                from_client,
                stream: true,
            },
        );
        let sent = data.payload.len() as u32;
        steps.push(Step {
            at: moment,
            from_client,
            segment: data,
        });
        if from_client {
            seq = seq.wrapping_add(sent)
        } else {
            peer_seq = peer_seq.wrapping_add(sent)
        }
        let (mine, theirs) = if from_client {
            (peer_seq, seq)
        } else {
            (seq, peer_seq)
        };
        let ack = segment(!from_client, flags::ACK, mine, theirs);
        steps.push(Step {
            at: moment + rtt.min(gap / 2).max(1),
            from_client: !from_client,
            segment: ack,
        });
        moment += keep_alive(moment, gap, rtt, seq, peer_seq, segment, steps);
    }
    if reset {
        moment -= gap - rtt;
    }
    let quiet_end = quiet_end + line.idle.unwrap_or(0);
    if line.outcome != Outcome::Empty && moment < quiet_end {
        keep_alive(
            moment,
            quiet_end - moment,
            rtt,
            seq,
            peer_seq,
            segment,
            steps,
        );
    }
    let close = quiet_end;
    match line.ending {
        Ending::Stays => {}
        Ending::ResetByClient => {
            let reset = segment(true, flags::RST | flags::ACK, seq, peer_seq);
            steps.push(Step {
                at: close,
                from_client: true,
                segment: reset,
            });
        }
        Ending::ResetByServer => {
            let reset = segment(false, flags::RST | flags::ACK, peer_seq, seq);
            steps.push(Step {
                at: close,
                from_client: false,
                segment: reset,
            });
        }
        Ending::Closed => {
            let fin = segment(true, flags::FIN | flags::ACK, seq, peer_seq);
            steps.push(Step {
                at: close,
                from_client: true,
                segment: fin,
            });
            let answer = segment(
                false,
                flags::FIN | flags::ACK,
                peer_seq,
                seq.wrapping_add(1),
            );
            steps.push(Step {
                at: close + rtt,
                from_client: false,
                segment: answer,
            });
            let ack = segment(
                true,
                flags::ACK,
                seq.wrapping_add(1),
                peer_seq.wrapping_add(1),
            );
            steps.push(Step {
                at: close + rtt + 50 * MICROSECOND,
                from_client: true,
                segment: ack,
            });
        }
    }
}

/// Keep-alive probes in a pause, so that a quiet session does not look dead. Returns the pause.
fn keep_alive(
    from: i64,
    pause: i64,
    rtt: i64,
    seq: u32,
    peer_seq: u32,
    segment: &impl Fn(bool, u8, u32, u32) -> Tcp,
    steps: &mut Vec<Step>,
) -> i64 {
    let every = 60 * SECOND;
    for i in 1..(pause / every).max(0) {
        let probe = segment(true, flags::ACK, seq.wrapping_sub(1), peer_seq);
        steps.push(Step {
            at: from + i * every,
            from_client: true,
            segment: probe,
        });
        let answer = segment(false, flags::ACK, peer_seq, seq);
        steps.push(Step {
            at: from + i * every + rtt,
            from_client: false,
            segment: answer,
        });
    }
    pause
}

fn tcp_frame(world: &mut World<'_>, line: &FlowLine, flow: &Flow, step: &Step) {
    let frame = |link: &Link, ip: &Ip| frame::tcp(link, ip, &step.segment);
    deliver(world, line, flow, step.at, step.from_client, &frame);
}
