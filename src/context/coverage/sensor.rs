//! What each interface of each capture covers.

use super::interval::{Interval, joined};
use crate::capture::{CaptureSummary, InterfaceSummary};
use crate::context::clocks::anchors as clocks;
use crate::model::{EvidenceId, Span, Timestamp};

/// One capture file.
#[derive(Clone, Debug)]
pub struct Sensor {
    /// The file.
    pub evidence: EvidenceId,
    /// From its first packet to its last.
    pub interval: Interval,
    /// Packet records.
    pub packets: u64,
    /// Records and regions that could not be read.
    pub unread: u64,
    /// Packets shorter than on the wire.
    pub cut: u64,
    /// Bytes of the longest packet kept.
    pub longest: u64,
    /// Its interfaces.
    pub interfaces: Vec<InterfaceSummary>,
    /// True for a log of connections: it has no packets, and says nothing of its own silences.
    pub summed_up: bool,
}

impl Sensor {
    /// `None` for a file without a packet that has a time.
    pub(super) fn of(evidence: EvidenceId, summary: &CaptureSummary) -> Option<Self> {
        Some(Self {
            evidence,
            interval: Interval {
                from: summary.first?,
                to: summary.last?,
            },
            packets: summary.present,
            unread: summary.skipped + summary.damaged_regions,
            cut: summary.snapped,
            longest: summary.longest,
            interfaces: summary.interfaces.clone(),
            summed_up: summary.summed_up,
        })
    }

    pub(super) fn retime(&mut self, time: impl Fn(clocks::Sensor, Timestamp) -> Timestamp) {
        let mut whole: Option<Interval> = None;
        for interface in &mut self.interfaces {
            let sensor = (self.evidence, interface.number);
            interface.first = interface.first.map(|t| time(sensor, t));
            interface.last = interface.last.map(|t| time(sensor, t));
            interface.silences.retime(|t| time(sensor, t));
            if let (Some(from), Some(to)) = (interface.first, interface.last) {
                let own = Interval { from, to };
                whole = Some(whole.map_or(own, |all| all.hull(own)));
            }
        }
        self.interval = whole.unwrap_or(self.interval);
    }

    /// Packets the capturing system says it dropped.
    pub fn dropped(&self) -> u64 {
        self.interfaces
            .iter()
            .fold(0, |all, i| all.saturating_add(i.dropped))
    }
}

/// When an interface delivered packets: its time without its silences of more than `longest`.
pub fn active(interface: &InterfaceSummary, longest: Span) -> Vec<Interval> {
    let (Some(first), Some(last)) = (interface.first, interface.last) else {
        return Vec::new();
    };
    let mut active = Vec::new();
    let mut from = first;
    for (end, next) in interface.silences.longer_than(longest) {
        active.push(Interval { from, to: end });
        from = next;
    }
    active.push(Interval { from, to: last });
    active
}

/// When any interface of any file delivered packets, silences of up to `longest` included.
pub fn covered(sensors: &[Sensor], longest: Span) -> Vec<Interval> {
    let all = sensors
        .iter()
        .flat_map(|s| &s.interfaces)
        .flat_map(|i| active(i, longest))
        .collect();
    joined(all, longest)
}

/// Stretches of more than `longest` without any packet of any interface, between the first and the
/// last packet of all.
pub fn silences(sensors: &[Sensor], longest: Span) -> Vec<(Timestamp, Timestamp)> {
    covered(sensors, longest)
        .windows(2)
        .map(|pair| (pair[0].to, pair[1].from))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::capture::Resolution;

    /// A sensor whose one interface saw packets at these seconds.
    pub(crate) fn sensor(evidence: u32, seconds: &[i64]) -> Sensor {
        let mut interface = InterfaceSummary {
            number: 0,
            link: 1,
            resolution: Resolution::Decimal(9),
            snap_length: 0,
            sections: 1,
            packets: seconds.len() as u64,
            first: None,
            last: None,
            dropped: 0,
            silences: Default::default(),
        };
        for second in seconds {
            let time = Timestamp(second * 1_000_000_000);
            if let (Some(first), Some(last)) = (interface.first, interface.last) {
                interface.silences.packet(first, last, time);
            }
            interface.first = interface.first.min(Some(time)).or(Some(time));
            interface.last = interface.last.max(Some(time));
        }
        Sensor {
            evidence: EvidenceId(evidence),
            interval: Interval {
                from: interface.first.unwrap(),
                to: interface.last.unwrap(),
            },
            packets: interface.packets,
            unread: 0,
            cut: 0,
            longest: 0,
            interfaces: vec![interface],
            summed_up: false,
        }
    }

    #[test]
    fn a_silence_of_one_sensor_is_none_where_another_listened() {
        let at = |s: i64| Timestamp(s * 1_000_000_000);
        let one = sensor(1, &[0, 5000, 5010]);
        let longest = Span::seconds(1800);
        assert_eq!(
            silences(std::slice::from_ref(&one), longest),
            [(at(0), at(5000))]
        );
        // The second listens in between, but stops 40 minutes before the first goes on.
        let two = sensor(2, &[100, 1500, 2600]);
        assert_eq!(
            silences(&[one.clone(), two], longest),
            [(at(2600), at(5000))]
        );
        let three = sensor(3, &[100, 1500, 3000, 4000]);
        assert_eq!(silences(&[one.clone(), three], longest), []);
        assert_eq!(silences(&[one], Span::seconds(5000)), []);
    }
}
