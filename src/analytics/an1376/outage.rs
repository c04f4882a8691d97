//! Whether a failure is one channel's or everybody's: what failed and what worked on a host, by
//! minute.

use super::who::Who;
use crate::model::{Text, Timestamp};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::ops::Range;

/// Minutes remembered.
const MINUTES: usize = 180;
/// Programs and remotes remembered of a minute.
const PROGRAMS: usize = 32;
const REMOTES: usize = 256;
/// Fewer remotes than this in a minute say nothing by their share.
const FEW_REMOTES: usize = 4;

/// Failures and successes of one host by minute. All in one row each, in order: there are many
/// minutes, and most hold little.
#[derive(Default)]
pub struct Outage {
    // Minute, whether it failed, which remote.
    remotes: VecDeque<(i64, bool, IpAddr)>,
    programs: VecDeque<(i64, Text)>,
    minutes: usize,
}

fn minute(time: Timestamp) -> i64 {
    time.0.div_euclid(60_000_000_000)
}

/// Where those begin and end that `order` calls equal.
fn stretch<T>(row: &VecDeque<T>, order: impl Fn(&T) -> Ordering) -> Range<usize> {
    row.partition_point(|one| order(one).is_lt())..row.partition_point(|one| order(one).is_le())
}

impl Outage {
    /// Takes in one contact whose fate is told.
    pub fn hear(&mut self, who: &Who, remote: IpAddr, failed: bool, time: Timestamp) {
        let minute = minute(time);
        if failed && who.known() {
            let told = stretch(&self.programs, |(at, _)| at.cmp(&minute));
            let known = self.programs.range(told.clone());
            if told.len() < PROGRAMS && !known.into_iter().any(|(_, p)| *p == who.program) {
                self.programs
                    .insert(told.end, (minute, who.program.clone()));
            }
        }
        if let Err(place) = self.remotes.binary_search(&(minute, failed, remote)) {
            let order = |at: &i64, of: &bool| (*at, *of).cmp(&(minute, failed));
            let told = stretch(&self.remotes, |(at, of, _)| order(at, of)).len();
            if stretch(&self.remotes, |(at, ..)| at.cmp(&minute)).is_empty() {
                self.minutes += 1;
            }
            if told < REMOTES {
                self.remotes.insert(place, (minute, failed, remote));
            }
        }
        while self.minutes > MINUTES {
            self.forget();
        }
    }

    /// Forgets the earliest minute.
    fn forget(&mut self) {
        let Some((earliest, ..)) = self.remotes.front().copied() else {
            return;
        };
        self.minutes -= 1;
        let remotes = stretch(&self.remotes, |(at, ..)| at.cmp(&earliest));
        self.remotes.drain(remotes);
        let programs = stretch(&self.programs, |(at, _)| at.cmp(&earliest));
        self.programs.drain(programs);
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.remotes.capacity() * size_of::<(i64, bool, IpAddr)>()
            + self.programs.capacity() * size_of::<(i64, Text)>()
    }

    /// How the network as a whole failed around `time`, in words; `None` if it did not.
    pub fn around(&self, time: Timestamp, processes: u32) -> Option<String> {
        let middle = minute(time);
        (middle - 1..=middle + 1).find_map(|minute| self.of(minute, processes))
    }

    fn of(&self, minute: i64, processes: u32) -> Option<String> {
        let programs = stretch(&self.programs, |(at, _)| at.cmp(&minute)).len();
        if programs >= processes as usize {
            return Some(format!("{programs} programs failed in the same minute"));
        }
        let told = |failed| {
            stretch(&self.remotes, |(at, of, _)| {
                (*at, *of).cmp(&(minute, failed))
            })
        };
        let failed = told(true).len();
        let worked = self
            .remotes
            .range(told(false))
            .filter(|(.., remote)| {
                let also = (minute, true, *remote);
                self.remotes.binary_search(&also).is_err()
            })
            .count();
        let all = failed + worked;
        // One program whose servers are all blocked is no outage, and neither is a host that hardly
        // talks.
        let of_many = programs != 1 && all >= FEW_REMOTES;
        (of_many && failed * 2 > all)
            .then(|| format!("{failed} of {all} remotes failed in the same minute"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(name: &str) -> Who {
        Who {
            program: name.into(),
            ..Who::default()
        }
    }

    fn fail(outage: &mut Outage, program: &str, last: u8, failed: bool) {
        let remote = IpAddr::from([203, 0, 113, last]);
        outage.hear(&who(program), remote, failed, Timestamp(30_000_000_000));
    }

    #[test]
    fn five_programs_are_an_outage_and_four_are_not() {
        let (mut four, mut five) = (Outage::default(), Outage::default());
        for (i, program) in ["a", "b", "c", "d", "e"].iter().enumerate() {
            fail(&mut five, program, i as u8, true);
            if i < 4 {
                fail(&mut four, program, i as u8, true);
            }
        }
        for last in 100..110 {
            fail(&mut four, "z", last, false);
        }
        let at = Timestamp(40_000_000_000);
        assert!(five.around(at, 5).is_some());
        assert!(four.around(at, 5).is_none());
        assert!(five.around(Timestamp(600_000_000_000), 5).is_none());
    }

    #[test]
    fn one_program_with_all_its_servers_blocked_is_no_outage() {
        let mut outage = Outage::default();
        for last in 0..8 {
            fail(&mut outage, "\\x.exe", last, true);
        }
        assert!(outage.around(Timestamp(30_000_000_000), 5).is_none());
    }

    #[test]
    fn half_of_the_remotes_is_not_more_than_half() {
        let mut outage = Outage::default();
        for last in 0..3 {
            fail(&mut outage, if last == 0 { "a" } else { "b" }, last, true);
            fail(&mut outage, "c", last + 100, false);
        }
        let at = Timestamp(30_000_000_000);
        assert!(outage.around(at, 5).is_none());
        fail(&mut outage, "b", 9, true);
        assert!(outage.around(at, 5).is_some());
    }
}
