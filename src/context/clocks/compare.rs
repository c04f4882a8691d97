//! Which clock is measured against which: sensors against each other, hosts against the captures,
//! hosts that no capture saw against hosts that are measured, Sysmon's network clock against the
//! captures or its own host.

use super::anchors::{Anchors, HostAnchors, LocalAnchors, Sensor, UNTOLD, tag};
use super::exact::{by_syns, by_utc};
use super::fit::grain;
use super::measure::{Measured, Undetermined, measure};
use super::sample::Sight;
use super::{ClockChoice, ClockMode};
use crate::context::identity::{HostId, Identity};
use crate::model::{Span, Text, Timed, Timestamp};
use std::collections::BTreeMap;

/// What a clock was compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// The captures.
    Captures,
    /// Other hosts, whose clocks are measured.
    Hosts,
    /// The system clock of the same host.
    OwnSystem,
    /// UTC, as the host's own clock has it: the zone of its times, not how wrong the clock is.
    OwnUtc,
}

/// How a clock is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Measured.
    Measured(Box<Measured>, Against),
    /// The examiner said how far it is ahead.
    Given(Span),
    /// There is no capture, and other hosts are compared with this one.
    Reference,
    /// Nobody looked: times are taken as recorded.
    AsRecorded,
    /// It could not be measured.
    Undetermined(Undetermined),
}

/// The clocks of one host.
#[derive(Clone, Debug)]
pub struct HostClock {
    /// The system clock.
    pub system: Known,
    /// Sysmon's clock of network events.
    pub network: Known,
}

/// What was compared.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    pub sensors: BTreeMap<Sensor, Measured>,
    pub hosts: BTreeMap<HostId, HostClock>,
    /// Hosts all of whose records are of one form with local times: that is their clock.
    pub own: BTreeMap<HostId, Timed>,
    /// Forms with local times, beside the system clock of their host.
    pub locals: BTreeMap<(HostId, Timed), Known>,
}

/// Compares all clocks.
///
/// `assumed` is how wrong a clock is taken to be that nothing measures.
pub fn compare(
    anchors: Anchors,
    identity: &Identity,
    choice: &ClockChoice,
    assumed: Span,
) -> Compared {
    let mut given: BTreeMap<HostId, Span> = BTreeMap::new();
    let mut given_of_form: BTreeMap<(HostId, Timed), Span> = BTreeMap::new();
    for (name, offset) in &choice.given {
        match whose(name) {
            Some((name, timed)) => {
                let id = identity.called(name);
                given_of_form.extend(id.map(|id| ((id, timed), *offset)));
            }
            None => given.extend(identity.called(name).map(|id| (id, *offset))),
        }
    }
    let mut sights: BTreeMap<HostId, HostAnchors> = BTreeMap::new();
    for (computer, seen) in anchors.hosts {
        if let Some(id) = identity.named(&computer) {
            sights.entry(id).or_default().join(seen);
        }
    }
    let mut own = BTreeMap::new();
    let mut owned: BTreeMap<HostId, LocalAnchors> = BTreeMap::new();
    for (id, seen) in &mut sights {
        let only = seen
            .timed
            .first()
            .copied()
            .filter(|_| seen.timed.len() == 1);
        if let Some(timed) = only.filter(|timed| timed.is_local()) {
            own.insert(*id, timed);
            let mut local = seen.local.remove(&timed).unwrap_or_default();
            seen.system = std::mem::take(&mut local.sights);
            owned.insert(*id, local);
            if let Some(offset) = given_of_form.remove(&(*id, timed)) {
                given.insert(*id, offset);
            }
        }
    }
    let as_given =
        |((id, timed), offset): (&(HostId, Timed), &Span)| ((*id, *timed), Known::Given(*offset));
    let mut locals: BTreeMap<_, _> = given_of_form.iter().map(as_given).collect();
    if choice.mode == ClockMode::AsRecorded {
        let as_given = |(id, offset)| {
            (
                id,
                HostClock {
                    system: Known::Given(offset),
                    network: Known::AsRecorded,
                },
            )
        };
        return Compared {
            sensors: BTreeMap::new(),
            hosts: given.into_iter().map(as_given).collect(),
            own,
            locals,
        };
    }
    let sensors = align(&anchors.sensors, &anchors.begun);
    let wire = on_one_clock(anchors.wire, &sensors);
    let exact = on_one_clock(anchors.exact, &sensors);
    let mut systems = systems(&sights, &wire, &given);
    for (id, local) in &owned {
        let unknown = Known::Undetermined(Undetermined::NothingShared);
        let known = systems.entry(*id).or_insert(unknown);
        if !matches!(known, Known::Undetermined(_)) {
            continue;
        }
        if let Some(measured) = by_syns(&local.exact, &exact) {
            *known = Known::Measured(Box::new(measured), Against::Captures);
        } else if let Some(measured) = by_utc(&local.zones, assumed) {
            *known = Known::Measured(Box::new(measured), Against::OwnUtc);
        }
    }
    for (id, seen) in &sights {
        for (timed, local) in &seen.local {
            let known = locals.entry((*id, *timed));
            known.or_insert_with(|| self::local(local, seen, &wire, &exact));
        }
    }
    let known = |id: &HostId| {
        systems
            .get(id)
            .cloned()
            .unwrap_or(Known::Undetermined(Undetermined::NothingShared))
    };
    let hosts = sights
        .iter()
        .map(|(id, seen)| {
            (
                *id,
                HostClock {
                    system: known(id),
                    network: network(seen, &wire),
                },
            )
        })
        .chain(
            given
                .keys()
                .filter(|id| !sights.contains_key(id))
                .map(|id| {
                    (
                        *id,
                        HostClock {
                            system: known(id),
                            network: Known::Undetermined(Undetermined::NothingShared),
                        },
                    )
                }),
        )
        .collect();
    Compared {
        sensors,
        hosts,
        own,
        locals,
    }
}

/// How far each sensor is ahead of the first that saw the same frames. Those that share nothing with
/// an earlier one are taken to be on its clock: a rotated capture shares nothing with its next file but
/// SYNs that were repeated.
fn align(
    sensors: &BTreeMap<Sensor, Vec<Sight>>,
    begun: &BTreeMap<Sensor, Timestamp>,
) -> BTreeMap<Sensor, Measured> {
    let mut begun: BTreeMap<u64, Timestamp> = begun.iter().map(|(s, at)| (tag(*s), *at)).collect();
    let mut aligned = BTreeMap::new();
    let mut all: Vec<Sight> = Vec::new();
    for (sensor, sights) in sensors {
        let measured = if all.is_empty() {
            None
        } else {
            let same: Vec<Sight> = sights
                .iter()
                .filter(|sight| !is_repeated(sight, &all, &begun))
                .copied()
                .collect();
            measure(&same, &all, &[]).ok()
        };
        let start = all.len();
        all.extend_from_slice(sights);
        if let Some(measured) = measured.filter(apart) {
            let times = all[start..].iter_mut().map(|s| &mut s.time);
            times
                .chain(begun.get_mut(&tag(*sensor)))
                .for_each(|time| correct(time, &measured));
            aligned.insert(*sensor, measured);
        }
        // Two sorted runs: a stable sort only merges them.
        all.sort();
    }
    aligned
}

/// For so long a SYN without answer is repeated at most: the last of Linux comes 67 s after the first, BSD
/// gives up after 75 s.
const REPEATED: Span = Span::seconds(75);

/// After these milliseconds a SYN is sent again, as the stacks do it: after 1 s and twice as long each time,
/// older ones after 3 s; and all differences between two of the tries.
const TRIED_AGAIN: [i64; 15] = [
    1_000, 2_000, 3_000, 4_000, 6_000, 7_000, 8_000, 9_000, 12_000, 14_000, 15_000, 16_000, 24_000,
    30_000, 31_000,
];
/// By how much the timers of stacks miss that.
const TIMER: Span = Span::millis(20);

/// True if `apart` is as long as stacks wait before they send a SYN again.
fn is_a_retry(apart: Span) -> bool {
    let mut waits = TRIED_AGAIN.iter().map(|ms| Span::millis(*ms));
    waits.any(|wait| wait.plus(apart.abs().negated()).abs() <= TIMER)
}

/// True if one sensor on one clock explains that another file holds the same SYN: whichever holds it later
/// had not begun when the other held it, so it may hold a repeat; or nothing tells it from a repeat, and it
/// comes when one would.
fn is_repeated(sight: &Sight, others: &[Sight], begun: &BTreeMap<u64, Timestamp>) -> bool {
    let from = others.partition_point(|other| other.key < sight.key);
    let same = others[from..].iter().take_while(|o| o.key == sight.key);
    let mut pairs = same.map(|other| {
        if sight.time < other.time {
            (sight, other)
        } else {
            (other, sight)
        }
    });
    pairs.any(|(first, then)| {
        let apart = then.time.since(first.time);
        let late = begun.get(&then.from).is_some_and(|at| first.time < *at);
        apart <= REPEATED && late || sight.key & UNTOLD != 0 && is_a_retry(apart)
    })
}

/// True if an offset can be told from zero.
pub fn apart(measured: &Measured) -> bool {
    measured.segments.iter().any(|s| {
        [s.from, s.to]
            .iter()
            .any(|t| s.offset_at(*t).abs() > s.uncertainty)
    })
}

fn correct(time: &mut Timestamp, by: &Measured) {
    let (piece, _) = by.piece_at(*time, None, 0);
    *time = time.shifted(by.at(piece, *time).0.negated());
}

fn on_one_clock(mut wire: Vec<Sight>, sensors: &BTreeMap<Sensor, Measured>) -> Vec<Sight> {
    if !sensors.is_empty() {
        let tags: BTreeMap<u64, &Measured> = sensors.iter().map(|(s, m)| (tag(*s), m)).collect();
        for sight in &mut wire {
            if let Some(measured) = tags.get(&sight.from) {
                correct(&mut sight.time, measured);
            }
        }
        wire.sort_unstable();
    }
    wire
}

/// The system clocks: against the captures first, then against hosts that are known by then.
fn systems(
    sights: &BTreeMap<HostId, HostAnchors>,
    wire: &[Sight],
    given: &BTreeMap<HostId, Span>,
) -> BTreeMap<HostId, Known> {
    let mut known: BTreeMap<HostId, Known> = given
        .iter()
        .map(|(id, offset)| (*id, Known::Given(*offset)))
        .collect();
    let mut open: Vec<HostId> = Vec::new();
    for (id, seen) in sights.iter().filter(|(id, _)| !given.contains_key(id)) {
        let (known_as, again) = match measure(&seen.system, wire, &seen.steps) {
            Ok(measured) => (
                Known::Measured(Box::new(measured), Against::Captures),
                false,
            ),
            // What contradicts the captures must not be forced onto another host's clock.
            Err(why) => (
                Known::Undetermined(why),
                matches!(why, Undetermined::NothingShared | Undetermined::TooFew(..)),
            ),
        };
        known.insert(*id, known_as);
        if again && !seen.system.is_empty() {
            open.push(*id);
        }
    }
    if wire.is_empty()
        && given.is_empty()
        && let Some(first) = best_connected(sights)
    {
        known.insert(first, Known::Reference);
        open.retain(|id| *id != first);
    }
    loop {
        let pool = pool(sights, &known);
        let before = open.len();
        open.retain(|id| {
            let seen = &sights[id];
            match measure(&seen.system, &pool, &seen.steps) {
                Ok(mut measured) => {
                    let theirs = known
                        .values()
                        .filter_map(uncertainty_of)
                        .max()
                        .unwrap_or_default();
                    for segment in &mut measured.segments {
                        segment.uncertainty = segment.uncertainty.plus(theirs);
                    }
                    measured.uncertainty = measured.uncertainty.plus(theirs);
                    known.insert(*id, Known::Measured(Box::new(measured), Against::Hosts));
                    false
                }
                Err(_) => true,
            }
        });
        if open.is_empty() || open.len() == before {
            // With nobody to compare it with, the reference is a host like any other.
            let alone = !known.values().any(|k| matches!(k, Known::Measured(..)));
            if alone {
                known
                    .values_mut()
                    .filter(|k| **k == Known::Reference)
                    .for_each(|k| {
                        *k = Known::Undetermined(Undetermined::NothingShared);
                    });
            }
            return known;
        }
    }
}

fn uncertainty_of(known: &Known) -> Option<Span> {
    match known {
        Known::Measured(measured, _) => Some(measured.uncertainty),
        _ => None,
    }
}

/// What measured hosts saw, on the reference clock. Times cut to seconds bind nobody else.
fn pool(sights: &BTreeMap<HostId, HostAnchors>, known: &BTreeMap<HostId, Known>) -> Vec<Sight> {
    let mut pool = Vec::new();
    for (id, how) in known {
        let Some(seen) = sights.get(id).map(|s| &s.system) else {
            continue;
        };
        if grain(seen.iter().map(|s| s.time)) > 1_000_000 {
            continue;
        }
        match how {
            Known::Measured(measured, _) => pool.extend(seen.iter().map(|s| {
                let mut sight = *s;
                correct(&mut sight.time, measured);
                sight
            })),
            Known::Reference => pool.extend_from_slice(seen),
            Known::Given(_) | Known::AsRecorded | Known::Undetermined(_) => {}
        }
    }
    pool.sort_unstable();
    pool
}

/// The host that shares most connections with others.
fn best_connected(sights: &BTreeMap<HostId, HostAnchors>) -> Option<HostId> {
    let mut all: Vec<(u64, HostId)> = sights
        .iter()
        .filter(|(_, seen)| grain(seen.system.iter().map(|s| s.time)) <= 1_000_000)
        .flat_map(|(id, seen)| seen.system.iter().map(|s| (s.key, *id)))
        .collect();
    all.sort_unstable();
    all.dedup();
    let mut shared: BTreeMap<HostId, u64> = BTreeMap::new();
    for same in all
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|same| same.len() > 1)
    {
        for (_, id) in same {
            *shared.entry(*id).or_default() += 1;
        }
    }
    shared
        .into_iter()
        .max_by_key(|(id, n)| (*n, std::cmp::Reverse(*id)))
        .map(|(id, _)| id)
}

/// Sysmon's network clock: against the captures, else against the same host's own rows.
fn network(seen: &HostAnchors, wire: &[Sight]) -> Known {
    if seen.network.is_empty() {
        return Known::Undetermined(Undetermined::NothingShared);
    }
    match measure(&seen.network, wire, &[]) {
        Ok(measured) => Known::Measured(Box::new(measured), Against::Captures),
        Err(why) => match measure(&seen.network, &seen.system, &[]) {
            Ok(measured) => Known::Measured(Box::new(measured), Against::OwnSystem),
            Err(own) => Known::Undetermined(if why == Undetermined::NothingShared {
                own
            } else {
                why
            }),
        },
    }
}

/// A form with local times: against the captures, by the SYNs it names if too few connections
/// agree, else against the same host's own rows.
fn local(local: &LocalAnchors, host: &HostAnchors, wire: &[Sight], exact: &[Sight]) -> Known {
    let why = match measure(&local.sights, wire, &[]) {
        Ok(measured) => return Known::Measured(Box::new(measured), Against::Captures),
        Err(why) => why,
    };
    if let Some(measured) = by_syns(&local.exact, exact) {
        return Known::Measured(Box::new(measured), Against::Captures);
    }
    // It is the same clock, in another zone.
    if let Some(measured) = by_utc(&local.zones, Span::ZERO) {
        return Known::Measured(Box::new(measured), Against::OwnSystem);
    }
    match measure(&local.sights, &host.system, &[]) {
        Ok(measured) => Known::Measured(Box::new(measured), Against::OwnSystem),
        Err(own) if why == Undetermined::NothingShared => Known::Undetermined(own),
        Err(_) => Known::Undetermined(why),
    }
}

/// `HOST@pfirewall` as host and form; `None` for a name alone.
fn whose(name: &str) -> Option<(&str, Timed)> {
    let (host, form) = name.rsplit_once('@')?;
    let timed = Timed::LOCAL.into_iter().find(|t| t.word() == form)?;
    Some((host, timed))
}

/// Names in `choice` that no host has.
pub fn unknown_names<'a>(choice: &'a ClockChoice, identity: &Identity) -> Vec<&'a str> {
    choice
        .given
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| {
            let host = whose(name).map_or(*name, |(host, _)| host);
            identity.called(host).is_none()
        })
        .collect()
}

/// Two names in `choice` that are the same clock, with different offsets: a host by its short and by its
/// whole name.
pub fn given_twice<'a>(choice: &'a ClockChoice, identity: &Identity) -> Option<(&'a str, &'a str)> {
    let clock = |name: &str| {
        let (host, form) = whose(name).map_or((name, None), |(host, form)| (host, Some(form)));
        (identity.called(host), form)
    };
    choice
        .given
        .iter()
        .enumerate()
        .find_map(|(at, (name, offset))| {
            let mut before = choice.given[..at].iter();
            let (other, _) =
                before.find(|(other, held)| clock(other) == clock(name) && held != offset)?;
            Some((other.as_str(), name.as_str()))
        })
}

/// The name of a host, for sentences.
pub fn name_of(id: HostId, identity: &Identity) -> Text {
    identity
        .host(id)
        .map_or_else(|| "a host".into(), |h| h.name.clone())
}
