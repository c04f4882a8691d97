//! What the Sysmon records of a form with local times say of its zone: each has the local time at
//! which it was written, and in `UtcTime` the moment of what it tells. That a record is written late
//! changes no zone. Which clock that is, is for `context::clocks`.

use super::record::{Record, Value};
use crate::model::{Span, Text, Timestamp};
use std::collections::BTreeMap;

/// All zones of the world are multiples of it.
const QUARTER: i64 = 900 * 1_000_000_000;
/// A record is written this much after what it tells, at most; a log of a busy computer lags.
const LATE: i64 = 60 * 1_000_000_000;
/// `UtcTime` is cut to milliseconds and `TimeCreated` may be cut to seconds.
const EARLY: i64 = 1_000_000_000;
/// Computers, and stretches of one: a clock of twelve hours has three or four a day.
const COMPUTERS: usize = 512;
const STRETCHES: usize = 256;

/// Records that follow each other with one difference to UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first, as written.
    pub from: Timestamp,
    /// The last, as written.
    pub to: Timestamp,
    /// How far the times written are ahead of UTC.
    pub zone: Span,
    /// How many records show it.
    pub records: u64,
}

/// What a file shows, by computer as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones(BTreeMap<Text, Vec<Stretch>>);

impl Zones {
    /// Takes in a record with a local time.
    pub(super) fn note(&mut self, computer: &Text, record: &Record<'_>) {
        if !record
            .provider
            .eq_ignore_ascii_case("Microsoft-Windows-Sysmon")
        {
            return;
        }
        let utc = record.value("UtcTime").and_then(Value::time);
        if let Some((written, utc)) = record.time.zip(utc)
            && let Some(zone) = zone(written, utc)
        {
            let stretch = Stretch {
                from: written,
                to: written,
                zone,
                records: 1,
            };
            self.add(computer, stretch);
        }
    }

    fn add(&mut self, computer: &Text, new: Stretch) {
        if !self.0.contains_key(computer) && self.0.len() >= COMPUTERS {
            return;
        }
        let held = self.0.entry(computer.clone()).or_default();
        match held.last_mut() {
            Some(last) if last.zone == new.zone => {
                last.from = last.from.min(new.from);
                last.to = last.to.max(new.to);
                last.records += new.records;
            }
            _ => held.push(new),
        }
        if held.len() > STRETCHES {
            // Records in no order: where one zone ends and the next begins cannot be told.
            held.truncate(STRETCHES + 1);
        }
    }

    /// Takes in what follows in the same file.
    pub fn merge(&mut self, next: &Self) {
        for (computer, stretches) in &next.0 {
            for stretch in stretches {
                self.add(computer, *stretch);
            }
        }
    }

    /// Each computer with its stretches, in the order of the file; none for one with too many.
    pub fn told(&self) -> impl Iterator<Item = (&Text, &[Stretch])> {
        let told = self.0.iter().filter(|(_, held)| held.len() <= STRETCHES);
        told.map(|(computer, held)| (computer, held.as_slice()))
    }
}

/// The multiple of 15 minutes that a record's local time is ahead, if it is one.
fn zone(written: Timestamp, utc: Timestamp) -> Option<Span> {
    let ahead = written.since(utc).0.checked_add(EARLY)?;
    let zone = ahead.div_euclid(QUARTER) * QUARTER;
    (ahead - zone <= LATE + EARLY).then_some(Span(zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_difference_is_a_zone_if_it_is_one_and_the_record_not_too_late() {
        let utc = at("2020-10-29T04:16:09.914Z");
        let zone = |written: &str| zone(at(written), utc).map(|zone| zone.0 / 60_000_000_000);
        // Midnight is told as twelve on a clock of twelve hours.
        assert_eq!(zone("2020-10-29T12:16:09.918Z"), Some(480));
        assert_eq!(zone("2020-10-29T00:16:09.918Z"), Some(-240));
        assert_eq!(zone("2020-10-29T00:17:09.000Z"), Some(-240));
        assert_eq!(zone("2020-10-29T10:01:09Z"), Some(345));
        assert_eq!(zone("2020-10-29T00:20:00Z"), None);
    }

    #[test]
    fn stretches_end_where_the_zone_does_and_too_many_tell_nothing() {
        let computer = Text::from("WS01");
        let one = |minute: i64, hours: i64| Stretch {
            from: Timestamp(minute * 60_000_000_000),
            to: Timestamp(minute * 60_000_000_000),
            zone: Span::seconds(hours * 3_600),
            records: 1,
        };
        let mut zones = Zones::default();
        for (minute, hours) in [(1, 8), (2, 8), (3, -4)] {
            zones.add(&computer, one(minute, hours));
        }
        let mut next = Zones::default();
        next.add(&computer, one(4, -4));
        zones.merge(&next);
        let told: Vec<_> = zones.told().collect();
        assert_eq!(told.len(), 1);
        let counts: Vec<u64> = told[0].1.iter().map(|s| s.records).collect();
        assert_eq!(counts, [2, 2]);
        for n in 0..STRETCHES as i64 {
            zones.add(&computer, one(5 + n, n % 2));
        }
        assert_eq!(zones.told().count(), 0);
    }
}
