//! Whether a failure is one channel's or everybody's: what failed and what worked on a host, by
//! minute; and what that and the fate of the other hosts says about a broken channel.

use super::settings::FallbackSettings;
use super::who::Who;
use crate::context::outages::Loss;
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

/// Failures and successes of one host by minute, apart for remotes inside and outside: an uplink
/// that is down leaves the own network at work. All in one row each, in order: there are many
/// minutes, and most hold little.
#[derive(Default)]
pub struct Outage {
    // Minute, inside, whether it failed, which remote.
    remotes: VecDeque<(i64, bool, bool, IpAddr)>,
    programs: VecDeque<(i64, bool, Text)>,
    minutes: usize,
}

/// What failed on a host within one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breadth {
    /// Programs of which something failed.
    pub programs: usize,
    /// Remotes that failed.
    pub failed: usize,
    /// Those and the remotes that worked.
    pub remotes: usize,
}

impl Breadth {
    /// How the host's network failed as a whole, in words; `None` if it did not.
    pub fn outage(self, settings: &FallbackSettings) -> Option<String> {
        if self.programs >= settings.outage_processes as usize {
            return Some(format!(
                "{} programs failed in the same minute, and {} make an outage",
                self.programs, settings.outage_processes
            ));
        }
        // One program whose servers are all blocked is no outage, and neither is a host that hardly
        // talks.
        let of_many = self.programs != 1 && self.remotes >= FEW_REMOTES;
        (of_many && self.failed * 2 > self.remotes).then(|| {
            format!(
                "{} of {} remotes failed in the same minute, more than half",
                self.failed, self.remotes
            )
        })
    }
}

/// How far a failure went beyond the broken channel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// On its host, in the worst minute.
    pub host: Breadth,
    /// On all hosts of the evidence.
    pub hosts: Loss,
}

impl Extent {
    /// How the network failed as a whole, in words; `None` if it did not.
    pub fn outage(self, settings: &FallbackSettings) -> Option<String> {
        self.host
            .outage(settings)
            .or_else(|| shared(self.hosts, settings))
    }

    /// True if all that was tried beside the channel failed too, but that was too little to tell an
    /// outage.
    pub fn in_doubt(self) -> bool {
        let Breadth {
            programs,
            failed,
            remotes,
        } = self.host;
        let here = programs != 1 && failed >= 2 && failed == remotes;
        let Loss {
            lost, reached_out, ..
        } = self.hosts;
        let around = lost >= 2 && lost * 2 > reached_out && !self.hosts.spared;
        here || around
    }

    /// The settings an outage is told by.
    pub fn setting(settings: &FallbackSettings) -> String {
        format!(
            "fewer than {} programs and at most half of the remotes fail in a minute; fewer than {} hosts, and at \
             most half of them, lose all (the share counts from {FEW_REMOTES} remotes and 2 programs on)",
            settings.outage_processes, settings.outage_hosts
        )
    }

    /// What was measured of it.
    pub fn measured(self, settings: &FallbackSettings) -> String {
        let here = format!(
            "on this host {} and {} of {} remotes failed",
            match self.host.programs {
                1 => "1 program".to_owned(),
                n => format!("{n} programs"),
            },
            self.host.failed,
            self.host.remotes
        );
        let Loss {
            lost,
            reached_out,
            incomplete,
            spared,
            ..
        } = self.hosts;
        let through = if spared && lost > 0 {
            ", not this one"
        } else {
            ""
        };
        let few = if reached_out < settings.outage_hosts as usize {
            "; too few hosts reached out to tell an outage of all"
        } else {
            ""
        };
        let rest = if incomplete {
            "; not all contacts of that time are remembered"
        } else {
            ""
        };
        format!(
            "{here}; beside the channel, {lost} of {reached_out} hosts lost all{through}{few}{rest}"
        )
    }
}

/// How the network failed for many hosts together, in words; `None` if it did not, or if this host
/// got through.
fn shared(loss: Loss, settings: &FallbackSettings) -> Option<String> {
    let many = loss.lost >= settings.outage_hosts as usize && loss.remotes >= FEW_REMOTES;
    (many && loss.lost * 2 > loss.reached_out && !loss.spared).then(|| {
        format!(
            "{} of {} hosts lost all they reached for, {} remotes beside this channel, at once, and {} hosts and more \
             than half make an outage",
            loss.lost, loss.reached_out, loss.remotes, settings.outage_hosts
        )
    })
}

fn minute(time: Timestamp) -> i64 {
    time.0.div_euclid(60_000_000_000)
}

/// Where those begin and end that `order` calls equal.
fn stretch<T>(row: &VecDeque<T>, order: impl Fn(&T) -> Ordering) -> Range<usize> {
    row.partition_point(|one| order(one).is_lt())..row.partition_point(|one| order(one).is_le())
}

impl Outage {
    /// Takes in one contact whose fate is told; `inside` says where its remote lies.
    pub fn hear(
        &mut self,
        who: &Who,
        (remote, inside): (IpAddr, bool),
        failed: bool,
        time: Timestamp,
    ) {
        let minute = minute(time);
        if failed && who.known() {
            let told = stretch(&self.programs, |(at, of, _)| {
                (*at, *of).cmp(&(minute, inside))
            });
            let known = self.programs.range(told.clone());
            if told.len() < PROGRAMS && !known.into_iter().any(|(.., p)| *p == who.program) {
                self.programs
                    .insert(told.end, (minute, inside, who.program.clone()));
            }
        }
        let row = (minute, inside, failed, remote);
        if let Err(place) = self.remotes.binary_search(&row) {
            if stretch(&self.remotes, |(at, ..)| at.cmp(&minute)).is_empty() {
                self.minutes += 1;
            }
            if self.told(minute, inside, failed).len() < REMOTES {
                self.remotes.insert(place, row);
            }
        }
        while self.minutes > MINUTES {
            self.forget();
        }
    }

    fn told(&self, minute: i64, inside: bool, failed: bool) -> Range<usize> {
        let wanted = (minute, inside, failed);
        stretch(&self.remotes, |(at, side, of, _)| {
            (*at, *side, *of).cmp(&wanted)
        })
    }

    /// Forgets the earliest minute.
    fn forget(&mut self) {
        let Some((earliest, ..)) = self.remotes.front().copied() else {
            return;
        };
        self.minutes -= 1;
        let remotes = stretch(&self.remotes, |(at, ..)| at.cmp(&earliest));
        self.remotes.drain(remotes);
        let programs = stretch(&self.programs, |(at, ..)| at.cmp(&earliest));
        self.programs.drain(programs);
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.remotes.capacity() * size_of::<(i64, bool, bool, IpAddr)>()
            + self.programs.capacity() * size_of::<(i64, bool, Text)>()
    }

    /// What failed in the minute of `time` and in those beside it.
    pub fn around(&self, time: Timestamp, inside: bool) -> [Breadth; 3] {
        let middle = minute(time);
        [middle - 1, middle, middle + 1].map(|minute| self.of(minute, inside))
    }

    fn of(&self, minute: i64, inside: bool) -> Breadth {
        let programs = stretch(&self.programs, |(at, of, _)| {
            (*at, *of).cmp(&(minute, inside))
        });
        let failed = self.told(minute, inside, true).len();
        let worked = self
            .remotes
            .range(self.told(minute, inside, false))
            .filter(|(.., remote)| {
                let also = (minute, inside, true, *remote);
                self.remotes.binary_search(&also).is_err()
            })
            .count();
        Breadth {
            programs: programs.len(),
            failed,
            remotes: failed + worked,
        }
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
        outage.hear(
            &who(program),
            (remote, false),
            failed,
            Timestamp(30_000_000_000),
        );
    }

    fn told(outage: &Outage, second: i64) -> bool {
        let minutes = outage.around(Timestamp(second * 1_000_000_000), false);
        let settings = FallbackSettings::default();
        minutes.iter().any(|one| one.outage(&settings).is_some())
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
        assert!(told(&five, 40) && !told(&four, 40));
        assert!(!told(&five, 600), "another time");
        let inside = five.around(Timestamp(40_000_000_000), true);
        assert_eq!(inside, [Breadth::default(); 3], "the other side");
    }

    #[test]
    fn one_program_with_all_its_servers_blocked_is_no_outage() {
        let mut outage = Outage::default();
        for last in 0..8 {
            fail(&mut outage, "\\x.exe", last, true);
        }
        assert!(!told(&outage, 30));
    }

    #[test]
    fn hosts_are_out_together_if_they_are_enough_and_more_than_half_and_this_one_too() {
        let out = |lost, reached_out, remotes, spared| {
            let loss = Loss {
                lost,
                reached_out,
                remotes,
                spared,
                incomplete: false,
            };
            shared(loss, &FallbackSettings::default()).is_some()
        };
        assert!(out(3, 5, 4, false));
        assert!(!out(2, 2, 4, false), "two are too few");
        assert!(!out(3, 6, 4, false), "half is not more than half");
        assert!(!out(3, 5, 3, false), "three remotes may be one campaign's");
        assert!(!out(3, 5, 4, true), "this host got through");
    }

    #[test]
    fn too_little_to_tell_an_outage_is_a_doubt_if_all_of_it_failed() {
        let on_host = |programs, failed, remotes| {
            let host = Breadth {
                programs,
                failed,
                remotes,
            };
            Extent {
                host,
                hosts: Loss::default(),
            }
            .in_doubt()
        };
        assert!(on_host(2, 2, 2) && on_host(0, 2, 2));
        assert!(!on_host(1, 2, 2), "one program and its two servers");
        assert!(!on_host(2, 2, 3) && !on_host(0, 1, 1));
        let of_all = |lost, reached_out, spared| {
            let hosts = Loss {
                lost,
                reached_out,
                remotes: 2,
                spared,
                incomplete: false,
            };
            Extent {
                host: Breadth::default(),
                hosts,
            }
            .in_doubt()
        };
        assert!(of_all(2, 2, false));
        assert!(!of_all(1, 1, false) && !of_all(2, 4, false) && !of_all(2, 2, true));
    }

    #[test]
    fn half_of_the_remotes_is_not_more_than_half() {
        let mut outage = Outage::default();
        for last in 0..3 {
            fail(&mut outage, if last == 0 { "a" } else { "b" }, last, true);
            fail(&mut outage, "c", last + 100, false);
        }
        assert!(!told(&outage, 30));
        fail(&mut outage, "b", 9, true);
        assert!(told(&outage, 30));
    }
}
