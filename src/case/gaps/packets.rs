//! Gaps of the captures.

use super::{Gap, GapKind, LATE, Lessens, Search, TOLD, asked, when};
use crate::context::HostId;
use crate::context::coverage::sensor::{Sensor, silences};
use crate::model::plural::counted;
use crate::model::{EvidenceId, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Dropped packets in a hundred from which on answers may be missing anywhere.
const DROPPED_PERCENT: u64 = 1;
/// Packets in a hundred that carry others from which on the captures are said to lack those.
const TUNNELLED_PERCENT: u64 = 10;
/// SYNs from which on their answers say something about the capture as a whole.
const SYNS: u64 = 50;
/// Why captures may not fill the time asked for.
pub(super) const NOT_RUNNING: &str = "the sensor did not run, or a file is missing";
/// Addresses named in one gap.
const NAMED: usize = 4;

/// Gaps that touch every host.
pub(super) fn of_captures(search: &Search<'_>) -> Vec<Gap> {
    let sensors = search.context.coverage.sensors();
    if sensors.is_empty() {
        let mut gap = Gap::new(
            GapKind::NoCapture,
            match (search.unread, search.capture_given) {
                (true, _) => "no capture was given in a format that is read".to_owned(),
                (_, true) => "no packet was read from the captures that were given".to_owned(),
                (false, false) => "no capture was given".to_owned(),
            },
            "what was not logged could not be seen",
        );
        (gap.lessens, gap.whole) = (Lessens::Packets, true);
        return vec![gap];
    }
    let mut gaps = short(search);
    gaps.extend(silent(search, sensors));
    gaps.extend(sensors.iter().flat_map(of_file));
    gaps.extend(summed_up(sensors));
    gaps.extend(one_sided(search));
    gaps.extend(tunnelled(search));
    gaps.extend(no_tcp(search, sensors));
    gaps
}

/// Packets within packets: who reached for whom in them is not seen.
fn tunnelled(search: &Search<'_>) -> Option<Gap> {
    let (all, inside) = (search.attempts.ip_packets, search.attempts.tunnelled);
    if inside.saturating_mul(100) < all.saturating_mul(TUNNELLED_PERCENT) || inside == 0 {
        return None;
    }
    let mut gap = Gap::new(
        GapKind::Tunnelled,
        format!(
            "{inside} of {} {} others inside, which are not opened (ESP, L2TP and the like)",
            counted(all, "IP packet"),
            if inside == 1 { "carries" } else { "carry" }
        ),
        "a VPN wraps packets like that, and who reached for whom in them is not seen",
    );
    gap.lessens = Lessens::Packets;
    gap.remedy =
        "the packets as they were before they were wrapped: a capture behind the mirror or at the end of the tunnel"
            .to_owned();
    Some(gap)
}

/// Captures without TCP: a filter, another protocol, or nothing that can be read.
fn no_tcp(search: &Search<'_>, sensors: &[Sensor]) -> Option<Gap> {
    let all = search.attempts;
    if all.tcp_segments > 0 || sensors.iter().any(|s| s.summed_up) {
        return None;
    }
    // Other frames say something too: a Wake-on-LAN frame needs no IP.
    let nothing = sensors.iter().all(|s| s.unread >= s.packets);
    let mut gap = Gap::new(
        GapKind::NoTcp,
        match all.ip_packets {
            0 if nothing => "no packet of the captures could be read".to_owned(),
            0 => "the captures hold no IP packet that could be read".to_owned(),
            n => format!("of {} in the captures none is TCP", counted(n, "IP packet")),
        },
        "a capture filter or a tunnel leaves such a picture, and connections could not be seen",
    );
    (gap.lessens, gap.whole) = (Lessens::Packets, nothing);
    gap.remedy = "a capture with the TCP packets of the hosts".to_owned();
    Some(gap)
}

/// Logs of connections in the place of packets, or beside them.
fn summed_up(sensors: &[Sensor]) -> Option<Gap> {
    let logs: Vec<&Sensor> = sensors.iter().filter(|s| s.summed_up).collect();
    let (first, last) = (
        logs.iter().map(|s| s.interval.from).min()?,
        logs.iter().map(|s| s.interval.to).max()?,
    );
    let mut gap = Gap::new(
        GapKind::SummedUp,
        format!(
            "{} without a packet",
            match logs.len() {
                1 => "a log of connections".to_owned(),
                n => format!("{n} logs of connections"),
            }
        ),
        "no sequence numbers and no payload: a refusal by ICMP looks like silence, a connection in use that is reset \
         like an idle one, no host's clock can be measured against it, and when its sensor did not listen is not said",
    );
    gap.evidence = logs.iter().map(|s| s.evidence).collect();
    (gap.from, gap.to) = (Some(first), Some(last));
    if logs.len() == sensors.len() {
        gap.lessens = Lessens::Packets;
        gap.remedy = format!(
            "the packets of these connections, from {} to {}",
            when(first, None),
            when(last, Some(first))
        );
    }
    Some(gap)
}

/// The captures do not fill the time asked for.
fn short(search: &Search<'_>) -> Vec<Gap> {
    let coverage = &search.context.coverage;
    let (Some(start), Some(end)) = (coverage.capture_start(), coverage.capture_end()) else {
        return Vec::new();
    };
    if let Some(gap) = asked::beside_captures(search, start, end) {
        return vec![gap];
    }
    let (window, mut gaps) = (search.window(None), Vec::new());
    let mut tell = |what: String, from: Timestamp, to: Timestamp| {
        let mut gap = Gap::new(GapKind::CaptureShort, what, NOT_RUNNING);
        (gap.from, gap.to) = (Some(from), Some(to));
        gap.lessens = Lessens::Packets;
        gap.remedy = format!(
            "captures from {} to {}",
            when(from, None),
            when(to, Some(from))
        );
        gaps.push(gap);
    };
    if let Some(from) = window.from.filter(|from| start.since(*from) > LATE) {
        tell(
            format!(
                "packets start {}, {} into the time asked for",
                when(start, None),
                start.since(from).roughly()
            ),
            from,
            start,
        );
    }
    if let Some(to) = window.to.filter(|to| to.since(end) > LATE) {
        tell(
            format!(
                "packets end {}, {} before the time asked for does",
                when(end, None),
                to.since(end).roughly()
            ),
            end,
            to,
        );
    }
    gaps
}

/// Stretches without packets: of all sensors, then of single interfaces while others listened.
fn silent(search: &Search<'_>, sensors: &[Sensor]) -> Vec<Gap> {
    let why = "the capture was stopped, a file is missing, or nothing was sent";
    let of = |pair: (Timestamp, Timestamp), on: &str| {
        let (from, to) = pair;
        let what = format!(
            "no packets{on} from {} to {} ({})",
            when(from, None),
            when(to, Some(from)),
            to.since(from).roughly()
        );
        let mut gap = Gap::new(GapKind::CaptureSilence, what, why);
        (gap.from, gap.to) = (Some(from), Some(to));
        gap
    };
    let labels = &search.context.labels;
    let everywhere = silences(sensors, search.silence);
    let mut gaps = Vec::new();
    for pair in &everywhere {
        let mut gap = of(*pair, "");
        gap.lessens = Lessens::Packets;
        gap.evidence = beside(sensors, *pair);
        gaps.push(gap);
    }
    let more = gaps.len().saturating_sub(TOLD);
    if more > 0 {
        gaps.truncate(TOLD);
        let mut gap = Gap::new(
            GapKind::CaptureSilence,
            format!("{} without packets", stretches(more)),
            why,
        );
        gap.lessens = Lessens::Packets;
        gaps.push(gap);
    }
    let inside =
        |(from, to): (Timestamp, Timestamp)| everywhere.iter().any(|(f, t)| *f <= to && from <= *t);
    for sensor in sensors {
        for interface in &sensor.interfaces {
            let on = match sensor.interfaces.len() {
                1 => format!(" in {}", labels.file(sensor.evidence)),
                _ => format!(
                    " on interface {} of {}",
                    interface.number,
                    labels.file(sensor.evidence)
                ),
            };
            let own: Vec<_> = interface
                .silences
                .longer_than(search.silence)
                .filter(|pair| !inside(*pair))
                .collect();
            for pair in own.iter().take(TOLD) {
                let mut gap = of(*pair, &on);
                gap.evidence = vec![sensor.evidence];
                gaps.push(gap);
            }
            let more = own.len().saturating_sub(TOLD);
            let lost = interface.silences.forgotten() > search.silence;
            if more > 0 || lost {
                let words = match lost {
                    true => "further stretches of time".to_owned(),
                    false => stretches(more),
                };
                let mut gap = Gap::new(
                    GapKind::CaptureSilence,
                    format!("{words} without packets{on}"),
                    why,
                );
                gap.evidence = vec![sensor.evidence];
                gaps.push(gap);
            }
        }
    }
    gaps
}

/// The files that end or begin at a silence.
fn beside(sensors: &[Sensor], (from, to): (Timestamp, Timestamp)) -> Vec<EvidenceId> {
    let mut files: Vec<EvidenceId> = sensors
        .iter()
        .filter(|s| s.interval.holds(from) || s.interval.holds(to))
        .map(|s| s.evidence)
        .collect();
    files.sort_unstable();
    files
}

/// What one file lacks of its own packets.
fn of_file(sensor: &Sensor) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut tell = |kind, what, why, lessens| {
        let mut gap = Gap::new(kind, what, why);
        gap.evidence = vec![sensor.evidence];
        (gap.from, gap.to) = (Some(sensor.interval.from), Some(sensor.interval.to));
        gap.lessens = lessens;
        gaps.push(gap);
    };
    let dropped = sensor.dropped();
    if dropped > 0 {
        let many = dropped.saturating_mul(100) / sensor.packets.saturating_add(dropped).max(1)
            >= DROPPED_PERCENT;
        tell(
            GapKind::CaptureDropped,
            format!(
                "the capturing system reports {} it dropped",
                counted(dropped, "packet")
            ),
            "an answer that seems missing may only have been dropped",
            if many {
                Lessens::Packets
            } else {
                Lessens::Nothing
            },
        );
    }
    if sensor.cut > 0 {
        tell(
            GapKind::CaptureCut,
            format!(
                "{} shorter than on the wire (snap length)",
                are(sensor.cut, "packet")
            ),
            "addresses and ports were read, payload is not whole",
            Lessens::Nothing,
        );
    }
    if sensor.unread > 0 {
        tell(
            GapKind::Unread,
            format!(
                "{} could not be read",
                match sensor.unread {
                    1 => "1 packet or damaged region".to_owned(),
                    n => format!("{n} packets or damaged regions"),
                }
            ),
            "what they hold is missing; see the problems of the file",
            Lessens::Packets,
        );
    }
    gaps
}

fn are(n: u64, word: &str) -> String {
    format!("{} {}", counted(n, word), if n == 1 { "is" } else { "are" })
}

/// Hardly any answer in all captures.
fn one_sided(search: &Search<'_>) -> Option<Gap> {
    let (all, coverage) = (search.attempts, &search.context.coverage);
    // Logs of connections tell of SYNs and answers too, and only to the coverage.
    let summed_up = coverage.sensors().iter().any(|s| s.summed_up);
    let ((syns, answered), any) = match summed_up {
        true => (coverage.wire().answers(), coverage.wire().any_came_about()),
        false => ((all.syns, all.answered_syns), all.established > 0),
    };
    if syns < SYNS || answered.saturating_mul(20) >= syns {
        return None;
    }
    let mut gap = Gap::new(
        GapKind::OneSided,
        format!("only {} of {} TCP attempts show any answer", answered, syns),
        "the captures may hold one direction only, and then silence proves nothing; a scan looks the same",
    );
    if answered == 0 && !any {
        gap.lessens = Lessens::Packets;
    }
    gap.remedy = "a capture of both directions".to_owned();
    Some(gap)
}

/// Packets of a host that show one end only.
pub(super) fn of_host(search: &Search<'_>, id: HostId) -> Option<Gap> {
    let context = search.context;
    let addresses = &context.identity.host(id)?.addresses;
    let sides = context.coverage.wire().sides(addresses);
    if !sides.one_sided() {
        return None;
    }
    let missing = match (sides.only_it, sides.only_others) {
        (0, _) => "none of its own packets",
        (_, 0) => "none of the packets sent to it",
        _ => "never both ends",
    };
    let mut gap = Gap::new(
        GapKind::OneSided,
        format!(
            "{} of this host were captured, and {missing}",
            counted(sides.attempts, "TCP attempt")
        ),
        "the sensor may see one direction only, or the other end never spoke; silence proves nothing here",
    );
    gap.lessens = Lessens::PacketsOf(id);
    gap.remedy = "a capture that sees both directions of the host's traffic".to_owned();
    Some(gap)
}

/// The sensor saw a part of what a host said: where its own log has more of it, silence there proves nothing.
pub(super) fn part_seen(search: &Search<'_>, id: HostId) -> Option<Gap> {
    let missed = search.attributed.hosts.get(&id)?.missed();
    if missed == 0 {
        return None;
    }
    let mut gap = Gap::new(
        GapKind::PartSeen,
        format!(
            "{} its own log says {} made while the captures ran {} in none of them",
            counted(missed, "connection"),
            if missed == 1 { "was" } else { "were" },
            if missed == 1 { "is" } else { "are" },
        ),
        "the sensor saw a part of its traffic, or its clock is further off than is known",
    );
    gap.lessens = Lessens::PacketsOf(id);
    gap.remedy = "a capture where all of the host's traffic passes".to_owned();
    Some(gap)
}

/// Hosts that no log names, and one direction of whose talk is not in the captures.
pub(super) fn of_others(search: &Search<'_>, hosts: &[(String, HostId)]) -> Option<Gap> {
    let context = search.context;
    let named: BTreeSet<IpAddr> = hosts
        .iter()
        .filter_map(|(_, id)| context.identity.host(*id))
        .flat_map(|host| host.addresses.iter().copied())
        .collect();
    let mut torn = context.coverage.wire().torn();
    torn.retain(|address| !named.contains(address));
    if torn.is_empty() {
        return None;
    }
    let shown: Vec<String> = torn.iter().take(NAMED).map(IpAddr::to_string).collect();
    let more = match torn.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut gap = Gap::new(
        GapKind::OneSided,
        format!(
            "of the TCP connections of {}{more} one direction was captured, and never the other",
            shown.join(", ")
        ),
        "somebody went on as after an answer, or answered what was not captured: the sensor sees one direction \
         there, and silence proves nothing",
    );
    gap.lessens = Lessens::PacketsOfOthers;
    gap.remedy = "a capture that sees both directions of their traffic".to_owned();
    Some(gap)
}

/// How many stretches of time there are beyond those told.
fn stretches(more: usize) -> String {
    format!(
        "{more} further stretch{} of time",
        if more == 1 { "" } else { "es" }
    )
}
