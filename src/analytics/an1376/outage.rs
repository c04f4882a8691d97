//! Whether a failure is one channel's or everybody's: what failed and what worked on a host, by
//! minute.

use super::who::Who;
use crate::model::{Text, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Minutes remembered.
const MINUTES: usize = 180;
/// Programs and remotes remembered of a minute.
const PROGRAMS: usize = 32;
const REMOTES: usize = 256;
/// Fewer remotes than this in a minute say nothing by their share.
const FEW_REMOTES: usize = 4;

#[derive(Default)]
struct Minute {
    failed_programs: BTreeSet<Text>,
    failed: BTreeSet<IpAddr>,
    worked: BTreeSet<IpAddr>,
}

/// Failures and successes of one host by minute.
#[derive(Default)]
pub struct Outage {
    minutes: BTreeMap<i64, Minute>,
}

fn minute(time: Timestamp) -> i64 {
    time.0.div_euclid(60_000_000_000)
}

impl Outage {
    /// Takes in one contact whose fate is told.
    pub fn hear(&mut self, who: &Who, remote: IpAddr, failed: bool, time: Timestamp) {
        let minute = self.minutes.entry(minute(time)).or_default();
        let remotes = if failed {
            if minute.failed_programs.len() < PROGRAMS && who.known() {
                minute.failed_programs.insert(who.program.clone());
            }
            &mut minute.failed
        } else {
            &mut minute.worked
        };
        if remotes.len() < REMOTES {
            remotes.insert(remote);
        }
        while self.minutes.len() > MINUTES {
            self.minutes.pop_first();
        }
    }

    /// How the network as a whole failed around `time`, in words; `None` if it did not.
    pub fn around(&self, time: Timestamp, processes: u32) -> Option<String> {
        let middle = minute(time);
        (middle - 1..=middle + 1)
            .filter_map(|at| self.minutes.get(&at))
            .find_map(|minute| {
                let programs = minute.failed_programs.len();
                if programs >= processes as usize {
                    return Some(format!("{programs} programs failed in the same minute"));
                }
                let (failed, worked) = (
                    minute.failed.len(),
                    minute.worked.difference(&minute.failed).count(),
                );
                let all = failed + worked;
                // One program whose servers are all blocked is no outage, and neither is a host
                // that hardly talks.
                let of_many = programs != 1 && all >= FEW_REMOTES;
                (of_many && failed * 2 > all)
                    .then(|| format!("{failed} of {all} remotes failed in the same minute"))
            })
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
