//! Where a host's Sysmon shows that it logs connections (event 3): by program and port, the stretches
//! of time in which it demonstrably did.
//!
//! Sysmon logs what its configuration names: programs, ports, addresses. That it logged nothing for an
//! attempt says that the attempt failed only beside what it did log, of the same program to the same
//! port, before and after. Whether records are missing meanwhile is not asked here.

use super::interval::Interval;
use crate::eventlog::normalise::image::image_key;
use crate::model::{HostEvent, HostWhat, Span, Timestamp, Transport};
use std::collections::BTreeMap;

/// Records nearer than this are one stretch.
pub const NEAR: Span = Span::seconds(600);
/// A stretch tells of attempts up to so long before its end: Sysmon writes event 3 seconds after the
/// connection, up to five as seen on a host that was busy.
pub const LATE: Span = Span::seconds(10);
/// Stretches of one program and port, of all of one computer, and of all computers together. Beyond
/// them some are forgotten, and no outcome is told there.
const OF_ONE: usize = 32;
const OF_COMPUTER: usize = 8_192;
const ALL: usize = 131_072;

/// How many stretches are held of all computers together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held(usize);

/// The stretches of one computer.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcomes {
    // By program, as `image_key` has it, and port of the responder; each in order of time.
    stretches: BTreeMap<String, BTreeMap<u16, Vec<Interval>>>,
    held: usize,
}

impl Outcomes {
    /// Takes in a record of its log.
    pub(super) fn observe(&mut self, host: &HostEvent, held: &mut Held) {
        if let HostWhat::Connected {
            process,
            initiated: true,
            transport: Transport::TCP,
            destination,
            ..
        } = &host.what
        {
            let at = Interval::at(host.written);
            self.add(&image_key(&process.image), destination.port, at, held);
        }
    }

    fn add(&mut self, program: &str, port: u16, new: Interval, held: &mut Held) {
        let known = self.stretches.get_mut(program);
        let of_program = match known {
            Some(known) => known,
            None if self.held >= OF_COMPUTER || held.0 >= ALL => return,
            None => self.stretches.entry(program.to_owned()).or_default(),
        };
        let stretches = of_program.entry(port).or_default();
        // The common case: time goes on.
        if let Some(last) = stretches.last_mut()
            && new.from >= last.from
            && new.from.since(last.to) <= NEAR
        {
            last.widen(new);
            return;
        }
        if self.held >= OF_COMPUTER || held.0 >= ALL {
            return;
        }
        let before = stretches.len();
        stretches.push(new);
        *stretches = super::interval::joined(std::mem::take(stretches), NEAR);
        if stretches.len() > OF_ONE {
            // The last may still grow.
            let length = |at: &usize| stretches[*at].to.since(stretches[*at].from);
            if let Some(shortest) = (0..stretches.len() - 1).min_by_key(length) {
                stretches.remove(shortest);
            }
        }
        let after = stretches.len();
        self.held = self.held + after - before;
        held.0 = held.0 + after - before;
    }

    pub(super) fn merge(&mut self, other: Self, held: &mut Held) {
        for (program, ports) in other.stretches {
            for (port, stretches) in ports {
                for stretch in stretches {
                    self.add(&program, port, stretch, held);
                }
            }
        }
    }

    pub(super) fn retime(&mut self, time: impl Fn(Timestamp) -> Timestamp) {
        let all = self.stretches.values_mut().flat_map(BTreeMap::values_mut);
        for stretch in all.flatten() {
            *stretch = stretch.retimed(&time);
        }
    }

    /// The stretch that tells of an attempt of `program` to `port` at `at`.
    pub(super) fn about(&self, program: &str, port: u16, at: Timestamp) -> Option<Interval> {
        // Most logs tell of none, and a key is a copy of a path.
        if self.stretches.is_empty() {
            return None;
        }
        let stretches = self.stretches.get(&image_key(program))?.get(&port)?;
        let mut telling = stretches.iter();
        telling
            .find(|s| s.holds(at) && s.holds(at.shifted(LATE)))
            .copied()
    }

    /// All stretches of `program` and `port`.
    pub(super) fn of(&self, program: &str, port: u16) -> &[Interval] {
        let ports = self.stretches.get(&image_key(program));
        ports
            .and_then(|ports| ports.get(&port))
            .map_or(&[], |stretches| stretches)
    }

    /// True if there is a stretch that could tell of anything.
    pub(super) fn any(&self) -> bool {
        let all = self.stretches.values().flat_map(BTreeMap::values);
        all.flatten().any(|s| s.to.since(s.from) > LATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(Span::seconds(seconds).0)
    }

    fn of(seconds: &[i64]) -> Outcomes {
        let (mut outcomes, mut held) = (Outcomes::default(), Held::default());
        for s in seconds {
            outcomes.add(r"\windows\x.exe", 445, Interval::at(at(*s)), &mut held);
        }
        outcomes
    }

    #[test]
    fn an_attempt_is_told_of_between_two_records_of_its_program_and_port() {
        let told = |outcomes: &Outcomes, program: &str, port, s| {
            outcomes.about(program, port, at(s)).is_some()
        };
        let x = r"C:\Windows\x.exe";
        for outcomes in [of(&[0, 600, 5_000]), of(&[5_000, 600, 0])] {
            assert!(told(&outcomes, x, 445, 0) && told(&outcomes, x, 445, 590));
            assert!(told(
                &outcomes,
                r"\device\harddiskvolume2\windows\x.exe",
                445,
                300
            ));
            assert!(!told(&outcomes, x, 445, 591), "Sysmon is late");
            assert!(!told(&outcomes, x, 445, 700) && !told(&outcomes, x, 445, 5_000));
            assert!(!told(&outcomes, x, 446, 300));
            assert!(!told(&outcomes, r"C:\Windows\y.exe", 445, 300));
            assert!(outcomes.any());
        }
        let apart = of(&[0, 601]);
        assert!(!told(&apart, x, 445, 300) && !apart.any());
    }

    #[test]
    fn stretches_are_bounded_and_the_longest_are_kept() {
        let seconds: Vec<i64> = [0, 500]
            .into_iter()
            .chain((1..200).map(|n| n * 2_000))
            .collect();
        let outcomes = of(&seconds);
        assert_eq!(outcomes.held, OF_ONE);
        assert!(outcomes.about(r"C:\windows\x.exe", 445, at(200)).is_some());
        let (mut outcomes, mut held) = (Outcomes::default(), Held::default());
        for n in 0..2 * OF_COMPUTER {
            outcomes.add(&format!("x{n}"), 1, Interval::at(at(0)), &mut held);
        }
        assert_eq!((outcomes.held, held.0), (OF_COMPUTER, OF_COMPUTER));
        let mut other = Outcomes::default();
        let mut held = Held(ALL);
        other.merge(outcomes, &mut held);
        assert_eq!((other.held, other.stretches.len()), (0, 0));
    }
}
