//! Clocks: whose clock an event was timed by, how wrong that clock is, and which order two events
//! can be claimed to have.
//!
//! Offsets are measured from connections that captures and logs both saw, never guessed: where too
//! few agree, or two recordings are not of one run, the clock stays undetermined and times stay as
//! recorded. The recorded time of an event is never touched.
//!
//! Order is three-valued. Two events timed by one clock are ordered by it; between clocks the gap
//! must be larger than both uncertainties together. Equal times on one clock are ambiguous unless
//! one log holds both and numbers them.

pub mod anchors;
mod changes;
mod compare;
mod exact;
pub mod fit;
#[cfg(test)]
mod laws;
pub mod measure;
mod offsets;
pub mod pairing;
mod reading;
mod report;
pub mod sample;
mod sensors;
pub mod steps;
#[cfg(test)]
mod tests;

use super::identity::{HostId, Identity, Place};
use crate::model::finding::Order;
use crate::model::provenance::Item;
use crate::model::{Event, HostWhat, Provenance, Span, Timed, Timestamp, What};
use anchors::Sensor;
use measure::Measured;
use std::collections::{BTreeMap, BTreeSet};

pub use anchors::{AnchorBuilder, Anchors};
pub use changes::{Change, Taken};
pub use compare::{Against, HostClock, Known};
pub use offsets::{ahead, beside_utc, hours};
pub use reading::LATE_BY;
pub use report::ClockReport;

/// Whose clock timed an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// The capturing sensor's.
    Capture,
    /// A host's system clock.
    Host(HostId),
    /// Sysmon 3 and 22 of a host: a clock of its own, and reported by the kernel up to two seconds
    /// late.
    SysmonNetwork(HostId),
    /// A form of a host's records with local times of unknown zone, beside its system clock.
    Local(HostId, Timed),
    /// A computer that identity does not know.
    Unknown,
}

/// How clocks are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockMode {
    /// Offsets are measured from the evidence and applied.
    #[default]
    Measured,
    /// Times are taken as recorded.
    AsRecorded,
}

impl ClockMode {
    /// The word for it on the command line and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::AsRecorded => "as-recorded",
        }
    }
}

/// What the examiner wants of the clocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockChoice {
    /// How clocks are treated.
    pub mode: ClockMode,
    /// How far the clocks of single hosts are ahead, by name: these win over what is measured.
    pub given: Vec<(String, Span)>,
}

/// How far each clock can be trusted.
#[derive(Clone, Debug)]
pub struct Clocks {
    /// Assumed error of a host clock against the capture, where none was measured.
    pub assumed_error: Span,
    mode: ClockMode,
    sensors: BTreeMap<Sensor, Measured>,
    reference: Option<Sensor>,
    hosts: BTreeMap<HostId, HostClock>,
    own: BTreeMap<HostId, Timed>,
    locals: BTreeMap<(HostId, Timed), Known>,
    /// Hosts whose network events of Sysmon are placed before they were written.
    late: BTreeSet<HostId>,
    /// There is a capture to compare with.
    captured: bool,
    /// Changes of system clocks that logs tell of, beyond those kept.
    pub steps_left_out: u64,
}

impl Default for Clocks {
    fn default() -> Self {
        Self::as_recorded(Span::seconds(2))
    }
}

impl Clocks {
    /// Clocks nobody measured: times are taken as recorded.
    pub fn as_recorded(assumed_error: Span) -> Self {
        Self {
            assumed_error,
            mode: ClockMode::AsRecorded,
            sensors: BTreeMap::new(),
            reference: None,
            hosts: BTreeMap::new(),
            own: BTreeMap::new(),
            locals: BTreeMap::new(),
            late: BTreeSet::new(),
            captured: true,
            steps_left_out: 0,
        }
    }

    /// Measures all clocks.
    pub fn measure(
        anchors: Anchors,
        identity: &Identity,
        choice: &ClockChoice,
        assumed_error: Span,
    ) -> Self {
        let late = anchors
            .late
            .iter()
            .filter_map(|name| identity.named(name))
            .collect();
        let (captured, steps_left_out) = (anchors.captured, anchors.steps_left_out);
        let compared = compare::compare(anchors, identity, choice, assumed_error);
        Self {
            assumed_error,
            mode: choice.mode,
            sensors: compared.sensors,
            reference: compared.reference,
            hosts: compared.hosts,
            own: compared.own,
            locals: compared.locals,
            late,
            captured,
            steps_left_out,
        }
    }

    /// How clocks are treated.
    pub fn mode(&self) -> ClockMode {
        self.mode
    }

    /// What is known of the clocks of a host.
    pub fn of(&self, host: HostId) -> Option<&HostClock> {
        self.hosts.get(&host)
    }

    /// How far sensors are ahead of the first that saw the same frames, where that can be told
    /// from zero.
    pub fn sensors(&self) -> impl Iterator<Item = (Sensor, &Measured)> {
        self.sensors
            .iter()
            .map(|(sensor, measured)| (*sensor, measured))
    }

    /// The sensor on whose clock the others are put.
    pub fn reference_sensor(&self) -> Option<Sensor> {
        self.reference
    }

    /// Names in `choice` that no host has.
    pub fn unknown_names<'a>(choice: &'a ClockChoice, identity: &Identity) -> Vec<&'a str> {
        compare::unknown_names(choice, identity)
    }

    /// Two names in `choice` that are the same clock, with different offsets.
    pub fn given_twice<'a>(
        choice: &'a ClockChoice,
        identity: &Identity,
    ) -> Option<(&'a str, &'a str)> {
        compare::given_twice(choice, identity)
    }

    /// Whose clock timed `event`.
    pub fn clock_of(&self, event: &Event, identity: &Identity) -> Clock {
        match &event.what {
            What::Attempt(_)
            | What::Wake(_)
            | What::Neighbour(_)
            | What::Solicitation(_)
            | What::Resolution(_) => Clock::Capture,
            What::Host(host) => match (identity.named(&host.computer), &host.what) {
                (Some(id), _) if self.is_beside(id, host.timed) => Clock::Local(id, host.timed),
                (Some(id), HostWhat::Connected { .. } | HostWhat::NameQueried { .. }) => {
                    Clock::SysmonNetwork(id)
                }
                (Some(id), _) => Clock::Host(id),
                (None, _) => Clock::Unknown,
            },
        }
    }

    /// True if records that are timed so have another clock than the host's other records.
    pub fn is_beside(&self, host: HostId, timed: Timed) -> bool {
        timed.is_local() && self.own.get(&host) != Some(&timed)
    }

    /// How wrong a host's system clock is taken to be where it was not measured: where all its
    /// records have local times, the zone is not known either; where it was set back, it is not known
    /// whether it was wrong before or after.
    fn assumed(&self, host: HostId) -> Span {
        match self.mode == ClockMode::Measured && self.own.contains_key(&host) {
            true => self.assumed_error.max(reading::ANY_ZONE),
            false => self.assumed_error.plus(self.unsure(host)),
        }
    }

    /// What takes from the certainty of a clock nobody measured beyond the error assumed: that it was set
    /// back, or that the few connections that are on both sides lie further apart than that. They are too
    /// few to correct by, and enough to say that nothing is sure.
    fn unsure(&self, host: HostId) -> Span {
        let Some(known) = self.hosts.get(&host) else {
            return Span::ZERO;
        };
        let spread = known.stretches.as_deref().map(steps::spread);
        let hinted = match &known.system {
            Known::Undetermined(why) => why.hints().filter(|apart| *apart > self.assumed_error),
            _ => None,
        };
        spread.unwrap_or_default().max(hinted.unwrap_or_default())
    }

    /// The uncertainty of a clock against the reference clock, between its anchors.
    pub fn uncertainty(&self, clock: Clock) -> Span {
        match clock {
            Clock::Capture => Span::ZERO,
            Clock::Unknown => self.assumed_error,
            Clock::Host(id) => match self.hosts.get(&id).map(|h| &h.system) {
                Some(Known::Measured(measured, _)) => reading::widest(measured),
                Some(Known::Reference) => Span::ZERO,
                Some(Known::Given(_)) => self.assumed_error,
                _ => self.assumed(id),
            },
            Clock::Local(id, timed) => match self.locals.get(&(id, timed)) {
                Some(Known::Measured(measured, Against::OwnSystem)) => {
                    self.uncertainty(Clock::Host(id)).plus(measured.uncertainty)
                }
                Some(Known::Measured(measured, _)) => measured.uncertainty,
                Some(Known::Given(_)) => self.assumed_error,
                _ => self.any_zone(),
            },
            Clock::SysmonNetwork(id) => {
                let own = match self.hosts.get(&id).map(|h| &h.network) {
                    Some(Known::Measured(measured, Against::Captures)) => {
                        return measured.uncertainty;
                    }
                    Some(Known::Measured(measured, _)) => measured.uncertainty,
                    _ if self.mode == ClockMode::Measured => reading::LATE_BY,
                    _ => reading::LATEST,
                };
                self.uncertainty(Clock::Host(id)).plus(own)
            }
        }
    }

    /// How far the clocks of a place may be apart from the captures': where they are known, the
    /// largest measured uncertainty, else the assumed error. So far is looked for what belongs together;
    /// what makes a clock unsure would bring together what lies far apart, and is a matter of the order alone.
    pub fn doubt(&self, place: Place) -> Span {
        match place {
            Place::Host(id) => {
                let unmeasured = |h: &&HostClock| matches!(h.system, Known::Undetermined(_));
                let clock = self.hosts.get(&id).filter(unmeasured);
                let unsure = clock.map_or(Span::ZERO, |_| self.unsure(id));
                self.uncertainty(Clock::Host(id))
                    .max(self.uncertainty(Clock::SysmonNetwork(id)))
                    .plus(unsure.negated())
                    .max(Span::ZERO)
            }
            Place::Address(_) => self.assumed_error,
        }
    }

    /// The uncertainty of the difference of two events' times.
    pub fn between(&self, a: &Event, b: &Event, identity: &Identity) -> Span {
        let (a, b) = (self.read(a, identity), self.read(b, identity));
        match (a.clock, b.clock) {
            (Clock::Unknown, _) | (_, Clock::Unknown) => a.uncertainty.plus(b.uncertainty),
            (x, y) if x == y => {
                if a.piece == b.piece && a.doubt == Span::ZERO && b.doubt == Span::ZERO {
                    Span::ZERO
                } else {
                    a.of_clock.plus(b.of_clock)
                }
            }
            (Clock::Host(x), Clock::SysmonNetwork(y) | Clock::Local(y, _))
            | (Clock::SysmonNetwork(x) | Clock::Local(x, _), Clock::Host(y))
                if x == y =>
            {
                a.of_host.plus(b.of_host)
            }
            _ => a.uncertainty.plus(b.uncertainty),
        }
    }

    /// The order of `a` and `b`.
    pub fn order(&self, a: &Event, b: &Event, identity: &Identity) -> Order {
        if self.turned(a, b, identity) {
            // The log numbers what it wrote; what the clock showed then says less.
            return match a.provenance.item < b.provenance.item {
                true => Order::Before,
                false => Order::After,
            };
        }
        let margin = self.between(a, b, identity).0;
        let gap = b.time.since(a.time).0;
        if gap > margin {
            Order::Before
        } else if gap < -margin {
            Order::After
        } else if margin == 0
            && a.provenance.evidence == b.provenance.evidence
            && a.provenance != b.provenance
        {
            // Same time, same file: the file numbers them.
            if a.provenance < b.provenance {
                Order::Before
            } else {
                Order::After
            }
        } else {
            Order::Ambiguous
        }
    }

    /// True if both are numbered by one log, and their host's clock was changed or may have been between them.
    fn turned(&self, a: &Event, b: &Event, identity: &Identity) -> bool {
        let numbered = |at: &Provenance| at.kind == Item::Record;
        let (What::Host(x), What::Host(y)) = (&a.what, &b.what) else {
            return false;
        };
        let one_log = a.provenance.evidence == b.provenance.evidence
            && x.channel == y.channel
            && numbered(&a.provenance)
            && numbered(&b.provenance)
            && a.provenance.item != b.provenance.item;
        if !one_log {
            return false;
        }
        let (a, b) = (self.read(a, identity), self.read(b, identity));
        let changed = a.piece != b.piece || a.doubt != Span::ZERO || b.doubt != Span::ZERO;
        a.clock == b.clock && matches!(a.clock, Clock::Host(_)) && changed
    }

    /// True if some event's time is not its recorded time.
    pub fn corrects(&self) -> bool {
        let moves = |known: &Known| match known {
            Known::Measured(measured, _) => compare::apart(measured),
            Known::Given(offset) => *offset != Span::ZERO,
            Known::Reference | Known::AsRecorded | Known::Undetermined(_) => false,
        };
        !self.late.is_empty() && self.mode == ClockMode::Measured
            || !self.sensors.is_empty()
            || self.hosts.values().any(|h| moves(&h.system))
            || self.hosts.values().any(|h| {
                let stretches = h.stretches.as_deref();
                stretches.is_some_and(|stretches| steps::spread(stretches) != Span::ZERO)
            })
            || self.locals.values().any(moves)
    }

    /// The reference time of a moment that a host's system clock recorded.
    pub fn corrected(&self, host: HostId, recorded: Timestamp) -> Timestamp {
        self.of_system(host, recorded, None, 0).time
    }

    /// The reference time of a moment that a host recorded in a form.
    pub fn corrected_of(&self, host: HostId, timed: Timed, recorded: Timestamp) -> Timestamp {
        match self.is_beside(host, timed) {
            true => self.of_local(host, timed, recorded).time,
            false => self.corrected(host, recorded),
        }
    }

    /// The reference time of a moment that a sensor recorded.
    pub fn corrected_of_sensor(&self, sensor: Sensor, recorded: Timestamp) -> Timestamp {
        self.sensors.get(&sensor).map_or(recorded, |measured| {
            let (piece, _) = measured.piece_at(recorded, None, 0);
            recorded.shifted(measured.at(piece, recorded).0.negated())
        })
    }

    /// Gives `event` its time on the reference clock; its recorded time stays.
    pub fn correct(&self, event: &mut Event, identity: &Identity) {
        let time = self.read(event, identity).time;
        let by = time.since(event.recorded);
        event.time = time;
        if by != Span::ZERO
            && let What::Attempt(attempt) = &mut event.what
        {
            let attempt = &mut **attempt;
            for moment in [
                &mut attempt.last_try,
                &mut attempt.decided,
                &mut attempt.ended,
            ] {
                *moment = moment.shifted(by);
            }
        }
    }
}
