//! Sensors against each other: how far each is ahead of the first that saw the same frames, and what they saw on
//! one clock.

use super::anchors::{Sensor, UNTOLD, tag};
use super::compare::{apart, correct};
use super::measure::{Measured, measure};
use super::sample::Sight;
use crate::model::{Span, Timestamp};
use std::collections::BTreeMap;

/// How far each sensor is ahead of the first that saw the same frames. Those that share nothing with
/// an earlier one are taken to be on its clock: a rotated capture shares nothing with its next file but
/// SYNs that were repeated.
pub fn align(
    sensors: &BTreeMap<Sensor, Vec<Sight>>,
    begun: &BTreeMap<Sensor, Timestamp>,
) -> BTreeMap<Sensor, Measured> {
    let mut begun: BTreeMap<u64, Timestamp> = begun.iter().map(|(s, at)| (tag(*s), *at)).collect();
    let mut aligned = BTreeMap::new();
    let mut all: Vec<Sight> = Vec::new();
    for (sensor, sights) in sensors {
        let measured = if all.is_empty() {
            None
        } else {
            let same: Vec<Sight> = sights
                .iter()
                .filter(|sight| !is_repeated(sight, &all, &begun))
                .copied()
                .collect();
            measure(&same, &all, &[]).ok()
        };
        let start = all.len();
        all.extend_from_slice(sights);
        if let Some(measured) = measured.filter(apart) {
            let times = all[start..].iter_mut().map(|s| &mut s.time);
            times
                .chain(begun.get_mut(&tag(*sensor)))
                .for_each(|time| correct(time, &measured));
            aligned.insert(*sensor, measured);
        }
        // Two sorted runs: a stable sort only merges them.
        all.sort();
    }
    aligned
}

/// For so long a SYN without answer is repeated at most: the last of Linux comes 67 s after the first, BSD
/// gives up after 75 s.
const REPEATED: Span = Span::seconds(75);

/// After these milliseconds a SYN is sent again, as the stacks do it: after 1 s and twice as long each time,
/// older ones after 3 s; and all differences between two of the tries.
const TRIED_AGAIN: [i64; 15] = [
    1_000, 2_000, 3_000, 4_000, 6_000, 7_000, 8_000, 9_000, 12_000, 14_000, 15_000, 16_000, 24_000,
    30_000, 31_000,
];
/// By how much the timers of stacks miss that.
const TIMER: Span = Span::millis(20);

/// True if `apart` is as long as stacks wait before they send a SYN again.
fn is_a_retry(apart: Span) -> bool {
    let mut waits = TRIED_AGAIN.iter().map(|ms| Span::millis(*ms));
    waits.any(|wait| wait.plus(apart.abs().negated()).abs() <= TIMER)
}

/// True if one sensor on one clock explains that another file holds the same SYN: whichever holds it later
/// had not begun when the other held it, so it may hold a repeat; or nothing tells it from a repeat, and it
/// comes when one would.
fn is_repeated(sight: &Sight, others: &[Sight], begun: &BTreeMap<u64, Timestamp>) -> bool {
    let from = others.partition_point(|other| other.key < sight.key);
    let same = others[from..].iter().take_while(|o| o.key == sight.key);
    let mut pairs = same.map(|other| {
        if sight.time < other.time {
            (sight, other)
        } else {
            (other, sight)
        }
    });
    pairs.any(|(first, then)| {
        let apart = then.time.since(first.time);
        let late = begun.get(&then.from).is_some_and(|at| first.time < *at);
        apart <= REPEATED && late || sight.key & UNTOLD != 0 && is_a_retry(apart)
    })
}

/// What sensors saw, on the clock of the first.
pub fn on_one_clock(mut wire: Vec<Sight>, sensors: &BTreeMap<Sensor, Measured>) -> Vec<Sight> {
    if !sensors.is_empty() {
        let tags: BTreeMap<u64, &Measured> = sensors.iter().map(|(s, m)| (tag(*s), m)).collect();
        for sight in &mut wire {
            if let Some(measured) = tags.get(&sight.from) {
                correct(&mut sight.time, measured);
            }
        }
        wire.sort_unstable();
    }
    wire
}
