//! The zone of local times, by the moments at which their records were received: here in local time,
//! there in UTC. What lies between the two is the zone less the time a record stood in a queue, so one
//! record tells neither.
//!
//! The text as a whole does. Where records flow, their distance to the zone stays the same while the
//! moments of receipt go on; where a queue drains, it shrinks as they go on. Zones that a flow has shown
//! hold for the records of its batch and the next ones, as far as their queue is too short for a change
//! to or from summer time. What no flow shows stays local.

use crate::model::{Span, Text, Timestamp};
use std::collections::BTreeMap;

const SECOND: i64 = 1_000_000_000;
const QUARTER: i64 = 900 * SECOND;
/// Records of a flow lie this near to the zone: the moments are cut to seconds, queues are short, and
/// two clocks differ.
const NEAR: i64 = 20 * SECOND;
/// A flow has so many records, and goes on for so long.
const RECORDS: u64 = 3;
const LASTS: i64 = 30 * SECOND;
/// It goes on so many times as long as its distance to the zone varies; a draining queue, once.
const STEADY: i64 = 3;
/// How far a record may lie from the zone of its flow: before it, by another clock, and behind it, by a
/// queue. Summer time moves zones by half an hour at least.
const BEFORE: i64 = 300 * SECOND;
const QUEUE: i64 = 1_200 * SECOND;
/// Computers that are followed.
const COMPUTERS: usize = 512;

/// When one record was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// By the agent, in local time.
    pub local: Timestamp,
    /// By what it delivers to, in UTC.
    pub utc: Timestamp,
}

impl Receipt {
    fn apart(self) -> i64 {
        self.local.since(self.utc).0
    }
}

/// Records of one computer that follow each other near one zone.
#[derive(Clone, Copy, Debug)]
struct Flow {
    zone: i64,
    records: u64,
    from: Timestamp,
    to: Timestamp,
    /// The smallest and the largest distance to the zone.
    off: (i64, i64),
}

impl Flow {
    fn of(receipt: Receipt) -> Option<Self> {
        let apart = receipt.apart();
        let zone = nearest(apart)?;
        let off = zone - apart;
        (off.abs() <= NEAR).then_some(Self {
            zone,
            records: 1,
            from: receipt.local,
            to: receipt.local,
            off: (off, off),
        })
    }

    fn join(&mut self, next: Self) {
        self.records += next.records;
        self.from = self.from.min(next.from);
        self.to = self.to.max(next.to);
        self.off = (self.off.0.min(next.off.0), self.off.1.max(next.off.1));
    }

    fn is_steady(&self) -> bool {
        let lasts = self.to.since(self.from).0;
        self.records >= RECORDS && lasts >= LASTS && lasts >= STEADY * (self.off.1 - self.off.0)
    }
}

#[derive(Clone, Debug, Default)]
struct Known {
    flow: Option<Flow>,
    /// Zones that hold in this batch; the last one is carried on.
    zones: Vec<i64>,
}

/// What the records so far show, by computer as written.
#[derive(Clone, Debug, Default)]
pub struct Receipts(BTreeMap<Text, Known>);

impl Receipts {
    /// Begins the next batch.
    pub fn next_batch(&mut self) {
        for known in self.0.values_mut() {
            let last = known.zones.pop();
            known.zones.clear();
            known.zones.extend(last);
        }
    }

    /// Takes in a record, in the order of the text.
    pub fn note(&mut self, computer: &str, receipt: Receipt) {
        if !self.0.contains_key(computer) {
            if self.0.len() >= COMPUTERS {
                return;
            }
            self.0.insert(computer.into(), Known::default());
        }
        let Some(known) = self.0.get_mut(computer) else {
            return;
        };
        let next = Flow::of(receipt);
        match (&mut known.flow, next) {
            (Some(flow), Some(next)) if flow.zone == next.zone => flow.join(next),
            (flow, next) => *flow = next,
        }
        if let Some(flow) = known.flow.filter(Flow::is_steady)
            && known.zones.last() != Some(&flow.zone)
        {
            known.zones.retain(|zone| *zone != flow.zone);
            known.zones.push(flow.zone);
        }
    }

    /// How far the local times of a record are ahead of UTC; `None` where nothing shows it.
    pub fn zone(&self, computer: &str, receipt: Receipt) -> Option<Span> {
        let apart = receipt.apart();
        let mut zones = self.0.get(computer)?.zones.iter().rev();
        let zone = zones.find(|zone| (-BEFORE..=QUEUE).contains(&zone.saturating_sub(apart)));
        zone.map(|zone| Span(*zone))
    }
}

/// The zone that is nearest to so much between local time and UTC, in nanoseconds; `None` where there is
/// none. No zone is further from UTC than 14 hours.
pub fn nearest(apart: i64) -> Option<i64> {
    let furthest = 14 * 4 * QUARTER;
    if !(-furthest - QUARTER..=furthest + QUARTER).contains(&apart) {
        return None;
    }
    let zone = (apart + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    (zone.abs() <= furthest).then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    /// A record received at a second of the day in a zone, that stood in a queue for so long.
    fn at(second: i64, zone: i64, queue: i64) -> Receipt {
        Receipt {
            local: Timestamp(second * SECOND),
            utc: Timestamp((second - zone + queue) * SECOND),
        }
    }

    fn after(records: &[Receipt]) -> Receipts {
        let mut receipts = Receipts::default();
        for record in records {
            receipts.note("WS01", *record);
        }
        receipts
    }

    fn minutes(receipts: &Receipts, record: Receipt) -> Option<i64> {
        let zone = receipts.zone("WS01", record)?;
        Some(zone.0 / (60 * SECOND))
    }

    fn flow(from: i64, zone: i64) -> Vec<Receipt> {
        (0..5).map(|n| at(from + n * 10, zone, n % 2)).collect()
    }

    #[test]
    fn records_that_flow_show_the_zone_and_one_that_queued_has_it_too() {
        for zone in [-4 * HOUR, 0, HOUR, 5 * HOUR + 2_700] {
            let receipts = after(&flow(50_000, zone));
            for queue in [-120, 0, 10 * 60, 15 * 60, 20 * 60] {
                let told = minutes(&receipts, at(51_000, zone, queue));
                assert_eq!(told, Some(zone / 60), "{zone} {queue}");
            }
            // So much could also be a change to or from summer time.
            assert_eq!(minutes(&receipts, at(51_000, zone, 30 * 60)), None);
            assert_eq!(minutes(&receipts, at(51_000, zone, HOUR)), None);
            assert_eq!(receipts.zone("WS02", at(51_000, zone, 0)), None);
        }
    }

    #[test]
    fn a_queue_that_drains_is_no_zone() {
        // Received over half an hour, and delivered within ten seconds at its end.
        let drained: Vec<_> = (0..600)
            .map(|n| at(50_000 + n * 3, -4 * HOUR, 1_800 - n * 3 + n / 60))
            .collect();
        // Its last records lie at the true zone, but no flow shows that they do.
        assert_eq!(minutes(&after(&drained), drained[599]), None);
        // One that holds everything for a quarter of an hour, and delivers it at once.
        let held: Vec<_> = (0..10).map(|n| at(50_000 + n, -4 * HOUR, 900)).collect();
        assert_eq!(minutes(&after(&held), held[0]), None);
        // A flow behind it shows the zone of both.
        let both = [held.clone(), flow(51_000, -4 * HOUR)].concat();
        assert_eq!(minutes(&after(&both), held[0]), Some(-240));
    }

    #[test]
    fn too_few_records_and_distances_that_are_no_zones_show_nothing() {
        let two = [at(50_000, HOUR, 0), at(50_600, HOUR, 0)];
        assert_eq!(minutes(&after(&two), two[0]), None);
        let steady: Vec<_> = (0..9).map(|n| at(50_000 + n * 60, HOUR, 420)).collect();
        assert_eq!(minutes(&after(&steady), steady[0]), None);
        for (local, utc) in [(i64::MAX, i64::MIN), (i64::MIN, i64::MAX)] {
            let (local, utc) = (Timestamp(local), Timestamp(utc));
            let receipt = Receipt { local, utc };
            let receipts = after(&[vec![receipt; 4], flow(50_000, -4 * HOUR)].concat());
            assert_eq!(minutes(&receipts, receipt), None);
        }
    }

    #[test]
    fn summer_time_ends_in_the_middle() {
        let mut receipts = after(&flow(50_000, 2 * HOUR));
        for record in flow(60_000, HOUR) {
            receipts.note("WS01", record);
        }
        // The batch holds both.
        assert_eq!(minutes(&receipts, at(50_000, 2 * HOUR, 0)), Some(120));
        assert_eq!(minutes(&receipts, at(60_000, HOUR, 0)), Some(60));
        receipts.next_batch();
        assert_eq!(minutes(&receipts, at(70_000, 2 * HOUR, 0)), None);
        assert_eq!(minutes(&receipts, at(70_000, HOUR, 600)), Some(60));
    }
}
