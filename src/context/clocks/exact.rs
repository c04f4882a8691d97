//! A clock measured by SYNs that both sides name: endpoints and initial sequence number agree, so
//! one pair is enough to tell the zone of a log in whole seconds. A connection's endpoints alone are
//! not: ports are used again.

use super::fit::{Pair, Segment};
use super::measure::{Boundary, Measured, zone_error};
use super::sample::Sight;
use crate::eventlog::zones::Stretch;
use crate::model::Span;

/// What a time is cut to in the logs that name SYNs.
const SECOND: i64 = 1_000_000_000;
/// A row of a SYN that was sent again is written up to this much after the first: 21 s on Windows,
/// and longer elsewhere.
const RETRIES: i64 = 63 * SECOND;
/// A row is written a few milliseconds after its packet.
const WAIT: i64 = 5_000_000;
/// Records that must name their moment in UTC.
const FEWEST: u64 = 3;
/// Away from its pairs a clock may drift by 50 ppm.
const GROWTH: i64 = 50_000;

/// Measures a clock in whole seconds by SYNs; both sides sorted by key and time. `None` if they
/// share none, or if what they share contradicts itself.
pub fn by_syns(clock: &[Sight], wire: &[Sight]) -> Option<Measured> {
    let mut pairs = Vec::new();
    for same in clock.chunk_by(|a, b| a.key == b.key) {
        let first = wire.partition_point(|s| s.key < same[0].key);
        if let Some(seen) = wire.get(first).filter(|s| s.key == same[0].key) {
            pairs.push(Pair {
                clock: same[0].time,
                reference: seen.time,
            });
        }
    }
    let (offset, half) = agreed(&pairs)?;
    pairs.sort_unstable_by_key(|p| p.clock);
    let (from, to) = (pairs.first()?.clock, pairs.last()?.clock);
    let segment = Segment {
        from,
        to,
        offset,
        drift: 0,
        uncertainty: half,
        growth: GROWTH,
        anchors: pairs.len() as u64,
    };
    Some(Measured {
        offset,
        drift: 0,
        segments: vec![segment],
        boundaries: Vec::new(),
        uncertainty: half,
        anchors: pairs.len() as u64,
        zone_error: zone_error(offset),
    })
}

/// The zone of local times, by records that name the same moment in UTC: as exact as `uncertainty`,
/// for it is the same clock. `None` if fewer than three records show one.
pub fn by_utc(stretches: &[Stretch], uncertainty: Span) -> Option<Measured> {
    let segment = |stretch: &Stretch| Segment {
        from: stretch.from,
        to: stretch.to,
        offset: stretch.zone,
        drift: 0,
        uncertainty,
        growth: 0,
        anchors: stretch.records,
    };
    let mut segments: Vec<Segment> = stretches.iter().map(segment).collect();
    segments.sort_by_key(|s| (s.corrected(s.from), s.corrected(s.to)));
    // Several files may show the same stretch.
    let mut joined: Vec<Segment> = Vec::with_capacity(segments.len());
    for segment in segments {
        match joined.last_mut() {
            Some(last) if last.offset == segment.offset => {
                last.to = last.to.max(segment.to);
                last.anchors += segment.anchors;
            }
            _ => joined.push(segment),
        }
    }
    let anchors = joined.iter().map(|s| s.anchors).sum();
    let main = joined.iter().max_by_key(|s| s.anchors)?;
    (anchors >= FEWEST).then(|| Measured {
        offset: main.offset,
        drift: 0,
        boundaries: vec![Boundary::Between; joined.len() - 1],
        uncertainty,
        anchors,
        zone_error: zone_error(main.offset),
        segments: joined.clone(),
    })
}

/// The middle and half width of the offsets that all pairs allow; `None` if none is.
///
/// A row names the second in which it was written, which for a SYN sent again is later than the
/// packet that came first. So no pair shows more than a second too little, and the least of those
/// that are not late shows nothing too much: the truth lies within a second from the least of all.
fn agreed(pairs: &[Pair]) -> Option<(Span, Span)> {
    let least = pairs.iter().map(Pair::delta).min()?;
    let most = pairs.iter().map(Pair::delta).max()?;
    let half = SECOND / 2;
    (most.saturating_sub(least) <= RETRIES)
        .then_some((Span(least.saturating_add(half)), Span(half + WAIT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use proptest::prelude::*;

    fn sights(rows: &[(u64, i64)]) -> Vec<Sight> {
        let mut sights: Vec<Sight> = rows
            .iter()
            .map(|(key, time)| Sight {
                key: *key,
                time: Timestamp(*time),
                from: 0,
            })
            .collect();
        sights.sort_unstable();
        sights
    }

    #[test]
    fn one_syn_tells_the_zone() {
        let wire = sights(&[(7, 100 * SECOND + 300_000_000), (9, 0)]);
        let log = sights(&[(7, (100 + 7_200) * SECOND), (8, 5)]);
        let measured = by_syns(&log, &wire).unwrap();
        assert_eq!(measured.zone_error, Some(Span::seconds(7_200)));
        let miss = measured.offset.plus(Span::seconds(7_200).negated()).abs();
        assert!(miss <= measured.uncertainty, "{measured:?}");
        assert!(measured.uncertainty <= Span::millis(505));
    }

    #[test]
    fn what_contradicts_itself_tells_nothing() {
        let wire = sights(&[(1, 0), (2, 10 * SECOND)]);
        let log = sights(&[(1, 3_600 * SECOND), (2, (7_200 + 10) * SECOND)]);
        assert!(by_syns(&log, &wire).is_none());
        assert!(by_syns(&sights(&[(3, 0)]), &wire).is_none());
    }

    proptest! {
        #[test]
        fn the_true_offset_lies_in_the_interval(
            zone in -56_i64..56,
            error in -400_000_000_i64..400_000_000,
            moments in prop::collection::vec((0_i64..3_600_000_000_000, 0_i64..3), 1..40),
        ) {
            let truth = zone * 900 * SECOND + error;
            let at = |i: usize| moments[i].0 + i as i64;
            let rows: Vec<_> = (0..moments.len()).map(|i| (i as u64, at(i))).collect();
            let log: Vec<_> = (0..moments.len())
                .map(|i| {
                    // The first row of one is always there; others may be of a retry.
                    let late = [0, 1, 3][if i == 0 { 0 } else { moments[i].1 as usize }] * SECOND;
                    let local = at(i) + truth + late;
                    (i as u64, local.div_euclid(SECOND) * SECOND)
                })
                .collect();
            let measured = by_syns(&sights(&log), &sights(&rows)).unwrap();
            let miss = measured.offset.plus(Span(truth).negated()).abs();
            prop_assert!(miss <= measured.uncertainty, "{:?} {} {:?}", miss, truth, measured);
        }
    }
}
