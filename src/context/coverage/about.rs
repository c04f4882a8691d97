//! Whether what Sysmon logged of a program's connections around a moment tells what became of an attempt,
//! and for the sentence that says so why it does not.

use super::channel::Channel;
use super::interval::Interval;
use super::log::Log;
use super::logging::{LoggingChange, LoggingWhat};
use super::outcomes::{LATE, NEAR};
use super::{Coverage, OfHost};
use crate::context::identity::HostId;
use crate::model::Timestamp;

/// What Sysmon's connections (event 3) of one program to one port say around a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SysmonAbout {
    /// None was logged before or after it.
    Nothing,
    /// Some were logged before it, the last then, and none soon after.
    Before(Timestamp),
    /// Some were logged after it, the first then, and none shortly before.
    After(Timestamp),
    /// It lies between two.
    Around {
        /// The first of the stretch.
        from: Timestamp,
        /// The last of the stretch.
        to: Timestamp,
        /// Why what was logged in between is not all of it.
        broken: Option<&'static str>,
    },
}

impl OfHost {
    /// The stretch that tells of an attempt of `program` to `port` at `at`, and why it may not.
    fn around(
        &self,
        program: &str,
        port: u16,
        at: Timestamp,
    ) -> Option<(Interval, Option<&'static str>)> {
        let stretch = self.outcomes.about(program, port, at)?;
        let near = Interval {
            from: stretch.from.max(at.shifted(NEAR.negated())),
            to: stretch.to.min(at.shifted(NEAR)),
        };
        Some((stretch, self.broken_sysmon(near)))
    }

    /// Why its Sysmon log may lack records in a stretch of time, or hold other events from then on; `None`
    /// if nothing says so.
    fn broken_sysmon(&self, at: Interval) -> Option<&'static str> {
        let sysmon = || self.channels.values().filter(|c| c.log == Log::Sysmon);
        let holed = |channel: &Channel| {
            channel.missing().unwrap_or_default().iter().any(|hole| {
                let times = hole.after.zip(hole.before);
                times.is_none_or(|(a, b)| Interval::at(a).hull(Interval::at(b)).meets(&at))
            })
        };
        let turns = |change: &LoggingChange| {
            let sysmon = matches!(
                change.what,
                LoggingWhat::Sysmon { .. } | LoggingWhat::SysmonConfigured
            );
            sysmon && at.holds(change.time)
        };
        if !self.logs.contains_key(&Log::Sysmon) || sysmon().any(|c| c.missing().is_none()) {
            Some("without its record ids nothing shows that no record is missing between them")
        } else if sysmon().any(holed) {
            Some("records of its log are missing between them")
        } else if self.changes.list.iter().any(turns) {
            Some("it was started, stopped or configured anew between them")
        } else if !self.changes.could_write(Log::Sysmon, at.from, at.to) {
            Some("it could not write all the time between them")
        } else {
            None
        }
    }
}

impl Coverage {
    /// True if an attempt of `program` to `port` over TCP that the host logged (Security 5156) at `at`,
    /// without a Sysmon 3 of it, was not made: Sysmon logged others of that program to that port before
    /// and after, minutes away, and nothing says that records are missing there, or that it was stopped
    /// or configured anew. An export without the record IDs of a log proves no absence.
    pub fn tells_outcome(&self, host: HostId, program: &str, port: u16, at: Timestamp) -> bool {
        let told = self
            .hosts
            .get(&host)
            .and_then(|known| known.around(program, port, at));
        told.is_some_and(|(_, broken)| broken.is_none())
    }

    /// What Sysmon logged of `program`'s connections to `port` around `at`.
    pub fn sysmon_about(
        &self,
        host: HostId,
        program: &str,
        port: u16,
        at: Timestamp,
    ) -> SysmonAbout {
        let Some(known) = self.hosts.get(&host) else {
            return SysmonAbout::Nothing;
        };
        if let Some((stretch, broken)) = known.around(program, port, at) {
            return SysmonAbout::Around {
                from: stretch.from,
                to: stretch.to,
                broken,
            };
        }
        let stretches = known.outcomes.of(program, port);
        // What ends within Sysmon's delay of the moment tells nothing of it either.
        let before = stretches
            .iter()
            .filter(|s| s.from <= at)
            .map(|s| s.to.min(at.shifted(LATE)));
        let after = stretches.iter().map(|s| s.from).filter(|from| *from > at);
        match (before.max(), after.min()) {
            (None, None) => SysmonAbout::Nothing,
            (None, Some(first)) => SysmonAbout::After(first),
            (Some(last), _) => SysmonAbout::Before(last),
        }
    }
}
