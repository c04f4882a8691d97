//! Changes of a host's clock that a reader must know of: those that logs name, and those that only the comparison
//! with captures or other hosts shows.

use super::Clocks;
use super::compare::{Against, HostClock, Known};
use super::measure::{Boundary, Measured};
use super::steps::Step;
use crate::context::identity::HostId;
use crate::model::{Provenance, Span, Text, Timestamp};

/// A change of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// How much the clock gained.
    pub size: Span,
    /// From when on the reference clock; of one that a log names the moment itself.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The records that tell of it; none if no log does.
    pub told: Vec<Provenance>,
    /// The program that did it, where that is said.
    pub process: Text,
    /// What its times are corrected by for it.
    pub taken: Taken,
}

/// What times are corrected by for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// By what was measured: before, and after.
    Measured(Span, Span),
    /// Times of before are placed so that the records keep their order; nothing tells which were right.
    Stretches(Span),
    /// By nothing.
    Nothing,
    /// By what the examiner said of the clock, as if it had not been changed.
    Given,
    /// By nothing, as what others saw of this clock knows of no such change.
    Contradicted,
}

impl Clocks {
    /// Changes of a host's system clock by more than a clock is taken to be wrong anyway, in their order. The time
    /// service and machines that slept change clocks all the time: that is no such change.
    pub fn changes(&self, host: HostId) -> Vec<Change> {
        let Some(clock) = self.hosts.get(&host) else {
            return Vec::new();
        };
        let large = |change: &Change| change.size.abs() > self.assumed_error;
        let logged = clock.steps.iter().filter(|step| !is_a_wake(step));
        let mut changes: Vec<Change> = logged
            .map(|step| self.logged(host, clock, step))
            .chain(unlogged(&clock.system))
            .filter(large)
            .collect();
        changes.sort_by_key(|change| (change.from, change.size));
        changes
    }

    fn logged(&self, host: HostId, clock: &HostClock, step: &Step) -> Change {
        let first = step.told.first();
        let log = first.map(|told| (told.at.evidence, &*told.channel));
        let record = first.map_or(0, |told| told.at.item);
        let at = self.of_system(host, step.to, log, record).time;
        Change {
            size: step.size(),
            from: at,
            to: at,
            told: step.told.iter().map(|told| told.at).collect(),
            process: step.process.clone(),
            taken: self.taken(clock, step),
        }
    }

    fn taken(&self, clock: &HostClock, step: &Step) -> Taken {
        match (&clock.system, &clock.stretches) {
            (Known::Given(_), _) => Taken::Given,
            (Known::Measured(measured, _), _) => match around(measured, step) {
                Some((before, after)) => Taken::Measured(before.negated(), after.negated()),
                None => Taken::Contradicted,
            },
            (_, Some(stretches)) => match around(stretches, step) {
                Some((before, after)) if before != after => {
                    Taken::Stretches(before.plus(after.negated()))
                }
                _ => Taken::Nothing,
            },
            _ => Taken::Nothing,
        }
    }
}

/// A computer that wakes sets its clock forward by as long as it slept, and names no program.
fn is_a_wake(step: &Step) -> bool {
    step.size() > Span::ZERO && step.process.is_empty()
}

/// How far the clock is ahead before and after a change.
fn around(measured: &Measured, step: &Step) -> Option<(Span, Span)> {
    let is_it = |boundary: &Boundary| matches!(boundary, Boundary::At(at) if at == step);
    let at = measured.boundaries.iter().position(is_it)?;
    let (before, after) = (measured.segments.get(at)?, measured.segments.get(at + 1)?);
    Some((before.offset_at(step.from), after.offset_at(step.to)))
}

fn unlogged(system: &Known) -> Vec<Change> {
    let Known::Measured(measured, Against::Captures | Against::Hosts) = system else {
        return Vec::new();
    };
    let pieces = measured.segments.windows(2).zip(&measured.boundaries);
    pieces
        .filter(|(_, boundary)| **boundary == Boundary::Between)
        .map(|(pieces, _)| {
            let (a, b) = (&pieces[0], &pieces[1]);
            let (before, after) = (a.offset_at(a.to), b.offset_at(b.from));
            Change {
                size: after.plus(before.negated()),
                from: a.corrected(a.to),
                to: b.corrected(b.from),
                told: Vec::new(),
                process: "".into(),
                taken: Taken::Measured(before.negated(), after.negated()),
            }
        })
        .collect()
}
