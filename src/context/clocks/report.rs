//! What was measured of a clock, in sentences.

use super::compare::{Against, HostClock, Known, name_of};
use super::measure::{Measured, Undetermined};
use super::offsets::{ahead, connections, course, hours, in_turn};
use super::steps::spread;
use super::{Clock, ClockMode, Clocks, reading};
use crate::context::identity::{HostId, Identity};
use crate::model::{Span, Timed};

/// What is known of a host's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockReport {
    /// How far the system clock is ahead of the reference clock; `None` if that is not known.
    pub offset: Option<Span>,
    /// Half width of the interval the offset lies in.
    pub uncertainty: Span,
    /// Nanoseconds the offset grows in a second (1,000 are 1 ppm).
    pub drift: i64,
    /// Straight pieces of the clock; more than one if it steps or its drift changes.
    pub pieces: usize,
    /// How far it is ahead at the beginning of each piece that was measured, in their order.
    pub offsets: Vec<Span>,
    /// Connections that agree on it.
    pub anchors: u64,
    /// The multiple of 15 minutes the offset is, if it is one.
    pub zone_error: Option<Span>,
    /// True if only the zone is known, by the host's own records, and not how wrong its clock is.
    pub only_zone: bool,
    /// How that is known, in a few words.
    pub method: String,
    /// What is known of Sysmon's clock of network events, as a sentence; empty if it logged none.
    pub network: String,
    /// That clock was neither measured nor compared: its events are placed by assumption.
    pub network_assumed: bool,
}

impl ClockReport {
    /// How far the clock is ahead at last, where that is further than `small` from what is told first.
    pub fn last(&self, small: Span) -> Option<Span> {
        let (offset, last) = (self.offset?, *self.offsets.last()?);
        (last.plus(offset.negated()).abs() > small).then_some(last)
    }
}

impl Clocks {
    /// What is known of a host's clock.
    pub fn report(&self, host: HostId, identity: &Identity) -> ClockReport {
        let assumed = |method: String| ClockReport {
            uncertainty: self.assumed(host),
            method,
            ..ClockReport::default()
        };
        let known = self.hosts.get(&host);
        let mut report = match known.map(|h| &h.system) {
            Some(Known::Measured(measured, against)) => ClockReport {
                offset: Some(measured.offset),
                uncertainty: measured.uncertainty,
                drift: measured.drift,
                pieces: measured.segments.len(),
                offsets: measured.segments.iter().map(|s| s.offset).collect(),
                anchors: measured.anchors,
                zone_error: measured.zone(),
                only_zone: *against == Against::OwnUtc,
                method: method(measured, against),
                network: String::new(),
                network_assumed: false,
            },
            Some(Known::Given(offset)) => ClockReport {
                offset: Some(*offset),
                pieces: 1,
                uncertainty: self.assumed_error,
                ..assumed("given (--clock); error assumed (--max-skew)".to_owned())
            },
            Some(Known::Reference) => ClockReport {
                offset: Some(Span::ZERO),
                pieces: known
                    .and_then(|h| h.stretches.as_deref())
                    .map_or(1, |s| s.segments.len()),
                method: format!(
                    "no capture to compare with; this clock is the reference for the other hosts{}",
                    self.taken_off(host)
                ),
                ..ClockReport::default()
            },
            Some(Known::Undetermined(why)) => assumed(format!(
                "not measured: {}; {}{}",
                self.why(why),
                self.assuming(host),
                self.taken_off(host)
            )),
            Some(Known::AsRecorded) => assumed(AS_RECORDED.to_owned()),
            None if self.mode == ClockMode::AsRecorded => assumed(AS_RECORDED.to_owned()),
            None => assumed(format!(
                "not measured: {}; {}",
                self.why(&Undetermined::NothingShared),
                self.assuming(host)
            )),
        };
        let is_known =
            |known: &&HostClock| matches!(known.network, Known::Measured(..) | Known::AsRecorded);
        let is_late = self.late.contains(&host);
        if let Some(known) = known.filter(|known| is_late || is_known(known)) {
            report.network = self.network(known, &name_of(host, identity));
            report.network_assumed = !is_known(&known);
        }
        report
    }

    /// Why there is no measurement; without a capture, nothing is said of one.
    fn why(&self, why: &Undetermined) -> String {
        match why {
            Undetermined::NothingShared if !self.captured => {
                "there is no capture, and no TCP connection is both in 5152, 5156 or 5157 rows of this host and in \
                 those of another one"
                    .to_owned()
            }
            why => undetermined(why),
        }
    }

    /// What is taken off a clock that only its own log tells to have been set back.
    fn taken_off(&self, host: HostId) -> String {
        let stretches = self.hosts.get(&host).and_then(|h| h.stretches.as_deref());
        let Some(spread) = stretches.map(spread).filter(|spread| *spread != Span::ZERO) else {
            return String::new();
        };
        format!(
            "; it was set back: times of before are placed up to {spread} earlier, times after the last change stay as \
             recorded, and nothing tells which were right"
        )
    }

    /// What the error of a clock nobody measured rests on.
    fn assuming(&self, host: HostId) -> &'static str {
        let known = self.hosts.get(&host).map(|h| &h.system);
        let hints = match known {
            Some(Known::Undetermined(why)) => why.hints(),
            _ => None,
        };
        match self.own.contains_key(&host) {
            true => "its times are local and their zone is not known",
            false if hints.is_some_and(|apart| apart > self.assumed_error) => {
                "error as far as they lie apart, and --max-skew"
            }
            false => "error assumed (--max-skew)",
        }
    }

    fn network(&self, known: &HostClock, host: &str) -> String {
        match &known.network {
            Known::Measured(measured, against) => {
                let whose = than(against);
                // Its own times are local, and UtcTime is not: that is no error of either clock.
                let zone = match (against, &known.system) {
                    (Against::OwnSystem, Known::Measured(system, _)) => system.zone(),
                    _ => None,
                };
                let apart = match zone {
                    Some(zone) if measured.segments.len() == 1 => format!(
                        "UTC where the host's own times are local ({}), and beside that {} {whose}",
                        hours(zone),
                        ahead(measured.offset.plus(zone))
                    ),
                    _ => format!("{} {whose}", ahead(measured.offset)),
                };
                format!(
                    "UtcTime of Sysmon 3 and 22 on {host} is {apart} (+/- {}; {}{}); these events are placed by it.",
                    measured.uncertainty,
                    connections(measured.anchors),
                    course(measured),
                )
            }
            Known::AsRecorded => String::new(),
            _ => format!(
                "The clock of Sysmon 3 and 22 on {host} could not be measured; these events are placed 1.5 s before \
                 they were written (+/- {}).",
                reading::LATE_BY
            ),
        }
    }

    /// `within 2 s of the captures'`, or of nothing that is not there.
    fn within(&self, error: Span) -> String {
        match self.captured {
            true => format!("within {error} of the captures'"),
            false => format!("right within {error}"),
        }
    }

    /// What is known of each form with local times, as sentences in the order of the hosts.
    pub fn locals(&self, identity: &Identity) -> Vec<String> {
        let locals = self.locals.iter();
        locals
            .map(|((id, timed), known)| self.local(*id, *timed, known, identity))
            .collect()
    }

    /// Whose times are local and of a zone that is neither measured nor given: they stand as written
    /// among times of UTC. `WS01 (pfirewall)`, in the order of the hosts.
    pub fn of_unknown_zone(&self, identity: &Identity) -> Vec<String> {
        let unknown = self.unknown_zones().into_iter();
        unknown
            .map(|(id, timed)| format!("{} ({})", name_of(id, identity), timed.word()))
            .collect()
    }

    /// The same as hosts and forms.
    pub fn unknown_zones(&self) -> Vec<(HostId, Timed)> {
        let own = self.own.iter().map(|(id, timed)| {
            let system = self.hosts.get(id).map(|host| &host.system);
            (*id, *timed, system)
        });
        let beside = self.locals.iter();
        let beside = beside.map(|((id, timed), known)| (*id, *timed, Some(known)));
        let mut unknown: Vec<(HostId, Timed)> = own
            .chain(beside)
            .filter(|(.., known)| !matches!(known, Some(Known::Measured(..) | Known::Given(_))))
            .map(|(id, timed, _)| (id, timed))
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    fn local(&self, id: HostId, timed: Timed, known: &Known, identity: &Identity) -> String {
        let (name, form) = (name_of(id, identity), timed.word());
        let whose = format!("The times of {name} in its {form} records");
        match known {
            Known::Measured(measured, against) => {
                let than = than(against);
                let zone = measured
                    .zone()
                    .map(|z| format!("; local time of {}", hours(z)))
                    .unwrap_or_default();
                format!(
                    "{whose} are {} {than} (+/- {}; {}{zone}) and are corrected by that; its other records are not.",
                    ahead(measured.offset),
                    measured.uncertainty,
                    connections(measured.anchors),
                )
            }
            Known::Given(offset) => format!(
                "{whose} were said to be {} (--clock); they are taken to be right within {} (--max-skew).",
                ahead(*offset).trim_end_matches(" of"),
                self.assumed_error
            ),
            Known::AsRecorded => format!("{whose} are local and taken as recorded."),
            Known::Reference => String::new(),
            Known::Undetermined(why) => format!(
                "{whose} are local and their zone is not known ({}): they stay as written, and no order is claimed \
                 between them and anything else; give --clock {name}@{form}=+2h or the like if you know it.",
                undetermined(why)
            ),
        }
    }

    /// What a reader must know of a clock that an order rests on; `None` for the captures'.
    pub fn sentence(&self, clock: Clock, identity: &Identity) -> Option<String> {
        let (id, network) = match clock {
            Clock::Capture => return None,
            Clock::Unknown => {
                return Some(format!(
                    "A computer without a name: its clock was not measured and is taken to be {} (--max-skew).",
                    self.within(self.assumed_error)
                ));
            }
            Clock::Local(id, timed) => {
                let unknown = Known::Undetermined(Undetermined::NothingShared);
                let known = self.locals.get(&(id, timed)).unwrap_or(&unknown);
                return Some(self.local(id, timed, known, identity));
            }
            Clock::Host(id) => (id, false),
            Clock::SysmonNetwork(id) => (id, true),
        };
        let name = name_of(id, identity);
        let report = self.report(id, identity);
        let mut text = match (report.offset, self.hosts.get(&id).map(|h| &h.system)) {
            (Some(_), Some(Known::Measured(measured, Against::OwnUtc))) => format!(
                "The times of {name} are local, UTC{} by UtcTime of {} of its own Sysmon records, and are corrected by that; \
                 its clock was not measured and is taken to be {} (--max-skew).",
                in_turn(&report.offsets),
                measured.anchors,
                self.within(report.uncertainty)
            ),
            (Some(offset), Some(Known::Measured(measured, _))) => {
                let zone = report
                    .zone_error
                    .map(|z| format!(", a zone error of {}", hours(z)))
                    .unwrap_or_default();
                let pieces = match measured.segments.len() {
                    0 | 1 => String::new(),
                    n => format!(", with steps or changes of drift between {n} stretches of it"),
                };
                let applied = if super::compare::apart(measured) {
                    "times are corrected by that"
                } else {
                    "that cannot be told from zero, and times stay as recorded"
                };
                format!(
                    "The clock of {name} is {} {} (+/- {}; {}){zone}{pieces}; {applied}.",
                    ahead(offset),
                    if self.captured {
                        "the captures'"
                    } else {
                        "the reference host's"
                    },
                    report.uncertainty,
                    report.method
                )
            }
            (Some(_), Some(Known::Reference)) => {
                format!(
                    "There is no capture; the clock of {name} is the reference{}.",
                    self.taken_off(id)
                )
            }
            (Some(offset), _) => format!(
                "The clock of {name} was said to be {} (--clock); it is taken to be right within {} (--max-skew).",
                if offset == Span::ZERO {
                    "right".to_owned()
                } else {
                    ahead(offset).trim_end_matches(" of").to_owned()
                },
                self.assumed_error
            ),
            (None, _) => format!(
                "The clock of {name}: {}; it is taken to be {}.",
                report.method,
                self.within(report.uncertainty)
            ),
        };
        if network && !report.network.is_empty() {
            text.push(' ');
            text.push_str(&report.network);
        }
        Some(text)
    }
}

/// What a clock is ahead of.
fn than(against: &Against) -> &'static str {
    match against {
        Against::OwnSystem | Against::OwnStretches => "the host's own clock",
        Against::Captures | Against::Hosts => "the captures'",
        Against::OwnUtc => "UTC",
    }
}

const AS_RECORDED: &str =
    "not measured, as asked (--clock as-recorded); error assumed (--max-skew)";

fn method(measured: &Measured, against: &Against) -> String {
    let mut text = match against {
        Against::Captures => format!(
            "{} seen by captures and by 5156, 5157 or 5152",
            connections(measured.anchors)
        ),
        Against::Hosts | Against::OwnSystem | Against::OwnStretches => format!(
            "{} logged by this host and by hosts whose clocks are known",
            connections(measured.anchors)
        ),
        Against::OwnUtc => format!(
            "the zone of its times by UtcTime of {} of its own Sysmon records; how wrong the clock is was not measured: \
             error assumed (--max-skew)",
            measured.anchors
        ),
    };
    if let Some(zone) = measured.zone() {
        text.push_str(&format!("; zone error of {}", hours(zone)));
    }
    text.push_str(&course(measured));
    text
}

/// Why there is no measurement.
pub fn undetermined(why: &Undetermined) -> String {
    match why {
        Undetermined::NothingShared => {
            "no TCP connection is both in a capture and in 5152, 5156 or 5157 rows of this host"
                .to_owned()
        }
        Undetermined::TooFew(n, on) => format!(
            "only {n} {} and 3 are needed{}",
            if *n == 1 {
                "connection is on both sides"
            } else {
                "connections agree"
            },
            on.map(|on| format!(
                " ({} would fit: {})",
                if *n == 1 { "it" } else { "they" },
                on
            ))
            .unwrap_or_default()
        ),
        Undetermined::Contradicting(a, b) => {
            format!("two offsets are supported alike, {a} and {b}")
        }
        Undetermined::NotOneRun => {
            "the connections on both sides disagree: captures and logs may not be of the same run"
                .to_owned()
        }
        Undetermined::BeforeCause => {
            "rows would come before the packets that caused them".to_owned()
        }
    }
}
