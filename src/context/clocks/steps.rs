//! Changes of a clock that logs name: which records tell of the same one, in which order they were made, and how
//! the stretches between them lie to each other where nothing else measures the clock.

use super::fit::Segment;
use super::measure::{Boundary, Measured};
use crate::model::provenance::Item;
use crate::model::{EvidenceId, Provenance, Span, Text, Timestamp};

/// Security 4616 and Kernel-General 1 tell of one change with times that are read one after the other.
const SAME: Span = Span::millis(50);

/// A record that tells of a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// Where.
    pub at: Provenance,
    /// In which channel.
    pub channel: Text,
}

/// A change of a clock that the evidence names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// What the clock showed before.
    pub from: Timestamp,
    /// What it showed after.
    pub to: Timestamp,
    /// The records that tell of it, at least one.
    pub told: Vec<Told>,
    /// The program that did it, where that is said.
    pub process: Text,
}

impl Step {
    /// How much the clock gained.
    pub fn size(&self) -> Span {
        self.to.since(self.from)
    }

    /// True for what a computer shows that slept: its clock stood still, and the kernel put it on when it woke.
    /// Both sides of that were right. Whatever a program did has its name.
    pub fn may_be_sleep(&self) -> bool {
        self.size() > Span::ZERO && ["", "-", "System"].contains(&&*self.process)
    }

    /// The number of the record that tells of it in a log: records of that log are before or after the change by
    /// their numbers.
    pub fn record_in(&self, log: (EvidenceId, &str)) -> Option<u64> {
        let told = self.told.iter().find(|told| {
            told.at.kind == Item::Record && told.at.evidence == log.0 && &*told.channel == log.1
        });
        told.map(|told| told.at.item)
    }

    fn is(&self, other: &Self) -> bool {
        let near = |a: Timestamp, b: Timestamp| a.since(b).abs() <= SAME;
        near(self.from, other.from) && near(self.to, other.to)
    }

    fn is_before(&self, other: &Self) -> bool {
        let numbers = self.told.iter().find_map(|ours| {
            let like = |theirs: &&Told| {
                theirs.channel == ours.channel
                    && theirs.at.kind == Item::Record
                    && ours.at.kind == Item::Record
            };
            let theirs = other.told.iter().find(like)?;
            Some((ours.at.item, theirs.at.item))
        });
        match numbers {
            Some((ours, theirs)) => ours < theirs,
            None => self.to < other.to,
        }
    }
}

/// The changes, in the order in which they were made. What several records or several files tell of one change is
/// one; a clock does not show two moments a second time without another change between.
pub fn distinct(mut told: Vec<Step>) -> Vec<Step> {
    told.sort_by(|a, b| a.told.cmp(&b.told));
    let mut distinct: Vec<Step> = Vec::with_capacity(told.len());
    for step in told {
        if let Some(held) = distinct.iter_mut().find(|held| held.is(&step)) {
            held.told.extend(step.told);
            held.told.sort();
            held.told.dedup();
            if held.process.is_empty() {
                held.process = step.process;
            }
        } else {
            distinct.push(step);
        }
    }
    // Records of different channels are compared by time only, which is no order in which a sort may trust.
    let mut ordered: Vec<Step> = Vec::with_capacity(distinct.len());
    for step in distinct {
        let after = ordered.iter().rposition(|held| held.is_before(&step));
        ordered.insert(after.map_or(0, |at| at + 1), step);
    }
    ordered
}

/// How far the clock was ahead of its own last stretch, by changes in their order; `None` if it was never set back.
///
/// Times of before a change back by more than `small` are placed that much earlier, so that the clock shows nothing
/// twice. Smaller ones undo what a clock gains: added up over months they would move what was right. A change forward
/// keeps the order of what the clock showed, and a computer that slept shows one too, so it only takes back what a
/// later change added.
pub fn stretches(steps: &[Step], small: Span) -> Option<Measured> {
    let mut ahead = Span::ZERO;
    let stretch = |ahead: Span| Segment {
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        offset: ahead,
        drift: 0,
        uncertainty: if ahead == Span::ZERO { ahead } else { SAME },
        growth: 0,
        anchors: 0,
    };
    let mut segments = vec![stretch(ahead)];
    let mut boundaries = Vec::new();
    for step in steps.iter().rev() {
        let size = step.size();
        let before = match size < Span::ZERO {
            true if size.abs() > small => ahead.plus(size.abs()),
            true => ahead,
            false => ahead.plus(size.negated()).max(Span::ZERO),
        };
        if size < Span::ZERO || before != ahead {
            ahead = before;
            segments.push(stretch(ahead));
            boundaries.push(Boundary::At(step.clone()));
        }
    }
    segments.reverse();
    boundaries.reverse();
    (!boundaries.is_empty()).then_some(Measured {
        offset: Span::ZERO,
        drift: 0,
        segments,
        boundaries,
        uncertainty: Span::ZERO,
        anchors: 0,
        zone_error: None,
    })
}

/// By how much the stretches of a clock lie apart that only its own log tells of.
pub fn spread(stretches: &Measured) -> Span {
    let offsets = stretches.segments.iter().map(|segment| segment.offset);
    offsets.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(channel: &str, record: u64, from: i64, to: i64) -> Step {
        let at = Provenance {
            evidence: EvidenceId(if channel == "System" { 4 } else { 2 }),
            interface: 0,
            kind: Item::Record,
            item: record,
            offset: 0,
            inside: false,
        };
        Step {
            from: Timestamp(from * 1_000_000),
            to: Timestamp(to * 1_000_000),
            told: vec![Told {
                at,
                channel: channel.into(),
            }],
            process: "".into(),
        }
    }

    fn offsets(steps: &[Step]) -> Vec<i64> {
        let small = Span::seconds(2);
        let segments = stretches(&distinct(steps.to_vec()), small).map(|m| m.segments);
        let ms = |segment: &Segment| segment.offset.0 / 1_000_000;
        segments.unwrap_or_default().iter().map(ms).collect()
    }

    #[test]
    fn two_records_of_one_change_are_one() {
        let security = step("Security", 582, 1_860_000, 60_000);
        let system = step("System", 7, 1_860_001, 60_001);
        let one = distinct(vec![system.clone(), security.clone()]);
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].told.len(), 2);
        assert_eq!(one[0].record_in((EvidenceId(4), "System")), Some(7));
        assert_eq!(one[0].record_in((EvidenceId(2), "Security")), Some(582));
        assert_eq!(distinct(vec![security.clone(), security.clone()]).len(), 1);
        // The time service corrects by the same again and again.
        let later = step("Security", 600, 3_660_000, 1_860_000);
        assert_eq!(distinct(vec![security, later]).len(), 2);
    }

    #[test]
    fn a_change_back_places_what_was_before_it_earlier() {
        let back = step("Security", 582, 660_000, 600_000);
        assert_eq!(offsets(&[back]), [60_000, 0]);
    }

    #[test]
    fn a_change_forward_and_back_moves_only_what_lies_between() {
        let forward = step("Security", 10, 0, 18_000_000);
        let back = step("Security", 20, 19_000_000, 1_000_000);
        assert_eq!(offsets(&[back, forward]), [0, 18_000_000, 0]);
    }

    #[test]
    fn a_computer_that_slept_moves_nothing() {
        assert!(offsets(&[step("System", 10, 0, 28_000_000)]).is_empty());
        // Nor does what it slept take back more than was added.
        let back = step("System", 20, 30_000_000, 29_940_000);
        let slept = step("System", 10, 0, 28_000_000);
        assert_eq!(offsets(&[slept, back]), [0, 60_000, 0]);
    }

    #[test]
    fn small_corrections_do_not_add_up() {
        let daily = (1..60).map(|day| {
            let at = day * 86_400_000;
            step("Security", day as u64, at, at - 1_000)
        });
        assert!(
            offsets(&daily.collect::<Vec<_>>())
                .iter()
                .all(|ms| *ms == 0)
        );
    }
}
