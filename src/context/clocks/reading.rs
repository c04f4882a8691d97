//! What a clock's reading means: the moment on the reference clock, and how sure that is.
//!
//! Everything here is a function of what the evidence recorded, so it gives the same before and
//! after an event was corrected.

use super::compare::{Against, HostClock, Known, apart};
use super::measure::Measured;
use super::{Clock, ClockMode, Clocks};
use crate::context::identity::{HostId, Identity};
use crate::model::provenance::Item;
use crate::model::{Event, EvidenceId, HostEvent, HostWhat, Span, Timed, Timestamp, What};

/// How late Sysmon may write a network event: 1.0 to 1.96 s were measured, up to 2.5 s were seen.
pub const LATEST: Span = Span::seconds(2);
/// How late it is taken to be where its own clock is not known, give or take `LATE_BY`.
const LATE: Span = Span::millis(1_500);
/// See `LATE`.
pub const LATE_BY: Span = Span::seconds(1);
/// A calibrated event that would have been written this long after it happened was timed by a clock
/// other than the calibrated one: after a resume or a restart it has another offset.
const STALE: Span = Span::seconds(10);
/// And this long before it happened.
const EARLY: Span = Span::millis(100);

/// How far local time is from UTC at most, in zones as they are (IANA: -12 h to +14 h).
pub const ANY_ZONE: Span = Span::seconds(14 * 3_600);

/// When Sysmon says that a connection or a question for a name happened.
fn utc_of(host: &HostEvent) -> Option<Timestamp> {
    match host.what {
        HostWhat::Connected { utc_time, .. } | HostWhat::NameQueried { utc_time, .. } => utc_time,
        _ => None,
    }
}

/// A reading of a clock.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Whose clock.
    pub clock: Clock,
    /// The moment on the reference clock.
    pub time: Timestamp,
    /// Half width of the interval it lies in.
    pub uncertainty: Span,
    /// The same against the system clock of the same host.
    pub of_host: Span,
    /// The same against another piece of the same clock.
    pub of_clock: Span,
    /// Readings of one clock and one piece are in true order.
    pub piece: usize,
    /// By how much the choice of the piece could be wrong; already in `uncertainty`.
    pub doubt: Span,
}

/// Piece of Sysmon's network events that are placed by when they were written.
const WRITTEN: usize = usize::MAX;

/// The offset to take off, and what is left uncertain: an offset that cannot be told from zero is
/// left on the times and counted as uncertainty.
fn applied(measured: &Measured, offset: Span, uncertainty: Span) -> (Span, Span) {
    if apart(measured) {
        (offset, uncertainty)
    } else {
        (Span::ZERO, uncertainty.plus(offset.abs()))
    }
}

/// The largest uncertainty between anchors.
pub fn widest(measured: &Measured) -> Span {
    measured
        .segments
        .iter()
        .map(|s| applied(measured, s.offset, s.uncertainty).1)
        .max()
        .unwrap_or(measured.uncertainty)
}

impl Clocks {
    /// What the reading of `event`'s clock means.
    pub(super) fn read(&self, event: &Event, identity: &Identity) -> Reading {
        let clock = self.clock_of(event, identity);
        let plain = |uncertainty| Reading {
            clock,
            time: event.recorded,
            uncertainty,
            of_host: Span::ZERO,
            of_clock: uncertainty,
            piece: 0,
            doubt: Span::ZERO,
        };
        match (clock, &event.what) {
            (Clock::Capture, _) => self.of_sensor(event, plain(Span::ZERO)),
            (Clock::Host(id), What::Host(host)) => {
                let log = (event.provenance.kind == Item::Record)
                    .then_some((event.provenance.evidence, &*host.channel));
                let zone = self.zone_beside(id, event.recorded, host.written);
                self.of_system(id, event.recorded.shifted(zone), log, event.provenance.item)
            }
            (Clock::Local(id, timed), What::Host(_)) => self.of_local(id, timed, event.recorded),
            (Clock::SysmonNetwork(id), What::Host(host)) => {
                self.of_sysmon(id, event, host, identity)
            }
            _ => plain(self.assumed_error),
        }
    }

    /// An export that labels local times as UTC leaves the `UtcTime` inside its Sysmon records alone:
    /// those are told by lying a zone apart from when they were written. Gives what puts them beside
    /// the other times of the host.
    fn zone_beside(&self, id: HostId, recorded: Timestamp, written: Timestamp) -> Span {
        let Some(Known::Measured(measured, _)) = self.hosts.get(&id).map(|h| &h.system) else {
            return Span::ZERO;
        };
        let apart = written.since(recorded);
        match measured.zone_error {
            Some(zone) if apart.plus(zone.negated()).abs() < apart.abs() => zone,
            _ => Span::ZERO,
        }
    }

    fn of_sensor(&self, event: &Event, plain: Reading) -> Reading {
        let sensor = super::anchors::sensor_of(&event.provenance);
        let Some(measured) = self.sensors.get(&sensor) else {
            return plain;
        };
        let (piece, doubt) = measured.piece_at(event.recorded, None, 0);
        let (offset, uncertainty) = measured.at(piece, event.recorded);
        Reading {
            time: event.recorded.shifted(offset.negated()),
            uncertainty: uncertainty.plus(doubt),
            of_clock: uncertainty.plus(doubt),
            // Another sensor's reading is not of the same piece.
            piece: (super::anchors::tag(sensor) as usize) << 8 | (piece + 1),
            doubt,
            ..plain
        }
    }

    pub(super) fn of_system(
        &self,
        id: HostId,
        at: Timestamp,
        log: Option<(EvidenceId, &str)>,
        record: u64,
    ) -> Reading {
        let plain = Reading {
            clock: Clock::Host(id),
            time: at,
            uncertainty: self.assumed(id),
            of_host: Span::ZERO,
            of_clock: self.assumed(id),
            piece: 0,
            doubt: Span::ZERO,
        };
        let clock = self.hosts.get(&id);
        if let Some(stretches) = clock.and_then(|h| h.stretches.as_deref()) {
            let (piece, doubt) = stretches.piece_at(at, log, record);
            let (offset, own) = stretches.at(piece, at);
            let own = own.plus(doubt);
            let (offset, assumed) = match clock.map(|h| &h.system) {
                Some(Known::Reference) => (offset, Span::ZERO),
                Some(Known::Given(given)) => (offset.plus(*given), self.assumed_error),
                _ => (offset, plain.uncertainty),
            };
            return Reading {
                time: at.shifted(offset.negated()),
                uncertainty: assumed.plus(own),
                of_host: own,
                of_clock: own,
                piece,
                doubt,
                ..plain
            };
        }
        match clock.map(|h| &h.system) {
            Some(Known::Measured(measured, _)) => {
                let (piece, doubt) = measured.piece_at(at, log, record);
                let (offset, uncertainty) = measured.at(piece, at);
                let (offset, uncertainty) = applied(measured, offset, uncertainty);
                let time = at.shifted(offset.negated());
                Reading {
                    time,
                    uncertainty: uncertainty.plus(doubt),
                    of_host: doubt,
                    of_clock: uncertainty.plus(doubt),
                    piece,
                    doubt,
                    ..plain
                }
            }
            Some(Known::Given(offset)) => Reading {
                time: at.shifted(offset.negated()),
                uncertainty: self.assumed_error,
                ..plain
            },
            Some(Known::Reference) => Reading {
                uncertainty: Span::ZERO,
                of_clock: Span::ZERO,
                ..plain
            },
            Some(Known::AsRecorded | Known::Undetermined(_)) | None => plain,
        }
    }

    /// How wrong local times are where nothing tells their zone.
    pub(super) fn any_zone(&self) -> Span {
        match self.mode {
            ClockMode::Measured => self.assumed_error.max(ANY_ZONE),
            ClockMode::AsRecorded => self.assumed_error,
        }
    }

    /// A moment in a form with local times, beside the host's own clock.
    pub(super) fn of_local(&self, id: HostId, timed: Timed, at: Timestamp) -> Reading {
        let plain = |time: Timestamp, uncertainty: Span| Reading {
            clock: Clock::Local(id, timed),
            time,
            uncertainty,
            of_host: uncertainty.plus(self.uncertainty(Clock::Host(id))),
            of_clock: uncertainty,
            piece: 0,
            doubt: Span::ZERO,
        };
        match self.locals.get(&(id, timed)) {
            Some(Known::Measured(measured, against)) => {
                let (piece, doubt) = measured.piece_at(at, None, 0);
                let (offset, own) = measured.at(piece, at);
                let (offset, own) = applied(measured, offset, own.plus(doubt));
                let time = at.shifted(offset.negated());
                let reading = match against {
                    Against::OwnSystem => {
                        let system = self.of_system(id, time, None, 0);
                        Reading {
                            of_host: own.plus(system.doubt),
                            ..plain(system.time, system.uncertainty.plus(own))
                        }
                    }
                    _ => plain(time, own),
                };
                Reading {
                    piece,
                    doubt,
                    ..reading
                }
            }
            Some(Known::Given(offset)) => plain(at.shifted(offset.negated()), self.assumed_error),
            _ => plain(at, self.any_zone()),
        }
    }

    fn of_sysmon(
        &self,
        id: HostId,
        event: &Event,
        host: &HostEvent,
        identity: &Identity,
    ) -> Reading {
        let log = (event.provenance.kind == Item::Record)
            .then_some((event.provenance.evidence, &*host.channel));
        let written = self.of_system(id, event.recorded, log, event.provenance.item);
        let clock = Clock::SysmonNetwork(id);
        if self.mode == ClockMode::AsRecorded {
            let uncertainty = written.uncertainty.plus(LATEST);
            return Reading {
                clock,
                uncertainty,
                of_host: written.of_host.plus(LATEST),
                of_clock: written.of_clock.plus(LATEST),
                ..written
            };
        }
        if let Some(calibrated) = self.calibrated(id, event, host, &written, identity) {
            return calibrated;
        }
        // A form that gives the event's own time as the record's does not say when it was written.
        if utc_of(host) == Some(event.recorded) {
            return Reading {
                clock,
                uncertainty: written.uncertainty.plus(LATEST),
                of_host: written.of_host.plus(LATEST),
                of_clock: written.of_clock.plus(LATEST),
                piece: WRITTEN,
                ..written
            };
        }
        Reading {
            clock,
            time: written.time.shifted(LATE.negated()),
            uncertainty: written.uncertainty.plus(LATE_BY),
            of_host: written.of_host.plus(LATE_BY),
            of_clock: written.of_clock.plus(LATE_BY),
            piece: WRITTEN,
            doubt: written.doubt,
        }
    }

    /// By Sysmon's own UtcTime, if its clock was measured and still is the one that was measured.
    fn calibrated(
        &self,
        id: HostId,
        event: &Event,
        host: &HostEvent,
        written: &Reading,
        identity: &Identity,
    ) -> Option<Reading> {
        let utc = utc_of(host)?;
        let HostClock {
            network: Known::Measured(measured, against),
            ..
        } = self.hosts.get(&id)?
        else {
            return None;
        };
        let (piece, doubt) = measured.piece_at(utc, None, 0);
        let (offset, own) = measured.at(piece, utc);
        let own = own.plus(doubt);
        let moment = utc.shifted(offset.negated());
        let (time, uncertainty, of_host) = match against {
            Against::OwnStretches => (moment, own.plus(self.uncertainty(Clock::Host(id))), own),
            Against::OwnSystem => {
                // Which side of a step the moment lies on is what the record itself says.
                let system = self.of_system(id, moment, None, 0);
                (
                    system.time,
                    system.uncertainty.plus(own),
                    own.plus(system.doubt),
                )
            }
            Against::Captures | Against::Hosts | Against::OwnUtc => {
                (moment, own, own.plus(written.uncertainty))
            }
        };
        let delay = written.time.since(time);
        let margin = own.plus(written.uncertainty);
        if delay > STALE.plus(margin) || delay < EARLY.plus(margin).negated() {
            return None;
        }
        let restarts = |at: Timestamp| {
            identity.host(id).map_or(0, |h| {
                h.starts.iter().filter(|start| start.recorded <= at).count()
            })
        };
        let segment = measured.segments.get(piece)?;
        let boot_of_anchor = |anchor: Timestamp| {
            // Starts are on the system clock: as far from the reference as this record is.
            let moved = event.recorded.since(written.time);
            let moment = segment.corrected(anchor);
            restarts(if *against == Against::OwnSystem {
                moment
            } else {
                moment.shifted(moved)
            })
        };
        let boot = restarts(event.recorded);
        if boot != boot_of_anchor(segment.from) && boot != boot_of_anchor(segment.to) {
            return None;
        }
        Some(Reading {
            clock: Clock::SysmonNetwork(id),
            time,
            uncertainty,
            of_host,
            of_clock: uncertainty,
            piece,
            doubt,
        })
    }
}
