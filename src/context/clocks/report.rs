//! What was measured of a clock, in words.

use super::compare::{Against, HostClock, Known, name_of};
use super::measure::{Measured, Undetermined};
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
                pieces: 1,
                method:
                    "no capture to compare with; this clock is the reference for the other hosts"
                        .to_owned(),
                ..ClockReport::default()
            },
            Some(Known::Undetermined(why)) => assumed(format!(
                "not measured: {}; {}",
                undetermined(why),
                self.assuming(host)
            )),
            Some(Known::AsRecorded) => assumed(AS_RECORDED.to_owned()),
            None if self.mode == ClockMode::AsRecorded => assumed(AS_RECORDED.to_owned()),
            None => assumed(format!(
                "not measured: {}; {}",
                undetermined(&Undetermined::NothingShared),
                self.assuming(host)
            )),
        };
        let is_known =
            |known: &&HostClock| matches!(known.network, Known::Measured(..) | Known::AsRecorded);
        let is_late = self.late.contains(&host);
        if let Some(known) = known.filter(|known| is_late || is_known(known)) {
            report.network = self.network(&known.network, &name_of(host, identity));
            report.network_assumed = !is_known(&known);
        }
        report
    }

    /// What the error of a clock nobody measured rests on.
    fn assuming(&self, host: HostId) -> &'static str {
        match self.own.contains_key(&host) {
            true => "its times are local and their zone is not known",
            false => "error assumed (--max-skew)",
        }
    }

    fn network(&self, known: &Known, host: &str) -> String {
        match known {
            Known::Measured(measured, against) => {
                let whose = match against {
                    Against::OwnSystem => "the host's own clock",
                    Against::Captures | Against::Hosts => "the captures'",
                    Against::OwnUtc => "UTC",
                };
                format!(
                    "UtcTime of Sysmon 3 and 22 on {host} is {} {whose} (+/- {}; {}{}); these events are placed by it.",
                    ahead(measured.offset),
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
                let than = match against {
                    Against::OwnSystem => "the host's own clock",
                    Against::Captures | Against::Hosts => "the captures'",
                    Against::OwnUtc => "UTC",
                };
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
                    "A computer without a name: its clock was not measured and is taken to be within {} of the \
                     captures' (--max-skew).",
                    self.assumed_error
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
                 its clock was not measured and is taken to be within {} of the captures' (--max-skew).",
                in_turn(&report.offsets),
                measured.anchors,
                report.uncertainty
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
                    "The clock of {name} is {} the captures' (+/- {}; {}){zone}{pieces}; {applied}.",
                    ahead(offset),
                    report.uncertainty,
                    report.method
                )
            }
            (Some(_), Some(Known::Reference)) => {
                format!("There is no capture; the clock of {name} is the reference.")
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
                "The clock of {name}: {}; it is taken to be within {} of the captures'.",
                report.method, report.uncertainty
            ),
        };
        if network && !report.network.is_empty() {
            text.push(' ');
            text.push_str(&report.network);
        }
        Some(text)
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
        Against::Hosts | Against::OwnSystem => format!(
            "{} logged by this host and by hosts whose clocks are known",
            connections(measured.anchors)
        ),
        Against::OwnUtc => format!(
            "not measured: error assumed (--max-skew); the zone of its times by UtcTime of {} of its own Sysmon records",
            measured.anchors
        ),
    };
    if let Some(zone) = measured.zone() {
        text.push_str(&format!("; zone error of {}", hours(zone)));
    }
    text.push_str(&course(measured));
    text
}

/// How the offset of a clock changes over time: it is not everywhere what is told first.
fn course(measured: &Measured) -> String {
    let mut text = String::new();
    if measured.drift != 0 {
        let drift = measured.drift;
        text.push_str(&format!(
            "; drift {}{}.{:03} ppm",
            if drift < 0 { "-" } else { "" },
            drift.unsigned_abs() / 1_000,
            drift.unsigned_abs() % 1_000
        ));
    }
    if let [first, others @ ..] = measured.segments.as_slice()
        && !others.is_empty()
    {
        let last = others.last().unwrap_or(first);
        text.push_str(&format!(
            "; {} straight pieces, the first {} the reference, the last {} it",
            measured.segments.len(),
            ahead(first.offset),
            ahead(last.offset)
        ));
    }
    text
}

fn connections(n: u64) -> String {
    format!("{n} connections")
}

/// `1.842 s ahead of`, `5 ms behind`, as words before a name.
fn ahead(offset: Span) -> String {
    if offset < Span::ZERO {
        format!("{} behind", offset.abs())
    } else {
        format!("{offset} ahead of")
    }
}

/// Zones in the order in which they held: `+8 h, then -5 h`. Of many the first four.
pub fn in_turn(zones: &[Span]) -> String {
    let told: Vec<String> = zones.iter().take(4).map(|zone| hours(*zone)).collect();
    match zones.len() {
        0 => hours(Span::ZERO),
        5.. => format!("{}, then others", told.join(", then ")),
        _ => told.join(", then "),
    }
}

/// A zone error: `-5 h`, `+5:45 h`.
pub fn hours(zone: Span) -> String {
    let minutes = zone.0 / 60_000_000_000;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (h, m) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
    if m == 0 {
        format!("{sign}{h} h")
    } else {
        format!("{sign}{h}:{m:02} h")
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn zones_are_told_in_turn() {
        let zone = |hours: i64| Span::seconds(hours * 3_600);
        assert_eq!(in_turn(&[zone(8)]), "+8 h");
        assert_eq!(in_turn(&[zone(8), zone(-5)]), "+8 h, then -5 h");
        let many = [8, -5, 8, -5, 8].map(&zone);
        assert!(in_turn(&many).ends_with("-5 h, then others"));
    }

    #[test]
    fn of_several_pieces_the_first_and_the_last_are_told() {
        let piece = |ahead: i64| crate::context::clocks::fit::Segment {
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            offset: Span::seconds(ahead),
            drift: 0,
            uncertainty: Span::ZERO,
            growth: 0,
            anchors: 3,
        };
        let told = |pieces: &[i64], drift| {
            course(&Measured {
                offset: Span::seconds(2),
                drift,
                segments: pieces.iter().map(|ahead| piece(*ahead)).collect(),
                boundaries: Vec::new(),
                uncertainty: Span::ZERO,
                anchors: 9,
                zone_error: None,
            })
        };
        assert_eq!(told(&[2], 0), "");
        assert_eq!(told(&[2], -20_500), "; drift -20.500 ppm");
        assert_eq!(
            told(&[2, 90, -3], 0),
            "; 3 straight pieces, the first 2 s ahead of the reference, the last 3 s behind it"
        );
    }
}
