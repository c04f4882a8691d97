//! What the hosts log of what passed over the wire.
//!
//! As measured on Windows: an outbound 5156 for every attempt, Sysmon 3 for successes only and a
//! second or two late, 5157 per SYN where something listens behind a blocking rule, 5152 per SYN
//! where nothing does, 5156 again for live flows after a rule change.

use super::cast::{Ending, FlowLine, LogKind, Outcome, ProcessName};
use super::wire::Flow;
use super::world::{Live, World};
use crate::evtx::events::security::{self, End};
use crate::evtx::events::{Program, sysmon};
use crate::moment::{MILLISECOND, SECOND};
use std::net::IpAddr;

const MICROSECOND: i64 = 1000;

/// Writes the records of a flow on both of its hosts.
pub(super) fn flow(world: &mut World<'_>, at: i64, line: &FlowLine, flow: &Flow) {
    client(world, at, line, flow);
    if line.outcome != Outcome::Blocked {
        server(world, at, line, flow);
    }
}

fn client(world: &mut World<'_>, at: i64, line: &FlowLine, flow: &Flow) {
    let host = flow.client.0;
    // Raw-socket tools leave no trace in the filtering platform's connection layer.
    let raw = matches!(
        line.outcome,
        Outcome::HalfOpen | Outcome::Aborted | Outcome::Flags(_)
    );
    let blocked = line.outcome == Outcome::Blocked;
    let Some(first) = flow.tries.first().copied().or(blocked.then_some(at)) else {
        return;
    };
    if world.hosts[host].logs.is_empty() || raw {
        return;
    }
    let program = client_program(world, host, line);
    let (source, destination) = (
        (flow.client.1, flow.client.2),
        (flow.server.1, flow.server.2),
    );
    let bound = security::bound(&program, source.1, source.0.is_ipv6(), line.protocol);
    world.log(host, LogKind::Security, first - 200 * MICROSECOND, bound);
    let allowed = security::Flow {
        process: Some(&program),
        inbound: false,
        source,
        destination,
        protocol: line.protocol,
        filter: 66_838,
    };
    let late = world.chance(250, 2_000, "5156 out") * MICROSECOND;
    if blocked {
        world.log(host, LogKind::Security, first + late, allowed.blocked());
        return;
    }
    world.log(host, LogKind::Security, first + late, allowed.allowed());
    let succeeded = matches!(
        line.outcome,
        Outcome::Accepted | Outcome::Empty | Outcome::Answered
    );
    if succeeded || line.protocol == 17 {
        connected(
            world,
            host,
            flow.tries.last().copied().unwrap_or(first),
            true,
            &program,
            line.protocol,
            source,
            destination,
        );
    }
}

fn server(world: &mut World<'_>, at: i64, line: &FlowLine, flow: &Flow) {
    let host = flow.server.0;
    if world.hosts[host].logs.is_empty() {
        return;
    }
    let key = (line.protocol, line.port);
    let listener = world.running[host].listeners.get(&key).cloned();
    let (remote, local) = (
        (flow.client.1, flow.client.2),
        (flow.server.1, flow.server.2),
    );
    let opened = matches!(
        line.outcome,
        Outcome::Accepted
            | Outcome::Empty
            | Outcome::HalfOpen
            | Outcome::Answered
            | Outcome::Midstream
    );
    let delivered =
        line.protocol == 17 && line.outcome == Outcome::Unanswered && listener.is_some();
    let turned_away = |world: &mut World<'_>, tries: &[i64], listener: Option<&Program>| {
        for (i, moment) in tries.iter().enumerate() {
            let late = world.chance(300, 2_900, &format!("drop {i}")) * MICROSECOND;
            let (at, protocol) = (moment + late, line.protocol);
            inbound(world, host, at, false, listener, protocol, remote, local);
        }
    };
    if opened || delivered {
        // What listens without answering is asleep, and logs nothing.
        if let (6, None, Some((_, before))) = (line.protocol, &listener, flow.tries.split_last()) {
            turned_away(world, before, None);
        }
        let program = match (&line.served_by, listener) {
            (Some(name), _) => world.program(host, &name.clone()),
            (None, Some(program)) => program,
            (None, None) => world.usual_server(host, line.port),
        };
        if let Some(arrived) = flow.tries.last().copied() {
            let late = world.chance(300, 2_900, "5156 in") * MICROSECOND;
            inbound(
                world,
                host,
                arrived + late,
                true,
                Some(&program),
                line.protocol,
                remote,
                local,
            );
            if line.outcome != Outcome::HalfOpen {
                connected(
                    world,
                    host,
                    arrived,
                    false,
                    &program,
                    line.protocol,
                    remote,
                    local,
                );
            }
        }
        if matches!(line.outcome, Outcome::Accepted | Outcome::Midstream) && line.protocol == 6 {
            let to = if line.ending == Ending::Stays {
                i64::MAX
            } else {
                flow.end
            };
            world.live.push(Live {
                host,
                program,
                client: remote,
                server: local,
                from: at,
                to,
            });
        }
        return;
    }
    let refused_by_silence = match line.outcome {
        Outcome::Unanswered | Outcome::Aborted | Outcome::Flags(_) => true,
        Outcome::Reset { wrong_ack } => wrong_ack,
        // An error from somebody else: the packet never arrived.
        _ => false,
    };
    if refused_by_silence {
        turned_away(world, &flow.tries, listener.as_ref());
    }
}

/// 5156 or, if not allowed, 5157 (with a listener) or 5152 (without one).
#[allow(clippy::too_many_arguments)]
fn inbound(
    world: &mut World<'_>,
    host: usize,
    at: i64,
    allowed: bool,
    program: Option<&Program>,
    protocol: u8,
    remote: End,
    local: End,
) {
    let swap = world.hosts[host].receiver_first && (allowed || program.is_some());
    let (source, destination) = if swap {
        (local, remote)
    } else {
        (remote, local)
    };
    let flow = security::Flow {
        process: program,
        inbound: true,
        source,
        destination,
        protocol,
        filter: 67_607,
    };
    let (kind, event) = match (allowed, program) {
        (true, _) => (LogKind::Security, flow.allowed()),
        (false, Some(_)) => (LogKind::Security, flow.blocked()),
        (false, None) => (LogKind::Drops, flow.dropped()),
    };
    world.log(host, kind, at, event);
}

/// Sysmon 3: written one to two seconds late, with a UtcTime of another clock.
#[allow(clippy::too_many_arguments)]
fn connected(
    world: &mut World<'_>,
    host: usize,
    at: i64,
    initiated: bool,
    program: &Program,
    protocol: u8,
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
) {
    let utc = world.etw_time(host, at);
    let name = if protocol == 6 { "tcp" } else { "udp" };
    let event = sysmon::connected(utc, program, initiated, name, source, destination);
    let late = world.chance(
        1_000,
        1_960,
        if initiated {
            "sysmon 3 out"
        } else {
            "sysmon 3 in"
        },
    );
    world.log(host, LogKind::Sysmon, at + late * MILLISECOND, event);
}

fn client_program(world: &mut World<'_>, host: usize, line: &FlowLine) -> Program {
    let named = |image: &str| ProcessName {
        image: image.into(),
        pid: None,
        account: None,
        under: None,
    };
    if let Some(name) = &line.by {
        return world.program(host, &name.clone());
    }
    match line.port {
        445 | 139 => Program::kernel(&world.hosts[host].name),
        53 => world.service(host, "Dnscache"),
        123 => world.service(host, "W32Time"),
        3389 => world.program(host, &named("mstsc.exe")),
        22 => world.program(host, &named("ssh.exe")),
        _ => world.program(host, &named("msedge.exe")),
    }
}

/// After a policy change the filtering platform decides live flows anew, and logs that.
pub(super) fn relog(world: &mut World<'_>, host: usize, at: i64) {
    if !world.hosts[host].relogs {
        return;
    }
    let live: Vec<_> = world
        .live
        .iter()
        .filter(|l| l.host == host && l.from + SECOND / 2 < at && at < l.to)
        .map(|l| (l.program.clone(), l.client, l.server))
        .collect();
    for (i, (program, client, server)) in live.into_iter().enumerate() {
        let late = world.chance(33_000, 42_000, &format!("relog {i}")) * MICROSECOND;
        inbound(
            world,
            host,
            at + late,
            true,
            Some(&program),
            6,
            client,
            server,
        );
    }
}
